/* Risk: scenarios to begin with. */

CREATE VIEW rk.risk_standard_scenarios AS
SELECT scenario, factor, shock, probability, description
FROM (VALUES
	('2008 Financial Crisis', 'equity', -0.40::double precision, 0.01::double precision, 'equities and credit of autumn 2008'),
	('2008 Financial Crisis', 'credit_spread', 0.03, 0.01, 'equities and credit of autumn 2008'),
	('2008 Financial Crisis', 'volatility', 1.0, 0.01, 'equities and credit of autumn 2008'),
	('COVID-19 Crash', 'equity', -0.30, 0.02, 'March 2020: equities and rates down, volatility up'),
	('COVID-19 Crash', 'interest_rate', -0.015, 0.02, 'March 2020: equities and rates down, volatility up'),
	('COVID-19 Crash', 'volatility', 2.0, 0.02, 'March 2020: equities and rates down, volatility up'),
	('Equity Crash', 'equity', -0.20, 0.01, 'equities alone'),
	('Rate Shock +200bp', 'interest_rate', 0.02, 0.05, 'rates up in parallel'),
	('Rate Shock -100bp', 'interest_rate', -0.01, 0.05, 'rates down in parallel'),
	('Credit Spread Widening', 'credit_spread', 0.01, 0.03, 'spreads alone'),
	('Stagflation', 'equity', -0.15, 0.03, 'rates and commodities up, equities down'),
	('Stagflation', 'interest_rate', 0.03, 0.03, 'rates and commodities up, equities down'),
	('Stagflation', 'commodity', 0.30, 0.03, 'rates and commodities up, equities down'),
	('Flight to Quality', 'equity', -0.25, 0.02, 'out of equities and credit into government bonds'),
	('Flight to Quality', 'interest_rate', -0.02, 0.02, 'out of equities and credit into government bonds'),
	('Flight to Quality', 'credit_spread', 0.015, 0.02, 'out of equities and credit into government bonds')
) AS s(scenario, factor, shock, probability, description);
COMMENT ON VIEW rk.risk_standard_scenarios IS 'scenarios for rk.risk_stress_testing: shocks of factors and their probabilities';
GRANT SELECT ON rk.risk_standard_scenarios TO PUBLIC;

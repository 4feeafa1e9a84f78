-- Risk kernels: shapes, worked numbers, errors.
SET extra_float_digits = -3;

-- the catalogue knows the shapes
SELECT id, shape FROM rk.kernels WHERE id LIKE 'risk/%' ORDER BY id;
SELECT kernel, kind, name, type, required, default_value, range FROM rk.kernel_columns
WHERE function = 'rk.risk_credit_scoring' AND kind = 'argument' ORDER BY position;

-- credit scoring: a scalar
SELECT * FROM rk.risk_credit_scoring(0.01, 0.45, 1000000.00);
SELECT risk_weight::numeric(8, 4) FROM rk.risk_credit_scoring(0.0003, 0.45, 1000000, basel => 'basel2');
SELECT c, (rk.risk_credit_scoring(0.02, 0.4, 1000, 3, c, 20)).risk_weight
FROM unnest('{corporate,sovereign,bank,financial,sme,residential_mortgage,qualifying_revolving,other_retail}'::text[]) c;
SELECT expected_loss, capital, credit_score FROM rk.risk_credit_scoring(1, 0.45, 100, best_estimate_loss => 0.3);
SELECT rk.risk_credit_scoring(NULL, 0.45, 1) IS NULL AS null_in, rk.risk_credit_scoring(0.1, 0.45, 1, sales => NULL) IS NULL AS null_sales;
SELECT rk.risk_credit_scoring(2, 0.45, 1);
SELECT rk.risk_credit_scoring(0.1, 0.45, -1);
SELECT rk.risk_credit_scoring(0.1, 0.45, 1, asset_class => 'sme');
SELECT rk.risk_credit_scoring(0.1, 0.45, 1, asset_class => 'none');
CREATE TABLE loan (pd float8, lgd float8, ead numeric,
	el numeric GENERATED ALWAYS AS ((rk.risk_credit_scoring(pd, lgd, ead)).expected_loss) STORED);
INSERT INTO loan SELECT i / 1000.0, 0.45, i * 100.25 FROM generate_series(1, 300) i;
SELECT count(*) FROM loan WHERE (rk.risk_credit_scoring(pd, lgd, ead)).risk_weight > 2;
SELECT sum(el) = rk.risk_expected_loss(pd, lgd, ead) AS exact FROM loan;
SELECT rk.execute('risk/credit-scoring', '{"pd": 0.01, "lgd": 0.45, "ead": 100.00}') -> 'rows';
SELECT rk.execute('risk/credit-scoring', '{"pd": null, "lgd": 0.45, "ead": 100.00}') -> 'rows';

-- historical VaR: an aggregate
SELECT rk.risk_historical_var(x), rk.risk_historical_var(x, 0.95), rk.risk_historical_var(x, 0.975, 2)
FROM generate_series(-100, -1) AS g(x);
SELECT rk.risk_historical_expected_shortfall(x), rk.risk_historical_expected_shortfall(x, 0.95), rk.risk_historical_expected_shortfall(x, 0.975)
FROM generate_series(-100, -1) AS g(x);
SELECT rk.risk_historical_var(x) IS NULL AS nothing FROM generate_series(1, 0) AS g(x);
SELECT rk.risk_historical_var(x) FROM (VALUES (NULL::float8), (-3)) v(x);
SELECT rk.risk_historical_var(x, 0.4) FROM generate_series(1, 3) AS g(x);
SELECT rk.risk_historical_var(x, CASE WHEN x > 2 THEN 0.9 ELSE 0.99 END) FROM generate_series(1, 3) AS g(x);
SELECT rk.risk_historical_var(x, NULL) FROM generate_series(1, 3) AS g(x);
SELECT rk.risk_historical_var('NaN'::float8);
SELECT rk.execute('risk/monte-carlo-var_historical_var', '{"pnl": 1}');

-- the same serial, parallel, filtered, moving
CREATE TABLE pnl AS SELECT i, i % 5 AS desk, sin(i * 12.9898) * 1000 AS pnl, 1 + i % 3 AS weight FROM generate_series(1, 20000) i;
ANALYZE pnl;
CREATE TEMP TABLE serial AS SELECT desk, rk.risk_historical_var(pnl, 0.975) AS var, rk.risk_historical_expected_shortfall(pnl, 0.975, weight) AS es,
	rk.risk_historical_var(pnl) FILTER (WHERE i % 2 = 0) AS even FROM pnl GROUP BY desk;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT desk, rk.risk_historical_var(pnl, 0.975) FROM pnl GROUP BY desk;
SELECT desk FROM (SELECT desk, rk.risk_historical_var(pnl, 0.975) AS var, rk.risk_historical_expected_shortfall(pnl, 0.975, weight) AS es,
	rk.risk_historical_var(pnl) FILTER (WHERE i % 2 = 0) AS even FROM pnl GROUP BY desk EXCEPT SELECT * FROM serial) d;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT count(*) AS rows, count(*) FILTER (WHERE moving IS DISTINCT FROM alone) AS differ
FROM (SELECT i, rk.risk_historical_var(pnl, 0.9) OVER (ORDER BY i ROWS 19 PRECEDING) AS moving FROM pnl WHERE i <= 200) w
CROSS JOIN LATERAL (SELECT rk.risk_historical_var(pnl, 0.9) AS alone FROM pnl p WHERE p.i BETWEEN w.i - 19 AND w.i) a;
SELECT i, rk.risk_historical_var(nullif(i, 2), 0.9) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) FROM pnl WHERE i <= 4;

-- portfolio aggregation: a relation
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": "a", "value": 1000000, "volatility": 0.2}, {"id": "b", "value": 500000, "volatility": 0.3}]',
	id_type => NULL::text, correlations => '[{"asset_i": "a", "asset_j": "b", "correlation": 0.5}]') ORDER BY id;
SELECT id, component_var, incremental_var FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 2, "var": 40}]') ORDER BY id;
SELECT id, component_var FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 2, "var": 40}]', method => 'simple_sum') ORDER BY id;
SELECT * FROM rk.risk_portfolio_aggregation('[]');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "value": 5}]');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 1, "var": 40}]');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": -30}]');
SELECT * FROM rk.risk_portfolio_aggregation('SELECT 1 AS id, NULL::numeric AS value, 0.2 AS volatility');
SELECT * FROM rk.risk_portfolio_aggregation('SELECT 1 AS id, ''NaN''::numeric AS value, 0.2 AS volatility');
SELECT * FROM rk.risk_portfolio_aggregation('SELECT 1 AS id, now() AS value, 0.2 AS volatility');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 2, "var": 40}]', correlations => '[{"asset_i": 1, "asset_j": 3, "correlation": 0.5}]');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 2, "var": 40}]',
	correlations => '[{"asset_i": 1, "asset_j": 2, "correlation": 0.5}, {"asset_i": 2, "asset_j": 1, "correlation": 0.6}]');
SELECT * FROM rk.risk_portfolio_aggregation('[{"id": 1, "var": 30}, {"id": 2, "var": 40}, {"id": 3, "var": 40}]', correlations =>
	'[{"asset_i": 1, "asset_j": 2, "correlation": 0.9}, {"asset_i": 2, "asset_j": 3, "correlation": 0.9}, {"asset_i": 1, "asset_j": 3, "correlation": -0.9}]');
SELECT * FROM rk.risk_portfolio_aggregation_summary('[{"id": 1, "value": 1000000, "volatility": 0.2}, {"id": 2, "value": 500000.50, "volatility": 0.3}]',
	'[{"asset_i": 1, "asset_j": 2, "correlation": 0.5}]');
SELECT * FROM rk.risk_portfolio_aggregation_summary('[{"id": 1, "var": 30}, {"id": 2, "var": 40}]');
SELECT * FROM rk.risk_portfolio_aggregation_summary('[]');
-- a hedge: no risk together; without a total there is no beta, and of nothing no negative zero
SELECT id, component_var, marginal_var, beta FROM rk.risk_portfolio_aggregation('[{"id": 1, "value": 0.1, "volatility": 0}, {"id": 2, "value": 0.2, "volatility": 0.25}, {"id": 3, "value": -0.3, "volatility": 0}]') ORDER BY id;
SELECT rk.risk_monte_carlo_var('[{"id": 1, "value": 1, "volatility": 0}]', confidence => 0.9999999, simulations => 1000);
SELECT portfolio_var, undiversified_var > 0 AS alone, total_value FROM rk.risk_portfolio_aggregation_summary(
	'[{"id": 1, "value": 100, "volatility": 0.2}, {"id": 2, "value": -100, "volatility": 0.2}]', '[{"asset_i": 1, "asset_j": 2, "correlation": 1}]');
SELECT asset_i, asset_j, round(covariance::numeric, 6) AS covariance FROM rk.risk_portfolio_covariance(
	'[{"id": "a", "value": 1, "volatility": 1}, {"id": "b", "value": 1, "volatility": 1}, {"id": "c", "value": 1, "volatility": 1}]', id_type => NULL::text, correlations =>
	'[{"asset_i": "a", "asset_j": "b", "correlation": 0.9}, {"asset_i": "b", "asset_j": "c", "correlation": 0.9}, {"asset_i": "a", "asset_j": "c", "correlation": -0.9}]', psd_repair => true) ORDER BY 1, 2;
SELECT (rk.last_run()).details ->> 'repair_distance' LIKE '0.9797958971%' AS distance;

-- Monte-Carlo VaR
CREATE TABLE position (id text, value numeric, volatility float8, expected_return float8);
INSERT INTO position VALUES ('bond', 1000000, 0.05, 0.02), ('stock', 500000.50, 0.25, 0.07), ('short', -200000, 0.3, NULL);
CREATE TABLE correlation (asset_i text, asset_j text, correlation float8);
INSERT INTO correlation VALUES ('bond', 'stock', -0.2), ('short', 'stock', 0.6);
SELECT * FROM rk.risk_monte_carlo_var('position', 'correlation');
UPDATE position SET expected_return = 0 WHERE id = 'short';
SELECT round(var::numeric, 4) AS var, round(expected_shortfall::numeric, 4) AS es, round(var_lower::numeric, 4) AS lower, round(var_upper::numeric, 4) AS upper,
	round(mean_pnl::numeric, 4) AS mean, round(std_pnl::numeric, 4) AS std, round(parametric_var::numeric, 4) AS parametric, array_length(percentiles, 1) AS percentiles, num_simulations
FROM rk.risk_monte_carlo_var('position', 'correlation', simulations => 20000);
SELECT s, round(var::numeric, 3) AS var, round(expected_shortfall::numeric, 3) AS es FROM unnest('{normal,student_t}'::text[]) d, unnest('{arithmetic,geometric}'::text[]) r, unnest('{pseudo,sobol}'::text[]) s,
	LATERAL rk.risk_monte_carlo_var('position', 'correlation', distribution => d, returns => r, sampling => s, antithetic => s = 'pseudo', simulations => 5000, seed => 7) ORDER BY d, r, s;
-- the parts add up
SELECT r, abs(sum(component_var) - max(v.var)) < 1e-6 AS var, abs(sum(component_expected_shortfall) - max(v.expected_shortfall)) < 1e-6 AS es, sum(value) AS value
FROM unnest('{arithmetic,geometric}'::text[]) r, LATERAL rk.risk_monte_carlo_var_components('position', id_type => NULL::text, correlations => 'correlation', returns => r, simulations => 5000) c,
	LATERAL rk.risk_monte_carlo_var('position', 'correlation', returns => r, simulations => 5000) v GROUP BY r ORDER BY r;
-- the scenarios are those of the VaR, for any number of threads
SET rk.threads = 1;
CREATE TEMP TABLE one AS SELECT * FROM rk.risk_monte_carlo_var_scenarios('position', 'correlation', simulations => 5000);
SET rk.threads = 3;
SELECT count(*) FROM (SELECT * FROM rk.risk_monte_carlo_var_scenarios('position', 'correlation', simulations => 5000) EXCEPT SELECT * FROM one) d;
RESET rk.threads;
SELECT rk.risk_historical_var(pnl) = (SELECT var FROM rk.risk_monte_carlo_var('position', 'correlation', simulations => 5000)) AS same FROM one;
SELECT var, expected_shortfall FROM rk.risk_monte_carlo_var('[]', simulations => 100);
SELECT * FROM rk.risk_monte_carlo_var('position', confidence => 0.5);
SELECT * FROM rk.risk_monte_carlo_var('position', simulations => 99);
SELECT * FROM rk.risk_monte_carlo_var('position', simulations => 100, confidence => 0.999);
SELECT * FROM rk.risk_monte_carlo_var('position', degrees_of_freedom => 2);
SELECT * FROM rk.risk_monte_carlo_var('position', horizon => 0);
SELECT * FROM rk.risk_monte_carlo_var('position', sampling => 'halton');
SELECT * FROM rk.risk_monte_carlo_var('SELECT id, value FROM position');
SET rk.memory_limit = '64MB';
SET rk.device = cpu;
SELECT * FROM rk.risk_monte_carlo_var('position', simulations => 10000000000);
RESET rk.device;
RESET rk.memory_limit;

-- scores
SELECT * FROM rk.risk_credit_score(0.25, 0.6, 0.15, 95, NULL, 1, 0, 15, 1000.00);
SELECT pd, lgd, credit_score, contributions FROM rk.risk_credit_score(0.25, 0.6, 0.15, 95, 4, 1, 0, 15, 1000,
	scorecard => '{"base": 500, "employment_years": [{"max": 2, "points": 10}, {"max": 5, "points": 25}, {"points": 40}], "loan_to_value": [{"points": 30}]}');
CREATE TABLE borrower (id int, loan_to_value float4, credit_utilization numeric, payment_history int, debt_to_income float8,
	recent_inquiries int, delinquencies smallint, credit_history_years float8, ead numeric(12, 2));
INSERT INTO borrower VALUES (1, 0.6, 0.15, 95, 0.25, 1, 0, 15, 1000), (2, NULL, 0.15, 95, 0.25, 1, 0, 15, 1000);
SELECT b.id, round(k.credit_score::numeric, 4) AS score, round(k.lgd::numeric, 4) AS lgd, k.ead FROM borrower b, rk.risk_credit_score(b) k ORDER BY b.id;
SELECT rk.risk_credit_score(r) FROM (SELECT 1 AS loan_to_value) r;
SELECT rk.risk_credit_score(0.25, 0.6, 0.15, 95, 4, 1, 0, 15, 1000, scorecard => '{"income": [{"points": 1}]}');
SELECT rk.risk_credit_score(0.25, 0.6, 0.15, 95, 4, 1, 0, 15, 1000, scorecard => '{"loan_to_value": [{"max": 1, "points": 1}]}');
SELECT rk.risk_credit_score(0.25, 0.6, 0.15, 95, 4, 1, 0, 15, 1000, scorecard => '{"loan_to_value": 3}');
SELECT rk.risk_credit_score(-0.25, 0.6, 0.15, 95, 4, 1, 0, 15, 1000);
SELECT * FROM rk.risk_credit_merton(3, 0.8, 10, 0.05);
-- equity that is worth little beside the debt, and very volatile
SELECT * FROM rk.risk_credit_merton(3, 5, 1000000, 0.05, 30);
SELECT rk.risk_credit_merton(0, 0.8, 10, 0.05);
SELECT rk.risk_credit_merton(3, NULL, 10, 0.05) IS NULL AS nothing;

-- stress testing
SELECT count(*), count(DISTINCT scenario) FROM rk.risk_standard_scenarios;
\set value '[{"id": 1, "value": 1000000}]'
SELECT * FROM rk.risk_stress_testing(:'value', '[{"scenario": "crash", "factor": "stock", "shock": -0.20}]', '[{"id": 1, "factor": "equity", "delta": 1, "gamma": 0.5}]');
SELECT pnl FROM rk.risk_stress_testing(:'value', '[{"scenario": "up", "factor": "rate", "shock": 0.02}]', '[{"id": 1, "factor": "ir", "rho": -5, "convexity": 30}]');
SELECT pnl FROM rk.risk_stress_testing(:'value', '[{"scenario": "wide", "factor": "credit", "shock": 0.01}]', '[{"id": 1, "factor": "credit_spread", "spread_duration": 4}]');
SELECT pnl FROM rk.risk_stress_testing(:'value', '[{"scenario": "calm", "factor": "vol", "shock": 1.0}]', '[{"id": 1, "factor": "volatility", "vega": 50000}]');
SELECT pnl FROM rk.risk_stress_testing(:'value', '[{"scenario": "wait", "factor": "time", "shock": 10}]', '[{"id": 1, "factor": "time", "theta": -12.345}]');
CREATE TABLE asset (id text, value numeric(14, 2), asset_class text);
INSERT INTO asset VALUES ('share', 600000.10, 'equity'), ('bond', 400000, 'interest_rate'), ('loan', 100000, 'credit_spread'), ('gold', -50000, 'commodity');
SELECT * FROM rk.risk_stress_testing('asset', id_type => NULL::text) ORDER BY 1, 2, 3;
SELECT scenario, probability, pnl_impact, round(pnl_impact_ratio::numeric, 8) AS ratio, post_stress_value, is_worst, round(expected_stress_loss::numeric, 4) AS expected
FROM rk.risk_stress_testing_summary('asset');
-- additive over positions and factors, and by id
SELECT (SELECT sum(pnl) FROM rk.risk_stress_testing('asset', id_type => NULL::text)) = (SELECT sum(pnl_impact) FROM rk.risk_stress_testing_summary('asset')) AS adds_up;
SELECT rk.execute('risk/stress-testing', '{"positions": [{"id": 7, "value": 10, "asset_class": "fx"}], "scenarios": [{"scenario": "s", "factor": "currency", "shock": -0.1}]}') -> 'rows';
SELECT rk.execute('risk_reverse_stress', '{"positions": [{"id": 7, "value": 1000000, "asset_class": "equity"}], "sensitivities": null, "factors": [{"factor": "index", "volatility": 0.2}], "target_loss": 190000}') -> 'rows';
SELECT * FROM rk.risk_stress_testing('[]', '[]');
SELECT * FROM rk.risk_stress_testing_summary(:'value', '[{"scenario": "s", "factor": "fx", "shock": 1}]', '[]');
SELECT * FROM rk.risk_stress_testing(:'value');
SELECT * FROM rk.risk_stress_testing(:'value', '[{"scenario": "s", "factor": "stock", "shock": 1}, {"scenario": "s", "factor": "equity", "shock": 2}]', '[]');
SELECT * FROM rk.risk_stress_testing(:'value', '[{"scenario": "s", "factor": "fx", "shock": 1, "probability": 1.5}]', '[]');
SELECT * FROM rk.risk_stress_testing(:'value', '[{"scenario": "s", "factor": "fx", "shock": 1, "probability": 0.5}, {"scenario": "s", "factor": "equity", "shock": 1, "probability": 0.4}]', '[]');
SELECT * FROM rk.risk_stress_testing(:'value', sensitivities => '[{"id": 2, "factor": "fx", "delta": 1}]');
SELECT * FROM rk.risk_stress_testing(:'value', sensitivities => '[{"id": 1, "factor": "fx", "delta": 1}, {"id": 1, "factor": "currency", "delta": 1}]');
\set share '[{"id": 1, "value": 1000000, "asset_class": "equity"}]'
SELECT * FROM rk.risk_reverse_stress(:'share', NULL, '[{"factor": "equity", "volatility": 0.2}]', 190000);
SELECT * FROM rk.risk_reverse_stress(:'share', NULL, '[{"factor": "fx", "volatility": 0.2}]', 190000);
SELECT * FROM rk.risk_reverse_stress(:'share', NULL, '[{"factor": "equity", "volatility": 0.2}]', 0);
SELECT * FROM rk.risk_reverse_stress(:'share', NULL, '[{"factor": "equity", "volatility": 0.2}]', 1, '[{"factor_i": "equity", "factor_j": "oil", "correlation": 0.5}]');

-- correlations
CREATE TABLE tick (asset text, ts date, value float8);
INSERT INTO tick SELECT 'b', date '2024-01-01' + i, sin(i) FROM generate_series(0, 39) i;
INSERT INTO tick SELECT 'a', date '2024-01-01' + i, sin(i + 0.5) FROM generate_series(0, 39) i WHERE i % 7 <> 0;
INSERT INTO tick SELECT 'c', date '2024-01-01' + i, 4.2 FROM generate_series(0, 39) i;
SET timezone = 'UTC';
SELECT asset_i, asset_j, round(correlation::numeric, 9) AS correlation, round(covariance::numeric, 9) AS covariance, num_observations
FROM rk.risk_realtime_correlation('tick', id_type => NULL::text);
SELECT estimator, sync, round(correlation::numeric, 9) AS correlation, num_observations, round(previous_correlation::numeric, 9) AS previous, round(change::numeric, 9) AS change
FROM unnest('{pearson,ewma,spearman,hayashi_yoshida}'::text[]) estimator, unnest('{complete,previous_tick}'::text[]) sync,
	LATERAL rk.risk_realtime_correlation($$SELECT * FROM tick WHERE asset < 'c'$$, id_type => NULL::text, estimator => estimator, sync => sync, min_observations => 10, as_of_previous => '2024-01-20');
SELECT count(*) FROM rk.risk_realtime_correlation('tick', id_type => NULL::text, as_of_previous => '2024-02-05', change_threshold => 0.001);
-- x = (1, -1), y = (1, -1): 1
SELECT correlation FROM rk.risk_realtime_correlation('[{"asset": 1, "ts": "2024-01-01", "value": 1}, {"asset": 2, "ts": "2024-01-01", "value": 1}, {"asset": 1, "ts": "2024-01-02", "value": -1}, {"asset": 2, "ts": "2024-01-02", "value": -1}]', estimator => 'ewma', min_observations => 2);
SELECT * FROM rk.risk_realtime_correlation('[]');
SELECT * FROM rk.risk_realtime_correlation('SELECT 1 AS asset, now() AS ts, 1 AS value UNION ALL SELECT 1, now(), 2');
SELECT * FROM rk.risk_realtime_correlation('[{"asset": 1, "ts": "2024-01-01", "value": 0}, {"asset": 1, "ts": "2024-01-02", "value": 1}]', as_returns => 'log');
SELECT * FROM rk.risk_realtime_correlation('tick', id_type => NULL::text, change_threshold => 0.1);
SELECT * FROM rk.risk_realtime_correlation('tick', id_type => NULL::text, lambda => 1);
SELECT * FROM rk.risk_realtime_correlation('tick', id_type => NULL::text, min_observations => 1);
SELECT * FROM rk.risk_realtime_correlation('SELECT 1 AS asset, ''infinity''::timestamptz AS ts, 1 AS value');
SELECT * FROM rk.risk_realtime_correlation('SELECT 1 AS asset, ''2024-01-01''::text AS ts, 1 AS value');
SELECT rk.correlation_matrix(ARRAY[i, i * i, 1]) FROM generate_series(1, 10) i;
SELECT rk.correlation_matrix(f) IS NULL AS nothing FROM (SELECT ARRAY[1.0::float8] AS f WHERE false) s;
SELECT rk.correlation_matrix(CASE WHEN i > 1 THEN ARRAY[1.0, 2.0]::float8[] ELSE ARRAY[1.0]::float8[] END) FROM generate_series(1, 2) i;
SELECT rk.correlation_matrix(ARRAY[NULL, 1.0]::float8[]);
DROP TABLE loan, pnl, position, correlation, borrower, asset, tick;

-- Risk kernels as rings: replies beside the batch functions, errors, restarts.
\set VERBOSITY default

-- credit scoring
CREATE TABLE loan AS
SELECT 'obligor ' || i AS obligor, 0.004 * i AS pd, 0.45 AS lgd, (123456.78 * i)::numeric AS ead, 'other_retail' AS asset_class
FROM generate_series(1, 5) i;
CALL rk.ring_up('risk/credit-scoring', 'loans', '{"exposures": "loan"}');
SELECT ead, expected_loss, round(rwa, 6) AS rwa, count FROM rk.ring_risk_credit_totals('loans');
SELECT sum(l.ead) AS ead, sum(k.expected_loss) AS expected_loss, sum(k.rwa) AS rwa, count(*)
FROM loan l, rk.risk_credit_scoring(l.pd, l.lgd, l.ead::numeric(20, 6), asset_class => l.asset_class) k;
SELECT q.expected_loss = k.expected_loss, q.rwa = k.rwa, q.risk_weight = k.risk_weight
FROM loan l, rk.risk_credit_scoring(l.pd, l.lgd, l.ead::numeric(20, 6), asset_class => l.asset_class) k,
	rk.ring_risk_credit_score_obligor('loans', l.obligor, l.pd, l.lgd, l.ead, asset_class => l.asset_class) q;
SELECT expected_loss, round(rwa, 4), round(risk_weight::numeric, 10) AS risk_weight
FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1000000, 2.5, 'sme', sales => 20);
SELECT expected_loss, rwa, round(risk_weight::numeric, 10) AS risk_weight
FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1, 0.45, 1000000, best_estimate_loss => 0.3);
SELECT count FROM rk.ring_risk_credit_totals('loans');
SELECT rk.ring_risk_credit_remove('loans', 'new'), rk.ring_risk_credit_remove('loans', 'new');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1000000, asset_class => 'sme');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1.5, 0.45, 1000000);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 'NaN', 0.45, 1000000);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, -1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1, 0);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1, asset_class => 'friends');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', '', 0.01, 0.45, 1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', repeat('x', 41), 0.01, 0.45, 1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1, 1, 90000000000);
SELECT * FROM rk.ring_risk_credit_score_obligor('loans', 'new', 0.2, 1, 90000000000);
SELECT ead, expected_loss, round(rwa, 6) AS rwa, count FROM rk.ring_risk_credit_totals('loans');
SELECT rk.ring_start('risk/credit-scoring', 'q', '{"basel": "basel1"}');
-- rows of a table as messages
SELECT rk.ring_attach('loans', 'loan', '{"type": "CreditSetExposure", "on": ["insert", "update"]}') > 0;
INSERT INTO loan VALUES ('obligor 6', 0.02, 0.4, 1000, 'corporate');
UPDATE loan SET ead = 2000 WHERE obligor = 'obligor 6';
SELECT rk.ring_sync('loans');
SELECT count, ead - 90000000000 AS ead FROM rk.ring_risk_credit_totals('loans');

-- correlations
CREATE TABLE quote AS
SELECT timestamptz '2024-01-01' + t * interval '1 minute' AS ts, a AS asset, 100 + a * 10 + (t * t * (a + 3)) % 17 AS value
FROM generate_series(1, 40) t, generate_series(1, 4) a WHERE (t + a) % 7 <> 0;
CALL rk.ring_up('risk/realtime-correlation', 'corr',
	'{"observations": "SELECT * FROM quote ORDER BY ts, asset", "as_returns": "log", "min_observations": 10, "change_threshold": 0.05}');
SELECT b.asset_i, b.asset_j, b.num_observations = q.num_observations AS same, abs(b.correlation - q.correlation) < 1e-12 AS near
FROM rk.risk_realtime_correlation('quote', as_returns => 'log', min_observations => 10) b,
	rk.ring_risk_correlation_query_pair('corr', b.asset_i::text, b.asset_j::text) q ORDER BY 1, 2;
SELECT asset_j, round(correlation::numeric, 8) AS correlation, num_observations FROM rk.ring_risk_correlation_query_row('corr', '2');
SELECT correlations_updated, change_count, max_change, other_asset FROM rk.ring_risk_correlation_observe('corr', '1', 100, '2024-01-02');
SELECT correlations_updated, change_count, round(max_change::numeric, 8) AS max_change, other_asset
FROM rk.ring_risk_correlation_observe('corr', '3', 200, '2024-01-02');
SELECT * FROM rk.ring_risk_correlation_observe('corr', '3', 200, '2024-01-02');
SELECT * FROM rk.ring_risk_correlation_observe('corr', '3', 200, '2024-01-01');
SELECT * FROM rk.ring_risk_correlation_observe('corr', '3', 0, '2024-01-03');
SELECT * FROM rk.ring_risk_correlation_observe('corr', '3', 'NaN', '2024-01-03');
SELECT * FROM rk.ring_risk_correlation_query_pair('corr', '3', '3');
SELECT * FROM rk.ring_risk_correlation_query_pair('corr', '3', '99');
SELECT * FROM rk.ring_risk_correlation_query_row('corr', '99');
SELECT rk.ring_start('risk/realtime-correlation', 'q', '{"lambda": 1}');
SELECT rk.ring_start('risk/realtime-correlation', 'q', '{"max_assets": 1001}');
-- alerts land in a table
CREATE TABLE jump (asset_i text, asset_j text, previous_correlation float8, correlation float8, ts timestamptz);
SELECT rk.ring_attach('corr', 'quote', '{"type": "CorrelationObserve", "output": {"CorrelationAlert": "jump"}}') > 0;
INSERT INTO quote VALUES ('2024-01-03', 1, 50), ('2024-01-03', 2, 300);
SELECT rk.ring_sync('corr');
SELECT asset_i, asset_j, round(previous_correlation::numeric, 8) AS previous, round(correlation::numeric, 8) AS correlation, ts FROM jump;

-- portfolios
CREATE TABLE position AS SELECT * FROM (VALUES ('bund', 1000000.00, 0.2), ('dax', 500000, 0.3)) p(asset, value, volatility);
CALL rk.ring_up('risk/portfolio-aggregation', 'desk', '{"positions": "position",
	"correlations": "SELECT ''dax'' AS asset_i, ''bund'' AS asset_j, 0.5 AS correlation"}');
SELECT round(portfolio_var::numeric, 6) AS portfolio_var, round(portfolio_expected_shortfall::numeric, 6) AS expected_shortfall,
	round(undiversified_var::numeric, 6) AS undiversified_var, round(diversification_benefit::numeric, 6) AS benefit
FROM rk.ring_risk_portfolio_query('desk');
SELECT b.id, abs(b.standalone_var - c.standalone_var) < 1e-6 AS standalone, abs(b.component_var - c.component_var) < 1e-6 AS component,
	abs(b.marginal_var - c.marginal_var) < 1e-12 AS marginal, abs(b.incremental_var - c.incremental_var) < 1e-6 AS incremental,
	abs(b.share - c.share) < 1e-12 AS share, abs(b.beta - c.beta) < 1e-12 AS beta
FROM rk.risk_portfolio_aggregation('SELECT asset AS id, value, volatility FROM position', NULL::text,
		correlations => 'SELECT ''dax'' AS asset_i, ''bund'' AS asset_j, 0.5 AS correlation') b,
	rk.ring_risk_portfolio_contributions('desk', b.id) c ORDER BY 1;
SELECT * FROM rk.ring_risk_portfolio_contributions('desk', 'gold');
SELECT round(portfolio_var::numeric, 4) AS portfolio_var, round(delta_var::numeric, 4) AS delta_var
FROM rk.ring_risk_portfolio_set_exposure('desk', 'gold', -200000, 0.15);
SELECT round(portfolio_var::numeric, 4) AS portfolio_var, round(delta_var::numeric, 4) AS delta_var
FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'dax', -0.9);
SELECT round(portfolio_var::numeric, 4) AS portfolio_var FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'bund', 0.9);
SELECT * FROM rk.ring_risk_portfolio_query('desk');
SELECT round(portfolio_var::numeric, 4) AS portfolio_var FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'bund', -0.4);
SELECT round(portfolio_var::numeric, 4) AS portfolio_var FROM rk.ring_risk_portfolio_query('desk', 0.975, 1);
SELECT * FROM rk.ring_risk_portfolio_query('desk', 0.5);
SELECT * FROM rk.ring_risk_portfolio_query('desk', horizon => 0);
SELECT * FROM rk.ring_risk_portfolio_set_exposure('desk', 'gold', 1, -0.1);
SELECT * FROM rk.ring_risk_portfolio_set_exposure('desk', 'gold', 1e12, 0.1);
SELECT * FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'dax', 1.5);
SELECT * FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'gold', 0.5);
SELECT * FROM rk.ring_risk_portfolio_set_correlation('desk', 'gold', 'silver', 0.5);

-- value at risk
CREATE TABLE holding AS
SELECT asset, value, 0.05 AS expected_return, volatility FROM position;
CREATE TABLE correlation AS SELECT 'bund' AS asset_i, 'dax' AS asset_j, 0.5 AS correlation;
CALL rk.ring_up('risk/monte-carlo-var', 'book', '{"positions": "holding", "correlations": "correlation", "simulations": 10000, "seed": 42}');
SELECT abs(q.var - b.parametric_var) < 1e-6 AS parametric, s.var = b.var AS var, s.expected_shortfall = b.expected_shortfall AS shortfall,
	s.var_lower = b.var_lower AS lower, s.var_upper = b.var_upper AS upper, q.is_fresh
FROM rk.risk_monte_carlo_var('SELECT asset AS id, value, expected_return, volatility FROM holding', 'correlation',
		simulations => 10000, seed => 42) b,
	rk.ring_risk_query_var('book') q, rk.ring_risk_recalculate('book') s;
CREATE TABLE alert (severity text, current_var float8, var_limit numeric, breach float8, asset text);
SELECT rk.ring_output('book', 'LimitAlert', 'alert') > 0;
SELECT rk.ring_sync('book') >= 0;
SELECT rk.ring_risk_set_limit('book', 200000);
SELECT rk.ring_risk_update_position('book', 'dax', 500000, 0.05, 0.3) AS same, rk.ring_risk_update_position('book', 'gold', 900000, 0, 0.25) AS other;
SELECT rk.ring_risk_set_correlation('book', 'gold', 'dax', 0.3);
SELECT rk.ring_risk_remove_position('book', 'gold'), rk.ring_risk_remove_position('book', 'gold');
SELECT rk.ring_risk_set_limit('book', 100000);
SELECT rk.ring_risk_set_limit('book');
SELECT rk.ring_sync('book');
SELECT severity, round(current_var) AS current_var, var_limit, round(breach) AS breach, asset FROM alert ORDER BY breach;
SELECT round(var::numeric, 4) AS var, round(expected_shortfall::numeric, 4) AS expected_shortfall FROM rk.ring_risk_query_var('book', 0.975, 1);
SELECT * FROM rk.ring_risk_query_var('book', 1);
SELECT * FROM rk.ring_risk_recalculate('book', 99);
SELECT * FROM rk.ring_risk_recalculate('book', 100, 0.995);
SELECT rk.ring_risk_set_limit('book', 0);
SELECT rk.ring_risk_set_correlation('book', 'gold', 'dax', 0.3);
SELECT rk.ring_start('risk/monte-carlo-var', 'q', '{"degrees_of_freedom": 2}');

-- what tables feed are positions
SELECT rk.ring_load('desk', 'SELECT asset, -value AS value, volatility FROM position');
SELECT round(component_var::numeric, 4) AS component_var FROM rk.ring_risk_portfolio_contributions('desk', 'bund');
SELECT rk.ring_attach('desk', 'position', '{"on": ["update"]}') > 0;
UPDATE position SET value = 2 * value WHERE asset = 'bund';
SELECT rk.ring_sync('desk');
SELECT round(standalone_var::numeric, 4) AS standalone_var FROM rk.ring_risk_portfolio_contributions('desk', 'bund');

-- what they know is there after a restart
CREATE TEMP TABLE sums AS SELECT name, rk.ring_checksum(name) AS checksum FROM rk.rings;
CALL rk.ring_down('loans');
CALL rk.ring_down('corr');
CALL rk.ring_down('desk');
CALL rk.ring_down('book');
SELECT rk.ring_start(kernel, name) FROM rk.ring ORDER BY name;
SELECT name, rk.ring_wait(name) AND rk.ring_checksum(name) = checksum AS same FROM sums ORDER BY name;
SELECT rk.ring_risk_correlation_reset('corr');
CALL rk.ring_down('loans');
CALL rk.ring_down('corr');
CALL rk.ring_down('desk');
CALL rk.ring_down('book');
SELECT count(rk.ring_drop(name)) FROM rk.ring;
DROP TABLE loan, quote, jump, position, holding, correlation, alert;

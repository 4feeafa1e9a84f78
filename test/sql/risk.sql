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
-- a hedge: no risk together
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
SELECT * FROM rk.risk_monte_carlo_var('position', simulations => 10000000000);
RESET rk.memory_limit;
DROP TABLE loan, pnl, position, correlation;

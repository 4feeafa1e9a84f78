-- The temporal rings: volatility after every return, values judged by those before them.
CREATE SCHEMA ring_temporal;
SET search_path = ring_temporal;
SET TimeZone = 'UTC';
SELECT type_id, name, mutating, published, reply_type_id, function FROM rk.message_types
WHERE kernel IN ('temporal/volatility-analysis', 'temporal/anomaly-detection', 'temporal/changepoint-detection') ORDER BY type_id;

-- anomalies: row by row what the batch function says
CREATE TABLE reading AS
SELECT s AS series_id, timestamptz '2024-01-01' + t * interval '1 minute' AS ts,
	10 * s + (t * t * (s + 3)) % 17 + CASE WHEN t % 29 = 0 THEN 60 ELSE 0 END AS value
FROM generate_series(1, 3) s, generate_series(1, 80) t;
CALL rk.ring_up('temporal/anomaly-detection', 'watch', '{"kernel": {"window_size": 12}}');
CREATE TABLE odd (series_id text, ts timestamptz, value float8, score float8, severity int);
CREATE TABLE judged (apply_seq bigint, expected float8, score float8, is_anomaly boolean, lower float8, upper float8, n bigint, in_order boolean);
SELECT rk.ring_output('watch', 'AnomalyAlert', 'ring_temporal.odd') > 0, rk.ring_output('watch', 'AnomalyObserveReply', 'ring_temporal.judged') > 0;
SELECT rk.ring_attach('watch', 'reading', '{"backfill": true}') > 0;
SELECT rk.ring_sync('watch');
SELECT count(*) FROM judged;
SELECT count(*), count(*) FILTER (WHERE is_anomaly) AS anomalies,
	count(*) FILTER (WHERE b.score = j.score AND b.expected IS NOT DISTINCT FROM j.expected AND b.is_anomaly = j.is_anomaly) AS same
FROM (SELECT *, row_number() OVER (ORDER BY series_id, t) FROM rk.temporal_anomaly_detection('SELECT * FROM reading', 'rolling_zscore', window_size => 12)) b
JOIN (SELECT j.expected, j.score, row_number() OVER (ORDER BY apply_seq), j.is_anomaly AS is_anomaly FROM judged j) j USING (row_number, is_anomaly);
SELECT series_id, ts, value, round(score::numeric, 4) AS score, severity FROM odd ORDER BY ts, series_id;
SELECT round(mean::numeric, 6) AS mean, round(stddev::numeric, 6) AS stddev, n, threshold FROM rk.ring_temporal_anomaly_query('watch', 2);
SELECT * FROM rk.ring_temporal_anomaly_query('watch', '99');
-- one by one
SELECT expected, score, is_anomaly, lower, upper, n, in_order FROM rk.ring_temporal_anomaly_observe('watch', 'cpu', 1, '2024-01-01');
SELECT expected, score, is_anomaly, lower, upper, n, in_order FROM rk.ring_temporal_anomaly_observe('watch', 'cpu', 3, '2024-01-02');
SELECT expected, round(score::numeric, 8) AS score, is_anomaly, round(lower::numeric, 8) AS lower, round(upper::numeric, 8) AS upper, n, in_order
FROM rk.ring_temporal_anomaly_observe('watch', 'cpu', 7, '2024-01-01 12:00');
SELECT in_order FROM rk.ring_temporal_anomaly_observe('watch', 'cpu', 2);
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', 'mad', threshold => 2);
SELECT mean, round(stddev::numeric, 8) AS stddev, n, threshold FROM rk.ring_temporal_anomaly_query('watch', 'cpu');
SELECT rk.ring_temporal_anomaly_configure('watch', 'season', 'ewma', window_size => 3, period => 2);
SELECT max(expected) AS expected, max(n) AS n FROM generate_series(1, 40) i, rk.ring_temporal_anomaly_observe('watch', 'season', i % 2 * 10);
SELECT mean, stddev FROM rk.ring_temporal_anomaly_query('watch', 'season');
SELECT score, is_anomaly FROM rk.ring_temporal_anomaly_observe('watch', 'season', 0);
SELECT rk.ring_call('watch', 1144, '{"series_id": "none"}');

-- volatility: what the batch function forecasts from all returns so far
CREATE TABLE price_return AS
SELECT s AS series_id, date '2024-01-01' + t AS ts, round((sin(t * t * (s + 0.3)) * (0.01 + 0.01 * sin(t / 9.0) ^ 2))::numeric, 10)::float8 AS value
FROM generate_series(1, 2) s, generate_series(1, 400) t;
CALL rk.ring_up('temporal/volatility-analysis', 'vol', '{"kernel": {"observations": "SELECT * FROM ring_temporal.price_return ORDER BY ts, series_id"}}');
SELECT b.series_id, abs(b.volatility / q.volatility - 1) < 1e-12 AS same, q.persistence, count(*)
FROM rk.temporal_volatility_analysis('SELECT * FROM price_return', 'ewma', horizon => 1) b,
	rk.ring_temporal_volatility_query('vol', b.series_id::text, 3) q WHERE kind = 'forecast' GROUP BY 1, 2, 3 ORDER BY 1;
SELECT success, round(long_run_variance::numeric, 6) AS long_run_variance, status FROM rk.ring_temporal_volatility_fit('vol', '1');
SELECT q.step, abs(q.forecast / b.volatility - 1) < 1e-9 AS same, persistence < 1 AS stationary
FROM rk.temporal_volatility_analysis('SELECT ts, value FROM price_return WHERE series_id = 1', 'garch', mean => 'zero', horizon => 3) b
JOIN rk.ring_temporal_volatility_query('vol', '1', 3) q ON b.t = 400 + q.step ORDER BY 1;
SELECT success, round(long_run_variance::numeric, 12) AS long_run_variance, status FROM rk.ring_temporal_volatility_set('vol', 'new', 0.00001, '{0.1}', '{0.8}');
SELECT round(volatility::numeric, 8) AS volatility, round(variance::numeric, 12) AS variance, count FROM rk.ring_temporal_volatility_update('vol', 'new', 0.05, '2024-01-01');
SELECT round(volatility::numeric, 8) AS volatility, round(persistence::numeric, 8) AS persistence, step, round(forecast::numeric, 8) AS forecast
FROM rk.ring_temporal_volatility_query('vol', 'new', 4);
SELECT round(variance::numeric, 12) AS variance, round(volatility::numeric, 8) AS volatility FROM rk.ring_temporal_volatility_ewma('vol', 'new', 0.02, 0.5);
SELECT * FROM rk.ring_temporal_volatility_fit('vol', 'new');
SELECT * FROM rk.ring_temporal_volatility_fit('vol', 'none');
SELECT * FROM rk.ring_temporal_volatility_query('vol', 'none');
SELECT rk.ring_call('vol', 1107, '{"series_id": "json", "omega": 0.1, "alpha": [0.1, "0.2"], "beta": []}');
SELECT rk.ring_call('vol', 1107, '{"series_id": "json", "omega": 0.1, "alpha": [0.1, 0.2], "beta": []}')->'success' AS success;
SELECT rk.ring_load('vol', 'SELECT * FROM price_return LIMIT 3');
-- jumps land in a table
CREATE TABLE jump (series_id text, volatility float8, previous float8, ratio float8, ts timestamptz, severity int);
SELECT rk.ring_output('vol', 'VolatilitySpike', 'ring_temporal.jump') > 0;
SELECT count FROM rk.ring_temporal_volatility_update('vol', '2', 0.3, '2025-02-03');
SELECT rk.ring_sync('vol') > 0 AS synced;
SELECT series_id, round(ratio::numeric, 6) AS ratio, round(volatility::numeric, 8) AS volatility, round(previous::numeric, 8) AS previous, ts, severity FROM jump;

-- changes of level: one announcement each, where the batch function finds them
CREATE TABLE level AS
SELECT s AS series_id, timestamptz '2024-01-01' + t * interval '1 minute' AS ts,
	CASE WHEN t <= 60 THEN 0 WHEN t <= 140 THEN 20 * s ELSE -10 END + 5 * sin(t * t * (s + 0.3)) AS value
FROM generate_series(1, 2) s, generate_series(1, 200) t;
CALL rk.ring_up('temporal/changepoint-detection', 'change', '{"kernel": {"warm_up": 15}}');
CREATE TABLE changed (series_id text, at_ts timestamptz, ts timestamptz, probability float8, previous_mean float8, mean float8, run_length bigint);
SELECT rk.ring_attach('change', 'level', '{"backfill": true, "output": {"ChangepointAlert": "ring_temporal.changed"}}') > 0;
SELECT rk.ring_sync('change') > 0 AS synced;
SELECT series_id, at_ts, ts, probability >= 0.5 AS probable, round(previous_mean::numeric) AS previous_mean, round(mean::numeric) AS mean, run_length FROM changed ORDER BY series_id, ts;
SELECT series_id, array_agg(start_ts ORDER BY segment) FILTER (WHERE segment > 1) AS batch
FROM rk.temporal_changepoint_detection('SELECT * FROM level', penalty => 500) GROUP BY 1 ORDER BY 1;
SELECT run_length, round(probability::numeric, 4) AS probability, at_ts, round(mean) AS mean, n FROM rk.ring_temporal_changepoint_query('change', 1);
SELECT * FROM rk.ring_temporal_changepoint_query('change', 'none');
-- one by one: no change before there is a prior
SELECT * FROM rk.ring_temporal_changepoint_observe('change', 'new', 3, '2024-01-01');
SELECT * FROM rk.ring_temporal_changepoint_observe('change', 'new', 3, '2024-01-02');

-- a restart changes nothing
CREATE TEMP TABLE before AS SELECT r, rk.ring_checksum(r) AS sum FROM unnest('{watch,vol,change}'::text[]) r;
SELECT rk.ring_restart(r) FROM unnest('{watch,vol,change}'::text[]) r;
SELECT rk.ring_wait(r) FROM unnest('{watch,vol,change}'::text[]) r;
SELECT r, rk.ring_checksum(r) = sum AS same FROM before;

-- errors
\set VERBOSITY default
SELECT rk.ring_temporal_anomaly_observe('watch', 'cpu', 'NaN');
SELECT rk.ring_temporal_anomaly_observe('watch', 'cpu', 1e101);
SELECT rk.ring_temporal_anomaly_observe('watch', 'cpu', NULL);
SELECT rk.ring_temporal_anomaly_observe('watch', '', 1);
SELECT rk.ring_temporal_anomaly_observe('watch', repeat('x', 41), 1);
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', 'guess');
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', threshold => 0);
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', window_size => 1);
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', period => 1);
SELECT rk.ring_temporal_anomaly_configure('watch', 'cpu', period => 100001);
SELECT rk.ring_temporal_volatility_update('vol', '1', 'Infinity');
SELECT rk.ring_temporal_volatility_ewma('vol', '1', 0.1, 1);
SELECT rk.ring_temporal_volatility_query('vol', '1', 0);
SELECT rk.ring_temporal_volatility_query('vol', '1', 1001);
SELECT rk.ring_temporal_volatility_set('vol', '1', 0, '{0.1}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, '{}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, '{0.2}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, '{-0.2}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, '{0.2,NULL}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, '{0.2,NaN}', '{0.8}');
SELECT rk.ring_temporal_volatility_set('vol', '1', 1, array_fill(0.01, '{21}'), '{}');
SELECT rk.ring_call('vol', 1107, '{"series_id": "json", "omega": 0.1, "alpha": 0.1, "beta": []}');
SELECT rk.ring_call('vol', 1104, '{}');
CALL rk.ring_up('temporal/volatility-analysis', 'bad', '{"kernel": {"lambda": 1}}');
CALL rk.ring_up('temporal/volatility-analysis', 'bad', '{"kernel": {"fit_window": 10}}');
CALL rk.ring_up('temporal/anomaly-detection', 'bad', '{"kernel": {"method": "iqr"}}');
CALL rk.ring_up('temporal/anomaly-detection', 'bad', '{"kernel": {"window_size": 1}}');
SELECT rk.ring_temporal_changepoint_observe('change', 'new', 'NaN');
SELECT rk.ring_temporal_changepoint_observe('change', NULL, 1);
CALL rk.ring_up('temporal/changepoint-detection', 'bad', '{"kernel": {"hazard": 1}}');
CALL rk.ring_up('temporal/changepoint-detection', 'bad', '{"kernel": {"warm_up": 1}}');
CALL rk.ring_up('temporal/changepoint-detection', 'bad', '{"kernel": {"prior_kappa": 0}}');

CALL rk.ring_down('watch');
CALL rk.ring_down('change');
CALL rk.ring_down('vol');
SELECT rk.ring_drop('watch'), rk.ring_drop('vol'), rk.ring_drop('change');
SET client_min_messages = warning;
DROP SCHEMA ring_temporal CASCADE;

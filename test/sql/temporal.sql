-- Temporal kernels: series, worked numbers, errors.
SET extra_float_digits = -3;
SET timezone = 'UTC';

SELECT id, shape FROM rk.kernels WHERE id LIKE 'temporal/%' ORDER BY id;

CREATE TABLE reading (sensor text, ts date, value numeric);
INSERT INTO reading SELECT s, date '2024-01-01' + i, CASE WHEN i < 5 THEN 1 WHEN i < 10 THEN 5 ELSE 2 END + CASE s WHEN 'b' THEN 10 ELSE 0 END
FROM generate_series(0, 14) i, (VALUES ('b'), ('a')) v (s);

-- change points
SELECT segment, start_t, end_t, start_ts::date, end_ts::date, n, mean, variance, gain, p_value, total_cost
FROM rk.temporal_changepoint_detection('SELECT ts, value FROM reading WHERE sensor = ''a''', penalty => 21.6);
SELECT series_id, segment, start_t, mean FROM rk.temporal_changepoint_detection('SELECT sensor AS series_id, ts, value FROM reading',
	id_type => NULL::text, penalty => 21.6) ORDER BY 1, 2;
SELECT penalty, method, array_agg(start_t ORDER BY start_t) FROM (VALUES ('pelt', 21.7), ('binseg', 21), ('binseg', 20)) v (method, penalty),
	rk.temporal_changepoint_detection('{1,1,1,1,1,5,5,5,5,5,2,2,2,2,2}'::float8[], method => v.method, penalty => v.penalty) GROUP BY 1, 2 ORDER BY 2, 1;
SELECT segment, start_t FROM rk.temporal_changepoint_detection('SELECT t, ARRAY[t / 4, t / 8] AS features FROM generate_series(1, 12) t', method => 'opt', n_changepoints => 2);
-- nothing, one row, a constant
SELECT * FROM rk.temporal_changepoint_detection('{}'::float8[]);
SELECT segment, n, mean, variance, total_cost FROM rk.temporal_changepoint_detection('{3}'::float8[]);
SELECT segment, n, mean, variance, total_cost FROM rk.temporal_changepoint_detection(array_fill(3::float8, ARRAY[50]));
SELECT count(*) FROM rk.temporal_changepoint_detection('SELECT 1 AS t, 1 AS value WHERE false');
SELECT rk.execute('temporal/changepoint-detection', '{"series": [{"t": 1, "value": 1}, {"t": 2, "value": 1}, {"t": 3, "value": 9}, {"t": 4, "value": 9}], "method": "opt", "n_changepoints": 1}') -> 'rows' -> 1 -> 'start_t';
-- errors
SELECT * FROM rk.temporal_changepoint_detection('SELECT 1 AS value');
SELECT * FROM rk.temporal_changepoint_detection('SELECT 1 AS t');
SELECT * FROM rk.temporal_changepoint_detection('SELECT 1 AS t, 1 AS value UNION ALL SELECT 1, 2');
SELECT * FROM rk.temporal_changepoint_detection('SELECT 1 AS t, NULL::float8 AS value');
SELECT * FROM rk.temporal_changepoint_detection('SELECT 1 AS t, ''NaN''::float8 AS value');
SELECT * FROM rk.temporal_changepoint_detection('{1,NULL}'::float8[]);
SELECT * FROM rk.temporal_changepoint_detection('{1,Infinity}'::float8[]);
SELECT * FROM rk.temporal_changepoint_detection(NULL::float8[]);
SELECT * FROM rk.temporal_changepoint_detection('{1,2}'::float8[], penalty => 1, n_changepoints => 1);
SELECT * FROM rk.temporal_changepoint_detection('{1,2}'::float8[], n_changepoints => 1);
SELECT * FROM rk.temporal_changepoint_detection('{1,2}'::float8[], method => 'opt');
SELECT * FROM rk.temporal_changepoint_detection('{1,2}'::float8[], cost => 'linear');
SELECT * FROM rk.temporal_changepoint_detection('{-1,2}'::float8[], cost => 'poisson');
SELECT * FROM rk.temporal_changepoint_detection('SELECT t, ARRAY[1, t] AS features FROM generate_series(1, 4) t', cost => 'l1');
SELECT * FROM rk.temporal_changepoint_detection('SELECT t, array_fill(1.0, ARRAY[t]) AS features FROM generate_series(1, 4) t');

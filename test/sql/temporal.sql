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

-- seasons: worked numbers, period from the distance of months, gaps
SELECT t, value, trend, seasonal, residual, weight, seasonals FROM rk.temporal_seasonal_decomposition(
	'SELECT i AS t, i AS value FROM generate_series(1, 12) i', period => 4, method => 'classical') ORDER BY t;
CREATE TABLE monthly AS SELECT (date '2020-01-31' + i * interval '1 month')::date AS ts, 10 + i + (i % 12) % 5 AS value FROM generate_series(0, 35) i;
UPDATE monthly SET ts = date_trunc('month', ts) + interval '1 month - 1 day';
SELECT count(*), bool_and(abs(value - trend - seasonal - residual) < 1e-12) AS adds_up, max(trend_strength)::numeric(6, 4) AS trend, max(seasonal_strength)::numeric(6, 4) AS season
FROM rk.temporal_seasonal_decomposition('monthly');
SELECT t, ts::date, value FROM rk.temporal_seasonal_decomposition('SELECT * FROM monthly WHERE ts <> ''2021-02-28''', fill => 'linear') WHERE t BETWEEN 13 AND 15 ORDER BY t;
SELECT * FROM rk.temporal_seasonal_decomposition('SELECT * FROM monthly WHERE ts <> ''2021-02-28''');
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3}'::float8[], period => 2);
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3}'::float8[]);
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,0,4}'::float8[], period => 2, model => 'multiplicative');
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3,4}'::float8[], period => 2, seasonal_window => 8);
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3,4}'::float8[], period => 4, trend_window => 3);
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3,4}'::float8[], periods => '{2}');
SELECT * FROM rk.temporal_seasonal_decomposition('{1,2,3,4}'::float8[], method => 'mstl');
SELECT * FROM rk.temporal_seasonal_decomposition('monthly', frequency => '1 month 2 days');
SELECT count(*) FROM rk.temporal_seasonal_decomposition('{}'::float8[], period => 2);

-- trends
SELECT m, array_agg(trend::numeric(9, 6) ORDER BY t) FROM unnest('{sma,ema,cma,lowess,holt,hp,savgol,linear}'::text[]) WITH ORDINALITY u (m, o),
	rk.temporal_trend_extraction('{2,4,5,4,5,7,8}'::float8[], method => m, alpha => 0.5, beta => 0.5, lambda => 100) GROUP BY m, o ORDER BY o;
SELECT * FROM rk.temporal_trend_extraction('{2,4}'::float8[], boundary => 'null');
SELECT * FROM rk.temporal_trend_extraction('{2,4}'::float8[], method => 'lowess', window_size => 1);
SELECT * FROM rk.temporal_trend_extraction('{2,4}'::float8[], method => 'savgol', window_size => 4);
SELECT t, value, trend FROM rk.temporal_trend_extraction('SELECT t, nullif(t, 2) AS value FROM generate_series(1, 4) t', fill => 'locf', window_size => 2);
SELECT * FROM rk.temporal_trend_extraction('SELECT t, nullif(t, 1) AS value FROM generate_series(1, 4) t', fill => 'locf');

-- anomalies
SELECT t, expected, score, is_anomaly, lower, upper FROM rk.temporal_anomaly_detection('{1,2,3,4,5,6,7,8,100}'::float8[], method => 'iqr') WHERE t >= 8;
SELECT t, expected, score, is_anomaly FROM rk.temporal_anomaly_detection('{4,4,4,9,4}'::float8[], window_size => 3);
SELECT method, array_agg(t ORDER BY t) FROM unnest('{zscore,mad,iqr,moving_average,seasonal_esd,stl}'::text[]) method,
	rk.temporal_anomaly_detection('SELECT t, t % 6 + CASE WHEN t IN (20, 33) THEN 40 ELSE 0 END + sin(t) AS value FROM generate_series(1, 60) t',
		method => method, period => 6, direction => 'up') WHERE is_anomaly GROUP BY method ORDER BY method;
SELECT t, value, score FROM rk.temporal_anomaly_detection('SELECT t, nullif(t, 2) AS value FROM generate_series(1, 3) t');
SELECT * FROM rk.temporal_anomaly_detection('{1,2}'::float8[], method => 'stl', period => 2);
SELECT * FROM rk.temporal_anomaly_detection('{1,2}'::float8[], method => 'stl');

-- volatility: aggregates
SELECT rk.parkinson_volatility(110, 100)::numeric(9, 8), rk.garman_klass_volatility(100, 110, 100, 105)::numeric(9, 8), rk.rogers_satchell_volatility(100, 110, 100, 105)::numeric(9, 8);
SELECT rk.realized_volatility(x) AS realized, rk.ewma_volatility(x, 0.5 ORDER BY x) AS ewma, rk.yang_zhang_volatility(x, x, x, x ORDER BY x) FROM generate_series(1, 2) x;
SELECT x, rk.realized_volatility(x) OVER (ORDER BY x ROWS 1 PRECEDING)::numeric(6, 4) FROM generate_series(1, 4) x;
SELECT rk.realized_volatility(x) FROM generate_series(1, 0) x;
SELECT rk.garman_klass_volatility(100, 99, 98, 100);
SELECT rk.parkinson_volatility(100, 0);
SELECT rk.ewma_volatility(1, 1.5);

-- volatility: models of series
SELECT t, variance, volatility, var::numeric(6, 4) FROM rk.temporal_volatility_analysis('{1,-1,2}'::float8[], model => 'ewma', lambda => 0.5, horizon => 1);
SELECT t, kind, value, volatility::numeric(9, 8) FROM rk.temporal_volatility_analysis('SELECT 1 AS t, 100 AS open, 110 AS high, 100 AS low, 105 AS close', model => 'garman_klass', horizon => 1);
CREATE TABLE daily_return AS SELECT CASE s WHEN 1 THEN 'moving' WHEN 2 THEN 'short' ELSE 'flat' END AS series_id, date '2024-01-01' + i AS ts,
	CASE s WHEN 3 THEN 0.5 ELSE sin(i * i) * (1 + sin(i / 20.0) ^ 2) END AS value
FROM generate_series(1, 3) s, generate_series(1, 300) i WHERE s <> 2 OR i <= 10;
SELECT series_id, status, mu::numeric(6, 3), alpha[1]::numeric(6, 3), beta[1]::numeric(6, 3), log_likelihood::numeric(9, 2), persistence::numeric(6, 3),
	half_life::numeric(6, 1), array_length(std_errors, 1) AS errors, n
FROM rk.temporal_garch_fit('daily_return', id_type => NULL::text) ORDER BY 1;
SELECT series_id, t, ts::date, kind, volatility::numeric(6, 3) FROM rk.temporal_volatility_analysis('daily_return', id_type => NULL::text, model => 'gjr', horizon => 2)
WHERE kind = 'forecast' ORDER BY 1, 2;
SELECT gamma, nu > 2 AS nu, skew BETWEEN -1 AND 1 AS skew, ar1 IS NOT NULL AS ar1, array_length(std_errors, 1) AS errors
FROM rk.temporal_garch_fit('SELECT * FROM daily_return WHERE series_id = ''moving''', id_type => NULL::text, distribution => 'skewt', mean => 'ar1');
SELECT * FROM rk.temporal_garch_fit('{1,2}'::float8[], p => 0);
SELECT * FROM rk.temporal_garch_fit('{1,2}'::float8[], model => 'arch', o => 1);
SELECT * FROM rk.temporal_garch_fit('{1,2}'::float8[], p => 21);
SELECT * FROM rk.temporal_volatility_analysis('{1,2}'::float8[], lambda => 1);
SELECT * FROM rk.temporal_volatility_analysis('{1,2}'::float8[], model => 'parkinson');
SELECT * FROM rk.temporal_volatility_analysis('SELECT 1 AS t, 1 AS high, 2 AS low', model => 'parkinson');
SELECT * FROM rk.temporal_volatility_analysis('SELECT 1 AS t, 1 AS high, 2 AS low', model => 'yang_zhang');
SELECT * FROM rk.temporal_volatility_analysis('SELECT 1 AS t, 1 AS high, 2 AS low');

-- ARIMA
SELECT t, kind, value, expected, std_error, lower, upper, residual FROM rk.temporal_arima_forecast('{1,3,4,7}'::float8[], p => 0, q => 0, trend => 'drift', horizon => 2);
CREATE TABLE volume AS SELECT CASE s WHEN 1 THEN 'season' WHEN 2 THEN 'short' ELSE 'flat' END AS series_id, (date '2020-01-01' + i * interval '1 month')::date AS ts,
	CASE s WHEN 3 THEN 7 ELSE 50 + i + 10 * sin(i * pi() / 6) + 2 * sin(i * i) END AS value, (i % 5)::float8 AS x_promotion
FROM generate_series(1, 3) s, generate_series(0, 59) i WHERE s <> 2 OR i < 3;
SELECT series_id, status, orders, ma[1]::numeric(6, 2), seasonal_ma[1]::numeric(6, 2), log_likelihood::numeric(9, 2), aic::numeric(9, 2), xreg, n
FROM rk.temporal_arima_fit('SELECT series_id, ts, value FROM volume', id_type => NULL::text, p => 0, seasonal_order => '{0,1,1,12}') ORDER BY 1;
SELECT series_id, t, ts::date, kind, expected::numeric(9, 1), (upper - lower)::numeric(9, 1) AS width
FROM rk.temporal_arima_forecast('SELECT series_id, ts, value FROM volume', id_type => NULL::text, p => 0, seasonal_order => '{0,1,1,12}', horizon => 2)
WHERE kind = 'forecast' ORDER BY 1, 2;
SELECT orders[2], orders[5], orders[7], status FROM rk.temporal_arima_fit('SELECT ts, value FROM volume WHERE series_id = ''season''', auto => true);
SELECT orders, xreg[1]::numeric(6, 1), array_length(std_errors, 1) FROM rk.temporal_arima_fit('SELECT ts, value + 3 * x_promotion AS value, x_promotion FROM volume WHERE series_id = ''season''', d => 0, seasonal_order => '{0,1,0,12}');
SELECT t, value, expected::numeric(9, 2), lower::numeric(9, 2) FROM rk.temporal_arima_forecast('SELECT t, exp(t) AS value FROM generate_series(1, 5) t', p => 0, q => 0, trend => 'drift', box_cox => 0, horizon => 1);
-- a gap, and rows to be forecast
SELECT t, value, expected::numeric(6, 2) FROM rk.temporal_arima_forecast('SELECT t, CASE WHEN t NOT IN (4, 9) THEN t + t % 2 END AS value FROM generate_series(1, 9) t WHERE t <> 6', p => 0, q => 0, horizon => 2) ORDER BY t;
SELECT * FROM rk.temporal_arima_forecast('SELECT t, CASE WHEN t < 9 THEN t END AS value, 1.0 / t AS x_a FROM generate_series(1, 9) t', p => 0, q => 0, horizon => 2);
SELECT t, expected::numeric(6, 2) FROM rk.temporal_arima_forecast('SELECT t, CASE WHEN t < 9 THEN 3 + 2 * sin(t) + t % 2 * 0.1 END AS value, sin(t) AS x_a FROM generate_series(1, 9) t', p => 0, d => 0, q => 0, horizon => 1) WHERE kind = 'forecast';
SELECT * FROM rk.temporal_arima_forecast('SELECT t, t AS value, nullif(t, 3) AS x_a FROM generate_series(1, 9) t', horizon => 0);
SELECT * FROM rk.temporal_arima_fit('{1,2}'::float8[], seasonal_order => '{1,1,1}');
SELECT * FROM rk.temporal_arima_fit('{1,2}'::float8[], seasonal_order => '{1,2,1,4}');
SELECT * FROM rk.temporal_arima_fit('{1,2}'::float8[], trend => 'mean');
SELECT * FROM rk.temporal_arima_fit('{1,2}'::float8[], trend => 'drift', d => 0);
SELECT * FROM rk.temporal_arima_fit('{1,2}'::float8[], p => 21);
SELECT * FROM rk.temporal_arima_fit('{1,-2}'::float8[], box_cox => 0.5);
SELECT status, orders, ar FROM rk.temporal_arima_fit('{1,2}'::float8[]);

-- trend, seasons, holidays
SELECT t, kind, value, expected::numeric(6, 2), seasonal, components, trend_lower IS NOT NULL AS bounds, residual::numeric(6, 3)
FROM rk.temporal_prophet_decomposition('{1,2,3,4,5,6}'::float8[], horizon => 2, n_changepoints => 2) WHERE t > 4;
CREATE TABLE page_view AS SELECT 'page' AS series_id, date '2024-01-01' + i AS ts, 100 + i + 10 * sin(2 * pi() * i / 7) + CASE WHEN i IN (20, 50) THEN 30 ELSE 0 END AS value,
	300 AS cap FROM generate_series(0, 69) i;
SELECT ts::date, kind, expected::numeric(9, 0), trend::numeric(9, 0), (lower < expected AND expected < upper) AS inside, round(holiday_effect) AS holiday, jsonb_object_agg(key, round(part.value::numeric)) AS components
FROM rk.temporal_prophet_decomposition('SELECT ts, value FROM page_view', horizon => 2,
	holidays => 'SELECT ''sale'' AS holiday, date ''2024-01-01'' + i AS ts FROM unnest(''{20,50,71}''::int[]) i') p, jsonb_each(p.components) part
WHERE t IN (21, 22, 71, 72) GROUP BY t, ts, kind, expected, trend, lower, upper, holiday_effect ORDER BY t;
SELECT max(trend)::numeric(9, 0) < 300 AS below_cap, count(*) FROM rk.temporal_prophet_decomposition('SELECT ts, value, cap FROM page_view', growth => 'logistic', horizon => 100);
SELECT count(*), count(upper), count(expected) FROM rk.temporal_prophet_decomposition('page_view', id_type => NULL::text, uncertainty_samples => 0, horizon => 5, seasonality_mode => 'multiplicative');
SELECT array_agg(DISTINCT key) FROM rk.temporal_prophet_decomposition('SELECT ts, value, extract(day FROM ts) AS x_rest FROM page_view', horizon => 0, weekly => '2', period => 10,
	seasonalities => '[{"name": "month", "period": 30.5, "fourier_order": 2, "prior_scale": 5, "mode": "multiplicative"}]') p, jsonb_object_keys(components) key;
SELECT t, expected FROM rk.temporal_prophet_decomposition('SELECT 1 AS t, 2 AS value', horizon => 1);
SELECT * FROM rk.temporal_prophet_decomposition('SELECT ts, value FROM page_view', growth => 'logistic');
SELECT * FROM rk.temporal_prophet_decomposition('SELECT ts, value, 100 AS cap, 100 AS floor FROM page_view', growth => 'logistic');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', weekly => 'sometimes');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', weekly => '101');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '{}');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '[1]');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '[{"period": 1}]');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '[{"name": "a", "period": -1, "fourier_order": 1}]');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '[{"name": "a", "period": 1}]');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', seasonalities => '[{"name": "a", "period": 1, "fourier_order": 1, "prior_scale": 0}]');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', id_type => NULL::text, holidays => 'SELECT 1 AS ts');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', id_type => NULL::text, holidays => 'SELECT ''a'' AS holiday, date ''2024-01-01'' AS ts, 1 AS lower_window');
SELECT * FROM rk.temporal_prophet_decomposition('SELECT ts, value, value AS x_a FROM page_view');
SELECT * FROM rk.temporal_prophet_decomposition('page_view', changepoint_prior_scale => 0);
-- times may be whole numbers; the windows of a season that follows from the times are checked like those of a given one
SELECT t, ts, trend FROM rk.temporal_trend_extraction('SELECT 10 * i AS ts, i * i AS value FROM generate_series(1, 6) i WHERE i <> 3', fill => 'linear');
SELECT t, ts, trend FROM rk.temporal_trend_extraction('[{"ts": 2, "value": 3}, {"ts": 1, "value": 1}]', window_size => 2);
SELECT t, ts IS NULL AS no_ts FROM rk.temporal_trend_extraction('SELECT 2 AS t, timestamptz ''2024-01-01'' AS ts, 1 AS value', window_size => 1);
SELECT * FROM rk.temporal_trend_extraction('SELECT ''a''::text AS ts, 1 AS value');
SELECT * FROM rk.temporal_trend_extraction('SELECT ''a''::text AS t, 1 AS value');
SELECT count(*) FROM rk.temporal_seasonal_decomposition('SELECT date ''2020-01-01'' + i * interval ''1 month'' AS ts, i % 12 AS value FROM generate_series(0, 47) i', trend_window => 11);
SELECT count(*) FROM rk.temporal_seasonal_decomposition('SELECT date ''2020-01-01'' + i * interval ''1 month'' AS ts, i % 12 AS value FROM generate_series(0, 47) i', trend_window => 13, low_pass_window => 13);
SELECT count(*) FROM rk.temporal_seasonal_decomposition('SELECT i AS t, i % 12 AS value FROM generate_series(0, 47) i', method => 'mstl', periods => '{4,12}', low_pass_window => 5);
SELECT * FROM rk.temporal_trend_extraction('[1, 2, 4]');
SELECT t, ts, value FROM rk.temporal_trend_extraction('[{"series_id": 1, "ts": "2024-01-01", "t": 3, "value": 4}]', window_size => 1);
SELECT * FROM rk.risk_portfolio_aggregation('[1]');

/*
 * messages.c
 *	  The messages of the temporal actors.
 */
#include "temporal_ring.h"

#define SERIES(record) RK_FIELD(record, series_id, RK_FIELD_ANY_ID,.meaning = "the series, as text 40 bytes at most")
#define TIME(record) RK_FIELD(record, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "when; NULL: when it was sent")
#define NULLABLE(record, field, words) RK_FIELD(record, field, RK_FIELD_FLOAT8,.initial = "NULL",.meaning = words)

static const rk_field series_name[] = {
	SERIES(rk_series_name),
	{0}
};

/* ---- temporal/volatility-analysis ---- */

#define VOLATILITY "temporal/volatility-analysis"

static const rk_field return_request[] = {
	SERIES(rk_series_value),
	RK_FIELD(rk_series_value, value, RK_FIELD_FLOAT8,.meaning = "its return"),
	TIME(rk_series_value),
	{0}
};

static const rk_field volatility_reply[] = {
	NULLABLE(rk_volatility_reply, volatility, "forecast for the next return; NULL below two returns"),
	NULLABLE(rk_volatility_reply, variance, "its square"),
	RK_FIELD(rk_volatility_reply, count, RK_FIELD_INT8,.meaning = "returns of the series so far"),
	{0}
};

static const rk_field volatility_query[] = {
	SERIES(rk_volatility_query),
	RK_FIELD(rk_volatility_query, horizon, RK_FIELD_INT4,.initial = "10",.min = 1,.max = 1000,
			 .meaning = "returns to look ahead, up to 1000"),
	{0}
};

static const rk_field volatility_answer[] = {
	RK_FIELD(rk_volatility_answer, volatility, RK_FIELD_FLOAT8,.meaning = "forecast for the next return"),
	RK_FIELD(rk_volatility_answer, persistence, RK_FIELD_FLOAT8,.meaning = "sum of alpha and beta; 1 without coefficients"),
	{0}
};

static const rk_field volatility_step[] = {
	RK_FIELD(rk_volatility_step, step, RK_FIELD_INT4,.meaning = "1 for the next return, and so on"),
	RK_FIELD(rk_volatility_step, forecast, RK_FIELD_FLOAT8,.meaning = "its volatility"),
	{0}
};

static const rk_field ewma_request[] = {
	SERIES(rk_ewma_request),
	RK_FIELD(rk_ewma_request, value, RK_FIELD_FLOAT8,.meaning = "its return"),
	RK_FIELD(rk_ewma_request, lambda, RK_FIELD_FLOAT8,.initial = "0.94",.meaning = "weight that the past keeps, above 0 and below 1"),
	TIME(rk_ewma_request),
	{0}
};

static const rk_field ewma_reply[] = {
	NULLABLE(rk_ewma_reply, variance, "by exponential weights, whatever the coefficients; NULL below two returns"),
	NULLABLE(rk_ewma_reply, volatility, "its root"),
	{0}
};

static const char *const model_statuses[] = {"ok", "too_short", "constant", "not_converged", "unknown_series", NULL};

static const rk_field coefficients_request[] = {
	SERIES(rk_coefficients_request),
	RK_FIELD(rk_coefficients_request, omega, RK_FIELD_FLOAT8,.meaning = "constant of the variance, above 0"),
	RK_FIELD(rk_coefficients_request, alpha, RK_FIELD_FLOAT8_ARRAY,.meaning = "weights of squared returns, newest first, 1 to 20"),
	RK_FIELD(rk_coefficients_request, beta, RK_FIELD_FLOAT8_ARRAY,.meaning = "weights of variances, newest first, up to 20; all weights add up to less than 1"),
	{0}
};

static const rk_field coefficients_reply[] = {
	RK_FIELD(rk_coefficients_reply, success, RK_FIELD_BOOLEAN,.meaning = "whether the series has new coefficients"),
	NULLABLE(rk_coefficients_reply, long_run_variance, "what forecasts end at; NULL: there is none"),
	RK_FIELD(rk_coefficients_reply, status, RK_FIELD_CODE,.choices = model_statuses,
			 .meaning = "why a fit has failed: too_short below 50 returns, constant if they are equal, not_converged, unknown_series; else ok"),
	{0}
};

static const rk_field spike_record[] = {
	SERIES(rk_volatility_spike),
	RK_FIELD(rk_volatility_spike, volatility, RK_FIELD_FLOAT8,.meaning = "forecast after the return"),
	RK_FIELD(rk_volatility_spike, previous, RK_FIELD_FLOAT8,.meaning = "forecast before it"),
	RK_FIELD(rk_volatility_spike, ratio, RK_FIELD_FLOAT8,.meaning = "of both"),
	RK_FIELD(rk_volatility_spike, ts, RK_FIELD_TIME,.meaning = "of the return"),
	RK_FIELD(rk_volatility_spike, severity, RK_FIELD_INT2,.meaning = "1 for a ratio from 1.5, 2 from 2, 3 from 3"),
	{0}
};

const rk_message_type rk_temporal_volatility_messages[] = {
	{
		.type_id = 1100,
		.reply_id = 1101,
		.name = "VolatilityUpdate",
		.kernel = VOLATILITY,
		.function = "ring_temporal_volatility_update",
		.description = "hands a return to a temporal/volatility-analysis ring and returns the volatility after it",
		.mutating = true,
		.request = return_request,
		.request_size = sizeof(rk_series_value),
		.reply = volatility_reply,
		.reply_size = sizeof(rk_volatility_reply)
	},
	{
		.type_id = 1102,
		.reply_id = 1103,
		.name = "VolatilityQuery",
		.kernel = VOLATILITY,
		.function = "ring_temporal_volatility_query",
		.description = "volatilities to come in a temporal/volatility-analysis ring; no row for a series it does not know, or with fewer than two returns and no coefficients",
		.request = volatility_query,
		.request_size = sizeof(rk_volatility_query),
		.reply = volatility_answer,
		.reply_size = sizeof(rk_volatility_answer),
		.rows = volatility_step,
		.row_size = sizeof(rk_volatility_step)
	},
	{
		.type_id = 1104,
		.name = "VolatilitySpike",
		.kernel = VOLATILITY,
		.description = "a return that has raised the volatility of its series by half or more",
		.request = spike_record,
		.request_size = sizeof(rk_volatility_spike),
		.published = true
	},
	{
		.type_id = 1105,
		.reply_id = 1106,
		.name = "VolatilityEwma",
		.kernel = VOLATILITY,
		.function = "ring_temporal_volatility_ewma",
		.description = "hands a return to a temporal/volatility-analysis ring, with a weight of its own, and returns the volatility by exponential weights",
		.mutating = true,
		.request = ewma_request,
		.request_size = sizeof(rk_ewma_request),
		.reply = ewma_reply,
		.reply_size = sizeof(rk_ewma_reply)
	},
	{
		.type_id = 1107,
		.reply_id = 1108,
		.name = "VolatilitySet",
		.kernel = VOLATILITY,
		.function = "ring_temporal_volatility_set",
		.description = "gives a series of a temporal/volatility-analysis ring, which may be new, the coefficients of a GARCH process",
		.mutating = true,
		.request = coefficients_request,
		.request_size = sizeof(rk_coefficients_request),
		.reply = coefficients_reply,
		.reply_size = sizeof(rk_coefficients_reply)
	},
	{
		.type_id = 1109,
		.reply_id = 1108,
		.name = "VolatilityFit",
		.kernel = VOLATILITY,
		.function = "ring_temporal_volatility_fit",
		.description = "fits the coefficients of a series of a temporal/volatility-analysis ring to its last returns by maximum likelihood; it stays as it is where that fails",
		.mutating = true,
		.request = series_name,
		.request_size = sizeof(rk_series_name),
		.reply = coefficients_reply,
		.reply_size = sizeof(rk_coefficients_reply)
	},
	{0}
};

/* ---- temporal/anomaly-detection ---- */

#define ANOMALY "temporal/anomaly-detection"

static const char *const watch_methods[] = {"zscore", "mad", "ewma", NULL};
static const char *const found_statuses[] = {"ok", "unknown_series", NULL};

static const rk_field value_request[] = {
	SERIES(rk_series_value),
	RK_FIELD(rk_series_value, value, RK_FIELD_FLOAT8,.meaning = "the observation"),
	TIME(rk_series_value),
	{0}
};

static const rk_field anomaly_reply[] = {
	NULLABLE(rk_anomaly_reply, expected, "what the values before it let expect; NULL: too few"),
	RK_FIELD(rk_anomaly_reply, score, RK_FIELD_FLOAT8,.meaning = "distance from it in units of the spread; 0 when too few came before"),
	RK_FIELD(rk_anomaly_reply, is_anomaly, RK_FIELD_BOOLEAN,.meaning = "whether score is above the threshold"),
	NULLABLE(rk_anomaly_reply, lower, "lower end of the band that is no anomaly"),
	NULLABLE(rk_anomaly_reply, upper, "its upper end"),
	RK_FIELD(rk_anomaly_reply, n, RK_FIELD_INT8,.meaning = "values of the series so far"),
	RK_FIELD(rk_anomaly_reply, in_order, RK_FIELD_BOOLEAN,.meaning = "false: a value of a later ts had come before"),
	{0}
};

static const rk_field settings_request[] = {
	SERIES(rk_anomaly_settings),
	RK_FIELD(rk_anomaly_settings, method, RK_FIELD_CODE,.initial = "NULL",.choices = watch_methods,
			 .meaning = "mean and standard deviation, median and median absolute deviation, or mean and variance with falling weights; NULL: as it is"),
	NULLABLE(rk_anomaly_settings, threshold, "score above which a value is an anomaly; NULL: as it is"),
	RK_FIELD(rk_anomaly_settings, window_size, RK_FIELD_INT4,.initial = "NULL",
			 .meaning = "values that the next one is judged by, 2 to 100000; NULL: as it is"),
	RK_FIELD(rk_anomaly_settings, period, RK_FIELD_INT4,.initial = "NULL",
			 .meaning = "values in a season, 2 to 100000, or 0; another one begins the series anew; NULL: as it is"),
	{0}
};

static const rk_field settings_reply[] = {
	RK_FIELD(rk_anomaly_applied, applied, RK_FIELD_BOOLEAN,.meaning = "true"),
	{0}
};

static const rk_field anomaly_state[] = {
	NULLABLE(rk_anomaly_state, mean, "what the next value is expected to be: mean or median; NULL: too few values"),
	NULLABLE(rk_anomaly_state, stddev, "the spread it is judged by; of mad the median distance / 0.6745"),
	RK_FIELD(rk_anomaly_state, n, RK_FIELD_INT8,.meaning = "values of the series so far"),
	NULLABLE(rk_anomaly_state, threshold, "score above which it is an anomaly"),
	RK_FIELD(rk_anomaly_state, status, RK_FIELD_CODE,.choices = found_statuses,.meaning = "whether there is such a series"),
	{0}
};

static const rk_field anomaly_alert[] = {
	SERIES(rk_anomaly_alert),
	RK_FIELD(rk_anomaly_alert, ts, RK_FIELD_TIME,.meaning = "of the value"),
	RK_FIELD(rk_anomaly_alert, value, RK_FIELD_FLOAT8,.meaning = "the value"),
	RK_FIELD(rk_anomaly_alert, score, RK_FIELD_FLOAT8,.meaning = "its score"),
	RK_FIELD(rk_anomaly_alert, severity, RK_FIELD_INT2,.meaning = "1; 2 from 1.5 times the threshold, 3 from twice"),
	{0}
};

const rk_message_type rk_temporal_anomaly_messages[] = {
	{
		.type_id = 1140,
		.reply_id = 1141,
		.name = "AnomalyObserve",
		.kernel = ANOMALY,
		.function = "ring_temporal_anomaly_observe",
		.description = "hands a value to a temporal/anomaly-detection ring and returns how it fits those before it",
		.mutating = true,
		.request = value_request,
		.request_size = sizeof(rk_series_value),
		.reply = anomaly_reply,
		.reply_size = sizeof(rk_anomaly_reply)
	},
	{
		.type_id = 1142,
		.reply_id = 1143,
		.name = "AnomalyConfigure",
		.kernel = ANOMALY,
		.function = "ring_temporal_anomaly_configure",
		.description = "says how a series of a temporal/anomaly-detection ring, which may be new, is watched",
		.mutating = true,
		.request = settings_request,
		.request_size = sizeof(rk_anomaly_settings),
		.reply = settings_reply,
		.reply_size = sizeof(rk_anomaly_applied)
	},
	{
		.type_id = 1144,
		.reply_id = 1145,
		.name = "AnomalyQuery",
		.kernel = ANOMALY,
		.function = "ring_temporal_anomaly_query",
		.description = "what the next value of a series in a temporal/anomaly-detection ring is judged by; no row for a series it does not know",
		.request = series_name,
		.request_size = sizeof(rk_series_name),
		.reply = anomaly_state,
		.reply_size = sizeof(rk_anomaly_state),
		.found = "status"
	},
	{
		.type_id = 1146,
		.name = "AnomalyAlert",
		.kernel = ANOMALY,
		.description = "a value that does not fit those before it in a temporal/anomaly-detection ring",
		.request = anomaly_alert,
		.request_size = sizeof(rk_anomaly_alert),
		.published = true
	},
	{0}
};

/* ---- temporal/changepoint-detection ---- */

#define CHANGEPOINT "temporal/changepoint-detection"

static const rk_field changepoint_reply[] = {
	RK_FIELD(rk_changepoint_reply, changed, RK_FIELD_BOOLEAN,.meaning = "whether a change is announced, once for each"),
	RK_FIELD(rk_changepoint_reply, run_length, RK_FIELD_INT8,.meaning = "values of the present run, the newest included: the most probable one, or the one that is announced"),
	RK_FIELD(rk_changepoint_reply, probability, RK_FIELD_FLOAT8,.meaning = "that a run has begun since the last announcement; 0 during the warm-up"),
	RK_FIELD(rk_changepoint_reply, at_ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "ts of its first value"),
	NULLABLE(rk_changepoint_reply, mean, "its level"),
	RK_FIELD(rk_changepoint_reply, n, RK_FIELD_INT8,.meaning = "values of the series so far"),
	{0}
};

static const rk_field changepoint_state[] = {
	RK_FIELD(rk_changepoint_state, run_length, RK_FIELD_INT8,.meaning = "values of the most probable run"),
	RK_FIELD(rk_changepoint_state, probability, RK_FIELD_FLOAT8,.meaning = "that a run has begun since the last announcement"),
	RK_FIELD(rk_changepoint_state, at_ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "ts of the first value of the most probable run"),
	NULLABLE(rk_changepoint_state, mean, "its level"),
	RK_FIELD(rk_changepoint_state, n, RK_FIELD_INT8,.meaning = "values of the series so far"),
	RK_FIELD(rk_changepoint_state, status, RK_FIELD_CODE,.choices = found_statuses,.meaning = "whether there is such a series"),
	{0}
};

static const rk_field changepoint_alert[] = {
	SERIES(rk_changepoint_alert),
	RK_FIELD(rk_changepoint_alert, at_ts, RK_FIELD_TIME,.meaning = "of the first value of the new run"),
	RK_FIELD(rk_changepoint_alert, ts, RK_FIELD_TIME,.meaning = "of the value that made it probable enough"),
	RK_FIELD(rk_changepoint_alert, probability, RK_FIELD_FLOAT8,.meaning = "of a new run"),
	NULLABLE(rk_changepoint_alert, previous_mean, "level before"),
	RK_FIELD(rk_changepoint_alert, mean, RK_FIELD_FLOAT8,.meaning = "level since"),
	RK_FIELD(rk_changepoint_alert, run_length, RK_FIELD_INT8,.meaning = "values since"),
	{0}
};

const rk_message_type rk_temporal_changepoint_messages[] = {
	{
		.type_id = 1120,
		.reply_id = 1121,
		.name = "ChangepointObserve",
		.kernel = CHANGEPOINT,
		.function = "ring_temporal_changepoint_observe",
		.description = "hands a value to a temporal/changepoint-detection ring and returns how long the present run of its series is, and whether that is new",
		.mutating = true,
		.request = value_request,
		.request_size = sizeof(rk_series_value),
		.reply = changepoint_reply,
		.reply_size = sizeof(rk_changepoint_reply)
	},
	{
		.type_id = 1122,
		.reply_id = 1123,
		.name = "ChangepointQuery",
		.kernel = CHANGEPOINT,
		.function = "ring_temporal_changepoint_query",
		.description = "the present run of a series in a temporal/changepoint-detection ring; no row for a series it does not know",
		.request = series_name,
		.request_size = sizeof(rk_series_name),
		.reply = changepoint_state,
		.reply_size = sizeof(rk_changepoint_state),
		.found = "status"
	},
	{
		.type_id = 1124,
		.name = "ChangepointAlert",
		.kernel = CHANGEPOINT,
		.description = "a change of level or spread in a series of a temporal/changepoint-detection ring",
		.request = changepoint_alert,
		.request_size = sizeof(rk_changepoint_alert),
		.published = true
	},
	{0}
};

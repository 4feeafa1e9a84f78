/*
 * descriptors.c
 *	  The kernels that forecast series, as data.
 */
#include "../relations.h"

/* ---- temporal/arima-forecast ---- */

static const rk_relation_column arima_series_columns[] = {
	SERIES_COLUMNS,
	{"value", NULL, RK_TYPE_FLOAT8, false, "the observation; NULL: missing, or to be forecast after the last one"},
	{0}
};

static const rk_relation arima_series = {
	.name = "series",
	.columns = arima_series_columns,
	.open = true,
	.example = "SELECT branch AS series_id, month AS ts, volume AS value FROM monthly_volume"
};

static const char *const trends[] = {"auto", "none", "mean", "drift", NULL};
static const char *const arima_methods[] = {"css", "ml", "css-ml", NULL};
static const char *const criteria[] = {"aic", "aicc", "bic", NULL};

#define ARIMA_PARAMS \
	SERIES_PARAM(arima_series), \
	{.name = "p", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 20), .meaning = "autoregressive terms"}, \
	{.name = "d", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 2), .meaning = "differences"}, \
	{.name = "q", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 20), .meaning = "moving-average terms"}, \
	{.name = "seasonal_order", .type = RK_TYPE_INT4_ARRAY, .initial = "NULL", RK_AT_LEAST(0), \
	 .meaning = "P, D, Q and the period s: '{0,1,1,12}'; P and Q up to 3, D up to 1, s from 2 to 1000"}

#define ARIMA_OPTIONS \
	{.name = "trend", .type = RK_TYPE_TEXT, .initial = "'auto'", .choices = trends, \
	 .meaning = "mean (of series that are not differenced), drift (of those differenced once), none; auto: the mean if d + D = 0"}, \
	{.name = "method", .type = RK_TYPE_TEXT, .initial = "'css-ml'", .choices = arima_methods, \
	 .meaning = "ml: exact likelihood; css-ml: the same, from a start by Hannan and Rissanen too; css: conditional sum of squares"}, \
	{.name = "auto", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "pick orders (Hyndman, Khandakar 2008); p, d, q and all of seasonal_order but s do not count then"}, \
	{.name = "information_criterion", .type = RK_TYPE_TEXT, .initial = "'aicc'", .choices = criteria, \
	 .meaning = "auto: what is to be smallest"}, \
	{.name = "max_p", .type = RK_TYPE_INT4, .initial = "5", RK_BETWEEN(0, 20), .meaning = "auto: largest p"}, \
	{.name = "max_q", .type = RK_TYPE_INT4, .initial = "5", RK_BETWEEN(0, 20), .meaning = "auto: largest q"}, \
	{.name = "box_cox", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_BETWEEN(-2, 2), \
	 .meaning = "fit (value^lambda - 1) / lambda with this lambda, 0 being the logarithm"}, \
	FREQUENCY_PARAM

static const rk_function arima_functions[] = {
	{
		.suffix = "",
		.description = "forecasts of series by seasonal ARIMA models with regressors, and intervals",
		.params = (const rk_param[]) {
			ARIMA_PARAMS,
			HORIZON_PARAM("10"),
			CONFIDENCE_PARAM("0.95", "of the interval from lower to upper"),
			ARIMA_OPTIONS,
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN, KIND_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the observation; NULL where it is missing and for forecasts"},
			{"expected", RK_TYPE_FLOAT8, "given what was before; NULL where nothing was"},
			{"std_error", RK_TYPE_FLOAT8, "of expected; with box_cox of what was transformed"},
			{"lower", RK_TYPE_FLOAT8, "of the interval"},
			{"upper", RK_TYPE_FLOAT8, "of the interval"},
			{"residual", RK_TYPE_FLOAT8, "value - expected"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ITERATIONS,
		.array_form = true
	},
	{
		.suffix = "_fit",
		.sql_name = "temporal_arima_fit",
		.description = "estimates of seasonal ARIMA models of series with standard errors and criteria",
		.params = (const rk_param[]) {
			ARIMA_PARAMS,
			ARIMA_OPTIONS,
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, STATUS_COLUMN,
			{"orders", RK_TYPE_INT4_ARRAY, "p, d, q, P, D, Q, s"},
			{"ar", RK_TYPE_FLOAT8_ARRAY, "weights of values before; NULL without a fit, as all estimates"},
			{"ma", RK_TYPE_FLOAT8_ARRAY, "weights of shocks before"},
			{"seasonal_ar", RK_TYPE_FLOAT8_ARRAY, "weights of values seasons before"},
			{"seasonal_ma", RK_TYPE_FLOAT8_ARRAY, "weights of shocks seasons before"},
			{"intercept", RK_TYPE_FLOAT8, "the mean, or the drift of a position; NULL without one"},
			{"xreg", RK_TYPE_FLOAT8_ARRAY, "weights of regressors, in the order of their columns"},
			{"std_errors", RK_TYPE_FLOAT8_ARRAY, "of the estimates in the order of these columns; NULL where there are none"},
			{"sigma2", RK_TYPE_FLOAT8, "variance of shocks"},
			{"log_likelihood", RK_TYPE_FLOAT8, "of the differenced series"},
			{"aic", RK_TYPE_FLOAT8, "Akaike's criterion, sigma2 counted as a parameter"},
			{"aicc", RK_TYPE_FLOAT8, "the same, corrected for short series"},
			{"bic", RK_TYPE_FLOAT8, "Schwarz's criterion"},
			{"ljung_box_p", RK_TYPE_FLOAT8, "p value of residuals being uncorrelated; NULL where the series is too short"},
			{"n", RK_TYPE_INT8, "values that make up the likelihood"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_ITERATIONS,
		.array_form = true
	},
	{0}
};

const rk_kernel rk_temporal_forecast_kernels[] = {
	{
		.id = "temporal/arima-forecast",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BATCH,
		.description = "ARIMA model forecasting",
		.notes = "Signs are those of R and statsmodels: x_t = ar x_{t-1} + e_t + ma e_{t-1}. The exact Gaussian likelihood of the "
		"differenced series is maximised, with models kept stationary and invertible. Missing values go through a Kalman filter. "
		"Columns whose names start with x_ are regressors; for forecasts they are taken from rows with value NULL after the last "
		"value. auto tests differences by KPSS at 5 % and takes a seasonal one where the season's strength is above 0.64; its "
		"period comes from seasonal_order or the distance of times (month 12, quarter 4, day 7, hour 24, minute 60). Series that cannot "
		"be fitted have a status, and a notice says how many there are.",
		.license_feature = "TemporalAnalysis.ARIMAForecast",
		.expected_throughput = 1000,
		.target_latency_us = 1000,
		.functions = arima_functions
	},
	{0}
};

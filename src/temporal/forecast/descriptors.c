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
	 .meaning = "css-ml and ml: exact likelihood, from the start of Hannan and Rissanen and from small coefficients, ml from these first; css: conditional sum of squares"}, \
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

/* ---- temporal/prophet-decomposition ---- */

static const rk_relation_column prophet_series_columns[] = {
	SERIES_COLUMNS,
	{"value", "y", RK_TYPE_FLOAT8, false, "the observation; NULL: missing, or to be forecast after the last one"},
	{"cap", NULL, RK_TYPE_FLOAT8, false, "growth logistic: what value tends to; after the last value the last one goes on"},
	{"floor", NULL, RK_TYPE_FLOAT8, false, "growth logistic: what it cannot be below; not there: 0"},
	{0}
};

static const rk_relation prophet_series = {
	.name = "series",
	.columns = prophet_series_columns,
	.open = true,
	.example = "SELECT page AS series_id, day AS ts, views AS value FROM page_view"
};

static const rk_relation_column holiday_columns[] = {
	{"holiday", NULL, RK_TYPE_TEXT, true, "its name: what has one name has one effect"},
	{"ts", "ds", RK_TYPE_DATE, true, "its day"},
	{"lower_window", NULL, RK_TYPE_INT4, false, "days before that have an effect of their own, 0 or below", RK_COLUMN_RANGE(RK_BETWEEN(-366, 0))},
	{"upper_window", NULL, RK_TYPE_INT4, false, "days after that have one, 0 or above", RK_COLUMN_RANGE(RK_BETWEEN(0, 366))},
	{"prior_scale", NULL, RK_TYPE_FLOAT8, false, "instead of holidays_prior_scale", RK_COLUMN_RANGE(RK_ABOVE(0))},
	{0}
};

static const rk_relation holidays = {
	.name = "holidays",
	.columns = holiday_columns,
	.example = "SELECT name AS holiday, day AS ts FROM bank_holiday"
};

static const char *const growths[] = {"linear", "logistic", "flat", NULL};
static const char *const season_modes[] = {"additive", "multiplicative", NULL};

#define BUILT_IN_SEASON(of, when) \
	{.name = of, .type = RK_TYPE_TEXT, .initial = "'auto'", \
	 .meaning = "auto: " when "; on, off, or the order of its Fourier series"}

static const rk_function prophet_functions[] = {
	{
		.suffix = "",
		.description = "trend with changes, seasons, holidays and regressors of series, and their forecasts",
		.params = (const rk_param[]) {
			SERIES_PARAM(prophet_series),
			HORIZON_PARAM("30"),
			{.name = "growth", .type = RK_TYPE_TEXT, .initial = "'linear'", .choices = growths,
			.meaning = "the trend: lines with changes of slope, logistic curves, or a constant"},
			{.name = "period", .type = RK_TYPE_INT4, .initial = "NULL", RK_BETWEEN(2, 1000000),
			.meaning = "positions of a season, of series without a calendar"},
			BUILT_IN_SEASON("yearly", "from 730 days on"),
			BUILT_IN_SEASON("weekly", "from 14 days on, at distances below 7 days"),
			BUILT_IN_SEASON("daily", "from 2 days on, at distances below a day"),
			{.name = "seasonalities", .type = RK_TYPE_JSONB, .initial = "NULL",
			.meaning = "more: an array of objects with name, period (days), fourier_order, and optionally prior_scale and mode"},
			{.name = "seasonality_mode", .type = RK_TYPE_TEXT, .initial = "'additive'", .choices = season_modes,
			.meaning = "whether seasons, holidays and regressors add to the trend or multiply it"},
			{.name = "seasonality_prior_scale", .type = RK_TYPE_FLOAT8, .initial = "10", RK_ABOVE(0), .meaning = "larger: wider seasons"},
			{.name = "n_changepoints", .type = RK_TYPE_INT4, .initial = "25", RK_BETWEEN(0, 1000),
			.meaning = "where the slope may change, evenly placed"},
			{.name = "changepoint_range", .type = RK_TYPE_FLOAT8, .initial = "0.8", RK_BETWEEN(0, 1),
			.meaning = "in which first part of the history"},
			{.name = "changepoint_prior_scale", .type = RK_TYPE_FLOAT8, .initial = "0.05", RK_ABOVE(0),
			.meaning = "larger: more changes"},
			{.name = "holidays", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &holidays, .meaning = "days with an effect"},
			{.name = "holidays_prior_scale", .type = RK_TYPE_FLOAT8, .initial = "10", RK_ABOVE(0),
			.meaning = "of holidays and regressors"},
			CONFIDENCE_PARAM("0.8", "of the intervals"),
			{.name = "uncertainty_samples", .type = RK_TYPE_INT4, .initial = "1000", RK_BETWEEN(0, 100000),
			.meaning = "paths of the trend to come that intervals are taken from; 0: no intervals of forecasts"},
			FREQUENCY_PARAM,
			SEED_PARAM("of the paths"),
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN, KIND_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the observation; NULL where it is missing and for forecasts"},
			{"expected", RK_TYPE_FLOAT8, "trend and all components together"},
			{"lower", RK_TYPE_FLOAT8, "of the interval of values"},
			{"upper", RK_TYPE_FLOAT8, "of the interval of values"},
			{"trend", RK_TYPE_FLOAT8, "the trend alone"},
			{"trend_lower", RK_TYPE_FLOAT8, "of its interval, which past trends do not have"},
			{"trend_upper", RK_TYPE_FLOAT8, "of its interval"},
			{"seasonal", RK_TYPE_FLOAT8, "all seasons together, in units of the value"},
			{"components", RK_TYPE_JSONB, "each season, the holidays and each regressor, in units of the value"},
			{"holiday_effect", RK_TYPE_FLOAT8, "the holidays; NULL without any"},
			{"residual", RK_TYPE_FLOAT8, "value - expected"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
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
	{
		.id = "temporal/prophet-decomposition",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BATCH,
		.description = "Prophet-style decomposition",
		.notes = "The model of Taylor, Letham 2018 and its maximum a posteriori, which is found to the end: noise and coefficients "
		"take turns, changes of slope being chosen by an active set. Times are those of the session's time zone; series ordered by t "
		"have no seasons but the one of period. Columns whose names start with x_ are regressors; for forecasts they are taken "
		"from rows with value NULL after the last value. They are centred and scaled, unless they are 0 and 1. Intervals of "
		"forecasts come from paths with changes of slope as frequent and as large as those found.",
		.license_feature = "TemporalAnalysis.ProphetDecomposition",
		.expected_throughput = 100,
		.target_latency_us = 10000,
		.functions = prophet_functions
	},
	{0}
};

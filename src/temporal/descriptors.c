/*
 * descriptors.c
 *	  The temporal kernels as data: relations, parameters, results, documentation.
 */
#include "relations.h"

/* ---- relations ---- */

static const rk_relation_column changepoint_series_columns[] = {
	SERIES_COLUMNS,
	{"value", NULL, RK_TYPE_FLOAT8, false, "the observation", .not_null = true},
	{"features", NULL, RK_TYPE_FLOAT8_ARRAY, false, "several numbers instead of value", .not_null = true},
	{0}
};

static const rk_relation changepoint_series = {
	.name = "series",
	.columns = changepoint_series_columns,
	.example = "SELECT sensor AS series_id, ts, value FROM reading"
};

/* ---- temporal/seasonal-decomposition ---- */

static const char *const decompose_methods[] = {"stl", "classical", "mstl", NULL};
static const char *const models[] = {"additive", "multiplicative", NULL};

static const rk_function seasonal_functions[] = {
	{
		.suffix = "",
		.description = "trend, season and remainder of series",
		.params = (const rk_param[]) {
			SERIES_PARAM(rk_value_series),
			{.name = "period", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(2),
			.meaning = "positions in a season; NULL: by the distance: month 12, quarter 4, day 7, hour 24, minute 60"},
			{.name = "periods", .type = RK_TYPE_INT4_ARRAY, .initial = "NULL", RK_AT_LEAST(2), .meaning = "several, for method mstl"},
			{.name = "method", .type = RK_TYPE_TEXT, .initial = "'stl'", .choices = decompose_methods,
			.meaning = "stl: loess; classical: moving average and means by phase; mstl: stl of several periods"},
			{.name = "model", .type = RK_TYPE_TEXT, .initial = "'additive'", .choices = models,
			.meaning = "whether the parts add up or multiply to the value"},
			{.name = "robust", .type = RK_TYPE_BOOLEAN, .initial = "false", .meaning = "stl: outliers count less"},
			{.name = "seasonal_window", .type = RK_TYPE_INT4, .initial = "7", RK_AT_LEAST(3),
			.meaning = "stl: how many seasons the season is smoothed over, odd, 7 or more advised; mstl: 4 i more for the i-th period"},
			{.name = "trend_window", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(3),
			.meaning = "stl: odd, above period; NULL: the smallest that 1.5 period / (1 - 1.5 / seasonal_window) allows"},
			{.name = "low_pass_window", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(3),
			.meaning = "stl: odd, above period; NULL: the smallest"},
			{.name = "seasonal_degree", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 1), .meaning = "of the local fit"},
			{.name = "trend_degree", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 1), .meaning = "of the local fit"},
			{.name = "low_pass_degree", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 1), .meaning = "of the local fit"},
			{.name = "seasonal_jump", .type = RK_TYPE_INT4, .initial = "1", RK_AT_LEAST(1),
			.meaning = "fit every so many positions, lines between"},
			{.name = "trend_jump", .type = RK_TYPE_INT4, .initial = "1", RK_AT_LEAST(1), .meaning = "the same for the trend"},
			{.name = "low_pass_jump", .type = RK_TYPE_INT4, .initial = "1", RK_AT_LEAST(1), .meaning = "the same for the low pass"},
			{.name = "inner_iterations", .type = RK_TYPE_INT4, .initial = "NULL", RK_BETWEEN(1, 1000),
			.meaning = "NULL: 5, robust 2"},
			{.name = "outer_iterations", .type = RK_TYPE_INT4, .initial = "NULL", RK_BETWEEN(0, 1000),
			.meaning = "NULL: 0, robust 15"},
			FREQUENCY_PARAM,
			FILL_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the observation, filled in where it was missing"},
			{"trend", RK_TYPE_FLOAT8, "NULL at the ends with method classical"},
			{"seasonal", RK_TYPE_FLOAT8, "all seasons together"},
			{"residual", RK_TYPE_FLOAT8, "what is left"},
			{"weight", RK_TYPE_FLOAT8, "robustness weight, 0 to 1; 1 if not robust"},
			{"seasonals", RK_TYPE_FLOAT8_ARRAY, "each season, in the order of the periods"},
			{"trend_strength", RK_TYPE_FLOAT8, "of the series, 0 to 1; NULL where it is too short"},
			{"seasonal_strength", RK_TYPE_FLOAT8, "of the series, 0 to 1"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR,
		.array_form = true
	},
	{0}
};

/* ---- temporal/trend-extraction ---- */

static const char *const trend_methods[] = {"sma", "ema", "cma", "lowess", "holt", "hp", "savgol", "linear", NULL};
static const char *const boundaries[] = {"shrink", "null", NULL};

static const rk_function trend_functions[] = {
	{
		.suffix = "",
		.description = "the trend of series: moving averages, exponential smoothing, local and global fits",
		.params = (const rk_param[]) {
			SERIES_PARAM(rk_value_series),
			{.name = "method", .type = RK_TYPE_TEXT, .initial = "'sma'", .choices = trend_methods,
			.meaning = "sma: trailing mean; ema: exponential; cma: centred mean; lowess: local lines; holt: level and slope; hp: "
			"Hodrick-Prescott; savgol: Savitzky-Golay; linear: one line"},
			{.name = "window_size", .type = RK_TYPE_INT4, .initial = "5", RK_AT_LEAST(1),
			.meaning = "positions, of all but holt, hp, linear; lowess at least 2, savgol odd and above poly_order"},
			{.name = "alpha", .type = RK_TYPE_FLOAT8, .initial = "NULL", .min = 0, .max = 1, .min_open = true,
			.meaning = "weight of the newest value; NULL: ema 2 / (window_size + 1), holt the best"},
			{.name = "beta", .type = RK_TYPE_FLOAT8, .initial = "NULL", .min = 0, .max = 1, .min_open = true,
			.meaning = "holt: weight of the newest slope; NULL: the best"},
			{.name = "lambda", .type = RK_TYPE_FLOAT8, .initial = "1600", RK_AT_LEAST(0),
			.meaning = "hp: smoothness; 1600 for quarters, 129600 for months, 6.25 for years"},
			{.name = "poly_order", .type = RK_TYPE_INT4, .initial = "2", RK_BETWEEN(0, 20), .meaning = "savgol: of the polynomial"},
			{.name = "robust_iterations", .type = RK_TYPE_INT4, .initial = "0", RK_BETWEEN(0, 1000),
			.meaning = "lowess: passes in which outliers count less"},
			{.name = "boundary", .type = RK_TYPE_TEXT, .initial = "'shrink'", .choices = boundaries,
			.meaning = "sma, cma where the window sticks out: shrink averages what is inside, null gives NULL"},
			FREQUENCY_PARAM,
			FILL_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the observation, filled in where it was missing"},
			{"trend", RK_TYPE_FLOAT8, "NULL at the ends with boundary null"},
			{"slope", RK_TYPE_FLOAT8, "per position: the method's own (holt, lowess, linear), else the change of the trend"},
			{"detrended", RK_TYPE_FLOAT8, "value - trend"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR,
		.array_form = true
	},
	{0}
};

/* ---- temporal/anomaly-detection ---- */

static const char *const anomaly_methods[] = {"zscore", "rolling_zscore", "mad", "iqr", "moving_average", "seasonal_esd", "stl", NULL};
static const char *const directions[] = {"both", "up", "down", NULL};

static const rk_function anomaly_functions[] = {
	{
		.suffix = "",
		.description = "observations that do not fit their series, with what was expected and how far off they are",
		.params = (const rk_param[]) {
			SERIES_PARAM(rk_value_series),
			{.name = "method", .type = RK_TYPE_TEXT, .initial = "'zscore'", .choices = anomaly_methods,
			.meaning = "zscore: mean and standard deviation; rolling_zscore: of the values before; mad: median and MAD; iqr: "
			"Tukey's fences; moving_average: off the centred mean; seasonal_esd: Rosner's test without the season; stl: the "
			"remainder by MAD"},
			{.name = "threshold", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_ABOVE(0),
			.meaning = "scores above are anomalies; NULL: 3, mad and stl 3.5, iqr 1.5 (of the fences); not for seasonal_esd"},
			{.name = "window_size", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(2),
			.meaning = "of rolling_zscore, which zscore becomes with it (NULL: 20), and moving_average (NULL: 10)"},
			{.name = "period", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(2), .meaning = "of seasonal_esd and stl"},
			{.name = "significance_level", .type = RK_TYPE_FLOAT8, .initial = "0.05", RK_BETWEEN_OPEN(0, 1),
			.meaning = "of seasonal_esd"},
			{.name = "max_anomalies", .type = RK_TYPE_FLOAT8, .initial = "0.1", RK_BETWEEN_OPEN(0, 0.5),
			.meaning = "of seasonal_esd: share of the values"},
			{.name = "direction", .type = RK_TYPE_TEXT, .initial = "'both'", .choices = directions,
			.meaning = "which deviations are anomalies"},
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the observation"},
			{"expected", RK_TYPE_FLOAT8, "what it should be; NULL where nothing is known yet"},
			{"score", RK_TYPE_FLOAT8, "how far off it is, in units of the spread; Infinity where that is 0"},
			{"is_anomaly", RK_TYPE_BOOLEAN, "whether it is too far off"},
			{"lower", RK_TYPE_FLOAT8, "values below are anomalies"},
			{"upper", RK_TYPE_FLOAT8, "values above are anomalies"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR,
		.array_form = true
	},
	{0}
};

/* ---- temporal/changepoint-detection ---- */

static const char *const changepoint_methods[] = {"pelt", "opt", "binseg", "bottomup", "window", "cusum", NULL};
static const char *const segment_costs[] = {"l2", "l1", "normal", "poisson", "rank", "linear", NULL};

static const rk_function changepoint_functions[] = {
	{
		.suffix = "",
		.description = "change points of series: the segments between which level, spread, rate or slope changes",
		.params = (const rk_param[]) {
			SERIES_PARAM(changepoint_series),
			{.name = "method", .type = RK_TYPE_TEXT, .initial = "'pelt'", .choices = changepoint_methods,
			.meaning = "pelt: the exact minimum for a penalty; opt: the exact minimum for n_changepoints; binseg, bottomup, "
			"window: greedy; cusum: Page's control chart"},
			{.name = "cost", .type = RK_TYPE_TEXT, .initial = "'l2'", .choices = segment_costs,
			.meaning = "of a segment: l2 (mean), l1 (median), normal (mean and variance), poisson (rate), rank (shift without "
			"a model), linear (line)"},
			{.name = "penalty", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0),
			.meaning = "what a change point must take off the costs; cusum: the alarm threshold; NULL: see the notes"},
			{.name = "n_changepoints", .type = RK_TYPE_INT4, .initial = "NULL", RK_BETWEEN(0, 1000000),
			.meaning = "how many to find, instead of penalty; fewer where a series is too short"},
			{.name = "min_segment", .type = RK_TYPE_INT4, .initial = "2", RK_AT_LEAST(1),
			.meaning = "positions that a segment has at least; normal needs 2, linear 3"},
			{.name = "window_size", .type = RK_TYPE_INT4, .initial = "100", RK_AT_LEAST(2), .meaning = "of method window"},
			{.name = "n_permutations", .type = RK_TYPE_INT4, .initial = "0", RK_BETWEEN(0, 1000000),
			.meaning = "shuffles of two neighbouring segments for p_value; 0: none"},
			SEED_PARAM("of the shuffles"),
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN,
			{"segment", RK_TYPE_INT4, "number of the segment, from 1"},
			{"start_t", RK_TYPE_INT8, "its first position; of segments 2 and up a change point"},
			{"end_t", RK_TYPE_INT8, "its last position"},
			{"start_ts", RK_TYPE_TIMESTAMPTZ, "time of start_t; NULL where series are ordered by t"},
			{"end_ts", RK_TYPE_TIMESTAMPTZ, "time of end_t"},
			{"n", RK_TYPE_INT8, "how many positions"},
			{"mean", RK_TYPE_FLOAT8, "of its values; NULL for features"},
			{"variance", RK_TYPE_FLOAT8, "of its values, by n - 1; NULL for features and for one value"},
			{"gain", RK_TYPE_FLOAT8, "what joining it with the segment before would add to the costs; NULL for segment 1"},
			{"p_value", RK_TYPE_FLOAT8, "how often shuffles gain as much; NULL without n_permutations"},
			{"confidence", RK_TYPE_FLOAT8, "1 - p_value"},
			{"total_cost", RK_TYPE_FLOAT8, "costs of all segments of the series, penalties included"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_LINEAR,
		.array_form = true
	},
	{0}
};

/* ---- temporal/volatility-analysis ---- */

static const rk_relation_column volatility_series_columns[] = {
	SERIES_COLUMNS,
	{"value", NULL, RK_TYPE_FLOAT8, false, "the return", .not_null = true},
	{"open", NULL, RK_TYPE_FLOAT8, false, "first price of a bar: models of bars take these instead of value", .not_null = true},
	{"high", NULL, RK_TYPE_FLOAT8, false, "highest price of the bar", .not_null = true},
	{"low", NULL, RK_TYPE_FLOAT8, false, "lowest price of the bar", .not_null = true},
	{"close", NULL, RK_TYPE_FLOAT8, false, "last price of the bar", .not_null = true},
	{0}
};

static const rk_relation volatility_series = {
	.name = "series",
	.columns = volatility_series_columns,
	.example = "SELECT ticker AS series_id, day AS ts, 100 * ln(price / lag(price) OVER (PARTITION BY ticker ORDER BY day)) AS value FROM quote"
};

static const rk_relation_column return_series_columns[] = {
	SERIES_COLUMNS,
	{"value", NULL, RK_TYPE_FLOAT8, false, "the return", .not_null = true},
	{0}
};

static const rk_relation return_series = {
	.name = "series",
	.columns = return_series_columns,
	.example = "SELECT ticker AS series_id, day AS ts, return AS value FROM daily_return"
};

static const char *const volatility_models[] = {
	"garch", "arch", "gjr", "egarch", "ewma", "realized", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang", NULL
};
static const char *const garch_models[] = {"garch", "arch", "gjr", "egarch", NULL};
static const char *const mean_models[] = {"zero", "constant", "ar1", NULL};
static const char *const distributions[] = {"normal", "t", "skewt", NULL};
static const char *const backcasts[] = {"exponential", "mean", NULL};

#define OPEN_PARAM {.name = "open", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "first price of the bar"}
#define HIGH_PARAM {.name = "high", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "highest price"}
#define LOW_PARAM {.name = "low", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "lowest price"}
#define CLOSE_PARAM {.name = "close", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "last price"}
#define RETURN_PARAM {.name = "value", .type = RK_TYPE_FLOAT8, RK_ANY, .meaning = "return; NULL: the row does not count"}
#define GARCH_PARAMS \
	{.name = "p", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 20), .meaning = "lags of squared shocks (alpha)"}, \
	{.name = "q", .type = RK_TYPE_INT4, .initial = "1", RK_BETWEEN(0, 20), .meaning = "lags of the variance (beta); none for arch"}, \
	{.name = "o", .type = RK_TYPE_INT4, .initial = "NULL", RK_BETWEEN(0, 20), \
	 .meaning = "lags of shocks below 0, egarch signed shocks (gamma); NULL: 1 for gjr and egarch, else 0"}, \
	{.name = "mean", .type = RK_TYPE_TEXT, .initial = "'constant'", .choices = mean_models, \
	 .meaning = "of the returns: zero, constant or ar1 (a constant and the return before)"}, \
	{.name = "distribution", .type = RK_TYPE_TEXT, .initial = "'normal'", .choices = distributions, \
	 .meaning = "of the shocks: normal, Student's t or Hansen's skewed t"}, \
	{.name = "backcast", .type = RK_TYPE_TEXT, .initial = "'exponential'", .choices = backcasts, \
	 .meaning = "the variance before the sample: of the first 75 shocks, weights 0.94^i, or the mean square of all"}

static const rk_function volatility_functions[] = {
	{
		.suffix = "",
		.description = "volatility of series, past and to come: GARCH models, exponential weights, ranges of bars",
		.params = (const rk_param[]) {
			SERIES_PARAM(volatility_series),
			{.name = "model", .type = RK_TYPE_TEXT, .initial = "'garch'", .choices = volatility_models,
			.meaning = "garch, arch, gjr, egarch: fitted; ewma: RiskMetrics; realized: root of mean squares; parkinson, "
			"garman_klass, rogers_satchell, yang_zhang: of bars"},
			GARCH_PARAMS,
			{.name = "lambda", .type = RK_TYPE_FLOAT8, .initial = "0.94", RK_BETWEEN_OPEN(0, 1),
			.meaning = "ewma: weight of what was before"},
			{.name = "window_size", .type = RK_TYPE_INT4, .initial = "20", RK_AT_LEAST(1),
			.meaning = "realized and bars: how many rows back, fewer at the start"},
			HORIZON_PARAM("10"),
			CONFIDENCE_PARAM("0.95", "of value at risk"),
			{.name = "annualization", .type = RK_TYPE_FLOAT8, .initial = "252", RK_ABOVE(0), .meaning = "positions in a year"},
			SEED_PARAM("egarch: of the paths of forecasts"),
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, T_COLUMN, TS_COLUMN, KIND_COLUMN,
			{"value", RK_TYPE_FLOAT8, "the return; NULL for forecasts and bars"},
			{"variance", RK_TYPE_FLOAT8, "of the position, given what was before; of bars and realized with the position itself"},
			{"volatility", RK_TYPE_FLOAT8, "its root"},
			{"annualized", RK_TYPE_FLOAT8, "volatility of a year"},
			{"std_residual", RK_TYPE_FLOAT8, "(value - mean) / volatility"},
			{"var", RK_TYPE_FLOAT8, "value at risk: the loss, positive, that is not passed with this confidence"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ITERATIONS,
		.array_form = true
	},
	{
		.suffix = "_garch_fit",
		.sql_name = "temporal_garch_fit",
		.description = "estimates of GARCH models of series with robust standard errors",
		.params = (const rk_param[]) {
			SERIES_PARAM(return_series),
			{.name = "model", .type = RK_TYPE_TEXT, .initial = "'garch'", .choices = garch_models,
			.meaning = "garch, arch, gjr, egarch"},
			GARCH_PARAMS,
			{0}
		},
		.columns = (const rk_column[]) {
			SERIES_ID_COLUMN, STATUS_COLUMN,
			{"mu", RK_TYPE_FLOAT8, "constant of the mean; NULL without one, as all estimates without a fit"},
			{"ar1", RK_TYPE_FLOAT8, "weight of the return before"},
			{"omega", RK_TYPE_FLOAT8, "constant of the variance, egarch of its logarithm"},
			{"alpha", RK_TYPE_FLOAT8_ARRAY, "weights of squared shocks"},
			{"gamma", RK_TYPE_FLOAT8_ARRAY, "weights of shocks below 0"},
			{"beta", RK_TYPE_FLOAT8_ARRAY, "weights of variances"},
			{"nu", RK_TYPE_FLOAT8, "degrees of freedom of t and skewt"},
			{"skew", RK_TYPE_FLOAT8, "of skewt, -1 to 1"},
			{"std_errors", RK_TYPE_FLOAT8_ARRAY, "of the estimates in the order of these columns (Bollerslev, Wooldridge)"},
			{"log_likelihood", RK_TYPE_FLOAT8, "of all returns"},
			{"aic", RK_TYPE_FLOAT8, "Akaike's criterion"},
			{"bic", RK_TYPE_FLOAT8, "Schwarz's criterion"},
			{"persistence", RK_TYPE_FLOAT8, "what stays of a shock to the variance after a period"},
			{"long_run_variance", RK_TYPE_FLOAT8, "what it returns to; NULL where it does not; without a fit that of the sample"},
			{"half_life", RK_TYPE_FLOAT8, "periods until half of a shock is gone"},
			{"n", RK_TYPE_INT8, "how many returns"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_ITERATIONS,
		.array_form = true
	},
	{
		.suffix = "_ewma_volatility",
		.sql_name = "ewma_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "volatility for the next period by exponential weights (RiskMetrics), rows in the order of time",
		.params = (const rk_param[]) {
			RETURN_PARAM,
			{.name = "lambda", .type = RK_TYPE_FLOAT8, .initial = "0.94", RK_BETWEEN_OPEN(0, 1), .constant = true,
			.meaning = "weight of what was before; the same in all rows"},
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a period; NULL below two rows"}, {0}},
		.ordered = true
	},
	{
		.suffix = "_realized_volatility",
		.sql_name = "realized_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "realized volatility: root of the mean squared return",
		.params = (const rk_param[]) {
			RETURN_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a period"}, {0}},
		.moving = true
	},
	{
		.suffix = "_parkinson_volatility",
		.sql_name = "parkinson_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "volatility of bars from high and low (Parkinson)",
		.params = (const rk_param[]) {
			HIGH_PARAM, LOW_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a bar"}, {0}},
		.moving = true
	},
	{
		.suffix = "_garman_klass_volatility",
		.sql_name = "garman_klass_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "volatility of bars from all four prices (Garman, Klass)",
		.params = (const rk_param[]) {
			OPEN_PARAM, HIGH_PARAM, LOW_PARAM, CLOSE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a bar"}, {0}},
		.moving = true
	},
	{
		.suffix = "_rogers_satchell_volatility",
		.sql_name = "rogers_satchell_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "volatility of bars with drift (Rogers, Satchell)",
		.params = (const rk_param[]) {
			OPEN_PARAM, HIGH_PARAM, LOW_PARAM, CLOSE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a bar"}, {0}},
		.moving = true
	},
	{
		.suffix = "_yang_zhang_volatility",
		.sql_name = "yang_zhang_volatility",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "volatility of bars with drift and overnight gaps (Yang, Zhang), rows in the order of time",
		.params = (const rk_param[]) {
			OPEN_PARAM, HIGH_PARAM, LOW_PARAM, CLOSE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"volatility", RK_TYPE_FLOAT8, "of a bar; NULL below three bars"}, {0}},
		.ordered = true
	},
	{0}
};

const rk_kernel rk_temporal_kernels[] = {
	{
		.id = "temporal/seasonal-decomposition",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BATCH,
		.description = "STL-style seasonal decomposition",
		.notes = "stl: Cleveland, Cleveland, McRae, Terpenning 1990, with fixed numbers of iterations; mstl: Bandara, Hyndman, "
		"Bergmeir 2021. Strengths: Wang, Smith, Hyndman 2006, of logarithms with model multiplicative. A series shorter than "
		"two periods is its own trend, and a notice says how many there are.",
		.license_feature = "TemporalAnalysis.SeasonalDecomposition",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = seasonal_functions
	},
	{
		.id = "temporal/trend-extraction",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BATCH,
		.description = "Moving average trend extraction",
		.notes = "lowess: Cleveland 1979, the nearest positions with ties to the left; holt starts at the first value with the "
		"first difference as slope; savgol fits a polynomial to the first and last window for the ends. A window longer than a "
		"series is cut to its length, and a notice says for how many.",
		.license_feature = "TemporalAnalysis.TrendExtraction",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = trend_functions
	},
	{
		.id = "temporal/anomaly-detection",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BOTH,
		.description = "Statistical threshold anomaly detection",
		.notes = "mad: Iglewicz, Hoaglin 1993; seasonal_esd: Hochenbaum, Vallis, Kejariwal 2017 with Rosner's test of 1983, after a "
		"robust STL. Rows without a value are left out. A series below two periods has no scores with the seasonal methods, and "
		"a notice says how many there are. Equal values share their verdict.",
		.license_feature = "TemporalAnalysis.AnomalyDetection",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = anomaly_functions
	},
	{
		.id = "temporal/changepoint-detection",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BOTH,
		.description = "PELT/Binary segmentation change point detection",
		.notes = "pelt (Killick, Fearnhead, Eckley 2012) looks at every position. Penalties where none is given, s being the "
		"median absolute deviation of first differences / (0.6745 sqrt 2) and n the length: l2 and linear 2 s^2 ln n, l1 "
		"2 s ln n, normal 3 ln n, poisson and rank 2 ln n, cusum 5. Rows are taken as equally spaced. As a ring it is Bayesian "
		"online detection (Adams & MacKay 2007), value by value.",
		.license_feature = "TemporalAnalysis.ChangePointDetection",
		.expected_throughput = 20000,
		.target_latency_us = 50,
		.functions = changepoint_functions
	},
	{
		.id = "temporal/volatility-analysis",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BOTH,
		.description = "GARCH model volatility forecasting",
		.notes = "GARCH models are fitted by maximum likelihood: Bollerslev 1986, Glosten, Jagannathan, Runkle 1993 (gjr), Nelson "
		"1991 (egarch), p being the lags of squared shocks and q those of the variance. Series of fewer than 50 returns or of equal "
		"ones get the variance of the sample, and a notice says how many there are. Forecasts of egarch beyond one step are means "
		"over 1000 paths, those of ewma, realized and bars flat. Volatilities "
		"of the aggregates are per row: multiply by the root of the rows in a year. Those whose description speaks of order need ORDER BY in the call or in the window.",
		.license_feature = "TemporalAnalysis.VolatilityAnalysis",
		.expected_throughput = 100000,
		.target_latency_us = 10,
		.functions = volatility_functions
	},
	{0}
};

/*
 * descriptors.c
 *	  The kernel of correlations as data: relation, parameters, results,
 *	  documentation.
 */
#include "../../call/descriptor.h"

/* ---- relations ---- */

static const rk_relation_column observation_columns[] = {
	{"asset", "id", RK_TYPE_ID, true, "whose observation it is"},
	{"ts", "time", RK_TYPE_TIMESTAMPTZ, true, "when; once for each asset"},
	{"value", NULL, RK_TYPE_FLOAT8, true, "return, or price with as_returns"},
	{0}
};

static const rk_relation observations_relation = {
	.name = "observations",
	.columns = observation_columns,
	.example = "SELECT symbol AS asset, day AS ts, price AS value FROM quote"
};

/* ---- risk/realtime-correlation ---- */

static const char *const estimators[] = {"pearson", "ewma", "spearman", "hayashi_yoshida", NULL};
static const char *const syncs[] = {"complete", "previous_tick", NULL};
static const char *const price_returns[] = {"log", "simple", NULL};

static const rk_function correlation_functions[] = {
	{
		.suffix = "",
		.description = "correlation of every pair of assets, and how it has changed",
		.params = (const rk_param[]) {
			{.name = "observations", .type = RK_TYPE_RELATION, .relation = &observations_relation,
			.meaning = "one row for each asset and time"},
			{.name = "estimator", .type = RK_TYPE_TEXT, .initial = "'pearson'", .choices = estimators,
			.meaning = "pearson, ewma (RiskMetrics), spearman (of ranks) or hayashi_yoshida (of returns at different times)"},
			{.name = "lambda", .type = RK_TYPE_FLOAT8, .initial = "0.94", RK_BETWEEN_OPEN(0, 1),
			.meaning = "of ewma: weight that the past keeps at each step"},
			{.name = "min_observations", .type = RK_TYPE_INT8, .initial = "30", RK_AT_LEAST(2),
			.meaning = "fewer give no correlation"},
			{.name = "sync", .type = RK_TYPE_TEXT, .initial = "'complete'", .choices = syncs,
			.meaning = "complete: the times at which both have a value; previous_tick: all times, the last value carried"},
			{.name = "change_threshold", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0),
			.meaning = "only pairs whose correlation has changed this much"},
			{.name = "as_returns", .type = RK_TYPE_TEXT, .initial = "NULL", .choices = price_returns,
			.meaning = "values are prices, and their log or simple returns are correlated"},
			{.name = "as_of_previous", .type = RK_TYPE_TIMESTAMPTZ, .initial = "NULL",
			.meaning = "also the correlation up to this time, and the change since"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"asset_i", RK_TYPE_ID, "the asset that is seen first"},
			{"asset_j", RK_TYPE_ID, "the other"},
			{"correlation", RK_TYPE_FLOAT8, "their correlation; NULL for few observations or a constant series"},
			{"covariance", RK_TYPE_FLOAT8, "their covariance"},
			{"num_observations", RK_TYPE_INT8, "observations of both (hayashi_yoshida: overlaps)"},
			{"previous_correlation", RK_TYPE_FLOAT8, "the correlation up to as_of_previous"},
			{"change", RK_TYPE_FLOAT8, "correlation - previous_correlation"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_matrix",
		.sql_name = "correlation_matrix",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "correlations of features, as a matrix row by row",
		.params = (const rk_param[]) {
			{.name = "features", .type = RK_TYPE_FLOAT8_ARRAY, .meaning = "one row of features, as many in all rows"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"correlations", RK_TYPE_FLOAT8_ARRAY, "d * d correlations of d features; NaN for a constant one"},
			{0}
		}
	},
	{0}
};

const rk_kernel rk_risk_correlation_kernels[] = {
	{
		.id = "risk/realtime-correlation",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "Streaming correlation matrix updates",
		.notes = "Pairs come once, the asset that is seen first before the other. ewma follows RiskMetrics (1996): mean zero, S = x x' of the "
		"first observation, then lambda S + (1 - lambda) x x'. hayashi_yoshida (2005) sums the products of returns whose intervals "
		"overlap, so that assets need not be observed together; in small samples it may go beyond 1.",
		.license_feature = "RiskAnalytics.RealTimeCorrelation",
		.expected_throughput = 500000,
		.target_latency_us = 10,
		.functions = correlation_functions
	},
	{0}
};

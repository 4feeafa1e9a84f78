/*
 * descriptors.c
 *	  The temporal kernels as data: relations, parameters, results, documentation.
 */
#include "../call/descriptor.h"

/* ---- relations ---- */

#define SERIES_COLUMNS \
	{"series_id", NULL, RK_TYPE_ID, false, "tells series apart; not there: one series", .not_null = true}, \
	{"ts", NULL, RK_TYPE_TIMESTAMPTZ, false, "orders the values of a series", .not_null = true}, \
	{"t", NULL, RK_TYPE_INT8, false, "a number that orders them, instead of ts", .not_null = true}

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

/* ---- parameters and columns that several share ---- */

#define SERIES_PARAM(of) \
	{.name = "series", .type = RK_TYPE_RELATION, .relation = &of, .meaning = "observations in time"}
#define SERIES_ID_COLUMN {"series_id", RK_TYPE_ID, "the series; NULL where there is one without an id"}
#define T_COLUMN {"t", RK_TYPE_INT8, "position in the series, from 1"}
#define TS_COLUMN {"ts", RK_TYPE_TIMESTAMPTZ, "its time; NULL where series are ordered by t"}

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
			{.name = "seed", .type = RK_TYPE_INT8, .initial = "0", RK_ANY, .meaning = "of the shuffles"},
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

const rk_kernel rk_temporal_kernels[] = {
	{
		.id = "temporal/changepoint-detection",
		.domain = "TemporalAnalysis",
		.mode = RK_MODE_BATCH,
		.description = "PELT/Binary segmentation change point detection",
		.notes = "pelt (Killick, Fearnhead, Eckley 2012) looks at every position. Penalties where none is given, s being the "
		"median absolute deviation of first differences / (0.6745 sqrt 2) and n the length: l2 and linear 2 s^2 ln n, l1 "
		"2 s ln n, normal 3 ln n, poisson and rank 2 ln n, cusum 5. Rows are taken as equally spaced.",
		.license_feature = "TemporalAnalysis.ChangePointDetection",
		.expected_throughput = 20000,
		.target_latency_us = 50,
		.functions = changepoint_functions
	},
	{0}
};

/*
 * descriptors.c
 *	  The similarity kernels as data: parameters, result columns,
 *	  documentation.
 */
#include "../relations.h"

/* ---- parameters of the neighbour kernels ---- */

static const char *const direction_choices[] = {"both", "out", "in", NULL};
static const char *const weighting_choices[] = {"log", "inverse", NULL};

#define PAIRS_PARAM \
	{.name = "pairs", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &rk_pairs_relation, \
	 .meaning = "score these pairs, one row each; NULL: all pairs of different nodes with a common neighbour"}
#define DIRECTION_PARAM \
	{.name = "direction", .type = RK_TYPE_TEXT, .initial = "'both'", .choices = direction_choices, \
	 .meaning = "compare nodes by the neighbours in both directions (undirected), by where their arcs go (out) or come from (in)"}
#define MIN_SCORE_PARAM(range) \
	{.name = "min_score", .type = RK_TYPE_FLOAT8, .initial = "0", range, \
	 .meaning = "leave out pairs that score less; not with pairs"}
#define TOP_K_PARAM \
	{.name = "top_k", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(1), \
	 .meaning = "only the best so many pairs, by score, then node_a, node_b; not with pairs"}
#define PER_NODE_PARAM \
	{.name = "per_node", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(1), \
	 .meaning = "for every node its best so many partners, the node as node_a; not with pairs or top_k"}
#define EXCLUDE_PARAM \
	{.name = "exclude_connected", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "leave out pairs joined by an edge in either direction, to predict missing ones; not with pairs"}

#define PAIR_COLUMNS(score_meaning) \
	{"node_a", RK_TYPE_ID, "first node: the smaller one, or the node whose partners are listed (per_node), or as given in pairs"}, \
	{"node_b", RK_TYPE_ID, "second node"}, \
	{"score", RK_TYPE_FLOAT8, score_meaning}, \
	{"common", RK_TYPE_INT8, "number of common neighbours"}

#define STREAM_NOTES \
	" Self-loops are left out. All pairs are found by counting two-step paths, never by a matrix of all pairs; " \
	"min_score and top_k exclude most of them before they are counted."

static const rk_function jaccard_functions[] = {
	{
		.suffix = "",
		.description = "Jaccard similarity of nodes: the share of their neighbours that are common",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			PAIRS_PARAM,
			DIRECTION_PARAM,
			WEIGHTED_PARAM("false"),
			MIN_SCORE_PARAM(RK_BETWEEN(0, 1)),
			TOP_K_PARAM,
			PER_NODE_PARAM,
			EXCLUDE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			PAIR_COLUMNS("their similarity, from 0 to 1"),
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

static const rk_function cosine_functions[] = {
	{
		.suffix = "",
		.description = "cosine similarity of nodes by their neighbours",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			PAIRS_PARAM,
			DIRECTION_PARAM,
			WEIGHTED_PARAM("false"),
			MIN_SCORE_PARAM(RK_BETWEEN(-1, 1)),
			TOP_K_PARAM,
			PER_NODE_PARAM,
			EXCLUDE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			PAIR_COLUMNS("their similarity, from 0 to 1; from -1 where weights are negative"),
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

static const rk_function adamic_adar_functions[] = {
	{
		.suffix = "",
		.description = "Adamic-Adar index of nodes: common neighbours, rare ones counting more",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			PAIRS_PARAM,
			DIRECTION_PARAM,
			{.name = "weighting", .type = RK_TYPE_TEXT, .initial = "'log'", .choices = weighting_choices,
			.meaning = "a common neighbour of degree d counts 1 / ln d (log) or 1 / d (inverse: resource allocation)"},
			MIN_SCORE_PARAM(RK_AT_LEAST(0)),
			TOP_K_PARAM,
			PER_NODE_PARAM,
			EXCLUDE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			PAIR_COLUMNS("sum over the common neighbours"),
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

static const rk_function common_neighbors_functions[] = {
	{
		.suffix = "",
		.description = "common neighbours of nodes: how many, and which",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			PAIRS_PARAM,
			DIRECTION_PARAM,
			{.name = "min_count", .type = RK_TYPE_INT8, .initial = "1", RK_AT_LEAST(0),
			.meaning = "leave out pairs with fewer common neighbours; 0 with pairs only, more than 1 not with pairs"},
			TOP_K_PARAM,
			PER_NODE_PARAM,
			EXCLUDE_PARAM,
			{.name = "with_members", .type = RK_TYPE_BOOLEAN, .initial = "false",
			.meaning = "return the common neighbours as well"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"node_a", RK_TYPE_ID, "first node: the smaller one, or the node whose partners are listed (per_node), or as given in pairs"},
			{"node_b", RK_TYPE_ID, "second node"},
			{"common", RK_TYPE_INT8, "number of common neighbours"},
			{"total", RK_TYPE_INT8, "number of nodes that are neighbours of one or both"},
			{"members", RK_TYPE_ID_ARRAY, "the common neighbours in order; NULL unless with_members"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

/* ---- graph/value-similarity ---- */

static const char *const metric_choices[] = {"jsd", "wasserstein", "wasserstein-binned", "hellinger", "ks", NULL};
static const char *const histogram_metric_choices[] = {"jsd", "wasserstein-binned", "hellinger", NULL};
static const char *const binning_choices[] = {"equal-width", "logarithmic", "quantile", NULL};

static const rk_relation_column observation_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "what the value was observed at"},
	{"value", NULL, RK_TYPE_FLOAT8, false, "one observed value", .not_null = true},
	{"distribution", NULL, RK_TYPE_FLOAT8_ARRAY, false, "instead of values a ready histogram, of one length in all rows",
	.not_null = true},
	{0}
};

static const rk_relation observations_relation = {
	.name = "observations",
	.columns = observation_columns,
	.example = "SELECT payer AS node, amount AS value FROM wire"
};

static const rk_function value_functions[] = {
	{
		.suffix = "",
		.description = "similarity of nodes by the distribution of their values",
		.params = (const rk_param[]) {
			{.name = "observations", .type = RK_TYPE_RELATION, .relation = &observations_relation,
			.meaning = "the values, many for each node, or one ready histogram a node"},
			{.name = "metric", .type = RK_TYPE_TEXT, .initial = "'jsd'", .choices = metric_choices,
			.meaning = "distance of two distributions; wasserstein and ks compare the values themselves, the others histograms"},
			{.name = "bins", .type = RK_TYPE_INT4, .initial = "50", RK_BETWEEN(1, 65536),
			.meaning = "of the histograms, cut from the values of all nodes"},
			{.name = "binning", .type = RK_TYPE_TEXT, .initial = "'equal-width'", .choices = binning_choices,
			.meaning = "equal-width; logarithmic: of equal ratio, for values above 0; quantile: of equally many values"},
			{.name = "pairs", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &rk_pairs_relation,
			.meaning = "score these pairs, one row each; NULL: all pairs of different nodes"},
			MIN_SCORE_PARAM(RK_BETWEEN(0, 1)),
			TOP_K_PARAM,
			PER_NODE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node_a", RK_TYPE_ID, "first node: the smaller one, or the node whose partners are listed (per_node), or as given in pairs"},
			{"node_b", RK_TYPE_ID, "second node"},
			{"score", RK_TYPE_FLOAT8, "their similarity, from 0 to 1"},
			{"distance", RK_TYPE_FLOAT8, "of their distributions, as metric says"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_ALL_PAIRS
	},
	{
		.suffix = "_histograms",
		.sql_name = "graph_value_similarity",
		.shape = RK_SHAPE_SCALAR,
		.strict = true,
		.description = "similarity of two histograms",
		.params = (const rk_param[]) {
			{.name = "p", .type = RK_TYPE_FLOAT8_ARRAY, .meaning = "the first, numbers of at least 0 of any sum"},
			{.name = "q", .type = RK_TYPE_FLOAT8_ARRAY, .meaning = "the second, of the same length"},
			{.name = "metric", .type = RK_TYPE_TEXT, .initial = "'jsd'", .choices = histogram_metric_choices,
			.meaning = "distance of the two"},
			{0}
		},
		.columns = (const rk_column[]) {{"score", RK_TYPE_FLOAT8, "their similarity, from 0 to 1"}, {0}}
	},
	{0}
};

const rk_kernel rk_graph_similarity_kernels[] = {
	{
		.id = "graph/jaccard-similarity",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Jaccard similarity of neighbourhoods (Jaccard 1901; Ruzicka 1958 with weights)",
		.notes = "Common neighbours over all neighbours of the two. With weights, the sum of the lesser strengths over the sum of the greater ones, "
		"the strengths of parallel edges being added up. Two nodes without neighbours score 0." STREAM_NOTES,
		.license_feature = "GraphAnalytics.JaccardSimilarity",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = jaccard_functions
	},
	{
		.id = "graph/cosine-similarity",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Cosine similarity of neighbourhoods (Salton 1983)",
		.notes = "Common neighbours over the root of the product of the two numbers of neighbours; with weights, the cosine of the two vectors of strengths. "
		"Weights may be negative, ratings for example; min_score then has to be set below 0 to see negative scores." STREAM_NOTES,
		.license_feature = "GraphAnalytics.CosineSimilarity",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = cosine_functions
	},
	{
		.id = "graph/adamic-adar",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Adamic-Adar index (Adamic, Adar 2003) and resource allocation (Zhou, Lu, Zhang 2009)",
		.notes = "The degree of a common neighbour is the number of nodes that have it as a neighbour: its degree, with direction out its in-degree, with in its out-degree."
		STREAM_NOTES,
		.license_feature = "GraphAnalytics.AdamicAdar",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = adamic_adar_functions
	},
	{
		.id = "graph/common-neighbors",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Common neighbours of pairs of nodes",
		.notes = "With direction out on edges from customers to products, products that two customers have in common." STREAM_NOTES,
		.license_feature = "GraphAnalytics.CommonNeighbors",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = common_neighbors_functions
	},
	{
		.id = "graph/value-similarity",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Similarity of nodes by the distribution of their values",
		.notes = "jsd: the Jensen-Shannon divergence d in nats, score 1 - sqrt(d / ln 2) (Endres, Schindelin 2003). "
		"wasserstein: exact W1 in units of the values, score 1 / (1 + d / s), s being (largest - smallest value) / bins. "
		"wasserstein-binned: sum of the differences of the running sums, in bins, score 1 / (1 + d). "
		"hellinger: sqrt(1 - sum sqrt(pq)), ks: the greatest difference of the distribution functions; score 1 - d. "
		"The scalar form takes the two histograms as arrays: '{1,2}'::float8[].",
		.license_feature = "GraphAnalytics.ValueSimilarity",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = value_functions
	},
	{0}
};

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
#define RK_FROM_TO(a, b) .min = (a), .max = (b)

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
			MIN_SCORE_PARAM(RK_FROM_TO(0, 1)),
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
			MIN_SCORE_PARAM(RK_FROM_TO(-1, 1)),
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
	{0}
};

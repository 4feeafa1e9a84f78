/*
 * descriptors.c
 *	  The pattern kernels as data: parameters, result columns, documentation.
 */
#include "../relations.h"

/* ---- graph/triangle-counting ---- */

static const rk_function triangle_functions[] = {
	{
		.suffix = "",
		.description = "number of triangles and clustering coefficient of every node",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"triangles", RK_TYPE_INT8, "triangles that it is a corner of"},
			{"clustering_coefficient", RK_TYPE_FLOAT8, "share of the pairs of its neighbours that are neighbours; 0 below two neighbours"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_total",
		.description = "number of triangles in the graph, and its transitivity",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"triangles", RK_TYPE_NUMERIC, "triangles, each counted once"},
			{"wedges", RK_TYPE_NUMERIC, "paths of two edges"},
			{"transitivity", RK_TYPE_FLOAT8, "3 * triangles / wedges; NULL without wedges"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_TRIANGLES,
		.graph_form = true
	},
	{
		.suffix = "_edges",
		.description = "number of triangles over every edge (its support)",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"source", RK_TYPE_ID, "smaller node of the edge"},
			{"target", RK_TYPE_ID, "larger node of the edge"},
			{"triangles", RK_TYPE_INT8, "triangles that the edge is a side of"},
			{0}
		},
		.rows = RK_ROWS_PER_EDGE,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

/* ---- graph/clustering-coefficient ---- */

static const char *const clustering_choices[] = {
	"watts-strogatz", "onnela", "barrat", "fagiolo", "graphalytics", NULL
};

#define CLUSTERING_VARIANT_PARAM \
	{.name = "variant", .type = RK_TYPE_TEXT, .initial = "'watts-strogatz'", .choices = clustering_choices, \
	 .meaning = "watts-strogatz: unweighted; onnela, barrat: weighted; fagiolo, graphalytics: directed"}

static const rk_function clustering_functions[] = {
	{
		.suffix = "",
		.description = "clustering coefficient of every node: how much its neighbours are joined",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLUSTERING_VARIANT_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"degree", RK_TYPE_INT8, "number of its distinct neighbours, in either direction"},
			{"triangles", RK_TYPE_INT8, "triangles that it is a corner of, direction ignored"},
			{"clustering_coefficient", RK_TYPE_FLOAT8, "from 0 to 1; 0 below two neighbours"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_global",
		.description = "average clustering coefficient and transitivity of the graph",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLUSTERING_VARIANT_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"average_clustering_coefficient", RK_TYPE_FLOAT8, "mean over all nodes; NULL without nodes"},
			{"average_nonzero_degree", RK_TYPE_FLOAT8, "mean over the nodes with two neighbours or more; NULL without such nodes"},
			{"transitivity", RK_TYPE_FLOAT8, "3 * triangles / wedges, direction and weights ignored; 0 without wedges, NULL without nodes"},
			{"triangles", RK_TYPE_NUMERIC, "triangles, each counted once"},
			{"wedges", RK_TYPE_NUMERIC, "paths of two edges"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_TRIANGLES,
		.graph_form = true
	},
	{0}
};

const rk_kernel rk_graph_patterns_kernels[] = {
	{
		.id = "graph/clustering-coefficient",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Clustering coefficients of nodes and of the whole graph, in five definitions",
		.notes = "k is the number of distinct neighbours and T the number of triangles of a node. "
		"watts-strogatz (1998): T over the k (k - 1) / 2 pairs of neighbours. "
		"onnela (2005): a triangle counts the cube root of the product of its weights, each divided by the largest weight. "
		"barrat (2004): pairs of neighbours count the mean of the weights of their two edges. "
		"fagiolo (2007): directed triangles of any orientation. "
		"graphalytics (LDBC): arcs among the neighbours over k (k - 1). "
		"Self-loops are left out; parallel edges count once, for onnela and barrat their weights add up; "
		"the first three ignore direction.",
		.license_feature = "GraphAnalytics.ClusteringCoefficient",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = clustering_functions
	},
	{
		.id = "graph/triangle-counting",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Triangles of nodes, of edges and of the whole graph",
		.notes = "The graph is undirected and simple: direction is ignored, parallel edges count once, self-loops are left out.",
		.license_feature = "GraphAnalytics.TriangleCounting",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.details = "triangles (of the whole graph)",
		.functions = triangle_functions
	},
	{0}
};

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
		.work = RK_WORK_TRIANGLES
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

const rk_kernel rk_graph_patterns_kernels[] = {
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

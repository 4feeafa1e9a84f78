/*
 * descriptors.c
 *	  The measures as data: parameters, result columns, documentation.
 */
#include "../relations.h"

/* ---- graph/density ---- */

static const rk_function density_functions[] = {
	{
		.suffix = "",
		.description = "share of the possible edges that exist, with loops, repeats and reciprocity",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			DIRECTED_PARAM("true"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"num_nodes", RK_TYPE_INT8, "number of nodes, n"},
			{"num_edges", RK_TYPE_INT8, "number of distinct edges between different nodes, e"},
			{"density", RK_TYPE_FLOAT8, "e / (n (n - 1)), undirected 2 e / (n (n - 1)); 0 below two nodes"},
			{"self_loops", RK_TYPE_INT8, "number of rows left out because source and target are one node"},
			{"parallel_edges", RK_TYPE_INT8, "number of rows left out because they repeat an edge"},
			{"reciprocity", RK_TYPE_FLOAT8, "share of the arcs whose reverse exists; NULL if undirected or without arcs"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_LINEAR,
		.graph_form = true
	},
	{0}
};

const rk_kernel rk_graph_measures_kernels[] = {
	{
		.id = "graph/density",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Density and reciprocity of a graph, directed or not",
		.notes = "The graph is simple: self-loops and repeated edges are counted apart and left out, so that the density is at most 1.",
		.license_feature = "GraphAnalytics.GraphDensity",
		.expected_throughput = 1000000,
		.target_latency_us = 0.1,
		.functions = density_functions
	},
	{0}
};

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

/* ---- graph/full-metrics ---- */

static const rk_function full_metrics_functions[] = {
	{
		.suffix = "",
		.description = "one look at a whole graph: size, degrees, clustering, components, distances",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			DIRECTED_PARAM("true"),
			{.name = "samples", .type = RK_TYPE_INT8, .initial = "NULL", RK_AT_LEAST(1),
			.meaning = "take distances from so many nodes only, drawn by seed, and scale up; NULL: from all, exactly"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"num_nodes", RK_TYPE_INT8, "number of nodes, n"},
			{"num_edges", RK_TYPE_INT8, "number of distinct edges between different nodes"},
			{"self_loops", RK_TYPE_INT8, "number of rows left out because source and target are one node"},
			{"parallel_edges", RK_TYPE_INT8, "number of rows left out because they repeat an edge"},
			{"density", RK_TYPE_FLOAT8, "share of the possible edges that exist"},
			{"reciprocity", RK_TYPE_FLOAT8, "share of the arcs whose reverse exists; NULL if undirected or without arcs"},
			{"mean_degree", RK_TYPE_FLOAT8, "mean number of neighbours in either direction"},
			{"max_degree", RK_TYPE_INT8, "largest number of neighbours in either direction"},
			{"degree_assortativity", RK_TYPE_FLOAT8, "correlation of the degrees of neighbours; NULL where all are alike"},
			{"average_clustering_coefficient", RK_TYPE_FLOAT8, "mean share of the pairs of neighbours that are joined"},
			{"transitivity", RK_TYPE_FLOAT8, "3 triangles / pairs of neighbours"},
			{"triangles", RK_TYPE_NUMERIC, "number of triangles"},
			{"degeneracy", RK_TYPE_INT8, "largest k such that some nodes have k neighbours each among themselves"},
			{"num_components", RK_TYPE_INT8, "number of weak components"},
			{"largest_component_size", RK_TYPE_INT8, "number of nodes of the largest"},
			{"num_strong_components", RK_TYPE_INT8, "number of strong components; undirected: of components"},
			{"is_connected", RK_TYPE_BOOLEAN, "whether there is at most one weak component"},
			{"average_path_length", RK_TYPE_FLOAT8, "mean distance of the pairs that have a path, 0 if none"},
			{"diameter", RK_TYPE_FLOAT8, "largest distance"},
			{"radius", RK_TYPE_FLOAT8, "smallest eccentricity of the nodes that reach another"},
			{"global_efficiency", RK_TYPE_FLOAT8, "mean of 1 / distance over all pairs"},
			{"exact", RK_TYPE_BOOLEAN, "false if distances are sampled"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_ALL_PAIRS,
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
	{
		.id = "graph/full-metrics",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "All measures of a whole graph in one row",
		.notes = "Each measure is that of its own kernel on the simple graph. Degrees, assortativity (Newman 2002), clustering, triangles, "
		"degeneracy (Matula and Beck 1983) and components are those of the undirected graph; density, strong components and distances follow directed. "
		"Distances take the most time by far; samples bounds it. Measures are NULL where there are no nodes.",
		.license_feature = "GraphAnalytics.FullGraphMetrics",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = full_metrics_functions
	},
	{0}
};

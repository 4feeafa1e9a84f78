/*
 * descriptors.c
 *	  The community kernels as data: parameters, result columns, documentation.
 */
#include "../relations.h"

/* ---- graph/connected-components ---- */

static const char *const mode_choices[] = {"weak", "strong", NULL};

#define MODE_PARAM \
	{.name = "mode", .type = RK_TYPE_TEXT, .initial = "'weak'", .choices = mode_choices, \
	 .meaning = "weak: edges may be followed either way; strong: nodes that reach each other along the arcs"}

static const rk_function components_functions[] = {
	{
		.suffix = "",
		.description = "connected component of every node",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			MODE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"component", RK_TYPE_INT8, "number of its component, 0 for the largest; ties by smallest node"},
			{"root", RK_TYPE_ID, "smallest node of the component, the same from run to run"},
			{"size", RK_TYPE_INT8, "number of nodes in the component"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_sizes",
		.description = "connected components and their sizes, one row each",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			MODE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"component", RK_TYPE_INT8, "number of the component, 0 for the largest; ties by smallest node"},
			{"root", RK_TYPE_ID, "its smallest node"},
			{"size", RK_TYPE_INT8, "number of its nodes"},
			{0}
		},
		.rows = RK_ROWS_PER_COMPONENT,
		.work = RK_WORK_LINEAR
	},
	{0}
};

/* ---- graph/louvain-community ---- */

static const char *const algorithm_choices[] = {"louvain", "leiden", NULL};

static const rk_function louvain_functions[] = {
	{
		.suffix = "",
		.description = "communities of densely connected nodes, by the Louvain or the Leiden method",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "resolution", .type = RK_TYPE_FLOAT8, .initial = "1.0", RK_ABOVE(0),
			.meaning = "above 1 more and smaller communities, below 1 fewer and larger ones"},
			{.name = "algorithm", .type = RK_TYPE_TEXT, .initial = "'louvain'", .choices = algorithm_choices,
			.meaning = "leiden: every community is connected inside"},
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("false"),
			{.name = "min_gain", .type = RK_TYPE_FLOAT8, .initial = "1e-7", RK_AT_LEAST(0),
			.meaning = "stop when a level adds less to the modularity"},
			{.name = "max_levels", .type = RK_TYPE_INT4, .initial = "NULL", RK_AT_LEAST(1),
			.meaning = "stop after so many levels; NULL: when none brings a gain"},
			{.name = "max_iterations", .type = RK_TYPE_INT4, .initial = "100", RK_AT_LEAST(1),
			.meaning = "passes over the nodes in one level"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"community", RK_TYPE_INT8, "number of its community, 0 for the largest; ties by smallest node"},
			{"levels", RK_TYPE_INT8_ARRAY, "its communities at every level, finest first; the last is community"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ITERATIONS
	},
	{0}
};

const rk_kernel rk_graph_community_kernels[] = {
	{
		.id = "graph/connected-components",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Connected components, weak (Afforest, Sutton 2018) or strong (Tarjan 1972)",
		.notes = "Parallel edges, self-loops and weights make no difference.",
		.license_feature = "GraphAnalytics.ConnectedComponents",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.details = "components",
		.functions = components_functions
	},
	{
		.id = "graph/louvain-community",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Communities by modularity: Louvain (Blondel 2008) and Leiden (Traag 2019)",
		.notes = "Weights are strengths: parallel edges add up; a self-loop of weight w adds 2w to the strength of its node. "
		"directed => true maximises the modularity of Leicht and Newman (2008). "
		"The partition depends on the graph, the parameters and the seed alone. Nodes without edges stay alone.",
		.license_feature = "GraphAnalytics.LouvainCommunity",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.details = "modularity, communities, levels",
		.functions = louvain_functions
	},
	{0}
};

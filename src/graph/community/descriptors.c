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
	{0}
};

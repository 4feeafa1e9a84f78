/*
 * descriptors.c
 *	  The path kernels as data: parameters, result columns, documentation.
 */
#include "../relations.h"

/* ---- graph/shortest-path ---- */

static const char *const method_choices[] = {
	"auto", "bfs", "dijkstra", "delta-stepping", "bellman-ford", NULL
};

#define MAX_DISTANCE_PARAM \
	{.name = "max_distance", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0), \
	 .meaning = "nodes that are farther count as not reached; NULL: no limit"}

static const rk_function shortest_path_functions[] = {
	{
		.suffix = "",
		.description = "shortest paths from one node to all others",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "source", .type = RK_TYPE_ID, .meaning = "the node to start from, of the type of the ids"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			MAX_DISTANCE_PARAM,
			{.name = "method", .type = RK_TYPE_TEXT, .initial = "'auto'", .choices = method_choices,
			.meaning = "the result is the same; negative lengths need bellman-ford, which auto takes by itself"},
			{.name = "include_unreachable", .type = RK_TYPE_BOOLEAN, .initial = "false",
			.meaning = "a row also for nodes that are not reached, with distance Infinity"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"distance", RK_TYPE_FLOAT8, "length of the shortest path; its number of edges if unweighted"},
			{"predecessor", RK_TYPE_ID, "node before it on the path; NULL at the source"},
			{"hops", RK_TYPE_INT8, "least number of edges of a shortest path"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_SORTED
	},
	{
		.suffix = "_between",
		.description = "the k shortest paths without repeated nodes between two nodes",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "source", .type = RK_TYPE_ID, .meaning = "first node of the paths, of the type of the ids"},
			{.name = "target", .type = RK_TYPE_ID, .meaning = "last node of the paths"},
			{.name = "k", .type = RK_TYPE_INT4, .initial = "1", RK_AT_LEAST(1), .meaning = "how many paths"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"path_no", RK_TYPE_INT4, "1 for the shortest; ties by number of edges, then by nodes"},
			{"distance", RK_TYPE_FLOAT8, "length of the path"},
			{"hops", RK_TYPE_INT8, "number of its edges"},
			{"path", RK_TYPE_ID_ARRAY, "its nodes from source to target"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{
		.suffix = "_pairs",
		.description = "shortest paths of many pairs of nodes",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "pairs", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &rk_pairs_relation,
			.meaning = "from node_a to node_b; NULL: all pairs with a path"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			MAX_DISTANCE_PARAM,
			{.name = "paths", .type = RK_TYPE_BOOLEAN, .initial = "false", .meaning = "return the paths too"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"source", RK_TYPE_ID, "first node of the path"},
			{"target", RK_TYPE_ID, "last node of the path"},
			{"distance", RK_TYPE_FLOAT8, "its length"},
			{"hops", RK_TYPE_INT8, "least number of edges of a shortest path"},
			{"path", RK_TYPE_ID_ARRAY, "nodes of the path; NULL unless paths"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_ALL_PAIRS
	},
	{
		.suffix = "_eccentricity",
		.description = "distance of every node to the farthest node it reaches",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"eccentricity", RK_TYPE_FLOAT8, "the distance; 0 if it reaches no other node"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ALL_PAIRS
	},
	{0}
};

/* ---- graph/average-path-length ---- */

static const rk_function average_path_functions[] = {
	{
		.suffix = "",
		.description = "mean distance, diameter, radius and efficiency of a graph",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("false"),
			{.name = "samples", .type = RK_TYPE_INT8, .initial = "NULL", RK_AT_LEAST(1),
			.meaning = "search from so many nodes only, drawn by seed, and scale up; NULL: from all, exactly"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"average_path_length", RK_TYPE_FLOAT8, "mean distance of the pairs that have a path, 0 if none; NULL without nodes, as the other measures"},
			{"diameter", RK_TYPE_FLOAT8, "largest distance"},
			{"radius", RK_TYPE_FLOAT8, "smallest eccentricity of the nodes that reach another"},
			{"effective_diameter", RK_TYPE_FLOAT8, "number of hops within which 90 % of the pairs lie, interpolated; NULL if weighted"},
			{"global_efficiency", RK_TYPE_FLOAT8, "mean of 1 / distance over all pairs, those without a path counting 0"},
			{"reachable_pairs", RK_TYPE_INT8, "number of ordered pairs of different nodes with a path"},
			{"unreachable_pairs", RK_TYPE_INT8, "number of those without"},
			{"connected", RK_TYPE_BOOLEAN, "whether every node reaches every other"},
			{"exact", RK_TYPE_BOOLEAN, "false if sampled: pairs are scaled, diameter and radius are the extremes that were seen"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_ALL_PAIRS,
		.graph_form = true
	},
	{0}
};

const rk_kernel rk_graph_paths_kernels[] = {
	{
		.id = "graph/shortest-path",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Shortest paths: from one node, between two, between many",
		.notes = "Weights are lengths; of parallel edges the shortest counts. Without weights every edge is 1 long. "
		"Negative lengths need a directed graph; a cycle of negative length that the source reaches is an error that names a node on it. "
		"source, target and the ids must be of one type: write 42::bigint, or 'x'::uuid.",
		.license_feature = "GraphAnalytics.ShortestPath",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = shortest_path_functions
	},
	{
		.id = "graph/average-path-length",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Average path length, diameter, radius, effective diameter and global efficiency",
		.notes = "Over ordered pairs of different nodes. The graph is simple: parallel edges count once (weighted: the shortest), self-loops are left out. "
		"Without weights every edge is 1 long and the searches are breadth-first, 256 at once (Then et al. 2014). "
		"Nothing is sampled unless samples says so.",
		.license_feature = "GraphAnalytics.AveragePathLength",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = average_path_functions
	},
	{0}
};

/*
 * descriptors.c
 *	  The graph kernels as data: parameters, result columns, documentation.
 */
#include "../call/descriptor.h"

/* ---- relations and parameters that many kernels share ---- */

static const rk_relation_column edge_columns[] = {
	{"source", NULL, RK_TYPE_ID, true, "node the edge leaves"},
	{"target", NULL, RK_TYPE_ID, true, "node the edge enters"},
	{"weight", NULL, RK_TYPE_FLOAT8, false, "strength or length of the edge"},
	{0}
};

static const rk_relation_column node_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "a node, with edges or without"},
	{0}
};

static const rk_relation_column personalization_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "a node of the graph"},
	{"value", NULL, RK_TYPE_FLOAT8, true, "its share of the teleport mass, zero or more"},
	{0}
};

static const rk_relation_column pair_columns[] = {
	{"node_a", NULL, RK_TYPE_ID, true, "first node of the pair: from"},
	{"node_b", NULL, RK_TYPE_ID, true, "second node of the pair: to"},
	{0}
};

static const rk_relation edges_relation = {
	.name = "edges",
	.columns = edge_columns,
	.may_be_graph = true,
	.example = "SELECT payer AS source, payee AS target, amount AS weight FROM wire"
};
static const rk_relation nodes_relation = {
	.name = "nodes",
	.columns = node_columns,
	.example = "SELECT account AS node FROM account"
};
static const rk_relation personalization_relation = {
	.name = "personalization",
	.columns = personalization_columns,
	.example = "SELECT account AS node, 1 AS value FROM watchlist"
};
static const rk_relation pairs_relation = {
	.name = "pairs",
	.columns = pair_columns,
	.example = "SELECT payer AS node_a, payee AS node_b FROM candidate"
};

#define EDGES_PARAM \
	{.name = "edges", .type = RK_TYPE_RELATION, .relation = &edges_relation, \
	 .meaning = "the edges, one row each, or one prepared rk.graph"}
#define NODES_PARAM \
	{.name = "nodes", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &nodes_relation, \
	 .meaning = "nodes to add to those named by edges"}
#define DIRECTED_PARAM(value) \
	{.name = "directed", .type = RK_TYPE_BOOLEAN, .initial = value, \
	 .meaning = "true: rows are arcs from source to target; false: undirected edges"}
#define WEIGHTED_PARAM(value) \
	{.name = "weighted", .type = RK_TYPE_BOOLEAN, .initial = value, \
	 .meaning = "NULL: use the column weight if there is one; true: it must exist; false: ignore it"}
#define SEED_PARAM \
	{.name = "seed", .type = RK_TYPE_INT8, .initial = "0", RK_ANY, \
	 .meaning = "start of the random numbers; the same seed gives the same result"}

/* ---- graph/pagerank ---- */

static const char *const dangling_choices[] = {"teleport", "uniform", "self", "none", NULL};

static const rk_function pagerank_functions[] = {
	{
		.suffix = "",
		.description = "PageRank of every node: the share of time a random walk with restarts spends there",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "damping", .type = RK_TYPE_FLOAT8, .initial = "0.85", RK_FROM_BELOW(0, 1),
			.meaning = "probability of following an edge instead of teleporting"},
			{.name = "tolerance", .type = RK_TYPE_FLOAT8, .initial = "1e-6", RK_ABOVE(0),
			.meaning = "stop when the scores change by less in one iteration (L1 norm)"},
			{.name = "max_iterations", .type = RK_TYPE_INT4, .initial = "100", RK_AT_LEAST(1),
			.meaning = "stop after this many iterations, with a warning"},
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("true"),
			{.name = "personalization", .type = RK_TYPE_RELATION, .initial = "NULL",
				.relation = &personalization_relation,
			.meaning = "where the walk restarts; nodes that are not listed get nothing"},
			{.name = "dangling", .type = RK_TYPE_TEXT, .initial = "'teleport'", .choices = dangling_choices,
			.meaning = "where the mass of nodes without out-edges goes: teleport (as restarts), uniform (everywhere), self (it stays), none (it is lost)"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"score", RK_TYPE_FLOAT8, "its PageRank; all scores add up to 1"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ITERATIONS
	},
	{0}
};

/* ---- graph/degree-centrality ---- */

static const rk_function degree_functions[] = {
	{
		.suffix = "",
		.description = "degree, strength and degree centrality of every node, in and out",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("true"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"degree", RK_TYPE_INT8, "in_degree + out_degree; undirected: number of neighbours, a self-loop counting twice"},
			{"in_degree", RK_TYPE_INT8, "number of distinct nodes with an edge to it, itself included"},
			{"out_degree", RK_TYPE_INT8, "number of distinct nodes it has an edge to, itself included"},
			{"score", RK_TYPE_FLOAT8, "degree / (n - 1)"},
			{"in_score", RK_TYPE_FLOAT8, "in_degree / (n - 1)"},
			{"out_score", RK_TYPE_FLOAT8, "out_degree / (n - 1)"},
			{"in_edges", RK_TYPE_INT8, "number of rows that enter it, parallel ones counted each"},
			{"out_edges", RK_TYPE_INT8, "number of rows that leave it, parallel ones counted each"},
			{"in_strength", RK_TYPE_FLOAT8, "sum of the weights of these rows; NULL if unweighted"},
			{"out_strength", RK_TYPE_FLOAT8, "sum of the weights of these rows; NULL if unweighted"},
			{"neighbors", RK_TYPE_INT8, "number of distinct other nodes in either direction"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{0}
};

/* ---- graph/betweenness-centrality ---- */

#define NORMALIZED_PARAM \
	{.name = "normalized", .type = RK_TYPE_BOOLEAN, .initial = "true", \
	 .meaning = "divide by the number of ordered pairs, so that scores of graphs of any size compare"}
#define SAMPLES_PARAM \
	{.name = "samples", .type = RK_TYPE_INT8, .initial = "NULL", RK_AT_LEAST(1), \
	 .meaning = "search from so many nodes only, drawn by seed, and scale up; NULL: from all, exactly"}
#define EPSILON_PARAM \
	{.name = "epsilon", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_BETWEEN_OPEN(0, 1), \
	 .meaning = "draw shortest paths until every normalized score is this close to the true one, with probability 1 - delta"}
#define DELTA_PARAM \
	{.name = "delta", .type = RK_TYPE_FLOAT8, .initial = "0.1", RK_BETWEEN_OPEN(0, 1), \
	 .meaning = "probability of missing epsilon"}

static const rk_function betweenness_functions[] = {
	{
		.suffix = "",
		.description = "betweenness of every node: the share of shortest paths between other nodes that run over it",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			NORMALIZED_PARAM,
			{.name = "endpoints", .type = RK_TYPE_BOOLEAN, .initial = "false",
			.meaning = "count a path at its two ends as well"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("false"),
			SAMPLES_PARAM,
			EPSILON_PARAM,
			DELTA_PARAM,
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"score", RK_TYPE_FLOAT8, "its betweenness"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ALL_PAIRS
	},
	{
		.suffix = "_edges",
		.description = "betweenness of every edge: the share of shortest paths that run over it",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			NORMALIZED_PARAM,
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("false"),
			SAMPLES_PARAM,
			EPSILON_PARAM,
			DELTA_PARAM,
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"source", RK_TYPE_ID, "node the edge leaves; undirected: the smaller node"},
			{"target", RK_TYPE_ID, "node the edge enters; undirected: the larger node"},
			{"score", RK_TYPE_FLOAT8, "its betweenness"},
			{0}
		},
		.rows = RK_ROWS_PER_EDGE,
		.work = RK_WORK_ALL_PAIRS
	},
	{0}
};

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
			{.name = "pairs", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &pairs_relation,
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

const rk_kernel rk_graph_kernels[] = {
	{
		.id = "graph/pagerank",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "PageRank centrality via power iteration",
		.notes = "Power iteration in Jacobi order (Page, Brin, Motwani, Winograd 1998). Weights are strengths: parallel edges add up, "
		"a self-loop keeps its share of the mass. Without weights the graph is simple: parallel edges count once. "
		"The true L1 error of the scores is at most tolerance * damping / (1 - damping).",
		.license_feature = "GraphAnalytics.PageRank",
		.expected_throughput = 100000,
		.target_latency_us = 1.0,
		.iterative = true,
		.functions = pagerank_functions
	},
	{
		.id = "graph/degree-centrality",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Degree centrality (Freeman 1978) with distinct and row counts, strengths and counterparties",
		.notes = "Centrality is degree / (n - 1), 0 in a graph of one node. Undirected: the in and out columns equal the undirected ones.",
		.license_feature = "GraphAnalytics.DegreeCentrality",
		.expected_throughput = 1000000,
		.target_latency_us = 0.1,
		.functions = degree_functions
	},
	{
		.id = "graph/betweenness-centrality",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Betweenness centrality of nodes and edges, exact (Brandes 2001) or sampled",
		.notes = "The graph is simple: parallel edges count once (weighted: the shortest), self-loops are left out. "
		"Weights are lengths above 0. Undirected raw scores are half the sum over ordered pairs. "
		"Nothing is sampled unless samples or epsilon says so; epsilon follows KADABRA (Borassi, Natale 2016).",
		.license_feature = "GraphAnalytics.BetweennessCentrality",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.details = "sources (searches made; with epsilon, pairs drawn)",
		.functions = betweenness_functions
	},
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
	{0}
};

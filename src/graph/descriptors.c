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
	{0}
};

/*
 * descriptors.c
 *	  The centrality kernels as data: parameters, result columns, documentation.
 */
#include "../relations.h"

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
				.relation = &rk_personalization_relation,
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

static const rk_column degree_columns[] = {
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
};

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
		.columns = degree_columns,
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_node",
		.description = "degree, strength and degree centrality of one node",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "node_id", .type = RK_TYPE_ID, .meaning = "the node, of the type of the ids"},
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("true"),
			{0}
		},
		.columns = degree_columns,
		.rows = RK_ROWS_ONE,
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

/* ---- graph/closeness-centrality ---- */

static const char *const closeness_choices[] = {"wasserman-faust", "classic", "harmonic", "sum", NULL};
static const char *const direction_choices[] = {"out", "in", NULL};

static const rk_function closeness_functions[] = {
	{
		.suffix = "",
		.description = "closeness of every node: how near it is to the nodes it reaches",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "variant", .type = RK_TYPE_TEXT, .initial = "'wasserman-faust'", .choices = closeness_choices,
			.meaning = "with r nodes reached at distances that add up to S: wasserman-faust r/(n-1) r/S, classic r/S, harmonic the sum of 1/distance, sum 1/S"},
			{.name = "normalized", .type = RK_TYPE_BOOLEAN, .initial = "true",
			.meaning = "harmonic: divide by n - 1; sum: multiply by r; the other variants are normalized as they are"},
			{.name = "direction", .type = RK_TYPE_TEXT, .initial = "'out'", .choices = direction_choices,
			.meaning = "distances from the node (out) or to it (in); alike if undirected"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("false"),
			{.name = "samples", .type = RK_TYPE_INT8, .initial = "NULL", RK_AT_LEAST(1),
			.meaning = "estimate from the distances to so many pivots, drawn by seed; undirected only; NULL: exact"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"score", RK_TYPE_FLOAT8, "its closeness; 0 if it reaches no other node; NULL where samples has no pivot for it"},
			{"reachable", RK_TYPE_INT8, "number of other nodes it reaches"},
			{"distance_sum", RK_TYPE_FLOAT8, "sum of the distances to them; with samples an estimate"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ALL_PAIRS
	},
	{0}
};

/* ---- graph/eigenvector-centrality ---- */

#define ITERATION_PARAMS \
	{.name = "tolerance", .type = RK_TYPE_FLOAT8, .initial = "1e-9", RK_ABOVE(0), \
	 .meaning = "stop when the scores change by less than this on average in one iteration"}, \
	{.name = "max_iterations", .type = RK_TYPE_INT4, .initial = "1000", RK_AT_LEAST(1), \
	 .meaning = "stop after this many iterations, with a warning"}

static const char *const eigenvector_norm_choices[] = {"l2", "max", "sum", NULL};

static const rk_function eigenvector_functions[] = {
	{
		.suffix = "",
		.description = "eigenvector centrality of every node: important is what important nodes point to",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			ITERATION_PARAMS,
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("true"),
			{.name = "norm", .type = RK_TYPE_TEXT, .initial = "'l2'", .choices = eigenvector_norm_choices,
			.meaning = "l2: squares add up to 1; max: the largest score is 1; sum: scores add up to 1"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"score", RK_TYPE_FLOAT8, "its component of the dominant eigenvector; 0 if the graph has no cycle"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ITERATIONS
	},
	{0}
};

/* ---- graph/katz-centrality ---- */

static const char *const katz_norm_choices[] = {"l2", "max", "none", NULL};

static const rk_function katz_functions[] = {
	{
		.suffix = "",
		.description = "Katz centrality of every node: walks that end in it, the longer the less they count",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "nodes", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &rk_beta_nodes_relation,
			.meaning = "nodes to add to those named by edges, with a value of beta of their own if they have one"},
			{.name = "alpha", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_ABOVE(0),
			.meaning = "what a step counts, below 1 / the largest eigenvalue; NULL: 1 / (1 + largest in-strength), which is always right"},
			{.name = "beta", .type = RK_TYPE_FLOAT8, .initial = "1.0", RK_ANY,
			.meaning = "what every node has to begin with"},
			ITERATION_PARAMS,
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("true"),
			{.name = "norm", .type = RK_TYPE_TEXT, .initial = "'l2'", .choices = katz_norm_choices,
			.meaning = "l2: squares add up to 1; max: the largest score is 1; none: as they are"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"score", RK_TYPE_FLOAT8, "its Katz centrality"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ITERATIONS
	},
	{0}
};

const rk_kernel rk_graph_centrality_kernels[] = {
	{
		.id = "graph/pagerank",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BOTH,
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
		.mode = RK_MODE_BOTH,
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
		.id = "graph/closeness-centrality",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Closeness centrality: Wasserman-Faust, classic, harmonic or sum, exact or sampled",
		.notes = "The graph is simple: parallel edges count once (weighted: the shortest), self-loops are left out. "
		"Weights are lengths of zero or more, for harmonic above zero. The direction out measures distances from a node; "
		"networkx calls that the closeness of the reversed graph. "
		"Without weights the searches are breadth-first, 256 at once (Then et al. 2014). samples follows Eppstein and Wang (2004): "
		"in a component of N nodes with p pivots the sum is N / p times that over the pivots.",
		.license_feature = "GraphAnalytics.ClosenessCentrality",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = closeness_functions
	},
	{
		.id = "graph/eigenvector-centrality",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Eigenvector centrality (Bonacich 1987): dominant eigenvector of the transposed adjacency matrix",
		.notes = "Scores come along in-edges. Weights are strengths: parallel edges add up, a self-loop is one diagonal entry. "
		"Without weights the graph is simple. Bipartite graphs converge, since a node also keeps its own score; "
		"several components are weighed as from a uniform start. A directed graph without cycles has scores 0 and a warning.",
		.license_feature = "GraphAnalytics.EigenvectorCentrality",
		.expected_throughput = 50000,
		.target_latency_us = 10,
		.iterative = true,
		.details = "eigenvalue (of the dominant eigenvector)",
		.functions = eigenvector_functions
	},
	{
		.id = "graph/katz-centrality",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Katz centrality (Katz 1953): attenuated walks, x = alpha A'x + beta",
		.notes = "Scores come along in-edges. Weights are strengths: parallel edges add up, a self-loop is one diagonal entry. "
		"Without weights the graph is simple. A column beta in nodes gives single nodes a beta of their own; where it is NULL the parameter holds. "
		"An alpha for which the scores grow without end is an error that says how large it may be.",
		.license_feature = "GraphAnalytics.KatzCentrality",
		.expected_throughput = 50000,
		.target_latency_us = 10,
		.iterative = true,
		.details = "alpha (that was used)",
		.functions = katz_functions
	},
	{0}
};

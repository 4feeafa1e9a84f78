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

/* ---- graph/modularity-score ---- */

static const rk_relation_column community_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "a node; one that no edge names has no edges"},
	{"community", NULL, RK_TYPE_ID2, true, "its community, of any type"},
	{0}
};

static const rk_relation communities_relation = {
	.name = "communities",
	.columns = community_columns,
	.example = "SELECT id AS node, branch AS community FROM account"
};

#define COMMUNITIES_PARAM \
	{.name = "communities", .type = RK_TYPE_RELATION, .relation = &communities_relation, \
	 .meaning = "the community of every node, each node once"}
#define SCORE_RESOLUTION_PARAM \
	{.name = "resolution", .type = RK_TYPE_FLOAT8, .initial = "1.0", RK_AT_LEAST(0), \
	 .meaning = "weight of what chance would put inside; above 1 favours small communities"}

static const rk_function modularity_functions[] = {
	{
		.suffix = "",
		.description = "modularity, coverage and performance of a partition into communities",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			COMMUNITIES_PARAM,
			SCORE_RESOLUTION_PARAM,
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("false"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"modularity", RK_TYPE_FLOAT8, "weight inside communities beyond what chance would put there, as a share; 0 without weight, NULL without nodes"},
			{"num_communities", RK_TYPE_INT8, "number of communities"},
			{"coverage", RK_TYPE_FLOAT8, "share of the weight that is inside communities; NULL without weight"},
			{"performance", RK_TYPE_FLOAT8, "share of pairs of nodes that are an edge inside a community or none across; NULL if directed or below two nodes"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_communities",
		.description = "size, weights, contribution to the modularity and conductance of every community",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			COMMUNITIES_PARAM,
			SCORE_RESOLUTION_PARAM,
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("false"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"community", RK_TYPE_TEXT, "the community, as text"},
			{"num_nodes", RK_TYPE_INT8, "number of its nodes"},
			{"internal_weight", RK_TYPE_FLOAT8, "weight of the edges inside, self-loops once"},
			{"boundary_weight", RK_TYPE_FLOAT8, "weight of the edges between it and the rest"},
			{"strength", RK_TYPE_FLOAT8, "sum of the strengths of its nodes, a self-loop counting twice"},
			{"contribution", RK_TYPE_FLOAT8, "its part of the modularity"},
			{"conductance", RK_TYPE_FLOAT8, "boundary_weight / the smaller strength of community and rest; NULL where that is 0"},
			{0}
		},
		.rows = RK_ROWS_PER_COMPONENT,
		.work = RK_WORK_LINEAR
	},
	{0}
};

/* ---- graph/label-propagation ---- */

static const char *const label_variant_choices[] = {"semi-synchronous", "cdlp", NULL};

static const rk_relation_column initial_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "a node of the graph"},
	{"label", NULL, RK_TYPE_INT8, true, "its label, zero or more", RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"fixed", NULL, RK_TYPE_BOOLEAN, false, "true: it keeps its label", .not_null = true},
	{0}
};

static const rk_relation initial_relation = {
	.name = "initial",
	.columns = initial_columns,
	.example = "SELECT account AS node, 1 AS label, true AS fixed FROM watchlist"
};

static const rk_function label_functions[] = {
	{
		.suffix = "",
		.description = "communities by label propagation: every node takes the label that most of its neighbours have",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "variant", .type = RK_TYPE_TEXT, .initial = "'semi-synchronous'", .choices = label_variant_choices,
			.meaning = "semi-synchronous: neighbours take turns until nothing changes; cdlp: all nodes at once, max_iterations rounds, as LDBC Graphalytics defines it"},
			{.name = "initial", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &initial_relation,
			.meaning = "labels to start with, each node once; other nodes start without, and the result is the label"},
			{.name = "max_iterations", .type = RK_TYPE_INT4, .initial = "100", RK_AT_LEAST(1),
			.meaning = "rounds over all nodes; semi-synchronous: at most, with a warning"},
			WEIGHTED_PARAM("NULL"),
			DIRECTED_PARAM("false"),
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"community", RK_TYPE_INT8, "number of its community, 0 for the largest, ties by smallest node; with initial its label, NULL if none reached it"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_ITERATIONS
	},
	{0}
};

/* ---- graph/k-clique ---- */

#define CLIQUE_SIZE_PARAM(from, to) \
	{.name = "k", .type = RK_TYPE_INT4, .initial = "3", .min = (from), .max = (to), \
	 .meaning = "number of nodes of a clique"}

static const rk_function clique_functions[] = {
	{
		.suffix = "",
		.description = "cliques of k nodes, any two of which are joined, or all maximal cliques of at least k nodes",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLIQUE_SIZE_PARAM(1, 64),
			{.name = "maximal", .type = RK_TYPE_BOOLEAN, .initial = "false",
			.meaning = "true: cliques of at least k nodes that no node can be added to"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"clique", RK_TYPE_INT8, "number of the clique, from 0 in the order of the search"},
			{"size", RK_TYPE_INT4, "number of its nodes"},
			{"members", RK_TYPE_ID_ARRAY, "its nodes in order"},
			{0}
		},
		.rows = RK_ROWS_PER_EDGE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_count",
		.description = "number of cliques of k nodes",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLIQUE_SIZE_PARAM(1, INFINITY),
			{0}
		},
		.columns = (const rk_column[]) {
			{"cliques", RK_TYPE_NUMERIC, "number of cliques, each counted once"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_nodes",
		.description = "number of cliques of k nodes that every node is in",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLIQUE_SIZE_PARAM(1, INFINITY),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"cliques", RK_TYPE_NUMERIC, "number of cliques that it is in"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_communities",
		.description = "communities by clique percolation: cliques of k nodes that share k - 1; a node may be in several",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			CLIQUE_SIZE_PARAM(2, INFINITY),
			{0}
		},
		.columns = (const rk_column[]) {
			{"community", RK_TYPE_INT8, "number of the community, 0 for the largest; ties by smallest node"},
			{"node", RK_TYPE_ID, "a node of it"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
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
	{
		.id = "graph/modularity-score",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Modularity of a partition (Newman, Girvan 2004), with resolution and directed form",
		.notes = "Every node that an edge names must be in communities, once. Nodes there that no edge names count as nodes without edges. "
		"Weights are strengths: parallel edges add up; a self-loop of weight w adds 2w to the strength of its node and w to the weight of all edges. "
		"directed => true: Leicht and Newman (2008). Performance looks at pairs of different nodes and not at weights.",
		.license_feature = "GraphAnalytics.ModularityScore",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = modularity_functions
	},
	{
		.id = "graph/label-propagation",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Communities by label propagation (Raghavan 2007), semi-synchronous (Cordasco 2010) or CDLP",
		.notes = "Weights are strengths: parallel edges add up; self-loops and edges of weight 0 have no say. "
		"directed => true: neighbours in both directions count, reciprocal ones twice. "
		"Nodes without neighbours are communities of their own. The result depends on the graph, the parameters and the seed alone.",
		.license_feature = "GraphAnalytics.LabelPropagation",
		.expected_throughput = 20000,
		.target_latency_us = 50,
		.iterative = true,
		.details = "modularity, communities",
		.functions = label_functions
	},
	{
		.id = "graph/k-clique",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Cliques: listed (kClist, Danisch 2018), maximal (Eppstein 2010), counted (Pivoter, Jain 2020), percolated (Palla 2005)",
		.notes = "The graph is undirected and simple: direction and weights are ignored, parallel edges count once, self-loops are left out. "
		"Rows are made as cliques are found and are kept by PostgreSQL, on disk beyond work_mem, until the last is; "
		"LIMIT shortens the result and not the search. Ask _count first how many there are. Counts are exact up to 2^128.",
		.license_feature = "GraphAnalytics.KClique",
		.expected_throughput = 1000,
		.target_latency_us = 1000,
		.details = "cliques, communities",
		.functions = clique_functions
	},
	{0}
};

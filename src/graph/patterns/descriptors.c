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
		.work = RK_WORK_TRIANGLES,
		.graph_form = true
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

/* ---- graph/clustering-coefficient ---- */

static const char *const clustering_choices[] = {
	"watts-strogatz", "onnela", "barrat", "fagiolo", "graphalytics", NULL
};

#define CLUSTERING_VARIANT_PARAM \
	{.name = "variant", .type = RK_TYPE_TEXT, .initial = "'watts-strogatz'", .choices = clustering_choices, \
	 .meaning = "watts-strogatz: unweighted; onnela, barrat: weighted; fagiolo, graphalytics: directed"}

static const rk_function clustering_functions[] = {
	{
		.suffix = "",
		.description = "clustering coefficient of every node: how much its neighbours are joined",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLUSTERING_VARIANT_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"degree", RK_TYPE_INT8, "number of its distinct neighbours, in either direction"},
			{"triangles", RK_TYPE_INT8, "triangles that it is a corner of, direction ignored"},
			{"clustering_coefficient", RK_TYPE_FLOAT8, "from 0 to 1; 0 below two neighbours"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_global",
		.description = "average clustering coefficient and transitivity of the graph",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			CLUSTERING_VARIANT_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"average_clustering_coefficient", RK_TYPE_FLOAT8, "mean over all nodes; NULL without nodes"},
			{"average_nonzero_degree", RK_TYPE_FLOAT8, "mean over the nodes with two neighbours or more; NULL without such nodes"},
			{"transitivity", RK_TYPE_FLOAT8, "3 * triangles / wedges, direction and weights ignored; 0 without wedges, NULL without nodes"},
			{"triangles", RK_TYPE_NUMERIC, "triangles, each counted once"},
			{"wedges", RK_TYPE_NUMERIC, "paths of two edges"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_TRIANGLES,
		.graph_form = true
	},
	{0}
};

/* ---- graph/degree-ratio ---- */

static const char *const basis_choices[] = {"degree", "edges", "weight", NULL};

static const rk_function degree_ratio_functions[] = {
	{
		.suffix = "",
		.description = "ratio of in- to out-degree of every node, and whether it is a source, a sink or balanced",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "source_threshold", .type = RK_TYPE_FLOAT8, .initial = "0.2", RK_AT_LEAST(0),
			.meaning = "a node with a smaller ratio is a source"},
			{.name = "sink_threshold", .type = RK_TYPE_FLOAT8, .initial = "5.0", RK_AT_LEAST(0),
			.meaning = "a node with a larger ratio is a sink; not below source_threshold"},
			{.name = "basis", .type = RK_TYPE_TEXT, .initial = "'degree'", .choices = basis_choices,
			.meaning = "what ratio and classification compare: degree (distinct nodes), edges (rows) or weight (strengths)"},
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"in_degree", RK_TYPE_INT8, "number of distinct other nodes with an edge to it"},
			{"out_degree", RK_TYPE_INT8, "number of distinct other nodes it has an edge to"},
			{"ratio", RK_TYPE_FLOAT8, "what enters by what leaves, as basis says; 0 if neither, Infinity if nothing leaves"},
			{"neighbor_degree_variance", RK_TYPE_FLOAT8, "variance of out_degree over the nodes it has an edge to; 0 without any"},
			{"classification", RK_TYPE_TEXT, "isolated, source, balanced or sink"},
			{"in_strength", RK_TYPE_FLOAT8, "sum of the weights that enter; NULL if unweighted"},
			{"out_strength", RK_TYPE_FLOAT8, "sum of the weights that leave; NULL if unweighted"},
			{"strength_ratio", RK_TYPE_FLOAT8, "in_strength by out_strength, like ratio; NULL if unweighted"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{0}
};

/* ---- graph/star-topology ---- */

static const rk_function star_functions[] = {
	{
		.suffix = "",
		.description = "how much every node is the hub of a star, and of which kind",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "min_degree", .type = RK_TYPE_INT4, .initial = "3", RK_AT_LEAST(1),
			.meaning = "fewest spokes of a star"},
			{.name = "dominance", .type = RK_TYPE_FLOAT8, .initial = "0.9", RK_FROM_BELOW(0.5, 1),
			.meaning = "share of in_degree + out_degree that one direction must exceed to name the star"},
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"star_score", RK_TYPE_FLOAT8, "1 - share of the pairs of spokes that are joined; 0 below two or min_degree spokes"},
			{"star_type", RK_TYPE_TEXT, "none, in-star, out-star or mixed"},
			{"spoke_count", RK_TYPE_INT8, "number of distinct neighbours in either direction"},
			{"inter_spoke_edges", RK_TYPE_INT8, "pairs of spokes joined in either direction"},
			{"in_degree", RK_TYPE_INT8, "number of distinct other nodes with an edge to it"},
			{"out_degree", RK_TYPE_INT8, "number of distinct other nodes it has an edge to"},
			{"in_strength", RK_TYPE_FLOAT8, "sum of the weights that enter; NULL if unweighted"},
			{"out_strength", RK_TYPE_FLOAT8, "sum of the weights that leave; NULL if unweighted"},
			{"pass_through", RK_TYPE_FLOAT8, "smaller strength by larger one: near 1, what enters leaves; NULL if unweighted or both are 0"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

/* ---- graph/cycle-participation ---- */

static const rk_function cycle_functions[] = {
	{
		.suffix = "",
		.description = "cycles of two, three and four edges through every node, and what flows on them",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"cycles_2", RK_TYPE_INT8, "nodes it has rows to and from"},
			{"cycles_3", RK_TYPE_INT8, "simple cycles of three edges through it"},
			{"cycles_4", RK_TYPE_INT8, "simple cycles of four edges through it"},
			{"cycle_weight", RK_TYPE_FLOAT8, "sum of the weights of its edges that lie on such a cycle; unweighted: their number"},
			{"cycle_ratio", RK_TYPE_FLOAT8, "share of its edges that do; 0 without edges"},
			{"risk_level", RK_TYPE_TEXT, "critical: cycles_4 > 3; high: cycles_4 >= 1; medium: cycles_3 >= 3; low: cycles_3 >= 1 or cycles_2 >= 3; else baseline"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_cycles",
		.description = "the simple cycles of up to so many edges, each once",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "max_cycle_length", .type = RK_TYPE_INT4, .initial = "4", .min = 2, .max = 12,
			.meaning = "most edges of a cycle"},
			DIRECTED_PARAM("true"),
			WEIGHTED_PARAM("NULL"),
			{0}
		},
		.columns = (const rk_column[]) {
			{"length", RK_TYPE_INT4, "number of edges"},
			{"path", RK_TYPE_ID_ARRAY, "nodes in the order of the edges, the smallest first"},
			{"min_weight", RK_TYPE_FLOAT8, "smallest weight of an edge; unweighted: 1"},
			{"total_weight", RK_TYPE_FLOAT8, "sum of the weights; unweighted: length"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_TRIANGLES
	},
	{0}
};

/* ---- graph/motif-detection ---- */

#define MOTIF_DIRECTED_PARAM \
	{.name = "directed", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "true: the sixteen directed subgraphs of three nodes; false: direction is ignored"}

static const rk_function motif_functions[] = {
	{
		.suffix = "",
		.description = "number of induced subgraphs of three or four nodes by type (triad census), beside random graphs",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			NODES_PARAM,
			{.name = "size", .type = RK_TYPE_INT4, .initial = "3", .min = 3, .max = 4,
			.meaning = "nodes of a subgraph; 4 only undirected"},
			MOTIF_DIRECTED_PARAM,
			{.name = "randomizations", .type = RK_TYPE_INT4, .initial = "0", RK_AT_LEAST(0),
			.meaning = "random graphs with the same degrees to compare with"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"motif", RK_TYPE_TEXT, "type of the subgraph"},
			{"num_edges", RK_TYPE_INT4, "its edges; directed, its arcs"},
			{"connected", RK_TYPE_BOOLEAN, "whether it is connected"},
			{"count", RK_TYPE_NUMERIC, "sets of nodes that induce it"},
			{"expected", RK_TYPE_FLOAT8, "mean count of the random graphs; NULL without randomizations"},
			{"z_score", RK_TYPE_FLOAT8, "(count - expected) / standard deviation; NULL below two randomizations or where all count the same"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_TRIANGLES
	},
	{
		.suffix = "_triad",
		.description = "type of the subgraph that three nodes induce",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			{.name = "a", .type = RK_TYPE_ID, .meaning = "a node of the graph"},
			{.name = "b", .type = RK_TYPE_ID, .meaning = "another one"},
			{.name = "c", .type = RK_TYPE_ID, .meaning = "a third one"},
			MOTIF_DIRECTED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"motif", RK_TYPE_TEXT, "type of the subgraph"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_LINEAR
	},
	{0}
};

const rk_kernel rk_graph_patterns_kernels[] = {
	{
		.id = "graph/clustering-coefficient",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Clustering coefficients of nodes and of the whole graph, in five definitions",
		.notes = "k is the number of distinct neighbours and T the number of triangles of a node. "
		"watts-strogatz (1998): T over the k (k - 1) / 2 pairs of neighbours. "
		"onnela (2005): a triangle counts the cube root of the product of its weights, each divided by the largest weight. "
		"barrat (2004): pairs of neighbours count the mean of the weights of their two edges. "
		"fagiolo (2007): directed triangles of any orientation. "
		"graphalytics (LDBC): arcs among the neighbours over k (k - 1). "
		"Self-loops are left out; parallel edges count once, for onnela and barrat their weights add up; "
		"the first three ignore direction.",
		.license_feature = "GraphAnalytics.ClusteringCoefficient",
		.expected_throughput = 50000,
		.target_latency_us = 20,
		.functions = clustering_functions
	},
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
	{
		.id = "graph/degree-ratio",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "In/out degree ratio: sources, sinks and what lies between",
		.notes = "Edges are directed and self-loops are left out. Degrees count distinct nodes; basis => 'edges' compares rows, "
		"basis => 'weight' sums of weights. A node with nothing on either side of the comparison is isolated.",
		.license_feature = "GraphAnalytics.DegreeRatio",
		.expected_throughput = 1000000,
		.target_latency_us = 0.1,
		.functions = degree_ratio_functions
	},
	{
		.id = "graph/star-topology",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Stars: hubs whose neighbours are not joined, collecting, distributing or both",
		.notes = "Spokes are the distinct neighbours in either direction; self-loops are left out, weights of parallel edges add up. "
		"star_score is 1 - the clustering coefficient of the undirected graph.",
		.license_feature = "GraphAnalytics.StarTopology",
		.expected_throughput = 20000,
		.target_latency_us = 50,
		.functions = star_functions
	},
	{
		.id = "graph/cycle-participation",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Short cycles through every node: counts, flow and risk, or the cycles themselves",
		.notes = "Simple cycles are counted exactly. Self-loops are left out, weights of parallel edges add up. "
		"directed => false: cycles of three and four undirected edges; opposite rows are one edge; cycles_2 still counts "
		"nodes with rows both ways. Cycles are listed from their smallest node; undirected ones have three edges or more, "
		"and the second node of path is smaller than the last.",
		.license_feature = "GraphAnalytics.CycleParticipation",
		.expected_throughput = 25000,
		.target_latency_us = 40,
		.functions = cycle_functions
	},
	{
		.id = "graph/motif-detection",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Motifs: exact counts of all induced subgraphs of three and four nodes",
		.notes = "Every type has a row, also when it is not there; the counts add up to the number of sets of nodes. "
		"Three nodes: empty, edge, wedge, triangle; directed, the triad census 003 to 300 by mutual, asymmetric and null pairs "
		"(Holland, Leinhardt 1970). Four nodes: empty4, edge+2, 2edges (two that share no node), wedge+1, triangle+1, claw, path, "
		"paw, cycle, diamond, clique4. Parallel edges count once, self-loops are left out. "
		"A random graph comes from 10 attempts for every edge to let two edges swap ends; every node keeps its degrees.",
		.license_feature = "GraphAnalytics.MotifDetection",
		.expected_throughput = 5000,
		.target_latency_us = 200,
		.functions = motif_functions
	},
	{0}
};

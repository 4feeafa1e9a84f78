/*
 * messages.c
 *	  The messages of the graph actors.
 */
#include "graph_ring.h"

static const char *const edge_ops[] = {"add", "remove", "set_weight", NULL};
static const char *const statuses[] = {"ok", "unknown_node", "no_such_edge", NULL};
static const char *const directions[] = {"total", "in", "out", NULL};
static const char *const roles[] = {"isolated", "source", "balanced", "sink", NULL};
static const char *const pagerank_ops[] = {"reset", "compact", NULL};
static const char *const node_ops[] = {"add", "remove", NULL};

#define STATUS(record, about) RK_FIELD(record, status, RK_FIELD_CODE,.choices = statuses,.meaning = about)
#define MIN_VERSION(record) RK_FIELD(record, min_version, RK_FIELD_INT8,.initial = "0", \
	.meaning = "wait until so many changes of the graph were applied")

static const rk_field node_request[] = {
	RK_FIELD(rk_node_request, node, RK_FIELD_ANY_ID,.meaning = "the node"),
	MIN_VERSION(rk_node_request),
	{0}
};

static const rk_field degree_reply[] = {
	RK_FIELD(rk_degree_reply, degree, RK_FIELD_INT8,.meaning = "in_degree + out_degree"),
	RK_FIELD(rk_degree_reply, in_degree, RK_FIELD_INT8,.meaning = "number of distinct nodes with an edge to it, itself included"),
	RK_FIELD(rk_degree_reply, out_degree, RK_FIELD_INT8,.meaning = "number of distinct nodes it has an edge to, itself included"),
	RK_FIELD(rk_degree_reply, score, RK_FIELD_FLOAT8,.meaning = "degree / (n - 1)"),
	RK_FIELD(rk_degree_reply, in_score, RK_FIELD_FLOAT8,.meaning = "in_degree / (n - 1)"),
	RK_FIELD(rk_degree_reply, out_score, RK_FIELD_FLOAT8,.meaning = "out_degree / (n - 1)"),
	RK_FIELD(rk_degree_reply, in_edges, RK_FIELD_INT8,.meaning = "number of rows that enter it"),
	RK_FIELD(rk_degree_reply, out_edges, RK_FIELD_INT8,.meaning = "number of rows that leave it"),
	RK_FIELD(rk_degree_reply, in_strength, RK_FIELD_FLOAT8,.meaning = "sum of their weights, exact up to the last rounding"),
	RK_FIELD(rk_degree_reply, out_strength, RK_FIELD_FLOAT8,.meaning = "sum of their weights, exact up to the last rounding"),
	RK_FIELD(rk_degree_reply, neighbors, RK_FIELD_INT8,.meaning = "number of distinct other nodes in either direction"),
	RK_FIELD(rk_degree_reply, num_nodes, RK_FIELD_INT8,.meaning = "nodes of the graph"),
	RK_FIELD(rk_degree_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	STATUS(rk_degree_reply, "whether there is such a node"),
	{0}
};

static const rk_field edge_request[] = {
	RK_FIELD(rk_edge_request, op, RK_FIELD_CODE,.implied = "'add'",.choices = edge_ops,.first_code = RK_EDGE_ADD,
			 .meaning = "add a row, remove one of this weight, or make all rows of the pair one of this weight"),
	RK_FIELD(rk_edge_request, source, RK_FIELD_ANY_ID,.meaning = "node the edge leaves"),
	RK_FIELD(rk_edge_request, target, RK_FIELD_ANY_ID,.meaning = "node the edge enters"),
	RK_FIELD(rk_edge_request, weight, RK_FIELD_FIXED,.initial = "1",.meaning = "its weight, with up to 8 decimals; not negative"),
	{0}
};

static const rk_field edge_reply[] = {
	RK_FIELD(rk_edge_reply, status, RK_FIELD_CODE,.choices = statuses,.meaning = "ok or no_such_edge"),
	RK_FIELD(rk_edge_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	RK_FIELD(rk_edge_reply, source_out_degree, RK_FIELD_INT8,.meaning = "distinct nodes that source has an edge to"),
	RK_FIELD(rk_edge_reply, target_in_degree, RK_FIELD_INT8,.meaning = "distinct nodes with an edge to target"),
	RK_FIELD(rk_edge_reply, num_nodes, RK_FIELD_INT8,.meaning = "nodes of the graph"),
	RK_FIELD(rk_edge_reply, num_edges, RK_FIELD_INT8,.meaning = "rows of the graph"),
	{0}
};

static const rk_field ratio_request[] = {
	RK_FIELD(rk_ratio_request, node, RK_FIELD_ANY_ID,.meaning = "the node"),
	RK_FIELD(rk_ratio_request, with_variance, RK_FIELD_BOOLEAN,.initial = "true",
			 .meaning = "compute neighbor_degree_variance, which takes time in proportion to out_degree"),
	MIN_VERSION(rk_ratio_request),
	{0}
};

static const rk_field ratio_reply[] = {
	RK_FIELD(rk_ratio_reply, in_degree, RK_FIELD_INT8,.meaning = "number of distinct other nodes with an edge to it"),
	RK_FIELD(rk_ratio_reply, out_degree, RK_FIELD_INT8,.meaning = "number of distinct other nodes it has an edge to"),
	RK_FIELD(rk_ratio_reply, ratio, RK_FIELD_FLOAT8,
			 .meaning = "what enters by what leaves, as the option basis says; 0 if neither, Infinity if nothing leaves"),
	RK_FIELD(rk_ratio_reply, neighbor_degree_variance, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "variance of out_degree over the nodes it has an edge to; 0 without any"),
	RK_FIELD(rk_ratio_reply, classification, RK_FIELD_CODE,.choices = roles,.meaning = "isolated, source, balanced or sink"),
	RK_FIELD(rk_ratio_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	STATUS(rk_ratio_reply, "whether there is such a node"),
	{0}
};

static const rk_field degree_top_request[] = {
	RK_FIELD(rk_top_request, k, RK_FIELD_INT4,.initial = "10",.min = 1,.max = 1000,.meaning = "how many nodes, at most"),
	RK_FIELD(rk_top_request, direction, RK_FIELD_CODE,.initial = "'total'",.choices = directions,
			 .meaning = "which degree"),
	MIN_VERSION(rk_top_request),
	{0}
};

static const rk_field degree_row[] = {
	RK_FIELD(rk_degree_row, node, RK_FIELD_ANY_ID,.meaning = "the node; equal degrees in order of it"),
	RK_FIELD(rk_degree_row, degree, RK_FIELD_INT8,.meaning = "its degree"),
	{0}
};

static const rk_field version_request[] = {
	MIN_VERSION(rk_version_request),
	{0}
};

static const rk_field roles_reply[] = {
	RK_FIELD(rk_roles_reply, isolated, RK_FIELD_INT8,.meaning = "nodes with edges to themselves only"),
	RK_FIELD(rk_roles_reply, source, RK_FIELD_INT8,.meaning = "nodes with a ratio below source_threshold"),
	RK_FIELD(rk_roles_reply, balanced, RK_FIELD_INT8,.meaning = "the others"),
	RK_FIELD(rk_roles_reply, sink, RK_FIELD_INT8,.meaning = "nodes with a ratio above sink_threshold"),
	RK_FIELD(rk_roles_reply, num_nodes, RK_FIELD_INT8,.meaning = "nodes of the graph"),
	RK_FIELD(rk_roles_reply, num_edges, RK_FIELD_INT8,.meaning = "rows of the graph"),
	RK_FIELD(rk_roles_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	{0}
};

static const rk_field pagerank_reply[] = {
	RK_FIELD(rk_pagerank_reply, score, RK_FIELD_FLOAT8,.meaning = "the node's score after the last iteration"),
	RK_FIELD(rk_pagerank_reply, iteration, RK_FIELD_INT4,.meaning = "iterations since the scores were reset"),
	RK_FIELD(rk_pagerank_reply, converged, RK_FIELD_BOOLEAN,
			 .meaning = "whether the scores have converged on the present graph"),
	RK_FIELD(rk_pagerank_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	STATUS(rk_pagerank_reply, "whether there is such a node"),
	{0}
};

static const rk_field iterate_reply[] = {
	RK_FIELD(rk_iterate_reply, iteration, RK_FIELD_INT4,.meaning = "iterations since the scores were reset"),
	RK_FIELD(rk_iterate_reply, delta, RK_FIELD_FLOAT8,.meaning = "L1 change of the scores"),
	RK_FIELD(rk_iterate_reply, converged, RK_FIELD_BOOLEAN,.meaning = "delta < tolerance"),
	{0}
};

static const rk_field converge_request[] = {
	RK_FIELD(rk_converge_request, threshold, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "stop when the scores change by less (L1); NULL: the option tolerance"),
	RK_FIELD(rk_converge_request, max_iterations, RK_FIELD_INT4,.initial = "NULL",
			 .meaning = "stop after so many iterations; NULL: the option max_iterations"),
	MIN_VERSION(rk_converge_request),
	{0}
};

static const rk_field converge_reply[] = {
	RK_FIELD(rk_converge_reply, iterations, RK_FIELD_INT4,.meaning = "iterations made"),
	RK_FIELD(rk_converge_reply, delta, RK_FIELD_FLOAT8,.meaning = "L1 change in the last of them"),
	RK_FIELD(rk_converge_reply, converged, RK_FIELD_BOOLEAN,.meaning = "delta < threshold"),
	{0}
};

static const rk_field pagerank_control[] = {
	RK_FIELD(rk_pagerank_control, op, RK_FIELD_CODE,.choices = pagerank_ops,.first_code = 1,
			 .meaning = "reset: the same score for all nodes; compact: gaps that changes have left are closed, which makes iterations faster"),
	{0}
};

static const rk_field node_change_request[] = {
	RK_FIELD(rk_node_change_request, op, RK_FIELD_CODE,.implied = "'add'",.choices = node_ops,.first_code = RK_NODE_ADD,
			 .meaning = "add: it is there even without an edge; remove: while it has edges only"),
	RK_FIELD(rk_node_change_request, node, RK_FIELD_ANY_ID,.meaning = "the node"),
	{0}
};

static const rk_field role_change[] = {
	RK_FIELD(rk_role_change, node, RK_FIELD_ANY_ID,.meaning = "the node"),
	RK_FIELD(rk_role_change, old_role, RK_FIELD_CODE,.initial = "NULL",.choices = roles,.meaning = "what it was; NULL: it is new"),
	RK_FIELD(rk_role_change, new_role, RK_FIELD_CODE,.initial = "NULL",.choices = roles,.meaning = "what it is; NULL: it is gone"),
	RK_FIELD(rk_role_change, version, RK_FIELD_INT8,.meaning = "changes applied so far, this one included"),
	{0}
};

static const rk_field preference_request[] = {
	RK_FIELD(rk_preference_request, node, RK_FIELD_ANY_ID,.meaning = "the node"),
	RK_FIELD(rk_preference_request, value, RK_FIELD_FIXED,.min = 0,.max = 92e9,
			 .meaning = "how often a teleport leads to it, beside the values of the others; while all are 0, to all nodes alike"),
	{0}
};

static const rk_field preference_reply[] = {
	RK_FIELD(rk_preference_reply, status, RK_FIELD_CODE,.choices = statuses,.meaning = "ok or unknown_node"),
	RK_FIELD(rk_preference_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	{0}
};

static const rk_field control_reply[] = {
	RK_FIELD(rk_control_reply, num_nodes, RK_FIELD_INT8,.meaning = "nodes of the graph"),
	RK_FIELD(rk_control_reply, num_edges, RK_FIELD_INT8,.meaning = "rows of the graph"),
	RK_FIELD(rk_control_reply, version, RK_FIELD_INT8,.meaning = "changes applied so far"),
	{0}
};

static const rk_field pagerank_top_request[] = {
	RK_FIELD(rk_top_request, k, RK_FIELD_INT4,.initial = "10",.min = 1,.max = 1000,.meaning = "how many nodes, at most"),
	RK_FIELD(rk_top_request, skip, RK_FIELD_INT8,.initial = "0",.min = 0,.max = 4e9,.meaning = "leave out so many before"),
	MIN_VERSION(rk_top_request),
	{0}
};

static const rk_field score_row[] = {
	RK_FIELD(rk_score_row, node, RK_FIELD_ANY_ID,.meaning = "the node; equal scores in order of it"),
	RK_FIELD(rk_score_row, score, RK_FIELD_FLOAT8,.meaning = "its score"),
	{0}
};

static const rk_field no_fields[] = {{0}};

const rk_message_type rk_graph_pagerank_messages[] = {
	{
		.type_id = 100,
		.reply_id = 101,
		.name = "PageRankQuery",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_query",
		.description = "score of a node in a graph/pagerank ring; no row for a node it does not have",
		.request = node_request,
		.request_size = sizeof(rk_node_request),
		.reply = pagerank_reply,
		.reply_size = sizeof(rk_pagerank_reply),
		.found = "status"
	},
	{
		.type_id = 102,
		.reply_id = 103,
		.name = "PageRankIterate",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_iterate",
		.description = "one iteration of a graph/pagerank ring on the present graph",
		.mutating = true,
		.request = version_request,
		.request_size = sizeof(rk_version_request),
		.reply = iterate_reply,
		.reply_size = sizeof(rk_iterate_reply)
	},
	{
		.type_id = 104,
		.reply_id = 105,
		.name = "PageRankConverge",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_converge",
		.description = "iterates a graph/pagerank ring from its present scores until they converge",
		.mutating = true,
		.request = converge_request,
		.request_size = sizeof(rk_converge_request),
		.reply = converge_reply,
		.reply_size = sizeof(rk_converge_reply)
	},
	{
		.type_id = 106,
		.reply_id = 107,
		.name = "PageRankEdge",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_edge",
		.description = "adds, removes or reweighs an edge of a graph/pagerank ring",
		.mutating = true,
		.request = edge_request,
		.request_size = sizeof(rk_edge_request),
		.reply = edge_reply,
		.reply_size = sizeof(rk_edge_reply)
	},
	{
		.type_id = 108,
		.reply_id = 109,
		.name = "PageRankControl",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_control",
		.description = "resets the scores of a graph/pagerank ring, or tidies its memory up",
		.mutating = true,
		.request = pagerank_control,
		.request_size = sizeof(rk_pagerank_control),
		.reply = control_reply,
		.reply_size = sizeof(rk_control_reply)
	},
	{
		.type_id = 140,
		.reply_id = 141,
		.name = "PageRankTop",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_top",
		.description = "the nodes of a graph/pagerank ring with the largest scores",
		.request = pagerank_top_request,
		.request_size = sizeof(rk_top_request),
		.reply = no_fields,
		.reply_size = 0,
		.rows = score_row,
		.row_size = sizeof(rk_score_row)
	},
	{
		.type_id = 142,
		.reply_id = 143,
		.name = "PageRankNode",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_node",
		.description = "adds a node without edges to a graph/pagerank ring, or takes it back",
		.mutating = true,
		.request = node_change_request,
		.request_size = sizeof(rk_node_change_request),
		.reply = control_reply,
		.reply_size = sizeof(rk_control_reply)
	},
	{
		.type_id = 144,
		.reply_id = 145,
		.name = "PageRankPersonalize",
		.kernel = "graph/pagerank",
		.function = "ring_graph_pagerank_personalize",
		.description = "sets how often a teleport leads to a node of a graph/pagerank ring",
		.mutating = true,
		.request = preference_request,
		.request_size = sizeof(rk_preference_request),
		.reply = preference_reply,
		.reply_size = sizeof(rk_preference_reply)
	},
	{0}
};

const rk_message_type rk_graph_degree_messages[] = {
	{
		.type_id = 120,
		.reply_id = 121,
		.name = "DegreeQuery",
		.kernel = "graph/degree-centrality",
		.function = "ring_graph_degree_query",
		.description = "degrees of a node in a degree ring; no row for a node it does not have",
		.request = node_request,
		.request_size = sizeof(rk_node_request),
		.reply = degree_reply,
		.reply_size = sizeof(rk_degree_reply),
		.found = "status"
	},
	{
		.type_id = 122,
		.reply_id = 123,
		.name = "EdgeUpdate",
		.kernel = "graph/degree-centrality",
		.function = "ring_graph_edge_update",
		.description = "adds, removes or reweighs an edge of a degree ring",
		.mutating = true,
		.request = edge_request,
		.request_size = sizeof(rk_edge_request),
		.reply = edge_reply,
		.reply_size = sizeof(rk_edge_reply)
	},
	{
		.type_id = 124,
		.reply_id = 125,
		.name = "DegreeRatioQuery",
		.kernel = "graph/degree-ratio",
		.function = "ring_graph_degree_ratio_query",
		.description = "in- to out-degree and role of a node in a degree ring; no row for a node it does not have",
		.request = ratio_request,
		.request_size = sizeof(rk_ratio_request),
		.reply = ratio_reply,
		.reply_size = sizeof(rk_ratio_reply),
		.found = "status"
	},
	{
		.type_id = 126,
		.reply_id = 127,
		.name = "DegreeTop",
		.kernel = "graph/degree-centrality",
		.function = "ring_graph_degree_top",
		.description = "the nodes of a degree ring with the largest degrees",
		.request = degree_top_request,
		.request_size = sizeof(rk_top_request),
		.reply = no_fields,
		.reply_size = 0,
		.rows = degree_row,
		.row_size = sizeof(rk_degree_row)
	},
	{
		.type_id = 128,
		.reply_id = 129,
		.name = "RoleCounts",
		.kernel = "graph/degree-ratio",
		.function = "ring_graph_role_counts",
		.description = "number of nodes of each role in a degree ring",
		.request = version_request,
		.request_size = sizeof(rk_version_request),
		.reply = roles_reply,
		.reply_size = sizeof(rk_roles_reply)
	},
	{
		.type_id = 146,
		.reply_id = 147,
		.name = "NodeUpdate",
		.kernel = "graph/degree-centrality",
		.function = "ring_graph_node_update",
		.description = "adds a node without edges to a degree ring, or takes it back",
		.mutating = true,
		.request = node_change_request,
		.request_size = sizeof(rk_node_change_request),
		.reply = control_reply,
		.reply_size = sizeof(rk_control_reply)
	},
	{
		.type_id = 148,
		.name = "RoleChange",
		.kernel = "graph/degree-ratio",
		.description = "a change that has given a node of a degree ring another role",
		.request = role_change,
		.request_size = sizeof(rk_role_change),
		.published = true
	},
	{0}
};

/* ---- graph/pagerank-part ---- */

static const rk_field part_edge[] = {
	RK_FIELD(rk_part_edge, op, RK_FIELD_CODE,.implied = "'add'",.choices = edge_ops,.first_code = RK_EDGE_ADD,
			 .meaning = "add a row, remove one of this weight, or make all rows of the pair one of this weight"),
	RK_FIELD(rk_part_edge, source, RK_FIELD_INT8,.meaning = "node the edge leaves"),
	RK_FIELD(rk_part_edge, target, RK_FIELD_INT8,.meaning = "node the edge enters"),
	RK_FIELD(rk_part_edge, weight, RK_FIELD_FIXED,.initial = "1",.meaning = "its weight, with up to 8 decimals; not negative"),
	{0}
};

static const rk_field part_edge_reply[] = {
	RK_FIELD(rk_part_edge_reply, status, RK_FIELD_CODE,.choices = statuses,.meaning = "ok or no_such_edge"),
	RK_FIELD(rk_part_edge_reply, kept, RK_FIELD_BOOLEAN,.meaning = "whether the source belongs to this part; if not, nothing has happened"),
	RK_FIELD(rk_part_edge_reply, num_edges, RK_FIELD_INT8,.meaning = "rows of this part"),
	{0}
};

static const rk_field part_round[] = {
	RK_FIELD(rk_part_round, iteration, RK_FIELD_INT4,.initial = "1",.min = 1,.max = 2147483647,.meaning = "number of the round, from 1"),
	RK_FIELD(rk_part_round, run, RK_FIELD_INT8,.initial = "0",.meaning = "the same number in all rounds of an iteration"),
	{0}
};

static const rk_field part_round_reply[] = {
	RK_FIELD(rk_part_round_reply, delta, RK_FIELD_FLOAT8,
			 .meaning = "how much the scores of this part have changed in all; 1 more if the number of nodes has"),
	RK_FIELD(rk_part_round_reply, nodes, RK_FIELD_INT8,.meaning = "nodes of this part"),
	RK_FIELD(rk_part_round_reply, total, RK_FIELD_INT8,.meaning = "nodes of all parts, as far as they are known"),
	{0}
};

static const rk_field part_share[] = {
	RK_FIELD(rk_part_share, run, RK_FIELD_INT8,.initial = "0",.meaning = "the iteration"),
	RK_FIELD(rk_part_share, round, RK_FIELD_INT4,.initial = "0",.meaning = "its round"),
	RK_FIELD(rk_part_share, part, RK_FIELD_INT2,.initial = "0",.meaning = "part that sends it"),
	RK_FIELD(rk_part_share, nodes, RK_FIELD_INT8,.initial = "0",.meaning = "nodes of that part"),
	RK_FIELD(rk_part_share, dangling, RK_FIELD_FLOAT8,.initial = "0",.meaning = "mass on nodes without out-edges there"),
	RK_FIELD(rk_part_share, count, RK_FIELD_INT2,.initial = "0",.meaning = "pairs of node and value that follow"),
	RK_FIELD(rk_part_share, last, RK_FIELD_BOOLEAN,.initial = "false",.meaning = "whether it is the last of the round"),
	{0}
};

static const rk_field part_query[] = {
	RK_FIELD(rk_part_query, node, RK_FIELD_INT8,.meaning = "the node"),
	{0}
};

static const rk_field part_reply[] = {
	RK_FIELD(rk_part_reply, score, RK_FIELD_FLOAT8,.meaning = "its score"),
	STATUS(rk_part_reply, "whether there is such a node in this part"),
	{0}
};

const rk_message_type rk_graph_pagerank_part_messages[] = {
	{
		.type_id = 150,
		.reply_id = 151,
		.name = "PageRankPartEdge",
		.kernel = "graph/pagerank-part",
		.function = "ring_graph_pagerank_part_edge",
		.description = "adds, removes or reweighs an edge of a graph/pagerank-part ring, if its source belongs to the part",
		.mutating = true,
		.request = part_edge,
		.request_size = sizeof(rk_part_edge),
		.reply = part_edge_reply,
		.reply_size = sizeof(rk_part_edge_reply)
	},
	{
		.type_id = 152,
		.reply_id = 153,
		.name = "PageRankPartRound",
		.kernel = "graph/pagerank-part",
		.description = "one iteration of a graph/pagerank-part ring; rk.ring_iterate sends it to all parts",
		.mutating = true,
		.request = part_round,
		.request_size = sizeof(rk_part_round),
		.reply = part_round_reply,
		.reply_size = sizeof(rk_part_round_reply)
	},
	{
		.type_id = 154,
		.reply_id = 155,
		.name = "PageRankPartShare",
		.kernel = "graph/pagerank-part",
		.description = "what graph/pagerank-part rings send each other between two rounds",
		.mutating = true,
		.request = part_share,
		.request_size = sizeof(rk_part_share)
	},
	{
		.type_id = 156,
		.reply_id = 157,
		.name = "PageRankPartQuery",
		.kernel = "graph/pagerank-part",
		.function = "ring_graph_pagerank_part_query",
		.description = "score of a node in a graph/pagerank-part ring; no row for a node of another part",
		.request = part_query,
		.request_size = sizeof(rk_part_query),
		.reply = part_reply,
		.reply_size = sizeof(rk_part_reply),
		.found = "status"
	},
	{0}
};

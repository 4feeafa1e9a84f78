/*
 * relations.c
 *	  The relations that graph kernels take: their columns, as data.
 */
#include "relations.h"

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

static const rk_relation_column beta_node_columns[] = {
	{"node", "id", RK_TYPE_ID, true, "a node, with edges or without"},
	{"beta", NULL, RK_TYPE_FLOAT8, false, "what it has to begin with; NULL: what the parameter says"},
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

const rk_relation rk_edges_relation = {
	.name = "edges",
	.columns = edge_columns,
	.may_be_graph = true,
	.example = "SELECT payer AS source, payee AS target, amount AS weight FROM wire"
};
const rk_relation rk_nodes_relation = {
	.name = "nodes",
	.columns = node_columns,
	.example = "SELECT id AS node FROM account"
};
const rk_relation rk_beta_nodes_relation = {
	.name = "nodes",
	.columns = beta_node_columns,
	.example = "SELECT account AS node, rating AS beta FROM account"
};
const rk_relation rk_personalization_relation = {
	.name = "personalization",
	.columns = personalization_columns,
	.example = "SELECT account AS node, 1 AS value FROM watchlist"
};
const rk_relation rk_pairs_relation = {
	.name = "pairs",
	.columns = pair_columns,
	.example = "SELECT payer AS node_a, payee AS node_b FROM candidate"
};

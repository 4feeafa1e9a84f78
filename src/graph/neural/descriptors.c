/*
 * descriptors.c
 *	  The neural kernels as data: parameters, result columns, documentation.
 */
#include "../relations.h"

static const rk_relation_column point_columns[] = {
	{"id", "node", RK_TYPE_ID, true, "the node"},
	{"features", NULL, RK_TYPE_FLOAT8_ARRAY, false, "its features, of one length in all rows; or columns of numbers instead",
	.not_null = true},
	{0}
};

static const rk_relation points_relation = {
	.name = "points",
	.columns = point_columns,
	.open = true,
	.example = "SELECT id, age, balance, turnover FROM customer"
};

static const char *const compute_types[] = {"float4", "float8", NULL};

#define POINTS_PARAM \
	{.name = "points", .type = RK_TYPE_RELATION, .relation = &points_relation, \
	 .meaning = "the nodes with their features: an array, or columns of numbers"}
#define COMPUTE_TYPE_PARAM \
	{.name = "compute_type", .type = RK_TYPE_TEXT, .initial = "'float4'", .choices = compute_types, \
	 .meaning = "type of numbers that is computed with; float8 is twice the work"}

/* ---- graph/gnn-inference ---- */

static const char *const aggregations[] = {"sum", "mean", "max", "sage", "gcn", "gin", NULL};

static const rk_function gnn_functions[] = {
	{
		.suffix = "",
		.description = "embeddings and predictions of the nodes by a graph neural network with given weights",
		.params = (const rk_param[]) {
			EDGES_PARAM,
			POINTS_PARAM,
			{.name = "model", .type = RK_TYPE_JSONB, .meaning = "the layers and their weights"},
			DIRECTED_PARAM("false"),
			WEIGHTED_PARAM("false"),
			COMPUTE_TYPE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"embedding", RK_TYPE_FLOAT8_ARRAY, "its vector after the last layer"},
			{"prediction", RK_TYPE_INT4, "position of the largest number, from 0; NULL for a single number without output function"},
			{"probabilities", RK_TYPE_FLOAT8_ARRAY, "softmax or sigmoid of the embedding; NULL if output is none"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_init",
		.shape = RK_SHAPE_SCALAR,
		.description = "a model for graph_gnn_inference with random weights, to start training from",
		.params = (const rk_param[]) {
			{.name = "input_dim", .type = RK_TYPE_INT4, RK_BETWEEN(1, 65536), .meaning = "number of features"},
			{.name = "hidden_dim", .type = RK_TYPE_INT4, .initial = "64", RK_BETWEEN(1, 65536), .meaning = "width of the layers between"},
			{.name = "output_dim", .type = RK_TYPE_INT4, .initial = "32", RK_BETWEEN(1, 65536), .meaning = "width of the last layer"},
			{.name = "num_layers", .type = RK_TYPE_INT4, .initial = "2", RK_BETWEEN(1, 1000), .meaning = "how many layers"},
			{.name = "aggregation", .type = RK_TYPE_TEXT, .initial = "'mean'", .choices = aggregations, .meaning = "of all layers"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"model", RK_TYPE_JSONB, "the model"}, {0}}
	},
	{0}
};

/* ---- graph/graph-attention ---- */

#define ATTENTION_PARAMS \
	EDGES_PARAM, \
	POINTS_PARAM, \
	{.name = "model", .type = RK_TYPE_JSONB, .meaning = "the heads and their weights"}, \
	DIRECTED_PARAM("false"), \
	COMPUTE_TYPE_PARAM, \
	{0}

static const rk_function attention_functions[] = {
	{
		.suffix = "",
		.description = "embeddings of the nodes by a layer of graph attention with given weights",
		.params = (const rk_param[]) {ATTENTION_PARAMS},
		.columns = (const rk_column[]) {
			{"node", RK_TYPE_ID, "the node"},
			{"embedding", RK_TYPE_FLOAT8_ARRAY, "its vector after the layer"},
			{"importance", RK_TYPE_FLOAT8_ARRAY, "for every head the mean attention it gets from those that look at it, itself included"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_weights",
		.description = "attention that every node pays to its neighbours and itself",
		.params = (const rk_param[]) {ATTENTION_PARAMS},
		.columns = (const rk_column[]) {
			{"head", RK_TYPE_INT4, "the head, from 0"},
			{"node", RK_TYPE_ID, "the node that looks"},
			{"neighbor", RK_TYPE_ID, "the node it looks at"},
			{"attention", RK_TYPE_FLOAT8, "how much; adds up to 1 for every node and head"},
			{0}
		},
		.rows = RK_ROWS_PER_EDGE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_init",
		.shape = RK_SHAPE_SCALAR,
		.description = "a model for graph_graph_attention with random weights, to start training from",
		.params = (const rk_param[]) {
			{.name = "input_dim", .type = RK_TYPE_INT4, RK_BETWEEN(1, 65536), .meaning = "number of features"},
			{.name = "num_heads", .type = RK_TYPE_INT4, .initial = "4", RK_BETWEEN(1, 1000), .meaning = "number of heads"},
			{.name = "head_dim", .type = RK_TYPE_INT4, .initial = "16", RK_BETWEEN(1, 65536), .meaning = "width of a head"},
			{.name = "output_dim", .type = RK_TYPE_INT4, .initial = "64", RK_BETWEEN(1, 65536), .meaning = "width of the embedding"},
			SEED_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {{"model", RK_TYPE_JSONB, "the model"}, {0}}
	},
	{0}
};

const rk_kernel rk_graph_neural_kernels[] = {
	{
		.id = "graph/gnn-inference",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Inference of a graph neural network: GCN, GraphSAGE, GIN and plain aggregations",
		.notes = "The model is {\"add_self_loops\": true, \"aggregation\": \"mean\", \"activation\": \"relu\", \"layer_norm\": false, \"output\": \"softmax\", "
		"\"layers\": [{\"weight\": [[...]], \"bias\": [...], \"self_weight\": [[...]], ...}]}; a weight has a row for every input and a column for every output. "
		"A layer may have aggregation, activation and layer_norm of its own (layer_norm also as {\"gamma\", \"beta\", \"eps\"}) and epsilon for gin; the last one "
		"has activation and norm only if it says so itself. Aggregations: sum, mean, max of the neighbours, with the node itself if add_self_loops; sage (Hamilton 2017: mean "
		"of the others, and the node through self_weight), gcn (Kipf, Welling 2017), gin (Xu 2019). Activations: relu, leaky_relu, elu, gelu, sigmoid, tanh, none. "
		"Without output it is softmax, or none for a single number. weighted acts on sum, mean and gcn.",
		.license_feature = "GraphAnalytics.GNNInference",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = gnn_functions
	},
	{
		.id = "graph/graph-attention",
		.domain = "GraphAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Graph attention: GAT (Velickovic 2018) and GATv2 (Brody 2022)",
		.notes = "The model is {\"variant\": \"gat\", \"negative_slope\": 0.2, \"concat_heads\": true, \"heads\": [{\"weight\": [[...]], \"attention\": [...]}], "
		"\"output_weight\": [[...]], \"bias\": [...], \"activation\": \"none\"}. A head has one weight, or query, key and value (gatv2: without value, key serves); its attention has twice "
		"its width (gatv2: once). Every node looks at its neighbours and itself. Heads stand side by side or are averaged, then come output_weight, bias and activation.",
		.license_feature = "GraphAnalytics.GraphAttention",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = attention_functions
	},
	{0}
};

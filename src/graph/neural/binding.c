/*
 * binding.c
 *	  The neural kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/json_model.h"
#include "../../relation/points_input.h"
#include "device_form.h"

static const char *const aggregations[] = {"sum", "mean", "max", "sage", "gcn", "gin", NULL};
static const char *const activations[] = {"relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh", "none", NULL};
static const char *const outputs[] = {"softmax", "sigmoid", "none", NULL};
static const char *const variants[] = {"gat", "gatv2", NULL};

/* ---- models ---- */

/* A vector that has to have this many numbers; NULL where it is not there. */
static double *
vector_of(const rk_json_node *node, const char *key, int64 wanted)
{
	int64		count;
	double	   *values = rk_json_vector(node, key, &count);

	if (values && count != wanted)
		rk_json_wrong(node, key, psprintf("has %lld numbers instead of %lld", (long long) count, (long long) wanted));
	return values;
}

/* A matrix whose rows, and columns if that is not 0, are known. */
static double *
matrix_of(const rk_json_node *node, const char *key, int64 rows, int64 *columns)
{
	int64		found_rows;
	int64		found;
	double	   *values = rk_json_matrix(node, key, &found_rows, &found);

	if (values == NULL)
		return NULL;
	if (found_rows != rows)
		rk_json_wrong(node, key, psprintf("has %lld rows instead of %lld, one for each number that comes in",
										  (long long) found_rows, (long long) rows));
	if (*columns != 0 && found != *columns)
		rk_json_wrong(node, key, psprintf("has %lld columns instead of %lld", (long long) found, (long long) *columns));
	*columns = found;
	return values;
}

/* layer_norm is true, false or an object. */
static void
read_norm(const rk_json_node *node, const rk_json_node *of, rk_gnn_layer *l)
{
	rk_json_node norm;

	if (rk_json_object(of, "layer_norm", &norm))
	{
		l->normalize = true;
		l->gamma = vector_of(&norm, "gamma", l->out);
		l->beta = vector_of(&norm, "beta", l->out);
		l->eps = rk_json_number(&norm, "eps", l->eps);
		if (!(l->eps > 0))
			rk_json_wrong(&norm, "eps", "is not above 0");
	}
	else
		l->normalize = rk_json_boolean(of, "layer_norm", false);
}

static void
read_gnn_model(const rk_call *call, int64 in, rk_gnn_model *model)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_json_node *nodes = rk_json_objects(&root, "layers", &model->layers);
	rk_gnn_layer *layers = palloc0(sizeof(rk_gnn_layer) * model->layers);
	int			output;

	model->add_self_loops = rk_json_boolean(&root, "add_self_loops", true);
	model->layer = layers;
	for (int i = 0; i < model->layers; i++)
	{
		const rk_json_node *node = &nodes[i];
		rk_gnn_layer *l = &layers[i];
		bool		last = i == model->layers - 1;

		l->in = in;
		l->weight = matrix_of(node, "weight", in, &l->out);
		if (l->weight == NULL)
			rk_json_wrong(node, "weight", "is missing");
		l->bias = vector_of(node, "bias", l->out);
		l->self_weight = matrix_of(node, "self_weight", in, &l->out);
		l->aggregation = rk_json_choice(node, "aggregation", aggregations,
										rk_json_choice(&root, "aggregation", aggregations, RK_AGGREGATE_MEAN));
		if (l->aggregation == RK_AGGREGATE_SAGE && l->self_weight == NULL)
			rk_json_wrong(node, "self_weight", "is missing, which aggregation \"sage\" needs");
		/* the last layer has only what it says itself */
		l->activation = rk_json_choice(node, "activation", activations,
									   last ? RK_ACTIVATION_NONE :
									   rk_json_choice(&root, "activation", activations, RK_ACTIVATION_RELU));
		l->eps = 1e-5;
		if (rk_json_has(node, "layer_norm"))
			read_norm(node, node, l);
		else if (!last)
			read_norm(node, &root, l);
		l->epsilon = rk_json_number(node, "epsilon", 0);
		in = l->out;
	}
	output = rk_json_choice(&root, "output", outputs, -1);
	model->output = output >= 0 ? output : in > 1 ? RK_OUTPUT_SOFTMAX : RK_OUTPUT_NONE;
}

static void
read_head(const rk_json_node *node, rk_attention_model *model, rk_attention_head *head)
{
	if (rk_json_has(node, "weight"))
		head->query = head->key = head->value = matrix_of(node, "weight", model->in, &model->width);
	else
	{
		head->query = matrix_of(node, "query", model->in, &model->width);
		head->key = matrix_of(node, "key", model->in, &model->width);
		head->value = matrix_of(node, "value", model->in, &model->width);
		if (head->query == NULL || head->key == NULL)
			rk_json_wrong(node, head->query ? "key" : "query", "is missing, and \"weight\" is too");
		if (head->value == NULL && !model->second)
			rk_json_wrong(node, "value", "is missing");
		if (head->value == NULL)
			head->value = head->key;
	}
	head->attention = vector_of(node, "attention", model->second ? model->width : 2 * model->width);
	if (head->attention == NULL)
		rk_json_wrong(node, "attention", "is missing");
}

static void
read_attention_model(const rk_call *call, int64 in, rk_attention_model *model)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_json_node *nodes = rk_json_objects(&root, "heads", &model->heads);
	rk_attention_head *heads = palloc0(sizeof(rk_attention_head) * model->heads);
	int64		columns;

	model->in = in;
	model->second = rk_json_choice(&root, "variant", variants, 0) == 1;
	model->negative_slope = rk_json_number(&root, "negative_slope", 0.2);
	if (!(model->negative_slope >= 0))
		rk_json_wrong(&root, "negative_slope", "is below 0");
	model->concat = rk_json_boolean(&root, "concat_heads", true);
	model->head = heads;
	for (int i = 0; i < model->heads; i++)
		read_head(&nodes[i], model, &heads[i]);
	columns = model->concat ? model->heads * model->width : model->width;
	model->output_weight = matrix_of(&root, "output_weight", columns, &model->out);
	model->bias = vector_of(&root, "bias", model->output_weight ? model->out : columns);
	model->activation = rk_json_choice(&root, "activation", activations, RK_ACTIVATION_NONE);
}

/* ---- running ---- */

static rk_graph_options
neural_graph(const rk_call *call, bool weighted)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.drop_loops = true,
		.want_in = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

/* Features as they are read and by node, and the numbers of the points' ids. */
static int64
points_bytes(int64 nodes, int64 dimensions)
{
	return nodes * (int64) (2 * dimensions * sizeof(double) + 2 * sizeof(int64) + sizeof(uint32));
}

/* Numbers that come in, as the first matrix of a model has rows. */
static int64
model_rows(const rk_json_node *node, const char *key)
{
	int64		rows = 0;
	int64		columns;

	rk_json_matrix(node, key, &rows, &columns);
	return rows;
}

static void
gnn_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_gnn_model model = {0};
	int			layers;
	int64		in = model_rows(rk_json_objects(&root, "layers", &layers), "weight");

	need->graph = neural_graph(call, size->weighted);
	read_gnn_model(call, in, &model);
	need->bytes = points_bytes(size->nodes, in) +
		rk_graph_gnn_inference_memory(size->nodes, &model, rk_arg_choice(call, "compute_type"));
}

static void
attention_need_of(const rk_call *call, const rk_graph_size *size, bool weights, rk_need *need)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_attention_model model = {0};
	int			heads;
	rk_json_node *head = rk_json_objects(&root, "heads", &heads);
	int64		in = model_rows(head, rk_json_has(head, "weight") ? "weight" : "query");

	need->graph = neural_graph(call, size->weighted);
	read_attention_model(call, in, &model);
	need->bytes = points_bytes(size->nodes, in) +
		rk_graph_graph_attention_memory(size->nodes, size->arcs, &model,
										rk_arg_choice(call, "compute_type"), weights);
}

static void
attention_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	attention_need_of(call, size, false, need);
}

static void
attention_weights_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	attention_need_of(call, size, true, need);
}

static int
number_bytes(const rk_call *call)
{
	return rk_arg_choice(call, "compute_type") == RK_COMPUTE_FLOAT4 ? sizeof(float) : sizeof(double);
}

static void
gnn_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_gnn_model model = {0};
	int			layers;

	read_gnn_model(call, model_rows(rk_json_objects(&root, "layers", &layers), "weight"), &model);
	*cost = rk_device_gnn_cost(size->nodes, size->arcs, size->weighted, size->kept, &model, number_bytes(call));
}

static void
attention_cost_of(const rk_call *call, const rk_graph_size *size, bool weights, rk_device_cost *cost)
{
	rk_json_node root = rk_json_model(call, "model");
	rk_attention_model model = {0};
	int			heads;
	rk_json_node *head = rk_json_objects(&root, "heads", &heads);

	read_attention_model(call, model_rows(head, rk_json_has(head, "weight") ? "weight" : "query"), &model);
	*cost = rk_device_attention_cost(size->nodes, size->arcs, size->kept, &model, number_bytes(call), weights);
}

static void
attention_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	attention_cost_of(call, size, false, cost);
}

static void
attention_weights_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	attention_cost_of(call, size, true, cost);
}

/* What a run works on. */
typedef struct neural_run
{
	rk_points  *points;
	rk_graph_input *input;
	rk_graph_options options;
	rk_graph	g;
} neural_run;

/* Points, and the graph over them; false when there are none. */
static bool
open_run(rk_call *call, rk_weight_meaning meaning, neural_run *run)
{
	rk_refuse_edges(call);
	run->points = rk_read_points(call, "points");
	run->input = rk_read_graph_over(call, run->points, meaning);
	run->options = neural_graph(call, run->input->edges.weight != NULL);
	rk_build_graph(call, run->input, &run->options, &run->g);
	return run->g.nodes > 0;
}

/* Asks for a device; NULL: the CPU shall do it. */
static rk_device_run *
begin_on_device(rk_call *call, const neural_run *run, rk_cuda_kernel kernel)
{
	rk_graph_size size = {
		.nodes = run->g.nodes,.arcs = run->g.arcs,.weighted = run->input->edges.weight != NULL,
		.kept = run->input->context != NULL,.threads = call->ctx.threads
	};

	return rk_device_begin(call, kernel, &size);
}

/* Hands over what both kernels have: graph, parameters, inputs, the embedding. */
static void
hand_over(rk_device_run *device, const neural_run *run, const void *params, Size params_bytes,
		  const rk_neural_arrays *arrays)
{
	rk_device_graph(device, run->input, &run->g, &run->options);
	rk_device_params(device, params, params_bytes);
	for (int i = 0; i < lengthof(arrays->input); i++)
		rk_device_input(device, arrays->input[i].data, arrays->input[i].bytes);
	rk_device_output(device, arrays->embedding.data, arrays->embedding.bytes);
}

/* The network on the device; false: the CPU shall do it. */
static bool
gnn_on_device(rk_call *call, const neural_run *run, const rk_gnn_model *model, rk_gnn_result *result)
{
	rk_device_run *device = begin_on_device(call, run, RK_CUDA_GNN);
	rk_compute_type type = rk_arg_choice(call, "compute_type");
	int64		count = run->g.nodes * model->layer[model->layers - 1].out;
	rk_cuda_gnn_params params;
	rk_neural_arrays arrays;

	if (device == NULL)
		return false;
	rk_call_check(call, rk_graph_gnn_to_device(&call->ctx, run->g.nodes, run->points->features, model, type, &params,
											   &arrays, result));
	hand_over(device, run, &params, sizeof(params), &arrays);
	rk_device_output(device, result->prediction, result->prediction ? run->g.nodes * sizeof(int64) : 0);
	rk_device_output(device, result->probabilities, result->probabilities ? count * sizeof(double) : 0);
	if (!rk_device_finish(device, NULL))
		return false;
	rk_neural_from_device(&call->ctx, type, count, &arrays, result->embedding);
	return true;
}

/* Attention on the device; false: the CPU shall do it. */
static bool
attention_on_device(rk_call *call, const neural_run *run, const rk_attention_model *model, bool weights,
					rk_attention_result *result)
{
	rk_device_run *device = begin_on_device(call, run, RK_CUDA_ATTENTION);
	rk_compute_type type = rk_arg_choice(call, "compute_type");
	rk_cuda_attention_params params;
	rk_neural_arrays arrays;

	if (device == NULL)
		return false;
	rk_call_check(call, rk_graph_attention_to_device(&call->ctx, &run->g, run->points->features, model, type, weights,
													 &params, &arrays, result));
	hand_over(device, run, &params, sizeof(params), &arrays);
	rk_device_output(device, result->importance, run->g.nodes * model->heads * sizeof(double));
	rk_device_output(device, result->attention,
					 weights ? result->offsets[run->g.nodes] * model->heads * sizeof(double) : 0);
	if (!rk_device_finish(device, NULL))
		return false;
	rk_neural_from_device(&call->ctx, type, run->g.nodes * result->out, &arrays, result->embedding);
	return true;
}

/* Attention, wherever. */
static void
run_attention(rk_call *call, const neural_run *run, const rk_attention_model *model, bool weights,
			  rk_attention_result *result)
{
	if (!attention_on_device(call, run, model, weights, result))
		rk_call_check(call, rk_graph_graph_attention(&call->ctx, &run->g, run->points->features, model,
													 rk_arg_choice(call, "compute_type"), weights, result));
}

/* Offsets of arrays of one length. */
static int64 *
even_offsets(rk_call *call, int64 rows, int64 length)
{
	int64	   *offsets = rk_call_alloc(call, rows + 1, int64);

	for (int64 i = 0; i <= rows; i++)
		offsets[i] = i * length;
	return offsets;
}

static void
gnn_inference(rk_call *call)
{
	neural_run	run;
	rk_gnn_model model = {0};
	rk_gnn_result result;
	int64	   *offsets;

	if (!open_run(call, RK_WEIGHT_STRENGTH, &run))
		return;
	read_gnn_model(call, run.points->dimensions, &model);
	if (!gnn_on_device(call, &run, &model, &result))
		rk_call_check(call, rk_graph_gnn_inference(&call->ctx, &run.g, run.points->features, &model,
												   rk_arg_choice(call, "compute_type"), &result));
	offsets = even_offsets(call, run.g.nodes, model.layer[model.layers - 1].out);
	rk_emit(call, run.g.nodes, (rk_out[]) {
		RK_OUT_NODES(run.points->ids),
		RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, result.embedding, offsets),
		result.prediction ? RK_OUT_INT4S(result.prediction) : RK_OUT_NULLS,
		result.probabilities ? RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, result.probabilities, offsets) : RK_OUT_NULLS
	}, NULL);
}

static void
graph_attention(rk_call *call)
{
	neural_run	run;
	rk_attention_model model = {0};
	rk_attention_result result;

	if (!open_run(call, RK_WEIGHT_NONE, &run))
		return;
	read_attention_model(call, run.points->dimensions, &model);
	run_attention(call, &run, &model, false, &result);
	rk_emit(call, run.g.nodes, (rk_out[]) {
		RK_OUT_NODES(run.points->ids),
		RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, result.embedding, even_offsets(call, run.g.nodes, result.out)),
		RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, result.importance, even_offsets(call, run.g.nodes, model.heads))
	}, NULL);
}

static Datum
head_number(void *arg, int64 row, bool *is_null)
{
	return Int32GetDatum(*(int *) arg);
}

static void
graph_attention_weights(rk_call *call)
{
	neural_run	run;
	rk_attention_model model = {0};
	rk_attention_result result;
	int64		entries;

	if (!open_run(call, RK_WEIGHT_NONE, &run))
		return;
	read_attention_model(call, run.points->dimensions, &model);
	run_attention(call, &run, &model, true, &result);
	entries = result.offsets[run.g.nodes];
	for (int head = 0; head < model.heads; head++)
		rk_emit(call, entries, (rk_out[]) {
			RK_OUT_CALL(head_number, &head),
			RK_OUT_CODES(run.points->ids, result.nodes),
			RK_OUT_CODES(run.points->ids, result.neighbors),
			RK_OUT_DOUBLES(result.attention + head * entries)
		}, NULL);
}

/* ---- new models ---- */

/* Zeros, for a bias. */
static void
put_zeros(StringInfo s, int64 count)
{
	appendStringInfoChar(s, '[');
	for (int64 i = 0; i < count; i++)
		appendStringInfoString(s, i ? ", 0" : "0");
	appendStringInfoChar(s, ']');
}

static void
emit_model(rk_call *call, const char *json)
{
	rk_emit_row(call, (Datum[]) {DirectFunctionCall1(jsonb_in, CStringGetDatum(json))}, (bool[]) {false});
}

static void
gnn_inference_init(rk_call *call)
{
	int64		layers = rk_arg_int(call, "num_layers");
	int64		in = rk_arg_int(call, "input_dim");
	uint64		seed = (uint64) rk_arg_int(call, "seed");
	int			aggregation = rk_arg_choice(call, "aggregation");
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfo(&s, "{\"add_self_loops\": true, \"aggregation\": \"%s\", \"activation\": \"relu\", \"layer_norm\": true, \"layers\": [",
					 aggregations[aggregation]);
	for (int64 l = 0; l < layers; l++)
	{
		int64		out = rk_arg_int(call, l == layers - 1 ? "output_dim" : "hidden_dim");
		double	   *weight = rk_call_alloc(call, in * out, double);

		rk_graph_gnn_init(seed, l, in, out, weight);
		appendStringInfoString(&s, l ? ", {\"weight\": " : "{\"weight\": ");
		rk_json_put_matrix(&s, weight, in, out);
		if (aggregation == RK_AGGREGATE_SAGE)
		{
			/* numbers that no other layer draws */
			rk_graph_gnn_init(seed, layers + l, in, out, weight);
			appendStringInfoString(&s, ", \"self_weight\": ");
			rk_json_put_matrix(&s, weight, in, out);
		}
		appendStringInfoString(&s, ", \"bias\": ");
		put_zeros(&s, out);
		appendStringInfoChar(&s, '}');
		rk_free(&call->ctx, weight);
		in = out;
	}
	appendStringInfoString(&s, "]}");
	emit_model(call, s.data);
}

static void
graph_attention_init(rk_call *call)
{
	static const char *const parts[] = {"query", "key", "value"};
	int64		in = rk_arg_int(call, "input_dim");
	int64		heads = rk_arg_int(call, "num_heads");
	int64		width = rk_arg_int(call, "head_dim");
	int64		out = rk_arg_int(call, "output_dim");
	uint64		seed = (uint64) rk_arg_int(call, "seed");
	int64		most = Max(Max(in, 2) * width, heads * width * out);
	double	   *weight = rk_call_alloc(call, most, double);
	double		limit = sqrt(2.0 / (in + width));
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfoString(&s, "{\"variant\": \"gat\", \"negative_slope\": 0.2, \"concat_heads\": true, \"heads\": [");
	for (int64 h = 0; h < heads; h++)
	{
		for (int m = 0; m < 3; m++)
		{
			rk_graph_graph_attention_init(seed, h, m, in * width, limit, weight);
			appendStringInfo(&s, "%s\"%s\": ", m ? ", " : h ? ", {" : "{", parts[m]);
			rk_json_put_matrix(&s, weight, in, width);
		}
		rk_graph_graph_attention_init(seed, h, 3, 2 * width, limit, weight);
		appendStringInfoString(&s, ", \"attention\": ");
		rk_json_put_vector(&s, weight, 2 * width);
		appendStringInfoChar(&s, '}');
	}
	rk_graph_graph_attention_init(seed, heads, 4, heads * width * out, sqrt(2.0 / (heads * width + out)), weight);
	appendStringInfoString(&s, "], \"output_weight\": ");
	rk_json_put_matrix(&s, weight, heads * width, out);
	appendStringInfoString(&s, ", \"bias\": ");
	put_zeros(&s, out);
	appendStringInfoString(&s, ", \"activation\": \"none\"}");
	rk_free(&call->ctx, weight);
	emit_model(call, s.data);
}

RK_FUNCTION(rk_graph_gnn_inference_sql, "graph/gnn-inference", "");
RK_SCALAR(rk_graph_gnn_inference_init_sql, "graph/gnn-inference", "_init");
RK_FUNCTION(rk_graph_graph_attention_sql, "graph/graph-attention", "");
RK_FUNCTION(rk_graph_graph_attention_weights_sql, "graph/graph-attention", "_weights");
RK_SCALAR(rk_graph_graph_attention_init_sql, "graph/graph-attention", "_init");

const rk_bound_function rk_graph_neural_bindings[] = {
	{"graph/gnn-inference", "", gnn_inference, gnn_need,.device_cost = gnn_device_cost},
	{"graph/gnn-inference", "_init", gnn_inference_init},
	{"graph/graph-attention", "", graph_attention, attention_need,.device_cost = attention_device_cost},
	{"graph/graph-attention", "_weights", graph_attention_weights, attention_weights_need,.device_cost = attention_weights_device_cost},
	{"graph/graph-attention", "_init", graph_attention_init},
	{0}
};

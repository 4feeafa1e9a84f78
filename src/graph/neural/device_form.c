/*
 * device_form.c
 *	  Models and features as the kernels for devices take them.
 *
 * Features and embeddings go over the bus in the type that is computed with.
 */
#include "device_form.h"

#include "neural_steps.h"

/* Features in the type that is computed with. */
static rk_status
put_features(rk_ctx *ctx, int64_t nodes, int64_t columns, const double *features, rk_compute_type type,
			 rk_cuda_input *input)
{
	int64_t		count = nodes * columns;
	rk_status	status = rk_features_check(ctx, nodes, columns, features);
	float	   *narrow;

	*input = (rk_cuda_input) {features, count * (int64_t) sizeof(double)};
	if (status != RK_OK || type == RK_COMPUTE_FLOAT8)
		return status;
	if ((narrow = rk_alloc(ctx, count, sizeof(float))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		narrow[i] = (float) features[i];
	}
	*input = (rk_cuda_input) {narrow, count * (int64_t) sizeof(float)};
	return RK_OK;
}

/* Room for the embedding of the device, and for it in float8. */
static rk_status
make_embedding(rk_ctx *ctx, rk_compute_type type, int64_t count, rk_neural_arrays *arrays, double **embedding)
{
	*embedding = rk_alloc(ctx, count, sizeof(double));
	arrays->embedding = (rk_cuda_output) {*embedding, count * (int64_t) sizeof(double)};
	if (*embedding && type == RK_COMPUTE_FLOAT4)
		arrays->embedding = (rk_cuda_output) {rk_alloc(ctx, count, sizeof(float)), count * (int64_t) sizeof(float)};
	return arrays->embedding.data ? RK_OK : RK_ERR_MEMORY;
}

void
rk_neural_from_device(rk_ctx *ctx, rk_compute_type type, int64_t count, const rk_neural_arrays *arrays,
					  double *embedding)
{
	const float *narrow = arrays->embedding.data;

	if (type == RK_COMPUTE_FLOAT8)
		return;
	for (int64_t i = 0; i < count; i++)
		embedding[i] = narrow[i];
	rk_free(ctx, arrays->embedding.data);
	rk_free(ctx, (void *) arrays->input[2].data);
}

/* Copies an array of a model, if it is there. */
static double *
put(double *to, const double *from, int64_t count)
{
	if (from == NULL)
		return to;
	memcpy(to, from, sizeof(double) * count);
	return to + count;
}

rk_status
rk_graph_gnn_to_device(rk_ctx *ctx, int64_t nodes, const double *features, const rk_gnn_model *model,
					   rk_compute_type type, rk_cuda_gnn_params *params, rk_neural_arrays *arrays,
					   rk_gnn_result *result)
{
	int64_t		out = model->layer[model->layers - 1].out;
	int64_t		count = 0;
	rk_cuda_gnn_layer *layers = rk_alloc0(ctx, model->layers, sizeof(rk_cuda_gnn_layer));
	double	   *numbers;
	double	   *end;
	rk_status	status;

	*result = (rk_gnn_result) {0};
	if (layers == NULL)
		return RK_ERR_MEMORY;
	*params = (rk_cuda_gnn_params) {
		.layers = model->layers, .compute_type = type, .add_self_loops = model->add_self_loops, .output = model->output
	};
	for (int i = 0; i < model->layers; i++)
	{
		const rk_gnn_layer *l = &model->layer[i];

		layers[i] = (rk_cuda_gnn_layer) {
			.in = l->in, .out = l->out, .aggregation = l->aggregation, .activation = l->activation,
			.normalize = l->normalize, .has_bias = l->bias != NULL, .has_self = l->self_weight != NULL,
			.has_gamma = l->gamma != NULL, .has_beta = l->beta != NULL, .eps = l->eps, .epsilon = l->epsilon
		};
		count += l->in * l->out * (1 + layers[i].has_self) +
			l->out * (layers[i].has_bias + layers[i].has_gamma + layers[i].has_beta);
	}
	if ((end = numbers = rk_alloc(ctx, count, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < model->layers; i++)
	{
		const rk_gnn_layer *l = &model->layer[i];

		end = put(end, l->weight, l->in * l->out);
		end = put(end, l->bias, l->out);
		end = put(end, l->self_weight, l->in * l->out);
		end = put(end, l->gamma, l->out);
		end = put(end, l->beta, l->out);
	}
	arrays->input[0] = (rk_cuda_input) {layers, model->layers * (int64_t) sizeof(*layers)};
	arrays->input[1] = (rk_cuda_input) {numbers, count * (int64_t) sizeof(double)};
	if ((status = put_features(ctx, nodes, model->layer[0].in, features, type, &arrays->input[2])) != RK_OK ||
		(status = make_embedding(ctx, type, nodes * out, arrays, &result->embedding)) != RK_OK)
		return status;
	return rk_graph_gnn_allocate(ctx, nodes, model, result);
}

rk_status
rk_graph_attention_to_device(rk_ctx *ctx, const rk_graph *g, const double *features,
							 const rk_attention_model *model, rk_compute_type type, bool want_attention,
							 rk_cuda_attention_params *params, rk_neural_arrays *arrays,
							 rk_attention_result *result)
{
	int64_t		columns = model->concat ? model->heads * model->width : model->width;
	int64_t		out = model->output_weight ? model->out : columns;
	int64_t		matrix = model->in * model->width;
	int64_t		vector = model->second ? model->width : 2 * model->width;
	rk_cuda_attention_head *heads = rk_alloc0(ctx, model->heads, sizeof(rk_cuda_attention_head));
	double	   *numbers = rk_alloc(ctx, model->heads * (3 * matrix + vector) + (columns + 1) * out, sizeof(double));
	double	   *end = numbers;
	rk_status	status;

	*result = (rk_attention_result) {.out = out};
	if (heads == NULL || numbers == NULL)
		return RK_ERR_MEMORY;
	*params = (rk_cuda_attention_params) {
		.in = model->in, .width = model->width, .out = out, .negative_slope = model->negative_slope,
		.heads = model->heads, .compute_type = type, .second = model->second, .concat = model->concat,
		.activation = model->activation, .has_output = model->output_weight != NULL, .has_bias = model->bias != NULL
	};
	for (int i = 0; i < model->heads; i++)
	{
		const rk_attention_head *h = &model->head[i];

		heads[i].key = h->key == h->query ? RK_CUDA_MATRIX_QUERY : RK_CUDA_MATRIX_OWN;
		heads[i].value = h->value == h->key ? RK_CUDA_MATRIX_KEY :
			h->value == h->query ? RK_CUDA_MATRIX_QUERY : RK_CUDA_MATRIX_OWN;
		end = put(end, h->query, matrix);
		end = put(end, heads[i].key == RK_CUDA_MATRIX_OWN ? h->key : NULL, matrix);
		end = put(end, heads[i].value == RK_CUDA_MATRIX_OWN ? h->value : NULL, matrix);
		end = put(end, h->attention, vector);
	}
	end = put(end, model->output_weight, columns * out);
	end = put(end, model->bias, out);
	arrays->input[0] = (rk_cuda_input) {heads, model->heads * (int64_t) sizeof(*heads)};
	arrays->input[1] = (rk_cuda_input) {numbers, (end - numbers) * (int64_t) sizeof(double)};
	if ((status = put_features(ctx, g->nodes, model->in, features, type, &arrays->input[2])) != RK_OK ||
		(status = make_embedding(ctx, type, g->nodes * out, arrays, &result->embedding)) != RK_OK)
		return status;
	return rk_graph_attention_allocate(ctx, g, model, want_attention, result);
}

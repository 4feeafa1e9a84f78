/*
 * gnn_inference.c
 *	  A graph neural network with given weights, layer by layer.
 *
 * A layer is a sum over neighbours and a product with a small matrix; sums are
 * linear, so the product comes first where it shortens the vectors.  The
 * product runs in blocks of 6 rows and two vectors of columns whose sums stay
 * in registers, the sum over neighbours in blocks of four vectors.
 */
#include "neural_steps.h"

/* What all layers share. */
typedef struct gnn_run
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const rk_gnn_model *model;
	int64_t    *bounds;			/* chunks of nodes by entries */
	int64_t		chunks;
	double	   *ones;			/* n: weight of a node in its own sum */
	double	   *degree;			/* n: entries around a node, 1 / so */
	double	   *strength;		/* n: 1 / sum of weights, with v if it counts */
	double	   *root;			/* n: its root */
	double	   *gin;			/* n: 1 + epsilon of the layer */
} gnn_run;

/* How the sum of this layer is weighted. */
static void
choose_scales(const gnn_run *run, const rk_gnn_layer *l, const double **weights,
			  const double **scale, const double **row_scale, const double **self)
{
	bool		loops = run->model->add_self_loops;

	switch (l->aggregation)
	{
		case RK_AGGREGATE_SUM:
			*weights = run->g->in.weights;
			*self = loops ? run->ones : NULL;
			break;
		case RK_AGGREGATE_MEAN:
			*weights = run->g->in.weights;
			*row_scale = run->strength;
			*self = loops ? run->ones : NULL;
			break;
		case RK_AGGREGATE_MAX:
			*self = loops ? run->ones : NULL;
			break;
		case RK_AGGREGATE_SAGE:
			*row_scale = run->degree;
			break;
		case RK_AGGREGATE_GCN:
			*weights = run->g->in.weights;
			*scale = run->root;
			*row_scale = run->root;
			/* the node's own weight is 1, scaled as a neighbour's is */
			*self = loops ? run->root : NULL;
			break;
		case RK_AGGREGATE_GIN:
			for (int64_t v = 0; v < run->g->nodes; v++)
				run->gin[v] = 1 + l->epsilon;
			*self = run->gin;
			break;
	}
}

#define REAL float
#define NAME(x) x##_float4
#include "layer_steps.h"
#include "gnn_layers.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(x) x##_float8
#include "layer_steps.h"
#include "gnn_layers.h"
#undef REAL
#undef NAME

/* Widths that fit, weights that are numbers. */
static rk_status
check_model(rk_ctx *ctx, const rk_gnn_model *model)
{
	for (int l = 0; l < model->layers; l++)
	{
		const rk_gnn_layer *layer = &model->layer[l];

		if (l > 0 && layer->in != model->layer[l - 1].out)
			return rk_fail(ctx, RK_ERR_PARAMETER, "layer %d of the model takes vectors of %lld numbers, but layer %d gives %lld",
						   l, (long long) layer->in, l - 1, (long long) model->layer[l - 1].out);
		if (layer->aggregation == RK_AGGREGATE_SAGE && layer->self_weight == NULL)
			return rk_fail(ctx, RK_ERR_PARAMETER, "layer %d of the model has aggregation \"sage\" but no \"self_weight\"", l);
	}
	return model->layers > 0 ? RK_OK : rk_fail(ctx, RK_ERR_PARAMETER, "the model has no layers");
}

/* Degrees and strengths of all nodes, inverted. */
static rk_status
make_scales(gnn_run *run)
{
	const rk_adjacency *in = &run->g->in;
	int64_t		n = run->g->nodes;

	run->ones = rk_alloc(run->ctx, n, sizeof(double));
	run->degree = rk_alloc(run->ctx, n, sizeof(double));
	run->strength = rk_alloc(run->ctx, n, sizeof(double));
	run->root = rk_alloc(run->ctx, n, sizeof(double));
	run->gin = rk_alloc(run->ctx, n, sizeof(double));
	if (!run->ones || !run->degree || !run->strength || !run->root || !run->gin)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		double		degree = (double) rk_degree(in, v);
		double		strength = run->model->add_self_loops;

		if ((v & 0xffff) == 0 && rk_ctx_poll(run->ctx))
			return RK_STOPPED;
		for (int64_t i = in->offsets[v]; in->weights && i < in->offsets[v + 1]; i++)
		{
			if (!(in->weights[i] >= 0))
				return rk_fail_node(run->ctx, RK_ERR_DATA, v, "a weight at node %%node is negative or not a number");
			strength += in->weights[i];
		}
		if (in->weights == NULL)
			strength += degree;
		run->ones[v] = 1;
		run->degree[v] = degree > 0 ? 1 / degree : 0;
		run->strength[v] = strength > 0 ? 1 / strength : 0;
		run->root[v] = strength > 0 ? 1 / sqrt(strength) : 0;
	}
	return RK_OK;
}

/* Probabilities and predictions of the last layer's vectors. */
static rk_status
read_output(rk_ctx *ctx, int64_t n, int64_t out, rk_gnn_output output, rk_gnn_result *result)
{
	for (int64_t v = 0; v < n; v++)
	{
		const double *x = result->embedding + v * out;
		double	   *p = result->probabilities ? result->probabilities + v * out : NULL;
		int64_t		best = 0;
		double		sum = 0;

		if ((v & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t c = 0; c < out; c++)
		{
			if (x[c] - x[c] != 0)
				return rk_fail_node(ctx, RK_ERR_OVERFLOW, v, "embedding of node %%node is out of range");
			if (x[c] > x[best])
				best = c;
		}
		if (result->prediction)
			result->prediction[v] = best;
		for (int64_t c = 0; p && c < out; c++)
			sum += p[c] = output == RK_OUTPUT_SOFTMAX ? exp(x[c] - x[best]) : 1 / (1 + exp(-x[c]));
		for (int64_t c = 0; output == RK_OUTPUT_SOFTMAX && c < out; c++)
			p[c] /= sum;
	}
	return RK_OK;
}

rk_status
rk_graph_gnn_allocate(rk_ctx *ctx, int64_t nodes, const rk_gnn_model *model, rk_gnn_result *result)
{
	int64_t		out = model->layer[model->layers - 1].out;

	if ((model->output != RK_OUTPUT_NONE || out > 1) &&
		(result->prediction = rk_alloc(ctx, nodes, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	if (model->output != RK_OUTPUT_NONE &&
		(result->probabilities = rk_alloc(ctx, nodes * out, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	return RK_OK;
}

rk_status
rk_graph_gnn_inference(rk_ctx *ctx, const rk_graph *g, const double *features,
					   const rk_gnn_model *model, rk_compute_type type, rk_gnn_result *result)
{
	gnn_run		run = {.ctx = ctx,.g = g,.model = model};
	int64_t		n = g->nodes;
	rk_status	status = check_model(ctx, model);
	int64_t		out;

	*result = (rk_gnn_result) {0};
	if (status != RK_OK)
		return status;
	out = model->layer[model->layers - 1].out;
	if ((status = rk_features_check(ctx, n, model->layer[0].in, features)) != RK_OK)
		return status;
	if ((status = rk_graph_gnn_allocate(ctx, n, model, result)) != RK_OK)
		return status;
	result->embedding = rk_alloc(ctx, n * out, sizeof(double));
	run.bounds = rk_graph_chunks(ctx, n, g->in.offsets, 2048, &run.chunks);
	if (!result->embedding || !run.bounds)
		return RK_ERR_MEMORY;
	if ((status = make_scales(&run)) != RK_OK)
		return status;
	rk_phase(ctx, "computing", model->layers);
	status = type == RK_COMPUTE_FLOAT4 ? run_float4(&run, features, result->embedding) :
		run_float8(&run, features, result->embedding);
	if (status != RK_OK)
		return status;
	rk_free(ctx, run.bounds);
	rk_free(ctx, run.ones);
	rk_free(ctx, run.degree);
	rk_free(ctx, run.strength);
	rk_free(ctx, run.root);
	rk_free(ctx, run.gin);
	return read_output(ctx, n, out, model->output, result);
}

int64_t
rk_graph_gnn_inference_memory(int64_t nodes, const rk_gnn_model *model, rk_compute_type type)
{
	int64_t		size = type == RK_COMPUTE_FLOAT4 ? 4 : 8;
	int64_t		out = model->layer[model->layers - 1].out;
	int64_t		widest = 0;

	/* a layer has its input, what is in between, and its output */
	for (int l = 0; l < model->layers; l++)
	{
		int64_t		in = size == 4 ? padded_float4(model->layer[l].in) : padded_float8(model->layer[l].in);
		int64_t		to = size == 4 ? padded_float4(model->layer[l].out) : padded_float8(model->layer[l].out);
		int64_t		width = in + to + (to < in ? to : in);
		int64_t		matrices = model->layer[l].in * to * (model->layer[l].self_weight ? 2 : 1);

		if (size * (nodes * width + matrices) > widest)
			widest = size * (nodes * width + matrices);
	}
	return widest + nodes * (40 + 8 + 16 * out);
}

void
rk_graph_gnn_init(uint64_t seed, int64_t l, int64_t in, int64_t out, double *weight)
{
	double		limit = sqrt(2.0 / (double) (in + out));

	for (int64_t i = 0; i < in * out; i++)
		weight[i] = (2 * rk_uniform(rk_hash3(seed, (uint64_t) l, (uint64_t) i)) - 1) * limit;
}

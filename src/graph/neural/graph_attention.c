/*
 * graph_attention.c
 *	  One layer of graph attention.
 *
 * Heads come one after the other; in each all nodes work at once.  What a gat
 * score takes from a node is one number for each end, so that the pass over
 * the edges has no product of vectors; softmax and sum are one pass a node.
 */
#include "neural_steps.h"

typedef struct attention_run
{
	rk_ctx	   *ctx;
	const rk_attention_model *model;
	int64_t		nodes;
	int64_t    *offsets;		/* N(i), i itself included, rising */
	uint32_t   *neighbors;
	int64_t    *bounds;			/* chunks of nodes by entries */
	int64_t		chunks;
	uint32_t   *looks;			/* n: how many N hold the node */
} attention_run;

/*
 * Adds up what the nodes get of attention, in the order of those who give it;
 * one thread, as many give to one.
 */
static rk_status
add_importance(const attention_run *run, int head, const double *attention, double *importance)
{
	int64_t		n = run->nodes;
	int64_t		heads = run->model->heads;

	for (int64_t v = 0; v < n; v++)
		importance[v * heads + head] = 0;
	for (int64_t e = 0; e < run->offsets[n]; e++)
	{
		if ((e & 0xfffff) == 0 && rk_ctx_poll(run->ctx))
			return RK_STOPPED;
		importance[run->neighbors[e] * heads + head] += attention[e];
	}
	for (int64_t v = 0; v < n; v++)
		importance[v * heads + head] /= run->looks[v];
	return RK_OK;
}

#define REAL float
#define NAME(x) x##_float4
#include "layer_steps.h"
#include "attention_steps.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(x) x##_float8
#include "layer_steps.h"
#include "attention_steps.h"
#undef REAL
#undef NAME

/* Rows of "in" with every node in its own. */
static rk_status
add_self(attention_run *run, const rk_adjacency *in)
{
	int64_t		n = run->nodes;
	int64_t		at = 0;

	run->offsets = rk_alloc(run->ctx, n + 1, sizeof(int64_t));
	run->neighbors = rk_alloc(run->ctx, in->offsets[n] + n, sizeof(uint32_t));
	run->looks = rk_alloc0(run->ctx, n, sizeof(uint32_t));
	if (!run->offsets || !run->neighbors || !run->looks)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		int64_t		i = in->offsets[v];

		if ((v & 0xffff) == 0 && rk_ctx_poll(run->ctx))
			return RK_STOPPED;
		run->offsets[v] = at;
		for (; i < in->offsets[v + 1] && in->neighbors[i] < v; i++)
			run->neighbors[at++] = in->neighbors[i];
		run->neighbors[at++] = (uint32_t) v;
		for (; i < in->offsets[v + 1]; i++)
			run->neighbors[at++] = in->neighbors[i];
	}
	run->offsets[n] = at;
	for (int64_t e = 0; e < at; e++)
		run->looks[run->neighbors[e]]++;
	run->bounds = rk_graph_chunks(run->ctx, n, run->offsets, 2048, &run->chunks);
	return run->bounds ? RK_OK : RK_ERR_MEMORY;
}

/* The arrays of the result beside the embedding, N(i) among them. */
static rk_status
make_result(const attention_run *run, bool want_attention, rk_attention_result *result)
{
	rk_ctx	   *ctx = run->ctx;
	int64_t		n = run->nodes;

	result->offsets = run->offsets;
	result->neighbors = run->neighbors;
	result->importance = rk_alloc(ctx, n * run->model->heads, sizeof(double));
	if (result->importance == NULL)
		return RK_ERR_MEMORY;
	if (!want_attention)
		return RK_OK;
	result->attention = rk_alloc(ctx, run->offsets[n] * run->model->heads, sizeof(double));
	result->nodes = rk_alloc(ctx, run->offsets[n], sizeof(uint32_t));
	if (!result->attention || !result->nodes)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		for (int64_t e = run->offsets[v]; e < run->offsets[v + 1]; e++)
			result->nodes[e] = (uint32_t) v;
	return RK_OK;
}

rk_status
rk_graph_attention_allocate(rk_ctx *ctx, const rk_graph *g, const rk_attention_model *model,
							bool want_attention, rk_attention_result *result)
{
	attention_run run = {.ctx = ctx,.model = model,.nodes = g->nodes};
	rk_status	status = want_attention ? add_self(&run, &g->in) : RK_OK;

	if (status == RK_OK)
		status = make_result(&run, want_attention, result);
	rk_free(ctx, run.bounds);
	rk_free(ctx, run.looks);
	return status;
}

rk_status
rk_graph_graph_attention(rk_ctx *ctx, const rk_graph *g, const double *features,
						 const rk_attention_model *model, rk_compute_type type,
						 bool want_attention, rk_attention_result *result)
{
	attention_run run = {.ctx = ctx,.model = model,.nodes = g->nodes};
	int64_t		n = g->nodes;
	rk_status	status;

	*result = (rk_attention_result) {
		.out = model->output_weight ? model->out : model->concat ? model->heads * model->width : model->width
	};
	if (model->heads < 1)
		return rk_fail(ctx, RK_ERR_PARAMETER, "the model has no heads");
	if (!(model->negative_slope >= 0) || isinf(model->negative_slope))
		return rk_fail(ctx, RK_ERR_PARAMETER, "negative_slope of the model is below 0: %g", model->negative_slope);
	if ((status = rk_features_check(ctx, n, model->in, features)) != RK_OK ||
		(status = add_self(&run, &g->in)) != RK_OK)
		return status;
	if ((status = make_result(&run, want_attention, result)) != RK_OK)
		return status;
	if ((result->embedding = rk_alloc(ctx, n * result->out, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "computing", model->heads);
	status = type == RK_COMPUTE_FLOAT4 ? run_float4(&run, features, result) : run_float8(&run, features, result);
	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < n * result->out; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (result->embedding[i] - result->embedding[i] != 0)
			return rk_fail_node(ctx, RK_ERR_OVERFLOW, i / result->out, "embedding of node %%node is out of range");
	}
	rk_free(ctx, run.bounds);
	rk_free(ctx, run.looks);
	return RK_OK;
}

int64_t
rk_graph_graph_attention_memory(int64_t nodes, int64_t arcs, const rk_attention_model *model,
								rk_compute_type type, bool want_attention)
{
	bool		single = type == RK_COMPUTE_FLOAT4;
	int64_t		size = single ? 4 : 8;
	int64_t		columns = model->concat ? model->heads * model->width : model->width;
	int64_t		out = model->output_weight ? model->out : columns;
	int64_t		in = single ? padded_float4(model->in) : padded_float8(model->in);
	int64_t		width = single ? padded_float4(model->width) : padded_float8(model->width);
	int64_t		wide = single ? padded_float4(columns) : padded_float8(columns);
	int64_t		bytes = 12 * nodes + 4 * (arcs + nodes) + 8 * nodes * (out + model->heads);

	bytes += (arcs + nodes) * (want_attention ? 8 * model->heads + 4 : 8);
	/* features, heads' results and q, k, v of one head */
	return bytes + size * nodes * (in + wide + 3 * width);
}

void
rk_graph_graph_attention_init(uint64_t seed, int64_t head, int64_t m, int64_t count, double limit,
							  double *weight)
{
	for (int64_t i = 0; i < count; i++)
		weight[i] = (2 * rk_uniform(rk_hash_fold(rk_hash3(seed, (uint64_t) head, (uint64_t) m), (uint64_t) i)) - 1) * limit;
}

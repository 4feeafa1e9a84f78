/*
 * degree_ratio.c
 *	  In- and out-degrees, their ratio, and the role of a node.
 *
 * Parallel edges stand side by side in a row, so distinct neighbours are
 * counted by comparing with the entry before.  The variance over successors
 * needs all out-degrees and is a second pass.
 */
#include "patterns.h"

#include <math.h>

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536
#define POLL_MASK ((1 << 16) - 1)

typedef struct ratio_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const rk_degree_ratio_params *params;
	rk_degree_ratios *r;
} ratio_state;

/* Whether entry i is the first one of its neighbour in the row that begins at first. */
static inline bool
is_new(const rk_adjacency *a, int64_t i, int64_t first)
{
	return i == first || a->neighbors[i] != a->neighbors[i - 1];
}

/* Distinct entries of a row, and the sum of its weights. */
static int64_t
count_row(ratio_state *s, const rk_adjacency *a, int64_t u, int thread, double *strength)
{
	int64_t		distinct = 0;
	double		sum = 0;

	for (int64_t i = a->offsets[u]; i < a->offsets[u + 1]; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return 0;
		distinct += is_new(a, i, a->offsets[u]);
		if (a->weights)
			sum += a->weights[i];
	}
	*strength = sum;
	return distinct;
}

static inline double
ratio_of(double in, double out)
{
	return out > 0 ? in / out : in > 0 ? INFINITY : 0;
}

static void
count_degrees(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	ratio_state *s = arg;
	const rk_graph *g = s->g;
	rk_degree_ratios *r = s->r;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		double		in_strength = 0;
		double		out_strength = 0;
		double		in;
		double		out;

		r->in_degree[u] = count_row(s, &g->in, u, thread, &in_strength);
		r->out_degree[u] = count_row(s, &g->out, u, thread, &out_strength);
		if (r->in_strength)
		{
			r->in_strength[u] = in_strength;
			r->out_strength[u] = out_strength;
			r->strength_ratio[u] = ratio_of(in_strength, out_strength);
		}
		switch (s->params->basis)
		{
			case RK_RATIO_DEGREE:
				in = r->in_degree[u];
				out = r->out_degree[u];
				break;
			case RK_RATIO_EDGES:
				in = rk_degree(&g->in, u);
				out = rk_degree(&g->out, u);
				break;
			default:
				in = in_strength;
				out = out_strength;
		}
		r->ratio[u] = ratio_of(in, out);
		if (in == 0 && out == 0)
			r->role[u] = RK_ROLE_ISOLATED;
		else if (r->ratio[u] < s->params->source_threshold)
			r->role[u] = RK_ROLE_SOURCE;
		else
			r->role[u] = r->ratio[u] > s->params->sink_threshold ? RK_ROLE_SINK : RK_ROLE_BALANCED;
	}
}

static void
find_variances(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	ratio_state *s = arg;
	const rk_adjacency *out = &s->g->out;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		unsigned __int128 squares = 0;
		unsigned __int128 sum = 0;
		unsigned __int128 k = s->r->out_degree[u];

		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint64_t	d = s->r->out_degree[out->neighbors[i]];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			if (is_new(out, i, out->offsets[u]))
			{
				sum += d;
				squares += (unsigned __int128) d * d;
			}
		}
		s->r->neighbor_degree_variance[u] = k == 0 ? 0 :
			(double) (k * squares - sum * sum) / ((double) k * (double) k);
	}
}

rk_status
rk_graph_degree_ratio(rk_ctx *ctx, const rk_graph *g, const rk_degree_ratio_params *params,
					  rk_degree_ratios *result)
{
	int64_t		n = g->nodes;
	int64_t		chunks;
	int64_t    *bounds;
	ratio_state s = {ctx, g, params, result};
	rk_status	status;

	*result = (rk_degree_ratios) {
		.in_degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.out_degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.ratio = rk_alloc(ctx, n, sizeof(double)),
		.neighbor_degree_variance = rk_alloc(ctx, n, sizeof(double)),
		.role = rk_alloc(ctx, n, sizeof(uint8_t)),
	};
	if (g->out.weights)
	{
		result->in_strength = rk_alloc(ctx, n, sizeof(double));
		result->out_strength = rk_alloc(ctx, n, sizeof(double));
		result->strength_ratio = rk_alloc(ctx, n, sizeof(double));
	}
	bounds = rk_graph_chunks(ctx, n, g->out.offsets, CHUNK_WORK, &chunks);
	if (ctx->error.status != RK_OK)
		return ctx->error.status;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, count_degrees, &s)) == RK_OK)
		status = rk_parallel_ranges(ctx, bounds, chunks, find_variances, &s);
	rk_free(ctx, bounds);
	return status;
}

int64_t
rk_graph_degree_ratio_memory(int64_t nodes, int64_t arcs, bool weighted)
{
	return (weighted ? 7 : 4) * rk_block_bytes(nodes, 8) + rk_block_bytes(nodes, 1) +
		rk_block_bytes((arcs + 4 * nodes) / CHUNK_WORK + 2, 8);
}

/*
 * star_topology.c
 *	  Hubs whose neighbours have little to do with each other.
 *
 * Two neighbours of a node that are joined make a triangle with it, so the
 * edges between spokes are the triangles of the undirected graph.
 */
#include "patterns.h"

#include <math.h>

#include "../../compute/parallel.h"
#include "ranked.h"

#define NODE_CHUNK 4096

typedef struct star_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const rk_star_params *params;
	rk_stars   *r;
} star_state;

static double
strength_of(const rk_adjacency *a, int64_t u)
{
	double		sum = 0;

	for (int64_t i = a->offsets[u]; i < a->offsets[u + 1]; i++)
		sum += a->weights[i];
	return sum;
}

static rk_star_type
type_of(const star_state *s, int64_t u)
{
	double		in = s->r->in_degree[u];
	double		out = s->r->out_degree[u];

	if (s->r->spokes[u] < s->params->min_degree || s->r->spokes[u] == 0)
		return RK_STAR_NONE;
	if (in > s->params->dominance * (in + out))
		return RK_STAR_IN;
	if (out > s->params->dominance * (in + out))
		return RK_STAR_OUT;
	return RK_STAR_MIXED;
}

static void
judge_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	star_state *s = arg;
	rk_stars   *r = s->r;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		double		spokes = r->spokes[u];

		/* a row of weights may be long */
		if (rk_degree(&s->g->out, u) + rk_degree(&s->g->in, u) > NODE_CHUNK &&
			rk_chunk_should_stop(s->ctx, thread))
			return;
		r->in_degree[u] = rk_degree(&s->g->in, u);
		r->out_degree[u] = rk_degree(&s->g->out, u);
		r->type[u] = type_of(s, u);
		r->score[u] = r->spokes[u] >= 2 && r->spokes[u] >= s->params->min_degree ?
			1 - r->inter_spoke_edges[u] / (spokes * (spokes - 1) / 2) : 0;
		if (r->pass_through)
		{
			double		in = strength_of(&s->g->in, u);
			double		out = strength_of(&s->g->out, u);
			double		larger = in > out ? in : out;

			r->in_strength[u] = in;
			r->out_strength[u] = out;
			r->pass_through[u] = larger > 0 ? (in > out ? out : in) / larger : NAN;
		}
	}
}

rk_status
rk_graph_star_topology(rk_ctx *ctx, const rk_graph *g, const rk_star_params *params,
					   rk_stars *result)
{
	int64_t		n = g->nodes;
	star_state	s = {ctx, g, params, result};
	rk_graph	skeleton;
	uint8_t    *ends;
	rk_ranked	ranked;
	unsigned __int128 total;
	rk_status	status;

	*result = (rk_stars) {
		.score = rk_alloc(ctx, n, sizeof(double)),
		.type = rk_alloc(ctx, n, sizeof(uint8_t)),
		.spokes = rk_alloc(ctx, n, sizeof(int64_t)),
		.inter_spoke_edges = rk_alloc(ctx, n, sizeof(int64_t)),
		.in_degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.out_degree = rk_alloc(ctx, n, sizeof(int64_t)),
	};
	if (g->out.weights)
	{
		result->in_strength = rk_alloc(ctx, n, sizeof(double));
		result->out_strength = rk_alloc(ctx, n, sizeof(double));
		result->pass_through = rk_alloc(ctx, n, sizeof(double));
	}
	if (ctx->error.status != RK_OK)
		return ctx->error.status;
	if ((status = rk_graph_skeleton(ctx, g, &skeleton, &ends)) != RK_OK)
		return status;
	rk_free(ctx, ends);
	for (int64_t u = 0; u < n; u++)
		result->spokes[u] = rk_degree(&skeleton.out, u);
	if ((status = rk_ranked_build(ctx, &skeleton, &ranked)) != RK_OK)
		return status;
	rk_graph_free(ctx, &skeleton);
	if ((status = rk_ranked_triangles(&ranked, result->inter_spoke_edges, &total)) != RK_OK)
		return status;
	rk_ranked_free(&ranked);
	return rk_parallel_for(ctx, n, NODE_CHUNK, judge_nodes, &s);
}

int64_t
rk_graph_star_topology_memory(int64_t nodes, int64_t arcs, bool weighted, int threads)
{
	int64_t		entries = 2 * arcs;
	int64_t		skeleton = rk_graph_skeleton_memory(nodes, arcs);
	int64_t		ranking = skeleton - rk_block_bytes(entries, 1) + rk_ranked_memory(nodes, entries, 0, threads);
	int64_t		counting = rk_ranked_triangles_memory(nodes, entries, RK_TRIANGLES_OF_NODES, threads);
	int64_t		peak = rk_ranked_memory(nodes, entries, counting, threads);

	/* the undirected graph goes before triangles are counted */
	if (peak < ranking)
		peak = ranking;
	return peak + (weighted ? 8 : 5) * rk_block_bytes(nodes, 8) + rk_block_bytes(nodes, 1);
}

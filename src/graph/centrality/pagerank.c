/*
 * pagerank.c
 *	  PageRank by pull iteration over the in-edges.
 *
 * One pass over the rows does everything: a node gathers x[u] / outweight[u]
 * of its in-neighbours, its new score, its share of the L1 change, the
 * dangling mass for the next pass and its own contribution to it.  The sums
 * over nodes are kept per chunk and added in chunk order; chunks are cut by
 * work from the graph alone.
 */
#include "centrality.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "gather.h"

#define CHUNK_WORK 65536

typedef struct pagerank_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const rk_pagerank_params *p;
	double	   *x;				/* scores */
	double	   *inverse;		/* 1 / outweight, 0 where dangling */
	double	   *contribution;	/* x / outweight of this pass */
	double	   *next;			/* of the next pass */
	double	   *change;			/* per chunk: L1 change */
	double	   *dangling;		/* per chunk: dangling mass after the pass */
	double		everywhere;		/* what every node gets in this pass */
	double		teleport;		/* what node v gets times personalization[v] */
	double		total;			/* sum of personalization */
} pagerank_state;

static void
iterate_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	pagerank_state *s = arg;
	const rk_adjacency *in = &s->g->in;
	const double *personalization = s->p->personalization;
	bool		keeps = s->p->dangling == RK_DANGLING_SELF;
	double		damping = s->p->damping;
	double		change = 0;
	double		dangling = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		sum = rk_gather(s->contribution, in, v);
		double		x;

		if (keeps && s->inverse[v] == 0)
			sum += s->x[v];
		x = damping * sum + s->everywhere;
		if (personalization)
			x += s->teleport * personalization[v];
		change += fabs(x - s->x[v]);
		s->x[v] = x;
		if (s->inverse[v] == 0)
			dangling += x;
		s->next[v] = x * s->inverse[v];
	}
	s->change[chunk] = change;
	s->dangling[chunk] = dangling;
}

typedef struct degree_state
{
	rk_ctx	   *ctx;
	const uint32_t *neighbors;
	uint32_t   *counts;			/* [threads][n] */
	int64_t		nodes;
} degree_state;

static void
count_neighbors(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	degree_state *s = arg;
	uint32_t   *count = s->counts + s->nodes * thread;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
		count[s->neighbors[i]]++;
}

/* Sets inverse[u] to 1 / (sum of u's out-weights), or 0. */
static rk_status
inverse_outweights(rk_ctx *ctx, const rk_graph *g, double *inverse)
{
	int64_t		n = g->nodes;
	int64_t		arcs = g->in.offsets[n];

	if (g->in.weights)
	{
		/*
		 * In row order, so that every sum has one order; one thread, as two
		 * rows may name the same node.
		 */
		memset(inverse, 0, sizeof(double) * n);
		for (int64_t i = 0; i < arcs; i++)
		{
			if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			inverse[g->in.neighbors[i]] += g->in.weights[i];
		}
		for (int64_t u = 0; u < n; u++)
			inverse[u] = inverse[u] > 0 ? 1.0 / inverse[u] : 0;
	}
	else if (g->out.offsets)
	{
		for (int64_t u = 0; u < n; u++)
			inverse[u] = rk_degree(&g->out, u) > 0 ? 1.0 / rk_degree(&g->out, u) : 0;
	}
	else
	{
		degree_state s = {.ctx = ctx,.neighbors = g->in.neighbors,.nodes = n};

		s.counts = rk_alloc0(ctx, n * ctx->threads, sizeof(uint32_t));
		if (s.counts == NULL)
			return RK_ERR_MEMORY;
		if (rk_parallel_for(ctx, arcs, 1 << 18, count_neighbors, &s) != RK_OK)
			return RK_STOPPED;
		for (int64_t u = 0; u < n; u++)
		{
			uint32_t	degree = 0;

			for (int t = 0; t < ctx->threads; t++)
				degree += s.counts[n * t + u];
			inverse[u] = degree > 0 ? 1.0 / degree : 0;
		}
		rk_free(ctx, s.counts);
	}
	return RK_OK;
}

rk_status
rk_graph_pagerank(rk_ctx *ctx, const rk_graph *g, const rk_pagerank_params *params,
				  double *score, rk_run *run)
{
	pagerank_state s = {.ctx = ctx,.g = g,.p = params,.x = score};
	int64_t		n = g->nodes;
	int64_t    *bounds;
	int64_t		chunks;
	double		dangling = 0;
	rk_status	status;

	*run = (rk_run) {.iterative = true};
	if (n == 0)
	{
		run->converged = true;
		return RK_OK;
	}
	s.inverse = rk_alloc(ctx, n, sizeof(double));
	s.contribution = rk_alloc(ctx, n, sizeof(double));
	s.next = rk_alloc(ctx, n, sizeof(double));
	bounds = rk_graph_chunks(ctx, n, g->in.offsets, CHUNK_WORK, &chunks);
	s.change = rk_alloc(ctx, chunks, sizeof(double));
	s.dangling = rk_alloc(ctx, chunks, sizeof(double));
	if (!s.inverse || !s.contribution || !s.next || !bounds || !s.change || !s.dangling)
		return RK_ERR_MEMORY;
	if ((status = inverse_outweights(ctx, g, s.inverse)) != RK_OK)
		return status;

	if (params->personalization)
	{
		for (int64_t v = 0; v < n; v++)
			s.total += params->personalization[v];
		if (!(s.total > 0) || isinf(s.total))
			return rk_fail(ctx, RK_ERR_DATA,
						   s.total > 0 ? "sum of personalization values is too large" :
						   "personalization values add up to zero");
	}
	for (int64_t v = 0; v < n; v++)
	{
		score[v] = params->personalization ? params->personalization[v] / s.total : 1.0 / n;
		s.contribution[v] = score[v] * s.inverse[v];
		if (s.inverse[v] == 0)
			dangling += score[v];
	}

	rk_phase(ctx, "iterating", params->max_iterations);
	for (run->iterations = 0; run->iterations < params->max_iterations;)
	{
		double	   *swap = s.contribution;
		double		to_teleport = 1 - params->damping;
		double		to_all = 0;

		if (params->dangling == RK_DANGLING_TELEPORT)
			to_teleport += params->damping * dangling;
		else if (params->dangling == RK_DANGLING_UNIFORM)
			to_all = params->damping * dangling / n;
		if (params->personalization)
		{
			s.teleport = to_teleport / s.total;
			s.everywhere = to_all;
		}
		else
			s.everywhere = to_all + to_teleport / n;

		status = rk_parallel_ranges(ctx, bounds, chunks, iterate_rows, &s);
		if (status != RK_OK)
			return status;
		s.contribution = s.next;
		s.next = swap;
		run->residual = rk_sum_chunks(s.change, chunks);
		dangling = rk_sum_chunks(s.dangling, chunks);
		run->iterations++;
		rk_progress(ctx, run->iterations);
		rk_progress_iteration(ctx, run->iterations, params->max_iterations, run->residual);
		if (run->residual < params->tolerance)
		{
			run->converged = true;
			break;
		}
	}
	run->reached_max = !run->converged;
	rk_free(ctx, s.inverse);
	rk_free(ctx, s.contribution);
	rk_free(ctx, s.next);
	rk_free(ctx, s.change);
	rk_free(ctx, s.dangling);
	rk_free(ctx, bounds);
	return RK_OK;
}

int64_t
rk_graph_pagerank_memory(int64_t nodes, int64_t arcs, int threads)
{
	/* inverse, contribution, next; degrees counted by every thread; chunks */
	return nodes * (int64_t) (3 * sizeof(double) + sizeof(uint32_t) * threads) +
		24 * ((arcs + 4 * nodes) / CHUNK_WORK + 1);
}

/*
 * closeness_centrality.c
 *	  Closeness from sums of distances: exact, or estimated from pivots.
 *
 * Without weights the searches run against the arcs, from every node that a
 * distance leads to: a level then holds the nodes whose sums grow, and by how
 * many sources at once, which a count of bits tells.  Sums are whole numbers,
 * so they do not depend on which thread searches from where.
 *
 * With weights the search runs along the arcs, from the node whose sums they
 * are, and its distances are added in the order in which it reached them.
 * Estimates add the distances of a block of pivots node by node, in the order
 * of the pivots.
 */
#include "centrality.h"

#include <math.h>
#include <string.h>

#include "../community/community.h"
#include "../paths/multi_search.h"

#define NODE_CHUNK 16384
#define BLOCK 8					/* pivots whose distances are kept at a time */

/* A sum of reciprocals of hops, 64 bits behind the point. */
typedef unsigned __int128 reciprocals;

/* What a node has gathered; of one thread until all is done. */
typedef struct node_sums
{
	uint64_t	reached;
	uint64_t	distance;
} node_sums;

typedef struct closeness_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;			/* arcs run away from the node being measured */
	const rk_closeness_params *p;
	double	   *score;			/* the harmonic sum, until the end */
	int64_t    *reachable;
	double	   *distance_sum;

	/* without weights, per thread */
	node_sums **sums;
	reciprocals **inverse;		/* harmonic only */

	/* pivots, with samples */
	uint32_t   *pivots;
	int64_t		pivot_count;
	double	   *block;			/* weighted: [BLOCK][n] distances to pivots */
	int64_t		block_begin;
	int64_t		block_size;
} closeness_state;

/* ---- without weights ---- */

static void
note_level(void *arg, const rk_multi_level *level)
{
	closeness_state *s = arg;
	node_sums  *sums = s->sums[level->thread];
	uint64_t	hops = (uint64_t) level->hops;

	for (int64_t i = 0; i < level->node_count; i++)
	{
		node_sums  *of_node = &sums[level->nodes[i]];

		of_node->reached += level->gained[i];
		of_node->distance += level->gained[i] * hops;
	}
	if (s->inverse)
	{
		reciprocals *inverse = s->inverse[level->thread];
		reciprocals one = (((reciprocals) 1 << 64) + hops / 2) / hops;

		for (int64_t i = 0; i < level->node_count; i++)
			inverse[level->nodes[i]] += one * level->gained[i];
	}
}

/* Adds up the sums of all threads. */
static void
merge_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	closeness_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		node_sums	sum = {0};
		reciprocals inverse = 0;

		for (int t = 0; t < s->ctx->threads; t++)
		{
			sum.reached += s->sums[t][v].reached;
			sum.distance += s->sums[t][v].distance;
			if (s->inverse)
				inverse += s->inverse[t][v];
		}
		s->reachable[v] = (int64_t) sum.reached;
		s->distance_sum[v] = (double) sum.distance;
		s->score[v] = ldexp((double) inverse, -64);
	}
}

static rk_status
gather_hops(closeness_state *s, const uint32_t *sources, int64_t count)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	int			threads = ctx->threads;
	rk_status	status;

	s->sums = rk_alloc(ctx, threads, sizeof(node_sums *));
	if (s->sums == NULL)
		return RK_ERR_MEMORY;
	for (int t = 0; t < threads; t++)
		if ((s->sums[t] = rk_alloc0(ctx, n, sizeof(node_sums))) == NULL)
			return RK_ERR_MEMORY;
	if (s->p->variant == RK_CLOSENESS_HARMONIC)
	{
		s->inverse = rk_alloc(ctx, threads, sizeof(reciprocals *));
		if (s->inverse == NULL)
			return RK_ERR_MEMORY;
		for (int t = 0; t < threads; t++)
			if ((s->inverse[t] = rk_alloc0(ctx, n, sizeof(reciprocals))) == NULL)
				return RK_ERR_MEMORY;
	}
	if ((status = rk_graph_multi_search(ctx, s->g, true, sources, count, note_level, s)) != RK_OK ||
		(status = rk_parallel_for(ctx, n, NODE_CHUNK, merge_nodes, s)) != RK_OK)
		return status;
	for (int t = 0; t < threads; t++)
	{
		rk_free(ctx, s->sums[t]);
		if (s->inverse)
			rk_free(ctx, s->inverse[t]);
	}
	rk_free(ctx, s->sums);
	rk_free(ctx, s->inverse);
	return RK_OK;
}

/* ---- with weights ---- */

static void
note_tree(void *arg, int64_t u, const rk_path_tree *tree, int thread)
{
	closeness_state *s = arg;
	bool		harmonic = s->p->variant == RK_CLOSENESS_HARMONIC;
	double		sum = 0;
	double		inverse = 0;

	(void) thread;
	for (int64_t i = 0; i < tree->count; i++)
	{
		uint32_t	v = tree->touched[i];

		if (v == (uint32_t) u)
			continue;
		sum += tree->distance[v];
		if (harmonic)
			inverse += 1 / tree->distance[v];
	}
	s->reachable[u] = tree->count - 1;
	s->distance_sum[u] = sum;
	s->score[u] = inverse;
}

/* Keeps the distances of a pivot of the block. */
static void
keep_tree(void *arg, int64_t index, const rk_path_tree *tree, int thread)
{
	closeness_state *s = arg;
	double	   *distance = s->block + index * s->g->nodes;

	(void) thread;
	for (int64_t v = 0; v < s->g->nodes; v++)
		distance[v] = INFINITY;
	for (int64_t i = 0; i < tree->count; i++)
		distance[tree->touched[i]] = tree->distance[tree->touched[i]];
}

static void
add_block(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	closeness_state *s = arg;
	bool		harmonic = s->p->variant == RK_CLOSENESS_HARMONIC;

	(void) chunk;
	(void) thread;
	for (int64_t i = 0; i < s->block_size; i++)
	{
		const double *distance = s->block + i * s->g->nodes;
		int64_t		pivot = s->pivots[s->block_begin + i];

		for (int64_t v = begin; v < end; v++)
		{
			if (v == pivot || distance[v] == INFINITY)
				continue;
			s->distance_sum[v] += distance[v];
			if (harmonic)
				s->score[v] += 1 / distance[v];
		}
	}
}

/* Sums over the pivots, some of them at a time. */
static rk_status
gather_pivots(closeness_state *s, const rk_path_lengths *lengths)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	rk_status	status;

	s->block = rk_alloc(ctx, n * BLOCK, sizeof(double));
	if (s->block == NULL)
		return RK_ERR_MEMORY;
	memset(s->distance_sum, 0, sizeof(double) * n);
	memset(s->score, 0, sizeof(double) * n);
	for (s->block_begin = 0; s->block_begin < s->pivot_count; s->block_begin += BLOCK)
	{
		s->block_size = s->pivot_count - s->block_begin < BLOCK ? s->pivot_count - s->block_begin : BLOCK;
		if ((status = rk_graph_multi_dijkstra(ctx, s->g, lengths, s->pivots + s->block_begin,
											  s->block_size, keep_tree, s)) != RK_OK ||
			(status = rk_parallel_for(ctx, n, NODE_CHUNK, add_block, s)) != RK_OK)
			return status;
	}
	rk_free(ctx, s->block);
	return RK_OK;
}

/* The first node with an arc of length 0, or -1. */
static rk_status
zero_arc(rk_ctx *ctx, const rk_graph *g, int64_t *node)
{
	*node = -1;
	for (int64_t u = 0; u < g->nodes; u++)
	{
		if ((u & 0xfff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			if (g->out.weights[i] == 0)
			{
				*node = u;
				return RK_OK;
			}
		}
	}
	return RK_OK;
}

static rk_status
gather_lengths(closeness_state *s)
{
	rk_path_lengths lengths;
	int64_t		node;
	rk_status	status;

	if ((status = rk_graph_path_lengths(s->ctx, s->g, &lengths)) != RK_OK)
		return status;
	if (lengths.min < 0)
	{
		rk_fail_node(s->ctx, RK_ERR_DATA, lengths.negative,
					 "length of an edge of node %%node is negative");
		rk_fail_hint(s->ctx, "Closeness needs lengths of zero or more.");
		return RK_ERR_DATA;
	}
	if (s->p->variant == RK_CLOSENESS_HARMONIC && lengths.min == 0)
	{
		if ((status = zero_arc(s->ctx, s->g, &node)) != RK_OK)
			return status;
		if (node >= 0)
		{
			rk_fail_node(s->ctx, RK_ERR_DATA, node, "length of an edge of node %%node is zero");
			rk_fail_hint(s->ctx, "Harmonic closeness adds up 1 / distance, which needs lengths above zero.");
			return RK_ERR_DATA;
		}
	}
	if (s->pivots)
		return gather_pivots(s, &lengths);
	return rk_graph_multi_dijkstra(s->ctx, s->g, &lengths, NULL, s->g->nodes, note_tree, s);
}

/* ---- scores ---- */

/* Scales the sums over pivots to those over all nodes of a component. */
static rk_status
scale_samples(closeness_state *s)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	uint32_t   *component = rk_alloc(ctx, n, sizeof(uint32_t));
	uint32_t   *pivots_in;
	bool	   *is_pivot = rk_alloc0(ctx, n, sizeof(bool));
	rk_components c;
	rk_status	status;

	if (component == NULL || is_pivot == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_graph_weak_components(ctx, s->g, component, &c)) != RK_OK)
		return status;
	if ((pivots_in = rk_alloc0(ctx, c.count, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < s->pivot_count; i++)
	{
		pivots_in[component[s->pivots[i]]]++;
		is_pivot[s->pivots[i]] = true;
	}
	for (int64_t v = 0; v < n; v++)
	{
		double		size = c.size[component[v]];
		double		pivots = pivots_in[component[v]];
		double		scale = size / pivots;

		s->reachable[v] = c.size[component[v]] - 1;
		if (s->reachable[v] > 0 && pivots - is_pivot[v] == 0)
			scale = NAN;
		s->distance_sum[v] = s->reachable[v] > 0 ? s->distance_sum[v] * scale : 0;
		s->score[v] = s->reachable[v] > 0 ? s->score[v] * scale : 0;
	}
	rk_free(ctx, component);
	rk_free(ctx, is_pivot);
	rk_free(ctx, pivots_in);
	rk_free(ctx, c.root);
	rk_free(ctx, c.size);
	return RK_OK;
}

/* Turns the sums of a node into its score. */
static double
score_of(const closeness_state *s, int64_t v)
{
	double		r = (double) s->reachable[v];
	double		sum = s->distance_sum[v];
	double		others = (double) (s->g->nodes - 1);

	if (s->reachable[v] == 0)
		return 0;
	switch (s->p->variant)
	{
		case RK_CLOSENESS_WASSERMAN_FAUST:
			return r / others * (r / sum);
		case RK_CLOSENESS_CLASSIC:
			return r / sum;
		case RK_CLOSENESS_HARMONIC:
			return s->p->normalized ? s->score[v] / others : s->score[v];
		case RK_CLOSENESS_SUM:
			return (s->p->normalized ? r : 1) / sum;
	}
	return NAN;
}

rk_status
rk_graph_closeness_centrality(rk_ctx *ctx, const rk_graph *g, const rk_closeness_params *params,
							  double *score, int64_t *reachable, double *distance_sum)
{
	rk_graph	reversed = rk_graph_reversed(g);
	closeness_state s = {
		.ctx = ctx,.g = params->in ? &reversed : g,.p = params,
		.score = score,.reachable = reachable,.distance_sum = distance_sum
	};
	int64_t		n = g->nodes;
	bool		sampled = params->samples > 0 && params->samples < n;
	uint32_t   *sources = NULL;
	rk_status	status;

	if (n == 0)
		return RK_OK;
	if (sampled && g->directed)
		return rk_fail(ctx, RK_ERR_PARAMETER, "samples need an undirected graph");
	if (sampled || g->out.weights == NULL)
	{
		s.pivot_count = sampled ? params->samples : n;
		sources = rk_alloc(ctx, s.pivot_count, sizeof(uint32_t));
		if (sources == NULL)
			return RK_ERR_MEMORY;
		if (sampled)
		{
			status = rk_graph_sample_nodes(ctx, n, s.pivot_count, params->seed, sources);
			if (status != RK_OK)
				return status;
			s.pivots = sources;
		}
		else
			for (int64_t v = 0; v < n; v++)
				sources[v] = (uint32_t) v;
	}
	status = g->out.weights ? gather_lengths(&s) : gather_hops(&s, sources, s.pivot_count);
	if (status == RK_OK && sampled)
		status = scale_samples(&s);
	if (status != RK_OK)
		return status;
	rk_free(ctx, sources);
	for (int64_t v = 0; v < n; v++)
	{
		if (isinf(distance_sum[v]) || isinf(score[v]))
			return rk_fail_node(ctx, RK_ERR_OVERFLOW, v, "sum of distances of node %%node is out of range");
		score[v] = score_of(&s, v);
	}
	return RK_OK;
}

int64_t
rk_graph_closeness_memory(int64_t nodes, bool weighted, int threads,
						  const rk_closeness_params *params)
{
	bool		sampled = params->samples > 0 && params->samples < nodes;
	int64_t		sources = sampled ? params->samples : nodes;
	int64_t		bytes = sampled || !weighted ? sources * 4 : 0;
	int64_t		search;
	int64_t		scaling = sampled ? 17 * nodes : 0;

	if (weighted)
		search = rk_graph_multi_dijkstra_memory(nodes, threads) +
			(sampled ? nodes * BLOCK * (int64_t) sizeof(double) : 0);
	else
		search = rk_graph_multi_search_memory(nodes, sources, threads) + threads * nodes *
			(int64_t) (sizeof(node_sums) + (params->variant == RK_CLOSENESS_HARMONIC ? sizeof(reciprocals) : 0));
	return bytes + (search > scaling ? search : scaling) + 65536;
}

/*
 * average_path_length.c
 *	  What all shortest distances of a graph come to: mean, extremes, efficiency.
 *
 * Without lengths only a histogram of hops is kept, by thread, and how far each
 * source gets; both are whole numbers, so all threads give one result.  With
 * lengths every source has sums of its own, which are added in the order of the
 * sources.
 */
#include <math.h>
#include <string.h>

#include "../centrality/centrality.h"
#include "../community/community.h"
#include "multi_search.h"

/* Share of the pairs that the effective diameter spans. */
#define EFFECTIVE 0.9

typedef struct average_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const uint32_t *sources;	/* NULL: all nodes */
	int64_t		count;
	const rk_reach_engine *engine;	/* NULL: none */

	/* without lengths */
	int64_t   **pairs;			/* per thread: [hops] */
	uint32_t   *farthest;		/* by source: hops, 0 if it reaches nothing */

	/* with lengths */
	rk_source_sums *sums;		/* by source */
} average_state;

/* What the searches have found, from the sources there were. */
typedef struct totals
{
	int64_t		pairs;
	double		distance;
	double		inverse;
	double		diameter;
	double		radius;
	double		effective;
} totals;

/* All nodes, where no others are named. */
static const uint32_t *
list_sources(const average_state *s, uint32_t **all)
{
	*all = NULL;
	if (s->sources)
		return s->sources;
	*all = rk_alloc(s->ctx, s->count, sizeof(uint32_t));
	for (int64_t v = 0; *all && v < s->count; v++)
		(*all)[v] = (uint32_t) v;
	return *all;
}

/* ---- without lengths ---- */

static void
note_level(void *arg, const rk_multi_level *level)
{
	average_state *s = arg;
	int64_t		pairs = 0;

	for (int64_t i = 0; i < level->node_count; i++)
		pairs += level->gained[i];
	s->pairs[level->thread][level->hops] += pairs;
	for (int w = 0; w < RK_MULTI_WORDS; w++)
		for (uint64_t moved = level->moved[w]; moved != 0; moved &= moved - 1)
			s->farthest[level->first + w * 64 + __builtin_ctzll(moved)] = (uint32_t) level->hops;
}

/* The number of hops that a share of the pairs needs at most, between two. */
static double
effective_diameter(const int64_t *pairs, int64_t most, int64_t all)
{
	double		wanted = EFFECTIVE * (double) all;
	int64_t		before = 0;

	for (int64_t hops = 1; hops <= most; hops++)
	{
		if ((double) (before + pairs[hops]) >= wanted)
			return (double) (hops - 1) + (wanted - (double) before) / (double) pairs[hops];
		before += pairs[hops];
	}
	return (double) most;
}

static rk_status
search_hops(average_state *s, totals *t)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	const uint32_t *sources;
	uint32_t   *all;
	int64_t    *pairs;
	unsigned __int128 distance = 0;
	int64_t		most = 0;
	rk_status	status;

	if ((sources = list_sources(s, &all)) == NULL)
		return RK_ERR_MEMORY;
	s->farthest = rk_alloc0(ctx, s->count, sizeof(uint32_t));
	s->pairs = rk_alloc(ctx, ctx->threads, sizeof(int64_t *));
	if (s->farthest == NULL || s->pairs == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
		if ((s->pairs[i] = rk_alloc0(ctx, n + 1, sizeof(int64_t))) == NULL)
			return RK_ERR_MEMORY;
	if (!s->engine || !s->engine->run(s->engine->arg, &(rk_reach_work) {
			.graph = s->g,.sources = sources,.count = s->count,.farthest = s->farthest,.pairs = s->pairs[0],.levels = n + 1
		}))
	{
		status = rk_graph_multi_search(ctx, s->g, false, sources, s->count, note_level, s);
		if (status != RK_OK)
			return status;
	}

	pairs = s->pairs[0];
	for (int64_t hops = 1; hops < n; hops++)
	{
		for (int i = 1; i < ctx->threads; i++)
			pairs[hops] += s->pairs[i][hops];
		if (pairs[hops] == 0)
			break;				/* nor is anything farther away */
		t->pairs += pairs[hops];
		distance += (unsigned __int128) pairs[hops] * (uint64_t) hops;
		t->inverse += (double) pairs[hops] / (double) hops;
		most = hops;
	}
	t->distance = (double) distance;
	t->diameter = (double) most;
	t->effective = effective_diameter(pairs, most, t->pairs);
	for (int64_t i = 0; i < s->count; i++)
		if (s->farthest[i] > 0 && (t->radius == 0 || s->farthest[i] < t->radius))
			t->radius = s->farthest[i];
	for (int i = 0; i < ctx->threads; i++)
		rk_free(ctx, s->pairs[i]);
	rk_free(ctx, s->pairs);
	rk_free(ctx, s->farthest);
	rk_free(ctx, all);
	return RK_OK;
}

/* ---- with lengths ---- */

static void
note_tree(void *arg, int64_t index, const rk_path_tree *tree, int thread)
{
	average_state *s = arg;
	uint32_t	source = s->sources ? s->sources[index] : (uint32_t) index;
	rk_source_sums sums = {.reached = tree->count - 1};

	(void) thread;
	for (int64_t i = 0; i < tree->count; i++)
	{
		double		d = tree->distance[tree->touched[i]];

		if (tree->touched[i] == source)
			continue;
		sums.distance += d;
		sums.inverse += 1 / d;
		sums.farthest = fmax(sums.farthest, d);
	}
	s->sums[index] = sums;
}

static rk_status
search_lengths(average_state *s, totals *t)
{
	rk_ctx	   *ctx = s->ctx;
	rk_path_lengths lengths;
	const uint32_t *sources;
	uint32_t   *all;
	bool		done = false;
	rk_status	status;

	if ((status = rk_graph_path_lengths(ctx, s->g, &lengths)) != RK_OK)
		return status;
	if (lengths.min < 0)
		return rk_fail_node(ctx, RK_ERR_DATA, lengths.negative,
							"length of an edge of node %%node is negative");
	if ((s->sums = rk_alloc(ctx, s->count, sizeof(rk_source_sums))) == NULL)
		return RK_ERR_MEMORY;
	if (s->engine)
	{
		sources = list_sources(s, &all);
		if (sources == NULL)
			return RK_ERR_MEMORY;
		done = s->engine->run(s->engine->arg, &(rk_reach_work) {
			.graph = s->g,.sources = sources,.count = s->count,.sums = s->sums
		});
		rk_free(ctx, all);
	}
	if (!done && (status = rk_graph_multi_dijkstra(ctx, s->g, &lengths, s->sources, s->count, note_tree, s)) != RK_OK)
		return status;
	t->radius = INFINITY;
	for (int64_t i = 0; i < s->count; i++)
	{
		t->pairs += s->sums[i].reached;
		t->distance += s->sums[i].distance;
		t->inverse += s->sums[i].inverse;
		t->diameter = fmax(t->diameter, s->sums[i].farthest);
		if (s->sums[i].reached > 0)
			t->radius = fmin(t->radius, s->sums[i].farthest);
	}
	if (t->pairs == 0)
		t->radius = 0;
	t->effective = NAN;
	rk_free(ctx, s->sums);
	if (isinf(t->distance))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the distances is out of range");
	return RK_OK;
}

/* ---- the kernel ---- */

/* Whether every node reaches every other. */
static rk_status
find_connected(rk_ctx *ctx, const rk_graph *g, bool *connected)
{
	uint32_t   *component = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	rk_components c;
	rk_status	status;

	if (component == NULL)
		return RK_ERR_MEMORY;
	status = g->directed ? rk_graph_strong_components(ctx, g, component, &c) :
		rk_graph_weak_components(ctx, g, component, &c);
	if (status != RK_OK)
		return status;
	*connected = c.count == 1;
	rk_free(ctx, component);
	rk_free(ctx, c.root);
	rk_free(ctx, c.size);
	return RK_OK;
}

rk_status
rk_graph_average_path_length(rk_ctx *ctx, const rk_graph *g, int64_t samples, uint64_t seed,
							 rk_path_averages *result)
{
	return rk_graph_average_path_length_by(ctx, g, samples, seed, NULL, result);
}

rk_status
rk_graph_average_path_length_by(rk_ctx *ctx, const rk_graph *g, int64_t samples, uint64_t seed,
								const rk_reach_engine *engine, rk_path_averages *result)
{
	average_state s = {.ctx = ctx,.g = g,.count = g->nodes,.engine = engine};
	totals		t = {0};
	int64_t		n = g->nodes;
	double		all_pairs = (double) n * (double) (n - 1);
	uint32_t   *sample = NULL;
	rk_status	status;

	*result = (rk_path_averages) {
		.average = NAN,.diameter = NAN,.radius = NAN,.effective_diameter = NAN,.global_efficiency = NAN,
		.connected = true,.exact = samples == 0 || samples >= n
	};
	if (n == 0)
		return RK_OK;
	if (!result->exact)
	{
		s.count = samples;
		if ((sample = rk_alloc(ctx, samples, sizeof(uint32_t))) == NULL)
			return RK_ERR_MEMORY;
		if ((status = rk_graph_sample_nodes(ctx, n, samples, seed, sample)) != RK_OK)
			return status;
		s.sources = sample;
	}
	status = g->out.weights ? search_lengths(&s, &t) : search_hops(&s, &t);
	if (status != RK_OK)
		return status;
	rk_free(ctx, sample);

	result->average = t.pairs > 0 ? t.distance / (double) t.pairs : 0;
	result->diameter = t.diameter;
	result->radius = t.radius;
	result->effective_diameter = t.effective;
	if (result->exact)
	{
		result->reachable_pairs = t.pairs;
		result->connected = t.pairs == n * (n - 1);
		result->global_efficiency = n > 1 ? t.inverse / all_pairs : 0;
	}
	else
	{
		double		scale = (double) n / (double) s.count;

		result->reachable_pairs = (int64_t) llround((double) t.pairs * scale);
		result->global_efficiency = t.inverse * scale / all_pairs;
		if ((status = find_connected(ctx, g, &result->connected)) != RK_OK)
			return status;
	}
	result->unreachable_pairs = n * (n - 1) - result->reachable_pairs;
	return RK_OK;
}

int64_t
rk_graph_average_path_length_memory(int64_t nodes, bool weighted, int threads, int64_t samples)
{
	bool		exact = samples == 0 || samples >= nodes;
	int64_t		count = exact ? nodes : samples;
	int64_t		bytes = rk_block_bytes(count, sizeof(uint32_t));

	if (weighted)
		bytes += rk_block_bytes(count, sizeof(rk_source_sums)) + rk_graph_multi_dijkstra_memory(nodes, threads);
	else
		bytes += rk_block_bytes(count, sizeof(uint32_t)) +
			threads * rk_block_bytes(nodes + 1, sizeof(int64_t)) +
			rk_graph_multi_search_memory(nodes, count, threads);
	/* components of a sampled graph: lists of at most n of them */
	if (!exact && bytes < nodes * 28)
		bytes = nodes * 28;
	return bytes + 65536;
}

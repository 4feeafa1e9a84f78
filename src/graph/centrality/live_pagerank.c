/*
 * live_pagerank.c
 *	  PageRank of a graph that changes while it is computed.
 *
 * An iteration pushes along the pairs as they lie in memory: O(nodes + pairs),
 * and no index has to be rebuilt after a change.
 */
#include "live_pagerank.h"

#include <math.h>

/* Nodes or pairs in one slice: 2 ms, when each is a miss of the cache. */
#define SLICE (1 << 17)

static rk_status
reserve_doubles(rk_ctx *ctx, double **array, uint32_t capacity)
{
	double	   *p = *array ? rk_realloc(ctx, *array, capacity, sizeof(double)) : rk_alloc(ctx, capacity, sizeof(double));

	if (p == NULL)
		return RK_ERR_MEMORY;
	*array = p;
	return RK_OK;
}

rk_status
rk_live_reserve(rk_ctx *ctx, rk_live_pagerank *live, const rk_dynamic_graph *g)
{
	uint32_t	capacity = g->node_capacity;

	if (capacity <= live->capacity)
		return RK_OK;
	if (reserve_doubles(ctx, &live->score, capacity) != RK_OK || reserve_doubles(ctx, &live->next, capacity) != RK_OK)
		return RK_ERR_MEMORY;
	if (live->preference)
	{
		int64_t    *p = rk_realloc(ctx, live->preference, capacity, sizeof(int64_t));

		if (p == NULL)
			return RK_ERR_MEMORY;
		memset(p + live->capacity, 0, sizeof(int64_t) * (capacity - live->capacity));
		live->preference = p;
	}
	live->capacity = capacity;
	return RK_OK;
}

rk_status
rk_live_prefer(rk_ctx *ctx, rk_live_pagerank *live, uint32_t node, int64_t weight)
{
	if (live->preference == NULL)
	{
		live->preference = rk_alloc0(ctx, live->capacity, sizeof(int64_t));
		if (live->preference == NULL)
			return RK_ERR_MEMORY;
	}
	live->preference_sum += (__int128) weight - live->preference[node];
	live->preference[node] = weight;
	return RK_OK;
}

void
rk_live_reset(rk_live_pagerank *live, const rk_dynamic_graph *g)
{
	for (uint32_t i = 0; i < g->node_end; i++)
		live->score[i] = 1.0 / g->node_count;
	live->iteration = 0;
	live->converged_version = -1;
	live->phase = RK_LIVE_IDLE;
	live->changes++;
}

void
rk_live_begin(rk_live_pagerank *live, int64_t limit, double threshold)
{
	live->phase = RK_LIVE_MASS;
	live->limit = limit;
	live->threshold = threshold;
	live->made = 0;
	live->delta = 0;
	live->cursor = 0;
	live->mass = 0;
}

static void
add_mass(rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t begin, uint32_t end)
{
	double		mass = live->mass;

	for (uint32_t i = begin; i < end; i++)
		if (g->nodes[i].used)
			mass += live->score[i];
	live->mass = mass;
}

static void
clear(rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
	{
		const rk_dynamic_node *node = &g->nodes[i];

		live->next[i] = 0;
		if (node->used && (live->weighted ? node->out_strength == 0 : node->out_degree == 0))
		{
			live->lost += live->score[i] * live->scale;
			if (live->dangling == RK_DANGLING_SELF)
				live->next[i] = live->score[i] * live->scale;
		}
	}
}

static void
push(rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t begin, uint32_t end)
{
	double	   *next = live->next;
	const double *score = live->score;
	double		scale = live->scale;

	for (uint32_t p = begin; p < end; p++)
	{
		const rk_dynamic_pair *pair = &g->pairs[p];

		if (pair->rows == 0)
			continue;
		if (!live->weighted)
			next[pair->target] += score[pair->source] * scale / g->nodes[pair->source].out_degree;
		else if (pair->weight > 0)
			next[pair->target] += score[pair->source] * scale *
				((double) pair->weight / (double) g->nodes[pair->source].out_strength);
	}
}

static void
gather(rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t begin, uint32_t end)
{
	double		n = g->node_count;
	bool		personal = live->preference_sum > 0;
	double		teleport = 1 - live->damping;
	double		everywhere = 0;
	double		change = live->change;

	if (live->dangling == RK_DANGLING_TELEPORT)
		teleport += live->damping * live->lost;
	else if (live->dangling == RK_DANGLING_UNIFORM)
		everywhere = live->damping * live->lost / n;
	if (!personal)
		everywhere += teleport / n;
	else
		teleport /= (double) live->preference_sum;
	for (uint32_t i = begin; i < end; i++)
		if (g->nodes[i].used)
		{
			live->next[i] = live->damping * live->next[i] + everywhere;
			if (personal)
				live->next[i] += teleport * live->preference[i];
			change += fabs(live->next[i] - live->score[i] * live->scale);
		}
	live->change = change;
}

/* An iteration is over: its scores become the ones that are read. */
static void
finish(rk_live_pagerank *live, const rk_dynamic_graph *g)
{
	double	   *swap = live->score;
	bool		present = live->version == g->version;

	live->score = live->next;
	live->next = swap;
	live->iteration++;
	live->made++;
	live->changes++;
	live->delta = live->change;
	live->cursor = 0;
	live->mass = 0;
	live->converged_version = present && live->delta < live->threshold ? g->version : -1;
	if (live->converged_version >= 0 || live->made >= live->limit)
		live->phase = RK_LIVE_IDLE;
	else
	{
		live->phase = present ? RK_LIVE_CLEAR : RK_LIVE_MASS;
		live->version = g->version;
		live->scale = 1;
		live->lost = 0;
		live->change = 0;
	}
}

/* What follows a phase that has seen all nodes or pairs. */
static void
next_phase(rk_live_pagerank *live, const rk_dynamic_graph *g)
{
	live->cursor = 0;
	switch (live->phase)
	{
		case RK_LIVE_MASS:
			/* mass that is lost on purpose is not given back */
			live->scale = live->mass > 0 && live->dangling != RK_DANGLING_NONE ? 1 / live->mass : 1;
			live->version = g->version;
			live->lost = 0;
			live->change = 0;
			live->phase = RK_LIVE_CLEAR;
			break;
		case RK_LIVE_CLEAR:
			live->phase = RK_LIVE_PUSH;
			break;
		case RK_LIVE_PUSH:
			live->phase = RK_LIVE_GATHER;
			break;
		default:
			finish(live, g);
	}
}

bool
rk_live_slice(rk_live_pagerank *live, const rk_dynamic_graph *g)
{
	static void (*const work[]) (rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t begin, uint32_t end) = {
		[RK_LIVE_MASS] = add_mass,[RK_LIVE_CLEAR] = clear,[RK_LIVE_PUSH] = push,[RK_LIVE_GATHER] = gather
	};
	int64_t		room = SLICE;

	if (g->node_count == 0 && live->phase != RK_LIVE_IDLE)
	{
		live->phase = RK_LIVE_IDLE;
		live->delta = 0;
		live->converged_version = g->version;
	}
	while (live->phase != RK_LIVE_IDLE && room > 0)
	{
		uint32_t	total = live->phase == RK_LIVE_PUSH ? g->pair_end : g->node_end;
		uint32_t	begin = live->cursor < total ? live->cursor : total;
		uint32_t	end = total - begin > room ? begin + (uint32_t) room : total;

		work[live->phase] (live, g, begin, end);
		/* phases cost something of their own, or an idle graph would never end */
		room -= end - begin + 1;
		live->cursor = end;
		if (end == total)
			next_phase(live, g);
	}
	return live->phase != RK_LIVE_IDLE;
}

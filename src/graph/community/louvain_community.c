/*
 * louvain_community.c
 *	  Communities by modularity: the levels of Louvain and of Leiden.
 *
 * Louvain (Blondel, Guillaume, Lambiotte, Lefebvre 2008): move nodes, make
 * every community a node, again.  Leiden (Traag, Waltman, van Eck 2019): move
 * nodes, split every community, make the parts nodes that start in their
 * community, again; and all of it again from the communities that were found,
 * until that brings nothing.
 *
 * The order of the nodes decides which of many good partitions is found.  On
 * small graphs, where the difference is large and a run costs nothing, several
 * orders are tried and the best result is kept.
 */
#include "louvain.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define NODE_CHUNK 16384
#define BATCH_CHUNKS 128			/* more than a batch has; see louvain_moves.c */
#define TRY_WORK (1 << 18)		/* nodes and arcs of all tries */
#define MAX_TRIES 16
#define TYPICAL_LEVELS 5		/* for the estimate of memory */
#define MAX_REPEATS 10			/* of Leiden on its own result */

/*
 * On graphs of more than LARGE_NODES nodes a pass that gains less than
 * PASS_GAIN in Q ends the moves of a level, and a run of Leiden that gains
 * less than REPEAT_GAIN is the last.
 */
#define LARGE_NODES 10000
#define PASS_GAIN 3e-5
#define REPEAT_GAIN 1e-3

/* ---- results ---- */

typedef struct compose_state
{
	const uint32_t *below;		/* NULL: level 0 */
	const uint32_t *label;
	uint32_t   *community;
} compose_state;

static void
compose(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	compose_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
		s->community[v] = s->label[s->below ? s->below[v] : (uint32_t) v];
}

/* Adds a level: label has the community of every node of the last one. */
static rk_status
add_level(louvain_state *s, const uint32_t *label, int64_t count, rk_communities *r)
{
	compose_state c = {.label = label};

	c.below = r->levels > 0 ? r->community[r->levels - 1] : NULL;
	c.community = rk_alloc(s->ctx, s->n, sizeof(uint32_t));
	if (c.community == NULL)
		return RK_ERR_MEMORY;
	r->community[r->levels] = c.community;
	r->count[r->levels++] = count;
	return rk_parallel_for(s->ctx, s->n, NODE_CHUNK, compose, &c);
}

static rk_status
alloc_result(rk_ctx *ctx, rk_communities *r)
{
	*r = (rk_communities) {0};
	r->community = rk_alloc(ctx, LOUVAIN_MAX_LEVELS, sizeof(uint32_t *));
	r->count = rk_alloc(ctx, LOUVAIN_MAX_LEVELS, sizeof(int64_t));
	return r->community && r->count ? RK_OK : RK_ERR_MEMORY;
}

static void
free_result(rk_ctx *ctx, rk_communities *r)
{
	for (int i = 0; i < r->levels; i++)
		rk_free(ctx, r->community[i]);
	rk_free(ctx, r->community);
	rk_free(ctx, r->count);
}

/* Keeps the better of two results in best; the other is freed. */
static bool
keep_better(rk_ctx *ctx, rk_communities *best, rk_communities *other)
{
	bool		better = other->modularity > best->modularity;
	rk_communities worse = better ? *best : *other;

	if (better)
		*best = *other;
	free_result(ctx, &worse);
	return better;
}

/* ---- Louvain ---- */

static void
set_alone(louvain_state *s)
{
	for (int64_t v = 0; v < s->level->nodes; v++)
		s->community[v] = (uint32_t) v;
}

static int
level_limit(const louvain_state *s)
{
	int			limit = s->params->max_levels;

	return limit > 0 && limit < LOUVAIN_MAX_LEVELS ? limit : LOUVAIN_MAX_LEVELS;
}

/* The gain that ends something: min_gain, or more on a large graph. */
static double
tolerance(const louvain_state *s, double large)
{
	return s->n > LARGE_NODES && s->params->min_gain < large ? large : s->params->min_gain;
}

static rk_status
run_louvain(louvain_state *s, const louvain_level *first, rk_communities *r)
{
	louvain_level level = *first;
	louvain_level next;
	double		quality;
	rk_status	status;

	s->level = &level;
	set_alone(s);
	if ((status = rk_louvain_quality(s, true, &r->modularity)) != RK_OK)
		return status;
	for (;;)
	{
		int64_t		count;
		bool		moved;
		double		gain;

		rk_louvain_shuffle(s, level.nodes, r->levels);
		if ((status = rk_louvain_move(s, tolerance(s, PASS_GAIN), &moved)) != RK_OK)
			return status;
		if (!moved)
			break;
		if ((status = rk_louvain_number(s, s->community, &count)) != RK_OK ||
			(status = rk_louvain_aggregate(s, s->community, count, &next)) != RK_OK)
			return status;
		if (count == level.nodes)
		{
			rk_louvain_free_level(s->ctx, &next);
			break;
		}
		if ((status = add_level(s, s->community, count, r)) != RK_OK)
			return status;
		if (r->levels > 1)
			rk_louvain_free_level(s->ctx, &level);
		level = next;
		set_alone(s);
		if ((status = rk_louvain_quality(s, true, &quality)) != RK_OK)
			return status;
		gain = quality - r->modularity;
		if (gain < 0)
		{
			/* moves of one batch may have worked against each other */
			rk_free(s->ctx, r->community[--r->levels]);
			break;
		}
		r->modularity = quality;
		rk_progress(s->ctx, r->levels);
		if (gain < s->params->min_gain || r->levels == level_limit(s))
			break;
	}
	if (level.offsets != first->offsets)
		rk_louvain_free_level(s->ctx, &level);
	if (r->levels == 0)
	{
		s->level = first;
		set_alone(s);
		return add_level(s, s->community, s->n, r);
	}
	return RK_OK;
}

/* ---- Leiden ---- */

/*
 * Nodes of the next level start in the community of their parts: its label is
 * the smallest of them.
 */
static void
inherit_communities(louvain_state *s, const uint32_t *refined, int64_t count)
{
	uint32_t   *smallest = s->target;
	uint32_t   *community = s->list;

	memset(smallest, 0xff, sizeof(uint32_t) * s->level->nodes);
	for (int64_t v = 0; v < s->level->nodes; v++)
		if (refined[v] < smallest[s->community[v]])
			smallest[s->community[v]] = refined[v];
	for (int64_t v = 0; v < s->level->nodes; v++)
		community[refined[v]] = smallest[s->community[v]];
	memcpy(s->community, community, sizeof(uint32_t) * count);
}

/*
 * One run, from the communities in s->community.  salt differs between runs.
 */
static rk_status
run_leiden(louvain_state *s, const louvain_level *first, uint64_t salt, rk_communities *r)
{
	louvain_level level = *first;
	louvain_level next;
	double		before = -INFINITY;
	rk_status	status;

	s->level = &level;
	for (;;)
	{
		int64_t		count;
		int64_t		parts;
		bool		moved;
		bool		last = r->levels + 1 == level_limit(s);

		rk_louvain_shuffle(s, level.nodes, salt + r->levels);
		if ((status = rk_louvain_move(s, tolerance(s, PASS_GAIN), &moved)) != RK_OK ||
			(status = rk_louvain_number(s, s->community, &count)) != RK_OK)
			return status;
		if (count == level.nodes && r->levels > 0)
			break;				/* the parts of the last level are the result */
		if (!last && count < level.nodes)
		{
			if ((status = rk_louvain_quality(s, false, &r->modularity)) != RK_OK)
				return status;
			last = r->modularity - before < s->params->min_gain;
			before = r->modularity;
		}
		if (!last && count < level.nodes)
		{
			if ((status = rk_louvain_refine(s, salt + r->levels)) != RK_OK ||
				(status = rk_louvain_number(s, s->refined, &parts)) != RK_OK)
				return status;
			last = parts == level.nodes;
		}
		if (last || count == level.nodes)
		{
			if ((status = rk_louvain_split(s)) != RK_OK ||
				(status = rk_louvain_number(s, s->community, &count)) != RK_OK ||
				(status = add_level(s, s->community, count, r)) != RK_OK)
				return status;
			break;
		}
		if ((status = add_level(s, s->refined, parts, r)) != RK_OK ||
			(status = rk_louvain_aggregate(s, s->refined, parts, &next)) != RK_OK)
			return status;
		inherit_communities(s, s->refined, parts);
		if (r->levels > 1)
			rk_louvain_free_level(s->ctx, &level);
		level = next;
		rk_progress(s->ctx, r->levels);
	}
	if ((status = rk_louvain_quality(s, false, &r->modularity)) != RK_OK)
		return status;
	if (level.offsets != first->offsets)
		rk_louvain_free_level(s->ctx, &level);
	return RK_OK;
}

/* Runs until a run on the last result gains nothing. */
static rk_status
repeat_leiden(louvain_state *s, const louvain_level *first, rk_communities *r)
{
	rk_status	status;

	s->level = first;
	set_alone(s);
	if ((status = run_leiden(s, first, 0, r)) != RK_OK)
		return status;
	for (int i = 1; i < MAX_REPEATS; i++)
	{
		rk_communities again;
		double		before = r->modularity;

		if ((status = alloc_result(s->ctx, &again)) != RK_OK)
			return status;
		memcpy(s->community, r->community[r->levels - 1], sizeof(uint32_t) * s->n);
		if ((status = run_leiden(s, first, i * LOUVAIN_MAX_LEVELS, &again)) != RK_OK)
			return status;
		keep_better(s->ctx, r, &again);
		if (r->modularity - before <= tolerance(s, REPEAT_GAIN))
			break;
	}
	return RK_OK;
}

/* ---- both ---- */

static rk_status
alloc_state(louvain_state *s, int64_t n)
{
	rk_ctx	   *ctx = s->ctx;
	bool		leiden = s->params->algorithm == RK_COMMUNITY_LEIDEN;

	s->community = rk_alloc(ctx, n, sizeof(uint32_t));
	s->out = rk_alloc(ctx, n, sizeof(double));
	s->in = s->directed ? rk_alloc(ctx, n, sizeof(double)) : s->out;
	s->size = rk_alloc(ctx, n, sizeof(uint32_t));
	s->order = rk_alloc(ctx, n, sizeof(uint32_t));
	s->list = rk_alloc(ctx, n, sizeof(uint32_t));
	s->target = rk_alloc(ctx, n, sizeof(uint32_t));
	s->gain = rk_alloc(ctx, n, sizeof(double));
	s->active = rk_alloc(ctx, n, sizeof(uint8_t));
	s->free = rk_alloc(ctx, n, sizeof(uint32_t));
	s->bounds = rk_alloc(ctx, BATCH_CHUNKS, sizeof(int64_t));
	s->sum = rk_alloc(ctx, ctx->threads, sizeof(void *));
	s->touched = rk_alloc(ctx, ctx->threads, sizeof(uint32_t *));
	if (!s->community || !s->out || !s->in || !s->size || !s->order || !s->list || !s->target ||
		!s->gain || !s->active || !s->free || !s->bounds || !s->sum || !s->touched)
		return RK_ERR_MEMORY;
	for (int t = 0; t < ctx->threads; t++)
	{
		s->sum[t] = rk_alloc0(ctx, n, sizeof(double));
		s->touched[t] = rk_alloc(ctx, n + 1, sizeof(uint32_t));
		if (!s->sum[t] || !s->touched[t])
			return RK_ERR_MEMORY;
	}
	if (leiden)
	{
		s->refined = rk_alloc(ctx, n, sizeof(uint32_t));
		s->inside = rk_alloc(ctx, n, sizeof(double));
		s->cut = rk_alloc(ctx, n, sizeof(double));
		if (!s->refined || !s->inside || !s->cut)
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

static void
free_state(louvain_state *s)
{
	rk_ctx	   *ctx = s->ctx;

	for (int t = 0; t < ctx->threads; t++)
	{
		rk_free(ctx, s->sum[t]);
		rk_free(ctx, s->touched[t]);
	}
	rk_free(ctx, s->sum);
	rk_free(ctx, s->touched);
	rk_free(ctx, s->cut);
	rk_free(ctx, s->inside);
	rk_free(ctx, s->refined);
	rk_free(ctx, s->bounds);
	rk_free(ctx, s->free);
	rk_free(ctx, s->active);
	rk_free(ctx, s->gain);
	rk_free(ctx, s->target);
	rk_free(ctx, s->list);
	rk_free(ctx, s->order);
	rk_free(ctx, s->size);
	if (s->in != s->out)
		rk_free(ctx, s->in);
	rk_free(ctx, s->out);
	rk_free(ctx, s->community);
}

rk_status
rk_graph_louvain_community(rk_ctx *ctx, const rk_graph *g, const rk_louvain_params *params,
						   rk_communities *result, rk_run *run)
{
	louvain_state s = {.ctx = ctx,.params = params,.n = g->nodes,.directed = g->directed};
	louvain_level first;
	int64_t		work = g->nodes + g->arcs;
	int64_t		tries = work > 0 ? TRY_WORK / work : 1;
	rk_status	status;

	*run = (rk_run) {.iterative = true,.converged = true};
	if ((status = alloc_result(ctx, result)) != RK_OK || g->nodes == 0)
		return status;
	if ((status = alloc_state(&s, g->nodes)) != RK_OK ||
		(status = rk_louvain_first_level(&s, g, &first)) != RK_OK)
		return status;
	if (isinf(s.total))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the weights is too large for double precision");
	s.penalty = params->resolution / (g->directed ? s.total : 2 * s.total);
	s.mean_weight = g->out.weights ? s.total / (g->directed ? g->arcs : (g->arcs + 1) / 2) : 1;
	if (s.total == 0)
	{
		s.level = &first;
		set_alone(&s);
		if ((status = add_level(&s, s.community, s.n, result)) != RK_OK)
			return status;
		tries = 0;
	}
	else if (tries < 1)
		tries = 1;
	else if (tries > MAX_TRIES)
		tries = MAX_TRIES;
	for (int64_t i = 0; i < tries; i++)
	{
		rk_communities found;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		s.seed = i == 0 ? params->seed : rk_hash2(params->seed, i);
		if ((status = alloc_result(ctx, &found)) != RK_OK)
			return status;
		if (params->algorithm == RK_COMMUNITY_LEIDEN)
			status = repeat_leiden(&s, &first, &found);
		else
			status = run_louvain(&s, &first, &found);
		if (status != RK_OK)
			return status;
		if (i > 0)
			keep_better(ctx, result, &found);
		else
		{
			free_result(ctx, result);
			*result = found;
		}
	}
	run->iterations = s.passes;
	run->residual = s.residual;
	run->reached_max = s.exhausted;
	run->converged = !s.exhausted;
	rk_louvain_free_level(ctx, &first);
	free_state(&s);
	return RK_OK;
}

rk_status
rk_graph_louvain_moves(rk_ctx *ctx, rk_louvain_work *w)
{
	rk_louvain_params params = {.max_iterations = w->max_iterations};
	const rk_graph *g = w->graph;
	louvain_level level = {
		.nodes = g->nodes,
		.offsets = g->out.offsets,
		.ends = g->out.offsets + 1,
		.neighbors = g->out.neighbors,
		.weights = g->out.weights,
		/* read only */
		.out = (double *) w->out,
		.in = (double *) (w->in ? w->in : w->out)
	};
	louvain_state s = {
		.ctx = ctx,
		.params = &params,
		.n = g->nodes,
		.directed = w->in != NULL,
		.total = w->total,
		.penalty = w->penalty,
		.level = &level
	};
	rk_status	status = alloc_state(&s, g->nodes);

	if (status != RK_OK)
		return status;
	memcpy(s.order, w->order, sizeof(uint32_t) * g->nodes);
	memcpy(s.community, w->community, sizeof(uint32_t) * g->nodes);
	if ((status = rk_louvain_move(&s, w->tolerance, &w->moved)) != RK_OK)
		return status;
	memcpy(w->community, s.community, sizeof(uint32_t) * g->nodes);
	w->passes = s.passes;
	w->reached_max = s.exhausted;
	w->gain = s.residual;
	free_state(&s);
	return RK_OK;
}

int64_t
rk_graph_louvain_community_memory(int64_t nodes, int64_t arcs, bool directed, bool weighted,
								  int threads, const rk_louvain_params *params)
{
	bool		leiden = params->algorithm == RK_COMMUNITY_LEIDEN;
	int64_t		rows = directed ? 2 * arcs : arcs;
	int64_t		levels = params->max_levels > 0 && params->max_levels < TYPICAL_LEVELS ?
		params->max_levels : TYPICAL_LEVELS;
	int64_t		node = 41 + 12 * threads;

	(void) weighted;			/* the rows of higher levels have weights */
	if (directed)
		node += 8;
	if (leiden)
		node += 20 + (directed ? 16 : 8);
	node += directed ? 40 : 16; /* level 0 */
	node += (leiden ? 8 : 4) * levels;
	/* levels above the first merge most nodes, but of the rows perhaps not much */
	return nodes * node + (directed ? 12 * rows : 0) +
		rk_louvain_level_memory(nodes / 4, rows, directed) +
		(leiden ? rk_louvain_level_memory(nodes / 4, rows, directed) : 0);
}

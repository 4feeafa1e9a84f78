/*
 * louvain_community.c
 *	  Communities by modularity: the steps of louvain_levels.h on the CPU.
 */
#include "louvain.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"

#define NODE_CHUNK 16384
#define BATCH_CHUNKS 128			/* more than a batch has; see louvain_moves.c */
#define TRY_WORK (1 << 18)		/* nodes and arcs of all tries */
#define MAX_TRIES 16
#define TYPICAL_LEVELS 5		/* for the estimate of memory */

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

/* ---- steps ---- */

static uint32_t *
labels_of(louvain_state *s, louvain_labels which)
{
	return which == LOUVAIN_PARTS ? s->refined : s->community;
}

static void
set_alone(louvain_state *s)
{
	for (int64_t v = 0; v < s->level->nodes; v++)
		s->community[v] = (uint32_t) v;
}

static int
start_level(void *arg, bool alone, louvain_slot from)
{
	louvain_state *s = arg;
	const rk_communities *r = &s->results[from];

	rk_louvain_free_level(s->ctx, &s->above);
	s->level = &s->first;
	if (alone)
		set_alone(s);
	else
		memcpy(s->community, r->community[r->levels - 1], sizeof(uint32_t) * s->n);
	return rk_ctx_poll(s->ctx) ? RK_STOPPED : RK_OK;
}

static int
move_nodes(void *arg, uint64_t seed, uint64_t salt, double tolerance, louvain_moves *moves)
{
	louvain_state *s = arg;

	rk_louvain_shuffle(s, seed, salt);
	return rk_louvain_move(s, tolerance, moves);
}

static int
number_labels(void *arg, louvain_labels which, int64_t *count)
{
	louvain_state *s = arg;

	return rk_louvain_number(s, labels_of(s, which), count);
}

static int
weigh_communities(void *arg, bool alone, double *quality)
{
	return rk_louvain_quality(arg, alone, quality);
}

static int
refine_communities(void *arg, uint64_t seed, uint64_t salt)
{
	return rk_louvain_refine(arg, seed, salt);
}

static int
split_communities(void *arg)
{
	return rk_louvain_split(arg);
}

static int
keep_level(void *arg, louvain_labels which, int64_t count)
{
	louvain_state *s = arg;
	rk_communities *r = &s->results[LOUVAIN_NEW];
	rk_status	status;

	if (r->community == NULL && (status = alloc_result(s->ctx, r)) != RK_OK)
		return status;
	if ((status = add_level(s, labels_of(s, which), count, r)) != RK_OK)
		return status;
	rk_progress(s->ctx, r->levels);
	return RK_OK;
}

/*
 * Nodes of the next level start in the community of their parts: its label is
 * the smallest of them.
 */
static void
inherit_communities(louvain_state *s, int64_t nodes, int64_t count)
{
	uint32_t   *smallest = s->target;
	uint32_t   *community = s->list;

	memset(smallest, 0xff, sizeof(uint32_t) * nodes);
	for (int64_t v = 0; v < nodes; v++)
		if (s->refined[v] < smallest[s->community[v]])
			smallest[s->community[v]] = s->refined[v];
	for (int64_t v = 0; v < nodes; v++)
		community[s->refined[v]] = smallest[s->community[v]];
	memcpy(s->community, community, sizeof(uint32_t) * count);
}

static int
climb_level(void *arg, louvain_labels which, int64_t count)
{
	louvain_state *s = arg;
	int64_t		nodes = s->level->nodes;
	louvain_level next;
	rk_status	status = rk_louvain_aggregate(s, labels_of(s, which), count, &next);

	if (status != RK_OK)
		return status;
	rk_louvain_free_level(s->ctx, &s->above);
	s->above = next;
	s->level = &s->above;
	if (which == LOUVAIN_PARTS)
		inherit_communities(s, nodes, count);
	else
		set_alone(s);
	return RK_OK;
}

static void
drop_level(void *arg)
{
	louvain_state *s = arg;
	rk_communities *r = &s->results[LOUVAIN_NEW];

	rk_free(s->ctx, r->community[--r->levels]);
}

static void
hand_over(void *arg, louvain_slot from, louvain_slot to)
{
	louvain_state *s = arg;

	free_result(s->ctx, &s->results[to]);
	if (from != to)
		s->results[to] = s->results[from];
	s->results[from] = (rk_communities) {0};
}

static const louvain_steps steps = {
	start_level, move_nodes, number_labels, weigh_communities, refine_communities, split_communities, keep_level,
	climb_level, drop_level, hand_over
};

/* ---- the run ---- */

/* Climbs from s->first; the result is s->results[LOUVAIN_BEST]. */
static rk_status
climb_all(louvain_state *s, int tries, rk_run *run)
{
	const rk_louvain_params *p = s->params;
	louvain_plan plan = {
		.nodes = s->n,
		.min_gain = p->min_gain,
		.seed = p->seed,
		.leiden = p->algorithm == RK_COMMUNITY_LEIDEN,
		.max_levels = p->max_levels,
		.tries = tries
	};
	louvain_run r = {.steps = &steps,.engine = s,.plan = &plan};
	rk_status	status = louvain_climb_all(&r);

	if (status != RK_OK)
		return status;
	s->results[LOUVAIN_BEST].modularity = r.modularity[LOUVAIN_BEST];
	run->iterations = r.passes;
	run->residual = r.residual;
	run->reached_max = r.exhausted;
	run->converged = !r.exhausted;
	rk_louvain_free_level(s->ctx, &s->above);
	return RK_OK;
}

/* Has another engine do it; *done: it did. */
static rk_status
use_engine(louvain_state *s, const rk_graph *g, int tries, rk_run *run, bool *done)
{
	const louvain_level *l = &s->first;
	rk_graph	rows = {.nodes = s->n,.arcs = l->offsets[s->n]};
	rk_louvain_work w = {
		.graph = g->directed ? &rows : g,
		.out = l->out,
		.in = g->directed ? l->in : NULL,
		.loop = l->loop,
		.total = s->total,
		.mean_weight = s->mean_weight,
		.penalty = s->penalty,
		.tries = tries,
		.room = RK_LOUVAIN_ROOM(s->n)
	};
	const uint32_t *label;
	rk_status	status;

	*done = false;
	if (s->params->engine == NULL)
		return RK_OK;
	label = w.label = rk_alloc(s->ctx, w.room, sizeof(uint32_t));
	if (w.label == NULL)
		return RK_ERR_MEMORY;
	rows.out = rows.in = (rk_adjacency) {l->offsets, l->neighbors, l->weights};
	*done = s->params->engine(s->params->engine_arg, s->params, &w);
	if (*done && (status = alloc_result(s->ctx, &s->results[LOUVAIN_BEST])) != RK_OK)
		return status;
	for (int i = 0; *done && i < w.levels; i++)
	{
		if ((status = add_level(s, label, w.count[i], &s->results[LOUVAIN_BEST])) != RK_OK)
			return status;
		label += i > 0 ? w.count[i - 1] : s->n;
	}
	rk_free(s->ctx, w.label);
	if (*done)
	{
		s->results[LOUVAIN_BEST].modularity = w.modularity;
		*run = w.run;
	}
	return RK_OK;
}

rk_status
rk_graph_louvain_community(rk_ctx *ctx, const rk_graph *g, const rk_louvain_params *params,
						   rk_communities *result, rk_run *run)
{
	louvain_state s = {.ctx = ctx,.params = params,.n = g->nodes,.directed = g->directed};
	int64_t		work = g->nodes + g->arcs;
	int64_t		tries = work > 0 ? TRY_WORK / work : 1;
	bool		done = false;
	rk_status	status;

	*run = (rk_run) {.iterative = true,.converged = true};
	if (g->nodes == 0)
		return alloc_result(ctx, result);
	if ((status = rk_louvain_first_level(&s, g)) != RK_OK)
		return status;
	if (isinf(s.total))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the weights is too large for double precision");
	s.penalty = params->resolution / (g->directed ? s.total : 2 * s.total);
	s.mean_weight = g->out.weights ? s.total / (g->directed ? g->arcs : (g->arcs + 1) / 2) : 1;
	if (s.total == 0)
		tries = 0;
	else if (tries < 1)
		tries = 1;
	else if (tries > MAX_TRIES)
		tries = MAX_TRIES;
	if (tries > 0 && (status = use_engine(&s, g, (int) tries, run, &done)) != RK_OK)
		return status;
	if (!done)
	{
		if ((status = alloc_state(&s, g->nodes)) != RK_OK || (status = climb_all(&s, (int) tries, run)) != RK_OK)
			return status;
		free_state(&s);
	}
	rk_louvain_free_level(ctx, &s.first);
	*result = s.results[LOUVAIN_BEST];
	return RK_OK;
}

/* What every level of a result adds to the one below, from communities of nodes. */
static rk_status
give_labels(rk_ctx *ctx, int64_t nodes, const rk_communities *r, rk_louvain_work *w)
{
	uint32_t   *label = w->label;

	for (int i = 0; i < r->levels; i++)
	{
		int64_t		below = i > 0 ? r->count[i - 1] : nodes;

		if (label + below > w->label + w->room)
			return rk_fail(ctx, RK_ERR_OVERFLOW, "levels have more nodes than there is room for");
		for (int64_t v = 0; v < nodes; v++)
			label[i > 0 ? r->community[i - 1][v] : (uint32_t) v] = r->community[i][v];
		label += below;
	}
	w->levels = r->levels;
	memcpy(w->count, r->count, sizeof(int64_t) * r->levels);
	w->modularity = r->modularity;
	return RK_OK;
}

rk_status
rk_graph_louvain_levels(rk_ctx *ctx, const rk_louvain_params *params, rk_louvain_work *w)
{
	const rk_graph *g = w->graph;
	louvain_state s = {
		.ctx = ctx,
		.params = params,
		.n = g->nodes,
		.directed = w->in != NULL,
		.total = w->total,
		.penalty = w->penalty,
		.mean_weight = w->mean_weight,
		.first = {
			.nodes = g->nodes,
			.offsets = g->out.offsets,
			.ends = g->out.offsets + 1,
			.neighbors = g->out.neighbors,
			.weights = g->out.weights,
			/* read only */
			.out = (double *) w->out,
			.in = (double *) (w->in ? w->in : w->out),
			.loop = (double *) w->loop
		}
	};
	rk_communities *r = &s.results[LOUVAIN_BEST];
	rk_status	status;

	w->run = (rk_run) {.iterative = true};
	if ((status = alloc_state(&s, g->nodes)) != RK_OK ||
		(status = climb_all(&s, w->tries, &w->run)) != RK_OK)
		return status;
	free_state(&s);
	status = give_labels(ctx, s.n, r, w);
	free_result(ctx, r);
	return status;
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

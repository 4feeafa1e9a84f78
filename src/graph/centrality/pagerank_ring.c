/*
 * pagerank_ring.c
 *	  graph/pagerank as an actor: scores of a graph that changes edge by edge.
 *
 * The state is the dynamic graph and a score for each node, iterated as
 * live_pagerank.h says: after a few changes a few iterations are enough.
 * Iterations of a message run between other messages, so that scores are read
 * in microseconds all the while; only a message from the journal, which must
 * have its effect before the next one, makes them at once.  With the option
 * auto_converge the scores follow the graph without being told to.
 *
 * Scores are to about 1e-15 after a restart, since pairs then lie in another
 * order.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* qsort_r */
#endif
#include "graph_ring.h"

#include <math.h>
#include <stdlib.h>

#include "../../compute/random.h"
#include "../../ring/image.h"
#include "live_pagerank.h"
#include "pagerank_step.h"

static rk_status
pagerank_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	rk_pagerank_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->live.damping = rk_option_find(options, "damping")->number;
	s->live.weighted = rk_option_find(options, "weighted")->truth;
	s->live.dangling = rk_option_find(options, "dangling")->integer;
	s->live.converged_version = -1;
	s->tolerance = rk_option_find(options, "tolerance")->number;
	s->max_iterations = rk_option_find(options, "max_iterations")->integer;
	s->auto_converge = rk_option_find(options, "auto_converge")->truth;
	s->given_up = -1;
	*state = s;
	return rk_dynamic_graph_init(ctx, options, &s->graph, !rk_option_find(options, "directed")->truth);
}

/* Memory first, as a change cannot be undone. */
static rk_status
make_room(rk_ctx *ctx, rk_pagerank_state *s)
{
	rk_status	status = rk_dynamic_reserve(ctx, &s->graph);

	return status == RK_OK ? rk_live_reserve(ctx, &s->live, &s->graph) : status;
}

static rk_status
edge_change(rk_ctx *ctx, rk_pagerank_state *s, const rk_edge_request *q, rk_reply *reply)
{
	rk_edge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		source;
	int64_t		target;
	const char *why;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_edge_ends(ctx, &s->graph, q, &source, &target)) != RK_OK)
		return status;
	if ((status = rk_dynamic_check(&s->graph, q->op, source, target, q->weight, &why)) != RK_OK)
		return rk_fail(ctx, status, "%s", why);
	if (q->op != RK_EDGE_REMOVE && (status = make_room(ctx, s)) != RK_OK)
		return status;
	rk_pagerank_change(s, q->op, source, target, q->weight, r);
	return RK_OK;
}

static rk_status
node_change(rk_ctx *ctx, rk_pagerank_state *s, const rk_node_change_request *q, rk_reply *reply)
{
	rk_control_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	bool		add = q->op == RK_NODE_ADD;
	int64_t		node;
	uint32_t	before;
	bool		changed;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_value(ctx, &s->graph.keys, "node", &q->node, add, &node)) != RK_OK)
		return status;
	before = rk_dynamic_find(&s->graph, node);
	if (add && (status = make_room(ctx, s)) != RK_OK)
		return status;
	if ((status = rk_dynamic_pin(ctx, &s->graph, node, add, &changed)) != RK_OK)
		return status;
	rk_pagerank_follow(s, node, before);
	rk_control_reply_fill(&s->graph, r);
	return RK_OK;
}

static rk_status
prefer(rk_ctx *ctx, rk_pagerank_state *s, const rk_preference_request *q, rk_reply *reply)
{
	rk_preference_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_node_index(ctx, &s->graph, &q->node, &i)) != RK_OK)
		return status;
	if (i == RK_NO_INDEX)
		r->status = RK_GRAPH_UNKNOWN_NODE;
	else
	{
		bool		changed = rk_live_preference(&s->live, i) != q->value;

		if ((status = rk_live_prefer(ctx, &s->live, i, q->value)) != RK_OK)
			return status;
		s->graph.version += changed;
	}
	r->version = s->graph.version;
	return RK_OK;
}

/*
 * Up to limit iterations, until one changes less than threshold.  Where they
 * are not over at once, the message comes again (reply->later); those of
 * another message end first.
 */
static rk_status
iterate(rk_ctx *ctx, rk_pagerank_state *s, const rk_message *message, int64_t limit, double threshold, rk_reply *reply)
{
	bool		at_once = message->apply_seq != 0 || message->replay;

	if (s->owner != message->id || at_once)
	{
		if (!at_once && s->owner != 0 && s->live.phase != RK_LIVE_IDLE)
		{
			reply->later = true;
			return RK_OK;
		}
		s->owner = message->id;
		rk_live_begin(&s->live, limit, threshold);
		rk_live_slice(&s->live, &s->graph);
	}
	while (at_once && rk_live_slice(&s->live, &s->graph))
		if (rk_ctx_poll(ctx))
		{
			s->live.phase = RK_LIVE_IDLE;
			return RK_STOPPED;
		}
	if (s->live.phase != RK_LIVE_IDLE)
		reply->later = true;
	else
		s->owner = 0;
	return RK_OK;
}

static rk_status
iterate_once(rk_ctx *ctx, rk_pagerank_state *s, const rk_message *message, rk_reply *reply)
{
	rk_iterate_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = iterate(ctx, s, message, 1, s->tolerance, reply)) != RK_OK || reply->later)
		return status;
	r->iteration = s->live.iteration;
	r->delta = s->live.delta;
	r->converged = r->delta < s->tolerance;
	return RK_OK;
}

static rk_status
converge(rk_ctx *ctx, rk_pagerank_state *s, const rk_message *message, rk_reply *reply)
{
	const rk_converge_request *q = message->payload;
	rk_converge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		threshold = isnan(q->threshold) ? s->tolerance : q->threshold;
	int64_t		limit = q->max_iterations == RK_FIELD_ABSENT_INT4 ? s->max_iterations : q->max_iterations;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (!(threshold > 0))
		return rk_fail(ctx, RK_ERR_PARAMETER, RK_PAGERANK_THRESHOLD);
	if (limit < 1)
		return rk_fail(ctx, RK_ERR_PARAMETER, RK_PAGERANK_ITERATIONS);
	if ((status = iterate(ctx, s, message, limit, threshold, reply)) != RK_OK || reply->later)
		return status;
	r->iterations = s->live.made;
	r->delta = s->live.delta;
	r->converged = s->live.converged_version == s->graph.version;
	return RK_OK;
}

static rk_status
query(rk_ctx *ctx, rk_pagerank_state *s, const rk_node_request *q, rk_reply *reply)
{
	rk_pagerank_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		node;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_value(ctx, &s->graph.keys, "node", &q->node, false, &node)) != RK_OK)
		return status;
	rk_pagerank_query(s, node, r);
	return RK_OK;
}

/* A node in the order of its score. */
typedef struct ranked_score
{
	double		score;
	int64_t		node;
} ranked_score;

static int
by_score(const void *a, const void *b, void *keys)
{
	const ranked_score *x = a;
	const ranked_score *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return rk_keys_compare(keys, x->node, y->node);
}

/* All nodes in order, once for each change of the scores. */
static rk_status
top(rk_ctx *ctx, rk_pagerank_state *s, const rk_top_request *q, rk_reply *reply)
{
	int64_t		count;
	rk_score_row *rows;

	if (s->order == NULL || s->order_changes != s->live.changes)
	{
		rk_free(ctx, s->order);
		s->order = rk_alloc(ctx, s->graph.node_count + 1, sizeof(*s->order));
		if (s->order == NULL)
			return RK_ERR_MEMORY;
		s->order_count = 0;
		for (uint32_t i = 0; i < s->graph.node_end; i++)
			if (s->graph.nodes[i].used)
				s->order[s->order_count++] = (ranked_score) {s->live.score[i], s->graph.nodes[i].id};
		qsort_r(s->order, s->order_count, sizeof(*s->order), by_score, &s->graph.keys);
		s->order_changes = s->live.changes;
	}
	count = s->order_count > q->skip ? s->order_count - q->skip : 0;
	if (count > q->k)
		count = q->k;
	rows = rk_reply_reserve(ctx, reply, count * sizeof(rk_score_row));
	if (rows == NULL)
		return ctx->error.status;
	for (int64_t i = 0; i < count; i++)
		rows[i] = (rk_score_row) {
			rk_keys_of_value(&s->graph.keys, s->order[q->skip + i].node), s->order[q->skip + i].score
		};
	return RK_OK;
}

static rk_status
control(rk_ctx *ctx, rk_pagerank_state *s, const rk_pagerank_control *q, rk_reply *reply)
{
	rk_control_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->op == RK_PAGERANK_COMPACT)
	{
		/* the iteration that runs along the pairs begins anew */
		if ((status = rk_dynamic_compact(ctx, &s->graph)) != RK_OK)
			return status;
		if (s->live.phase != RK_LIVE_IDLE)
			rk_live_begin(&s->live, s->live.limit - s->live.made, s->live.threshold);
	}
	else
	{
		rk_live_reset(&s->live, &s->graph);
		s->owner = 0;
		s->given_up = -1;
	}
	rk_control_reply_fill(&s->graph, r);
	return RK_OK;
}

/* Iterations that a message waits for, or that the graph asks for itself. */
static rk_status
pagerank_tick(rk_ctx *ctx, void *state, bool *more)
{
	rk_pagerank_state *s = state;
	rk_live_pagerank *live = &s->live;

	(void) ctx;
	if (live->phase == RK_LIVE_IDLE && s->auto_converge && live->converged_version != s->graph.version &&
		s->given_up != s->graph.version)
	{
		s->owner = 0;
		rk_live_begin(live, s->max_iterations, s->tolerance);
	}
	*more = rk_live_slice(live, &s->graph);
	if (!*more && s->auto_converge && live->converged_version != s->graph.version)
	{
		if (live->version == s->graph.version)
			s->given_up = s->graph.version;
		else
			*more = true;
	}
	return RK_OK;
}

static const rk_version_field version_fields[] = {
	{100, offsetof(rk_node_request, min_version)},
	{102, offsetof(rk_version_request, min_version)},
	{104, offsetof(rk_converge_request, min_version)},
	{140, offsetof(rk_top_request, min_version)},
	{0}
};

static rk_status
pagerank_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	rk_pagerank_state *s = state;

	if (rk_waits_for_version(version_fields, message, s->graph.version))
	{
		reply->later = true;
		return RK_OK;
	}
	switch (message->type_id)
	{
		case 100:
			return query(ctx, s, message->payload, reply);
		case 102:
			return iterate_once(ctx, s, message, reply);
		case 104:
			return converge(ctx, s, message, reply);
		case 106:
			return edge_change(ctx, s, message->payload, reply);
		case 108:
			return control(ctx, s, message->payload, reply);
		case 142:
			return node_change(ctx, s, message->payload, reply);
		case 144:
			return prefer(ctx, s, message->payload, reply);
		case 140:
			return top(ctx, s, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "graph/pagerank has no message %u", message->type_id);
}

/* ---- snapshots ---- */

/* After the graph, in the order of its nodes. */
typedef struct stored_score
{
	int64_t		preference;
	double		score;
} stored_score;

static rk_status
pagerank_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	rk_pagerank_state *s = state;
	int64_t		header[2] = {s->live.iteration, s->live.converged_version};
	rk_status	status = rk_dynamic_write(ctx, &s->graph, writer);

	if (status == RK_OK)
		status = rk_write(ctx, writer, header, sizeof(header));
	for (uint32_t i = 0; i < s->graph.node_end && status == RK_OK; i++)
		if (s->graph.nodes[i].used)
		{
			stored_score row = {rk_live_preference(&s->live, i), s->live.score[i]};

			status = rk_write(ctx, writer, &row, sizeof(row));
		}
	return status;
}

static rk_status
pagerank_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = pagerank_init(ctx, options, state);
	rk_pagerank_state *s = *state;
	int64_t		header[2];

	(void) version;
	if (status != RK_OK || (status = rk_dynamic_read(ctx, &s->graph, reader)) != RK_OK ||
		(status = rk_live_reserve(ctx, &s->live, &s->graph)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, header, sizeof(header))) != RK_OK)
		return status;
	s->live.iteration = header[0];
	s->live.converged_version = header[1];
	for (uint32_t i = 0; i < s->graph.node_end; i++)
	{
		stored_score row;

		if ((status = rk_read_bytes(ctx, reader, &row, sizeof(row))) != RK_OK)
			return status;
		s->live.score[i] = row.score;
		if (row.preference != 0 && (status = rk_live_prefer(ctx, &s->live, i, row.preference)) != RK_OK)
			return status;
	}
	return RK_OK;
}

/*
 * Graph and teleport weights: how far the iterations have come depends on when
 * they ran.
 */
static uint64_t
pagerank_checksum(rk_ctx *ctx, void *state)
{
	rk_pagerank_state *s = state;
	uint64_t	sum = rk_dynamic_checksum(&s->graph);

	(void) ctx;
	for (uint32_t i = 0; s->live.preference && i < s->graph.node_end; i++)
		if (s->graph.nodes[i].used && s->live.preference[i] != 0)
			sum += rk_hash2(rk_keys_value_hash(&s->graph.keys, s->graph.nodes[i].id), (uint64_t) s->live.preference[i]);
	return sum;
}

/* ---- on a device ---- */

static rk_status
pagerank_room(rk_ctx *ctx, void *state)
{
	rk_pagerank_state *s = state;
	rk_status	status = rk_dynamic_room(ctx, &s->graph);

	return status == RK_OK ? rk_live_reserve(ctx, &s->live, &s->graph) : status;
}

static const char *
pagerank_stays(const void *state)
{
	return ((const rk_pagerank_state *) state)->auto_converge ? "auto_converge iterates between messages, on the CPU" :
		NULL;
}

static size_t
pagerank_pack(const void *state, char *image, uint64_t base)
{
	rk_image	i = {.data = image,.base = base};
	rk_pagerank_state s = *(const rk_pagerank_state *) state;
	rk_dynamic_graph *g = &s.graph;
	size_t		n = g->node_capacity;
	size_t		used = g->node_end;

	rk_image_put(&i, NULL, 0, sizeof(s));
	g->keys.dictionary = NULL;
	s.order = NULL;
	g->nodes = rk_image_put(&i, g->nodes, used * sizeof(*g->nodes), n * sizeof(*g->nodes));
	g->pairs = rk_image_put(&i, g->pairs, g->pair_end * sizeof(*g->pairs), g->pair_capacity * sizeof(*g->pairs));
	g->rows = rk_image_put(&i, g->rows, g->row_end * sizeof(*g->rows), g->row_capacity * sizeof(*g->rows));
	for (rk_index_table *t = &g->node_table; t <= &g->row_table; t++)
		t->slots = rk_image_put(&i, t->slots, ((size_t) t->mask + 1) * sizeof(uint32_t),
								((size_t) t->mask + 1) * sizeof(uint32_t));
	s.live.score = rk_image_put(&i, s.live.score, used * sizeof(double), n * sizeof(double));
	s.live.next = rk_image_put(&i, NULL, 0, n * sizeof(double));
	if (s.live.preference)
		s.live.preference = rk_image_put(&i, s.live.preference, n * sizeof(int64_t), n * sizeof(int64_t));
	s.spare = rk_image_put(&i, NULL, 0, n * sizeof(double));
	s.sums = rk_image_put(&i, NULL, 0, n * sizeof(uint64_t));
	/* what is under way here ends; who waits for it asks there */
	s.live.phase = RK_LIVE_IDLE;
	s.owner = 0;
	s.work.stage = RK_PAGERANK_NOTHING;
	if (image)
		memcpy(image, &s, sizeof(s));
	return i.size;
}

static rk_status
pagerank_unpack(rk_ctx *ctx, void *state, const char *image, uint64_t base)
{
	rk_pagerank_state *s = state;
	rk_pagerank_state from;
	rk_dynamic_graph *g = &s->graph;
	rk_dynamic_graph *d = &from.graph;

	memcpy(&from, image, sizeof(from));
	if (d->node_capacity != g->node_capacity || d->pair_capacity != g->pair_capacity ||
		d->row_capacity != g->row_capacity || d->node_end > g->node_capacity || d->pair_end > g->pair_capacity ||
		d->row_end > g->row_capacity || from.live.capacity != s->live.capacity)
		return rk_fail(ctx, RK_ERR_CORRUPT, "the state that a device has sent is not that of the ring");
	memcpy(g->nodes, rk_image_at(image, base, d->nodes), d->node_end * sizeof(*g->nodes));
	memcpy(g->pairs, rk_image_at(image, base, d->pairs), d->pair_end * sizeof(*g->pairs));
	memcpy(g->rows, rk_image_at(image, base, d->rows), d->row_end * sizeof(*g->rows));
	for (int t = 0; t < 3; t++)
	{
		const rk_index_table *of = &d->node_table + t;
		rk_index_table *to = &g->node_table + t;

		memcpy(to->slots, rk_image_at(image, base, of->slots), ((size_t) to->mask + 1) * sizeof(uint32_t));
		to->count = of->count;
	}
	memcpy(s->live.score, rk_image_at(image, base, from.live.score), d->node_end * sizeof(double));
	if (s->live.preference)
		memcpy(s->live.preference, rk_image_at(image, base, from.live.preference),
			   g->node_capacity * sizeof(int64_t));
	g->node_end = d->node_end;
	g->pair_end = d->pair_end;
	g->row_end = d->row_end;
	g->free_node = d->free_node;
	g->free_pair = d->free_pair;
	g->free_row = d->free_row;
	g->node_count = d->node_count;
	g->edge_count = d->edge_count;
	g->version = d->version;
	s->live.preference_sum = from.live.preference_sum;
	s->live.iteration = from.live.iteration;
	s->live.converged_version = from.live.converged_version;
	s->live.made = from.live.made;
	s->live.delta = from.live.delta;
	s->live.changes++;
	s->live.phase = RK_LIVE_IDLE;
	s->owner = 0;
	return RK_OK;
}

/* Ids are looked up here; a device knows their numbers. */
static rk_status
pagerank_prepare(rk_ctx *ctx, void *state, const rk_message *message, void *payload, uint32_t *length)
{
	rk_pagerank_state *s = state;

	switch (message->type_id)
	{
		case 100:
			{
				const rk_node_request *q = message->payload;
				rk_pagerank_node *p = payload;

				*length = sizeof(*p);
				p->min_version = q->min_version;
				return rk_keys_value(ctx, &s->graph.keys, "node", &q->node, false, &p->node);
			}
		case 106:
			{
				const rk_edge_request *q = message->payload;
				rk_pagerank_edge *p = payload;

				*length = sizeof(*p);
				p->weight = q->weight;
				p->op = q->op;
				return rk_edge_ends(ctx, &s->graph, q, &p->source, &p->target);
			}
	}
	*length = message->length;
	memcpy(payload, message->payload, message->length);
	return RK_OK;
}

static const rk_actor_device pagerank_device = {
	.kind = RK_RING_PAGERANK,
	.types = {100, 102, 104, 106},
	.stays = pagerank_stays,
	.room = pagerank_room,
	.pack = pagerank_pack,
	.unpack = pagerank_unpack,
	.prepare = pagerank_prepare
};

static const char *const dangling_choices[] = {"teleport", "uniform", "self", "none", NULL};

static const rk_param pagerank_options[] = {
	{.name = "edges",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (source, target[, weight]) to begin with"},
	{.name = "nodes",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (node): nodes that are there without an edge"},
	{.name = "personalization",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (node, value): where a teleport leads to, of nodes that there are; NULL: to all nodes alike"},
	{.name = "directed",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "true: rows are arcs from source to target; false: undirected edges"},
	{.name = "damping",.type = RK_TYPE_FLOAT8,.initial = "0.85",RK_FROM_BELOW(0, 1),
	.meaning = "probability of following an edge instead of teleporting"},
	{.name = "tolerance",.type = RK_TYPE_FLOAT8,.initial = "1e-6",RK_ABOVE(0),
	.meaning = "scores have converged when they change by less in one iteration (L1 norm)"},
	{.name = "max_iterations",.type = RK_TYPE_INT4,.initial = "100",RK_AT_LEAST(1),
	.meaning = "iterations of one PageRankConverge, at most"},
	{.name = "weighted",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "whether weights count; without, parallel rows are one edge"},
	{.name = "dangling",.type = RK_TYPE_TEXT,.initial = "'teleport'",.choices = dangling_choices,
	.meaning = "where the mass of nodes without out-edges goes"},
	{.name = "auto_converge",.type = RK_TYPE_BOOLEAN,.initial = "false",
	.meaning = "whether the scores follow the graph by themselves, between messages"},
	RK_ID_TYPE_OPTION,
	{0}
};

static const rk_actor_load pagerank_loads[] = {{"edges", 106}, {"nodes", 142}, {"personalization", 144}, {0}};

const rk_actor rk_actor_graph_pagerank = {
	.kernel = "graph/pagerank",
	.version = 2,
	.description = "PageRank of a graph that changes edge by edge",
	.messages = rk_graph_pagerank_messages,
	.options = pagerank_options,
	.loads = pagerank_loads,
	.feed = 106,
	.init = pagerank_init,
	.handle = pagerank_handle,
	.snapshot = pagerank_snapshot,
	.restore = pagerank_restore,
	.tick = pagerank_tick,
	.checksum = pagerank_checksum,
	.device = &pagerank_device
};

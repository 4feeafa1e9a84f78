/*
 * pagerank_ring.c
 *	  graph/pagerank as an actor: scores of a graph that changes edge by edge.
 *
 * The state is the dynamic graph and a score for each node.  An iteration is
 * the Jacobi step of the batch function, from the scores there are; so after a
 * few changes a few iterations are enough.  Changes of the graph leave scores
 * alone until the next iteration, but for a new node, which begins with 1 / n;
 * the first iteration after a change makes the scores add up to 1 again.
 *
 * An iteration pushes along the pairs in the order in which they lie in
 * memory: O(nodes + pairs), no index to be rebuilt after a change.  That order
 * is not the same after a restart, the scores then are to about 1e-15.
 */
#include "graph_ring.h"

#include <math.h>
#include <stdlib.h>

#include "../../compute/random.h"
#include "centrality.h"

typedef struct pagerank_state
{
	rk_dynamic_graph graph;
	double		damping;
	double		tolerance;
	int			max_iterations;
	bool		weighted;
	rk_dangling dangling;
	double	   *score;			/* by node index */
	double	   *next;			/* the same, while iterating */
	uint32_t	capacity;
	int64_t		iteration;
	int64_t		converged_version;	/* -1: not converged since the last reset */
	rk_score_row *order;		/* PageRankTop; NULL: to be made */
	int64_t		order_count;
} pagerank_state;

static rk_status
pagerank_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	pagerank_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->damping = rk_option_find(options, "damping")->number;
	s->tolerance = rk_option_find(options, "tolerance")->number;
	s->max_iterations = rk_option_find(options, "max_iterations")->integer;
	s->weighted = rk_option_find(options, "weighted")->truth;
	s->dangling = rk_option_find(options, "dangling")->integer;
	s->converged_version = -1;
	*state = s;
	return rk_dynamic_graph_init(ctx, &s->graph);
}

/* Arrays as large as the graph's. */
static rk_status
follow_capacity(rk_ctx *ctx, pagerank_state *s)
{
	uint32_t	capacity = s->graph.node_capacity;
	double	   *p;

	if (capacity <= s->capacity)
		return RK_OK;
	p = s->score ? rk_realloc(ctx, s->score, capacity, sizeof(double)) : rk_alloc(ctx, capacity, sizeof(double));
	if (p == NULL)
		return RK_ERR_MEMORY;
	s->score = p;
	p = s->next ? rk_realloc(ctx, s->next, capacity, sizeof(double)) : rk_alloc(ctx, capacity, sizeof(double));
	if (p == NULL)
		return RK_ERR_MEMORY;
	s->next = p;
	s->capacity = capacity;
	return RK_OK;
}

static void
forget_order(rk_ctx *ctx, pagerank_state *s)
{
	rk_free(ctx, s->order);
	s->order = NULL;
}

static rk_status
edge_change(rk_ctx *ctx, pagerank_state *s, const rk_edge_request *q, rk_reply *reply)
{
	rk_edge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	source = rk_dynamic_find(&s->graph, q->source);
	uint32_t	target = rk_dynamic_find(&s->graph, q->target);
	uint32_t	i;
	bool		found;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	/* memory first: a change cannot be undone */
	if (q->op != RK_EDGE_REMOVE &&
		((status = rk_dynamic_reserve(ctx, &s->graph)) != RK_OK || (status = follow_capacity(ctx, s)) != RK_OK))
		return status;
	if ((status = rk_dynamic_change(ctx, &s->graph, q->op, q->source, q->target, q->weight, &found)) != RK_OK)
		return status;
	i = rk_dynamic_find(&s->graph, q->source);
	if (i != RK_NO_INDEX && source == RK_NO_INDEX)
		s->score[i] = 1.0 / s->graph.node_count;
	i = rk_dynamic_find(&s->graph, q->target);
	if (i != RK_NO_INDEX && target == RK_NO_INDEX)
		s->score[i] = 1.0 / s->graph.node_count;
	rk_edge_reply_fill(&s->graph, q, found, r);
	if (found)
		forget_order(ctx, s);
	return RK_OK;
}

/* One step from score into next; *delta is its L1 norm. */
static rk_status
step(rk_ctx *ctx, const pagerank_state *s, const double *score, double *next, double scale, double *delta)
{
	const rk_dynamic_graph *g = &s->graph;
	int64_t		n = g->node_count;
	double		dangling = 0;
	double		everywhere;
	double		change = 0;

	for (uint32_t i = 0; i < g->node_end; i++)
	{
		const rk_dynamic_node *node = &g->nodes[i];

		next[i] = 0;
		if (node->used && (s->weighted ? node->out_strength == 0 : node->out_degree == 0))
		{
			dangling += score[i] * scale;
			if (s->dangling == RK_DANGLING_SELF)
				next[i] = score[i] * scale;
		}
	}
	for (uint32_t p = 0; p < g->pair_end; p++)
	{
		const rk_dynamic_pair *pair = &g->pairs[p];

		if (p % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (pair->rows == 0)
			continue;
		if (!s->weighted)
			next[pair->target] += score[pair->source] * scale / g->nodes[pair->source].out_degree;
		else if (pair->weight > 0)
			next[pair->target] += score[pair->source] * scale *
				((double) pair->weight / (double) g->nodes[pair->source].out_strength);
	}
	everywhere = (1 - s->damping) / n;
	if (s->dangling == RK_DANGLING_TELEPORT || s->dangling == RK_DANGLING_UNIFORM)
		everywhere += s->damping * dangling / n;
	for (uint32_t i = 0; i < g->node_end; i++)
		if (g->nodes[i].used)
		{
			next[i] = s->damping * next[i] + everywhere;
			change += fabs(next[i] - score[i] * scale);
		}
	*delta = change;
	return RK_OK;
}

/* Up to count iterations, until one changes less than threshold. */
static rk_status
iterate(rk_ctx *ctx, pagerank_state *s, int64_t count, double threshold, int64_t *made, double *delta)
{
	double		sum = 0;
	double		scale = 1;
	rk_status	status = RK_OK;
	double	   *first = s->score;
	double	   *a = s->next;
	double	   *b = NULL;

	*made = 0;
	*delta = 0;
	if (s->graph.node_count == 0)
		return RK_OK;
	/* the scores stay as they are until all iterations are done */
	if (count > 1)
	{
		b = rk_alloc(ctx, s->capacity, sizeof(double));
		if (b == NULL)
			return RK_ERR_MEMORY;
	}
	for (uint32_t i = 0; i < s->graph.node_end; i++)
		if (s->graph.nodes[i].used)
			sum += s->score[i];
	/* mass that is lost on purpose is not given back */
	if (sum > 0 && s->dangling != RK_DANGLING_NONE)
		scale = 1 / sum;
	while (*made < count)
	{
		status = step(ctx, s, *made == 0 ? first : *made % 2 == 1 ? a : b, *made % 2 == 0 ? a : b,
					  *made == 0 ? scale : 1, delta);
		if (status != RK_OK)
			break;
		(*made)++;
		if (*delta < threshold)
			break;
	}
	if (status == RK_OK)
	{
		double	   *result = *made % 2 == 1 ? a : b;

		memcpy(s->score, result, sizeof(double) * s->graph.node_end);
		s->iteration += *made;
		s->converged_version = *delta < threshold ? s->graph.version : -1;
		forget_order(ctx, s);
	}
	rk_free(ctx, b);
	return status;
}

static rk_status
iterate_once(rk_ctx *ctx, pagerank_state *s, rk_reply *reply)
{
	rk_iterate_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		made;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = iterate(ctx, s, 1, s->tolerance, &made, &r->delta);
	r->iteration = s->iteration;
	r->converged = r->delta < s->tolerance;
	return status;
}

static rk_status
converge(rk_ctx *ctx, pagerank_state *s, const rk_converge_request *q, rk_reply *reply)
{
	rk_converge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		threshold = isnan(q->threshold) ? s->tolerance : q->threshold;
	int64_t		count = q->max_iterations == RK_FIELD_ABSENT_INT4 ? s->max_iterations : q->max_iterations;
	int64_t		made;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (!(threshold > 0))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"threshold\" must be above 0");
	if (count < 1)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"max_iterations\" must be at least 1");
	status = iterate(ctx, s, count, threshold, &made, &r->delta);
	r->iterations = made;
	r->converged = r->delta < threshold;
	return status;
}

static rk_status
query(rk_ctx *ctx, pagerank_state *s, const rk_node_request *q, rk_reply *reply)
{
	rk_pagerank_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_dynamic_find(&s->graph, q->node);

	if (r == NULL)
		return ctx->error.status;
	r->version = s->graph.version;
	r->iteration = s->iteration;
	r->converged = s->converged_version == s->graph.version;
	if (i == RK_NO_INDEX)
		r->status = RK_GRAPH_UNKNOWN_NODE;
	else
		r->score = s->score[i];
	return RK_OK;
}

static int
by_score(const void *a, const void *b)
{
	const rk_score_row *x = a;
	const rk_score_row *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* All nodes in order, once for each change of the scores. */
static rk_status
top(rk_ctx *ctx, pagerank_state *s, const rk_top_request *q, rk_reply *reply)
{
	int64_t		count;
	void	   *rows;

	if (s->order == NULL)
	{
		s->order = rk_alloc(ctx, s->graph.node_count + 1, sizeof(rk_score_row));
		if (s->order == NULL)
			return RK_ERR_MEMORY;
		s->order_count = 0;
		for (uint32_t i = 0; i < s->graph.node_end; i++)
			if (s->graph.nodes[i].used)
				s->order[s->order_count++] = (rk_score_row) {s->graph.nodes[i].id, s->score[i]};
		qsort(s->order, s->order_count, sizeof(rk_score_row), by_score);
	}
	count = s->order_count > q->skip ? s->order_count - q->skip : 0;
	if (count > q->k)
		count = q->k;
	rows = rk_reply_reserve(ctx, reply, count * sizeof(rk_score_row));
	if (rows == NULL)
		return ctx->error.status;
	memcpy(rows, s->order + q->skip * (count > 0), count * sizeof(rk_score_row));
	return RK_OK;
}

static rk_status
control(rk_ctx *ctx, pagerank_state *s, rk_reply *reply)
{
	rk_control_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	for (uint32_t i = 0; i < s->graph.node_end; i++)
		s->score[i] = 1.0 / s->graph.node_count;
	s->iteration = 0;
	s->converged_version = -1;
	forget_order(ctx, s);
	r->num_nodes = s->graph.node_count;
	r->num_edges = s->graph.edge_count;
	r->version = s->graph.version;
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
	pagerank_state *s = state;

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
			return iterate_once(ctx, s, reply);
		case 104:
			return converge(ctx, s, message->payload, reply);
		case 106:
			return edge_change(ctx, s, message->payload, reply);
		case 108:
			return control(ctx, s, reply);
		case 140:
			return top(ctx, s, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "graph/pagerank has no message %u", message->type_id);
}

/* ---- snapshots ---- */

typedef struct stored_score
{
	int64_t		node;
	double		score;
} stored_score;

static rk_status
pagerank_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	pagerank_state *s = state;
	int64_t		header[3] = {s->iteration, s->converged_version, s->graph.node_count};
	rk_status	status = rk_dynamic_write(ctx, &s->graph, writer);

	if (status == RK_OK)
		status = rk_write(ctx, writer, header, sizeof(header));
	for (uint32_t i = 0; i < s->graph.node_end && status == RK_OK; i++)
		if (s->graph.nodes[i].used)
		{
			stored_score row = {s->graph.nodes[i].id, s->score[i]};

			status = rk_write(ctx, writer, &row, sizeof(row));
		}
	return status;
}

static rk_status
pagerank_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = pagerank_init(ctx, options, state);
	pagerank_state *s = *state;
	int64_t		header[3];

	(void) version;
	if (status != RK_OK || (status = rk_dynamic_read(ctx, &s->graph, reader)) != RK_OK ||
		(status = follow_capacity(ctx, s)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, header, sizeof(header))) != RK_OK)
		return status;
	s->iteration = header[0];
	s->converged_version = header[1];
	if (header[2] != s->graph.node_count)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has another number of scores than nodes");
	for (int64_t k = 0; k < header[2]; k++)
	{
		stored_score row;
		uint32_t	i;

		if ((status = rk_read_bytes(ctx, reader, &row, sizeof(row))) != RK_OK)
			return status;
		i = rk_dynamic_find(&s->graph, row.node);
		if (i == RK_NO_INDEX)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a score of no node");
		s->score[i] = row.score;
	}
	return RK_OK;
}

/* Graph and progress; scores to the last bit would depend on the order of pairs. */
static uint64_t
pagerank_checksum(rk_ctx *ctx, void *state)
{
	pagerank_state *s = state;

	(void) ctx;
	return rk_hash_fold(rk_dynamic_checksum(&s->graph), (uint64_t) s->iteration);
}

static const char *const dangling_choices[] = {"teleport", "uniform", "self", "none", NULL};

static const rk_param pagerank_options[] = {
	{.name = "edges",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (source, target[, weight]) to begin with"},
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
	{0}
};

static const rk_actor_load pagerank_loads[] = {{"edges", 106}, {0}};

const rk_actor rk_actor_graph_pagerank = {
	.kernel = "graph/pagerank",
	.version = 1,
	.description = "PageRank of a graph that changes edge by edge",
	.messages = rk_graph_pagerank_messages,
	.options = pagerank_options,
	.loads = pagerank_loads,
	.init = pagerank_init,
	.handle = pagerank_handle,
	.snapshot = pagerank_snapshot,
	.restore = pagerank_restore,
	.checksum = pagerank_checksum
};

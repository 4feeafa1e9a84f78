/*
 * degree_ring.c
 *	  graph/degree-centrality and graph/degree-ratio as actors: degrees and
 *	  roles of a graph that changes edge by edge.
 *
 * Both are one actor over one state, the dynamic graph and the number of nodes
 * of each role.  Every reply is what the batch function says about the rows
 * that are there.  degree-ratio leaves self-loops out: they are subtracted.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* qsort_r */
#endif
#include "graph_ring.h"

#include <math.h>
#include <stdlib.h>

#include "../../compute/random.h"

typedef enum degree_basis
{
	BASIS_DEGREE,
	BASIS_EDGES,
	BASIS_WEIGHT
} degree_basis;

typedef struct degree_state
{
	rk_dynamic_graph graph;
	double		source_threshold;
	double		sink_threshold;
	degree_basis basis;
	bool		weighted;
	int64_t		roles[4];		/* isolated, source, balanced, sink */
	struct degree_order *orders[3];	/* by direction; NULL: was not asked for */
} degree_state;

/* What enters, and what leaves a node, self-loops left out. */
static void
balance_of(const degree_state *s, uint32_t i, double *in, double *out)
{
	const rk_dynamic_node *n = &s->graph.nodes[i];
	const rk_dynamic_pair *loop = n->loop ? &s->graph.pairs[rk_dynamic_pair_index(&s->graph, i, i)] : NULL;

	switch (s->basis)
	{
		case BASIS_DEGREE:
			*in = n->in_degree - n->loop;
			*out = n->out_degree - n->loop;
			break;
		case BASIS_EDGES:
			*in = n->in_rows - (loop ? loop->rows : 0);
			*out = n->out_rows - (loop ? loop->rows : 0);
			break;
		default:
			*in = (double) (n->in_strength - (loop ? loop->weight : 0)) / RK_FIXED_ONE;
			*out = (double) (n->out_strength - (loop ? loop->weight : 0)) / RK_FIXED_ONE;
	}
}

static double
ratio_of(const degree_state *s, uint32_t i, int *role)
{
	double		in;
	double		out;
	double		ratio;
	const rk_dynamic_node *n = &s->graph.nodes[i];

	balance_of(s, i, &in, &out);
	ratio = out > 0 ? in / out : in > 0 ? INFINITY : 0;
	if (n->in_degree - n->loop == 0 && n->out_degree - n->loop == 0)
		*role = 0;
	else if (ratio < s->source_threshold)
		*role = 1;
	else
		*role = ratio > s->sink_threshold ? 3 : 2;
	return ratio;
}

/* The role of a node, or -1 when there is no such node. */
static int
role_of(const degree_state *s, int64_t id)
{
	uint32_t	i = rk_dynamic_find(&s->graph, id);
	int			role;

	if (i == RK_NO_INDEX)
		return -1;
	ratio_of(s, i, &role);
	return role;
}

/* Counts a role that a node had once less and the one that it has once more. */
static void
follow_role(degree_state *s, int64_t id, int before, rk_reply *reply)
{
	int			now = role_of(s, id);
	rk_role_change change;

	if (now == before)
		return;
	if (before >= 0)
		s->roles[before]--;
	if (now >= 0)
		s->roles[now]++;
	change = (rk_role_change) {
		.node = rk_keys_of_value(&s->graph.keys, id),.version = s->graph.version,
		.old_role = before < 0 ? RK_FIELD_ABSENT_CODE : before,.new_role = now < 0 ? RK_FIELD_ABSENT_CODE : now
	};
	rk_publish(reply, 148, &change, sizeof(change));
}

static rk_status
degree_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	degree_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->source_threshold = rk_option_find(options, "source_threshold")->number;
	s->sink_threshold = rk_option_find(options, "sink_threshold")->number;
	s->basis = rk_option_find(options, "basis")->integer;
	s->weighted = rk_option_find(options, "weighted")->truth;
	if (s->source_threshold > s->sink_threshold)
		return rk_fail(ctx, RK_ERR_PARAMETER, "option \"source_threshold\" must not be above \"sink_threshold\"");
	if (s->basis == BASIS_WEIGHT && !s->weighted)
		return rk_fail(ctx, RK_ERR_PARAMETER, "option \"basis\" cannot be \"weight\" without weights");
	*state = s;
	return rk_dynamic_graph_init(ctx, options, &s->graph, false);
}

static rk_status
edge_update(rk_ctx *ctx, degree_state *s, const rk_edge_request *q, rk_reply *reply)
{
	rk_edge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		source;
	int64_t		target;
	int			source_role;
	int			target_role;
	bool		found;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_edge_ends(ctx, &s->graph, q, &source, &target)) != RK_OK)
		return status;
	source_role = role_of(s, source);
	target_role = role_of(s, target);
	if ((status = rk_dynamic_change(ctx, &s->graph, q->op, source, target, q->weight, &found)) != RK_OK)
		return status;
	follow_role(s, source, source_role, reply);
	if (target != source)
		follow_role(s, target, target_role, reply);
	rk_edge_reply_fill(&s->graph, source, target, found, r);
	return RK_OK;
}

static rk_status
node_update(rk_ctx *ctx, degree_state *s, const rk_node_change_request *q, rk_reply *reply)
{
	rk_control_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	bool		add = q->op == RK_NODE_ADD;
	int64_t		node;
	int			before;
	bool		changed;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_value(ctx, &s->graph.keys, "node", &q->node, add, &node)) != RK_OK)
		return status;
	before = role_of(s, node);
	if ((status = rk_dynamic_pin(ctx, &s->graph, node, add, &changed)) != RK_OK)
		return status;
	follow_role(s, node, before, reply);
	rk_control_reply_fill(&s->graph, r);
	return RK_OK;
}

static rk_status
degree_query(rk_ctx *ctx, degree_state *s, const rk_node_request *q, rk_reply *reply)
{
	rk_degree_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i;
	const rk_dynamic_node *n;
	double		others = s->graph.node_count - 1;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_node_index(ctx, &s->graph, &q->node, &i)) != RK_OK)
		return status;
	r->version = s->graph.version;
	r->num_nodes = s->graph.node_count;
	if (i == RK_NO_INDEX)
	{
		r->status = RK_GRAPH_UNKNOWN_NODE;
		return RK_OK;
	}
	n = &s->graph.nodes[i];
	r->in_degree = n->in_degree;
	r->out_degree = n->out_degree;
	r->degree = n->in_degree + n->out_degree;
	if (others > 0)
	{
		r->score = r->degree / others;
		r->in_score = r->in_degree / others;
		r->out_score = r->out_degree / others;
	}
	r->in_edges = n->in_rows;
	r->out_edges = n->out_rows;
	r->in_strength = (double) n->in_strength / RK_FIXED_ONE;
	r->out_strength = (double) n->out_strength / RK_FIXED_ONE;
	r->neighbors = n->neighbors;
	return RK_OK;
}

/* Population variance of out_degree over the successors, from exact sums. */
static double
successor_variance(const degree_state *s, uint32_t i)
{
	const rk_dynamic_graph *g = &s->graph;
	__int128	sum = 0;
	__int128	squares = 0;
	int64_t		count = 0;

	for (uint32_t p = g->nodes[i].first_out; p != RK_NO_INDEX; p = g->pairs[p].next_out)
	{
		const rk_dynamic_node *t = &g->nodes[g->pairs[p].target];
		int64_t		degree = t->out_degree - t->loop;

		if (g->pairs[p].target == i)
			continue;
		sum += degree;
		squares += (__int128) degree * degree;
		count++;
	}
	return count == 0 ? 0 : (double) (squares * count - sum * sum) / ((double) count * count);
}

static rk_status
ratio_query(rk_ctx *ctx, degree_state *s, const rk_ratio_request *q, rk_reply *reply)
{
	rk_ratio_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i;
	int			role;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_node_index(ctx, &s->graph, &q->node, &i)) != RK_OK)
		return status;
	r->version = s->graph.version;
	if (i == RK_NO_INDEX)
	{
		r->status = RK_GRAPH_UNKNOWN_NODE;
		return RK_OK;
	}
	r->in_degree = s->graph.nodes[i].in_degree - s->graph.nodes[i].loop;
	r->out_degree = s->graph.nodes[i].out_degree - s->graph.nodes[i].loop;
	r->ratio = ratio_of(s, i, &role);
	r->classification = role;
	r->neighbor_degree_variance = q->with_variance ? successor_variance(s, i) : NAN;
	return RK_OK;
}

/* A node in the order of its degree. */
typedef struct ranked_degree
{
	int64_t		degree;
	int64_t		node;
} ranked_degree;

/* Those of one direction that come first, for DegreeTop. */
#define TOP_ROWS 1000

typedef struct degree_order
{
	int64_t		version;		/* of the graph; -1: of none */
	int64_t		count;
	ranked_degree rows[TOP_ROWS];
} degree_order;

static int
by_degree(const void *a, const void *b, void *keys)
{
	const ranked_degree *x = a;
	const ranked_degree *y = b;

	if (x->degree != y->degree)
		return x->degree > y->degree ? -1 : 1;
	return rk_keys_compare(keys, x->node, y->node);
}

/* Puts the first element of a heap, its last one in the order on top, where it belongs. */
static void
sift_down(ranked_degree *heap, int64_t count, rk_keys *keys)
{
	for (int64_t i = 0;;)
	{
		int64_t		child = 2 * i + 1;
		ranked_degree swap;

		if (child >= count)
			return;
		if (child + 1 < count && by_degree(&heap[child + 1], &heap[child], keys) > 0)
			child++;
		if (by_degree(&heap[child], &heap[i], keys) <= 0)
			return;
		swap = heap[i];
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

/* The first TOP_ROWS nodes of a direction, once for each version of the graph. */
static rk_status
rank_degrees(rk_ctx *ctx, degree_state *s, int direction, degree_order *order)
{
	ranked_degree *heap = order->rows;
	int64_t		count = 0;

	order->version = -1;
	for (uint32_t i = 0; i < s->graph.node_end; i++)
	{
		const rk_dynamic_node *n = &s->graph.nodes[i];
		ranked_degree row = {(direction != 2 ? n->in_degree : 0) + (direction != 1 ? n->out_degree : 0), n->id};

		if (i % 65536 == 65535 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (!n->used)
			continue;
		if (count < TOP_ROWS)
		{
			heap[count++] = row;
			/* a heap is made of the first ones at once */
			if (count == TOP_ROWS)
			{
				qsort_r(heap, count, sizeof(row), by_degree, &s->graph.keys);
				for (int64_t a = 0, b = count - 1; a < b; a++, b--)
				{
					ranked_degree swap = heap[a];

					heap[a] = heap[b];
					heap[b] = swap;
				}
			}
		}
		else if (row.degree >= heap[0].degree && by_degree(&row, &heap[0], &s->graph.keys) < 0)
		{
			heap[0] = row;
			sift_down(heap, count, &s->graph.keys);
		}
	}
	qsort_r(heap, count, sizeof(*heap), by_degree, &s->graph.keys);
	order->count = count;
	order->version = s->graph.version;
	return RK_OK;
}

static rk_status
degree_top(rk_ctx *ctx, degree_state *s, const rk_top_request *q, rk_reply *reply)
{
	degree_order *order = s->orders[q->direction];
	rk_degree_row *rows;
	int64_t		count;
	rk_status	status;

	if (order == NULL)
	{
		order = rk_alloc0(ctx, 1, sizeof(*order));
		if (order == NULL)
			return RK_ERR_MEMORY;
		order->version = -1;
		s->orders[q->direction] = order;
	}
	if (order->version != s->graph.version && (status = rank_degrees(ctx, s, q->direction, order)) != RK_OK)
		return status;
	count = order->count < q->k ? order->count : q->k;
	rows = rk_reply_reserve(ctx, reply, count * sizeof(*rows));
	if (rows == NULL)
		return ctx->error.status;
	for (int64_t i = 0; i < count; i++)
		rows[i] = (rk_degree_row) {rk_keys_of_value(&s->graph.keys, order->rows[i].node), order->rows[i].degree};
	return RK_OK;
}

static rk_status
role_counts(rk_ctx *ctx, degree_state *s, rk_reply *reply)
{
	rk_roles_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	r->isolated = s->roles[0];
	r->source = s->roles[1];
	r->balanced = s->roles[2];
	r->sink = s->roles[3];
	r->num_nodes = s->graph.node_count;
	r->num_edges = s->graph.edge_count;
	r->version = s->graph.version;
	return RK_OK;
}

static const rk_version_field version_fields[] = {
	{120, offsetof(rk_node_request, min_version)},
	{124, offsetof(rk_ratio_request, min_version)},
	{126, offsetof(rk_top_request, min_version)},
	{128, offsetof(rk_version_request, min_version)},
	{0}
};

static rk_status
degree_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	degree_state *s = state;

	if (rk_waits_for_version(version_fields, message, s->graph.version))
	{
		reply->later = true;
		return RK_OK;
	}
	switch (message->type_id)
	{
		case 120:
			return degree_query(ctx, s, message->payload, reply);
		case 122:
			return edge_update(ctx, s, message->payload, reply);
		case 124:
			return ratio_query(ctx, s, message->payload, reply);
		case 126:
			return degree_top(ctx, s, message->payload, reply);
		case 128:
			return role_counts(ctx, s, reply);
		case 146:
			return node_update(ctx, s, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "degree rings have no message %u", message->type_id);
}

static rk_status
degree_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	return rk_dynamic_write(ctx, &((degree_state *) state)->graph, writer);
}

static rk_status
degree_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = degree_init(ctx, options, state);
	degree_state *s = *state;

	(void) version;
	if (status == RK_OK)
		status = rk_dynamic_read(ctx, &s->graph, reader);
	if (status == RK_OK)
		for (uint32_t i = 0; i < s->graph.node_end; i++)
			if (s->graph.nodes[i].used)
				s->roles[role_of(s, s->graph.nodes[i].id)]++;
	return status;
}

static uint64_t
degree_checksum(rk_ctx *ctx, void *state)
{
	degree_state *s = state;
	uint64_t	sum = rk_dynamic_checksum(&s->graph);

	(void) ctx;
	for (int i = 0; i < 4; i++)
		sum = rk_hash_fold(sum, (uint64_t) s->roles[i]);
	return sum;
}

static const char *const basis_choices[] = {"degree", "edges", "weight", NULL};

static const rk_param degree_options[] = {
	{.name = "edges",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (source, target[, weight]) to begin with"},
	{.name = "nodes",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (node): nodes that are there without an edge"},
	{.name = "weighted",.type = RK_TYPE_BOOLEAN,.initial = "true",.meaning = "whether weights have a meaning"},
	{.name = "source_threshold",.type = RK_TYPE_FLOAT8,.initial = "0.2",RK_AT_LEAST(0),
	.meaning = "a node with a smaller ratio is a source"},
	{.name = "sink_threshold",.type = RK_TYPE_FLOAT8,.initial = "5.0",RK_AT_LEAST(0),
	.meaning = "a node with a larger ratio is a sink"},
	{.name = "basis",.type = RK_TYPE_TEXT,.initial = "'degree'",.choices = basis_choices,
	.meaning = "what the ratio compares: degree, edges or weight"},
	RK_ID_TYPE_OPTION,
	{0}
};

static const rk_actor_load degree_loads[] = {{"edges", 122}, {"nodes", 146}, {0}};

#define DEGREE_ACTOR(id, words) { \
	.kernel = id, \
	.version = 2, \
	.description = words, \
	.messages = rk_graph_degree_messages, \
	.options = degree_options, \
	.loads = degree_loads, \
	.feed = 122, \
	.init = degree_init, \
	.handle = degree_handle, \
	.snapshot = degree_snapshot, \
	.restore = degree_restore, \
	.checksum = degree_checksum \
}

const rk_actor rk_actor_graph_degree_centrality =
	DEGREE_ACTOR("graph/degree-centrality", "degrees of a graph that changes edge by edge");
const rk_actor rk_actor_graph_degree_ratio =
	DEGREE_ACTOR("graph/degree-ratio", "roles of the nodes of a graph that changes edge by edge");

/*
 * degree_ring.c
 *	  graph/degree-centrality and graph/degree-ratio as actors: degrees and
 *	  roles of a graph that changes edge by edge.
 *
 * Both are one actor over one state, the dynamic graph and the number of nodes
 * of each role.  Every reply is what the batch function says about the rows
 * that are there.  degree-ratio leaves self-loops out: they are subtracted.
 */
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
	rk_degree_row *order;		/* scratch of DegreeTop */
	int64_t		order_capacity;
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
	rk_role_change change = {
		.node = id,.version = s->graph.version,
		.old_role = before < 0 ? RK_FIELD_ABSENT_CODE : before,.new_role = now < 0 ? RK_FIELD_ABSENT_CODE : now
	};

	if (now == before)
		return;
	if (before >= 0)
		s->roles[before]--;
	if (now >= 0)
		s->roles[now]++;
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
	return rk_dynamic_graph_init(ctx, &s->graph, false);
}

static rk_status
edge_update(rk_ctx *ctx, degree_state *s, const rk_edge_request *q, rk_reply *reply)
{
	rk_edge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int			source = role_of(s, q->source);
	int			target = role_of(s, q->target);
	bool		found;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_dynamic_change(ctx, &s->graph, q->op, q->source, q->target, q->weight, &found)) != RK_OK)
		return status;
	follow_role(s, q->source, source, reply);
	if (q->target != q->source)
		follow_role(s, q->target, target, reply);
	rk_edge_reply_fill(&s->graph, q, found, r);
	return RK_OK;
}

static rk_status
node_update(rk_ctx *ctx, degree_state *s, const rk_node_change_request *q, rk_reply *reply)
{
	rk_control_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int			before = role_of(s, q->node);
	bool		changed;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_dynamic_pin(ctx, &s->graph, q->node, q->op == RK_NODE_ADD, &changed)) != RK_OK)
		return status;
	follow_role(s, q->node, before, reply);
	rk_control_reply_fill(&s->graph, r);
	return RK_OK;
}

static rk_status
degree_query(rk_ctx *ctx, degree_state *s, const rk_node_request *q, rk_reply *reply)
{
	rk_degree_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_dynamic_find(&s->graph, q->node);
	const rk_dynamic_node *n;
	double		others = s->graph.node_count - 1;

	if (r == NULL)
		return ctx->error.status;
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
	uint32_t	i = rk_dynamic_find(&s->graph, q->node);
	int			role;

	if (r == NULL)
		return ctx->error.status;
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

static int
by_degree(const void *a, const void *b)
{
	const rk_degree_row *x = a;
	const rk_degree_row *y = b;

	if (x->degree != y->degree)
		return x->degree > y->degree ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* The k largest: a heap of k with the least of them on top. */
static void
sift_down(rk_degree_row *heap, int64_t count)
{
	for (int64_t i = 0;;)
	{
		int64_t		child = 2 * i + 1;
		rk_degree_row swap;

		if (child >= count)
			return;
		if (child + 1 < count && by_degree(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (by_degree(&heap[child], &heap[i]) <= 0)
			return;
		swap = heap[i];
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

static rk_status
degree_top(rk_ctx *ctx, degree_state *s, const rk_top_request *q, rk_reply *reply)
{
	rk_degree_row heap[1000];
	int64_t		count = 0;
	void	   *rows;

	for (uint32_t i = 0; i < s->graph.node_end; i++)
	{
		const rk_dynamic_node *n = &s->graph.nodes[i];
		rk_degree_row row = {n->id, (q->direction != 2 ? n->in_degree : 0) + (q->direction != 1 ? n->out_degree : 0)};

		if (!n->used)
			continue;
		if (count < q->k)
		{
			heap[count++] = row;
			/* an array in falling order, the least first, is a heap */
			if (count == q->k)
			{
				qsort(heap, count, sizeof(row), by_degree);
				for (int64_t a = 0, b = count - 1; a < b; a++, b--)
				{
					rk_degree_row swap = heap[a];

					heap[a] = heap[b];
					heap[b] = swap;
				}
			}
		}
		else if (by_degree(&row, &heap[0]) < 0)
		{
			heap[0] = row;
			sift_down(heap, count);
		}
		if (i % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	qsort(heap, count, sizeof(*heap), by_degree);
	rows = rk_reply_reserve(ctx, reply, count * sizeof(*heap));
	if (rows == NULL)
		return ctx->error.status;
	memcpy(rows, heap, count * sizeof(*heap));
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

/*
 * pagerank_part_ring.c
 *	  graph/pagerank-part as an actor: PageRank of a graph that is spread over
 *	  several rings.
 *
 * Node n belongs to part n mod parts.  A ring has the edges that leave its
 * nodes, and the scores of its nodes; it passes over the edges of others, so
 * that all rings may be fed from the same table.  rk.ring_iterate drives them:
 * one PageRankPartRound is one Jacobi step of the batch function,
 *
 *	  x[v] = d * (sum of x[u] * w(u, v) / w(u)) + (1 - d) / n + d * D / n
 *
 * over u of all parts, D being the mass on nodes without out-edges.  In round k
 * a ring takes the shares that it was sent in round k - 1 to new scores, and
 * sends what follows from them for the nodes of every other part, with its
 * number of nodes and its part of D (PageRankPartShare).  Round 1 only sends, as
 * does whatever round finds that the number of nodes has changed: its delta is
 * at least 1, so that nothing converges before all parts agree on n.  The step
 * contracts, so that the scores need not add up to 1 in the beginning.
 *
 * Shares carry the run and the round they are of, as a ring may hear from one
 * that is a round ahead.  One that has not heard from every other part ends the
 * run with an error instead of going on without.
 */
#include "graph_ring.h"

#include <math.h>
#include <stdlib.h>

#include "../../compute/random.h"
#include "centrality.h"

typedef struct part_state
{
	rk_dynamic_graph graph;		/* rows from nodes of this part; targets of any */
	double		damping;
	bool		weighted;
	int			part;
	int			parts;
	char	  (*peers)[64];		/* rings of the parts, this one among them */

	/* by node index, as many as capacity */
	double	   *score;			/* 0 for nodes of others */
	double	   *sum;			/* what the scores give to the node, of this part alone */
	double	   *heard;			/* the same of the others, while a round runs */
	int64_t    *named;			/* round in which another part has named the node */
	uint32_t	capacity;

	int64_t		run;
	int32_t		round;
	int64_t		total;			/* nodes of all parts, as of the last round */
	double		dangling;		/* of this part, in the scores there are */

	rk_part_share *inbox;
	int64_t		inbox_count;
	int64_t		inbox_capacity;
} part_state;

static int
owner_of(const part_state *s, int64_t node)
{
	int			r = (int) (node % s->parts);

	return r < 0 ? r + s->parts : r;
}

/* Splits the option peers; false: it does not have part in it, or a name is none. */
static bool
read_peers(part_state *s, const char *text)
{
	s->parts = 0;
	for (;;)
	{
		size_t		length = strcspn(text, ",");

		if (length == 0 || length >= sizeof(s->peers[0]) || s->parts == RK_PARTS_MAX)
			return false;
		memcpy(s->peers[s->parts], text, length);
		s->peers[s->parts++][length] = '\0';
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	return s->part < s->parts;
}

static rk_status
part_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	part_state *s = rk_alloc0(ctx, 1, sizeof(*s));
	const rk_option *peers = rk_option_find(options, "peers");

	if (s == NULL || (s->peers = rk_alloc0(ctx, RK_PARTS_MAX, sizeof(*s->peers))) == NULL)
		return RK_ERR_MEMORY;
	s->damping = rk_option_find(options, "damping")->number;
	s->weighted = rk_option_find(options, "weighted")->truth;
	s->part = rk_option_find(options, "part")->integer;
	if (!read_peers(s, peers->text))
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "option \"peers\" has no part %d", s->part);
		rk_fail_hint(ctx, "Give the names of all rings, this one at place \"part\" (from 0), as in 'p0,p1,p2'; at most %d.",
					 RK_PARTS_MAX);
		return ctx->error.status;
	}
	*state = s;
	return rk_dynamic_graph_init(ctx, options, &s->graph, false);
}

/* ---- arrays by node ---- */

static bool
grow(rk_ctx *ctx, void *array, uint32_t capacity, size_t size)
{
	void	  **p = array;
	void	   *larger = *p ? rk_realloc(ctx, *p, capacity, size) : rk_alloc(ctx, capacity, size);

	if (larger)
		*p = larger;
	return larger != NULL;
}

/* Room for the nodes of one change: two at most. */
static rk_status
reserve(rk_ctx *ctx, part_state *s)
{
	rk_status	status = rk_dynamic_reserve(ctx, &s->graph);
	uint32_t	capacity = s->graph.node_capacity;

	if (status != RK_OK || capacity <= s->capacity)
		return status;
	if (!grow(ctx, &s->score, capacity, sizeof(double)) || !grow(ctx, &s->sum, capacity, sizeof(double)) ||
		!grow(ctx, &s->heard, capacity, sizeof(double)) || !grow(ctx, &s->named, capacity, sizeof(int64_t)))
		return RK_ERR_MEMORY;
	s->capacity = capacity;
	return RK_OK;
}

/* A node that was not there before the change begins with nothing. */
static void
begin_node(part_state *s, uint32_t before, int64_t id)
{
	uint32_t	i = before == RK_NO_INDEX ? rk_dynamic_find(&s->graph, id) : RK_NO_INDEX;

	if (i == RK_NO_INDEX)
		return;
	s->score[i] = s->sum[i] = s->heard[i] = 0;
	s->named[i] = 0;
}

/* ---- edges ---- */

static rk_status
edge(rk_ctx *ctx, part_state *s, const rk_part_edge *q, rk_reply *reply)
{
	rk_part_edge_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	source = rk_dynamic_find(&s->graph, q->source);
	uint32_t	target = rk_dynamic_find(&s->graph, q->target);
	bool		found;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	r->kept = owner_of(s, q->source) == s->part;
	if (r->kept)
	{
		if ((status = reserve(ctx, s)) != RK_OK ||
			(status = rk_dynamic_change(ctx, &s->graph, q->op, q->source, q->target, q->weight, &found)) != RK_OK)
			return status;
		begin_node(s, source, q->source);
		begin_node(s, target, q->target);
		r->status = found ? RK_GRAPH_OK : RK_GRAPH_NO_SUCH_EDGE;
	}
	r->num_edges = s->graph.edge_count;
	return RK_OK;
}

/* ---- rounds ---- */

static bool
is_dangling(const part_state *s, const rk_dynamic_node *node)
{
	return s->weighted ? node->out_strength == 0 : node->out_degree == 0;
}

static bool
owned(const part_state *s, uint32_t i)
{
	return s->graph.nodes[i].used && owner_of(s, s->graph.nodes[i].id) == s->part;
}

/* Keeps a share until the round that it is for. */
static rk_status
keep_share(rk_ctx *ctx, part_state *s, const rk_part_share *q)
{
	if (q->part < 0 || q->part >= s->parts || q->part == s->part || q->count < 0 || q->count > RK_SHARE_PAIRS)
		return rk_fail(ctx, RK_ERR_DATA, "share of part %d with %d nodes makes no sense", q->part, q->count);
	if (s->inbox_count == s->inbox_capacity)
	{
		int64_t		capacity = s->inbox_capacity > 0 ? 2 * s->inbox_capacity : 16;
		rk_part_share *larger = s->inbox ? rk_realloc(ctx, s->inbox, capacity, sizeof(*larger)) :
			rk_alloc(ctx, capacity, sizeof(*larger));

		if (larger == NULL)
			return RK_ERR_MEMORY;
		s->inbox = larger;
		s->inbox_capacity = capacity;
	}
	s->inbox[s->inbox_count++] = *q;
	return RK_OK;
}

static bool
is_of(const rk_part_share *share, int64_t run, int32_t round)
{
	return share->run == run && share->round == round;
}

/* Whether every other part has said its last word of a round. */
static rk_status
all_heard(rk_ctx *ctx, const part_state *s, int64_t run, int32_t round)
{
	bool		done[RK_PARTS_MAX] = {0};

	for (int64_t m = 0; m < s->inbox_count; m++)
		if (is_of(&s->inbox[m], run, round) && s->inbox[m].last)
			done[s->inbox[m].part] = true;
	for (int p = 0; p < s->parts; p++)
		if (p != s->part && !done[p])
		{
			rk_fail(ctx, RK_ERR_DATA, "part %d has not heard from ring \"%s\" in round %d", s->part, s->peers[p], round);
			rk_fail_hint(ctx, "Iterate all rings of \"peers\" together; rk.dead_letters has what a full queue did not take.");
			return ctx->error.status;
		}
	return RK_OK;
}

/*
 * Makes nodes of this part of those that others have edges to.  If there is no
 * memory for all, those that are new go again.
 */
static rk_status
meet_nodes(rk_ctx *ctx, part_state *s, int64_t run, int32_t round)
{
	for (int64_t m = 0; m < s->inbox_count; m++)
	{
		const rk_part_share *share = &s->inbox[m];

		for (int k = 0; is_of(share, run, round) && k < share->count; k++)
		{
			int64_t		id = share->pairs[k].node;
			uint32_t	before = rk_dynamic_find(&s->graph, id);
			bool		changed;

			if (owner_of(s, id) != s->part)
				continue;
			if (reserve(ctx, s) != RK_OK || rk_dynamic_pin(ctx, &s->graph, id, true, &changed) != RK_OK)
			{
				/* a node without score, edge or name is one that came just now */
				for (uint32_t i = 0; i < s->graph.node_end; i++)
					if (s->graph.nodes[i].used && s->graph.nodes[i].pinned && s->named[i] == -1)
						(void) rk_dynamic_pin(ctx, &s->graph, s->graph.nodes[i].id, false, &changed);
				return ctx->error.status;
			}
			begin_node(s, before, id);
			if (changed)
				s->named[rk_dynamic_find(&s->graph, id)] = -1;
		}
	}
	return RK_OK;
}

/* Sends what the scores give to the nodes of another part, and what all parts must know. */
static void
send_shares(part_state *s, int part, int64_t nodes, rk_reply *reply)
{
	rk_part_share share = {.run = s->run,.nodes = nodes,.dangling = s->dangling,.round = s->round,.part = s->part};

	for (uint32_t i = 0; i < s->graph.node_end; i++)
	{
		const rk_dynamic_node *node = &s->graph.nodes[i];

		if (!node->used || owner_of(s, node->id) != part)
			continue;
		if (share.count == RK_SHARE_PAIRS)
		{
			rk_send(reply, s->peers[part], 154, &share, sizeof(share));
			share.count = 0;
		}
		share.pairs[share.count].node = node->id;
		share.pairs[share.count++].value = s->sum[i];
	}
	share.last = true;
	rk_send(reply, s->peers[part], 154, &share, sizeof(share));
}

/* New scores from what was heard; returns the L1 norm of the change. */
static double
new_scores(part_state *s, int64_t run, int32_t round, int64_t nodes)
{
	rk_dynamic_graph *g = &s->graph;
	int64_t		total = nodes;
	double		dangling = s->dangling;
	double		everywhere;
	double		change = 0;

	for (uint32_t i = 0; i < g->node_end; i++)
		s->heard[i] = 0;
	/* part after part: the sums do not depend on who was first */
	for (int p = 0; p < s->parts; p++)
		for (int64_t m = 0; m < s->inbox_count; m++)
		{
			const rk_part_share *share = &s->inbox[m];

			if (share->part != p || !is_of(share, run, round))
				continue;
			for (int k = 0; k < share->count; k++)
			{
				uint32_t	i = rk_dynamic_find(g, share->pairs[k].node);

				if (i != RK_NO_INDEX)
					s->heard[i] += share->pairs[k].value;
			}
			if (share->last)
			{
				total += share->nodes;
				dangling += share->dangling;
			}
		}
	everywhere = total > 0 ? (1 - s->damping + s->damping * dangling) / total : 0;
	for (uint32_t i = 0; i < g->node_end; i++)
		if (owned(s, i))
		{
			double		score = s->damping * (s->sum[i] + s->heard[i]) + everywhere;

			change += fabs(score - s->score[i]);
			s->score[i] = score;
		}
	if (total != s->total)
		change += 1;
	s->total = total;
	return change;
}

static rk_status
play_round(rk_ctx *ctx, part_state *s, const rk_part_round *q, rk_reply *reply)
{
	rk_part_round_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_dynamic_graph *g = &s->graph;
	int32_t		before = q->iteration - 1;
	int64_t		nodes = 0;
	int64_t		kept = 0;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (before > 0)
	{
		if (s->run != q->run || s->round != before)
			return rk_fail(ctx, RK_ERR_DATA, "round %d does not follow round %d: another iteration has come in between",
						   q->iteration, s->round);
		if ((status = all_heard(ctx, s, q->run, before)) != RK_OK ||
			(status = meet_nodes(ctx, s, q->run, before)) != RK_OK)
			return status;
		/* from here on nothing fails; a node that nobody names any more, and without an edge, goes */
		for (int64_t m = 0; m < s->inbox_count; m++)
			for (int k = 0; is_of(&s->inbox[m], q->run, before) && k < s->inbox[m].count; k++)
			{
				uint32_t	i = rk_dynamic_find(g, s->inbox[m].pairs[k].node);

				if (i != RK_NO_INDEX)
					s->named[i] = q->iteration;
			}
		for (uint32_t i = 0; i < g->node_end; i++)
			if (g->nodes[i].used && g->nodes[i].pinned && s->named[i] != q->iteration)
			{
				bool		changed;

				(void) rk_dynamic_pin(ctx, g, g->nodes[i].id, false, &changed);
			}
	}
	for (uint32_t i = 0; i < g->node_end; i++)
		nodes += owned(s, i);
	r->delta = before > 0 ? new_scores(s, q->run, before, nodes) : 1;
	s->run = q->run;
	s->round = q->iteration;

	/* what is heard already is of the rounds from this one on */
	for (int64_t m = 0; m < s->inbox_count; m++)
		if (s->inbox[m].run == q->run && s->inbox[m].round >= q->iteration)
			s->inbox[kept++] = s->inbox[m];
	s->inbox_count = kept;

	s->dangling = 0;
	for (uint32_t i = 0; i < g->node_end; i++)
	{
		s->sum[i] = 0;
		if (owned(s, i) && is_dangling(s, &g->nodes[i]))
			s->dangling += s->score[i];
	}
	for (uint32_t p = 0; p < g->pair_end; p++)
	{
		const rk_dynamic_pair *pair = &g->pairs[p];
		const rk_dynamic_node *source = &g->nodes[pair->source];

		if (pair->rows == 0)
			continue;
		if (!s->weighted)
			s->sum[pair->target] += s->score[pair->source] / source->out_degree;
		else if (pair->weight > 0)
			s->sum[pair->target] += s->score[pair->source] * ((double) pair->weight / (double) source->out_strength);
	}
	for (int p = 0; p < s->parts; p++)
		if (p != s->part)
			send_shares(s, p, nodes, reply);
	r->nodes = nodes;
	r->total = s->total;
	return RK_OK;
}

static rk_status
query(rk_ctx *ctx, const part_state *s, const rk_part_query *q, rk_reply *reply)
{
	rk_part_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_dynamic_find(&s->graph, q->node);

	if (r == NULL)
		return ctx->error.status;
	r->status = RK_GRAPH_UNKNOWN_NODE;
	if (i != RK_NO_INDEX && owned(s, i))
	{
		r->status = RK_GRAPH_OK;
		r->score = s->score[i];
	}
	return RK_OK;
}

static rk_status
part_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 150:
			return edge(ctx, state, message->payload, reply);
		case 152:
			return play_round(ctx, state, message->payload, reply);
		case 154:
			return keep_share(ctx, state, message->payload);
		case 156:
			return query(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "graph/pagerank-part has no message %u", message->type_id);
}

/* ---- snapshots ---- */

/* Scores alone: a run that was interrupted begins again. */
static rk_status
part_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	part_state *s = state;
	rk_status	status = rk_dynamic_write(ctx, &s->graph, writer);

	for (uint32_t i = 0; i < s->graph.node_end && status == RK_OK; i++)
		if (s->graph.nodes[i].used)
			status = rk_write(ctx, writer, &s->score[i], sizeof(double));
	return status;
}

static rk_status
part_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = part_init(ctx, options, state);
	part_state *s = *state;

	(void) version;
	if (status != RK_OK || (status = rk_dynamic_read(ctx, &s->graph, reader)) != RK_OK ||
		(status = reserve(ctx, s)) != RK_OK)
		return status;
	for (uint32_t i = 0; i < s->graph.node_end && status == RK_OK; i++)
	{
		s->sum[i] = s->heard[i] = 0;
		s->named[i] = 0;
		status = rk_read_bytes(ctx, reader, &s->score[i], sizeof(double));
	}
	return status;
}

static uint64_t
part_checksum(rk_ctx *ctx, void *state)
{
	part_state *s = state;

	(void) ctx;
	return rk_dynamic_checksum(&s->graph);
}

static const rk_param part_options[] = {
	{.name = "edges",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (source, target[, weight]) to begin with; those of other parts are passed over"},
	{.name = "peers",.type = RK_TYPE_TEXT,
	.meaning = "names of the rings of all parts, with commas between them"},
	{.name = "part",.type = RK_TYPE_INT4,RK_AT_LEAST(0),
	.meaning = "which of them this one is, from 0: it has the nodes whose id leaves this remainder"},
	{.name = "damping",.type = RK_TYPE_FLOAT8,.initial = "0.85",RK_FROM_BELOW(0, 1),
	.meaning = "probability of following an edge instead of teleporting"},
	{.name = "weighted",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "whether weights count; without, parallel rows are one edge"},
	{0}
};

static const rk_actor_load part_loads[] = {{"edges", 150}, {0}};

const rk_actor rk_actor_graph_pagerank_part = {
	.kernel = "graph/pagerank-part",
	.version = 1,
	.description = "PageRank of a part of a graph, together with the rings of the other parts",
	.messages = rk_graph_pagerank_part_messages,
	.options = part_options,
	.loads = part_loads,
	.init = part_init,
	.handle = part_handle,
	.snapshot = part_snapshot,
	.restore = part_restore,
	.checksum = part_checksum
};

/*
 * aggregated_cycles.c
 *	  Lists cycles of pairs of entities whose payments are added up.
 *
 * Entities of strong components are numbered in the order in which they are
 * seen, so that the lister of cycles, which begins at the smallest node, begins
 * at the one that is seen first.
 */
#include "flows.h"

#include "../../compute/csr.h"
#include "../../graph/patterns/patterns.h"

#include <string.h>

#define POLL_MASK ((1 << 15) - 1)

/* The pairs: arc i of the graph stands for rows[offsets[i]] .. rows[offsets[i + 1] - 1]. */
typedef struct pair_graph
{
	rk_graph	g;
	int64_t    *offsets;
	uint32_t   *rows;
	rk_decimal *amounts;		/* by arc */
	uint32_t   *entity;			/* by node */
} pair_graph;

/* Nodes for the members of components, in the order in which they are seen. */
static rk_status
number_nodes(rk_ctx *ctx, const rk_transactions *t, const rk_circular *c, uint32_t *node, pair_graph *x)
{
	x->entity = rk_alloc(ctx, c->member_offsets[c->count], sizeof(uint32_t));
	if (x->entity == NULL)
		return RK_ERR_MEMORY;
	memset(node, 0xff, sizeof(uint32_t) * t->entities);
	for (int64_t i = 0; i < t->count; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int side = 0; side < 2; side++)
		{
			uint32_t	e = side ? t->target[i] : t->source[i];

			if (c->component_of[e] == RK_NO_ROW || node[e] != RK_NO_ROW)
				continue;
			node[e] = (uint32_t) x->g.nodes;
			x->entity[x->g.nodes++] = e;
		}
	}
	return RK_OK;
}

/* Rows inside components by pair of nodes; inside a pair in the order of transactions. */
static rk_status
sort_by_pair(rk_ctx *ctx, const rk_transactions *t, const rk_circular *c, const uint32_t *node, int64_t nodes,
			 rk_keyed_row **list, int64_t *count)
{
	rk_keyed_row *scratch;
	uint32_t   *order = NULL;
	int			bits = 1;
	rk_status	status;

	if (t->ts && (status = rk_transactions_order(ctx, t, &order)) != RK_OK)
		return status;
	*list = rk_alloc(ctx, t->count, sizeof(rk_keyed_row));
	scratch = rk_alloc(ctx, t->count, sizeof(rk_keyed_row));
	if (!*list || !scratch)
		return RK_ERR_MEMORY;
	while (nodes > (int64_t) 1 << bits)
		bits++;
	*count = 0;
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	row = order ? order[i] : (uint32_t) i;
		uint32_t	from = c->component_of[t->source[row]];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (from != RK_NO_ROW && from == c->component_of[t->target[row]] && t->source[row] != t->target[row])
			(*list)[(*count)++] = (rk_keyed_row) {(uint64_t) node[t->source[row]] << bits | node[t->target[row]], row};
	}
	status = rk_sort_keyed_rows(ctx, list, &scratch, *count, nodes > 0 ? (uint64_t) (nodes - 1) << bits | (uint64_t) (nodes - 1) : 0);
	rk_free(ctx, scratch);
	rk_free(ctx, order);
	return status;
}

/* The graph of pairs: its rows are sorted, as the list is. */
static rk_status
build_pairs(rk_ctx *ctx, const rk_transactions *t, const rk_circular *c, pair_graph *x)
{
	uint32_t   *node = rk_alloc(ctx, t->entities, sizeof(uint32_t));
	rk_keyed_row *list;
	int64_t		count;
	rk_adjacency *out = &x->g.out;
	rk_status	status;

	if (node == NULL)
		return RK_ERR_MEMORY;
	if ((status = number_nodes(ctx, t, c, node, x)) != RK_OK ||
		(status = sort_by_pair(ctx, t, c, node, x->g.nodes, &list, &count)) != RK_OK)
		return status;
	x->g.directed = true;
	for (int64_t i = 0; i < count; i++)
		x->g.arcs += i == 0 || list[i - 1].key != list[i].key;
	out->offsets = rk_alloc0(ctx, x->g.nodes + 1, sizeof(int64_t));
	out->neighbors = rk_alloc(ctx, x->g.arcs, sizeof(uint32_t));
	x->offsets = rk_alloc(ctx, x->g.arcs + 1, sizeof(int64_t));
	x->amounts = rk_alloc0(ctx, x->g.arcs, sizeof(rk_decimal));
	x->rows = rk_alloc(ctx, count, sizeof(uint32_t));
	if (!out->offsets || !out->neighbors || !x->offsets || !x->amounts || !x->rows)
		return RK_ERR_MEMORY;
	x->g.arcs = 0;
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	row = list[i].row;

		if (i == 0 || list[i - 1].key != list[i].key)
		{
			x->offsets[x->g.arcs] = i;
			out->neighbors[x->g.arcs++] = node[t->target[row]];
			out->offsets[node[t->source[row]] + (int64_t) 1]++;
		}
		x->rows[i] = row;
		x->amounts[x->g.arcs - 1] += t->amount[row];
	}
	x->offsets[x->g.arcs] = count;
	for (int64_t v = 0; v < x->g.nodes; v++)
		out->offsets[v + 1] += out->offsets[v];
	rk_free(ctx, list);
	rk_free(ctx, node);
	return rk_graph_transpose(ctx, x->g.nodes, out, &x->g.in);
}

static int64_t
arc_between(const rk_graph *g, uint32_t u, uint32_t v)
{
	int64_t		from = g->out.offsets[u];
	int64_t		to = g->out.offsets[u + (int64_t) 1];

	while (to - from > 1)
	{
		int64_t		middle = from + (to - from) / 2;

		if (g->out.neighbors[middle] <= v)
			from = middle;
		else
			to = middle;
	}
	return from;
}

/* Room in the result for what comes. */
typedef struct cycle_room
{
	int64_t		list;
	int64_t		member_offsets;
	int64_t		members;
	int64_t		row_offsets;
	int64_t		rows;
} cycle_room;

static rk_status
add_cycle(rk_ctx *ctx, const rk_transactions *t, const rk_flow_cycle_params *p, const pair_graph *x,
		  const uint32_t *nodes, int64_t length, rk_flow_cycles *r, cycle_room *room)
{
	int64_t		arcs[RK_MAX_FLOW_CYCLE];
	rk_flow_cycle c = {0};
	int64_t		member = r->member_offsets[r->count];
	int64_t		row = r->row_offsets[r->count];
	int64_t		rows = 0;
	rk_status	status;

	for (int64_t i = 0; i < length; i++)
	{
		arcs[i] = arc_between(&x->g, nodes[i], nodes[(i + 1) % length]);
		c.total += x->amounts[arcs[i]];
		if (i == 0 || x->amounts[arcs[i]] < c.bottleneck)
			c.bottleneck = x->amounts[arcs[i]];
		rows += x->offsets[arcs[i] + 1] - x->offsets[arcs[i]];
	}
	c.retention = rk_money_ratio(x->amounts[arcs[length - 1]], x->amounts[arcs[0]]);
	if (p->min_retention > 0 && !(c.retention >= p->min_retention))
		return RK_OK;
	if (r->count == p->max_cycles)
		return rk_flows_too_many_cycles(ctx, p);
	if ((status = rk_flows_reserve(ctx, (void **) &r->list, &room->list, r->count + 1, sizeof(rk_flow_cycle))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &r->member_offsets, &room->member_offsets, r->count + 2, sizeof(int64_t))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &r->row_offsets, &room->row_offsets, r->count + 2, sizeof(int64_t))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &r->members, &room->members, member + length, sizeof(uint32_t))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &r->rows, &room->rows, row + rows, sizeof(uint32_t))) != RK_OK)
		return status;
	for (int64_t i = 0; i < length; i++)
	{
		r->members[member++] = x->entity[nodes[i]];
		for (int64_t k = x->offsets[arcs[i]]; k < x->offsets[arcs[i] + 1]; k++)
		{
			int64_t		ts = t->ts ? t->ts[x->rows[k]] : 0;

			if (row == r->row_offsets[r->count] || ts < c.first_ts)
				c.first_ts = ts;
			if (row == r->row_offsets[r->count] || ts > c.last_ts)
				c.last_ts = ts;
			r->rows[row++] = x->rows[k];
		}
	}
	r->list[r->count++] = c;
	r->member_offsets[r->count] = member;
	r->row_offsets[r->count] = row;
	return RK_OK;
}

rk_status
rk_compliance_aggregated_cycles(rk_ctx *ctx, const rk_transactions *t, const rk_flow_cycle_params *p,
								rk_flow_cycles *result)
{
	rk_circular_params all = {.min_size = 2};
	rk_circular components;
	pair_graph	x = {0};
	cycle_room	room = {0};
	rk_cycles  *cycles;
	rk_cycle_rows found;
	rk_status	status;

	*result = (rk_flow_cycles) {0};
	if ((status = rk_flows_reserve(ctx, (void **) &result->member_offsets, &room.member_offsets, 1024, sizeof(int64_t))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &result->row_offsets, &room.row_offsets, 1024, sizeof(int64_t))) != RK_OK ||
		(status = rk_compliance_circular(ctx, t, &all, &components)) != RK_OK ||
		(status = build_pairs(ctx, t, &components, &x)) != RK_OK ||
		(status = rk_graph_cycles_begin(ctx, &x.g, p->max_length, &cycles)) != RK_OK)
		return status;
	result->member_offsets[0] = result->row_offsets[0] = 0;
	do
	{
		if ((status = rk_graph_cycles_next(cycles, &found)) != RK_OK)
			return status;
		for (int64_t i = 0; i < found.count; i++)
		{
			status = add_cycle(ctx, t, p, &x, found.nodes + found.offsets[i], found.offsets[i + 1] - found.offsets[i],
							   result, &room);
			if (status != RK_OK)
				return status;
		}
	} while (found.count > 0);
	rk_graph_cycles_end(cycles);
	return RK_OK;
}

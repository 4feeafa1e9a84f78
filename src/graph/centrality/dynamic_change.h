/*
 * dynamic_change.h
 *	  A directed graph that changes edge by edge, and the changes: for the CPU
 *	  and for devices.
 *
 * What it is: dynamic_graph.h.  Nothing here takes memory: who wants a change
 * sees to it that there is room (rk_dynamic_has_room), on the CPU by making it.
 */
#ifndef RK_DYNAMIC_CHANGE_H
#define RK_DYNAMIC_CHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../compute/both.h"
#include "../../compute/random.h"
#include "../../compute/status.h"
#include "../../ring/keys_state.h"

#define RK_NO_INDEX UINT32_MAX

typedef struct rk_dynamic_node
{
	int64_t		id;
	int64_t		in_rows;
	int64_t		out_rows;
	int64_t		in_degree;		/* distinct, itself included */
	int64_t		out_degree;
	int64_t		neighbors;		/* distinct others, either direction */
	int64_t		in_strength;	/* fixed-point */
	int64_t		out_strength;
	uint32_t	first_out;		/* pair; RK_NO_INDEX: none.  Free: the next free node */
	bool		loop;			/* has a pair with itself */
	bool		pinned;			/* is there without an edge */
	bool		used;
} rk_dynamic_node;

typedef struct rk_dynamic_pair
{
	uint32_t	source;
	uint32_t	target;
	int64_t		rows;			/* 0: free */
	int64_t		weight;			/* sum, fixed-point */
	uint32_t	next_out;		/* of the same source.  Free: the next free pair */
	uint32_t	previous_out;
} rk_dynamic_pair;

typedef struct rk_dynamic_row
{
	uint32_t	pair;
	uint32_t	next_free;
	int64_t		weight;
	int64_t		count;			/* 0: free */
} rk_dynamic_row;

/* A hash table of indices: open addressing, linear probing. */
typedef struct rk_index_table
{
	uint32_t   *slots;			/* RK_NO_INDEX: empty */
	uint32_t	mask;
	uint32_t	count;
} rk_index_table;

typedef struct rk_dynamic_graph
{
	rk_keys		keys;
	rk_dynamic_node *nodes;
	rk_dynamic_pair *pairs;
	rk_dynamic_row *rows;
	uint32_t	node_end;		/* indices below are used or free */
	uint32_t	pair_end;
	uint32_t	row_end;
	uint32_t	node_capacity;
	uint32_t	pair_capacity;
	uint32_t	row_capacity;
	uint32_t	free_node;
	uint32_t	free_pair;
	uint32_t	free_row;
	rk_index_table node_table;
	rk_index_table pair_table;
	rk_index_table row_table;
	int64_t		node_count;
	int64_t		edge_count;		/* rows, each counted */
	int64_t		version;		/* applied changes */
	bool		undirected;
} rk_dynamic_graph;

/* With ids as the option id_type says. */
typedef enum rk_edge_op
{
	RK_EDGE_ADD = 1,
	RK_EDGE_REMOVE,				/* one row with this weight */
	RK_EDGE_SET					/* all rows of the pair become one of this weight */
} rk_edge_op;

/* ---- tables ---- */

RK_BOTH uint32_t
rk_hash_of_node_id(int64_t id)
{
	return (uint32_t) rk_hash1((uint64_t) id);
}

RK_BOTH uint32_t
rk_hash_of_ends(uint32_t source, uint32_t target)
{
	return (uint32_t) rk_hash1((uint64_t) source << 32 | target);
}

RK_BOTH uint32_t
rk_hash_of_weight(uint32_t pair, int64_t weight)
{
	return (uint32_t) rk_hash2(pair, (uint64_t) weight);
}

/* Which of the three tables: hash of the entry with this index. */
typedef uint32_t (*rk_index_hash) (const rk_dynamic_graph *g, uint32_t index);

RK_BOTH uint32_t
rk_node_hash(const rk_dynamic_graph *g, uint32_t i)
{
	return rk_hash_of_node_id(g->nodes[i].id);
}

RK_BOTH uint32_t
rk_pair_hash(const rk_dynamic_graph *g, uint32_t i)
{
	return rk_hash_of_ends(g->pairs[i].source, g->pairs[i].target);
}

RK_BOTH uint32_t
rk_row_hash(const rk_dynamic_graph *g, uint32_t i)
{
	return rk_hash_of_weight(g->rows[i].pair, g->rows[i].weight);
}

RK_BOTH void
rk_index_add(rk_index_table *t, uint32_t hash, uint32_t index)
{
	uint32_t	i = hash & t->mask;

	while (t->slots[i] != RK_NO_INDEX)
		i = (i + 1) & t->mask;
	t->slots[i] = index;
	t->count++;
}

/* Takes an entry out and closes the gap behind it. */
RK_BOTH void
rk_index_remove(const rk_dynamic_graph *g, rk_index_table *t, uint32_t index, rk_index_hash hash)
{
	uint32_t	i = hash(g, index) & t->mask;
	uint32_t	gap;

	while (t->slots[i] != index)
		i = (i + 1) & t->mask;
	gap = i;
	for (;;)
	{
		uint32_t	home;

		i = (i + 1) & t->mask;
		if (t->slots[i] == RK_NO_INDEX)
			break;
		home = hash(g, t->slots[i]) & t->mask;
		/* it may move if its home is not between gap and i */
		if (((i - home) & t->mask) >= ((i - gap) & t->mask))
		{
			t->slots[gap] = t->slots[i];
			gap = i;
		}
	}
	t->slots[gap] = RK_NO_INDEX;
	t->count--;
}

/* Index of the node with this id, or RK_NO_INDEX. */
RK_BOTH uint32_t
rk_dynamic_find(const rk_dynamic_graph *g, int64_t id)
{
	const rk_index_table *t = &g->node_table;

	for (uint32_t i = rk_hash_of_node_id(id) & t->mask;; i = (i + 1) & t->mask)
		if (t->slots[i] == RK_NO_INDEX || g->nodes[t->slots[i]].id == id)
			return t->slots[i];
}

RK_BOTH uint32_t
rk_dynamic_find_pair(const rk_dynamic_graph *g, uint32_t source, uint32_t target)
{
	const rk_index_table *t = &g->pair_table;

	if (source == RK_NO_INDEX || target == RK_NO_INDEX)
		return RK_NO_INDEX;
	for (uint32_t i = rk_hash_of_ends(source, target) & t->mask;; i = (i + 1) & t->mask)
	{
		uint32_t	p = t->slots[i];

		if (p == RK_NO_INDEX || (g->pairs[p].source == source && g->pairs[p].target == target))
			return p;
	}
}

RK_BOTH uint32_t
rk_dynamic_find_row(const rk_dynamic_graph *g, uint32_t pair, int64_t weight)
{
	const rk_index_table *t = &g->row_table;

	for (uint32_t i = rk_hash_of_weight(pair, weight) & t->mask;; i = (i + 1) & t->mask)
	{
		uint32_t	r = t->slots[i];

		if (r == RK_NO_INDEX || (g->rows[r].pair == pair && g->rows[r].weight == weight))
			return r;
	}
}

/* ---- changes ---- */

RK_BOTH uint32_t
rk_dynamic_node_of(rk_dynamic_graph *g, int64_t id)
{
	uint32_t	i = rk_dynamic_find(g, id);

	if (i != RK_NO_INDEX)
		return i;
	i = g->free_node;
	if (i != RK_NO_INDEX)
		g->free_node = g->nodes[i].first_out;
	else
		i = g->node_end++;
	memset(&g->nodes[i], 0, sizeof(g->nodes[i]));
	g->nodes[i].id = id;
	g->nodes[i].first_out = RK_NO_INDEX;
	g->nodes[i].used = true;
	rk_index_add(&g->node_table, rk_hash_of_node_id(id), i);
	g->node_count++;
	return i;
}

RK_BOTH void
rk_dynamic_drop_if_bare(rk_dynamic_graph *g, uint32_t i)
{
	rk_dynamic_node *n = &g->nodes[i];

	if (!n->used || n->pinned || n->in_rows + n->out_rows > 0)
		return;
	rk_index_remove(g, &g->node_table, i, rk_node_hash);
	n->used = false;
	n->first_out = g->free_node;
	g->free_node = i;
	g->node_count--;
}

/* Adds count rows of one weight; there is room. */
RK_BOTH void
rk_dynamic_add_rows(rk_dynamic_graph *g, int64_t source, int64_t target, int64_t weight, int64_t count)
{
	uint32_t	s = rk_dynamic_node_of(g, source);
	uint32_t	t = rk_dynamic_node_of(g, target);
	uint32_t	p = rk_dynamic_find_pair(g, s, t);
	uint32_t	r;

	if (p == RK_NO_INDEX)
	{
		if (g->free_pair != RK_NO_INDEX)
		{
			p = g->free_pair;
			g->free_pair = g->pairs[p].next_out;
		}
		else
			p = g->pair_end++;
		memset(&g->pairs[p], 0, sizeof(g->pairs[p]));
		g->pairs[p].source = s;
		g->pairs[p].target = t;
		g->pairs[p].next_out = g->nodes[s].first_out;
		g->pairs[p].previous_out = RK_NO_INDEX;
		if (g->nodes[s].first_out != RK_NO_INDEX)
			g->pairs[g->nodes[s].first_out].previous_out = p;
		g->nodes[s].first_out = p;
		rk_index_add(&g->pair_table, rk_hash_of_ends(s, t), p);
		g->nodes[s].out_degree++;
		g->nodes[t].in_degree++;
		if (s == t)
			g->nodes[s].loop = true;
		else if (rk_dynamic_find_pair(g, t, s) == RK_NO_INDEX)
		{
			g->nodes[s].neighbors++;
			g->nodes[t].neighbors++;
		}
	}
	r = rk_dynamic_find_row(g, p, weight);
	if (r == RK_NO_INDEX)
	{
		if (g->free_row != RK_NO_INDEX)
		{
			r = g->free_row;
			g->free_row = g->rows[r].next_free;
		}
		else
			r = g->row_end++;
		memset(&g->rows[r], 0, sizeof(g->rows[r]));
		g->rows[r].pair = p;
		g->rows[r].weight = weight;
		rk_index_add(&g->row_table, rk_hash_of_weight(p, weight), r);
	}
	g->rows[r].count += count;
	g->pairs[p].rows += count;
	g->pairs[p].weight += weight * count;
	g->nodes[s].out_rows += count;
	g->nodes[t].in_rows += count;
	g->nodes[s].out_strength += weight * count;
	g->nodes[t].in_strength += weight * count;
	g->edge_count += count;
}

/* Takes count rows of a row entry away, and what is empty then. */
RK_BOTH void
rk_dynamic_remove_rows(rk_dynamic_graph *g, uint32_t r, int64_t count)
{
	uint32_t	p = g->rows[r].pair;
	int64_t		weight = g->rows[r].weight;
	uint32_t	s = g->pairs[p].source;
	uint32_t	t = g->pairs[p].target;

	g->rows[r].count -= count;
	g->pairs[p].rows -= count;
	g->pairs[p].weight -= weight * count;
	g->nodes[s].out_rows -= count;
	g->nodes[t].in_rows -= count;
	g->nodes[s].out_strength -= weight * count;
	g->nodes[t].in_strength -= weight * count;
	g->edge_count -= count;
	if (g->rows[r].count == 0)
	{
		rk_index_remove(g, &g->row_table, r, rk_row_hash);
		g->rows[r].next_free = g->free_row;
		g->free_row = r;
	}
	if (g->pairs[p].rows > 0)
		return;
	g->nodes[s].out_degree--;
	g->nodes[t].in_degree--;
	if (s == t)
		g->nodes[s].loop = false;
	else if (rk_dynamic_find_pair(g, t, s) == RK_NO_INDEX)
	{
		g->nodes[s].neighbors--;
		g->nodes[t].neighbors--;
	}
	if (g->pairs[p].previous_out != RK_NO_INDEX)
		g->pairs[g->pairs[p].previous_out].next_out = g->pairs[p].next_out;
	else
		g->nodes[s].first_out = g->pairs[p].next_out;
	if (g->pairs[p].next_out != RK_NO_INDEX)
		g->pairs[g->pairs[p].next_out].previous_out = g->pairs[p].previous_out;
	rk_index_remove(g, &g->pair_table, p, rk_pair_hash);
	g->pairs[p].next_out = g->free_pair;
	g->free_pair = p;
	rk_dynamic_drop_if_bare(g, s);
	if (t != s)
		rk_dynamic_drop_if_bare(g, t);
}

/* Whether more weight, which is not negative, fits into the sums at both ends. */
RK_BOTH bool
rk_dynamic_fits(const rk_dynamic_graph *g, uint32_t s, uint32_t t, int64_t weight)
{
	return (s == RK_NO_INDEX || g->nodes[s].out_strength <= INT64_MAX - weight) &&
		(t == RK_NO_INDEX || g->nodes[t].in_strength <= INT64_MAX - weight);
}

/* All rows of a pair become one. */
RK_BOTH void
rk_dynamic_set_rows(rk_dynamic_graph *g, int64_t source, int64_t target, uint32_t p, int64_t weight)
{
	int64_t		rows = g->pairs[p].rows;
	uint32_t	r = rk_dynamic_find_row(g, p, g->pairs[p].weight / rows);
	bool		alike = r != RK_NO_INDEX && g->rows[r].count == rows;

	/* the new row first, so that neither pair nor nodes vanish in between */
	rk_dynamic_add_rows(g, source, target, weight, 1);
	if (alike)
		rk_dynamic_remove_rows(g, r, rows);
	else
		for (r = 0; r < g->row_end && g->pairs[p].rows > 1; r++)
			if (g->rows[r].count > 0 && g->rows[r].pair == p)
				rk_dynamic_remove_rows(g, r, g->rows[r].count - (g->rows[r].weight == weight));
}

/* A change of one direction, which has been found to be possible; false when there is no such edge. */
RK_BOTH bool
rk_dynamic_change_arc(rk_dynamic_graph *g, int op, int64_t source, int64_t target, int64_t weight)
{
	uint32_t	p = rk_dynamic_find_pair(g, rk_dynamic_find(g, source), rk_dynamic_find(g, target));

	if (op == RK_EDGE_ADD)
		rk_dynamic_add_rows(g, source, target, weight, 1);
	else if (p == RK_NO_INDEX)
		return false;
	else if (op == RK_EDGE_SET)
		rk_dynamic_set_rows(g, source, target, p, weight);
	else
	{
		uint32_t	r = rk_dynamic_find_row(g, p, weight);

		if (r == RK_NO_INDEX)
			return false;
		rk_dynamic_remove_rows(g, r, 1);
	}
	return true;
}

/* Whether there is room for what a change may add, two nodes among it. */
RK_BOTH bool
rk_dynamic_has_room(const rk_dynamic_graph *g)
{
	return g->node_end + 2 <= g->node_capacity && g->pair_end + 2 <= g->pair_capacity &&
		g->row_end + 2 <= g->row_capacity && (g->node_table.count + 2) * 2 <= g->node_table.mask &&
		(g->pair_table.count + 2) * 2 <= g->pair_table.mask && (g->row_table.count + 2) * 2 <= g->row_table.mask;
}

/* Why a change cannot be made, whatever room there is: *why; RK_OK: it can. */
RK_BOTH rk_status
rk_dynamic_check(const rk_dynamic_graph *g, int op, int64_t source, int64_t target, int64_t weight,
				 const char **why)
{
	uint32_t	s = rk_dynamic_find(g, source);
	uint32_t	t = rk_dynamic_find(g, target);

	if (op < RK_EDGE_ADD || op > RK_EDGE_SET)
	{
		*why = "unknown operation on an edge";
		return RK_ERR_PARAMETER;
	}
	if (weight < 0)
	{
		*why = "weight of an edge must not be negative";
		return RK_ERR_DATA;
	}
	if (op != RK_EDGE_REMOVE && (!rk_dynamic_fits(g, s, t, weight) || (g->undirected && !rk_dynamic_fits(g, t, s, weight))))
	{
		*why = "sum of weights is out of range";
		return RK_ERR_OVERFLOW;
	}
	return RK_OK;
}

/*
 * Makes a change that was checked and has room; false when there is no such edge
 * to remove or set, and nothing has changed then.
 */
RK_BOTH bool
rk_dynamic_apply(rk_dynamic_graph *g, int op, int64_t source, int64_t target, int64_t weight)
{
	if (!rk_dynamic_change_arc(g, op, source, target, weight))
		return false;
	if (g->undirected && source != target)
	{
		/* the same rows, seen from the other end */
		int64_t		rows = g->edge_count;

		rk_dynamic_change_arc(g, op, target, source, weight);
		g->edge_count = rows;
	}
	g->version++;
	return true;
}

#endif							/* RK_DYNAMIC_CHANGE_H */

/*
 * dynamic_graph.h
 *	  A directed graph that changes edge by edge: what graph actors keep.
 *
 * The edges are a multiset of rows (source, target, weight).  A node exists
 * while it is the end of some row or is pinned.  A pair is a source and a
 * target with at least one row between them.  In an undirected graph every row
 * with two ends makes a pair in either direction.  Ids are numbers, of integers themselves and
 * of others what keys.h makes of them; inside they are indices, which are reused
 * when their node is gone.  Weights are fixed-point numbers
 * with 8 decimals and sums of them exact, so that a row added and removed
 * leaves no trace.
 *
 * A change that fails has changed nothing.
 * Memory: about 72 bytes a node, 56 a pair and 32 a row with a weight of its
 * own, at the growth of tables by doubling.
 */
#ifndef RK_DYNAMIC_GRAPH_H
#define RK_DYNAMIC_GRAPH_H

#include "../../ring/keys.h"

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
extern rk_status rk_dynamic_graph_init(rk_ctx *ctx, const rk_options *options, rk_dynamic_graph *g, bool undirected);

/* Index of the node with this id, or RK_NO_INDEX. */
extern uint32_t rk_dynamic_find(const rk_dynamic_graph *g, int64_t id);

/* Index of the pair, or -1. */
extern int64_t rk_dynamic_pair_index(const rk_dynamic_graph *g, uint32_t source, uint32_t target);

typedef enum rk_edge_op
{
	RK_EDGE_ADD = 1,
	RK_EDGE_REMOVE,				/* one row with this weight */
	RK_EDGE_SET					/* all rows of the pair become one of this weight */
} rk_edge_op;

/*
 * Room for what a change may add, two nodes among it: the change that follows
 * takes no memory.
 */
extern rk_status rk_dynamic_reserve(rk_ctx *ctx, rk_dynamic_graph *g);

/*
 * Applies one change; *found is false when there is no such edge to remove or
 * set, and nothing has changed then.  RK_EDGE_SET of a pair with several
 * rows looks at all rows; else everything is expected O(1).
 */
extern rk_status rk_dynamic_change(rk_ctx *ctx, rk_dynamic_graph *g, rk_edge_op op, int64_t source,
								   int64_t target, int64_t weight, bool *found);

/*
 * Pins a node, which may be new, or lets go of one; *changed is false when it
 * was so before.
 */
extern rk_status rk_dynamic_pin(rk_ctx *ctx, rk_dynamic_graph *g, int64_t id, bool pinned, bool *changed);

/*
 * Brings the pairs of each node together in memory and leaves no gaps: what
 * runs along them is faster then.  Indices of nodes stay.  O(nodes + pairs).
 */
extern rk_status rk_dynamic_compact(rk_ctx *ctx, rk_dynamic_graph *g);

/* Snapshots; what is read has the nodes in the same order, without gaps. */
extern rk_status rk_dynamic_write(rk_ctx *ctx, const rk_dynamic_graph *g, rk_writer *writer);
extern rk_status rk_dynamic_read(rk_ctx *ctx, rk_dynamic_graph *g, rk_reader *reader);

/* Depends on the rows, the pinned nodes and the version alone. */
extern uint64_t rk_dynamic_checksum(const rk_dynamic_graph *g);

#endif							/* RK_DYNAMIC_GRAPH_H */

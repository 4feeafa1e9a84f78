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
#include "dynamic_change.h"

extern rk_status rk_dynamic_graph_init(rk_ctx *ctx, const rk_options *options, rk_dynamic_graph *g, bool undirected);

/* Index of the pair, or -1. */
extern int64_t rk_dynamic_pair_index(const rk_dynamic_graph *g, uint32_t source, uint32_t target);

/*
 * Room for what a change may add, two nodes among it: the change that follows
 * takes no memory.
 */
extern rk_status rk_dynamic_reserve(rk_ctx *ctx, rk_dynamic_graph *g);

/* Room for about as much as there is: for a graph that goes where it cannot grow. */
extern rk_status rk_dynamic_room(rk_ctx *ctx, rk_dynamic_graph *g);

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

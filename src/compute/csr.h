/*
 * csr.h
 *	  The graph that kernels see: compressed sparse rows over dense indices.
 *
 * Nodes are 0 .. nodes-1 in the order of their ids, so "the smallest node" is
 * the one with the smallest index.  Rows are sorted by neighbour; a result
 * that sums over a row in order is therefore independent of the order in
 * which the edges were read, of the plan and of the number of threads.
 */
#ifndef RK_CSR_H
#define RK_CSR_H

#include "ctx.h"

#define RK_MAX_NODES (INT64_C(4294967294))	/* 2^32 - 2 */
#define RK_NO_NODE UINT32_MAX

/* One direction of adjacency. */
typedef struct rk_adjacency
{
	int64_t    *offsets;		/* nodes + 1 */
	uint32_t   *neighbors;		/* offsets[nodes], each row sorted */
	double	   *weights;		/* parallel to neighbors; NULL: all 1 */
} rk_adjacency;

typedef struct rk_graph
{
	int64_t		nodes;
	int64_t		arcs;			/* entries of each present direction */
	bool		directed;		/* false: out holds both ends of every edge,
								 * in is the same arrays */
	rk_adjacency out;			/* offsets NULL: not built */
	rk_adjacency in;
} rk_graph;

/* What happens to rows with the same ends. */
typedef enum rk_parallel_edges
{
	RK_EDGES_KEEP,				/* every row is an entry */
	RK_EDGES_COLLAPSE,			/* one entry, no weights: a simple graph */
	RK_EDGES_SUM,				/* one entry, weights added (strength) */
	RK_EDGES_MIN				/* one entry, smallest weight (length) */
} rk_parallel_edges;

typedef struct rk_graph_options
{
	bool		directed;		/* false: a row is an undirected edge, stored
								 * in both rows (a self-loop once) */
	bool		drop_loops;
	bool		want_out;
	bool		want_in;		/* undirected: the same as want_out */
	rk_parallel_edges parallel;
} rk_graph_options;

/*
 * Edges as they were read: count rows of (source, target[, weight]) as dense
 * indices below nodes.  weight may be NULL.
 */
typedef struct rk_edges
{
	int64_t		nodes;
	int64_t		count;
	const uint32_t *source;
	const uint32_t *target;
	const double *weight;
} rk_edges;

/*
 * Builds g from edges.  RK_EDGES_SUM adds equal pairs in order of weight, so
 * the sum does not depend on the order of the rows.  Cost: one partition by
 * the high bits of the row number and a radix sort in each part, O(count),
 * all threads.  Memory while building: 8 bytes an arc (16 with weights) beside
 * the result.  The arrays belong to ctx.
 */
extern rk_status rk_graph_build(rk_ctx *ctx, const rk_edges *edges,
								const rk_graph_options *options, rk_graph *g);

/* Frees the arrays of g before its context ends. */
extern void rk_graph_free(rk_ctx *ctx, rk_graph *g);

/*
 * Fills in "to" with the other direction of "from": rows sorted, weights
 * carried along.
 */
extern rk_status rk_graph_transpose(rk_ctx *ctx, int64_t nodes,
									const rk_adjacency *from, rk_adjacency *to);

/*
 * Returns boundaries of chunks of about work units for a loop over rows: a row
 * costs its length plus 4.  Depends on the graph alone.  *chunks is set; the
 * result has *chunks + 1 entries, or is NULL when memory is short.
 */
extern int64_t *rk_graph_chunks(rk_ctx *ctx, int64_t nodes,
								const int64_t *offsets, int64_t work,
								int64_t *chunks);

/* Number of entries of row u. */
static inline int64_t
rk_degree(const rk_adjacency *a, int64_t u)
{
	return a->offsets[u + 1] - a->offsets[u];
}

/* Bytes of a graph with so many entries of one direction. */
extern int64_t rk_graph_memory(int64_t nodes, int64_t arcs, bool weighted,
							   const rk_graph_options *options);

/* Peak bytes of rk_graph_build for this many nodes and rows, result included. */
extern int64_t rk_graph_build_memory(int64_t nodes, int64_t rows, bool weighted,
									 int threads, const rk_graph_options *options);

#endif							/* RK_CSR_H */

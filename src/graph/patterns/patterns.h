/*
 * patterns.h
 *	  Which small patterns a node is part of: triangles, stars, cycles, motifs.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.  The functions named
 * _memory give the bytes that a kernel takes beside the graph and the arrays of
 * its result; arcs is the number of entries of one direction of the graph.
 */
#ifndef RK_GRAPH_PATTERNS_H
#define RK_GRAPH_PATTERNS_H

#include "../../compute/csr.h"

/* ---- triangle-counting ------------------------------------------------- */

typedef struct rk_triangle_totals
{
	unsigned __int128 triangles;
	unsigned __int128 wedges;	/* pairs of neighbours of a node */
	double		transitivity;	/* 3 triangles / wedges; 0 without wedges */
} rk_triangle_totals;

/*
 * Triangles of an undirected graph: triangles[v] is the number of those that v
 * is a corner of, clustering[v] that number as a share of the pairs of
 * neighbours of v, 0 below two neighbours (Watts and Strogatz 1998).  Both may
 * be NULL, which saves the counting per node.  totals: of the whole graph.
 *
 * Graph: "out" built, undirected, parallel edges collapsed (or merged; weights
 * are not looked at), self-loops dropped.  n values each.
 * Errors: RK_ERR_LIMIT, a node with more than 2^31 - 1 neighbours.
 * Cost O(m^1.5) at worst: a look into a table for each pair of neighbours of a
 * node that have more neighbours than it.
 */
extern rk_status rk_graph_triangle_counts(rk_ctx *ctx, const rk_graph *g,
										  int64_t *triangles, double *clustering,
										  rk_triangle_totals *totals);

/*
 * The support of every edge: the number of triangles that it is a side of.
 * support: one value for each entry of "out", both entries of an edge alike.
 * The rest as above.
 */
extern rk_status rk_graph_triangle_support(rk_ctx *ctx, const rk_graph *g,
										   uint32_t *support);

/* edges: of the second function, which takes more. */
extern int64_t rk_graph_triangle_counting_memory(int64_t nodes, int64_t arcs, bool edges,
												 int threads);

#endif							/* RK_GRAPH_PATTERNS_H */

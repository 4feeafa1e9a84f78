/*
 * ranked.h
 *	  An undirected graph with its nodes numbered by falling degree, in which
 *	  every triangle is found once.
 *
 * Of the three corners of a triangle, z is the one with the smallest rank (the
 * upper one), x the middle one and u the lower one.  Kernels find it at x: the
 * upper neighbours of x are marked in a table, and of every lower neighbour u
 * the upper part of the row is read up to x; a marked entry is a z (Latapy
 * 2008; Schank and Wagner 2005).  That makes one look into the table for every
 * pair of upper neighbours of u, of which no node has more than sqrt(2 m), and
 * nearly all looks go to the few nodes with the smallest ranks, whose part of
 * the table stays in the cache.
 *
 * The upper parts of the rows hold each edge once; edges are numbered in their
 * order (first, rk_ranked_edge).
 */
#ifndef RK_GRAPH_RANKED_H
#define RK_GRAPH_RANKED_H

#include "patterns.h"

#define RK_RANKED_BLOCKS 16

typedef struct rk_ranked
{
	rk_ctx	   *ctx;
	const rk_graph *g;			/* "out" of it is what was ranked */
	int64_t		nodes;
	uint32_t   *order;			/* node with this rank */
	uint32_t   *rank;			/* of the node */
	int64_t    *offsets;		/* nodes + 1, by rank */
	uint32_t   *rows;			/* ranks: upper ones, rising; then lower ones */
	uint32_t   *uppers;			/* how many entries of the row are upper ones */
	int64_t    *first;			/* nodes + 1: number of the row's first edge */
	int64_t    *chunks;			/* bounds for loops over middle nodes */
	int64_t		chunk_count;

	/* while it is made */
	int64_t		block_begin[RK_RANKED_BLOCKS + 1];	/* ranks */
	int			blocks;
	uint32_t   *fill;			/* [blocks][nodes]: where the block writes next */
} rk_ranked;

/*
 * Ranks g: falling degree, then rising node.  g: "out" built, undirected, no
 * self-loops, parallel edges collapsed or merged.  The arrays belong to ctx.
 * Errors: RK_ERR_LIMIT, a node with more than 2^31 - 1 neighbours.
 * Cost: O(n + m).  Memory: rk_ranked_memory.
 */
extern rk_status rk_ranked_build(rk_ctx *ctx, const rk_graph *g, rk_ranked *r);
extern void rk_ranked_free(rk_ranked *r);

/*
 * Peak bytes of the above and of a kernel that takes "later" bytes while it
 * lasts; arcs: entries of "out".
 */
extern int64_t rk_ranked_memory(int64_t nodes, int64_t arcs, int64_t later, int threads);

/* Rows are fetched this many entries ahead of their use. */
#define RK_RANKED_AHEAD 8

/* Looks into a table between two polls, some 1 ms of work. */
#define RK_RANKED_POLL (1 << 20)

/* How many entries of the upper part of row u are smaller than z. */
static inline int64_t
rk_ranked_before(const rk_ranked *r, uint32_t u, uint32_t z)
{
	const uint32_t *row = r->rows + r->offsets[u];
	int64_t		low = 0;
	int64_t		length = r->uppers[u];

	while (length > 0)
	{
		int64_t		half = (length + 1) / 2;

		low += row[low + half - 1] < z ? half : 0;
		length -= half;
	}
	return low;
}

/* Number of the edge between two ranks; there must be one. */
static inline int64_t
rk_ranked_edge(const rk_ranked *r, uint32_t a, uint32_t b)
{
	uint32_t	u = a > b ? a : b;
	uint32_t	z = a > b ? b : a;

	return r->first[u] + rk_ranked_before(r, u, z);
}

/* ---- what triangle_counting.c does on a graph that is ranked already ---- */

/* Triangles by node and the number of all; triangles may be NULL. */
extern rk_status rk_ranked_triangles(const rk_ranked *r, int64_t *triangles,
									 unsigned __int128 *total);

/* Triangles over each edge by its number: first[nodes] values. */
extern rk_status rk_ranked_support(const rk_ranked *r, uint32_t *support,
								   unsigned __int128 *total);

/* Peak bytes of these, beside the ranked graph and the results. */
extern int64_t rk_ranked_triangles_memory(int64_t nodes, int64_t arcs, rk_triangle_form form,
										  int threads);

/* ---- undirected graphs from directed ones (skeleton.c) ---- */

#define RK_ARC_OUT 1			/* there is an arc from the row's node */
#define RK_ARC_IN 2				/* there is an arc to it */

/*
 * The undirected graph of the pairs of nodes that g joins in either direction.
 * g: "out" and "in" built, directed, no self-loops, parallel edges collapsed or
 * merged.  (*ends)[i] says which arcs stand behind entry i of skeleton->out.
 * The arrays belong to ctx.
 */
extern rk_status rk_graph_skeleton(rk_ctx *ctx, const rk_graph *g, rk_graph *skeleton,
								   uint8_t **ends);
extern int64_t rk_graph_skeleton_memory(int64_t nodes, int64_t arcs);

#endif							/* RK_GRAPH_RANKED_H */

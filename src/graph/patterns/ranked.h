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
 * The upper part of row u holds each edge once, so a value of an edge (u, z) is
 * kept at the position of z there (rk_ranked_position).
 */
#ifndef RK_GRAPH_RANKED_H
#define RK_GRAPH_RANKED_H

#include "../../compute/csr.h"

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

/* Peak bytes of the above; arcs: entries of "out". */
extern int64_t rk_ranked_memory(int64_t nodes, int64_t arcs, int threads);

/* Rows are fetched this many entries ahead of their use. */
#define RK_RANKED_AHEAD 8

/* Looks into a table between two polls, some 1 ms of work. */
#define RK_RANKED_POLL (1 << 20)

/* Position in rows of the edge between two ranks. */
static inline int64_t
rk_ranked_position(const rk_ranked *r, uint32_t a, uint32_t b)
{
	uint32_t	u = a > b ? a : b;
	uint32_t	z = a > b ? b : a;
	const uint32_t *row = r->rows + r->offsets[u];
	int64_t		low = 0;
	int64_t		length = r->uppers[u];

	while (length > 1)
	{
		int64_t		half = length / 2;

		low += row[low + half] <= z ? half : 0;
		length -= half;
	}
	return r->offsets[u] + low;
}

#endif							/* RK_GRAPH_RANKED_H */

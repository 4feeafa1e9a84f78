/*
 * k_clique.h
 *	  What the clique kernels share: the degeneracy order and, of one node, the
 *	  graph among its later neighbours as rows of bits.
 */
#ifndef RK_GRAPH_K_CLIQUE_H
#define RK_GRAPH_K_CLIQUE_H

#include "community.h"

/*
 * Nodes in an order in which each has few later neighbours: the node with the
 * fewest neighbours left is taken away, again and again (Matula and Beck
 * 1983).  Rows are by place in the order and hold the later places.
 */
typedef struct clique_order
{
	int64_t		nodes;
	uint32_t   *node;			/* by place */
	uint32_t   *place;			/* by node */
	int64_t    *offsets;		/* nodes + 1 */
	uint32_t   *later;
	int64_t		first;			/* place of the first node with enough neighbours */
	int			degeneracy;		/* most entries of a row */
} clique_order;

/* For cliques of k nodes: those with core numbers below k - 1 come first. */
extern rk_status rk_clique_order(rk_ctx *ctx, const rk_graph *g, int k, clique_order *o);
extern void rk_clique_order_free(rk_ctx *ctx, clique_order *o);
extern int64_t rk_clique_order_memory(int64_t nodes, int64_t arcs);

/* The later neighbours of one node and the edges among them; one a thread. */
typedef struct clique_local
{
	uint32_t   *at;				/* by place: index + 1 among the members, or 0 */
	const uint32_t *members;	/* places */
	int			count;
	int			words;			/* of a row of bits */
	uint64_t   *rows;			/* count rows */
} clique_local;

/* Room for the largest row; false when memory is short. */
extern bool rk_clique_local_alloc(rk_ctx *ctx, const clique_order *o, clique_local *l);
extern void rk_clique_local_free(rk_ctx *ctx, clique_local *l);

/*
 * Makes l the graph of the node at this place.  symmetric: an edge is in both
 * rows, else in that of the earlier end.
 */
extern void rk_clique_local_set(const clique_order *o, int64_t place, bool symmetric,
								clique_local *l);

/* Copies nodes, rising. */
extern void rk_clique_sort(uint32_t *into, const uint32_t *nodes, int count);

static inline int
clique_words(int count)
{
	return (count + 63) / 64;
}

/* The first count bits set. */
static inline void
clique_fill(uint64_t *bits, int count)
{
	for (int w = 0; w < clique_words(count); w++)
		bits[w] = count - w * 64 >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (count - w * 64)) - 1;
}

static inline int
clique_both(uint64_t *into, const uint64_t *a, const uint64_t *b, int words)
{
	int			count = 0;

	for (int w = 0; w < words; w++)
	{
		into[w] = a[w] & b[w];
		count += __builtin_popcountll(into[w]);
	}
	return count;
}

static inline int
clique_common(const uint64_t *a, const uint64_t *b, int words)
{
	int			count = 0;

	for (int w = 0; w < words; w++)
		count += __builtin_popcountll(a[w] & b[w]);
	return count;
}

/* Index of the lowest bit, or -1. */
static inline int
clique_lowest(const uint64_t *bits, int words)
{
	for (int w = 0; w < words; w++)
		if (bits[w])
			return w * 64 + __builtin_ctzll(bits[w]);
	return -1;
}

static inline void
clique_drop(uint64_t *bits, int i)
{
	bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline bool
clique_has(const uint64_t *bits, int i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

#endif							/* RK_GRAPH_K_CLIQUE_H */

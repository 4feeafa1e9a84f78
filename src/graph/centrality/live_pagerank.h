/*
 * live_pagerank.h
 *	  PageRank of a graph that changes while it is computed.
 *
 * The scores are iterated from what they are, by the Jacobi step of the batch
 * function (pagerank.c), in slices of a few milliseconds.  Between slices the
 * graph may change and scores are read: those of the last whole iteration.  An
 * iteration during which the graph has changed is one on neither graph; it
 * counts for nothing but a better start, as the step is a contraction from
 * anywhere.  Scores have converged when an iteration on the present graph has
 * changed them by less than the threshold (L1 norm).
 *
 * Memory: 16 bytes for each node, 24 with a personalization.
 */
#ifndef RK_LIVE_PAGERANK_H
#define RK_LIVE_PAGERANK_H

#include "centrality.h"
#include "dynamic_graph.h"
#include "live_state.h"

/*
 * Room for as many nodes as the graph has room for; call it after
 * rk_dynamic_reserve.
 */
extern rk_status rk_live_reserve(rk_ctx *ctx, rk_live_pagerank *live, const rk_dynamic_graph *g);

/*
 * Sets the teleport weight of a node (fixed-point, at least 0); while the sum
 * is 0 all nodes are alike.
 */
extern rk_status rk_live_prefer(rk_ctx *ctx, rk_live_pagerank *live, uint32_t node, int64_t weight);

/* The teleport weight of a node. */
static inline int64_t
rk_live_preference(const rk_live_pagerank *live, uint32_t node)
{
	return live->preference ? live->preference[node] : 0;
}

/* All scores alike, and nothing under way. */
extern void rk_live_reset(rk_live_pagerank *live, const rk_dynamic_graph *g);

/* Begins up to limit iterations, until one changes less than threshold. */
extern void rk_live_begin(rk_live_pagerank *live, int64_t limit, double threshold);

/*
 * Goes on for some 2 ms; false when nothing is under way any more.  delta,
 * made and converged_version then say what has come of it.
 */
extern bool rk_live_slice(rk_live_pagerank *live, const rk_dynamic_graph *g);

#endif							/* RK_LIVE_PAGERANK_H */

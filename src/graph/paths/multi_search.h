/*
 * multi_search.h
 *	  Searches from many sources: breadth-first, up to 256 sources in one pass
 *	  over the graph, or with lengths one by one.
 *
 * Without lengths every source has a bit in a word of 64 or 256 bits that each node keeps (Then
 * et al. 2014): the neighbours of a node take over all its new bits at once.
 * Passes run side by side, one thread each, and report what they reach level by
 * level.
 */
#ifndef RK_GRAPH_MULTI_SEARCH_H
#define RK_GRAPH_MULTI_SEARCH_H

#include "shortest_path_search.h"

#define RK_MULTI_WORDS 4		/* words of 64 sources that a pass has at most */

/* What one level of one pass has reached for the first time. */
typedef struct rk_multi_level
{
	int64_t		first;			/* sources[first .. first + count) are searched from */
	int64_t		count;
	int64_t		hops;			/* from them: 1, 2, ... */
	const uint32_t *nodes;		/* reached by some source that had not before */
	const uint32_t *gained;		/* parallel to nodes: by how many sources */
	int64_t		node_count;		/* at least 1 */
	uint64_t	moved[RK_MULTI_WORDS];	/* bit i: source first + i reached a node */
	int			thread;			/* for scratch space */
} rk_multi_level;

/*
 * Called by the thread of a pass for its levels in order.  Passes come in any
 * order and on any thread, so what is kept must not depend on either: whole
 * numbers added up.
 */
typedef void (*rk_multi_level_fn) (void *arg, const rk_multi_level *level);

/*
 * Searches from sources, count different nodes.  Follows arcs from source to
 * target over g->out, or backward, over g->in, from target to source: a level
 * then has the nodes that reach the sources in so many hops.  With the other
 * direction built as well, levels that reach much are searched from the nodes
 * not yet reached (Beamer, Asanovic, Patterson 2012).  Sources themselves, at
 * 0 hops, are not reported.
 */
extern rk_status rk_graph_multi_search(rk_ctx *ctx, const rk_graph *g, bool backward,
									   const uint32_t *sources, int64_t count,
									   rk_multi_level_fn reached, void *arg);

/* Bytes beside the graph. */
extern int64_t rk_graph_multi_search_memory(int64_t nodes, int64_t sources, int threads);

/*
 * Called by the thread of a search from sources[index], which has reached the
 * nodes that tree->touched lists, the source among them.
 */
typedef void (*rk_multi_tree_fn) (void *arg, int64_t index, const rk_path_tree *tree, int thread);

/*
 * Dijkstra's algorithm from sources, count of them, or NULL: from all nodes;
 * one thread a source.  Lengths are >= 0.  RK_ERR_OVERFLOW when float8 cannot
 * hold a distance.
 */
extern rk_status rk_graph_multi_dijkstra(rk_ctx *ctx, const rk_graph *g,
										 const rk_path_lengths *lengths,
										 const uint32_t *sources, int64_t count,
										 rk_multi_tree_fn reached, void *arg);
extern int64_t rk_graph_multi_dijkstra_memory(int64_t nodes, int threads);

/* The graph with its arcs turned round; shares the arrays of g. */
static inline rk_graph
rk_graph_reversed(const rk_graph *g)
{
	rk_graph	reversed = *g;

	reversed.out = g->in;
	reversed.in = g->out;
	return reversed;
}

#endif							/* RK_GRAPH_MULTI_SEARCH_H */

/*
 * shortest_path_internal.h
 *	  What the files of the shortest-path kernel share.
 *
 * shortest_path.c		the main function: choice of method, results
 * shortest_path_bfs.c	breadth-first search on all threads, over all arcs or
 *						over the tight ones (hops and predecessors)
 * shortest_path_delta.c	delta-stepping: distances on all threads
 * shortest_path_negative.c	Bellman-Ford: distances with negative lengths
 * shortest_path_search.c	searches of one thread, for many sources at once
 * shortest_path_pairs.c	many sources, as a stream of rows
 * multi_search.c		bit-parallel searches from many sources, without weights
 * shortest_path_eccentricity.c	the farthest distance of every node
 * shortest_path_between.c	the k shortest paths between two nodes
 *
 * An arc (u, v) is tight when d[u] + w == d[v].  The tight arcs that the
 * source reaches are those of its shortest paths, so the rest of the answer
 * follows from the distances: hops are a breadth-first search over tight arcs.
 */
#ifndef RK_GRAPH_SHORTEST_PATH_INTERNAL_H
#define RK_GRAPH_SHORTEST_PATH_INTERNAL_H

#include <math.h>

#include "../../compute/parallel.h"
#include "paths.h"

/*
 * A label is hops << 32 | predecessor: the smaller of two has fewer hops, then
 * the smaller predecessor, and one atomic minimum settles both.
 */
#define RK_PATH_UNSEEN UINT64_MAX
#define RK_PATH_SOURCE ((uint64_t) RK_NO_NODE)	/* 0 hops, no predecessor */

static inline uint64_t
rk_path_label(uint32_t hops, uint32_t predecessor)
{
	return (uint64_t) hops << 32 | predecessor;
}

static inline uint32_t
rk_path_hops(uint64_t label)
{
	return (uint32_t) (label >> 32);
}

/* What the lengths of a graph look like. */
typedef struct rk_path_lengths
{
	double		min;			/* all 1 without weights; 0 without arcs */
	double		max;
	double		mean;
	int64_t		negative;		/* smallest node with a negative arc, or -1 */
} rk_path_lengths;

/*
 * Looks at all lengths once.  RK_ERR_DATA when one is not finite, or negative
 * in an undirected graph.
 */
extern rk_status rk_graph_path_lengths(rk_ctx *ctx, const rk_graph *g,
									   rk_path_lengths *lengths);

/* True when a sum over a path could leave the range of float8. */
static inline bool
rk_path_may_overflow(const rk_path_lengths *lengths, int64_t nodes)
{
	double		largest = fmax(lengths->max, -lengths->min);

	return !isfinite(largest * (double) nodes);
}

/*
 * Everything about the paths from source, on all threads: labels, and with
 * weights distances (NULL is allowed without).  Nodes farther than
 * max_distance are unseen; with negative lengths that is left to the caller.
 * touched is scratch of n entries.  allowed: as for rk_graph_path_negative.
 */
extern rk_status rk_graph_path_labels(rk_ctx *ctx, const rk_graph *g, uint32_t source,
									  double max_distance, rk_path_method method,
									  const rk_path_lengths *lengths,
									  const double *allowed, double *distance,
									  uint64_t *label, uint32_t *touched);

/*
 * Labels of the nodes within max_hops of source: over all arcs, or with
 * distances given only over tight ones.  All threads.
 */
extern rk_status rk_graph_path_bfs(rk_ctx *ctx, const rk_graph *g, uint32_t source,
								   int64_t max_hops, const double *distance,
								   uint64_t *label);

/*
 * Distances up to max_distance by delta-stepping; lengths >= 0.  All threads.
 * scratch: n values.
 */
extern rk_status rk_graph_path_delta(rk_ctx *ctx, const rk_graph *g, uint32_t source,
									 double max_distance, double delta,
									 double *distance, uint64_t *scratch);

/*
 * Distances by Bellman-Ford; RK_ERR_DATA on a negative cycle.  Where allowed
 * is given, arcs into a node whose value is infinite are left out.
 */
extern rk_status rk_graph_path_negative(rk_ctx *ctx, const rk_graph *g, uint32_t source,
										const double *allowed, double *distance);

#endif							/* RK_GRAPH_SHORTEST_PATH_INTERNAL_H */

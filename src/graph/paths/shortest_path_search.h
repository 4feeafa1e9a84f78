/*
 * shortest_path_search.h
 *	  Shortest-path searches of one thread, which allocate nothing, so that
 *	  many can run at once.
 */
#ifndef RK_GRAPH_SHORTEST_PATH_SEARCH_H
#define RK_GRAPH_SHORTEST_PATH_SEARCH_H

#include "shortest_path_queue.h"

/*
 * What one search has found.  Between searches every label is unseen and every
 * distance infinite; a search lists the nodes it changes.
 */
typedef struct rk_path_tree
{
	double	   *distance;		/* n; NULL without weights: hops say it */
	uint64_t   *label;			/* n */
	uint32_t   *touched;		/* n, count of them used */
	int64_t		count;
} rk_path_tree;

/* What a thread needs to search. */
typedef struct rk_path_scratch
{
	rk_path_queue forward;		/* weighted only */
	rk_path_queue backward;
	double	   *back_distance;	/* n: to the target, weighted */
	uint32_t   *back_hops;		/* n: to the target, without weights */
	uint32_t   *back_touched;	/* n */
	uint64_t   *wanted;			/* n bits: nodes to be reached */
	uint64_t   *front;			/* n bits: frontier, empty between searches */
} rk_path_scratch;

/* Number of buckets a unit of distance, for queues over these lengths. */
extern double rk_graph_path_buckets(const rk_graph *g, const rk_path_lengths *lengths);

/* Allocates a tree, empty. */
extern rk_status rk_graph_path_tree_make(rk_ctx *ctx, int64_t nodes, bool weighted,
										 rk_path_tree *tree);
extern void rk_graph_path_tree_free(rk_ctx *ctx, rk_path_tree *tree);

/* Makes tree empty again, at the cost of what was touched. */
extern void rk_graph_path_tree_clear(rk_path_tree *tree, int64_t nodes);

/*
 * Allocates what searches of one thread need; pairs: those between two nodes
 * as well.
 */
extern rk_status rk_graph_path_scratch_make(rk_ctx *ctx, int64_t nodes, bool weighted,
											bool pairs, double buckets,
											rk_path_scratch *scratch);
extern void rk_graph_path_scratch_free(rk_ctx *ctx, rk_path_scratch *scratch);
extern int64_t rk_graph_path_tree_memory(int64_t nodes, bool weighted);
extern int64_t rk_graph_path_scratch_memory(int64_t nodes, bool weighted, bool pairs);

/*
 * Searches from source: all nodes within max_distance or, when wanted > 0,
 * until that many nodes with a bit in scratch->wanted are reached; then only
 * nodes not farther than the last of them have their final labels.  Dijkstra,
 * or breadth-first without weights (bottom-up in between if g->in is there).
 * Lengths are >= 0.  Returns false when the call was stopped.
 */
extern bool rk_graph_path_search(rk_ctx *ctx, int thread, const rk_graph *g,
								 uint32_t source, double max_distance, int64_t wanted,
								 rk_path_scratch *scratch, rk_path_tree *tree);

/*
 * After a search to all nodes: a node that an arc leads to, but whose distance
 * is more than float8 can hold, or -1.
 */
extern int64_t rk_graph_path_overflow(const rk_graph *g, const rk_path_tree *tree);

/*
 * Searches from source to one target, from both ends, and sets *found.  The
 * labels of all nodes on shortest paths between them are then final.  Needs
 * g->in; lengths are >= 0.  Returns false when the call was stopped.
 */
extern bool rk_graph_path_search_pair(rk_ctx *ctx, int thread, const rk_graph *g,
									  uint32_t source, uint32_t target,
									  double max_distance, rk_path_scratch *scratch,
									  rk_path_tree *tree, bool *found);

#endif							/* RK_GRAPH_SHORTEST_PATH_SEARCH_H */

/*
 * betweenness.h
 *	  What the files of betweenness centrality share: the search from one
 *	  source and the reduced graph it runs on.
 */
#ifndef RK_GRAPH_BETWEENNESS_H
#define RK_GRAPH_BETWEENNESS_H

#include "../../compute/parallel.h"
#include "centrality.h"

/* ---- shortest paths from one source (betweenness_search.c) ---- */

typedef enum rk_path_failure
{
	RK_PATHS_FINE = 0,
	RK_PATHS_COUNT,				/* more shortest paths than float8 can hold */
	RK_PATHS_LENGTH				/* a path longer than float8 can hold */
} rk_path_failure;

/* An entry of the heap of Dijkstra's algorithm. */
typedef struct rk_path_heap_entry
{
	double		distance;
	uint32_t	node;
} rk_path_heap_entry;

/*
 * The scratch space of one thread.  Between two searches paths and value are
 * 0 and distance is infinite, everywhere.
 */
typedef struct rk_path_search
{
	rk_ctx	   *ctx;
	int			thread;
	const rk_graph *graph;
	const uint32_t *mass;		/* nodes that a node stands for; NULL: 1 each */

	/*
	 * Number of shortest paths from the source: 0 while unseen, positive while
	 * it may still grow, negative once it is final.  One array thus answers
	 * both questions of the inner loop, "seen before?" and "how many paths?",
	 * and a sum over all neighbours counts those of the last level alone.
	 */
	double	   *paths;
	double	   *value;			/* of the way back: see rk_path_dependencies */
	uint32_t   *order;			/* reached nodes by distance, the source first */
	int64_t		reached;

	/* without weights: levels and how each was found */
	uint32_t   *level_begin;	/* [level], positions in order */
	bool	   *pulled;			/* [level]: the next one was found by pulling */
	int64_t		levels;
	uint32_t   *unseen;			/* what pulling still has to look at */
	bool		touched;		/* value has been written at unreached nodes */

	/* with weights */
	double	   *distance;
	uint32_t   *place;			/* of a node in the heap, later in order */
	rk_path_heap_entry *heap;
	int64_t		heap_size;

	int64_t		budget;			/* work left until the next look at the stop flag */
	rk_path_failure failure;
} rk_path_search;

/* Makes one search for each thread of ctx; NULL when memory is short. */
extern rk_path_search *rk_path_search_create(rk_ctx *ctx, const rk_graph *graph,
											 const uint32_t *mass);
extern void rk_path_search_free(rk_ctx *ctx, rk_path_search *searches);

/* Bytes that one thread's search takes. */
extern int64_t rk_path_search_memory(int64_t nodes, bool weighted);

/*
 * Finds all nodes that source reaches, in order of distance, and the number
 * of shortest paths to each; with weights it ends early once target is final
 * (RK_NO_NODE: never).  False when the run is to end: cancelled, or failure is
 * set.
 */
extern bool rk_path_count(rk_path_search *s, uint32_t source, uint32_t target);

/*
 * Goes back over what rk_path_count found.  With d(v) the dependency of the
 * source on v, sum[v] += factor * (d(v) + extra) for every v but the source;
 * sum may be NULL.
 * Afterwards rk_path_coefficients(s)[v] is (mass + d(v)) / paths to v.
 */
extern bool rk_path_dependencies(rk_path_search *s, double factor, double extra,
								 double *sum);

static inline const double *
rk_path_coefficients(const rk_path_search *s)
{
	return s->distance ? s->value : s->paths;
}

/* Makes s ready for the next source. */
extern void rk_path_clear(rk_path_search *s);

/*
 * Counts work; every quarter of a million units it looks whether to stop.
 * False: stop.
 */
static inline bool
rk_path_spend(rk_path_search *s, int64_t work)
{
	s->budget -= work;
	if (s->budget > 0)
		return true;
	s->budget = 1 << 18;
	return !rk_chunk_should_stop(s->ctx, s->thread);
}

/* Records the error that a failed search stands for. */
extern rk_status rk_path_fail(rk_ctx *ctx, rk_path_failure failure);

/* ---- the graph that is searched (betweenness_fold.c) ---- */

/*
 * A copy of the graph without the trees that hang on it, hubs first.  The
 * arrays over "node" belong to the whole graph, those over "core" to the copy.
 */
typedef struct rk_path_core
{
	rk_graph	graph;			/* nodes with arcs left */
	uint32_t   *original;		/* [core] -> node */
	uint32_t   *core_mass;		/* [core]; NULL: 1 each */
	uint32_t   *core_of;		/* [node] -> core, or RK_NO_NODE */

	/* set by folding only */
	uint32_t   *mass;			/* [node]: nodes folded into it, itself included */
	uint64_t   *squares;		/* [node]: sum of squared masses folded into it;
								 * undirected */
	uint32_t   *parent;			/* [node]: what it is folded into, or RK_NO_NODE */
	uint32_t   *folded;			/* nodes in the order of folding */
	int64_t		folded_count;
} rk_path_core;

/*
 * Makes the copy; with fold, trees are taken off first.  With weights and
 * direction it has no "in" unless that is asked for.  On failure the context
 * holds what was allocated.
 */
extern rk_status rk_path_core_build(rk_ctx *ctx, const rk_graph *g, bool fold, bool in,
									rk_path_core *core);
extern void rk_path_core_free(rk_ctx *ctx, rk_path_core *core);

/* ---- sampling of paths (betweenness_sampling.c) ---- */

/*
 * Estimates, for every node (or, with edges, every entry of g->out), the share
 * of the ordered pairs of nodes whose shortest path, chosen at random, runs
 * over it: off by more than epsilon anywhere with probability at most delta.
 * With ends, a path runs over its two ends as well.  delta, the seed and who
 * draws the samples are those of params.
 */
extern rk_status rk_path_sample(rk_ctx *ctx, const rk_graph *g, bool edges, bool ends,
								double epsilon, const rk_betweenness_params *params,
								double *share, int64_t *pairs);

/* Bytes that rk_path_sample takes beside its result. */
extern int64_t rk_path_sample_memory(int64_t nodes, int64_t arcs, bool weighted,
									 int threads, bool edges);

#endif							/* RK_GRAPH_BETWEENNESS_H */

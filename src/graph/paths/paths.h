/*
 * paths.h
 *	  How far, by which way: shortest paths and what follows from them.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.
 */
#ifndef RK_GRAPH_PATHS_H
#define RK_GRAPH_PATHS_H

#include "../../compute/csr.h"

/* ---- shortest-path -------------------------------------------------- */

/*
 * What is said here holds for all functions of the section.
 *
 * A path is as long as the sum of its lengths, added from the source on; the
 * distance d[v] is the least solution of d[s] = 0, d[v] = min(d[u] + w) in
 * float8.  Rounded addition never turns an order around, so every method finds
 * the same bits.  hops is the least number of edges of a shortest path.
 *
 * Graph: "out" built and, where said, "in"; parallel edges merged to the
 * shortest, or collapsed.  Weights are lengths; without them every arc is 1
 * long.  Self-loops are on no shortest path and may be dropped while lengths
 * are >= 0.  In a directed graph with negative lengths they must be kept: a
 * negative loop is a negative cycle.
 *
 * Negative lengths need a directed graph.  A cycle of negative length that the
 * source reaches is an error; lengths are added exactly to tell.
 *
 * Errors: RK_ERR_DATA, a length that is not finite, a negative one in an
 * undirected graph or where the method excludes it, a negative cycle (the node
 * with the smallest index on the cycle found is named); RK_ERR_OVERFLOW, a
 * distance that float8 cannot hold; RK_ERR_PARAMETER, a node not in the graph.
 */
typedef enum rk_path_method
{
	RK_PATH_AUTO,				/* the fastest that applies */
	RK_PATH_BFS,				/* unweighted graphs only */
	RK_PATH_DIJKSTRA,			/* one thread */
	RK_PATH_DELTA_STEPPING,
	RK_PATH_BELLMAN_FORD		/* one thread; negative lengths */
} rk_path_method;

typedef struct rk_shortest_path_params
{
	uint32_t	source;
	double		max_distance;	/* >= 0; INFINITY: none */
	rk_path_method method;		/* an unweighted graph knows BFS only */
} rk_shortest_path_params;

/*
 * Shortest paths from one source.  Direction-optimising breadth-first search
 * (Beamer, Asanovic, Patterson 2012), Dijkstra (1959), delta-stepping (Meyer,
 * Sanders 2003) or Bellman-Ford with subtree disassembly (Tarjan 1981).
 *
 * Graph: as above; "in" is used when it is there (undirected it always is) by
 * breadth-first search alone, and not worth building for one source.
 * distance, predecessor, hops: n values each.  predecessor[v] is the smallest
 * u with d[u] + w == d[v] and hops[u] + 1 == hops[v].  Nodes that are not
 * reached, or farther than max_distance, have INFINITY, RK_NO_NODE and -1; the
 * source has 0, RK_NO_NODE and 0.
 * Cost: O(n + m) without weights; with them O(m + n log n), Bellman-Ford
 * O(n m), mostly far less.  Memory: rk_graph_shortest_path_memory.
 */
extern rk_status rk_graph_shortest_path(rk_ctx *ctx, const rk_graph *g,
										const rk_shortest_path_params *params,
										double *distance, uint32_t *predecessor,
										int64_t *hops);

/* Bytes beside graph and results, of the method that needs most. */
extern int64_t rk_graph_shortest_path_memory(int64_t nodes, bool weighted, int threads);

/* Paths, each a list of nodes from source to target. */
typedef struct rk_paths
{
	int64_t		count;
	double	   *distance;		/* count */
	int64_t    *offsets;		/* count + 1; path i has offsets[i + 1] -
								 * offsets[i] - 1 edges */
	uint32_t   *nodes;
} rk_paths;

/*
 * The k shortest paths from source to target that visit no node twice (Yen
 * 1971, with Lawler's rule of 1972), in the order of (distance, hops, nodes
 * compared one by one); fewer than k if there are no more.  source = target is
 * one path of length 0.  Where sums are rounded, a path that is level with
 * others by rounding alone may come after them.
 *
 * Graph: as above, "out" and "in" built.  paths is allocated in the context.
 * Cost: k = 1, a search from both ends.  Else one search from the target, then
 * O(k) searches that it guides, mostly along a single path.  Memory:
 * rk_graph_shortest_path_between_memory and what the paths take.
 */
extern rk_status rk_graph_shortest_path_between(rk_ctx *ctx, const rk_graph *g,
												uint32_t source, uint32_t target,
												int64_t k, rk_paths *paths);
extern int64_t rk_graph_shortest_path_between_memory(int64_t nodes, bool weighted,
													 int threads);

/* Pairs whose distances are wanted: of each source in turn, in the order of the result. */
typedef struct rk_path_pairs_work
{
	const rk_graph *graph;
	const uint32_t *sources;	/* rising */
	int64_t		source_count;
	const uint32_t *number;		/* by pair: of its source */
	const uint32_t *target;
	int64_t		count;
	double		max_distance;

	/* by pair */
	uint32_t   *hops;			/* RK_NO_NODE: no path within max_distance */
	double	   *distance;		/* NULL without lengths */
} rk_path_pairs_work;

typedef struct rk_path_pairs_params
{
	const uint32_t *from;		/* count pairs; NULL: all pairs of two nodes */
	const uint32_t *to;
	int64_t		count;
	double		max_distance;	/* >= 0; INFINITY: none */
	bool		paths;			/* the nodes on the paths as well */

	/*
	 * Something else to make the searches for pairs that are given, where lengths
	 * are >= 0 and paths are not wanted; false: it did not.  NULL: there is none.
	 */
	bool		(*engine) (void *arg, const rk_path_pairs_work *work);
	void	   *engine_arg;
} rk_path_pairs_params;

/* Some rows of the result; valid until the next call. */
typedef struct rk_path_rows
{
	int64_t		count;			/* 0: no more */
	uint32_t   *source;
	uint32_t   *target;
	double	   *distance;
	int64_t    *hops;
	int64_t    *path_offsets;	/* count + 1 into path; NULL without paths */
	uint32_t   *path;			/* source to target, following predecessor */
} rk_path_rows;

typedef struct rk_path_pairs rk_path_pairs;

/*
 * Shortest paths of many pairs as a stream of rows, in the order of (source,
 * target): the pairs given, as often as they are given, or all pairs of two
 * different nodes.  A pair without a path within max_distance has no row.
 * Begin, call next until a batch is empty, end.  Sources are searched in
 * batches, one thread each, so no more than a batch is in memory.
 *
 * Graph: as above.  "in" makes breadth-first searches faster, and allows
 * search from both ends where a source has few targets; worth building for
 * more than a few sources.  params and its arrays must stay until the end.
 * With negative lengths, sources are searched one by one with Bellman-Ford.
 * Cost: a search for each source, or for each pair where a source has few
 * targets.  Memory: rk_graph_shortest_path_pairs_memory, not n^2.
 */
extern rk_status rk_graph_shortest_path_pairs_begin(rk_ctx *ctx, const rk_graph *g,
													const rk_path_pairs_params *params,
													rk_path_pairs **pairs);
extern rk_status rk_graph_shortest_path_pairs_next(rk_path_pairs *pairs,
												   rk_path_rows *rows);
extern void rk_graph_shortest_path_pairs_end(rk_path_pairs *pairs);
extern int64_t rk_graph_shortest_path_pairs_memory(int64_t nodes, bool weighted,
												   int threads,
												   const rk_path_pairs_params *params);

/* What the distances from one source come to, with lengths. */
typedef struct rk_source_sums
{
	int64_t		reached;		/* other nodes */
	double		distance;
	double		inverse;		/* of 1 / distance */
	double		farthest;
} rk_source_sums;

/* Searches to make from many sources. */
typedef struct rk_reach_work
{
	const rk_graph *graph;
	const uint32_t *sources;
	int64_t		count;

	/* without lengths */
	uint32_t   *farthest;		/* by source: hops; 0 if it reaches nothing */
	int64_t    *pairs;			/* [levels]: pairs so many hops apart, 0 at the beginning */
	int64_t		levels;			/* nodes + 1 */

	/* with lengths, all of them >= 0 */
	rk_source_sums *sums;		/* by source */
} rk_reach_work;

/* Something else that makes them; run returns false when it did not. */
typedef struct rk_reach_engine
{
	bool		(*run) (void *arg, const rk_reach_work *work);
	void	   *arg;
} rk_reach_engine;

/*
 * Eccentricity: the largest distance from a node to the nodes it reaches, 0 if
 * none.  n values.  Without weights by bit-parallel breadth-first search, up to
 * 256 sources at once (Then et al. 2014); undirected, single searches first settle
 * what bounds can settle (Takes, Kosters 2013).  With weights, Dijkstra from
 * every node, one thread each.
 *
 * Graph: as above; "in" makes it faster.  Cost: O(n (m + n log n)) with
 * weights, O(n m) without, divided by 64 or more.
 */
extern rk_status rk_graph_shortest_path_eccentricity(rk_ctx *ctx, const rk_graph *g,
													 double *eccentricity);

/* The same where lengths are >= 0, with an engine for the searches; NULL: none. */
extern rk_status rk_graph_shortest_path_eccentricity_by(rk_ctx *ctx, const rk_graph *g,
														const rk_reach_engine *engine,
														double *eccentricity);
extern int64_t rk_graph_shortest_path_eccentricity_memory(int64_t nodes, bool weighted,
														  int threads);

/* ---- average-path-length -------------------------------------------- */

typedef struct rk_path_averages
{
	double		average;		/* distance of a pair with a path; 0 if none */
	double		diameter;		/* largest distance; 0 if none */
	double		radius;			/* smallest eccentricity of nodes that reach another */
	double		effective_diameter;	/* hops within which 9 of 10 pairs are, between
								 * two; NaN with lengths */
	double		global_efficiency;	/* mean of 1 / distance, 0 without a path */
	int64_t		reachable_pairs;	/* ordered pairs of different nodes */
	int64_t		unreachable_pairs;
	bool		connected;		/* every node reaches every other */
	bool		exact;
} rk_path_averages;

/*
 * Distances over all ordered pairs of different nodes: the mean of those that
 * are finite, the extremes, the effective diameter of Leskovec, Kleinberg and
 * Faloutsos (2005, as SNAP has it) and the global efficiency (Latora, Marchiori
 * 2001), which is infinite when two nodes are at distance 0.
 *
 * samples: searches from that many nodes only, drawn as rk_graph_sample_nodes
 * does, and scales pairs by n / samples; 0, or n and more, is exact.  Diameter
 * and radius are then the extremes of what was seen; connected is exact.
 *
 * Graph: "out" built, "in" makes it faster; parallel edges collapsed or merged
 * to the shortest, self-loops dropped.  Without nodes every measure is NaN.
 * Errors: RK_ERR_DATA, a negative length; RK_ERR_OVERFLOW, a distance or their
 * sum is more than float8 can hold.
 * Cost: a bit-parallel search, up to 256 sources in a pass, or with lengths
 * Dijkstra from each.  Memory: rk_graph_average_path_length_memory.
 */
extern rk_status rk_graph_average_path_length(rk_ctx *ctx, const rk_graph *g,
											  int64_t samples, uint64_t seed,
											  rk_path_averages *result);

/* The same with an engine for the searches; NULL: none. */
extern rk_status rk_graph_average_path_length_by(rk_ctx *ctx, const rk_graph *g,
												 int64_t samples, uint64_t seed,
												 const rk_reach_engine *engine,
												 rk_path_averages *result);
extern int64_t rk_graph_average_path_length_memory(int64_t nodes, bool weighted,
												   int threads, int64_t samples);

#endif							/* RK_GRAPH_PATHS_H */

/*
 * graph.h
 *	  The graph kernels: what each computes, over which graph, at what cost.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.
 */
#ifndef RK_GRAPH_GRAPH_H
#define RK_GRAPH_GRAPH_H

#include "../compute/csr.h"

/* ---- pagerank ------------------------------------------------------- */

/* Where the mass of a node without out-edges goes. */
typedef enum rk_dangling
{
	RK_DANGLING_TELEPORT,		/* to the teleport distribution */
	RK_DANGLING_UNIFORM,		/* to all nodes alike */
	RK_DANGLING_SELF,			/* stays where it is */
	RK_DANGLING_NONE			/* is lost: scores add up to less than 1 */
} rk_dangling;

typedef struct rk_pagerank_params
{
	double		damping;		/* [0, 1) */
	double		tolerance;		/* on the L1 change of one iteration, > 0 */
	int			max_iterations; /* >= 1 */
	rk_dangling dangling;
	const double *personalization;	/* n weights >= 0, or NULL: uniform */
} rk_pagerank_params;

/*
 * PageRank (Page, Brin, Motwani, Winograd 1998) by power iteration in Jacobi
 * order: x' = d (P^T x + D q) + (1 - d) t, where P divides the weights of a
 * row by their sum, D is the mass on dangling nodes and q where it goes.
 * Stops when the L1 change is below tolerance; the true L1 error is then at
 * most tolerance * d / (1 - d).
 *
 * Graph: "in" built, parallel edges collapsed or summed, self-loops kept
 * (undirected: one diagonal entry).  Weights are strengths >= 0; a node whose
 * out-weights are all 0 is dangling.  score: n values, sum 1.
 * Errors: RK_ERR_DATA when personalization sums to 0.
 * Cost O(iterations (n + m)) time, 24 n bytes beside the graph.
 */
extern rk_status rk_graph_pagerank(rk_ctx *ctx, const rk_graph *g,
								   const rk_pagerank_params *params,
								   double *score, rk_run *run);

/* ---- connected components --------------------------------------------- */

/* The components of a graph, by falling size, then by smallest node. */
typedef struct rk_components
{
	int64_t		count;
	uint32_t   *root;			/* count: smallest node; in the context */
	uint32_t   *size;			/* count: number of nodes; in the context */
} rk_components;

/*
 * Weak components: nodes joined by a path that may follow edges either way
 * (Afforest: Sutton, Ben-Nun, Barak 2018).  component: n values, the number of
 * the component of every node, 0 for the largest; components of one size are
 * numbered by their smallest node.  result lists the components; its arrays
 * are left in the context.
 *
 * Graph: "out" or "in" built, or both; directed or not; any treatment of
 * parallel edges and self-loops, none of which matters, nor do weights.  With
 * a directed graph both directions save time and are not needed.
 * Errors: none of its own.
 * Cost O((n + m) log n) at worst, in practice one pass over the nodes and less
 * than one over the edges.  Memory: rk_graph_weak_components_memory, some
 * 16 n bytes at most, beside the result.
 */
extern rk_status rk_graph_weak_components(rk_ctx *ctx, const rk_graph *g,
										  uint32_t *component,
										  rk_components *result);

/*
 * The same from edges as they were read, which is several times faster than
 * building a graph for it.  Weights are not looked at.
 * Errors: RK_ERR_LIMIT when there are more than RK_MAX_NODES nodes.
 */
extern rk_status rk_graph_weak_components_edges(rk_ctx *ctx, const rk_edges *edges,
												uint32_t *component,
												rk_components *result);

/*
 * Strong components: nodes that reach each other along the arcs (Tarjan 1972,
 * as reformulated by Pearce 2016, without recursion).  Results as above.  In
 * an undirected graph they are the weak ones.
 *
 * Graph: "out" built; parallel edges, self-loops and weights as above.
 * Errors: none of its own.
 * Cost O(n + m) on one thread; 20 n bytes beside the graph and the result.
 */
extern rk_status rk_graph_strong_components(rk_ctx *ctx, const rk_graph *g,
											uint32_t *component,
											rk_components *result);

/*
 * Bytes that the functions above take beside graph or edges and component,
 * result included, with blocks not rounded up.  arcs: entries of one direction;
 * for an edge list its rows.
 */
extern int64_t rk_graph_weak_components_memory(int64_t nodes, int64_t arcs, int threads);
extern int64_t rk_graph_strong_components_memory(int64_t nodes, int64_t arcs, int threads);

/* ---- louvain-community ---------------------------------------------- */

typedef enum rk_community_algorithm
{
	RK_COMMUNITY_LOUVAIN,
	RK_COMMUNITY_LEIDEN
} rk_community_algorithm;

typedef struct rk_louvain_params
{
	double		resolution;		/* > 0 */
	rk_community_algorithm algorithm;
	double		min_gain;		/* of Q, that a level must bring, >= 0 */
	int			max_levels;		/* >= 1, or 0: no limit */
	int			max_iterations; /* move passes per level, >= 1 */
	uint64_t	seed;
} rk_louvain_params;

typedef struct rk_communities
{
	int			levels;
	uint32_t  **community;		/* [levels][n], finest first */
	int64_t    *count;			/* [levels] communities */
	double		modularity;		/* Q of the last level */
} rk_communities;

extern rk_status rk_graph_louvain_community(rk_ctx *ctx, const rk_graph *g,
											const rk_louvain_params *params,
											rk_communities *result, rk_run *run);

/* ---- degree-centrality ---------------------------------------------- */

typedef struct rk_degrees
{
	int64_t    *degree;			/* in + out; undirected: neighbours, a loop twice */
	int64_t    *in_degree;		/* distinct predecessors, itself included */
	int64_t    *out_degree;		/* distinct successors, itself included */
	double	   *score;			/* degree / (n - 1) */
	double	   *in_score;
	double	   *out_score;
	int64_t    *in_edges;		/* rows, parallel ones counted each */
	int64_t    *out_edges;
	double	   *in_strength;	/* sums of weights; NULL if unweighted */
	double	   *out_strength;
	int64_t    *neighbors;		/* distinct other nodes, either direction */
} rk_degrees;

/*
 * Degree centrality (Freeman 1978): degrees by distinct nodes, by rows and by
 * weight.  A graph of one node has scores 0.  Undirected: a self-loop adds 2
 * to degree and edges and 2w to strength, and the in and out columns equal the
 * undirected ones.
 *
 * Graph: "out" and "in" built, parallel edges and self-loops kept.  The arrays
 * of the result (n entries each) are allocated in ctx.
 * Cost O(n + m) time, 88 n bytes (104 n weighted).
 */
extern rk_status rk_graph_degree_centrality(rk_ctx *ctx, const rk_graph *g,
											rk_degrees *result);

/* ---- betweenness-centrality ----------------------------------------- */

typedef struct rk_betweenness_params
{
	bool		normalized;		/* divide by the number of pairs */
	bool		endpoints;		/* a path counts at its ends too; node form */
	int64_t		samples;		/* sources to search from, >= 1; 0: all */
	double		epsilon;		/* greatest error, in (0, 1); 0: no estimate.
								 * Not together with samples */
	double		delta;			/* probability of a greater one, in (0, 1) */
	uint64_t	seed;			/* of samples and of epsilon */
} rk_betweenness_params;

/*
 * Betweenness centrality (Brandes 2001): the sum over ordered pairs of nodes
 * s, t other than v of the share of shortest paths from s to t that run over
 * v; undirected, half of it.  Normalized, the sum over ordered pairs divided
 * by (n - 1)(n - 2), with endpoints by n (n - 1).  n <= 2 without endpoints: 0.
 *
 * samples: searches from the samples nodes with the smallest h(seed, node)
 * only, and scales the sums by (n - 1) / samples, at the sampled nodes
 * themselves by (n - 1) / (samples - 1), and by n / samples with endpoints.
 * As many samples as nodes, or more, are all nodes.
 *
 * epsilon: samples shortest paths until every normalized score is within
 * epsilon of the true one with probability at least 1 - delta, adaptively as
 * KADABRA does (Borassi and Natale 2016).
 *
 * Graph: "out" and "in" built, parallel edges collapsed or merged to the
 * shortest, self-loops dropped.  Weights are lengths > 0; paths are equally
 * long when their sums in float8, taken from the source on, are equal.
 * score: n values.  *used: how many sources were asked for, n unless samples
 * or epsilon; with epsilon, how many pairs of nodes were drawn.
 * Errors: RK_ERR_DATA, a length that is not positive; RK_ERR_OVERFLOW, more
 * shortest paths between two nodes, or a longer one, than float8 can hold.
 * Cost: k searches of O(n + m), with weights O((n + m) log n), k = samples or
 * n less the nodes on trees that hang on the graph; one thread a search.
 * Memory: rk_graph_betweenness_memory, about 20 n + 8 m bytes (16 m with
 * weights; m as entries of both directions) and 45 n (64 n) for every thread.
 */
extern rk_status rk_graph_betweenness_centrality(rk_ctx *ctx, const rk_graph *g,
												 const rk_betweenness_params *params,
												 double *score, int64_t *used);

/*
 * The same for edges: the shares of shortest paths from s to t, any two nodes,
 * that run over the edge; normalized, divided by n (n - 1); samples scale by
 * n / samples.  endpoints is not looked at.
 *
 * score: one value for each entry of "out"; undirected, both entries of an
 * edge hold its value.
 * Cost: every search looks at all arcs once more, also in parallel.  Memory:
 * 8 bytes an entry of "out" more.
 */
extern rk_status rk_graph_betweenness_centrality_edges(rk_ctx *ctx, const rk_graph *g,
													   const rk_betweenness_params *params,
													   double *score, int64_t *used);

/*
 * Bytes that the functions above take beside graph and score.  arcs: entries
 * of one direction, undirected 2 for an edge.
 */
extern int64_t rk_graph_betweenness_memory(int64_t nodes, int64_t arcs, bool directed,
										   bool weighted, bool edges, int threads,
										   const rk_betweenness_params *params);

/*
 * The sample of count nodes out of n that a seed stands for, in every kernel
 * that samples nodes: those with the smallest h(seed, node), in that order.
 * nodes: min(count, n) values.
 */
extern rk_status rk_graph_sample_nodes(rk_ctx *ctx, int64_t n, int64_t count,
									   uint64_t seed, uint32_t *nodes);

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

typedef struct rk_path_pairs_params
{
	const uint32_t *from;		/* count pairs; NULL: all pairs of two nodes */
	const uint32_t *to;
	int64_t		count;
	double		max_distance;	/* >= 0; INFINITY: none */
	bool		paths;			/* the nodes on the paths as well */
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

/*
 * Eccentricity: the largest distance from a node to the nodes it reaches, 0 if
 * none.  n values.  Without weights by bit-parallel breadth-first search, 64
 * sources at once (Then et al. 2014); undirected, single searches first settle
 * what bounds can settle (Takes, Kosters 2013).  With weights, Dijkstra from
 * every node, one thread each.
 *
 * Graph: as above; "in" makes it faster.  Cost: O(n (m + n log n)) with
 * weights, O(n m) without, divided by 64 or more.
 */
extern rk_status rk_graph_shortest_path_eccentricity(rk_ctx *ctx, const rk_graph *g,
													 double *eccentricity);
extern int64_t rk_graph_shortest_path_eccentricity_memory(int64_t nodes, bool weighted,
														  int threads);

/* ---- triangle counting ------------------------------------------------- */

typedef struct rk_triangle_totals
{
	unsigned __int128 triangles;
	unsigned __int128 wedges;	/* pairs of neighbours of a node */
	double		transitivity;	/* 3 triangles / wedges; 0 without wedges */
} rk_triangle_totals;

extern rk_status rk_graph_triangle_counts(rk_ctx *ctx, const rk_graph *g,
										  int64_t *triangles, double *clustering,
										  rk_triangle_totals *totals);
extern rk_status rk_graph_triangle_support(rk_ctx *ctx, const rk_graph *g,
										   uint32_t *support);

#endif							/* RK_GRAPH_GRAPH_H */

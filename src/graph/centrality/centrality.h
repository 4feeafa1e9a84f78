/*
 * centrality.h
 *	  Who matters: what each centrality kernel computes, at what cost.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.
 */
#ifndef RK_GRAPH_CENTRALITY_H
#define RK_GRAPH_CENTRALITY_H

#include "../../compute/csr.h"
#include "dangling.h"

/* ---- pagerank ------------------------------------------------------- */

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

/* Bytes beside graph and score. */
extern int64_t rk_graph_pagerank_memory(int64_t nodes, int64_t arcs, int threads);

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
 * Cost O(n + m) time, 72 n bytes (88 n weighted) and n / 8 a thread.
 */
extern rk_status rk_graph_degree_centrality(rk_ctx *ctx, const rk_graph *g,
											rk_degrees *result);

/* The same for one node: arrays of one entry, in time of its degree and n / 64. */
extern rk_status rk_graph_degree_centrality_node(rk_ctx *ctx, const rk_graph *g,
												 uint32_t node, rk_degrees *result);

/* Bytes beside the graph, result included. */
extern int64_t rk_graph_degree_centrality_memory(int64_t nodes, int threads, bool weighted);

/* ---- betweenness-centrality ----------------------------------------- */

/*
 * Searches to make over a graph with "in" built: for every source s, total[v] +=
 * source_mass[s] * (dependency of s on v + extra) for every v but s that is
 * found, and reach[s] = how many these are; a node counts as mass[v] targets.
 * With edges total is by entry of "out": source_mass[s] * (paths from s to v) *
 * (mass[w] + dependency of s on w) / (paths from s to w) for every arc (v, w)
 * that shortest paths use.
 */
typedef struct rk_betweenness_work
{
	const rk_graph *graph;
	bool		edges;
	const uint32_t *sources;
	int64_t		count;
	const uint32_t *source_mass;	/* by node; NULL: 1 each */
	const uint32_t *mass;		/* by node; NULL: 1 each */
	double		extra;
	double	   *total;			/* 0 at the beginning */
	uint32_t   *reach;			/* by node */
} rk_betweenness_work;

/*
 * Paths to draw until all elements (nodes, or with edges entries of "out") are
 * known, at most limit of them; see betweenness_sampling.c.  With ends they hit their ends as well.
 */
typedef struct rk_betweenness_sampling
{
	const rk_graph *graph;
	bool		edges;
	bool		ends;
	double		epsilon;
	double		delta;
	uint64_t	seed;
	int64_t		limit;
	int64_t    *hits;			/* by element; undirected edges at the smaller end */
	int64_t    *samples;		/* how many it were */
} rk_betweenness_sampling;

typedef struct rk_betweenness_params
{
	bool		normalized;		/* divide by the number of pairs */
	bool		endpoints;		/* a path counts at its ends too; node form */
	int64_t		samples;		/* sources to search from, >= 1; 0: all */
	double		epsilon;		/* greatest error, in (0, 1); 0: no estimate.
								 * Not together with samples */
	double		delta;			/* probability of a greater one, in (0, 1) */
	uint64_t	seed;			/* of samples and of epsilon */

	/*
	 * Something else to make the searches, or with epsilon to draw the paths;
	 * false: it did not.  NULL: there is none.
	 */
	bool		(*engine) (void *arg, const rk_betweenness_work *work);
	bool		(*sampler) (void *arg, const rk_betweenness_sampling *work);
	void	   *engine_arg;
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
 * of one direction, undirected 2 for an edge.  An engine in params, used or not,
 * is given both directions of a directed graph with weights.
 */
extern int64_t rk_graph_betweenness_memory(int64_t nodes, int64_t arcs, bool directed,
										   bool weighted, bool edges, int threads,
										   const rk_betweenness_params *params);

/* ---- closeness-centrality ------------------------------------------- */

typedef enum rk_closeness_variant
{
	RK_CLOSENESS_WASSERMAN_FAUST,	/* r / (n - 1) * r / S */
	RK_CLOSENESS_CLASSIC,		/* r / S */
	RK_CLOSENESS_HARMONIC,		/* sum of 1 / d; normalized / (n - 1) */
	RK_CLOSENESS_SUM			/* 1 / S; normalized r / S */
} rk_closeness_variant;

typedef struct rk_closeness_params
{
	rk_closeness_variant variant;
	bool		normalized;
	bool		in;				/* distances to the node, not from it */
	int64_t		samples;		/* pivots, >= 1, undirected graphs only; 0: exact */
	uint64_t	seed;			/* of samples */
} rk_closeness_params;

/*
 * Closeness centrality (Bavelas 1950; Wasserman, Faust 1994; harmonic:
 * Marchiori, Latora 2000, Boldi, Vigna 2014).  r is the number of other nodes
 * that a node reaches, S the sum of the distances to them; where r is 0 the
 * score is 0, whatever the variant.  A node that is at distance 0 from all it
 * reaches has an infinite score.
 *
 * samples: distances to that many pivots only, drawn as rk_graph_sample_nodes
 * does (Eppstein, Wang 2004).  In a component of N nodes with p pivots r is
 * N - 1, and S and the harmonic sum are N / p times those over the pivots; a
 * node that has no pivot beside it in its component has score and S NaN.
 *
 * Graph: "out" and "in" built, parallel edges collapsed or merged to the
 * shortest, self-loops dropped.  Weights are lengths >= 0, for harmonic > 0.
 * score, reachable (r), distance_sum (S): n values each.
 * Errors: RK_ERR_DATA, a length that is negative, or zero for harmonic;
 * RK_ERR_OVERFLOW, a distance or a sum that float8 cannot hold.
 * Cost: without weights bit-parallel breadth-first search, 256 sources in a
 * pass of O(m) for each of its levels at most; sums are whole numbers, the
 * harmonic one in fixed point with 64 bits behind the point.  With weights a
 * Dijkstra search for each source.  Memory: rk_graph_closeness_memory.
 */
extern rk_status rk_graph_closeness_centrality(rk_ctx *ctx, const rk_graph *g,
											   const rk_closeness_params *params,
											   double *score, int64_t *reachable,
											   double *distance_sum);

/* Bytes that it takes beside graph and result. */
extern int64_t rk_graph_closeness_memory(int64_t nodes, bool weighted, int threads,
										 const rk_closeness_params *params);

/* ---- eigenvector-centrality ----------------------------------------- */

typedef enum rk_eigenvector_norm
{
	RK_EIGENVECTOR_L2,			/* squares add up to 1 */
	RK_EIGENVECTOR_MAX,			/* the largest is 1 */
	RK_EIGENVECTOR_SUM			/* they add up to 1 */
} rk_eigenvector_norm;

typedef struct rk_eigenvector_params
{
	double		tolerance;		/* on the mean change of a score, > 0 */
	int			max_iterations; /* products with the matrix, >= 1 */
	rk_eigenvector_norm norm;
} rk_eigenvector_params;

/*
 * Eigenvector centrality (Bonacich 1987): the dominant non-negative eigenvector
 * of the transposed adjacency matrix, so that a node is important by those that
 * point to it.  It is where x' = (x + B x) / |x + B x| leads from a uniform
 * start, B being the matrix divided by its largest entry; the shift by x keeps
 * bipartite graphs from swinging.  An iteration that changes the scores by
 * less than n * tolerance in all is the last; Krylov spaces between the
 * iterations (Arnoldi 1951) save most of them.
 *
 * *eigenvalue: x^T A^T x at unit length.  Without a cycle of positive weights
 * it is 0, and so are all scores.
 *
 * Graph: "in" built, parallel edges collapsed or summed, self-loops kept
 * (undirected: one diagonal entry).  Weights are strengths >= 0.  score: n
 * values.
 * Errors: RK_ERR_OVERFLOW, weights whose sum float8 cannot hold.
 * Cost O(iterations (n + m)) time.  Memory: rk_graph_eigenvector_memory, 8 n
 * bytes and, where plain iterations do not do, 104 n for the space.
 */
extern rk_status rk_graph_eigenvector_centrality(rk_ctx *ctx, const rk_graph *g,
												 const rk_eigenvector_params *params,
												 double *score, double *eigenvalue,
												 rk_run *run);

/* Bytes that it takes beside graph and score; arcs: entries of "in". */
extern int64_t rk_graph_eigenvector_memory(int64_t nodes, int64_t arcs);

/* ---- katz-centrality ------------------------------------------------ */

typedef enum rk_katz_norm
{
	RK_KATZ_L2,					/* squares add up to 1 */
	RK_KATZ_MAX,				/* the largest magnitude is 1 */
	RK_KATZ_NONE				/* as they are */
} rk_katz_norm;

typedef struct rk_katz_params
{
	double		alpha;			/* > 0; 0: 1 / (1 + largest in-strength) */
	double		beta;			/* finite */
	const double *node_beta;	/* n values instead of beta, NaN: beta; or NULL */
	double		tolerance;		/* on the mean change of a score, > 0 */
	int			max_iterations; /* >= 1 */
	rk_katz_norm norm;
} rk_katz_params;

/*
 * Katz centrality (Katz 1953): x = alpha A^T x + beta, the walks that end in a
 * node, each step being worth alpha.  Iterates from 0 until the scores change
 * by less than n * tolerance in all.  *alpha: the one that was used.
 *
 * Graph: as for eigenvector centrality.  score: n values.
 * Errors: RK_ERR_PARAMETER, alpha is not below 1 / the largest eigenvalue: a
 * score overflows, or at the last iteration the change is larger than 100
 * iterations before.  RK_ERR_OVERFLOW, values of beta too large to be added up.
 * Cost O(iterations (n + m)) time.  Memory: rk_graph_katz_memory, 8 n bytes.
 */
extern rk_status rk_graph_katz_centrality(rk_ctx *ctx, const rk_graph *g,
										  const rk_katz_params *params,
										  double *score, double *alpha, rk_run *run);

/* Bytes that it takes beside graph and score; arcs: entries of "in". */
extern int64_t rk_graph_katz_memory(int64_t nodes, int64_t arcs);

/*
 * The sample of count nodes out of n that a seed stands for, in every kernel
 * that samples nodes: those with the smallest h(seed, node), in that order.
 * nodes: min(count, n) values.
 */
extern rk_status rk_graph_sample_nodes(rk_ctx *ctx, int64_t n, int64_t count,
									   uint64_t seed, uint32_t *nodes);

#endif							/* RK_GRAPH_CENTRALITY_H */

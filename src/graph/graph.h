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

#endif							/* RK_GRAPH_GRAPH_H */

/*
 * measures.h
 *	  One look at a whole graph: what each measure says, at what cost.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names and returns a rk_status.  n is the number of nodes, m the
 * number of edges.  None depends on the number of threads in any bit.  NaN
 * stands for a measure that is not defined.
 */
#ifndef RK_GRAPH_MEASURES_H
#define RK_GRAPH_MEASURES_H

#include "../../compute/csr.h"

/* ---- density -------------------------------------------------------- */

typedef struct rk_density
{
	int64_t		nodes;
	int64_t		edges;			/* distinct, without loops: arcs, or undirected edges */
	double		density;		/* edges / possible edges, in [0, 1] */
	int64_t		self_loops;		/* rows from a node to itself */
	int64_t		parallel_edges; /* other rows that repeat an edge */
	double		reciprocity;	/* share of the arcs whose reverse is there; NaN
								 * undirected or without arcs */
} rk_density;

/*
 * Density: the share of the possible edges that exist.  The graph is taken as
 * simple: of n (n - 1) arcs, or n (n - 1) / 2 undirected edges; 0 below two
 * nodes.  Reciprocity is that of networkx and igraph: arcs whose reverse
 * exists / arcs.
 *
 * Graph: "out" built and, directed, "in"; parallel edges and self-loops kept,
 * for they are counted.  Weights are not looked at.
 * Cost O(n + m), all threads.  Memory: rk_graph_density_memory.
 */
extern rk_status rk_graph_density(rk_ctx *ctx, const rk_graph *g, rk_density *result);

/* Bytes beside the graph; arcs: entries of one direction. */
extern int64_t rk_graph_density_memory(int64_t nodes, int64_t arcs);

#endif							/* RK_GRAPH_MEASURES_H */

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

/* ---- full-metrics --------------------------------------------------- */

typedef struct rk_full_metrics
{
	rk_density	density;
	double		mean_degree;	/* the undirected graph: 2 e / n */
	int64_t		max_degree;
	double		degree_assortativity;	/* correlation of the degrees of neighbours;
										 * NaN where all are alike */
	double		average_clustering;
	double		transitivity;
	unsigned __int128 triangles;
	int64_t		degeneracy;		/* largest k with a k-core */
	int64_t		components;		/* weak */
	int64_t		largest_component;	/* nodes of it */
	int64_t		strong_components;	/* undirected: as components */
	double		average_path_length;
	double		diameter;
	double		radius;
	double		global_efficiency;
	bool		exact;			/* false: distances are sampled */
} rk_full_metrics;

/*
 * All measures of a graph at once, each as its own kernel defines it, on the
 * simple graph.  Degrees, clustering, triangles, degeneracy (Matula, Beck 1983)
 * and degree assortativity (Newman 2002) are those of the undirected graph
 * under it; distances and strong components follow the arcs.  samples and seed:
 * of the distances only, as in rk_graph_average_path_length.  Measures that the
 * empty graph does not have are NaN.
 *
 * Graph: as for rk_graph_density.
 * Errors: RK_ERR_LIMIT, a node with more than 2^31 - 1 neighbours.
 * Cost: that of the distances, unless they are sampled, else of the triangles.
 * Memory: rk_graph_full_metrics_memory, with a simple copy of the graph where it
 * has loops or repeats; arcs are entries of one direction.
 */
extern rk_status rk_graph_full_metrics(rk_ctx *ctx, const rk_graph *g, int64_t samples,
									   uint64_t seed, rk_full_metrics *result);
extern int64_t rk_graph_full_metrics_memory(int64_t nodes, int64_t arcs, bool directed,
											int threads, int64_t samples);

#endif							/* RK_GRAPH_MEASURES_H */

/*
 * patterns.h
 *	  Which small patterns a node is part of: triangles, stars, cycles, motifs.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.  The functions named
 * _memory give the bytes that a kernel takes beside the graph and the arrays of
 * its result; arcs is the number of entries of one direction of the graph.
 */
#ifndef RK_GRAPH_PATTERNS_H
#define RK_GRAPH_PATTERNS_H

#include "../../compute/csr.h"

/* ---- triangle-counting ------------------------------------------------- */

typedef struct rk_triangle_totals
{
	unsigned __int128 triangles;
	unsigned __int128 wedges;	/* pairs of neighbours of a node */
	double		transitivity;	/* 3 triangles / wedges; 0 without wedges */
} rk_triangle_totals;

/*
 * Triangles of an undirected graph: triangles[v] is the number of those that v
 * is a corner of, clustering[v] that number as a share of the pairs of
 * neighbours of v, 0 below two neighbours (Watts and Strogatz 1998).  Both may
 * be NULL, which saves the counting per node.  totals: of the whole graph.
 *
 * Graph: "out" built, undirected, parallel edges collapsed (or merged; weights
 * are not looked at), self-loops dropped.  n values each.
 * Errors: RK_ERR_LIMIT, a node with more than 2^31 - 1 neighbours.
 * Cost O(m^1.5) at worst: a look into a table for each pair of neighbours of a
 * node that have more neighbours than it.
 */
extern rk_status rk_graph_triangle_counts(rk_ctx *ctx, const rk_graph *g,
										  int64_t *triangles, double *clustering,
										  rk_triangle_totals *totals);

/*
 * What follows from the triangles of every node and their number in all, which
 * is in totals: the rest of totals and, if not NULL, clustering.
 */
extern rk_status rk_graph_triangle_shares(rk_ctx *ctx, const rk_graph *g,
										  const int64_t *triangles, double *clustering,
										  rk_triangle_totals *totals);

/*
 * The support of every edge: the number of triangles that it is a side of.
 * support: one value for each entry of "out", both entries of an edge alike.
 * The rest as above.
 */
extern rk_status rk_graph_triangle_support(rk_ctx *ctx, const rk_graph *g,
										   uint32_t *support);

typedef enum rk_triangle_form
{
	RK_TRIANGLES_IN_ALL,		/* rk_graph_triangle_counts without triangles */
	RK_TRIANGLES_OF_NODES,
	RK_TRIANGLES_OF_EDGES		/* rk_graph_triangle_support */
} rk_triangle_form;

extern int64_t rk_graph_triangle_counting_memory(int64_t nodes, int64_t arcs,
												 rk_triangle_form form, int threads);

/* ---- clustering-coefficient -------------------------------------------- */

typedef enum rk_clustering_variant
{
	RK_CLUSTERING_WATTS_STROGATZ,
	RK_CLUSTERING_ONNELA,
	RK_CLUSTERING_BARRAT,
	RK_CLUSTERING_FAGIOLO,
	RK_CLUSTERING_GRAPHALYTICS
} rk_clustering_variant;

typedef struct rk_clustering_totals
{
	double		average;		/* over all nodes; 0 without nodes */
	double		average_nonzero_degree; /* over those with k >= 2; 0 without them */
	rk_triangle_totals triangles;
} rk_clustering_totals;

/*
 * Clustering coefficient of every node: how much its neighbours are joined, in
 * [0, 1].  k is the number of distinct neighbours in either direction, T the
 * number of triangles at the node; k < 2 gives 0.
 *
 * watts-strogatz (1998): 2 T / (k (k - 1)).
 * onnela (Onnela, Saramaki, Kertesz, Kaski 2005): every triangle counts the
 *	 cube root of the product of its three weights, each divided by the largest
 *	 weight of the graph.
 * barrat (Barrat, Barthelemy, Pastor-Satorras, Vespignani 2004): the weights of
 *	 the two edges at the node, by the sum over the edges of all triangles of
 *	 the weight, divided by s (k - 1), s the node's strength; 0 where s is 0.
 * fagiolo (2007): directed triangles of any orientation / 2 (d (d - 1) - 2 b),
 *	 d = in-degree + out-degree, b the number of reciprocated arcs.
 * graphalytics (LDBC, local clustering coefficient): arcs among the neighbours
 *	 / (k (k - 1)).
 *
 * Graph: self-loops dropped; for the first three undirected, "out" built,
 * parallel edges collapsed, for onnela and barrat summed (weights >= 0); for
 * the last two directed, "out" and "in" built, parallel edges collapsed.
 * degree (k), triangles (T) and clustering: n values each.  totals, triangles
 * of the undirected graph among them.
 * Errors: RK_ERR_DATA when all weights are 0 and there are some; RK_ERR_LIMIT
 * as above.
 * Cost: that of counting triangles, twice for onnela and the directed ones.
 */
extern rk_status rk_graph_clustering_coefficient(rk_ctx *ctx, const rk_graph *g,
												 rk_clustering_variant variant,
												 int64_t *degree, int64_t *triangles,
												 double *clustering,
												 rk_clustering_totals *totals);
extern int64_t rk_graph_clustering_coefficient_memory(int64_t nodes, int64_t arcs,
													  rk_clustering_variant variant,
													  int threads);

/* ---- degree-ratio ------------------------------------------------------ */

/* What ratio and role are taken from. */
typedef enum rk_ratio_basis
{
	RK_RATIO_DEGREE,			/* distinct neighbours */
	RK_RATIO_EDGES,				/* rows, parallel ones counted each */
	RK_RATIO_WEIGHT				/* strengths */
} rk_ratio_basis;

typedef enum rk_degree_role
{
	RK_ROLE_ISOLATED,			/* nothing enters, nothing leaves */
	RK_ROLE_SOURCE,				/* ratio < source_threshold */
	RK_ROLE_BALANCED,
	RK_ROLE_SINK				/* ratio > sink_threshold */
} rk_degree_role;

typedef struct rk_degree_ratio_params
{
	double		source_threshold;	/* 0 <= source_threshold <= sink_threshold */
	double		sink_threshold;
	rk_ratio_basis basis;		/* RK_RATIO_WEIGHT: the graph has weights */
} rk_degree_ratio_params;

/* n values each, allocated in the context. */
typedef struct rk_degree_ratios
{
	int64_t    *in_degree;		/* distinct predecessors */
	int64_t    *out_degree;		/* distinct successors */
	double	   *ratio;			/* in / out by the basis; 0 / 0 is 0, x / 0 INFINITY */
	double	   *neighbor_degree_variance;
	uint8_t    *role;			/* rk_degree_role */
	double	   *in_strength;	/* sums of weights; NULL if unweighted */
	double	   *out_strength;
	double	   *strength_ratio; /* like ratio */
} rk_degree_ratios;

/*
 * What enters a node as a share of what leaves it, and the role that follows
 * from it.  neighbor_degree_variance: population variance of out_degree over
 * the distinct successors, 0 without any; from exact sums, rounded once.
 *
 * Graph: directed, "out" and "in" built, parallel edges kept, self-loops
 * dropped.  Weights are strengths >= 0.
 * Errors: none of its own.
 * Cost O(n + m).  Nothing beside the result.
 */
extern rk_status rk_graph_degree_ratio(rk_ctx *ctx, const rk_graph *g,
									   const rk_degree_ratio_params *params,
									   rk_degree_ratios *result);

/* Of the result, and of the bounds of chunks. */
extern int64_t rk_graph_degree_ratio_memory(int64_t nodes, int64_t arcs, bool weighted);

/* ---- star-topology ----------------------------------------------------- */

typedef enum rk_star_type
{
	RK_STAR_NONE,
	RK_STAR_IN,
	RK_STAR_OUT,
	RK_STAR_MIXED
} rk_star_type;

typedef struct rk_star_params
{
	int64_t		min_degree;		/* spokes that make a star, >= 1 */
	double		dominance;		/* share of one direction, [0.5, 1) */
} rk_star_params;

/* n values each, allocated in the context. */
typedef struct rk_stars
{
	double	   *score;
	uint8_t    *type;			/* rk_star_type */
	int64_t    *spokes;			/* distinct neighbours in either direction */
	int64_t    *inter_spoke_edges;	/* pairs of them joined in either direction */
	int64_t    *in_degree;		/* distinct predecessors */
	int64_t    *out_degree;		/* distinct successors */
	double	   *in_strength;	/* sums of weights; NULL if unweighted */
	double	   *out_strength;
	double	   *pass_through;	/* smaller strength / larger one, NAN where both
								 * are 0; NULL if unweighted */
} rk_stars;

/*
 * How much of a star a node and its neighbours are: 1 - inter_spoke_edges /
 * (s (s - 1) / 2) with s spokes, which is 1 - its clustering coefficient; 0
 * below max(2, min_degree) spokes.  type: none below min_degree spokes, in-star
 * when in_degree > dominance (in_degree + out_degree), out-star likewise, else
 * mixed.
 *
 * Graph: directed, "out" and "in" built, self-loops dropped, parallel edges
 * collapsed, or summed with weights >= 0.
 * Errors: RK_ERR_LIMIT as for triangles.
 * Cost: that of counting triangles.
 */
extern rk_status rk_graph_star_topology(rk_ctx *ctx, const rk_graph *g,
										const rk_star_params *params, rk_stars *result);

/* With the result. */
extern int64_t rk_graph_star_topology_memory(int64_t nodes, int64_t arcs, bool weighted,
											 int threads);

/* ---- cycle-participation ----------------------------------------------- */

typedef enum rk_cycle_risk
{
	RK_RISK_BASELINE,			/* none of these */
	RK_RISK_LOW,				/* cycles_3 >= 1 or cycles_2 >= 3 */
	RK_RISK_MEDIUM,				/* cycles_3 >= 3 */
	RK_RISK_HIGH,				/* cycles_4 >= 1 */
	RK_RISK_CRITICAL			/* cycles_4 > 3 */
} rk_cycle_risk;

/* n values each, allocated in the context. */
typedef struct rk_cycle_counts
{
	int64_t    *cycles_2;
	int64_t    *cycles_3;
	int64_t    *cycles_4;
	double	   *weight;			/* of the cyclic arcs at the node */
	double	   *ratio;			/* cyclic arcs at the node / all arcs at it */
	uint8_t    *risk;			/* rk_cycle_risk */
} rk_cycle_counts;

/*
 * Simple cycles of two, three and four arcs through every node.  An arc is
 * cyclic when it lies on one of them; weight and ratio are about the arcs that
 * leave or enter the node, each once (unweighted: weight is their number).
 *
 * undirected: cycles_2 as before; cycles of three and four edges of the
 * undirected graph, in which a pair of opposite arcs is one edge with the sum
 * of their weights; an edge is cyclic when it lies on one of these.
 *
 * Graph: directed, "out" and "in" built, self-loops dropped, parallel edges
 * collapsed, or summed with weights >= 0.
 * Errors: RK_ERR_OVERFLOW, more than 2^63 - 1 cycles at a node.
 * Cost: a step for each path of two arcs, O(sum of in-degree times out-degree);
 * parallel over nodes.
 */
extern rk_status rk_graph_cycle_participation(rk_ctx *ctx, const rk_graph *g,
											  bool undirected, rk_cycle_counts *result);

/* With the result. */
extern int64_t rk_graph_cycle_participation_memory(int64_t nodes, int64_t arcs,
												   bool undirected, int threads);

#define RK_MAX_CYCLE_LENGTH 12	/* that graph kernels offer */
#define RK_LONGEST_CYCLE 64		/* that can be listed */

/* Some cycles; valid until the next call. */
typedef struct rk_cycle_rows
{
	int64_t		count;			/* 0: no more */
	int64_t    *offsets;		/* count + 1 into nodes */
	uint32_t   *nodes;			/* smallest first, then along the arcs */
	double	   *min_weight;		/* of the arcs of the cycle; unweighted 1 */
	double	   *total_weight;
} rk_cycle_rows;

typedef struct rk_cycles rk_cycles;

/*
 * Simple cycles of up to max_length arcs (2 to RK_LONGEST_CYCLE) as a stream,
 * each once: by their smallest node, then in the order of the rows.  Undirected
 * cycles have three edges or more, and their second node is smaller than the
 * last.  Begin, call next until a batch is empty, end.
 *
 * From every start a depth-first search goes through larger nodes only, and
 * leaves out those from which the start cannot be reached in the arcs that are
 * left, as far as a backward search of half the length knows.
 *
 * Graph: "out" and "in" built, directed or not, self-loops dropped, parallel
 * edges collapsed, or summed.
 * Cost: beside the cycles themselves, the paths of half the length from and to
 * every node.
 */
extern rk_status rk_graph_cycles_begin(rk_ctx *ctx, const rk_graph *g, int max_length,
									   rk_cycles **cycles);
extern rk_status rk_graph_cycles_next(rk_cycles *cycles, rk_cycle_rows *rows);
extern void rk_graph_cycles_end(rk_cycles *cycles);
extern int64_t rk_graph_cycles_memory(int64_t nodes, int max_length);

/* ---- motif-detection --------------------------------------------------- */

#define RK_MOTIF_TYPES 16		/* at most */

typedef struct rk_motif_type
{
	const char *name;
	int			edges;			/* directed: arcs */
	bool		connected;
} rk_motif_type;

typedef struct rk_motif_params
{
	int			size;			/* nodes: 3, or undirected 4 */
	int			randomizations; /* random graphs to compare with, >= 0 */
	uint64_t	seed;			/* of these */
} rk_motif_params;

typedef struct rk_motifs
{
	int			types;			/* entries of what follows, as
								 * rk_graph_motif_types names them */
	unsigned __int128 count[RK_MOTIF_TYPES];
	double		expected[RK_MOTIF_TYPES];	/* NAN without randomizations */
	double		z_score[RK_MOTIF_TYPES];	/* NAN with fewer than two, or where all
											 * random graphs have the same number */
} rk_motifs;

/* The types of subgraphs of this size, in the order of the result. */
extern const rk_motif_type *rk_graph_motif_types(int size, bool directed, int *count);

/*
 * Counts all sets of three or four nodes by the subgraph they induce: four
 * types of three nodes, the sixteen of the triad census when g is directed
 * (Holland and Leinhardt 1970; names by numbers of mutual, asymmetric and null
 * pairs), eleven of four.  The counts add up to C(n, size).
 *
 * randomizations: counts in so many graphs with the degrees of g (directed: in
 * and out), each from 10 m attempts to let two edges swap ends; expected is
 * their mean, z_score (count - expected) / standard deviation of the sample.
 *
 * Graph: "out" built, directed also "in", parallel edges collapsed, self-loops
 * dropped.
 * Errors: RK_ERR_LIMIT as for triangles.
 * Cost: three nodes, that of counting triangles; four, a step for each edge
 * and neighbour of its lower node (O(m^1.5) at worst), and the triangles among
 * the upper neighbours of every node, 64 pairs at a time.  As much again for
 * each randomization.
 */
extern rk_status rk_graph_motif_detection(rk_ctx *ctx, const rk_graph *g,
										  const rk_motif_params *params, rk_motifs *motifs);

/* Type of the subgraph that three different nodes induce. */
extern int	rk_graph_motif_of_three(const rk_graph *g, uint32_t a, uint32_t b, uint32_t c);

extern int64_t rk_graph_motif_detection_memory(int64_t nodes, int64_t arcs, bool directed,
											   int threads, const rk_motif_params *params);

#endif							/* RK_GRAPH_PATTERNS_H */

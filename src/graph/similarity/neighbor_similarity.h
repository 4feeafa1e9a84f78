/*
 * neighbor_similarity.h
 *	  What the four neighbour kernels tell the engine that they share.
 */
#ifndef RK_NEIGHBOR_SIMILARITY_H
#define RK_NEIGHBOR_SIMILARITY_H

#include "similarity_rows.h"

/*
 * A measure of a pair.  Its weight is a number for every entry (u, z) of N(u)
 * that says how much z can bring to a pair of u at most: 1, the value of z,
 * the strength or its square; size[u] is their sum.  A set of neighbours of u
 * whose weights add up to less than need(u, t) brings less than a score of t
 * to any pair.
 */
typedef struct rk_measure
{
	rk_similarity_term term;
	int			power;			/* need(u, t) = t^power size[u]; 0: t itself */
	bool		by_size;		/* the smaller size of a pair is at least need()
								 * of the larger */
	double		lowest;			/* no pair scores less */
	const double *size;			/* n */
	const double *value;		/* n; of RK_TERM_NODE */
	rk_score	score;
} rk_measure;

/* N(u) and, for every z, the nodes whose N contains z. */
typedef struct rk_neighborhoods
{
	int64_t		nodes;
	rk_adjacency rows;			/* N(u) */
	rk_adjacency columns;		/* its transpose */
} rk_neighborhoods;

/* Checks what all four ask of the parameters; least is what min_score is called. */
extern rk_status rk_neighborhoods_open(rk_ctx *ctx, const rk_graph *g,
									   rk_neighborhood direction,
									   const rk_similarity_params *params,
									   const char *least, rk_neighborhoods *hoods);

/*
 * Starts the stream; measure and hoods are copied, arrays stay the caller's.
 * The two kinds of pairs are told apart by params->a.
 */
extern rk_status rk_neighbor_similarity_begin(rk_ctx *ctx, const rk_neighborhoods *hoods,
											  const rk_measure *measure,
											  const rk_similarity_params *params,
											  rk_neighbor_similarity **s);

/* Bytes of the engine, without the arrays of a measure. */
extern int64_t rk_neighbor_similarity_memory(int64_t nodes, int64_t arcs, bool sums,
											 int threads,
											 const rk_similarity_params *params);

/*
 * Replaces the sums of count pairs (the array is not filled in for
 * RK_TERM_NONE) by their scores.
 */
extern void rk_measure_scores(const rk_measure *m, int64_t count, const uint32_t *a,
							  const uint32_t *b, const uint32_t *common, double *score);

/* Sizes when every neighbour weighs 1: the lengths of the rows. */
extern double *rk_neighbor_counts(rk_ctx *ctx, const rk_neighborhoods *hoods);

/*
 * Common neighbours of a and b, and the sum of the measure's terms over them
 * in rising order; members, if not NULL, gets the neighbours.
 */
extern uint32_t rk_neighbor_intersect(const rk_neighborhoods *hoods, const rk_measure *m,
									  uint32_t a, uint32_t b, double *sum,
									  uint32_t *members);

/* ---- the two ways to rows ---- */

#define RK_SIMILARITY_BLOCK 512 /* pairs scored at a time */

/* All pairs (neighbor_wedges.c). */
typedef struct rk_wedges rk_wedges;

extern rk_status rk_wedges_begin(rk_ctx *ctx, const rk_neighborhoods *hoods,
								 const rk_measure *measure,
								 const rk_similarity_params *params, rk_wedges **wedges);

/* rows point into the stream; count 0 at the end. */
extern rk_status rk_wedges_next(rk_wedges *wedges, rk_similarity_rows *rows);
extern void rk_wedges_end(rk_wedges *wedges);
extern int64_t rk_wedges_memory(int64_t nodes, int64_t arcs, bool sums, int threads,
								const rk_similarity_params *params);

#endif							/* RK_NEIGHBOR_SIMILARITY_H */

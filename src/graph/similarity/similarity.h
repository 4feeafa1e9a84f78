/*
 * similarity.h
 *	  What is alike: nodes compared by their neighbours or by their values.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names and returns a rk_status.  n is the number of nodes, m the
 * number of entries of a direction.  Results are streams of rows; neither the
 * rows nor their order depend on the number of threads in any bit.
 */
#ifndef RK_GRAPH_SIMILARITY_H
#define RK_GRAPH_SIMILARITY_H

#include "../../compute/csr.h"
#include "scores.h"

/* ---- what all share --------------------------------------------------- */

/*
 * Which pairs of different nodes have a row.  Pairs that are given have one
 * row each, as often as they are given and in their order, whatever the score;
 * the rest of the parameters then has to be left as zero.
 *
 * Otherwise: top_k keeps the best pairs, per_node the best partners of every
 * node, as rows with that node as a; best is the order of (score falling, a, b).
 * Without them every unordered pair has one row with a < b.  The two exclude
 * each other.
 */
struct rk_pair_search;

typedef struct rk_similarity_params
{
	const uint32_t *a;			/* count pairs; NULL: all pairs */
	const uint32_t *b;
	int64_t		count;
	double		min_score;		/* pairs with less have no row */
	int64_t		top_k;			/* 0: all */
	int64_t		per_node;		/* 0: all */
	bool		exclude_connected;	/* no row for pairs with an edge between
									 * them, in whichever direction */
	bool		with_members;	/* the common neighbours as well */

	/*
	 * Neighbour similarities of all pairs: another engine that finds them, or
	 * NULL.  It makes the next rows and returns true; false: from there on the
	 * CPU does.
	 */
	bool		(*engine) (void *arg, struct rk_pair_search *search);
	void	   *engine_arg;
} rk_similarity_params;

/* Some rows of the result; valid until the next call. */
typedef struct rk_similarity_rows
{
	int64_t		count;			/* 0: no more */
	uint32_t   *a;
	uint32_t   *b;
	double	   *score;
	uint32_t   *common;			/* common neighbours; NULL: not of this kind */
	double	   *distance;		/* value similarity only */
	int64_t    *member_offsets; /* count + 1 into members; NULL unless asked */
	uint32_t   *members;		/* common neighbours, rising */
} rk_similarity_rows;

/* ---- neighbour similarities ------------------------------------------- */

/* Whose ends N(u) holds. */
typedef enum rk_neighborhood
{
	RK_NEIGHBORS_BOTH,			/* of all edges of u: an undirected graph */
	RK_NEIGHBORS_OUT,			/* of the arcs that leave u */
	RK_NEIGHBORS_IN				/* of the arcs that enter u */
} rk_neighborhood;

typedef struct rk_neighbor_similarity rk_neighbor_similarity;

/*
 * What is said here holds for the four kernels below.  Begin, call next until
 * a batch is empty, end; params and its arrays must stay until then.
 *
 * Graph: "out" and "in" built (undirected for RK_NEIGHBORS_BOTH, directed for
 * the others), self-loops dropped, parallel edges collapsed; with weights,
 * summed.  N(u) is therefore a set, or a vector of strengths.
 *
 * Rows: pairs with at least one common neighbour and score >= min_score;
 * given pairs always.  A node beside itself (a given pair) scores as equal.
 * Sums over common neighbours run in rising order of the neighbour, by
 * whichever method a pair is found, so that equal pairs have equal bits.
 *
 * Method: every pair with a common neighbour z is one of the wedges a - z - b;
 * they are counted into a sparse accumulator for every b, one node after the
 * other (Gustavson 1978), each unordered pair once.  A least score is used
 * before counting (Bayardo, Ma, Srikant 2007: prefix filtering): neighbours of
 * a that together cannot bring the score make no candidates; the longest lists
 * are left out first, and the candidates of the rest are compared one by one,
 * if that is less work.  Under top_k the worst pair kept so far is a least
 * score.  Given pairs: intersection of sorted rows, galloping when one is far
 * longer.
 * Cost: O(sum over z of k_z^2) for all pairs, O(k_a + k_b) for a given pair.
 * Memory: rk_graph_<kernel>_memory; the result is never held twice, nor
 * a matrix of n^2.
 *
 * Errors: RK_ERR_PARAMETER, parameters that exclude each other or a node that
 * is not in the graph; RK_ERR_OVERFLOW, sums of weights that float8 cannot
 * hold; RK_ERR_DATA, a negative strength (jaccard).
 */

/*
 * Jaccard (1901): |N(a) n N(b)| / |N(a) u N(b)|, 0 for two empty sets.  With
 * weights the sum of least strengths over the sum of greatest (Ruzicka 1958).
 */
extern rk_status rk_graph_jaccard_similarity(rk_ctx *ctx, const rk_graph *g,
											 rk_neighborhood direction,
											 const rk_similarity_params *params,
											 rk_neighbor_similarity **s);

/*
 * Cosine (Salton 1983): |N(a) n N(b)| / sqrt(|N(a)| |N(b)|), with weights the
 * product of the vectors over that of their lengths, in [-1, 1]; 0 when one is
 * zero.  Weights may be negative.
 */
extern rk_status rk_graph_cosine_similarity(rk_ctx *ctx, const rk_graph *g,
											rk_neighborhood direction,
											const rk_similarity_params *params,
											rk_neighbor_similarity **s);

/* What a common neighbour counts that has d nodes around it. */
typedef enum rk_degree_weighting
{
	RK_WEIGHTING_LOG,			/* 1 / ln d */
	RK_WEIGHTING_INVERSE		/* 1 / d */
} rk_degree_weighting;

/*
 * Adamic and Adar (2003): the sum of 1 / ln d_z over the common neighbours z,
 * d_z the number of nodes whose N contains z; or resource allocation (Zhou,
 * Lu, Zhang 2009), the sum of 1 / d_z.  A node beside itself: neighbours with
 * d_z = 1 add nothing.  Weights are not looked at.
 */
extern rk_status rk_graph_adamic_adar(rk_ctx *ctx, const rk_graph *g,
									  rk_neighborhood direction,
									  rk_degree_weighting weighting,
									  const rk_similarity_params *params,
									  rk_neighbor_similarity **s);

/*
 * The number of common neighbours, as score; min_score is the least number.
 * Weights are not looked at.
 */
extern rk_status rk_graph_common_neighbors(rk_ctx *ctx, const rk_graph *g,
										   rk_neighborhood direction,
										   const rk_similarity_params *params,
										   rk_neighbor_similarity **s);

/* What a common neighbour z adds to the sum of a pair. */
typedef enum rk_similarity_term
{
	RK_TERM_NONE,				/* common neighbours are counted, no more */
	RK_TERM_NODE,				/* a value of z */
	RK_TERM_MIN,				/* min(w_az, w_bz) */
	RK_TERM_PRODUCT				/* w_az w_bz */
} rk_similarity_term;

/*
 * What an engine is asked for: the rows of nodes from begin on, in the order of
 * the nodes, as many as it has room for.  A row belongs to its larger node, which
 * is b; under per_node to the node whose partner it is, which is a, and those of
 * a node are in their order.  Under top_k rows that are not among the best so many
 * of those asked for may be left out, and the order is any.
 */
typedef struct rk_pair_search
{
	rk_similarity_term term;
	rk_score	score;
	int			power;			/* see rk_measure (neighbor_similarity.h) */
	bool		by_size;
	double		lowest;			/* no pair scores less */
	double		threshold;		/* rows that score less are not wanted */
	const double *size;			/* by node */
	const double *value;		/* by node; of RK_TERM_NODE */
	const double *row_weights;	/* of the two directions; NULL: there are none */
	const double *column_weights;
	int64_t		top_k;			/* 0: all */
	int64_t		per_node;
	bool		exclude_connected;
	int64_t		begin;
	int64_t		capacity;		/* rows there is room for: those of any one node */
	rk_similarity_rows *rows;	/* to be filled in */
	int64_t		next;			/* the node to go on from; nodes: the end */
} rk_pair_search;

/*
 * For an engine that intersects the rows of given pairs itself: what it needs,
 * and, before the first call of next, what it found, count numbers each that
 * must stay until the end; sum NULL: the term is RK_TERM_NONE.
 */
typedef struct rk_intersections
{
	rk_similarity_term term;
	const double *value;		/* by node; of RK_TERM_NODE */
	const double *weights;		/* of the rows; NULL: there are none */
} rk_intersections;

extern void rk_graph_neighbor_similarity_wanted(const rk_neighbor_similarity *s, rk_intersections *wanted);
extern void rk_graph_neighbor_similarity_given(rk_neighbor_similarity *s, const uint32_t *common,
											   const double *sum);

extern rk_status rk_graph_neighbor_similarity_next(rk_neighbor_similarity *s,
												   rk_similarity_rows *rows);
extern void rk_graph_neighbor_similarity_end(rk_neighbor_similarity *s);

/* |N(a) u N(b)| of a row. */
extern int64_t rk_neighbor_union(const rk_neighbor_similarity *s, uint32_t a,
								 uint32_t b, uint32_t common);

/*
 * Bytes that one of the four takes beside the graph.  arcs: entries of one
 * direction; weighted: strengths are used.  Cosines of weights whose squares
 * would be out of range take 16 bytes an arc more.
 */
extern int64_t rk_graph_jaccard_similarity_memory(int64_t nodes, int64_t arcs,
												  bool weighted, int threads,
												  const rk_similarity_params *params);
extern int64_t rk_graph_cosine_similarity_memory(int64_t nodes, int64_t arcs,
												 bool weighted, int threads,
												 const rk_similarity_params *params);
extern int64_t rk_graph_adamic_adar_memory(int64_t nodes, int64_t arcs, int threads,
										   const rk_similarity_params *params);
extern int64_t rk_graph_common_neighbors_memory(int64_t nodes, int64_t arcs, int threads,
												const rk_similarity_params *params);

/* ---- value-similarity -------------------------------------------------- */

typedef enum rk_value_metric
{
	RK_VALUE_JSD,
	RK_VALUE_WASSERSTEIN,
	RK_VALUE_WASSERSTEIN_BINNED,
	RK_VALUE_HELLINGER,
	RK_VALUE_KS
} rk_value_metric;

typedef enum rk_binning
{
	RK_BINS_EQUAL_WIDTH,
	RK_BINS_LOGARITHMIC,
	RK_BINS_QUANTILE
} rk_binning;

typedef struct rk_value_params
{
	rk_value_metric metric;
	int			bins;			/* 1 .. 65536; not of ready histograms */
	rk_binning	binning;
	rk_similarity_params pairs; /* exclude_connected and with_members: false */
} rk_value_params;

/*
 * What there is to compare nodes by: count values, finite, every node with one; or
 * a histogram of bins numbers >= 0 for every node, of any sum above 0.
 */
typedef struct rk_observations
{
	int64_t		nodes;
	int64_t		count;
	const uint32_t *node;
	const double *value;
	const double *histograms;	/* nodes x bins; NULL: values */
	int			bins;
} rk_observations;

typedef struct rk_value_similarity rk_value_similarity;

/*
 * Nodes compared by the distribution of their values.  Bins are cut from the
 * values of all nodes: equal-width from the smallest to the largest;
 * logarithmic, of equal ratio (all values > 0); quantile, at the quantiles of
 * type 7 (Hyndman, Fan 1996).  Equal edges are merged.  Bin i holds values in
 * [e_i, e_i+1), the last one its upper edge too; one value alone is one bin.
 *
 *	 jsd					distance: Jensen-Shannon divergence in nats;
 *							score 1 - sqrt(distance / ln 2) (Endres, Schindelin 2003)
 *	 wasserstein			W1 of the samples, in units of the values; score
 *							1 / (1 + d / s), s the width of an equal-width bin
 *	 wasserstein-binned		sum of |CDF_p - CDF_q|, in bins; score 1 / (1 + d)
 *	 hellinger				sqrt(1 - sum sqrt(pq)); score 1 - d
 *	 ks						greatest |F_p - F_q| of the samples; score 1 - d
 *
 * Rows as said above for rk_similarity_params, without the condition of a
 * common neighbour; "distance" beside the score.  params and o must stay until
 * the end.
 * Errors: RK_ERR_DATA, a value that binning does not admit (the row is named),
 * a node without values, a histogram with a negative number or without mass; RK_ERR_OVERFLOW, a
 * range of values that float8 cannot hold; RK_ERR_PARAMETER, wasserstein or ks
 * of ready histograms, parameters that exclude each other.
 * Cost: O(count log count), then O(bins) a pair, samples: O(k_a + k_b).
 * Memory: rk_graph_value_similarity_memory, mainly 8 bytes a node and bin.
 */
extern rk_status rk_graph_value_similarity(rk_ctx *ctx, const rk_observations *o,
										   const rk_value_params *params,
										   rk_value_similarity **s);
extern rk_status rk_graph_value_similarity_next(rk_value_similarity *s,
												rk_similarity_rows *rows);
extern void rk_graph_value_similarity_end(rk_value_similarity *s);
extern int64_t rk_graph_value_similarity_memory(int64_t nodes, int64_t count, int threads,
												const rk_value_params *params);

/* The same for two histograms of one length, on the spot. */
extern rk_status rk_histogram_similarity(rk_ctx *ctx, const double *p, const double *q,
										 int64_t bins, rk_value_metric metric,
										 double *score);

#endif							/* RK_GRAPH_SIMILARITY_H */

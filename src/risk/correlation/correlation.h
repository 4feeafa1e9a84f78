/*
 * correlation.h
 *	  What the kernel of correlations offers.
 */
#ifndef RK_CORRELATION_H
#define RK_CORRELATION_H

#include "../../compute/aggregate.h"

typedef enum rk_correlation_estimator
{
	RK_PEARSON,
	RK_EWMA,					/* RiskMetrics: S_t = lambda S_{t-1} + (1 - lambda) x x',
								 * mean zero, S_0 = x_1 x_1' */
	RK_SPEARMAN,				/* Pearson of mid-ranks */
	RK_HAYASHI_YOSHIDA			/* sum of products of returns whose intervals overlap
								 * (Hayashi, Yoshida 2005) */
} rk_correlation_estimator;

/* Series of assets, each in order of time and without equal times. */
typedef struct rk_observations
{
	int64_t		assets;
	const int64_t *begin;		/* of each asset */
	const int64_t *end;
	const int64_t *time;
	const int64_t *start;		/* of the interval that a value covers up to its time;
								 * INT64_MIN: from ever; for RK_HAYASHI_YOSHIDA */
	const double *value;
} rk_observations;

typedef struct rk_correlation_params
{
	rk_correlation_estimator estimator;
	double		lambda;
	bool		previous_tick;	/* carry the last value; else common times only */
} rk_correlation_params;

/* Number of pairs i < j, in the order (0, 1), (0, 2), ..., (1, 2), ... */
static inline int64_t
rk_pairs_of(int64_t n)
{
	return n * (n - 1) / 2;
}

/* The pairs of n codes in that order. */
extern void rk_list_pairs(const uint32_t *codes, int64_t n, uint32_t *first, uint32_t *second);

/*
 * Correlation from sums of products; NaN when a sum of squares is not above 0.
 * What rounding leaves beyond 1 is cut off.
 */
extern double rk_correlation_of_products(double xy, double xx, double yy);

/* Sets end[i] to where the series of asset i has passed a time. */
extern void rk_observations_until(const rk_observations *o, int64_t time, int64_t *end);

/*
 * Correlation, covariance and number of observations of every pair: sample
 * covariance with n - 1 (pearson, spearman: of the ranks), that of S (ewma),
 * the sum (hayashi_yoshida, with the number of overlaps; its correlation is not
 * bounded by 1).  Correlation is NaN
 * for a constant series and covariance for fewer than two observations.
 *
 * A pair is about the times at which both have a value; previous_tick: the
 * times of all from which on both have one.  When no value is missing, pearson,
 * spearman and ewma are one matrix product, O(T n^2); otherwise pair by pair,
 * O(n) for each observation, pearson some observations at once where a grid of
 * all T distinct times is a quarter full.  In parallel.  Memory 8 T n bytes
 * where there is a grid: when none is missing, with previous_tick, or then.
 */
extern rk_status rk_risk_correlations(rk_ctx *ctx, const rk_observations *o, const rk_correlation_params *p,
									  double *correlation, double *covariance, int64_t *count);

/* Series without gaps, ready for one product: its entries are those of the pairs. */
typedef struct rk_correlation_rows
{
	int64_t		assets;
	int64_t		times;
	const double *x;			/* [assets][times]; NULL: not one product */
	const double *square;		/* [assets]: products of rows with themselves */
	bool		ewma;
} rk_correlation_rows;

/*
 * The rows of the series, in ctx, where rk_risk_correlations takes one product;
 * and what the products of all pairs say, which may lie where the correlations
 * go.
 */
extern rk_status rk_risk_correlation_rows(rk_ctx *ctx, const rk_observations *o, const rk_correlation_params *p,
										  rk_correlation_rows *r);
extern rk_status rk_risk_correlations_of_products(rk_ctx *ctx, const rk_correlation_rows *r, const double *products,
												  double *correlation, double *covariance, int64_t *count);

/*
 * Aggregate over features, all of one length d: the d x d matrix of their
 * correlations row by row, NaN where a feature is constant.  Means and
 * co-moments are updated with each row and joined by Chan, Golub, LeVeque
 * (1983).  O(d^2) a row; state 4 d^2 + 12 d bytes.
 */
extern const rk_aggregate rk_correlation_matrix;

#endif							/* RK_CORRELATION_H */

/*
 * changepoint.h
 *	  Change points of series, and the costs of segments.
 */
#ifndef RK_CHANGEPOINT_H
#define RK_CHANGEPOINT_H

#include <math.h>

#include "series.h"

/* What a segment costs. */
typedef enum rk_segment_cost
{
	RK_COST_L2,					/* sum (x - mean)^2 */
	RK_COST_L1,					/* sum |x - median| */
	RK_COST_NORMAL,				/* m ln(max(variance, 1e-12)), variance by m */
	RK_COST_POISSON,			/* 2 (S - S ln(S / m)), S the sum of counts */
	RK_COST_RANK,				/* -m (mean centred rank)^2 / its variance */
	RK_COST_LINEAR				/* squares about the segment's line */
} rk_segment_cost;

typedef enum rk_changepoint_method
{
	RK_PELT,
	RK_OPT,
	RK_BINSEG,
	RK_BOTTOMUP,
	RK_WINDOW,
	RK_CUSUM
} rk_changepoint_method;

typedef struct rk_changepoint_params
{
	rk_changepoint_method method;
	rk_segment_cost cost;
	double		penalty;		/* per change point; NaN: the default */
	int64_t		n_changepoints; /* -1: by penalty */
	int64_t		min_segment;
	int64_t		window_size;	/* of RK_WINDOW */
	int64_t		n_permutations; /* 0: no p-values */
	uint64_t	seed;
} rk_changepoint_params;

/*
 * What is found; arrays with an entry for every position hold numbers where a
 * segment starts.
 */
typedef struct rk_changepoints
{
	bool	   *starts;			/* whether a segment starts here */
	double	   *mean;			/* of the segment; NaN for several dimensions */
	double	   *variance;		/* by m - 1; NaN for one value */
	double	   *gain;			/* of the change point; NaN at the first segment */
	double	   *p_value;		/* NaN where not asked for */
	double	   *total_cost;		/* of each series, penalties included */
} rk_changepoints;

/*
 * Finds where the level (l2, l1, rank), level and spread (normal), rate
 * (poisson) or line (linear) of series changes.  values holds dimensions
 * numbers for each position of s (l2 and normal take several), whose own
 * values are not looked at.
 *
 * pelt: the exact minimum of the sum of costs plus penalty per change point
 * (Killick, Fearnhead, Eckley 2012), every position a candidate, O(n) when
 * changes keep coming and O(n^2) at worst; opt: the exact minimum for a number
 * of change points, O(n^2) costs; binseg: greedy splits (Scott, Knott 1974);
 * bottomup: greedy merges (Keogh et al. 2001); window: local maxima of the
 * discrepancy of two halves; cusum: Page 1954, two-sided, slack 0.5.
 *
 * Costs take O(1) from prefix sums of centred values, l1 O(log n) from a
 * wavelet matrix.  Default penalties, s being MAD(first differences) /
 * (0.67448975 sqrt 2), or the standard deviation where that is 0: l2, linear
 * 2 s^2 ln n; l1 2 s ln n; normal 3 ln n (2 d + 1 for d dimensions), poisson
 * and rank 2 ln n; cusum 5.
 *
 * gain is what merging a segment with the one before adds to the costs; p-value
 * (1 + #{as large after shuffling both}) / (1 + n_permutations).  One series is
 * worked off by one thread; memory O(n) a thread, O(n log n) with l1.
 */
extern rk_status rk_temporal_changepoints(rk_ctx *ctx, const rk_series *s, const double *values, int dimensions,
										  const rk_changepoint_params *p, rk_changepoints *found);

/* ---- costs (changepoint_cost.c) ---- */

/* Costs of the segments of one series. */
typedef struct rk_costs
{
	rk_segment_cost kind;
	int64_t		n;
	int			dimensions;
	double	   *y;				/* [dimensions][n], centred, or ranks */
	double	   *s1;				/* [dimensions][n + 1]: sums of y */
	double	   *s2;				/* of y^2; linear: of y^2, s3 of (i - n/2) y */
	double	   *s3;
	double		scale;			/* rank: 1 / variance of ranks; poisson: the centre */
	/* l1 */
	int			levels;
	double	   *sorted;
	uint32_t   *zeros;			/* [levels][n + 1]: how many went left */
	double	   *left;			/* [levels][n + 1]: sums of those */
	double	   *work;			/* [2 n]: ordering */
} rk_costs;

/* Room for series of up to n positions. */
extern rk_status rk_costs_alloc(rk_ctx *ctx, rk_segment_cost kind, int64_t n, int dimensions, rk_costs *c);

/* Takes x, [n][dimensions]. */
extern void rk_costs_init(rk_costs *c, const double *x, int64_t n);

/* Takes values of y as they are, for shuffled ones. */
extern void rk_costs_init_centred(rk_costs *c, int64_t n);

/* Of the wavelet matrix: sum |y - median| over [a, b). */
extern double rk_cost_l1(const rk_costs *c, int64_t a, int64_t b);

/* What the segment [a, b) costs; b > a. */
static inline double
rk_segment_costs(const rk_costs *c, int64_t a, int64_t b)
{
	double		m = (double) (b - a);
	double		sum = c->s1[b] - c->s1[a];
	double		cost = 0;

	switch (c->kind)
	{
		case RK_COST_L2:
			for (int d = 0; d < c->dimensions; d++)
			{
				const double *s1 = c->s1 + d * (c->n + 1);
				const double *s2 = c->s2 + d * (c->n + 1);

				sum = s1[b] - s1[a];
				cost += (s2[b] - s2[a]) - sum * sum / m;
			}
			return cost;
		case RK_COST_L1:
			return rk_cost_l1(c, a, b);
		case RK_COST_NORMAL:
			for (int d = 0; d < c->dimensions; d++)
			{
				const double *s1 = c->s1 + d * (c->n + 1);
				const double *s2 = c->s2 + d * (c->n + 1);

				sum = s1[b] - s1[a];
				cost += m * log(fmax(((s2[b] - s2[a]) - sum * sum / m) / m, 1e-12));
			}
			return cost;
		case RK_COST_POISSON:
			sum += m * c->scale;
			return sum > 0 ? 2 * (sum - sum * log(sum / m)) : 0;
		case RK_COST_RANK:
			return -sum * sum / m * c->scale;
		case RK_COST_LINEAR:
			{
				/* positions count from the middle of the series */
				double		middle = 0.5 * (double) (a + b - 1) - 0.5 * (double) c->n;
				double		sxy = (c->s3[b] - c->s3[a]) - middle * sum;
				double		sxx = m * (m * m - 1) / 12;

				cost = (c->s2[b] - c->s2[a]) - sum * sum / m;
				return sxx > 0 ? cost - sxy * sxy / sxx : cost;
			}
	}
	return 0;
}

#endif							/* RK_CHANGEPOINT_H */

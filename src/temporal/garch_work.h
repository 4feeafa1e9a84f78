/*
 * garch_work.h
 *	  What the files of the GARCH models share: one thread's series.
 */
#ifndef RK_GARCH_WORK_H
#define RK_GARCH_WORK_H

#include "garch.h"

#define LAGS RK_GARCH_LAGS
#define RK_GARCH_PATHS 1000

/* One thread's series and scratch space; arrays by position start at 0. */
typedef struct rk_garch_work
{
	rk_ctx	   *ctx;
	int			thread;
	const rk_garch_params *p;
	rk_garch_layout layout;
	int			count;
	int			means;			/* estimates of the mean come first */
	int			omega;			/* index of the first one of the variance */
	int			shape;			/* index of nu */
	int64_t		n;
	double	   *y;				/* [-1 .. n): scaled */
	double		backcast;		/* when it does not depend on the mean */
	/* [-LAGS .. n): what the recursion takes */
	double	   *square;			/* e2; egarch |z| - E|z| */
	double	   *below;			/* e2 where e < 0; egarch z */
	double	   *level;			/* s2; egarch ln s2 */
	double	   *shock;			/* [0 .. n): e */
	double	   *variance;		/* s2 */
	double	   *score;			/* d log density / d e */
	double	   *adjoint;		/* [0 .. n + LAGS): d likelihood / d level */
	double	   *slopes;			/* [count][n] */
	double	   *minimizer;
	double	   *paths;			/* [RK_GARCH_PATHS][LAGS][3] of egarch forecasts */
} rk_garch_work;

/* Shocks of the mean with these estimates. */
extern void rk_garch_shocks(rk_garch_work *f, const double *x);

/* Shocks and their variances. */
extern void rk_garch_variances(rk_garch_work *f, const double *x);

/* The log-likelihood times -1, for the minimiser; gradient may be NULL. */
extern double rk_garch_objective(void *arg, const double *x, double *gradient);

/* Scores of each position by each estimate into slopes; variances stay those of x. */
extern void rk_garch_scores(rk_garch_work *f, const double *x);

/* The sum of a[t] b[t]. */
extern double rk_garch_sum_products(const double *a, const double *b, int64_t n);

/* Variances to come, in scaled units, after rk_garch_variances. */
extern void rk_garch_forecast(rk_garch_work *f, const double *x, uint64_t series, int64_t horizon, double *forecast);

#endif							/* RK_GARCH_WORK_H */

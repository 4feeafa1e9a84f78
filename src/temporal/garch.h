/*
 * garch.h
 *	  Volatility models of returns, fitted by maximum likelihood.
 */
#ifndef RK_GARCH_H
#define RK_GARCH_H

#include "garch_model.h"
#include "series.h"

/* Fewer returns are not fitted. */
#define RK_GARCH_LEAST 50

/*
 * Estimates of a series stand in one row of this many: mean (constant, ar),
 * omega, alpha[p], gamma[o], beta[q], nu, skew; those that the model lacks are
 * not there.
 */
extern int	rk_garch_count(const rk_garch_params *p);

typedef struct rk_garch
{
	int			count;			/* estimates of a series */
	int64_t    *status;			/* rk_fit_status, of each series */
	double	   *estimates;		/* [series][count]; NaN without a fit */
	double	   *std_errors;		/* robust; NaN where there is none */
	double	   *log_likelihood; /* of each series, and so on */
	int64_t    *observations;
	double	   *persistence;
	double	   *long_run;		/* variance; NaN: there is none */
	double	   *variance;		/* one entry a position; NaN: none */
	double	   *shock;			/* value - mean, likewise */
	double	   *forecast;		/* variances, [series][horizon] */
	double	   *forecast_mean;	/* likewise */
} rk_garch;

/*
 * Fits s2_t = omega + sum alpha_i e2_{t-i} + sum gamma_i e2_{t-i} [e < 0] + sum
 * beta_j s2_{t-j} (Engle 1982, Bollerslev 1986, Glosten, Jagannathan, Runkle
 * 1993), or ln s2_t = omega + sum alpha_i (|z_{t-i}| - sqrt(2 / pi)) + sum
 * gamma_i z_{t-i} + sum beta_j ln s2_{t-j} (Nelson 1991), with the mean.
 * Skewed t: Hansen 1994.  omega > 0, alpha, beta, alpha + gamma >= 0, alpha +
 * gamma / 2 + beta <= 1; egarch 0 <= beta, sum <= 1; 2.05 <= nu <= 500 (300).
 *
 * Returns are scaled to a standard deviation of 1 and the estimates scaled
 * back.  The gradient is exact, by one recursion backwards; standard errors by
 * Bollerslev, Wooldridge 1992.  Forecasts beyond one step of egarch are means
 * over 1000 paths.  Below RK_GARCH_LEAST returns, and where all are equal, the
 * variance is that of the sample.
 *
 * O(n) for each of about 30 evaluations; memory O(n count) a thread.
 */
extern rk_status rk_temporal_garch(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p, rk_garch *out);

/*
 * The series that are to be fitted, as the kernel for devices takes them, and
 * what it finds; all in ctx.
 */
typedef struct rk_garch_batch
{
	int64_t		count;
	int64_t    *series;			/* [count]: which ones */
	int64_t    *offsets;		/* [count + 1] into y */
	double	   *y;				/* scaled: of each, a value before the first, then n */
	double	   *start;			/* [count][3]: backcast, first estimates of the mean */

	double	   *estimates;		/* [count][k], scaled */
	double	   *value;			/* -log-likelihood; not finite: there is none */
	double	   *covariance;		/* [count][k][k]; NaN where there is none */
	int32_t    *converged;
} rk_garch_batch;

extern rk_status rk_temporal_garch_batch(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p,
										 rk_garch_batch *batch);

/* Finds the maxima of a batch, on the CPU. */
extern rk_status rk_temporal_garch_fit_batch(rk_ctx *ctx, const rk_garch_params *p, const rk_garch_batch *batch);

/* rk_temporal_garch with the maxima that are in the batch. */
extern rk_status rk_temporal_garch_with(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p,
										const rk_garch_batch *batch, rk_garch *out);

/*
 * The quantile of shocks of variance 1 with these estimates (NULL: normal).
 */
extern double rk_garch_quantile(const rk_garch_params *p, const double *estimates, double probability);

#endif							/* RK_GARCH_H */

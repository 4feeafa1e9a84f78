/*
 * garch.h
 *	  Volatility models of returns, fitted by maximum likelihood.
 */
#ifndef RK_GARCH_H
#define RK_GARCH_H

#include "series.h"

/* Lags of each kind. */
#define RK_GARCH_LAGS 20
/* Fewer returns are not fitted. */
#define RK_GARCH_LEAST 50

typedef enum rk_garch_mean
{
	RK_MEAN_ZERO,
	RK_MEAN_CONSTANT,
	RK_MEAN_AR1
} rk_garch_mean;

typedef enum rk_garch_distribution
{
	RK_NORMAL,
	RK_STUDENT,
	RK_SKEW_STUDENT
} rk_garch_distribution;

typedef struct rk_garch_params
{
	bool		egarch;
	int			p;				/* lags of squared (absolute) shocks */
	int			o;				/* of those below 0 (signed shocks) */
	int			q;				/* of the variance */
	rk_garch_mean mean;
	rk_garch_distribution distribution;
	bool		mean_backcast;	/* variance before the sample: mean square of all
								 * shocks; else of the first 75, weights 0.94^i */
	int64_t		horizon;
	uint64_t	seed;			/* of the paths that egarch forecasts come from */
} rk_garch_params;

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
 * The quantile of shocks of variance 1 with these estimates (NULL: normal).
 */
extern double rk_garch_quantile(const rk_garch_params *p, const double *estimates, double probability);

#endif							/* RK_GARCH_H */

/*
 * arima.h
 *	  Seasonal ARIMA models of series with regressors: fits and forecasts.
 */
#ifndef RK_ARIMA_H
#define RK_ARIMA_H

#include "../series.h"
#include "arima_model.h"

typedef enum rk_arima_method
{
	RK_ARIMA_CSS,
	RK_ARIMA_ML,
	RK_ARIMA_CSS_ML
} rk_arima_method;

typedef enum rk_criterion
{
	RK_AIC,
	RK_AICC,
	RK_BIC
} rk_criterion;

typedef struct rk_arima_params
{
	rk_arima_orders orders;		/* automatic: the period alone, 0: of each series */
	rk_arima_method method;
	bool		automatic;
	bool		constant_allowed;	/* automatic */
	rk_criterion criterion;
	int			max_p;
	int			max_q;
	const int64_t *periods;		/* automatic: of each series; NULL: as in orders */
	double		box_cox;		/* NaN: none */
	int64_t		horizon;
} rk_arima_params;

/* Columns that explain: by position, and [series][horizon] after the end. */
typedef struct rk_arima_regressors
{
	int			count;
	const double *const *values;	/* NaN only where the series is NaN */
	const double *const *future;
} rk_arima_regressors;

/*
 * Estimates of a series stand in a row of stride numbers: ar[p], ma[q],
 * seasonal ar[P], seasonal ma[Q], constant if there is one, regressors.
 */
typedef struct rk_arima
{
	int			stride;
	int			regressors;
	int64_t    *status;			/* rk_fit_status, of each series, and so on */
	rk_arima_orders *orders;
	double	   *estimates;		/* [series][stride]; NaN: none */
	double	   *std_errors;		/* likewise */
	double	   *sigma2;
	double	   *log_likelihood;
	double	   *aic;
	double	   *aicc;
	double	   *bic;
	double	   *ljung_box;		/* p value */
	int64_t    *observations;
	double	   *expected;		/* by position: one step ahead; NaN: none */
	double	   *std_error;
	double	   *forecast;		/* [series][horizon], in units of the values */
	double	   *forecast_error; /* with Box-Cox of what was transformed */
	double	   *forecast_level; /* with Box-Cox before it is transformed back */
} rk_arima;

/*
 * Fits by the exact Gaussian likelihood of the differenced series, sigma2 and
 * the coefficients of regressors being concentrated out, or by conditional sums
 * of squares (css).  Partial autocorrelations keep the model stationary and
 * invertible (Monahan 1984).  The better end of two searches: from small
 * coefficients and from those of Hannan, Rissanen 1982, which ml takes last and
 * the others first.  Missing values (NaN) go through a Kalman filter of levels.
 * Standard errors come from the Hessian.
 *
 * automatic: Hyndman, Khandakar 2008, stepwise; differences by the KPSS test at
 * 5 %, seasonal ones where the strength of the season is above 0.64.
 *
 * O(n (p + q)) an evaluation without missing values, else O(n r^2).
 */
extern rk_status rk_temporal_arima(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x,
								   const rk_arima_params *p, rk_arima *out);

/*
 * The series that are to be fitted, as the kernel for devices takes them, and
 * what it finds; all in ctx.  A series with missing values, or one that cannot
 * be fitted, has no values here.
 */
typedef struct rk_arima_batch
{
	int64_t		count;			/* of all series */
	int64_t		there;			/* of those that have values */
	int			coefficients;
	int			columns;		/* values, constant, regressors */
	int			starts;
	int64_t    *offsets;		/* [count + 1] into y */
	double	   *y;				/* of each [columns][length]: differenced, scaled */
	double	   *start;			/* [count][starts][coefficients] */

	double	   *estimates;		/* [count][coefficients] */
	double	   *value;			/* -log-likelihood, scaled; not finite: there is none */
	double	   *hessian;		/* [count][all][all], all = coefficients + columns - 1;
								 * the first one NaN where there is none */
	int32_t    *converged;
} rk_arima_batch;

/* Not with models that are picked, nor with ones without coefficients. */
extern rk_status rk_temporal_arima_batch(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x,
										 const rk_arima_params *p, rk_arima_batch *batch);

/*
 * Finds the maxima of a batch, on the CPU.  Of p orders and method count, and
 * that is RK_ARIMA_CSS or another one.
 */
extern rk_status rk_temporal_arima_fit_batch(rk_ctx *ctx, const rk_arima_params *p, const rk_arima_batch *batch);

/* rk_temporal_arima with the maxima that are in the batch; the others are found. */
extern rk_status rk_temporal_arima_with(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x,
										const rk_arima_params *p, const rk_arima_batch *batch, rk_arima *out);

/* Box, Cox 1964: (y^lambda - 1) / lambda, and back. */
extern double rk_box_cox(double y, double lambda);
extern double rk_box_cox_back(double z, double lambda);

#endif							/* RK_ARIMA_H */

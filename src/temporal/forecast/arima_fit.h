/*
 * arima_fit.h
 *	  What the files of ARIMA models share: one thread's series.
 */
#ifndef RK_ARIMA_FIT_H
#define RK_ARIMA_FIT_H

#include "arima.h"
#include "arma.h"

typedef struct rk_arima_fit
{
	rk_ctx	   *ctx;
	int			thread;
	const rk_arima_params *p;
	int			regressors;

	/* the series as it came, on the transformed scale; NaN: missing */
	int64_t		n;
	const double *y;
	const double *const *x;		/* [regressors] */
	bool		missing;
	double	   *transformed;	/* where y is */
	const double **columns_of_x;	/* where x is */

	/* the model at hand */
	rk_arima_orders o;
	rk_arima_method method;
	int			columns;
	int			lags;			/* d + D s */
	double	   *delta;			/* of levels */
	double	  **level;			/* [columns][n]: scaled, column 0 less the first fit */
	double	  **work_column;	/* [columns][n]: differenced, or the levels if some are missing */
	double	  **error;			/* [columns][n] */
	int64_t		length;			/* of work_column */
	double		scale;
	double	   *first_fit;		/* [columns - 1]: of regressors, by least squares */
	double	   *phi;			/* multiplied out */
	double	   *theta;
	double	   *beta;			/* [columns - 1]: what the last evaluation found */
	double	   *gram;			/* [columns][columns] */
	double	   *filter;			/* scratch of the filters */
	double	   *minimizer;
	double	   *scratch;		/* [4 longest] */

	/* of the last evaluation */
	double		squares;
	rk_arma_result result;
} rk_arima_fit;

/* A fitted model. */
typedef struct rk_arima_model
{
	rk_arima_orders o;
	rk_fit_status status;
	double		coefficients[RK_ARIMA_MAX_COEFFICIENTS];
	double		value;			/* -log-likelihood */
	bool		converged;
	double		criterion;
} rk_arima_model;

/* Where a series stands among all values. */
typedef struct rk_arima_place
{
	int64_t		series;
	int64_t		base;			/* of the series' first value that is there */
	int64_t		rest;			/* values from there on */
	bool		equal;			/* all that are there are */
} rk_arima_place;

/*
 * Takes memory for series of up to longest values; period: the longest one, of
 * models that are picked.  f is zero before.
 */
extern rk_status rk_arima_make_fit(rk_ctx *ctx, int thread, const rk_arima_params *p, int regressors, int64_t longest,
								   int period, rk_arima_fit *f);

/* Makes a series that of f, without what is missing at its start. */
extern rk_arima_place rk_arima_take_series(rk_arima_fit *f, const rk_series *s, const rk_arima_regressors *x,
										   int64_t series);

/*
 * Fits the model with these orders to the series of f and leaves f ready for
 * its evaluation.
 */
extern void rk_arima_fit_model(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m);

/*
 * Its parts.  Begin makes columns ready, false where there is no search; starts
 * gives RK_ARIMA_STARTS points u[..][k] to begin at, and how many; search finds
 * coefficients, value, converged of the scaled series; end makes a fit of those.
 */
extern bool rk_arima_begin(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m);
extern int	rk_arima_starts(rk_arima_fit *f, double *u);
extern void rk_arima_search(rk_arima_fit *f, const double *u, int starts, rk_arima_model *m);
extern void rk_arima_end(rk_arima_fit *f, rk_arima_model *m);

/*
 * Second derivatives of -log-likelihood by coefficients and regressors' ones,
 * [k + b][k + b], from second differences; its first number is NaN where there
 * are none.  slopes: room for 2 b.
 */
extern void rk_arima_hessian(rk_arima_fit *f, const double *coefficients, const double *beta, double *slopes,
							 double *hessian);

/* Whether a series has values in a batch. */
extern bool rk_arima_in_batch(const rk_arima_batch *b, int64_t series);

/*
 * The search of a series, for which f is ready, as the batch has it, with the
 * Hessian.  False where the batch has no maximum, or its likelihood is another
 * one here, as next to a singular model, where rounding decides.
 */
extern bool rk_arima_from_batch(rk_arima_fit *f, const rk_arima_batch *b, int64_t series, rk_arima_model *m,
								const double **hessian);

/* Picks orders for the series of f. */
extern void rk_arima_select(rk_arima_fit *f, int period, rk_arima_model *m);

/* The filter of these coefficients: ar, ma, seasonal ar, seasonal ma. */
extern rk_arma rk_arima_arma(rk_arima_fit *f, const double *coefficients);

/*
 * -log-likelihood of these coefficients, of the scaled series; beta, error and
 * what follows are set.  Infinite where there is none.
 */
extern double rk_arima_evaluate(rk_arima_fit *f, const double *coefficients);

/* A column without the first lags values, differenced. */
extern void rk_arima_difference(const rk_arima_fit *f, const double *y, double *out);

/* The criteria of a likelihood with k parameters and n values. */
extern double rk_information(rk_criterion criterion, double log_likelihood, int k, int64_t n);

extern bool rk_arima_stopped(void *f);

#endif							/* RK_ARIMA_FIT_H */

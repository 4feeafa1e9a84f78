/*
 * arima_fit.h
 *	  What the files of ARIMA models share: one thread's series.
 */
#ifndef RK_ARIMA_FIT_H
#define RK_ARIMA_FIT_H

#include "arima.h"
#include "arma.h"

#define RK_ARIMA_MAX_COEFFICIENTS (2 * RK_ARIMA_ORDER + 2 * RK_ARIMA_SEASONAL)

typedef struct rk_arima_fit
{
	rk_ctx	   *ctx;
	int			thread;
	const rk_arima_params *p;
	int			regressors;
	int			most_columns;	/* values, constant, regressors */

	/* the series as it came, on the transformed scale; NaN: missing */
	int64_t		n;
	const double *y;
	const double *const *x;		/* [regressors] */
	bool		missing;

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
	double		criterion;
} rk_arima_model;

/* How many coefficients of AR and MA kind. */
static inline int
rk_arima_coefficients(const rk_arima_orders *o)
{
	return o->p + o->q + o->seasonal_p + o->seasonal_q;
}

/*
 * Fits the model with these orders to the series of f and leaves f ready for
 * its evaluation.
 */
extern void rk_arima_fit_model(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m);

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

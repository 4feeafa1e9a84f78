/*
 * arma.h
 *	  The likelihood of ARMA processes, and of those that are differenced.
 *
 * x_t = phi_1 x_{t-1} + ... + e_t + theta_1 e_{t-1} + ..., shocks of variance
 * 1.  Several columns go through one filter, so that the coefficients of
 * regressors follow by least squares from what comes out.
 */
#ifndef RK_ARMA_H
#define RK_ARMA_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rk_arma
{
	int			p;				/* degrees, of seasonal models multiplied out */
	int			q;
	const double *phi;			/* [p] */
	const double *theta;		/* [q] */
	int			lags;			/* of levels: y_t = sum delta_j y_{t-j} + x_t */
	const double *delta;		/* [lags] */
} rk_arma;

/* The size of the state without levels. */
static inline int
rk_arma_order(const rk_arma *a)
{
	return a->p > a->q + 1 ? a->p : a->q + 1;
}

typedef struct rk_arma_result
{
	double		log_f;			/* sum of the logarithms of prediction variances */
	int64_t		counted;		/* values that make up the likelihood */
} rk_arma_result;

/* Numbers of scratch space for rk_arma_filter and rk_arma_kalman. */
extern int64_t rk_arma_work(int order, int lags, int columns);

/*
 * Prediction errors over the roots of their variances of the columns x[c][0 ..
 * n), into out alike.  The recursions of Morf, Sidhu, Kailath 1974, O(order) a
 * step, until the gain stands still, then O(coefficients).  False where phi is
 * not stationary.
 */
extern bool rk_arma_filter(const rk_arma *a, const double *const *x, int columns, int64_t n, double *const *out,
						   double *work, rk_arma_result *result);

/*
 * The same by the Kalman filter, of the levels y with a->lags > 0, whose first
 * lags values are the start: NaN there is known to 1e7 only, and errors of
 * variance above 1e4 do not count.  Missing values are NaN in column 0.  out, f
 * (variances) and predicted (of column 0) may be NULL.  The state
 * after the last value is left in work: order + lags expectations of each
 * column, then the covariance.
 */
extern bool rk_arma_kalman(const rk_arma *a, const double *const *y, int columns, int64_t n, double *const *out,
						   double *f, double *predicted, double *work, rk_arma_result *result,
						   bool (*stop) (void *arg), void *arg);

#endif							/* RK_ARMA_H */

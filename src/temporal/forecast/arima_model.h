/*
 * arima_model.h
 *	  Seasonal ARIMA models as numbers, on the CPU and on devices: coefficients,
 *	  their polynomials, regressors by least squares, and where to look for
 *	  maxima.
 *
 * Entries of an array whose function takes a stride lie that far apart.
 */
#ifndef RK_ARIMA_MODEL_H
#define RK_ARIMA_MODEL_H

#include "arma_steps.h"

#define RK_ARIMA_ORDER 20		/* of p and q */
#define RK_ARIMA_SEASONAL 3		/* of P and Q */
#define RK_ARIMA_PERIOD 1000
#define RK_ARIMA_MAX_COEFFICIENTS (2 * RK_ARIMA_ORDER + 2 * RK_ARIMA_SEASONAL)
#define RK_ARIMA_STARTS 2

/* What devices fit: sizes of the state, and of values, constant and regressors. */
#define RK_ARIMA_DEVICE_STATE 512
#define RK_ARIMA_DEVICE_COLUMNS 8

/* The search. */
#define RK_ARIMA_ITERATIONS 200
#define RK_ARIMA_TOLERANCE 1e-8
#define RK_ARIMA_FLAT_END 1e-3
#define RK_ARIMA_GRADIENT_STEP(u) (1e-5 * fmax(1.0, fabs(u)))
#define RK_ARIMA_HESSIAN_STEP(c) (3e-4 * fmax(fabs(c), 0.1))
#define RK_ARIMA_NEAR_ONE (1 - 1e-9)

typedef struct rk_arima_orders
{
	int			p;
	int			d;
	int			q;
	int			seasonal_p;
	int			seasonal_d;
	int			seasonal_q;
	int			period;			/* 0: no season */
	bool		constant;		/* mean, or drift where it is differenced once */
} rk_arima_orders;

/* How many coefficients of AR and MA kind. */
RK_BOTH int
rk_arima_coefficients(const rk_arima_orders *o)
{
	return o->p + o->q + o->seasonal_p + o->seasonal_q;
}

/* The size of the state, as rk_arma_order. */
RK_BOTH int
rk_arima_state(const rk_arima_orders *o)
{
	int			p = o->p + o->seasonal_p * o->period;
	int			q = o->q + o->seasonal_q * o->period;

	return p > q + 1 ? p : q + 1;
}

/* Groups of coefficients that a partial autocorrelation each stands for. */
RK_BOTH int
rk_arima_group(const rk_arima_orders *o, int group)
{
	return group == 0 ? o->p : group == 1 ? o->q : group == 2 ? o->seasonal_p : o->seasonal_q;
}

/*
 * Coefficients from free numbers u, of which one may be another: u[moved] is
 * then value.  work: 2 RK_ARIMA_ORDER numbers.
 */
RK_BOTH void
rk_arima_from_free(const rk_arima_orders *o, const double *u, int moved, double value, double *coefficients,
				   double *work, int stride)
{
	int			at = 0;

	for (int group = 0; group < 4; group++)
	{
		int			size = rk_arima_group(o, group);
		double	   *c = coefficients + at * stride;

		for (int i = 0; i < size; i++)
			work[i * stride] = fmax(-RK_ARIMA_NEAR_ONE, fmin(RK_ARIMA_NEAR_ONE, tanh(at + i == moved ? value : u[at + i])));
		rk_arma_from_partial(work, size, c, work + RK_ARIMA_ORDER * stride, stride);
		/* a moving average is invertible where its negative is stationary */
		for (int i = 0; i < size && group % 2 == 1; i++)
			c[i * stride] = -c[i * stride];
		at += size;
	}
}

/*
 * out = the lags of (1 + sign sum plain B^i)(1 + sign sum seasonal B^(i s)),
 * with the same sign; its degree, or 1 number where that is 0.
 */
RK_BOTH int
rk_arima_multiply_out(const double *plain, int p, const double *seasonal, int sp, int period, double sign, double *out,
					  int stride)
{
	int			degree = p + sp * period;

	for (int i = 0; i < (degree > 0 ? degree : 1); i++)
		out[i * stride] = 0;
	for (int i = 1; i <= p; i++)
		out[(i - 1) * stride] += plain[(i - 1) * stride];
	for (int j = 1; j <= sp; j++)
	{
		double		c = seasonal[(j - 1) * stride];

		out[(j * period - 1) * stride] += c;
		for (int i = 1; i <= p; i++)
			out[(j * period + i - 1) * stride] += sign * c * plain[(i - 1) * stride];
	}
	return degree;
}

/* phi and theta of coefficients: ar, ma, seasonal ar, seasonal ma. */
RK_BOTH void
rk_arima_polynomials(const rk_arima_orders *o, const double *coefficients, double *phi, double *theta, int stride)
{
	const double *ma = coefficients + o->p * stride;
	const double *seasonal = ma + o->q * stride;

	rk_arima_multiply_out(coefficients, o->p, seasonal, o->seasonal_p, o->period, -1, phi, stride);
	rk_arima_multiply_out(ma, o->q, seasonal + o->seasonal_p * stride, o->seasonal_q, o->period, 1, theta, stride);
}

/*
 * Least squares from products g[i][k + 1] of k regressors: with those before and
 * with itself, and in column k with the values.  Cholesky in place.  False where
 * they depend on each other.
 */
RK_BOTH bool
rk_arima_solve(double *g, int k, double *beta, int stride)
{
#define G(i, j) g[((i) * (k + 1) + (j)) * stride]
	for (int i = 0; i < k; i++)
	{
		double		diagonal = G(i, i);

		for (int j = 0; j < i; j++)
		{
			for (int l = 0; l < j; l++)
				G(i, j) -= G(i, l) * G(j, l);
			G(i, j) /= G(j, j);
		}
		for (int l = 0; l < i; l++)
			G(i, i) -= G(i, l) * G(i, l);
		if (!(G(i, i) > 1e-12 * diagonal))
			return false;
		G(i, i) = sqrt(G(i, i));
		for (int l = 0; l < i; l++)
			G(i, k) -= G(i, l) * G(l, k);
		G(i, k) /= G(i, i);
	}
	for (int i = k - 1; i >= 0; i--)
	{
		double		b = G(i, k);

		for (int l = i + 1; l < k; l++)
			b -= G(l, i) * beta[l * stride];
		beta[i * stride] = b / G(i, i);
	}
#undef G
	return true;
}

/* -log-likelihood of n standardised errors with this sum of squares. */
RK_BOTH double
rk_arima_value(double n, double squares, double log_f)
{
	return n > 0 && squares > 0 ? 0.5 * (n * (log(2 * 3.14159265358979323846 * squares / n) + 1) + log_f) : INFINITY;
}

/* Whether the minimum of a start is taken in place of the one before. */
RK_BOTH bool
rk_arima_is_better(double value, double before)
{
	return value < before - (isfinite(before) ? 1e-7 : 0);
}

/* Whether a search that ended like that is called one that converged. */
RK_BOTH bool
rk_arima_has_converged(bool converged, double decrease)
{
	return converged || decrease < RK_ARIMA_FLAT_END;
}

#endif							/* RK_ARIMA_MODEL_H */

/*
 * arma_steps.h
 *	  What the filters of ARMA processes are made of, on the CPU and on devices:
 *	  partial autocorrelations, the stationary start, the recursions of the gain.
 *
 * Entries of an array lie stride apart, so that the threads of a device can have
 * arrays side by side; it is 1 on the CPU.
 */
#ifndef RK_ARMA_STEPS_H
#define RK_ARMA_STEPS_H

#include <math.h>
#include <stdbool.h>

#include "../../compute/both.h"

#ifdef __CUDA_ARCH__
#define RK_ARMA_UNROLL _Pragma("unroll")
#else
#define RK_ARMA_UNROLL
#endif

#define RK_ARMA_STEADY 1e-15

/* ---- partial autocorrelations ---- */

/* One step up: coefficients of order k + 1 from those of order k.  work: k numbers. */
RK_BOTH void
rk_arma_step_up(double *ar, int k, double partial, double *work, int stride)
{
	for (int j = 0; j < k; j++)
		work[j * stride] = ar[j * stride];
	for (int j = 0; j < k; j++)
		ar[j * stride] = work[j * stride] - partial * work[(k - 1 - j) * stride];
	ar[k * stride] = partial;
}

/*
 * Autoregressive coefficients from partial autocorrelations in (-1, 1), which
 * makes every one stationary (Monahan 1984), and back: false where they are
 * not.  work: n numbers.
 */
RK_BOTH void
rk_arma_from_partial(const double *partial, int n, double *ar, double *work, int stride)
{
	for (int k = 0; k < n; k++)
		rk_arma_step_up(ar, k, partial[k * stride], work, stride);
}

RK_BOTH bool
rk_arma_to_partial(const double *ar, int n, double *partial, double *work, int stride)
{
	for (int i = 0; i < n; i++)
		partial[i * stride] = ar[i * stride];
	for (int k = n - 1; k >= 0; k--)
	{
		double		last = partial[k * stride];
		double		rest = 1 - last * last;

		if (!(fabs(last) < 1))
			return false;
		for (int j = 0; j < k; j++)
			work[j * stride] = partial[j * stride];
		for (int j = 0; j < k; j++)
			partial[j * stride] = (work[j * stride] + last * work[(k - 1 - j) * stride]) / rest;
	}
	return true;
}

/* ---- the stationary start ---- */

/* Numbers of scratch space of rk_arma_stationary, with q below the order. */
RK_BOTH int
rk_arma_stationary_work(int order)
{
	return 3 * order + (2 * order + 2) + (3 * order + 1) + (order + 1) + order;
}

/*
 * Covariances of the state with x_t into column[order]: the first column of
 * the covariance.  The autocovariances of the pure autoregression come from its
 * partial autocorrelations.  False where phi[p] is not stationary.
 */
RK_BOTH bool
rk_arma_stationary(const double *phi, int p, const double *theta, int q, double *column, double *work, int stride)
{
	int			r = p > q + 1 ? p : q + 1;
	int			far = r + q + 1;	/* lags of the autoregression that are needed */
	double	   *partial = work;
	double	   *ar = partial + r * stride;
	double	   *scratch = ar + r * stride;
	double	   *pure = scratch + r * stride;	/* [far + 1] */
	double	   *half = pure + (far + 1) * stride;	/* [r + 2 q + 1], lags from -q */
	double	   *gamma = half + (r + 2 * q + 1) * stride;	/* [r + 1] */
	double	   *psi = gamma + (r + 1) * stride;	/* [r] */
	double		variance = 1;

	if (!rk_arma_to_partial(phi, p, partial, scratch, stride))
		return false;
	for (int k = 0; k < p; k++)
		variance /= 1 - partial[k * stride] * partial[k * stride];
	if (!isfinite(variance))
		return false;
	pure[0] = variance;
	for (int k = 1; k <= far; k++)
	{
		double		sum = 0;
		int			known = k - 1 < p ? k - 1 : p;

		for (int j = 0; j < known; j++)
			sum += ar[j * stride] * pure[(k - 1 - j) * stride];
		if (k <= p)
		{
			double		last = partial[(k - 1) * stride];

			/* ar holds the coefficients of order k - 1 */
			sum += last * variance;
			rk_arma_step_up(ar, k - 1, last, scratch, stride);
			variance *= 1 - last * last;
		}
		pure[k * stride] = sum;
	}
	/* half(m) = sum theta_i pure(m - i), gamma(k) = sum theta_j half(k + j) */
	for (int m = -q; m <= r + q; m++)
	{
		double		sum = pure[(m < 0 ? -m : m) * stride];

		for (int i = 1; i <= q; i++)
			if (theta[(i - 1) * stride] != 0)
				sum += theta[(i - 1) * stride] * pure[(m - i < 0 ? i - m : m - i) * stride];
		half[(m + q) * stride] = sum;
	}
	for (int k = 0; k <= r; k++)
	{
		double		sum = half[(k + q) * stride];

		for (int j = 1; j <= q; j++)
			if (theta[(j - 1) * stride] != 0)
				sum += theta[(j - 1) * stride] * half[(k + j + q) * stride];
		gamma[k * stride] = sum;
	}
	psi[0] = 1;
	for (int k = 1; k < r; k++)
	{
		double		sum = k <= q ? theta[(k - 1) * stride] : 0;

		for (int j = 1; j <= p && j <= k; j++)
			sum += phi[(j - 1) * stride] * psi[(k - j) * stride];
		psi[k * stride] = sum;
	}
	for (int i = 1; i <= r; i++)
	{
		double		sum = 0;

		for (int k = i; k <= p; k++)
			sum += phi[(k - 1) * stride] * gamma[(k - i + 1) * stride];
		for (int k = i; k <= q + 1; k++)
			sum += (k == 1 ? 1 : theta[(k - 2) * stride]) * psi[(k - i) * stride];
		column[(i - 1) * stride] = sum;
	}
	return column[0] > 0 && isfinite(column[0]);
}

/* ---- the recursions of the gain ---- */

/* Where the recursions of Morf, Sidhu, Kailath 1974 stand. */
typedef struct rk_arma_recursion
{
	double		f;				/* variance of the next error */
	double		m;
	double		product;		/* of variances that are not in log_f yet */
	double		log_f;
	int			still;			/* steps since the gain does not change */
} rk_arma_recursion;

/* Begins with the first column of the state's covariance; w and column: r + 1 entries. */
RK_BOTH void
rk_arma_recursion_begin(rk_arma_recursion *g, const double *phi, double *column, double *w, double *gain, int r,
						int stride)
{
	g->f = column[0];
	g->m = -1 / g->f;
	g->product = 1;
	g->log_f = 0;
	g->still = 0;
	column[r * stride] = w[r * stride] = 0;
RK_ARMA_UNROLL
	for (int i = 0; i < r; i++)
	{
		w[i * stride] = phi[i * stride] * column[0] + column[(i + 1) * stride];
		gain[i * stride] = w[i * stride] / g->f;
	}
}

/* Puts the variance of the error at hand into the sum of logarithms. */
RK_BOTH void
rk_arma_recursion_count(rk_arma_recursion *g)
{
	g->product *= g->f;
	if (!(g->product > 1e-100 && g->product < 1e100))
	{
		g->log_f += log(g->product);
		g->product = 1;
	}
}

/*
 * The gain of the next step.  1: it and the errors before have stood still for
 * so long that only lags count from here on; -1: the variance has no value.
 * r: entries that are gone through, the ones beyond the order being 0.
 */
RK_BOTH int
rk_arma_recursion_next(rk_arma_recursion *g, const double *phi, const double *theta, int q, double *w, double *gain,
					   int r, int order, int stride)
{
	double		z;
	double		next;
	double		scale;
	double		largest = 0;

	/* lagged errors must have been made with the last gain, too */
	if (g->still > 0)
		return ++g->still > order + 1;
	z = w[0];
	next = g->f + z * z * g->m;
	scale = 1 / next;
	if (!(next > 0.5))
		return -1;
RK_ARMA_UNROLL
	for (int i = 0; i < r; i++)
	{
		double		moved = phi[i * stride] * z + w[(i + 1) * stride];

		gain[i * stride] = (gain[i * stride] * g->f + moved * g->m * z) * scale;
		w[i * stride] = moved - gain[i * stride] * z;
		largest = fabs(w[i * stride]) > largest ? fabs(w[i * stride]) : largest;
	}
	g->m += g->m * g->m * z * z / g->f;
	g->f = next;
	if (largest * largest * fabs(g->m) < RK_ARMA_STEADY && fabs(g->f - 1) < 1e-9)
	{
		/* what it tends to is known */
		g->still = 1;
		g->f = 1;
RK_ARMA_UNROLL
		for (int i = 0; i < r; i++)
			gain[i * stride] = phi[i * stride] + (i < q ? theta[i * stride] : 0);
	}
	return 0;
}

#endif							/* RK_ARMA_STEPS_H */

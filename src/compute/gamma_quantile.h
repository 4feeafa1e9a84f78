/*
 * gamma_quantile.h
 *	  The gamma distribution and its quantile, for the CPU and for devices.
 *
 * Series and continued fraction (modified Lentz) of the incomplete gamma
 * function, Abramowitz, Stegun 6.5.29 and 6.5.31, and Halley's steps on them;
 * relative errors about 1e-14.  log_gamma_a is log gamma(a), which callers with
 * one a for many numbers have once.
 */
#ifndef RK_GAMMA_QUANTILE_H
#define RK_GAMMA_QUANTILE_H

#include <float.h>
#include <math.h>

#include "both.h"

#define RK_GAMMA_TERMS 10000	/* at most */

/* x^a e^-x / gamma(a) */
RK_BOTH double
rk_gamma_front(double a, double x, double log_gamma_a)
{
	return exp(a * log(x) - x - log_gamma_a);
}

/* P(X <= x) for x < a + 1. */
RK_BOTH double
rk_gamma_series(double a, double x, double log_gamma_a)
{
	double		term = 1 / a;
	double		sum = term;

	for (int n = 1; n < RK_GAMMA_TERMS && fabs(term) > fabs(sum) * DBL_EPSILON * 0.25; n++)
	{
		term *= x / (a + n);
		sum += term;
	}
	return sum * rk_gamma_front(a, x, log_gamma_a);
}

/* P(X > x) for x >= a + 1. */
RK_BOTH double
rk_gamma_fraction(double a, double x, double log_gamma_a)
{
	double		b = x + 1 - a;
	double		c = 1e300;
	double		d = 1 / b;
	double		h = d;

	for (int n = 1; n < RK_GAMMA_TERMS; n++)
	{
		double		an = -n * (n - a);
		double		step;

		b += 2;
		d = an * d + b;
		c = b + an / c;
		if (fabs(d) < 1e-300)
			d = 1e-300;
		if (fabs(c) < 1e-300)
			c = 1e-300;
		d = 1 / d;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return h * rk_gamma_front(a, x, log_gamma_a);
}

/*
 * The p-quantile, 0 < p < 1, from Wilson and Hilferty's guess with z, the
 * p-quantile of the normal distribution.
 */
RK_BOTH double
rk_gamma_quantile_from(double a, double p, double log_gamma_a, double z)
{
	double		t = 1 - 1 / (9 * a) + z / (3 * sqrt(a));
	double		x = a * t * t * t;

	/* far to the left the first term of the series is the better guess */
	if (!(t > 0) || x < 0.1 * a)
		x = exp((log(p) + log_gamma_a + log(a)) / a);
	if (!(x > 0))
		return 0;
	for (int step = 0; step < 50; step++)
	{
		/* the error in the smaller of both tails */
		double		error = x < a + 1 ? rk_gamma_series(a, x, log_gamma_a) - p :
			(1 - p) - rk_gamma_fraction(a, x, log_gamma_a);
		double		density = rk_gamma_front(a, x, log_gamma_a) / x;
		double		newton = error / density;
		double		halley = newton / (1 - 0.5 * fmin(1.0, newton * ((a - 1) / x - 1)));
		double		next = x - halley;

		if (!(next > 0))
			next = 0.5 * x;
		if (fabs(next - x) <= 1e-15 * x)
			return next;
		/* where the steps are as small as rounding, they end */
		if (step > 3 && fabs(next - x) <= 4e-15 * x)
			return next;
		x = next;
	}
	return x;
}

#endif							/* RK_GAMMA_QUANTILE_H */

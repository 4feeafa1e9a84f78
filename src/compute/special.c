/*
 * special.c
 *	  Gamma, chi-square (gamma_quantile.h), beta and Student distributions by
 *	  series and continued fractions (modified Lentz).
 *
 * Abramowitz, Stegun 26.4.17, 26.5.8; relative errors about 1e-14.
 */
#include "special.h"

#include <float.h>
#include <math.h>

#include "gamma_quantile.h"
#include "normal.h"

#define MAX_TERMS 10000			/* of the fraction of beta */

/* log of gamma(a) without the global variable of lgamma. */
static double
log_gamma(double a)
{
	int			sign;

	return lgamma_r(a, &sign);
}

double
rk_gamma_p(double a, double x)
{
	if (!(x > 0))
		return 0;
	return x < a + 1 ? rk_gamma_series(a, x, log_gamma(a)) : 1 - rk_gamma_fraction(a, x, log_gamma(a));
}

double
rk_gamma_q(double a, double x)
{
	if (!(x > 0))
		return 1;
	return x < a + 1 ? 1 - rk_gamma_series(a, x, log_gamma(a)) : rk_gamma_fraction(a, x, log_gamma(a));
}

double
rk_chi_square_quantile(double nu, double p)
{
	return 2 * rk_gamma_quantile_from(0.5 * nu, p, log_gamma(0.5 * nu), rk_normal_quantile(p));
}

static double
beta_fraction(double a, double b, double x)
{
	double		c = 1;
	double		d = 1 - (a + b) * x / (a + 1);
	double		h;

	if (fabs(d) < 1e-300)
		d = 1e-300;
	d = 1 / d;
	h = d;
	for (int m = 1; m < MAX_TERMS; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double		step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		h *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return h;
}

double
rk_beta_p(double a, double b, double x)
{
	double		front;

	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double
rk_student_cdf(double nu, double t)
{
	double		tail;

	/* near the middle as what is left of a half */
	if (t * t < nu)
		tail = 0.5 - 0.5 * rk_beta_p(0.5, 0.5 * nu, t * t / (nu + t * t));
	else
		tail = 0.5 * rk_beta_p(0.5 * nu, 0.5, nu / (nu + t * t));
	return t < 0 ? tail : 1 - tail;
}

double
rk_student_quantile(double nu, double p)
{
	double		tail = p < 0.5 ? p : 1 - p;
	double		low = 0;
	double		high = 1;

	if (tail == 0.5)
		return 0;
	/* bisection between bounds that hold: few quantiles are asked for */
	while (rk_student_cdf(nu, -high) > tail && high < 1e100)
		high *= 2;
	for (int step = 0; step < 200 && high - low > 1e-16 * high; step++)
	{
		double		middle = 0.5 * (low + high);

		if (middle == low || middle == high)
			break;
		if (rk_student_cdf(nu, -middle) > tail)
			low = middle;
		else
			high = middle;
	}
	return p < 0.5 ? -0.5 * (low + high) : 0.5 * (low + high);
}

/*
 * special.c
 *	  Gamma, chi-square, beta and Student distributions by series, continued
 *	  fractions (modified Lentz) and Newton-Halley steps.
 *
 * Abramowitz, Stegun 6.5.29, 6.5.31, 26.4.17, 26.5.8; relative errors about
 * 1e-14.
 */
#include "special.h"

#include <float.h>
#include <math.h>

#include "normal.h"

#define MAX_TERMS 10000

/* log of gamma(a) without the global variable of lgamma. */
static double
log_gamma(double a)
{
	int			sign;

	return lgamma_r(a, &sign);
}

/* x^a e^-x / gamma(a), log_gamma_a given. */
static double
gamma_front(double a, double x, double log_gamma_a)
{
	return exp(a * log(x) - x - log_gamma_a);
}

static double
gamma_series(double a, double x, double log_gamma_a)
{
	double		term = 1 / a;
	double		sum = term;

	for (int n = 1; n < MAX_TERMS && fabs(term) > fabs(sum) * DBL_EPSILON * 0.25; n++)
	{
		term *= x / (a + n);
		sum += term;
	}
	return sum * gamma_front(a, x, log_gamma_a);
}

static double
gamma_fraction(double a, double x, double log_gamma_a)
{
	double		b = x + 1 - a;
	double		c = 1e300;
	double		d = 1 / b;
	double		h = d;

	for (int n = 1; n < MAX_TERMS; n++)
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
	return h * gamma_front(a, x, log_gamma_a);
}

double
rk_gamma_p(double a, double x)
{
	if (!(x > 0))
		return 0;
	return x < a + 1 ? gamma_series(a, x, log_gamma(a)) : 1 - gamma_fraction(a, x, log_gamma(a));
}

double
rk_gamma_q(double a, double x)
{
	if (!(x > 0))
		return 1;
	return x < a + 1 ? 1 - gamma_series(a, x, log_gamma(a)) : gamma_fraction(a, x, log_gamma(a));
}

/* The p-quantile of the gamma distribution, from Wilson and Hilferty's guess. */
static double
gamma_quantile(double a, double p, double log_gamma_a)
{
	double		z = rk_normal_quantile(p);
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
		double		error = x < a + 1 ? gamma_series(a, x, log_gamma_a) - p :
			(1 - p) - gamma_fraction(a, x, log_gamma_a);
		double		density = gamma_front(a, x, log_gamma_a) / x;
		double		newton = error / density;
		double		halley = newton / (1 - 0.5 * fmin(1, newton * ((a - 1) / x - 1)));
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

double
rk_chi_square_quantile(double nu, double p)
{
	return 2 * gamma_quantile(0.5 * nu, p, log_gamma(0.5 * nu));
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

/*
 * normal.c
 *	  Quantiles of the normal distribution.
 *
 * Wichura, M. J. (1988), "Algorithm AS 241: The percentage points of the
 * normal distribution", Applied Statistics 37, 477-484: one rational function
 * for |p - 1/2| <= 0.425 and two of sqrt(-log p) for the tails.  The first two
 * are in the header.
 */
#include "normal.h"

/* Numerator and denominator from the highest power down. */
static const double far_e[8] = {
	2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
	2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
	5.46378491116411436990e0, 6.65790464350110377720e0
};
static const double far_f[8] = {
	2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
	7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
	5.99832206555887937690e-1, 1.0
};

static double
ratio(const double *a, const double *b, double r)
{
	double		x = a[0];
	double		y = b[0];

	for (int i = 1; i < 8; i++)
	{
		x = x * r + a[i];
		y = y * r + b[i];
	}
	return x / y;
}

double
rk_normal_quantile(double p)
{
	double		q = p - 0.5;
	double		r;
	double		x;

	if (fabs(q) <= 0.425)
		return rk_normal_center(q);
	r = q < 0 ? p : 1 - p;
	if (!(r >= 0))
		return NAN;
	if (r == 0)
		return q < 0 ? -INFINITY : INFINITY;
	r = r > 0x1p-1022 ? sqrt(-rk_log_of_half(r)) : sqrt(-log(r));
	x = r <= 5 ? rk_normal_near_tail(r) : ratio(far_e, far_f, r - 5);
	return q < 0 ? -x : x;
}

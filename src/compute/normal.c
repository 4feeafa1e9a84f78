/*
 * normal.c
 *	  Quantiles of the normal distribution.
 *
 * Wichura, M. J. (1988), "Algorithm AS 241: The percentage points of the
 * normal distribution", Applied Statistics 37, 477-484: one rational function
 * for |p - 1/2| <= 0.425 and two of sqrt(-log p) for the tails, which are in the
 * header.
 */
#include "normal.h"

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
	x = r <= 5 ? rk_normal_near_tail(r) : rk_normal_far_tail(r);
	return q < 0 ? -x : x;
}

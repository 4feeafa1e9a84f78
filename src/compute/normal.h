/*
 * normal.h
 *	  The normal distribution to the last digits of a double.
 */
#ifndef RK_NORMAL_H
#define RK_NORMAL_H

#include <math.h>

/* exp(-x^2 / 2) / sqrt(2 pi) */
static inline double
rk_normal_density(double x)
{
	return exp(-0.5 * x * x) * 0.39894228040143267794;
}

/* P(X <= x), with full relative precision in the lower tail. */
static inline double
rk_normal_cdf(double x)
{
	return 0.5 * erfc(-x * 0.70710678118654752440);
}

/*
 * The x with P(X <= x) = p: algorithm AS 241, PPND16 (Wichura 1988), relative
 * error about 1e-16.  p = 0 and 1 give -infinity and infinity, p outside NaN.
 */
extern double rk_normal_quantile(double p);

#endif							/* RK_NORMAL_H */

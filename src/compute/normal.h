/*
 * normal.h
 *	  The normal distribution to the last digits of a double.
 */
#ifndef RK_NORMAL_H
#define RK_NORMAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "both.h"

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
 * The three rational functions of AS 241, numerators x and denominators y: of q
 * = p - 1/2 for |q| <= 0.425, and of sqrt(-log p), up to 5 and beyond, for
 * smaller p.  They are here so that loops over many numbers can take them in.
 */
/* Numerator and denominator of the first, for whoever divides many at a time. */
RK_BOTH void
rk_normal_center_parts(double q, double *above, double *below)
{
	double		r = 0.180625 - q * q;
	double		x = 2.5090809287301226727e3;
	double		y = 5.2264952788528545610e3;

	x = x * r + 3.3430575583588128105e4;
	y = y * r + 2.8729085735721942674e4;
	x = x * r + 6.7265770927008700853e4;
	y = y * r + 3.9307895800092710610e4;
	x = x * r + 4.5921953931549871457e4;
	y = y * r + 2.1213794301586595867e4;
	x = x * r + 1.3731693765509461125e4;
	y = y * r + 5.3941960214247511077e3;
	x = x * r + 1.9715909503065514427e3;
	y = y * r + 6.8718700749205790830e2;
	x = x * r + 1.3314166789178437745e2;
	y = y * r + 4.2313330701600911252e1;
	x = x * r + 3.3871328727963666080e0;
	y = y * r + 1.0;
	*above = x;
	*below = y;
}

RK_BOTH double
rk_normal_center(double q)
{
	double		x;
	double		y;

	rk_normal_center_parts(q, &x, &y);
	return q * (x / y);
}

/*
 * log p for a normal number p in (0, 1/2], within 2 units of the last place (and
 * to some 1e-15 of it for larger ones), without a branch: with p = 2^k m, 1/sqrt
 * 2 < m < sqrt 2, and f = (m - 1) / (m + 1), it is k log 2 + 2 (f + f^3 / 3 + f^5
 * / 5 + ...).
 */
RK_BOTH double
rk_log_of_half(double p)
{
	uint64_t	bits;
	uint64_t	above;
	uint64_t	exponent;
	double		m;
	double		k;
	double		f;
	double		s;
	double		sum = 1.0 / 23;

	memcpy(&bits, &p, sizeof(bits));
	/* distance to sqrt(1/2), with 1024 added to the exponent */
	above = bits - UINT64_C(0x3FE6A09E667F3BCD) + (UINT64_C(1024) << 52);
	exponent = above >> 52 | UINT64_C(0x4330000000000000);
	memcpy(&k, &exponent, sizeof(k));
	k -= 0x1p52 + 1024;
	bits -= (above & UINT64_C(0xFFF0000000000000)) - (UINT64_C(1024) << 52);
	memcpy(&m, &bits, sizeof(m));
	f = (m - 1) / (m + 1);
	s = f * f;
	sum = sum * s + 1.0 / 21;
	sum = sum * s + 1.0 / 19;
	sum = sum * s + 1.0 / 17;
	sum = sum * s + 1.0 / 15;
	sum = sum * s + 1.0 / 13;
	sum = sum * s + 1.0 / 11;
	sum = sum * s + 1.0 / 9;
	sum = sum * s + 1.0 / 7;
	sum = sum * s + 1.0 / 5;
	sum = sum * s + 1.0 / 3;
	/* log 2 in two parts, the first with 21 zero bits at its end */
	return k * 6.93147180369123816490e-1 + (2 * f + (2 * f * s * sum + k * 1.90821492927058770002e-10));
}

RK_BOTH double
rk_normal_near_tail(double s)
{
	double		r = s - 1.6;
	double		x = 7.74545014278341407640e-4;
	double		y = 1.05075007164441684324e-9;

	x = x * r + 2.27238449892691845833e-2;
	y = y * r + 5.47593808499534494600e-4;
	x = x * r + 2.41780725177450611770e-1;
	y = y * r + 1.51986665636164571966e-2;
	x = x * r + 1.27045825245236838258e0;
	y = y * r + 1.48103976427480074590e-1;
	x = x * r + 3.64784832476320460504e0;
	y = y * r + 6.89767334985100004550e-1;
	x = x * r + 5.76949722146069140550e0;
	y = y * r + 1.67638483018380384940e0;
	x = x * r + 4.63033784615654529590e0;
	y = y * r + 2.05319162663775882187e0;
	x = x * r + 1.42343711074968357734e0;
	y = y * r + 1.0;
	return x / y;
}

/* The third: of sqrt(-log p) > 5. */
RK_BOTH double
rk_normal_far_tail(double s)
{
	double		r = s - 5;
	double		x = 2.01033439929228813265e-7;
	double		y = 2.04426310338993978564e-15;

	x = x * r + 2.71155556874348757815e-5;
	y = y * r + 1.42151175831644588870e-7;
	x = x * r + 1.24266094738807843860e-3;
	y = y * r + 1.84631831751005468180e-5;
	x = x * r + 2.65321895265761230930e-2;
	y = y * r + 7.86869131145613259100e-4;
	x = x * r + 2.96560571828504891230e-1;
	y = y * r + 1.48753612908506148525e-2;
	x = x * r + 1.78482653991729133580e0;
	y = y * r + 1.36929880922735805310e-1;
	x = x * r + 5.46378491116411436990e0;
	y = y * r + 5.99832206555887937690e-1;
	x = x * r + 6.65790464350110377720e0;
	y = y * r + 1.0;
	return x / y;
}

/*
 * The x with P(X <= x) = p: algorithm AS 241, PPND16 (Wichura 1988), relative
 * error about 1e-16.  p = 0 and 1 give -infinity and infinity, p outside NaN.
 */
extern double rk_normal_quantile(double p);

#endif							/* RK_NORMAL_H */

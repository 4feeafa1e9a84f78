/*
 * philox.c
 *	  Normal numbers in blocks.
 *
 * Every step is a loop over a block that the compiler turns into vector
 * instructions of the width the machine has, without a branch: the functions of
 * the centre and of the tails are computed for all and one is taken.  Products
 * and sums are not contracted (see the Makefile), so that all widths give the
 * same bits.
 */
#include "philox.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clones.h"
#include "normal.h"

/* 53 bits of two 32-bit words as a number in (0, 1). */
static inline double
uniform_of(uint32_t high, uint32_t low)
{
	/* both terms are whole and below 2^53 together: the sum is exact */
	return rk_philox_uniform_of((double) (int32_t) (high >> 1) * 0x1p22 +
								(double) (int32_t) ((high & 1) << 21 | low >> 11));
}

RK_CLONES static void
uniforms(uint64_t seed, uint64_t first, int step, int count, uint32_t block, uint32_t stream,
		 double *restrict even, double *restrict odd)
{
	uint32_t	first_low = (uint32_t) first;
	uint32_t	first_high = (uint32_t) (first >> 32);

	for (int i = 0; i < count; i++)
	{
		uint32_t	low = first_low + (uint32_t) (i * step);
		uint32_t	x[4] = {low, first_high + (low < first_low), block, stream};

		rk_philox_rounds(x, (uint32_t) seed, (uint32_t) (seed >> 32));
		even[i] = uniform_of(x[0], x[1]);
		odd[i] = uniform_of(x[2], x[3]);
	}
}

/* Distances to the nearer end, and sqrt(-log p) of them. */
RK_CLONES static void
tail_places(const double *restrict u, int count, double *restrict s)
{
	for (int i = 0; i < count; i++)
		s[i] = sqrt(-rk_log_of_half(0.5 - fabs(u[i] - 0.5)));
}

/*
 * Both rational functions for all; returns whether one needs the third.  Loops
 * of their own, since what a branch might skip is not made vectors of.
 */
RK_CLONES static bool
quantiles(double *restrict u, const double *restrict s, int count, double *restrict tail,
		  double *restrict center)
{
	uint64_t	far = 0;

	for (int i = 0; i < count; i++)
		tail[i] = copysign(rk_normal_near_tail(s[i]), u[i] - 0.5);
	for (int i = 0; i < count; i++)
		center[i] = rk_normal_center(u[i] - 0.5);
	for (int i = 0; i < count; i++)
		far |= s[i] > 5;
	for (int i = 0; i < count; i++)
		u[i] = fabs(u[i] - 0.5) <= 0.425 ? center[i] : tail[i];
	return far != 0;
}

void
rk_normals_of_uniforms(double *u, int count)
{
	double		given[RK_DRAWS];
	double		s[RK_DRAWS];
	double		tail[RK_DRAWS];
	double		center[RK_DRAWS];

	memcpy(given, u, sizeof(double) * count);
	tail_places(u, count, s);
	if (quantiles(u, s, count, tail, center))
	{
		/* beyond 5 (one in 10^11): one at a time */
		for (int i = 0; i < count; i++)
			u[i] = rk_normal_quantile(given[i]);
	}
}

void
rk_philox_normals(uint64_t seed, uint64_t first, int step, int count, uint32_t block, uint32_t stream,
				  double *even, double *odd)
{
	uniforms(seed, first, step, count, block, stream, even, odd);
	rk_normals_of_uniforms(even, count);
	rk_normals_of_uniforms(odd, count);
}

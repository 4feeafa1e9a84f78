/*
 * philox.h
 *	  Philox4x32-10, a counter-based random number generator (Salmon, Moraes,
 *	  Dror, Shaw 2011), and normal numbers from it.
 *
 * A draw is a function of the seed and of what it is drawn for, so it has the
 * same value whatever thread or device makes it.  The key is (low, high word
 * of the seed), the counter (low, high word of the case, block, stream); the
 * four words x of the result make two draws, w0 = x0 2^32 + x1 and w1 = x2 2^32
 * + x3, of which the upper 53 bits are used: u = ((w >> 11) + 1/2) / 2^53,
 * strictly between 0 and 1.  Above 1/2 that is rounded to 53 bits, and the
 * largest of all, which would be 1, is the largest number below 1.
 */
#ifndef RK_PHILOX_H
#define RK_PHILOX_H

#include <stdint.h>
#include <string.h>

#include "both.h"

/* All 64 bits of a product; nvcc adds zeros to it where a factor is a constant above 2^31. */
RK_BOTH uint64_t
rk_wide_product(uint32_t a, uint32_t b)
{
#ifdef __CUDA_ARCH__
	uint64_t	product;

	asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
	return product;
#else
	return (uint64_t) a * b;
#endif
}

/* The ten rounds over a counter that is replaced by the result. */
RK_BOTH void
rk_philox_rounds(uint32_t x[4], uint32_t k0, uint32_t k1)
{
	/* unrolled, so that a loop around it can be made vectors of */
#ifdef __CUDA_ARCH__
#pragma unroll
#elif !defined(__CUDACC__)
#pragma GCC unroll 10
#endif
	for (int round = 0; round < 10; round++)
	{
		uint64_t	a = rk_wide_product(0xD2511F53, x[0]);
		uint64_t	b = rk_wide_product(0xCD9E8D57, x[2]);

		x[0] = (uint32_t) (b >> 32) ^ x[1] ^ k0;
		x[1] = (uint32_t) b;
		x[2] = (uint32_t) (a >> 32) ^ x[3] ^ k1;
		x[3] = (uint32_t) a;
		k0 += 0x9E3779B9;
		k1 += 0xBB67AE85;
	}
}

/* The 64 bits of draw 0 or 1 of a counter. */
RK_BOTH uint64_t
rk_philox_word(uint64_t seed, uint64_t of, uint32_t block, uint32_t stream, int which)
{
	uint32_t	x[4] = {(uint32_t) of, (uint32_t) (of >> 32), block, stream};

	rk_philox_rounds(x, (uint32_t) seed, (uint32_t) (seed >> 32));
	return (uint64_t) x[2 * which] << 32 | x[2 * which + 1];
}

/* u of w >> 11, which is a whole number. */
RK_BOTH double
rk_philox_uniform_of(double upper)
{
	double		u = (upper + 0.5) * 0x1p-53;
	uint64_t	bits;

	/* of all numbers up to 1 only 1 itself has an exponent that carries into bit 62 */
	memcpy(&bits, &u, sizeof(bits));
	bits -= (bits + (UINT64_C(1) << 52)) >> 62;
	memcpy(&u, &bits, sizeof(u));
	return u;
}

RK_BOTH double
rk_philox_uniform(uint64_t word)
{
	return rk_philox_uniform_of((double) (word >> 11));
}

/* How many cases rk_philox_normals takes at most in one call. */
#define RK_DRAWS 512

/*
 * Sets even[i] and odd[i] to the standard normal numbers of the two draws of
 * case first + i step, for i below count <= RK_DRAWS: the quantiles (AS 241) of
 * the uniform numbers.  The same bits as rk_normal_quantile of
 * rk_philox_uniform.
 */
extern void rk_philox_normals(uint64_t seed, uint64_t first, int step, int count, uint32_t block,
							  uint32_t stream, double *even, double *odd);

/* Replaces uniform numbers in (0, 1) by standard normal ones; count <= RK_DRAWS. */
extern void rk_normals_of_uniforms(double *u, int count);

#endif							/* RK_PHILOX_H */

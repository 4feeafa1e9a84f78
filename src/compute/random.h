/*
 * random.h
 *	  Stateless random numbers: a hash of the seed and of what is drawn for.
 *
 * The same draw has the same value whatever thread makes it and in whatever
 * order, on the CPU and on a device.  The mixer is the finaliser of
 * splitmix64 (Steele, Lea, Flood 2014).
 */
#ifndef RK_RANDOM_H
#define RK_RANDOM_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "both.h"

RK_BOTH uint64_t
rk_mix64(uint64_t z)
{
	z ^= z >> 30;
	z *= UINT64_C(0xBF58476D1CE4E5B9);
	z ^= z >> 27;
	z *= UINT64_C(0x94D049BB133111EB);
	z ^= z >> 31;
	return z;
}

/* h(s): the start of every chain. */
RK_BOTH uint64_t
rk_hash1(uint64_t s)
{
	return rk_mix64(s + UINT64_C(0x9E3779B97F4A7C15));
}

/* h(s, x): folds one more number into a chain. */
RK_BOTH uint64_t
rk_hash_fold(uint64_t t, uint64_t x)
{
	return rk_mix64((t ^ x) + UINT64_C(0x9E3779B97F4A7C15));
}

RK_BOTH uint64_t
rk_hash2(uint64_t s, uint64_t x)
{
	return rk_hash_fold(rk_hash1(s), x);
}

RK_BOTH uint64_t
rk_hash3(uint64_t s, uint64_t x, uint64_t y)
{
	return rk_hash_fold(rk_hash2(s, x), y);
}

/* Uniform in [0, 1) with 53 bits. */
RK_BOTH double
rk_uniform(uint64_t h)
{
	return (double) (h >> 11) * 0x1.0p-53;
}

/* The bits of a number, for checksums; all NaNs are one. */
static inline uint64_t
rk_number_bits(double x)
{
	uint64_t	bits;

	if (isnan(x))
		return UINT64_MAX;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

#endif							/* RK_RANDOM_H */

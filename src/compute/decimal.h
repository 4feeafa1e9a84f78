/*
 * decimal.h
 *	  Exact decimal numbers: a whole number of units of 10^-scale.
 *
 * Money is numeric in SQL and this inside: 38 digits, no rounding that was not
 * asked for.  A column of amounts has one scale.
 */
#ifndef RK_DECIMAL_H
#define RK_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "decimal_type.h"

#define RK_DECIMAL_MAX_SCALE 38

/* An amount with its own scale. */
typedef struct rk_amount
{
	rk_decimal	value;
	int32_t		scale;
} rk_amount;

/* 10^n for 0 <= n <= 38. */
static inline rk_decimal
rk_power_of_ten(int n)
{
	static const int64_t powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
		100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000
	};

	if (n <= 18)
		return powers[n];
	return (__int128) powers[18] * (n <= 36 ? powers[n - 18] : (__int128) powers[18] * powers[n - 36]);
}

/* value * 10^digits into *result; false when that takes more than 38 digits. */
static inline bool
rk_decimal_scale_up(rk_decimal value, int digits, rk_decimal *result)
{
	__int128	r;

	if (value == 0 || digits == 0)
	{
		*result = value;
		return true;
	}
	if (digits > RK_DECIMAL_MAX_SCALE ||
		__builtin_mul_overflow((__int128) value, (__int128) rk_power_of_ten(digits), &r))
		return false;
	*result = r;
	return true;
}

/*
 * A decimal of one scale as a whole number of units of 10^-digits; false when
 * it has more digits behind the point than that, or does not fit.
 */
static inline bool
rk_decimal_fixed(rk_decimal value, int scale, int digits, int64_t *fixed)
{
	rk_decimal	v = value;

	if (scale > digits)
	{
		if (scale - digits > RK_DECIMAL_MAX_SCALE || v % rk_power_of_ten(scale - digits) != 0)
			return v == 0 ? (*fixed = 0, true) : false;
		v /= rk_power_of_ten(scale - digits);
	}
	else if (!rk_decimal_scale_up(v, digits - scale, &v))
		return false;
	*fixed = (int64_t) v;
	return v >= INT64_MIN && v <= INT64_MAX;
}

/* value / 10^digits, half away from zero. */
static inline rk_decimal
rk_decimal_round_down(rk_decimal value, int digits)
{
	rk_decimal	unit;
	rk_decimal	rest;

	if (digits <= 0)
		return value;
	if (digits > RK_DECIMAL_MAX_SCALE)
		return 0;
	unit = rk_power_of_ten(digits);
	rest = value % unit;
	value /= unit;
	if (rest < 0 && -rest >= unit - (-rest))
		value--;
	else if (rest > 0 && rest >= unit - rest)
		value++;
	return value;
}

/* Adds b to *a, in the larger of their scales; false on overflow. */
static inline bool
rk_amount_add(rk_amount *a, rk_amount b)
{
	rk_decimal	x = a->value;
	rk_decimal	y = b.value;
	__int128	sum;

	if (a->scale < b.scale)
	{
		if (!rk_decimal_scale_up(x, b.scale - a->scale, &x))
			return false;
		a->scale = b.scale;
	}
	else if (!rk_decimal_scale_up(y, a->scale - b.scale, &y))
		return false;
	if (__builtin_add_overflow((__int128) x, (__int128) y, &sum))
		return false;
	a->value = sum;
	return true;
}

/* The nearest double, for statistics. */
static inline double
rk_amount_to_double(rk_amount a)
{
	/* both exact up to 2^53 and 10^22: then one rounding */
	return (double) a.value / (double) rk_power_of_ten(a.scale);
}

/*
 * The shortest decimal number that is x (finite): what its owner has written.
 * RK_DECIMAL_MAX_SCALE digits after the point at most.
 */
extern rk_amount rk_amount_from_double(double x);

/* The two that follow, for amounts of any size. */
extern bool rk_amount_multiply_wide(rk_amount a, rk_amount b, int scale, rk_amount *product);
extern bool rk_amount_multiply_double_wide(rk_amount a, double ratio, int scale, rk_amount *product);

/*
 * a * b with this scale, half away from zero, from the exact product; false
 * when that takes more than 38 digits.
 */
static inline bool
rk_amount_multiply(rk_amount a, rk_amount b, int scale, rk_amount *product)
{
	int			cut = a.scale + b.scale - scale;
	int64_t		x = (int64_t) a.value;
	int64_t		y = (int64_t) b.value;
	int64_t		small;

	/* most amounts fit a machine word, with half a unit to spare */
	if (cut >= 0 && cut <= 18 && x == a.value && y == b.value && !__builtin_mul_overflow(x, y, &small) &&
		small < INT64_MAX / 2 && small > INT64_MIN / 2)
	{
		int64_t		unit = (int64_t) rk_power_of_ten(cut);

		product->value = (small < 0 ? small - unit / 2 : small + unit / 2) / unit;
		product->scale = scale;
		return true;
	}
	return rk_amount_multiply_wide(a, b, scale, product);
}

/*
 * a * ratio likewise, ratio taken as the binary number it is and scale not
 * below that of a: for ratios that were computed, not written.
 */
static inline bool
rk_amount_multiply_double(rk_amount a, double ratio, int scale, rk_amount *product)
{
	int			digits = scale - a.scale;
	uint64_t	bits;
	int			exponent;

	memcpy(&bits, &ratio, sizeof(bits));
	/* |ratio| = mantissa 2^exponent */
	exponent = (int) (bits >> 52 & 0x7ff) - 1075;
	/* most amounts fit a word, and the product 123 bits */
	if (exponent < 0 && exponent > -123 && (unsigned __int128) a.value >> 56 == 0 && digits >= 0 && digits <= 4)
	{
		uint64_t	mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
		unsigned __int128 small = (unsigned __int128) (uint64_t) a.value * mantissa * (uint64_t) rk_power_of_ten(digits);

		small = (small + ((unsigned __int128) 1 << (-exponent - 1))) >> -exponent;
		product->value = ratio < 0 ? -(rk_decimal) small : (rk_decimal) small;
		product->scale = scale;
		return true;
	}
	return rk_amount_multiply_double_wide(a, ratio, scale, product);
}

#endif							/* RK_DECIMAL_H */

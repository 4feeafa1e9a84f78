/*
 * decimal.c
 *	  Exact products of decimal numbers, and doubles as decimal numbers.
 */
#include "decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An unsigned number of 256 bits, lowest limb first. */
typedef struct wide
{
	uint64_t	limb[4];
} wide;

static wide
wide_product(unsigned __int128 a, unsigned __int128 b)
{
	uint64_t	x[2] = {(uint64_t) a, (uint64_t) (a >> 64)};
	uint64_t	y[2] = {(uint64_t) b, (uint64_t) (b >> 64)};
	wide		w = {{0}};

	for (int i = 0; i < 2; i++)
	{
		unsigned __int128 carry = 0;

		for (int j = 0; j < 2; j++)
		{
			carry += (unsigned __int128) x[i] * y[j] + w.limb[i + j];
			w.limb[i + j] = (uint64_t) carry;
			carry >>= 64;
		}
		w.limb[i + 2] = (uint64_t) carry;
	}
	return w;
}

/* w * m + a; what does not fit is lost. */
static void
wide_multiply_add(wide *w, uint64_t m, uint64_t a)
{
	unsigned __int128 carry = a;

	for (int i = 0; i < 4; i++)
	{
		carry += (unsigned __int128) w->limb[i] * m;
		w->limb[i] = (uint64_t) carry;
		carry >>= 64;
	}
}

static void
wide_add(wide *w, const wide *b)
{
	unsigned __int128 carry = 0;

	for (int i = 0; i < 4; i++)
	{
		carry += (unsigned __int128) w->limb[i] + b->limb[i];
		w->limb[i] = (uint64_t) carry;
		carry >>= 64;
	}
}

static void
wide_divide(wide *w, uint64_t d)
{
	unsigned __int128 rest = 0;

	for (int i = 3; i >= 0; i--)
	{
		rest = rest << 64 | w->limb[i];
		w->limb[i] = (uint64_t) (rest / d);
		rest %= d;
	}
}

bool
rk_amount_multiply_wide(rk_amount a, rk_amount b, int scale, rk_amount *product)
{
	bool		negative = (a.value < 0) != (b.value < 0);
	int			cut = a.scale + b.scale - scale;
	unsigned __int128 x = a.value < 0 ? -(unsigned __int128) a.value : (unsigned __int128) a.value;
	unsigned __int128 y = b.value < 0 ? -(unsigned __int128) b.value : (unsigned __int128) b.value;
	wide		w;
	rk_decimal	value;

	w = wide_product(x, y);

	/* floor((w + half) / 10^cut), the division in steps that keep the floor */
	if (cut > 0)
	{
		wide		half = {{5}};

		for (int i = 1; i < cut; i++)
			wide_multiply_add(&half, 10, 0);
		wide_add(&w, &half);
		for (int i = cut; i > 0; i -= 18)
			wide_divide(&w, (uint64_t) rk_power_of_ten(i < 18 ? i : 18));
	}
	if (w.limb[2] != 0 || w.limb[3] != 0 || (int64_t) w.limb[1] < 0)
		return false;
	value = (rk_decimal) ((unsigned __int128) w.limb[1] << 64 | w.limb[0]);
	if (cut < 0 && !rk_decimal_scale_up(value, -cut, &value))
		return false;
	product->value = negative ? -value : value;
	product->scale = scale;
	return true;
}

/* w * 2^-bits, half up; bits > 0. */
static void
wide_shift_down(wide *w, int bits)
{
	wide		half = {{0}};
	wide		from;
	int			limbs = bits / 64;
	int			rest = bits % 64;

	if (bits > 255)
	{
		*w = half;
		return;
	}
	half.limb[(bits - 1) / 64] = UINT64_C(1) << ((bits - 1) % 64);
	wide_add(w, &half);
	from = *w;
	for (int i = 0; i < 4; i++)
	{
		uint64_t	low = i + limbs < 4 ? from.limb[i + limbs] : 0;
		uint64_t	high = i + limbs + 1 < 4 ? from.limb[i + limbs + 1] : 0;

		w->limb[i] = rest == 0 ? low : low >> rest | high << (64 - rest);
	}
}

bool
rk_amount_multiply_double_wide(rk_amount a, double ratio, int scale, rk_amount *product)
{
	bool		negative = (a.value < 0) != (ratio < 0);
	unsigned __int128 x = a.value < 0 ? -(unsigned __int128) a.value : (unsigned __int128) a.value;
	int			exponent;
	uint64_t	mantissa;
	int			digits = scale - a.scale;
	unsigned __int128 small;
	wide		w;
	rk_decimal	value;

	/* the product has 180 bits, so 20 digits more are safe */
	if (digits < 0 || digits > 20 || !isfinite(ratio))
		return false;
	/* |ratio| = mantissa 2^exponent; subnormal numbers have no leading 1 */
	memcpy(&mantissa, &ratio, sizeof(mantissa));
	exponent = (int) (mantissa >> 52 & 0x7ff);
	mantissa &= (UINT64_C(1) << 52) - 1;
	if (exponent > 0)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	exponent -= 1075;
	/* many fit 128 bits, with half a unit to spare */
	if (exponent < 0 && exponent > -126 &&
		!__builtin_mul_overflow(x, (unsigned __int128) mantissa, &small) &&
		!__builtin_mul_overflow(small, (unsigned __int128) rk_power_of_ten(digits), &small) && small >> 126 == 0)
	{
		small = (small + ((unsigned __int128) 1 << (-exponent - 1))) >> -exponent;
		product->value = negative ? -(rk_decimal) small : (rk_decimal) small;
		product->scale = scale;
		return true;
	}
	w = wide_product(x, mantissa);
	for (int i = digits; i > 0; i -= 18)
		wide_multiply_add(&w, (uint64_t) rk_power_of_ten(i < 18 ? i : 18), 0);
	if (exponent < 0)
		wide_shift_down(&w, -exponent);
	else
		for (; exponent > 0; exponent--)
		{
			if (w.limb[2] != 0 || w.limb[3] != 0)
				return false;
			wide_multiply_add(&w, 2, 0);
		}
	if (w.limb[2] != 0 || w.limb[3] != 0 || (int64_t) w.limb[1] < 0)
		return false;
	value = (rk_decimal) ((unsigned __int128) w.limb[1] << 64 | w.limb[0]);
	product->value = negative ? -value : value;
	product->scale = scale;
	return true;
}

rk_amount
rk_amount_from_double(double x)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
		1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};
	char		text[40];
	rk_amount	a = {0, 0};
	int			exponent;
	bool		negative;

	/* both sides exact below 2^53, so the division says whether it is x; most cannot be, which the product tells */
	for (int scale = 0; scale <= 22; scale++)
	{
		double		shifted = x * powers[scale];
		double		units = fabs(shifted) < 0x1p51 ? shifted + 0x1.8p52 - 0x1.8p52 : rint(shifted);

		if (fabs(units) >= 9007199254740992.0)
			break;
		if (fabs(shifted - units) <= 1e-15 * fabs(shifted) && units / powers[scale] == x)
			return (rk_amount) {(int64_t) units, scale};
	}
	/* 17 digits and an exponent: d.dddddddddddddddde-dd */
	for (int digits = 15; digits <= 17; digits++)
	{
		snprintf(text, sizeof(text), "%.*e", digits - 1, x);
		if (strtod(text, NULL) == x)
			break;
	}
	negative = text[0] == '-';
	for (const char *p = text + negative; *p != 'e'; p++)
	{
		if (*p == '.')
			continue;
		a.value = a.value * 10 + (*p - '0');
		a.scale++;
	}
	exponent = atoi(strchr(text, 'e') + 1);
	a.scale -= 1 + exponent;
	if (a.scale < 0)
	{
		if (!rk_decimal_scale_up(a.value, -a.scale, &a.value))
			a.value = 0;
		a.scale = 0;
	}
	else if (a.scale > RK_DECIMAL_MAX_SCALE)
	{
		a.value = rk_decimal_round_down(a.value, a.scale - RK_DECIMAL_MAX_SCALE);
		a.scale = RK_DECIMAL_MAX_SCALE;
	}
	if (negative)
		a.value = -a.value;
	return a;
}

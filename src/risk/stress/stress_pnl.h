/*
 * stress_pnl.h
 *	  What a shock does to a position, exactly, for the CPU and for devices.
 *
 * Numbers are whole ones with a scale: those that the owner of a float8 has
 * written (rk_amount_from_double).  A shock s moves a position by unit (first s
 * + half s^2), a product of whole numbers that is rounded once.  Nearly all fit
 * 64 bits; for the others there are limbs enough for any numbers of 127 bits.
 */
#ifndef RK_STRESS_PNL_H
#define RK_STRESS_PNL_H

#include <stdbool.h>
#include <stdint.h>

#include "../../compute/both.h"
#include "../../compute/decimal_type.h"

#define RK_STRESS_DIGITS 2		/* more than the values have */

/* A position and a factor it depends on. */
typedef struct rk_stress_line
{
	rk_decimal	first;
	rk_decimal	half;			/* of the square; 0: it is linear */
	int32_t		first_scale;
	int32_t		half_scale;
	int32_t		position;
	int32_t		of_value;		/* unit is the value of the position, else one of the currency */
} rk_stress_line;

/* As long as two rk_decimal, so that a device may load these at once. */
typedef struct rk_stress_shock
{
	rk_decimal	by;
	int32_t		scale;
	uint32_t	factor;
	int64_t		unused;
} rk_stress_shock;

/* 10^n for 0 <= n <= 18. */
RK_BOTH int64_t
rk_stress_ten(int n)
{
	return (n & 1 ? INT64_C(10) : 1) * (n & 2 ? INT64_C(100) : 1) * (n & 4 ? INT64_C(10000) : 1) *
		(n & 8 ? INT64_C(100000000) : 1) * (n & 16 ? INT64_C(10000000000000000) : 1);
}

/* *a *= b; false when that takes more than 64 bits. */
RK_BOTH bool
rk_stress_times(int64_t *a, int64_t b)
{
	__int128	product = (__int128) *a * b;

	*a = (int64_t) product;
	return *a == product;
}

/* ---- many limbs ---- */

#define RK_STRESS_LIMBS 28
#define RK_STRESS_STEP 9		/* digits that one limb holds */
#define RK_STRESS_UNIT UINT32_C(1000000000)

/* A number >= 0, lowest limb first; the highest one is not 0. */
typedef struct rk_stress_wide
{
	uint32_t	limb[RK_STRESS_LIMBS];
	int			used;
} rk_stress_wide;

RK_BOTH void
rk_stress_wide_set(rk_stress_wide *w, rk_decimal x)
{
	unsigned __int128 rest = x < 0 ? -(unsigned __int128) x : (unsigned __int128) x;

	for (w->used = 0; rest != 0; rest >>= 32)
		w->limb[w->used++] = (uint32_t) rest;
}

RK_BOTH void
rk_stress_wide_scale(rk_stress_wide *w, uint32_t m)
{
	uint64_t	carry = 0;

	for (int i = 0; i < w->used; i++)
	{
		carry += (uint64_t) w->limb[i] * m;
		w->limb[i] = (uint32_t) carry;
		carry >>= 32;
	}
	if (carry != 0)
		w->limb[w->used++] = (uint32_t) carry;
}

/* w *= 10^digits */
RK_BOTH void
rk_stress_wide_tens(rk_stress_wide *w, int digits)
{
	for (; digits >= RK_STRESS_STEP; digits -= RK_STRESS_STEP)
		rk_stress_wide_scale(w, RK_STRESS_UNIT);
	if (digits > 0)
		rk_stress_wide_scale(w, (uint32_t) rk_stress_ten(digits));
}

/* w *= |x| */
RK_BOTH void
rk_stress_wide_times(rk_stress_wide *w, rk_decimal x)
{
	rk_stress_wide a = *w;
	rk_stress_wide b;

	rk_stress_wide_set(&b, x);
	w->used = b.used > 0 && a.used > 0 ? a.used + b.used : 0;
	for (int i = 0; i < w->used; i++)
		w->limb[i] = 0;
	for (int i = 0; i < b.used && w->used > 0; i++)
	{
		uint64_t	carry = 0;

		for (int j = 0; j < a.used; j++)
		{
			carry += (uint64_t) a.limb[j] * b.limb[i] + w->limb[i + j];
			w->limb[i + j] = (uint32_t) carry;
			carry >>= 32;
		}
		w->limb[i + a.used] = (uint32_t) carry;
	}
	if (w->used > 0 && w->limb[w->used - 1] == 0)
		w->used--;
}

RK_BOTH void
rk_stress_wide_add(rk_stress_wide *w, const rk_stress_wide *b)
{
	uint64_t	carry = 0;

	for (int i = 0; i < w->used || i < b->used || carry != 0; i++)
	{
		carry += (i < w->used ? w->limb[i] : 0);
		carry += (i < b->used ? b->limb[i] : 0);
		w->limb[i] = (uint32_t) carry;
		carry >>= 32;
		w->used = i < w->used ? w->used : i + 1;
	}
}

RK_BOTH bool
rk_stress_wide_less(const rk_stress_wide *a, const rk_stress_wide *b)
{
	if (a->used != b->used)
		return a->used < b->used;
	for (int i = a->used - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i];
	return false;
}

/* *w = larger - *w */
RK_BOTH void
rk_stress_wide_rest(rk_stress_wide *w, const rk_stress_wide *larger)
{
	int64_t		borrow = 0;

	for (int i = 0; i < larger->used; i++)
	{
		borrow += (int64_t) larger->limb[i] - (i < w->used ? w->limb[i] : 0);
		w->limb[i] = (uint32_t) borrow;
		borrow >>= 32;
	}
	for (w->used = larger->used; w->used > 0 && w->limb[w->used - 1] == 0;)
		w->used--;
}

/* w / 10^digits, half up */
RK_BOTH void
rk_stress_wide_cut(rk_stress_wide *w, int digits)
{
	int			steps = (digits + RK_STRESS_STEP - 1) / RK_STRESS_STEP;
	rk_stress_wide half;

	rk_stress_wide_tens(w, steps * RK_STRESS_STEP - digits);
	rk_stress_wide_set(&half, 5);
	rk_stress_wide_tens(&half, steps * RK_STRESS_STEP - 1);
	rk_stress_wide_add(w, &half);
	for (int step = 0; step < steps; step++)
	{
		uint64_t	rest = 0;

		for (int i = w->used - 1; i >= 0; i--)
		{
			rest = rest << 32 | w->limb[i];
			w->limb[i] = (uint32_t) (rest / RK_STRESS_UNIT);
			rest %= RK_STRESS_UNIT;
		}
		while (w->used > 0 && w->limb[w->used - 1] == 0)
			w->used--;
	}
}

/* ---- profit and loss ---- */

/* Digits behind the point of the product of which the result is cut. */
RK_BOTH int
rk_stress_scale(const rk_stress_line *l, const rk_stress_shock *s)
{
	int			linear = l->first_scale + s->scale;
	int			square = l->half_scale + 2 * s->scale;

	return l->half != 0 && square > linear ? square : linear;
}

/* All in limbs. */
RK_BOTH bool
rk_stress_pnl_wide(rk_decimal unit, int unit_scale, int scale, const rk_stress_line *l, const rk_stress_shock *s,
				   rk_decimal *pnl)
{
	int			digits = rk_stress_scale(l, s);
	int			cut = digits + unit_scale - scale;
	bool		negative = (l->first < 0) != (s->by < 0);
	unsigned __int128 magnitude = 0;
	rk_stress_wide sum;

	rk_stress_wide_set(&sum, l->first);
	rk_stress_wide_times(&sum, s->by);
	rk_stress_wide_tens(&sum, digits - l->first_scale - s->scale);
	if (l->half != 0)
	{
		rk_stress_wide square;

		rk_stress_wide_set(&square, l->half);
		rk_stress_wide_times(&square, s->by);
		rk_stress_wide_times(&square, s->by);
		rk_stress_wide_tens(&square, digits - l->half_scale - 2 * s->scale);
		if ((l->half < 0) == negative)
			rk_stress_wide_add(&sum, &square);
		else if (rk_stress_wide_less(&sum, &square))
		{
			rk_stress_wide_rest(&sum, &square);
			negative = !negative;
		}
		else
		{
			rk_stress_wide_rest(&square, &sum);
			sum = square;
		}
	}
	rk_stress_wide_times(&sum, unit);
	if (cut > 0)
		rk_stress_wide_cut(&sum, cut);
	else
		rk_stress_wide_tens(&sum, -cut);
	if (sum.used > 4 || (sum.used == 4 && sum.limb[3] >> 31 != 0))
		return false;
	for (int i = sum.used - 1; i >= 0; i--)
		magnitude = magnitude << 32 | sum.limb[i];
	*pnl = (unit < 0) != negative ? -(rk_decimal) magnitude : (rk_decimal) magnitude;
	return true;
}

/*
 * What the shock does to the line's position, whose value has this scale, in
 * RK_STRESS_DIGITS digits more, half away from zero; false beyond 127 bits.
 */
RK_BOTH bool
rk_stress_pnl(rk_decimal value, int value_scale, const rk_stress_line *l, const rk_stress_shock *s, rk_decimal *pnl)
{
	int			scale = value_scale + RK_STRESS_DIGITS;
	rk_decimal	unit = l->of_value ? value : 1;
	int			unit_scale = l->of_value ? value_scale : 0;
	int			digits = rk_stress_scale(l, s);
	int			cut = digits + unit_scale - scale;
	int			below = digits - l->first_scale - s->scale;
	int64_t		sum = (int64_t) l->first;
	int64_t		square = (int64_t) l->half;
	int64_t		by = (int64_t) s->by;
	bool		fits = sum == l->first && square == l->half && by == s->by && (int64_t) unit == unit && below <= 18 &&
		cut <= 18 && cut >= -18 && rk_stress_times(&sum, by) && rk_stress_times(&sum, rk_stress_ten(below));

	if (fits && square != 0)
	{
		below = digits - l->half_scale - 2 * s->scale;
		fits = below <= 18 && rk_stress_times(&square, by) && rk_stress_times(&square, by) &&
			rk_stress_times(&square, rk_stress_ten(below)) && (__int128) sum + square == (int64_t) ((uint64_t) sum + (uint64_t) square);
		sum = (int64_t) ((uint64_t) sum + (uint64_t) square);
	}
	/* with half a unit to spare */
	fits = fits && rk_stress_times(&sum, (int64_t) unit) && sum < INT64_MAX / 2 && sum > INT64_MIN / 2;
	if (!fits)
		return rk_stress_pnl_wide(unit, unit_scale, scale, l, s, pnl);
	if (cut > 0)
	{
		int64_t		by_cut = rk_stress_ten(cut);

		*pnl = (sum < 0 ? sum - by_cut / 2 : sum + by_cut / 2) / by_cut;
	}
	else
		*pnl = (rk_decimal) sum * rk_stress_ten(-cut);
	return true;
}

#endif							/* RK_STRESS_PNL_H */

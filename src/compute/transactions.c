/*
 * transactions.c
 *	  Payments as columns: their order in time, where entities are first seen.
 */
#include "transactions.h"

#include <math.h>
#include <string.h>

#define DIGIT_BITS 11
#define BUCKETS (1 << DIGIT_BITS)

/* One pass of the radix sort, stable. */
static void
sort_by_digit(const rk_keyed_row *from, rk_keyed_row *to, int64_t count, int shift)
{
	int64_t		at[BUCKETS] = {0};
	int64_t		sum = 0;

	for (int64_t i = 0; i < count; i++)
		at[from[i].key >> shift & (BUCKETS - 1)]++;
	for (int b = 0; b < BUCKETS; b++)
	{
		int64_t		size = at[b];

		at[b] = sum;
		sum += size;
	}
	for (int64_t i = 0; i < count; i++)
		to[at[from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
}

rk_status
rk_sort_keyed_rows(rk_ctx *ctx, rk_keyed_row **list, rk_keyed_row **scratch, int64_t count, uint64_t max)
{
	for (int shift = 0; shift < 64 && max >> shift != 0; shift += DIGIT_BITS)
	{
		rk_keyed_row *sorted = *scratch;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		sort_by_digit(*list, sorted, count, shift);
		*scratch = *list;
		*list = sorted;
	}
	return RK_OK;
}

rk_status
rk_transactions_order(rk_ctx *ctx, const rk_transactions *t, uint32_t **rows)
{
	int64_t		n = t->count;
	bool		sorted = true;
	int64_t		least = INT64_MAX;
	int64_t		most = INT64_MIN;
	rk_keyed_row *list;
	rk_keyed_row *scratch;
	rk_status	status;

	if ((*rows = rk_alloc(ctx, n, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
	{
		sorted &= i == 0 || t->ts[i - 1] <= t->ts[i];
		least = t->ts[i] < least ? t->ts[i] : least;
		most = t->ts[i] > most ? t->ts[i] : most;
	}
	if (sorted)
	{
		for (int64_t i = 0; i < n; i++)
			(*rows)[i] = (uint32_t) i;
		return RK_OK;
	}
	list = rk_alloc(ctx, n, sizeof(rk_keyed_row));
	scratch = rk_alloc(ctx, n, sizeof(rk_keyed_row));
	if (!list || !scratch)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		list[i] = (rk_keyed_row) {(uint64_t) t->ts[i] - (uint64_t) least, (uint32_t) i};
	status = rk_sort_keyed_rows(ctx, &list, &scratch, n, (uint64_t) most - (uint64_t) least);
	for (int64_t i = 0; status == RK_OK && i < n; i++)
		(*rows)[i] = list[i].row;
	rk_free(ctx, list);
	rk_free(ctx, scratch);
	return status;
}

void
rk_transactions_first_seen(const rk_transactions *t, uint32_t *first)
{
	memset(first, 0xff, sizeof(uint32_t) * t->entities);
	for (int64_t i = t->count; i-- > 0;)
		first[t->source[i]] = first[t->target[i]] = (uint32_t) i;
}

rk_decimal
rk_transactions_sum(const rk_transactions *t, const uint32_t *rows, int64_t count)
{
	rk_decimal	sum = 0;

	for (int64_t i = 0; i < count; i++)
		sum += t->amount[rows[i]];
	return sum;
}

static int
leading_zeros(unsigned __int128 x)
{
	return x >> 64 ? __builtin_clzll((uint64_t) (x >> 64)) : 64 + __builtin_clzll((uint64_t) x);
}

double
rk_money_ratio(rk_decimal part, rk_decimal whole)
{
	const rk_decimal exact = (rk_decimal) 1 << 53;
	unsigned __int128 p = part;
	unsigned __int128 w = whole;
	uint64_t	quotient = 0;
	int			p_shift;
	int			w_shift;
	int			digits = 55;

	if (whole == 0)
		return __builtin_nan("");
	if (part <= exact && whole <= exact)
		return (double) part / (double) whole;
	if (part == 0)
		return 0;
	/* both into [2^126, 2^127), so that the quotient is in (1/2, 2) */
	p_shift = leading_zeros(p) - 1;
	w_shift = leading_zeros(w) - 1;
	p <<= p_shift;
	w <<= w_shift;
	if (p >= w)
	{
		p -= w;
		quotient = 1;
		digits = 54;
	}
	/* 55 binary digits, and one more that says whether there are others */
	for (int i = 0; i < digits; i++)
	{
		p <<= 1;
		quotient <<= 1;
		if (p >= w)
		{
			p -= w;
			quotient |= 1;
		}
	}
	return ldexp((double) (quotient << 1 | (p != 0)), w_shift - p_shift - digits - 1);
}

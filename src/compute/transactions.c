/*
 * transactions.c
 *	  Payments as columns: their order in time, where entities are first seen.
 */
#include "transactions.h"

#include <string.h>

#define DIGIT_BITS 11
#define BUCKETS (1 << DIGIT_BITS)

/* A row and its time from the first one on. */
typedef struct timed_row
{
	uint64_t	time;
	uint32_t	row;
} __attribute__((packed, aligned(4))) timed_row;

/* One pass of the radix sort, stable. */
static void
sort_by_digit(const timed_row *from, timed_row *to, int64_t count, int shift)
{
	int64_t		at[BUCKETS] = {0};
	int64_t		sum = 0;

	for (int64_t i = 0; i < count; i++)
		at[from[i].time >> shift & (BUCKETS - 1)]++;
	for (int b = 0; b < BUCKETS; b++)
	{
		int64_t		size = at[b];

		at[b] = sum;
		sum += size;
	}
	for (int64_t i = 0; i < count; i++)
		to[at[from[i].time >> shift & (BUCKETS - 1)]++] = from[i];
}

rk_status
rk_transactions_order(rk_ctx *ctx, const rk_transactions *t, uint32_t **rows)
{
	int64_t		n = t->count;
	bool		sorted = true;
	int64_t		least = INT64_MAX;
	int64_t		most = INT64_MIN;
	timed_row  *from;
	timed_row  *to;

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
	from = rk_alloc(ctx, n, sizeof(timed_row));
	to = rk_alloc(ctx, n, sizeof(timed_row));
	if (!from || !to)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		from[i] = (timed_row) {(uint64_t) t->ts[i] - (uint64_t) least, (uint32_t) i};
	for (int shift = 0; shift < 64 && ((uint64_t) most - (uint64_t) least) >> shift != 0; shift += DIGIT_BITS)
	{
		timed_row  *swap = from;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		sort_by_digit(from, to, n, shift);
		from = to;
		to = swap;
	}
	for (int64_t i = 0; i < n; i++)
		(*rows)[i] = from[i].row;
	rk_free(ctx, from);
	rk_free(ctx, to);
	return RK_OK;
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

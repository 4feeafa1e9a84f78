/*
 * transactions.h
 *	  Payments as columns: what every kernel over transactions works on.
 *
 * Money is a whole number of units of 10^-8 in 128 bits.  An amount is at most
 * RK_MONEY_MAX, so that all amounts together, doubled, fit.  Times are
 * microseconds since 2000-01-01 UTC.
 *
 * The order of transactions is that of ts, ties in the order of the rows;
 * "first seen" is the lowest row.  Windows are half open, [t, t + w).
 */
#ifndef RK_TRANSACTIONS_H
#define RK_TRANSACTIONS_H

#include "ctx.h"
#include "decimal.h"

#define RK_MONEY_SCALE 8
/* 10^28 units, 10^20 in the currency */
#define RK_MONEY_MAX ((rk_decimal) 10000000000 * 1000000000000000000)
#define RK_MAX_TRANSACTIONS INT64_C(4294967294)
#define RK_NO_ROW UINT32_MAX

typedef struct rk_transactions
{
	int64_t		count;			/* rows, at most RK_MAX_TRANSACTIONS */
	int64_t		entities;		/* source and target are below */
	const uint32_t *source;
	const uint32_t *target;
	const rk_decimal *amount;	/* units of 10^-8, from 0 to RK_MONEY_MAX */
	const int64_t *ts;			/* NULL: the rows have no times */
	rk_decimal	total;			/* of all rows, those with source = target included */
} rk_transactions;

/*
 * A length of time after each row.  A day or a month is as long as the calendar
 * of the session's time zone says, so the end may be one by row; ends of later
 * rows are then not always later.
 */
typedef struct rk_window
{
	int64_t		width;			/* microseconds, if ends is NULL */
	const int64_t *ends;		/* by row */
} rk_window;

/* The end of the window that begins with this row; the end is not in it. */
static inline int64_t
rk_window_end(const rk_window *w, const rk_transactions *t, uint32_t row)
{
	int64_t		end;

	if (w->ends)
		return w->ends[row];
	return __builtin_add_overflow(t->ts[row], w->width, &end) ? INT64_MAX : end;
}

/*
 * Ratio of two amounts of at least 0, correctly rounded; NaN when the second
 * is 0.
 */
extern double rk_money_ratio(rk_decimal part, rk_decimal whole);

/* A row and what it is to be sorted by. */
typedef struct rk_keyed_row
{
	uint64_t	key;
	uint32_t	row;
} __attribute__((packed, aligned(4))) rk_keyed_row;

/*
 * Sorts by key, rows of one key as they come.  *list and *scratch have count
 * entries and may be swapped; the result is in *list.  Keys are at most max:
 * one pass for every 11 bits of it.
 */
extern rk_status rk_sort_keyed_rows(rk_ctx *ctx, rk_keyed_row **list, rk_keyed_row **scratch,
									int64_t count, uint64_t max);

/*
 * The rows in the order of transactions.  *rows is allocated in ctx.  One look
 * when they are in order already, else a radix sort: O(count), 12 bytes a row
 * while sorting.
 */
extern rk_status rk_transactions_order(rk_ctx *ctx, const rk_transactions *t, uint32_t **rows);

/*
 * Sets first[entity] to the row in which each entity is seen first, as source
 * or target; RK_NO_ROW if in none.
 */
extern void rk_transactions_first_seen(const rk_transactions *t, uint32_t *first);

/* The sum of the amounts of some rows. */
extern rk_decimal rk_transactions_sum(const rk_transactions *t, const uint32_t *rows, int64_t count);

#endif							/* RK_TRANSACTIONS_H */

/*
 * transactions_support.h
 *	  Random transactions for the unit tests of kernels over them.
 */
#ifndef RK_TEST_TRANSACTIONS_SUPPORT_H
#define RK_TEST_TRANSACTIONS_SUPPORT_H

#include "support.h"

#include "../../src/compute/transactions.h"

/* The columns are on the heap of the test. */
typedef struct test_transactions
{
	rk_transactions t;
	uint32_t   *source;
	uint32_t   *target;
	rk_decimal *amount;
	int64_t    *ts;
} test_transactions;

/*
 * count transactions among so many entities, some of them to oneself; times
 * are in [0, span), so that some are equal, and in no order; amounts are whole
 * units of the currency from 0 to 100.
 */
static inline test_transactions
random_transactions(uint64_t seed, int64_t entities, int64_t count, int64_t span)
{
	test_transactions x = {
		.source = malloc(sizeof(uint32_t) * (count + 1)),
		.target = malloc(sizeof(uint32_t) * (count + 1)),
		.amount = malloc(sizeof(rk_decimal) * (count + 1)),
		.ts = malloc(sizeof(int64_t) * (count + 1))
	};

	x.t = (rk_transactions) {.count = count,.entities = entities,.source = x.source,.target = x.target,
		.amount = x.amount,.ts = x.ts};
	for (int64_t i = 0; i < count; i++)
	{
		x.source[i] = rk_hash3(seed, i, 1) % entities;
		x.target[i] = rk_hash3(seed, i, 2) % entities;
		x.amount[i] = RK_MONEY_UNIT * (rk_hash3(seed, i, 3) % 101);
		x.ts[i] = rk_hash3(seed, i, 4) % span;
		x.t.total += x.amount[i];
	}
	return x;
}

static inline void
free_transactions(test_transactions *x)
{
	free(x->source);
	free(x->target);
	free(x->amount);
	free(x->ts);
}

/*
 * Transactions made of random edges, for the sweeps of support.h: times and
 * amounts follow from the row.  They live in ctx; NULL when memory is short.
 */
static inline bool
transactions_of_edges(rk_ctx *ctx, const rk_edges *e, int64_t span, rk_transactions *t)
{
	rk_decimal *amount = rk_alloc(ctx, e->count, sizeof(rk_decimal));
	int64_t    *ts = rk_alloc(ctx, e->count, sizeof(int64_t));

	if (!amount || !ts)
		return false;
	*t = (rk_transactions) {.count = e->count,.entities = e->nodes,.source = e->source,.target = e->target,
		.amount = amount,.ts = ts};
	for (int64_t i = 0; i < e->count; i++)
	{
		amount[i] = RK_MONEY_UNIT * (rk_hash3(9, i, 3) % 101);
		ts[i] = rk_hash3(9, i, 4) % span;
		t->total += amount[i];
	}
	return true;
}

#endif							/* RK_TEST_TRANSACTIONS_SUPPORT_H */

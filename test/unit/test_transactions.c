/*
 * test_transactions.c
 *	  Transactions as columns: their order, windows, where entities are seen.
 */
#include "transactions_support.h"

/* Times rise along the order, rows among equal times. */
static void
assert_ordered(rk_ctx *ctx, const rk_transactions *t)
{
	uint32_t   *rows;
	bool	   *seen = calloc(t->count + 1, 1);

	assert_int_equal(rk_transactions_order(ctx, t, &rows), RK_OK);
	for (int64_t i = 0; i < t->count; i++)
	{
		assert_true(rows[i] < t->count && !seen[rows[i]]);
		seen[rows[i]] = true;
		if (i > 0)
			assert_true(t->ts[rows[i - 1]] < t->ts[rows[i]] ||
						(t->ts[rows[i - 1]] == t->ts[rows[i]] && rows[i - 1] < rows[i]));
	}
	free(seen);
}

static void
order_is_by_time_then_row(void **state)
{
	static const int64_t spans[] = {1, 3, 1000, INT64_C(1) << 22, INT64_C(1) << 60};

	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		test_transactions x = random_transactions(seed, 10, rk_hash2(seed, 1) % 3000, spans[seed % 5]);
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_ordered(&ctx, &x.t);
		/* from the first moment there is to the last */
		if (x.t.count > 2)
		{
			x.ts[0] = INT64_MAX;
			x.ts[1] = INT64_MIN;
			assert_ordered(&ctx, &x.t);
		}
		rk_ctx_destroy(&ctx);
		free_transactions(&x);
	}
}

static void
entities_are_first_seen(void **state)
{
	test_transactions x = random_transactions(3, 200, 150, 10);
	uint32_t	first[200];

	(void) state;
	rk_transactions_first_seen(&x.t, first);
	for (uint32_t e = 0; e < 200; e++)
	{
		int64_t		row = 0;

		while (row < x.t.count && x.source[row] != e && x.target[row] != e)
			row++;
		assert_int_equal(first[e], row == x.t.count ? RK_NO_ROW : row);
	}
	free_transactions(&x);
}

static void
windows_end(void **state)
{
	const int64_t ts[] = {5, INT64_MAX - 3};
	const int64_t ends[] = {7, 9};
	const rk_transactions t = {.count = 2,.ts = ts};

	(void) state;
	assert_int_equal(rk_window_end(&(rk_window) {.width = 10}, &t, 0), 15);
	assert_int_equal(rk_window_end(&(rk_window) {.width = 10}, &t, 1), INT64_MAX);
	assert_int_equal(rk_window_end(&(rk_window) {.ends = ends}, &t, 1), 9);
}

static rk_status
run_order(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_transactions t;
	uint32_t   *rows;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, INT64_C(1) << 40, &t))
		return RK_ERR_MEMORY;
	status = rk_transactions_order(ctx, &t, &rows);
	if (status == RK_OK)
		memcpy(result, rows, sizeof(uint32_t) * t.count);
	return status;
}

static void
order_passes(void **state)
{
	test_edges	e = random_edges(5, 100, 20000, false);

	(void) state;
	assert_thread_independent(run_order, &e.edges, sizeof(uint32_t) * e.edges.count);
	assert_survives_allocation_failures(run_order, &e.edges, sizeof(uint32_t) * e.edges.count);
	assert_cancellable(run_order, &e.edges, sizeof(uint32_t) * e.edges.count);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_by_time_then_row),
		cmocka_unit_test(entities_are_first_seen),
		cmocka_unit_test(windows_end),
		cmocka_unit_test(order_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

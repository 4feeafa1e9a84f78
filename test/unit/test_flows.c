/*
 * test_flows.c
 *	  Circular, reciprocal, reversed and sliced flows: worked examples, invariants,
 *	  and the sweeps that all kernels must pass.
 */
#include "transactions_support.h"

#include "../../src/compliance/flows/flows.h"

#define SECOND INT64_C(1000000)
#define COIN(x) (RK_MONEY_UNIT * (x))

/* Transactions from a list: {source, target, amount, seconds}. */
static rk_transactions
literal(int64_t count, const int64_t (*list)[4], test_transactions *x)
{
	*x = random_transactions(1, 10, count, 1);
	x->t.total = 0;
	for (int64_t i = 0; i < count; i++)
	{
		x->source[i] = (uint32_t) list[i][0];
		x->target[i] = (uint32_t) list[i][1];
		x->amount[i] = COIN(list[i][2]);
		x->ts[i] = list[i][3] * SECOND;
		x->t.total += x->amount[i];
	}
	return x->t;
}

#define LITERAL(x, ...) \
	literal(sizeof((int64_t[][4]) {__VA_ARGS__}) / sizeof(int64_t[4]), (int64_t[][4]) {__VA_ARGS__}, (x))

/* ---- ratios ---- */

/* Beyond 2^53 the quotient is still the nearest double. */
static void
ratios_are_rounded_correctly(void **state)
{
	(void) state;
	assert_true(isnan(rk_money_ratio(5, 0)));
	assert_true(rk_money_ratio(0, COIN(1)) == 0);
	for (uint64_t i = 0; i < 20000; i++)
	{
		/* a / b as itself, and both sides multiplied: the same ratio */
		int64_t		a = 1 + rk_hash2(i, 1) % (UINT64_C(1) << (1 + i % 52));
		int64_t		b = 1 + rk_hash2(i, 2) % (UINT64_C(1) << (1 + i / 52 % 52));
		rk_decimal	factor = (rk_decimal) 1000003 * (1 + rk_hash2(i, 3) % (UINT64_C(1) << 50));

		assert_true(rk_money_ratio(a, b) == (double) a / (double) b);
		assert_true(rk_money_ratio(a * factor, b * factor) == (double) a / (double) b);
	}
	assert_true(rk_money_ratio(RK_MONEY_MAX, 1) == 1e28);
	assert_true(rk_money_ratio(1, RK_MONEY_MAX) == 1e-28);
}

/* ---- pairs ---- */

static void
pairs_hold_every_row_once(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 50; seed++)
	{
		int64_t		n = rk_hash2(seed, 9) % 500;
		test_transactions x = random_transactions(seed, 1 + seed % 9, n, 50);
		uint32_t   *order;
		bool		seen[500] = {false};
		rk_pairs	pairs;
		rk_ctx		ctx;
		int64_t		between = 0;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_transactions_order(&ctx, &x.t, &order), RK_OK);
		assert_int_equal(rk_pairs_build(&ctx, &x.t, order, n, &pairs), RK_OK);
		for (int64_t i = 0; i < n; i++)
			between += x.source[i] != x.target[i];
		assert_int_equal(pairs.offsets[pairs.count], between);
		for (int64_t g = 0; g < pairs.count; g++)
		{
			uint32_t	a = x.source[pairs.rows[pairs.offsets[g]]];
			uint32_t	b = x.target[pairs.rows[pairs.offsets[g]]];

			for (int64_t i = pairs.offsets[g]; i < pairs.offsets[g + 1]; i++)
			{
				uint32_t	row = pairs.rows[i];

				assert_false(seen[row]);
				seen[row] = true;
				assert_true((x.source[row] == a && x.target[row] == b) || (x.source[row] == b && x.target[row] == a));
				assert_true(i == pairs.offsets[g] || x.ts[pairs.rows[i - 1]] <= x.ts[row]);
			}
		}
		rk_ctx_destroy(&ctx);
		free_transactions(&x);
	}
}

/* ---- reciprocity ---- */

static void
reciprocity_of_the_example(void **state)
{
	test_transactions x;
	rk_transactions t = LITERAL(&x, {1, 2, 5000, 100}, {2, 1, 4800, 200}, {3, 3, 7, 0});
	rk_window	delay = {.width = 100 * SECOND};
	rk_reciprocity_params p = {0};
	rk_reciprocity r;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_int_equal(r.count, 1);
	assert_true(r.reciprocal_amount == COIN(9600) && r.total_amount == COIN(9800));
	assert_true(r.pairs[0].balance == 0.96 && r.ratio == 9600.0 / 9800.0);
	/* it comes back after 100 s, which is not less than 100 s */
	p.max_delay = &delay;
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_true(r.count == 1 && r.reciprocal_amount == 0);
	delay.width++;
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_true(r.reciprocal_amount == COIN(9600));
	rk_ctx_destroy(&ctx);
	free_transactions(&x);
}

/* ---- reversals ---- */

static void
reversals_of_the_example(void **state)
{
	test_transactions x;
	rk_transactions t = LITERAL(&x, {1, 2, 5000, 100}, {2, 1, 5000, 200}, {3, 4, 3000, 300}, {4, 3, 2800, 400});
	rk_window	max = {.width = 86400 * SECOND};
	rk_window	suspicious = {.width = 3600 * SECOND};
	rk_window	critical = {.width = 300 * SECOND};
	rk_reversal_params p = {&max, &suspicious, &critical, 0.9, false};
	rk_reversals r;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_reversals(&ctx, &t, &p, &r), RK_OK);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.list[0].level, RK_REVERSAL_CRITICAL);
	assert_int_equal(r.list[1].level, RK_REVERSAL_HIGH);
	assert_true(r.volume == COIN(15800) && r.volume_ratio == 1 && r.repeat_offenders == 0 && r.risk_score == 90);
	rk_ctx_destroy(&ctx);
	free_transactions(&x);
}

/* ---- splits ---- */

static void
splits_of_the_examples(void **state)
{
	static const struct
	{
		int			n;
		int			amount;
		int			level;		/* -1: none */
	}			cases[] = {{4, 2500, RK_SPLIT_HIGH}, {4, 2450, RK_SPLIT_HIGH}, {5, 2500, RK_SPLIT_ELEVATED},
	{3, 3300, RK_SPLIT_HIGH}, {3, 7500, RK_SPLIT_HIGH}, {2, 500, -1}};
	rk_window	window = {.width = 86400 * SECOND};
	rk_split_params p = {COIN(10000), &window, 3, RK_SPLIT_SOURCE};

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		test_transactions x;
		rk_transactions t = LITERAL(&x, {1, 2, 1, 0}, {1, 3, 1, 3600}, {1, 4, 1, 7200}, {1, 5, 1, 9000}, {1, 6, 1, 9900});
		rk_splits	r;
		rk_ctx		ctx;

		for (int i = 0; i < cases[c].n; i++)
			x.amount[i] = COIN(cases[c].amount);
		t.count = cases[c].n;
		rk_ctx_init(&ctx);
		assert_int_equal(rk_compliance_splits(&ctx, &t, &p, &r), RK_OK);
		assert_int_equal(r.count, cases[c].level >= 0);
		if (r.count > 0)
		{
			assert_int_equal(r.list[0].level, cases[c].level);
			assert_true(r.list[0].uniform && r.volume == COIN(cases[c].n * cases[c].amount));
		}
		rk_ctx_destroy(&ctx);
		free_transactions(&x);
	}
}

/* ---- sweeps ---- */

#define SPAN (SECOND * 86400 * 30)

static rk_status
run_reciprocity(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_window	delay = {.width = SPAN / 10};
	rk_reciprocity_params p = {.max_delay = &delay};
	rk_transactions t;
	rk_reciprocity r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_reciprocity(ctx, &t, &p, &r)) != RK_OK)
		return status;
	memcpy(result, r.pairs, sizeof(double) * edges->nodes);
	return RK_OK;
}

static rk_status
reversals_run(rk_ctx *ctx, const rk_edges *edges, void *result, bool all_pairs)
{
	rk_window	max = {.width = SPAN};
	rk_window	shorter = {.width = SPAN / 20};
	rk_reversal_params p = {&max, &shorter, &shorter, 0.1, all_pairs};
	rk_transactions t;
	rk_reversals r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_reversals(ctx, &t, &p, &r)) != RK_OK)
		return status;
	memcpy(result, r.by_entity, sizeof(double) * edges->nodes);
	return RK_OK;
}

static rk_status
run_reversals(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return reversals_run(ctx, edges, result, false);
}

static rk_status
run_all_reversals(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return reversals_run(ctx, edges, result, true);
}

static rk_status
run_splits(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_window	window = {.width = SPAN / 20};
	rk_split_params p = {COIN(60), &window, 2, RK_SPLIT_BOTH};
	rk_transactions t;
	rk_splits	r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_splits(ctx, &t, &p, &r)) != RK_OK)
		return status;
	for (int64_t k = 0; k < r.count && k < edges->nodes; k++)
		((double *) result)[k] = (double) r.list[k].total + r.list[k].entity + 1000.0 * r.list[k].level;
	return RK_OK;
}

static void
all_sweeps(test_run_fn run, int64_t nodes, int64_t rows)
{
	test_edges	e = random_edges(5, nodes, rows, false);

	assert_thread_independent(run, &e.edges, sizeof(double) * nodes);
	assert_survives_allocation_failures(run, &e.edges, sizeof(double) * nodes);
	assert_cancellable(run, &e.edges, sizeof(double) * nodes);
	free_edges(&e);
}

static void
reciprocity_passes(void **state)
{
	(void) state;
	all_sweeps(run_reciprocity, 200, 60000);
}

static void
reversals_pass(void **state)
{
	(void) state;
	all_sweeps(run_reversals, 200, 40000);
	all_sweeps(run_all_reversals, 200, 40000);
}

static void
splits_pass(void **state)
{
	(void) state;
	all_sweeps(run_splits, 200, 40000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_rounded_correctly),
		cmocka_unit_test(pairs_hold_every_row_once),
		cmocka_unit_test(reciprocity_of_the_example),
		cmocka_unit_test(reversals_of_the_example),
		cmocka_unit_test(splits_of_the_examples),
		cmocka_unit_test(reciprocity_passes),
		cmocka_unit_test(reversals_pass),
		cmocka_unit_test(splits_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

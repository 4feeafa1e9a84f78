/*
 * test_clearing.c
 *	  Matching of deliveries and receipts: worked pairs, assignment by hand,
 *	  and the sweeps all kernels pass.
 */
#include "support.h"

#include "../../src/clearing/clearing.h"

#define N 3000

static const rk_dvp_rules plain_rules = {
	.min_confidence = 0.8,
	.quantity_tolerance = 0.01,
	.amount_tolerance = 0.01,
	.amount_unit = 100,
	.strict_counterparty = true,
	.match_reference = true
};

static rk_dvp_instruction
leg(int64_t id, rk_dvp_side side, int64_t quantity, int64_t amount)
{
	return (rk_dvp_instruction) {
		.id = id,.deliverer = 1,.receiver = 2,.quantity = quantity,.amount = amount,.trade_date = RK_DVP_NONE,
		.security = 1,.currency = 1,.settlement_date = 7,.side = side,.status = RK_DVP_PENDING
	};
}

static void
two_legs_are_compared(void **state)
{
	rk_dvp_rules rules = plain_rules;
	rk_dvp_instruction d = leg(1, RK_DVP_DELIVER, 100, 100000);
	rk_dvp_instruction r = leg(2, RK_DVP_RECEIVE, 100, 99000);
	double		confidence;
	int			differences;

	(void) state;
	/* one per cent is within one per cent */
	assert_true(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	assert_true(confidence == 0.99);
	assert_int_equal(differences, RK_DVP_AMOUNT);
	r.amount = 98999;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	assert_int_equal(differences, RK_DVP_AMOUNT);
	/* 2 of the currency up to 100,000, 25 above */
	rules.t2s = true;
	r.amount = 99800;
	assert_true(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	r.amount = 99799;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	d.amount = 10000001;
	r.amount = 9997501;
	assert_true(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	r.amount = 9997500;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	r.amount = d.amount;
	r.receiver = 3;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	assert_int_equal(differences, RK_DVP_RECEIVER);
	rules.strict_counterparty = false;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	assert_int_equal(differences, RK_DVP_CONFIDENCE);
	rules.min_confidence = 0.5;
	assert_true(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	d.reference[0] = 1;
	assert_true(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	r.reference[0] = 2;
	assert_false(rk_dvp_compare(&rules, &d, &r, &confidence, &differences));
	assert_int_equal(differences, RK_DVP_REFERENCE);
}

/* The sum of an assignment of rows to columns, by trying all of them. */
static double
best_sum(const double *w, int64_t rows, int64_t columns, int64_t row, unsigned taken)
{
	double		best = 0;

	if (row == rows)
		return 0;
	for (int64_t c = 0; c < columns; c++)
	{
		double		sum;

		if (taken & (1u << c))
			continue;
		sum = w[row * columns + c] + best_sum(w, rows, columns, row + 1, taken | (1u << c));
		best = sum > best ? sum : best;
	}
	return best;
}

static void
assignments_are_the_best(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		int64_t		rows = 1 + (int64_t) (rk_hash2(seed, 1) % 6);
		int64_t		columns = rows + (int64_t) (rk_hash2(seed, 2) % 2);
		double		w[49];
		int64_t		column[7];
		unsigned	used = 0;
		double		sum = 0;
		rk_ctx		ctx;

		for (int64_t i = 0; i < rows * columns; i++)
			w[i] = rk_hash3(seed, 3, i) % 3 == 0 ? 0 : (double) (rk_hash3(seed, 4, i) % 8) / 8;
		rk_ctx_init(&ctx);
		assert_int_equal(rk_assignment(&ctx, w, rows, columns, column), RK_OK);
		for (int64_t r = 0; r < rows; r++)
		{
			assert_false(used & (1u << column[r]));
			used |= 1u << column[r];
			sum += w[r * columns + column[r]];
		}
		assert_true(fabs(sum - best_sum(w, rows, columns, 0, 0)) < 1e-12);
		rk_ctx_destroy(&ctx);
	}
}

/* ---- sweeps ---- */

typedef struct answer
{
	uint32_t	partner[N];
	double		confidence[N];
	uint16_t	differences[N];
} answer;

static rk_status
run_method(rk_ctx *ctx, void *result, rk_dvp_method method, bool strict)
{
	static rk_dvp_instruction list[N];
	rk_dvp_rules rules = plain_rules;
	rk_dvp_result r;
	rk_status	status;

	rules.strict_counterparty = strict;
	rules.min_confidence = strict ? 0.8 : 0.4;
	for (int64_t i = 0; i < N; i++)
	{
		list[i] = leg(i, rk_hash2(1, i) % 2, 100 + (int64_t) (rk_hash2(2, i) % 2), 100000 + (int64_t) (rk_hash2(3, i) % 5) * 300);
		list[i].security = (uint32_t) (rk_hash2(4, i) % 40);
		list[i].receiver = rk_hash2(5, i) % 3;
		list[i].reference[0] = rk_hash2(6, i) % 4;
		list[i].status = rk_hash2(7, i) % 10 == 0 ? RK_DVP_SETTLED : RK_DVP_PENDING;
	}
	status = rk_dvp_match(ctx, list, N, &rules, method, &r);
	if (status == RK_OK)
	{
		answer	   *a = result;

		memcpy(a->partner, r.partner, sizeof(a->partner));
		memcpy(a->confidence, r.confidence, sizeof(a->confidence));
		memcpy(a->differences, r.differences, sizeof(a->differences));
		assert_true(r.pairs > N / 4);
		for (int64_t i = 0; i < N; i++)
			if (r.partner[i] != RK_DVP_ALONE)
			{
				assert_int_equal(r.partner[r.partner[i]], i);
				assert_int_not_equal(list[i].side, list[r.partner[i]].side);
				assert_int_equal(list[i].status, RK_DVP_PENDING);
			}
	}
	return status;
}

static rk_status
run_best(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	(void) edges;
	return run_method(ctx, result, RK_DVP_BEST_FIRST, true);
}

static rk_status
run_loose(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	(void) edges;
	return run_method(ctx, result, RK_DVP_BEST_FIRST, false);
}

static rk_status
run_optimal(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	(void) edges;
	return run_method(ctx, result, RK_DVP_OPTIMAL, true);
}

static rk_status
run_fifo(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	(void) edges;
	return run_method(ctx, result, RK_DVP_FIFO, true);
}

static void
sweeps(void **state)
{
	static const test_run_fn runs[] = {run_best, run_loose, run_optimal, run_fifo};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		assert_thread_independent(runs[i], NULL, sizeof(answer));
		assert_survives_allocation_failures(runs[i], NULL, sizeof(answer));
		assert_cancellable(runs[i], NULL, sizeof(answer));
	}
}

static void
a_block_may_be_too_large(void **state)
{
	int64_t		n = 60000;
	rk_dvp_instruction *list = malloc(sizeof(*list) * n);
	rk_dvp_rules rules = plain_rules;
	rk_dvp_result r;
	rk_ctx		ctx;

	(void) state;
	/* amounts far apart, so that few pairs are possible */
	for (int64_t i = 0; i < n; i++)
		list[i] = leg(i, i % 2, 100, (INT64_C(1) << (i / 2 % 40)) * 1000 + i / 80 * 20000000000000);
	rules.amount_tolerance = 0;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_dvp_match(&ctx, list, n, &rules, RK_DVP_OPTIMAL, &r), RK_ERR_LIMIT);
	assert_true(ctx.error.node >= 0);
	rk_ctx_destroy(&ctx);
	free(list);
}

/* ---- against all pairs ---- */

#define LEGS 60
#define LISTS 17000

typedef struct all_pairs
{
	double		confidence;
	int64_t		gap;
	int			delivery;
	int			receipt;
} all_pairs;

static int
best_first(const void *a, const void *b)
{
	const all_pairs *x = a;
	const all_pairs *y = b;

	if (x->confidence != y->confidence)
		return x->confidence > y->confidence ? -1 : 1;
	if (x->gap != y->gap)
		return x->gap < y->gap ? -1 : 1;
	return x->delivery != y->delivery ? x->delivery - y->delivery : x->receipt - y->receipt;
}

/* What there is of the other side in the block of an instruction: 1 anybody, 2 of its deliverer, 4 receiver, 8 both. */
static int
others_of(const rk_dvp_instruction *list, int i)
{
	int			found = 0;

	for (int k = 0; k < LEGS; k++)
	{
		const rk_dvp_instruction *y = &list[k];

		if (y->status != RK_DVP_PENDING || y->side == list[i].side || !rk_dvp_same_block(y, &list[i]))
			continue;
		found |= 1 | (y->deliverer == list[i].deliverer ? 2 : 0) | (y->receiver == list[i].receiver ? 4 : 0);
		if (y->deliverer == list[i].deliverer && y->receiver == list[i].receiver)
			found |= 8;
	}
	return found;
}

/* A million instructions in small lists: the pairs of all pairs sorted, and what is said of the others. */
static void
the_same_as_all_pairs(void **state)
{
	int64_t		pairs = 0;
	int64_t		parties = 0;

	(void) state;
	for (uint64_t t = 0; t < LISTS; t++)
	{
		rk_dvp_instruction list[LEGS];
		static all_pairs all[LEGS * LEGS];
		uint32_t	partner[LEGS];
		rk_dvp_rules rules = plain_rules;
		rk_dvp_result r;
		rk_ctx		ctx;
		int			count = 0;

		rules.strict_counterparty = t % 4 != 0;
		rules.min_confidence = t % 3 == 0 ? 0.4 : 0.8;
		rules.strict_quantity = t % 5 == 0;
		rules.match_reference = t % 7 != 0;
		rules.t2s = t % 6 == 1;
		rules.amount_tolerance = t % 11 == 0 ? 0 : 0.01;
		for (int i = 0; i < LEGS; i++)
		{
			uint64_t	h = rk_hash2(t + 50, i);

			list[i] = leg(i, h & 1, 100 + (int64_t) (h >> 1) % 3, 100000 + (int64_t) ((h >> 8) % 4) * 150);
			list[i].security = (h >> 16) % 3;
			list[i].currency = (h >> 20) % 2;
			list[i].settlement_date = 7 + (int32_t) ((h >> 24) % 2);
			list[i].deliverer = (h >> 28) % (1 + t % 4);
			list[i].receiver = (h >> 32) % (1 + t % 3);
			list[i].reference[0] = (h >> 36) % 4 == 0 ? (h >> 40) % 3 : 0;
			list[i].trade_date = (h >> 44) % 8 == 0 ? 5 + (int64_t) (h >> 48) % 2 : RK_DVP_NONE;
			list[i].status = (h >> 52) % 12 == 0 ? RK_DVP_CANCELLED : RK_DVP_PENDING;
			partner[i] = RK_DVP_ALONE;
		}
		for (int d = 0; d < LEGS; d++)
			for (int k = 0; k < LEGS; k++)
			{
				double		confidence;
				int			differences;

				if (list[d].side == RK_DVP_DELIVER && list[k].side == RK_DVP_RECEIVE && list[d].status == RK_DVP_PENDING &&
					list[k].status == RK_DVP_PENDING && rk_dvp_same_block(&list[d], &list[k]) &&
					rk_dvp_compare(&rules, &list[d], &list[k], &confidence, &differences))
					all[count++] = (all_pairs) {confidence, (int64_t) rk_dvp_amount_gap(&list[d], &list[k]), d, k};
			}
		qsort(all, count, sizeof(all_pairs), best_first);
		for (int i = 0; i < count; i++)
			if (partner[all[i].delivery] == RK_DVP_ALONE && partner[all[i].receipt] == RK_DVP_ALONE)
			{
				partner[all[i].delivery] = all[i].receipt;
				partner[all[i].receipt] = all[i].delivery;
				pairs++;
			}
		rk_ctx_init(&ctx);
		assert_int_equal(rk_dvp_match(&ctx, list, LEGS, &rules, RK_DVP_BEST_FIRST, &r), RK_OK);
		assert_memory_equal(r.partner, partner, sizeof(partner));
		for (int i = 0; i < LEGS; i++)
		{
			int			others = others_of(list, i);
			bool		by_parties = rules.strict_counterparty || rules.min_confidence > 0.5;

			if (partner[i] != RK_DVP_ALONE || list[i].status != RK_DVP_PENDING)
				continue;
			/* nobody, or nobody of its parties: which of them it is that differs */
			if (others == 0)
				assert_int_equal(r.differences[i], RK_DVP_NO_COUNTERPART);
			else if (by_parties && !(others & 8))
			{
				assert_int_equal(r.differences[i], others & 2 ? RK_DVP_RECEIVER : others & 4 ? RK_DVP_DELIVERER :
								 RK_DVP_DELIVERER | RK_DVP_RECEIVER);
				parties++;
			}
			else
				assert_true(r.differences[i] != 0 && r.differences[i] != RK_DVP_NO_COUNTERPART);
		}
		rk_ctx_destroy(&ctx);
	}
	assert_true(pairs > 100000 && parties > 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_legs_are_compared),
		cmocka_unit_test(assignments_are_the_best),
		cmocka_unit_test(sweeps),
		cmocka_unit_test(a_block_may_be_too_large),
		cmocka_unit_test(the_same_as_all_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_compliance_scoring.c
 *	  The scoring of customers: worked examples, invariants, bad input.
 */
#include "support.h"

#include "../../src/compliance/scoring/scoring.h"

static const double weights[] = {0.25, 0.20, 0.15, 0.20, 0.10, 0.10};

static void
worked_examples(void **state)
{
	rk_ctx		ctx;
	rk_kyc_score s;
	rk_kyc_customer c = {{10, 15, 10, 5, 95, 8}, false, false};

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_kyc_scoring(&ctx, &c, weights, 6, RK_KYC_RENORMALISE, &s), RK_OK);
	assert_true(fabs(s.risk_score - 10.5) < 1e-12);
	assert_int_equal(s.tier, 0);
	c = (rk_kyc_customer) {{80, 70, 60, 75, 40, 0.5}, false, false};
	assert_int_equal(rk_kyc_scoring(&ctx, &c, weights, 6, RK_KYC_RENORMALISE, &s), RK_OK);
	assert_true(fabs(s.risk_score - 73.5) < 1e-12);
	assert_int_equal(s.tier, 2);
	assert_int_equal(ctx.memory_peak, 0);
	rk_ctx_destroy(&ctx);
}

static void
parts_add_up_to_the_score(void **state)
{
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	for (int i = 0; i < 20000; i++)
	{
		rk_kyc_customer c = {{0}, false, false};
		double		w[6];
		rk_kyc_score s;
		double		sum = 0;

		for (int f = 0; f < 6; f++)
		{
			w[f] = (f == 0) + rk_hash3(i, f, 1) % 5;
			c.value[f] = rk_hash3(i, f, 2) % 4 == 0 ? NAN : (double) (rk_hash3(i, f, 3) % 101);
		}
		assert_int_equal(rk_kyc_scoring(&ctx, &c, w, 6, rk_hash2(i, 4) % 2, &s), RK_OK);
		if (s.tier < 0)
			continue;
		for (int f = 0; f < 6; f++)
			sum += s.contribution[f];
		assert_true(fabs(sum - s.risk_score) < 1e-12);
		assert_true(s.risk_score >= 0 && s.risk_score <= 100 && s.completeness >= 0 && s.completeness <= 1);
	}
	rk_ctx_destroy(&ctx);
}

static void
bad_input_is_refused(void **state)
{
	static const double bad_weights[][6] = {{0}, {1, 1, 1, 1, 1, -1}, {1, 1, 1, 1, 1, NAN}, {INFINITY, 1, 1, 1, 1, 1},
	{1e308, 1e308, 1, 1, 1, 1}};
	static const double bad_values[][6] = {{101, 0, 0, 0, 0, 0}, {0, 0, 0, 0, -1, 0}, {0, 0, 0, 0, 0, -1},
	{0, 0, 0, 0, 0, INFINITY}};

	(void) state;
	for (int i = 0; i < 9; i++)
	{
		rk_ctx		ctx;
		rk_kyc_score s;
		rk_kyc_customer c = {{0}, false, false};

		rk_ctx_init(&ctx);
		if (i >= 5)
			memcpy(c.value, bad_values[i - 5], sizeof(c.value));
		assert_int_equal(rk_kyc_scoring(&ctx, &c, i < 5 ? bad_weights[i] : weights, 6, RK_KYC_WORST, &s), RK_ERR_PARAMETER);
		rk_ctx_destroy(&ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_examples),
		cmocka_unit_test(parts_add_up_to_the_score),
		cmocka_unit_test(bad_input_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_risk.c
 *	  The risk kernels: worked examples, invariants, and the sweeps all pass.
 */
#include "aggregate_support.h"

#include "../../src/compute/normal.h"
#include "../../src/compute/philox.h"
#include "../../src/compute/sobol.h"
#include "../../src/compute/special.h"
#include "../../src/risk/correlation/correlation.h"
#include "../../src/risk/credit/credit.h"
#include "../../src/risk/portfolio/portfolio.h"
#include "../../src/risk/stress/stress.h"

static void
assert_near(double found, double expected, double tolerance)
{
	if (!(fabs(found - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", found, expected);
}

/* ---- normal distribution, decimals ---- */

static void
normal_quantiles_are_exact(void **state)
{
	(void) state;
	assert_near(rk_normal_quantile(0.99), 2.3263478740408408, 1e-15);
	assert_near(rk_normal_quantile(0.001), -3.0902323061678132, 1e-14);
	assert_true(isinf(rk_normal_quantile(0)) && isinf(rk_normal_quantile(1)) && isnan(rk_normal_quantile(2)));
	for (int i = 1; i < 2000; i++)
	{
		double		p = i / 2000.0;

		assert_near(rk_normal_cdf(rk_normal_quantile(p)), p, 1e-15);
	}
	for (double p = 1e-2; p > 1e-300; p /= 7)
		assert_near(rk_normal_cdf(rk_normal_quantile(p)) / p, 1, 1e-12);
}

static void
assert_amount(rk_amount a, int64_t value, int scale)
{
	assert_int_equal((int64_t) a.value, value);
	assert_int_equal(a.scale, scale);
}

static void
decimals_round_once(void **state)
{
	rk_amount	a;

	(void) state;
	assert_amount(rk_amount_from_double(0.45), 45, 2);
	assert_amount(rk_amount_from_double(-1234.5), -12345, 1);
	assert_amount(rk_amount_from_double(0), 0, 0);
	assert_amount(rk_amount_from_double(1e-20), 1, 20);
	assert_amount(rk_amount_from_double(1.0 / 3), 3333333333333333, 16);
	/* half away from zero, of the exact product */
	assert_true(rk_amount_multiply((rk_amount) {25, 1}, (rk_amount) {5, 1}, 1, &a));
	assert_amount(a, 13, 1);
	assert_true(rk_amount_multiply((rk_amount) {-25, 1}, (rk_amount) {5, 1}, 1, &a));
	assert_amount(a, -13, 1);
	assert_true(rk_amount_multiply((rk_amount) {7, 0}, (rk_amount) {3, 0}, 2, &a));
	assert_amount(a, 2100, 2);
	assert_false(rk_amount_multiply((rk_amount) {rk_power_of_ten(37), 0}, (rk_amount) {100, 0}, 0, &a));
	/* a binary number times an amount: 2.5 * 0.5 = 1.25, then 1.3; and far away */
	assert_true(rk_amount_multiply_double((rk_amount) {25, 1}, 0.5, 1, &a));
	assert_amount(a, 13, 1);
	assert_true(rk_amount_multiply_double((rk_amount) {-25, 1}, 0.5, 3, &a));
	assert_amount(a, -1250, 3);
	assert_true(rk_amount_multiply_double((rk_amount) {7, 0}, 1e-300, 2, &a));
	assert_amount(a, 0, 2);
	assert_true(rk_amount_multiply_double((rk_amount) {7, 0}, 0x1p40, 0, &a));
	assert_amount(a, 7 * (INT64_C(1) << 40), 0);
	assert_false(rk_amount_multiply_double((rk_amount) {rk_power_of_ten(38), 0}, 1e10, 0, &a));
	/* 0.1 is a little more than a tenth, which many digits show */
	assert_true(rk_amount_multiply_double((rk_amount) {rk_power_of_ten(20), 0}, 0.1, 0, &a));
	assert_true(a.value == rk_power_of_ten(19) + 555);
	for (int i = 0; i < 100000; i++)
	{
		rk_amount	x = {(int64_t) rk_hash2(11, i) >> (rk_hash2(12, i) % 50), rk_hash2(13, i) % 6};
		rk_amount	y = {(int64_t) rk_hash2(14, i) >> (rk_hash2(15, i) % 50), rk_hash2(16, i) % 6};
		int			scale = rk_hash2(17, i) % 12;
		__int128	exact = (__int128) x.value * y.value;
		int			cut = x.scale + y.scale - scale;

		/* against 128 bits, where they suffice */
		if (cut < 0)
			continue;
		assert_true(rk_amount_multiply(x, y, scale, &a));
		assert_true(a.value == rk_decimal_round_down(exact, cut));
	}
	for (int i = 0; i < 10000; i++)
	{
		double		x = (double) (int64_t) rk_hash2(3, i) * pow(10, (int) (rk_hash2(4, i) % 30) - 25);
		rk_amount	b = rk_amount_from_double(x);

		if (fabs(x) > 1e-18)
			assert_near(rk_amount_to_double(b) / x, 1, 1e-15);
	}
	assert_int_equal((int64_t) rk_decimal_round_down(-15, 1), -2);
	assert_int_equal((int64_t) rk_decimal_round_down(14, 1), 1);
}

/* ---- historical VaR ---- */

#define ROWS 300

/* Rows of (pnl, confidence, weight); values on a grid, so that many are equal. */
static void
make_rows(rk_value *args, double confidence, bool weighted, uint64_t seed)
{
	for (int64_t i = 0; i < ROWS; i++)
	{
		args[3 * i] = (rk_value) {.number = (double) (int64_t) (rk_hash2(seed, i) % 41) - 20};
		args[3 * i + 1] = (rk_value) {.number = confidence};
		args[3 * i + 2] = (rk_value) {.null = !weighted,.number = 1 + rk_hash3(seed, i, 1) % 4};
	}
}

static void
same_number(const rk_value *expected, const rk_value *found)
{
	assert_int_equal(expected->null, found->null);
	assert_memory_equal(&expected->number, &found->number, sizeof(double));
}

static void
historical_var_of_a_hundred(void **state)
{
	static const double cases[][3] = {{0.99, 100, 100}, {0.95, 96, 98}, {0.975, 98, 99.2}};
	rk_value	args[300];
	test_rows	rows = {args, 3, 100};
	rk_value	result = {0};

	(void) state;
	for (int c = 0; c < 3; c++)
	{
		for (int weighted = 0; weighted < 2; weighted++)
		{
			for (int i = 0; i < 100; i++)
			{
				args[3 * i] = (rk_value) {.number = -(double) (i * 37 % 100) - 1};
				args[3 * i + 1] = (rk_value) {.number = cases[c][0]};
				args[3 * i + 2] = (rk_value) {.null = !weighted,.number = 0.25};
			}
			test_aggregate(&rk_risk_historical_var, &rows, 0, 100, 1, &result);
			assert_near(result.number, cases[c][1], 0);
			test_aggregate(&rk_risk_historical_expected_shortfall, &rows, 0, 100, 1, &result);
			assert_near(result.number, cases[c][2], 1e-12);
		}
	}
	/* one row: minus its value; no weight at all: nothing */
	rows.count = 1;
	test_aggregate(&rk_risk_historical_var, &rows, 0, 1, 1, &result);
	assert_near(result.number, 1, 0);
	args[2].number = 0;
	test_aggregate(&rk_risk_historical_var, &rows, 0, 1, 1, &result);
	assert_true(result.null);
}

static void
historical_var_sweeps(void **state)
{
	static const rk_aggregate *const both[] = {
		&rk_risk_historical_var, &rk_risk_historical_expected_shortfall
	};
	rk_value   *args = malloc(sizeof(rk_value) * 3 * ROWS);
	test_rows	rows = {args, 3, ROWS};

	(void) state;
	for (int weighted = 0; weighted < 2; weighted++)
	{
		for (int k = 0; k < 2; k++)
		{
			rk_value	whole = {0};
			rk_value	parts = {0};

			make_rows(args, 0.93, weighted, 7 + weighted);
			test_aggregate(both[k], &rows, 0, ROWS, 1, &whole);
			for (int chunks = 2; chunks < 12; chunks++)
			{
				test_aggregate(both[k], &rows, 0, ROWS, chunks, &parts);
				same_number(&whole, &parts);
			}
			assert_window_agrees(both[k], &rows, 25, same_number);
			assert_aggregate_survives_failures(both[k], &rows);
		}
	}
	free(args);
}

/* ---- credit scoring ---- */

static double
risk_weight(rk_asset_class class, double pd, rk_basel basel)
{
	rk_ctx		ctx;
	rk_credit_risk r;
	rk_credit_exposure e = {pd, 0.45, {100000000, 2}, 2.5, class, NAN, basel, NAN};

	rk_ctx_init(&ctx);
	assert_int_equal(rk_risk_credit_scoring(&ctx, &e, &r), RK_OK);
	rk_ctx_destroy(&ctx);
	return 100 * r.risk_weight;
}

/* The table of risk weights in Basel II, annex 5. */
static void
basel_risk_weights(void **state)
{
	(void) state;
	assert_near(risk_weight(RK_CORPORATE, 0.0003, RK_BASEL2), 14.44, 0.01);
	assert_near(risk_weight(RK_CORPORATE, 0.001, RK_BASEL2), 29.65, 0.01);
	assert_near(risk_weight(RK_CORPORATE, 0.01, RK_BASEL2), 92.32, 0.01);
	assert_near(risk_weight(RK_CORPORATE, 0.05, RK_BASEL2), 149.86, 0.01);
	assert_near(risk_weight(RK_CORPORATE, 0.10, RK_BASEL2), 193.09, 0.01);
	assert_near(risk_weight(RK_CORPORATE, 0.20, RK_BASEL2), 238.23, 0.01);
	assert_near(risk_weight(RK_RESIDENTIAL_MORTGAGE, 0.0003, RK_BASEL2), 4.15, 0.01);
	assert_near(risk_weight(RK_RESIDENTIAL_MORTGAGE, 0.01, RK_BASEL2), 56.40, 0.01);
	assert_near(risk_weight(RK_QUALIFYING_REVOLVING, 0.0003, RK_BASEL2), 0.98, 0.01);
	assert_near(risk_weight(RK_QUALIFYING_REVOLVING, 0.01, RK_BASEL2), 17.22, 0.01);
	assert_near(risk_weight(RK_OTHER_RETAIL, 0.0003, RK_BASEL2), 4.45, 0.01);
	assert_near(risk_weight(RK_OTHER_RETAIL, 0.01, RK_BASEL2), 45.77, 0.01);
	/* the floor of today */
	assert_near(risk_weight(RK_BANK, 0.0001, RK_BASEL3_FINAL), risk_weight(RK_BANK, 0.0005, RK_BASEL3_FINAL), 0);
	assert_near(risk_weight(RK_CORPORATE, 1, RK_BASEL3_FINAL), 0, 0);
}

static void
expected_loss_is_exact(void **state)
{
	rk_value	args[3 * ROWS];
	test_rows	rows = {args, 3, ROWS};
	rk_value	whole = {0};
	rk_value	parts = {0};
	rk_ctx		ctx;
	rk_amount	sum = {0, 0};

	(void) state;
	rk_ctx_init(&ctx);
	for (int i = 0; i < ROWS; i++)
	{
		rk_credit_exposure e = {(1 + rk_hash2(5, i) % 900) / 1000.0, 0.45, {(int64_t) (rk_hash2(6, i) % 100000000), i % 3},
		2.5, RK_CORPORATE, NAN, RK_BASEL2, NAN};
		rk_credit_risk r;

		assert_int_equal(rk_risk_credit_scoring(&ctx, &e, &r), RK_OK);
		assert_true(rk_amount_add(&sum, r.expected_loss));
		args[3 * i] = (rk_value) {.number = e.pd};
		args[3 * i + 1] = (rk_value) {.number = e.lgd};
		args[3 * i + 2] = (rk_value) {.amount = e.ead};
	}
	for (int chunks = 1; chunks < 9; chunks++)
	{
		test_aggregate(&rk_risk_expected_loss, &rows, 0, ROWS, chunks, &parts);
		assert_true(parts.amount.value == sum.value && parts.amount.scale == sum.scale);
	}
	test_aggregate(&rk_risk_expected_loss, &rows, 0, ROWS, 1, &whole);
	rk_ctx_destroy(&ctx);
	assert_aggregate_survives_failures(&rk_risk_expected_loss, &rows);
}

/* ---- portfolio ---- */

static void
two_positions(void **state)
{
	static const double r[] = {1, 0.5, 0.5, 1};
	double		scale = sqrt(10.0 / 252);
	double		x[] = {200000 * scale, 150000 * scale};
	double		component[2];
	double		incremental[2];
	rk_portfolio_risk p = {.component_var = component,.incremental_var = incremental};
	double		z = rk_normal_quantile(0.99);
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_factor(&ctx, r, 2, NULL), RK_OK);
	assert_int_equal(rk_risk_portfolio_aggregation(&ctx, x, r, 2, z, RK_VARIANCE_COVARIANCE, &p), RK_OK);
	assert_near(p.var, 140943.565605, 1e-6);
	assert_near(p.undiversified_var, 162196.856169, 1e-6);
	assert_near(component[0], 83804.282252, 1e-6);
	assert_near(component[1], 57139.283353, 1e-6);
	assert_near(incremental[0], p.var - z * x[1], 1e-6);
	/* long and short of the same: no risk together */
	x[1] = -x[0];
	assert_int_equal(rk_risk_portfolio_aggregation(&ctx, x, (const double[]) {1, 1, 1, 1}, 2, z, RK_VARIANCE_COVARIANCE, &p), RK_OK);
	assert_near(p.var, 0, 1e-9);
	assert_true(p.undiversified_var > 0);
	rk_ctx_destroy(&ctx);
}

static void
indefinite_matrices_are_refused(void **state)
{
	static const double indefinite[] = {1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1};
	static const double hidden[] = {1, 1, 0.5, 1, 1, -0.5, 0.5, -0.5, 1};
	static const double singular[] = {1, 1, 0.5, 1, 1, 0.5, 0.5, 0.5, 1};
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_factor(&ctx, indefinite, 3, NULL), RK_ERR_DATA);
	assert_string_equal(ctx.error.detail, "Its smallest eigenvalue is -0.8.");
	rk_ctx_destroy(&ctx);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_factor(&ctx, hidden, 3, NULL), RK_ERR_DATA);
	rk_ctx_destroy(&ctx);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_factor(&ctx, singular, 3, NULL), RK_OK);
	rk_ctx_destroy(&ctx);
}

/* ---- simulation ---- */

static void
philox_known_answer(void **state)
{
	uint32_t	x[4] = {0};
	double		even[RK_DRAWS];
	double		odd[RK_DRAWS];

	(void) state;
	/* the known answers of Random123 */
	rk_philox_rounds(x, 0, 0);
	assert_true(x[0] == 0x6627e8d5 && x[1] == 0xe169c58d && x[2] == 0xbc57ac4c && x[3] == 0x9b00dbd8);
	memset(x, 0xff, sizeof(x));
	rk_philox_rounds(x, 0xffffffff, 0xffffffff);
	assert_true(x[0] == 0x408f276d && x[1] == 0x41c83b0e && x[2] == 0xa20bc7c6 && x[3] == 0x6d5451fd);
	/* in blocks the same bits, across the border of the low word as well */
	for (int step = 1; step < 3; step++)
	{
		rk_philox_normals(77, UINT64_C(0xffffff80), step, 500, 3, 1, even, odd);
		for (int i = 0; i < 500; i++)
		{
			uint64_t	of = UINT64_C(0xffffff80) + (uint64_t) i * step;
			double		e = rk_normal_quantile(rk_philox_uniform(rk_philox_word(77, of, 3, 1, 0)));
			double		o = rk_normal_quantile(rk_philox_uniform(rk_philox_word(77, of, 3, 1, 1)));

			assert_memory_equal(&e, &even[i], sizeof(double));
			assert_memory_equal(&o, &odd[i], sizeof(double));
		}
	}
	/* the far tail takes the third function */
	even[0] = 1e-13;
	even[1] = 1 - 1e-13;
	rk_normals_of_uniforms(even, 2);
	assert_near(even[0], -7.3487961028006775, 1e-13);
	assert_near(even[1], 7.348796102800678, 1e-2);
}

/* The counter whose ten rounds end in these words: each round undone. */
static void
counter_of(uint32_t x[4], uint32_t k0, uint32_t k1)
{
	for (int round = 9; round >= 0; round--)
	{
		/* inverses of the multipliers modulo 2^32 */
		uint32_t	x0 = x[3] * 0x991A7CDB;
		uint32_t	x2 = x[1] * 0x6D7CAE67;
		uint32_t	x1 = x[0] ^ (uint32_t) (UINT64_C(0xCD9E8D57) * x2 >> 32) ^ (k0 + (uint32_t) round * 0x9E3779B9);
		uint32_t	x3 = x[2] ^ (uint32_t) (UINT64_C(0xD2511F53) * x0 >> 32) ^ (k1 + (uint32_t) round * 0xBB67AE85);

		x[0] = x0;
		x[1] = x1;
		x[2] = x2;
		x[3] = x3;
	}
}

/* Words of ones alone would round to 1, where the normal quantile is infinite. */
static void
uniforms_stay_below_1(void **state)
{
	const uint64_t seed = UINT64_C(0x123456789abcdef0);
	uint32_t	x[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	double		largest = 1 - 0x1p-53;
	double		normal = rk_normal_quantile(largest);
	double		even;
	double		odd;
	uint64_t	of;

	(void) state;
	assert_true(rk_philox_uniform(UINT64_MAX) == largest);
	assert_true(rk_philox_uniform(UINT64_MAX - 2048) == 1 - 0x1p-52);
	assert_true(rk_philox_uniform(0) == 0x1p-54);
	assert_near(normal, 8.2095361516013856, 1e-14);
	counter_of(x, (uint32_t) seed, (uint32_t) (seed >> 32));
	of = (uint64_t) x[1] << 32 | x[0];
	assert_true(rk_philox_word(seed, of, x[2], x[3], 0) == UINT64_MAX);
	assert_true(rk_philox_word(seed, of, x[2], x[3], 1) == UINT64_MAX);
	rk_philox_normals(seed, of, 1, 1, x[2], x[3], &even, &odd);
	assert_memory_equal(&even, &normal, sizeof(double));
	assert_memory_equal(&odd, &normal, sizeof(double));
	assert_true(isfinite(rk_chi_square_quantile(5, rk_philox_uniform(UINT64_MAX))));
}

static void
distributions_invert(void **state)
{
	uint32_t	directions[3 * RK_SOBOL_BITS];

	(void) state;
	for (double nu = 2.1; nu < 300; nu *= 1.7)
	{
		for (int i = 1; i < 100; i++)
		{
			double		p = i / 100.0;

			assert_near(rk_gamma_p(nu / 2, rk_chi_square_quantile(nu, p) / 2), p, 1e-13);
			assert_near(rk_student_cdf(nu, rk_student_quantile(nu, p)), p, 1e-13);
		}
	}
	assert_near(rk_chi_square_quantile(5, 0.95), 11.070497693516351, 1e-12);
	assert_near(rk_student_quantile(5, 0.99), 3.3649299989072183, 1e-11);
	rk_sobol_directions(3, directions);
	assert_near(rk_sobol_bits(directions + 2 * RK_SOBOL_BITS, 4) * 0x1p-32, 0.625, 0);
}

typedef struct simulation_case
{
	double		value[5];
	double		volatility[5];
	double		expected_return[5];
	double		correlations[25];
	double		factor[25];
	rk_positions p;
	rk_simulation s;
} simulation_case;

static void
make_case(simulation_case *c, int kind)
{
	rk_ctx		ctx;

	for (int i = 0; i < 5; i++)
	{
		c->value[i] = (i % 2 ? -1 : 1) * 1000.0 * (i + 1);
		c->volatility[i] = 0.1 + 0.05 * i;
		c->expected_return[i] = 0.02 * i;
		for (int j = 0; j < 5; j++)
			c->correlations[5 * i + j] = exp(-abs(i - j) / 3.0);
	}
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_factor(&ctx, c->correlations, 5, c->factor), RK_OK);
	rk_ctx_destroy(&ctx);
	c->p = (rk_positions) {5, c->value, c->volatility, c->expected_return, c->correlations, c->factor};
	c->s = (rk_simulation) {.confidence = 0.97,.years = 0.04,.simulations = 20011,.degrees_of_freedom = 4,.seed = 9,
		.distribution = kind & 1,.geometric = kind & 2,.antithetic = kind & 4,.sobol = kind & 8};
}

static int	simulation_kind;

/* Components and measures; edges are not used. */
static rk_status
run_components(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	simulation_case c;
	double	   *out = result;
	rk_simulated_risk r = {0};
	rk_risk_components parts = {out, out + 5, out + 10};
	rk_status	status;

	(void) edges;
	make_case(&c, simulation_kind);
	status = rk_risk_monte_carlo_components(ctx, &c.p, &c.s, NULL, &r, &parts);
	if (status == RK_OK)
		memcpy(out + 15, &r, sizeof(r));
	return status;
}

#define COMPONENT_RESULT (sizeof(double) * 15 + sizeof(rk_simulated_risk))

static void
simulation_sweeps(void **state)
{
	(void) state;
	for (simulation_kind = 0; simulation_kind < 16; simulation_kind++)
	{
		assert_thread_independent(run_components, NULL, COMPONENT_RESULT);
		if (simulation_kind % 5 == 0)
		{
			assert_survives_allocation_failures(run_components, NULL, COMPONENT_RESULT);
			assert_cancellable(run_components, NULL, COMPONENT_RESULT);
		}
	}
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Parts from sums over the simulations of each position alone are those of the book. */
static void
assert_components_of_sums(rk_ctx *ctx, const simulation_case *c, const rk_simulated_risk *r, const rk_risk_components *expected)
{
	int64_t		n = c->s.simulations;
	rk_tail		tail = rk_tail_of(n, c->s.confidence);
	double	   *pnl = rk_alloc(ctx, n, sizeof(double));
	double	   *ranked = rk_alloc(ctx, n, sizeof(double));
	double	   *alone = rk_alloc(ctx, n, sizeof(double));
	double		sums[15] = {0};
	double		parts[15];
	rk_risk_components found = {parts, parts + 5, parts + 10};

	assert_int_equal(rk_risk_simulate(ctx, &c->p, &c->s, pnl), RK_OK);
	memcpy(ranked, pnl, sizeof(double) * n);
	qsort(ranked, n, sizeof(double), compare_doubles);
	for (int j = 0; j < 5; j++)
	{
		rk_positions one = c->p;
		double		value[5] = {0};

		value[j] = c->p.value[j];
		one.value = value;
		assert_int_equal(rk_risk_simulate(ctx, &one, &c->s, alone), RK_OK);
		for (int64_t i = 0; i < n; i++)
		{
			sums[j] += alone[i];
			sums[5 + j] += alone[i] * pnl[i];
			sums[10 + j] += alone[i] * (pnl[i] < ranked[tail.full] ? 1 : pnl[i] == ranked[tail.full] ? tail.mass - (double) tail.full : 0);
		}
	}
	assert_int_equal(rk_risk_components_of_sums(ctx, &c->p, &c->s, r, sums, &found), RK_OK);
	for (int j = 0; j < 5; j++)
	{
		assert_near(found.standalone_var[j] / expected->standalone_var[j], 1, 1e-12);
		assert_near((found.component_var[j] - expected->component_var[j]) / r->var, 0, 1e-10);
		assert_near((found.component_expected_shortfall[j] - expected->component_expected_shortfall[j]) / r->var, 0, 1e-10);
	}
}

/* Parts add up, and both ways to a scenario give the same. */
static void
components_add_up(void **state)
{
	(void) state;
	for (int kind = 0; kind < 16; kind++)
	{
		simulation_case c;
		double		parts[15];
		rk_simulated_risk r;
		rk_risk_components p = {parts, parts + 5, parts + 10};
		double		var = 0;
		double		shortfall = 0;
		double	   *pnl;
		rk_ctx		ctx;

		make_case(&c, kind);
		rk_ctx_init(&ctx);
		pnl = rk_alloc(&ctx, c.s.simulations, sizeof(double));
		assert_int_equal(rk_risk_monte_carlo_components(&ctx, &c.p, &c.s, NULL, &r, &p), RK_OK);
		for (int i = 0; i < 5; i++)
		{
			var += p.component_var[i];
			shortfall += p.component_expected_shortfall[i];
		}
		assert_near(var / r.var, 1, 1e-9);
		assert_near(shortfall / r.expected_shortfall, 1, 1e-9);
		if (c.s.geometric)
			assert_components_of_sums(&ctx, &c, &r, &p);
		assert_true(r.expected_shortfall >= r.var && r.var_lower <= r.var && r.var <= r.var_upper);
		/* antithetic arithmetic pairs cancel */
		assert_int_equal(rk_risk_simulate(&ctx, &c.p, &c.s, pnl), RK_OK);
		if ((kind & 7) == 4)
			for (int i = 0; i < 1000; i += 2)
				assert_near(pnl[i] + pnl[i + 1], 2 * (pnl[0] + pnl[1]) / 2, 1e-9);
		rk_ctx_destroy(&ctx);
	}
}

/* The error shrinks with the root of the number of simulations. */
static void
simulation_converges(void **state)
{
	double		z = rk_normal_quantile(0.97);

	(void) state;
	for (int64_t n = 1000; n <= 256000; n *= 4)
	{
		double		squares = 0;
		double		closed = 0;
		double		bound = 0;

		for (int seed = 0; seed < 20; seed++)
		{
			simulation_case c;
			rk_simulated_risk r;
			rk_ctx		ctx;
			double	   *pnl;

			make_case(&c, 0);
			c.s.simulations = n;
			c.s.seed = seed;
			rk_ctx_init(&ctx);
			pnl = rk_alloc(&ctx, n, sizeof(double));
			assert_int_equal(rk_risk_simulate(&ctx, &c.p, &c.s, pnl), RK_OK);
			assert_int_equal(rk_risk_simulated_measures(&ctx, &c.p, &c.s, pnl, &r), RK_OK);
			closed = r.parametric_var;
			bound = r.std_pnl * sqrt(0.03 * 0.97 / n) / rk_normal_density(z);
			assert_near(r.var, closed, 5 * bound);
			squares += (r.var - closed) * (r.var - closed);
			rk_ctx_destroy(&ctx);
		}
		/* the root mean square of 20 errors is the standard error within a factor */
		assert_true(sqrt(squares / 20) < 2 * bound && sqrt(squares / 20) > 0.4 * bound);
	}
}

static void
repaired_matrices_are_nearest(void **state)
{
	double		r[] = {1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1};
	double		higham[] = {1, 1, 0, 1, 1, 1, 0, 1, 1};
	double		distance;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_correlation_repair(&ctx, r, 3, &distance), RK_OK);
	assert_near(r[1], 0.5, 1e-8);
	assert_near(r[2], -0.5, 1e-8);
	assert_int_equal(rk_correlation_factor(&ctx, r, 3, NULL), RK_OK);
	/* the example of Higham (2002) */
	assert_int_equal(rk_correlation_repair(&ctx, higham, 3, &distance), RK_OK);
	assert_near(higham[1], 0.7607, 5e-5);
	assert_near(higham[2], 0.1573, 5e-5);
	assert_near(distance, 0.5278, 5e-5);
	rk_ctx_destroy(&ctx);
}

/* ---- correlations ---- */

#define ASSETS 53				/* more than a block of a product */
#define TIMES 400

static rk_correlation_params correlation_kind;
static bool correlation_gaps;

static rk_status
run_correlations(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static int64_t begin[ASSETS];
	static int64_t end[ASSETS];
	static int64_t time[ASSETS * TIMES];
	static int64_t start[ASSETS * TIMES];
	static double value[ASSETS * TIMES];
	rk_observations o = {ASSETS, begin, end, time, start, value};
	int64_t		pairs = rk_pairs_of(ASSETS);
	double	   *out = result;
	int64_t		at = 0;

	(void) edges;
	for (int i = 0; i < ASSETS; i++)
	{
		begin[i] = at;
		for (int k = 0; k < TIMES; k++)
		{
			if (correlation_gaps && rk_hash3(3, i, k) % 4 == 0)
				continue;
			time[at] = k;
			start[at] = at > begin[i] ? time[at - 1] : INT64_MIN;
			value[at++] = (double) (rk_hash2(1, k) % 100) + (double) (rk_hash3(2, i, k) % 200);
		}
		end[i] = at;
	}
	return rk_risk_correlations(ctx, &o, &correlation_kind, out, out + pairs, (int64_t *) (out + 2 * pairs));
}

static void
correlation_sweeps(void **state)
{
	size_t		size = sizeof(double) * 3 * rk_pairs_of(ASSETS);

	(void) state;
	correlation_kind.lambda = 0.94;
	for (int e = RK_PEARSON; e <= RK_HAYASHI_YOSHIDA; e++)
	{
		for (int gaps = 0; gaps < 2; gaps++)
		{
			for (int tick = 0; tick < 2; tick++)
			{
				correlation_kind.estimator = e;
				correlation_kind.previous_tick = tick;
				correlation_gaps = gaps;
				assert_thread_independent(run_correlations, NULL, size);
				assert_survives_allocation_failures(run_correlations, NULL, size);
				assert_cancellable(run_correlations, NULL, size);
			}
		}
	}
}

/* With gaps, a grid of all times and a merge of the times of each pair agree, and with the definition. */
static void
correlations_with_gaps_agree(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		static int64_t begin[13];
		static int64_t end[13];
		static int64_t time[13 * 60];
		static double value[13 * 60];
		rk_observations o = {4, begin, end, time, NULL, value};
		rk_correlation_params p = {.estimator = RK_PEARSON};
		double		grid[3][6];
		double		merged[3][78];
		int64_t		at = 0;
		rk_ctx		ctx;

		for (int i = 0; i < 13; i++)
		{
			begin[i] = at;
			for (int k = 0; k < 60; k++)
			{
				/* the last nine have times of their own, far too many for a grid */
				if (i >= 4 ? k >= 20 : rk_hash3(seed, i, k) % 10 < seed % 9)
					continue;
				time[at] = i >= 4 ? 1000 * i + k : k;
				value[at++] = i == 1 && seed % 3 == 0 ? 7.3 : 1e4 + (double) (rk_hash3(seed, k, i) % 1000) / 7;
			}
			end[i] = at;
		}
		rk_ctx_init(&ctx);
		assert_int_equal(rk_risk_correlations(&ctx, &o, &p, grid[0], grid[1], (int64_t *) grid[2]), RK_OK);
		o.assets = 13;
		assert_int_equal(rk_risk_correlations(&ctx, &o, &p, merged[0], merged[1], (int64_t *) merged[2]), RK_OK);
		rk_ctx_destroy(&ctx);
		for (int i = 0, g = 0, m = 0; i < 4; i++)
		{
			for (int j = i + 1; j < 13; j++, m++)
			{
				if (j >= 4)
					continue;
				assert_int_equal(((int64_t *) grid[2])[g], ((int64_t *) merged[2])[m]);
				for (int c = 0; c < 2; c++)
				{
					assert_int_equal(isnan(grid[c][g]), isnan(merged[c][m]));
					if (!isnan(grid[c][g]))
						assert_near(grid[c][g], merged[c][m], c == 0 ? 1e-12 : 1e-8);
				}
				g++;
			}
		}
	}
}

/* With every value there, pair by pair and all at once agree. */
static void
correlation_ways_agree(void **state)
{
	double		once[3 * ASSETS * (ASSETS - 1) / 2];
	double		pairwise[3 * ASSETS * (ASSETS - 1) / 2];
	rk_ctx		ctx;

	(void) state;
	correlation_gaps = false;
	for (int e = RK_PEARSON; e <= RK_SPEARMAN; e++)
	{
		/* a last asset with a gap sends all pairs the other way */
		static int64_t begin[3] = {0, 50, 100};
		static int64_t end[3] = {50, 100, 149};
		static int64_t time[150];
		static double value[150];
		rk_observations o = {2, begin, end, time, NULL, value};

		for (int k = 0; k < 150; k++)
		{
			time[k] = k % 50;
			value[k] = (double) (rk_hash2(8, k) % 50);
		}
		correlation_kind = (rk_correlation_params) {.estimator = e,.lambda = 0.9};
		rk_ctx_init(&ctx);
		assert_int_equal(rk_risk_correlations(&ctx, &o, &correlation_kind, once, once + 3, (int64_t *) once + 6), RK_OK);
		o.assets = 3;
		assert_int_equal(rk_risk_correlations(&ctx, &o, &correlation_kind, pairwise, pairwise + 3, (int64_t *) pairwise + 6), RK_OK);
		assert_near(once[0], pairwise[0], 1e-13);
		assert_near(once[3], pairwise[3], 1e-10);
		rk_ctx_destroy(&ctx);
	}
}

static void
near_matrix(const rk_value *expected, const rk_value *found)
{
	for (int64_t i = 0; i < expected->floats.count; i++)
		assert_near(found->floats.values[i], expected->floats.values[i], 1e-12);
}

static void
correlation_matrix_combines(void **state)
{
	double		features[200][3];
	rk_value	args[200];
	test_rows	rows = {args, 1, 200};

	(void) state;
	for (int i = 0; i < 200; i++)
	{
		for (int k = 0; k < 3; k++)
			features[i][k] = 1000 + (double) (rk_hash3(4, i, k) % 100) + i * k;
		args[i] = (rk_value) {.floats = {features[i], 3}};
	}
	for (int chunks = 2; chunks < 9; chunks++)
	{
		rk_ctx		ctx;
		rk_buffer	whole = {.resize = test_resize};
		rk_buffer	first = {.resize = test_resize};
		rk_buffer	second = {.resize = test_resize};
		rk_value	expected = {0};
		rk_value	found = {0};

		rk_ctx_init(&ctx);
		assert_int_equal(test_accumulate(&ctx, &rk_correlation_matrix, &whole, &rows, 0, 200), RK_OK);
		assert_int_equal(test_accumulate(&ctx, &rk_correlation_matrix, &first, &rows, 0, 20 * chunks), RK_OK);
		assert_int_equal(test_accumulate(&ctx, &rk_correlation_matrix, &second, &rows, 20 * chunks, 200), RK_OK);
		assert_true(rk_correlation_matrix.valid(&second));
		assert_int_equal(rk_correlation_matrix.combine(&ctx, &first, &second), RK_OK);
		assert_int_equal(rk_correlation_matrix.finish(&ctx, &whole, NULL, &expected), RK_OK);
		assert_int_equal(rk_correlation_matrix.finish(&ctx, &first, NULL, &found), RK_OK);
		near_matrix(&expected, &found);
		free(whole.data);
		free(first.data);
		free(second.data);
		rk_ctx_destroy(&ctx);
	}
	assert_aggregate_survives_failures(&rk_correlation_matrix, &rows);
}

/* ---- stress ---- */

#define POSITIONS 500

static rk_status
run_stress(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static rk_decimal values[POSITIONS];
	static rk_sensitivity sensitivities[2 * POSITIONS];
	static const int64_t offsets[] = {0, POSITIONS, 2 * POSITIONS};
	static const rk_factor_kind kinds[] = {RK_FACTOR_RELATIVE, RK_FACTOR_RATE};
	uint32_t	factors[40];
	double		shocks[40];
	int64_t		scenarios[40];
	rk_stress_input in = {values, 2, sensitivities, 2, offsets, kinds, 40, factors, shocks};
	rk_stress_grid grid;
	rk_decimal	sum[40];
	rk_decimal *pnl;
	rk_status	status;

	(void) edges;
	for (int i = 0; i < POSITIONS; i++)
	{
		values[i] = (rk_decimal) (int64_t) (rk_hash2(1, i) >> 20);
		for (int f = 0; f < 2; f++)
			sensitivities[f * POSITIONS + i] = (rk_sensitivity) {.position = i,.delta = (double) (i % 7) / 4,.gamma = 0.1 * (i % 3),
				.rho = -0.25 * (i % 20),.convexity = i % 50};
	}
	for (int k = 0; k < 40; k++)
	{
		factors[k] = k % 2;
		shocks[k] = 0.01 * (k - 20);
		scenarios[k] = k / 2;
	}
	status = rk_risk_stress_grid(ctx, &in, &grid);
	if (status != RK_OK)
		return status;
	assert_int_equal(grid.rows, 40 * POSITIONS);
	pnl = rk_alloc(ctx, grid.rows, sizeof(rk_decimal));
	if (pnl == NULL)
		return RK_ERR_MEMORY;
	status = rk_risk_stress_sums(ctx, &grid, sum);
	if (status == RK_OK)
		status = rk_risk_stress_rows(ctx, &grid, pnl);
	if (status != RK_OK)
		return status;
	for (int64_t row = 0; row < grid.rows; row++)
		sum[row / POSITIONS] -= pnl[row];
	for (int k = 0; k < 40; k++)
		assert_true(sum[k] == 0);
	status = rk_risk_stress_sums(ctx, &grid, sum);
	return status == RK_OK ? rk_risk_stress_impacts(ctx, sum, scenarios, 40, 20, result) : status;
}

static void
stress_sweeps(void **state)
{
	(void) state;
	assert_thread_independent(run_stress, NULL, sizeof(rk_decimal) * 20);
	assert_survives_allocation_failures(run_stress, NULL, sizeof(rk_decimal) * 20);
	assert_cancellable(run_stress, NULL, sizeof(rk_decimal) * 20);
}

static void
stress_of_one_position(void **state)
{
	rk_amount	value = {100000000, 2};
	rk_amount	pnl;

	(void) state;
	assert_true(rk_risk_stress_pnl(value, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 1,.gamma = 0.5}, -0.2, &pnl));
	assert_amount(pnl, -1900000000, 4);
	assert_true(rk_risk_stress_pnl(value, RK_FACTOR_RATE, &(rk_sensitivity) {.rho = -5,.convexity = 30}, 0.02, &pnl));
	assert_amount(pnl, -940000000, 4);
	assert_true(rk_risk_stress_pnl(value, RK_FACTOR_CREDIT, &(rk_sensitivity) {.spread_duration = 4}, 0.01, &pnl));
	assert_amount(pnl, -400000000, 4);
	assert_true(rk_risk_stress_pnl(value, RK_FACTOR_VOLATILITY, &(rk_sensitivity) {.vega = 50000}, 1, &pnl));
	assert_amount(pnl, 500000000, 4);
	assert_true(rk_risk_stress_pnl((rk_amount) {rk_power_of_ten(36), 0}, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 1}, 0.5, &pnl));
	assert_amount(pnl, 5 * rk_power_of_ten(37), 2);
	assert_false(rk_risk_stress_pnl((rk_amount) {rk_power_of_ten(37), 0}, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 1}, 0.5, &pnl));
	assert_false(rk_risk_stress_pnl(value, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 1}, 1e39, &pnl));
	/* rounded once, half away from zero: 0.0005 is, and what is less by 10^-20 is not */
	assert_true(rk_risk_stress_pnl((rk_amount) {-1, 1}, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 0.005}, 1, &pnl));
	assert_amount(pnl, -1, 3);
	assert_true(rk_risk_stress_pnl((rk_amount) {-1, 1}, RK_FACTOR_RELATIVE, &(rk_sensitivity) {.delta = 0.005,.gamma = -2e-19}, 1, &pnl));
	assert_amount(pnl, 0, 3);
	/* all of 1e-30, 16 digits and more than 64 bits */
	assert_true(rk_risk_stress_pnl((rk_amount) {rk_power_of_ten(34), 4}, RK_FACTOR_RELATIVE,
								   &(rk_sensitivity) {.delta = 1e-30,.gamma = 0.1234567890123456}, 1e-14, &pnl));
	assert_amount(pnl, 6172839, 6);
}

/* ---- scores and default ---- */

static void
scores_and_default(void **state)
{
	double		x[RK_CREDIT_FACTORS] = {[RK_DEBT_TO_INCOME] = 0.25,[RK_LOAN_TO_VALUE] = 0.6,[RK_CREDIT_UTILIZATION] = 0.15,
		[RK_PAYMENT_HISTORY] = 95,[RK_RECENT_INQUIRIES] = 1,[RK_CREDIT_HISTORY_YEARS] = 15};
	double		points[RK_CREDIT_FACTORS] = {0};
	rk_credit_merton m;
	rk_ctx		ctx;

	(void) state;
	assert_near(rk_risk_credit_score(x, NULL, points), 668.35, 1e-10);
	assert_near(rk_risk_lgd_of_loan(0.6), 0.33, 1e-12);
	assert_near(rk_risk_score_of_pd(rk_risk_pd_of_score(712.5, RK_PDO, 600, 50, 20), 600, 50, 20), 712.5, 1e-9);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_risk_credit_merton(&ctx, 3, 0.8, 10, 0.05, 1, &m), RK_OK);
	assert_near(m.asset_value, 12.395387, 1e-6);
	assert_near(m.asset_volatility, 0.212305, 1e-6);
	assert_near(m.pd, 0.126971, 1e-6);
	rk_ctx_destroy(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_quantiles_are_exact),
		cmocka_unit_test(decimals_round_once),
		cmocka_unit_test(historical_var_of_a_hundred),
		cmocka_unit_test(historical_var_sweeps),
		cmocka_unit_test(basel_risk_weights),
		cmocka_unit_test(expected_loss_is_exact),
		cmocka_unit_test(two_positions),
		cmocka_unit_test(indefinite_matrices_are_refused),
		cmocka_unit_test(repaired_matrices_are_nearest),
		cmocka_unit_test(philox_known_answer),
		cmocka_unit_test(uniforms_stay_below_1),
		cmocka_unit_test(distributions_invert),
		cmocka_unit_test(components_add_up),
		cmocka_unit_test(simulation_converges),
		cmocka_unit_test(simulation_sweeps),
		cmocka_unit_test(correlation_ways_agree),
		cmocka_unit_test(correlations_with_gaps_agree),
		cmocka_unit_test(correlation_matrix_combines),
		cmocka_unit_test(correlation_sweeps),
		cmocka_unit_test(stress_of_one_position),
		cmocka_unit_test(stress_sweeps),
		cmocka_unit_test(scores_and_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

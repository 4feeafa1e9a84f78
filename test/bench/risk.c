/*
 * risk.c
 *	  Times the risk kernels without a server: risk WHAT THREADS RUNS prints
 *	  the best and the median of the runs, and a number to compare, as JSON.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compliance/scoring/scoring.h"
#include "../../src/compute/ctx.h"
#include "../../src/compute/random.h"
#include "../../src/risk/correlation/correlation.h"
#include "../../src/risk/credit/credit.h"
#include "../../src/risk/portfolio/portfolio.h"
#include "../../src/risk/stress/stress.h"
#include "measure.h"

#define ASSETS 50
#define SIMULATIONS 1000000
#define SERIES 500
#define TIMES 2500
#define LOANS 1000000
#define POSITIONS 100000
#define SHOCKS 16

/* A number between 0 and 1 that numpy can make as well. */
static double
number(int64_t i)
{
	double		x = sin((double) (i + 1)) * 10000;

	return x - floor(x);
}

/* ---- simulation ---- */

static double
simulate(rk_ctx *ctx, bool geometric)
{
	double		value[ASSETS];
	double		volatility[ASSETS];
	double		mu[ASSETS];
	double		r[ASSETS * ASSETS];
	double		factor[ASSETS * ASSETS];
	rk_positions p = {ASSETS, value, volatility, mu, r, factor};
	rk_simulation s = {.confidence = 0.99,.years = 10.0 / 252,.simulations = SIMULATIONS,.geometric = geometric};
	rk_simulated_risk risk;
	double	   *pnl = rk_alloc(ctx, SIMULATIONS, sizeof(double));

	for (int i = 0; i < ASSETS; i++)
	{
		value[i] = 1000.0 * (i + 1);
		volatility[i] = 0.1 + 0.01 * i;
		mu[i] = 0.01;
		for (int j = 0; j < ASSETS; j++)
			r[i * ASSETS + j] = exp(-abs(i - j) / 5.0);
	}
	check(ctx, rk_correlation_factor(ctx, r, ASSETS, factor));
	check(ctx, rk_risk_simulate(ctx, &p, &s, pnl));
	check(ctx, rk_risk_simulated_measures(ctx, &p, &s, pnl, &risk));
	return risk.var;
}

static double
run_var(rk_ctx *ctx)
{
	return simulate(ctx, false);
}

static double
run_geometric(rk_ctx *ctx)
{
	return simulate(ctx, true);
}

/* ---- the others; inputs are made once ---- */

static double
run_historical(rk_ctx *ctx)
{
	static double *values;
	double	   *v = rk_alloc(ctx, SIMULATIONS, sizeof(double));
	rk_tail		tail = rk_tail_of(SIMULATIONS, 0.99);
	double		var;
	double		shortfall;

	if (values == NULL)
	{
		values = malloc(sizeof(double) * SIMULATIONS);
		for (int64_t i = 0; i < SIMULATIONS; i++)
			values[i] = number(i) - 0.5;
	}
	memcpy(v, values, sizeof(double) * SIMULATIONS);
	rk_select_smallest(v, SIMULATIONS, tail.full + 1);
	rk_tail_measures(v, SIMULATIONS, tail, &var, &shortfall);
	return shortfall;
}

static double
correlate(rk_ctx *ctx, bool gaps)
{
	static double *value[2];
	static int64_t *time[2];
	static int64_t begin[2][SERIES];
	static int64_t end[2][SERIES];
	rk_observations o = {SERIES, begin[gaps], end[gaps], NULL, NULL, NULL};
	rk_correlation_params p = {.estimator = RK_PEARSON};
	int64_t		pairs = rk_pairs_of(SERIES);
	double	   *correlation = rk_alloc(ctx, pairs, sizeof(double));
	double	   *covariance = rk_alloc(ctx, pairs, sizeof(double));
	int64_t    *count = rk_alloc(ctx, pairs, sizeof(int64_t));

	if (value[gaps] == NULL)
	{
		int64_t		at = 0;

		value[gaps] = malloc(sizeof(double) * SERIES * TIMES);
		time[gaps] = malloc(sizeof(int64_t) * SERIES * TIMES);
		for (int64_t i = 0; i < SERIES * TIMES; i++)
		{
			if (i % TIMES == 0)
				begin[gaps][i / TIMES] = at;
			/* one in about twenty is missing */
			if (!gaps || i * 7919 % 20011 >= 1000)
			{
				value[gaps][at] = number(i);
				time[gaps][at++] = i % TIMES;
			}
			end[gaps][i / TIMES] = at;
		}
	}
	o.time = time[gaps];
	o.value = value[gaps];
	check(ctx, rk_risk_correlations(ctx, &o, &p, correlation, covariance, count));
	return correlation[pairs - 1];
}

static double
run_correlation(rk_ctx *ctx)
{
	return correlate(ctx, false);
}

static double
run_correlation_gaps(rk_ctx *ctx)
{
	return correlate(ctx, true);
}

static double
run_scoring(rk_ctx *ctx)
{
	double		sum = 0;

	for (int64_t i = 0; i < LOANS; i++)
	{
		rk_credit_exposure e = {(double) (1 + i % 1000) / 2000, 0.45, {100000 + i, 2}, 2.5, RK_CORPORATE, NAN,
		RK_BASEL3_FINAL, NAN};
		rk_credit_risk r;

		check(ctx, rk_risk_credit_scoring(ctx, &e, &r));
		sum += r.capital_ratio;
	}
	return sum;
}

static double
run_kyc(rk_ctx *ctx)
{
	static const double weights[] = {0.25, 0.20, 0.15, 0.20, 0.10, 0.10};
	double		sum = 0;

	for (int64_t i = 0; i < LOANS; i++)
	{
		rk_kyc_customer c = {{i % 101, i % 97, i % 89, i % 83, i % 79, i % 23}, false, false};
		rk_kyc_score s;

		check(ctx, rk_kyc_scoring(ctx, &c, weights, RK_KYC_FACTORS, RK_KYC_RENORMALISE, &s));
		sum += s.risk_score;
	}
	return sum;
}

static double
run_stress(rk_ctx *ctx)
{
	static rk_decimal *values;
	static rk_sensitivity *sensitivities;
	static const int64_t offsets[] = {0, POSITIONS};
	static const rk_factor_kind kinds[] = {RK_FACTOR_RELATIVE};
	uint32_t	factor[SHOCKS] = {0};
	double		shock[SHOCKS];
	int64_t		scenario[SHOCKS];
	rk_decimal	impact[SHOCKS];
	rk_stress_input in = {.scale = 2,.factors = 1,.factor_offsets = offsets,.kinds = kinds,.shocks = SHOCKS,.shock_factor = factor,.shock = shock};
	rk_decimal	sum[SHOCKS];
	rk_stress_grid grid;

	if (values == NULL)
	{
		values = malloc(sizeof(rk_decimal) * POSITIONS);
		sensitivities = malloc(sizeof(rk_sensitivity) * POSITIONS);
		for (int64_t i = 0; i < POSITIONS; i++)
		{
			values[i] = 100000 + i;
			sensitivities[i] = (rk_sensitivity) {.position = i,.delta = (double) (i % 100) / 64,.gamma = (double) (i % 10) / 8};
		}
	}
	for (int k = 0; k < SHOCKS; k++)
	{
		shock[k] = -0.01 * (k + 1);
		scenario[k] = k;
	}
	in.values = values;
	in.sensitivities = sensitivities;
	check(ctx, rk_risk_stress_grid(ctx, &in, &grid));
	check(ctx, rk_risk_stress_sums(ctx, &grid, sum));
	check(ctx, rk_risk_stress_impacts(ctx, sum, scenario, SHOCKS, SHOCKS, impact));
	return rk_amount_to_double((rk_amount) {impact[SHOCKS - 1], 2 + RK_STRESS_DIGITS});
}

static const struct
{
	const char *name;
	double		(*run) (rk_ctx *ctx);
}			kernels[] = {
	{"var", run_var}, {"geometric", run_geometric}, {"historical", run_historical},
	{"correlation", run_correlation}, {"gaps", run_correlation_gaps}, {"scoring", run_scoring}, {"stress", run_stress}, {"kyc", run_kyc}
};

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	for (size_t k = 0; argc == 4 && k < sizeof(kernels) / sizeof(kernels[0]); k++)
	{
		int			runs = atoi(argv[3]);
		double	   *times;
		double		result = 0;

		if (strcmp(kernels[k].name, argv[1]) != 0 || runs < 1)
			continue;
		times = malloc(sizeof(double) * runs);
		rk_memory_retain(INT64_C(1) << 30);
		for (int r = -1; r < runs; r++)
		{
			rk_ctx		ctx;
			double		start;

			rk_ctx_init(&ctx);
			ctx.threads = atoi(argv[2]);
			start = now();
			result = kernels[k].run(&ctx);
			if (r >= 0)
				times[r] = now() - start;
			rk_ctx_destroy(&ctx);
		}
		qsort(times, runs, sizeof(double), compare);
		printf("{\"best\": %.9g, \"median\": %.9g, \"result\": %.17g}\n", times[0], times[runs / 2], result);
		return 0;
	}
	fprintf(stderr, "usage: risk WHAT THREADS RUNS\n");
	return 2;
}

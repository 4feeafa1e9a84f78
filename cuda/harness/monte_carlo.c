/*
 * monte_carlo.c
 *	  Simulated profits and losses on the device against those on the CPU.
 *
 * The draws have the same bits; sums differ at most by products and sums that
 * the CPU's compiler has contracted.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/risk/portfolio/portfolio.h"

static void
check_case(harness *h, int64_t n, int64_t simulations, bool antithetic, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_positions p = {.count = n};
	rk_simulation s = {
		.confidence = 0.99, .years = 0.04, .simulations = (int64_t) (simulations * h->scale),
		.distribution = RK_NORMAL, .antithetic = antithetic, .seed = seed
	};
	rk_cuda_monte_carlo_params params = {s.simulations, seed, 0, antithetic};
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO, .params = &params, .params_bytes = sizeof(params)};
	double	   *value;
	double	   *volatility;
	double	   *expected;
	double	   *weight;
	double	   *cpu;
	double	   *device;
	double		largest = 0;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	value = rk_alloc(&ctx, n, sizeof(double));
	volatility = rk_alloc(&ctx, n, sizeof(double));
	expected = rk_alloc(&ctx, n, sizeof(double));
	weight = rk_alloc(&ctx, n, sizeof(double));
	cpu = rk_alloc(&ctx, s.simulations, sizeof(double));
	device = rk_alloc(&ctx, s.simulations, sizeof(double));
	for (int64_t j = 0; j < n; j++)
	{
		value[j] = (double) (int64_t) (rk_hash2(seed, j) % 2000000) - 1000000;
		volatility[j] = 0.05 + 0.01 * (j % 40);
		expected[j] = 0.01 * (j % 7);
	}
	p.value = value;
	p.volatility = volatility;
	p.expected_return = expected;
	snprintf(what, sizeof(what), "monte carlo %lld positions%s", (long long) n, antithetic ? " antithetic" : "");
	cpu_seconds = now();
	must(&ctx, rk_risk_simulate(&ctx, &p, &s, cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_risk_book_weights(&ctx, &p, &s, weight, &params.mean));
	call.input[0] = (rk_cuda_input) {weight, n * (int64_t) sizeof(double)};
	call.output[0] = (rk_cuda_output) {device, s.simulations * (int64_t) sizeof(double)};
	if (run_device(h, what, &call, &device_seconds))
	{
		double		d = largest_difference(cpu, device, s.simulations);

		for (int64_t i = 0; i < s.simulations; i++)
			largest = fmax(largest, fabs(cpu[i]));
		snprintf(difference, sizeof(difference), "%.1e of %.1e", d, largest);
		report(h, what, d <= 1e-13 * largest, difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_monte_carlo(harness *h)
{
	check_case(h, 1, 20000, false, 1);
	check_case(h, 1, 20001, true, 2);
	check_case(h, 2, 5000, true, 3);
	check_case(h, 7, 3001, false, UINT64_C(0xdeadbeefcafe));
	check_case(h, 64, 1000, true, 4);
	check_case(h, 501, 301, false, UINT64_MAX);
}

/* Measures from ranks and sums of the device against those of the CPU. */
static void
check_measures(harness *h, int64_t n, int64_t simulations, double confidence, bool antithetic, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_simulation s = {
		.confidence = confidence, .years = 0.04, .simulations = (int64_t) (simulations * h->scale),
		.distribution = RK_NORMAL, .antithetic = antithetic, .seed = seed
	};
	rk_cuda_monte_carlo_risk_params params = {.book = {s.simulations, seed, 0, antithetic}};
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO_RISK, .params = &params, .params_bytes = sizeof(params)};
	rk_positions p = {.count = n};
	rk_simulated_sample sample;
	rk_simulated_risk cpu;
	rk_simulated_risk device;
	double	   *value;
	double	   *volatility;
	double	   *expected;
	double	   *weight;
	double	   *pnl;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	value = make_numbers(&ctx, seed, n, 1e6);
	/* a book that is worth nothing has equal results */
	for (int64_t j = 0; j < n && seed % 5 == 0; j++)
		value[j] = 0;
	volatility = make_numbers(&ctx, seed + 1, n, 0.4);
	expected = make_numbers(&ctx, seed + 2, n, 0.05);
	for (int64_t j = 0; j < n; j++)
		volatility[j] = fabs(volatility[j]);
	weight = rk_alloc(&ctx, n, sizeof(double));
	pnl = rk_alloc(&ctx, s.simulations, sizeof(double));
	p.value = value;
	p.volatility = volatility;
	p.expected_return = expected;
	snprintf(what, sizeof(what), "measures of %lld simulations at %g", (long long) s.simulations, confidence);
	cpu_seconds = now();
	must(&ctx, rk_risk_simulate(&ctx, &p, &s, pnl));
	must(&ctx, rk_risk_simulated_measures(&ctx, &p, &s, pnl, &cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_risk_book_weights(&ctx, &p, &s, weight, &params.book.mean));
	rk_risk_simulated_sample(&s, &sample);
	params.full = sample.full;
	call.input[0] = (rk_cuda_input) {weight, n * (int64_t) sizeof(double)};
	call.input[1] = (rk_cuda_input) {sample.ranks, sample.count * (int64_t) sizeof(int64_t)};
	call.output[0] = (rk_cuda_output) {sample.value, sample.count * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {sample.moments, sizeof(sample.moments)};
	if (run_device(h, what, &call, &device_seconds))
	{
		double		d;

		rk_risk_sample_measures(&p, &s, &sample, &device);
		/* the structs are doubles throughout */
		d = largest_relative((const double *) &cpu, (const double *) &device, sizeof(cpu) / sizeof(double));
		snprintf(difference, sizeof(difference), "%.1e", d);
		report(h, what, d <= 1e-12, difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_monte_carlo_risk(harness *h)
{
	check_measures(h, 1, 1, 0.99, false, 1);
	check_measures(h, 1, 2, 0.5, true, 2);
	check_measures(h, 3, 101, 0.99, false, 3);
	check_measures(h, 3, 1000, 0.975, true, 5);
	check_measures(h, 7, 70001, 0.99, true, 7);
	check_measures(h, 20, 5000, 0.9999, false, 8);
	check_measures(h, 2, 66000, 0.5, false, 9);
}

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

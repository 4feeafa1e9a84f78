/*
 * stress.c
 *	  What shocks do to positions, on the device and on the CPU: the same numbers.
 */
#include "stress.h"

#include <stdio.h>
#include <string.h>

void
make_stress(rk_ctx *ctx, uint64_t seed, int64_t positions, int64_t factors, int64_t shocks, bool plain, rk_stress_grid *grid,
			rk_cuda_stress_params *params, rk_cuda_call *call)
{
	int64_t		lines = positions * factors;
	rk_decimal *values = rk_alloc(ctx, positions, sizeof(rk_decimal));
	rk_sensitivity *sensitivities = rk_alloc(ctx, lines, sizeof(rk_sensitivity));
	int64_t    *offsets = rk_alloc(ctx, factors + 2, sizeof(int64_t));
	rk_factor_kind *kinds = rk_alloc(ctx, factors + 1, sizeof(rk_factor_kind));
	uint32_t   *factor = rk_alloc(ctx, shocks, sizeof(uint32_t));
	double	   *shock = rk_alloc(ctx, shocks, sizeof(double));
	int64_t		count = 0;

	if (!values || !sensitivities || !offsets || !kinds || !factor || !shock)
		must(ctx, RK_ERR_MEMORY);
	for (int64_t i = 0; i < positions; i++)
		values[i] = (rk_decimal) ((int64_t) rk_hash2(seed, i) >> 24) * (i % 97 == 3 && !plain ? INT64_C(1000000000000000) : 1);
	/* the last factor has no sensitivities */
	for (int64_t f = 0; f <= factors; f++)
	{
		offsets[f] = count;
		kinds[f] = (rk_factor_kind) (f % 5);
		for (int64_t i = 0; i < positions && f < factors; i++)
		{
			double		u = rk_uniform(rk_hash3(seed + 1, f, i));
			double		written = (double) (int64_t) (u * 10000) / 100 - 50;
			/* of some all digits count, and some are tiny or large */
			double		s = plain || i % 3 ? written : i % 31 == 0 ? (u - 0.5) * 1e-20 : i % 37 == 0 ? u * 1e15 : u - 0.5;

			if (f > 0 && (i + f) % 4 == 0)
				continue;
			sensitivities[count++] = (rk_sensitivity) {
				.position = i, .delta = s, .gamma = i % 2 ? -s / 7 : 0, .rho = s, .convexity = plain ? 0 : 2 * s, .vega = s,
				.theta = -s, .spread_duration = s, .vega_of_value = i % 5 == 0
			};
		}
	}
	offsets[factors + 1] = count;
	for (int64_t k = 0; k < shocks; k++)
	{
		double		u = rk_uniform(rk_hash2(seed + 2, k));

		factor[k] = k == 0 ? 0 : (uint32_t) (rk_hash2(seed + 3, k) % (uint64_t) (factors + (plain ? 0 : 1)));
		shock[k] = k % 2 || plain ? (double) (int64_t) (u * 1000) / 1000 - 0.5 : u - 0.5;
	}
	must(ctx, rk_risk_stress_grid(ctx, &(rk_stress_input) {
		.values = values, .scale = 2, .sensitivities = sensitivities, .factors = factors + 1, .factor_offsets = offsets,
		.kinds = kinds, .shocks = shocks, .shock_factor = factor, .shock = shock
	}, grid));
	params->scale = grid->scale;
	call->input[0] = (rk_cuda_input) {values, positions * (int64_t) sizeof(rk_decimal)};
	call->input[1] = (rk_cuda_input) {grid->lines, count * (int64_t) sizeof(rk_stress_line)};
	call->input[2] = (rk_cuda_input) {offsets, (factors + 2) * (int64_t) sizeof(int64_t)};
	call->input[3] = (rk_cuda_input) {grid->shock, shocks * (int64_t) sizeof(rk_stress_shock)};
}

static void
check_case(harness *h, int64_t positions, int64_t factors, int64_t shocks, bool sums)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_stress_grid grid;
	rk_cuda_stress_params params = {.sums = sums};
	rk_cuda_call call = {.kernel = RK_CUDA_STRESS, .params = &params, .params_bytes = sizeof(params)};
	rk_decimal *cpu;
	rk_decimal *device;
	int64_t		count;
	int64_t		wrong = 0;
	double		cpu_seconds;
	double		device_seconds;

	positions = (int64_t) (positions * h->scale) + 1;
	begin_ctx(h, &ctx);
	make_stress(&ctx, (uint64_t) (positions + shocks), positions, factors, shocks, false, &grid, &params, &call);
	count = sums ? grid.shocks : grid.rows;
	cpu = rk_alloc(&ctx, count, sizeof(rk_decimal));
	device = rk_alloc(&ctx, count, sizeof(rk_decimal));
	if (!cpu || !device)
		must(&ctx, RK_ERR_MEMORY);
	cpu_seconds = now();
	must(&ctx, sums ? rk_risk_stress_sums(&ctx, &grid, cpu) : rk_risk_stress_rows(&ctx, &grid, cpu));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, count * (int64_t) sizeof(rk_decimal)};
	snprintf(what, sizeof(what), "%s of %lld positions, %lld factors, %lld shocks", sums ? "sums" : "rows", (long long) positions,
			 (long long) factors, (long long) shocks);
	if (run_device(h, what, &call, &device_seconds))
	{
		for (int64_t i = 0; i < count; i++)
			wrong += cpu[i] != device[i];
		snprintf(difference, sizeof(difference), "%lld of %lld wrong", (long long) wrong, (long long) count);
		report(h, what, wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

/* What has more than 127 bits is left to the CPU, and so is a sum that might. */
static void
check_range(harness *h, bool sums)
{
	rk_decimal	values[3] = {rk_power_of_ten(37), -rk_power_of_ten(37), 1};
	rk_decimal	out[3];
	rk_ctx		ctx;
	rk_stress_line lines[3];
	rk_stress_shock shock = {.by = 1};
	int64_t		offsets[2] = {0, 3};
	rk_cuda_stress_params params = {.scale = sums ? 0 : 1, .sums = sums};
	rk_cuda_call call = {.kernel = RK_CUDA_STRESS, .params = &params, .params_bytes = sizeof(params)};
	rk_cuda_status status;

	begin_ctx(h, &ctx);
	for (int i = 0; i < 3; i++)
		lines[i] = (rk_stress_line) {.first = sums ? 1 : 2, .first_scale = sums ? 1 : 0, .position = i, .of_value = 1};
	call.input[0] = (rk_cuda_input) {values, sizeof(values)};
	call.input[1] = (rk_cuda_input) {lines, sizeof(lines)};
	call.input[2] = (rk_cuda_input) {offsets, sizeof(offsets)};
	call.input[3] = (rk_cuda_input) {&shock, sizeof(shock)};
	call.output[0] = (rk_cuda_output) {out, (sums ? 1 : 3) * (int64_t) sizeof(rk_decimal)};
	status = h->table->run(h->device, &call);
	report(h, sums ? "a sum that may be out of range" : "a row out of range", status == RK_CUDA_DECLINED, "", 0, 0, &call.usage);
	rk_ctx_destroy(&ctx);
}

void
check_stress(harness *h)
{
	for (int sums = 0; sums < 2; sums++)
	{
		check_case(h, 0, 1, 1, sums);
		check_case(h, 40, 1, 33, sums);
		check_case(h, 300, 5, 7, sums);
		check_case(h, 700, 3, 100, sums);
		check_case(h, 1000, 2, 1, sums);
		check_range(h, sums);
	}
}

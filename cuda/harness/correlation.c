/*
 * correlation.c
 *	  Correlations from products of the device against those of BLAS: within
 *	  rounding.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/risk/correlation/correlation.h"

/*
 * The same series on both; *worst: the largest difference of a correlation, and of a
 * covariance as a share of the largest.  False after a failure was reported.
 */
bool
correlate_on_both(harness *h, const char *what, int64_t n, int64_t times, int estimator, correlation_run *run)
{
	rk_ctx		ctx;
	rk_correlation_params p = {.estimator = (rk_correlation_estimator) estimator, .lambda = 0.94};
	rk_observations o = {.assets = n};
	rk_cuda_correlation_params params = {n, times};
	rk_cuda_call call = {.kernel = RK_CUDA_CORRELATION, .params = &params, .params_bytes = sizeof(params)};
	rk_correlation_rows r;
	int64_t    *begin;
	int64_t    *end;
	int64_t    *time;
	double	   *value;
	double	   *cpu;
	double	   *device;
	double	   *covariance[2];
	int64_t    *count;
	bool		ok;

	begin_ctx(h, &ctx);
	begin = rk_alloc(&ctx, n, sizeof(int64_t));
	end = rk_alloc(&ctx, n, sizeof(int64_t));
	time = rk_alloc(&ctx, n * times, sizeof(int64_t));
	value = make_numbers(&ctx, (uint64_t) (n + times), n * times, 0.02);
	cpu = rk_alloc(&ctx, rk_pairs_of(n), sizeof(double));
	device = rk_alloc(&ctx, rk_pairs_of(n), sizeof(double));
	covariance[0] = rk_alloc(&ctx, rk_pairs_of(n), sizeof(double));
	covariance[1] = rk_alloc(&ctx, rk_pairs_of(n), sizeof(double));
	count = rk_alloc(&ctx, rk_pairs_of(n), sizeof(int64_t));
	if (!begin || !end || !time || !cpu || !device || !covariance[0] || !covariance[1] || !count)
		must(&ctx, RK_ERR_MEMORY);
	for (int64_t i = 0; i < n; i++)
	{
		begin[i] = i * times;
		end[i] = begin[i] + times;
		for (int64_t k = 0; k < times; k++)
		{
			time[i * times + k] = k;
			/* some move with the one before, one stands still, one is large */
			if (i % 3 == 1)
				value[i * times + k] += value[(i - 1) * times + k];
			if (i == 5)
				value[i * times + k] = 0.25;
			if (i == 6)
				value[i * times + k] = 1e6 + 1e5 * value[i * times + k];
		}
	}
	o.begin = begin;
	o.end = end;
	o.time = time;
	o.value = value;
	run->cpu_seconds = now();
	must(&ctx, rk_risk_correlations(&ctx, &o, &p, cpu, covariance[0], count));
	run->cpu_seconds = now() - run->cpu_seconds;
	must(&ctx, rk_risk_correlation_rows(&ctx, &o, &p, &r));
	call.input[0] = (rk_cuda_input) {r.x, n * times * (int64_t) sizeof(double)};
	call.output[0] = (rk_cuda_output) {device, rk_pairs_of(n) * (int64_t) sizeof(double)};
	ok = run_device(h, what, &call, &run->device_seconds);
	if (ok)
	{
		run->worst = 0;
		run->wrong = 0;
		run->usage = call.usage;
		must(&ctx, rk_risk_correlations_of_products(&ctx, &r, device, device, covariance[1], count));
		for (int64_t k = 0; k < rk_pairs_of(n); k++)
		{
			run->wrong += isnan(cpu[k]) != isnan(device[k]) || count[k] != times;
			if (!isnan(cpu[k]))
				run->worst = fmax(run->worst, fabs(cpu[k] - device[k]));
		}
		if (times > 1)
			run->worst = fmax(run->worst, largest_relative(covariance[0], covariance[1], rk_pairs_of(n)));
	}
	rk_ctx_destroy(&ctx);
	return ok;
}

static void
check_case(harness *h, int64_t assets, int64_t times, rk_correlation_estimator estimator)
{
	char		what[80];
	char		difference[40];
	/* twice as many assets are four times as much work */
	int64_t		n = (int64_t) (assets * fmax(1, sqrt(h->scale)));
	correlation_run run;

	snprintf(what, sizeof(what), "%s of %lld assets, %lld times",
			 estimator == RK_PEARSON ? "pearson" : estimator == RK_EWMA ? "ewma" : "spearman", (long long) n, (long long) times);
	if (!correlate_on_both(h, what, n, times, estimator, &run))
		return;
	snprintf(difference, sizeof(difference), "%.0e, %lld wrong", run.worst, (long long) run.wrong);
	report(h, what, run.worst <= 1e-12 && run.wrong == 0, difference, run.cpu_seconds, run.device_seconds, &run.usage);
}

void
check_correlation(harness *h)
{
	check_case(h, 2, 1, RK_PEARSON);
	check_case(h, 2, 2, RK_EWMA);
	check_case(h, 3, 17, RK_SPEARMAN);
	check_case(h, 7, 250, RK_PEARSON);
	check_case(h, 64, 33, RK_PEARSON);
	check_case(h, 131, 100, RK_EWMA);
	check_case(h, 200, 61, RK_SPEARMAN);
	check_case(h, 129, 500, RK_PEARSON);
}

/*
 * garch.c
 *	  Volatility models fitted on the device against those fitted on the CPU: the
 *	  same maxima, and at what the device has found the CPU's likelihood.
 *
 * Likelihoods of egarch are rugged where a series has nothing of the model, so
 * that another rounding ends on another maximum; there only the second holds.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/compute/normal.h"
#include "../../src/temporal/garch_work.h"

/* What a series looks like. */
typedef enum series_shape
{
	SERIES_GARCH,				/* of the model, with some skew */
	SERIES_NOISE,				/* independent */
	SERIES_OUTLIER,				/* and one value far away */
	SERIES_TICKS,				/* few different values */
	SERIES_CONSTANT,
	SERIES_SHORT
} series_shape;

#define SHAPES 6

static void
make_series(series_shape shape, uint64_t seed, int64_t n, double *values)
{
	double		variance = 1;
	double		before = 0;

	for (int64_t t = 0; t < n; t++)
	{
		double		z = rk_normal_quantile(rk_uniform(rk_hash2(seed, t)));

		variance = 0.05 + 0.1 * before * before + (before < 0 ? 0.08 * before * before : 0) + 0.8 * variance;
		before = (shape == SERIES_GARCH ? sqrt(variance) : 1) * (z < 0 ? 1.2 * z : z);
		values[t] = 0.01 * (before + 0.1);
		if (shape == SERIES_OUTLIER && t == n / 2)
			values[t] = 0.3;
		if (shape == SERIES_TICKS)
			values[t] = 0.01 * rint(before);
		if (shape == SERIES_CONSTANT)
			values[t] = 0.25;
	}
}

/* The CPU's -log-likelihood at the estimates of series i of a batch. */
static double
value_at(rk_ctx *ctx, const rk_garch_params *p, const rk_garch_batch *b, int64_t i)
{
	int64_t		n = b->offsets[i + 1] - b->offsets[i] - 1;
	int64_t		padded = n + RK_GARCH_LAGS + 1;
	double	   *arrays = rk_alloc0(ctx, 7 * padded, sizeof(double));
	rk_garch_layout l = rk_garch_layout_of(p);
	rk_garch_work f = {
		.ctx = ctx, .p = p, .layout = l, .count = l.count, .means = l.means, .omega = l.omega, .shape = l.shape, .n = n,
		.y = b->y + b->offsets[i] + 1, .backcast = b->start[3 * i], .square = arrays + RK_GARCH_LAGS,
		.below = arrays + padded + RK_GARCH_LAGS, .level = arrays + 2 * padded + RK_GARCH_LAGS, .shock = arrays + 3 * padded,
		.variance = arrays + 4 * padded, .score = arrays + 5 * padded, .adjoint = arrays + 6 * padded
	};
	double		value = rk_garch_objective(&f, b->estimates + i * l.count, NULL);

	rk_free(ctx, arrays);
	return value;
}

static void
check_model(harness *h, const char *name, const rk_garch_params *p, int64_t count, int64_t length)
{
	char		what[80];
	char		difference[64];
	rk_ctx		ctx;
	int64_t		series = (int64_t) (count * fmax(h->scale, 1));
	int64_t    *offsets;
	double	   *values;
	rk_series	s = {.count = series};
	rk_garch	cpu;
	rk_garch	device;
	rk_garch_batch b;
	rk_cuda_garch_params params = {
		.egarch = p->egarch, .p = p->p, .o = p->o, .q = p->q, .mean = p->mean, .distribution = p->distribution,
		.mean_backcast = p->mean_backcast
	};
	rk_cuda_call call = {.kernel = RK_CUDA_GARCH, .params = &params, .params_bytes = sizeof(params)};
	int64_t		k = rk_garch_count(p);
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	offsets = series_offsets(&ctx, series, length, SHAPES, SERIES_SHORT, 20, 0);
	values = rk_alloc(&ctx, offsets[series], sizeof(double));
	for (int64_t i = 0; i < series; i++)
		make_series((series_shape) (i % SHAPES), (uint64_t) (i + length), offsets[i + 1] - offsets[i], values + offsets[i]);
	s.offsets = offsets;
	s.values = values;
	snprintf(what, sizeof(what), "%s, %lld series", name, (long long) series);
	cpu_seconds = now();
	must(&ctx, rk_temporal_garch(&ctx, &s, p, &cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_temporal_garch_batch(&ctx, &s, p, &b));
	hand_over_fits(&call, &(fit_arrays) {
		.count = b.count, .offsets = b.offsets, .y = b.y, .start = b.start, .starts = 3, .estimates = b.estimates, .k = k,
		.value = b.value, .matrix = b.covariance, .side = k, .converged = b.converged
	});
	if (run_device(h, what, &call, &device_seconds))
	{
		double		worst = 0;
		double		variance = 0;
		int64_t		wrong = 0;
		int64_t		other = 0;

		for (int64_t i = 0; i < b.count; i++)
			if (b.converged[i] && !(fabs(value_at(&ctx, p, &b, i) - b.value[i]) <= 1e-8 * (1 + fabs(b.value[i]))))
				wrong++;
		must(&ctx, rk_temporal_garch_with(&ctx, &s, p, &b, &device));
		for (int64_t i = 0; i < series; i++)
		{
			double		a = cpu.log_likelihood[i];
			double		d = device.log_likelihood[i];
			bool		fitted = cpu.status[i] == RK_FIT_OK;

			/* what is not fitted is not; a search that has not converged may end anywhere */
			if (isnan(a) != isnan(d) || cpu.observations[i] != device.observations[i])
				wrong++;
			if (p->egarch && i % SHAPES != SERIES_GARCH)
				continue;
			if (isnan(a) || !fitted || device.status[i] != RK_FIT_OK)
			{
				other += !isnan(a) && cpu.status[i] != device.status[i];
				continue;
			}
			/* a maximum that is higher is none the worse */
			worst = fmax(worst, (a - d) / (1 + fabs(a)));
			if (fabs(a - d) > 1e-6 * (1 + fabs(a)))
				other++;
			else
				variance = fmax(variance, largest_relative(cpu.variance + offsets[i] + 1, device.variance + offsets[i] + 1,
														   offsets[i + 1] - offsets[i] - 1));
		}
		snprintf(difference, sizeof(difference), "%.0e, s2 %.0e, %lld other", worst, variance, (long long) other);
		report(h, what, wrong == 0 && worst <= 1e-6 && variance <= 1e-2 && (p->egarch || other * 10 <= series), difference, cpu_seconds,
			   device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_garch(harness *h)
{
	static const struct
	{
		const char *name;
		rk_garch_params p;
		int64_t		series;
		int64_t		length;
	}			models[] = {
		{"garch(1,1)", {.p = 1, .q = 1, .mean = RK_MEAN_CONSTANT}, 12, 300},
		{"garch(1,1) t, mean backcast", {.p = 1, .q = 1, .mean = RK_MEAN_CONSTANT, .distribution = RK_GARCH_STUDENT, .mean_backcast = true}, 6, 250},
		{"gjr(1,1,1) skewt, ar1", {.p = 1, .o = 1, .q = 1, .mean = RK_MEAN_AR1, .distribution = RK_GARCH_SKEW_STUDENT}, 6, 200},
		{"arch(1)", {.p = 1, .mean = RK_MEAN_ZERO}, 6, 129},
		{"garch(3,2)", {.p = 3, .q = 2, .mean = RK_MEAN_CONSTANT}, 6, 100},
		{"egarch(1,1,1)", {.egarch = true, .p = 1, .o = 1, .q = 1, .mean = RK_MEAN_CONSTANT}, 3, 90},
		{"egarch(2,1,2) t, mean backcast", {.egarch = true, .p = 2, .o = 1, .q = 2, .mean = RK_MEAN_ZERO, .distribution = RK_GARCH_STUDENT, .mean_backcast = true}, 2, 64}
	};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		check_model(h, models[i].name, &models[i].p, models[i].series, models[i].length);
}

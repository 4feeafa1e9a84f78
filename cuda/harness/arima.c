/*
 * arima.c
 *	  ARIMA models fitted on the device against those fitted on the CPU: the same
 *	  maxima, and at what the device has found the CPU's likelihood.
 *
 * Likelihoods of series that no stationary model is like have no maximum, but
 * go on rising where rounding decides; there only the second holds.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/compute/normal.h"
#include "../../src/temporal/forecast/arima_fit.h"

/* What a series looks like. */
typedef enum series_shape
{
	SERIES_PLAIN,				/* shocks that follow each other, or their sums */
	SERIES_SEASON,				/* and what comes back every 12 */
	SERIES_NOISE,				/* independent: differenced it is not invertible */
	SERIES_OUTLIER,
	SERIES_EXPLODING,			/* no model of these is stationary with it */
	SERIES_LINE,				/* nothing but a trend, and rounding */
	SERIES_TICKS,				/* few different values */
	SERIES_CONSTANT,
	SERIES_GAPS,				/* for the CPU */
	SERIES_SHORT
} series_shape;

#define SHAPES 10

static void
make_series(series_shape shape, bool walks, uint64_t seed, int64_t n, double *values)
{
	double		level = 100;
	double		before = 0;

	for (int64_t t = 0; t < n; t++)
	{
		double		z = rk_normal_quantile(rk_uniform(rk_hash2(seed, t)));
		double		change = 0.5 * before + z;

		before = change;
		level = shape == SERIES_EXPLODING ? 1.05 * level : walks ? level + change : 100 + 2 * change;
		values[t] = level + (shape == SERIES_SEASON ? 5 * sin(0.5235987755982988 * t) : 0);
		if (shape == SERIES_NOISE)
			values[t] = z;
		if (shape == SERIES_LINE)
			values[t] = 3 + 0.1 * t;
		if (shape == SERIES_OUTLIER && t == n / 2)
			values[t] = 1e4;
		if (shape == SERIES_TICKS)
			values[t] = rint(level / 4);
		if (shape == SERIES_CONSTANT)
			values[t] = 0.25;
		if (shape == SERIES_GAPS && t % 11 == 5)
			values[t] = NAN;
	}
}

/* A work space for evaluations of what is in a batch. */
static void
begin_fit(rk_ctx *ctx, const rk_arima_params *p, const rk_arima_batch *b, int64_t longest, rk_arima_fit *f)
{
	memset(f, 0, sizeof(*f));
	must(ctx, rk_arima_make_fit(ctx, 0, p, b->columns - 1, longest, p->orders.period, f));
	f->o = p->orders;
	f->columns = b->columns;
}

/* The CPU's -log-likelihood of series i of the batch at the batch's estimates. */
static double
value_at(rk_arima_fit *f, const rk_arima_batch *b, int64_t i)
{
	f->length = (b->offsets[i + 1] - b->offsets[i]) / b->columns;
	for (int c = 0; c < b->columns; c++)
		f->work_column[c] = b->y + b->offsets[i] + c * f->length;
	return rk_arima_evaluate(f, b->estimates + i * b->coefficients);
}

static rk_arima_batch
copy_results(rk_ctx *ctx, const rk_arima_batch *b)
{
	rk_arima_batch to = *b;
	int64_t		all = b->coefficients + b->columns - 1;

	to.estimates = rk_alloc(ctx, b->count * b->coefficients, sizeof(double));
	to.value = rk_alloc(ctx, b->count, sizeof(double));
	to.hessian = rk_alloc(ctx, b->count * all * all, sizeof(double));
	to.converged = rk_alloc(ctx, b->count, sizeof(int32_t));
	return to;
}

static void
check_model(harness *h, const char *name, const rk_arima_params *p, int regressors, int64_t count, int64_t length, bool timed)
{
	char		what[80];
	char		difference[144];
	rk_ctx		ctx;
	int64_t		series = (int64_t) (count * fmax(timed ? h->scale : fmin(h->scale, 3), 1));
	int64_t    *offsets;
	double	   *values;
	double	   *columns[2];
	const double *future[2];
	rk_series	s = {.count = series};
	rk_arima_regressors x = {.count = regressors, .values = (const double *const *) columns, .future = future};
	rk_arima	cpu;
	rk_arima	device;
	rk_arima_batch b;
	rk_arima_batch here;
	rk_cuda_arima_params params = {
		.p = p->orders.p, .q = p->orders.q, .seasonal_p = p->orders.seasonal_p, .seasonal_q = p->orders.seasonal_q,
		.period = p->orders.period, .css = p->method == RK_ARIMA_CSS
	};
	rk_cuda_call call = {.kernel = RK_CUDA_ARIMA, .params = &params, .params_bytes = sizeof(params)};
	int64_t		k = rk_arima_coefficients(&p->orders);
	int64_t		all;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	offsets = series_offsets(&ctx, series, length, SHAPES, SERIES_SHORT, 5, 8);
	values = rk_alloc(&ctx, offsets[series], sizeof(double));
	for (int64_t i = 0; i < series; i++)
		make_series((series_shape) (i % SHAPES), p->orders.d + p->orders.seasonal_d > 0, (uint64_t) (i + length),
					offsets[i + 1] - offsets[i], values + offsets[i]);
	for (int c = 0; c < regressors; c++)
	{
		columns[c] = rk_alloc(&ctx, offsets[series], sizeof(double));
		for (int64_t t = 0; t < offsets[series]; t++)
			columns[c][t] = sin(0.1 * (c + 1) * t);
		future[c] = make_numbers(&ctx, 9, series * p->horizon, 1);
	}
	s.offsets = offsets;
	s.values = values;
	snprintf(what, sizeof(what), "%s, %lld series", name, (long long) series);
	cpu_seconds = now();
	must(&ctx, rk_temporal_arima(&ctx, &s, &x, p, &cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_temporal_arima_batch(&ctx, &s, &x, p, &b));
	here = copy_results(&ctx, &b);
	must(&ctx, rk_temporal_arima_fit_batch(&ctx, p, &here));
	params.columns = b.columns;
	params.starts = b.starts;
	all = k + b.columns - 1;
	hand_over_fits(&call, &(fit_arrays) {
		.count = b.count, .offsets = b.offsets, .y = b.y, .start = b.start, .starts = b.starts * k, .estimates = b.estimates, .k = k,
		.value = b.value, .matrix = b.hessian, .side = all, .converged = b.converged
	});
	if (run_device(h, what, &call, &device_seconds))
	{
		double		worst = 0;
		double		forecast = 0;
		double		error = 0;
		int64_t		wrong = 0;
		int64_t		other = 0;
		int64_t		same = 0;
		int64_t		redone = 0;
		bool		rugged = k > 10;	/* there are many maxima */
		rk_arima_fit f;

		begin_fit(&ctx, p, &b, rk_series_longest(&s) + 2 * b.columns, &f);
		for (int64_t i = 0; i < b.count; i++)
		{
			if (b.offsets[i + 1] == b.offsets[i] && isfinite(b.value[i]))
				wrong++;
			if (b.offsets[i + 1] == b.offsets[i])
				continue;
			if (!(fabs(value_at(&f, &b, i) - b.value[i]) <= 1e-7 * (1 + fabs(b.value[i]))))
			{
				/* the CPU does it again */
				redone++;
				wrong += i % SHAPES <= SERIES_NOISE && isfinite(here.value[i]);
				continue;
			}
			same += memcmp(b.estimates + i * k, here.estimates + i * k, k * sizeof(double)) == 0;
		}
		must(&ctx, rk_temporal_arima_with(&ctx, &s, &x, p, &b, &device));
		for (int64_t i = 0; i < series; i++)
		{
			double		a = cpu.log_likelihood[i];
			double		d = device.log_likelihood[i];
			bool		fitted = cpu.status[i] == RK_FIT_OK && device.status[i] == RK_FIT_OK;

			/* what is not fitted is not; a search that has not converged may end anywhere */
			if (isnan(a) != isnan(d) || cpu.observations[i] != device.observations[i] ||
				(isnan(a) && cpu.status[i] != device.status[i]))
				wrong++;
			if (isnan(a) || i % SHAPES == SERIES_LINE || i % SHAPES == SERIES_EXPLODING)
				continue;
			if (!fitted)
			{
				other += cpu.status[i] != device.status[i];
				continue;
			}
			/* a maximum that is higher is none the worse; what the model is not made for may have several */
			if (i % SHAPES == SERIES_PLAIN)
				worst = fmax(worst, (a - d) / (1 + fabs(a)));
			if (fabs(a - d) > 1e-7 * (1 + fabs(a)))
			{
				other++;
				continue;
			}
			if (i % SHAPES != SERIES_PLAIN)
				continue;
			forecast = fmax(forecast, largest_relative(cpu.forecast + i * p->horizon, device.forecast + i * p->horizon, p->horizon));
			for (int j = 0; j < all; j++)
			{
				double		mine = cpu.std_errors[i * cpu.stride + j];
				double		its = device.std_errors[i * cpu.stride + j];

				if (!isnan(mine))
					error = fmax(error, isnan(its) ? INFINITY : fabs(mine - its) / mine);
			}
		}
		snprintf(difference, sizeof(difference), "%.0e, forecast %.0e, error %.0e, %lld same, %lld other, %lld again", worst,
				 forecast, error, (long long) same, (long long) other, (long long) redone);
		report(h, what, wrong == 0 && forecast <= 1e-3 && error <= 1e-2 &&
			   (rugged || (worst <= 1e-6 && other * 5 <= series)), difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_arima(harness *h)
{
	static const struct
	{
		const char *name;
		rk_arima_params p;
		int			regressors;
		int64_t		series;
		int64_t		length;
	}			models[] = {
		{"arima(1,1,1)", {.orders = {.p = 1, .d = 1, .q = 1}, .method = RK_ARIMA_CSS_ML}, 0, 30, 120},
		{"arima(2,0,1) with a mean, ml", {.orders = {.p = 2, .q = 1, .constant = true}, .method = RK_ARIMA_ML}, 0, 20, 90},
		{"arima(0,2,2), css", {.orders = {.d = 2, .q = 2}, .method = RK_ARIMA_CSS}, 0, 20, 100},
		{"arima(1,1,0) with drift", {.orders = {.p = 1, .d = 1, .constant = true}, .method = RK_ARIMA_CSS_ML}, 0, 20, 64},
		{"arima(3,1,3)", {.orders = {.p = 3, .d = 1, .q = 3}, .method = RK_ARIMA_CSS_ML}, 0, 20, 100},
		{"arima(4,0,1) with a mean", {.orders = {.p = 4, .q = 1, .constant = true}, .method = RK_ARIMA_CSS_ML}, 0, 10, 150},
		{"arima(5,1,2)", {.orders = {.p = 5, .d = 1, .q = 2}, .method = RK_ARIMA_CSS_ML}, 0, 10, 100},
		{"arima(9,0,8), ml", {.orders = {.p = 9, .q = 8}, .method = RK_ARIMA_ML}, 0, 10, 120},
		{"arima(1,1,1), two regressors", {.orders = {.p = 1, .d = 1, .q = 1}, .method = RK_ARIMA_CSS_ML}, 2, 10, 80},
		{"sarima(0,1,1)(0,1,1)12", {.orders = {.d = 1, .q = 1, .seasonal_d = 1, .seasonal_q = 1, .period = 12}, .method = RK_ARIMA_CSS_ML}, 0, 10, 144},
		{"sarima(1,0,1)(1,0,1)4, a mean", {.orders = {.p = 1, .q = 1, .seasonal_p = 1, .seasonal_q = 1, .period = 4, .constant = true}, .method = RK_ARIMA_CSS_ML}, 0, 10, 100},
		{"sarima(3,0,0)(2,0,0)2, css", {.orders = {.p = 3, .seasonal_p = 2, .period = 2, .constant = true}, .method = RK_ARIMA_CSS}, 0, 10, 90},
		{"sarima(0,0,1)(1,0,0)52", {.orders = {.q = 1, .seasonal_p = 1, .period = 52}, .method = RK_ARIMA_ML}, 0, 10, 180}
	};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
	{
		rk_arima_params p = models[i].p;

		p.box_cox = NAN;
		p.horizon = 12;
		check_model(h, models[i].name, &p, models[i].regressors, models[i].series, models[i].length,
					i == 0 || p.orders.seasonal_d > 0);
	}
}

/*
 * temporal.c
 *	  Times the temporal kernels without a server: temporal WHAT THREADS RUNS
 *	  COUNT FILE prints the best and the median of the runs, and a number to
 *	  compare, as JSON.  FILE holds COUNT series of one length as float8.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/temporal/forecast/arima.h"
#include "../../src/temporal/forecast/prophet.h"
#include "../../src/temporal/temporal.h"
#include "measure.h"

static double
total(const double *x, int64_t n)
{
	double		sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

/* ---- measures: each returns the number to compare ---- */

static double
garch(rk_ctx *ctx, const rk_series *s)
{
	rk_garch_params p = {.p = 1,.q = 1,.mean = RK_MEAN_CONSTANT,.horizon = 1};
	rk_garch	g;

	check(ctx, rk_temporal_garch(ctx, s, &p, &g));
	return total(g.log_likelihood, s->count) / s->count;
}

static double
arima(rk_ctx *ctx, const rk_series *s)
{
	rk_arima_params p = {.orders = {.p = 1,.d = 1,.q = 1},.method = RK_ARIMA_CSS_ML,.box_cox = NAN,.horizon = 10};
	rk_arima	a;

	check(ctx, rk_temporal_arima(ctx, s, &(rk_arima_regressors) {0}, &p, &a));
	return total(a.log_likelihood, s->count) / s->count;
}

static double
seasonal_arima(rk_ctx *ctx, const rk_series *s)
{
	rk_arima_params p = {.orders = {.d = 1,.q = 1,.seasonal_d = 1,.seasonal_q = 1,.period = 12},.method = RK_ARIMA_CSS_ML,
		.box_cox = NAN,.horizon = 10};
	rk_arima	a;

	check(ctx, rk_temporal_arima(ctx, s, &(rk_arima_regressors) {0}, &p, &a));
	return total(a.log_likelihood, s->count) / s->count;
}

static double
stl(rk_ctx *ctx, const rk_series *s)
{
	int64_t    *period = rk_alloc(ctx, s->count, sizeof(int64_t));
	rk_decompose_params p = {.method = RK_STL,.stl = {.seasonal = {7, 1, 1},.trend = {0, 1, 1},.low_pass = {0, 1, 1},.inner = 5}};
	rk_decomposition d;

	for (int64_t i = 0; i < s->count; i++)
		period[i] = 12;
	p.period = period;
	check(ctx, rk_temporal_decompose(ctx, s, &p, &d));
	return d.trend[s->offsets[1] / 2];
}

static double
pelt(rk_ctx *ctx, const rk_series *s)
{
	rk_changepoint_params p = {.method = RK_PELT,.cost = RK_COST_L2,.penalty = 20,.n_changepoints = -1,.min_segment = 2,
		.window_size = 100};
	rk_changepoints f;

	check(ctx, rk_temporal_changepoints(ctx, s, s->values, 1, &p, &f));
	return f.total_cost[0];
}

static double
trend(rk_ctx *ctx, const rk_series *s, rk_trend_method method)
{
	rk_trend_params p = {.method = method,.window = 101,.alpha = NAN,.beta = NAN,.lambda = 1600,.order = 2,.shrink = true};
	double	   *results = rk_alloc(ctx, 2 * s->offsets[s->count], sizeof(double));

	check(ctx, rk_temporal_trend(ctx, s, &p, results, results + s->offsets[s->count]));
	return results[s->offsets[1] / 2];
}

static double
lowess(rk_ctx *ctx, const rk_series *s)
{
	return trend(ctx, s, RK_TREND_LOWESS);
}

static double
hp(rk_ctx *ctx, const rk_series *s)
{
	return trend(ctx, s, RK_TREND_HP);
}

static double
rolling(rk_ctx *ctx, const rk_series *s)
{
	rk_anomaly_params p = {.method = RK_ANOMALY_ROLLING_ZSCORE,.threshold = 3,.window = 20};
	rk_anomalies a;

	check(ctx, rk_temporal_anomalies(ctx, s, &p, &a));
	return a.score[s->offsets[1] / 2];
}

/* Days from 2020 on. */
static double
prophet(rk_ctx *ctx, const rk_series *s)
{
	static const rk_prophet_season seasons[] = {{365.25, RK_ORDER_AUTO, 10, false, false}, {7, RK_ORDER_AUTO, 10, false, false},
		{1, RK_ORDER_AUTO, 10, false, false}};
	int64_t		n = s->offsets[s->count];
	double	   *times = rk_alloc(ctx, n + s->count * 30, sizeof(double));
	rk_prophet_params p = {.n_changepoints = 25,.changepoint_range = 0.8,.changepoint_prior_scale = 0.05,.seasons = seasons,
		.season_count = 3,.regressor_prior_scale = 10,.confidence = 0.8,.samples = 1000,.horizon = 30,.calendar = true};
	rk_prophet	r;

	for (int64_t i = 0; i < s->count; i++)
	{
		for (int64_t t = s->offsets[i]; t < s->offsets[i + 1]; t++)
			times[t] = 18262 + (double) (t - s->offsets[i]);
		for (int h = 0; h < 30; h++)
			times[n + i * 30 + h] = 18262 + (double) (s->offsets[i + 1] - s->offsets[i] + h);
	}
	check(ctx, rk_temporal_prophet(ctx, &(rk_prophet_input) {.s = s, .times = times, .future_times = times + n}, &p, &r));
	return r.expected[s->offsets[1] / 2];
}

static const struct
{
	const char *name;
	double		(*run) (rk_ctx *ctx, const rk_series *s);
}			measures[] = {
	{"garch", garch}, {"arima", arima}, {"sarima", seasonal_arima}, {"stl", stl}, {"pelt", pelt}, {"lowess", lowess}, {"hp", hp},
	{"rolling", rolling}, {"prophet", prophet}
};

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int			threads = argc > 5 ? atoi(argv[2]) : 0;
	int			runs = argc > 5 ? atoi(argv[3]) : 0;
	int64_t		count = argc > 5 ? atoll(argv[4]) : 0;
	FILE	   *file = argc > 5 ? fopen(argv[5], "rb") : NULL;
	double	   *values;
	int64_t    *offsets;
	int64_t		n;
	double		times[100];
	double		result = 0;

	if (file == NULL || threads < 1 || runs < 1 || runs > 100 || count < 1)
	{
		fprintf(stderr, "usage: temporal WHAT THREADS RUNS COUNT FILE\n");
		return 2;
	}
	fseek(file, 0, SEEK_END);
	n = ftell(file) / (int64_t) sizeof(double);
	rewind(file);
	values = malloc(sizeof(double) * n);
	offsets = malloc(sizeof(int64_t) * (count + 1));
	if (fread(values, sizeof(double), n, file) != (size_t) n)
		return 2;
	fclose(file);
	for (int64_t i = 0; i <= count; i++)
		offsets[i] = i * (n / count);
	for (size_t m = 0; m < sizeof(measures) / sizeof(measures[0]); m++)
	{
		if (strcmp(measures[m].name, argv[1]) != 0)
			continue;
		for (int i = 0; i < runs; i++)
		{
			rk_series	s = {count, offsets, values};
			rk_ctx		ctx;
			double		start;

			rk_ctx_init(&ctx);
			ctx.threads = threads;
			start = now();
			result = measures[m].run(&ctx, &s);
			times[i] = now() - start;
			rk_ctx_destroy(&ctx);
		}
		qsort(times, runs, sizeof(double), compare);
		printf("{\"best\": %.9f, \"median\": %.9f, \"result\": %.17g}\n", times[0], times[runs / 2], result);
		return 0;
	}
	fprintf(stderr, "no such measure: %s\n", argv[1]);
	return 2;
}

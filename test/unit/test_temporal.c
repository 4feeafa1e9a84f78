/*
 * test_temporal.c
 *	  The temporal kernels: layout of series, and the sweeps all pass.
 */
#include "aggregate_support.h"

#include "../../src/compute/minimize.h"
#include "../../src/compute/normal.h"
#include "../../src/temporal/forecast/arima_fit.h"
#include "../../src/temporal/forecast/arma.h"
#include "../../src/temporal/forecast/prophet.h"
#include "../../src/temporal/temporal.h"

#define SERIES 12
#define LENGTH 160

static void
assert_near(double found, double expected, double tolerance)
{
	if (!(fabs(found - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", found, expected);
}

/* From this one on series are empty. */
static int	filled_series = SERIES;

/* Some series with steps, a season and noise, of different lengths. */
static rk_series
random_series(void)
{
	static int64_t offsets[SERIES + 1];
	static double values[SERIES * LENGTH];
	int64_t		at = 0;

	for (int64_t i = 0; i < SERIES; i++)
	{
		int64_t		n = i == 3 || i >= filled_series ? 0 : i == 4 ? 1 : LENGTH - 5 * i;

		offsets[i] = at;
		for (int64_t t = 0; t < n; t++, at++)
			values[at] = 20 + sin(2 * M_PI * t / 12) + (t > 50 ? 4 : 0) + rk_uniform(rk_hash3(9, i, t));
	}
	offsets[SERIES] = at;
	return (rk_series) {SERIES, offsets, values};
}

/* All that runs of the kernels put together goes into this. */
#define RESULT (sizeof(double) * 40 * SERIES * LENGTH)

static void
sweeps(test_run_fn run)
{
	assert_thread_independent(run, NULL, RESULT);
	/* a run for each allocation: those of the last series are those of the first */
	filled_series = 5;
	assert_survives_allocation_failures(run, NULL, RESULT);
	filled_series = SERIES;
	assert_cancellable(run, NULL, RESULT);
}

/* ---- numbers ---- */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
sorting_and_selecting(void **state)
{
	double		x[700];
	double		sorted[700];
	double		work[700];

	(void) state;
	for (int round = 0; round < 400; round++)
	{
		int64_t		n = 1 + rk_hash2(1, round) % 700;
		int64_t		kinds = round % 4 == 0 ? 3 : round % 4 == 1 ? 50 : 1000000;

		for (int64_t i = 0; i < n; i++)
			x[i] = round % 4 == 3 ? (double) (i % (1 + round)) : (double) (rk_hash3(2, round, i) % kinds);
		memcpy(sorted, x, sizeof(x));
		qsort(sorted, n, sizeof(double), compare_doubles);
		memcpy(work, x, sizeof(x));
		rk_sort_doubles(work, n);
		assert_memory_equal(work, sorted, sizeof(double) * n);
		for (int64_t rank = 0; rank < n; rank += 1 + n / 5)
		{
			memcpy(work, x, sizeof(x));
			assert_near(rk_select_double(work, n, rank), sorted[rank], 0);
		}
		memcpy(work, x, sizeof(x));
		assert_near(rk_median(work, n), n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]), 0);
	}
	assert_near(rk_quantile_sorted((double[]) {1, 2, 4, 8}, 4, 0.25), 1.75, 0);
}

/* ---- layout ---- */

#define DAY INT64_C(86400000000)

static void
months_are_months(void **state)
{
	/* the first of January to May 2000, April missing; the last days likewise */
	static const int64_t firsts[] = {0, 31 * DAY, 60 * DAY, 121 * DAY};
	static const int64_t lasts[] = {30 * DAY, 59 * DAY, 90 * DAY, 151 * DAY};
	static const int64_t rows[] = {0, 1, 2, 3};
	static const int64_t offsets[] = {0, 4};
	static const double values[] = {1, 2, 3, 5};

	(void) state;
	for (int which = 0; which < 2; which++)
	{
		rk_series_input in = {.count = 1,.offsets = offsets,.rows = rows,.values = values,
			.times = which ? lasts : firsts,.calendar = true,.find_gaps = true,.fill = RK_FILL_LINEAR};
		rk_series_output out;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_series_prepare(&ctx, &in, &out), RK_OK);
		assert_int_equal(out.spacing[0].months, 1);
		assert_int_equal(rk_spacing_period(out.spacing[0]), 12);
		assert_int_equal(out.offsets[1], 5);
		assert_int_equal(out.rows[3], -1);
		assert_near(out.values[3], 4, 0);
		assert_int_equal(out.times[3], which ? 120 * DAY : 91 * DAY);
		assert_int_equal(rk_spacing_add(out.times[4], out.spacing[0], 9), which ? (365 + 59) * DAY : (365 + 32) * DAY);
		in.fill = RK_FILL_ERROR;
		assert_int_equal(rk_series_prepare(&ctx, &in, &out), RK_ERR_DATA);
		rk_ctx_destroy(&ctx);
	}
}

static void
duplicates_are_named(void **state)
{
	static const int64_t times[] = {5, 3, 5};
	static const int64_t rows[] = {1, 0, 2};
	static const int64_t offsets[] = {0, 3};
	static const double values[] = {1, 2, 3};
	rk_series_output out;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_series_prepare(&ctx, &(rk_series_input) {
		.count = 1, .offsets = offsets, .rows = rows, .values = values, .times = times
	}, &out), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "rows 1 and 3 of a series have the same time");
	rk_ctx_destroy(&ctx);
}

/* ---- change points ---- */

static rk_status
run_changepoints(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_series	s = random_series();
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	for (int method = RK_PELT; method <= RK_CUSUM; method++)
	{
		for (int cost = RK_COST_L2; cost <= RK_COST_LINEAR; cost++)
		{
			rk_changepoint_params p = {.method = method,.cost = cost,.penalty = NAN,.min_segment = 3,.window_size = 20,
				.n_changepoints = method == RK_OPT ? 3 : -1,.n_permutations = cost == RK_COST_L1 ? 3 : 0};
			rk_changepoints f;
			rk_status	status = rk_temporal_changepoints(ctx, &s, s.values, 1, &p, &f);

			if (status != RK_OK)
				return status;
			memcpy(at, f.total_cost, sizeof(double) * SERIES);
			at += SERIES;
			for (int64_t i = 0; i < s.offsets[SERIES]; i++)
				at[i % SERIES] += f.starts[i] ? i + 1 + f.mean[i] : 0;
			at += SERIES;
		}
	}
	return RK_OK;
}

static void
changepoints_pass(void **state)
{
	(void) state;
	sweeps(run_changepoints);
}

/* Without a penalty every position is a segment. */
static void
penalty_zero_splits_everything(void **state)
{
	static const int64_t offsets[] = {0, 6};
	static const double values[] = {1, 2, 4, 8, 16, 32};
	rk_series	s = {1, offsets, values};
	rk_changepoint_params p = {.min_segment = 1,.n_changepoints = -1};
	rk_changepoints f;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_temporal_changepoints(&ctx, &s, values, 1, &p, &f), RK_OK);
	for (int i = 0; i < 6; i++)
		assert_true(f.starts[i]);
	assert_near(f.total_cost[0], 0, 1e-12);
	rk_ctx_destroy(&ctx);
}

/* ---- trend and season, anomalies ---- */

static rk_status
run_trends(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_series	s = random_series();
	int64_t		n = s.offsets[SERIES];

	(void) edges;
	memset(result, 0, RESULT);
	for (int method = RK_TREND_SMA; method <= RK_TREND_LINEAR; method++)
	{
		rk_trend_params p = {.method = method,.window = 7,.alpha = NAN,.beta = NAN,.lambda = 100,.order = 2,.robust = 1,
			.shrink = true};
		rk_status	status = rk_temporal_trend(ctx, &s, &p, (double *) result + method * n, (double *) result + (8 + method) * n);

		if (status != RK_OK)
			return status;
	}
	return RK_OK;
}

static rk_status
run_decompositions(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static const int64_t period[SERIES] = {12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12};
	static const int64_t periods[] = {6, 12};
	rk_series	s = random_series();
	int64_t		n = s.offsets[SERIES];
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	for (int method = RK_STL; method <= RK_MSTL; method++)
	{
		rk_decompose_params p = {.method = method,.multiplicative = method != RK_CLASSICAL,.period = period,
			.periods = periods,.count = 2,
			.stl = {.seasonal = {7, 1, 1},.trend = {0, 1, 2},.low_pass = {0, 1, 1},.inner = 2,.outer = 1}};
		rk_decomposition d;
		rk_status	status = rk_temporal_decompose(ctx, &s, &p, &d);

		if (status != RK_OK)
			return status;
		memcpy(at, d.trend, sizeof(double) * n);
		memcpy(at + n, d.seasonal, sizeof(double) * n);
		memcpy(at + 2 * n, d.residual, sizeof(double) * n);
		at += 3 * n;
	}
	return RK_OK;
}

static rk_status
run_anomalies(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_series	s = random_series();
	int64_t		n = s.offsets[SERIES];

	(void) edges;
	memset(result, 0, RESULT);
	for (int method = RK_ANOMALY_ZSCORE; method <= RK_ANOMALY_STL; method++)
	{
		rk_anomaly_params p = {.method = method,.threshold = 2,.window = 10,.period = 12,.significance = 0.05,
			.max_anomalies = 0.2};
		rk_anomalies a;
		rk_status	status = rk_temporal_anomalies(ctx, &s, &p, &a);

		if (status != RK_OK)
			return status;
		memcpy((double *) result + method * n, a.score, sizeof(double) * n);
	}
	return RK_OK;
}

static void
trends_pass(void **state)
{
	(void) state;
	sweeps(run_trends);
}

static void
decompositions_pass(void **state)
{
	(void) state;
	sweeps(run_decompositions);
}

static void
anomalies_pass(void **state)
{
	(void) state;
	sweeps(run_anomalies);
}

/* ---- volatility ---- */

/* Returns whose volatility changes. */
static rk_series
random_returns(void)
{
	static double values[SERIES * LENGTH];
	rk_series	s = random_series();

	for (int64_t i = 0; i < s.offsets[SERIES]; i++)
		values[i] = rk_normal_quantile(0.5 * rk_uniform(rk_hash2(5, i)) + 0.25) * (1 + sin(i / 9.0) * sin(i / 9.0)) + 0.1;
	s.values = values;
	return s;
}

static rk_status
run_garch(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static const rk_garch_params kinds[] = {
		{.p = 1,.q = 1,.mean = RK_MEAN_CONSTANT,.horizon = 3},
		{.p = 2,.o = 1,.q = 2,.mean = RK_MEAN_AR1,.distribution = RK_GARCH_STUDENT,.mean_backcast = true,.horizon = 3},
		{.egarch = true,.p = 1,.o = 1,.q = 1,.distribution = RK_GARCH_SKEW_STUDENT,.horizon = 3}
	};
	rk_series	s = random_returns();
	int64_t		n = s.offsets[SERIES];
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	for (int k = 0; k < 3; k++)
	{
		rk_garch	g;
		rk_status	status = rk_temporal_garch(ctx, &s, &kinds[k], &g);

		if (status != RK_OK)
			return status;
		memcpy(at, g.variance, sizeof(double) * n);
		memcpy(at + n, g.forecast, sizeof(double) * SERIES * 3);
		memcpy(at + n + 3 * SERIES, g.std_errors, sizeof(double) * SERIES * g.count);
		at += 2 * n;
	}
	return RK_OK;
}

static void
garch_passes(void **state)
{
	(void) state;
	sweeps(run_garch);
}

static rk_status
run_volatility(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static double prices[4][SERIES * LENGTH];
	rk_series	s = random_returns();
	int64_t		n = s.offsets[SERIES];
	rk_bars		b = {prices[0], prices[1], prices[2], prices[3]};

	(void) edges;
	memset(result, 0, RESULT);
	for (int64_t i = 0; i < n; i++)
	{
		prices[0][i] = 100 + s.values[i];
		prices[3][i] = 100 - s.values[i] / 2;
		prices[1][i] = fmax(prices[0][i], prices[3][i]) + 1;
		prices[2][i] = fmin(prices[0][i], prices[3][i]) - 1;
	}
	for (int model = RK_VOLATILITY_EWMA; model <= RK_VOLATILITY_YANG_ZHANG; model++)
	{
		rk_volatility_params p = {.model = model,.lambda = 0.94,.window = 20};
		rk_status	status = rk_temporal_volatility(ctx, &s, &b, &p, (double *) result + model * n,
													(double *) result + 7 * n + model * SERIES);

		if (status != RK_OK)
			return status;
	}
	return RK_OK;
}

/* It takes no memory. */
static void
volatility_passes(void **state)
{
	(void) state;
	assert_thread_independent(run_volatility, NULL, RESULT);
	assert_cancellable(run_volatility, NULL, RESULT);
}

/* A quadratic function about a centre. */
static double
distance(void *arg, const double *x, double *gradient)
{
	const double *centre = arg;
	double		dx = x[0] - centre[0];
	double		dy = x[1] - centre[1];

	gradient[0] = 2 * dx + dy;
	gradient[1] = dx + 4 * dy;
	return dx * dx + dx * dy + 2 * dy * dy;
}

/* Its minimum within a triangle: inside, at corners and on a side. */
static void
minima_keep_constraints(void **state)
{
	static const double a[] = {1, 0, 0, 1, -1, -1};
	static const double b[] = {0, 0, -1};
	static double centres[][2] = {{0.25, 0.25}, {2, 0}, {-1, -1}, {0.5, -0.25}};
	static const double expected[][2] = {{0.25, 0.25}, {1, 0}, {0, 0}, {0.375, 0}};
	double		work[100];

	(void) state;
	assert_true(rk_minimize_work(2, 3) <= 100);
	for (int k = 0; k < 4; k++)
	{
		rk_minimize_problem p = {.n = 2,.fn = distance,.arg = centres[k],.m = 3,.a = a,.b = b,.max_iterations = 100,
			.tolerance = 1e-14};
		double		x[2] = {0.3, 0.4};
		rk_minimum	m = rk_minimize(&p, x, work);

		assert_true(m.converged);
		assert_near(x[0], expected[k][0], 1e-6);
		assert_near(x[1], expected[k][1], 1e-6);
	}
}

static void
inverses(void **state)
{
	double		a[9] = {0, 2, 1, 1, 0, 3, 4, 1, 0};
	double		inverse[9];
	int			pivots[3];

	(void) state;
	memcpy(inverse, a, sizeof(a));
	assert_true(rk_invert(inverse, 3, pivots));
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			assert_near(a[3 * i] * inverse[j] + a[3 * i + 1] * inverse[3 + j] + a[3 * i + 2] * inverse[6 + j], i == j, 1e-14);
	memset(inverse, 0, sizeof(inverse));
	assert_false(rk_invert(inverse, 3, pivots));
}

/* ---- ARIMA ---- */

/* Two ways to the same prediction errors: of differences, and of levels. */
static void
filters_agree(void **state)
{
	static const double phi[] = {0.5, -0.3, 0.2};
	static const double theta[] = {0.4, 0, 0.3, 0, 0.2};
	static const double delta[] = {2, -1};
	enum {N = 300};
	double		x[N];
	double		y[N + 2] = {5, 3};
	double		fast[N];
	double		slow[N];
	double		levels[N + 2];
	rk_arma		a = {3, 5, phi, theta, 0, delta};
	double	   *work = malloc(sizeof(double) * rk_arma_work(rk_arma_order(&a), 2, 1));
	rk_arma_result r[3];

	(void) state;
	for (int t = 0; t < N; t++)
	{
		x[t] = rk_uniform(rk_hash2(3, t)) - 0.5;
		y[t + 2] = 2 * y[t + 1] - y[t] + x[t];
	}
	assert_true(rk_arma_filter(&a, (const double *const[]) {x}, 1, N, (double *const[]) {fast}, work, &r[0]));
	assert_true(rk_arma_kalman(&a, (const double *const[]) {x}, 1, N, (double *const[]) {slow}, NULL, NULL, work, &r[1], NULL, NULL));
	a.lags = 2;
	assert_true(rk_arma_kalman(&a, (const double *const[]) {y}, 1, N + 2, (double *const[]) {levels}, NULL, NULL, work, &r[2], NULL, NULL));
	for (int t = 0; t < N; t++)
	{
		assert_near(slow[t], fast[t], 1e-9);
		assert_near(levels[t + 2], fast[t], 1e-7);
	}
	for (int k = 0; k < 3; k++)
	{
		assert_near(r[k].log_f, r[0].log_f, 1e-9);
		assert_int_equal(r[k].counted, N);
	}
	a.phi = (const double[]) {0.5, 0.3, 0.4};
	assert_false(rk_arma_filter(&a, (const double *const[]) {x}, 1, N, (double *const[]) {fast}, work, &r[0]));
	free(work);
}

static rk_status
run_arima(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static const rk_arima_params kinds[] = {
		{.orders = {.p = 1,.d = 1,.q = 1},.method = RK_ARIMA_CSS_ML,.box_cox = NAN,.horizon = 3},
		{.orders = {.q = 1,.seasonal_d = 1,.seasonal_q = 1,.period = 12},.method = RK_ARIMA_CSS,.box_cox = 0,.horizon = 3},
		{.automatic = true,.orders = {.period = 0},.method = RK_ARIMA_ML,.constant_allowed = true,.max_p = 2,.max_q = 2,
		.box_cox = NAN,.horizon = 3}
	};
	static double holes[SERIES * LENGTH];
	rk_series	s = random_series();
	int64_t		n = s.offsets[SERIES];
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	/* the first series has gaps */
	memcpy(holes, s.values, sizeof(double) * n);
	holes[10] = holes[11] = NAN;
	s.values = holes;
	for (int k = 0; k < 3; k++)
	{
		rk_arima	a;
		rk_status	status = rk_temporal_arima(ctx, &s, &(rk_arima_regressors) {0}, &kinds[k], &a);

		if (status != RK_OK)
			return status;
		memcpy(at, a.expected, sizeof(double) * n);
		memcpy(at + n, a.forecast, sizeof(double) * SERIES * 3);
		memcpy(at + n + 3 * SERIES, a.std_errors, sizeof(double) * SERIES * a.stride);
		at += 2 * n;
	}
	return RK_OK;
}

/* The way of a device, all of it on the CPU: results of before, to the bit. */
static rk_status
run_arima_batch(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static const rk_arima_params kinds[] = {
		{.orders = {.p = 1,.d = 1,.q = 1},.method = RK_ARIMA_CSS_ML,.box_cox = NAN,.horizon = 3},
		{.orders = {.p = 1,.q = 1,.seasonal_q = 1,.period = 4,.constant = true},.method = RK_ARIMA_ML,.box_cox = NAN,.horizon = 3},
		{.orders = {.d = 1,.q = 2,.constant = true},.method = RK_ARIMA_CSS,.box_cox = 0.5,.horizon = 3}
	};
	enum {FEW = 5, N = 160};
	static const int64_t offsets[FEW + 1] = {0, 40, 75, 75, 111, N};
	double		changed[N];
	rk_series	s = {FEW, offsets, changed};
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	/* one has gaps, another one does not change, one is empty */
	for (int64_t t = 0; t < N; t++)
		changed[t] = t >= 40 && t < 75 ? 3 : t == 10 ? NAN : 20 + sin(2 * M_PI * t / 4) + rk_uniform(rk_hash2(9, t));
	for (int k = 0; k < 3; k++)
	{
		rk_arima_batch b;
		rk_arima	of_batch;
		rk_arima	a;
		rk_status	status = rk_temporal_arima_batch(ctx, &s, &(rk_arima_regressors) {0}, &kinds[k], &b);

		if (status == RK_OK)
			status = rk_temporal_arima_fit_batch(ctx, &kinds[k], &b);
		if (status == RK_OK)
			status = rk_temporal_arima_with(ctx, &s, &(rk_arima_regressors) {0}, &kinds[k], &b, &of_batch);
		if (status == RK_OK)
			status = rk_temporal_arima(ctx, &s, &(rk_arima_regressors) {0}, &kinds[k], &a);
		if (status != RK_OK)
			return status;
		assert_int_equal(b.there, 2);
		assert_int_equal(b.offsets[1], 0);
		assert_int_equal(b.offsets[2], 0);
		assert_memory_equal(a.forecast, of_batch.forecast, sizeof(double) * FEW * 3);
		assert_memory_equal(a.expected, of_batch.expected, sizeof(double) * N);
		assert_memory_equal(a.estimates, of_batch.estimates, sizeof(double) * FEW * a.stride);
		assert_memory_equal(a.std_errors, of_batch.std_errors, sizeof(double) * FEW * a.stride);
		assert_memory_equal(a.log_likelihood, of_batch.log_likelihood, sizeof(double) * FEW);
		assert_memory_equal(a.status, of_batch.status, sizeof(int64_t) * FEW);
		memcpy(at, of_batch.forecast, sizeof(double) * FEW * 3);
		memcpy(at + 3 * FEW, b.hessian, sizeof(double) * FEW);
		at += 4 * FEW;
		if (k > 0)
			continue;
		/* what a device cannot be right about is found here */
		for (int64_t i = 0; i < FEW; i++)
			b.value[i] = i % 2 ? NAN : b.value[i] + 1;
		status = rk_temporal_arima_with(ctx, &s, &(rk_arima_regressors) {0}, &kinds[k], &b, &of_batch);
		if (status != RK_OK)
			return status;
		assert_memory_equal(a.estimates, of_batch.estimates, sizeof(double) * FEW * a.stride);
		assert_memory_equal(a.std_errors, of_batch.std_errors, sizeof(double) * FEW * a.stride);
	}
	return RK_OK;
}

static void
arima_batch_passes(void **state)
{
	(void) state;
	sweeps(run_arima_batch);
}

static void
arima_passes(void **state)
{
	(void) state;
	sweeps(run_arima);
}

/*
 * Next to a unit root a search may run to where the mean has no weight and all
 * is flat.  Two of them end as high as either, and where they end does not
 * depend on the last digits of where they begin.
 */
static void
arima_near_unit_root(void **state)
{
	int			lost = 0;

	(void) state;
	for (int i = 0; i < 120; i++)
	{
		int			n = 40 + i * 37 % 160;
		double		root = 1 - 0.1 * rk_uniform(rk_hash2(7, i));
		rk_arima_params p = {.orders = {.p = 1,.q = i % 2,.constant = true},.method = RK_ARIMA_ML};
		double		y[200];
		double		u[RK_ARIMA_STARTS * RK_ARIMA_MAX_COEFFICIENTS];
		double		moved[RK_ARIMA_STARTS * RK_ARIMA_MAX_COEFFICIENTS];
		double		level = 0;
		rk_ctx		ctx;
		rk_arima_fit f = {0};
		rk_arima_model both;
		rk_arima_model one;
		int			starts;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_arima_make_fit(&ctx, 0, &p, 0, n, 0, &f), RK_OK);
		for (int t = -50; t < n; t++)
		{
			level = root * level + rk_normal_quantile(rk_uniform(rk_hash3(11, i, t + 50)) + 1e-17);
			if (t >= 0)
				y[t] = 10 + level;
		}
		f.n = n;
		f.y = y;
		f.x = f.columns_of_x;
		assert_true(rk_arima_begin(&f, &p.orders, &both));
		one = both;
		starts = rk_arima_starts(&f, u);
		assert_int_equal(starts, 2);
		rk_arima_search(&f, u, starts, &both);
		assert_true(isfinite(both.value) && both.converged);
		for (int start = 0; start < starts; start++)
		{
			rk_arima_search(&f, u + start * (1 + i % 2), 1, &one);
			assert_true(both.value <= one.value + 2e-7);
			lost += one.value > both.value + 1e-3;
		}
		for (double by = 1e-14; by < 1e-7; by *= 1e3)
		{
			for (int k = 0; k < starts * (1 + i % 2); k++)
				moved[k] = u[k] * (1 + by * (k + 1));
			rk_arima_search(&f, moved, starts, &one);
			assert_near(one.value, both.value, 1e-6);
		}
		rk_ctx_destroy(&ctx);
	}
	/* one of them alone does not do */
	assert_true(lost > 10);
}

/* ---- prophet ---- */

static rk_status
run_prophet(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static const int64_t holidays[] = {30, 90};
	static const rk_prophet_season seasons[] = {{365.25, RK_ORDER_AUTO, 10, false, false}, {7, RK_ORDER_AUTO, 10, true, false},
		{1, RK_ORDER_AUTO, 10, false, false}, {12, 2, 10, false, true}};
	static const rk_prophet_holiday holiday[] = {{holidays, 2, 10}};
	static double times[SERIES * LENGTH];
	static double future[SERIES * 4];
	static double cap[SERIES * LENGTH];
	rk_series	s = random_series();
	int64_t		n = s.offsets[SERIES];
	double	   *at = result;

	(void) edges;
	memset(result, 0, RESULT);
	for (int64_t i = 0; i < SERIES; i++)
	{
		for (int64_t t = s.offsets[i]; t < s.offsets[i + 1]; t++)
		{
			times[t] = (double) (t - s.offsets[i]);
			cap[t] = 40;
		}
		for (int h = 0; h < 4; h++)
			future[4 * i + h] = (double) (s.offsets[i + 1] - s.offsets[i] + h);
	}
	for (int growth = RK_GROWTH_LINEAR; growth <= RK_GROWTH_FLAT; growth++)
	{
		rk_prophet_params p = {.growth = growth,.n_changepoints = 8,.changepoint_range = 0.8,.changepoint_prior_scale = 0.1,
			.seasons = seasons,.season_count = 4,.holidays = holiday,.holiday_count = 1,.regressor_prior_scale = 10,
			.confidence = 0.9,.samples = 20,.horizon = 4,.calendar = true};
		rk_prophet_input in = {.s = &s,.times = times,.future_times = future,.regressors = 1,
			.values = (const double *const[]) {times},.future = (const double *const[]) {future},.cap = cap,.future_cap = cap};
		rk_prophet	r;
		rk_status	status;

		p.multiplicative = growth == RK_GROWTH_FLAT;
		status = rk_temporal_prophet(ctx, &in, &p, &r);
		if (status != RK_OK)
			return status;
		memcpy(at, r.expected, sizeof(double) * (n + 4 * SERIES));
		memcpy(at + n + 4 * SERIES, r.upper, sizeof(double) * (n + 4 * SERIES));
		at += 3 * n;
	}
	return RK_OK;
}

static void
prophet_passes(void **state)
{
	(void) state;
	sweeps(run_prophet);
}

/* Bars as rows; combined from any cut of them the same. */
static void
volatilities_do_not_depend_on_cuts(void **state)
{
	static const struct
	{
		const rk_aggregate *aggregate;
		int			first;		/* argument among open, high, low, close */
		int			params;
	}			cases[] = {
		{&rk_temporal_realized_volatility, 0, 1},
		{&rk_temporal_ewma_volatility, 0, 2},
		{&rk_temporal_parkinson_volatility, 1, 2},
		{&rk_temporal_garman_klass_volatility, 0, 4},
		{&rk_temporal_rogers_satchell_volatility, 0, 4},
		{&rk_temporal_yang_zhang_volatility, 0, 4}
	};

	(void) state;
	for (int c = 0; c < 6; c++)
	{
		rk_value	args[4 * 50];
		test_rows	rows = {args, cases[c].params, 50};
		rk_value	whole = {0};

		for (int i = 0; i < 50; i++)
		{
			double		bar[4] = {100 + rk_uniform(rk_hash2(1, i)), 103 + rk_uniform(rk_hash2(2, i)),
				97 + rk_uniform(rk_hash2(3, i)), 100 + rk_uniform(rk_hash2(4, i))};

			if (c == 1)
				bar[1] = 0.94;
			for (int k = 0; k < cases[c].params; k++)
				args[i * cases[c].params + k] = (rk_value) {.number = bar[cases[c].first + k]};
		}
		test_aggregate(cases[c].aggregate, &rows, 0, 50, 1, &whole);
		assert_false(whole.null);
		assert_true(whole.number > 0);
		for (int chunks = 2; chunks < 9; chunks++)
		{
			rk_value	parts = {0};

			test_aggregate(cases[c].aggregate, &rows, 0, 50, chunks, &parts);
			assert_memory_equal(&whole.number, &parts.number, sizeof(double));
		}
		test_aggregate(cases[c].aggregate, &rows, 0, 0, 1, &whole);
		assert_true(whole.null);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorting_and_selecting),
		cmocka_unit_test(months_are_months),
		cmocka_unit_test(duplicates_are_named),
		cmocka_unit_test(changepoints_pass),
		cmocka_unit_test(penalty_zero_splits_everything),
		cmocka_unit_test(trends_pass),
		cmocka_unit_test(decompositions_pass),
		cmocka_unit_test(anomalies_pass),
		cmocka_unit_test(garch_passes),
		cmocka_unit_test(volatility_passes),
		cmocka_unit_test(minima_keep_constraints),
		cmocka_unit_test(inverses),
		cmocka_unit_test(filters_agree),
		cmocka_unit_test(arima_passes),
		cmocka_unit_test(arima_batch_passes),
		cmocka_unit_test(arima_near_unit_root),
		cmocka_unit_test(prophet_passes),
		cmocka_unit_test(volatilities_do_not_depend_on_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

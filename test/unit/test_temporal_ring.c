/*
 * test_temporal_ring.c
 *	  The temporal actors: value by value they say what the batch kernels say
 *	  about the same series, or what their definitions say; whatever fails on
 *	  the way, and across snapshots, with the same bits.
 */
#include "actor_support.h"

#include <stdio.h>

#include "../../src/temporal/rolling.h"
#include "../../src/temporal/temporal.h"
#include "../../src/temporal/temporal_ring.h"

/* Ids of all kinds. */
static rk_id
series_id(uint64_t number)
{
	rk_id		id = {.kind = RK_ID_TEXT};
	int64_t		value = -(int64_t) number;

	if (number % 3 == 0)
	{
		id = (rk_id) {.kind = RK_ID_INT,.length = sizeof(value)};
		memcpy(id.bytes, &value, sizeof(value));
	}
	else if (number % 3 == 1)
	{
		id = (rk_id) {.kind = RK_ID_UUID,.length = 16};
		memset(id.bytes, (int) number, 16);
	}
	else
		id.length = (uint8_t) snprintf(id.bytes, RK_ID_BYTES, "series %llu", (unsigned long long) number);
	return id;
}

/* Nearly normal, variance 1. */
static double
noise(uint64_t seed, uint64_t i)
{
	double		sum = 0;

	for (int k = 0; k < 12; k++)
		sum += rk_uniform(rk_hash3(seed, i, k));
	return sum - 6;
}

/* Value i of a series: noise about a level, whole numbers, a constant with spikes, or huge outliers. */
static double
value_of(uint64_t seed, uint64_t i)
{
	uint64_t	h = rk_hash3(seed, i, 99);

	switch (seed % 5)
	{
		case 0:
			return noise(seed, i);
		case 1:
			return 1e6 + 3 * noise(seed, i);
		case 2:
			return (double) (h % 4);
		case 3:
			return h % 17 == 0 ? 8 : 5;
		default:
			return h % 23 == 0 ? 1e9 * noise(seed, i) : noise(seed, i);
	}
}

static bool
near(double a, double b, double tolerance)
{
	if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
		return (isnan(a) && isnan(b)) || a == b;
	return fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool
same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median_of(double *x, int n)
{
	qsort(x, n, sizeof(double), compare_doubles);
	return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* ---- windows ---- */

static void
test_rolling(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		int			window = 2 + (int) (rk_hash1(seed) % 60);
		rk_rolling	w = rk_rolling_make(window);
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		for (int i = 0; i < 300; i++)
		{
			double		copy[64];
			int			n = i + 1 < window ? i + 1 : window;
			long double mean = 0;
			long double squares = 0;
			double		m;
			double		d;

			assert_int_equal(rk_rolling_reserve(&ctx, &w, i >= 50), RK_OK);
			rk_rolling_push(&w, value_of(seed, i));
			assert_int_equal(w.kept, n);
			for (int k = 0; k < n; k++)
			{
				copy[k] = value_of(seed, i - n + 1 + k);
				assert_true(copy[k] == rk_rolling_value(&w, k));
				mean += copy[k];
			}
			mean /= n;
			for (int k = 0; k < n; k++)
				squares += (copy[k] - mean) * (copy[k] - mean);
			if (n < 2)
				continue;
			rk_rolling_moments(&w, &m, &d);
			assert_true(near(d, sqrtl(squares / (n - 1)), 1e-9));
			assert_true(fabsl(m - mean) <= 1e-9L * sqrtl(squares) + 1e-15L * fabsl(mean));
			/* asked for in the middle of its life */
			if (i < 50)
				continue;
			rk_rolling_medians(&w, &m, &d);
			assert_true(m == median_of(copy, n));
			for (int k = 0; k < n; k++)
				copy[k] = fabs(copy[k] - m);
			assert_true(d == median_of(copy, n));
		}
		rk_rolling_free(&ctx, &w);
		rk_ctx_destroy(&ctx);
	}
}

/* ---- temporal/anomaly-detection ---- */

#define MANY 400

static rk_status
observe(ring *r, uint64_t number, double value, int64_t ts)
{
	rk_series_value q = {.value = value,.ts = ts};

	q.series_id = series_id(number);
	return handle(r, 1140, &q);
}

static const rk_anomaly_reply *
answer(const ring *r)
{
	return (const void *) r->data;
}

/* The bits of the batch kernel, row by row. */
static void
test_rolling_zscore(void **state)
{
	static ring r;

	(void) state;
	for (uint64_t seed = 0; seed < 250; seed++)
	{
		double		values[MANY];
		int64_t		n = 1 + (int64_t) (rk_hash2(seed, 1) % MANY);
		int64_t		offsets[2] = {0, n};
		rk_series	s = {1, offsets, values};
		rk_anomaly_params p = {.method = RK_ANOMALY_ROLLING_ZSCORE,.threshold = 0.5 + seed % 4};
		rk_anomalies batch;
		rk_ctx		ctx;

		p.window = 2 + (int64_t) (rk_hash2(seed, 2) % 90);
		for (int64_t i = 0; i < n; i++)
			values[i] = value_of(seed, i);
		rk_ctx_init(&ctx);
		assert_int_equal(rk_temporal_anomalies(&ctx, &s, &p, &batch), RK_OK);
		ring_options(&r, &rk_actor_temporal_anomaly_detection);
		option(&r, "window_size")->integer = p.window;
		option(&r, "threshold")->is_null = false;
		option(&r, "threshold")->number = p.threshold;
		ring_open(&r);
		for (int64_t i = 0; i < n; i++)
		{
			const rk_anomaly_reply *a = answer(&r);

			/* another series in between */
			assert_int_equal(observe(&r, 1, value_of(seed + 1, i), i), RK_OK);
			assert_int_equal(observe(&r, 2, values[i], i), RK_OK);
			assert_true(same(a->expected, batch.expected[i]));
			assert_true(same(a->score, batch.score[i]));
			assert_true(same(a->lower, batch.lower[i]));
			assert_true(same(a->upper, batch.upper[i]));
			assert_int_equal(a->is_anomaly, batch.is_anomaly[i]);
			assert_int_equal(a->n, i + 1);
			assert_true(a->in_order);
		}
		rk_ctx_destroy(&r.ctx);
		rk_ctx_destroy(&ctx);
	}
}

/* What mad and ewma say, from their definitions. */
static void
expect_from(rk_watch_method method, const double *x, int n, int window, double *centre, double *scale)
{
	double		copy[MANY];
	int			m = n < window ? n : window;

	if (method == RK_WATCH_MAD)
	{
		memcpy(copy, x + n - m, sizeof(double) * m);
		*centre = median_of(copy, m);
		for (int k = 0; k < m; k++)
			copy[k] = fabs(copy[k] - *centre);
		*scale = median_of(copy, m) / 0.67448975019608171;
	}
	else
	{
		/* weights (1 - a)^(n - 1 - i) a, the first without a */
		double		a = 2.0 / (window + 1);
		long double mean = 0;
		long double square = 0;

		for (int k = 0; k < n; k++)
			mean += (k == 0 ? 1 : a) * powl(1 - a, n - 1 - k) * x[k];
		for (int k = 0; k < n; k++)
			square += (k == 0 ? 1 : a) * powl(1 - a, n - 1 - k) * (x[k] - mean) * (x[k] - mean);
		*centre = mean;
		*scale = sqrtl(square);
	}
}

static void
test_other_methods(void **state)
{
	static ring r;

	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		rk_watch_method method = seed % 2 ? RK_WATCH_MAD : RK_WATCH_EWMA;
		int			window = 2 + (int) (rk_hash2(seed, 2) % 30);
		int			period = seed % 3 == 0 ? 2 + (int) (seed % 7) : 0;
		double		residuals[MANY];
		double		phases[10] = {0};
		int			n = 0;

		ring_options(&r, &rk_actor_temporal_anomaly_detection);
		option(&r, "method")->integer = method;
		option(&r, "window_size")->integer = window;
		option(&r, "period")->is_null = period == 0;
		option(&r, "period")->integer = period;
		ring_open(&r);
		for (int i = 0; i < 120; i++)
		{
			double		x = value_of(seed, i);
			double		base = period ? phases[i % period] : 0;
			double		centre = 0;
			double		scale = 0;
			bool		known = n >= 2;

			assert_int_equal(observe(&r, 5, x, i), RK_OK);
			if (known)
				expect_from(method, residuals, n, window, &centre, &scale);
			assert_true(near(answer(&r)->expected, known ? base + centre : NAN, 1e-8));
			/* of what all equals, rounding may leave a spread */
			if (known && scale > 1e-6 * (fabs(base) + fabs(centre)))
			{
				assert_true(near(answer(&r)->score, fabs(x - base - centre) / scale, 1e-6));
				assert_int_equal(answer(&r)->is_anomaly, answer(&r)->score > (method == RK_WATCH_MAD ? 3.5 : 3));
			}
			else if (!known)
				assert_true(answer(&r)->score == 0 && !answer(&r)->is_anomaly);
			if (period && i < period)
				phases[i] = x;
			else
			{
				residuals[n++] = x - base;
				if (period)
					phases[i % period] += 0.05 * (x - base);
			}
		}
		rk_ctx_destroy(&r.ctx);
	}
}

static void
test_anomaly_alerts(void **state)
{
	static ring r;
	const rk_anomaly_alert *alert = (void *) r.record;
	rk_anomaly_settings c = {.threshold = 2,.window_size = RK_FIELD_ABSENT_INT4,.period = RK_FIELD_ABSENT_INT4,
	.method = RK_FIELD_ABSENT_CODE};
	rk_series_name name;
	const rk_anomaly_state *known = (void *) r.data;

	(void) state;
	ring_options(&r, &rk_actor_temporal_anomaly_detection);
	ring_open(&r);
	r.now = 77;
	name.series_id = series_id(1);
	c.series_id = name.series_id;
	assert_int_equal(ring_send(&r, 1144, &name), RK_OK);
	assert_int_equal(known->status, 1);
	assert_int_equal(ring_send(&r, 1142, &c), RK_OK);
	assert_true(((rk_anomaly_applied *) r.data)->applied);
	/* 1, 3: mean 2, deviation sqrt 2; scores of 2 (1 + k) / sqrt 2 */
	for (int k = 0; k < 4; k++)
	{
		rk_series_value q = {.value = 2 + sqrt(2) * (k == 0 ? 1.9 : k == 1 ? 2.9 : k == 2 ? 3.1 : 4.1),.ts = RK_FIELD_ABSENT_INT8};
		ring		copy;

		q.series_id = name.series_id;
		ring_options(&copy, &rk_actor_temporal_anomaly_detection);
		ring_open(&copy);
		copy.now = 77;
		assert_int_equal(handle(&copy, 1142, &c), RK_OK);
		assert_int_equal(observe(&copy, 1, 1, 1), RK_OK);
		assert_int_equal(observe(&copy, 1, 3, 2), RK_OK);
		assert_int_equal(copy.records, 0);
		assert_int_equal(handle(&copy, 1140, &q), RK_OK);
		assert_int_equal(copy.records, k > 0);
		alert = (void *) copy.record;
		if (k > 0)
		{
			assert_int_equal(alert->severity, k);
			assert_int_equal(alert->ts, 77);
			assert_true(alert->value == q.value);
			assert_memory_equal(&alert->series_id, &name.series_id, sizeof(rk_id));
		}
		/* an infinite score is severe */
		rk_ctx_destroy(&copy.ctx);
	}
	/* late is flagged, and counts */
	assert_int_equal(observe(&r, 1, 1, 10), RK_OK);
	assert_int_equal(observe(&r, 1, 1, 5), RK_OK);
	assert_false(answer(&r)->in_order);
	assert_int_equal(observe(&r, 1, 1.5, 10), RK_OK);
	assert_true(answer(&r)->in_order);
	assert_true(isinf(answer(&r)->score));
	assert_int_equal(((rk_anomaly_alert *) r.record)->severity, 3);
	assert_int_equal(ring_send(&r, 1144, &name), RK_OK);
	assert_true(known->status == 0 && known->n == 3 && known->threshold == 2 && near(known->mean, 3.5 / 3, 1e-12));
	/* another window keeps what fits into it, another period nothing */
	c.window_size = 2;
	assert_int_equal(ring_send(&r, 1142, &c), RK_OK);
	assert_int_equal(ring_send(&r, 1144, &name), RK_OK);
	assert_true(known->n == 3 && near(known->mean, 1.25, 1e-12) && near(known->stddev, sqrt(0.125), 1e-12));
	c.method = RK_WATCH_MAD;
	assert_int_equal(ring_send(&r, 1142, &c), RK_OK);
	assert_int_equal(ring_send(&r, 1144, &name), RK_OK);
	assert_true(known->n == 3 && near(known->mean, 1.25, 1e-12) && near(known->stddev, 0.25 / 0.67448975019608171, 1e-12));
	c.period = 3;
	assert_int_equal(ring_send(&r, 1142, &c), RK_OK);
	assert_int_equal(ring_send(&r, 1144, &name), RK_OK);
	assert_true(known->n == 0 && isnan(known->mean));
	/* refused */
	c.window_size = 1;
	assert_int_equal(ring_send(&r, 1142, &c), RK_ERR_PARAMETER);
	c.window_size = 5;
	c.period = 1;
	assert_int_equal(ring_send(&r, 1142, &c), RK_ERR_PARAMETER);
	c.period = 2;
	c.threshold = 0;
	assert_int_equal(ring_send(&r, 1142, &c), RK_ERR_PARAMETER);
	assert_int_equal(observe(&r, 1, NAN, 1), RK_ERR_PARAMETER);
	assert_int_equal(observe(&r, 1, INFINITY, 1), RK_ERR_PARAMETER);
	memset(&c.series_id, 0, sizeof(c.series_id));
	assert_int_equal(ring_send(&r, 1142, &c), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

static rk_status
send_anomaly(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(31, (uint64_t) i);
	rk_anomaly_settings c = {.threshold = h % 3 ? NAN : 1 + (double) (h % 5),.window_size = RK_FIELD_ABSENT_INT4,
	.period = RK_FIELD_ABSENT_INT4,.method = RK_FIELD_ABSENT_CODE};

	if (h % 29 != 0)
		return observe(r, h / 1000 % 40, value_of(h / 1000 % 40, (uint64_t) i), i % 11 == 0 ? i - 5 : i);
	c.series_id = series_id(h / 1000 % 45);
	if (h / 7 % 2)
		c.window_size = (int32_t) (h / 100 % 70);
	if (h / 14 % 3 == 0)
		c.period = (int32_t) (h / 10000 % 4);
	if (h / 42 % 2)
		c.method = (int16_t) (h / 84 % 3);
	return handle(r, 1142, &c);
}

static void
test_anomaly_life(void **state)
{
	static ring r;

	(void) state;
	ring_options(&r, &rk_actor_temporal_anomaly_detection);
	option(&r, "window_size")->integer = 40;
	ring_open(&r);
	assert_true(live_twice(&r, send_anomaly, 6000, 900) > 50);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

/* ---- temporal/changepoint-detection ---- */

static rk_status
watch_change(ring *r, uint64_t number, double value, int64_t ts)
{
	rk_series_value q = {.value = value,.ts = ts};

	q.series_id = series_id(number);
	return handle(r, 1120, &q);
}

static const rk_changepoint_reply *
change(const ring *r)
{
	return (const void *) r->data;
}

/* ln of what values of this sum and sum of squares are worth as one run, with the prior 0.5, 0.1, 1.5, 2. */
static long double
run_evidence(int n, long double sum, long double squares)
{
	long double mean = sum / n;
	long double kappa = 0.1L + n;
	long double alpha = 1.5L + 0.5L * n;
	long double beta = 2 + 0.5L * (squares - sum * mean) + 0.1L * n * (mean - 0.5L) * (mean - 0.5L) / (2 * kappa);

	return lgammal(alpha) - lgammal(1.5L) + 1.5L * logl(2) - alpha * logl(beta) + 0.5L * logl(0.1L / kappa) -
		0.5L * n * logl(2 * acosl(-1));
}

/* The posterior from evidences of whole runs in long double; those below 1e-6 are forgotten. */
static void
test_posterior(void **state)
{
	static ring r;
	static long double evidence[MANY][MANY];	/* [first][last], without the weight before */
	int			announced = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 60; seed++)
	{
		const long double hazard = 0.02L;
		const int	n = 150;
		double		values[MANY];
		long double before[MANY + 1] = {0};	/* ln of all weights up to a value */
		int64_t		since = 1;
		bool		forgotten[MANY] = {false};

		ring_options(&r, &rk_actor_temporal_changepoint_detection);
		option(&r, "hazard")->number = (double) hazard;
		option(&r, "threshold")->number = 0.9;
		option(&r, "prior_kappa")->number = 0.1;
		option(&r, "prior_alpha")->number = 1.5;
		option(&r, "prior_mean")->is_null = option(&r, "prior_beta")->is_null = false;
		option(&r, "prior_mean")->number = 0.5;
		option(&r, "prior_beta")->number = 2;
		ring_open(&r);
		for (int i = 0; i < n; i++)
			values[i] = noise(seed, i) * (1 + seed % 3) + (double) (rk_hash2(seed, i / (20 + seed % 40)) % 9);
		for (int j = 0; j < n; j++)
		{
			long double sum = 0;
			long double squares = 0;

			for (int i = j; i < n; i++)
			{
				sum += values[i];
				squares += (long double) values[i] * values[i];
				evidence[j][i] = run_evidence(i - j + 1, sum, squares) + (i - j) * log1pl(-hazard) + (j > 0 ? logl(hazard) : 0);
			}
		}
		for (int i = 0; i < n; i++)
		{
			long double top = -INFINITY;
			long double all = 0;
			long double late = 0;
			long double likely = 0;
			int			best = 0;

			long double kept = 0;

			for (int j = 0; j <= i; j++)
				if (!forgotten[j])
					top = fmaxl(top, before[j] + evidence[j][i]);
			for (int j = 0; j <= i; j++)
				all += forgotten[j] ? 0 : expl(before[j] + evidence[j][i] - top);
			for (int j = 0; j <= i; j++)
			{
				long double w = forgotten[j] ? 0 : expl(before[j] + evidence[j][i] - top);

				if (w < 1e-6L * all)
				{
					forgotten[j] = true;
					continue;
				}
				kept += w;
				late += j + 1 > since ? w : 0;
				if (w > likely)
				{
					likely = w;
					best = j;
				}
			}
			before[i + 1] = top + logl(kept);
			assert_int_equal(watch_change(&r, 2, values[i], i), RK_OK);
			assert_true(fabsl(change(&r)->probability - late / kept) < 1e-9L);
			assert_int_equal(change(&r)->n, i + 1);
			assert_int_equal(change(&r)->changed, late / kept >= 0.9L);
			assert_int_equal(change(&r)->at_ts, i + 1 - change(&r)->run_length);
			if (change(&r)->changed)
			{
				assert_true(change(&r)->at_ts + 1 > since);
				since = i + 1;
				announced++;
			}
			else
				assert_int_equal(change(&r)->run_length, i + 1 - best);
		}
		rk_ctx_destroy(&r.ctx);
	}
	assert_true(announced > 100);
}

/* Shifts of level and of spread are announced, once, soon and where they are. */
static void
test_changes(void **state)
{
	static ring r;
	const rk_changepoint_alert *alert = (void *) r.record;
	const rk_changepoint_state *known = (void *) r.data;
	int			found = 0;
	int			false_ones = 0;
	rk_series_name name;

	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		double		level = 1e6 * (double) (seed % 7) - 5;
		double		unit = seed % 2 ? 1e-3 : 30;
		bool		spread = seed % 4 >= 2;
		int			hits = 0;
		int			heard = 0;

		ring_options(&r, &rk_actor_temporal_changepoint_detection);
		ring_open(&r);
		for (int i = 0; i < 400; i++)
		{
			double		x = i < 200 ? noise(seed, i) : spread ? 6 * noise(seed, i) : 5 + noise(seed, i);

			assert_int_equal(watch_change(&r, 1, level + unit * x, i), RK_OK);
			assert_int_equal(r.records, heard += change(&r)->changed);
			if (!change(&r)->changed)
				continue;
			assert_int_equal(alert->at_ts, change(&r)->at_ts);
			assert_int_equal(alert->ts, i);
			assert_int_equal(alert->at_ts, i + 1 - alert->run_length);
			if (i >= 200 && i < 220 && alert->at_ts >= 196 && alert->at_ts <= 212)
			{
				assert_true(spread || hits > 0 || (alert->mean - alert->previous_mean) / unit > 2);
				hits++;
			}
			else
				false_ones++;
		}
		found += hits > 0;
		rk_ctx_destroy(&r.ctx);
	}
	assert_true(found >= 195);
	/* of 80000 values */
	assert_true(false_ones <= 80);

	/* equal values have no spread to go by; the first other one makes the prior */
	ring_options(&r, &rk_actor_temporal_changepoint_detection);
	option(&r, "warm_up")->integer = 10;
	ring_open(&r);
	name.series_id = series_id(1);
	assert_int_equal(ring_send(&r, 1122, &name), RK_OK);
	assert_int_equal(known->status, 1);
	for (int i = 0; i < 100; i++)
	{
		assert_int_equal(watch_change(&r, 1, 7, i), RK_OK);
		assert_true(!change(&r)->changed && change(&r)->probability == 0 && change(&r)->run_length == i + 1 && change(&r)->mean == 7);
		assert_int_equal(change(&r)->at_ts, i < 10 ? 0 : i - 9);
	}
	for (int i = 100; i < 110; i++)
		assert_int_equal(watch_change(&r, 1, 9, i), RK_OK);
	assert_int_equal(r.records, 1);
	assert_int_equal(alert->at_ts, 100);
	assert_int_equal(ring_send(&r, 1122, &name), RK_OK);
	assert_true(known->status == 0 && known->n == 110 && known->run_length == 10 && known->at_ts == 100 && fabs(known->mean - 9) < 0.1);
	/* the largest values there are, beside the smallest */
	for (int i = 0; i < 300; i++)
	{
		assert_int_equal(watch_change(&r, 2, i % 3 == 0 ? 1e100 : i % 3 == 1 ? -1e100 : 1e-100, i), RK_OK);
		assert_true(isfinite(change(&r)->mean) && change(&r)->probability >= 0 && change(&r)->probability <= 1 + 1e-9);
		assert_int_equal(watch_change(&r, 4, i < 50 ? 1e-140 * noise(3, i) : i == 90 ? 1e100 : 1, i), RK_OK);
		assert_true(isfinite(change(&r)->mean) && change(&r)->probability >= 0 && change(&r)->probability <= 1 + 1e-9);
	}
	assert_int_equal(watch_change(&r, 1, NAN, 1), RK_ERR_PARAMETER);
	assert_int_equal(watch_change(&r, 1, -INFINITY, 1), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

static rk_status
send_change(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(61, (uint64_t) i);

	return watch_change(r, h % 12, value_of(h % 12, (uint64_t) i) + (i % 1000 > 600 ? 9 : 0), i);
}

static void
test_change_life(void **state)
{
	static ring r;

	(void) state;
	ring_options(&r, &rk_actor_temporal_changepoint_detection);
	option(&r, "warm_up")->integer = 30;
	option(&r, "hazard")->number = 0.1;
	ring_open(&r);
	assert_true(live_twice(&r, send_change, 6000, 900) > 20);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

/* ---- temporal/volatility-analysis ---- */

static rk_status
update(ring *r, uint64_t number, double value)
{
	rk_series_value q = {.value = value,.ts = 9};

	q.series_id = series_id(number);
	return handle(r, 1100, &q);
}

/* A return of a series whose volatility comes in waves. */
static double
return_of(uint64_t seed, uint64_t i)
{
	return noise(seed, i) * (0.005 + 0.02 * (rk_hash3(seed, i / 60, 5) % 3));
}

/* After every return what the batch kernel forecasts from all so far. */
static void
test_weights(void **state)
{
	static ring r;

	(void) state;
	for (uint64_t seed = 0; seed < 60; seed++)
	{
		double		values[200];
		rk_volatility_params p = {.model = RK_VOLATILITY_EWMA,.lambda = 0.5 + 0.0083 * (double) seed};
		const rk_volatility_reply *a = (void *) r.data;

		ring_options(&r, &rk_actor_temporal_volatility_analysis);
		option(&r, "lambda")->number = p.lambda;
		ring_open(&r);
		for (int64_t n = 1; n <= 200; n++)
		{
			int64_t		offsets[2] = {0, n};
			rk_series	s = {1, offsets, values};
			double		variance[200];
			double		forecast;
			rk_ctx		ctx;

			values[n - 1] = seed % 7 == 0 ? 0.01 : return_of(seed, n);
			rk_ctx_init(&ctx);
			assert_int_equal(rk_temporal_volatility(&ctx, &s, NULL, &p, variance, &forecast), RK_OK);
			rk_ctx_destroy(&ctx);
			assert_int_equal(update(&r, 3, values[n - 1]), RK_OK);
			assert_true(isnan(forecast) ? isnan(a->variance) : fabs(a->variance - forecast) <= 1e-12 * forecast);
			assert_true(isnan(forecast) || a->volatility == sqrt(a->variance));
			assert_int_equal(a->count, n);
		}
		rk_ctx_destroy(&r.ctx);
	}
}

/* GARCH by its definition: returns, then forecasts. */
static void
garch_by_hand(const rk_coefficients_request *c, int p, int q, const double *x, int n, double *forecast, int horizon)
{
	double		h[600];
	double		e[600];
	double		before = 0;
	double		weights = 0;
	double		persistence = 0;

	for (int i = 0; i < p; i++)
		persistence += c->alpha[i];
	for (int j = 0; j < q; j++)
		persistence += c->beta[j];
	for (int i = 0; i < n && i < 75; i++)
	{
		before += pow(0.94, i) * x[i] * x[i];
		weights += pow(0.94, i);
	}
	before = n > 0 ? before / weights : c->omega / (1 - persistence);
	for (int t = 0; t < n + horizon; t++)
	{
		h[t] = c->omega;
		for (int i = 1; i <= p; i++)
			h[t] += c->alpha[i - 1] * (t >= i ? e[t - i] : before);
		for (int j = 1; j <= q; j++)
			h[t] += c->beta[j - 1] * (t >= j ? h[t - j] : before);
		e[t] = t < n ? x[t] * x[t] : h[t];
		if (t >= n)
			forecast[t - n] = sqrt(h[t]);
	}
}

static rk_coefficients_request
random_coefficients(uint64_t seed, int *p, int *q)
{
	rk_coefficients_request c = {.omega = 1e-6 * (double) (1 + seed % 9)};

	*p = 1 + (int) (rk_hash2(seed, 1) % 4);
	*q = (int) (rk_hash2(seed, 2) % 4);
	for (int i = 0; i < RK_GARCH_LAGS; i++)
	{
		c.alpha[i] = i < *p ? 0.5 * rk_uniform(rk_hash3(seed, 3, i)) / *p : NAN;
		c.beta[i] = i < *q ? 0.49 * rk_uniform(rk_hash3(seed, 4, i)) / *q : NAN;
	}
	return c;
}

static void
test_coefficients(void **state)
{
	static ring r;

	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		int			p;
		int			q;
		rk_coefficients_request c = random_coefficients(seed, &p, &q);
		const rk_coefficients_reply *a = (void *) r.data;
		rk_volatility_query query = {.horizon = 20};
		double		values[300];
		int			before = (int) (seed % 4) * 40;
		double		forecast[20];

		ring_options(&r, &rk_actor_temporal_volatility_analysis);
		ring_open(&r);
		c.series_id = series_id(1);
		query.series_id = series_id(1);
		for (int i = 0; i < before; i++)
			assert_int_equal(update(&r, 1, values[i] = return_of(seed, i)), RK_OK);
		assert_int_equal(handle(&r, 1107, &c), RK_OK);
		assert_true(a->success && a->status == RK_MODEL_OK);
		for (int i = before; i <= before + 60; i++)
		{
			const rk_volatility_answer *b = (void *) r.data;
			const rk_volatility_step *steps = (void *) (b + 1);

			/* what came before the coefficients gives the backcast */
			if (i == before)
			{
				garch_by_hand(&c, p, q, values, i, forecast, 20);
				assert_int_equal(handle(&r, 1102, &query), RK_OK);
				assert_int_equal(r.length, sizeof(*b) + 20 * sizeof(*steps));
				for (int k = 0; k < 20; k++)
				{
					assert_int_equal(steps[k].step, k + 1);
					assert_true(near(steps[k].forecast / forecast[k], 1, 1e-12));
				}
				assert_true(b->volatility == steps[0].forecast);
			}
			assert_int_equal(update(&r, 1, values[i] = return_of(seed, i)), RK_OK);
		}
		if (before > 0)
		{
			garch_by_hand(&c, p, q, values, before, forecast, 1);
			/* the same backcast: the values before alone */
			double		whole[600];
			double		first = 0;
			double		weights = 0;

			for (int i = 0; i < before && i < 75; i++)
			{
				first += pow(0.94, i) * values[i] * values[i];
				weights += pow(0.94, i);
			}
			first /= weights;
			for (int t = 0; t <= before + 61; t++)
			{
				whole[t] = c.omega;
				for (int i = 1; i <= p; i++)
					whole[t] += c.alpha[i - 1] * (t >= i ? values[t - i] * values[t - i] : first);
				for (int j = 1; j <= q; j++)
					whole[t] += c.beta[j - 1] * (t >= j ? whole[t - j] : first);
			}
			assert_true(near(((rk_volatility_reply *) r.data)->variance / whole[before + 61], 1, 1e-12));
		}
		rk_ctx_destroy(&r.ctx);
	}
}

/* A fit is the batch kernel's over the returns that are kept. */
static void
test_fit(void **state)
{
	static ring r;

	(void) state;
	for (uint64_t seed = 1; seed <= 12; seed++)
	{
		double		values[700];
		int			window = seed % 3 == 0 ? 400 : 1000;
		int64_t		n = seed == 1 ? 49 : 700;
		int64_t		kept = n < window ? n : window;
		int64_t		offsets[2] = {0, kept};
		rk_series	s = {1, offsets, values + n - kept};
		rk_garch_params p = {.p = 1,.q = 1,.horizon = 15,.mean = RK_MEAN_ZERO};
		rk_volatility_query query = {.horizon = 15};
		rk_series_name name;
		const rk_coefficients_reply *a = (void *) r.data;
		const rk_volatility_step *steps = (void *) (r.data + sizeof(rk_volatility_answer));
		rk_garch	batch;
		rk_ctx		ctx;

		ring_options(&r, &rk_actor_temporal_volatility_analysis);
		option(&r, "fit_window")->integer = window;
		ring_open(&r);
		name.series_id = series_id(4);
		query.series_id = series_id(4);
		assert_int_equal(handle(&r, 1109, &name), RK_OK);
		assert_true(!a->success && a->status == RK_MODEL_UNKNOWN_SERIES && isnan(a->long_run_variance));
		for (int64_t i = 0; i < n; i++)
			assert_int_equal(update(&r, 4, values[i] = seed == 2 ? 0.01 : return_of(seed, i)), RK_OK);
		rk_ctx_init(&ctx);
		assert_int_equal(rk_temporal_garch(&ctx, &s, &p, &batch), RK_OK);
		assert_int_equal(seed == 3 ? ring_send(&r, 1109, &name) : handle(&r, 1109, &name), RK_OK);
		assert_int_equal(a->status, seed == 1 ? RK_MODEL_TOO_SHORT : batch.status[0] == RK_FIT_OK ? RK_MODEL_OK :
						 batch.status[0] == RK_FIT_CONSTANT ? RK_MODEL_CONSTANT : RK_MODEL_NOT_CONVERGED);
		assert_int_equal(a->success, a->status == RK_MODEL_OK);
		if (a->success)
		{
			assert_true(isnan(batch.long_run[0]) ? isnan(a->long_run_variance) :
						near(a->long_run_variance / batch.long_run[0], 1, 1e-9));
			assert_int_equal(handle(&r, 1102, &query), RK_OK);
			for (int k = 0; k < 15; k++)
				assert_true(near(steps[k].forecast / sqrt(batch.forecast[k]), 1, 1e-9));
		}
		rk_ctx_destroy(&ctx);
		rk_ctx_destroy(&r.ctx);
	}
}

static void
test_spikes(void **state)
{
	static ring r;
	const rk_volatility_spike *spike = (void *) r.record;
	rk_ewma_request q = {.value = 0.01,.lambda = 0.9,.ts = 5};
	int			p;
	int			count;
	rk_coefficients_request c = random_coefficients(1, &p, &count);

	(void) state;
	ring_options(&r, &rk_actor_temporal_volatility_analysis);
	option(&r, "min_observations")->integer = 10;
	ring_open(&r);
	/* too early */
	for (int i = 0; i < 10; i++)
		assert_int_equal(update(&r, 1, i == 8 ? 1 : i % 2 ? 0.01 : -0.01), RK_OK);
	assert_int_equal(r.records, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(update(&r, 1, i % 2 ? 0.01 : -0.01), RK_OK);
	assert_int_equal(r.records, 0);
	/* variance 1e-4: 0.94 + 0.06 x^2 of it, by 2.25, 4 and 9 */
	for (int k = 1; k <= 3; k++)
	{
		double		ratio = k == 1 ? 1.6 : k == 2 ? 2.5 : 3.5;

		assert_int_equal(update(&r, 1, 0.01 * sqrt((ratio * ratio - 0.94) / 0.06)), RK_OK);
		assert_int_equal(r.records, k);
		assert_int_equal(spike->severity, k);
		assert_true(near(spike->ratio, ratio, 1e-6) && near(spike->volatility / spike->previous, ratio, 1e-6));
		assert_int_equal(spike->ts, 9);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(update(&r, 1, i % 2 ? 0.01 : -0.01), RK_OK);
	}
	/* one weight of its own */
	q.series_id = series_id(1);
	q.value = 0.02;
	assert_int_equal(ring_send(&r, 1105, &q), RK_OK);
	assert_true(near(((rk_ewma_reply *) r.data)->variance / (0.9e-4 + 0.1 * 4e-4), 1, 1e-6));
	q.lambda = 1;
	assert_int_equal(ring_send(&r, 1105, &q), RK_ERR_PARAMETER);
	/* coefficients that cannot be */
	c.series_id = series_id(8);
	c.omega = 0;
	assert_int_equal(ring_send(&r, 1107, &c), RK_ERR_PARAMETER);
	c.omega = 1e-6;
	c.alpha[0] = 0.6;
	c.beta[0] = 0.5;
	c.beta[1] = NAN;
	assert_int_equal(ring_send(&r, 1107, &c), RK_ERR_DATA);
	c.beta[0] = -0.1;
	assert_int_equal(ring_send(&r, 1107, &c), RK_ERR_PARAMETER);
	c.alpha[0] = NAN;
	assert_int_equal(ring_send(&r, 1107, &c), RK_ERR_PARAMETER);
	assert_int_equal(update(&r, 1, NAN), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

static rk_status
send_volatility(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(47, (uint64_t) i);
	uint64_t	number = h / 1000 % 30;
	int			p;
	int			q;
	rk_coefficients_request c = random_coefficients(h, &p, &q);
	rk_ewma_request e = {.value = return_of(number, (uint64_t) i),.lambda = 0.8,.ts = i};
	rk_series_name name;

	c.series_id = series_id(number);
	e.series_id = c.series_id;
	name.series_id = c.series_id;
	if (h % 31 == 0)
		return handle(r, 1107, &c);
	if (h % 199 == 0)
		return handle(r, 1109, &name);
	return h % 7 == 0 ? handle(r, 1105, &e) : update(r, number, return_of(number, (uint64_t) i));
}

static void
test_volatility_life(void **state)
{
	static ring r;

	(void) state;
	ring_options(&r, &rk_actor_temporal_volatility_analysis);
	option(&r, "fit_window")->integer = 80;
	ring_open(&r);
	assert_true(live_twice(&r, send_volatility, 6000, 900) > 50);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rolling),
		cmocka_unit_test(test_rolling_zscore),
		cmocka_unit_test(test_other_methods),
		cmocka_unit_test(test_anomaly_alerts),
		cmocka_unit_test(test_anomaly_life),
		cmocka_unit_test(test_posterior),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_change_life),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_coefficients),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_spikes),
		cmocka_unit_test(test_volatility_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

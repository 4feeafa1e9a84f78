/*
 * anomaly.c
 *	  Observations that do not fit their series.
 */
#include "anomaly.h"

#include <math.h>
#include <string.h>

#include "../compute/special.h"
#include "decompose.h"
#include "rolling.h"
#include "trend.h"

#define NORMAL_QUARTILE 0.67448975019608171	/* standard deviations in a MAD */
#define ESD_POLL 64

typedef struct scratch
{
	rk_stl_work stl;
	double	   *trend;
	double	   *seasonal;
	double	   *weight;
	double	   *a;
	double	   *b;
	long double *sums;
} scratch;

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_anomaly_params *p;
	rk_anomalies *out;
	scratch    *scratch;
} state;

/* Where the results of one series go. */
typedef struct place
{
	double	   *expected;
	double	   *score;
	bool	   *is_anomaly;
	double	   *lower;
	double	   *upper;
} place;

/* ---- one value ---- */

static double
score_of(double deviation, double scale)
{
	return scale > 0 ? fabs(deviation) / scale : deviation == 0 ? 0 : INFINITY;
}

static bool
counts(rk_direction direction, double deviation)
{
	return direction == RK_BOTH_WAYS || (direction == RK_UP ? deviation > 0 : deviation < 0);
}

static void
judge(const rk_anomaly_params *p, double x, double expected, double scale, double threshold, place *at, int64_t i)
{
	at->expected[i] = expected;
	at->score[i] = score_of(x - expected, scale);
	at->is_anomaly[i] = at->score[i] > threshold && counts(p->direction, x - expected);
	at->lower[i] = expected - threshold * scale;
	at->upper[i] = expected + threshold * scale;
}

/* Median and median absolute deviation of x. */
static void
median_and_mad(const double *x, int64_t n, double *work, double *median, double *mad)
{
	memcpy(work, x, sizeof(double) * n);
	*median = rk_median(work, n);
	for (int64_t i = 0; i < n; i++)
		work[i] = fabs(x[i] - *median);
	*mad = rk_median(work, n);
}

/* ---- methods ---- */

/* The window is the one that a ring has. */
static void
rolling(const rk_anomaly_params *p, const double *x, int64_t n, scratch *w, place *at)
{
	int32_t		most = (int32_t) (p->window < n ? p->window : n);
	rk_rolling	window = {.window = most,.values = w->a,.capacity = most};

	for (int64_t i = 0; i < n; i++)
	{
		double		mean;
		double		deviation;

		if (i < 2)
		{
			at->expected[i] = at->lower[i] = at->upper[i] = NAN;
			at->score[i] = 0;
			at->is_anomaly[i] = false;
		}
		else
		{
			rk_rolling_moments(&window, &mean, &deviation);
			judge(p, x[i], mean, deviation, p->threshold, at, i);
		}
		rk_rolling_push(&window, x[i]);
	}
}

static void
fences(const rk_anomaly_params *p, const double *x, int64_t n, scratch *w, place *at)
{
	double		q1;
	double		q3;
	double		median;

	memcpy(w->a, x, sizeof(double) * n);
	rk_sort_doubles(w->a, n);
	q1 = rk_quantile_sorted(w->a, n, 0.25);
	q3 = rk_quantile_sorted(w->a, n, 0.75);
	median = rk_quantile_sorted(w->a, n, 0.5);
	for (int64_t i = 0; i < n; i++)
	{
		double		beyond;

		at->expected[i] = median;
		at->lower[i] = q1 - p->threshold * (q3 - q1);
		at->upper[i] = q3 + p->threshold * (q3 - q1);
		beyond = x[i] > at->upper[i] ? x[i] - at->upper[i] : x[i] < at->lower[i] ? x[i] - at->lower[i] : 0;
		at->score[i] = score_of(beyond, q3 - q1);
		at->is_anomaly[i] = beyond != 0 && counts(p->direction, beyond);
	}
}

/* Deviations d from what each position should be, judged by their MAD. */
static void
by_deviation(const rk_anomaly_params *p, const double *x, int64_t n, const double *expected, bool about_median, scratch *w,
			 place *at)
{
	double		median;
	double		mad;

	for (int64_t i = 0; i < n; i++)
		w->a[i] = x[i] - expected[i];
	median_and_mad(w->a, n, w->b, &median, &mad);
	for (int64_t i = 0; i < n; i++)
		judge(p, x[i], expected[i] + (about_median ? median : 0), mad / NORMAL_QUARTILE, p->threshold, at, i);
}

/* The median absolute deviation of sorted values about their median. */
static double
mad_sorted(const double *v, int64_t n, double median)
{
	int64_t		left = (n - 1) / 2;
	int64_t		right = left + 1;
	double		before = 0;
	double		last = 0;

	/* the nearest first, from the middle outwards */
	for (int64_t k = 0; k <= n / 2; k++)
	{
		before = last;
		if (right >= n || (left >= 0 && median - v[left] <= v[right] - median))
			last = fabs(median - v[left--]);
		else
			last = fabs(v[right++] - median);
	}
	return n % 2 == 1 ? last : 0.5 * (before + last);
}

static double
median_sorted(const double *v, int64_t n)
{
	return n % 2 == 1 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

/*
 * Rosner's test on r with median and MAD.  What is taken out is an end of what
 * is left of the sorted values; the anomalies are what was taken out up to the
 * last time that the test was significant.
 */
static bool
esd(const state *st, int thread, const double *r, int64_t n, scratch *w, place *at)
{
	const rk_anomaly_params *p = st->p;
	int64_t		most = (int64_t) (p->max_anomalies * n);
	int64_t		low = 0;
	int64_t		high = n;
	int64_t		found_low = 0;	/* values below are anomalies, as many as this */
	int64_t		found_high = n;
	double	   *v = w->a;
	double	   *scores = w->b;

	memcpy(v, r, sizeof(double) * n);
	rk_sort_doubles(v, n);
	for (int64_t i = 1; i <= most && high - low > 2; i++)
	{
		int64_t		m = high - low;
		double		centre = median_sorted(v + low, m);
		double		scale = mad_sorted(v + low, m, centre) / NORMAL_QUARTILE;
		double		below = p->direction == RK_UP ? -1 : centre - v[low];
		double		above = p->direction == RK_DOWN ? -1 : v[high - 1] - centre;
		double		score = score_of(fmax(fmax(below, above), 0), scale);
		double		t = rk_student_quantile(m - 2, 1 - p->significance / ((p->direction == RK_BOTH_WAYS ? 2 : 1) * (double) m));
		double		limit = (m - 1) * t / sqrt((m - 2 + t * t) * m);

		if (below > above)
			scores[low++] = score;
		else
			scores[--high] = score;
		if (score > limit)
		{
			found_low = low;
			found_high = high;
		}
		if (i % ESD_POLL == 0 && rk_chunk_should_stop(st->ctx, thread))
			return false;
	}
	/* equal values share their verdict, so a value is found by where it would stand */
	for (int64_t i = 0; i < n; i++)
	{
		bool		out_low = found_low > 0 && r[i] <= v[found_low - 1];
		bool		out_high = found_high < n && r[i] >= v[found_high];
		int64_t		a = out_low ? 0 : found_high;
		int64_t		b = out_low ? found_low : n;

		at->is_anomaly[i] = out_low || out_high;
		if (!at->is_anomaly[i])
			continue;
		while (a + 1 < b)
		{
			int64_t		middle = (a + b) / 2;

			if (v[middle] <= r[i])
				a = middle;
			else
				b = middle;
		}
		at->score[i] = scores[a];
	}
	return true;
}

static bool
seasonal_methods(const state *st, int thread, const double *x, int64_t n, scratch *w, place *at)
{
	const rk_anomaly_params *p = st->p;
	rk_stl_params stl = rk_stl_defaults((rk_stl_params) {
		.seasonal = {7, 1, 1}, .trend = {0, 1, 1}, .low_pass = {0, 1, 1}, .inner = 2, .outer = 15
	}, p->period);
	double		median;
	double		mad;
	double		t;
	double		limit;

	if (!rk_stl(st->ctx, thread, &stl, x, n, p->period, &w->stl, w->trend, w->seasonal, w->weight))
		return false;
	if (p->method == RK_ANOMALY_STL)
	{
		for (int64_t i = 0; i < n; i++)
			w->trend[i] += w->seasonal[i];
		by_deviation(p, x, n, w->trend, true, w, at);
		return true;
	}
	memcpy(w->a, x, sizeof(double) * n);
	median = rk_median(w->a, n);
	for (int64_t i = 0; i < n; i++)
		w->trend[i] = x[i] - w->seasonal[i] - median;
	median_and_mad(w->trend, n, w->b, &t, &mad);
	/* the band of values that the first step of the test would pass */
	t = rk_student_quantile(n - 2, 1 - p->significance / ((p->direction == RK_BOTH_WAYS ? 2 : 1) * (double) n));
	limit = (n - 1) * t / sqrt((n - 2 + t * t) * n);
	for (int64_t i = 0; i < n; i++)
		judge(p, x[i], w->seasonal[i] + median, mad / NORMAL_QUARTILE, limit, at, i);
	return esd(st, thread, w->trend, n, w, at);
}

/* ---- the kernel ---- */

static bool
one_series(const state *st, int thread, const double *x, int64_t n, scratch *w, place *at)
{
	const rk_anomaly_params *p = st->p;
	double		centre;
	double		spread;

	switch (p->method)
	{
		case RK_ANOMALY_ZSCORE:
			centre = rk_mean(x, n);
			spread = n > 1 ? sqrt(rk_sum_squares(x, n, centre) / (n - 1)) : 0;
			for (int64_t i = 0; i < n; i++)
				judge(p, x[i], centre, spread, p->threshold, at, i);
			return true;
		case RK_ANOMALY_ROLLING_ZSCORE:
			rolling(p, x, n, w, at);
			return true;
		case RK_ANOMALY_MAD:
			median_and_mad(x, n, w->a, &centre, &spread);
			for (int64_t i = 0; i < n; i++)
				judge(p, x[i], centre, spread / NORMAL_QUARTILE, p->threshold, at, i);
			return true;
		case RK_ANOMALY_IQR:
			fences(p, x, n, w, at);
			return true;
		case RK_ANOMALY_MOVING_AVERAGE:
			rk_moving_mean(x, n, p->window < n ? p->window : n, w->sums, w->trend);
			by_deviation(p, x, n, w->trend, false, w, at);
			return true;
		case RK_ANOMALY_SEASONAL_ESD:
		case RK_ANOMALY_STL:
			return seasonal_methods(st, thread, x, n, w, at);
	}
	return true;
}

static void
anomaly_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	rk_anomalies *o = st->out;
	bool		seasonal = st->p->method == RK_ANOMALY_STL || st->p->method == RK_ANOMALY_SEASONAL_ESD;

	(void) chunk;
	for (int64_t s = begin; s < end; s++)
	{
		int64_t		base = st->s->offsets[s];
		int64_t		n = st->s->offsets[s + 1] - base;
		place		at = {o->expected + base, o->score + base, o->is_anomaly + base, o->lower + base, o->upper + base};

		o->too_short[s] = seasonal && n < 2 * st->p->period;
		for (int64_t i = 0; i < n && o->too_short[s]; i++)
		{
			at.expected[i] = at.score[i] = at.lower[i] = at.upper[i] = NAN;
			at.is_anomaly[i] = false;
		}
		if (n == 0 || o->too_short[s])
			continue;
		if (!one_series(st, thread, st->s->values + base, n, &st->scratch[thread], &at))
			return;
	}
}

rk_status
rk_temporal_anomalies(rk_ctx *ctx, const rk_series *s, const rk_anomaly_params *p, rk_anomalies *o)
{
	state		st = {ctx, s, p, o};
	int64_t		longest = rk_series_longest(s);
	int64_t		total = s->offsets[s->count];
	rk_status	status;

	o->expected = rk_alloc(ctx, total, sizeof(double));
	o->score = rk_alloc(ctx, total, sizeof(double));
	o->is_anomaly = rk_alloc(ctx, total, sizeof(bool));
	o->lower = rk_alloc(ctx, total, sizeof(double));
	o->upper = rk_alloc(ctx, total, sizeof(double));
	o->too_short = rk_alloc(ctx, s->count, sizeof(bool));
	st.scratch = rk_alloc0(ctx, ctx->threads, sizeof(scratch));
	if (!o->expected || !o->score || !o->is_anomaly || !o->lower || !o->upper || !o->too_short || !st.scratch)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		scratch    *w = &st.scratch[i];
		int64_t		n = i < s->count ? longest : 0;

		status = rk_stl_alloc(ctx, n, n / 2 + 1, &w->stl);
		if (status != RK_OK)
			return status;
		w->trend = rk_alloc(ctx, n, sizeof(double));
		w->seasonal = rk_alloc(ctx, n, sizeof(double));
		w->weight = rk_alloc(ctx, n, sizeof(double));
		w->a = rk_alloc(ctx, n, sizeof(double));
		w->b = rk_alloc(ctx, n, sizeof(double));
		w->sums = rk_alloc(ctx, n + 1, sizeof(long double));
		if (!w->trend || !w->seasonal || !w->weight || !w->a || !w->b || !w->sums)
			return RK_ERR_MEMORY;
	}
	status = rk_parallel_for(ctx, s->count, 1, anomaly_chunk, &st);
	return status == RK_OK && rk_should_stop(ctx) ? RK_STOPPED : status;
}

/*
 * decompose.c
 *	  Classical decomposition, STL and STL of several periods.
 */
#include "decompose.h"

#include <math.h>
#include <string.h>

typedef struct scratch
{
	rk_stl_work stl;
	double	   *y;				/* values, or their logarithms */
	double	   *rest;			/* mstl: without the seasons */
	double	   *seasons;		/* mstl: [count][n] */
	double	   *phase;			/* classical: sums by phase */
} scratch;

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_decompose_params *p;
	rk_decomposition *out;
	scratch    *scratch;
} state;

static double
variance_ratio(const double *r, const double *other, int64_t from, int64_t to, double *work)
{
	int64_t		n = to - from;
	double		rest;
	double		both;

	if (n < 2)
		return NAN;
	rest = rk_sum_squares(r + from, n, rk_mean(r + from, n));
	for (int64_t i = 0; i < n; i++)
		work[i] = r[from + i] + other[from + i];
	both = rk_sum_squares(work, n, rk_mean(work, n));
	return both > 0 ? fmax(0, 1 - rest / both) : 0;
}

/*
 * Means of a whole period about each position, the ends of an even one half;
 * means by phase of what is left over.
 */
static void
classical(const double *x, int64_t n, int64_t period, bool multiplicative, scratch *w, double *trend, double *seasonal,
		  double *residual)
{
	int64_t		half = period / 2;
	bool		even = period % 2 == 0;
	double		centre = 0;

	for (int64_t i = 0; i < n; i++)
	{
		double		sum = 0;

		trend[i] = NAN;
		if (i < half || i + half >= n)
			continue;
		for (int64_t j = i - half + even; j <= i + half - even; j++)
			sum += x[j];
		if (even)
			sum += 0.5 * (x[i - half] + x[i + half]);
		trend[i] = sum / period;
	}
	for (int64_t phase = 0; phase < period; phase++)
	{
		double		sum = 0;
		int64_t		count = 0;

		for (int64_t i = phase; i < n; i += period)
		{
			if (isnan(trend[i]))
				continue;
			sum += multiplicative ? x[i] / trend[i] : x[i] - trend[i];
			count++;
		}
		w->phase[phase] = sum / count;
		centre += w->phase[phase] / period;
	}
	for (int64_t i = 0; i < n; i++)
	{
		seasonal[i] = multiplicative ? w->phase[i % period] / centre : w->phase[i % period] - centre;
		residual[i] = multiplicative ? x[i] / seasonal[i] / trend[i] : x[i] - trend[i] - seasonal[i];
	}
}

/* Seasons in turn, each from what the others leave, twice. */
static bool
multiple(const state *st, int thread, scratch *w, const int64_t *periods, int count, int64_t n, double *trend,
		 double *seasonal, double *weight)
{
	memcpy(w->rest, w->y, sizeof(double) * n);
	memset(w->seasons, 0, sizeof(double) * n * count);
	for (int pass = 0; pass < (count > 1 ? 2 : 1); pass++)
	{
		for (int k = 0; k < count; k++)
		{
			double	   *season = w->seasons + k * n;
			rk_stl_params p = st->p->stl;

			p.seasonal.window += 4 * (k + 1);
			p = rk_stl_defaults(p, periods[k]);
			for (int64_t i = 0; i < n; i++)
				w->rest[i] += season[i];
			if (!rk_stl(st->ctx, thread, &p, w->rest, n, periods[k], &w->stl, trend, season, weight))
				return false;
			for (int64_t i = 0; i < n; i++)
				w->rest[i] -= season[i];
		}
	}
	for (int64_t i = 0; i < n; i++)
	{
		seasonal[i] = 0;
		for (int k = 0; k < count; k++)
			seasonal[i] += w->seasons[k * n + i];
	}
	return true;
}

/* What is not there: the values are all trend. */
static void
all_trend(const state *st, int64_t base, int64_t n, int count)
{
	double		neutral = st->p->multiplicative ? 1 : 0;

	for (int64_t i = base; i < base + n; i++)
	{
		st->out->trend[i] = st->s->values[i];
		st->out->seasonal[i] = st->out->residual[i] = neutral;
		st->out->weight[i] = 1;
		for (int k = 0; k < count; k++)
			st->out->seasonals[i * count + k] = neutral;
	}
}

/* Strengths on the scale where parts add up, then the parts on the values' own. */
static void
finish(const state *st, scratch *w, int64_t series, int64_t base, int64_t n, int count, int used)
{
	rk_decomposition *o = st->out;
	const double *x = st->s->values + base;
	double	   *trend = o->trend + base;
	double	   *seasonal = o->seasonal + base;
	double	   *residual = o->residual + base;
	bool		logs = st->p->multiplicative;
	bool		classic = st->p->method == RK_CLASSICAL;
	int64_t		from = 0;
	int64_t		to = n;

	while (from < to && isnan(trend[from]))
		from++;
	while (to > from && isnan(trend[to - 1]))
		to--;
	for (int64_t i = 0; i < n && !classic; i++)
		residual[i] = w->y[i] - trend[i] - seasonal[i];
	if (classic && logs)
	{
		for (int64_t i = 0; i < n; i++)
		{
			trend[i] = log(trend[i]);
			seasonal[i] = log(seasonal[i]);
			residual[i] = log(residual[i]);
		}
	}
	o->seasonal_strength[series] = variance_ratio(residual, seasonal, from, to, w->stl.a);
	o->trend_strength[series] = variance_ratio(residual, trend, from, to, w->stl.a);
	for (int64_t i = 0; i < n; i++)
	{
		if (logs)
		{
			trend[i] = exp(trend[i]);
			seasonal[i] = exp(seasonal[i]);
			/* what is left so that the parts multiply to the value */
			residual[i] = x[i] / (trend[i] * seasonal[i]);
		}
		for (int k = 0; k < count; k++)
		{
			double		season = logs ? 1 : 0;

			if (k < used)
				season = st->p->method != RK_MSTL ? seasonal[i] : logs ? exp(w->seasons[k * n + i]) : w->seasons[k * n + i];
			o->seasonals[(base + i) * count + k] = season;
		}
	}
}

static void
decompose_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	const rk_decompose_params *p = st->p;
	rk_decomposition *o = st->out;
	scratch    *w = &st->scratch[thread];

	(void) chunk;
	for (int64_t s = begin; s < end; s++)
	{
		int64_t		base = st->s->offsets[s];
		int64_t		n = st->s->offsets[s + 1] - base;
		int64_t		period = p->method == RK_MSTL ? p->periods[0] : p->period[s];
		int			count = p->method == RK_MSTL ? p->count : 1;
		int			used = count;
		bool		done = true;

		/* periods that do not fit twice are left out */
		while (p->method == RK_MSTL && used > 0 && 2 * p->periods[used - 1] > n)
			used--;
		o->too_short[s] = n < 2 * period || used < count;
		o->trend_strength[s] = o->seasonal_strength[s] = NAN;
		if (n < 2 * period || used == 0)
		{
			all_trend(st, base, n, count);
			continue;
		}
		for (int64_t i = 0; i < n; i++)
			w->y[i] = p->multiplicative && p->method != RK_CLASSICAL ? log(st->s->values[base + i]) : st->s->values[base + i];
		for (int64_t i = base; i < base + n; i++)
			o->weight[i] = 1;
		if (p->method == RK_CLASSICAL)
			classical(w->y, n, period, p->multiplicative, w, o->trend + base, o->seasonal + base, o->residual + base);
		else if (p->method == RK_MSTL)
			done = multiple(st, thread, w, p->periods, used, n, o->trend + base, o->seasonal + base, o->weight + base);
		else
		{
			rk_stl_params stl = rk_stl_defaults(p->stl, period);

			done = rk_stl(st->ctx, thread, &stl, w->y, n, period, &w->stl, o->trend + base, o->seasonal + base,
						  o->weight + base);
		}
		if (!done)
			return;
		finish(st, w, s, base, n, count, used);
	}
}

static rk_status
check(rk_ctx *ctx, const rk_series *s, const rk_decompose_params *p)
{
	for (int64_t i = 0; p->multiplicative && i < s->offsets[s->count]; i++)
	{
		if (s->values[i] > 0)
			continue;
		rk_fail(ctx, RK_ERR_DATA, "model 'multiplicative' needs positive values, but there is %.10g", s->values[i]);
		rk_fail_hint(ctx, "Use model => 'additive'.");
		return RK_ERR_DATA;
	}
	return RK_OK;
}

rk_status
rk_temporal_decompose(rk_ctx *ctx, const rk_series *s, const rk_decompose_params *p, rk_decomposition *o)
{
	state		st = {ctx, s, p, o};
	int64_t		longest = rk_series_longest(s);
	int64_t		total = s->offsets[s->count];
	int			count = p->method == RK_MSTL ? p->count : 1;
	rk_status	status = check(ctx, s, p);

	if (status != RK_OK)
		return status;
	o->trend = rk_alloc(ctx, total, sizeof(double));
	o->seasonal = rk_alloc(ctx, total, sizeof(double));
	o->residual = rk_alloc(ctx, total, sizeof(double));
	o->weight = rk_alloc(ctx, total, sizeof(double));
	o->seasonals = rk_alloc(ctx, total * count, sizeof(double));
	o->trend_strength = rk_alloc(ctx, s->count, sizeof(double));
	o->seasonal_strength = rk_alloc(ctx, s->count, sizeof(double));
	o->too_short = rk_alloc(ctx, s->count, sizeof(bool));
	st.scratch = rk_alloc0(ctx, ctx->threads, sizeof(scratch));
	if (!o->trend || !o->seasonal || !o->residual || !o->weight || !o->seasonals || !o->trend_strength ||
		!o->seasonal_strength || !o->too_short || !st.scratch)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		scratch    *w = &st.scratch[i];
		int64_t		n = i < s->count ? longest : 0;

		/* a period fits twice */
		status = rk_stl_alloc(ctx, n, n / 2 + 1, &w->stl);
		if (status != RK_OK)
			return status;
		w->y = rk_alloc(ctx, n, sizeof(double));
		w->rest = rk_alloc(ctx, n, sizeof(double));
		w->seasons = rk_alloc(ctx, n * count, sizeof(double));
		w->phase = rk_alloc(ctx, n, sizeof(double));
		if (!w->y || !w->rest || !w->seasons || !w->phase)
			return RK_ERR_MEMORY;
	}
	status = rk_parallel_for(ctx, s->count, 1, decompose_chunk, &st);
	return status == RK_OK && rk_should_stop(ctx) ? RK_STOPPED : status;
}

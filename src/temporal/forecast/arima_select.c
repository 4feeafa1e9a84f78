/*
 * arima_select.c
 *	  Orders of ARIMA models: Hyndman, Khandakar 2008.
 */
#include "arima_fit.h"

#include <math.h>
#include <string.h>

#define KPSS_CRITICAL 0.463		/* of the level, 5 % */
#define STRONG_SEASON 0.64
#define MOST_MODELS 94
#define MOST_SEASONAL 2

/*
 * Kwiatkowski, Phillips, Schmidt, Shin 1992: sums of deviations from the mean,
 * in units of the long-run variance by Bartlett weights.
 */
static double
kpss(rk_arima_fit *f, const double *x, int64_t n)
{
	double		mean = rk_mean(x, n);
	double		variance = rk_sum_squares(x, n, mean) / n;
	int64_t		lags = (int64_t) (3 * sqrt((double) n) / 13);
	double		partial = 0;
	double		sums = 0;

	for (int64_t lag = 1; lag <= lags && lag < n; lag++)
	{
		double		sum = 0;

		if (rk_arima_stopped(f))
			return 0;
		for (int64_t t = lag; t < n; t++)
			sum += (x[t] - mean) * (x[t - lag] - mean);
		variance += 2 * (1 - (double) lag / (lags + 1)) * sum / n;
	}
	for (int64_t t = 0; t < n; t++)
	{
		partial += x[t] - mean;
		sums += partial * partial;
	}
	return variance > 0 ? sums / ((double) n * n * variance) : 0;
}

static int64_t
take_differences(double *x, int64_t n, int64_t lag)
{
	for (int64_t t = lag; t < n; t++)
		x[t - lag] = x[t] - x[t - lag];
	return n > lag ? n - lag : 0;
}

static bool
all_equal(const double *x, int64_t n)
{
	for (int64_t t = 1; t < n; t++)
		if (x[t] != x[0])
			return false;
	return true;
}

/*
 * The strength of the season (Wang, Smith, Hyndman 2006), with a centred
 * moving average as trend and means by phase as season; work: 2 n numbers.
 */
static double
seasonal_strength(const double *x, int64_t n, int period, double *work)
{
	double	   *rest = work;
	double	   *season = work + n;
	int64_t		half = period / 2;
	int64_t		from = half;
	int64_t		to = n - half;
	double		both;
	double		left;

	if (n < 3 * (int64_t) period)
		return 0;
	for (int64_t t = from; t < to; t++)
	{
		double		sum = 0;

		for (int64_t j = t - half; j <= t + half; j++)
			sum += (period % 2 == 0 && (j == t - half || j == t + half) ? 0.5 : 1) * x[j];
		rest[t] = x[t] - sum / period;
	}
	for (int phase = 0; phase < period; phase++)
	{
		double		sum = 0;
		int64_t		count = 0;

		for (int64_t t = from + phase; t < to; t += period, count++)
			sum += rest[t];
		season[phase] = count > 0 ? sum / count : 0;
	}
	both = rk_sum_squares(rest + from, to - from, rk_mean(rest + from, to - from));
	for (int64_t t = from; t < to; t++)
		rest[t] -= season[(t - from) % period];
	left = rk_sum_squares(rest + from, to - from, rk_mean(rest + from, to - from));
	return both > 0 ? fmax(0, 1 - left / both) : 0;
}

/* Differences that make the series stationary. */
static void
choose_differences(rk_arima_fit *f, rk_arima_orders *o)
{
	double	   *x = f->scratch;
	double		last = 0;
	int64_t		n = f->n;

	/* gaps are closed with the value before */
	for (int64_t t = 0; t < n; t++)
		x[t] = last = isnan(f->y[t]) ? last : f->y[t];
	if (o->period > 1 && seasonal_strength(x, n, o->period, f->scratch + n) > STRONG_SEASON)
	{
		o->seasonal_d = 1;
		n = take_differences(x, n, o->period);
	}
	while (o->d < 2 && n > 3 && !all_equal(x, n) && kpss(f, x, n) > KPSS_CRITICAL)
	{
		o->d++;
		n = take_differences(x, n, 1);
	}
}

/* Models that have been fitted, by their orders. */
typedef struct search
{
	rk_arima_fit *f;
	rk_arima_model *best;
	rk_arima_orders seen[MOST_MODELS];
	int			count;
} search;

static bool
same_orders(const rk_arima_orders *a, const rk_arima_orders *b)
{
	return a->p == b->p && a->q == b->q && a->seasonal_p == b->seasonal_p && a->seasonal_q == b->seasonal_q &&
		a->constant == b->constant;
}

/* Fits a model that has not been looked at; whether it is the best so far. */
static bool
attempt(search *s, rk_arima_orders o)
{
	rk_arima_model m;
	const rk_arima_params *p = s->f->p;

	if (o.p < 0 || o.q < 0 || o.p > p->max_p || o.q > p->max_q || o.seasonal_p < 0 || o.seasonal_q < 0 ||
		o.seasonal_p > (o.period > 1 ? MOST_SEASONAL : 0) || o.seasonal_q > (o.period > 1 ? MOST_SEASONAL : 0) ||
		s->count == MOST_MODELS || rk_arima_stopped(s->f))
		return false;
	for (int i = 0; i < s->count; i++)
		if (same_orders(&s->seen[i], &o))
			return false;
	s->seen[s->count++] = o;
	rk_arima_fit_model(s->f, &o, &m);
	if (m.status == RK_FIT_CONSTANT)
	{
		if (s->best->status != RK_FIT_CONSTANT)
			*s->best = m;
		return false;
	}
	if (!(m.criterion < s->best->criterion) || s->best->status == RK_FIT_CONSTANT)
		return false;
	*s->best = m;
	return true;
}

void
rk_arima_select(rk_arima_fit *f, int period, rk_arima_model *m)
{
	rk_arima_orders o = {.period = period > 1 && 2 * (int64_t) period < f->n ? period : 0};
	search		s = {.f = f,.best = m};
	bool		seasonal = o.period > 1;
	bool		better = true;

	choose_differences(f, &o);
	o.constant = f->p->constant_allowed && o.d + o.seasonal_d <= 1;
	*m = (rk_arima_model) {.o = o,.status = RK_FIT_TOO_SHORT,.value = INFINITY,.criterion = INFINITY};
	rk_arima_orders start = o;

	start.p = start.q = 2;
	start.seasonal_p = start.seasonal_q = seasonal;
	attempt(&s, start);
	attempt(&s, o);
	start = o;
	start.p = 1;
	start.seasonal_p = seasonal;
	attempt(&s, start);
	start = o;
	start.q = 1;
	start.seasonal_q = seasonal;
	attempt(&s, start);
	start = o;
	start.constant = false;
	attempt(&s, start);
	while (better && m->status != RK_FIT_CONSTANT)
	{
		static const int steps[][4] = {
			{0, 0, -1, 0}, {0, 0, 0, -1}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0, 0, -1, -1}, {0, 0, 1, 1}, {0, 0, -1, 1}, {0, 0, 1, -1},
			{-1, 0, 0, 0}, {0, -1, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {-1, -1, 0, 0}, {1, 1, 0, 0}, {-1, 1, 0, 0}, {1, -1, 0, 0}
		};

		better = false;
		for (int i = 0; i < 17 && !better; i++)
		{
			rk_arima_orders next = m->o;

			if (i < 16)
			{
				next.p += steps[i][0];
				next.q += steps[i][1];
				next.seasonal_p += steps[i][2];
				next.seasonal_q += steps[i][3];
			}
			else if (f->p->constant_allowed && o.d + o.seasonal_d <= 1)
				next.constant = !next.constant;
			better = attempt(&s, next);
		}
	}
	/* the scratch space is to be that of the best */
	if (m->status != RK_FIT_TOO_SHORT && !rk_arima_stopped(f))
	{
		o = m->o;
		rk_arima_fit_model(f, &o, m);
	}
}

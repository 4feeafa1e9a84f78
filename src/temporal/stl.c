/*
 * stl.c
 *	  Seasonal-trend decomposition by loess.
 *
 * Positions are whole numbers, so the tricube weights of all windows in the
 * interior of a series are the same: they are computed once, and without
 * robustness weights the smoother is a convolution (the local line changes
 * nothing in the middle of a symmetric window).
 */
#include "decompose.h"

#include <math.h>
#include <string.h>

static double
tricube(double r, double h)
{
	double		u = r / h;

	if (r > 0.999 * h)
		return 0;
	if (r <= 0.001 * h)
		return 1;
	u = 1 - u * u * u;
	return u * u * u;
}

/*
 * The local fit at x from y[left .. right], positions counting from 0; false
 * when all weights vanish.  table has the tricube by distance or is NULL.
 */
static bool
fit_at(const double *y, int64_t n, const rk_loess *l, double x, int64_t left, int64_t right, const double *robustness,
	   const double *table, double *w, double *fit)
{
	double		h = fmax(x - left, right - x);
	double		sum = 0;
	double		mean = 0;
	double		spread = 0;
	double		value = 0;
	int64_t		m = right - left + 1;

	if (l->window > n)
		h += (l->window - n) / 2;
	for (int64_t j = 0; j < m; j++)
	{
		double		r = fabs(left + j - x);

		w[j] = table ? table[(int64_t) r] : tricube(r, h);
		if (robustness)
			w[j] *= robustness[left + j];
		sum += w[j];
	}
	if (sum <= 0)
		return false;
	for (int64_t j = 0; j < m; j++)
		w[j] /= sum;
	if (h > 0 && l->degree > 0)
	{
		for (int64_t j = 0; j < m; j++)
			mean += w[j] * (left + j);
		for (int64_t j = 0; j < m; j++)
			spread += w[j] * (left + j - mean) * (left + j - mean);
		/* a line only where positions are far enough apart */
		if (sqrt(spread) > 0.001 * (n - 1))
			for (int64_t j = 0; j < m; j++)
				w[j] *= (x - mean) / spread * (left + j - mean) + 1;
	}
	for (int64_t j = 0; j < m; j++)
		value += w[j] * y[left + j];
	*fit = value;
	return true;
}

/* The window for position i: its middle, or the nearest inside. */
static int64_t
window_left(int64_t n, const rk_loess *l, int64_t i)
{
	int64_t		left = i - l->window / 2;

	if (left > n - l->window)
		left = n - l->window;
	return left > 0 ? left : 0;
}

/* All interior windows at once, without robustness weights. */
static void
convolve(const double *y, int64_t n, int64_t window, const double *table, double *w, double *smooth)
{
	int64_t		half = window / 2;
	double		sum = table[0];

	for (int64_t d = 1; d <= half; d++)
		sum += 2 * table[d];
	for (int64_t d = 0; d <= half; d++)
		w[d] = table[d] / sum;
	for (int64_t i = half; i < n - half; i++)
		smooth[i] = w[0] * y[i];
	for (int64_t d = 1; d <= half; d++)
		for (int64_t i = half; i < n - half; i++)
			smooth[i] += w[d] * (y[i - d] + y[i + d]);
}

/* Straight lines between every jump-th position. */
static void
interpolate(double *smooth, int64_t from, int64_t to)
{
	double		step = (smooth[to] - smooth[from]) / (to - from);

	for (int64_t i = from + 1; i < to; i++)
		smooth[i] = smooth[from] + step * (i - from);
}

/* Smooths y[n]. */
static void
loess(const double *y, int64_t n, const rk_loess *l, const double *robustness, rk_stl_work *work, double *smooth)
{
	int64_t		jump = l->jump < n - 1 ? l->jump : n - 1;
	int64_t		half = l->window / 2;
	bool		inside = l->window < n;
	int64_t		last = 0;

	if (n < 2)
	{
		smooth[0] = y[0];
		return;
	}
	for (int64_t d = 0; inside && d <= half; d++)
		work->table[d] = tricube(d, half);
	if (inside && robustness == NULL && jump == 1)
		convolve(y, n, l->window, work->table, work->weights, smooth);
	for (int64_t i = 0; i < n; i += jump)
	{
		int64_t		left = inside ? window_left(n, l, i) : 0;
		int64_t		right = inside ? left + l->window - 1 : n - 1;
		bool		centred = inside && i >= half && i < n - half;

		last = i;
		if (centred && robustness == NULL && jump == 1)
		{
			i = n - half - 1;
			continue;
		}
		if (!fit_at(y, n, l, i, left, right, robustness, centred ? work->table : NULL, work->weights, &smooth[i]))
			smooth[i] = y[i];
	}
	if (jump == 1)
		return;
	for (int64_t i = 0; i + jump <= last; i += jump)
		interpolate(smooth, i, i + jump);
	if (last < n - 1)
	{
		int64_t		left = inside ? window_left(n, l, last) : 0;
		int64_t		right = inside ? left + l->window - 1 : n - 1;

		if (!fit_at(y, n, l, n - 1, left, right, robustness, NULL, work->weights, &smooth[n - 1]))
			smooth[n - 1] = y[n - 1];
		interpolate(smooth, last, n - 1);
	}
}

/* Smooths the values of each phase, one period further on both sides: c[n + 2 period]. */
static void
smooth_phases(const rk_stl_params *p, const double *y, int64_t n, int64_t period, const double *robustness,
			  rk_stl_work *work)
{
	double	   *sub = work->subseries;
	double	   *weights = work->subseries + n + 2;

	for (int64_t phase = 0; phase < period; phase++)
	{
		int64_t		k = (n - phase - 1) / period + 1;
		int64_t		right = p->seasonal.window < k ? p->seasonal.window - 1 : k - 1;
		int64_t		left = k > p->seasonal.window ? k - p->seasonal.window : 0;

		for (int64_t i = 0; i < k; i++)
		{
			sub[i] = y[i * period + phase];
			if (robustness)
				weights[i] = robustness[i * period + phase];
		}
		loess(sub, k, &p->seasonal, robustness ? weights : NULL, work, work->smooth + 1);
		if (!fit_at(sub, k, &p->seasonal, -1, 0, right, robustness ? weights : NULL, NULL, work->weights, &work->smooth[0]))
			work->smooth[0] = work->smooth[1];
		if (!fit_at(sub, k, &p->seasonal, k, left, k - 1, robustness ? weights : NULL, NULL, work->weights,
					&work->smooth[k + 1]))
			work->smooth[k + 1] = work->smooth[k];
		for (int64_t i = 0; i < k + 2; i++)
			work->c[i * period + phase] = work->smooth[i];
	}
}

/* Means of so many neighbours; n - length + 1 of them. */
static void
moving_average(const double *x, int64_t n, int64_t length, double *means)
{
	double		sum = 0;

	for (int64_t i = 0; i < length; i++)
		sum += x[i];
	means[0] = sum / length;
	for (int64_t i = length; i < n; i++)
	{
		sum += x[i] - x[i - length];
		means[i - length + 1] = sum / length;
	}
}

/* Six times the median deviation bounds what counts. */
static void
robustness_weights(const double *y, const double *trend, const double *seasonal, int64_t n, rk_stl_work *work)
{
	double		bound;

	for (int64_t i = 0; i < n; i++)
		work->a[i] = work->b[i] = fabs(y[i] - trend[i] - seasonal[i]);
	bound = 6 * rk_median(work->b, n);
	for (int64_t i = 0; i < n; i++)
	{
		double		u = work->a[i] / bound;

		work->robustness[i] = work->a[i] <= 0.001 * bound ? 1 : work->a[i] <= 0.999 * bound ? (1 - u * u) * (1 - u * u) : 0;
	}
}

rk_status
rk_stl_alloc(rk_ctx *ctx, int64_t n, int64_t period, rk_stl_work *w)
{
	int64_t		room = n + 2 * period + 2;

	w->a = rk_alloc(ctx, room, sizeof(double));
	w->b = rk_alloc(ctx, room, sizeof(double));
	w->c = rk_alloc(ctx, room, sizeof(double));
	w->d = rk_alloc(ctx, room, sizeof(double));
	w->weights = rk_alloc(ctx, room, sizeof(double));
	w->table = rk_alloc(ctx, room, sizeof(double));
	w->subseries = rk_alloc(ctx, 2 * room, sizeof(double));
	w->smooth = rk_alloc(ctx, room, sizeof(double));
	w->robustness = rk_alloc(ctx, room, sizeof(double));
	if (!w->a || !w->b || !w->c || !w->d || !w->weights || !w->table || !w->subseries || !w->smooth || !w->robustness)
		return RK_ERR_MEMORY;
	return RK_OK;
}

rk_stl_params
rk_stl_defaults(rk_stl_params p, int64_t period)
{
	if (p.trend.window == 0)
		p.trend.window = (int64_t) ceil(1.5 * period / (1 - 1.5 / p.seasonal.window)) | 1;
	if (p.low_pass.window == 0)
		p.low_pass.window = (period + 1) | 1;
	return p;
}

bool
rk_stl(rk_ctx *ctx, int thread, const rk_stl_params *p, const double *y, int64_t n, int64_t period, rk_stl_work *w,
	   double *trend, double *seasonal, double *weight)
{
	const double *robustness = NULL;

	memset(trend, 0, sizeof(double) * n);
	for (int outer = 0; outer <= p->outer; outer++)
	{
		for (int inner = 0; inner < p->inner; inner++)
		{
			if (rk_chunk_should_stop(ctx, thread))
				return false;
			for (int64_t i = 0; i < n; i++)
				w->a[i] = y[i] - trend[i];
			smooth_phases(p, w->a, n, period, robustness, w);
			if (rk_chunk_should_stop(ctx, thread))
				return false;
			/* what is low-frequency in the season belongs to the trend */
			moving_average(w->c, n + 2 * period, period, w->a);
			moving_average(w->a, n + period + 1, period, w->b);
			moving_average(w->b, n + 2, 3, w->a);
			loess(w->a, n, &p->low_pass, NULL, w, w->b);
			for (int64_t i = 0; i < n; i++)
			{
				seasonal[i] = w->c[period + i] - w->b[i];
				w->a[i] = y[i] - seasonal[i];
			}
			loess(w->a, n, &p->trend, robustness, w, trend);
		}
		if (outer == p->outer)
			break;
		robustness_weights(y, trend, seasonal, n, w);
		robustness = w->robustness;
	}
	for (int64_t i = 0; i < n; i++)
		weight[i] = robustness ? robustness[i] : 1;
	return true;
}

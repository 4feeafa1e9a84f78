/*
 * trend.c
 *	  Trends: moving averages, local and global fits.
 */
#include "trend.h"

#include <math.h>
#include <string.h>

#define POLL_MASK 0xfff
#define FACTOR_MIN 1e-4
#define GRID 15

typedef struct scratch
{
	double	   *a;
	double	   *b;
	double	   *c;
	double	   *w;
	long double *sums;
} scratch;

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_trend_params *p;
	double	   *trend;
	double	   *slope;
	scratch    *scratch;
} state;

/* ---- moving averages ---- */

/*
 * Means of [i - before, i + after], the outermost with this weight; sums has
 * n + 1 entries.  Without shrink only whole windows count.
 */
static void
moving_mean(const double *x, int64_t n, int64_t before, int64_t after, double edge, bool shrink, long double *sums,
			double *mean)
{
	double		centre = rk_mean(x, n);

	/* about the mean, so that a high level costs no digits */
	sums[0] = 0;
	for (int64_t i = 0; i < n; i++)
		sums[i + 1] = sums[i] + (x[i] - centre);
	for (int64_t i = 0; i < n; i++)
	{
		int64_t		left = i - before;
		int64_t		right = i + after;
		long double sum = 0;
		double		weight = 0;

		if (edge != 1)
		{
			if (left >= 0)
			{
				sum += edge * (x[left] - centre);
				weight += edge;
			}
			if (right < n)
			{
				sum += edge * (x[right] - centre);
				weight += edge;
			}
			left++;
			right--;
		}
		mean[i] = NAN;
		if (!shrink && (i < before || i + after >= n))
			continue;
		left = left < 0 ? 0 : left;
		right = right >= n ? n - 1 : right;
		sum += sums[right + 1] - sums[left];
		weight += right - left + 1;
		mean[i] = centre + (double) (sum / weight);
	}
}

void
rk_moving_mean(const double *x, int64_t n, int64_t window, long double *sums, double *mean)
{
	moving_mean(x, n, window / 2, window / 2, window % 2 == 1 ? 1 : 0.5, true, sums, mean);
}

/* ---- lowess ---- */

static void
bisquare(const double *x, const double *trend, int64_t n, scratch *w, double *weights)
{
	double		scale;

	for (int64_t i = 0; i < n; i++)
		w->a[i] = w->b[i] = fabs(x[i] - trend[i]);
	scale = 6 * rk_median(w->b, n);
	for (int64_t i = 0; i < n; i++)
	{
		double		u = scale > 0 ? w->a[i] / scale : w->a[i] > 0 ? 1 : 0;

		weights[i] = u < 1 ? (1 - u * u) * (1 - u * u) : 0;
	}
}

static bool
lowess(rk_ctx *ctx, int thread, const rk_trend_params *p, const double *x, int64_t n, int64_t window, scratch *s,
	   double *trend, double *slope)
{
	double	   *robust = s->c;
	double	   *w = s->w;

	for (int64_t i = 0; i < n; i++)
		robust[i] = 1;
	for (int pass = 0; pass <= p->robust; pass++)
	{
		if (pass > 0)
			bisquare(x, trend, n, s, robust);
		for (int64_t i = 0; i < n; i++)
		{
			/* the nearest positions; an even window has one more to the left */
			int64_t		left = i - window / 2;
			double		h;
			double		sum = 0;
			double		mean = 0;
			double		spread = 0;
			double		level = 0;
			double		cross = 0;
			int64_t		weighty = 0;

			left = left > n - window ? n - window : left;
			left = left < 0 ? 0 : left;
			h = fmax(i - left, left + window - 1 - i);
			for (int64_t j = 0; j < window; j++)
			{
				double		u = fabs((double) (left + j - i)) / h;

				u = u < 1 ? 1 - u * u * u : 0;
				w[j] = u * u * u * robust[left + j];
				sum += w[j];
				mean += w[j] * j;
				weighty += w[j] > 0;
			}
			trend[i] = x[i];
			slope[i] = NAN;
			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(ctx, thread))
				return false;
			/* one value does not make a line */
			if (weighty < 2)
				continue;
			mean /= sum;
			for (int64_t j = 0; j < window; j++)
			{
				spread += w[j] * (j - mean) * (j - mean);
				cross += w[j] * (j - mean) * x[left + j];
				level += w[j] * x[left + j];
			}
			trend[i] = level / sum;
			if (spread > 0)
			{
				slope[i] = cross / spread;
				trend[i] += slope[i] * (i - left - mean);
			}
		}
	}
	return true;
}

/* ---- exponential smoothing ---- */

/* Holt's linear method; the sum of squared one-step errors. */
static double
holt(const double *x, int64_t n, double a, double b, double *trend, double *slope)
{
	double		level = x[0];
	double		step = n > 1 ? x[1] - x[0] : NAN;
	double		sum = 0;

	if (trend)
	{
		trend[0] = level;
		slope[0] = step;
	}
	for (int64_t i = 1; i < n; i++)
	{
		double		expected = level + step;
		double		before = level;

		sum += (x[i] - expected) * (x[i] - expected);
		level = expected + a * (x[i] - expected);
		step = b * (level - before) + (1 - b) * step;
		if (trend)
		{
			trend[i] = level;
			slope[i] = step;
		}
	}
	return sum;
}

/*
 * Factors of the least squared errors: the best of a grid, then steps along
 * the axes and diagonals that are halved when none helps.
 */
static bool
best_factors(rk_ctx *ctx, int thread, const double *x, int64_t n, double *a, double *b)
{
	bool		free_a = isnan(*a);
	bool		free_b = isnan(*b);
	double		best = INFINITY;
	double		from_a = *a;
	double		from_b = *b;

	for (int i = 0; i < (free_a ? GRID : 1); i++)
	{
		for (int j = 0; j < (free_b ? GRID : 1); j++)
		{
			double		u = free_a ? FACTOR_MIN + (1 - FACTOR_MIN) * i / (GRID - 1) : from_a;
			double		v = free_b ? FACTOR_MIN + (1 - FACTOR_MIN) * j / (GRID - 1) : from_b;
			double		sum = holt(x, n, u, v, NULL, NULL);

			if (sum < best)
			{
				best = sum;
				*a = u;
				*b = v;
			}
		}
		if (rk_chunk_should_stop(ctx, thread))
			return false;
	}
	for (double step = 0.5 / (GRID - 1); step > 1e-9;)
	{
		static const int moves[8][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}};
		double		u = *a;
		double		v = *b;
		bool		better = false;

		for (int k = 0; k < 8; k++)
		{
			double		try_u = free_a ? fmin(1, fmax(FACTOR_MIN, u + step * moves[k][0])) : u;
			double		try_v = free_b ? fmin(1, fmax(FACTOR_MIN, v + step * moves[k][1])) : v;
			double		sum = holt(x, n, try_u, try_v, NULL, NULL);

			if (sum < best)
			{
				best = sum;
				*a = try_u;
				*b = try_v;
				better = true;
			}
		}
		if (!better)
			step /= 2;
		if (rk_chunk_should_stop(ctx, thread))
			return false;
	}
	return true;
}

/* ---- global and polynomial fits ---- */

/*
 * (I + lambda K'K) trend = x, K taking second differences: a symmetric band of
 * five, by its LDL' factors.
 */
static void
hodrick_prescott(const double *x, int64_t n, double lambda, scratch *s, double *trend)
{
	double	   *d = s->a;
	double	   *e = s->b;		/* first subdiagonal of L */
	double	   *f = s->c;		/* second */

	for (int64_t i = 0; i < n; i++)
	{
		/* squares of the columns of K, and products with the next two */
		double		diagonal = 1 + lambda * ((i + 2 < n ? 1 : 0) + (i >= 1 && i + 1 < n ? 4 : 0) + (i >= 2 ? 1 : 0));
		double		next = i + 1 < n ? lambda * -2 * ((i >= 1 ? 1 : 0) + (i + 2 < n ? 1 : 0)) : 0;
		double		second = i + 2 < n ? lambda : 0;

		d[i] = diagonal;
		if (i >= 1)
			d[i] -= e[i - 1] * e[i - 1] * d[i - 1];
		if (i >= 2)
			d[i] -= f[i - 2] * f[i - 2] * d[i - 2];
		e[i] = (next - (i >= 1 ? e[i - 1] * d[i - 1] * f[i - 1] : 0)) / d[i];
		f[i] = second / d[i];
		trend[i] = x[i] - (i >= 1 ? e[i - 1] * trend[i - 1] : 0) - (i >= 2 ? f[i - 2] * trend[i - 2] : 0);
	}
	for (int64_t i = n - 1; i >= 0; i--)
	{
		trend[i] /= d[i];
		if (i + 1 < n)
			trend[i] -= e[i] * trend[i + 1];
		if (i + 2 < n)
			trend[i] -= f[i] * trend[i + 2];
	}
}

#define MAX_ORDER 20

/* Orthogonal polynomials on -half .. half (Gram), normalised, at t. */
static void
polynomials(const double *ratio, const double *norm, int order, double t, double *value)
{
	double		before = 0;
	double		now = 1;

	for (int k = 0; k <= order; k++)
	{
		double		next = t * now - ratio[k] * before;

		value[k] = now / norm[k];
		before = now;
		now = next;
	}
}

static bool
savitzky_golay(rk_ctx *ctx, int thread, const double *x, int64_t n, int64_t window, int order, scratch *s, double *trend)
{
	int64_t		half = window / 2;
	double		ratio[MAX_ORDER + 2] = {0};
	double		norm[MAX_ORDER + 2];
	double		at[MAX_ORDER + 2];
	double		centre[MAX_ORDER + 2];
	double		scale = half > 0 ? half : 1;

	/* squares of the polynomials by the recurrence itself; t in [-1, 1] */
	for (int k = 0; k <= order; k++)
		norm[k] = 1;
	for (int k = 0; k <= order; k++)
	{
		double		sum = 0;

		for (int64_t j = -half; j <= half; j++)
		{
			polynomials(ratio, norm, k, j / scale, at);
			sum += at[k] * at[k];
		}
		/* sums of squares stay in centre until all are known */
		centre[k] = sum;
		if (k > 0)
			ratio[k] = centre[k] / centre[k - 1];
	}
	for (int k = 0; k <= order; k++)
		norm[k] = sqrt(centre[k]);
	polynomials(ratio, norm, order, 0, centre);
	for (int64_t j = -half; j <= half; j++)
	{
		polynomials(ratio, norm, order, j / scale, at);
		s->w[j + half] = 0;
		for (int k = 0; k <= order; k++)
			s->w[j + half] += centre[k] * at[k];
	}
	for (int64_t i = half; i + half < n; i++)
	{
		double		sum = 0;

		for (int64_t j = 0; j < window; j++)
			sum += s->w[j] * x[i - half + j];
		trend[i] = sum;
		if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(ctx, thread))
			return false;
	}
	/* the polynomial of the first and the last window, at their ends */
	for (int side = 0; side < 2; side++)
	{
		const double *y = side ? x + n - window : x;
		double		coefficient[MAX_ORDER + 2] = {0};

		for (int64_t j = -half; j <= half; j++)
		{
			polynomials(ratio, norm, order, j / scale, at);
			for (int k = 0; k <= order; k++)
				coefficient[k] += at[k] * y[j + half];
		}
		for (int64_t j = 1; j <= half; j++)
		{
			double		sum = 0;

			polynomials(ratio, norm, order, (side ? j : -j) / scale, at);
			for (int k = 0; k <= order; k++)
				sum += coefficient[k] * at[k];
			trend[side ? n - 1 - half + j : half - j] = sum;
		}
	}
	return true;
}

static void
line(const double *x, int64_t n, double *trend, double *slope)
{
	double		mean = rk_mean(x, n);
	double		middle = 0.5 * (n - 1);
	double		cross = 0;
	double		spread = (double) n * ((double) n * n - 1) / 12;
	double		b;

	for (int64_t i = 0; i < n; i++)
		cross += (i - middle) * (x[i] - mean);
	b = n > 1 ? cross / spread : 0;
	for (int64_t i = 0; i < n; i++)
	{
		trend[i] = mean + b * (i - middle);
		slope[i] = n > 1 ? b : NAN;
	}
}

/* ---- the kernel ---- */

static bool
one_trend(const state *st, int thread, scratch *s, const double *x, int64_t n, double *trend, double *slope)
{
	const rk_trend_params *p = st->p;
	int64_t		window = p->window < n ? p->window : n;
	double		a = p->alpha;
	double		b = p->beta;

	switch (p->method)
	{
		case RK_TREND_SMA:
			moving_mean(x, n, window - 1, 0, 1, p->shrink, s->sums, trend);
			break;
		case RK_TREND_CMA:
			moving_mean(x, n, window / 2, window / 2, window % 2 == 1 ? 1 : 0.5, p->shrink, s->sums, trend);
			break;
		case RK_TREND_EMA:
			a = isnan(a) ? 2.0 / (p->window + 1) : a;
			trend[0] = x[0];
			for (int64_t i = 1; i < n; i++)
				trend[i] = a * x[i] + (1 - a) * trend[i - 1];
			break;
		case RK_TREND_LOWESS:
			return n == 1 ? (trend[0] = x[0], slope[0] = NAN, true) : lowess(st->ctx, thread, p, x, n, window, s, trend, slope);
		case RK_TREND_HOLT:
			if ((isnan(a) || isnan(b)) && n > 1 && !best_factors(st->ctx, thread, x, n, &a, &b))
				return false;
			holt(x, n, a, b, trend, slope);
			return true;
		case RK_TREND_HP:
			hodrick_prescott(x, n, p->lambda, s, trend);
			break;
		case RK_TREND_SAVGOL:
			window -= window % 2 == 0;
			if (!savitzky_golay(st->ctx, thread, x, n, window, p->order < window ? p->order : (int) window - 1, s, trend))
				return false;
			break;
		case RK_TREND_LINEAR:
			line(x, n, trend, slope);
			return true;
	}
	slope[0] = NAN;
	for (int64_t i = 1; i < n; i++)
		slope[i] = trend[i] - trend[i - 1];
	return true;
}

static void
trend_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		int64_t		base = st->s->offsets[i];
		int64_t		n = st->s->offsets[i + 1] - base;

		if (n > 0 && !one_trend(st, thread, &st->scratch[thread], st->s->values + base, n, st->trend + base, st->slope + base))
			return;
	}
}

rk_status
rk_temporal_trend(rk_ctx *ctx, const rk_series *s, const rk_trend_params *p, double *trend, double *slope)
{
	state		st = {ctx, s, p, trend, slope};
	int64_t		longest = rk_series_longest(s);
	rk_status	status;

	st.scratch = rk_alloc(ctx, ctx->threads, sizeof(scratch));
	if (st.scratch == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		scratch    *w = &st.scratch[i];
		int64_t		n = i < s->count ? longest : 0;

		w->a = rk_alloc(ctx, n, sizeof(double));
		w->b = rk_alloc(ctx, n, sizeof(double));
		w->c = rk_alloc(ctx, n, sizeof(double));
		w->w = rk_alloc(ctx, n + 1, sizeof(double));
		w->sums = rk_alloc(ctx, n + 1, sizeof(long double));
		if (!w->a || !w->b || !w->c || !w->w || !w->sums)
			return RK_ERR_MEMORY;
	}
	status = rk_parallel_for(ctx, s->count, 1, trend_chunk, &st);
	return status == RK_OK && rk_should_stop(ctx) ? RK_STOPPED : status;
}

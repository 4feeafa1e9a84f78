/*
 * realtime_correlation.c
 *	  Correlations of every pair of series.
 */
#include "correlation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compute/gap_moments.h"
#include "../../compute/parallel.h"
#include "../../compute/row_products.h"

/* Series on one grid of times. */
typedef struct grid
{
	rk_ctx	   *ctx;
	const rk_observations *o;
	const rk_correlation_params *p;
	int64_t		times;
	double	   *x;				/* assets x times; NaN where there is no value;
								 * NULL: pairs are merged instead */
	bool		complete;
	int64_t		longest;		/* observations that two can have in common */
	rk_gap_moments_fn moments;
	double	   *scratch;		/* two series for each thread */
	double	   *correlation;
	double	   *covariance;
	int64_t    *count;
} grid;

void
rk_list_pairs(const uint32_t *codes, int64_t n, uint32_t *first, uint32_t *second)
{
	int64_t		at = 0;

	for (int64_t i = 0; i < n; i++)
	{
		for (int64_t j = i + 1; j < n; j++, at++)
		{
			first[at] = codes[i];
			second[at] = codes[j];
		}
	}
}

void
rk_observations_until(const rk_observations *o, int64_t time, int64_t *end)
{
	for (int64_t i = 0; i < o->assets; i++)
	{
		end[i] = o->end[i];
		while (end[i] > o->begin[i] && o->time[end[i] - 1] > time)
			end[i]--;
	}
}

static int
compare_times(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return x < y ? -1 : x > y;
}

/* Whether all series have the same times. */
static bool
same_times(const rk_observations *o)
{
	int64_t		n = o->end[0] - o->begin[0];

	for (int64_t i = 1; i < o->assets; i++)
		if (o->end[i] - o->begin[i] != n ||
			(n > 0 && memcmp(o->time + o->begin[i], o->time + o->begin[0], sizeof(int64_t) * n) != 0))
			return false;
	return true;
}

/* All distinct times, in order. */
static rk_status
distinct_times(rk_ctx *ctx, const rk_observations *o, int64_t **times, int64_t *count)
{
	bool		same = same_times(o);
	int64_t		total = 0;
	int64_t    *t;

	for (int64_t i = 0; i < (same ? 1 : o->assets); i++)
		total += o->end[i] - o->begin[i];
	t = rk_alloc(ctx, total, sizeof(int64_t));
	if (t == NULL)
		return RK_ERR_MEMORY;
	total = 0;
	for (int64_t i = 0; i < (same ? 1 : o->assets); i++)
	{
		int64_t		n = o->end[i] - o->begin[i];

		if (n > 0)
			memcpy(t + total, o->time + o->begin[i], sizeof(int64_t) * n);
		total += n;
	}
	*times = t;
	*count = 0;
	if (!same)
		qsort(t, total, sizeof(int64_t), compare_times);
	for (int64_t k = 0; k < total; k++)
		if (k == 0 || t[k] != t[k - 1])
			t[(*count)++] = t[k];
	return RK_OK;
}

/*
 * All distinct times, in order, unless they are so many that three of four
 * places of a grid would be empty: then *times is NULL.
 */
static rk_status
dense_times(rk_ctx *ctx, const rk_observations *o, int64_t **times, int64_t *count)
{
	int64_t		total = 0;
	int64_t		limit;
	int64_t    *from;
	int64_t    *to;

	for (int64_t i = 0; i < o->assets; i++)
		total += o->end[i] - o->begin[i];
	limit = 4 * total / o->assets;
	from = rk_alloc(ctx, limit, sizeof(int64_t));
	to = rk_alloc(ctx, limit, sizeof(int64_t));
	if (from == NULL || to == NULL)
		return RK_ERR_MEMORY;
	*count = 0;
	for (int64_t i = 0; i < o->assets && *count >= 0; i++)
	{
		int64_t    *swap = from;
		int64_t		k = 0;
		int64_t		l = o->begin[i];
		int64_t		n = 0;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		while ((k < *count || l < o->end[i]) && n < limit)
		{
			int64_t		s = k < *count ? from[k] : INT64_MAX;
			int64_t		t = l < o->end[i] ? o->time[l] : INT64_MAX;

			to[n++] = s < t ? s : t;
			k += k < *count && s <= t;
			l += l < o->end[i] && t <= s;
		}
		*count = k < *count || l < o->end[i] ? -1 : n;
		from = to;
		to = swap;
	}
	rk_free(ctx, to);
	if (*count < 0)
	{
		rk_free(ctx, from);
		from = NULL;
	}
	*times = from;
	return RK_OK;
}

/* Lays the series on the grid of these times, and gives them back. */
static rk_status
make_grid(grid *g, int64_t *times)
{
	const rk_observations *o = g->o;

	g->x = rk_alloc(g->ctx, o->assets * g->times, sizeof(double));
	if (g->x == NULL)
		return RK_ERR_MEMORY;
	g->complete = true;
	for (int64_t i = 0; i < o->assets; i++)
	{
		double	   *row = g->x + i * g->times;
		int64_t		at = o->begin[i];
		double		last = NAN;

		if (rk_ctx_poll(g->ctx))
			return RK_STOPPED;
		for (int64_t k = 0; k < g->times; k++)
		{
			bool		here = at < o->end[i] && o->time[at] == times[k];

			if (here)
				last = o->value[at++];
			row[k] = here || g->p->previous_tick ? last : NAN;
			g->complete = g->complete && !isnan(row[k]);
		}
	}
	rk_free(g->ctx, times);
	return RK_OK;
}

/* ---- ranks ---- */

/* A value and its place. */
typedef struct placed
{
	double		value;
	int64_t		place;
} placed;

static int
compare_placed(const void *a, const void *b)
{
	const placed *x = a;
	const placed *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Replaces values by their ranks from 1, equal ones by the middle of theirs. */
static void
rank_values(double *v, int64_t n, placed *work)
{
	for (int64_t i = 0; i < n; i++)
		work[i] = (placed) {v[i], i};
	qsort(work, n, sizeof(placed), compare_placed);
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i;

		while (j < n && work[j].value == work[i].value)
			j++;
		for (int64_t k = i; k < j; k++)
			v[work[k].place] = 0.5 * (double) (i + j + 1);
		i = j;
	}
}

/* ---- one pair ---- */

double
rk_correlation_of_products(double xy, double xx, double yy)
{
	double		r;

	if (!(xx > 0) || !(yy > 0))
		return NAN;
	r = xy / (sqrt(xx) * sqrt(yy));
	/* sums over different times may truly go beyond 1 (hayashi_yoshida) */
	return fabs(r) <= 1 || fabs(r) > 1 + 1e-9 ? r : copysign(1, r);
}

static bool
is_constant(const double *v, int64_t n)
{
	for (int64_t i = 1; i < n; i++)
		if (v[i] != v[0])
			return false;
	return true;
}

/* Subtracts the mean; a constant series becomes exactly 0. */
static void
center(double *v, int64_t n)
{
	double		mean = 0;

	if (is_constant(v, n))
	{
		memset(v, 0, sizeof(double) * n);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		mean += v[i];
	mean /= (double) n;
	for (int64_t i = 0; i < n; i++)
		v[i] -= mean;
}

/* Sums of products of n pairs, a value deciding the next with lambda (ewma). */
static void
products(const double *a, const double *b, int64_t n, double lambda, double *aa, double *bb, double *ab)
{
	*aa = *bb = *ab = 0;
	for (int64_t k = 0; k < n; k++)
	{
		double		w = k == 0 || lambda == 1 ? 1 : 1 - lambda;

		*aa = lambda * *aa + w * a[k] * a[k];
		*bb = lambda * *bb + w * b[k] * b[k];
		*ab = lambda * *ab + w * a[k] * b[k];
	}
}

/* Position of pair (i, i + 1) among the pairs. */
static int64_t
first_pair(int64_t i, int64_t n)
{
	return i * (n - 1) - i * (i - 1) / 2;
}

/* Values of both where both have one; returns how many. */
static int64_t
common_on_grid(const grid *g, int64_t i, int64_t j, double *a, double *b)
{
	const double *x = g->x + i * g->times;
	const double *y = g->x + j * g->times;
	int64_t		m = 0;

	for (int64_t k = 0; k < g->times; k++)
	{
		a[m] = x[k];
		b[m] = y[k];
		m += !isnan(x[k]) && !isnan(y[k]);
	}
	return m;
}

/* Values of both at common times, from the series themselves. */
static int64_t
common_times(const rk_observations *o, int64_t i, int64_t j, double *a, double *b)
{
	int64_t		k = o->begin[i];
	int64_t		l = o->begin[j];
	int64_t		m = 0;

	while (k < o->end[i] && l < o->end[j])
	{
		int64_t		s = o->time[k];
		int64_t		t = o->time[l];

		a[m] = o->value[k];
		b[m] = o->value[l];
		m += s == t;
		k += s <= t;
		l += t <= s;
	}
	return m;
}

static void
pairs_of_row(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	grid	   *g = arg;
	int64_t		n = g->o->assets;
	double	   *a = g->scratch + thread * 4 * (g->longest + 1);
	double	   *b = a + g->longest + 1;
	placed	   *work = (placed *) (b + g->longest + 1);
	bool		ewma = g->p->estimator == RK_EWMA;
	bool		at_once = g->x && g->p->estimator == RK_PEARSON;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		for (int64_t j = i + 1; j < n; j++)
		{
			int64_t		at = first_pair(i, n) + j - i - 1;
			int64_t		m;
			double		xx;
			double		yy;
			double		xy;

			if (rk_chunk_should_stop(g->ctx, thread))
				return;
			if (at_once)
				m = g->moments(g->x + i * g->times, g->x + j * g->times, g->times, &xx, &yy, &xy);
			else
				m = g->x ? common_on_grid(g, i, j, a, b) : common_times(g->o, i, j, a, b);
			if (g->p->estimator == RK_SPEARMAN)
			{
				rank_values(a, m, work);
				rank_values(b, m, work);
			}
			if (!ewma && !at_once)
			{
				center(a, m);
				center(b, m);
			}
			if (!at_once)
				products(a, b, m, ewma ? g->p->lambda : 1, &xx, &yy, &xy);
			g->count[at] = m;
			g->correlation[at] = m > 1 || ewma ? rk_correlation_of_products(xy, xx, yy) : NAN;
			g->covariance[at] = ewma ? (m > 0 ? xy : NAN) : m > 1 ? xy / (double) (m - 1) : NAN;
		}
	}
}

/* ---- no value missing: one product ---- */

/* Rows that are made ready. */
typedef struct making
{
	grid	   *g;
	placed	   *work;			/* a row for each thread, for ranks */
	double	   *square;
} making;

/* Centred ranks or values, or weighted ones, and their squares. */
static void
prepare_row(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const making *t = arg;
	const grid *g = t->g;
	int64_t		m = g->times;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		double	   *row = g->x + i * m;

		if (rk_chunk_should_stop(g->ctx, thread))
			return;
		if (g->p->estimator == RK_SPEARMAN)
			rank_values(row, m, t->work + thread * m);
		if (g->p->estimator != RK_EWMA)
			center(row, m);
		else
		{
			/* each value by the root of its weight, the newest first */
			double		weight = 1;

			for (int64_t k = m - 1; k >= 0; k--)
			{
				row[k] *= sqrt(k == 0 ? weight : weight * (1 - g->p->lambda));
				weight *= g->p->lambda;
			}
		}
		t->square[i] = 0;
		for (int64_t k = 0; k < m; k++)
			t->square[i] += row[k] * row[k];
	}
}

static rk_status
prepare_rows(grid *g, double *square)
{
	rk_ctx	   *ctx = g->ctx;
	making		t = {g, rk_alloc(ctx, g->p->estimator == RK_SPEARMAN ? ctx->threads * g->times : 0, sizeof(placed)), square};
	rk_status	status;

	if (t.work == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, g->o->assets, 1, prepare_row, &t);
	rk_free(ctx, t.work);
	return status;
}

/* What a product of two rows says about their pair. */
static void
read_product(const rk_correlation_rows *r, int64_t i, int64_t j, double xy, double *correlation, double *covariance)
{
	int64_t		m = r->times;

	*correlation = m > 1 || (r->ewma && m > 0) ? rk_correlation_of_products(xy, r->square[i], r->square[j]) : NAN;
	*covariance = r->ewma ? (m > 0 ? xy : NAN) : m > 1 ? xy / (double) (m - 1) : NAN;
}

/* Where products of rows go. */
typedef struct reading
{
	const rk_correlation_rows *rows;
	double	   *correlation;
	double	   *covariance;
	int64_t    *count;
} reading;

static void
take_products(void *arg, int64_t i, int64_t first, int64_t count, const double *products)
{
	const reading *r = arg;
	int64_t		at = first_pair(i, r->rows->assets) + first - i - 1;

	for (int64_t k = 0; k < count; k++, at++)
	{
		r->count[at] = r->rows->times;
		read_product(r->rows, i, first + k, products[k], &r->correlation[at], &r->covariance[at]);
	}
}

rk_status
rk_risk_correlations_of_products(rk_ctx *ctx, const rk_correlation_rows *r, const double *products,
								 double *correlation, double *covariance, int64_t *count)
{
	int64_t		at = 0;

	for (int64_t i = 0; i < r->assets; i++)
	{
		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t j = i + 1; j < r->assets; j++, at++)
		{
			double		xy = products[at];

			/* the correlation may take the place of the product */
			count[at] = r->times;
			read_product(r, i, j, xy, &correlation[at], &covariance[at]);
		}
	}
	return RK_OK;
}

/* ---- Hayashi and Yoshida ---- */

static void
overlaps_of_row(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	grid	   *g = arg;
	const rk_observations *o = g->o;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		double		xx = 0;

		for (int64_t k = o->begin[i]; k < o->end[i]; k++)
			xx += o->value[k] * o->value[k];
		for (int64_t j = i + 1; j < o->assets; j++)
		{
			int64_t		at = first_pair(i, o->assets) + j - i - 1;
			int64_t		k = o->begin[i];
			int64_t		l = o->begin[j];
			double		yy = 0;
			double		xy = 0;
			int64_t		overlaps = 0;

			if (rk_chunk_should_stop(g->ctx, thread))
				return;
			for (int64_t q = l; q < o->end[j]; q++)
				yy += o->value[q] * o->value[q];
			while (k < o->end[i] && l < o->end[j])
			{
				int64_t		later = o->start[k] > o->start[l] ? o->start[k] : o->start[l];
				int64_t		earlier = o->time[k] < o->time[l] ? o->time[k] : o->time[l];

				if (later < earlier)
				{
					xy += o->value[k] * o->value[l];
					overlaps++;
				}
				/* the interval that ends first has met all it can */
				if (o->time[k] == earlier && o->time[l] == earlier)
				{
					k++;
					l++;
				}
				else if (o->time[k] == earlier)
					k++;
				else
					l++;
			}
			g->count[at] = overlaps;
			g->covariance[at] = overlaps > 0 ? xy : NAN;
			g->correlation[at] = overlaps > 0 ? rk_correlation_of_products(xy, xx, yy) : NAN;
		}
	}
}

/* Lays the series on a grid, if there is one for all of them or it has few gaps. */
static rk_status
open_grid(grid *g)
{
	const rk_observations *o = g->o;
	int64_t    *times = NULL;
	rk_status	status = RK_OK;

	if (g->p->previous_tick || same_times(o))
		status = distinct_times(g->ctx, o, &times, &g->times);
	else if (g->p->estimator == RK_PEARSON)
		status = dense_times(g->ctx, o, &times, &g->times);
	if (status == RK_OK && times)
	{
		status = make_grid(g, times);
		g->longest = g->times;
		return status;
	}
	for (int64_t i = 0; i < o->assets; i++)
		if (g->longest < o->end[i] - o->begin[i])
			g->longest = o->end[i] - o->begin[i];
	return status;
}

/* Rows of a grid without gaps. */
static rk_status
take_rows(grid *g, rk_correlation_rows *r)
{
	double	   *square = rk_alloc(g->ctx, g->o->assets, sizeof(double));

	if (square == NULL)
		return RK_ERR_MEMORY;
	*r = (rk_correlation_rows) {g->o->assets, g->times, g->x, square, g->p->estimator == RK_EWMA};
	return prepare_rows(g, square);
}

rk_status
rk_risk_correlation_rows(rk_ctx *ctx, const rk_observations *o, const rk_correlation_params *p,
						 rk_correlation_rows *r)
{
	grid		g = {.ctx = ctx,.o = o,.p = p};
	rk_status	status;

	*r = (rk_correlation_rows) {0};
	if (o->assets < 2 || p->estimator == RK_HAYASHI_YOSHIDA)
		return RK_OK;
	status = open_grid(&g);
	if (status == RK_OK && g.complete && g.times > 0)
		return take_rows(&g, r);
	rk_free(ctx, g.x);
	return status;
}

rk_status
rk_risk_correlations(rk_ctx *ctx, const rk_observations *o, const rk_correlation_params *p,
					 double *correlation, double *covariance, int64_t *count)
{
	grid		g = {.ctx = ctx,.o = o,.p = p,.correlation = correlation,.covariance = covariance,.count = count};
	rk_status	status;

	if (o->assets < 2)
		return RK_OK;
	if (p->estimator == RK_HAYASHI_YOSHIDA)
		return rk_parallel_for(ctx, o->assets, 1, overlaps_of_row, &g);
	status = open_grid(&g);
	if (status != RK_OK)
		return status;
	if (g.complete)
	{
		rk_correlation_rows r = {0};

		status = take_rows(&g, &r);
		if (status == RK_OK)
			status = rk_row_products(ctx, r.x, r.assets, r.times, take_products,
									 &(reading) {&r, correlation, covariance, count});
		rk_free(ctx, (void *) r.square);
	}
	else
	{
		g.moments = rk_gap_moments();
		g.scratch = rk_alloc(ctx, ctx->threads * 4 * (g.longest + 1), sizeof(double));
		if (g.scratch == NULL)
			return RK_ERR_MEMORY;
		status = rk_parallel_for(ctx, o->assets, 1, pairs_of_row, &g);
		rk_free(ctx, g.scratch);
	}
	rk_free(ctx, g.x);
	return status;
}

/* ---- the aggregate ---- */

typedef struct matrix_head
{
	int64_t		d;
	int64_t		n;
	/* d means, then d (d + 1) / 2 co-moments by rows of the lower triangle */
	double		data[];
} matrix_head;

static int64_t
cells_of(int64_t d)
{
	return d + d * (d + 1) / 2;
}

static rk_status
matrix_accumulate(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	matrix_head *h = (matrix_head *) state->data;
	const double *x = args[0].floats.values;
	int64_t		d = args[0].floats.count;
	double	   *mean;
	double	   *moment;

	if (h->n == 0)
	{
		void	   *cells;

		if (d < 1 || d > 4096)
			return rk_fail(ctx, RK_ERR_LIMIT, "number of features must be between 1 and 4096, not %lld", (long long) d);
		cells = rk_buffer_extend(ctx, state, sizeof(double) * cells_of(d));
		if (cells == NULL)
			return RK_ERR_MEMORY;
		memset(cells, 0, sizeof(double) * cells_of(d));
		h = (matrix_head *) state->data;
		h->d = d;
	}
	if (d != h->d)
		return rk_fail(ctx, RK_ERR_DATA, "array of features has %lld elements, but %lld in the rows before",
					   (long long) d, (long long) h->d);
	for (int64_t i = 0; i < d; i++)
		if (!isfinite(x[i]))
			return rk_fail(ctx, RK_ERR_DATA, "feature %lld is not a finite number", (long long) (i + 1));
	h->n++;
	mean = h->data;
	moment = h->data + d;
	for (int64_t i = 0; i < d; i++)
	{
		double		delta = (x[i] - mean[i]) * ((double) (h->n - 1) / (double) h->n);

		/* means of features up to i are those before this row */
		for (int64_t j = 0; j <= i; j++)
			moment[j] += delta * (x[j] - mean[j]);
		moment += i + 1;
	}
	for (int64_t i = 0; i < d; i++)
		mean[i] += (x[i] - mean[i]) / (double) h->n;
	return RK_OK;
}

static rk_status
matrix_combine(rk_ctx *ctx, rk_buffer *state, const rk_buffer *other)
{
	matrix_head *a = (matrix_head *) state->data;
	const matrix_head *b = (const matrix_head *) other->data;
	double		total = (double) (a->n + b->n);
	double		factor = (double) a->n * ((double) b->n / total);
	double	   *moment = a->data + a->d;
	const double *added = b->data + b->d;

	if (a->d != b->d)
		return rk_fail(ctx, RK_ERR_DATA, "arrays of features have %lld and %lld elements", (long long) a->d, (long long) b->d);
	for (int64_t i = 0; i < a->d; i++)
		for (int64_t j = 0; j <= i; j++)
			*moment++ += *added++ + factor * (b->data[i] - a->data[i]) * (b->data[j] - a->data[j]);
	for (int64_t i = 0; i < a->d; i++)
		a->data[i] += (b->data[i] - a->data[i]) * ((double) b->n / total);
	a->n += b->n;
	return RK_OK;
}

static rk_status
matrix_finish(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	const matrix_head *h = (const matrix_head *) state->data;
	int64_t		d = h->d;
	const double *moment = h->data + d;
	double	   *r = rk_alloc(ctx, d * d, sizeof(double));

	(void) args;
	if (r == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < d; i++)
	{
		const double *row = moment + i * (i + 1) / 2;

		for (int64_t j = 0; j <= i; j++)
		{
			double		other = moment[j * (j + 1) / 2 + j];

			r[i * d + j] = r[j * d + i] = i == j && row[i] > 0 ? 1 : rk_correlation_of_products(row[j], row[i], other);
		}
	}
	results[0].floats.values = r;
	results[0].floats.count = d * d;
	return RK_OK;
}

static bool
matrix_valid(const rk_buffer *state)
{
	const matrix_head *h = (const matrix_head *) state->data;

	return h->d >= 1 && h->d <= 4096 &&
		state->length == sizeof(matrix_head) + sizeof(double) * cells_of(h->d);
}

const rk_aggregate rk_correlation_matrix = {
	.head = sizeof(matrix_head),
	.accumulate = matrix_accumulate,
	.combine = matrix_combine,
	.finish = matrix_finish,
	.valid = matrix_valid
};

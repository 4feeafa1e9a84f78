/*
 * rolling.c
 *	  The last values of a series, with their mean and spread, one by one.
 *
 * Compiled without contraction of products and sums, so that all machines give
 * the same bits.
 */
#include "rolling.h"

#include <math.h>
#include <string.h>

#include "series.h"

/* Squares that have fallen by this since they were summed have lost too many digits. */
#define FALL 1e-3

#define FIRST_ROOM 16

rk_rolling
rk_rolling_make(int32_t window)
{
	return (rk_rolling) {.window = window};
}

/* Grows one of the arrays; before the circle closes they lie from 0 on. */
static rk_status
grow(rk_ctx *ctx, double **array, int32_t count, int32_t room)
{
	double	   *grown = rk_alloc(ctx, room, sizeof(double));

	if (grown == NULL)
		return RK_ERR_MEMORY;
	if (count > 0 && *array)
		memcpy(grown, *array, sizeof(double) * count);
	rk_free(ctx, *array);
	*array = grown;
	return RK_OK;
}

rk_status
rk_rolling_reserve(rk_ctx *ctx, rk_rolling *w, bool sorted)
{
	int32_t		room = w->capacity;
	rk_status	status;
	bool		first = sorted && w->sorted == NULL;

	if (w->kept == w->capacity && w->capacity < w->window)
		room = w->capacity > w->window / 2 ? w->window : w->capacity == 0 ? FIRST_ROOM : 2 * w->capacity;
	room = room > w->window ? w->window : room;
	if (sorted && (first || room > w->capacity) && (status = grow(ctx, &w->sorted, w->kept, room)) != RK_OK)
		return status;
	if (first && w->kept > 0)
		rk_rolling_sort(w);
	if (room > w->capacity && (status = grow(ctx, &w->values, w->kept, room)) != RK_OK)
		return status;
	w->capacity = room;
	return RK_OK;
}

void
rk_rolling_free(rk_ctx *ctx, rk_rolling *w)
{
	rk_free(ctx, w->values);
	rk_free(ctx, w->sorted);
	*w = rk_rolling_make(w->window);
}

void
rk_rolling_sort(rk_rolling *w)
{
	if (w->sorted == NULL)
		return;
	memcpy(w->sorted, w->values, sizeof(double) * w->kept);
	rk_sort_doubles(w->sorted, w->kept);
}

/* The first place in order whose value is not below x. */
static int32_t
place_of(const double *sorted, int32_t n, double x)
{
	int32_t		low = 0;

	while (n > 0)
	{
		int32_t		half = n / 2;

		if (sorted[low + half] < x)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* Puts a value in order, in place of one that goes. */
static void
replace_sorted(double *sorted, int32_t n, double old, double value)
{
	int32_t		from = place_of(sorted, n, old);
	int32_t		to = place_of(sorted, n, value);

	if (to > from)
	{
		to--;
		memmove(sorted + from, sorted + from + 1, sizeof(double) * (to - from));
	}
	else
		memmove(sorted + to + 1, sorted + to, sizeof(double) * (from - to));
	sorted[to] = value;
}

static void
insert_sorted(double *sorted, int32_t n, double value)
{
	int32_t		to = place_of(sorted, n, value);

	memmove(sorted + to + 1, sorted + to, sizeof(double) * (n - to));
	sorted[to] = value;
}

/* Moments from the values, in the order of time. */
static void
sum_anew(rk_rolling *w)
{
	double		sum = 0;
	double		rest = 0;

	w->pivot = rk_rolling_value(w, 0);
	for (int32_t i = 0; i < w->kept; i++)
		sum += rk_rolling_value(w, i) - w->pivot;
	w->pivot += sum / w->kept;
	sum = 0;
	for (int32_t i = 0; i < w->kept; i++)
	{
		double		d = rk_rolling_value(w, i) - w->pivot;

		sum += d * d;
		rest += d;
	}
	w->shift = rest / w->kept;
	w->squares = fmax(sum - rest * w->shift, 0);
	w->peak = w->squares;
	w->since = 0;
}

void
rk_rolling_push(rk_rolling *w, double value)
{
	double		x = value + 0.0;	/* one zero only */

	w->equal = w->kept > 0 && x == rk_rolling_value(w, w->kept - 1) ? w->equal + 1 : 1;
	if (w->kept < w->window)
	{
		double		d;

		if (w->sorted)
			insert_sorted(w->sorted, w->kept, x);
		w->values[w->kept++] = x;
		if (w->kept == 1)
		{
			w->pivot = x;
			w->shift = w->squares = 0;
		}
		d = x - w->pivot - w->shift;
		w->shift += d / w->kept;
		w->squares += d * (x - w->pivot - w->shift);
	}
	else
	{
		double		old = w->values[w->head];
		double		before = old - w->pivot - w->shift;

		if (w->sorted)
			replace_sorted(w->sorted, w->kept, old, x);
		w->values[w->head] = x;
		w->head = w->head + 1 < w->kept ? w->head + 1 : 0;
		w->shift += (x - old) / w->kept;
		w->squares += (x - old) * (x - w->pivot - w->shift + before);
	}
	w->squares = fmax(w->squares, 0);
	w->peak = fmax(w->peak, w->squares);
	if (++w->since >= w->window || w->squares < FALL * w->peak)
		sum_anew(w);
}

void
rk_rolling_moments(const rk_rolling *w, double *mean, double *deviation)
{
	bool		flat = w->equal >= w->kept;

	*mean = flat ? rk_rolling_value(w, 0) : w->pivot + w->shift;
	*deviation = flat ? 0 : sqrt(w->squares / (w->kept - 1));
}

/* The distance of rank k from the median, of h values below it and the others. */
static double
distance_of_rank(const double *v, int32_t n, int32_t h, double median, int32_t k)
{
	int32_t		low = k + 1 - (n - h) > 0 ? k + 1 - (n - h) : 0;
	int32_t		high = k + 1 < h ? k + 1 : h;

	/* so many of the k + 1 nearest lie below: the distances on both sides rise outwards */
	while (low < high)
	{
		int32_t		below = (low + high) / 2;

		if (median - v[h - 1 - below] < v[h + k - below] - median)
			low = below + 1;
		else
			high = below;
	}
	{
		int32_t		above = k + 1 - low;
		double		a = low > 0 ? median - v[h - low] : 0;
		double		b = above > 0 ? v[h + above - 1] - median : 0;

		return fmax(a, b);
	}
}

void
rk_rolling_medians(const rk_rolling *w, double *median, double *distance)
{
	const double *v = w->sorted;
	int32_t		n = w->kept;
	int32_t		h = n / 2;
	double		upper;

	*median = n % 2 == 1 ? v[h] : 0.5 * (v[h - 1] + v[h]);
	upper = distance_of_rank(v, n, h, *median, h);
	*distance = n % 2 == 1 ? upper : 0.5 * (distance_of_rank(v, n, h, *median, h - 1) + upper);
}

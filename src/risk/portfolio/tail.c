/*
 * tail.c
 *	  Quantile and expected shortfall of a sample.
 */
#include "portfolio.h"

#include <math.h>
#include <stdlib.h>

rk_tail
rk_tail_of(int64_t n, double confidence)
{
	/* 0.05 is what 1 - 0.95 means, and 5 what a hundred times it means */
	double		a = rint((1 - confidence) * 1e12) / 1e12;
	double		mass = rint((double) n * a * 1e9) / 1e9;
	rk_tail		t = {.mass = mass};

	t.full = (int64_t) floor(mass);
	t.rank = (int64_t) ceil(mass);
	if (t.rank < 1)
		t.rank = 1;
	if (t.rank > n)
		t.rank = n;
	if (t.full > n)
		t.full = n;
	return t;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The middle of three, so that sorted input is no worst case. */
static double
pivot_of(const double *v, int64_t low, int64_t high)
{
	double		a = v[low];
	double		b = v[low + (high - low) / 2];
	double		c = v[high];

	if (a < b)
		return b < c ? b : a < c ? c : a;
	return a < c ? a : b < c ? c : b;
}

/*
 * Hoare's partition: afterwards low .. j are no larger than j + 1 .. high.
 * Returns j, or -1 when the call was stopped; ctx may be NULL.
 */
static int64_t
partition(rk_ctx *ctx, double *v, int64_t low, int64_t high)
{
	double		pivot = pivot_of(v, low, high);
	int64_t		i = low - 1;
	int64_t		j = high + 1;

	for (int64_t swaps = 0;; swaps++)
	{
		double		swap;

		if ((swaps & 0xfffff) == 0xfffff && ctx && rk_ctx_poll(ctx))
			return -1;

		do
			i++;
		while (v[i] < pivot);
		do
			j--;
		while (v[j] > pivot);
		if (i >= j)
			return j;
		swap = v[i];
		v[i] = v[j];
		v[j] = swap;
	}
}

void
rk_select_smallest(double *v, int64_t n, int64_t count)
{
	int64_t		low = 0;
	int64_t		high = n - 1;

	if (count <= 0)
		return;
	/* the range that holds the border shrinks */
	while (count < n && low < high)
	{
		int64_t		j = partition(NULL, v, low, high);

		if (count - 1 <= j)
			high = j;
		else
			low = j + 1;
	}
	qsort(v, count < n ? count : n, sizeof(double), compare_doubles);
}

/* The values of some ranks between low and high to their places. */
static rk_status
select_between(rk_ctx *ctx, double *v, int64_t low, int64_t high, const int64_t *ranks, int count)
{
	while (count > 0 && low < high)
	{
		int64_t		j = partition(ctx, v, low, high);
		int			left = 0;
		rk_status	status;

		if (j < 0)
			return RK_STOPPED;
		while (left < count && ranks[left] <= j)
			left++;
		/* recursion where there are fewer ranks, so that it is not deep */
		if (left < count - left)
		{
			status = select_between(ctx, v, low, j, ranks, left);
			ranks += left;
			count -= left;
			low = j + 1;
		}
		else
		{
			status = select_between(ctx, v, j + 1, high, ranks + left, count - left);
			count = left;
			high = j;
		}
		if (status != RK_OK)
			return status;
	}
	return RK_OK;
}

rk_status
rk_select_ranks(rk_ctx *ctx, double *v, int64_t n, const int64_t *ranks, int count)
{
	return select_between(ctx, v, 0, n - 1, ranks, count);
}

void
rk_tail_measures(const double *x, int64_t n, rk_tail tail, double *var, double *expected_shortfall)
{
	double		sum = 0;

	*var = 0 - x[tail.rank - 1];
	for (int64_t i = 0; i < tail.full; i++)
		sum += x[i];
	if (tail.full < n)
		sum += (tail.mass - (double) tail.full) * x[tail.full];
	*expected_shortfall = tail.mass > 0 ? (0 - sum) / tail.mass : *var;
}

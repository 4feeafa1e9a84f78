/*
 * tail.c
 *	  Quantile and expected shortfall of a sample.
 */
#include "risk.h"

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

void
rk_select_smallest(double *v, int64_t n, int64_t count)
{
	int64_t		low = 0;
	int64_t		high = n - 1;

	if (count <= 0)
		return;
	/* Hoare's selection: the range that holds the border shrinks */
	while (count < n && low < high)
	{
		double		pivot = pivot_of(v, low, high);
		int64_t		i = low - 1;
		int64_t		j = high + 1;

		for (;;)
		{
			double		swap;

			do
				i++;
			while (v[i] < pivot);
			do
				j--;
			while (v[j] > pivot);
			if (i >= j)
				break;
			swap = v[i];
			v[i] = v[j];
			v[j] = swap;
		}
		/* low .. j are no larger than j + 1 .. high */
		if (count - 1 <= j)
			high = j;
		else
			low = j + 1;
	}
	qsort(v, count < n ? count : n, sizeof(double), compare_doubles);
}

void
rk_tail_measures(const double *x, int64_t n, rk_tail tail, double *var, double *expected_shortfall)
{
	double		sum = 0;

	*var = -x[tail.rank - 1];
	for (int64_t i = 0; i < tail.full; i++)
		sum += x[i];
	if (tail.full < n)
		sum += (tail.mass - (double) tail.full) * x[tail.full];
	*expected_shortfall = tail.mass > 0 ? -sum / tail.mass : *var;
}

/*
 * series.h
 *	  Time series in memory: many of them one behind the other, on equally
 *	  spaced positions.
 */
#ifndef RK_SERIES_H
#define RK_SERIES_H

#include "../compute/ctx.h"
#include "../compute/parallel.h"

/* Series i has values[offsets[i] .. offsets[i + 1]); a missing value is NaN. */
typedef struct rk_series
{
	int64_t		count;
	const int64_t *offsets;		/* [count + 1] */
	const double *values;
} rk_series;

/* The distance of two positions: whole months, or microseconds (or units). */
typedef struct rk_spacing
{
	int64_t		months;
	int64_t		units;			/* microseconds; for integers as they are */
} rk_spacing;

/* What becomes of missing positions and values. */
typedef enum rk_fill
{
	RK_FILL_ERROR,				/* refused */
	RK_FILL_LINEAR,				/* on the line between the neighbours */
	RK_FILL_LOCF,				/* last observation carried forward */
	RK_FILL_NONE,				/* positions are not looked for; values left out */
	RK_FILL_MISSING				/* NaN: the kernel knows what to do */
} rk_fill;

typedef struct rk_series_input
{
	int64_t		count;
	const int64_t *offsets;		/* [count + 1] into rows */
	const int64_t *rows;		/* row numbers in the order of time */
	const double *values;		/* by row; NaN: NULL */
	const int64_t *times;		/* by row, local; NULL: none */
	bool		calendar;		/* times are microseconds since 2000-01-01 */
	bool		find_gaps;		/* missing positions are looked for */
	rk_spacing	frequency;		/* as given; zeros: the most frequent one */
	rk_fill		fill;
} rk_series_input;

typedef struct rk_series_output
{
	rk_series	series;
	int64_t    *offsets;		/* of series */
	double	   *values;
	int64_t    *rows;			/* row number of each position, -1 where filled in */
	int64_t    *times;			/* of each position; NULL: none */
	int64_t    *owner;			/* the series of each position */
	rk_spacing *spacing;		/* of each series; zeros: not known */
} rk_series_output;

/*
 * Lays out series.  Two rows of a series with one time, missing values and
 * missing positions under RK_FILL_ERROR, and values that cannot be filled in
 * are RK_ERR_DATA naming the rows, which are counted from 1 in messages.
 *
 * The most frequent distance is taken, in months where all times of a series
 * have the same day of the month (or are last days) and time of day; ties go
 * to the shorter one.  O(n log n).
 */
extern rk_status rk_series_prepare(rk_ctx *ctx, const rk_series_input *in, rk_series_output *out);

/* The time so many steps after another. */
extern int64_t rk_spacing_add(int64_t time, rk_spacing spacing, int64_t steps);

/* The seasonal period that goes with a distance: 12 for months, ...; 0: none. */
extern int64_t rk_spacing_period(rk_spacing spacing);

/* What became of a fit; the same for all models of series. */
typedef enum rk_fit_status
{
	RK_FIT_OK,
	RK_FIT_TOO_SHORT,
	RK_FIT_CONSTANT,
	RK_FIT_NOT_CONVERGED
} rk_fit_status;

/* ---- numbers that several kernels need ---- */

/* Sorts rising; NaN nowhere.  Introspective quicksort, no memory. */
extern void rk_sort_doubles(double *x, int64_t n);

/* The value of this rank (from 0), reordering x: what is before is not above. */
extern double rk_select_double(double *x, int64_t n, int64_t rank);

/* Mean of the two middle values, reordering x; n >= 1. */
extern double rk_median(double *x, int64_t n);

/* Quantile of sorted values, type 7 (Hyndman, Fan 1996). */
extern double rk_quantile_sorted(const double *x, int64_t n, double p);

/* Mean, and the sum of squares about it (two passes). */
extern double rk_mean(const double *x, int64_t n);
extern double rk_sum_squares(const double *x, int64_t n, double mean);

/* So many NaNs, or NULL. */
extern double *rk_nans(rk_ctx *ctx, int64_t n);

/* The longest series. */
extern int64_t rk_series_longest(const rk_series *s);

#endif							/* RK_SERIES_H */

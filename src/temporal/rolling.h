/*
 * rolling.h
 *	  The last values of a series, with their mean and spread, one by one.
 */
#ifndef RK_ROLLING_H
#define RK_ROLLING_H

#include "../compute/ctx.h"

/*
 * A window of values.  Moments are about a pivot near their mean and taken anew
 * from the values once a window, and whenever a large value has left; so their
 * relative error stays near that of summing the window, whatever came before.
 */
typedef struct rk_rolling
{
	double	   *values;			/* a circle from head on once it is full */
	double	   *sorted;			/* the same in order; NULL: not asked for */
	int32_t		window;
	int32_t		kept;
	int32_t		capacity;
	int32_t		head;			/* the oldest */
	double		pivot;
	double		shift;			/* mean - pivot */
	double		squares;		/* sum of squares about the mean */
	double		peak;			/* largest squares since they were taken anew */
	int32_t		since;			/* values since then */
	int32_t		equal;			/* so many of the newest are equal */
} rk_rolling;

/* An empty window of so many values; no memory is taken. */
extern rk_rolling rk_rolling_make(int32_t window);

/* Makes room for one more value, so that rk_rolling_push cannot fail. */
extern rk_status rk_rolling_reserve(rk_ctx *ctx, rk_rolling *w, bool sorted);

/* Takes a finite value; the oldest goes when the window is full.  O(1), sorted O(log window) and a move. */
extern void rk_rolling_push(rk_rolling *w, double value);

/* Gives the memory back. */
extern void rk_rolling_free(rk_ctx *ctx, rk_rolling *w);

/* Sorts the values anew, after the others were set by hand. */
extern void rk_rolling_sort(rk_rolling *w);

/* Value number i, 0 being the oldest. */
static inline double
rk_rolling_value(const rk_rolling *w, int32_t i)
{
	int32_t		at = w->head + i;

	return w->values[at < w->kept ? at : at - w->kept];
}

/* Mean and standard deviation (n - 1) of two values or more. */
extern void rk_rolling_moments(const rk_rolling *w, double *mean, double *deviation);

/* Median of one value or more, and the median of the distances from it; O(log window). */
extern void rk_rolling_medians(const rk_rolling *w, double *median, double *distance);

#endif							/* RK_ROLLING_H */

/*
 * gap_moments.h
 *	  Moments of two rows over the places where both have a value.
 */
#ifndef RK_GAP_MOMENTS_H
#define RK_GAP_MOMENTS_H

#include <stdint.h>

/*
 * Sums of squares and products of the deviations from the means of x and y over
 * the places of n where neither is NaN; returns how many those are.  What is
 * constant there has sums of 0.  Two passes of eight places at once.
 */
typedef int64_t (*rk_gap_moments_fn) (const double *x, const double *y, int64_t n, double *xx, double *yy, double *xy);

/* The fastest for this machine. */
extern rk_gap_moments_fn rk_gap_moments(void);

#endif							/* RK_GAP_MOMENTS_H */

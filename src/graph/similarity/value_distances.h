/*
 * value_distances.h
 *	  Distances of distributions, one pair at a time.
 *
 * Histograms are padded with zeros to a multiple of RK_LANES bins.  Sums run
 * in RK_LANES lanes that are added in one order, so a distance has the same
 * bits however wide the machine's registers are.
 */
#ifndef RK_VALUE_DISTANCES_H
#define RK_VALUE_DISTANCES_H

#include "similarity.h"

#define RK_LANES 8

static inline int64_t
rk_padded_bins(int64_t bins)
{
	return (bins + RK_LANES - 1) / RK_LANES * RK_LANES;
}

/*
 * Distances of the histogram p to count histograms, stride apart.  What the
 * histograms hold: jsd, the shares; hellinger, their roots;
 * wasserstein-binned, their running sums.
 */
extern void rk_histogram_distances(rk_value_metric metric, int64_t padded, const double *p,
								   const double *q, int64_t count, double in_p,
								   const double *in_q, double *distance);

/* What jsd wants to know of each (in_p, in_q): the sum of p ln p. */
extern double rk_histogram_entropy(int64_t padded, const double *p);

/*
 * Turns n numbers >= 0 with a sum into what the metric wants, and pads with 0;
 * false when the sum is 0.
 */
extern bool rk_histogram_prepare(rk_value_metric metric, int64_t bins, double *p);

/* W1 and the greatest difference of two sorted samples. */
extern double rk_sample_wasserstein(const double *a, int64_t in_a, const double *b, int64_t in_b);
extern double rk_sample_ks(const double *a, int64_t in_a, const double *b, int64_t in_b);

/* The score that a distance is; unit: of the metric wasserstein. */
extern double rk_value_score(rk_value_metric metric, double distance, double unit);

#endif							/* RK_VALUE_DISTANCES_H */

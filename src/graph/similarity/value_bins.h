/*
 * value_bins.h
 *	  From observations to histograms or sorted samples.
 */
#ifndef RK_VALUE_BINS_H
#define RK_VALUE_BINS_H

#include "similarity.h"

/* Observations in the order of their values. */
typedef struct rk_sorted_values
{
	int64_t		count;
	double	   *value;
	uint32_t   *node;
} rk_sorted_values;

/* Sorts copies; checks that values are finite and their range is, too. */
extern rk_status rk_values_sort(rk_ctx *ctx, const rk_observations *o, rk_sorted_values *sorted);

/* Edges of bins, *bins + 1 of them; *bins may come out smaller than asked. */
extern rk_status rk_value_edges(rk_ctx *ctx, const rk_observations *o,
								const rk_sorted_values *sorted, rk_binning binning,
								int *bins, double **edges);

/* Counts of each node in each bin; histograms: nodes x stride, zeroed. */
extern rk_status rk_value_count(rk_ctx *ctx, const rk_sorted_values *sorted, int bins,
								const double *edges, int64_t stride, double *histograms);

/*
 * Samples of each node, rising: offsets[nodes + 1] into values.  The sorted
 * values are given back.
 */
extern rk_status rk_value_samples(rk_ctx *ctx, int64_t nodes, rk_sorted_values *sorted,
								  int64_t **offsets, double **values);

#endif							/* RK_VALUE_BINS_H */

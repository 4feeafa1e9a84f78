/*
 * value_bins.c
 *	  From observations to histograms or sorted samples.
 *
 * One radix sort of all observations by value serves everything: pooled
 * quantiles are positions in it, bins are runs of it, and what a stable
 * counting sort by node makes of it are sorted samples.
 */
#include "value_bins.h"

#include <math.h>
#include <string.h>

#define POLL_MASK ((1 << 18) - 1)

/* A double as an integer with the same order, and back; -0 is 0. */
static inline uint64_t
key_of(double x)
{
	uint64_t	k;

	x += 0.0;
	memcpy(&k, &x, sizeof(k));
	return k >> 63 ? ~k : k | UINT64_C(1) << 63;
}

static inline double
value_of(uint64_t k)
{
	double		x;

	k = k >> 63 ? k & ~(UINT64_C(1) << 63) : ~k;
	memcpy(&x, &k, sizeof(x));
	return x;
}

rk_status
rk_values_sort(rk_ctx *ctx, const rk_observations *o, rk_sorted_values *sorted)
{
	int64_t		n = o->count;
	uint64_t   *from = rk_alloc(ctx, n, sizeof(uint64_t));
	uint64_t   *to = rk_alloc(ctx, n, sizeof(uint64_t));
	uint32_t   *node_from = rk_alloc(ctx, n, sizeof(uint32_t));
	uint32_t   *node_to = rk_alloc(ctx, n, sizeof(uint32_t));

	if (!from || !to || !node_from || !node_to)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (o->value[i] - o->value[i] != 0)
			return rk_fail(ctx, RK_ERR_DATA, "value in row %lld is not finite", (long long) (i + 1));
		from[i] = key_of(o->value[i]);
		node_from[i] = o->node[i];
	}
	for (int shift = 0; shift < 64 && n > 0; shift += 8)
	{
		int64_t		at[256] = {0};
		int64_t		sum = 0;
		uint64_t   *swap = from;
		uint32_t   *node_swap = node_from;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = 0; i < n; i++)
			at[from[i] >> shift & 255]++;
		if (at[from[0] >> shift & 255] == n)
			continue;
		for (int d = 0; d < 256; d++)
		{
			int64_t		count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (int64_t i = 0; i < n; i++)
		{
			int64_t		place = at[from[i] >> shift & 255]++;

			if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
				return RK_STOPPED;
			to[place] = from[i];
			node_to[place] = node_from[i];
		}
		from = to;
		to = swap;
		node_from = node_to;
		node_to = node_swap;
	}
	rk_free(ctx, node_to);
	sorted->count = n;
	sorted->node = node_from;
	sorted->value = (double *) to;
	for (int64_t i = 0; i < n; i++)
	{
		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
			return RK_STOPPED;
		sorted->value[i] = value_of(from[i]);
	}
	rk_free(ctx, from);
	if (n > 0 && isinf(sorted->value[n - 1] - sorted->value[0]))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "range of the values is too large");
	return RK_OK;
}

rk_status
rk_value_edges(rk_ctx *ctx, const rk_observations *o, const rk_sorted_values *sorted,
			   rk_binning binning, int *bins, double **edges)
{
	int64_t		n = sorted->count;
	double		least = sorted->value[0];
	double		most = sorted->value[n - 1];
	double	   *e = *edges = rk_alloc(ctx, *bins + 1, sizeof(double));
	int			kept = 0;

	if (e == NULL)
		return RK_ERR_MEMORY;
	if (binning == RK_BINS_LOGARITHMIC && least <= 0)
	{
		for (int64_t i = 0; i < n; i++)
			if (o->value[i] <= 0)
				return rk_fail(ctx, RK_ERR_DATA,
							   "value in row %lld is %g, logarithmic bins need values above 0",
							   (long long) (i + 1), o->value[i]);
	}
	for (int i = 0; i <= *bins; i++)
	{
		if (i == 0 || i == *bins)
			e[i] = i == 0 ? least : most;
		else if (binning == RK_BINS_EQUAL_WIDTH)
			e[i] = least + i * ((most - least) / *bins);
		else if (binning == RK_BINS_LOGARITHMIC)
			e[i] = exp(log(least) + i * ((log(most) - log(least)) / *bins));
		else
		{
			/* type 7: position (n - 1) i / bins, in whole numbers */
			int64_t		place = (n - 1) / *bins * i + (n - 1) % *bins * i / *bins;
			double		part = (double) ((n - 1) % *bins * i % *bins) / *bins;

			e[i] = sorted->value[place];
			if (part > 0)
				e[i] += part * (sorted->value[place + 1] - e[i]);
		}
	}
	/* edges that rounding or ties have made equal are one */
	for (int i = 1; i <= *bins; i++)
		if (e[i] > e[kept])
			e[++kept] = e[i];
	if (kept == 0)
		e[++kept] = most;
	*bins = kept;
	return RK_OK;
}

rk_status
rk_value_count(rk_ctx *ctx, const rk_sorted_values *sorted, int bins, const double *edges,
			   int64_t stride, double *histograms)
{
	int			bin = 0;

	for (int64_t i = 0; i < sorted->count; i++)
	{
		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
			return RK_STOPPED;
		while (bin < bins - 1 && sorted->value[i] >= edges[bin + 1])
			bin++;
		histograms[sorted->node[i] * stride + bin]++;
	}
	return RK_OK;
}

rk_status
rk_value_samples(rk_ctx *ctx, int64_t nodes, rk_sorted_values *sorted, int64_t **offsets,
				 double **values)
{
	int64_t    *at = *offsets = rk_alloc0(ctx, nodes + 1, sizeof(int64_t));
	double	   *to = *values = rk_alloc(ctx, sorted->count, sizeof(double));

	if (!at || !to)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < sorted->count; i++)
		at[sorted->node[i] + 1]++;
	for (int64_t u = 0; u < nodes; u++)
		at[u + 1] += at[u];
	for (int64_t i = 0; i < sorted->count; i++)
	{
		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
			return RK_STOPPED;
		to[at[sorted->node[i]]++] = sorted->value[i];
	}
	/* each offset has moved to the next one */
	for (int64_t u = nodes; u > 0; u--)
		at[u] = at[u - 1];
	at[0] = 0;
	rk_free(ctx, sorted->value);
	rk_free(ctx, sorted->node);
	return RK_OK;
}

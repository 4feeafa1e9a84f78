/*
 * changepoint_cost.c
 *	  Costs of segments: prefix sums, and a wavelet matrix for medians.
 */
#include "changepoint.h"

#include <stdlib.h>
#include <string.h>

typedef struct place
{
	double		value;
	int64_t		at;
} place;

static int
compare_places(const void *a, const void *b)
{
	const place *p = a;
	const place *q = b;

	if (p->value != q->value)
		return p->value < q->value ? -1 : 1;
	return p->at < q->at ? -1 : 1;
}

static int
bits_of(int64_t n)
{
	int			bits = 1;

	while (INT64_C(1) << bits < n)
		bits++;
	return bits;
}

rk_status
rk_costs_alloc(rk_ctx *ctx, rk_segment_cost kind, int64_t n, int dimensions, rk_costs *c)
{
	int64_t		room = (n + 1) * dimensions;

	*c = (rk_costs) {.kind = kind,.dimensions = dimensions};
	c->y = rk_alloc(ctx, room, sizeof(double));
	c->s1 = rk_alloc(ctx, room, sizeof(double));
	c->s2 = rk_alloc(ctx, room, sizeof(double));
	c->s3 = rk_alloc(ctx, kind == RK_COST_LINEAR ? room : 0, sizeof(double));
	if (!c->y || !c->s1 || !c->s2 || !c->s3)
		return RK_ERR_MEMORY;
	if (kind != RK_COST_L1 && kind != RK_COST_RANK)
		return RK_OK;
	/* ordering takes pairs of a value and its place */
	c->work = rk_alloc(ctx, 2 * (n + 1), sizeof(double));
	if (!c->work)
		return RK_ERR_MEMORY;
	if (kind == RK_COST_RANK)
		return RK_OK;
	c->levels = bits_of(n);
	c->sorted = rk_alloc(ctx, n + 1, sizeof(double));
	c->zeros = rk_alloc(ctx, (n + 1) * c->levels, sizeof(uint32_t));
	c->left = rk_alloc(ctx, (n + 1) * c->levels, sizeof(double));
	return c->sorted && c->zeros && c->left ? RK_OK : RK_ERR_MEMORY;
}

/*
 * The wavelet matrix of the ranks of y (Claude, Navarro, Ordonez 2015), with
 * the sums of what goes left at each level.
 */
static void
build_wavelet(rk_costs *c)
{
	int64_t		n = c->n;
	place	   *order = (place *) c->work;
	uint32_t   *rank = (uint32_t *) c->s2;	/* not needed by l1 */
	uint32_t   *next = rank + n;

	for (int64_t i = 0; i < n; i++)
		order[i] = (place) {c->y[i], i};
	qsort(order, n, sizeof(place), compare_places);
	for (int64_t i = 0; i < n; i++)
	{
		c->sorted[i] = order[i].value;
		rank[order[i].at] = (uint32_t) i;
	}
	c->levels = bits_of(n);
	for (int level = 0; level < c->levels; level++)
	{
		uint32_t	bit = UINT32_C(1) << (c->levels - 1 - level);
		uint32_t   *zeros = c->zeros + level * (n + 1);
		double	   *left = c->left + level * (n + 1);
		uint32_t	right;

		zeros[0] = 0;
		left[0] = 0;
		for (int64_t i = 0; i < n; i++)
		{
			bool		goes_left = !(rank[i] & bit);

			zeros[i + 1] = zeros[i] + goes_left;
			left[i + 1] = left[i] + (goes_left ? c->sorted[rank[i]] : 0);
		}
		right = zeros[n];
		for (int64_t i = 0; i < n; i++)
		{
			if (rank[i] & bit)
				next[right++] = rank[i];
			else
				next[zeros[i]] = rank[i];
		}
		memcpy(rank, next, sizeof(uint32_t) * n);
	}
}

double
rk_cost_l1(const rk_costs *c, int64_t a, int64_t b)
{
	int64_t		n = c->n;
	int64_t		m = b - a;
	int64_t		k = m / 2;
	double		total = c->s1[b] - c->s1[a];
	double		below = 0;
	uint32_t	rank = 0;

	for (int level = 0; level < c->levels; level++)
	{
		const uint32_t *zeros = c->zeros + level * (n + 1);
		const double *left = c->left + level * (n + 1);
		int64_t		za = zeros[a];
		int64_t		zb = zeros[b];

		rank <<= 1;
		if (k < zb - za)
		{
			a = za;
			b = zb;
			continue;
		}
		below += left[b] - left[a];
		k -= zb - za;
		a = zeros[n] + a - za;
		b = zeros[n] + b - zb;
		rank |= 1;
	}
	/* the upper half less the lower; of an odd number, the median is in neither */
	return total - 2 * below - (m % 2 == 1 ? c->sorted[rank] : 0);
}

/* Ranks of y in its place, the same for equal values, about their mean. */
static void
rank_values(rk_costs *c)
{
	place	   *order = (place *) c->work;
	double		sum = 0;

	for (int64_t i = 0; i < c->n; i++)
		order[i] = (place) {c->y[i], i};
	qsort(order, c->n, sizeof(place), compare_places);
	for (int64_t i = 0; i < c->n;)
	{
		int64_t		j = i;
		double		rank;

		while (j < c->n && order[j].value == order[i].value)
			j++;
		rank = 0.5 * (double) (i + j + 1) - 0.5 * (double) (c->n + 1);
		sum += rank * rank * (j - i);
		for (; i < j; i++)
			c->y[order[i].at] = rank;
	}
	c->scale = sum > 0 ? c->n / sum : 0;
}

void
rk_costs_init_centred(rk_costs *c, int64_t n)
{
	c->n = n;
	for (int d = 0; d < c->dimensions; d++)
	{
		const double *y = c->y + d * n;
		double	   *s1 = c->s1 + d * (n + 1);
		double	   *s2 = c->s2 + d * (n + 1);
		long double sum = 0;
		long double squares = 0;

		s1[0] = s2[0] = 0;
		for (int64_t i = 0; i < n; i++)
		{
			sum += y[i];
			squares += (long double) y[i] * y[i];
			s1[i + 1] = (double) sum;
			s2[i + 1] = (double) squares;
		}
	}
	if (c->kind == RK_COST_LINEAR)
	{
		long double sum = 0;

		c->s3[0] = 0;
		for (int64_t i = 0; i < n; i++)
		{
			sum += ((long double) i - 0.5L * n) * c->y[i];
			c->s3[i + 1] = (double) sum;
		}
	}
	if (c->kind == RK_COST_L1)
		build_wavelet(c);
}

void
rk_costs_init(rk_costs *c, const double *x, int64_t n)
{
	for (int d = 0; d < c->dimensions; d++)
	{
		double	   *y = c->y + d * n;
		double		mean;

		for (int64_t i = 0; i < n; i++)
			y[i] = x[i * c->dimensions + d];
		mean = n > 0 ? rk_mean(y, n) : 0;
		for (int64_t i = 0; i < n; i++)
			y[i] -= mean;
		if (c->kind == RK_COST_POISSON)
			c->scale = mean;
	}
	c->n = n;
	if (c->kind == RK_COST_RANK)
		rank_values(c);
	rk_costs_init_centred(c, n);
}

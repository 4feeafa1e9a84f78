/*
 * historical_var.c
 *	  VaR and expected shortfall of observed profits and losses, as aggregates.
 *
 * The state keeps the values as they come; the tail is selected at the end.
 * As a moving window the values are kept sorted: a row comes and goes by a
 * binary search and one memmove, and the tail is at hand.
 *
 * Equal values with different weights are ordered by weight, so that sums run
 * in one order whatever the order of the rows and the number of workers.
 */
#include "portfolio.h"

#include <math.h>
#include <stdlib.h>

enum
{
	PNL,
	CONFIDENCE,
	WEIGHT
};

typedef struct head
{
	int64_t		weighted;
} head;

/* One row with a weight. */
typedef struct weighted_value
{
	double		value;
	double		weight;
} weighted_value;

static size_t
entry_size(const rk_buffer *state)
{
	return ((const head *) state->data)->weighted ? sizeof(weighted_value) : sizeof(double);
}

static int64_t
count_of(const rk_buffer *state)
{
	return (int64_t) ((state->length - sizeof(head)) / entry_size(state));
}

static rk_status
accumulate(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	head	   *h = (head *) state->data;

	if (!args[WEIGHT].null)
	{
		weighted_value *entry;

		h->weighted = 1;
		entry = rk_buffer_extend(ctx, state, sizeof(weighted_value));
		if (entry == NULL)
			return RK_ERR_MEMORY;
		*entry = (weighted_value) {args[PNL].number, args[WEIGHT].number};
	}
	else
	{
		double	   *entry = rk_buffer_extend(ctx, state, sizeof(double));

		if (entry == NULL)
			return RK_ERR_MEMORY;
		*entry = args[PNL].number;
	}
	return RK_OK;
}

static rk_status
combine(rk_ctx *ctx, rk_buffer *state, const rk_buffer *other)
{
	size_t		bytes = other->length - sizeof(head);
	void	   *to = rk_buffer_extend(ctx, state, bytes);

	if (to == NULL)
		return RK_ERR_MEMORY;
	memcpy(to, other->data + sizeof(head), bytes);
	return RK_OK;
}

static bool
valid(const rk_buffer *state)
{
	return (state->length - sizeof(head)) % entry_size(state) == 0;
}

/* ---- the tail ---- */

static int
compare_weighted(const void *a, const void *b)
{
	const weighted_value *x = a;
	const weighted_value *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->weight < y->weight ? -1 : x->weight > y->weight;
}

/* Measures of weighted values in rising order; false when nothing has weight. */
static bool
weighted_measures(const weighted_value *v, int64_t n, double confidence, double *var, double *shortfall)
{
	double		a = rint((1 - confidence) * 1e12) / 1e12;
	double		total = 0;
	double		cumulated = 0;
	double		sum = 0;

	for (int64_t i = 0; i < n; i++)
		total += v[i].weight;
	if (!(total > 0))
		return false;
	for (int64_t i = 0; i < n; i++)
	{
		double		share = v[i].weight / total;

		/* shares are sums of rounded numbers: as close as the rank of n a */
		if (cumulated + share >= a - 1e-12)
		{
			*var = -v[i].value;
			*shortfall = -(sum + (a - cumulated) * v[i].value) / a;
			return true;
		}
		cumulated += share;
		sum += share * v[i].value;
	}
	*var = -v[n - 1].value;
	*shortfall = -sum / cumulated;
	return true;
}

/* Both measures of a state; sorted: its values are in rising order already. */
static bool
measures(rk_buffer *state, double confidence, bool sorted, double *var, double *shortfall)
{
	int64_t		n = count_of(state);
	rk_tail		tail;

	if (((head *) state->data)->weighted)
	{
		weighted_value *v = (weighted_value *) (state->data + sizeof(head));

		if (!sorted)
			qsort(v, n, sizeof(weighted_value), compare_weighted);
		return weighted_measures(v, n, confidence, var, shortfall);
	}
	tail = rk_tail_of(n, confidence);
	if (!sorted)
		rk_select_smallest((double *) (state->data + sizeof(head)), n,
						   tail.full < n ? tail.full + 1 : n);
	rk_tail_measures((double *) (state->data + sizeof(head)), n, tail, var, shortfall);
	return true;
}

static void
finish(rk_buffer *state, const rk_value *args, bool sorted, bool want_shortfall, rk_value *results)
{
	double		var;
	double		shortfall;

	results[0].null = !measures(state, args[CONFIDENCE].number, sorted, &var, &shortfall);
	if (!results[0].null)
		results[0].number = want_shortfall ? shortfall : var;
}

static rk_status
finish_var(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	(void) ctx;
	finish(state, args, false, false, results);
	return RK_OK;
}

static rk_status
finish_shortfall(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	(void) ctx;
	finish(state, args, false, true, results);
	return RK_OK;
}

static rk_status
window_finish_var(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	(void) ctx;
	finish(state, args, true, false, results);
	return RK_OK;
}

static rk_status
window_finish_shortfall(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	(void) ctx;
	finish(state, args, true, true, results);
	return RK_OK;
}

/* ---- moving windows ---- */

/* Bytes before the first entry that is not below (value, weight). */
static size_t
place_of(const rk_buffer *state, const rk_value *args)
{
	weighted_value key = {args[PNL].number, args[WEIGHT].null ? 0 : args[WEIGHT].number};
	size_t		size = entry_size(state);
	const char *entries = state->data + sizeof(head);
	int64_t		low = 0;
	int64_t		high = count_of(state);

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;
		const void *entry = entries + middle * size;
		bool		below = args[WEIGHT].null ? *(const double *) entry < key.value :
			compare_weighted(entry, &key) < 0;

		if (below)
			low = middle + 1;
		else
			high = middle;
	}
	return sizeof(head) + low * size;
}

static rk_status
window_add(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	size_t		place;
	size_t		size;

	((head *) state->data)->weighted = !args[WEIGHT].null;
	place = place_of(state, args);
	size = entry_size(state);
	if (rk_buffer_extend(ctx, state, size) == NULL)
		return RK_ERR_MEMORY;
	memmove(state->data + place + size, state->data + place, state->length - place - size);
	if (args[WEIGHT].null)
		*(double *) (state->data + place) = args[PNL].number;
	else
		*(weighted_value *) (state->data + place) =
			(weighted_value) {args[PNL].number, args[WEIGHT].number};
	return RK_OK;
}

static rk_status
window_remove(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	size_t		place = place_of(state, args);
	size_t		size = entry_size(state);

	(void) ctx;
	memmove(state->data + place, state->data + place + size, state->length - place - size);
	state->length -= size;
	return RK_OK;
}

const rk_aggregate rk_risk_historical_var = {
	.head = sizeof(head),
	.accumulate = accumulate,
	.combine = combine,
	.finish = finish_var,
	.valid = valid,
	.window_add = window_add,
	.window_remove = window_remove,
	.window_finish = window_finish_var
};

const rk_aggregate rk_risk_historical_expected_shortfall = {
	.head = sizeof(head),
	.accumulate = accumulate,
	.combine = combine,
	.finish = finish_shortfall,
	.valid = valid,
	.window_add = window_add,
	.window_remove = window_remove,
	.window_finish = window_finish_shortfall
};

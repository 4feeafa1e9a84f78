/*
 * aml_fans.c
 *	  Patterns around one entity in a window: fans, funnels, gather and scatter,
 *	  amounts just below a limit, bursts.
 */
#include "aml.h"

#include "../../compute/decimal.h"

/* Entities of a fan: the other ends of its transactions. */
static void
write_fan(aml *a, const uint32_t *list, int64_t i, int64_t j, const uint32_t *other, rk_aml_role role)
{
	for (int64_t k = i; k < j; k++)
	{
		aml_entity(a, other[list[k]], role);
		aml_transaction(a, list[k]);
	}
}

/* How many entities of the pattern being written have this role. */
static int64_t
with_role(const aml *a, rk_aml_role role)
{
	int64_t		n = 0;

	for (int64_t i = a->status == RK_OK ? a->list[a->count].first_entity : a->entity_count; i < a->entity_count; i++)
		n += a->roles[i] == role;
	return n;
}

static void
found_fan_out(aml *a, void *arg, int64_t i, int64_t j)
{
	uint32_t	hub = *(uint32_t *) arg;
	const rk_ledger *l = a->l;

	aml_begin(a, RK_AML_FAN_OUT, hub);
	write_fan(a, l->out + l->out_offsets[hub], i, j, l->target, RK_AML_TARGET);
	aml_end(a, aml_at_most_one((double) with_role(a, RK_AML_TARGET) / 20));
}

typedef struct fan_in
{
	uint32_t	hub;
	rk_decimal *left;			/* scratch: one a row that comes in */
	bool	   *used_in;
	bool	   *used_out;
} fan_in;

/* The transactions of a list with ts in [from, over): [*i, *j). */
static void
between(const rk_ledger *l, const uint32_t *list, int64_t count, int64_t from, int64_t over, int64_t *i, int64_t *j)
{
	int64_t		low = 0;
	int64_t		high = count;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (l->ts[list[middle]] < from)
			low = middle + 1;
		else
			high = middle;
	}
	*i = low;
	for (*j = low; *j < count && l->ts[list[*j]] < over; (*j)++)
		;
}

/* What was gathered in a window goes out again. */
static void
find_funnel(aml *a, const fan_in *fan, const uint32_t *in, int64_t i, int64_t j, rk_decimal inflow)
{
	const rk_ledger *l = a->l;
	const uint32_t *out = l->out + l->out_offsets[fan->hub];
	int64_t		count = l->out_offsets[fan->hub + 1] - l->out_offsets[fan->hub];
	int64_t		first = aml_lower_bound(out, count, in[i]);
	int64_t		last = first;
	int64_t		over = rk_window_over_at(l, in[j - 1], a->p->max_dwell, a->p->dwell_over);
	rk_pass		pass;
	double		sources;

	while (last < count && l->ts[out[last]] < over)
		last++;
	for (int64_t k = first; k < last; k++)
		fan->used_out[k] = false;
	pass = rk_match_pass_through(l, in + i, j - i, out + first, last - first, INT64_MAX, NULL, fan->left, NULL,
								 fan->used_out + first);
	if (!aml_go(a, last - first) || !(rk_money_ratio(pass.matched, inflow) >= aml_forwarded(a)))
		return;
	aml_begin(a, RK_AML_FUNNEL_ACCOUNT, fan->hub);
	write_fan(a, in, i, j, l->source, RK_AML_SOURCE);
	sources = (double) with_role(a, RK_AML_SOURCE);
	for (int64_t k = first; k < last; k++)
		if (fan->used_out[k])
		{
			aml_entity(a, l->target[out[k]], RK_AML_TARGET);
			aml_transaction(a, out[k]);
		}
	aml_end(a, aml_at_most_one(sources / 20));
}

static void
find_gather_scatter(aml *a, const fan_in *fan, const uint32_t *in, int64_t i, int64_t j, rk_decimal inflow)
{
	const rk_ledger *l = a->l;
	const uint32_t *out = l->out + l->out_offsets[fan->hub];
	int64_t		first;
	int64_t		last;
	rk_decimal	outflow = 0;
	int64_t		targets = 0;
	double		sources = 0;

	between(l, out, l->out_offsets[fan->hub + 1] - l->out_offsets[fan->hub], l->ts[in[i]],
			rk_window_over_at(l, in[j - 1], a->p->max_dwell, a->p->dwell_over), &first, &last);
	for (int64_t k = first; k < last; k++)
	{
		outflow += l->amount[out[k]];
		targets += a->times[l->target[out[k]]]++ == 0;
	}
	for (int64_t k = first; k < last; k++)
		a->times[l->target[out[k]]] = 0;
	if (!aml_go(a, last - first) || targets < a->p->min_fan ||
		(a->p->min_forwarded > 0 && !(rk_money_ratio(outflow, inflow) >= a->p->min_forwarded)))
		return;
	aml_begin(a, RK_AML_GATHER_SCATTER, fan->hub);
	write_fan(a, in, i, j, l->source, RK_AML_SOURCE);
	sources = (double) with_role(a, RK_AML_SOURCE);
	write_fan(a, out, first, last, l->target, RK_AML_TARGET);
	aml_end(a, aml_at_most_one((sources + (double) targets) / 40));
}

static void
found_fan_in(aml *a, void *arg, int64_t i, int64_t j)
{
	const fan_in *fan = arg;
	const rk_ledger *l = a->l;
	const uint32_t *in = l->in + l->in_offsets[fan->hub];
	rk_decimal	inflow = 0;

	for (int64_t k = i; k < j; k++)
		inflow += l->amount[in[k]];
	if (aml_wants(a, RK_AML_FAN_IN))
	{
		aml_begin(a, RK_AML_FAN_IN, fan->hub);
		write_fan(a, in, i, j, l->source, RK_AML_SOURCE);
		aml_end(a, aml_at_most_one((double) with_role(a, RK_AML_SOURCE) / 20));
	}
	if (aml_wants(a, RK_AML_FUNNEL_ACCOUNT))
		find_funnel(a, fan, in, i, j, inflow);
	if (aml_wants(a, RK_AML_GATHER_SCATTER))
		find_gather_scatter(a, fan, in, i, j, inflow);
}

void
aml_find_fans(aml *a)
{
	const rk_ledger *l = a->l;
	int64_t		most_in = 0;
	int64_t		most_out = 0;
	fan_in		fan = {0};

	for (uint32_t v = 0; v < l->entities; v++)
	{
		int64_t		in = l->in_offsets[v + 1] - l->in_offsets[v];
		int64_t		out = l->out_offsets[v + 1] - l->out_offsets[v];

		most_in = in > most_in ? in : most_in;
		most_out = out > most_out ? out : most_out;
	}
	fan.left = aml_alloc(a, most_in, sizeof(*fan.left));
	fan.used_out = aml_alloc(a, most_out, sizeof(*fan.used_out));
	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		if (aml_wants(a, RK_AML_FAN_OUT))
			aml_windows(a, l->out + l->out_offsets[v], l->out_offsets[v + 1] - l->out_offsets[v], l->target,
						a->p->min_fan, found_fan_out, &v);
		fan.hub = v;
		if (aml_wants(a, RK_AML_FAN_IN) || aml_wants(a, RK_AML_FUNNEL_ACCOUNT) || aml_wants(a, RK_AML_GATHER_SCATTER))
			aml_windows(a, l->in + l->in_offsets[v], l->in_offsets[v + 1] - l->in_offsets[v], l->source,
						a->p->min_fan, found_fan_in, &fan);
	}
	rk_free(a->ctx, fan.left);
	rk_free(a->ctx, fan.used_out);
}

void
aml_find_structuring(aml *a)
{
	const rk_ledger *l = a->l;
	uint32_t   *list = aml_alloc(a, l->count, sizeof(*list));
	rk_amount	low = rk_amount_from_double(a->p->structuring_low);
	rk_decimal	threshold = a->p->reporting_threshold;
	rk_amount	bound = {0};

	/* both are exact, the bound is rounded to the smallest unit of money */
	if (a->status == RK_OK &&
		!rk_amount_multiply((rk_amount) {threshold, RK_MONEY_SCALE}, low, RK_MONEY_SCALE, &bound))
		a->status = rk_fail(a->ctx, RK_ERR_OVERFLOW, "reporting_threshold is out of range");
	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		int64_t		n = 0;
		rk_decimal	sum = 0;

		for (int64_t k = l->out_offsets[v]; k < l->out_offsets[v + 1]; k++)
			if (l->amount[l->out[k]] >= bound.value && l->amount[l->out[k]] < threshold)
				list[n++] = l->out[k];
		for (int64_t i = 0, j = 0; i < n && aml_go(a, 1);)
		{
			int64_t		end = rk_window_over_at(l, list[i], a->p->time_window, a->p->window_over);

			for (; j < n && l->ts[list[j]] < end; j++)
				sum += l->amount[list[j]];
			if (j - i < a->p->structuring_min_count || sum <= threshold)
			{
				sum -= l->amount[list[i++]];
				continue;
			}
			aml_begin(a, RK_AML_STRUCTURING, v);
			write_fan(a, list, i, j, l->target, RK_AML_TARGET);
			aml_end(a, aml_at_most_one((double) (j - i) / 10));
			sum = 0;
			i = j;
		}
	}
	rk_free(a->ctx, list);
}

#define BURST INT64_C(60000000)	/* a minute */

void
aml_find_timing(aml *a)
{
	const rk_ledger *l = a->l;

	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		const uint32_t *all = l->all + l->all_offsets[v];
		int64_t		n = l->all_offsets[v + 1] - l->all_offsets[v];

		for (int64_t i = 0, j = 0; i < n && aml_go(a, 1);)
		{
			while (j < n && l->ts[all[j]] < rk_window_over(l->ts[all[i]], BURST))
				j++;
			if (j - i < a->p->min_fan)
			{
				i++;
				continue;
			}
			aml_begin(a, RK_AML_TIMING_ANOMALY, v);
			for (int64_t k = i; k < j; k++)
				aml_transaction(a, all[k]);
			aml_end(a, 0.5);
			i = j;
		}
	}
}

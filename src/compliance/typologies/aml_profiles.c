/*
 * aml_profiles.c
 *	  What an entity does unlike others or unlike itself: money that passes
 *	  through, unusual volumes, new countries, dealings with who is in a pattern.
 */
#include "aml.h"

#include <math.h>

void
aml_find_rapid(aml *a)
{
	const rk_ledger *l = a->l;
	int64_t		most = 0;
	rk_decimal *left;
	bool	   *used_in;
	bool	   *used_out;

	for (uint32_t v = 0; v < l->entities; v++)
		most = l->all_offsets[v + 1] - l->all_offsets[v] > most ? l->all_offsets[v + 1] - l->all_offsets[v] : most;
	left = aml_alloc(a, most, sizeof(*left));
	used_in = aml_alloc(a, most, sizeof(*used_in));
	used_out = aml_alloc(a, most, sizeof(*used_out));
	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		const uint32_t *in = l->in + l->in_offsets[v];
		const uint32_t *out = l->out + l->out_offsets[v];
		int64_t		in_count = l->in_offsets[v + 1] - l->in_offsets[v];
		int64_t		out_count = l->out_offsets[v + 1] - l->out_offsets[v];
		rk_decimal	amount_in = 0;
		rk_pass		pass;
		double		ratio;

		for (int64_t i = 0; i < in_count; i++)
			used_in[i] = false;
		for (int64_t i = 0; i < out_count; i++)
			used_out[i] = false;
		for (int64_t i = l->all_offsets[v]; i < l->all_offsets[v + 1]; i++)
			amount_in += l->target[l->all[i]] == v ? l->amount[l->all[i]] : 0;
		pass = rk_match_pass_through(l, in, in_count, out, out_count, a->p->max_dwell, a->p->dwell_over, left, used_in, used_out);
		ratio = rk_money_ratio(pass.matched, amount_in);
		if (!aml_go(a, in_count + out_count) || !(ratio >= aml_forwarded(a)) ||
			pass.matched < a->p->reporting_threshold)
			continue;
		aml_begin(a, RK_AML_RAPID_MOVEMENT, v);
		for (int64_t i = 0; i < in_count; i++)
			if (used_in[i])
			{
				aml_entity(a, l->source[in[i]], RK_AML_SOURCE);
				aml_transaction(a, in[i]);
			}
		for (int64_t i = 0; i < out_count; i++)
			if (used_out[i])
			{
				aml_entity(a, l->target[out[i]], RK_AML_TARGET);
				aml_transaction(a, out[i]);
			}
		aml_end(a, ratio);
	}
	rk_free(a->ctx, left);
	rk_free(a->ctx, used_in);
	rk_free(a->ctx, used_out);
}

#define DAYS 30
#define LEAST_DAYS 10

void
aml_find_unusual_volume(aml *a)
{
	const rk_ledger *l = a->l;
	const int32_t *day = a->p->day;

	for (uint32_t v = 0; v < l->entities && day && aml_go(a, 1); v++)
	{
		double		past[DAYS];	/* of the active days before, going round */
		int64_t		days = 0;

		for (int64_t i = l->all_offsets[v], j; i < l->all_offsets[v + 1] && aml_go(a, 1); i = j)
		{
			rk_decimal	sum = 0;
			int			n = days < DAYS ? (int) days : DAYS;
			double		amount;
			double		mean = 0;
			double		squares = 0;

			for (j = i; j < l->all_offsets[v + 1] && day[l->row[l->all[j]]] == day[l->row[l->all[i]]]; j++)
				sum += l->amount[l->all[j]];
			amount = rk_amount_to_double((rk_amount) {sum, RK_MONEY_SCALE});
			for (int k = 0; k < n; k++)
				mean += past[k];
			mean /= n;
			for (int k = 0; k < n; k++)
				squares += (past[k] - mean) * (past[k] - mean);
			if (n >= LEAST_DAYS && amount > mean + 3 * sqrt(squares / (n - 1)))
			{
				aml_begin(a, RK_AML_UNUSUAL_VOLUME, v);
				for (int64_t k = i; k < j; k++)
					aml_transaction(a, l->all[k]);
				aml_end(a, 0.5);
			}
			past[days++ % DAYS] = amount;
		}
	}
}

#define CROSS_BORDER_ROWS 20

static bool
risky(const aml *a, uint32_t country)
{
	return a->p->high_risk && country != 0 && a->p->high_risk[country];
}

static void
write_geographic(aml *a, uint32_t hub, uint32_t position)
{
	aml_begin(a, RK_AML_GEOGRAPHIC_ANOMALY, hub);
	aml_entity(a, a->l->source[position], RK_AML_SOURCE);
	aml_entity(a, a->l->target[position], RK_AML_TARGET);
	aml_transaction(a, position);
	aml_end(a, 0.5);
}

void
aml_find_geographic(aml *a)
{
	const rk_ledger *l = a->l;
	aml_triples pairs = {0};

	if (!a->p->source_country || !a->p->target_country)
		return;
	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		int64_t		rows = 0;

		pairs.count = 0;
		for (int64_t i = l->all_offsets[v]; i < l->all_offsets[v + 1] && aml_go(a, 1); i++)
		{
			uint32_t	p = l->all[i];
			uint32_t	from = a->p->source_country[l->row[p]];
			uint32_t	to = a->p->target_country[l->row[p]];
			bool		at_risk = risky(a, from) || risky(a, to);
			bool		known = false;

			/* one for the transaction, whoever is looked at */
			if (at_risk && l->source[p] == v)
				write_geographic(a, v, p);
			if (from == 0 || to == 0 || from == to)
				continue;
			for (int64_t k = 0; k < pairs.count && !known && aml_go(a, 1); k++)
				known = pairs.list[k].a == from && pairs.list[k].b == to;
			if (!known && rows >= CROSS_BORDER_ROWS && !(at_risk && l->source[p] == v))
				write_geographic(a, v, p);
			if (!known)
				aml_add_triple(a, &pairs, (aml_triple) {from, to});
			rows++;
		}
	}
	rk_free(a->ctx, pairs.list);
}

void
aml_find_counterparties(aml *a)
{
	const rk_ledger *l = a->l;
	bool	   *member = aml_alloc(a, l->entities, sizeof(*member));

	for (int64_t i = 0; i < a->count && aml_go(a, 1); i++)
		for (int64_t k = 0; k < a->list[i].entities && !a->list[i].dropped; k++)
			if (RK_AML_STRUCTURAL >> a->list[i].kind & 1)
				member[a->entities[a->list[i].first_entity + k]] = true;
	for (uint32_t v = 0; v < l->entities && aml_go(a, 1); v++)
	{
		bool		found = false;

		for (int64_t i = l->all_offsets[v]; i < l->all_offsets[v + 1] && !member[v] && aml_go(a, 1); i++)
		{
			uint32_t	p = l->all[i];
			uint32_t	other = l->source[p] == v ? l->target[p] : l->source[p];

			if (!member[other])
				continue;
			if (!found)
				aml_begin(a, RK_AML_COUNTERPARTY_RISK, v);
			found = true;
			aml_entity(a, other, RK_AML_MEMBER);
			aml_transaction(a, p);
		}
		if (found)
			aml_end(a, 0.5);
	}
	rk_free(a->ctx, member);
}

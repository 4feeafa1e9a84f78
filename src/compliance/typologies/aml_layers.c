/*
 * aml_layers.c
 *	  Patterns of linked pairs with one entity between: scatter and gather,
 *	  stacks.
 *
 * Both list triples of entities for every linked pair, sort them, and find what
 * shares ends next to each other.
 */
#include "aml.h"

#include <string.h>

#include "../../compute/union_find.h"

/* ---- scatter_gather ---- */

typedef struct scatter
{
	const aml_triple *group;	/* source, target, first leg; second leg */
	int64_t		size;
	uint32_t   *list;			/* first legs */
} scatter;

static void
found_scatter(aml *a, void *arg, int64_t i, int64_t j)
{
	const scatter *s = arg;
	const rk_ledger *l = a->l;
	int64_t		between = 0;

	aml_begin(a, RK_AML_SCATTER_GATHER, s->group->a);
	aml_entity(a, s->group->a, RK_AML_SOURCE);
	aml_entity(a, s->group->b, RK_AML_TARGET);
	a->stamps++;
	for (int64_t k = i; k < j; k++)
	{
		uint32_t	m = l->target[s->list[k]];

		/* the first linked pair of each */
		if (a->stamp[m] == a->stamps)
			continue;
		a->stamp[m] = a->stamps;
		between++;
		aml_entity(a, m, RK_AML_INTERMEDIATE);
		aml_transaction(a, s->group[k].c);
		aml_transaction(a, s->group[k].d);
	}
	aml_end(a, aml_at_most_one((double) between / 10));
}

void
aml_find_scatter_gather(aml *a)
{
	const rk_ledger *l = a->l;
	aml_triples pairs = {0};
	scatter		s = {0};

	for (uint32_t m = 0; m < l->entities && aml_go(a, 1); m++)
		for (int64_t i = l->in_offsets[m]; i < l->in_offsets[m + 1] && !a->skip[m] && aml_go(a, 1); i++)
		{
			uint32_t	e = l->in[i];
			int64_t		from;
			int64_t		to;

			aml_successors(a, m, e, &from, &to);
			a->stamps++;
			for (int64_t j = from; j < to && aml_go(a, 1); j++)
			{
				uint32_t	end = l->target[l->out[j]];

				/* the earliest to each end */
				if (end == l->source[e] || a->stamp[end] == a->stamps || !aml_linked(a, e, l->out[j]))
					continue;
				a->stamp[end] = a->stamps;
				aml_add_triple(a, &pairs, (aml_triple) {l->source[e], end, e, l->out[j]});
			}
		}
	aml_sort_triples(a, &pairs);
	s.list = aml_alloc(a, pairs.count, sizeof(*s.list));
	for (int64_t i = 0, j; i < pairs.count && aml_go(a, 1); i = j)
	{
		for (j = i; j < pairs.count && pairs.list[j].a == pairs.list[i].a && pairs.list[j].b == pairs.list[i].b; j++)
			s.list[j - i] = pairs.list[j].c;
		if (j - i < a->p->min_fan)
			continue;
		s.group = pairs.list + i;
		s.size = j - i;
		aml_windows(a, s.list, s.size, l->target, a->p->min_fan, found_scatter, &s);
	}
	rk_free(a->ctx, s.list);
	rk_free(a->ctx, pairs.list);
}

/* ---- stack ---- */

/* The payers and payees of an entity over its linked pairs. */
typedef struct ends
{
	uint32_t   *payers;
	uint32_t   *payees;
	int64_t		payer_count;
	int64_t		payee_count;
	uint8_t    *seen;			/* by entity: 1 payer, 2 payee; zero between uses */
} ends;

static void
note_end(ends *e, uint32_t entity, int what)
{
	if (e->seen[entity] & what)
		return;
	e->seen[entity] |= what;
	if (what == 1)
		e->payers[e->payer_count++] = entity;
	else
		e->payees[e->payee_count++] = entity;
}

/* Sets seen: 1 for those that only pay m, 2 for those that m only pays, 3 for both. */
static void
find_ends(aml *a, ends *e, uint32_t m)
{
	const rk_ledger *l = a->l;

	e->payer_count = e->payee_count = 0;
	for (int64_t i = l->in_offsets[m]; i < l->in_offsets[m + 1] && aml_go(a, 1); i++)
	{
		int64_t		from;
		int64_t		to;

		aml_successors(a, m, l->in[i], &from, &to);
		for (int64_t j = from; j < to && aml_go(a, 1); j++)
			if (aml_linked(a, l->in[i], l->out[j]))
			{
				note_end(e, l->source[l->in[i]], 1);
				note_end(e, l->target[l->out[j]], 2);
			}
	}
}

static void
forget_ends(ends *e)
{
	for (int64_t i = 0; i < e->payer_count; i++)
		e->seen[e->payers[i]] = 0;
	for (int64_t i = 0; i < e->payee_count; i++)
		e->seen[e->payees[i]] = 0;
}

/* Leaves out who is on both sides; whether two remain on each. */
static bool
keep_one_sided(ends *e)
{
	int64_t		payers = 0;
	int64_t		payees = 0;

	for (int64_t i = 0; i < e->payer_count; i++)
		payers += e->seen[e->payers[i]] == 1;
	for (int64_t i = 0; i < e->payee_count; i++)
		payees += e->seen[e->payees[i]] == 2;
	return payers >= 2 && payees >= 2;
}

/* The transactions of one entity between. */
static void
write_layer(aml *a, ends *e, uint32_t m)
{
	const rk_ledger *l = a->l;

	find_ends(a, e, m);
	for (int64_t i = l->in_offsets[m]; i < l->in_offsets[m + 1] && aml_go(a, 1); i++)
	{
		uint32_t	p = l->in[i];
		int64_t		from;
		int64_t		to;

		if (e->seen[l->source[p]] != 1)
			continue;
		aml_successors(a, m, p, &from, &to);
		for (int64_t j = from; j < to && aml_go(a, 1); j++)
			if (e->seen[l->target[l->out[j]]] == 2 && aml_linked(a, p, l->out[j]))
			{
				aml_entity(a, l->source[p], RK_AML_SOURCE);
				aml_entity(a, l->target[l->out[j]], RK_AML_TARGET);
				aml_transaction(a, p);
				aml_transaction(a, l->out[j]);
			}
	}
	forget_ends(e);
}

void
aml_find_stacks(aml *a)
{
	const rk_ledger *l = a->l;
	aml_triples shared = {0};
	aml_triples members = {0};
	ends		e = {0};
	uint32_t   *parent = aml_alloc(a, l->entities, sizeof(*parent));

	e.payers = aml_alloc(a, l->entities, sizeof(*e.payers));
	e.payees = aml_alloc(a, l->entities, sizeof(*e.payees));
	e.seen = aml_alloc(a, l->entities, sizeof(*e.seen));
	for (uint32_t m = 0; m < l->entities && aml_go(a, 1); m++)
	{
		parent[m] = m;
		if (a->skip[m])
			continue;
		find_ends(a, &e, m);
		if (keep_one_sided(&e))
		{
			if (e.payer_count > a->p->max_pairs_per_node / e.payee_count)
				a->skipped++;
			else
				for (int64_t i = 0; i < e.payer_count; i++)
					for (int64_t j = 0; j < e.payee_count && e.seen[e.payers[i]] == 1 && aml_go(a, 1); j++)
						if (e.seen[e.payees[j]] == 2)
							aml_add_triple(a, &shared, (aml_triple) {e.payers[i], e.payees[j], m});
		}
		forget_ends(&e);
	}
	/* who shares a payer and a payee comes together */
	aml_sort_triples(a, &shared);
	for (int64_t i = 1; i < shared.count && aml_go(a, 1); i++)
		if (shared.list[i].a == shared.list[i - 1].a && shared.list[i].b == shared.list[i - 1].b)
		{
			uint32_t	x = rk_find_root(parent, shared.list[i].c);
			uint32_t	y = rk_find_root(parent, shared.list[i - 1].c);

			/* the first seen is the root */
			parent[x > y ? x : y] = x > y ? y : x;
		}
	for (uint32_t m = 0; m < l->entities && a->status == RK_OK; m++)
		aml_add_triple(a, &members, (aml_triple) {rk_find_root(parent, m), m});
	aml_sort_triples(a, &members);
	for (int64_t i = 0, j; i < members.count && aml_go(a, 1); i = j)
	{
		for (j = i; j < members.count && members.list[j].a == members.list[i].a; j++)
			;
		if (j - i < 2)
			continue;
		aml_begin(a, RK_AML_STACK, RK_AML_NOBODY);
		for (int64_t k = i; k < j; k++)
			aml_entity(a, members.list[k].b, RK_AML_INTERMEDIATE);
		for (int64_t k = i; k < j; k++)
			write_layer(a, &e, members.list[k].b);
		aml_end(a, aml_at_most_one((double) (j - i) / 5));
	}
	rk_free(a->ctx, parent);
	rk_free(a->ctx, e.payers);
	rk_free(a->ctx, e.payees);
	rk_free(a->ctx, e.seen);
	rk_free(a->ctx, shared.list);
	rk_free(a->ctx, members.list);
}

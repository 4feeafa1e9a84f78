/*
 * aml_bipartite.c
 *	  Payers and payees that are densely tied in a window: the (2,2)-core.
 *
 * In each window the distinct pairs of payer and payee are peeled with a stack
 * of what has fallen below two neighbours (Batagelj and Zaversnik 2003, for two
 * sides).  Windows overlap by half, so what is found in one is compared with
 * what the next one finds.
 */
#include "aml.h"

#include <string.h>

#include "../../compute/union_find.h"

/* One window.  Entities have a copy as payer (2 e) and one as payee (2 e + 1). */
typedef struct core
{
	aml_triples rows;			/* payer, payee, position */
	uint32_t   *pair;			/* of each row */
	uint32_t   *payer;			/* of each pair */
	uint32_t   *payee;
	uint32_t   *next_of_payer;	/* lists of pairs */
	uint32_t   *next_of_payee;
	bool	   *alive;
	int64_t		pairs;
	int64_t		capacity;
	uint32_t   *first;			/* by copy: list of pairs; valid where degree > 0 was set */
	uint32_t   *degree;			/* by copy; zero between windows */
	uint32_t   *fallen;			/* stack of copies */
	int64_t		fallen_count;
	uint32_t   *parent;			/* by entity: component */
	uint32_t   *found[2];		/* by position: pattern in this and the last window */
} core;

static void
take_room(aml *a, core *c, int64_t rows)
{
	int64_t		capacity = 2 * rows;

	if (rows <= c->capacity)
		return;
	rk_free(a->ctx, c->pair);
	rk_free(a->ctx, c->payer);
	rk_free(a->ctx, c->payee);
	rk_free(a->ctx, c->next_of_payer);
	rk_free(a->ctx, c->next_of_payee);
	rk_free(a->ctx, c->alive);
	rk_free(a->ctx, c->fallen);
	c->pair = aml_alloc(a, capacity, sizeof(*c->pair));
	c->payer = aml_alloc(a, capacity, sizeof(*c->payer));
	c->payee = aml_alloc(a, capacity, sizeof(*c->payee));
	c->next_of_payer = aml_alloc(a, capacity, sizeof(*c->next_of_payer));
	c->next_of_payee = aml_alloc(a, capacity, sizeof(*c->next_of_payee));
	c->alive = aml_alloc(a, capacity, sizeof(*c->alive));
	/* a copy falls once to one, once to none, and may be pushed by hand */
	c->fallen = aml_alloc(a, 4 * capacity, sizeof(*c->fallen));
	c->capacity = capacity;
}

static void
fall(core *c, uint32_t copy)
{
	c->fallen[c->fallen_count++] = copy;
}

/* Takes a pair away. */
static void
cut(core *c, uint32_t pair)
{
	uint32_t	copies[2] = {2 * c->payer[pair], 2 * c->payee[pair] + 1};

	if (!c->alive[pair])
		return;
	c->alive[pair] = false;
	for (int side = 0; side < 2; side++)
		if (--c->degree[copies[side]] == 1)
			fall(c, copies[side]);
}

static void
peel(aml *a, core *c)
{
	while (c->fallen_count > 0 && aml_go(a, 1))
	{
		uint32_t	copy = c->fallen[--c->fallen_count];
		const uint32_t *next = copy % 2 == 0 ? c->next_of_payer : c->next_of_payee;

		for (uint32_t p = c->first[copy]; p != NONE; p = next[p])
			cut(c, p);
	}
}

/* The distinct pairs of the transactions [from, to). */
static void
list_pairs(aml *a, core *c, uint32_t from, uint32_t to)
{
	const rk_ledger *l = a->l;

	c->rows.count = 0;
	for (uint32_t p = from; p < to; p++)
		if (l->source[p] != l->target[p])
			aml_add_triple(a, &c->rows, (aml_triple) {l->source[p], l->target[p], p});
	aml_sort_triples(a, &c->rows);
	take_room(a, c, c->rows.count + 1);
	c->pairs = 0;
	for (int64_t i = 0; i < c->rows.count && aml_go(a, 1); i++)
	{
		const aml_triple *r = &c->rows.list[i];

		if (i == 0 || r->a != r[-1].a || r->b != r[-1].b)
		{
			c->payer[c->pairs] = r->a;
			c->payee[c->pairs] = r->b;
			c->alive[c->pairs] = true;
			c->first[2 * r->a] = c->first[2 * r->b + 1] = NONE;
			c->pairs++;
		}
		c->pair[i] = (uint32_t) c->pairs - 1;
	}
	for (int64_t p = 0; p < c->pairs && aml_go(a, 1); p++)
	{
		uint32_t	payer = 2 * c->payer[p];
		uint32_t	payee = 2 * c->payee[p] + 1;

		c->next_of_payer[p] = c->first[payer];
		c->next_of_payee[p] = c->first[payee];
		c->first[payer] = c->first[payee] = (uint32_t) p;
		c->degree[payer]++;
		c->degree[payee]++;
	}
}

/* The (2,2)-core, nobody on both sides of it. */
static void
find_core(aml *a, core *c)
{
	bool		again = true;

	c->fallen_count = 0;
	for (int64_t p = 0; p < c->pairs; p++)
		if (c->degree[2 * c->payer[p]] < 2 || c->degree[2 * c->payee[p] + 1] < 2)
			cut(c, (uint32_t) p);
	peel(a, c);
	while (again && a->status == RK_OK)
	{
		/* who pays back across the sides: all of them at once */
		again = false;
		a->stamps++;
		for (int64_t p = 0; p < c->pairs && aml_go(a, 1); p++)
			if (c->alive[p] && c->degree[2 * c->payer[p] + 1] > 0)
				a->stamp[c->payer[p]] = a->stamps;
		for (int64_t p = 0; p < c->pairs && aml_go(a, 1); p++)
			if (c->alive[p] && (a->stamp[c->payer[p]] == a->stamps || a->stamp[c->payee[p]] == a->stamps))
			{
				cut(c, (uint32_t) p);
				again = true;
			}
		peel(a, c);
	}
}

/* Writes the components of the core; found is set for their transactions. */
static void
write_components(aml *a, core *c, uint32_t *found)
{
	aml_triples rows = {0};

	for (int64_t p = 0; p < c->pairs; p++)
		if (c->alive[p])
		{
			c->parent[c->payer[p]] = c->payer[p];
			c->parent[c->payee[p]] = c->payee[p];
		}
	for (int64_t p = 0; p < c->pairs && aml_go(a, 1); p++)
		if (c->alive[p])
		{
			uint32_t	x = rk_find_root(c->parent, c->payer[p]);
			uint32_t	y = rk_find_root(c->parent, c->payee[p]);

			c->parent[x > y ? x : y] = x > y ? y : x;
		}
	for (int64_t i = 0; i < c->rows.count && aml_go(a, 1); i++)
		if (c->alive[c->pair[i]])
			aml_add_triple(a, &rows, (aml_triple) {rk_find_root(c->parent, c->rows.list[i].a), c->rows.list[i].c, c->pair[i]});
	aml_sort_triples(a, &rows);
	for (int64_t i = 0, j; i < rows.count && aml_go(a, 1); i = j)
	{
		int64_t		payers = 0;
		int64_t		payees = 0;
		int64_t		edges = 0;

		for (j = i; j < rows.count && rows.list[j].a == rows.list[i].a; j++)
			;
		aml_begin(a, RK_AML_BIPARTITE, RK_AML_NOBODY);
		for (int64_t k = i; k < j; k++)
		{
			aml_entity(a, a->l->source[rows.list[k].b], RK_AML_SOURCE);
			aml_entity(a, a->l->target[rows.list[k].b], RK_AML_TARGET);
			aml_transaction(a, rows.list[k].b);
		}
		if (a->status != RK_OK)
			break;
		for (int64_t k = a->list[a->count].first_entity; k < a->entity_count; k++)
		{
			bool		payer = a->roles[k] == RK_AML_SOURCE;

			payers += payer;
			payees += !payer;
			edges += payer ? c->degree[2 * a->entities[k]] : 0;
		}
		if (payers + payees < 5)
		{
			aml_undo(a);
			continue;
		}
		for (int64_t k = i; k < j; k++)
			found[rows.list[k].b] = (uint32_t) a->count;
		aml_end(a, (double) edges / ((double) payers * (double) payees));
	}
	rk_free(a->ctx, rows.list);
}

/* Whether all transactions of a pattern are of that other one. */
static bool
inside(const aml *a, int64_t pattern, const uint32_t *found, uint32_t *other)
{
	const rk_aml_pattern *p = &a->list[pattern];

	*other = found[a->transactions[p->first_transaction]];
	for (int64_t i = 0; i < p->transactions; i++)
		if (found[a->transactions[p->first_transaction + i]] != *other)
			return false;
	return *other != NONE;
}

/* Of what is equal or contained in overlapping windows the larger stays, or the earlier. */
static void
drop_contained(aml *a, int64_t earlier, int64_t later, const uint32_t *found_before, const uint32_t *found_now)
{
	uint32_t	other;

	for (int64_t i = later; i < a->count; i++)
		if (inside(a, i, found_before, &other))
			a->list[i].dropped = true;
	for (int64_t i = earlier; i < later; i++)
		if (inside(a, i, found_now, &other) && a->list[other].transactions > a->list[i].transactions)
			a->list[i].dropped = true;
}

static void
forget(const aml *a, int64_t from, int64_t to, uint32_t *found)
{
	for (int64_t i = from; i < to; i++)
		for (int64_t k = 0; k < a->list[i].transactions; k++)
			found[a->transactions[a->list[i].first_transaction + k]] = NONE;
}

void
aml_find_bipartite(aml *a)
{
	const rk_ledger *l = a->l;
	int64_t		half = a->p->time_window / 2 > 0 ? a->p->time_window / 2 : 1;
	core		c = {0};
	int64_t		earlier = a->count;
	int64_t		last_window = -2;
	uint32_t	from = 0;
	uint32_t	to = 0;

	c.first = aml_alloc(a, 2 * (int64_t) l->entities, sizeof(*c.first));
	c.degree = aml_alloc(a, 2 * (int64_t) l->entities, sizeof(*c.degree));
	c.parent = aml_alloc(a, l->entities, sizeof(*c.parent));
	for (int i = 0; i < 2; i++)
		c.found[i] = aml_alloc(a, l->count, sizeof(*c.found[i]));
	if (a->status != RK_OK)
		return;
	memset(c.found[0], 0xff, sizeof(uint32_t) * l->count);
	memset(c.found[1], 0xff, sizeof(uint32_t) * l->count);
	/* window w is [first ts + w half, + time_window); those without transactions are passed over */
	for (int64_t w = 0; from < l->count && aml_go(a, 1); w++)
	{
		int64_t		later = a->count;
		uint32_t   *now;
		int64_t		begin;
		int64_t		end;

		if (a->p->half)
		{
			while (w + 3 < a->p->halves && a->p->half[w + 2] <= l->ts[from])
				w++;
			begin = a->p->half[w];
			end = a->p->half[w + 2];
		}
		else
		{
			int64_t		least = (l->ts[from] - l->ts[0]) / half - (a->p->time_window - 1) / half;

			w = w < least ? least : w;
			begin = l->ts[0] + w * half;
			end = rk_window_over(begin, a->p->time_window);
		}
		now = c.found[w % 2];
		while (from < l->count && l->ts[from] < begin)
			from++;
		for (to = to > from ? to : from; to < l->count && l->ts[to] < end; to++)
			;
		if (from == l->count)
			break;
		/* the window before the last one is out of reach */
		if (w != last_window + 1)
		{
			forget(a, earlier, later, c.found[last_window & 1]);
			earlier = later;
		}
		if (to - from >= 6)
		{
			list_pairs(a, &c, from, to);
			find_core(a, &c);
			write_components(a, &c, now);
			for (int64_t p = 0; p < c.pairs; p++)
				c.degree[2 * c.payer[p]] = c.degree[2 * c.payee[p] + 1] = 0;
			drop_contained(a, earlier, later, c.found[(w + 1) % 2], now);
		}
		if (a->status != RK_OK)
			break;
		forget(a, earlier, later, c.found[(w + 1) % 2]);
		earlier = later;
		last_window = w;
	}
	rk_free(a->ctx, c.first);
	rk_free(a->ctx, c.degree);
	rk_free(a->ctx, c.parent);
	rk_free(a->ctx, c.found[0]);
	rk_free(a->ctx, c.found[1]);
	rk_free(a->ctx, c.rows.list);
	rk_free(a->ctx, c.pair);
	rk_free(a->ctx, c.payer);
	rk_free(a->ctx, c.payee);
	rk_free(a->ctx, c.next_of_payer);
	rk_free(a->ctx, c.next_of_payee);
	rk_free(a->ctx, c.alive);
	rk_free(a->ctx, c.fallen);
}

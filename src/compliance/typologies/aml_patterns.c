/*
 * aml_patterns.c
 *	  The typologies of money laundering: what is looked for in which order,
 *	  what is left out again, and scores.
 */
#include "aml.h"

#include <string.h>

#include "../../compute/parallel.h"

const double rk_aml_points[] = {25, 15, 15, 25, 20, 15, 15, 25, 20, 20, 25, 10, 10, 5, 15};

#define LARGE (1u << RK_AML_SCATTER_GATHER | 1u << RK_AML_GATHER_SCATTER | 1u << RK_AML_BIPARTITE | \
	1u << RK_AML_STACK | 1u << RK_AML_ROUND_TRIPPING)
#define SMALL (1u << RK_AML_FAN_IN | 1u << RK_AML_FAN_OUT | 1u << RK_AML_LAYERING | 1u << RK_AML_FUNNEL_ACCOUNT)
#define OF_PAIRS (1u << RK_AML_SCATTER_GATHER | 1u << RK_AML_STACK | 1u << RK_AML_ROUND_TRIPPING | 1u << RK_AML_LAYERING)
#define FANS (1u << RK_AML_FAN_OUT | 1u << RK_AML_FAN_IN | 1u << RK_AML_FUNNEL_ACCOUNT | 1u << RK_AML_GATHER_SCATTER)

int
rk_aml_kind_named(const char *name)
{
	for (int k = 0; k < RK_AML_KINDS; k++)
		if (strcmp(rk_aml_kind_names[k], name) == 0)
			return k;
	return strcmp(name, "cycle") == 0 ? RK_AML_ROUND_TRIPPING : strcmp(name, "random") == 0 ? RK_AML_LAYERING : -1;
}

/* Whether a pattern has a transaction. */
static bool
has(const aml *a, const rk_aml_pattern *p, uint32_t position)
{
	const uint32_t *t = a->transactions + p->first_transaction;
	int64_t		i = aml_lower_bound(t, p->transactions, position);

	return i < p->transactions && t[i] == position;
}

/* Drops small patterns whose transactions are all in a larger one. */
static void
suppress(aml *a)
{
	int64_t    *offsets = aml_alloc(a, (int64_t) a->l->count + 1, sizeof(*offsets));
	int64_t    *place = aml_alloc(a, (int64_t) a->l->count + 1, sizeof(*place));
	uint32_t   *large = NULL;

	for (int64_t i = 0; i < a->count && aml_go(a, 1); i++)
		for (int64_t k = 0; k < a->list[i].transactions && (LARGE >> a->list[i].kind & 1) && !a->list[i].dropped; k++)
			offsets[a->transactions[a->list[i].first_transaction + k] + 1]++;
	for (uint32_t p = 0; p < a->l->count && a->status == RK_OK; p++)
	{
		offsets[p + 1] += offsets[p];
		place[p + 1] = offsets[p + 1];
	}
	if (a->status == RK_OK)
		large = aml_alloc(a, offsets[a->l->count], sizeof(*large));
	for (int64_t i = 0; i < a->count && aml_go(a, 1); i++)
		for (int64_t k = 0; k < a->list[i].transactions && (LARGE >> a->list[i].kind & 1) && !a->list[i].dropped; k++)
			large[place[a->transactions[a->list[i].first_transaction + k]]++] = (uint32_t) i;
	for (int64_t i = 0; i < a->count && aml_go(a, 1); i++)
	{
		rk_aml_pattern *p = &a->list[i];
		const uint32_t *t = a->transactions + p->first_transaction;
		uint32_t	rarest = t[0];

		if (!(SMALL >> p->kind & 1))
			continue;
		for (int64_t k = 1; k < p->transactions; k++)
			if (offsets[t[k] + 1] - offsets[t[k]] < offsets[rarest + 1] - offsets[rarest])
				rarest = t[k];
		for (int64_t c = offsets[rarest]; c < offsets[rarest + 1] && !p->dropped && aml_go(a, 1); c++)
		{
			const rk_aml_pattern *q = &a->list[large[c]];
			bool		all = q->transactions > p->transactions;

			for (int64_t k = 0; k < p->transactions && all && aml_go(a, 1); k++)
				all = has(a, q, t[k]);
			p->dropped = all;
		}
	}
	rk_free(a->ctx, offsets);
	rk_free(a->ctx, place);
	rk_free(a->ctx, large);
}

/* ---- searches side by side ---- */

static void
search_layers(aml *a)
{
	if (aml_wants(a, RK_AML_LAYERING))
		aml_find_layers(a);
}

static void
search_rapid(aml *a)
{
	if (aml_wants(a, RK_AML_RAPID_MOVEMENT))
		aml_find_rapid(a);
}

static void
search_stacks(aml *a)
{
	if (aml_wants(a, RK_AML_STACK))
		aml_find_stacks(a);
}

static void
search_bipartite(aml *a)
{
	if (aml_wants(a, RK_AML_BIPARTITE))
		aml_find_bipartite(a);
}

static void
search_scatter_gather(aml *a)
{
	if (aml_wants(a, RK_AML_SCATTER_GATHER))
		aml_find_scatter_gather(a);
}

static void
search_fans(aml *a)
{
	if (aml_wants(a, RK_AML_STRUCTURING))
		aml_find_structuring(a);
	if (a->p->kinds & FANS)
		aml_find_fans(a);
}

/* What does not need each other, the longest first. */
static void (*const searches[]) (aml *a) = {
	search_rapid, search_stacks, search_bipartite, search_scatter_gather, search_fans, search_layers
};

#define SEARCHES ((int) (sizeof(searches) / sizeof(searches[0])))

/* Cycles come before them, on all threads: layers leave out what is in cycles. */
#define CYCLES SEARCHES
#define PARTS (SEARCHES + 1)

typedef struct side_by_side
{
	aml		   *parts;			/* by search */
	rk_ctx	   *branches;
} side_by_side;

/* Scratch space by entity. */
static void
make_scratch(aml *a)
{
	a->member = aml_alloc(a, a->l->entities, sizeof(*a->member));
	a->times = aml_alloc(a, a->l->entities, sizeof(*a->times));
	a->stamp = aml_alloc(a, a->l->entities, sizeof(*a->stamp));
}

static void
free_scratch(aml *a)
{
	rk_free(a->ctx, a->member);
	rk_free(a->ctx, a->times);
	rk_free(a->ctx, a->stamp);
}

static void
run_search(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	side_by_side *s = arg;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		aml		   *a = &s->parts[i];

		rk_ctx_branch_thread(&s->branches[i], thread);
		make_scratch(a);
		if (a->status == RK_OK)
			searches[i] (a);
		free_scratch(a);
	}
}

/* Puts the patterns of the searches one behind the other. */
static void
take_patterns(aml *a, const aml *parts)
{
	for (int i = 0; i < PARTS; i++)
	{
		a->capacity += parts[i].count;
		a->entity_capacity += parts[i].entity_count;
		a->transaction_capacity += parts[i].transaction_count;
	}
	a->list = aml_alloc(a, a->capacity, sizeof(*a->list));
	a->entities = aml_alloc(a, a->entity_capacity, sizeof(*a->entities));
	a->roles = aml_alloc(a, a->entity_capacity, sizeof(*a->roles));
	a->transactions = aml_alloc(a, a->transaction_capacity, sizeof(*a->transactions));
	for (int i = 0; i < PARTS && a->status == RK_OK; i++)
	{
		const aml  *p = &parts[i];

		for (int64_t k = 0; k < p->count && aml_go(a, 1); k++)
		{
			rk_aml_pattern *to = &a->list[a->count++];

			*to = p->list[k];
			to->first_entity += a->entity_count;
			to->first_transaction += a->transaction_count;
		}
		if (p->entity_count > 0)
		{
			memcpy(a->entities + a->entity_count, p->entities, sizeof(*a->entities) * p->entity_count);
			memcpy(a->roles + a->entity_count, p->roles, sizeof(*a->roles) * p->entity_count);
		}
		if (p->transaction_count > 0)
			memcpy(a->transactions + a->transaction_count, p->transactions, sizeof(*a->transactions) * p->transaction_count);
		a->entity_count += p->entity_count;
		a->transaction_count += p->transaction_count;
		a->skipped += p->skipped;
		rk_free(a->ctx, p->list);
		rk_free(a->ctx, p->entities);
		rk_free(a->ctx, p->roles);
		rk_free(a->ctx, p->transactions);
	}
}

/* Each search on a thread, with memory of its own; what they find is put together in their order. */
static void
search_side_by_side(aml *a)
{
	side_by_side s;
	rk_status	status;

	s.parts = aml_alloc(a, PARTS, sizeof(*s.parts));
	s.branches = aml_alloc(a, SEARCHES, sizeof(*s.branches));
	if (a->status != RK_OK)
		return;
	for (int i = 0; i < PARTS; i++)
		s.parts[i] = (aml) {
			.ctx = i == CYCLES ? a->ctx : &s.branches[i], .l = a->l, .p = a->p, .status = RK_OK, .skip = a->skip,
			.in_cycle = a->in_cycle
		};
	if (aml_wants(a, RK_AML_ROUND_TRIPPING))
	{
		make_scratch(&s.parts[CYCLES]);
		aml_find_cycles(&s.parts[CYCLES]);
		free_scratch(&s.parts[CYCLES]);
		a->status = s.parts[CYCLES].status;
	}
	if (a->status != RK_OK)
		return;
	rk_ctx_branch(a->ctx, s.branches, SEARCHES);
	status = rk_parallel_for(a->ctx, SEARCHES, 1, run_search, &s);
	rk_ctx_join(a->ctx, s.branches, SEARCHES);
	a->status = status;
	for (int i = 0; i < SEARCHES && a->status == RK_OK; i++)
		a->status = s.parts[i].status;
	take_patterns(a, s.parts);
	rk_free(a->ctx, s.parts);
	rk_free(a->ctx, s.branches);
}

/* Everything that is looked for, in the order in which one needs the other. */
static void
search_all(aml *a, uint32_t wanted)
{
	if (a->p->kinds & OF_PAIRS)
	{
		rk_phase(a->ctx, "linked pairs", a->l->entities);
		aml_count_pairs(a);
	}
	rk_phase(a->ctx, "patterns", SEARCHES);
	search_side_by_side(a);
	rk_phase(a->ctx, "profiles", a->l->entities);
	if (aml_wants(a, RK_AML_UNUSUAL_VOLUME))
		aml_find_unusual_volume(a);
	if (aml_wants(a, RK_AML_GEOGRAPHIC_ANOMALY))
		aml_find_geographic(a);
	if (aml_wants(a, RK_AML_TIMING_ANOMALY))
		aml_find_timing(a);
	if (aml_wants(a, RK_AML_COUNTERPARTY_RISK))
		aml_find_counterparties(a);
	/* what was needed only to find something else */
	for (int64_t i = 0; i < a->count; i++)
		if (!(wanted >> a->list[i].kind & 1))
			a->list[i].dropped = true;
	if (a->p->suppress_contained && a->status == RK_OK)
		suppress(a);
}

/* By kind, then by the first transaction, then as found. */
static void
put_in_order(aml *a, rk_aml_result *result)
{
	aml_triples order = {0};

	for (int64_t i = 0; i < a->count && aml_go(a, 1); i++)
		if (!a->list[i].dropped)
			aml_add_triple(a, &order, (aml_triple) {
				a->list[i].kind, a->transactions[a->list[i].first_transaction], (uint32_t) i
			});
	aml_sort_triples(a, &order);
	result->list = aml_alloc(a, order.count, sizeof(*result->list));
	result->count = order.count;
	for (int64_t i = 0; i < order.count && aml_go(a, 1); i++)
		result->list[i] = a->list[order.list[i].c];
	rk_free(a->ctx, order.list);
	result->entities = a->entities;
	result->roles = a->roles;
	result->transactions = a->transactions;
	result->skipped = a->skipped;
}

rk_status
rk_aml_patterns(rk_ctx *ctx, const rk_ledger *l, const rk_aml_params *params, rk_aml_result *result)
{
	rk_aml_params p = *params;
	aml			a = {.ctx = ctx, .l = l, .p = &p, .status = RK_OK};

	*result = (rk_aml_result) {0};
	if (p.kinds >> RK_AML_COUNTERPARTY_RISK & 1)
		p.kinds |= RK_AML_STRUCTURAL;
	/* layers leave out what is in cycles */
	if (p.kinds >> RK_AML_LAYERING & 1)
		p.kinds |= 1u << RK_AML_ROUND_TRIPPING;
	make_scratch(&a);
	a.skip = aml_alloc(&a, l->entities, sizeof(*a.skip));
	a.in_cycle = aml_alloc(&a, l->count, sizeof(*a.in_cycle));
	if (a.status == RK_OK)
		search_all(&a, params->kinds);
	if (a.status == RK_OK)
		put_in_order(&a, result);
	return a.status;
}

/* ---- scores ---- */

rk_status
rk_aml_score_entities(rk_ctx *ctx, const rk_ledger *l, const rk_aml_result *result, rk_aml_entity *scores)
{
	bool	   *as_source = rk_alloc0(ctx, l->count, sizeof(*as_source));
	bool	   *as_target = rk_alloc0(ctx, l->count, sizeof(*as_target));
	uint32_t   *member = rk_alloc0(ctx, l->entities, sizeof(*member));
	int64_t		work = 0;

	if (!as_source || !as_target || !member)
		return RK_ERR_MEMORY;
	memset(scores, 0, sizeof(*scores) * l->entities);
	for (int64_t i = 0; i < result->count; i++)
	{
		const rk_aml_pattern *p = &result->list[i];

		for (int64_t k = 0; k < p->entities; k++)
		{
			rk_aml_entity *e = &scores[result->entities[p->first_entity + k]];

			e->kinds |= 1u << p->kind;
			e->patterns++;
			e->score += rk_aml_points[p->kind] * p->confidence;
			member[result->entities[p->first_entity + k]] = (uint32_t) i + 1;
		}
		for (int64_t k = 0; k < p->transactions; k++)
		{
			uint32_t	t = result->transactions[p->first_transaction + k];
			uint32_t	source = l->source[t];
			uint32_t	target = l->target[t];

			if (member[source] == (uint32_t) i + 1 && !as_source[t])
			{
				as_source[t] = true;
				scores[source].transactions++;
			}
			if (target != source && member[target] == (uint32_t) i + 1 && !as_target[t])
			{
				as_target[t] = true;
				scores[target].transactions++;
			}
		}
		work += p->entities + p->transactions;
		if (work > 8192)
		{
			work = 0;
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
	}
	for (uint32_t e = 0; e < l->entities; e++)
		scores[e].score = scores[e].score < 100 ? scores[e].score : 100;
	rk_free(ctx, as_source);
	rk_free(ctx, as_target);
	rk_free(ctx, member);
	return RK_OK;
}

double
rk_aml_score(const rk_aml_result *result)
{
	double		score = 0;

	for (int64_t i = 0; i < result->count; i++)
		score += rk_aml_points[result->list[i].kind] * result->list[i].confidence;
	return score < 100 ? score : 100;
}

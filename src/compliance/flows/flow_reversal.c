/*
 * flow_reversal.c
 *	  Payments that come straight back.
 *
 * Transactions are sorted by pair of entities and time.  In a pair, the
 * reversals that an original may have follow it, up to the end of its window.
 */
#include "flows.h"

#include "../../compute/parallel.h"

#include <math.h>
#include <stdlib.h>

#define CHUNK_PAIRS 1024
#define POLL_STEPS (1 << 16)
#define EXACT 0.99				/* ratio from which two amounts are the same */

typedef struct reversal_state
{
	rk_ctx	   *ctx;
	const rk_transactions *t;
	const rk_reversal_params *p;
	const rk_pairs *groups;
	bool	   *used;			/* by place in groups->rows */
	int64_t    *counts;			/* reversals of each group; then where they begin */
	rk_reversal *list;			/* NULL: only count */
} reversal_state;

static rk_reversal_level
level_of(const reversal_state *s, uint32_t original, uint32_t reversal, double ratio)
{
	int64_t		ts = s->t->ts[reversal];
	bool		exact = ratio >= EXACT;

	if (ts < rk_window_end(s->p->critical, s->t, original))
		return exact ? RK_REVERSAL_CRITICAL : RK_REVERSAL_HIGH;
	if (ts < rk_window_end(s->p->suspicious, s->t, original))
		return exact ? RK_REVERSAL_HIGH : RK_REVERSAL_SUSPICIOUS;
	return exact ? RK_REVERSAL_SUSPICIOUS : RK_REVERSAL_NORMAL;
}

/* The smaller of two amounts by the larger; 0 where that is 0. */
static double
match_ratio(rk_decimal a, rk_decimal b)
{
	rk_decimal	smaller = a < b ? a : b;
	rk_decimal	larger = a < b ? b : a;

	return smaller == 0 ? 0 : rk_money_ratio(smaller, larger);
}

/* Pairs of one group; false: stop. */
static bool
match_group(reversal_state *s, int64_t g, int thread, int64_t *steps)
{
	const rk_transactions *t = s->t;
	const uint32_t *rows = s->groups->rows;
	int64_t		end = s->groups->offsets[g + 1];
	int64_t		found = 0;

	for (int64_t i = s->groups->offsets[g]; i < end; i++)
	{
		int64_t		last_ts = rk_window_end(s->p->max, t, rows[i]);
		int64_t		best = -1;
		double		best_ratio = 0;

		if (!s->p->all_pairs && s->used[i])
			continue;
		for (int64_t j = i + 1; j < end && t->ts[rows[j]] <= last_ts; j++)
		{
			double		ratio;

			if (++*steps % POLL_STEPS == 0 && rk_chunk_should_stop(s->ctx, thread))
				return false;
			if (t->source[rows[j]] == t->source[rows[i]] || t->ts[rows[j]] == t->ts[rows[i]] ||
				(!s->p->all_pairs && s->used[j]))
				continue;
			ratio = match_ratio(t->amount[rows[i]], t->amount[rows[j]]);
			if (ratio == 0 || ratio < s->p->min_ratio)
				continue;
			if (s->p->all_pairs)
			{
				if (s->list)
					s->list[s->counts[g] + found] = (rk_reversal) {rows[i], rows[j], ratio, level_of(s, rows[i], rows[j], ratio)};
				found++;
			}
			else if (ratio > best_ratio)
			{
				best = j;
				best_ratio = ratio;
				if (ratio == 1)
					break;
			}
		}
		if (best < 0)
			continue;
		s->used[i] = s->used[best] = true;
		/* half of the group's places are enough for its pairs */
		s->list[s->groups->offsets[g] + found++] = (rk_reversal) {rows[i], rows[best], best_ratio,
			level_of(s, rows[i], rows[best], best_ratio)};
	}
	if (!s->p->all_pairs || s->list == NULL)
		s->counts[g] = found;
	return true;
}

static void
match_groups(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	int64_t		steps = 0;

	(void) chunk;
	for (int64_t g = begin; g < end; g++)
		if (!match_group(arg, g, thread, &steps))
			return;
}

/* One to one: what each group has found is in its own places; close the gaps. */
static rk_status
find_one_to_one(reversal_state *s, rk_reversals *result)
{
	int64_t		places = s->groups->offsets[s->groups->count];
	rk_status	status;

	s->used = rk_alloc0(s->ctx, places, sizeof(bool));
	s->list = rk_alloc(s->ctx, places, sizeof(rk_reversal));
	if (!s->used || !s->list)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(s->ctx, s->groups->count, CHUNK_PAIRS, match_groups, s)) != RK_OK)
		return status;
	for (int64_t g = 0; g < s->groups->count; g++)
		for (int64_t k = 0; k < s->counts[g]; k++)
			s->list[result->count++] = s->list[s->groups->offsets[g] + k];
	rk_free(s->ctx, s->used);
	return RK_OK;
}

/* All pairs: counted first, as there may be many. */
static rk_status
find_all_pairs(reversal_state *s, rk_reversals *result)
{
	rk_status	status;

	if ((status = rk_parallel_for(s->ctx, s->groups->count, CHUNK_PAIRS, match_groups, s)) != RK_OK)
		return status;
	for (int64_t g = 0; g < s->groups->count; g++)
	{
		int64_t		found = s->counts[g];

		s->counts[g] = result->count;
		result->count += found;
	}
	if ((s->list = rk_alloc(s->ctx, result->count, sizeof(rk_reversal))) == NULL)
		return RK_ERR_MEMORY;
	return rk_parallel_for(s->ctx, s->groups->count, CHUNK_PAIRS, match_groups, s);
}

/* Puts the reversals into the order of their originals; those of one are in order. */
static rk_status
sort_reversals(rk_ctx *ctx, const uint32_t *order, int64_t rows, rk_reversals *result)
{
	uint32_t   *place = rk_alloc(ctx, rows, sizeof(uint32_t));
	rk_keyed_row *list = rk_alloc(ctx, result->count, sizeof(rk_keyed_row));
	rk_keyed_row *scratch = rk_alloc(ctx, result->count, sizeof(rk_keyed_row));
	rk_reversal *sorted = rk_alloc(ctx, result->count, sizeof(rk_reversal));
	rk_status	status;

	if (!place || !list || !scratch || !sorted)
		return RK_ERR_MEMORY;
	if (result->count > RK_MAX_TRANSACTIONS)
		return rk_fail(ctx, RK_ERR_LIMIT, "more than %lld reversals", (long long) RK_MAX_TRANSACTIONS);
	for (int64_t i = 0; i < rows; i++)
		place[order[i]] = (uint32_t) i;
	for (int64_t i = 0; i < result->count; i++)
		list[i] = (rk_keyed_row) {place[result->list[i].original], (uint32_t) i};
	status = rk_sort_keyed_rows(ctx, &list, &scratch, result->count, (uint64_t) rows);
	for (int64_t i = 0; status == RK_OK && i < result->count; i++)
		sorted[i] = result->list[list[i].row];
	rk_free(ctx, place);
	rk_free(ctx, list);
	rk_free(ctx, scratch);
	rk_free(ctx, result->list);
	result->list = sorted;
	return status;
}

static void
measure(const rk_transactions *t, rk_reversals *r)
{
	int64_t		severe = 0;

	for (int64_t i = 0; i < r->count; i++)
	{
		const rk_reversal *x = &r->list[i];

		r->volume += t->amount[x->original] + t->amount[x->reversal];
		r->by_entity[t->source[x->original]]++;
		r->by_entity[t->target[x->original]]++;
		severe += x->level >= RK_REVERSAL_HIGH;
	}
	for (int64_t e = 0; e < t->entities; e++)
		r->repeat_offenders += r->by_entity[e] >= 2;
	r->volume_ratio = rk_money_ratio(r->volume, t->total);
	r->risk_score = fmin(100, 5.0 * r->count + 15.0 * severe + 10.0 * r->repeat_offenders +
						 (isnan(r->volume_ratio) ? 0 : 50 * r->volume_ratio));
}

rk_status
rk_compliance_reversals(rk_ctx *ctx, const rk_transactions *t, const rk_reversal_params *p, rk_reversals *result)
{
	rk_pairs	groups;
	reversal_state s = {.ctx = ctx,.t = t,.p = p,.groups = &groups};
	uint32_t   *order;
	rk_status	status;

	*result = (rk_reversals) {0};
	if ((status = rk_transactions_order(ctx, t, &order)) != RK_OK ||
		(status = rk_pairs_build(ctx, t, order, t->count, &groups)) != RK_OK)
		return status;
	s.counts = rk_alloc0(ctx, groups.count, sizeof(int64_t));
	result->by_entity = rk_alloc0(ctx, t->entities, sizeof(int64_t));
	if (!s.counts || !result->by_entity)
		return RK_ERR_MEMORY;
	status = p->all_pairs ? find_all_pairs(&s, result) : find_one_to_one(&s, result);
	if (status != RK_OK)
		return status;
	result->list = s.list;
	rk_free(ctx, s.counts);
	rk_free(ctx, groups.offsets);
	rk_free(ctx, groups.rows);
	if ((status = sort_reversals(ctx, order, t->count, result)) != RK_OK)
		return status;
	rk_free(ctx, order);
	measure(t, result);
	return RK_OK;
}

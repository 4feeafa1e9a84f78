/*
 * dvp_matching.c
 *	  Deliveries and receipts of a list, paired.
 *
 * Instructions that can be partners stand in one group: of one block, and with
 * strict parties of the same two.  Groups are found by hashing, ordered by
 * side, quantity and amount, and worked off by themselves.  Method best_first
 * pairs what is alike in quantity and amount without looking at other pairs,
 * as no other has a larger confidence; what is left, and the other methods, list
 * the pairs that are possible: of a delivery the receipts whose amounts are
 * near, which are neighbours in the order of amounts.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* qsort_r */
#endif

#include "dvp_groups.h"

#include <stdlib.h>
#include <string.h>

#include "../compute/parallel.h"
#include "../compute/random.h"

#define OPTIMAL_MAX INT64_C(400000000)	/* deliveries times receipts of a group */

/* ---- two instructions ---- */

static bool
same_reference(const rk_dvp_instruction *a, const rk_dvp_instruction *b)
{
	return a->reference[0] == b->reference[0] && a->reference[1] == b->reference[1];
}

static bool
has_reference(const rk_dvp_instruction *a)
{
	return (a->reference[0] | a->reference[1]) != 0;
}

/* What trade dates and references say against a pair. */
static int
conflicts(const rk_dvp_rules *rules, const rk_dvp_instruction *d, const rk_dvp_instruction *r)
{
	int			found = 0;

	if (d->trade_date != RK_DVP_NONE && r->trade_date != RK_DVP_NONE && d->trade_date != r->trade_date)
		found |= RK_DVP_TRADE_DATE;
	if (rules->match_reference && has_reference(d) && has_reference(r) && !same_reference(d, r))
		found |= RK_DVP_REFERENCE;
	return found;
}

/* The difference of two numbers by the larger one; 0 for two zeros. */
static double
relative_gap(rk_decimal a, rk_decimal b)
{
	rk_decimal	larger = a > b ? a : b;

	return larger == 0 ? 0 : (double) (a > b ? a - b : b - a) / (double) larger;
}

/* Whether two amounts are within the tolerance. */
static bool
amounts_fit(const rk_dvp_rules *rules, const rk_dvp_instruction *d, const rk_dvp_instruction *r)
{
	rk_decimal	larger = d->amount > r->amount ? d->amount : r->amount;

	if (rules->t2s)
		return rk_dvp_amount_gap(d, r) <= (larger <= 100000 * rules->amount_unit ? 2 : 25) * rules->amount_unit;
	return relative_gap(d->amount, r->amount) <= rules->amount_tolerance;
}

bool
rk_dvp_compare(const rk_dvp_rules *rules, const rk_dvp_instruction *d, const rk_dvp_instruction *r,
			   double *confidence, int *differences)
{
	double		quantity_gap = relative_gap(d->quantity, r->quantity);
	double		score = (1 - quantity_gap) * (1 - relative_gap(d->amount, r->amount));
	int			parties = 0;
	int			unequal = 0;
	int			failing = conflicts(rules, d, r);

	if (d->deliverer != r->deliverer)
	{
		parties |= RK_DVP_DELIVERER;
		score *= 0.5;
	}
	if (d->receiver != r->receiver)
	{
		parties |= RK_DVP_RECEIVER;
		score *= 0.5;
	}
	unequal = parties | (d->quantity != r->quantity ? RK_DVP_QUANTITY : 0) | (d->amount != r->amount ? RK_DVP_AMOUNT : 0);
	if (rules->strict_counterparty)
		failing |= parties;
	if (rules->strict_quantity ? d->quantity != r->quantity : quantity_gap > rules->quantity_tolerance)
		failing |= RK_DVP_QUANTITY;
	if (!amounts_fit(rules, d, r))
		failing |= RK_DVP_AMOUNT;
	if (failing == 0 && score < rules->min_confidence)
		failing = RK_DVP_CONFIDENCE;
	*confidence = score;
	*differences = failing ? failing : unequal;
	return failing == 0;
}

/* ---- groups ---- */

static uint64_t
group_hash(const rk_dvp_matching *m, const rk_dvp_instruction *i)
{
	uint64_t	h = rk_hash3((uint64_t) i->security << 32 | i->currency, (uint64_t) (uint32_t) i->settlement_date,
							 m->by_parties ? i->deliverer : 0);

	return m->by_parties ? rk_hash_fold(h, i->receiver) : h;
}

static bool
same_group(const rk_dvp_matching *m, const rk_dvp_instruction *a, const rk_dvp_instruction *b)
{
	return rk_dvp_same_block(a, b) && (!m->by_parties || (a->deliverer == b->deliverer && a->receiver == b->receiver));
}

/* Hashes some instructions, and fetches what their slots hold: one wait for all of them. */
static void
fetch_groups(const rk_dvp_matching *m, int64_t begin, int64_t end, const uint32_t *slots, uint64_t mask, uint64_t *hashes)
{
	for (int64_t i = begin; i < end; i++)
	{
		hashes[i - begin] = group_hash(m, &m->list[i]) & mask;
		__builtin_prefetch(&slots[hashes[i - begin]], 1);
	}
	for (int64_t i = begin; i < end; i++)
		if (slots[hashes[i - begin]] != 0)
		{
			/* its parties, and its block */
			__builtin_prefetch(&m->list[slots[hashes[i - begin]] - 1].deliverer);
			__builtin_prefetch(&m->list[slots[hashes[i - begin]] - 1].security);
		}
}

/* Numbers the groups of pending instructions and lists their members. */
static rk_status
find_groups(rk_dvp_matching *m, int64_t n)
{
	uint64_t	mask = 1;
	uint32_t   *slots;			/* a member of the group + 1 */
	uint32_t   *group;
	int64_t    *sizes;
	uint64_t	hashes[RK_DVP_AHEAD];

	while (mask < (uint64_t) n * 2)
		mask *= 2;
	mask--;
	slots = rk_alloc0(m->ctx, (int64_t) mask + 1, sizeof(uint32_t));
	group = rk_alloc(m->ctx, n, sizeof(uint32_t));
	sizes = rk_alloc0(m->ctx, n + 1, sizeof(int64_t));
	if (!slots || !group || !sizes)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
	{
		uint64_t	at;

		if (i % 4096 == 0 && rk_ctx_poll(m->ctx))
			return RK_STOPPED;
		if (i % RK_DVP_AHEAD == 0)
			fetch_groups(m, i, i + RK_DVP_AHEAD < n ? i + RK_DVP_AHEAD : n, slots, mask, hashes);
		if (m->list[i].status != RK_DVP_PENDING)
			continue;
		for (at = hashes[i % RK_DVP_AHEAD];
			 slots[at] != 0 && !same_group(m, &m->list[slots[at] - 1], &m->list[i]); at = (at + 1) & mask)
			;
		if (slots[at] == 0)
		{
			slots[at] = (uint32_t) i + 1;
			group[i] = (uint32_t) m->groups++;
		}
		else
			group[i] = group[slots[at] - 1];
		sizes[group[i] + 1]++;
		m->result->pending++;
	}
	rk_free(m->ctx, slots);
	m->starts = rk_alloc(m->ctx, m->groups + 1, sizeof(int64_t));
	m->receipts = rk_alloc(m->ctx, m->groups, sizeof(int64_t));
	m->members = rk_alloc(m->ctx, m->result->pending, sizeof(uint32_t));
	m->by_amount = rk_alloc(m->ctx, m->result->pending, sizeof(uint32_t));
	m->skip = rk_alloc(m->ctx, m->result->pending * 2, sizeof(uint32_t));
	if (!m->starts || !m->receipts || !m->members || !m->by_amount || !m->skip)
		return RK_ERR_MEMORY;
	for (int64_t g = 0; g < m->groups; g++)
		sizes[g + 1] += sizes[g];
	memcpy(m->starts, sizes, sizeof(int64_t) * (m->groups + 1));
	for (int64_t i = 0; i < n; i++)
		if (m->list[i].status == RK_DVP_PENDING)
			m->members[sizes[group[i]]++] = (uint32_t) i;
	rk_free(m->ctx, sizes);
	rk_free(m->ctx, group);
	return RK_OK;
}

static int
compare_decimals(rk_decimal a, rk_decimal b)
{
	return (a > b) - (a < b);
}

/* By id, then by place in the list. */
static int
compare_ids(const rk_dvp_instruction *a, const rk_dvp_instruction *b)
{
	return a->id != b->id ? (a->id > b->id) - (a->id < b->id) : (a > b) - (a < b);
}

static int
by_quantity(const void *a, const void *b, void *arg)
{
	const rk_dvp_instruction *list = arg;
	const rk_dvp_instruction *x = &list[*(const uint32_t *) a];
	const rk_dvp_instruction *y = &list[*(const uint32_t *) b];

	if (x->side != y->side)
		return x->side - y->side;
	if (x->quantity != y->quantity)
		return compare_decimals(x->quantity, y->quantity);
	return x->amount != y->amount ? compare_decimals(x->amount, y->amount) : compare_ids(x, y);
}

int
rk_dvp_by_amount(const void *a, const void *b, void *arg)
{
	const rk_dvp_instruction *list = arg;
	const rk_dvp_instruction *x = &list[*(const uint32_t *) a];
	const rk_dvp_instruction *y = &list[*(const uint32_t *) b];

	return x->amount != y->amount ? compare_decimals(x->amount, y->amount) : compare_ids(x, y);
}

/* References in some order, those without one first, then by id. */
static int
by_reference(const void *a, const void *b, void *arg)
{
	const rk_dvp_instruction *list = arg;
	const rk_dvp_instruction *x = &list[*(const uint32_t *) a];
	const rk_dvp_instruction *y = &list[*(const uint32_t *) b];

	for (int i = 0; i < 2; i++)
		if (x->reference[i] != y->reference[i])
			return x->reference[i] > y->reference[i] ? 1 : -1;
	return compare_ids(x, y);
}

void
rk_dvp_sort_places(const rk_dvp_matching *m, uint32_t *places, int64_t n, int (*compare) (const void *, const void *, void *))
{
	if (n > 2)
		qsort_r(places, n, sizeof(uint32_t), compare, (void *) m->list);
	else if (n == 2 && compare(&places[0], &places[1], (void *) m->list) > 0)
	{
		uint32_t	first = places[0];

		places[0] = places[1];
		places[1] = first;
	}
}

/* ---- results ---- */

static void
join_as(rk_dvp_matching *m, uint32_t delivery, uint32_t receipt, double confidence, int differences)
{
	m->result->partner[delivery] = receipt;
	m->result->partner[receipt] = delivery;
	m->result->confidence[delivery] = m->result->confidence[receipt] = confidence;
	m->result->differences[delivery] = m->result->differences[receipt] = (uint16_t) differences;
}

static void
join(rk_dvp_matching *m, uint32_t delivery, uint32_t receipt)
{
	double		confidence;
	int			differences;

	(void) rk_dvp_compare(m->rules, &m->list[delivery], &m->list[receipt], &confidence, &differences);
	join_as(m, delivery, receipt, confidence, differences);
}

/* Two of the same parties, quantity and amount. */
static void
join_equals(rk_dvp_matching *m, uint32_t delivery, uint32_t receipt)
{
	join_as(m, delivery, receipt, 1, 0);
}

/* ---- instructions alike in quantity and amount ---- */

/* The first free place from at on in a list of places; n is its end. */
static uint32_t
first_free(uint32_t *skip, uint32_t at)
{
	while (skip[at] != at)
	{
		skip[at] = skip[skip[at]];
		at = skip[at];
	}
	return at;
}

/* A list of receipts, and for each place the next one that is free. */
typedef struct free_list
{
	const rk_dvp_matching *m;
	const uint32_t *receipts;
	uint32_t   *skip;			/* one entry more than receipts */
	uint32_t	n;
} free_list;

static void
make_free_list(free_list *l, const rk_dvp_matching *m, const uint32_t *receipts, uint32_t n, uint32_t *skip)
{
	*l = (free_list) {m, receipts, skip, n};
	for (uint32_t i = 0; i <= n; i++)
		skip[i] = i;
}

/* From this place on the first free receipt that nothing speaks against; as whole or of one reference. */
static uint32_t
first_fitting(const free_list *l, uint32_t at, const rk_dvp_instruction *d, const uint64_t *reference)
{
	for (at = first_free(l->skip, at); at < l->n; at = first_free(l->skip, at + 1))
	{
		const rk_dvp_instruction *r = &l->m->list[l->receipts[at]];

		if (reference && memcmp(r->reference, reference, sizeof(r->reference)) != 0)
			return l->n;
		if (!rk_dvp_is_free(l->m, l->receipts[at]))
			l->skip[at] = at + 1;	/* taken by way of the other list */
		else if (conflicts(l->m->rules, d, r) == 0)
			return at;
	}
	return l->n;
}

/* Where a reference begins in a list ordered by it. */
static uint32_t
reference_start(const free_list *l, const uint64_t *reference)
{
	uint32_t	low = 0;
	uint32_t	high = l->n;

	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;
		const uint64_t *other = l->m->list[l->receipts[middle]].reference;

		if (other[0] != reference[0] ? other[0] < reference[0] : other[1] < reference[1])
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Pairs deliveries and receipts that are alike: each delivery by its id takes
 * the receipt with the smallest id that nothing speaks against.
 */
static void
match_alike(rk_dvp_matching *m, const uint32_t *deliveries, int64_t k, const uint32_t *receipts, int64_t n, uint32_t *scratch,
			uint32_t *skips)
{
	static const uint64_t none[2] = {0, 0};
	free_list	all;
	free_list	sorted;

	if (k == 1 && n == 1)
	{
		if (conflicts(m->rules, &m->list[deliveries[0]], &m->list[receipts[0]]) == 0)
			join_equals(m, deliveries[0], receipts[0]);
		return;
	}
	memcpy(scratch, receipts, sizeof(uint32_t) * n);
	rk_dvp_sort_places(m, scratch, n, by_reference);
	make_free_list(&all, m, receipts, (uint32_t) n, skips);
	make_free_list(&sorted, m, scratch, (uint32_t) n, skips + n + 1);
	for (int64_t i = 0; i < k; i++)
	{
		const rk_dvp_instruction *d = &m->list[deliveries[i]];
		uint32_t	found = RK_DVP_ALONE;

		if (m->rules->match_reference && has_reference(d))
		{
			uint32_t	with = first_fitting(&sorted, reference_start(&sorted, d->reference), d, d->reference);
			uint32_t	without = first_fitting(&sorted, 0, d, none);

			if (with < sorted.n)
				found = scratch[with];
			if (without < sorted.n &&
				(found == RK_DVP_ALONE || compare_ids(&m->list[scratch[without]], &m->list[found]) < 0))
				found = scratch[without];
		}
		else
		{
			uint32_t	at = first_fitting(&all, 0, d, NULL);

			if (at < all.n)
				found = receipts[at];
		}
		if (found != RK_DVP_ALONE)
			join_equals(m, deliveries[i], found);
	}
}

/* All classes of equals of a group, whose members are in order. */
static void
match_equals(rk_dvp_matching *m, int64_t g)
{
	const rk_dvp_instruction *list = m->list;
	const uint32_t *member = m->members;
	int64_t		d = m->starts[g];
	int64_t		r = m->receipts[g];

	while (d < m->receipts[g] && r < m->starts[g + 1])
	{
		const rk_dvp_instruction *x = &list[member[d]];
		const rk_dvp_instruction *y = &list[member[r]];
		int			order = x->quantity != y->quantity ? compare_decimals(x->quantity, y->quantity) :
			compare_decimals(x->amount, y->amount);
		int64_t		d_end = d + 1;
		int64_t		r_end = r + 1;

		if (order != 0)
		{
			*(order < 0 ? &d : &r) += 1;
			continue;
		}
		while (d_end < m->receipts[g] && list[member[d_end]].quantity == x->quantity && list[member[d_end]].amount == x->amount)
			d_end++;
		while (r_end < m->starts[g + 1] && list[member[r_end]].quantity == y->quantity && list[member[r_end]].amount == y->amount)
			r_end++;
		/* a class has at least one delivery, so that two entries more fit in its scratch space */
		match_alike(m, member + d, d_end - d, member + r, r_end - r, m->by_amount + r,
					m->skip + 2 * (m->starts[g] + (r - m->receipts[g])));
		d = d_end;
		r = r_end;
	}
}

/* ---- pairs that are possible ---- */

/* The free receipts of a group in the order of their amounts; returns how many. */
static int64_t
list_free_receipts(rk_dvp_matching *m, int64_t g, bool all)
{
	uint32_t   *out = m->by_amount + m->receipts[g];
	int64_t		n = 0;

	for (int64_t i = m->receipts[g]; i < m->starts[g + 1]; i++)
		if (all || rk_dvp_is_free(m, m->members[i]))
			out[n++] = m->members[i];
	rk_dvp_sort_places(m, out, n, rk_dvp_by_amount);
	return n;
}

int64_t
rk_dvp_amount_start(const rk_dvp_matching *m, const uint32_t *receipts, int64_t n, rk_decimal amount)
{
	int64_t		low = 0;
	int64_t		high = n;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (m->list[receipts[middle]].amount < amount)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether no amount further away than this one can fit. */
static bool
too_far(const rk_dvp_rules *rules, const rk_dvp_instruction *d, const rk_dvp_instruction *r)
{
	return rules->t2s ? rk_dvp_amount_gap(d, r) > 25 * rules->amount_unit : !amounts_fit(rules, d, r);
}

/* Counts the possible pairs of one delivery; writes them where out is not NULL. */
static int64_t
pairs_of(const rk_dvp_matching *m, uint32_t delivery, const uint32_t *receipts, int64_t n, rk_dvp_possible *out)
{
	const rk_dvp_instruction *d = &m->list[delivery];
	int64_t		start = rk_dvp_amount_start(m, receipts, n, d->amount);
	int64_t		count = 0;

	for (int step = -1; step <= 1; step += 2)
	{
		for (int64_t i = step < 0 ? start - 1 : start; i >= 0 && i < n; i += step)
		{
			double		confidence;
			int			differences;

			if (too_far(m->rules, d, &m->list[receipts[i]]))
				break;			/* the next ones are further away */
			if (!rk_dvp_compare(m->rules, d, &m->list[receipts[i]], &confidence, &differences))
				continue;
			if (out)
				out[count] = (rk_dvp_possible) {confidence, rk_dvp_amount_gap(d, &m->list[receipts[i]]), delivery, receipts[i]};
			count++;
		}
	}
	return count;
}

static int
best_pair_first(const void *a, const void *b, void *arg)
{
	const rk_dvp_matching *m = arg;
	const rk_dvp_possible *x = a;
	const rk_dvp_possible *y = b;
	int			order;

	if (m->method == RK_DVP_FIFO && x->delivery != y->delivery)
		return x->delivery < y->delivery ? -1 : 1;
	if (x->confidence != y->confidence)
		return x->confidence > y->confidence ? -1 : 1;
	if (x->gap != y->gap)
		return compare_decimals(x->gap, y->gap);
	order = compare_ids(&m->list[x->delivery], &m->list[y->delivery]);
	return order != 0 ? order : compare_ids(&m->list[x->receipt], &m->list[y->receipt]);
}

/* Fetches what the members of a later group need. */
static void
fetch_member(const rk_dvp_matching *m, int64_t at)
{
	if (at < m->result->pending)
	{
		const char *x = (const char *) &m->list[m->members[at]];

		__builtin_prefetch(x);
		__builtin_prefetch(x + 64);
		__builtin_prefetch(&m->result->partner[m->members[at]], 1);
		__builtin_prefetch(&m->result->confidence[m->members[at]], 1);
		__builtin_prefetch(&m->result->differences[m->members[at]], 1);
	}
}

/* Orders a group; pairs its equals; counts what else is possible. */
static void
begin_groups(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rk_dvp_matching *m = arg;

	(void) chunk;
	for (int64_t g = begin; g < end; g++)
	{
		int64_t		n;
		int64_t		at = m->starts[g];

		if (rk_dvp_stop_at(m, g, thread))
			return;
		fetch_member(m, at + RK_DVP_AHEAD);
		fetch_member(m, at + RK_DVP_AHEAD + 1);
		rk_dvp_sort_places(m, m->members + at, m->starts[g + 1] - at, by_quantity);
		while (at < m->starts[g + 1] && m->list[m->members[at]].side == RK_DVP_DELIVER)
			at++;
		m->receipts[g] = at;
		m->pair_starts[g + 1] = 0;
		if (at == m->starts[g] || at == m->starts[g + 1])
			continue;
		if (m->method == RK_DVP_BEST_FIRST && m->by_parties)
			match_equals(m, g);
		n = list_free_receipts(m, g, false);
		for (int64_t d = m->starts[g]; n > 0 && d < m->receipts[g]; d++)
		{
			if (d % 256 == 0 && rk_chunk_should_stop(m->ctx, thread))
				return;
			if (rk_dvp_is_free(m, m->members[d]))
				m->pair_starts[g + 1] += pairs_of(m, m->members[d], m->by_amount + m->receipts[g], n, NULL);
		}
	}
}

/* Lists the pairs of groups in their order, and takes the best of them one after the other. */
static void
end_groups(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rk_dvp_matching *m = arg;

	(void) chunk;
	for (int64_t g = begin; g < end; g++)
	{
		rk_dvp_possible *pairs = m->pairs + m->pair_starts[g];
		int64_t		count = 0;
		int64_t		n;

		if (rk_dvp_stop_at(m, g, thread))
			return;
		if (m->pair_starts[g + 1] == m->pair_starts[g])
			continue;
		n = list_free_receipts(m, g, false);
		for (int64_t d = m->starts[g]; d < m->receipts[g]; d++)
			if (rk_dvp_is_free(m, m->members[d]))
				count += pairs_of(m, m->members[d], m->by_amount + m->receipts[g], n, pairs + count);
		qsort_r(pairs, count, sizeof(rk_dvp_possible), best_pair_first, m);
		if (m->method == RK_DVP_OPTIMAL)
			continue;
		for (int64_t i = 0; i < count; i++)
			if (rk_dvp_is_free(m, pairs[i].delivery) && rk_dvp_is_free(m, pairs[i].receipt))
				join(m, pairs[i].delivery, pairs[i].receipt);
	}
}

/* ---- the largest sum ---- */

/* One group by assignment. */
static rk_status
assign_group(rk_dvp_matching *m, int64_t g, uint32_t *place)
{
	int64_t		k = m->receipts[g] - m->starts[g];
	int64_t		n = m->starts[g + 1] - m->receipts[g];
	bool		turned = k > n; /* rows are the fewer */
	int64_t		rows = turned ? n : k;
	int64_t		columns = turned ? k : n;
	double	   *weights;
	int64_t    *column;
	rk_status	status;

	if (k > OPTIMAL_MAX / n)
		return rk_fail_node(m->ctx, RK_ERR_LIMIT, m->members[m->starts[g]],
							"%%node has %lld deliveries and %lld receipts, too many for method optimal",
							(long long) k, (long long) n);
	weights = rk_alloc0(m->ctx, rows * columns, sizeof(double));
	column = rk_alloc(m->ctx, rows, sizeof(int64_t));
	if (weights == NULL || column == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = m->starts[g]; i < m->starts[g + 1]; i++)
		place[m->members[i]] = (uint32_t) (i < m->receipts[g] ? i - m->starts[g] : i - m->receipts[g]);
	for (int64_t p = m->pair_starts[g]; p < m->pair_starts[g + 1]; p++)
	{
		int64_t		d = place[m->pairs[p].delivery];
		int64_t		r = place[m->pairs[p].receipt];

		weights[turned ? r * columns + d : d * columns + r] = m->pairs[p].confidence;
	}
	if ((status = rk_assignment(m->ctx, weights, rows, columns, column)) != RK_OK)
		return status;
	/* a pair of weight zero is none */
	for (int64_t r = 0; r < rows; r++)
		if (weights[r * columns + column[r]] > 0)
			join(m, m->members[m->starts[g] + (turned ? column[r] : r)],
				 m->members[m->receipts[g] + (turned ? r : column[r])]);
	rk_free(m->ctx, weights);
	rk_free(m->ctx, column);
	return RK_OK;
}

static rk_status
assign_groups(rk_dvp_matching *m, int64_t n)
{
	uint32_t   *place = rk_alloc(m->ctx, n, sizeof(uint32_t));
	rk_status	status = RK_OK;

	if (place == NULL)
		return RK_ERR_MEMORY;
	for (int64_t g = 0; g < m->groups && status == RK_OK; g++)
		if (m->pair_starts[g + 1] > m->pair_starts[g])
			status = assign_group(m, g, place);
	rk_free(m->ctx, place);
	return status;
}

/* ---- all of it ---- */

/* Pairs of groups, once they are counted. */
static rk_status
run_groups(rk_dvp_matching *m, int64_t n)
{
	rk_status	status = rk_parallel_for(m->ctx, m->groups, 64, begin_groups, m);

	if (status != RK_OK)
		return status;
	for (int64_t g = 0; g < m->groups; g++)
		m->pair_starts[g + 1] += m->pair_starts[g];
	if ((m->pairs = rk_alloc(m->ctx, m->pair_starts[m->groups], sizeof(rk_dvp_possible))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(m->ctx, m->groups, 64, end_groups, m)) != RK_OK)
		return status;
	if (m->method == RK_DVP_OPTIMAL && (status = assign_groups(m, n)) != RK_OK)
		return status;
	return rk_parallel_for(m->ctx, m->groups, 64, rk_dvp_explain_groups, m);
}

rk_status
rk_dvp_match(rk_ctx *ctx, const rk_dvp_instruction *list, int64_t n, const rk_dvp_rules *rules, rk_dvp_method method,
			 rk_dvp_result *result)
{
	rk_dvp_matching m = {.ctx = ctx,.list = list,.rules = rules,.method = method,.result = result};
	rk_status	status;
	int64_t		asking = 0;

	/* one party that differs halves the confidence */
	m.by_parties = rules->strict_counterparty || rules->min_confidence > 0.5;
	*result = (rk_dvp_result) {
		.partner = rk_alloc(ctx, n, sizeof(uint32_t)),
		.confidence = rk_alloc0(ctx, n, sizeof(double)),
		.differences = rk_alloc0(ctx, n, sizeof(uint16_t))
	};
	if (!result->partner || !result->confidence || !result->differences)
		return RK_ERR_MEMORY;
	if (n >= RK_DVP_ALONE)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many instructions");
	for (int64_t i = 0; i < n; i++)
		result->partner[i] = RK_DVP_ALONE;
	if ((status = find_groups(&m, n)) != RK_OK)
		return status;
	if ((m.pair_starts = rk_alloc0(ctx, m.groups + 1, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = run_groups(&m, n)) != RK_OK)
		return status;
	for (int64_t i = 0; i < n; i++)
	{
		result->pairs += result->partner[i] != RK_DVP_ALONE;
		asking += result->differences[i] == RK_DVP_NO_COUNTERPART;
	}
	result->pairs /= 2;
	if (m.by_parties && asking > 0 && (status = rk_dvp_explain_parties(&m, n, asking)) != RK_OK)
		return status;
	rk_free(ctx, m.starts);
	rk_free(ctx, m.receipts);
	rk_free(ctx, m.members);
	rk_free(ctx, m.by_amount);
	rk_free(ctx, m.skip);
	rk_free(ctx, m.pair_starts);
	rk_free(ctx, m.pairs);
	return RK_OK;
}

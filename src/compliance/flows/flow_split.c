/*
 * flow_split.c
 *	  Sums cut into slices below a reporting threshold.
 *
 * The payments of an entity are a row of a table in the order of time; a
 * window is a piece of it.  Sums over pieces come from running sums, and how
 * many of a piece are used already from a tree of counts (Fenwick 1994), so
 * that windows may overlap as they like.
 */
#include "flows.h"

#include <math.h>
#include <string.h>

#define POLL_MASK ((1 << 14) - 1)
#define REPEAT_US (INT64_C(30) * 24 * 3600 * 1000000)

/* The payments of all entities on one side, by entity and time. */
typedef struct side_rows
{
	int64_t    *offsets;		/* by entity, into rows */
	uint32_t   *rows;
	uint32_t   *place;			/* of a row in rows, RK_NO_ROW: not there */
	int64_t		count;
	uint32_t   *used;			/* tree of counts by place */
} side_rows;

/* A window that may be kept. */
typedef struct split_window
{
	uint32_t	entity;
	uint8_t		side;
	uint8_t		level;
	uint32_t	seen;			/* row in which the entity is first seen */
	int64_t		from;
	int64_t		to;
	int64_t		first_ts;
	rk_decimal	total;
} split_window;

typedef struct split_state
{
	rk_ctx	   *ctx;
	const rk_transactions *t;
	const rk_split_params *p;
	side_rows	sides[2];
	uint32_t   *first_seen;
	split_window *windows;
	int64_t		count;
	int64_t		capacity;
} split_state;

/* ---- payments by entity ---- */

static rk_status
collect_side(split_state *s, int side, const uint32_t *order)
{
	const rk_transactions *t = s->t;
	const uint32_t *entity = side == RK_SPLIT_SOURCE ? t->source : t->target;
	side_rows  *x = &s->sides[side];

	x->offsets = rk_alloc0(s->ctx, t->entities + 2, sizeof(int64_t));
	x->rows = rk_alloc(s->ctx, t->count, sizeof(uint32_t));
	x->place = rk_alloc(s->ctx, t->count, sizeof(uint32_t));
	x->used = rk_alloc0(s->ctx, t->count + 1, sizeof(uint32_t));
	if (!x->offsets || !x->rows || !x->place || !x->used)
		return RK_ERR_MEMORY;
	memset(x->place, 0xff, sizeof(uint32_t) * t->count);
	/* two places on: then offsets[e + 1] is where the next row of e goes */
	for (int64_t i = 0; i < t->count; i++)
		if (t->source[i] != t->target[i] && t->amount[i] > 0 && t->amount[i] < s->p->threshold)
			x->offsets[entity[i] + (int64_t) 2]++;
	for (int64_t e = 0; e <= t->entities; e++)
		x->offsets[e + 1] += x->offsets[e];
	for (int64_t k = 0; k < t->count; k++)
	{
		uint32_t	i = order[k];

		if (t->source[i] == t->target[i] || t->amount[i] <= 0 || t->amount[i] >= s->p->threshold)
			continue;
		x->place[i] = (uint32_t) x->offsets[entity[i] + (int64_t) 1]++;
		x->rows[x->place[i]] = i;
		x->count++;
	}
	return RK_OK;
}

/* ---- the tree of counts ---- */

static void
mark_used(side_rows *x, uint32_t place)
{
	for (int64_t k = (int64_t) place + 1; k <= x->count; k += k & -k)
		x->used[k]++;
}

static int64_t
used_before(const side_rows *x, int64_t place)
{
	int64_t		sum = 0;

	for (int64_t k = place; k > 0; k -= k & -k)
		sum += x->used[k];
	return sum;
}

/* ---- windows ---- */

/* ceil(value * numerator / denominator). */
static rk_decimal
part_up(rk_decimal value, int numerator, int denominator)
{
	return (value * numerator + denominator - 1) / denominator;
}

/* Level of a window, or -1 when it is none. */
static int
level_of(const split_state *s, int64_t n, rk_decimal total, int64_t near)
{
	rk_decimal	t = s->p->threshold;

	if (n < s->p->min_count || total < part_up(t, 8, 10))
		return -1;
	if (near >= 3 || (total >= part_up(t, 95, 100) && total <= t * 105 / 100))
		return RK_SPLIT_HIGH;
	return n >= 5 && total > t ? RK_SPLIT_ELEVATED : -1;
}

static rk_status
add_window(split_state *s, split_window w)
{
	if (s->count == s->capacity)
	{
		s->capacity = s->capacity ? s->capacity * 2 : 1024;
		s->windows = rk_realloc(s->ctx, s->windows, s->capacity, sizeof(split_window));
		if (s->windows == NULL)
			return RK_ERR_MEMORY;
	}
	s->windows[s->count++] = w;
	return RK_OK;
}

/*
 * Windows of one entity: the next begins one payment later and ends where it
 * ends, so sums lose a payment at the front and win some at the back.
 */
static rk_status
entity_windows(split_state *s, int side, uint32_t entity)
{
	const rk_transactions *t = s->t;
	const side_rows *x = &s->sides[side];
	int64_t		end = x->offsets[entity + (int64_t) 1];
	int64_t		to = x->offsets[entity];
	int64_t		reached = to;	/* by the windows so far */
	rk_decimal	total = 0;
	int64_t		near = 0;
	rk_decimal	near_limit = s->p->threshold * 7;

	for (int64_t from = to; from < end; from++)
	{
		uint32_t	first = x->rows[from];
		int64_t		end_ts = rk_window_end(s->p->window, t, first);
		int			level;

		if ((from & POLL_MASK) == POLL_MASK && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		while (to < end && (to == from || t->ts[x->rows[to]] < end_ts))
		{
			total += t->amount[x->rows[to]];
			near += t->amount[x->rows[to++]] * 10 > near_limit;
		}
		/* by the calendar, a later window may end earlier */
		while (to > from + 1 && t->ts[x->rows[to - 1]] >= end_ts)
		{
			total -= t->amount[x->rows[--to]];
			near -= t->amount[x->rows[to]] * 10 > near_limit;
		}
		level = to > reached ? level_of(s, to - from, total, near) : -1;
		reached = to > reached ? to : reached;
		if (level >= 0)
		{
			rk_status	status = add_window(s, (split_window) {entity, (uint8_t) side, (uint8_t) level,
										   s->first_seen[entity], from, to, t->ts[first], total});

			if (status != RK_OK)
				return status;
		}
		total -= t->amount[first];
		near -= t->amount[first] * 10 > near_limit;
	}
	return RK_OK;
}

static int
compare_totals(rk_decimal a, rk_decimal b)
{
	return a > b ? -1 : a < b;
}

/* In the order in which overlapping ones are chosen. */
static int
compare_windows(const void *a, const void *b)
{
	const split_window *x = a;
	const split_window *y = b;

	if (x->level != y->level)
		return x->level > y->level ? -1 : 1;
	if (x->total != y->total)
		return compare_totals(x->total, y->total);
	if (x->first_ts != y->first_ts)
		return x->first_ts < y->first_ts ? -1 : 1;
	/* two entities may be seen in one row: the payer before the payee */
	if (x->seen != y->seen)
		return x->seen < y->seen ? -1 : 1;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	if (x->entity != y->entity)
		return x->entity < y->entity ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static rk_status
sort_windows(split_state *s)
{
	return rk_flows_sort(s->ctx, (void **) &s->windows, s->count, sizeof(split_window), compare_windows);
}

/* Keeps windows of which less than half is used; their number. */
static rk_status
choose_windows(split_state *s)
{
	int64_t		kept = 0;
	rk_status	status = sort_windows(s);

	if (status != RK_OK)
		return status;
	for (int64_t k = 0; k < s->count; k++)
	{
		split_window *w = &s->windows[k];
		const side_rows *x = &s->sides[w->side];
		int64_t		overlap = used_before(x, w->to) - used_before(x, w->from);

		if ((k & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		if (2 * overlap >= w->to - w->from)
			continue;
		for (int64_t i = w->from; i < w->to; i++)
		{
			if (overlap > 0 && used_before(x, i + 1) > used_before(x, i))
				continue;
			for (int side = 0; side < 2; side++)
				if (s->sides[side].rows)
					mark_used(&s->sides[side], s->sides[side].place[x->rows[i]]);
		}
		s->windows[kept++] = *w;
	}
	s->count = kept;
	return RK_OK;
}

/* Raises high windows of an entity that start within 30 days of each other. */
static rk_status
raise_repeated(split_state *s)
{
	rk_keyed_row *list = rk_alloc(s->ctx, s->count, sizeof(rk_keyed_row));
	rk_keyed_row *scratch = rk_alloc(s->ctx, s->count, sizeof(rk_keyed_row));
	int64_t		n = 0;
	rk_status	status;

	if (!list || !scratch)
		return RK_ERR_MEMORY;
	for (int64_t k = 0; k < s->count; k++)
		if (s->windows[k].level == RK_SPLIT_HIGH)
			list[n++] = (rk_keyed_row) {(uint64_t) s->windows[k].first_ts - (uint64_t) INT64_MIN, (uint32_t) k};
	if ((status = rk_sort_keyed_rows(s->ctx, &list, &scratch, n, UINT64_MAX)) != RK_OK)
		return status;
	for (int64_t k = 0; k < n; k++)
		list[k].key = s->windows[list[k].row].entity;
	if ((status = rk_sort_keyed_rows(s->ctx, &list, &scratch, n, (uint64_t) s->t->entities)) != RK_OK)
		return status;
	for (int64_t k = 1; k < n; k++)
	{
		split_window *before = &s->windows[list[k - 1].row];
		split_window *w = &s->windows[list[k].row];

		if (w->entity == before->entity && w->first_ts - before->first_ts <= REPEAT_US)
			w->level = before->level = RK_SPLIT_CRITICAL;
	}
	rk_free(s->ctx, list);
	rk_free(s->ctx, scratch);
	return RK_OK;
}

/* Whether all amounts are within 30 % of their mean. */
static bool
is_uniform(const rk_transactions *t, const uint32_t *rows, int64_t n, rk_decimal total)
{
	for (int64_t i = 0; i < n; i++)
	{
		rk_decimal	off = t->amount[rows[i]] * n - total;
		__int128	tenfold;

		/* what overflows is far beyond any total */
		if (__builtin_mul_overflow((__int128) (off < 0 ? -off : off), (__int128) 10, &tenfold) ||
			tenfold >= 3 * total)
			return false;
	}
	return true;
}

/* The kept windows as splits, and their sums. */
static rk_status
list_splits(split_state *s, rk_splits *result)
{
	const rk_transactions *t = s->t;
	bool	   *structuring = rk_alloc0(s->ctx, t->entities, sizeof(bool));
	int64_t		high = 0;
	int64_t		critical = 0;

	result->list = rk_alloc(s->ctx, s->count, sizeof(rk_split));
	if (!structuring || !result->list)
		return RK_ERR_MEMORY;
	result->count = s->count;
	for (int64_t k = 0; k < s->count; k++)
	{
		const split_window *w = &s->windows[k];
		const uint32_t *rows = s->sides[w->side].rows;

		if ((k & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		result->list[k] = (rk_split) {.entity = w->entity,.side = w->side,.from = w->from,.to = w->to,
			.total = w->total,.level = w->level,.first_ts = w->first_ts,.last_ts = t->ts[rows[w->to - 1]],
			.uniform = is_uniform(t, rows + w->from, w->to - w->from, w->total)};
		result->volume += w->total;
		high += w->level == RK_SPLIT_HIGH;
		critical += w->level == RK_SPLIT_CRITICAL;
		if (w->level >= RK_SPLIT_HIGH && !structuring[w->entity])
		{
			structuring[w->entity] = true;
			result->entities++;
		}
	}
	result->volume_ratio = rk_money_ratio(result->volume, t->total);
	result->risk_score = fmin(100, 5.0 * s->count + 15.0 * high + 25.0 * critical + 10.0 * result->entities);
	rk_free(s->ctx, structuring);
	return RK_OK;
}

rk_status
rk_compliance_splits(rk_ctx *ctx, const rk_transactions *t, const rk_split_params *p, rk_splits *result)
{
	split_state s = {.ctx = ctx,.t = t,.p = p};
	uint32_t   *order;
	rk_status	status;

	*result = (rk_splits) {0};
	if ((status = rk_transactions_order(ctx, t, &order)) != RK_OK)
		return status;
	if ((s.first_seen = rk_alloc(ctx, t->entities, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	rk_transactions_first_seen(t, s.first_seen);
	for (int side = 0; side < 2; side++)
	{
		if (p->side != RK_SPLIT_BOTH && (int) p->side != side)
			continue;
		if ((status = collect_side(&s, side, order)) != RK_OK)
			return status;
		for (int64_t e = 0; e < t->entities; e++)
		{
			if ((e & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			if ((status = entity_windows(&s, side, (uint32_t) e)) != RK_OK)
				return status;
		}
		result->rows[side] = s.sides[side].rows;
	}
	rk_free(ctx, order);
	if ((status = choose_windows(&s)) != RK_OK || (status = raise_repeated(&s)) != RK_OK ||
		(status = sort_windows(&s)) != RK_OK || (status = list_splits(&s, result)) != RK_OK)
		return status;
	for (int side = 0; side < 2; side++)
	{
		rk_free(ctx, s.sides[side].offsets);
		rk_free(ctx, s.sides[side].place);
		rk_free(ctx, s.sides[side].used);
	}
	rk_free(ctx, s.windows);
	rk_free(ctx, s.first_seen);
	return RK_OK;
}

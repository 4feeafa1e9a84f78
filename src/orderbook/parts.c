/*
 * parts.c
 *	  A stream of events divided among engines, and their results as one.
 *
 * Books do not know of each other, but three things go across them: an order
 * id is live once among all symbols, an event may be for all of them, and the
 * time of any event ends orders everywhere.  So symbols that have an id in
 * common stay together, events for all go to every part, and time is looked up
 * among the rows of the others.  How a stream is divided depends on the stream
 * alone, not on threads, and what comes out does not depend on it either.
 */
#include "book.h"

#include <stdlib.h>

#include "../compute/parallel.h"

#define POLL_MASK 65535

/* ---- which symbols go together ---- */

/* The head of the symbols that a symbol is with. */
static uint32_t
head_of(uint32_t *with, uint32_t symbol)
{
	while (with[symbol] != symbol)
		symbol = with[symbol] = with[with[symbol]];
	return symbol;
}

static void
unite(uint32_t *with, uint32_t a, uint32_t b)
{
	a = head_of(with, a);
	b = head_of(with, b);
	if (a < b)
		with[b] = a;
	else
		with[a] = b;
}

/* Whether the time of events of others matters, and whether it goes forward. */
static rk_status
look_at_time(rk_ctx *ctx, const rk_ob_stream *s, const rk_ob_instrument *instruments, uint32_t symbols,
			 const rk_ob_beginning *begin, const rk_ob_division *d, bool *matters, bool *forward)
{
	*matters = false;
	*forward = s->ts != NULL;
	for (uint32_t b = 0; b < symbols; b++)
		*matters |= instruments[b].trading_day_end != RK_OB_NONE;
	for (int64_t i = 0; begin && i < begin->order_count; i++)
		*matters |= begin->orders[i].tif == RK_OB_GTD;
	for (int64_t i = d->first; i < d->last; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		*matters |= (s->tif && s->tif[i] == RK_OB_GTD) ||
			(rk_ob_row_action(s, i) == RK_OB_ACTION_INSTRUMENT && s->rules[s->rule[i]].trading_day_end != RK_OB_NONE);
		if (*forward)
			*forward = s->ts[i] != RK_OB_NONE && (i == d->first || s->ts[i] >= s->ts[i - 1]);
	}
	/* without any time there is none to pass */
	*matters &= s->ts != NULL;
	return RK_OK;
}

/* Unites the symbols that have an order id in common; owner: a symbol of each id. */
static rk_status
unite_symbols(rk_ctx *ctx, const rk_ob_stream *s, const rk_ob_beginning *begin, const rk_ob_division *d,
			  uint32_t *with, uint32_t *owner)
{
	for (int64_t i = 0; begin && i < begin->order_count; i++)
		owner[begin->orders[i].id] = begin->orders[i].book;
	/* new orders first: they say whose the ids are */
	for (int pass = 0; pass < 2; pass++)
		for (int64_t i = d->first; i < d->last; i++)
		{
			rk_ob_action action = rk_ob_row_action(s, i);
			uint32_t	symbol = s->symbol ? s->symbol[i] : RK_NO_INDEX;
			uint32_t   *o;

			if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			if (symbol == RK_NO_INDEX ||
				(pass == 0 ? action != RK_OB_ACTION_NEW : action != RK_OB_ACTION_AMEND && action != RK_OB_ACTION_CANCEL))
				continue;
			o = &owner[s->order_id[i]];
			if (*o == RK_NO_INDEX)
				*o = symbol;
			else if (*o != symbol)
				unite(with, *o, symbol);
		}
	return RK_OK;
}

/* The part of a row; RK_OB_PARTS: all of them; -1: none, it only lets time pass. */
static int
part_of_row(const rk_ob_stream *s, int64_t i, const uint32_t *owner, const uint32_t *part_of)
{
	rk_ob_action action = rk_ob_row_action(s, i);
	uint32_t	symbol = s->symbol ? s->symbol[i] : RK_NO_INDEX;

	switch (action)
	{
		case RK_OB_ACTION_AMEND:
		case RK_OB_ACTION_CANCEL:
			if (owner[s->order_id[i]] != RK_NO_INDEX)
				symbol = owner[s->order_id[i]];
			return symbol == RK_NO_INDEX ? 0 : (int) part_of[symbol];
		case RK_OB_ACTION_TIME:
			return -1;
		default:
			return symbol == RK_NO_INDEX ? RK_OB_PARTS : (int) part_of[symbol];
	}
}

/* A group of symbols and the number of its rows. */
typedef struct group
{
	int64_t		rows;
	uint32_t	head;
} group;

static int
largest_first(const void *a, const void *b)
{
	const group *x = a;
	const group *y = b;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return x->head < y->head ? -1 : x->head > y->head;
}

/* Deals the groups out to parts, each to the one with the fewest rows so far. */
static rk_status
deal(rk_ctx *ctx, const rk_ob_stream *s, const rk_ob_division *d, uint32_t *with, const uint32_t *owner,
	 rk_ob_result *r)
{
	group	   *groups = rk_alloc(ctx, r->symbols, sizeof(group));
	int64_t    *weight = rk_alloc0(ctx, (int64_t) r->symbols + 1, sizeof(int64_t));
	int64_t		load[RK_OB_PARTS] = {0};
	uint32_t	count = 0;

	if (groups == NULL || weight == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t b = 0; b < r->symbols; b++)
		r->part_of[b] = head_of(with, b);	/* for the moment */
	for (int64_t i = d->first; i < d->last; i++)
	{
		rk_ob_action action = rk_ob_row_action(s, i);
		uint32_t	symbol = s->symbol ? s->symbol[i] : RK_NO_INDEX;

		if (symbol == RK_NO_INDEX && (action == RK_OB_ACTION_AMEND || action == RK_OB_ACTION_CANCEL))
			symbol = owner[s->order_id[i]];
		if (symbol != RK_NO_INDEX)
			weight[r->part_of[symbol]]++;
	}
	for (uint32_t b = 0; b < r->symbols; b++)
		if (r->part_of[b] == b)
			groups[count++] = (group) {weight[b] + 1, b};
	r->part_count = count < RK_OB_PARTS ? (int) count : RK_OB_PARTS;
	qsort(groups, count, sizeof(group), largest_first);
	for (uint32_t k = 0; k < count; k++)
	{
		int			least = 0;

		for (int p = 1; p < r->part_count; p++)
			if (load[p] < load[least])
				least = p;
		load[least] += groups[k].rows;
		weight[groups[k].head] = least;
	}
	for (uint32_t b = 0; b < r->symbols; b++)
		r->part_of[b] = (uint32_t) weight[r->part_of[b]];
	rk_free(ctx, weight);
	rk_free(ctx, groups);
	return RK_OK;
}

/* Lists the rows of each part. */
static rk_status
list_rows(rk_ctx *ctx, const rk_ob_stream *s, rk_ob_division *d, const uint32_t *owner, const rk_ob_result *r)
{
	int64_t		at[RK_OB_PARTS] = {0};
	uint32_t   *rows = NULL;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int64_t i = d->first; i < d->last; i++)
		{
			int			part = part_of_row(s, i, owner, r->part_of);

			if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			for (int p = 0; p < r->part_count; p++)
			{
				if (part != RK_OB_PARTS)
					p = part;
				if (p >= 0 && pass == 0)
					at[p]++;
				else if (p >= 0)
					rows[at[p]++] = (uint32_t) i;
				if (part != RK_OB_PARTS)
					break;
			}
		}
		if (pass == 1)
			break;
		d->offsets[0] = 0;
		for (int p = 0; p < r->part_count; p++)
		{
			d->offsets[p + 1] = d->offsets[p] + at[p];
			at[p] = d->offsets[p];
		}
		if ((rows = rk_alloc(ctx, d->offsets[r->part_count], sizeof(uint32_t))) == NULL)
			return RK_ERR_MEMORY;
	}
	d->rows = rows;
	return RK_OK;
}

/* Lists the symbols of each part. */
static rk_status
list_symbols(rk_ctx *ctx, rk_ob_result *r)
{
	if ((r->parts = rk_alloc0(ctx, r->part_count, sizeof(rk_ob_part))) == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t b = 0; b < r->symbols; b++)
		r->place_of[b] = r->parts[r->part_of[b]].symbol_count++;
	for (int p = 0; p < r->part_count; p++)
		if ((r->parts[p].symbols = rk_alloc(ctx, r->parts[p].symbol_count, sizeof(uint32_t))) == NULL)
			return RK_ERR_MEMORY;
	for (uint32_t b = 0; b < r->symbols; b++)
		r->parts[r->part_of[b]].symbols[r->place_of[b]] = b;
	return RK_OK;
}

rk_status
rk_ob_divide_stream(rk_ctx *ctx, const rk_ob_stream *s, const rk_ob_instrument *instruments, const rk_ob_beginning *begin,
			 rk_ob_division *d, rk_ob_result *r)
{
	bool		matters;
	bool		forward;
	uint32_t   *with;
	uint32_t   *owner;
	uint64_t	ids = 0;
	rk_status	status = look_at_time(ctx, s, instruments, r->symbols, begin, d, &matters, &forward);

	if (status != RK_OK)
		return status;
	r->part_of = rk_alloc0(ctx, r->symbols, sizeof(uint32_t));
	r->place_of = rk_alloc(ctx, r->symbols, sizeof(uint32_t));
	if (r->part_of == NULL || r->place_of == NULL)
		return RK_ERR_MEMORY;
	r->part_count = 1;
	d->rows = NULL;
	d->timed = matters;
	if (d->last - d->first < RK_OB_DIVIDE_ROWS || d->last > UINT32_MAX || r->symbols < 2 || (matters && !forward))
		return list_symbols(ctx, r);
	for (int64_t i = d->first; s->order_id && i < d->last; i++)
		if (s->order_id[i] != RK_NO_INDEX && s->order_id[i] >= ids)
			ids = (uint64_t) s->order_id[i] + 1;
	for (int64_t i = 0; begin && i < begin->order_count; i++)
		if (begin->orders[i].id >= ids)
			ids = begin->orders[i].id + 1;
	with = rk_alloc(ctx, r->symbols, sizeof(uint32_t));
	owner = rk_alloc(ctx, ids, sizeof(uint32_t));
	if (with == NULL || owner == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t b = 0; b < r->symbols; b++)
		with[b] = b;
	for (uint64_t i = 0; i < ids; i++)
		owner[i] = RK_NO_INDEX;
	if ((status = unite_symbols(ctx, s, begin, d, with, owner)) != RK_OK ||
		(status = deal(ctx, s, d, with, owner, r)) != RK_OK)
		return status;
	if (r->part_count > 1)
		status = list_rows(ctx, s, d, owner, r);
	rk_free(ctx, with);
	rk_free(ctx, owner);
	return status == RK_OK ? list_symbols(ctx, r) : status;
}

/* ---- results as one ---- */

struct rk_ob_cursor
{
	const rk_ob_result *result;
	bool		orders;
	int			count;			/* parts that are not at their end */
	int			heap[RK_OB_PARTS];	/* the one whose turn it is first */
	int64_t		next[RK_OB_PARTS];	/* of each part */
	int64_t		seq;			/* of the last report */
	int64_t		event_no;
};

/* Whether part a has its turn before part b. */
static bool
before(const rk_ob_cursor *c, int a, int b)
{
	const rk_ob_part *x = &c->result->parts[a];
	const rk_ob_part *y = &c->result->parts[b];
	const rk_ob_report *r;
	const rk_ob_report *q;

	if (c->orders)
		return x->order_rows[c->next[a]] < y->order_rows[c->next[b]];
	r = &x->ob->reports[c->next[a]];
	q = &y->ob->reports[c->next[b]];
	if (r->seq != q->seq)
		return r->seq < q->seq;
	if (r->age != q->age)
		return r->age < q->age;
	/* what goes on in several parts at once is about symbols that are there */
	return x->symbols[r->symbol] < y->symbols[q->symbol];
}

static void
sink_down(rk_ob_cursor *c, int at)
{
	int			part = c->heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= c->count)
			break;
		if (child + 1 < c->count && before(c, c->heap[child + 1], c->heap[child]))
			child++;
		if (!before(c, c->heap[child], part))
			break;
		c->heap[at] = c->heap[child];
		at = child;
	}
	c->heap[at] = part;
}

/* How many a part has. */
static int64_t
length_of(const rk_ob_cursor *c, int part)
{
	const rk_ob *ob = c->result->parts[part].ob;

	return c->orders ? (int64_t) ob->order_count : ob->report_count;
}

rk_ob_cursor *
rk_ob_cursor_create(const rk_ob_result *result, bool orders)
{
	rk_ob_cursor *c = rk_alloc0(result->ctx, 1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->result = result;
	c->orders = orders;
	c->seq = RK_OB_NONE;
	for (int p = 0; p < result->part_count; p++)
		if (length_of(c, p) > 0)
			c->heap[c->count++] = p;
	for (int at = c->count / 2 - 1; at >= 0; at--)
		sink_down(c, at);
	return c;
}

/* Leaves the entry of the part whose turn it was. */
static void
advance(rk_ob_cursor *c)
{
	int			part = c->heap[0];

	if (++c->next[part] == length_of(c, part))
		c->heap[0] = c->heap[--c->count];
	if (c->count > 1)
		sink_down(c, 0);
}

bool
rk_ob_next_report(rk_ob_cursor *c, rk_ob_report *report)
{
	const rk_ob_part *part;

	if (c->count == 0)
		return false;
	part = &c->result->parts[c->heap[0]];
	*report = part->ob->reports[c->next[c->heap[0]]];
	if (report->symbol != RK_NO_INDEX)
		report->symbol = part->symbols[report->symbol];
	/* the parts have counted each for itself */
	c->event_no = report->seq == c->seq ? c->event_no + 1 : 1;
	c->seq = report->seq;
	report->event_no = c->event_no;
	advance(c);
	return true;
}

bool
rk_ob_next_order(rk_ob_cursor *c, const rk_ob_order **order, const rk_ob **ob, uint32_t *symbol)
{
	const rk_ob_part *part;

	if (c->count == 0)
		return false;
	part = &c->result->parts[c->heap[0]];
	*ob = part->ob;
	*order = &part->ob->orders[c->next[c->heap[0]]];
	*symbol = part->symbols[(*order)->book];
	advance(c);
	return true;
}

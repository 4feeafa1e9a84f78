/*
 * replay.c
 *	  A stream of events folded over engines, and what is left in the books.
 */
#include "book.h"

#include "../compute/parallel.h"

#define POLL_MASK 255

/* The value of an optional column. */
static inline int64_t
value_or(const int64_t *column, int64_t row, int64_t otherwise)
{
	return column && column[row] != RK_OB_NONE ? column[row] : otherwise;
}

/* The code of an optional column. */
static inline int64_t
code_or(const int64_t *column, int64_t row, int64_t otherwise)
{
	return column && column[row] >= 0 ? column[row] : otherwise;
}

/* ---- rows ---- */

/* A value that the action of its row cannot do without. */
static rk_status
missing(rk_ctx *ctx, const char *column, int64_t row, rk_ob_action action)
{
	return rk_fail(ctx, RK_ERR_DATA, "column \"%s\" of \"events\" is NULL in row %lld, but action %s needs it",
				   column, (long long) row + 1, rk_ob_action_names[action]);
}

static rk_status
check_row(rk_ctx *ctx, const rk_ob_stream *s, int64_t i)
{
	rk_ob_action action = rk_ob_row_action(s, i);

	switch (action)
	{
		case RK_OB_ACTION_NEW:
			if (s->symbol == NULL || s->symbol[i] == RK_NO_INDEX)
				return missing(ctx, "symbol", i, action);
			if (code_or(s->side, i, RK_OB_NO_SIDE) == RK_OB_NO_SIDE)
				return missing(ctx, "side", i, action);
			/* FALLTHROUGH */
		case RK_OB_ACTION_AMEND:
		case RK_OB_ACTION_CANCEL:
			if (s->order_id == NULL || s->order_id[i] == RK_NO_INDEX)
				return missing(ctx, "order_id", i, action);
			break;
		case RK_OB_ACTION_PHASE:
			if (code_or(s->phase, i, -1) < 0)
				return missing(ctx, "phase", i, action);
			break;
		case RK_OB_ACTION_TIME:
			if (value_or(s->ts, i, RK_OB_NONE) == RK_OB_NONE)
				return missing(ctx, "ts", i, action);
			break;
		case RK_OB_ACTION_INSTRUMENT:
			if (s->symbol == NULL || s->symbol[i] == RK_NO_INDEX)
				return missing(ctx, "symbol", i, action);
			break;
		case RK_OB_ACTION_MASS_CANCEL:
		case RK_OB_ACTION_PRINT:
			break;
	}
	return RK_OK;
}

/* Checks the rows from after a seq up to another one, and says which they are. */
static rk_status
choose_rows(rk_ctx *ctx, const rk_ob_stream *s, int64_t after_seq, int64_t until_seq, rk_ob_division *d)
{
	int64_t		i;

	d->first = 0;
	for (i = 0; i < s->count; i++)
	{
		rk_status	status;

		if ((i & 65535) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (i > 0 && s->seq[i] <= s->seq[i - 1])
			return rk_fail(ctx, RK_ERR_DATA, "column \"seq\" of \"events\" does not rise: %lld in row %lld follows %lld",
						   (long long) s->seq[i], (long long) i + 1, (long long) s->seq[i - 1]);
		if (until_seq != RK_OB_NONE && s->seq[i] > until_seq)
			break;
		if (s->seq[i] <= after_seq)
			d->first = i + 1;
		else if ((status = check_row(ctx, s, i)) != RK_OK)
			return status;
	}
	d->last = i > d->first ? i : d->first;
	return RK_OK;
}

/* Row i as an event. */
static rk_ob_event
make_event(const rk_ob_stream *s, int64_t i)
{
	uint32_t	order = s->order_id ? s->order_id[i] : RK_NO_INDEX;
	uint32_t	trader = s->trader ? s->trader[i] : RK_NO_INDEX;
	uint32_t	group = s->stp_group && s->stp_group[i] != RK_NO_INDEX ? s->stp_group[i] : trader;
	int64_t		type = code_or(s->type, i, RK_OB_LIMIT);

	return (rk_ob_event) {
		.seq = s->seq[i],
		.action = rk_ob_row_action(s, i),
		.symbol = s->symbol ? s->symbol[i] : RK_NO_INDEX,
		.order_id = order,
		.side = code_or(s->side, i, RK_OB_NO_SIDE),
		.type = type,
		.tif = code_or(s->tif, i, type == RK_OB_MARKET ? RK_OB_IOC : RK_OB_GTC),
		.price = value_or(s->price, i, RK_OB_NONE),
		.stop_price = value_or(s->stop_price, i, RK_OB_NONE),
		.quantity = value_or(s->quantity, i, RK_OB_NONE),
		.expires_at = value_or(s->expires_at, i, RK_OB_NONE),
		.display_quantity = value_or(s->display_quantity, i, RK_OB_NONE),
		.min_quantity = value_or(s->min_quantity, i, RK_OB_NONE),
		.post_only = s->post_only && s->post_only[i],
		.trader = trader == RK_NO_INDEX ? 0 : (uint64_t) trader + 1,
		.stp_group = group == RK_NO_INDEX ? 0 : (uint64_t) group + 1,
		.new_price = value_or(s->new_price, i, RK_OB_NONE),
		.new_quantity = value_or(s->new_quantity, i, RK_OB_NONE),
		.phase = code_or(s->phase, i, RK_OB_CONTINUOUS),
		.ts = value_or(s->ts, i, RK_OB_NONE)
	};
}

/* Room for the row of one order more. */
static rk_status
reserve_row(rk_ctx *ctx, rk_ob_part *p)
{
	int64_t		capacity = p->order_row_capacity ? p->order_row_capacity * 2 : 1024;
	int64_t    *grown;

	if (p->ob->order_count < p->order_row_capacity)
		return RK_OK;
	if ((grown = rk_realloc(ctx, p->order_rows, capacity, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	p->order_rows = grown;
	p->order_row_capacity = capacity;
	return RK_OK;
}

/* ---- where it begins ---- */

static rk_status
impossible_order(rk_ctx *ctx, int64_t i)
{
	return rk_fail(ctx, RK_ERR_DATA, "order %lld of \"snapshot\" cannot be in its book", (long long) i + 1);
}

/* Sets figures of the books of a part, and puts its orders there. */
static rk_status
begin_part(rk_ctx *ctx, const rk_ob_result *r, int part, const rk_ob_beginning *begin)
{
	rk_ob_part *p = &r->parts[part];
	rk_status	status;

	for (int64_t i = 0; i < begin->book_count; i++)
	{
		const rk_ob_figures *f = &begin->books[i];
		rk_ob_book *book;

		if (r->part_of[f->symbol] != (uint32_t) part)
			continue;
		book = &p->ob->books[r->place_of[f->symbol]];
		book->phase = f->phase;
		if (f->trading_day_end == book->instrument.trading_day_end)
			book->day_end = f->day_end;
		book->last_price = f->last_price;
		book->last_quantity = f->last_quantity;
		book->open = f->open;
		book->high = f->high;
		book->low = f->low;
		book->volume = f->volume;
		book->turnover = f->turnover;
		book->trade_count = f->trade_count;
	}
	for (int64_t i = 0; i < begin->order_count; i++)
	{
		rk_ob_order o = begin->orders[i];

		if (r->part_of[o.book] != (uint32_t) part)
			continue;
		o.book = r->place_of[o.book];
		if (!rk_ob_can_place(p->ob, &o))
			return impossible_order(ctx, i);
		if ((status = reserve_row(ctx, p)) != RK_OK || (status = rk_ob_place(p->ob, &o)) != RK_OK)
			return status;
		p->order_rows[p->ob->order_count - 1] = i - begin->order_count;
	}
	for (uint32_t b = 0; b < p->symbol_count; b++)
	{
		const rk_ob_book *book = &p->ob->books[b];
		int64_t		bid = rk_ob_best_price(book, RK_OB_BUY);
		int64_t		ask = rk_ob_best_price(book, RK_OB_SELL);

		/* orders that passed each other over may cross */
		if (bid != RK_OB_NONE && ask != RK_OB_NONE && bid >= ask && book->phase == RK_OB_CONTINUOUS &&
			book->instrument.stp_mode != RK_OB_STP_SKIP)
			return rk_fail(ctx, RK_ERR_DATA, "\"snapshot\" has a book that is crossed");
	}
	return RK_OK;
}

/* ---- a part ---- */

typedef struct replay
{
	rk_ctx	   *ctx;
	rk_ctx	   *branches;		/* of the parts; NULL: there is one */
	const rk_ob_stream *events;
	const rk_ob_instrument *instruments;
	const rk_ob_beginning *begin;
	int64_t		entries;		/* of the beginning */
	rk_ob_division division;
	rk_ob_result *result;
	_Atomic int64_t done;		/* rows */
} replay;

/* Lets the time of rows from .. to - 1, which are of other parts, pass. */
static rk_status
pass_between(const replay *w, rk_ob *ob, int64_t from, int64_t to)
{
	const int64_t *ts = w->events->ts;
	rk_status	status = RK_OK;

	while (from < to && status == RK_OK)
	{
		int64_t		due = ob->expiry_count > 0 ? ob->expiries[0].expires_at : INT64_MAX;
		int64_t		low = from;
		int64_t		high = to - 1;

		if (ob->next_day_end < due)
			due = ob->next_day_end;
		if (due == INT64_MAX || ts[high] < due)
			break;
		/* the first row at which it is due: time goes forward */
		while (low < high)
		{
			int64_t		middle = low + (high - low) / 2;

			if (ts[middle] >= due)
				high = middle;
			else
				low = middle + 1;
		}
		status = rk_ob_apply(ob, &(rk_ob_event) {
							 .seq = w->events->seq[low],.action = RK_OB_ACTION_TIME,.symbol = RK_NO_INDEX,.ts = ts[low]
							 });
		from = low + 1;
	}
	return status;
}

/* One row. */
static rk_status
apply_row(rk_ctx *ctx, const replay *w, rk_ob_part *p, int64_t row)
{
	rk_ob	   *ob = p->ob;
	rk_ob_event e = make_event(w->events, row);
	int64_t		orders = ob->order_count;
	rk_status	status;

	if (e.symbol != RK_NO_INDEX)
		e.symbol = w->result->place_of[e.symbol];
	/* entries are numbered by rows, so that their order is the same in any part */
	ob->entries = w->entries + row;
	if ((status = reserve_row(ctx, p)) != RK_OK || (status = rk_ob_apply(ob, &e)) != RK_OK)
		return status;
	if (e.action == RK_OB_ACTION_INSTRUMENT)
		rk_ob_set_instrument(ob, e.symbol, &w->events->rules[w->events->rule[row]]);
	if (ob->order_count > orders)
		p->order_rows[orders] = row;
	return RK_OK;
}

static rk_status
run_part(rk_ctx *ctx, replay *w, int part, bool owner)
{
	const rk_ob_division *d = &w->division;
	rk_ob_part *p = &w->result->parts[part];
	int64_t		from = d->rows ? d->offsets[part] : d->first;
	int64_t		to = d->rows ? d->offsets[part + 1] : d->last;
	int64_t		previous = d->first - 1;
	rk_status	status = rk_ob_create(ctx, p->symbol_count, true, &p->ob);

	if (status != RK_OK)
		return status;
	for (uint32_t b = 0; b < p->symbol_count; b++)
		rk_ob_set_instrument(p->ob, b, &w->instruments[p->symbols[b]]);
	p->ob->entries = w->entries;
	if (w->begin && (status = begin_part(ctx, w->result, part, w->begin)) != RK_OK)
		return status;
	for (int64_t k = from; k < to; k++)
	{
		int64_t		row = d->rows ? d->rows[k] : k;

		if ((k & POLL_MASK) == 0)
		{
			int64_t		done = atomic_fetch_add_explicit(&w->done, POLL_MASK + 1, memory_order_relaxed);

			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			if (owner)
				rk_progress(w->ctx, done);
		}
		if (d->rows && d->timed && (status = pass_between(w, p->ob, previous + 1, row)) != RK_OK)
			return status;
		if ((status = apply_row(ctx, w, p, row)) != RK_OK)
			return status;
		previous = row;
	}
	return d->rows && d->timed ? pass_between(w, p->ob, previous + 1, d->last) : RK_OK;
}

static void
run_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	replay	   *w = arg;

	(void) begin;
	(void) end;
	rk_ctx_branch_thread(&w->branches[chunk], thread);
	w->result->parts[chunk].status = run_part(&w->branches[chunk], w, (int) chunk, thread == 0);
}

/* Runs all parts, on as many threads as there are. */
static rk_status
run_parts(rk_ctx *ctx, replay *w)
{
	rk_ob_result *r = w->result;
	rk_status	status;

	if (r->part_count == 1)
		return run_part(ctx, w, 0, true);
	if ((w->branches = rk_alloc(ctx, r->part_count, sizeof(rk_ctx))) == NULL)
		return RK_ERR_MEMORY;
	rk_ctx_branch(ctx, w->branches, r->part_count);
	status = rk_parallel_for(ctx, r->part_count, 1, run_chunk, w);
	rk_ctx_join(ctx, w->branches, r->part_count);
	for (int p = 0; p < r->part_count && status == RK_OK; p++)
		status = r->parts[p].status;
	for (int p = 0; p < r->part_count && status == RK_OK; p++)
		r->parts[p].ob->ctx = ctx;
	rk_free(ctx, w->branches);
	return status;
}

rk_status
rk_orderbook_replay(rk_ctx *ctx, const rk_ob_stream *events, const rk_ob_instrument *instruments,
					uint32_t symbols, int64_t until_seq, const rk_ob_beginning *begin, rk_ob_result **result)
{
	rk_ob_result *r = rk_alloc0(ctx, 1, sizeof(*r));
	replay		w = {.ctx = ctx,.events = events,.instruments = instruments,.begin = begin,.result = r};
	int64_t		after = begin ? begin->seq : INT64_MIN;
	rk_status	status;

	if (r == NULL)
		return RK_ERR_MEMORY;
	r->ctx = ctx;
	r->symbols = symbols;
	for (int64_t i = 0; begin && i < begin->order_count; i++)
		if (begin->orders[i].entry > w.entries)
			w.entries = begin->orders[i].entry;
	if (w.entries > INT64_MAX / 4)
		return rk_fail(ctx, RK_ERR_DATA, "age of an order of \"snapshot\" is out of range");
	if ((status = choose_rows(ctx, events, after, until_seq, &w.division)) != RK_OK ||
		(status = rk_ob_divide_stream(ctx, events, instruments, begin, &w.division, r)) != RK_OK ||
		(status = run_parts(ctx, &w)) != RK_OK)
		return status;
	r->seq = w.division.last > w.division.first ? events->seq[w.division.last - 1] : after;
	for (int p = 0; p < r->part_count; p++)
	{
		r->report_count += r->parts[p].ob->report_count;
		r->order_count += r->parts[p].ob->order_count;
	}
	*result = r;
	return RK_OK;
}

/* ---- what is left ---- */

static const rk_ladder *
ladder_of(const rk_ob_book *book, int i)
{
	return i < 2 ? &book->sides[i] : &book->stops[i - 2];
}

/* The first order of a level; RK_NO_INDEX: there is no level. */
static uint32_t
head_of_level(const rk_ladder *l, uint32_t level)
{
	return level == RK_NO_INDEX ? RK_NO_INDEX : l->levels[level].head;
}

void
rk_ob_walk_begin(const rk_ob *ob, uint32_t symbol, rk_ob_walk *w)
{
	*w = (rk_ob_walk) {.ob = ob,.book = &ob->books[symbol]};
	w->order = head_of_level(ladder_of(w->book, 0), rk_ladder_first(ladder_of(w->book, 0), &w->place));
}

const rk_ob_order *
rk_ob_walk_next(rk_ob_walk *w)
{
	const rk_ob_order *o;

	while (w->order == RK_NO_INDEX)
	{
		const rk_ladder *l;

		if (++w->ladder == 4)
			return NULL;
		l = ladder_of(w->book, w->ladder);
		w->order = head_of_level(l, rk_ladder_first(l, &w->place));
	}
	o = &w->ob->orders[w->order];
	w->order = o->next;
	if (w->order == RK_NO_INDEX)
	{
		const rk_ladder *l = ladder_of(w->book, w->ladder);

		w->order = head_of_level(l, rk_ladder_next(l, &w->place));
	}
	return o;
}

rk_status
rk_ob_list_depth(const rk_ob *ob, uint32_t symbol, int64_t depth, rk_ob_depth **list, int64_t *count)
{
	const rk_ob_book *book = &ob->books[symbol];
	int64_t		levels = (int64_t) book->sides[0].count + book->sides[1].count;

	*count = 0;
	if ((*list = rk_alloc(ob->ctx, levels, sizeof(rk_ob_depth))) == NULL)
		return RK_ERR_MEMORY;
	for (int side = 0; side < 2; side++)
	{
		const rk_ladder *l = &book->sides[side];
		rk_ladder_place place;
		int64_t		number = 0;

		for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX && number < depth;
			 level = rk_ladder_next(l, &place))
		{
			int64_t		key = l->levels[level].key;

			if (key == INT64_MAX)
				continue;		/* market orders of an auction have no price */
			(*list)[(*count)++] = (rk_ob_depth) {
				.symbol = symbol,
				.side = side,
				.level = ++number,
				.price = side == RK_OB_BUY ? key : -key,
				.quantity = l->levels[level].shown,
				.orders = l->levels[level].count
			};
		}
	}
	return RK_OK;
}

int64_t
rk_ob_vwap(const rk_ob_book *book)
{
	return book->volume == 0 ? RK_OB_NONE : (int64_t) rk_ob_divide(book->turnover, book->volume);
}

__int128
rk_ob_shown(const rk_ob_book *book, rk_ob_side side)
{
	const rk_ladder *l = &book->sides[side];
	rk_ladder_place place;
	__int128	sum = 0;

	for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX; level = rk_ladder_next(l, &place))
		if (l->levels[level].key != INT64_MAX)
			sum += l->levels[level].shown;
	return sum;
}

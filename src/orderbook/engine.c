/*
 * engine.c
 *	  The life of orders: entry, amendment, cancellation, expiry, phases.
 */
#include "book.h"

#include <stdlib.h>

#include "../compute/random.h"

#define NS_PER_DAY INT64_C(86400000000000)

const rk_ob_instrument rk_ob_default_instrument = {
	.tick_size = RK_OB_ONE / 100,
	.min_quantity = RK_OB_ONE / 1000,
	.max_quantity = 1000000 * RK_OB_ONE,
	.max_notional = RK_OB_NONE,
	.band_low = RK_OB_NONE,
	.band_high = RK_OB_NONE,
	.collar_ticks = RK_OB_NONE,
	.max_levels = 1000,
	.stp_mode = RK_OB_STP_CANCEL_NEWEST,
	.reference_price = RK_OB_NONE,
	.trading_day_end = RK_OB_NONE
};

/* ---- reports ---- */

/* Room for one more report, zeroed but for what all have. */
static rk_ob_report *
add_report(rk_ob *ob, rk_ob_report_event event)
{
	rk_ob_report *r;

	if (ob->report_count == ob->report_capacity)
	{
		rk_ob_report *grown;

		if (ob->sink)
		{
			ob->sink(ob->sink_arg, ob->reports, ob->report_count);
			ob->report_count = 0;
		}
		else if ((grown = rk_realloc(ob->ctx, ob->reports, ob->report_capacity * 2, sizeof(rk_ob_report))) == NULL)
			return NULL;
		else
		{
			ob->reports = grown;
			ob->report_capacity *= 2;
		}
	}
	r = &ob->reports[ob->report_count++];
	*r = (rk_ob_report) {
		.seq = ob->seq,
		.event_no = ++ob->event_no,
		.event = event,
		.side = RK_OB_NO_SIDE,
		.aggressor = RK_OB_NO_SIDE,
		.symbol = RK_NO_INDEX,
		.price = RK_OB_NONE,
		.quantity = RK_OB_NONE,
		.remaining = RK_OB_NONE,
		.cum_quantity = RK_OB_NONE,
		.avg_price = RK_OB_NONE,
		.ts = ob->ts,
		.age = ob->age
	};
	return r;
}

int64_t
rk_ob_average(const rk_ob_order *o)
{
	return o->cum == 0 ? RK_OB_NONE : (int64_t) rk_ob_divide(o->turnover, o->cum);
}

rk_ob_report *
rk_ob_report_order(rk_ob *ob, rk_ob_report_event event, const rk_ob_order *o, rk_ob_reason reason)
{
	rk_ob_report *r = add_report(ob, event);

	if (r == NULL)
		return NULL;
	r->symbol = o->book;
	r->order_id = o->id;
	r->has_order = true;
	r->side = o->side;
	r->price = o->price;
	r->quantity = o->quantity;
	r->remaining = o->leaves;
	r->cum_quantity = o->cum;
	r->avg_price = rk_ob_average(o);
	r->status = o->status;
	r->reason = reason;
	return r;
}

/* The row of an order that was refused: it has no place and no id to be found by. */
static void
keep_refused(rk_ob *ob, const rk_ob_event *e, rk_ob_reason reason)
{
	bool		stop = e->type == RK_OB_STOP || e->type == RK_OB_STOP_LIMIT;

	ob->orders[ob->order_count++] = (rk_ob_order) {
		.id = e->order_id,
		.price = e->type == RK_OB_LIMIT || e->type == RK_OB_STOP_LIMIT ? e->price : RK_OB_NONE,
		.leaves = e->quantity,
		.stp_group = e->stp_group,
		.next = RK_NO_INDEX,
		.prev = RK_NO_INDEX,
		.level = RK_NO_INDEX,
		.book = e->symbol,
		.side = e->side,
		.type = e->type,
		.tif = e->tif,
		.status = RK_OB_REJECTED,
		.reason = reason,
		.post_only = e->post_only,
		.trader = e->trader,
		.quantity = e->quantity,
		.display = e->display_quantity,
		.stop_price = stop ? e->stop_price : RK_OB_NONE,
		.min_quantity = e->min_quantity,
		.expires_at = e->expires_at
	};
}

/* A report about an event that reached no order. */
static rk_status
refuse(rk_ob *ob, const rk_ob_event *e, rk_ob_report_event event, rk_ob_reason reason)
{
	rk_ob_report *r = add_report(ob, event);

	if (r == NULL)
		return RK_ERR_MEMORY;
	r->symbol = e->symbol;
	r->order_id = e->order_id;
	r->has_order = true;
	r->status = RK_OB_REJECTED;
	r->reason = reason;
	if (e->action == RK_OB_ACTION_NEW)
	{
		r->side = e->side;
		r->price = e->price;
		r->quantity = e->quantity;
		if (ob->keep_done && e->symbol < ob->book_count)
			keep_refused(ob, e, reason);
	}
	return RK_OK;
}

/* ---- queues ---- */

rk_status
rk_ob_enqueue(rk_ob *ob, rk_ladder *ladder, uint32_t order, int64_t key)
{
	rk_ob_order *o = &ob->orders[order];
	uint32_t	level = rk_ladder_get(ob->ctx, ladder, key);
	rk_level   *l;

	if (level == RK_NO_INDEX)
		return RK_ERR_MEMORY;
	l = &ladder->levels[level];
	o->level = level;
	o->next = RK_NO_INDEX;
	o->prev = l->tail;
	if (l->tail != RK_NO_INDEX)
		ob->orders[l->tail].next = order;
	else
		l->head = order;
	l->tail = order;
	l->count++;
	if (ladder == &ob->books[o->book].sides[o->side])
	{
		l->shown += o->shown;
		l->leaves += o->leaves;
		ob->books[o->book].orders[o->side]++;
		rk_ob_touch_level(ob, o->book, o->side, key);
	}
	else
		ob->books[o->book].waiting[o->side]++;
	return RK_OK;
}

void
rk_ob_dequeue(rk_ob *ob, rk_ladder *ladder, uint32_t order)
{
	rk_ob_order *o = &ob->orders[order];
	rk_level   *l = &ladder->levels[o->level];

	if (o->prev != RK_NO_INDEX)
		ob->orders[o->prev].next = o->next;
	else
		l->head = o->next;
	if (o->next != RK_NO_INDEX)
		ob->orders[o->next].prev = o->prev;
	else
		l->tail = o->prev;
	l->count--;
	if (ladder == &ob->books[o->book].sides[o->side])
	{
		l->shown -= o->shown;
		l->leaves -= o->leaves;
		ob->books[o->book].orders[o->side]--;
		rk_ob_touch_level(ob, o->book, o->side, l->key);
	}
	else
		ob->books[o->book].waiting[o->side]--;
	if (l->count == 0)
		rk_ladder_remove(ladder, o->level);
	o->level = RK_NO_INDEX;
}

void
rk_ob_end_order(rk_ob *ob, uint32_t order, rk_ob_status status, rk_ob_reason reason)
{
	rk_ob_order *o = &ob->orders[order];

	o->status = status;
	o->reason = reason;
	o->shown = 0;
	ob->live--;
	if (!ob->keep_done)
	{
		rk_ob_forget_id(ob, o->id);
		o->entry = 0;			/* what still points here sees another order */
		o->next = ob->free_order;
		ob->free_order = order;
	}
}

rk_status
rk_ob_cancel_order(rk_ob *ob, uint32_t order, rk_ob_report_event event, rk_ob_status status,
				   rk_ob_reason reason)
{
	rk_ob_order *o = &ob->orders[order];

	if (o->level != RK_NO_INDEX)
		rk_ob_dequeue(ob, rk_ob_ladder(ob, o), order);
	o->status = status;
	if (rk_ob_report_order(ob, event, o, reason) == NULL)
		return RK_ERR_MEMORY;
	rk_ob_end_order(ob, order, status, reason);
	return RK_OK;
}

/* ---- entry ---- */

/* What is wrong with a price. */
static rk_ob_reason
check_price(const rk_ob_instrument *i, int64_t price)
{
	if (price == RK_OB_NONE || (price <= 0 && !i->allow_negative))
		return RK_OB_BAD_PRICE;
	if (price % i->tick_size != 0)
		return RK_OB_BAD_TICK;
	if ((i->band_low != RK_OB_NONE && price < i->band_low) ||
		(i->band_high != RK_OB_NONE && price > i->band_high))
		return RK_OB_OUTSIDE_BAND;
	return RK_OB_REASON_NONE;
}

/* What is wrong with a quantity, at a price where there is one. */
static rk_ob_reason
check_quantity(const rk_ob_instrument *i, int64_t quantity, int64_t price)
{
	__int128	notional;

	if (quantity == RK_OB_NONE || quantity <= 0 || quantity < i->min_quantity)
		return RK_OB_BELOW_MIN_QUANTITY;
	if (quantity > i->max_quantity)
		return RK_OB_ABOVE_MAX_QUANTITY;
	if (i->lot_size > 0 && quantity % i->lot_size != 0)
		return RK_OB_BAD_LOT;
	if (price == RK_OB_NONE)
		return RK_OB_REASON_NONE;
	notional = (__int128) (price < 0 ? -price : price) * quantity / RK_OB_ONE;
	if (notional > INT64_MAX)
		return RK_OB_OVERFLOW;
	if (i->max_notional != RK_OB_NONE && notional > i->max_notional)
		return RK_OB_ABOVE_MAX_NOTIONAL;
	return RK_OB_REASON_NONE;
}

/* What is wrong with a new order, apart from what the book says of it. */
static rk_ob_reason
check_new(const rk_ob *ob, const rk_ob_event *e, const rk_ob_book *book)
{
	const rk_ob_instrument *i = &book->instrument;
	bool		stop = e->type == RK_OB_STOP || e->type == RK_OB_STOP_LIMIT;
	bool		limit = e->type == RK_OB_LIMIT || e->type == RK_OB_STOP_LIMIT;
	rk_ob_reason reason;

	if (book->phase == RK_OB_HALT || book->phase == RK_OB_CLOSED ||
		(book->phase == RK_OB_AUCTION && e->type == RK_OB_LIMIT &&
		 (e->tif == RK_OB_IOC || e->tif == RK_OB_FOK)))
		return RK_OB_PHASE_CLOSED;
	if (limit && (reason = check_price(i, e->price)) != RK_OB_REASON_NONE)
		return reason;
	if (stop && (e->stop_price == RK_OB_NONE || (e->stop_price <= 0 && !i->allow_negative) ||
				 e->stop_price % i->tick_size != 0))
		return RK_OB_BAD_STOP_PRICE;
	if ((reason = check_quantity(i, e->quantity, limit ? e->price : RK_OB_NONE)) != RK_OB_REASON_NONE)
		return reason;
	if (e->display_quantity != RK_OB_NONE &&
		(e->display_quantity <= 0 || e->display_quantity > e->quantity ||
		 (i->lot_size > 0 && e->display_quantity % i->lot_size != 0)))
		return RK_OB_BAD_LOT;
	if (e->min_quantity != RK_OB_NONE && (e->min_quantity <= 0 || e->min_quantity > e->quantity))
		return RK_OB_BELOW_MIN_QUANTITY;
	if (e->tif == RK_OB_GTD &&
		(e->expires_at == RK_OB_NONE || (ob->ts != RK_OB_NONE && e->expires_at <= ob->ts)))
		return RK_OB_GTD_IN_PAST;
	return RK_OB_REASON_NONE;
}

static bool
expires_before(const rk_ob_expiry *a, const rk_ob_expiry *b)
{
	return a->expires_at != b->expires_at ? a->expires_at < b->expires_at : a->entry < b->entry;
}

void
rk_ob_add_expiry(rk_ob *ob, uint32_t order)
{
	rk_ob_order *o = &ob->orders[order];
	rk_ob_expiry e = {o->expires_at, o->entry, order};
	int64_t		at;

	for (at = ob->expiry_count++; at > 0 && expires_before(&e, &ob->expiries[(at - 1) / 2]); at = (at - 1) / 2)
		ob->expiries[at] = ob->expiries[(at - 1) / 2];
	ob->expiries[at] = e;
}

static rk_ob_expiry
pop_expiry(rk_ob *ob)
{
	rk_ob_expiry top = ob->expiries[0];
	rk_ob_expiry last = ob->expiries[--ob->expiry_count];
	int64_t		at = 0;

	for (;;)
	{
		int64_t		child = 2 * at + 1;

		if (child >= ob->expiry_count)
			break;
		if (child + 1 < ob->expiry_count && expires_before(&ob->expiries[child + 1], &ob->expiries[child]))
			child++;
		if (!expires_before(&ob->expiries[child], &last))
			break;
		ob->expiries[at] = ob->expiries[child];
		at = child;
	}
	ob->expiries[at] = last;
	return top;
}

/* Whether the last price already triggers a stop. */
static bool
already_triggered(const rk_ob_book *book, rk_ob_side side, int64_t stop_price)
{
	return book->phase == RK_OB_CONTINUOUS && book->last_price != RK_OB_NONE &&
		(side == RK_OB_BUY ? book->last_price >= stop_price : book->last_price <= stop_price);
}

static rk_status
new_order(rk_ob *ob, const rk_ob_event *e)
{
	rk_ob_book *book;
	rk_ob_reason reason;
	rk_ob_order *o;
	uint32_t	order;
	bool		stop = e->type == RK_OB_STOP || e->type == RK_OB_STOP_LIMIT;

	if (e->symbol >= ob->book_count)
		return refuse(ob, e, RK_OB_EV_REJECTED, RK_OB_UNKNOWN_SYMBOL);
	book = &ob->books[e->symbol];
	if (rk_ob_find(ob, e->order_id) != NULL)
		return refuse(ob, e, RK_OB_EV_REJECTED, RK_OB_DUPLICATE_ORDER_ID);
	if ((reason = check_new(ob, e, book)) != RK_OB_REASON_NONE)
		return refuse(ob, e, RK_OB_EV_REJECTED, reason);
	order = rk_ob_take_order(ob, e->order_id);
	o = &ob->orders[order];
	*o = (rk_ob_order) {
		.id = e->order_id,
		.price = e->type == RK_OB_LIMIT || e->type == RK_OB_STOP_LIMIT ? e->price : RK_OB_NONE,
		.leaves = e->quantity,
		.shown = 0,
		.stp_group = e->stp_group,
		.next = RK_NO_INDEX,
		.prev = RK_NO_INDEX,
		.level = RK_NO_INDEX,
		.book = e->symbol,
		.side = e->side,
		.type = e->type,
		.tif = e->tif,
		.status = RK_OB_NEW,
		.post_only = e->post_only,
		.trader = e->trader,
		.quantity = e->quantity,
		.display = e->display_quantity,
		.stop_price = stop ? e->stop_price : RK_OB_NONE,
		.min_quantity = e->min_quantity,
		.expires_at = e->expires_at,
		.entry = ++ob->entries
	};
	if (!stop && o->post_only && book->phase == RK_OB_CONTINUOUS && rk_ob_would_trade(ob, o))
	{
		o->status = RK_OB_REJECTED;
		if (rk_ob_report_order(ob, RK_OB_EV_REJECTED, o, RK_OB_POST_ONLY_WOULD_TRADE) == NULL)
			return RK_ERR_MEMORY;
		rk_ob_end_order(ob, order, RK_OB_REJECTED, RK_OB_POST_ONLY_WOULD_TRADE);
		return RK_OK;
	}
	if (o->tif == RK_OB_GTD)
		rk_ob_add_expiry(ob, order);
	if (stop)
		o->status = RK_OB_PENDING_TRIGGER;
	if (rk_ob_report_order(ob, RK_OB_EV_ACCEPTED, o, RK_OB_REASON_NONE) == NULL)
		return RK_ERR_MEMORY;
	if (stop && !already_triggered(book, o->side, o->stop_price))
		return rk_ob_enqueue(ob, &book->stops[o->side], order, rk_ob_stop_key(o->side, o->stop_price));
	if (stop)
	{
		o->status = RK_OB_NEW;
		o->type = o->type == RK_OB_STOP ? RK_OB_MARKET : RK_OB_LIMIT;
		if (rk_ob_report_order(ob, RK_OB_EV_TRIGGERED, o, RK_OB_REASON_NONE) == NULL)
			return RK_ERR_MEMORY;
	}
	return rk_ob_enter(ob, order);
}

/* ---- amendment and cancellation ---- */

/* Sets the display size of a resting order that keeps its place. */
static void
show_less(rk_ob *ob, rk_ladder *ladder, rk_ob_order *o, int64_t display)
{
	rk_level   *l = &ladder->levels[o->level];
	int64_t		shown = display < o->shown ? display : o->shown;

	rk_ob_touch_level(ob, o->book, o->side, l->key);
	l->shown += shown - o->shown;
	o->shown = shown;
	o->display = display;
}

/* Whether an amended order would show more than before. */
static bool
shows_more(const rk_ob_order *o, int64_t display)
{
	return display != RK_OB_NONE && o->display != RK_OB_NONE && display > o->display;
}

static rk_status
amend_order(rk_ob *ob, const rk_ob_event *e)
{
	rk_ob_order *o = rk_ob_find(ob, e->order_id);
	const rk_ob_book *book;
	rk_ladder  *ladder;
	rk_ob_reason reason;
	uint32_t	order;
	int64_t		price;
	int64_t		quantity;
	int64_t		display;
	bool		pending;

	if (o == NULL)
		return refuse(ob, e, RK_OB_EV_AMEND_REJECTED, rk_ob_reason_of_absence(ob, e->order_id));
	order = (uint32_t) (o - ob->orders);
	book = &ob->books[o->book];
	ladder = rk_ob_ladder(ob, o);
	pending = o->status == RK_OB_PENDING_TRIGGER;
	price = e->new_price == RK_OB_NONE || o->price == RK_OB_NONE ? o->price : e->new_price;
	quantity = e->new_quantity == RK_OB_NONE ? o->quantity : e->new_quantity;
	display = e->display_quantity == RK_OB_NONE ? o->display : e->display_quantity;
	reason = RK_OB_REASON_NONE;
	if (e->trader != 0 && o->trader != 0 && e->trader != o->trader)
		reason = RK_OB_NOT_OWNER;
	else if (book->phase == RK_OB_HALT || book->phase == RK_OB_CLOSED)
		reason = RK_OB_PHASE_CLOSED;
	else if (e->new_price != RK_OB_NONE && o->price == RK_OB_NONE)
		reason = RK_OB_BAD_PRICE;	/* a market order has none */
	else if (o->price != RK_OB_NONE)
		reason = check_price(&book->instrument, price);
	/* a total that is traded already ends the order, whatever its size */
	if (reason == RK_OB_REASON_NONE && (quantity > o->cum || quantity <= 0))
		reason = check_quantity(&book->instrument, quantity, price);
	if (reason == RK_OB_REASON_NONE && e->display_quantity != RK_OB_NONE && e->display_quantity <= 0)
		reason = RK_OB_BAD_LOT;
	if (reason != RK_OB_REASON_NONE)
	{
		rk_ob_report *r = rk_ob_report_order(ob, RK_OB_EV_AMEND_REJECTED, o, reason);

		return r ? RK_OK : RK_ERR_MEMORY;
	}
	if (quantity <= o->cum)
	{
		rk_ob_dequeue(ob, ladder, order);
		o->quantity = o->cum;
		o->leaves = 0;
		o->status = RK_OB_FILLED;
		if (rk_ob_report_order(ob, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE) == NULL ||
			rk_ob_report_order(ob, RK_OB_EV_DONE, o, RK_OB_REDUCED_TO_FILLED) == NULL)
			return RK_ERR_MEMORY;
		rk_ob_end_order(ob, order, RK_OB_FILLED, RK_OB_REDUCED_TO_FILLED);
		return RK_OK;
	}
	if (!pending && price == o->price && quantity <= o->quantity && !shows_more(o, display))
	{
		rk_level   *l = &ladder->levels[o->level];
		int64_t		less = o->quantity - quantity;

		/* the place in the queue stays; what is hidden shrinks first */
		l->leaves -= less;
		o->leaves -= less;
		o->quantity = quantity;
		show_less(ob, ladder, o, o->leaves < o->shown ? o->leaves : o->shown);
		o->display = display;
		if (display != RK_OB_NONE && display < o->shown)
			show_less(ob, ladder, o, display);
		return rk_ob_report_order(ob, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE) ? RK_OK : RK_ERR_MEMORY;
	}
	rk_ob_dequeue(ob, ladder, order);
	o->price = price;
	o->leaves += quantity - o->quantity;
	o->quantity = quantity;
	o->display = display;
	o->shown = 0;
	o->entry = ++ob->entries;
	if (o->tif == RK_OB_GTD)
		rk_ob_add_expiry(ob, order);
	if (rk_ob_report_order(ob, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE) == NULL)
		return RK_ERR_MEMORY;
	if (pending)
		return rk_ob_enqueue(ob, ladder, order, rk_ob_stop_key(o->side, o->stop_price));
	return rk_ob_enter(ob, order);
}

static rk_status
cancel_by_id(rk_ob *ob, const rk_ob_event *e)
{
	rk_ob_order *o = rk_ob_find(ob, e->order_id);

	if (o == NULL)
		return refuse(ob, e, RK_OB_EV_CANCEL_REJECTED, rk_ob_reason_of_absence(ob, e->order_id));
	if (e->trader != 0 && o->trader != 0 && e->trader != o->trader)
		return rk_ob_report_order(ob, RK_OB_EV_CANCEL_REJECTED, o, RK_OB_NOT_OWNER) ? RK_OK : RK_ERR_MEMORY;
	return rk_ob_cancel_order(ob, (uint32_t) (o - ob->orders), RK_OB_EV_CANCELED, RK_OB_CANCELED,
							  RK_OB_USER_REQUEST);
}

static int
compare_age(const void *a, const void *b)
{
	int64_t		x = ((const rk_ob_aged *) a)->entry;
	int64_t		y = ((const rk_ob_aged *) b)->entry;

	return (x > y) - (x < y);
}

/* What end_many does to an order, and to which. */
typedef struct end_rule
{
	rk_ob_side	side;			/* RK_OB_NO_SIDE: both */
	uint64_t	trader;			/* 0: all */
	bool		day_only;
	rk_ob_report_event event;
	rk_ob_status status;
	rk_ob_reason reason;
} end_rule;

/* Ends the live orders of a book that a rule names, oldest first. */
static rk_status
end_many(rk_ob *ob, uint32_t symbol, const end_rule *rule)
{
	rk_ob_book *book = &ob->books[symbol];
	rk_ladder  *ladders[4] = {&book->sides[0], &book->sides[1], &book->stops[0], &book->stops[1]};
	rk_ob_aged *found = ob->scratch;
	int64_t		count = 0;
	rk_status	status = RK_OK;

	for (int i = 0; i < 4; i++)
	{
		rk_ladder_place place;

		if (rule->side != RK_OB_NO_SIDE && (int) rule->side != i % 2)
			continue;
		for (uint32_t level = rk_ladder_first(ladders[i], &place); level != RK_NO_INDEX;
			 level = rk_ladder_next(ladders[i], &place))
		{
			for (uint32_t o = ladders[i]->levels[level].head; o != RK_NO_INDEX; o = ob->orders[o].next)
				if ((rule->trader == 0 || ob->orders[o].trader == rule->trader) &&
					(!rule->day_only || ob->orders[o].tif == RK_OB_DAY))
					found[count++] = (rk_ob_aged) {ob->orders[o].entry, o};
		}
	}
	if (count > 1)
		qsort(found, count, sizeof(rk_ob_aged), compare_age);
	for (int64_t i = 0; i < count && status == RK_OK; i++)
		status = rk_ob_cancel_order(ob, found[i].order, rule->event, rule->status, rule->reason);
	return status;
}

/* ---- time and phases ---- */

static const end_rule day_end_rule = {.side = RK_OB_NO_SIDE,.day_only = true,
.event = RK_OB_EV_EXPIRED,.status = RK_OB_EXPIRED,.reason = RK_OB_DAY_END};

/* The end of the trading day after a moment. */
static int64_t
day_end_after(int64_t ts, int64_t of_day)
{
	int64_t		end = ts - ((ts % NS_PER_DAY) + NS_PER_DAY) % NS_PER_DAY;

	if (__builtin_add_overflow(end, of_day, &end) || end > ts)
		return end > ts ? end : INT64_MAX;
	return __builtin_add_overflow(end, NS_PER_DAY, &end) ? INT64_MAX : end;
}

/* Ends what a moment ends: orders good till a time, and days of trading. */
static rk_status
pass_time(rk_ob *ob, int64_t ts)
{
	rk_status	status = RK_OK;
	int64_t		count = 0;
	rk_ob_aged *due = ob->scratch;

	while (ob->expiry_count > 0 && ob->expiries[0].expires_at <= ts)
	{
		rk_ob_expiry e = pop_expiry(ob);

		/* it may have ended before, or been amended */
		if (ob->orders[e.order].entry == e.entry && ob->orders[e.order].level != RK_NO_INDEX)
			due[count++] = (rk_ob_aged) {e.entry, e.order};
	}
	if (count > 1)
		qsort(due, count, sizeof(rk_ob_aged), compare_age);
	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		ob->age = due[i].entry;
		status = rk_ob_cancel_order(ob, due[i].order, RK_OB_EV_EXPIRED, RK_OB_EXPIRED, RK_OB_REASON_NONE);
	}
	ob->age = RK_OB_AGE_EVENT;
	if (ts < ob->next_day_end)
		return status;
	ob->age = RK_OB_AGE_DAY;
	ob->next_day_end = INT64_MAX;
	for (uint32_t b = 0; b < ob->book_count && status == RK_OK; b++)
	{
		rk_ob_book *book = &ob->books[b];

		if (book->instrument.trading_day_end == RK_OB_NONE)
			continue;
		if (book->day_end != RK_OB_NONE && ts >= book->day_end)
			status = end_many(ob, b, &day_end_rule);
		if (book->day_end == RK_OB_NONE || ts >= book->day_end)
			book->day_end = day_end_after(ts, book->instrument.trading_day_end);
		if (book->day_end < ob->next_day_end)
			ob->next_day_end = book->day_end;
	}
	ob->age = RK_OB_AGE_EVENT;
	return status;
}

static rk_status
change_phase(rk_ob *ob, uint32_t symbol, rk_ob_phase phase)
{
	rk_ob_book *book = &ob->books[symbol];
	rk_ob_phase before = book->phase;
	rk_ob_report *r = add_report(ob, RK_OB_EV_PHASE);
	rk_ob_range range = {INT64_MAX, INT64_MIN};
	int64_t		trades = book->trade_count;
	rk_status	status = RK_OK;

	if (r == NULL)
		return RK_ERR_MEMORY;
	r->symbol = symbol;
	book->phase = phase;
	if (before == RK_OB_AUCTION && phase != RK_OB_AUCTION)
	{
		status = rk_ob_uncross(ob, symbol);
		if (book->trade_count > trades)
			range.low = range.high = book->last_price;
	}
	if (status == RK_OK && phase == RK_OB_CLOSED)
		status = end_many(ob, symbol, &day_end_rule);
	return status == RK_OK ? rk_ob_run_stops(ob, symbol, range) : status;
}

/*
 * A trade that was made elsewhere: figures of the book and its stops see it,
 * orders in the book do not.
 */
static rk_status
print_trade(rk_ob *ob, const rk_ob_event *e)
{
	rk_ob_book *book = &ob->books[e->symbol];
	rk_ob_reason reason = check_price(&book->instrument, e->price);
	rk_ob_report *r;

	if (book->phase == RK_OB_HALT || book->phase == RK_OB_CLOSED)
		reason = RK_OB_PHASE_CLOSED;
	else if (reason == RK_OB_REASON_NONE && e->quantity <= 0)
		reason = RK_OB_BELOW_MIN_QUANTITY;
	if (reason == RK_OB_REASON_NONE && !rk_ob_count_trade(book, e->price, e->quantity))
		reason = RK_OB_OVERFLOW;
	if ((r = add_report(ob, reason == RK_OB_REASON_NONE ? RK_OB_EV_TRADE : RK_OB_EV_REJECTED)) == NULL)
		return RK_ERR_MEMORY;
	r->symbol = e->symbol;
	r->price = e->price;
	r->quantity = e->quantity;
	r->status = reason == RK_OB_REASON_NONE ? RK_OB_FILLED : RK_OB_REJECTED;
	r->reason = reason;
	if (reason != RK_OB_REASON_NONE)
		return RK_OK;
	r->trade_id = book->trade_count;
	return rk_ob_run_stops(ob, e->symbol, (rk_ob_range) {e->price, e->price});
}

rk_status
rk_ob_apply(rk_ob *ob, const rk_ob_event *e)
{
	rk_status	status = RK_OK;
	uint32_t	first = e->symbol == RK_NO_INDEX ? 0 : e->symbol;
	uint32_t	last = e->symbol == RK_NO_INDEX ? ob->book_count : e->symbol + 1;
	end_rule	rule = {.side = e->side,.trader = e->trader,.event = RK_OB_EV_CANCELED,
	.status = RK_OB_CANCELED,.reason = RK_OB_USER_REQUEST};

	if (!ob->reserved && (status = rk_ob_reserve(ob, e)) != RK_OK)
		return status;
	ob->seq = e->seq;
	ob->event_no = 0;
	ob->ts = e->ts;
	if (e->ts != RK_OB_NONE && (status = pass_time(ob, e->ts)) != RK_OK)
		return status;
	switch (e->action)
	{
		case RK_OB_ACTION_NEW:
			return new_order(ob, e);
		case RK_OB_ACTION_AMEND:
			return amend_order(ob, e);
		case RK_OB_ACTION_CANCEL:
			return cancel_by_id(ob, e);
		case RK_OB_ACTION_MASS_CANCEL:
			for (uint32_t b = first; b < last && b < ob->book_count && status == RK_OK; b++)
				status = end_many(ob, b, &rule);
			return status;
		case RK_OB_ACTION_PHASE:
			for (uint32_t b = first; b < last && b < ob->book_count && status == RK_OK; b++)
				status = change_phase(ob, b, e->phase);
			return status;
		case RK_OB_ACTION_PRINT:
			return print_trade(ob, e);
		case RK_OB_ACTION_TIME:
		case RK_OB_ACTION_INSTRUMENT:
			break;
	}
	return RK_OK;
}

/* ---- engines ---- */

void
rk_ob_set_instrument(rk_ob *ob, uint32_t symbol, const rk_ob_instrument *instrument)
{
	rk_ob_book *book = &ob->books[symbol];

	if (book->instrument.trading_day_end != instrument->trading_day_end)
		book->day_end = RK_OB_NONE;
	book->instrument = *instrument;
	/* the next moment says which day it is */
	if (instrument->trading_day_end != RK_OB_NONE && book->day_end == RK_OB_NONE)
		ob->next_day_end = INT64_MIN;
}

void
rk_ob_remove_last_book(rk_ob *ob)
{
	rk_ob_book *book = &ob->books[--ob->book_count];

	for (int i = 0; i < 2; i++)
	{
		rk_ladder_free(ob->ctx, &book->sides[i]);
		rk_ladder_free(ob->ctx, &book->stops[i]);
	}
}

uint32_t
rk_ob_add_book(rk_ob *ob)
{
	rk_ob_book *book;

	if (ob->book_count == ob->book_capacity)
	{
		uint32_t	capacity = ob->book_capacity ? ob->book_capacity * 2 : 1;
		rk_ob_book *grown = rk_realloc(ob->ctx, ob->books, capacity, sizeof(rk_ob_book));

		if (grown == NULL)
			return RK_NO_INDEX;
		ob->books = grown;
		ob->book_capacity = capacity;
	}
	book = &ob->books[ob->book_count];
	*book = (rk_ob_book) {
		.instrument = rk_ob_default_instrument,
		.day_end = RK_OB_NONE,
		.last_price = RK_OB_NONE,
		.last_quantity = RK_OB_NONE,
		.open = RK_OB_NONE,
		.high = RK_OB_NONE,
		.low = RK_OB_NONE
	};
	for (int i = 0; i < 2; i++)
		if (rk_ladder_init(ob->ctx, &book->sides[i]) != RK_OK ||
			rk_ladder_init(ob->ctx, &book->stops[i]) != RK_OK)
			return RK_NO_INDEX;
	return ob->book_count++;
}

rk_status
rk_ob_create(rk_ctx *ctx, uint32_t symbols, bool keep_done, rk_ob **result)
{
	rk_ob	   *ob = rk_alloc0(ctx, 1, sizeof(rk_ob));

	if (ob == NULL)
		return RK_ERR_MEMORY;
	ob->ctx = ctx;
	ob->keep_done = keep_done;
	ob->next_day_end = INT64_MAX;
	ob->age = RK_OB_AGE_EVENT;
	ob->free_order = RK_NO_INDEX;
	ob->order_capacity = 1024;
	ob->orders = rk_alloc(ctx, ob->order_capacity, sizeof(rk_ob_order));
	ob->slot_mask = 2047;
	ob->slots = rk_alloc0(ctx, ob->slot_mask + 1, sizeof(uint32_t));
	ob->report_capacity = 1024;
	ob->reports = rk_alloc(ctx, ob->report_capacity, sizeof(rk_ob_report));
	if (!ob->orders || !ob->slots || !ob->reports)
		return RK_ERR_MEMORY;
	for (uint32_t i = 0; i < symbols; i++)
		if (rk_ob_add_book(ob) == RK_NO_INDEX)
			return RK_ERR_MEMORY;
	*result = ob;
	return RK_OK;
}

/* ---- looking ---- */

int64_t
rk_ob_best_price(const rk_ob_book *book, rk_ob_side side)
{
	const rk_ladder *l = &book->sides[side];
	rk_ladder_place place;
	uint32_t	level = rk_ladder_first(l, &place);

	if (level != RK_NO_INDEX && l->levels[level].key == INT64_MAX)
		level = rk_ladder_next(l, &place);
	return level == RK_NO_INDEX ? RK_OB_NONE : rk_ob_price_of_key(side, l->levels[level].key);
}

int64_t
rk_ob_queue_position(const rk_ob *ob, const rk_ob_order *order)
{
	int64_t		position = 1;

	for (uint32_t i = order->prev; i != RK_NO_INDEX; i = ob->orders[i].prev)
		position++;
	return position;
}

/* Everything about an order that decides what becomes of it. */
static uint64_t
hash_order(uint64_t h, const rk_ob_order *o)
{
	h = rk_hash_fold(h, o->id);
	h = rk_hash_fold(h, (uint64_t) o->price);
	h = rk_hash_fold(h, (uint64_t) o->leaves);
	h = rk_hash_fold(h, (uint64_t) o->shown);
	h = rk_hash_fold(h, (uint64_t) o->cum);
	h = rk_hash_fold(h, (uint64_t) o->turnover);
	h = rk_hash_fold(h, (uint64_t) o->display);
	h = rk_hash_fold(h, (uint64_t) o->stop_price);
	h = rk_hash_fold(h, (uint64_t) o->expires_at);
	h = rk_hash_fold(h, o->trader);
	h = rk_hash_fold(h, o->stp_group);
	return rk_hash_fold(h, (uint64_t) o->type | (uint64_t) o->tif << 8 | (uint64_t) o->status << 16 |
						(uint64_t) o->post_only << 24);
}

uint64_t
rk_ob_hash(const rk_ob *ob, uint32_t symbol)
{
	const rk_ob_book *book = &ob->books[symbol];
	const rk_ladder *ladders[4] = {&book->sides[0], &book->sides[1], &book->stops[0], &book->stops[1]};
	uint64_t	h = rk_hash_fold(book->phase, (uint64_t) book->last_price);

	h = rk_hash_fold(h, (uint64_t) book->trade_count);
	h = rk_hash_fold(h, (uint64_t) book->volume);
	h = rk_hash_fold(h, (uint64_t) book->turnover);
	h = rk_hash_fold(h, (uint64_t) book->day_end);
	for (int i = 0; i < 4; i++)
	{
		rk_ladder_place place;

		for (uint32_t level = rk_ladder_first(ladders[i], &place); level != RK_NO_INDEX;
			 level = rk_ladder_next(ladders[i], &place))
		{
			for (uint32_t at = ladders[i]->levels[level].head; at != RK_NO_INDEX; at = ob->orders[at].next)
				h = hash_order(h, &ob->orders[at]);
		}
	}
	return h;
}

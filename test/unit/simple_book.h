/*
 * simple_book.h
 *	  A deliberately simple matcher: an array of orders, looked through from
 *	  one end to the other for every step, no index, no queue, no sums.
 *
 * It follows the rules of price-time priority as they are written and says what
 * it does, report by report; test_orderbook_oracle.c compares it with the
 * engine.  It shares the engine's enumerations and nothing else.
 */
#ifndef RK_TEST_SIMPLE_BOOK_H
#define RK_TEST_SIMPLE_BOOK_H

#include "support.h"

#include "../../src/orderbook/orderbook.h"

#define SIMPLE_ORDERS 4096		/* of one book, ended ones included */

typedef struct simple_order
{
	uint64_t	id;
	uint64_t	trader;
	uint64_t	group;
	rk_ob_side	side;
	rk_ob_type	type;
	rk_ob_tif	tif;
	int64_t		price;			/* RK_OB_NONE: market */
	int64_t		quantity;
	int64_t		leaves;
	int64_t		shown;
	int64_t		display;
	int64_t		stop;
	int64_t		minimum;
	int64_t		expires;
	bool		post_only;
	int64_t		age;			/* when it was entered or lost its place */
	int64_t		place;			/* when it came to the end of its queue */
	int64_t		cum;
	bool		rests;
	bool		waits;			/* a stop */
	bool		passed;			/* over, by the order at hand */
} simple_order;

typedef struct simple_report
{
	rk_ob_report_event event;
	uint64_t	order_id;
	uint64_t	contra_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		remaining;
	int64_t		cum;
	rk_ob_reason reason;
	rk_ob_side	aggressor;
} simple_report;

typedef struct simple_book
{
	rk_ob_instrument rules;
	rk_ob_phase phase;
	simple_order orders[SIMPLE_ORDERS];
	int			count;
	int64_t		clock;			/* ages and places */
	int64_t		last;			/* RK_OB_NONE: nothing traded yet */
	int64_t		now;
	simple_report reports[8192];
	int			said;
	int64_t		low;			/* trade prices that the order at hand has caused */
	int64_t		high;
} simple_book;

static inline simple_report *
simple_say(simple_book *b, rk_ob_report_event event, const simple_order *o, rk_ob_reason reason)
{
	simple_report *r = &b->reports[b->said++];

	assert_true(b->said < 8192);
	*r = (simple_report) {event, o->id, 0, o->price, o->quantity, o->leaves, o->cum, reason, RK_OB_NO_SIDE};
	return r;
}

static inline simple_order *
simple_find(simple_book *b, uint64_t id)
{
	for (int i = 0; i < b->count; i++)
		if (b->orders[i].id == id && (b->orders[i].rests || b->orders[i].waits))
			return &b->orders[i];
	return NULL;
}

static inline void
simple_end(simple_book *b, simple_order *o, rk_ob_report_event event, rk_ob_reason reason)
{
	o->rests = o->waits = false;
	o->shown = 0;
	simple_say(b, event, o, reason);
}

/* Whether a trades with what is offered at a price. */
static inline bool
simple_crosses(const simple_order *a, int64_t limit, int64_t price)
{
	return limit == RK_OB_NONE || (a->side == RK_OB_BUY ? price <= limit : price >= limit);
}

/* The order of a side that is served first, of those not passed over; NULL: none. */
static inline simple_order *
simple_first(simple_book *b, rk_ob_side side)
{
	simple_order *best = NULL;

	for (int i = 0; i < b->count; i++)
	{
		simple_order *o = &b->orders[i];

		if (!o->rests || o->side != side || o->passed)
			continue;
		if (best == NULL)
			best = o;
		else if (o->price == best->price)
			best = o->place < best->place ? o : best;
		else if (o->price == RK_OB_NONE)
			best = o;
		else if (best->price != RK_OB_NONE && (side == RK_OB_BUY ? o->price > best->price : o->price < best->price))
			best = o;
	}
	return best;
}

static inline void
simple_pass_none(simple_book *b)
{
	for (int i = 0; i < b->count; i++)
		b->orders[i].passed = false;
}

static inline bool
simple_alike(const simple_order *a, const simple_order *b)
{
	return a->group != 0 && a->group == b->group;
}

/* How much could trade at once. */
static inline bool
simple_executable(simple_book *b, const simple_order *taker, int64_t limit, int64_t wanted)
{
	rk_ob_side	other = taker->side == RK_OB_BUY ? RK_OB_SELL : RK_OB_BUY;
	__int128	sum = 0;
	simple_order *o;

	simple_pass_none(b);
	while (sum < wanted && (o = simple_first(b, other)) != NULL && simple_crosses(taker, limit, o->price))
	{
		o->passed = true;
		if (!simple_alike(taker, o) || b->rules.stp_mode == RK_OB_STP_NONE)
			sum += o->leaves;
		else if (b->rules.stp_mode != RK_OB_STP_CANCEL_OLDEST && b->rules.stp_mode != RK_OB_STP_SKIP)
			break;
	}
	simple_pass_none(b);
	return sum >= wanted;
}

static inline void
simple_trade(simple_book *b, simple_order *taker, simple_order *maker, int64_t price, int64_t quantity, rk_ob_side aggressor)
{
	simple_report *r;

	taker->leaves -= quantity;
	taker->cum += quantity;
	maker->leaves -= quantity;
	maker->cum += quantity;
	b->last = price;
	b->low = price < b->low ? price : b->low;
	b->high = price > b->high ? price : b->high;
	r = simple_say(b, RK_OB_EV_TRADE, taker, RK_OB_REASON_NONE);
	r->contra_id = maker->id;
	r->price = price;
	r->quantity = quantity;
	r->aggressor = aggressor;
}

static inline void
simple_rest(simple_book *b, simple_order *o)
{
	int64_t		prices[SIMPLE_ORDERS];
	int			levels = 0;
	bool		known = false;

	/* how many prices has the side? */
	for (int i = 0; i < b->count; i++)
	{
		bool		seen = false;

		if (!b->orders[i].rests || b->orders[i].side != o->side)
			continue;
		known |= b->orders[i].price == o->price;
		for (int k = 0; k < levels; k++)
			seen |= prices[k] == b->orders[i].price;
		if (!seen)
			prices[levels++] = b->orders[i].price;
	}
	if (levels >= b->rules.max_levels && !known)
	{
		simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_TOO_MANY_LEVELS);
		return;
	}
	o->shown = o->display != RK_OB_NONE && o->display < o->leaves ? o->display : o->leaves;
	o->rests = true;
	o->place = ++b->clock;
}

/* What happens to two orders of one group; returns whether the incoming one has ended. */
static inline bool
simple_self_trade(simple_book *b, simple_order *taker, simple_order *maker)
{
	int64_t		less = taker->leaves < maker->leaves ? taker->leaves : maker->leaves;

	switch (b->rules.stp_mode)
	{
		case RK_OB_STP_SKIP:
			maker->passed = true;
			return false;
		case RK_OB_STP_CANCEL_OLDEST:
			simple_end(b, maker, RK_OB_EV_CANCELED, RK_OB_SELF_TRADE);
			return false;
		case RK_OB_STP_CANCEL_BOTH:
			simple_end(b, maker, RK_OB_EV_CANCELED, RK_OB_SELF_TRADE);
			break;
		case RK_OB_STP_DECREMENT:
			taker->leaves -= less;
			taker->quantity -= less;
			maker->leaves -= less;
			maker->quantity -= less;
			maker->shown = maker->shown < maker->leaves ? maker->shown : maker->leaves;
			simple_say(b, RK_OB_EV_DECREMENTED, maker, RK_OB_SELF_TRADE);
			simple_say(b, RK_OB_EV_DECREMENTED, taker, RK_OB_SELF_TRADE);
			if (maker->leaves == 0)
				simple_end(b, maker, RK_OB_EV_CANCELED, RK_OB_SELF_TRADE);
			if (taker->leaves > 0)
				return false;
			break;
		default:
			break;
	}
	simple_end(b, taker, RK_OB_EV_CANCELED, RK_OB_SELF_TRADE);
	return true;
}

static inline void
simple_enter(simple_book *b, simple_order *o)
{
	rk_ob_side	other = o->side == RK_OB_BUY ? RK_OB_SELL : RK_OB_BUY;
	int64_t		limit = o->price;
	simple_order *maker = simple_first(b, other);

	b->low = INT64_MAX;
	b->high = INT64_MIN;
	if (b->phase == RK_OB_AUCTION)
	{
		simple_rest(b, o);
		return;
	}
	if (limit == RK_OB_NONE && b->rules.collar_ticks != RK_OB_NONE && maker != NULL)
		limit = o->side == RK_OB_BUY ? maker->price + b->rules.collar_ticks * b->rules.tick_size :
			maker->price - b->rules.collar_ticks * b->rules.tick_size;
	if (o->post_only && maker != NULL && simple_crosses(o, o->price, maker->price))
	{
		simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_POST_ONLY_WOULD_TRADE);
		return;
	}
	if (o->tif == RK_OB_FOK && !simple_executable(b, o, limit, o->leaves))
	{
		simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_FOK_UNFILLED);
		return;
	}
	if (o->minimum != RK_OB_NONE)
	{
		int64_t		minimum = o->minimum;

		o->minimum = RK_OB_NONE;
		if (!simple_executable(b, o, limit, minimum))
		{
			simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_MIN_QUANTITY_UNFILLED);
			return;
		}
	}
	while (o->leaves > 0 && (maker = simple_first(b, other)) != NULL && simple_crosses(o, limit, maker->price))
	{
		int64_t		quantity;

		if (simple_alike(o, maker) && b->rules.stp_mode != RK_OB_STP_NONE)
		{
			if (simple_self_trade(b, o, maker))
				return;
			continue;
		}
		quantity = o->leaves < maker->shown ? o->leaves : maker->shown;
		simple_trade(b, o, maker, maker->price, quantity, o->side);
		maker->shown -= quantity;
		if (maker->leaves == 0)
			simple_end(b, maker, RK_OB_EV_DONE, RK_OB_REASON_NONE);
		else if (maker->shown == 0)
		{
			maker->shown = maker->display < maker->leaves ? maker->display : maker->leaves;
			maker->place = ++b->clock;
			simple_say(b, RK_OB_EV_REFRESHED, maker, RK_OB_REASON_NONE);
		}
	}
	simple_pass_none(b);
	maker = simple_first(b, other);
	if (o->leaves == 0)
		simple_end(b, o, RK_OB_EV_DONE, RK_OB_REASON_NONE);
	else if (o->type == RK_OB_MARKET && limit != RK_OB_NONE && maker != NULL)
		simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_COLLAR_REACHED);
	else if (o->type == RK_OB_MARKET || o->tif == RK_OB_IOC || o->tif == RK_OB_FOK)
		simple_end(b, o, RK_OB_EV_CANCELED, o->cum > 0 ? RK_OB_IOC_REMAINDER : RK_OB_NO_LIQUIDITY);
	else
		simple_rest(b, o);
}

static inline void
simple_trigger(simple_book *b, simple_order *o)
{
	o->waits = false;
	o->type = o->type == RK_OB_STOP ? RK_OB_MARKET : RK_OB_LIMIT;
	simple_say(b, RK_OB_EV_TRIGGERED, o, RK_OB_REASON_NONE);
}

/* Runs the stops that prices trigger, oldest first, and those that they trigger. */
static inline void
simple_run_stops(simple_book *b, int64_t low, int64_t high)
{
	while (low <= high && b->phase == RK_OB_CONTINUOUS)
	{
		simple_order *due = NULL;

		for (int i = 0; i < b->count; i++)
		{
			simple_order *o = &b->orders[i];

			if (o->waits && (o->side == RK_OB_BUY ? high >= o->stop : low <= o->stop) && (due == NULL || o->age < due->age))
				due = o;
		}
		if (due == NULL)
			return;
		simple_trigger(b, due);
		simple_enter(b, due);
		low = b->low < low ? b->low : low;
		high = b->high > high ? b->high : high;
	}
}

/* What is wrong with a price; market orders have none. */
static inline rk_ob_reason
simple_check_price(const simple_book *b, int64_t price)
{
	if (price <= 0 && (price == RK_OB_NONE || !b->rules.allow_negative))
		return RK_OB_BAD_PRICE;
	if (price % b->rules.tick_size != 0)
		return RK_OB_BAD_TICK;
	if ((b->rules.band_low != RK_OB_NONE && price < b->rules.band_low) ||
		(b->rules.band_high != RK_OB_NONE && price > b->rules.band_high))
		return RK_OB_OUTSIDE_BAND;
	return RK_OB_REASON_NONE;
}

static inline rk_ob_reason
simple_check_quantity(const simple_book *b, int64_t quantity, int64_t price)
{
	if (quantity <= 0 || quantity < b->rules.min_quantity)
		return RK_OB_BELOW_MIN_QUANTITY;
	if (quantity > b->rules.max_quantity)
		return RK_OB_ABOVE_MAX_QUANTITY;
	if (b->rules.lot_size > 0 && quantity % b->rules.lot_size != 0)
		return RK_OB_BAD_LOT;
	if (price != RK_OB_NONE && b->rules.max_notional != RK_OB_NONE &&
		(__int128) (price < 0 ? -price : price) * quantity / RK_OB_ONE > b->rules.max_notional)
		return RK_OB_ABOVE_MAX_NOTIONAL;
	return RK_OB_REASON_NONE;
}

static inline rk_ob_reason
simple_check_new(simple_book *b, const rk_ob_event *e)
{
	bool		limit = e->type == RK_OB_LIMIT || e->type == RK_OB_STOP_LIMIT;
	bool		stop = e->type == RK_OB_STOP || e->type == RK_OB_STOP_LIMIT;
	rk_ob_reason reason;

	if (simple_find(b, e->order_id))
		return RK_OB_DUPLICATE_ORDER_ID;
	if (b->phase == RK_OB_HALT || b->phase == RK_OB_CLOSED ||
		(b->phase == RK_OB_AUCTION && e->type == RK_OB_LIMIT && (e->tif == RK_OB_IOC || e->tif == RK_OB_FOK)))
		return RK_OB_PHASE_CLOSED;
	if (limit && (reason = simple_check_price(b, e->price)) != RK_OB_REASON_NONE)
		return reason;
	if (stop && (e->stop_price == RK_OB_NONE || (e->stop_price <= 0 && !b->rules.allow_negative) ||
				 e->stop_price % b->rules.tick_size != 0))
		return RK_OB_BAD_STOP_PRICE;
	if ((reason = simple_check_quantity(b, e->quantity, limit ? e->price : RK_OB_NONE)) != RK_OB_REASON_NONE)
		return reason;
	if (e->display_quantity != RK_OB_NONE && (e->display_quantity <= 0 || e->display_quantity > e->quantity ||
											  (b->rules.lot_size > 0 && e->display_quantity % b->rules.lot_size != 0)))
		return RK_OB_BAD_LOT;
	if (e->min_quantity != RK_OB_NONE && (e->min_quantity <= 0 || e->min_quantity > e->quantity))
		return RK_OB_BELOW_MIN_QUANTITY;
	if (e->tif == RK_OB_GTD && (e->expires_at == RK_OB_NONE || e->expires_at <= b->now))
		return RK_OB_GTD_IN_PAST;
	return RK_OB_REASON_NONE;
}

static inline void
simple_new(simple_book *b, const rk_ob_event *e)
{
	bool		limit = e->type == RK_OB_LIMIT || e->type == RK_OB_STOP_LIMIT;
	bool		stop = e->type == RK_OB_STOP || e->type == RK_OB_STOP_LIMIT;
	rk_ob_reason reason = simple_check_new(b, e);
	simple_order *o = &b->orders[b->count];

	assert_true(b->count < SIMPLE_ORDERS);
	*o = (simple_order) {
		.id = e->order_id,.trader = e->trader,.group = e->stp_group,.side = e->side,.type = e->type,.tif = e->tif,
		.price = limit ? e->price : RK_OB_NONE,.quantity = e->quantity,.leaves = e->quantity,.display = e->display_quantity,
		.stop = e->stop_price,.minimum = e->min_quantity,.expires = e->expires_at,.post_only = e->post_only
	};
	if (reason != RK_OB_REASON_NONE)
	{
		simple_say(b, RK_OB_EV_REJECTED, o, reason);
		return;
	}
	if (!stop && o->post_only && b->phase == RK_OB_CONTINUOUS)
	{
		const simple_order *best = simple_first(b, o->side == RK_OB_BUY ? RK_OB_SELL : RK_OB_BUY);

		if (best && simple_crosses(o, o->price, best->price))
		{
			simple_say(b, RK_OB_EV_REJECTED, o, RK_OB_POST_ONLY_WOULD_TRADE);
			return;
		}
	}
	b->count++;
	o->age = ++b->clock;
	simple_say(b, RK_OB_EV_ACCEPTED, o, RK_OB_REASON_NONE);
	if (stop && !(b->phase == RK_OB_CONTINUOUS && b->last != RK_OB_NONE &&
				  (o->side == RK_OB_BUY ? b->last >= o->stop : b->last <= o->stop)))
	{
		o->waits = true;
		return;
	}
	if (stop)
		simple_trigger(b, o);
	simple_enter(b, o);
	simple_run_stops(b, b->low, b->high);
}

static inline void
simple_amend(simple_book *b, const rk_ob_event *e)
{
	simple_order *o = simple_find(b, e->order_id);
	rk_ob_reason reason = RK_OB_REASON_NONE;
	int64_t		price;
	int64_t		quantity;
	int64_t		display;

	if (o == NULL)
	{
		simple_say(b, RK_OB_EV_AMEND_REJECTED, &(simple_order) {.id = e->order_id}, RK_OB_UNKNOWN_ORDER);
		return;
	}
	price = e->new_price == RK_OB_NONE ? o->price : e->new_price;
	quantity = e->new_quantity == RK_OB_NONE ? o->quantity : e->new_quantity;
	display = e->display_quantity == RK_OB_NONE ? o->display : e->display_quantity;
	if (e->trader != 0 && o->trader != 0 && e->trader != o->trader)
		reason = RK_OB_NOT_OWNER;
	else if (b->phase == RK_OB_HALT || b->phase == RK_OB_CLOSED)
		reason = RK_OB_PHASE_CLOSED;
	else if (e->new_price != RK_OB_NONE && o->price == RK_OB_NONE)
		reason = RK_OB_BAD_PRICE;
	else if (price != RK_OB_NONE)
		reason = simple_check_price(b, price);
	if (reason == RK_OB_REASON_NONE && (quantity > o->cum || quantity <= 0))
		reason = simple_check_quantity(b, quantity, price);
	if (reason == RK_OB_REASON_NONE && e->display_quantity != RK_OB_NONE && e->display_quantity <= 0)
		reason = RK_OB_BAD_LOT;
	if (reason != RK_OB_REASON_NONE)
	{
		simple_say(b, RK_OB_EV_AMEND_REJECTED, o, reason);
		return;
	}
	if (quantity <= o->cum)
	{
		o->quantity = o->cum;
		o->leaves = 0;
		simple_say(b, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE);
		simple_end(b, o, RK_OB_EV_DONE, RK_OB_REDUCED_TO_FILLED);
		return;
	}
	if (o->rests && price == o->price && quantity <= o->quantity &&
		!(display != RK_OB_NONE && o->display != RK_OB_NONE && display > o->display))
	{
		/* it keeps its place */
		o->leaves -= o->quantity - quantity;
		o->quantity = quantity;
		o->display = display;
		o->shown = o->shown < o->leaves ? o->shown : o->leaves;
		if (display != RK_OB_NONE && display < o->shown)
			o->shown = display;
		simple_say(b, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE);
		return;
	}
	o->leaves += quantity - o->quantity;
	o->quantity = quantity;
	o->price = price;
	o->display = display;
	o->age = ++b->clock;
	simple_say(b, RK_OB_EV_AMENDED, o, RK_OB_REASON_NONE);
	if (o->waits)
		return;
	o->rests = false;
	simple_enter(b, o);
	simple_run_stops(b, b->low, b->high);
}

static inline void
simple_cancel(simple_book *b, const rk_ob_event *e)
{
	simple_order *o = simple_find(b, e->order_id);

	if (o == NULL)
		simple_say(b, RK_OB_EV_CANCEL_REJECTED, &(simple_order) {.id = e->order_id}, RK_OB_UNKNOWN_ORDER);
	else if (e->trader != 0 && o->trader != 0 && e->trader != o->trader)
		simple_say(b, RK_OB_EV_CANCEL_REJECTED, o, RK_OB_NOT_OWNER);
	else
		simple_end(b, o, RK_OB_EV_CANCELED, RK_OB_USER_REQUEST);
}

/* Whether an order is among those that something ends. */
typedef bool (*simple_choice) (const simple_book *b, const simple_order *o, const rk_ob_event *e);

/* Ends them, oldest first. */
static inline void
simple_end_all(simple_book *b, const rk_ob_event *e, simple_choice choice, rk_ob_report_event event, rk_ob_reason reason)
{
	for (;;)
	{
		simple_order *oldest = NULL;

		for (int i = 0; i < b->count; i++)
			if ((b->orders[i].rests || b->orders[i].waits) && choice(b, &b->orders[i], e) &&
				(oldest == NULL || b->orders[i].age < oldest->age))
				oldest = &b->orders[i];
		if (oldest == NULL)
			return;
		simple_end(b, oldest, event, reason);
	}
}

static inline bool
simple_is_meant(const simple_book *b, const simple_order *o, const rk_ob_event *e)
{
	(void) b;
	return (e->side == RK_OB_NO_SIDE || e->side == o->side) && (e->trader == 0 || e->trader == o->trader);
}

static inline bool
simple_is_over(const simple_book *b, const simple_order *o, const rk_ob_event *e)
{
	(void) e;
	return o->tif == RK_OB_GTD && o->expires <= b->now;
}

static inline bool
simple_is_of_the_day(const simple_book *b, const simple_order *o, const rk_ob_event *e)
{
	(void) b;
	(void) e;
	return o->tif == RK_OB_DAY;
}

static inline bool
simple_is_market(const simple_book *b, const simple_order *o, const rk_ob_event *e)
{
	(void) b;
	return o->rests && o->price == RK_OB_NONE && o->side == e->side;
}

/* What buyers want and sellers offer at a price. */
static inline void
simple_demand(const simple_book *b, int64_t price, __int128 *volume, __int128 *surplus)
{
	__int128	bought = 0;
	__int128	sold = 0;

	for (int i = 0; i < b->count; i++)
	{
		const simple_order *o = &b->orders[i];

		if (!o->rests)
			continue;
		if (o->side == RK_OB_BUY && (o->price == RK_OB_NONE || o->price >= price))
			bought += o->leaves;
		if (o->side == RK_OB_SELL && (o->price == RK_OB_NONE || o->price <= price))
			sold += o->leaves;
	}
	*volume = bought < sold ? bought : sold;
	*surplus = bought - sold;
}

static inline __int128
simple_size(__int128 x)
{
	return x < 0 ? -x : x;
}

/* Whether a price is as good as the best by volume and surplus. */
static inline bool
simple_as_good(const simple_book *b, int64_t price, __int128 best_volume, __int128 best_surplus, __int128 *surplus)
{
	__int128	volume;

	simple_demand(b, price, &volume, surplus);
	return volume == best_volume && simple_size(*surplus) == best_surplus;
}

static inline void
simple_uncross(simple_book *b)
{
	int64_t		reference = b->rules.reference_price != RK_OB_NONE ? b->rules.reference_price : b->last;
	__int128	best_volume = 0;
	__int128	best_surplus = 0;
	__int128	surplus;
	__int128	volume;
	bool		all_buy = true;
	bool		all_sell = true;
	int64_t		chosen = RK_OB_NONE;

	for (int i = 0; i < b->count; i++)
	{
		if (!b->orders[i].rests || b->orders[i].price == RK_OB_NONE)
			continue;
		simple_demand(b, b->orders[i].price, &volume, &surplus);
		if (volume > best_volume || (volume == best_volume && simple_size(surplus) < best_surplus))
		{
			best_volume = volume;
			best_surplus = simple_size(surplus);
		}
	}
	for (int i = 0; best_volume > 0 && i < b->count; i++)
		if (b->orders[i].rests && b->orders[i].price != RK_OB_NONE &&
			simple_as_good(b, b->orders[i].price, best_volume, best_surplus, &surplus))
		{
			all_buy &= surplus > 0;
			all_sell &= surplus < 0;
		}
	for (int i = 0; best_volume > 0 && i < b->count; i++)
	{
		int64_t		price = b->orders[i].price;
		__int128	nearer;

		if (!b->orders[i].rests || price == RK_OB_NONE || !simple_as_good(b, price, best_volume, best_surplus, &surplus))
			continue;
		if (chosen == RK_OB_NONE)
			chosen = price;
		if (all_sell)
			chosen = price < chosen ? price : chosen;
		else if (all_buy || reference == RK_OB_NONE)
			chosen = price > chosen ? price : chosen;
		else
		{
			nearer = simple_size((__int128) chosen - reference) - simple_size((__int128) price - reference);
			if (nearer > 0 || (nearer == 0 && price > chosen))
				chosen = price;
		}
	}
	while (best_volume > 0)
	{
		simple_order *buyer = simple_first(b, RK_OB_BUY);
		simple_order *seller = simple_first(b, RK_OB_SELL);
		int64_t		quantity = buyer->leaves < seller->leaves ? buyer->leaves : seller->leaves;

		if (quantity > best_volume)
			quantity = (int64_t) best_volume;
		best_volume -= quantity;
		simple_trade(b, buyer, seller, chosen, quantity, RK_OB_NO_SIDE);
		for (int k = 0; k < 2; k++)
		{
			simple_order *o = k == 0 ? seller : buyer;

			o->shown = o->shown < o->leaves ? o->shown : o->leaves;
			if (o->leaves == 0)
				simple_end(b, o, RK_OB_EV_DONE, RK_OB_REASON_NONE);
		}
	}
	/* what is left of market orders, in the order in which they are served */
	for (int side = 0; side < 2; side++)
	{
		simple_order *o;

		while ((o = simple_first(b, side)) != NULL && o->price == RK_OB_NONE)
			simple_end(b, o, RK_OB_EV_CANCELED, o->cum > 0 ? RK_OB_IOC_REMAINDER : RK_OB_NO_LIQUIDITY);
	}
}

static inline void
simple_change_phase(simple_book *b, const rk_ob_event *e)
{
	rk_ob_phase before = b->phase;
	simple_report *r = simple_say(b, RK_OB_EV_PHASE, &(simple_order) {0}, RK_OB_REASON_NONE);

	r->price = r->quantity = r->remaining = r->cum = RK_OB_NONE;
	b->low = INT64_MAX;
	b->high = INT64_MIN;
	b->phase = e->phase;
	if (before == RK_OB_AUCTION && e->phase != RK_OB_AUCTION)
		simple_uncross(b);
	if (e->phase == RK_OB_CLOSED)
		simple_end_all(b, e, simple_is_of_the_day, RK_OB_EV_EXPIRED, RK_OB_DAY_END);
	simple_run_stops(b, b->low, b->high);
}

/* Forgets orders that have ended, so that there is room. */
static inline void
simple_tidy(simple_book *b)
{
	int			kept = 0;

	for (int i = 0; i < b->count; i++)
		if (b->orders[i].rests || b->orders[i].waits)
			b->orders[kept++] = b->orders[i];
	b->count = kept;
}

static inline void
simple_apply(simple_book *b, const rk_ob_event *e)
{
	b->said = 0;
	b->now = e->ts;
	simple_tidy(b);
	simple_end_all(b, e, simple_is_over, RK_OB_EV_EXPIRED, RK_OB_REASON_NONE);
	switch (e->action)
	{
		case RK_OB_ACTION_NEW:
			simple_new(b, e);
			break;
		case RK_OB_ACTION_AMEND:
			simple_amend(b, e);
			break;
		case RK_OB_ACTION_CANCEL:
			simple_cancel(b, e);
			break;
		case RK_OB_ACTION_MASS_CANCEL:
			simple_end_all(b, e, simple_is_meant, RK_OB_EV_CANCELED, RK_OB_USER_REQUEST);
			break;
		case RK_OB_ACTION_PHASE:
			simple_change_phase(b, e);
			break;
		default:
			break;
	}
}

#endif							/* RK_TEST_SIMPLE_BOOK_H */

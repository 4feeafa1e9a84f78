/*
 * matching.c
 *	  An incoming order against the other side of the book.
 *
 * The order trades with the best level first, inside a level in queue order,
 * always at the price of the order that rests.  Every step works on indexes:
 * the pool of orders does not move while an order is matched.
 */
#include "book.h"

#include <stdlib.h>

/* ---- trades ---- */

/* Fee of a notional (16 decimals) at a rate; false when it is beyond 64 bits. */
static bool
fee_of(__int128 notional, int64_t rate, int64_t *fee)
{
	const __int128 scale = (__int128) RK_OB_ONE * RK_OB_ONE;
	__int128	whole = notional / scale;
	__int128	rest = notional % scale;
	__int128	value;

	if (rate == 0)
	{
		*fee = 0;
		return true;
	}
	/* whole times rate is exact; what is rounded is below one unit of notional */
	value = whole * rate + rk_ob_divide(rest * rate, scale);
	*fee = (int64_t) value;
	return value >= INT64_MIN && value <= INT64_MAX;
}

bool
rk_ob_count_trade(rk_ob_book *book, int64_t price, int64_t quantity)
{
	__int128	turnover;
	__int128	volume;

	if (__builtin_add_overflow(book->turnover, (__int128) price * quantity, &turnover) ||
		__builtin_add_overflow(book->volume, (__int128) quantity, &volume))
		return false;
	book->turnover = turnover;
	book->volume = volume;
	book->last_price = price;
	book->last_quantity = quantity;
	if (book->trade_count++ == 0)
		book->open = book->high = book->low = price;
	book->high = price > book->high ? price : book->high;
	book->low = price < book->low ? price : book->low;
	return true;
}

rk_status
rk_ob_trade(rk_ob *ob, uint32_t taker, uint32_t rests, int64_t price, int64_t quantity,
			rk_ob_side aggressor)
{
	rk_ob_order *t = &ob->orders[taker];
	rk_ob_order *r = &ob->orders[rests];
	rk_ob_book *book = &ob->books[t->book];
	__int128	notional = (__int128) price * quantity;
	int64_t		maker_fee;
	int64_t		taker_fee;
	rk_ob_report *report;

	if (!fee_of(notional, book->instrument.maker_fee_rate, &maker_fee) ||
		!fee_of(notional, book->instrument.taker_fee_rate, &taker_fee) ||
		!rk_ob_count_trade(book, price, quantity))
		return rk_fail(ob->ctx, RK_ERR_OVERFLOW, "turnover of a symbol is out of range");
	t->leaves -= quantity;
	t->cum += quantity;
	t->turnover += notional;
	t->status = t->leaves == 0 ? RK_OB_FILLED : RK_OB_PARTIALLY_FILLED;
	r->leaves -= quantity;
	r->cum += quantity;
	r->turnover += notional;
	r->status = r->leaves == 0 ? RK_OB_FILLED : RK_OB_PARTIALLY_FILLED;

	if ((report = rk_ob_report_order(ob, RK_OB_EV_TRADE, t, RK_OB_REASON_NONE)) == NULL)
		return RK_ERR_MEMORY;
	report->contra_order_id = r->id;
	report->has_contra = true;
	report->price = price;
	report->quantity = quantity;
	report->trade_id = book->trade_count;
	report->aggressor = aggressor;
	report->maker_fee = maker_fee;
	report->taker_fee = taker_fee;
	return RK_OK;
}

/* ---- walking the other side ---- */

/* Whether a level of the other side is within the limit of an order. */
static inline bool
within(rk_ob_side side, int64_t limit, int64_t price)
{
	return limit == RK_OB_NONE || (side == RK_OB_BUY ? price <= limit : price >= limit);
}

/*
 * The limit of an incoming order: its price; for a market order the collar, or
 * none.
 */
static int64_t
limit_of(const rk_ob *ob, const rk_ob_order *o)
{
	const rk_ob_book *book = &ob->books[o->book];
	int64_t		best;
	__int128	limit;

	if (o->price != RK_OB_NONE || book->instrument.collar_ticks == RK_OB_NONE)
		return o->price;
	best = rk_ob_best_price(book, rk_ob_opposite(o->side));
	if (best == RK_OB_NONE)
		return RK_OB_NONE;
	limit = (__int128) book->instrument.collar_ticks * book->instrument.tick_size;
	limit = o->side == RK_OB_BUY ? best + limit : best - limit;
	if (limit > INT64_MAX)
		return INT64_MAX;
	return limit <= INT64_MIN ? INT64_MIN + 1 : (int64_t) limit;
}

bool
rk_ob_would_trade(const rk_ob *ob, const rk_ob_order *o)
{
	int64_t		best = rk_ob_best_price(&ob->books[o->book], rk_ob_opposite(o->side));

	return best != RK_OB_NONE && within(o->side, o->price, best);
}

static inline bool
same_group(const rk_ob_order *a, const rk_ob_order *b)
{
	return a->stp_group != 0 && a->stp_group == b->stp_group;
}

/*
 * Whether an order could trade this much at once: what is within its limit,
 * hidden parts included, without orders of its own group, and nothing behind
 * one that would end it.
 */
static bool
executable(const rk_ob *ob, const rk_ob_order *o, int64_t limit, int64_t wanted)
{
	const rk_ob_book *book = &ob->books[o->book];
	const rk_ladder *side = &book->sides[rk_ob_opposite(o->side)];
	rk_ob_stp	stp = book->instrument.stp_mode;
	rk_ladder_place place;

	for (uint32_t level = rk_ladder_first(side, &place); level != RK_NO_INDEX && wanted > 0;
		 level = rk_ladder_next(side, &place))
	{
		const rk_level *l = &side->levels[level];

		if (!within(o->side, limit, rk_ob_price_of_key(rk_ob_opposite(o->side), l->key)))
			break;
		if (o->stp_group == 0 || stp == RK_OB_STP_NONE)
		{
			wanted = l->leaves >= wanted ? 0 : wanted - l->leaves;
			continue;
		}
		for (uint32_t i = l->head; i != RK_NO_INDEX && wanted > 0; i = ob->orders[i].next)
		{
			if (!same_group(o, &ob->orders[i]))
				wanted = ob->orders[i].leaves >= wanted ? 0 : wanted - ob->orders[i].leaves;
			else if (stp == RK_OB_STP_CANCEL_NEWEST || stp == RK_OB_STP_CANCEL_BOTH ||
					 stp == RK_OB_STP_DECREMENT)
				return false;
		}
	}
	return wanted <= 0;
}

/* What a self-trade did to the incoming order. */
typedef enum self_trade
{
	SELF_GO_ON,
	SELF_NEXT,					/* pass over the resting order */
	SELF_ENDED					/* the incoming order has ended */
} self_trade;

/* Deals with two orders of one group that would trade. */
static rk_status
prevent_self_trade(rk_ob *ob, uint32_t taker, uint32_t rests, self_trade *outcome)
{
	rk_ob_order *t = &ob->orders[taker];
	rk_ob_order *r = &ob->orders[rests];
	rk_ob_book *book = &ob->books[t->book];
	rk_ladder  *side = &book->sides[r->side];
	rk_level   *level = &side->levels[r->level];
	rk_ob_stp	stp = book->instrument.stp_mode;
	rk_status	status = RK_OK;
	int64_t		smaller;

	*outcome = SELF_GO_ON;
	if (stp == RK_OB_STP_SKIP)
	{
		*outcome = SELF_NEXT;
		return RK_OK;
	}
	if (stp == RK_OB_STP_DECREMENT)
	{
		smaller = t->leaves < r->leaves ? t->leaves : r->leaves;
		t->leaves -= smaller;
		t->quantity -= smaller;
		r->leaves -= smaller;
		r->quantity -= smaller;
		level->leaves -= smaller;
		rk_ob_touch_level(ob, r->book, r->side, level->key);
		if (r->shown > r->leaves)
		{
			level->shown -= r->shown - r->leaves;
			r->shown = r->leaves;
		}
		if (rk_ob_report_order(ob, RK_OB_EV_DECREMENTED, r, RK_OB_SELF_TRADE) == NULL ||
			rk_ob_report_order(ob, RK_OB_EV_DECREMENTED, t, RK_OB_SELF_TRADE) == NULL)
			return RK_ERR_MEMORY;
		if (r->leaves == 0)
			status = rk_ob_cancel_order(ob, rests, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_SELF_TRADE);
		if (status != RK_OK || t->leaves > 0)
			return status;
	}
	else
	{
		if (stp != RK_OB_STP_CANCEL_NEWEST)
			status = rk_ob_cancel_order(ob, rests, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_SELF_TRADE);
		if (status != RK_OK || stp == RK_OB_STP_CANCEL_OLDEST)
			return status;
	}
	*outcome = SELF_ENDED;
	return rk_ob_cancel_order(ob, taker, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_SELF_TRADE);
}

/*
 * After a trade: the resting order is done, or shows its next slice behind the
 * others.  Sets *next to the order that is served next in the level.
 */
static rk_status
settle_resting(rk_ob *ob, rk_ladder *side, uint32_t rests, int64_t quantity, uint32_t *next)
{
	rk_ob_order *r = &ob->orders[rests];
	rk_level   *level = &side->levels[r->level];
	int64_t		key = level->key;

	level->shown -= quantity;
	level->leaves -= quantity;
	r->shown -= quantity;
	rk_ob_touch_level(ob, r->book, r->side, key);
	*next = r->next;
	if (r->leaves == 0)
	{
		rk_ob_dequeue(ob, side, rests);
		if (rk_ob_report_order(ob, RK_OB_EV_DONE, r, RK_OB_REASON_NONE) == NULL)
			return RK_ERR_MEMORY;
		rk_ob_end_order(ob, rests, RK_OB_FILLED, RK_OB_REASON_NONE);
		return RK_OK;
	}
	if (r->shown > 0)
	{
		*next = rests;			/* the incoming order is used up */
		return RK_OK;
	}

	/* it goes out and in again; its level stays when it is not alone there */
	if (level->count == 1)
	{
		r->shown = r->display < r->leaves ? r->display : r->leaves;
		level->shown += r->shown;
		*next = rests;
	}
	else
	{
		rk_status	status;

		rk_ob_dequeue(ob, side, rests);
		r->shown = r->display < r->leaves ? r->display : r->leaves;
		if ((status = rk_ob_enqueue(ob, side, rests, key)) != RK_OK)
			return status;
		if (*next == RK_NO_INDEX)
			*next = rests;
	}
	return rk_ob_report_order(ob, RK_OB_EV_REFRESHED, r, RK_OB_REASON_NONE) ? RK_OK : RK_ERR_MEMORY;
}

/* The reason to cancel what is left of an order that does not rest. */
static rk_ob_reason
remainder_reason(const rk_ob *ob, const rk_ob_order *o, int64_t limit)
{
	bool		more = rk_ob_best_price(&ob->books[o->book], rk_ob_opposite(o->side)) != RK_OB_NONE;

	if (o->type == RK_OB_MARKET && limit != RK_OB_NONE && more)
		return RK_OB_COLLAR_REACHED;
	return o->cum > 0 ? RK_OB_IOC_REMAINDER : RK_OB_NO_LIQUIDITY;
}

/* Trades an order as far as its limit allows; *alive: it has not ended. */
static rk_status
match(rk_ob *ob, uint32_t taker, int64_t limit, rk_ob_range *range, bool *alive)
{
	rk_ob_order *t = &ob->orders[taker];
	rk_ladder  *side = &ob->books[t->book].sides[rk_ob_opposite(t->side)];
	rk_ob_stp	stp = ob->books[t->book].instrument.stp_mode;
	uint32_t	level = rk_ladder_best(side);

	*alive = true;
	while (level != RK_NO_INDEX && t->leaves > 0)
	{
		int64_t		key = side->levels[level].key;
		int64_t		price = rk_ob_price_of_key(rk_ob_opposite(t->side), key);
		uint32_t	rests = side->levels[level].head;

		if (!within(t->side, limit, price))
			break;
		while (rests != RK_NO_INDEX && t->leaves > 0)
		{
			rk_ob_order *r = &ob->orders[rests];
			uint32_t	next = r->next;
			int64_t		quantity;
			rk_status	status;

			if (same_group(t, r) && stp != RK_OB_STP_NONE)
			{
				self_trade	outcome;

				if ((status = prevent_self_trade(ob, taker, rests, &outcome)) != RK_OK)
					return status;
				if (outcome == SELF_ENDED)
				{
					*alive = false;
					return RK_OK;
				}
				rests = next;
				continue;
			}
			quantity = t->leaves < r->shown ? t->leaves : r->shown;
			if ((status = rk_ob_trade(ob, taker, rests, price, quantity, t->side)) != RK_OK ||
				(status = settle_resting(ob, side, rests, quantity, &next)) != RK_OK)
				return status;
			range->low = price < range->low ? price : range->low;
			range->high = price > range->high ? price : range->high;
			rests = next;
		}
		/* the level may be gone, or hold nothing but orders passed over */
		if (t->leaves > 0)
			level = rk_ladder_below(side, key);
	}
	return RK_OK;
}

/* Puts what is left of an order into the book. */
static rk_status
rest(rk_ob *ob, uint32_t order)
{
	rk_ob_order *o = &ob->orders[order];
	rk_ob_book *book = &ob->books[o->book];
	rk_ladder  *side = &book->sides[o->side];
	int64_t		key = rk_ob_key(o->side, o->price);
	uint32_t	level = rk_ladder_find(side, key);
	int64_t		sum;

	if (side->count >= book->instrument.max_levels && level == RK_NO_INDEX)
		return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_TOO_MANY_LEVELS);
	/* what a level offers is a number like any other */
	if (level != RK_NO_INDEX && __builtin_add_overflow(side->levels[level].leaves, o->leaves, &sum))
		return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_OVERFLOW);
	o->shown = o->display != RK_OB_NONE && o->display < o->leaves ? o->display : o->leaves;
	if (o->status != RK_OB_PARTIALLY_FILLED)
		o->status = RK_OB_NEW;
	return rk_ob_enqueue(ob, side, order, key);
}

/* One order meets the book; range: the prices of its trades. */
static rk_status
enter_one(rk_ob *ob, uint32_t order, rk_ob_range *range)
{
	rk_ob_order *o = &ob->orders[order];
	rk_ob_book *book = &ob->books[o->book];
	int64_t		limit;
	bool		alive;
	rk_status	status;

	*range = RK_OB_NO_RANGE;
	if (book->phase == RK_OB_AUCTION)
		return rest(ob, order);
	limit = limit_of(ob, o);
	if (o->post_only && rk_ob_would_trade(ob, o))
		return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_POST_ONLY_WOULD_TRADE);
	if (o->tif == RK_OB_FOK && !executable(ob, o, limit, o->leaves))
		return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED, RK_OB_FOK_UNFILLED);
	if (o->min_quantity != RK_OB_NONE)
	{
		int64_t		wanted = o->min_quantity;

		o->min_quantity = RK_OB_NONE;	/* asked once, at entry */
		if (!executable(ob, o, limit, wanted))
			return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED,
									  RK_OB_MIN_QUANTITY_UNFILLED);
	}
	if ((status = match(ob, order, limit, range, &alive)) != RK_OK || !alive)
		return status;
	if (o->leaves == 0)
	{
		if (rk_ob_report_order(ob, RK_OB_EV_DONE, o, RK_OB_REASON_NONE) == NULL)
			return RK_ERR_MEMORY;
		rk_ob_end_order(ob, order, RK_OB_FILLED, RK_OB_REASON_NONE);
		return RK_OK;
	}
	if (o->type == RK_OB_MARKET || o->tif == RK_OB_IOC || o->tif == RK_OB_FOK)
		return rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED,
								  remainder_reason(ob, o, limit));
	return rest(ob, order);
}

/* ---- stops ---- */

/* The waiting stop that a range of prices triggers and that is oldest, or RK_NO_INDEX. */
static uint32_t
oldest_triggered(const rk_ob *ob, const rk_ob_book *book, rk_ob_range range)
{
	uint32_t	oldest = RK_NO_INDEX;

	for (int side = 0; side < 2; side++)
	{
		const rk_ladder *stops = &book->stops[side];
		rk_ladder_place place;

		for (uint32_t level = rk_ladder_first(stops, &place); level != RK_NO_INDEX;
			 level = rk_ladder_next(stops, &place))
		{
			const rk_level *l = &stops->levels[level];
			int64_t		stop_price = side == RK_OB_BUY ? -l->key : l->key;

			if (side == RK_OB_BUY ? range.high < stop_price : range.low > stop_price)
				break;
			/* the head of a level is its oldest */
			if (oldest == RK_NO_INDEX || ob->orders[l->head].entry < ob->orders[oldest].entry)
				oldest = l->head;
		}
	}
	return oldest;
}

rk_status
rk_ob_run_stops(rk_ob *ob, uint32_t symbol, rk_ob_range range)
{
	rk_ob_book *book = &ob->books[symbol];
	uint32_t	stop;

	if (range.low > range.high || book->phase != RK_OB_CONTINUOUS)
		return RK_OK;
	while ((stop = oldest_triggered(ob, book, range)) != RK_NO_INDEX)
	{
		rk_ob_order *o = &ob->orders[stop];
		rk_ob_range caused;
		rk_status	status;

		rk_ob_dequeue(ob, &book->stops[o->side], stop);
		o->status = RK_OB_NEW;
		o->type = o->type == RK_OB_STOP ? RK_OB_MARKET : RK_OB_LIMIT;
		if (rk_ob_report_order(ob, RK_OB_EV_TRIGGERED, o, RK_OB_REASON_NONE) == NULL)
			return RK_ERR_MEMORY;
		if ((status = enter_one(ob, stop, &caused)) != RK_OK)
			return status;
		range.low = caused.low < range.low ? caused.low : range.low;
		range.high = caused.high > range.high ? caused.high : range.high;
	}
	return RK_OK;
}

rk_status
rk_ob_enter(rk_ob *ob, uint32_t order)
{
	uint32_t	symbol = ob->orders[order].book;
	rk_ob_range range;
	rk_status	status = enter_one(ob, order, &range);

	return status == RK_OK ? rk_ob_run_stops(ob, symbol, range) : status;
}

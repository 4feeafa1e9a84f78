/*
 * book.h
 *	  What the files of order matching share: queues, reports, the steps of an
 *	  order's life.
 */
#ifndef RK_ORDERBOOK_BOOK_H
#define RK_ORDERBOOK_BOOK_H

#include "orderbook.h"

/* The range of prices that an incoming order caused; none: low > high. */
typedef struct rk_ob_range
{
	int64_t		low;
	int64_t		high;
} rk_ob_range;

#define RK_OB_NO_RANGE ((rk_ob_range) {INT64_MAX, INT64_MIN})

static inline rk_ob_side
rk_ob_opposite(rk_ob_side side)
{
	return side == RK_OB_BUY ? RK_OB_SELL : RK_OB_BUY;
}

/* Key of a price on a side of the book; market orders come before all. */
static inline int64_t
rk_ob_key(rk_ob_side side, int64_t price)
{
	return price == RK_OB_NONE ? INT64_MAX : side == RK_OB_BUY ? price : -price;
}

/* And back. */
static inline int64_t
rk_ob_price_of_key(rk_ob_side side, int64_t key)
{
	return key == INT64_MAX ? RK_OB_NONE : side == RK_OB_BUY ? key : -key;
}

/* Key among the waiting stops of a side: the one that triggers first is best. */
static inline int64_t
rk_ob_stop_key(rk_ob_side side, int64_t stop_price)
{
	return side == RK_OB_BUY ? -stop_price : stop_price;
}

/* Quotient rounded half away from zero; divisor > 0. */
static inline __int128
rk_ob_divide(__int128 value, __int128 divisor)
{
	__int128	half = divisor / 2;

	return value < 0 ? -((-value + half) / divisor) : (value + half) / divisor;
}

/* Notes that a level has changed. */
static inline void
rk_ob_touch_level(rk_ob *ob, uint32_t symbol, rk_ob_side side, int64_t key)
{
	if (ob->touched == NULL)
		return;
	if (ob->touch_count > 0)
	{
		const rk_ob_touch *last = &ob->touched[ob->touch_count - 1];

		if (last->key == key && last->side == side && last->symbol == symbol)
			return;
	}
	if (ob->touch_count == ob->touch_capacity)
	{
		ob->touch_sink(ob->sink_arg);
		ob->touch_count = 0;
	}
	ob->touched[ob->touch_count++] = (rk_ob_touch) {symbol, side, key};
}

/* An order and its age, to be put in order. */
typedef struct rk_ob_aged
{
	int64_t		entry;
	uint32_t	order;
} rk_ob_aged;

/* ---- orders.c ---- */

/*
 * Takes all memory that an event may need, reports apart: what follows cannot
 * fail for want of it.
 */
extern rk_status rk_ob_reserve(rk_ob *ob, const rk_ob_event *event);

/* A new live order with this id, after rk_ob_reserve. */
extern uint32_t rk_ob_take_order(rk_ob *ob, uint64_t id);

/* Takes an id away and closes the gap, so that no marks of the dead remain. */
extern void rk_ob_forget_id(rk_ob *ob, uint64_t id);

/* Why there is no live order with this id. */
extern rk_ob_reason rk_ob_reason_of_absence(const rk_ob *ob, uint64_t id);

/* Whether a saved order can be where it says in its book, as the last of its queue. */
extern bool rk_ob_can_place(const rk_ob *ob, const rk_ob_order *saved);

/* Puts it there. */
extern rk_status rk_ob_place(rk_ob *ob, const rk_ob_order *saved);

/* ---- engine.c ---- */

/* Remembers when an order ends. */
extern void rk_ob_add_expiry(rk_ob *ob, uint32_t order);

/* Appends a report about an order (NULL: about none) with the event's number. */
extern rk_ob_report *rk_ob_report_order(rk_ob *ob, rk_ob_report_event event,
										const rk_ob_order *order, rk_ob_reason reason);

/* Puts an order at the end of the queue with this key. */
extern rk_status rk_ob_enqueue(rk_ob *ob, rk_ladder *ladder, uint32_t order, int64_t key);

/* Takes it out of its queue. */
extern void rk_ob_dequeue(rk_ob *ob, rk_ladder *ladder, uint32_t order);

/* The ladder that an order stands in. */
static inline rk_ladder *
rk_ob_ladder(rk_ob *ob, const rk_ob_order *o)
{
	rk_ob_book *book = &ob->books[o->book];

	return o->status == RK_OB_PENDING_TRIGGER ? &book->stops[o->side] : &book->sides[o->side];
}

/* Ends a live order that is in no queue any more. */
extern void rk_ob_end_order(rk_ob *ob, uint32_t order, rk_ob_status status, rk_ob_reason reason);

/* Takes a live order out of its queue, ends it, and reports that. */
extern rk_status rk_ob_cancel_order(rk_ob *ob, uint32_t order, rk_ob_report_event event,
									rk_ob_status status, rk_ob_reason reason);

/* ---- matching.c ---- */

/* Counts a trade in the figures of a book; false: they are out of range, and as before. */
extern bool rk_ob_count_trade(rk_ob_book *book, int64_t price, int64_t quantity);

/* Records a trade of two orders in one book; "rests" stands in a queue. */
extern rk_status rk_ob_trade(rk_ob *ob, uint32_t taker, uint32_t rests, int64_t price,
							 int64_t quantity, rk_ob_side aggressor);

/* Whether an incoming limit order would trade at once. */
extern bool rk_ob_would_trade(const rk_ob *ob, const rk_ob_order *order);

/*
 * An accepted order meets the book: matched, the rest put in its queue or
 * cancelled; then the stops that this triggers, one after the other.
 */
extern rk_status rk_ob_enter(rk_ob *ob, uint32_t order);

/* Runs the stops that prices in this range trigger. */
extern rk_status rk_ob_run_stops(rk_ob *ob, uint32_t symbol, rk_ob_range range);

/* ---- parts.c ---- */

#define RK_OB_PARTS 64			/* at most */
#define RK_OB_DIVIDE_ROWS 16384 /* fewer events are not worth it */

/* The rows of each part: those of its symbols, and those that are for all. */
typedef struct rk_ob_division
{
	int64_t		first;			/* rows first .. last - 1 are applied */
	int64_t		last;
	bool		timed;			/* rows of other parts may end orders */
	const uint32_t *rows;		/* NULL: there is one part, with all rows */
	int64_t		offsets[RK_OB_PARTS + 1];
} rk_ob_division;

/*
 * Says which symbols go together, in result: those that have an order id in
 * common; one part for all where the time of events of others matters, but
 * does not go forward.
 */
extern rk_status rk_ob_divide_stream(rk_ctx *ctx, const rk_ob_stream *events,
									 const rk_ob_instrument *instruments, const rk_ob_beginning *begin,
									 rk_ob_division *division, rk_ob_result *result);

/* The action of a row. */
static inline rk_ob_action
rk_ob_row_action(const rk_ob_stream *s, int64_t row)
{
	return s->action && s->action[row] >= 0 ? (rk_ob_action) s->action[row] : RK_OB_ACTION_NEW;
}

/* ---- auction.c ---- */

/* Scratch space that rk_ob_uncross needs. */
extern int64_t rk_ob_uncross_bytes(const rk_ob_book *book);

/* Trades what can be traded at one price, and cancels what is left of market orders. */
extern rk_status rk_ob_uncross(rk_ob *ob, uint32_t symbol);

#endif							/* RK_ORDERBOOK_BOOK_H */

/*
 * book_state.h
 *	  The state of orderbook/matching as an actor, for those that change it
 *	  (matching_ring.c) and those that look (book_look.c).
 */
#ifndef RK_BOOK_STATE_H
#define RK_BOOK_STATE_H

#include "book_ring.h"

typedef struct rk_book_name
{
	char		text[24];		/* RK_OB_SYMBOL_BYTES, then zeros */
} rk_book_name;

/* What the reports of the message at hand say. */
typedef struct rk_book_outcome
{
	uint64_t	order_id;		/* the order that is watched */
	bool		watched;
	bool		reported;		/* last is a report about it */
	rk_ob_report last;
	int64_t		trade_count;	/* its trades */
	int64_t		first_trade_id;
	int64_t		last_trade_id;
	int64_t		all_trades;
	rk_ob_report printed;		/* of a trade made elsewhere, which has no order */
	int64_t		ended_count;	/* orders canceled or expired, this one apart */
} rk_book_outcome;

/* What a book has traded in a minute. */
typedef struct rk_book_minute
{
	int64_t		minute;			/* since 1970 */
	__int128	volume;
} rk_book_minute;

/* Its last 24 hours, minutes in order. */
typedef struct rk_book_day
{
	rk_book_minute *minutes;
	int			count;
	int			capacity;
} rk_book_day;

typedef struct rk_book_state
{
	rk_ob	   *ob;
	rk_book_name *names;			/* of the books */
	rk_book_day *days;			/* of the books */
	uint32_t	name_capacity;
	uint32_t   *slots;			/* books by name: index + 1; 0 empty */
	uint32_t	slot_mask;
	uint32_t	recent;			/* book that was looked up last */

	rk_ob_instrument initial;	/* rules of a symbol that comes with an event */
	bool		new_symbols;
	int64_t		clock;			/* latest time of a message; RK_OB_NONE: none yet */

	rk_ob_trade_row *trades;	/* the last ones; number n is at n mod kept */
	int64_t		trades_kept;
	int64_t		trades_total;
	uint64_t	trades_hash;	/* of all trades so far */
	rk_book_outcome now;
	rk_reply   *reply;			/* of the message at hand, which takes records */
	rk_ob_event *batch;			/* orders of a batch; NULL: there was none yet */
	rk_ob_touch *touches;		/* where the engine notes the levels that it changes */
} rk_book_state;

/* ---- book_day.c ---- */

/* Room for so many minutes more: rk_book_day_add then cannot fail. */
extern rk_status rk_book_day_reserve(rk_ctx *ctx, rk_book_day *day, int count);
extern void rk_book_day_add(rk_book_day *day, int64_t ts, int64_t quantity);

/* What was traded less than 24 hours before now, whole minutes. */
extern int64_t rk_book_day_volume(const rk_book_day *day, int64_t now);
extern uint64_t rk_book_day_hash(const rk_book_day *day, int64_t now, uint64_t h);
extern rk_status rk_book_day_write(rk_ctx *ctx, const rk_book_day *day, rk_writer *writer);
extern rk_status rk_book_day_read(rk_ctx *ctx, rk_book_day *day, rk_reader *reader);

/* ---- book_publish.c ---- */

/* An execution report, and the trade that it reports. */
extern void rk_book_publish(rk_book_state *s, const rk_ob_report *report);

/* The levels that have changed; the engine's touch_sink. */
extern void rk_book_publish_levels(void *state);

/* ---- book_look.c ---- */

/*
 * The book that a message names, by id or name.  Neither: RK_NO_INDEX, all of
 * them, where that is permitted.
 */
extern rk_status rk_book_named(rk_ctx *ctx, rk_book_state *s, int32_t symbol_id, const char *symbol, bool all,
							   uint32_t *book);

/* Answers the messages that change nothing. */
extern rk_status rk_book_look(rk_ctx *ctx, rk_book_state *s, const rk_message *message, rk_reply *reply);

#endif							/* RK_BOOK_STATE_H */

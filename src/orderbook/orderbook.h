/*
 * orderbook.h
 *	  Order matching: books in price-time priority as a fold over events.
 *
 * An engine holds the books of some symbols and every order in them.  Events
 * are applied one after the other; what they cause is appended to a list of
 * reports.  There is no clock and no random number: the same events give the
 * same reports, bit for bit, and the same state.
 *
 * Prices, quantities, rates and fees are int64 with 8 decimals; products are
 * computed in 128 bits and rounded half away from zero.  Times are nanoseconds
 * since 1970.
 */
#ifndef RK_ORDERBOOK_ORDERBOOK_H
#define RK_ORDERBOOK_ORDERBOOK_H

#include "../call/descriptor.h"
#include "../compute/ctx.h"
#include "ladder.h"

#define RK_OB_ONE INT64_C(100000000)	/* 1 with 8 decimals */
#define RK_OB_NONE INT64_MIN	/* a price, time or limit that is not given */

typedef enum rk_ob_side
{
	RK_OB_BUY,
	RK_OB_SELL,
	RK_OB_NO_SIDE
} rk_ob_side;

typedef enum rk_ob_type
{
	RK_OB_LIMIT,
	RK_OB_MARKET,
	RK_OB_STOP,
	RK_OB_STOP_LIMIT
} rk_ob_type;

typedef enum rk_ob_tif
{
	RK_OB_GTC,					/* good till cancelled */
	RK_OB_IOC,					/* immediate or cancel */
	RK_OB_FOK,					/* fill or kill */
	RK_OB_DAY,
	RK_OB_GTD					/* good till a time */
} rk_ob_tif;

typedef enum rk_ob_status
{
	RK_OB_NEW,
	RK_OB_PARTIALLY_FILLED,
	RK_OB_FILLED,
	RK_OB_CANCELED,
	RK_OB_REJECTED,
	RK_OB_EXPIRED,
	RK_OB_PENDING_TRIGGER
} rk_ob_status;

typedef enum rk_ob_action
{
	RK_OB_ACTION_NEW,
	RK_OB_ACTION_AMEND,
	RK_OB_ACTION_CANCEL,
	RK_OB_ACTION_MASS_CANCEL,
	RK_OB_ACTION_PHASE,
	RK_OB_ACTION_TIME,
	RK_OB_ACTION_INSTRUMENT,
	RK_OB_ACTION_PRINT			/* a trade made elsewhere; of rings only, without a name */
} rk_ob_action;

/* What happens to two orders of one stp_group that would trade. */
typedef enum rk_ob_stp
{
	RK_OB_STP_NONE,				/* they trade */
	RK_OB_STP_CANCEL_NEWEST,
	RK_OB_STP_CANCEL_OLDEST,
	RK_OB_STP_CANCEL_BOTH,
	RK_OB_STP_DECREMENT,
	RK_OB_STP_SKIP				/* the resting one is passed over */
} rk_ob_stp;

typedef enum rk_ob_phase
{
	RK_OB_CONTINUOUS,
	RK_OB_AUCTION,
	RK_OB_HALT,
	RK_OB_CLOSED
} rk_ob_phase;

typedef enum rk_ob_report_event
{
	RK_OB_EV_ACCEPTED,
	RK_OB_EV_REJECTED,
	RK_OB_EV_TRADE,
	RK_OB_EV_DONE,
	RK_OB_EV_AMENDED,
	RK_OB_EV_AMEND_REJECTED,
	RK_OB_EV_CANCELED,
	RK_OB_EV_CANCEL_REJECTED,
	RK_OB_EV_EXPIRED,
	RK_OB_EV_TRIGGERED,
	RK_OB_EV_REFRESHED,
	RK_OB_EV_PHASE,
	RK_OB_EV_DECREMENTED
} rk_ob_report_event;

typedef enum rk_ob_reason
{
	RK_OB_REASON_NONE,
	RK_OB_UNKNOWN_SYMBOL,
	RK_OB_DUPLICATE_ORDER_ID,
	RK_OB_BAD_PRICE,
	RK_OB_BAD_TICK,
	RK_OB_BAD_LOT,
	RK_OB_BELOW_MIN_QUANTITY,
	RK_OB_ABOVE_MAX_QUANTITY,
	RK_OB_ABOVE_MAX_NOTIONAL,
	RK_OB_OUTSIDE_BAND,
	RK_OB_TOO_MANY_LEVELS,
	RK_OB_POST_ONLY_WOULD_TRADE,
	RK_OB_FOK_UNFILLED,
	RK_OB_MIN_QUANTITY_UNFILLED,
	RK_OB_IOC_REMAINDER,
	RK_OB_NO_LIQUIDITY,
	RK_OB_COLLAR_REACHED,
	RK_OB_SELF_TRADE,
	RK_OB_USER_REQUEST,
	RK_OB_UNKNOWN_ORDER,
	RK_OB_ORDER_NOT_ACTIVE,
	RK_OB_NOT_OWNER,
	RK_OB_PHASE_CLOSED,
	RK_OB_BAD_STOP_PRICE,
	RK_OB_GTD_IN_PAST,
	RK_OB_REDUCED_TO_FILLED,
	RK_OB_DAY_END,
	RK_OB_OVERFLOW
} rk_ob_reason;

/* Rules of a symbol. */
typedef struct rk_ob_instrument
{
	int64_t		tick_size;		/* > 0 */
	int64_t		lot_size;		/* 0: any */
	int64_t		min_quantity;
	int64_t		max_quantity;
	int64_t		max_notional;	/* RK_OB_NONE: no limit */
	int64_t		band_low;		/* RK_OB_NONE: no limit */
	int64_t		band_high;
	int64_t		collar_ticks;	/* of market orders; RK_OB_NONE: no collar */
	int64_t		max_levels;		/* a side */
	bool		allow_negative; /* prices of zero and below */
	int64_t		maker_fee_rate;
	int64_t		taker_fee_rate;
	rk_ob_stp	stp_mode;
	int64_t		reference_price;	/* RK_OB_NONE: none */
	int64_t		trading_day_end;	/* ns since midnight; RK_OB_NONE: none */
} rk_ob_instrument;

/* An event; members that its action does not use are not looked at. */
typedef struct rk_ob_event
{
	int64_t		seq;			/* rising */
	rk_ob_action action;
	uint32_t	symbol;			/* RK_NO_INDEX: of the order, or all */
	uint64_t	order_id;
	rk_ob_side	side;			/* mass cancel: RK_OB_NO_SIDE is both */
	rk_ob_type	type;
	rk_ob_tif	tif;
	int64_t		price;			/* RK_OB_NONE: not given */
	int64_t		stop_price;
	int64_t		quantity;
	int64_t		expires_at;
	int64_t		display_quantity;	/* RK_OB_NONE: all is shown */
	int64_t		min_quantity;	/* RK_OB_NONE: no minimum */
	bool		post_only;
	uint64_t	trader;			/* 0: nobody in particular */
	uint64_t	stp_group;		/* 0: none */
	int64_t		new_price;		/* of an amendment; RK_OB_NONE: stays */
	int64_t		new_quantity;
	rk_ob_phase phase;
	int64_t		ts;				/* RK_OB_NONE: none */
} rk_ob_event;

/* One line of the stream of execution reports. */
typedef struct rk_ob_report
{
	int64_t		seq;			/* of the event that caused it */
	int64_t		event_no;		/* among the reports of its event, from 1 */
	rk_ob_report_event event;
	rk_ob_side	side;
	rk_ob_status status;
	rk_ob_reason reason;
	rk_ob_side	aggressor;		/* of a trade; none in an auction */
	uint32_t	symbol;
	uint64_t	order_id;
	uint64_t	contra_order_id;	/* of a trade: the resting order */
	bool		has_order;
	bool		has_contra;
	int64_t		price;			/* RK_OB_NONE: none */
	int64_t		quantity;
	int64_t		remaining;
	int64_t		cum_quantity;
	int64_t		avg_price;		/* RK_OB_NONE: nothing traded */
	int64_t		trade_id;		/* 0: no trade */
	int64_t		maker_fee;
	int64_t		taker_fee;
	int64_t		ts;
	int64_t		age;			/* what came first in the event: see rk_ob_age */
} rk_ob_report;

/*
 * The parts of an event, in their order: orders that end because time passes,
 * by their entry (which is below these numbers); days of trading that end, and
 * what the event itself does, by symbol.
 */
enum
{
	RK_OB_AGE_DAY = INT64_MAX - 1,
	RK_OB_AGE_EVENT = INT64_MAX
};

/* An order.  What matching looks at stands in the first cache line. */
typedef struct rk_ob_order
{
	int64_t		price;			/* RK_OB_NONE: market */
	int64_t		leaves;			/* not yet traded, hidden part included */
	int64_t		shown;			/* part of leaves that the book shows */
	uint64_t	stp_group;
	uint32_t	next;			/* in the queue of its level */
	uint32_t	prev;
	uint32_t	level;			/* in its ladder; RK_NO_INDEX: in none */
	uint32_t	book;
	uint8_t		side;			/* rk_ob_side, and so on */
	uint8_t		type;
	uint8_t		tif;
	uint8_t		status;
	uint8_t		reason;
	bool		post_only;

	uint64_t	id;
	uint64_t	trader;
	int64_t		quantity;		/* as accepted or amended */
	int64_t		cum;			/* traded so far */
	int64_t		display;		/* size of a slice; RK_OB_NONE: all */
	int64_t		stop_price;
	int64_t		min_quantity;	/* to trade at entry; RK_OB_NONE: no minimum */
	int64_t		expires_at;
	int64_t		entry;			/* number of its entry: its age */
	__int128	turnover;		/* sum of price times quantity, 16 decimals */
} rk_ob_order;

/* The book of a symbol. */
typedef struct rk_ob_book
{
	rk_ob_instrument instrument;
	rk_ob_phase phase;
	rk_ladder	sides[2];		/* bids, asks */
	rk_ladder	stops[2];		/* waiting: of buyers, of sellers */
	int64_t		day_end;		/* the next one; RK_OB_NONE: not known yet */
	int64_t		last_price;		/* RK_OB_NONE: no trade yet */
	int64_t		last_quantity;
	int64_t		open;
	int64_t		high;
	int64_t		low;
	__int128	volume;
	__int128	turnover;
	int64_t		trade_count;
	uint32_t	orders[2];		/* live in the book, a side */
	uint32_t	waiting[2];		/* stops, a side */
} rk_ob_book;

/* A level whose shown quantity or number of orders has changed. */
typedef struct rk_ob_touch
{
	uint32_t	symbol;
	rk_ob_side	side;
	int64_t		key;
} rk_ob_touch;

typedef struct rk_ob_expiry
{
	int64_t		expires_at;
	int64_t		entry;
	uint32_t	order;
} rk_ob_expiry;

/* An engine.  Read it freely; change it with the functions below. */
typedef struct rk_ob
{
	rk_ctx	   *ctx;
	rk_ob_book *books;
	uint32_t	book_count;
	uint32_t	book_capacity;
	int64_t		next_day_end;	/* first end of a trading day; INT64_MIN: not known */
	bool		keep_done;		/* orders that have ended stay in the pool */
	bool		reserved;		/* the memory of what comes is taken: rk_ob_reserve_batch */

	rk_ob_order *orders;		/* pool */
	uint32_t	order_count;	/* used so far, free ones included */
	uint32_t	order_capacity;
	uint32_t	free_order;		/* list through next */
	uint32_t   *slots;			/* orders by id: index + 1; 0 empty */
	uint64_t	slot_mask;
	uint32_t	slots_used;
	uint32_t	live;			/* orders that have not ended */
	int64_t		entries;		/* orders accepted so far */

	rk_ob_expiry *expiries;		/* heap of those good till a time */
	int64_t		expiry_count;
	int64_t		expiry_capacity;

	rk_ob_report *reports;
	int64_t		report_count;
	int64_t		report_capacity;

	/* takes the reports when there is no room for more; NULL: room is made */
	void		(*sink) (void *arg, const rk_ob_report *reports, int64_t count);
	void	   *sink_arg;
	void	   *scratch;
	int64_t		scratch_bytes;

	/* levels that changed, for an owner that wants to know; NULL: it does not */
	rk_ob_touch *touched;
	uint32_t	touch_count;
	uint32_t	touch_capacity;
	void		(*touch_sink) (void *arg);	/* takes them when there is no room for more */

	/* the event being applied */
	int64_t		seq;
	int64_t		event_no;
	int64_t		ts;
	int64_t		age;			/* of the reports it makes now */
} rk_ob;

/* The rules of a symbol without any of its own. */
extern const rk_ob_instrument rk_ob_default_instrument;

/* Makes an engine with the books of symbols 0 .. symbols - 1, all empty. */
extern rk_status rk_ob_create(rk_ctx *ctx, uint32_t symbols, bool keep_done, rk_ob **ob);

/* Adds a book; returns its symbol, or RK_NO_INDEX when memory is short. */
extern uint32_t rk_ob_add_book(rk_ob *ob);

/* Takes the last book away, which is empty. */
extern void rk_ob_remove_last_book(rk_ob *ob);

/* Gives a symbol its rules; orders that are in its book stay. */
extern void rk_ob_set_instrument(rk_ob *ob, uint32_t symbol, const rk_ob_instrument *instrument);

/*
 * Applies an event: appends its reports.  With a sink nothing has changed when
 * memory is short, and fee rates from -1 to 1 cannot overflow.  Without, the
 * engine is not to be used any more after a failure.
 */
extern rk_status rk_ob_apply(rk_ob *ob, const rk_ob_event *event);

/*
 * Takes the memory that these new orders may need together, so that none of
 * them can fail after others have changed the books.  The owner sets "reserved"
 * while it applies them.  With a sink only.
 */
extern rk_status rk_ob_reserve_batch(rk_ob *ob, const rk_ob_event *events, int64_t count);

/* Forgets the reports so far. */
static inline void
rk_ob_clear_reports(rk_ob *ob)
{
	ob->report_count = 0;
}

/* Whether an order has not ended. */
static inline bool
rk_ob_is_live(const rk_ob_order *o)
{
	return o->status == RK_OB_NEW || o->status == RK_OB_PARTIALLY_FILLED ||
		o->status == RK_OB_PENDING_TRIGGER;
}

/* The live order with this id, or NULL. */
extern rk_ob_order *rk_ob_find(const rk_ob *ob, uint64_t id);

/* Average price of what an order has traded; RK_OB_NONE: nothing. */
extern int64_t rk_ob_average(const rk_ob_order *order);

/* Best price of a side; RK_OB_NONE: empty, or nothing but market orders. */
extern int64_t rk_ob_best_price(const rk_ob_book *book, rk_ob_side side);

/* Position of a resting order in the queue of its level, from 1. */
extern int64_t rk_ob_queue_position(const rk_ob *ob, const rk_ob_order *order);

/*
 * A number that depends on the state of a book alone: its orders in queue
 * order, its phase and what it last traded.
 */
extern uint64_t rk_ob_hash(const rk_ob *ob, uint32_t symbol);

/* ---- a day of events at once (replay.c) ---- */

/*
 * Events as columns of count values each.  A column that is not there is NULL;
 * RK_OB_NONE, RK_NO_INDEX and a negative code mean that a row has no value.
 */
typedef struct rk_ob_stream
{
	int64_t		count;
	const int64_t *seq;			/* strictly rising */
	const int64_t *action;		/* codes */
	const uint32_t *symbol;
	const uint32_t *order_id;
	const int64_t *side;
	const int64_t *type;
	const int64_t *tif;
	const int64_t *phase;
	const int64_t *price;
	const int64_t *stop_price;
	const int64_t *quantity;
	const int64_t *display_quantity;
	const int64_t *min_quantity;
	const int64_t *new_price;
	const int64_t *new_quantity;
	const int64_t *expires_at;
	const int64_t *ts;
	const bool *post_only;
	const uint32_t *trader;
	const uint32_t *stp_group;	/* NULL, or no value: the trader */
	const uint32_t *rule;		/* of action instrument: position in rules */
	const rk_ob_instrument *rules;
} rk_ob_stream;

/* What is known of a book beside its rules and orders. */
typedef struct rk_ob_figures
{
	uint32_t	symbol;
	rk_ob_phase phase;
	int64_t		trading_day_end;	/* by which day_end was computed */
	int64_t		day_end;
	int64_t		last_price;
	int64_t		last_quantity;
	int64_t		open;
	int64_t		high;
	int64_t		low;
	__int128	volume;
	__int128	turnover;
	int64_t		trade_count;
} rk_ob_figures;

/*
 * Where a stream begins: its events come after seq.  Orders are in queue order
 * among those of a price; their id, trader and stp_group are as in events,
 * book is the symbol, entry rises with age.
 */
typedef struct rk_ob_beginning
{
	int64_t		seq;
	int64_t		book_count;
	const rk_ob_figures *books;
	int64_t		order_count;
	const rk_ob_order *orders;
} rk_ob_beginning;

/* An engine with some of the symbols. */
typedef struct rk_ob_part
{
	rk_ob	   *ob;
	uint32_t   *symbols;		/* of its books, rising */
	uint32_t	symbol_count;
	int64_t	   *order_rows;		/* that brought its orders; below 0: they were there before */
	int64_t		order_row_capacity;
	rk_status	status;
} rk_ob_part;

/* What a stream of events has left. */
typedef struct rk_ob_result
{
	rk_ctx	   *ctx;
	int64_t		seq;			/* of the last event; RK_OB_NONE: none */
	uint32_t	symbols;
	int			part_count;
	rk_ob_part *parts;
	uint32_t   *part_of;		/* of each symbol */
	uint32_t   *place_of;		/* its book there */
	int64_t		report_count;	/* all parts */
	int64_t		order_count;
} rk_ob_result;

/*
 * Applies all events up to until_seq (RK_OB_NONE: all) to books of so many
 * symbols with these instruments, which are empty or as "begin" says; events
 * that are in it already are passed over.  Orders that have ended are kept,
 * and those that were refused.
 *
 * Symbols that have no order id in common are matched by several threads, each
 * in an engine of its own; reports and orders come out of the cursors below as
 * if there had been one.
 * Errors: RK_ERR_DATA, a seq that does not rise, a value that the action of
 * its row needs, a beginning that cannot be; RK_ERR_OVERFLOW.
 * Cost: O(1) for an order that rests at a price where others do, O(log levels)
 * for a new price, O(trades) for matching.  170 bytes an order, 170 a report.
 */
extern rk_status rk_orderbook_replay(rk_ctx *ctx, const rk_ob_stream *events,
									 const rk_ob_instrument *instruments, uint32_t symbols,
									 int64_t until_seq, const rk_ob_beginning *begin,
									 rk_ob_result **result);

/* The engine that a symbol is in, and its book there. */
static inline const rk_ob *
rk_ob_engine_of(const rk_ob_result *r, uint32_t symbol)
{
	return r->parts[r->part_of[symbol]].ob;
}

static inline const rk_ob_book *
rk_ob_book_of(const rk_ob_result *r, uint32_t symbol)
{
	return &rk_ob_engine_of(r, symbol)->books[r->place_of[symbol]];
}

/* Goes through the reports of a result by (seq, event_no), or its orders by age. */
typedef struct rk_ob_cursor rk_ob_cursor;

extern rk_ob_cursor *rk_ob_cursor_create(const rk_ob_result *result, bool orders);
extern bool rk_ob_next_report(rk_ob_cursor *cursor, rk_ob_report *report);

/* The order lies in *ob; its book is that of *symbol. */
extern bool rk_ob_next_order(rk_ob_cursor *cursor, const rk_ob_order **order, const rk_ob **ob,
							 uint32_t *symbol);

/*
 * A walk through the live orders of a book in the order in which they are
 * served: buyers, sellers, waiting stops of buyers and of sellers.
 */
typedef struct rk_ob_walk
{
	const rk_ob *ob;
	const rk_ob_book *book;
	int			ladder;
	rk_ladder_place place;
	uint32_t	order;
} rk_ob_walk;

extern void rk_ob_walk_begin(const rk_ob *ob, uint32_t symbol, rk_ob_walk *walk);
extern const rk_ob_order *rk_ob_walk_next(rk_ob_walk *walk);

/* A price level as it is shown. */
typedef struct rk_ob_depth
{
	uint32_t	symbol;
	rk_ob_side	side;
	int64_t		level;			/* 1: best */
	int64_t		price;
	int64_t		quantity;		/* displayed */
	int64_t		orders;
} rk_ob_depth;

/* The first levels of both sides of a book, bids first; allocated in the context. */
extern rk_status rk_ob_list_depth(const rk_ob *ob, uint32_t symbol, int64_t depth,
								  rk_ob_depth **list, int64_t *count);

/* Turnover divided by volume; RK_OB_NONE: no trade. */
extern int64_t rk_ob_vwap(const rk_ob_book *book);

/* Displayed quantity of a side. */
extern __int128 rk_ob_shown(const rk_ob_book *book, rk_ob_side side);

/* Version of a snapshot as jsonb, and the relations in it. */
#define RK_OB_SNAPSHOT_FORMAT 1
extern const rk_relation rk_ob_saved_books;
extern const rk_relation rk_ob_saved_orders;

/* Names of the codes, in their order; each list ends with NULL. */
extern const char *const rk_ob_side_names[];
extern const char *const rk_ob_type_names[];
extern const char *const rk_ob_tif_names[];
extern const char *const rk_ob_status_names[];
extern const char *const rk_ob_action_names[];
extern const char *const rk_ob_stp_names[];
extern const char *const rk_ob_phase_names[];
extern const char *const rk_ob_event_names[];
extern const char *const rk_ob_reason_names[];

#endif							/* RK_ORDERBOOK_ORDERBOOK_H */

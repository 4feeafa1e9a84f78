/*
 * book_ring.h
 *	  The payloads of orderbook/matching as an actor.
 *
 * Numbers of money and quantity have 8 decimals.  Symbols have an id, from 1
 * in the order in which they came, and a name of 21 bytes, which is as long as
 * those of listed options are.
 */
#ifndef RK_BOOK_RING_H
#define RK_BOOK_RING_H

#include "../ring/actor.h"
#include "orderbook.h"

#define RK_OB_SYMBOL_BYTES 21

typedef struct rk_ob_submit_request
{
	int64_t		order_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		trader_id;
	int64_t		ts;
	int64_t		stop_price;
	int64_t		display_quantity;
	int64_t		min_quantity;
	int64_t		stp_group;
	int64_t		expires_at;
	int32_t		symbol_id;
	int16_t		side;
	int16_t		order_type;
	int16_t		tif;
	bool		post_only;
} rk_ob_submit_request;

#define RK_OB_BATCH 500

/* Orders that are applied one after the other. */
typedef struct rk_ob_batch_request
{
	int64_t		count;
	rk_ob_submit_request orders[RK_OB_BATCH];
} rk_ob_batch_request;

typedef struct rk_ob_batch_reply
{
	int64_t		total_trades;
} rk_ob_batch_reply;

/* A trade that was made elsewhere. */
typedef struct rk_ob_cross_request
{
	int64_t		quantity;
	int64_t		price;
	int64_t		ts;
	char		source_symbol[RK_OB_SYMBOL_BYTES];
	char		target_symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_cross_request;

typedef struct rk_ob_cross_reply
{
	int64_t		seq;
	int64_t		trade_id;
	int32_t		symbol_id;
	int16_t		reason;
} rk_ob_cross_reply;

/* A row of the batch form's events: fits into a slot of the queue. */
typedef struct rk_ob_event_request
{
	int64_t		order_id;
	int64_t		price;
	int64_t		stop_price;
	int64_t		quantity;
	int64_t		display_quantity;
	int64_t		min_quantity;
	int64_t		new_price;
	int64_t		new_quantity;
	int64_t		expires_at;
	int64_t		trader_id;
	int64_t		stp_group;
	int64_t		ts;
	int16_t		action;
	int16_t		side;
	int16_t		order_type;
	int16_t		tif;
	int16_t		phase;
	bool		post_only;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_event_request;

/* What became of an order. */
typedef struct rk_ob_order_reply
{
	int64_t		seq;
	int64_t		order_id;
	int64_t		cum_quantity;
	int64_t		avg_price;
	int64_t		remaining;
	int64_t		first_trade_id;
	int64_t		last_trade_id;
	int64_t		trade_count;
	int64_t		ended_count;	/* events: other orders canceled or expired */
	int16_t		status;
	int16_t		reason;
	bool		kept_priority;	/* amendments */
} rk_ob_order_reply;

typedef struct rk_ob_cancel_request
{
	int64_t		order_id;
	int64_t		trader_id;
} rk_ob_cancel_request;

typedef struct rk_ob_cancel_reply
{
	int64_t		seq;
	int64_t		remaining;
	int16_t		reason;
	bool		success;
} rk_ob_cancel_reply;

typedef struct rk_ob_amend_request
{
	int64_t		order_id;
	int64_t		new_price;
	int64_t		new_quantity;
	int64_t		display_quantity;
	int64_t		trader_id;
} rk_ob_amend_request;

typedef struct rk_ob_mass_cancel_request
{
	int64_t		trader_id;
	int32_t		symbol_id;
	int16_t		side;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_mass_cancel_request;

typedef struct rk_ob_count_reply
{
	int64_t		seq;
	int64_t		count;
} rk_ob_count_reply;

typedef struct rk_ob_query_order_request
{
	int64_t		order_id;
} rk_ob_query_order_request;

typedef struct rk_ob_query_order_reply
{
	int64_t		seq;
	int64_t		order_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		displayed;
	int64_t		remaining;
	int64_t		cum_quantity;
	int64_t		avg_price;
	int64_t		queue_position;
	int16_t		side;
	int16_t		order_type;
	int16_t		tif;
	int16_t		status;
	int16_t		known;			/* 0: there is such an order */
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_query_order_reply;

/* Names one book, or all. */
typedef struct rk_ob_book_request
{
	int64_t		after_trade_id; /* Trades */
	int64_t		ts;				/* TimeTick */
	int32_t		symbol_id;
	int32_t		depth;			/* QueryBook, BookSnapshot; Trades: rows */
	int16_t		phase;			/* SetPhase */
	int16_t		book_level;		/* BookSnapshot */
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_book_request;

typedef struct rk_ob_query_book_reply
{
	int64_t		seq;
	int64_t		best_bid;
	int64_t		best_ask;
	int64_t		bid_depth;
	int64_t		ask_depth;
	int64_t		spread;
	int64_t		mid_price;
	int64_t		last_price;
	int64_t		trade_count;
	int64_t		bid_orders;
	int64_t		ask_orders;
	int64_t		volume_24h;
	int16_t		phase;
} rk_ob_query_book_reply;

typedef struct rk_ob_seq_reply
{
	int64_t		seq;
} rk_ob_seq_reply;

typedef struct rk_ob_snapshot_row
{
	int64_t		price;
	int64_t		quantity;
	int64_t		order_count;
	int64_t		order_id;
	int32_t		level;
	int16_t		side;
} rk_ob_snapshot_row;

/* A trade, as it is kept and as it is listed. */
typedef struct rk_ob_trade_row
{
	int64_t		trade_seq;
	int64_t		trade_id;
	int64_t		order_id;		/* aggressor; in an auction the buyer */
	int64_t		contra_order_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		maker_fee;
	int64_t		taker_fee;
	int64_t		ts;
	int32_t		symbol_id;
	int16_t		side;			/* of order_id */
	int16_t		aggressor;		/* absent in an auction */
} rk_ob_trade_row;

/* Published: a trade. */
typedef struct rk_ob_trade_record
{
	int64_t		trade_id;
	int64_t		buy_order_id;
	int64_t		sell_order_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		maker_fee;
	int64_t		taker_fee;
	int64_t		ts;
	int64_t		seq;
	int32_t		symbol_id;
	int16_t		aggressor;		/* absent in an auction */
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_trade_record;

/* Published: one line of the execution reports. */
typedef struct rk_ob_report_record
{
	int64_t		seq;
	int64_t		event_no;
	int64_t		order_id;
	int64_t		contra_order_id;
	int64_t		price;
	int64_t		quantity;
	int64_t		remaining;
	int64_t		cum_quantity;
	int64_t		avg_price;
	int64_t		trade_id;
	int64_t		ts;
	int16_t		event;
	int16_t		side;
	int16_t		status;
	int16_t		reason;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_report_record;

/* Published: a price level as it is after an event that changed it. */
typedef struct rk_ob_level_record
{
	int64_t		seq;
	int64_t		price;
	int64_t		quantity;
	int64_t		order_count;
	int32_t		symbol_id;
	int16_t		side;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_level_record;

typedef struct rk_ob_symbol_row
{
	int64_t		best_bid;
	int64_t		best_ask;
	int64_t		last_price;
	int64_t		trade_count;
	int64_t		order_count;	/* live, waiting stops included */
	int32_t		symbol_id;
	int16_t		phase;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_symbol_row;

typedef struct rk_ob_instrument_request
{
	int64_t		tick_size;
	int64_t		lot_size;
	int64_t		min_quantity;
	int64_t		max_quantity;
	int64_t		max_notional;
	int64_t		band_low;
	int64_t		band_high;
	int64_t		collar_ticks;
	int64_t		max_levels;
	int64_t		maker_fee_rate;
	int64_t		taker_fee_rate;
	int64_t		reference_price;
	int64_t		trading_day_end;	/* us after midnight */
	int16_t		stp_mode;
	bool		allow_negative;
	char		symbol[RK_OB_SYMBOL_BYTES];
} rk_ob_instrument_request;

typedef struct rk_ob_instrument_reply
{
	int64_t		seq;
	int32_t		symbol_id;
} rk_ob_instrument_reply;

typedef struct rk_ob_phase_reply
{
	int64_t		seq;
	int64_t		trade_count;
	int64_t		price;
} rk_ob_phase_reply;

typedef struct rk_ob_hash_reply
{
	int64_t		seq;
	int64_t		hash;
} rk_ob_hash_reply;

/* ---- image.c ---- */

/* Writes an engine, and makes one from what was written. */
extern rk_status rk_ob_write(rk_ctx *ctx, const rk_ob *ob, rk_writer *writer);
extern rk_status rk_ob_read(rk_ctx *ctx, rk_reader *reader, rk_ob **result);

#endif							/* RK_BOOK_RING_H */

/*
 * messages.c
 *	  The messages of orderbook/matching.
 */
#include "book_ring.h"

static const char *const known_names[] = {"known", "unknown_order", NULL};
static const char *const book_levels[] = {"levels", "orders", NULL};

#define ORDER_ID(record) RK_FIELD(record, order_id, RK_FIELD_ID,.meaning = "the order")
#define SEQ(record) RK_FIELD(record, seq, RK_FIELD_INT8,.meaning = "number of the last event applied")
#define OPTIONAL_FIXED(record, member, words) \
	RK_FIELD(record, member, RK_FIELD_FIXED,.initial = "NULL",.meaning = words)
#define FIXED(record, member, words) RK_FIELD(record, member, RK_FIELD_FIXED,.meaning = words)
#define TRADER(record, words) RK_FIELD(record, trader_id, RK_FIELD_ID,.initial = "NULL",.min = 1,.max = 9e18,.meaning = words)
#define SYMBOL_ID(record, words) \
	RK_FIELD(record, symbol_id, RK_FIELD_INT4,.initial = "NULL",.min = 0,.max = 2147483647,.meaning = words)
#define SYMBOL(record, words) RK_FIELD(record, symbol, RK_FIELD_TEXT,.initial = "NULL",.meaning = words)
#define CODE(record, member, names, first, words) \
	RK_FIELD(record, member, RK_FIELD_CODE,.initial = first,.choices = names,.meaning = words)
#define RESULT_CODE(record, member, names, words) \
	RK_FIELD(record, member, RK_FIELD_CODE,.choices = names,.meaning = words)

/* ---- orders ---- */

static const rk_field submit_request[] = {
	RK_FIELD(rk_ob_submit_request, order_id, RK_FIELD_ID,.meaning = "the order; not two live ones of one id"),
	RK_FIELD(rk_ob_submit_request, symbol_id, RK_FIELD_INT4,.meaning = "of the book, as rk.ring_orderbook_set_instrument returned it"),
	RK_FIELD(rk_ob_submit_request, side, RK_FIELD_CODE,.choices = rk_ob_side_names,.meaning = "buy or sell"),
	CODE(rk_ob_submit_request, order_type, rk_ob_type_names, "'limit'", "what kind of order it is"),
	OPTIONAL_FIXED(rk_ob_submit_request, price, "limit of a limit or stop_limit order"),
	OPTIONAL_FIXED(rk_ob_submit_request, quantity, "of the order"),
	TRADER(rk_ob_submit_request, "owner"),
	RK_FIELD(rk_ob_submit_request, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "moment of the order; NULL: when it was sent"),
	CODE(rk_ob_submit_request, tif, rk_ob_tif_names, "NULL", "how long it is good; NULL: gtc, for market orders ioc"),
	OPTIONAL_FIXED(rk_ob_submit_request, stop_price, "trade price that triggers a stop or stop_limit order"),
	OPTIONAL_FIXED(rk_ob_submit_request, display_quantity, "slice that an iceberg order shows; NULL: all"),
	OPTIONAL_FIXED(rk_ob_submit_request, min_quantity, "that must trade at entry, or nothing does"),
	RK_FIELD(rk_ob_submit_request, post_only, RK_FIELD_BOOLEAN,.initial = "false",.meaning = "reject the order if it would trade at entry"),
	RK_FIELD(rk_ob_submit_request, stp_group, RK_FIELD_ID,.initial = "NULL",.meaning = "orders of one group do not trade with each other; NULL: the trader"),
	RK_FIELD(rk_ob_submit_request, expires_at, RK_FIELD_TIME,.initial = "NULL",.meaning = "end of a gtd order"),
	{0}
};

static const rk_field batch_request[] = {
	{.name = "orders",.kind = RK_FIELD_RECORDS,.offset = 0,.size = sizeof(rk_ob_batch_request),.records = submit_request,
	.record_size = sizeof(rk_ob_submit_request),.meaning = "up to 500 orders as submit_order takes them, an array of objects"},
	{0}
};

static const rk_field batch_reply[] = {
	RK_FIELD(rk_ob_batch_reply, total_trades, RK_FIELD_INT8,.meaning = "trades of all orders, and of the stops that they triggered"),
	{0}
};

static const rk_field cross_request[] = {
	RK_FIELD(rk_ob_cross_request, source_symbol, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of the book in which it was made"),
	RK_FIELD(rk_ob_cross_request, target_symbol, RK_FIELD_TEXT,.meaning = "of the book here"),
	FIXED(rk_ob_cross_request, quantity, "traded"),
	FIXED(rk_ob_cross_request, price, "of the trade"),
	RK_FIELD(rk_ob_cross_request, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "moment of the trade; NULL: when it was sent"),
	{0}
};

static const rk_field cross_reply[] = {
	SEQ(rk_ob_cross_reply),
	RK_FIELD(rk_ob_cross_reply, symbol_id, RK_FIELD_INT4,.meaning = "of the book here"),
	RK_FIELD(rk_ob_cross_reply, trade_id, RK_FIELD_INT8,.initial = "NULL",.meaning = "number of the trade in its symbol; NULL: refused"),
	RESULT_CODE(rk_ob_cross_reply, reason, rk_ob_reason_names, "why it was refused, or none"),
	{0}
};

static const rk_field event_request[] = {
	CODE(rk_ob_event_request, action, rk_ob_action_names, "'new'", "what the event does; instruments have a message of their own"),
	SYMBOL(rk_ob_event_request, "of the book; mass_cancel, phase: NULL is all; amend, cancel: that of the order"),
	RK_FIELD(rk_ob_event_request, order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the order"),
	CODE(rk_ob_event_request, side, rk_ob_side_names, "NULL", "of the order; mass_cancel: NULL is both"),
	CODE(rk_ob_event_request, order_type, rk_ob_type_names, "'limit'", "what kind of order it is"),
	OPTIONAL_FIXED(rk_ob_event_request, price, "limit of a limit or stop_limit order"),
	OPTIONAL_FIXED(rk_ob_event_request, stop_price, "trade price that triggers a stop or stop_limit order"),
	OPTIONAL_FIXED(rk_ob_event_request, quantity, "of the order"),
	CODE(rk_ob_event_request, tif, rk_ob_tif_names, "NULL", "how long it is good; NULL: gtc, for market orders ioc"),
	RK_FIELD(rk_ob_event_request, expires_at, RK_FIELD_TIME,.initial = "NULL",.meaning = "end of a gtd order"),
	OPTIONAL_FIXED(rk_ob_event_request, display_quantity, "slice that an iceberg order shows; NULL: all"),
	OPTIONAL_FIXED(rk_ob_event_request, min_quantity, "that must trade at entry, or nothing does"),
	RK_FIELD(rk_ob_event_request, post_only, RK_FIELD_BOOLEAN,.initial = "false",.meaning = "reject the order if it would trade at entry"),
	TRADER(rk_ob_event_request, "owner; amend and cancel by another are rejected"),
	RK_FIELD(rk_ob_event_request, stp_group, RK_FIELD_ID,.initial = "NULL",.meaning = "orders of one group do not trade with each other; NULL: the trader"),
	OPTIONAL_FIXED(rk_ob_event_request, new_price, "amend: the price from now on"),
	OPTIONAL_FIXED(rk_ob_event_request, new_quantity, "amend: the total quantity from now on, what is traded included"),
	CODE(rk_ob_event_request, phase, rk_ob_phase_names, "NULL", "action phase: of trading from now on"),
	RK_FIELD(rk_ob_event_request, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "moment of the event; NULL: when it was sent"),
	{0}
};

#define ORDER_REPLY \
	SEQ(rk_ob_order_reply), \
	RK_FIELD(rk_ob_order_reply, order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the order; NULL: the event has none"), \
	RK_FIELD(rk_ob_order_reply, status, RK_FIELD_CODE,.initial = "NULL",.choices = rk_ob_status_names,.meaning = "of the order afterwards"), \
	OPTIONAL_FIXED(rk_ob_order_reply, cum_quantity, "traded so far"), \
	OPTIONAL_FIXED(rk_ob_order_reply, avg_price, "of what it has traded; NULL: nothing"), \
	OPTIONAL_FIXED(rk_ob_order_reply, remaining, "not yet traded"), \
	RK_FIELD(rk_ob_order_reply, trade_count, RK_FIELD_INT8,.meaning = "trades of the order in this event"), \
	RESULT_CODE(rk_ob_order_reply, reason, rk_ob_reason_names, "why it was rejected or canceled, or none"), \
	RK_FIELD(rk_ob_order_reply, first_trade_id, RK_FIELD_INT8,.initial = "NULL",.meaning = "the first of these trades; NULL: none"), \
	RK_FIELD(rk_ob_order_reply, last_trade_id, RK_FIELD_INT8,.initial = "NULL",.meaning = "the last of these trades; NULL: none")

static const rk_field order_reply[] = {ORDER_REPLY, {0}};

static const rk_field event_reply[] = {
	ORDER_REPLY,
	RK_FIELD(rk_ob_order_reply, ended_count, RK_FIELD_INT8,.meaning = "other orders that the event canceled or that expired"),
	{0}
};

static const rk_field amend_reply[] = {
	ORDER_REPLY,
	RK_FIELD(rk_ob_order_reply, kept_priority, RK_FIELD_BOOLEAN,.meaning = "whether it kept its place in the queue"),
	{0}
};

static const rk_field cancel_request[] = {
	ORDER_ID(rk_ob_cancel_request),
	TRADER(rk_ob_cancel_request, "who cancels; NULL: no check of the owner"),
	{0}
};

static const rk_field cancel_reply[] = {
	SEQ(rk_ob_cancel_reply),
	RK_FIELD(rk_ob_cancel_reply, success, RK_FIELD_BOOLEAN,.meaning = "whether the order is canceled"),
	OPTIONAL_FIXED(rk_ob_cancel_reply, remaining, "what was not traded; NULL: not canceled"),
	RESULT_CODE(rk_ob_cancel_reply, reason, rk_ob_reason_names, "user_request, or why not"),
	{0}
};

static const rk_field amend_request[] = {
	ORDER_ID(rk_ob_amend_request),
	OPTIONAL_FIXED(rk_ob_amend_request, new_price, "the price from now on; NULL: as it is"),
	OPTIONAL_FIXED(rk_ob_amend_request, new_quantity, "the total quantity from now on, what is traded included; NULL: as it is"),
	OPTIONAL_FIXED(rk_ob_amend_request, display_quantity, "slice that it shows from now on; NULL: as it is"),
	TRADER(rk_ob_amend_request, "who amends; NULL: no check of the owner"),
	{0}
};

static const rk_field mass_cancel_request[] = {
	SYMBOL_ID(rk_ob_mass_cancel_request, "of the book; NULL or 0: all"),
	TRADER(rk_ob_mass_cancel_request, "whose orders; NULL: everybody's"),
	CODE(rk_ob_mass_cancel_request, side, rk_ob_side_names, "NULL", "NULL: both"),
	SYMBOL(rk_ob_mass_cancel_request, "its name in place of symbol_id"),
	{0}
};

static const rk_field mass_cancel_reply[] = {
	SEQ(rk_ob_count_reply),
	{.name = "canceled_count",.kind = RK_FIELD_INT8,.offset = offsetof(rk_ob_count_reply, count),.size = 8,
	.meaning = "orders canceled"},
	{0}
};

static const rk_field query_order_request[] = {
	ORDER_ID(rk_ob_query_order_request),
	{0}
};

static const rk_field query_order_reply[] = {
	SEQ(rk_ob_query_order_reply),
	RK_FIELD(rk_ob_query_order_reply, order_id, RK_FIELD_ID,.meaning = "the order"),
	RK_FIELD(rk_ob_query_order_reply, symbol, RK_FIELD_TEXT,.meaning = "of the book"),
	RESULT_CODE(rk_ob_query_order_reply, side, rk_ob_side_names, "buy or sell"),
	RESULT_CODE(rk_ob_query_order_reply, order_type, rk_ob_type_names, "a triggered stop is a market or limit order"),
	RESULT_CODE(rk_ob_query_order_reply, tif, rk_ob_tif_names, "how long it is good"),
	OPTIONAL_FIXED(rk_ob_query_order_reply, price, "its limit; NULL: none"),
	FIXED(rk_ob_query_order_reply, quantity, "its total"),
	FIXED(rk_ob_query_order_reply, displayed, "what the book shows of it"),
	FIXED(rk_ob_query_order_reply, remaining, "not traded"),
	FIXED(rk_ob_query_order_reply, cum_quantity, "traded"),
	OPTIONAL_FIXED(rk_ob_query_order_reply, avg_price, "of what is traded; NULL: nothing"),
	RESULT_CODE(rk_ob_query_order_reply, status, rk_ob_status_names, "new, partially_filled or pending_trigger"),
	RK_FIELD(rk_ob_query_order_reply, queue_position, RK_FIELD_INT8,.initial = "NULL",.meaning = "in the queue of its price, from 1; NULL: a waiting stop"),
	RESULT_CODE(rk_ob_query_order_reply, known, known_names, "whether there is such an order"),
	{0}
};

/* ---- books ---- */

#define ONE_BOOK \
	SYMBOL_ID(rk_ob_book_request, "of the book"), \
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id")
#define ALL_BOOKS \
	SYMBOL_ID(rk_ob_book_request, "of the book; NULL or 0: all"), \
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id")

static const rk_field query_book_request[] = {
	SYMBOL_ID(rk_ob_book_request, "of the book"),
	RK_FIELD(rk_ob_book_request, depth, RK_FIELD_INT4,.initial = "10",.min = 1,.max = 1000000,.meaning = "levels of a side that count as depth"),
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id"),
	{0}
};

static const rk_field query_book_reply[] = {
	SEQ(rk_ob_query_book_reply),
	OPTIONAL_FIXED(rk_ob_query_book_reply, best_bid, "highest price of buyers; NULL: none"),
	OPTIONAL_FIXED(rk_ob_query_book_reply, best_ask, "lowest price of sellers; NULL: none"),
	FIXED(rk_ob_query_book_reply, bid_depth, "displayed quantity of buyers in these levels"),
	FIXED(rk_ob_query_book_reply, ask_depth, "displayed quantity of sellers in these levels"),
	OPTIONAL_FIXED(rk_ob_query_book_reply, spread, "best_ask - best_bid"),
	OPTIONAL_FIXED(rk_ob_query_book_reply, mid_price, "half way between them, to 8 decimals"),
	OPTIONAL_FIXED(rk_ob_query_book_reply, last_price, "of the last trade; NULL: none"),
	RK_FIELD(rk_ob_query_book_reply, trade_count, RK_FIELD_INT8,.meaning = "trades so far"),
	FIXED(rk_ob_query_book_reply, volume_24h, "traded in the 24 hours before the latest message, whole minutes"),
	RK_FIELD(rk_ob_query_book_reply, bid_orders, RK_FIELD_INT8,.meaning = "resting orders of buyers"),
	RK_FIELD(rk_ob_query_book_reply, ask_orders, RK_FIELD_INT8,.meaning = "resting orders of sellers"),
	RESULT_CODE(rk_ob_query_book_reply, phase, rk_ob_phase_names, "of trading"),
	{0}
};

static const rk_field snapshot_request[] = {
	SYMBOL_ID(rk_ob_book_request, "of the book"),
	RK_FIELD(rk_ob_book_request, depth, RK_FIELD_INT4,.initial = "10",.min = 1,.max = 1000000,.meaning = "levels a side"),
	CODE(rk_ob_book_request, book_level, book_levels, "'levels'", "levels, or every order in them in queue order"),
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id"),
	{0}
};

static const rk_field seq_reply[] = {SEQ(rk_ob_seq_reply), {0}};

static const rk_field snapshot_row[] = {
	RESULT_CODE(rk_ob_snapshot_row, side, rk_ob_side_names, "buy or sell"),
	RK_FIELD(rk_ob_snapshot_row, level, RK_FIELD_INT4,.meaning = "1 for the best"),
	FIXED(rk_ob_snapshot_row, price, "of the level"),
	FIXED(rk_ob_snapshot_row, quantity, "displayed, of the level or the order"),
	RK_FIELD(rk_ob_snapshot_row, order_count, RK_FIELD_INT8,.meaning = "orders of the level"),
	RK_FIELD(rk_ob_snapshot_row, order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the order; NULL: the row is a level"),
	{0}
};

static const rk_field trades_request[] = {
	SYMBOL_ID(rk_ob_book_request, "of the book; NULL or 0: all"),
	RK_FIELD(rk_ob_book_request, after_trade_id, RK_FIELD_INT8,.initial = "0",.meaning = "only trades with a greater id"),
	{.name = "max_rows",.kind = RK_FIELD_INT4,.offset = offsetof(rk_ob_book_request, depth),.size = 4,.initial = "500",
	.min = 1,.max = 700,.meaning = "the first so many of them"},
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id"),
	{0}
};

static const rk_field trade_row[] = {
	RK_FIELD(rk_ob_trade_row, trade_seq, RK_FIELD_INT8,.meaning = "number of the event that caused it"),
	RK_FIELD(rk_ob_trade_row, symbol_id, RK_FIELD_INT4,.meaning = "of the book"),
	RK_FIELD(rk_ob_trade_row, trade_id, RK_FIELD_INT8,.meaning = "number of the trade in its symbol, from 1"),
	RK_FIELD(rk_ob_trade_row, order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the aggressor, in an auction the buyer; NULL: the trade was made elsewhere"),
	RK_FIELD(rk_ob_trade_row, contra_order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the resting order, in an auction the seller"),
	RK_FIELD(rk_ob_trade_row, side, RK_FIELD_CODE,.initial = "NULL",.choices = rk_ob_side_names,.meaning = "of order_id"),
	FIXED(rk_ob_trade_row, price, "that of the resting order, in an auction the one price of all"),
	FIXED(rk_ob_trade_row, quantity, "traded"),
	RK_FIELD(rk_ob_trade_row, aggressor, RK_FIELD_CODE,.initial = "NULL",.choices = rk_ob_side_names,.meaning = "side that came last; NULL in an auction"),
	FIXED(rk_ob_trade_row, maker_fee, "of the resting order"),
	FIXED(rk_ob_trade_row, taker_fee, "of the aggressor"),
	RK_FIELD(rk_ob_trade_row, ts, RK_FIELD_TIME,.meaning = "of the event"),
	{0}
};

static const rk_field no_fields[] = {{0}};

static const rk_field symbol_row[] = {
	RK_FIELD(rk_ob_symbol_row, symbol_id, RK_FIELD_INT4,.meaning = "from 1, in the order in which they came"),
	RK_FIELD(rk_ob_symbol_row, symbol, RK_FIELD_TEXT,.meaning = "its name"),
	RESULT_CODE(rk_ob_symbol_row, phase, rk_ob_phase_names, "of trading"),
	OPTIONAL_FIXED(rk_ob_symbol_row, best_bid, "highest price of buyers; NULL: none"),
	OPTIONAL_FIXED(rk_ob_symbol_row, best_ask, "lowest price of sellers; NULL: none"),
	OPTIONAL_FIXED(rk_ob_symbol_row, last_price, "of the last trade; NULL: none"),
	RK_FIELD(rk_ob_symbol_row, trade_count, RK_FIELD_INT8,.meaning = "trades so far"),
	RK_FIELD(rk_ob_symbol_row, order_count, RK_FIELD_INT8,.meaning = "live orders, waiting stops included"),
	{0}
};

static const rk_field instrument_request[] = {
	RK_FIELD(rk_ob_instrument_request, symbol, RK_FIELD_TEXT,.meaning = "of the book, 21 bytes at most"),
	RK_FIELD(rk_ob_instrument_request, tick_size, RK_FIELD_FIXED,.initial = "0.01",.min = 0.00000001,.max = 90000000000,.meaning = "prices are multiples of it"),
	RK_FIELD(rk_ob_instrument_request, lot_size, RK_FIELD_FIXED,.initial = "0",.min = 0,.max = 90000000000,.meaning = "quantities are multiples of it; 0: any"),
	RK_FIELD(rk_ob_instrument_request, min_quantity, RK_FIELD_FIXED,.initial = "0.001",.min = 0,.max = 90000000000,.meaning = "of an order"),
	RK_FIELD(rk_ob_instrument_request, max_quantity, RK_FIELD_FIXED,.initial = "1000000",.min = 0,.max = 90000000000,.meaning = "of an order"),
	OPTIONAL_FIXED(rk_ob_instrument_request, max_notional, "price times quantity of an order; NULL: no limit"),
	OPTIONAL_FIXED(rk_ob_instrument_request, band_low, "lowest limit price; NULL: no limit"),
	OPTIONAL_FIXED(rk_ob_instrument_request, band_high, "highest limit price; NULL: no limit"),
	RK_FIELD(rk_ob_instrument_request, collar_ticks, RK_FIELD_INT8,.initial = "NULL",.min = 0,.max = 9e18,.meaning = "ticks that a market order may go beyond the best price at entry; NULL: no limit"),
	RK_FIELD(rk_ob_instrument_request, max_levels, RK_FIELD_INT8,.initial = "1000",.min = 1,.max = 100000000,.meaning = "price levels of a side"),
	RK_FIELD(rk_ob_instrument_request, allow_negative, RK_FIELD_BOOLEAN,.initial = "false",.meaning = "prices of zero and below are permitted"),
	RK_FIELD(rk_ob_instrument_request, maker_fee_rate, RK_FIELD_FIXED,.initial = "0",.min = -1,.max = 1,.meaning = "fee of the resting order, by notional; negative: a rebate"),
	RK_FIELD(rk_ob_instrument_request, taker_fee_rate, RK_FIELD_FIXED,.initial = "0",.min = -1,.max = 1,.meaning = "fee of the aggressor, by notional"),
	CODE(rk_ob_instrument_request, stp_mode, rk_ob_stp_names, "NULL", "self-trade prevention; NULL: the ring's option"),
	OPTIONAL_FIXED(rk_ob_instrument_request, reference_price, "of auctions; NULL: the last price"),
	RK_FIELD(rk_ob_instrument_request, trading_day_end, RK_FIELD_INTERVAL,.initial = "NULL",.meaning = "time of day (UTC) at which day orders end; NULL: when the phase is closed"),
	{0}
};

static const rk_field instrument_reply[] = {
	SEQ(rk_ob_instrument_reply),
	RK_FIELD(rk_ob_instrument_reply, symbol_id, RK_FIELD_INT4,.meaning = "of the book, in other messages"),
	{0}
};

static const rk_field phase_request[] = {
	SYMBOL_ID(rk_ob_book_request, "of the book; NULL or 0: all"),
	CODE(rk_ob_book_request, phase, rk_ob_phase_names, "'continuous'", "of trading from now on; leaving an auction trades what can be traded at one price"),
	SYMBOL(rk_ob_book_request, "its name in place of symbol_id"),
	{0}
};

static const rk_field phase_reply[] = {
	SEQ(rk_ob_phase_reply),
	RK_FIELD(rk_ob_phase_reply, trade_count, RK_FIELD_INT8,.meaning = "trades of the auction that ended, and of the stops that it triggered"),
	OPTIONAL_FIXED(rk_ob_phase_reply, price, "of the auction that ended; NULL: no trade"),
	{0}
};

static const rk_field time_request[] = {
	RK_FIELD(rk_ob_book_request, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "the moment; NULL: when it was sent"),
	{0}
};

static const rk_field time_reply[] = {
	SEQ(rk_ob_count_reply),
	{.name = "expired_count",.kind = RK_FIELD_INT8,.offset = offsetof(rk_ob_count_reply, count),.size = 8,
	.meaning = "orders that ended: good till a time before, or till the end of a trading day"},
	{0}
};

static const rk_field one_book[] = {ONE_BOOK, {0}};

static const rk_field hash_reply[] = {
	SEQ(rk_ob_hash_reply),
	RK_FIELD(rk_ob_hash_reply, hash, RK_FIELD_INT8,.meaning = "of the book's orders in queue order, its phase and what it traded"),
	{0}
};

/* ---- records ---- */

static const rk_field trade_record[] = {
	RK_FIELD(rk_ob_trade_record, trade_id, RK_FIELD_INT8,.meaning = "number of the trade in its symbol, from 1"),
	RK_FIELD(rk_ob_trade_record, symbol_id, RK_FIELD_INT4,.meaning = "of the book"),
	RK_FIELD(rk_ob_trade_record, symbol, RK_FIELD_TEXT,.meaning = "its name"),
	RK_FIELD(rk_ob_trade_record, buy_order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "order of the buyer; NULL: the trade was made elsewhere"),
	RK_FIELD(rk_ob_trade_record, sell_order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "order of the seller; NULL: the trade was made elsewhere"),
	FIXED(rk_ob_trade_record, price, "of the trade"),
	FIXED(rk_ob_trade_record, quantity, "traded"),
	RK_FIELD(rk_ob_trade_record, aggressor, RK_FIELD_CODE,.initial = "NULL",.choices = rk_ob_side_names,.meaning = "side that came last; NULL in an auction"),
	FIXED(rk_ob_trade_record, maker_fee, "of the resting order"),
	FIXED(rk_ob_trade_record, taker_fee, "of the aggressor"),
	RK_FIELD(rk_ob_trade_record, ts, RK_FIELD_TIME,.meaning = "of the event that caused it"),
	RK_FIELD(rk_ob_trade_record, seq, RK_FIELD_INT8,.meaning = "number of this event"),
	{0}
};

static const rk_field report_record[] = {
	RK_FIELD(rk_ob_report_record, seq, RK_FIELD_INT8,.meaning = "number of the event that caused it"),
	RK_FIELD(rk_ob_report_record, event_no, RK_FIELD_INT8,.meaning = "among the reports of its event, from 1"),
	RESULT_CODE(rk_ob_report_record, event, rk_ob_event_names, "what happened"),
	RK_FIELD(rk_ob_report_record, symbol, RK_FIELD_TEXT,.meaning = "of the book"),
	RK_FIELD(rk_ob_report_record, order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "the order; of a trade the aggressor, in an auction the buyer"),
	RK_FIELD(rk_ob_report_record, contra_order_id, RK_FIELD_ID,.initial = "NULL",.meaning = "of a trade the resting order, in an auction the seller"),
	RK_FIELD(rk_ob_report_record, side, RK_FIELD_CODE,.initial = "NULL",.choices = rk_ob_side_names,.meaning = "of the order"),
	OPTIONAL_FIXED(rk_ob_report_record, price, "limit of the order; of a trade its price"),
	OPTIONAL_FIXED(rk_ob_report_record, quantity, "total of the order; of a trade what is traded"),
	OPTIONAL_FIXED(rk_ob_report_record, remaining, "of the order, not yet traded"),
	OPTIONAL_FIXED(rk_ob_report_record, cum_quantity, "of the order, traded so far"),
	OPTIONAL_FIXED(rk_ob_report_record, avg_price, "of what it has traded; NULL: nothing"),
	RESULT_CODE(rk_ob_report_record, status, rk_ob_status_names, "of the order afterwards"),
	RESULT_CODE(rk_ob_report_record, reason, rk_ob_reason_names, "why, or none"),
	RK_FIELD(rk_ob_report_record, trade_id, RK_FIELD_INT8,.initial = "NULL",.meaning = "number of the trade in its symbol; NULL: no trade"),
	RK_FIELD(rk_ob_report_record, ts, RK_FIELD_TIME,.meaning = "of the event"),
	{0}
};

static const rk_field level_record[] = {
	RK_FIELD(rk_ob_level_record, symbol_id, RK_FIELD_INT4,.meaning = "of the book"),
	RK_FIELD(rk_ob_level_record, symbol, RK_FIELD_TEXT,.meaning = "its name"),
	RESULT_CODE(rk_ob_level_record, side, rk_ob_side_names, "buy or sell"),
	FIXED(rk_ob_level_record, price, "of the level"),
	FIXED(rk_ob_level_record, quantity, "displayed there now; 0: the level is gone"),
	RK_FIELD(rk_ob_level_record, order_count, RK_FIELD_INT8,.meaning = "orders there now"),
	RK_FIELD(rk_ob_level_record, seq, RK_FIELD_INT8,.meaning = "number of the event that changed it"),
	{0}
};

#define RECORD(id, called, words, fields, record) \
	.type_id = (id), .name = (called), .kernel = "orderbook/matching", .description = (words), \
	.request = (fields), .request_size = sizeof(record), .published = true

#define MESSAGE(id, id_of_reply, called, sql, words, request_fields, request_type, reply_fields, reply_type) \
	.type_id = (id), .reply_id = (id_of_reply), .name = (called), .kernel = "orderbook/matching", \
	.function = "ring_orderbook_" sql, .description = (words), \
	.request = (request_fields), .request_size = sizeof(request_type), \
	.reply = (reply_fields), .reply_size = sizeof(reply_type)

const rk_message_type rk_orderbook_messages[] = {
	{MESSAGE(500, 501, "SubmitOrder", "submit_order", "gives an order to a book of an orderbook/matching ring",
			 submit_request, rk_ob_submit_request, order_reply, rk_ob_order_reply),.mutating = true},
	{MESSAGE(502, 503, "OrderEvent", "event", "applies one event to an orderbook/matching ring: a row as rk.orderbook_matching takes it",
			 event_request, rk_ob_event_request, event_reply, rk_ob_order_reply),.mutating = true},
	{MESSAGE(510, 511, "SubmitBatch", "submit_batch", "gives orders to books of an orderbook/matching ring, one after the other, as one message",
			 batch_request, rk_ob_batch_request, batch_reply, rk_ob_batch_reply),
	.rows = order_reply,.row_size = sizeof(rk_ob_order_reply),.mutating = true},
	{MESSAGE(520, 521, "CancelOrder", "cancel_order", "cancels an order of an orderbook/matching ring",
			 cancel_request, rk_ob_cancel_request, cancel_reply, rk_ob_cancel_reply),.mutating = true},
	{MESSAGE(522, 523, "AmendOrder", "amend_order", "changes price or quantity of an order of an orderbook/matching ring",
			 amend_request, rk_ob_amend_request, amend_reply, rk_ob_order_reply),.mutating = true},
	{MESSAGE(524, 525, "MassCancel", "mass_cancel", "cancels the orders of a book, a trader, a side, or all of an orderbook/matching ring",
			 mass_cancel_request, rk_ob_mass_cancel_request, mass_cancel_reply, rk_ob_count_reply),.mutating = true},
	{MESSAGE(526, 527, "QueryOrder", "query_order", "a live order of an orderbook/matching ring; no row for one that is not",
			 query_order_request, rk_ob_query_order_request, query_order_reply, rk_ob_query_order_reply),.found = "known"},
	{MESSAGE(530, 531, "QueryBook", "query_book", "best prices and depth of a book of an orderbook/matching ring",
			 query_book_request, rk_ob_book_request, query_book_reply, rk_ob_query_book_reply)},
	{MESSAGE(532, 533, "BookSnapshot", "snapshot", "levels or orders of a book of an orderbook/matching ring, best first, bids before asks",
			 snapshot_request, rk_ob_book_request, seq_reply, rk_ob_seq_reply),
	.rows = snapshot_row,.row_size = sizeof(rk_ob_snapshot_row)},
	{MESSAGE(534, 535, "Trades", "trades", "trades of an orderbook/matching ring, oldest first, as far as it keeps them (option trades_kept)",
			 trades_request, rk_ob_book_request, seq_reply, rk_ob_seq_reply),
	.rows = trade_row,.row_size = sizeof(rk_ob_trade_row)},
	{MESSAGE(536, 537, "Symbols", "symbols", "symbols of an orderbook/matching ring with their ids and best prices",
			 no_fields, rk_ob_seq_reply, no_fields, rk_ob_seq_reply),
	.rows = symbol_row,.row_size = sizeof(rk_ob_symbol_row)},
	{.type_id = 540,.reply_id = 541,.name = "CrossSymbolTrade",.kernel = "orderbook/matching",
		.description = "a trade made elsewhere, for the figures and the stops of a book of an orderbook/matching ring",
		.request = cross_request,.request_size = sizeof(rk_ob_cross_request),
	.reply = cross_reply,.reply_size = sizeof(rk_ob_cross_reply),.mutating = true},
	{MESSAGE(550, 551, "SetInstrument", "set_instrument", "makes a book in an orderbook/matching ring, or gives it other rules",
			 instrument_request, rk_ob_instrument_request, instrument_reply, rk_ob_instrument_reply),.mutating = true},
	{MESSAGE(552, 553, "SetPhase", "set_phase", "sets the phase of trading in a book, or all of an orderbook/matching ring",
			 phase_request, rk_ob_book_request, phase_reply, rk_ob_phase_reply),.mutating = true},
	{MESSAGE(554, 555, "TimeTick", "time_tick", "lets time pass in an orderbook/matching ring, so that what it ends is ended without an order",
			 time_request, rk_ob_book_request, time_reply, rk_ob_count_reply),.mutating = true},
	{MESSAGE(556, 557, "StateHash", "state_hash", "a number that tells whether two books of orderbook/matching rings are the same",
			 one_book, rk_ob_book_request, hash_reply, rk_ob_hash_reply)},
	{RECORD(560, "Trade", "a trade in an orderbook/matching ring", trade_record, rk_ob_trade_record)},
	{RECORD(561, "ExecutionReport", "one line of the execution reports of an orderbook/matching ring", report_record, rk_ob_report_record)},
	{RECORD(562, "BookDelta", "a price level of an orderbook/matching ring as an event has left it", level_record, rk_ob_level_record)},
	{0}
};

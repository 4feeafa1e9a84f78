/*
 * descriptors.c
 *	  Order matching as data: relations, parameters, results, documentation.
 */
#include "../call/descriptor.h"

#include "orderbook.h"

/* ---- closed sets ---- */

const char *const rk_ob_side_names[] = {"buy", "sell", NULL};
const char *const rk_ob_type_names[] = {"limit", "market", "stop", "stop_limit", NULL};
const char *const rk_ob_tif_names[] = {"gtc", "ioc", "fok", "day", "gtd", NULL};
const char *const rk_ob_status_names[] = {"new", "partially_filled", "filled", "canceled", "rejected",
"expired", "pending_trigger", NULL};
const char *const rk_ob_action_names[] = {"new", "amend", "cancel", "mass_cancel", "phase", "time",
"instrument", NULL};
const char *const rk_ob_stp_names[] = {"none", "cancel_newest", "cancel_oldest", "cancel_both",
"decrement", "skip", NULL};
const char *const rk_ob_phase_names[] = {"continuous", "auction", "halt", "closed", NULL};
const char *const rk_ob_event_names[] = {"accepted", "rejected", "trade", "done", "amended",
	"amend_rejected", "canceled", "cancel_rejected", "expired", "triggered", "refreshed", "phase",
"decremented", NULL};
const char *const rk_ob_reason_names[] = {"none", "unknown_symbol", "duplicate_order_id", "bad_price",
	"bad_tick", "bad_lot", "below_min_quantity", "above_max_quantity", "above_max_notional",
	"outside_band", "too_many_levels", "post_only_would_trade", "fok_unfilled", "min_quantity_unfilled",
	"ioc_remainder", "no_liquidity", "collar_reached", "self_trade", "user_request", "unknown_order",
	"order_not_active", "not_owner", "phase_closed", "bad_stop_price", "gtd_in_past",
"reduced_to_filled", "day_end", "overflow", NULL};

/* ---- relations ---- */

/* The rules of a symbol, but for min_quantity, which an order has too. */
#define RULE_COLUMNS \
	{"tick_size", NULL, RK_TYPE_NUMERIC, false, "prices are multiples of it; absent: 0.01"}, \
	{"lot_size", NULL, RK_TYPE_NUMERIC, false, "quantities are multiples of it; absent or 0: any"}, \
	{"max_quantity", NULL, RK_TYPE_NUMERIC, false, "of an order; absent: 1000000"}, \
	{"max_notional", NULL, RK_TYPE_NUMERIC, false, "price times quantity of an order; NULL: no limit"}, \
	{"band_low", NULL, RK_TYPE_NUMERIC, false, "lowest limit price; NULL: no limit"}, \
	{"band_high", NULL, RK_TYPE_NUMERIC, false, "highest limit price; NULL: no limit"}, \
	{"collar_ticks", NULL, RK_TYPE_INT8, false, "ticks that a market order may go beyond the best price at entry; NULL: no limit", \
	RK_COLUMN_RANGE(RK_AT_LEAST(0))}, \
	{"max_levels", NULL, RK_TYPE_INT8, false, "price levels of a side; absent: 1000", RK_COLUMN_RANGE(RK_AT_LEAST(1))}, \
	{"allow_negative", NULL, RK_TYPE_BOOLEAN, false, "prices of zero and below are permitted; absent: false"}, \
	{"maker_fee_rate", NULL, RK_TYPE_NUMERIC, false, "fee of the resting order, by notional; negative: a rebate"}, \
	{"taker_fee_rate", NULL, RK_TYPE_NUMERIC, false, "fee of the aggressor, by notional"}, \
	{"stp_mode", NULL, RK_TYPE_TEXT, false, "self-trade prevention; NULL: the parameter", .choices = rk_ob_stp_names}, \
	{"reference_price", NULL, RK_TYPE_NUMERIC, false, "of auctions; NULL: the last price"}, \
	{"trading_day_end", NULL, RK_TYPE_INTERVAL, false, "time of day (UTC) at which day orders end; NULL: they end when the phase is closed"}

static const rk_relation_column event_columns[] = {
	{"seq", NULL, RK_TYPE_INT8, true, "number of the event; rising, and the only meaning of time priority"},
	{"action", NULL, RK_TYPE_TEXT, false, "what the row does; absent: new", .choices = rk_ob_action_names},
	{"symbol", NULL, RK_TYPE_TEXT, false, "of the book; for amend and cancel that of the order; mass_cancel, phase: NULL is all"},
	{"order_id", NULL, RK_TYPE_ID, false, "the order; not two live ones of one id"},
	{"side", NULL, RK_TYPE_TEXT, false, "of the order; mass_cancel: NULL is both", .choices = rk_ob_side_names},
	{"order_type", NULL, RK_TYPE_TEXT, false, "absent: limit", .choices = rk_ob_type_names},
	{"price", NULL, RK_TYPE_NUMERIC, false, "limit of a limit or stop_limit order; 8 decimals at most, as all money here"},
	{"stop_price", NULL, RK_TYPE_NUMERIC, false, "trade price that triggers a stop or stop_limit order"},
	{"quantity", NULL, RK_TYPE_NUMERIC, false, "of the order"},
	{"tif", NULL, RK_TYPE_TEXT, false, "how long it is good; absent: gtc, for market orders ioc", .choices = rk_ob_tif_names},
	{"expires_at", NULL, RK_TYPE_TIMESTAMPTZ, false, "end of a gtd order"},
	{"display_quantity", NULL, RK_TYPE_NUMERIC, false, "slice that an iceberg order shows; NULL: all"},
	{"min_quantity", NULL, RK_TYPE_NUMERIC, false, "that must trade at entry, or nothing does; action instrument: of an order"},
	{"post_only", NULL, RK_TYPE_BOOLEAN, false, "reject the order if it would trade at entry"},
	{"trader_id", NULL, RK_TYPE_ID2, false, "owner; amend and cancel by another are rejected"},
	{"stp_group", NULL, RK_TYPE_ID2, false, "orders of one group do not trade with each other; NULL: the trader"},
	{"new_price", NULL, RK_TYPE_NUMERIC, false, "amend: the price from now on"},
	{"new_quantity", NULL, RK_TYPE_NUMERIC, false, "amend: the total quantity from now on, what is traded included"},
	{"phase", NULL, RK_TYPE_TEXT, false, "action phase: of trading from now on", .choices = rk_ob_phase_names},
	{"ts", NULL, RK_TYPE_TIMESTAMPTZ, false, "moment of the event; ends what is good until then"},
	/* of action instrument: the rules from now on */
	RULE_COLUMNS,
	{0}
};

static const rk_relation_column instrument_columns[] = {
	{"symbol", NULL, RK_TYPE_TEXT, true, "of the book"},
	{"min_quantity", NULL, RK_TYPE_NUMERIC, false, "of an order; absent: 0.001"},
	RULE_COLUMNS,
	{0}
};

static const rk_relation events_relation = {
	.name = "events",
	.columns = event_columns,
	.example = "SELECT seq, symbol, order_id, side, price, quantity FROM order_event ORDER BY seq"
};

/* What a snapshot holds, as rows. */

static const rk_relation_column saved_book_columns[] = {
	{"symbol", NULL, RK_TYPE_TEXT, true, "of the book"},
	{"phase", NULL, RK_TYPE_TEXT, false, "of trading; absent: continuous", .choices = rk_ob_phase_names},
	{"last_price", NULL, RK_TYPE_NUMERIC, false, "of the last trade"},
	{"last_quantity", NULL, RK_TYPE_NUMERIC, false, "of the last trade"},
	{"open", NULL, RK_TYPE_NUMERIC, false, "price of the first trade"},
	{"high", NULL, RK_TYPE_NUMERIC, false, "highest price of a trade"},
	{"low", NULL, RK_TYPE_NUMERIC, false, "lowest price of a trade"},
	{"volume", NULL, RK_TYPE_NUMERIC, false, "quantity of all trades", RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"turnover", NULL, RK_TYPE_NUMERIC, false, "price times quantity of all trades"},
	{"trade_count", NULL, RK_TYPE_INT8, false, "number of trades", RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"day_end", NULL, RK_TYPE_INT8, false, "next end of the trading day, nanoseconds since 1970"},
	{"min_quantity", NULL, RK_TYPE_NUMERIC, false, "of an order; absent: 0.001"},
	RULE_COLUMNS,
	{0}
};

static const rk_relation_column saved_order_columns[] = {
	{"symbol", NULL, RK_TYPE_TEXT, true, "of the book"},
	{"order_id", NULL, RK_TYPE_ID, true, "the order"},
	{"age", NULL, RK_TYPE_INT8, true, "greater for a younger order", RK_COLUMN_RANGE(RK_AT_LEAST(1))},
	{"side", NULL, RK_TYPE_TEXT, true, "buy or sell", .choices = rk_ob_side_names},
	{"order_type", NULL, RK_TYPE_TEXT, true, "what kind of order it is", .choices = rk_ob_type_names},
	{"tif", NULL, RK_TYPE_TEXT, true, "how long it is good", .choices = rk_ob_tif_names},
	{"status", NULL, RK_TYPE_TEXT, true, "new, partially_filled or pending_trigger", .choices = rk_ob_status_names},
	{"price", NULL, RK_TYPE_NUMERIC, false, "its limit"},
	{"stop_price", NULL, RK_TYPE_NUMERIC, false, "that triggers it"},
	{"quantity", NULL, RK_TYPE_NUMERIC, true, "its total"},
	{"remaining", NULL, RK_TYPE_NUMERIC, true, "not traded"},
	{"displayed", NULL, RK_TYPE_NUMERIC, false, "what the book shows of it; absent: nothing"},
	{"display_quantity", NULL, RK_TYPE_NUMERIC, false, "slice of an iceberg"},
	{"min_quantity", NULL, RK_TYPE_NUMERIC, false, "that must trade when it is triggered"},
	{"turnover", NULL, RK_TYPE_NUMERIC, false, "price times quantity of what it has traded"},
	{"post_only", NULL, RK_TYPE_BOOLEAN, false, "it does not take"},
	{"expires_at", NULL, RK_TYPE_TIMESTAMPTZ, false, "end of a gtd order"},
	{"trader_id", NULL, RK_TYPE_ID2, false, "owner"},
	{"stp_group", NULL, RK_TYPE_ID2, false, "orders of one group do not trade with each other; absent: the trader"},
	{0}
};

const rk_relation rk_ob_saved_books = {
	.name = "books",
	.columns = saved_book_columns,
	.example = "SELECT symbol FROM instrument"
};

const rk_relation rk_ob_saved_orders = {
	.name = "orders",
	.columns = saved_order_columns,
	.example = "SELECT symbol, order_id, age, side, order_type, tif, status, price, quantity, remaining, displayed FROM live_order"
};

static const rk_relation instruments_relation = {
	.name = "instruments",
	.columns = instrument_columns,
	.example = "SELECT symbol, 0.01 AS tick_size, 1 AS lot_size FROM instrument"
};

#define MATCHING_PARAMS \
	{.name = "events", .type = RK_TYPE_RELATION, .relation = &events_relation, \
	 .meaning = "orders, amendments, cancels, phases, in the order of seq"}, \
	{.name = "instruments", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &instruments_relation, \
	 .meaning = "rules of symbols; symbols without a row have the defaults"}, \
	{.name = "stp_mode", .type = RK_TYPE_TEXT, .initial = "'cancel_newest'", .choices = rk_ob_stp_names, \
	 .meaning = "what happens to two orders of one stp_group that would trade; skip passes over the resting one"}, \
	{.name = "snapshot", .type = RK_TYPE_JSONB, .initial = "NULL", \
	 .meaning = "books to begin with, from orderbook_matching_snapshot; events that are in it already are passed over"}, \
	{.name = "until_seq", .type = RK_TYPE_INT8, .initial = "NULL", RK_ANY, \
	 .meaning = "apply events up to this one; NULL: all"}

static const rk_param matching_params[] = {MATCHING_PARAMS, {0}};

static const rk_function matching_functions[] = {
	{
		.suffix = "",
		.description = "execution reports of a stream of orders: price-time priority matching, trade by trade",
		.params = matching_params,
		.columns = (const rk_column[]) {
			{"seq", RK_TYPE_INT8, "of the event that caused the report"},
			{"event_no", RK_TYPE_INT8, "number among the reports of its event, from 1"},
			{"event", RK_TYPE_TEXT, "accepted, rejected, trade, done, amended, amend_rejected, canceled, cancel_rejected, expired, triggered, refreshed, phase or decremented"},
			{"symbol", RK_TYPE_TEXT, "of the book"},
			{"order_id", RK_TYPE_ID, "the order; of a trade the aggressor, in an auction the buyer"},
			{"contra_order_id", RK_TYPE_ID, "of a trade the resting order, in an auction the seller"},
			{"side", RK_TYPE_TEXT, "of the order"},
			{"price", RK_TYPE_NUMERIC, "limit of the order; of a trade its price, which is that of the resting order"},
			{"quantity", RK_TYPE_NUMERIC, "total of the order; of a trade what is traded"},
			{"remaining", RK_TYPE_NUMERIC, "of the order, not yet traded"},
			{"cum_quantity", RK_TYPE_NUMERIC, "of the order, traded so far"},
			{"avg_price", RK_TYPE_NUMERIC, "of what it has traded; NULL: nothing"},
			{"status", RK_TYPE_TEXT, "of the order afterwards"},
			{"reason", RK_TYPE_TEXT, "why, or none"},
			{"trade_id", RK_TYPE_INT8, "number of the trade in its symbol, from 1; NULL: no trade"},
			{"aggressor", RK_TYPE_TEXT, "side that came last; NULL in an auction"},
			{"maker_fee", RK_TYPE_NUMERIC, "of the resting order; NULL: no trade"},
			{"taker_fee", RK_TYPE_NUMERIC, "of the aggressor; NULL: no trade"},
			{"ts", RK_TYPE_TIMESTAMPTZ, "of the event"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW
	},
	{
		.suffix = "_orders",
		.description = "orders at the end of a stream of events, live or not, one row each",
		.params = matching_params,
		.columns = (const rk_column[]) {
			{"order_id", RK_TYPE_ID, "the order"},
			{"symbol", RK_TYPE_TEXT, "of the book"},
			{"side", RK_TYPE_TEXT, "buy or sell"},
			{"order_type", RK_TYPE_TEXT, "a triggered stop is a market or limit order"},
			{"tif", RK_TYPE_TEXT, "how long it is good"},
			{"price", RK_TYPE_NUMERIC, "its limit; NULL: none"},
			{"quantity", RK_TYPE_NUMERIC, "its total"},
			{"displayed", RK_TYPE_NUMERIC, "what the book shows of it"},
			{"remaining", RK_TYPE_NUMERIC, "not traded"},
			{"cum_quantity", RK_TYPE_NUMERIC, "traded"},
			{"avg_price", RK_TYPE_NUMERIC, "of what is traded; NULL: nothing"},
			{"status", RK_TYPE_TEXT, "new, partially_filled, filled, canceled, rejected, expired or pending_trigger"},
			{"reason", RK_TYPE_TEXT, "why it ended, or none"},
			{"queue_position", RK_TYPE_INT8, "in the queue of its price, from 1; NULL: it does not rest"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW
	},
	{
		.suffix = "_depth",
		.description = "price levels of the books at the end of a stream of events",
		.params = (const rk_param[]) {
			MATCHING_PARAMS,
			{.name = "depth", .type = RK_TYPE_INT4, .initial = "10", RK_BETWEEN(1, 1000000), .meaning = "levels a side"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"symbol", RK_TYPE_TEXT, "of the book"},
			{"side", RK_TYPE_TEXT, "buy or sell"},
			{"level", RK_TYPE_INT4, "1 for the best"},
			{"price", RK_TYPE_NUMERIC, "of the level"},
			{"quantity", RK_TYPE_NUMERIC, "displayed there"},
			{"order_count", RK_TYPE_INT8, "orders there"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP
	},
	{
		.suffix = "_stats",
		.description = "the books at the end of a stream of events, one row each: best prices, last trade, volume",
		.params = matching_params,
		.columns = (const rk_column[]) {
			{"symbol", RK_TYPE_TEXT, "of the book"},
			{"best_bid", RK_TYPE_NUMERIC, "highest price of buyers; NULL: none"},
			{"best_ask", RK_TYPE_NUMERIC, "lowest price of sellers; NULL: none"},
			{"spread", RK_TYPE_NUMERIC, "best_ask - best_bid"},
			{"mid_price", RK_TYPE_NUMERIC, "half way between them"},
			{"last_price", RK_TYPE_NUMERIC, "of the last trade"},
			{"last_quantity", RK_TYPE_NUMERIC, "of the last trade"},
			{"open", RK_TYPE_NUMERIC, "price of the first trade"},
			{"high", RK_TYPE_NUMERIC, "highest price of a trade"},
			{"low", RK_TYPE_NUMERIC, "lowest price of a trade"},
			{"volume", RK_TYPE_NUMERIC, "quantity of all trades"},
			{"turnover", RK_TYPE_NUMERIC, "price times quantity of all trades"},
			{"trade_count", RK_TYPE_INT8, "number of trades"},
			{"bid_depth", RK_TYPE_NUMERIC, "displayed quantity of buyers"},
			{"ask_depth", RK_TYPE_NUMERIC, "displayed quantity of sellers"},
			{"bid_orders", RK_TYPE_INT8, "resting orders of buyers"},
			{"ask_orders", RK_TYPE_INT8, "resting orders of sellers"},
			{"vwap", RK_TYPE_NUMERIC, "turnover / volume; NULL: no trade"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP
	},
	{
		.suffix = "_snapshot",
		.description = "the books at the end of a stream of events, to go on from",
		.params = matching_params,
		.columns = (const rk_column[]) {
			{"state", RK_TYPE_JSONB, "format, seq of the last event, books with their rules and figures, live orders in queue order"},
			{0}
		},
		.rows = RK_ROWS_ONE
	},
	{0}
};

const rk_kernel rk_orderbook_kernels[] = {
	{
		.id = "orderbook/matching",
		.domain = "OrderMatching",
		.mode = RK_MODE_BOTH,
		.description = "Order book with price-time priority: limit, market, stop and iceberg orders, auctions, self-trade prevention",
		.notes = "State is the fold of the events: no clock and no random number, so the same events give the same trades. "
		"An order trades at the price of the order that rests, best level first, inside a level in queue order. "
		"fok and min_quantity are checked before anything trades. An iceberg shows its next slice at the tail of its level. "
		"Stops are tested after every completed order, oldest first. An amendment that takes quantity away keeps the place in the queue, any other loses it. "
		"Leaving an auction, everything that can be traded is traded at one price. Prices and quantities have 8 decimals, rounding is half away from zero.\n\n"
		"A snapshot holds rules, figures and live orders: events applied to it give what they would have given without the break. "
		"Orders that had ended are not in it, so that an event for one of them finds an unknown_order, not one that is order_not_active. "
		"Rules in instruments count before those of a snapshot. An event of action instrument gives its symbol the rules in its columns from there on; columns that are NULL mean the default.\n\n"
		"Symbols that have no order id in common are matched by all threads; the result does not depend on their number.",
		.license_feature = "OrderMatching.Matching",
		.expected_throughput = 10000000,
		.target_latency_us = 10,
		.functions = matching_functions
	},
	{0}
};

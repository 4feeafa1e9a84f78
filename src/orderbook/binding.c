/*
 * binding.c
 *	  Order matching's door to SQL: events in, reports and books out.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "../call/types.h"
#include "../compute/dense.h"
#include "../relation/emit.h"
#include "../relation/table.h"
#include "orderbook.h"

/* A run: the engine after the last event, and the names of its symbols. */
typedef struct matching_run
{
	rk_ob	   *ob;
	rk_ids	   *ids;
	rk_dictionary *symbols;
	uint32	   *symbol_order;	/* code in the dictionary of each symbol */
	uint32		symbol_count;
} matching_run;

/* ---- numbers with 8 decimals ---- */

static Datum
money(int64 value, bool *is_null)
{
	int			scale = 8;

	if ((*is_null = value == RK_OB_NONE))
		return (Datum) 0;
	while (scale > 0 && value % 10 == 0)
	{
		value /= 10;
		scale--;
	}
	return rk_amount_to_numeric((rk_amount) {value, scale});
}

/* A column of decimals as int64 with 8 decimals; NULL where it is not there. */
static int64 *
fixed_column(rk_table *table, const char *name)
{
	const rk_table_column *c = rk_table_column_named(table, name);
	int64	   *fixed;

	if (!c->there)
		return NULL;
	fixed = rk_call_alloc(table->call, table->rows, int64);
	for (int64 i = 0; i < table->rows; i++)
	{
		if (!rk_has_value(c, i))
			fixed[i] = RK_OB_NONE;
		else if (!rk_decimal_fixed(c->decimals[i], c->scale, 8, &fixed[i]) || fixed[i] == RK_OB_NONE)
			rk_table_bad_value(table, c, i, "beyond 8 decimals or 92233720368.54775807");
	}
	return fixed;
}

/* The value of row i in such a column, or another one. */
static int64
fixed_or(const int64 *column, int64 i, int64 otherwise)
{
	return column && column[i] != RK_OB_NONE ? column[i] : otherwise;
}

/* A column of times in nanoseconds. */
static int64 *
time_column(rk_table *table, const char *name)
{
	const rk_table_column *c = rk_table_column_named(table, name);
	int64	   *ns;

	if (!c->there)
		return NULL;
	ns = rk_call_alloc(table->call, table->rows, int64);
	for (int64 i = 0; i < table->rows; i++)
	{
		if (!rk_has_value(c, i))
			ns[i] = RK_OB_NONE;
		else if (pg_mul_s64_overflow(c->ints[i], 1000, &ns[i]))
			rk_table_bad_value(table, c, i, "beyond the times of order matching");
	}
	return ns;
}

/* A column of codes of a closed set; -1 where NULL. */
static int64 *
code_column(rk_table *table, const char *name)
{
	rk_table_column *c = rk_table_column_named(table, name);

	if (!c->there)
		return NULL;
	for (int64 i = 0; c->nulls && i < table->rows; i++)
		if (c->nulls[i])
			c->ints[i] = -1;
	return c->ints;
}

static const uint32 *
id_column(const rk_table *table, const char *name)
{
	const rk_table_column *c = rk_table_column_named(table, name);

	return c->there ? c->codes : NULL;
}

/* ---- symbols ---- */

/* Codes of a column of symbols, in order of appearance; RK_NO_INDEX where NULL. */
static uint32 *
symbol_column(rk_table *table, rk_dictionary *symbols)
{
	const rk_table_column *c = rk_table_column_named(table, "symbol");
	uint32	   *codes;

	if (!c->there)
		return NULL;
	codes = rk_call_alloc(table->call, table->rows, uint32);
	for (int64 i = 0; i < table->rows; i++)
	{
		codes[i] = RK_NO_INDEX;
		if (!rk_has_value(c, i))
			continue;
		if (c->texts[i].length > 64)
			rk_table_bad_value(table, c, i, "longer than 64 bytes");
		rk_call_check(table->call, rk_dictionary_add(symbols, &c->texts[i], 1, &codes[i]));
	}
	return codes;
}

static Datum
symbol_text(const matching_run *run, uint32 symbol, bool *is_null)
{
	char		buffer[16];
	rk_bytes	name;

	if ((*is_null = symbol == RK_NO_INDEX))
		return (Datum) 0;
	name = rk_dictionary_key(run->symbols, run->symbol_order[symbol], buffer);
	return PointerGetDatum(cstring_to_text_with_len(name.data, name.length));
}

/* ---- the run ---- */

/* The rules of each symbol, by its code. */
static rk_ob_instrument *
read_instruments(rk_call *call, rk_table *table, const uint32 *codes, int64 count)
{
	rk_ob_instrument *list = rk_call_alloc(call, count, rk_ob_instrument);
	rk_ob_instrument initial = rk_ob_default_instrument;
	const int64 *fixed[12];
	static const char *const names[12] = {"tick_size", "lot_size", "min_quantity", "max_quantity", "max_notional",
	"band_low", "band_high", "maker_fee_rate", "taker_fee_rate", "reference_price", NULL, NULL};
	const rk_table_column *collar;
	const rk_table_column *levels;
	const rk_table_column *negative;
	const rk_table_column *day_end;
	const int64 *stp;

	initial.stp_mode = rk_arg_choice(call, "stp_mode");
	for (int64 b = 0; b < count; b++)
		list[b] = initial;
	if (table == NULL)
		return list;
	for (int c = 0; names[c]; c++)
		fixed[c] = fixed_column(table, names[c]);
	collar = rk_table_column_named(table, "collar_ticks");
	levels = rk_table_column_named(table, "max_levels");
	negative = rk_table_column_named(table, "allow_negative");
	day_end = rk_table_column_named(table, "trading_day_end");
	stp = code_column(table, "stp_mode");
	for (int64 i = 0; i < table->rows; i++)
	{
		list[codes[i]] = (rk_ob_instrument) {
			.tick_size = fixed_or(fixed[0], i, initial.tick_size),
			.lot_size = fixed_or(fixed[1], i, initial.lot_size),
			.min_quantity = fixed_or(fixed[2], i, initial.min_quantity),
			.max_quantity = fixed_or(fixed[3], i, initial.max_quantity),
			.max_notional = fixed_or(fixed[4], i, RK_OB_NONE),
			.band_low = fixed_or(fixed[5], i, RK_OB_NONE),
			.band_high = fixed_or(fixed[6], i, RK_OB_NONE),
			.maker_fee_rate = fixed_or(fixed[7], i, 0),
			.taker_fee_rate = fixed_or(fixed[8], i, 0),
			.reference_price = fixed_or(fixed[9], i, RK_OB_NONE),
			.collar_ticks = rk_has_value(collar, i) ? collar->ints[i] : RK_OB_NONE,
			.max_levels = rk_has_value(levels, i) ? levels->ints[i] : initial.max_levels,
			.allow_negative = rk_has_value(negative, i) && negative->booleans[i],
			.stp_mode = stp && stp[i] >= 0 ? (rk_ob_stp) stp[i] : initial.stp_mode,
			.trading_day_end = rk_has_value(day_end, i) ? day_end->ints[i] * 1000 : RK_OB_NONE
		};
		if (list[codes[i]].tick_size <= 0)
			rk_table_bad_value(table, rk_table_column_named(table, "tick_size"), i, "not above zero");
		if (list[codes[i]].lot_size < 0)
			rk_table_bad_value(table, rk_table_column_named(table, "lot_size"), i, "below zero");
		if (rk_has_value(day_end, i) && (day_end->ints[i] < 0 || day_end->ints[i] >= USECS_PER_DAY))
			rk_table_bad_value(table, day_end, i, "not a time of day");
	}
	return list;
}

/* Codes in order of appearance become codes in the order of the symbols. */
static void
rank_symbols(uint32 *codes, int64 count, const uint32 *rank)
{
	for (int64 i = 0; codes && i < count; i++)
		if (codes[i] != RK_NO_INDEX)
			codes[i] = rank[codes[i]];
}

static void
run_matching(rk_call *call, matching_run *run)
{
	rk_table   *events = rk_table_read(call, "events");
	rk_table   *instruments = rk_table_read(call, "instruments");
	uint32	   *event_symbols;
	uint32	   *instrument_symbols = NULL;
	uint32	   *rank;
	rk_ob_instrument *rules;
	rk_ob_stream stream;

	if (events == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parameter \"events\" must not be NULL")));
	rk_tables_number(call);
	run->ids = rk_table_ids(call, RK_TYPE_ID);
	if ((run->symbols = rk_dictionary_create(&call->ctx)) == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	event_symbols = symbol_column(events, run->symbols);
	if (instruments)
		instrument_symbols = symbol_column(instruments, run->symbols);
	run->symbol_count = rk_dictionary_count(run->symbols);
	rank = rk_call_alloc(call, run->symbol_count, uint32);
	run->symbol_order = rk_call_alloc(call, run->symbol_count, uint32);
	rk_call_check(call, rk_dictionary_sort(run->symbols, rank, run->symbol_order));
	rank_symbols(event_symbols, events->rows, rank);
	if (instruments)
		rank_symbols(instrument_symbols, instruments->rows, rank);
	rules = read_instruments(call, instruments, instrument_symbols, run->symbol_count);
	stream = (rk_ob_stream) {
		.count = events->rows,
		.seq = rk_table_column_named(events, "seq")->ints,
		.action = code_column(events, "action"),
		.symbol = event_symbols,
		.order_id = id_column(events, "order_id"),
		.side = code_column(events, "side"),
		.type = code_column(events, "order_type"),
		.tif = code_column(events, "tif"),
		.phase = code_column(events, "phase"),
		.price = fixed_column(events, "price"),
		.stop_price = fixed_column(events, "stop_price"),
		.quantity = fixed_column(events, "quantity"),
		.display_quantity = fixed_column(events, "display_quantity"),
		.min_quantity = fixed_column(events, "min_quantity"),
		.new_price = fixed_column(events, "new_price"),
		.new_quantity = fixed_column(events, "new_quantity"),
		.expires_at = time_column(events, "expires_at"),
		.ts = time_column(events, "ts"),
		.post_only = rk_table_column_named(events, "post_only")->there ?
		rk_table_column_named(events, "post_only")->booleans : NULL,
		.trader = id_column(events, "trader_id"),
		.stp_group = id_column(events, "stp_group")
	};
	rk_call_phase(call, "computing", events->rows);
	rk_call_check(call, rk_orderbook_replay(&call->ctx, &stream, rules, run->symbol_count,
											rk_arg_int_or(call, "until_seq", RK_OB_NONE), &run->ob));
}

/* A name of a closed set. */
static Datum
name_datum(const char *const *names, int code)
{
	return PointerGetDatum(cstring_to_text(names[code]));
}

/* An order's id; NULL: none. */
static Datum
id_datum(const rk_call *call, const matching_run *run, bool there, uint64 id, bool *is_null)
{
	*is_null = !there;
	return there ? rk_ids_datum(run->ids, (int64) id, rk_emitted_id_type(call)) : (Datum) 0;
}

static void
orderbook_matching(rk_call *call)
{
	matching_run run;
	MemoryContext row;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.ob->report_count);
	row = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES);
	for (int64 i = 0; i < run.ob->report_count; i++)
	{
		const rk_ob_report *r = &run.ob->reports[i];
		bool		trade = r->event == RK_OB_EV_TRADE;
		Datum		v[19];
		bool		nulls[19] = {0};
		MemoryContext old = MemoryContextSwitchTo(row);

		CHECK_FOR_INTERRUPTS();
		v[0] = Int64GetDatum(r->seq);
		v[1] = Int64GetDatum(r->event_no);
		v[2] = name_datum(rk_ob_event_names, r->event);
		v[3] = symbol_text(&run, r->symbol, &nulls[3]);
		v[4] = id_datum(call, &run, r->has_order, r->order_id, &nulls[4]);
		v[5] = id_datum(call, &run, r->has_contra, r->contra_order_id, &nulls[5]);
		nulls[6] = r->side == RK_OB_NO_SIDE;
		v[6] = nulls[6] ? (Datum) 0 : name_datum(rk_ob_side_names, r->side);
		v[7] = money(r->price, &nulls[7]);
		v[8] = money(r->quantity, &nulls[8]);
		v[9] = money(r->remaining, &nulls[9]);
		v[10] = money(r->cum_quantity, &nulls[10]);
		v[11] = money(r->avg_price, &nulls[11]);
		nulls[12] = r->event == RK_OB_EV_PHASE;
		v[12] = name_datum(rk_ob_status_names, r->status);
		v[13] = name_datum(rk_ob_reason_names, r->reason);
		nulls[14] = nulls[16] = nulls[17] = !trade;
		v[14] = Int64GetDatum(r->trade_id);
		nulls[15] = r->aggressor == RK_OB_NO_SIDE;
		v[15] = nulls[15] ? (Datum) 0 : name_datum(rk_ob_side_names, r->aggressor);
		if (trade)
		{
			v[16] = money(r->maker_fee, &nulls[16]);
			v[17] = money(r->taker_fee, &nulls[17]);
		}
		nulls[18] = r->ts == RK_OB_NONE;
		v[18] = TimestampTzGetDatum(r->ts / 1000);
		MemoryContextSwitchTo(old);
		rk_emit_row(call, v, nulls);
		MemoryContextReset(row);
	}
}

static void
orderbook_matching_orders(rk_call *call)
{
	matching_run run;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.ob->order_count);
	for (uint32 i = 0; i < run.ob->order_count; i++)
	{
		const rk_ob_order *o = &run.ob->orders[i];
		Datum		v[14];
		bool		nulls[14] = {0};

		CHECK_FOR_INTERRUPTS();
		v[0] = id_datum(call, &run, true, o->id, &nulls[0]);
		v[1] = symbol_text(&run, o->book, &nulls[1]);
		v[2] = name_datum(rk_ob_side_names, o->side);
		v[3] = name_datum(rk_ob_type_names, o->type);
		v[4] = name_datum(rk_ob_tif_names, o->tif);
		v[5] = money(o->price, &nulls[5]);
		v[6] = money(o->quantity, &nulls[6]);
		v[7] = money(o->shown, &nulls[7]);
		v[8] = money(o->leaves, &nulls[8]);
		v[9] = money(o->cum, &nulls[9]);
		v[10] = money(rk_ob_average(o), &nulls[10]);
		v[11] = name_datum(rk_ob_status_names, o->status);
		v[12] = name_datum(rk_ob_reason_names, o->reason);
		nulls[13] = o->level == RK_NO_INDEX || o->status == RK_OB_PENDING_TRIGGER;
		v[13] = Int64GetDatum(nulls[13] ? 0 : rk_ob_queue_position(run.ob, o));
		rk_emit_row(call, v, nulls);
	}
}

static void
orderbook_matching_depth(rk_call *call)
{
	matching_run run;
	int64		depth = rk_arg_int(call, "depth");

	run_matching(call, &run);
	rk_call_phase(call, "writing", 0);
	for (uint32 b = 0; b < run.symbol_count; b++)
	{
		rk_ob_depth *list;
		int64		count;

		rk_call_check(call, rk_ob_list_depth(run.ob, b, depth, &list, &count));
		for (int64 i = 0; i < count; i++)
		{
			Datum		v[6];
			bool		nulls[6] = {0};

			v[0] = symbol_text(&run, b, &nulls[0]);
			v[1] = name_datum(rk_ob_side_names, list[i].side);
			v[2] = Int32GetDatum((int32) list[i].level);
			v[3] = money(list[i].price, &nulls[3]);
			v[4] = money(list[i].quantity, &nulls[4]);
			v[5] = Int64GetDatum(list[i].orders);
			rk_emit_row(call, v, nulls);
		}
	}
}

static void
orderbook_matching_stats(rk_call *call)
{
	matching_run run;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.symbol_count);
	for (uint32 b = 0; b < run.symbol_count; b++)
	{
		const rk_ob_book *book = &run.ob->books[b];
		int64		bid = rk_ob_best_price(book, RK_OB_BUY);
		int64		ask = rk_ob_best_price(book, RK_OB_SELL);
		bool		none = bid == RK_OB_NONE || ask == RK_OB_NONE;
		Datum		v[18];
		bool		nulls[18] = {0};

		v[0] = symbol_text(&run, b, &nulls[0]);
		v[1] = money(bid, &nulls[1]);
		v[2] = money(ask, &nulls[2]);
		nulls[3] = nulls[4] = none;
		if (!none)
		{
			v[3] = rk_amount_to_numeric((rk_amount) {(rk_decimal) ask - bid, 8});
			v[4] = rk_amount_to_numeric((rk_amount) {((rk_decimal) ask + bid) * 5, 9});
		}
		v[5] = money(book->last_price, &nulls[5]);
		v[6] = money(book->last_quantity, &nulls[6]);
		v[7] = money(book->open, &nulls[7]);
		v[8] = money(book->high, &nulls[8]);
		v[9] = money(book->low, &nulls[9]);
		v[10] = rk_amount_to_numeric((rk_amount) {book->volume, 8});
		v[11] = rk_amount_to_numeric((rk_amount) {book->turnover, 16});
		v[12] = Int64GetDatum(book->trade_count);
		v[13] = rk_amount_to_numeric((rk_amount) {rk_ob_shown(book, RK_OB_BUY), 8});
		v[14] = rk_amount_to_numeric((rk_amount) {rk_ob_shown(book, RK_OB_SELL), 8});
		v[15] = Int64GetDatum(book->orders[RK_OB_BUY]);
		v[16] = Int64GetDatum(book->orders[RK_OB_SELL]);
		v[17] = money(rk_ob_vwap(book), &nulls[17]);
		rk_emit_row(call, v, nulls);
	}
}

RK_FUNCTION(rk_orderbook_matching_sql, "orderbook/matching", "");
RK_FUNCTION(rk_orderbook_matching_orders_sql, "orderbook/matching", "_orders");
RK_FUNCTION(rk_orderbook_matching_depth_sql, "orderbook/matching", "_depth");
RK_FUNCTION(rk_orderbook_matching_stats_sql, "orderbook/matching", "_stats");

const rk_bound_function rk_orderbook_bindings[] = {
	{"orderbook/matching", "", orderbook_matching},
	{"orderbook/matching", "_orders", orderbook_matching_orders},
	{"orderbook/matching", "_depth", orderbook_matching_depth},
	{"orderbook/matching", "_stats", orderbook_matching_stats},
	{0}
};

/*
 * binding.c
 *	  Order matching's door to SQL: events in, reports and books out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "../call/types.h"
#include "../compute/dense.h"
#include "../relation/emit.h"
#include "../relation/json_model.h"
#include "../relation/table.h"
#include "orderbook.h"

/* A run: the books after the last event, and the names of its symbols. */
typedef struct matching_run
{
	rk_ob_result *result;
	rk_ids	   *ids;			/* of orders; NULL: there are none */
	rk_ids	   *parties;		/* of traders and groups */
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

/* The rules in the columns of a relation. */
typedef struct rule_columns
{
	rk_table   *table;
	const int64 *fixed[10];
	const rk_table_column *collar;
	const rk_table_column *levels;
	const rk_table_column *negative;
	const rk_table_column *day_end;
	const int64 *stp;
} rule_columns;

static rule_columns
find_rules(rk_table *table)
{
	static const char *const names[] = {"tick_size", "lot_size", "min_quantity", "max_quantity", "max_notional",
	"band_low", "band_high", "maker_fee_rate", "taker_fee_rate", "reference_price"};
	rule_columns r = {
		.table = table,
		.collar = rk_table_column_named(table, "collar_ticks"),
		.levels = rk_table_column_named(table, "max_levels"),
		.negative = rk_table_column_named(table, "allow_negative"),
		.day_end = rk_table_column_named(table, "trading_day_end"),
		.stp = code_column(table, "stp_mode")
	};

	for (int c = 0; c < lengthof(names); c++)
		r.fixed[c] = fixed_column(table, names[c]);
	return r;
}

/* The rules in row i; initial where it says nothing. */
static rk_ob_instrument
rules_of_row(const rule_columns *r, int64 i, const rk_ob_instrument *initial)
{
	rk_ob_instrument rules = {
		.tick_size = fixed_or(r->fixed[0], i, initial->tick_size),
		.lot_size = fixed_or(r->fixed[1], i, initial->lot_size),
		.min_quantity = fixed_or(r->fixed[2], i, initial->min_quantity),
		.max_quantity = fixed_or(r->fixed[3], i, initial->max_quantity),
		.max_notional = fixed_or(r->fixed[4], i, RK_OB_NONE),
		.band_low = fixed_or(r->fixed[5], i, RK_OB_NONE),
		.band_high = fixed_or(r->fixed[6], i, RK_OB_NONE),
		.maker_fee_rate = fixed_or(r->fixed[7], i, 0),
		.taker_fee_rate = fixed_or(r->fixed[8], i, 0),
		.reference_price = fixed_or(r->fixed[9], i, RK_OB_NONE),
		.collar_ticks = rk_has_value(r->collar, i) ? r->collar->ints[i] : RK_OB_NONE,
		.max_levels = rk_has_value(r->levels, i) ? r->levels->ints[i] : initial->max_levels,
		.allow_negative = rk_has_value(r->negative, i) && r->negative->booleans[i],
		.stp_mode = r->stp && r->stp[i] >= 0 ? (rk_ob_stp) r->stp[i] : initial->stp_mode,
		.trading_day_end = rk_has_value(r->day_end, i) ? r->day_end->ints[i] * 1000 : RK_OB_NONE
	};

	if (rules.tick_size <= 0)
		rk_table_bad_value(r->table, rk_table_column_named(r->table, "tick_size"), i, "not above zero");
	if (rules.lot_size < 0)
		rk_table_bad_value(r->table, rk_table_column_named(r->table, "lot_size"), i, "below zero");
	if (rk_has_value(r->day_end, i) && (r->day_end->ints[i] < 0 || r->day_end->ints[i] >= USECS_PER_DAY))
		rk_table_bad_value(r->table, r->day_end, i, "not a time of day");
	return rules;
}

/* Gives the symbols of a relation's rows the rules there. */
static void
read_rules(rk_table *table, const uint32 *symbols, const rk_ob_instrument *initial, rk_ob_instrument *list)
{
	rule_columns columns;

	if (table == NULL)
		return;
	columns = find_rules(table);
	for (int64 i = 0; i < table->rows; i++)
		list[symbols[i]] = rules_of_row(&columns, i, initial);
}

/* The rules that events give, and which event gives which. */
static void
read_rule_events(rk_call *call, rk_table *events, const rk_ob_instrument *initial, rk_ob_stream *stream)
{
	rule_columns columns;
	rk_ob_instrument *rules;
	uint32	   *rule;
	int64		count = 0;

	for (int64 i = 0; stream->action && i < events->rows; i++)
		count += stream->action[i] == RK_OB_ACTION_INSTRUMENT;
	if (count == 0)
		return;
	columns = find_rules(events);
	stream->rules = rules = rk_call_alloc(call, count, rk_ob_instrument);
	stream->rule = rule = rk_call_alloc(call, events->rows, uint32);
	count = 0;
	for (int64 i = 0; i < events->rows; i++)
		if (stream->action[i] == RK_OB_ACTION_INSTRUMENT)
		{
			rules[count] = rules_of_row(&columns, i, initial);
			rule[i] = count++;
		}
}

/* ---- snapshots ---- */

/* What a run begins with, as relations; NULL: nothing. */
typedef struct saved_tables
{
	rk_table   *books;
	rk_table   *orders;
	uint32	   *book_symbols;
	uint32	   *order_symbols;
	int64		seq;
} saved_tables;

/* The array of a key of the snapshot as text. */
static char *
array_text(const rk_json_node *snapshot, const char *key)
{
	JsonbValue *v = getKeyJsonValueFromContainer(snapshot->object, key, strlen(key), NULL);
	Jsonb	   *array;

	if (v == NULL || v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		rk_json_wrong(snapshot, key, "is not an array");
	array = JsonbValueToJsonb(v);
	return JsonbToCString(NULL, &array->root, VARSIZE(array));
}

/* The number of a key of the snapshot. */
static bool
whole_number(const rk_json_node *snapshot, const char *key, int64 *number)
{
	JsonbValue *v = getKeyJsonValueFromContainer(snapshot->object, key, strlen(key), NULL);

	if (v == NULL || v->type == jbvNull)
		return false;
	if (v->type != jbvNumeric)
		rk_json_wrong(snapshot, key, "is not a number");
	*number = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(v->val.numeric)));
	return true;
}

static void
read_snapshot(rk_call *call, saved_tables *saved)
{
	rk_json_node snapshot;
	int64		format;

	*saved = (saved_tables) {.seq = RK_OB_NONE};
	if (rk_arg_is_null(call, "snapshot"))
		return;
	snapshot = rk_json_model(call, "snapshot");
	if (!whole_number(&snapshot, "format", &format))
		rk_json_wrong(&snapshot, "format", "is missing");
	if (format != RK_OB_SNAPSHOT_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("snapshot has format %lld, but %d is known", (long long) format, RK_OB_SNAPSHOT_FORMAT),
				 errhint("Make it with rk.orderbook_matching_snapshot of this version.")));
	(void) whole_number(&snapshot, "seq", &saved->seq);
	saved->books = rk_table_read_text(call, "snapshot.books", &rk_ob_saved_books, array_text(&snapshot, "books"));
	saved->orders = rk_table_read_text(call, "snapshot.orders", &rk_ob_saved_orders, array_text(&snapshot, "orders"));
}

/* A column of decimals as 128-bit numbers with so many digits; 0 where NULL. */
static rk_decimal *
wide_column(rk_table *table, const char *name, int digits)
{
	const rk_table_column *c = rk_table_column_named(table, name);
	rk_decimal *wide = rk_call_alloc(table->call, table->rows, rk_decimal);

	for (int64 i = 0; i < table->rows; i++)
	{
		wide[i] = rk_has_value(c, i) ? c->decimals[i] : 0;
		if (c->there && (c->scale > digits ? wide[i] % rk_power_of_ten(c->scale - digits) != 0 :
						 !rk_decimal_scale_up(wide[i], digits - c->scale, &wide[i])))
			rk_table_bad_value(table, c, i, "not a sum of this book");
		if (c->there && c->scale > digits)
			wide[i] /= rk_power_of_ten(c->scale - digits);
	}
	return wide;
}

static const rk_ob_figures *
read_figures(rk_call *call, const saved_tables *saved, const rk_ob_instrument *initial)
{
	rk_table   *t = saved->books;
	rk_ob_figures *list = rk_call_alloc(call, t->rows, rk_ob_figures);
	rule_columns rules = find_rules(t);
	const int64 *phase = code_column(t, "phase");
	const int64 *last_price = fixed_column(t, "last_price");
	const int64 *last_quantity = fixed_column(t, "last_quantity");
	const int64 *open = fixed_column(t, "open");
	const int64 *high = fixed_column(t, "high");
	const int64 *low = fixed_column(t, "low");
	const rk_decimal *volume = wide_column(t, "volume", 8);
	const rk_decimal *turnover = wide_column(t, "turnover", 16);
	const rk_table_column *trades = rk_table_column_named(t, "trade_count");
	const rk_table_column *day_end = rk_table_column_named(t, "day_end");

	for (int64 i = 0; i < t->rows; i++)
		list[i] = (rk_ob_figures) {
			.symbol = saved->book_symbols[i],
			.phase = phase && phase[i] >= 0 ? (rk_ob_phase) phase[i] : RK_OB_CONTINUOUS,
			.trading_day_end = rules_of_row(&rules, i, initial).trading_day_end,
			.day_end = rk_has_value(day_end, i) ? day_end->ints[i] : RK_OB_NONE,
			.last_price = fixed_or(last_price, i, RK_OB_NONE),
			.last_quantity = fixed_or(last_quantity, i, RK_OB_NONE),
			.open = fixed_or(open, i, RK_OB_NONE),
			.high = fixed_or(high, i, RK_OB_NONE),
			.low = fixed_or(low, i, RK_OB_NONE),
			.volume = volume[i],
			.turnover = turnover[i],
			.trade_count = rk_has_value(trades, i) ? trades->ints[i] : 0
		};
	return list;
}

/* The number that stands for an id of a trader or a group; 0: none. */
static uint64
party(const uint32 *codes, int64 i)
{
	return codes && codes[i] != RK_NO_INDEX ? (uint64) codes[i] + 1 : 0;
}

static const rk_ob_order *
read_saved_orders(rk_call *call, const saved_tables *saved)
{
	rk_table   *t = saved->orders;
	rk_ob_order *list = rk_call_alloc(call, t->rows, rk_ob_order);
	const uint32 *id = id_column(t, "order_id");
	const uint32 *trader = id_column(t, "trader_id");
	const uint32 *group = id_column(t, "stp_group");
	const int64 *age = rk_table_column_named(t, "age")->ints;
	const int64 *side = code_column(t, "side");
	const int64 *type = code_column(t, "order_type");
	const int64 *tif = code_column(t, "tif");
	const int64 *status = code_column(t, "status");
	const int64 *price = fixed_column(t, "price");
	const int64 *stop_price = fixed_column(t, "stop_price");
	const int64 *quantity = fixed_column(t, "quantity");
	const int64 *remaining = fixed_column(t, "remaining");
	const int64 *displayed = fixed_column(t, "displayed");
	const int64 *display = fixed_column(t, "display_quantity");
	const int64 *minimum = fixed_column(t, "min_quantity");
	const int64 *expires_at = time_column(t, "expires_at");
	const rk_decimal *turnover = wide_column(t, "turnover", 16);
	const rk_table_column *post_only = rk_table_column_named(t, "post_only");

	for (int64 i = 0; i < t->rows; i++)
		list[i] = (rk_ob_order) {
			.id = id[i],
			.book = saved->order_symbols[i],
			.entry = age[i],
			.side = (uint8) side[i],
			.type = (uint8) type[i],
			.tif = (uint8) tif[i],
			.status = (uint8) status[i],
			.price = fixed_or(price, i, RK_OB_NONE),
			.stop_price = fixed_or(stop_price, i, RK_OB_NONE),
			.quantity = quantity[i],
			.leaves = remaining[i],
			.cum = (int64) ((uint64) quantity[i] - (uint64) remaining[i]),
			.shown = fixed_or(displayed, i, 0),
			.display = fixed_or(display, i, RK_OB_NONE),
			.min_quantity = fixed_or(minimum, i, RK_OB_NONE),
			.expires_at = fixed_or(expires_at, i, RK_OB_NONE),
			.turnover = turnover[i],
			.post_only = rk_has_value(post_only, i) && post_only->booleans[i],
			.trader = party(trader, i),
			.stp_group = party(group, i) ? party(group, i) : party(trader, i),
			.next = RK_NO_INDEX,
			.prev = RK_NO_INDEX,
			.level = RK_NO_INDEX
		};
	return list;
}

/* ---- a run ---- */

/* Codes in order of appearance become codes in the order of the symbols. */
static void
rank_symbols(uint32 *codes, const rk_table *table, const uint32 *rank)
{
	for (int64 i = 0; codes && i < table->rows; i++)
		if (codes[i] != RK_NO_INDEX)
			codes[i] = rank[codes[i]];
}

/* Numbers the symbols of all relations, in their order. */
static void
number_symbols(rk_call *call, matching_run *run, rk_table *events, rk_table *instruments, saved_tables *saved,
			   uint32 **event_symbols, uint32 **instrument_symbols)
{
	uint32	   *rank;

	if ((run->symbols = rk_dictionary_create(&call->ctx)) == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	*event_symbols = symbol_column(events, run->symbols);
	*instrument_symbols = instruments ? symbol_column(instruments, run->symbols) : NULL;
	if (saved->books)
	{
		saved->book_symbols = symbol_column(saved->books, run->symbols);
		saved->order_symbols = symbol_column(saved->orders, run->symbols);
	}
	run->symbol_count = rk_dictionary_count(run->symbols);
	rank = rk_call_alloc(call, run->symbol_count, uint32);
	run->symbol_order = rk_call_alloc(call, run->symbol_count, uint32);
	rk_call_check(call, rk_dictionary_sort(run->symbols, rank, run->symbol_order));
	rank_symbols(*event_symbols, events, rank);
	rank_symbols(*instrument_symbols, instruments, rank);
	rank_symbols(saved->book_symbols, saved->books, rank);
	rank_symbols(saved->order_symbols, saved->orders, rank);
}

static rk_ob_stream
read_events(rk_table *events, const uint32 *symbols)
{
	return (rk_ob_stream) {
		.count = events->rows,
		.seq = rk_table_column_named(events, "seq")->ints,
		.action = code_column(events, "action"),
		.symbol = symbols,
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
}

static void
run_matching(rk_call *call, matching_run *run)
{
	rk_table   *events = rk_table_read(call, "events");
	rk_table   *instruments = rk_table_read(call, "instruments");
	rk_ob_instrument initial = rk_ob_default_instrument;
	rk_ob_instrument *rules;
	saved_tables saved;
	rk_ob_beginning begin;
	uint32	   *event_symbols;
	uint32	   *instrument_symbols;
	rk_ob_stream stream;

	if (events == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parameter \"events\" must not be NULL")));
	read_snapshot(call, &saved);
	rk_tables_number(call);
	run->ids = rk_table_ids(call, RK_TYPE_ID);
	run->parties = rk_table_ids(call, RK_TYPE_ID2);
	number_symbols(call, run, events, instruments, &saved, &event_symbols, &instrument_symbols);
	initial.stp_mode = rk_arg_choice(call, "stp_mode");
	rules = rk_call_alloc(call, run->symbol_count, rk_ob_instrument);
	for (uint32 b = 0; b < run->symbol_count; b++)
		rules[b] = initial;
	read_rules(saved.books, saved.book_symbols, &initial, rules);
	read_rules(instruments, instrument_symbols, &initial, rules);
	stream = read_events(events, event_symbols);
	read_rule_events(call, events, &initial, &stream);
	if (saved.books)
		begin = (rk_ob_beginning) {
			.seq = saved.seq,
			.book_count = saved.books->rows,
			.books = read_figures(call, &saved, &initial),
			.order_count = saved.orders->rows,
			.orders = read_saved_orders(call, &saved)
		};
	rk_call_phase(call, "computing", events->rows);
	rk_call_check(call, rk_orderbook_replay(&call->ctx, &stream, rules, run->symbol_count,
											rk_arg_int_or(call, "until_seq", RK_OB_NONE),
											saved.books ? &begin : NULL, &run->result));
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

static rk_ob_cursor *
open_cursor(rk_call *call, const matching_run *run, bool orders)
{
	rk_ob_cursor *cursor = rk_ob_cursor_create(run->result, orders);

	if (cursor == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	return cursor;
}

static void
orderbook_matching(rk_call *call)
{
	matching_run run;
	MemoryContext row;
	rk_ob_cursor *cursor;
	rk_ob_report report;
	const rk_ob_report *r = &report;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.result->report_count);
	cursor = open_cursor(call, &run, false);
	row = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES);
	while (rk_ob_next_report(cursor, &report))
	{
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
	rk_ob_cursor *cursor;
	const rk_ob_order *o;
	const rk_ob *ob;
	uint32		symbol;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.result->order_count);
	cursor = open_cursor(call, &run, true);
	while (rk_ob_next_order(cursor, &o, &ob, &symbol))
	{
		Datum		v[14];
		bool		nulls[14] = {0};

		CHECK_FOR_INTERRUPTS();
		v[0] = id_datum(call, &run, true, o->id, &nulls[0]);
		v[1] = symbol_text(&run, symbol, &nulls[1]);
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
		v[13] = Int64GetDatum(nulls[13] ? 0 : rk_ob_queue_position(ob, o));
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

		rk_call_check(call, rk_ob_list_depth(rk_ob_engine_of(run.result, b), run.result->place_of[b], depth, &list, &count));
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
		const rk_ob_book *book = rk_ob_book_of(run.result, b);
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

/* ---- writing a snapshot ---- */

/* Appends a member of an object: a number, a word of ours, a string of others. */
static void
put_number(StringInfo s, const char *key, Datum numeric)
{
	appendStringInfo(s, ", \"%s\": %s", key, DatumGetCString(DirectFunctionCall1(numeric_out, numeric)));
}

static void
put_fixed(StringInfo s, const char *key, int64 value, int64 initial)
{
	bool		is_null;
	Datum		numeric;

	if (value == initial)
		return;
	numeric = money(value, &is_null);
	if (is_null)
		appendStringInfo(s, ", \"%s\": null", key);
	else
		put_number(s, key, numeric);
}

static void
put_int(StringInfo s, const char *key, int64 value, int64 initial)
{
	if (value != initial)
		appendStringInfo(s, ", \"%s\": " INT64_FORMAT, key, value);
}

static void
put_word(StringInfo s, const char *key, const char *const *words, int code)
{
	appendStringInfo(s, ", \"%s\": \"%s\"", key, words[code]);
}

static void
put_string(StringInfo s, const char *key, Datum string)
{
	appendStringInfo(s, ", \"%s\": ", key);
	escape_json(s, TextDatumGetCString(string));
}

/* An id: a number where its type is one, else a string. */
static void
put_id(StringInfo s, const char *key, const rk_ids *ids, uint64 id)
{
	Oid			type = rk_ids_type(ids);
	Oid			output;
	bool		varlena;
	char	   *text;

	getTypeOutputInfo(type, &output, &varlena);
	text = OidOutputFunctionCall(output, rk_ids_datum(ids, (int64) id, type));
	appendStringInfo(s, ", \"%s\": ", key);
	if (type == INT8OID || type == NUMERICOID)
		appendStringInfoString(s, text);
	else
		escape_json(s, text);
}

static void
put_rules(StringInfo s, const rk_ob_instrument *i)
{
	const rk_ob_instrument *d = &rk_ob_default_instrument;

	put_fixed(s, "tick_size", i->tick_size, d->tick_size);
	put_fixed(s, "lot_size", i->lot_size, d->lot_size);
	put_fixed(s, "min_quantity", i->min_quantity, d->min_quantity);
	put_fixed(s, "max_quantity", i->max_quantity, d->max_quantity);
	put_fixed(s, "max_notional", i->max_notional, RK_OB_NONE);
	put_fixed(s, "band_low", i->band_low, RK_OB_NONE);
	put_fixed(s, "band_high", i->band_high, RK_OB_NONE);
	put_int(s, "collar_ticks", i->collar_ticks, RK_OB_NONE);
	put_int(s, "max_levels", i->max_levels, d->max_levels);
	if (i->allow_negative)
		appendStringInfoString(s, ", \"allow_negative\": true");
	put_fixed(s, "maker_fee_rate", i->maker_fee_rate, 0);
	put_fixed(s, "taker_fee_rate", i->taker_fee_rate, 0);
	put_word(s, "stp_mode", rk_ob_stp_names, i->stp_mode);
	put_fixed(s, "reference_price", i->reference_price, RK_OB_NONE);
	if (i->trading_day_end != RK_OB_NONE)
		appendStringInfo(s, ", \"trading_day_end\": \"" INT64_FORMAT " microseconds\"", i->trading_day_end / 1000);
}

/* The members of an object follow each other; the first has no comma before it. */
static void
open_object(StringInfo s, bool first, const char *key, Datum string)
{
	int			at;

	appendStringInfoString(s, first ? "{" : ", {");
	at = s->len;
	put_string(s, key, string);
	memmove(s->data + at, s->data + at + 2, s->len - at - 2 + 1);
	s->len -= 2;
}

static void
put_book(StringInfo s, const matching_run *run, uint32 symbol)
{
	const rk_ob_book *b = rk_ob_book_of(run->result, symbol);
	bool		is_null;

	open_object(s, symbol == 0, "symbol", symbol_text(run, symbol, &is_null));
	put_word(s, "phase", rk_ob_phase_names, b->phase);
	put_rules(s, &b->instrument);
	put_int(s, "day_end", b->day_end, RK_OB_NONE);
	put_int(s, "trade_count", b->trade_count, 0);
	if (b->trade_count > 0)
	{
		put_fixed(s, "last_price", b->last_price, RK_OB_NONE);
		put_fixed(s, "last_quantity", b->last_quantity, RK_OB_NONE);
		put_fixed(s, "open", b->open, RK_OB_NONE);
		put_fixed(s, "high", b->high, RK_OB_NONE);
		put_fixed(s, "low", b->low, RK_OB_NONE);
		put_number(s, "volume", rk_amount_to_numeric((rk_amount) {b->volume, 8}));
		put_number(s, "turnover", rk_amount_to_numeric((rk_amount) {b->turnover, 16}));
	}
	appendStringInfoChar(s, '}');
}

static void
put_order(StringInfo s, const matching_run *run, uint32 symbol, const rk_ob_order *o, bool first)
{
	bool		is_null;

	open_object(s, first, "symbol", symbol_text(run, symbol, &is_null));
	put_id(s, "order_id", run->ids, o->id);
	put_int(s, "age", o->entry, 0);
	put_word(s, "side", rk_ob_side_names, o->side);
	put_word(s, "order_type", rk_ob_type_names, o->type);
	put_word(s, "tif", rk_ob_tif_names, o->tif);
	put_word(s, "status", rk_ob_status_names, o->status);
	put_fixed(s, "price", o->price, RK_OB_NONE);
	put_fixed(s, "stop_price", o->stop_price, RK_OB_NONE);
	put_fixed(s, "quantity", o->quantity, RK_OB_NONE);
	put_fixed(s, "remaining", o->leaves, RK_OB_NONE);
	put_fixed(s, "displayed", o->shown, 0);
	put_fixed(s, "display_quantity", o->display, RK_OB_NONE);
	put_fixed(s, "min_quantity", o->min_quantity, RK_OB_NONE);
	if (o->turnover != 0)
		put_number(s, "turnover", rk_amount_to_numeric((rk_amount) {o->turnover, 16}));
	if (o->post_only)
		appendStringInfoString(s, ", \"post_only\": true");
	if (o->expires_at != RK_OB_NONE)
		put_string(s, "expires_at", CStringGetTextDatum(timestamptz_to_str(o->expires_at / 1000)));
	if (o->trader)
		put_id(s, "trader_id", run->parties, o->trader - 1);
	if (o->stp_group && o->stp_group != o->trader)
		put_id(s, "stp_group", run->parties, o->stp_group - 1);
	appendStringInfoChar(s, '}');
}

/* The live orders of a symbol, ladder by ladder in queue order. */
static int64
put_orders(StringInfo s, const matching_run *run, uint32 symbol, int64 before)
{
	const rk_ob *ob = rk_ob_engine_of(run->result, symbol);
	rk_ob_walk	walk;
	int64		count = before;

	rk_ob_walk_begin(ob, run->result->place_of[symbol], &walk);
	for (const rk_ob_order *o; (o = rk_ob_walk_next(&walk)) != NULL; count++)
	{
		CHECK_FOR_INTERRUPTS();
		put_order(s, run, symbol, o, count == 0);
	}
	return count;
}

static void
orderbook_matching_snapshot(rk_call *call)
{
	matching_run run;
	StringInfoData s;
	int64		orders = 0;

	run_matching(call, &run);
	rk_call_phase(call, "writing", run.symbol_count);
	initStringInfo(&s);
	appendStringInfo(&s, "{\"format\": %d", RK_OB_SNAPSHOT_FORMAT);
	put_int(&s, "seq", run.result->seq, RK_OB_NONE);
	appendStringInfoString(&s, ", \"books\": [");
	for (uint32 b = 0; b < run.symbol_count; b++)
		put_book(&s, &run, b);
	appendStringInfoString(&s, "], \"orders\": [");
	for (uint32 b = 0; b < run.symbol_count; b++)
		orders = put_orders(&s, &run, b, orders);
	appendStringInfoString(&s, "]}");
	rk_emit_row(call, (Datum[]) {DirectFunctionCall1(jsonb_in, CStringGetDatum(s.data))}, (bool[]) {false});
}

RK_FUNCTION(rk_orderbook_matching_sql, "orderbook/matching", "");
RK_FUNCTION(rk_orderbook_matching_orders_sql, "orderbook/matching", "_orders");
RK_FUNCTION(rk_orderbook_matching_depth_sql, "orderbook/matching", "_depth");
RK_FUNCTION(rk_orderbook_matching_stats_sql, "orderbook/matching", "_stats");
RK_FUNCTION(rk_orderbook_matching_snapshot_sql, "orderbook/matching", "_snapshot");

const rk_bound_function rk_orderbook_bindings[] = {
	{"orderbook/matching", "", orderbook_matching},
	{"orderbook/matching", "_orders", orderbook_matching_orders},
	{"orderbook/matching", "_depth", orderbook_matching_depth},
	{"orderbook/matching", "_stats", orderbook_matching_stats},
	{"orderbook/matching", "_snapshot", orderbook_matching_snapshot},
	{0}
};

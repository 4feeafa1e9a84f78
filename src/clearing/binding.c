/*
 * binding.c
 *	  Clearing's door to SQL: instructions in, pairs out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "../call/types.h"
#include "../compute/dense.h"
#include "../relation/emit.h"
#include "../relation/table.h"
#include "clearing.h"

/* A run: the instructions as the kernel has them, and what became of them. */
typedef struct dvp_run
{
	rk_table   *table;
	rk_dvp_instruction *list;
	rk_dvp_result result;
	rk_ids	   *ids;
	rk_dictionary *securities;
	rk_dictionary *currencies;
	uint32	   *security_order; /* code in the dictionary of each one, in the order of the texts */
	uint32	   *currency_order;
	int			quantity_scale;
	int			amount_scale;
} dvp_run;

/* Codes of a column of texts in their order; 0 where NULL, else from 1. */
static uint32 *
text_codes(dvp_run *run, const char *name, rk_dictionary **dictionary, uint32 **order)
{
	const rk_table_column *c = rk_table_column_named(run->table, name);
	rk_call    *call = run->table->call;
	uint32	   *codes = rk_call_alloc(call, run->table->rows, uint32);
	uint32	   *rank;

	if ((*dictionary = rk_dictionary_create(&call->ctx)) == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	for (int64 i = 0; i < run->table->rows; i++)
	{
		codes[i] = 0;
		if (!rk_has_value(c, i))
			continue;
		rk_call_check(call, rk_dictionary_add(*dictionary, &c->texts[i], 1, &codes[i]));
		codes[i]++;
	}
	rank = rk_call_alloc(call, rk_dictionary_count(*dictionary), uint32);
	*order = rk_call_alloc(call, rk_dictionary_count(*dictionary), uint32);
	rk_call_check(call, rk_dictionary_sort(*dictionary, rank, *order));
	for (int64 i = 0; i < run->table->rows; i++)
		if (codes[i] > 0)
			codes[i] = rank[codes[i] - 1] + 1;
	return codes;
}

static Datum
text_of_code(const rk_dictionary *dictionary, const uint32 *order, uint32 code)
{
	char		buffer[16];
	rk_bytes	text = rk_dictionary_key(dictionary, order[code - 1], buffer);

	return PointerGetDatum(cstring_to_text_with_len(text.data, text.length));
}

/* The names of differences that are set. */
static Datum
difference_names(int differences)
{
	Datum		names[RK_DVP_DIFFERENCES];
	int			count = 0;

	for (int i = 0; i < RK_DVP_DIFFERENCES; i++)
		if (differences & (1 << i))
			names[count++] = CStringGetTextDatum(rk_dvp_difference_names[i]);
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Says which block an error is about. */
static char *
block_name(void *arg, int64 i)
{
	const dvp_run *run = arg;
	const rk_dvp_instruction *x = &run->list[i];

	return psprintf("the block of security \"%s\", currency \"%s\" and the day of instruction %s",
					TextDatumGetCString(text_of_code(run->securities, run->security_order, x->security)),
					TextDatumGetCString(text_of_code(run->currencies, run->currency_order, x->currency)), rk_ids_text(run->ids, x->id));
}

static void
read_instructions(rk_call *call, dvp_run *run)
{
	rk_table   *t = run->table = rk_read_table(call, "instructions");
	rk_dictionary *references;
	uint32	   *reference_order;
	const uint32 *securities;
	const uint32 *currencies;
	const uint32 *reference_codes;
	const rk_table_column *quantity;
	const rk_table_column *amount;
	const rk_table_column *side;
	const rk_table_column *status;
	const rk_table_column *trade_date;
	bool		swapped = rk_arg_boolean(call, "swapped_parties");

	if (t == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parameter \"instructions\" must not be NULL")));
	run->ids = rk_table_ids(call, RK_TYPE_ID);
	quantity = rk_table_column_named(t, "quantity");
	amount = rk_table_column_named(t, "amount");
	side = rk_table_column_named(t, "side");
	status = rk_table_column_named(t, "status");
	trade_date = rk_table_column_named(t, "trade_date");
	run->quantity_scale = quantity->scale;
	run->amount_scale = amount->scale;
	securities = text_codes(run, "security_id", &run->securities, &run->security_order);
	currencies = text_codes(run, "currency", &run->currencies, &run->currency_order);
	reference_codes = text_codes(run, "reference", &references, &reference_order);
	run->list = rk_call_alloc(call, t->rows, rk_dvp_instruction);
	for (int64 i = 0; i < t->rows; i++)
	{
		rk_decimal	q = quantity->decimals[i];
		rk_dvp_side leg = rk_has_value(side, i) ? (rk_dvp_side) side->ints[i] : q < 0 ? RK_DVP_DELIVER : RK_DVP_RECEIVE;
		bool		turn = swapped && leg == RK_DVP_RECEIVE;

		if (q == 0)
			rk_table_bad_value(t, quantity, i, "zero");
		if (amount->decimals[i] < 0)
			rk_table_bad_value(t, amount, i, "below zero");
		run->list[i] = (rk_dvp_instruction) {
			.id = rk_table_column_named(t, "instruction_id")->codes[i],
			.deliverer = rk_table_column_named(t, turn ? "receiver" : "deliverer")->codes[i],
			.receiver = rk_table_column_named(t, turn ? "deliverer" : "receiver")->codes[i],
			.quantity = q < 0 ? -q : q,
			.amount = amount->decimals[i],
			.reference = {reference_codes[i], 0},
			.trade_date = rk_has_value(trade_date, i) ? trade_date->ints[i] : RK_DVP_NONE,
			.security = securities[i],
			.currency = currencies[i],
			.settlement_date = (int32) rk_table_column_named(t, "settlement_date")->ints[i],
			.side = leg,
			.status = rk_has_value(status, i) ? (uint8) status->ints[i] : RK_DVP_PENDING
		};
	}
}

static void
run_dvp(rk_call *call, dvp_run *run)
{
	rk_dvp_rules rules = {
		.min_confidence = rk_arg_float8(call, "min_confidence"),
		.quantity_tolerance = rk_arg_float8(call, "relative_quantity_tolerance"),
		.amount_tolerance = rk_arg_float8(call, "relative_amount_tolerance"),
		.t2s = !rk_arg_is_null(call, "amount_tolerance_rule"),
		.strict_counterparty = rk_arg_boolean(call, "strict_counterparty"),
		.strict_quantity = rk_arg_boolean(call, "strict_quantity"),
		.match_reference = rk_arg_boolean(call, "match_reference")
	};

	read_instructions(call, run);
	if (run->amount_scale > 30)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("column \"amount\" of \"instructions\" has more than 30 decimals")));
	rules.amount_unit = rk_power_of_ten(run->amount_scale);
	rk_call_node_names(call, block_name, run);
	rk_call_phase(call, "computing", run->table->rows);
	rk_call_check(call, rk_dvp_match(&call->ctx, run->list, run->table->rows, &rules,
									 (rk_dvp_method) rk_arg_choice(call, "method"), &run->result));
	rk_call_detail_int(call, "pairs", run->result.pairs);
	if (run->result.pending > 0)
		rk_call_detail_float8(call, "match_rate", 2.0 * run->result.pairs / run->result.pending);
}

/* The delivery of a pair, or an instruction without a partner; the receipt of a pair has no row. */
static bool
has_row(const dvp_run *run, int64 i)
{
	return run->result.partner[i] == RK_DVP_ALONE || run->list[i].side == RK_DVP_DELIVER;
}

static void
clearing_dvp_matching(rk_call *call)
{
	dvp_run		run;
	MemoryContext row;

	run_dvp(call, &run);
	rk_call_phase(call, "writing", run.table->rows);
	row = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES);
	for (int64 i = 0; i < run.table->rows; i++)
	{
		const rk_dvp_instruction *x = &run.list[i];
		bool		paired = run.result.partner[i] != RK_DVP_ALONE;
		const rk_dvp_instruction *y = paired ? &run.list[run.result.partner[i]] : NULL;
		bool		delivers = x->side == RK_DVP_DELIVER;
		Oid			type = rk_emitted_id_type(call);
		Datum		v[9];
		bool		nulls[9] = {0};
		MemoryContext old;

		if (!has_row(&run, i))
			continue;
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row);
		nulls[0] = !delivers;
		v[0] = delivers ? rk_ids_datum(run.ids, x->id, type) : (Datum) 0;
		nulls[1] = delivers && !paired;
		v[1] = nulls[1] ? (Datum) 0 : rk_ids_datum(run.ids, delivers ? y->id : x->id, type);
		v[2] = BoolGetDatum(paired);
		nulls[3] = nulls[6] = !paired;
		v[3] = Float8GetDatum(run.result.confidence[i]);
		v[4] = rk_amount_to_numeric((rk_amount) {paired && y->quantity < x->quantity ? y->quantity : x->quantity,
									run.quantity_scale});
		v[5] = rk_amount_to_numeric((rk_amount) {x->amount, run.amount_scale});
		v[6] = paired ? rk_amount_to_numeric((rk_amount) {y->amount - x->amount, run.amount_scale}) : (Datum) 0;
		v[7] = difference_names(run.result.differences[i]);
		v[8] = CStringGetTextDatum(rk_dvp_status_names[paired ? RK_DVP_MATCHED : x->status]);
		MemoryContextSwitchTo(old);
		rk_emit_row(call, v, nulls);
		MemoryContextReset(row);
	}
}

/* Sums of the pairs of one security and currency. */
typedef struct settled
{
	uint32		security;
	uint32		currency;
	int64		pairs;
	rk_amount	securities;
	rk_amount	payments;
} settled;

static int
by_security(const void *a, const void *b)
{
	const settled *x = a;
	const settled *y = b;

	if (x->security != y->security)
		return x->security < y->security ? -1 : 1;
	return (x->currency > y->currency) - (x->currency < y->currency);
}

/* Adds up neighbours of one security and currency; returns how many are left. */
static int64
add_neighbours(settled *list, int64 count)
{
	int64		kept = 0;

	for (int64 i = 0; i < count; i++)
	{
		settled    *last = kept > 0 ? &list[kept - 1] : NULL;

		if (last == NULL || by_security(last, &list[i]) != 0)
			list[kept++] = list[i];
		else if (!rk_amount_add(&last->securities, list[i].securities) || !rk_amount_add(&last->payments, list[i].payments))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("sum of amounts is out of range")));
		else
			last->pairs++;
	}
	return kept;
}

static void
clearing_dvp_matching_settle(rk_call *call)
{
	dvp_run		run;
	settled    *list;
	int64		count = 0;

	run_dvp(call, &run);
	rk_call_phase(call, "writing", run.result.pairs);
	list = rk_call_alloc(call, run.result.pairs, settled);
	for (int64 i = 0; i < run.table->rows; i++)
	{
		const rk_dvp_instruction *x = &run.list[i];
		const rk_dvp_instruction *y;

		if (run.result.partner[i] == RK_DVP_ALONE || !has_row(&run, i))
			continue;
		y = &run.list[run.result.partner[i]];
		list[count++] = (settled) {x->security, x->currency, 1,
			{y->quantity < x->quantity ? y->quantity : x->quantity, run.quantity_scale}, {x->amount, run.amount_scale}};
	}
	qsort(list, count, sizeof(settled), by_security);
	count = add_neighbours(list, count);
	for (int64 i = 0; i < count; i++)
	{
		Datum		v[6];
		bool		nulls[6] = {0};

		v[0] = text_of_code(run.securities, run.security_order, list[i].security);
		v[1] = text_of_code(run.currencies, run.currency_order, list[i].currency);
		v[2] = Int64GetDatum(list[i].pairs);
		v[3] = Int64GetDatum(2 * list[i].pairs);
		v[4] = rk_amount_to_numeric(list[i].securities);
		v[5] = rk_amount_to_numeric(list[i].payments);
		rk_emit_row(call, v, nulls);
	}
}

RK_FUNCTION(rk_clearing_dvp_matching_sql, "clearing/dvp-matching", "");
RK_FUNCTION(rk_clearing_dvp_matching_settle_sql, "clearing/dvp-matching", "_settle");

const rk_bound_function rk_clearing_bindings[] = {
	{"clearing/dvp-matching", "", clearing_dvp_matching},
	{"clearing/dvp-matching", "_settle", clearing_dvp_matching_settle},
	{0}
};

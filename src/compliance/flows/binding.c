/*
 * binding.c
 *	  The door to SQL of circular, reciprocal, reversed and sliced flows.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "../../relation/transactions_input.h"
#include "flows.h"

/* A number that is NULL where it is NaN. */
static Datum
optional(double value, bool *is_null)
{
	*is_null = isnan(value);
	return Float8GetDatum(value);
}

/* The column of a struct's member over an array of them. */
#define MEMBERS(call, array, count, member, type) \
	({ \
		type	   *column_ = rk_call_alloc((call), (count), type); \
		for (int64 i_ = 0; i_ < (count); i_++) \
			column_[i_] = (array)[i_].member; \
		column_; \
	})

/* ---- compliance/circular-flow ---- */

static rk_transactions_input *
read_circular(rk_call *call, rk_circular *c)
{
	rk_transactions_input *in = rk_read_transactions(call);
	rk_circular_params p = {
		.min_amount = rk_arg_money(call, "min_amount"),
		.min_size = rk_arg_int(call, "min_size"),
		.circulation = rk_arg_boolean(call, "circulation")
	};

	rk_call_check(call, rk_compliance_circular(&call->ctx, &in->t, &p, c));
	return in;
}

/* The number of a row, from 1. */
static Datum
row_number(void *arg, int64 row, bool *is_null)
{
	return Int64GetDatum(row + 1);
}

static Datum
row_number4(void *arg, int64 row, bool *is_null)
{
	return Int32GetDatum((int32) row + 1);
}

static void
circular_flow(rk_call *call)
{
	rk_circular c;
	rk_transactions_input *in = read_circular(call, &c);
	bool		circulation = rk_arg_boolean(call, "circulation");
	int64		n = c.count;

	rk_emit(call, n, (rk_out[]) {
		RK_OUT_CALL(row_number4, NULL), RK_OUT_ID_ARRAYS(in->entities, c.members, c.member_offsets),
		RK_OUT_INTS(MEMBERS(call, c.components, n, members, int64)),
		RK_OUT_INTS(MEMBERS(call, c.components, n, transactions, int64)),
		rk_out_money(in, MEMBERS(call, c.components, n, internal, rk_decimal), n),
		circulation ? rk_out_money(in, MEMBERS(call, c.components, n, circulating, rk_decimal), n) : RK_OUT_NULLS,
		RK_OUT_OPTIONALS(MEMBERS(call, c.components, n, share, double)),
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, c.components, n, first_ts, int64)) : RK_OUT_NULLS,
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, c.components, n, last_ts, int64)) : RK_OUT_NULLS
	}, NULL);
}

static Datum
component_number(void *arg, int64 row, bool *is_null)
{
	const uint32 *component_of = arg;

	*is_null = component_of[row] == RK_NO_ROW;
	return Int32GetDatum((int32) component_of[row] + 1);
}

static void
circular_flow_entities(rk_call *call)
{
	rk_circular c;
	rk_transactions_input *in = read_circular(call, &c);
	int64		n = in->t.entities;
	rk_entity_flow *flows = rk_call_alloc(call, n, rk_entity_flow);

	rk_compliance_entity_flows(&in->t, &c, flows);
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_NODES(in->entities), RK_OUT_CALL(component_number, c.component_of),
		rk_out_money(in, MEMBERS(call, flows, n, out, rk_decimal), n),
		rk_out_money(in, MEMBERS(call, flows, n, in, rk_decimal), n),
		rk_out_money(in, MEMBERS(call, flows, n, circular, rk_decimal), n),
		RK_OUT_OPTIONALS(MEMBERS(call, flows, n, ratio, double))
	}, NULL);
}

static void
circular_flow_cycles(rk_call *call)
{
	rk_transactions_input *in = rk_read_transactions(call);
	bool		temporal = rk_arg_boolean(call, "time_respecting");
	rk_window	window = {0};
	rk_flow_cycle_params p = {
		.max_length = (int) rk_arg_int(call, "max_cycle_length"),
		.window = &window,
		.min_retention = rk_arg_float8(call, "min_retention"),
		.max_cycles = rk_arg_int(call, "max_cycles")
	};
	rk_flow_cycles c;
	int64	   *length;
	int64		n;

	if (temporal && in->t.ts == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"ts\" of \"transactions\" is missing"),
				 errdetail("Cycles at rising times need it."),
				 errhint("A query of this form works: transactions => '%s'. Or set time_respecting => false.",
						 in->table->relation->example)));
	if (temporal)
	{
		window = rk_arg_window(call, in, "time_window");
		rk_call_check(call, rk_compliance_temporal_cycles(&call->ctx, &in->t, &p, &c));
	}
	else
		rk_call_check(call, rk_compliance_aggregated_cycles(&call->ctx, &in->t, &p, &c));
	n = c.count;
	length = rk_call_alloc(call, n, int64);
	for (int64 i = 0; i < n; i++)
		length[i] = c.member_offsets[i + 1] - c.member_offsets[i];
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_CALL(row_number, NULL), RK_OUT_ID_ARRAYS(in->entities, c.members, c.member_offsets),
		rk_out_transaction_arrays(in, c.rows, c.row_offsets), RK_OUT_INT4S(length),
		rk_out_money(in, MEMBERS(call, c.list, n, bottleneck, rk_decimal), n),
		rk_out_money(in, MEMBERS(call, c.list, n, total, rk_decimal), n),
		RK_OUT_OPTIONALS(MEMBERS(call, c.list, n, retention, double)),
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, c.list, n, first_ts, int64)) : RK_OUT_NULLS,
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, c.list, n, last_ts, int64)) : RK_OUT_NULLS
	}, NULL);
}

RK_FUNCTION(rk_compliance_circular_flow_cycles_sql, "compliance/circular-flow", "_cycles");
RK_FUNCTION(rk_compliance_circular_flow_sql, "compliance/circular-flow", "");
RK_FUNCTION(rk_compliance_circular_flow_entities_sql, "compliance/circular-flow", "_entities");

/* ---- compliance/reciprocity-flow ---- */

static rk_transactions_input *
read_reciprocity(rk_call *call, rk_reciprocity *r)
{
	rk_transactions_input *in = rk_read_transactions(call);
	rk_reciprocity_params p = {
		.min_amount = rk_arg_money(call, "min_amount"),
		.has_start = !rk_arg_is_null(call, "start_ts"),
		.has_end = !rk_arg_is_null(call, "end_ts")
	};
	rk_window	delay;

	if (in->t.ts == NULL && (p.has_start || p.has_end || !rk_arg_is_null(call, "max_delay")))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"ts\" of \"transactions\" is missing"),
				 errdetail("It is needed for start_ts, end_ts and max_delay."),
				 errhint("A query of this form works: transactions => '%s'.", in->table->relation->example)));
	if (p.has_start)
		p.start_ts = rk_arg_timestamptz(call, "start_ts");
	if (p.has_end)
		p.end_ts = rk_arg_timestamptz(call, "end_ts");
	if (p.has_start && p.has_end && p.start_ts >= p.end_ts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"start_ts\" is not before \"end_ts\": %s, %s",
						pstrdup(timestamptz_to_str(p.start_ts)), pstrdup(timestamptz_to_str(p.end_ts)))));
	if (!rk_arg_is_null(call, "max_delay"))
	{
		delay = rk_arg_window(call, in, "max_delay");
		p.max_delay = &delay;
	}
	rk_call_check(call, rk_compliance_reciprocity(&call->ctx, &in->t, &p, r));
	return in;
}

static void
reciprocity_flow(rk_call *call)
{
	rk_reciprocity r;
	rk_transactions_input *in = read_reciprocity(call, &r);
	int64		n = r.count;

	rk_emit(call, n, (rk_out[]) {
		RK_OUT_CODES(in->entities, MEMBERS(call, r.pairs, n, entity_a, uint32)),
		RK_OUT_CODES(in->entities, MEMBERS(call, r.pairs, n, entity_b, uint32)),
		rk_out_money(in, MEMBERS(call, r.pairs, n, amount_ab, rk_decimal), n),
		rk_out_money(in, MEMBERS(call, r.pairs, n, amount_ba, rk_decimal), n),
		RK_OUT_INTS(MEMBERS(call, r.pairs, n, count_ab, int64)),
		RK_OUT_INTS(MEMBERS(call, r.pairs, n, count_ba, int64)),
		rk_out_money(in, MEMBERS(call, r.pairs, n, reciprocal_amount, rk_decimal), n),
		RK_OUT_OPTIONALS(MEMBERS(call, r.pairs, n, balance, double)),
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, r.pairs, n, first_ts, int64)) : RK_OUT_NULLS,
		in->t.ts ? RK_OUT_TIMES(MEMBERS(call, r.pairs, n, last_ts, int64)) : RK_OUT_NULLS
	}, NULL);
}

static void
reciprocity_flow_summary(rk_call *call)
{
	rk_reciprocity r;
	rk_transactions_input *in = read_reciprocity(call, &r);
	Datum		v[6];
	bool		nulls[6] = {0};

	v[0] = optional(r.ratio, &nulls[0]);
	v[1] = optional(r.edge_reciprocity, &nulls[1]);
	v[2] = optional(r.rho, &nulls[2]);
	v[3] = rk_money_numeric(in, r.reciprocal_amount);
	v[4] = rk_money_numeric(in, r.total_amount);
	v[5] = Int64GetDatum(r.count);
	rk_emit_row(call, v, nulls);
}

RK_FUNCTION(rk_compliance_reciprocity_flow_sql, "compliance/reciprocity-flow", "");
RK_FUNCTION(rk_compliance_reciprocity_flow_summary_sql, "compliance/reciprocity-flow", "_summary");

/* ---- compliance/flow-reversal ---- */

static rk_transactions_input *
read_reversals(rk_call *call, rk_reversals *r)
{
	rk_transactions_input *in;
	rk_window	max;
	rk_window	suspicious;
	rk_window	critical;
	rk_reversal_params p = {
		.max = &max,
		.suspicious = &suspicious,
		.critical = &critical,
		.min_ratio = rk_arg_float8(call, "min_amount_match_ratio"),
		.all_pairs = rk_arg_choice(call, "matching") == 1
	};

	rk_check_interval_order(call, "critical_window", "suspicious_window");
	rk_check_interval_order(call, "suspicious_window", "max_window");
	in = rk_read_transactions(call);
	max = rk_arg_window(call, in, "max_window");
	suspicious = rk_arg_window(call, in, "suspicious_window");
	critical = rk_arg_window(call, in, "critical_window");
	rk_call_check(call, rk_compliance_reversals(&call->ctx, &in->t, &p, r));
	return in;
}

static void
flow_reversal(rk_call *call)
{
	rk_reversals r;
	rk_transactions_input *in = read_reversals(call, &r);
	const rk_transactions *t = &in->t;
	int64		n = r.count;
	uint32	   *original = MEMBERS(call, r.list, n, original, uint32);
	uint32	   *reversal = MEMBERS(call, r.list, n, reversal, uint32);
	rk_decimal *original_amount = rk_call_alloc(call, n, rk_decimal);
	rk_decimal *reversal_amount = rk_call_alloc(call, n, rk_decimal);
	int64	   *delta = rk_call_alloc(call, n, int64);

	for (int64 i = 0; i < n; i++)
	{
		original_amount[i] = t->amount[original[i]];
		reversal_amount[i] = t->amount[reversal[i]];
		delta[i] = t->ts[reversal[i]] - t->ts[original[i]];
	}
	rk_emit(call, n, (rk_out[]) {
		rk_out_transactions(in, original), rk_out_transactions(in, reversal),
		RK_OUT_CODES_VIA(in->entities, t->source, original), RK_OUT_CODES_VIA(in->entities, t->target, original),
		rk_out_money(in, original_amount, n), rk_out_money(in, reversal_amount, n), RK_OUT_INTERVALS(delta),
		RK_OUT_DOUBLES(MEMBERS(call, r.list, n, ratio, double)),
		RK_OUT_CHOICES(MEMBERS(call, r.list, n, level, int64), rk_reversal_level_names)
	}, NULL);
}

static void
flow_reversal_summary(rk_call *call)
{
	rk_reversals r;
	rk_transactions_input *in = read_reversals(call, &r);
	Datum		v[5];
	bool		nulls[5] = {0};

	v[0] = Int64GetDatum(r.count);
	v[1] = rk_money_numeric(in, r.volume);
	v[2] = optional(r.volume_ratio, &nulls[2]);
	v[3] = Int64GetDatum(r.repeat_offenders);
	v[4] = Float8GetDatum(r.risk_score);
	rk_emit_row(call, v, nulls);
}

static void
flow_reversal_offenders(rk_call *call)
{
	rk_reversals r;
	rk_transactions_input *in = read_reversals(call, &r);
	bool	   *keep = rk_call_alloc(call, in->t.entities, bool);

	for (int64 e = 0; e < in->t.entities; e++)
		keep[e] = r.by_entity[e] >= 2;
	rk_emit(call, in->t.entities, (rk_out[]) {RK_OUT_NODES(in->entities), RK_OUT_INTS(r.by_entity)}, keep);
}

RK_FUNCTION(rk_compliance_flow_reversal_sql, "compliance/flow-reversal", "");
RK_FUNCTION(rk_compliance_flow_reversal_summary_sql, "compliance/flow-reversal", "_summary");
RK_FUNCTION(rk_compliance_flow_reversal_offenders_sql, "compliance/flow-reversal", "_offenders");

/* ---- compliance/flow-split ---- */

static rk_transactions_input *
read_splits(rk_call *call, rk_splits *r)
{
	rk_transactions_input *in = rk_read_transactions(call);
	rk_window	window = rk_arg_window(call, in, "time_window");
	rk_split_params p = {
		.threshold = rk_arg_money(call, "reporting_threshold"),
		.window = &window,
		.min_count = rk_arg_int(call, "min_split_count"),
		.side = rk_arg_choice(call, "side")
	};

	rk_call_check(call, rk_compliance_splits(&call->ctx, &in->t, &p, r));
	return in;
}

/* The rows of all splits one after the other, and what is shown of them. */
typedef struct split_rows
{
	int64	   *offsets;
	uint32	   *rows;
	rk_decimal *amounts;
	int64	   *party_offsets;
	uint32	   *parties;		/* each counterparty of a split once */
} split_rows;

static split_rows
list_split_rows(rk_call *call, const rk_transactions_input *in, const rk_splits *r)
{
	split_rows	l = {.offsets = rk_call_alloc(call, r->count + 1, int64)};
	int64	   *last_split;		/* in which an entity was a counterparty */
	int64		parties = 0;

	l.offsets[0] = 0;
	for (int64 k = 0; k < r->count; k++)
		l.offsets[k + 1] = l.offsets[k] + r->list[k].to - r->list[k].from;
	l.rows = rk_call_alloc(call, l.offsets[r->count], uint32);
	l.amounts = rk_call_alloc(call, l.offsets[r->count], rk_decimal);
	l.parties = rk_call_alloc(call, l.offsets[r->count], uint32);
	l.party_offsets = rk_call_alloc(call, r->count + 1, int64);
	last_split = rk_call_alloc(call, in->t.entities, int64);
	memset(last_split, 0xff, sizeof(int64) * in->t.entities);
	for (int64 k = 0; k < r->count; k++)
	{
		const uint32 *rows = r->rows[r->list[k].side] + r->list[k].from;
		const uint32 *party = r->list[k].side == RK_SPLIT_SOURCE ? in->t.target : in->t.source;

		l.party_offsets[k] = parties;
		for (int64 i = 0; i < l.offsets[k + 1] - l.offsets[k]; i++)
		{
			l.rows[l.offsets[k] + i] = rows[i];
			l.amounts[l.offsets[k] + i] = in->t.amount[rows[i]];
			if (last_split[party[rows[i]]] != k)
				l.parties[parties++] = party[rows[i]];
			last_split[party[rows[i]]] = k;
		}
	}
	l.party_offsets[r->count] = parties;
	return l;
}

/* A parameter as it was given, in every row. */
static Datum
given_threshold(void *arg, int64 row, bool *is_null)
{
	return rk_arg_datum(arg, "reporting_threshold");
}

static void
flow_split(rk_call *call)
{
	rk_splits	r;
	rk_transactions_input *in = read_splits(call, &r);
	split_rows	l = list_split_rows(call, in, &r);
	int64		n = r.count;
	int64	   *span = rk_call_alloc(call, n, int64);

	for (int64 k = 0; k < n; k++)
		span[k] = r.list[k].last_ts - r.list[k].first_ts;
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_CALL(row_number, NULL), RK_OUT_CODES(in->entities, MEMBERS(call, r.list, n, entity, uint32)),
		RK_OUT_CHOICES(MEMBERS(call, r.list, n, side, int64), rk_split_side_names),
		RK_OUT_ID_ARRAYS(in->entities, l.parties, l.party_offsets), rk_out_transaction_arrays(in, l.rows, l.offsets),
		rk_out_money_arrays(in, l.amounts, l.offsets), rk_out_money(in, MEMBERS(call, r.list, n, total, rk_decimal), n),
		RK_OUT_INTERVALS(span), RK_OUT_CALL(given_threshold, call),
		RK_OUT_BOOLEANS(MEMBERS(call, r.list, n, uniform, bool)),
		RK_OUT_CHOICES(MEMBERS(call, r.list, n, level, int64), rk_split_level_names),
		RK_OUT_TIMES(MEMBERS(call, r.list, n, first_ts, int64))
	}, NULL);
}

static void
flow_split_summary(rk_call *call)
{
	rk_splits	r;
	rk_transactions_input *in = read_splits(call, &r);
	Datum		v[5];
	bool		nulls[5] = {0};

	v[0] = Int64GetDatum(r.count);
	v[1] = Int64GetDatum(r.entities);
	v[2] = rk_money_numeric(in, r.volume);
	v[3] = optional(r.volume_ratio, &nulls[3]);
	v[4] = Float8GetDatum(r.risk_score);
	rk_emit_row(call, v, nulls);
}

RK_FUNCTION(rk_compliance_flow_split_sql, "compliance/flow-split", "");
RK_FUNCTION(rk_compliance_flow_split_summary_sql, "compliance/flow-split", "_summary");

const rk_bound_function rk_compliance_flows_bindings[] = {
	{"compliance/circular-flow", "", circular_flow},
	{"compliance/circular-flow", "_entities", circular_flow_entities},
	{"compliance/circular-flow", "_cycles", circular_flow_cycles},
	{"compliance/reciprocity-flow", "", reciprocity_flow},
	{"compliance/reciprocity-flow", "_summary", reciprocity_flow_summary},
	{"compliance/flow-reversal", "", flow_reversal},
	{"compliance/flow-reversal", "_summary", flow_reversal_summary},
	{"compliance/flow-reversal", "_offenders", flow_reversal_offenders},
	{"compliance/flow-split", "", flow_split},
	{"compliance/flow-split", "_summary", flow_split_summary},
	{0}
};

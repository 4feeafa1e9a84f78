/*
 * binding.c
 *	  Transaction monitoring's door to SQL.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "../../call/types.h"
#include "../../relation/transactions_input.h"
#include "monitoring.h"

#define POLL_ROWS 4096

typedef struct monitoring_run
{
	rk_transactions_input *in;
	rk_table   *rule_table;
	rk_dictionary *words;
	rk_mon_rules rules;
	int64	   *rule_row;		/* of the relation, by position */
	rk_mon_transactions transactions;
	rk_mon_findings findings;
} monitoring_run;

/* ---- words ---- */

static uint32
word(rk_call *call, rk_dictionary *words, const rk_bytes *text)
{
	uint32		code;

	rk_call_check(call, rk_dictionary_add(words, text, 1, &code));
	return code;
}

static rk_dictionary *
make_words(rk_call *call)
{
	rk_dictionary *words = rk_dictionary_create(&call->ctx);

	if (words == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	for (int i = 0; i < RK_MON_WORDS; i++)
		word(call, words, &(rk_bytes) {rk_mon_words[i], strlen(rk_mon_words[i])});
	return words;
}

/* A column of texts as words; NULL when it is not there or no rule wants it. */
static const uint32 *
word_column(rk_call *call, monitoring_run *run, const char *name, bool wanted)
{
	const rk_table *t = run->in->table;
	const rk_table_column *c = rk_table_column_named(t, name);
	uint32	   *codes;

	if (!c->there || !wanted)
		return NULL;
	codes = rk_call_alloc(call, t->rows, uint32);
	for (int64 i = 0; i < t->rows; i++)
	{
		codes[i] = rk_has_value(c, i) ? word(call, run->words, &c->texts[i]) : RK_MON_NO_WORD;
		if (i % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return codes;
}

/* ---- rules ---- */

static int64
choice(const rk_table *t, const char *name, int64 row, int64 otherwise)
{
	const rk_table_column *c = rk_table_column_named(t, name);

	return rk_has_value(c, row) ? c->ints[row] : otherwise;
}

/* The words of a list; NULL when there is none or it is empty. */
static const uint32 *
word_list(rk_call *call, monitoring_run *run, const char *name, int64 row, uint32 *count)
{
	const rk_table_column *c = rk_table_column_named(run->rule_table, name);
	uint32	   *codes;

	*count = 0;
	if (!rk_has_value(c, row) || c->offsets[row + 1] == c->offsets[row])
		return NULL;
	*count = (uint32) (c->offsets[row + 1] - c->offsets[row]);
	codes = rk_call_alloc(call, *count, uint32);
	for (uint32 i = 0; i < *count; i++)
		codes[i] = word(call, run->words, &c->texts[c->offsets[row] + i]);
	return codes;
}

static void
read_rules(rk_call *call, monitoring_run *run)
{
	rk_table   *t = run->rule_table;
	const rk_table_column *threshold = rk_table_column_named(t, "threshold");
	const rk_table_column *currency = rk_table_column_named(t, "currency");
	const rk_table_column *enabled = rk_table_column_named(t, "enabled");

	run->rules.count = (uint32) t->rows;
	run->rules.rules = rk_call_alloc(call, t->rows, rk_mon_rule);
	for (int64 i = 0; i < t->rows; i++)
	{
		rk_mon_rule *r = &run->rules.rules[i];

		*r = (rk_mon_rule) {
			.id = rk_table_column_named(t, "id")->ints[i],
			.type = choice(t, "rule_type", i, 0),
			.severity = choice(t, "severity", i, RK_MON_MEDIUM),
			.side = choice(t, "side", i, RK_MON_BOTH),
			.comparison = choice(t, "comparison", i, RK_MON_AT_LEAST),
			.enabled = rk_has_value(enabled, i) ? enabled->booleans[i] : true,
			.time_window = choice(t, "time_window", i, RK_MON_NEVER),
			.cooldown = choice(t, "cooldown", i, RK_MON_NEVER)
		};
		if (threshold->scale > RK_MONEY_SCALE)
		{
			rk_decimal	unit = rk_power_of_ten(threshold->scale - RK_MONEY_SCALE);

			if (threshold->decimals[i] % unit != 0)
				rk_table_bad_value(t, threshold, i, "of more than 8 decimals");
			r->threshold = threshold->decimals[i] / unit;
		}
		else if (!rk_decimal_scale_up(threshold->decimals[i], RK_MONEY_SCALE - threshold->scale, &r->threshold))
			r->threshold = RK_MONEY_MAX + 1;
		r->currency = rk_has_value(currency, i) ? word(call, run->words, &currency->texts[i]) : RK_MON_NO_WORD;
		r->transaction_types = word_list(call, run, "transaction_types", i, &r->type_count);
		r->countries = word_list(call, run, "countries", i, &r->country_count);
	}
	rk_call_check(call, rk_mon_prepare(&call->ctx, &run->rules));

	/* the rows of the rules in their order, for names and thresholds as they were written */
	run->rule_row = rk_call_alloc(call, t->rows, int64);
	for (int64 i = 0; i < t->rows; i++)
	{
		uint32		k = 0;

		while (run->rules.rules[k].id != rk_table_column_named(t, "id")->ints[i])
			k++;
		run->rule_row[k] = i;
	}
}

/* A rule looks at a column of the transactions: it must be there. */
static void
want_column(const monitoring_run *run, const rk_mon_rule *r, const char *name)
{
	if (!rk_table_column_named(run->in->table, name)->there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("rule %lld looks at column \"%s\", which \"transactions\" does not have", (long long) r->id, name),
				 errhint("Add the column, or leave the rule out.")));
}

static int32
day_of(int64 ts)
{
	return DatumGetDateADT(DirectFunctionCall1(timestamptz_date, TimestampTzGetDatum(ts)));
}

/* The columns that the rules look at. */
static void
read_columns(rk_call *call, monitoring_run *run)
{
	bool		types = false;
	bool		currencies = false;
	bool		countries = false;
	bool		days = false;

	for (uint32 k = 0; k < run->rules.count; k++)
	{
		const rk_mon_rule *r = &run->rules.rules[k];

		if (!r->enabled)
			continue;
		if (r->type == RK_MON_CASH_AGGREGATE)
			days = true;
		if (r->type == RK_MON_CASH_AGGREGATE || r->transaction_types)
		{
			want_column(run, r, "transaction_type");
			types = true;
		}
		if (r->currency != RK_MON_NO_WORD)
		{
			want_column(run, r, "currency");
			currencies = true;
		}
		if (r->type == RK_MON_GEOGRAPHIC_RISK || r->countries)
		{
			want_column(run, r, "source_country");
			want_column(run, r, "target_country");
			countries = true;
		}
	}
	run->transactions = (rk_mon_transactions) {
		.t = &run->in->t,
		.transaction_type = word_column(call, run, "transaction_type", types),
		.currency = word_column(call, run, "currency", currencies),
		.source_country = word_column(call, run, "source_country", countries),
		.target_country = word_column(call, run, "target_country", countries)
	};
	if (days)
	{
		int32	   *day = rk_call_alloc(call, run->in->t.count, int32);

		for (int64 i = 0; i < run->in->t.count; i++)
		{
			day[i] = day_of(run->in->t.ts[i]);
			if (i % POLL_ROWS == 0)
				CHECK_FOR_INTERRUPTS();
		}
		run->transactions.day = day;
	}
}

/* ---- the run ---- */

static monitoring_run *
run_monitoring(rk_call *call)
{
	monitoring_run *run = palloc0(sizeof(monitoring_run));
	int64		as_of = rk_arg_is_null(call, "as_of") ? RK_MON_NEVER : rk_arg_timestamptz(call, "as_of");

	if (rk_arg_is_null(call, "rules"))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parameter \"rules\" must not be NULL")));
	run->in = rk_transactions_begin(call);
	run->rule_table = rk_table_read(call, "rules");
	rk_tables_number(call);
	rk_transactions_finish(call, run->in);
	run->words = make_words(call);
	read_rules(call, run);
	read_columns(call, run);
	rk_call_check(call, rk_transaction_monitoring(&call->ctx, &run->transactions, &run->rules, as_of,
												  as_of == RK_MON_NEVER ? 0 : day_of(as_of), &run->findings));
	rk_call_phase(call, "writing", run->findings.count);
	return run;
}

/* Ids may be negative, which a column of integers takes for NULL. */
static Datum
rule_id(void *arg, int64 row, bool *is_null)
{
	const monitoring_run *run = arg;

	(void) is_null;
	return Int64GetDatum(run->rules.rules[run->findings.list[row].rule].id);
}

static Datum
current_value(void *arg, int64 row, bool *is_null)
{
	const monitoring_run *run = arg;
	const rk_mon_finding *f = &run->findings.list[row];
	rk_mon_type type = run->rules.rules[f->rule].type;

	(void) is_null;
	if (type == RK_MON_VELOCITY)
		return DirectFunctionCall1(numeric_trim_scale, rk_amount_to_numeric((rk_amount) {f->value, RK_MONEY_SCALE}));
	if (type == RK_MON_TRANSACTION_COUNT || type == RK_MON_DISTINCT_COUNTERPARTIES || type == RK_MON_JUST_BELOW_THRESHOLD)
		return rk_amount_to_numeric((rk_amount) {f->value / RK_MONEY_UNIT, 0});
	return rk_money_numeric(run->in, f->value);
}

static Datum
threshold_value(void *arg, int64 row, bool *is_null)
{
	const monitoring_run *run = arg;
	const rk_table_column *c = rk_table_column_named(run->rule_table, "threshold");

	(void) is_null;
	return rk_amount_to_numeric((rk_amount) {
		c->decimals[run->rule_row[run->findings.list[row].rule]], c->scale
	});
}

static Datum
message_text(void *arg, int64 row, bool *is_null)
{
	const monitoring_run *run = arg;
	rk_mon_event event;
	rk_mon_alert alert = rk_mon_finding_alert(&run->rules, &run->transactions, &run->findings.list[row], &event);
	char		text[RK_MON_MESSAGE_MAX];

	(void) is_null;
	rk_mon_describe(&alert, text);
	return CStringGetTextDatum(text);
}

static void
transaction_monitoring(rk_call *call)
{
	monitoring_run *run = run_monitoring(call);
	int64		n = run->findings.count;
	int64	   *alert = rk_call_alloc(call, n, int64);
	rk_bytes   *name = rk_call_alloc(call, n, rk_bytes);
	int64	   *type = rk_call_alloc(call, n, int64);
	uint32	   *entity = rk_call_alloc(call, n, uint32);
	int64	   *ts = rk_call_alloc(call, n, int64);
	int64	   *severity = rk_call_alloc(call, n, int64);
	int64	   *first = rk_call_alloc(call, n + 1, int64);

	first[n] = 0;
	for (int64 i = 0; i < n; i++)
	{
		const rk_mon_finding *f = &run->findings.list[i];
		const rk_mon_rule *r = &run->rules.rules[f->rule];

		alert[i] = i + 1;
		name[i] = rk_table_column_named(run->rule_table, "name")->texts[run->rule_row[f->rule]];
		type[i] = r->type;
		entity[i] = f->entity;
		ts[i] = f->ts;
		severity[i] = r->severity;
		first[i] = f->first;
		first[i + 1] = f->first + f->transactions;
	}
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_INTS(alert),
		RK_OUT_CALL(rule_id, run),
		RK_OUT_TEXTS(name),
		RK_OUT_CHOICES(type, rk_mon_type_names),
		RK_OUT_CODES(run->in->entities, entity),
		RK_OUT_TIMES(ts),
		RK_OUT_CHOICES(severity, rk_mon_severity_names),
		RK_OUT_CALL(current_value, run),
		RK_OUT_CALL(threshold_value, run),
		rk_out_transaction_arrays(run->in, run->findings.rows, first),
		RK_OUT_CALL(message_text, run)
	}, NULL);
}

static void
transaction_monitoring_summary(rk_call *call)
{
	monitoring_run *run = run_monitoring(call);
	bool	   *seen = rk_call_alloc(call, run->in->t.entities, bool);
	int64	   *by_rule = rk_call_alloc(call, run->rules.count, int64);
	int64		entities = 0;
	JsonbParseState *state = NULL;
	Datum		values[4];
	bool		nulls[4] = {0};

	memset(seen, 0, run->in->t.entities);
	memset(by_rule, 0, sizeof(int64) * run->rules.count);
	for (int64 i = 0; i < run->findings.count; i++)
	{
		const rk_mon_finding *f = &run->findings.list[i];

		by_rule[f->rule]++;
		entities += !seen[f->entity];
		seen[f->entity] = true;
	}
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (uint32 k = 0; k < run->rules.count; k++)
	{
		JsonbValue	key = {.type = jbvString};
		JsonbValue	v = {.type = jbvNumeric};

		if (!run->rules.rules[k].enabled)
			continue;
		key.val.string.val = psprintf("%lld", (long long) run->rules.rules[k].id);
		key.val.string.len = strlen(key.val.string.val);
		v.val.numeric = int64_to_numeric(by_rule[k]);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	values[0] = Int64GetDatum(run->findings.count);
	values[1] = Int64GetDatum(entities);
	values[2] = Int64GetDatum(run->in->t.count);
	values[3] = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	rk_emit_row(call, values, nulls);
}

RK_FUNCTION(rk_compliance_transaction_monitoring_sql, "compliance/transaction-monitoring", "");
RK_FUNCTION(rk_compliance_transaction_monitoring_summary_sql, "compliance/transaction-monitoring", "_summary");

const rk_bound_function rk_compliance_monitoring_bindings[] = {
	{"compliance/transaction-monitoring", "", transaction_monitoring},
	{"compliance/transaction-monitoring", "_summary", transaction_monitoring_summary},
	{0}
};

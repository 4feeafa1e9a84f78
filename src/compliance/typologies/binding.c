/*
 * binding.c
 *	  The typologies' door to SQL.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "../../call/types.h"
#include "../../relation/transactions_input.h"
#include "typologies.h"

#define POLL_ROWS 4096

/*
 * An interval above zero, in microseconds.  One with months has no one length:
 * at least that of the longest there is.
 */
static int64
span_argument(rk_call *call, const char *name)
{
	const Interval *i = DatumGetIntervalP(rk_arg_datum(call, name));
	int64		us;

	if (i->month == 0)
		us = rk_arg_interval(call, name);
	else if (i->month < 0 || i->day < 0 || i->time < 0)
		us = 0;
	/* a day more for what clocks are changed by */
	else if (__builtin_mul_overflow(31 * (int64) i->month + i->day + 1, USECS_PER_DAY, &us) ||
			 __builtin_add_overflow(us, i->time, &us))
		us = PG_INT64_MAX;
	if (us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is out of range: %s", name,
						DatumGetCString(DirectFunctionCall1(interval_out, rk_arg_datum(call, name)))),
				 errdetail("Permitted are intervals above zero.")));
	return us;
}

/* A moment and an interval later, as PostgreSQL adds them; the end of time if there is none. */
static int64
later(int64 ts, const Interval *i)
{
	/* months and days that lead beyond are an error of the function's */
	if (i->month / 12 + i->day / 365 > 250000 || ts > END_TIMESTAMP - (i->month * INT64CONST(31) + i->day + 2) * USECS_PER_DAY)
		return PG_INT64_MAX;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(ts), IntervalPGetDatum(i)));
}

/*
 * The ends of the windows of an interval with months, by position, in the
 * session's time zone; NULL where they all have the same length.
 */
static const int64 *
window_ends(rk_call *call, const rk_ledger *l, const char *name)
{
	const Interval *i = DatumGetIntervalP(rk_arg_datum(call, name));
	int64	   *ends;

	if (i->month == 0)
		return NULL;
	ends = rk_call_alloc(call, l->count, int64);
	for (uint32 p = 0; p < l->count; p++)
	{
		if (p % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		ends[p] = p > 0 && l->ts[p] == l->ts[p - 1] ? ends[p - 1] : later(l->ts[p], i);
	}
	return ends;
}

/* ---- rapid movement ---- */

static void
rapid_movement(rk_call *call)
{
	rk_transactions_input *in = rk_read_transactions(call);
	rk_movement_params params = {
		.time_window = span_argument(call, "time_window"),
		.velocity_threshold = rk_arg_float8(call, "velocity_threshold"),
		.amount_threshold = rk_arg_money(call, "amount_threshold"),
		.max_dwell = span_argument(call, "max_dwell"),
		.pass_through_threshold = rk_arg_float8(call, "pass_through_threshold")
	};
	rk_ledger	l = {0};
	rk_movement *m;
	int64		n;

	rk_call_check(call, rk_ledger_make(&call->ctx, &in->t, &l));
	params.window_over = window_ends(call, &l, "time_window");
	params.dwell_over = window_ends(call, &l, "max_dwell");
	n = l.entities;
	m = rk_call_alloc(call, n, rk_movement);
	rk_call_check(call, rk_rapid_movement(&call->ctx, &l, &params, m));
	{
		int64	   *transactions = rk_call_alloc(call, n, int64);
		double	   *velocity = rk_call_alloc(call, n, double);
		int64	   *start = rk_call_alloc(call, n, int64);
		rk_decimal *money[4];
		double	   *ratio = rk_call_alloc(call, n, double);
		int64	   *dwell = rk_call_alloc(call, n, int64);
		bool	   *flags[3];

		for (int i = 0; i < 4; i++)
			money[i] = rk_call_alloc(call, n, rk_decimal);
		for (int i = 0; i < 3; i++)
			flags[i] = rk_call_alloc(call, n, bool);
		for (int64 e = 0; e < n; e++)
		{
			transactions[e] = m[e].transactions;
			velocity[e] = m[e].max_velocity;
			start[e] = m[e].window_start;
			money[0][e] = m[e].window_amount;
			money[1][e] = m[e].rapid_amount;
			money[2][e] = m[e].amount_in;
			money[3][e] = m[e].amount_out;
			ratio[e] = m[e].pass_through;
			dwell[e] = m[e].mean_dwell == RK_NO_MOMENT ? RK_NO_TIME : m[e].mean_dwell;
			flags[0][e] = m[e].velocity_flag;
			flags[1][e] = m[e].pass_through_flag;
			flags[2][e] = m[e].velocity_flag || m[e].pass_through_flag;
		}
		rk_emit(call, n, (rk_out[]) {
			RK_OUT_CODES(in->entities, l.code),
			RK_OUT_INTS(transactions),
			RK_OUT_DOUBLES(velocity),
			RK_OUT_TIMES(start),
			rk_out_money(in, money[0], n),
			rk_out_money(in, money[1], n),
			rk_out_money(in, money[2], n),
			rk_out_money(in, money[3], n),
			RK_OUT_OPTIONALS(ratio),
			RK_OUT_INTERVALS(dwell),
			RK_OUT_BOOLEANS(flags[0]),
			RK_OUT_BOOLEANS(flags[1]),
			RK_OUT_BOOLEANS(flags[2])
		}, NULL);
	}
}

/* ---- patterns ---- */

typedef struct pattern_run
{
	rk_transactions_input *in;
	rk_ledger	l;
	rk_aml_params params;
	rk_aml_result result;
} pattern_run;

/* The kinds that are named, as bits. */
static uint32
wanted_kinds(rk_call *call)
{
	uint32		kinds = 0;
	int64		count;
	char	  **names;

	if (rk_arg_is_null(call, "patterns"))
		return RK_AML_STRUCTURAL;
	names = rk_arg_text_array(call, "patterns", &count);
	for (int64 i = 0; i < count; i++)
	{
		int			kind = rk_aml_kind_named(names[i]);

		if (kind < 0)
		{
			StringInfoData all;

			initStringInfo(&all);
			for (int k = 0; k < RK_AML_KINDS; k++)
				appendStringInfo(&all, "%s%s", k ? ", " : "", rk_aml_kind_names[k]);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"patterns\" names an unknown pattern: \"%s\"", names[i]),
					 errhint("Valid values are: %s, cycle (round_tripping), random (layering).", all.data)));
		}
		kinds |= 1u << kind;
	}
	return kinds;
}

/* Countries as numbers from 1; 0 is NULL. */
static const uint32 *
country_codes(rk_call *call, pattern_run *run, const char *name, rk_dictionary *countries)
{
	const rk_table_column *c = rk_table_column_named(run->in->table, name);
	uint32	   *codes;

	if (!c->there)
		return NULL;
	codes = rk_call_alloc(call, run->in->t.count, uint32);
	for (int64 i = 0; i < run->in->t.count; i++)
	{
		uint32		code = 0;

		if (i % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		if (rk_has_value(c, i))
		{
			rk_call_check(call, rk_dictionary_add(countries, &c->texts[i], 1, &code));
			code++;
		}
		codes[i] = code;
	}
	return codes;
}

static void
read_countries(rk_call *call, pattern_run *run)
{
	rk_dictionary *countries = rk_dictionary_create(&call->ctx);
	char	  **names;
	int64		count = 0;
	bool	   *high_risk;
	int64		known;

	if (countries == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	run->params.source_country = country_codes(call, run, "source_country", countries);
	run->params.target_country = country_codes(call, run, "target_country", countries);
	if (rk_arg_is_null(call, "high_risk_countries"))
		return;
	names = rk_arg_text_array(call, "high_risk_countries", &count);
	known = rk_dictionary_count(countries) + 1;
	high_risk = rk_call_alloc(call, known, bool);
	memset(high_risk, 0, known);
	for (int64 i = 0; i < count; i++)
	{
		int64		code = rk_dictionary_find(countries, (rk_bytes) {names[i], strlen(names[i])});

		if (code >= 0)
			high_risk[code + 1] = true;
	}
	run->params.high_risk = high_risk;
}

static void
read_days(rk_call *call, pattern_run *run)
{
	int32	   *day = rk_call_alloc(call, run->in->t.count, int32);

	for (int64 i = 0; i < run->in->t.count; i++)
	{
		if (i % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		day[i] = DatumGetDateADT(DirectFunctionCall1(timestamptz_date, TimestampTzGetDatum(run->in->t.ts[i])));
	}
	run->params.day = day;
}

/*
 * The windows of bipartite patterns where time_window has months: so many whole
 * ones after the first transaction, and halves of one between them.
 */
static void
read_halves(rk_call *call, pattern_run *run)
{
	Datum		whole = rk_arg_datum(call, "time_window");
	const Interval *half = DatumGetIntervalP(DirectFunctionCall2(interval_div, whole, Float8GetDatum(2)));
	const rk_ledger *l = &run->l;
	int64		last = l->count > 0 ? l->ts[l->count - 1] : 0;
	int64		capacity = 64;
	int64	   *moments;
	int64		n = 0;

	if (DatumGetIntervalP(whole)->month == 0 || l->count == 0)
		return;
	moments = rk_call_alloc(call, capacity, int64);
	do
	{
		int64		moment = l->ts[0];

		/* no times an infinite interval is an error */
		if (n >= 2)
		{
			Datum		wholes = DirectFunctionCall2(interval_mul, whole, Float8GetDatum((double) (n / 2)));

			moment = later(moment, DatumGetIntervalP(wholes));
			pfree(DatumGetPointer(wholes));
		}
		if (n == capacity)
		{
			int64	   *more = rk_call_alloc(call, 2 * capacity, int64);

			memcpy(more, moments, sizeof(int64) * n);
			moments = more;
			capacity *= 2;
		}
		moments[n] = n % 2 ? later(moment, half) : moment;
		if (n % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		n++;
	} while (n < 3 || moments[n - 3] <= last);
	run->params.half = moments;
	run->params.halves = n;
}

static pattern_run *
run_patterns(rk_call *call)
{
	pattern_run *run = palloc0(sizeof(pattern_run));
	uint32		kinds = wanted_kinds(call);

	run->in = rk_read_transactions(call);
	run->params = (rk_aml_params) {
		.kinds = kinds,
		.time_window = span_argument(call, "time_window"),
		.max_dwell = span_argument(call, "max_dwell"),
		.cycle_window = span_argument(call, "cycle_window"),
		.min_fan = (int32) rk_arg_int(call, "min_fan"),
		.min_layers = (int32) rk_arg_int(call, "min_layers"),
		.max_cycle_length = (int32) rk_arg_int(call, "max_cycle_length"),
		.min_forwarded = rk_arg_float8(call, "min_forwarded"),
		.reporting_threshold = rk_arg_money(call, "reporting_threshold"),
		.structuring_low = rk_arg_float8(call, "structuring_low"),
		.structuring_min_count = (int32) rk_arg_int(call, "structuring_min_count"),
		.suppress_contained = rk_arg_boolean(call, "suppress_contained"),
		.max_pairs_per_node = rk_arg_int(call, "max_pairs_per_node")
	};
	if (kinds >> RK_AML_GEOGRAPHIC_ANOMALY & 1)
		read_countries(call, run);
	if (kinds >> RK_AML_UNUSUAL_VOLUME & 1)
		read_days(call, run);
	rk_call_check(call, rk_ledger_make(&call->ctx, &run->in->t, &run->l));
	run->params.window_over = window_ends(call, &run->l, "time_window");
	run->params.dwell_over = window_ends(call, &run->l, "max_dwell");
	run->params.cycle_over = window_ends(call, &run->l, "cycle_window");
	if (kinds >> RK_AML_BIPARTITE & 1 || kinds >> RK_AML_COUNTERPARTY_RISK & 1)
		read_halves(call, run);
	rk_call_check(call, rk_aml_patterns(&call->ctx, &run->l, &run->params, &run->result));
	rk_call_detail_int(call, "skipped_nodes", run->result.skipped);
	if (run->result.skipped > 0)
		ereport(WARNING,
				(errmsg("%lld entities have more than %lld linked pairs and are left out of patterns made of them",
						(long long) run->result.skipped, (long long) run->params.max_pairs_per_node),
				 errhint("Raise max_pairs_per_node or min_forwarded, or shorten max_dwell.")));
	return run;
}

static void
aml_patterns(rk_call *call)
{
	pattern_run *run = run_patterns(call);
	const rk_aml_result *r = &run->result;
	int64		n = r->count;
	int64		entity_count = 0;
	int64		transaction_count = 0;
	int64	   *id = rk_call_alloc(call, n, int64);
	int64	   *kind = rk_call_alloc(call, n, int64);
	uint32	   *hub = rk_call_alloc(call, n, uint32);
	int64	   *first_entity = rk_call_alloc(call, n + 1, int64);
	int64	   *first_transaction = rk_call_alloc(call, n + 1, int64);
	int64	   *transactions = rk_call_alloc(call, n, int64);
	rk_decimal *amount = rk_call_alloc(call, n, rk_decimal);
	double	   *confidence = rk_call_alloc(call, n, double);
	double	   *points = rk_call_alloc(call, n, double);
	int64	   *first_ts = rk_call_alloc(call, n, int64);
	int64	   *last_ts = rk_call_alloc(call, n, int64);
	uint32	   *entities;
	rk_bytes   *roles;
	uint32	   *rows;

	for (int64 i = 0; i < n; i++)
	{
		first_entity[i] = entity_count;
		first_transaction[i] = transaction_count;
		entity_count += r->list[i].entities;
		transaction_count += r->list[i].transactions;
	}
	first_entity[n] = entity_count;
	first_transaction[n] = transaction_count;
	entities = rk_call_alloc(call, entity_count, uint32);
	roles = rk_call_alloc(call, entity_count, rk_bytes);
	rows = rk_call_alloc(call, transaction_count, uint32);
	for (int64 i = 0; i < n; i++)
	{
		const rk_aml_pattern *p = &r->list[i];

		id[i] = i + 1;
		kind[i] = p->kind;
		hub[i] = p->hub == RK_AML_NOBODY ? RK_NO_NODE : run->l.code[p->hub];
		transactions[i] = p->transactions;
		amount[i] = p->amount;
		confidence[i] = p->confidence;
		points[i] = rk_aml_points[p->kind];
		first_ts[i] = run->l.ts[r->transactions[p->first_transaction]];
		last_ts[i] = run->l.ts[r->transactions[p->first_transaction + p->transactions - 1]];
		for (int64 k = 0; k < p->entities; k++)
		{
			const char *role = rk_aml_role_names[r->roles[p->first_entity + k]];

			entities[first_entity[i] + k] = run->l.code[r->entities[p->first_entity + k]];
			roles[first_entity[i] + k] = (rk_bytes) {role, strlen(role)};
		}
		for (int64 k = 0; k < p->transactions; k++)
			rows[first_transaction[i] + k] = run->l.row[r->transactions[p->first_transaction + k]];
		if (i % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
	}
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_INTS(id),
		RK_OUT_CHOICES(kind, rk_aml_kind_names),
		RK_OUT_CODES(run->in->entities, hub),
		RK_OUT_ID_ARRAYS(run->in->entities, entities, first_entity),
		RK_OUT_ARRAYS(RK_OUT_TEXT_ARRAY, roles, first_entity),
		rk_out_transaction_arrays(run->in, rows, first_transaction),
		RK_OUT_INTS(transactions),
		rk_out_money(run->in, amount, n),
		RK_OUT_DOUBLES(confidence),
		RK_OUT_DOUBLES(points),
		RK_OUT_TIMES(first_ts),
		RK_OUT_TIMES(last_ts)
	}, NULL);
}

static const char *const tier_names[] = {"low", "medium", "high", "very_high", NULL};

static int64
tier_of(double score)
{
	return score < 25 ? 0 : score < 50 ? 1 : score < 75 ? 2 : 3;
}

static void
aml_patterns_entities(rk_call *call)
{
	pattern_run *run = run_patterns(call);
	rk_aml_entity *e = rk_call_alloc(call, run->l.entities, rk_aml_entity);
	int64		n = 0;
	int64		names = 0;
	uint32	   *code = rk_call_alloc(call, run->l.entities, uint32);
	int64	   *patterns = rk_call_alloc(call, run->l.entities, int64);
	int64	   *transactions = rk_call_alloc(call, run->l.entities, int64);
	double	   *score = rk_call_alloc(call, run->l.entities, double);
	int64	   *tier = rk_call_alloc(call, run->l.entities, int64);
	int64	   *first_name = rk_call_alloc(call, (int64) run->l.entities + 1, int64);
	rk_bytes   *name;

	rk_call_check(call, rk_aml_score_entities(&call->ctx, &run->l, &run->result, e));
	for (uint32 i = 0; i < run->l.entities; i++)
		names += pg_popcount32(e[i].kinds);
	name = rk_call_alloc(call, names, rk_bytes);
	names = 0;
	for (uint32 i = 0; i < run->l.entities; i++)
	{
		if (e[i].kinds == 0)
			continue;
		code[n] = run->l.code[i];
		patterns[n] = e[i].patterns;
		transactions[n] = e[i].transactions;
		score[n] = e[i].score;
		tier[n] = tier_of(e[i].score);
		first_name[n++] = names;
		for (int k = 0; k < RK_AML_KINDS; k++)
			if (e[i].kinds >> k & 1)
				name[names++] = (rk_bytes) {rk_aml_kind_names[k], strlen(rk_aml_kind_names[k])};
	}
	first_name[n] = names;
	rk_emit(call, n, (rk_out[]) {
		RK_OUT_CODES(run->in->entities, code),
		RK_OUT_ARRAYS(RK_OUT_TEXT_ARRAY, name, first_name),
		RK_OUT_INTS(patterns),
		RK_OUT_INTS(transactions),
		RK_OUT_DOUBLES(score),
		RK_OUT_CHOICES(tier, tier_names)
	}, NULL);
}

static void
aml_patterns_summary(rk_call *call)
{
	pattern_run *run = run_patterns(call);
	int64		counts[RK_AML_KINDS] = {0};
	JsonbParseState *state = NULL;
	Datum		values[3];
	bool		nulls[3] = {0};

	for (int64 i = 0; i < run->result.count; i++)
		counts[run->result.list[i].kind]++;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int k = 0; k < RK_AML_KINDS; k++)
	{
		JsonbValue	key = {.type = jbvString};
		JsonbValue	v = {.type = jbvNumeric};

		if (counts[k] == 0)
			continue;
		key.val.string.val = (char *) rk_aml_kind_names[k];
		key.val.string.len = strlen(rk_aml_kind_names[k]);
		v.val.numeric = int64_to_numeric(counts[k]);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	values[0] = Float8GetDatum(rk_aml_score(&run->result));
	values[1] = Int64GetDatum(run->result.count);
	values[2] = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	rk_emit_row(call, values, nulls);
}

RK_FUNCTION(rk_compliance_rapid_movement_sql, "compliance/rapid-movement", "");
RK_FUNCTION(rk_compliance_aml_patterns_sql, "compliance/aml-patterns", "");
RK_FUNCTION(rk_compliance_aml_patterns_entities_sql, "compliance/aml-patterns", "_entities");
RK_FUNCTION(rk_compliance_aml_patterns_summary_sql, "compliance/aml-patterns", "_summary");

const rk_bound_function rk_compliance_typologies_bindings[] = {
	{"compliance/rapid-movement", "", rapid_movement},
	{"compliance/aml-patterns", "", aml_patterns},
	{"compliance/aml-patterns", "_entities", aml_patterns_entities},
	{"compliance/aml-patterns", "_summary", aml_patterns_summary},
	{0}
};

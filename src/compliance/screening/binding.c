/*
 * binding.c
 *	  The matching of names' door to SQL.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"

#include "../../relation/emit.h"
#include "../../relation/table.h"
#include "parties.h"

/* ---- relations ---- */

/* A text in UTF-8; SQL_ASCII says nothing of its bytes, so they are taken as they are. */
static rk_bytes
utf8(rk_bytes text)
{
	int			encoding = GetDatabaseEncoding();
	char	   *converted;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || text.length == 0)
		return text;
	converted = pg_server_to_any(text.data, text.length, PG_UTF8);
	return (rk_bytes) {converted, converted == text.data ? text.length : (uint32) strlen(converted)};
}

static const rk_bytes *
utf8_texts(rk_call *call, const rk_bytes *texts, int64 count)
{
	rk_bytes   *to;

	if (texts == NULL || GetDatabaseEncoding() == PG_UTF8)
		return texts;
	to = rk_call_alloc(call, count, rk_bytes);
	for (int64 i = 0; i < count; i++)
		to[i] = utf8(texts[i]);
	return to;
}

/* The texts of a column that may be missing. */
static const rk_bytes *
texts_of(rk_call *call, const rk_table *t, const char *name)
{
	const rk_table_column *c = rk_table_column_named(t, name);

	return c->there ? utf8_texts(call, c->texts, t->rows) : NULL;
}

/* The same for days; RK_UNKNOWN_DAY for NULL. */
static const int64 *
days_of(rk_call *call, const rk_table *t, const char *name)
{
	const rk_table_column *c = rk_table_column_named(t, name);
	int64	   *days;

	if (!c->there)
		return NULL;
	days = rk_call_alloc(call, t->rows, int64);
	for (int64 i = 0; i < t->rows; i++)
		days[i] = rk_has_value(c, i) ? c->ints[i] : RK_UNKNOWN_DAY;
	return days;
}

/* A relation as parties; of date, country and type only those that are wanted. */
static rk_party_input
party_input(rk_call *call, const rk_table *t, bool want_evidence, bool want_types)
{
	const rk_table_column *aliases = rk_table_column_named(t, "aliases");

	return (rk_party_input) {
		.names = {
			.rows = t->rows,
			.names = texts_of(call, t, "name"),
			.alias_offsets = aliases->there ? aliases->offsets : NULL,
			.aliases = aliases->there ? utf8_texts(call, aliases->texts, aliases->offsets[t->rows]) : NULL
		},
		.dates = want_evidence ? days_of(call, t, "date_of_birth") : NULL,
		.countries = want_evidence ? texts_of(call, t, "country") : NULL,
		.types = want_types ? texts_of(call, t, "entity_type") : NULL
	};
}

/* The name of row entry, or its alias with this number from 1, as it was read. */
static rk_bytes
name_of(const rk_table *t, uint32 entry, uint32 name)
{
	const rk_table_column *aliases = rk_table_column_named(t, "aliases");

	return name == 0 ? rk_table_column_named(t, "name")->texts[entry] :
		aliases->texts[aliases->offsets[entry] + name - 1];
}

static Datum
text_datum(rk_bytes text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.length));
}

/* A column of texts of the rows that via names; NULLs when it is not there. */
static rk_out
texts_out(const rk_table *t, const char *name, const uint32 *via)
{
	const rk_table_column *c = rk_table_column_named(t, name);

	if (!c->there)
		return RK_OUT_NULLS;
	return (rk_out) {.kind = RK_OUT_TEXT, .data = c->texts, .index = via, .nulls = c->nulls};
}

/* ---- what all reports have ---- */

typedef struct report
{
	rk_call    *call;
	rk_table   *queries;
	rk_table   *entries;		/* the same, when rows are matched with one another */
	rk_match_side sides[2];
	rk_match_params params;
	rk_matches	matches;
	double		hit_score;
	const bool *active;			/* of the entries: PEP */
	const int64 *left_on;
	int64		as_of;
} report;

static Datum
matched_name(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	return text_datum(name_of(r->entries, r->matches.entry[row], r->matches.name[row]));
}

static Datum
country_match(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	*is_null = r->matches.country[row] == RK_COUNTRY_UNKNOWN;
	return BoolGetDatum(r->matches.country[row] == RK_COUNTRY_SAME);
}

static Datum
is_hit(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	return BoolGetDatum(r->matches.score[row] >= r->hit_score);
}

static void
set_method(rk_call *call, rk_match_params *p)
{
	p->method = rk_arg_choice(call, "method");
	p->any_order = rk_arg_choice(call, "token_order") == 1;
}

/* ---- compliance/entity-resolution ---- */

/* Bits of the columns in block_on. */
static unsigned
block_columns(rk_call *call)
{
	unsigned	bits = 0;
	int64		count;
	char	  **names;

	if (rk_arg_is_null(call, "block_on"))
		return 0;
	names = rk_arg_text_array(call, "block_on", &count);
	for (int64 i = 0; i < count; i++)
	{
		unsigned	bit = strcmp(names[i], "country") == 0 ? RK_BLOCK_COUNTRY :
			strcmp(names[i], "entity_type") == 0 ? RK_BLOCK_TYPE :
			strcmp(names[i], "date_of_birth") == 0 ? RK_BLOCK_DATE : 0;

		if (bit == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"block_on\" names \"%s\"", names[i]),
					 errhint("Columns to block on are: country, entity_type, date_of_birth.")));
		bits |= bit;
	}
	return bits;
}

/* The columns of block_on must be there, else no pair would be left. */
static void
check_block_columns(const rk_table *t, unsigned bits)
{
	for (int i = 0; rk_block_columns[i] != NULL; i++)
		if ((bits >> i & 1) && !rk_table_column_named(t, rk_block_columns[i])->there)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("relation \"%s\" has no column \"%s\", which \"block_on\" names", t->argument, rk_block_columns[i])));
}

/* Probabilities of fellegi_sunter, which has no defaults. */
static void
read_probabilities(rk_call *call, const char *param, double *to)
{
	int64		count;
	const double *values;

	if (rk_arg_is_null(call, param))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model 'fellegi_sunter' needs \"%s\"", param),
				 errhint("Set m_probability => '{0.95,0.95,0.9}', u_probability => '{0.001,0.003,0.1}': for name, date of birth and country.")));
	values = rk_arg_float8_array(call, param, &count);
	rk_call_check(call, rk_check_probabilities(&call->ctx, param, values, count, to));
}

static void
resolution_params(rk_call *call, rk_match_params *p)
{
	int64		count;
	const double *weights = rk_arg_float8_array(call, "weights", &count);

	set_method(call, p);
	p->min_score = rk_arg_float8(call, "min_score");
	p->rule.model = rk_arg_choice(call, "model") == 0 ? RK_MODEL_WEIGHTED : RK_MODEL_FELLEGI_SUNTER;
	rk_call_check(call, rk_check_weights(&call->ctx, weights, count, &p->rule));
	if (p->rule.model == RK_MODEL_FELLEGI_SUNTER)
	{
		read_probabilities(call, "m_probability", p->rule.m);
		read_probabilities(call, "u_probability", p->rule.u);
	}
}

static Datum
date_score(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	*is_null = r->matches.date[row] == RK_DATE_UNKNOWN;
	return Float8GetDatum(rk_date_scores[r->matches.date[row]]);
}

/* Types that differ are never paired, so what is known of both is the same. */
static Datum
type_match(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;
	const uint32 *types = r->sides[0].types;
	const uint32 *other = r->params.within ? types : r->sides[1].types;

	*is_null = types == NULL || other == NULL || types[r->matches.query[row]] == RK_NO_CODE ||
		other[r->matches.entry[row]] == RK_NO_CODE;
	return BoolGetDatum(true);
}

static void
emit_resolution(report *r)
{
	const rk_matches *m = &r->matches;
	rk_call    *call = r->call;

	rk_emit(call, m->count, (rk_out[]) {
		RK_OUT_CODES_VIA(rk_table_ids(call, RK_TYPE_ID), rk_table_column_named(r->queries, "id")->codes, m->query),
		RK_OUT_CODES_VIA(rk_table_ids(call, r->params.within ? RK_TYPE_ID : RK_TYPE_ID2),
						 rk_table_column_named(r->entries, "id")->codes, m->entry),
		RK_OUT_INT4S(m->rank), RK_OUT_DOUBLES(m->score), RK_OUT_DOUBLES(m->name_score), RK_OUT_CALL(date_score, r),
		RK_OUT_CALL(country_match, r), RK_OUT_CALL(type_match, r), RK_OUT_CALL(matched_name, r)
	}, NULL);
}

static void
entity_resolution(rk_call *call)
{
	report		r = {.call = call};
	rk_party_input inputs[2];
	unsigned	block_on = block_columns(call);

	resolution_params(call, &r.params);
	r.params.top_k = rk_arg_int(call, "top_k");
	r.queries = rk_table_read(call, "entities");
	r.entries = rk_table_read(call, "candidates");
	r.params.within = r.entries == NULL;
	if (r.params.within)
	{
		r.entries = r.queries;
		rk_set_second_id_type(call, rk_table_column_named(r.queries, "id")->type);
	}
	rk_tables_number(call);
	check_block_columns(r.queries, block_on);
	check_block_columns(r.entries, block_on);
	inputs[0] = party_input(call, r.queries, true, true);
	if (!r.params.within)
		inputs[1] = party_input(call, r.entries, true, true);
	r.params.rule.candidates = r.entries->rows;
	rk_call_check(call, rk_match_sides(&call->ctx, inputs, r.params.within ? 1 : 2,
									   rk_arg_boolean(call, "transliterate"), block_on, r.sides));
	rk_call_check(call, rk_match(&call->ctx, &r.sides[0], &r.sides[1], &r.params, &r.matches));
	emit_resolution(&r);
}

static void
entity_resolution_clusters(rk_call *call)
{
	rk_match_params p = {.within = true};
	rk_match_side side;
	rk_party_input input;
	rk_table   *t;
	uint32	   *cluster;
	int64	   *number;
	int64	   *size;
	unsigned	block_on = block_columns(call);

	resolution_params(call, &p);
	t = rk_read_table(call, "entities");
	check_block_columns(t, block_on);
	input = party_input(call, t, true, true);
	p.rule.candidates = t->rows;
	cluster = rk_call_alloc(call, t->rows, uint32);
	number = rk_call_alloc(call, t->rows, int64);
	size = rk_call_alloc(call, t->rows, int64);
	rk_call_check(call, rk_match_sides(&call->ctx, &input, 1, rk_arg_boolean(call, "transliterate"), block_on, &side));
	rk_call_check(call, rk_match_clusters(&call->ctx, &side, &p, cluster));
	rk_call_check(call, rk_number_clusters(&call->ctx, cluster, t->rows, number, size));
	rk_emit(call, t->rows, (rk_out[]) {
		RK_OUT_CODES(rk_table_ids(call, RK_TYPE_ID), rk_table_column_named(t, "id")->codes),
		RK_OUT_INTS(number), RK_OUT_INTS(size)
	}, NULL);
}

static rk_bytes
text_argument(rk_call *call, const char *name)
{
	text	   *t = DatumGetTextPP(rk_arg_datum(call, name));

	return utf8((rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)});
}

static void
name_similarity(rk_call *call)
{
	double		similarity;

	rk_call_check(call, rk_name_similarity(&call->ctx, text_argument(call, "a"), text_argument(call, "b"),
										   rk_arg_choice(call, "method"), rk_arg_choice(call, "token_order") == 1, &similarity));
	rk_emit_row(call, (Datum[]) {Float8GetDatum(similarity)}, (bool[]) {false});
}

RK_FUNCTION(rk_compliance_entity_resolution_sql, "compliance/entity-resolution", "");
RK_FUNCTION(rk_compliance_entity_resolution_clusters_sql, "compliance/entity-resolution", "_clusters");
RK_SCALAR(rk_compliance_entity_resolution_name_similarity_sql, "compliance/entity-resolution", "_name_similarity");

/* ---- screening ---- */

/* A name without letters would pass every list. */
static void
check_names(const report *r)
{
	const rk_name_set *names = r->sides[0].names;

	for (int64 i = 0; i < r->queries->rows; i++)
		if (rk_name_length(names, names->first[i]) == 0)
			rk_table_bad_value(r->queries, rk_table_column_named(r->queries, "name"), i, "empty");
}

/* Reads both relations and checks the scores; false when the list is empty. */
static bool
read_screening(rk_call *call, const char *list, report *r)
{
	r->call = call;
	r->params.min_score = rk_arg_float8(call, "min_score");
	r->params.top_k = rk_arg_int(call, "top_k");
	r->hit_score = rk_arg_float8(call, "hit_score");
	if (r->hit_score < r->params.min_score)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"hit_score\" is %g, but must be at least \"min_score\", %g", r->hit_score, r->params.min_score)));
	set_method(call, &r->params);
	r->queries = rk_table_read(call, "names");
	r->entries = rk_table_read(call, list);
	rk_tables_number(call);
	if (r->entries->rows == 0)
		ereport(NOTICE, (errmsg("relation \"%s\" is empty, so nothing was screened against", list)));
	return r->entries->rows > 0;
}

static void
run_screening(report *r, bool want_evidence, bool want_types)
{
	rk_call    *call = r->call;
	rk_party_input inputs[2] = {
		party_input(call, r->queries, want_evidence, want_types),
		party_input(call, r->entries, want_evidence, want_types)
	};

	rk_call_check(call, rk_match_sides(&call->ctx, inputs, 2, rk_arg_boolean(call, "transliterate"), 0, r->sides));
	check_names(r);
	rk_call_check(call, rk_match(&call->ctx, &r->sides[0], &r->sides[1], &r->params, &r->matches));
}

/* ---- compliance/sanctions-screening ---- */

static const char *const date_matches[RK_DATE_AGREEMENTS] = {"unknown", "exact", "month", "month", "year", "near",
"mismatch", "mismatch"};

static const char *
type_of_match(const report *r, int64 row)
{
	const rk_matches *m = &r->matches;

	if (m->name[row] > 0)
		return rk_name_is_one_word(r->sides[1].names, r->sides[1].names->first[m->entry[row]] + m->name[row]) ?
			"weak_alias" : "alias";
	return m->same[row] ? "exact" : r->params.method == RK_PHONETIC ? "phonetic" : "fuzzy";
}

static Datum
match_type(void *arg, int64 row, bool *is_null)
{
	return CStringGetTextDatum(type_of_match(arg, row));
}

/* The match in words. */
static Datum
reason(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;
	const rk_matches *m = &r->matches;
	rk_bytes	name = name_of(r->entries, m->entry[row], m->name[row]);
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfo(&s, "%s \"%.*s\" ", m->name[row] > 0 ? "alias" : "name", (int) name.length, name.data);
	if (m->same[row])
		appendStringInfoString(&s, "is the same");
	else if (r->params.method == RK_PHONETIC)
		appendStringInfoString(&s, "sounds alike");
	else
		appendStringInfo(&s, "has a similarity of %.3f", m->name_score[row]);
	if (m->date[row] != RK_DATE_UNKNOWN)
		appendStringInfo(&s, "; date of birth: %s", date_matches[m->date[row]]);
	if (m->country[row] != RK_COUNTRY_UNKNOWN)
		appendStringInfo(&s, "; country: %s", m->country[row] == RK_COUNTRY_SAME ? "the same" : "another");
	return PointerGetDatum(cstring_to_text_with_len(s.data, s.len));
}

static void
sanctions_screening(rk_call *call)
{
	report		r = {0};
	const rk_matches *m = &r.matches;
	bool		secondary = rk_arg_boolean(call, "use_secondary");

	if (!read_screening(call, "sanctions_list", &r))
		return;
	r.params.rule.model = secondary ? RK_MODEL_SECONDARY : RK_MODEL_NAME;
	run_screening(&r, true, secondary);
	rk_emit(call, m->count, (rk_out[]) {
		RK_OUT_CODES_VIA(rk_table_ids(call, RK_TYPE_ID), rk_table_column_named(r.queries, "id")->codes, m->query),
		texts_out(r.queries, "name", m->query),
		RK_OUT_CODES_VIA(rk_table_ids(call, RK_TYPE_ID2), rk_table_column_named(r.entries, "id")->codes, m->entry),
		RK_OUT_INT4S(m->rank), RK_OUT_DOUBLES(m->score), RK_OUT_DOUBLES(m->name_score), RK_OUT_CALL(matched_name, &r),
		RK_OUT_CALL(match_type, &r), texts_out(r.entries, "source", m->entry), texts_out(r.entries, "program", m->entry),
		RK_OUT_CALL(country_match, &r), RK_OUT_CHOICES(m->date, date_matches), RK_OUT_CALL(is_hit, &r), RK_OUT_CALL(reason, &r)
	}, NULL);
}

/* One match for each name that has a hit. */
static void
sanctions_screening_summary(rk_call *call)
{
	report		r = {0};
	bool		secondary = rk_arg_boolean(call, "use_secondary");

	if (read_screening(call, "sanctions_list", &r))
	{
		r.params.rule.model = secondary ? RK_MODEL_SECONDARY : RK_MODEL_NAME;
		r.params.min_score = r.hit_score;
		r.params.top_k = 1;
		run_screening(&r, secondary, secondary);
	}
	rk_emit_row(call, (Datum[]) {
		Int64GetDatum(r.queries->rows), Int64GetDatum(r.matches.count), Int64GetDatum(r.entries->rows)
	}, (bool[3]) {false});
}

RK_FUNCTION(rk_compliance_sanctions_screening_sql, "compliance/sanctions-screening", "");
RK_FUNCTION(rk_compliance_sanctions_screening_summary_sql, "compliance/sanctions-screening", "_summary");

/* ---- compliance/pep-screening ---- */

static const char *const tiers[] = {"low", "medium", "high", "very_high"};

/* Whether the person is in office. */
static bool
in_office(const report *r, int64 entry)
{
	const rk_table_column *active = rk_table_column_named(r->entries, "active");

	if (rk_has_value(active, entry))
		return active->booleans[entry];
	return r->left_on == NULL || r->left_on[entry] == RK_UNKNOWN_DAY || r->left_on[entry] > r->as_of;
}

static int64
level_of(const report *r, int64 entry)
{
	const rk_table_column *level = rk_table_column_named(r->entries, "level");

	return rk_has_value(level, entry) ? level->ints[entry] : 0;
}

static Datum
pep_level(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	*is_null = level_of(r, r->matches.entry[row]) == 0;
	return Int32GetDatum((int32) level_of(r, r->matches.entry[row]));
}

static Datum
pep_active(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	return BoolGetDatum(r->active[r->matches.entry[row]]);
}

static Datum
years_since_left(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;
	uint32		entry = r->matches.entry[row];
	int64		left_on = r->left_on ? r->left_on[entry] : RK_UNKNOWN_DAY;

	*is_null = r->active[entry] || left_on == RK_UNKNOWN_DAY || left_on > r->as_of;
	return Float8GetDatum(*is_null ? 0 : (double) (r->as_of - left_on) / 365.25);
}

static Datum
risk_tier(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;
	uint32		entry = r->matches.entry[row];

	return CStringGetTextDatum(tiers[rk_pep_tier(level_of(r, entry), r->active[entry])]);
}

/* Whether a former person has cooled off by now. */
static bool
cooled_off(const report *r, uint32 entry)
{
	Datum		until;

	if (rk_arg_is_null(r->call, "cooling_off") || r->active[entry] || r->left_on == NULL ||
		r->left_on[entry] == RK_UNKNOWN_DAY)
		return false;
	until = DirectFunctionCall2(date_pl_interval, DateADTGetDatum((DateADT) r->left_on[entry]),
								rk_arg_datum(r->call, "cooling_off"));
	return DatumGetTimestamp(until) <
		DatumGetTimestamp(DirectFunctionCall1(date_timestamp, DateADTGetDatum((DateADT) r->as_of)));
}

static Datum
is_pep(void *arg, int64 row, bool *is_null)
{
	const report *r = arg;

	return BoolGetDatum(r->matches.score[row] >= r->hit_score && !cooled_off(r, r->matches.entry[row]));
}

/* Who is in office, and the order of the entries with equal scores. */
static void
order_entries(report *r)
{
	rk_call    *call = r->call;
	int64		rows = r->entries->rows;
	bool	   *active = rk_call_alloc(call, rows, bool);
	int64	   *levels = rk_call_alloc(call, rows, int64);
	uint32	   *order = rk_call_alloc(call, rows, uint32);

	r->left_on = days_of(call, r->entries, "left_on");
	for (int64 i = 0; i < rows; i++)
	{
		active[i] = in_office(r, i);
		levels[i] = level_of(r, i);
	}
	r->active = active;
	rk_call_check(call, rk_pep_order(&call->ctx, levels, active, rows, order));
	r->params.order = order;
}

static void
pep_screening(rk_call *call)
{
	report		r = {0};
	const rk_matches *m = &r.matches;

	if (!rk_arg_is_null(call, "as_of") && DATE_NOT_FINITE(DatumGetDateADT(rk_arg_datum(call, "as_of"))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"as_of\" is infinite")));
	r.as_of = DatumGetDateADT(rk_arg_is_null(call, "as_of") ?
							  DirectFunctionCall1(timestamptz_date, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())) :
							  rk_arg_datum(call, "as_of"));
	if (!read_screening(call, "pep_list", &r))
		return;
	order_entries(&r);
	run_screening(&r, false, false);
	rk_emit(call, m->count, (rk_out[]) {
		RK_OUT_CODES_VIA(rk_table_ids(call, RK_TYPE_ID), rk_table_column_named(r.queries, "id")->codes, m->query),
		texts_out(r.queries, "name", m->query),
		RK_OUT_CODES_VIA(rk_table_ids(call, RK_TYPE_ID2), rk_table_column_named(r.entries, "id")->codes, m->entry),
		RK_OUT_INT4S(m->rank), RK_OUT_DOUBLES(m->score), RK_OUT_CALL(matched_name, &r),
		texts_out(r.entries, "position", m->entry), texts_out(r.entries, "country", m->entry),
		RK_OUT_CALL(pep_level, &r), RK_OUT_CALL(pep_active, &r), RK_OUT_CALL(years_since_left, &r),
		RK_OUT_CALL(risk_tier, &r), RK_OUT_CALL(is_pep, &r)
	}, NULL);
}

RK_FUNCTION(rk_compliance_pep_screening_sql, "compliance/pep-screening", "");

const rk_bound_function rk_compliance_screening_bindings[] = {
	{"compliance/entity-resolution", "", entity_resolution},
	{"compliance/entity-resolution", "_clusters", entity_resolution_clusters},
	{"compliance/entity-resolution", "_name_similarity", name_similarity},
	{"compliance/sanctions-screening", "", sanctions_screening},
	{"compliance/sanctions-screening", "_summary", sanctions_screening_summary},
	{"compliance/pep-screening", "", pep_screening},
	{0}
};

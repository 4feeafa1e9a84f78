/*
 * transactions_input.c
 *	  The relation "transactions" as columns, and parts of results made of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "../call/types.h"
#include "transactions_input.h"

#define POLL_ROWS 4096

/* ---- currencies ---- */

static void
bad_rate(const char *currency, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rate of \"%s\" in \"rates\" is %s", currency, what),
			 errhint("Give what one unit is worth: rates => '{\"EUR\": 1.08, \"USD\": 1}'.")));
}

/* The rate of a currency; scale -1 when rates has none. */
static rk_amount
rate_of(JsonbContainer *rates, rk_bytes currency)
{
	rk_amount	rate = {0, -1};
	JsonbValue *v = getKeyJsonValueFromContainer(rates, currency.data, currency.length, NULL);
	char	   *name = pnstrdup(currency.data, currency.length);
	const char *what;

	if (v == NULL)
		return rate;
	if (v->type != jbvNumeric)
		bad_rate(name, "not a number");
	what = rk_numeric_to_amount(NumericGetDatum(v->val.numeric), &rate);
	if (what)
		bad_rate(name, what);
	if (rate.value <= 0)
		bad_rate(name, "not above zero");
	return rate;
}

static JsonbContainer *
rates_object(rk_call *call)
{
	Jsonb	   *rates;

	if (rk_arg_is_null(call, "rates"))
		return NULL;
	rates = DatumGetJsonbP(rk_arg_datum(call, "rates"));
	if (!JB_ROOT_IS_OBJECT(rates))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"rates\" is not a JSON object"),
				 errhint("Give what one unit is worth: rates => '{\"EUR\": 1.08, \"USD\": 1}'.")));
	return &rates->root;
}

static void
mixed_currencies(const rk_table *t, const rk_table_column *c, int64 other)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("amounts of \"%s\" are in more than one currency: \"%.*s\" in row 1, \"%.*s\" in row %lld",
					t->argument, (int) Min(c->texts[0].length, 100), c->texts[0].data,
					(int) Min(c->texts[other].length, 100), c->texts[other].data, (long long) (other + 1)),
			 errhint("Give rates => '{\"EUR\": 1.08, \"USD\": 1}', or leave the column \"%s\" out to add amounts as they stand.",
					 c->name)));
}

/* What a unit of each row's currency is worth: rates[codes[row]]. */
typedef struct row_rates
{
	uint32	   *codes;			/* NULL: amounts stay as they are */
	rk_amount  *rates;
} row_rates;

/* The rates of currencies in order of appearance, one by one. */
static row_rates
look_up_rates(rk_call *call, const rk_table *t, const rk_table_column *c, JsonbContainer *object)
{
	rk_dictionary *dictionary = rk_dictionary_create(&call->ctx);
	row_rates	r = {.codes = rk_call_alloc(call, t->rows, uint32)};
	int64		known = 0;
	int64		capacity = 0;

	if (dictionary == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	for (int64 begin = 0; begin < t->rows; begin += POLL_ROWS)
	{
		int			count = (int) Min(POLL_ROWS, t->rows - begin);

		CHECK_FOR_INTERRUPTS();
		rk_call_check(call, rk_dictionary_add(dictionary, c->texts + begin, count, r.codes + begin));
		for (int64 i = begin; i < begin + count; i++)
		{
			if (r.codes[i] < known)
				continue;
			if (known == capacity)
			{
				capacity = capacity ? capacity * 2 : 64;
				if ((r.rates = rk_realloc(&call->ctx, r.rates, capacity, sizeof(rk_amount))) == NULL)
					rk_call_check(call, RK_ERR_MEMORY);
			}
			r.rates[known] = rate_of(object, c->texts[i]);
			if (r.rates[known++].scale < 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("parameter \"rates\" has no rate for the currency \"%.*s\" of row %lld of \"%s\"",
								(int) Min(c->texts[i].length, 100), c->texts[i].data, (long long) (i + 1), t->argument),
						 errhint("Add it, or leave the column \"%s\" out to add amounts as they stand.", c->name)));
		}
	}
	return r;
}

static row_rates
find_rates(rk_call *call, const rk_table *t)
{
	const rk_table_column *c = rk_table_column_named(t, "currency");
	JsonbContainer *object = rates_object(call);
	row_rates	none = {0};
	bool		any_value = object != NULL;

	if (!c->there)
	{
		if (object)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("parameter \"rates\" is given, but \"%s\" has no column \"currency\"", t->argument),
					 errhint("Add the column, or leave rates out.")));
		return none;
	}
	/* a row without a currency cannot be added to one that has it */
	for (int64 i = 0; i < t->rows; i++)
		any_value |= rk_has_value(c, i);
	for (int64 i = 0; any_value && i < t->rows; i++)
		if (!rk_has_value(c, i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" of \"%s\" is NULL in row %lld", c->name, t->argument, (long long) (i + 1)),
					 errhint("Name the currency: coalesce(%s, 'USD') AS currency.", quote_identifier(c->name))));
	if (object)
		return look_up_rates(call, t, c, object);
	for (int64 i = 1; i < t->rows; i++)
		if (c->texts[i].length != c->texts[0].length ||
			memcmp(c->texts[i].data, c->texts[0].data, c->texts[0].length) != 0)
			mixed_currencies(t, c, i);
	return none;
}

/* ---- amounts ---- */

/*
 * One amount in units of 10^-8.  The product with a rate is rounded once, from
 * the amount as it was written.
 */
static rk_decimal
money_of(const rk_table *t, const rk_table_column *c, int64 row, const rk_amount *rate)
{
	rk_amount	a = {c->decimals[row], c->scale};
	bool		fits = true;

	if (a.value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of \"%s\" is negative in row %lld", c->name, t->argument, (long long) (row + 1)),
				 errhint("Swap source and target of such rows and give the amount without its sign.")));
	if (rate)
		fits = rk_amount_multiply(a, *rate, RK_MONEY_SCALE, &a);
	else if (a.scale > RK_MONEY_SCALE)
		a.value = rk_decimal_round_down(a.value, a.scale - RK_MONEY_SCALE);
	else
		fits = rk_decimal_scale_up(a.value, RK_MONEY_SCALE - a.scale, &a.value);
	if (!fits || a.value > RK_MONEY_MAX)
		rk_table_bad_value(t, c, row, "too large (above 10^20)");
	return a.value;
}

/* Whether a multiple of 10^digits. */
static bool
is_round(rk_decimal value, int digits)
{
	if (value <= PG_INT64_MAX)
		return (int64) value % (int64) rk_power_of_ten(digits) == 0;
	return value % rk_power_of_ten(digits) == 0;
}

static void
take_amounts(rk_call *call, rk_transactions_input *in)
{
	rk_table   *t = in->table;
	rk_table_column *c = rk_table_column_named(t, "amount");
	row_rates	r = find_rates(call, t);

	in->scale = r.codes ? 0 : Min(c->scale, RK_MONEY_SCALE);
	for (int64 i = 0; i < t->rows; i++)
	{
		rk_decimal	money = money_of(t, c, i, r.codes ? &r.rates[r.codes[i]] : NULL);

		if (i % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		while (r.codes && in->scale < RK_MONEY_SCALE && !is_round(money, RK_MONEY_SCALE - in->scale))
			in->scale++;
		c->decimals[i] = money;
		in->t.total += money;
	}
	c->scale = RK_MONEY_SCALE;
	in->t.amount = c->decimals;
	rk_free(&call->ctx, r.codes);
}

/* ---- the relation ---- */

rk_transactions_input *
rk_transactions_begin(rk_call *call)
{
	rk_transactions_input *in = palloc0(sizeof(rk_transactions_input));

	if (rk_arg_is_null(call, "transactions"))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parameter \"transactions\" must not be NULL")));
	in->table = rk_table_read(call, "transactions");
	if (in->table->rows > RK_MAX_TRANSACTIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"transactions\" has more than %lld rows", (long long) RK_MAX_TRANSACTIONS)));
	if (rk_returns_second_ids(call->function) && !rk_table_column_named(in->table, "id")->there)
	{
		if (OidIsValid(call->expected_id2_type) && rk_id_storage_type(call->expected_id2_type) != INT8OID)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("\"transactions\" has no column \"id\", so transactions have the numbers of their rows"),
					 errdetail("The call returns ids of type %s.", format_type_be(call->expected_id2_type)),
					 errhint("Add the column, or leave \"%s\" out.", call->function->id2_name)));
		rk_set_second_id_type(call, INT8OID);
	}
	return in;
}

void
rk_transactions_finish(rk_call *call, rk_transactions_input *in)
{
	const rk_table *t = in->table;
	const rk_table_column *ts = rk_table_column_named(t, "ts");

	rk_call_phase(call, "amounts", t->rows);
	take_amounts(call, in);
	in->entities = rk_table_ids(call, RK_TYPE_ID);
	in->t.count = t->rows;
	in->t.entities = rk_ids_count(in->entities);
	in->t.source = rk_table_column_named(t, "source")->codes;
	in->t.target = rk_table_column_named(t, "target")->codes;
	in->t.ts = ts->there ? ts->ints : NULL;
	if (rk_returns_second_ids(call->function) && rk_table_column_named(t, "id")->there)
	{
		in->ids = rk_table_ids(call, RK_TYPE_ID2);
		in->id_codes = rk_table_column_named(t, "id")->codes;
	}
	rk_call_phase(call, "computing", t->rows);
}

rk_transactions_input *
rk_read_transactions(rk_call *call)
{
	rk_transactions_input *in = rk_transactions_begin(call);

	rk_tables_number(call);
	rk_transactions_finish(call, in);
	return in;
}

/* ---- parameters ---- */

rk_decimal
rk_arg_money(const rk_call *call, const char *name)
{
	rk_amount	a = rk_arg_amount(call, name);
	rk_decimal	exact = a.value;

	if (a.scale > RK_MONEY_SCALE)
	{
		exact = rk_decimal_round_down(a.value, a.scale - RK_MONEY_SCALE);
		if (a.value % rk_power_of_ten(a.scale - RK_MONEY_SCALE) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" has more than %d decimals", name, RK_MONEY_SCALE),
					 errdetail("Amounts have %d.", RK_MONEY_SCALE)));
	}
	else if (!rk_decimal_scale_up(a.value, RK_MONEY_SCALE - a.scale, &exact))
		exact = RK_MONEY_MAX + 1;
	if (exact > RK_MONEY_MAX || exact < -RK_MONEY_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is too large", name),
				 errdetail("Amounts are at most 10^20.")));
	return exact;
}

/* An interval as it is written, for messages. */
static char *
interval_text(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, value));
}

rk_window
rk_arg_window(rk_call *call, const rk_transactions_input *in, const char *name)
{
	Datum		value = rk_arg_datum(call, name);
	const Interval *i = DatumGetIntervalP(value);
	long int	offset;
	int64	   *ends;

	/* infinite, as PostgreSQL 17 and later have it, ends never: no sum overflows to less */
	if (i->month == PG_INT32_MAX && i->day == PG_INT32_MAX && i->time == PG_INT64_MAX)
		return (rk_window) {.width = PG_INT64_MAX};
	if (i->month < 0 || i->day < 0 || i->time < 0 || (i->month == 0 && i->day == 0 && i->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is out of range: %s", name, interval_text(value)),
				 errdetail("Permitted are intervals above zero, without negative parts.")));
	if (i->month == 0 && (i->day == 0 || pg_get_timezone_offset(session_timezone, &offset)))
	{
		rk_window	w = {0};

		if (__builtin_mul_overflow((int64) i->day, USECS_PER_DAY, &w.width) ||
			__builtin_add_overflow(w.width, i->time, &w.width))
			w.width = PG_INT64_MAX;
		return w;
	}
	ends = rk_call_alloc(call, in->t.count, int64);
	for (int64 row = 0; row < in->t.count; row++)
	{
		if (row % POLL_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		ends[row] = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
															TimestampTzGetDatum(in->t.ts[row]), value));
	}
	return (rk_window) {.ends = ends};
}

void
rk_check_interval_order(const rk_call *call, const char *smaller, const char *larger)
{
	Datum		s = rk_arg_datum(call, smaller);
	Datum		l = rk_arg_datum(call, larger);

	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, s, l)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is longer than \"%s\": %s, %s", smaller, larger, interval_text(s),
						interval_text(l))));
}

/* ---- results ---- */

Datum
rk_money_numeric(const rk_transactions_input *in, rk_decimal amount)
{
	return rk_amount_to_numeric((rk_amount) {amount / rk_power_of_ten(RK_MONEY_SCALE - in->scale), in->scale});
}

rk_out
rk_out_money(const rk_transactions_input *in, rk_decimal *values, int64 count)
{
	rk_decimal	unit = rk_power_of_ten(RK_MONEY_SCALE - in->scale);

	for (int64 i = 0; unit != 1 && i < count; i++)
		values[i] = values[i] >= PG_INT64_MIN && values[i] <= PG_INT64_MAX ? (int64) values[i] / (int64) unit :
			values[i] / unit;
	return RK_OUT_DECIMALS(values, in->scale);
}

/* What a column of computed values needs. */
typedef struct out_state
{
	const rk_transactions_input *in;
	const rk_decimal *values;
	const uint32 *rows;
	const int64 *offsets;
} out_state;

static out_state *
make_out_state(const rk_transactions_input *in, out_state s)
{
	out_state  *state = palloc(sizeof(out_state));

	*state = s;
	state->in = in;
	return state;
}

static Datum
money_array(void *arg, int64 row, bool *is_null)
{
	const out_state *s = arg;
	int64		from = s->offsets[row];
	int64		count = s->offsets[row + 1] - from;
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int64 i = 0; i < count; i++)
		elements[i] = rk_money_numeric(s->in, s->values[from + i]);
	return PointerGetDatum(construct_array(elements, count, NUMERICOID, -1, false, TYPALIGN_INT));
}

rk_out
rk_out_money_arrays(const rk_transactions_input *in, const rk_decimal *values, const int64 *offsets)
{
	return RK_OUT_CALL(money_array, make_out_state(in, (out_state) {.values = values,.offsets = offsets}));
}

/* The id of the transaction in this row. */
static Datum
transaction_id(const rk_transactions_input *in, uint32 row, Oid type)
{
	int64		number = (int64) row + 1;

	if (in->ids)
		return rk_ids_datum(in->ids, in->id_codes[row], type);
	if ((type == INT2OID && number > PG_INT16_MAX) || (type == INT4OID && number > PG_INT32_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("row number %lld is out of range for type %s", (long long) number, format_type_be(type))));
	return type == INT2OID ? Int16GetDatum((int16) number) : type == INT4OID ? Int32GetDatum((int32) number) :
		Int64GetDatum(number);
}

static Datum
one_transaction(void *arg, int64 row, bool *is_null)
{
	const out_state *s = arg;

	if ((*is_null = s->rows[row] == RK_NO_ROW))
		return (Datum) 0;
	return transaction_id(s->in, s->rows[row], rk_emitted_second_id_type(s->in->table->call));
}

rk_out
rk_out_transactions(const rk_transactions_input *in, const uint32 *rows)
{
	return RK_OUT_CALL(one_transaction, make_out_state(in, (out_state) {.rows = rows}));
}

static Datum
transaction_array(void *arg, int64 row, bool *is_null)
{
	const out_state *s = arg;
	Oid			type = rk_emitted_second_id_type(s->in->table->call);
	int64		from = s->offsets[row];
	int64		count = s->offsets[row + 1] - from;
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));
	int16		length;
	bool		by_value;
	char		align;

	for (int64 i = 0; i < count; i++)
		elements[i] = transaction_id(s->in, s->rows[from + i], type);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(elements, count, type, length, by_value, align));
}

rk_out
rk_out_transaction_arrays(const rk_transactions_input *in, const uint32 *rows, const int64 *offsets)
{
	return RK_OUT_CALL(transaction_array, make_out_state(in, (out_state) {.rows = rows,.offsets = offsets}));
}

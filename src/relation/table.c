/*
 * table.c
 *	  Relation arguments as typed columns in memory.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "../call/types.h"
#include "../compute/csr.h"
#include "emit.h"
#include "table.h"

#define TEXT_BLOCK (1024 * 1024)

/* What reading a column needs beside the column itself. */
typedef struct rk_column_state
{
	rk_read_kind kind;
	rk_id_column *ids;
	bool		ids_have_nulls;
	int64		elements;		/* of arrays */
	int64		element_capacity;
} rk_column_state;

/* All relations of a call. */
typedef struct rk_table_set
{
	rk_ids	   *ids[2];
	List	   *tables;
	char	   *text_block;		/* where strings are copied to */
	int64		text_left;
} rk_table_set;

/* Reading one relation. */
typedef struct table_sink
{
	rk_table   *table;
	int		   *vector;			/* of each column: which vector of a batch, or -1 */
	int64		capacity;
} table_sink;

static rk_table_set *
table_set(rk_call *call)
{
	if (call->tables == NULL)
		call->tables = MemoryContextAllocZero(call->memory, sizeof(rk_table_set));
	return call->tables;
}

static bool
is_id(rk_type type)
{
	return type == RK_TYPE_ID || type == RK_TYPE_ID2;
}

/* ---- errors ---- */

static void
null_value(const rk_table *t, const rk_table_column *c, int64 row)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("column \"%s\" of \"%s\" is NULL in row %lld", c->name, t->argument, (long long) (row + 1)),
			 errhint("Leave such rows out: ... WHERE %s IS NOT NULL.", quote_identifier(c->name))));
}

void
rk_table_bad_value(const rk_table *t, const rk_table_column *c, int64 row, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of \"%s\" is %s in row %lld", c->name, t->argument, what, (long long) (row + 1))));
}

/* A range in words, as for parameters. */
static char *
range_words(const rk_range *r)
{
	if (isinf(r->max))
		return psprintf("%s %.10g", r->min_open ? "greater than" : "at least", r->min);
	return psprintf("%s%.10g, %.10g%s", r->min_open ? "(" : "[", r->min, r->max, r->max_open ? ")" : "]");
}

static void
check_range(const rk_table *t, const rk_table_column *c, double value, int64 row)
{
	const rk_range *r = c->what->range;

	if (value < r->min || value > r->max || (r->min_open && value == r->min) ||
		(r->max_open && value == r->max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of \"%s\" is out of range in row %lld: %.15g", c->name, t->argument,
						(long long) (row + 1), value),
				 errdetail("Permitted is: %s.", range_words(r))));
}

/* ---- memory ---- */

static void *
grow(rk_call *call, void *p, int64 count, size_t size)
{
	p = rk_realloc(&call->ctx, p, count, size);
	if (p == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	return p;
}

/* A copy of a string that lives as long as the call. */
static rk_bytes
keep_text(rk_call *call, const char *data, int64 length)
{
	rk_table_set *set = table_set(call);
	char	   *copy;

	if (length > TEXT_BLOCK / 8)
		copy = rk_call_alloc(call, length, char);
	else
	{
		if (set->text_left < length)
		{
			set->text_block = rk_call_alloc(call, TEXT_BLOCK, char);
			set->text_left = TEXT_BLOCK;
		}
		copy = set->text_block;
		set->text_block += length;
		set->text_left -= length;
	}
	memcpy(copy, data, length);
	return (rk_bytes) {copy, length};
}

/* ---- single values ---- */

static int64
instant(const rk_table *t, const rk_table_column *c, int64 value, int64 row)
{
	if (c->type == DATEOID)
	{
		if (DATE_NOT_FINITE(value))
			rk_table_bad_value(t, c, row, "infinite");
		if (c->what->type == RK_TYPE_DATE)
			return value;
		return DatumGetTimestampTz(DirectFunctionCall1(date_timestamptz, DateADTGetDatum((DateADT) value)));
	}
	if (TIMESTAMP_NOT_FINITE(value))
		rk_table_bad_value(t, c, row, "infinite");
	if (c->type == TIMESTAMPOID)
		return DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(value)));
	return value;
}

static int64
choice(const rk_table *t, const rk_table_column *c, rk_bytes text, int64 row)
{
	StringInfoData list;
	const char *const *choices = c->what->choices;

	for (int i = 0; choices[i] != NULL; i++)
		if (strlen(choices[i]) == text.length && memcmp(choices[i], text.data, text.length) == 0)
			return i;
	initStringInfo(&list);
	for (int i = 0; choices[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i ? ", " : "", choices[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of \"%s\" is \"%.*s\" in row %lld", c->name, t->argument,
					(int) Min(text.length, 100), text.data, (long long) (row + 1)),
			 errhint("Valid values are: %s.", list.data)));
}

/* Stores an amount; the scale of the column is that of its finest value. */
static void
put_amount(const rk_table *t, rk_table_column *c, int64 row, rk_amount a)
{
	bool		fits = true;

	if (a.scale > c->scale)
	{
		for (int64 i = 0; i < row && fits; i++)
			fits = rk_decimal_scale_up(c->decimals[i], a.scale - c->scale, &c->decimals[i]);
		c->scale = a.scale;
	}
	if (!fits || !rk_decimal_scale_up(a.value, c->scale - a.scale, &c->decimals[row]))
		rk_table_bad_value(t, c, row, "too long for the others (more than 38 digits)");
}

static rk_amount
amount_of_row(const rk_table *t, const rk_table_column *c, const rk_vector *v, int i)
{
	rk_amount	a = {0, 0};
	const char *what = NULL;

	if (v->ints)
		a.value = v->ints[i];
	else if (v->bytes)
		what = rk_numeric_bytes_to_amount(v->bytes[i].data, v->bytes[i].length, &a);
	else
		what = rk_numeric_to_amount(rk_number_to_numeric(v->datums[i], c->type), &a);
	if (what)
		rk_table_bad_value(t, c, t->rows + i, what);
	return a;
}

/* Appends the elements of an array. */
static void
put_array(rk_table *t, rk_table_column *c, int64 row, Datum value)
{
	rk_call    *call = t->call;
	rk_column_state *s = c->state;
	ArrayType  *array = DatumGetArrayTypeP(value);
	Oid			type = ARR_ELEMTYPE(array);
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) > 1)
		rk_table_bad_value(t, c, row, "an array of more than one dimension");
	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &elements, &nulls, &n);
	if (s->elements + n > s->element_capacity)
	{
		s->element_capacity = Max(s->element_capacity * 2, s->elements + n);
		switch (c->what->type)
		{
			case RK_TYPE_FLOAT8_ARRAY:
				c->floats = grow(call, c->floats, s->element_capacity, sizeof(double));
				break;
			case RK_TYPE_TEXT_ARRAY:
				c->texts = grow(call, c->texts, s->element_capacity, sizeof(rk_bytes));
				break;
			default:
				c->ints = grow(call, c->ints, s->element_capacity, sizeof(int64));
				break;
		}
	}
	for (int i = 0; i < n; i++)
	{
		int64		at = s->elements + i;

		if (nulls[i])
			rk_table_bad_value(t, c, row, "an array with a NULL in it");
		switch (c->what->type)
		{
			case RK_TYPE_FLOAT8_ARRAY:
				c->floats[at] = rk_number_to_double(elements[i], type);
				if (!c->what->any_float && !isfinite(c->floats[at]))
					rk_table_bad_value(t, c, row, "an array with a NaN or an infinity in it");
				break;
			case RK_TYPE_TEXT_ARRAY:
				{
					text	   *e = DatumGetTextPP(elements[i]);

					c->texts[at] = keep_text(call, VARDATA_ANY(e), VARSIZE_ANY_EXHDR(e));
				}
				break;
			default:
				c->ints[at] = type == INT2OID ? DatumGetInt16(elements[i]) :
					type == INT4OID ? DatumGetInt32(elements[i]) : DatumGetInt64(elements[i]);
				break;
		}
	}
	s->elements += n;
	c->offsets[row + 1] = s->elements;
}

/* ---- batches ---- */

/* Room for capacity rows of a column. */
static void
reserve(rk_call *call, rk_table_column *c, int64 capacity)
{
	switch (c->what->type)
	{
		case RK_TYPE_FLOAT8:
			c->floats = grow(call, c->floats, capacity, sizeof(double));
			break;
		case RK_TYPE_BOOLEAN:
			c->booleans = grow(call, c->booleans, capacity, sizeof(bool));
			break;
		case RK_TYPE_TEXT:
			if (c->what->choices)
				c->ints = grow(call, c->ints, capacity, sizeof(int64));
			else
				c->texts = grow(call, c->texts, capacity, sizeof(rk_bytes));
			break;
		case RK_TYPE_NUMERIC:
			c->decimals = grow(call, c->decimals, capacity, sizeof(rk_decimal));
			break;
		case RK_TYPE_JSONB:
			c->datums = grow(call, c->datums, capacity, sizeof(Datum));
			break;
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_INT8_ARRAY:
		case RK_TYPE_INT4_ARRAY:
		case RK_TYPE_TEXT_ARRAY:
			{
				bool		first = c->offsets == NULL;

				c->offsets = grow(call, c->offsets, capacity + 1, sizeof(int64));
				if (first)
					c->offsets[0] = 0;
			}
			break;
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			break;
		default:
			c->ints = grow(call, c->ints, capacity, sizeof(int64));
			break;
	}
	if (c->nulls)
		c->nulls = grow(call, c->nulls, capacity, sizeof(bool));
}

/* The ids of a batch, NULLs left out. */
static void
take_ids(rk_table *t, rk_table_column *c, const rk_vector *v, int rows)
{
	rk_ids	   *ids = table_set(t->call)->ids[c->what->type == RK_TYPE_ID2];
	rk_vector	dense = {0};
	int			n = 0;

	if (!v->any_null)
	{
		rk_ids_append(ids, c->state->ids, v, rows);
		return;
	}
	c->state->ids_have_nulls = true;
	if (v->ints)
		dense.ints = palloc(sizeof(int64) * rows);
	if (v->bytes)
		dense.bytes = palloc(sizeof(rk_bytes) * rows);
	if (v->datums)
		dense.datums = palloc(sizeof(Datum) * rows);
	for (int i = 0; i < rows; i++)
	{
		if (v->nulls[i])
			continue;
		if (v->ints)
			dense.ints[n] = v->ints[i];
		if (v->bytes)
			dense.bytes[n] = v->bytes[i];
		if (v->datums)
			dense.datums[n] = v->datums[i];
		n++;
	}
	rk_ids_append(ids, c->state->ids, &dense, n);
}

static void
take_floats(rk_table *t, rk_table_column *c, const rk_vector *v, int rows)
{
	int64		first = t->rows;
	double	   *to = c->floats + first;
	bool		finite = true;

	memcpy(to, v->floats, sizeof(double) * rows);
	if (v->any_null)
		for (int i = 0; i < rows; i++)
			if (v->nulls[i])
				to[i] = 0;
	/* x - x is 0 for finite x only */
	for (int i = 0; i < rows; i++)
		finite &= to[i] - to[i] == 0;
	if (!finite && !c->what->any_float)
		for (int i = 0; i < rows; i++)
			if (!isfinite(to[i]))
				rk_table_bad_value(t, c, first + i, isnan(to[i]) ? "not a number" : "infinite");
	if (c->what->range)
		for (int i = 0; i < rows; i++)
			if (!(v->any_null && v->nulls[i]))
				check_range(t, c, to[i], first + i);
	if (v->any_null)
		for (int i = 0; i < rows; i++)
			if (v->nulls[i])
				to[i] = NAN;
}

static void
take_value(rk_table *t, rk_table_column *c, const rk_vector *v, int i)
{
	int64		row = t->rows + i;
	rk_call    *call = t->call;

	switch (c->what->type)
	{
		case RK_TYPE_INT4:
		case RK_TYPE_INT8:
			if (v->ints)
				c->ints[row] = v->ints[i];
			else
			{
				double		x = v->floats[i];

				if (!(x == rint(x)) || fabs(x) > 9007199254740992.0)
					rk_table_bad_value(t, c, row, "not a whole number");
				c->ints[row] = (int64) x;
			}
			if (c->what->range)
				check_range(t, c, (double) c->ints[row], row);
			break;
		case RK_TYPE_BOOLEAN:
			c->booleans[row] = DatumGetBool(v->datums[i]);
			break;
		case RK_TYPE_TEXT:
			if (c->what->choices)
				c->ints[row] = choice(t, c, v->bytes[i], row);
			else
				c->texts[row] = keep_text(call, v->bytes[i].data, v->bytes[i].length);
			break;
		case RK_TYPE_NUMERIC:
			put_amount(t, c, row, amount_of_row(t, c, v, i));
			if (c->what->range)
				check_range(t, c, rk_amount_to_double((rk_amount) {c->decimals[row], c->scale}), row);
			break;
		case RK_TYPE_TIMESTAMPTZ:
		case RK_TYPE_DATE:
			c->ints[row] = instant(t, c, v->ints[i], row);
			break;
		case RK_TYPE_INTERVAL:
			if (c->type == TIMEOID)
				c->ints[row] = DatumGetTimeADT(v->datums[i]);
			else if (!rk_interval_to_us(v->datums[i], &c->ints[row]))
				rk_table_bad_value(t, c, row, "an interval with months, which have no fixed length,");
			break;
		case RK_TYPE_JSONB:
			{
				MemoryContext old = MemoryContextSwitchTo(call->memory);

				c->datums[row] = PointerGetDatum(PG_DETOAST_DATUM_COPY(v->datums[i]));
				MemoryContextSwitchTo(old);
			}
			break;
		default:
			put_array(t, c, row, v->datums[i]);
			break;
	}
}

/* What a row holds where the value is NULL. */
static void
take_null(rk_table_column *c, int64 row)
{
	if (c->offsets)
		c->offsets[row + 1] = c->state->elements;
	else if (c->ints)
		c->ints[row] = 0;
	else if (c->booleans)
		c->booleans[row] = false;
	else if (c->texts)
		c->texts[row] = (rk_bytes) {"", 0};
	else if (c->decimals)
		c->decimals[row] = 0;
	else if (c->datums)
		c->datums[row] = (Datum) 0;
}

static void
take_batch(void *arg, const rk_batch *batch)
{
	table_sink *s = arg;
	rk_table   *t = s->table;

	if (t->rows + batch->rows > s->capacity)
	{
		s->capacity = Max(s->capacity * 2, t->rows + batch->rows);
		for (int k = 0; k < t->count; k++)
			if (t->columns[k].there)
				reserve(t->call, &t->columns[k], s->capacity);
	}
	for (int k = 0; k < t->count; k++)
	{
		rk_table_column *c = &t->columns[k];
		const rk_vector *v;

		if (!c->there)
			continue;
		v = &batch->columns[s->vector[k]];
		if (v->any_null)
		{
			if (c->what->required || c->what->not_null)
				for (int i = 0; i < batch->rows; i++)
					if (v->nulls[i])
						null_value(t, c, t->rows + i);
			if (c->nulls == NULL)
			{
				c->nulls = rk_call_alloc(t->call, s->capacity, bool);
				memset(c->nulls, 0, t->rows);
			}
		}
		if (c->nulls)
		{
			if (v->any_null)
				memcpy(c->nulls + t->rows, v->nulls, batch->rows);
			else
				memset(c->nulls + t->rows, 0, batch->rows);
		}
		if (is_id(c->what->type))
			take_ids(t, c, v, batch->rows);
		else if (c->what->type == RK_TYPE_FLOAT8)
			take_floats(t, c, v, batch->rows);
		else if (c->what->type == RK_TYPE_INT8 && v->ints && !v->any_null && !c->what->range)
			memcpy(c->ints + t->rows, v->ints, sizeof(int64) * batch->rows);
		else
		{
			for (int i = 0; i < batch->rows; i++)
			{
				if (v->any_null && v->nulls[i])
					take_null(c, t->rows + i);
				else
					take_value(t, c, v, i);
			}
		}
	}
	t->rows += batch->rows;
}

static void
note_rows(void *arg, int64 rows)
{
	rk_call    *call = arg;

	CHECK_FOR_INTERRUPTS();
	rk_progress(&call->ctx, rows);
}

/* How the values of a column come from the reader. */
static rk_read_kind
kind_of_column(const rk_table_column *c)
{
	switch (c->what->type)
	{
		case RK_TYPE_FLOAT8:
			return RK_READ_FLOAT8;
		case RK_TYPE_INT4:
		case RK_TYPE_INT8:
			return c->type == INT2OID || c->type == INT4OID || c->type == INT8OID ?
				RK_READ_INT64 : RK_READ_FLOAT8;
		case RK_TYPE_NUMERIC:
			/* a numeric as its bytes, so that it need not be copied */
			return c->type == INT2OID || c->type == INT4OID || c->type == INT8OID ? RK_READ_INT64 :
				c->type == NUMERICOID ? RK_READ_BYTES : RK_READ_DATUM;
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			return rk_read_kind_of_id(c->type);
		case RK_TYPE_TEXT:
			return RK_READ_BYTES;
		case RK_TYPE_TIMESTAMPTZ:
		case RK_TYPE_DATE:
			return RK_READ_INT64;
		default:
			return RK_READ_DATUM;
	}
}

/* Ids of one kind are of one type. */
static void
join_ids(rk_call *call, const rk_table *t, const rk_table_column *c, double rows)
{
	rk_table_set *set = table_set(call);
	int			kind = c->what->type == RK_TYPE_ID2;
	Oid			type = rk_id_storage_type(c->type);

	if (set->ids[kind] == NULL)
	{
		if (kind == 0)
			rk_set_id_type(call, c->type);
		else
			rk_set_second_id_type(call, c->type);
		set->ids[kind] = rk_ids_create(call, type);
	}
	else if (rk_ids_type(set->ids[kind]) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" has type %s, but the ids before it are of type %s",
						c->name, t->argument, format_type_be(c->type), format_type_be(rk_ids_type(set->ids[kind]))),
				 errhint("Cast it in a query: %s::%s.", quote_identifier(c->name),
						 format_type_be(rk_ids_type(set->ids[kind])))));
	c->state->ids = rk_ids_column(set->ids[kind], (int64) rows);
}

rk_table *
rk_table_read_text(rk_call *call, const char *argument, const rk_relation *relation, const char *text)
{
	static const rk_relation_column further = {"", NULL, RK_TYPE_FLOAT8, true, ""};
	rk_table   *t;
	rk_source  *source;
	rk_found_column *found;
	rk_read_column *columns;
	table_sink	sink = {0};
	int			count = 0;
	double		rows;
	Oid			ids;
	Oid			second_ids;

	rk_call_phase(call, "planning", 0);
	/* ids of a JSON array: as the call returns them, or as those before */
	ids = call->expected_id_type;
	if (!OidIsValid(ids) && table_set(call)->ids[0])
		ids = rk_ids_type(table_set(call)->ids[0]);
	second_ids = call->expected_id2_type;
	if (!OidIsValid(second_ids) && table_set(call)->ids[1])
		second_ids = rk_ids_type(table_set(call)->ids[1]);
	source = rk_source_open_ids(argument, text, relation, ids, second_ids);
	t = palloc0(sizeof(rk_table));
	*t = (rk_table) {.call = call,.argument = argument,.relation = relation,.source = source};
	while (relation->columns[t->described].name != NULL)
		t->described++;
	found = palloc0(sizeof(rk_found_column) * Max(t->described, 1));
	rk_source_columns(source, found);
	t->columns = palloc0(sizeof(rk_table_column) * (t->described + source->desc->natts));
	for (int k = 0; k < t->described; k++)
		t->columns[k] = (rk_table_column) {.what = &relation->columns[k],.there = found[k].attno > 0,
			.name = found[k].name,.type = found[k].type};
	t->count = t->described;
	columns = palloc(sizeof(rk_read_column) * (t->described + source->desc->natts));
	sink.table = t;
	sink.vector = palloc(sizeof(int) * (t->described + source->desc->natts));
	for (int a = 0; relation->open && a < source->desc->natts; a++)
	{
		Form_pg_attribute att = TupleDescAttr(source->desc, a);
		bool		known = false;

		for (int k = 0; k < t->described; k++)
			known = known || strcmp(NameStr(att->attname), relation->columns[k].name) == 0 ||
				(relation->columns[k].synonym && strcmp(NameStr(att->attname), relation->columns[k].synonym) == 0);
		if (!known && rk_is_number_type(getBaseType(att->atttypid)))
			t->columns[t->count++] = (rk_table_column) {.what = &further,.there = true,
				.name = pstrdup(NameStr(att->attname)),.type = getBaseType(att->atttypid)};
	}
	/* the hint about one kind of ids is to name the other one, too */
	for (int k = 0; k < t->described; k++)
		if (t->columns[k].there && relation->columns[k].type == RK_TYPE_ID2 && !OidIsValid(call->id2_type))
			call->id2_type = rk_id_storage_type(t->columns[k].type);
	rows = Min(source->rows, 1e9);
	for (int k = 0; k < t->count; k++)
	{
		rk_table_column *c = &t->columns[k];
		int			attno = k < t->described ? found[k].attno : 0;

		sink.vector[k] = -1;
		if (!c->there)
			continue;
		for (int a = 0; attno == 0 && a < source->desc->natts; a++)
			if (strcmp(NameStr(TupleDescAttr(source->desc, a)->attname), c->name) == 0)
				attno = a + 1;
		c->state = palloc0(sizeof(rk_column_state));
		c->state->kind = kind_of_column(c);
		if (is_id(c->what->type))
			join_ids(call, t, c, rows);
		sink.vector[k] = count;
		columns[count++] = (rk_read_column) {attno, c->type, c->state->kind};
	}
	sink.capacity = (int64) (rows * 1.05) + 1024;
	for (int k = 0; k < t->count; k++)
		if (t->columns[k].there)
			reserve(call, &t->columns[k], sink.capacity);
	rk_call_phase(call, "reading", (int64) source->rows);
	call->rows_in += rk_read(source, columns, count, take_batch, &sink, note_rows, call);
	table_set(call)->tables = lappend(table_set(call)->tables, t);
	return t;
}

rk_table *
rk_table_read(rk_call *call, const char *param)
{
	const rk_param *p = &call->function->params[rk_param_index(call, param)];

	return rk_arg_is_null(call, param) ? NULL :
		rk_table_read_text(call, param, p->relation, rk_arg_text(call, param));
}

static char *
id_text(void *arg, int64 id)
{
	return rk_ids_text(arg, id);
}

void
rk_tables_number(rk_call *call)
{
	rk_table_set *set = table_set(call);
	ListCell   *cell;

	rk_call_phase(call, "numbering", 0);
	for (int kind = 0; kind < 2; kind++)
		if (set->ids[kind])
			rk_ids_finish(set->ids[kind]);
	if (set->ids[0])
		rk_call_node_names(call, id_text, set->ids[0]);
	foreach(cell, set->tables)
	{
		rk_table   *t = lfirst(cell);

		for (int k = 0; k < t->count; k++)
		{
			rk_table_column *c = &t->columns[k];
			int64		next = 0;

			if (!c->there || !is_id(c->what->type))
				continue;
			if (!c->state->ids_have_nulls)
			{
				c->codes = c->state->ids->codes;
				continue;
			}
			c->codes = rk_call_alloc(call, t->rows, uint32);
			for (int64 i = 0; i < t->rows; i++)
				c->codes[i] = c->nulls[i] ? RK_NO_NODE : c->state->ids->codes[next++];
		}
	}
	rk_call_phase(call, "computing", 0);
}

rk_table *
rk_read_table(rk_call *call, const char *param)
{
	rk_table   *t = rk_table_read(call, param);

	rk_tables_number(call);
	return t;
}

rk_ids *
rk_table_ids(const rk_call *call, rk_type kind)
{
	return call->tables ? call->tables->ids[kind == RK_TYPE_ID2] : NULL;
}

rk_table_column *
rk_table_column_named(const rk_table *t, const char *name)
{
	for (int k = 0; k < t->described; k++)
		if (strcmp(t->columns[k].what->name, name) == 0)
			return &t->columns[k];
	elog(ERROR, "relation \"%s\" has no column \"%s\"", t->argument, name);
}

int64 *
rk_table_places(rk_call *call, const rk_table *t, const rk_ids *ids, const char *what)
{
	const rk_table_column *id = rk_table_column_named(t, "id");
	int64	   *place = rk_call_alloc(call, rk_ids_count(ids), int64);

	for (int64 k = 0; k < rk_ids_count(ids); k++)
		place[k] = -1;
	for (int64 k = 0; k < t->rows; k++)
	{
		if (place[id->codes[k]] >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s \"%s\" is in \"%s\" more than once", what, rk_ids_text(ids, id->codes[k]), t->argument),
					 errdetail("It is there again in row %lld.", (long long) (k + 1)),
					 errhint("Add its rows up: SELECT id, sum(value) AS value, ... GROUP BY id.")));
		place[id->codes[k]] = k;
	}
	return place;
}

void
rk_table_unknown_id(const rk_table *t, const rk_table_column *c, int64 row, const rk_ids *ids, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of \"%s\" in row %lld names \"%s\", which is no %s", c->name, t->argument,
					(long long) (row + 1), rk_ids_text(ids, c->codes[row]), what),
			 errhint("Leave such rows out, or add the %s.", what)));
}

rk_amount
rk_table_sum(const rk_table *t, const rk_table_column *c)
{
	rk_amount	sum = {0, c->scale};

	for (int64 i = 0; i < t->rows; i++)
		if (!rk_amount_add(&sum, (rk_amount) {c->decimals[i], c->scale}))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("sum of \"%s\" is out of range", c->name)));
	return sum;
}

/* ---- groups ---- */

static int
compare_by_value(const void *a, const void *b, void *arg)
{
	const int64 *values = arg;
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	if (values[x] != values[y])
		return values[x] < values[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

rk_groups *
rk_table_group(rk_table *t, const char *key, const char *order_by)
{
	rk_call    *call = t->call;
	rk_groups  *g = palloc0(sizeof(rk_groups));
	const rk_table_column *k = key ? rk_table_column_named(t, key) : NULL;
	const rk_table_column *o = order_by ? rk_table_column_named(t, order_by) : NULL;

	g->rows = rk_call_alloc(call, t->rows, int64);
	if (k == NULL || !k->there)
	{
		g->count = t->rows > 0;
		g->offsets = rk_call_alloc(call, 2, int64);
		g->offsets[0] = 0;
		g->offsets[1] = t->rows;
		for (int64 i = 0; i < t->rows; i++)
			g->rows[i] = i;
	}
	else
	{
		int64		n;
		int64	   *at;
		int64		sum = 0;

		g->ids = rk_table_ids(call, k->what->type);
		n = rk_ids_count(g->ids);
		at = rk_call_alloc(call, n + 1, int64);
		memset(at, 0, sizeof(int64) * (n + 1));
		for (int64 i = 0; i < t->rows; i++)
		{
			if (k->codes[i] == RK_NO_NODE)
				null_value(t, k, i);
			at[k->codes[i]]++;
		}
		for (int64 i = 0; i < n; i++)
			g->count += at[i] > 0;
		g->offsets = rk_call_alloc(call, g->count + 1, int64);
		g->codes = rk_call_alloc(call, g->count, uint32);
		g->count = 0;
		for (int64 i = 0; i < n; i++)
		{
			int64		size = at[i];

			at[i] = sum;
			if (size == 0)
				continue;
			g->codes[g->count] = i;
			g->offsets[g->count++] = sum;
			sum += size;
		}
		g->offsets[g->count] = sum;
		for (int64 i = 0; i < t->rows; i++)
			g->rows[at[k->codes[i]]++] = i;
		rk_free(&call->ctx, at);
	}
	for (int64 i = 0; o && o->there && i < g->count; i++)
	{
		int64	   *rows = g->rows + g->offsets[i];
		int64		n = g->offsets[i + 1] - g->offsets[i];
		bool		sorted = true;

		for (int64 j = 1; j < n && sorted; j++)
			sorted = o->ints[rows[j - 1]] <= o->ints[rows[j]];
		if (!sorted)
			qsort_arg(rows, n, sizeof(int64), compare_by_value, o->ints);
		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return g;
}

double *
rk_gather_floats(rk_call *call, const rk_groups *g, const double *values)
{
	int64		n = g->count ? g->offsets[g->count] : 0;
	double	   *to = rk_call_alloc(call, n, double);

	for (int64 i = 0; i < n; i++)
		to[i] = values[g->rows[i]];
	return to;
}

int64 *
rk_gather_ints(rk_call *call, const rk_groups *g, const int64 *values)
{
	int64		n = g->count ? g->offsets[g->count] : 0;
	int64	   *to = rk_call_alloc(call, n, int64);

	for (int64 i = 0; i < n; i++)
		to[i] = values[g->rows[i]];
	return to;
}

/*
 * types.c
 *	  The descriptor's types as PostgreSQL's, and values between the two.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "types.h"

Oid
rk_type_oid(rk_type type, Oid id, Oid id2)
{
	switch (type)
	{
		case RK_TYPE_FLOAT8:
			return FLOAT8OID;
		case RK_TYPE_INT4:
			return INT4OID;
		case RK_TYPE_INT8:
			return INT8OID;
		case RK_TYPE_BOOLEAN:
			return BOOLOID;
		case RK_TYPE_NUMERIC:
			return NUMERICOID;
		case RK_TYPE_ID:
			return id;
		case RK_TYPE_ID_ARRAY:
			return get_array_type(id);
		case RK_TYPE_ID2:
			return id2;
		case RK_TYPE_ID2_ARRAY:
			return get_array_type(id2);
		case RK_TYPE_INT8_ARRAY:
			return INT8ARRAYOID;
		case RK_TYPE_INT4_ARRAY:
			return INT4ARRAYOID;
		case RK_TYPE_FLOAT8_ARRAY:
			return FLOAT8ARRAYOID;
		case RK_TYPE_TEXT_ARRAY:
			return TEXTARRAYOID;
		case RK_TYPE_NUMERIC_ARRAY:
			return NUMERICARRAYOID;
		case RK_TYPE_TIMESTAMPTZ_ARRAY:
			return TIMESTAMPTZARRAYOID;
		case RK_TYPE_TIMESTAMPTZ:
			return TIMESTAMPTZOID;
		case RK_TYPE_DATE:
			return DATEOID;
		case RK_TYPE_INTERVAL:
			return INTERVALOID;
		case RK_TYPE_JSONB:
			return JSONBOID;
		case RK_TYPE_RECORD:
			return RECORDOID;
		case RK_TYPE_TEXT:
		case RK_TYPE_RELATION:
		case RK_TYPE_GRAPH:
			return TEXTOID;
	}
	return TEXTOID;
}

TupleDesc
rk_result_desc(const rk_function *function, Oid id, Oid id2)
{
	int			count = rk_column_count(function);
	TupleDesc	desc = CreateTemplateTupleDesc(count);

	for (int i = 0; i < count; i++)
		TupleDescInitEntry(desc, i + 1, function->columns[i].name,
						   rk_type_oid(function->columns[i].type,
									   OidIsValid(id) ? id : INT8OID,
									   OidIsValid(id2) ? id2 : INT8OID), -1, 0);
	return BlessTupleDesc(desc);
}

/* ---- numeric ---- */

/*
 * The digits on disk are base 10000; see relation/numeric.c.  Only what is
 * needed to read them is repeated here.
 */
const char *
rk_numeric_bytes_to_amount(const char *data, int length, rk_amount *amount)
{
	uint16		header;
	int			weight;
	bool		negative;
	int			digits;
	int			scale;
	int			shift;
	__int128	sum = 0;
	rk_decimal	scaled;

	memcpy(&header, data, sizeof(header));
	if ((header & 0xC000) == 0xC000)
		return (header & 0xF000) == 0xC000 ? "not a number" : "infinite";
	if (header & 0x8000)
	{
		negative = (header & 0x2000) != 0;
		scale = (header & 0x1F80) >> 7;
		weight = (header & 0x0040 ? ~0x003F : 0) | (header & 0x003F);
		data += sizeof(uint16);
		length -= sizeof(uint16);
	}
	else
	{
		int16		w;

		negative = (header & 0xC000) == 0x4000;
		scale = header & 0x3FFF;
		memcpy(&w, data + sizeof(uint16), sizeof(w));
		weight = w;
		data += 2 * sizeof(uint16);
		length -= 2 * sizeof(uint16);
	}
	digits = length / (int) sizeof(int16);
	if (scale > RK_DECIMAL_MAX_SCALE)
		return "too long (more than 38 digits)";
	for (int i = 0; i < digits; i++)
	{
		int16		digit;

		memcpy(&digit, data + i * sizeof(int16), sizeof(digit));
		/* the last digit may reach beyond the scale: cut what is zero */
		if (i == digits - 1 && 4 * (digits - 1 - weight) > scale)
		{
			int			cut = 4 * (digits - 1 - weight) - scale;
			int			unit = cut == 1 ? 10 : cut == 2 ? 100 : 1000;

			if (__builtin_mul_overflow(sum, (__int128) (10000 / unit), &sum) ||
				__builtin_add_overflow(sum, (__int128) (digit / unit), &sum))
				return "too long (more than 38 digits)";
			amount->value = negative ? -sum : sum;
			amount->scale = scale;
			return NULL;
		}
		if (__builtin_mul_overflow(sum, (__int128) 10000, &sum) ||
			__builtin_add_overflow(sum, (__int128) digit, &sum))
			return "too long (more than 38 digits)";
	}
	shift = scale + 4 * (weight - digits + 1);
	if (!rk_decimal_scale_up(sum, digits == 0 ? 0 : shift, &scaled))
		return "too long (more than 38 digits)";
	amount->value = negative ? -scaled : scaled;
	amount->scale = scale;
	return NULL;
}

const char *
rk_numeric_to_amount(Datum value, rk_amount *amount)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);

	return rk_numeric_bytes_to_amount(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v), amount);
}

Datum
rk_amount_to_numeric(rk_amount amount)
{
	unsigned __int128 rest;
	char		text[64];
	char	   *p = text + sizeof(text);
	int			digits = 0;

	if (amount.value >= -PG_INT64_MAX && amount.value <= PG_INT64_MAX)
		return NumericGetDatum(int64_div_fast_to_numeric((int64) amount.value, amount.scale));
	rest = amount.value < 0 ? -(unsigned __int128) amount.value : (unsigned __int128) amount.value;
	*--p = '\0';
	while (rest > 0 || digits <= amount.scale)
	{
		*--p = '0' + (int) (rest % 10);
		rest /= 10;
		if (++digits == amount.scale)
			*--p = '.';
	}
	if (amount.value < 0)
		*--p = '-';
	return DirectFunctionCall3(numeric_in, CStringGetDatum(p), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* ---- intervals ---- */

bool
rk_interval_to_us(Datum value, int64 *us)
{
	const Interval *i = DatumGetIntervalP(value);
	int64		days;

	if (i->month != 0)
		return false;
	return !__builtin_mul_overflow((int64) i->day, USECS_PER_DAY, &days) &&
		!__builtin_add_overflow(days, i->time, us);
}

Datum
rk_us_to_interval(int64 us)
{
	Interval   *i = palloc0(sizeof(Interval));

	i->day = (int32) (us / USECS_PER_DAY);
	i->time = us % USECS_PER_DAY;
	return IntervalPGetDatum(i);
}

/* ---- values of aggregates ---- */

static void
array_has_nulls(const rk_param *param)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("array \"%s\" must not contain NULLs", param->name)));
}

/* The elements of a flat array of by-value elements of a fixed length. */
static void *
flat_elements(const rk_param *param, Datum datum, int64 *count)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array \"%s\" must have one dimension", param->name)));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		array_has_nulls(param);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return ARR_DATA_PTR(array);
}

rk_value
rk_value_of_datum(const rk_param *param, Oid type_oid, Datum datum, bool is_null)
{
	rk_value	v = {.null = is_null};
	const char *what;

	if (is_null)
		return v;
	switch (param->type)
	{
		case RK_TYPE_FLOAT8:
			v.number = DatumGetFloat8(datum);
			break;
		case RK_TYPE_INT4:
			v.integer = DatumGetInt32(datum);
			break;
		case RK_TYPE_INT8:
			v.integer = DatumGetInt64(datum);
			break;
		case RK_TYPE_BOOLEAN:
			v.truth = DatumGetBool(datum);
			break;
		case RK_TYPE_NUMERIC:
			what = rk_numeric_to_amount(datum, &v.amount);
			if (what)
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("value of \"%s\" is %s", param->name, what)));
			break;
		case RK_TYPE_TIMESTAMPTZ:
			v.integer = DatumGetTimestampTz(datum);
			if (TIMESTAMP_NOT_FINITE(v.integer))
				ereport(ERROR,
						(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						 errmsg("value of \"%s\" is infinite", param->name)));
			break;
		case RK_TYPE_DATE:
			v.integer = DatumGetDateADT(datum);
			if (DATE_NOT_FINITE(v.integer))
				ereport(ERROR,
						(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						 errmsg("value of \"%s\" is infinite", param->name)));
			break;
		case RK_TYPE_INTERVAL:
			if (!rk_interval_to_us(datum, &v.integer))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("value of \"%s\" has months", param->name),
						 errhint("A month has no fixed length: give days or hours.")));
			break;
		case RK_TYPE_TEXT:
			{
				text	   *t = DatumGetTextPP(datum);

				v.text = (rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
				if (param->choices)
				{
					rk_bytes	given = v.text;

					for (v.integer = 0; param->choices[v.integer] != NULL; v.integer++)
						if (strlen(param->choices[v.integer]) == given.length &&
							memcmp(param->choices[v.integer], given.data, given.length) == 0)
							break;
				}
			}
			break;
		case RK_TYPE_JSONB:
			{
				Jsonb	   *json = DatumGetJsonbP(datum);
				char	   *s = JsonbToCString(NULL, &json->root, VARSIZE(json));

				v.text = (rk_bytes) {s, strlen(s)};
			}
			break;
		case RK_TYPE_FLOAT8_ARRAY:
			v.floats.values = flat_elements(param, datum, &v.floats.count);
			break;
		case RK_TYPE_INT8_ARRAY:
			v.integers.values = flat_elements(param, datum, &v.integers.count);
			break;
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			{
				int16		length;
				bool		by_value;

				get_typlenbyval(type_oid, &length, &by_value);
				if (by_value)
				{
					Datum	   *copy = palloc(sizeof(Datum));

					*copy = datum;
					v.text = (rk_bytes) {(char *) copy, sizeof(Datum)};
				}
				else if (length == -1)
				{
					struct varlena *t = PG_DETOAST_DATUM_PACKED(datum);

					v.text = (rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
				}
				else
					v.text = (rk_bytes) {DatumGetPointer(datum), length > 0 ? length : strlen(DatumGetCString(datum)) + 1};
			}
			break;
		default:
			elog(ERROR, "parameter \"%s\" has a type that aggregates do not take", param->name);
	}
	return v;
}

Datum
rk_datum_of_value(rk_type type, Oid type_oid, const rk_value *v)
{
	switch (type)
	{
		case RK_TYPE_FLOAT8:
			return Float8GetDatum(v->number);
		case RK_TYPE_INT4:
			return Int32GetDatum((int32) v->integer);
		case RK_TYPE_INT8:
			return Int64GetDatum(v->integer);
		case RK_TYPE_BOOLEAN:
			return BoolGetDatum(v->truth);
		case RK_TYPE_NUMERIC:
			return rk_amount_to_numeric(v->amount);
		case RK_TYPE_TIMESTAMPTZ:
			return TimestampTzGetDatum(v->integer);
		case RK_TYPE_DATE:
			return DateADTGetDatum((DateADT) v->integer);
		case RK_TYPE_INTERVAL:
			return rk_us_to_interval(v->integer);
		case RK_TYPE_JSONB:
			return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(v->text.data, v->text.length)));
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_INT8_ARRAY:
			{
				bool		floats = type == RK_TYPE_FLOAT8_ARRAY;
				int64		count = floats ? v->floats.count : v->integers.count;
				ArrayType  *array = construct_array(NULL, 0, floats ? FLOAT8OID : INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
				Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(double) * count;

				if (count == 0)
					return PointerGetDatum(array);
				array = palloc0(size);
				SET_VARSIZE(array, size);
				array->ndim = 1;
				array->elemtype = floats ? FLOAT8OID : INT8OID;
				ARR_DIMS(array)[0] = count;
				ARR_LBOUND(array)[0] = 1;
				memcpy(ARR_DATA_PTR(array), floats ? (const void *) v->floats.values : (const void *) v->integers.values,
					   sizeof(double) * count);
				return PointerGetDatum(array);
			}
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			{
				int16		length;
				bool		by_value;
				char	   *copy;

				get_typlenbyval(type_oid, &length, &by_value);
				if (by_value)
					return *(const Datum *) v->text.data;
				if (length == -1)
					return PointerGetDatum(cstring_to_text_with_len(v->text.data, v->text.length));
				copy = palloc(v->text.length);
				memcpy(copy, v->text.data, v->text.length);
				return PointerGetDatum(copy);
			}
		default:
			return PointerGetDatum(cstring_to_text_with_len(v->text.data, v->text.length));
	}
}

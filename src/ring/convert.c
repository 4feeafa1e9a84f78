/*
 * convert.c
 *	  Payloads from and to SQL values and jsonb, by the description of the
 *	  message type.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "../call/types.h"
#include "../compat.h"
#include "../relation/reader.h"
#include "../relation/source.h"
#include "convert.h"
#include "keys.h"

/* Microseconds from 1970 to 2000. */
#define EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

Oid
rk_field_type(const rk_field *field)
{
	switch (field->kind)
	{
		case RK_FIELD_INT2:
		case RK_FIELD_INT4:
			return INT4OID;
		case RK_FIELD_INT8:
		case RK_FIELD_ID:
			return INT8OID;
		case RK_FIELD_FLOAT8:
			return FLOAT8OID;
		case RK_FIELD_FIXED:
			return NUMERICOID;
		case RK_FIELD_BOOLEAN:
			return BOOLOID;
		case RK_FIELD_CODE:
		case RK_FIELD_TEXT:
		case RK_FIELD_ANY_ID:
			return TEXTOID;
		case RK_FIELD_TIME:
			return TIMESTAMPTZOID;
		case RK_FIELD_DATE:
			return DATEOID;
		case RK_FIELD_UUID:
			return UUIDOID;
		case RK_FIELD_INTERVAL:
			return INTERVALOID;
		case RK_FIELD_TEXT_ARRAY:
			return TEXTARRAYOID;
		case RK_FIELD_FLOAT8_ARRAY:
			return FLOAT8ARRAYOID;
		case RK_FIELD_RECORDS:
			return JSONBOID;
	}
	return InvalidOid;
}

static void out_of_range(const rk_field *field) __attribute__((noreturn));

static void
out_of_range(const rk_field *field)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("field \"%s\" is out of range", field->name)));
}

static void
check_range(const rk_field *field, double value)
{
	if ((field->min != 0 || field->max != 0) && !(value >= field->min && value <= field->max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("field \"%s\" must be from %g to %g", field->name, field->min, field->max)));
}

static void
store_int(const rk_field *field, char *at, int64 value)
{
	check_range(field, value);
	if (field->size == 2)
	{
		int16		v = value;

		if (v != value)
			out_of_range(field);
		memcpy(at, &v, 2);
	}
	else if (field->size == 4)
	{
		int32		v = value;

		if (v != value)
			out_of_range(field);
		memcpy(at, &v, 4);
	}
	else
		memcpy(at, &value, 8);
}

static void
store_absent(const rk_field *field, char *at)
{
	int64		absent8 = RK_FIELD_ABSENT_INT8;
	int32		absent4 = RK_FIELD_ABSENT_INT4;
	int16		absent2 = RK_FIELD_ABSENT_CODE;
	double		nan = get_float8_nan();

	if (field->initial == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("field \"%s\" must not be null", field->name)));
	switch (field->kind)
	{
		case RK_FIELD_FLOAT8:
		case RK_FIELD_FLOAT8_ARRAY:
			for (int i = 0; i < field->size; i += 8)
				memcpy(at + i, &nan, 8);
			break;
		case RK_FIELD_BOOLEAN:
			*(int8 *) at = RK_FIELD_ABSENT_BOOLEAN;
			break;
		case RK_FIELD_TEXT:
		case RK_FIELD_TEXT_ARRAY:
		case RK_FIELD_UUID:
		case RK_FIELD_ANY_ID:
		case RK_FIELD_RECORDS:
			memset(at, 0, field->size);
			break;
		default:
			if (field->size == 8)
				memcpy(at, &absent8, 8);
			else if (field->size == 4)
				memcpy(at, &absent4, 4);
			else
				memcpy(at, &absent2, 2);
	}
}

static void
store_code(const rk_field *field, char *at, const char *text, int length)
{
	StringInfoData all;

	for (int i = 0; field->choices[i]; i++)
		if (strlen(field->choices[i]) == length && memcmp(field->choices[i], text, length) == 0)
		{
			int16		code = field->first_code + i;

			memcpy(at, &code, 2);
			return;
		}
	initStringInfo(&all);
	for (int i = 0; field->choices[i]; i++)
		appendStringInfo(&all, "%s\"%s\"", i ? ", " : "", field->choices[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("field \"%s\" must be one of %s", field->name, all.data)));
}

/* Value of any number type as int64, rounded as SQL's casts do. */
static int64
datum_int(const rk_field *field, Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		case NUMERICOID:
			if (!(fabs(rk_numeric_to_double(value)) < 9223372036854777000.0))
				out_of_range(field);
			return DatumGetInt64(DirectFunctionCall1(numeric_int8, value));
		case FLOAT4OID:
			value = Float8GetDatum(DatumGetFloat4(value));
			/* FALLTHROUGH */
		case FLOAT8OID:
			if (!(fabs(DatumGetFloat8(value)) < 9223372036854775000.0))
				out_of_range(field);
			return DatumGetInt64(DirectFunctionCall1(dtoi8, value));
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("field \"%s\" cannot be of type %s", field->name, format_type_be(type))));
}

static double
datum_double(const rk_field *field, Datum value, Oid type)
{
	switch (type)
	{
		case NUMERICOID:
			return rk_numeric_to_double(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		default:
			return (double) datum_int(field, value, type);
	}
}

static int64
datum_fixed(const rk_field *field, Datum value, Oid type)
{
	int64		fixed;
	double		d;

	switch (type)
	{
		case NUMERICOID:
			if (!rk_numeric_to_fixed(value, &fixed))
				out_of_range(field);
			return fixed;
		case FLOAT4OID:
		case FLOAT8OID:
			d = round(datum_double(field, value, type) * RK_FIXED_ONE);
			if (!(fabs(d) < 9.2e18))
				out_of_range(field);
			return (int64) d;
		default:
			if (__builtin_mul_overflow(datum_int(field, value, type), RK_FIXED_ONE, &fixed))
				out_of_range(field);
			return fixed;
	}
}

/* Whether a value of this type can be stored as it is. */
static inline bool
fits_field(const rk_field *field, Oid type)
{
	Oid			wanted = rk_field_type(field);

	if (type == wanted)
		return true;
	if (field->kind == RK_FIELD_ANY_ID)
		return type == INT8OID || type == INT4OID || type == INT2OID || type == UUIDOID || type == VARCHAROID;
	switch (wanted)
	{
		case TEXTOID:
			return type == VARCHAROID;
		case INT4OID:
		case INT8OID:
		case FLOAT8OID:
		case NUMERICOID:
			/* datum_int and its like know the numbers, and say what is none */
			return true;
		default:
			return false;
	}
}

/* A value of another type as one of the field's, by way of their text. */
static Datum
cast_value(const rk_field *field, Datum value, Oid type)
{
	Oid			wanted = rk_field_type(field);
	Oid			function;
	Oid			param;
	bool		varlena;
	char	   *text;

	getTypeOutputInfo(type, &function, &varlena);
	text = OidOutputFunctionCall(function, value);
	/* blanks at the end are no part of a char(n) */
	if (type == BPCHAROID)
		for (int n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
			text[n - 1] = '\0';
	if (wanted == TEXTOID)
		return CStringGetTextDatum(text);
	getTypeInputInfo(wanted, &function, &param);
	return OidInputFunctionCall(function, text, param, -1);
}

/* An array of texts, each element ended by a zero. */
static void
store_text_array(const rk_field *field, char *at, ArrayType *array)
{
	Datum	   *items;
	bool	   *nulls;
	int			count;
	int			used = 0;

	memset(at, 0, field->size);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &items, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *t;
		int			length;

		if (nulls[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(items[i])) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("field \"%s\" must not have null or empty elements", field->name)));
		t = DatumGetTextPP(items[i]);
		length = VARSIZE_ANY_EXHDR(t);
		if (used + length + 1 > field->size)
			ereport(ERROR,
					(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					 errmsg("field \"%s\" has room for %d bytes only", field->name, field->size)));
		memcpy(at + used, VARDATA_ANY(t), length);
		used += length + 1;
	}
}

static Datum
fetch_text_array(const rk_field *field, const char *at)
{
	Datum	   *items = palloc(sizeof(Datum) * field->size);
	int			count = 0;

	for (int used = 0; used < field->size && at[used]; count++)
	{
		int			length = strnlen(at + used, field->size - used);

		items[count] = PointerGetDatum(cstring_to_text_with_len(at + used, length));
		used += length + 1;
	}
	return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* An array of numbers, none of them NaN. */
static void
store_number_array(const rk_field *field, char *at, ArrayType *array)
{
	int			room = field->size / 8;
	double		nan = get_float8_nan();
	Datum	   *items;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items, &nulls, &count);
	if (count > room)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("field \"%s\" has room for %d numbers only", field->name, room)));
	for (int i = 0; i < room; i++)
	{
		double		d = i < count && !nulls[i] ? DatumGetFloat8(items[i]) : nan;

		if (i < count && isnan(d))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("field \"%s\" must not have null or NaN elements", field->name)));
		memcpy(at + 8 * i, &d, 8);
	}
}

static Datum
fetch_number_array(const rk_field *field, const char *at, bool *is_null)
{
	int			room = field->size / 8;
	Datum	   *items = palloc(sizeof(Datum) * room);
	int			count = 0;
	double		d;

	for (; count < room; count++)
	{
		memcpy(&d, at + 8 * count, 8);
		if (isnan(d))
			break;
		items[count] = Float8GetDatum(d);
	}
	*is_null = count == 0 && field->initial != NULL;
	return PointerGetDatum(construct_array(items, count, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* An id of whatever type. */
static void
store_any_id(const rk_field *field, char *at, Datum value, Oid type)
{
	rk_id		key = {.kind = RK_ID_INT,.length = 8};
	int64		number;

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			number = datum_int(field, value, type);
			memcpy(key.bytes, &number, 8);
			break;
		case UUIDOID:
			key.kind = RK_ID_UUID;
			key.length = 16;
			memcpy(key.bytes, DatumGetUUIDP(value)->data, 16);
			break;
		default:
			{
				text	   *t = DatumGetTextPP(value);
				int			length = VARSIZE_ANY_EXHDR(t);

				if (length > RK_ID_BYTES)
					ereport(ERROR,
							(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
							 errmsg("field \"%s\" has room for %d bytes only", field->name, RK_ID_BYTES)));
				key.kind = RK_ID_TEXT;
				key.length = length;
				memcpy(key.bytes, VARDATA_ANY(t), length);
			}
	}
	memcpy(at, &key, sizeof(key));
}

static void store_records(const rk_field *field, char *at, JsonbContainer *array);

void
rk_field_store(const rk_field *field, void *record, Datum value, Oid type, bool is_null)
{
	char	   *at = (char *) record + field->offset;

	if (is_null)
	{
		store_absent(field, at);
		return;
	}
	if (unlikely(!fits_field(field, type)))
		value = cast_value(field, value, type);
	switch (field->kind)
	{
		case RK_FIELD_INT2:
		case RK_FIELD_INT4:
		case RK_FIELD_INT8:
		case RK_FIELD_ID:
			store_int(field, at, datum_int(field, value, type));
			break;
		case RK_FIELD_FLOAT8:
			{
				double		d = datum_double(field, value, type);

				check_range(field, d);
				memcpy(at, &d, 8);
				break;
			}
		case RK_FIELD_FIXED:
			{
				int64		fixed = datum_fixed(field, value, type);

				check_range(field, (double) fixed / RK_FIXED_ONE);
				memcpy(at, &fixed, 8);
				break;
			}
		case RK_FIELD_BOOLEAN:
			*at = DatumGetBool(value);
			break;
		case RK_FIELD_CODE:
			{
				text	   *t = DatumGetTextPP(value);

				store_code(field, at, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
				break;
			}
		case RK_FIELD_TEXT:
			{
				text	   *t = DatumGetTextPP(value);
				int			length = VARSIZE_ANY_EXHDR(t);

				if (length > field->size)
					ereport(ERROR,
							(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
							 errmsg("field \"%s\" has room for %d bytes only", field->name, field->size)));
				memset(at, 0, field->size);
				memcpy(at, VARDATA_ANY(t), length);
				break;
			}
		case RK_FIELD_TIME:
			{
				int64		us = DatumGetTimestampTz(value);
				int64		ns;

				if (__builtin_add_overflow(us, EPOCH_US, &us) || __builtin_mul_overflow(us, 1000, &ns))
					out_of_range(field);
				memcpy(at, &ns, 8);
				break;
			}
		case RK_FIELD_DATE:
			{
				int32		days = DatumGetDateADT(value);

				if (DATE_NOT_FINITE(days))
					out_of_range(field);
				days += POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
				memcpy(at, &days, 4);
				break;
			}
		case RK_FIELD_UUID:
			memcpy(at, DatumGetUUIDP(value)->data, 16);
			break;
		case RK_FIELD_INTERVAL:
			{
				int64		us;

				if (!rk_interval_to_us(value, &us))
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("field \"%s\" must not have months", field->name),
							 errhint("Write it in days.")));
				memcpy(at, &us, 8);
				break;
			}
		case RK_FIELD_TEXT_ARRAY:
			store_text_array(field, at, DatumGetArrayTypeP(value));
			break;
		case RK_FIELD_FLOAT8_ARRAY:
			store_number_array(field, at, DatumGetArrayTypeP(value));
			break;
		case RK_FIELD_RECORDS:
			store_records(field, at, &DatumGetJsonbP(value)->root);
			break;
		case RK_FIELD_ANY_ID:
			store_any_id(field, at, value, type);
			break;
	}
}

/* The same bytes as another type, where it is an id's. */
Oid
rk_id_sql_type(Oid wanted)
{
	switch (wanted)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
			return wanted;
		default:
			return TEXTOID;
	}
}

Datum
rk_field_fetch_as(const rk_field *field, const void *record, Oid type, bool *is_null)
{
	const rk_id *key = (const rk_id *) ((const char *) record + field->offset);
	char		text[RK_ID_ROOM];
	int64		number;

	if (field->kind != RK_FIELD_ANY_ID || type == TEXTOID)
		return rk_field_fetch(field, record, is_null);
	*is_null = key->kind == RK_ID_NONE;
	if (*is_null)
		return (Datum) 0;
	if (type == UUIDOID && key->kind == RK_ID_UUID)
	{
		pg_uuid_t  *u = palloc(sizeof(*u));

		memcpy(u->data, key->bytes, 16);
		return UUIDPGetDatum(u);
	}
	if ((type == INT8OID || type == INT4OID || type == INT2OID) && key->kind == RK_ID_INT)
	{
		memcpy(&number, key->bytes, 8);
		if (type == INT8OID)
			return Int64GetDatum(number);
		if (type == INT4OID ? number == (int32) number : number == (int16) number)
			return type == INT4OID ? Int32GetDatum(number) : Int16GetDatum(number);
		out_of_range(field);
	}
	if (type != UUIDOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("\"%s\" in column \"%s\" is no %s", rk_id_text(key, text), field->name, format_type_be(type)),
				 errhint("Give ids the type that the ring's option \"id_type\" says: NULL::%s.",
						 key->kind == RK_ID_UUID ? "uuid" : "text")));
	{
		/* by way of its text, as a cast would */
		Oid			function;
		Oid			param;

		getTypeInputInfo(type, &function, &param);
		return OidInputFunctionCall(function, (char *) rk_id_text(key, text), param, -1);
	}
}

static Datum fetch_records(const rk_field *field, const char *at);

Datum
rk_field_fetch(const rk_field *field, const void *record, bool *is_null)
{
	const char *at = (const char *) record + field->offset;
	int64		v8 = 0;
	int32		v4 = 0;
	int16		v2 = 0;
	double		d;

	if (field->size == 8)
		memcpy(&v8, at, 8);
	else if (field->size == 4)
		memcpy(&v4, at, 4);
	else if (field->size == 2)
		memcpy(&v2, at, 2);
	*is_null = false;
	switch (field->kind)
	{
		case RK_FIELD_INT2:
		case RK_FIELD_CODE:
			*is_null = v2 == RK_FIELD_ABSENT_CODE;
			break;
		case RK_FIELD_INT4:
		case RK_FIELD_DATE:
			*is_null = v4 == RK_FIELD_ABSENT_INT4;
			break;
		case RK_FIELD_INT8:
		case RK_FIELD_ID:
		case RK_FIELD_FIXED:
		case RK_FIELD_TIME:
		case RK_FIELD_INTERVAL:
			*is_null = v8 == RK_FIELD_ABSENT_INT8;
			break;
		case RK_FIELD_TEXT:
		case RK_FIELD_TEXT_ARRAY:
			*is_null = *at == 0 && field->initial != NULL;
			break;
		case RK_FIELD_ANY_ID:
			*is_null = *at == RK_ID_NONE;
			break;
		case RK_FIELD_BOOLEAN:
			*is_null = *(const int8 *) at == RK_FIELD_ABSENT_BOOLEAN;
			break;
		default:
			break;
	}
	if (*is_null)
		return (Datum) 0;
	switch (field->kind)
	{
		case RK_FIELD_INT2:
			return Int32GetDatum(v2);
		case RK_FIELD_INT4:
			return Int32GetDatum(v4);
		case RK_FIELD_INT8:
		case RK_FIELD_ID:
			return Int64GetDatum(v8);
		case RK_FIELD_FLOAT8:
			memcpy(&d, at, 8);
			*is_null = isnan(d) && field->initial != NULL;
			return Float8GetDatum(d);
		case RK_FIELD_FIXED:
			/* the scale of the value, not eight decimals */
			return DirectFunctionCall1(numeric_trim_scale,
									   NumericGetDatum(int64_div_fast_to_numeric(v8, 8)));
		case RK_FIELD_BOOLEAN:
			return BoolGetDatum(*at != 0);
		case RK_FIELD_CODE:
			for (int i = 0; field->choices[i]; i++)
				if (field->first_code + i == v2)
					return CStringGetTextDatum(field->choices[i]);
			elog(ERROR, "field \"%s\" has the unknown code %d", field->name, v2);
			break;
		case RK_FIELD_TEXT:
			return PointerGetDatum(cstring_to_text_with_len(at, strnlen(at, field->size)));
		case RK_FIELD_TIME:
			*is_null = v8 == 0 && field->initial != NULL;
			return TimestampTzGetDatum(v8 / 1000 - EPOCH_US);
		case RK_FIELD_DATE:
			return DateADTGetDatum(v4 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));
		case RK_FIELD_UUID:
			{
				pg_uuid_t  *u = palloc(sizeof(*u));

				memcpy(u->data, at, 16);
				return UUIDPGetDatum(u);
			}
		case RK_FIELD_INTERVAL:
			return rk_us_to_interval(v8);
		case RK_FIELD_TEXT_ARRAY:
			return fetch_text_array(field, at);
		case RK_FIELD_FLOAT8_ARRAY:
			return fetch_number_array(field, at, is_null);
		case RK_FIELD_RECORDS:
			return fetch_records(field, at);
		case RK_FIELD_ANY_ID:
			{
				char		text[RK_ID_ROOM];

				return CStringGetTextDatum(rk_id_text((const rk_id *) at, text));
			}
	}
	return (Datum) 0;
}

/* ---- jsonb ---- */

/* A JSON array of strings as text[]. */
static Datum
json_texts(const rk_field *field, JsonbContainer *array)
{
	int			count = JsonContainerSize(array);
	Datum	   *items = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(array, i);

		if (v->type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("field \"%s\" of the message must be an array of strings", field->name)));
		items[i] = PointerGetDatum(cstring_to_text_with_len(v->val.string.val, v->val.string.len));
	}
	return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A JSON array of numbers as double precision[]. */
static Datum
json_numbers(const rk_field *field, JsonbContainer *array)
{
	int			count = JsonContainerSize(array);
	Datum	   *items = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(array, i);

		if (v->type != jbvNumeric)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("field \"%s\" of the message must be an array of numbers", field->name)));
		items[i] = Float8GetDatum(rk_numeric_to_double(NumericGetDatum(v->val.numeric)));
	}
	return PointerGetDatum(construct_array(items, count, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* A JSON value as the field's SQL type: numbers may be written as strings. */
static void
store_json(const rk_field *field, void *record, const JsonbValue *v)
{
	Oid			type = rk_field_type(field);

	switch (v->type)
	{
		case jbvNull:
			rk_field_store(field, record, (Datum) 0, type, true);
			return;
		case jbvNumeric:
			if (type == INT4OID || type == INT8OID || type == FLOAT8OID || type == NUMERICOID ||
				field->kind == RK_FIELD_ANY_ID)
			{
				rk_field_store(field, record, NumericGetDatum(v->val.numeric), NUMERICOID, false);
				return;
			}
			break;
		case jbvBool:
			if (type == BOOLOID)
			{
				rk_field_store(field, record, BoolGetDatum(v->val.boolean), BOOLOID, false);
				return;
			}
			break;
		case jbvBinary:
			if (type == TEXTARRAYOID && JsonContainerIsArray(v->val.binary.data))
			{
				rk_field_store(field, record, json_texts(field, v->val.binary.data), type, false);
				return;
			}
			if (type == FLOAT8ARRAYOID && JsonContainerIsArray(v->val.binary.data))
			{
				rk_field_store(field, record, json_numbers(field, v->val.binary.data), type, false);
				return;
			}
			if (field->kind == RK_FIELD_RECORDS)
			{
				store_records(field, (char *) record + field->offset, v->val.binary.data);
				return;
			}
			break;
		case jbvString:
			if (type != BOOLOID)
			{
				char	   *text = pnstrdup(v->val.string.val, v->val.string.len);
				Oid			input;
				Oid			param;

				getTypeInputInfo(type, &input, &param);
				rk_field_store(field, record, OidInputFunctionCall(input, text, param, -1), type, false);
				return;
			}
			break;
		default:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("field \"%s\" of the message must be of type %s", field->name,
					field->kind == RK_FIELD_ANY_ID ? "bigint, text or uuid" : format_type_be(type))));
}

/* A default as written in SQL: a number, a word in quotes, true, false, NULL. */
static void
store_literal(const rk_field *field, void *record, const char *initial)
{
	JsonbValue	v;

	if (initial == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("field \"%s\" of the message is missing", field->name)));
	if (strcmp(initial, "NULL") == 0)
		v.type = jbvNull;
	else if (field->kind == RK_FIELD_BOOLEAN)
	{
		v.type = jbvBool;
		v.val.boolean = strcmp(initial, "true") == 0;
	}
	else
	{
		bool		quoted = *initial == '\'';

		v.type = jbvString;
		v.val.string.val = (char *) initial + quoted;
		v.val.string.len = strlen(initial) - 2 * quoted;
	}
	store_json(field, record, &v);
}

/* Fills in a record from a JSON object; type: the message, NULL: a part of one. */
static void
store_object(const rk_field *fields, void *record, JsonbContainer *object, const rk_message_type *type)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	v;
	int			count = rk_field_count(fields);
	bool		seen[64] = {0};

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const rk_field *field;
		char	   *key;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		field = rk_field_find(fields, key);
		if (field == NULL)
		{
			StringInfoData all;

			initStringInfo(&all);
			for (int i = 0; i < count; i++)
				appendStringInfo(&all, "%s%s", i ? ", " : "", fields[i].name);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 type ? errmsg("message type %u (%s) has no field \"%s\"", type->type_id, type->name, key) :
					 errmsg("the record has no field \"%s\"", key),
					 errhint("Its fields are: %s.", all.data)));
		}
		(void) JsonbIteratorNext(&it, &v, true);
		store_json(field, record, &v);
		seen[field - fields] = true;
	}
	for (int i = 0; i < count; i++)
		if (!seen[i])
			store_literal(&fields[i], record, fields[i].initial);
}

/* Says in an error's context which record of a field it is about. */
typedef struct record_place
{
	const rk_field *field;
	int64		number;
} record_place;

static void
record_context(void *arg)
{
	const record_place *place = arg;

	errcontext("record %lld of field \"%s\"", (long long) place->number, place->field->name);
}

/* An array of objects: their number, then one record after the other. */
static void
store_records(const rk_field *field, char *at, JsonbContainer *array)
{
	int64		room = (field->size - sizeof(int64)) / field->record_size;
	record_place place = {field};
	ErrorContextCallback context = {.callback = record_context,.arg = &place};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JsonContainerIsArray(array) || JsonContainerIsScalar(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("field \"%s\" must be an array of objects", field->name)));
	if (JsonContainerSize(array) > room)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("field \"%s\" has %u records, but room for %lld", field->name, JsonContainerSize(array),
						(long long) room)));
	memset(at, 0, field->size);
	it = JsonbIteratorInit(array);
	context.previous = error_context_stack;
	error_context_stack = &context;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		place.number++;
		if (v.type != jbvBinary || !JsonContainerIsObject(v.val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("field \"%s\" must be an array of objects", field->name)));
		store_object(field->records, at + sizeof(int64) + (place.number - 1) * field->record_size, v.val.binary.data,
					 NULL);
	}
	error_context_stack = context.previous;
	memcpy(at, &place.number, sizeof(int64));
}

void
rk_jsonb_to_payload(const rk_message_type *type, const Jsonb *object, void *payload)
{
	memset(payload, 0, type->request_size);
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the payload of a message must be a JSON object")));
	store_object(type->request, payload, (JsonbContainer *) &object->root, type);
}

/* A number with all its digits; infinities and NaN as strings. */
static JsonbValue
number_to_json(double d)
{
	JsonbValue	v = {.type = jbvNumeric};
	char	   *text = DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(d)));

	if (isfinite(d))
		v.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	else
	{
		v.type = jbvString;
		v.val.string.val = text;
		v.val.string.len = strlen(text);
	}
	return v;
}

/* text[] as a JSON array, the value of a key. */
static void
push_texts(JsonbParseState **state, ArrayType *array)
{
	Datum	   *items;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		JsonbValue	v = {.type = jbvString};

		v.val.string.val = TextDatumGetCString(items[i]);
		v.val.string.len = strlen(v.val.string.val);
		pushJsonbValue(state, WJB_ELEM, &v);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* The same for double precision[]; infinities as strings. */
static void
push_numbers(JsonbParseState **state, ArrayType *array)
{
	Datum	   *items;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items, &nulls, &count);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		JsonbValue	v = number_to_json(DatumGetFloat8(items[i]));

		pushJsonbValue(state, WJB_ELEM, &v);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_fields(JsonbParseState **state, const rk_field *fields, const void *record)
{
	for (const rk_field *f = fields; f && f->name; f++)
	{
		JsonbValue	key = {.type = jbvString};
		JsonbValue	v = {.type = jbvNull};
		bool		is_null;
		Datum		value = rk_field_fetch(f, record, &is_null);

		key.val.string.val = (char *) f->name;
		key.val.string.len = strlen(f->name);
		pushJsonbValue(state, WJB_KEY, &key);
		if (!is_null && f->kind == RK_FIELD_TEXT_ARRAY)
		{
			push_texts(state, DatumGetArrayTypeP(value));
			continue;
		}
		if (!is_null && f->kind == RK_FIELD_FLOAT8_ARRAY)
		{
			push_numbers(state, DatumGetArrayTypeP(value));
			continue;
		}
		if (!is_null && f->kind == RK_FIELD_RECORDS)
		{
			Jsonb	   *array = DatumGetJsonbP(value);

			v.type = jbvBinary;
			v.val.binary.data = &array->root;
			v.val.binary.len = VARSIZE(array) - VARHDRSZ;
			pushJsonbValue(state, WJB_VALUE, &v);
			continue;
		}
		if (!is_null)
		{
			switch (f->kind == RK_FIELD_ANY_ID && ((const rk_id *) ((const char *) record + f->offset))->kind == RK_ID_INT ?
					INT8OID : rk_field_type(f))
			{
				case INT4OID:
					v.type = jbvNumeric;
					v.val.numeric = int64_to_numeric(DatumGetInt32(value));
					break;
				case INT8OID:
					if (f->kind == RK_FIELD_ANY_ID)
						value = rk_field_fetch_as(f, record, INT8OID, &is_null);
					v.type = jbvNumeric;
					v.val.numeric = int64_to_numeric(DatumGetInt64(value));
					break;
				case NUMERICOID:
					v.type = jbvNumeric;
					v.val.numeric = DatumGetNumeric(value);
					break;
				case BOOLOID:
					v.type = jbvBool;
					v.val.boolean = DatumGetBool(value);
					break;
				case FLOAT8OID:
					v = number_to_json(DatumGetFloat8(value));
					break;
				default:
					{
						Oid			output;
						bool		varlena;

						getTypeOutputInfo(rk_field_type(f), &output, &varlena);
						v.type = jbvString;
						v.val.string.val = OidOutputFunctionCall(output, value);
						v.val.string.len = strlen(v.val.string.val);
					}
			}
		}
		pushJsonbValue(state, WJB_VALUE, &v);
	}
}

static Datum
fetch_records(const rk_field *field, const char *at)
{
	JsonbParseState *state = NULL;
	int64		count;

	memcpy(&count, at, sizeof(int64));
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int64 i = 0; i < count; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_fields(&state, field->records, at + sizeof(int64) + i * field->record_size);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}

Datum
rk_payload_to_jsonb(const rk_message_type *type, const void *payload, uint32 length)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (type && type->request_size == length)
		push_fields(&state, type->request, payload);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

Datum
rk_reply_to_jsonb(const rk_message_type *type, const void *reply, uint32 length)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (length >= type->reply_size)
		push_fields(&state, type->reply, reply);
	if (type->rows)
	{
		JsonbValue	key = {.type = jbvString,.val.string = {4, "rows"}};

		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (uint32 at = type->reply_size; at + type->row_size <= length; at += type->row_size)
		{
			pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
			push_fields(&state, type->rows, (const char *) reply + at);
			pushJsonbValue(&state, WJB_END_OBJECT, NULL);
		}
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* ---- rows as messages ---- */

/* What a field is in a row that says nothing about it; NULL: an error. */
static const char *
row_default(const rk_field *field)
{
	return field->implied ? field->implied : field->initial;
}

void
rk_field_default(const rk_field *field, void *record)
{
	store_literal(field, record, row_default(field));
}

/* Rows of a query on their way to a function, each as a message. */
typedef struct row_loader
{
	DestReceiver dest;			/* first: the executor knows only this */
	const rk_message_type *type;
	rk_load_fn	fn;
	void	   *arg;
	rk_message	message;
	char	   *payload;
	char	   *defaults;		/* a payload with nothing but them */
	int			count;			/* fields that have a column */
	int			last_attno;
	int			attno[64];
	Oid			types[64];
	const rk_field *fields[64];
	int64		rows;
	MemoryContext memory;		/* of a row */
} row_loader;

static bool
load_row(TupleTableSlot *slot, DestReceiver *self)
{
	row_loader *l = (row_loader *) self;
	MemoryContext old = MemoryContextSwitchTo(l->memory);

	slot_getsomeattrs(slot, l->last_attno);
	memcpy(l->payload, l->defaults, l->type->request_size);
	l->rows++;
	for (int i = 0; i < l->count; i++)
	{
		int			a = l->attno[i] - 1;

		/* a default stands for NULL */
		if (!slot->tts_isnull[a] || row_default(l->fields[i]) == NULL)
			rk_field_store(l->fields[i], l->payload, slot->tts_values[a], l->types[i], slot->tts_isnull[a]);
	}
	if (!l->fn(l->arg, &l->message))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %lld is no valid message", (long long) l->rows)));
	MemoryContextSwitchTo(old);
	MemoryContextReset(l->memory);
	return true;
}

static void
load_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
load_nothing(DestReceiver *self)
{
}

/* The column with this name, or their number. */
static int
column_of(TupleDesc desc, const char *name)
{
	int			a = 0;

	while (a < desc->natts && strcmp(NameStr(TupleDescAttr(desc, a)->attname), name) != 0)
		a++;
	return a;
}

/* Finds the columns of the fields in the rows, and what the others mean. */
static void
prepare_loader(row_loader *l, TupleDesc desc)
{
	for (const rk_field *f = l->type->request; f->name; f++)
	{
		int			a = column_of(desc, f->name);

		if (a == desc->natts && f->column)
			a = column_of(desc, f->column);
		if (a < desc->natts)
		{
			l->fields[l->count] = f;
			l->attno[l->count] = a + 1;
			l->types[l->count++] = getBaseType(TupleDescAttr(desc, a)->atttypid);
			l->last_attno = Max(l->last_attno, a + 1);
		}
		else if (row_default(f) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" is missing in the rows for message type %u (%s)", f->name,
							l->type->type_id, l->type->name)));
		if (row_default(f) != NULL)
			store_literal(f, l->defaults, row_default(f));
	}
}

/* What rk_relation_column says of a field: JSON values are read as such a type. */
static rk_type
json_type_of(const rk_field *field)
{
	switch (rk_field_type(field))
	{
		case TEXTOID:
			return RK_TYPE_TEXT;
		case BOOLOID:
			return RK_TYPE_BOOLEAN;
		case TIMESTAMPTZOID:
			return RK_TYPE_TIMESTAMPTZ;
		case DATEOID:
			return RK_TYPE_DATE;
		case NUMERICOID:
			return RK_TYPE_NUMERIC;
		case INTERVALOID:
			return RK_TYPE_INTERVAL;
		case TEXTARRAYOID:
			return RK_TYPE_TEXT_ARRAY;
		case FLOAT8ARRAYOID:
			return RK_TYPE_FLOAT8_ARRAY;
		case JSONBOID:
			return RK_TYPE_JSONB;
		default:
			return RK_TYPE_FLOAT8;
	}
}

int64
rk_load_rows(const rk_message_type *type, const char *relation, Oid role, rk_load_fn fn, void *arg)
{
	rk_relation_column columns[65] = {{0}};
	rk_relation shape = {.name = "rows",.columns = columns,.example = "SELECT * FROM ..."};
	rk_guard	guard;
	Oid			user;
	int			security_context;
	rk_source  *source;
	QueryDesc  *desc;
	row_loader	l = {
		.dest = {
			.receiveSlot = load_row,
			.rStartup = load_startup,
			.rShutdown = load_nothing,
			.rDestroy = load_nothing,
			.mydest = DestNone
		},
		.type = type,
		.fn = fn,
		.arg = arg,
		.payload = palloc0(type->request_size + 8),
		.defaults = palloc0(type->request_size + 8),
		.message = {.type_id = type->type_id,.length = type->request_size,.role = role},
		.memory = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES)
	};

	l.message.payload = l.payload;
	for (int i = 0; type->request[i].name; i++)
		columns[i] = (rk_relation_column) {
		.name = type->request[i].name,
			.type = json_type_of(&type->request[i]),
			.synonym = type->request[i].column,
			.required = row_default(&type->request[i]) == NULL
	};
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(role, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	/* a name or a JSON array becomes a query here */
	source = rk_source_open("edges", relation, &shape, InvalidOid);
	prepare_loader(&l, source->desc);
	rk_guard_begin(&guard);
	PushCopiedSnapshot(GetActiveSnapshot());
	desc = CreateQueryDesc(source->plan, source->query, GetActiveSnapshot(), InvalidSnapshot, &l.dest, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	rk_executor_run(desc);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	rk_guard_end(&guard);
	SetUserIdAndSecContext(user, security_context);
	MemoryContextDelete(l.memory);
	return l.rows;
}

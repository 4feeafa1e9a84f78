/*
 * convert.c
 *	  Fields of messages from and to SQL values, by the description of the
 *	  message type; convert_json.c does the same for jsonb, convert_rows.c for
 *	  rows of a query.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "../call/types.h"
#include "../relation/reader.h"
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
				 errmsg("field \"%s\" must be from %.15g to %.15g", field->name, field->min, field->max)));
}

static void wrong_type(const rk_field *field, Oid type) __attribute__((noreturn));

static void
wrong_type(const rk_field *field, Oid type)
{
	Oid			wanted = rk_field_type(field);
	bool		seconds = wanted == TIMESTAMPTZOID && TypeCategory(type) == TYPCATEGORY_NUMERIC;

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("field \"%s\" cannot be of type %s", field->name, format_type_be(type)),
			 seconds ? errhint("to_timestamp(...) makes a time of seconds since 1970.") :
			 errhint("Cast it: (...)::%s.", format_type_be(wanted))));
}

void
rk_field_check_type(const rk_field *field, Oid type)
{
	bool		number = type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID ||
		type == FLOAT4OID || type == FLOAT8OID;
	bool		bad;

	switch (rk_field_type(field))
	{
		case INT4OID:
		case INT8OID:
		case FLOAT8OID:
		case NUMERICOID:
			bad = !number;
			break;
		case TIMESTAMPTZOID:
		case DATEOID:
			/* of an interval a number is seconds */
			bad = number || type == BOOLOID;
			break;
		case UUIDOID:
			bad = number || type == BOOLOID || TypeCategory(type) == TYPCATEGORY_DATETIME;
			break;
		default:
			bad = false;
	}
	if (bad)
		wrong_type(field, type);
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
	/* the actor knows nothing of NULL there */
	if (strcmp(field->initial, "NULL") != 0)
	{
		rk_field_literal(field, at - field->offset, field->initial);
		return;
	}
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
	wrong_type(field, type);
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
			rk_records_store(field, at, &DatumGetJsonbP(value)->root);
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
	if (type != UUIDOID || key->kind == RK_ID_INT)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("\"%s\" in column \"%s\" is no %s", rk_id_text(key, text), field->name, format_type_be(type)),
				 errhint("Give ids the type that the ring's option \"id_type\" says: NULL::%s.",
						 key->kind == RK_ID_UUID ? "uuid" : key->kind == RK_ID_INT ? "bigint" : "text")));
	{
		/* by way of its text, as a cast would */
		Oid			function;
		Oid			param;

		getTypeInputInfo(type, &function, &param);
		return OidInputFunctionCall(function, (char *) rk_id_text(key, text), param, -1);
	}
}

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
			return rk_records_fetch(field, at);
		case RK_FIELD_ANY_ID:
			{
				char		text[RK_ID_ROOM];

				return CStringGetTextDatum(rk_id_text((const rk_id *) at, text));
			}
	}
	return (Datum) 0;
}

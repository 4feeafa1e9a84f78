/*
 * convert.c
 *	  Payloads from and to SQL values and jsonb, by the description of the
 *	  message type.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "../compat.h"
#include "../relation/reader.h"
#include "../relation/source.h"
#include "convert.h"

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
			return TEXTOID;
		case RK_FIELD_TIME:
			return TIMESTAMPTZOID;
		case RK_FIELD_DATE:
			return DATEOID;
		case RK_FIELD_UUID:
			return UUIDOID;
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
			memcpy(at, &nan, 8);
			break;
		case RK_FIELD_TEXT:
		case RK_FIELD_UUID:
		case RK_FIELD_BOOLEAN:
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

void
rk_field_store(const rk_field *field, void *record, Datum value, Oid type, bool is_null)
{
	char	   *at = (char *) record + field->offset;

	if (is_null)
	{
		store_absent(field, at);
		return;
	}
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
			*is_null = v8 == RK_FIELD_ABSENT_INT8;
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
	}
	return (Datum) 0;
}

/* ---- jsonb ---- */

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
			if (type == INT4OID || type == INT8OID || type == FLOAT8OID || type == NUMERICOID)
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
			 errmsg("field \"%s\" of the message must be of type %s", field->name, format_type_be(type))));
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

void
rk_jsonb_to_payload(const rk_message_type *type, const Jsonb *object, void *payload)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	int			count = rk_field_count(type->request);
	bool		seen[64] = {0};

	memset(payload, 0, type->request_size);
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the payload of a message must be a JSON object")));
	it = JsonbIteratorInit((JsonbContainer *) &object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const rk_field *field;
		char	   *key;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		field = rk_field_find(type->request, key);
		if (field == NULL)
		{
			StringInfoData all;

			initStringInfo(&all);
			for (int i = 0; i < count; i++)
				appendStringInfo(&all, "%s%s", i ? ", " : "", type->request[i].name);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("message type %u (%s) has no field \"%s\"", type->type_id, type->name, key),
					 errhint("Its fields are: %s.", all.data)));
		}
		(void) JsonbIteratorNext(&it, &v, true);
		store_json(field, payload, &v);
		seen[field - type->request] = true;
	}
	for (int i = 0; i < count; i++)
		if (!seen[i])
			store_literal(&type->request[i], payload, type->request[i].initial);
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
		if (!is_null)
		{
			switch (rk_field_type(f))
			{
				case INT4OID:
					v.type = jbvNumeric;
					v.val.numeric = int64_to_numeric(DatumGetInt32(value));
					break;
				case INT8OID:
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
				default:
					{
						Oid			output;
						bool		varlena;
						char	   *text;

						getTypeOutputInfo(rk_field_type(f), &output, &varlena);
						text = OidOutputFunctionCall(output, value);
						if (f->kind == RK_FIELD_FLOAT8 && isfinite(DatumGetFloat8(value)))
						{
							v.type = jbvNumeric;
							v.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
																				ObjectIdGetDatum(InvalidOid),
																				Int32GetDatum(-1)));
						}
						else
						{
							v.type = jbvString;
							v.val.string.val = text;
							v.val.string.len = strlen(text);
						}
					}
			}
		}
		pushJsonbValue(state, WJB_VALUE, &v);
	}
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

int64
rk_load_rows(const rk_message_type *type, const char *relation, Oid role, rk_load_fn fn, void *arg)
{
	rk_relation_column columns[64] = {{0}};
	rk_relation shape = {.name = "rows",.columns = columns,.example = "SELECT * FROM ..."};
	rk_guard	guard;
	Oid			user;
	int			security_context;
	SPIPlanPtr	plan;
	Portal		portal;
	int			count = rk_field_count(type->request);
	int			attno[64];
	int64		rows = 0;
	char	   *payload = palloc0(type->request_size + 8);
	rk_source  *source;
	MemoryContext row_memory = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < count; i++)
		columns[i] = (rk_relation_column) {
		.name = type->request[i].name,
			.type = RK_TYPE_FLOAT8,
			.required = row_default(&type->request[i]) == NULL
	};
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(role, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* a name or a JSON array becomes a query here */
	source = rk_source_open("edges", relation, &shape, InvalidOid);
	rk_guard_begin(&guard);
	plan = SPI_prepare(source->query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (int i = 0; i < count; i++)
	{
		attno[i] = SPI_fnumber(portal->tupDesc, type->request[i].name);
		if (attno[i] <= 0 && row_default(&type->request[i]) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" is missing in the rows for message type %u (%s)",
							type->request[i].name, type->type_id, type->name)));
	}
	for (;;)
	{
		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_memory);
			rk_message	m = {.type_id = type->type_id,.length = type->request_size,.payload = payload,.role = role};

			for (int i = 0; i < count; i++)
			{
				bool		is_null;
				Datum		value;

				if (attno[i] <= 0)
				{
					store_literal(&type->request[i], payload, row_default(&type->request[i]));
					continue;
				}
				value = SPI_getbinval(SPI_tuptable->vals[r], portal->tupDesc, attno[i], &is_null);
				if (is_null && row_default(&type->request[i]))
					store_literal(&type->request[i], payload, row_default(&type->request[i]));
				else
					rk_field_store(&type->request[i], payload, value, SPI_gettypeid(portal->tupDesc, attno[i]),
								   is_null);
			}
			rows++;
			if (!fn(arg, &m))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("row %lld is no valid message", (long long) rows)));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_memory);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	rk_guard_end(&guard);
	SPI_finish();
	SetUserIdAndSecContext(user, security_context);
	MemoryContextDelete(row_memory);
	return rows;
}

/*
 * convert_json.c
 *	  Messages and their fields from and to jsonb.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "../relation/reader.h"
#include "convert.h"

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

/* Says in an error's context which field it is about. */
static void
field_context(void *arg)
{
	errcontext("field \"%s\" of the message", ((const rk_field *) arg)->name);
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
				rk_records_store(field, (char *) record + field->offset, v->val.binary.data);
				return;
			}
			break;
		case jbvString:
			if (type != BOOLOID)
			{
				char	   *text = pnstrdup(v->val.string.val, v->val.string.len);
				Oid			input;
				Oid			param;
				Datum		value;
				ErrorContextCallback context = {
					.callback = field_context, .arg = (void *) field, .previous = error_context_stack
				};

				getTypeInputInfo(type, &input, &param);
				error_context_stack = &context;
				value = OidInputFunctionCall(input, text, param, -1);
				error_context_stack = context.previous;
				rk_field_store(field, record, value, type, false);
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

void
rk_field_literal(const rk_field *field, void *record, const char *initial)
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
			rk_field_literal(&fields[i], record, fields[i].initial);
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
void
rk_records_store(const rk_field *field, char *at, JsonbContainer *array)
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
				case DATEOID:
				case TIMESTAMPTZOID:
					/* read again by another session, whose DateStyle is another one */
					v.type = jbvString;
					v.val.string.val = JsonEncodeDateTime(palloc(MAXDATELEN + 1), value, rk_field_type(f), NULL);
					v.val.string.len = strlen(v.val.string.val);
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

Datum
rk_records_fetch(const rk_field *field, const char *at)
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
rk_bytes_to_jsonb(const void *payload, uint32 length)
{
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString,.val.string = {5, "bytes"}};
	JsonbValue	value = {.type = jbvString};
	char	   *hex = palloc(2 * (Size) length + 1);

	value.val.string.len = hex_encode(payload, length, hex);
	value.val.string.val = hex;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, &value);
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

/*
 * messages.c
 *	  The message types of all rooms.
 */
#include "message.h"

#include <string.h>

#define RK_MESSAGES(room) rk_##room##_messages,
const rk_message_type *const rk_message_rooms[] = {
#include "messages.def"
	NULL
};
#undef RK_MESSAGES

const rk_message_type *
rk_message_type_find(uint32_t type_id)
{
	for (int r = 0; rk_message_rooms[r] != NULL; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
			if (t->type_id == type_id)
				return t;
	return NULL;
}

const rk_message_type *
rk_message_function_find(const char *function)
{
	for (int r = 0; rk_message_rooms[r] != NULL; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
			if (t->function && strcmp(t->function, function) == 0)
				return t;
	return NULL;
}

const char *
rk_field_sql_type(const rk_field *field)
{
	switch (field->kind)
	{
		case RK_FIELD_INT2:
		case RK_FIELD_INT4:
			return "integer";
		case RK_FIELD_INT8:
		case RK_FIELD_ID:
			return "bigint";
		case RK_FIELD_FLOAT8:
			return "double precision";
		case RK_FIELD_FIXED:
			return "numeric";
		case RK_FIELD_BOOLEAN:
			return "boolean";
		case RK_FIELD_CODE:
		case RK_FIELD_TEXT:
			return "text";
		case RK_FIELD_TIME:
			return "timestamptz";
		case RK_FIELD_DATE:
			return "date";
		case RK_FIELD_UUID:
			return "uuid";
		case RK_FIELD_INTERVAL:
			return "interval";
		case RK_FIELD_TEXT_ARRAY:
			return "text[]";
		case RK_FIELD_FLOAT8_ARRAY:
			return "double precision[]";
		case RK_FIELD_RECORDS:
			return "jsonb";
		case RK_FIELD_ANY_ID:
			return field->apart ? "anyelement" : "anycompatible";
	}
	return NULL;
}

const char *
rk_column_sql_type(const rk_message_type *type, const rk_field *column)
{
	if (column->kind != RK_FIELD_ANY_ID)
		return rk_field_sql_type(column);
	if (type->published)
		return "text";
	if (rk_takes_id_type(type))
		return "anycompatible";
	for (const rk_field *f = type->request; f && f->name; f++)
		if (f->kind == RK_FIELD_ANY_ID)
			return "anycompatible";
	return "text";
}

bool
rk_takes_id_type(const rk_message_type *type)
{
	for (const rk_field *f = type->request; f && f->name; f++)
		if (f->kind == RK_FIELD_ANY_ID)
			return false;
	for (const rk_field *f = type->rows; f && f->name; f++)
		if (f->kind == RK_FIELD_ANY_ID)
			return true;
	return false;
}

int
rk_reply_columns(const rk_message_type *type, const rk_field *columns[])
{
	int			n = 0;

	for (const rk_field *f = type->reply; f && f->name; f++)
		if (type->found == NULL || strcmp(f->name, type->found) != 0)
			columns[n++] = f;
	for (const rk_field *f = type->rows; f && f->name; f++)
		columns[n++] = f;
	return n;
}

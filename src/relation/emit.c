/*
 * emit.c
 *	  Writes result columns into the call's tuplestore.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "../call/types.h"
#include "../compute/csr.h"
#include "emit.h"

/* The call that would have worked with ids of these types, for the hint. */
static char *
working_call(const rk_call *call, Oid type, Oid second)
{
	const rk_function *f = call->function;
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfo(&s, "SELECT * FROM rk.%s(", rk_sql_name(call->kernel, f));
	for (int i = 0; f->params[i].name != NULL && f->params[i].initial == NULL; i++)
	{
		if (i > 0)
			appendStringInfoString(&s, ", ");
		if (call->nulls[i])
			appendStringInfoString(&s, "NULL");
		else if (f->params[i].type == RK_TYPE_ID)
		{
			Oid			output;
			bool		is_varlena;

			getTypeOutputInfo(call->arg_types[i], &output, &is_varlena);
			appendStringInfo(&s, "%s::%s",
							 quote_literal_cstr(OidOutputFunctionCall(output, call->args[i])),
							 format_type_be(type));
		}
		else
			appendStringInfoString(&s, quote_literal_cstr(TextDatumGetCString(call->args[i])));
	}
	if (rk_returns_ids(f) && !rk_has_id_value(f) && OidIsValid(type) && type != INT8OID)
		appendStringInfo(&s, ", id_type => NULL::%s", format_type_be(type));
	if (rk_returns_second_ids(f) && f->id2_name && OidIsValid(second) && second != INT8OID)
		appendStringInfo(&s, ", %s => NULL::%s", f->id2_name, format_type_be(second));
	/* relations may be what has these ids */
	for (int i = 0; f->params[i].name != NULL; i++)
		if (f->params[i].initial != NULL && f->params[i].type == RK_TYPE_RELATION && !call->nulls[i] &&
			strcmp(f->params[i].initial, quote_literal_cstr(TextDatumGetCString(call->args[i]))) != 0)
			appendStringInfo(&s, ", %s => %s", f->params[i].name, quote_literal_cstr(TextDatumGetCString(call->args[i])));
	appendStringInfoChar(&s, ')');
	return s.data;
}

/* Whether ids stored as "stored" can be handed out as "expected". */
static bool
compatible(Oid expected, Oid stored)
{
	return rk_id_storage_type(expected) == stored;
}

void
rk_set_id_type(rk_call *call, Oid type)
{
	Oid			stored = rk_id_storage_type(type);

	if (OidIsValid(call->expected_id_type) && !compatible(call->expected_id_type, stored))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("ids are of type %s, but the call returns %s", format_type_be(stored),
						format_type_be(call->expected_id_type)),
				 errhint("Write: %s", working_call(call, stored, OidIsValid(call->id2_type) ? call->id2_type : call->expected_id2_type))));
	call->id_type = stored;
	if (call->desc == NULL && !rk_returns_second_ids(call->function))
		rk_result_ready(call);
}

void
rk_set_second_id_type(rk_call *call, Oid type)
{
	Oid			stored = rk_id_storage_type(type);

	if (OidIsValid(call->expected_id2_type) && !compatible(call->expected_id2_type, stored))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("ids are of type %s, but the call returns %s", format_type_be(stored),
						format_type_be(call->expected_id2_type)),
				 errhint("Write: %s", working_call(call, OidIsValid(call->id_type) ? call->id_type : call->expected_id_type, stored))));
	call->id2_type = stored;
}

void
rk_result_ready(rk_call *call)
{
	MemoryContext old;

	if (call->desc != NULL)
		return;
	/* the first row may be made in memory that lasts no longer than it */
	old = MemoryContextSwitchTo(call->memory);
	call->desc = rk_result_desc(call->function, call->id_type, call->id2_type);
	MemoryContextSwitchTo(old);
}

Oid
rk_emitted_id_type(const rk_call *call)
{
	return OidIsValid(call->expected_id_type) ? call->expected_id_type : call->id_type;
}

Oid
rk_emitted_second_id_type(const rk_call *call)
{
	return OidIsValid(call->expected_id2_type) ? call->expected_id2_type : call->id2_type;
}

void
rk_emit_row(rk_call *call, Datum *values, bool *nulls)
{
	call->rows_out++;
	if (call->scalar)
	{
		int			count = rk_column_count(call->function);

		memcpy(call->values, values, sizeof(Datum) * count);
		memcpy(call->value_nulls, nulls, sizeof(bool) * count);
		call->returned = true;
		return;
	}
	rk_result_ready(call);
	tuplestore_putvalues(call->rows, call->desc, values, nulls);
}

/* An array of 8-byte values. */
static Datum
flat_array(const void *values, int64 count, Oid type)
{
	rk_value	v = {0};

	if (type == FLOAT8OID)
	{
		v.floats.values = values;
		v.floats.count = count;
		return rk_datum_of_value(RK_TYPE_FLOAT8_ARRAY, FLOAT8ARRAYOID, &v);
	}
	v.integers.values = values;
	v.integers.count = count;
	return rk_datum_of_value(RK_TYPE_INT8_ARRAY, INT8ARRAYOID, &v);
}

/* The array that a column has in a row. */
static Datum
array_value(const rk_out *column, int64 at, Oid id_type)
{
	int64		from = column->offsets[at];
	int64		count = column->offsets[at + 1] - from;
	Datum	   *elements;

	switch (column->kind)
	{
		case RK_OUT_FLOAT8_ARRAY:
			return flat_array((const double *) column->data + from, count, FLOAT8OID);
		case RK_OUT_INT8_ARRAY:
			return flat_array((const int64 *) column->data + from, count, INT8OID);
		case RK_OUT_ID_ARRAY:
			return rk_id_array(column->ids, (const uint32 *) column->data + from, count, id_type);
		case RK_OUT_INT4_ARRAY:
			elements = palloc(sizeof(Datum) * Max(count, 1));
			for (int64 i = 0; i < count; i++)
				elements[i] = Int32GetDatum((int32) ((const int64 *) column->data)[from + i]);
			return PointerGetDatum(construct_array(elements, count, INT4OID, 4, true, TYPALIGN_INT));
		default:
			elements = palloc(sizeof(Datum) * Max(count, 1));
			for (int64 i = 0; i < count; i++)
			{
				const rk_bytes *text = &((const rk_bytes *) column->data)[from + i];

				elements[i] = PointerGetDatum(cstring_to_text_with_len(text->data, text->length));
			}
			return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
	}
}

Datum
rk_id_array(const rk_ids *ids, const uint32 *nodes, int64 count, Oid type)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(count, 1));
	int16		length;
	bool		by_value;
	char		align;

	for (int64 i = 0; i < count; i++)
		elements[i] = rk_ids_datum(ids, nodes[i], type);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(elements, count, type, length, by_value, align));
}

void
rk_emit(rk_call *call, int64 rows, const rk_out *columns, const bool *keep)
{
	int			count = rk_column_count(call->function);
	Datum	   *values = palloc(sizeof(Datum) * count);
	bool	   *nulls = palloc0(sizeof(bool) * count);
	Oid			id_types[2] = {rk_emitted_id_type(call), rk_emitted_second_id_type(call)};
	MemoryContext row_memory = AllocSetContextCreate(CurrentMemoryContext, "rk row",
													 ALLOCSET_SMALL_SIZES);
	MemoryContext old;

	/* not among what is forgotten with each batch of rows */
	if (!call->scalar)
		rk_result_ready(call);
	old = MemoryContextSwitchTo(row_memory);
	rk_call_phase(call, "writing", rows);
	for (int64 row = 0; row < rows; row++)
	{
		if ((row & 1023) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row_memory);
			rk_progress(&call->ctx, row);
		}
		if (keep && !keep[row])
			continue;
		for (int c = 0; c < count; c++)
		{
			const rk_out *column = &columns[c];
			int64		at = column->index ? column->index[row] : row;
			rk_type		type = call->function->columns[c].type;
			Oid			id_type = id_types[type == RK_TYPE_ID2 || type == RK_TYPE_ID2_ARRAY];

			nulls[c] = column->nulls && column->nulls[at];
			if (nulls[c])
				continue;
			switch (column->kind)
			{
				case RK_OUT_ID:
					{
						uint32		node = column->data ? ((const uint32 *) column->data)[at] : (uint32) at;

						nulls[c] = column->data && node == RK_NO_NODE;
						if (!nulls[c])
							values[c] = rk_ids_datum(column->ids, node, id_type);
					}
					break;
				case RK_OUT_FLOAT8:
					values[c] = Float8GetDatum(((const double *) column->data)[at]);
					break;
				case RK_OUT_INT8:
					values[c] = Int64GetDatum(((const int64 *) column->data)[at]);
					nulls[c] = ((const int64 *) column->data)[at] < 0;
					break;
				case RK_OUT_UINT32:
					values[c] = Int64GetDatum(((const uint32 *) column->data)[at]);
					break;
				case RK_OUT_INT4:
					values[c] = Int32GetDatum((int32) ((const int64 *) column->data)[at]);
					break;
				case RK_OUT_OPTIONAL:
					values[c] = Float8GetDatum(((const double *) column->data)[at]);
					nulls[c] = isnan(((const double *) column->data)[at]);
					break;
				case RK_OUT_BOOLEAN:
					values[c] = BoolGetDatum(((const bool *) column->data)[at]);
					break;
				case RK_OUT_TEXT:
					{
						const rk_bytes *text = &((const rk_bytes *) column->data)[at];

						nulls[c] = text->data == NULL;
						if (!nulls[c])
							values[c] = PointerGetDatum(cstring_to_text_with_len(text->data, text->length));
					}
					break;
				case RK_OUT_CHOICE:
					nulls[c] = ((const int64 *) column->data)[at] < 0;
					if (!nulls[c])
						values[c] = CStringGetTextDatum(column->names[((const int64 *) column->data)[at]]);
					break;
				case RK_OUT_TIME:
				case RK_OUT_DATE:
				case RK_OUT_INTERVAL:
					{
						int64		v = ((const int64 *) column->data)[at];

						nulls[c] = v == RK_NO_TIME;
						if (!nulls[c])
							values[c] = column->kind == RK_OUT_TIME ? TimestampTzGetDatum(v) :
								column->kind == RK_OUT_DATE ? DateADTGetDatum((DateADT) v) : rk_us_to_interval(v);
					}
					break;
				case RK_OUT_DECIMAL:
					values[c] = rk_amount_to_numeric((rk_amount) {((const rk_decimal *) column->data)[at], column->scale});
					break;
				case RK_OUT_FLOAT8_ARRAY:
				case RK_OUT_INT8_ARRAY:
				case RK_OUT_INT4_ARRAY:
				case RK_OUT_TEXT_ARRAY:
				case RK_OUT_ID_ARRAY:
					values[c] = array_value(column, at, id_type);
					break;
				case RK_OUT_COMPUTED:
					nulls[c] = false;
					values[c] = column->fn(column->arg, row, &nulls[c]);
					break;
				case RK_OUT_NULL:
					nulls[c] = true;
					break;
			}
		}
		rk_emit_row(call, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_memory);
}

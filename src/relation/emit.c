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
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "../compute/csr.h"
#include "emit.h"

/* The type of a result column, given the type of ids. */
static Oid
column_type(rk_type type, Oid id)
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
		case RK_TYPE_INT8_ARRAY:
			return INT8ARRAYOID;
		default:
			return TEXTOID;
	}
}

/* The call that would have worked, for the hint. */
static char *
working_call(const rk_call *call, Oid type)
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
	if (!rk_has_id_value(f) && type != INT8OID)
		appendStringInfo(&s, ", id_type => NULL::%s", format_type_be(type));
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
				 errhint("Write: %s", working_call(call, stored))));
	call->id_type = stored;
	if (call->desc == NULL)
	{
		const rk_column *columns = call->function->columns;
		int			count = rk_column_count(call->function);

		call->desc = CreateTemplateTupleDesc(count);
		for (int i = 0; i < count; i++)
			TupleDescInitEntry(call->desc, i + 1, columns[i].name,
							   column_type(columns[i].type, stored), -1, 0);
		call->desc = BlessTupleDesc(call->desc);
	}
}

Oid
rk_emitted_id_type(const rk_call *call)
{
	return OidIsValid(call->expected_id_type) ? call->expected_id_type : call->id_type;
}

void
rk_emit_row(rk_call *call, Datum *values, bool *nulls)
{
	tuplestore_putvalues(call->rows, call->desc, values, nulls);
	call->rows_out++;
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
	Oid			id_type = rk_emitted_id_type(call);
	MemoryContext row_memory = AllocSetContextCreate(CurrentMemoryContext, "rk row",
													 ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row_memory);

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

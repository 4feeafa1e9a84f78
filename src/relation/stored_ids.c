/*
 * stored_ids.c
 *	  Ids as the bytes that a value of type rk.graph holds.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "../compat.h"
#include "stored_ids.h"

uint32
rk_id_width(Oid type)
{
	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			return sizeof(int64);
		case RK_READ_BYTES:
			return type == UUIDOID ? UUID_LEN : 0;
		default:
			return 0;
	}
}

void
rk_stored_id(rk_bytes bytes, Oid type, rk_one_id *id)
{
	int16		length;
	bool		by_value;

	id->vector = (rk_vector) {.ints = &id->as_int,.bytes = &id->as_bytes,.datums = &id->as_datum};
	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			memcpy(&id->as_int, bytes.data, sizeof(int64));
			break;
		case RK_READ_BYTES:
			id->as_bytes = bytes;
			break;
		default:
			get_typlenbyval(type, &length, &by_value);
			if (length == -1)
			{
				struct varlena *v = palloc(VARHDRSZ + bytes.length);

				SET_VARSIZE(v, VARHDRSZ + bytes.length);
				memcpy(VARDATA(v), bytes.data, bytes.length);
				id->as_datum = PointerGetDatum(v);
			}
			else if (by_value && bytes.length == sizeof(Datum))
				memcpy(&id->as_datum, bytes.data, sizeof(Datum));
			else if (!by_value && length > 0 && bytes.length == length)
			{
				char	   *copy = palloc(length);

				memcpy(copy, bytes.data, length);
				id->as_datum = PointerGetDatum(copy);
			}
			else
				ereport(ERROR,
						(errcode(ERRCODE_DATA_CORRUPTED),
						 errmsg("invalid graph value"),
						 errdetail("An id is not of type %s.", format_type_be(type))));
			break;
	}
}

rk_bytes
rk_bytes_of_id(const rk_ids *ids, int64 node, Oid type, Datum *buffer)
{
	int16		length;
	bool		by_value;
	Datum		value = rk_ids_datum(ids, node, type);

	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			*(int64 *) buffer = type == DATEOID ? DatumGetDateADT(value) : DatumGetInt64(value);
			return (rk_bytes) {(char *) buffer, sizeof(int64)};
		case RK_READ_BYTES:
			if (type == UUIDOID)
				return (rk_bytes) {(char *) DatumGetUUIDP(value)->data, UUID_LEN};
			break;
		default:
			get_typlenbyval(type, &length, &by_value);
			if (by_value)
			{
				*buffer = value;
				return (rk_bytes) {(char *) buffer, sizeof(Datum)};
			}
			if (length > 0)
				return (rk_bytes) {DatumGetPointer(value), length};
			break;
	}
	return (rk_bytes) {VARDATA_ANY(DatumGetPointer(value)), VARSIZE_ANY_EXHDR(DatumGetPointer(value))};
}

/*
 * ids.c
 *	  Numbering ids by their type: integers and dates by value, text and uuid
 *	  by bytes, everything else through the type's own operators.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "../compute/csr.h"
#include "ids.h"
#include "stored_ids.h"

#define MAX_COLUMNS RK_INT_COLUMNS
#define ARENA_BYTES (256 * 1024)

/* Ids of a type that only its own operators understand. */
typedef struct generic_ids
{
	FmgrInfo	hash;
	FmgrInfo	equal;
	FmgrInfo	compare;
	Oid			collation;
	int16		length;
	bool		by_value;
	Datum	   *values;			/* by code */
	uint32	   *hashes;
	int64		count;
	int64		capacity;
	uint32	   *slots;			/* code + 1, 0 empty */
	int64		mask;
	uint32	   *order;			/* by index: code */
	char	   *arena;			/* of the values that are not in a Datum */
	Size		arena_left;
} generic_ids;

struct rk_ids
{
	rk_call    *call;
	Oid			type;
	rk_read_kind kind;
	rk_id_column columns[MAX_COLUMNS];
	int			column_count;
	int64		count;			/* after finish */
	rk_int_columns int_columns; /* RK_READ_INT64: as they come in */
	int64	   *ints;			/* and sorted */
	rk_dictionary *dictionary;	/* RK_READ_BYTES */
	uint32	   *rank;			/* of a code, RK_READ_BYTES and _DATUM */
	uint32	   *order;			/* code of a rank */
	generic_ids generic;		/* RK_READ_DATUM */
	const rk_graph_view *view;	/* ids in a block: no dictionary, rank, order */
};

/* How to work with ids of a type that only its own operators understand. */
static void
generic_init(rk_call *call, Oid type, generic_ids *g)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO |
											  TYPECACHE_EQ_OPR_FINFO |
											  TYPECACHE_CMP_PROC_FINFO);

	fmgr_info_copy(&g->hash, &entry->hash_proc_finfo, call->memory);
	fmgr_info_copy(&g->equal, &entry->eq_opr_finfo, call->memory);
	fmgr_info_copy(&g->compare, &entry->cmp_proc_finfo, call->memory);
	g->collation = entry->typcollation;
	g->length = entry->typlen;
	g->by_value = entry->typbyval;
}

rk_ids *
rk_ids_create(rk_call *call, Oid type)
{
	rk_ids	   *ids = MemoryContextAllocZero(call->memory, sizeof(rk_ids));

	ids->call = call;
	ids->type = type;
	ids->kind = rk_read_kind_of_id(type);
	if (ids->kind == RK_READ_BYTES)
	{
		ids->dictionary = rk_dictionary_create(&call->ctx);
		if (ids->dictionary == NULL)
			rk_call_check(call, RK_ERR_MEMORY);
	}
	else if (ids->kind == RK_READ_DATUM)
	{
		generic_ids *g = &ids->generic;

		generic_init(call, type, g);
		g->capacity = 1024;
		g->values = rk_call_alloc(call, g->capacity, Datum);
		g->hashes = rk_call_alloc(call, g->capacity, uint32);
		g->mask = 4095;
		g->slots = rk_call_alloc(call, g->mask + 1, uint32);
		memset(g->slots, 0, sizeof(uint32) * (g->mask + 1));
	}
	return ids;
}

rk_ids *
rk_ids_of_view(rk_call *call, const rk_graph_view *view)
{
	rk_ids	   *ids = MemoryContextAllocZero(call->memory, sizeof(rk_ids));

	ids->call = call;
	ids->type = view->header->id_type;
	ids->kind = rk_read_kind_of_id(ids->type);
	ids->count = view->header->nodes;
	ids->view = view;
	if (ids->kind == RK_READ_INT64)
		ids->ints = (int64 *) view->ids;
	else if (ids->kind == RK_READ_DATUM)
		generic_init(call, ids->type, &ids->generic);
	return ids;
}

rk_id_column *
rk_ids_column(rk_ids *ids, int64 rows)
{
	rk_id_column *column;

	if (ids->column_count == MAX_COLUMNS)
		elog(ERROR, "too many id columns");
	column = &ids->columns[ids->column_count];
	column->number = ids->column_count++;
	column->capacity = Max(rows + rows / 16, 1024);
	if (ids->kind == RK_READ_INT64)
		rk_call_check(ids->call, rk_int_columns_add(&ids->call->ctx, &ids->int_columns, column->capacity));
	else
		column->codes = rk_call_alloc(ids->call, column->capacity, uint32);
	return column;
}

/* ---- any other type ---- */

/* The hash of a value, mixed once more for the mask. */
static inline uint32
generic_hash(const generic_ids *g, Datum value)
{
	return murmurhash32(DatumGetUInt32(FunctionCall1Coll((FmgrInfo *) &g->hash, g->collation, value)));
}

/*
 * Values may be equal and yet differ in bytes (numeric 1.0 and 1.00, interval
 * '1 day' and '24 hours').  The one that is shown is the one with the fewest
 * bytes, then the first by bytes, so that it does not depend on the order of
 * the rows.
 */
static bool
shown_first(const generic_ids *g, Datum a, Datum b)
{
	Size		la;
	Size		lb;

	if (g->by_value)
		return a < b;
	if (g->length != -1)
		return memcmp(DatumGetPointer(a), DatumGetPointer(b), datumGetSize(a, false, g->length)) < 0;
	la = VARSIZE_ANY_EXHDR(DatumGetPointer(a));
	lb = VARSIZE_ANY_EXHDR(DatumGetPointer(b));
	if (la != lb)
		return la < lb;
	return memcmp(VARDATA_ANY(DatumGetPointer(a)), VARDATA_ANY(DatumGetPointer(b)), la) < 0;
}

static int64
generic_find(const generic_ids *g, Datum value, uint32 hash, int64 *slot)
{
	int64		at = hash & g->mask;

	while (g->slots[at] != 0)
	{
		uint32		code = g->slots[at] - 1;

		if (g->hashes[code] == hash &&
			DatumGetBool(FunctionCall2Coll((FmgrInfo *) &g->equal, g->collation, g->values[code], value)))
			return code;
		at = (at + 1) & g->mask;
	}
	*slot = at;
	return -1;
}

/* A copy of a value that lasts as long as the call, and counts as its memory. */
static Datum
keep_value(rk_ids *ids, Datum value)
{
	generic_ids *g = &ids->generic;
	Size		size;
	char	   *copy;

	if (g->by_value)
		return value;
	size = datumGetSize(value, false, g->length);
	if (g->arena_left < size)
	{
		g->arena_left = Max(size, ARENA_BYTES);
		g->arena = rk_call_alloc(ids->call, g->arena_left, char);
	}
	copy = g->arena;
	memcpy(copy, DatumGetPointer(value), size);
	size = Min(MAXALIGN(size), g->arena_left);
	g->arena += size;
	g->arena_left -= size;
	return PointerGetDatum(copy);
}

static uint32
generic_add(rk_ids *ids, Datum value)
{
	generic_ids *g = &ids->generic;
	uint32		hash = generic_hash(g, value);
	int64		slot;
	int64		code = generic_find(g, value, hash, &slot);

	if (code >= 0)
	{
		if (shown_first(g, value, g->values[code]))
			g->values[code] = keep_value(ids, value);
		return code;
	}
	if (g->count >= RK_MAX_NODES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("relation has more than %lld different ids", (long long) RK_MAX_NODES)));
	if (g->count == g->capacity)
	{
		g->capacity *= 2;
		g->values = rk_realloc(&ids->call->ctx, g->values, g->capacity, sizeof(Datum));
		if (g->values == NULL)
			rk_call_check(ids->call, RK_ERR_MEMORY);
		g->hashes = rk_realloc(&ids->call->ctx, g->hashes, g->capacity, sizeof(uint32));
		if (g->hashes == NULL)
			rk_call_check(ids->call, RK_ERR_MEMORY);
	}
	if (g->count * 2 > g->mask)
	{
		rk_free(&ids->call->ctx, g->slots);
		g->mask = g->mask * 4 + 3;
		g->slots = rk_call_alloc(ids->call, g->mask + 1, uint32);
		memset(g->slots, 0, sizeof(uint32) * (g->mask + 1));
		for (int64 i = 0; i < g->count; i++)
		{
			int64		at = g->hashes[i] & g->mask;

			while (g->slots[at] != 0)
				at = (at + 1) & g->mask;
			g->slots[at] = i + 1;
		}
		generic_find(g, value, hash, &slot);
	}
	g->values[g->count] = keep_value(ids, value);
	g->hashes[g->count] = hash;
	g->slots[slot] = g->count + 1;
	return g->count++;
}

static int
generic_compare(const void *a, const void *b, void *arg)
{
	generic_ids *g = arg;

	/* sorting millions of values by their own operator takes seconds */
	CHECK_FOR_INTERRUPTS();
	return DatumGetInt32(FunctionCall2Coll(&g->compare, g->collation,
										   g->values[*(const uint32 *) a],
										   g->values[*(const uint32 *) b]));
}

/* ---- columns ---- */

void
rk_ids_append(rk_ids *ids, rk_id_column *column, const rk_vector *values, int rows)
{
	if (ids->kind == RK_READ_INT64)
	{
		rk_call_check(ids->call, rk_int_columns_append(&ids->call->ctx, &ids->int_columns,
													   column->number, values->ints, rows));
		column->count += rows;
		return;
	}
	if (column->count + rows > column->capacity)
	{
		column->capacity = Max(column->capacity * 2, column->count + rows);
		column->codes = rk_realloc(&ids->call->ctx, column->codes, column->capacity, sizeof(uint32));
		if (column->codes == NULL)
			rk_call_check(ids->call, RK_ERR_MEMORY);
	}
	switch (ids->kind)
	{
		case RK_READ_BYTES:
			rk_call_check(ids->call,
						  rk_dictionary_add(ids->dictionary, values->bytes, rows,
											column->codes + column->count));
			break;
		default:
			for (int i = 0; i < rows; i++)
				column->codes[column->count + i] = generic_add(ids, values->datums[i]);
			break;
	}
	column->count += rows;
}

void
rk_ids_finish(rk_ids *ids)
{
	rk_call    *call = ids->call;

	if (ids->kind == RK_READ_INT64)
	{
		rk_call_check(call, rk_dense_ints(&call->ctx, &ids->int_columns, &ids->ints, &ids->count));
		for (int c = 0; c < ids->column_count; c++)
			ids->columns[c].codes = ids->int_columns.columns[c].codes;
		return;
	}
	ids->count = ids->kind == RK_READ_BYTES ? rk_dictionary_count(ids->dictionary) : ids->generic.count;
	ids->rank = rk_call_alloc(call, ids->count, uint32);
	ids->order = rk_call_alloc(call, ids->count, uint32);
	if (ids->kind == RK_READ_BYTES)
		rk_call_check(call, rk_dictionary_sort(ids->dictionary, ids->rank, ids->order));
	else
	{
		for (int64 i = 0; i < ids->count; i++)
			ids->order[i] = i;
		qsort_arg(ids->order, ids->count, sizeof(uint32), generic_compare, &ids->generic);
		for (int64 i = 0; i < ids->count; i++)
		{
			if ((i & 0xffff) == 0)
				CHECK_FOR_INTERRUPTS();
			ids->rank[ids->order[i]] = i;
		}
	}
	for (int c = 0; c < ids->column_count; c++)
	{
		rk_id_column *column = &ids->columns[c];

		for (int64 i = 0; i < column->count; i++)
		{
			if ((i & 0xffff) == 0)
				CHECK_FOR_INTERRUPTS();
			column->codes[i] = ids->rank[column->codes[i]];
		}
	}
}

int64
rk_ids_count(const rk_ids *ids)
{
	return ids->count;
}

Oid
rk_ids_type(const rk_ids *ids)
{
	return ids->type;
}

/* ---- looking up ---- */

/* Order of two ids that are not integers, the second one stored. */
static int
compare_stored(const rk_ids *ids, const rk_vector *values, int i, rk_bytes stored)
{
	rk_one_id	id;

	if (ids->kind == RK_READ_BYTES)
	{
		rk_bytes	a = values->bytes[i];
		int			order = memcmp(a.data, stored.data, Min(a.length, stored.length));

		return order != 0 ? order : (a.length > stored.length) - (a.length < stored.length);
	}
	rk_stored_id(stored, ids->type, &id);
	return DatumGetInt32(FunctionCall2Coll((FmgrInfo *) &ids->generic.compare, ids->generic.collation,
										   values->datums[i], id.as_datum));
}

/* Index of row i in the ids of a block, or -1. */
static int64
find_in_view(const rk_ids *ids, const rk_vector *values, int i)
{
	int64		low = 0;
	int64		high = ids->count;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;
		int			order = compare_stored(ids, values, i, rk_graph_bytes_id(ids->view, middle));

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

int64
rk_ids_find(const rk_ids *ids, const rk_vector *values, int i)
{
	int64		code;
	int64		slot;

	if (ids->view && ids->kind != RK_READ_INT64)
		return find_in_view(ids, values, i);
	switch (ids->kind)
	{
		case RK_READ_INT64:
			return rk_dense_find_int(ids->ints, ids->count, values->ints[i]);
		case RK_READ_BYTES:
			code = rk_dictionary_find(ids->dictionary, values->bytes[i]);
			break;
		default:
			code = generic_find(&ids->generic, values->datums[i],
								generic_hash(&ids->generic, values->datums[i]), &slot);
			break;
	}
	return code < 0 ? -1 : (int64) ids->rank[code];
}

int64
rk_ids_find_datum(const rk_ids *ids, Datum value)
{
	int64		as_int;
	rk_bytes	as_bytes;
	rk_vector	vector = {.ints = &as_int,.bytes = &as_bytes,.datums = &value};

	switch (ids->kind)
	{
		case RK_READ_INT64:
			as_int = ids->type == DATEOID ? DatumGetDateADT(value) : DatumGetInt64(value);
			break;
		case RK_READ_BYTES:
			if (ids->type == UUIDOID)
				as_bytes = (rk_bytes) {(char *) DatumGetUUIDP(value)->data, UUID_LEN};
			else
			{
				text	   *t = DatumGetTextPP(value);

				as_bytes = (rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
			}
			break;
		default:
			if (ids->generic.length == -1)
				value = PointerGetDatum(PG_DETOAST_DATUM(value));
			break;
	}
	return rk_ids_find(ids, &vector, 0);
}

/* ---- and back ---- */

/* Integers in the type the caller expects. */
static Datum
int_datum(int64 value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			if (value < PG_INT16_MIN || value > PG_INT16_MAX)
				break;
			return Int16GetDatum((int16) value);
		case INT4OID:
			if (value < PG_INT32_MIN || value > PG_INT32_MAX)
				break;
			return Int32GetDatum((int32) value);
		case DATEOID:
			return DateADTGetDatum((DateADT) value);
		default:
			return Int64GetDatum(value);
	}
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("id %lld is out of range for type %s", (long long) value, format_type_be(type)),
			 errhint("Write id_type => NULL::bigint, or give the source as bigint.")));
}

Datum
rk_ids_datum(const rk_ids *ids, int64 index, Oid type)
{
	char		buffer[16];
	rk_bytes	bytes;

	switch (ids->kind)
	{
		case RK_READ_INT64:
			return int_datum(ids->ints[index], type);
		case RK_READ_BYTES:
			bytes = ids->view ? rk_graph_bytes_id(ids->view, index) :
				rk_dictionary_key(ids->dictionary, ids->order[index], buffer);
			if (ids->type == UUIDOID)
			{
				pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

				memcpy(uuid->data, bytes.data, UUID_LEN);
				return UUIDPGetDatum(uuid);
			}
			if (type == NAMEOID)
				return DirectFunctionCall1(text_name,
										   PointerGetDatum(cstring_to_text_with_len(bytes.data, bytes.length)));
			return PointerGetDatum(cstring_to_text_with_len(bytes.data, bytes.length));
		default:
			if (ids->view)
			{
				rk_one_id	id;

				rk_stored_id(rk_graph_bytes_id(ids->view, index), ids->type, &id);
				return id.as_datum;
			}
			return ids->generic.values[ids->order[index]];
	}
}

static char *
datum_text(Datum value, Oid type)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

char *
rk_ids_text(const rk_ids *ids, int64 index)
{
	return datum_text(rk_ids_datum(ids, index, ids->type), ids->type);
}

char *
rk_vector_text(const rk_vector *values, rk_read_kind kind, Oid type, int i)
{
	switch (kind)
	{
		case RK_READ_INT64:
			return datum_text(int_datum(values->ints[i], rk_id_storage_type(type)), rk_id_storage_type(type));
		case RK_READ_BYTES:
			if (type == UUIDOID)
				return datum_text(UUIDPGetDatum((pg_uuid_t *) values->bytes[i].data), UUIDOID);
			return pnstrdup(values->bytes[i].data, values->bytes[i].length);
		case RK_READ_FLOAT8:
			return datum_text(Float8GetDatum(values->floats[i]), FLOAT8OID);
		default:
			return datum_text(values->datums[i], type);
	}
}

/* ---- memory ---- */

rk_ids_need
rk_ids_memory(Oid type, int64 ids, int64 values, double range, int64 width)
{
	int64		codes = sizeof(uint32) * values;
	int64		read = values + values / 16;	/* rows that columns are made for */
	rk_ids_need need;

	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			need.reading = rk_int_width(range) * read;
			need.kept = sizeof(int64) * ids;
			/* codes take the place of narrow values, but come beside wide ones */
			need.numbering = need.reading + (rk_int_width(range) == sizeof(int64) ? codes : 0) +
				rk_dense_ints_memory(ids, values, range);
			break;
		case RK_READ_BYTES:
			need.kept = rk_dictionary_memory(ids, width) + 2 * sizeof(uint32) * ids;
			need.reading = sizeof(uint32) * read + need.kept;
			need.numbering = need.reading + rk_dictionary_sort_memory(ids);
			break;
		default:
			need.kept = ids * (int64) (2 * (sizeof(Datum) + sizeof(uint32)) + 4 * sizeof(uint32));
			need.reading = sizeof(uint32) * read + need.kept;
			need.numbering = need.reading;
			break;
	}
	return need;
}

/*
 * archive.c
 *	  Checkpoints for people: going back to an older one, and taking one to
 *	  another server.
 *
 * A ring that goes back gets the old state as its newest checkpoint, with the
 * present end of the log as its place: the log is never numbered anew, so what
 * was published stays published once, and a later checkpoint can still be
 * gone back to.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "port/pg_crc32c.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "../compat.h"
#include "catalog.h"
#include "host.h"

PG_FUNCTION_INFO_V1(rk_ring_restore);
PG_FUNCTION_INFO_V1(rk_checkpoint_export);
PG_FUNCTION_INFO_V1(rk_checkpoint_import);

#define CHUNK (1024 * 1024)
#define MAGIC "rkchkpt"			/* with its zero: 8 bytes */

/* What an exported checkpoint begins with; the bytes of the state follow. */
typedef struct export_header
{
	char		magic[8];
	uint32		format;
	uint32		kernel_version;
	uint64		bytes;
	uint32		crc;			/* of the state */
	uint32		unused;
	char		kernel[64];
} export_header;

/* The last place of a ring's log that was ever given: $1 is the ring. */
#define END_OF_LOG "(SELECT max(seq) FROM (SELECT max(apply_seq) FROM rk.ring_log WHERE ring_id = $1 " \
	"UNION ALL SELECT max(apply_seq) FROM rk.checkpoint WHERE ring_id = $1 UNION ALL SELECT 0) s (seq))"

/* The ring that a checkpoint is of, which the caller must control; SPI is not connected. */
static char *
ring_of_checkpoint(int64 id, rk_ring_row *row)
{
	return rk_controlled_ring_of("checkpoint",
								 "SELECT r.name FROM rk.checkpoint c JOIN rk.ring r USING (ring_id) WHERE checkpoint_id = $1",
								 id, row);
}

Datum
rk_ring_restore(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		id = PG_GETARG_INT64(1);
	rk_ring_row row;
	rk_ring_row of;
	rk_catalog	catalog;
	bool		suspended;

	rk_controlled_ring(name, &row);
	if (strcmp(ring_of_checkpoint(id, &of), name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("checkpoint %lld is of ring \"%s\"", (long long) id, of.name)));
	suspended = rk_state_may_be_replaced(name, &row);
	rk_catalog_open(&catalog);
	{
		Oid			types[] = {INT4OID, INT8OID};
		Datum		values[] = {Int32GetDatum(row.ring_id), Int64GetDatum(id)};

		rk_run_sql("WITH made AS (INSERT INTO rk.checkpoint (ring_id, apply_seq, epoch, format_version, kernel_version, "
				   "bytes, crc32c) SELECT ring_id, " END_OF_LOG ", epoch, format_version, kernel_version, bytes, crc32c "
				   "FROM rk.checkpoint WHERE checkpoint_id = $2 RETURNING checkpoint_id) "
				   "INSERT INTO rk.checkpoint_chunk SELECT made.checkpoint_id, n, data FROM rk.checkpoint_chunk c, made "
				   "WHERE c.checkpoint_id = $2", 2, types, values, NULL);
	}
	rk_catalog_close(&catalog);
	if (suspended)
		rk_restart_at_commit(&row);
	PG_RETURN_VOID();
}

Datum
rk_checkpoint_export(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	rk_ring_row row;
	rk_catalog	catalog;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(id)};
	export_header header = {.magic = MAGIC};
	bool		is_null;
	MemoryContext memory = CurrentMemoryContext;
	bytea	   *result;
	char	   *at;

	(void) ring_of_checkpoint(id, &row);
	strlcpy(header.kernel, row.kernel, sizeof(header.kernel));
	rk_catalog_open(&catalog);
	rk_run_sql("SELECT format_version, kernel_version, bytes, crc32c FROM rk.checkpoint WHERE checkpoint_id = $1", 1, types,
			   values, NULL);
	header.format = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	header.kernel_version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
	header.bytes = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &is_null));
	header.crc = (uint32) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &is_null));
	if (header.bytes > MaxAllocSize - VARHDRSZ - sizeof(header))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("checkpoint %lld has %llu bytes, which is more than a bytea holds", (long long) id,
						(unsigned long long) header.bytes)));
	result = MemoryContextAlloc(memory, VARHDRSZ + sizeof(header) + header.bytes);
	SET_VARSIZE(result, VARHDRSZ + sizeof(header) + header.bytes);
	memcpy(VARDATA(result), &header, sizeof(header));
	at = VARDATA(result) + sizeof(header);
	rk_run_sql("SELECT data FROM rk.checkpoint_chunk WHERE checkpoint_id = $1 ORDER BY n", 1, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bytea	   *piece = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));

		if (at + VARSIZE_ANY_EXHDR(piece) > (char *) result + VARSIZE(result))
			ereport(ERROR,
					(errcode(RK_ERRCODE_CHECKPOINT),
					 errmsg("checkpoint %lld is corrupt", (long long) id)));
		memcpy(at, VARDATA_ANY(piece), VARSIZE_ANY_EXHDR(piece));
		at += VARSIZE_ANY_EXHDR(piece);
	}
	rk_catalog_close(&catalog);
	if (at != (char *) result + VARSIZE(result))
		ereport(ERROR,
				(errcode(RK_ERRCODE_CHECKPOINT),
				 errmsg("checkpoint %lld is corrupt", (long long) id)));
	PG_RETURN_BYTEA_P(result);
}

static void
check_exported(const char *data, int64 length, const rk_ring_row *row, export_header *header)
{
	pg_crc32c	crc;

	if (length < sizeof(*header))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("this is no exported checkpoint")));
	memcpy(header, data, sizeof(*header));
	header->kernel[sizeof(header->kernel) - 1] = '\0';
	if (memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0 || header->bytes != length - sizeof(*header))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("this is no exported checkpoint")));
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data + sizeof(*header), header->bytes);
	FIN_CRC32C(crc);
	if (crc != header->crc)
		ereport(ERROR,
				(errcode(RK_ERRCODE_CHECKPOINT),
				 errmsg("the exported checkpoint is corrupt")));
	if (strcmp(header->kernel, row->kernel) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the checkpoint is of kernel \"%s\", ring \"%s\" of \"%s\"", header->kernel, row->name, row->kernel)));
}

Datum
rk_checkpoint_import(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea	   *given = PG_GETARG_BYTEA_PP(1);
	const char *data = VARDATA_ANY(given);
	int64		length = VARSIZE_ANY_EXHDR(given);
	export_header header;
	rk_ring_row row;
	rk_catalog	catalog;
	bool		is_null;
	int64		id;
	bool		suspended;

	rk_controlled_ring(name, &row);
	check_exported(data, length, &row, &header);
	suspended = rk_state_may_be_replaced(name, &row);
	rk_catalog_open(&catalog);
	{
		Oid			types[] = {INT4OID, INT4OID, INT4OID, INT4OID, INT8OID, INT8OID};
		Datum		values[] = {Int32GetDatum(row.ring_id), Int32GetDatum(row.epoch), Int32GetDatum(header.format),
		Int32GetDatum(header.kernel_version), Int64GetDatum(header.bytes), Int64GetDatum(header.crc)};

		rk_run_sql("INSERT INTO rk.checkpoint (ring_id, apply_seq, epoch, format_version, kernel_version, bytes, crc32c) "
				   "VALUES ($1, " END_OF_LOG ", $2, $3, $4, $5, $6) RETURNING checkpoint_id", 6, types, values, NULL);
		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	}
	for (int64 at = 0, n = 0; at < header.bytes; at += CHUNK, n++)
	{
		int64		size = Min(header.bytes - at, CHUNK);
		bytea	   *piece = palloc(VARHDRSZ + size);
		Oid			types[] = {INT8OID, INT4OID, BYTEAOID};
		Datum		values[] = {Int64GetDatum(id), Int32GetDatum(n), PointerGetDatum(piece)};

		SET_VARSIZE(piece, VARHDRSZ + size);
		memcpy(VARDATA(piece), data + sizeof(header) + at, size);
		rk_run_sql("INSERT INTO rk.checkpoint_chunk VALUES ($1, $2, $3)", 3, types, values, NULL);
		pfree(piece);
	}
	rk_catalog_close(&catalog);
	if (suspended)
		rk_restart_at_commit(&row);
	PG_RETURN_INT64(id);
}

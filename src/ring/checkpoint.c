/*
 * checkpoint.c
 *	  The state of a ring on disk: written between messages, read at the start.
 *
 * A checkpoint is one row of rk.checkpoint and its bytes in pieces of 1 MB in
 * rk.checkpoint_chunk, in one transaction; so it is in WAL, backups and on
 * standbys.  The bytes:
 *
 *	  magic, format, version of the actor's snapshot
 *	  idempotency keys: count, then hash, message id and time of each
 *	  the actor's snapshot
 *
 * apply_seq says which part of the log is in it.  The state is copied in one
 * go, at the speed of memory, and nothing is handled meanwhile; while the copy
 * is written, messages are, between pieces.  The newest ones are kept
 * (rk.checkpoints_kept); the log before the oldest of them is removed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "port/pg_crc32c.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "host.h"

#define MAGIC 0x6B72434B		/* "KCrk" */
#define FORMAT 1
#define CHUNK (1024 * 1024)

typedef struct checkpoint_header
{
	uint32		magic;
	uint32		format;
	uint32		version;		/* of the actor's snapshot */
	uint32		keys;
} checkpoint_header;

typedef struct key_record
{
	uint64		hash[2];
	int64		message_id;
	int64		wall_ns;
} key_record;

/* ---- idempotency keys ---- */

static HTAB *
keys_of(rk_hosted *h)
{
	if (h->keys == NULL)
	{
		HASHCTL		control = {.keysize = 16,.entrysize = sizeof(rk_key),.hcxt = h->memory};

		h->keys = hash_create("rk idempotency keys", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return h->keys;
}

void
rk_keys_clear(rk_hosted *h)
{
	if (h->keys)
		hash_destroy(h->keys);
	h->keys = NULL;
	h->oldest_key = h->newest_key = NULL;
}

rk_key *
rk_key_find(rk_hosted *h, const uint64 *hash)
{
	rk_key	   *key = hash_search(keys_of(h), hash, HASH_FIND, NULL);

	return key && key->wall_ns + h->options.dedup_ms * 1000000 > rk_wall_ns(h->now_ns) ? key : NULL;
}

void
rk_key_add(rk_hosted *h, const uint64 *hash, int64 message_id, int64 wall_ns)
{
	bool		found;
	rk_key	   *key;

	while (h->oldest_key && (hash_get_num_entries(keys_of(h)) >= h->options.dedup_keys ||
							 h->oldest_key->wall_ns + h->options.dedup_ms * 1000000 < wall_ns))
	{
		rk_key	   *old = h->oldest_key;

		h->oldest_key = old->next;
		if (h->oldest_key == NULL)
			h->newest_key = NULL;
		hash_search(keys_of(h), old->hash, HASH_REMOVE, NULL);
	}
	key = hash_search(keys_of(h), hash, HASH_ENTER, &found);
	key->message_id = message_id;
	key->wall_ns = wall_ns;
	if (found)
		return;
	key->next = NULL;
	if (h->newest_key)
		h->newest_key->next = key;
	else
		h->oldest_key = key;
	h->newest_key = key;
}

/* ---- writing ---- */

/* Bytes that grow, outside of PostgreSQL's memory: nothing may be raised here. */
typedef struct image
{
	char	   *data;
	size_t		size;
	size_t		capacity;
} image;

static rk_status
image_write(rk_writer *writer, rk_ctx *ctx, const void *data, size_t size)
{
	image	   *i = writer->arg;

	if (i->size + size > (size_t) rk_max_checkpoint_size_kb * 1024)
		return rk_fail(ctx, RK_ERR_LIMIT, "the checkpoint would be larger than rk.max_checkpoint_size, %d MB",
					   rk_max_checkpoint_size_kb / 1024);
	if (i->size + size > i->capacity)
	{
		size_t		capacity = Max(i->capacity * 2, i->size + size + 65536);
		char	   *larger = realloc(i->data, capacity);

		if (larger == NULL)
			return rk_fail(ctx, RK_ERR_MEMORY, "no memory for a checkpoint of %zu bytes", i->size + size);
		i->data = larger;
		i->capacity = capacity;
	}
	if (size > 0)
		memcpy(i->data + i->size, data, size);
	i->size += size;
	return RK_OK;
}

typedef struct write_arg
{
	rk_hosted  *h;
	image		image;
	int64		id;
} write_arg;

static void
write_rows(void *arg)
{
	write_arg  *a = arg;
	rk_hosted  *h = a->h;
	rk_catalog	catalog;
	pg_crc32c	crc;
	int			kept = h->options.checkpoints_kept > 0 ? h->options.checkpoints_kept : rk_checkpoints_kept;
	bool		is_null;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, a->image.data, a->image.size);
	FIN_CRC32C(crc);
	rk_catalog_open(&catalog);
	{
		Oid			types[] = {INT4OID, INT8OID, INT4OID, INT4OID, INT4OID, INT8OID, INT8OID};
		Datum		values[] = {
			Int32GetDatum(h->ring_id), Int64GetDatum(h->ring->apply_seq),
			Int32GetDatum(atomic_load(&h->ring->epoch)), Int32GetDatum(FORMAT),
			Int32GetDatum(h->actor->version), Int64GetDatum(a->image.size), Int64GetDatum(crc)
		};

		rk_run_sql("INSERT INTO rk.checkpoint (ring_id, apply_seq, epoch, format_version, kernel_version, bytes, crc32c) "
				   "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING checkpoint_id", 7, types, values, NULL);
		a->id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	}
	for (size_t at = 0, n = 0; at < a->image.size; at += CHUNK, n++)
	{
		size_t		size = Min(a->image.size - at, CHUNK);
		bytea	   *piece = palloc(VARHDRSZ + size);
		Oid			types[] = {INT8OID, INT4OID, BYTEAOID};
		Datum		values[] = {Int64GetDatum(a->id), Int32GetDatum(n), PointerGetDatum(piece)};

		SET_VARSIZE(piece, VARHDRSZ + size);
		memcpy(VARDATA(piece), a->image.data + at, size);
		rk_run_sql("INSERT INTO rk.checkpoint_chunk VALUES ($1, $2, $3)", 3, types, values, NULL);
		pfree(piece);
		rk_host_breathe();
	}
	{
		Oid			types[] = {INT4OID, INT4OID};
		Datum		values[] = {Int32GetDatum(h->ring_id), Int32GetDatum(kept)};

		rk_run_sql("DELETE FROM rk.checkpoint WHERE ring_id = $1 AND checkpoint_id NOT IN (SELECT checkpoint_id FROM "
				   "rk.checkpoint WHERE ring_id = $1 ORDER BY checkpoint_id DESC LIMIT $2)", 2, types, values, NULL);
		rk_run_sql("DELETE FROM rk.ring_log WHERE ring_id = $1 AND apply_seq <= (SELECT min(apply_seq) FROM "
				   "rk.checkpoint WHERE ring_id = $1)", 1, types, values, NULL);
	}
	rk_catalog_close(&catalog);
}

bool
rk_checkpoint_write(rk_hosted *h)
{
	write_arg	arg = {.h = h};
	rk_writer	writer = {.write = image_write,.arg = &arg.image};
	checkpoint_header header = {MAGIC, FORMAT, h->actor->version, 0};
	int64		began = rk_now_ns();
	int64		changes = h->ring->since_checkpoint;
	rk_status	status;
	bool		good;

	if (rk_host_read_only)
		return false;
	if (h->away && !rk_away_fetch(h))
	{
		rk_away_lost(h);
		return false;
	}
	h->ctx.error.status = RK_OK;
	for (rk_key *k = h->oldest_key; k; k = k->next)
		header.keys++;
	status = image_write(&writer, &h->ctx, &header, sizeof(header));
	for (rk_key *k = h->oldest_key; k && status == RK_OK; k = k->next)
	{
		key_record	record = {{k->hash[0], k->hash[1]}, k->message_id, k->wall_ns};

		status = image_write(&writer, &h->ctx, &record, sizeof(record));
	}
	if (status == RK_OK)
	{
		rk_act(h->ring);
		status = h->actor->snapshot(&h->ctx, h->state, &writer);
		rk_act_end(h->ring);
	}
	if (status != RK_OK)
	{
		rk_ring_error(h->ring, h->ctx.error.message);
		ereport(WARNING,
				(errmsg("checkpoint of ring \"%s\" failed: %s", NameStr(h->ring->name), h->ctx.error.message)));
		free(arg.image.data);
		return false;
	}
	h->checkpoint_wanted = false;
	good = rk_in_transaction(h->ring, "writing a checkpoint", write_rows, &arg);
	free(arg.image.data);
	h->now_ns = rk_now_ns();
	if (good)
	{
		h->ring->since_checkpoint -= changes;
		h->ring->checkpoint_id = arg.id;
		h->ring->checkpoint_at = GetCurrentTimestamp();
		h->ring->checkpoint_bytes = arg.image.size;
		h->ring->checkpoint_ms = (h->now_ns - began) / 1000000;
	}
	return good;
}

/* ---- reading ---- */

/* The bytes of a checkpoint, or NULL when they are not what was written. */
static char *
read_image(int64 id, int64 bytes, uint32 crc_expected)
{
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(id)};
	char	   *data = MemoryContextAllocHuge(CurrentMemoryContext, bytes + 1);
	int64		at = 0;
	pg_crc32c	crc;

	rk_run_sql("SELECT data FROM rk.checkpoint_chunk WHERE checkpoint_id = $1 ORDER BY n", 1, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		is_null;
		bytea	   *piece = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		int64		size = VARSIZE_ANY_EXHDR(piece);

		if (at + size > bytes)
			return NULL;
		memcpy(data + at, VARDATA_ANY(piece), size);
		at += size;
	}
	SPI_freetuptable(SPI_tuptable);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, at);
	FIN_CRC32C(crc);
	return at == bytes && crc == crc_expected ? data : NULL;
}

/* Makes the state from the bytes. */
static bool
restore_image(rk_hosted *h, const char *data, int64 bytes)
{
	rk_reader	reader = {data, bytes};
	checkpoint_header header;
	rk_status	status;

	if (rk_read_bytes(&h->ctx, &reader, &header, sizeof(header)) != RK_OK || header.magic != MAGIC)
		return false;
	if (header.format > FORMAT || header.version > h->actor->version)
		ereport(ERROR,
				(errcode(RK_ERRCODE_CHECKPOINT),
				 errmsg("checkpoint of ring \"%s\" was written by a newer version of the library",
						NameStr(h->ring->name))));
	for (uint32 i = 0; i < header.keys; i++)
	{
		key_record	record;

		if (rk_read_bytes(&h->ctx, &reader, &record, sizeof(record)) != RK_OK)
			return false;
		rk_key_add(h, record.hash, record.message_id, record.wall_ns);
	}
	rk_act(h->ring);
	status = h->actor->restore(&h->ctx, &h->options.kernel, header.version, &reader, &h->state);
	rk_act_end(h->ring);
	/* told to stop in the middle: nothing is wrong with the checkpoint */
	if (status == RK_STOPPED)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("restoring ring \"%s\" was stopped", NameStr(h->ring->name))));
	/* nor where the options of the ring do not go with it, or not as much memory */
	if (status == RK_ERR_PARAMETER || status == RK_ERR_MEMORY)
		rk_actor_error(h);
	return status == RK_OK;
}

/*
 * The log is applied as it comes.  Where it has lost the rows that come next, or
 * does not have all messages, as those of a volatile ring, a newer checkpoint
 * is what to begin with.
 */
bool
rk_checkpoint_overtakes(rk_hosted *h)
{
	Oid			types[] = {INT4OID, INT8OID, INT8OID};
	Datum		values[] = {Int32GetDatum(h->ring_id), Int64GetDatum(h->ring->checkpoint_id),
	Int64GetDatum(h->ring->apply_seq)};

	return rk_run_sql("SELECT FROM rk.checkpoint c JOIN rk.ring r USING (ring_id) WHERE ring_id = $1 AND checkpoint_id > $2 "
					  "AND (c.apply_seq > $3 OR r.options->>'durability' IS DISTINCT FROM 'journal' "
					  "AND NOT EXISTS (SELECT FROM rk.ring_output o WHERE o.ring_id = r.ring_id)) LIMIT 1", 3, types, values,
					  NULL) > 0;
}

bool
rk_checkpoint_restore(rk_hosted *h)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id)};
	uint64		count = rk_run_sql("SELECT checkpoint_id, apply_seq, bytes, crc32c FROM rk.checkpoint "
								   "WHERE ring_id = $1 ORDER BY checkpoint_id DESC", 1, types, values, NULL);
	SPITupleTable *table = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		bool		is_null;
		HeapTuple	t = table->vals[i];
		int64		id = DatumGetInt64(SPI_getbinval(t, table->tupdesc, 1, &is_null));
		int64		seq = DatumGetInt64(SPI_getbinval(t, table->tupdesc, 2, &is_null));
		int64		bytes = DatumGetInt64(SPI_getbinval(t, table->tupdesc, 3, &is_null));
		int64		crc = DatumGetInt64(SPI_getbinval(t, table->tupdesc, 4, &is_null));
		char	   *data = read_image(id, bytes, (uint32) crc);
		bool		good = data && restore_image(h, data, bytes);

		if (data)
			pfree(data);
		if (good)
		{
			h->ring->apply_seq = seq;
			h->ring->checkpoint_id = id;
			h->ring->checkpoint_bytes = bytes;
			h->ring->since_checkpoint = 0;
			return true;
		}
		ereport(WARNING,
				(errcode(RK_ERRCODE_CHECKPOINT),
				 errmsg("checkpoint %lld of ring \"%s\" is corrupt, trying the one before", (long long) id,
						NameStr(h->ring->name))));
		rk_ctx_destroy(&h->ctx);
		rk_hosted_ctx(h);
	}
	if (count > 0)
		ereport(ERROR,
				(errcode(RK_ERRCODE_CHECKPOINT),
				 errmsg("no checkpoint of ring \"%s\" can be read", NameStr(h->ring->name)),
				 errhint("SELECT rk.ring_reset(%s) begins with an empty state.",
						 quote_literal_cstr(NameStr(h->ring->name)))));
	return false;
}

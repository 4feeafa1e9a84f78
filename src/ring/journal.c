/*
 * journal.c
 *	  Messages from tables, exactly once; the log of a ring; dead letters.
 *
 * A row trigger (attach.c) writes messages to rk.ring_journal in the user's
 * transaction, so that they exist if and only if it commits.  The host moves
 * the rows it can see to rk.ring_log, in one transaction, and numbers them with
 * the ring's apply_seq: rows of one transaction stay together, in the order in
 * which they were written.  A transaction comes after all whose effects it has
 * seen: its last row was written after theirs.  A transaction that commits
 * late is moved late; nothing waits for it and it is not forgotten, as no high
 * water mark is kept of the journal: what is moved is gone from there.
 *
 * Then the log is applied to the state from apply_seq on.  After a crash the
 * same happens from the checkpoint's apply_seq on.  A message is in the state
 * once: it is in the log once, and the checkpoint says up to where the state
 * has it.
 *
 * With durability "journal", messages sent directly are in the log before they
 * are applied.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "convert.h"
#include "host.h"

#define PAGE 10000				/* rows of the log applied at a time */

static void write_dead_letters(int32 ring_id);

/* ---- from the journal to the log ---- */

typedef struct intake_arg
{
	rk_hosted **rings;
	int			count;
	int64	   *moved;
} intake_arg;

/* A ring that is up; one that is suspended lets messages from tables wait, too. */
static bool
takes_in(const rk_hosted *h)
{
	return h->state != NULL && atomic_load(&h->ring->state) != RK_RING_SUSPENDED;
}

static void
count_rows(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id)};
	bool		is_null;

	rk_catalog_open(&catalog);
	rk_run_sql("SELECT count(*) FROM rk.ring_journal WHERE ring_id = $1", 1, types, values, NULL);
	h->ring->journal_backlog = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	rk_catalog_close(&catalog);
}

void
rk_journal_count(rk_hosted *h)
{
	rk_in_transaction(h->ring, "counting the journal", count_rows, h);
}

/* Holds a ring until the end of the transaction, so that it is not dropped; false: it has been. */
static bool
hold_ring(int32 ring_id)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(ring_id)};

	return rk_run_sql("SELECT FROM rk.ring WHERE ring_id = $1 FOR KEY SHARE", 1, types, values, NULL) > 0;
}

static void
intake(void *arg)
{
	intake_arg *a = arg;
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	/* losing this commit only puts the rows back, so nobody waits for the disk */
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	/* the rows of a large statement pass through memory three times */
	(void) set_config_option("work_mem", "64MB", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	/* mostly there is nothing, and that is found out at the price of one look */
	if (rk_run_sql("SELECT FROM rk.ring_journal LIMIT 1", 0, NULL, NULL, NULL) > 0)
	{
		for (int i = 0; i < a->count; i++)
		{
			rk_hosted  *h = a->rings[i];
			Oid			types[] = {INT4OID, INT8OID};
			Datum		values[] = {Int32GetDatum(h->ring_id), Int64GetDatum(h->ring->logged_seq)};

			if (!takes_in(h) || !hold_ring(h->ring_id))
				continue;
			/* read again below: an output that came with the rows begins with them */
			a->moved[i] = rk_run_sql(
									 "WITH moved AS (DELETE FROM rk.ring_journal WHERE ring_id = $1 RETURNING *), "
									 "whole AS (SELECT *, max(id) OVER (PARTITION BY xid) AS last_id FROM moved) "
									 "INSERT INTO rk.ring_log (ring_id, apply_seq, type_id, priority, hops, message_id, sent_at_ns, role, payload) "
									 "SELECT ring_id, $2 + row_number() OVER (ORDER BY last_id, id), type_id, priority, hops, id, "
									 "sent_at_ns, role, payload FROM whole", 2, types, values, NULL);
			if (a->moved[i] > 0)
				rk_outputs_read(h, h->ring->logged_seq);
		}
	}
	rk_catalog_close(&catalog);
}

typedef struct apply_arg
{
	rk_hosted  *h;
} apply_arg;

static void
apply_in_transaction(void *arg)
{
	apply_arg  *a = arg;
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	rk_log_apply(a->h, false);
	rk_catalog_close(&catalog);
}

/* Applies what is in the log; a ring whose records cannot be written has failed. */
static bool
apply_log(rk_hosted *h)
{
	apply_arg	a = {.h = h};
	bool		good;
	bool		ahead;

	h->published = false;
	good = rk_in_transaction(h->ring, "applying the log", apply_in_transaction, &a);
	/* the state is, of what it should have written: a ring that fails applies them again */
	ahead = !good && (h->output_count > 0 || h->published || h->records.size > 0 || h->records.failed);
	rk_dead_written(good || ahead);
	if (good)
		return true;
	if (ahead)
		rk_ring_failed(h);
	return false;
}

static void
look_at_primary(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	/* stays set if this fails */
	h->checkpoint_wanted = true;
	if (!rk_checkpoint_overtakes(h))
	{
		rk_log_apply(h, true);
		h->checkpoint_wanted = false;
	}
	rk_catalog_close(&catalog);
}

/* On a standby: what the primary has written about a ring since the last look. */
static void
follow_primary(rk_hosted *h)
{
	if (h->state == NULL || !rk_in_transaction(h->ring, "following the primary server", look_at_primary, h))
		return;
	if (h->checkpoint_wanted)
	{
		h->checkpoint_wanted = false;
		rk_ctx_destroy(&h->ctx);
		h->state = NULL;
		rk_launch(h);
	}
}

void
rk_journal_intake(rk_hosted **rings, int count)
{
	int64	   *moved;
	intake_arg	arg = {.rings = rings,.count = count};

	if (count == 0)
		return;
	if (rk_host_read_only)
	{
		for (int i = 0; i < count; i++)
			follow_primary(rings[i]);
		return;
	}
	moved = MemoryContextAllocZero(TopMemoryContext, sizeof(int64) * count);
	arg.moved = moved;
	if (rk_in_transaction(NULL, "taking the journal in", intake, &arg))
		for (int i = 0; i < count; i++)
		{
			rings[i]->ring->logged_seq += moved[i];
			rings[i]->has_log |= moved[i] > 0;
		}
	pfree(moved);
	for (int i = 0; i < count; i++)
	{
		if (rings[i]->checkpoint_wanted && rings[i]->state)
			(void) rk_checkpoint_write(rings[i]);
		if (rings[i]->has_log && takes_in(rings[i]))
			(void) apply_log(rings[i]);
	}
}

/* ---- from the log to the state ---- */

void
rk_log_apply(rk_hosted *h, bool replay)
{
	rk_ring    *ring = h->ring;
	int64		rows;
	rk_status	status;

	do
	{
		Oid			types[] = {INT4OID, INT8OID};
		Datum		values[] = {Int32GetDatum(h->ring_id), Int64GetDatum(ring->apply_seq)};

		int			level = NewGUCNestLevel();

		/* without statistics of a table that has just been filled the rest of it would be sorted each time */
		(void) set_config_option("enable_sort", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		rows = rk_run_sql("SELECT apply_seq, type_id, priority, message_id, sent_at_ns, role::oid, payload, key, refused, hops "
						  "FROM rk.ring_log WHERE ring_id = $1 AND apply_seq > $2 ORDER BY apply_seq LIMIT 10000",
						  2, types, values, NULL);
		AtEOXact_GUC(false, level);
		for (int64 i = 0; i < rows; i++)
		{
			HeapTuple	t = SPI_tuptable->vals[i];
			TupleDesc	d = SPI_tuptable->tupdesc;
			bool		is_null;
			bytea	   *payload = DatumGetByteaPP(SPI_getbinval(t, d, 7, &is_null));
			int			length = VARSIZE_ANY_EXHDR(payload);
			int64		aligned[RK_INLINE_PAYLOAD / 8];
			rk_message	m = {
				.type_id = DatumGetInt32(SPI_getbinval(t, d, 2, &is_null)),
				.length = length,
				.id = DatumGetInt64(SPI_getbinval(t, d, 4, &is_null)),
				.sent_ns = DatumGetInt64(SPI_getbinval(t, d, 5, &is_null)),
				.apply_seq = DatumGetInt64(SPI_getbinval(t, d, 1, &is_null)),
				.role = DatumGetObjectId(SPI_getbinval(t, d, 6, &is_null)),
				.priority = DatumGetInt16(SPI_getbinval(t, d, 3, &is_null)),
				.hops = DatumGetInt16(SPI_getbinval(t, d, 10, &is_null)),
				.replay = replay
			};
			const rk_message_type *type = rk_actor_message(h->actor, m.type_id);
			bool		refused = DatumGetBool(SPI_getbinval(t, d, 9, &is_null));
			void	   *copy = length <= sizeof(aligned) ? (void *) aligned : palloc(length);

			memcpy(copy, VARDATA_ANY(payload), length);
			m.payload = copy;
			if (refused)
				;				/* it has been dealt with */
			else if (type == NULL || type->request_size != length)
				rk_dead_letter_message(h, &m, "invalid", ERRCODE_INVALID_PARAMETER_VALUE,
									   "the payload does not fit the message type");
			else if ((status = rk_apply(h, &m)) == RK_OK)
			{
				Datum		key = SPI_getbinval(t, d, 8, &is_null);
				uint64		hash[2];

				if (!is_null)
				{
					memcpy(hash, VARDATA_ANY(DatumGetByteaPP(key)), sizeof(hash));
					rk_key_add(h, hash, m.id, m.sent_ns);
				}
			}
			else
			{
				if (status == RK_STOPPED)
					ereport(ERROR,
							(errcode(ERRCODE_QUERY_CANCELED),
							 errmsg("log of ring \"%s\" could not be applied: the host was told to stop",
									NameStr(ring->name))));
				/* whatever the reason, at every replay it counts as refused: the state is the same */
				ring->failed++;
				rk_dead_letter_message(h, &m, status == RK_ERR_MEMORY ? "max_retries" : "rejected",
									   rk_status_code(status), h->ctx.error.message);
			}
			ring->apply_seq = m.apply_seq;
			if (!replay && i % 256 == 255)
				rk_host_breathe();
			if (copy != aligned)
				pfree(copy);
		}
		SPI_freetuptable(SPI_tuptable);
		if (!rk_host_read_only)
			write_dead_letters(h->ring_id);
		rk_output_write(h);
	} while (rows == PAGE);
	h->has_log = false;
	ring->logged_seq = Max(ring->logged_seq, ring->apply_seq);
}

/* ---- direct messages with durability "journal" ---- */

typedef struct log_arg
{
	rk_hosted  *h;
	rk_slot   **slots;
	int			count;
} log_arg;

/* Writes messages by a command with $1 ring, $2 end of the log, $3.. arrays of SLOT_COLUMNS. */
#define SLOT_COLUMNS "ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5), " \
	"pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9), pg_catalog.unnest($10)) " \
	"WITH ORDINALITY AS u(t, p, m, s, r, b, k, h, n)"

static void
write_slots(log_arg *a, const char *command)
{
	rk_catalog	catalog;
	Datum	   *column[8];
	bool	   *no_key;
	Datum		values[10];
	Oid			types[10] = {INT4OID, INT8OID, INT4ARRAYOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, OIDARRAYOID,
	BYTEAARRAYOID, BYTEAARRAYOID, INT2ARRAYOID};
	int			dims[] = {a->count};
	int			bounds[] = {1};
	int64		seq = a->h->ring->logged_seq;

	rk_catalog_open(&catalog);
	for (int i = 0; i < lengthof(column); i++)
		column[i] = palloc(sizeof(Datum) * a->count);
	no_key = palloc(sizeof(bool) * a->count);
	for (int i = 0; i < a->count; i++)
	{
		rk_slot    *s = a->slots[i];
		bytea	   *payload = palloc(VARHDRSZ + s->length);

		SET_VARSIZE(payload, VARHDRSZ + s->length);
		memcpy(VARDATA(payload), rk_slot_payload(s), s->length);
		column[0][i] = Int32GetDatum(s->type_id);
		column[1][i] = Int16GetDatum(s->priority);
		column[2][i] = Int64GetDatum(s->message_id);
		column[3][i] = Int64GetDatum(rk_wall_ns(s->sent_ns));
		column[4][i] = ObjectIdGetDatum(s->role);
		column[5][i] = PointerGetDatum(payload);
		column[7][i] = Int16GetDatum(s->flags & RK_SLOT_EXTRA ? s->hops : 0);
		no_key[i] = !(s->flags & RK_SLOT_EXTRA) || (s->key_hash[0] | s->key_hash[1]) == 0;
		if (!no_key[i])
		{
			bytea	   *key = palloc(VARHDRSZ + sizeof(s->key_hash));

			SET_VARSIZE(key, VARHDRSZ + sizeof(s->key_hash));
			memcpy(VARDATA(key), s->key_hash, sizeof(s->key_hash));
			column[6][i] = PointerGetDatum(key);
		}
	}
	values[0] = Int32GetDatum(a->h->ring_id);
	values[1] = Int64GetDatum(seq);
	values[2] = PointerGetDatum(construct_array(column[0], a->count, INT4OID, 4, true, TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(column[1], a->count, INT2OID, 2, true, TYPALIGN_SHORT));
	values[4] = PointerGetDatum(construct_array(column[2], a->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[5] = PointerGetDatum(construct_array(column[3], a->count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[6] = PointerGetDatum(construct_array(column[4], a->count, OIDOID, 4, true, TYPALIGN_INT));
	values[7] = PointerGetDatum(construct_array(column[5], a->count, BYTEAOID, -1, false, TYPALIGN_INT));
	values[8] = PointerGetDatum(construct_md_array(column[6], no_key, 1, dims, bounds, BYTEAOID, -1, false,
												   TYPALIGN_INT));
	values[9] = PointerGetDatum(construct_array(column[7], a->count, INT2OID, 2, true, TYPALIGN_SHORT));
	rk_run_sql(command, 10, types, values, NULL);
	rk_catalog_close(&catalog);
}

static void
log_rows(void *arg)
{
	write_slots(arg, "INSERT INTO rk.ring_log (ring_id, apply_seq, type_id, priority, message_id, sent_at_ns, role, payload, key, hops) "
				"SELECT ring_id, $2 + n, t, p, m, s, r, b, k, h FROM (SELECT ring_id FROM rk.ring WHERE ring_id = $1 FOR KEY SHARE) held, "
				SLOT_COLUMNS);
}

/* The same into the journal, where a message gets a new number; who sends with a key waits for the answer. */
static void
keep_rows(void *arg)
{
	write_slots(arg, "INSERT INTO rk.ring_journal (id, ring_id, xid, type_id, priority, sent_at_ns, role, payload, hops) "
				"SELECT pg_catalog.nextval('rk.ring_journal_id'), $1, pg_catalog.pg_current_xact_id(), t, p, s, r, b, h "
				"FROM (SELECT * FROM " SLOT_COLUMNS " WHERE $2 IS NOT NULL ORDER BY n) o");
}

void
rk_journal_keep(rk_hosted *h)
{
	int			capacity = 1000;
	rk_slot   **slots;

	if (rk_host_read_only || rk_queue_depth(h->queue) == 0)
		return;
	slots = MemoryContextAlloc(TopMemoryContext, sizeof(*slots) * capacity);
	for (int lane = 0; lane < RK_WORK_LANES; lane++)
		for (;;)
		{
			log_arg		arg = {.h = h,.slots = slots};
			int			seen = 0;
			rk_slot    *slot;

			for (; seen < capacity && (slot = rk_lane_peek(h->queue, lane, seen)) != NULL; seen++)
			{
				const rk_message_type *type = rk_actor_message(h->actor, slot->type_id);

				if ((slot->flags & RK_SLOT_REPLY) || type == NULL || !type->mutating || slot->length != type->request_size ||
					!rk_slot_intact(slot) || (slot->deadline_ns != 0 && rk_now_ns() > slot->deadline_ns))
					continue;
				slots[arg.count++] = slot;
			}
			if (arg.count > 0 && IsTransactionState())
				keep_rows(&arg);
			else if (arg.count > 0 && !rk_in_transaction(h->ring, "keeping the queue in the journal", keep_rows, &arg))
				break;
			if (seen == 0)
				break;
			for (int i = 0, kept = 0; i < seen; i++)
			{
				slot = rk_lane_peek(h->queue, lane, 0);
				if (kept < arg.count && slots[kept] == slot)
					kept++;
				else
					rk_discard(h, slot);
				rk_release(h, slot, lane);
			}
		}
	pfree(slots);
}

bool
rk_log_messages(rk_hosted *h, rk_slot **slots, int count)
{
	log_arg		arg = {.h = h,.slots = slots,.count = count};

	/* what the log has already comes first */
	if (h->has_log && !apply_log(h))
		return false;
	if (!rk_in_transaction(h->ring, "logging messages", log_rows, &arg))
		return false;
	h->ring->logged_seq += count;
	return true;
}

void
rk_log_newest(rk_hosted *h)
{
	Oid			types[] = {INT4OID, INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id), Int32GetDatum(RK_LOG_BATCH)};
	bool		is_null;

	h->ring->logged_seq = h->ring->apply_seq;
	h->logged_count = rk_run_sql("SELECT message_id, apply_seq FROM rk.ring_log WHERE ring_id = $1 "
								 "ORDER BY apply_seq DESC LIMIT $2", 2, types, values, NULL);
	for (int i = 0; i < h->logged_count; i++)
	{
		uint64		seq = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &is_null));

		h->logged[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		h->ring->logged_seq = Max(h->ring->logged_seq, seq);
	}
}

bool
rk_log_has(const rk_hosted *h, int64 message_id)
{
	for (int i = 0; i < h->logged_count; i++)
		if (h->logged[i] == message_id)
			return true;
	return false;
}

/* ---- dead letters ---- */

typedef struct dead_letter
{
	int32		ring_id;
	rk_message	message;		/* payload is a copy */
	int			sqlstate;
	bool		written;		/* in the transaction that is under way */
	char		reason[16];		/* empty: no letter, it is marked in the log alone */
	char		error[RK_ERROR_TEXT];
	struct dead_letter *next;
} dead_letter;

static dead_letter *dead = NULL;	/* oldest first */
static dead_letter **dead_end = &dead;

void
rk_dead_letter_message(rk_hosted *h, const rk_message *m, const char *reason, int sqlstate, const char *error)
{
	if (reason == NULL && m->apply_seq == 0)
		return;
	if (reason)
	{
		h->ring->dead_lettered++;
		h->trim_due_ns = 0;
	}
	rk_dead_letter_of(h->ring_id, m, reason, sqlstate, error);
}

void
rk_dead_letter_of(int32 ring_id, const rk_message *m, const char *reason, int sqlstate, const char *error)
{
	dead_letter *d;
	void	   *payload;

	d = MemoryContextAllocZero(TopMemoryContext, sizeof(*d));
	payload = MemoryContextAllocZero(TopMemoryContext, m->length + 1);
	memcpy(payload, m->payload, m->length);
	d->ring_id = ring_id;
	d->message = *m;
	d->message.payload = payload;
	d->sqlstate = sqlstate;
	if (reason)
		strlcpy(d->reason, reason, sizeof(d->reason));
	strlcpy(d->error, error, sizeof(d->error));
	*dead_end = d;
	dead_end = &d->next;
}

void
rk_dead_letter(rk_hosted *h, const rk_slot *slot, const char *reason, int sqlstate, const char *error)
{
	rk_message	m = {
		.type_id = slot->type_id,
		/* a message that is invalid may say anything */
		.length = Min(slot->length, rk_slot_room(slot)),
		.payload = rk_slot_payload(slot),
		.id = slot->message_id,
		.correlation_id = slot->flags & RK_SLOT_EXTRA ? slot->correlation_id : 0,
		.sent_ns = rk_wall_ns(slot->sent_ns),
		.role = slot->role,
		.priority = slot->priority
	};

	rk_dead_letter_message(h, &m, reason, sqlstate, error);
	rk_receipt_settle(slot, RK_DELIVERY_DEAD_LETTERED);
}

void
rk_dead_letter_write(int32 ring_id, const rk_message *m, const char *reason, int sqlstate, const char *error)
{
	Oid			types[] = {INT4OID, INT4OID, JSONBOID, TEXTOID, INT4OID, INT8OID, INT8OID, OIDOID, TEXTOID, INT2OID,
	TEXTOID, INT8OID};
	Datum		values[] = {
		Int32GetDatum(ring_id), Int32GetDatum(m->type_id),
		/* bytes that are not what was sent may be no fields */
		sqlstate == ERRCODE_DATA_CORRUPTED ? rk_bytes_to_jsonb(m->payload, m->length) :
		rk_payload_to_jsonb(rk_message_type_find(m->type_id), m->payload, m->length),
		CStringGetTextDatum(reason), Int32GetDatum(m->attempt), Int64GetDatum(m->id), Int64GetDatum(m->correlation_id),
		ObjectIdGetDatum(m->role), CStringGetTextDatum(error), Int16GetDatum(m->priority),
		CStringGetTextDatum(unpack_sql_state(sqlstate)), Int64GetDatum((int64) m->apply_seq)
	};

	rk_run_sql("INSERT INTO rk.dead_letter (ring_id, type_id, payload, reason, attempts, message_id, correlation_id, role, "
			   "error, priority, sqlstate, journal_id) SELECT $1, $2, $3, $4, $5, $6, nullif($7, 0), $8, $9, $10, $11, "
			   "nullif($12, 0) WHERE EXISTS (SELECT FROM rk.ring WHERE ring_id = $1)", 12, types, values, NULL);
}

/* Writes the letters of a ring's log, or of ring 0 all; the catalog is open. */
static void
write_dead_letters(int32 ring_id)
{
	for (dead_letter *d = dead; d; d = d->next)
	{
		Oid			types[] = {INT4OID, INT8OID};
		Datum		values[] = {Int32GetDatum(d->ring_id), Int64GetDatum((int64) d->message.apply_seq)};

		if (ring_id != 0 && (d->ring_id != ring_id || d->message.apply_seq == 0))
			continue;
		d->written = true;
		if (d->message.apply_seq != 0)
			rk_run_sql("UPDATE rk.ring_log SET refused = true WHERE ring_id = $1 AND apply_seq = $2", 2, types, values,
					   NULL);
		if (d->reason[0])
			rk_dead_letter_write(d->ring_id, &d->message, d->reason, d->sqlstate, d->error);
	}
}

static void
write_all(void *arg)
{
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	write_dead_letters(0);
	rk_catalog_close(&catalog);
}

void
rk_dead_written(bool good)
{
	dead_letter **p = &dead;

	while (*p)
	{
		dead_letter *d = *p;

		if (!d->written || !good)
		{
			d->written = false;
			p = &d->next;
			continue;
		}
		*p = d->next;
		pfree(unconstify(void *, d->message.payload));
		pfree(d);
	}
	dead_end = p;
}

bool
rk_dead_flush(void)
{
	bool		good = true;

	if (dead == NULL)
		return true;
	if (!rk_host_read_only)
		good = rk_in_transaction(NULL, "writing dead letters", write_all, NULL);
	for (dead_letter *d = dead; d; d = d->next)
		d->written = true;
	rk_dead_written(true);
	return good;
}

bool
rk_dead_settle(rk_hosted *h)
{
	for (dead_letter *d = dead; d; d = d->next)
		if (d->ring_id == h->ring_id && d->message.apply_seq != 0)
			return rk_dead_flush();
	return true;
}

static void
trim_dead_letters(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT4OID, FLOAT8OID};
	Datum		values[] = {Int32GetDatum(h->ring_id), Int32GetDatum(h->options.dlq_size),
	Float8GetDatum(h->options.dlq_age_ms / 1000.0)};

	rk_catalog_open(&catalog);
	rk_run_sql("DELETE FROM rk.dead_letter WHERE ring_id = $1 AND arrived_at < now() - $3 * interval '1 second'", 3, types,
			   values, NULL);
	/* tables that were dropped; what was to be written for them would still be */
	rk_run_sql("DELETE FROM rk.attachment a WHERE ring_id = $1 AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = a.relation) "
			   "AND NOT EXISTS (SELECT FROM rk.ring_output o WHERE o.attachment_id = a.attachment_id)", 3, types, values, NULL);
	rk_run_sql("DELETE FROM rk.dead_letter WHERE ring_id = $1 AND id <= (SELECT id FROM rk.dead_letter WHERE ring_id = $1 "
			   "ORDER BY id DESC OFFSET $2 LIMIT 1)", 3, types, values, NULL);
	rk_catalog_close(&catalog);
}

void
rk_dead_trim(rk_hosted *h)
{
	rk_in_transaction(h->ring, "removing dead letters", trim_dead_letters, h);
}

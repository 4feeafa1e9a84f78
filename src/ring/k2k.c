/*
 * k2k.c
 *	  Messages from ring to ring.
 *
 * A handler leaves messages for other rings (rk_send); when it has succeeded,
 * and before its sender has the answer, the host sends them.
 *
 * What is caused by a message that has a place in the log (one from a table, or
 * any that changes a ring with durability "journal") is written into the journal
 * of the ring that it is for, in the transaction that says how far the records of
 * the sending ring are written (output.c): it is there once, whatever crashes,
 * and waits for a ring that does not run.  The ring takes it in before it
 * handles what was sent after that transaction (rk_ring.inbox).
 *
 * Anything else goes into the queue, and is lost with it.  The host never waits
 * for room: the queue may be one that it has to work off itself.  Such a message
 * inherits deadline, correlation and trace of the one that caused it.
 *
 * Either inherits the priority, and is one hop further; after max_hops hops it
 * goes no further.
 *
 * A ring sends to rings of its owner or its tenant, unless rk.k2k_link says
 * otherwise.  What is not delivered is a dead letter, of the ring that it was
 * for where there is one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "../compat.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_k2k_allow);

/* A message in the buffer; its bytes follow, padded to 8. */
typedef struct kept_message
{
	char		ring[NAMEDATALEN];
	uint32		type_id;
	uint32		length;
	uint8		hops;			/* of a record; as what follows */
	uint8		priority;
	uint8		padding[6];
} kept_message;

/* Pairs of rings for which the rule of the owner does not hold, in order. */
typedef struct link_rule
{
	int32		source;
	int32		destination;
	bool		allowed;
} link_rule;

static link_rule *rules = NULL;
static int	rule_count = 0;

/* ---- who may send to whom ---- */

static int
by_rings(const void *a, const void *b)
{
	const link_rule *x = a;
	const link_rule *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->destination < y->destination ? -1 : x->destination > y->destination;
}

void
rk_links_read(void)
{
	uint64		count = rk_run_sql("SELECT s.ring_id, d.ring_id, coalesce(l.allowed, true) FROM rk.ring s CROSS JOIN rk.ring d "
								   "LEFT JOIN rk.k2k_link l ON l.source = s.ring_id AND l.destination = d.ring_id "
								   "WHERE l.allowed IS NOT NULL OR (s.tenant = d.tenant AND s.owner <> d.owner) "
								   "ORDER BY 1, 2", 0, NULL, NULL, NULL);
	link_rule  *read = MemoryContextAlloc(TopMemoryContext, sizeof(link_rule) * (count + 1));
	bool		is_null;

	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		TupleDesc	d = SPI_tuptable->tupdesc;

		read[i].source = DatumGetInt32(SPI_getbinval(t, d, 1, &is_null));
		read[i].destination = DatumGetInt32(SPI_getbinval(t, d, 2, &is_null));
		read[i].allowed = DatumGetBool(SPI_getbinval(t, d, 3, &is_null));
	}
	if (rules)
		pfree(rules);
	rules = read;
	rule_count = count;
}

static bool
permitted(const rk_ring *source, int32 destination, Oid owner)
{
	link_rule	key = {.source = source->ring_id,.destination = destination};
	link_rule  *rule = rule_count > 0 ? bsearch(&key, rules, rule_count, sizeof(link_rule), by_rings) : NULL;

	return rule ? rule->allowed : source->owner == owner;
}

/* ---- sending ---- */

void
rk_send_keep(rk_hosted *h, const char *ring, uint32 type_id, const void *payload, uint32 size)
{
	Size		needed = h->sends.size + sizeof(kept_message) + MAXALIGN(size);
	kept_message *m;

	/* on a standby only the primary's messages count */
	if (rk_host_read_only)
		return;
	if (needed > h->sends.capacity)
	{
		Size		capacity = Max(2 * h->sends.capacity, needed + 4096);
		char	   *larger = realloc(h->sends.data, capacity);

		if (larger == NULL)
		{
			h->sends.failed = true;
			return;
		}
		h->sends.data = larger;
		h->sends.capacity = capacity;
	}
	m = (kept_message *) (h->sends.data + h->sends.size);
	memset(m, 0, sizeof(*m));
	strlcpy(m->ring, ring, sizeof(m->ring));
	m->type_id = type_id;
	m->length = size;
	memcpy(m + 1, payload, size);
	h->sends.size = needed;
}

/* Puts one into its queue, or says why not; *destination: id of the ring, if there is one. */
static rk_delivery
send_one(rk_hosted *h, const kept_message *m, const rk_message *cause, const rk_slot *slot, int64 id, int32 *destination)
{
	bool		extra = slot && slot->flags & RK_SLOT_EXTRA;
	int			hops = cause->hops + 1;
	rk_ring    *ring;
	uint32		generation = 0;
	uint32		state = RK_RING_FREE;
	rk_delivery status;
	rk_slot		message;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, m->ring, 0);
	if (ring)
	{
		state = atomic_load(&ring->state);
		generation = atomic_load(&ring->generation);
		*destination = ring->ring_id;
	}
	LWLockRelease(rk_the_region->lock);
	if (ring == NULL || (state != RK_RING_ACTIVE && state != RK_RING_SUSPENDED))
		return RK_DELIVERY_NOT_FOUND;
	if (!permitted(h->ring, ring->ring_id, ring->owner))
		return RK_DELIVERY_TENANT;
	if (hops > h->options.max_hops)
		return RK_DELIVERY_MAX_HOPS;
	memset(&message, 0, sizeof(message));
	message.type_id = m->type_id;
	message.flags = RK_SLOT_EXTRA;
	message.priority = cause->priority;
	message.version = RK_SLOT_VERSION;
	message.length = m->length;
	message.message_id = id;
	message.deadline_ns = slot ? slot->deadline_ns : 0;
	message.sent_ns = rk_now_ns();
	message.tenant = cause->tenant;
	message.role = h->ring->owner;
	message.source = h->ring_id;
	message.correlation_id = cause->correlation_id ? cause->correlation_id : cause->id;
	message.hops = hops;
	if (extra)
	{
		memcpy(message.trace_id, slot->trace_id, sizeof(message.trace_id));
		message.span_id = slot->span_id;
		message.trace_flags = slot->trace_flags;
	}
	status = rk_queue_push(ring, generation, &message, m + 1);
	if (status == RK_DELIVERY_QUEUE_FULL)
		atomic_fetch_add(ring->overflow == RK_OVERFLOW_DROP ? &ring->dropped : &ring->rejected, 1);
	if (status == RK_DELIVERY_QUEUE_FULL && ring->overflow == RK_OVERFLOW_DROP)
		return RK_DELIVERY_PENDING;
	return status;
}

/* What a message of the log has left, as records. */
static void
record_kept(rk_hosted *h, const rk_message *cause)
{
	for (Size at = 0; at < h->sends.size;)
	{
		kept_message *m = (kept_message *) (h->sends.data + at);

		m->hops = cause->hops + 1;
		m->priority = cause->priority;
		at += sizeof(kept_message) + MAXALIGN(m->length);
		rk_record_send(h, cause, m, sizeof(kept_message) + m->length);
	}
	/* without it the ring's records are not all there */
	h->records.failed |= h->sends.failed;
	h->sends.failed = false;
}

/* In a transaction: the ring of this name, which is not dropped meanwhile; 0: there is none. */
static int32
hold_named(const char *name, Oid *owner)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	bool		is_null;

	if (rk_run_sql("SELECT ring_id, owner::oid FROM rk.ring WHERE name = $1 FOR KEY SHARE", 1, types, values, NULL) == 0)
		return 0;
	*owner = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

void
rk_send_recorded(rk_hosted *h, const void *data, const rk_message *cause)
{
	const kept_message *m = data;
	Oid			owner = InvalidOid;
	int32		destination = hold_named(m->ring, &owner);
	rk_message	letter = {
		.type_id = m->type_id,
		.length = m->length,
		.payload = m + 1,
		.correlation_id = cause->id,
		.role = h->ring->owner,
		.priority = m->priority
	};
	char		text[2 * NAMEDATALEN + 60];

	if (destination == 0)
	{
		snprintf(text, sizeof(text), "ring \"%s\" does not exist", m->ring);
		rk_dead_letter_write(h->ring_id, &letter, "not_found", ERRCODE_UNDEFINED_OBJECT, text);
	}
	else if (!permitted(h->ring, destination, owner))
	{
		snprintf(text, sizeof(text), "ring \"%s\" may not send to ring \"%s\"", NameStr(h->ring->name), m->ring);
		rk_dead_letter_write(h->ring_id, &letter, "rejected", ERRCODE_INSUFFICIENT_PRIVILEGE, text);
	}
	else if (m->hops > h->options.max_hops)
	{
		snprintf(text, sizeof(text), "message has passed %d rings on its way to \"%s\"", h->options.max_hops, m->ring);
		rk_dead_letter_write(destination, &letter, "hop_limit", RK_ERRCODE_DELIVERY, text);
	}
	else
	{
		bytea	   *payload = palloc(VARHDRSZ + m->length);
		Oid			user;
		int			security_context;

		SET_VARSIZE(payload, VARHDRSZ + m->length);
		memcpy(VARDATA(payload), m + 1, m->length);
		/* in the owner's name */
		GetUserIdAndSecContext(&user, &security_context);
		SetUserIdAndSecContext(h->ring->owner, security_context | SECURITY_LOCAL_USERID_CHANGE);
		(void) rk_journal_write(destination, m->type_id, m->priority, m->hops, payload);
		SetUserIdAndSecContext(user, security_context);
		rk_inbox_at_commit(destination);
		pfree(payload);
	}
}

void
rk_send_kept(rk_hosted *h, const rk_message *cause, const rk_slot *slot)
{
	char		text[2 * NAMEDATALEN + 60];

	if (cause->apply_seq != 0)
	{
		record_kept(h, cause);
		return;
	}
	for (Size at = 0; at < h->sends.size;)
	{
		const kept_message *m = (kept_message *) (h->sends.data + at);
		int64		id = ((int64) (rk_my_proc() + 1) << 40) + ++*rk_region_counter(rk_my_proc());
		int32		destination = 0;
		rk_message	letter = {
			.type_id = m->type_id,
			.length = m->length,
			.payload = m + 1,
			.id = id,
			.correlation_id = cause->correlation_id ? cause->correlation_id : cause->id,
			.role = h->ring->owner,
			.priority = cause->priority
		};

		at += sizeof(kept_message) + MAXALIGN(m->length);
		switch (send_one(h, m, cause, slot, id, &destination))
		{
			case RK_DELIVERY_NOT_FOUND:
				snprintf(text, sizeof(text), "ring \"%s\" does not run", m->ring);
				rk_dead_letter_of(destination ? destination : h->ring_id, &letter, "not_found",
								  destination ? RK_ERRCODE_NOT_RUNNING : ERRCODE_UNDEFINED_OBJECT, text);
				break;
			case RK_DELIVERY_TENANT:
				snprintf(text, sizeof(text), "ring \"%s\" may not send to ring \"%s\"", NameStr(h->ring->name), m->ring);
				rk_dead_letter_of(h->ring_id, &letter, "rejected", ERRCODE_INSUFFICIENT_PRIVILEGE, text);
				break;
			case RK_DELIVERY_MAX_HOPS:
				snprintf(text, sizeof(text), "message has passed %d rings on its way to \"%s\"", h->options.max_hops, m->ring);
				rk_dead_letter_of(destination, &letter, "hop_limit", RK_ERRCODE_DELIVERY, text);
				break;
			case RK_DELIVERY_QUEUE_FULL:
				snprintf(text, sizeof(text), "queue of ring \"%s\" is full", m->ring);
				rk_dead_letter_of(destination, &letter, "queue_full", RK_ERRCODE_QUEUE_FULL, text);
				break;
			default:
				break;
		}
	}
	if (h->sends.failed)
		rk_ring_error(h->ring, "no memory for messages to other rings");
	h->sends.failed = false;
}

/* ---- from SQL ---- */

/* rk.k2k_allow(source, destination, allowed): null takes the rule back */
Datum
rk_k2k_allow(PG_FUNCTION_ARGS)
{
	rk_ring_row source;
	rk_ring_row destination;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT4OID, BOOLOID};
	Datum		values[3];

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", PG_ARGISNULL(0) ? "source" : "destination")));
	rk_controlled_ring(text_to_cstring(PG_GETARG_TEXT_PP(1)), &destination);
	rk_ring_row_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &source);
	values[0] = Int32GetDatum(source.ring_id);
	values[1] = Int32GetDatum(destination.ring_id);
	values[2] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	rk_catalog_open(&catalog);
	if (PG_ARGISNULL(2))
		rk_run_sql("DELETE FROM rk.k2k_link WHERE source = $1 AND destination = $2", 2, types, values, NULL);
	else
		rk_run_sql("INSERT INTO rk.k2k_link VALUES ($1, $2, $3) ON CONFLICT (source, destination) "
				   "DO UPDATE SET allowed = excluded.allowed", 3, types, values, NULL);
	rk_catalog_close(&catalog);
	rk_rescan_at_commit();
	PG_RETURN_VOID();
}

/*
 * send.c
 *	  A session's side of a ring: finding it, sending, waiting for the reply.
 *
 * The way of a call: the payload is ready in local memory; take a reply slot;
 * claim a queue slot, copy, publish; wake the host if it sleeps; look at the
 * reply slot until it is done or rk.ring_spin_us has passed; then sleep on the
 * latch.  Nothing on this way locks or allocates.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "send.h"

static bool initialised = false;
static uint32 roles_epoch = 1;	/* changes when memberships may have changed */
static bool rescan_pending = false;
static bool intake_pending = false;
static List *inboxes = NIL;		/* ids of rings that this transaction has written messages for, as a ring */
static bool routes_changed = false;
static List *started = NIL;		/* names of rings that this transaction started */
static int	slots_in_use = 0;	/* calls of this statement under way */
static bool *kept = NULL;		/* by slot: its reply is fetched later */
static int	first_free = 0;		/* where to look for a reply slot */

static rk_reply_slot *
my_slots(void)
{
	return rk_region_replies() + (Size) rk_my_proc() * rk_the_region->inflight;
}

/* Gives up the calls that are under way; those for later only at the end. */
static void
abandon_all(bool final)
{
	rk_reply_slot *slots = my_slots();

	for (int i = 0; i < rk_the_region->inflight; i++)
	{
		rk_reply_state state = rk_reply_look(&slots[i]);

		if (!final && kept && kept[i])
			continue;
		if (state == RK_REPLY_FREE || state == RK_REPLY_ABANDONED || rk_reply_abandon(&slots[i]))
			continue;
		if (slots[i].in_slab)
			rk_slab_give(rk_region_slab(), slots[i].block);
		rk_reply_end(&slots[i]);
	}
	slots_in_use = 0;
}

static void
send_exit(int code, Datum arg)
{
	atomic_store(rk_region_hazard(rk_my_proc()), 0);
	abandon_all(true);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (rescan_pending)
				rk_request_rescan(MyDatabaseId);
			for (ListCell *c = list_head(inboxes); c; c = lnext(inboxes, c))
				rk_request_inbox(MyDatabaseId, lfirst_int(c));
			if (intake_pending)
				rk_request_intake(MyDatabaseId);
			/* FALLTHROUGH */
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			if (slots_in_use > 0)
				abandon_all(false);
			/* after an abort, too: what it had changed was perhaps seen by itself */
			if (routes_changed || rescan_pending)
				atomic_fetch_add(&rk_the_region->routes_epoch, 1);
			routes_changed = false;
			rescan_pending = false;
			intake_pending = false;
			inboxes = NIL;
			started = NIL;
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	/* a call is under way within one statement only */
	if (event == SUBXACT_EVENT_ABORT_SUB && slots_in_use > 0)
		abandon_all(false);
}

static void
roles_changed(Datum arg, int cache, uint32 hash)
{
	roles_epoch++;
}

void
rk_send_init(void)
{
	if (initialised)
		return;
	rk_region_required();
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
	before_shmem_exit(send_exit, 0);
	initialised = true;
}

void
rk_rescan_at_commit(void)
{
	rk_send_init();
	rescan_pending = true;
}

void
rk_intake_at_commit(void)
{
	rk_send_init();
	intake_pending = true;
}

void
rk_inbox_at_commit(int32 ring_id)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	rk_intake_at_commit();
	inboxes = list_append_unique_int(inboxes, ring_id);
	MemoryContextSwitchTo(old);
}

void
rk_routes_changed(void)
{
	rk_send_init();
	routes_changed = true;
}

bool
rk_routes_dirty(void)
{
	return routes_changed || rescan_pending;
}

void
rk_started_here(const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	rk_send_init();
	started = lappend(started, pstrdup(name));
	MemoryContextSwitchTo(old);
}

/* ---- finding ---- */

void
rk_not_during_recovery(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("ring is not available during recovery"),
			 errhint("Send to the primary server. A ring with the option \"standby\": \"readonly\" answers here what changes nothing.")));
}

/*
 * Whether a ring is to be started anew, which its host has not done yet.  What
 * is read of it may be that of another ring by now: then this is asked again.
 */
bool
rk_ring_restarts(const rk_ring *ring, const char *name)
{
	rk_ring_row row;

	return rk_ring_row_read(name, &row) && row.restarts != ring->row_restarts &&
		(strcmp(row.desired_state, "running") == 0 || strcmp(row.desired_state, "suspended") == 0);
}

static void not_running(const char *name, const char *state) __attribute__((noreturn));

static void
not_running(const char *name, const char *state)
{
	ereport(ERROR,
			(errcode(RK_ERRCODE_NOT_RUNNING),
			 errmsg("ring \"%s\" is not running", name),
			 errdetail("Its state is \"%s\".", state),
			 errhint("SELECT rk.ring_start(kernel, name) FROM rk.ring WHERE name = %s;", quote_literal_cstr(name))));
}

/* Whether messages may be put in the queue. */
static inline bool
accepting(const rk_ring *ring)
{
	uint32		state = atomic_load_explicit(&ring->state, memory_order_relaxed);

	return state == RK_RING_ACTIVE || state == RK_RING_SUSPENDED;
}

/* Looks the ring up by the slow way: directory, then table.  type_id as in rk_ring_handle. */
static rk_ring *
find_slowly(const char *name, int64 deadline_ns, uint32 type_id)
{
	const rk_message_type *type = type_id ? rk_message_type_find(type_id) : NULL;
	bool		asked = false;

	rk_send_init();
	for (;;)
	{
		rk_ring    *ring;
		rk_ring_state state = RK_RING_FREE;
		rk_ring_row row;

		LWLockAcquire(rk_the_region->lock, LW_SHARED);
		ring = rk_directory_find(MyDatabaseId, name, 0);
		if (ring)
			state = ring->state;
		LWLockRelease(rk_the_region->lock);
		if (ring && accepting(ring))
			return ring;
		if (ring == NULL && RecoveryInProgress())
			rk_not_during_recovery();
		if ((state == RK_RING_DRAINING || state == RK_RING_TERMINATING) && !rk_ring_restarts(ring, name))
			not_running(name, rk_ring_state_name(state));
		if (state == RK_RING_FAILED && !rk_ring_restarts(ring, name))
			ereport(ERROR,
					(errcode(RK_ERRCODE_NOT_RUNNING),
					 errmsg("ring \"%s\" has failed", name),
					 errdetail("%s", ring->error),
					 errhint("SELECT rk.ring_restart(%s);", quote_literal_cstr(name))));
		for (ListCell *c = list_head(started); c; c = lnext(started, c))
			if (strcmp(lfirst(c), name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("ring \"%s\" starts when this transaction commits", name)));
		if (!rk_ring_row_read(name, &row))
			rk_no_such_ring(name, type ? type->kernel : NULL);
		if (strcmp(row.desired_state, "running") != 0 && strcmp(row.desired_state, "suspended") != 0)
			not_running(name, "terminated");
		/* a database that was restored has no host yet */
		if (ring == NULL && !asked)
			rk_request_rescan(MyDatabaseId);
		asked = true;
		if (deadline_ns != 0 && rk_now_ns() > deadline_ns)
			ereport(ERROR,
					(errcode(RK_ERRCODE_DEADLINE),
					 errmsg("ring \"%s\" did not come up in time", name),
					 errdetail("Its state is \"%s\".", ring ? rk_ring_state_name(state) : "pending")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 5, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void admit(rk_ring_handle *handle, rk_ring *ring, const char *text);

/* Whether the handle's ring is that of this name, takes messages, and those of the current user. */
static inline bool
still_good(const rk_ring_handle *handle, const char *name, int length)
{
	rk_ring    *ring = handle->ring;

	return ring && handle->length == length && memcmp(handle->name, name, length) == 0 &&
		atomic_load_explicit(&ring->generation, memory_order_acquire) == handle->generation &&
		accepting(ring) && handle->user == GetUserId() && handle->roles_epoch == roles_epoch &&
		handle->access_epoch == atomic_load_explicit(&ring->access_epoch, memory_order_relaxed);
}

rk_ring *
rk_ring_find(rk_ring_handle *handle, const char *name, int length, int64 deadline_ns)
{
	rk_ring    *ring = handle->ring;
	char		text[NAMEDATALEN];

	if (still_good(handle, name, length))
		return ring;

	length = pg_mbcliplen(name, length, NAMEDATALEN - 1);
	memcpy(text, name, length);
	text[length] = '\0';
	handle->ring = NULL;
	if (deadline_ns == 0)
		deadline_ns = rk_now_ns() + INT64CONST(10000000000);
	ring = find_slowly(text, deadline_ns, handle->type_id);
	admit(handle, ring, text);
	return ring;
}

rk_ring *
rk_ring_look(rk_ring_handle *handle, const char *name)
{
	rk_ring    *ring;

	if (still_good(handle, name, strlen(name)))
		return handle->ring;
	rk_send_init();
	handle->ring = NULL;
	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, name, 0);
	LWLockRelease(rk_the_region->lock);
	if (ring == NULL || !accepting(ring))
		return NULL;
	admit(handle, ring, name);
	return ring;
}

/* Fills in the handle of a ring that was found, if the current user may send to it. */
static void
admit(rk_ring_handle *handle, rk_ring *ring, const char *text)
{
	handle->generation = atomic_load(&ring->generation);
	handle->access_epoch = atomic_load(&ring->access_epoch);
	handle->roles_epoch = roles_epoch;
	handle->user = GetUserId();
	handle->length = strlen(text);
	strlcpy(handle->name, text, NAMEDATALEN);
	if (!handle->controls && !has_privs_of_role(handle->user, ring->owner) &&
		!rk_ring_access(ring->ring_id, handle->user, "send"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ring \"%s\"", text),
				 errhint("Its owner can run SELECT rk.ring_grant(%s, %s, 'send');", quote_literal_cstr(text),
						 quote_literal_cstr(GetUserNameFromId(handle->user, false)))));
	rk_ring_kernel_check(rk_actors[ring->kernel]);
	handle->ring = ring;
}

int64
rk_call_deadline(const rk_ring *ring, int64 now_ns, int64 timeout_ms)
{
	int64		ms = ring->message_timeout_ms;

	if (timeout_ms > 0)
		ms = timeout_ms;
	if (rk_timeout_ms > 0)
		ms = Min(ms, rk_timeout_ms);
	if (rk_max_timeout_ms > 0)
		ms = Min(ms, rk_max_timeout_ms);
	return now_ns + ms * 1000000;
}

/* ---- sending ---- */

/* Reads the value of rk.trace_context into the slot; false if it is not one. */
static bool
trace_parent(rk_slot *slot, const char *text)
{
	unsigned	byte[26];
	int			n = 0;

	if (strlen(text) != 55 || strncmp(text, "00-", 3) != 0)
		return false;
	for (const char *p = text + 3; *p && n < 25; p += *p == '-' ? 1 : 2)
		if (*p != '-' && sscanf(p, "%2x", &byte[n++]) != 1)
			return false;
	for (int i = 0; i < 16; i++)
		slot->trace_id[i] = byte[i];
	for (int i = 0; i < 8; i++)
		slot->span_id = slot->span_id << 8 | byte[16 + i];
	slot->trace_flags = byte[24];
	return true;
}

/* Nobody will answer a message that is about to fail: its reply slot is free again. */
static void
unsent(const rk_slot *message)
{
	rk_reply_slot *slot = &rk_region_replies()[message->reply_slot];

	if (!(message->flags & RK_SLOT_REPLY) || rk_reply_look(slot) != RK_REPLY_WAITING)
		return;
	rk_reply_end(slot);
	slots_in_use--;
}

/*
 * Copies what every message has.  Field by field, as it was stored: what was
 * stored in pieces a moment ago is not yet there for a load that takes several
 * of them at once.
 */
static inline void
copy_header(rk_slot *slot, const rk_slot *message)
{
#define COPY(field) (*(volatile typeof(slot->field) *) &slot->field = message->field)
	COPY(type_id);
	COPY(flags);
	COPY(priority);
	COPY(version);
	COPY(length);
	COPY(reply_slot);
	COPY(message_id);
	COPY(deadline_ns);
	COPY(sent_ns);
	COPY(crc);
	COPY(role);
#undef COPY
}

static pg_noinline void
wake(rk_host *host)
{
	Latch	   *latch = atomic_load(&host->latch);

	rk_waiter_cancel(&host->sleeping);
	if (latch)
		SetLatch(latch);
}

/* Wakes the host of a ring if it sleeps, or is about to without having seen what was published. */
static inline void
wake_if_asleep(const rk_ring *ring)
{
	rk_host    *host = &rk_region_hosts()[ring->host];

	if (rk_waiter_pending(&host->sleeping))
		wake(host);
}

/*
 * Puts the message in the queue, unless it is full or the ring has ended in the
 * meantime.  plain: it has neither extras nor a block.  later: the sender calls
 * wake_if_asleep when the reply is not there soon, and before anything can go
 * wrong; so nobody waits here until others see what was published.
 */
static pg_attribute_always_inline rk_delivery
put(rk_ring *ring, uint32 generation, rk_slot *message, const void *payload, bool plain, bool later)
{
	_Atomic uint32 *hazard = rk_region_hazard(rk_my_proc());
	rk_lane_name lane = message->flags & RK_SLOT_CONTROL ? RK_LANE_CONTROL : rk_lane_of(ring, message->priority);
	rk_slot    *slot;
	uint64		position;
	rk_queue   *queue;

	message->crc = rk_slot_crc(message, payload);
	HOLD_INTERRUPTS();
	/* the host frees the ring after it has seen this word empty, or we see that it is gone */
	atomic_store(hazard, (uint32) rk_ring_index(ring) + 1);
	if (unlikely(atomic_load(&ring->generation) != generation))
	{
		atomic_store_explicit(hazard, 0, memory_order_release);
		RESUME_INTERRUPTS();
		return RK_DELIVERY_NOT_FOUND;
	}
	queue = rk_ring_queue(ring);
	slot = rk_queue_claim(queue, lane, &position);
	if (slot)
	{
		copy_header(slot, message);
		if (likely(message->length == 8))
			memcpy(slot->payload, payload, 8);
		else if (plain || !(message->flags & RK_SLOT_SLAB))
			memcpy(slot->payload, payload, message->length);
		if (!plain && unlikely(message->flags & (RK_SLOT_EXTRA | RK_SLOT_SLAB)))
			memcpy(&slot->block, &message->block, sizeof(rk_slot) - offsetof(rk_slot, block));
		rk_queue_publish(slot, position);
		/* a slot that the host does not look at yet: its line is here when its turn comes */
		__builtin_prefetch(rk_lane_slot(queue, &queue->lanes[lane], position + 4), 1);
	}
	atomic_store_explicit(hazard, 0, memory_order_release);
	if (slot && later)
	{
		rk_host    *host = &rk_region_hosts()[ring->host];

		/* a host that has been asleep for long is woken at once all the same */
		if (unlikely(atomic_load_explicit(&host->sleeping, memory_order_relaxed) != 0))
			wake(host);
	}
	else if (slot)
		wake_if_asleep(ring);
	RESUME_INTERRUPTS();
	return slot ? RK_DELIVERY_PENDING : RK_DELIVERY_QUEUE_FULL;
}

/* The same of any message, for a sender: false when the queue is full; that the ring has ended is an error. */
static bool
push(rk_ring *ring, const rk_ring_handle *handle, rk_slot *message, const void *payload)
{
	rk_delivery status = put(ring, handle->generation, message, payload, false, false);

	if (unlikely(status == RK_DELIVERY_NOT_FOUND))
	{
		unsent(message);
		not_running(handle->name, "terminated");
	}
	return status == RK_DELIVERY_PENDING;
}

rk_delivery
rk_queue_push(rk_ring *ring, uint32 generation, rk_slot *header, const void *payload)
{
	rk_delivery status;

	header->block = RK_SLAB_NONE;
	if (header->length > RK_INLINE_PAYLOAD)
	{
		header->block = header->length > rk_max_message_size ? RK_SLAB_NONE : rk_slab_take(rk_region_slab(), header->length);
		if (header->block == RK_SLAB_NONE)
			return RK_DELIVERY_QUEUE_FULL;
		memcpy(rk_slab_data(rk_region_slab(), header->block), payload, header->length);
		header->flags |= RK_SLOT_SLAB;
	}
	status = put(ring, generation, header, payload, false, false);
	if (status != RK_DELIVERY_PENDING && header->block != RK_SLAB_NONE)
		rk_slab_give(rk_region_slab(), header->block);
	return status;
}

/* Writes a message that found no room to the dead letters, in this transaction. */
static void
dead_letter(rk_ring *ring, const rk_outgoing *out, int64 message_id)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT4OID, JSONBOID, OIDOID, INT2OID, INT8OID};
	Datum		values[] = {
		Int32GetDatum(ring->ring_id), Int32GetDatum(out->type_id),
		rk_payload_to_jsonb(rk_message_type_find(out->type_id), out->payload, out->length),
		ObjectIdGetDatum(GetUserId()), Int16GetDatum(out->priority), Int64GetDatum(message_id)
	};

	rk_catalog_open(&catalog);
	rk_run_sql("INSERT INTO rk.dead_letter (ring_id, type_id, payload, reason, attempts, message_id, role, priority, "
			   "error, sqlstate) VALUES ($1, $2, $3, 'queue_full', 0, $6, $4::regrole, $5, 'queue is full', 'RK001')", 6,
			   types, values, NULL);
	rk_catalog_close(&catalog);
	atomic_fetch_add(&ring->rejected, 1);
}

/* The queue is full: does what the ring's policy says.  True: try again. */
static bool
make_room(rk_ring *ring, const rk_outgoing *out, const rk_slot *message, int64 deadline_ns)
{
	uint64		depth = rk_queue_depth(rk_ring_queue(ring));

	if (out->never_waits || (!out->may_wait && ring->overflow == RK_OVERFLOW_DROP))
	{
		atomic_fetch_add(&ring->dropped, 1);
		rk_receipt_settle(message, RK_DELIVERY_QUEUE_FULL);
		return false;
	}
	if (!out->may_wait && ring->overflow == RK_OVERFLOW_DLQ)
	{
		dead_letter(ring, out, message->message_id);
		rk_receipt_settle(message, RK_DELIVERY_DEAD_LETTERED);
		return false;
	}
	if ((!out->may_wait && ring->overflow == RK_OVERFLOW_ERROR) || rk_now_ns() > deadline_ns)
	{
		atomic_fetch_add(&ring->rejected, 1);
		rk_receipt_settle(message, RK_DELIVERY_QUEUE_FULL);
		ereport(ERROR,
				(errcode(RK_ERRCODE_QUEUE_FULL),
				 errmsg("queue of ring \"%s\" is full", NameStr(ring->name)),
				 errdetail("Capacity %u, depth %llu.", ring->capacity, (unsigned long long) depth),
				 errhint("Try again, or start the ring with a larger option queue_capacity.")));
	}
	atomic_fetch_add(&ring->space_waiters, 1);
	ConditionVariablePrepareToSleep(&ring->space);
	PG_TRY();
	{
		/* the host broadcasts when it has made room; the limit covers a host that died */
		if (rk_queue_depth(rk_ring_queue(ring)) >= ring->capacity / 2)
			(void) ConditionVariableTimedSleep(&ring->space, 20, PG_WAIT_EXTENSION);
	}
	PG_FINALLY();
	{
		ConditionVariableCancelSleep();
		atomic_fetch_sub(&ring->space_waiters, 1);
	}
	PG_END_TRY();
	return true;
}

/* Waits until there is a block of shared memory for a long payload, if the policy says so: hosts give them back. */
static void
wait_for_block(rk_ring *ring, const rk_outgoing *out, rk_slot *message)
{
	bool		waits = !out->never_waits && (out->may_wait || ring->overflow == RK_OVERFLOW_BLOCK);
	int64		until = out->deadline_ns ? out->deadline_ns : rk_now_ns() + INT64CONST(30000000000);

	while (message->block == RK_SLAB_NONE)
	{
		if (!waits || rk_now_ns() > until)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("no shared memory for a message of %u bytes", out->length),
					 errhint("Try again, or raise \"rk.ring_memory\" and restart the server.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		message->block = rk_slab_take(rk_region_slab(), out->length);
	}
}

static void
take_block(rk_ring *ring, const rk_outgoing *out, rk_slot *message)
{
	message->block = rk_slab_take(rk_region_slab(), out->length);
	if (likely(message->block != RK_SLAB_NONE))
		return;
	PG_TRY();
	{
		wait_for_block(ring, out, message);
	}
	PG_CATCH();
	{
		unsent(message);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * The queue is full: waits for room if the policy says so.  Apart from the
 * common way, which a setjmp would make slower.
 */
static bool push_when_possible(rk_ring *ring, const rk_ring_handle *handle, const rk_outgoing *out, rk_slot *message,
							   int64 now) __attribute__((noinline));

static bool
push_when_possible(rk_ring *ring, const rk_ring_handle *handle, const rk_outgoing *out, rk_slot *message, int64 now)
{
	volatile bool pushed = false;

	PG_TRY();
	{
		int64		until = out->deadline_ns ? out->deadline_ns : now + INT64CONST(30000000000);
		bool		sent = false;

		while (!sent && make_room(ring, out, message, until))
		{
			CHECK_FOR_INTERRUPTS();
			sent = push(ring, handle, message, out->payload);
		}
		if (!sent && message->block != RK_SLAB_NONE)
			rk_slab_give(rk_region_slab(), message->block);
		pushed = sent;
	}
	PG_CATCH();
	{
		unsent(message);
		if (message->block != RK_SLAB_NONE)
			rk_slab_give(rk_region_slab(), message->block);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return pushed;
}

/* Fills in what only some messages have. */
static void
add_extras(const rk_outgoing *out, rk_slot *message)
{
	memset(&message->source, 0, sizeof(rk_slot) - offsetof(rk_slot, source));
	message->flags |= RK_SLOT_EXTRA;
	message->source = -MyProcPid;
	message->correlation_id = out->correlation_id;
	message->key_hash[0] = out->key_hash[0];
	message->key_hash[1] = out->key_hash[1];
	if (out->receipt)
	{
		message->flags |= RK_SLOT_LETTER;
		message->receipt = rk_receipt_begin(message->message_id);
	}
	if (rk_trace_context && *rk_trace_context)
		(void) trace_parent(message, rk_trace_context);
}

/* Sends a message with extras or a long payload, or one that there was no room for; waits if the policy says so. */
static pg_noinline bool
dispatch_slowly(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_slot *message, bool extras)
{
	message->block = RK_SLAB_NONE;
	if (extras)
		add_extras(out, message);
	if (out->length > RK_INLINE_PAYLOAD)
	{
		if (out->length > rk_max_message_size)
		{
			unsent(message);
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("message is too large"),
					 errdetail("It has %u bytes, at most %d are allowed.", out->length, rk_max_message_size),
					 errhint("Pass a relation instead, or raise \"rk.max_message_size\" up to 64 kB.")));
		}
		take_block(ring, out, message);
		memcpy(rk_slab_data(rk_region_slab(), message->block), out->payload, out->length);
		if (!extras)
			memset(&message->source, 0, sizeof(rk_slot) - offsetof(rk_slot, source));
		message->flags |= RK_SLOT_SLAB;
	}
	if (likely(push(ring, handle, message, out->payload)))
		return true;
	return push_when_possible(ring, handle, out, message, message->sent_ns);
}

/*
 * Fills in the header and sends.  The header of a plain message is never in
 * memory but in the queue.
 */
static pg_attribute_always_inline bool
dispatch(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, uint16 flags, uint32 reply_slot, bool later,
		 int64 *message_id)
{
	bool		extras = out->correlation_id != 0 || out->key_hash[0] != 0 || out->receipt ||
		(rk_trace_context && *rk_trace_context);
	rk_slot		head;
	rk_slot		message;

	head.type_id = out->type_id;
	head.flags = flags | out->flags;
	head.priority = out->priority;
	head.version = RK_SLOT_VERSION;
	head.length = out->length;
	head.reply_slot = reply_slot;
	head.message_id = ((int64) (rk_my_proc() + 1) << 40) + ++*rk_region_counter(rk_my_proc());
	head.deadline_ns = out->deadline_ns;
	head.sent_ns = out->now_ns ? out->now_ns : rk_now_ns();
	head.crc = 0;
	head.role = GetUserId();
	*message_id = head.message_id;
	if (likely(!extras && out->length <= RK_INLINE_PAYLOAD) &&
		likely(put(ring, handle->generation, &head, out->payload, true, later) == RK_DELIVERY_PENDING))
		return true;
	/* whatever was in the way, it is found out again */
	copy_header(&message, &head);
	return dispatch_slowly(ring, handle, out, &message, extras);
}

int64
rk_ring_post(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out)
{
	int64		message_id;

	if (!dispatch(ring, handle, out, 0, 0, false, &message_id) && !out->receipt)
		return 0;
	return message_id;
}

/* That a session has no place for so many calls. */
static void
too_many_calls(void)
{
	ereport(ERROR,
			(errcode(RK_ERRCODE_QUEUE_FULL),
			 errmsg("too many calls are under way in this session"),
			 errdetail("At most %d calls may wait for their reply.", rk_the_region->inflight),
			 errhint("Raise \"rk.max_inflight\" and restart the server.")));
}

void
rk_calls_check(int count)
{
	rk_reply_slot *slots = my_slots();

	for (int i = 0; i < rk_the_region->inflight && count > 0; i++)
		count -= rk_reply_look(&slots[i]) == RK_REPLY_FREE;
	if (count > 0)
		too_many_calls();
}

/* A free reply slot of this session. */
static pg_noinline rk_reply_slot *
find_slot(rk_reply_slot *slots)
{
	for (int i = 0; i < rk_the_region->inflight; i++)
	{
		int			k = (first_free + i) % rk_the_region->inflight;

		if (rk_reply_look(&slots[k]) == RK_REPLY_FREE)
		{
			first_free = k;
			return &slots[k];
		}
	}
	too_many_calls();
	pg_unreachable();
}

/* rk_call_try, in one piece with what it calls: this is the common way. */
static pg_attribute_always_inline bool
try_call(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in, bool later)
{
	rk_reply_slot *slot = &my_slots()[first_free];
	bool		sent;

	/* nearly always the one that the last call had, whose lines are here */
	if (unlikely(rk_reply_look(slot) != RK_REPLY_FREE))
		slot = find_slot(my_slots());
	in->slot = slot;
	slots_in_use++;
	rk_reply_begin(slot);
	sent = dispatch(ring, handle, out, RK_SLOT_REPLY, slot - rk_region_replies(), later, &in->message_id);
	if (unlikely(!sent))
	{
		slots_in_use--;
		rk_reply_end(slot);
		in->slot = NULL;
	}
	return sent;
}

bool
rk_call_try(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in)
{
	return try_call(ring, handle, out, in, false);
}

/* That the queue is full, and the policy does not let the sender of a call wait. */
static void call_dropped(const rk_ring *ring) __attribute__((noreturn, cold));

static void
call_dropped(const rk_ring *ring)
{
	ereport(ERROR,
			(errcode(RK_ERRCODE_QUEUE_FULL),
			 errmsg("queue of ring \"%s\" is full, the message was dropped", NameStr(ring->name))));
}

void
rk_call_start(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in)
{
	if (unlikely(!rk_call_try(ring, handle, out, in)))
		call_dropped(ring);
}

bool
rk_call_abandon(rk_incoming *in)
{
	if (!rk_reply_abandon(in->slot))
		return false;
	slots_in_use--;
	return true;
}

/* Ends the call's claim on its slot and raises what happened instead of a reply. */
static void failed(rk_ring *ring, rk_incoming *in) __attribute__((noreturn));

static void
failed(rk_ring *ring, rk_incoming *in)
{
	rk_reply_slot *slot = in->slot;
	rk_outcome	outcome = slot->outcome;
	const char *data = rk_reply_data(slot);
	uint32		length = outcome == RK_OUTCOME_ERROR ? slot->length : 0;
	int			sqlstate = ERRCODE_INTERNAL_ERROR;
	char	   *text[3] = {"", "", ""};
	char		name[NAMEDATALEN];

	if (length > offsetof(rk_reply_error, text))
	{
		uint32		at = offsetof(rk_reply_error, text);

		memcpy(&sqlstate, data, sizeof(sqlstate));
		for (int i = 0; i < lengthof(text) && at < length; i++)
		{
			text[i] = pnstrdup(data + at, strnlen(data + at, length - at));
			at += strlen(text[i]) + 1;
		}
	}
	strlcpy(name, NameStr(ring->name), NAMEDATALEN);
	rk_call_end(in);
	switch (outcome)
	{
		case RK_OUTCOME_ERROR:
			ereport(ERROR, (errcode(sqlstate), errmsg("%s", text[0]),
							*text[1] ? errdetail("%s", text[1]) : 0,
							*text[2] ? errhint("%s", text[2]) : 0,
							errcontext("message to ring \"%s\"", name)));
			break;
		case RK_OUTCOME_EXPIRED:
			ereport(ERROR,
					(errcode(RK_ERRCODE_DEADLINE),
					 errmsg("ring \"%s\" did not reply in time", name)));
			break;
		case RK_OUTCOME_LOST:
			ereport(ERROR,
					(errcode(RK_ERRCODE_REPLY_LOST),
					 errmsg("reply of ring \"%s\" was lost", name),
					 errdetail("The ring was restarted while it handled the message, which may or may not have taken effect.")));
			break;
		default:
			ereport(ERROR,
					(errcode(RK_ERRCODE_NOT_RUNNING),
					 errmsg("ring \"%s\" stopped before it came to the message", name)));
	}
	pg_unreachable();
}

/* The reply did not come while we spun: sleep until it does. */
static void
wait_asleep(rk_ring *ring, const rk_outgoing *out, rk_incoming *in)
{
	rk_reply_slot *slot = in->slot;

	while (rk_reply_look(slot) != RK_REPLY_DONE)
	{
		int64		now = rk_now_ns();
		int64		left_ms = out->deadline_ns ? (out->deadline_ns - now) / 1000000 + 1 : 1000;

		/* nobody will answer before that process is gone */
		if (unlikely(atomic_load_explicit(&ring->stuck, memory_order_relaxed) != 0) && rk_reply_abandon(slot))
		{
			slots_in_use--;
			ereport(ERROR,
					(errcode(RK_ERRCODE_REPLY_LOST),
					 errmsg("reply of ring \"%s\" was lost", NameStr(ring->name)),
					 errdetail("%s", ring->error)));
		}
		/* the host answers what has expired; it is late only if it is stuck */
		if (out->deadline_ns && now > out->deadline_ns + INT64CONST(20000000))
		{
			if (rk_reply_abandon(slot))
			{
				slots_in_use--;
				ereport(ERROR,
						(errcode(RK_ERRCODE_DEADLINE),
						 errmsg("ring \"%s\" did not reply in time", NameStr(ring->name))));
			}
			break;
		}
		if (!rk_reply_sleep(slot))
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(1, Min(left_ms, 1000)), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
rk_receipt_keep(const rk_incoming *in)
{
	if (kept == NULL)
		kept = MemoryContextAllocZero(TopMemoryContext, sizeof(bool) * rk_the_region->inflight);
	kept[in->slot - my_slots()] = true;
	slots_in_use--;
}

void
rk_receipt_drop(const rk_incoming *in)
{
	kept[in->slot - my_slots()] = false;
	slots_in_use++;
}

static void damaged(rk_ring *ring, rk_incoming *in) __attribute__((noreturn));

/* Whatever it says, a block of the slab that it may have had is not given back: it may be another one's. */
static void
damaged(rk_ring *ring, rk_incoming *in)
{
	in->slot->in_slab = false;
	rk_call_end(in);
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("reply of ring \"%s\" was changed in shared memory", NameStr(ring->name)),
			 errdetail("Its checksum is another one. The message was handled, and may have taken effect.")));
}

void
rk_reply_check(rk_ring *ring, rk_incoming *in)
{
	if (unlikely(!rk_reply_intact(in->slot)))
		damaged(ring, in);
	if (unlikely(in->slot->outcome != RK_OUTCOME_OK))
		failed(ring, in);
	in->length = in->slot->length;
	in->data = rk_reply_data(in->slot);
}

/* woken: the host is, if it was asleep; else that is made up for before anything else happens. */
static pg_attribute_always_inline void
await_reply(rk_ring *ring, const rk_outgoing *out, rk_incoming *in, bool woken)
{
	rk_reply_slot *slot = in->slot;
	int64		spin = rk_spin_ns();

	if (spin != 0)
	{
		int64		until = 0;

		for (int i = 1; rk_reply_look(slot) != RK_REPLY_DONE; i++)
		{
			rk_cpu_relax();
			if (i % 128 != 0)
				continue;
			if (!woken)
				wake_if_asleep(ring);
			woken = true;
			CHECK_FOR_INTERRUPTS();
			if (until == 0)
				until = rk_now_ns() + (spin < 0 ? INT64CONST(1000000000) : spin);
			else if (rk_now_ns() > until)
				break;
		}
	}
	if (rk_reply_look(slot) == RK_REPLY_DONE)
		return;
	if (!woken)
		wake_if_asleep(ring);
	wait_asleep(ring, out, in);
}

void
rk_call_await(rk_ring *ring, const rk_outgoing *out, rk_incoming *in)
{
	await_reply(ring, out, in, true);
}

void
rk_call_wait(rk_ring *ring, const rk_outgoing *out, rk_incoming *in)
{
	rk_call_await(ring, out, in);
	rk_reply_check(ring, in);
}

void
rk_call_begin(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in)
{
	if (unlikely(!try_call(ring, handle, out, in, true)))
		call_dropped(ring);
	await_reply(ring, out, in, false);
	rk_reply_check(ring, in);
}

void
rk_call_end(rk_incoming *in)
{
	if (in->slot->in_slab)
		rk_slab_give(rk_region_slab(), in->slot->block);
	rk_reply_end(in->slot);
	slots_in_use--;
}

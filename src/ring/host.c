/*
 * host.c
 *	  The process that runs rings: one for a database, and one for each ring
 *	  with the option "dedicated".
 *
 * One loop.  Every ring in turn gets some messages handled; then come the work
 * that actors want done between messages, the journal, checkpoints that are
 * due, and rk.ring if it has changed.  With nothing to do the host spins for
 * rk.ring_spin_us, then sleeps until a sender wakes it (queue.h) or the next
 * look at the clock is due: once a second at most.
 *
 * Nothing on the way of a volatile message enters PostgreSQL: the payload is
 * handled where it lies, the reply is written where the caller looks.  Messages
 * are handled outside of transactions; checkpoints, the journal and dead
 * letters have their own.
 *
 * A message is released from the queue after it was answered.  The word
 * in_flight marks the one that is being handled: a host that takes over after
 * another one died answers it with "reply lost" and goes on with the next.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "../compat.h"
#include "convert.h"
#include "host.h"

#define BATCH 64				/* messages of a ring before the others' turn */

static rk_host *me;
static rk_hosted **hosted = NULL;
static int	hosted_count = 0;
static char *scratch;			/* replies that nobody waits for */

/* ---- errors and transactions ---- */

void
rk_ring_error(rk_ring *ring, const char *message)
{
	ring->error_count++;
	ring->error_at = GetCurrentTimestamp();
	strlcpy(ring->error, message, RK_ERROR_TEXT);
}

bool
rk_in_transaction(rk_ring *ring, const char *what, void (*fn) (void *arg), void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool good = true;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, what);
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		fn(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		good = false;
		if (ring)
		{
			ErrorData  *error = CopyErrorData();

			rk_ring_error(ring, error->message);
			FreeErrorData(error);
		}
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return good;
}

bool
rk_host_interrupted(void *arg)
{
	if (ProcSignalBarrierPending)
		ProcessProcSignalBarrier();
	return ShutdownRequestPending || ProcDiePending || atomic_load_explicit(&me->stop, memory_order_relaxed) != 0;
}

/* SQLSTATE of what an actor says. */
static int
status_code(rk_status status)
{
	switch (status)
	{
		case RK_ERR_PARAMETER:
		case RK_ERR_DATA:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case RK_ERR_OVERFLOW:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case RK_ERR_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case RK_ERR_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case RK_ERR_CORRUPT:
			return ERRCODE_DATA_CORRUPTED;
		case RK_ERR_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		default:
			return ERRCODE_QUERY_CANCELED;
	}
}

/* ---- replies ---- */

static void *
grow_reply(rk_reply *reply, uint32_t size)
{
	uint32	   *block = reply->owner;
	uint32		larger;
	void	   *data;

	if (size > rk_max_message_size)
		return NULL;
	if (block == NULL)			/* nobody waits */
	{
		reply->capacity = 65536;
		return reply->data;
	}
	larger = rk_slab_take(rk_region_slab(), size);
	if (larger == RK_SLAB_NONE)
		return NULL;
	data = rk_slab_data(rk_region_slab(), larger);
	memcpy(data, reply->data, reply->length);
	if (*block != RK_SLAB_NONE)
		rk_slab_give(rk_region_slab(), *block);
	*block = larger;
	reply->data = data;
	reply->capacity = rk_slab_block_size(rk_region_slab(), larger);
	return data;
}

/* Hands a reply over and wakes whoever waits for it. */
static inline void
finish(rk_ring *ring, uint32 number, rk_reply_slot *r, rk_outcome outcome, uint32 length, uint32 block)
{
	r->outcome = outcome;
	r->length = length;
	r->in_slab = block != RK_SLAB_NONE;
	r->block = block;
	r->epoch = atomic_load_explicit(&ring->epoch, memory_order_relaxed);
	switch (rk_reply_finish(r))
	{
		case RK_REPLY_SLEEPING:
			SetLatch(&GetPGProcByNumber(number / rk_the_region->inflight)->procLatch);
			break;
		case RK_REPLY_ABANDONED:
			if (block != RK_SLAB_NONE)
				rk_slab_give(rk_region_slab(), block);
			ring->replies_dropped++;
			return;
		default:
			break;
	}
	ring->replies_sent++;
}

/* Answers a message that got no reply from its actor. */
static void
answer(rk_ring *ring, const rk_slot *slot, rk_outcome outcome, int sqlstate, const char *message)
{
	rk_reply_slot *r;
	rk_reply_error error = {0};

	if (!(slot->flags & RK_SLOT_REPLY))
		return;
	r = &rk_region_replies()[slot->reply_slot];
	if (outcome == RK_OUTCOME_ERROR)
	{
		error.sqlstate = sqlstate;
		strlcpy(error.message, message, sizeof(error.message));
		memcpy(r->data, &error, sizeof(error));
	}
	finish(ring, slot->reply_slot, r, outcome, 0, RK_SLAB_NONE);
}

/* Ends a message: its place in the queue and its block. */
static inline void
release(rk_hosted *h, rk_slot *slot, rk_lane_name lane)
{
	if (unlikely(slot->flags & RK_SLOT_SLAB))
		rk_slab_give(rk_region_slab(), slot->block);
	rk_queue_release(h->queue, lane);
}

/* ---- messages ---- */

static inline const rk_message_type *
type_of(const rk_hosted *h, uint32 type_id)
{
	uint32		i = type_id - h->first_type;

	return i < h->type_count ? h->types[i] : NULL;
}

/* Whether the message came with an idempotency key. */
static inline bool
has_key(const rk_slot *slot)
{
	return unlikely(slot->flags & RK_SLOT_EXTRA) && (slot->key_hash[0] | slot->key_hash[1]) != 0;
}

/* The message of a slot, as its handler sees it. */
static inline void
message_of(const rk_slot *slot, rk_message *m)
{
	m->type_id = slot->type_id;
	m->length = slot->length;
	m->payload = slot->flags & RK_SLOT_SLAB ? rk_slab_data(rk_region_slab(), slot->block) : slot->payload;
	m->id = slot->message_id;
	m->correlation_id = slot->flags & RK_SLOT_EXTRA ? slot->correlation_id : 0;
	m->sent_ns = rk_wall_ns(slot->sent_ns);
	m->apply_seq = 0;
	m->tenant = slot->tenant;
	m->role = slot->role;
	m->priority = slot->priority;
	m->replay = false;
}

static void
count_latency(rk_ring *ring, int64 ns)
{
	ns = Max(ns, 1);
	ring->latency[63 - __builtin_clzll(ns)]++;
	ring->latency_sum += ns;
	if (ns > ring->latency_max)
		ring->latency_max = ns;
	if (ns < ring->latency_min || ring->latency_min == 0)
		ring->latency_min = ns;
}

/* Keeps a message until the state changes; false: no room. */
static bool
park(rk_hosted *h, const rk_slot *slot)
{
	rk_parked  *p;

	if (h->parked_count == RK_PARKED_MAX)
		return false;
	p = &h->parked[h->parked_count++];
	memcpy(&p->slot, slot, sizeof(rk_slot));
	p->seen = h->changes;
	return true;
}

/*
 * Hands a message to the actor and answers it.  Returns true if the message is
 * to be kept, its block of the slab with it.
 */
static inline bool
handle(rk_hosted *h, rk_slot *slot, uint64 apply_seq, bool parked)
{
	rk_ring    *ring = h->ring;
	const rk_message_type *type = type_of(h, slot->type_id);
	rk_reply_slot *r = slot->flags & RK_SLOT_REPLY ? &rk_region_replies()[slot->reply_slot] : NULL;
	bool		keyed = has_key(slot);
	rk_message	message;
	rk_reply	reply;
	rk_status	status;
	uint32		block = RK_SLAB_NONE;

	message_of(slot, &message);
	message.apply_seq = apply_seq;
	reply.later = false;
	reply.length = 0;
	reply.grow = grow_reply;
	if (likely(r != NULL && !keyed))
	{
		reply.data = r->data;
		reply.capacity = RK_REPLY_INLINE;
		reply.owner = &block;
	}
	else
	{
		reply.data = scratch;
		reply.capacity = RK_REPLY_INLINE;
		reply.owner = NULL;
	}
	h->ctx.error.status = RK_OK;
	status = h->actor->handle(&h->ctx, h->state, &message, &reply);
	if (likely(status == RK_OK))
	{
		if (unlikely(reply.later))
		{
			if (block != RK_SLAB_NONE)
				rk_slab_give(rk_region_slab(), block);
			if (parked || park(h, slot))
				return true;
			answer(ring, slot, RK_OUTCOME_ERROR, RK_ERRCODE_QUEUE_FULL, "too many messages wait for a change");
			ring->failed++;
			return false;
		}
		ring->in_flight = 0;
		if (unlikely(keyed))
		{
			rk_key_add(h, slot->key_hash, slot->message_id, message.sent_ns);
			if (r)
			{
				memcpy(r->data, &slot->message_id, sizeof(int64));
				reply.length = sizeof(int64);
			}
		}
		if (r)
			finish(ring, slot->reply_slot, r, RK_OUTCOME_OK, reply.length, block);
		if (type->mutating)
		{
			h->changes++;
			ring->since_checkpoint++;
		}
		ring->processed++;
	}
	else
	{
		const char *why = status == RK_STOPPED ? "the host of the ring was told to stop" : h->ctx.error.message;

		if (block != RK_SLAB_NONE)
			rk_slab_give(rk_region_slab(), block);
		ring->failed++;
		ring->in_flight = 0;
		rk_ring_error(ring, why);
		if (r)
			answer(ring, slot, RK_OUTCOME_ERROR, status_code(status), why);
		else
			rk_dead_letter(h, slot, "rejected", why, 1);
	}
	ring->bytes += slot->length;
	return false;
}

/* True if the message may go to the actor; else it has been dealt with. */
static inline bool
acceptable(rk_hosted *h, rk_slot *slot)
{
	const rk_message_type *type = type_of(h, slot->type_id);

	if (unlikely(type == NULL || slot->version != RK_SLOT_VERSION || slot->length != type->request_size))
	{
		char		text[100];

		if (type == NULL)
			snprintf(text, sizeof(text), "kernel \"%s\" has no message type %u", h->actor->kernel, slot->type_id);
		else
			snprintf(text, sizeof(text), "message of type %u has %u bytes instead of %d", slot->type_id,
					 slot->length, type->request_size);
		h->ring->failed++;
		if (slot->flags & RK_SLOT_REPLY)
			answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_INVALID_PARAMETER_VALUE, text);
		else
			rk_dead_letter(h, slot, "invalid", text, 0);
		return false;
	}
	if (unlikely(slot->deadline_ns != 0 && h->now_ns > slot->deadline_ns))
	{
		h->ring->expired++;
		if (slot->flags & RK_SLOT_REPLY)
			answer(h->ring, slot, RK_OUTCOME_EXPIRED, 0, NULL);
		else
			rk_dead_letter(h, slot, "expired", "deadline passed before the message was handled", 0);
		return false;
	}
	if (has_key(slot))
	{
		rk_key	   *key = rk_key_find(h, slot->key_hash);

		if (key)
		{
			/* a repeat: the answer is the first message's id */
			if (slot->flags & RK_SLOT_REPLY)
			{
				rk_reply_slot *r = &rk_region_replies()[slot->reply_slot];

				memcpy(r->data, &key->message_id, sizeof(int64));
				finish(h->ring, slot->reply_slot, r, RK_OUTCOME_OK, sizeof(int64), RK_SLAB_NONE);
			}
			return false;
		}
	}
	return true;
}

/* Messages that waited for a change of the state. */
static void
retry_parked(rk_hosted *h)
{
	int			kept = 0;

	for (int i = 0; i < h->parked_count; i++)
	{
		rk_parked  *p = &h->parked[i];
		bool		keep = true;

		if ((p->slot.flags & RK_SLOT_REPLY) &&
			rk_reply_look(&rk_region_replies()[p->slot.reply_slot]) == RK_REPLY_ABANDONED)
		{
			/* nobody waits any more */
			answer(h->ring, &p->slot, RK_OUTCOME_STOPPED, 0, NULL);
			keep = false;
		}
		else if (p->slot.deadline_ns != 0 && h->now_ns > p->slot.deadline_ns)
			keep = acceptable(h, &p->slot);
		else if (p->seen != h->changes)
		{
			keep = handle(h, &p->slot, 0, true);
			p->seen = h->changes;
		}
		if (keep)
			h->parked[kept++] = *p;
		else if (p->slot.flags & RK_SLOT_SLAB)
			rk_slab_give(rk_region_slab(), p->slot.block);
	}
	h->parked_count = kept;
}

/* Wakes senders that wait for room, once there is some. */
static void
offer_room(rk_hosted *h)
{
	rk_ring    *ring = h->ring;

	if (atomic_load_explicit(&ring->space_waiters, memory_order_relaxed) > 0 &&
		rk_queue_depth(h->queue) < ring->capacity / 2)
		ConditionVariableBroadcast(&ring->space);
}

/*
 * Handles some messages of a ring; returns how many.  Whatever a message
 * needs of the clock is the time after the one before.
 */
static int
run_volatile(rk_hosted *h)
{
	rk_ring    *ring = h->ring;
	rk_lane_name lane;
	rk_slot    *slot;
	int			n = 0;

	while (n < BATCH && (slot = rk_queue_peek(h->queue, &lane)) != NULL)
	{
		int64		sent = slot->sent_ns;

		ring->in_flight = 1 + lane;
		if (likely(acceptable(h, slot)) && handle(h, slot, 0, false))
			rk_queue_release(h->queue, lane);
		else
			release(h, slot, lane);
		ring->in_flight = 0;
		h->now_ns = rk_now_ns();
		count_latency(ring, h->now_ns - sent);
		n++;
	}
	return n;
}

/*
 * The same with durability "journal": what changes the state is in the log,
 * and the log on disk, before it is applied and answered.  One flush for all
 * that wait.
 */
static int
run_journaled(rk_hosted *h)
{
	rk_slot    *slots[BATCH];
	int			n = 0;
	int			logged = 0;
	rk_lane_name lane;
	rk_slot    *first = rk_queue_peek(h->queue, &lane);
	uint64		seq;
	rk_slot    *to_log[BATCH];

	if (first == NULL)
		return 0;
	/* everything of this lane that is there */
	for (n = 0; n < BATCH; n++)
	{
		const rk_message_type *type;

		slots[n] = rk_lane_peek(h->queue, lane, n);
		if (slots[n] == NULL)
			break;
		type = type_of(h, slots[n]->type_id);
		if (type && type->mutating && slots[n]->length == type->request_size &&
			!(has_key(slots[n]) && rk_key_find(h, slots[n]->key_hash)) &&
			!(slots[n]->deadline_ns != 0 && h->now_ns > slots[n]->deadline_ns))
			to_log[logged++] = slots[n];
	}
	h->ring->in_flight = 1 + lane;
	if (logged > 0 && rk_log_messages(h, to_log, logged) < 0)
	{
		/* the log could not be written: none of them takes effect */
		for (int i = 0; i < n; i++)
		{
			answer(h->ring, slots[i], RK_OUTCOME_ERROR, ERRCODE_IO_ERROR, h->ring->error);
			release(h, slots[i], lane);
		}
		h->ring->in_flight = 0;
		return n;
	}
	seq = h->ring->apply_seq;
	for (int i = 0, l = 0; i < n; i++)
	{
		int64		sent = slots[i]->sent_ns;
		bool		is_logged = l < logged && to_log[l] == slots[i];

		if (is_logged)
		{
			l++;
			h->ring->apply_seq = ++seq;
		}
		if (is_logged ? handle(h, slots[i], seq, false) :
			acceptable(h, slots[i]) && handle(h, slots[i], 0, false))
			rk_queue_release(h->queue, lane);
		else
			release(h, slots[i], lane);
		h->now_ns = rk_now_ns();
		count_latency(h->ring, h->now_ns - sent);
	}
	h->ring->in_flight = 0;
	return n;
}

bool
rk_apply(rk_hosted *h, const rk_message *message)
{
	rk_reply	reply = {.data = scratch,.capacity = RK_REPLY_INLINE,.grow = grow_reply};

	h->ctx.error.status = RK_OK;
	if (h->actor->handle(&h->ctx, h->state, message, &reply) == RK_OK)
	{
		h->changes++;
		h->ring->since_checkpoint++;
		h->ring->processed += !message->replay;
		return true;
	}
	return false;
}

/* ---- control ---- */

/* The host's side of the floor of rk.ring_bench; gives up when nothing comes. */
static uint64
bounce(int64 count)
{
	uint64		value = atomic_load(&rk_the_region->ping);
	int64		until = 0;

	/* the first may be there already */
	if (value != atomic_load(&rk_the_region->pong))
		value--;
	for (int64 i = 0; i <= count; i++)
	{
		for (int64 spins = 1; atomic_load_explicit(&rk_the_region->ping, memory_order_acquire) != value + 1; spins++)
		{
			rk_cpu_relax();
			if (spins == 1024)
				until = rk_now_ns() + INT64CONST(10000000000);
			if (spins % 65536 == 0 && (rk_now_ns() > until || rk_host_interrupted(NULL)))
				return i;
		}
		atomic_store_explicit(&rk_the_region->pong, ++value, memory_order_release);
	}
	return count;
}

static void
run_control(rk_hosted *h)
{
	rk_slot    *slot;

	while ((slot = rk_lane_peek(h->queue, RK_LANE_CONTROL, 0)) != NULL)
	{
		rk_reply_slot *r = slot->flags & RK_SLOT_REPLY ? &rk_region_replies()[slot->reply_slot] : NULL;
		uint64		value = 0;
		bool		good = h->state != NULL;

		if (good && slot->type_id == RK_CONTROL_CHECKPOINT)
		{
			good = rk_checkpoint_write(h);
			value = h->ring->checkpoint_id;
		}
		else if (good && slot->type_id == RK_CONTROL_CHECKSUM)
			value = h->actor->checksum(&h->ctx, h->state);
		else if (good && slot->type_id == RK_CONTROL_INTAKE)
		{
			rk_journal_intake(&h, 1);
			value = h->ring->apply_seq;
			good = !h->has_log;
		}
		else if (good && slot->type_id == RK_CONTROL_BOUNCE)
		{
			int64		count;

			memcpy(&count, slot->payload, sizeof(count));
			value = bounce(count);
		}
		if (r && good)
		{
			memcpy(r->data, &value, sizeof(value));
			finish(h->ring, slot->reply_slot, r, RK_OUTCOME_OK, sizeof(value), RK_SLAB_NONE);
		}
		else
			answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_INTERNAL_ERROR, h->ring->error);
		release(h, slot, RK_LANE_CONTROL);
	}
}

/* ---- life of a ring ---- */

/* Answers everything in the queue; what nobody waits for becomes a dead letter. */
static void
discard_queue(rk_hosted *h)
{
	for (int lane = 0; lane < RK_LANES; lane++)
	{
		rk_slot    *slot;

		while ((slot = rk_lane_peek(h->queue, lane, 0)) != NULL)
		{
			if (slot->flags & RK_SLOT_REPLY)
				answer(h->ring, slot, RK_OUTCOME_STOPPED, 0, NULL);
			else
				rk_dead_letter(h, slot, "destroyed", "the ring stopped", 0);
			release(h, slot, lane);
		}
	}
	for (int i = 0; i < h->parked_count; i++)
	{
		answer(h->ring, &h->parked[i].slot, RK_OUTCOME_STOPPED, 0, NULL);
		if (h->parked[i].slot.flags & RK_SLOT_SLAB)
			rk_slab_give(rk_region_slab(), h->parked[i].slot.block);
	}
	h->parked_count = 0;
}

/* Reads the relations among the options, each row as a message. */
static void
load_relations(rk_hosted *h)
{
	for (const rk_actor_load *l = h->actor->loads; l && l->option; l++)
	{
		const rk_option *o = rk_option_find(&h->options.kernel, l->option);
		const rk_message_type *type = rk_actor_message(h->actor, l->type_id);

		if (o && !o->is_null && o->text)
			rk_load_rows(type, o->text, h->ring->owner, (rk_load_fn) rk_apply, h);
	}
}

typedef struct launch_arg
{
	rk_hosted  *h;
} launch_arg;

/* In a transaction: the state from checkpoint and log, or a new one. */
static void
bring_up(void *arg)
{
	launch_arg *a = arg;
	rk_hosted  *h = a->h;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id)};
	bool		is_null;

	rk_catalog_open(&catalog);
	if (rk_run_sql("UPDATE rk.ring SET epoch = epoch + 1 WHERE ring_id = $1 RETURNING epoch", 1, types, values,
				   NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("ring \"%s\" was dropped", NameStr(h->ring->name))));
	atomic_store(&h->ring->epoch, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
															  &is_null)));
	if (!rk_checkpoint_restore(h))
	{
		h->ctx.error.status = RK_OK;
		if (h->actor->init(&h->ctx, &h->options.kernel, &h->state) != RK_OK)
			ereport(ERROR, (errcode(status_code(h->ctx.error.status)), errmsg("%s", h->ctx.error.message)));
		rk_catalog_close(&catalog);
		load_relations(h);
		rk_catalog_open(&catalog);
		h->ring->since_checkpoint = h->changes;
	}
	rk_log_apply(h, true);
	rk_catalog_close(&catalog);
}

/* What a predecessor left behind in the queue. */
static void
take_over(rk_hosted *h)
{
	rk_ring    *ring = h->ring;

	if (ring->in_flight > 0)
	{
		rk_lane_name lane = ring->in_flight - 1;
		rk_slot    *slot = rk_lane_peek(h->queue, lane, 0);

		if (slot)
		{
			answer(ring, slot, RK_OUTCOME_LOST, 0, NULL);
			release(h, slot, lane);
		}
		ring->in_flight = 0;
	}
}

/* A ring could not be brought up, or its actor failed. */
static void
ring_failed(rk_hosted *h)
{
	int64		now = rk_now_ns();

	if (now - h->failures_since_ns > INT64CONST(60000000000))
	{
		h->failures_since_ns = now;
		h->failures = 0;
	}
	h->failures++;
	rk_ctx_destroy(&h->ctx);
	h->state = NULL;
	h->ring->restarts++;
	h->restart_at_ns = h->options.restart_policy == 0 && h->failures <= h->options.max_restarts ?
		now + INT64CONST(1000000000) : 0;
	rk_set_state(h->ring, RK_RING_FAILED);
	if (h->restart_at_ns == 0)
	{
		ereport(LOG,
				(errmsg("ring \"%s\" has failed and is not started again", NameStr(h->ring->name)),
				 errdetail("%s", h->ring->error)));
		discard_queue(h);
	}
}

/* Brings the state up and lets messages in. */
static void
launch(rk_hosted *h)
{
	launch_arg	arg = {.h = h};
	rk_ctx	   *ctx = &h->ctx;

	h->restart_at_ns = 0;
	h->changes = 0;
	rk_set_state(h->ring, RK_RING_RESTORING);
	rk_ctx_init(ctx);
	ctx->memory_limit = h->options.memory_limit;
	ctx->interrupted = rk_host_interrupted;
	h->ring->apply_seq = 0;
	if (!rk_in_transaction(h->ring, "restoring a ring", bring_up, &arg))
	{
		ring_failed(h);
		return;
	}
	/* the first checkpoint also says that the relations were loaded */
	h->ring->started_at = GetCurrentTimestamp();
	h->now_ns = rk_now_ns();
	h->checkpoint_due_ns = h->now_ns;
	h->busy = h->actor->tick != NULL;
	h->has_log = true;
	if (h->ring->checkpoint_id == 0 && !rk_checkpoint_write(h))
	{
		ring_failed(h);
		return;
	}
	take_over(h);
	rk_set_state(h->ring, RK_RING_ACTIVE);
}

/* Makes room for a ring in this process and in the directory. */
static rk_hosted *
adopt(const rk_ring_row *row)
{
	MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "rk ring", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	rk_hosted  *h = palloc0(sizeof(*h));
	uint32		last = 0;
	rk_ring    *ring;

	h->memory = memory;
	h->ring_id = row->ring_id;
	h->present = true;
	h->restarts = row->restarts;
	h->actor = rk_ring_kernel(row->kernel);
	rk_ring_options_read(row->options, h->actor, &h->options);
	h->first_type = UINT32_MAX;
	for (const rk_message_type *t = h->actor->messages; t->type_id; t++)
	{
		h->first_type = Min(h->first_type, t->type_id);
		last = Max(last, t->type_id);
	}
	h->type_count = last - h->first_type + 1;
	h->types = palloc0(sizeof(*h->types) * h->type_count);
	for (const rk_message_type *t = h->actor->messages; t->type_id; t++)
		h->types[t->type_id - h->first_type] = t;

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	/* one that is there was a predecessor's; its queue goes on */
	ring = rk_directory_find(MyDatabaseId, NULL, row->ring_id);
	if (ring && ring->capacity != h->options.queue_capacity)
	{
		LWLockRelease(rk_the_region->lock);
		h->ring = ring;
		h->queue = rk_ring_queue(ring);
		rk_directory_close(ring);
		discard_queue(h);
		rk_directory_free(ring);
		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		ring = NULL;
	}
	if (ring == NULL)
		ring = rk_directory_make(MyDatabaseId, row->ring_id, row->name, h->options.queue_capacity);
	ring->owner = row->owner;
	for (int i = 0; rk_actors[i]; i++)
		if (rk_actors[i] == h->actor)
			ring->kernel = i;
	ring->host = me - rk_region_hosts();
	ring->overflow = h->options.overflow;
	ring->journal = h->options.journal;
	ring->lanes = h->options.lanes;
	ring->message_timeout_ms = h->options.message_timeout_ms;
	LWLockRelease(rk_the_region->lock);
	h->ring = ring;
	h->queue = rk_ring_queue(ring);
	MemoryContextSwitchTo(old);

	old = MemoryContextSwitchTo(TopMemoryContext);
	hosted = hosted ? repalloc(hosted, sizeof(*hosted) * (hosted_count + 1)) : palloc(sizeof(*hosted));
	hosted[hosted_count++] = h;
	MemoryContextSwitchTo(old);
	return h;
}

/* Ends a ring.  final: its entry goes; else the next host takes it over. */
static void
stop_ring(rk_hosted *h, bool final)
{
	/* from here on no message is handled, so that none comes after the checkpoint */
	rk_set_state(h->ring, RK_RING_TERMINATING);
	if (h->state && h->ring->since_checkpoint > 0 && h->present)
		(void) rk_checkpoint_write(h);
	if (final)
	{
		/* after this no message can arrive */
		rk_directory_close(h->ring);
		discard_queue(h);
		rk_directory_free(h->ring);
	}
	rk_ctx_destroy(&h->ctx);
	for (int i = 0; i < hosted_count; i++)
		if (hosted[i] == h)
			hosted[i] = hosted[--hosted_count];
	MemoryContextDelete(h->memory);
}

/* ---- rk.ring ---- */

typedef struct ring_list
{
	rk_ring_row *rows;
	int			count;
	int			running;		/* of the database, whoever hosts them */
	MemoryContext memory;
} ring_list;

static void
read_rings(void *arg)
{
	ring_list  *list = arg;
	rk_catalog	catalog;

	if (!OidIsValid(get_extension_oid("rustkernels", true)))
		return;
	rk_catalog_open(&catalog);
	list->count = rk_run_sql("SELECT " RK_RING_COLUMNS " FROM rk.ring ORDER BY ring_id", 0, NULL, NULL, NULL);
	list->rows = MemoryContextAllocZero(list->memory, sizeof(rk_ring_row) * (list->count + 1));
	for (int i = 0; i < list->count; i++)
		rk_ring_row_from_spi(i, &list->rows[i], list->memory);
	rk_catalog_close(&catalog);
}

static bool
wants_to_run(const rk_ring_row *row)
{
	return strcmp(row->desired_state, "running") == 0 || strcmp(row->desired_state, "suspended") == 0;
}

/* Whether the option dedicated is set; bad options are found out later. */
static bool
is_dedicated(const rk_ring_row *row)
{
	JsonbValue	key = {.type = jbvString,.val.string = {9, "dedicated"}};
	JsonbValue *v = findJsonbValueFromContainer(&row->options->root, JB_FOBJECT, &key);

	return v && v->type == jbvBool && v->val.boolean;
}

typedef struct adopt_arg
{
	const rk_ring_row *row;
	rk_hosted  *h;
} adopt_arg;

static void
adopt_in_transaction(void *arg)
{
	adopt_arg  *a = arg;

	a->h = adopt(a->row);
}

/* Makes what runs what rk.ring says; returns the number of rings that run or should. */
static int
follow_catalog(void)
{
	ring_list	list = {0};
	int			mine = 0;

	list.memory = AllocSetContextCreate(TopMemoryContext, "rk ring list", ALLOCSET_DEFAULT_SIZES);
	if (!rk_in_transaction(NULL, "reading rk.ring", read_rings, &list))
	{
		MemoryContextDelete(list.memory);
		return hosted_count + 1;
	}
	for (int i = 0; i < hosted_count; i++)
		hosted[i]->present = false;
	for (int i = 0; i < list.count; i++)
	{
		rk_ring_row *row = &list.rows[i];
		rk_hosted  *h = NULL;
		bool		dedicated = is_dedicated(row);

		for (int k = 0; k < hosted_count; k++)
			if (hosted[k]->ring_id == row->ring_id)
				h = hosted[k];
		if (h)
			h->present = true;
		if (!h && dedicated && me->ring_id == 0 && wants_to_run(row))
		{
			/* the database's host asks for the ring's own */
			mine++;
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			(void) rk_host_slot(MyDatabaseId, row->ring_id, true);
			LWLockRelease(rk_the_region->lock);
			if (atomic_load(&rk_the_region->launcher))
				SetLatch(atomic_load(&rk_the_region->launcher));
			continue;
		}
		if (!h && (dedicated ? row->ring_id : 0) != me->ring_id)
			continue;
		if (wants_to_run(row))
		{
			mine++;
			if (h == NULL)
			{
				adopt_arg	arg = {.row = row};

				if (!rk_in_transaction(NULL, "launching a ring", adopt_in_transaction, &arg))
					continue;
				h = arg.h;
				launch(h);
			}
			else if (h->restarts != row->restarts)
			{
				adopt_arg	arg = {.row = row};

				stop_ring(h, true);
				if (!rk_in_transaction(NULL, "launching a ring", adopt_in_transaction, &arg))
					continue;
				h = arg.h;
				launch(h);
			}
			else if (h->ring->state == RK_RING_DRAINING)
				rk_set_state(h->ring, RK_RING_ACTIVE);
			if (strcmp(row->desired_state, "suspended") == 0 && h->ring->state == RK_RING_ACTIVE)
				rk_set_state(h->ring, RK_RING_SUSPENDED);
			else if (strcmp(row->desired_state, "running") == 0 && h->ring->state == RK_RING_SUSPENDED)
				rk_set_state(h->ring, RK_RING_ACTIVE);
		}
		else if (h)
		{
			mine++;
			if (strcmp(row->desired_state, "killed") == 0 || h->state == NULL)
			{
				stop_ring(h, true);
				mine--;
			}
			else if (h->ring->state != RK_RING_DRAINING)
			{
				rk_set_state(h->ring, RK_RING_DRAINING);
				h->drain_until_ns = rk_now_ns() + (row->drain_ms >= 0 ? row->drain_ms * INT64CONST(1000000) :
													   rk_drain_timeout_s * INT64CONST(1000000000));
			}
		}
	}
	for (int i = hosted_count - 1; i >= 0; i--)
		if (!hosted[i]->present)
			stop_ring(hosted[i], true);
	MemoryContextDelete(list.memory);
	return mine;
}

/* ---- the loop ---- */

/* Some messages of every ring; returns how many were handled. */
static int
run_rings(void)
{
	int			n = 0;

	for (int i = 0; i < hosted_count; i++)
	{
		rk_hosted  *h = hosted[i];
		uint32		state = atomic_load_explicit(&h->ring->state, memory_order_relaxed);

		if (unlikely(rk_lane_peek(h->queue, RK_LANE_CONTROL, 0) != NULL))
			run_control(h);
		if (state == RK_RING_ACTIVE || state == RK_RING_DRAINING)
		{
			int			done = unlikely(h->ring->journal) ? run_journaled(h) : run_volatile(h);

			n += done;
			if (done > 0)
			{
				offer_room(h);
				if (h->parked_count > 0)
					retry_parked(h);
			}
			if (unlikely(h->busy))
			{
				bool		more = false;

				h->ctx.error.status = RK_OK;
				if (h->actor->tick(&h->ctx, h->state, &more) != RK_OK)
					rk_ring_error(h->ring, h->ctx.error.message);
				h->busy = more;
				n += more;
			}
			else if (done > 0 && h->actor->tick)
				h->busy = true;
		}
	}
	return n;
}

void
rk_host_breathe(void)
{
	for (int i = 0; i < hosted_count; i++)
	{
		rk_hosted  *h = hosted[i];
		uint32		state = atomic_load_explicit(&h->ring->state, memory_order_relaxed);

		if ((state == RK_RING_ACTIVE || state == RK_RING_DRAINING) && !h->ring->journal && run_volatile(h) > 0)
			offer_room(h);
	}
}

/* Anything in any queue, for the last look before sleeping. */
static bool
anything_queued(void)
{
	for (int i = 0; i < hosted_count; i++)
	{
		rk_hosted  *h = hosted[i];
		uint32		state = atomic_load(&h->ring->state);

		if (rk_lane_peek(h->queue, RK_LANE_CONTROL, 0))
			return true;
		if (state != RK_RING_ACTIVE && state != RK_RING_DRAINING)
			continue;
		for (int lane = 0; lane < RK_WORK_LANES; lane++)
			if (rk_lane_peek(h->queue, lane, 0))
				return true;
	}
	return false;
}

/* What is due by the clock. */
static void
housekeeping(int64 now)
{
	rk_set_wall_offset();
	for (int i = hosted_count - 1; i >= 0; i--)
	{
		rk_hosted  *h = hosted[i];
		rk_ring    *ring = h->ring;
		uint32		state = atomic_load(&ring->state);

		h->now_ns = now;
		atomic_store_explicit(&ring->heartbeat_ns, now, memory_order_relaxed);
		ring->memory_bytes = h->ctx.memory_used;
		if (state == RK_RING_FAILED)
		{
			if (h->restart_at_ns != 0 && now >= h->restart_at_ns)
				launch(h);
			continue;
		}
		if (h->parked_count > 0)
			retry_parked(h);
		ring->high_water = rk_queue_depth(h->queue) * 4 >= ring->capacity * 3;
		if (ring->since_checkpoint > 0 && (now >= h->checkpoint_due_ns ||
										   ring->since_checkpoint >= h->options.checkpoint_messages))
		{
			int64		interval = h->options.checkpoint_interval_s > 0 ? h->options.checkpoint_interval_s :
				rk_checkpoint_interval_s;

			(void) rk_checkpoint_write(h);
			h->checkpoint_due_ns = rk_now_ns() + interval * INT64CONST(1000000000);
		}
		if (state == RK_RING_DRAINING &&
			((rk_queue_depth(h->queue) == 0 && !h->has_log) || now > h->drain_until_ns))
			stop_ring(h, true);
	}
}

static bool
any_draining(void)
{
	for (int i = 0; i < hosted_count; i++)
		if (atomic_load(&hosted[i]->ring->state) == RK_RING_DRAINING)
			return true;
	return false;
}

static void
host_exit(int code, Datum arg)
{
	atomic_store(&me->latch, NULL);
	rk_waiter_cancel(&me->sleeping);
}

/* Leaves: checkpoints are written, queues stay for the next host. */
static void
leave(bool final)
{
	int64		until = rk_now_ns() + rk_shutdown_timeout_s * INT64CONST(1000000000);

	/* a server that stops takes its shared memory along: work off what is queued */
	while (run_rings() > 0 && rk_now_ns() < until)
		;
	rk_dead_flush();
	while (hosted_count > 0)
		stop_ring(hosted[0], final);
	rk_dead_flush();
	/* somebody terminated this process, not the rings: the launcher sends another */
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	me->state = atomic_load(&me->stop) ? RK_HOST_FREE : RK_HOST_WANTED;
	me->restart_at = 0;
	LWLockRelease(rk_the_region->lock);
	proc_exit(0);
}

void
rk_host_main(Datum arg)
{
	int64		next_tick = 0;
	int64		next_poll = 0;

	me = &rk_region_hosts()[DatumGetInt32(arg)];
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(me->database, InvalidOid, 0);
	pgstat_report_appname("rk host");
	scratch = MemoryContextAlloc(TopMemoryContext, 65536);
	on_shmem_exit(host_exit, 0);
	atomic_store(&me->latch, MyLatch);
	rk_set_wall_offset();
	atomic_store(&me->rescan, 1);
	me->pid = MyProcPid;

	for (;;)
	{
		int			work;
		int64		now;
		int64		spin;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (ShutdownRequestPending || atomic_load(&me->stop))
			leave(true);
		if (atomic_exchange(&me->rescan, 0))
		{
			int			rings = follow_catalog();

			rk_dead_flush();
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			if (rings == 0 && hosted_count == 0 && atomic_load(&me->rescan) == 0)
				me->state = RK_HOST_FREE;
			else
			{
				me->state = RK_HOST_RUNNING;
				me->failures = 0;
			}
			LWLockRelease(rk_the_region->lock);
			if (me->state == RK_HOST_FREE)
				proc_exit(0);
			next_tick = 0;
		}
		work = run_rings();
		now = rk_now_ns();
		if (atomic_load_explicit(&me->journal, memory_order_relaxed) || now >= next_poll)
		{
			atomic_store(&me->journal, 0);
			rk_journal_intake(hosted, hosted_count);
			next_poll = rk_now_ns() + rk_journal_poll_ms * INT64CONST(1000000);
		}
		if (now >= next_tick || any_draining())
		{
			int			before = hosted_count;

			housekeeping(now);
			rk_dead_flush();
			next_tick = now + INT64CONST(1000000000);
			if (hosted_count < before)
				atomic_store(&me->rescan, 1);
		}
		if (work > 0)
			continue;

		/* nothing to do: spin, then sleep */
		spin = rk_spin_ns();
		if (spin != 0)
		{
			int64		until = now + (spin < 0 ? INT64CONST(1000000) : spin);
			int			handled = 0;

			/* messages that come meanwhile are handled right here: the short way */
			for (int i = 1; handled < 4096; i++)
			{
				int			n = run_rings();

				handled += n;
				if (n > 0)
					i = 0;
				else
					rk_cpu_relax();
				if (i % 64 == 63 && (rk_now_ns() > until || atomic_load(&me->journal) || atomic_load(&me->rescan)))
					break;
			}
			if (handled > 0 || spin < 0)
				continue;
		}
		rk_waiter_prepare(&me->sleeping);
		if (!anything_queued() && !atomic_load(&me->rescan) && !atomic_load(&me->journal) &&
			!atomic_load(&me->stop))
		{
			int64		wait_ns = Min(next_tick, next_poll) - rk_now_ns();

			if (any_draining())
				wait_ns = Min(wait_ns, INT64CONST(10000000));
			if (wait_ns > 0)
				(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 wait_ns / 1000000 + 1, PG_WAIT_EXTENSION);
		}
		rk_waiter_cancel(&me->sleeping);
		ResetLatch(MyLatch);
	}
}

/*
 * serve.c
 *	  Messages: from the queue to the actor, and replies back.
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
#include "storage/proc.h"
#include "utils/memutils.h"

#include "../../cuda/rk_window.h"
#include "../compat.h"
#include "host.h"

#define BATCH RK_LOG_BATCH		/* messages of a ring before the others' turn */
#define WATCHED 64				/* lanes that a host looks at while it spins */

static char *scratch;			/* replies that nobody waits for */
static int64 newest_ns;			/* the last time that anybody here looked at the clock */

void
rk_serve_init(void)
{
	scratch = MemoryContextAlloc(TopMemoryContext, 65536);
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

/* Replies that wait until the outputs of their messages are written. */
static struct
{
	uint32		number;
	uint32		length;
	uint32		block;
	rk_outcome	outcome;
}			deferred[Max(BATCH, RK_PARKED_MAX)];

static bool deferring = false;
static int	deferred_count = 0;

/* Hands a reply over and wakes whoever waits for it. */
static inline void
finish(rk_ring *ring, uint32 number, rk_reply_slot *r, rk_outcome outcome, uint32 length, uint32 block)
{
	if (unlikely(deferring))
	{
		deferred[deferred_count].number = number;
		deferred[deferred_count].length = length;
		deferred[deferred_count].block = block;
		deferred[deferred_count++].outcome = outcome;
		return;
	}
	r->outcome = outcome;
	r->length = length;
	r->in_slab = block != RK_SLAB_NONE;
	r->block = block;
	r->epoch = atomic_load_explicit(&ring->epoch, memory_order_relaxed);
	r->crc = rk_reply_crc(r, rk_reply_data(r));
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

/*
 * Writes what the messages since deferring began have published, and which of
 * them were refused, then sends their replies.  False: it could not be written,
 * and the state is ahead of the outputs.
 */
static bool
deliver(rk_hosted *h)
{
	bool		written = rk_dead_settle(h) && rk_output_flush(h);

	deferring = false;
	for (int i = 0; i < deferred_count; i++)
	{
		rk_outcome	outcome = deferred[i].outcome;
		uint32		block = deferred[i].block;
		bool		good = written || outcome != RK_OUTCOME_OK;

		if (!good && block != RK_SLAB_NONE)
			rk_slab_give(rk_region_slab(), block);
		finish(h->ring, deferred[i].number, &rk_region_replies()[deferred[i].number],
			   good ? outcome : RK_OUTCOME_LOST, good ? deferred[i].length : 0, good ? block : RK_SLAB_NONE);
	}
	deferred_count = 0;
	return written;
}

/* Appends a string and its zero to a text of size bytes, as far as there is room. */
static uint32
append(char *text, uint32 at, uint32 size, const char *string)
{
	if (at == size)
		return at;
	strlcpy(text + at, string, size - at);
	return at + strlen(text + at) + 1;
}

/* Answers a message with an error; what is too long for the reply slot goes into the slab. */
static void
answer_error(rk_ring *ring, const rk_slot *slot, int sqlstate, const char *message, const char *detail, const char *hint)
{
	rk_reply_slot *r;
	char	   *data;
	uint32		size = RK_REPLY_INLINE;
	uint32		needed = offsetof(rk_reply_error, text) + strlen(message) + strlen(detail) + strlen(hint) + 3;
	uint32		block = RK_SLAB_NONE;
	uint32		length;

	if (!(slot->flags & RK_SLOT_REPLY))
		return;
	r = &rk_region_replies()[slot->reply_slot];
	data = r->data;
	if (needed > size && (block = rk_slab_take(rk_region_slab(), needed)) != RK_SLAB_NONE)
	{
		data = rk_slab_data(rk_region_slab(), block);
		size = needed;
	}
	memcpy(data, &sqlstate, sizeof(int32));
	length = append(data, offsetof(rk_reply_error, text), size, message);
	length = append(data, length, size, detail);
	length = append(data, length, size, hint);
	finish(ring, slot->reply_slot, r, RK_OUTCOME_ERROR, length, block);
}

/* Answers a message that got no reply from its actor. */
void
rk_answer(rk_ring *ring, const rk_slot *slot, rk_outcome outcome, int sqlstate, const char *message)
{
	if (!(slot->flags & RK_SLOT_REPLY))
		return;
	if (outcome == RK_OUTCOME_ERROR)
		answer_error(ring, slot, sqlstate, message, "", "");
	else
		finish(ring, slot->reply_slot, &rk_region_replies()[slot->reply_slot], outcome, 0, RK_SLAB_NONE);
}

/* Ends a message: its place in the queue and its block. */
void
rk_release(rk_hosted *h, rk_slot *slot, rk_lane_name lane)
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

/* Whether a message that is not handled becomes a dead letter. */
static inline bool
wants_letter(const rk_slot *slot)
{
	return (slot->flags & (RK_SLOT_REPLY | RK_SLOT_LETTER)) != RK_SLOT_REPLY;
}

/* The message of a slot, as its handler sees it. */
static inline void
message_of(const rk_slot *slot, rk_message *m)
{
	m->type_id = slot->type_id;
	m->length = slot->length;
	m->payload = rk_slot_payload(slot);
	m->id = slot->message_id;
	m->correlation_id = slot->flags & RK_SLOT_EXTRA ? slot->correlation_id : 0;
	m->sent_ns = rk_wall_ns(slot->sent_ns);
	m->apply_seq = 0;
	m->tenant = slot->flags & RK_SLOT_EXTRA ? slot->tenant : 0;
	m->role = slot->role;
	m->priority = slot->priority;
	m->hops = slot->flags & RK_SLOT_EXTRA ? slot->hops : 0;
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

	if (h->ring->parked_count == RK_PARKED_MAX)
		return false;
	p = &h->parked[h->ring->parked_count];
	memcpy(&p->slot, slot, sizeof(rk_slot));
	p->seen = h->changes;
	p->tried = false;
	h->ring->parked_count++;
	return true;
}

/* The ring and the message that an actor is at, for what it publishes and sends. */
static rk_hosted *publisher;
static const rk_message *publication;

static void
publish(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	rk_record_add(publisher, publication, type_id, record, size);
}

static void
send_to(rk_reply *reply, const char *ring, uint32_t type_id, const void *payload, uint32_t size)
{
	rk_send_keep(publisher, ring, type_id, payload, size);
}

/* Detail and hint are set by some errors only: what an older one said must go. */
static void
forget_error(rk_hosted *h)
{
	h->ctx.error.status = RK_OK;
	h->ctx.error.detail[0] = '\0';
	h->ctx.error.hint[0] = '\0';
}

/*
 * Hands a message that failed for want of memory to the actor again, before any
 * other: in the log it has its place.  Memory that is kept for later is given
 * back first.
 */
static rk_status
try_again(rk_hosted *h, rk_message *message, rk_reply *reply, Size mark)
{
	rk_status	status = RK_ERR_MEMORY;

	for (int i = 0; i < h->options.max_retries && status == RK_ERR_MEMORY; i++)
	{
		rk_memory_trim();
		forget_error(h);
		h->records.size = mark;
		h->sends.size = 0;
		reply->length = 0;
		reply->later = false;
		message->attempt++;
		h->ring->retried++;
		status = h->actor->handle(&h->ctx, h->state, message, reply);
	}
	return status;
}

/*
 * What every message goes through: the actor, and what it publishes.  Nothing
 * is kept of a message that fails or is to come again.
 */
static pg_attribute_always_inline rk_status
call_actor(rk_hosted *h, rk_message *message, const rk_message_type *type, rk_reply *reply)
{
	rk_status	status;
	Size		mark;

	h->ctx.error.status = RK_OK;
	message->attempt = 1;
	publisher = h;
	/* what was sent before the log is applied again is not sent twice */
	reply->send = unlikely(message->apply_seq != 0) ? (message->apply_seq > h->output_seq ? send_to : NULL) :
		message->replay ? NULL : send_to;
	rk_act(h->ring);
	if (likely(h->output_count == 0 || message->apply_seq <= h->output_seq))
	{
		status = h->actor->handle(&h->ctx, h->state, message, reply);
		if (unlikely(status == RK_ERR_MEMORY))
			status = try_again(h, message, reply, h->records.size);
		rk_act_end(h->ring);
		return status;
	}

	mark = h->records.size;
	publication = message;
	reply->publish = publish;
	status = h->actor->handle(&h->ctx, h->state, message, reply);
	if (unlikely(status == RK_ERR_MEMORY))
		status = try_again(h, message, reply, mark);
	rk_act_end(h->ring);
	if (status != RK_OK || reply->later)
		h->records.size = mark;
	else if (type->reply_id != 0 && reply->length >= type->reply_size)
		rk_record_add(h, message, type->reply_id, reply->data, reply->length);
	return status;
}

/*
 * A message that the actor did not take.  letter: nobody waits for an answer,
 * so that it becomes a dead letter.  What is in the log is marked there, lest
 * it be applied when there is more memory.
 */
static void
refused(rk_hosted *h, const rk_message *message, rk_status status, bool letter)
{
	rk_error   *error = &h->ctx.error;
	const char *reason = status == RK_ERR_MEMORY ? "max_retries" : status == RK_STOPPED ? "destroyed" : "rejected";

	if (status == RK_STOPPED)
		strlcpy(error->message, "the host of the ring was told to stop", sizeof(error->message));
	rk_memory_hint(h, status);
	h->ring->failed++;
	rk_ring_error(h->ring, error->message);
	if (status == RK_STOPPED && message->apply_seq != 0)
		h->halted = true;
	else
		rk_dead_letter_message(h, message, letter ? reason : NULL, rk_status_code(status), error->message);
}

/*
 * Hands a message to the actor and answers it.  Returns true if the message is
 * to be kept, its block of the slab with it.
 */
static pg_attribute_always_inline bool
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
	reply.publish = NULL;
	if (unlikely(h->away != NULL) && rk_away_serves(h, slot->type_id))
		status = rk_away_take(h, &reply);
	else
	{
		if (unlikely(apply_seq != 0 && h->suspect))
			h->suspect->seq = apply_seq;
		status = call_actor(h, &message, type, &reply);
		if (unlikely(apply_seq != 0 && h->suspect))
			h->suspect->seq = 0;
		if (unlikely(h->away != NULL) && type->mutating && status == RK_OK && !reply.later)
			rk_away_changed(h);
	}
	if (unlikely(h->sends.size > 0))
	{
		if (status == RK_OK && !reply.later)
			rk_send_kept(h, &message, slot);
		h->sends.size = 0;
	}
	if (likely(status == RK_OK))
	{
		if (unlikely(reply.later))
		{
			if (block != RK_SLAB_NONE)
				rk_slab_give(rk_region_slab(), block);
			if (parked || park(h, slot))
				return true;
			if (wants_letter(slot))
				rk_dead_letter(h, slot, "queue_full", RK_ERRCODE_QUEUE_FULL, "too many messages wait for a change");
			rk_answer(ring, slot, RK_OUTCOME_ERROR, RK_ERRCODE_QUEUE_FULL, "too many messages wait for a change");
			ring->failed++;
			return false;
		}
		ring->in_flight = 0;
		if (unlikely(slot->flags & RK_SLOT_EXTRA))
			rk_receipt_settle(slot, RK_DELIVERY_DELIVERED);
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
		if (block != RK_SLAB_NONE)
			rk_slab_give(rk_region_slab(), block);
		ring->in_flight = 0;
		refused(h, &message, status, wants_letter(slot));
		if (!h->halted)
			rk_receipt_settle(slot, RK_DELIVERY_DEAD_LETTERED);
		/* what the log has is applied by the next host */
		if (h->halted)
			rk_answer(ring, slot, RK_OUTCOME_LOST, 0, NULL);
		else if (r)
			answer_error(ring, slot, rk_status_code(status), h->ctx.error.message, h->ctx.error.detail,
						 h->ctx.error.hint);
		forget_error(h);
	}
	ring->bytes += slot->length;
	return false;
}

/* Whether a message is one that the actor knows, and as it was sent. */
static inline bool
valid(const rk_slot *slot, const rk_message_type *type)
{
	return type != NULL && slot->version == RK_SLOT_VERSION && slot->length == type->request_size && rk_slot_intact(slot);
}

/* Deals with a message that is not valid. */
static void invalid(rk_hosted *h, const rk_slot *slot, const rk_message_type *type) __attribute__((noinline, cold));

static void
invalid(rk_hosted *h, const rk_slot *slot, const rk_message_type *type)
{
	int			code = ERRCODE_INVALID_PARAMETER_VALUE;
	char		text[100];

	if (type == NULL)
		snprintf(text, sizeof(text), "kernel \"%s\" has no message type %u", h->actor->kernel, slot->type_id);
	else if (slot->version == RK_SLOT_VERSION && slot->length != type->request_size)
		snprintf(text, sizeof(text), "message of type %u has %u bytes instead of %d", slot->type_id,
				 slot->length, type->request_size);
	else
	{
		code = ERRCODE_DATA_CORRUPTED;
		strlcpy(text, RK_SLOT_DAMAGED, sizeof(text));
	}
	h->ring->failed++;
	rk_ring_error(h->ring, text);
	if (wants_letter(slot))
		rk_dead_letter(h, slot, "invalid", code, text);
	rk_answer(h->ring, slot, RK_OUTCOME_ERROR, code, text);
}

/* True if the message may go to the actor; else it has been dealt with. */
static pg_attribute_always_inline bool
acceptable(rk_hosted *h, rk_slot *slot)
{
	const rk_message_type *type = type_of(h, slot->type_id);

	if (unlikely(!valid(slot, type)))
	{
		invalid(h, slot, type);
		return false;
	}
	if (unlikely(rk_host_read_only && type->mutating))
	{
		rk_answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				  "the ring only answers during recovery");
		h->ring->failed++;
		return false;
	}
	if (unlikely(slot->deadline_ns != 0 && h->now_ns > slot->deadline_ns))
	{
		h->ring->expired++;
		rk_receipt_settle(slot, RK_DELIVERY_EXPIRED);
		if (wants_letter(slot))
			rk_dead_letter(h, slot, "expired", RK_ERRCODE_DEADLINE, "deadline passed before the message was handled");
		rk_answer(h->ring, slot, RK_OUTCOME_EXPIRED, 0, NULL);
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

/* Whether a message at the head of a lane is one that changes the state. */
static bool
to_be_logged(const rk_hosted *h, const rk_slot *slot)
{
	const rk_message_type *type = type_of(h, slot->type_id);

	return type && type->mutating && valid(slot, type) &&
		!(slot->deadline_ns != 0 && h->now_ns > slot->deadline_ns);
}

/* Messages that waited for a change of the state. */
void
rk_retry_parked(rk_hosted *h)
{
	uint32		kept = 0;
	bool		good;
	bool		lost = false;
	bool		gone[RK_PARKED_MAX] = {false};

	/* what the log has already comes first, and is applied elsewhere */
	if (h->ring->journal && h->has_log)
		return;
	deferring = h->ring->journal;
	for (uint32 i = 0; i < h->ring->parked_count; i++)
	{
		rk_parked  *p = &h->parked[i];
		bool		keep = true;

		if ((p->slot.flags & RK_SLOT_REPLY) &&
			rk_reply_look(&rk_region_replies()[p->slot.reply_slot]) == RK_REPLY_ABANDONED)
		{
			/* nobody waits any more */
			rk_receipt_settle(&p->slot, RK_DELIVERY_TIMEOUT);
			rk_answer(h->ring, &p->slot, RK_OUTCOME_STOPPED, 0, NULL);
			keep = false;
		}
		else if (p->slot.deadline_ns != 0 && h->now_ns > p->slot.deadline_ns)
			keep = acceptable(h, &p->slot);
		else if (p->seen != h->changes)
		{
			uint64		seq = 0;
			rk_slot    *slot = &p->slot;

			/* what it does now, the log must say now: at its first place it did nothing */
			if (h->ring->journal && to_be_logged(h, slot))
			{
				if (!rk_log_messages(h, &slot, 1))
					continue;
				seq = ++h->ring->apply_seq;
			}
			if (unlikely(h->away != NULL))
			{
				rk_message	message;

				message_of(slot, &message);
				if (!rk_away_ready(h, &message))
				{
					/* what is in the log is applied from there; else it waits on, with those behind it */
					if (seq != 0)
						rk_answer(h->ring, slot, RK_OUTCOME_LOST, 0, NULL);
					gone[i] = seq != 0;
					lost = true;
					break;
				}
			}
			p->tried = true;
			keep = handle(h, slot, seq, true);
			p->seen = h->changes;
		}
		gone[i] = !keep;
		p->tried = !keep;
	}
	/* only now does nobody wait for their answers any more */
	good = deliver(h);
	for (uint32 i = 0; i < h->ring->parked_count; i++)
	{
		rk_parked  *p = &h->parked[i];

		if (!gone[i])
			h->parked[kept++] = *p;
		else if (p->slot.flags & RK_SLOT_SLAB)
			rk_slab_give(rk_region_slab(), p->slot.block);
	}
	h->ring->parked_count = kept;
	if (lost)
		rk_away_lost(h);
	else if (!good)
		rk_ring_failed(h);
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

void
rk_serve_time(int64 now)
{
	newest_ns = now;
}

/*
 * Another ring has written into the journal of this one, before whatever was
 * sent after it heard of that: takes it in.  False: the message that was found
 * waits, for now.
 */
static bool take_inbox(rk_hosted *h) __attribute__((noinline, cold));

static bool
take_inbox(rk_hosted *h)
{
	uint32		inbox = atomic_load(&h->ring->inbox);

	if (IsTransactionState())
		return false;
	rk_journal_intake(&h, 1);
	h->inbox_seen = inbox;
	return h->state != NULL;
}

/* Whether the message that was just found may be handled. */
static inline bool
is_next(rk_hosted *h)
{
	return likely(atomic_load_explicit(&h->ring->inbox, memory_order_relaxed) == h->inbox_seen) || take_inbox(h);
}

/*
 * Handles some messages of a ring; returns how many.  Whatever a message
 * needs of the clock is the time after the one before, of this ring or another:
 * messages that wait pay for one look at the clock each.
 */
static int
run_volatile(rk_hosted *h)
{
	rk_ring    *ring = h->ring;
	rk_lane_name lane;
	rk_slot    *slot;
	int			n = 0;

	h->now_ns = newest_ns;
	while (n < BATCH && (slot = rk_queue_peek(h->queue, &lane)) != NULL && is_next(h))
	{
		int64		sent = slot->sent_ns;

		ring->in_flight = 1 + lane;
		if (likely(acceptable(h, slot)) && handle(h, slot, 0, false))
			rk_queue_release(h->queue, lane);
		else
			rk_release(h, slot, lane);
		ring->in_flight = 0;
		newest_ns = h->now_ns = rk_now_ns();
		count_latency(ring, h->now_ns - sent);
		n++;
	}
	return n;
}

/*
 * Whether a message goes to the actor without a question: to a device it may be
 * sent together with others.
 */
static bool
is_plain(const rk_hosted *h, const rk_slot *slot)
{
	const rk_message_type *type = type_of(h, slot->type_id);

	return type && rk_away_serves(h, slot->type_id) && valid(slot, type) && slot->length <= RK_WINDOW_PAYLOAD &&
		!has_key(slot) &&
		(slot->deadline_ns == 0 || h->now_ns <= slot->deadline_ns);
}

/*
 * The messages of the lane that is next, as many as are handled together:
 * not two with the same key, as the second is a repeat of the first.
 */
static int
gather(rk_hosted *h, rk_lane_name lane, rk_slot **slots)
{
	int			n;

	for (n = 0; n < BATCH && (slots[n] = rk_lane_peek(h->queue, lane, n)) != NULL; n++)
	{
		if (unlikely(h->away != NULL) && !is_plain(h, slots[n]))
			return Max(n, 1);
		for (int i = 0; i < n && has_key(slots[n]); i++)
			if (has_key(slots[i]) && memcmp(slots[i]->key_hash, slots[n]->key_hash, 16) == 0)
				return n;
	}
	return n;
}

/*
 * The same with durability "journal", with outputs or on a device: what changes the state
 * is in the log, and the log on disk, before it is applied; what it publishes is
 * written before it is answered.  One flush for all that wait, or two.
 */
static int
run_batch(rk_hosted *h)
{
	rk_ring    *ring = h->ring;
	rk_slot    *slots[BATCH];
	rk_slot    *to_log[BATCH];
	bool		keep[BATCH];
	int			n;
	int			done = 0;
	int			logged = 0;
	rk_lane_name lane;
	uint64		seq;
	bool		written;
	bool		lost = false;

	/* an output that was made meanwhile */
	if (unlikely(h->away != NULL) && h->output_count > 0 && !rk_away_home(h, "a ring with outputs publishes from the CPU"))
	{
		rk_away_lost(h);
		return 0;
	}
	if (rk_queue_peek(h->queue, &lane) == NULL || !is_next(h))
		return 0;
	h->now_ns = newest_ns;
	n = gather(h, lane, slots);
	for (int i = 0; i < n; i++)
		if (ring->journal && to_be_logged(h, slots[i]) && !(has_key(slots[i]) && rk_key_find(h, slots[i]->key_hash)))
			to_log[logged++] = slots[i];
	ring->in_flight = 1 + lane;
	if (logged > 0 && !rk_log_messages(h, to_log, logged))
	{
		/* the log could not be written: none of them takes effect */
		for (int i = 0; i < n; i++)
		{
			rk_answer(ring, slots[i], RK_OUTCOME_ERROR, ERRCODE_IO_ERROR, ring->error);
			rk_release(h, slots[i], lane);
		}
		ring->in_flight = 0;
		return n;
	}
	seq = ring->apply_seq;
	for (int i = 0; i < n && unlikely(h->away != NULL); i++)
		if (is_plain(h, slots[i]))
		{
			rk_message	message;

			message_of(slots[i], &message);
			rk_away_submit(h, &message);
		}
	deferring = ring->journal;
	for (int l = 0; done < n; done++)
	{
		rk_slot    *slot = slots[done];
		bool		is_logged = l < logged && to_log[l] == slot;

		keep[done] = false;
		if (unlikely(h->halted))
		{
			rk_answer(ring, slot, is_logged ? RK_OUTCOME_LOST : RK_OUTCOME_STOPPED, 0, NULL);
			continue;
		}
		if (!is_logged && !acceptable(h, slot))
			continue;
		if (unlikely(h->away != NULL))
		{
			rk_message	message;

			message_of(slot, &message);
			lost = !rk_away_ready(h, &message);
			if (lost)
				break;
		}
		keep[done] = handle(h, slot, is_logged ? ++seq : 0, false);
		if (is_logged)
		{
			l++;
			if (likely(!h->halted))
				ring->apply_seq = seq;
		}
	}
	/* log and outputs agree before anybody hears of it */
	written = deliver(h);
	newest_ns = h->now_ns = rk_now_ns();
	for (int i = 0; i < done; i++)
	{
		count_latency(ring, h->now_ns - slots[i]->sent_ns);
		if (keep[i])
			rk_queue_release(h->queue, lane);
		else
			rk_release(h, slots[i], lane);
	}
	ring->in_flight = 0;
	if (!written)
		rk_ring_failed(h);
	else if (lost)
		rk_away_lost(h);
	return done;
}

rk_status
rk_apply(rk_hosted *h, rk_message *message)
{
	rk_reply	reply = {.data = scratch,.capacity = RK_REPLY_INLINE,.grow = grow_reply};
	rk_status	status;

	forget_error(h);
	if (h->away && h->output_count > 0 && !rk_away_home(h, "a ring with outputs publishes from the CPU"))
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("ring \"%s\" was lost by the device", NameStr(h->ring->name))));
	/* the transaction ends, and the next turn of the host brings the ring up here */
	if (h->away && !rk_away_ready(h, message))
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("ring \"%s\" was lost by the device", NameStr(h->ring->name))));
	if (h->away && rk_away_serves(h, message->type_id))
		status = rk_away_take(h, &reply);
	else
	{
		if (message->apply_seq != 0 && h->suspect)
			h->suspect->seq = message->apply_seq;
		status = call_actor(h, message, type_of(h, message->type_id), &reply);
		if (message->apply_seq != 0 && h->suspect)
			h->suspect->seq = 0;
		if (h->away && status == RK_OK)
			rk_away_changed(h);
	}
	if (h->sends.size > 0 && status == RK_OK && !reply.later)
		rk_send_kept(h, message, NULL);
	h->sends.size = 0;
	if (status != RK_OK)
		return status;
	/* who comes from a table or the log cannot wait */
	if (reply.later)
		return rk_fail(&h->ctx, RK_ERR_DATA, "the message waits for a change, which one without a sender cannot");
	h->changes++;
	h->ring->since_checkpoint++;
	h->ring->processed += !message->replay;
	return RK_OK;
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

		if (!rk_slot_intact(slot))
		{
			rk_answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_DATA_CORRUPTED, RK_SLOT_DAMAGED);
			rk_release(h, slot, RK_LANE_CONTROL);
			continue;
		}
		if (good && slot->type_id == RK_CONTROL_MOVE)
		{
			int64		to_device;

			memcpy(&to_device, slot->payload, sizeof(to_device));
			good = rk_away_move(h, to_device != 0);
		}
		/* a checksum is of the state here */
		else if (good && h->away && slot->type_id == RK_CONTROL_CHECKSUM && !rk_away_fetch(h))
		{
			rk_away_lost(h);
			good = h->state != NULL;
		}
		if (good && slot->type_id == RK_CONTROL_CHECKPOINT)
		{
			good = rk_checkpoint_write(h);
			value = h->ring->checkpoint_id;
		}
		else if (good && slot->type_id == RK_CONTROL_CHECKSUM)
		{
			rk_act(h->ring);
			value = h->actor->checksum(&h->ctx, h->state);
			rk_act_end(h->ring);
		}
		else if (good && slot->type_id == RK_CONTROL_INTAKE)
		{
			if (atomic_load(&h->ring->state) == RK_RING_SUSPENDED)
			{
				rk_answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  "the ring is suspended and takes nothing in");
				rk_release(h, slot, RK_LANE_CONTROL);
				continue;
			}
			/* an output that is there begins with what comes after this */
			if (atomic_load(&rk_this_host->rescan) && !rk_host_read_only)
				rk_outputs_refresh();
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
			rk_answer(h->ring, slot, RK_OUTCOME_ERROR, ERRCODE_INTERNAL_ERROR, h->ring->error);
		rk_release(h, slot, RK_LANE_CONTROL);
	}
}

/* ---- all rings of the host ---- */

/* Some messages of every ring; returns how many were handled. */
int
rk_run_rings(void)
{
	int			n = 0;

	for (int i = 0; i < rk_hosted_count; i++)
	{
		rk_hosted  *h = rk_hosted_rings[i];
		uint32		state = atomic_load_explicit(&h->ring->state, memory_order_relaxed);

		rk_mind_end();
		if (unlikely(rk_lane_peek(h->queue, RK_LANE_CONTROL, 0) != NULL))
			run_control(h);
		/* found out in a transaction */
		if (unlikely(h->away != NULL) && !rk_away_alive(h))
			rk_away_lost(h);
		if ((state == RK_RING_ACTIVE || state == RK_RING_DRAINING) && likely(!h->halted))
		{
			int			done = unlikely(h->ring->journal || h->away) ? run_batch(h) : run_volatile(h);

			n += done;
			/* its outputs could not be written */
			if (unlikely(h->state == NULL))
				continue;
			if (done > 0)
			{
				offer_room(h);
				if (h->ring->parked_count > 0)
					rk_retry_parked(h);
				if (unlikely(h->state == NULL))
					continue;
			}
			/* a state that is away does not change here */
			if (unlikely(h->busy && h->away == NULL))
			{
				bool		more = false;
				rk_status	status;

				h->ctx.error.status = RK_OK;
				rk_act(h->ring);
				status = h->actor->tick(&h->ctx, h->state, &more);
				rk_act_end(h->ring);
				if (status != RK_OK)
					rk_ring_error(h->ring, h->ctx.error.message);
				h->busy = more;
				n += more;
				/* messages may have waited for the end of this work */
				if (!more && h->ring->parked_count > 0)
				{
					h->changes++;
					rk_retry_parked(h);
				}
				if (unlikely(h->state == NULL))
					continue;
			}
			else if (done > 0 && h->actor->tick && h->away == NULL)
				h->busy = true;
		}
	}
	return n;
}

void
rk_host_breathe(void)
{
	/* replies of a ring wait for their log: others' must not be among them */
	if (deferring)
		return;
	for (int i = 0; i < rk_hosted_count; i++)
	{
		rk_hosted  *h = rk_hosted_rings[i];
		uint32		state = atomic_load_explicit(&h->ring->state, memory_order_relaxed);

		rk_mind_end();
		if ((state == RK_RING_ACTIVE || state == RK_RING_DRAINING) && !h->ring->journal && !h->away && run_volatile(h) > 0)
			offer_room(h);
	}
}

/*
 * Looks for the next message of any ring, so many times.  While there is none
 * nothing here changes, so that the places where it will be are found once.
 */
bool
rk_watch(int looks)
{
	static struct
	{
		_Atomic uint64 *seq;
		uint64		awaited;
	}			words[WATCHED];
	int			count = 0;

	for (int i = 0; i < rk_hosted_count && count <= WATCHED - RK_LANES; i++)
	{
		const rk_hosted *h = rk_hosted_rings[i];
		rk_queue   *queue = h->queue;
		uint32		state = atomic_load_explicit(&h->ring->state, memory_order_relaxed);

		/* an actor that has work to do between messages does not wait for them */
		if (h->busy && h->away == NULL)
			looks = 1;
		for (int lane = 0; lane < RK_LANES; lane++)
		{
			uint64		p = atomic_load_explicit(&queue->lanes[lane].head, memory_order_relaxed);

			if (lane != RK_LANE_CONTROL && state != RK_RING_ACTIVE && state != RK_RING_DRAINING)
				continue;
			words[count].seq = &rk_lane_slot(queue, &queue->lanes[lane], p)->seq;
			words[count++].awaited = p + 1;
		}
	}
	/* too many to know them all by heart */
	if (rk_hosted_count > WATCHED / RK_LANES)
		return rk_anything_queued();
	for (int i = 0; i < looks; i++)
	{
		for (int w = 0; w < count; w++)
			if (atomic_load_explicit(words[w].seq, memory_order_relaxed) == words[w].awaited)
				return true;
		rk_cpu_relax();
	}
	return false;
}

/* Anything in any queue, for the last look before sleeping. */
bool
rk_anything_queued(void)
{
	for (int i = 0; i < rk_hosted_count; i++)
	{
		rk_hosted  *h = rk_hosted_rings[i];
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


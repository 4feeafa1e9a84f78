/*
 * queue.h
 *	  The request queue of a ring, its reply slots, and the slab for payloads
 *	  that do not fit in either: plain memory and atomics, no locks.
 *
 * All of it works in memory shared by processes that map it wherever they
 * like: nothing holds a pointer, positions and block numbers are all there is.
 *
 * REQUEST LANE.  A bounded queue of many producers and one consumer.  Position
 * p of the lane lives in slot p mod capacity.
 *
 *	  free			p - capacity < head: the consumer is done with the slot's last
 *					message.  The producer that moves tail from p to p + 1 owns it
 *	  published		seq = p + 1: the consumer may read it
 *
 *	  producer: load tail, compare with a copy of head (seen_head), which is
 *	  refreshed from head when the lane looks full; CAS tail (relaxed: it orders
 *	  nothing, the owner alone writes), copy, store-release seq = p + 1.
 *	  consumer: load-acquire seq, use the message in place, store-release
 *	  head = p + 1.
 *
 * The pair on seq carries the message to the consumer, that on head the empty
 * slot back; seen_head hands the latter on, by release and acquire too.  A slot
 * is written by producers only and read by the consumer only, so that its cache
 * lines travel once each way, and the copy of head spares the producer a look
 * at a line that the consumer keeps writing.  head lives in the shared memory
 * so that another process can take over as the consumer: a message is released
 * after it was handled, so the successor finds the message that its predecessor
 * died with.  Between claim and publish a producer must not fail: a slot
 * claimed and never published stops the lane.  Producers therefore hold off
 * interrupts and only copy; should one be killed there, the server
 * reinitialises shared memory anyway.
 *
 * Messages of a lane are consumed in the order in which their slots were
 * claimed, so those of one producer in the order of sending.
 *
 * LANES.  Urgent, normal, low, each with its own order, and one for control
 * messages that the consumer looks at by itself.  The consumer prefers
 * the more urgent, but after 64 urgent messages takes one normal and after 256
 * others one low if there are any: no lane starves.
 *
 * SLEEP AND WAKE.  The consumer says in a word of its own that it will sleep,
 * then looks at the lanes once more (rk_waiter_prepare, then check, then
 * sleep); a producer publishes, then looks at that word (rk_waiter_pending).
 * Both have a full fence in between, so that one of the two sees the other's
 * store (Dekker).  A producer that looks for a reply may do that first for a
 * while: a reply says that the consumer was awake, and without one it comes to
 * the fence and the word before it sleeps itself or does anything else.
 *
 * REPLY SLOT.  One word tells its state; whoever may write is told by it:
 *
 *	  FREE -> WAITING		caller, before it sends
 *	  WAITING -> SLEEPING	caller, before it sleeps on its latch
 *	  WAITING, SLEEPING -> DONE		host, after it has written the reply; it
 *							then owns nothing any more.  It wakes the caller if
 *							it was SLEEPING
 *	  DONE -> FREE			caller, after it has read the reply
 *	  WAITING, SLEEPING -> ABANDONED	caller that gives up.  The slot is not
 *							used again until the host has answered
 *	  ABANDONED -> FREE		host, instead of DONE
 *
 * So between WAITING and the host's answer the data of the slot is the host's
 * alone, and a late reply can never reach another call.
 *
 * SLAB.  Blocks of four sizes, each size a stack of free block numbers.  The
 * head of a stack is a number and a counter in one word, which is what keeps a
 * compare-and-swap from succeeding on a head that went away and came back.
 *
 * All of this is checked in every order of events by the models in test/model,
 * under load and with consumers that are killed by test/stress/ring_queue.c,
 * and for data races by ThreadSanitizer (make check-model, check-stress,
 * check-thread).
 */
#ifndef RK_QUEUE_H
#define RK_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RK_INLINE_PAYLOAD 128	/* bytes of a payload inside its slot */
#define RK_LANES 4
#define RK_WORK_LANES 3			/* those that rk_queue_peek looks at */

typedef enum rk_lane_name
{
	RK_LANE_URGENT,
	RK_LANE_NORMAL,
	RK_LANE_LOW,
	RK_LANE_CONTROL				/* for the runtime: looked at whatever the ring's state */
} rk_lane_name;

/* Bits of rk_slot.flags. */
#define RK_SLOT_REPLY 1			/* reply_slot is waiting */
#define RK_SLOT_READ_ONLY 2
#define RK_SLOT_SLAB 4			/* the payload is in the slab */
#define RK_SLOT_CONTROL 8		/* for the runtime, not for the actor */
#define RK_SLOT_EXTRA 16		/* the last line of the slot is filled in */
#define RK_SLOT_LETTER 32		/* a dead letter if it is not handled, even if somebody waits */

#define RK_SLOT_VERSION 1

/*
 * A message in a queue: 256 bytes.  One of up to 8 bytes without extras touches
 * one cache line, one of up to 72 bytes two.
 */
typedef struct rk_slot
{
	_Atomic uint64_t seq;		/* see above */
	uint32_t	type_id;
	uint16_t	flags;
	uint8_t		priority;
	uint8_t		version;		/* of this layout */
	uint32_t	length;			/* of the payload */
	uint32_t	reply_slot;		/* number in the region */
	int64_t		message_id;
	int64_t		deadline_ns;	/* monotonic clock; 0: none */
	int64_t		sent_ns;		/* monotonic clock */
	uint32_t	crc;			/* of the payload, type and role; the sender's */
	uint32_t	role;			/* oid */
	char		payload[RK_INLINE_PAYLOAD];
	uint32_t	block;			/* of the slab, if RK_SLOT_SLAB */

	/* extras, if RK_SLOT_EXTRA */
	int32_t		source;			/* id of the ring that sends; -pid of a backend */
	int64_t		correlation_id;
	uint8_t		trace_id[16];
	uint64_t	span_id;
	uint8_t		trace_flags;
	uint8_t		hops;
	uint16_t	reserved;
	uint32_t	receipt;		/* 1 + its place among the receipts; 0: none */
	uint64_t	key_hash[2];	/* idempotency key; zeros: none */
	uint32_t	tenant;			/* 0: none */
	uint32_t	reserved_too;
} rk_slot;

_Static_assert(sizeof(rk_slot) == 256, "slot layout");

typedef struct rk_lane
{
	_Alignas(128) _Atomic uint64_t tail;	/* next position to claim */
	_Atomic uint64_t seen_head; /* head as producers know it */
	_Alignas(128) _Atomic uint64_t head;	/* next position to consume */
	_Alignas(128) uint64_t capacity;	/* a power of two; constant */
	uint64_t	first;			/* offset of slot 0 from the queue */
} rk_lane;

typedef struct rk_queue
{
	rk_lane		lanes[RK_LANES];

	/* the consumer's: how many it took since the lane below had a turn */
	uint32_t	urgent_run;
	uint32_t	run;
} rk_queue;

/* Bytes that a queue needs; capacity (a power of two >= 16) is the normal lane's. */
extern size_t rk_queue_size(uint32_t capacity);

/* Makes an empty queue at memory, which is 128-byte aligned. */
extern rk_queue *rk_queue_init(void *memory, uint32_t capacity);

static inline rk_slot *
rk_lane_slot(rk_queue *queue, const rk_lane *lane, uint64_t position)
{
	return (rk_slot *) ((char *) queue + lane->first) + (position & (lane->capacity - 1));
}

/*
 * Producer: claims the next slot of a lane, or returns NULL when it is full.
 * The caller fills in everything but seq, then publishes with the position
 * that it was given.
 */
static inline rk_slot *
rk_queue_claim(rk_queue *queue, rk_lane_name name, uint64_t *position)
{
	rk_lane    *lane = &queue->lanes[name];
	uint64_t	p = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	for (;;)
	{
		if (p - atomic_load_explicit(&lane->seen_head, memory_order_acquire) >= lane->capacity)
		{
			uint64_t	head = atomic_load_explicit(&lane->head, memory_order_acquire);

			/* an older value may overwrite a newer one: then the next look is sooner */
			atomic_store_explicit(&lane->seen_head, head, memory_order_release);
			if (p - head >= lane->capacity)
			{
				uint64_t	again = atomic_load_explicit(&lane->tail, memory_order_relaxed);

				/* p may be old news */
				if (again == p)
					return NULL;
				p = again;
				continue;
			}
		}
		if (atomic_compare_exchange_weak_explicit(&lane->tail, &p, p + 1, memory_order_relaxed,
												  memory_order_relaxed))
		{
			*position = p;
			return rk_lane_slot(queue, lane, p);
		}
	}
}

static inline void
rk_queue_publish(rk_slot *slot, uint64_t position)
{
	atomic_store_explicit(&slot->seq, position + 1, memory_order_release);
}

/* Consumer: the message ahead places behind the first of a lane, or NULL. */
static inline rk_slot *
rk_lane_peek(rk_queue *queue, rk_lane_name name, uint64_t ahead)
{
	rk_lane    *lane = &queue->lanes[name];
	uint64_t	p = atomic_load_explicit(&lane->head, memory_order_relaxed) + ahead;
	rk_slot    *slot = rk_lane_slot(queue, lane, p);

	return atomic_load_explicit(&slot->seq, memory_order_acquire) == p + 1 ? slot : NULL;
}

/* Consumer: which message is next, by the rule above; NULL when there is none. */
extern rk_slot *rk_queue_peek_any(rk_queue *queue, rk_lane_name *name);

static inline rk_slot *
rk_queue_peek(rk_queue *queue, rk_lane_name *name)
{
	rk_slot    *slot;

	/* nearly always the answer, at the price of two loads */
	if (rk_lane_peek(queue, RK_LANE_URGENT, 0) == NULL && queue->run < 256 &&
		(slot = rk_lane_peek(queue, RK_LANE_NORMAL, 0)) != NULL)
	{
		queue->urgent_run = 0;
		queue->run++;
		*name = RK_LANE_NORMAL;
		return slot;
	}
	return rk_queue_peek_any(queue, name);
}

/* Consumer: gives the first slot of the lane back to the producers. */
static inline void
rk_queue_release(rk_queue *queue, rk_lane_name name)
{
	rk_lane    *lane = &queue->lanes[name];
	uint64_t	p = atomic_load_explicit(&lane->head, memory_order_relaxed);

	atomic_store_explicit(&lane->head, p + 1, memory_order_release);
}

/* Messages in a lane; anybody may ask, the answer may be old. */
extern uint64_t rk_lane_depth(const rk_queue *queue, rk_lane_name name);
/* Messages in all lanes but the one for control. */
extern uint64_t rk_queue_depth(const rk_queue *queue);

/* ---- sleeping ---- */

typedef _Atomic uint32_t rk_waiter;

/* Announces a sleep; look for work once more after it. */
static inline void
rk_waiter_prepare(rk_waiter *waiter)
{
	atomic_store_explicit(waiter, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void
rk_waiter_cancel(rk_waiter *waiter)
{
	atomic_store_explicit(waiter, 0, memory_order_relaxed);
}

/* After publishing: whether the other side sleeps or is about to. */
static inline bool
rk_waiter_pending(rk_waiter *waiter)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(waiter, memory_order_relaxed) != 0;
}

/* ---- reply slots ---- */

typedef enum rk_reply_state
{
	RK_REPLY_FREE,
	RK_REPLY_WAITING,
	RK_REPLY_SLEEPING,
	RK_REPLY_DONE,
	RK_REPLY_ABANDONED
} rk_reply_state;

/* What became of a call. */
typedef enum rk_outcome
{
	RK_OUTCOME_OK,
	RK_OUTCOME_ERROR,			/* the data is a rk_reply_error */
	RK_OUTCOME_EXPIRED,			/* the deadline passed before it was handled */
	RK_OUTCOME_LOST,			/* the host died while it handled the message */
	RK_OUTCOME_STOPPED			/* the ring stopped before it was handled */
} rk_outcome;

#define RK_REPLY_INLINE 228

typedef struct rk_reply_slot
{
	_Atomic uint32_t state;
	uint32_t	generation;		/* of the call; the caller's */
	uint16_t	outcome;
	uint16_t	in_slab;
	uint32_t	length;
	uint32_t	block;			/* if in_slab */
	uint32_t	epoch;			/* of the ring that answered */
	uint32_t	crc;			/* of the data and what is said of it; the host's */
	char		data[RK_REPLY_INLINE];
} rk_reply_slot;

_Static_assert(sizeof(rk_reply_slot) == 256, "reply slot layout");

/*
 * An error in a reply.  The text is message, detail and hint, each ended by a
 * zero; the latter two may be empty.  It is longer where the reply is in the slab.
 */
typedef struct rk_reply_error
{
	int32_t		sqlstate;		/* packed as in errcode() */
	char		text[RK_REPLY_INLINE - 4];
} rk_reply_error;

static inline rk_reply_state
rk_reply_look(rk_reply_slot *slot)
{
	return (rk_reply_state) atomic_load_explicit(&slot->state, memory_order_acquire);
}

/* Caller: takes a free slot. */
static inline void
rk_reply_begin(rk_reply_slot *slot)
{
	slot->generation++;
	atomic_store_explicit(&slot->state, RK_REPLY_WAITING, memory_order_relaxed);
}

/* Caller: true if it may sleep, false if the reply has come. */
static inline bool
rk_reply_sleep(rk_reply_slot *slot)
{
	uint32_t	expected = RK_REPLY_WAITING;

	return atomic_compare_exchange_strong(&slot->state, &expected, RK_REPLY_SLEEPING) ||
		expected == RK_REPLY_SLEEPING;
}

/* Caller: gives up; false if the reply has come after all. */
static inline bool
rk_reply_abandon(rk_reply_slot *slot)
{
	uint32_t	state = atomic_load_explicit(&slot->state, memory_order_acquire);

	while (state == RK_REPLY_WAITING || state == RK_REPLY_SLEEPING)
		if (atomic_compare_exchange_weak(&slot->state, &state, RK_REPLY_ABANDONED))
			return true;
	return false;
}

/* Caller: the reply has been read. */
static inline void
rk_reply_end(rk_reply_slot *slot)
{
	atomic_store_explicit(&slot->state, RK_REPLY_FREE, memory_order_relaxed);
}

/*
 * Host: hands over the reply it has written.  Returns the state before:
 * SLEEPING, wake the caller; ABANDONED, the slot is free and a block of the
 * slab in it must be given back by the host, who reads its number before.
 */
static inline rk_reply_state
rk_reply_finish(rk_reply_slot *slot)
{
	uint32_t	before = atomic_exchange_explicit(&slot->state, RK_REPLY_DONE, memory_order_acq_rel);

	if (before == RK_REPLY_ABANDONED)
		atomic_store_explicit(&slot->state, RK_REPLY_FREE, memory_order_release);
	return (rk_reply_state) before;
}

/* ---- slab ---- */

#define RK_SLAB_CLASSES 4		/* 1, 4, 16, 64 kB */
#define RK_SLAB_NONE UINT32_MAX

typedef struct rk_slab_class
{
	_Alignas(128) _Atomic uint64_t free;	/* counter << 32 | block number */
	uint32_t	blocks;
	uint32_t	block_size;
	uint64_t	first;			/* offset of block 0 from the slab */
	uint64_t	links;			/* offset of the array of next free blocks */
	_Atomic uint32_t used;
} rk_slab_class;

typedef struct rk_slab
{
	rk_slab_class classes[RK_SLAB_CLASSES];
} rk_slab;

/* Makes a slab of at most size bytes at memory, which is 128-byte aligned. */
extern rk_slab *rk_slab_init(void *memory, size_t size);

/*
 * A block of at least size bytes, or RK_SLAB_NONE when there is none left of
 * its size or any larger one.
 */
extern uint32_t rk_slab_take(rk_slab *slab, uint32_t size);
extern void rk_slab_give(rk_slab *slab, uint32_t block);
extern void *rk_slab_data(rk_slab *slab, uint32_t block);

/* 0 for a number that is no block's; giving such a one back does nothing. */
extern uint32_t rk_slab_block_size(const rk_slab *slab, uint32_t block);

/* Bytes in use. */
extern uint64_t rk_slab_used(const rk_slab *slab);

#endif							/* RK_QUEUE_H */

/*
 * region.h
 *	  The shared memory of the ring runtime, and who may touch what.
 *
 * PROCESSES
 *	  launcher	one for the server; connected to no database.  Starts a host for
 *				every database that has rings to run, again if it ends.
 *	  host		rk.ring_workers for a database with running rings, one more for
 *				each ring with the option "dedicated".  Runs the actors, writes
 *				their checkpoints, takes the journal in.  Ends when it has no
 *				rings.  The first one of a database reads rk.ring and asks for
 *				those that the others run in (rk_host_of).
 *	  backends	send messages and wait for replies.
 * A session's changes to rk.ring take effect at commit: a callback sets the
 * rescan flag of the database's host slot and wakes the host or the launcher.
 *
 * LIFE OF A RING.  The row in rk.ring says what is wanted; an entry of the
 * directory here is what runs.  The host of the database makes the entry:
 *
 *	  free -> launching -> restoring -> active <-> suspended
 *	  active, suspended -> draining -> terminating -> free
 *	  any -> failed -> launching (restart policy) or free
 *
 * LOCKS
 *	  rk_region->lock (LWLock)	directory entries: made and freed; host slots;
 *				extents of queue memory.
 *	  rk_ring identity (database, ring_id, name, owner, kernel, extents)
 *				written by a host under the lock in exclusive mode while the
 *				state is free; constant until it is free again.  Read under the
 *				lock, or without it between rk_ring_enter and rk_ring_leave.
 *	  rk_ring.host, host_pid	the process that consumes the queue; changed under
 *				the lock by a host that takes the ring over.
 *	  rk_ring.state, epoch		written by the host, read by anybody.
 *	  rk_ring counters			written by the host alone, plain; readers accept
 *				values of different moments.  Those of senders are atomic.
 *	  request queue				queue.h; the host of the ring is its consumer.
 *	  reply slots				queue.h; slot [proc][i] is taken by backend proc.
 *
 * FREEING A RING.  A sender may hold a pointer to the ring's queue.  It says so
 * in its hazard word (rk_ring_enter), which the host reads after it has changed
 * the generation: the queue is given back when no hazard names the ring.  The
 * word is set for the few dozen instructions that a message is copied in, with
 * interrupts held off.
 *
 * A crash of any process makes the postmaster initialise all of this anew.
 */
#ifndef RK_REGION_H
#define RK_REGION_H

#include "postgres.h"

#include "port/pg_crc32c.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include <time.h>

#include "actor.h"
#include "queue.h"

typedef enum rk_ring_state
{
	RK_RING_FREE,
	RK_RING_LAUNCHING,
	RK_RING_RESTORING,
	RK_RING_ACTIVE,
	RK_RING_SUSPENDED,
	RK_RING_DRAINING,
	RK_RING_TERMINATING,
	RK_RING_FAILED
} rk_ring_state;

extern const char *rk_ring_state_name(rk_ring_state state);

typedef enum rk_overflow
{
	RK_OVERFLOW_BLOCK,
	RK_OVERFLOW_ERROR,
	RK_OVERFLOW_DLQ,
	RK_OVERFLOW_DROP
} rk_overflow;

#define RK_PARKED_MAX 64

/*
 * A message that waits for the state to change, behind the ring's queue: so that
 * a host that takes the ring over has it, too.
 */
typedef struct rk_parked
{
	rk_slot		slot;
	uint64		seen;			/* rk_hosted.changes when it was last tried */
	uint32		tried;			/* boolean: it may have been handled; not tried again by another host */
} rk_parked;

#define RK_BUCKETS 64			/* of latencies, by powers of two */
#define RK_ERROR_TEXT 256

typedef struct rk_ring
{
	/* identity and state */
	_Alignas(128) _Atomic uint32 state;
	_Atomic uint32 generation;	/* changes when the entry is made and freed */
	_Atomic uint32 epoch;		/* how often it was started */
	_Atomic uint32 access_epoch;	/* changes with grants */
	_Atomic uint32 inbox;		/* changes when another ring has written into its journal */
	Oid			database;
	int32		ring_id;
	Oid			owner;
	int32		kernel;			/* index in rk_actors */
	int32		host;			/* index of the host slot */
	int32		host_pid;		/* of the process that has it or had it last */
	uint32		capacity;
	uint8		overflow;		/* rk_overflow */
	bool		journal;		/* durability journal, or it has outputs */
	bool		lanes;			/* option priority_lanes */
	int32		message_timeout_ms;
	int32		heartbeat_timeout_ms;	/* 0: rk.heartbeat_timeout */
	Size		queue_offset;
	Size		queue_bytes;
	NameData	name;

	/* senders */
	_Alignas(128) _Atomic uint32 space_waiters;
	_Atomic int64 rejected;		/* queue full, policies error and dlq */
	_Atomic int64 dropped;		/* queue full, policy drop */
	ConditionVariable space;	/* room in the queue */
	ConditionVariable changed;	/* state */

	/* the host */
	_Alignas(128) uint32 in_flight; /* 1 + lane of the message being handled */
	uint32		parked_count;	/* messages at rk_ring_parked */
	_Atomic uint32 stuck;		/* its host was given up, and has it still */
	_Atomic uint64 acting;		/* the actor is at work: another number for every piece; 0: it is not */
	bool		given_up;		/* it failed, and is not started again by itself */
	int32		failures;		/* since failures_since_ns, also of hosts that ended with it */
	int64		failures_since_ns;
	uint32		high_water;		/* boolean */
	int64		processed;
	int64		failed;
	int64		expired;
	int64		dead_lettered;
	int64		retried;
	int64		replies_sent;
	int64		replies_dropped;
	int64		bytes;
	int64		latency_sum;	/* ns, from sending to the reply */
	int64		latency_min;
	int64		latency_max;
	uint64		apply_seq;
	uint64		logged_seq;
	uint64		output_seq;		/* what was published up to there is written */
	int64		journal_backlog;	/* rows of the journal, as last counted */
	int64		since_checkpoint;	/* mutating messages */
	int64		checkpoint_id;
	int64		checkpoint_at;	/* TimestampTz; 0: none */
	int64		checkpoint_bytes;
	int64		checkpoint_ms;
	int64		started_at;		/* TimestampTz */
	_Atomic int64 heartbeat_ns; /* monotonic */
	int64		memory_bytes;
	int32		restarts;
	int32		row_restarts;	/* rk.ring.restarts that it was launched for */
	int32		error_count;
	int64		error_at;		/* TimestampTz; 0: never */
	char		error[RK_ERROR_TEXT];
	char		device[16];		/* cpu, cuda:0 */
	char		device_reason[RK_ERROR_TEXT];
	uint64		latency[RK_BUCKETS];
} rk_ring;

typedef enum rk_host_state
{
	RK_HOST_FREE,
	RK_HOST_WANTED,				/* the launcher is to start it */
	RK_HOST_STARTING,
	RK_HOST_RUNNING,
	RK_HOST_STUCK				/* given up: it must touch nothing but the ring that it is stuck in */
} rk_host_state;

typedef struct rk_host
{
	_Alignas(128) rk_waiter sleeping;	/* written by the host */
	_Atomic(Latch *) latch;		/* NULL: not running */
	_Atomic uint32 rescan;		/* rk.ring has changed */
	_Atomic uint32 journal;		/* rk.ring_journal has new rows */
	_Atomic uint32 stop;		/* the database is to be left */
	/* under the region's lock */
	rk_host_state state;
	Oid			database;
	int32		ring_id;		/* of a dedicated host; others 0, -1, -2 ... */
	int32		pid;
	int64		restart_at;		/* ms of rk_now_ns; not before */
	int32		failures;
} rk_host;

/* What became of a message: rk.delivery_status, in its order. */
typedef enum rk_delivery
{
	RK_DELIVERY_PENDING,
	RK_DELIVERY_DELIVERED,
	RK_DELIVERY_NOT_FOUND,
	RK_DELIVERY_QUEUE_FULL,
	RK_DELIVERY_TIMEOUT,
	RK_DELIVERY_MAX_HOPS,
	RK_DELIVERY_TENANT,
	RK_DELIVERY_EXPIRED,
	RK_DELIVERY_DEAD_LETTERED
} rk_delivery;

/*
 * A receipt: message and status in one word, so that a receipt that was given
 * to another message in the meantime is left alone.
 */
typedef struct rk_receipt
{
	_Atomic uint64 word;		/* message id << 4 | rk_delivery; 0: none */
	_Atomic Oid database;
} rk_receipt;

/* Counters that last as long as the server runs (rk_tally). */
typedef enum rk_tally_kind
{
	RK_TALLY_DISPATCH,			/* of a database: dispatched, delivered, unknown type, errors */
	RK_TALLY_ROUTE,				/* of a route: dispatched, delivered, -, errors */
	RK_TALLY_FANOUT,			/* of a fan-out: broadcasts, delivered by the last one, destinations of it */
	RK_TALLY_TOPIC				/* of a topic, by its hash: published, lost by slow subscribers */
} rk_tally_kind;

#define RK_TALLIES 1024

typedef struct rk_tally
{
	_Atomic uint64 key;			/* database, kind and id; 0: free */
	_Atomic int64 count[4];
} rk_tally;

typedef struct rk_region
{
	LWLock	   *lock;
	_Atomic(Latch *) launcher;	/* NULL: not running */
	_Atomic uint32 freed;		/* changes when a ring makes room for another */
	_Atomic uint32 overlooked;	/* there was no slot for a host: look again when there is */
	_Atomic int64 wall_offset;	/* wall clock - monotonic clock, ns */
	Oid			held[8];		/* under the lock: databases no host may enter */
	int			procs;
	int			inflight;		/* reply slots of a proc */
	int			rings;			/* entries of the directory */
	int			hosts;
	Size		replies_offset;
	Size		hazards_offset;
	Size		counters_offset;
	Size		rings_offset;
	Size		hosts_offset;
	Size		slab_offset;
	Size		receipts_offset;
	Size		tallies_offset;
	Size		queues_offset;
	Size		queues_bytes;
	int			receipts;
	_Atomic uint64 next_receipt;
	_Atomic uint32 tallies_used;
	_Atomic uint64 routes_epoch;	/* changes with rk.route and rk.ring */
	_Alignas(128) _Atomic uint64 ping;	/* of rk.ring_bench */
	_Alignas(128) _Atomic uint64 pong;
} rk_region;

/* NULL when the library was not preloaded or rk.ring_memory is 0. */
extern rk_region *rk_the_region;

/* The region, or the error that says how to get one. */
extern rk_region *rk_region_required(void);

extern void rk_region_install(void);

static inline void *
rk_region_at(Size offset)
{
	return (char *) rk_the_region + offset;
}

static inline rk_ring *
rk_region_rings(void)
{
	return rk_region_at(rk_the_region->rings_offset);
}

static inline rk_host *
rk_region_hosts(void)
{
	return rk_region_at(rk_the_region->hosts_offset);
}

static inline rk_slab *
rk_region_slab(void)
{
	return rk_region_at(rk_the_region->slab_offset);
}

static inline rk_reply_slot *
rk_region_replies(void)
{
	return rk_region_at(rk_the_region->replies_offset);
}

/* Per proc, a line each: which ring it is sending to (1 + index; 0: none). */
static inline _Atomic uint32 *
rk_region_hazard(int proc)
{
	return (_Atomic uint32 *) rk_region_at(rk_the_region->hazards_offset + (Size) proc * 128);
}

/* Per proc, in the same line: messages it has numbered. */
static inline int64 *
rk_region_counter(int proc)
{
	return (int64 *) rk_region_at(rk_the_region->hazards_offset + (Size) proc * 128 + 64);
}

/* Where a message's payload is. */
static inline const void *
rk_slot_payload(const rk_slot *slot)
{
	return slot->flags & RK_SLOT_SLAB ? rk_slab_data(rk_region_slab(), slot->block) : slot->payload;
}

/*
 * CRC-32C of a payload that begins with what it is taken for and in whose name:
 * type and role are in the initial value, so that another bit there changes the
 * result, too.
 */
static inline uint32
rk_slot_crc(const rk_slot *slot, const void *payload)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	crc ^= slot->type_id ^ (slot->role << 16 | slot->role >> 16);
	COMP_CRC32C(crc, payload, slot->length);
	return crc;
}

/* Bytes of payload that a message has at most. */
static inline uint32
rk_slot_room(const rk_slot *slot)
{
	return slot->flags & RK_SLOT_SLAB ? rk_slab_block_size(rk_region_slab(), slot->block) : RK_INLINE_PAYLOAD;
}

/* Whether a message is as it was sent. */
static inline bool
rk_slot_intact(const rk_slot *slot)
{
	return slot->length <= rk_slot_room(slot) && slot->crc == rk_slot_crc(slot, rk_slot_payload(slot));
}

static inline char *
rk_reply_data(rk_reply_slot *reply)
{
	return unlikely(reply->in_slab) ? rk_slab_data(rk_region_slab(), reply->block) : reply->data;
}

/* CRC-32C of a reply, what became of the call in the initial value. */
static inline uint32
rk_reply_crc(const rk_reply_slot *reply, const void *data)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	crc ^= reply->outcome ^ (uint32) reply->in_slab << 4 ^ reply->length << 8 ^ (reply->epoch << 16 | reply->epoch >> 16);
	if (reply->length > 0)
		COMP_CRC32C(crc, data, reply->length);
	return crc;
}

/* Whether a reply that has come is as it was written. */
static inline bool
rk_reply_intact(rk_reply_slot *reply)
{
	return reply->length <= (likely(!reply->in_slab) ? RK_REPLY_INLINE : rk_slab_block_size(rk_region_slab(), reply->block)) &&
		reply->crc == rk_reply_crc(reply, rk_reply_data(reply));
}

static inline rk_receipt *
rk_region_receipts(void)
{
	return rk_region_at(rk_the_region->receipts_offset);
}

/* A receipt for a message; returns 1 + its place, or 0 where none are kept. */
extern uint32 rk_receipt_begin(int64 message_id);

/* Says what became of a message that has one. */
static inline void
rk_receipt_settle(const rk_slot *slot, rk_delivery status)
{
	uint64		pending = (uint64) slot->message_id << 4;

	if (slot->flags & RK_SLOT_EXTRA && slot->receipt != 0)
		(void) atomic_compare_exchange_strong(&rk_region_receipts()[slot->receipt - 1].word, &pending, pending | status);
}

/*
 * The counters of something in this database; NULL: there are none, or no room
 * to make some.  Topics, of which there may be any number, get half of it.
 */
extern rk_tally *rk_tally_of(rk_tally_kind kind, int64 id, bool make);

static inline rk_queue *
rk_ring_queue(const rk_ring *ring)
{
	return rk_region_at(ring->queue_offset);
}

static inline rk_parked *
rk_ring_parked(const rk_ring *ring)
{
	return rk_region_at(ring->queue_offset + TYPEALIGN(128, rk_queue_size(ring->capacity)));
}

/* Messages from tables that the ring has not applied. */
static inline int64
rk_ring_backlog(const rk_ring *ring)
{
	return ring->journal_backlog + (int64) (ring->logged_seq - ring->apply_seq);
}

static inline int
rk_ring_index(const rk_ring *ring)
{
	return ring - rk_region_rings();
}

static inline int64
rk_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64CONST(1000000000) + t.tv_nsec;
}

/* ns since 1970 of a moment of the monotonic clock */
static inline int64
rk_wall_ns(int64 monotonic_ns)
{
	return monotonic_ns + atomic_load_explicit(&rk_the_region->wall_offset, memory_order_relaxed);
}

extern void rk_set_wall_offset(void);

/* How long to spin before sleeping, in ns; -1: for ever. */
extern int64 rk_spin_ns(void);

static inline void
rk_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

/* ---- the directory; under the lock unless it says otherwise ---- */

/* Entry of a ring by name or id (name NULL), or NULL. */
extern rk_ring *rk_directory_find(Oid database, const char *name, int32 ring_id);

/* A free entry with a queue, generation changed, state launching. */
extern rk_ring *rk_directory_make(Oid database, int32 ring_id, const char *name, uint32 capacity);

/* Clears what is counted since a ring was started, not what is queued; no lock, by its host. */
extern void rk_directory_renew(rk_ring *ring);

/* Lets no further message in: waits for senders on their way.  Takes the lock. */
extern void rk_directory_close(rk_ring *ring);

/* Frees the entry of a closed ring; takes the lock. */
extern void rk_directory_free(rk_ring *ring);

/* The host slot of a database, made if there is none. */
extern rk_host *rk_host_slot(Oid database, int32 ring_id, bool make);

/* Asks for a look at rk.ring of a database; takes the lock itself. */
extern void rk_request_rescan(Oid database);

/* Tells the database's hosts that the journal has new rows; takes the lock. */
extern void rk_request_intake(Oid database);

/* Lets a ring take its journal in before the messages that are sent to it from now on; takes the lock. */
extern void rk_request_inbox(Oid database, int32 ring_id);

extern void rk_set_state(rk_ring *ring, rk_ring_state state);

/* Whether CREATE or DROP DATABASE keeps hosts out of it. */
extern bool rk_database_held(Oid database);

/* Whether rk.databases lets hosts into the database of this name; no lock. */
extern bool rk_database_listed(const char *name);

/* ---- settings ---- */

extern int	rk_ring_memory_kb;
extern int	rk_max_rings;
extern int	rk_max_message_size;
extern int	rk_max_inflight;
extern int	rk_ring_spin_us;
extern int	rk_queue_depth_setting;
extern int	rk_receipts_kept;
extern int	rk_timeout_ms;
extern int	rk_priority;
extern int	rk_journal_poll_ms;
extern int	rk_checkpoint_interval_s;
extern int	rk_checkpoints_kept;
extern int	rk_drain_timeout_s;
extern int	rk_shutdown_timeout_s;
extern int	rk_ring_workers;
extern int	rk_max_ring_workers;
extern int	rk_journal_limit;
extern int	rk_max_timeout_ms;
extern int	rk_max_checkpoint_size_kb;
extern int	rk_heartbeat_timeout_s;
extern char *rk_databases;
extern char *rk_trace_context;
extern void rk_ring_define_settings(void);

/* ---- processes ---- */

extern void rk_launcher_register(void);
extern void rk_utility_install(void);
extern PGDLLEXPORT void rk_launcher_main(Datum arg);
extern PGDLLEXPORT void rk_host_main(Datum arg);
extern PGDLLEXPORT void rk_bench_main(Datum arg);

/* 0 low .. 255 realtime */
#define RK_PRIORITY_LOW 0
#define RK_PRIORITY_NORMAL 64
#define RK_PRIORITY_HIGH 128
#define RK_PRIORITY_CRITICAL 192
#define RK_PRIORITY_REALTIME 255

/* The priority of this name, or -1. */
extern int	rk_priority_named(const char *name);

static inline rk_lane_name
rk_lane_of(const rk_ring *ring, int priority)
{
	if (!ring->lanes)
		return RK_LANE_NORMAL;
	return priority >= RK_PRIORITY_CRITICAL ? RK_LANE_URGENT :
		priority >= RK_PRIORITY_NORMAL ? RK_LANE_NORMAL : RK_LANE_LOW;
}

/* Own error codes. */
#define RK_ERRCODE_QUEUE_FULL MAKE_SQLSTATE('R', 'K', '0', '0', '1')
#define RK_ERRCODE_DEADLINE MAKE_SQLSTATE('R', 'K', '0', '0', '5')
#define RK_ERRCODE_NOT_RUNNING MAKE_SQLSTATE('R', 'K', '0', '0', '7')
#define RK_ERRCODE_REPLY_LOST MAKE_SQLSTATE('R', 'K', '0', '0', '8')
#define RK_ERRCODE_CHECKPOINT MAKE_SQLSTATE('R', 'K', '0', '0', '9')
#define RK_ERRCODE_DELIVERY MAKE_SQLSTATE('R', 'K', '0', '1', '1')

#endif							/* RK_REGION_H */

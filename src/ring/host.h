/*
 * host.h
 *	  A ring inside its host process.
 */
#ifndef RK_HOST_H
#define RK_HOST_H

#include "catalog.h"
#include "region.h"

#define RK_PARKED_MAX 64

/* A message that waits for the state to change. */
typedef struct rk_parked
{
	rk_slot		slot;
	uint64		seen;			/* rk_hosted.changes when it was last tried */
} rk_parked;

typedef struct rk_hosted
{
	rk_ring    *ring;
	rk_queue   *queue;
	int32		ring_id;
	int32		restarts;		/* of the row it was made from */
	const rk_actor *actor;
	rk_ring_options options;
	MemoryContext memory;		/* options and row */
	rk_ctx		ctx;			/* the actor's memory */
	void	   *state;			/* NULL: not up */
	bool		present;		/* rk.ring still has it */

	const rk_message_type **types;	/* by type id - first_type */
	uint32		first_type;
	uint32		type_count;

	rk_parked	parked[RK_PARKED_MAX];
	int			parked_count;
	uint64		changes;		/* mutating messages since the start */
	bool		busy;			/* the actor wants its tick soon */
	bool		has_log;		/* rk.ring_log may have rows to apply */

	struct HTAB *keys;			/* idempotency keys */
	struct rk_key *oldest_key;
	struct rk_key *newest_key;

	int64		now_ns;			/* monotonic, refreshed by every message */
	int64		drain_until_ns;
	int64		checkpoint_due_ns;
	int64		failures_since_ns;
	int			failures;
	int64		restart_at_ns;	/* of a failed ring; 0: never */
} rk_hosted;

/* Idempotency: a key and the message that came with it first. */
typedef struct rk_key
{
	uint64		hash[2];		/* the key of the table */
	int64		message_id;
	int64		wall_ns;
	struct rk_key *next;		/* younger */
} rk_key;

/* Control messages, in the control lane. */
typedef enum rk_control
{
	RK_CONTROL_CHECKPOINT = 1,
	RK_CONTROL_CHECKSUM,
	RK_CONTROL_INTAKE,			/* journal rows that are committed by now */
	RK_CONTROL_BOUNCE			/* the floor of rk.ring_bench; payload: how often */
} rk_control;

/*
 * Runs fn in a transaction of its own.  False when it failed: the error is in
 * the log and in the ring, if there is one.
 */
extern bool rk_in_transaction(rk_ring *ring, const char *what, void (*fn) (void *arg), void *arg);

extern void rk_ring_error(rk_ring *ring, const char *message);

/* Applies a message of the log or of an option; false: the handler refused. */
extern bool rk_apply(rk_hosted *h, const rk_message *message);

/*
 * Handles messages of volatile rings in the middle of a longer piece of work;
 * allowed in a transaction, as they do not enter PostgreSQL.
 */
extern void rk_host_breathe(void);

/* Lets an actor decide whether to stop a long message. */
extern bool rk_host_interrupted(void *arg);

/* SQLSTATE of what an actor says. */
extern int	rk_status_code(rk_status status);

/* This process's slot, and the rings it has. */
extern rk_host *rk_this_host;
extern rk_hosted **rk_hosted_rings;
extern int	rk_hosted_count;

/* ---- serve.c ---- */

extern void rk_serve_init(void);

/* Some messages of every ring; returns how many were handled. */
extern int	rk_run_rings(void);

/* Anything in any queue, for the last look before sleeping. */
extern bool rk_anything_queued(void);

/* Messages that waited for a change of the state. */
extern void rk_retry_parked(rk_hosted *h);

/* Answers a message that got no reply from its actor. */
extern void rk_answer(rk_ring *ring, const rk_slot *slot, rk_outcome outcome, int sqlstate, const char *message);

/* Ends a message: its place in the queue and its block. */
extern void rk_release(rk_hosted *h, rk_slot *slot, rk_lane_name lane);

/* ---- life.c ---- */

/* Makes what runs what rk.ring says; returns the number of rings that run or should. */
extern int	rk_follow_catalog(void);

/* Brings the state up and lets messages in. */
extern void rk_launch(rk_hosted *h);

/* A ring could not be brought up, or its actor failed. */
extern void rk_ring_failed(rk_hosted *h);

/* Ends a ring.  final: its entry goes; else the next host takes it over. */
extern void rk_ring_stop(rk_hosted *h, bool final);

/* ---- checkpoint.c ---- */

/* Writes a checkpoint; false when it failed. */
extern bool rk_checkpoint_write(rk_hosted *h);

/* In a transaction: brings the newest good checkpoint up.  False: there is none. */
extern bool rk_checkpoint_restore(rk_hosted *h);

extern rk_key *rk_key_find(rk_hosted *h, const uint64 *hash);
extern void rk_key_add(rk_hosted *h, const uint64 *hash, int64 message_id, int64 wall_ns);

/* ---- journal.c ---- */

/* Moves committed journal rows of these rings to their logs. */
extern void rk_journal_intake(rk_hosted **rings, int count);

/* Applies what the log has after the state; in a transaction. */
extern void rk_log_apply(rk_hosted *h, bool replay);

/* Logs the messages at the head of the ring's lanes, up to count of them. */
extern int	rk_log_messages(rk_hosted *h, rk_slot **slots, int count);

/* Remembers a message nobody could handle; rk_dead_flush writes them. */
extern void rk_dead_letter(rk_hosted *h, const rk_slot *slot, const char *reason, const char *error, int attempts);
extern void rk_dead_letter_message(rk_hosted *h, const rk_message *m, const char *reason, const char *error);
extern void rk_dead_flush(void);

#endif							/* RK_HOST_H */

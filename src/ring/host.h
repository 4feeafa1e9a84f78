/*
 * host.h
 *	  A ring inside its host process.
 *
 * GIVING UP A HOST.  The actor's code runs between rk_act and rk_act_end; its
 * polls are signs of life.  Where there is none for heartbeat_timeout the
 * launcher sends SIGTERM and, if the ring has not moved five seconds later, marks
 * the host as stuck and lets another one have its other rings.  The two must
 * never serve the same ring.  The launcher decides under the region's lock and
 * only while the actor is at work; and before a host that was told to end goes
 * on to another ring, or begins a transaction, it looks under the same lock
 * whether it was given up (rk_mind_end), and if so ends.  As the signal arrives
 * before any instruction that follows the actor's, it cannot miss it.  The ring
 * that it is stuck in stays its own, its queue and the reply slots of that
 * message included, until the process is gone.
 */
#ifndef RK_HOST_H
#define RK_HOST_H

#include "postmaster/interrupt.h"

#include "catalog.h"
#include "region.h"

#define RK_LOG_BATCH 64			/* messages that are logged together, at most */

/* Where records of a type go: a table, a channel of LISTEN, another ring. */
typedef struct rk_output
{
	int64		output_id;
	uint32		type_id;		/* of the record */
	Oid			relation;		/* InvalidOid: none */
	char	   *channel;		/* NULL: none */
	char	   *topic;			/* NULL: none */
	int32		destination;	/* ring; 0: none */
	Jsonb	   *mapping;		/* to its message */
	uint64		after_seq;		/* it begins with the message after this one */
	bool		repeated;		/* another output does the same */
	struct rk_table_writer *writer; /* NULL: not prepared yet */
} rk_output;

/* Records on their way to the outputs, one after the other (output.c). */
typedef struct rk_records
{
	char	   *data;
	Size		size;
	Size		capacity;
	bool		failed;			/* there was no memory for one */
} rk_records;

/* What the host is at, in a file (suspect.c). */
typedef struct rk_suspect
{
	uint64		magic;
	uint64		seq;			/* of the log's message that the actor has; 0: none */
	uint64		last;			/* that the actor had when a process ended */
	uint32		times;			/* how often, one after the other */
} rk_suspect;

typedef struct rk_hosted
{
	rk_ring    *ring;
	rk_queue   *queue;
	int32		ring_id;
	int32		restarts;		/* of the row it was made from */
	Oid			table;			/* the row's: another one if the extension was made anew */
	const rk_actor *actor;
	rk_ring_options options;
	MemoryContext memory;		/* options and row */
	rk_ctx		ctx;			/* the actor's memory */
	char		literal[2 * NAMEDATALEN + 4];	/* its name in SQL */
	void	   *state;			/* NULL: not up */
	bool		present;		/* rk.ring still has it */

	const rk_message_type **types;	/* by type id - first_type */
	uint32		first_type;
	uint32		type_count;

	rk_parked  *parked;			/* ring->parked_count of them */
	uint64		changes;		/* mutating messages since the start */
	bool		busy;			/* the actor wants its tick soon */
	bool		has_log;		/* rk.ring_log may have rows to apply */
	bool		halted;			/* the host ends, and the log is ahead of the state */
	rk_suspect *suspect;		/* NULL: there is no file */

	rk_output  *outputs;
	int			output_count;
	uint64		output_seq;		/* what was published up to this message is written */
	rk_records	records;
	MemoryContext output_memory;
	rk_records	sends;			/* messages for other rings, of the one being handled */
	bool		published;		/* records were written in the transaction under way */
	uint32		inbox_seen;		/* of the ring, when the journal was taken in */
	bool		checkpoint_wanted;	/* before anything else is applied */

	struct rk_away *away;		/* NULL: the state is here, else on a device (away.c) */
	bool		stays;			/* no device is tried */

	struct HTAB *keys;			/* idempotency keys */
	struct rk_key *oldest_key;
	struct rk_key *newest_key;

	int64		now_ns;			/* monotonic, refreshed by every message */
	int64		drain_until_ns;
	int64		checkpointed_ns;	/* 0: not since it came up */
	int64		trim_due_ns;
	int64		backlog_due_ns;
	bool		backlog_warned;
	bool		given_up;		/* by the host before */
	bool		died;			/* the host before ended while this ring's actor was at work */
	int64		restart_at_ns;	/* of a failed ring; 0: never */

	int64		logged[RK_LOG_BATCH];	/* ids of the newest messages of the log at the start */
	int			logged_count;
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
	RK_CONTROL_BOUNCE,			/* the floor of rk.ring_bench; payload: how often */
	RK_CONTROL_MOVE				/* to a device or back; payload: a bigint, 0 the CPU, 1 the device */
} rk_control;

/*
 * Runs fn in a transaction of its own.  False when it failed: the error is in
 * the log and in the ring, if there is one.
 */
extern bool rk_in_transaction(rk_ring *ring, const char *what, void (*fn) (void *arg), void *arg);

extern void rk_ring_error(rk_ring *ring, const char *message);

/* Applies a message of the log or of an option. */
extern rk_status rk_apply(rk_hosted *h, rk_message *message);

/*
 * Handles messages of volatile rings in the middle of a longer piece of work;
 * allowed in a transaction, as they do not enter PostgreSQL.
 */
extern void rk_host_breathe(void);

/* Lets an actor decide whether to stop a long message. */
extern bool rk_host_interrupted(void *arg);

/* Ends the process if it was given up; cheap unless it was told to end. */
extern void rk_end_if_stuck(void);

static inline void
rk_mind_end(void)
{
	if (unlikely(ShutdownRequestPending))
		rk_end_if_stuck();
}

/* The ring whose actor is at work, and the pieces of work so far. */
extern rk_ring *rk_acting_ring;
extern uint64 rk_acts;

static inline void
rk_act(rk_ring *ring)
{
	rk_acting_ring = ring;
	atomic_store_explicit(&ring->acting, ++rk_acts, memory_order_relaxed);
}

static inline void
rk_act_end(rk_ring *ring)
{
	/* given up: what is left behind says that the process ended with this message */
	rk_mind_end();
	atomic_store_explicit(&ring->acting, 0, memory_order_relaxed);
	rk_acting_ring = NULL;
}

/* SQLSTATE of what an actor says. */
extern int	rk_status_code(rk_status status);

/*
 * This process's slot, and the rings it has.  On a standby it only reads: rings
 * follow their replicated checkpoint and log, and answer what changes nothing.
 */
extern rk_host *rk_this_host;
extern bool rk_host_read_only;
extern rk_hosted **rk_hosted_rings;
extern int	rk_hosted_count;

/* ---- serve.c ---- */

extern void rk_serve_init(void);

/* What time it is, for messages that expire: after a sleep, and while there are none. */
extern void rk_serve_time(int64 now);

/* Some messages of every ring; returns how many were handled. */
extern int	rk_run_rings(void);

/* Whether a message comes, while so many looks are taken. */
extern bool rk_watch(int looks);

/* Anything in any queue, for the last look before sleeping. */
extern bool rk_anything_queued(void);

/* Messages that waited for a change of the state. */
extern void rk_retry_parked(rk_hosted *h);

/* Answers a message that got no reply from its actor. */
extern void rk_answer(rk_ring *ring, const rk_slot *slot, rk_outcome outcome, int sqlstate, const char *message);

#define RK_SLOT_DAMAGED "message was changed in the queue"

/* Ends a message: its place in the queue and its block. */
extern void rk_release(rk_hosted *h, rk_slot *slot, rk_lane_name lane);

/* ---- life.c ---- */

/*
 * Makes what runs what rk.ring says; returns the number of rings that run here
 * or should.
 */
extern int	rk_follow_catalog(void);

/* Whether what stood in the way the last time may be gone. */
extern bool rk_may_follow_again(void);

/* Brings the state up and lets messages in. */
extern void rk_launch(rk_hosted *h);

/* Makes the actor's memory ready, which has nothing in it. */
extern void rk_hosted_ctx(rk_hosted *h);

/* What the actor says is wrong, as an error. */
extern void rk_actor_error(rk_hosted *h) __attribute__((noreturn));

/* The limit of an actor is its ring's, whatever the allocator says. */
extern void rk_memory_hint(rk_hosted *h, rk_status status);

/* Answers a message that is not handled as the ring ends; what nobody waits for becomes a dead letter. */
extern void rk_discard(rk_hosted *h, const rk_slot *slot);

/* What becomes of a ring's entry in the directory, and of what is in its queue. */
typedef enum rk_ending
{
	RK_END_STOPPED,				/* gone; what is left in the queue is destroyed */
	RK_END_LEAVING,				/* gone with the process: messages that nobody waits for are kept in the journal */
	RK_END_RESTART				/* stays: this process brings the ring up again */
} rk_ending;

/* A ring could not be brought up, or its actor failed. */
extern void rk_ring_failed(rk_hosted *h);

/* Ends a ring. */
extern void rk_ring_stop(rk_hosted *h, rk_ending ending);

/* ---- away.c ---- */

/* Takes a ring to the device if its options say so and it is ready; seldom, cheap. */
extern void rk_away_try(rk_hosted *h);

/* Moves it there or back now; false with the reason in the ring's error. */
extern bool rk_away_move(rk_hosted *h, bool to_device);

/* Whether the device serves messages of a type. */
extern bool rk_away_serves(const rk_hosted *h, uint32 type_id);

/* Sends a message ahead, if it is served there. */
extern void rk_away_submit(rk_hosted *h, const rk_message *message);

/*
 * What comes before every message of a ring that may be away: its reply is
 * there, or the state is here and the CPU can handle it (h->away NULL, or the
 * type is not served there).  False: the state is lost, and nothing was done;
 * the caller cleans up and calls rk_away_lost.  Messages that were sent ahead
 * come in the same order.
 */
extern bool rk_away_ready(rk_hosted *h, const rk_message *message);

/* The reply that rk_away_ready has waited for. */
extern rk_status rk_away_take(rk_hosted *h, rk_reply *reply);

/* A message that is not served there has changed the state here. */
extern void rk_away_changed(rk_hosted *h);

/* Brings the state up to date here; false: it is lost. */
extern bool rk_away_fetch(rk_hosted *h);

/* The same, and the ring stays. */
extern bool rk_away_home(rk_hosted *h, const char *reason);

/* Whether the device is known to have failed. */
extern bool rk_away_alive(rk_hosted *h);

/* The device has failed: the ring goes on here, from its checkpoint if need be. */
extern void rk_away_lost(rk_hosted *h);

/* Lets the state there go. */
extern void rk_away_drop(rk_hosted *h);

/* ---- checkpoint.c ---- */

/* Writes a checkpoint; false when it failed. */
extern bool rk_checkpoint_write(rk_hosted *h);

/* In a transaction: brings the newest good checkpoint up.  False: there is none. */
extern bool rk_checkpoint_restore(rk_hosted *h);

/* In a transaction with the catalog open: whether a standby has to begin with a newer one. */
extern bool rk_checkpoint_overtakes(rk_hosted *h);

/* Idempotency keys, which are part of a checkpoint. */
extern void rk_keys_clear(rk_hosted *h);
extern rk_key *rk_key_find(rk_hosted *h, const uint64 *hash);
extern void rk_key_add(rk_hosted *h, const uint64 *hash, int64 message_id, int64 wall_ns);

/* ---- journal.c ---- */

/* Moves committed journal rows of these rings to their logs; on a standby, reads the logs. */
extern void rk_journal_intake(rk_hosted **rings, int count);

/* Counts the journal rows of a ring that does not take them in. */
extern void rk_journal_count(rk_hosted *h);

/*
 * Puts what is queued, changes the state, and has nobody waiting for it into the
 * journal, where the ring finds it when it comes up.  The messages are released.
 */
extern void rk_journal_keep(rk_hosted *h);

/* Applies what the log has after the state; in a transaction. */
extern void rk_log_apply(rk_hosted *h, bool replay);

/* Logs messages of the queue, which are applied next; false: they could not be. */
extern bool rk_log_messages(rk_hosted *h, rk_slot **slots, int count);

/* In a transaction with the catalog open: finds the end of the log. */
extern void rk_log_newest(rk_hosted *h);

/* Whether a message is among the newest of the log, as it was when the ring came up. */
extern bool rk_log_has(const rk_hosted *h, int64 message_id);

/*
 * Remembers a message that was not handled; rk_dead_flush writes it.  One of the
 * log is marked there as well; without a reason that is all.
 */
extern void rk_dead_letter_message(rk_hosted *h, const rk_message *m, const char *reason, int sqlstate,
								   const char *error);
extern void rk_dead_letter(rk_hosted *h, const rk_slot *slot, const char *reason, int sqlstate, const char *error);
extern bool rk_dead_flush(void);

/*
 * The transaction that applied the log has ended, in which letters of it were
 * written; false: they are written later.
 */
extern void rk_dead_written(bool good);

/* rk_dead_flush at once if messages of the ring's log are among them; false: the log does not know of it. */
extern bool rk_dead_settle(rk_hosted *h);

/* Removes the dead letters of a ring that are too many or too old. */
extern void rk_dead_trim(rk_hosted *h);

/* In a transaction with the catalog open: writes a letter at once. */
extern void rk_dead_letter_write(int32 ring_id, const rk_message *m, const char *reason, int sqlstate, const char *error);

/* The same of a message for another ring. */
extern void rk_dead_letter_of(int32 ring_id, const rk_message *m, const char *reason, int sqlstate, const char *error);

/* ---- k2k.c ---- */

/* Keeps a message for another ring; nothing may be raised, an actor is on the stack. */
extern void rk_send_keep(rk_hosted *h, const char *ring, uint32 type_id, const void *payload, uint32 size);

/*
 * Sends what the message has left; slot is NULL for one of the log.  What
 * is caused by one of the log becomes a record.
 */
extern void rk_send_kept(rk_hosted *h, const rk_message *cause, const rk_slot *slot);

/*
 * In a transaction with the catalog open: writes such a record into the journal
 * of the ring that it is for, or makes a dead letter of it.
 */
extern void rk_send_recorded(rk_hosted *h, const void *data, const rk_message *cause);

/* In a transaction with the catalog open: which rings may send to which. */
extern void rk_links_read(void);

/* ---- suspect.c ---- */

extern void rk_suspect_open(rk_hosted *h);
extern void rk_suspect_close(rk_hosted *h);

/* Puts the message aside that has ended a process too often; before the log is applied. */
extern void rk_suspect_judge(rk_hosted *h);

/* ---- output.c ---- */

/* Keeps a record if an output wants it. */
extern void rk_record_add(rk_hosted *h, const rk_message *message, uint32 type_id, const void *data, uint32 length);
/* Keeps a message for another ring, in the form that k2k.c gives it. */
extern void rk_record_send(rk_hosted *h, const rk_message *message, const void *data, uint32 length);
extern void rk_records_clear(rk_hosted *h);

/* In a transaction with the catalog open: writes the records that are kept. */
extern void rk_output_write(rk_hosted *h);

/* The same in a transaction of its own; false when it failed. */
extern bool rk_output_flush(rk_hosted *h);

/*
 * In a transaction with the catalog open: learns which outputs a ring has.  New
 * ones begin after logged.
 */
extern void rk_outputs_read(rk_hosted *h, uint64 logged);
extern void rk_outputs_forget(rk_hosted *h);

/* The same for all rings. */
extern void rk_outputs_refresh(void);

#endif							/* RK_HOST_H */

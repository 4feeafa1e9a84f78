/*
 * send.h
 *	  A session's side of a ring: finding it, sending, waiting for the reply.
 */
#ifndef RK_SEND_H
#define RK_SEND_H

#include "access/tupdesc.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "region.h"

/* A ring by name, kept between calls. */
typedef struct rk_ring_handle
{
	rk_ring    *ring;			/* NULL: not looked up yet */
	uint32		generation;
	uint32		access_epoch;
	uint32		roles_epoch;
	Oid			user;			/* whose right to send was checked */
	bool		controls;		/* in its place, by the owner of the handle: that to control */
	int			length;
	char		name[NAMEDATALEN];
	uint32		type_id;		/* of the message to be sent, for the hint when there is no such ring; 0: any */
} rk_ring_handle;

/* A message to be sent; what is not set is zero. */
typedef struct rk_outgoing
{
	uint32		type_id;
	uint16		flags;			/* RK_SLOT_READ_ONLY, RK_SLOT_CONTROL, RK_SLOT_LETTER */
	uint8		priority;
	const void *payload;
	uint32		length;
	int64		deadline_ns;	/* monotonic; 0: none */
	int64		correlation_id;
	uint64		key_hash[2];
	bool		may_wait;		/* for room in the queue, whatever the policy */
	bool		never_waits;	/* dropped if there is no room, whatever the policy */
	bool		receipt;		/* rk.delivery knows of it; RK_SLOT_LETTER too */
	int64		now_ns;			/* a moment ago; 0: the clock is read */
} rk_outgoing;

/* A reply; data points into shared memory until rk_call_end. */
typedef struct rk_incoming
{
	rk_reply_slot *slot;
	const char *data;
	uint32		length;
	int64		message_id;
} rk_incoming;

/*
 * The ring of this name in this database, running and willing to take the
 * current user's messages.  Waits for one that is on its way up, until
 * deadline_ns.
 */
extern rk_ring *rk_ring_find(rk_ring_handle *handle, const char *name, int length, int64 deadline_ns);

/* The error of what is for the primary server. */
extern void rk_not_during_recovery(void) __attribute__((noreturn));

/* Whether a ring is to be started anew, which its host has not done yet. */
extern bool rk_ring_restarts(const rk_ring *ring, const char *name);

/* The deadline of a call that begins now: the nearest of all limits. */
extern int64 rk_call_deadline(const rk_ring *ring, int64 now_ns, int64 timeout_ms);

/* Sends without waiting for a reply; returns the message's id. */
extern int64 rk_ring_post(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out);

/*
 * Sends and waits for the reply.  Everything but a good reply is an error.
 * The caller reads in->data, then calls rk_call_end; an error in between frees
 * the slot at the end of the (sub)transaction.
 */
extern void rk_call_begin(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in);
extern void rk_call_end(rk_incoming *in);

/*
 * The first half of rk_call_begin, or false where the queue is full and the
 * policy does not let the sender wait: nothing was sent, in->message_id is that
 * of the message all the same.
 */
extern bool rk_call_try(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in);

/* Refuses to begin where not so many calls can be under way. */
extern void rk_calls_check(int count);

/* The two halves of rk_call_begin, to have several calls under way. */
extern void rk_call_start(rk_ring *ring, rk_ring_handle *handle, const rk_outgoing *out, rk_incoming *in);
extern void rk_call_wait(rk_ring *ring, const rk_outgoing *out, rk_incoming *in);

/* rk_call_wait without rk_reply_check: in->slot->outcome says what has come. */
extern void rk_call_await(rk_ring *ring, const rk_outgoing *out, rk_incoming *in);

/*
 * A call whose reply is fetched later, in another statement or transaction:
 * rk_receipt_keep after rk_call_start keeps its slot until rk_receipt_drop or
 * the end of the session.
 */
extern void rk_receipt_keep(const rk_incoming *in);
extern void rk_receipt_drop(const rk_incoming *in);

/* Raises the error that came instead of a reply; ends the call. */
extern void rk_reply_check(rk_ring *ring, rk_incoming *in);

/*
 * Gives a call up: its reply is dropped when it comes.  False: it has come, and
 * rk_call_end is due.
 */
extern bool rk_call_abandon(rk_incoming *in);

/* At the end of the transaction sessions read rk.route again. */
extern void rk_routes_changed(void);
extern bool rk_routes_dirty(void);

/* A message type that a kernel understands; another one is an error. */
extern const rk_message_type *rk_kernel_message_type(const rk_actor *actor, int type_id);

/*
 * A timeout or deadline in ms, rounded up; one that is not above zero is an
 * error, or zero.  None is more than a hundred years.
 */
extern int64 rk_interval_ms(const Interval *interval);
extern int64 rk_interval_span_ms(const Interval *interval);

/* Refuses a message that changes the state in a read-only transaction. */
extern void rk_message_check(const rk_message_type *type);

/* A value of rk.delivery_status, whose oid is given. */
extern Datum rk_delivery_datum(rk_delivery status, Oid type);

/*
 * The ring of this name if it runs and takes messages, or NULL; that the current
 * user may not send to it is an error all the same.
 */
extern rk_ring *rk_ring_look(rk_ring_handle *handle, const char *name);

/*
 * Puts a message into the queue of a ring, for hosts: raises nothing and never
 * waits.  header has what is between seq and payload, and the extras.
 */
extern rk_delivery rk_queue_push(rk_ring *ring, uint32 generation, rk_slot *header, const void *payload);

/* Registers what frees slots and cleans up; once a session. */
extern void rk_send_init(void);

/* Marks a ring as started by this transaction, or forgets that. */
extern void rk_started_here(const char *name);

/* ---- topic.c ---- */

/* Publishes to a topic, in this transaction; qos is 0 at most, 1 at least, 2 exactly once. */
extern int64 rk_publish_topic(const char *topic, Jsonb *payload, int qos, bool retained);

/* Refuses what is no topic, or one that the current role may not publish to. */
extern void rk_topic_check(const char *topic);

/* Whether the current role has subscribed to the pattern itself. */
extern bool rk_topic_subscribed(const char *pattern);

/* Fetches the messages of those subscriptions, as rows of rk.ring_receive; returns how many. */
extern uint64 rk_topic_fetch(const char *pattern, Tuplestorestate *store, TupleDesc desc);

/* At commit: hosts look at rk.ring, or at the journal. */
extern void rk_rescan_at_commit(void);
extern void rk_intake_at_commit(void);

/* The same, and a ring looks at it before it handles what is sent to it from then on. */
extern void rk_inbox_at_commit(int32 ring_id);

#endif							/* RK_SEND_H */

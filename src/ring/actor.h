/*
 * actor.h
 *	  The contract of a ring kernel: an actor with state, in plain C.
 *
 * An actor is a struct of functions over its own state.  The ring runtime
 * hosts it in a background worker, hands it one message at a time, writes its
 * snapshots into checkpoints and brings it back after a crash.  The actor
 * knows nothing of PostgreSQL, queues or processes; a unit test drives it with
 * the same calls.
 *
 * What the runtime promises:
 * - one thread, one call at a time, messages of a lane in order of arrival;
 * - a message whose deadline has passed never reaches the actor;
 * - the payload has the size that the message type says, codes are in their
 *   closed set, numbers in their range;
 * - after a crash: restore of the newest snapshot, then every journaled
 *   message after it again, in the same order, with the same header;
 * - a message that fails for want of memory (RK_ERR_MEMORY) is handed over
 *   again, up to the option max_retries times, as is one of the log that has
 *   ended the process; a message that is refused for any other reason would be
 *   refused again, and is not.
 *
 * What an actor promises:
 * - determinism: the same messages in the same order give the same state,
 *   whatever the clock, the machine and the number of threads.  Time is the
 *   message's sent_ns; random numbers come from seeded state;
 * - all or nothing: a handler that does not return RK_OK has left the state as
 *   it was (check first, then change).  Memory that it took may stay; what it
 *   had written of a reply or published is forgotten;
 * - it polls rk_ctx_poll at least every 10 ms of work and returns RK_STOPPED
 *   when told to, the state as it was;
 * - memory only through rk_alloc of the context, which lives as long as the
 *   actor; a limit (option memory_limit) is set there;
 * - a message that only reads (mutating false) changes nothing that a reply,
 *   a snapshot or the checksum could show.
 */
#ifndef RK_ACTOR_H
#define RK_ACTOR_H

#include "../call/descriptor.h"
#include "../compute/ctx.h"
#include "message.h"

#include <string.h>

/* A message as its handler sees it. */
typedef struct rk_message
{
	uint32_t	type_id;
	uint32_t	length;			/* of the payload, bytes */
	const void *payload;		/* the type's request struct, 8-byte aligned */
	int64_t		id;				/* of the message; the same when it is replayed */
	int64_t		correlation_id; /* 0: none */
	int64_t		sent_ns;		/* sender's clock, ns since 1970: the only clock */
	uint64_t	apply_seq;		/* position in the log; 0: not journaled */
	uint32_t	tenant;
	uint32_t	role;			/* oid of the sender's role */
	uint8_t		priority;
	uint8_t		hops;			/* rings that it has passed on its way here */
	bool		replay;			/* nobody waits for the reply */
	int32_t		attempt;		/* 1, more if it failed for want of memory before */
} rk_message;

/* Where a handler writes its reply. */
typedef struct rk_reply
{
	void	   *data;			/* 8-byte aligned */
	uint32_t	capacity;
	uint32_t	length;			/* what the handler has reserved */

	/*
	 * Set by a handler that changed nothing and wants the message again once
	 * the state has changed (the reply waits for a version, say).  It comes
	 * again until its deadline.
	 */
	bool		later;

	/* makes data at least size bytes large and keeps its contents; NULL: no memory */
	void	   *(*grow) (struct rk_reply *reply, uint32_t size);
	void	   *owner;

	/* takes a record for the ring's outputs; NULL: nobody wants any */
	void		(*publish) (struct rk_reply *reply, uint32_t type_id, const void *record, uint32_t size);

	/* takes a message for another ring; NULL: it went out before, or nobody hears it */
	void		(*send) (struct rk_reply *reply, const char *ring, uint32_t type_id, const void *payload, uint32_t size);
} rk_reply;

/*
 * Reserves size zeroed bytes at the end of the reply.  A second call may move
 * what the first one returned.  NULL after rk_fail when the reply becomes too
 * large.
 */
static inline void *
rk_reply_reserve(rk_ctx *ctx, rk_reply *reply, uint32_t size)
{
	void	   *p;

	if (size > reply->capacity - reply->length &&
		reply->grow(reply, reply->length + size) == NULL)
	{
		rk_fail(ctx, RK_ERR_LIMIT, "reply of %u bytes is too large", reply->length + size);
		return NULL;
	}
	p = (char *) reply->data + reply->length;
	memset(p, 0, size);
	reply->length += size;
	return p;
}

/*
 * Publishes a record: a trade, an alert.  type_id is that of a message type of
 * the actor that is marked as published, or one of those that it says to other
 * kernels, record its request struct.  Where a
 * ring has outputs (rk.ring_output) the record lands in a table once, whatever
 * crashes.  This cannot fail, and is undone if the handler fails.  Only
 * messages that change the state may publish.
 */
static inline void
rk_publish(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	if (reply->publish)
		reply->publish(reply, type_id, record, size);
}

/*
 * Sends a message to a ring of this database, when this message has been
 * handled and before it is answered.  Those to one ring arrive in their order,
 * and before whatever a sender sends after it has the answer, if it is of the
 * same priority.  Nobody waits for the reply.  This cannot fail; what is not
 * delivered becomes a dead letter.  What is sent because of a message that has a
 * place in the log arrives once, whatever crashes; else at most once.
 */
static inline void
rk_send(rk_reply *reply, const char *ring, uint32_t type_id, const void *payload, uint32_t size)
{
	if (reply->send)
		reply->send(reply, ring, type_id, payload, size);
}

/* A value of one of the actor's options, checked against its description. */
typedef struct rk_option
{
	const rk_param *param;
	bool		is_null;
	double		number;			/* RK_TYPE_FLOAT8 */
	int64_t		integer;		/* RK_TYPE_INT4, RK_TYPE_INT8; text: its choice;
								 * RK_TYPE_INTERVAL: us; RK_TYPE_NUMERIC: 8 decimals */
	bool		truth;			/* RK_TYPE_BOOLEAN */
	const char *text;			/* RK_TYPE_TEXT, RK_TYPE_RELATION */
} rk_option;

/* The options of a ring in the order of its actor's description. */
typedef struct rk_options
{
	const rk_option *values;
	int			count;
} rk_options;

/* The option of this name, or NULL. */
static inline const rk_option *
rk_option_find(const rk_options *options, const char *name)
{
	for (int i = 0; i < options->count; i++)
		if (strcmp(options->values[i].param->name, name) == 0)
			return &options->values[i];
	return NULL;
}

/*
 * A snapshot on its way out or in.  Writing appends; reading copies the next
 * size bytes, and fails with RK_ERR_CORRUPT when there are fewer.
 */
typedef struct rk_writer
{
	rk_status	(*write) (struct rk_writer *writer, rk_ctx *ctx, const void *data, size_t size);
	void	   *arg;
} rk_writer;

typedef struct rk_reader
{
	const char *data;
	size_t		left;
} rk_reader;

static inline rk_status
rk_write(rk_ctx *ctx, rk_writer *writer, const void *data, size_t size)
{
	return writer->write(writer, ctx, data, size);
}

static inline rk_status
rk_read_bytes(rk_ctx *ctx, rk_reader *reader, void *data, size_t size)
{
	if (size > reader->left)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	if (size > 0)
		memcpy(data, reader->data, size);
	reader->data += size;
	reader->left -= size;
	return RK_OK;
}

/* Reads how many there are, an int64_t, and then each of them. */
static inline rk_status
rk_read_each(rk_ctx *ctx, rk_reader *reader, rk_status (*read) (rk_ctx *ctx, void *state, rk_reader *reader), void *state)
{
	int64_t		count = 0;
	rk_status	status = rk_read_bytes(ctx, reader, &count, sizeof(count));

	for (int64_t i = 0; status == RK_OK && i < count; i++)
	{
		status = read(ctx, state, reader);
		if (status == RK_OK && (i & 1023) == 1023 && rk_ctx_poll(ctx))
			status = RK_STOPPED;
	}
	return status;
}

/*
 * A relation among the options that is read before the first message, each row
 * as one message of this type: columns are matched with fields by name.  Of
 * several, which are read in their order, the last one has the messages that
 * tables and rk.ring_load feed if nothing else is said.
 */
typedef struct rk_actor_load
{
	const char *option;
	uint32_t	type_id;
} rk_actor_load;

/*
 * The form of an actor for devices.  Some types of message are served there, by
 * the function in cuda/ring_steps.h; all others on the CPU, for which the state
 * is taken back, and sent again if they change it.
 *
 * The state travels as an image: its structs as they are, arrays behind them,
 * pointers as addresses on the device.
 */
typedef struct rk_actor_device
{
	int			kind;			/* rk_ring_kind of cuda/rk_window.h */
	uint32_t	types[8];		/* served there; payloads fit into the window; 0 ends */

	/* Why a state cannot go there; NULL: it can (the function too: always). */
	const char *(*stays) (const void *state);

	/*
	 * Makes room in the arrays for about as much as they have, because they
	 * cannot grow on the device (NULL: nothing grows).
	 */
	rk_status	(*room) (rk_ctx *ctx, void *state);

	/*
	 * Writes the image that will lie at address base of the device; returns its
	 * bytes.  image NULL: only that, which does not depend on base.
	 */
	size_t		(*pack) (const void *state, char *image, uint64_t base);

	/* Makes the state what the image says, in the arrays that it was packed from. */
	rk_status	(*unpack) (rk_ctx *ctx, void *state, const char *image, uint64_t base);

	/*
	 * Writes what a message is there, up to RK_WINDOW_PAYLOAD bytes, ids as their
	 * numbers for example; what it learns of them stays here.  It fails where the
	 * message would be refused for that.  NULL: the payload as it is.
	 */
	rk_status	(*prepare) (rk_ctx *ctx, void *state, const rk_message *message, void *payload, uint32_t *length);
} rk_actor_device;

typedef struct rk_actor
{
	const char *kernel;			/* id: graph/pagerank */
	uint32_t	version;		/* of snapshot's format, from 1 */
	const char *description;	/* one line */
	const rk_message_type *messages;	/* what it understands; type_id 0 ends */
	const rk_param *options;	/* NULL name ends; NULL: none */
	const rk_actor_load *loads; /* NULL option ends; NULL: none */
	uint32_t	feed;			/* type that tables feed by default; 0: the last of loads */
	bool		superusers_only;	/* nobody else may start it or send to it */
	const rk_message_type *const *says; /* messages for other kernels that it publishes
										 * beside its own; NULL ends; NULL: none */

	/* Makes an empty state. */
	rk_status	(*init) (rk_ctx *ctx, const rk_options *options, void **state);

	/* Does what the message says and writes the reply. */
	rk_status	(*handle) (rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply);

	/* Writes the state. */
	rk_status	(*snapshot) (rk_ctx *ctx, void *state, rk_writer *writer);

	/* Makes a state from a snapshot of this or an older version. */
	rk_status	(*restore) (rk_ctx *ctx, const rk_options *options, uint32_t version,
							rk_reader *reader, void **state);

	/*
	 * Work without a message (NULL: never any): called between messages and
	 * when there are none, for at most 5 ms.  *more says whether to call again
	 * soon.  Replies may differ in precision after it, never in meaning.
	 */
	rk_status	(*tick) (rk_ctx *ctx, void *state, bool *more);

	/*
	 * A number that depends on the logical state alone, not on the order in
	 * which it came about, nor on a snapshot in between.
	 */
	uint64_t	(*checksum) (rk_ctx *ctx, void *state);

	const rk_actor_device *device;	/* NULL: it runs on the CPU only */
} rk_actor;

/* The actors of the library; ends with NULL. */
#define RK_ACTOR(name) extern const rk_actor rk_actor_##name;
#include "actors.def"
#undef RK_ACTOR
extern const rk_actor *const rk_actors[];

/* The actor of a kernel, or NULL. */
extern const rk_actor *rk_actor_find(const char *kernel);

/* The type of message that tables feed by default; 0: there is none. */
static inline uint32_t
rk_actor_feed(const rk_actor *actor)
{
	uint32_t	type_id = 0;

	if (actor->feed != 0)
		return actor->feed;
	for (const rk_actor_load *l = actor->loads; l && l->option; l++)
		type_id = l->type_id;
	return type_id;
}

/*
 * Record number i of those that an actor may publish, from 0, NULL if there are
 * not so many; *reply: it is the reply of that message.
 */
extern const rk_message_type *rk_actor_record(const rk_actor *actor, int i, bool *reply);

/* What actor does with messages of this type, or NULL if it understands none. */
extern const rk_message_type *rk_actor_message(const rk_actor *actor, uint32_t type_id);

#endif							/* RK_ACTOR_H */

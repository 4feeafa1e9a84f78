/*
 * catalog.h
 *	  The ring runtime's tables, read and written with the rights of their owner.
 */
#ifndef RK_RING_CATALOG_H
#define RK_RING_CATALOG_H

#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "region.h"

/* The right to touch rk.ring and its companions, between open and close. */
typedef struct rk_catalog
{
	Oid			user;
	int			security_context;
} rk_catalog;

/*
 * Connects SPI as the owner of the extension's tables.  An error in between
 * undoes it with the (sub)transaction.
 */
extern void rk_catalog_open(rk_catalog *catalog);
extern void rk_catalog_close(rk_catalog *catalog);

/* Runs a command; returns the number of rows.  nulls as in SPI. */
extern uint64 rk_run_sql(const char *command, int count, const Oid *types, const Datum *values, const char *nulls);

/* A row of rk.ring; palloc'd in the caller's context. */
typedef struct rk_ring_row
{
	int32		ring_id;
	char		name[NAMEDATALEN];
	char	   *kernel;
	Oid			owner;
	char		desired_state[16];
	int32		epoch;
	int32		restarts;		/* changes when the ring is to be started anew */
	int			drain_ms;		/* -1: rk.drain_timeout */
	Jsonb	   *options;
} rk_ring_row;

/* False when there is no such ring. */
extern bool rk_ring_row_read(const char *name, rk_ring_row *row);

/* The same, but a name that no ring has is an error. */
extern void rk_ring_row_require(const char *name, rk_ring_row *row);

/*
 * That error.  Its hint is the ring that is meant, of this kernel unless it is
 * NULL, or how to make one.
 */
extern void rk_no_such_ring(const char *name, const char *kernel) __attribute__((noreturn));

/* Fills in row from the first columns of SPI's row: see RK_RING_COLUMNS. */
extern void rk_ring_row_from_spi(uint64 i, rk_ring_row *row, MemoryContext memory);
#define RK_RING_COLUMNS "ring_id, name::text, kernel, owner::oid, desired_state, epoch, restarts, options, " \
	"coalesce(extract(epoch FROM drain_timeout) * 1000, -1)::integer"

/* The row of a ring that the caller may control; anything else is an error. */
extern void rk_controlled_ring(const char *name, rk_ring_row *row);

/*
 * The same for the ring that a row of another table is of: query selects the
 * ring's name by the row's id, kind names the row in the error.  Returns the
 * name.  SPI is not connected.
 */
extern char *rk_controlled_ring_of(const char *kind, const char *query, int64 id, rk_ring_row *row);

/* Refuses what must not be done to a ring that runs: "must be stopped to be <what>". */
extern void rk_must_be_stopped(const char *name, const rk_ring_row *row, const char *what);

/*
 * For a ring that is to begin with another state: it is stopped, or suspended,
 * which is told by the result and needs rk_restart_at_commit; anything else is an
 * error.  It stays so until the transaction ends.
 */
extern bool rk_state_may_be_replaced(const char *name, rk_ring_row *row);
extern void rk_restart_at_commit(const rk_ring_row *row);

/* Function of attach.c, for rk.ring_drop, and that of control.c, for DROP OWNED. */
extern Datum rk_ring_detach(PG_FUNCTION_ARGS);
extern Datum rk_ring_drop(PG_FUNCTION_ARGS);

/* ---- roles.c ---- */

/* What REASSIGN OWNED and DROP OWNED mean for rings, after all else has been done. */
extern void rk_roles_after_utility(Node *statement);

/* What to do about the rings of a role that is to be dropped, or NULL; it is shown by the callback. */
extern char *rk_roles_drop_hint(Node *statement);
extern void rk_roles_drop_context(void *hint);

/* Members of a mapping, of rk.ring_attach or rk.ring_link; NULL: it has none such (attach.c). */
extern char *rk_mapping_text(Jsonb *mapping, const char *key);
extern Jsonb *rk_mapping_object(Jsonb *mapping, const char *key);

/* All members of an object are among keys (may be NULL) and the names of fields (may be NULL). */
extern void rk_mapping_check(Jsonb *object, const char *const *keys, const rk_field *fields);

/*
 * Refuses an expression that is not one value of one row: aggregates, window and
 * set-returning functions.  source is what follows it in a query with parameters
 * of these types, what names the expression in errors.  SPI is connected.
 */
extern void rk_row_expression_check(const char *what, const char *expression, const char *source, Oid *types, int count);

/* The message type of a mapping: an id, a name, or what the kernel is loaded with. */
extern const rk_message_type *rk_mapping_type(Jsonb *mapping, const rk_actor *actor);

/* Id of a record of a kernel by its name; without, its only one or the message's reply (output.c). */
extern uint32 rk_record_find(const rk_actor *actor, const char *name, const rk_message_type *message);

/* Makes an output: records of a type into a table, to a channel or topic; returns its number. */
extern int64 rk_output_add(const rk_ring_row *row, const char *name, int64 attachment_id, uint32 type_id,
						   Oid relation, const char *channel, const char *topic);

/* Writes a message (a bytea) into the journal of a ring; returns its id. */
extern int64 rk_journal_write(int32 ring_id, uint32 type_id, int priority, int hops, void *payload);

/* Whether the role was granted this access to the ring. */
extern bool rk_ring_access(int32 ring_id, Oid role, const char *access);

/* ---- options ---- */

/* What becomes of a ring that fails. */
typedef enum rk_restart_policy
{
	RK_RESTART,
	RK_RESTART_STOP,			/* it waits for rk.ring_restart */
	RK_RESTART_NOTIFY			/* the same, and listeners hear of it */
} rk_restart_policy;

typedef struct rk_ring_options
{
	uint32		queue_capacity;
	rk_overflow overflow;
	bool		journal;
	int			checkpoint_interval_s;
	int64		checkpoint_messages;
	int			checkpoints_kept;
	bool		dedicated;
	bool		standby;		/* answers on a standby server, too */
	bool		lanes;
	int			message_timeout_ms;
	rk_restart_policy restart_policy;
	int			max_restarts;	/* within a minute */
	int			max_retries;	/* of a message that fails for want of memory */
	int			max_hops;		/* of a message from ring to ring */
	int64		dedup_ms;		/* idempotency keys: how long, and how many are known */
	int			dedup_keys;
	int			start_timeout_ms;	/* 0: none */
	int			heartbeat_timeout_ms;	/* 0: rk.heartbeat_timeout */
	bool		has_spin;
	int			spin_us;
	int64		memory_limit;
	int			device;			/* as in rk.device */
	bool		persistent;		/* gpu_mode */
	double		high_water;		/* shares of the capacity */
	double		low_water;
	int			dlq_size;		/* dead letters that are kept */
	int64		dlq_age_ms;
	rk_options	kernel;			/* the actor's own */
} rk_ring_options;

/*
 * Checks and reads the options of a ring; what is wrong is an error that names
 * the option.  Everything is palloc'd in the current context.
 */
extern void rk_ring_options_read(const Jsonb *options, const rk_actor *actor, rk_ring_options *result);

/* Actor of a kernel that can run as a ring; an unknown one is an error. */
extern const rk_actor *rk_ring_kernel(const char *kernel);

/* Refuses a kernel for superusers to others. */
extern void rk_ring_kernel_check(const rk_actor *actor);

#endif							/* RK_RING_CATALOG_H */

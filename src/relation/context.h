/*
 * context.h
 *	  Named data sets in shared memory: 'context:name/key' as a relation.
 *
 * The definition of an item (its query) is a row of rk.context_item.  Its data
 * is a version in shared memory: a graph as one block of bytes, and the
 * adjacency that kernels asked for, made when it is first wanted.  A version
 * is built by the session that needs it, becomes visible when its transaction
 * commits, and is freed when the last run that uses it ends.
 */
#ifndef RK_CONTEXT_H
#define RK_CONTEXT_H

#include "../call/call.h"
#include "../compute/graph_bytes.h"

#define RK_CONTEXT_RELATIONS 16

/* A relation that an item was read from, as it was then. */
typedef struct rk_context_relation
{
	Oid			relation;
	Oid			file;			/* its relfilenode */
	int64		changes;		/* rows inserted, updated, deleted so far */
} rk_context_relation;

/* What is known of a version. */
typedef struct rk_context_version
{
	int64		item;			/* rk.context_item.id */
	int64		context;		/* rk.context.id */
	Oid			database;
	bool		pinned;			/* never given up for others */
	bool		weighted;
	bool		negative;		/* some weight is below zero */
	Oid			id_type;
	int64		nodes;
	int64		edges;
	int64		bytes;			/* block and adjacency */
	TimestampTz loaded_at;
	int64		hits;
	int			readers;
	int			relation_count; /* -1: more than fit */
	rk_context_relation relations[RK_CONTEXT_RELATIONS];
} rk_context_version;

/* ---- shared memory (context_shared.c) ---- */

extern void rk_context_install(void);

/* Raises 55000 when there is no shared memory for contexts. */
extern void rk_context_require(void);

/* Attaches to it; false when there is none. */
extern bool rk_context_attach(void);

/*
 * Room for a version: bytes of shared memory, zeroed, at *block.  Makes room
 * by giving up what nobody uses; 53200 when that is not enough or when the
 * context would hold more than max_working_set.  The version is not visible.
 */
extern int	rk_context_create(const rk_context_version *version, int64 bytes,
							  int64 max_working_set, void **block);

/* Frees a version that never became visible. */
extern void rk_context_discard(int slot);

/*
 * Makes a version the one of its item; the one before is freed as soon as
 * nobody reads it.  Does not fail.
 */
extern void rk_context_publish(int slot);

/* Takes the data of an item away, likewise. */
extern void rk_context_retire(Oid database, int64 item);

/* Pins the visible version of an item, or returns -1. */
extern int	rk_context_acquire(Oid database, int64 item);
extern void rk_context_pin(int slot);
extern void rk_context_release(int slot);

/* The block of a pinned version, and whether some weight is below zero. */
extern void *rk_context_block(int slot, bool *negative);

/* Fills in what is known of a version once it was read. */
extern void rk_context_describe(int slot, const rk_context_version *version);

/*
 * The adjacency of a pinned version for these options, as pointers into shared
 * memory; false when it is not there yet.
 */
extern bool rk_context_find_graph(int slot, const rk_graph_options *options, bool weighted,
								  rk_graph *g);

/*
 * Keeps a copy of g beside the version and points g at it.  Does nothing when
 * there is no room: g then stays as it is, and false is returned.
 */
extern bool rk_context_keep_graph(int slot, const rk_graph_options *options, bool weighted,
								  int64 max_working_set, rk_graph *g);

/*
 * Names the adjacency of a pinned version for these options, for who keeps a
 * copy of it elsewhere: no other version has the same item and time.
 */
extern void rk_context_identify(int slot, const rk_graph_options *options, bool weighted,
								int64 *item, int64 *loaded_at, uint32 *database, uint32 *key);

/* Copies what is known of the visible versions of this database. */
extern rk_context_version *rk_context_versions(int *count);

/* ---- using items (context.c) ---- */

/* An item in use by a run; released with the call's memory. */
typedef struct rk_context_use
{
	int			slot;
	int64		max_working_set;
	bool		negative;		/* some weight is below zero */
	rk_graph_view view;
} rk_context_use;

/* Whether the value of a relation argument names an item of a context. */
extern bool rk_is_context_name(const char *text);

/*
 * Opens the item that text names, as a relation argument: rights are checked,
 * and data that is not there (first use after a restart) is read again.
 */
extern rk_context_use *rk_context_open(rk_call *call, const char *argument, const char *text);

/* Nodes and edges of an item that is loaded; false when it is not, or is not the caller's. */
extern bool rk_context_size(const char *text, int64 *nodes, int64 *edges, bool *weighted, Oid *id_type);

#endif							/* RK_CONTEXT_H */

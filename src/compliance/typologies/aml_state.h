/*
 * aml_state.h
 *	  The state of compliance/aml-patterns as an actor: the transactions of the
 *	  last while, by entity.
 */
#ifndef RK_COMPLIANCE_AML_STATE_H
#define RK_COMPLIANCE_AML_STATE_H

#include "typologies_ring.h"

#define RK_AML_NONE UINT32_MAX

/* A transaction; it is known by its number, which counts all that ever came. */
typedef struct aml_tx
{
	int64_t		id;				/* where it is an integer, see names */
	int64_t		ts;				/* us since 1970 */
	int64_t		amount;
	int64_t		left;			/* that its target has not passed on */
	uint32_t	source;			/* numbers of entities */
	uint32_t	target;
	uint32_t	stamp;			/* scratch: last search that was here */
	uint32_t	hops;			/* scratch */
} aml_tx;

/* A place in the order of time; all zeros but ts: before everything. */
typedef struct aml_mark
{
	int64_t		ts;
	uint64_t	number;
} aml_mark;

/* Numbers of transactions in the order of time, ties as they came. */
typedef struct aml_list
{
	uint64_t   *number;
	uint32_t	begin;			/* those before are free again */
	uint32_t	end;
	uint32_t	capacity;
} aml_list;

/* Windows of an entity that were reported, by what is looked for. */
enum
{
	ALERTED_STRUCTURING,
	ALERTED_FAN_OUT,
	ALERTED_FAN_IN,
	ALERTED_FUNNEL,
	ALERTED_GATHER,
	ALERTED
};

typedef struct aml_node
{
	aml_list	in;				/* itself left out */
	aml_list	out;

	/* where windows that are not over begin; earlier ones are settled */
	aml_mark	fan_in;
	aml_mark	fan_out;
	aml_mark	band;
	aml_mark	gather;			/* the same, of fans in whose money may still go out */

	rk_decimal	amount_in;		/* of transactions that are here, itself included */
	rk_decimal	matched;		/* of it, passed on */
	aml_mark	head;			/* the first incoming one that may have something left */
	aml_mark	alerted[ALERTED];
	int64_t		pairs;			/* linked pairs around it, ever */
	bool		skip;			/* too many */
	bool		rapid;			/* reported that money passes through */
	uint32_t	times;			/* scratch: zero between uses */
	uint32_t	stamp;			/* scratch */
} aml_node;

/* A linked pair A -> m -> B: the first way on to B of its first leg. */
typedef struct aml_leg
{
	uint64_t	first;
	uint64_t	second;
	uint32_t	next;			/* of the group, by the order of first legs */
} aml_leg;

/* All of one A and B. */
typedef struct aml_group
{
	uint32_t	a;
	uint32_t	b;
	uint32_t	next;			/* with the same hash */
	uint32_t	legs;
	aml_mark	alerted;
} aml_group;

typedef struct aml_state
{
	rk_keys		keys;
	rk_aml_params params;
	rk_decimal	band_low;		/* structuring: from here to reporting_threshold */
	int64_t		horizon;		/* how long transactions are kept */
	int64_t		max_steps;
	int64_t		newest;

	aml_tx	   *txs;			/* by number modulo capacity */
	uint64_t	first;			/* number of the oldest; from 1 */
	uint64_t	next;
	uint64_t	capacity;		/* a power of 2 */
	uint64_t   *queue;			/* scratch: as many */
	rk_id	   *names;			/* as many ids that are texts or uuids, else RK_ID_NONE; NULL: none is */

	aml_node   *nodes;
	uint32_t	node_count;
	uint32_t	node_capacity;

	aml_group  *groups;
	uint32_t	group_count;
	uint32_t	group_capacity; /* a power of 2 */
	uint32_t   *buckets;		/* as many */
	aml_leg    *legs;
	uint32_t	leg_count;
	uint32_t	leg_capacity;

	int64_t    *scratch;		/* amounts: as many as the longest list */
	uint32_t	scratch_capacity;
	uint32_t	stamp;

	/* what the batch function says of the transactions up to a number */
	uint64_t	scored_next;	/* 0: nothing */
	rk_aml_entity *scores;		/* by entity */
	uint32_t	scored;			/* entities there */
} aml_state;

static inline aml_tx *
aml_tx_at(const aml_state *s, uint64_t number)
{
	return &s->txs[number & (s->capacity - 1)];
}

static inline uint32_t
aml_list_count(const aml_list *l)
{
	return l->end - l->begin;
}

static inline aml_mark
aml_mark_of(const aml_state *s, uint64_t number)
{
	return (aml_mark) {aml_tx_at(s, number)->ts, number};
}

static inline bool
aml_before(aml_mark a, aml_mark b)
{
	return a.ts != b.ts ? a.ts < b.ts : a.number < b.number;
}

/* The first place of a list that is not before a mark. */
extern uint32_t aml_place(const aml_state *s, const aml_list *l, aml_mark mark);

/* Whether the money of e may go on with f, which is later: T7 of the typologies. */
extern bool aml_is_linked(const aml_state *s, const aml_tx *e, const aml_tx *f);

/* Those before f that enter its source, and are young enough for a link: [*from, *to). */
extern void aml_predecessors_of(const aml_state *s, uint64_t f, uint32_t *from, uint32_t *to);

/* Those after e that leave its target, and are soon enough: [*from, *to). */
extern void aml_successors_of(const aml_state *s, uint64_t e, uint32_t *from, uint32_t *to);

/* Transactions at this moment or before are too old. */
static inline int64_t
aml_too_old(const aml_state *s)
{
	int64_t		ts;

	return s->newest == INT64_MIN || __builtin_sub_overflow(s->newest, s->horizon, &ts) ? INT64_MIN : ts;
}

/* Whether the first leg of a pair still counts; its second one does so for longer. */
static inline bool
aml_leg_lives(const aml_state *s, const aml_leg *l)
{
	return l->first >= s->first && aml_tx_at(s, l->first)->ts > aml_too_old(s);
}

/* Takes out of a group what no longer counts. */
extern void aml_clean_group(aml_state *s, uint32_t g);

/* A new stamp for searches. */
extern uint32_t aml_new_stamp(aml_state *s);

/* The group of two entities, or RK_AML_NONE. */
extern uint32_t aml_find_group(const aml_state *s, uint32_t a, uint32_t b);

/* The id of a transaction, as its sender has it. */
extern rk_id aml_id_of(const aml_state *s, uint64_t number);

/*
 * Takes in a transaction, whose id is given apart, and forgets what is too old.
 * Fails before anything changes.  *late: it is not the last of its entities;
 * *consumed: what it has passed on of what its source had.
 */
extern rk_status aml_take(rk_ctx *ctx, aml_state *s, const rk_id *id, const aml_tx *tx, uint64_t *number, bool *late,
						  int64_t *consumed);

extern rk_status aml_state_init(rk_ctx *ctx, const rk_options *options, void **state);
extern rk_status aml_state_snapshot(rk_ctx *ctx, void *state, rk_writer *writer);
extern rk_status aml_state_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader,
								   void **state);
extern uint64_t aml_state_checksum(rk_ctx *ctx, void *state);

#endif							/* RK_COMPLIANCE_AML_STATE_H */

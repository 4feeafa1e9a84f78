/*
 * monitoring_state.h
 *	  The state of a ring that monitors: entities with their recent events, and
 *	  the counterparties that rules count.
 */
#ifndef RK_COMPLIANCE_MONITORING_STATE_H
#define RK_COMPLIANCE_MONITORING_STATE_H

#include "monitoring_ring.h"

#include "../../compute/dense.h"

#define RK_MON_NONE UINT32_MAX

typedef struct entity
{
	int64_t		id;				/* as rk_keys_value has it */
	rk_mon_event *events;
	int64_t		count;
	int64_t		capacity;
	int64_t		newest;
	int64_t		frozen_until;	/* ns since 1970; RK_MON_NEVER: not frozen */
	int64_t		blocked;
} entity;

/* Who counts counterparties: pairs of entity and counterparty in use. */
typedef struct pool
{
	uint32_t   *entity;
	int64_t    *other;
	uint32_t   *uses;			/* events; 0: free, entity is the next free one */
	uint32_t	used;			/* places ever used */
	uint32_t	capacity;
	uint32_t	free;			/* list through entity */
	uint32_t   *slots;			/* places by hash, + 1; 0: empty */
	uint32_t	mask;
	uint32_t	filled;			/* slots, those of freed places included */
	uint32_t   *counters;		/* [counter * capacity + place] */
} pool;

typedef struct monitor
{
	rk_keys		keys;			/* ids of entities */
	rk_mon_rules rules;
	char		(*names)[RK_MON_NAME_MAX];
	rk_dictionary *words;
	entity	   *entities;
	uint32_t	entity_count;
	uint32_t	entity_capacity;
	uint32_t   *slots;			/* entities by id, + 1; 0: empty */
	uint32_t	mask;
	rk_mon_state *states;		/* [entity * rules + rule] */
	pool		pool;
} monitor;

/* An empty state. */
extern rk_status rk_monitor_init(rk_ctx *ctx, const rk_options *options, void **state);

/* The code of a word, added if it is new; size: of its room, padded with zeros. */
extern rk_status rk_monitor_word(monitor *m, const char *text, size_t size, uint32_t *code);

/* The entity with this id, or RK_MON_NONE; made if there is none. */
extern uint32_t rk_monitor_find(const monitor *m, int64_t id);
extern rk_status rk_monitor_want(rk_ctx *ctx, monitor *m, int64_t id, uint32_t *index);

/* An entity as the state machine has it. */
extern rk_mon_entity rk_monitor_view(const monitor *m, uint32_t i);

/* A pool with room for so many pairs; a place in it for one; its end. */
extern rk_status rk_pool_create(rk_ctx *ctx, pool *p, uint32_t counters, int64_t wanted);
extern uint32_t rk_pool_take(pool *p, uint32_t counters, uint32_t entity, int64_t other);
extern void rk_pool_destroy_places(rk_ctx *ctx, pool *p);

/* Whether an event has a place in the pool. */
static inline bool
needs_counterparty(const rk_mon_event *e)
{
	return e->role != (RK_MON_IS_SOURCE | RK_MON_IS_TARGET);
}

/* Lets go of the events of an entity that no rule will look at any more. */
extern void rk_monitor_let_go(monitor *m, uint32_t i);

/* Room for one more event of an entity, and for two more pairs in the pool. */
extern rk_status rk_monitor_event_room(rk_ctx *ctx, monitor *m, uint32_t i);
extern rk_status rk_monitor_pool_room(rk_ctx *ctx, monitor *m);

/* Puts an event in its place and lets the rules look at it; there is room. */
extern void rk_monitor_take(monitor *m, uint32_t i, const rk_mon_event *event, const rk_mon_sink *sink);

/* Of the actor (monitoring_snapshot.c). */
extern rk_status rk_monitor_snapshot(rk_ctx *ctx, void *state, rk_writer *writer);
extern rk_status rk_monitor_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader,
									void **state);
extern uint64_t rk_monitor_checksum(rk_ctx *ctx, void *state);

#endif							/* RK_COMPLIANCE_MONITORING_STATE_H */

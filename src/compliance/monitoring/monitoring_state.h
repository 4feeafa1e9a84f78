/*
 * monitoring_state.h
 *	  The state of a ring that monitors: entities with their recent events, and
 *	  the counterparties that rules count.
 */
#ifndef RK_COMPLIANCE_MONITORING_STATE_H
#define RK_COMPLIANCE_MONITORING_STATE_H

#include "monitoring_ring.h"

#include "../../compute/dense.h"
#include "monitoring_step.h"

/* An empty state. */
extern rk_status rk_monitor_init(rk_ctx *ctx, const rk_options *options, void **state);

/* The code of a word, added if it is new; size: of its room, padded with zeros. */
extern rk_status rk_monitor_word(monitor *m, const char *text, size_t size, uint32_t *code);

/* The entity with this id, made if there is none. */
extern rk_status rk_monitor_want(rk_ctx *ctx, monitor *m, int64_t id, uint32_t *index);

/* A pool with room for so many pairs; its end. */
extern rk_status rk_pool_create(rk_ctx *ctx, pool *p, uint32_t counters, int64_t wanted);
extern void rk_pool_destroy_places(rk_ctx *ctx, pool *p);

/* Room for one more event of an entity, and for two more pairs in the pool. */
extern rk_status rk_monitor_event_room(rk_ctx *ctx, monitor *m, uint32_t i);
extern rk_status rk_monitor_pool_room(rk_ctx *ctx, monitor *m);

/* Room for about as many entities and pairs as there are, for a device. */
extern rk_status rk_monitor_room(rk_ctx *ctx, monitor *m);

/* Of the actor (monitoring_snapshot.c). */
extern rk_status rk_monitor_snapshot(rk_ctx *ctx, void *state, rk_writer *writer);
extern rk_status rk_monitor_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader,
									void **state);
extern uint64_t rk_monitor_checksum(rk_ctx *ctx, void *state);

#endif							/* RK_COMPLIANCE_MONITORING_STATE_H */

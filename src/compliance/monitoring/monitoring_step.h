/*
 * monitoring_step.h
 *	  What a ring that monitors does with a transaction: for the actor, and for
 *	  devices.
 *
 * Nothing here takes memory: there is room, on the CPU because it was made, on a
 * device because rk_monitor_step has looked.
 */
#ifndef RK_COMPLIANCE_MONITORING_STEP_H
#define RK_COMPLIANCE_MONITORING_STEP_H

#include "../../../cuda/rk_window.h"
#include "../../compute/random.h"
#include "../../compute/status.h"
#include "../../ring/keys_state.h"
#include "engine_step.h"
#include "monitoring_payload.h"

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
	struct rk_dictionary *words;
	entity	   *entities;
	uint32_t	entity_count;
	uint32_t	entity_capacity;
	uint32_t   *slots;			/* entities by id, + 1; 0: empty */
	uint32_t	mask;
	rk_mon_state *states;		/* [entity * rules + rule] */
	struct pool	pool;

	/* on a device only: room for the events of entities that need more */
	rk_mon_event *spare;
	int64_t		spare_count;
} monitor;

/* ---- entities ---- */

RK_BOTH uint32_t *
rk_monitor_slot(const monitor *m, int64_t id)
{
	uint32_t	i = (uint32_t) rk_hash1((uint64_t) id) & m->mask;

	while (m->slots[i] && m->entities[m->slots[i] - 1].id != id)
		i = (i + 1) & m->mask;
	return &m->slots[i];
}

RK_BOTH uint32_t
rk_monitor_find(const monitor *m, int64_t id)
{
	return m->entity_capacity == 0 ? RK_MON_NONE : *rk_monitor_slot(m, id) - 1;
}

/* An entity as the state machine has it. */
RK_BOTH rk_mon_entity
rk_monitor_view(const monitor *m, uint32_t i)
{
	const entity *e = &m->entities[i];

	rk_mon_entity v;

	v.events = e->events;
	v.count = e->count;
	v.newest = e->newest;
	v.states = m->states + (size_t) i * m->rules.count;
	v.counters = m->pool.counters;
	v.stride = m->pool.capacity;
	return v;
}

/* A new entity; there is room. */
RK_BOTH uint32_t
rk_monitor_add(monitor *m, int64_t id)
{
	uint32_t	i = m->entity_count;
	rk_mon_entity v;

	memset(&m->entities[i], 0, sizeof(m->entities[i]));
	m->entities[i].id = id;
	m->entities[i].newest = RK_MON_NEVER;
	m->entities[i].frozen_until = RK_MON_NEVER;
	*rk_monitor_slot(m, id) = ++m->entity_count;
	v = rk_monitor_view(m, i);
	rk_mon_clear(&m->rules, &v);
	return i;
}

/* ---- counterparties ---- */

/* Whether an event has a place in the pool. */
RK_BOTH bool
needs_counterparty(const rk_mon_event *e)
{
	return e->role != (RK_MON_IS_SOURCE | RK_MON_IS_TARGET);
}

RK_BOTH uint32_t *
pool_slot(const pool *p, uint32_t entity, int64_t other)
{
	uint32_t	i = (uint32_t) rk_hash2(entity, (uint64_t) other) & p->mask;

	for (; p->slots[i]; i = (i + 1) & p->mask)
	{
		uint32_t	place = p->slots[i] - 1;

		if (p->uses[place] > 0 && p->entity[place] == entity && p->other[place] == other)
			break;
	}
	return &p->slots[i];
}

/* A place for a pair; there is room. */
RK_BOTH uint32_t
rk_pool_take(pool *p, uint32_t counters, uint32_t entity, int64_t other)
{
	uint32_t   *slot = pool_slot(p, entity, other);
	uint32_t	place;

	if (*slot)
	{
		place = *slot - 1;
		p->uses[place]++;
		return place;
	}
	if (p->free != RK_MON_NONE)
	{
		place = p->free;
		p->free = p->entity[place];
	}
	else
		place = p->used++;
	p->entity[place] = entity;
	p->other[place] = other;
	p->uses[place] = 1;
	for (uint32_t k = 0; k < counters; k++)
		p->counters[(size_t) k * p->capacity + place] = 0;
	*slot = place + 1;
	p->filled++;
	return place;
}

RK_BOTH void
pool_give(pool *p, uint32_t place)
{
	if (--p->uses[place] > 0)
		return;
	p->entity[place] = p->free;
	p->free = place;
}

/* ---- events ---- */

/* Lets go of what no rule will look at any more. */
RK_BOTH void
rk_monitor_let_go(monitor *m, uint32_t i)
{
	entity	   *e = &m->entities[i];
	rk_mon_entity v = rk_monitor_view(m, i);
	int64_t		n = rk_mon_expired(&m->rules, &v);

	if (m->rules.counters > 0)
		for (int64_t j = 0; j < n; j++)
			if (needs_counterparty(&e->events[j]))
				pool_give(&m->pool, e->events[j].counterparty);
	if (n > 0)
		rk_mon_drop(&m->rules, &v, n);
	e->count = v.count;
}

/* Puts an event in its place and lets the rules look at it. */
RK_BOTH void
rk_monitor_take(monitor *m, uint32_t i, const rk_mon_event *event, const rk_mon_sink *sink)
{
	entity	   *e = &m->entities[i];
	int64_t		position = e->count;
	rk_mon_entity v;

	while (position > 0 && e->events[position - 1].ts > event->ts)
		position--;
	for (int64_t k = e->count; k > position; k--)
		e->events[k] = e->events[k - 1];
	e->events[position] = *event;
	if (m->rules.counters > 0 && needs_counterparty(event))
		e->events[position].counterparty = rk_pool_take(&m->pool, m->rules.counters, i, event->other);
	e->count++;
	v = rk_monitor_view(m, i);
	rk_mon_step(&m->rules, &v, position, sink);
	e->newest = v.newest;
}

/* Whether an entity is frozen at this moment; counts the transaction if so. */
RK_BOTH bool
rk_monitor_is_blocked(monitor *m, uint32_t i, int64_t now)
{
	entity	   *e = &m->entities[i];

	if (e->frozen_until == RK_MON_NEVER || e->frozen_until <= now)
		return false;
	e->blocked++;
	return true;
}

/* The alerts of one message; the first member of what a sink's arg points to. */
typedef struct rk_mon_tally
{
	int64_t		entity;			/* whom the alerts that come now are about */
	int64_t		related;		/* the other end */
	int64_t		flags;
	int32_t		count;
	int32_t		score;
} rk_mon_tally;

RK_BOTH void
rk_mon_count_alert(void *arg, const rk_mon_alert *alert)
{
	rk_mon_tally *t = (rk_mon_tally *) arg;
	int			score = rk_mon_risk_score(alert->rule->severity);

	t->flags |= (int64_t) (UINT64_C(1) << (alert->position < 63 ? alert->position : 63));
	t->count++;
	t->score = score > t->score ? score : t->score;
}

/* A transaction on its way to a device: words and ids are numbers. */
typedef struct rk_monitor_transaction
{
	rk_mon_event event;
	int64_t		source;
	int64_t		target;
} rk_monitor_transaction;

/* What a transaction does to both ends, which have room for it. */
RK_BOTH void
rk_monitor_transact(monitor *m, uint32_t source, uint32_t target, rk_monitor_transaction *q, int64_t sent_ns,
					const rk_mon_sink *sink, rk_monitor_reply *r)
{
	rk_mon_tally *t = (rk_mon_tally *) sink->arg;
	bool		blocked;

	t->entity = q->source;
	t->related = q->target;
	q->event.role = source == target ? RK_MON_IS_SOURCE | RK_MON_IS_TARGET : RK_MON_IS_SOURCE;
	q->event.other = q->target;
	rk_monitor_take(m, source, &q->event, sink);
	blocked = rk_monitor_is_blocked(m, source, sent_ns);
	if (source != target)
	{
		t->entity = q->target;
		t->related = q->source;
		q->event.role = RK_MON_IS_TARGET;
		q->event.other = q->source;
		rk_monitor_take(m, target, &q->event, sink);
		blocked = rk_monitor_is_blocked(m, target, sent_ns) || blocked;
	}
	r->alert_count = t->count;
	r->alert_flags = t->flags;
	r->risk_score = blocked ? 100 : t->score;
}

/* ---- on a device ---- */

/* Room for one more event of an entity, from what is spare; false: there is none. */
RK_BOTH bool
rk_monitor_event_place(monitor *m, uint32_t i)
{
	entity	   *e = &m->entities[i];
	int64_t		capacity = e->capacity ? 2 * e->capacity : 4;

	if (e->count < e->capacity)
		return true;
	rk_monitor_let_go(m, i);
	if (e->count < e->capacity - e->capacity / 4)
		return true;
	if (m->spare_count < capacity)
		return e->count < e->capacity;
	for (int64_t k = 0; k < e->count; k++)
		m->spare[k] = e->events[k];
	e->events = m->spare;
	e->capacity = capacity;
	m->spare += capacity;
	m->spare_count -= capacity;
	return true;
}

/* A message on a device; false: it has no room. */
RK_BOTH bool
rk_monitor_step(monitor *m, const rk_window_request *q, rk_window_reply *r)
{
	rk_monitor_transaction t;
	rk_mon_tally tally;
	rk_mon_sink sink;
	uint32_t	source;
	uint32_t	target;
	pool	   *p = &m->pool;

	if (q->type_id != 300)
	{
		rk_window_refuse(r, RK_ERR_UNSUPPORTED, "no such message on a device");
		return true;
	}
	memcpy(&t, q->payload, sizeof(t));
	if (m->entity_count + 2 > m->entity_capacity ||
		(m->rules.counters > 0 && (p->used + 2 > p->capacity || p->filled + 2 > 2 * (int64_t) p->capacity)))
		return false;
	/* an entity that is new and has no events yet makes no difference */
	source = rk_monitor_find(m, t.source);
	if (source == RK_MON_NONE)
		source = rk_monitor_add(m, t.source);
	target = rk_monitor_find(m, t.target);
	if (target == RK_MON_NONE)
		target = rk_monitor_add(m, t.target);
	if (!rk_monitor_event_place(m, source) || !rk_monitor_event_place(m, target))
		return false;
	memset(&tally, 0, sizeof(tally));
	sink.raise = rk_mon_count_alert;
	sink.arg = &tally;
	sink.as_of = RK_MON_NEVER;
	rk_monitor_transact(m, source, target, &t, q->sent_ns, &sink, (rk_monitor_reply *) r->data);
	r->length = sizeof(rk_monitor_reply);
	return true;
}

#endif							/* RK_COMPLIANCE_MONITORING_STEP_H */

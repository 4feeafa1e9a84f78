/*
 * monitoring_state.c
 *	  The state of a ring that monitors.
 *
 * Each entity has a list of its recent events, as far back as the rules look,
 * and what each rule knows; both are the state machine's.  Counterparties are
 * counted in one pool for all entities: a pair of entity and counterparty has a
 * place there as long as an event refers to it, and only if there is a rule
 * that counts them.
 *
 * What is too old for all rules is let go of when room is needed, so it must
 * not make a difference whether it is still there; snapshots and checksums let
 * go of it first.
 */
#include "monitoring_state.h"

#include "../../compute/random.h"

#define FIRST_EVENTS 4

/* ---- entities ---- */

static rk_status
grow_entities(rk_ctx *ctx, monitor *m)
{
	uint32_t	capacity = m->entity_capacity ? 2 * m->entity_capacity : 64;
	entity	   *entities;
	uint32_t   *slots;
	rk_mon_state *states;

	if (capacity > UINT32_MAX / 8)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many entities");
	slots = rk_alloc0(ctx, 2 * (int64_t) capacity, sizeof(*slots));
	if (slots == NULL)
		return RK_ERR_MEMORY;
	states = rk_realloc(ctx, m->states, (int64_t) capacity * m->rules.count, sizeof(*states));
	if (states == NULL)
		return RK_ERR_MEMORY;
	m->states = states;
	entities = rk_realloc(ctx, m->entities, capacity, sizeof(*entities));
	if (entities == NULL)
		return RK_ERR_MEMORY;
	m->entities = entities;
	rk_free(ctx, m->slots);
	m->slots = slots;
	m->mask = 2 * capacity - 1;
	m->entity_capacity = capacity;
	for (uint32_t i = 0; i < m->entity_count; i++)
		*rk_monitor_slot(m, m->entities[i].id) = i + 1;
	return RK_OK;
}

/* The entity with this id, made if there is none. */
rk_status
rk_monitor_want(rk_ctx *ctx, monitor *m, int64_t id, uint32_t *index)
{
	rk_status	status;

	*index = rk_monitor_find(m, id);
	if (*index != RK_MON_NONE)
		return RK_OK;
	if (m->entity_count == m->entity_capacity && (status = grow_entities(ctx, m)) != RK_OK)
		return status;
	*index = rk_monitor_add(m, id);
	return RK_OK;
}

/* ---- counterparties ---- */

void
rk_pool_destroy_places(rk_ctx *ctx, pool *p)
{
	rk_free(ctx, p->entity);
	rk_free(ctx, p->other);
	rk_free(ctx, p->uses);
	rk_free(ctx, p->slots);
	rk_free(ctx, p->counters);
}

rk_status
rk_pool_create(rk_ctx *ctx, pool *p, uint32_t counters, int64_t wanted)
{
	int64_t		capacity = 64;

	while (capacity < wanted)
		capacity *= 2;
	*p = (pool) {.free = RK_MON_NONE};
	if (capacity > UINT32_MAX / 8)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many counterparties");
	p->capacity = (uint32_t) capacity;
	p->mask = 4 * p->capacity - 1;
	p->entity = rk_alloc(ctx, capacity, sizeof(*p->entity));
	p->other = rk_alloc(ctx, capacity, sizeof(*p->other));
	p->uses = rk_alloc0(ctx, capacity, sizeof(*p->uses));
	p->slots = rk_alloc0(ctx, 4 * capacity, sizeof(*p->slots));
	p->counters = rk_alloc0(ctx, capacity * counters, sizeof(*p->counters));
	if (p->entity && p->other && p->uses && p->slots && p->counters)
		return RK_OK;
	rk_pool_destroy_places(ctx, p);
	return RK_ERR_MEMORY;
}

/*
 * Makes room for more pairs.  Freed places leave their slots behind, and a
 * full pool grows: both ends in a new one with what is in use.
 */
static rk_status
pool_room(rk_ctx *ctx, monitor *m, int64_t more)
{
	pool	   *p = &m->pool;
	pool		fresh;
	int64_t		live = 0;
	rk_status	status;

	if (m->rules.counters == 0 ||
		(p->capacity > 0 && p->used + more <= p->capacity && p->filled + more <= 2 * (int64_t) p->capacity))
		return RK_OK;
	for (uint32_t i = 0; i < p->used; i++)
		live += p->uses[i] > 0;
	status = rk_pool_create(ctx, &fresh, m->rules.counters, 2 * live + more);
	if (status != RK_OK)
		return status;
	for (uint32_t i = 0; i < m->entity_count; i++)
		for (int64_t j = 0; j < m->entities[i].count; j++)
		{
			rk_mon_event *e = &m->entities[i].events[j];
			uint32_t	old = e->counterparty;

			if (!needs_counterparty(e))
				continue;
			e->counterparty = rk_pool_take(&fresh, m->rules.counters, i, e->other);
			for (uint32_t k = 0; k < m->rules.counters; k++)
				fresh.counters[(size_t) k * fresh.capacity + e->counterparty] =
					p->counters[(size_t) k * p->capacity + old];
		}
	rk_pool_destroy_places(ctx, p);
	*p = fresh;
	return RK_OK;
}

rk_status
rk_monitor_pool_room(rk_ctx *ctx, monitor *m)
{
	return pool_room(ctx, m, 2);
}

rk_status
rk_monitor_room(rk_ctx *ctx, monitor *m)
{
	uint32_t	wanted = m->entity_count + m->entity_count / 2 + 64;
	rk_status	status;

	while (m->entity_capacity < wanted)
		if ((status = grow_entities(ctx, m)) != RK_OK)
			return status;
	return pool_room(ctx, m, m->pool.used / 2 + 64);
}

/* ---- events ---- */

/* Makes room for one more event. */
rk_status
rk_monitor_event_room(rk_ctx *ctx, monitor *m, uint32_t i)
{
	entity	   *e = &m->entities[i];
	int64_t		capacity = e->capacity ? 2 * e->capacity : FIRST_EVENTS;
	rk_mon_event *events;

	if (e->count < e->capacity)
		return RK_OK;
	rk_monitor_let_go(m, i);
	if (e->count < e->capacity - e->capacity / 4)
		return RK_OK;
	events = rk_realloc(ctx, e->events, capacity, sizeof(*events));
	if (events == NULL)
		return RK_ERR_MEMORY;
	e->events = events;
	e->capacity = capacity;
	return RK_OK;
}

/* ---- words, and the beginning ---- */

/* The code of a word, added if it is new. */
rk_status
rk_monitor_word(monitor *m, const char *text, size_t size, uint32_t *code)
{
	rk_bytes	key = {text, (uint32_t) strnlen(text, size)};

	*code = RK_MON_NO_WORD;
	return key.length == 0 ? RK_OK : rk_dictionary_add(m->words, &key, 1, code);
}

rk_status
rk_monitor_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	monitor    *m = rk_alloc0(ctx, 1, sizeof(*m));
	rk_bytes	keys[RK_MON_WORDS];
	uint32_t	codes[RK_MON_WORDS];

	if (m == NULL)
		return RK_ERR_MEMORY;
	*state = m;
	m->pool.free = RK_MON_NONE;
	m->words = rk_dictionary_create(ctx);
	if (m->words == NULL || rk_keys_init(ctx, options, &m->keys) != RK_OK)
		return RK_ERR_MEMORY;
	for (int i = 0; i < RK_MON_WORDS; i++)
		keys[i] = (rk_bytes) {rk_mon_words[i], (uint32_t) strlen(rk_mon_words[i])};
	return rk_dictionary_add(m->words, keys, RK_MON_WORDS, codes);
}

/*
 * monitoring_ring.c
 *	  compliance/transaction-monitoring as an actor: the alerts of every
 *	  transaction as it happens.
 *
 * Late transactions enter their place.  Rules may come and change at any time;
 * one that stays the same keeps what it knows.
 */
#include "monitoring_state.h"

#include "../../ring/image.h"

#define EPOCH_US INT64_C(946684800000000)	/* from 1970 to 2000 */
#define EPOCH_DAYS 10957
#define DAY_US INT64_C(86400000000)

/* ---- messages ---- */

static int64_t
fixed_or_absent(rk_decimal value)
{
	return value < 0 || value >= INT64_MAX ? RK_FIELD_ABSENT_INT8 : (int64_t) value;
}

/* The alerts of one message on their way. */
typedef struct outcome
{
	rk_mon_tally tally;
	const monitor *m;
	rk_reply   *reply;
	const rk_monitor_request *q;
} outcome;

static void
send_alert(void *arg, const rk_mon_alert *alert)
{
	outcome    *o = arg;
	int			score = rk_mon_risk_score(alert->rule->severity);
	rk_monitor_alert record;
	rk_alert_broadcast said;

	rk_mon_count_alert(&o->tally, alert);
	if (o->reply->publish == NULL)
		return;
	memset(&record, 0, sizeof(record));
	record.transaction_id = o->q->transaction_id;
	record.entity = rk_keys_of_value(&o->m->keys, o->tally.entity);
	record.rule_id = alert->rule->id;
	record.threshold = fixed_or_absent(alert->rule->threshold);
	record.actual = fixed_or_absent(alert->value);
	record.ts = (alert->ts + EPOCH_US) * 1000;
	record.alert_type = alert->rule->type;
	record.severity = alert->rule->severity;
	memcpy(record.rule_name, o->m->names[alert->position], RK_MON_NAME_MAX);
	rk_mon_describe(alert, record.message);
	rk_publish(o->reply, 302, &record, sizeof(record));
	said = rk_alert_of("compliance/transaction-monitoring", RK_ALERT_TRANSACTION, &record.entity, score, record.ts);
	said.severity = alert->rule->severity > 1 ? alert->rule->severity : 1;
	if (o->tally.related != o->tally.entity)
		said.related_entity = rk_keys_of_value(&o->m->keys, o->tally.related);
	_Static_assert(sizeof(said.context) == sizeof(record.rule_name), "the name of a rule fits");
	memcpy(said.context, record.rule_name, sizeof(said.context));
	rk_publish(o->reply, RK_ALERT_BROADCAST, &said, sizeof(said));
}

static int64_t
floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* What a transaction is to the state machine: ids and words as numbers. */
static rk_status
translate(rk_ctx *ctx, monitor *m, const rk_monitor_request *q, rk_monitor_transaction *t)
{
	rk_mon_event *e = &t->event;
	rk_status	status;

	if (q->amount < 0)
	{
		rk_fail(ctx, RK_ERR_DATA, "amount must not be negative");
		rk_fail_hint(ctx, "Swap source and target.");
		return RK_ERR_DATA;
	}
	memset(t, 0, sizeof(*t));
	e->ts = floor_divide(q->ts, 1000) - EPOCH_US;
	e->amount = q->amount;
	e->transaction = (int64_t) rk_id_hash(&q->transaction_id);
	e->day = q->day == RK_FIELD_ABSENT_INT4 ? (int32_t) floor_divide(e->ts, DAY_US) : q->day - EPOCH_DAYS;
	if ((status = rk_monitor_word(m, q->transaction_type, sizeof(q->transaction_type), &e->transaction_type)) != RK_OK ||
		(status = rk_monitor_word(m, q->currency, sizeof(q->currency), &e->currency)) != RK_OK ||
		(status = rk_monitor_word(m, q->source_country, sizeof(q->source_country), &e->source_country)) != RK_OK ||
		(status = rk_monitor_word(m, q->target_country, sizeof(q->target_country), &e->target_country)) != RK_OK ||
		(status = rk_keys_value(ctx, &m->keys, "source", &q->source, true, &t->source)) != RK_OK)
		return status;
	return rk_keys_value(ctx, &m->keys, "target", &q->target, true, &t->target);
}

static rk_status
do_monitor(rk_ctx *ctx, monitor *m, const rk_message *message, rk_reply *reply)
{
	const rk_monitor_request *q = message->payload;
	rk_monitor_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	outcome		o = {.m = m, .reply = reply, .q = q};
	rk_mon_sink sink = {send_alert, &o, RK_MON_NEVER};
	rk_monitor_transaction t;
	uint32_t	source;
	uint32_t	target;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	/* whatever may fail comes first */
	if ((status = translate(ctx, m, q, &t)) != RK_OK ||
		(status = rk_monitor_want(ctx, m, t.source, &source)) != RK_OK ||
		(status = rk_monitor_want(ctx, m, t.target, &target)) != RK_OK ||
		(status = rk_monitor_event_room(ctx, m, source)) != RK_OK ||
		(status = rk_monitor_event_room(ctx, m, target)) != RK_OK ||
		(status = rk_monitor_pool_room(ctx, m)) != RK_OK)
		return status;
	rk_monitor_transact(m, source, target, &t, message->sent_ns, &sink, r);
	return RK_OK;
}

static bool
same_list(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, sizeof(*a) * a_count) == 0);
}

/* Whether two rules are the same, apart from what is made of them. */
static bool
same_rule(const rk_mon_rule *a, const rk_mon_rule *b)
{
	return a->type == b->type && a->severity == b->severity && a->side == b->side &&
		a->comparison == b->comparison && a->enabled == b->enabled && a->threshold == b->threshold &&
		a->time_window == b->time_window && a->cooldown == b->cooldown && a->currency == b->currency &&
		same_list(a->transaction_types, a->type_count, b->transaction_types, b->type_count) &&
		same_list(a->countries, a->country_count, b->countries, b->country_count);
}

/* Codes of a list of words, each ended by a zero. */
static rk_status
words_of(rk_ctx *ctx, monitor *m, const char *list, size_t size, const uint32_t **codes, uint32_t *count)
{
	uint32_t   *c = rk_alloc(ctx, (int64_t) size / 2 + 1, sizeof(*c));
	rk_status	status;

	if (c == NULL)
		return RK_ERR_MEMORY;
	*count = 0;
	for (size_t at = 0; at < size && list[at]; at += strnlen(list + at, size - at) + 1)
	{
		status = rk_monitor_word(m, list + at, size - at, &c[*count]);
		if (status != RK_OK)
			return status;
		(*count)++;
	}
	*codes = *count > 0 ? c : NULL;
	return RK_OK;
}

/*
 * Puts other rules in the place of those of m.  What a rule that stays the same
 * knows remains; others begin with the events that are there.
 */
static rk_status
change_rules(rk_ctx *ctx, monitor *m, const rk_mon_rules *rules, char (*names)[RK_MON_NAME_MAX])
{
	monitor		next = *m;
	int64_t		events = 0;
	rk_status	status;

	/* what is too old for the rules so far stays too old */
	for (uint32_t i = 0; i < m->entity_count; i++)
	{
		rk_monitor_let_go(m, i);
		events += m->entities[i].count;
		if (i % 4096 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	next.rules = *rules;
	next.names = names;
	next.states = rk_alloc0(ctx, (int64_t) next.entity_capacity * rules->count, sizeof(*next.states));
	if (next.states == NULL)
		return RK_ERR_MEMORY;
	next.pool = (pool) {.free = RK_MON_NONE};
	if (rules->counters > 0 && (status = rk_pool_create(ctx, &next.pool, rules->counters, events + 2)) != RK_OK)
	{
		rk_free(ctx, next.states);
		return status;
	}
	for (uint32_t i = 0; i < m->entity_count; i++)
	{
		rk_mon_state *old = m->states + (size_t) i * m->rules.count;
		rk_mon_entity v = rk_monitor_view(&next, i);
		int64_t		count = v.count;
		int64_t		newest = v.newest;

		rk_mon_clear(rules, &v);
		v.count = count;
		v.newest = newest;
		if (rules->counters > 0)
			for (int64_t j = 0; j < count; j++)
				if (needs_counterparty(&v.events[j]))
					v.events[j].counterparty = rk_pool_take(&next.pool, rules->counters, i, v.events[j].other);
		for (uint32_t k = 0; k < rules->count; k++)
		{
			for (uint32_t o = 0; o < m->rules.count; o++)
				if (m->rules.rules[o].id == rules->rules[k].id && same_rule(&m->rules.rules[o], &rules->rules[k]))
					v.states[k] = old[o];
			rk_mon_rebuild(rules, &v, k);
		}
	}
	rk_free(ctx, m->states);
	rk_free(ctx, m->rules.rules);
	rk_free(ctx, m->names);
	rk_pool_destroy_places(ctx, &m->pool);
	*m = next;
	return RK_OK;
}

static rk_status
do_load_rule(rk_ctx *ctx, monitor *m, const rk_rule_request *q, rk_reply *reply)
{
	rk_rule_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	at = 0;
	rk_mon_rules rules = {.count = m->rules.count};
	char		(*names)[RK_MON_NAME_MAX];
	rk_mon_rule rule = {
		.id = q->id, .type = q->rule_type, .severity = q->severity, .side = q->side, .comparison = q->comparison,
		.enabled = q->enabled, .threshold = q->threshold, .time_window = q->time_window, .cooldown = q->cooldown
	};
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_monitor_word(m, q->currency, sizeof(q->currency), &rule.currency)) != RK_OK ||
		(status = words_of(ctx, m, q->transaction_types, sizeof(q->transaction_types), &rule.transaction_types,
						   &rule.type_count)) != RK_OK ||
		(status = words_of(ctx, m, q->countries, sizeof(q->countries), &rule.countries,
						   &rule.country_count)) != RK_OK)
		return status;
	while (at < rules.count && m->rules.rules[at].id < q->id)
		at++;
	if (at == rules.count || m->rules.rules[at].id != q->id)
		rules.count++;
	rules.rules = rk_alloc(ctx, rules.count, sizeof(*rules.rules));
	names = rk_alloc0(ctx, rules.count, sizeof(*names));
	if (!rules.rules || !names)
		return RK_ERR_MEMORY;
	for (uint32_t k = 0; k < m->rules.count; k++)
	{
		uint32_t	to = k < at ? k : k + rules.count - m->rules.count;

		rules.rules[to] = m->rules.rules[k];
		memcpy(names[to], m->names[k], RK_MON_NAME_MAX);
	}
	rules.rules[at] = rule;
	memcpy(names[at], q->rule_name, RK_MON_NAME_MAX);
	status = rk_mon_prepare(ctx, &rules);
	if (status == RK_OK)
		status = change_rules(ctx, m, &rules, names);
	r->rule_count = rules.count;
	return status;
}

static rk_status
do_totals(rk_ctx *ctx, monitor *m, const rk_totals_request *q, rk_reply *reply)
{
	int64_t		id;
	uint32_t	i;
	rk_totals_row *rows;
	rk_mon_entity v;
	rk_status	status = rk_keys_value(ctx, &m->keys, "entity", &q->entity, false, &id);

	if (status != RK_OK)
		return status;
	i = rk_monitor_find(m, id);
	if (i == RK_MON_NONE || m->entities[i].newest == RK_MON_NEVER)
		return RK_OK;
	rows = rk_reply_reserve(ctx, reply, (uint32_t) (sizeof(*rows) * m->rules.count));
	if (rows == NULL)
		return ctx->error.status;
	v = rk_monitor_view(m, i);
	for (uint32_t k = 0; k < m->rules.count; k++)
		rows[k] = (rk_totals_row) {
			m->rules.rules[k].id, fixed_or_absent(rk_mon_value(&m->rules, &v, k)),
			fixed_or_absent(m->rules.rules[k].threshold)
		};
	return RK_OK;
}

static rk_status
do_freeze(rk_ctx *ctx, monitor *m, const rk_message *message, rk_reply *reply)
{
	const rk_freeze_request *q = message->payload;
	rk_freeze_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		span;
	int64_t		id;
	uint32_t	i;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->duration != RK_FIELD_ABSENT_INT8 && q->duration < 0)
		return rk_fail(ctx, RK_ERR_DATA, "duration must not be negative");
	if ((status = rk_keys_value(ctx, &m->keys, "entity", &q->entity, true, &id)) != RK_OK)
		return status;
	status = rk_monitor_want(ctx, m, id, &i);
	if (status != RK_OK)
		return status;
	if (q->duration == 0)
		m->entities[i].frozen_until = RK_MON_NEVER;
	else if (q->duration == RK_FIELD_ABSENT_INT8 || __builtin_mul_overflow(q->duration, 1000, &span) ||
			 __builtin_add_overflow(message->sent_ns, span, &m->entities[i].frozen_until))
		m->entities[i].frozen_until = INT64_MAX;
	r->frozen = q->duration != 0;
	r->blocked_count = m->entities[i].blocked;
	return RK_OK;
}

static rk_status
monitor_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 300:
			return do_monitor(ctx, state, message, reply);
		case 303:
			return do_load_rule(ctx, state, message->payload, reply);
		case 305:
			return do_totals(ctx, state, message->payload, reply);
		case 358:
			return do_freeze(ctx, state, message, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "compliance/transaction-monitoring has no message %u", message->type_id);
}

/* ---- on a device ---- */

#define SPARE_EVENTS 1024		/* beside as many as there are */

static rk_status
monitor_room(rk_ctx *ctx, void *state)
{
	return rk_monitor_room(ctx, state);
}

/* Events an entity has room for there; some more than it has. */
static int64_t
room_there(const entity *e)
{
	return e->count + e->count / 2 + 2;
}

static size_t
monitor_pack(const void *state, char *image, uint64_t base)
{
	rk_image	i = {.data = image,.base = base};
	monitor		m = *(const monitor *) state;
	pool	   *p = &m.pool;
	size_t		n = m.entity_capacity;
	size_t		rules = m.rules.count;
	const entity *from = m.entities;
	const rk_mon_rule *rule = m.rules.rules;
	int64_t		events = 0;
	uint64_t	at;

	rk_image_put(&i, NULL, 0, sizeof(m));
	m.keys.dictionary = NULL;
	m.words = NULL;
	m.names = NULL;
	at = i.size;
	m.rules.rules = rk_image_put(&i, rule, rules * sizeof(*rule), rules * sizeof(*rule));
	at = (at + 63) / 64 * 64;
	for (size_t k = 0; k < rules; k++)
	{
		rk_mon_rule copy = rule[k];

		copy.transaction_types = !copy.transaction_types ? NULL :
			rk_image_put(&i, copy.transaction_types, copy.type_count * sizeof(uint32_t), copy.type_count * sizeof(uint32_t));
		copy.countries = !copy.countries ? NULL :
			rk_image_put(&i, copy.countries, copy.country_count * sizeof(uint32_t), copy.country_count * sizeof(uint32_t));
		if (image)
			memcpy(image + at + k * sizeof(copy), &copy, sizeof(copy));
	}
	at = (i.size + 63) / 64 * 64;
	m.entities = rk_image_put(&i, from, m.entity_count * sizeof(*from), n * sizeof(*from));
	m.slots = rk_image_put(&i, m.slots, ((size_t) m.mask + 1) * sizeof(uint32_t), ((size_t) m.mask + 1) * sizeof(uint32_t));
	m.states = rk_image_put(&i, m.states, m.entity_count * rules * sizeof(*m.states), n * rules * sizeof(*m.states));
	p->entity = rk_image_put(&i, p->entity, p->used * sizeof(*p->entity), p->capacity * sizeof(*p->entity));
	p->other = rk_image_put(&i, p->other, p->used * sizeof(*p->other), p->capacity * sizeof(*p->other));
	p->uses = rk_image_put(&i, p->uses, p->used * sizeof(*p->uses), p->capacity * sizeof(*p->uses));
	p->slots = rk_image_put(&i, p->slots, p->capacity ? ((size_t) p->mask + 1) * sizeof(uint32_t) : 0,
							p->capacity ? ((size_t) p->mask + 1) * sizeof(uint32_t) : 0);
	p->counters = rk_image_put(&i, p->counters, (size_t) m.rules.counters * p->capacity * sizeof(*p->counters),
							   (size_t) m.rules.counters * p->capacity * sizeof(*p->counters));
	for (uint32_t k = 0; k < m.entity_count; k++)
	{
		entity		copy = from[k];

		copy.capacity = room_there(&copy);
		copy.events = rk_image_put(&i, copy.events, copy.count * sizeof(rk_mon_event), copy.capacity * sizeof(rk_mon_event));
		events += copy.count;
		if (image)
			memcpy(image + at + k * sizeof(copy), &copy, sizeof(copy));
	}
	m.spare_count = events + SPARE_EVENTS;
	m.spare = rk_image_put(&i, NULL, 0, m.spare_count * sizeof(rk_mon_event));
	if (image)
		memcpy(image, &m, sizeof(m));
	return i.size;
}

static rk_status
monitor_unpack(rk_ctx *ctx, void *state, const char *image, uint64_t base)
{
	monitor    *m = state;
	monitor		from;
	pool	   *p = &m->pool;
	const entity *entities;

	memcpy(&from, image, sizeof(from));
	if (from.entity_capacity != m->entity_capacity || from.entity_count > m->entity_capacity || from.mask != m->mask ||
		from.pool.capacity != p->capacity || from.pool.used > p->capacity || from.rules.count != m->rules.count)
		return rk_fail(ctx, RK_ERR_CORRUPT, "the state that a device has sent is not that of the ring");
	entities = rk_image_at(image, base, from.entities);
	for (uint32_t i = 0; i < from.entity_count; i++)
	{
		entity		e = entities[i];

		e.events = i < m->entity_count ? m->entities[i].events : NULL;
		e.capacity = i < m->entity_count ? m->entities[i].capacity : 0;
		if (e.count > e.capacity)
		{
			rk_mon_event *larger = rk_realloc(ctx, e.events, e.count, sizeof(*larger));

			if (larger == NULL)
				return RK_ERR_MEMORY;
			e.events = larger;
			e.capacity = e.count;
		}
		if (e.count > 0)
			memcpy(e.events, rk_image_at(image, base, entities[i].events), e.count * sizeof(*e.events));
		m->entities[i] = e;
		if (i == m->entity_count)
			m->entity_count++;
	}
	memcpy(m->slots, rk_image_at(image, base, from.slots), ((size_t) m->mask + 1) * sizeof(uint32_t));
	if (m->rules.count > 0)
		memcpy(m->states, rk_image_at(image, base, from.states),
			   (size_t) from.entity_count * m->rules.count * sizeof(*m->states));
	if (p->capacity > 0)
	{
		memcpy(p->entity, rk_image_at(image, base, from.pool.entity), from.pool.used * sizeof(*p->entity));
		memcpy(p->other, rk_image_at(image, base, from.pool.other), from.pool.used * sizeof(*p->other));
		memcpy(p->uses, rk_image_at(image, base, from.pool.uses), from.pool.used * sizeof(*p->uses));
		memcpy(p->slots, rk_image_at(image, base, from.pool.slots), ((size_t) p->mask + 1) * sizeof(uint32_t));
		memcpy(p->counters, rk_image_at(image, base, from.pool.counters),
			   (size_t) m->rules.counters * p->capacity * sizeof(*p->counters));
	}
	p->used = from.pool.used;
	p->free = from.pool.free;
	p->filled = from.pool.filled;
	return RK_OK;
}

/* Ids and words are looked up here; a device knows their numbers. */
static rk_status
monitor_prepare(rk_ctx *ctx, void *state, const rk_message *message, void *payload, uint32_t *length)
{
	rk_monitor_transaction t;
	rk_status	status = translate(ctx, state, message->payload, &t);

	memcpy(payload, &t, sizeof(t));
	*length = sizeof(t);
	return status;
}

static const rk_actor_device monitor_device = {
	.kind = RK_RING_MONITORING,
	.types = {300},
	.room = monitor_room,
	.pack = monitor_pack,
	.unpack = monitor_unpack,
	.prepare = monitor_prepare
};

static const rk_param monitor_options[] = {
	{.name = "rules",.type = RK_TYPE_RELATION,.initial = "'rk.compliance_default_rules'",
	.meaning = "rules to begin with, as the batch function takes them"},
	RK_ID_TYPE_OPTION,
	{0}
};

static const rk_actor_load monitor_loads[] = {{"rules", 303}, {0}};

const rk_actor rk_actor_compliance_transaction_monitoring = {
	.kernel = "compliance/transaction-monitoring",
	.version = 2,
	.description = "alerts of every transaction as it happens, by rules",
	.messages = rk_compliance_monitoring_messages,
	.says = rk_alert_broadcast_said,
	.options = monitor_options,
	.loads = monitor_loads,
	.init = rk_monitor_init,
	.handle = monitor_handle,
	.snapshot = rk_monitor_snapshot,
	.restore = rk_monitor_restore,
	.checksum = rk_monitor_checksum,
	.device = &monitor_device
};

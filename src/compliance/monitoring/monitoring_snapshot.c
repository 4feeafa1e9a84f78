/*
 * monitoring_snapshot.c
 *	  Snapshots and checksums of a ring that monitors.
 */
#include "monitoring_state.h"

#include "../../compute/random.h"

#define WRITE(what) \
	do { \
		rk_status	write_status = rk_write(ctx, writer, &(what), sizeof(what)); \
		if (write_status != RK_OK) \
			return write_status; \
	} while (0)

/* A rule in a snapshot; its lists of words follow. */
typedef struct stored_rule
{
	int64_t		id;
	int64_t		threshold;
	int64_t		time_window;
	int64_t		cooldown;
	int32_t		type;
	int32_t		severity;
	int32_t		side;
	int32_t		comparison;
	uint32_t	currency;
	uint32_t	type_count;
	uint32_t	country_count;
	uint32_t	enabled;
	char		name[RK_MON_NAME_MAX];
} stored_rule;

typedef struct stored_entity
{
	int64_t		id;
	int64_t		newest;
	int64_t		frozen_until;
	int64_t		blocked;
	int64_t		count;
} stored_entity;

/* What cannot be found from the events. */
typedef struct stored_state
{
	rk_decimal	sum;
	rk_decimal	deposits;
	int64_t		last_alert;
	int32_t		day;
	uint32_t	active;			/* bits: the condition, that of deposits */
} stored_state;

static stored_state
state_to_store(const rk_mon_rule *r, const rk_mon_state *s)
{
	bool		cash = r->type == RK_MON_CASH_AGGREGATE;

	return (stored_state) {
		cash ? s->sum : 0, cash ? s->deposits : 0, s->last_alert, s->day,
		(uint32_t) s->active | (uint32_t) s->active_deposits << 1
	};
}

rk_status
rk_monitor_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	monitor    *m = state;
	uint32_t	n = (uint32_t) rk_dictionary_count(m->words);
	rk_status	status = rk_keys_write(ctx, &m->keys, writer);

	if (status != RK_OK)
		return status;
	WRITE(n);
	for (uint32_t i = 0; i < n; i++)
	{
		char		buffer[16];
		rk_bytes	key = rk_dictionary_key(m->words, i, buffer);

		WRITE(key.length);
		status = rk_write(ctx, writer, key.data, key.length);
		if (status != RK_OK)
			return status;
	}
	WRITE(m->rules.count);
	for (uint32_t k = 0; k < m->rules.count; k++)
	{
		const rk_mon_rule *r = &m->rules.rules[k];
		stored_rule out = {
			r->id, (int64_t) r->threshold, r->time_window, r->cooldown, r->type, r->severity, r->side, r->comparison,
			r->currency, r->type_count, r->country_count, r->enabled
		};

		memcpy(out.name, m->names[k], RK_MON_NAME_MAX);
		WRITE(out);
		for (uint32_t i = 0; i < r->type_count; i++)
			WRITE(r->transaction_types[i]);
		for (uint32_t i = 0; i < r->country_count; i++)
			WRITE(r->countries[i]);
	}
	WRITE(m->entity_count);
	for (uint32_t i = 0; i < m->entity_count; i++)
	{
		entity	   *e = &m->entities[i];
		stored_entity out;

		rk_monitor_let_go(m, i);
		out = (stored_entity) {e->id, e->newest, e->frozen_until, e->blocked, e->count};
		WRITE(out);
		for (uint32_t k = 0; k < m->rules.count; k++)
		{
			stored_state s = state_to_store(&m->rules.rules[k], &m->states[(size_t) i * m->rules.count + k]);

			WRITE(s);
		}
		for (int64_t j = 0; j < e->count; j++)
		{
			rk_mon_event event = e->events[j];

			event.counterparty = 0;
			WRITE(event);
		}
	}
	return RK_OK;
}

#define READ(what) \
	do { \
		rk_status	read_status = rk_read_bytes(ctx, reader, &(what), sizeof(what)); \
		if (read_status != RK_OK) \
			return read_status; \
	} while (0)

static rk_status
corrupt(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of transaction monitoring");
}

static rk_status
read_words(rk_ctx *ctx, monitor *m, rk_reader *reader)
{
	uint32_t	n = 0;

	READ(n);
	for (uint32_t i = 0; i < n; i++)
	{
		rk_bytes	key;
		uint32_t	code;
		rk_status	status;

		READ(key.length);
		if (key.length > reader->left)
			return corrupt(ctx);
		key.data = reader->data;
		reader->data += key.length;
		reader->left -= key.length;
		status = rk_dictionary_add(m->words, &key, 1, &code);
		if (status != RK_OK)
			return status;
		if (code != i)
			return corrupt(ctx);
	}
	return RK_OK;
}

/* A list of words of a rule. */
static rk_status
read_list(rk_ctx *ctx, const monitor *m, rk_reader *reader, uint32_t count, const uint32_t **list)
{
	uint32_t   *codes;

	if (count > reader->left / sizeof(*codes))
		return corrupt(ctx);
	codes = rk_alloc(ctx, count, sizeof(*codes));
	if (codes == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t i = 0; i < count; i++)
	{
		READ(codes[i]);
		if (codes[i] >= rk_dictionary_count(m->words))
			return corrupt(ctx);
	}
	*list = count > 0 ? codes : NULL;
	return RK_OK;
}

static rk_status
read_rules(rk_ctx *ctx, monitor *m, rk_reader *reader)
{
	READ(m->rules.count);
	if (m->rules.count > reader->left / sizeof(stored_rule))
		return corrupt(ctx);
	m->rules.rules = rk_alloc0(ctx, m->rules.count, sizeof(*m->rules.rules));
	m->names = rk_alloc0(ctx, m->rules.count, sizeof(*m->names));
	if (!m->rules.rules || !m->names)
		return RK_ERR_MEMORY;
	for (uint32_t k = 0; k < m->rules.count; k++)
	{
		rk_mon_rule *r = &m->rules.rules[k];
		stored_rule in;
		rk_status	status;

		READ(in);
		if (in.type < 0 || in.type > RK_MON_CASH_AGGREGATE || in.severity < 0 || in.severity > RK_MON_EMERGENCY ||
			in.side < 0 || in.side > RK_MON_BOTH || in.comparison < 0 || in.comparison > RK_MON_ABOVE)
			return corrupt(ctx);
		*r = (rk_mon_rule) {
			.id = in.id, .type = in.type, .severity = in.severity, .side = in.side, .comparison = in.comparison,
			.enabled = in.enabled, .threshold = in.threshold, .time_window = in.time_window, .cooldown = in.cooldown,
			.currency = in.currency, .type_count = in.type_count, .country_count = in.country_count
		};
		memcpy(m->names[k], in.name, RK_MON_NAME_MAX);
		if ((status = read_list(ctx, m, reader, in.type_count, &r->transaction_types)) != RK_OK ||
			(status = read_list(ctx, m, reader, in.country_count, &r->countries)) != RK_OK)
			return status;
	}
	return rk_mon_prepare(ctx, &m->rules) == RK_OK ? RK_OK : corrupt(ctx);
}

static rk_status
read_entity(rk_ctx *ctx, monitor *m, rk_reader *reader)
{
	stored_entity in;
	uint32_t	i;
	entity	   *e;
	rk_status	status;

	READ(in);
	if (m->keys.type != RK_IDS_BIGINT && (in.id < 0 || in.id >= rk_keys_count(&m->keys)))
		return corrupt(ctx);
	if (in.count < 0 || (uint64_t) in.count > reader->left / sizeof(rk_mon_event) || rk_monitor_find(m, in.id) != RK_MON_NONE)
		return corrupt(ctx);
	status = rk_monitor_want(ctx, m, in.id, &i);
	if (status != RK_OK)
		return status;
	e = &m->entities[i];
	e->newest = in.newest;
	e->frozen_until = in.frozen_until;
	e->blocked = in.blocked;
	e->events = rk_alloc(ctx, in.count, sizeof(*e->events));
	if (e->events == NULL)
		return RK_ERR_MEMORY;
	e->capacity = in.count;
	for (uint32_t k = 0; k < m->rules.count; k++)
	{
		rk_mon_state *s = &m->states[(size_t) i * m->rules.count + k];
		stored_state stored;

		READ(stored);
		s->sum = stored.sum;
		s->deposits = stored.deposits;
		s->last_alert = stored.last_alert;
		s->day = stored.day;
		s->active = stored.active & 1;
		s->active_deposits = stored.active >> 1 & 1;
	}
	for (; e->count < in.count; e->count++)
	{
		int64_t		other;

		READ(e->events[e->count]);
		other = e->events[e->count].other;
		if (m->keys.type != RK_IDS_BIGINT && (other < 0 || other >= rk_keys_count(&m->keys)))
			return corrupt(ctx);
		if (e->count > 0 && e->events[e->count].ts < e->events[e->count - 1].ts)
			return corrupt(ctx);
	}
	return RK_OK;
}

rk_status
rk_monitor_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = rk_monitor_init(ctx, options, state);
	monitor    *m = *state;
	uint32_t	count = 0;
	int64_t		events = 0;

	(void) version;
	if (status != RK_OK || (status = rk_keys_read(ctx, &m->keys, reader)) != RK_OK ||
		(status = read_words(ctx, m, reader)) != RK_OK ||
		(status = read_rules(ctx, m, reader)) != RK_OK)
		return status;
	READ(count);
	for (uint32_t i = 0; i < count; i++)
	{
		status = read_entity(ctx, m, reader);
		if (status != RK_OK)
			return status;
		events += m->entities[i].count;
	}
	if (m->rules.counters > 0 && (status = rk_pool_create(ctx, &m->pool, m->rules.counters, events + 2)) != RK_OK)
		return status;
	for (uint32_t i = 0; i < count; i++)
	{
		rk_mon_entity v = rk_monitor_view(m, i);

		if (m->rules.counters > 0)
			for (int64_t j = 0; j < v.count; j++)
				if (needs_counterparty(&v.events[j]))
					v.events[j].counterparty = rk_pool_take(&m->pool, m->rules.counters, i, v.events[j].other);
		for (uint32_t k = 0; k < m->rules.count; k++)
			rk_mon_rebuild(&m->rules, &v, k);
	}
	return RK_OK;
}

/* A number for a word that does not depend on its code. */
static uint64_t
word_hash(const monitor *m, uint32_t code)
{
	char		buffer[16];
	rk_bytes	key = rk_dictionary_key(m->words, code, buffer);
	uint64_t	h = rk_hash1(key.length);

	for (uint32_t i = 0; i < key.length; i++)
		h = rk_hash_fold(h, (unsigned char) key.data[i]);
	return h;
}

static uint64_t
decimal_hash(rk_decimal value)
{
	return rk_hash2((uint64_t) (unsigned __int128) value, (uint64_t) ((unsigned __int128) value >> 64));
}

uint64_t
rk_monitor_checksum(rk_ctx *ctx, void *state)
{
	monitor    *m = state;
	uint64_t	all = rk_hash1(m->rules.count);

	(void) ctx;
	for (uint32_t k = 0; k < m->rules.count; k++)
	{
		const rk_mon_rule *r = &m->rules.rules[k];

		all = rk_hash_fold(all, (uint64_t) r->id);
		all = rk_hash_fold(all, decimal_hash(r->threshold));
		all = rk_hash_fold(all, (uint64_t) r->time_window);
		all = rk_hash_fold(all, (uint64_t) r->cooldown);
		all = rk_hash_fold(all, (uint64_t) (((r->type * 8 + r->severity) * 4 + r->side) * 2 + r->comparison) * 2 + r->enabled);
		all = rk_hash_fold(all, word_hash(m, r->currency));
		for (uint32_t i = 0; i < r->type_count; i++)
			all = rk_hash_fold(all, word_hash(m, r->transaction_types[i]));
		for (uint32_t i = 0; i < r->country_count; i++)
			all = rk_hash_fold(all, word_hash(m, r->countries[i]) + 1);
	}
	for (uint32_t i = 0; i < m->entity_count; i++)
	{
		entity	   *e = &m->entities[i];
		uint64_t	h = rk_hash2(rk_keys_value_hash(&m->keys, e->id), (uint64_t) e->newest);

		/* made by a message that failed */
		if (e->newest == RK_MON_NEVER && e->frozen_until == RK_MON_NEVER)
			continue;
		rk_monitor_let_go(m, i);
		h = rk_hash_fold(h, (uint64_t) e->frozen_until);
		h = rk_hash_fold(h, (uint64_t) e->blocked);
		for (uint32_t k = 0; k < m->rules.count; k++)
		{
			stored_state s = state_to_store(&m->rules.rules[k], &m->states[(size_t) i * m->rules.count + k]);

			h = rk_hash_fold(h, decimal_hash(s.sum) ^ decimal_hash(s.deposits));
			h = rk_hash_fold(h, (uint64_t) s.last_alert);
			h = rk_hash_fold(h, (uint64_t) (uint32_t) s.day << 32 | s.active);
		}
		for (int64_t j = 0; j < e->count; j++)
		{
			const rk_mon_event *v = &e->events[j];

			h = rk_hash_fold(h, (uint64_t) v->ts);
			h = rk_hash_fold(h, decimal_hash(v->amount));
			h = rk_hash_fold(h, (uint64_t) v->transaction);
			h = rk_hash_fold(h, rk_keys_value_hash(&m->keys, v->other));
			h = rk_hash_fold(h, (uint64_t) (uint32_t) v->day << 32 | v->role);
			h = rk_hash_fold(h, word_hash(m, v->transaction_type) + word_hash(m, v->currency) * 3);
			h = rk_hash_fold(h, word_hash(m, v->source_country) + word_hash(m, v->target_country) * 3);
		}
		all += h;
	}
	return all;
}

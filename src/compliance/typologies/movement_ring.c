/*
 * movement_ring.c
 *	  compliance/rapid-movement as an actor: how fast money moves through the
 *	  two entities of every payment.
 *
 * Of an entity it says what the batch function says about all its transactions
 * so far.  The busiest window that begins at a transaction is the busiest one
 * that ends at a transaction, and the latter is known when the transaction
 * comes: a payment in order costs amortised O(1).
 *
 * Transactions may come late by allowed_lateness: each entity keeps those that
 * are younger than that, and two accounts.  The settled one has only what
 * nothing late can change any more, the current one everything.  A late
 * transaction takes its place, and the current account is made again from the
 * settled one.
 */
#include "typologies_ring.h"

#include <math.h>

#include "../../compute/random.h"
#include "../payload.h"

#define KERNEL "compliance/rapid-movement"
#define HOUR 3.6e9
#define FIRST_ENTITIES 64
#define FIRST_EVENTS 4

/* What an event is to its entity. */
#define PAYS 1
#define IS_PAID 2

/* The two accounts. */
enum
{
	SETTLED,
	CURRENT
};

/* A transaction of an entity, while it may still matter. */
typedef struct event
{
	int64_t		ts;				/* us since 1970 */
	int64_t		amount;
	int64_t		left[2];		/* of incoming money, by account: not passed on yet */
	int32_t		roles;
} event;

/* What is known after some of the events. */
typedef struct account
{
	int64_t		most;			/* transactions in the busiest window */
	int64_t		window_amount;	/* of it, fixed-point, saturated */
	rk_decimal	window_sum;		/* of the window that ends with the last event */
	rk_decimal	rapid;			/* largest amount of a window that is fast enough */
	rk_decimal	in;
	rk_decimal	matched;
	int32_t		window;			/* its first event */
	int32_t		head;			/* the first event that may have something left */
	bool		velocity_flag;
} account;

typedef struct entity
{
	account		accounts[2];
	int64_t		transactions;
	int64_t		newest;
	event	   *events;
	int32_t		count;
	int32_t		capacity;
	int32_t		settled;		/* events in the settled account */
	bool		flagged;
} entity;

typedef struct movement
{
	rk_keys		ids;
	rk_movement_params params;
	int64_t		lateness;
	int64_t		enough;			/* transactions of a window that is fast enough */
	entity	   *entities;		/* by number of the id */
	uint32_t	capacity;
} movement;

/* ---- accounts ---- */

/* Takes event number i into an account that has those before. */
static void
settle(const movement *s, entity *e, int32_t i, int k)
{
	account    *a = &e->accounts[k];
	event	   *f = &e->events[i];

	/* the window that ends here; of as many in two windows the first one counts */
	while (a->window < i && f->ts >= rk_window_over(e->events[a->window].ts, s->params.time_window))
		a->window_sum -= e->events[a->window++].amount;
	a->window_sum += f->amount;
	if (i - a->window + 1 > a->most)
	{
		a->most = i - a->window + 1;
		a->window_amount = rk_fixed_or_absent(a->window_sum);
	}
	if (i - a->window + 1 >= s->enough && a->window_sum >= s->params.amount_threshold)
	{
		a->velocity_flag = true;
		a->rapid = a->window_sum > a->rapid ? a->window_sum : a->rapid;
	}

	/* what one pays oneself passes nothing through */
	if (f->roles & IS_PAID)
		a->in += f->amount;
	f->left[k] = f->roles == IS_PAID ? f->amount : 0;
	if (f->roles == PAYS)
	{
		int64_t		wanted = f->amount;

		while (wanted > 0 && a->head < i)
		{
			event	   *g = &e->events[a->head];
			int64_t		part;

			if (f->ts >= rk_window_over(g->ts, s->params.max_dwell))
				g->left[k] = 0;
			part = g->left[k] < wanted ? g->left[k] : wanted;
			g->left[k] -= part;
			wanted -= part;
			a->matched += part;
			a->head += g->left[k] == 0;
		}
	}
}

/* The moment before which nothing can come any more. */
static int64_t
settled_before(const movement *s, const entity *e)
{
	return rk_moved(e->newest, -s->lateness);
}

/* Settles what nothing late can change, and forgets what no window and no money needs. */
static void
let_go(const movement *s, entity *e)
{
	int64_t		before = settled_before(s, e);
	int32_t		gone = 0;

	for (; e->settled < e->count && e->events[e->settled].ts < before; e->settled++)
		settle(s, e, e->settled, SETTLED);
	while (gone < e->settled &&
		   before >= rk_window_over(e->events[gone].ts, s->params.time_window) &&
		   (e->events[gone].left[SETTLED] == 0 || before >= rk_window_over(e->events[gone].ts, s->params.max_dwell)))
		gone++;
	if (gone == 0)
		return;
	for (int k = SETTLED; k <= CURRENT; k++)
	{
		account    *a = &e->accounts[k];

		/* the window of the last event may still begin with what is gone */
		for (; a->window < gone; a->window++)
			a->window_sum -= e->events[a->window].amount;
		a->window -= gone;
		a->head = a->head > gone ? a->head - gone : 0;
	}
	e->count -= gone;
	e->settled -= gone;
	memmove(e->events, e->events + gone, sizeof(event) * e->count);
}

static rk_status
event_room(rk_ctx *ctx, const movement *s, entity *e)
{
	if (e->count < e->capacity)
		return RK_OK;
	/* moved seldom enough: only when a quarter is free then */
	let_go(s, e);
	if (e->count <= e->capacity - e->capacity / 4 - 1)
		return RK_OK;
	return rk_grow_array(ctx, (void **) &e->events, &e->capacity, FIRST_EVENTS, sizeof(event),
						 "transactions of an entity within the time that counts");
}

/* Puts a transaction in its place; there is room. */
static void
take_event(const movement *s, entity *e, int64_t ts, int64_t amount, int32_t roles)
{
	int32_t		at = e->count;

	while (at > e->settled && e->events[at - 1].ts > ts)
		at--;
	memmove(e->events + at + 1, e->events + at, sizeof(event) * (e->count - at));
	e->events[at] = (event) {.ts = ts, .amount = amount, .roles = roles};
	e->transactions++;
	e->newest = ts > e->newest ? ts : e->newest;
	if (at == e->count++)
	{
		settle(s, e, at, CURRENT);
		return;
	}
	for (int32_t i = 0; i < e->settled; i++)
		e->events[i].left[CURRENT] = e->events[i].left[SETTLED];
	e->accounts[CURRENT] = e->accounts[SETTLED];
	for (int32_t i = e->settled; i < e->count; i++)
		settle(s, e, i, CURRENT);
}

/* ---- messages ---- */

static void
fill_row(const movement *s, uint32_t i, rk_movement_row *row)
{
	const entity *e = &s->entities[i];
	const account *a = &e->accounts[CURRENT];

	memset(row, 0, sizeof(*row));
	row->entity = rk_keys_id(&s->ids, i);
	row->velocity = (double) a->most / ((double) s->params.time_window / HOUR);
	row->window_amount = a->window_amount;
	row->rapid_amount = rk_fixed_or_absent(a->rapid);
	row->pass_through = rk_money_ratio(a->matched, a->in);
	row->transaction_count = e->transactions;
	row->velocity_flag = a->velocity_flag;
	row->pass_through_flag = row->pass_through >= s->params.pass_through_threshold &&
		a->matched >= s->params.amount_threshold;
	row->flagged = row->velocity_flag || row->pass_through_flag;
}

/* Entities for all ids, and room for one more event of this one. */
static rk_status
entity_room(rk_ctx *ctx, movement *s, uint32_t i)
{
	if (i >= s->capacity)
	{
		int64_t		capacity = 2 * (int64_t) s->capacity;
		entity	   *entities;

		while (capacity <= i)
			capacity *= 2;
		entities = rk_realloc(ctx, s->entities, capacity, sizeof(*entities));
		if (entities == NULL)
			return RK_ERR_MEMORY;
		memset(entities + s->capacity, 0, sizeof(*entities) * (capacity - s->capacity));
		s->entities = entities;
		s->capacity = (uint32_t) capacity;
	}
	return event_room(ctx, s, &s->entities[i]);
}

static bool
too_late(rk_ctx *ctx, const movement *s, uint32_t i, int64_t ts)
{
	const entity *e = &s->entities[i];

	if (e->transactions == 0 || ts >= settled_before(s, e))
		return false;
	rk_fail(ctx, RK_ERR_DATA, "ts is older than the newest transaction of the entity by more than the option \"allowed_lateness\"");
	rk_fail_hint(ctx, "Send transactions in the order of time, or allow more lateness.");
	return true;
}

static void
observe(movement *s, uint32_t i, int64_t ts, const rk_movement_request *q, int32_t roles, rk_reply *reply,
		rk_movement_row *row)
{
	entity	   *e = &s->entities[i];
	bool		was_flagged = e->flagged;

	if (e->transactions == 0)
		e->newest = ts;
	take_event(s, e, ts, q->amount, roles);
	fill_row(s, i, row);
	e->flagged = row->flagged;
	if (e->flagged && !was_flagged && reply->publish)
	{
		double		fast = 50 * row->velocity / s->params.velocity_threshold;
		double		through = row->pass_through_flag ? 100 * row->pass_through : 0;
		double		score = row->velocity_flag && fast > through ? fast : through;
		rk_movement_row alert = *row;
		rk_alert_broadcast said;

		alert.ts = q->ts;
		rk_publish(reply, 384, &alert, sizeof(alert));
		said = rk_alert_of(KERNEL, RK_ALERT_PATTERN, &row->entity, score < 100 ? score : 100, q->ts);
		strcpy(said.context, row->pass_through_flag ? "money passes through" : "too many transactions in a short time");
		rk_publish(reply, RK_ALERT_BROADCAST, &said, sizeof(said));
	}
}

static rk_status
do_observe(rk_ctx *ctx, movement *s, const rk_movement_request *q, rk_reply *reply)
{
	int64_t		ts = rk_us_of_ns(q->ts);
	uint32_t	source;
	uint32_t	target;
	rk_movement_row *rows;
	rk_status	status;

	if (q->amount < 0)
	{
		rk_fail(ctx, RK_ERR_DATA, "amount must not be negative");
		rk_fail_hint(ctx, "Swap source and target.");
		return RK_ERR_DATA;
	}
	/* whatever may fail comes first */
	if ((status = rk_keys_add(ctx, &s->ids, "source", &q->source, &source)) != RK_OK ||
		(status = rk_keys_add(ctx, &s->ids, "target", &q->target, &target)) != RK_OK)
		return status;
	rows = rk_reply_reserve(ctx, reply, (source == target ? 1 : 2) * sizeof(*rows));
	if (rows == NULL)
		return ctx->error.status;
	if ((status = entity_room(ctx, s, source)) != RK_OK || (status = entity_room(ctx, s, target)) != RK_OK)
		return status;
	if (too_late(ctx, s, source, ts) || too_late(ctx, s, target, ts))
		return RK_ERR_DATA;
	observe(s, source, ts, q, source == target ? PAYS | IS_PAID : PAYS, reply, &rows[0]);
	if (source != target)
		observe(s, target, ts, q, IS_PAID, reply, &rows[1]);
	return RK_OK;
}

static rk_status
do_query(rk_ctx *ctx, movement *s, const rk_movement_query_request *q, rk_reply *reply)
{
	uint32_t	i;
	rk_movement_row *row;
	rk_status	status = rk_keys_find(ctx, &s->ids, "entity", &q->entity, &i);

	if (status != RK_OK)
		return status;
	if (i == RK_NO_ID || i >= s->capacity || s->entities[i].transactions == 0)
		return RK_OK;
	row = rk_reply_reserve(ctx, reply, sizeof(*row));
	if (row == NULL)
		return ctx->error.status;
	fill_row(s, i, row);
	return RK_OK;
}

static rk_status
movement_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 380:
			return do_observe(ctx, state, message->payload, reply);
		case 382:
			return do_query(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, KERNEL " has no message %u", message->type_id);
}

/* ---- its life ---- */

/* The least number of transactions whose velocity, as the batch function computes it, is enough. */
static int64_t
least_count(const rk_movement_params *p)
{
	double		hours = (double) p->time_window / HOUR;
	double		wanted = ceil(p->velocity_threshold * hours);
	int64_t		n;

	if (!(wanted < 1e15))
		return INT64_MAX;
	n = wanted < 3 ? 1 : (int64_t) wanted - 2;
	while ((double) n / hours < p->velocity_threshold)
		n++;
	return n;
}

static rk_status
movement_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	movement   *s = rk_alloc0(ctx, 1, sizeof(*s));
	rk_status	status;

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->params.time_window = rk_option_find(options, "time_window")->integer;
	s->params.velocity_threshold = rk_option_find(options, "velocity_threshold")->number;
	s->params.amount_threshold = rk_option_find(options, "amount_threshold")->integer;
	s->params.max_dwell = rk_option_find(options, "max_dwell")->integer;
	s->params.pass_through_threshold = rk_option_find(options, "pass_through_threshold")->number;
	s->lateness = rk_option_find(options, "allowed_lateness")->integer;
	s->enough = least_count(&s->params);
	s->capacity = FIRST_ENTITIES;
	s->entities = rk_alloc0(ctx, FIRST_ENTITIES, sizeof(*s->entities));
	if (s->entities == NULL)
		return RK_ERR_MEMORY;
	status = rk_keys_init(ctx, options, &s->ids);
	*state = s;
	return status;
}

/* What the accounts were made with. */
typedef struct stored_head
{
	int64_t		time_window;
	double		velocity_threshold;
	rk_decimal	amount_threshold;
	int64_t		max_dwell;
	int64_t		unused;
} stored_head;

typedef struct stored_account
{
	int64_t		most;
	int64_t		window_amount;
	rk_decimal	window_sum;
	rk_decimal	rapid;
	rk_decimal	in;
	rk_decimal	matched;
	int32_t		window;
	int32_t		head;
	int64_t		velocity_flag;
} stored_account;

typedef struct stored_entity
{
	int64_t		transactions;	/* 0: an id of a message that failed; nothing follows */
	int64_t		newest;
	int32_t		count;
	int32_t		settled;
	int64_t		flagged;
} stored_entity;

typedef struct stored_event
{
	int64_t		ts;
	int64_t		amount;
	int64_t		left[2];
	int64_t		roles;
} stored_event;

static rk_status
movement_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	movement   *s = state;
	stored_head head = {
		s->params.time_window, s->params.velocity_threshold, s->params.amount_threshold, s->params.max_dwell, 0
	};
	uint32_t	count = rk_keys_count(&s->ids);
	rk_status	status;

	if ((status = rk_keys_write(ctx, &s->ids, writer)) != RK_OK ||
		(status = rk_write(ctx, writer, &head, sizeof(head))) != RK_OK)
		return status;
	for (uint32_t i = 0; i < count; i++)
	{
		entity		none = {0};
		entity	   *e = i < s->capacity ? &s->entities[i] : &none;
		stored_entity out;

		if (e->transactions > 0)
			let_go(s, e);
		out = (stored_entity) {e->transactions, e->newest, e->count, e->settled, e->flagged};
		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK)
			return status;
		for (int k = 0; k < 2 && e->transactions > 0; k++)
		{
			const account *a = &e->accounts[k];
			stored_account line = {
				a->most, a->window_amount, a->window_sum, a->rapid, a->in, a->matched, a->window, a->head, a->velocity_flag
			};

			if ((status = rk_write(ctx, writer, &line, sizeof(line))) != RK_OK)
				return status;
		}
		for (int32_t j = 0; j < e->count; j++)
		{
			const event *v = &e->events[j];
			stored_event line = {v->ts, v->amount, {j < e->settled ? v->left[SETTLED] : 0, v->left[CURRENT]}, v->roles};

			if ((status = rk_write(ctx, writer, &line, sizeof(line))) != RK_OK)
				return status;
		}
		if (i % 4096 == 4095 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
corrupt(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of " KERNEL);
}

static rk_status
read_entity(rk_ctx *ctx, entity *e, rk_reader *reader)
{
	stored_entity in;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK || in.transactions == 0)
		return status;
	if (in.transactions < 0 || in.count < 0 || in.settled < 0 || in.settled > in.count)
		return corrupt(ctx);
	*e = (entity) {.transactions = in.transactions, .newest = in.newest, .settled = in.settled, .flagged = in.flagged};
	for (int k = 0; k < 2; k++)
	{
		stored_account line;

		if ((status = rk_read_bytes(ctx, reader, &line, sizeof(line))) != RK_OK)
			return status;
		if (line.window < 0 || line.window > in.count || line.head < 0 || line.head > in.count)
			return corrupt(ctx);
		e->accounts[k] = (account) {
			line.most, line.window_amount, line.window_sum, line.rapid, line.in, line.matched, line.window, line.head,
			line.velocity_flag
		};
	}
	if ((uint64_t) in.count > reader->left / sizeof(stored_event))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	e->events = rk_alloc(ctx, in.count, sizeof(*e->events));
	if (e->events == NULL)
		return RK_ERR_MEMORY;
	e->capacity = in.count;
	for (; e->count < in.count; e->count++)
	{
		stored_event line;

		if ((status = rk_read_bytes(ctx, reader, &line, sizeof(line))) != RK_OK)
			return status;
		if (line.roles < PAYS || line.roles > (PAYS | IS_PAID) ||
			(e->count > 0 && line.ts < e->events[e->count - 1].ts))
			return corrupt(ctx);
		e->events[e->count] = (event) {line.ts, line.amount, {line.left[0], line.left[1]}, (int32_t) line.roles};
	}
	return RK_OK;
}

static rk_status
movement_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = movement_init(ctx, options, state);
	movement   *s = *state;
	stored_head head;
	uint32_t	count;

	(void) version;
	if (status != RK_OK || (status = rk_keys_read(ctx, &s->ids, reader)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, &head, sizeof(head))) != RK_OK)
		return status;
	if (head.time_window != s->params.time_window || head.velocity_threshold != s->params.velocity_threshold ||
		head.amount_threshold != s->params.amount_threshold || head.max_dwell != s->params.max_dwell)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "the ring was made with other windows or thresholds");
		rk_fail_hint(ctx, "They cannot change without rk.ring_reset.");
		return RK_ERR_PARAMETER;
	}
	count = rk_keys_count(&s->ids);
	if (count > s->capacity)
	{
		rk_free(ctx, s->entities);
		s->entities = rk_alloc0(ctx, count, sizeof(*s->entities));
		if (s->entities == NULL)
			return RK_ERR_MEMORY;
		s->capacity = count;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		if ((status = read_entity(ctx, &s->entities[i], reader)) != RK_OK)
			return status;
		if (i % 4096 == 4095 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static uint64_t
decimal_hash(rk_decimal value)
{
	return rk_hash2((uint64_t) (unsigned __int128) value, (uint64_t) ((unsigned __int128) value >> 64));
}

static uint64_t
movement_checksum(rk_ctx *ctx, void *state)
{
	movement   *s = state;
	uint64_t	all = 0;
	uint32_t	count = rk_keys_count(&s->ids);

	(void) ctx;
	for (uint32_t i = 0; i < count && i < s->capacity; i++)
	{
		entity	   *e = &s->entities[i];
		uint64_t	h;

		/* an id of a message that failed */
		if (e->transactions == 0)
			continue;
		let_go(s, e);
		h = rk_hash3(rk_keys_hash(&s->ids, i), (uint64_t) e->transactions * 2 + e->flagged, (uint64_t) e->newest);
		for (int k = 0; k < 2; k++)
		{
			const account *a = &e->accounts[k];

			h = rk_hash_fold(h, (uint64_t) a->most * 2 + a->velocity_flag);
			h = rk_hash_fold(h, (uint64_t) a->window_amount);
			h = rk_hash_fold(h, decimal_hash(a->window_sum) ^ decimal_hash(a->rapid));
			h = rk_hash_fold(h, decimal_hash(a->in) ^ decimal_hash(a->matched + 1));
		}
		for (int32_t j = 0; j < e->count; j++)
		{
			const event *v = &e->events[j];

			h = rk_hash_fold(h, (uint64_t) v->ts);
			h = rk_hash_fold(h, (uint64_t) v->amount * 4 + (uint64_t) v->roles);
			h = rk_hash_fold(h, (uint64_t) (j < e->settled ? v->left[SETTLED] : 0));
			h = rk_hash_fold(h, (uint64_t) v->left[CURRENT]);
		}
		all += h;
	}
	return all;
}

static const rk_param movement_options[] = {
	RK_ID_TYPE_OPTION,
	{.name = "time_window",.type = RK_TYPE_INTERVAL,.initial = "'01:00:00'",RK_ABOVE(0),
	.meaning = "width of the windows that transactions are counted in"},
	{.name = "velocity_threshold",.type = RK_TYPE_FLOAT8,.initial = "10",RK_ABOVE(0),
	.meaning = "transactions an hour that are too many"},
	{.name = "amount_threshold",.type = RK_TYPE_NUMERIC,.initial = "10000",RK_BETWEEN(0, 92233720368.0),
	.meaning = "least amount of a window, or of what passes through, that counts"},
	{.name = "max_dwell",.type = RK_TYPE_INTERVAL,.initial = "'24:00:00'",RK_ABOVE(0),
	.meaning = "money that leaves before this has passed passes through"},
	{.name = "pass_through_threshold",.type = RK_TYPE_FLOAT8,.initial = "0.8",.min = 0,.max = 1,.min_open = true,
	.meaning = "share of the incoming money that passes through, from which on it is too much"},
	{.name = "allowed_lateness",.type = RK_TYPE_INTERVAL,.initial = "'01:00:00'",RK_AT_LEAST(0),
	.meaning = "how much older than the newest one of its entity a transaction may be"},
	{0}
};

const rk_actor rk_actor_compliance_rapid_movement = {
	.kernel = KERNEL,
	.version = 1,
	.description = "how fast money moves through the entities of every transaction",
	.messages = rk_compliance_movement_messages,
	.options = movement_options,
	.feed = 380,
	.says = rk_alert_broadcast_said,
	.init = movement_init,
	.handle = movement_handle,
	.snapshot = movement_snapshot,
	.restore = movement_restore,
	.checksum = movement_checksum
};

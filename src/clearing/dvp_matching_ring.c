/*
 * dvp_matching_ring.c
 *	  clearing/dvp-matching as an actor: instructions are paired as they come.
 *
 * An instruction takes the best of those that wait on the other side of its
 * group, by the rules of the batch form: confidence, then the smaller
 * difference of amounts, then the smaller id.  What finds none waits.  Nothing
 * depends on the order of those that wait, so that a snapshot need not keep it.
 */
#include "dvp_ring.h"

#include <math.h>
#include <string.h>

#include "../compute/random.h"

#define NONE UINT32_MAX
#define POLL_ROWS 4096

/* An instruction, from its first message on. */
typedef struct entry
{
	rk_dvp_instruction x;
	int64_t		match_id;		/* 0: none */
	uint32_t	next;			/* of those that wait in its group and side */
	uint32_t	prev;
	bool		held;
	bool		cancel_wanted;	/* of a pair: this leg's owner wants it cancelled */
} entry;

/* Those of two parties in a block, or of a block, that wait. */
typedef struct group
{
	uint32_t	head[2];		/* by side */
	uint32_t	security;		/* the key: a block, and with strict parties those two */
	uint32_t	currency;
	int32_t		settlement_date;
	uint64_t	deliverer;
	uint64_t	receiver;
} group;

typedef struct pair
{
	uint32_t	delivery;
	uint32_t	receipt;
	double		confidence;
} pair;

typedef struct dvp_state
{
	rk_dvp_rules rules;
	bool		by_parties;
	rk_keys		keys;			/* instructions, as rk_keys_value has them */
	rk_keys		parties;
	rk_dictionary *securities;
	entry	   *entries;
	uint32_t	count;
	uint32_t	capacity;
	uint32_t   *ids;			/* entries by id: index + 1; 0 empty */
	uint32_t	id_mask;
	group	   *groups;			/* index 0 .. group_count - 1 */
	uint32_t	group_count;
	uint32_t	group_capacity;
	uint32_t   *group_slots;	/* groups by key: index + 1; 0 empty */
	uint32_t	group_mask;
	pair	   *pairs;			/* match_id - 1 */
	int64_t		pair_count;
	int64_t		pair_capacity;
} dvp_state;

/* ---- tables ---- */

static uint32_t
id_slot(const dvp_state *s, int64_t id)
{
	uint32_t	at = (uint32_t) rk_hash1((uint64_t) id) & s->id_mask;

	while (s->ids[at] != 0 && s->entries[s->ids[at] - 1].x.id != id)
		at = (at + 1) & s->id_mask;
	return at;
}

static entry *
find_entry(const dvp_state *s, int64_t id)
{
	uint32_t	at = s->ids[id_slot(s, id)];

	return at ? &s->entries[at - 1] : NULL;
}

/* The group that an instruction belongs to, empty. */
static group
key_of(const dvp_state *s, const rk_dvp_instruction *x)
{
	return (group) {
		.head = {NONE, NONE},
		.security = x->security,
		.currency = x->currency,
		.settlement_date = x->settlement_date,
		.deliverer = s->by_parties ? x->deliverer : 0,
		.receiver = s->by_parties ? x->receiver : 0
	};
}

static uint32_t
group_slot(const dvp_state *s, const group *key)
{
	uint64_t	h = rk_hash3((uint64_t) key->security << 32 | key->currency, (uint64_t) (uint32_t) key->settlement_date,
							 key->deliverer);
	uint32_t	at = (uint32_t) rk_hash_fold(h, key->receiver) & s->group_mask;

	for (; s->group_slots[at] != 0; at = (at + 1) & s->group_mask)
	{
		const group *g = &s->groups[s->group_slots[at] - 1];

		if (g->security == key->security && g->currency == key->currency &&
			g->settlement_date == key->settlement_date && g->deliverer == key->deliverer && g->receiver == key->receiver)
			break;
	}
	return at;
}

/* Makes an array twice as long; false when memory is short. */
static bool
grow(rk_ctx *ctx, void **array, int64_t capacity, size_t size)
{
	void	   *grown = rk_realloc(ctx, *array, capacity * 2, size);

	if (grown == NULL)
		return false;
	*array = grown;
	return true;
}

/* Room for one more instruction, group and pair. */
static rk_status
reserve(rk_ctx *ctx, dvp_state *s)
{
	if (s->count == s->capacity)
	{
		uint32_t   *ids;

		if (s->capacity > NONE / 4)
			return rk_fail(ctx, RK_ERR_LIMIT, "too many instructions");
		if ((ids = rk_alloc0(ctx, (int64_t) s->capacity * 4, sizeof(uint32_t))) == NULL ||
			!grow(ctx, (void **) &s->entries, s->capacity, sizeof(entry)))
			return RK_ERR_MEMORY;
		rk_free(ctx, s->ids);
		s->ids = ids;
		s->id_mask = s->capacity * 4 - 1;
		s->capacity *= 2;
		for (uint32_t i = 0; i < s->count; i++)
			s->ids[id_slot(s, s->entries[i].x.id)] = i + 1;
	}
	if (s->group_count == s->group_capacity)
	{
		uint32_t   *slots;

		if ((slots = rk_alloc0(ctx, (int64_t) s->group_capacity * 4, sizeof(uint32_t))) == NULL ||
			!grow(ctx, (void **) &s->groups, s->group_capacity, sizeof(group)))
			return RK_ERR_MEMORY;
		rk_free(ctx, s->group_slots);
		s->group_slots = slots;
		s->group_mask = s->group_capacity * 4 - 1;
		s->group_capacity *= 2;
		for (uint32_t g = 0; g < s->group_count; g++)
			s->group_slots[group_slot(s, &s->groups[g])] = g + 1;
	}
	if (s->pair_count == s->pair_capacity)
	{
		if (!grow(ctx, (void **) &s->pairs, s->pair_capacity, sizeof(pair)))
			return RK_ERR_MEMORY;
		s->pair_capacity *= 2;
	}
	return RK_OK;
}

/* The group of an entry, made if need be, after reserve. */
static group *
group_of(dvp_state *s, uint32_t i)
{
	group		key = key_of(s, &s->entries[i].x);
	uint32_t	slot = group_slot(s, &key);

	if (s->group_slots[slot] == 0)
	{
		s->groups[s->group_count] = key;
		s->group_slots[slot] = ++s->group_count;
	}
	return &s->groups[s->group_slots[slot] - 1];
}

/* ---- waiting and pairs ---- */

static bool
waits(const entry *e)
{
	return e->x.status == RK_DVP_PENDING && !e->held;
}

static void
begin_waiting(dvp_state *s, uint32_t i)
{
	entry	   *e = &s->entries[i];
	uint32_t   *head = &group_of(s, i)->head[e->x.side];

	e->prev = NONE;
	e->next = *head;
	if (*head != NONE)
		s->entries[*head].prev = i;
	*head = i;
}

static void
end_waiting(dvp_state *s, uint32_t i)
{
	entry	   *e = &s->entries[i];

	if (e->prev != NONE)
		s->entries[e->prev].next = e->next;
	else
		group_of(s, i)->head[e->x.side] = e->next;
	if (e->next != NONE)
		s->entries[e->next].prev = e->prev;
}

/* The best of those that wait on the other side; NONE: no one fits. */
static uint32_t
best_counterpart(dvp_state *s, uint32_t i, double *confidence)
{
	const rk_dvp_instruction *x = &s->entries[i].x;
	uint32_t	best = NONE;
	rk_decimal	best_gap = 0;

	for (uint32_t k = group_of(s, i)->head[1 - x->side]; k != NONE; k = s->entries[k].next)
	{
		const rk_dvp_instruction *y = &s->entries[k].x;
		rk_decimal	gap = rk_dvp_amount_gap(x, y);
		double		c;
		int			differences;

		if (!(x->side == RK_DVP_DELIVER ? rk_dvp_compare(&s->rules, x, y, &c, &differences) :
			  rk_dvp_compare(&s->rules, y, x, &c, &differences)))
			continue;
		if (best == NONE || c > *confidence ||
			(c == *confidence && (gap < best_gap || (gap == best_gap && rk_keys_compare(&s->keys, y->id, s->entries[best].x.id) < 0))))
		{
			best = k;
			best_gap = gap;
			*confidence = c;
		}
	}
	return best;
}

/* A confidence with 8 decimals. */
static int64_t
fixed(double confidence)
{
	return (int64_t) llround(confidence * RK_FIXED_ONE);
}

/* Pairs an instruction that is pending, or lets it wait; after reserve. */
static void
match_or_wait(dvp_state *s, uint32_t i, rk_reply *reply)
{
	double		confidence = 0;
	uint32_t	other = best_counterpart(s, i, &confidence);
	const rk_dvp_instruction *d;
	const rk_dvp_instruction *r;
	rk_dvp_pair record;

	if (other == NONE)
	{
		begin_waiting(s, i);
		return;
	}
	end_waiting(s, other);
	s->pairs[s->pair_count] = s->entries[i].x.side == RK_DVP_DELIVER ? (pair) {i, other, confidence} :
		(pair) {other, i, confidence};
	s->entries[i].match_id = s->entries[other].match_id = ++s->pair_count;
	s->entries[i].x.status = s->entries[other].x.status = RK_DVP_MATCHED;
	d = &s->entries[s->pairs[s->pair_count - 1].delivery].x;
	r = &s->entries[s->pairs[s->pair_count - 1].receipt].x;
	record = (rk_dvp_pair) {
		.match_id = s->pair_count,
		.delivery_id = rk_keys_of_value(&s->keys, d->id),
		.receipt_id = rk_keys_of_value(&s->keys, r->id),
		.confidence = fixed(confidence),
		.quantity = (int64_t) (d->quantity < r->quantity ? d->quantity : r->quantity),
		.amount = (int64_t) d->amount,
		.amount_difference = (int64_t) (r->amount - d->amount)
	};
	rk_publish(reply, 912, &record, sizeof(record));
}

/* ---- replies ---- */

static int16_t
shown_status(const entry *e)
{
	return e->held && (e->x.status == RK_DVP_PENDING || e->x.status == RK_DVP_MATCHED) ? RK_DVP_ON_HOLD : e->x.status;
}

static void
fill_reply(const dvp_state *s, const entry *e, rk_dvp_reply *r)
{
	r->status = shown_status(e);
	r->match_id = r->confidence = RK_FIELD_ABSENT_INT8;
	r->counter_instruction_id.kind = RK_ID_NONE;
	if (e->match_id > 0)
	{
		const pair *p = &s->pairs[e->match_id - 1];

		r->match_id = e->match_id;
		r->confidence = fixed(p->confidence);
		r->counter_instruction_id =
			rk_keys_of_value(&s->keys, s->entries[e->x.side == RK_DVP_DELIVER ? p->receipt : p->delivery].x.id);
	}
}

/* ---- messages ---- */

static rk_bytes
security_of(const char *id)
{
	return (rk_bytes) {id, (uint32_t) strnlen(id, RK_DVP_SECURITY_BYTES)};
}

/* The instruction of a message, its ids as numbers; new ones are added. */
static rk_status
read_instruction(rk_ctx *ctx, dvp_state *s, const rk_dvp_submit_request *q, rk_dvp_instruction *x)
{
	rk_bytes	security = security_of(q->security_id);
	int64_t		id;
	int64_t		deliverer;
	int64_t		receiver;
	uint32_t	code;
	rk_status	status;

	if (security.length == 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"security_id\" must not be empty");
	if ((status = rk_keys_value(ctx, &s->keys, "instruction_id", &q->instruction_id, true, &id)) != RK_OK ||
		(status = rk_keys_value(ctx, &s->parties, "deliverer", &q->deliverer, true, &deliverer)) != RK_OK ||
		(status = rk_keys_value(ctx, &s->parties, "receiver", &q->receiver, true, &receiver)) != RK_OK ||
		(status = rk_dictionary_add(s->securities, &security, 1, &code)) != RK_OK)
		return status;
	*x = (rk_dvp_instruction) {
		.id = id,
		.deliverer = (uint64_t) deliverer,
		.receiver = (uint64_t) receiver,
		.quantity = q->quantity,
		.amount = q->amount,
		.trade_date = RK_DVP_NONE,
		.security = code,
		.currency = (uint32_t) (uint8_t) q->currency[0] << 16 | (uint32_t) (uint8_t) q->currency[1] << 8 |
		(uint8_t) q->currency[2],
		.settlement_date = q->settlement_date,
		.side = (uint8_t) q->side,
		.status = RK_DVP_PENDING
	};

	memcpy(x->reference, q->reference, sizeof(x->reference));
	return RK_OK;
}

static rk_status
no_such(rk_ctx *ctx, const rk_id *id)
{
	char		text[RK_ID_ROOM];

	return rk_fail(ctx, RK_ERR_PARAMETER, "instruction %s is not known", rk_id_text(id, text));
}

static rk_status
submit(rk_ctx *ctx, dvp_state *s, const rk_dvp_submit_request *q, rk_reply *reply)
{
	rk_dvp_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = s->count;
	rk_dvp_instruction x;
	char		text[RK_ID_ROOM];
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = read_instruction(ctx, s, q, &x)) != RK_OK)
		return status;
	if (find_entry(s, x.id) != NULL)
		return rk_fail(ctx, RK_ERR_PARAMETER, "instruction %s is there already", rk_id_text(&q->instruction_id, text));
	if ((status = reserve(ctx, s)) != RK_OK)
		return status;
	s->entries[i] = (entry) {.x = x,.next = NONE,.prev = NONE};
	s->ids[id_slot(s, x.id)] = ++s->count;
	match_or_wait(s, i, reply);
	fill_reply(s, &s->entries[i], r);
	return RK_OK;
}

/* The entry of a message, or an error. */
static entry *
entry_named(rk_ctx *ctx, dvp_state *s, const rk_id *id)
{
	int64_t		value;
	entry	   *e;

	if (rk_keys_value(ctx, &s->keys, "instruction_id", id, false, &value) != RK_OK)
		return NULL;
	e = find_entry(s, value);
	if (e == NULL)
		no_such(ctx, id);
	return e;
}

static rk_status
amend(rk_ctx *ctx, dvp_state *s, const rk_dvp_submit_request *q, rk_reply *reply)
{
	rk_dvp_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	entry	   *e = r ? entry_named(ctx, s, &q->instruction_id) : NULL;
	rk_dvp_instruction x;
	char		text[RK_ID_ROOM];
	uint32_t	i;
	rk_status	status;

	if (e == NULL)
		return ctx->error.status;
	if (e->x.status != RK_DVP_PENDING)
		return rk_fail(ctx, RK_ERR_PARAMETER, "instruction %s cannot be amended, its status is %s",
					   rk_id_text(&q->instruction_id, text), rk_dvp_status_names[e->x.status]);
	i = (uint32_t) (e - s->entries);
	if ((status = read_instruction(ctx, s, q, &x)) != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	e = &s->entries[i];
	if (waits(e))
		end_waiting(s, i);
	e->x = x;
	if (waits(e))
		match_or_wait(s, i, reply);
	fill_reply(s, &s->entries[i], r);
	return RK_OK;
}

static rk_status
cancel(rk_ctx *ctx, dvp_state *s, const rk_dvp_id_request *q, rk_reply *reply)
{
	rk_dvp_success_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	entry	   *e = r ? entry_named(ctx, s, &q->instruction_id) : NULL;

	if (e == NULL)
		return ctx->error.status;
	if (e->x.status == RK_DVP_PENDING)
	{
		if (waits(e))
			end_waiting(s, (uint32_t) (e - s->entries));
		e->x.status = RK_DVP_CANCELLED;
		r->success = true;
	}
	else if (e->x.status == RK_DVP_MATCHED)
	{
		const pair *p = &s->pairs[e->match_id - 1];
		entry	   *d = &s->entries[p->delivery];
		entry	   *c = &s->entries[p->receipt];

		/* both sides have to agree */
		e->cancel_wanted = true;
		r->success = d->cancel_wanted && c->cancel_wanted;
		if (r->success)
			d->x.status = c->x.status = RK_DVP_CANCELLED;
	}
	r->status = shown_status(e);
	return RK_OK;
}

static rk_status
hold(rk_ctx *ctx, dvp_state *s, const rk_dvp_id_request *q, rk_reply *reply)
{
	rk_dvp_success_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	entry	   *e = r ? entry_named(ctx, s, &q->instruction_id) : NULL;
	uint32_t	i;
	rk_status	status;

	if (e == NULL)
		return ctx->error.status;
	i = (uint32_t) (e - s->entries);
	if ((status = reserve(ctx, s)) != RK_OK)
		return status;
	e = &s->entries[i];
	r->success = e->x.status == RK_DVP_PENDING || e->x.status == RK_DVP_MATCHED;
	if (r->success && e->held != q->hold)
	{
		if (waits(e))
			end_waiting(s, i);
		e->held = q->hold;
		if (waits(e))
			match_or_wait(s, i, reply);
	}
	r->status = shown_status(e);
	return RK_OK;
}

static rk_status
query(rk_ctx *ctx, dvp_state *s, const rk_dvp_id_request *q, rk_reply *reply)
{
	rk_dvp_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	const entry *e;
	int64_t		id;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_value(ctx, &s->keys, "instruction_id", &q->instruction_id, false, &id)) != RK_OK)
		return status;
	e = find_entry(s, id);
	r->known = e == NULL;
	if (e)
		fill_reply(s, e, r);
	return RK_OK;
}

static void
fill_row(const dvp_state *s, const rk_dvp_instruction *x, rk_dvp_submit_request *row)
{
	char		buffer[16];
	rk_bytes	security = rk_dictionary_key(s->securities, x->security, buffer);

	*row = (rk_dvp_submit_request) {
		.instruction_id = rk_keys_of_value(&s->keys, x->id),
		.deliverer = rk_keys_of_value(&s->parties, (int64_t) x->deliverer),
		.receiver = rk_keys_of_value(&s->parties, (int64_t) x->receiver),
		.quantity = (int64_t) x->quantity,
		.amount = (int64_t) x->amount,
		.settlement_date = x->settlement_date,
		.side = x->side,
		.currency = {(char) (x->currency >> 16), (char) (x->currency >> 8), (char) x->currency}
	};
	memcpy(row->reference, x->reference, sizeof(row->reference));
	memcpy(row->security_id, security.data, security.length);
}

static rk_status
unmatched(rk_ctx *ctx, dvp_state *s, const rk_dvp_unmatched_request *q, rk_reply *reply)
{
	rk_bytes	wanted = security_of(q->security_id);
	int64_t		security = wanted.length > 0 ? rk_dictionary_find(s->securities, wanted) : 0;
	int64_t		total = 0;

	if (rk_reply_reserve(ctx, reply, sizeof(rk_dvp_unmatched_reply)) == NULL)
		return ctx->error.status;
	for (uint32_t i = 0; i < s->count; i++)
	{
		const entry *e = &s->entries[i];
		rk_dvp_submit_request *row;

		if (i % POLL_ROWS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (!waits(e) || (wanted.length > 0 && e->x.security != security) ||
			(q->settlement_date != RK_FIELD_ABSENT_INT4 && e->x.settlement_date != q->settlement_date) ||
			++total > q->max_rows)
			continue;
		if ((row = rk_reply_reserve(ctx, reply, sizeof(*row))) == NULL)
			return ctx->error.status;
		fill_row(s, &e->x, row);
	}
	((rk_dvp_unmatched_reply *) reply->data)->total_count = total;
	return RK_OK;
}

/* BIS model 1: securities and cash of both legs move together, or not at all. */
static rk_status
settle(rk_ctx *ctx, dvp_state *s, const rk_dvp_match_request *q, rk_reply *reply)
{
	rk_dvp_status_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	entry	   *d;
	entry	   *c;

	if (r == NULL)
		return ctx->error.status;
	if (q->match_id < 1 || q->match_id > s->pair_count)
		return rk_fail(ctx, RK_ERR_PARAMETER, "pair %lld is not known", (long long) q->match_id);
	d = &s->entries[s->pairs[q->match_id - 1].delivery];
	c = &s->entries[s->pairs[q->match_id - 1].receipt];
	if (d->x.status == RK_DVP_MATCHED && !d->held && !c->held)
		d->x.status = c->x.status = RK_DVP_SETTLED;
	r->status = c->held ? shown_status(c) : shown_status(d);
	return RK_OK;
}

/* ---- the actor ---- */

static rk_status
dvp_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	dvp_state  *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->rules = (rk_dvp_rules) {
		.min_confidence = rk_option_find(options, "min_confidence")->number,
		.quantity_tolerance = rk_option_find(options, "relative_quantity_tolerance")->number,
		.amount_tolerance = rk_option_find(options, "relative_amount_tolerance")->number,
		.t2s = rk_option_find(options, "amount_tolerance_rule")->integer == 1,
		.amount_unit = RK_FIXED_ONE,
		.strict_counterparty = rk_option_find(options, "strict_counterparty")->truth,
		.strict_quantity = rk_option_find(options, "strict_quantity")->truth,
		.match_reference = rk_option_find(options, "match_reference")->truth
	};
	s->by_parties = s->rules.strict_counterparty || s->rules.min_confidence > 0.5;
	s->capacity = s->group_capacity = 64;
	s->pair_capacity = 64;
	s->id_mask = s->group_mask = 127;
	s->entries = rk_alloc(ctx, s->capacity, sizeof(entry));
	s->ids = rk_alloc0(ctx, 128, sizeof(uint32_t));
	s->groups = rk_alloc(ctx, s->group_capacity, sizeof(group));
	s->group_slots = rk_alloc0(ctx, 128, sizeof(uint32_t));
	s->pairs = rk_alloc(ctx, s->pair_capacity, sizeof(pair));
	s->securities = rk_dictionary_create(ctx);
	*state = s;
	if (!s->entries || !s->ids || !s->groups || !s->group_slots || !s->pairs || !s->securities ||
		rk_keys_init(ctx, options, &s->keys) != RK_OK)
		return RK_ERR_MEMORY;
	return rk_keys_init_by(ctx, options, "party_type", &s->parties);
}

static rk_status
dvp_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 900:
			return submit(ctx, state, message->payload, reply);
		case 902:
			return cancel(ctx, state, message->payload, reply);
		case 904:
			return hold(ctx, state, message->payload, reply);
		case 906:
			return query(ctx, state, message->payload, reply);
		case 908:
			return unmatched(ctx, state, message->payload, reply);
		case 910:
			return amend(ctx, state, message->payload, reply);
		case 914:
			return settle(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "clearing/dvp-matching has no message %u", message->type_id);
}

/* An instruction in a snapshot, its ids as numbers, and what became of it. */
typedef struct stored_entry
{
	int64_t		id;
	uint64_t	deliverer;
	uint64_t	receiver;
	int64_t		quantity;
	int64_t		amount;
	uint64_t	reference[2];
	uint32_t	security;
	uint32_t	currency;
	int32_t		settlement_date;
	uint8_t		side;
	uint8_t		status;
	uint8_t		held;
	uint8_t		cancel_wanted;
	int64_t		match_id;
} stored_entry;

typedef struct stored_pair
{
	double		confidence;
	uint32_t	delivery;
	uint32_t	receipt;
} stored_pair;

static rk_status
dvp_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	dvp_state  *s = state;
	int64_t		header[3] = {s->count, s->pair_count, rk_dictionary_count(s->securities)};
	rk_status	status = rk_write(ctx, writer, header, sizeof(header));

	if (status == RK_OK)
		status = rk_keys_write(ctx, &s->keys, writer);
	if (status == RK_OK)
		status = rk_keys_write(ctx, &s->parties, writer);
	for (int64_t i = 0; i < header[2] && status == RK_OK; i++)
	{
		char		buffer[16];
		char		padded[RK_DVP_SECURITY_BYTES] = {0};
		rk_bytes	security = rk_dictionary_key(s->securities, (uint32_t) i, buffer);

		memcpy(padded, security.data, security.length);
		status = rk_write(ctx, writer, padded, sizeof(padded));
	}
	for (uint32_t i = 0; i < s->count && status == RK_OK; i++)
	{
		const entry *e = &s->entries[i];
		stored_entry stored = {
			.id = e->x.id, .deliverer = e->x.deliverer, .receiver = e->x.receiver, .quantity = (int64_t) e->x.quantity,
			.amount = (int64_t) e->x.amount, .reference = {e->x.reference[0], e->x.reference[1]}, .security = e->x.security,
			.currency = e->x.currency, .settlement_date = e->x.settlement_date, .side = e->x.side, .status = e->x.status,
			.held = e->held, .cancel_wanted = e->cancel_wanted, .match_id = e->match_id
		};

		status = rk_write(ctx, writer, &stored, sizeof(stored));
	}
	for (int64_t p = 0; p < s->pair_count && status == RK_OK; p++)
	{
		stored_pair stored = {s->pairs[p].confidence, s->pairs[p].delivery, s->pairs[p].receipt};

		status = rk_write(ctx, writer, &stored, sizeof(stored));
	}
	return status;
}

/* Whether a value that a snapshot has may be an id's. */
static bool
is_number_of(const rk_keys *keys, int64_t value)
{
	return keys->type == RK_IDS_BIGINT || (value >= 0 && value < rk_keys_count(keys));
}

static rk_status
read_security(rk_ctx *ctx, dvp_state *s, uint32_t expected, rk_reader *reader)
{
	char		padded[RK_DVP_SECURITY_BYTES];
	rk_status	status = rk_read_bytes(ctx, reader, padded, sizeof(padded));
	rk_bytes	security = security_of(padded);
	uint32_t	code;

	if (status == RK_OK)
		status = rk_dictionary_add(s->securities, &security, 1, &code);
	if (status == RK_OK && code != expected)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a security twice");
	return status;
}

static rk_status
read_entry(rk_ctx *ctx, dvp_state *s, int64_t pairs, rk_reader *reader)
{
	stored_entry stored;
	rk_status	status = rk_read_bytes(ctx, reader, &stored, sizeof(stored));
	uint32_t	i = s->count;

	if (status != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	if (stored.side > RK_DVP_RECEIVE || stored.status > RK_DVP_CANCELLED || stored.held > 1 || stored.cancel_wanted > 1 ||
		stored.quantity <= 0 || stored.amount < 0 || stored.security >= rk_dictionary_count(s->securities) ||
		!is_number_of(&s->keys, stored.id) || !is_number_of(&s->parties, (int64_t) stored.deliverer) ||
		!is_number_of(&s->parties, (int64_t) stored.receiver) ||
		stored.match_id < 0 || stored.match_id > pairs || (stored.match_id == 0 && stored.status == RK_DVP_MATCHED) ||
		find_entry(s, stored.id) != NULL)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible instruction");
	s->entries[i] = (entry) {
		.x = {
			.id = stored.id, .deliverer = stored.deliverer, .receiver = stored.receiver, .quantity = stored.quantity,
			.amount = stored.amount, .reference = {stored.reference[0], stored.reference[1]}, .trade_date = RK_DVP_NONE,
			.security = stored.security, .currency = stored.currency, .settlement_date = stored.settlement_date,
			.side = stored.side, .status = stored.status
		},
		.match_id = stored.match_id, .next = NONE, .prev = NONE, .held = stored.held, .cancel_wanted = stored.cancel_wanted
	};
	s->ids[id_slot(s, stored.id)] = ++s->count;
	if (waits(&s->entries[i]))
		begin_waiting(s, i);
	return RK_OK;
}

static rk_status
dvp_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = dvp_init(ctx, options, state);
	dvp_state  *s = *state;
	int64_t		header[3];

	if (status != RK_OK)
		return status;
	if (version < 2)
		return rk_fail(ctx, RK_ERR_PARAMETER, "snapshot has securities as numbers, of which this version knows nothing");
	if ((status = rk_read_bytes(ctx, reader, header, sizeof(header))) != RK_OK ||
		(status = rk_keys_read(ctx, &s->keys, reader)) != RK_OK ||
		(status = rk_keys_read(ctx, &s->parties, reader)) != RK_OK)
		return status;
	for (int64_t i = 0; i < header[2] && status == RK_OK; i++)
		status = read_security(ctx, s, (uint32_t) i, reader);
	for (int64_t i = 0; i < header[0] && status == RK_OK; i++)
		status = read_entry(ctx, s, header[1], reader);
	for (int64_t p = 0; p < header[1] && status == RK_OK; p++)
	{
		stored_pair stored;

		if ((status = rk_read_bytes(ctx, reader, &stored, sizeof(stored))) != RK_OK ||
			(status = reserve(ctx, s)) != RK_OK)
			break;
		if (stored.delivery >= s->count || stored.receipt >= s->count)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible pair");
		s->pairs[s->pair_count++] = (pair) {stored.delivery, stored.receipt, stored.confidence};
	}
	return status;
}

static uint64_t
dvp_checksum(rk_ctx *ctx, void *state)
{
	dvp_state  *s = state;
	uint64_t	h = rk_hash2(s->count, (uint64_t) s->pair_count);

	(void) ctx;
	for (uint32_t i = 0; i < s->count; i++)
	{
		const entry *e = &s->entries[i];

		h = rk_hash_fold(h, rk_keys_value_hash(&s->keys, e->x.id));
		h = rk_hash_fold(h, rk_keys_value_hash(&s->parties, (int64_t) e->x.deliverer));
		h = rk_hash_fold(h, rk_keys_value_hash(&s->parties, (int64_t) e->x.receiver));
		h = rk_hash_fold(h, (uint64_t) e->x.quantity);
		h = rk_hash_fold(h, (uint64_t) e->x.amount);
		h = rk_hash_fold(h, e->x.reference[0]);
		h = rk_hash_fold(h, e->x.reference[1]);
		h = rk_hash_fold(h, (uint64_t) e->x.security << 32 | e->x.currency);
		h = rk_hash_fold(h, (uint64_t) (uint32_t) e->x.settlement_date << 32 | (uint64_t) e->x.side << 24 |
						 (uint64_t) e->x.status << 16 | (uint64_t) e->held << 8 | e->cancel_wanted);
		h = rk_hash_fold(h, (uint64_t) e->match_id);
	}
	for (int64_t p = 0; p < s->pair_count; p++)
		h = rk_hash3(h, (uint64_t) s->pairs[p].delivery << 32 | s->pairs[p].receipt, (uint64_t) fixed(s->pairs[p].confidence));
	return h;
}

static const char *const amount_rules[] = {"fraction", "t2s", NULL};

static const rk_param dvp_options[] = {
	RK_ID_TYPE_OPTION_OF("id_type", "instructions"),
	RK_ID_TYPE_OPTION_OF("party_type", "parties"),
	{.name = "instructions",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "instructions to begin with: rows of message DvpSubmit"},
	{.name = "min_confidence",.type = RK_TYPE_FLOAT8,.initial = "0.8",RK_BETWEEN(0, 1),.meaning = "of a pair"},
	{.name = "relative_quantity_tolerance",.type = RK_TYPE_FLOAT8,.initial = "0.01",RK_BETWEEN(0, 1),
	.meaning = "largest difference of the quantities, as a fraction of the larger one"},
	{.name = "relative_amount_tolerance",.type = RK_TYPE_FLOAT8,.initial = "0.01",RK_BETWEEN(0, 1),
	.meaning = "largest difference of the amounts, as a fraction of the larger one"},
	{.name = "amount_tolerance_rule",.type = RK_TYPE_TEXT,.initial = "'fraction'",.choices = amount_rules,
	.meaning = "fraction, or t2s: amounts differ by 2 at most up to 100,000, above by 25"},
	{.name = "strict_counterparty",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "both parties are the same; else each one that differs halves the confidence"},
	{.name = "strict_quantity",.type = RK_TYPE_BOOLEAN,.initial = "false",.meaning = "quantities are equal"},
	{.name = "match_reference",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "two references that differ make no pair"},
	{0}
};

static const rk_actor_load dvp_loads[] = {{"instructions", 900}, {0}};

const rk_actor rk_actor_clearing_dvp_matching = {
	.kernel = "clearing/dvp-matching",
	.version = 2,				/* 2: ids of any type, securities by their names */
	.description = "delivery and receipt instructions, paired as they come",
	.messages = rk_clearing_messages,
	.options = dvp_options,
	.loads = dvp_loads,
	.init = dvp_init,
	.handle = dvp_handle,
	.snapshot = dvp_snapshot,
	.restore = dvp_restore,
	.checksum = dvp_checksum
};

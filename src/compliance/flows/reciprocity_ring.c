/*
 * reciprocity_ring.c
 *	  compliance/reciprocity-flow as an actor: what has come back, after every
 *	  payment.
 *
 * The state is a table of pairs of entities with the sums of both directions,
 * and the totals over all pairs: O(1) a payment.  It says what the batch
 * function says about all payments so far.
 *
 * With max_delay the money of a pair comes back oldest first, in the order of
 * time.  Payments may come late by allowed_lateness: each pair keeps what is
 * younger than that, and two accounts of it.  The settled one has only what
 * nothing late can change any more, the current one has everything.  A payment
 * in order is taken into the current account; a late one takes its place, and
 * the current account is made again from the settled one.
 */
#include "flows.h"
#include "flows_ring.h"

#include <math.h>

#include "../../compute/random.h"
#include "../payload.h"

#define KERNEL "compliance/reciprocity-flow"
#define NONE UINT32_MAX
#define FIRST_PAIRS 64
#define FIRST_PAYMENTS 4

/* The two accounts. */
enum
{
	SETTLED,
	CURRENT
};

/* A payment of a pair, while it may still matter. */
typedef struct payment
{
	int64_t		ts;				/* us since 1970 */
	int64_t		amount;
	int64_t		left[2];		/* that has not come back, by account */
	bool		forth;			/* by the lower number */
} payment;

typedef struct pair
{
	uint32_t	low;			/* numbers of the entities */
	uint32_t	high;
	uint32_t	next;			/* with the same hash */
	bool		forth_first;	/* low has paid first */
	bool		reported;		/* both have paid, and min_amount is reached */
	int64_t		first_ts;		/* us since 1970 */
	int64_t		newest;
	int64_t		count[2];		/* payments by low, by high */
	rk_decimal	amount[2];
	rk_decimal	returned[2];	/* with max_delay: by account */

	/* with max_delay, in the order of time */
	payment    *payments;
	int32_t		payment_count;
	int32_t		payment_capacity;
	int32_t		settled;		/* payments in the settled account */
	int32_t		head[2];		/* the first that may have something left */
} pair;

typedef struct reciprocity
{
	rk_keys		ids;
	int64_t		min_amount;
	bool		has_delay;
	int64_t		max_delay;		/* us */
	int64_t		lateness;		/* us */
	pair	   *pairs;
	uint32_t	count;
	uint32_t	capacity;
	uint32_t   *buckets;		/* first pair of a hash + 1 */
	uint32_t	mask;
	rk_decimal	total;			/* between different entities */
	rk_decimal	reciprocal;		/* of reported pairs */
} reciprocity;

/* ---- pairs ---- */

static uint32_t
bucket_of(const reciprocity *s, uint32_t low, uint32_t high)
{
	return (uint32_t) rk_hash2(low, high) & s->mask;
}

static uint32_t
find_pair(const reciprocity *s, uint32_t a, uint32_t b)
{
	uint32_t	low = a < b ? a : b;
	uint32_t	high = a < b ? b : a;
	uint32_t	i;

	for (i = s->buckets[bucket_of(s, low, high)]; i != NONE; i = s->pairs[i].next)
		if (s->pairs[i].low == low && s->pairs[i].high == high)
			break;
	return i;
}

/* Room for one more pair; buckets are as many as there is room for pairs. */
static rk_status
pair_room(rk_ctx *ctx, reciprocity *s)
{
	int64_t		capacity = 2 * (int64_t) s->capacity;
	pair	   *pairs;
	uint32_t   *buckets;

	if (s->count < s->capacity)
		return RK_OK;
	if (capacity > UINT32_MAX / 2)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many pairs: %u", s->count);
	buckets = rk_alloc(ctx, capacity, sizeof(*buckets));
	if (buckets == NULL)
		return RK_ERR_MEMORY;
	pairs = rk_realloc(ctx, s->pairs, capacity, sizeof(*pairs));
	if (pairs == NULL)
	{
		rk_free(ctx, buckets);
		return RK_ERR_MEMORY;
	}
	rk_free(ctx, s->buckets);
	s->pairs = pairs;
	s->buckets = buckets;
	s->capacity = (uint32_t) capacity;
	s->mask = s->capacity - 1;
	memset(buckets, 0xff, sizeof(*buckets) * capacity);
	for (uint32_t i = 0; i < s->count; i++)
	{
		uint32_t	b = bucket_of(s, pairs[i].low, pairs[i].high);

		pairs[i].next = buckets[b];
		buckets[b] = i;
	}
	return RK_OK;
}

/* Adds a pair that is not there; there is room. */
static uint32_t
add_pair(reciprocity *s, uint32_t a, uint32_t b)
{
	uint32_t	i = s->count++;
	pair	   *p = &s->pairs[i];
	uint32_t	bucket;

	memset(p, 0, sizeof(*p));
	p->low = a < b ? a : b;
	p->high = a < b ? b : a;
	bucket = bucket_of(s, p->low, p->high);
	p->next = s->buckets[bucket];
	s->buckets[bucket] = i;
	p->first_ts = INT64_MAX;
	p->newest = INT64_MIN;
	return i;
}

/* What came back, once. */
static rk_decimal
returned(const reciprocity *s, const pair *p)
{
	if (s->has_delay)
		return p->returned[CURRENT];
	return p->amount[0] < p->amount[1] ? p->amount[0] : p->amount[1];
}

/* ---- money that comes back in time ---- */

/*
 * Takes payment number i into an account: it gives back what is open in the
 * other direction, oldest first, and what is left of it is open then.  All open
 * balances are of one direction.
 */
static void
settle(const reciprocity *s, pair *p, int32_t i, int account)
{
	payment    *f = &p->payments[i];
	int64_t		left = f->amount;
	int32_t		head = p->head[account];

	while (left > 0 && head < i)
	{
		payment    *e = &p->payments[head];
		int64_t		part;

		if (e->left[account] > 0 && e->forth == f->forth)
			break;
		if (f->ts >= rk_moved(e->ts, s->max_delay))
			e->left[account] = 0;
		part = e->left[account] < left ? e->left[account] : left;
		e->left[account] -= part;
		left -= part;
		p->returned[account] += part;
		head += e->left[account] == 0;
	}
	f->left[account] = left;
	p->head[account] = head;
}

/* The moment before which nothing can come any more. */
static int64_t
settled_before(const reciprocity *s, const pair *p)
{
	return rk_moved(p->newest, -s->lateness);
}

/* Settles what nothing late can change, and forgets what nothing can come back of. */
static void
let_go(const reciprocity *s, pair *p)
{
	int64_t		before = settled_before(s, p);
	int32_t		gone = 0;

	for (; p->settled < p->payment_count && p->payments[p->settled].ts < before; p->settled++)
		settle(s, p, p->settled, SETTLED);
	while (gone < p->settled &&
		   (p->payments[gone].left[SETTLED] == 0 || before >= rk_moved(p->payments[gone].ts, s->max_delay)))
		gone++;
	if (gone == 0)
		return;
	p->payment_count -= gone;
	p->settled -= gone;
	memmove(p->payments, p->payments + gone, sizeof(payment) * p->payment_count);
	for (int a = SETTLED; a <= CURRENT; a++)
		p->head[a] = p->head[a] > gone ? p->head[a] - gone : 0;
}

static rk_status
payment_room(rk_ctx *ctx, const reciprocity *s, pair *p)
{
	if (p->payment_count < p->payment_capacity)
		return RK_OK;
	/* moved seldom enough: only when a quarter is free then */
	let_go(s, p);
	if (p->payment_count <= p->payment_capacity - p->payment_capacity / 4 - 1)
		return RK_OK;
	return rk_grow_array(ctx, (void **) &p->payments, &p->payment_capacity, FIRST_PAYMENTS, sizeof(payment),
						 "payments of a pair within the time that counts");
}

/* Puts a payment in its place; there is room. */
static void
take_payment(const reciprocity *s, pair *p, int64_t ts, int64_t amount, bool forth)
{
	int32_t		at = p->payment_count;

	while (at > p->settled && p->payments[at - 1].ts > ts)
		at--;
	memmove(p->payments + at + 1, p->payments + at, sizeof(payment) * (p->payment_count - at));
	p->payments[at] = (payment) {.ts = ts, .amount = amount, .forth = forth};
	if (at == p->payment_count++)
	{
		settle(s, p, at, CURRENT);
		return;
	}
	for (int32_t i = 0; i < p->settled; i++)
		p->payments[i].left[CURRENT] = p->payments[i].left[SETTLED];
	p->head[CURRENT] = p->head[SETTLED];
	p->returned[CURRENT] = p->returned[SETTLED];
	for (int32_t i = p->settled; i < p->payment_count; i++)
		settle(s, p, i, CURRENT);
}

/* ---- messages ---- */

static void
send_alert(const reciprocity *s, const pair *p, int64_t ts, rk_reply *reply)
{
	rk_reciprocity_alert alert;
	rk_alert_broadcast said;
	int			first = p->forth_first ? 0 : 1;
	rk_decimal	larger = p->amount[0] > p->amount[1] ? p->amount[0] : p->amount[1];

	if (reply->publish == NULL)
		return;
	memset(&alert, 0, sizeof(alert));
	alert.entity = rk_keys_id(&s->ids, p->forth_first ? p->low : p->high);
	alert.related_entity = rk_keys_id(&s->ids, p->forth_first ? p->high : p->low);
	alert.amount_ab = rk_fixed_or_absent(p->amount[first]);
	alert.amount_ba = rk_fixed_or_absent(p->amount[1 - first]);
	alert.reciprocal_amount = rk_fixed_or_absent(2 * returned(s, p));
	alert.balance = rk_money_ratio(returned(s, p), larger);
	alert.ts = ts;
	rk_publish(reply, 374, &alert, sizeof(alert));
	said = rk_alert_of(KERNEL, RK_ALERT_CYCLE, &alert.entity, isnan(alert.balance) ? 0 : 100 * alert.balance, ts);
	said.related_entity = alert.related_entity;
	strcpy(said.context, "payments in both directions");
	rk_publish(reply, RK_ALERT_BROADCAST, &said, sizeof(said));
}

static rk_status
do_add(rk_ctx *ctx, reciprocity *s, const rk_payment_request *q, rk_reply *reply)
{
	rk_reciprocity_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = rk_us_of_ns(q->ts);
	uint32_t	source;
	uint32_t	target;
	uint32_t	i = NONE;
	pair	   *p;
	bool		was_reported;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
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
	if (source != target)
	{
		i = find_pair(s, source, target);
		if (i != NONE && s->has_delay)
		{
			if (ts < settled_before(s, &s->pairs[i]))
			{
				rk_fail(ctx, RK_ERR_DATA, "ts is older than the newest payment of the pair by more than the option \"allowed_lateness\"");
				rk_fail_hint(ctx, "Send payments in the order of time, or allow more lateness.");
				return RK_ERR_DATA;
			}
			if ((status = payment_room(ctx, s, &s->pairs[i])) != RK_OK)
				return status;
		}
		if (i == NONE)
		{
			pair		fresh = {0};

			if ((status = pair_room(ctx, s)) != RK_OK ||
				(s->has_delay && (status = payment_room(ctx, s, &fresh)) != RK_OK))
				return status;
			i = add_pair(s, source, target);
			s->pairs[i].payments = fresh.payments;
			s->pairs[i].payment_capacity = fresh.payment_capacity;
		}
		p = &s->pairs[i];
		was_reported = p->reported;
		if (was_reported)
			s->reciprocal -= 2 * returned(s, p);
		if (ts < p->first_ts)
		{
			p->first_ts = ts;
			p->forth_first = source < target;
		}
		p->newest = ts > p->newest ? ts : p->newest;
		p->count[source > target]++;
		p->amount[source > target] += q->amount;
		s->total += q->amount;
		if (s->has_delay)
			take_payment(s, p, ts, q->amount, source < target);
		p->reported = p->count[0] > 0 && p->count[1] > 0 && returned(s, p) >= s->min_amount;
		if (p->reported)
			s->reciprocal += 2 * returned(s, p);
		r->is_reciprocal = p->reported;
		r->pair_reciprocal = rk_fixed_or_absent(2 * returned(s, p));
		if (p->reported && !was_reported)
			send_alert(s, p, q->ts, reply);
	}
	r->ratio = rk_money_ratio(s->reciprocal, s->total);
	return RK_OK;
}

static rk_status
do_query(rk_ctx *ctx, reciprocity *s, const rk_pair_request *q, rk_reply *reply)
{
	rk_pair_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	a;
	uint32_t	b;
	uint32_t	i;
	const pair *p;
	rk_decimal	larger;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_find(ctx, &s->ids, "entity_a", &q->entity_a, &a)) != RK_OK ||
		(status = rk_keys_find(ctx, &s->ids, "entity_b", &q->entity_b, &b)) != RK_OK)
		return status;
	i = a == RK_NO_ID || b == RK_NO_ID || a == b ? NONE : find_pair(s, a, b);
	if (i == NONE)
	{
		r->status = 1;
		return RK_OK;
	}
	p = &s->pairs[i];
	larger = p->amount[0] > p->amount[1] ? p->amount[0] : p->amount[1];
	r->amount_ab = rk_fixed_or_absent(p->amount[a > b]);
	r->amount_ba = rk_fixed_or_absent(p->amount[a < b]);
	r->count_ab = p->count[a > b];
	r->count_ba = p->count[a < b];
	r->reciprocal_amount = rk_fixed_or_absent(2 * returned(s, p));
	r->balance = rk_money_ratio(returned(s, p), larger);
	return RK_OK;
}

static rk_status
reciprocity_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 370:
			return do_add(ctx, state, message->payload, reply);
		case 372:
			return do_query(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, KERNEL " has no message %u", message->type_id);
}

/* ---- its life ---- */

static rk_status
reciprocity_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	reciprocity *s = rk_alloc0(ctx, 1, sizeof(*s));
	const rk_option *delay = rk_option_find(options, "max_delay");
	rk_status	status;

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->min_amount = rk_option_find(options, "min_amount")->integer;
	s->has_delay = !delay->is_null;
	s->max_delay = delay->integer;
	s->lateness = rk_option_find(options, "allowed_lateness")->integer;
	s->capacity = FIRST_PAIRS;
	s->mask = FIRST_PAIRS - 1;
	s->pairs = rk_alloc(ctx, FIRST_PAIRS, sizeof(*s->pairs));
	s->buckets = rk_alloc(ctx, FIRST_PAIRS, sizeof(*s->buckets));
	if (!s->pairs || !s->buckets)
		return RK_ERR_MEMORY;
	memset(s->buckets, 0xff, sizeof(*s->buckets) * FIRST_PAIRS);
	status = rk_keys_init(ctx, options, &s->ids);
	*state = s;
	return status;
}

/* A pair in a snapshot; its payments follow. */
typedef struct stored_pair
{
	uint32_t	low;
	uint32_t	high;
	int32_t		payment_count;
	int32_t		settled;
	int32_t		head[2];
	int64_t		first_ts;
	int64_t		newest;
	int64_t		count[2];
	rk_decimal	amount[2];
	rk_decimal	returned[2];
	int64_t		flags;			/* 1: low has paid first, 2: reported */
} stored_pair;

typedef struct stored_payment
{
	int64_t		ts;
	int64_t		amount;
	int64_t		left[2];
	int64_t		forth;
} stored_payment;

/* What the state was made with: sums of another max_delay mean something else. */
typedef struct stored_head
{
	int64_t		max_delay;
	int64_t		has_delay;
	int64_t		count;
} stored_head;

static rk_status
reciprocity_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	reciprocity *s = state;
	stored_head head = {s->has_delay ? s->max_delay : 0, s->has_delay, s->count};
	rk_status	status;

	if ((status = rk_keys_write(ctx, &s->ids, writer)) != RK_OK ||
		(status = rk_write(ctx, writer, &head, sizeof(head))) != RK_OK)
		return status;
	for (uint32_t i = 0; i < s->count; i++)
	{
		pair	   *p = &s->pairs[i];
		stored_pair out;

		if (s->has_delay)
			let_go(s, p);
		out = (stored_pair) {
			p->low, p->high, p->payment_count, p->settled, {p->head[0], p->head[1]}, p->first_ts, p->newest,
			{p->count[0], p->count[1]}, {p->amount[0], p->amount[1]}, {p->returned[0], p->returned[1]},
			p->forth_first + 2 * p->reported
		};
		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK)
			return status;
		for (int32_t k = 0; k < p->payment_count; k++)
		{
			const payment *y = &p->payments[k];
			stored_payment line = {y->ts, y->amount, {k < p->settled ? y->left[SETTLED] : 0, y->left[CURRENT]}, y->forth};

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
read_pair(rk_ctx *ctx, reciprocity *s, rk_reader *reader)
{
	stored_pair in;
	pair	   *p;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK)
		return status;
	if (in.low >= in.high || in.high >= rk_keys_count(&s->ids) || find_pair(s, in.low, in.high) != NONE ||
		in.payment_count < 0 || in.settled < 0 || in.settled > in.payment_count ||
		in.head[0] < 0 || in.head[0] > in.payment_count || in.head[1] < 0 || in.head[1] > in.payment_count ||
		(uint64_t) in.payment_count > reader->left / sizeof(stored_payment) || (in.payment_count > 0 && !s->has_delay))
		return corrupt(ctx);
	if ((status = pair_room(ctx, s)) != RK_OK)
		return status;
	p = &s->pairs[add_pair(s, in.low, in.high)];
	p->forth_first = in.flags & 1;
	p->first_ts = in.first_ts;
	p->newest = in.newest;
	for (int a = 0; a < 2; a++)
	{
		p->count[a] = in.count[a];
		p->amount[a] = in.amount[a];
		p->returned[a] = in.returned[a];
		p->head[a] = in.head[a];
		s->total += in.amount[a];
	}
	if (in.payment_count > 0)
	{
		p->payments = rk_alloc(ctx, in.payment_count, sizeof(*p->payments));
		if (p->payments == NULL)
			return RK_ERR_MEMORY;
		p->payment_capacity = in.payment_count;
		p->settled = in.settled;
	}
	for (; p->payment_count < in.payment_count; p->payment_count++)
	{
		stored_payment line;

		if ((status = rk_read_bytes(ctx, reader, &line, sizeof(line))) != RK_OK)
			return status;
		if (p->payment_count > 0 && line.ts < p->payments[p->payment_count - 1].ts)
			return corrupt(ctx);
		p->payments[p->payment_count] = (payment) {
			line.ts, line.amount, {line.left[0], line.left[1]}, line.forth != 0
		};
	}
	/* by the options that the ring has now */
	p->reported = p->count[0] > 0 && p->count[1] > 0 && returned(s, p) >= s->min_amount;
	if (p->reported)
		s->reciprocal += 2 * returned(s, p);
	return RK_OK;
}

static rk_status
reciprocity_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = reciprocity_init(ctx, options, state);
	reciprocity *s = *state;
	stored_head head;

	(void) version;
	if (status != RK_OK || (status = rk_keys_read(ctx, &s->ids, reader)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, &head, sizeof(head))) != RK_OK)
		return status;
	if (head.count < 0 || head.count > UINT32_MAX / 2)
		return corrupt(ctx);
	if (head.has_delay != s->has_delay || (s->has_delay && head.max_delay != s->max_delay))
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "the ring was made with another option \"max_delay\"");
		rk_fail_hint(ctx, "It cannot change without rk.ring_reset.");
		return RK_ERR_PARAMETER;
	}
	for (int64_t i = 0; i < head.count; i++)
	{
		if ((status = read_pair(ctx, s, reader)) != RK_OK)
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
reciprocity_checksum(rk_ctx *ctx, void *state)
{
	reciprocity *s = state;
	uint64_t	all = rk_hash2(decimal_hash(s->total), decimal_hash(s->reciprocal));

	(void) ctx;
	for (uint32_t i = 0; i < s->count; i++)
	{
		pair	   *p = &s->pairs[i];
		bool		swap;
		uint64_t	ends[2] = {rk_keys_hash(&s->ids, p->low), rk_keys_hash(&s->ids, p->high)};
		uint64_t	h;

		if (s->has_delay)
			let_go(s, p);
		/* the numbers of the entities say which came first, and must not count */
		swap = ends[0] > ends[1];
		h = rk_hash2(ends[swap], ends[!swap]);
		h = rk_hash_fold(h, (uint64_t) (p->forth_first != swap) + 2 * p->reported);
		h = rk_hash_fold(h, (uint64_t) p->first_ts);
		h = rk_hash_fold(h, (uint64_t) p->newest);
		for (int a = 0; a < 2; a++)
		{
			h = rk_hash_fold(h, (uint64_t) p->count[a ^ swap]);
			h = rk_hash_fold(h, decimal_hash(p->amount[a ^ swap]));
			h = rk_hash_fold(h, decimal_hash(p->returned[a]));
		}
		for (int32_t k = 0; k < p->payment_count; k++)
		{
			const payment *y = &p->payments[k];

			h = rk_hash_fold(h, (uint64_t) y->ts);
			h = rk_hash_fold(h, (uint64_t) y->amount * 2 + (y->forth != swap));
			h = rk_hash_fold(h, (uint64_t) (k < p->settled ? y->left[SETTLED] : 0));
			h = rk_hash_fold(h, (uint64_t) y->left[CURRENT]);
		}
		all += h;
	}
	return all;
}

static const rk_param reciprocity_options[] = {
	RK_ID_TYPE_OPTION,
	{.name = "min_amount",.type = RK_TYPE_NUMERIC,.initial = "0",RK_BETWEEN(0, 92233720368.0),
	.meaning = "a pair is reciprocal if the smaller direction, or what came back in time, is at least this"},
	{.name = "max_delay",.type = RK_TYPE_INTERVAL,.initial = "NULL",RK_ABOVE(0),
	.meaning = "only money that comes back before this has passed counts; without it, whenever it comes back"},
	{.name = "allowed_lateness",.type = RK_TYPE_INTERVAL,.initial = "'01:00:00'",RK_AT_LEAST(0),
	.meaning = "with max_delay: how much older than the newest one of its pair a payment may be"},
	{0}
};

const rk_actor rk_actor_compliance_reciprocity_flow = {
	.kernel = KERNEL,
	.version = 1,
	.description = "money that flows both ways between two entities, after every payment",
	.messages = rk_compliance_reciprocity_messages,
	.options = reciprocity_options,
	.feed = 370,
	.says = rk_alert_broadcast_said,
	.init = reciprocity_init,
	.handle = reciprocity_handle,
	.snapshot = reciprocity_snapshot,
	.restore = reciprocity_restore,
	.checksum = reciprocity_checksum
};

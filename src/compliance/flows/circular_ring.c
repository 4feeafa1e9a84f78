/*
 * circular_ring.c
 *	  compliance/circular-flow as an actor: whether a payment closes a circle.
 *
 * Components, volumes and ratios are those of the batch function over the
 * payments of all pairs that are there.  CircularExpire drops the pairs whose
 * newest payment is older than a moment.
 */
#include "circular_state.h"

#include <stdio.h>

#include "../../compute/random.h"
#include "../payload.h"

#define KERNEL "compliance/circular-flow"

/* Whether the component of an entity counts. */
static bool
is_reported(circular *s, uint32_t node)
{
	const circular_node *c = &s->nodes[rk_circular_root(s, node)];

	return c->size >= 2 && c->internal >= s->min_amount;
}

static double
ratio_of(circular *s, uint32_t node)
{
	return rk_money_ratio(is_reported(s, node) ? s->nodes[node].circular : 0, s->nodes[node].out);
}

static void
send_alert(circular *s, const circular_step *step, int64_t ts, rk_reply *reply)
{
	rk_circular_alert alert;
	rk_alert_broadcast said;
	double		evenness = rk_money_ratio(step->least, step->most);
	double		score = evenness > 0 ? 100 * evenness : 0;

	s->cycles++;
	if (reply->publish == NULL)
		return;
	memset(&alert, 0, sizeof(alert));
	alert.cycle_id = s->cycles;
	alert.entity = rk_keys_id(&s->keys, s->pairs[step->pair].source);
	alert.related_entity = rk_keys_id(&s->keys, s->pairs[step->pair].target);
	alert.total_value = rk_fixed_or_absent(step->total);
	alert.ts = ts;
	alert.cycle_size = step->size;
	alert.risk_level = rk_alert_severity(score);
	rk_publish(reply, 314, &alert, sizeof(alert));
	said = rk_alert_of(KERNEL, RK_ALERT_CYCLE, &alert.entity, score, ts);
	said.related_entity = alert.related_entity;
	snprintf(said.context, sizeof(said.context), "circle of %d entities", step->size);
	rk_publish(reply, RK_ALERT_BROADCAST, &said, sizeof(said));
}

static rk_status
do_add(rk_ctx *ctx, circular *s, const rk_payment_request *q, rk_reply *reply)
{
	rk_circular_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	circular_step step;
	uint32_t	source;
	uint32_t	target;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->amount < 0)
	{
		rk_fail(ctx, RK_ERR_DATA, "amount must not be negative");
		rk_fail_hint(ctx, "Swap source and target.");
		return RK_ERR_DATA;
	}
	if ((status = rk_keys_add(ctx, &s->keys, "source", &q->source, &source)) != RK_OK ||
		(status = rk_keys_add(ctx, &s->keys, "target", &q->target, &target)) != RK_OK ||
		(status = rk_circular_add(ctx, s, source, target, q->amount, rk_us_of_ns(q->ts), &step)) != RK_OK)
		return status;
	r->cycle_detected = step.closed;
	r->cycle_size = step.size > 0 ? step.size : RK_FIELD_ABSENT_INT4;
	if (step.is_new && step.size > 0 && is_reported(s, source))
		send_alert(s, &step, q->ts, reply);
	r->source_ratio = ratio_of(s, source);
	return RK_OK;
}

static rk_status
do_query(rk_ctx *ctx, circular *s, const rk_circular_query_request *q, rk_reply *reply)
{
	rk_circular_query_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	const circular_node *component;
	uint32_t	i;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_find(ctx, &s->keys, "entity", &q->entity, &i)) != RK_OK)
		return status;
	if (i == RK_NO_ID || i >= s->node_count || !s->nodes[i].active)
	{
		r->status = 1;
		return RK_OK;
	}
	r->ratio = ratio_of(s, i);
	if (is_reported(s, i))
	{
		component = &s->nodes[rk_circular_root(s, i)];
		r->scc_count = 1;
		r->cycle_volume = rk_fixed_or_absent(s->nodes[i].circular);
		r->member_count = component->size;
		r->internal_amount = rk_fixed_or_absent(component->internal);
	}
	return RK_OK;
}

/* A graph of the pairs that stay is made beside this one, and takes its place. */
static rk_status
do_expire(rk_ctx *ctx, circular *s, const rk_circular_expire_request *q, rk_reply *reply)
{
	rk_circular_expire_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		before = rk_us_of_ns(q->before) + (q->before % 1000 != 0);
	circular	kept = *s;
	uint32_t	count = 0;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	for (uint32_t i = 0; i < s->pair_count; i++)
		count += s->pairs[i].last_ts >= before;
	r->edges_dropped = s->pair_count - count;
	if (count == s->pair_count)
		return RK_OK;
	status = rk_circular_create(ctx, &kept, count, rk_keys_count(&s->keys));
	if (status == RK_OK)
	{
		for (uint32_t i = 0; i < s->pair_count; i++)
			if (s->pairs[i].last_ts >= before)
				kept.pairs[kept.pair_count++] = s->pairs[i];
		status = rk_circular_build(ctx, &kept);
	}
	if (status != RK_OK)
	{
		rk_circular_free(ctx, &kept);
		return status;
	}
	rk_circular_free(ctx, s);
	*s = kept;
	return RK_OK;
}

static rk_status
circular_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 310:
			return do_add(ctx, state, message->payload, reply);
		case 312:
			return do_query(ctx, state, message->payload, reply);
		case 315:
			return do_expire(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, KERNEL " has no message %u", message->type_id);
}

/* ---- its life ---- */

static rk_status
circular_new(rk_ctx *ctx, const rk_options *options, circular **state)
{
	circular   *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	*state = s;
	s->min_amount = rk_option_find(options, "min_amount")->integer;
	s->max_length = (int32_t) rk_option_find(options, "max_cycle_length")->integer;
	return rk_keys_init(ctx, options, &s->keys);
}

static rk_status
circular_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	circular   *s;
	rk_status	status = circular_new(ctx, options, &s);

	if (status != RK_OK)
		return status;
	*state = s;
	return rk_circular_create(ctx, s, 0, 0);
}

typedef struct stored_head
{
	int64_t		cycles;
	int64_t		pairs;
} stored_head;

typedef struct stored_pair
{
	rk_decimal	amount;
	int64_t		count;
	int64_t		last_ts;
	uint32_t	source;
	uint32_t	target;
} stored_pair;

static rk_status
circular_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	circular   *s = state;
	stored_head head = {s->cycles, s->pair_count};
	rk_status	status;

	if ((status = rk_keys_write(ctx, &s->keys, writer)) != RK_OK ||
		(status = rk_write(ctx, writer, &head, sizeof(head))) != RK_OK)
		return status;
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		const circular_pair *p = &s->pairs[i];
		stored_pair out = {p->amount, p->count, p->last_ts, p->source, p->target};

		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK)
			return status;
		if (i % 65536 == 65535 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
circular_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	circular   *s;
	rk_status	status = circular_new(ctx, options, &s);
	stored_head head;
	uint32_t	ids;

	(void) version;
	if (status != RK_OK || (status = rk_keys_read(ctx, &s->keys, reader)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, &head, sizeof(head))) != RK_OK)
		return status;
	*state = s;
	ids = rk_keys_count(&s->keys);
	if (head.pairs < 0 || (uint64_t) head.pairs > reader->left / sizeof(stored_pair) || head.pairs > UINT32_MAX / 4)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	if ((status = rk_circular_create(ctx, s, (uint32_t) head.pairs, ids)) != RK_OK)
		return status;
	s->cycles = head.cycles;
	for (int64_t i = 0; i < head.pairs; i++)
	{
		stored_pair in;

		if ((status = rk_read_bytes(ctx, reader, &in, sizeof(in))) != RK_OK)
			return status;
		if (in.source >= ids || in.target >= ids)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of " KERNEL);
		s->pairs[s->pair_count++] = (circular_pair) {
			.amount = in.amount, .count = in.count, .last_ts = in.last_ts, .source = in.source, .target = in.target
		};
	}
	return rk_circular_build(ctx, s);
}

static uint64_t
decimal_hash(rk_decimal value)
{
	return rk_hash2((uint64_t) (unsigned __int128) value, (uint64_t) ((unsigned __int128) value >> 64));
}

/* Components follow from the pairs, but are what must not go wrong. */
static uint64_t
circular_checksum(rk_ctx *ctx, void *state)
{
	circular   *s = state;
	uint64_t	all = rk_hash2(decimal_hash(s->total), (uint64_t) s->cycles);

	(void) ctx;
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		const circular_pair *p = &s->pairs[i];
		uint64_t	h = rk_hash3(rk_keys_hash(&s->keys, p->source), rk_keys_hash(&s->keys, p->target), decimal_hash(p->amount));

		all += rk_hash_fold(rk_hash_fold(h, (uint64_t) p->count), (uint64_t) p->last_ts);
	}
	for (uint32_t i = 0; i < s->node_count; i++)
	{
		const circular_node *n = &s->nodes[i];
		const circular_node *c = &s->nodes[rk_circular_root(s, i)];
		uint64_t	h;

		if (!n->active)
			continue;
		h = rk_hash3(rk_keys_hash(&s->keys, i), decimal_hash(n->out), decimal_hash(n->circular));
		all += rk_hash_fold(rk_hash_fold(h, c->size), decimal_hash(c->internal));
	}
	return all;
}

static const rk_param circular_options[] = {
	RK_ID_TYPE_OPTION,
	{.name = "min_amount",.type = RK_TYPE_NUMERIC,.initial = "0",RK_BETWEEN(0, 92233720368.0),
	.meaning = "least amount inside a component that counts"},
	{.name = "max_cycle_length",.type = RK_TYPE_INT4,.initial = "6",RK_BETWEEN(2, 64),
	.meaning = "longest circle that is searched for"},
	{0}
};

const rk_actor rk_actor_compliance_circular_flow = {
	.kernel = KERNEL,
	.version = 1,
	.description = "whether a payment closes a circle, and what stays in circles",
	.messages = rk_compliance_circular_messages,
	.options = circular_options,
	.feed = 310,
	.says = rk_alert_broadcast_said,
	.init = circular_init,
	.handle = circular_handle,
	.snapshot = circular_snapshot,
	.restore = circular_restore,
	.checksum = circular_checksum
};

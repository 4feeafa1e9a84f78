/*
 * echo_ring.c
 *	  core/echo: answers with what it is sent, and keeps a total.
 *
 * The smallest actor there is: for trying a server, for measuring what a round
 * trip costs without any work in it, and for tests that count whether every
 * message was applied exactly once.
 */
#include "core_ring.h"
#include "echo_step.h"

#include "../compute/random.h"

static rk_status
echo_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	(void) options;
	*state = rk_alloc0(ctx, 1, sizeof(rk_echo_state));
	return *state ? RK_OK : RK_ERR_MEMORY;
}

/* Writes the reply of EchoAdd and EchoTotal. */
static rk_status
reply_total(rk_ctx *ctx, const rk_echo_state *s, rk_reply *reply)
{
	rk_echo_total_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	rk_echo_fill(s, r);
	return RK_OK;
}

/* Hands EchoPass to the next ring, which hands it to the one after. */
static void
pass_on(const rk_echo_pass_request *q, rk_reply *reply)
{
	rk_echo_pass_request next = {.amount = q->amount};
	char		name[sizeof(q->next) + 1];

	if (q->next[0] == '\0')
		return;
	memcpy(next.next, q->after, sizeof(next.next));
	memcpy(next.after, q->next, sizeof(next.after));
	memcpy(name, q->next, sizeof(q->next));
	name[sizeof(q->next)] = '\0';
	rk_send(reply, name, 58, &next, sizeof(next));
}

static rk_status
echo_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	rk_echo_state *s = state;

	switch (message->type_id)
	{
		case 50:
			{
				const rk_echo_request *q = message->payload;
				rk_echo_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

				if (r == NULL)
					return ctx->error.status;
				r->value = q->value;
				return RK_OK;
			}
		case 52:
		case 58:
			{
				/* the amount comes first in both */
				const rk_echo_add_request *q = message->payload;

				if (!rk_echo_add(s, q->amount, message->sent_ns))
					return rk_fail(ctx, RK_ERR_OVERFLOW, RK_ECHO_OVERFLOW);
				if (reply->publish)
				{
					rk_echo_added added = {q->amount, s->total, s->messages};

					rk_publish(reply, 56, &added, sizeof(added));
				}
				if (message->type_id == 58)
					pass_on(message->payload, reply);
				return reply_total(ctx, s, reply);
			}
		case 54:
			{
				const rk_echo_total_request *q = message->payload;

				if (s->messages < q->min_messages)
				{
					reply->later = true;
					return RK_OK;
				}
				return reply_total(ctx, s, reply);
			}
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "core/echo has no message %u", message->type_id);
}

static rk_status
echo_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	return rk_write(ctx, writer, state, sizeof(rk_echo_state));
}

static rk_status
echo_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = echo_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_bytes(ctx, reader, *state, sizeof(rk_echo_state)) : status;
}

/* The state is its own image. */
static size_t
echo_pack(const void *state, char *image, uint64_t base)
{
	(void) base;
	if (image)
		memcpy(image, state, sizeof(rk_echo_state));
	return sizeof(rk_echo_state);
}

static rk_status
echo_unpack(rk_ctx *ctx, void *state, const char *image, uint64_t base)
{
	(void) ctx;
	(void) base;
	memcpy(state, image, sizeof(rk_echo_state));
	return RK_OK;
}

static const rk_actor_device echo_device = {
	.kind = RK_RING_ECHO,
	.types = {50, 52, 54},
	.pack = echo_pack,
	.unpack = echo_unpack
};

static uint64_t
echo_checksum(rk_ctx *ctx, void *state)
{
	rk_echo_state *s = state;

	(void) ctx;
	return rk_hash3((uint64_t) s->total, (uint64_t) s->messages, (uint64_t) s->sent_at);
}

const rk_actor rk_actor_core_echo = {
	.kernel = "core/echo",
	.version = 1,
	.description = "answers with what it is sent, and keeps a total",
	.messages = rk_core_messages,
	.init = echo_init,
	.handle = echo_handle,
	.snapshot = echo_snapshot,
	.restore = echo_restore,
	.checksum = echo_checksum,
	.device = &echo_device
};

/*
 * fault_ring.c
 *	  core/fault: fails as it is told, to try what a server makes of it.
 *
 * It refuses messages, runs out of memory for some attempts, takes its time or
 * takes its process along.  What a ring, its senders and its tables are like
 * afterwards is what the tests look at.  Only superusers may run and use it.
 */
#include "core_ring.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "../compute/random.h"

typedef struct fault_state
{
	int64_t		handled;
	uint64_t	sum;			/* of what they held: a state that a half-done message would show in */
} fault_state;

static rk_status
fault_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	(void) options;
	*state = rk_alloc0(ctx, 1, sizeof(fault_state));
	return *state ? RK_OK : RK_ERR_MEMORY;
}

/* Lets time pass; whoever polls may be stopped in between. */
static rk_status
pass_time(rk_ctx *ctx, int64_t milliseconds, bool polls)
{
	struct timespec piece = {0, 1000000};

	for (int64_t i = 0; i < milliseconds; i++)
	{
		nanosleep(&piece, NULL);
		if (polls && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
fail(rk_ctx *ctx, rk_status status, const rk_fault_request *q)
{
	rk_fail(ctx, status, "%.*s", (int) sizeof(q->message), q->message[0] ? q->message : "fault on request");
	if (q->detail[0])
		rk_fail_detail(ctx, "%.*s", (int) sizeof(q->detail), q->detail);
	if (q->hint[0])
		rk_fail_hint(ctx, "%.*s", (int) sizeof(q->hint), q->hint);
	return status;
}

static rk_status
fault(rk_ctx *ctx, const rk_fault_request *q, const rk_message *message)
{
	void	   *p;

	if (q->attempts > 0 && message->attempt > q->attempts)
		return RK_OK;
	switch (q->kind)
	{
		case RK_FAULT_DATA:
			return fail(ctx, RK_ERR_DATA, q);
		case RK_FAULT_OVERFLOW:
			return fail(ctx, RK_ERR_OVERFLOW, q);
		case RK_FAULT_MEMORY:
			return fail(ctx, RK_ERR_MEMORY, q);
		case RK_FAULT_ALLOCATE:
			p = rk_alloc0(ctx, q->amount, 1);
			if (p == NULL)
				return ctx->error.status;
			rk_free(ctx, p);
			return RK_OK;
		case RK_FAULT_SLEEP:
			return pass_time(ctx, q->amount, true);
		case RK_FAULT_HANG:
			return pass_time(ctx, q->amount, false);
		case RK_FAULT_EXIT:
			exit(1);
		case RK_FAULT_CRASH:
			raise(SIGKILL);
	}
	return RK_OK;
}

static rk_status
fault_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	fault_state *s = state;

	switch (message->type_id)
	{
		case 60:
			{
				const rk_fault_request *q = message->payload;
				rk_status	status = fault(ctx, q, message);

				if (status != RK_OK)
					return status;
				s->handled++;
				s->sum += (uint64_t) q->amount;
				return RK_OK;
			}
		case 62:
			{
				rk_fault_count_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

				if (r == NULL)
					return ctx->error.status;
				r->handled = s->handled;
				return RK_OK;
			}
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "core/fault has no message %u", message->type_id);
}

static rk_status
fault_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	return rk_write(ctx, writer, state, sizeof(fault_state));
}

static rk_status
fault_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = fault_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_bytes(ctx, reader, *state, sizeof(fault_state)) : status;
}

static uint64_t
fault_checksum(rk_ctx *ctx, void *state)
{
	fault_state *s = state;

	(void) ctx;
	return rk_hash3((uint64_t) s->handled, s->sum, 0);
}

const rk_actor rk_actor_core_fault = {
	.kernel = "core/fault",
	.version = 1,
	.description = "fails as it is told, for tests",
	.messages = rk_core_fault_messages,
	.superusers_only = true,
	.init = fault_init,
	.handle = fault_handle,
	.snapshot = fault_snapshot,
	.restore = fault_restore,
	.checksum = fault_checksum
};

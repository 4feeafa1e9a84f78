/*
 * echo_step.h
 *	  What core/echo does with a message: for the actor, and for devices.
 */
#ifndef RK_CORE_ECHO_STEP_H
#define RK_CORE_ECHO_STEP_H

#include <stdbool.h>

#include "../../cuda/rk_window.h"
#include "../compute/status.h"
#include "core_payloads.h"

typedef struct rk_echo_state
{
	int64_t		total;
	int64_t		messages;
	int64_t		sent_at;
} rk_echo_state;

#define RK_ECHO_OVERFLOW "total is out of range"

/* Adds an amount; false: the total would be out of range, and is what it was. */
RK_BOTH bool
rk_echo_add(rk_echo_state *s, int64_t amount, int64_t sent_ns)
{
	if (amount > 0 ? s->total > INT64_MAX - amount : s->total < INT64_MIN - amount)
		return false;
	s->total += amount;
	s->messages++;
	s->sent_at = sent_ns;
	return true;
}

RK_BOTH void
rk_echo_fill(const rk_echo_state *s, rk_echo_total_reply *r)
{
	r->total = s->total;
	r->messages = s->messages;
	r->sent_at = s->sent_at;
}

/* A message on a device. */
RK_BOTH void
rk_echo_step(rk_echo_state *s, const rk_window_request *q, rk_window_reply *r)
{
	switch (q->type_id)
	{
		case 50:
			((rk_echo_reply *) r->data)->value = ((const rk_echo_request *) q->payload)->value;
			r->length = sizeof(rk_echo_reply);
			return;
		case 52:
			if (!rk_echo_add(s, ((const rk_echo_add_request *) q->payload)->amount, q->sent_ns))
			{
				rk_window_refuse(r, RK_ERR_OVERFLOW, RK_ECHO_OVERFLOW);
				return;
			}
			break;
		case 54:
			if (s->messages < ((const rk_echo_total_request *) q->payload)->min_messages)
			{
				r->flags = RK_WINDOW_LATER;
				return;
			}
			break;
		default:
			rk_window_refuse(r, RK_ERR_UNSUPPORTED, "no such message on a device");
			return;
	}
	rk_echo_fill(s, (rk_echo_total_reply *) r->data);
	r->length = sizeof(rk_echo_total_reply);
}

#endif							/* RK_CORE_ECHO_STEP_H */

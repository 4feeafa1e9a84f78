/*
 * ring_steps.h
 *	  What a device does with one message of a ring: the functions of the actors
 *	  themselves, from their rooms.
 *
 * Plain C, so that the tests' device library serves rings by the same text.
 */
#ifndef RK_RING_STEPS_H
#define RK_RING_STEPS_H

#include "rk_window.h"
#include "../src/core/echo_step.h"

/* Serves a message; false: there is no room for it, and nothing has changed. */
RK_BOTH bool
rk_ring_step(int kind, char *image, const rk_window_request *q, rk_window_reply *r)
{
	r->status = RK_OK;
	r->length = 0;
	r->flags = 0;
	switch (kind)
	{
		case RK_RING_ECHO:
			rk_echo_step((rk_echo_state *) image, q, r);
			return true;
	}
	rk_window_refuse(r, RK_ERR_UNSUPPORTED, "no such ring on a device");
	return true;
}

#endif							/* RK_RING_STEPS_H */

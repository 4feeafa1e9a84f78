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
#include "../src/compliance/monitoring/monitoring_step.h"
#include "../src/core/echo_step.h"
#include "../src/graph/centrality/pagerank_step.h"

/*
 * Serves a message; false: there is no room for it, and nothing has changed.
 * The reply is zeros before.
 */
RK_BOTH bool
rk_ring_step(int kind, char *image, const rk_window_request *q, rk_window_reply *r)
{
	switch (kind)
	{
		case RK_RING_ECHO:
			rk_echo_step((rk_echo_state *) image, q, r);
			return true;
		case RK_RING_PAGERANK:
			return rk_pagerank_step((rk_pagerank_state *) image, q, r);
		case RK_RING_MONITORING:
			return rk_monitor_step((monitor *) image, q, r);
	}
	rk_window_refuse(r, RK_ERR_UNSUPPORTED, "no such ring on a device");
	return true;
}

/* Whether a whole team serves messages of a type: rk_ring_step_wide. */
RK_BOTH bool
rk_ring_is_wide(int kind, uint32_t type_id)
{
	return kind == RK_RING_PAGERANK && rk_pagerank_is_wide(type_id);
}

/*
 * All of the team call it; the first writes the reply.  It ends early after *stop
 * is set.  False: the time of the team is over, and it is to be called again with
 * the same message, before any other.
 */
RK_BOTH bool
rk_ring_step_wide(int kind, char *image, const rk_window_request *q, rk_window_reply *r, const rk_team *team,
				  const uint32_t *stop)
{
	return kind != RK_RING_PAGERANK || rk_pagerank_step_wide((rk_pagerank_state *) image, q, r, team, stop);
}

#endif							/* RK_RING_STEPS_H */

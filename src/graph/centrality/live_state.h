/*
 * live_state.h
 *	  The state of a PageRank that is kept up to date (live_pagerank.h): for the
 *	  CPU and for devices.
 */
#ifndef RK_GRAPH_LIVE_STATE_H
#define RK_GRAPH_LIVE_STATE_H

#include "dangling.h"
#include "dynamic_change.h"

typedef enum rk_live_phase
{
	RK_LIVE_IDLE,
	RK_LIVE_MASS,				/* adds the scores up */
	RK_LIVE_CLEAR,				/* zeros next, and adds up what dangles */
	RK_LIVE_PUSH,				/* along the pairs, in the order of memory */
	RK_LIVE_GATHER				/* makes scores of what has arrived */
} rk_live_phase;

typedef struct rk_live_pagerank
{
	double		damping;
	bool		weighted;
	rk_dangling dangling;

	double	   *score;			/* by index of the node */
	double	   *next;
	int64_t    *preference;		/* teleport weights, fixed-point; NULL: all alike */
	__int128	preference_sum;
	uint32_t	capacity;

	int64_t		iteration;		/* since the scores were reset */
	int64_t		converged_version;	/* of the graph; -1: not since the last reset */
	uint64_t	changes;		/* of the scores, for caches */

	/* what is under way */
	rk_live_phase phase;
	int64_t		limit;			/* iterations, at most */
	int64_t		made;
	double		threshold;
	double		delta;			/* of the last whole iteration */
	uint32_t	cursor;
	int64_t		version;		/* of the graph when the iteration began */
	double		mass;
	double		scale;			/* makes the scores add up to 1 again */
	double		lost;			/* mass of dangling nodes */
	double		change;
} rk_live_pagerank;

/* A node that is new begins with 1 / n. */
RK_BOTH void
rk_live_node_added(rk_live_pagerank *live, const rk_dynamic_graph *g, uint32_t node)
{
	live->score[node] = 1.0 / g->node_count;
	live->next[node] = 0;
	live->changes++;
}

/* A node has gone. */
RK_BOTH void
rk_live_node_dropped(rk_live_pagerank *live, uint32_t node)
{
	if (live->preference)
	{
		live->preference_sum -= live->preference[node];
		live->preference[node] = 0;
	}
	live->changes++;
}

#endif							/* RK_GRAPH_LIVE_STATE_H */

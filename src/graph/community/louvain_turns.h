/*
 * louvain_turns.h
 *	  How nodes take their turns, for the CPU and for devices.
 *
 * The nodes that are looked at in a pass are cut into batches by their work, and
 * a batch is judged by the communities as they were before it.  Many small ones
 * are as good as one node after the other; the fewer, the more moves work
 * against each other.
 */
#ifndef RK_LOUVAIN_TURNS_H
#define RK_LOUVAIN_TURNS_H

#include <stdint.h>

#include "../../compute/both.h"

#define LOUVAIN_ALONE UINT32_MAX	/* as a target: a community of its own */

/* More than rounding can make of a gain of nothing, as a share of strength. */
#define LOUVAIN_EPSILON 1e-12

#define LOUVAIN_NODE_WORK 4		/* of a node, beside 1 an entry of its row */
#define LOUVAIN_BATCHES 64		/* of a pass, at least ... */
#define LOUVAIN_BATCH_WORK 131072	/* ... and none larger */
#define LOUVAIN_SINGLE_WORK 128 /* a batch below this is one node */

/* A batch ends at the node with which it has this work, of total in the pass. */
RK_BOTH int64_t
rk_louvain_batch_work(int64_t total)
{
	int64_t		work = total / LOUVAIN_BATCHES;

	if (work > LOUVAIN_BATCH_WORK)
		return LOUVAIN_BATCH_WORK;
	return work < LOUVAIN_SINGLE_WORK ? 1 : work;
}

#endif							/* RK_LOUVAIN_TURNS_H */

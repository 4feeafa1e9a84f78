/*
 * neural_steps.h
 *	  What the kernels of this room are made of, in float4 and in float8.
 */
#ifndef RK_NEURAL_STEPS_H
#define RK_NEURAL_STEPS_H

#include "neural.h"

#include <math.h>
#include <string.h>

#include "../../compute/both.h"
#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define RK_TERMS 256			/* terms of a sum in float4 */

/* Wider registers and fused multiplication where the machine has them. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define WIDE
#endif

/* Whether all features are finite; the node whose are not is named. */
static inline rk_status
rk_features_check(rk_ctx *ctx, int64_t n, int64_t columns, const double *features)
{
	for (int64_t v = 0; v < n; v++)
	{
		if ((v & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t c = 0; c < columns; c++)
			if (features[v * columns + c] - features[v * columns + c] != 0)
				return rk_fail_node(ctx, RK_ERR_DATA, v, "a feature of node %%node is not finite");
	}
	return RK_OK;
}

#endif							/* RK_NEURAL_STEPS_H */

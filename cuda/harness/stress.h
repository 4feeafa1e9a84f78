/*
 * stress.h
 *	  Grids of shocks, and what is sent of them to a device.
 */
#ifndef RK_HARNESS_STRESS_H
#define RK_HARNESS_STRESS_H

#include "harness.h"

#include "../../src/risk/stress/stress.h"

/*
 * Makes one, and the inputs of call.  Not plain: numbers with all their digits,
 * tiny and large ones, and a factor that nothing depends on.
 */
extern void make_stress(rk_ctx *ctx, uint64_t seed, int64_t positions, int64_t factors, int64_t shocks, bool plain,
						rk_stress_grid *grid, rk_cuda_stress_params *params, rk_cuda_call *call);

#endif							/* RK_HARNESS_STRESS_H */

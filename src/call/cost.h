/*
 * cost.h
 *	  What a run will take: memory, time, rows.
 */
#ifndef RK_COST_H
#define RK_COST_H

#include "call.h"
#include "../relation/estimate.h"

typedef struct rk_run_cost
{
	double		rows_out;
	double		compute_ns;		/* with one thread */
	int64		memory;			/* bytes at the peak */
} rk_run_cost;

extern rk_run_cost rk_cost_of_run(const rk_kernel *kernel, const rk_function *function,
								  const rk_estimate *input, double iterations);

#endif							/* RK_COST_H */

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

/*
 * Refuses the run (53200) when its input is a whole table whose size alone
 * says that rk.memory_limit will not do.
 */
extern void rk_refuse_memory(const rk_call *call, const rk_estimate *input);

#endif							/* RK_COST_H */

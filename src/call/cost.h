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
} rk_run_cost;

extern rk_run_cost rk_cost_of_run(const rk_kernel *kernel, const rk_function *function,
								  const rk_estimate *input, double iterations);

/*
 * Bytes at the peak of a run over an input of this size, with the arguments of
 * the call: the largest of reading, numbering, building and computing.
 */
extern int64 rk_memory_of_run(const rk_call *call, const rk_estimate *input);

/* Refuses the run (53200) when what its kernel needs goes beyond the limit. */
extern void rk_refuse_kernel(const rk_call *call, const rk_graph *g);

/*
 * Refuses the run (53200) when its input is a whole table whose size alone
 * says that rk.memory_limit will not do.
 */
extern void rk_refuse_memory(const rk_call *call, const rk_estimate *input);

#endif							/* RK_COST_H */

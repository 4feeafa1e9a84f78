/*
 * measure.h
 *	  What all programs that time kernels need.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/compute/ctx.h"

/* Seconds of a clock that never goes back. */
static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Ends the program with the error of a call that failed. */
static inline void
check(rk_ctx *ctx, rk_status status)
{
	if (status != RK_OK)
	{
		fprintf(stderr, "%s\n", ctx->error.message);
		exit(1);
	}
}

#endif							/* BENCH_MEASURE_H */

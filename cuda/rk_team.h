/*
 * rk_team.h
 *	  Threads that work on one message of a ring together: a block of a device, or
 *	  the one thread that a CPU has for it.
 *
 * Sums are of integers, so they have the same bits however many there are.
 */
#ifndef RK_TEAM_H
#define RK_TEAM_H

#include <stdint.h>

#include "../src/compute/both.h"

typedef struct rk_team
{
	unsigned	rank;
	unsigned	size;			/* a power of two */
	uint64_t   *parts;			/* a word for each, shared */
} rk_team;

/* Waits for the others. */
RK_BOTH void
rk_team_sync(const rk_team *team)
{
#if defined(__CUDA_ARCH__) || defined(RK_CUDA_ON_HOST)
	if (team->size > 1)
		__syncthreads();
#else
	(void) team;
#endif
}

/* The sum of what all have; every one gets it. */
RK_BOTH uint64_t
rk_team_sum(const rk_team *team, uint64_t value)
{
	team->parts[team->rank] = value;
	rk_team_sync(team);
	for (unsigned half = team->size / 2; half > 0; half /= 2)
	{
		if (team->rank < half)
			team->parts[team->rank] += team->parts[team->rank + half];
		rk_team_sync(team);
	}
	value = team->parts[0];
	rk_team_sync(team);
	return value;
}

/* Adds to a word that others add to as well. */
RK_BOTH void
rk_team_add(uint64_t *p, uint64_t value)
{
#ifdef __CUDA_ARCH__
	atomicAdd((unsigned long long *) p, (unsigned long long) value);
#else
	*p += value;
#endif
}

#endif							/* RK_TEAM_H */

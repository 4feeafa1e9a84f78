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

#if defined(RK_CUDA_ON_HOST)
#include <chrono>
#else
#include <time.h>
#endif

#include "rk_window.h"

#define RK_TEAM_CHUNK 65536		/* of a loop, between two looks at the clock: about a millisecond */

typedef struct rk_team
{
	unsigned	rank;
	unsigned	size;			/* a power of two */
	uint64_t   *parts;			/* a word for each, shared */
	uint64_t	until;			/* of rk_team_clock, when to pause; 0: never */
	uint32_t	chunk;			/* 0: RK_TEAM_CHUNK */
} rk_team;

/* Whether a team goes on. */
typedef enum rk_team_order
{
	RK_TEAM_GO,
	RK_TEAM_STOP,				/* for good */
	RK_TEAM_PAUSE				/* what was done is kept, the rest comes in another slice */
} rk_team_order;

/* Nanoseconds of a clock that all of the team have. */
RK_BOTH uint64_t
rk_team_clock(void)
{
#if defined(__CUDA_ARCH__)
	uint64_t	t;

	asm volatile("mov.u64 %0, %globaltimer;" : "=l" (t));
	return t;
#elif defined(RK_CUDA_ON_HOST)
	return (uint64_t) std::chrono::duration_cast<std::chrono::nanoseconds>(
		std::chrono::steady_clock::now().time_since_epoch()).count();
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
#endif
}

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

/* One of them looks, so that all do the same. */
RK_BOTH rk_team_order
rk_team_ask(const rk_team *team, const uint32_t *stop)
{
	uint64_t	order = RK_TEAM_GO;

	if (team->rank == 0 && rk_look32(stop) != 0)
		order = RK_TEAM_STOP;
	else if (team->rank == 0 && team->until != 0 && rk_team_clock() >= team->until)
		order = RK_TEAM_PAUSE;
	return (rk_team_order) rk_team_sum(team, order);
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

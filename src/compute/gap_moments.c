/*
 * gap_moments.c
 *	  Moments of two rows over the places where both have a value.
 */
#include "gap_moments.h"

#include <math.h>
#include <stdbool.h>

#define LANES 8

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef int64_t flags __attribute__((vector_size(LANES * sizeof(int64_t)), aligned(sizeof(double)), may_alias));

#define MOMENTS(name) name##_narrow
#define MOMENTS_TARGET
#include "gap_moments_step.h"

#if defined(__x86_64__) && defined(__GNUC__)

#define MOMENTS(name) name##_middle
#define MOMENTS_TARGET __attribute__((target("avx2,fma")))
#include "gap_moments_step.h"

#define MOMENTS(name) name##_wide
#define MOMENTS_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#include "gap_moments_step.h"

rk_gap_moments_fn
rk_gap_moments(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512bw"))
		return moments_wide;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? moments_middle : moments_narrow;
}

#else

rk_gap_moments_fn
rk_gap_moments(void)
{
	return moments_narrow;
}

#endif

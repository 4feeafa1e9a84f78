/*
 * sampling_steps.h
 *	  How many paths betweenness_sampling.c draws, for the CPU and for devices:
 *	  both have to come to the same decision from the same hits.
 */
#ifndef RK_SAMPLING_STEPS_H
#define RK_SAMPLING_STEPS_H

#include <math.h>
#include <stdint.h>

#include "../../compute/both.h"

#define RK_SAMPLE_FIRST_SHARE 100	/* of the limit, to find out how large shares are */
#define RK_SAMPLE_UNIFORM_SHARE 0.001	/* of delta divided evenly, for elements without hits */
#define RK_SAMPLE_MIN_ROUND 1024	/* samples between looks at the bounds */

/* Samples of the round after so many. */
static inline int64_t
rk_sample_round(int64_t samples, int64_t limit)
{
	int64_t		round = samples / 10 > RK_SAMPLE_MIN_ROUND ? samples / 10 : RK_SAMPLE_MIN_ROUND;

	return round < limit - samples ? round : limit - samples;
}

/*
 * Divides delta / 2 among the elements: log_delta[h] is ln(1 / d) where d is
 * what each of the two bounds of an element with h hits may fail with; count[h]
 * elements have h of them, 0 <= h <= most.  The error of an element with share b
 * after t samples is about sqrt(2 b ln(1 / d) / t); to be the same for all, ln(1
 * / d) is made proportional to 1 / b.
 */
static inline void
rk_sample_divide_delta(const int64_t *count, int64_t most, int64_t elements, int64_t samples, double delta,
					   double *log_delta)
{
	double		even = RK_SAMPLE_UNIFORM_SHARE * delta / (4.0 * (double) elements);
	double		budget = (1 - RK_SAMPLE_UNIFORM_SHARE) * delta / 4;
	double		low = 0;
	double		high = log((double) elements / budget);	/* enough for shares of 1 */

	/* by bisection, as exp(-factor / share) falls with the factor */
	for (int round = 0; round < 30; round++)
	{
		double		middle = (low + high) / 2;
		double		sum = 0;

		for (int64_t h = 0; h <= most; h++)
			if (count[h] > 0)
				sum += (double) count[h] * exp(-middle * (double) samples / (double) (h > 1 ? h : 1));
		if (sum > budget)
			low = middle;
		else
			high = middle;
	}
	for (int64_t h = 0; h <= most; h++)
		log_delta[h] = -log(exp(-high * (double) samples / (double) (h > 1 ? h : 1)) + even);
}

/*
 * Whether both bounds of an element hold: f and g of the paper with the share
 * hits / samples.
 */
RK_BOTH int
rk_sample_is_known(double hits, double samples, double limit, double log_delta, double epsilon)
{
	double		ratio = limit / samples;
	double		spread = 2 * hits / samples * limit / log_delta;
	double		below = 1.0 / 3 - ratio;
	double		above = 1.0 / 3 + ratio;
	double		f = log_delta / samples * (below + sqrt(below * below + spread));
	double		g = log_delta / samples * (above + sqrt(above * above + spread));

	return f <= epsilon && g <= epsilon;
}

#endif							/* RK_SAMPLING_STEPS_H */

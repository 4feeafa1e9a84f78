/*
 * scores.h
 *	  From what was found of a pair to its score; for CUDA devices as well.
 */
#ifndef RK_SCORES_H
#define RK_SCORES_H

#include <math.h>
#include <stdint.h>

#include "../../compute/both.h"

/* What a score is made of. */
typedef enum rk_score
{
	RK_SCORE_SUM,				/* the sum itself */
	RK_SCORE_COUNT,				/* the number of common neighbours */
	RK_SCORE_JACCARD,			/* sizes: of the sets */
	RK_SCORE_RUZICKA,			/* sum of minima; sizes: sums of strengths */
	RK_SCORE_COSINE,			/* sizes: of the sets */
	RK_SCORE_COSINE_VECTORS		/* product; sizes: squares of lengths */
} rk_score;

/* sum: over the common neighbours, if the score is made of one. */
RK_BOTH double
rk_score_of(rk_score score, double size_a, double size_b, uint32_t common, double sum)
{
	double		both = common;

	switch (score)
	{
		case RK_SCORE_COUNT:
			return both;
		case RK_SCORE_JACCARD:
			{
				double		either = size_a + size_b - both;

				return either > 0 ? both / either : 0;
			}
		case RK_SCORE_RUZICKA:
			{
				double		greatest = size_a + size_b - sum;
				double		share = greatest > 0 ? sum / greatest : 0;

				/* rounding of the difference */
				return share > 1 ? 1 : share;
			}
		case RK_SCORE_COSINE:
			{
				double		lengths = size_a * size_b;

				return lengths > 0 ? both / sqrt(lengths) : 0;
			}
		case RK_SCORE_COSINE_VECTORS:
			{
				/* the root of the product keeps equal rows at 1 */
				double		lengths = size_a * size_b;
				double		cosine = lengths > 0 ? sum / sqrt(lengths) : 0;

				return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
			}
		default:
			return sum;
	}
}

/*
 * How much the neighbours of a node of this size must weigh together for a
 * score of t: see rk_measure.
 */
RK_BOTH double
rk_score_need(int power, double size, double t)
{
	return power == 0 ? t : power == 1 ? t * size : t * t * size;
}

/* Bounds are sums in floating point. */
#define RK_SCORE_MARGIN (1 - 1e-9)

#endif							/* RK_SCORES_H */

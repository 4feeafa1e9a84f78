/*
 * sobol_point.h
 *	  Points of Sobol's sequence from direction numbers, for the CPU and for
 *	  devices.
 */
#ifndef RK_SOBOL_POINT_H
#define RK_SOBOL_POINT_H

#include <stdint.h>

#include "both.h"

#define RK_SOBOL_BITS 32		/* so 2^32 points */

/* Coordinate of the point with this index, as 32 bits after the point. */
RK_BOTH uint32_t
rk_sobol_bits(const uint32_t *directions, uint32_t index)
{
	uint32_t	gray = index ^ index >> 1;
	uint32_t	x = 0;

	for (int k = 0; gray != 0; k++, gray >>= 1)
		x ^= (0 - (gray & 1)) & directions[k];
	return x;
}

#endif							/* RK_SOBOL_POINT_H */

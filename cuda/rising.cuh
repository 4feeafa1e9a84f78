/*
 * rising.cuh
 *	  Searching in rows, whose neighbours rise.
 */
#ifndef RK_RISING_CUH
#define RK_RISING_CUH

#include "device.cuh"

/* First place in [low, high) of a rising list with at least z; high: there is none. */
__device__ static inline int64_t
place_of(const uint32_t *list, int64_t low, int64_t high, uint32_t z)
{
	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (list[middle] < z)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif							/* RK_RISING_CUH */

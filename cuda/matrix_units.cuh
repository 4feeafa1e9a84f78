/*
 * matrix_units.cuh
 *	  Products of small matrices of float8 by the matrix units of a
 *	  multiprocessor, a warp each.
 *
 * Lane l has of a: rows l / 4 and 8 + l / 4 at l % 4; of b, whose columns are
 * given as rows: that of column l / 4 at l % 4; of the sum: rows l / 4, then
 * 8 + l / 4, in columns 2 (l % 4) and the next.  Where compute capability 9.0 has
 * one instruction for it, 8.0 has two of half the height.
 */
#ifndef RK_MATRIX_UNITS_CUH
#define RK_MATRIX_UNITS_CUH

#include "device.cuh"

/* sum += a b.  All lanes call it. */
__device__ static inline void
multiply_16x8x4(double *sum, const double *a, double b)
{
#ifdef RK_CUDA_ON_HOST
	int			lane = threadIdx.x % 32;

	for (int k = 0; k < 4; k++)
	{
		double		upper = __shfl_sync(FULL_WARP, a[0], lane / 4 * 4 + k);
		double		lower = __shfl_sync(FULL_WARP, a[1], lane / 4 * 4 + k);

		for (int c = 0; c < 2; c++)
		{
			double		other = __shfl_sync(FULL_WARP, b, (lane % 4 * 2 + c) * 4 + k);

			sum[c] += upper * other;
			sum[2 + c] += lower * other;
		}
	}
#elif __CUDA_ARCH__ >= 900
	asm ("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
		 : "+d" (sum[0]), "+d" (sum[1]), "+d" (sum[2]), "+d" (sum[3]) : "d" (a[0]), "d" (a[1]), "d" (b));
#else
	asm ("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
		 : "+d" (sum[0]), "+d" (sum[1]) : "d" (a[0]), "d" (b));
	asm ("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
		 : "+d" (sum[2]), "+d" (sum[3]) : "d" (a[1]), "d" (b));
#endif
}

#endif							/* RK_MATRIX_UNITS_CUH */

/*
 * both.h
 *	  Functions that the CPU and CUDA devices have in common.
 *
 * RK_BOTH stands where "static inline" would: a compiler for devices makes the
 * function for them as well, so that there is one text of the formula.
 */
#ifndef RK_BOTH_H
#define RK_BOTH_H

#ifdef __CUDACC__
#define RK_BOTH __host__ __device__ static inline
#else
#define RK_BOTH static inline
#endif

#endif							/* RK_BOTH_H */

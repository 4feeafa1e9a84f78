/*
 * peers.h
 *	  NVIDIA's own libraries on the inputs of the harness: opened with dlopen,
 *	  as they are not everywhere.
 */
#ifndef RK_PEERS_H
#define RK_PEERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

/*
 * Seconds of one product of a float8 matrix in compressed rows with a vector by
 * cuSPARSE (generic interface, CSR algorithm 2, which is deterministic), the
 * median of repeats after one to warm up; negative when it failed.  values: one
 * for each entry.
 */
extern double rk_peer_spmv(int64_t rows, int64_t entries, const int64_t *offsets,
						   const uint32_t *neighbors, const double *values, int repeats);

#ifdef __cplusplus
}
#endif

typedef double (*rk_peer_spmv_fn) (int64_t rows, int64_t entries, const int64_t *offsets,
								   const uint32_t *neighbors, const double *values, int repeats);

#endif							/* RK_PEERS_H */

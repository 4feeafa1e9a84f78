/*
 * correlation_matrix.h
 *	  Is it one, its Cholesky factor, the nearest one.
 */
#ifndef RK_CORRELATION_MATRIX_H
#define RK_CORRELATION_MATRIX_H

#include "ctx.h"

/*
 * Fails with RK_ERR_DATA, naming the smallest eigenvalue, unless the symmetric
 * n x n matrix r (row by row) is positive semidefinite: no pivot of its
 * Cholesky factor is below -1e-10.  On success the lower triangle of factor
 * (may be NULL) is that factor, zero above.  O(n^3 / 3).
 */
extern rk_status rk_correlation_factor(rk_ctx *ctx, const double *r, int64_t n, double *factor);

/*
 * Replaces r by the nearest correlation matrix in the Frobenius norm (Higham
 * 2002: alternating projections with Dykstra's correction), unless it is one
 * already; *distance is how far away that was.  O(n^3) an iteration; one
 * eigenvalue decomposition cannot be interrupted.
 */
extern rk_status rk_correlation_repair(rk_ctx *ctx, double *r, int64_t n, double *distance);

#endif							/* RK_CORRELATION_MATRIX_H */

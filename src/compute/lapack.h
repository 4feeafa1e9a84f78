/*
 * lapack.h
 *	  The routines of BLAS and LAPACK that are used, by their Fortran names.
 *
 * Matrices are column by column; a symmetric one is the same either way, and
 * the upper triangle of one is the lower of the other.  Called by the owner's
 * thread only, as the serial library need not be safe for several.
 */
#ifndef RK_LAPACK_H
#define RK_LAPACK_H

extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
					double *work, const int *lwork, int *iwork, const int *liwork, int *info);
extern void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
				   const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
				   const double *beta, double *c, const int *ldc);
extern void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
				   const double *a, const int *lda, const double *beta, double *c, const int *ldc);
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);

#endif							/* RK_LAPACK_H */

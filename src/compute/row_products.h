/*
 * row_products.h
 *	  Products of all pairs of rows: the upper triangle of X X'.
 *
 * A matrix product of our own, for three reasons: it runs on our threads, its
 * bits do not depend on them, and it is fast on machines that are younger than
 * the system's BLAS, which takes the slowest of its kernels on those.
 */
#ifndef RK_ROW_PRODUCTS_H
#define RK_ROW_PRODUCTS_H

#include "ctx.h"

/*
 * Takes the products of row i with the rows first .. first + count - 1, all of
 * them after i.  Called once for each pair, in any order, by several threads.
 */
typedef void (*rk_products_fn) (void *arg, int64_t i, int64_t first, int64_t count, const double *products);

/*
 * x is rows x columns, row by row.  Cost: rows^2 columns operations, two flops
 * each of half the pairs, in parallel over blocks of pairs; memory 400 kB a
 * thread.  On one kind of machine sums have the same bits whatever the number of
 * threads.
 */
extern rk_status rk_row_products(rk_ctx *ctx, const double *x, int64_t rows, int64_t columns, rk_products_fn take, void *arg);

#endif							/* RK_ROW_PRODUCTS_H */

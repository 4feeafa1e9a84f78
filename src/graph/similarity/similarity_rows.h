/*
 * similarity_rows.h
 *	  The best k of many rows: a heap over arrays.
 */
#ifndef RK_SIMILARITY_ROWS_H
#define RK_SIMILARITY_ROWS_H

#include "similarity.h"

/* One row on its way into a heap. */
typedef struct rk_similarity_row
{
	uint32_t	a;
	uint32_t	b;
	double		score;
	uint32_t	common;
	double		distance;
} rk_similarity_row;

/* Arrays for capacity rows, with what kind of number beside the score. */
extern rk_status rk_similarity_rows_make(rk_ctx *ctx, int64_t capacity, bool common,
										 bool distance, rk_similarity_rows *rows);
extern rk_status rk_similarity_rows_grow(rk_ctx *ctx, int64_t capacity,
										 rk_similarity_rows *rows);
extern void rk_similarity_rows_free(rk_ctx *ctx, rk_similarity_rows *rows);

/* The rows from "at" on, as rows of their own. */
extern rk_similarity_rows rk_similarity_rows_from(const rk_similarity_rows *rows, int64_t at);

/*
 * Adds a row to a heap that keeps the best k; rows must have room for them.
 * The order of (score falling, a, b) is total, so what is kept depends on the
 * rows alone, not on when they come.
 */
extern void rk_similarity_keep(rk_similarity_rows *rows, int64_t k, rk_similarity_row row);

/* Turns a heap into a list, best first; ctx, which may be NULL, is polled. */
extern rk_status rk_similarity_sort(rk_ctx *ctx, rk_similarity_rows *rows);

#endif							/* RK_SIMILARITY_ROWS_H */

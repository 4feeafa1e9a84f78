/*
 * dense.h
 *	  From ids of any kind to 0 .. n-1 in the order of the ids, and back.
 *
 * Unique ids are sorted, not rows, so the numbering depends on the set of ids
 * alone and the n log n part is small.
 */
#ifndef RK_DENSE_H
#define RK_DENSE_H

#include "ctx.h"

/* ---- integers ---- */

/* A column of integer ids; codes is filled in. */
typedef struct rk_int_column
{
	const int64_t *values;
	int64_t		count;
	uint32_t   *codes;			/* [count]: index of values[i] among the ids */
} rk_int_column;

/*
 * Numbers the union of all columns.  *ids is allocated in ctx and holds the *n
 * ids in rising order.  A range below 8 times the number of rows goes through
 * a map of presence (2 to 3 ns a value), anything else through a hash table.
 * RK_ERR_LIMIT beyond RK_MAX_NODES ids.
 */
extern rk_status rk_dense_ints(rk_ctx *ctx, rk_int_column *columns, int count,
							   int64_t **ids, int64_t *n);

/*
 * Bytes of rk_dense_ints at its peak, ids included, for so many different ids
 * in values rows; range: the largest less the smallest, 0: as many as ids.
 */
extern int64_t rk_dense_ints_memory(int64_t ids, int64_t values, double range);

/* Index of value in sorted ids, or -1. */
extern int64_t rk_dense_find_int(const int64_t *ids, int64_t n, int64_t value);

/* ---- byte strings (text, uuid) ---- */

typedef struct rk_bytes
{
	const char *data;
	uint32_t	length;
} rk_bytes;

typedef struct rk_dictionary rk_dictionary;

/* An empty dictionary in ctx, or NULL when memory is short. */
extern rk_dictionary *rk_dictionary_create(rk_ctx *ctx);

/*
 * Adds count strings and sets codes to their numbers in order of first
 * appearance.  Best fed a page of rows at a time: all slots are fetched before
 * the first is looked at.  Strings are copied.
 */
extern rk_status rk_dictionary_add(rk_dictionary *d, const rk_bytes *keys,
								   int count, uint32_t *codes);

extern int64_t rk_dictionary_count(const rk_dictionary *d);

/*
 * Sets rank[code] to the position of each string in byte order, and order to
 * the inverse.  Both have rk_dictionary_count entries.
 */
extern rk_status rk_dictionary_sort(rk_dictionary *d, uint32_t *rank, uint32_t *order);

/* Bytes of a dictionary of so many strings of this length, and of sorting it. */
extern int64_t rk_dictionary_memory(int64_t count, int64_t length);
extern int64_t rk_dictionary_sort_memory(int64_t count);

/* The string with this code; points into the dictionary. */
extern rk_bytes rk_dictionary_key(const rk_dictionary *d, uint32_t code, char buffer[16]);

/* Code of a string, or -1. */
extern int64_t rk_dictionary_find(const rk_dictionary *d, rk_bytes key);

#endif							/* RK_DENSE_H */

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

/*
 * Columns of integer ids that are numbered together.  Most ids lie near each
 * other, and memory traffic is what numbering costs: as long as all of them
 * fit, a value is held as its distance of 32 bits from a base near the first
 * one, and its code takes the same place in the end.
 */
#define RK_INT_COLUMNS 8

typedef struct rk_int_column
{
	uint32_t   *codes;			/* distances, then codes */
	int64_t    *wide;			/* the values, when distances do not fit */
	int64_t		count;
	int64_t		capacity;
} rk_int_column;

typedef struct rk_int_columns
{
	rk_int_column columns[RK_INT_COLUMNS];
	int			count;
	bool		started;		/* base is chosen */
	bool		wide;
	int64_t		base;
	uint32_t	low;			/* of the distances */
	uint32_t	high;
} rk_int_columns;

/* Adds a column with room for so many values; start with an empty struct. */
extern rk_status rk_int_columns_add(rk_ctx *ctx, rk_int_columns *set, int64_t capacity);

/* Appends values to a column; best fed a page of rows at a time. */
extern rk_status rk_int_columns_append(rk_ctx *ctx, rk_int_columns *set, int column,
									   const int64_t *values, int64_t count);

/*
 * Numbers the union of all columns: codes[i] of each becomes the index of its
 * value i among the ids.  *ids is allocated in ctx and holds the *n ids in
 * rising order.  A range below 8 times the number of rows goes through a map
 * of presence (2 to 3 ns a value), anything else through a hash table.
 * RK_ERR_LIMIT beyond RK_MAX_NODES ids.
 */
extern rk_status rk_dense_ints(rk_ctx *ctx, rk_int_columns *set, int64_t **ids, int64_t *n);

/*
 * Bytes of a value in a column before it is numbered, for ids whose largest
 * less their smallest is range.
 */
extern int rk_int_width(double range);

/*
 * Bytes of rk_dense_ints at its peak beside the columns, ids included, for so
 * many different ids in values rows; range: the largest less the smallest, 0:
 * as many as ids.
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

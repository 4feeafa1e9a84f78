/*
 * aggregate.h
 *	  What an aggregate kernel is: plain functions over a growable state.
 *
 * The state of a group is one block of bytes without pointers: what the kernel
 * declares as its head, zeroed before the first row, and behind it whatever
 * the kernel appends.  So it can be handed to another process as it is, and
 * the gate (call/aggregate.c) does that without the kernel.
 *
 * A row arrives as one value for each parameter of the descriptor, those the
 * caller left out with their defaults.  Rows with a NULL in a parameter that
 * is not nullable never arrive.  Parameters marked constant are the same in
 * all rows of a group: the gate checks that, and hands them to finish.
 */
#ifndef RK_AGGREGATE_H
#define RK_AGGREGATE_H

#include <string.h>

#include "ctx.h"
#include "decimal.h"
#include "dense.h"

/* A value of an argument or a result; its type in the descriptor says which. */
typedef struct rk_value
{
	bool		null;
	union
	{
		double		number;		/* float8 */
		int64_t		integer;	/* int4, int8; text of a closed set: its position;
								 * timestamptz: microseconds since 2000-01-01 UTC;
								 * date: days since then; interval: microseconds */
		bool		truth;		/* boolean */
		rk_amount	amount;		/* numeric */
		rk_bytes	text;		/* text; jsonb as text; an id as its bytes */
		struct
		{
			const double *values;
			int64_t		count;
		}			floats;		/* float8[] without NULLs */
		struct
		{
			const int64_t *values;
			int64_t		count;
		}			integers;	/* int4[], int8[] without NULLs */
	};
} rk_value;

/* The state of a group. */
typedef struct rk_buffer
{
	char	   *data;
	size_t		length;			/* bytes in use */
	size_t		capacity;
	/* gives size bytes with the contents of p, or NULL; p NULL: fresh */
	void	   *(*resize) (void *owner, void *p, size_t size);
	void	   *owner;
} rk_buffer;

/*
 * Makes room for some more bytes and returns where they start, 8-byte aligned
 * if all lengths are; NULL after rk_fail.  Pointers into the state move.
 */
static inline void *
rk_buffer_extend(rk_ctx *ctx, rk_buffer *b, size_t bytes)
{
	char	   *at;

	if (b->length + bytes > b->capacity)
	{
		size_t		capacity = b->capacity + b->capacity / 2;
		char	   *data;

		if (capacity < b->length + bytes)
			capacity = b->length + bytes;
		if (capacity < 128)
			capacity = 128;
		data = b->resize(b->owner, b->data, capacity);
		if (data == NULL)
		{
			rk_fail(ctx, RK_ERR_MEMORY, "out of memory");
			return NULL;
		}
		b->data = data;
		b->capacity = capacity;
	}
	at = b->data + b->length;
	b->length += bytes;
	return at;
}

typedef struct rk_aggregate
{
	size_t		head;			/* bytes of the head of the state */

	/* Adds a row. */
	rk_status	(*accumulate) (rk_ctx *ctx, rk_buffer *state, const rk_value *args);

	/* Adds the rows of another state, which came after those of this one. */
	rk_status	(*combine) (rk_ctx *ctx, rk_buffer *state, const rk_buffer *other);

	/*
	 * Sets one result for each column.  May reorder the state but must leave it
	 * the same for all that follows.  Memory from rk_alloc lives until the
	 * results are handed out.
	 */
	rk_status	(*finish) (rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results);

	/* Whether bytes from another process are a state; NULL: the head suffices. */
	bool		(*valid) (const rk_buffer *state);

	/*
	 * A moving window (descriptor: moving): adds a row, takes out the oldest
	 * one, and the result.  The state is never combined or serialised, so it
	 * may be another.  add and result may be NULL: as above.
	 */
	rk_status	(*window_add) (rk_ctx *ctx, rk_buffer *state, const rk_value *args);
	rk_status	(*window_remove) (rk_ctx *ctx, rk_buffer *state, const rk_value *args);
	rk_status	(*window_finish) (rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results);
} rk_aggregate;

#endif							/* RK_AGGREGATE_H */

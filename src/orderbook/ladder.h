/*
 * ladder.h
 *	  Price levels in order, best last, each with a queue of orders.
 *
 * A ladder is one side of a book, or the stops of one side.  Levels are found
 * by key: a price where high is better, its negative where low is.  Keys lie
 * in chunks of at most CHUNK, the chunks in a directory, so that a level near
 * the best, where nearly all of them come and go, moves a few entries, and one
 * far away in a book of any size moves one chunk.
 */
#ifndef RK_ORDERBOOK_LADDER_H
#define RK_ORDERBOOK_LADDER_H

#include "../compute/ctx.h"

#define RK_NO_INDEX UINT32_MAX
#define RK_LADDER_CHUNK 64

/* A level: orders of one price in the order in which they are served. */
typedef struct rk_level
{
	int64_t		key;
	int64_t		shown;			/* sum of what its orders show */
	int64_t		leaves;			/* sum of what they have left, hidden included */
	uint32_t	head;			/* order; RK_NO_INDEX: none */
	uint32_t	tail;
	uint32_t	count;
	uint32_t	next_free;
} rk_level;

typedef struct rk_ladder_chunk
{
	int			count;
	int64_t		keys[RK_LADDER_CHUNK];	/* rising */
	uint32_t	levels[RK_LADDER_CHUNK];
} rk_ladder_chunk;

typedef struct rk_ladder
{
	rk_level   *levels;			/* pool */
	uint32_t	level_capacity;
	uint32_t	free_level;
	uint32_t	count;			/* levels in use */
	rk_ladder_chunk **chunks;	/* rising, none empty; then those that are spare */
	int			chunk_count;
	int			spare_count;
	int			chunk_capacity;
} rk_ladder;

/* A place in a ladder, for going from the best level to the worst. */
typedef struct rk_ladder_place
{
	int			chunk;			/* -1: behind the worst */
	int			entry;
} rk_ladder_place;

extern rk_status rk_ladder_init(rk_ctx *ctx, rk_ladder *ladder);
extern void rk_ladder_free(rk_ctx *ctx, rk_ladder *ladder);

/* Takes what memory so many more levels need, so that rk_ladder_get cannot fail. */
extern rk_status rk_ladder_grow(rk_ctx *ctx, rk_ladder *ladder, uint32_t levels);

/* Chunks that so many more levels may need: a full one splits, and again when it is full. */
static inline int
rk_ladder_chunks_for(const rk_ladder *ladder, uint32_t levels)
{
	uint32_t	splits = ladder->chunk_count + levels / (RK_LADDER_CHUNK / 2) + 1;

	return levels < splits ? levels : splits;
}

static inline rk_status
rk_ladder_reserve(rk_ctx *ctx, rk_ladder *ladder, uint32_t levels)
{
	if (ladder->level_capacity - ladder->count >= levels &&
		ladder->spare_count >= rk_ladder_chunks_for(ladder, levels))
		return RK_OK;
	return rk_ladder_grow(ctx, ladder, levels);
}

/* The level with this key, or RK_NO_INDEX. */
extern uint32_t rk_ladder_find(const rk_ladder *ladder, int64_t key);

/* The level with this key, made if need be; RK_NO_INDEX when memory is short. */
extern uint32_t rk_ladder_get(rk_ctx *ctx, rk_ladder *ladder, int64_t key);

/* Takes away a level without orders. */
extern void rk_ladder_remove(rk_ladder *ladder, uint32_t level);

/* The best level, or RK_NO_INDEX. */
static inline uint32_t
rk_ladder_best(const rk_ladder *ladder)
{
	const rk_ladder_chunk *last;

	if (ladder->count == 0)
		return RK_NO_INDEX;
	last = ladder->chunks[ladder->chunk_count - 1];
	return last->levels[last->count - 1];
}

/* The best level and its place; then the next worse one; RK_NO_INDEX at the end. */
extern uint32_t rk_ladder_first(const rk_ladder *ladder, rk_ladder_place *place);
extern uint32_t rk_ladder_next(const rk_ladder *ladder, rk_ladder_place *place);

/* The level that is next worse than one with this key, or RK_NO_INDEX. */
extern uint32_t rk_ladder_below(const rk_ladder *ladder, int64_t key);

#endif							/* RK_ORDERBOOK_LADDER_H */

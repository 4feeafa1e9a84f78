/*
 * ladder.c
 *	  Price levels in order: chunks of sorted keys under a sorted directory.
 */
#include "ladder.h"

#include <string.h>

rk_status
rk_ladder_init(rk_ctx *ctx, rk_ladder *l)
{
	memset(l, 0, sizeof(*l));
	l->free_level = RK_NO_INDEX;
	l->level_capacity = 16;
	l->chunk_capacity = 4;
	l->levels = rk_alloc(ctx, l->level_capacity, sizeof(rk_level));
	l->chunks = rk_alloc(ctx, l->chunk_capacity, sizeof(rk_ladder_chunk *));
	if (!l->levels || !l->chunks)
		return RK_ERR_MEMORY;
	for (uint32_t i = l->level_capacity; i-- > 0;)
	{
		l->levels[i].next_free = l->free_level;
		l->free_level = i;
	}
	return RK_OK;
}

/* The first entry of a chunk that is not below key. */
static inline int
entry_of_key(const rk_ladder_chunk *c, int64_t key)
{
	int			low = 0;
	int			high = c->count;

	/* most keys are near the best one */
	if (c->keys[c->count - 1] < key)
		return c->count;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (c->keys[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The chunk where a key is or belongs: the first whose last key is not below it. */
static inline int
chunk_of_key(const rk_ladder *l, int64_t key)
{
	int			low = 0;
	int			high = l->chunk_count - 1;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const rk_ladder_chunk *c = l->chunks[middle];

		if (c->keys[c->count - 1] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
rk_ladder_find(const rk_ladder *l, int64_t key)
{
	const rk_ladder_chunk *c;
	int			entry;

	if (l->count == 0)
		return RK_NO_INDEX;
	c = l->chunks[chunk_of_key(l, key)];
	entry = entry_of_key(c, key);
	return entry < c->count && c->keys[entry] == key ? c->levels[entry] : RK_NO_INDEX;
}

/* A level from the pool. */
static uint32_t
take_level(rk_ctx *ctx, rk_ladder *l, int64_t key)
{
	uint32_t	level = l->free_level;

	if (level == RK_NO_INDEX)
	{
		uint32_t	capacity = l->level_capacity * 2;
		rk_level   *grown = rk_realloc(ctx, l->levels, capacity, sizeof(rk_level));

		if (grown == NULL)
			return RK_NO_INDEX;
		l->levels = grown;
		for (uint32_t i = capacity; i-- > l->level_capacity;)
		{
			l->levels[i].next_free = l->free_level;
			l->free_level = i;
		}
		l->level_capacity = capacity;
		level = l->free_level;
	}
	l->free_level = l->levels[level].next_free;
	l->levels[level] = (rk_level) {.key = key,.head = RK_NO_INDEX,.tail = RK_NO_INDEX};
	return level;
}

/* Keeps one chunk that is not needed, and frees the others. */
static void
drop_chunk(rk_ctx *ctx, rk_ladder *l, rk_ladder_chunk *c)
{
	if (l->spare == NULL)
		l->spare = c;
	else
		rk_free(ctx, c);
}

/* Puts an empty chunk at this place of the directory. */
static rk_ladder_chunk *
add_chunk(rk_ctx *ctx, rk_ladder *l, int at)
{
	rk_ladder_chunk *fresh = l->spare ? l->spare : rk_alloc(ctx, 1, sizeof(rk_ladder_chunk));

	if (fresh == NULL)
		return NULL;
	l->spare = fresh;			/* until it has its place */
	if (l->chunk_count == l->chunk_capacity)
	{
		rk_ladder_chunk **grown = rk_realloc(ctx, l->chunks, l->chunk_capacity * 2, sizeof(rk_ladder_chunk *));

		if (grown == NULL)
			return NULL;
		l->chunks = grown;
		l->chunk_capacity *= 2;
	}
	memmove(l->chunks + at + 1, l->chunks + at, sizeof(rk_ladder_chunk *) * (l->chunk_count - at));
	l->chunks[at] = fresh;
	l->chunk_count++;
	l->spare = NULL;
	fresh->count = 0;
	return fresh;
}

uint32_t
rk_ladder_get(rk_ctx *ctx, rk_ladder *l, int64_t key)
{
	rk_ladder_chunk *c;
	uint32_t	level;
	int			at = 0;
	int			entry = 0;

	if (l->count > 0)
	{
		at = chunk_of_key(l, key);
		c = l->chunks[at];
		entry = entry_of_key(c, key);
		if (entry < c->count && c->keys[entry] == key)
			return c->levels[entry];
	}
	else if ((c = add_chunk(ctx, l, 0)) == NULL)
		return RK_NO_INDEX;
	if (c->count == RK_LADDER_CHUNK)
	{
		/* the upper half moves on, unless the new key begins a new chunk */
		int			keep = entry == c->count && at == l->chunk_count - 1 ? c->count : c->count / 2;
		rk_ladder_chunk *upper = add_chunk(ctx, l, at + 1);

		if (upper == NULL)
			return RK_NO_INDEX;
		upper->count = c->count - keep;
		memcpy(upper->keys, c->keys + keep, sizeof(int64_t) * upper->count);
		memcpy(upper->levels, c->levels + keep, sizeof(uint32_t) * upper->count);
		c->count = keep;
		if (entry >= keep)
		{
			entry -= keep;
			c = upper;
		}
	}
	if ((level = take_level(ctx, l, key)) == RK_NO_INDEX)
	{
		if (c->count == 0)
		{
			/* an empty chunk must not stay; it is the only or the last one */
			drop_chunk(ctx, l, c);
			l->chunk_count--;
		}
		return RK_NO_INDEX;
	}
	memmove(c->keys + entry + 1, c->keys + entry, sizeof(int64_t) * (c->count - entry));
	memmove(c->levels + entry + 1, c->levels + entry, sizeof(uint32_t) * (c->count - entry));
	c->keys[entry] = key;
	c->levels[entry] = level;
	c->count++;
	l->count++;
	return level;
}

void
rk_ladder_remove(rk_ctx *ctx, rk_ladder *l, uint32_t level)
{
	int64_t		key = l->levels[level].key;
	int			at = chunk_of_key(l, key);
	rk_ladder_chunk *c = l->chunks[at];
	int			entry = entry_of_key(c, key);

	c->count--;
	l->count--;
	memmove(c->keys + entry, c->keys + entry + 1, sizeof(int64_t) * (c->count - entry));
	memmove(c->levels + entry, c->levels + entry + 1, sizeof(uint32_t) * (c->count - entry));
	if (c->count == 0)
	{
		drop_chunk(ctx, l, c);
		l->chunk_count--;
		memmove(l->chunks + at, l->chunks + at + 1, sizeof(rk_ladder_chunk *) * (l->chunk_count - at));
	}
	l->levels[level].next_free = l->free_level;
	l->free_level = level;
}

uint32_t
rk_ladder_first(const rk_ladder *l, rk_ladder_place *place)
{
	place->chunk = l->chunk_count - 1;
	if (place->chunk < 0)
		return RK_NO_INDEX;
	place->entry = l->chunks[place->chunk]->count - 1;
	return l->chunks[place->chunk]->levels[place->entry];
}

uint32_t
rk_ladder_next(const rk_ladder *l, rk_ladder_place *place)
{
	if (place->chunk < 0)
		return RK_NO_INDEX;
	if (place->entry > 0)
		place->entry--;
	else if (place->chunk-- > 0)
		place->entry = l->chunks[place->chunk]->count - 1;
	else
		return RK_NO_INDEX;
	return l->chunks[place->chunk]->levels[place->entry];
}

uint32_t
rk_ladder_below(const rk_ladder *l, int64_t key)
{
	int			at;
	int			entry;

	if (l->count == 0)
		return RK_NO_INDEX;
	at = chunk_of_key(l, key);
	entry = entry_of_key(l->chunks[at], key);
	if (entry > 0)
		return l->chunks[at]->levels[entry - 1];
	return at > 0 ? l->chunks[at - 1]->levels[l->chunks[at - 1]->count - 1] : RK_NO_INDEX;
}

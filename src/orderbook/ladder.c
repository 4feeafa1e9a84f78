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

void
rk_ladder_free(rk_ctx *ctx, rk_ladder *l)
{
	for (int i = 0; i < l->chunk_count + l->spare_count; i++)
		rk_free(ctx, l->chunks[i]);
	rk_free(ctx, l->chunks);
	rk_free(ctx, l->levels);
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

rk_status
rk_ladder_grow(rk_ctx *ctx, rk_ladder *l, uint32_t levels)
{
	int			chunks = rk_ladder_chunks_for(l, levels);

	if (l->level_capacity - l->count < levels)
	{
		uint32_t	capacity = l->level_capacity * 2;
		rk_level   *grown;

		if (capacity < l->count + levels)
			capacity = l->count + levels;
		if ((grown = rk_realloc(ctx, l->levels, capacity, sizeof(rk_level))) == NULL)
			return RK_ERR_MEMORY;
		l->levels = grown;
		for (uint32_t i = capacity; i-- > l->level_capacity;)
		{
			l->levels[i].next_free = l->free_level;
			l->free_level = i;
		}
		l->level_capacity = capacity;
	}
	if (l->chunk_capacity < l->chunk_count + chunks)
	{
		int			capacity = l->chunk_count + chunks + l->chunk_capacity;
		rk_ladder_chunk **grown = rk_realloc(ctx, l->chunks, capacity, sizeof(rk_ladder_chunk *));

		if (grown == NULL)
			return RK_ERR_MEMORY;
		l->chunks = grown;
		l->chunk_capacity = capacity;
	}
	while (l->spare_count < chunks)
	{
		rk_ladder_chunk *fresh = rk_alloc(ctx, 1, sizeof(rk_ladder_chunk));

		if (fresh == NULL)
			return RK_ERR_MEMORY;
		l->chunks[l->chunk_count + l->spare_count++] = fresh;
	}
	return RK_OK;
}

/* A level from the pool. */
static uint32_t
take_level(rk_ladder *l, int64_t key)
{
	uint32_t	level = l->free_level;

	l->free_level = l->levels[level].next_free;
	l->levels[level] = (rk_level) {.key = key,.head = RK_NO_INDEX,.tail = RK_NO_INDEX};
	return level;
}

/* Puts a spare chunk, empty, at this place of the directory. */
static rk_ladder_chunk *
add_chunk(rk_ladder *l, int at)
{
	rk_ladder_chunk *fresh = l->chunks[l->chunk_count + --l->spare_count];

	memmove(l->chunks + at + 1, l->chunks + at,
			sizeof(rk_ladder_chunk *) * (l->chunk_count - at + l->spare_count));
	l->chunks[at] = fresh;
	l->chunk_count++;
	fresh->count = 0;
	return fresh;
}

/* Makes the chunk at this place spare. */
static void
drop_chunk(rk_ladder *l, int at)
{
	rk_ladder_chunk *c = l->chunks[at];

	l->chunk_count--;
	memmove(l->chunks + at, l->chunks + at + 1,
			sizeof(rk_ladder_chunk *) * (l->chunk_count - at + l->spare_count));
	l->chunks[l->chunk_count + l->spare_count++] = c;
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
	if (rk_ladder_reserve(ctx, l, 1) != RK_OK)
		return RK_NO_INDEX;
	if (l->count == 0)
		c = add_chunk(l, 0);
	else if ((c = l->chunks[at])->count == RK_LADDER_CHUNK)
	{
		/* the upper half moves on, unless the new key begins a new chunk */
		int			keep = entry == c->count && at == l->chunk_count - 1 ? c->count : c->count / 2;
		rk_ladder_chunk *upper = add_chunk(l, at + 1);

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
	level = take_level(l, key);
	memmove(c->keys + entry + 1, c->keys + entry, sizeof(int64_t) * (c->count - entry));
	memmove(c->levels + entry + 1, c->levels + entry, sizeof(uint32_t) * (c->count - entry));
	c->keys[entry] = key;
	c->levels[entry] = level;
	c->count++;
	l->count++;
	return level;
}

void
rk_ladder_remove(rk_ladder *l, uint32_t level)
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
		drop_chunk(l, at);
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

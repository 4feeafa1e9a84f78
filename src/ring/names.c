/*
 * names.c
 *	  Names of assets and obligors in the state of an actor, numbered from 0.
 *
 * Linear probing; a removal shifts the entries behind it back, so that there
 * are no tombstones and a long life leaves no trace.
 */
#include "names.h"

#include <string.h>

#include "../compute/random.h"
#include "keys.h"

uint64_t
rk_name_hash(const char *text)
{
	uint64_t	h = rk_hash1(RK_NAME_BYTES);

	for (int k = 0; k < RK_NAME_BYTES; k += 8)
	{
		uint64_t	word;

		memcpy(&word, text + k, 8);
		h = rk_hash_fold(h, word);
	}
	return h;
}

static uint32_t
home(const rk_names *names, const char *text)
{
	return (uint32_t) rk_name_hash(text) & (names->slot_count - 1);
}

uint32_t
rk_names_find(const rk_names *names, const char *text)
{
	if (names->count == 0)
		return RK_NO_NAME;
	for (uint32_t s = home(names, text); names->slots[s] != 0; s = (s + 1) & (names->slot_count - 1))
		if (memcmp(names->name[names->slots[s] - 1].text, text, RK_NAME_BYTES) == 0)
			return names->slots[s] - 1;
	return RK_NO_NAME;
}

static void
place(rk_names *names, uint32_t i)
{
	uint32_t	s = home(names, names->name[i].text);

	while (names->slots[s] != 0)
		s = (s + 1) & (names->slot_count - 1);
	names->slots[s] = i + 1;
}

rk_status
rk_names_reserve(rk_ctx *ctx, rk_names *names)
{
	return rk_names_reserve_more(ctx, names, 1);
}

rk_status
rk_names_reserve_more(rk_ctx *ctx, rk_names *names, uint32_t more)
{
	uint32_t	capacity = names->capacity ? 2 * names->capacity : 16;
	rk_name    *name;
	uint32_t   *slots;

	if (more <= names->capacity - names->count)
		return RK_OK;
	while (capacity < names->count + more)
		capacity *= 2;
	if (names->capacity > UINT32_MAX / 8)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many names: %u", names->count);
	slots = rk_alloc0(ctx, 2 * (int64_t) capacity, sizeof(uint32_t));
	if (slots == NULL)
		return RK_ERR_MEMORY;
	name = names->name ? rk_realloc(ctx, names->name, capacity, sizeof(rk_name)) :
		rk_alloc(ctx, capacity, sizeof(rk_name));
	if (name == NULL)
	{
		rk_free(ctx, slots);
		return RK_ERR_MEMORY;
	}
	rk_free(ctx, names->slots);
	names->name = name;
	names->slots = slots;
	names->capacity = capacity;
	names->slot_count = 2 * capacity;
	for (uint32_t i = 0; i < names->count; i++)
		place(names, i);
	return RK_OK;
}

rk_status
rk_names_reserve_list(rk_ctx *ctx, const rk_names *names, void **list, uint32_t *room, size_t size)
{
	void	   *grown;

	if (*room == names->capacity)
		return RK_OK;
	grown = *list ? rk_realloc(ctx, *list, names->capacity, size) : rk_alloc(ctx, names->capacity, size);
	if (grown == NULL)
		return RK_ERR_MEMORY;
	*list = grown;
	*room = names->capacity;
	return RK_OK;
}

uint32_t
rk_names_add(rk_names *names, const char *text)
{
	memcpy(names->name[names->count].text, text, RK_NAME_BYTES);
	place(names, names->count);
	return names->count++;
}

/* The slot that holds number i. */
static uint32_t
slot_of(const rk_names *names, uint32_t i)
{
	uint32_t	s = home(names, names->name[i].text);

	while (names->slots[s] != i + 1)
		s = (s + 1) & (names->slot_count - 1);
	return s;
}

void
rk_names_remove(rk_names *names, uint32_t i)
{
	uint32_t	mask = names->slot_count - 1;
	uint32_t	hole = slot_of(names, i);
	uint32_t	last = names->count - 1;

	for (uint32_t s = (hole + 1) & mask; names->slots[s] != 0; s = (s + 1) & mask)
	{
		uint32_t	at = home(names, names->name[names->slots[s] - 1].text);

		/* an entry may move back as far as its home */
		if (((s - at) & mask) >= ((s - hole) & mask))
		{
			names->slots[hole] = names->slots[s];
			hole = s;
		}
	}
	names->slots[hole] = 0;
	if (i != last)
	{
		names->slots[slot_of(names, last)] = i + 1;
		names->name[i] = names->name[last];
	}
	names->count--;
}

void
rk_names_clear(rk_names *names)
{
	names->count = 0;
	if (names->slots)
		memset(names->slots, 0, names->slot_count * sizeof(uint32_t));
}

rk_status
rk_name_of_id(rk_ctx *ctx, const char *field, const rk_id *id, rk_name *name)
{
	char		text[RK_ID_ROOM] = {0};

	if (id->kind != RK_ID_NONE)
		(void) rk_id_text(id, text);
	if (strlen(text) > RK_NAME_BYTES)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"%s\" has room for %d bytes only", field, RK_NAME_BYTES);
	memset(name, 0, sizeof(*name));
	memcpy(name->text, text, strlen(text));
	return rk_name_check(ctx, field, name->text);
}

rk_status
rk_name_check(rk_ctx *ctx, const char *field, const char *text)
{
	if (text[0] != '\0')
		return RK_OK;
	return rk_fail(ctx, RK_ERR_PARAMETER, "field \"%s\" must not be empty", field);
}

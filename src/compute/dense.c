/*
 * dense.c
 *	  Numbering ids: a presence map or a hash table for integers, a hash table
 *	  with inline keys for byte strings.
 */
#include "dense.h"

#include <stdlib.h>
#include <string.h>

#include "clones.h"
#include "csr.h"
#include "parallel.h"
#include "random.h"

#define VALUE_CHUNK 131072
#define BATCH 64				/* probes in flight */
#define POLL_MASK 0xffff		/* loops over memory in random order look this often */
#define CLEAR_BYTES (INT64_C(16) << 20)

/* Fills a table's memory with ones, looking for interrupts in between. */
static rk_status
clear_table(rk_ctx *ctx, void *table, int64_t bytes)
{
	for (int64_t at = 0; at < bytes; at += CLEAR_BYTES)
	{
		if (at > 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		memset((char *) table + at, 0xff, bytes - at < CLEAR_BYTES ? bytes - at : CLEAR_BYTES);
	}
	return RK_OK;
}

/* ---- sorting unique 64-bit keys ---- */

typedef struct keyed
{
	uint64_t	key;
	uint32_t	code;
} keyed;

/*
 * Sorts n pairs by key: LSD radix of 11-bit digits, skipping digits that all
 * keys share.  Returns the array that holds the result, a or b; NULL when the
 * call is to end.
 */
static keyed *
sort_keyed(rk_ctx *ctx, keyed *a, keyed *b, int64_t n)
{
	uint64_t	differ = 0;

	for (int64_t i = 1; i < n; i++)
		differ |= a[i].key ^ a[0].key;
	for (int shift = 0; shift < 64; shift += 11)
	{
		int64_t		count[2048] = {0};
		int64_t		sum = 0;
		keyed	   *swap = a;

		if (((differ >> shift) & 2047) == 0)
			continue;
		if (rk_ctx_poll(ctx))
			return NULL;
		for (int64_t i = 0; i < n; i++)
			count[(a[i].key >> shift) & 2047]++;
		for (int d = 0; d < 2048; d++)
		{
			int64_t		c = count[d];

			count[d] = sum;
			sum += c;
		}
		for (int64_t i = 0; i < n; i++)
		{
			if ((i & 0xfffff) == 0xfffff && rk_ctx_poll(ctx))
				return NULL;
			b[count[(a[i].key >> shift) & 2047]++] = a[i];
		}
		a = b;
		b = swap;
	}
	return a;
}

/* ---- integers ---- */

rk_status
rk_int_columns_add(rk_ctx *ctx, rk_int_columns *set, int64_t capacity)
{
	rk_int_column *c = &set->columns[set->count++];

	*c = (rk_int_column) {.capacity = capacity};
	if (set->wide)
		c->wide = rk_alloc(ctx, capacity, sizeof(int64_t));
	else
		c->codes = rk_alloc(ctx, capacity, sizeof(uint32_t));
	return ctx->error.status;
}

/*
 * Writes distances from base; returns the bits above the 32 that fit, of all
 * of them, and widens the range from *low to *high.
 */
RK_CLONES static uint64_t
to_distances(const int64_t *values, int64_t count, int64_t base, uint32_t *restrict distances,
			 uint32_t *low, uint32_t *high)
{
	uint64_t	above = 0;
	uint32_t	least = *low;
	uint32_t	most = *high;

	for (int64_t i = 0; i < count; i++)
	{
		uint64_t	distance = (uint64_t) values[i] - (uint64_t) base;
		uint32_t	d = (uint32_t) distance;

		above |= distance >> 32;
		least = d < least ? d : least;
		most = d > most ? d : most;
		distances[i] = d;
	}
	*low = least;
	*high = most;
	return above;
}

/* Gives all columns their values back, because one does not fit. */
static rk_status
widen(rk_ctx *ctx, rk_int_columns *set)
{
	for (int c = 0; c < set->count; c++)
	{
		rk_int_column *column = &set->columns[c];

		column->wide = rk_alloc(ctx, column->capacity, sizeof(int64_t));
		if (column->wide == NULL)
			return RK_ERR_MEMORY;
		for (int64_t i = 0; i < column->count; i++)
		{
			if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
				return RK_STOPPED;
			column->wide[i] = set->base + (int64_t) column->codes[i];
		}
		rk_free(ctx, column->codes);
		column->codes = NULL;
	}
	set->wide = true;
	return RK_OK;
}

rk_status
rk_int_columns_append(rk_ctx *ctx, rk_int_columns *set, int column, const int64_t *values, int64_t count)
{
	rk_int_column *c = &set->columns[column];

	if (count > c->capacity - c->count)
	{
		c->capacity = c->count + count > c->capacity * 2 ? c->count + count : c->capacity * 2;
		if (set->wide)
			c->wide = rk_realloc(ctx, c->wide, c->capacity, sizeof(int64_t));
		else
			c->codes = rk_realloc(ctx, c->codes, c->capacity, sizeof(uint32_t));
		if (ctx->error.status != RK_OK)
			return ctx->error.status;
	}
	if (!set->started && count > 0)
	{
		/* the first value in the middle, but nothing below the least integer */
		set->base = values[0] < INT64_MIN + (INT64_C(1) << 31) ? INT64_MIN : values[0] - (INT64_C(1) << 31);
		set->low = UINT32_MAX;
		set->high = 0;
		set->started = true;
	}
	if (!set->wide)
	{
		if (to_distances(values, count, set->base, c->codes + c->count, &set->low, &set->high) == 0)
		{
			c->count += count;
			return RK_OK;
		}
		if (widen(ctx, set) != RK_OK)
			return ctx->error.status;
	}
	memcpy(c->wide + c->count, values, sizeof(int64_t) * count);
	c->count += count;
	return RK_OK;
}

typedef struct map_state
{
	uint32_t   *values;			/* of a column: distances, then codes */
	_Atomic uint8_t *present;
	const uint32_t *map;
	uint32_t	low;
} map_state;

static void
mark_present(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	map_state  *s = arg;
	const uint32_t *v = s->values;
	uint32_t	low = s->low;

	(void) chunk;
	(void) thread;
	/* storing what is there already would take the line away from the other threads */
	for (int64_t i = begin; i < end; i++)
		if (!atomic_load_explicit(&s->present[v[i] - low], memory_order_relaxed))
			atomic_store_explicit(&s->present[v[i] - low], 1, memory_order_relaxed);
}

static void
map_values(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	map_state  *s = arg;
	uint32_t   *v = s->values;
	uint32_t	low = s->low;

	(void) chunk;
	(void) thread;
	for (int64_t i = begin; i < end; i++)
		v[i] = s->map[v[i] - low];
}

/* Distances with range values between them: presence bytes, then a map to ranks. */
static rk_status
dense_by_map(rk_ctx *ctx, rk_int_columns *set, int64_t range, int64_t **ids, int64_t *n)
{
	map_state	s = {.low = set->low};
	uint32_t   *map;
	int64_t		found = 0;
	rk_status	status;

	s.present = rk_alloc0(ctx, range, 1);
	map = rk_alloc(ctx, range, sizeof(uint32_t));
	if (!s.present || !map)
		return RK_ERR_MEMORY;
	for (int c = 0; c < set->count; c++)
	{
		s.values = set->columns[c].codes;
		status = rk_parallel_for(ctx, set->columns[c].count, VALUE_CHUNK, mark_present, &s);
		if (status != RK_OK)
			return status;
	}
	for (int64_t i = 0; i < range; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		map[i] = (uint32_t) found;
		found += s.present[i];
	}
	if (found > RK_MAX_NODES)
		return rk_fail(ctx, RK_ERR_LIMIT, "relation has more than %lld different ids",
					   (long long) RK_MAX_NODES);
	*n = found;
	if ((*ids = rk_alloc(ctx, found, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	found = 0;
	for (int64_t i = 0; i < range; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (s.present[i])
			(*ids)[found++] = set->base + (int64_t) set->low + i;
	}
	rk_free(ctx, (void *) s.present);
	s.map = map;
	for (int c = 0; c < set->count; c++)
	{
		s.values = set->columns[c].codes;
		status = rk_parallel_for(ctx, set->columns[c].count, VALUE_CHUNK, map_values, &s);
		if (status != RK_OK)
			return status;
	}
	rk_free(ctx, map);
	return RK_OK;
}

/* An open-addressing table of integers; code is the order of insertion. */
typedef struct int_slot
{
	int64_t		value;
	uint32_t	code;			/* RK_NO_NODE: empty */
} int_slot;

typedef struct int_table
{
	int_slot   *slots;
	int64_t		mask;
	int64_t		used;
} int_table;

static rk_status
int_table_grow(rk_ctx *ctx, int_table *t)
{
	int_table	fresh = {.mask = t->slots ? t->mask * 4 + 3 : 65535,.used = t->used};

	fresh.slots = rk_alloc(ctx, fresh.mask + 1, sizeof(int_slot));
	if (fresh.slots == NULL)
		return RK_ERR_MEMORY;
	if (clear_table(ctx, fresh.slots, (fresh.mask + 1) * sizeof(int_slot)) != RK_OK)
		return RK_STOPPED;
	for (int64_t i = 0; t->slots && i <= t->mask; i++)
	{
		int64_t		at;

		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (t->slots[i].code == RK_NO_NODE)
			continue;
		at = rk_mix64(t->slots[i].value) & fresh.mask;
		while (fresh.slots[at].code != RK_NO_NODE)
			at = (at + 1) & fresh.mask;
		fresh.slots[at] = t->slots[i];
	}
	rk_free(ctx, t->slots);
	*t = fresh;
	return RK_OK;
}

static rk_status
dense_by_hash(rk_ctx *ctx, rk_int_columns *set, int64_t **ids, int64_t *n)
{
	int_table	t = {0};
	int64_t		v[BATCH];
	keyed	   *a;
	keyed	   *b;
	uint32_t   *rank;
	int64_t		at[BATCH];
	rk_status	status;

	for (int c = 0; c < set->count; c++)
	{
		rk_int_column *column = &set->columns[c];

		if (set->wide && (column->codes = rk_alloc(ctx, column->count, sizeof(uint32_t))) == NULL)
			return RK_ERR_MEMORY;
		for (int64_t begin = 0; begin < column->count; begin += BATCH)
		{
			int			batch = column->count - begin < BATCH ? column->count - begin : BATCH;

			if ((begin & 0xffff) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			for (int i = 0; i < batch; i++)
				v[i] = set->wide ? column->wide[begin + i] : set->base + (int64_t) column->codes[begin + i];
			if ((t.used + batch) * 2 > t.mask)
			{
				if (t.used + batch > RK_MAX_NODES)
					return rk_fail(ctx, RK_ERR_LIMIT, "relation has more than %lld different ids",
								   (long long) RK_MAX_NODES);
				status = int_table_grow(ctx, &t);
				if (status != RK_OK)
					return status;
			}
			for (int i = 0; i < batch; i++)
			{
				at[i] = rk_mix64(v[i]) & t.mask;
				__builtin_prefetch(&t.slots[at[i]]);
			}
			for (int i = 0; i < batch; i++)
			{
				int_slot   *slot = &t.slots[at[i]];

				while (slot->code != RK_NO_NODE && slot->value != v[i])
				{
					at[i] = (at[i] + 1) & t.mask;
					slot = &t.slots[at[i]];
				}
				if (slot->code == RK_NO_NODE)
					*slot = (int_slot) {v[i], (uint32_t) t.used++};
				column->codes[begin + i] = slot->code;
			}
		}
		rk_free(ctx, column->wide);
		column->wide = NULL;
	}

	/* ranks: flipping the sign bit makes unsigned order signed order */
	*n = t.used;
	*ids = rk_alloc(ctx, t.used, sizeof(int64_t));
	a = rk_alloc(ctx, t.used, sizeof(keyed));
	b = rk_alloc(ctx, t.used, sizeof(keyed));
	rank = rk_alloc(ctx, t.used, sizeof(uint32_t));
	if (!*ids || !a || !b || !rank)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; t.slots && i <= t.mask; i++)
	{
		int_slot   *slot = &t.slots[i];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (slot->code != RK_NO_NODE)
			a[slot->code] = (keyed) {(uint64_t) slot->value ^ (UINT64_C(1) << 63), slot->code};
	}
	rk_free(ctx, t.slots);
	{
		keyed	   *sorted = sort_keyed(ctx, a, b, t.used);

		if (sorted == NULL)
			return RK_STOPPED;
		for (int64_t i = 0; i < t.used; i++)
		{
			if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			(*ids)[i] = (int64_t) (sorted[i].key ^ (UINT64_C(1) << 63));
			rank[sorted[i].code] = (uint32_t) i;
		}
	}
	rk_free(ctx, a);
	rk_free(ctx, b);
	for (int c = 0; c < set->count; c++)
	{
		for (int64_t i = 0; i < set->columns[c].count; i++)
		{
			if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
				return RK_STOPPED;
			set->columns[c].codes[i] = rank[set->columns[c].codes[i]];
		}
	}
	rk_free(ctx, rank);
	return RK_OK;
}

rk_status
rk_dense_ints(rk_ctx *ctx, rk_int_columns *set, int64_t **ids, int64_t *n)
{
	int64_t		total = 0;

	for (int c = 0; c < set->count; c++)
		total += set->columns[c].count;
	if (total == 0)
	{
		*n = 0;
		*ids = rk_alloc(ctx, 0, sizeof(int64_t));
		return *ids ? RK_OK : RK_ERR_MEMORY;
	}
	if (!set->wide && set->high - set->low < total * 8)
		return dense_by_map(ctx, set, (int64_t) set->high - set->low + 1, ids, n);
	return dense_by_hash(ctx, set, ids, n);
}

int
rk_int_width(double range)
{
	/* the first value may be either end */
	return range < 0x1p31 ? sizeof(uint32_t) : sizeof(int64_t);
}

int64_t
rk_dense_ints_memory(int64_t ids, int64_t values, double range)
{
	int64_t		slots = 65536;

	if (range < ids)
		range = ids;
	if (range < 8.0 * values && rk_int_width(range) == sizeof(uint32_t))
		return 5 * (int64_t) range + 8 * ids;
	while (slots < 2 * ids)
		slots *= 4;
	return slots * (int64_t) sizeof(int_slot) + ids * (int64_t) (12 + 2 * sizeof(keyed));
}

int64_t
rk_dense_find_int(const int64_t *ids, int64_t n, int64_t value)
{
	int64_t		low = 0;
	int64_t		high = n;

	while (low < high)
	{
		int64_t		mid = low + (high - low) / 2;

		if (ids[mid] < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && ids[low] == value ? low : -1;
}

/* ---- byte strings ---- */

#define INLINE_BYTES 16
#define ARENA_BLOCK (INT64_C(1) << 20)

/*
 * A key: its first 16 bytes as two big-endian words, so that comparing the
 * words compares the bytes; longer ones have the rest in the arena.
 */
typedef struct entry
{
	uint64_t	first;
	uint64_t	second;
	const char *rest;			/* whole string when longer than 16 bytes */
	uint32_t	length;
	uint32_t	hash;
} entry;

typedef struct slot
{
	uint32_t	tag;
	uint32_t	code;			/* RK_NO_NODE: empty */
} slot;

struct rk_dictionary
{
	rk_ctx	   *ctx;
	slot	   *slots;
	int64_t		mask;
	entry	   *entries;
	int64_t		count;
	int64_t		capacity;
	char	   *arena;
	int64_t		arena_left;
};

static inline uint64_t
load_word(const char *p)
{
	uint64_t	word;

	memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* The first length < 8 bytes as a big-endian word, zeroes behind them. */
static inline uint64_t
load_short(const char *p, uint32_t length)
{
	const unsigned char *u = (const unsigned char *) p;
	uint64_t	word = 0;

	for (uint32_t i = 0; i < length; i++)
		word |= (uint64_t) u[i] << (56 - 8 * i);
	return word;
}

static inline entry
make_entry(rk_bytes key)
{
	entry		e = {.length = key.length};
	uint64_t	h;

	if (key.length >= 16)
	{
		e.first = load_word(key.data);
		e.second = load_word(key.data + 8);
	}
	else if (key.length > 8)
	{
		/* the last eight bytes, less those that the first word has */
		e.first = load_word(key.data);
		e.second = load_word(key.data + key.length - 8) << (8 * (16 - key.length));
	}
	else
		e.first = key.length == 8 ? load_word(key.data) : load_short(key.data, key.length);
	h = rk_mix64(e.first * UINT64_C(0x9E3779B97F4A7C15) ^
				 (e.second * UINT64_C(0xC2B2AE3D27D4EB4F) >> 29) ^
				 e.second * UINT64_C(0x165667B19E3779F9) ^ key.length);
	for (uint32_t i = 16; i < key.length; i += 8)
		h = rk_hash_fold(h, key.length - i >= 8 ? load_word(key.data + i) :
						 load_short(key.data + i, key.length - i));
	e.hash = (uint32_t) (h >> 32);
	e.rest = key.length > INLINE_BYTES ? key.data : NULL;
	return e;
}

static inline bool
equal_entries(const entry *a, const entry *b)
{
	return a->first == b->first && a->second == b->second && a->length == b->length &&
		(a->length <= INLINE_BYTES ||
		 memcmp(a->rest + INLINE_BYTES, b->rest + INLINE_BYTES, a->length - INLINE_BYTES) == 0);
}

static rk_status
dictionary_grow(rk_dictionary *d)
{
	int64_t		mask = d->slots ? d->mask * 4 + 3 : 16383;
	slot	   *slots = rk_alloc(d->ctx, mask + 1, sizeof(slot));

	if (slots == NULL)
		return RK_ERR_MEMORY;
	if (clear_table(d->ctx, slots, (mask + 1) * sizeof(slot)) != RK_OK)
		return RK_STOPPED;
	for (int64_t code = 0; code < d->count; code++)
	{
		int64_t		at = d->entries[code].hash & mask;

		if ((code & POLL_MASK) == POLL_MASK && rk_ctx_poll(d->ctx))
			return RK_STOPPED;
		while (slots[at].code != RK_NO_NODE)
			at = (at + 1) & mask;
		slots[at] = (slot) {d->entries[code].hash, (uint32_t) code};
	}
	rk_free(d->ctx, d->slots);
	d->slots = slots;
	d->mask = mask;
	return RK_OK;
}

rk_dictionary *
rk_dictionary_create(rk_ctx *ctx)
{
	rk_dictionary *d = rk_alloc0(ctx, 1, sizeof(rk_dictionary));

	if (d == NULL)
		return NULL;
	d->ctx = ctx;
	d->capacity = 8192;
	d->entries = rk_alloc(ctx, d->capacity, sizeof(entry));
	if (d->entries == NULL || dictionary_grow(d) != RK_OK)
		return NULL;
	return d;
}

/* Appends a new entry, copying the rest of a long key. */
static rk_status
dictionary_append(rk_dictionary *d, entry e)
{
	if (d->count == d->capacity)
	{
		entry	   *grown = rk_realloc(d->ctx, d->entries, d->capacity * 2, sizeof(entry));

		if (grown == NULL)
			return RK_ERR_MEMORY;
		d->entries = grown;
		d->capacity *= 2;
	}
	if (e.length > INLINE_BYTES)
	{
		if (d->arena_left < e.length)
		{
			int64_t		size = e.length > ARENA_BLOCK / 4 ? e.length : ARENA_BLOCK;
			char	   *arena = rk_alloc(d->ctx, size, 1);

			/* an actor lives on after a failure */
			if (arena == NULL)
				return RK_ERR_MEMORY;
			d->arena = arena;
			d->arena_left = size;
		}
		memcpy(d->arena, e.rest, e.length);
		e.rest = d->arena;
		d->arena += e.length;
		d->arena_left -= e.length;
	}
	d->entries[d->count++] = e;
	return RK_OK;
}

rk_status
rk_dictionary_add(rk_dictionary *d, const rk_bytes *keys, int count, uint32_t *codes)
{
	entry		batch[BATCH];

	for (int begin = 0; begin < count; begin += BATCH)
	{
		int			n = count - begin < BATCH ? count - begin : BATCH;

		if (d->count + n > RK_MAX_NODES)
			return rk_fail(d->ctx, RK_ERR_LIMIT, "relation has more than %lld different ids",
						   (long long) RK_MAX_NODES);
		/* at most a quarter full: probes stay short, the table is 8 bytes a slot */
		while ((d->count + n) * 4 > d->mask)
		{
			rk_status	status = dictionary_grow(d);

			if (status != RK_OK)
				return status;
		}
		for (int i = 0; i < n; i++)
		{
			batch[i] = make_entry(keys[begin + i]);
			__builtin_prefetch(&d->slots[batch[i].hash & d->mask]);
		}
		for (int i = 0; i < n; i++)
		{
			uint32_t	code = d->slots[batch[i].hash & d->mask].code;

			if (code != RK_NO_NODE)
				__builtin_prefetch(&d->entries[code]);
		}
		for (int i = 0; i < n; i++)
		{
			int64_t		at = batch[i].hash & d->mask;

			while (d->slots[at].code != RK_NO_NODE &&
				   (d->slots[at].tag != batch[i].hash ||
					!equal_entries(&d->entries[d->slots[at].code], &batch[i])))
				at = (at + 1) & d->mask;
			if (d->slots[at].code == RK_NO_NODE)
			{
				if (dictionary_append(d, batch[i]) != RK_OK)
					return RK_ERR_MEMORY;
				d->slots[at] = (slot) {batch[i].hash, (uint32_t) (d->count - 1)};
			}
			codes[begin + i] = d->slots[at].code;
		}
	}
	return RK_OK;
}

int64_t
rk_dictionary_count(const rk_dictionary *d)
{
	return d->count;
}

static int
compare_entries(const entry *a, const entry *b)
{
	uint32_t	shorter = a->length < b->length ? a->length : b->length;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->second != b->second)
		return a->second < b->second ? -1 : 1;
	if (shorter > INLINE_BYTES)
	{
		int			c = memcmp(a->rest + INLINE_BYTES, b->rest + INLINE_BYTES, shorter - INLINE_BYTES);

		if (c != 0)
			return c;
	}
	return (a->length > b->length) - (a->length < b->length);
}

/* Merge sort of codes by entry, bottom up; scratch has n entries. */
static rk_status
sort_codes(rk_ctx *ctx, const entry *entries, uint32_t *codes, uint32_t *scratch, int64_t n)
{
	for (int64_t width = 1; width < n; width *= 2)
	{
		for (int64_t low = 0; low < n; low += 2 * width)
		{
			int64_t		mid = low + width < n ? low + width : n;
			int64_t		high = low + 2 * width < n ? low + 2 * width : n;
			int64_t		i = low;
			int64_t		j = mid;

			for (int64_t k = low; k < high; k++)
			{
				if ((k & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
					return RK_STOPPED;
				if (j >= high || (i < mid && compare_entries(&entries[codes[i]], &entries[codes[j]]) <= 0))
					scratch[k] = codes[i++];
				else
					scratch[k] = codes[j++];
			}
		}
		memcpy(codes, scratch, sizeof(uint32_t) * n);
	}
	return RK_OK;
}

rk_status
rk_dictionary_sort(rk_dictionary *d, uint32_t *rank, uint32_t *order)
{
	int64_t		n = d->count;
	keyed	   *a = rk_alloc(d->ctx, n, sizeof(keyed));
	keyed	   *b = rk_alloc(d->ctx, n, sizeof(keyed));
	uint32_t   *scratch = rk_alloc(d->ctx, n, sizeof(uint32_t));
	keyed	   *sorted;

	if (!a || !b || !scratch)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		a[i] = (keyed) {d->entries[i].first, (uint32_t) i};
	sorted = sort_keyed(d->ctx, a, b, n);
	if (sorted == NULL)
		return RK_STOPPED;
	for (int64_t i = 0; i < n; i++)
		order[i] = sorted[i].code;

	/* runs that agree in the first 8 bytes */
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i + 1;

		while (j < n && sorted[j].key == sorted[i].key)
			j++;
		if (j > i + 1)
		{
			if (rk_ctx_poll(d->ctx) ||
				sort_codes(d->ctx, d->entries, order + i, scratch, j - i) != RK_OK)
				return RK_STOPPED;
		}
		i = j;
	}
	for (int64_t i = 0; i < n; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(d->ctx))
			return RK_STOPPED;
		rank[order[i]] = (uint32_t) i;
	}
	rk_free(d->ctx, a);
	rk_free(d->ctx, b);
	rk_free(d->ctx, scratch);
	return RK_OK;
}

int64_t
rk_dictionary_memory(int64_t count, int64_t length)
{
	int64_t		capacity = 8192;
	int64_t		slots = 16384;

	while (capacity < count)
		capacity *= 2;
	while (slots < 4 * count)
		slots *= 4;
	return capacity * (int64_t) sizeof(entry) + slots * (int64_t) sizeof(slot) +
		(length > INLINE_BYTES ? count * length : 0);
}

int64_t
rk_dictionary_sort_memory(int64_t count)
{
	return count * (int64_t) (2 * sizeof(keyed) + sizeof(uint32_t));
}

rk_bytes
rk_dictionary_key(const rk_dictionary *d, uint32_t code, char buffer[16])
{
	const entry *e = &d->entries[code];
	uint64_t	words[2] = {e->first, e->second};

	if (e->length > INLINE_BYTES)
		return (rk_bytes) {e->rest, e->length};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	words[0] = __builtin_bswap64(words[0]);
	words[1] = __builtin_bswap64(words[1]);
#endif
	memcpy(buffer, words, 16);
	return (rk_bytes) {buffer, e->length};
}

int64_t
rk_dictionary_find(const rk_dictionary *d, rk_bytes key)
{
	entry		e = make_entry(key);
	int64_t		at = e.hash & d->mask;

	while (d->slots[at].code != RK_NO_NODE)
	{
		if (d->slots[at].tag == e.hash && equal_entries(&d->entries[d->slots[at].code], &e))
			return d->slots[at].code;
		at = (at + 1) & d->mask;
	}
	return -1;
}

/*
 * name_index.c
 *	  Names as bags of symbols in bits, in order of block, length and slack.
 */
#include "name_index.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define OCCURRENCES RK_OCCURRENCES
#define BITS 128
#define SHARED 16				/* bits for the occurrences that have none of their own */

/* ---- bits ---- */

uint8_t
rk_name_shared_bit(int64_t element)
{
	return BITS - SHARED + (uint8_t) (element * 7 % SHARED);
}

/* Calls of a visitor for each symbol of a name with its occurrence, from 0. */
static inline int64_t
element_of(uint32_t symbol, uint8_t *seen)
{
	int			k = seen[symbol];

	if (k < OCCURRENCES - 1)
		seen[symbol]++;
	return (int64_t) symbol * OCCURRENCES + k;
}

static inline void
forget(const uint32_t *symbols, int64_t length, uint8_t *seen)
{
	for (int64_t i = 0; i < length; i++)
		seen[symbols[i]] = 0;
}

rk_name_bits
rk_name_bits_of(const rk_name_index *index, const rk_name_set *names, int64_t name, uint8_t *seen)
{
	const uint32_t *symbols = names->form[0] + names->offsets[name];
	int64_t		length = rk_name_length(names, name);
	rk_name_bits b = {{0, 0}, 0, {0, 0}, {0, 0}};

	for (int64_t i = 0; i < length; i++)
	{
		uint8_t		bit = index->bit_of[element_of(symbols[i], seen)];

		b.bits[bit >> 6] |= UINT64_C(1) << (bit & 63);
	}
	forget(symbols, length, seen);
	b.slack = length - __builtin_popcountll(b.bits[0]) - __builtin_popcountll(b.bits[1]);
	for (int f = 0; f < names->forms && length > 0; f++)
	{
		for (int64_t i = 0; i < 4 && i < length; i++)
			b.prefix[f] |= (names->form[f][names->offsets[name] + i] & 0xff) << (8 * i);
		b.begins[f] = b.prefix[f] & 0xff;
	}
	if (names->forms == 1)
	{
		b.begins[1] = b.begins[0];
		b.prefix[1] = b.prefix[0];
	}
	return b;
}

rk_status
rk_name_assign_bits(rk_ctx *ctx, const rk_name_set *names, int64_t alphabet, uint8_t *seen, uint8_t *bit_of)
{
	int64_t		elements = alphabet * OCCURRENCES;
	uint32_t   *count = rk_alloc0(ctx, elements, sizeof(uint32_t));
	int64_t		different = 0;
	int			own;

	if (count == NULL)
		return RK_ERR_MEMORY;
	for (int64_t n = 0; n < names->count; n++)
	{
		const uint32_t *symbols = names->form[0] + names->offsets[n];
		int64_t		length = rk_name_length(names, n);

		for (int64_t i = 0; i < length; i++)
			count[element_of(symbols[i], seen)]++;
		forget(symbols, length, seen);
		if ((n & 4095) == 0 && rk_ctx_poll(ctx))
		{
			rk_free(ctx, count);
			return RK_STOPPED;
		}
	}
	for (int64_t e = 0; e < elements; e++)
	{
		different += count[e] > 0;
		bit_of[e] = rk_name_shared_bit(e);
	}
	own = different <= BITS ? BITS : BITS - SHARED;
	for (int bit = 0; bit < own; bit++)
	{
		int64_t		best = 0;

		for (int64_t e = 1; e < elements; e++)
			if (count[e] > count[best])
				best = e;
		if (count[best] == 0)
			break;
		bit_of[best] = (uint8_t) bit;
		count[best] = 0;
		if (rk_ctx_poll(ctx))
		{
			rk_free(ctx, count);
			return RK_STOPPED;
		}
	}
	rk_free(ctx, count);
	return RK_OK;
}

/* ---- order ---- */

/* What entries are ordered by. */
typedef struct place
{
	uint32_t	block;
	uint32_t	length;
	uint8_t		slack;			/* 255: that and more */
	uint32_t	name;
} place;

static inline uint8_t
digit_of(const place *p, int digit)
{
	return digit == 0 ? p->slack : digit < 5 ? p->length >> (8 * (digit - 1)) & 0xff : p->block >> (8 * (digit - 5)) & 0xff;
}

/* Sorts by the bytes from the last to the first, keeping the order of equals. */
static rk_status
sort_places(rk_ctx *ctx, place **places, int64_t n)
{
	place	   *from = *places;
	place	   *to = rk_alloc(ctx, n, sizeof(place));

	if (to == NULL)
		return RK_ERR_MEMORY;
	for (int digit = 0; digit < 9; digit++)
	{
		int64_t		at[257] = {0};
		place	   *swap;

		for (int64_t i = 0; i < n; i++)
			at[digit_of(&from[i], digit) + 1]++;
		if (n > 0 && at[digit_of(&from[0], digit) + 1] == n)
			continue;
		for (int b = 0; b < 256; b++)
			at[b + 1] += at[b];
		for (int64_t i = 0; i < n; i++)
		{
			to[at[digit_of(&from[i], digit)]++] = from[i];
			if ((i & 0xffff) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
		swap = from;
		from = to;
		to = swap;
	}
	rk_free(ctx, to);
	*places = from;
	return RK_OK;
}

/* Runs of one block, length and slack. */
static rk_status
make_groups(rk_ctx *ctx, rk_name_index *index, const place *places, int64_t block_count)
{
	int64_t		groups = 0;
	uint32_t	block = 0;

	for (int64_t i = 0; i < index->entries; i++)
		groups += i == 0 || places[i].block != places[i - 1].block || places[i].length != places[i - 1].length ||
			places[i].slack != places[i - 1].slack;
	index->group = rk_alloc(ctx, groups + 1, sizeof(rk_name_group));
	index->block_groups = rk_alloc0(ctx, block_count + 1, sizeof(int64_t));
	if (index->group == NULL || index->block_groups == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < index->entries; i++)
	{
		if (i > 0 && places[i].block == places[i - 1].block && places[i].length == places[i - 1].length &&
			places[i].slack == places[i - 1].slack)
			continue;
		while (block < places[i].block)
			index->block_groups[++block] = index->groups;
		index->group[index->groups++] = (rk_name_group) {i, places[i].length,
		places[i].slack == 255 ? places[i].length : places[i].slack};
	}
	while (block < block_count)
		index->block_groups[++block] = index->groups;
	index->group[index->groups].begin = index->entries;
	return RK_OK;
}

rk_status
rk_name_index_build(rk_ctx *ctx, const rk_name_set *names, int64_t alphabet, const uint32_t *blocks, int64_t block_count,
					rk_name_index *index)
{
	uint8_t    *seen = rk_alloc0(ctx, alphabet, 1);
	place	   *places = rk_alloc(ctx, names->count, sizeof(place));
	rk_status	status;

	*index = (rk_name_index) {.names = names};
	index->bit_of = rk_alloc(ctx, alphabet * OCCURRENCES, 1);
	if (seen == NULL || places == NULL || index->bit_of == NULL)
		return RK_ERR_MEMORY;
	status = rk_name_assign_bits(ctx, names, alphabet, seen, index->bit_of);
	for (int64_t i = 0; i < names->count && status == RK_OK; i++)
	{
		uint32_t	block = blocks ? blocks[names->owner[i]] : 0;
		rk_name_bits b;

		if (block == UINT32_MAX)
			continue;
		b = rk_name_bits_of(index, names, i, seen);
		places[index->entries++] = (place) {block, (uint32_t) rk_name_length(names, i), b.slack > 255 ? 255 : (uint8_t) b.slack,
		(uint32_t) i};
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			status = RK_STOPPED;
	}
	if (status == RK_OK)
		status = sort_places(ctx, &places, index->entries);
	if (status == RK_OK)
		status = make_groups(ctx, index, places, block_count);
	if (status != RK_OK)
		return status;
	index->entry = rk_alloc(ctx, index->entries, sizeof(rk_name_entry));
	for (int k = 0; k < 2; k++)
	{
		index->bits[k] = rk_alloc(ctx, index->entries + RK_RUN, sizeof(uint64_t));
		index->begins[k] = rk_alloc(ctx, index->entries + RK_RUN, 1);
		if (index->bits[k] == NULL || index->begins[k] == NULL)
			return RK_ERR_MEMORY;
	}
	if (index->entry == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < index->entries; i++)
	{
		rk_name_bits b = rk_name_bits_of(index, names, places[i].name, seen);

		index->entry[i] = (rk_name_entry) {places[i].name, names->owner[places[i].name], {b.prefix[0], b.prefix[1]},
		names->offsets[places[i].name], rk_name_length(names, places[i].name)};
		for (int k = 0; k < 2; k++)
		{
			index->bits[k][i] = b.bits[k];
			index->begins[k][i] = b.begins[k];
		}
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, places);
	rk_free(ctx, seen);
	return RK_OK;
}

/* ---- runs ---- */

static uint64_t
run_plain(const rk_name_index *index, int64_t begin, int64_t count, const rk_name_bits *name, int64_t any, int64_t same)
{
	uint64_t	found = 0;

	for (int64_t i = 0; i < count; i++)
	{
		int64_t		e = begin + i;
		int64_t		shared = rk_shared_bits(index, e, name);
		bool		alike = (index->begins[0][e] == name->begins[0]) | (index->begins[1][e] == name->begins[1]);

		found |= (uint64_t) ((shared >= any) | (alike & (shared >= same))) << i;
	}
	return found;
}

#if defined(__x86_64__) && defined(__GNUC__)

#define POPCOUNT __attribute__((target("popcnt")))
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,popcnt")))

/* The same with an instruction that counts bits. */
POPCOUNT static uint64_t
run_popcount(const rk_name_index *index, int64_t begin, int64_t count, const rk_name_bits *name, int64_t any, int64_t same)
{
	uint64_t	found = 0;

	for (int64_t i = 0; i < count; i++)
	{
		int64_t		e = begin + i;
		int64_t		shared = __builtin_popcountll(index->bits[0][e] & name->bits[0]) +
			__builtin_popcountll(index->bits[1][e] & name->bits[1]);
		bool		alike = (index->begins[0][e] == name->begins[0]) | (index->begins[1][e] == name->begins[1]);

		found |= (uint64_t) ((shared >= any) | (alike & (shared >= same))) << i;
	}
	return found;
}

/* And for eight entries at once.  The arrays go on for a run behind the last. */
WIDE static uint64_t
run_wide(const rk_name_index *index, int64_t begin, int64_t count, const rk_name_bits *name, int64_t any, int64_t same)
{
	const uint64_t *low = index->bits[0] + begin;
	const uint64_t *high = index->bits[1] + begin;
	__m512i		name_low = _mm512_set1_epi64((long long) name->bits[0]);
	__m512i		name_high = _mm512_set1_epi64((long long) name->bits[1]);
	__m512i		least_any = _mm512_set1_epi64(any);
	__m512i		least_same = _mm512_set1_epi64(same);
	uint64_t	has_any = 0;
	uint64_t	has_same = 0;
	uint64_t	alike;

	for (int64_t i = 0; i < count; i += 8)
	{
		__m512i		shared = _mm512_add_epi64(_mm512_popcnt_epi64(_mm512_and_si512(name_low, _mm512_loadu_si512(low + i))),
											  _mm512_popcnt_epi64(_mm512_and_si512(name_high, _mm512_loadu_si512(high + i))));

		has_any |= (uint64_t) _mm512_cmpge_epi64_mask(shared, least_any) << i;
		has_same |= (uint64_t) _mm512_cmpge_epi64_mask(shared, least_same) << i;
	}
	alike = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(index->begins[0] + begin), _mm512_set1_epi8((char) name->begins[0])) |
		_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(index->begins[1] + begin), _mm512_set1_epi8((char) name->begins[1]));
	return (has_any | (alike & has_same)) & (~UINT64_C(0) >> (RK_RUN - count));
}

rk_run_fn
rk_name_run(void)
{
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512vpopcntdq"))
		return run_wide;
	return __builtin_cpu_supports("popcnt") ? run_popcount : run_plain;
}

#else

rk_run_fn
rk_name_run(void)
{
	return run_plain;
}

#endif

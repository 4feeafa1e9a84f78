/*
 * name_terms.c
 *	  Lists of the names that hold a word or a sound.
 */
#include "name_terms.h"

#define NONE UINT32_MAX

/* Terms of the names of one side: those of name i are term[begin[i]] .. */
typedef struct side_terms
{
	int64_t    *begin;
	uint32_t   *term;
} side_terms;

/* The entries' names of each term, by counting. */
static rk_status
invert(rk_ctx *ctx, int64_t names, const side_terms *entries, rk_name_terms *terms)
{
	int64_t		total = entries->begin[names];

	terms->begin = rk_alloc0(ctx, terms->count + 2, sizeof(int64_t));
	terms->name = rk_alloc(ctx, total, sizeof(uint32_t));
	if (terms->begin == NULL || terms->name == NULL)
		return RK_ERR_MEMORY;
	/* counts one place further on, so that filling leaves the beginnings */
	for (int64_t i = 0; i < total; i++)
		terms->begin[entries->term[i] + 2]++;
	for (int64_t t = 0; t < terms->count; t++)
		terms->begin[t + 2] += terms->begin[t + 1];
	for (int64_t i = 0; i < names; i++)
	{
		for (int64_t k = entries->begin[i]; k < entries->begin[i + 1]; k++)
			terms->name[terms->begin[entries->term[k] + 1]++] = (uint32_t) i;
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

/* ---- words ---- */

static int64_t
count_words(const uint32_t *symbols, int64_t length)
{
	int64_t		n = length > 0;

	for (int64_t i = 0; i < length; i++)
		n += symbols[i] == RK_SPACE;
	return n;
}

static rk_status
words_of(rk_ctx *ctx, const rk_name_set *names, rk_dictionary *words, side_terms *side)
{
	int64_t		n = 0;

	side->begin = rk_alloc(ctx, names->count + 1, sizeof(int64_t));
	if (side->begin == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < names->count; i++)
	{
		side->begin[i] = n;
		n += count_words(names->form[0] + names->offsets[i], rk_name_length(names, i));
	}
	side->begin[names->count] = n;
	side->term = rk_alloc(ctx, n, sizeof(uint32_t));
	if (side->term == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0, at = 0; i < names->count; i++)
	{
		int64_t		begin = names->offsets[i];

		for (int64_t k = begin; k <= names->offsets[i + 1]; k++)
		{
			rk_bytes	word = {(const char *) (names->form[0] + begin), (uint32_t) (sizeof(uint32_t) * (k - begin))};
			rk_status	status;

			if ((k < names->offsets[i + 1] && names->form[0][k] != RK_SPACE) || k == begin)
				continue;
			status = rk_dictionary_add(words, &word, 1, &side->term[at++]);
			if (status != RK_OK)
				return status;
			begin = k + 1;
		}
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

rk_status
rk_terms_of_words(rk_ctx *ctx, const rk_name_set *queries, const rk_name_set *entries, rk_name_terms *terms)
{
	rk_dictionary *words = rk_dictionary_create(ctx);
	side_terms	of_queries;
	side_terms	of_entries;
	rk_status	status = words ? words_of(ctx, entries, words, &of_entries) : RK_ERR_MEMORY;

	if (status == RK_OK)
		status = words_of(ctx, queries, words, &of_queries);
	if (status != RK_OK)
		return status;
	terms->query_begin = of_queries.begin;
	terms->query_term = of_queries.term;
	terms->count = rk_dictionary_count(words);
	return invert(ctx, entries->count, &of_entries, terms);
}

/* ---- sounds ---- */

static rk_status
sounds_of(rk_ctx *ctx, const rk_name_set *names, bool any_order, rk_dictionary *keys, side_terms *side, const uint32_t **sounds)
{
	uint32_t   *codes = rk_alloc(ctx, 2 * names->count, sizeof(uint32_t));
	rk_status	status;
	int64_t		n = 0;

	side->begin = rk_alloc(ctx, names->count + 1, sizeof(int64_t));
	side->term = rk_alloc(ctx, 2 * names->count, sizeof(uint32_t));
	if (codes == NULL || side->begin == NULL || side->term == NULL)
		return RK_ERR_MEMORY;
	status = rk_sound_keys(ctx, names, any_order, keys, codes);
	for (int64_t i = 0; i < names->count && status == RK_OK; i++)
	{
		side->begin[i] = n;
		for (int k = 0; k < 2; k++)
			if (codes[2 * i + k] != NONE)
				side->term[n++] = codes[2 * i + k];
	}
	side->begin[names->count] = n;
	*sounds = codes;
	return status;
}

rk_status
rk_terms_of_sounds(rk_ctx *ctx, const rk_name_set *queries, const rk_name_set *entries, bool any_order, rk_name_terms *terms)
{
	rk_dictionary *keys = rk_dictionary_create(ctx);
	side_terms	of_queries;
	side_terms	of_entries;
	rk_status	status = keys ? sounds_of(ctx, entries, any_order, keys, &of_entries, &terms->sounds[1]) : RK_ERR_MEMORY;

	if (status == RK_OK)
		status = sounds_of(ctx, queries, any_order, keys, &of_queries, &terms->sounds[0]);
	if (status != RK_OK)
		return status;
	terms->query_begin = of_queries.begin;
	terms->query_term = of_queries.term;
	terms->count = rk_dictionary_count(keys);
	return invert(ctx, entries->count, &of_entries, terms);
}

/*
 * parties.c
 *	  Rows as they were read, made ready to be matched.
 */
#include "parties.h"

#include <string.h>

/* Numbers texts as names are compared; the empty one is not known. */
static rk_status
number_texts(rk_ctx *ctx, rk_normaliser *normaliser, rk_dictionary *d, const rk_bytes *texts, int64_t rows,
			 const uint32_t **codes)
{
	uint32_t   *to;

	if (texts == NULL)
		return RK_OK;
	to = rk_alloc(ctx, rows, sizeof(uint32_t));
	if (to == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < rows; i++)
	{
		const uint32_t *symbols;
		int64_t		length;
		rk_status	status = rk_normalise(normaliser, texts[i], &symbols, &length);
		rk_bytes	key = {(const char *) symbols, (uint32_t) (sizeof(uint32_t) * length)};

		to[i] = RK_NO_CODE;
		if (status == RK_OK && length > 0)
			status = rk_dictionary_add(d, &key, 1, &to[i]);
		if (status != RK_OK)
			return status;
		if ((i & 1023) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	*codes = to;
	return RK_OK;
}

static rk_status
pack_dates(rk_ctx *ctx, const int64_t *days, int64_t rows, const uint32_t **dates)
{
	uint32_t   *to;

	if (days == NULL)
		return RK_OK;
	to = rk_alloc(ctx, rows, sizeof(uint32_t));
	if (to == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < rows; i++)
		to[i] = days[i] == RK_UNKNOWN_DAY ? RK_NO_DATE : rk_packed_date(days[i]);
	*dates = to;
	return RK_OK;
}

/* The block of each row. */
static rk_status
number_blocks(rk_ctx *ctx, rk_dictionary *d, unsigned block_on, rk_match_side *side)
{
	const uint32_t *columns[3] = {side->countries, side->types, side->dates};
	int64_t		rows = side->names->rows;
	uint32_t   *to = rk_alloc(ctx, rows, sizeof(uint32_t));

	if (to == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < rows; i++)
	{
		uint32_t	key[3] = {0, 0, 0};
		rk_bytes	bytes = {(const char *) key, sizeof(key)};
		bool		known = true;

		for (int c = 0; c < 3; c++)
		{
			if (!(block_on >> c & 1))
				continue;
			key[c] = columns[c] ? columns[c][i] : RK_NO_CODE;
			known = known && key[c] != RK_NO_CODE;
		}
		to[i] = RK_NO_CODE;
		if (known && rk_dictionary_add(d, &bytes, 1, &to[i]) != RK_OK)
			return RK_ERR_MEMORY;
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	side->blocks = to;
	return RK_OK;
}

rk_status
rk_match_sides(rk_ctx *ctx, const rk_party_input *inputs, int count, bool transliterate, unsigned block_on,
			   rk_match_side *sides)
{
	rk_dictionary *countries = rk_dictionary_create(ctx);
	rk_dictionary *types = rk_dictionary_create(ctx);
	rk_dictionary *blocks = rk_dictionary_create(ctx);
	rk_normaliser *normaliser = NULL;
	rk_status	status = countries && types && blocks ? rk_normaliser_open(ctx, transliterate, &normaliser) : RK_ERR_MEMORY;

	rk_phase(ctx, "normalising", 0);
	for (int i = 0; i < count && status == RK_OK; i++)
	{
		const rk_party_input *in = &inputs[i];
		rk_match_side *side = &sides[i];

		*side = (rk_match_side) {.names = rk_alloc(ctx, 1, sizeof(rk_name_set))};
		if (side->names == NULL)
			status = RK_ERR_MEMORY;
		if (status == RK_OK)
			status = rk_names_build(normaliser, ctx, &in->names, side->names);
		if (status == RK_OK)
			status = number_texts(ctx, normaliser, countries, in->countries, in->names.rows, &side->countries);
		if (status == RK_OK)
			status = number_texts(ctx, normaliser, types, in->types, in->names.rows, &side->types);
		if (status == RK_OK)
			status = pack_dates(ctx, in->dates, in->names.rows, &side->dates);
		if (status == RK_OK && block_on != 0)
			status = number_blocks(ctx, blocks, block_on, side);
	}
	return status;
}

int
rk_pep_tier(int64_t level, bool active)
{
	int			tier = level == 0 ? 0 : (int) (4 - level) - !active;

	return tier > 0 ? tier : 0;
}

rk_status
rk_pep_order(rk_ctx *ctx, const int64_t *levels, const bool *active, int64_t rows, uint32_t *order)
{
	int64_t		at[9] = {0};

	/* eight classes: level 1, 2, 3, not known, of each those in office first */
	for (int64_t i = 0; i < rows; i++)
		at[2 * (levels[i] == 0 ? 3 : levels[i] - 1) + !active[i] + 1]++;
	for (int c = 0; c < 8; c++)
		at[c + 1] += at[c];
	for (int64_t i = 0; i < rows; i++)
	{
		order[i] = (uint32_t) at[2 * (levels[i] == 0 ? 3 : levels[i] - 1) + !active[i]]++;
		if ((i & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

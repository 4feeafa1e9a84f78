/*
 * parties.h
 *	  Rows as they were read, made ready to be matched; politically exposed
 *	  persons.
 */
#ifndef RK_PARTIES_H
#define RK_PARTIES_H

#include "screening.h"

#define RK_UNKNOWN_DAY INT64_MIN

/* Columns of a relation; NULL where there is none. */
typedef struct rk_party_input
{
	rk_name_input names;
	const int64_t *dates;		/* days since 2000-01-01, RK_UNKNOWN_DAY */
	const rk_bytes *countries;	/* empty: not known */
	const rk_bytes *types;
} rk_party_input;

/* Bits of the columns that rows must share to match, in the order of rk_block_columns. */
typedef enum rk_block_column
{
	RK_BLOCK_COUNTRY = 1,
	RK_BLOCK_TYPE = 2,
	RK_BLOCK_DATE = 4
} rk_block_column;

/*
 * Normalises the names of one or two relations, numbers their countries and
 * types together, as names are compared, and their blocks: rows in which a
 * column of the block is not known are in none.
 */
extern rk_status rk_match_sides(rk_ctx *ctx, const rk_party_input *inputs, int count, bool transliterate,
								unsigned block_on, rk_match_side *sides);

/* ---- politically exposed persons ---- */

/* Tier by level (1 head of state, 2 senior official, 3 family or associate; 0: not known): 0 low .. 3 very high. */
extern int	rk_pep_tier(int64_t level, bool active);

/* Order of the entries among equal scores: by level, those in office first, then as they are. */
extern rk_status rk_pep_order(rk_ctx *ctx, const int64_t *levels, const bool *active, int64_t rows, uint32_t *order);

#endif							/* RK_PARTIES_H */

/*
 * name_index.h
 *	  Names laid out for finding those that share many symbols with another.
 *
 * A name is the bag of its symbols, written as 128 bits: the k-th occurrence of
 * a symbol is one bit.  The occurrences that most names have get bits of their
 * own, the others share some.  The number of bits that two names have in common
 * then is the number of symbols that they share, but for those that fell on one
 * bit; a name's slack is how many of its symbols did, and the lesser slack of
 * two names bounds what is missing.
 *
 * Entries are ordered by block, length and slack, so that a whole run of them
 * needs the same number of bits.
 */
#ifndef RK_NAME_INDEX_H
#define RK_NAME_INDEX_H

#include "names.h"

#define RK_RUN 64				/* entries looked at together: the bits of a word */
#define RK_OCCURRENCES 8		/* of a symbol in a name that are told apart; later ones count as the eighth */

typedef struct rk_name_bits
{
	uint64_t	bits[2];
	int64_t		slack;
	uint8_t		begins[2];		/* first symbol of each form, cut to a byte */
	uint32_t	prefix[2];		/* and the first four */
} rk_name_bits;

typedef struct rk_name_group
{
	int64_t		begin;
	int64_t		length;
	int64_t		slack;
} rk_name_group;

/* What is looked at of an entry that may match: half a cache line. */
typedef struct rk_name_entry
{
	uint32_t	name;			/* in names */
	uint32_t	owner;			/* row */
	uint32_t	prefix[2];		/* as in rk_name_bits */
	int64_t		offset;			/* of its symbols */
	int64_t		length;
} rk_name_entry;

typedef struct rk_name_index
{
	const rk_name_set *names;
	uint8_t    *bit_of;			/* [alphabet * RK_OCCURRENCES] */
	int64_t		entries;
	rk_name_entry *entry;		/* [entries] */
	uint64_t   *bits[2];		/* [entries] */
	uint8_t    *begins[2];		/* [entries] */
	int64_t		groups;
	rk_name_group *group;		/* [groups + 1] */
	int64_t    *block_groups;	/* [blocks + 1] groups of each block */
} rk_name_index;

/*
 * Builds the index of names, of which form[0] says the bag; blocks, if not
 * NULL, says the block of each row: names of rows in none are left out.
 */
extern rk_status rk_name_index_build(rk_ctx *ctx, const rk_name_set *names, int64_t alphabet, const uint32_t *blocks,
									 int64_t block_count, rk_name_index *index);

/*
 * Gives the most frequent elements of names, occurrence k of symbol c being
 * number RK_OCCURRENCES c + k, bits of their own, and the others one that they
 * share: bit_of has one for each element of the alphabet.
 */
extern rk_status rk_name_assign_bits(rk_ctx *ctx, const rk_name_set *names, int64_t alphabet, uint8_t *seen, uint8_t *bit_of);

/* The bit of an element that has none of its own. */
extern uint8_t rk_name_shared_bit(int64_t element);

/* The bits of a name; seen: a zeroed byte for each symbol of the alphabet. */
extern rk_name_bits rk_name_bits_of(const rk_name_index *index, const rk_name_set *names, int64_t name, uint8_t *seen);

/*
 * Which of count (up to RK_RUN) entries from begin on share at least any bits
 * with a name, or at least same if a form begins alike: a bit for each.
 */
typedef uint64_t (*rk_run_fn) (const rk_name_index *index, int64_t begin, int64_t count, const rk_name_bits *name,
							   int64_t any, int64_t same);

/* The fastest for this machine. */
extern rk_run_fn rk_name_run(void);

/* How many bits an entry shares with a name. */
static inline int64_t
rk_shared_bits(const rk_name_index *index, int64_t entry, const rk_name_bits *name)
{
	return __builtin_popcountll(index->bits[0][entry] & name->bits[0]) +
		__builtin_popcountll(index->bits[1][entry] & name->bits[1]);
}

/* At least as many symbols as an entry and a name both begin with, up to four. */
static inline int
rk_shared_prefix(const rk_name_entry *entry, const rk_name_bits *name, int form)
{
	uint32_t	different = entry->prefix[form] ^ name->prefix[form];

	return different == 0 ? 4 : __builtin_ctz(different) / 8;
}

#endif							/* RK_NAME_INDEX_H */

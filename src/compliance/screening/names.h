/*
 * names.h
 *	  Names made comparable: normalised, as symbols of one alphabet, with their
 *	  words in order.
 *
 * Normalising is: NFKC, full case folding, canonical decomposition without
 * combining marks (those with a combining class) and without invisible code
 * points (default ignorable), punctuation (general category P) as space, runs
 * of space as one, none at the ends.  With transliteration the letters of other
 * scripts become Latin ones and those beyond ASCII lose what makes them so,
 * before the case is folded.  Bytes that are no UTF-8 become U+FFFD.
 */
#ifndef RK_NAMES_H
#define RK_NAMES_H

#include "../../compute/ctx.h"
#include "../../compute/dense.h"

typedef struct rk_normaliser rk_normaliser;

/* A normaliser in ctx, whose memory goes with it. */
extern rk_status rk_normaliser_open(rk_ctx *ctx, bool transliterate, rk_normaliser **normaliser);

/*
 * Normalises text (UTF-8); *symbols are *count code points that are valid until
 * the next call.  RK_ERR_LIMIT: longer than ICU can take.
 */
extern rk_status rk_normalise(rk_normaliser *n, rk_bytes text, const uint32_t **symbols, int64_t *count);

/* What is compared: which forms of a name there are. */
typedef enum rk_name_form
{
	RK_FORM_GIVEN,				/* as it is */
	RK_FORM_SORTED,				/* its words in order */
	RK_FORM_BOTH,				/* both, of the same length */
	RK_FORM_SET					/* its different words in order */
} rk_name_form;

/* Names of rows: of row r those from first[r] on, its name and its aliases. */
typedef struct rk_name_set
{
	int64_t		rows;
	int64_t		count;			/* names of all rows */
	int64_t    *first;			/* [rows + 1] */
	uint32_t   *owner;			/* [count] row of each name */
	int64_t    *offsets;		/* [count + 1] into the forms */
	int			forms;			/* 1 or 2 */
	uint32_t   *form[2];		/* symbols; two when words are compared as given and in order */
	int64_t		longest;		/* symbols of the longest name */
} rk_name_set;

/* Names as they come; of row r the aliases alias_offsets[r] .. [r + 1]. */
typedef struct rk_name_input
{
	int64_t		rows;
	const rk_bytes *names;
	const int64_t *alias_offsets;	/* NULL: no aliases */
	const rk_bytes *aliases;
} rk_name_input;

/*
 * Normalises all names; form[0] holds code points.  RK_ERR_LIMIT: 2^32 - 1
 * names or more.
 */
extern rk_status rk_names_build(rk_normaliser *normaliser, rk_ctx *ctx, const rk_name_input *input, rk_name_set *names);

/*
 * Makes the forms of sets of names that are to be compared, and numbers their
 * code points together, in order: symbols are 0 .. *alphabet - 1, 0 is the
 * space.
 */
extern rk_status rk_names_prepare(rk_ctx *ctx, rk_name_set *const *sets, int count, rk_name_form form,
								  int64_t *alphabet);

#define RK_SPACE 0				/* the symbol of the space */

typedef struct rk_word
{
	const uint32_t *symbols;
	int64_t		length;
} rk_word;

/*
 * Writes the words of a name in order, each once if wanted; returns the length.
 * words has room for length / 2 + 1.
 */
extern int64_t rk_name_sort_words(const uint32_t *symbols, int64_t length, rk_word *words, bool once, uint32_t *to);

static inline int64_t
rk_name_length(const rk_name_set *names, int64_t name)
{
	return names->offsets[name + 1] - names->offsets[name];
}

/* Whether two names are the same in a form that is compared. */
extern bool rk_names_equal(const rk_name_set *a, int64_t i, const rk_name_set *b, int64_t j);

/* Whether a prepared name has no space in it. */
extern bool rk_name_is_one_word(const rk_name_set *names, int64_t name);

#endif							/* RK_NAMES_H */

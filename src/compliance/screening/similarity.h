/*
 * similarity.h
 *	  How alike two names are, 0 to 1.
 *
 * All measures count symbols (code points); an empty name is like nothing, not
 * even another empty one.
 */
#ifndef RK_NAME_SIMILARITY_H
#define RK_NAME_SIMILARITY_H

#include "names.h"

typedef enum rk_name_method
{
	RK_JARO_WINKLER,			/* Winkler 1990: Jaro, and a tenth of what it lacks for each of up to four
								 * symbols that both begin with, where Jaro is above 0.7 */
	RK_JARO,					/* Jaro 1989: window max(n, m) / 2 - 1, half of the misplaced rounded down */
	RK_LEVENSHTEIN,				/* 1 - distance / max(n, m) */
	RK_DAMERAU,					/* the same, and neighbours may change places (Damerau 1964, unrestricted) */
	RK_TOKEN_SORT_RATIO,		/* 1 - insertions and deletions / (n + m), words in order */
	RK_TOKEN_SET_RATIO,			/* the largest of three: what is common to what is in both, and those two */
	RK_PHONETIC					/* 1 where all words sound alike by Soundex or by Metaphone, else 0 */
} rk_name_method;

/* The form of names that a method compares; any_order: their words in any order. */
static inline rk_name_form
rk_name_form_of(rk_name_method method, bool any_order)
{
	return method == RK_TOKEN_SET_RATIO ? RK_FORM_SET : method == RK_TOKEN_SORT_RATIO ? RK_FORM_SORTED :
		any_order ? RK_FORM_BOTH : RK_FORM_GIVEN;
}

/*
 * Compares one name after another with one that is kept ready: bit-parallel
 * where both have at most 64 symbols (Jaro by matching bits, edit distances by
 * Hyyro 2003 and 2004), else Jaro in linear time, distances in n m steps.  Each
 * thread has one of its own.
 */
typedef struct rk_name_matcher
{
	rk_ctx	   *ctx;
	rk_name_method method;
	int			thread;			/* for rk_chunk_should_stop */
	const rk_name_set *names;		/* of the name that is ready */
	int64_t		name;
	int64_t		length;
	uint64_t   *masks[2];		/* [alphabet] where each symbol is, for a name of up to 64 */

	/* for longer ones; NULL when there are none */
	uint32_t   *head;			/* [alphabet] first place of each symbol */
	uint32_t   *current;		/* [alphabet] first place not yet passed */
	uint32_t   *next[2];		/* [longest] the next place of the same symbol */
	int			chained;		/* form that head is of; -1: none */
	uint8_t    *matched[2];		/* [longest] of both names */
	uint32_t   *rows[3];		/* [longest + 2] of the distances */
	uint32_t   *last_row;		/* [alphabet] where a symbol was last seen */
} rk_name_matcher;

/* Memory for names of this length at most. */
extern rk_status rk_matcher_init(rk_name_matcher *m, rk_ctx *ctx, rk_name_method method, int64_t alphabet,
								 int64_t longest);

/* Gives the memory back; no name is ready. */
extern void rk_matcher_free(rk_name_matcher *m);

/* Keeps a name ready; puts away the one before.  NULL: only that. */
extern void rk_matcher_set(rk_name_matcher *m, const rk_name_set *names, int64_t name);

/*
 * How alike the name is to another, whose symbols are at this offset: the
 * largest over the forms.  Where that is less than at_least the result may be
 * anything less than that.  Ends early, with any result, when the call is to
 * stop.
 */
extern double rk_matcher_compare(rk_name_matcher *m, const rk_name_set *names, int64_t offset, int64_t length,
								 double at_least);

/* The least number of common symbols that names of these lengths need for a score. */
extern int64_t rk_common_needed(rk_name_method method, int64_t length, int64_t other, double score, int prefix);

/* ---- sound (phonetic.c) ---- */

/*
 * The code of a word of the letters a to z; returns its length.  American
 * Soundex, where h and w do not part letters of one digit: four symbols, none
 * for an empty word.  Metaphone (Philips 1990): up to two symbols a letter.
 */
extern int64_t rk_soundex(const char *word, int64_t length, char *code);
extern int64_t rk_metaphone(const char *word, int64_t length, char *code);

/*
 * What each name sounds like: codes[2 i] is the number in keys of the Soundex
 * codes of its words, codes[2 i + 1] that of their Metaphone codes; UINT32_MAX
 * for an empty name.  any_order: the codes of the words in order.  A word with
 * other symbols than a to z, or without a sound, sounds like itself alone.
 * names are code points still (before rk_names_prepare).
 */
extern rk_status rk_sound_keys(rk_ctx *ctx, const rk_name_set *names, bool any_order, rk_dictionary *keys,
							   uint32_t *codes);

#endif							/* RK_NAME_SIMILARITY_H */

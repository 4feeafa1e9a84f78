/*
 * name_list.h
 *	  A list of names that changes entry by entry, and finds those that are
 *	  like another.
 *
 * The same search as rk_match, with the same result, over an index that follows
 * every change: names lie in buckets of one length, 64 of them are looked at
 * with a few instructions each for how many symbols they can share with the
 * name that is looked for, and only those that share enough are compared.
 */
#ifndef RK_NAME_LIST_H
#define RK_NAME_LIST_H

#include "screening.h"

/* What is known of an entry, or of who is looked for, beside names; RK_MODEL_NAME looks at names alone. */
typedef struct rk_list_evidence
{
	uint32_t	date;			/* rk_packed_date; RK_NO_DATE */
	uint32_t	country;		/* rk_name_list_code; RK_NO_CODE */
	uint32_t	type;			/* likewise; entries of another one never match */
} rk_list_evidence;

/* An entry that scores enough. */
typedef struct rk_list_hit
{
	double		score;
	double		similarity;		/* of the names */
	uint32_t	entry;
	uint32_t	name;			/* the entry's name that is most alike, the first of those, from 0 */
	bool		same;			/* it has the words of the name that was looked for */
	bool		one_word;		/* it is one word */
} rk_list_hit;

typedef struct rk_name_list rk_name_list;

/* The methods that a list can be searched by: those before RK_TOKEN_SET_RATIO. */
typedef struct rk_name_list_params
{
	rk_name_method method;
	bool		any_order;
	bool		transliterate;
	rk_match_rule rule;
} rk_name_list_params;

/* An empty list in ctx. */
extern rk_status rk_name_list_create(rk_ctx *ctx, const rk_name_list_params *params, rk_name_list **list);

/* The entries that the list has: numbers 0 .. count - 1. */
extern uint32_t rk_name_list_count(const rk_name_list *list);

/*
 * Gives entry the names, its own first; entry = count adds one.  If it fails
 * the list finds what it found before.  O(symbols) amortised.
 */
extern rk_status rk_name_list_set(rk_name_list *list, uint32_t entry, const rk_bytes *names, int64_t count,
								  const rk_list_evidence *evidence);

/* Removes an entry; the last one takes its number. */
extern void rk_name_list_remove(rk_name_list *list, uint32_t entry);

/* The number of a country or type as names are compared; RK_NO_CODE for nothing.  add: new ones get one. */
extern rk_status rk_name_list_code(rk_name_list *list, rk_bytes text, bool add, uint32_t *code);

/*
 * Looks for the entries that score at least hit_score, and if there are none
 * for those that score best, at least min_score.  *hits are *count entries in
 * no order, all with at least the score of the best one that they were looked
 * for; valid until the next call.  RK_ERR_PARAMETER: a name of nothing.
 *
 * Cost: about a nanosecond for each name of the list, and some 50 for those that
 * share enough symbols.
 */
extern rk_status rk_name_list_search(rk_name_list *list, rk_bytes name, const rk_list_evidence *evidence,
									 double hit_score, double min_score, const rk_list_hit **hits, uint32_t *count);

#endif							/* RK_NAME_LIST_H */

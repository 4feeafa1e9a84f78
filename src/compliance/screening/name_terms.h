/*
 * name_terms.h
 *	  Names found by what they hold: words, or what they sound like.
 *
 * Two names that share a word can have a token set ratio of 1 however many
 * other symbols they have, and names that sound alike need not share symbols at
 * all; both are found by lists of the names that hold a term.
 */
#ifndef RK_NAME_TERMS_H
#define RK_NAME_TERMS_H

#include "similarity.h"

typedef struct rk_name_terms
{
	int64_t		count;			/* different terms; 0: there are none */
	int64_t    *query_begin;	/* [names of queries + 1] into query_term */
	uint32_t   *query_term;
	int64_t    *begin;			/* [count + 1] into name */
	uint32_t   *name;			/* entries' names that hold the term */
	const uint32_t *sounds[2];	/* of queries and entries, two for each name; NULL: terms are words */
} rk_name_terms;

/* Sets of words: names in the form RK_FORM_SET, prepared. */
extern rk_status rk_terms_of_words(rk_ctx *ctx, const rk_name_set *queries, const rk_name_set *entries, rk_name_terms *terms);

/* Sounds: names that are code points still. */
extern rk_status rk_terms_of_sounds(rk_ctx *ctx, const rk_name_set *queries, const rk_name_set *entries, bool any_order,
									rk_name_terms *terms);

/* How many terms a name of the queries has. */
static inline int64_t
rk_terms_of(const rk_name_terms *t, int64_t query)
{
	return t->query_begin[query + 1] - t->query_begin[query];
}

/* The entries' names that hold its k-th term. */
static inline int64_t
rk_terms_entries(const rk_name_terms *t, int64_t query, int64_t k, const uint32_t **names)
{
	uint32_t	term = t->query_term[t->query_begin[query] + k];

	*names = t->name + t->begin[term];
	return t->begin[term + 1] - t->begin[term];
}

/* 1 if two names sound alike, else 0. */
static inline double
rk_terms_meet(const rk_name_terms *t, int64_t query, int64_t entry)
{
	const uint32_t *a = t->sounds[0] + 2 * query;
	const uint32_t *b = t->sounds[1] + 2 * entry;

	return a[0] != UINT32_MAX && b[0] != UINT32_MAX && (a[0] == b[0] || a[1] == b[1]);
}

#endif							/* RK_NAME_TERMS_H */

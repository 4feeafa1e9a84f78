/*
 * screening.h
 *	  What the matching of names offers: sanctions and PEP screening, entity
 *	  resolution.
 *
 * All three compare the names of some rows with the names of others and report
 * the best pairs.  Nothing is missed: pairs are left out only by bounds that no
 * pair at or above the score wanted can fail, so the result is that of
 * comparing all with all.  It does not depend on the number of threads.
 */
#ifndef RK_SCREENING_H
#define RK_SCREENING_H

#include "similarity.h"

#define RK_NO_DATE UINT32_MAX
#define RK_NO_CODE UINT32_MAX

/* ---- what else is known of the rows (evidence.c) ---- */

/* How two dates of birth agree, the first that holds. */
typedef enum rk_date_agreement
{
	RK_DATE_UNKNOWN,			/* one of them is not known */
	RK_DATE_EXACT,
	RK_DATE_MONTH,				/* same year and month */
	RK_DATE_SWAPPED,			/* day and month have changed places */
	RK_DATE_YEAR,				/* same year */
	RK_DATE_NEAR,				/* at most two years apart */
	RK_DATE_FIVE_YEARS,			/* at most five */
	RK_DATE_MISMATCH,
	RK_DATE_AGREEMENTS
} rk_date_agreement;

typedef enum rk_country_agreement
{
	RK_COUNTRY_UNKNOWN,
	RK_COUNTRY_DIFFERENT,
	RK_COUNTRY_SAME,
	RK_COUNTRY_AGREEMENTS
} rk_country_agreement;

/* A date (days since 2000-01-01) with year, month and day apart. */
extern uint32_t rk_packed_date(int64_t days);

/* The same day so many months later, or the last one of that month. */
extern uint32_t rk_packed_plus_months(uint32_t date, int64_t months);

/* 1, 0.9, 0.9, 0.7, 0.5, 0.3, 0 in the order above; NaN: unknown. */
extern const double rk_date_scores[RK_DATE_AGREEMENTS];

extern rk_date_agreement rk_compare_dates(uint32_t a, uint32_t b);

static inline rk_country_agreement
rk_compare_countries(uint32_t a, uint32_t b)
{
	return a == RK_NO_CODE || b == RK_NO_CODE ? RK_COUNTRY_UNKNOWN : a == b ? RK_COUNTRY_SAME : RK_COUNTRY_DIFFERENT;
}

/* How evidence becomes a score. */
typedef enum rk_match_model
{
	RK_MODEL_NAME,				/* the similarity of the names alone */
	RK_MODEL_SECONDARY,			/* 0.05 more where day or month of birth or the country agree, 0.10 less
								 * where the years of birth are more than two apart; within 0 and 1 */
	RK_MODEL_WEIGHTED,			/* mean of name, date and country, weighted, over what is known of both */
	RK_MODEL_FELLEGI_SUNTER		/* probability of a match by what agrees (Fellegi and Sunter 1969): name from
								 * 0.92 on, date from 0.9 on, country; prior 1 / candidates, at most 1/2 */
} rk_match_model;

typedef struct rk_match_rule
{
	rk_match_model model;
	double		weights[3];		/* of name, date, country */
	double		m[3];			/* probability of agreement of matches */
	double		u[3];			/* of others */
	double		candidates;
} rk_match_rule;

/* Bad weights and probabilities: RK_ERR_PARAMETER. */
extern rk_status rk_check_weights(rk_ctx *ctx, const double *weights, int64_t count, rk_match_rule *rule);
extern rk_status rk_check_probabilities(rk_ctx *ctx, const char *param, const double *values, int64_t count, double *to);

/* The score of a pair, 0 to 1; -1 when nothing with a weight is known. */
extern double rk_match_score(const rk_match_rule *rule, double name, rk_date_agreement date, rk_country_agreement country);

/* A similarity of names that a pair needs for a score, perhaps a little less; above 1: none is enough. */
extern double rk_match_need(const rk_match_rule *rule, double score, rk_date_agreement date, rk_country_agreement country);

/* ---- matching (match.c) ---- */

/* Rows with their names and what else is known; arrays that are NULL: nothing. */
typedef struct rk_match_side
{
	rk_name_set   *names;			/* code points still; they are prepared here */
	const uint32_t *dates;		/* rk_packed_date, RK_NO_DATE */
	const uint32_t *countries;	/* numbers that both sides share, RK_NO_CODE */
	const uint32_t *types;		/* rows of different types never match */
	const uint32_t *blocks;		/* rows match only within a block; RK_NO_CODE: with none */
} rk_match_side;

typedef struct rk_match_params
{
	rk_name_method method;
	bool		any_order;		/* words in any order: the better of as given and in order */
	double		min_score;
	int64_t		top_k;			/* pairs of each row */
	bool		within;			/* both sides are the same: each pair once, at its earlier row */
	const uint32_t *order;		/* of entries with the same score; NULL: that of the rows */
	rk_match_rule rule;
} rk_match_params;

/* Pairs, those of one query together, best first. */
typedef struct rk_matches
{
	int64_t		count;
	uint32_t   *query;			/* row */
	uint32_t   *entry;			/* row */
	uint32_t   *name;			/* the entry's name that is most alike, the first of those, from 0 in its row */
	int64_t    *rank;			/* from 1 */
	double	   *score;
	double	   *name_score;
	int64_t    *date;			/* rk_date_agreement */
	int64_t    *country;		/* rk_country_agreement */
	bool	   *same;			/* the words of that name are the query's */
} rk_matches;

/*
 * The entries that score at least min_score with each query, up to top_k.
 * Cost: a few instructions for 8 names at once and some 30 ns for the few that
 * share enough symbols; memory 40 bytes a name and 16 a row and thread.
 */
extern rk_status rk_match(rk_ctx *ctx, const rk_match_side *queries, const rk_match_side *entries,
						  const rk_match_params *params, rk_matches *matches);

/*
 * Connected components of the pairs within rows that score at least min_score:
 * cluster[row] is the first row of its component.
 */
extern rk_status rk_match_clusters(rk_ctx *ctx, const rk_match_side *rows, const rk_match_params *params,
								   uint32_t *cluster);

/* Numbers clusters from 1 in order of their first rows, and counts their rows. */
extern rk_status rk_number_clusters(rk_ctx *ctx, const uint32_t *cluster, int64_t rows, int64_t *number, int64_t *size);

/* The similarity of two names. */
extern rk_status rk_name_similarity(rk_ctx *ctx, rk_bytes a, rk_bytes b, rk_name_method method, bool any_order,
									double *similarity);

/* Closed sets; they end with NULL. */
extern const char *const rk_name_method_names[];
extern const char *const rk_token_order_names[];
extern const char *const rk_match_model_names[];
extern const char *const rk_block_columns[];

#endif							/* RK_SCREENING_H */

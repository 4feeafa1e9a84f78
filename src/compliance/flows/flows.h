/*
 * flows.h
 *	  Where money comes back: circular, reciprocal and reversed flows, and flows
 *	  cut into slices.
 *
 * All take transactions as compute/transactions.h describes them.  A transfer
 * to oneself (source = target) counts in totals only.  Amounts are exact, in
 * units of 10^-8; ratios are correctly rounded quotients, NaN where the
 * denominator is 0.  Results do not depend on the number of threads.
 */
#ifndef RK_FLOWS_H
#define RK_FLOWS_H

#include "../../compute/transactions.h"

/* Closed sets of results, by the enums below (descriptors.c). */
extern const char *const rk_reversal_level_names[];
extern const char *const rk_split_level_names[];
extern const char *const rk_split_side_names[];

/* ---- pairs (pairs.c) ---- */

/*
 * Transactions by unordered pair of entities, in the order of the lower, then
 * of the higher one; those of a pair as they come in the list of rows.
 * Transfers to oneself are left out.
 */
typedef struct rk_pairs
{
	int64_t		count;
	int64_t    *offsets;		/* count + 1, into rows */
	uint32_t   *rows;
} rk_pairs;

/* O(count): a radix sort; 24 bytes a row while sorting. */
extern rk_status rk_pairs_build(rk_ctx *ctx, const rk_transactions *t, const uint32_t *rows,
								int64_t count, rk_pairs *pairs);

/* ---- reciprocity-flow (reciprocity_flow.c) ---- */

typedef struct rk_reciprocity_params
{
	rk_decimal	min_amount;		/* of the smaller direction, or of what came back in time */
	bool		has_start;
	bool		has_end;
	int64_t		start_ts;		/* [start_ts, end_ts) is looked at */
	int64_t		end_ts;
	const rk_window *max_delay; /* NULL: whenever it comes back */
} rk_reciprocity_params;

typedef struct rk_reciprocal_pair
{
	uint32_t	entity_a;		/* payer of the pair's earliest transaction */
	uint32_t	entity_b;
	rk_decimal	amount_ab;
	rk_decimal	amount_ba;
	int64_t		count_ab;
	int64_t		count_ba;
	rk_decimal	reciprocal_amount;
	double		balance;
	int64_t		first_ts;
	int64_t		last_ts;
} rk_reciprocal_pair;

typedef struct rk_reciprocity
{
	rk_reciprocal_pair *pairs;	/* that reach min_amount, in the order of the ids */
	int64_t		count;
	rk_decimal	reciprocal_amount;	/* of them */
	rk_decimal	total_amount;	/* between different entities */
	double		ratio;			/* reciprocal_amount / total_amount */
	double		edge_reciprocity;	/* share of directed edges that have their reverse */
	double		rho;
} rk_reciprocity;

/*
 * Amounts that flow both ways between two entities.  Without max_delay the
 * smaller direction m is reciprocal, and 2 m is the reciprocal amount: summed
 * over all pairs and divided by the total that is the weighted reciprocity of
 * Squartini, Picciolo, Ruzzenenti, Garlaschelli (Scientific Reports 3, 2013).
 * With max_delay each payment opens a balance that later payments in the other
 * direction take from, oldest first, before it has run out; what is left of a
 * payment then opens a balance of its own.
 *
 * rho = (r - a) / (1 - a), a = E / (n (n - 1)), r = edge_reciprocity, over the
 * n entities that have transactions (Garlaschelli, Loffredo, PRL 93, 2004).
 *
 * Without times, rows stand for the order of transactions.  O(count); 24 bytes
 * a row while sorting, 4 afterwards.
 */
extern rk_status rk_compliance_reciprocity(rk_ctx *ctx, const rk_transactions *t,
										   const rk_reciprocity_params *p, rk_reciprocity *result);

/* ---- flow-reversal (flow_reversal.c) ---- */

/* How suspicious a reversal is. */
typedef enum rk_reversal_level
{
	RK_REVERSAL_NORMAL,
	RK_REVERSAL_SUSPICIOUS,
	RK_REVERSAL_HIGH,
	RK_REVERSAL_CRITICAL
} rk_reversal_level;

typedef struct rk_reversal_params
{
	const rk_window *max;		/* not after its end; the end itself is within */
	const rk_window *suspicious;	/* before their ends */
	const rk_window *critical;
	double		min_ratio;		/* of the smaller to the larger amount */
	bool		all_pairs;
} rk_reversal_params;

typedef struct rk_reversal
{
	uint32_t	original;		/* rows */
	uint32_t	reversal;
	double		ratio;
	int64_t		level;			/* rk_reversal_level */
} rk_reversal;

typedef struct rk_reversals
{
	rk_reversal *list;			/* in the order of the originals, then of the reversals */
	int64_t		count;
	rk_decimal	volume;			/* both amounts of each */
	double		volume_ratio;	/* volume / total of all rows */
	int64_t    *by_entity;		/* reversals that each entity is part of */
	int64_t		repeat_offenders;	/* entities with two or more */
	double		risk_score;		/* 0 to 100 */
} rk_reversals;

/*
 * Payments that come straight back: original A -> B, reversal B -> A of about
 * the same amount, later by at most max.  One to one, originals choose in the
 * order of transactions: of the payments not yet in a pair the one with the
 * highest ratio, then the earliest.  With all_pairs every pair that qualifies.
 *
 * risk_score = min(100, 5 pairs + 15 (high + critical) + 10 repeat offenders +
 * 50 volume_ratio).
 *
 * O(count + candidates), parallel over pairs of entities; 24 bytes a row while
 * sorting, 8 afterwards, and 24 for each reversal.
 */
extern rk_status rk_compliance_reversals(rk_ctx *ctx, const rk_transactions *t,
										 const rk_reversal_params *p, rk_reversals *result);

/* ---- flow-split (flow_split.c) ---- */

typedef enum rk_split_level
{
	RK_SPLIT_ELEVATED,
	RK_SPLIT_HIGH,
	RK_SPLIT_CRITICAL
} rk_split_level;

/* Whose payments are looked at together. */
typedef enum rk_split_side
{
	RK_SPLIT_SOURCE,			/* of one payer */
	RK_SPLIT_TARGET,			/* to one payee */
	RK_SPLIT_BOTH
} rk_split_side;

typedef struct rk_split_params
{
	rk_decimal	threshold;		/* above 0 */
	const rk_window *window;
	int64_t		min_count;
	rk_split_side side;
} rk_split_params;

typedef struct rk_split
{
	uint32_t	entity;
	int64_t		side;			/* RK_SPLIT_SOURCE or RK_SPLIT_TARGET */
	int64_t		from;			/* its rows: rows[from] .. rows[to - 1] of the side */
	int64_t		to;
	rk_decimal	total;
	int64_t		level;			/* rk_split_level */
	bool		uniform;		/* all amounts within 30 % of their mean */
	int64_t		first_ts;
	int64_t		last_ts;
} rk_split;

typedef struct rk_splits
{
	rk_split   *list;			/* by level, total, falling; then first_ts, entity first seen */
	int64_t		count;
	uint32_t   *rows[2];		/* by side; NULL: not looked at */
	rk_decimal	volume;
	double		volume_ratio;	/* volume / total of all rows */
	int64_t		entities;		/* with a split that is high or critical */
	double		risk_score;		/* 0 to 100 */
} rk_splits;

/*
 * Sums cut into slices below a reporting threshold T.  Of each entity the
 * payments with 0 < amount < T are looked at in windows, from each payment on;
 * a window whose payments are all in the one before is left out.  Kept are
 * those with min_count payments or more and a total of 0.8 T or more that are
 *
 *	  high		three amounts or more above 0.7 T, or a total in [0.95 T, 1.05 T]
 *	  elevated	else: five payments or more, and a total above T
 *
 * Where they overlap, the higher level, then the larger total, then the earlier
 * one goes first; a window with half or more of its payments in windows before
 * is dropped.  Two high ones of an entity that start within 30 days of each
 * other are critical.
 *
 * risk_score = min(100, 5 splits + 15 high + 25 critical + 10 entities).
 *
 * O(count log count); 24 bytes a row and side, and 32 for each window.
 */
extern rk_status rk_compliance_splits(rk_ctx *ctx, const rk_transactions *t,
									  const rk_split_params *p, rk_splits *result);

#endif							/* RK_FLOWS_H */

/*
 * dvp_groups.h
 *	  What the files of matching share: groups of instructions that can be
 *	  partners, and how their members are ordered.
 */
#ifndef RK_CLEARING_DVP_GROUPS_H
#define RK_CLEARING_DVP_GROUPS_H

#include "clearing.h"

#include "../compute/parallel.h"

#define RK_DVP_AHEAD 32				/* instructions that are fetched before their turn */

/* A pair that is possible. */
typedef struct rk_dvp_possible
{
	double		confidence;
	rk_decimal	gap;
	uint32_t	delivery;		/* in the list */
	uint32_t	receipt;
} rk_dvp_possible;

typedef struct rk_dvp_matching
{
	rk_ctx	   *ctx;
	const rk_dvp_instruction *list;
	const rk_dvp_rules *rules;
	rk_dvp_method method;
	rk_dvp_result *result;
	bool		by_parties;		/* a group is of two parties */
	int64_t		groups;
	int64_t    *starts;			/* [groups + 1] into members */
	uint32_t   *members;		/* in the list; of a group deliveries first */
	int64_t    *receipts;		/* where its receipts begin */
	uint32_t   *by_amount;		/* receipts of the group that are free, by amount */
	uint32_t   *skip;			/* scratch, as long as members, twice */
	int64_t    *pair_starts;	/* [groups + 1] into pairs, once counted */
	rk_dvp_possible *pairs;
	const struct questions *questions;	/* of those without another side */
} rk_dvp_matching;

/* Orders places of the list by amount, then id. */
extern int	rk_dvp_by_amount(const void *a, const void *b, void *list);

/* Sorts a few places of the list; most groups have two members. */
extern void rk_dvp_sort_places(const rk_dvp_matching *m, uint32_t *places, int64_t n,
							   int (*compare) (const void *, const void *, void *));

/* The first of n receipts, ordered by amount, that is not below an amount. */
extern int64_t rk_dvp_amount_start(const rk_dvp_matching *m, const uint32_t *receipts, int64_t n, rk_decimal amount);

/* Whether to stop, asked where a group is worth it: between chunks it is asked anyway. */
static inline bool
rk_dvp_stop_at(const rk_dvp_matching *m, int64_t g, int thread)
{
	return m->starts[g + 1] - m->starts[g] > 64 && rk_chunk_should_stop(m->ctx, thread);
}

static inline bool
rk_dvp_is_free(const rk_dvp_matching *m, uint32_t i)
{
	return m->result->partner[i] == RK_DVP_ALONE;
}

/* ---- dvp_explain.c ---- */

/* Says of each instruction without a partner what speaks against the best candidate of its group. */
extern void rk_dvp_explain_groups(void *m, int64_t begin, int64_t end, int64_t chunk, int thread);

/*
 * With strict parties a group without another side may have one in its block:
 * then it is a party that does not fit.  asking: how many have no other side.
 */
extern rk_status rk_dvp_explain_parties(rk_dvp_matching *m, int64_t n, int64_t asking);

#endif							/* RK_CLEARING_DVP_GROUPS_H */

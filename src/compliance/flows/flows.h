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

/* ---- circular-flow: components (circular_flow.c) ---- */

typedef struct rk_circular_params
{
	rk_decimal	min_amount;		/* inside a component */
	int64_t		min_size;		/* 2 or more */
	bool		circulation;	/* circulating amounts are wanted */
} rk_circular_params;

/* Entities that money can reach from each other. */
typedef struct rk_flow_component
{
	int64_t		members;
	int64_t		transactions;	/* between members */
	rk_decimal	internal;		/* their amount */
	rk_decimal	circulating;	/* if wanted */
	double		share;			/* internal / total of all rows */
	int64_t		first_ts;		/* of the transactions, if there are times */
	int64_t		last_ts;
	uint32_t	first_member;	/* the one that is seen first */
} rk_flow_component;

typedef struct rk_circular
{
	rk_flow_component *components;	/* by internal, falling; then first member */
	int64_t		count;
	int64_t    *member_offsets; /* count + 1 */
	uint32_t   *members;		/* in the order of the ids */
	uint32_t   *component_of;	/* by entity; RK_NO_ROW: in none of them */
} rk_circular;

/*
 * Strong components of the directed graph of transactions (Tarjan 1972) that
 * have min_size members and min_amount inside.
 *
 * circulating is the largest circulation: the most money that can be laid in
 * rounds over the component, each pair of entities used up to what was paid
 * (circulation.c).
 *
 * O(entities + count) beside the circulation, on one thread beside the graph;
 * about 70 bytes an entity and 4 a row.
 */
extern rk_status rk_compliance_circular(rk_ctx *ctx, const rk_transactions *t,
										const rk_circular_params *p, rk_circular *result);

typedef struct rk_entity_flow
{
	rk_decimal	out;			/* transfers to oneself included */
	rk_decimal	in;
	rk_decimal	circular;		/* out to members of one's component */
	double		ratio;			/* circular / out */
} rk_entity_flow;

/* What each entity pays, and how much of it stays in its component. */
extern void rk_compliance_entity_flows(const rk_transactions *t, const rk_circular *circular,
									   rk_entity_flow *flows);

/* ---- the largest circulation (circulation.c) ---- */

typedef struct rk_flow_arc
{
	uint32_t	from;
	uint32_t	to;
	rk_decimal	amount;			/* most that may flow */
	rk_decimal	removed;		/* of it, in the largest circulation */
} rk_flow_arc;

/*
 * Sets removed so that amount - removed is a circulation, as much leaves every
 * node as enters it, and the sum over all arcs is the largest there is.
 *
 * What must go is a flow from the nodes that pay more than they get to those
 * that get more, of least total over arcs: minimum cost with cost 1, solved
 * by shortest paths and, among those, maximum flows (primal-dual; Ahuja and
 * Orlin 1991) in integers.  Cost: phases x (nodes + arcs), beside the flows,
 * where phases is at most the length of the longest way along which money has
 * to be taken back.  60 bytes a node and 24 an arc beside the arcs, and 64 for
 * each that is on a shortest way.
 */
extern rk_status rk_flows_circulation(rk_ctx *ctx, int64_t nodes, rk_flow_arc *arcs, int64_t count);

/* ---- circular-flow: cycles (temporal_cycles.c, aggregated_cycles.c) ---- */

#define RK_MAX_FLOW_CYCLE 64

typedef struct rk_flow_cycle_params
{
	int			max_length;		/* 2 to RK_MAX_FLOW_CYCLE */
	const rk_window *window;	/* temporal cycles: all of it before its end */
	double		min_retention;	/* of the last amount to the first */
	int64_t		max_cycles;		/* more are an error */
} rk_flow_cycle_params;

typedef struct rk_flow_cycle
{
	rk_decimal	bottleneck;		/* the smallest amount of the cycle */
	rk_decimal	total;
	double		retention;		/* last amount / first amount */
	int64_t		first_ts;		/* of its transactions, if there are times */
	int64_t		last_ts;
} rk_flow_cycle;

typedef struct rk_flow_cycles
{
	int64_t		count;
	rk_flow_cycle *list;
	int64_t    *member_offsets; /* count + 1; as many members as arcs */
	uint32_t   *members;		/* entities along the cycle */
	int64_t    *row_offsets;	/* count + 1 */
	uint32_t   *rows;			/* transactions along the cycle */
} rk_flow_cycles;

/*
 * Simple temporal cycles: payments e1 .. ek, 2 <= k <= max_length, each from
 * the payee of the one before, at strictly rising times, back to the payer of
 * e1, all of them before the end of the window that begins with e1, and no
 * entity twice.  As in 2SCENT (Kumar, Calders, VLDB 2018), with a bound on the
 * length.  All of them, each once, from its first payment, in the order of
 * first payments, then of second ones, and so on.
 *
 * Errors: RK_ERR_LIMIT beyond max_cycles.
 * Cost: what is not in a strong component of the payments of two windows is left
 * out; from and to each payer, ways of up to half the length are followed, by
 * entity and not by way; only if they meet are ways searched, of which each
 * step can still come back.  All threads.  About 64 bytes a payment of two
 * windows, and 52 an entity and thread.
 */
extern rk_status rk_compliance_temporal_cycles(rk_ctx *ctx, const rk_transactions *t,
											   const rk_flow_cycle_params *p, rk_flow_cycles *result);

/*
 * Simple cycles of up to max_length arcs in the directed graph whose arcs are
 * the ordered pairs of entities, amounts added up: each once, from the member
 * that is seen first.  rows holds all transactions of the arcs, arc by arc.
 * window is not looked at, times need not be there.
 *
 * Errors: as above.  Cost: as rk_graph_cycles_begin, on one thread.
 */
extern rk_status rk_compliance_aggregated_cycles(rk_ctx *ctx, const rk_transactions *t,
												 const rk_flow_cycle_params *p, rk_flow_cycles *result);

/* The error of too many (cycle_list.c), and a list that grows. */
extern rk_status rk_flows_too_many_cycles(rk_ctx *ctx, const rk_flow_cycle_params *p);
extern rk_status rk_flows_reserve(rk_ctx *ctx, void **list, int64_t *capacity, int64_t count, size_t size);

/* ---- sorting between looks at the stop flag (sorting.c) ---- */

typedef int (*rk_compare_fn) (const void *a, const void *b);

/*
 * Sorts *list, an array of rk_alloc, which may be replaced by another; the
 * order must be total.
 */
extern rk_status rk_flows_sort(rk_ctx *ctx, void **list, int64_t count, size_t size, rk_compare_fn compare);

#endif							/* RK_FLOWS_H */

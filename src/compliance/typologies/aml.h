/*
 * aml.h
 *	  What the searches for patterns share.
 */
#ifndef RK_COMPLIANCE_AML_H
#define RK_COMPLIANCE_AML_H

#include "typologies.h"

#define NONE UINT32_MAX

/*
 * A run.  The first failure is kept in status, and everything after it does
 * nothing, so that searches need not look after every step.
 */
typedef struct aml
{
	rk_ctx	   *ctx;
	const rk_ledger *l;
	const rk_aml_params *p;
	rk_status	status;
	int64_t		work;			/* since the last look whether to stop */
	bool		helper;			/* its thread is not the owner of ctx */

	/* what was found */
	rk_aml_pattern *list;
	int64_t		count;
	int64_t		capacity;
	uint32_t   *entities;
	uint8_t    *roles;
	int64_t		entity_count;
	int64_t		entity_capacity;
	uint32_t   *transactions;
	int64_t		transaction_count;
	int64_t		transaction_capacity;
	uint32_t   *member;			/* by entity: number of the pattern + 1 that has it last */

	/* scratch by entity */
	uint32_t   *times;			/* zero between uses */
	uint32_t   *stamp;			/* last use */
	uint32_t	stamps;			/* uses so far */

	/* by entity and position, for patterns of linked pairs */
	bool	   *skip;			/* too many linked pairs */
	int64_t		skipped;
	bool	   *in_cycle;		/* positions that round_tripping has consumed */
} aml;

/* Whether to go on; counts some work. */
extern bool aml_go(aml *a, int64_t work);

/* Scratch memory that fails into status. */
extern void *aml_alloc(aml *a, int64_t count, size_t size);

/* ---- writing down a pattern: begin, entities and transactions, end ---- */

extern void aml_begin(aml *a, rk_aml_kind kind, uint32_t hub);
extern void aml_entity(aml *a, uint32_t entity, rk_aml_role role);	/* the first role counts */
extern void aml_transaction(aml *a, uint32_t position);	/* once is enough */
extern void aml_end(aml *a, double confidence);
extern void aml_undo(aml *a);	/* instead of end */

static inline bool
aml_wants(const aml *a, rk_aml_kind kind)
{
	return a->p->kinds >> kind & 1;
}

static inline double
aml_at_most_one(double x)
{
	return x < 1 ? x : 1;
}

/* min_forwarded, or what stands for 0. */
static inline double
aml_forwarded(const aml *a)
{
	return a->p->min_forwarded > 0 ? a->p->min_forwarded : 0.8;
}

/* The first of sorted positions that is not below. */
extern int64_t aml_lower_bound(const uint32_t *list, int64_t count, uint32_t position);

/* ---- windows ---- */

/*
 * Windows over list[0..count), leftmost first: the first place i from where
 * list[i..j), all within time_window, has at least least different values of other
 * (by position) is handed to fn; then on from j.
 */
typedef void (*aml_window_fn) (aml *a, void *arg, int64_t i, int64_t j);
extern void aml_windows(aml *a, const uint32_t *list, int64_t count, const uint32_t *other, int64_t least,
						aml_window_fn fn, void *arg);

/* ---- linked pairs ---- */

/* Whether the money of e goes on with f; both are of the node between them, e is earlier. */
static inline bool
aml_linked(const aml *a, uint32_t e, uint32_t f)
{
	const rk_ledger *l = a->l;

	if (l->ts[f] >= rk_window_over_at(l, e, a->p->max_dwell, a->p->dwell_over))
		return false;
	return a->p->min_forwarded <= 0 ||
		(rk_money_ratio(l->amount[f], l->amount[e]) >= a->p->min_forwarded &&
		 rk_money_ratio(l->amount[e], l->amount[f]) >= a->p->min_forwarded);
}

/* The transactions of a node after e that are soon enough for a link: [*from, *to) of its out list. */
extern void aml_successors(const aml *a, uint32_t node, uint32_t e, int64_t *from, int64_t *to);

/* Those before f, of its in list; where windows are months some may be too old for a link. */
extern void aml_predecessors(const aml *a, uint32_t node, uint32_t f, int64_t *from, int64_t *to);

/* A triple that is sorted by a, b, c. */
typedef struct aml_triple
{
	uint32_t	a;
	uint32_t	b;
	uint32_t	c;
	uint32_t	d;				/* comes along */
} aml_triple;

typedef struct aml_triples
{
	aml_triple *list;
	int64_t		count;
	int64_t		capacity;
} aml_triples;

extern void aml_add_triple(aml *a, aml_triples *t, aml_triple triple);
extern void aml_sort_triples(aml *a, aml_triples *t);

/* ---- searches ---- */

extern void aml_find_fans(aml *a);	/* fan_out, fan_in, funnel_account, gather_scatter */
extern void aml_find_structuring(aml *a);
extern void aml_count_pairs(aml *a);	/* sets skip */
extern void aml_find_scatter_gather(aml *a);
extern void aml_find_stacks(aml *a);
extern void aml_find_bipartite(aml *a);
extern void aml_find_cycles(aml *a);	/* on all threads; sets in_cycle */
extern void aml_find_layers(aml *a);
extern void aml_find_rapid(aml *a);
extern void aml_find_unusual_volume(aml *a);
extern void aml_find_geographic(aml *a);
extern void aml_find_timing(aml *a);
extern void aml_find_counterparties(aml *a);

#endif							/* RK_COMPLIANCE_AML_H */

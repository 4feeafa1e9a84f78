/*
 * typologies.h
 *	  Known ways of laundering money: money that passes through too fast, and
 *	  the typologies of fans, cycles, layers and stacks.
 *
 * Amounts are exact (compute/transactions.h).  Windows are half open,
 * [t, t + w), in microseconds.  Entities are taken in the order in which the
 * rows name them first, so that their ids have no influence on anything.
 */
#ifndef RK_COMPLIANCE_TYPOLOGIES_H
#define RK_COMPLIANCE_TYPOLOGIES_H

#include "../../compute/transactions.h"

/* ---- transactions by entity (ledger.c) ---- */

/*
 * Transactions in their order in time, numbered 0 .. count-1 ("positions"),
 * and those of each entity.  Entities are numbered by first appearance.
 */
typedef struct rk_ledger
{
	uint32_t	count;
	uint32_t	entities;		/* that appear */
	uint32_t   *row;			/* of each position */
	uint32_t   *source;			/* by position: first-appearance numbers */
	uint32_t   *target;
	int64_t    *ts;
	rk_decimal *amount;
	uint32_t   *code;			/* of each entity, as the rows have it */
	int64_t    *out_offsets;	/* [entities + 1] into out: positions it pays in, itself left out */
	uint32_t   *out;
	int64_t    *in_offsets;		/* where it is paid, by itself left out */
	uint32_t   *in;
	int64_t    *all_offsets;	/* all positions, those where it pays itself once */
	uint32_t   *all;
} rk_ledger;

/* Cost: O(m log m); 60 bytes a row. */
extern rk_status rk_ledger_make(rk_ctx *ctx, const rk_transactions *t, rk_ledger *l);

/* The moment when a window of this width that begins at ts is over. */
static inline int64_t
rk_window_over(int64_t ts, int64_t width)
{
	int64_t		end;

	return __builtin_add_overflow(ts, width, &end) ? INT64_MAX : end;
}

/*
 * The same for the window of a position.  Where windows are calendar months they
 * have no one width: over has the end of each, and width is at least as long as
 * any.  A later window may then be over earlier, on the last days of a month.
 */
static inline int64_t
rk_window_over_at(const rk_ledger *l, uint32_t position, int64_t width, const int64_t *over)
{
	return over ? over[position] : rk_window_over(l->ts[position], width);
}

/* ---- money that passes through ---- */

/*
 * Matches what an entity pays with what it was paid before, oldest money
 * first: an outgoing amount consumes incoming ones that are younger than
 * max_dwell, or whose dwell_over is not yet.  in and out are positions in order.  left is scratch space for
 * in_count amounts; used_in and used_out, if not NULL, are set where a
 * transaction was matched, even in part.
 */
typedef struct rk_pass
{
	rk_decimal	matched;
	int64_t		mean_dwell;		/* of the matched money, by amount; meaningless without any */
} rk_pass;

extern rk_pass rk_match_pass_through(const rk_ledger *l, const uint32_t *in, int64_t in_count,
									 const uint32_t *out, int64_t out_count, int64_t max_dwell,
									 const int64_t *dwell_over, rk_decimal *left, bool *used_in, bool *used_out);

/* ---- compliance/rapid-movement (rapid_movement.c) ---- */

typedef struct rk_movement_params
{
	int64_t		time_window;	/* microseconds */
	double		velocity_threshold; /* transactions an hour */
	rk_decimal	amount_threshold;
	int64_t		max_dwell;
	double		pass_through_threshold;
	const int64_t *window_over;	/* by position: see rk_window_over_at */
	const int64_t *dwell_over;
} rk_movement_params;

/* One entity; times RK_NO_MOMENT where there is none. */
#define RK_NO_MOMENT INT64_MIN

typedef struct rk_movement
{
	int64_t		transactions;
	double		max_velocity;	/* transactions an hour in the busiest window, by its own length */
	int64_t		window_start;	/* of the first window as busy as that */
	rk_decimal	window_amount;
	rk_decimal	rapid_amount;	/* largest amount of a window at or above velocity_threshold, if it
								 * reaches amount_threshold, else 0 */
	rk_decimal	amount_in;
	rk_decimal	amount_out;
	double		pass_through;	/* NaN: nothing came in */
	int64_t		mean_dwell;		/* RK_NO_MOMENT: nothing was matched */
	bool		velocity_flag;
	bool		pass_through_flag;
} rk_movement;

/*
 * One result an entity of the ledger.  Windows begin at transactions; one that
 * an entity pays itself counts once, and passes nothing through.
 * Cost: O(m), on all threads; the same for any number of them.
 */
extern rk_status rk_rapid_movement(rk_ctx *ctx, const rk_ledger *l, const rk_movement_params *params,
								   rk_movement *result);

/* ---- compliance/aml-patterns (aml_patterns.c) ---- */

typedef enum rk_aml_kind
{
	RK_AML_STRUCTURING,
	RK_AML_LAYERING,
	RK_AML_RAPID_MOVEMENT,
	RK_AML_ROUND_TRIPPING,
	RK_AML_FUNNEL_ACCOUNT,
	RK_AML_FAN_OUT,
	RK_AML_FAN_IN,
	RK_AML_SCATTER_GATHER,
	RK_AML_GATHER_SCATTER,
	RK_AML_BIPARTITE,
	RK_AML_STACK,
	RK_AML_UNUSUAL_VOLUME,
	RK_AML_GEOGRAPHIC_ANOMALY,
	RK_AML_TIMING_ANOMALY,
	RK_AML_COUNTERPARTY_RISK,
	RK_AML_KINDS
} rk_aml_kind;

/* Those of structure, which are looked for when none are named. */
#define RK_AML_STRUCTURAL ((1u << (RK_AML_STACK + 1)) - 1)

typedef enum rk_aml_role
{
	RK_AML_HUB,
	RK_AML_SOURCE,
	RK_AML_TARGET,
	RK_AML_INTERMEDIATE,
	RK_AML_MEMBER
} rk_aml_role;

extern const char *const rk_aml_kind_names[];	/* each list ends with NULL */
extern const char *const rk_aml_role_names[];
extern const double rk_aml_points[];	/* of each kind */

/* The kind with this name or another one for it; -1: none. */
extern int	rk_aml_kind_named(const char *name);

typedef struct rk_aml_params
{
	uint32_t	kinds;			/* bits */
	int64_t		time_window;	/* microseconds */
	int64_t		max_dwell;
	int64_t		cycle_window;
	int32_t		min_fan;
	int32_t		min_layers;
	int32_t		max_cycle_length;
	double		min_forwarded;
	rk_decimal	reporting_threshold;
	double		structuring_low;
	int32_t		structuring_min_count;
	bool		suppress_contained;
	int64_t		max_pairs_per_node;

	/* windows that are calendar months, by position: see rk_window_over_at */
	const int64_t *window_over;
	const int64_t *dwell_over;
	const int64_t *cycle_over;
	const int64_t *half;		/* moments half a time_window apart, from the first transaction until two
								 * past the last: bipartite has windows from each to the second next */
	int64_t		halves;

	/* by row; NULL: not known */
	const uint32_t *source_country;	/* 0: NULL */
	const uint32_t *target_country;
	const int32_t *day;			/* calendar days, for RK_AML_UNUSUAL_VOLUME */
	const bool *high_risk;		/* by country; NULL: none */
} rk_aml_params;

#define RK_AML_NOBODY UINT32_MAX

typedef struct rk_aml_pattern
{
	rk_aml_kind kind;
	uint32_t	hub;			/* an entity of the ledger, or RK_AML_NOBODY */
	int64_t		first_entity;	/* in entities and roles */
	int64_t		entities;
	int64_t		first_transaction;	/* in transactions */
	int64_t		transactions;
	rk_decimal	amount;			/* of its transactions */
	double		confidence;
	bool		dropped;		/* while working */
} rk_aml_pattern;

typedef struct rk_aml_result
{
	rk_aml_pattern *list;		/* by kind, then by their first transaction */
	int64_t		count;
	uint32_t   *entities;		/* of the ledger */
	uint8_t    *roles;
	uint32_t   *transactions;	/* positions of the ledger, in order in each pattern */
	int64_t		skipped;		/* entities with more linked pairs than permitted */
} rk_aml_result;

/*
 * All patterns of the wanted kinds.  Deterministic; nothing is sampled, nothing
 * cut.  Cost: O(m) for fans, structuring and bipartite (sorted by window);
 * O(linked pairs) for scatter_gather, stack, layering; a search for each root
 * inside strong components for round_tripping, exponential only where walks of
 * the wanted length cross themselves.  Linked pairs are counted, and cycles looked
 * for, on all threads, with 13 bytes a transaction each; then rapid movement,
 * stacks, bipartite, scatter_gather, fans and layers are looked for side by side,
 * each on one thread, with 12 bytes an entity each.
 */
extern rk_status rk_aml_patterns(rk_ctx *ctx, const rk_ledger *l, const rk_aml_params *params,
								 rk_aml_result *result);

/* What an entity is in. */
typedef struct rk_aml_entity
{
	uint32_t	kinds;			/* bits */
	int64_t		patterns;
	int64_t		transactions;	/* of its own, in those patterns */
	double		score;			/* points times confidence, added up; at most 100 */
} rk_aml_entity;

/* One result an entity of the ledger. */
extern rk_status rk_aml_score_entities(rk_ctx *ctx, const rk_ledger *l, const rk_aml_result *result,
									   rk_aml_entity *scores);

/* Points times confidence of all patterns, at most 100. */
extern double rk_aml_score(const rk_aml_result *result);

#endif							/* RK_COMPLIANCE_TYPOLOGIES_H */

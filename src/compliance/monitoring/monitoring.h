/*
 * monitoring.h
 *	  Transaction monitoring: rules over the transactions of each entity.
 *
 * One state machine for one entity is all there is.  The batch function folds
 * it over the transactions of a relation, entity by entity; the actor feeds it
 * message by message; so both raise the same alerts.
 *
 * A rule of windows (aggregate_amount, transaction_count, velocity,
 * distinct_counterparties, just_below_threshold) has a condition over what the
 * entity did in (t - time_window, t].  It becomes true at a transaction only,
 * but may become false at any moment, since transactions leave the window; an
 * alert is raised at a transaction after which the condition holds if it did
 * not hold just before it, or if cooldown has passed since the last alert.
 * cash_aggregate is the same over a calendar day, deposits and withdrawals
 * apart.  single_amount, geographic_risk and dormant_reactivation look at the
 * transaction alone, and each that meets the condition raises an alert.
 *
 * Amounts have 8 decimals and are added up in 128 bits.  Times and windows are
 * microseconds.
 */
#ifndef RK_COMPLIANCE_MONITORING_H
#define RK_COMPLIANCE_MONITORING_H

#include "../../compute/transactions.h"
#include "engine_step.h"

/* Names in the order of the codes; each list ends with NULL. */
extern const char *const rk_mon_type_names[];
extern const char *const rk_mon_severity_names[];
extern const char *const rk_mon_side_names[];
extern const char *const rk_mon_comparison_names[];

extern const char *const rk_mon_words[];	/* of the codes below RK_MON_WORDS */

/*
 * Puts rules in order and checks them.  RK_ERR_DATA: a rule without the window
 * that its type needs, a window or cooldown not above zero, a negative or too
 * large threshold, two rules of one id.
 */
extern rk_status rk_mon_prepare(rk_ctx *ctx, rk_mon_rules *rules);

/* Whether an alert is about an event between its first and last. */
extern bool rk_mon_concerns(const rk_mon_alert *alert, const rk_mon_event *event);

/* What an alert says, as a sentence without its period. */
#define RK_MON_MESSAGE_MAX 256
extern void rk_mon_describe(const rk_mon_alert *alert, char text[RK_MON_MESSAGE_MAX]);

/* A decimal with RK_MONEY_SCALE without trailing zeros. */
extern void rk_mon_number(rk_decimal value, char text[48]);

/* Raises what holds at sink->as_of, a moment of that calendar day, after all steps. */
extern void rk_mon_evaluate(const rk_mon_rules *rules, rk_mon_entity *entity, int32_t day,
							const rk_mon_sink *sink);

/*
 * What a rule's condition looks at, at the time of the newest event: a sum, a
 * count, an amount per hour, the larger of the day's two sums of cash; -1 for
 * rules about one transaction and those that are not enabled.
 */
extern rk_decimal rk_mon_value(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule);

/*
 * Fills in what a rule of windows knows from the entity's events, at the time
 * of the newest, its counters being zero; active, last_alert and what is known
 * of a day stay as they are.
 */
extern void rk_mon_rebuild(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule);

/* ---- a relation at once (transaction_monitoring.c) ---- */

/* Transactions with what rules look at; a column that is not there is NULL. */
typedef struct rk_mon_transactions
{
	const rk_transactions *t;
	const uint32_t *transaction_type;	/* words */
	const uint32_t *currency;
	const uint32_t *source_country;
	const uint32_t *target_country;
	const int32_t *day;			/* calendar days, from 2000-01-01 */
} rk_mon_transactions;

typedef struct rk_mon_finding
{
	uint32_t	rule;			/* position */
	uint32_t	entity;
	int64_t		ts;
	rk_decimal	value;
	int64_t		first;			/* of its transactions in rows */
	int64_t		transactions;
	uint32_t	cash;
	int32_t		day;
	int64_t		idle;
	int64_t		row;			/* of the transaction that raised it; -1: none */
} rk_mon_finding;

typedef struct rk_mon_findings
{
	rk_mon_finding *list;		/* severest first, then by ts, rule, entity first seen */
	int64_t		count;
	uint32_t   *rows;			/* transactions of the findings, one after the other, by time */
} rk_mon_findings;

/*
 * All alerts of a relation; as_of other than RK_MON_NEVER: what holds then, on
 * that calendar day.  Rows are taken by ts, ties in their order.
 * Cost: O(m log m + m rules), 8 bytes a row and end and 80 for each of the
 * busiest entity's rows and thread; the same for any number of threads.
 */
extern rk_status rk_transaction_monitoring(rk_ctx *ctx, const rk_mon_transactions *transactions,
										   const rk_mon_rules *rules, int64_t as_of, int32_t as_of_day,
										   rk_mon_findings *findings);

/* The alert that a finding is, for rk_mon_describe. */
extern rk_mon_alert rk_mon_finding_alert(const rk_mon_rules *rules, const rk_mon_transactions *transactions,
										 const rk_mon_finding *finding, rk_mon_event *event);

#endif							/* RK_COMPLIANCE_MONITORING_H */

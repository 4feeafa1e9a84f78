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

#define RK_MON_NEVER INT64_MIN	/* a time that has not come, a window that is not given */

typedef enum rk_mon_type
{
	RK_MON_SINGLE_AMOUNT,
	RK_MON_AGGREGATE_AMOUNT,
	RK_MON_TRANSACTION_COUNT,
	RK_MON_VELOCITY,			/* amount per hour of the window */
	RK_MON_DISTINCT_COUNTERPARTIES,
	RK_MON_GEOGRAPHIC_RISK,
	RK_MON_DORMANT_REACTIVATION,
	RK_MON_JUST_BELOW_THRESHOLD,
	RK_MON_CASH_AGGREGATE
} rk_mon_type;

typedef enum rk_mon_severity
{
	RK_MON_INFO,
	RK_MON_LOW,
	RK_MON_MEDIUM,
	RK_MON_HIGH,
	RK_MON_CRITICAL,
	RK_MON_EMERGENCY
} rk_mon_severity;

/* In which part of a transaction an entity is looked at. */
typedef enum rk_mon_side
{
	RK_MON_SOURCE,
	RK_MON_TARGET,
	RK_MON_BOTH
} rk_mon_side;

typedef enum rk_mon_comparison
{
	RK_MON_AT_LEAST,
	RK_MON_ABOVE
} rk_mon_comparison;

/* Names in the order of the codes; each list ends with NULL. */
extern const char *const rk_mon_type_names[];
extern const char *const rk_mon_severity_names[];
extern const char *const rk_mon_side_names[];
extern const char *const rk_mon_comparison_names[];

/*
 * Codes of words (types, currencies, countries) that have a meaning here; the
 * owner numbers all others from RK_MON_WORDS on.
 */
#define RK_MON_NO_WORD 0		/* NULL */
#define RK_MON_CASH_WITHDRAWAL 1
#define RK_MON_CASH_DEPOSIT 2
#define RK_MON_WORDS 3
extern const char *const rk_mon_words[];	/* of the codes below RK_MON_WORDS */

typedef struct rk_mon_rule
{
	int64_t		id;
	rk_mon_type type;
	rk_mon_severity severity;
	rk_mon_side side;
	rk_mon_comparison comparison;
	bool		enabled;
	rk_decimal	threshold;
	int64_t		time_window;	/* RK_MON_NEVER: not given */
	int64_t		cooldown;		/* RK_MON_NEVER: not given */
	uint32_t	currency;		/* RK_MON_NO_WORD: any */
	const uint32_t *transaction_types;	/* any of these; NULL: any */
	uint32_t	type_count;
	const uint32_t *countries;	/* either side in these; NULL: any */
	uint32_t	country_count;

	/* made by rk_mon_prepare */
	rk_decimal	limit;			/* that a sum or count is compared with */
	uint32_t	counter;		/* number among the rules of counterparties */
} rk_mon_rule;

/* Rules in the order of their ids, that being their position. */
typedef struct rk_mon_rules
{
	rk_mon_rule *rules;
	uint32_t	count;

	/* made by rk_mon_prepare */
	uint32_t	counters;		/* rules of counterparties */
	int64_t		horizon;		/* longest time that a transaction matters */
} rk_mon_rules;

/*
 * Puts rules in order and checks them.  RK_ERR_DATA: a rule without the window
 * that its type needs, a window or cooldown not above zero, a negative or too
 * large threshold, two rules of one id.
 */
extern rk_status rk_mon_prepare(rk_ctx *ctx, rk_mon_rules *rules);

/* Whether rules of a type need a time window. */
extern bool rk_mon_needs_window(rk_mon_type type);

/* What an entity has to do with a transaction. */
#define RK_MON_IS_SOURCE 1
#define RK_MON_IS_TARGET 2		/* both: paid itself */

/* A transaction as one of its entities has it. */
typedef struct rk_mon_event
{
	int64_t		ts;
	rk_decimal	amount;
	int64_t		transaction;	/* its id or row, as the owner likes */
	int64_t		other;			/* the counterparty, as the owner likes */
	uint32_t	transaction_type;	/* words */
	uint32_t	currency;
	uint32_t	source_country;
	uint32_t	target_country;
	uint32_t	counterparty;	/* position among the entity's counters */
	int32_t		day;			/* calendar day */
	uint32_t	role;			/* RK_MON_IS_SOURCE | RK_MON_IS_TARGET */
	uint32_t	unused;
} rk_mon_event;

/* What a rule knows of an entity. */
typedef struct rk_mon_state
{
	rk_decimal	sum;			/* of the window; of a day's withdrawals */
	rk_decimal	deposits;		/* of a day */
	int64_t		head;			/* first event of the window */
	int64_t		count;			/* of what the window has */
	int64_t		last_alert;		/* RK_MON_NEVER: none yet */
	int32_t		day;			/* of sum and deposits; INT32_MIN: none yet */
	bool		active;			/* the condition holds; of withdrawals */
	bool		active_deposits;
} rk_mon_state;

/* An entity.  The owner gives the room, and keeps it. */
typedef struct rk_mon_entity
{
	rk_mon_event *events;		/* by time, equal ones by arrival */
	int64_t		count;
	int64_t		newest;			/* time of the newest ever; RK_MON_NEVER: none */
	rk_mon_state *states;		/* one a rule */
	uint32_t   *counters;		/* [counter * stride + counterparty]: how often */
	uint32_t	stride;
} rk_mon_entity;

/* Makes the states of an entity without events. */
extern void rk_mon_clear(const rk_mon_rules *rules, rk_mon_entity *entity);

/* An alert, on its way; valid inside the function that takes it. */
typedef struct rk_mon_alert
{
	const rk_mon_rule *rule;
	uint32_t	position;		/* of the rule */
	int64_t		ts;
	rk_decimal	value;			/* with RK_MONEY_SCALE */
	const rk_mon_event *event;	/* that raised it; NULL: none */
	const rk_mon_event *first;	/* what it is about is among these */
	const rk_mon_event *last;
	uint32_t	cash;			/* word of cash_aggregate */
	int32_t		day;			/* likewise */
	int64_t		idle;			/* dormant_reactivation: time without activity */
} rk_mon_alert;

typedef void (*rk_mon_alert_fn) (void *arg, const rk_mon_alert *alert);

/* Whether an alert is about an event between its first and last. */
extern bool rk_mon_concerns(const rk_mon_alert *alert, const rk_mon_event *event);

/* What an alert says, as a sentence without its period. */
#define RK_MON_MESSAGE_MAX 256
extern void rk_mon_describe(const rk_mon_alert *alert, char text[RK_MON_MESSAGE_MAX]);

/* A decimal with RK_MONEY_SCALE without trailing zeros. */
extern void rk_mon_number(rk_decimal value, char text[48]);

/*
 * An event has come into entity->events at this position (the last one, unless
 * it is late) and is counted in entity->count.  raise is called for every
 * alert, rules in their order; windows false: those of windows are not raised,
 * nor those of single transactions before their window that ends at as_of.
 *
 * A late event takes its place in the windows; the conditions are those of the
 * newest event's time.
 */
typedef struct rk_mon_sink
{
	rk_mon_alert_fn raise;
	void	   *arg;
	int64_t		as_of;			/* RK_MON_NEVER: at every transaction */
} rk_mon_sink;

extern void rk_mon_step(const rk_mon_rules *rules, rk_mon_entity *entity, int64_t position,
						const rk_mon_sink *sink);

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
 * For an owner who lets go of old events: how many of the first ones no rule
 * will look at any more; and that so many of them are gone.
 */
extern int64_t rk_mon_expired(const rk_mon_rules *rules, rk_mon_entity *entity);
extern void rk_mon_drop(const rk_mon_rules *rules, rk_mon_entity *entity, int64_t count);

/*
 * Fills in what a rule of windows knows from the entity's events, at the time
 * of the newest, its counters being zero; active, last_alert and what is known
 * of a day stay as they are.
 */
extern void rk_mon_rebuild(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule);

/* 10, 25, 50, 75, 100, 100 for info to emergency. */
extern int	rk_mon_risk_score(rk_mon_severity severity);

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

/*
 * engine_step.h
 *	  The state machine of transaction monitoring: what one event does, for the
 *	  CPU and for devices.  What rules mean is in monitoring.h, what else there is
 *	  of the engine in engine.c.
 */
#ifndef RK_COMPLIANCE_ENGINE_STEP_H
#define RK_COMPLIANCE_ENGINE_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../compute/both.h"
#include "../../compute/decimal_type.h"

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

/*
 * Codes of words (types, currencies, countries) that have a meaning here; the
 * owner numbers all others from RK_MON_WORDS on.
 */
#define RK_MON_NO_WORD 0		/* NULL */
#define RK_MON_CASH_WITHDRAWAL 1
#define RK_MON_CASH_DEPOSIT 2
#define RK_MON_WORDS 3
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

typedef struct rk_mon_sink
{
	rk_mon_alert_fn raise;
	void	   *arg;
	int64_t		as_of;			/* RK_MON_NEVER: at every transaction */
} rk_mon_sink;

/* ---- the engine ---- */

/* Whether rules of a type need a time window. */
RK_BOTH bool
rk_mon_needs_window(rk_mon_type type)
{
	return type == RK_MON_AGGREGATE_AMOUNT || type == RK_MON_TRANSACTION_COUNT || type == RK_MON_VELOCITY ||
		type == RK_MON_DISTINCT_COUNTERPARTIES || type == RK_MON_DORMANT_REACTIVATION ||
		type == RK_MON_JUST_BELOW_THRESHOLD;
}

#define RK_MON_HOUR INT64_C(3600000000)

/* Three of them make a pattern (structuring). */
#define RK_MON_JUST_BELOW_COUNT 3

RK_BOTH bool
rk_mon_among(const uint32_t *list, uint32_t count, uint32_t word)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == word)
			return true;
	return false;
}

/* Whether an event counts for a rule. */
RK_BOTH bool
rk_mon_counts(const rk_mon_rule *r, const rk_mon_event *e)
{
	if (r->side != RK_MON_BOTH && !(e->role & (r->side == RK_MON_SOURCE ? RK_MON_IS_SOURCE : RK_MON_IS_TARGET)))
		return false;
	if (r->currency != RK_MON_NO_WORD && e->currency != r->currency)
		return false;
	if (r->transaction_types && !rk_mon_among(r->transaction_types, r->type_count, e->transaction_type))
		return false;
	if (r->countries && !rk_mon_among(r->countries, r->country_count, e->source_country) &&
		!rk_mon_among(r->countries, r->country_count, e->target_country))
		return false;
	switch (r->type)
	{
		case RK_MON_SINGLE_AMOUNT:
		case RK_MON_GEOGRAPHIC_RISK:
			/* one alert a transaction: for its source unless the rule is about targets */
			if (r->side == RK_MON_BOTH && !(e->role & RK_MON_IS_SOURCE))
				return false;
			return r->type == RK_MON_SINGLE_AMOUNT ||
				(e->source_country != RK_MON_NO_WORD && e->target_country != RK_MON_NO_WORD &&
				 e->source_country != e->target_country);
		case RK_MON_DISTINCT_COUNTERPARTIES:
			return e->role != (RK_MON_IS_SOURCE | RK_MON_IS_TARGET);
		case RK_MON_JUST_BELOW_THRESHOLD:
			return e->amount >= r->limit && e->amount < r->threshold;
		case RK_MON_CASH_AGGREGATE:
			return e->transaction_type == RK_MON_CASH_WITHDRAWAL || e->transaction_type == RK_MON_CASH_DEPOSIT;
		default:
			return true;
	}
}

RK_BOTH bool
rk_mon_reaches(const rk_mon_rule *r, rk_decimal value, rk_decimal limit)
{
	return r->comparison == RK_MON_AT_LEAST ? value >= limit : value > limit;
}

/* Whether the condition of a rule of windows holds. */
RK_BOTH bool
rk_mon_holds(const rk_mon_rule *r, const rk_mon_state *s)
{
	switch (r->type)
	{
		case RK_MON_AGGREGATE_AMOUNT:
		case RK_MON_VELOCITY:
			return rk_mon_reaches(r, s->sum, r->limit);
		case RK_MON_JUST_BELOW_THRESHOLD:
			return s->count >= RK_MON_JUST_BELOW_COUNT;
		default:
			return rk_mon_reaches(r, (rk_decimal) s->count * RK_MONEY_UNIT, r->limit);
	}
}

/* a * b / c for 0 <= a, 0 < b, c, half away from zero; at most the largest decimal. */
RK_BOTH rk_decimal
rk_mon_proportion(rk_decimal a, int64_t b, int64_t c)
{
	/* what fits into 38 digits */
	rk_decimal	most = (rk_decimal) INT64_C(10000000000000000) * INT64_C(10000000000000000) * 1000000;
	rk_decimal	whole = a / c;
	rk_decimal	rest = (a % c * b + c / 2) / c;

	if (whole > (most - rest) / b)
		return most;
	return whole * b + rest;
}

RK_BOTH rk_decimal
rk_mon_window_value(const rk_mon_rule *r, const rk_mon_state *s)
{
	switch (r->type)
	{
		case RK_MON_AGGREGATE_AMOUNT:
			return s->sum;
		case RK_MON_VELOCITY:
			return rk_mon_proportion(s->sum, RK_MON_HOUR, r->time_window);
		default:
			return (rk_decimal) s->count * RK_MONEY_UNIT;
	}
}

/* An event enters (by 1) or leaves (by -1) a window. */
RK_BOTH void
rk_mon_account(const rk_mon_rule *r, rk_mon_entity *entity, rk_mon_state *s, const rk_mon_event *e, int by)
{
	if (r->type == RK_MON_DISTINCT_COUNTERPARTIES)
	{
		uint32_t   *n = &entity->counters[(size_t) r->counter * entity->stride + e->counterparty];

		if (by > 0)
			s->count += (*n)++ == 0;
		else
			s->count -= --(*n) == 0;
		return;
	}
	s->count += by;
	s->sum += by > 0 ? e->amount : -e->amount;
}

/* The moment after which a window that ends at now begins. */
RK_BOTH int64_t
rk_mon_start_of(int64_t now, int64_t window)
{
	return now < INT64_MIN + window ? INT64_MIN : now - window;
}

/* Lets go of what is older than the window that ends at now; skips one event. */
RK_BOTH void
rk_mon_slide(const rk_mon_rule *r, rk_mon_entity *entity, rk_mon_state *s, int64_t now, int64_t skipped)
{
	int64_t		start = rk_mon_start_of(now, r->time_window);

	for (; s->head < entity->count && entity->events[s->head].ts <= start; s->head++)
		if (s->head != skipped && rk_mon_counts(r, &entity->events[s->head]))
			rk_mon_account(r, entity, s, &entity->events[s->head], -1);
}

RK_BOTH void
rk_mon_raise(const rk_mon_sink *sink, const rk_mon_alert *alert, rk_mon_state *s)
{
	if (s)
		s->last_alert = alert->ts;
	sink->raise(sink->arg, alert);
}

/* An alert of a rule, the rest of it zeros. */
RK_BOTH rk_mon_alert
rk_mon_alert_of(const rk_mon_rule *r, uint32_t k, int64_t ts, rk_decimal value, const rk_mon_event *e,
		 const rk_mon_event *first, const rk_mon_event *last)
{
	rk_mon_alert alert;

	memset(&alert, 0, sizeof(alert));
	alert.rule = r;
	alert.position = k;
	alert.ts = ts;
	alert.value = value;
	alert.event = e;
	alert.first = first;
	alert.last = last;
	return alert;
}

RK_BOTH void
rk_mon_step_window(const rk_mon_rules *rules, uint32_t k, rk_mon_entity *entity, int64_t position, const rk_mon_sink *sink)
{
	const rk_mon_rule *r = &rules->rules[k];
	rk_mon_state *s = &entity->states[k];
	const rk_mon_event *e = &entity->events[position];
	int64_t		now = entity->events[entity->count - 1].ts;

	if (!rk_mon_counts(r, e))
		return;
	rk_mon_slide(r, entity, s, now, position);
	if (position < s->head)
		return;					/* too late to count */
	if (!rk_mon_holds(r, s))
		s->active = false;
	rk_mon_account(r, entity, s, e, 1);
	if (!rk_mon_holds(r, s))
		return;
	if (sink->as_of == RK_MON_NEVER &&
		(!s->active || (r->cooldown != RK_MON_NEVER && now - s->last_alert >= r->cooldown)))
	{
		rk_mon_alert alert = rk_mon_alert_of(r, k, now, rk_mon_window_value(r, s), e, &entity->events[s->head],
									  &entity->events[entity->count - 1]);

		rk_mon_raise(sink, &alert, s);
	}
	s->active = true;
}

/* The cash of a kind on a day, an event left out. */
RK_BOTH rk_decimal
rk_mon_cash_of_day(const rk_mon_rule *r, const rk_mon_entity *entity, uint32_t kind, int32_t day, int64_t without,
			int64_t start)
{
	rk_decimal	sum = 0;

	for (int64_t i = 0; i < entity->count; i++)
	{
		const rk_mon_event *e = &entity->events[i];

		/* older ones may be gone or not */
		if (e->ts > start && i != without && e->day == day && e->transaction_type == kind && rk_mon_counts(r, e))
			sum += e->amount;
	}
	return sum;
}

/* First event of the day that the event at position belongs to. */
RK_BOTH const rk_mon_event *
rk_mon_first_of_day(const rk_mon_entity *entity, int64_t position)
{
	int32_t		day = entity->events[position].day;

	while (position > 0 && entity->events[position - 1].day >= day)
		position--;
	return &entity->events[position];
}

RK_BOTH void
rk_mon_step_cash(const rk_mon_rules *rules, uint32_t k, rk_mon_entity *entity, int64_t position, const rk_mon_sink *sink)
{
	const rk_mon_rule *r = &rules->rules[k];
	rk_mon_state *s = &entity->states[k];
	const rk_mon_event *e = &entity->events[position];
	bool		deposit = e->transaction_type == RK_MON_CASH_DEPOSIT;
	int64_t		now = entity->events[entity->count - 1].ts;
	rk_decimal	before;
	bool		active;
	bool		today;

	if (!rk_mon_counts(r, e))
		return;
	if (e->day > s->day)
	{
		s->day = e->day;
		s->sum = s->deposits = 0;
		s->active = s->active_deposits = false;
	}
	today = e->day == s->day;
	if (today)
	{
		before = deposit ? s->deposits : s->sum;
		*(deposit ? &s->deposits : &s->sum) += e->amount;
		active = deposit ? s->active_deposits : s->active;
	}
	else
	{
		before = rk_mon_cash_of_day(r, entity, e->transaction_type, e->day, position, rk_mon_start_of(now, rules->horizon));
		active = before > r->threshold;
	}
	if (before + e->amount <= r->threshold)
		return;
	if (sink->as_of == RK_MON_NEVER &&
		(!active || (r->cooldown != RK_MON_NEVER && s->last_alert != RK_MON_NEVER && now - s->last_alert >= r->cooldown)))
	{
		rk_mon_alert alert = rk_mon_alert_of(r, k, now, before + e->amount, e, rk_mon_first_of_day(entity, position),
									  &entity->events[entity->count - 1]);

		alert.cash = e->transaction_type;
		alert.day = e->day;
		rk_mon_raise(sink, &alert, s);
	}
	if (today)
		*(deposit ? &s->active_deposits : &s->active) = true;
}

/* Whether a rule has a window that slides. */
RK_BOTH bool
rk_mon_slides(const rk_mon_rule *r)
{
	return r->enabled && rk_mon_needs_window(r->type) && r->type != RK_MON_DORMANT_REACTIVATION;
}

/* Makes the states of an entity without events. */
RK_BOTH void
rk_mon_clear(const rk_mon_rules *rules, rk_mon_entity *entity)
{
	for (uint32_t k = 0; k < rules->count; k++)
	{
		memset(&entity->states[k], 0, sizeof(entity->states[k]));
		entity->states[k].last_alert = RK_MON_NEVER;
		entity->states[k].day = INT32_MIN;
	}
	entity->count = 0;
	entity->newest = RK_MON_NEVER;
}

/*
 * An event has come into entity->events at this position (the last one, unless
 * it is late) and is counted in entity->count.  raise is called for every
 * alert, rules in their order; windows false: those of windows are not raised,
 * nor those of single transactions before their window that ends at as_of.
 *
 * A late event takes its place in the windows; the conditions are those of the
 * newest event's time.
 */
RK_BOTH void
rk_mon_step(const rk_mon_rules *rules, rk_mon_entity *entity, int64_t position, const rk_mon_sink *sink)
{
	const rk_mon_event *e = &entity->events[position];
	bool		late = position < entity->count - 1;
	int64_t		before = entity->newest;

	if (!late)
		entity->newest = e->ts;
	for (uint32_t k = 0; k < rules->count; k++)
	{
		const rk_mon_rule *r = &rules->rules[k];
		rk_mon_state *s = &entity->states[k];

		/* windows begin one further on behind an event that is older than all in them */
		if (late && position < s->head)
			s->head++;
		if (!r->enabled)
			continue;
		switch (r->type)
		{
			case RK_MON_DORMANT_REACTIVATION:
				/* a late event is not the first after a silence */
				if (late || before == RK_MON_NEVER || e->ts - before < r->time_window)
					break;
				/* FALLTHROUGH */
			case RK_MON_SINGLE_AMOUNT:
			case RK_MON_GEOGRAPHIC_RISK:
				if (!rk_mon_counts(r, e) || !rk_mon_reaches(r, e->amount, r->threshold))
					break;
				if (sink->as_of != RK_MON_NEVER && r->time_window != RK_MON_NEVER &&
					e->ts <= rk_mon_start_of(sink->as_of, r->time_window))
					break;
				{
					rk_mon_alert alert = rk_mon_alert_of(r, k, e->ts, e->amount, e, e, e);

					alert.idle = r->type == RK_MON_DORMANT_REACTIVATION ? e->ts - before : 0;
					rk_mon_raise(sink, &alert, NULL);
				}
				break;
			case RK_MON_CASH_AGGREGATE:
				rk_mon_step_cash(rules, k, entity, position, sink);
				break;
			default:
				rk_mon_step_window(rules, k, entity, position, sink);
		}
	}
}

/*
 * For an owner who lets go of old events: how many of the first ones no rule
 * will look at any more; and that so many of them are gone.
 */
RK_BOTH int64_t
rk_mon_expired(const rk_mon_rules *rules, rk_mon_entity *entity)
{
	int64_t		start = rk_mon_start_of(entity->newest, rules->horizon);
	int64_t		n = 0;

	for (uint32_t k = 0; k < rules->count; k++)
		if (rk_mon_slides(&rules->rules[k]))
			rk_mon_slide(&rules->rules[k], entity, &entity->states[k], entity->newest, -1);
	while (n < entity->count && entity->events[n].ts <= start)
		n++;
	return n;
}

RK_BOTH void
rk_mon_drop(const rk_mon_rules *rules, rk_mon_entity *entity, int64_t count)
{
	entity->count -= count;
	for (int64_t i = 0; i < entity->count; i++)
		entity->events[i] = entity->events[i + count];
	for (uint32_t k = 0; k < rules->count; k++)
		entity->states[k].head = entity->states[k].head > count ? entity->states[k].head - count : 0;
}

/* 10, 25, 50, 75, 100, 100 for info to emergency. */
RK_BOTH int
rk_mon_risk_score(rk_mon_severity severity)
{
	return severity == RK_MON_INFO ? 10 : severity == RK_MON_LOW ? 25 : severity == RK_MON_MEDIUM ? 50 :
		severity == RK_MON_HIGH ? 75 : 100;
}

#endif							/* RK_COMPLIANCE_ENGINE_STEP_H */

/*
 * engine.c
 *	  The state machine of transaction monitoring, for one entity.
 *
 * The windows of all rules slide over one list of events; a rule keeps where
 * its window begins and what is in it.  Whether an event counts for a rule is
 * decided again when it leaves, so that nothing is kept for each pair of them.
 * An event that does not count for a rule can only have made its condition
 * false since; that shows at the next event that counts, which looks at the
 * condition before and after itself.  Amortised O(1) a rule and event.
 */
#include "monitoring.h"

#include <string.h>

#define HOUR INT64_C(3600000000)

/* Three of them make a pattern (structuring). */
#define JUST_BELOW_COUNT 3

static bool
among(const uint32_t *list, uint32_t count, uint32_t word)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == word)
			return true;
	return false;
}

/* Whether an event counts for a rule. */
static bool
counts(const rk_mon_rule *r, const rk_mon_event *e)
{
	if (r->side != RK_MON_BOTH && !(e->role & (r->side == RK_MON_SOURCE ? RK_MON_IS_SOURCE : RK_MON_IS_TARGET)))
		return false;
	if (r->currency != RK_MON_NO_WORD && e->currency != r->currency)
		return false;
	if (r->transaction_types && !among(r->transaction_types, r->type_count, e->transaction_type))
		return false;
	if (r->countries && !among(r->countries, r->country_count, e->source_country) &&
		!among(r->countries, r->country_count, e->target_country))
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

static bool
reaches(const rk_mon_rule *r, rk_decimal value, rk_decimal limit)
{
	return r->comparison == RK_MON_AT_LEAST ? value >= limit : value > limit;
}

/* Whether the condition of a rule of windows holds. */
static bool
holds(const rk_mon_rule *r, const rk_mon_state *s)
{
	switch (r->type)
	{
		case RK_MON_AGGREGATE_AMOUNT:
		case RK_MON_VELOCITY:
			return reaches(r, s->sum, r->limit);
		case RK_MON_JUST_BELOW_THRESHOLD:
			return s->count >= JUST_BELOW_COUNT;
		default:
			return reaches(r, (rk_decimal) s->count * RK_MONEY_UNIT, r->limit);
	}
}

/* a * b / c for 0 <= a, 0 < b, c, half away from zero; at most the largest decimal. */
static rk_decimal
proportion(rk_decimal a, int64_t b, int64_t c)
{
	__int128	whole;
	__int128	rest = (__int128) (a % c) * b;
	__int128	result;

	if (__builtin_mul_overflow((__int128) (a / c), (__int128) b, &whole) ||
		__builtin_add_overflow(whole, (rest + c / 2) / c, &result))
		return rk_power_of_ten(38);
	return result;
}

static rk_decimal
window_value(const rk_mon_rule *r, const rk_mon_state *s)
{
	switch (r->type)
	{
		case RK_MON_AGGREGATE_AMOUNT:
			return s->sum;
		case RK_MON_VELOCITY:
			return proportion(s->sum, HOUR, r->time_window);
		default:
			return (rk_decimal) s->count * RK_MONEY_UNIT;
	}
}

/* An event enters (by 1) or leaves (by -1) a window. */
static void
account(const rk_mon_rule *r, rk_mon_entity *entity, rk_mon_state *s, const rk_mon_event *e, int by)
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
static int64_t
start_of(int64_t now, int64_t window)
{
	return now < INT64_MIN + window ? INT64_MIN : now - window;
}

/* Lets go of what is older than the window that ends at now; skips one event. */
static void
slide(const rk_mon_rule *r, rk_mon_entity *entity, rk_mon_state *s, int64_t now, int64_t skipped)
{
	int64_t		start = start_of(now, r->time_window);

	for (; s->head < entity->count && entity->events[s->head].ts <= start; s->head++)
		if (s->head != skipped && counts(r, &entity->events[s->head]))
			account(r, entity, s, &entity->events[s->head], -1);
}

static void
raise(const rk_mon_sink *sink, rk_mon_alert alert, rk_mon_state *s)
{
	if (s)
		s->last_alert = alert.ts;
	sink->raise(sink->arg, &alert);
}

static void
step_window(const rk_mon_rules *rules, uint32_t k, rk_mon_entity *entity, int64_t position, const rk_mon_sink *sink)
{
	const rk_mon_rule *r = &rules->rules[k];
	rk_mon_state *s = &entity->states[k];
	const rk_mon_event *e = &entity->events[position];
	int64_t		now = entity->events[entity->count - 1].ts;

	if (!counts(r, e))
		return;
	slide(r, entity, s, now, position);
	if (position < s->head)
		return;					/* too late to count */
	if (!holds(r, s))
		s->active = false;
	account(r, entity, s, e, 1);
	if (!holds(r, s))
		return;
	if (sink->as_of == RK_MON_NEVER &&
		(!s->active || (r->cooldown != RK_MON_NEVER && now - s->last_alert >= r->cooldown)))
		raise(sink, (rk_mon_alert) {
			r, k, now, window_value(r, s), e, &entity->events[s->head], &entity->events[entity->count - 1]
		}, s);
	s->active = true;
}

/* The cash of a kind on a day, an event left out. */
static rk_decimal
cash_of_day(const rk_mon_rule *r, const rk_mon_entity *entity, uint32_t kind, int32_t day, int64_t without,
			int64_t start)
{
	rk_decimal	sum = 0;

	for (int64_t i = 0; i < entity->count; i++)
	{
		const rk_mon_event *e = &entity->events[i];

		/* older ones may be gone or not */
		if (e->ts > start && i != without && e->day == day && e->transaction_type == kind && counts(r, e))
			sum += e->amount;
	}
	return sum;
}

/* First event of the day that the event at position belongs to. */
static const rk_mon_event *
first_of_day(const rk_mon_entity *entity, int64_t position)
{
	int32_t		day = entity->events[position].day;

	while (position > 0 && entity->events[position - 1].day >= day)
		position--;
	return &entity->events[position];
}

static void
step_cash(const rk_mon_rules *rules, uint32_t k, rk_mon_entity *entity, int64_t position, const rk_mon_sink *sink)
{
	const rk_mon_rule *r = &rules->rules[k];
	rk_mon_state *s = &entity->states[k];
	const rk_mon_event *e = &entity->events[position];
	bool		deposit = e->transaction_type == RK_MON_CASH_DEPOSIT;
	int64_t		now = entity->events[entity->count - 1].ts;
	rk_decimal	before;
	bool		active;
	bool		today;

	if (!counts(r, e))
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
		before = cash_of_day(r, entity, e->transaction_type, e->day, position, start_of(now, rules->horizon));
		active = before > r->threshold;
	}
	if (before + e->amount <= r->threshold)
		return;
	if (sink->as_of == RK_MON_NEVER &&
		(!active || (r->cooldown != RK_MON_NEVER && s->last_alert != RK_MON_NEVER && now - s->last_alert >= r->cooldown)))
		raise(sink, (rk_mon_alert) {
			r, k, now, before + e->amount, e, first_of_day(entity, position), &entity->events[entity->count - 1],
			e->transaction_type, e->day
		}, s);
	if (today)
		*(deposit ? &s->active_deposits : &s->active) = true;
}

/* Whether a rule has a window that slides. */
static bool
slides(const rk_mon_rule *r)
{
	return r->enabled && rk_mon_needs_window(r->type) && r->type != RK_MON_DORMANT_REACTIVATION;
}

void
rk_mon_clear(const rk_mon_rules *rules, rk_mon_entity *entity)
{
	for (uint32_t k = 0; k < rules->count; k++)
		entity->states[k] = (rk_mon_state) {.last_alert = RK_MON_NEVER, .day = INT32_MIN};
	entity->count = 0;
	entity->newest = RK_MON_NEVER;
}

void
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
				if (!counts(r, e) || !reaches(r, e->amount, r->threshold))
					break;
				if (sink->as_of != RK_MON_NEVER && r->time_window != RK_MON_NEVER &&
					e->ts <= start_of(sink->as_of, r->time_window))
					break;
				raise(sink, (rk_mon_alert) {
					r, k, e->ts, e->amount, e, e, e, .idle = r->type == RK_MON_DORMANT_REACTIVATION ? e->ts - before : 0
				}, NULL);
				break;
			case RK_MON_CASH_AGGREGATE:
				step_cash(rules, k, entity, position, sink);
				break;
			default:
				step_window(rules, k, entity, position, sink);
		}
	}
}

void
rk_mon_evaluate(const rk_mon_rules *rules, rk_mon_entity *entity, int32_t day, const rk_mon_sink *sink)
{
	const rk_mon_event *last = &entity->events[entity->count - 1];

	if (entity->count == 0)
		return;
	for (uint32_t k = 0; k < rules->count; k++)
	{
		const rk_mon_rule *r = &rules->rules[k];
		rk_mon_state *s = &entity->states[k];

		if (!r->enabled)
			continue;
		if (r->type == RK_MON_CASH_AGGREGATE)
		{
			const rk_mon_event *first = first_of_day(entity, entity->count - 1);

			for (uint32_t kind = RK_MON_CASH_WITHDRAWAL; kind <= RK_MON_CASH_DEPOSIT; kind++)
			{
				rk_decimal	sum = kind == RK_MON_CASH_DEPOSIT ? s->deposits : s->sum;

				if (s->day == day && sum > r->threshold)
					raise(sink, (rk_mon_alert) {
						r, k, sink->as_of, sum, NULL, first, last, kind, day
					}, NULL);
			}
		}
		else if (slides(r))
		{
			slide(r, entity, s, sink->as_of, -1);
			if (holds(r, s) && s->count > 0)
				raise(sink, (rk_mon_alert) {
					r, k, sink->as_of, window_value(r, s), NULL, &entity->events[s->head], last
				}, NULL);
		}
	}
}

int64_t
rk_mon_expired(const rk_mon_rules *rules, rk_mon_entity *entity)
{
	int64_t		start = start_of(entity->newest, rules->horizon);
	int64_t		n = 0;

	for (uint32_t k = 0; k < rules->count; k++)
		if (slides(&rules->rules[k]))
			slide(&rules->rules[k], entity, &entity->states[k], entity->newest, -1);
	while (n < entity->count && entity->events[n].ts <= start)
		n++;
	return n;
}

void
rk_mon_drop(const rk_mon_rules *rules, rk_mon_entity *entity, int64_t count)
{
	entity->count -= count;
	memmove(entity->events, entity->events + count, sizeof(rk_mon_event) * entity->count);
	for (uint32_t k = 0; k < rules->count; k++)
		entity->states[k].head = entity->states[k].head > count ? entity->states[k].head - count : 0;
}

void
rk_mon_rebuild(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule)
{
	const rk_mon_rule *r = &rules->rules[rule];
	rk_mon_state *s = &entity->states[rule];
	int64_t		start = entity->count > 0 && slides(r) ? start_of(entity->newest, r->time_window) : 0;

	s->head = 0;
	if (!slides(r))
		return;
	s->count = 0;
	s->sum = 0;
	while (s->head < entity->count && entity->events[s->head].ts <= start)
		s->head++;
	for (int64_t i = s->head; i < entity->count; i++)
		if (counts(r, &entity->events[i]))
			account(r, entity, s, &entity->events[i], 1);
}

rk_decimal
rk_mon_value(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule)
{
	const rk_mon_rule *r = &rules->rules[rule];
	rk_mon_state *s = &entity->states[rule];

	if (!r->enabled)
		return -1;
	if (r->type == RK_MON_CASH_AGGREGATE)
		return s->sum > s->deposits ? s->sum : s->deposits;
	if (!slides(r))
		return -1;
	slide(r, entity, s, entity->newest, -1);
	return window_value(r, s);
}

bool
rk_mon_concerns(const rk_mon_alert *a, const rk_mon_event *e)
{
	if (a->first == a->last)
		return true;
	if (a->rule->type == RK_MON_CASH_AGGREGATE && (e->day != a->day || e->transaction_type != a->cash))
		return false;
	return counts(a->rule, e);
}

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

static void
raise(const rk_mon_sink *sink, rk_mon_alert alert, rk_mon_state *s)
{
	rk_mon_raise(sink, &alert, s);
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
			const rk_mon_event *first = rk_mon_first_of_day(entity, entity->count - 1);

			for (uint32_t kind = RK_MON_CASH_WITHDRAWAL; kind <= RK_MON_CASH_DEPOSIT; kind++)
			{
				rk_decimal	sum = kind == RK_MON_CASH_DEPOSIT ? s->deposits : s->sum;

				if (s->day == day && sum > r->threshold)
					raise(sink, (rk_mon_alert) {
						r, k, sink->as_of, sum, NULL, first, last, kind, day
					}, NULL);
			}
		}
		else if (rk_mon_slides(r))
		{
			rk_mon_slide(r, entity, s, sink->as_of, -1);
			if (rk_mon_holds(r, s) && s->count > 0)
				raise(sink, (rk_mon_alert) {
					r, k, sink->as_of, rk_mon_window_value(r, s), NULL, &entity->events[s->head], last
				}, NULL);
		}
	}
}

void
rk_mon_rebuild(const rk_mon_rules *rules, rk_mon_entity *entity, uint32_t rule)
{
	const rk_mon_rule *r = &rules->rules[rule];
	rk_mon_state *s = &entity->states[rule];
	int64_t		start = entity->count > 0 && rk_mon_slides(r) ? rk_mon_start_of(entity->newest, r->time_window) : 0;

	s->head = 0;
	if (!rk_mon_slides(r))
		return;
	s->count = 0;
	s->sum = 0;
	while (s->head < entity->count && entity->events[s->head].ts <= start)
		s->head++;
	for (int64_t i = s->head; i < entity->count; i++)
		if (rk_mon_counts(r, &entity->events[i]))
			rk_mon_account(r, entity, s, &entity->events[i], 1);
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
	if (!rk_mon_slides(r))
		return -1;
	rk_mon_slide(r, entity, s, entity->newest, -1);
	return rk_mon_window_value(r, s);
}

bool
rk_mon_concerns(const rk_mon_alert *a, const rk_mon_event *e)
{
	if (a->first == a->last)
		return true;
	if (a->rule->type == RK_MON_CASH_AGGREGATE && (e->day != a->day || e->transaction_type != a->cash))
		return false;
	return rk_mon_counts(a->rule, e);
}

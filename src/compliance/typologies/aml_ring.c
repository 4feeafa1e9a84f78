/*
 * aml_ring.c
 *	  compliance/aml-patterns as an actor: the typologies that a transaction
 *	  completes.
 *
 * MatchPattern looks around the transaction.  Windows are those of the batch
 * function, leftmost first, and hold what came so far.  structuring, fans,
 * funnels, gather and scatter, scatter and gather, and money that passes
 * through are found if and only if the batch function would find them, with
 * this transaction in them, among the transactions up to this one.  Of cycles
 * and layers there may be more, since the batch function uses a transaction
 * only once.
 *
 * EntityPatterns is the batch function over the transactions that are kept,
 * run when something has changed since.
 */
#include "aml_state.h"

#include <stdio.h>

#include "../payload.h"

#define KERNEL "compliance/aml-patterns"

/* The transaction that is looked at, and what was found. */
typedef struct look
{
	rk_ctx	   *ctx;
	aml_state  *s;
	rk_reply   *reply;
	uint64_t	number;
	const aml_tx *tx;
	aml_mark	mark;
	int64_t		ts_ns;
	int64_t		steps;			/* of searches */
	uint32_t	kinds;
	int32_t		count;
	double		score;
	bool		complete;
	bool		gathering;		/* a fan in whose time is not over was seen */
	int64_t		least;			/* amounts of the cycle at hand */
	int64_t		most;

	/* transactions of the pattern at hand */
	uint64_t	evidence[RK_AML_EVIDENCE];
	int64_t		evidence_count;
} look;

/* ---- what is found ---- */

static void
add_evidence(look *k, uint64_t number)
{
	for (int i = 0; i < k->evidence_count && i < RK_AML_EVIDENCE; i++)
		if (k->evidence[i] == number)
			return;
	if (k->evidence_count < RK_AML_EVIDENCE)
		k->evidence[k->evidence_count] = number;
	k->evidence_count++;
}

/* The transaction, and the newest others of a part of a list. */
static void
add_window(look *k, const aml_list *l, uint32_t i, uint32_t j)
{
	k->evidence_count = 0;
	add_evidence(k, k->number);
	for (uint32_t p = j; p-- > i;)
		add_evidence(k, l->number[p]);
}

/* Notes a pattern, and tells of it if it is new. */
static void
found(look *k, rk_aml_kind kind, uint32_t entity, double confidence, bool is_new)
{
	double		points = rk_aml_points[kind] * confidence;
	rk_pattern_alert alert;
	rk_alert_broadcast said;
	char	   *p;

	k->kinds |= 1u << kind;
	k->count++;
	k->score = points > k->score ? points : k->score;
	if (!is_new || k->reply->publish == NULL)
		return;
	memset(&alert, 0, sizeof(alert));
	alert.entity = rk_keys_id(&k->s->keys, entity);
	alert.transaction_id = aml_id_of(k->s, k->number);
	alert.confidence = confidence;
	alert.ts = k->ts_ns;
	alert.evidence_count = (int32_t) k->evidence_count;
	alert.pattern_type = (int16_t) (kind + 1);
	p = alert.evidence;
	for (int i = 0; i < k->evidence_count && i < RK_AML_EVIDENCE; i++)
	{
		rk_id		id = aml_id_of(k->s, k->evidence[i]);

		p += strlen(rk_id_text(&id, p)) + 1;
	}
	rk_publish(k->reply, 322, &alert, sizeof(alert));
	/* the most that a pattern has is 25 points */
	said = rk_alert_of(KERNEL, RK_ALERT_PATTERN, &alert.entity, 4 * points, k->ts_ns);
	snprintf(said.context, sizeof(said.context), "%s", rk_aml_kind_names[kind]);
	rk_publish(k->reply, RK_ALERT_BROADCAST, &said, sizeof(said));
}

/* Whether a window, known by its first transaction, is reported the first time; it is from now on. */
static bool
first_time(aml_mark *alerted, aml_mark begin)
{
	bool		is_new = alerted->number != begin.number;

	*alerted = begin;
	return is_new;
}

static double
at_most_one(double x)
{
	return x < 1 ? x : 1;
}

static double
forwarded(const aml_state *s)
{
	return s->params.min_forwarded > 0 ? s->params.min_forwarded : 0.8;
}

/* ---- windows of an entity ---- */

static uint32_t
other_end(const aml_state *s, uint64_t number, bool of_targets)
{
	const aml_tx *t = aml_tx_at(s, number);

	return of_targets ? t->target : t->source;
}

/*
 * Windows of a list from a mark on, leftmost first, that have min_fan different
 * other ends; the last one may not be over yet.  Returns where the last window
 * that is looked at begins.
 */
typedef void (*window_fn) (look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different);

static uint32_t
each_window(look *k, uint32_t entity, const aml_list *l, bool of_targets, aml_mark from, window_fn fn)
{
	aml_state  *s = k->s;
	uint32_t	i = aml_place(s, l, from);
	uint32_t	j = i;
	int64_t		different = 0;

	while (i < l->end)
	{
		int64_t		over = rk_window_over(aml_tx_at(s, l->number[i])->ts, s->params.time_window);

		for (; j < l->end && aml_tx_at(s, l->number[j])->ts < over; j++)
			different += s->nodes[other_end(s, l->number[j], of_targets)].times++ == 0;
		if (different < s->params.min_fan)
		{
			/* shorter ones to the end have no more */
			if (j == l->end)
				break;
			different -= --s->nodes[other_end(s, l->number[i++], of_targets)].times == 0;
			continue;
		}
		for (uint32_t p = i; p < j; p++)
			s->nodes[other_end(s, l->number[p], of_targets)].times = 0;
		fn(k, entity, i, j, different);
		if (j == l->end)
			return i;
		different = 0;
		i = j;
	}
	for (uint32_t p = i; p < j; p++)
		s->nodes[other_end(s, l->number[p], of_targets)].times = 0;
	return i;
}

/* The mark of a place of a list. */
static aml_mark
mark_at(const aml_state *s, const aml_list *l, uint32_t place, aml_mark otherwise)
{
	return place < l->end ? aml_mark_of(s, l->number[place]) : otherwise;
}

static bool
has(const look *k, const aml_list *l, uint32_t i, uint32_t j)
{
	return !aml_before(k->mark, aml_mark_of(k->s, l->number[i])) && !aml_before(aml_mark_of(k->s, l->number[j - 1]), k->mark);
}

static void
found_fan_out(look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different)
{
	aml_node   *n = &k->s->nodes[entity];

	if (!has(k, &n->out, i, j))
		return;
	add_window(k, &n->out, i, j);
	found(k, RK_AML_FAN_OUT, entity, at_most_one((double) different / 20),
		  first_time(&n->alerted[ALERTED_FAN_OUT], aml_mark_of(k->s, n->out.number[i])));
}

static void
found_fan_in(look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different)
{
	aml_node   *n = &k->s->nodes[entity];

	if (!has(k, &n->in, i, j))
		return;
	add_window(k, &n->in, i, j);
	found(k, RK_AML_FAN_IN, entity, at_most_one((double) different / 20),
		  first_time(&n->alerted[ALERTED_FAN_IN], aml_mark_of(k->s, n->in.number[i])));
}

/* Money that a window of a fan in has got, and that goes out again until over. */
static void
find_funnel(look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different, rk_decimal inflow, int64_t over)
{
	aml_state  *s = k->s;
	aml_node   *n = &s->nodes[entity];
	uint32_t	first = aml_place(s, &n->out, aml_mark_of(s, n->in.number[i]));
	uint32_t	head = i;
	uint32_t	tail = i;
	rk_decimal	matched = 0;
	bool		inside = k->tx->target == entity && has(k, &n->in, i, j);

	for (uint32_t p = first; p < n->out.end && aml_tx_at(s, n->out.number[p])->ts < over; p++)
	{
		aml_mark	mark = aml_mark_of(s, n->out.number[p]);
		int64_t		wanted = aml_tx_at(s, n->out.number[p])->amount;

		for (; tail < j && aml_before(aml_mark_of(s, n->in.number[tail]), mark); tail++)
			s->scratch[tail - i] = aml_tx_at(s, n->in.number[tail])->amount;
		while (wanted > 0 && head < tail)
		{
			int64_t		part = s->scratch[head - i] < wanted ? s->scratch[head - i] : wanted;

			s->scratch[head - i] -= part;
			wanted -= part;
			matched += part;
			head += s->scratch[head - i] == 0;
			inside |= part > 0 && n->out.number[p] == k->number;
		}
	}
	if (!inside || !(rk_money_ratio(matched, inflow) >= forwarded(s)))
		return;
	add_window(k, &n->in, i, j);
	found(k, RK_AML_FUNNEL_ACCOUNT, entity, at_most_one((double) different / 20),
		  first_time(&n->alerted[ALERTED_FUNNEL], aml_mark_of(s, n->in.number[i])));
}

static void
find_gather_scatter(look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different, rk_decimal inflow, int64_t over)
{
	aml_state  *s = k->s;
	aml_node   *n = &s->nodes[entity];
	uint32_t	first = aml_place(s, &n->out, (aml_mark) {aml_tx_at(s, n->in.number[i])->ts, 0});
	uint32_t	last = first;
	rk_decimal	outflow = 0;
	int64_t		targets = 0;
	bool		inside = k->tx->target == entity && has(k, &n->in, i, j);

	for (; last < n->out.end && aml_tx_at(s, n->out.number[last])->ts < over; last++)
	{
		outflow += aml_tx_at(s, n->out.number[last])->amount;
		targets += s->nodes[aml_tx_at(s, n->out.number[last])->target].times++ == 0;
		inside |= n->out.number[last] == k->number;
	}
	for (uint32_t p = first; p < last; p++)
		s->nodes[aml_tx_at(s, n->out.number[p])->target].times = 0;
	if (!inside || targets < s->params.min_fan ||
		(s->params.min_forwarded > 0 && !(rk_money_ratio(outflow, inflow) >= s->params.min_forwarded)))
		return;
	add_window(k, &n->out, first, last);
	for (uint32_t p = j; p-- > i;)
		add_evidence(k, n->in.number[p]);
	found(k, RK_AML_GATHER_SCATTER, entity, at_most_one((double) (different + targets) / 40),
		  first_time(&n->alerted[ALERTED_GATHER], aml_mark_of(s, n->in.number[i])));
}

/* What was gathered in a window, if its time is not over yet. */
static void
found_gathering(look *k, uint32_t entity, uint32_t i, uint32_t j, int64_t different)
{
	aml_state  *s = k->s;
	aml_node   *n = &s->nodes[entity];
	int64_t		over = rk_window_over(aml_tx_at(s, n->in.number[j - 1])->ts, s->params.max_dwell);
	rk_decimal	inflow = 0;

	if (k->tx->ts >= over)
		return;
	if (!k->gathering)
		n->gather = aml_mark_of(s, n->in.number[i]);
	k->gathering = true;
	for (uint32_t p = i; p < j; p++)
		inflow += aml_tx_at(s, n->in.number[p])->amount;
	find_funnel(k, entity, i, j, different, inflow, over);
	find_gather_scatter(k, entity, i, j, different, inflow, over);
}

/* Amounts just below the limit, leftmost window first. */
static void
find_structuring(look *k, uint32_t entity)
{
	aml_state  *s = k->s;
	aml_node   *n = &s->nodes[entity];
	const aml_list *l = &n->out;
	uint32_t	i = aml_place(s, l, n->band);
	uint32_t	j = i;
	rk_decimal	sum = 0;
	int64_t		count = 0;

#define IN_BAND(place) (aml_tx_at(s, l->number[place])->amount >= s->band_low && \
		aml_tx_at(s, l->number[place])->amount < s->params.reporting_threshold)

	if (k->tx->amount < s->band_low || k->tx->amount >= s->params.reporting_threshold)
		return;
	while (i < l->end)
	{
		int64_t		over;

		if (!IN_BAND(i))
		{
			i++;
			j = j < i ? i : j;
			continue;
		}
		over = rk_window_over(aml_tx_at(s, l->number[i])->ts, s->params.time_window);
		for (; j < l->end && aml_tx_at(s, l->number[j])->ts < over; j++)
			if (IN_BAND(j))
			{
				sum += aml_tx_at(s, l->number[j])->amount;
				count++;
			}
		if (count >= s->params.structuring_min_count && sum > s->params.reporting_threshold)
		{
			if (has(k, l, i, j))
			{
				k->evidence_count = 0;
				add_evidence(k, k->number);
				for (uint32_t p = j; p-- > i;)
					if (IN_BAND(p))
						add_evidence(k, l->number[p]);
				found(k, RK_AML_STRUCTURING, entity, at_most_one((double) count / 10),
					  first_time(&n->alerted[ALERTED_STRUCTURING], aml_mark_of(s, l->number[i])));
			}
			if (j == l->end)
				break;
			i = j;
			sum = 0;
			count = 0;
			continue;
		}
		if (j == l->end)
			break;
		sum -= aml_tx_at(s, l->number[i])->amount;
		count--;
		i++;
	}
#undef IN_BAND
	n->band = mark_at(s, l, i, n->band);
}

/* ---- money that passes through ---- */

static void
find_rapid(look *k, uint32_t entity, bool used)
{
	aml_node   *n = &k->s->nodes[entity];
	double		ratio = rk_money_ratio(n->matched, n->amount_in);
	bool		rapid = ratio >= forwarded(k->s) && n->matched >= k->s->params.reporting_threshold;

	if (rapid && used)
	{
		k->evidence_count = 0;
		add_evidence(k, k->number);
		found(k, RK_AML_RAPID_MOVEMENT, entity, ratio, !n->rapid);
		n->rapid = true;
	}
	else if (!rapid)
		n->rapid = false;
}

/* ---- scatter and gather ---- */

/* The window of a group that the pair of this first leg is in. */
static void
look_at_group(look *k, uint32_t g, uint64_t first)
{
	aml_state  *s = k->s;
	aml_group  *group = &s->groups[g];
	uint32_t	i;
	uint32_t	j;
	int64_t		different = 0;

	aml_clean_group(s, g);
	i = j = group->legs;
	while (i != RK_AML_NONE)
	{
		int64_t		over = rk_window_over(aml_tx_at(s, s->legs[i].first)->ts, s->params.time_window);
		bool		inside = false;
		uint32_t	p;

		for (; j != RK_AML_NONE && aml_tx_at(s, s->legs[j].first)->ts < over; j = s->legs[j].next)
		{
			uint32_t	m = aml_tx_at(s, s->legs[j].first)->target;

			different += !s->nodes[m].skip && s->nodes[m].times++ == 0;
		}
		if (different < s->params.min_fan)
		{
			uint32_t	m = aml_tx_at(s, s->legs[i].first)->target;

			different -= !s->nodes[m].skip && --s->nodes[m].times == 0;
			i = s->legs[i].next;
			continue;
		}
		/* of each between, the first pair */
		k->evidence_count = 0;
		add_evidence(k, k->number);
		for (p = i; p != j; p = s->legs[p].next)
		{
			aml_node   *m = &s->nodes[aml_tx_at(s, s->legs[p].first)->target];

			if (m->skip || m->times == 0)
				continue;
			m->times = 0;
			inside |= s->legs[p].first == first;
			add_evidence(k, s->legs[p].first);
			add_evidence(k, s->legs[p].second);
		}
		if (inside)
		{
			found(k, RK_AML_SCATTER_GATHER, group->a, at_most_one((double) different / 10),
				  first_time(&group->alerted, aml_mark_of(s, s->legs[i].first)));
			return;
		}
		different = 0;
		i = j;
	}
}

static void
find_scatter_gather(look *k)
{
	aml_state  *s = k->s;
	uint32_t	from;
	uint32_t	to;

	aml_predecessors_of(s, k->number, &from, &to);
	for (uint32_t i = from; i < to; i++)
	{
		uint64_t	e = s->nodes[k->tx->source].in.number[i];
		uint32_t	g = aml_find_group(s, aml_tx_at(s, e)->source, k->tx->target);
		uint32_t	p = g == RK_AML_NONE ? RK_AML_NONE : s->groups[g].legs;

		while (p != RK_AML_NONE && (s->legs[p].first != e || s->legs[p].second != k->number))
			p = s->legs[p].next;
		if (p == RK_AML_NONE)
			continue;
		look_at_group(k, g, e);
	}
}

/* ---- chains ---- */

static bool
step(look *k)
{
	if (k->steps >= k->s->max_steps)
		k->complete = false;
	return k->steps++ < k->s->max_steps;
}

/* Whether so many hops, no entity twice, lead to f, itself counted. */
static bool
has_layers(look *k, uint64_t f, int32_t hops)
{
	aml_state  *s = k->s;
	const aml_tx *tx = aml_tx_at(s, f);
	aml_node   *node = &s->nodes[tx->source];
	uint32_t	from;
	uint32_t	to;

	if (hops == 1)
	{
		k->evidence_count = 0;
		add_evidence(k, f);
		return true;
	}
	if (node->skip)
		return false;
	aml_predecessors_of(s, f, &from, &to);
	for (uint32_t i = to; i-- > from && step(k);)
	{
		uint64_t	e = node->in.number[i];
		aml_node   *payer = &s->nodes[aml_tx_at(s, e)->source];
		bool		good;

		if (payer->stamp == s->stamp || !aml_is_linked(s, aml_tx_at(s, e), tx))
			continue;
		payer->stamp = s->stamp;
		good = has_layers(k, e, hops - 1);
		payer->stamp = 0;
		if (good)
		{
			add_evidence(k, f);
			return true;
		}
	}
	return false;
}

static void
find_layers(look *k)
{
	aml_state  *s = k->s;

	aml_new_stamp(s);
	s->nodes[k->tx->source].stamp = s->nodes[k->tx->target].stamp = s->stamp;
	if (has_layers(k, k->number, s->params.min_layers))
		found(k, RK_AML_LAYERING, aml_tx_at(s, k->evidence[0])->source, at_most_one(s->params.min_layers / 10.0), true);
}

/*
 * Goes on from e along what a search backwards has reached, to the transaction
 * in hops more; no entity twice.
 */
static bool
comes_back(look *k, uint64_t e, uint32_t hops)
{
	aml_state  *s = k->s;
	const aml_tx *tx = aml_tx_at(s, e);
	aml_node   *node = &s->nodes[tx->target];
	uint32_t	from;
	uint32_t	to;

	if (node->skip || node->stamp == s->stamp)
		return false;
	aml_successors_of(s, e, &from, &to);
	node->stamp = s->stamp;
	for (uint32_t i = from; i < to && step(k); i++)
	{
		uint64_t	f = node->out.number[i];
		const aml_tx *next = aml_tx_at(s, f);

		if (next->stamp != s->stamp || next->hops > hops || !aml_is_linked(s, tx, next))
			continue;
		if (hops == 1 ? f == k->number : (f != k->number && comes_back(k, f, hops - 1)))
		{
			add_evidence(k, f);
			k->least = next->amount < k->least ? next->amount : k->least;
			k->most = next->amount > k->most ? next->amount : k->most;
			return true;
		}
	}
	node->stamp = 0;
	return false;
}

/*
 * A cycle that the transaction closes: backwards, breadth first, to payments of
 * its target that began within cycle_window; then forwards along simple paths,
 * the shortest first.
 */
static void
find_cycle(look *k)
{
	aml_state  *s = k->s;
	uint64_t	head = 0;
	uint64_t	tail = 0;
	uint64_t	closing = 0;

	aml_new_stamp(s);
	aml_tx_at(s, k->number)->stamp = s->stamp;
	aml_tx_at(s, k->number)->hops = 1;
	s->queue[tail++] = k->number;
	for (; head < tail; head++)
	{
		uint64_t	f = s->queue[head];
		const aml_tx *tx = aml_tx_at(s, f);
		aml_node   *node = &s->nodes[tx->source];
		uint32_t	from;
		uint32_t	to;

		if (node->skip || tx->hops >= (uint32_t) s->params.max_cycle_length)
			continue;
		aml_predecessors_of(s, f, &from, &to);
		for (uint32_t i = to; i-- > from && step(k);)
		{
			aml_tx	   *e = aml_tx_at(s, node->in.number[i]);

			if (k->tx->ts >= rk_window_over(e->ts, s->params.cycle_window))
				break;
			if (e->stamp == s->stamp || e->target == k->tx->target || !aml_is_linked(s, e, tx))
				continue;
			e->stamp = s->stamp;
			e->hops = tx->hops + 1;
			closing += e->source == k->tx->target;
			s->queue[tail++] = node->in.number[i];
		}
	}
	for (int32_t length = 2; closing > 0 && length <= s->params.max_cycle_length && k->complete; length++)
		for (uint64_t i = 0; i < tail; i++)
		{
			uint64_t	e = s->queue[i];

			if (aml_tx_at(s, e)->source != k->tx->target || aml_tx_at(s, e)->hops > (uint32_t) length)
				continue;
			k->evidence_count = 0;
			k->least = k->most = aml_tx_at(s, e)->amount;
			s->nodes[k->tx->target].stamp = s->stamp;
			if (!comes_back(k, e, (uint32_t) length - 1))
				continue;
			add_evidence(k, e);
			found(k, RK_AML_ROUND_TRIPPING, k->tx->target, k->most > 0 ? rk_money_ratio(k->least, k->most) : 0, true);
			return;
		}
}

/* ---- messages ---- */

/* Fans in whose money may still go out; the first of them is where to begin next time. */
static void
gather(look *k, uint32_t entity)
{
	aml_node   *n = &k->s->nodes[entity];
	uint32_t	begin;

	k->gathering = false;
	begin = each_window(k, entity, &n->in, false, n->gather, found_gathering);
	if (!k->gathering)
		n->gather = mark_at(k->s, &n->in, begin, n->gather);
}

static void
look_around(look *k, bool late, int64_t consumed)
{
	aml_state  *s = k->s;
	uint32_t	source = k->tx->source;
	uint32_t	target = k->tx->target;
	aml_node   *payer = &s->nodes[source];
	aml_node   *payee = &s->nodes[target];
	uint32_t	begin;

	find_structuring(k, source);
	begin = each_window(k, source, &payer->out, true, payer->fan_out, found_fan_out);
	payer->fan_out = mark_at(s, &payer->out, begin, payer->fan_out);
	begin = each_window(k, target, &payee->in, false, payee->fan_in, found_fan_in);
	payee->fan_in = mark_at(s, &payee->in, begin, payee->fan_in);
	gather(k, source);
	gather(k, target);
	find_rapid(k, source, consumed > 0);
	find_rapid(k, target, late && k->tx->left < k->tx->amount);
	find_scatter_gather(k);
	find_layers(k);
	find_cycle(k);
}

static rk_status
do_match(rk_ctx *ctx, aml_state *s, const rk_match_request *q, rk_reply *reply)
{
	rk_match_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	look		k = {.ctx = ctx, .s = s, .reply = reply, .ts_ns = q->ts, .complete = true};
	aml_tx		tx = {.ts = rk_us_of_ns(q->ts), .amount = q->amount, .left = q->amount};
	bool		late;
	int64_t		consumed;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->amount < 0)
	{
		rk_fail(ctx, RK_ERR_DATA, "amount must not be negative");
		rk_fail_hint(ctx, "Swap source and target.");
		return RK_ERR_DATA;
	}
	/* whatever may fail comes first; what follows is bounded by max_steps and the windows */
	if ((status = rk_keys_add(ctx, &s->keys, "source", &q->source, &tx.source)) != RK_OK ||
		(status = rk_keys_add(ctx, &s->keys, "target", &q->target, &tx.target)) != RK_OK ||
		(status = aml_take(ctx, s, &q->transaction_id, &tx, &k.number, &late, &consumed)) != RK_OK)
		return status;
	k.tx = aml_tx_at(s, k.number);
	k.mark = aml_mark_of(s, k.number);
	/* older than all that is kept, or to oneself: part of nothing */
	if (k.number >= s->first && tx.source != tx.target)
		look_around(&k, late, consumed);
	r->patterns_matched = k.kinds;
	r->match_count = k.count;
	r->max_score = k.score;
	r->complete = k.complete;
	return RK_OK;
}

/* The batch function over what is kept, in memory of its own that is given back. */
static rk_status
score(rk_ctx *ctx, aml_state *s)
{
	int64_t		count = (int64_t) (s->next - s->first);
	rk_aml_entity *scores = rk_alloc0(ctx, s->node_count, sizeof(*scores));
	rk_transactions t = {.entities = s->node_count};
	uint32_t   *source;
	uint32_t   *target;
	rk_decimal *amount;
	int64_t    *ts;
	rk_ledger	l;
	rk_aml_result result;
	rk_aml_entity *found;
	rk_ctx		own;
	rk_status	status;

	if (scores == NULL)
		return RK_ERR_MEMORY;
	rk_ctx_enter(ctx, &own);
	t.source = source = rk_alloc(&own, count, sizeof(*source));
	t.target = target = rk_alloc(&own, count, sizeof(*target));
	t.amount = amount = rk_alloc(&own, count, sizeof(*amount));
	t.ts = ts = rk_alloc(&own, count, sizeof(*ts));
	status = source && target && amount && ts ? RK_OK : RK_ERR_MEMORY;
	t.count = 0;
	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		const aml_tx *x = aml_tx_at(s, s->first + (uint64_t) i);

		/* behind one that is newer */
		if (x->ts <= aml_too_old(s))
			continue;
		source[t.count] = x->source;
		target[t.count] = x->target;
		amount[t.count] = x->amount;
		ts[t.count++] = x->ts;
		t.total += x->amount;
	}
	if (status == RK_OK && (status = rk_ledger_make(&own, &t, &l)) == RK_OK &&
		(status = rk_aml_patterns(&own, &l, &s->params, &result)) == RK_OK)
	{
		found = rk_alloc(&own, l.entities, sizeof(*found));
		status = found ? rk_aml_score_entities(&own, &l, &result, found) : RK_ERR_MEMORY;
		for (uint32_t e = 0; e < l.entities && status == RK_OK; e++)
			scores[l.code[e]] = found[e];
	}
	if (rk_ctx_leave(ctx, &own, status) != RK_OK)
	{
		rk_free(ctx, scores);
		return status;
	}
	rk_free(ctx, s->scores);
	s->scores = scores;
	s->scored = s->node_count;
	s->scored_next = s->next;
	return RK_OK;
}

static rk_status
do_entity(rk_ctx *ctx, aml_state *s, const rk_entity_patterns_request *q, rk_reply *reply)
{
	rk_entity_patterns_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i;
	const aml_node *n;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_keys_find(ctx, &s->keys, "entity", &q->entity, &i)) != RK_OK)
		return status;
	n = i != RK_NO_ID && i < s->node_count ? &s->nodes[i] : NULL;
	if (n == NULL || (aml_list_count(&n->in) == 0 && aml_list_count(&n->out) == 0))
	{
		r->status = 1;
		return RK_OK;
	}
	if (s->scored_next != s->next && (status = score(ctx, s)) != RK_OK)
		return status;
	if (i < s->scored)
	{
		r->patterns_matched = s->scores[i].kinds;
		r->risk_score = s->scores[i].score;
		r->pattern_count = s->scores[i].patterns;
		r->transaction_count = s->scores[i].transactions;
	}
	return RK_OK;
}

static rk_status
aml_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 320:
			return do_match(ctx, state, message->payload, reply);
		case 323:
			return do_entity(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, KERNEL " has no message %u", message->type_id);
}

static const rk_param aml_options[] = {
	RK_ID_TYPE_OPTION,
	{.name = "time_window",.type = RK_TYPE_INTERVAL,.initial = "'24:00:00'",RK_ABOVE(0),.meaning = "width of the windows of fans, structuring and bipartite"},
	{.name = "max_dwell",.type = RK_TYPE_INTERVAL,.initial = "'72:00:00'",RK_ABOVE(0),.meaning = "money goes on within this time"},
	{.name = "cycle_window",.type = RK_TYPE_INTERVAL,.initial = "'14 days'",RK_ABOVE(0),.meaning = "a cycle is closed within this time"},
	{.name = "min_fan",.type = RK_TYPE_INT4,.initial = "5",RK_BETWEEN(2, 1000000),.meaning = "different ends of a fan"},
	{.name = "min_layers",.type = RK_TYPE_INT4,.initial = "3",RK_BETWEEN(2, 32),.meaning = "hops of layers"},
	{.name = "max_cycle_length",.type = RK_TYPE_INT4,.initial = "12",RK_BETWEEN(2, 32),.meaning = "most hops of a cycle"},
	{.name = "min_forwarded",.type = RK_TYPE_FLOAT8,.initial = "0.8",RK_BETWEEN(0, 1),
	.meaning = "share of the money that goes on from hop to hop; 0: any"},
	{.name = "reporting_threshold",.type = RK_TYPE_NUMERIC,.initial = "10000",.min = 0,.max = 92233720368.0,.min_open = true,
	.meaning = "amount from which on a payment is reported"},
	{.name = "structuring_low",.type = RK_TYPE_FLOAT8,.initial = "0.7",RK_BETWEEN_OPEN(0, 1),
	.meaning = "amounts from this share of reporting_threshold on are just below it"},
	{.name = "structuring_min_count",.type = RK_TYPE_INT4,.initial = "3",RK_BETWEEN(2, 1000000),.meaning = "payments that make structuring"},
	{.name = "suppress_contained",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "EntityPatterns leaves out fans, layers and funnels inside a larger pattern"},
	{.name = "max_pairs_per_node",.type = RK_TYPE_INT8,.initial = "1000000",RK_BETWEEN(1, 1e15),
	.meaning = "an entity with more linked pairs is left out of patterns of pairs"},
	{.name = "max_steps",.type = RK_TYPE_INT8,.initial = "100000",RK_BETWEEN(100, 1e12),
	.meaning = "how far a message searches for cycles and layers; complete says when it gave up"},
	{0}
};

const rk_actor rk_actor_compliance_aml_patterns = {
	.kernel = KERNEL,
	.version = 2,				/* 2: transactions with ids that are no integers */
	.description = "typologies of money laundering that a transaction completes",
	.messages = rk_compliance_aml_messages,
	.options = aml_options,
	.feed = 320,
	.says = rk_alert_broadcast_said,
	.init = aml_state_init,
	.handle = aml_handle,
	.snapshot = aml_state_snapshot,
	.restore = aml_state_restore,
	.checksum = aml_state_checksum
};

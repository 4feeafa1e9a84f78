/*
 * dvp_explain.c
 *	  Why an instruction has no partner.
 */
#include "dvp_groups.h"

#include <stdatomic.h>
#include <string.h>

#include "../compute/random.h"

#define NEIGHBOURS 16			/* in each direction, when the best candidate is looked for */

/* ---- the best candidate ---- */

/* The best of the neighbours by amount on the other side of its group. */
static int
blame(const rk_dvp_matching *m, uint32_t i, const uint32_t *others, int64_t n)
{
	const rk_dvp_instruction *x = &m->list[i];
	int64_t		start = rk_dvp_amount_start(m, others, n, x->amount);
	int64_t		first = start > NEIGHBOURS ? start - NEIGHBOURS : 0;
	int64_t		last = start + NEIGHBOURS < n ? start + NEIGHBOURS : n;
	double		best = -1;
	rk_decimal	best_gap = 0;
	int			found = 0;

	for (int64_t k = first; k < last; k++)
	{
		const rk_dvp_instruction *y = &m->list[others[k]];
		rk_decimal	gap = rk_dvp_amount_gap(x, y);
		double		confidence;
		int			differences;
		bool		fits = x->side == RK_DVP_DELIVER ? rk_dvp_compare(m->rules, x, y, &confidence, &differences) :
			rk_dvp_compare(m->rules, y, x, &confidence, &differences);

		if (confidence < best || (confidence == best && gap >= best_gap))
			continue;
		best = confidence;
		best_gap = gap;
		found = fits ? RK_DVP_TAKEN : differences;
	}
	return found;
}

/* Orders one side of a group by amount, for blame. */
static const uint32_t *
side_by_amount(rk_dvp_matching *m, int64_t begin, int64_t end)
{
	memcpy(m->by_amount + begin, m->members + begin, sizeof(uint32_t) * (end - begin));
	rk_dvp_sort_places(m, m->by_amount + begin, end - begin, rk_dvp_by_amount);
	return m->by_amount + begin;
}

void
rk_dvp_explain_groups(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rk_dvp_matching *m = arg;

	(void) chunk;
	for (int64_t g = begin; g < end; g++)
	{
		int64_t		s = m->starts[g];
		int64_t		r = m->receipts[g];
		int64_t		e = m->starts[g + 1];
		const uint32_t *deliveries = NULL;
		const uint32_t *receipts = NULL;

		if (rk_dvp_stop_at(m, g, thread))
			return;
		for (int64_t i = s; i < e; i++)
		{
			if (!rk_dvp_is_free(m, m->members[i]))
				continue;
			if (s == r || r == e)
				m->result->differences[m->members[i]] = RK_DVP_NO_COUNTERPART;
			else if (i < r)
			{
				receipts = receipts ? receipts : side_by_amount(m, r, e);
				m->result->differences[m->members[i]] = (uint16_t) blame(m, m->members[i], receipts, e - r);
			}
			else
			{
				deliveries = deliveries ? deliveries : side_by_amount(m, s, r);
				m->result->differences[m->members[i]] = (uint16_t) blame(m, m->members[i], deliveries, r - s);
			}
		}
	}
}

/* ---- parties ---- */

/*
 * Questions of those whose group has no other side: is there anybody of it in
 * the block, with this deliverer, with this receiver?  They are few, so the
 * groups are asked about the questions, not the other way round.
 */
typedef struct question
{
	uint64_t	block;			/* security and currency */
	uint64_t	party;			/* the deliverer, the receiver, or 0 */
	int32_t		settlement_date;
	uint8_t		side;			/* that is looked for */
	uint8_t		kind;			/* of the party; 0: any will do */
	bool		asked;			/* false: the slot is empty */
	atomic_bool yes;
} question;

typedef struct questions
{
	question   *slots;
	uint64_t	mask;
	uint64_t   *filter;			/* bits by the questions' hashes: what is asked, in cache */
	uint64_t	filter_mask;
} questions;

static const int asked_parties[3] = {0, RK_DVP_DELIVERER, RK_DVP_RECEIVER};

/* Is there anybody of this side in the block of an instruction, with its party of this kind? */
static question
question_about(const rk_dvp_instruction *i, int side, int kind)
{
	return (question) {
		.block = (uint64_t) i->security << 32 | i->currency,
		.party = kind == RK_DVP_DELIVERER ? i->deliverer : kind == RK_DVP_RECEIVER ? i->receiver : 0,
		.settlement_date = i->settlement_date,
		.side = (uint8_t) side,
		.kind = (uint8_t) kind,
		.asked = true
	};
}

static uint64_t
question_hash(const question *q)
{
	return rk_hash3(q->block, (uint64_t) (uint32_t) q->settlement_date << 3 | (uint64_t) q->side << 2 | (uint64_t) q->kind,
					q->party);
}

/* The slot of a question, or the empty one where it belongs. */
static question *
question_slot(const questions *q, const rk_dvp_instruction *i, int side, int kind)
{
	question	wanted = question_about(i, side, kind);
	uint64_t	at = question_hash(&wanted) & q->mask;

	for (;; at = (at + 1) & q->mask)
	{
		question   *s = &q->slots[at];

		if (!s->asked || (s->block == wanted.block && s->party == wanted.party && s->side == wanted.side &&
						  s->kind == wanted.kind && s->settlement_date == wanted.settlement_date))
			return s;
	}
}

/* Whether an instruction waits to be told more than that its group has no other side. */
static bool
asks(const rk_dvp_matching *m, int64_t i)
{
	return m->result->differences[i] == RK_DVP_NO_COUNTERPART;
}

/* Answers what an instruction is an answer to. */
static void
answer(const questions *q, const rk_dvp_instruction *i)
{
	for (int k = 0; k < 3; k++)
	{
		question	about = question_about(i, i->side, asked_parties[k]);
		uint64_t	hash = question_hash(&about);
		question   *s;

		if ((q->filter[(hash & q->filter_mask) / 64] >> (hash & 63) & 1) != 0 &&
			(s = question_slot(q, i, i->side, asked_parties[k]))->asked)
			atomic_store_explicit(&s->yes, true, memory_order_relaxed);
		else if (k == 0)
			break;				/* nobody asks in this block: nor about its parties */
	}
}

/* A member of a group on one side, or NULL. */
static const rk_dvp_instruction *
member_of_side(const rk_dvp_matching *m, int64_t g, int side)
{
	int64_t		at = side == RK_DVP_DELIVER ? m->starts[g] : m->receipts[g];

	return at < (side == RK_DVP_DELIVER ? m->receipts[g] : m->starts[g + 1]) ? &m->list[m->members[at]] : NULL;
}

static void
answer_groups(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const rk_dvp_matching *m = arg;

	(void) chunk;
	(void) thread;
	for (int64_t g = begin; g < end; g++)
	{
		if (g + RK_DVP_AHEAD < end)
			__builtin_prefetch(&m->list[m->members[m->starts[g + RK_DVP_AHEAD]]].security);
		for (int side = 0; side < 2; side++)
		{
			const rk_dvp_instruction *x = member_of_side(m, g, side);

			if (x)
				answer(m->questions, x);
		}
	}
}

rk_status
rk_dvp_explain_parties(rk_dvp_matching *m, int64_t n, int64_t asking)
{
	questions	q = {.mask = 1};
	rk_status	status;

	while (q.mask < (uint64_t) asking * 6)
		q.mask *= 2;
	q.slots = rk_alloc0(m->ctx, (int64_t) q.mask, sizeof(question));
	q.filter_mask = (q.mask * 16 - 1) | 63;
	q.filter = rk_alloc0(m->ctx, (int64_t) (q.filter_mask / 64 + 1), sizeof(uint64_t));
	if (q.slots == NULL || q.filter == NULL)
		return RK_ERR_MEMORY;
	q.mask--;
	m->questions = &q;
	for (int64_t i = 0; i < n; i++)
	{
		const rk_dvp_instruction *x = &m->list[i];

		if (i % 4096 == 0 && rk_ctx_poll(m->ctx))
			return RK_STOPPED;
		for (int k = 0; k < 3 && asks(m, i); k++)
		{
			question	about = question_about(x, 1 - x->side, asked_parties[k]);
			question   *s = question_slot(&q, x, 1 - x->side, asked_parties[k]);

			if (!s->asked)
				*s = about;
			q.filter[(question_hash(&about) & q.filter_mask) / 64] |= UINT64_C(1) << (question_hash(&about) & 63);
		}
	}
	if ((status = rk_parallel_for(m->ctx, m->groups, 4096, answer_groups, m)) != RK_OK)
		return status;
	for (int64_t i = 0; i < n; i++)
	{
		const rk_dvp_instruction *x = &m->list[i];

		if (i % 4096 == 0 && rk_ctx_poll(m->ctx))
			return RK_STOPPED;
		if (!asks(m, i) || !question_slot(&q, x, 1 - x->side, 0)->yes)
			continue;
		if (question_slot(&q, x, 1 - x->side, RK_DVP_DELIVERER)->yes)
			m->result->differences[i] = RK_DVP_RECEIVER;
		else if (question_slot(&q, x, 1 - x->side, RK_DVP_RECEIVER)->yes)
			m->result->differences[i] = RK_DVP_DELIVERER;
		else
			m->result->differences[i] = RK_DVP_DELIVERER | RK_DVP_RECEIVER;
	}
	rk_free(m->ctx, q.slots);
	rk_free(m->ctx, q.filter);
	return RK_OK;
}

/*
 * transaction_monitoring.c
 *	  Transaction monitoring of a relation: the state machine, folded.
 *
 * Entities are independent of each other, so each is worked off by one thread,
 * in the order in which the relation first names them.  The rows of an entity
 * are its list of events as they stand; nothing is inserted or removed.  Since
 * nothing can be allocated meanwhile, a first run counts the alerts of each
 * entity, and a second one writes them, of those entities that have any.
 */
#include "monitoring.h"

#include <string.h>

#include "../../compute/parallel.h"

#define NO_RANK UINT32_MAX
#define CHUNK_EVENTS 32768
#define POLL_EVENTS 4096

/* What a thread works with. */
typedef struct scratch
{
	rk_mon_event *events;
	rk_mon_state *states;
	uint32_t   *counters;
	uint32_t   *seen;			/* by entity: the last one that dealt with it */
	uint32_t   *counterparty;	/* by entity: its number among the counterparties */
} scratch;

typedef struct fold
{
	rk_ctx	   *ctx;
	const rk_mon_transactions *in;
	const rk_transactions *t;
	const rk_mon_rules *rules;
	int64_t		as_of;
	int32_t		as_of_day;
	uint32_t	entities;		/* that there are */
	uint32_t   *entity;			/* by order of appearance */
	int64_t    *offsets;		/* [entities + 1] into rows */
	uint32_t   *rows;			/* of each entity, by time */
	int64_t		largest;		/* most rows of an entity */
	scratch    *scratch;		/* one a thread */
	int64_t    *alerts;			/* [entities + 1] */
	int64_t    *transactions;	/* [entities + 1] */
	rk_mon_findings *out;		/* NULL: counting */
} fold;

/*
 * Puts order, a permutation of 0 .. n-1, in the order of keys; equal keys stay
 * as they are.
 */
static rk_status
order_by(rk_ctx *ctx, const int64_t *keys, int64_t n, uint32_t *order)
{
	uint32_t   *from = order;
	uint32_t   *to;
	int64_t		min = INT64_MAX;
	int64_t		max = INT64_MIN;
	bool		sorted = true;
	uint64_t	range;

	for (int64_t i = 0; i < n; i++)
	{
		int64_t		key = keys[order[i]];

		sorted = sorted && key >= max;
		min = key < min ? key : min;
		max = key > max ? key : max;
		if (i % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	if (sorted)
		return RK_OK;
	to = rk_alloc(ctx, n, sizeof(*to));
	if (to == NULL)
		return RK_ERR_MEMORY;
	range = (uint64_t) max - (uint64_t) min;
	for (int shift = 0; shift < 64 && range >> shift; shift += 11)
	{
		int64_t		place[2049] = {0};
		uint32_t   *swap;

		for (int64_t i = 0; i < n; i++)
			place[((((uint64_t) keys[i] - (uint64_t) min) >> shift) & 2047) + 1]++;
		for (int d = 0; d < 2048; d++)
			place[d + 1] += place[d];
		for (int64_t i = 0; i < n; i++)
		{
			to[place[(((uint64_t) keys[from[i]] - (uint64_t) min) >> shift) & 2047]++] = from[i];
			if (i % 65536 == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != order)
	{
		memcpy(order, from, sizeof(*order) * n);
		to = from;
	}
	rk_free(ctx, to);
	return RK_OK;
}

/* The rows of every entity by time. */
static rk_status
list_rows(rk_ctx *ctx, fold *f)
{
	const rk_transactions *t = f->t;
	uint32_t   *rank = rk_alloc(ctx, t->entities, sizeof(*rank));
	uint32_t   *by_time;
	int64_t    *place;
	rk_status	status;

	f->entity = rk_alloc(ctx, t->entities, sizeof(*f->entity));
	f->offsets = rk_alloc0(ctx, t->entities + 1, sizeof(*f->offsets));
	f->rows = rk_alloc(ctx, 2 * t->count, sizeof(*f->rows));
	place = rk_alloc(ctx, t->entities + 1, sizeof(*place));
	if (!rank || !f->entity || !f->offsets || !f->rows || !place)
		return RK_ERR_MEMORY;
	memset(rank, 0xff, sizeof(*rank) * t->entities);
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	ends[2] = {t->source[i], t->target[i]};

		for (int side = 0; side < 2; side++)
		{
			if (side == 1 && ends[1] == ends[0])
				continue;
			if (rank[ends[side]] == NO_RANK)
			{
				rank[ends[side]] = f->entities;
				f->entity[f->entities++] = ends[side];
			}
			f->offsets[rank[ends[side]] + 1]++;
		}
		if (i % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	for (uint32_t e = 0; e < f->entities; e++)
	{
		if (f->offsets[e + 1] > f->largest)
			f->largest = f->offsets[e + 1];
		f->offsets[e + 1] += f->offsets[e];
	}
	memcpy(place, f->offsets, sizeof(*place) * ((size_t) f->entities + 1));
	status = rk_transactions_order(ctx, t, &by_time);
	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	row = by_time[i];

		f->rows[place[rank[t->source[row]]]++] = row;
		if (t->target[row] != t->source[row])
			f->rows[place[rank[t->target[row]]]++] = row;
		if (i % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, place);
	rk_free(ctx, by_time);
	rk_free(ctx, rank);
	return RK_OK;
}

static void
fill_event(const rk_mon_transactions *in, uint32_t row, uint32_t entity, rk_mon_event *e)
{
	const rk_transactions *t = in->t;

	e->ts = t->ts[row];
	e->amount = t->amount[row];
	e->transaction = row;
	e->transaction_type = in->transaction_type ? in->transaction_type[row] : RK_MON_NO_WORD;
	e->currency = in->currency ? in->currency[row] : RK_MON_NO_WORD;
	e->source_country = in->source_country ? in->source_country[row] : RK_MON_NO_WORD;
	e->target_country = in->target_country ? in->target_country[row] : RK_MON_NO_WORD;
	e->other = 0;
	e->counterparty = 0;
	e->day = in->day ? in->day[row] : 0;
	e->role = (t->source[row] == entity ? RK_MON_IS_SOURCE : 0) | (t->target[row] == entity ? RK_MON_IS_TARGET : 0);
}

/* The alerts of one entity: counted, or written from where they belong. */
typedef struct collector
{
	fold	   *f;
	uint32_t	entity;
	int			thread;
	int64_t		alerts;
	int64_t		transactions;
	int64_t		work;			/* since the last look whether to stop */
	bool		stopped;
} collector;

/* Counts work; whether to go on. */
static bool
go_on(collector *c, int64_t work)
{
	c->work += work;
	if (c->work >= POLL_EVENTS)
	{
		c->work = 0;
		c->stopped = c->stopped || rk_chunk_should_stop(c->f->ctx, c->thread);
	}
	return !c->stopped;
}

static void
collect(void *arg, const rk_mon_alert *alert)
{
	collector  *c = arg;
	rk_mon_findings *out = c->f->out;
	int64_t		first = c->transactions;

	if (!go_on(c, alert->last - alert->first))
		return;
	for (const rk_mon_event *e = alert->first; e <= alert->last; e++)
		if (rk_mon_concerns(alert, e))
		{
			if (out)
				out->rows[c->transactions] = (uint32_t) e->transaction;
			c->transactions++;
		}
	if (out)
		out->list[c->alerts] = (rk_mon_finding) {
			alert->position, c->entity, alert->ts, alert->value, first, c->transactions - first,
			alert->cash, alert->day, alert->idle, alert->event ? alert->event->transaction : -1
		};
	c->alerts++;
}

static void
fold_entities(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	fold	   *f = arg;
	scratch    *w = &f->scratch[thread];
	const rk_transactions *t = f->t;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		collector	c = {.f = f, .entity = f->entity[i], .thread = thread, .work = work};
		rk_mon_sink sink = {collect, &c, f->as_of};
		rk_mon_entity entity = {
			.events = w->events, .states = w->states, .counters = w->counters, .stride = (uint32_t) f->largest
		};
		uint32_t	counterparties = 0;

		if (f->out)
		{
			if (f->alerts[i] == f->alerts[i + 1])
				continue;
			c.alerts = f->alerts[i];
			c.transactions = f->transactions[i];
		}
		rk_mon_clear(f->rules, &entity);
		for (int64_t j = f->offsets[i]; j < f->offsets[i + 1]; j++)
		{
			rk_mon_event *e = &w->events[entity.count];
			uint32_t	row = f->rows[j];

			if (f->as_of != RK_MON_NEVER && t->ts[row] > f->as_of)
				break;
			fill_event(f->in, row, c.entity, e);
			if (f->rules->counters > 0)
			{
				uint32_t	other = e->role & RK_MON_IS_SOURCE ? t->target[row] : t->source[row];

				if (w->seen[other] != (uint32_t) i)
				{
					w->seen[other] = (uint32_t) i;
					w->counterparty[other] = counterparties;
					for (uint32_t k = 0; k < f->rules->counters; k++)
						w->counters[(size_t) k * entity.stride + counterparties] = 0;
					counterparties++;
				}
				e->counterparty = w->counterparty[other];
			}
			entity.count++;
			rk_mon_step(f->rules, &entity, entity.count - 1, &sink);
			if (!go_on(&c, 1 + f->rules->count / 16))
				return;
		}
		if (f->as_of != RK_MON_NEVER)
			rk_mon_evaluate(f->rules, &entity, f->as_of_day, &sink);
		work = c.work;
		if (f->out == NULL)
		{
			f->alerts[i + 1] = c.alerts;
			f->transactions[i + 1] = c.transactions;
		}
	}
}

/* Chunks of entities with about the same number of events. */
static rk_status
cut(rk_ctx *ctx, const fold *f, int64_t **bounds, int64_t *chunks)
{
	int64_t		all = f->offsets[f->entities];
	int64_t		n = 0;

	*bounds = rk_alloc(ctx, all / CHUNK_EVENTS + 2, sizeof(**bounds));
	if (*bounds == NULL)
		return RK_ERR_MEMORY;
	(*bounds)[0] = 0;
	for (uint32_t e = 1; e < f->entities; e++)
		if (f->offsets[e] - f->offsets[(*bounds)[n]] >= CHUNK_EVENTS)
			(*bounds)[++n] = e;
	(*bounds)[++n] = f->entities;
	*chunks = n;
	return RK_OK;
}

static rk_status
make_scratch(rk_ctx *ctx, fold *f)
{
	f->scratch = rk_alloc0(ctx, ctx->threads, sizeof(*f->scratch));
	f->alerts = rk_alloc0(ctx, (int64_t) f->entities + 1, sizeof(*f->alerts));
	f->transactions = rk_alloc0(ctx, (int64_t) f->entities + 1, sizeof(*f->transactions));
	if (!f->scratch || !f->alerts || !f->transactions)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		scratch    *w = &f->scratch[i];

		w->events = rk_alloc(ctx, f->largest, sizeof(*w->events));
		w->states = rk_alloc(ctx, f->rules->count, sizeof(*w->states));
		if (!w->events || !w->states)
			return RK_ERR_MEMORY;
		if (f->rules->counters == 0)
			continue;
		w->counters = rk_alloc(ctx, f->largest * f->rules->counters, sizeof(*w->counters));
		w->seen = rk_alloc(ctx, f->t->entities, sizeof(*w->seen));
		w->counterparty = rk_alloc(ctx, f->t->entities, sizeof(*w->counterparty));
		if (!w->counters || !w->seen || !w->counterparty)
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

/* No entity has been dealt with yet. */
static void
forget_counterparties(const rk_ctx *ctx, const fold *f)
{
	if (f->rules->counters > 0)
		for (int i = 0; i < ctx->threads; i++)
			memset(f->scratch[i].seen, 0xff, sizeof(uint32_t) * f->t->entities);
}

/* Severest first, then by time, rule, entity first seen, time of the transaction. */
static rk_status
sort_findings(rk_ctx *ctx, const rk_mon_rules *rules, int64_t transactions, rk_mon_findings *out)
{
	int64_t    *keys = rk_alloc(ctx, out->count, sizeof(*keys));
	uint32_t   *order = rk_alloc(ctx, out->count, sizeof(*order));
	rk_mon_finding *sorted = rk_alloc(ctx, out->count, sizeof(*sorted));
	uint32_t   *rows = rk_alloc(ctx, transactions, sizeof(*rows));
	int64_t		done = 0;
	rk_status	status = RK_OK;

	if (!keys || !order || !sorted || !rows)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < out->count; i++)
		order[i] = (uint32_t) i;
	for (int pass = 0; pass < 3 && status == RK_OK; pass++)
	{
		for (int64_t i = 0; i < out->count; i++)
		{
			const rk_mon_finding *a = &out->list[i];

			keys[i] = pass == 0 ? a->rule : pass == 1 ? a->ts : -(int64_t) rules->rules[a->rule].severity;
		}
		status = order_by(ctx, keys, out->count, order);
	}
	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < out->count; i++)
	{
		sorted[i] = out->list[order[i]];
		memcpy(rows + done, out->rows + sorted[i].first, sizeof(*rows) * sorted[i].transactions);
		sorted[i].first = done;
		done += sorted[i].transactions;
		if (i % 4096 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, out->list);
	rk_free(ctx, out->rows);
	rk_free(ctx, order);
	rk_free(ctx, keys);
	out->list = sorted;
	out->rows = rows;
	return RK_OK;
}

rk_status
rk_transaction_monitoring(rk_ctx *ctx, const rk_mon_transactions *in, const rk_mon_rules *rules,
						  int64_t as_of, int32_t as_of_day, rk_mon_findings *out)
{
	fold		f = {.ctx = ctx, .in = in, .t = in->t, .rules = rules, .as_of = as_of, .as_of_day = as_of_day};
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*out = (rk_mon_findings) {0};
	rk_phase(ctx, "ordering", in->t->count);
	status = list_rows(ctx, &f);
	if (status == RK_OK)
		status = cut(ctx, &f, &bounds, &chunks);
	if (status == RK_OK)
		status = make_scratch(ctx, &f);
	if (status != RK_OK)
		return status;

	rk_phase(ctx, "monitoring", f.offsets[f.entities]);
	forget_counterparties(ctx, &f);
	status = rk_parallel_ranges(ctx, bounds, chunks, fold_entities, &f);
	if (status != RK_OK)
		return status;
	for (uint32_t e = 0; e < f.entities; e++)
	{
		f.alerts[e + 1] += f.alerts[e];
		f.transactions[e + 1] += f.transactions[e];
	}
	out->count = f.alerts[f.entities];
	if (out->count > RK_MAX_TRANSACTIONS)
		return rk_fail(ctx, RK_ERR_LIMIT, "more than %lld alerts", (long long) RK_MAX_TRANSACTIONS);
	out->list = rk_alloc(ctx, out->count, sizeof(*out->list));
	out->rows = rk_alloc(ctx, f.transactions[f.entities], sizeof(*out->rows));
	if (!out->list || !out->rows)
		return RK_ERR_MEMORY;

	rk_phase(ctx, "writing alerts", out->count);
	f.out = out;
	forget_counterparties(ctx, &f);
	status = rk_parallel_ranges(ctx, bounds, chunks, fold_entities, &f);
	if (status == RK_OK)
		status = sort_findings(ctx, rules, f.transactions[f.entities], out);
	return status;
}

rk_mon_alert
rk_mon_finding_alert(const rk_mon_rules *rules, const rk_mon_transactions *transactions,
					 const rk_mon_finding *finding, rk_mon_event *event)
{
	rk_mon_alert a = {
		.rule = &rules->rules[finding->rule], .position = finding->rule, .ts = finding->ts, .value = finding->value,
		.cash = finding->cash, .day = finding->day, .idle = finding->idle
	};

	if (finding->row >= 0)
	{
		fill_event(transactions, (uint32_t) finding->row, finding->entity, event);
		a.event = event;
	}
	return a;
}

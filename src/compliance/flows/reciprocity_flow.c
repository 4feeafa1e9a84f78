/*
 * reciprocity_flow.c
 *	  Money that flows both ways between two entities.
 */
#include "flows.h"

#include "../../compute/parallel.h"

#include <math.h>
#include <string.h>

#define CHUNK_PAIRS 4096
#define POLL_ROWS 65536

/* A payment that has not come back yet. */
typedef struct open_balance
{
	uint32_t	row;
	rk_decimal	left;
} open_balance;

typedef struct reciprocity_state
{
	rk_ctx	   *ctx;
	const rk_transactions *t;
	const rk_reciprocity_params *p;
	const rk_pairs *groups;
	open_balance *balances;		/* by place in groups->rows */
	rk_reciprocal_pair *pairs;	/* by group */
	bool	   *reported;
} reciprocity_state;

/*
 * What comes back in time.  The open balances are all of one direction: a
 * payment takes from the other one's before it opens its own.
 */
static rk_decimal
returned_amount(const reciprocity_state *s, const uint32_t *rows, int64_t count, open_balance *open, int thread)
{
	const rk_transactions *t = s->t;
	rk_decimal	returned = 0;
	int64_t		head = 0;
	int64_t		tail = 0;

	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	row = rows[i];
		rk_decimal	left = t->amount[row];

		if (i % POLL_ROWS == POLL_ROWS - 1 && rk_chunk_should_stop(s->ctx, thread))
			return 0;
		while (head < tail && left > 0 && t->source[open[head].row] != t->source[row])
		{
			open_balance *o = &open[head];
			rk_decimal	taken = o->left < left ? o->left : left;

			if (t->ts[row] >= rk_window_end(s->p->max_delay, t, o->row))
			{
				head++;
				continue;
			}
			returned += taken;
			left -= taken;
			o->left -= taken;
			if (o->left == 0)
				head++;
		}
		if (left > 0)
			open[tail++] = (open_balance) {row, left};
	}
	return returned;
}

static void
sum_pairs(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	reciprocity_state *s = arg;
	const rk_transactions *t = s->t;

	(void) chunk;
	for (int64_t g = begin; g < end; g++)
	{
		int64_t		from = s->groups->offsets[g];
		int64_t		count = s->groups->offsets[g + 1] - from;
		const uint32_t *rows = s->groups->rows + from;
		rk_reciprocal_pair r = {.entity_a = t->source[rows[0]],.entity_b = t->target[rows[0]]};
		rk_decimal	larger;
		rk_decimal	m;

		for (int64_t i = 0; i < count; i++)
		{
			bool		forth = t->source[rows[i]] == r.entity_a;

			if (forth)
				r.amount_ab += t->amount[rows[i]];
			else
				r.amount_ba += t->amount[rows[i]];
			r.count_ab += forth;
			r.count_ba += !forth;
			if (i % POLL_ROWS == POLL_ROWS - 1 && rk_chunk_should_stop(s->ctx, thread))
				return;
		}
		if (t->ts)
		{
			r.first_ts = t->ts[rows[0]];
			r.last_ts = t->ts[rows[count - 1]];
		}
		larger = r.amount_ab > r.amount_ba ? r.amount_ab : r.amount_ba;
		m = r.amount_ab < r.amount_ba ? r.amount_ab : r.amount_ba;
		if (s->p->max_delay && r.count_ba > 0)
			m = returned_amount(s, rows, count, s->balances + from, thread);
		r.reciprocal_amount = 2 * m;
		r.balance = rk_money_ratio(m, larger);
		s->pairs[g] = r;
		s->reported[g] = r.count_ba > 0 && m >= s->p->min_amount;
	}
}

/* The rows that are looked at, in the order of transactions. */
static rk_status
rows_in_order(rk_ctx *ctx, const rk_transactions *t, const rk_reciprocity_params *p, uint32_t **rows, int64_t *count)
{
	*count = 0;
	if (t->ts)
	{
		rk_status	status = rk_transactions_order(ctx, t, rows);

		if (status != RK_OK)
			return status;
	}
	else if ((*rows = rk_alloc(ctx, t->count, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	row = t->ts ? (*rows)[i] : (uint32_t) i;

		if (p->has_start && t->ts[row] < p->start_ts)
			continue;
		if (p->has_end && t->ts[row] >= p->end_ts)
			break;
		(*rows)[(*count)++] = row;
	}
	return RK_OK;
}

/* Directed edges, those with a reverse, and the measures made of them. */
static rk_status
measure_edges(rk_ctx *ctx, const rk_transactions *t, const uint32_t *rows, int64_t count,
			  const reciprocity_state *s, rk_reciprocity *result)
{
	bool	   *active = rk_alloc0(ctx, t->entities, sizeof(bool));
	double		n = 0;
	double		edges = 0;
	double		returning = 0;

	if (active == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
		active[t->source[rows[i]]] = active[t->target[rows[i]]] = true;
	for (int64_t e = 0; e < t->entities; e++)
		n += active[e];
	rk_free(ctx, active);
	for (int64_t g = 0; g < s->groups->count; g++)
	{
		edges += 1 + (s->pairs[g].count_ba > 0);
		returning += 2 * (s->pairs[g].count_ba > 0);
	}
	result->edge_reciprocity = edges > 0 ? returning / edges : NAN;
	result->rho = NAN;
	if (edges > 0 && edges < n * (n - 1))
	{
		double		density = edges / (n * (n - 1));

		result->rho = (result->edge_reciprocity - density) / (1 - density);
	}
	return RK_OK;
}

rk_status
rk_compliance_reciprocity(rk_ctx *ctx, const rk_transactions *t, const rk_reciprocity_params *p,
						  rk_reciprocity *result)
{
	rk_pairs	groups;
	reciprocity_state s = {.ctx = ctx,.t = t,.p = p,.groups = &groups};
	uint32_t   *rows;
	int64_t		count;
	rk_status	status;

	*result = (rk_reciprocity) {0};
	if ((status = rows_in_order(ctx, t, p, &rows, &count)) != RK_OK ||
		(status = rk_pairs_build(ctx, t, rows, count, &groups)) != RK_OK)
		return status;
	s.pairs = rk_alloc(ctx, groups.count, sizeof(rk_reciprocal_pair));
	s.reported = rk_alloc(ctx, groups.count, sizeof(bool));
	s.balances = rk_alloc(ctx, p->max_delay ? groups.offsets[groups.count] : 0, sizeof(open_balance));
	if (!s.pairs || !s.reported || !s.balances)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, groups.count, CHUNK_PAIRS, sum_pairs, &s);
	if (status != RK_OK || (status = measure_edges(ctx, t, rows, count, &s, result)) != RK_OK)
		return status;
	result->pairs = s.pairs;
	for (int64_t g = 0; g < groups.count; g++)
	{
		result->total_amount += s.pairs[g].amount_ab + s.pairs[g].amount_ba;
		if (!s.reported[g])
			continue;
		result->reciprocal_amount += s.pairs[g].reciprocal_amount;
		result->pairs[result->count++] = s.pairs[g];
	}
	result->ratio = rk_money_ratio(result->reciprocal_amount, result->total_amount);
	rk_free(ctx, s.balances);
	rk_free(ctx, s.reported);
	rk_free(ctx, groups.offsets);
	rk_free(ctx, groups.rows);
	rk_free(ctx, rows);
	return RK_OK;
}

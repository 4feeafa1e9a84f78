/*
 * rapid_movement.c
 *	  Entities that money passes through too fast.
 *
 * The busiest window is found with two pointers over the transactions of an
 * entity; what passes through with a queue of incoming money.  Entities are
 * independent of each other.
 */
#include "typologies.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"

#define CHUNK_ROWS 32768
#define POLL_ROWS 8192
#define HOUR 3.6e9

/* An unsigned number of 192 bits. */
typedef struct wide
{
	unsigned __int128 low;
	uint64_t	high;
} wide;

/* sum + amount * time */
static void
add_product(wide *sum, rk_decimal amount, int64_t time)
{
	unsigned __int128 a = (unsigned __int128) amount;
	unsigned __int128 low = (unsigned __int128) (uint64_t) a * (uint64_t) time;
	unsigned __int128 high = (unsigned __int128) (uint64_t) (a >> 64) * (uint64_t) time;
	unsigned __int128 carried = low + (high << 64);

	sum->high += (uint64_t) (high >> 64) + (carried < low);
	sum->low += carried;
	sum->high += sum->low < carried;
}

/* sum / divisor, half up; the quotient fits. */
static int64_t
quotient(wide sum, rk_decimal divisor)
{
	unsigned __int128 d = (unsigned __int128) divisor;
	unsigned __int128 rest = 0;
	uint64_t	q = 0;

	for (int bit = 191; bit >= 0; bit--)
	{
		unsigned	next = bit >= 128 ? sum.high >> (bit - 128) & 1 : (unsigned) (sum.low >> bit) & 1;

		rest = rest << 1 | next;
		q <<= 1;
		if (rest >= d)
		{
			rest -= d;
			q |= 1;
		}
	}
	return (int64_t) (q + (rest >= d - rest));
}

rk_pass
rk_match_pass_through(const rk_ledger *l, const uint32_t *in, int64_t in_count, const uint32_t *out,
					  int64_t out_count, int64_t max_dwell, const int64_t *dwell_over, rk_decimal *left, bool *used_in, bool *used_out)
{
	rk_pass		pass = {0};
	wide		weighted = {0};
	int64_t		head = 0;
	int64_t		tail = 0;

	for (int64_t j = 0; j < out_count; j++)
	{
		uint32_t	f = out[j];
		rk_decimal	wanted = l->amount[f];

		for (; tail < in_count && in[tail] < f; tail++)
			left[tail] = l->amount[in[tail]];
		while (wanted > 0 && head < tail)
		{
			uint32_t	e = in[head];
			rk_decimal	part = left[head] < wanted ? left[head] : wanted;

			if (part == 0 || l->ts[f] >= rk_window_over_at(l, e, max_dwell, dwell_over))
			{
				head++;
				continue;
			}
			left[head] -= part;
			wanted -= part;
			pass.matched += part;
			add_product(&weighted, part, l->ts[f] - l->ts[e]);
			if (used_in)
				used_in[head] = true;
			if (used_out)
				used_out[j] = true;
		}
	}
	if (pass.matched > 0)
		pass.mean_dwell = quotient(weighted, pass.matched);
	return pass;
}

typedef struct movement_arg
{
	rk_ctx	   *ctx;
	const rk_ledger *l;
	const rk_movement_params *p;
	rk_movement *result;
	rk_decimal **left;			/* by thread */
} movement_arg;

/* The windows of an entity. */
static void
find_windows(const rk_ledger *l, const rk_movement_params *p, const uint32_t *all, int64_t n, rk_movement *m)
{
	double		hours = (double) p->time_window / HOUR;
	rk_decimal	sum = 0;

	for (int64_t i = 0, j = 0; i < n; i++)
	{
		int64_t		end = rk_window_over_at(l, all[i], p->time_window, p->window_over);
		double		velocity;

		for (; j < n && l->ts[all[j]] < end; j++)
			sum += l->amount[all[j]];
		for (; l->ts[all[j - 1]] >= end; j--)
			sum -= l->amount[all[j - 1]];
		if (p->window_over)
			hours = (double) (end - l->ts[all[i]]) / HOUR;
		velocity = (double) (j - i) / hours;
		if (velocity > m->max_velocity)
		{
			m->max_velocity = velocity;
			m->window_start = l->ts[all[i]];
			m->window_amount = sum;
		}
		if (velocity >= p->velocity_threshold && sum >= p->amount_threshold)
		{
			m->velocity_flag = true;
			m->rapid_amount = sum > m->rapid_amount ? sum : m->rapid_amount;
		}
		sum -= l->amount[all[i]];
	}
}

static void
move_entities(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	movement_arg *a = arg;
	const rk_ledger *l = a->l;
	int64_t		work = POLL_ROWS;

	(void) chunk;
	for (int64_t e = begin; e < end; e++)
	{
		const uint32_t *all = l->all + l->all_offsets[e];
		const uint32_t *in = l->in + l->in_offsets[e];
		const uint32_t *out = l->out + l->out_offsets[e];
		int64_t		in_count = l->in_offsets[e + 1] - l->in_offsets[e];
		int64_t		out_count = l->out_offsets[e + 1] - l->out_offsets[e];
		rk_movement *m = &a->result[e];
		rk_pass		pass;

		*m = (rk_movement) {.transactions = l->all_offsets[e + 1] - l->all_offsets[e], .mean_dwell = RK_NO_MOMENT};
		work += m->transactions;
		if (work >= POLL_ROWS)
		{
			if (rk_chunk_should_stop(a->ctx, thread))
				return;
			work = 0;
		}
		for (int64_t i = 0; i < m->transactions; i++)
		{
			m->amount_out += l->source[all[i]] == e ? l->amount[all[i]] : 0;
			m->amount_in += l->target[all[i]] == e ? l->amount[all[i]] : 0;
		}
		find_windows(l, a->p, all, m->transactions, m);
		pass = rk_match_pass_through(l, in, in_count, out, out_count, a->p->max_dwell, a->p->dwell_over,
									 a->left[thread], NULL, NULL);
		if (pass.matched > 0)
			m->mean_dwell = pass.mean_dwell;
		m->pass_through = rk_money_ratio(pass.matched, m->amount_in);
		m->pass_through_flag = m->pass_through >= a->p->pass_through_threshold && pass.matched >= a->p->amount_threshold;
	}
}

rk_status
rk_rapid_movement(rk_ctx *ctx, const rk_ledger *l, const rk_movement_params *params, rk_movement *result)
{
	movement_arg a = {ctx, l, params, result};
	int64_t		all = l->all_offsets[l->entities];
	int64_t    *bounds = rk_alloc(ctx, all / CHUNK_ROWS + 2, sizeof(*bounds));
	int64_t		largest = 0;
	int64_t		chunks = 0;

	a.left = rk_alloc(ctx, ctx->threads, sizeof(*a.left));
	if (!bounds || !a.left)
		return RK_ERR_MEMORY;
	bounds[0] = 0;
	for (uint32_t e = 0; e < l->entities; e++)
	{
		int64_t		in = l->in_offsets[e + 1] - l->in_offsets[e];

		largest = in > largest ? in : largest;
		if (e > 0 && l->all_offsets[e] - l->all_offsets[bounds[chunks]] >= CHUNK_ROWS)
			bounds[++chunks] = e;
	}
	bounds[++chunks] = l->entities;
	for (int i = 0; i < ctx->threads; i++)
		if ((a.left[i] = rk_alloc(ctx, largest, sizeof(rk_decimal))) == NULL)
			return RK_ERR_MEMORY;
	rk_phase(ctx, "movements", l->entities);
	return rk_parallel_ranges(ctx, bounds, chunks, move_entities, &a);
}

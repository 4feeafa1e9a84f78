/*
 * louvain_moves.c
 *	  Nodes move to the neighbouring community that gains most.
 *
 * Removing node i from its community first, its score in community c is
 *
 *		w(i, c) - resolution k_i K_c / 2m					undirected
 *		w(i, c) + w(c, i) - resolution (kout_i Kin_c + kin_i Kout_c) / m
 *
 * with k strengths of nodes and K of communities, m the total weight; the
 * difference of two scores is m times the difference of the modularities.
 * Only nodes around which something changed are looked at again (Ozaki,
 * Tezuka, Inaba 2016).
 */
#include "louvain.h"

#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define PARALLEL_WORK 8192		/* a batch below this is one thread's */
#define CHUNK_WORK 2048

void
rk_louvain_shuffle(louvain_state *s, uint64_t seed, uint64_t salt)
{
	uint64_t	start = rk_hash2(seed, salt);
	uint32_t   *place = s->list;	/* free between passes */
	int64_t		n = s->level->nodes;
	int64_t		buckets = rk_louvain_buckets(n);
	int64_t		sum = 0;

	memset(place, 0, sizeof(uint32_t) * buckets);
	for (int64_t v = 0; v < n; v++)
		place[rk_hash_fold(start, v) & (buckets - 1)]++;
	for (int64_t b = 0; b < buckets; b++)
	{
		int64_t		count = place[b];

		place[b] = (uint32_t) sum;
		sum += count;
	}
	for (int64_t v = 0; v < n; v++)
		s->order[place[rk_hash_fold(start, v) & (buckets - 1)]++] = (uint32_t) v;
}

bool
rk_louvain_next_batch(louvain_state *s, int64_t count, int64_t total, louvain_batch *batch)
{
	const louvain_level *l = s->level;
	int64_t		wanted = rk_louvain_batch_work(total);
	int64_t		chunk = 0;
	int64_t		at = batch->end;

	batch->begin = at;
	batch->work = 0;
	batch->chunks = 0;
	s->bounds[0] = at;
	while (at < count && batch->work < wanted)
	{
		int64_t		work = louvain_work(l, s->list[at]);

		batch->work += work;
		chunk += work;
		at++;
		if (chunk >= CHUNK_WORK)
		{
			s->bounds[++batch->chunks] = at;
			chunk = 0;
		}
	}
	if (s->bounds[batch->chunks] < at)
		s->bounds[++batch->chunks] = at;
	batch->end = at;
	return at > batch->begin;
}

rk_status
rk_louvain_run_batch(louvain_state *s, const louvain_batch *batch, rk_chunk_fn fn, void *arg)
{
	if (batch->work >= PARALLEL_WORK && batch->chunks > 1)
		return rk_parallel_ranges(s->ctx, s->bounds, batch->chunks, fn, arg);
	fn(arg, batch->begin, batch->end, 0, 0);
	return RK_OK;
}

/* Both kinds of sums, so that the loops below exist once. */
static inline void
add_to(void *sum, uint32_t c, double w, bool weighted)
{
	if (weighted)
		((double *) sum)[c] += w;
	else
		((uint32_t *) sum)[c]++;
}

static inline double
sum_of(const void *sum, uint32_t c, bool weighted)
{
	return weighted ? ((const double *) sum)[c] : ((const uint32_t *) sum)[c];
}

static inline void
clear_sum(void *sum, uint32_t c, bool weighted)
{
	if (weighted)
		((double *) sum)[c] = 0;
	else
		((uint32_t *) sum)[c] = 0;
}

/* Finds where the nodes of a chunk would go. */
static inline __attribute__((always_inline)) void
judge(louvain_state *s, int64_t begin, int64_t end, int thread,
	  const bool weighted, const bool directed)
{
	const louvain_level *l = s->level;
	const uint32_t *community = s->community;
	const uint32_t *neighbors = l->neighbors;
	const double *weights = l->weights;
	const double *in = s->in;
	const double *out = s->out;
	void	   *sum = s->sum[thread];
	uint32_t   *touched = s->touched[thread];

	for (int64_t at = begin; at < end; at++)
	{
		uint32_t	i = s->list[at];
		uint32_t	own = community[i];
		int64_t		row = l->offsets[i];
		int64_t		row_end = l->ends[i];
		double		to_in = s->penalty * l->out[i];
		double		to_out = directed ? s->penalty * l->in[i] : 0;
		double		best_score = 0;
		double		best_weight = 0;
		double		own_weight;
		double		own_score;
		uint32_t	best = LOUVAIN_ALONE;
		int64_t		count = 0;

		if (at + 1 < end)
			__builtin_prefetch(&neighbors[l->offsets[s->list[at + 1]]]);
		for (int64_t e = row; e < row_end; e++)
		{
			uint32_t	c = community[neighbors[e]];

			/* an edge without weight joins nothing */
			if (neighbors[e] == i || (weighted && weights[e] == 0))
				continue;
			touched[count] = c;
			count += sum_of(sum, c, weighted) == 0;
			add_to(sum, c, weighted ? weights[e] : 1, weighted);
		}
		own_weight = sum_of(sum, own, weighted);
		for (int64_t t = 0; t < count; t++)
		{
			uint32_t	c = touched[t];
			double		weight = sum_of(sum, c, weighted);
			double		score = weight - to_in * in[c];

			if (directed)
				score -= to_out * out[c];
			clear_sum(sum, c, weighted);

			/*
			 * Its own community is among them with its own strength not taken
			 * out, which is too low a score to matter.
			 */
			if (score > best_score || (score == best_score && c < best))
			{
				best = c;
				best_score = score;
				best_weight = weight;
			}
		}
		own_score = own_weight - to_in * (in[own] - l->in[i]);
		if (directed)
			own_score -= to_out * (out[own] - l->out[i]);
		s->target[at] = own;
		if (best != own && best_score - own_score > LOUVAIN_EPSILON * (l->out[i] + l->in[i]))
		{
			s->target[at] = best;
			s->gain[at] = best_weight - own_weight;
			for (int64_t e = row; e < row_end; e++)
				if (community[neighbors[e]] != best)
					__atomic_store_n(&s->active[neighbors[e]], 1, __ATOMIC_RELAXED);
		}
	}
}

static void
judge_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	louvain_state *s = arg;

	(void) chunk;
	if (s->directed)
		judge(s, begin, end, thread, true, true);
	else if (s->level->weights)
		judge(s, begin, end, thread, true, false);
	else
		judge(s, begin, end, thread, false, false);
}

/* Carries out the moves of a batch; returns the sum of their gains times m. */
static double
move_nodes(louvain_state *s, const louvain_batch *batch, int64_t *moves)
{
	const louvain_level *l = s->level;
	double		total = 0;

	for (int64_t at = batch->begin; at < batch->end; at++)
	{
		uint32_t	to = s->target[at];
		uint32_t	i = s->list[at];
		uint32_t	own = s->community[i];
		double		gain;

		if (to == own)
			continue;
		if (to == LOUVAIN_ALONE)
			to = s->free[--s->free_count];
		/* the last of its nodes may have left */
		else if (s->size[to] == 0)
		{
			s->active[i] = 1;
			continue;
		}
		gain = s->gain[at] - s->penalty * l->out[i] * (s->in[to] - (s->in[own] - l->in[i]));
		if (s->directed)
			gain -= s->penalty * l->in[i] * (s->out[to] - (s->out[own] - l->out[i]));
		if (!(gain > LOUVAIN_EPSILON * (l->out[i] + l->in[i])))
		{
			s->active[i] = 1;
			if (s->size[to] == 0)
				s->free[s->free_count++] = to;
			continue;
		}
		s->community[i] = to;
		s->in[own] -= l->in[i];
		s->in[to] += l->in[i];
		if (s->directed)
		{
			s->out[own] -= l->out[i];
			s->out[to] += l->out[i];
		}
		s->size[to]++;
		if (--s->size[own] == 0)
		{
			s->in[own] = s->out[own] = 0;
			s->free[s->free_count++] = own;
		}
		total += gain;
		++*moves;
	}
	return total;
}

rk_status
rk_louvain_move(louvain_state *s, double tolerance, louvain_moves *m)
{
	const louvain_level *l = s->level;
	int64_t		n = l->nodes;
	double		gain = 0;		/* of a pass */
	rk_status	status = rk_louvain_totals(s);

	if (status != RK_OK)
		return status;
	s->free_count = 0;
	for (int64_t c = n - 1; c >= 0; c--)
		if (s->size[c] == 0)
			s->free[s->free_count++] = (uint32_t) c;
	memset(s->active, 1, n);
	for (int pass = 0;; pass++)
	{
		louvain_batch batch = {0};
		int64_t		count = 0;
		int64_t		total = 0;
		int64_t		moves = 0;
		int64_t		polled = 0;

		for (int64_t i = 0; i < n; i++)
		{
			uint32_t	v = s->order[i];

			s->list[count] = v;
			if (s->active[v])
			{
				total += louvain_work(l, v);
				count++;
			}
		}
		if (count == 0)
			break;
		if (pass == s->params->max_iterations)
		{
			m->reached_max = true;
			m->gain = gain;
			break;
		}
		gain = 0;
		while (rk_louvain_next_batch(s, count, total, &batch))
		{
			polled += batch.work;
			if (polled >= LOUVAIN_BATCH_WORK)
			{
				if (rk_ctx_poll(s->ctx))
					return RK_STOPPED;
				polled = 0;
			}
			for (int64_t at = batch.begin; at < batch.end; at++)
				s->active[s->list[at]] = 0;
			if ((status = rk_louvain_run_batch(s, &batch, judge_nodes, s)) != RK_OK)
				return status;
			gain += move_nodes(s, &batch, &moves);
		}
		m->passes = pass + 1;
		gain /= s->total;
		m->moved |= moves > 0;
		if (moves == 0 || gain < tolerance)
			break;
	}
	return RK_OK;
}

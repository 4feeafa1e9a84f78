/*
 * louvain_refine.c
 *	  The refinement of Leiden: communities are split before the next level.
 *
 * Within every community S nodes start alone and are visited once.  A node
 * that is still alone and well connected to S joins a refined community R that
 * is well connected to S and that it has an edge to, drawn with a probability
 * that grows with the gain; both "well connected" and the draw are those of
 * Traag, Waltman and van Eck (2019).  A set that loses no member and grows by
 * neighbours only is connected.
 *
 * Batches are judged in parallel and joined in order, as moves are.  Joins
 * earlier in the batch do not disturb connectedness: who was joined no longer
 * leaves, and a community that its only node left takes nobody.
 */
#include "louvain.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define NODE_WORK 65536
#define BATCH_WORK 131072
#define POLL_MASK ((1 << 16) - 1)

/* While refining, in and out hold strengths of refined communities. */
typedef struct refine_state
{
	louvain_state *s;
	double	   *whole_in;		/* strength of the community, by label */
	double	   *whole_out;
	double		temperature;
	uint64_t	chain;			/* of the draws */
} refine_state;

static void
weigh_inside(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	refine_state *r = arg;
	louvain_state *s = r->s;
	const louvain_level *l = s->level;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		inside = 0;

		for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
		{
			uint32_t	u = l->neighbors[e];

			if (u != v && s->community[u] == s->community[v])
				inside += l->weights ? l->weights[e] : 1;
		}
		s->inside[v] = inside;
		s->cut[v] = inside;
	}
}

/* Draws the refined community that a node joins; LOUVAIN_ALONE: none. */
static void
judge_joins(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	refine_state *r = arg;
	louvain_state *s = r->s;
	const louvain_level *l = s->level;
	double	   *sum = s->sum[thread];
	uint32_t   *touched = s->touched[thread];

	(void) chunk;
	for (int64_t at = begin; at < end; at++)
	{
		uint32_t	v = s->list[at];
		uint32_t	c = s->community[v];
		double		whole_in = r->whole_in[c];
		double		whole_out = r->whole_out[c];
		double		to_in = s->penalty * l->out[v];
		double		to_out = s->directed ? s->penalty * l->in[v] : 0;
		double		best_score = 0;
		double		best_key;
		double		least;
		uint64_t	chain = rk_hash_fold(r->chain, v);
		int64_t		count = 0;
		int64_t		kept = 0;

		s->target[at] = LOUVAIN_ALONE;
		if (s->refined[v] != v || s->size[v] != 1 ||
			s->inside[v] == 0 ||
			s->inside[v] < rk_louvain_expected_cut(s->penalty, s->directed, l->in[v], l->out[v], whole_in, whole_out))
			continue;
		for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
		{
			uint32_t	u = l->neighbors[e];
			double		w = l->weights ? l->weights[e] : 1;

			if (u == v || s->community[u] != c || w == 0)
				continue;
			touched[count] = s->refined[u];
			count += sum[s->refined[u]] == 0;
			sum[s->refined[u]] += w;
		}
		/* keeps the candidates, with their scores in place of the weights */
		for (int64_t t = 0; t < count; t++)
		{
			uint32_t	d = touched[t];
			double		score = sum[d] - to_in * s->in[d];

			if (s->directed)
				score -= to_out * s->out[d];
			if (score < 0 ||
				s->cut[d] < rk_louvain_expected_cut(s->penalty, s->directed, s->in[d], s->out[d], whole_in, whole_out))
			{
				sum[d] = 0;
				continue;
			}
			touched[kept++] = d;
			if (score > best_score)
				best_score = score;
		}
		/* staying alone is one more candidate, with score 0 */
		least = best_score / r->temperature - LOUVAIN_GUMBEL_RANGE;
		best_key = least <= 0 ? rk_louvain_gumbel(chain, LOUVAIN_ALONE) : -INFINITY;
		for (int64_t t = 0; t < kept; t++)
		{
			uint32_t	d = touched[t];
			double		key = sum[d] - to_in * s->in[d];

			if (s->directed)
				key -= to_out * s->out[d];
			key /= r->temperature;
			/* others cannot be drawn */
			if (key >= least)
			{
				key += rk_louvain_gumbel(chain, d);
				if (key > best_key || (key == best_key && d < s->target[at]))
				{
					best_key = key;
					s->target[at] = d;
					s->gain[at] = sum[d];
				}
			}
			sum[d] = 0;
		}
	}
}

static void
join_nodes(louvain_state *s, const louvain_batch *batch)
{
	const louvain_level *l = s->level;

	for (int64_t at = batch->begin; at < batch->end; at++)
	{
		uint32_t	v = s->list[at];
		uint32_t	d = s->target[at];
		double		score;

		if (d == LOUVAIN_ALONE || s->size[v] != 1 || s->size[d] == 0)
			continue;
		score = s->gain[at] - s->penalty * l->out[v] * s->in[d];
		if (s->directed)
			score -= s->penalty * l->in[v] * s->out[d];
		if (score < 0)
			continue;
		s->refined[v] = d;
		s->size[v] = 0;
		s->size[d]++;
		s->in[d] += l->in[v];
		if (s->directed)
			s->out[d] += l->out[v];
		s->cut[d] += s->inside[v] - 2 * s->gain[at];
	}
}

rk_status
rk_louvain_refine(louvain_state *s, uint64_t seed, uint64_t salt)
{
	const louvain_level *l = s->level;
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = l->nodes;
	int64_t		total = 0;
	int64_t		polled = 0;
	int64_t		chunks;
	int64_t    *bounds = rk_graph_chunks(ctx, n, l->offsets, NODE_WORK, &chunks);
	louvain_batch batch = {0};
	refine_state r = {.s = s,.temperature = LOUVAIN_TEMPERATURE * s->mean_weight,.chain = rk_hash3(seed, salt, 1)};
	rk_status	status = rk_louvain_totals(s);

	if (bounds == NULL)
		return RK_ERR_MEMORY;
	if (status != RK_OK)
		return status;
	r.whole_in = rk_alloc(ctx, n, sizeof(double));
	r.whole_out = s->directed ? rk_alloc(ctx, n, sizeof(double)) : r.whole_in;
	if (!r.whole_in || !r.whole_out)
		return RK_ERR_MEMORY;
	memcpy(r.whole_in, s->in, sizeof(double) * n);
	if (s->directed)
		memcpy(r.whole_out, s->out, sizeof(double) * n);
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, weigh_inside, &r)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	memcpy(s->in, l->in, sizeof(double) * n);
	if (s->directed)
		memcpy(s->out, l->out, sizeof(double) * n);
	for (int64_t i = 0; i < n; i++)
	{
		s->refined[i] = (uint32_t) i;
		s->size[i] = 1;
		s->list[i] = s->order[i];
		total += louvain_work(l, i);
	}
	while (rk_louvain_next_batch(s, n, total, &batch))
	{
		polled += batch.work;
		if (polled >= BATCH_WORK)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			polled = 0;
		}
		if ((status = rk_louvain_run_batch(s, &batch, judge_joins, &r)) != RK_OK)
			return status;
		join_nodes(s, &batch);
	}
	if (r.whole_out != r.whole_in)
		rk_free(ctx, r.whole_out);
	rk_free(ctx, r.whole_in);
	return RK_OK;
}

/*
 * A community that is not connected falls into parts, which never lowers the
 * modularity.  Labels are drawn anew: the smallest node of the part.
 */
rk_status
rk_louvain_split(louvain_state *s)
{
	const louvain_level *l = s->level;
	int64_t		n = l->nodes;
	uint32_t   *stack = s->list;
	int64_t		steps = 0;

	memset(s->refined, 0xff, sizeof(uint32_t) * n);
	for (int64_t root = 0; root < n; root++)
	{
		int64_t		depth = 0;

		if (s->refined[root] != RK_NO_NODE)
			continue;
		s->refined[root] = (uint32_t) root;
		stack[depth++] = (uint32_t) root;
		while (depth > 0)
		{
			uint32_t	v = stack[--depth];

			steps += louvain_work(l, v);
			if (steps > BATCH_WORK)
			{
				if (rk_ctx_poll(s->ctx))
					return RK_STOPPED;
				steps = 0;
			}
			for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
			{
				uint32_t	u = l->neighbors[e];

				if (s->refined[u] == RK_NO_NODE && s->community[u] == s->community[v] &&
					(!l->weights || l->weights[e] > 0))
				{
					s->refined[u] = (uint32_t) root;
					stack[depth++] = u;
				}
			}
		}
	}
	memcpy(s->community, s->refined, sizeof(uint32_t) * n);
	return RK_OK;
}

/*
 * cycle_participation.c
 *	  Cycles of two, three and four arcs through every node, and the arcs on
 *	  them.
 *
 * For every node v the paths of two arcs v -> a -> w are counted by their end
 * w.  Then an arc u -> v that enters v closes paths(u) cycles of three arcs,
 * and with the sum of paths(b) over the b before u all walks of three arcs from
 * v to u.  Of those walks the ones that are no paths go over the arc v -> u, if
 * there is one: v -> u -> b -> u for each b that u exchanges arcs with,
 * v -> a -> v -> u likewise, and v -> u -> v -> u is both.  What is left are
 * the cycles of four arcs on which the arc u -> v lies.  Every node writes its
 * own counts and the marks of its own in-arcs only.
 *
 * The undirected graph is one in which every edge is two opposite arcs: every
 * cycle of three or four edges is found in both directions.
 */
#include "patterns.h"

#include "../../compute/parallel.h"
#include "ranked.h"

#include <string.h>

#define CHUNK_WORK 1024			/* entries of rows; each stands for many steps */
#define LIGHT_WORK 65536
#define POLL_STEPS (1 << 20)
#define POLL_MASK ((1 << 16) - 1)

typedef struct cycle_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;			/* as given, directed */
	const rk_adjacency *out;	/* of the graph that is searched */
	const rk_adjacency *in;
	bool		undirected;
	const uint8_t *ends;		/* undirected: arcs behind each entry of out */
	int64_t    *mutual;			/* by node: neighbours in both directions of the
								 * graph that is searched */
	uint8_t    *cyclic;			/* by entry of in: the arc is on a cycle */
	uint32_t   *paths;			/* [threads][nodes], zero between nodes */
	_Atomic int64_t overflow;	/* a node with too many cycles, or -1 */
	rk_cycle_counts *r;
} cycle_state;

/* Number of nodes in both rows of u. */
static void
count_mutual(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	cycle_state *s = arg;
	const rk_adjacency *out = &s->g->out;
	const rk_adjacency *in = &s->g->in;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		int64_t		i = out->offsets[u];
		int64_t		j = in->offsets[u];
		int64_t		count = 0;

		while (i < out->offsets[u + 1] && j < in->offsets[u + 1])
		{
			uint32_t	x = out->neighbors[i];
			uint32_t	y = in->neighbors[j];

			if (((i + j) & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			count += x == y;
			i += x <= y;
			j += y <= x;
		}
		s->r->cycles_2[u] = count;
		s->mutual[u] = s->undirected ? rk_degree(s->out, u) : count;
	}
}

/* Counts the paths of two arcs from v by their ends; false: stop. */
static bool
count_paths(const cycle_state *s, int64_t v, uint32_t *paths, int thread, int64_t *steps)
{
	const rk_adjacency *out = s->out;

	for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
	{
		uint32_t	a = out->neighbors[i];

		if (i + 4 < out->offsets[v + 1])
			__builtin_prefetch(&out->neighbors[out->offsets[out->neighbors[i + 4]]]);
		for (int64_t k = out->offsets[a]; k < out->offsets[a + 1]; k++)
			paths[out->neighbors[k]]++;
		*steps += rk_degree(out, a);
		if (*steps > POLL_STEPS)
		{
			*steps = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return false;
		}
	}
	return true;
}

/* Makes the counts zero again, the cheaper way. */
static void
clear_paths(const cycle_state *s, int64_t v, uint32_t *paths)
{
	const rk_adjacency *out = s->out;
	int64_t		ends = 0;

	for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		ends += rk_degree(out, out->neighbors[i]);
	if (ends > s->g->nodes / 8)
	{
		memset(paths, 0, sizeof(uint32_t) * s->g->nodes);
		return;
	}
	for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
	{
		uint32_t	a = out->neighbors[i];

		for (int64_t k = out->offsets[a]; k < out->offsets[a + 1]; k++)
			paths[out->neighbors[k]] = 0;
	}
}

static void
count_cycles(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	cycle_state *s = arg;
	const rk_adjacency *out = s->out;
	const rk_adjacency *in = s->in;
	uint32_t   *paths = s->paths + s->g->nodes * thread;
	int64_t		steps = 0;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		unsigned __int128 threes = 0;
		unsigned __int128 fours = 0;
		int64_t		back = out->offsets[v];

		s->r->cycles_3[v] = s->r->cycles_4[v] = 0;
		if (rk_degree(in, v) == 0)
			continue;
		if (rk_degree(out, v) == 0)
		{
			memset(s->cyclic + in->offsets[v], 0, rk_degree(in, v));
			continue;
		}
		if (!count_paths(s, v, paths, thread, &steps))
			return;
		for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
		{
			uint32_t	u = in->neighbors[i];
			uint64_t	walks = 0;
			bool		returns;

			if (i + 4 < in->offsets[v + 1])
				__builtin_prefetch(&in->neighbors[in->offsets[in->neighbors[i + 4]]]);
			while (back < out->offsets[v + 1] && out->neighbors[back] < u)
				back++;
			returns = back < out->offsets[v + 1] && out->neighbors[back] == u;
			for (int64_t k = in->offsets[u]; k < in->offsets[u + 1]; k++)
				walks += paths[in->neighbors[k]];
			if (returns)
				walks -= (uint64_t) (s->mutual[u] + s->mutual[v] - 1);
			threes += paths[u];
			fours += walks;
			s->cyclic[i] = walks > 0 || paths[u] > 0 || (returns && !s->undirected);
			steps += rk_degree(in, u);
			if (steps > POLL_STEPS)
			{
				steps = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		clear_paths(s, v, paths);
		if (s->undirected)
		{
			threes /= 2;
			fours /= 2;
		}
		if (threes > INT64_MAX || fours > INT64_MAX)
			atomic_store_explicit(&s->overflow, v, memory_order_relaxed);
		s->r->cycles_3[v] = (int64_t) threes;
		s->r->cycles_4[v] = (int64_t) fours;
	}
}

/* Whether the arc from u to v is on a cycle. */
static bool
is_cyclic(const cycle_state *s, uint32_t u, uint32_t v)
{
	int64_t		low = s->in->offsets[v];
	int64_t		high = s->in->offsets[v + 1];

	while (high - low > 1)
	{
		int64_t		mid = low + (high - low) / 2;

		if (s->in->neighbors[mid] <= u)
			low = mid;
		else
			high = mid;
	}
	return s->cyclic[low];
}

static rk_cycle_risk
risk_of(int64_t twos, int64_t threes, int64_t fours)
{
	if (fours > 3)
		return RK_RISK_CRITICAL;
	if (fours >= 1)
		return RK_RISK_HIGH;
	if (threes >= 3)
		return RK_RISK_MEDIUM;
	return threes >= 1 || twos >= 3 ? RK_RISK_LOW : RK_RISK_BASELINE;
}

/* Weight, ratio and risk of some nodes. */
static void
judge_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	cycle_state *s = arg;
	const rk_graph *g = s->g;
	rk_cycle_counts *r = s->r;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		double		weight = 0;
		int64_t		cyclic = 0;
		int64_t		all = rk_degree(s->in, v) + (s->undirected ? 0 : rk_degree(s->out, v));
		int64_t		o = g->out.offsets[v];
		int64_t		i = g->in.offsets[v];

		if (s->undirected)
		{
			for (int64_t k = s->out->offsets[v]; k < s->out->offsets[v + 1]; k++)
			{
				double		w = 0;

				if ((k & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
					return;
				if (s->ends[k] & RK_ARC_OUT)
					w += g->out.weights ? g->out.weights[o++] : 0;
				if (s->ends[k] & RK_ARC_IN)
					w += g->in.weights ? g->in.weights[i++] : 0;
				cyclic += s->cyclic[k];
				weight += s->cyclic[k] ? w : 0;
			}
		}
		else
		{
			for (; i < g->in.offsets[v + 1]; i++)
			{
				if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
					return;
				cyclic += s->cyclic[i];
				if (g->in.weights && s->cyclic[i])
					weight += g->in.weights[i];
			}
			for (; o < g->out.offsets[v + 1]; o++)
			{
				bool		on = is_cyclic(s, v, g->out.neighbors[o]);

				if ((o & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
					return;
				cyclic += on;
				if (g->out.weights && on)
					weight += g->out.weights[o];
			}
		}
		r->weight[v] = g->out.weights ? weight : (double) cyclic;
		r->ratio[v] = all > 0 ? (double) cyclic / (double) all : 0;
		r->risk[v] = risk_of(r->cycles_2[v], r->cycles_3[v], r->cycles_4[v]);
	}
}

rk_status
rk_graph_cycle_participation(rk_ctx *ctx, const rk_graph *g, bool undirected,
							 rk_cycle_counts *result)
{
	int64_t		n = g->nodes;
	cycle_state s = {.ctx = ctx,.g = g,.out = &g->out,.in = &g->in,.undirected = undirected,
		.overflow = -1,.r = result};
	rk_graph	skeleton = {0};
	uint8_t    *ends = NULL;
	int64_t    *bounds;
	int64_t    *light;
	int64_t		chunks;
	int64_t		light_chunks;
	int64_t		overflow;
	rk_status	status;

	*result = (rk_cycle_counts) {
		.cycles_2 = rk_alloc(ctx, n, sizeof(int64_t)),
		.cycles_3 = rk_alloc(ctx, n, sizeof(int64_t)),
		.cycles_4 = rk_alloc(ctx, n, sizeof(int64_t)),
		.weight = rk_alloc(ctx, n, sizeof(double)),
		.ratio = rk_alloc(ctx, n, sizeof(double)),
		.risk = rk_alloc(ctx, n, sizeof(uint8_t))
	};
	if (ctx->error.status != RK_OK)
		return ctx->error.status;
	if (undirected)
	{
		if ((status = rk_graph_skeleton(ctx, g, &skeleton, &ends)) != RK_OK)
			return status;
		s.out = s.in = &skeleton.out;
		s.ends = ends;
	}
	s.mutual = rk_alloc(ctx, n, sizeof(int64_t));
	s.cyclic = rk_alloc(ctx, s.in->offsets[n], sizeof(uint8_t));
	s.paths = rk_alloc0(ctx, n * ctx->threads, sizeof(uint32_t));
	bounds = rk_graph_chunks(ctx, n, s.out->offsets, CHUNK_WORK, &chunks);
	light = rk_graph_chunks(ctx, n, s.out->offsets, LIGHT_WORK, &light_chunks);
	if (!s.mutual || !s.cyclic || !s.paths || !bounds || !light)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "counting", chunks);
	if ((status = rk_parallel_ranges(ctx, light, light_chunks, count_mutual, &s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, bounds, chunks, count_cycles, &s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, light, light_chunks, judge_nodes, &s)) != RK_OK)
		return status;
	overflow = atomic_load_explicit(&s.overflow, memory_order_relaxed);
	if (overflow >= 0)
		return rk_fail_node(ctx, RK_ERR_OVERFLOW, overflow, "number of cycles through node %%node is out of range");
	rk_free(ctx, s.mutual);
	rk_free(ctx, s.cyclic);
	rk_free(ctx, s.paths);
	rk_free(ctx, bounds);
	rk_free(ctx, light);
	if (undirected)
	{
		rk_graph_free(ctx, &skeleton);
		rk_free(ctx, ends);
	}
	return RK_OK;
}

int64_t
rk_graph_cycle_participation_memory(int64_t nodes, int64_t arcs, bool undirected, int threads)
{
	int64_t		entries = undirected ? 2 * arcs : arcs;

	return 6 * rk_block_bytes(nodes, 8) + rk_block_bytes(nodes, 1) + rk_block_bytes(entries, 1) +
		rk_block_bytes(threads * nodes, 4) + rk_block_bytes((entries + 4 * nodes) / CHUNK_WORK + 2, 8) +
		rk_block_bytes((entries + 4 * nodes) / LIGHT_WORK + 2, 8) +
		(undirected ? rk_graph_skeleton_memory(nodes, arcs) : 0);
}

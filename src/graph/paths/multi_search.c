/*
 * multi_search.c
 *	  Bit-parallel breadth-first search from many sources.
 *
 * A node has the bits of the sources that have seen it, those that reach it on
 * the next level (both in one cache line) and those that reached it on this
 * one.  A level is pushed along the arcs of its nodes, or pulled by the nodes
 * that not all sources have seen, whichever looks at fewer arcs.  The nodes
 * that are left to pull are kept in a list that shrinks during a pass.
 *
 * The loops are written once for any number of words and compiled for one and
 * for four; on x86 also with the instructions for 256 bits and for counting
 * bits.
 */
#include "multi_search.h"

#include <string.h>

#define WIDTH 64				/* sources a word */
#define POLL_NODES 0x3fff		/* nodes between looks, less one */
#define POLL_WORK 131072		/* arcs between looks at the clock */
#define PULL_SHARE 3			/* pull when the frontier has 1/3 of the arcs left */
#define BLOCK 4					/* neighbours pulled between looks at what is missing */
#define AHEAD 12				/* arcs that memory is asked for in advance */

#define INLINE static inline __attribute__((always_inline))

/* What one thread needs for a pass. */
typedef struct pass_scratch
{
	uint64_t   *state;			/* n * 2 words: seen, reached on the next level */
	uint64_t   *visit;			/* n words: reached on this level */
	uint32_t   *frontier;		/* n: nodes with visit != 0 */
	uint32_t   *found;			/* n: nodes of the next level */
	uint32_t   *touched;		/* n: nodes with seen != 0 */
	uint32_t   *open;			/* n: nodes that some source has not seen */
	uint32_t   *gained;			/* n: parallel to found */
} pass_scratch;

typedef struct multi_search
{
	rk_ctx	   *ctx;
	int64_t		nodes;
	const rk_adjacency *push;	/* arcs as they are followed */
	const rk_adjacency *pull;	/* the reverse, or NULL */
	const uint32_t *sources;
	rk_multi_level_fn reached;
	void	   *arg;
	int			words;
	bool		wide;			/* the processor has the instructions */
	pass_scratch *scratch;		/* per thread */
} multi_search;

/* State of one pass that its levels hand on. */
typedef struct pass_state
{
	uint64_t	all[RK_MULTI_WORDS];	/* bits that are in use */
	int64_t		frontier;
	int64_t		touched;
	int64_t		open;			/* -1: the list is not made yet */
	int64_t		open_arcs;		/* arcs that pulling would look at */
} pass_state;

INLINE bool
any(const uint64_t *x, const int words)
{
	uint64_t	some = 0;

	for (int w = 0; w < words; w++)
		some |= x[w];
	return some != 0;
}

/* Pushes the frontier along its arcs; how many nodes are found, -1: stopped. */
INLINE int64_t
push_level(const multi_search *s, pass_scratch *p, int64_t frontier, int thread, const int words)
{
	const int64_t *offsets = s->push->offsets;
	const uint32_t *neighbors = s->push->neighbors;
	int64_t		arcs = offsets[s->nodes];
	int64_t		found = 0;
	int64_t		work = 0;

	for (int64_t f = 0; f < frontier; f++)
	{
		uint32_t	u = p->frontier[f];
		uint64_t	bits[RK_MULTI_WORDS];

		memcpy(bits, p->visit + (int64_t) u * words, sizeof(uint64_t) * words);
		for (int64_t i = offsets[u]; i < offsets[u + 1]; i++)
		{
			uint32_t	v = neighbors[i];
			uint64_t   *seen = p->state + (int64_t) v * 2 * words;
			uint64_t   *next = seen + words;
			uint64_t	fresh[RK_MULTI_WORDS];

			__builtin_prefetch(p->state + (int64_t) neighbors[i + AHEAD < arcs ? i + AHEAD : i] * 2 * words, 1);
			for (int w = 0; w < words; w++)
				fresh[w] = bits[w] & ~seen[w];
			if (!any(fresh, words))
				continue;
			if (!any(next, words))
				p->found[found++] = v;
			for (int w = 0; w < words; w++)
				next[w] |= fresh[w];
		}
		work += offsets[u + 1] - offsets[u] + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return -1;
		}
	}
	return found;
}

/* Fills the list of nodes that can be pulled to: those with an arc to them. */
static void
open_all(const multi_search *s, pass_scratch *p, pass_state *state)
{
	state->open = 0;
	for (int64_t v = 0; v < s->nodes; v++)
	{
		p->open[state->open] = (uint32_t) v;
		state->open += s->pull->offsets[v + 1] > s->pull->offsets[v];
	}
}

/*
 * The same from the other end.  Nodes that all sources have seen leave the
 * list.
 */
INLINE int64_t
pull_level(const multi_search *s, pass_scratch *p, pass_state *state, int thread, const int words)
{
	const int64_t *offsets = s->pull->offsets;
	const uint32_t *neighbors = s->pull->neighbors;
	int64_t		arcs = offsets[s->nodes];
	int64_t		found = 0;
	int64_t		open = 0;
	int64_t		work = 0;

	state->open_arcs = 0;
	for (int64_t o = 0; o < state->open; o++)
	{
		uint32_t	v = p->open[o];
		uint64_t   *seen = p->state + (int64_t) v * 2 * words;
		uint64_t	missing[RK_MULTI_WORDS];
		uint64_t	fresh[RK_MULTI_WORDS];
		int64_t		i = offsets[v];
		int64_t		end = offsets[v + 1];

		for (int w = 0; w < words; w++)
			missing[w] = state->all[w] & ~seen[w];
		if (!any(missing, words))
			continue;
		for (int w = 0; w < words; w++)
			fresh[w] = 0;
		while (i < end)
		{
			int64_t		stop = i + BLOCK < end ? i + BLOCK : end;
			uint64_t	left[RK_MULTI_WORDS];

			for (; i < stop; i++)
			{
				const uint64_t *visit = p->visit + (int64_t) neighbors[i] * words;

				__builtin_prefetch(p->visit + (int64_t) neighbors[i + AHEAD < arcs ? i + AHEAD : i] * words);
				for (int w = 0; w < words; w++)
					fresh[w] |= visit[w];
			}
			for (int w = 0; w < words; w++)
				left[w] = missing[w] & ~fresh[w];
			if (!any(left, words))
				break;
		}
		for (int w = 0; w < words; w++)
			fresh[w] &= missing[w];
		if (any(fresh, words))
		{
			memcpy(seen + words, fresh, sizeof(uint64_t) * words);
			p->found[found++] = v;
			for (int w = 0; w < words; w++)
				missing[w] &= ~fresh[w];
		}
		if (any(missing, words))
		{
			p->open[open++] = v;
			state->open_arcs += end - offsets[v];
		}
		work += i - offsets[v] + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return -1;
		}
	}
	state->open = open;
	return found;
}

/*
 * Makes the found nodes the frontier and says which sources moved.  False when
 * the run is to end.
 */
INLINE bool
commit_level(const multi_search *s, pass_scratch *p, pass_state *state, int64_t found, int thread,
			 uint64_t *moved, const int words)
{
	uint32_t   *swap = p->frontier;

	for (int64_t f = 0; f < state->frontier; f++)
		memset(p->visit + (int64_t) p->frontier[f] * words, 0, sizeof(uint64_t) * words);
	for (int64_t f = 0; f < found; f++)
	{
		uint32_t	v = p->found[f];
		uint64_t   *seen = p->state + (int64_t) v * 2 * words;
		uint64_t   *next = seen + words;
		uint64_t   *visit = p->visit + (int64_t) v * words;
		uint32_t	gained = 0;

		if ((f & POLL_NODES) == POLL_NODES && rk_chunk_should_stop(s->ctx, thread))
			return false;
		if (!any(seen, words))
			p->touched[state->touched++] = v;
		for (int w = 0; w < words; w++)
		{
			uint64_t	bits = next[w];

			seen[w] |= bits;
			visit[w] = bits;
			moved[w] |= bits;
			next[w] = 0;
			gained += (uint32_t) __builtin_popcountll(bits);
		}
		p->gained[f] = gained;
	}
	p->frontier = p->found;
	p->found = swap;
	state->frontier = found;
	return true;
}

/* Searches from sources[begin .. end), at most 64 a word. */
INLINE void
run_pass(const multi_search *s, int64_t begin, int64_t end, int thread, const int words)
{
	pass_scratch *p = &s->scratch[thread];
	const int64_t *offsets = s->push->offsets;
	pass_state	state = {.open = -1,.open_arcs = offsets[s->nodes]};

	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	v = s->sources[i];
		int			w = (int) (i - begin) / WIDTH;
		uint64_t	bit = UINT64_C(1) << (i - begin) % WIDTH;

		p->state[(int64_t) v * 2 * words + w] = p->visit[(int64_t) v * words + w] = bit;
		p->frontier[state.frontier++] = v;
		p->touched[state.touched++] = v;
		state.all[w] |= bit;
	}
	for (int64_t hops = 1; state.frontier > 0 && state.open != 0; hops++)
	{
		rk_multi_level level = {.first = begin,.count = end - begin,.hops = hops,.thread = thread};
		int64_t		from_frontier = 0;
		int64_t		found;

		for (int64_t f = 0; f < state.frontier; f++)
			from_frontier += offsets[p->frontier[f] + 1] - offsets[p->frontier[f]];
		if (s->pull && from_frontier > state.open_arcs / PULL_SHARE)
		{
			if (state.open < 0)
				open_all(s, p, &state);
			found = pull_level(s, p, &state, thread, words);
		}
		else
			found = push_level(s, p, state.frontier, thread, words);
		if (found < 0)
			return;
		if (!commit_level(s, p, &state, found, thread, level.moved, words))
			return;
		if (found == 0)
			break;
		level.nodes = p->frontier;
		level.gained = p->gained;
		level.node_count = found;
		s->reached(s->arg, &level);
		if (rk_chunk_should_stop(s->ctx, thread))
			return;
	}
	for (int64_t f = 0; f < state.frontier; f++)
		memset(p->visit + (int64_t) p->frontier[f] * words, 0, sizeof(uint64_t) * words);
	for (int64_t i = 0; i < state.touched; i++)
		memset(p->state + (int64_t) p->touched[i] * 2 * words, 0, sizeof(uint64_t) * words);
}

#if defined(__x86_64__)
__attribute__((target("avx2,popcnt,bmi")))
static void
run_pass_wide(const multi_search *s, int64_t begin, int64_t end, int thread)
{
	if (s->words == 1)
		run_pass(s, begin, end, thread, 1);
	else
		run_pass(s, begin, end, thread, RK_MULTI_WORDS);
}
#endif

static void
pass(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const multi_search *s = arg;

	(void) chunk;
#if defined(__x86_64__)
	if (s->wide)
	{
		run_pass_wide(s, begin, end, thread);
		return;
	}
#endif
	if (s->words == 1)
		run_pass(s, begin, end, thread, 1);
	else
		run_pass(s, begin, end, thread, RK_MULTI_WORDS);
}

/*
 * How many sources a pass has: as few passes as there can be, all of about one
 * size.  A pass over half as many sources takes nearly as long, so sharing out
 * the sources of one pass to two threads is not worth it.
 */
static int64_t
pass_size(int64_t sources)
{
	int64_t		most = WIDTH * RK_MULTI_WORDS;
	int64_t		passes = (sources + most - 1) / most;

	return sources <= WIDTH ? WIDTH : (sources + passes - 1) / passes;
}

rk_status
rk_graph_multi_search(rk_ctx *ctx, const rk_graph *g, bool backward,
					  const uint32_t *sources, int64_t count,
					  rk_multi_level_fn reached, void *arg)
{
	const rk_adjacency *pull = backward ? &g->out : &g->in;
	multi_search s = {
		.ctx = ctx,.nodes = g->nodes,.push = backward ? &g->in : &g->out,
		.pull = pull->offsets ? pull : NULL,
		.sources = sources,.reached = reached,.arg = arg
	};
	int64_t		n = g->nodes;
	int64_t		size = pass_size(count);
	int			threads = count <= size ? 1 : ctx->threads;
	rk_status	status;

	if (count == 0 || n == 0)
		return RK_OK;
	s.words = size <= WIDTH ? 1 : RK_MULTI_WORDS;
#if defined(__x86_64__)
	s.wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
#endif
	s.scratch = rk_alloc0(ctx, threads, sizeof(pass_scratch));
	if (s.scratch == NULL)
		return RK_ERR_MEMORY;
	for (int t = 0; t < threads; t++)
	{
		pass_scratch *p = &s.scratch[t];

		p->state = rk_alloc0(ctx, n * 2 * s.words, sizeof(uint64_t));
		p->visit = rk_alloc0(ctx, n * s.words, sizeof(uint64_t));
		p->frontier = rk_alloc(ctx, n, sizeof(uint32_t));
		p->found = rk_alloc(ctx, n, sizeof(uint32_t));
		p->touched = rk_alloc(ctx, n, sizeof(uint32_t));
		p->open = rk_alloc(ctx, n, sizeof(uint32_t));
		p->gained = rk_alloc(ctx, n, sizeof(uint32_t));
		if (!p->state || !p->visit || !p->frontier || !p->found || !p->touched || !p->open || !p->gained)
			return RK_ERR_MEMORY;
	}
	rk_phase(ctx, "searching", count);
	if (threads == 1)
	{
		/* a single pass, or one after the other */
		for (int64_t begin = 0; begin < count; begin += size)
		{
			pass(&s, begin, begin + size < count ? begin + size : count, 0, 0);
			rk_progress(ctx, begin);
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
	}
	else if ((status = rk_parallel_for(ctx, count, size, pass, &s)) != RK_OK)
		return status;
	for (int t = 0; t < threads; t++)
	{
		pass_scratch *p = &s.scratch[t];

		rk_free(ctx, p->state);
		rk_free(ctx, p->visit);
		rk_free(ctx, p->frontier);
		rk_free(ctx, p->found);
		rk_free(ctx, p->touched);
		rk_free(ctx, p->open);
		rk_free(ctx, p->gained);
	}
	rk_free(ctx, s.scratch);
	return RK_OK;
}

int64_t
rk_graph_multi_search_memory(int64_t nodes, int64_t sources, int threads)
{
	int64_t		size = pass_size(sources);
	int			words = size <= WIDTH ? 1 : RK_MULTI_WORDS;

	if (sources <= size)
		threads = 1;
	return threads * nodes * (3 * words * 8 + 5 * 4) + threads * 4096;
}

/*
 * connected_components.c
 *	  Weak components by union of trees.
 *
 * The method is Afforest (Sutton, Ben-Nun, Barak 2018).  parent[] is
 * a forest in which a parent is never larger than its child.  "link" hooks the
 * larger of two roots under the smaller one with a compare-and-swap, so any
 * number of threads may link at once and the root of a finished tree is the
 * smallest node of its component, whatever the order.
 *
 * 1. Link a sample of the edges: the first two neighbours of every node.
 * 2. Compress, and guess the largest component from a few nodes.  In real
 *	  graphs it already holds most of them.  A bitmap remembers its nodes: one
 *	  bit a node stays in the cache where parent[] does not.
 * 3. Link the rest, leaving out what lies inside that component.
 *
 * An edge list has no rows to sample from.  It is taken in rounds instead,
 * each of four times as many edges as all before, spread evenly over the list,
 * which may be sorted, with step 2 after each: the earlier edges make the
 * component that spares the later ones.
 *
 * On its way up a path link makes every node it passes skip one ancestor
 * (path splitting), which Afforest does not do: without it, an edge list that
 * first lays out a long path and then names its end again and again takes
 * quadratic time.  The splitting store is no compare-and-swap; it can only
 * replace one ancestor of a node by another.
 */
#include "connected_components.h"

#include "../../compute/parallel.h"

#define NODE_CHUNK 16384		/* multiple of 64: a chunk owns bitmap words */
#define EDGE_CHUNK 65536
#define SAMPLE_NEIGHBORS 2		/* linked of every node before the guess */
#define RUN 16					/* edges taken together, a cache line each end */
#define MAX_PERIOD 4096			/* runs; a power of 4 */
#define FILTER_BLOCK 1024		/* edges looked at before any is linked */
#define PREFETCH 8				/* edges that nodes are fetched ahead */
#define POLL_MASK ((1 << 18) - 1)	/* entries between looks at the stop flag */

typedef struct weak_state
{
	rk_ctx	   *ctx;
	const rk_edges *edges;		/* the graph is either this ... */
	const rk_adjacency *first;	/* ... or this, ... */
	const rk_adjacency *second; /* ... with the other direction, or NULL */
	bool		symmetric;		/* first holds both ends of every edge */
	_Atomic uint32_t *parent;
	uint64_t   *inside;			/* bitmap: in the component guessed largest */
	uint32_t	largest;		/* its root */
	int64_t		period;			/* edges: in runs */
	int64_t		run_from;		/* edges: this round takes these runs ... */
	int64_t		run_to;			/* ... of every period */
} weak_state;

static inline uint32_t
load(const _Atomic uint32_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static inline bool
is_inside(const weak_state *s, uint32_t v)
{
	return s->inside[v >> 6] >> (v & 63) & 1;
}

/* Brings u and v under one root; every node passed is moved closer to it. */
static inline void
link_nodes(weak_state *s, uint32_t u, uint32_t v, int thread)
{
	_Atomic uint32_t *parent = s->parent;
	uint32_t	a = load(&parent[u]);
	uint32_t	b = load(&parent[v]);
	int64_t		steps = 0;

	while (a != b)
	{
		uint32_t	high = a > b ? a : b;
		uint32_t	low = a > b ? b : a;
		uint32_t	above = load(&parent[high]);
		uint32_t	grand;

		if (above == low)
			return;
		if (above == high &&
			atomic_compare_exchange_strong_explicit(&parent[high], &above, low,
													memory_order_relaxed,
													memory_order_relaxed))
			return;
		/* above is high's parent now, read or left by the failed swap */
		grand = load(&parent[above]);
		if (grand != above)
			atomic_store_explicit(&parent[high], grand, memory_order_relaxed);
		a = grand;
		b = low;
		if ((++steps & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return;
	}
}

static void
start_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
		atomic_store_explicit(&s->parent[v], (uint32_t) v, memory_order_relaxed);
}

/* Points every node at its root; nothing is linked meanwhile. */
static void
compress_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;
	int64_t		steps = 0;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	p = load(&s->parent[v]);
		uint32_t	root = load(&s->parent[p]);

		if (root == p)
			continue;
		while (root != p)
		{
			if ((++steps & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			p = root;
			root = load(&s->parent[p]);
		}
		atomic_store_explicit(&s->parent[v], root, memory_order_relaxed);
	}
}

static void
mark_inside(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t base = begin; base < end; base += 64)
	{
		int64_t		stop = base + 64 < end ? base + 64 : end;
		uint64_t	word = 0;

		for (int64_t v = base; v < stop; v++)
			word |= (uint64_t) (load(&s->parent[v]) == s->largest) << (v - base);
		s->inside[base >> 6] = word;
	}
}

/* Compresses the forest and marks the nodes of the component guessed largest. */
static rk_status
mark_largest(weak_state *s, int64_t n, const uint32_t *label)
{
	rk_status	status = rk_parallel_for(s->ctx, n, NODE_CHUNK, compress_nodes, s);

	if (status != RK_OK)
		return status;
	s->largest = rk_graph_guess_largest(label, n);
	return rk_parallel_for(s->ctx, n, NODE_CHUNK, mark_inside, s);
}

/*
 * Links runs [run_from, run_to) of every period in [begin, end).
 *
 * A block of edges is first filtered without branches: which of them leave the
 * large component is as good as random, and by the time they are linked their
 * nodes are on the way to the cache.
 */
static void
link_edges(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;
	int64_t		length = s->period * RUN;

	(void) chunk;
	for (int64_t p = begin; p < end; p++)
	{
		int64_t		stop = p * length + s->run_to * RUN;

		if (stop > s->edges->count)
			stop = s->edges->count;
		for (int64_t base = p * length + s->run_from * RUN; base < stop; base += FILTER_BLOCK)
		{
			const uint32_t *source = s->edges->source + base;
			const uint32_t *target = s->edges->target + base;
			uint32_t	count = stop - base < FILTER_BLOCK ? stop - base : FILTER_BLOCK;
			uint32_t	left[FILTER_BLOCK];
			uint32_t	lefts = 0;

			for (uint32_t i = 0; i < count; i++)
			{
				left[lefts] = i;
				lefts += !(is_inside(s, source[i]) & is_inside(s, target[i]));
			}
			for (uint32_t k = 0; k < lefts; k++)
			{
				if (k + PREFETCH < lefts)
				{
					__builtin_prefetch((void *) &s->parent[source[left[k + PREFETCH]]]);
					__builtin_prefetch((void *) &s->parent[target[left[k + PREFETCH]]]);
				}
				link_nodes(s, source[left[k]], target[left[k]], thread);
			}
		}
	}
}

/* Links all edges, in rounds that each take four times as many. */
static rk_status
link_edge_list(weak_state *s, const uint32_t *label)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->edges->nodes;
	int64_t		runs = rk_chunks(s->edges->count, RUN);
	rk_status	status;

	s->period = 1;
	while (s->period < MAX_PERIOD && s->edges->count / s->period > n / 4)
		s->period *= 4;
	for (s->run_from = 0, s->run_to = 1; s->run_from < s->period;
		 s->run_from = s->run_to, s->run_to *= 4)
	{
		int64_t		slice = (s->run_to - s->run_from) * RUN;

		if (s->run_from > 0 && (status = mark_largest(s, n, label)) != RK_OK)
			return status;
		status = rk_parallel_for(ctx, rk_chunks(runs, s->period),
								 (EDGE_CHUNK - 1) / slice + 1, link_edges, s);
		if (status != RK_OK)
			return status;
		rk_progress(ctx, s->edges->count / s->period * s->run_to);
	}
	return RK_OK;
}

static void
link_sampled_neighbors(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		int64_t		from = s->first->offsets[u];
		int64_t		to = s->first->offsets[u + 1];

		if (to > from + SAMPLE_NEIGHBORS)
			to = from + SAMPLE_NEIGHBORS;
		for (int64_t i = from; i < to; i++)
			link_nodes(s, (uint32_t) u, s->first->neighbors[i], thread);
	}
}

/* Links u to [from, to) of a row, or to those outside when u is inside. */
static bool
link_row(weak_state *s, const rk_adjacency *a, uint32_t u, bool inside,
		 int64_t from, int64_t to, int thread)
{
	for (int64_t i = from; i < to; i++)
	{
		if (((i - from + 1) & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return false;
		if (!inside || !is_inside(s, a->neighbors[i]))
			link_nodes(s, u, a->neighbors[i], thread);
	}
	return true;
}

static void
link_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weak_state *s = arg;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		bool		inside = is_inside(s, (uint32_t) u);
		const rk_adjacency *a = s->first;

		/*
		 * An edge that leaves the large component is also an entry of a row
		 * outside, unless only one direction is there.
		 */
		if (inside && (s->symmetric || s->second))
			continue;
		if (a->offsets[u] + SAMPLE_NEIGHBORS < a->offsets[u + 1] &&
			!link_row(s, a, (uint32_t) u, inside, a->offsets[u] + SAMPLE_NEIGHBORS,
					  a->offsets[u + 1], thread))
			return;
		a = s->second;
		if (a && !link_row(s, a, (uint32_t) u, inside, a->offsets[u],
						   a->offsets[u + 1], thread))
			return;
	}
}

/* Links all entries of the rows, a few of every row first. */
static rk_status
link_adjacency(weak_state *s, int64_t n, const uint32_t *label)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		chunks;
	int64_t    *bounds = rk_graph_chunks(ctx, n, s->first->offsets, EDGE_CHUNK, &chunks);
	rk_status	status;

	if (bounds == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(ctx, n, NODE_CHUNK, link_sampled_neighbors, s)) != RK_OK ||
		(status = mark_largest(s, n, label)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, bounds, chunks, link_rows, s)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	return RK_OK;
}

/* Finds the components of what s names. */
static rk_status
find_weak(weak_state *s, int64_t n, uint32_t *component, rk_components *result)
{
	rk_ctx	   *ctx = s->ctx;
	rk_status	status;

	*result = (rk_components) {0};
	if (n == 0)
		return RK_OK;
	rk_phase(ctx, "linking", s->edges ? s->edges->count : 0);
	s->parent = (_Atomic uint32_t *) component;
	s->inside = rk_alloc0(ctx, n / 64 + 1, sizeof(uint64_t));
	if (s->inside == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(ctx, n, NODE_CHUNK, start_nodes, s)) != RK_OK)
		return status;
	status = s->edges ? link_edge_list(s, component) : link_adjacency(s, n, component);
	if (status != RK_OK ||
		(status = rk_parallel_for(ctx, n, NODE_CHUNK, compress_nodes, s)) != RK_OK)
		return status;
	rk_free(ctx, s->inside);
	return rk_graph_number_components(ctx, n, component, result);
}

rk_status
rk_graph_weak_components(rk_ctx *ctx, const rk_graph *g, uint32_t *component,
						 rk_components *result)
{
	weak_state	s = {.ctx = ctx,.symmetric = !g->directed};

	s.first = g->out.offsets ? &g->out : &g->in;
	s.second = g->directed && g->out.offsets && g->in.offsets ? &g->in : NULL;
	return find_weak(&s, g->nodes, component, result);
}

rk_status
rk_graph_weak_components_edges(rk_ctx *ctx, const rk_edges *edges, uint32_t *component,
							   rk_components *result)
{
	weak_state	s = {.ctx = ctx,.edges = edges};

	if (edges->nodes > RK_MAX_NODES)
		return rk_fail(ctx, RK_ERR_LIMIT, "graph has more than %lld nodes",
					   (long long) RK_MAX_NODES);
	return find_weak(&s, edges->nodes, component, result);
}

int64_t
rk_graph_weak_components_memory(int64_t nodes, int64_t arcs, int threads)
{
	int64_t		linking = nodes / 8 + (arcs + 4 * nodes) / EDGE_CHUNK * 8;
	int64_t		numbering = rk_graph_number_components_memory(nodes);

	(void) threads;
	return linking > numbering ? linking : numbering;
}

/*
 * shortest_path_bfs.c
 *	  Breadth-first search on all threads, level by level.
 *
 * Top-down, the nodes of the frontier offer their neighbours a label, and an
 * atomic minimum keeps the smallest predecessor whatever the order; a node
 * enters the next frontier when its first label arrives.  Bottom-up (Beamer,
 * Asanovic, Patterson 2012), every unseen node looks for its first
 * in-neighbour in the frontier, which is the smallest as rows are sorted; this
 * is taken while the frontier has a large share of the arcs.
 *
 * The same over tight arcs only gives hops and predecessors of shortest paths.
 */
#include "shortest_path_internal.h"

#include <string.h>

#define ALPHA 15				/* bottom-up above 1 / ALPHA of the arcs left */
#define BETA 18					/* top-down below 1 / BETA of the nodes */
#define FRONTIER_CHUNK 512		/* nodes; a smaller frontier stays with one thread */
#define NODE_CHUNK 8192			/* of bottom-up, a multiple of 64 */
#define LOCAL 256				/* nodes a thread gathers before it appends them */
#define POLL_WORK 131072

typedef struct bfs_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const double *distance;		/* NULL: all arcs */
	_Atomic uint64_t *label;
	uint32_t   *queue;			/* n: nodes in the order they were found */
	int64_t		begin;			/* frontier: queue[begin ..] */
	_Atomic int64_t end;		/* end of the queue */
	_Atomic int64_t arcs;		/* of the next frontier */
	_Atomic int64_t found;		/* nodes found bottom-up */
	uint64_t   *front;			/* n bits */
	uint64_t   *next;
	uint32_t	hops;			/* of the nodes that are looked for */
} bfs_state;

/* Nodes on their way into the queue. */
typedef struct local_queue
{
	int			count;
	uint32_t	node[LOCAL];
} local_queue;

/* Appends what was gathered to the queue. */
static void
flush(bfs_state *s, local_queue *local)
{
	int64_t		at = atomic_fetch_add_explicit(&s->end, local->count, memory_order_relaxed);

	memcpy(s->queue + at, local->node, sizeof(uint32_t) * local->count);
	local->count = 0;
}

static inline void
put(bfs_state *s, local_queue *local, uint32_t v)
{
	local->node[local->count++] = v;
	if (local->count == LOCAL)
		flush(s, local);
}

/* Offers v a label; true when it is the first one v gets. */
static inline bool
offer(bfs_state *s, uint32_t v, uint64_t label)
{
	uint64_t	old = atomic_load_explicit(&s->label[v], memory_order_relaxed);

	while (label < old)
	{
		if (atomic_compare_exchange_weak_explicit(&s->label[v], &old, label,
												  memory_order_relaxed, memory_order_relaxed))
			return old == RK_PATH_UNSEEN;
	}
	return false;
}

static void
top_down(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	bfs_state  *s = arg;
	const rk_adjacency *out = &s->g->out;
	local_queue local;
	int64_t		arcs = 0;
	int64_t		work = 0;

	(void) chunk;
	local.count = 0;
	for (int64_t f = s->begin + begin; f < s->begin + end; f++)
	{
		uint32_t	u = s->queue[f];
		uint64_t	label = rk_path_label(s->hops, u);

		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];

			if (offer(s, v, label))
			{
				arcs += rk_degree(out, v);
				put(s, &local, v);
			}
		}
		work += rk_degree(out, u) + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				break;
		}
	}
	flush(s, &local);
	atomic_fetch_add_explicit(&s->arcs, arcs, memory_order_relaxed);
}

/* The same over tight arcs. */
static void
top_down_tight(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	bfs_state  *s = arg;
	const rk_adjacency *out = &s->g->out;
	const double *distance = s->distance;
	local_queue local;
	int64_t		work = 0;

	(void) chunk;
	local.count = 0;
	for (int64_t f = s->begin + begin; f < s->begin + end; f++)
	{
		uint32_t	u = s->queue[f];
		uint64_t	label = rk_path_label(s->hops, u);
		double		from = distance[u];

		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];
			double		sum = from + out->weights[i];

			if (sum == distance[v] && sum < INFINITY && offer(s, v, label))
				put(s, &local, v);
		}
		work += rk_degree(out, u) + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				break;
		}
	}
	flush(s, &local);
}

static void
bottom_up(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	bfs_state  *s = arg;
	const rk_adjacency *in = &s->g->in;
	const uint64_t *front = s->front;
	int64_t		found = 0;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t word = begin; word < end; word += 64)
	{
		int64_t		last = word + 64 < end ? word + 64 : end;
		uint64_t	bits = 0;

		for (int64_t v = word; v < last; v++)
		{
			if (atomic_load_explicit(&s->label[v], memory_order_relaxed) != RK_PATH_UNSEEN)
				continue;
			for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
			{
				uint32_t	u = in->neighbors[i];

				if (front[u >> 6] >> (u & 63) & 1)
				{
					atomic_store_explicit(&s->label[v], rk_path_label(s->hops, u),
										  memory_order_relaxed);
					bits |= UINT64_C(1) << (v & 63);
					found++;
					break;
				}
			}
			work += rk_degree(in, v);
		}
		s->next[word >> 6] = bits;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				break;
		}
	}
	atomic_fetch_add_explicit(&s->found, found, memory_order_relaxed);
}

/* Bottom-up levels until the frontier is small again, or max_hops. */
static rk_status
bottom_up_levels(bfs_state *s, int64_t max_hops)
{
	int64_t		n = s->g->nodes;
	int64_t		words = (n + 63) / 64;
	int64_t		before;
	int64_t		found = s->end - s->begin;
	int64_t		to;
	uint64_t   *swap;

	memset(s->front, 0, sizeof(uint64_t) * words);
	for (int64_t i = s->begin; i < s->end; i++)
		s->front[s->queue[i] >> 6] |= UINT64_C(1) << (s->queue[i] & 63);
	do
	{
		before = found;
		s->found = 0;
		if (rk_parallel_for(s->ctx, n, NODE_CHUNK, bottom_up, s) != RK_OK)
			return RK_STOPPED;
		found = s->found;
		swap = s->front;
		s->front = s->next;
		s->next = swap;
		s->hops++;
	} while (found > 0 && s->hops <= max_hops && (found >= before || found > n / BETA));

	/* the frontier becomes a queue again; there is room at its beginning */
	to = 0;
	s->arcs = 0;
	for (int64_t w = 0; w < words; w++)
	{
		for (uint64_t m = s->front[w]; m != 0; m &= m - 1)
		{
			uint32_t	v = (uint32_t) (w * 64 + __builtin_ctzll(m));

			s->queue[to++] = v;
			s->arcs += rk_degree(&s->g->out, v);
		}
	}
	s->begin = 0;
	s->end = to;
	return RK_OK;
}

typedef struct fill_state
{
	uint64_t   *label;
} fill_state;

static void
fill_unseen(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	fill_state *s = arg;

	(void) chunk;
	(void) thread;
	memset(s->label + begin, 0xff, sizeof(uint64_t) * (end - begin));
}

rk_status
rk_graph_path_bfs(rk_ctx *ctx, const rk_graph *g, uint32_t source, int64_t max_hops,
				  const double *distance, uint64_t *label)
{
	bfs_state	s = {.ctx = ctx,.g = g,.distance = distance,.hops = 1};
	fill_state	fill = {label};
	int64_t		n = g->nodes;
	int64_t		unexplored = g->out.offsets[n];
	bool		may_turn = distance == NULL && g->in.offsets != NULL;
	rk_status	status;

	s.label = (_Atomic uint64_t *) label;
	s.queue = rk_alloc(ctx, n, sizeof(uint32_t));
	if (s.queue == NULL)
		return RK_ERR_MEMORY;
	if (may_turn)
	{
		s.front = rk_alloc(ctx, (n + 63) / 64, sizeof(uint64_t));
		s.next = rk_alloc(ctx, (n + 63) / 64, sizeof(uint64_t));
		if (!s.front || !s.next)
			return RK_ERR_MEMORY;
	}
	if ((status = rk_parallel_for(ctx, n, 131072, fill_unseen, &fill)) != RK_OK)
		return status;
	label[source] = RK_PATH_SOURCE;
	s.queue[0] = source;
	s.end = 1;
	s.arcs = rk_degree(&g->out, source);
	while (s.begin < s.end && s.hops <= max_hops)
	{
		int64_t		end = s.end;

		/* bottom-up looks at every node, so it takes that much work to pay */
		if (may_turn && s.arcs > unexplored / ALPHA && s.arcs > n / 8)
		{
			if ((status = bottom_up_levels(&s, max_hops)) != RK_OK)
				return status;
			continue;
		}
		unexplored -= s.arcs;
		s.arcs = 0;
		status = rk_parallel_for(ctx, end - s.begin, FRONTIER_CHUNK,
								 distance ? top_down_tight : top_down, &s);
		if (status != RK_OK)
			return status;
		s.begin = end;
		s.hops++;
		rk_progress(ctx, end);
	}
	rk_free(ctx, s.queue);
	rk_free(ctx, s.front);
	rk_free(ctx, s.next);
	return RK_OK;
}

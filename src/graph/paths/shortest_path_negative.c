/*
 * shortest_path_negative.c
 *	  Bellman-Ford for lengths that may be negative, one thread.
 *
 * Nodes are scanned in the order in which they were improved, and the tree of
 * current paths is kept as a list in preorder (Tarjan's subtree disassembly,
 * see Cherkassky, Goldberg 1999).  When a node becomes nearer, its subtree is
 * taken apart: what lies below will be improved anyway, so scanning it now
 * would be wasted.  If the node that improves it is found in that subtree, the
 * tree would close to a cycle: the first moment a negative cycle can show.
 *
 * Sums of float8 are rounded, so around a cycle of length 0 or slightly more a
 * distance may fall by rounding alone.  The length of the cycle is therefore
 * added exactly; if it is not negative the improvement is turned down, and
 * every distance remains that of a path.  For the same reason a node taken out
 * of the tree accepts a path that is not shorter than the one it had.
 */
#include "shortest_path_internal.h"

#define POLL_WORK 65536
#define MAX_PARTIALS 64			/* more than 2098 / 53, all a float8 sum needs */

enum node_state
{
	UNSEEN,
	IN_TREE,
	TAKEN_OUT					/* its distance is an old one, not scanned */
};

typedef struct negative_state
{
	const rk_graph *g;
	double	   *distance;
	double	   *length;			/* n: of the arc from the parent */
	uint32_t   *parent;			/* n */
	uint32_t   *depth;			/* n */
	uint32_t   *next;			/* n: preorder, a circle through the source */
	uint32_t   *previous;		/* n */
	uint32_t   *queue;			/* n, a ring */
	uint8_t    *state;			/* n */
	uint8_t    *queued;			/* n */
	int64_t		first;			/* of the ring */
	int64_t		waiting;
	int64_t		work;
} negative_state;

/* An exact sum: floats that do not overlap, the largest last (Shewchuk 1997). */
typedef struct exact_sum
{
	int			count;
	double		part[MAX_PARTIALS];
} exact_sum;

static void
exact_add(exact_sum *sum, double x)
{
	int			kept = 0;

	for (int i = 0; i < sum->count; i++)
	{
		double		y = sum->part[i];
		double		high = x + y;
		double		back = high - x;
		double		low = (x - (high - back)) + (y - back);

		if (low != 0)
			sum->part[kept++] = low;
		x = high;
	}
	if (x != 0 && kept < MAX_PARTIALS)
		sum->part[kept++] = x;
	sum->count = kept;
}

/* Whether the cycle that arc (u, v) closes, v above u in the tree, is negative. */
static bool
cycle_is_negative(negative_state *s, uint32_t u, uint32_t v, double length)
{
	exact_sum	sum = {0};

	exact_add(&sum, length);
	for (; u != v; u = s->parent[u])
	{
		exact_add(&sum, s->length[u]);
		s->work++;
	}
	return sum.count > 0 && sum.part[sum.count - 1] < 0;
}

/* Whether u lies in the subtree of v, which is in the tree. */
static bool
is_below(negative_state *s, uint32_t u, uint32_t v)
{
	uint32_t	w = v;

	do
	{
		if (w == u)
			return true;
		w = s->next[w];
		s->work++;
	} while (s->depth[w] > s->depth[v]);
	return false;
}

/* Takes v and its subtree out of the tree. */
static void
take_out(negative_state *s, uint32_t v)
{
	uint32_t	before = s->previous[v];
	uint32_t	w = v;

	do
	{
		s->state[w] = TAKEN_OUT;
		w = s->next[w];
	} while (s->depth[w] > s->depth[v]);
	s->next[before] = w;
	s->previous[w] = before;
}

/* Hangs v, which is not in the tree, below u. */
static void
hang(negative_state *s, uint32_t v, uint32_t u, double length)
{
	uint32_t	behind = s->next[u];

	s->parent[v] = u;
	s->length[v] = length;
	s->depth[v] = s->depth[u] + 1;
	s->next[v] = behind;
	s->previous[v] = u;
	s->next[u] = v;
	s->previous[behind] = v;
	s->state[v] = IN_TREE;
	if (!s->queued[v])
	{
		int64_t		at = s->first + s->waiting++;

		s->queue[at < s->g->nodes ? at : at - s->g->nodes] = v;
		s->queued[v] = true;
	}
}

/* Reports the cycle by its smallest node, the same for every way to find it. */
static rk_status
fail_cycle(rk_ctx *ctx, const negative_state *s, uint32_t u, uint32_t v)
{
	uint32_t	smallest = v;

	for (; u != v; u = s->parent[u])
		if (u < smallest)
			smallest = u;
	return rk_fail_node(ctx, RK_ERR_DATA, smallest,
						"graph has a cycle of negative length through node %%node");
}

/* Relaxes the arcs of u. */
static rk_status
scan(rk_ctx *ctx, negative_state *s, uint32_t u, const double *allowed)
{
	const rk_adjacency *out = &s->g->out;
	double		distance = s->distance[u];

	for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
	{
		uint32_t	v = out->neighbors[i];
		double		sum = distance + (out->weights ? out->weights[i] : 1);

		if (sum > s->distance[v] || (sum == s->distance[v] && s->state[v] != TAKEN_OUT) ||
			sum == INFINITY || (allowed && allowed[v] == INFINITY))
			continue;
		if (sum == -INFINITY)
			return rk_fail_node(ctx, RK_ERR_OVERFLOW, v,
								"distance of node %%node is out of range");
		if (s->state[v] == IN_TREE)
		{
			if (s->work >= POLL_WORK)
			{
				s->work = 0;
				if (rk_ctx_poll(ctx))
					return RK_STOPPED;
			}
			if (is_below(s, u, v))
			{
				if (cycle_is_negative(s, u, v, out->weights[i]))
					return fail_cycle(ctx, s, u, v);
				continue;
			}
			take_out(s, v);
		}
		s->distance[v] = sum;
		hang(s, v, u, out->weights ? out->weights[i] : 1);
	}
	s->work += rk_degree(out, u) + 8;
	return RK_OK;
}

rk_status
rk_graph_path_negative(rk_ctx *ctx, const rk_graph *g, uint32_t source,
					   const double *allowed, double *distance)
{
	negative_state s = {.g = g,.distance = distance};
	int64_t		n = g->nodes;
	rk_status	status;

	s.length = rk_alloc(ctx, n, sizeof(double));
	s.parent = rk_alloc(ctx, n, sizeof(uint32_t));
	s.depth = rk_alloc(ctx, n, sizeof(uint32_t));
	s.next = rk_alloc(ctx, n, sizeof(uint32_t));
	s.previous = rk_alloc(ctx, n, sizeof(uint32_t));
	s.queue = rk_alloc(ctx, n, sizeof(uint32_t));
	s.state = rk_alloc0(ctx, n, sizeof(uint8_t));
	s.queued = rk_alloc0(ctx, n, sizeof(uint8_t));
	if (!s.length || !s.parent || !s.depth || !s.next || !s.previous || !s.queue ||
		!s.state || !s.queued)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		distance[v] = INFINITY;

	/* the source is its own circle, and above everything else */
	distance[source] = 0;
	s.depth[source] = 0;
	s.next[source] = source;
	s.previous[source] = source;
	s.state[source] = IN_TREE;
	s.queue[0] = source;
	s.queued[source] = true;
	s.waiting = 1;
	while (s.waiting > 0)
	{
		uint32_t	u = s.queue[s.first];

		if (++s.first == n)
			s.first = 0;
		s.waiting--;
		s.queued[u] = false;
		if (s.state[u] != IN_TREE)
			continue;
		if ((status = scan(ctx, &s, u, allowed)) != RK_OK)
			return status;
		if (s.work >= POLL_WORK)
		{
			s.work = 0;
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
	}
	rk_free(ctx, s.length);
	rk_free(ctx, s.parent);
	rk_free(ctx, s.depth);
	rk_free(ctx, s.next);
	rk_free(ctx, s.previous);
	rk_free(ctx, s.queue);
	rk_free(ctx, s.state);
	rk_free(ctx, s.queued);
	return RK_OK;
}

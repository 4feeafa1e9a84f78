/*
 * betweenness_search.c
 *	  Counting shortest paths from one source, and the dependencies of the
 *	  source on the nodes along them (Brandes 2001).
 *
 * Without weights the search goes level by level and chooses the direction of
 * each step as Beamer, Asanovic and Patterson (2012) do for reachability:
 *
 * push	the nodes of the last level add their counts to their out-neighbours;
 *		costs the out-arcs of that level.
 * pull	every unseen node adds up the counts of its in-neighbours; costs the
 *		in-arcs of the unseen nodes, but no branch in the inner loop.
 *
 * On the way back the same two steps exist for the dependencies, and the arcs
 * between two levels are crossed from the side that the search had chosen
 * there.  On a graph with hubs this leaves a quarter of the arcs to look at.
 * Predecessors are not stored (Madduri and others 2009): which neighbours
 * count follows from the state of the arrays alone, as explained at each step.
 *
 * With weights it is Dijkstra's algorithm with a heap of four children; paths
 * are of equal length when their float8 sums are equal.
 */
#include "betweenness.h"

#include <math.h>
#include <string.h>

int64_t
rk_path_search_memory(int64_t nodes, bool weighted)
{
	return nodes * (2 * sizeof(double) + sizeof(uint32_t) +
					(weighted ?
					 sizeof(double) + sizeof(uint32_t) + sizeof(rk_path_heap_entry) :
					 2 * sizeof(uint32_t) + sizeof(bool)));
}

rk_path_search *
rk_path_search_create(rk_ctx *ctx, const rk_graph *graph, const uint32_t *mass)
{
	int64_t		n = graph->nodes;
	rk_path_search *searches = rk_alloc0(ctx, ctx->threads, sizeof(*searches));

	if (searches == NULL)
		return NULL;
	for (int t = 0; t < ctx->threads; t++)
	{
		rk_path_search *s = &searches[t];

		s->ctx = ctx;
		s->thread = t;
		s->graph = graph;
		s->mass = mass;
		s->paths = rk_alloc0(ctx, n, sizeof(double));
		s->value = rk_alloc0(ctx, n, sizeof(double));
		/* pushing writes one entry past the last node that it finds */
		s->order = rk_alloc(ctx, n + 1, sizeof(uint32_t));
		if (!s->paths || !s->value || !s->order)
			return NULL;
		if (graph->out.weights)
		{
			s->distance = rk_alloc(ctx, n, sizeof(double));
			s->place = rk_alloc(ctx, n, sizeof(uint32_t));
			s->heap = rk_alloc(ctx, n, sizeof(rk_path_heap_entry));
			if (!s->distance || !s->place || !s->heap)
				return NULL;
			for (int64_t v = 0; v < n; v++)
				s->distance[v] = INFINITY;
		}
		else
		{
			s->level_begin = rk_alloc(ctx, n + 2, sizeof(uint32_t));
			s->pulled = rk_alloc(ctx, n + 1, sizeof(bool));
			s->unseen = rk_alloc(ctx, n + 1, sizeof(uint32_t));
			if (!s->level_begin || !s->pulled || !s->unseen)
				return NULL;
		}
	}
	return searches;
}

void
rk_path_search_free(rk_ctx *ctx, rk_path_search *searches)
{
	for (int t = 0; t < ctx->threads; t++)
	{
		rk_path_search *s = &searches[t];

		rk_free(ctx, s->paths);
		rk_free(ctx, s->value);
		rk_free(ctx, s->order);
		rk_free(ctx, s->level_begin);
		rk_free(ctx, s->pulled);
		rk_free(ctx, s->unseen);
		rk_free(ctx, s->distance);
		rk_free(ctx, s->place);
		rk_free(ctx, s->heap);
	}
	rk_free(ctx, searches);
}

rk_status
rk_path_fail(rk_ctx *ctx, rk_path_failure failure)
{
	return rk_fail(ctx, RK_ERR_OVERFLOW, failure == RK_PATHS_LENGTH ?
				   "length of a path is out of range" :
				   "number of shortest paths is out of range");
}

/* ---- without weights ---- */

/*
 * Sum of x over the neighbours at [begin, end).  Four sums side by side, as one
 * addition would wait for the other.
 */
static inline double
gather(const double *x, const uint32_t *neighbors, int64_t begin, int64_t end)
{
	double		s0 = 0,
				s1 = 0,
				s2 = 0,
				s3 = 0;
	int64_t		j = begin;

	for (; j + 4 <= end; j += 4)
	{
		s0 += x[neighbors[j]];
		s1 += x[neighbors[j + 1]];
		s2 += x[neighbors[j + 2]];
		s3 += x[neighbors[j + 3]];
	}
	for (; j < end; j++)
		s0 += x[neighbors[j]];
	return (s0 + s1) + (s2 + s3);
}

/*
 * Adds the counts of the level at order[begin, end) to its out-neighbours,
 * except to those that are final.  Returns where order ends now, or -1.
 */
static int64_t
push_level(rk_path_search *s, int64_t begin, int64_t end)
{
	const rk_adjacency *out = &s->graph->out;
	double	   *paths = s->paths;
	uint32_t   *order = s->order;
	int64_t		to = end;

	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	v = order[i];
		double		count = paths[v];
		int64_t		last = out->offsets[v + 1];

		if (!rk_path_spend(s, last - out->offsets[v] + 1))
			return -1;
		for (int64_t j = out->offsets[v]; j < last; j++)
		{
			/* without branches: which of the three it is cannot be foreseen */
			uint32_t	w = out->neighbors[j];
			double		old = paths[w];
			double		sum = old - count;

			order[to] = w;
			to += old == 0;
			paths[w] = old < 0 ? old : sum;
		}
	}
	for (int64_t i = end; i < to; i++)
		paths[order[i]] = -paths[order[i]];
	return to;
}

/*
 * Lets every unseen node add up its in-neighbours: those of the last level
 * count, other unseen ones are 0, and a neighbour of an earlier level would
 * have made it seen.  *unseen_count is how many are listed, -1 before the
 * first time.
 */
static int64_t
pull_level(rk_path_search *s, int64_t end, int64_t *unseen_count)
{
	const rk_adjacency *in = &s->graph->in;
	double	   *paths = s->paths;
	double	   *value = s->value;
	uint32_t   *unseen = s->unseen;
	int64_t		to = end;
	int64_t		left = 0;

	if (*unseen_count < 0)
	{
		int64_t		count = 0;

		for (int64_t v = 0; v < s->graph->nodes; v++)
		{
			unseen[count] = v;
			count += (paths[v] == 0) & (in->offsets[v] != in->offsets[v + 1]);
		}
		*unseen_count = count;
		if (!rk_path_spend(s, s->graph->nodes))
			return -1;
	}
	for (int64_t i = 0; i < *unseen_count; i++)
	{
		uint32_t	u = unseen[i];
		int64_t		last = in->offsets[u + 1];
		double		sum;

		if (paths[u] != 0)
			continue;
		if (!rk_path_spend(s, last - in->offsets[u] + 1))
			return -1;
		sum = gather(paths, in->neighbors, in->offsets[u], last);
		if (sum != 0)
		{
			/* set aside: nodes of this level must not see each other */
			value[u] = sum;
			s->order[to++] = u;
		}
		else
			unseen[left++] = u;
	}
	*unseen_count = left;
	for (int64_t i = end; i < to; i++)
	{
		uint32_t	u = s->order[i];

		paths[u] = value[u];
		value[u] = 0;
	}
	return to;
}

static bool
count_by_levels(rk_path_search *s, uint32_t source)
{
	const rk_graph *g = s->graph;
	const int64_t *out = g->out.offsets;
	const int64_t *in = g->in.offsets;
	int64_t		unseen_arcs = in[g->nodes] - (in[source + 1] - in[source]);
	int64_t		unseen_count = -1;
	int64_t		begin = 0;
	int64_t		end = 1;

	s->paths[source] = -1;
	s->order[0] = source;
	s->level_begin[0] = 0;
	s->levels = 1;
	s->touched = false;
	while (unseen_arcs > 0)
	{
		int64_t		push = 0;
		int64_t		pull;
		int64_t		to;
		bool		pulls;

		for (int64_t i = begin; i < end; i++)
			push += out[s->order[i] + 1] - out[s->order[i]];
		pull = unseen_arcs + (unseen_count < 0 ? g->nodes / 4 : unseen_count);
		pulls = push > pull / 2;
		to = pulls ? pull_level(s, end, &unseen_count) : push_level(s, begin, end);
		if (to < 0)
			return false;
		if (to == end)
			break;
		for (int64_t i = end; i < to; i++)
			unseen_arcs -= in[s->order[i] + 1] - in[s->order[i]];
		s->pulled[s->levels - 1] = pulls;
		s->touched |= pulls;
		s->level_begin[s->levels++] = end;
		begin = end;
		end = to;
	}
	s->level_begin[s->levels] = end;
	s->reached = end;
	return true;
}

/*
 * Turns the accumulated value of v into its dependency, adds that to sum and
 * returns the coefficient (mass + dependency) / paths.
 */
static inline double
settle(rk_path_search *s, uint32_t v, double accumulated, double factor,
	   double extra, double *sum)
{
	double		paths = -s->paths[v];
	double		dependency = paths * accumulated;

	if (isinf(paths))
		s->failure = RK_PATHS_COUNT;
	if (sum)
		sum[v] += factor * (dependency + extra);
	return ((s->mass ? s->mass[v] : 1) + dependency) / paths;
}

/*
 * From the last level to the first.  A node's coefficient replaces its count
 * as soon as it is known.
 *
 * Where the level above was found by pulling, its nodes push their coefficient
 * into value of all in-neighbours.  Of these, nodes of the same level or
 * beyond have used their value already, so that it does no harm there, nor at
 * nodes that were not reached.  Else the nodes below pull: value of the level
 * above is set to its coefficients, and at all other out-neighbours it is
 * still 0, since nobody pushes below the level it belongs to.
 */
static bool
dependencies_by_levels(rk_path_search *s, double factor, double extra, double *sum)
{
	const rk_adjacency *out = &s->graph->out;
	const rk_adjacency *in = &s->graph->in;
	double	   *value = s->value;
	double	   *coefficient = s->paths;
	bool		known = false;

	for (int64_t level = s->levels - 1; level >= 1; level--)
	{
		const uint32_t *first = s->order + s->level_begin[level];
		const uint32_t *end = s->order + s->level_begin[level + 1];
		const uint32_t *below = s->order + s->level_begin[level - 1];

		if (!known)
		{
			for (const uint32_t *w = first; w < end; w++)
				coefficient[*w] = settle(s, *w, value[*w], factor, extra, sum);
		}
		if (s->failure)
			return false;
		known = false;
		if (level == 1)
			break;
		if (s->pulled[level - 1])
		{
			for (const uint32_t *w = first; w < end; w++)
			{
				double		c = coefficient[*w];
				int64_t		last = in->offsets[*w + 1];

				if (!rk_path_spend(s, last - in->offsets[*w] + 1))
					return false;
				for (int64_t j = in->offsets[*w]; j < last; j++)
					value[in->neighbors[j]] += c;
			}
		}
		else
		{
			for (const uint32_t *w = first; w < end; w++)
				value[*w] = coefficient[*w];
			for (const uint32_t *v = below; v < first; v++)
			{
				int64_t		last = out->offsets[*v + 1];

				if (!rk_path_spend(s, last - out->offsets[*v] + 1))
					return false;
				coefficient[*v] = settle(s, *v, gather(value, out->neighbors, out->offsets[*v], last),
										 factor, extra, sum);
			}
			known = true;
		}
	}
	return true;
}

/* ---- with weights ---- */

#define HEAP_CHILDREN 4

/* Moves e up from the hole at position i. */
static inline void
heap_rise(rk_path_search *s, int64_t i, rk_path_heap_entry e)
{
	while (i > 0)
	{
		int64_t		parent = (i - 1) / HEAP_CHILDREN;

		if (s->heap[parent].distance <= e.distance)
			break;
		s->heap[i] = s->heap[parent];
		s->place[s->heap[i].node] = i;
		i = parent;
	}
	s->heap[i] = e;
	s->place[e.node] = i;
}

/* Takes the nearest node off the heap. */
static inline uint32_t
heap_pop(rk_path_search *s)
{
	uint32_t	top = s->heap[0].node;
	rk_path_heap_entry e = s->heap[--s->heap_size];
	int64_t		n = s->heap_size;
	int64_t		i = 0;

	for (;;)
	{
		int64_t		child = i * HEAP_CHILDREN + 1;
		int64_t		end = child + HEAP_CHILDREN < n ? child + HEAP_CHILDREN : n;
		int64_t		least = child;

		if (child >= n)
			break;
		for (int64_t c = child + 1; c < end; c++)
			if (s->heap[c].distance < s->heap[least].distance)
				least = c;
		if (s->heap[least].distance >= e.distance)
			break;
		s->heap[i] = s->heap[least];
		s->place[s->heap[i].node] = i;
		i = least;
	}
	if (n > 0)
	{
		s->heap[i] = e;
		s->place[e.node] = i;
	}
	return top;
}

static bool
count_by_distance(rk_path_search *s, uint32_t source, uint32_t target)
{
	const rk_adjacency *out = &s->graph->out;
	double	   *paths = s->paths;
	double	   *distance = s->distance;
	bool		too_long = false;

	s->reached = 0;
	s->heap_size = 1;
	s->heap[0] = (rk_path_heap_entry) {0, source};
	s->place[source] = 0;
	distance[source] = 0;
	paths[source] = 1;
	while (s->heap_size > 0)
	{
		uint32_t	v = heap_pop(s);
		double		count = paths[v];
		double		so_far = distance[v];
		int64_t		last = out->offsets[v + 1];

		paths[v] = -count;
		s->place[v] = s->reached;
		s->order[s->reached++] = v;
		if (v == target)
			break;
		if (!rk_path_spend(s, 8 * (last - out->offsets[v] + 1)))
			return false;
		for (int64_t j = out->offsets[v]; j < last; j++)
		{
			uint32_t	w = out->neighbors[j];
			double		length = so_far + out->weights[j];

			if (paths[w] < 0)
				continue;
			if (isinf(length))
				too_long = true;
			else if (length < distance[w])
			{
				int64_t		at = paths[w] == 0 ? s->heap_size++ : s->place[w];

				distance[w] = length;
				paths[w] = count;
				heap_rise(s, at, (rk_path_heap_entry) {length, w});
			}
			else if (length == distance[w])
				paths[w] += count;
		}
	}

	/* a path that is too long matters if there was no other one */
	if (too_long && s->heap_size == 0)
	{
		for (int64_t i = 0; i < s->reached; i++)
			for (int64_t j = out->offsets[s->order[i]]; j < out->offsets[s->order[i] + 1]; j++)
				if (paths[out->neighbors[j]] == 0)
					s->failure = RK_PATHS_LENGTH;
		if (s->failure)
			return false;
	}

	/* stopped at the target: what is left in the heap has been touched too */
	for (int64_t i = 0; i < s->heap_size; i++)
		s->order[s->reached + i] = s->heap[i].node;
	return true;
}

/*
 * In the opposite order.  value is 0 at nodes that are not done yet, hence an
 * arc counts only towards a node that became final later: an arc so short
 * that adding it does not change the distance cannot count both ways.
 */
static bool
dependencies_by_distance(rk_path_search *s, double factor, double extra, double *sum)
{
	const rk_adjacency *out = &s->graph->out;
	double	   *value = s->value;

	for (int64_t i = s->reached - 1; i >= 1; i--)
	{
		uint32_t	v = s->order[i];
		double		so_far = s->distance[v];
		double		accumulated = 0;
		int64_t		last = out->offsets[v + 1];

		if (!rk_path_spend(s, 2 * (last - out->offsets[v] + 1)))
			return false;
		for (int64_t j = out->offsets[v]; j < last; j++)
		{
			uint32_t	w = out->neighbors[j];

			if (s->distance[w] == so_far + out->weights[j])
				accumulated += value[w];
		}
		value[v] = settle(s, v, accumulated, factor, extra, sum);
	}
	return !s->failure;
}

/* ---- either ---- */

bool
rk_path_count(rk_path_search *s, uint32_t source, uint32_t target)
{
	return s->distance ? count_by_distance(s, source, target) :
		count_by_levels(s, source);
}

bool
rk_path_dependencies(rk_path_search *s, double factor, double extra, double *sum)
{
	return s->distance ? dependencies_by_distance(s, factor, extra, sum) :
		dependencies_by_levels(s, factor, extra, sum);
}

void
rk_path_clear(rk_path_search *s)
{
	int64_t		n = s->graph->nodes;

	if (s->distance)
	{
		for (int64_t i = 0; i < s->reached + s->heap_size; i++)
		{
			uint32_t	v = s->order[i];

			s->paths[v] = 0;
			s->value[v] = 0;
			s->distance[v] = INFINITY;
		}
	}
	else if (s->touched || s->reached > n / 4)
	{
		memset(s->paths, 0, sizeof(double) * n);
		memset(s->value, 0, sizeof(double) * n);
	}
	else
	{
		for (int64_t i = 0; i < s->reached; i++)
		{
			s->paths[s->order[i]] = 0;
			s->value[s->order[i]] = 0;
		}
	}
}

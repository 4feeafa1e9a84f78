/*
 * shortest_path_between.c
 *	  The k shortest loopless paths between two nodes.
 *
 * Yen's algorithm: every path that is not yet known leaves the tree of known
 * paths at some node of it, the spur, over an arc that the tree does not have
 * there.  What can follow a spur without touching the nodes before it is one
 * subproblem; its best solution is a candidate, and the best candidate is the
 * next path.  By Lawler's rule only the spurs from where the new path has left
 * the tree are looked at again, since nothing has changed for the others.
 *
 * Subproblems are solved only when it is their turn.  One search from the
 * target has given every node its distance to it, and the cheapest way on from
 * a spur by those distances bounds its subproblem from below.  A candidate of
 * that bound waits with the others; most never reach the front.
 *
 * Where all sums are exact (integers, say), the bound is met whenever the
 * nodes that lead from it to the target, always the first in order, avoid the
 * path before the spur: a walk, no search.  Otherwise a search guided by the
 * distances to the target (A*) finds distances, and a breadth-first search
 * over its tight arcs finds, of all shortest paths, the one with the fewest
 * edges that is first in order.
 */
#include "shortest_path_search.h"

#define ARC_CHUNK 65536
#define POLL_WORK 65536
#define ROOT 1					/* mark: on the path before the spur */
#define BLOCKED 2				/* mark: known to follow the spur */
#define QUEUED 4				/* mark: waits in the queue of a search */

/* A node of the tree of known paths. */
typedef struct tree_node
{
	double		distance;		/* from the source along the tree */
	int64_t		parent;			/* -1: the source */
	int64_t		child;			/* first of its children, or -1 */
	int64_t		sibling;		/* the parent's next child, or -1 */
	uint32_t	node;
	uint32_t	depth;			/* edges from the source */
} tree_node;

/* The best path of a subproblem, or a bound for it. */
typedef struct candidate
{
	double		distance;
	int64_t		spur;			/* in the tree */
	int64_t		suffix;			/* nodes after the spur in the store; -1: bound */
	uint32_t	hops;			/* in all */
	uint32_t	first;			/* bound: node that follows the spur */
} candidate;

typedef struct between_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	uint32_t	target;
	int64_t		k;
	bool		exact;			/* no sum is rounded */
	bool		negative;
	double		slack;			/* relative and absolute bound of rounding */
	double		slack_absolute;
	double	   *to_target;		/* n: distance; NULL: hops without weights */
	uint64_t   *to_target_label;	/* n: hops of it */
	uint8_t    *mark;			/* n */
	int64_t		work;

	tree_node  *tree;
	int64_t		tree_count;
	int64_t		tree_capacity;
	candidate  *heap;			/* by compare_candidates */
	int64_t		heap_count;
	int64_t		heap_capacity;
	uint32_t   *store;			/* suffixes of candidates */
	int64_t		store_count;
	int64_t		store_capacity;
	int64_t    *found;			/* tree: the target of every path found */
	int64_t		found_count;
	int64_t		found_capacity;
	double	   *best;			/* distances of solved candidates, rising */
	int64_t		best_count;
	int64_t		best_capacity;
	uint32_t   *left;			/* n + 1: room to compare two paths */
	uint32_t   *right;

	/* of one search */
	rk_path_queue queue;
	double	   *distance;		/* n: from the source, through the spur */
	uint32_t   *parent;			/* n */
	uint32_t   *touched;		/* n */
	int64_t		touched_count;
} between_state;

/* Makes room for one more entry of size bytes, count being in use. */
static void *
grow(rk_ctx *ctx, void *array, int64_t needed, int64_t *capacity, size_t size)
{
	if (needed <= *capacity)
		return array;
	while (*capacity < needed)
		*capacity = *capacity < 64 ? 64 : *capacity * 2;
	return rk_realloc(ctx, array, *capacity, size);
}

static inline double
arc_length(const rk_adjacency *rows, int64_t i)
{
	return rows->weights ? rows->weights[i] : 1;
}

/* Distance to the target, infinite when there is none. */
static inline double
remaining(const between_state *s, uint32_t v)
{
	if (s->to_target)
		return s->to_target[v];
	return s->to_target_label[v] == RK_PATH_UNSEEN ? INFINITY :
		(double) rk_path_hops(s->to_target_label[v]);
}

/* What a path cannot be shorter than if x, which may be rounded, is its sum. */
static inline double
at_least(const between_state *s, double x)
{
	return x - (fabs(x) * s->slack + s->slack_absolute);
}

/* Counts work; false when the call should end. */
static bool
poll(between_state *s, int64_t work)
{
	s->work += work;
	if (s->work < POLL_WORK)
		return true;
	s->work = 0;
	return !rk_ctx_poll(s->ctx);
}

/* Writes the nodes of the tree down to t, and returns how many. */
static int64_t
write_prefix(const between_state *s, int64_t t, uint32_t *nodes)
{
	int64_t		count = (int64_t) s->tree[t].depth + 1;

	for (int64_t i = count - 1; i >= 0; i--)
	{
		nodes[i] = s->tree[t].node;
		t = s->tree[t].parent;
	}
	return count;
}

/* Writes what is known of a candidate's nodes, and returns how many. */
static int64_t
write_candidate(const between_state *s, const candidate *c, uint32_t *nodes)
{
	int64_t		count = write_prefix(s, c->spur, nodes);

	if (c->suffix < 0)
	{
		nodes[count] = c->first;
		return count + 1;
	}
	memcpy(nodes + count, s->store + c->suffix, sizeof(uint32_t) * (c->hops + 1 - count));
	return (int64_t) c->hops + 1;
}

static int
compare_nodes(const uint32_t *a, int64_t a_count, const uint32_t *b, int64_t b_count)
{
	for (int64_t i = 0; i < a_count && i < b_count; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/*
 * Whether a comes before b.  A bound comes before everything that it does not
 * exceed, so that no path is taken while a better one may be behind a bound.
 */
static bool
comes_before(const between_state *s, const candidate *a, const candidate *b)
{
	int			order;

	if (a->distance != b->distance)
		return a->distance < b->distance;
	if (!s->exact && (a->suffix < 0 || b->suffix < 0))
		return a->suffix < 0 && b->suffix >= 0;
	if (a->hops != b->hops)
		return a->hops < b->hops;
	order = compare_nodes(s->left, write_candidate(s, a, s->left),
						  s->right, write_candidate(s, b, s->right));
	if (order != 0)
		return order < 0;
	return a->suffix < 0 && b->suffix >= 0;
}

static rk_status
push_candidate(between_state *s, candidate c)
{
	int64_t		i = s->heap_count;
	candidate  *heap = grow(s->ctx, s->heap, i + 1, &s->heap_capacity, sizeof(candidate));

	if (heap == NULL)
		return RK_ERR_MEMORY;
	s->heap = heap;
	s->heap_count++;
	while (i > 0 && comes_before(s, &c, &heap[(i - 1) / 2]))
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = c;
	return RK_OK;
}

static candidate
pop_candidate(between_state *s)
{
	candidate  *heap = s->heap;
	candidate	top = heap[0];
	candidate	last = heap[--s->heap_count];
	int64_t		i = 0;

	for (;;)
	{
		int64_t		child = 2 * i + 1;

		if (child >= s->heap_count)
			break;
		if (child + 1 < s->heap_count && comes_before(s, &heap[child + 1], &heap[child]))
			child++;
		if (!comes_before(s, &heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/* No path longer than this is wanted: there are enough that are shorter. */
static double
limit(const between_state *s)
{
	int64_t		wanted = s->k - s->found_count;

	return s->best_count < wanted ? INFINITY : s->best[wanted - 1];
}

/* Notes the distance of a candidate that was solved. */
static rk_status
note_distance(between_state *s, double distance)
{
	double	   *best = grow(s->ctx, s->best, s->best_count + 1, &s->best_capacity,
							sizeof(double));
	int64_t		i = s->best_count;

	if (best == NULL)
		return RK_ERR_MEMORY;
	s->best = best;
	for (; i > 0 && best[i - 1] > distance; i--)
		best[i] = best[i - 1];
	best[i] = distance;

	/* those beyond the k best set no limit */
	if (s->best_count < s->k - s->found_count)
		s->best_count++;
	return RK_OK;
}

/*
 * Queues a bound for the subproblem of spur, if it has a way on at all.  The
 * nodes up to the spur are marked.
 */
static rk_status
push_bound(between_state *s, int64_t spur)
{
	const rk_adjacency *out = &s->g->out;
	const tree_node *t = &s->tree[spur];
	candidate	c = {.distance = INFINITY,.spur = spur,.suffix = -1,.hops = UINT32_MAX};

	for (int64_t i = t->child; i >= 0; i = s->tree[i].sibling)
		s->mark[s->tree[i].node] |= BLOCKED;
	for (int64_t i = out->offsets[t->node]; i < out->offsets[t->node + 1]; i++)
	{
		uint32_t	v = out->neighbors[i];
		double		sum = t->distance + arc_length(out, i) + remaining(s, v);
		uint32_t	hops;

		if (s->mark[v] != 0 || sum == INFINITY)
			continue;
		hops = s->exact ? t->depth + 1 + rk_path_hops(s->to_target_label[v]) : 0;
		if (sum < c.distance || (sum == c.distance && hops < c.hops))
		{
			c.distance = sum;
			c.hops = hops;
			c.first = v;
		}
	}
	for (int64_t i = t->child; i >= 0; i = s->tree[i].sibling)
		s->mark[s->tree[i].node] &= ~BLOCKED;
	if (c.distance == INFINITY)
		return RK_OK;
	c.distance = at_least(s, c.distance);
	return c.distance > limit(s) ? RK_OK : push_candidate(s, c);
}

/* Marks the nodes of the tree from t upwards, or takes the marks away. */
static void
mark_root(between_state *s, int64_t t, bool on)
{
	for (; t >= 0; t = s->tree[t].parent)
		s->mark[s->tree[t].node] = on ? ROOT : 0;
}

/*
 * Follows the first of the shortest ways from c->first to the target.  Returns
 * false when it runs into a marked node; the store is as before then.
 */
static bool
walk(between_state *s, candidate *c)
{
	const rk_adjacency *out = &s->g->out;
	int64_t		at = s->store_count;
	uint32_t	u = c->first;

	s->store[at++] = u;
	while (u != s->target)
	{
		double		left = remaining(s, u);
		uint32_t	hops = rk_path_hops(s->to_target_label[u]);
		int64_t		i = out->offsets[u];

		while (remaining(s, out->neighbors[i]) + arc_length(out, i) != left ||
			   rk_path_hops(s->to_target_label[out->neighbors[i]]) + 1 != hops)
			i++;
		s->work += i - out->offsets[u] + 1;
		u = out->neighbors[i];
		if (s->mark[u] & ROOT)
			return false;
		s->store[at++] = u;
	}
	c->suffix = s->store_count;
	s->store_count = at;
	return true;
}

/*
 * Offers v a distance by way of u.  Where lengths are negative, rounding could
 * make a way around a cycle look shorter; such a way is turned down.
 */
static void
offer(between_state *s, uint32_t u, uint32_t v, double distance, double max)
{
	double		old = s->distance[v];
	double		key = distance + remaining(s, v);
	bool		queued = s->mark[v] & QUEUED;

	if (distance >= old || key == INFINITY || at_least(s, key) > max)
		return;
	if (s->negative && old < INFINITY)
		for (uint32_t w = u; w != RK_NO_NODE; w = s->parent[w])
			if (w == v)
				return;
	if (old == INFINITY)
		s->touched[s->touched_count++] = v;
	s->distance[v] = distance;
	s->parent[v] = u;
	s->mark[v] |= QUEUED;
	rk_path_queue_put(&s->queue, v, queued ? old + remaining(s, v) : INFINITY, key, 0);
}

/* Distances of all nodes on shortest ways from the spur; false when stopped. */
static bool
search_distances(between_state *s, const tree_node *spur, double max)
{
	const rk_adjacency *out = &s->g->out;

	for (int64_t i = out->offsets[spur->node]; i < out->offsets[spur->node + 1]; i++)
	{
		uint32_t	v = out->neighbors[i];

		if ((s->mark[v] & (ROOT | BLOCKED)) == 0)
			offer(s, RK_NO_NODE, v, spur->distance + arc_length(out, i), max);
	}
	while (rk_path_queue_ready(&s->queue))
	{
		uint32_t	u = rk_path_heap_pop(&s->queue);
		double		distance = s->distance[u];

		s->mark[u] &= ~QUEUED;
		if (at_least(s, distance + remaining(s, u)) > s->distance[s->target])
			break;
		if (u == s->target)
			continue;
		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];

			if ((s->mark[v] & ROOT) == 0)
				offer(s, u, v, distance + arc_length(out, i), max);
		}
		if (!poll(s, rk_degree(out, u) + 8))
			return false;
	}
	return true;
}

/*
 * The first of the shortest ways with the fewest edges: breadth-first over
 * tight arcs, where the first to find a node has the smallest way to it.  The
 * queue of that search takes the place of the list of the one before; its
 * parents too.  Returns the number of nodes from the spur on, 0 when stopped.
 */
static int64_t
search_tight(between_state *s, const tree_node *spur, uint32_t *queue)
{
	const rk_adjacency *out = &s->g->out;
	int64_t		begin = 0;
	int64_t		end = 0;
	int64_t		count = 0;
	uint32_t	u = spur->node;
	double		distance = spur->distance;

	for (int64_t i = 0; i < s->touched_count; i++)
		s->parent[s->touched[i]] = RK_NO_NODE;
	for (;;)
	{
		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];

			if ((s->mark[v] & ROOT) != 0 || s->distance[v] == INFINITY ||
				distance + arc_length(out, i) != s->distance[v] ||
				s->parent[v] != RK_NO_NODE ||
				(u == spur->node && (s->mark[v] & BLOCKED) != 0))
				continue;
			s->parent[v] = u;
			queue[end++] = v;
		}
		if (!poll(s, rk_degree(out, u) + 8))
			return 0;
		if (s->parent[s->target] != RK_NO_NODE)
			break;
		u = queue[begin++];
		distance = s->distance[u];
	}
	for (u = s->target; u != spur->node; u = s->parent[u])
		count++;
	return count;
}

/* Solves the subproblem of a bound; c->suffix stays -1 if it has no path. */
static rk_status
search(between_state *s, candidate *c)
{
	const tree_node *spur = &s->tree[c->spur];
	rk_status	status = RK_OK;

	for (int64_t i = spur->child; i >= 0; i = s->tree[i].sibling)
		s->mark[s->tree[i].node] |= BLOCKED;
	if (!search_distances(s, spur, limit(s)))
		return RK_STOPPED;
	rk_path_queue_clear(&s->queue);
	if (s->distance[s->target] < INFINITY)
	{
		int64_t		count = search_tight(s, spur, s->left);
		uint32_t	v = s->target;

		if (count == 0)
			return RK_STOPPED;
		c->distance = s->distance[s->target];
		c->hops = spur->depth + (uint32_t) count;
		c->suffix = s->store_count;
		s->store_count += count;
		for (int64_t i = s->store_count - 1; i >= c->suffix; i--)
		{
			s->store[i] = v;
			v = s->parent[v];
		}
	}
	for (int64_t i = 0; i < s->touched_count; i++)
	{
		s->distance[s->touched[i]] = INFINITY;
		s->mark[s->touched[i]] &= ~QUEUED;
	}
	s->touched_count = 0;
	for (int64_t i = spur->child; i >= 0; i = s->tree[i].sibling)
		s->mark[s->tree[i].node] &= ~BLOCKED;
	return status;
}

/* Puts the solution of a bound in its place. */
static rk_status
solve(between_state *s, candidate c)
{
	uint32_t   *store = grow(s->ctx, s->store, s->store_count + s->g->nodes,
							 &s->store_capacity, sizeof(uint32_t));
	rk_status	status = RK_OK;

	if (store == NULL)
		return RK_ERR_MEMORY;
	s->store = store;
	mark_root(s, c.spur, true);
	if (!s->exact || !walk(s, &c))
		status = search(s, &c);
	mark_root(s, c.spur, false);
	if (status != RK_OK || c.suffix < 0)
		return status;
	if (c.distance > limit(s))
	{
		s->store_count = c.suffix;
		return RK_OK;
	}
	status = note_distance(s, c.distance);
	return status == RK_OK ? push_candidate(s, c) : status;
}

/* Adds the path of a solved candidate to the tree, and what follows from it. */
static rk_status
accept(between_state *s, const candidate *c)
{
	const rk_adjacency *out = &s->g->out;
	int64_t		count = (int64_t) c->hops - s->tree[c->spur].depth;
	int64_t		t = c->spur;
	tree_node  *tree = grow(s->ctx, s->tree, s->tree_count + count, &s->tree_capacity,
							sizeof(tree_node));
	int64_t    *found = grow(s->ctx, s->found, s->found_count + 1, &s->found_capacity,
							 sizeof(int64_t));
	rk_status	status = RK_OK;

	if (tree)
		s->tree = tree;
	if (found)
		s->found = found;
	if (!tree || !found)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	v = s->store[c->suffix + i];
		uint32_t	u = tree[t].node;
		int64_t		arc = out->offsets[u];

		while (out->neighbors[arc] != v)
			arc++;
		tree[s->tree_count] = (tree_node) {.distance = tree[t].distance + arc_length(out, arc),
			.parent = t,.child = -1,.sibling = tree[t].child,.node = v,.depth = tree[t].depth + 1};
		tree[t].child = s->tree_count;
		t = s->tree_count++;
	}
	s->found[s->found_count++] = t;

	/* the distances that set the limit are those of candidates only */
	s->best_count--;
	memmove(s->best, s->best + 1, sizeof(double) * s->best_count);
	if (s->found_count == s->k)
		return RK_OK;
	mark_root(s, c->spur, true);
	status = push_bound(s, c->spur);
	for (t = s->tree_count - count; t < s->tree_count - 1 && status == RK_OK; t++)
	{
		s->mark[tree[t].node] = ROOT;
		status = push_bound(s, t);
		if (!poll(s, rk_degree(out, tree[t].node) + 8))
			status = RK_STOPPED;
	}
	mark_root(s, s->tree_count - 1, false);
	return status;
}

/* Puts paths that are level by rounding alone in order. */
static void
order_found(between_state *s)
{
	for (int64_t i = 1; i < s->found_count; i++)
	{
		int64_t		t = s->found[i];
		int64_t		j = i;

		for (; j > 0; j--)
		{
			const tree_node *a = &s->tree[s->found[j - 1]];
			const tree_node *b = &s->tree[t];

			if (a->distance != b->distance || a->depth < b->depth ||
				(a->depth == b->depth &&
				 compare_nodes(s->left, write_prefix(s, s->found[j - 1], s->left),
							   s->right, write_prefix(s, t, s->right)) < 0))
				break;
			s->found[j] = s->found[j - 1];
		}
		s->found[j] = t;
	}
}

/* Copies the paths found out of the tree. */
static rk_status
write_paths(between_state *s, rk_paths *paths)
{
	int64_t		nodes = 0;

	for (int64_t i = 0; i < s->found_count; i++)
		nodes += (int64_t) s->tree[s->found[i]].depth + 1;
	paths->distance = rk_alloc(s->ctx, s->found_count, sizeof(double));
	paths->offsets = rk_alloc(s->ctx, s->found_count + 1, sizeof(int64_t));
	paths->nodes = rk_alloc(s->ctx, nodes, sizeof(uint32_t));
	if (!paths->distance || !paths->offsets || !paths->nodes)
		return RK_ERR_MEMORY;
	paths->count = s->found_count;
	paths->offsets[0] = 0;
	for (int64_t i = 0; i < s->found_count; i++)
	{
		paths->distance[i] = s->tree[s->found[i]].distance;
		paths->offsets[i + 1] = paths->offsets[i] +
			write_prefix(s, s->found[i], paths->nodes + paths->offsets[i]);
	}
	return RK_OK;
}

typedef struct exact_state
{
	const double *weights;
	int		   *lowest;			/* per chunk: exponent of the lowest bit set */
} exact_state;

static void
exact_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	exact_state *s = arg;
	int			lowest = 4096;

	(void) thread;
	for (int64_t i = begin; i < end; i++)
	{
		uint64_t	bits;
		uint64_t	mantissa;
		int			exponent;

		memcpy(&bits, &s->weights[i], sizeof(bits));
		mantissa = bits & ((UINT64_C(1) << 52) - 1);
		exponent = bits >> 52 & 2047;
		if (exponent > 0)
			mantissa |= UINT64_C(1) << 52;
		else
			exponent = 1;
		if (mantissa == 0)
			continue;
		exponent += __builtin_ctzll(mantissa) - 1075;
		if (exponent < lowest)
			lowest = exponent;
	}
	s->lowest[chunk] = lowest;
}

/* Finds out whether sums over paths are never rounded. */
static rk_status
find_exactness(between_state *s, const rk_path_lengths *lengths)
{
	exact_state e = {s->g->out.weights, NULL};
	int64_t		arcs = s->g->out.offsets[s->g->nodes];
	int64_t		chunks = rk_chunks(arcs, ARC_CHUNK);
	double		largest = fmax(lengths->max, -lengths->min) * (double) s->g->nodes;
	int			lowest = 4096;
	rk_status	status;

	s->exact = true;
	if (e.weights == NULL)
		return RK_OK;
	e.lowest = rk_alloc(s->ctx, chunks, sizeof(int));
	if (e.lowest == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(s->ctx, arcs, ARC_CHUNK, exact_chunk, &e)) != RK_OK)
		return status;
	for (int64_t c = 0; c < chunks; c++)
		if (e.lowest[c] < lowest)
			lowest = e.lowest[c];
	rk_free(s->ctx, e.lowest);
	s->exact = lowest == 4096 || largest < ldexp(1, 53 + lowest);
	if (s->exact)
		return RK_OK;

	/* of sums that never fall, the error is relative; else of the largest */
	if (s->negative)
		s->slack_absolute = largest * (double) s->g->nodes * 0x1p-50;
	else
		s->slack = (double) s->g->nodes * 0x1p-50;
	return RK_OK;
}

/*
 * Distances to the target.  With negative lengths only those nodes count that
 * the source reaches, since a negative cycle elsewhere is no concern of it.
 */
static rk_status
search_from_target(between_state *s, uint32_t source, const rk_path_lengths *lengths,
				   uint32_t *touched)
{
	rk_graph	reversed = *s->g;
	int64_t		n = s->g->nodes;
	double	   *from_source = NULL;
	rk_status	status;

	reversed.out = s->g->in;
	reversed.in = s->g->out;
	if (s->negative)
	{
		from_source = rk_alloc(s->ctx, n, sizeof(double));
		if (from_source == NULL)
			return RK_ERR_MEMORY;
		if ((status = rk_graph_path_negative(s->ctx, s->g, source, NULL, from_source)) != RK_OK)
			return status;
	}
	status = rk_graph_path_labels(s->ctx, &reversed, s->target, INFINITY, RK_PATH_AUTO,
								  lengths, from_source, s->to_target, s->to_target_label,
								  touched);
	rk_free(s->ctx, from_source);
	return status;
}

/* Allocates what Yen's algorithm needs. */
static rk_status
make_state(between_state *s)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;

	s->to_target_label = rk_alloc(ctx, n, sizeof(uint64_t));
	s->mark = rk_alloc0(ctx, n, sizeof(uint8_t));
	s->left = rk_alloc(ctx, n + 1, sizeof(uint32_t));
	s->right = rk_alloc(ctx, n + 1, sizeof(uint32_t));
	s->distance = rk_alloc(ctx, n, sizeof(double));
	s->parent = rk_alloc(ctx, n, sizeof(uint32_t));
	s->touched = rk_alloc(ctx, n, sizeof(uint32_t));
	s->queue.heap = rk_alloc(ctx, n, sizeof(rk_path_entry));
	s->queue.place = rk_alloc(ctx, n, sizeof(uint32_t));
	if (!s->to_target_label || !s->mark || !s->left || !s->right || !s->distance ||
		!s->parent || !s->touched || !s->queue.heap || !s->queue.place)
		return RK_ERR_MEMORY;
	if (s->g->out.weights && (s->to_target = rk_alloc(ctx, n, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	rk_path_queue_init(&s->queue, NULL, NULL, 0);
	for (int64_t v = 0; v < n; v++)
		s->distance[v] = INFINITY;
	return RK_OK;
}

static void
free_state(between_state *s)
{
	rk_ctx	   *ctx = s->ctx;

	rk_free(ctx, s->to_target);
	rk_free(ctx, s->to_target_label);
	rk_free(ctx, s->mark);
	rk_free(ctx, s->left);
	rk_free(ctx, s->right);
	rk_free(ctx, s->distance);
	rk_free(ctx, s->parent);
	rk_free(ctx, s->touched);
	rk_free(ctx, s->queue.heap);
	rk_free(ctx, s->queue.place);
	rk_free(ctx, s->tree);
	rk_free(ctx, s->heap);
	rk_free(ctx, s->store);
	rk_free(ctx, s->found);
	rk_free(ctx, s->best);
}

static rk_status
yen(rk_ctx *ctx, const rk_graph *g, uint32_t source, uint32_t target, int64_t k,
	const rk_path_lengths *lengths, rk_paths *paths)
{
	between_state s = {.ctx = ctx,.g = g,.target = target,.k = k,.negative = lengths->min < 0};
	rk_status	status;

	if ((status = make_state(&s)) != RK_OK ||
		(status = find_exactness(&s, lengths)) != RK_OK ||
		(status = search_from_target(&s, source, lengths, s.touched)) != RK_OK)
		return status;

	/* the whole problem is the subproblem of the source, with nothing known */
	s.tree = grow(ctx, NULL, 1, &s.tree_capacity, sizeof(tree_node));
	if (s.tree == NULL)
		return RK_ERR_MEMORY;
	s.tree[0] = (tree_node) {.parent = -1,.child = -1,.sibling = -1,.node = source};
	s.tree_count = 1;
	mark_root(&s, 0, true);
	status = push_bound(&s, 0);
	mark_root(&s, 0, false);
	rk_phase(ctx, "searching", k);
	while (status == RK_OK && s.found_count < k && s.heap_count > 0)
	{
		candidate	c = pop_candidate(&s);

		if (c.suffix < 0)
			status = solve(&s, c);
		else
		{
			status = accept(&s, &c);
			rk_progress(ctx, s.found_count);
		}
		if (status == RK_OK && !poll(&s, 64))
			status = RK_STOPPED;
	}
	if (status != RK_OK)
		return status;
	if (!s.exact)
		order_found(&s);
	if ((status = write_paths(&s, paths)) != RK_OK)
		return status;
	free_state(&s);
	return RK_OK;
}

/* Whether arc (u, v) of this length is on a shortest path, u being labelled. */
static inline bool
is_step(const rk_path_tree *tree, uint32_t u, uint32_t v, double length)
{
	return tree->label[u] != RK_PATH_UNSEEN &&
		rk_path_hops(tree->label[u]) + 1 == rk_path_hops(tree->label[v]) &&
		(tree->distance == NULL || tree->distance[u] + length == tree->distance[v]);
}

/*
 * Writes the first of the shortest paths to target.  Nodes on any of them are
 * found from the target backwards, then the smallest way through is taken.
 */
static rk_status
first_path(rk_ctx *ctx, const rk_graph *g, const rk_path_tree *tree, uint32_t source,
		   uint32_t target, uint64_t *on_path, uint32_t *queue, rk_paths *paths)
{
	uint32_t	hops = rk_path_hops(tree->label[target]);
	uint32_t	u = source;
	int64_t		end = 0;

	paths->distance = rk_alloc(ctx, 1, sizeof(double));
	paths->offsets = rk_alloc(ctx, 2, sizeof(int64_t));
	paths->nodes = rk_alloc(ctx, (int64_t) hops + 1, sizeof(uint32_t));
	if (!paths->distance || !paths->offsets || !paths->nodes)
		return RK_ERR_MEMORY;
	queue[end++] = target;
	on_path[target >> 6] |= UINT64_C(1) << (target & 63);
	for (int64_t begin = 0; begin < end; begin++)
	{
		uint32_t	v = queue[begin];

		if ((begin & 1023) == 1023 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = g->in.offsets[v]; i < g->in.offsets[v + 1]; i++)
		{
			uint32_t	w = g->in.neighbors[i];

			if ((on_path[w >> 6] >> (w & 63) & 1) || !is_step(tree, w, v, arc_length(&g->in, i)))
				continue;
			on_path[w >> 6] |= UINT64_C(1) << (w & 63);
			queue[end++] = w;
		}
	}
	for (uint32_t h = 0; h < hops; h++)
	{
		int64_t		i = g->out.offsets[u];

		paths->nodes[h] = u;
		for (;; i++)
		{
			uint32_t	v = g->out.neighbors[i];

			if ((on_path[v >> 6] >> (v & 63) & 1) && is_step(tree, u, v, arc_length(&g->out, i)))
				break;
		}
		u = g->out.neighbors[i];
	}
	paths->nodes[hops] = target;
	paths->count = 1;
	paths->distance[0] = tree->distance ? tree->distance[target] : hops;
	paths->offsets[0] = 0;
	paths->offsets[1] = (int64_t) hops + 1;
	return RK_OK;
}

/* One path: a search from both ends, unless that is not allowed. */
static rk_status
single(rk_ctx *ctx, const rk_graph *g, uint32_t source, uint32_t target,
	   const rk_path_lengths *lengths, rk_paths *paths)
{
	bool		weighted = g->out.weights != NULL;
	bool		both_ends = lengths->min >= 0 && !rk_path_may_overflow(lengths, g->nodes);
	rk_path_tree tree;
	rk_path_scratch scratch;
	uint32_t   *queue;
	bool		found;
	rk_status	status;

	queue = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	if (queue == NULL ||
		rk_graph_path_tree_make(ctx, g->nodes, weighted, &tree) != RK_OK ||
		rk_graph_path_scratch_make(ctx, g->nodes, weighted, both_ends,
								   rk_graph_path_buckets(g, lengths), &scratch) != RK_OK)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "searching", 0);
	if (both_ends)
	{
		if (!rk_graph_path_search_pair(ctx, 0, g, source, target, INFINITY, &scratch,
									   &tree, &found))
			return RK_STOPPED;
	}
	else
	{
		status = rk_graph_path_labels(ctx, g, source, INFINITY, RK_PATH_AUTO, lengths, NULL,
									  tree.distance, tree.label, tree.touched);
		if (status != RK_OK)
			return status;
		found = tree.label[target] != RK_PATH_UNSEEN;
	}
	if (found)
	{
		status = first_path(ctx, g, &tree, source, target, scratch.wanted, queue, paths);
		if (status != RK_OK)
			return status;
	}
	rk_graph_path_tree_free(ctx, &tree);
	rk_graph_path_scratch_free(ctx, &scratch);
	rk_free(ctx, queue);
	return RK_OK;
}

rk_status
rk_graph_shortest_path_between(rk_ctx *ctx, const rk_graph *g, uint32_t source,
							   uint32_t target, int64_t k, rk_paths *paths)
{
	rk_path_lengths lengths;
	rk_status	status;

	*paths = (rk_paths) {0};
	if (source >= g->nodes || target >= g->nodes)
		return rk_fail(ctx, RK_ERR_PARAMETER, "%s is not in the graph",
					   source >= g->nodes ? "source" : "target");
	if (k < 1)
		return rk_fail(ctx, RK_ERR_PARAMETER, "k must be at least 1");
	if ((status = rk_graph_path_lengths(ctx, g, &lengths)) != RK_OK)
		return status;

	/* nothing but the node itself leads from a node to itself */
	if (k == 1 || source == target)
		return single(ctx, g, source, target, &lengths, paths);
	return yen(ctx, g, source, target, k, &lengths, paths);
}

int64_t
rk_graph_shortest_path_between_memory(int64_t nodes, bool weighted, int threads)
{
	/* Yen's algorithm with the search from the target; two paths in the store */
	return nodes * (weighted ? 65 + 8 : 57) + 8 * nodes +
		rk_graph_shortest_path_memory(nodes, weighted, threads);
}

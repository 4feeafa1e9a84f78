/*
 * shortest_path_search.c
 *	  Searches of one thread: from a source, and from both ends of a pair.
 *
 * Dijkstra's algorithm takes nodes in the order of (distance, hops).  With
 * lengths >= 0 an arc never leads to a smaller pair, not even when the sum is
 * rounded, so every predecessor of a node is settled before the node and
 * distance, hops and the smallest predecessor come out of one pass.
 *
 * A search from both ends cannot add the two halves: sums from the target are
 * rounded differently than sums from the source.  It therefore goes on, after
 * the halves have met, with the search from the source alone, inside the
 * corridor of nodes that a path of that length, give or take all rounding,
 * could use.  The corridor is a small part of what was searched.
 */
#include "shortest_path_search.h"

#define POLL_WORK 65536			/* arcs between looks at the stop flag */

/* Go bottom-up when the frontier has more than this share of the arcs. */
#define ALPHA 15
/* Go back top-down when it has less than this share of the nodes. */
#define BETA 18

double
rk_graph_path_buckets(const rk_graph *g, const rk_path_lengths *lengths)
{
	/*
	 * A bucket as wide as a quarter of the mean length, divided by the mean
	 * degree: some tens of nodes in the heap.
	 */
	double		inverse = 4.0 * (double) g->out.offsets[g->nodes] / (double) g->nodes / lengths->mean;

	return isfinite(inverse) ? inverse : 0;
}

static rk_status
queue_make(rk_ctx *ctx, int64_t nodes, rk_path_queue *q)
{
	q->heap = rk_alloc(ctx, nodes, sizeof(rk_path_entry));
	q->next = rk_alloc(ctx, nodes, sizeof(uint32_t));
	q->place = rk_alloc(ctx, nodes, sizeof(uint32_t));
	return q->heap && q->next && q->place ? RK_OK : RK_ERR_MEMORY;
}

static void
queue_free(rk_ctx *ctx, rk_path_queue *q)
{
	rk_free(ctx, q->heap);
	rk_free(ctx, q->next);
	rk_free(ctx, q->place);
}

rk_status
rk_graph_path_tree_make(rk_ctx *ctx, int64_t nodes, bool weighted, rk_path_tree *tree)
{
	*tree = (rk_path_tree) {0};
	tree->label = rk_alloc(ctx, nodes, sizeof(uint64_t));
	tree->touched = rk_alloc(ctx, nodes, sizeof(uint32_t));
	if (!tree->label || !tree->touched)
		return RK_ERR_MEMORY;
	if (weighted && (tree->distance = rk_alloc(ctx, nodes, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	tree->count = nodes;
	rk_graph_path_tree_clear(tree, nodes);
	return RK_OK;
}

void
rk_graph_path_tree_free(rk_ctx *ctx, rk_path_tree *tree)
{
	rk_free(ctx, tree->distance);
	rk_free(ctx, tree->label);
	rk_free(ctx, tree->touched);
}

void
rk_graph_path_tree_clear(rk_path_tree *tree, int64_t nodes)
{
	if (tree->count > nodes / 8)
	{
		memset(tree->label, 0xff, sizeof(uint64_t) * nodes);
		if (tree->distance)
			for (int64_t v = 0; v < nodes; v++)
				tree->distance[v] = INFINITY;
	}
	else
	{
		for (int64_t i = 0; i < tree->count; i++)
		{
			tree->label[tree->touched[i]] = RK_PATH_UNSEEN;
			if (tree->distance)
				tree->distance[tree->touched[i]] = INFINITY;
		}
	}
	tree->count = 0;
}

rk_status
rk_graph_path_scratch_make(rk_ctx *ctx, int64_t nodes, bool weighted, bool pairs,
						   double buckets, rk_path_scratch *s)
{
	memset(s, 0, sizeof(*s));
	s->wanted = rk_alloc0(ctx, nodes / 64 + 1, sizeof(uint64_t));
	if (s->wanted == NULL)
		return RK_ERR_MEMORY;
	if (weighted)
	{
		if (queue_make(ctx, nodes, &s->forward) != RK_OK)
			return RK_ERR_MEMORY;
		rk_path_queue_init(&s->forward, NULL, NULL, buckets);
	}
	else if ((s->front = rk_alloc0(ctx, nodes / 64 + 1, sizeof(uint64_t))) == NULL)
		return RK_ERR_MEMORY;
	if (!pairs)
		return RK_OK;
	if ((s->back_touched = rk_alloc(ctx, nodes, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	if (weighted)
	{
		s->back_distance = rk_alloc(ctx, nodes, sizeof(double));
		if (s->back_distance == NULL || queue_make(ctx, nodes, &s->backward) != RK_OK)
			return RK_ERR_MEMORY;
		rk_path_queue_init(&s->backward, s->back_distance, NULL, buckets);
		for (int64_t v = 0; v < nodes; v++)
			s->back_distance[v] = INFINITY;
	}
	else
	{
		s->back_hops = rk_alloc(ctx, nodes, sizeof(uint32_t));
		if (s->back_hops == NULL)
			return RK_ERR_MEMORY;
		memset(s->back_hops, 0xff, sizeof(uint32_t) * nodes);
	}
	return RK_OK;
}

void
rk_graph_path_scratch_free(rk_ctx *ctx, rk_path_scratch *s)
{
	queue_free(ctx, &s->forward);
	queue_free(ctx, &s->backward);
	rk_free(ctx, s->back_distance);
	rk_free(ctx, s->back_hops);
	rk_free(ctx, s->back_touched);
	rk_free(ctx, s->wanted);
	rk_free(ctx, s->front);
}

int64_t
rk_graph_path_tree_memory(int64_t nodes, bool weighted)
{
	return nodes * (weighted ? 20 : 12);
}

int64_t
rk_graph_path_scratch_memory(int64_t nodes, bool weighted, bool pairs)
{
	return nodes * (weighted ? (pairs ? 60 : 24) : (pairs ? 8 : 0)) + nodes / 4;
}

static inline bool
is_wanted(const rk_path_scratch *s, uint32_t v)
{
	return s->wanted[v >> 6] >> (v & 63) & 1;
}

/*
 * Offers v a path of this distance and label.  Returns true when the distance
 * or the hops became smaller.
 */
static inline bool
improve(rk_path_tree *tree, rk_path_queue *q, uint32_t v, double distance, uint64_t label)
{
	double		old = tree->distance[v];

	if (distance > old)
		return false;
	if (distance == old && rk_path_hops(label) >= rk_path_hops(tree->label[v]))
	{
		/* at most the smaller predecessor */
		if (label < tree->label[v])
			tree->label[v] = label;
		return false;
	}
	if (old == INFINITY)
	{
		if (distance == INFINITY)
			return false;		/* the sum has left float8 */
		tree->touched[tree->count++] = v;
	}
	tree->label[v] = label;
	tree->distance[v] = distance;
	rk_path_queue_put(q, v, old, distance, rk_path_hops(label));
	return true;
}

/* Puts the source into an empty tree and queue. */
static void
begin_at(rk_path_tree *tree, rk_path_queue *q, uint32_t source)
{
	q->distance = tree->distance;
	q->label = tree->label;
	improve(tree, q, source, 0, RK_PATH_SOURCE);
}

static bool
search_weighted(rk_ctx *ctx, int thread, const rk_adjacency *rows, uint32_t source,
				double max_distance, int64_t wanted, rk_path_scratch *s, rk_path_tree *tree)
{
	rk_path_queue *q = &s->forward;
	bool		ends_early = wanted > 0;
	int64_t		work = 0;

	begin_at(tree, q, source);
	while (rk_path_queue_ready(q))
	{
		uint32_t	u = rk_path_heap_pop(q);
		double		distance = tree->distance[u];
		uint64_t	label = rk_path_label(rk_path_hops(tree->label[u]) + 1, u);
		int64_t		end = rows->offsets[u + 1];

		if (ends_early && is_wanted(s, u) && --wanted == 0)
			break;
		for (int64_t i = rows->offsets[u]; i < end; i++)
		{
			double		sum = distance + rows->weights[i];

			if (sum <= max_distance)
				improve(tree, q, rows->neighbors[i], sum, label);
		}
		work += rk_degree(rows, u) + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(ctx, thread))
				return false;
		}
	}
	rk_path_queue_clear(q);
	return true;
}

/* Labels every node that has an in-neighbour in the frontier. */
static bool
level_bottom_up(rk_ctx *ctx, int thread, const rk_graph *g, uint32_t hops, int64_t begin,
				rk_path_scratch *s, rk_path_tree *tree)
{
	const rk_adjacency *in = &g->in;
	int64_t		end = tree->count;
	int64_t		work = 0;

	for (int64_t i = begin; i < end; i++)
		s->front[tree->touched[i] >> 6] |= UINT64_C(1) << (tree->touched[i] & 63);
	for (int64_t v = 0; v < g->nodes; v++)
	{
		if ((v & 4095) == 0 && (work += 4096) >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(ctx, thread))
				return false;
		}
		if (tree->label[v] != RK_PATH_UNSEEN)
			continue;
		for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
		{
			uint32_t	u = in->neighbors[i];

			work++;
			if (s->front[u >> 6] >> (u & 63) & 1)
			{
				tree->label[v] = rk_path_label(hops, u);
				tree->touched[tree->count++] = (uint32_t) v;
				break;
			}
		}
	}
	for (int64_t i = begin; i < end; i++)
		s->front[tree->touched[i] >> 6] = 0;
	return true;
}

/* Labels the out-neighbours of touched[begin .. end). */
static bool
level_top_down(rk_ctx *ctx, int thread, const rk_adjacency *rows, uint32_t hops,
			   int64_t begin, int64_t end, rk_path_tree *tree)
{
	int64_t		work = 0;

	for (int64_t f = begin; f < end; f++)
	{
		uint32_t	u = tree->touched[f];
		uint64_t	label = rk_path_label(hops, u);

		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
		{
			uint32_t	v = rows->neighbors[i];
			uint64_t	old = tree->label[v];

			if (label >= old)
				continue;
			tree->label[v] = label;
			if (old == RK_PATH_UNSEEN)
				tree->touched[tree->count++] = v;
		}
		work += rk_degree(rows, u) + 1;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(ctx, thread))
				return false;
		}
	}
	return true;
}

static bool
search_hops(rk_ctx *ctx, int thread, const rk_graph *g, uint32_t source,
			double max_distance, int64_t wanted, rk_path_scratch *s, rk_path_tree *tree)
{
	int64_t		unexplored = g->out.offsets[g->nodes];
	bool		ends_early = wanted > 0;
	bool		bottom_up = false;
	int64_t		begin = 0;

	tree->label[source] = RK_PATH_SOURCE;
	tree->touched[tree->count++] = source;
	for (uint32_t hops = 1; begin < tree->count; hops++)
	{
		int64_t		end = tree->count;
		int64_t		frontier = 0;

		for (int64_t i = begin; i < end; i++)
		{
			frontier += rk_degree(&g->out, tree->touched[i]);
			if (ends_early && is_wanted(s, tree->touched[i]))
				wanted--;
		}
		if ((ends_early && wanted <= 0) || (double) hops > max_distance)
			break;
		unexplored -= frontier;
		if (g->in.offsets)
			bottom_up = bottom_up ? end - begin > g->nodes / BETA :
				frontier > unexplored / ALPHA && frontier > g->nodes / 8;
		if (bottom_up ?
			!level_bottom_up(ctx, thread, g, hops, begin, s, tree) :
			!level_top_down(ctx, thread, &g->out, hops, begin, end, tree))
			return false;
		begin = end;
	}
	return true;
}

bool
rk_graph_path_search(rk_ctx *ctx, int thread, const rk_graph *g, uint32_t source,
					 double max_distance, int64_t wanted, rk_path_scratch *scratch,
					 rk_path_tree *tree)
{
	if (g->out.weights)
		return search_weighted(ctx, thread, &g->out, source, max_distance, wanted, scratch, tree);
	return search_hops(ctx, thread, g, source, max_distance, wanted, scratch, tree);
}

int64_t
rk_graph_path_overflow(const rk_graph *g, const rk_path_tree *tree)
{
	for (int64_t i = 0; i < tree->count; i++)
	{
		uint32_t	u = tree->touched[i];

		for (int64_t k = g->out.offsets[u]; k < g->out.offsets[u + 1]; k++)
			if (tree->distance[g->out.neighbors[k]] == INFINITY)
				return g->out.neighbors[k];
	}
	return -1;
}

/* State of a search from both ends. */
typedef struct pair_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	rk_path_scratch *s;
	rk_path_tree *tree;
	uint32_t	target;
	double		max_distance;
	double		best;			/* length of the shortest path seen */
	int64_t		touched;		/* nodes in back_touched */
	int64_t		work;
} pair_state;

/* Counts work; false when the call should end. */
static bool
pair_poll(pair_state *p, int64_t arcs, int thread)
{
	p->work += arcs + 8;
	if (p->work < POLL_WORK)
		return true;
	p->work = 0;
	return !rk_chunk_should_stop(p->ctx, thread);
}

/* Settles the nearest node on the source's side. */
static uint32_t
pair_forward(pair_state *p)
{
	const rk_adjacency *rows = &p->g->out;
	rk_path_tree *tree = p->tree;
	uint32_t	u = rk_path_heap_pop(&p->s->forward);
	double		distance = tree->distance[u];
	uint64_t	label = rk_path_label(rk_path_hops(tree->label[u]) + 1, u);

	for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
	{
		uint32_t	v = rows->neighbors[i];
		double		sum = distance + rows->weights[i];

		if (sum <= p->max_distance && improve(tree, &p->s->forward, v, sum, label))
		{
			sum += p->s->back_distance[v];
			if (sum < p->best)
				p->best = sum;
		}
	}
	return u;
}

/* Offers v a distance to the target, smaller than it has. */
static void
back_put(pair_state *p, uint32_t v, double old, double distance)
{
	if (old == INFINITY)
		p->s->back_touched[p->touched++] = v;
	p->s->back_distance[v] = distance;
	rk_path_queue_put(&p->s->backward, v, old, distance, 0);
}

/* Settles the nearest node on the target's side. */
static uint32_t
pair_backward(pair_state *p)
{
	const rk_adjacency *rows = &p->g->in;
	uint32_t	u = rk_path_heap_pop(&p->s->backward);
	double		distance = p->s->back_distance[u];

	for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
	{
		uint32_t	v = rows->neighbors[i];
		double		sum = distance + rows->weights[i];
		double		old = p->s->back_distance[v];

		if (sum >= old)
			continue;
		back_put(p, v, old, sum);
		sum += p->tree->distance[v];
		if (sum < p->best)
			p->best = sum;
	}
	return u;
}

/*
 * Goes on from the source alone: only nodes on a path not longer than limit
 * are settled.  Nodes nearer to the target than radius have their distance to
 * it, all others are at least radius away.
 */
static bool
pair_corridor(pair_state *p, double radius, double limit, double slack, int thread,
			  bool *found)
{
	const rk_adjacency *rows = &p->g->out;
	const double *back = p->s->back_distance;
	rk_path_tree *tree = p->tree;

	while (rk_path_queue_ready(&p->s->forward))
	{
		uint32_t	u = rk_path_heap_pop(&p->s->forward);
		double		distance = tree->distance[u];
		uint64_t	label = rk_path_label(rk_path_hops(tree->label[u]) + 1, u);

		if (u == p->target)
		{
			*found = true;
			return true;
		}
		if (distance + fmin(back[u], radius) * slack > limit)
			continue;
		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
		{
			uint32_t	v = rows->neighbors[i];
			double		sum = distance + rows->weights[i];

			if (sum + fmin(back[v], radius) * slack <= limit)
				improve(tree, &p->s->forward, v, sum, label);
		}
		if (!pair_poll(p, rk_degree(rows, u), thread))
			return false;
	}
	return true;
}

static bool
pair_weighted(pair_state *p, uint32_t source, int thread, bool *found)
{
	rk_path_queue *forward = &p->s->forward;
	rk_path_queue *backward = &p->s->backward;
	int64_t		balance = 0;	/* arcs looked at, forward less backward */
	double		slack = (double) p->g->nodes * 0x1p-50;
	double		radius = INFINITY;
	bool		going = true;

	p->best = INFINITY;
	begin_at(p->tree, forward, source);
	back_put(p, p->target, INFINITY, 0);
	if (source == p->target)
		p->best = 0;
	while (rk_path_queue_ready(forward) && rk_path_queue_ready(backward))
	{
		double		front = p->tree->distance[(uint32_t) forward->heap[0]];
		int64_t		arcs;

		radius = p->s->back_distance[(uint32_t) backward->heap[0]];
		if ((front + radius) * (1 - slack) > fmin(p->best * (1 + slack), p->max_distance))
			break;
		radius = INFINITY;
		if (balance <= 0)
		{
			uint32_t	u = pair_forward(p);

			if ((*found = u == p->target))
				break;
			arcs = 8 + rk_degree(&p->g->out, u);
			balance += arcs;
		}
		else
		{
			arcs = 8 + rk_degree(&p->g->in, pair_backward(p));
			balance -= arcs;
		}
		if (!(going = pair_poll(p, arcs, thread)))
			break;
	}
	if (going && !*found && p->best < INFINITY)
		going = pair_corridor(p, radius, fmin(p->best * (1 + slack), p->max_distance),
							  1 - slack, thread, found);
	rk_path_queue_clear(forward);
	rk_path_queue_clear(backward);
	for (int64_t i = 0; i < p->touched; i++)
		p->s->back_distance[p->s->back_touched[i]] = INFINITY;
	return going;
}

/* Sum of the degrees of a frontier. */
static int64_t
frontier_arcs(const rk_adjacency *rows, const uint32_t *nodes, int64_t begin, int64_t end)
{
	int64_t		arcs = 0;

	for (int64_t i = begin; i < end; i++)
		arcs += rk_degree(rows, nodes[i]);
	return arcs;
}

/*
 * One level on the target's side; met when it reaches a node that the source
 * has reached.  Returns false when stopped.
 */
static bool
level_backward(pair_state *p, int64_t begin, int64_t end, int thread, bool *met)
{
	const rk_adjacency *rows = &p->g->in;
	uint32_t   *hops = p->s->back_hops;

	for (int64_t f = begin; f < end; f++)
	{
		uint32_t	u = p->s->back_touched[f];

		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
		{
			uint32_t	v = rows->neighbors[i];

			if (hops[v] != UINT32_MAX)
				continue;
			hops[v] = hops[u] + 1;
			p->s->back_touched[p->touched++] = v;
			*met |= p->tree->label[v] != RK_PATH_UNSEEN;
		}
		if (!pair_poll(p, rk_degree(rows, u), thread))
			return false;
	}
	return true;
}

/*
 * From the frontier touched[begin ..) of the source's side, "left" hops before
 * the target, along nodes that are the right number of hops away from it.
 */
static bool
corridor_hops(pair_state *p, int64_t begin, uint32_t left, int thread)
{
	const rk_adjacency *rows = &p->g->out;
	const uint32_t *back = p->s->back_hops;
	rk_path_tree *tree = p->tree;

	for (; left > 0; left--)
	{
		int64_t		end = tree->count;

		for (int64_t f = begin; f < end; f++)
		{
			uint32_t	u = tree->touched[f];
			uint64_t	label = rk_path_label(rk_path_hops(tree->label[u]) + 1, u);

			if (back[u] != left)
				continue;
			for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
			{
				uint32_t	v = rows->neighbors[i];
				uint64_t	old = tree->label[v];

				if (back[v] != left - 1 || label >= old)
					continue;
				tree->label[v] = label;
				if (old == RK_PATH_UNSEEN)
					tree->touched[tree->count++] = v;
			}
			if (!pair_poll(p, rk_degree(rows, u), thread))
				return false;
		}
		begin = end;
	}
	return true;
}

static bool
pair_hops(pair_state *p, uint32_t source, int thread, bool *found)
{
	rk_path_tree *tree = p->tree;
	uint32_t   *back = p->s->back_touched;
	uint32_t	out = 0;		/* hops of the frontiers from the two ends */
	uint32_t	in = 0;
	int64_t		out_begin = 0;
	int64_t		in_begin = 0;
	bool		met = source == p->target;
	bool		going = true;

	tree->label[source] = RK_PATH_SOURCE;
	tree->touched[tree->count++] = source;
	p->s->back_hops[p->target] = 0;
	back[p->touched++] = p->target;
	while (!met && out_begin < tree->count && in_begin < p->touched &&
		   (double) out + (double) in + 1 <= p->max_distance)
	{
		int64_t		out_end = tree->count;
		int64_t		in_end = p->touched;

		if (frontier_arcs(&p->g->out, tree->touched, out_begin, out_end) <=
			frontier_arcs(&p->g->in, back, in_begin, in_end))
		{
			going = level_top_down(p->ctx, thread, &p->g->out, ++out, out_begin, out_end, tree);
			out_begin = out_end;
			for (int64_t i = out_begin; i < tree->count; i++)
				met |= p->s->back_hops[tree->touched[i]] != UINT32_MAX;
		}
		else
		{
			going = level_backward(p, in_begin, in_end, thread, &met);
			in_begin = in_end;
			in++;
		}
		if (!going)
			break;
	}
	if (going && met)
	{
		*found = true;
		going = corridor_hops(p, out_begin, in, thread);
	}
	for (int64_t i = 0; i < p->touched; i++)
		p->s->back_hops[back[i]] = UINT32_MAX;
	return going;
}

bool
rk_graph_path_search_pair(rk_ctx *ctx, int thread, const rk_graph *g, uint32_t source,
						  uint32_t target, double max_distance, rk_path_scratch *scratch,
						  rk_path_tree *tree, bool *found)
{
	pair_state	p = {.ctx = ctx,.g = g,.s = scratch,.tree = tree,.target = target,
	.max_distance = max_distance};

	*found = false;
	if (g->out.weights)
		return pair_weighted(&p, source, thread, found);
	return pair_hops(&p, source, thread, found);
}

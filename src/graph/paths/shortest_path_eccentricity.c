/*
 * shortest_path_eccentricity.c
 *	  The largest distance from every node.
 *
 * Without weights, 64 searches share a pass: one bit each in a word per node
 * (Then et al. 2014), every thread with its own 64 sources.  The level at which
 * a bit last moves is the eccentricity of its source.
 *
 * In an undirected graph a search from s with eccentricity e bounds that of v,
 * d hops away, by max(d, e - d) and e + d (Takes, Kosters 2013).  A few single
 * searches from nodes with the largest upper and the smallest lower bound
 * settle nearly all nodes of most graphs; when they no longer do, the rest is
 * left to the passes.
 */
#include "shortest_path_search.h"

#define WIDTH 64				/* sources a pass */
#define NODE_CHUNK 65536
#define POLL_WORK 131072
#define BOUND_NODES 4096		/* smaller graphs need no bounds */
#define BOUND_ROUND 8			/* searches between looks at their yield */
#define BOUND_YIELD 256			/* nodes that such a round must settle */

/* What one thread needs for a pass. */
typedef struct pass_scratch
{
	uint64_t   *seen;			/* n: bit i: source i has reached the node */
	uint64_t   *visit;			/* n: ... on this level */
	uint64_t   *next;			/* n: ... on the next level */
	uint32_t   *frontier;		/* n: nodes with visit != 0 */
	uint32_t   *found;			/* n: nodes with next != 0 */
	uint32_t   *touched;		/* n: nodes with seen != 0 */
} pass_scratch;

typedef struct eccentricity_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	double	   *eccentricity;
	const uint32_t *sources;	/* still to be searched from */
	pass_scratch *pass;			/* per thread, without weights */
	rk_path_tree *tree;			/* per thread, with weights */
	rk_path_scratch *scratch;
	bool		may_overflow;
	int64_t    *overflow_source;	/* per thread: the first, or INT64_MAX */
	int64_t    *overflow_node;
} eccentricity_state;

/* Sets next and found for the out-neighbours of the frontier. */
static int64_t
pass_top_down(eccentricity_state *s, pass_scratch *p, int64_t frontier, int thread)
{
	const rk_adjacency *out = &s->g->out;
	int64_t		found = 0;
	int64_t		work = 0;

	for (int64_t f = 0; f < frontier; f++)
	{
		uint32_t	u = p->frontier[f];
		uint64_t	bits = p->visit[u];

		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];
			uint64_t	fresh = bits & ~p->seen[v];

			if (fresh == 0)
				continue;
			if (p->next[v] == 0)
				p->found[found++] = v;
			p->next[v] |= fresh;
		}
		work += rk_degree(out, u) + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return -1;
		}
	}
	return found;
}

/* The same from the other end: nodes that not all sources have reached. */
static int64_t
pass_bottom_up(eccentricity_state *s, pass_scratch *p, uint64_t all, int thread)
{
	const rk_adjacency *in = &s->g->in;
	int64_t		found = 0;
	int64_t		work = 0;

	for (int64_t v = 0; v < s->g->nodes; v++)
	{
		uint64_t	seen = p->seen[v];
		uint64_t	bits = seen;

		if (seen == all)
			continue;
		for (int64_t i = in->offsets[v]; i < in->offsets[v + 1] && bits != all; i++)
			bits |= p->visit[in->neighbors[i]];
		if (bits != seen)
		{
			p->next[v] = bits & ~seen;
			p->found[found++] = (uint32_t) v;
		}
		work += rk_degree(in, v) + 8;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return -1;
		}
	}
	return found;
}

/* Searches from sources[begin .. end), at most 64, at once. */
static void
pass(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eccentricity_state *s = arg;
	pass_scratch *p = &s->pass[thread];
	uint64_t	all = end - begin == WIDTH ? UINT64_MAX : (UINT64_C(1) << (end - begin)) - 1;
	int64_t		arcs = s->g->out.offsets[s->g->nodes];
	int64_t		frontier = 0;
	int64_t		touched = 0;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	v = s->sources[i];

		s->eccentricity[v] = 0;
		p->seen[v] = p->visit[v] = UINT64_C(1) << (i - begin);
		p->frontier[frontier++] = v;
		p->touched[touched++] = v;
	}
	for (int64_t level = 1; frontier > 0; level++)
	{
		int64_t		from_frontier = 0;
		uint64_t	moved = 0;
		int64_t		found;

		for (int64_t f = 0; f < frontier; f++)
			from_frontier += rk_degree(&s->g->out, p->frontier[f]);
		if (s->g->in.offsets && from_frontier > arcs / 4)
			found = pass_bottom_up(s, p, all, thread);
		else
			found = pass_top_down(s, p, frontier, thread);
		if (found < 0)
			return;
		for (int64_t f = 0; f < frontier; f++)
			p->visit[p->frontier[f]] = 0;
		for (int64_t f = 0; f < found; f++)
		{
			uint32_t	v = p->found[f];
			uint64_t	bits = p->next[v];

			p->next[v] = 0;
			if (p->seen[v] == 0)
				p->touched[touched++] = v;
			p->seen[v] |= bits;
			p->visit[v] = bits;
			p->frontier[f] = v;
			moved |= bits;
		}
		frontier = found;
		for (; moved != 0; moved &= moved - 1)
			s->eccentricity[s->sources[begin + __builtin_ctzll(moved)]] = (double) level;
	}
	for (int64_t i = 0; i < touched; i++)
		p->seen[p->touched[i]] = 0;
}

/* Searches from count sources, 64 at a time. */
static rk_status
search_by_passes(eccentricity_state *s, int64_t count)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	int			threads = ctx->threads;
	rk_status	status;

	s->pass = rk_alloc0(ctx, threads, sizeof(pass_scratch));
	if (s->pass == NULL)
		return RK_ERR_MEMORY;
	for (int t = 0; t < threads; t++)
	{
		pass_scratch *p = &s->pass[t];

		p->seen = rk_alloc0(ctx, n, sizeof(uint64_t));
		p->visit = rk_alloc0(ctx, n, sizeof(uint64_t));
		p->next = rk_alloc0(ctx, n, sizeof(uint64_t));
		p->frontier = rk_alloc(ctx, n, sizeof(uint32_t));
		p->found = rk_alloc(ctx, n, sizeof(uint32_t));
		p->touched = rk_alloc(ctx, n, sizeof(uint32_t));
		if (!p->seen || !p->visit || !p->next || !p->frontier || !p->found || !p->touched)
			return RK_ERR_MEMORY;
	}
	rk_phase(ctx, "searching", count);
	if ((status = rk_parallel_for(ctx, count, WIDTH, pass, s)) != RK_OK)
		return status;
	for (int t = 0; t < threads; t++)
	{
		rk_free(ctx, s->pass[t].seen);
		rk_free(ctx, s->pass[t].visit);
		rk_free(ctx, s->pass[t].next);
		rk_free(ctx, s->pass[t].frontier);
		rk_free(ctx, s->pass[t].found);
		rk_free(ctx, s->pass[t].touched);
	}
	rk_free(ctx, s->pass);
	return RK_OK;
}

/* Bounds of all nodes, and the best candidates for the next search. */
typedef struct bound_state
{
	const rk_graph *g;
	const uint64_t *label;		/* of the last search */
	uint32_t	reach;			/* eccentricity of its source */
	uint32_t   *low;			/* n */
	uint32_t   *high;			/* n: equal to low once settled */
	uint32_t   *farthest;		/* per chunk: most hops */
	int64_t    *settled;		/* per chunk */
	uint32_t   *candidate;		/* per chunk: RK_NO_NODE or a node not settled */
	bool		want_high;		/* the largest upper, or the smallest lower */
} bound_state;

static void
farthest_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	bound_state *b = arg;
	uint32_t	farthest = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
		if (b->label[v] != RK_PATH_UNSEEN && rk_path_hops(b->label[v]) > farthest)
			farthest = rk_path_hops(b->label[v]);
	b->farthest[chunk] = farthest;
}

/* Whether v is a better node to search from than u. */
static bool
better(const bound_state *b, uint32_t v, uint32_t u)
{
	if (u == RK_NO_NODE)
		return true;
	if (b->want_high && b->high[v] != b->high[u])
		return b->high[v] > b->high[u];
	if (!b->want_high && b->low[v] != b->low[u])
		return b->low[v] < b->low[u];
	if (rk_degree(&b->g->out, v) != rk_degree(&b->g->out, u))
		return rk_degree(&b->g->out, v) > rk_degree(&b->g->out, u);
	return v < u;
}

static void
bound_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	bound_state *b = arg;
	int64_t		settled = 0;
	uint32_t	candidate = RK_NO_NODE;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		if (b->low[v] == b->high[v])
			continue;
		if (b->label[v] != RK_PATH_UNSEEN)
		{
			uint32_t	hops = rk_path_hops(b->label[v]);
			uint32_t	low = hops > b->reach - hops ? hops : b->reach - hops;

			if (low > b->low[v])
				b->low[v] = low;
			if (hops + b->reach < b->high[v])
				b->high[v] = hops + b->reach;
			if (b->low[v] == b->high[v])
			{
				settled++;
				continue;
			}
		}
		if (better(b, (uint32_t) v, candidate))
			candidate = (uint32_t) v;
	}
	b->settled[chunk] = settled;
	b->candidate[chunk] = candidate;
}

/* One search and what it says about the others; *next: where to go on. */
static rk_status
bound_from(eccentricity_state *s, bound_state *b, uint32_t source, int64_t *settled,
		   uint32_t *next)
{
	int64_t		n = s->g->nodes;
	int64_t		chunks = rk_chunks(n, NODE_CHUNK);
	rk_status	status;

	if ((status = rk_graph_path_bfs(s->ctx, s->g, source, n, NULL, (uint64_t *) b->label)) != RK_OK ||
		(status = rk_parallel_for(s->ctx, n, NODE_CHUNK, farthest_chunk, b)) != RK_OK)
		return status;
	b->reach = 0;
	for (int64_t c = 0; c < chunks; c++)
		if (b->farthest[c] > b->reach)
			b->reach = b->farthest[c];
	b->want_high = !b->want_high;
	if ((status = rk_parallel_for(s->ctx, n, NODE_CHUNK, bound_chunk, b)) != RK_OK)
		return status;
	*next = RK_NO_NODE;
	for (int64_t c = 0; c < chunks; c++)
	{
		*settled += b->settled[c];
		if (b->candidate[c] != RK_NO_NODE && better(b, b->candidate[c], *next))
			*next = b->candidate[c];
	}
	return RK_OK;
}

/*
 * Settles nodes by bounds for as long as that goes well.  What is left over is
 * written to sources, *count nodes.
 */
static rk_status
search_by_bounds(eccentricity_state *s, uint32_t *sources, int64_t *count)
{
	rk_ctx	   *ctx = s->ctx;
	bound_state b = {.g = s->g};
	int64_t		n = s->g->nodes;
	int64_t		chunks = rk_chunks(n, NODE_CHUNK);
	uint64_t   *label = rk_alloc(ctx, n, sizeof(uint64_t));
	uint32_t	source = 0;
	int64_t		settled = 0;
	rk_status	status;

	b.low = rk_alloc(ctx, n, sizeof(uint32_t));
	b.high = rk_alloc(ctx, n, sizeof(uint32_t));
	b.farthest = rk_alloc(ctx, chunks, sizeof(uint32_t));
	b.settled = rk_alloc(ctx, chunks, sizeof(int64_t));
	b.candidate = rk_alloc(ctx, chunks, sizeof(uint32_t));
	if (!label || !b.low || !b.high || !b.farthest || !b.settled || !b.candidate)
		return RK_ERR_MEMORY;
	b.label = label;
	for (int64_t v = 0; v < n; v++)
	{
		int64_t		degree = rk_degree(&s->g->out, v);

		b.low[v] = 0;
		b.high[v] = degree == 0 ? 0 : UINT32_MAX;
		if (degree > rk_degree(&s->g->out, source))
			source = (uint32_t) v;
	}
	for (int64_t searches = 1; source != RK_NO_NODE; searches++)
	{
		if ((status = bound_from(s, &b, source, &settled, &source)) != RK_OK)
			return status;
		if (searches % BOUND_ROUND == 0)
		{
			if (settled < BOUND_YIELD)
				break;
			settled = 0;
		}
	}
	*count = 0;
	for (int64_t v = 0; v < n; v++)
	{
		if (b.low[v] == b.high[v])
			s->eccentricity[v] = b.low[v];
		else
			sources[(*count)++] = (uint32_t) v;
	}
	rk_free(ctx, label);
	rk_free(ctx, b.low);
	rk_free(ctx, b.high);
	rk_free(ctx, b.farthest);
	rk_free(ctx, b.settled);
	rk_free(ctx, b.candidate);
	return RK_OK;
}

static rk_status
search_unweighted(eccentricity_state *s)
{
	int64_t		n = s->g->nodes;
	int64_t		count = n;
	uint32_t   *sources = rk_alloc(s->ctx, n, sizeof(uint32_t));
	rk_status	status;

	if (sources == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		sources[v] = (uint32_t) v;
	if (!s->g->directed && n >= BOUND_NODES &&
		(status = search_by_bounds(s, sources, &count)) != RK_OK)
		return status;
	s->sources = sources;
	if (count > 0 && (status = search_by_passes(s, count)) != RK_OK)
		return status;
	rk_free(s->ctx, sources);
	return RK_OK;
}

/* Dijkstra's algorithm from nodes [begin, end). */
static void
weighted_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eccentricity_state *s = arg;
	rk_path_tree *tree = &s->tree[thread];

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		double		farthest = 0;

		rk_graph_path_tree_clear(tree, s->g->nodes);
		if (!rk_graph_path_search(s->ctx, thread, s->g, (uint32_t) u, INFINITY, 0,
								  &s->scratch[thread], tree))
			return;
		for (int64_t i = 0; i < tree->count; i++)
			farthest = fmax(farthest, tree->distance[tree->touched[i]]);
		s->eccentricity[u] = farthest;
		if (s->may_overflow && u < s->overflow_source[thread])
		{
			int64_t		node = rk_graph_path_overflow(s->g, tree);

			if (node >= 0)
			{
				s->overflow_source[thread] = u;
				s->overflow_node[thread] = node;
			}
		}
	}
}

static rk_status
search_weighted(eccentricity_state *s, const rk_path_lengths *lengths)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	int			threads = ctx->threads;
	double		buckets = rk_graph_path_buckets(s->g, lengths);
	int			first = 0;
	rk_status	status;

	s->may_overflow = rk_path_may_overflow(lengths, n);
	s->tree = rk_alloc0(ctx, threads, sizeof(rk_path_tree));
	s->scratch = rk_alloc0(ctx, threads, sizeof(rk_path_scratch));
	s->overflow_source = rk_alloc(ctx, threads, sizeof(int64_t));
	s->overflow_node = rk_alloc(ctx, threads, sizeof(int64_t));
	if (!s->tree || !s->scratch || !s->overflow_source || !s->overflow_node)
		return RK_ERR_MEMORY;
	for (int t = 0; t < threads; t++)
	{
		s->overflow_source[t] = INT64_MAX;
		if ((status = rk_graph_path_tree_make(ctx, n, true, &s->tree[t])) != RK_OK ||
			(status = rk_graph_path_scratch_make(ctx, n, true, false, buckets,
												 &s->scratch[t])) != RK_OK)
			return status;
	}
	rk_phase(ctx, "searching", n);
	if ((status = rk_parallel_for(ctx, n, 1, weighted_chunk, s)) != RK_OK)
		return status;
	for (int t = 0; t < threads; t++)
	{
		rk_graph_path_tree_free(ctx, &s->tree[t]);
		rk_graph_path_scratch_free(ctx, &s->scratch[t]);
		if (s->overflow_source[t] < s->overflow_source[first])
			first = t;
	}
	if (s->overflow_source[first] != INT64_MAX)
		return rk_fail_node(ctx, RK_ERR_OVERFLOW, s->overflow_node[first],
							"distance of node %%node is out of range");
	rk_free(ctx, s->tree);
	rk_free(ctx, s->scratch);
	rk_free(ctx, s->overflow_source);
	rk_free(ctx, s->overflow_node);
	return RK_OK;
}

/* Bellman-Ford from every node. */
static rk_status
search_negative(eccentricity_state *s, const rk_path_lengths *lengths)
{
	int64_t		n = s->g->nodes;
	rk_path_tree tree;
	rk_status	status;

	if ((status = rk_graph_path_tree_make(s->ctx, n, true, &tree)) != RK_OK)
		return status;
	for (int64_t u = 0; u < n; u++)
	{
		status = rk_graph_path_labels(s->ctx, s->g, (uint32_t) u, INFINITY, RK_PATH_AUTO,
									  lengths, NULL, tree.distance, tree.label, tree.touched);
		if (status != RK_OK)
			return status;
		s->eccentricity[u] = 0;
		for (int64_t v = 0; v < n; v++)
			if (tree.distance[v] < INFINITY && tree.distance[v] > s->eccentricity[u])
				s->eccentricity[u] = tree.distance[v];
	}
	rk_graph_path_tree_free(s->ctx, &tree);
	return RK_OK;
}

rk_status
rk_graph_shortest_path_eccentricity(rk_ctx *ctx, const rk_graph *g, double *eccentricity)
{
	eccentricity_state s = {.ctx = ctx,.g = g,.eccentricity = eccentricity};
	rk_path_lengths lengths;
	rk_status	status;

	if (g->nodes == 0)
		return RK_OK;
	if (g->out.weights == NULL)
		return search_unweighted(&s);
	if ((status = rk_graph_path_lengths(ctx, g, &lengths)) != RK_OK)
		return status;
	if (lengths.min < 0)
		return search_negative(&s, &lengths);
	return search_weighted(&s, &lengths);
}

int64_t
rk_graph_shortest_path_eccentricity_memory(int64_t nodes, bool weighted, int threads)
{
	if (weighted)
		return threads * (rk_graph_path_tree_memory(nodes, true) +
						  rk_graph_path_scratch_memory(nodes, true, false) + 65536);

	/* the bounds are gone when the passes begin */
	return nodes * 4 + (threads * 36 > 24 ? threads * 36 : 24) * nodes + 65536;
}

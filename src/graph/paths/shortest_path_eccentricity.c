/*
 * shortest_path_eccentricity.c
 *	  The largest distance from every node.
 *
 * Without weights many searches share a pass (multi_search.c); the last level
 * at which a source still reaches something is its eccentricity.
 *
 * In an undirected graph a search from s with eccentricity e bounds that of v,
 * d hops away, by max(d, e - d) and e + d (Takes, Kosters 2013).  A few single
 * searches from nodes with the largest upper and the smallest lower bound
 * settle nearly all nodes of most graphs; when they no longer do, the rest is
 * left to the passes.
 */
#include "multi_search.h"

#define NODE_CHUNK 65536
#define BOUND_NODES 4096		/* smaller graphs need no bounds */
#define BOUND_ROUND 8			/* searches between looks at their yield */
#define BOUND_YIELD 256			/* nodes that such a round must settle */

typedef struct eccentricity_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	double	   *eccentricity;
	const uint32_t *sources;	/* still to be searched from */
	const rk_reach_engine *engine;	/* NULL: none */
} eccentricity_state;

/* Has the engine search from so many nodes; false: there is none, or it did not. */
static bool
use_engine(eccentricity_state *s, const uint32_t *sources, int64_t count)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;
	bool		lengths = s->g->out.weights != NULL;
	rk_reach_work work = {.graph = s->g,.sources = sources,.count = count};
	bool		done = false;

	if (s->engine == NULL || count == 0)
		return false;
	if (lengths)
		work.sums = rk_alloc(ctx, count, sizeof(rk_source_sums));
	else
	{
		work.levels = n + 1;
		work.farthest = rk_alloc(ctx, count, sizeof(uint32_t));
		work.pairs = rk_alloc0(ctx, n + 1, sizeof(int64_t));
	}
	if (lengths ? work.sums != NULL : work.farthest != NULL && work.pairs != NULL)
		done = s->engine->run(s->engine->arg, &work);
	for (int64_t i = 0; done && i < count; i++)
		s->eccentricity[sources[i]] = lengths ? work.sums[i].farthest : (double) work.farthest[i];
	rk_free(ctx, work.sums);
	rk_free(ctx, work.farthest);
	rk_free(ctx, work.pairs);
	return done;
}

/* The sources that a level moves are at least so far from some node. */
static void
note_level(void *arg, const rk_multi_level *level)
{
	eccentricity_state *s = arg;

	for (int w = 0; w < RK_MULTI_WORDS; w++)
		for (uint64_t moved = level->moved[w]; moved != 0; moved &= moved - 1)
			s->eccentricity[s->sources[level->first + w * 64 + __builtin_ctzll(moved)]] = (double) level->hops;
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
	for (int64_t i = 0; i < count; i++)
		s->eccentricity[sources[i]] = 0;
	if (!use_engine(s, sources, count) &&
		(status = rk_graph_multi_search(s->ctx, s->g, false, sources, count, note_level, s)) != RK_OK)
		return status;
	rk_free(s->ctx, sources);
	return RK_OK;
}

/* The farthest node of a search from node u. */
static void
note_tree(void *arg, int64_t u, const rk_path_tree *tree, int thread)
{
	eccentricity_state *s = arg;
	double		farthest = 0;

	(void) thread;
	for (int64_t i = 0; i < tree->count; i++)
		farthest = fmax(farthest, tree->distance[tree->touched[i]]);
	s->eccentricity[u] = farthest;
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

/* Has the engine search from all nodes by length. */
static bool
use_engine_by_length(eccentricity_state *s)
{
	int64_t		n = s->g->nodes;
	uint32_t   *all = s->engine ? rk_alloc(s->ctx, n, sizeof(uint32_t)) : NULL;
	bool		done;

	for (int64_t v = 0; all && v < n; v++)
		all[v] = (uint32_t) v;
	done = all && use_engine(s, all, n);
	rk_free(s->ctx, all);
	return done;
}

rk_status
rk_graph_shortest_path_eccentricity(rk_ctx *ctx, const rk_graph *g, double *eccentricity)
{
	return rk_graph_shortest_path_eccentricity_by(ctx, g, NULL, eccentricity);
}

rk_status
rk_graph_shortest_path_eccentricity_by(rk_ctx *ctx, const rk_graph *g, const rk_reach_engine *engine,
									   double *eccentricity)
{
	eccentricity_state s = {.ctx = ctx,.g = g,.eccentricity = eccentricity,.engine = engine};
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
	if (use_engine_by_length(&s))
		return RK_OK;
	return rk_graph_multi_dijkstra(ctx, g, &lengths, NULL, g->nodes, note_tree, &s);
}

int64_t
rk_graph_shortest_path_eccentricity_memory(int64_t nodes, bool weighted, int threads)
{
	int64_t		search = rk_graph_multi_search_memory(nodes, nodes, threads);

	if (weighted)
		return rk_graph_multi_dijkstra_memory(nodes, threads);

	/* the bounds are gone when the passes begin */
	return nodes * 4 + (search > 24 * nodes ? search : 24 * nodes) + 65536;
}

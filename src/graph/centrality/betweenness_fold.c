/*
 * betweenness_fold.c
 *	  The copy of a graph that betweenness centrality searches.
 *
 * Nodes are renumbered by groups of similar degree, hubs first, keeping their
 * order inside a group (Faldu, Diamond, Grot 2019): most arcs lead to hubs,
 * whose counts then lie together and stay in the cache.  The copy costs about
 * as much as one search.
 *
 * When all nodes are sources, trees are folded into the nodes they hang on
 * (Baglioni, Geraci, Pellegrini, Lastres 2012), as their shortest paths can be
 * counted without a search:
 *
 * Undirected: a node with one edge is folded into its neighbour, again and
 * again.  mass(v) is the number of nodes folded into v, v included.  A search
 * from v then stands for mass(v) sources, and every node it finds for mass
 * targets.
 *
 * Directed: a node without in-arcs and with one out-arc is folded into the
 * node that this arc leads to.  It is never a target, so mass(v) counts
 * sources only.
 */
#include "betweenness.h"

#include <string.h>

#define POLL_NODES 0xffff		/* serial loops look at the stop flag this often */
#define POLL_ARCS 0xfffff
#define GROUPS 36				/* bit lengths of a degree of at most 2 * 2^32 */

/* Folds v into p, and lists p when it has become a leaf itself. */
static inline void
fold(rk_path_core *c, const rk_graph *g, uint32_t *degree, uint32_t v, uint32_t p,
	 int64_t *listed)
{
	c->parent[v] = p;
	c->mass[p] += c->mass[v];
	if (c->squares)
		c->squares[p] += (uint64_t) c->mass[v] * c->mass[v];
	degree[p]--;
	if (g->directed ? degree[p] == 0 && rk_degree(&g->out, p) == 1 : degree[p] == 1)
		c->folded[(*listed)++] = p;
}

/*
 * Takes the trees off.  degree is what is left of the in-degree (directed) or
 * of the degree; a folded node's is 0.
 */
static rk_status
fold_trees(rk_ctx *ctx, const rk_graph *g, uint32_t *degree, rk_path_core *c)
{
	int64_t		n = g->nodes;
	int64_t		listed = 0;

	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_NODES) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		c->mass[v] = 1;
		if (c->squares)
			c->squares[v] = 0;
		c->parent[v] = RK_NO_NODE;
		if (g->directed ? degree[v] == 0 && rk_degree(&g->out, v) == 1 : degree[v] == 1)
			c->folded[listed++] = v;
	}

	/* the list of leaves turns into that of folded nodes in place */
	for (int64_t i = 0; i < listed; i++)
	{
		uint32_t	v = c->folded[i];
		int64_t		j = g->out.offsets[v];

		if ((i & 0xfff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (!g->directed)
		{
			/* the last node of a tree: its only neighbour was folded into it */
			if (degree[v] == 0)
				continue;
			for (; c->parent[g->out.neighbors[j]] != RK_NO_NODE; j++)
				if ((j & POLL_ARCS) == 0 && rk_ctx_poll(ctx))
					return RK_STOPPED;
			degree[v] = 0;
		}
		c->folded[c->folded_count++] = v;
		fold(c, g, degree, v, g->out.neighbors[j], &listed);
	}
	return RK_OK;
}

static inline int
group_of(uint64_t degree)
{
	return GROUPS - 1 - (64 - __builtin_clzll(degree));
}

/* Numbers the nodes that keep arcs: core_of, original, core_mass. */
static rk_status
number_nodes(rk_ctx *ctx, const rk_graph *g, const uint32_t *degree, rk_path_core *c)
{
	int64_t		n = g->nodes;
	int64_t		next[GROUPS + 1] = {0};

	for (int pass = 0; pass < 2; pass++)
	{
		for (int64_t v = 0; v < n; v++)
		{
			uint64_t	arcs = degree[v];

			if ((v & POLL_NODES) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			if (g->directed && (c->parent == NULL || c->parent[v] == RK_NO_NODE))
				arcs += rk_degree(&g->out, v);
			if (pass == 0)
			{
				c->core_of[v] = RK_NO_NODE;
				if (arcs > 0)
					next[group_of(arcs) + 1]++;
			}
			else if (arcs > 0)
			{
				int64_t		u = next[group_of(arcs)]++;

				c->core_of[v] = u;
				c->original[u] = v;
				if (c->core_mass)
					c->core_mass[u] = c->mass[v];
			}
		}
		if (pass == 0)
		{
			for (int i = 0; i < GROUPS; i++)
				next[i + 1] += next[i];
			c->graph.nodes = next[GROUPS];
			c->original = rk_alloc(ctx, c->graph.nodes, sizeof(uint32_t));
			if (c->original == NULL)
				return RK_ERR_MEMORY;
			if (c->mass && (c->core_mass = rk_alloc(ctx, c->graph.nodes, sizeof(uint32_t))) == NULL)
				return RK_ERR_MEMORY;
		}
	}
	return RK_OK;
}

typedef struct copy_state
{
	rk_ctx	   *ctx;
	const rk_adjacency *from;
	rk_adjacency *to;
	const rk_path_core *core;
} copy_state;

static void
copy_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	copy_state *s = arg;
	const uint32_t *core_of = s->core->core_of;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		uint32_t	v = s->core->original[u];
		int64_t		at = s->to->offsets[u];

		for (int64_t j = s->from->offsets[v]; j < s->from->offsets[v + 1]; j++)
		{
			uint32_t	w = core_of[s->from->neighbors[j]];

			if ((j & POLL_ARCS) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			if (w == RK_NO_NODE)
				continue;
			if (s->to->weights)
				s->to->weights[at] = s->from->weights[j];
			s->to->neighbors[at++] = w;
		}
	}
}

/*
 * Copies the rows of the core.  degree is that of the nodes without the arcs
 * of folded ones, or NULL where all arcs stay.
 */
static rk_status
copy_adjacency(rk_ctx *ctx, const rk_adjacency *from, const uint32_t *degree,
			   const rk_path_core *core, rk_adjacency *to)
{
	int64_t		n = core->graph.nodes;
	copy_state	s = {.ctx = ctx,.from = from,.to = to,.core = core};
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	to->offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
	if (to->offsets == NULL)
		return RK_ERR_MEMORY;
	to->offsets[0] = 0;
	for (int64_t u = 0; u < n; u++)
	{
		uint32_t	v = core->original[u];

		if ((u & POLL_NODES) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		to->offsets[u + 1] = to->offsets[u] + (degree ? degree[v] : rk_degree(from, v));
	}
	to->neighbors = rk_alloc(ctx, to->offsets[n], sizeof(uint32_t));
	if (to->neighbors == NULL)
		return RK_ERR_MEMORY;
	if (from->weights &&
		(to->weights = rk_alloc(ctx, to->offsets[n], sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	bounds = rk_graph_chunks(ctx, n, to->offsets, 1 << 17, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_ranges(ctx, bounds, chunks, copy_rows, &s);
	rk_free(ctx, bounds);
	return status;
}

rk_status
rk_path_core_build(rk_ctx *ctx, const rk_graph *g, bool folds, bool in, rk_path_core *core)
{
	int64_t		n = g->nodes;
	uint32_t   *degree;
	rk_status	status;

	memset(core, 0, sizeof(*core));
	core->graph.directed = g->directed;
	core->core_of = rk_alloc(ctx, n, sizeof(uint32_t));
	degree = rk_alloc(ctx, n, sizeof(uint32_t));
	if (!core->core_of || !degree)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_NODES) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		degree[v] = rk_degree(&g->in, v);
	}
	if (folds)
	{
		core->mass = rk_alloc(ctx, n, sizeof(uint32_t));
		core->parent = rk_alloc(ctx, n, sizeof(uint32_t));
		core->folded = rk_alloc(ctx, n, sizeof(uint32_t));
		if (!core->mass || !core->parent || !core->folded)
			return RK_ERR_MEMORY;
		if (!g->directed &&
			(core->squares = rk_alloc(ctx, n, sizeof(uint64_t))) == NULL)
			return RK_ERR_MEMORY;
		if ((status = fold_trees(ctx, g, degree, core)) != RK_OK)
			return status;
	}
	if ((status = number_nodes(ctx, g, degree, core)) != RK_OK)
		return status;
	status = copy_adjacency(ctx, &g->out, g->directed ? NULL : degree, core, &core->graph.out);
	if (status == RK_OK && !g->directed)
		core->graph.in = core->graph.out;
	else if (status == RK_OK && (in || g->out.weights == NULL))
		status = copy_adjacency(ctx, &g->in, degree, core, &core->graph.in);
	if (status != RK_OK)
		return status;
	core->graph.arcs = core->graph.out.offsets[core->graph.nodes];
	rk_free(ctx, degree);
	if (core->folded_count == 0)
	{
		rk_free(ctx, core->core_mass);
		core->core_mass = NULL;
	}
	return RK_OK;
}

void
rk_path_core_free(rk_ctx *ctx, rk_path_core *core)
{
	rk_graph_free(ctx, &core->graph);
	rk_free(ctx, core->original);
	rk_free(ctx, core->core_mass);
	rk_free(ctx, core->core_of);
	rk_free(ctx, core->mass);
	rk_free(ctx, core->squares);
	rk_free(ctx, core->parent);
	rk_free(ctx, core->folded);
}

/*
 * full_metrics.c
 *	  All measures of a graph from one build of it.
 *
 * Loops and repeats are counted first, in the rows as they came; what is left
 * without them is the simple graph that the other measures see: in its
 * directions for distances and strong components, and as the undirected graph
 * under it for all that is about neighbours.
 */
#include "measures.h"

#include <math.h>

#include "../community/community.h"
#include "../paths/paths.h"
#include "../patterns/patterns.h"
#include "../patterns/ranked.h"

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536
#define POLL_WORK 262144

/* ---- a simple graph ---- */

/* Copies sorted rows without loops and repeats, of which "entries" are left. */
static rk_status
copy_simple(rk_ctx *ctx, int64_t n, const rk_adjacency *from, int64_t entries, rk_adjacency *to)
{
	int64_t		kept = 0;
	int64_t		work = 0;

	to->offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
	to->neighbors = rk_alloc(ctx, entries, sizeof(uint32_t));
	if (to->offsets == NULL || to->neighbors == NULL)
		return RK_ERR_MEMORY;
	to->offsets[0] = 0;
	for (int64_t u = 0; u < n; u++)
	{
		int64_t		first = kept;

		for (int64_t i = from->offsets[u]; i < from->offsets[u + 1]; i++)
		{
			uint32_t	v = from->neighbors[i];

			if (v != (uint32_t) u && (kept == first || to->neighbors[kept - 1] != v))
				to->neighbors[kept++] = v;
		}
		work += rk_degree(from, u) + 1;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
		to->offsets[u + 1] = kept;
	}
	return RK_OK;
}

/* The simple graph: g itself where it is one, else a copy. */
static rk_status
make_simple(rk_ctx *ctx, const rk_graph *g, const rk_density *d, rk_graph *simple)
{
	int64_t		entries = g->directed ? d->edges : 2 * d->edges;
	rk_status	status;

	*simple = *g;
	simple->out.weights = simple->in.weights = NULL;
	if (entries == g->arcs)
		return RK_OK;
	simple->arcs = entries;
	if ((status = copy_simple(ctx, g->nodes, &g->out, entries, &simple->out)) != RK_OK)
		return status;
	if (!g->directed)
		simple->in = simple->out;
	else if ((status = copy_simple(ctx, g->nodes, &g->in, entries, &simple->in)) != RK_OK)
		return status;
	return RK_OK;
}

/* ---- degrees of neighbours ---- */

typedef struct degree_sums
{
	double		squares;		/* of the deviation, over all ends of edges */
	double		products;		/* of the deviations at both ends */
} degree_sums;

typedef struct assortativity_state
{
	const rk_graph *g;
	double		mean;			/* degree at the end of an edge */
	degree_sums *sums;			/* per chunk */
} assortativity_state;

static void
sum_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	assortativity_state *s = arg;
	const rk_adjacency *out = &s->g->out;
	degree_sums sums = {0};

	(void) thread;
	for (int64_t u = begin; u < end; u++)
	{
		double		degree = (double) rk_degree(out, u);
		double		here = degree - s->mean;
		double		there = 0;

		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
			there += (double) rk_degree(out, out->neighbors[i]) - s->mean;
		sums.squares += degree * here * here;
		sums.products += here * there;
	}
	s->sums[chunk] = sums;
}

/*
 * The correlation of the degrees at the two ends of an edge; NaN when all ends
 * have one degree.
 */
static rk_status
find_assortativity(rk_ctx *ctx, const rk_graph *g, double *result)
{
	assortativity_state s = {.g = g};
	int64_t		n = g->nodes;
	int64_t		arcs = g->out.offsets[n];
	int64_t		least = 0;
	int64_t		most = 0;
	double		squares = 0;
	double		products = 0;
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*result = NAN;
	for (int64_t u = 0; u < n; u++)
	{
		int64_t		degree = rk_degree(&g->out, u);

		if (degree > 0 && (least == 0 || degree < least))
			least = degree;
		if (degree > most)
			most = degree;
		s.mean += (double) degree * (double) degree;
	}
	if (least == most)
		return RK_OK;
	s.mean /= (double) arcs;
	bounds = rk_graph_chunks(ctx, n, g->out.offsets, CHUNK_WORK, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	if ((s.sums = rk_alloc(ctx, chunks, sizeof(degree_sums))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, sum_rows, &s)) != RK_OK)
		return status;
	for (int64_t c = 0; c < chunks; c++)
	{
		squares += s.sums[c].squares;
		products += s.sums[c].products;
	}
	rk_free(ctx, s.sums);
	rk_free(ctx, bounds);
	*result = products / squares;
	return RK_OK;
}

/* ---- degeneracy ---- */

/*
 * The largest k such that some nodes have k neighbours each among themselves:
 * the node with the fewest is taken away, again and again.  Nodes are kept
 * sorted by what they have left (Batagelj, Zaversnik 2003).
 */
static rk_status
find_degeneracy(rk_ctx *ctx, const rk_graph *g, int64_t *result)
{
	int64_t		n = g->nodes;
	const rk_adjacency *out = &g->out;
	int64_t		most = 0;
	uint32_t   *left;			/* by node: neighbours that are still there */
	uint32_t   *order;			/* nodes by left */
	uint32_t   *place;			/* by node: in order */
	uint32_t   *first;			/* by left: the first such in order */
	uint32_t	at = 0;
	int64_t		work = 0;

	for (int64_t u = 0; u < n; u++)
		if (rk_degree(out, u) > most)
			most = rk_degree(out, u);
	left = rk_alloc(ctx, n, sizeof(uint32_t));
	order = rk_alloc(ctx, n, sizeof(uint32_t));
	place = rk_alloc(ctx, n, sizeof(uint32_t));
	first = rk_alloc0(ctx, most + 2, sizeof(uint32_t));
	if (!left || !order || !place || !first)
		return RK_ERR_MEMORY;
	for (int64_t u = 0; u < n; u++)
	{
		left[u] = (uint32_t) rk_degree(out, u);
		first[left[u] + 1]++;
	}
	for (int64_t k = 1; k <= most + 1; k++)
		first[k] += first[k - 1];
	for (int64_t u = 0; u < n; u++)
	{
		place[u] = first[left[u]]++;
		order[place[u]] = (uint32_t) u;
	}
	for (int64_t k = most; k > 0; k--)
		first[k] = first[k - 1];
	first[0] = 0;

	*result = 0;
	for (; at < n; at++)
	{
		uint32_t	u = order[at];

		if (left[u] > *result)
			*result = left[u];
		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];
			uint32_t	other;

			if (left[v] <= left[u])
				continue;
			/* v changes places with the first of its kind, which then ends before it */
			other = order[first[left[v]]];
			order[place[v]] = other;
			place[other] = place[v];
			place[v] = first[left[v]]++;
			order[place[v]] = v;
			left[v]--;
		}
		work += rk_degree(out, u) + 1;
		if (work >= POLL_WORK / 4)
		{
			work = 0;
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}
	}
	rk_free(ctx, left);
	rk_free(ctx, order);
	rk_free(ctx, place);
	rk_free(ctx, first);
	return RK_OK;
}

/* ---- the rest ---- */

/* What the degrees of the undirected graph and its triangles tell. */
static rk_status
find_neighbor_measures(rk_ctx *ctx, const rk_graph *g, rk_full_metrics *m)
{
	int64_t		n = g->nodes;
	int64_t    *degree = rk_alloc(ctx, n, sizeof(int64_t));
	int64_t    *triangles = rk_alloc(ctx, n, sizeof(int64_t));
	double	   *clustering = rk_alloc(ctx, n, sizeof(double));
	rk_clustering_totals totals;
	rk_status	status;

	if (!degree || !triangles || !clustering)
		return RK_ERR_MEMORY;
	status = rk_graph_clustering_coefficient(ctx, g, RK_CLUSTERING_WATTS_STROGATZ, degree, triangles,
											 clustering, &totals);
	if (status != RK_OK)
		return status;
	for (int64_t u = 0; u < n; u++)
		if (degree[u] > m->max_degree)
			m->max_degree = degree[u];
	rk_free(ctx, degree);
	rk_free(ctx, triangles);
	rk_free(ctx, clustering);
	m->mean_degree = (double) g->out.offsets[n] / (double) n;
	m->average_clustering = totals.average;
	m->transitivity = totals.triangles.transitivity;
	m->triangles = totals.triangles.triangles;
	if ((status = find_assortativity(ctx, g, &m->degree_assortativity)) != RK_OK)
		return status;
	return find_degeneracy(ctx, g, &m->degeneracy);
}

/* Numbers and sizes of components; g in its directions. */
static rk_status
find_components(rk_ctx *ctx, const rk_graph *g, rk_full_metrics *m)
{
	uint32_t   *component = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	rk_components c;
	rk_status	status;

	if (component == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_graph_weak_components(ctx, g, component, &c)) != RK_OK)
		return status;
	m->components = m->strong_components = c.count;
	m->largest_component = c.size[0];
	rk_free(ctx, c.root);
	rk_free(ctx, c.size);
	if (g->directed)
	{
		if ((status = rk_graph_strong_components(ctx, g, component, &c)) != RK_OK)
			return status;
		m->strong_components = c.count;
		rk_free(ctx, c.root);
		rk_free(ctx, c.size);
	}
	rk_free(ctx, component);
	return RK_OK;
}

rk_status
rk_graph_full_metrics(rk_ctx *ctx, const rk_graph *g, int64_t samples, uint64_t seed,
					  rk_full_metrics *result)
{
	rk_graph	simple;
	rk_path_averages paths;
	rk_status	status;

	*result = (rk_full_metrics) {
		.mean_degree = NAN,.degree_assortativity = NAN,.average_clustering = NAN,.transitivity = NAN
	};
	if ((status = rk_graph_density(ctx, g, &result->density)) != RK_OK ||
		(status = make_simple(ctx, g, &result->density, &simple)) != RK_OK)
		return status;
	if (g->nodes > 0)
	{
		rk_phase(ctx, "neighbours", 0);
		if (g->directed)
		{
			rk_graph	skeleton;
			uint8_t    *ends;

			if ((status = rk_graph_skeleton(ctx, &simple, &skeleton, &ends)) != RK_OK)
				return status;
			rk_free(ctx, ends);
			if ((status = find_neighbor_measures(ctx, &skeleton, result)) != RK_OK)
				return status;
			rk_graph_free(ctx, &skeleton);
		}
		else if ((status = find_neighbor_measures(ctx, &simple, result)) != RK_OK)
			return status;
		rk_phase(ctx, "components", 0);
		if ((status = find_components(ctx, &simple, result)) != RK_OK)
			return status;
	}
	if ((status = rk_graph_average_path_length(ctx, &simple, samples, seed, &paths)) != RK_OK)
		return status;
	if (simple.out.offsets != g->out.offsets)
		rk_graph_free(ctx, &simple);
	result->average_path_length = paths.average;
	result->diameter = paths.diameter;
	result->radius = paths.radius;
	result->global_efficiency = paths.global_efficiency;
	result->exact = paths.exact;
	return RK_OK;
}

int64_t
rk_graph_full_metrics_memory(int64_t nodes, int64_t arcs, bool directed, int threads, int64_t samples)
{
	int64_t		entries = directed ? 2 * arcs : arcs;	/* of the undirected graph, at most */
	int64_t		simple = (directed ? 2 : 1) * (rk_block_bytes(nodes + 1, 8) + rk_block_bytes(arcs, 4));
	int64_t		skeleton = directed ? rk_graph_skeleton_memory(nodes, arcs) : 0;
	int64_t		around = skeleton + 3 * rk_block_bytes(nodes, 8) +
		rk_graph_clustering_coefficient_memory(nodes, entries, RK_CLUSTERING_WATTS_STROGATZ, threads);
	int64_t		components = rk_block_bytes(nodes, 4) + (directed ?
		rk_graph_strong_components_memory(nodes, arcs, threads) : rk_graph_weak_components_memory(nodes, arcs, threads));
	int64_t		paths = rk_graph_average_path_length_memory(nodes, false, threads, samples);
	int64_t		most = around > components ? around : components;

	return simple + (most > paths ? most : paths);
}

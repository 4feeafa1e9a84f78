/*
 * clustering_coefficient.c
 *	  How much the neighbours of a node are joined, in five definitions.
 *
 * All of them are sums over triangles, found as ranked.h says.  Sums of real
 * numbers must not depend on which thread finds a triangle first, so none is
 * added to a node at once: what a triangle means to its lower corner u goes to
 * the edge (u, x), where only the visit of the middle corner x writes, and what
 * it means to its upper corner z to the edge (x, z).  Every node then gathers
 * its edges in their order.
 *
 * fagiolo and graphalytics look at the undirected graph under the directed one:
 * with 1 or 2 arcs behind an edge, a triangle stands for the product of the
 * three numbers in directed triangles, and the edge opposite to a corner for so
 * many arcs among its neighbours.
 */
#include "patterns.h"

#include <math.h>

#include "../../compute/parallel.h"
#include "ranked.h"

#define CHUNK_WORK 65536
#define SUM_CHUNK 4096			/* nodes in one partial sum of an average */
#define POLL_MASK ((1 << 16) - 1)

typedef struct weigh_state
{
	rk_ctx	   *ctx;
	const rk_ranked *r;
	const rk_graph *g;			/* undirected */
	rk_clustering_variant variant;
	const uint8_t *ends;		/* by entry of g; directed variants */
	const uint32_t *support;	/* by edge; barrat */
	double		max_weight;
	double	   *value;			/* by edge: what it weighs in a triangle */
	double	   *to_lower;		/* by edge: sum for its lower end */
	double	   *to_upper;		/* by edge: sum for its upper end */
	double	   *own;			/* by rank: sum as middle corner */
	double	   *marks;			/* [threads][nodes]: value of the edge to x, or 0 */
	double	   *sums;			/* [threads][nodes]: for the upper corners */
	double	   *sum;			/* by node: the result */
} weigh_state;

/* ---- what an edge weighs ---- */

static void
set_values(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weigh_state *s = arg;
	const rk_adjacency *out = &s->g->out;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	rank = s->r->rank[v];

		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			uint32_t	other = s->r->rank[out->neighbors[i]];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			if (other > rank)
				continue;
			s->value[rk_ranked_edge(s->r, rank, other)] = s->ends ?
				(s->ends[i] == (RK_ARC_OUT | RK_ARC_IN) ? 2 : 1) :
				cbrt(out->weights[i] / s->max_weight);
		}
	}
}

/* ---- triangles ---- */

/*
 * What the triangles of x and its lower neighbour u mean: returns the sum for
 * u, adds to *middle the sum for x, and to sums those for every z.  row, value:
 * the upper part of row u up to x; with_u: value of the edge (u, x).  Where z
 * is not marked nothing changes.
 */
static inline double
add_products(const double *marks, double *sums, const uint32_t *row, const double *value,
			 int64_t length, double with_u, double *middle)
{
	double		sum = 0;

	for (int64_t k = 0; k < length; k++)
	{
		uint32_t	z = row[k];

		sum += marks[z] * value[k];
		sums[z] += marks[z] != 0 ? value[k] * with_u : 0;
	}
	*middle += sum * with_u;
	return sum * with_u;
}

/* The same where a corner is given the value of the edge opposite to it. */
static inline double
add_opposites(const double *marks, double *sums, const uint32_t *row, const double *value,
			  int64_t length, double with_u, double *middle)
{
	double		sum = 0;
	double		other = 0;

	for (int64_t k = 0; k < length; k++)
	{
		uint32_t	z = row[k];
		bool		marked = marks[z] != 0;

		sum += marks[z];
		other += marked ? value[k] : 0;
		sums[z] += marked ? with_u : 0;
	}
	*middle += other;
	return sum;
}

static void
weigh_triangles(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weigh_state *s = arg;
	const rk_ranked *r = s->r;
	double	   *marks = s->marks + r->nodes * thread;
	double	   *sums = s->sums + r->nodes * thread;
	bool		opposite = s->variant == RK_CLUSTERING_GRAPHALYTICS;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t x = begin; x < end; x++)
	{
		const uint32_t *upper = r->rows + r->offsets[x];
		const double *value = s->value + r->first[x];
		int64_t		uppers = r->uppers[x];
		const uint32_t *lower = upper + uppers;
		int64_t		lowers = r->offsets[x + 1] - r->offsets[x] - uppers;
		double		middle = 0;

		if (uppers == 0 || lowers == 0)
			continue;
		for (int64_t k = 0; k < uppers; k++)
			marks[upper[k]] = value[k];
		for (int64_t i = 0; i < lowers; i++)
		{
			uint32_t	u = lower[i];
			const uint32_t *row = r->rows + r->offsets[u];
			int64_t		before = rk_ranked_before(r, u, x);
			int64_t		edge = r->first[u] + before;

			if (i + RK_RANKED_AHEAD < lowers)
				__builtin_prefetch(&r->rows[r->offsets[lower[i + RK_RANKED_AHEAD]]]);
			s->to_lower[edge] = opposite ?
				add_opposites(marks, sums, row, s->value + r->first[u], before, s->value[edge], &middle) :
				add_products(marks, sums, row, s->value + r->first[u], before, s->value[edge], &middle);
			work += r->uppers[u];
			if (work > RK_RANKED_POLL)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		s->own[x] = middle;
		for (int64_t k = 0; k < uppers; k++)
		{
			s->to_upper[r->first[x] + k] = opposite ? sums[upper[k]] : sums[upper[k]] * value[k];
			marks[upper[k]] = 0;
			sums[upper[k]] = 0;
		}
	}
}

/* Adds up the edges of every node. */
static void
gather_edges(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weigh_state *s = arg;
	const rk_ranked *r = s->r;

	(void) chunk;
	for (int64_t p = begin; p < end; p++)
	{
		double		sum = s->own[p];

		for (int64_t e = r->first[p]; e < r->first[p + 1]; e++)
			sum += s->to_lower[e];
		for (int64_t i = r->offsets[p] + r->uppers[p]; i < r->offsets[p + 1]; i++)
		{
			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			sum += s->to_upper[rk_ranked_edge(r, r->rows[i], p)];
		}
		s->sum[r->order[p]] = sum;
	}
}

/* Barrat: every edge of a node counts its weight once for each triangle. */
static void
gather_weights(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	weigh_state *s = arg;
	const rk_ranked *r = s->r;
	const rk_adjacency *out = &s->g->out;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		double		sum = 0;
		double		strength = 0;

		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			/* divided first: a sum of weights may be beyond float8 */
			sum += out->weights[i] / s->max_weight *
				s->support[rk_ranked_edge(r, r->rank[v], r->rank[out->neighbors[i]])];
			strength += out->weights[i] / s->max_weight;
		}
		s->sum[v] = strength > 0 ? sum / strength : 0;
	}
}

/* Sets s->sum of every node of an undirected graph. */
static rk_status
sum_triangles(weigh_state *s, const int64_t *bounds, int64_t chunks)
{
	rk_ctx	   *ctx = s->ctx;
	const rk_ranked *r = s->r;
	int64_t		edges = r->first[r->nodes];
	int64_t    *ranked_bounds;
	int64_t		ranked_chunks;
	rk_status	status;

	s->value = rk_alloc(ctx, edges, sizeof(double));
	s->to_lower = rk_alloc0(ctx, edges, sizeof(double));
	s->to_upper = rk_alloc0(ctx, edges, sizeof(double));
	s->own = rk_alloc0(ctx, r->nodes, sizeof(double));
	s->marks = rk_alloc0(ctx, r->nodes * ctx->threads, sizeof(double));
	s->sums = rk_alloc0(ctx, r->nodes * ctx->threads, sizeof(double));
	ranked_bounds = rk_graph_chunks(ctx, r->nodes, r->offsets, CHUNK_WORK, &ranked_chunks);
	if (!s->value || !s->to_lower || !s->to_upper || !s->own || !s->marks || !s->sums || !ranked_bounds)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "weighing", r->chunk_count);
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, set_values, s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, r->chunks, r->chunk_count, weigh_triangles, s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, ranked_bounds, ranked_chunks, gather_edges, s)) != RK_OK)
		return status;
	rk_free(ctx, s->value);
	rk_free(ctx, s->to_lower);
	rk_free(ctx, s->to_upper);
	rk_free(ctx, s->own);
	rk_free(ctx, s->marks);
	rk_free(ctx, s->sums);
	rk_free(ctx, ranked_bounds);
	return RK_OK;
}

/* ---- the coefficients ---- */

/* Reciprocated arcs of a node. */
static int64_t
reciprocated(const weigh_state *s, int64_t v)
{
	int64_t		count = 0;

	for (int64_t i = s->g->out.offsets[v]; i < s->g->out.offsets[v + 1]; i++)
		count += s->ends[i] == (RK_ARC_OUT | RK_ARC_IN);
	return count;
}

/* Sets clustering of every node from its sum (or its triangles), and totals. */
static rk_status
finish(weigh_state *s, const int64_t *degree, const int64_t *triangles,
	   double *clustering, rk_clustering_totals *totals)
{
	double		all = 0;
	double		chunk_sum = 0;
	int64_t		counted = 0;

	for (int64_t v = 0; v < s->g->nodes; v++)
	{
		double		k = degree[v];
		double		value = 0;

		if ((v & (SUM_CHUNK - 1)) == 0)
		{
			if (rk_ctx_poll(s->ctx))
				return RK_STOPPED;
			all += chunk_sum;
			chunk_sum = 0;
		}
		totals->triangles.wedges += (unsigned __int128) degree[v] * (degree[v] - (degree[v] > 0)) / 2;
		if (degree[v] >= 2)
		{
			counted++;
			switch (s->variant)
			{
				case RK_CLUSTERING_WATTS_STROGATZ:
					value = (double) triangles[v] / (k * (k - 1) / 2);
					break;
				case RK_CLUSTERING_ONNELA:
					value = s->sum[v] / (k * (k - 1) / 2);
					break;
				case RK_CLUSTERING_BARRAT:
					value = s->sum[v] / (k - 1);
					break;
				case RK_CLUSTERING_FAGIOLO:
					{
						double		both = reciprocated(s, v);

						value = s->sum[v] / ((k + both) * (k + both - 1) - 2 * both);
					}
					break;
				case RK_CLUSTERING_GRAPHALYTICS:
					value = s->sum[v] / (k * (k - 1));
					break;
			}
		}
		clustering[v] = value;
		chunk_sum += value;
	}
	all += chunk_sum;
	if (s->g->nodes > 0)
		totals->average = all / (double) s->g->nodes;
	if (counted > 0)
		totals->average_nonzero_degree = all / (double) counted;
	if (totals->triangles.wedges)
		totals->triangles.transitivity = 3 * (double) totals->triangles.triangles /
			(double) totals->triangles.wedges;
	return RK_OK;
}

/* The largest weight; an error when there are weights and all are 0. */
static rk_status
find_max_weight(weigh_state *s)
{
	const rk_adjacency *out = &s->g->out;

	for (int64_t i = 0; i < out->offsets[s->g->nodes]; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		if (out->weights[i] > s->max_weight)
			s->max_weight = out->weights[i];
	}
	if (s->max_weight == 0 && out->offsets[s->g->nodes] > 0)
		return rk_fail(s->ctx, RK_ERR_DATA, "all weights are 0");
	if (isinf(s->max_weight))
		return rk_fail(s->ctx, RK_ERR_OVERFLOW, "the weights of parallel edges add up to more than float8 can hold");
	return RK_OK;
}

rk_status
rk_graph_clustering_coefficient(rk_ctx *ctx, const rk_graph *g, rk_clustering_variant variant,
								int64_t *degree, int64_t *triangles, double *clustering,
								rk_clustering_totals *totals)
{
	rk_graph	skeleton = {0};
	uint8_t    *ends = NULL;
	uint32_t   *support = NULL;
	rk_ranked	r;
	weigh_state s = {.ctx = ctx,.g = g,.r = &r,.variant = variant};
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*totals = (rk_clustering_totals) {0};
	if (g->directed)
	{
		if ((status = rk_graph_skeleton(ctx, g, &skeleton, &ends)) != RK_OK)
			return status;
		s.g = &skeleton;
		s.ends = ends;
	}
	else if (g->out.weights && (status = find_max_weight(&s)) != RK_OK)
		return status;
	for (int64_t v = 0; v < g->nodes; v++)
		degree[v] = rk_degree(&s.g->out, v);
	if ((status = rk_ranked_build(ctx, s.g, &r)) != RK_OK ||
		(status = rk_ranked_triangles(&r, triangles, &totals->triangles.triangles)) != RK_OK)
		return status;

	s.sum = clustering;
	bounds = rk_graph_chunks(ctx, g->nodes, s.g->out.offsets, CHUNK_WORK, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	if (variant == RK_CLUSTERING_BARRAT)
	{
		unsigned __int128 total;

		s.support = support = rk_alloc(ctx, r.first[g->nodes], sizeof(uint32_t));
		if (support == NULL)
			return RK_ERR_MEMORY;
		if ((status = rk_ranked_support(&r, support, &total)) != RK_OK ||
			(status = rk_parallel_ranges(ctx, bounds, chunks, gather_weights, &s)) != RK_OK)
			return status;
	}
	else if (variant != RK_CLUSTERING_WATTS_STROGATZ &&
			 (status = sum_triangles(&s, bounds, chunks)) != RK_OK)
		return status;
	if ((status = finish(&s, degree, triangles, clustering, totals)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	rk_free(ctx, support);
	rk_ranked_free(&r);
	if (g->directed)
	{
		rk_graph_free(ctx, &skeleton);
		rk_free(ctx, ends);
	}
	return RK_OK;
}

int64_t
rk_graph_clustering_coefficient_memory(int64_t nodes, int64_t arcs,
									   rk_clustering_variant variant, int threads)
{
	bool		directed = variant >= RK_CLUSTERING_FAGIOLO;
	int64_t		entries = directed ? 2 * arcs : arcs;
	int64_t		bounds = rk_block_bytes((entries + 4 * nodes) / CHUNK_WORK + 2, 8);
	int64_t		later = rk_ranked_triangles_memory(nodes, entries, RK_TRIANGLES_OF_NODES, threads);
	int64_t		weighing = bounds;

	if (variant == RK_CLUSTERING_BARRAT)
		weighing += rk_block_bytes(entries / 2, 4) +
			rk_ranked_triangles_memory(nodes, entries, RK_TRIANGLES_OF_EDGES, threads);
	else if (variant != RK_CLUSTERING_WATTS_STROGATZ)
		weighing += 3 * rk_block_bytes(entries / 2, 8) + rk_block_bytes(nodes, 8) +
			2 * rk_block_bytes(threads * nodes, 8) + bounds;
	if (weighing > later)
		later = weighing;
	return (directed ? rk_graph_skeleton_memory(nodes, arcs) : 0) +
		rk_ranked_memory(nodes, entries, later, threads);
}

/*
 * shortest_path.c
 *	  Shortest paths from one source: choice of the method, and the results.
 *
 * The labels (hops and predecessor) are made in the array of hops and taken
 * apart at the end; Dijkstra's algorithm keeps its list of touched nodes in
 * the array of predecessors until then.
 */
#include "shortest_path_search.h"

#define ARC_CHUNK 65536
#define NODE_CHUNK 65536

/*
 * Below this number of arcs delta-stepping does not pay.  Two threads need
 * more: they look at every arc twice, Dijkstra's algorithm once.
 */
#define DELTA_ARCS (INT64_C(1) << 19)

typedef struct lengths_state
{
	const double *weights;
	double	   *min;			/* per chunk */
	double	   *max;
	double	   *sum;
} lengths_state;

static void
lengths_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	lengths_state *s = arg;
	const double *w = s->weights;
	double		min0 = w[begin];
	double		min1 = w[begin];
	double		max0 = w[begin];
	double		max1 = w[begin];
	double		sum0 = 0;
	double		sum1 = 0;
	int64_t		i = begin;

	(void) thread;
	for (; i + 2 <= end; i += 2)
	{
		min0 = w[i] < min0 ? w[i] : min0;
		min1 = w[i + 1] < min1 ? w[i + 1] : min1;
		max0 = w[i] > max0 ? w[i] : max0;
		max1 = w[i + 1] > max1 ? w[i + 1] : max1;
		sum0 += w[i];
		sum1 += w[i + 1];
	}
	if (i < end)
	{
		min0 = w[i] < min0 ? w[i] : min0;
		max0 = w[i] > max0 ? w[i] : max0;
		sum0 += w[i];
	}
	s->min[chunk] = min0 < min1 ? min0 : min1;
	s->max[chunk] = max0 > max1 ? max0 : max1;
	s->sum[chunk] = sum0 + sum1;
}

/* The first node with an arc that is negative or, if so asked, not finite. */
static rk_status
find_arc(rk_ctx *ctx, const rk_graph *g, bool not_finite, int64_t *node)
{
	for (int64_t u = 0; u < g->nodes; u++)
	{
		if ((u & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			double		w = g->out.weights[i];

			if (not_finite ? !isfinite(w) : w < 0)
			{
				*node = u;
				return RK_OK;
			}
		}
	}
	*node = -1;
	return RK_OK;
}

rk_status
rk_graph_path_lengths(rk_ctx *ctx, const rk_graph *g, rk_path_lengths *lengths)
{
	lengths_state s = {.weights = g->out.weights};
	int64_t		arcs = g->out.offsets[g->nodes];
	int64_t		chunks = rk_chunks(arcs, ARC_CHUNK);
	double		sum;
	rk_status	status;

	*lengths = (rk_path_lengths) {.negative = -1};
	if (arcs == 0)
		return RK_OK;
	if (g->out.weights == NULL)
	{
		lengths->min = lengths->max = lengths->mean = 1;
		return RK_OK;
	}
	s.min = rk_alloc(ctx, chunks, sizeof(double));
	s.max = rk_alloc(ctx, chunks, sizeof(double));
	s.sum = rk_alloc(ctx, chunks, sizeof(double));
	if (!s.min || !s.max || !s.sum)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(ctx, arcs, ARC_CHUNK, lengths_chunk, &s)) != RK_OK)
		return status;
	lengths->min = s.min[0];
	lengths->max = s.max[0];
	for (int64_t c = 1; c < chunks; c++)
	{
		lengths->min = fmin(lengths->min, s.min[c]);
		lengths->max = fmax(lengths->max, s.max[c]);
	}
	sum = rk_sum_chunks(s.sum, chunks);
	lengths->mean = sum / (double) arcs;
	rk_free(ctx, s.min);
	rk_free(ctx, s.max);
	rk_free(ctx, s.sum);

	/* the sum of finite numbers may overflow; what is not finite shows in it */
	if (!isfinite(sum))
	{
		int64_t		node;

		if ((status = find_arc(ctx, g, true, &node)) != RK_OK)
			return status;
		if (node >= 0)
			return rk_fail_node(ctx, RK_ERR_DATA, node,
								"length of an edge of node %%node is not finite");
		lengths->mean = lengths->max / 2;
	}
	if (lengths->min < 0)
	{
		if ((status = find_arc(ctx, g, false, &lengths->negative)) != RK_OK)
			return status;
		if (!g->directed)
		{
			rk_fail_node(ctx, RK_ERR_DATA, lengths->negative,
						 "length of an edge of node %%node is negative");
			rk_fail_detail(ctx, "An undirected edge of negative length is a negative cycle.");
			return RK_ERR_DATA;
		}
	}
	return RK_OK;
}

/*
 * A sum that overflows reaches nobody: the node at the end of such an arc must
 * have been reached otherwise.
 */
static rk_status
check_overflow(rk_ctx *ctx, const rk_graph *g, const double *distance)
{
	for (int64_t u = 0; u < g->nodes; u++)
	{
		if ((u & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (distance[u] == INFINITY)
			continue;
		for (int64_t i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			if (distance[g->out.neighbors[i]] == INFINITY)
				return rk_fail_node(ctx, RK_ERR_OVERFLOW, g->out.neighbors[i],
									"distance of node %%node is out of range");
		}
	}
	return RK_OK;
}

/* Dijkstra's algorithm over arrays of the caller. */
static rk_status
dijkstra(rk_ctx *ctx, const rk_graph *g, uint32_t source, double max_distance,
		 const rk_path_lengths *lengths, double *distance, uint64_t *label,
		 uint32_t *touched)
{
	rk_path_tree tree = {distance, label, touched, g->nodes};
	rk_path_scratch scratch;
	rk_status	status;

	status = rk_graph_path_scratch_make(ctx, g->nodes, true, false,
										rk_graph_path_buckets(g, lengths), &scratch);
	if (status != RK_OK)
		return status;
	rk_graph_path_tree_clear(&tree, g->nodes);
	if (!rk_graph_path_search(ctx, 0, g, source, max_distance, 0, &scratch, &tree))
		return RK_STOPPED;
	rk_graph_path_scratch_free(ctx, &scratch);
	return RK_OK;
}

/*
 * Width of the bins of delta-stepping.  Where nodes have many arcs a bin has
 * enough of them even if it is narrow, and then few are relaxed twice.
 */
static double
best_delta(const rk_path_lengths *lengths, int64_t nodes, int64_t arcs)
{
	double		degree = (double) arcs / (double) nodes;

	return 16 * lengths->mean / (degree * degree);
}

rk_status
rk_graph_path_labels(rk_ctx *ctx, const rk_graph *g, uint32_t source, double max_distance,
					 rk_path_method method, const rk_path_lengths *lengths,
					 const double *allowed, double *distance, uint64_t *label,
					 uint32_t *touched)
{
	int64_t		n = g->nodes;
	int64_t		arcs = g->out.offsets[n];
	int64_t		max_hops = max_distance < (double) n ? (int64_t) max_distance : n;
	rk_status	status;

	if (g->out.weights == NULL)
		return rk_graph_path_bfs(ctx, g, source, max_hops, NULL, label);
	if (method == RK_PATH_AUTO)
	{
		if (lengths->min < 0)
			method = RK_PATH_BELLMAN_FORD;
		else if (ctx->threads > 1 && arcs >= DELTA_ARCS)
			method = RK_PATH_DELTA_STEPPING;
		else
			method = RK_PATH_DIJKSTRA;
	}
	rk_phase(ctx, "searching", n);
	if (method == RK_PATH_DIJKSTRA)
		status = dijkstra(ctx, g, source, max_distance, lengths, distance, label, touched);
	else if (method == RK_PATH_DELTA_STEPPING)
		status = rk_graph_path_delta(ctx, g, source, max_distance,
									 best_delta(lengths, n, arcs), distance, label);
	else
		status = rk_graph_path_negative(ctx, g, source, allowed, distance);
	if (status != RK_OK)
		return status;
	if (max_distance == INFINITY && rk_path_may_overflow(lengths, n) && allowed == NULL &&
		(status = check_overflow(ctx, g, distance)) != RK_OK)
		return status;
	if (method == RK_PATH_DIJKSTRA)
		return RK_OK;
	rk_phase(ctx, "counting hops", n);
	return rk_graph_path_bfs(ctx, g, source, n, distance, label);
}

typedef struct result_state
{
	double		max_distance;
	bool		weighted;
	double	   *distance;
	uint32_t   *predecessor;
	int64_t    *hops;			/* labels, until they are taken apart */
} result_state;

static void
result_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	result_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		uint64_t	label = (uint64_t) s->hops[v];

		if (label == RK_PATH_UNSEEN || (s->weighted && s->distance[v] > s->max_distance))
		{
			s->distance[v] = INFINITY;
			s->predecessor[v] = RK_NO_NODE;
			s->hops[v] = -1;
			continue;
		}
		s->hops[v] = rk_path_hops(label);
		s->predecessor[v] = (uint32_t) label;
		if (!s->weighted)
			s->distance[v] = (double) s->hops[v];
	}
}

/* Refuses what a method cannot do. */
static rk_status
check_method(rk_ctx *ctx, const rk_graph *g, rk_path_method method,
			 const rk_path_lengths *lengths)
{
	if (method == RK_PATH_BFS && g->out.weights)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "method \"bfs\" needs an unweighted graph");
		rk_fail_hint(ctx, "Set weighted to false, or use method \"auto\".");
		return RK_ERR_PARAMETER;
	}
	if ((method == RK_PATH_DIJKSTRA || method == RK_PATH_DELTA_STEPPING) && lengths->min < 0)
	{
		rk_fail_node(ctx, RK_ERR_DATA, lengths->negative,
					 "length of an edge of node %%node is negative");
		rk_fail_hint(ctx, "Negative lengths need method \"bellman-ford\" or \"auto\".");
		return RK_ERR_DATA;
	}
	return RK_OK;
}

rk_status
rk_graph_shortest_path(rk_ctx *ctx, const rk_graph *g,
					   const rk_shortest_path_params *params, double *distance,
					   uint32_t *predecessor, int64_t *hops)
{
	rk_path_lengths lengths;
	result_state result = {params->max_distance, g->out.weights != NULL,
	distance, predecessor, hops};
	rk_status	status;

	if (params->source >= g->nodes)
		return rk_fail(ctx, RK_ERR_PARAMETER, "source is not in the graph");
	if ((status = rk_graph_path_lengths(ctx, g, &lengths)) != RK_OK ||
		(status = check_method(ctx, g, params->method, &lengths)) != RK_OK)
		return status;
	status = rk_graph_path_labels(ctx, g, params->source, params->max_distance,
								  params->method, &lengths, NULL, distance,
								  (uint64_t *) hops, predecessor);
	if (status != RK_OK)
		return status;
	return rk_parallel_for(ctx, g->nodes, NODE_CHUNK, result_chunk, &result);
}

int64_t
rk_graph_shortest_path_memory(int64_t nodes, bool weighted, int threads)
{
	/* delta-stepping: blocks; Bellman-Ford: its tree; then a queue of hops */
	if (weighted)
		return nodes * 34 + (int64_t) threads * 40960 + 65536;
	return nodes * 5 + 65536;
}

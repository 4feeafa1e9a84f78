/*
 * degree_centrality.c
 *	  Degrees of all nodes in one pass over the sorted rows.
 *
 * Parallel edges stand side by side in a row, so distinct neighbours are
 * counted by comparing with the entry before; the distinct neighbours of both
 * directions by merging the two rows.
 */
#include "centrality.h"

#include <string.h>

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536

typedef struct degree_state
{
	const rk_graph *g;
	rk_degrees *r;
} degree_state;

/* Distinct entries of a row, and the sum of its weights. */
static int64_t
distinct_in_row(const rk_adjacency *a, int64_t u, double *strength)
{
	int64_t		distinct = 0;
	double		sum = 0;

	for (int64_t i = a->offsets[u]; i < a->offsets[u + 1]; i++)
	{
		distinct += i == a->offsets[u] || a->neighbors[i] != a->neighbors[i - 1];
		if (a->weights)
			sum += a->weights[i];
	}
	*strength = sum;
	return distinct;
}

/* Sum of the weights of a row, in its order. */
static double
row_strength(const rk_adjacency *a, int64_t u)
{
	double		sum = 0;

	for (int64_t i = a->offsets[u]; i < a->offsets[u + 1]; i++)
		sum += a->weights[i];
	return sum;
}

/*
 * Distinct entries of the rows of u in both directions, and distinct nodes
 * other than u in either, by one merge.
 */
static void
distinct_in_rows(const rk_graph *g, int64_t u, int64_t *out, int64_t *in, int64_t *neighbors)
{
	const uint32_t *x = g->out.neighbors + g->out.offsets[u];
	const uint32_t *x_end = g->out.neighbors + g->out.offsets[u + 1];
	const uint32_t *y = g->in.neighbors + g->in.offsets[u];
	const uint32_t *y_end = g->in.neighbors + g->in.offsets[u + 1];
	int64_t		n_out = 0;
	int64_t		n_in = 0;
	int64_t		both = 0;
	int64_t		loop = 0;

	while (x < x_end && y < y_end)
	{
		uint32_t	a = *x;
		uint32_t	b = *y;
		uint32_t	v = a < b ? a : b;

		/* sums instead of branches: which side is smaller cannot be foreseen */
		n_out += a == v;
		n_in += b == v;
		both += a == b;
		loop += v == u;
		if (a == v)
			while (++x < x_end && *x == v)
				;
		if (b == v)
			while (++y < y_end && *y == v)
				;
	}
	for (; x < x_end; n_out++)
	{
		uint32_t	v = *x;

		loop += v == u;
		while (++x < x_end && *x == v)
			;
	}
	for (; y < y_end; n_in++)
	{
		uint32_t	v = *y;

		loop += v == u;
		while (++y < y_end && *y == v)
			;
	}
	*out = n_out;
	*in = n_in;
	*neighbors = n_out + n_in - both - (loop > 0);
}

/* Number of self-loops of u in a sorted row, and the sum of their weights. */
static int64_t
loops_in_row(const rk_adjacency *a, int64_t u, double *weight)
{
	int64_t		low = a->offsets[u];
	int64_t		high = a->offsets[u + 1];
	int64_t		loops = 0;

	*weight = 0;
	while (low < high)
	{
		int64_t		mid = low + (high - low) / 2;

		if (a->neighbors[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < a->offsets[u + 1] && a->neighbors[low] == u; low++)
	{
		loops++;
		if (a->weights)
			*weight += a->weights[low];
	}
	return loops;
}

/* Sets entry "at" of the result to what node u has. */
static inline void
count_node(const rk_graph *g, int64_t u, rk_degrees *r, int64_t at)
{
	double		scale = g->nodes > 1 ? 1.0 / (double) (g->nodes - 1) : 0;
	double		out_strength = 0;
	double		in_strength = 0;
	int64_t		out;
	int64_t		in;

	r->out_edges[at] = rk_degree(&g->out, u);
	if (g->directed)
	{
		distinct_in_rows(g, u, &out, &in, &r->neighbors[at]);
		r->in_edges[at] = rk_degree(&g->in, u);
		r->degree[at] = in + out;
		if (r->in_strength)
		{
			out_strength = row_strength(&g->out, u);
			in_strength = row_strength(&g->in, u);
		}
	}
	else
	{
		double		loop_weight;
		int64_t		loops = loops_in_row(&g->out, u, &loop_weight);

		out = distinct_in_row(&g->out, u, &out_strength);
		r->neighbors[at] = out - (loops > 0);
		out += loops > 0;
		in = out;
		r->degree[at] = out;
		r->out_edges[at] += loops;
		r->in_edges[at] = r->out_edges[at];
		out_strength += loop_weight;
		in_strength = out_strength;
	}
	r->in_degree[at] = in;
	r->out_degree[at] = out;
	r->score[at] = (double) r->degree[at] * scale;
	r->in_score[at] = (double) in * scale;
	r->out_score[at] = (double) out * scale;
	if (r->in_strength)
	{
		r->in_strength[at] = in_strength;
		r->out_strength[at] = out_strength;
	}
}

static void
count_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	degree_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t u = begin; u < end; u++)
		count_node(s->g, u, s->r, u);
}

/* Room for the degrees of n nodes. */
static rk_status
allocate(rk_ctx *ctx, const rk_graph *g, int64_t n, rk_degrees *result)
{
	*result = (rk_degrees) {
		.degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.in_degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.out_degree = rk_alloc(ctx, n, sizeof(int64_t)),
		.score = rk_alloc(ctx, n, sizeof(double)),
		.in_score = rk_alloc(ctx, n, sizeof(double)),
		.out_score = rk_alloc(ctx, n, sizeof(double)),
		.in_edges = rk_alloc(ctx, n, sizeof(int64_t)),
		.out_edges = rk_alloc(ctx, n, sizeof(int64_t)),
		.neighbors = rk_alloc(ctx, n, sizeof(int64_t)),
	};
	if (g->out.weights)
	{
		result->in_strength = rk_alloc(ctx, n, sizeof(double));
		result->out_strength = rk_alloc(ctx, n, sizeof(double));
	}
	return ctx->error.status;
}

rk_status
rk_graph_degree_centrality(rk_ctx *ctx, const rk_graph *g, rk_degrees *result)
{
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;
	degree_state s = {g, result};

	if ((status = allocate(ctx, g, g->nodes, result)) != RK_OK)
		return status;
	bounds = rk_graph_chunks(ctx, g->nodes, g->out.offsets, CHUNK_WORK, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_ranges(ctx, bounds, chunks, count_rows, &s);
	rk_free(ctx, bounds);
	return status;
}

rk_status
rk_graph_degree_centrality_node(rk_ctx *ctx, const rk_graph *g, uint32_t node, rk_degrees *result)
{
	rk_status	status = allocate(ctx, g, 1, result);

	if (status == RK_OK)
		count_node(g, node, result, 0);
	return status;
}

int64_t
rk_graph_degree_centrality_memory(int64_t nodes, bool weighted)
{
	/* nine columns, and two of strength */
	return nodes * (int64_t) (weighted ? 11 * sizeof(double) : 9 * sizeof(double));
}

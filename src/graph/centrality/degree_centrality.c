/*
 * degree_centrality.c
 *	  Degrees of all nodes in one pass over the sorted rows.
 *
 * Parallel edges stand side by side in a row, so distinct neighbours are
 * counted by comparing with the entry before.  What is a neighbour in both
 * directions is found with a bit for each node, which the row of one direction
 * sets and the row of the other looks at: unlike a merge of the two rows, no
 * step waits for the outcome of the one before.
 */
#include "centrality.h"

#include <string.h>

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536

typedef struct degree_state
{
	const rk_graph *g;
	rk_degrees *r;
	uint64_t   *successor;		/* bits of all nodes for each thread, clear between nodes */
	int64_t		words;			/* of one thread */
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
 * other than u in either.  successor: clear before and after.
 */
static void
distinct_in_rows(const rk_graph *g, int64_t u, uint64_t *successor,
				 int64_t *out, int64_t *in, int64_t *neighbors)
{
	const uint32_t *x = g->out.neighbors + g->out.offsets[u];
	const uint32_t *y = g->in.neighbors + g->in.offsets[u];
	int64_t		out_length = rk_degree(&g->out, u);
	int64_t		in_length = rk_degree(&g->in, u);
	int64_t		n_out = 0;
	int64_t		n_in = 0;
	int64_t		both = 0;
	int64_t		loop;
	uint32_t	before = RK_NO_NODE;

	for (int64_t i = 0; i < out_length; i++)
	{
		n_out += x[i] != before;
		before = x[i];
		successor[before >> 6] |= UINT64_C(1) << (before & 63);
	}
	loop = successor[u >> 6] >> (u & 63) & 1;
	before = RK_NO_NODE;
	for (int64_t i = 0; i < in_length; i++)
	{
		int64_t		first = y[i] != before;

		before = y[i];
		n_in += first;
		both += first & (int64_t) (successor[before >> 6] >> (before & 63));
	}
	for (int64_t i = 0; i < out_length; i++)
		successor[x[i] >> 6] = 0;
	*out = n_out;
	*in = n_in;
	*neighbors = n_out + n_in - both - loop;
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
count_node(const rk_graph *g, int64_t u, uint64_t *successor, rk_degrees *r, int64_t at)
{
	double		scale = g->nodes > 1 ? 1.0 / (double) (g->nodes - 1) : 0;
	double		out_strength = 0;
	double		in_strength = 0;
	int64_t		out;
	int64_t		in;

	r->out_edges[at] = rk_degree(&g->out, u);
	if (g->directed)
	{
		distinct_in_rows(g, u, successor, &out, &in, &r->neighbors[at]);
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
	for (int64_t u = begin; u < end; u++)
		count_node(s->g, u, s->successor + thread * s->words, s->r, u);
}

/* Words of a thread's bits, whole cache lines. */
static int64_t
bit_words(int64_t nodes)
{
	return (nodes + 511) / 512 * 8;
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
	degree_state s = {.g = g,.r = result,.words = bit_words(g->nodes)};

	if ((status = allocate(ctx, g, g->nodes, result)) != RK_OK)
		return status;
	if ((s.successor = rk_alloc0(ctx, ctx->threads * s.words, sizeof(uint64_t))) == NULL)
		return RK_ERR_MEMORY;
	bounds = rk_graph_chunks(ctx, g->nodes, g->out.offsets, CHUNK_WORK, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_ranges(ctx, bounds, chunks, count_rows, &s);
	rk_free(ctx, bounds);
	rk_free(ctx, s.successor);
	return status;
}

rk_status
rk_graph_degree_centrality_node(rk_ctx *ctx, const rk_graph *g, uint32_t node, rk_degrees *result)
{
	rk_status	status = allocate(ctx, g, 1, result);
	uint64_t   *successor;

	if (status != RK_OK)
		return status;
	if ((successor = rk_alloc0(ctx, bit_words(g->nodes), sizeof(uint64_t))) == NULL)
		return RK_ERR_MEMORY;
	count_node(g, node, successor, result, 0);
	rk_free(ctx, successor);
	return RK_OK;
}

int64_t
rk_graph_degree_centrality_memory(int64_t nodes, int threads, bool weighted)
{
	/* nine columns, and two of strength */
	return nodes * (int64_t) (weighted ? 11 * sizeof(double) : 9 * sizeof(double)) +
		threads * bit_words(nodes) * (int64_t) sizeof(uint64_t);
}

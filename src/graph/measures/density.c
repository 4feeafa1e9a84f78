/*
 * density.c
 *	  Counts of distinct edges, loops and repeats, and of arcs both ways.
 *
 * Rows are sorted, so repeats stand side by side, and the arcs that have a
 * reverse are what the out-row and the in-row of a node have in common.
 */
#include "measures.h"

#include <math.h>

#include "../../compute/parallel.h"

#define CHUNK_WORK 262144
#define POLL_ROWS 4096

/* Entries of some rows. */
typedef struct row_counts
{
	int64_t		loops;
	int64_t		distinct;		/* of those that are not loops */
	int64_t		reciprocal;		/* of the distinct: with a reverse */
} row_counts;

typedef struct density_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	row_counts *counts;			/* per chunk */
} density_state;

/* The neighbour after row[i], repeats left out: its position or end. */
static inline int64_t
next_distinct(const uint32_t *row, int64_t i, int64_t end)
{
	uint32_t	v = row[i];

	do
		i++;
	while (i < end && row[i] == v);
	return i;
}

/* How many distinct neighbours other than u two sorted rows share. */
static int64_t
common_neighbors(uint32_t u, const uint32_t *a, int64_t a_end, const uint32_t *b, int64_t b_end)
{
	int64_t		i = 0;
	int64_t		j = 0;
	int64_t		common = 0;

	while (i < a_end && j < b_end)
	{
		uint32_t	x = a[i];
		uint32_t	y = b[j];

		/* without branches that data decide, but for repeats */
		if (x == y)
		{
			common += x != u;
			i = next_distinct(a, i, a_end);
			j = next_distinct(b, j, b_end);
			continue;
		}
		i += x < y;
		j += y < x;
	}
	return common;
}

static void
count_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	density_state *s = arg;
	const rk_adjacency *out = &s->g->out;
	row_counts	c = {0};

	for (int64_t u = begin; u < end; u++)
	{
		int64_t		first = out->offsets[u];
		int64_t		last = out->offsets[u + 1];

		if ((u & (POLL_ROWS - 1)) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return;
		for (int64_t i = first; i < last; i++)
		{
			uint32_t	v = out->neighbors[i];

			c.loops += v == (uint32_t) u;
			c.distinct += v != (uint32_t) u && (i == first || v != out->neighbors[i - 1]);
		}
		if (s->g->directed)
			c.reciprocal += common_neighbors((uint32_t) u, out->neighbors + first, last - first,
											 s->g->in.neighbors + s->g->in.offsets[u],
											 rk_degree(&s->g->in, u));
	}
	s->counts[chunk] = c;
}

rk_status
rk_graph_density(rk_ctx *ctx, const rk_graph *g, rk_density *result)
{
	density_state s = {.ctx = ctx,.g = g};
	row_counts	c = {0};
	int64_t		n = g->nodes;
	double		pairs = (double) n * (double) (n - 1);
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*result = (rk_density) {.nodes = n,.reciprocity = NAN};
	if (n == 0)
		return RK_OK;
	bounds = rk_graph_chunks(ctx, n, g->out.offsets, CHUNK_WORK, &chunks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	s.counts = rk_alloc(ctx, chunks, sizeof(row_counts));
	if (s.counts == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, count_rows, &s)) != RK_OK)
		return status;
	for (int64_t i = 0; i < chunks; i++)
	{
		c.loops += s.counts[i].loops;
		c.distinct += s.counts[i].distinct;
		c.reciprocal += s.counts[i].reciprocal;
	}
	rk_free(ctx, s.counts);
	rk_free(ctx, bounds);

	/* an undirected edge has two entries, unless it is a loop */
	result->self_loops = c.loops;
	result->edges = g->directed ? c.distinct : c.distinct / 2;
	result->parallel_edges = g->arcs - c.loops - c.distinct;
	if (!g->directed)
		result->parallel_edges /= 2;
	if (n > 1)
		result->density = (double) c.distinct / pairs;
	if (g->directed && c.distinct > 0)
		result->reciprocity = (double) c.reciprocal / (double) c.distinct;
	return RK_OK;
}

int64_t
rk_graph_density_memory(int64_t nodes, int64_t arcs)
{
	/* bounds and counts of the chunks */
	return ((arcs + 4 * nodes) / CHUNK_WORK + 2) * (int64_t) (sizeof(int64_t) + sizeof(row_counts)) + 4096;
}

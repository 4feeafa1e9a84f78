/*
 * triangle_counting.c
 *	  Triangles per node, per edge and in all.
 *
 * The nodes are numbered anew by falling degree, and every triangle is found
 * once, at its middle node x (Latapy 2008; Schank and Wagner 2005): the upper
 * neighbours of x, which have smaller numbers, are marked in a table, and of
 * every lower neighbour u the row is read up to x.  A marked entry z is a
 * triangle (u, x, z).  That makes one look into the table for every pair of
 * upper neighbours of u, of which no node has more than sqrt(2 m), and nearly
 * all looks go to the few nodes with the smallest numbers, whose part of the
 * table stays in the cache.
 *
 * An entry of the table is a mark in the highest bit and below it the number
 * of triangles found with x; "entry + (entry >> 31)" counts without a branch,
 * which here could not be predicted.
 *
 * The table covers the first TABLE_NODES numbers.  Triangles of three nodes
 * beyond it, whose degrees are small, are found by merging the ends of the
 * rows.
 */
#include "graph.h"

#include <string.h>

#include "../compute/parallel.h"

#define CHUNK_ENTRIES 8192		/* of rows, in one chunk of the count */
#define COPY_WORK 65536
#define TABLE_NODES (INT64_C(1) << 20)
#define LOCAL_NODES (INT64_C(1) << 16)	/* counted per thread, not atomically */
#define MAX_BLOCKS 16			/* of rows, filled in side by side */
#define MARK (UINT32_C(1) << 31)
#define AHEAD 8					/* rows fetched ahead */
#define POLL_WORK (1 << 20)		/* looks into the table between polls */
#define POLL_MASK ((1 << 18) - 1)

/* The graph with nodes numbered by falling degree. */
typedef struct ranked_graph
{
	const rk_graph *g;
	rk_ctx	   *ctx;
	uint32_t   *order;			/* node with this rank */
	uint32_t   *rank;			/* of the node */
	int64_t    *offsets;
	uint32_t   *rows;			/* ranks: upper ones, rising; then lower ones */
	uint32_t   *uppers;			/* entries of the row that are smaller than it */
	int64_t		block_begin[MAX_BLOCKS + 1];	/* ranks */
	int			blocks;
	uint32_t   *fill;			/* [blocks][nodes]: where the block writes next */
} ranked_graph;

/* Sets order and rank: falling degree, then rising node. */
static rk_status
rank_nodes(ranked_graph *r)
{
	const int64_t *offsets = r->g->out.offsets;
	int64_t		n = r->g->nodes;
	int64_t		largest = 0;
	int64_t		sum = 0;
	int64_t    *place;

	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		if (offsets[v + 1] - offsets[v] > largest)
			largest = offsets[v + 1] - offsets[v];
	}
	place = rk_alloc0(r->ctx, largest + 1, sizeof(int64_t));
	if (place == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		place[offsets[v + 1] - offsets[v]]++;
	}
	for (int64_t degree = largest; degree >= 0; degree--)
	{
		int64_t		count = place[degree];

		place[degree] = sum;
		sum += count;
	}
	for (int64_t v = 0; v < n; v++)
	{
		int64_t		at = place[offsets[v + 1] - offsets[v]]++;

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		r->order[at] = (uint32_t) v;
		r->rank[v] = (uint32_t) at;
	}
	rk_free(r->ctx, place);
	return RK_OK;
}

/*
 * Writes the lower entries of every row, in no order, to the end of the row,
 * and counts the upper ones that each block will write in front of them.
 */
static void
copy_lowers(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	ranked_graph *r = arg;
	const rk_adjacency *out = &r->g->out;
	int64_t		n = r->g->nodes;

	(void) chunk;
	for (int64_t p = begin; p < end; p++)
	{
		uint32_t	count[MAX_BLOCKS] = {0};	/* uppers in this block or later */
		int64_t		v = r->order[p];
		int64_t		at = r->offsets[p + 1];

		if (p + AHEAD < end)
			__builtin_prefetch(&out->neighbors[out->offsets[r->order[p + AHEAD]]]);
		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			uint32_t	q = r->rank[out->neighbors[i]];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(r->ctx, thread))
				return;
			/* overwritten by the next one unless q is lower than p */
			r->rows[at - 1] = q;
			at -= q > p;
			for (int b = 1; b < r->blocks; b++)
				count[b] += q < p && q >= r->block_begin[b];
		}
		r->uppers[p] = (uint32_t) (at - r->offsets[p]);
		count[0] = r->uppers[p];
		for (int b = 0; b < r->blocks; b++)
			r->fill[b * n + p] = count[0] - count[b];
	}
}

/* Writes every rank of one block into the rows of its lower neighbours. */
static void
fill_uppers(void *arg, int64_t begin, int64_t end, int64_t block, int thread)
{
	ranked_graph *r = arg;
	uint32_t   *fill = r->fill + block * r->g->nodes;

	for (int64_t p = begin; p < end; p++)
	{
		for (int64_t i = r->offsets[p] + r->uppers[p]; i < r->offsets[p + 1]; i++)
		{
			uint32_t	q = r->rows[i];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(r->ctx, thread))
				return;
			r->rows[r->offsets[q] + fill[q]++] = (uint32_t) p;
		}
	}
}

static rk_status
rank_graph(rk_ctx *ctx, const rk_graph *g, ranked_graph *r)
{
	int64_t		n = g->nodes;
	int64_t		arcs = g->out.offsets[n];
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*r = (ranked_graph) {.g = g,.ctx = ctx};
	rk_phase(ctx, "ordering", arcs);
	r->order = rk_alloc(ctx, n, sizeof(uint32_t));
	r->rank = rk_alloc(ctx, n, sizeof(uint32_t));
	if (!r->order || !r->rank)
		return RK_ERR_MEMORY;
	if ((status = rank_nodes(r)) != RK_OK)
		return status;
	r->offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
	r->uppers = rk_alloc(ctx, n, sizeof(uint32_t));
	r->rows = rk_alloc(ctx, arcs, sizeof(uint32_t));
	if (!r->offsets || !r->uppers || !r->rows)
		return RK_ERR_MEMORY;
	r->offsets[0] = 0;
	for (int64_t q = 0; q < n; q++)
		r->offsets[q + 1] = r->offsets[q] + rk_degree(&g->out, r->order[q]);

	/*
	 * As many blocks as threads; they are numbered in the order of ranks, so
	 * the rows come out the same for any number of them.
	 */
	while (r->blocks < MAX_BLOCKS && r->blocks < ctx->threads)
	{
		int64_t		from = r->block_begin[r->blocks];
		int64_t		until = arcs / ctx->threads * (r->blocks + 1);

		r->blocks++;
		while (from < n && (r->offsets[from] < until || r->blocks == MAX_BLOCKS ||
							r->blocks == ctx->threads))
			from++;
		r->block_begin[r->blocks] = from;
	}
	r->fill = rk_alloc(ctx, r->blocks * n, sizeof(uint32_t));
	bounds = rk_graph_chunks(ctx, n, r->offsets, COPY_WORK, &chunks);
	if (!r->fill || !bounds)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, copy_lowers, r)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, r->block_begin, r->blocks, fill_uppers, r)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	rk_free(ctx, r->fill);
	return RK_OK;
}

typedef struct count_state
{
	ranked_graph *r;
	rk_ctx	   *ctx;
	int64_t		table_size;
	uint32_t   *tables;			/* [threads][table_size], zero between rows */
	uint64_t   *found;			/* per chunk: triangles */
	_Atomic uint64_t *triangles;	/* by rank; NULL: not wanted */
	int64_t		local_size;
	uint64_t   *locals;			/* [threads][local_size]: add to triangles */
} count_state;

/*
 * Counts marked entries of row, which rises and has length entries, before x.
 */
static inline uint32_t
count_marked(const uint32_t *table, const uint32_t *row, int64_t length, uint32_t x)
{
	uint32_t	count = 0;
	int64_t		k = 0;

	for (; k + 4 <= length && row[k + 3] < x; k += 4)
		count += (table[row[k]] >> 31) + (table[row[k + 1]] >> 31) +
			(table[row[k + 2]] >> 31) + (table[row[k + 3]] >> 31);
	for (; k < length && row[k] < x; k++)
		count += table[row[k]] >> 31;
	return count;
}

/* The same, and adds one to every marked entry of the table that is met. */
static inline uint32_t
tally_marked(uint32_t *table, const uint32_t *row, int64_t length, uint32_t x)
{
	uint32_t	count = 0;
	int64_t		k = 0;

	for (; k < length && row[k] < x; k++)
	{
		uint32_t	entry = table[row[k]];

		count += entry >> 31;
		table[row[k]] = entry + (entry >> 31);
	}
	return count;
}

static void
count_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	count_state *s = arg;
	const ranked_graph *r = s->r;
	uint32_t   *table = s->tables + s->table_size * thread;
	uint64_t   *local = s->locals + s->local_size * thread;
	uint64_t	found = 0;
	int64_t		work = 0;

	for (int64_t x = begin; x < end; x++)
	{
		const uint32_t *upper = r->rows + r->offsets[x];
		const uint32_t *lower = upper + r->uppers[x];
		int64_t		lowers = r->offsets[x + 1] - r->offsets[x] - r->uppers[x];
		uint64_t	mine = 0;

		if (r->uppers[x] == 0 || lowers == 0)
			continue;
		for (int64_t k = 0; k < r->uppers[x]; k++)
			table[upper[k]] = MARK;
		for (int64_t i = 0; i < lowers; i++)
		{
			uint32_t	u = lower[i];
			uint32_t	count;

			if (i + AHEAD < lowers)
				__builtin_prefetch(&r->rows[r->offsets[lower[i + AHEAD]]]);
			if (s->triangles)
			{
				count = tally_marked(table, r->rows + r->offsets[u], r->uppers[u], x);
				if (count)
					atomic_fetch_add_explicit(&s->triangles[u], count, memory_order_relaxed);
			}
			else
				count = count_marked(table, r->rows + r->offsets[u], r->uppers[u], x);
			mine += count;
			work += r->uppers[u];
			if (work > POLL_WORK)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		found += mine;
		for (int64_t k = 0; k < r->uppers[x]; k++)
		{
			uint32_t	z = upper[k];
			uint32_t	with_z = table[z] & ~MARK;

			table[z] = 0;
			if (with_z == 0)
				continue;
			if (z < s->local_size)
				local[z] += with_z;
			else
				atomic_fetch_add_explicit(&s->triangles[z], with_z, memory_order_relaxed);
		}
		if (s->triangles && mine)
			atomic_fetch_add_explicit(&s->triangles[x], mine, memory_order_relaxed);
	}
	s->found[chunk] = found;
}

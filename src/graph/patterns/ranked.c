/*
 * ranked.c
 *	  Numbers the nodes of a graph by falling degree and sorts its rows so.
 *
 * The upper part of every row is filled by going through the nodes in the
 * order of their ranks and writing each into the rows of its lower neighbours,
 * which sorts them without comparing.  Threads do that side by side, each for
 * a block of ranks; how far the blocks before it will write is counted first.
 */
#include "ranked.h"

#include "../../compute/parallel.h"

#define COPY_WORK 65536
#define CHUNK_ENTRIES 8192		/* of rows, in a chunk of a loop over middle nodes */
#define POLL_MASK ((1 << 18) - 1)

/* Sets order and rank. */
static rk_status
rank_nodes(rk_ranked *r)
{
	const int64_t *offsets = r->g->out.offsets;
	int64_t		n = r->nodes;
	int64_t		largest = 0;
	int64_t		sum = 0;
	int64_t    *place;

	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		if (offsets[v + 1] - offsets[v] > largest)
			largest = offsets[v + 1] - offsets[v];
		if (largest > INT32_MAX)
			return rk_fail_node(r->ctx, RK_ERR_LIMIT, v, "node %%node has more than %d neighbours",
								INT32_MAX);
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
 * Writes the lower entries of every row to the end of the row, and counts the
 * upper ones that each block will write in front of them.
 */
static void
copy_lowers(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rk_ranked  *r = arg;
	const rk_adjacency *out = &r->g->out;
	int64_t		n = r->nodes;

	(void) chunk;
	for (int64_t p = begin; p < end; p++)
	{
		uint32_t	from[RK_RANKED_BLOCKS] = {0};	/* uppers in this block or later */
		int64_t		v = r->order[p];
		int64_t		at = r->offsets[p + 1];

		if (p + RK_RANKED_AHEAD < end)
			__builtin_prefetch(&out->neighbors[out->offsets[r->order[p + RK_RANKED_AHEAD]]]);
		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			uint32_t	q = r->rank[out->neighbors[i]];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(r->ctx, thread))
				return;
			/* overwritten by the next one unless q is lower than p */
			r->rows[at - 1] = q;
			at -= q > p;
			for (int b = 1; b < r->blocks; b++)
				from[b] += q < p && q >= r->block_begin[b];
		}
		r->uppers[p] = (uint32_t) (at - r->offsets[p]);
		for (int b = 0; b < r->blocks; b++)
			r->fill[b * n + p] = b == 0 ? 0 : r->uppers[p] - from[b];
	}
}

/* Writes every rank of one block into the rows of its lower neighbours. */
static void
fill_uppers(void *arg, int64_t begin, int64_t end, int64_t block, int thread)
{
	rk_ranked  *r = arg;
	uint32_t   *fill = r->fill + block * r->nodes;

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

/*
 * Cuts the ranks into as many blocks as threads, with equal numbers of
 * entries.  The rows come out the same for any number of blocks.
 */
static void
cut_blocks(rk_ranked *r)
{
	int64_t		n = r->nodes;
	int			blocks = r->ctx->threads < RK_RANKED_BLOCKS ? r->ctx->threads : RK_RANKED_BLOCKS;
	int64_t		at = 0;

	r->blocks = blocks;
	for (int b = 1; b < blocks; b++)
	{
		while (at < n && r->offsets[at] < r->offsets[n] / blocks * b)
			at++;
		r->block_begin[b] = at;
	}
	r->block_begin[blocks] = n;
}

rk_status
rk_ranked_build(rk_ctx *ctx, const rk_graph *g, rk_ranked *r)
{
	int64_t		n = g->nodes;
	int64_t		arcs = g->out.offsets[n];
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*r = (rk_ranked) {.ctx = ctx,.g = g,.nodes = n};
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
	cut_blocks(r);
	r->fill = rk_alloc(ctx, r->blocks * n, sizeof(uint32_t));
	bounds = rk_graph_chunks(ctx, n, r->offsets, COPY_WORK, &chunks);
	if (!r->fill || !bounds)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, copy_lowers, r)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, r->block_begin, r->blocks, fill_uppers, r)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	rk_free(ctx, r->fill);
	r->fill = NULL;
	if ((r->first = rk_alloc(ctx, n + 1, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	r->first[0] = 0;
	for (int64_t p = 0; p < n; p++)
		r->first[p + 1] = r->first[p] + r->uppers[p];
	r->chunks = rk_graph_chunks(ctx, n, r->offsets, CHUNK_ENTRIES, &r->chunk_count);
	return r->chunks ? RK_OK : RK_ERR_MEMORY;
}

void
rk_ranked_free(rk_ranked *r)
{
	rk_free(r->ctx, r->order);
	rk_free(r->ctx, r->rank);
	rk_free(r->ctx, r->offsets);
	rk_free(r->ctx, r->rows);
	rk_free(r->ctx, r->uppers);
	rk_free(r->ctx, r->first);
	rk_free(r->ctx, r->chunks);
}

int64_t
rk_ranked_memory(int64_t nodes, int64_t arcs, int64_t later, int threads)
{
	int			blocks = threads < RK_RANKED_BLOCKS ? threads : RK_RANKED_BLOCKS;
	int64_t		making = rk_block_bytes(blocks * nodes, 4) + rk_block_bytes((arcs + 4 * nodes) / COPY_WORK + 2, 8);

	later += rk_block_bytes(nodes + 1, 8) + rk_block_bytes((arcs + 4 * nodes) / CHUNK_ENTRIES + 2, 8);
	return 3 * rk_block_bytes(nodes, 4) + rk_block_bytes(nodes + 1, 8) + rk_block_bytes(arcs, 4) +
		(later > making ? later : making);
}

/*
 * skeleton.c
 *	  The undirected graph under a directed one, by merging its sorted rows.
 */
#include "ranked.h"

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536
#define POLL_MASK ((1 << 16) - 1)

typedef struct skeleton_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	rk_graph   *skeleton;
	uint8_t    *ends;			/* NULL: only count, into offsets[u + 1] */
} skeleton_state;

/* Merges rows u of both directions; returns the number of distinct neighbours. */
static int64_t
merge_row(const skeleton_state *s, int64_t u, int64_t at, int thread)
{
	const rk_adjacency *out = &s->g->out;
	const rk_adjacency *in = &s->g->in;
	int64_t		i = out->offsets[u];
	int64_t		j = in->offsets[u];
	int64_t		count = 0;

	while (i < out->offsets[u + 1] || j < in->offsets[u + 1])
	{
		uint32_t	x = i < out->offsets[u + 1] ? out->neighbors[i] : RK_NO_NODE;
		uint32_t	y = j < in->offsets[u + 1] ? in->neighbors[j] : RK_NO_NODE;

		if (s->ends)
		{
			s->skeleton->out.neighbors[at + count] = x < y ? x : y;
			s->ends[at + count] = (x <= y ? RK_ARC_OUT : 0) | (y <= x ? RK_ARC_IN : 0);
		}
		if ((count & POLL_MASK) == POLL_MASK && rk_chunk_should_stop(s->ctx, thread))
			return count;
		i += x <= y;
		j += y <= x;
		count++;
	}
	return count;
}

static void
merge_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	skeleton_state *s = arg;
	int64_t    *offsets = s->skeleton->out.offsets;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		if (s->ends)
			merge_row(s, u, offsets[u], thread);
		else
			offsets[u + 1] = merge_row(s, u, 0, thread);
	}
}

rk_status
rk_graph_skeleton(rk_ctx *ctx, const rk_graph *g, rk_graph *skeleton, uint8_t **ends)
{
	skeleton_state s = {ctx, g, skeleton, NULL};
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*skeleton = (rk_graph) {.nodes = g->nodes};
	rk_phase(ctx, "joining", g->nodes);
	bounds = rk_graph_chunks(ctx, g->nodes, g->out.offsets, CHUNK_WORK, &chunks);
	skeleton->out.offsets = rk_alloc(ctx, g->nodes + 1, sizeof(int64_t));
	if (!bounds || !skeleton->out.offsets)
		return RK_ERR_MEMORY;
	skeleton->out.offsets[0] = 0;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, merge_rows, &s)) != RK_OK)
		return status;
	for (int64_t u = 0; u < g->nodes; u++)
		skeleton->out.offsets[u + 1] += skeleton->out.offsets[u];
	skeleton->arcs = skeleton->out.offsets[g->nodes];
	skeleton->out.neighbors = rk_alloc(ctx, skeleton->arcs, sizeof(uint32_t));
	*ends = s.ends = rk_alloc(ctx, skeleton->arcs, sizeof(uint8_t));
	if (!skeleton->out.neighbors || !s.ends)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, merge_rows, &s)) != RK_OK)
		return status;
	skeleton->in = skeleton->out;
	rk_free(ctx, bounds);
	return RK_OK;
}

int64_t
rk_graph_skeleton_memory(int64_t nodes, int64_t arcs)
{
	return rk_block_bytes(nodes + 1, 8) + rk_block_bytes(2 * arcs, 4) + rk_block_bytes(2 * arcs, 1) +
		rk_block_bytes((arcs + 4 * nodes) / CHUNK_WORK + 2, 8);
}

/*
 * multi_dijkstra.c
 *	  Dijkstra's algorithm from many sources, one thread each.
 */
#include "multi_search.h"

typedef struct multi_dijkstra
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const uint32_t *sources;
	rk_multi_tree_fn reached;
	void	   *arg;
	rk_path_tree *tree;			/* per thread */
	rk_path_scratch *scratch;
	bool		may_overflow;
	int64_t    *overflow_source;	/* per thread: the first, or INT64_MAX */
	int64_t    *overflow_node;
} multi_dijkstra;

static void
search_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	multi_dijkstra *s = arg;
	rk_path_tree *tree = &s->tree[thread];

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	source = s->sources ? s->sources[i] : (uint32_t) i;

		rk_graph_path_tree_clear(tree, s->g->nodes);
		if (!rk_graph_path_search(s->ctx, thread, s->g, source, INFINITY, 0,
								  &s->scratch[thread], tree))
			return;
		s->reached(s->arg, i, tree, thread);
		if (s->may_overflow && i < s->overflow_source[thread])
		{
			int64_t		node = rk_graph_path_overflow(s->g, tree);

			if (node >= 0)
			{
				s->overflow_source[thread] = i;
				s->overflow_node[thread] = node;
			}
		}
	}
}

rk_status
rk_graph_multi_dijkstra(rk_ctx *ctx, const rk_graph *g, const rk_path_lengths *lengths,
						const uint32_t *sources, int64_t count,
						rk_multi_tree_fn reached, void *arg)
{
	multi_dijkstra s = {.ctx = ctx,.g = g,.sources = sources,.reached = reached,.arg = arg};
	int64_t		n = g->nodes;
	int			threads = ctx->threads;
	double		buckets = rk_graph_path_buckets(g, lengths);
	int			first = 0;
	rk_status	status;

	s.may_overflow = rk_path_may_overflow(lengths, n);
	s.tree = rk_alloc0(ctx, threads, sizeof(rk_path_tree));
	s.scratch = rk_alloc0(ctx, threads, sizeof(rk_path_scratch));
	s.overflow_source = rk_alloc(ctx, threads, sizeof(int64_t));
	s.overflow_node = rk_alloc(ctx, threads, sizeof(int64_t));
	if (!s.tree || !s.scratch || !s.overflow_source || !s.overflow_node)
		return RK_ERR_MEMORY;
	for (int t = 0; t < threads; t++)
	{
		s.overflow_source[t] = INT64_MAX;
		if ((status = rk_graph_path_tree_make(ctx, n, true, &s.tree[t])) != RK_OK ||
			(status = rk_graph_path_scratch_make(ctx, n, true, false, buckets,
												 &s.scratch[t])) != RK_OK)
			return status;
	}
	rk_phase(ctx, "searching", count);
	if ((status = rk_parallel_for(ctx, count, 1, search_chunk, &s)) != RK_OK)
		return status;
	for (int t = 0; t < threads; t++)
	{
		rk_graph_path_tree_free(ctx, &s.tree[t]);
		rk_graph_path_scratch_free(ctx, &s.scratch[t]);
		if (s.overflow_source[t] < s.overflow_source[first])
			first = t;
	}
	if (s.overflow_source[first] != INT64_MAX)
		return rk_fail_node(ctx, RK_ERR_OVERFLOW, s.overflow_node[first],
							"distance of node %%node is out of range");
	rk_free(ctx, s.tree);
	rk_free(ctx, s.scratch);
	rk_free(ctx, s.overflow_source);
	rk_free(ctx, s.overflow_node);
	return RK_OK;
}

int64_t
rk_graph_multi_dijkstra_memory(int64_t nodes, int threads)
{
	return threads * (rk_graph_path_tree_memory(nodes, true) +
					  rk_graph_path_scratch_memory(nodes, true, false) + 65536);
}

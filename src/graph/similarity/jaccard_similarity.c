/*
 * jaccard_similarity.c
 *	  Jaccard's similarity of sets of neighbours, and Ruzicka's of strengths.
 */
#include "neighbor_similarity.h"

#include <float.h>

/* Sums of the strengths of each row. */
static rk_status
sum_strengths(rk_ctx *ctx, const rk_neighborhoods *hoods, double *size)
{
	const rk_adjacency *rows = &hoods->rows;

	for (int64_t u = 0; u < hoods->nodes; u++)
	{
		if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		size[u] = 0;
		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
		{
			if (!(rows->weights[i] >= 0))
				return rk_fail_node(ctx, RK_ERR_DATA, u, "a weight at node %%node is negative or not a number");
			size[u] += rows->weights[i];
		}
		/* two of them are added for the sum of greatest strengths */
		if (size[u] > DBL_MAX / 4)
			return rk_fail_node(ctx, RK_ERR_OVERFLOW, u, "sum of weights at node %%node is out of range");
	}
	return RK_OK;
}

rk_status
rk_graph_jaccard_similarity(rk_ctx *ctx, const rk_graph *g, rk_neighborhood direction,
							const rk_similarity_params *params, rk_neighbor_similarity **s)
{
	rk_measure	m = {.power = 1,.by_size = true,.lowest = 0};
	rk_neighborhoods hoods;
	rk_status	status = rk_neighborhoods_open(ctx, g, direction, params, "min_score", &hoods);

	if (status != RK_OK)
		return status;
	if (hoods.rows.weights)
	{
		double	   *size = rk_alloc(ctx, hoods.nodes, sizeof(double));

		if (size == NULL)
			return RK_ERR_MEMORY;
		if ((status = sum_strengths(ctx, &hoods, size)) != RK_OK)
			return status;
		m.term = RK_TERM_MIN;
		m.size = size;
		m.score = RK_SCORE_RUZICKA;
	}
	else
	{
		m.term = RK_TERM_NONE;
		m.score = RK_SCORE_JACCARD;
		if ((m.size = rk_neighbor_counts(ctx, &hoods)) == NULL)
			return RK_ERR_MEMORY;
	}
	return rk_neighbor_similarity_begin(ctx, &hoods, &m, params, s);
}

int64_t
rk_graph_jaccard_similarity_memory(int64_t nodes, int64_t arcs, bool weighted, int threads,
								   const rk_similarity_params *params)
{
	return 8 * nodes + rk_neighbor_similarity_memory(nodes, arcs, weighted, threads, params);
}

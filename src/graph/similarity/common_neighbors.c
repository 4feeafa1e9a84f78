/*
 * common_neighbors.c
 *	  The number of common neighbours as a measure.
 */
#include "neighbor_similarity.h"

rk_status
rk_graph_common_neighbors(rk_ctx *ctx, const rk_graph *g, rk_neighborhood direction,
						  const rk_similarity_params *params, rk_neighbor_similarity **s)
{
	rk_measure	m = {.term = RK_TERM_NONE,.by_size = true,.lowest = 1,.score = RK_SCORE_COUNT};
	rk_neighborhoods hoods;
	rk_status	status = rk_neighborhoods_open(ctx, g, direction, params, "min_count", &hoods);

	if (status != RK_OK)
		return status;
	if ((m.size = rk_neighbor_counts(ctx, &hoods)) == NULL)
		return RK_ERR_MEMORY;
	return rk_neighbor_similarity_begin(ctx, &hoods, &m, params, s);
}

int64_t
rk_graph_common_neighbors_memory(int64_t nodes, int64_t arcs, int threads,
								 const rk_similarity_params *params)
{
	return 8 * nodes + rk_neighbor_similarity_memory(nodes, arcs, false, threads, params);
}

/*
 * adamic_adar.c
 *	  Adamic-Adar and resource allocation: common neighbours, those with few
 *	  neighbours of their own counting more.
 */
#include "neighbor_similarity.h"

#include <math.h>

rk_status
rk_graph_adamic_adar(rk_ctx *ctx, const rk_graph *g, rk_neighborhood direction,
					 rk_degree_weighting weighting, const rk_similarity_params *params,
					 rk_neighbor_similarity **s)
{
	rk_measure	m = {.term = RK_TERM_NODE,.by_size = true,.lowest = 0,.score = RK_SCORE_SUM};
	rk_neighborhoods hoods;
	rk_status	status = rk_neighborhoods_open(ctx, g, direction, params, "min_score", &hoods);
	double	   *size;
	double	   *value;

	if (status != RK_OK)
		return status;
	m.size = size = rk_alloc(ctx, hoods.nodes, sizeof(double));
	m.value = value = rk_alloc(ctx, hoods.nodes, sizeof(double));
	if (!size || !value)
		return RK_ERR_MEMORY;
	for (int64_t z = 0; z < hoods.nodes; z++)
	{
		int64_t		degree = rk_degree(&hoods.columns, z);

		/* with a degree of 1, z is common to a node and itself only */
		if ((z & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		value[z] = degree < 2 ? 0 : weighting == RK_WEIGHTING_LOG ? 1 / log((double) degree) : 1 / (double) degree;
	}
	for (int64_t u = 0; u < hoods.nodes; u++)
	{
		if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		size[u] = 0;
		for (int64_t i = hoods.rows.offsets[u]; i < hoods.rows.offsets[u + 1]; i++)
			size[u] += value[hoods.rows.neighbors[i]];
	}
	return rk_neighbor_similarity_begin(ctx, &hoods, &m, params, s);
}

int64_t
rk_graph_adamic_adar_memory(int64_t nodes, int64_t arcs, int threads,
							const rk_similarity_params *params)
{
	return 16 * nodes + rk_neighbor_similarity_memory(nodes, arcs, true, threads, params);
}

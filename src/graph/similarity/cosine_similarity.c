/*
 * cosine_similarity.c
 *	  The cosine of two rows of the adjacency matrix.
 */
#include "neighbor_similarity.h"

#include <math.h>

/* Squares and their products are far from the limits of float8 in between. */
#define LARGE 1e60
#define SMALL 1e-60

/* Whether squares could overflow or vanish. */
static rk_status
find_extremes(rk_ctx *ctx, const rk_neighborhoods *hoods, bool *extreme)
{
	const rk_adjacency *rows = &hoods->rows;

	*extreme = false;
	for (int64_t u = 0; u < hoods->nodes; u++)
	{
		if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
		{
			double		w = fabs(rows->weights[i]);

			if (!(w <= INFINITY) || isinf(w))
				return rk_fail_node(ctx, RK_ERR_OVERFLOW, u, "sum of weights at node %%node is out of range");
			*extreme |= w > LARGE || (w < SMALL && w > 0);
		}
	}
	return RK_OK;
}

/*
 * Divides every row by a power of two near its largest entry, in copies of the
 * weights of both directions: cosines stay as they are to the last bit.
 */
static rk_status
scale_rows(rk_ctx *ctx, rk_neighborhoods *hoods)
{
	int64_t		n = hoods->nodes;
	int64_t		arcs = hoods->rows.offsets[n];
	double	   *rows = rk_alloc(ctx, arcs, sizeof(double));
	double	   *columns = rk_alloc(ctx, arcs, sizeof(double));
	int		   *exponent = rk_alloc0(ctx, n, sizeof(int));

	if (!rows || !columns || !exponent)
		return RK_ERR_MEMORY;
	for (int64_t u = 0; u < n; u++)
	{
		double		largest = 0;

		if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = hoods->rows.offsets[u]; i < hoods->rows.offsets[u + 1]; i++)
			largest = fmax(largest, fabs(hoods->rows.weights[i]));
		frexp(largest, &exponent[u]);
		for (int64_t i = hoods->rows.offsets[u]; i < hoods->rows.offsets[u + 1]; i++)
			rows[i] = ldexp(hoods->rows.weights[i], -exponent[u]);
	}
	for (int64_t i = 0; i < arcs; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		columns[i] = ldexp(hoods->columns.weights[i], -exponent[hoods->columns.neighbors[i]]);
	}
	rk_free(ctx, exponent);
	hoods->rows.weights = rows;
	hoods->columns.weights = columns;
	return RK_OK;
}

rk_status
rk_graph_cosine_similarity(rk_ctx *ctx, const rk_graph *g, rk_neighborhood direction,
						   const rk_similarity_params *params, rk_neighbor_similarity **s)
{
	rk_measure	m = {.power = 2};
	rk_neighborhoods hoods;
	rk_status	status = rk_neighborhoods_open(ctx, g, direction, params, "min_score", &hoods);

	if (status != RK_OK)
		return status;
	if (hoods.rows.weights)
	{
		bool		extreme;
		double	   *size;

		if ((status = find_extremes(ctx, &hoods, &extreme)) != RK_OK ||
			(extreme && (status = scale_rows(ctx, &hoods)) != RK_OK))
			return status;
		if ((size = rk_alloc(ctx, hoods.nodes, sizeof(double))) == NULL)
			return RK_ERR_MEMORY;
		for (int64_t u = 0; u < hoods.nodes; u++)
		{
			if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			size[u] = 0;
			for (int64_t i = hoods.rows.offsets[u]; i < hoods.rows.offsets[u + 1]; i++)
				size[u] += hoods.rows.weights[i] * hoods.rows.weights[i];
		}
		m.term = RK_TERM_PRODUCT;
		m.lowest = -1;
		m.size = size;
		m.score = RK_SCORE_COSINE_VECTORS;
	}
	else
	{
		m.term = RK_TERM_NONE;
		m.by_size = true;
		m.score = RK_SCORE_COSINE;
		if ((m.size = rk_neighbor_counts(ctx, &hoods)) == NULL)
			return RK_ERR_MEMORY;
	}
	return rk_neighbor_similarity_begin(ctx, &hoods, &m, params, s);
}

int64_t
rk_graph_cosine_similarity_memory(int64_t nodes, int64_t arcs, bool weighted, int threads,
								  const rk_similarity_params *params)
{
	return 8 * nodes +
		rk_neighbor_similarity_memory(nodes, arcs, weighted, threads, params);
}

/*
 * binding.c
 *	  The pattern kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "patterns.h"

/* Reads edges and nodes as a simple undirected graph. */
static rk_graph_input *
undirected_input(rk_call *call, rk_graph *g)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_options options = {
		.drop_loops = true,
		.want_out = true,
		.parallel = RK_EDGES_COLLAPSE
	};

	rk_build_graph(call, input, &options, g);
	return input;
}

/*
 * The smaller end of every entry of an undirected graph; keep marks one of the
 * two entries of each edge, the one in the row of the smaller end.
 */
static uint32 *
smaller_ends(rk_call *call, const rk_graph *g, bool *keep)
{
	uint32	   *source = rk_call_alloc(call, g->arcs, uint32);

	for (int64 u = 0; u < g->nodes; u++)
	{
		for (int64 i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			source[i] = u;
			keep[i] = u < g->out.neighbors[i];
		}
	}
	return source;
}

/* ---- graph/triangle-counting ---- */

static void
triangle_counting(rk_call *call)
{
	rk_graph	g;
	rk_graph_input *input = undirected_input(call, &g);
	int64	   *triangles = rk_call_alloc(call, g.nodes, int64);
	double	   *clustering = rk_call_alloc(call, g.nodes, double);
	rk_triangle_totals totals;

	rk_call_check(call, rk_graph_triangle_counts(&call->ctx, &g, triangles, clustering, &totals));
	rk_call_detail_float8(call, "triangles", (double) totals.triangles);
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_INTS(triangles), RK_OUT_DOUBLES(clustering)
	}, NULL);
}

static void
triangle_counting_total(rk_call *call)
{
	rk_graph	g;
	rk_triangle_totals totals;
	Datum		values[3];
	bool		nulls[3] = {false};

	undirected_input(call, &g);
	rk_call_check(call, rk_graph_triangle_counts(&call->ctx, &g, NULL, NULL, &totals));
	rk_call_detail_float8(call, "triangles", (double) totals.triangles);
	values[0] = rk_uint128_numeric(totals.triangles);
	values[1] = rk_uint128_numeric(totals.wedges);
	values[2] = Float8GetDatum(totals.transitivity);
	nulls[2] = totals.wedges == 0;
	rk_emit_row(call, values, nulls);
}

static void
triangle_counting_edges(rk_call *call)
{
	rk_graph	g;
	rk_graph_input *input = undirected_input(call, &g);
	uint32	   *support = rk_call_alloc(call, g.arcs, uint32);
	bool	   *keep = rk_call_alloc(call, g.arcs, bool);

	rk_call_check(call, rk_graph_triangle_support(&call->ctx, &g, support));
	rk_emit(call, g.arcs, (rk_out[]) {
		RK_OUT_CODES(input->ids, smaller_ends(call, &g, keep)),
		RK_OUT_CODES(input->ids, g.out.neighbors),
		RK_OUT_UINTS(support)
	}, keep);
}

RK_FUNCTION(rk_graph_triangle_counting_sql, "graph/triangle-counting", "");
RK_FUNCTION(rk_graph_triangle_counting_total_sql, "graph/triangle-counting", "_total");
RK_FUNCTION(rk_graph_triangle_counting_edges_sql, "graph/triangle-counting", "_edges");

const rk_bound_function rk_graph_patterns_bindings[] = {
	{"graph/triangle-counting", "", triangle_counting},
	{"graph/triangle-counting", "_total", triangle_counting_total},
	{"graph/triangle-counting", "_edges", triangle_counting_edges},
	{0}
};

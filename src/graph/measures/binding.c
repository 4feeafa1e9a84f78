/*
 * binding.c
 *	  The measures' door to SQL: arguments in, kernel, one row out.
 */
#include "postgres.h"

#include <math.h>

#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "measures.h"

/* A measure, or NULL where it is not defined. */
static rk_out
measure(const double *value)
{
	return isnan(*value) ? RK_OUT_NULLS : RK_OUT_DOUBLES(value);
}

/* ---- graph/density ---- */

/* Every row, so that loops and repeats can be counted. */
static rk_graph_options
density_graph(const rk_call *call)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.want_out = true,
		.want_in = true,
		.parallel = RK_EDGES_KEEP
	};
}

static void
density_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = density_graph(call);
	need->bytes = rk_graph_density_memory(size->nodes, size->arcs);
}

static void
density(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_options options = density_graph(call);
	rk_graph	g;
	rk_density	d;

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_density(&call->ctx, &g, &d));
	rk_emit(call, 1, (rk_out[]) {
		RK_OUT_INTS(&d.nodes), RK_OUT_INTS(&d.edges), RK_OUT_DOUBLES(&d.density),
		RK_OUT_INTS(&d.self_loops), RK_OUT_INTS(&d.parallel_edges), measure(&d.reciprocity)
	}, NULL);
}

RK_FUNCTION(rk_graph_density_sql, "graph/density", "");

const rk_bound_function rk_graph_measures_bindings[] = {
	{"graph/density", "", density, density_need},
	{0}
};

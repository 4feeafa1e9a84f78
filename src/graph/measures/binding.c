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

static void
density(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_options options = {
		.directed = rk_arg_boolean(call, "directed"),
		.want_out = true,
		.want_in = true,
		.parallel = RK_EDGES_KEEP
	};
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
	{"graph/density", "", density},
	{0}
};

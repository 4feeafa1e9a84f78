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

/* ---- graph/full-metrics ---- */

/* Work above which it is said how long exact distances take. */
#define MUCH_WORK 1e12
#define SECONDS_PER_STEP 1e-10	/* of a search, for a node and an entry of the graph */

static void
full_metrics_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = density_graph(call);
	need->bytes = rk_graph_full_metrics_memory(size->nodes, size->arcs, need->graph.directed, size->threads,
											   rk_arg_int_or(call, "samples", 0));
}

static Datum
truth(void *arg, int64 row, bool *is_null)
{
	return BoolGetDatum(*(bool *) arg);
}

static Datum
count_as_numeric(void *arg, int64 row, bool *is_null)
{
	return rk_uint128_numeric(*(unsigned __int128 *) arg);
}

static void
full_metrics(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_options options = density_graph(call);
	double		work;
	rk_graph	g;
	rk_full_metrics m;
	bool		connected;

	rk_build_graph(call, input, &options, &g);
	work = (double) g.nodes * (double) g.arcs;
	if (work > MUCH_WORK && rk_arg_is_null(call, "samples"))
		ereport(NOTICE,
				(errmsg("distances between all pairs of %lld nodes may take %.0f minutes",
						(long long) g.nodes, ceil(work * SECONDS_PER_STEP / call->ctx.threads / 60)),
				 errhint("samples => 1000 estimates them from that many nodes.")));
	rk_call_check(call, rk_graph_full_metrics(&call->ctx, &g, rk_arg_int_or(call, "samples", 0),
											  rk_arg_int(call, "seed"), &m));
	connected = m.components <= 1;
	rk_emit(call, 1, (rk_out[]) {
		RK_OUT_INTS(&m.density.nodes), RK_OUT_INTS(&m.density.edges), RK_OUT_INTS(&m.density.self_loops),
		RK_OUT_INTS(&m.density.parallel_edges), RK_OUT_DOUBLES(&m.density.density), measure(&m.density.reciprocity),
		measure(&m.mean_degree), RK_OUT_INTS(&m.max_degree), measure(&m.degree_assortativity),
		measure(&m.average_clustering), measure(&m.transitivity), RK_OUT_CALL(count_as_numeric, &m.triangles),
		RK_OUT_INTS(&m.degeneracy), RK_OUT_INTS(&m.components), RK_OUT_INTS(&m.largest_component),
		RK_OUT_INTS(&m.strong_components), RK_OUT_CALL(truth, &connected),
		measure(&m.average_path_length), measure(&m.diameter), measure(&m.radius), measure(&m.global_efficiency),
		RK_OUT_CALL(truth, &m.exact)
	}, NULL);
}

RK_FUNCTION(rk_graph_full_metrics_sql, "graph/full-metrics", "");

const rk_bound_function rk_graph_measures_bindings[] = {
	{"graph/density", "", density, density_need},
	{"graph/full-metrics", "", full_metrics, full_metrics_need},
	{0}
};

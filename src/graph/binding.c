/*
 * binding.c
 *	  The graph kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "../relation/emit.h"
#include "../relation/graph_input.h"
#include "graph.h"

/* ---- graph/pagerank ---- */

static void
pagerank(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = {
		.directed = rk_arg_boolean(call, "directed"),
		.want_in = true,
		.parallel = input->edges.weight ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_pagerank_params params = {
		.damping = rk_arg_float8(call, "damping"),
		.tolerance = rk_arg_float8(call, "tolerance"),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.dangling = rk_arg_choice(call, "dangling"),
		.personalization = rk_read_node_values(call, "personalization", input)
	};
	rk_graph	g;
	double	   *score;

	rk_build_graph(call, input, &options, &g);
	score = rk_call_alloc(call, g.nodes, double);
	rk_call_check(call, rk_graph_pagerank(&call->ctx, &g, &params, score, &call->run));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(score)}, NULL);
}

RK_FUNCTION(rk_graph_pagerank_sql, "graph/pagerank", "");

/* ---- graph/degree-centrality ---- */

static void
degree_centrality(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = {
		.directed = rk_arg_boolean(call, "directed"),
		.want_in = true,
		.want_out = true,
		.parallel = RK_EDGES_KEEP
	};
	rk_graph	g;
	rk_degrees	d;

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_degree_centrality(&call->ctx, &g, &d));
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_INTS(d.degree), RK_OUT_INTS(d.in_degree), RK_OUT_INTS(d.out_degree),
		RK_OUT_DOUBLES(d.score), RK_OUT_DOUBLES(d.in_score), RK_OUT_DOUBLES(d.out_score),
		RK_OUT_INTS(d.in_edges), RK_OUT_INTS(d.out_edges),
		d.in_strength ? RK_OUT_DOUBLES(d.in_strength) : RK_OUT_NULLS,
		d.out_strength ? RK_OUT_DOUBLES(d.out_strength) : RK_OUT_NULLS,
		RK_OUT_INTS(d.neighbors)
	}, NULL);
}

RK_FUNCTION(rk_graph_degree_centrality_sql, "graph/degree-centrality", "");

const rk_bound_function rk_graph_bindings[] = {
	{.id = "graph/pagerank", .suffix = "", .binding = pagerank},
	{.id = "graph/degree-centrality", .suffix = "", .binding = degree_centrality},
	{0}
};

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

/* ---- graph/betweenness-centrality ---- */

/* Graph and parameters of both forms. */
static rk_graph_input *
betweenness_input(rk_call *call, rk_graph *g, rk_betweenness_params *params)
{
	rk_graph_input *input;
	rk_graph_options options = {
		.directed = rk_arg_boolean(call, "directed"),
		.drop_loops = true,
		.want_in = true,
		.want_out = true
	};

	if (!rk_arg_is_null(call, "samples") && !rk_arg_is_null(call, "epsilon"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters \"samples\" and \"epsilon\" exclude each other"),
				 errhint("Give samples for a number of searches, or epsilon for an error.")));
	input = rk_read_graph(call, RK_WEIGHT_LENGTH);
	options.parallel = input->edges.weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE;
	*params = (rk_betweenness_params) {
		.normalized = rk_arg_boolean(call, "normalized"),
		.samples = rk_arg_int_or(call, "samples", 0),
		.epsilon = rk_arg_float8_or(call, "epsilon", 0),
		.delta = rk_arg_float8(call, "delta"),
		.seed = rk_arg_int(call, "seed")
	};
	rk_build_graph(call, input, &options, g);
	return input;
}

static void
betweenness_centrality(rk_call *call)
{
	rk_graph	g;
	rk_betweenness_params params;
	rk_graph_input *input = betweenness_input(call, &g, &params);
	double	   *score = rk_call_alloc(call, g.nodes, double);
	int64		sources = 0;

	params.endpoints = rk_arg_boolean(call, "endpoints");
	rk_call_check(call, rk_graph_betweenness_centrality(&call->ctx, &g, &params, score, &sources));
	rk_call_detail_int(call, "sources", sources);
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(score)}, NULL);
}

/*
 * The source of every entry of "out"; keep, if not NULL, marks the entries
 * that stand for an edge, which undirected is one of the two.
 */
static uint32 *
entry_sources(rk_call *call, const rk_graph *g, bool *keep)
{
	uint32	   *source = rk_call_alloc(call, g->arcs, uint32);

	for (int64 u = 0; u < g->nodes; u++)
	{
		for (int64 i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			source[i] = u;
			if (keep)
				keep[i] = g->directed || u <= g->out.neighbors[i];
		}
	}
	return source;
}

static void
betweenness_centrality_edges(rk_call *call)
{
	rk_graph	g;
	rk_betweenness_params params;
	rk_graph_input *input = betweenness_input(call, &g, &params);
	double	   *score = rk_call_alloc(call, g.arcs, double);
	bool	   *keep = rk_call_alloc(call, g.arcs, bool);
	int64		sources = 0;

	rk_call_check(call, rk_graph_betweenness_centrality_edges(&call->ctx, &g, &params, score, &sources));
	rk_call_detail_int(call, "sources", sources);
	rk_emit(call, g.arcs, (rk_out[]) {
		RK_OUT_CODES(input->ids, entry_sources(call, &g, keep)),
		RK_OUT_CODES(input->ids, g.out.neighbors),
		RK_OUT_DOUBLES(score)
	}, keep);
}

RK_FUNCTION(rk_graph_betweenness_centrality_sql, "graph/betweenness-centrality", "");
RK_FUNCTION(rk_graph_betweenness_centrality_edges_sql, "graph/betweenness-centrality", "_edges");

/* ---- graph/connected-components ---- */

/* The component of every node, and the list of components. */
static rk_graph_input *
find_components(rk_call *call, uint32 **component, rk_components *result)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_options options = {.directed = true,.want_out = true,.parallel = RK_EDGES_KEEP};
	rk_graph	g;

	*component = rk_call_alloc(call, input->edges.nodes, uint32);
	if (strcmp(rk_arg_text(call, "mode"), "weak") == 0)
	{
		rk_call_phase(call, "computing", 0);
		rk_call_check(call, rk_graph_weak_components_edges(&call->ctx, &input->edges, *component, result));
	}
	else
	{
		rk_build_graph(call, input, &options, &g);
		rk_call_check(call, rk_graph_strong_components(&call->ctx, &g, *component, result));
	}
	rk_call_detail_int(call, "components", result->count);
	return input;
}

static void
connected_components(rk_call *call)
{
	uint32	   *component;
	rk_components c;
	rk_graph_input *input = find_components(call, &component, &c);

	rk_emit(call, input->edges.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_UINTS(component),
		RK_OUT_CODES_VIA(input->ids, c.root, component),
		RK_OUT_UINTS_VIA(c.size, component)
	}, NULL);
}

/* The row's number as a bigint. */
static Datum
row_number(void *arg, int64 row, bool *is_null)
{
	return Int64GetDatum(row);
}

static void
connected_components_sizes(rk_call *call)
{
	uint32	   *component;
	rk_components c;
	rk_graph_input *input = find_components(call, &component, &c);

	rk_emit(call, c.count, (rk_out[]) {
		RK_OUT_CALL(row_number, NULL),
		RK_OUT_CODES(input->ids, c.root),
		RK_OUT_UINTS(c.size)
	}, NULL);
}

RK_FUNCTION(rk_graph_connected_components_sql, "graph/connected-components", "");
RK_FUNCTION(rk_graph_connected_components_sizes_sql, "graph/connected-components", "_sizes");

/* ---- graph/shortest-path ---- */

/* Reads and builds the graph that all forms search. */
static rk_graph_input *
path_input(rk_call *call)
{
	return rk_read_graph(call, RK_WEIGHT_LENGTH);
}

static void
path_graph(rk_call *call, rk_graph_input *input, bool want_in, rk_graph *g)
{
	bool		directed = rk_arg_boolean(call, "directed");
	rk_graph_options options = {
		.directed = directed,
		/* a negative self-loop is a negative cycle */
		.drop_loops = !(directed && input->negative),
		.want_out = true,
		.want_in = want_in,
		.parallel = input->edges.weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};

	rk_build_graph(call, input, &options, g);
}

static void
shortest_path(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	bool		all = rk_arg_boolean(call, "include_unreachable");
	rk_shortest_path_params params = {
		.max_distance = rk_arg_float8_or(call, "max_distance", INFINITY),
		.method = rk_arg_choice(call, "method")
	};
	rk_graph	g;
	double	   *distance;
	uint32	   *predecessor;
	int64	   *hops;
	bool	   *keep;

	if (input->edges.nodes == 0)
		return;
	params.source = rk_arg_node(call, "source", input);
	path_graph(call, input, false, &g);
	distance = rk_call_alloc(call, g.nodes, double);
	predecessor = rk_call_alloc(call, g.nodes, uint32);
	hops = rk_call_alloc(call, g.nodes, int64);
	keep = rk_call_alloc(call, g.nodes, bool);
	rk_call_check(call, rk_graph_shortest_path(&call->ctx, &g, &params, distance, predecessor, hops));
	for (int64 v = 0; v < g.nodes; v++)
		keep[v] = all || hops[v] >= 0;
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_DOUBLES(distance),
		RK_OUT_CODES(input->ids, predecessor),
		RK_OUT_INTS(hops)
	}, keep);
}

/* Paths that are being emitted. */
typedef struct path_source
{
	const rk_ids *ids;
	Oid			type;
	const int64 *offsets;
	const uint32 *nodes;
} path_source;

static Datum
path_number(void *arg, int64 row, bool *is_null)
{
	return Int32GetDatum(row + 1);
}

static Datum
path_hops(void *arg, int64 row, bool *is_null)
{
	path_source *p = arg;

	return Int64GetDatum(p->offsets[row + 1] - p->offsets[row] - 1);
}

static Datum
path_nodes(void *arg, int64 row, bool *is_null)
{
	path_source *p = arg;

	return rk_id_array(p->ids, p->nodes + p->offsets[row], p->offsets[row + 1] - p->offsets[row], p->type);
}

static void
shortest_path_between(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	path_source source = {.ids = input->ids,.type = rk_emitted_id_type(call)};
	uint32		from;
	uint32		to;
	rk_graph	g;
	rk_paths	paths;

	if (input->edges.nodes == 0)
		return;
	from = rk_arg_node(call, "source", input);
	to = rk_arg_node(call, "target", input);
	path_graph(call, input, true, &g);
	rk_call_check(call, rk_graph_shortest_path_between(&call->ctx, &g, from, to,
													   rk_arg_int(call, "k"), &paths));
	source.offsets = paths.offsets;
	source.nodes = paths.nodes;
	rk_emit(call, paths.count, (rk_out[]) {
		RK_OUT_CALL(path_number, NULL),
		RK_OUT_DOUBLES(paths.distance),
		RK_OUT_CALL(path_hops, &source),
		RK_OUT_CALL(path_nodes, &source)
	}, NULL);
}

static void
shortest_path_pairs(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	path_source source = {.ids = input->ids,.type = rk_emitted_id_type(call)};
	rk_path_pairs_params params = {
		.max_distance = rk_arg_float8_or(call, "max_distance", INFINITY),
		.paths = rk_arg_boolean(call, "paths")
	};
	rk_graph	g;
	rk_path_pairs *pairs;
	rk_path_rows rows;

	if (!rk_arg_is_null(call, "pairs"))
	{
		uint32	   *from;
		uint32	   *to;

		rk_read_pairs(call, "pairs", input, &from, &to, &params.count);
		params.from = from;
		params.to = to;
		if (params.count == 0)
			return;
	}
	path_graph(call, input, true, &g);
	rk_call_check(call, rk_graph_shortest_path_pairs_begin(&call->ctx, &g, &params, &pairs));
	for (;;)
	{
		rk_call_check(call, rk_graph_shortest_path_pairs_next(pairs, &rows));
		if (rows.count == 0)
			break;
		source.offsets = rows.path_offsets;
		source.nodes = rows.path;
		rk_emit(call, rows.count, (rk_out[]) {
			RK_OUT_CODES(input->ids, rows.source),
			RK_OUT_CODES(input->ids, rows.target),
			RK_OUT_DOUBLES(rows.distance),
			RK_OUT_INTS(rows.hops),
			params.paths ? RK_OUT_CALL(path_nodes, &source) : RK_OUT_NULLS
		}, NULL);
		rk_call_phase(call, "computing", 0);
	}
	rk_graph_shortest_path_pairs_end(pairs);
}

static void
shortest_path_eccentricity(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	rk_graph	g;
	double	   *eccentricity;

	path_graph(call, input, true, &g);
	eccentricity = rk_call_alloc(call, g.nodes, double);
	rk_call_check(call, rk_graph_shortest_path_eccentricity(&call->ctx, &g, eccentricity));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(eccentricity)}, NULL);
}

RK_FUNCTION(rk_graph_shortest_path_sql, "graph/shortest-path", "");
RK_FUNCTION(rk_graph_shortest_path_between_sql, "graph/shortest-path", "_between");
RK_FUNCTION(rk_graph_shortest_path_pairs_sql, "graph/shortest-path", "_pairs");
RK_FUNCTION(rk_graph_shortest_path_eccentricity_sql, "graph/shortest-path", "_eccentricity");

const rk_bound_function rk_graph_bindings[] = {
	{"graph/pagerank", "", pagerank},
	{"graph/degree-centrality", "", degree_centrality},
	{"graph/betweenness-centrality", "", betweenness_centrality},
	{"graph/betweenness-centrality", "_edges", betweenness_centrality_edges},
	{"graph/connected-components", "", connected_components},
	{"graph/connected-components", "_sizes", connected_components_sizes},
	{"graph/shortest-path", "", shortest_path},
	{"graph/shortest-path", "_between", shortest_path_between},
	{"graph/shortest-path", "_pairs", shortest_path_pairs},
	{"graph/shortest-path", "_eccentricity", shortest_path_eccentricity},
	{0}
};

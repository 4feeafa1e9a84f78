/*
 * binding.c
 *	  The centrality kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "centrality.h"

/* ---- graph/pagerank ---- */

static rk_graph_options
pagerank_graph(const rk_call *call, bool weighted)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.want_in = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

static void
pagerank_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = pagerank_graph(call, size->weighted);
	need->bytes = size->nodes * sizeof(double) +
		rk_graph_pagerank_memory(size->nodes, size->arcs, size->threads) +
		(rk_arg_is_null(call, "personalization") ? 0 : size->nodes * sizeof(double));
}

static void
pagerank_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_pagerank_cost(size->nodes, size->arcs, size->weighted, size->kept, rk_arg_float8(call, "damping"),
									rk_arg_float8(call, "tolerance"), rk_arg_int(call, "max_iterations"));
}

/* Runs it on the device, if one was chosen; false: the CPU shall. */
static bool
pagerank_on_device(rk_device_run *device, const rk_graph_input *input, const rk_graph *g,
				   const rk_graph_options *options, const rk_pagerank_params *p, double *score)
{
	rk_cuda_pagerank_params params = {
		.damping = p->damping,
		.tolerance = p->tolerance,
		.max_iterations = p->max_iterations,
		.dangling = p->dangling
	};

	if (device == NULL || g->nodes == 0)
		return false;
	rk_device_graph(device, input, g, options);
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, p->personalization, g->nodes * sizeof(double));
	rk_device_output(device, score, g->nodes * sizeof(double));
	return rk_device_finish(device, NULL);
}

static void
pagerank(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = pagerank_graph(call, input->edges.weight != NULL);
	rk_pagerank_params params = {
		.damping = rk_arg_float8(call, "damping"),
		.tolerance = rk_arg_float8(call, "tolerance"),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.dangling = rk_arg_choice(call, "dangling"),
		.personalization = rk_read_node_values(call, "personalization", input)
	};
	rk_graph_size size = rk_input_size(call, input, options.directed);
	rk_device_run *device = rk_device_begin(call, RK_CUDA_PAGERANK, &size);
	rk_graph	g;
	double	   *score;

	/* strengths are sums over rows there, which have one order */
	if (device && input->edges.weight)
		options.want_out = true;
	rk_build_graph(call, input, &options, &g);
	score = rk_call_alloc(call, g.nodes, double);
	if (!pagerank_on_device(device, input, &g, &options, &params, score))
		rk_call_check(call, rk_graph_pagerank(&call->ctx, &g, &params, score, &call->run));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(score)}, NULL);
}

RK_FUNCTION(rk_graph_pagerank_sql, "graph/pagerank", "");

/* ---- graph/degree-centrality ---- */

static rk_graph_options
degree_graph(const rk_call *call)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.want_in = true,
		.want_out = true,
		.parallel = RK_EDGES_KEEP
	};
}

static void
degree_centrality_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = degree_graph(call);
	need->bytes = rk_graph_degree_centrality_memory(size->nodes, size->threads, size->weighted);
}

static void
emit_degrees(rk_call *call, int64 rows, rk_out node, const rk_degrees *d)
{
	rk_emit(call, rows, (rk_out[]) {
		node,
		RK_OUT_INTS(d->degree), RK_OUT_INTS(d->in_degree), RK_OUT_INTS(d->out_degree),
		RK_OUT_DOUBLES(d->score), RK_OUT_DOUBLES(d->in_score), RK_OUT_DOUBLES(d->out_score),
		RK_OUT_INTS(d->in_edges), RK_OUT_INTS(d->out_edges),
		d->in_strength ? RK_OUT_DOUBLES(d->in_strength) : RK_OUT_NULLS,
		d->out_strength ? RK_OUT_DOUBLES(d->out_strength) : RK_OUT_NULLS,
		RK_OUT_INTS(d->neighbors)
	}, NULL);
}

static void
degree_centrality(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = degree_graph(call);
	rk_graph	g;
	rk_degrees	d;

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_degree_centrality(&call->ctx, &g, &d));
	emit_degrees(call, g.nodes, RK_OUT_NODES(input->ids), &d);
}

static void
degree_centrality_node_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = degree_graph(call);
}

static void
degree_centrality_node(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = degree_graph(call);
	uint32		node;
	rk_graph	g;
	rk_degrees	d;

	if (input->edges.nodes == 0)
		return;
	node = rk_arg_node(call, "node_id", input);
	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_degree_centrality_node(&call->ctx, &g, node, &d));
	emit_degrees(call, 1, RK_OUT_CODES(input->ids, &node), &d);
}

RK_FUNCTION(rk_graph_degree_centrality_sql, "graph/degree-centrality", "");
RK_FUNCTION(rk_graph_degree_centrality_node_sql, "graph/degree-centrality", "_node");

/* ---- graph/betweenness-centrality ---- */

static rk_graph_options
betweenness_graph(const rk_call *call, bool weighted)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.drop_loops = true,
		.want_in = true,
		.want_out = true,
		.parallel = weighted ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};
}

/* Parameters of both forms; endpoints is false. */
static rk_betweenness_params
betweenness_params(const rk_call *call)
{
	return (rk_betweenness_params) {
		.normalized = rk_arg_boolean(call, "normalized"),
		.samples = rk_arg_int_or(call, "samples", 0),
		.epsilon = rk_arg_float8_or(call, "epsilon", 0),
		.delta = rk_arg_float8(call, "delta"),
		.seed = rk_arg_int(call, "seed")
	};
}

static bool betweenness_on_device(void *arg, const rk_betweenness_work *w);

/* What kernel and scores need; edges: of the form for edges. */
static int64
betweenness_bytes(const rk_call *call, const rk_graph_size *size, bool edges)
{
	rk_betweenness_params params = betweenness_params(call);

	/* a device may come to make the searches */
	if (rk_the_devices && rk_device != RK_DEVICE_CPU)
		params.engine = betweenness_on_device;
	return rk_graph_betweenness_memory(size->nodes, size->arcs, rk_arg_boolean(call, "directed"),
									   size->weighted, edges, size->threads, &params) +
		sizeof(double) * (edges ? size->arcs : size->nodes);
}

static void
betweenness_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = betweenness_graph(call, size->weighted);
	need->bytes = betweenness_bytes(call, size, false);
}

static void
betweenness_edges_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = betweenness_graph(call, size->weighted);
	/* which entries are edges, and afterwards their sources */
	need->bytes = betweenness_bytes(call, size, true) + size->arcs * sizeof(bool);
}

/* Graph and parameters of both forms. */
static rk_graph_input *
betweenness_input(rk_call *call, rk_graph *g, rk_betweenness_params *params)
{
	rk_graph_input *input;
	rk_graph_options options;

	if (!rk_arg_is_null(call, "samples") && !rk_arg_is_null(call, "epsilon"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters \"samples\" and \"epsilon\" exclude each other"),
				 errhint("Give samples for a number of searches, or epsilon for an error.")));
	input = rk_read_graph(call, RK_WEIGHT_LENGTH);
	options = betweenness_graph(call, input->edges.weight != NULL);
	*params = betweenness_params(call);
	rk_build_graph(call, input, &options, g);
	return input;
}

static void
betweenness_cost_of(const rk_call *call, const rk_graph_size *size, bool edges, rk_device_cost *cost)
{
	int64		samples = rk_arg_int_or(call, "samples", size->nodes);

	if (rk_arg_is_null(call, "epsilon"))
		*cost = rk_device_betweenness_cost(size->nodes, size->arcs, rk_arg_boolean(call, "directed"), size->weighted, edges,
										   Min(samples, size->nodes), size->threads);
	else
		*cost = rk_device_path_samples_cost(size->nodes, size->arcs, rk_arg_boolean(call, "directed"), size->weighted, edges,
											size->kept, rk_arg_float8(call, "epsilon"), rk_arg_float8(call, "delta"));
}

static void
betweenness_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	betweenness_cost_of(call, size, false, cost);
}

static void
betweenness_edges_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	betweenness_cost_of(call, size, true, cost);
}

/* A device that makes the searches, or draws the paths. */
typedef struct betweenness_engine
{
	const rk_call *call;
	const rk_graph_input *input;
	rk_device_run *device;
} betweenness_engine;

/* Makes the searches on the device; false: the CPU shall. */
static bool
betweenness_on_device(void *arg, const rk_betweenness_work *w)
{
	rk_device_run *device = ((betweenness_engine *) arg)->device;
	rk_cuda_betweenness_params params = {.extra = w->extra,.edges = w->edges};
	uint32	   *mass = w->source_mass ? palloc_extended(w->count * sizeof(uint32), MCXT_ALLOC_HUGE) : NULL;
	uint32	   *reach = palloc_extended(w->count * sizeof(uint32), MCXT_ALLOC_HUGE);
	bool		done;

	for (int64 i = 0; mass && i < w->count; i++)
		mass[i] = w->source_mass[w->sources[i]];
	rk_device_graph(device, NULL, w->graph, NULL);
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, w->sources, w->count * sizeof(uint32));
	rk_device_input(device, mass, w->count * sizeof(uint32));
	rk_device_input(device, w->mass, w->graph->nodes * sizeof(uint32));
	rk_device_output(device, w->total, (w->edges ? w->graph->arcs : w->graph->nodes) * sizeof(double));
	rk_device_output(device, reach, w->count * sizeof(uint32));
	done = rk_device_finish(device, NULL);
	for (int64 i = 0; done && i < w->count; i++)
		w->reach[w->sources[i]] = reach[i];
	pfree(reach);
	if (mass)
		pfree(mass);
	return done;
}

/* Draws the paths on the device; false: the CPU shall. */
static bool
betweenness_sampled_on_device(void *arg, const rk_betweenness_sampling *w)
{
	betweenness_engine *engine = arg;
	rk_graph_options options = betweenness_graph(engine->call, w->graph->out.weights != NULL);
	rk_cuda_path_sample_params params = {
		.epsilon = w->epsilon,.delta = w->delta,.seed = w->seed,.limit = w->limit,.edges = w->edges,.ends = w->ends
	};
	int64		counts[4];

	rk_device_graph(engine->device, engine->input, w->graph, &options);
	rk_device_params(engine->device, &params, sizeof(params));
	rk_device_output(engine->device, w->hits, (w->edges ? w->graph->arcs : w->graph->nodes) * sizeof(int64));
	if (!rk_device_finish(engine->device, counts))
		return false;
	*w->samples = counts[0];
	return true;
}

/* Lets a device make the searches, or draw the paths, if one is chosen. */
static void
betweenness_device(rk_call *call, const rk_graph_input *input, const rk_graph *g, rk_betweenness_params *params)
{
	rk_graph_size size = rk_input_size(call, input, g->directed);
	bool		sampled = params->epsilon > 0;
	betweenness_engine *engine = rk_call_alloc(call, 1, betweenness_engine);

	/* the edges are gone when the graph is built */
	size.arcs = g->arcs;
	size.weighted = g->out.weights != NULL;
	*engine = (betweenness_engine) {
		.call = call,
		.input = input,
		.device = rk_device_begin(call, sampled ? RK_CUDA_PATH_SAMPLES : RK_CUDA_BETWEENNESS, &size)
	};
	if (engine->device == NULL)
		return;
	params->engine_arg = engine;
	if (sampled)
		params->sampler = betweenness_sampled_on_device;
	else
		params->engine = betweenness_on_device;
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
	betweenness_device(call, input, &g, &params);
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

	betweenness_device(call, input, &g, &params);
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

/* ---- graph/closeness-centrality ---- */

static rk_closeness_params
closeness_params(const rk_call *call)
{
	return (rk_closeness_params) {
		.variant = rk_arg_choice(call, "variant"),
		.normalized = rk_arg_boolean(call, "normalized"),
		.in = rk_arg_choice(call, "direction") == 1,
		.samples = rk_arg_int_or(call, "samples", 0),
		.seed = rk_arg_int(call, "seed")
	};
}

static void
closeness_centrality_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_closeness_params params = closeness_params(call);

	/* simple graph of lengths, as for betweenness */
	need->graph = betweenness_graph(call, size->weighted);
	/* score, reachable, distance_sum */
	need->bytes = 3 * sizeof(double) * size->nodes +
		rk_graph_closeness_memory(size->nodes, size->weighted, size->threads, &params);
}

static Datum
number_or_null(void *arg, int64 row, bool *is_null)
{
	double		value = ((double *) arg)[row];

	*is_null = isnan(value);
	return Float8GetDatum(value);
}

static void
closeness_centrality(rk_call *call)
{
	rk_closeness_params params = closeness_params(call);
	rk_graph_options options;
	rk_graph_input *input;
	rk_graph	g;
	double	   *score;
	int64	   *reachable;
	double	   *distance_sum;

	if (!rk_arg_is_null(call, "samples") && rk_arg_boolean(call, "directed"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"samples\" needs an undirected graph, but \"directed\" is true"),
				 errhint("Add directed => false, or leave samples out.")));
	input = rk_read_graph(call, RK_WEIGHT_LENGTH);
	options = betweenness_graph(call, input->edges.weight != NULL);
	rk_build_graph(call, input, &options, &g);
	score = rk_call_alloc(call, g.nodes, double);
	reachable = rk_call_alloc(call, g.nodes, int64);
	distance_sum = rk_call_alloc(call, g.nodes, double);
	rk_call_check(call, rk_graph_closeness_centrality(&call->ctx, &g, &params, score, reachable, distance_sum));
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_CALL(number_or_null, score),
		RK_OUT_INTS(reachable),
		RK_OUT_CALL(number_or_null, distance_sum)
	}, NULL);
}

RK_FUNCTION(rk_graph_closeness_centrality_sql, "graph/closeness-centrality", "");

/*
 * Runs a kernel of scores and one value more on the device, if one was chosen;
 * false: the CPU shall.
 */
static bool
scores_on_device(rk_device_run *device, const rk_graph_input *input, const rk_graph *g, const rk_graph_options *options,
				 const void *params, Size params_bytes, const double *by_node, double *score, double *value)
{
	if (device == NULL || g->nodes == 0)
		return false;
	rk_device_graph(device, input, g, options);
	rk_device_params(device, params, params_bytes);
	rk_device_input(device, by_node, g->nodes * sizeof(double));
	rk_device_output(device, score, g->nodes * sizeof(double));
	rk_device_output(device, value, sizeof(double));
	return rk_device_finish(device, NULL);
}

/* ---- graph/eigenvector-centrality ---- */

static void
eigenvector_centrality_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	/* strengths and loops, as for PageRank */
	need->graph = pagerank_graph(call, size->weighted);
	need->bytes = size->nodes * sizeof(double) + rk_graph_eigenvector_memory(size->nodes, size->arcs);
}

static void
eigenvector_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_eigenvector_cost(size->nodes, size->arcs, size->weighted, size->kept,
									   rk_arg_boolean(call, "directed"), rk_arg_int(call, "max_iterations"));
}

static void
eigenvector_centrality(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = pagerank_graph(call, input->edges.weight != NULL);
	rk_eigenvector_params params = {
		.tolerance = rk_arg_float8(call, "tolerance"),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.norm = rk_arg_choice(call, "norm")
	};
	rk_cuda_eigenvector_params on_device = {
		.tolerance = params.tolerance,
		.max_iterations = params.max_iterations,
		.norm = params.norm
	};
	rk_graph_size size = rk_input_size(call, input, options.directed);
	rk_device_run *device = rk_device_begin(call, RK_CUDA_EIGENVECTOR, &size);
	rk_graph	g;
	double	   *score;
	double		eigenvalue;

	rk_build_graph(call, input, &options, &g);
	score = rk_call_alloc(call, g.nodes, double);
	if (!scores_on_device(device, input, &g, &options, &on_device, sizeof(on_device), NULL, score, &eigenvalue))
		rk_call_check(call, rk_graph_eigenvector_centrality(&call->ctx, &g, &params, score, &eigenvalue, &call->run));
	rk_call_detail_float8(call, "eigenvalue", eigenvalue);
	if (g.nodes > 0 && eigenvalue == 0)
		ereport(WARNING,
				(errmsg("graph has no cycle of positive weight, so that all scores are 0"),
				 errhint("Try directed => false, or rk.graph_katz_centrality.")));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(score)}, NULL);
}

RK_FUNCTION(rk_graph_eigenvector_centrality_sql, "graph/eigenvector-centrality", "");

/* ---- graph/katz-centrality ---- */

static void
katz_centrality_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = pagerank_graph(call, size->weighted);
	/* score and, perhaps, beta by node */
	need->bytes = size->nodes * sizeof(double) + rk_graph_katz_memory(size->nodes, size->arcs) +
		(rk_arg_is_null(call, "nodes") ? 0 : size->nodes * sizeof(double));
}

static void
katz_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_katz_cost(size->nodes, size->arcs, size->weighted, size->kept, rk_arg_int(call, "max_iterations"));
}

static void
katz_centrality(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = pagerank_graph(call, input->edges.weight != NULL);
	rk_katz_params params = {
		.alpha = rk_arg_float8_or(call, "alpha", 0),
		.beta = rk_arg_float8(call, "beta"),
		.node_beta = input->node_values,
		.tolerance = rk_arg_float8(call, "tolerance"),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.norm = rk_arg_choice(call, "norm")
	};
	rk_cuda_katz_params on_device = {
		.alpha = params.alpha,
		.beta = params.beta,
		.tolerance = params.tolerance,
		.max_iterations = params.max_iterations,
		.norm = params.norm
	};
	rk_graph_size size = rk_input_size(call, input, options.directed);
	rk_device_run *device = rk_device_begin(call, RK_CUDA_KATZ, &size);
	rk_graph	g;
	double	   *score;
	double		alpha;

	rk_build_graph(call, input, &options, &g);
	score = rk_call_alloc(call, g.nodes, double);
	if (!scores_on_device(device, input, &g, &options, &on_device, sizeof(on_device), params.node_beta, score, &alpha))
		rk_call_check(call, rk_graph_katz_centrality(&call->ctx, &g, &params, score, &alpha, &call->run));
	rk_call_detail_float8(call, "alpha", alpha);
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(score)}, NULL);
}

RK_FUNCTION(rk_graph_katz_centrality_sql, "graph/katz-centrality", "");

const rk_bound_function rk_graph_centrality_bindings[] = {
	{"graph/pagerank", "", pagerank, pagerank_need, .device_cost = pagerank_device_cost},
	{"graph/degree-centrality", "", degree_centrality, degree_centrality_need},
	{"graph/degree-centrality", "_node", degree_centrality_node, degree_centrality_node_need},
	{"graph/betweenness-centrality", "", betweenness_centrality, betweenness_need,
		.device_cost = betweenness_device_cost},
	{"graph/betweenness-centrality", "_edges", betweenness_centrality_edges, betweenness_edges_need,
		.device_cost = betweenness_edges_device_cost},
	{"graph/closeness-centrality", "", closeness_centrality, closeness_centrality_need},
	{"graph/eigenvector-centrality", "", eigenvector_centrality, eigenvector_centrality_need,
		.device_cost = eigenvector_device_cost},
	{"graph/katz-centrality", "", katz_centrality, katz_centrality_need, .device_cost = katz_device_cost},
	{0}
};

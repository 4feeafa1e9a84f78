/*
 * binding.c
 *	  The path kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "paths.h"

/* ---- graph/shortest-path ---- */

/* Reads and builds the graph that all forms search. */
static rk_graph_input *
path_input(rk_call *call)
{
	return rk_read_graph(call, RK_WEIGHT_LENGTH);
}

static rk_graph_options
path_options(const rk_call *call, bool weighted, bool want_in)
{
	return (rk_graph_options) {
		.directed = rk_arg_boolean(call, "directed"),
		.drop_loops = true,
		.want_out = true,
		.want_in = want_in,
		.parallel = weighted ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};
}

static void
path_graph(rk_call *call, rk_graph_input *input, bool want_in, rk_graph *g)
{
	rk_graph_options options = path_options(call, input->edges.weight != NULL, want_in);

	/* a negative self-loop is a negative cycle */
	if (options.directed && input->negative)
		options.drop_loops = false;
	rk_build_graph(call, input, &options, g);
}

static void
shortest_path_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = path_options(call, size->weighted, false);
	/* distance, predecessor, hops and whether a row is emitted */
	need->bytes = size->nodes * 21 +
		rk_graph_shortest_path_memory(size->nodes, size->weighted, size->threads);
}

static void
shortest_path_between_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = path_options(call, size->weighted, true);
	need->bytes = rk_graph_shortest_path_between_memory(size->nodes, size->weighted, size->threads);
}

static void
shortest_path_pairs_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_path_pairs_params params = {.paths = rk_arg_boolean(call, "paths")};

	need->graph = path_options(call, size->weighted, true);
	need->bytes = rk_graph_shortest_path_pairs_memory(size->nodes, size->weighted, size->threads, &params);
}

static void
shortest_path_eccentricity_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = path_options(call, size->weighted, true);
	need->bytes = size->nodes * sizeof(double) +
		rk_graph_shortest_path_eccentricity_memory(size->nodes, size->weighted, size->threads);
}

/* Why these arguments are for the CPU only; NULL: they are not. */
static const char *
path_refusal(const rk_call *call, bool weighted, bool negative)
{
	int			method = rk_arg_choice(call, "method");

	if (negative)
		return "negative lengths are for the CPU only";
	if (method == RK_PATH_AUTO || method == (weighted ? RK_PATH_DELTA_STEPPING : RK_PATH_BFS))
		return NULL;
	return weighted ? "the device knows delta-stepping only" : "the device knows breadth-first search only";
}

static void
shortest_path_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = size->weighted ? rk_device_lengths_cost(size->nodes, size->arcs, size->kept) :
		rk_device_bfs_cost(size->nodes, size->arcs, size->kept);
	if (path_refusal(call, size->weighted, false))
		cost->host_seconds = INFINITY;
}

/* Asks for a device; NULL: the CPU shall search. */
static rk_device_run *
path_device(rk_call *call, const rk_graph_input *input)
{
	rk_graph_size size = rk_input_size(call, input, rk_arg_boolean(call, "directed"));
	bool		weighted = input->edges.weight != NULL;
	const char *refusal = path_refusal(call, weighted, input->negative);

	if (refusal == NULL)
		return rk_device_begin(call, weighted ? RK_CUDA_LENGTHS : RK_CUDA_BFS, &size);
	rk_device_skip(call, refusal);
	return NULL;
}

/* Searches on the device; false: the CPU shall do it. */
static bool
path_on_device(rk_call *call, rk_device_run *device, const rk_graph_input *input, const rk_graph *g,
			   const rk_shortest_path_params *p, double *distance, uint32 *predecessor, int64 *hops)
{
	bool		weighted = g->out.weights != NULL;
	rk_graph_options options = path_options(call, weighted, false);
	rk_cuda_bfs_params hop_params = {
		.max_hops = p->max_distance < g->nodes ? (int64) p->max_distance : g->nodes,
		.source = p->source
	};
	rk_cuda_length_params length_params = {.max_distance = p->max_distance,.source = p->source};
	uint32	   *found;

	if (device == NULL)
		return false;
	found = rk_call_alloc(call, g->nodes, uint32);
	rk_device_graph(device, input, g, &options);
	if (weighted)
	{
		rk_device_params(device, &length_params, sizeof(length_params));
		rk_device_output(device, distance, g->nodes * sizeof(double));
	}
	else
		rk_device_params(device, &hop_params, sizeof(hop_params));
	rk_device_output(device, found, g->nodes * sizeof(uint32));
	rk_device_output(device, predecessor, g->nodes * sizeof(uint32));
	if (!rk_device_finish(device, NULL))
		return false;
	for (int64 v = 0; v < g->nodes; v++)
	{
		hops[v] = found[v] == RK_NO_NODE ? -1 : (int64) found[v];
		if (!weighted)
			distance[v] = hops[v] < 0 ? INFINITY : (double) hops[v];
	}
	return true;
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
	rk_device_run *device;

	if (input->edges.nodes == 0)
		return;
	params.source = rk_arg_node(call, "source", input);
	device = path_device(call, input);
	path_graph(call, input, false, &g);
	distance = rk_call_alloc(call, g.nodes, double);
	predecessor = rk_call_alloc(call, g.nodes, uint32);
	hops = rk_call_alloc(call, g.nodes, int64);
	keep = rk_call_alloc(call, g.nodes, bool);
	if (!path_on_device(call, device, input, &g, &params, distance, predecessor, hops))
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

/* Why these arguments are for the CPU only; NULL: they are not. */
static const char *
pairs_refusal(const rk_call *call, bool negative)
{
	if (rk_arg_is_null(call, "pairs"))
		return "rows of all pairs are made on the CPU only";
	if (rk_arg_boolean(call, "paths"))
		return "nodes of paths are listed on the CPU only";
	return negative ? "negative lengths are for the CPU only" : NULL;
}

static void
pairs_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_path_pairs_cost(size->nodes, size->arcs, rk_arg_boolean(call, "directed"), size->weighted, size->kept,
									  size->pairs, size->sources);
	if (pairs_refusal(call, false))
		cost->host_seconds = INFINITY;
}

/* A device that searches for pairs. */
typedef struct pairs_device
{
	rk_call    *call;
	const rk_graph_input *input;
	rk_device_run *run;
} pairs_device;

/* Searches on the device; false: the CPU shall. */
static bool
pairs_on_device(void *arg, const rk_path_pairs_work *w)
{
	pairs_device *d = arg;
	rk_graph_options options = path_options(d->call, w->graph->out.weights != NULL, true);
	rk_cuda_path_pairs_params params = {.max_distance = w->max_distance};

	rk_device_graph(d->run, d->input, w->graph, &options);
	rk_device_params(d->run, &params, sizeof(params));
	rk_device_input(d->run, w->sources, w->source_count * sizeof(uint32));
	rk_device_input(d->run, w->number, w->count * sizeof(uint32));
	rk_device_input(d->run, w->target, w->count * sizeof(uint32));
	rk_device_output(d->run, w->hops, w->count * sizeof(uint32));
	if (w->distance)
		rk_device_output(d->run, w->distance, w->count * sizeof(double));
	return rk_device_finish(d->run, NULL);
}

/* How many different nodes there are among those of a graph of so many. */
static int64
count_different(const uint32 *nodes, int64 count, int64 all)
{
	int64		different = 0;
	uint64	   *bits = palloc_extended((all / 64 + 1) * sizeof(uint64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < count; i++)
	{
		uint64		bit = UINT64CONST(1) << nodes[i] % 64;

		different += !(bits[nodes[i] / 64] & bit);
		bits[nodes[i] / 64] |= bit;
	}
	pfree(bits);
	return different;
}

/* Lets a device search for the pairs, if one is chosen, before the graph is built. */
static void
choose_pairs_device(rk_call *call, const rk_graph_input *input, rk_path_pairs_params *params)
{
	rk_graph_size size = rk_input_size(call, input, rk_arg_boolean(call, "directed"));
	const char *refusal = pairs_refusal(call, input->negative);
	pairs_device *d;

	if (refusal)
	{
		rk_device_skip(call, refusal);
		return;
	}
	size.pairs = params->count;
	size.sources = count_different(params->from, params->count, size.nodes);
	d = rk_call_alloc(call, 1, pairs_device);
	*d = (pairs_device) {.call = call,.input = input,.run = rk_device_begin(call, RK_CUDA_PATH_PAIRS, &size)};
	if (d->run == NULL)
		return;
	params->engine = pairs_on_device;
	params->engine_arg = d;
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
	choose_pairs_device(call, input, &params);
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

/* ---- searches from many nodes on a device ---- */

/* A device that makes them. */
typedef struct reach_device
{
	rk_call    *call;
	const rk_graph_input *input;
	rk_device_run *run;
	rk_reach_engine engine;
} reach_device;

static void
reach_cost_of(const rk_call *call, const rk_graph_size *size, int64 sources, rk_device_cost *cost)
{
	*cost = rk_device_reach_cost(size->nodes, size->arcs, rk_arg_boolean(call, "directed"), size->weighted, size->kept,
								 Min(sources, size->nodes));
}

static void
eccentricity_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	reach_cost_of(call, size, size->nodes, cost);
}

static void
average_path_length_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	reach_cost_of(call, size, rk_arg_int_or(call, "samples", size->nodes), cost);
}

/* Searches on the device; false: the CPU shall. */
static bool
reach_on_device(void *arg, const rk_reach_work *w)
{
	reach_device *d = arg;
	bool		lengths = w->graph->out.weights != NULL;
	rk_graph_options options = path_options(d->call, lengths, true);
	/* deeper graphs are not for the device */
	int64		levels = Min(w->levels, 2049);
	double	   *sums = lengths ? palloc_extended(w->count * 4 * sizeof(double), MCXT_ALLOC_HUGE) : NULL;
	bool		done;

	rk_device_graph(d->run, d->input, w->graph, &options);
	rk_device_input(d->run, w->sources, w->count * sizeof(uint32));
	if (lengths)
		rk_device_output(d->run, sums, w->count * 4 * sizeof(double));
	else
	{
		rk_device_output(d->run, w->farthest, w->count * sizeof(uint32));
		rk_device_output(d->run, w->pairs, levels * sizeof(int64));
	}
	done = rk_device_finish(d->run, NULL);
	for (int64 i = 0; done && lengths && i < w->count; i++)
		w->sums[i] = (rk_source_sums) {(int64) sums[4 * i], sums[4 * i + 1], sums[4 * i + 2], sums[4 * i + 3]};
	if (sums)
		pfree(sums);
	return done;
}

/* An engine on a device, if one is chosen, before the graph is built; NULL: the CPU. */
static rk_reach_engine *
reach_engine(rk_call *call, const rk_graph_input *input, bool negative)
{
	rk_graph_size size = rk_input_size(call, input, rk_arg_boolean(call, "directed"));
	reach_device *d = rk_call_alloc(call, 1, reach_device);

	if (negative)
	{
		rk_device_skip(call, "negative lengths are for the CPU only");
		return NULL;
	}
	*d = (reach_device) {.call = call,.input = input,.run = rk_device_begin(call, RK_CUDA_REACH, &size)};
	d->engine = (rk_reach_engine) {reach_on_device, d};
	return d->run ? &d->engine : NULL;
}

static void
shortest_path_eccentricity(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	rk_reach_engine *engine;
	rk_graph	g;
	double	   *eccentricity;

	engine = reach_engine(call, input, input->negative);
	path_graph(call, input, true, &g);
	eccentricity = rk_call_alloc(call, g.nodes, double);
	rk_call_check(call, rk_graph_shortest_path_eccentricity_by(&call->ctx, &g, engine, eccentricity));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(eccentricity)}, NULL);
}

/* ---- graph/average-path-length ---- */

static void
average_path_length_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = path_options(call, size->weighted, true);
	need->bytes = rk_graph_average_path_length_memory(size->nodes, size->weighted, size->threads,
													  rk_arg_int_or(call, "samples", 0));
}

/* A measure, or NULL where it is not defined. */
static rk_out
measure(const double *value)
{
	return isnan(*value) ? RK_OUT_NULLS : RK_OUT_DOUBLES(value);
}

static Datum
truth(void *arg, int64 row, bool *is_null)
{
	return BoolGetDatum(*(bool *) arg);
}

static void
average_path_length(rk_call *call)
{
	rk_graph_input *input = path_input(call);
	rk_reach_engine *engine;
	rk_path_averages a;
	rk_graph	g;

	/* a negative length is an error of the kernel */
	engine = reach_engine(call, input, false);
	path_graph(call, input, true, &g);
	rk_call_check(call, rk_graph_average_path_length_by(&call->ctx, &g, rk_arg_int_or(call, "samples", 0),
														rk_arg_int(call, "seed"), engine, &a));
	rk_emit(call, 1, (rk_out[]) {
		measure(&a.average), measure(&a.diameter), measure(&a.radius), measure(&a.effective_diameter),
		measure(&a.global_efficiency), RK_OUT_INTS(&a.reachable_pairs), RK_OUT_INTS(&a.unreachable_pairs),
		RK_OUT_CALL(truth, &a.connected), RK_OUT_CALL(truth, &a.exact)
	}, NULL);
}

RK_FUNCTION(rk_graph_average_path_length_sql, "graph/average-path-length", "");

RK_FUNCTION(rk_graph_shortest_path_sql, "graph/shortest-path", "");
RK_FUNCTION(rk_graph_shortest_path_between_sql, "graph/shortest-path", "_between");
RK_FUNCTION(rk_graph_shortest_path_pairs_sql, "graph/shortest-path", "_pairs");
RK_FUNCTION(rk_graph_shortest_path_eccentricity_sql, "graph/shortest-path", "_eccentricity");

const rk_bound_function rk_graph_paths_bindings[] = {
	{"graph/shortest-path", "", shortest_path, shortest_path_need, .device_cost = shortest_path_device_cost},
	{"graph/shortest-path", "_between", shortest_path_between, shortest_path_between_need},
	{"graph/shortest-path", "_pairs", shortest_path_pairs, shortest_path_pairs_need, .device_cost = pairs_device_cost},
	{"graph/shortest-path", "_eccentricity", shortest_path_eccentricity, shortest_path_eccentricity_need,
		.device_cost = eccentricity_device_cost},
	{"graph/average-path-length", "", average_path_length, average_path_length_need,
		.device_cost = average_path_length_device_cost},
	{0}
};

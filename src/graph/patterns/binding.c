/*
 * binding.c
 *	  The pattern kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "patterns.h"

static const rk_graph_options undirected_graph = {.drop_loops = true,.want_out = true,.parallel = RK_EDGES_COLLAPSE};

/* Arcs of both directions, weights of parallel ones added. */
static rk_graph_options
directed_graph(bool weighted)
{
	return (rk_graph_options) {
		.directed = true,.drop_loops = true,.want_in = true,.want_out = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

/* Reads edges and nodes as a simple undirected graph. */
static rk_graph_input *
undirected_input(rk_call *call, rk_graph *g)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);

	rk_build_graph(call, input, &undirected_graph, g);
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

/* Complains that the value of a parameter needs weights. */
static void
missing_weight(rk_call *call, const char *param)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("parameter \"%s\" is %s, but \"edges\" has no weights", param, rk_arg_text(call, param)),
			 errhint("Give the weight a name in a query: edges => '%s'.",
					 call->function->params[0].relation->example)));
}

/* ---- graph/triangle-counting ---- */

static void
triangle_counting_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = undirected_graph;
	need->bytes = size->nodes * (sizeof(int64) + sizeof(double)) +
		rk_graph_triangle_counting_memory(size->nodes, size->arcs, RK_TRIANGLES_OF_NODES, size->threads);
}

static void
triangle_counting_total_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = undirected_graph;
	need->bytes = rk_graph_triangle_counting_memory(size->nodes, size->arcs, RK_TRIANGLES_IN_ALL, size->threads);
}

static void
triangle_counting_edges_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = undirected_graph;
	/* which entries are edges, and afterwards their smaller ends */
	need->bytes = size->arcs * (sizeof(uint32) + sizeof(bool)) +
		rk_graph_triangle_counting_memory(size->nodes, size->arcs, RK_TRIANGLES_OF_EDGES, size->threads);
}

static void
triangles_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_triangles_cost(size->nodes, size->arcs, size->kept);
}

/* Triangles of the nodes by the device, and their number; false: the CPU shall. */
static bool
triangles_on_device(rk_device_run *device, const rk_graph_input *input, const rk_graph *g, int64 *triangles,
					rk_triangle_totals *totals)
{
	if (device == NULL || g->nodes == 0)
		return false;
	rk_device_graph(device, input, g, &undirected_graph);
	rk_device_output(device, triangles, g->nodes * sizeof(int64));
	if (!rk_device_finish(device, NULL))
		return false;
	*totals = (rk_triangle_totals) {0};
	for (int64 v = 0; v < g->nodes; v++)
		totals->triangles += triangles[v];
	/* each has three corners */
	totals->triangles /= 3;
	return true;
}

/* Graph and triangles of both forms; clustering may be NULL. */
static rk_graph_input *
count_triangles(rk_call *call, rk_graph *g, int64 **triangles, double **clustering, rk_triangle_totals *totals)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_size size = rk_input_size(call, input, false);
	rk_device_run *device = rk_device_begin(call, RK_CUDA_TRIANGLES, &size);
	double	   *shares = NULL;

	rk_build_graph(call, input, &undirected_graph, g);
	/* the total alone needs no counts by node on the CPU */
	*triangles = device || clustering ? rk_call_alloc(call, g->nodes, int64) : NULL;
	if (clustering)
		shares = *clustering = rk_call_alloc(call, g->nodes, double);
	if (triangles_on_device(device, input, g, *triangles, totals))
		rk_call_check(call, rk_graph_triangle_shares(&call->ctx, g, *triangles, shares, totals));
	else
		rk_call_check(call, rk_graph_triangle_counts(&call->ctx, g, clustering ? *triangles : NULL, shares, totals));
	return input;
}

static void
triangle_counting(rk_call *call)
{
	rk_graph	g;
	int64	   *triangles;
	double	   *clustering;
	rk_triangle_totals totals;
	rk_graph_input *input = count_triangles(call, &g, &triangles, &clustering, &totals);

	rk_call_detail_float8(call, "triangles", (double) totals.triangles);
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_INTS(triangles), RK_OUT_DOUBLES(clustering)
	}, NULL);
}

static void
triangle_counting_total(rk_call *call)
{
	rk_graph	g;
	int64	   *triangles;
	rk_triangle_totals totals;
	Datum		values[3];
	bool		nulls[3] = {false};

	count_triangles(call, &g, &triangles, NULL, &totals);
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

/* ---- graph/clustering-coefficient ---- */

typedef struct clustering_result
{
	rk_graph	g;
	int64	   *degree;
	int64	   *triangles;
	double	   *clustering;
	rk_clustering_totals totals;
} clustering_result;

static bool
weighted_clustering(rk_clustering_variant variant)
{
	return variant == RK_CLUSTERING_ONNELA || variant == RK_CLUSTERING_BARRAT;
}

static rk_graph_options
clustering_graph(rk_clustering_variant variant)
{
	bool		directed = variant == RK_CLUSTERING_FAGIOLO || variant == RK_CLUSTERING_GRAPHALYTICS;

	return (rk_graph_options) {
		.directed = directed,
		.drop_loops = true,
		.want_in = directed,
		.want_out = true,
		.parallel = weighted_clustering(variant) ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

static void
clustering_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_clustering_variant variant = rk_arg_choice(call, "variant");

	need->graph = clustering_graph(variant);
	need->bytes = size->nodes * (2 * sizeof(int64) + sizeof(double)) +
		rk_graph_clustering_coefficient_memory(size->nodes, size->arcs, variant, size->threads);
}

/* Reads and computes what both forms show. */
static rk_graph_input *
run_clustering(rk_call *call, clustering_result *r)
{
	rk_clustering_variant variant = rk_arg_choice(call, "variant");
	bool		weighted = weighted_clustering(variant);
	rk_graph_input *input = rk_read_graph(call, weighted ? RK_WEIGHT_STRENGTH : RK_WEIGHT_NONE);
	rk_graph_options options = clustering_graph(variant);

	if (weighted && input->edges.weight == NULL && input->edges.count > 0)
		missing_weight(call, "variant");
	rk_build_graph(call, input, &options, &r->g);
	r->degree = rk_call_alloc(call, r->g.nodes, int64);
	r->triangles = rk_call_alloc(call, r->g.nodes, int64);
	r->clustering = rk_call_alloc(call, r->g.nodes, double);
	rk_call_check(call, rk_graph_clustering_coefficient(&call->ctx, &r->g, variant, r->degree,
														r->triangles, r->clustering, &r->totals));
	return input;
}

static void
clustering_coefficient(rk_call *call)
{
	clustering_result r;
	rk_graph_input *input = run_clustering(call, &r);

	rk_emit(call, r.g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_INTS(r.degree), RK_OUT_INTS(r.triangles), RK_OUT_DOUBLES(r.clustering)
	}, NULL);
}

static void
clustering_coefficient_global(rk_call *call)
{
	clustering_result r;
	Datum		values[5];
	bool		nulls[5] = {false};

	run_clustering(call, &r);
	values[0] = Float8GetDatum(r.totals.average);
	nulls[0] = nulls[2] = r.g.nodes == 0;
	values[1] = Float8GetDatum(r.totals.average_nonzero_degree);
	nulls[1] = r.totals.triangles.wedges == 0;
	values[2] = Float8GetDatum(r.totals.triangles.transitivity);
	values[3] = rk_uint128_numeric(r.totals.triangles.triangles);
	values[4] = rk_uint128_numeric(r.totals.triangles.wedges);
	rk_emit_row(call, values, nulls);
}

RK_FUNCTION(rk_graph_clustering_coefficient_sql, "graph/clustering-coefficient", "");
RK_FUNCTION(rk_graph_clustering_coefficient_global_sql, "graph/clustering-coefficient", "_global");

/* ---- graph/degree-ratio ---- */

/* A text from a closed set, by its number in an array of bytes. */
typedef struct choice_column
{
	const char *const *names;
	const uint8 *codes;
} choice_column;

static Datum
choice_name(void *arg, int64 row, bool *is_null)
{
	const choice_column *c = arg;

	return CStringGetTextDatum(c->names[c->codes[row]]);
}

static const rk_graph_options ratio_graph = {
	.directed = true,.drop_loops = true,.want_in = true,.want_out = true,.parallel = RK_EDGES_KEEP
};

static void
degree_ratio_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = ratio_graph;
	need->bytes = rk_graph_degree_ratio_memory(size->nodes, size->arcs, size->weighted);
}

static void
degree_ratio(rk_call *call)
{
	static const char *const roles[] = {"isolated", "source", "balanced", "sink"};
	rk_degree_ratio_params params = {
		.source_threshold = rk_arg_float8(call, "source_threshold"),
		.sink_threshold = rk_arg_float8(call, "sink_threshold"),
		.basis = rk_arg_choice(call, "basis")
	};
	rk_graph_input *input;
	rk_graph	g;
	rk_degree_ratios r;

	if (params.source_threshold > params.sink_threshold)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"source_threshold\" is %g, above \"sink_threshold\", which is %g",
						params.source_threshold, params.sink_threshold)));
	input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	if (params.basis == RK_RATIO_WEIGHT && input->edges.weight == NULL && input->edges.count > 0)
		missing_weight(call, "basis");
	rk_build_graph(call, input, &ratio_graph, &g);
	rk_call_check(call, rk_graph_degree_ratio(&call->ctx, &g, &params, &r));
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_INTS(r.in_degree), RK_OUT_INTS(r.out_degree),
		RK_OUT_DOUBLES(r.ratio), RK_OUT_DOUBLES(r.neighbor_degree_variance),
		RK_OUT_CALL(choice_name, (&(choice_column) {roles, r.role})),
		r.in_strength ? RK_OUT_DOUBLES(r.in_strength) : RK_OUT_NULLS,
		r.in_strength ? RK_OUT_DOUBLES(r.out_strength) : RK_OUT_NULLS,
		r.in_strength ? RK_OUT_DOUBLES(r.strength_ratio) : RK_OUT_NULLS
	}, NULL);
}

RK_FUNCTION(rk_graph_degree_ratio_sql, "graph/degree-ratio", "");

/* ---- graph/star-topology ---- */

/* A value that is NULL where it is not a number. */
static Datum
number_or_null(void *arg, int64 row, bool *is_null)
{
	double		value = ((const double *) arg)[row];

	*is_null = isnan(value);
	return Float8GetDatum(value);
}

static void
star_topology_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = directed_graph(size->weighted);
	need->bytes = rk_graph_star_topology_memory(size->nodes, size->arcs, size->weighted, size->threads);
}

static void
star_topology(rk_call *call)
{
	static const char *const types[] = {"none", "in-star", "out-star", "mixed"};
	rk_star_params params = {
		.min_degree = rk_arg_int(call, "min_degree"),
		.dominance = rk_arg_float8(call, "dominance")
	};
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = directed_graph(input->edges.weight != NULL);
	rk_graph	g;
	rk_stars	r;

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_star_topology(&call->ctx, &g, &params, &r));
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_DOUBLES(r.score),
		RK_OUT_CALL(choice_name, (&(choice_column) {types, r.type})),
		RK_OUT_INTS(r.spokes), RK_OUT_INTS(r.inter_spoke_edges), RK_OUT_INTS(r.in_degree), RK_OUT_INTS(r.out_degree),
		r.in_strength ? RK_OUT_DOUBLES(r.in_strength) : RK_OUT_NULLS,
		r.in_strength ? RK_OUT_DOUBLES(r.out_strength) : RK_OUT_NULLS,
		r.in_strength ? RK_OUT_CALL(number_or_null, r.pass_through) : RK_OUT_NULLS
	}, NULL);
}

RK_FUNCTION(rk_graph_star_topology_sql, "graph/star-topology", "");

/* ---- graph/cycle-participation ---- */

/* Directed also for undirected cycles: cycles of two rows are counted as given. */
static void
cycle_participation_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = directed_graph(size->weighted);
	need->bytes = rk_graph_cycle_participation_memory(size->nodes, size->arcs,
													  !rk_arg_boolean(call, "directed"), size->threads);
}

static void
cycle_participation(rk_call *call)
{
	static const char *const levels[] = {"baseline", "low", "medium", "high", "critical"};
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = directed_graph(input->edges.weight != NULL);
	rk_graph	g;
	rk_cycle_counts r;

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_cycle_participation(&call->ctx, &g, !rk_arg_boolean(call, "directed"), &r));
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids), RK_OUT_INTS(r.cycles_2), RK_OUT_INTS(r.cycles_3), RK_OUT_INTS(r.cycles_4),
		RK_OUT_DOUBLES(r.weight), RK_OUT_DOUBLES(r.ratio),
		RK_OUT_CALL(choice_name, (&(choice_column) {levels, r.risk}))
	}, NULL);
}

static rk_graph_options
cycles_graph(const rk_call *call, bool weighted)
{
	rk_graph_options options = directed_graph(weighted);

	options.directed = rk_arg_boolean(call, "directed");
	return options;
}

static void
cycles_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = cycles_graph(call, size->weighted);
	need->bytes = rk_graph_cycles_memory(size->nodes, rk_arg_int(call, "max_cycle_length"));
}

/* Cycles that are being emitted. */
typedef struct cycle_source
{
	const rk_ids *ids;
	Oid			type;
	const rk_cycle_rows *rows;
} cycle_source;

static Datum
cycle_length(void *arg, int64 row, bool *is_null)
{
	const rk_cycle_rows *rows = ((const cycle_source *) arg)->rows;

	return Int32GetDatum(rows->offsets[row + 1] - rows->offsets[row]);
}

static Datum
cycle_nodes(void *arg, int64 row, bool *is_null)
{
	const cycle_source *c = arg;
	const int64 *offsets = c->rows->offsets;

	return rk_id_array(c->ids, c->rows->nodes + offsets[row], offsets[row + 1] - offsets[row], c->type);
}

static void
cycle_participation_cycles(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = cycles_graph(call, input->edges.weight != NULL);
	rk_graph	g;
	rk_cycles  *cycles;
	rk_cycle_rows rows;
	cycle_source source = {input->ids, rk_emitted_id_type(call), &rows};

	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_cycles_begin(&call->ctx, &g, rk_arg_int(call, "max_cycle_length"), &cycles));
	for (;;)
	{
		rk_call_check(call, rk_graph_cycles_next(cycles, &rows));
		if (rows.count == 0)
			break;
		rk_emit(call, rows.count, (rk_out[]) {
			RK_OUT_CALL(cycle_length, &source), RK_OUT_CALL(cycle_nodes, &source),
			RK_OUT_DOUBLES(rows.min_weight), RK_OUT_DOUBLES(rows.total_weight)
		}, NULL);
		rk_call_phase(call, "searching", 0);
	}
	rk_graph_cycles_end(cycles);
}

RK_FUNCTION(rk_graph_cycle_participation_sql, "graph/cycle-participation", "");
RK_FUNCTION(rk_graph_cycle_participation_cycles_sql, "graph/cycle-participation", "_cycles");

/* ---- graph/motif-detection ---- */

static rk_graph_options
motif_graph(const rk_call *call)
{
	rk_graph_options options = directed_graph(false);

	options.directed = options.want_in = rk_arg_boolean(call, "directed");
	return options;
}

static rk_motif_params
motif_params(const rk_call *call)
{
	return (rk_motif_params) {
		.size = rk_arg_int(call, "size"),
		.randomizations = rk_arg_int(call, "randomizations"),
		.seed = rk_arg_int(call, "seed")
	};
}

static void
motif_detection_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_motif_params params = motif_params(call);

	need->graph = motif_graph(call);
	need->bytes = rk_graph_motif_detection_memory(size->nodes, size->arcs, rk_arg_boolean(call, "directed"),
												  size->threads, &params);
}

static void
motif_detection(rk_call *call)
{
	rk_motif_params params = motif_params(call);
	rk_graph_options options = motif_graph(call);
	const rk_motif_type *types;
	rk_graph_input *input;
	rk_graph	g;
	rk_motifs	motifs;
	int			count;

	if (params.size == 4 && options.directed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("directed motifs of four nodes are not supported"),
				 errhint("Write size => 3 or directed => false.")));
	input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_motif_detection(&call->ctx, &g, &params, &motifs));
	types = rk_graph_motif_types(params.size, options.directed, &count);
	for (int t = 0; t < count; t++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(types[t].name);
		values[1] = Int32GetDatum(types[t].edges);
		values[2] = BoolGetDatum(types[t].connected);
		values[3] = rk_uint128_numeric(motifs.count[t]);
		values[4] = number_or_null(motifs.expected, t, &nulls[4]);
		values[5] = number_or_null(motifs.z_score, t, &nulls[5]);
		rk_emit_row(call, values, nulls);
	}
}

static void
motif_triad_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = motif_graph(call);
}

static void
motif_detection_triad(rk_call *call)
{
	rk_graph_options options = motif_graph(call);
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	uint32		a = rk_arg_node(call, "a", input);
	uint32		b = rk_arg_node(call, "b", input);
	uint32		c = rk_arg_node(call, "c", input);
	rk_graph	g;
	Datum		motif;
	bool		is_null = false;
	int			count;

	if (a == b || a == c || b == c)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("two of the parameters \"a\", \"b\", \"c\" name the same node %s",
						rk_ids_text(input->ids, a == b ? a : c))));
	rk_build_graph(call, input, &options, &g);
	motif = CStringGetTextDatum(rk_graph_motif_types(3, g.directed, &count)
								[rk_graph_motif_of_three(&g, a, b, c)].name);
	rk_emit_row(call, &motif, &is_null);
}

RK_FUNCTION(rk_graph_motif_detection_sql, "graph/motif-detection", "");
RK_FUNCTION(rk_graph_motif_detection_triad_sql, "graph/motif-detection", "_triad");

const rk_bound_function rk_graph_patterns_bindings[] = {
	{"graph/motif-detection", "", motif_detection, motif_detection_need},
	{"graph/motif-detection", "_triad", motif_detection_triad, motif_triad_need},
	{"graph/cycle-participation", "", cycle_participation, cycle_participation_need},
	{"graph/cycle-participation", "_cycles", cycle_participation_cycles, cycles_need},
	{"graph/degree-ratio", "", degree_ratio, degree_ratio_need},
	{"graph/star-topology", "", star_topology, star_topology_need},
	{"graph/clustering-coefficient", "", clustering_coefficient, clustering_need},
	{"graph/clustering-coefficient", "_global", clustering_coefficient_global, clustering_need},
	{"graph/triangle-counting", "", triangle_counting, triangle_counting_need, .device_cost = triangles_device_cost},
	{"graph/triangle-counting", "_total", triangle_counting_total, triangle_counting_total_need, .device_cost = triangles_device_cost},
	{"graph/triangle-counting", "_edges", triangle_counting_edges, triangle_counting_edges_need},
	{0}
};

/*
 * binding.c
 *	  The similarity kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "../../relation/table.h"
#include "similarity.h"

/* ---- what the neighbour kernels share ---- */

/* Arguments of a run; the graph is built. */
typedef struct neighbor_run
{
	rk_graph_input *input;
	rk_neighborhood direction;
	rk_similarity_params params;
	rk_graph_options options;
	rk_graph	g;
	rk_neighbor_similarity *similarity;
	rk_device_run *device;		/* NULL: the CPU */
} neighbor_run;

static rk_graph_options
neighbor_options(const rk_call *call, bool weighted)
{
	return (rk_graph_options) {
		.directed = rk_arg_choice(call, "direction") != RK_NEIGHBORS_BOTH,
		.drop_loops = true,
		.want_out = true,
		.want_in = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

/* Parameters that all have, without pairs and least score. */
static rk_similarity_params
neighbor_params(const rk_call *call)
{
	return (rk_similarity_params) {
		.top_k = rk_arg_int_or(call, "top_k", 0),
		.per_node = rk_arg_int_or(call, "per_node", 0),
		.exclude_connected = rk_arg_boolean(call, "exclude_connected")
	};
}

#define MOST_PARTNERS 1024		/* of a node, on a device */

static bool
counts_only(const rk_call *call)
{
	return strcmp(call->kernel->id, "graph/common-neighbors") == 0;
}

/* Why these arguments are for the CPU only; NULL: they are not. */
static const char *
pairs_refusal(const rk_call *call)
{
	if (rk_arg_is_null(call, "pairs"))
		return rk_arg_int_or(call, "per_node", 0) > MOST_PARTNERS ?
			"more than 1024 partners of a node are looked for on the CPU only" : NULL;
	return counts_only(call) && rk_arg_boolean(call, "with_members") ?
		"common neighbors of pairs that are given are listed on the CPU only" : NULL;
}

static void
pairs_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	bool		sums = size->weighted || strcmp(call->kernel->id, "graph/adamic-adar") == 0;
	bool		directed = rk_arg_choice(call, "direction") != RK_NEIGHBORS_BOTH;

	if (rk_arg_is_null(call, "pairs"))
	{
		int64		per_node = rk_arg_int_or(call, "per_node", 0);
		bool		least = counts_only(call) ? rk_arg_int(call, "min_count") > 1 : rk_arg_float8(call, "min_score") > 0;

		*cost = rk_device_similar_pairs_cost(size->nodes, size->arcs, size->weighted, size->kept, directed, sums,
											 per_node > 0, rk_arg_int_or(call, "top_k", per_node * size->nodes), least);
	}
	else
		*cost = rk_device_similarity_cost(size->nodes, size->arcs, size->weighted, size->kept, directed, size->pairs, sums);
	if (pairs_refusal(call))
		cost->host_seconds = INFINITY;
}

/* Has a device make the next rows of all pairs; false: the CPU shall. */
static bool
search_on_device(void *arg, rk_pair_search *search)
{
	neighbor_run *run = arg;
	const rk_graph *g = &run->g;
	const rk_adjacency *rows = run->direction == RK_NEIGHBORS_IN ? &g->in : &g->out;
	/* weights out of the range of squares are scaled ones */
	bool		replaced = search->row_weights != rows->weights && search->row_weights != NULL;
	int64		room = search->top_k ? search->top_k : search->capacity;
	int64		counts[4];
	rk_cuda_similar_pairs_params params = {
		.lowest = search->lowest,
		.threshold = search->threshold,
		.begin = search->begin,
		.top_k = search->top_k,
		.per_node = search->per_node,
		.term = search->term,
		.score = search->score,
		.power = search->power,
		.by_size = search->by_size,
		.exclude_connected = search->exclude_connected,
		.in = run->direction == RK_NEIGHBORS_IN
	};

	if (!rk_device_again(run->device))
		return false;
	rk_device_graph(run->device, run->input, g, &run->options);
	rk_device_params(run->device, &params, sizeof(params));
	rk_device_input(run->device, search->size, g->nodes * sizeof(double));
	rk_device_input(run->device, search->value, g->nodes * sizeof(double));
	rk_device_input(run->device, replaced ? search->row_weights : NULL, g->arcs * sizeof(double));
	rk_device_input(run->device, replaced ? search->column_weights : NULL, g->arcs * sizeof(double));
	rk_device_output_rows(run->device, search->rows->a, room, sizeof(uint32));
	rk_device_output_rows(run->device, search->rows->b, room, sizeof(uint32));
	rk_device_output_rows(run->device, search->rows->common, room, sizeof(uint32));
	rk_device_output_rows(run->device, search->rows->score, room, sizeof(double));
	if (!rk_device_finish(run->device, counts) || counts[0] < 0 || counts[0] > room)
		return false;
	search->rows->count = counts[0];
	search->next = counts[1];
	return true;
}

/* Asks for a device; NULL: the CPU shall do it. */
static rk_device_run *
pairs_device(rk_call *call, neighbor_run *run)
{
	rk_graph_size size = rk_input_size(call, run->input, run->direction != RK_NEIGHBORS_BOTH);
	const char *refusal = pairs_refusal(call);
	rk_device_run *device;

	size.pairs = run->params.count;
	if (refusal)
	{
		rk_device_skip(call, refusal);
		return NULL;
	}
	if (run->params.a)
		return rk_device_begin(call, RK_CUDA_SIMILARITY, &size);
	device = rk_device_begin(call, RK_CUDA_SIMILAR_PAIRS, &size);
	if (device)
	{
		run->params.engine = search_on_device;
		run->params.engine_arg = run;
	}
	return device;
}

/* Has the rows of given pairs intersected on the device, if one was chosen. */
static void
pairs_on_device(rk_call *call, neighbor_run *run)
{
	const rk_graph *g = &run->g;
	const rk_adjacency *rows = run->direction == RK_NEIGHBORS_IN ? &g->in : &g->out;
	int64		count = run->params.count;
	rk_cuda_similarity_params params = {.in = run->direction == RK_NEIGHBORS_IN};
	rk_intersections wanted;
	uint32	   *common;
	double	   *sum = NULL;

	if (run->device == NULL || run->params.a == NULL || g->nodes == 0)
		return;
	rk_graph_neighbor_similarity_wanted(run->similarity, &wanted);
	params.term = wanted.term;
	common = rk_call_alloc(call, count, uint32);
	if (wanted.term != RK_TERM_NONE)
		sum = rk_call_alloc(call, count, double);
	rk_device_graph(run->device, run->input, g, &run->options);
	rk_device_params(run->device, &params, sizeof(params));
	rk_device_input(run->device, run->params.a, count * sizeof(uint32));
	rk_device_input(run->device, run->params.b, count * sizeof(uint32));
	rk_device_input(run->device, wanted.value, g->nodes * sizeof(double));
	/* weights out of the range of squares are scaled ones */
	rk_device_input(run->device, wanted.weights == rows->weights ? NULL : wanted.weights, g->arcs * sizeof(double));
	rk_device_output(run->device, common, count * sizeof(uint32));
	if (sum)
		rk_device_output(run->device, sum, count * sizeof(double));
	if (rk_device_finish(run->device, NULL))
		rk_graph_neighbor_similarity_given(run->similarity, common, sum);
}

/* Reads edges and pairs; false when there can be no row. */
static bool
open_run(rk_call *call, rk_weight_meaning meaning, neighbor_run *run)
{
	rk_similarity_params *p = &run->params;

	*run = (neighbor_run) {.input = rk_read_graph(call, meaning),.direction = rk_arg_choice(call, "direction")};
	*p = neighbor_params(call);
	if (!rk_arg_is_null(call, "pairs"))
	{
		uint32	   *a;
		uint32	   *b;

		rk_read_pairs(call, "pairs", run->input, &a, &b, &p->count);
		p->a = a;
		p->b = b;
		if (p->count == 0)
			return false;
	}
	run->device = pairs_device(call, run);
	run->options = neighbor_options(call, run->input->edges.weight != NULL);
	rk_build_graph(call, run->input, &run->options, &run->g);
	return true;
}

/* Emits all rows of the stream. */
static void
emit_scores(rk_call *call, neighbor_run *run)
{
	pairs_on_device(call, run);
	for (;;)
	{
		rk_similarity_rows rows;

		rk_call_check(call, rk_graph_neighbor_similarity_next(run->similarity, &rows));
		if (rows.count == 0)
			break;
		rk_emit(call, rows.count, (rk_out[]) {
			RK_OUT_CODES(run->input->ids, rows.a),
			RK_OUT_CODES(run->input->ids, rows.b),
			RK_OUT_DOUBLES(rows.score),
			RK_OUT_UINTS(rows.common)
		}, NULL);
		rk_call_phase(call, "computing", 0);
	}
	rk_graph_neighbor_similarity_end(run->similarity);
}

/* Arguments for the memory of a run; that pairs are given is all that matters. */
static rk_similarity_params
need_params(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	static const uint32_t given = 0;
	rk_similarity_params params = neighbor_params(call);

	need->graph = neighbor_options(call, size->weighted);
	if (!rk_arg_is_null(call, "pairs"))
		params.a = params.b = &given;
	return params;
}

static void
jaccard_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_similarity_params params = need_params(call, size, need);

	params.min_score = rk_arg_float8(call, "min_score");
	need->bytes = rk_graph_jaccard_similarity_memory(size->nodes, size->arcs, size->weighted, size->threads, &params);
}

static void
cosine_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_similarity_params params = need_params(call, size, need);

	params.min_score = rk_arg_float8(call, "min_score");
	need->bytes = rk_graph_cosine_similarity_memory(size->nodes, size->arcs, size->weighted, size->threads, &params);
}

static void
adamic_adar_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_similarity_params params = need_params(call, size, need);

	params.min_score = rk_arg_float8(call, "min_score");
	need->bytes = rk_graph_adamic_adar_memory(size->nodes, size->arcs, size->threads, &params);
}

static void
common_neighbors_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_similarity_params params = need_params(call, size, need);

	params.min_score = rk_arg_int(call, "min_count") - 1;
	params.with_members = rk_arg_boolean(call, "with_members");
	need->bytes = rk_graph_common_neighbors_memory(size->nodes, size->arcs, size->threads, &params);
}

static void
jaccard_similarity(rk_call *call)
{
	neighbor_run run;

	if (!open_run(call, RK_WEIGHT_STRENGTH, &run))
		return;
	run.params.min_score = rk_arg_float8(call, "min_score");
	rk_call_check(call, rk_graph_jaccard_similarity(&call->ctx, &run.g, run.direction, &run.params, &run.similarity));
	emit_scores(call, &run);
}

static void
cosine_similarity(rk_call *call)
{
	neighbor_run run;

	if (!open_run(call, RK_WEIGHT_SIGNED, &run))
		return;
	run.params.min_score = rk_arg_float8(call, "min_score");
	rk_call_check(call, rk_graph_cosine_similarity(&call->ctx, &run.g, run.direction, &run.params, &run.similarity));
	emit_scores(call, &run);
}

static void
adamic_adar(rk_call *call)
{
	neighbor_run run;

	if (!open_run(call, RK_WEIGHT_NONE, &run))
		return;
	run.params.min_score = rk_arg_float8(call, "min_score");
	rk_call_check(call, rk_graph_adamic_adar(&call->ctx, &run.g, run.direction, rk_arg_choice(call, "weighting"),
											 &run.params, &run.similarity));
	emit_scores(call, &run);
}

/* ---- graph/common-neighbors ---- */

/* Rows that are being emitted. */
typedef struct common_rows
{
	const neighbor_run *run;
	rk_similarity_rows rows;
	Oid			type;
} common_rows;

static Datum
union_size(void *arg, int64 row, bool *is_null)
{
	common_rows *c = arg;

	return Int64GetDatum(rk_neighbor_union(c->run->similarity, c->rows.a[row], c->rows.b[row],
										   c->rows.common[row]));
}

static Datum
members(void *arg, int64 row, bool *is_null)
{
	common_rows *c = arg;
	const int64_t *offsets = c->rows.member_offsets;

	return rk_id_array(c->run->input->ids, c->rows.members + offsets[row], offsets[row + 1] - offsets[row], c->type);
}

static void
common_neighbors(rk_call *call)
{
	neighbor_run run;
	common_rows c = {.run = &run};
	int64		min_count = rk_arg_int(call, "min_count");
	bool		given = !rk_arg_is_null(call, "pairs");

	if (min_count == 0 && !given)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"min_count\" can be 0 with \"pairs\" only"),
				 errdetail("Without \"pairs\" only pairs with a common neighbour are found.")));
	if (!open_run(call, RK_WEIGHT_NONE, &run))
		return;
	run.params.min_score = given && min_count <= 1 ? 0 : min_count;
	run.params.with_members = rk_arg_boolean(call, "with_members");
	rk_call_check(call, rk_graph_common_neighbors(&call->ctx, &run.g, run.direction, &run.params, &run.similarity));
	pairs_on_device(call, &run);
	c.type = rk_emitted_id_type(call);
	for (;;)
	{
		rk_call_check(call, rk_graph_neighbor_similarity_next(run.similarity, &c.rows));
		if (c.rows.count == 0)
			break;
		rk_emit(call, c.rows.count, (rk_out[]) {
			RK_OUT_CODES(run.input->ids, c.rows.a),
			RK_OUT_CODES(run.input->ids, c.rows.b),
			RK_OUT_UINTS(c.rows.common),
			RK_OUT_CALL(union_size, &c),
			run.params.with_members ? RK_OUT_CALL(members, &c) : RK_OUT_NULLS
		}, NULL);
		rk_call_phase(call, "computing", 0);
	}
	rk_graph_neighbor_similarity_end(run.similarity);
}

/* ---- graph/value-similarity ---- */

/* Ready histograms as a matrix, rows of the same node added up. */
static void
take_distributions(rk_call *call, const rk_table *t, const uint32 *node, rk_observations *o)
{
	rk_table_column *column = rk_table_column_named(t, "distribution");
	int64		bins = column->offsets[1] - column->offsets[0];
	double	   *matrix;

	if (bins < 1 || bins > 65536)
		rk_table_bad_value(t, column, 0, bins < 1 ? "empty" : "of more than 65536 numbers");
	matrix = rk_call_alloc(call, o->nodes * bins, double);
	memset(matrix, 0, sizeof(double) * o->nodes * bins);
	for (int64 i = 0; i < t->rows; i++)
	{
		if (column->offsets[i + 1] - column->offsets[i] != bins)
			rk_table_bad_value(t, column, i, psprintf("%lld numbers long, not %lld as in row 1,",
													  (long long) (column->offsets[i + 1] - column->offsets[i]),
													  (long long) bins));
		for (int64 b = 0; b < bins; b++)
			matrix[node[i] * bins + b] += column->floats[column->offsets[i] + b];
	}
	o->histograms = matrix;
	o->bins = bins;
}

/* Pairs by number; a node without a row in observations is an error. */
static void
take_value_pairs(rk_call *call, const rk_table *t, const uint32 *node, int64 rows, int64 nodes,
				 rk_similarity_params *p)
{
	const char *const names[] = {"node_a", "node_b"};
	bool	   *there = rk_call_alloc(call, nodes, bool);

	memset(there, 0, nodes);
	for (int64 i = 0; i < rows; i++)
		there[node[i]] = true;
	for (int64 i = 0; i < 2 * t->rows; i++)
	{
		uint32		code = rk_table_column_named(t, names[i % 2])->codes[i / 2];

		if (!there[code])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %s named in \"pairs\" has no row in \"observations\"",
							rk_ids_text(rk_table_ids(call, RK_TYPE_ID), code))));
	}
	p->a = rk_table_column_named(t, "node_a")->codes;
	p->b = rk_table_column_named(t, "node_b")->codes;
	p->count = t->rows;
}

static void
value_similarity(rk_call *call)
{
	rk_table   *t = rk_table_read(call, "observations");
	rk_table   *pairs = rk_table_read(call, "pairs");
	rk_table_column *value = rk_table_column_named(t, "value");
	bool		ready = rk_table_column_named(t, "distribution")->there && !value->there;
	rk_value_params params = {
		.metric = rk_arg_choice(call, "metric"),
		.bins = rk_arg_int(call, "bins"),
		.binning = rk_arg_choice(call, "binning"),
		.pairs = {
			.min_score = rk_arg_float8(call, "min_score"),
			.top_k = rk_arg_int_or(call, "top_k", 0),
			.per_node = rk_arg_int_or(call, "per_node", 0)
		}
	};
	rk_observations o = {.count = t->rows};
	rk_value_similarity *s;
	rk_similarity_rows rows;
	rk_ids	   *ids;

	rk_tables_number(call);
	ids = rk_table_ids(call, RK_TYPE_ID);
	o.nodes = rk_ids_count(ids);
	o.node = rk_table_column_named(t, "node")->codes;
	o.value = value->floats;
	if (t->rows > 0 && !value->there && !ready)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("\"observations\" has neither a column \"value\" nor a column \"distribution\""),
				 errhint("A query of this form works: observations => '%s'.", t->relation->example)));
	if (pairs)
		take_value_pairs(call, pairs, o.node, t->rows, o.nodes, &params.pairs);
	if (t->rows == 0 || (pairs && pairs->rows == 0))
		return;
	if (ready)
		take_distributions(call, t, o.node, &o);
	rk_call_phase(call, "computing", 0);
	rk_call_check(call, rk_graph_value_similarity(&call->ctx, &o, &params, &s));
	for (;;)
	{
		rk_call_check(call, rk_graph_value_similarity_next(s, &rows));
		if (rows.count == 0)
			break;
		rk_emit(call, rows.count, (rk_out[]) {
			RK_OUT_CODES(ids, rows.a),
			RK_OUT_CODES(ids, rows.b),
			RK_OUT_DOUBLES(rows.score),
			RK_OUT_DOUBLES(rows.distance)
		}, NULL);
		rk_call_phase(call, "computing", 0);
	}
	rk_graph_value_similarity_end(s);
}

static void
histogram_similarity(rk_call *call)
{
	static const rk_value_metric metrics[] = {RK_VALUE_JSD, RK_VALUE_WASSERSTEIN_BINNED, RK_VALUE_HELLINGER};
	int64		in_p;
	int64		in_q;
	const double *p = rk_arg_float8_array(call, "p", &in_p);
	const double *q = rk_arg_float8_array(call, "q", &in_q);
	double		score;

	if (in_p != in_q)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("histograms \"p\" and \"q\" differ in length: %lld and %lld", (long long) in_p, (long long) in_q)));
	rk_call_check(call, rk_histogram_similarity(&call->ctx, p, q, in_p, metrics[rk_arg_choice(call, "metric")], &score));
	rk_emit_row(call, (Datum[]) {Float8GetDatum(score)}, (bool[]) {false});
}

RK_FUNCTION(rk_graph_jaccard_similarity_sql, "graph/jaccard-similarity", "");
RK_FUNCTION(rk_graph_cosine_similarity_sql, "graph/cosine-similarity", "");
RK_FUNCTION(rk_graph_adamic_adar_sql, "graph/adamic-adar", "");
RK_FUNCTION(rk_graph_common_neighbors_sql, "graph/common-neighbors", "");
RK_FUNCTION(rk_graph_value_similarity_sql, "graph/value-similarity", "");
RK_SCALAR(rk_graph_value_similarity_histograms_sql, "graph/value-similarity", "_histograms");

const rk_bound_function rk_graph_similarity_bindings[] = {
	{"graph/jaccard-similarity", "", jaccard_similarity, jaccard_need, .device_cost = pairs_device_cost},
	{"graph/cosine-similarity", "", cosine_similarity, cosine_need, .device_cost = pairs_device_cost},
	{"graph/adamic-adar", "", adamic_adar, adamic_adar_need, .device_cost = pairs_device_cost},
	{"graph/common-neighbors", "", common_neighbors, common_neighbors_need, .device_cost = pairs_device_cost},
	{"graph/value-similarity", "", value_similarity},
	{"graph/value-similarity", "_histograms", histogram_similarity},
	{0}
};

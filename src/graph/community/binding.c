/*
 * binding.c
 *	  The community kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "../../relation/table.h"
#include "community.h"
#include "connected_components.h"

/* ---- graph/connected-components ---- */

static const rk_graph_options component_graph = {.directed = true,.want_out = true,.parallel = RK_EDGES_KEEP};

static bool
weak_mode(const rk_call *call)
{
	return strcmp(rk_arg_text(call, "mode"), "weak") == 0;
}

static void
connected_components_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	int64		component = size->nodes * sizeof(uint32);

	if (weak_mode(call))
		need->bytes = component + rk_graph_weak_components_memory(size->nodes, size->arcs, size->threads);
	else
	{
		need->graph = component_graph;
		need->bytes = component + rk_graph_strong_components_memory(size->nodes, size->arcs, size->threads);
	}
}

static void
components_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_components_cost(size->nodes, size->arcs, size->kept, size->threads);
	if (!weak_mode(call))
		cost->host_seconds = INFINITY;
}

/* The smallest node of the component of every node; false: the CPU shall do it. */
static bool
components_on_device(rk_device_run *device, const rk_graph_input *input, const rk_graph *g, uint32 *component)
{
	if (g->nodes == 0)
		return false;
	rk_device_graph(device, input, g, &component_graph);
	rk_device_output(device, component, g->nodes * sizeof(uint32));
	return rk_device_finish(device, NULL);
}

/* The component of every node, and the list of components. */
static rk_graph_input *
find_components(rk_call *call, uint32 **component, rk_components *result)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph_size size = rk_input_size(call, input, true);
	rk_device_run *device = NULL;
	rk_graph	g;

	*component = rk_call_alloc(call, input->edges.nodes, uint32);
	if (weak_mode(call))
		device = rk_device_begin(call, RK_CUDA_COMPONENTS, &size);
	else
		rk_device_skip(call, "strong components are found on the CPU only");
	if (device)
	{
		rk_build_graph(call, input, &component_graph, &g);
		if (components_on_device(device, input, &g, *component))
			rk_call_check(call, rk_graph_number_components(&call->ctx, g.nodes, *component, result));
		else
			rk_call_check(call, rk_graph_weak_components(&call->ctx, &g, *component, result));
	}
	else if (weak_mode(call))
	{
		rk_call_phase(call, "computing", 0);
		rk_call_check(call, rk_graph_weak_components_edges(&call->ctx, rk_input_edges(call, input), *component, result));
	}
	else
	{
		rk_build_graph(call, input, &component_graph, &g);
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

/* ---- graph/louvain-community ---- */

/* The communities of a node at all levels as bigint[]. */
static Datum
levels_of_node(void *arg, int64 node, bool *is_null)
{
	const rk_communities *c = arg;
	Datum		levels[64];
	int			count = Min(c->levels, (int) lengthof(levels));

	for (int i = 0; i < count; i++)
		levels[i] = Int64GetDatum(c->community[i][node]);
	return PointerGetDatum(construct_array(levels, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static rk_graph_options
strength_graph(const rk_call *call, bool weighted)
{
	bool		directed = rk_arg_boolean(call, "directed");

	return (rk_graph_options) {
		.directed = directed,
		.want_in = directed,
		.want_out = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

static rk_louvain_params
louvain_params(const rk_call *call)
{
	return (rk_louvain_params) {
		.resolution = rk_arg_float8(call, "resolution"),
		.algorithm = rk_arg_choice(call, "algorithm"),
		.min_gain = rk_arg_float8(call, "min_gain"),
		.max_levels = rk_arg_int_or(call, "max_levels", 0),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.seed = rk_arg_int(call, "seed")
	};
}

static void
louvain_community_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_louvain_params params = louvain_params(call);

	need->graph = strength_graph(call, size->weighted);
	need->bytes = rk_graph_louvain_community_memory(size->nodes, size->arcs, need->graph.directed,
													size->weighted, size->threads, &params);
}

static void
louvain_community_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_louvain_cost(size->nodes, size->arcs, size->weighted, size->kept,
								   rk_arg_boolean(call, "directed"),
								   rk_arg_choice(call, "algorithm") == RK_COMMUNITY_LEIDEN);
}

typedef struct louvain_device
{
	const rk_graph_input *input;
	const rk_graph_options *options;
	rk_device_run *run;
} louvain_device;

/* Finds the communities on the device; false: the CPU shall. */
static bool
louvain_on_device(void *arg, const rk_louvain_params *params, rk_louvain_work *w)
{
	louvain_device *d = arg;
	rk_device_run *run = d->run;
	int64		n = w->graph->nodes;
	rk_cuda_louvain_params p = {
		.resolution = params->resolution,
		.penalty = w->penalty,
		.total = w->total,
		.mean_weight = w->mean_weight,
		.min_gain = params->min_gain,
		.seed = params->seed,
		.leiden = params->algorithm == RK_COMMUNITY_LEIDEN,
		.max_levels = params->max_levels,
		.max_iterations = params->max_iterations,
		.tries = w->tries
	};
	int64		counts[4];

	/* rows of both directions are not what is kept of a directed graph */
	rk_device_graph(run, w->in ? NULL : d->input, w->graph, w->in ? NULL : d->options);
	rk_device_params(run, &p, sizeof(p));
	rk_device_input(run, w->out, n * sizeof(double));
	rk_device_input(run, w->loop, n * sizeof(double));
	rk_device_input(run, w->in, n * sizeof(double));
	rk_device_output_rows(run, w->label, w->room, sizeof(uint32));
	rk_device_output(run, w->count, sizeof(w->count));
	rk_device_output(run, &w->modularity, sizeof(double));
	if (!rk_device_finish(run, counts))
		return false;
	w->levels = counts[1];
	w->run = rk_device_reached(run);
	return true;
}

static void
louvain_community(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = strength_graph(call, input->edges.weight != NULL);
	rk_louvain_params params = louvain_params(call);
	rk_graph_size size = rk_input_size(call, input, options.directed);
	louvain_device device = {.input = input,.options = &options};
	rk_graph	g;
	rk_communities c;

	device.run = rk_device_begin(call, RK_CUDA_LOUVAIN, &size);
	if (device.run)
	{
		params.engine = louvain_on_device;
		params.engine_arg = &device;
	}
	rk_build_graph(call, input, &options, &g);
	if (g.nodes == 0)
		return;
	rk_call_check(call, rk_graph_louvain_community(&call->ctx, &g, &params, &c, &call->run));
	rk_call_detail_float8(call, "modularity", c.modularity);
	rk_call_detail_int(call, "communities", c.count[c.levels - 1]);
	rk_call_detail_int(call, "levels", c.levels);
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_UINTS(c.community[c.levels - 1]),
		RK_OUT_CALL(levels_of_node, &c)
	}, NULL);
}

RK_FUNCTION(rk_graph_louvain_community_sql, "graph/louvain-community", "");

/* ---- relations keyed by node ---- */

/*
 * Fills in node with the index in the graph of the node of every row.  A node
 * that is not in the graph gets the next index if more is not NULL, else it is
 * an error; so is one that comes twice.
 */
static void
find_nodes(rk_call *call, const rk_table *table, const rk_graph_input *input, int64 *node, int64 *more)
{
	const rk_table_column *column = rk_table_column_named(table, "node");
	rk_ids	   *ids = rk_table_ids(call, RK_TYPE_ID);
	int64		count = table->rows > 0 ? rk_ids_count(ids) : 0;
	int64	   *index = rk_call_alloc(call, count, int64);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "rk nodes", ALLOCSET_SMALL_SIZES);

	if (count > 0 && rk_ids_type(ids) != rk_ids_type(input->ids))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" has type %s, but the nodes of the graph are of type %s",
						column->name, table->argument, format_type_be(rk_ids_type(ids)),
						format_type_be(rk_ids_type(input->ids))),
				 errhint("Cast it in a query: %s::%s.", quote_identifier(column->name),
						 format_type_be(rk_ids_type(input->ids)))));
	for (int64 i = 0; i < count; i++)
		index[i] = -1;
	for (int64 row = 0; row < table->rows; row++)
	{
		uint32		code = column->codes[row];
		MemoryContext old;

		if ((row & 4095) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(memory);
		}
		if (index[code] >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %s is more than once in \"%s\"", rk_ids_text(ids, code), table->argument),
					 errhint("SELECT DISTINCT ON (node) keeps one row of each.")));
		old = MemoryContextSwitchTo(memory);
		index[code] = rk_ids_find_datum(input->ids, rk_ids_datum(ids, code, rk_ids_type(ids)));
		MemoryContextSwitchTo(old);
		if (index[code] < 0)
		{
			if (more == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("node %s named in \"%s\" is not in the graph", rk_ids_text(ids, code),
								table->argument),
						 errhint("Nodes are the sources and targets of \"edges\" and, where there is such a parameter, \"nodes\".")));
			index[code] = input->edges.nodes + (*more)++;
		}
		node[row] = index[code];
	}
	MemoryContextDelete(memory);
	rk_free(&call->ctx, index);
}

/* ---- graph/modularity-score ---- */

static void
modularity_score_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = strength_graph(call, size->weighted);
	need->bytes = size->nodes * 32 +	/* the relation and its nodes */
		rk_graph_modularity_score_memory(size->nodes, need->graph.directed, 0);
}

/* Reads the graph and the communities and scores them. */
static void
score_partition(rk_call *call, rk_partition_score *score)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = strength_graph(call, input->edges.weight != NULL);
	rk_table   *table;
	const uint32 *codes;
	uint32	   *community;
	int64	   *node;
	int64		more = 0;
	rk_graph	g;

	if (rk_arg_is_null(call, "communities"))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"communities\" must not be NULL")));
	table = rk_read_table(call, "communities");
	codes = rk_table_column_named(table, "community")->codes;
	node = rk_call_alloc(call, table->rows, int64);
	find_nodes(call, table, input, node, &more);
	community = rk_call_alloc(call, input->edges.nodes + more, uint32);
	memset(community, 0xff, sizeof(uint32) * (input->edges.nodes + more));
	for (int64 row = 0; row < table->rows; row++)
		community[node[row]] = codes[row];
	for (int64 v = 0; v < input->edges.nodes; v++)
		if (community[v] == RK_NO_NODE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %s of the graph is not in \"communities\"", rk_ids_text(input->ids, v)),
					 errhint("Every source and target of \"edges\" needs a community.")));
	rk_build_graph(call, input, &options, &g);
	rk_call_check(call, rk_graph_modularity_score(&call->ctx, &g, input->edges.nodes + more, community,
												  table->rows > 0 ? rk_ids_count(rk_table_ids(call, RK_TYPE_ID2)) : 0,
												  rk_arg_float8(call, "resolution"), score));
}

static void
modularity_score(rk_call *call)
{
	rk_partition_score score;
	Datum		values[4];
	bool		nulls[4] = {false};

	score_partition(call, &score);
	values[0] = Float8GetDatum(score.modularity);
	nulls[0] = score.count == 0;
	values[1] = Int64GetDatum(score.count);
	values[2] = Float8GetDatum(score.coverage);
	nulls[2] = isnan(score.coverage);
	values[3] = Float8GetDatum(score.performance);
	nulls[3] = isnan(score.performance);
	rk_emit_row(call, values, nulls);
}

/* The value of a community as text. */
static Datum
community_text(void *arg, int64 row, bool *is_null)
{
	return CStringGetTextDatum(rk_ids_text(arg, row));
}

static void
modularity_score_communities(rk_call *call)
{
	rk_partition_score score;

	score_partition(call, &score);
	rk_emit(call, score.count, (rk_out[]) {
		RK_OUT_CALL(community_text, rk_table_ids(call, RK_TYPE_ID2)),
		RK_OUT_INTS(score.nodes),
		RK_OUT_DOUBLES(score.internal), RK_OUT_DOUBLES(score.boundary),
		RK_OUT_DOUBLES(score.strength), RK_OUT_DOUBLES(score.contribution),
		RK_OUT_OPTIONALS(score.conductance)
	}, NULL);
}

RK_FUNCTION(rk_graph_modularity_score_sql, "graph/modularity-score", "");
RK_FUNCTION(rk_graph_modularity_score_communities_sql, "graph/modularity-score", "_communities");

/* ---- graph/label-propagation ---- */

static void
label_propagation_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_label_params params = {.variant = rk_arg_choice(call, "variant")};

	need->graph = strength_graph(call, size->weighted);
	need->bytes = size->nodes * sizeof(int64) +
		rk_graph_label_propagation_memory(size->nodes, size->arcs, need->graph.directed,
										  size->weighted, size->threads, &params);
	if (!rk_arg_is_null(call, "initial"))
		need->bytes += size->nodes * (2 * sizeof(int64) + sizeof(bool));
}

/* Reads "initial" into the parameters. */
static void
read_labels(rk_call *call, const rk_graph_input *input, rk_label_params *params)
{
	rk_table   *table = rk_read_table(call, "initial");
	const rk_table_column *label;
	const rk_table_column *fixed;
	int64		n = input->edges.nodes;
	int64	   *node;
	int64	   *labels;
	bool	   *keep;

	if (table == NULL)
		return;
	label = rk_table_column_named(table, "label");
	fixed = rk_table_column_named(table, "fixed");
	node = rk_call_alloc(call, table->rows, int64);
	labels = rk_call_alloc(call, n, int64);
	keep = rk_call_alloc(call, n, bool);
	find_nodes(call, table, input, node, NULL);
	memset(labels, 0xff, sizeof(int64) * n);
	memset(keep, 0, sizeof(bool) * n);
	for (int64 row = 0; row < table->rows; row++)
	{
		labels[node[row]] = label->ints[row];
		keep[node[row]] = fixed->there && fixed->booleans[row];
	}
	params->initial = labels;
	params->fixed = keep;
}

static void
label_propagation_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_labels_cost(size->nodes, size->arcs, size->weighted, size->kept, rk_arg_boolean(call, "directed"),
								  rk_arg_choice(call, "variant") == RK_LABEL_SEMI_SYNCHRONOUS,
								  rk_arg_int(call, "max_iterations"));
}

/* Runs it on the device, if one was chosen; false: the CPU shall. */
static bool
labels_on_device(rk_call *call, rk_device_run *device, const rk_graph_input *input, const rk_graph *g,
				 const rk_graph_options *options, const rk_label_params *p, int64 *community, rk_label_result *result)
{
	rk_cuda_label_params params = {
		.seed = p->seed,
		.variant = p->variant,
		.max_iterations = p->max_iterations
	};
	uint32	   *label;
	int64	   *values = NULL;
	int64		labels = 0;

	if (device == NULL || g->nodes == 0)
		return false;
	label = rk_call_alloc(call, g->nodes, uint32);
	if (p->initial)
		rk_call_check(call, rk_graph_label_start(&call->ctx, g->nodes, p->initial, label, &values, &labels));
	rk_device_graph(device, input, g, options);
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, p->initial ? label : NULL, g->nodes * sizeof(uint32));
	rk_device_input(device, values, labels * sizeof(int64));
	rk_device_input(device, p->fixed, g->nodes * sizeof(bool));
	rk_device_output(device, label, g->nodes * sizeof(uint32));
	rk_device_output(device, &result->modularity, sizeof(double));
	if (!rk_device_finish(device, NULL))
		return false;
	rk_call_check(call, rk_graph_label_end(&call->ctx, g->nodes, label, values, community, &result->communities));
	return true;
}

static void
label_propagation(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = strength_graph(call, input->edges.weight != NULL);
	rk_label_params params = {
		.variant = rk_arg_choice(call, "variant"),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.seed = rk_arg_int(call, "seed")
	};
	rk_graph_size size = rk_input_size(call, input, options.directed);
	rk_device_run *device = rk_device_begin(call, RK_CUDA_LABELS, &size);
	rk_label_result result;
	int64	   *community;
	rk_graph	g;

	read_labels(call, input, &params);
	rk_build_graph(call, input, &options, &g);
	community = rk_call_alloc(call, g.nodes, int64);
	if (!labels_on_device(call, device, input, &g, &options, &params, community, &result))
		rk_call_check(call, rk_graph_label_propagation(&call->ctx, &g, &params, community, &result, &call->run));
	rk_call_detail_float8(call, "modularity", result.modularity);
	rk_call_detail_int(call, "communities", result.communities);
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_INTS(community)}, NULL);
}

RK_FUNCTION(rk_graph_label_propagation_sql, "graph/label-propagation", "");

/* ---- graph/k-clique ---- */

static const rk_graph_options simple_graph = {.drop_loops = true,.want_out = true,.parallel = RK_EDGES_COLLAPSE};

static void
k_clique_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = simple_graph;
	need->bytes = rk_graph_k_clique_memory(size->nodes, size->arcs, 1, false);
}

static void
k_clique_count_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = simple_graph;
	need->bytes = rk_graph_k_clique_memory(size->nodes, size->arcs, size->threads, false);
}

static void
k_clique_nodes_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	need->graph = simple_graph;
	need->bytes = rk_graph_k_clique_memory(size->nodes, size->arcs, size->threads, true);
}

/* Cliques become rows as they come. */
typedef struct clique_rows
{
	rk_call    *call;
	const rk_ids *ids;
	Oid			id_type;
	MemoryContext memory;		/* of some rows */
	int64		count;
} clique_rows;

static bool
emit_clique(void *arg, const uint32_t *nodes, int size)
{
	clique_rows *r = arg;
	MemoryContext old = MemoryContextSwitchTo(r->memory);
	bool		nulls[3] = {false};
	Datum		values[3];

	values[0] = Int64GetDatum(r->count++);
	values[1] = Int32GetDatum(size);
	values[2] = rk_id_array(r->ids, nodes, size, r->id_type);
	rk_emit_row(r->call, values, nulls);
	MemoryContextSwitchTo(old);
	if ((r->count & 255) == 0)
		MemoryContextReset(r->memory);
	return true;
}

static void
k_clique(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	clique_rows rows = {.call = call,.ids = input->ids};
	rk_graph	g;

	rk_build_graph(call, input, &simple_graph, &g);
	rows.id_type = rk_emitted_id_type(call);
	rows.memory = AllocSetContextCreate(CurrentMemoryContext, "rk cliques", ALLOCSET_DEFAULT_SIZES);
	rk_call_check(call, (rk_arg_boolean(call, "maximal") ? rk_graph_maximal_cliques : rk_graph_k_clique)
				  (&call->ctx, &g, rk_arg_int(call, "k"), emit_clique, &rows));
	rk_call_detail_int(call, "cliques", rows.count);
	MemoryContextDelete(rows.memory);
}

static void
k_clique_count(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	unsigned __int128 cliques;
	bool		null = false;
	rk_graph	g;
	Datum		value;

	rk_build_graph(call, input, &simple_graph, &g);
	rk_call_check(call, rk_graph_k_clique_count(&call->ctx, &g, rk_arg_int(call, "k"), NULL, &cliques));
	value = rk_uint128_numeric(cliques);
	rk_emit_row(call, &value, &null);
}

/* The count of a node as numeric. */
static Datum
cliques_of_node(void *arg, int64 node, bool *is_null)
{
	return rk_uint128_numeric(((const unsigned __int128 *) arg)[node]);
}

static void
k_clique_nodes(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	unsigned __int128 *of_node;
	unsigned __int128 cliques;
	rk_graph	g;

	rk_build_graph(call, input, &simple_graph, &g);
	of_node = rk_call_alloc(call, g.nodes, unsigned __int128);
	rk_call_check(call, rk_graph_k_clique_count(&call->ctx, &g, rk_arg_int(call, "k"), of_node, &cliques));
	rk_emit(call, g.nodes, (rk_out[]) {RK_OUT_NODES(input->ids), RK_OUT_CALL(cliques_of_node, of_node)}, NULL);
}

static void
k_clique_communities(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_clique_communities c;
	rk_graph	g;

	rk_build_graph(call, input, &simple_graph, &g);
	rk_call_check(call, rk_graph_k_clique_communities(&call->ctx, &g, rk_arg_int(call, "k"), &c));
	rk_call_detail_int(call, "communities", c.count);
	rk_emit(call, c.members, (rk_out[]) {
		RK_OUT_UINTS(c.community), RK_OUT_CODES(input->ids, c.nodes)
	}, NULL);
}

RK_FUNCTION(rk_graph_k_clique_sql, "graph/k-clique", "");
RK_FUNCTION(rk_graph_k_clique_count_sql, "graph/k-clique", "_count");
RK_FUNCTION(rk_graph_k_clique_nodes_sql, "graph/k-clique", "_nodes");
RK_FUNCTION(rk_graph_k_clique_communities_sql, "graph/k-clique", "_communities");

const rk_bound_function rk_graph_community_bindings[] = {
	{"graph/connected-components", "", connected_components, connected_components_need, .device_cost = components_device_cost},
	{"graph/connected-components", "_sizes", connected_components_sizes, connected_components_need, .device_cost = components_device_cost},
	{"graph/louvain-community", "", louvain_community, louvain_community_need,
		.device_cost = louvain_community_device_cost},
	{"graph/modularity-score", "", modularity_score, modularity_score_need},
	{"graph/modularity-score", "_communities", modularity_score_communities, modularity_score_need},
	{"graph/label-propagation", "", label_propagation, label_propagation_need,
		.device_cost = label_propagation_device_cost},
	{"graph/k-clique", "", k_clique, k_clique_need},
	{"graph/k-clique", "_count", k_clique_count, k_clique_count_need},
	{"graph/k-clique", "_nodes", k_clique_nodes, k_clique_nodes_need},
	{"graph/k-clique", "_communities", k_clique_communities, k_clique_count_need},
	{0}
};

/*
 * graph_input.c
 *	  Reads edges and nodes, numbers the nodes, builds the graph.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "../compute/graph_bytes.h"
#include "../call/cost.h"
#include "emit.h"
#include "context.h"
#include "graph_input.h"

/* ---- reading rows of (id, id[, number]) ---- */

/* A reader's state for up to two id columns and a number. */
typedef struct row_sink
{
	rk_call    *call;
	const rk_source *source;
	const rk_found_column *found;	/* in the order of the relation's columns */
	rk_ids	   *ids;
	rk_id_column *columns[2];
	int			id_columns;
	rk_read_kind kinds[2];
	bool		has_number;
	bool		number_may_be_null; /* NaN in numbers stands for NULL */
	rk_weight_meaning meaning;
	double	   *numbers;
	int64		count;
	int64		capacity;
	bool		negative;
} row_sink;

static void
null_value(const row_sink *s, int column, int64 row)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("column \"%s\" of \"%s\" is NULL in row %lld", s->found[column].name,
					s->source->argument, (long long) row),
			 errhint("Leave such rows out: ... WHERE %s IS NOT NULL.",
					 quote_identifier(s->found[column].name))));
}

/* The ids of a row, for messages. */
static char *
row_ids(const row_sink *s, const rk_batch *batch, int i)
{
	char	   *first = rk_vector_text(&batch->columns[0], s->kinds[0], s->found[0].type, i);

	if (s->id_columns == 1)
		return psprintf("%s %s", s->found[0].name, first);
	return psprintf("%s %s, %s %s", s->found[0].name, first, s->found[1].name,
					rk_vector_text(&batch->columns[1], s->kinds[1], s->found[1].type, i));
}

static void
bad_number(const row_sink *s, const rk_batch *batch, int i, const char *what)
{
	int			c = s->id_columns;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of \"%s\" is %s in row %lld", s->found[c].name,
					s->source->argument, what, (long long) (batch->first_row + i)),
			 errdetail("The row has %s, %s %g.", row_ids(s, batch, i), s->found[c].name,
					   batch->columns[c].floats[i])));
}

/* Appends the numbers of a batch after checking them. */
static void
take_numbers(row_sink *s, const rk_batch *batch)
{
	double	   *values = batch->columns[s->id_columns].floats;
	bool		finite = true;
	bool		negative = false;

	for (int i = 0; s->number_may_be_null && batch->columns[s->id_columns].any_null && i < batch->rows; i++)
		if (batch->columns[s->id_columns].nulls[i])
			values[i] = 0;
	for (int i = 0; i < batch->rows; i++)
	{
		/* x - x is 0 for finite x only */
		finite &= values[i] - values[i] == 0;
		negative |= values[i] < 0;
	}
	if (!finite || (negative && s->meaning == RK_WEIGHT_STRENGTH))
	{
		for (int i = 0; i < batch->rows; i++)
		{
			if (isnan(values[i]))
				bad_number(s, batch, i, "not a number");
			if (isinf(values[i]))
				bad_number(s, batch, i, "infinite");
			if (values[i] < 0 && s->meaning == RK_WEIGHT_STRENGTH)
				bad_number(s, batch, i, "negative");
		}
	}
	s->negative |= negative;
	if (s->count + batch->rows > s->capacity)
	{
		s->capacity = Max(s->capacity * 2, s->count + batch->rows);
		s->numbers = rk_realloc(&s->call->ctx, s->numbers, s->capacity, sizeof(double));
		if (s->numbers == NULL)
			rk_call_check(s->call, RK_ERR_MEMORY);
	}
	memcpy(s->numbers + s->count, values, sizeof(double) * batch->rows);
	for (int i = 0; s->number_may_be_null && batch->columns[s->id_columns].any_null && i < batch->rows; i++)
		if (batch->columns[s->id_columns].nulls[i])
			s->numbers[s->count + i] = NAN;
}

static void
take_batch(void *arg, const rk_batch *batch)
{
	row_sink   *s = arg;
	int			columns = s->id_columns + (s->has_number ? 1 : 0);

	for (int c = 0; c < columns; c++)
	{
		if (!batch->columns[c].any_null || (c == s->id_columns && s->number_may_be_null))
			continue;
		for (int i = 0; i < batch->rows; i++)
			if (batch->columns[c].nulls[i])
				null_value(s, c, batch->first_row + i);
	}
	if (s->has_number)
		take_numbers(s, batch);
	for (int c = 0; c < s->id_columns; c++)
		rk_ids_append(s->ids, s->columns[c], &batch->columns[c], batch->rows);
	s->count += batch->rows;
}

/* Progress and cancellation while rows come in. */
static void
note_rows(void *arg, int64 rows)
{
	rk_call    *call = arg;

	CHECK_FOR_INTERRUPTS();
	rk_progress(&call->ctx, rows);
}

/* ids of one relation must be of the type of the ids before it */
static void
check_same_ids(const rk_source *source, const rk_found_column *found, Oid type)
{
	if (rk_id_storage_type(found->type) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" has type %s, but the ids before it are of type %s",
						found->name, source->argument, format_type_be(found->type),
						format_type_be(type)),
				 errhint("Cast it in a query: %s::%s.", quote_identifier(found->name),
						 format_type_be(type))));
}

/*
 * Runs source into sink: found tells where its id columns and its number
 * are.
 */
static void
run_source(rk_call *call, rk_source *source, row_sink *sink)
{
	rk_read_column columns[3];
	int			count = 0;

	for (int c = 0; c < sink->id_columns; c++)
	{
		sink->kinds[c] = rk_read_kind_of_id(sink->found[c].type);
		columns[count++] = (rk_read_column) {sink->found[c].attno, sink->found[c].type, sink->kinds[c]};
	}
	if (sink->has_number)
		columns[count++] = (rk_read_column) {sink->found[sink->id_columns].attno,
			sink->found[sink->id_columns].type, RK_READ_FLOAT8};
	rk_call_phase(call, "reading", (int64) source->rows);
	call->rows_in += rk_read(source, columns, count, take_batch, sink, note_rows, call);
}

/* How many rows to make room for: the estimate, but not beyond all measure. */
static int64
expected_rows(const rk_source *source)
{
	return (int64) Min(source->rows, 1e9);
}

/* ---- edges ---- */

/* The parameter that the edges came in, for messages. */
static const char *
edges_name(const rk_call *call)
{
	return call->graph_form ? "graph" : "edges";
}

/* Whether weights are used: the parameter "weighted" and what is there. */
static bool
use_weights(rk_call *call, bool has_param, bool there, rk_weight_meaning meaning)
{
	if (meaning == RK_WEIGHT_NONE)
		return false;
	if (!has_param || rk_arg_is_null(call, "weighted"))
		return there;
	if (!rk_arg_boolean(call, "weighted"))
		return false;
	if (!there && call->graph_form)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the graph has no weights, but \"weighted\" is true"),
				 errhint("Build it with rk.graph_agg(source, target, weight).")));
	if (!there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"weight\" of \"edges\" is missing, but \"weighted\" is true"),
				 errhint("Give the weight a name in a query: edges => '%s'.",
						 call->function->params[0].relation->example)));
	return true;
}

static bool
has_param(const rk_call *call, const char *name)
{
	for (int i = 0; call->function->params[i].name != NULL; i++)
		if (strcmp(call->function->params[i].name, name) == 0)
			return true;
	return false;
}

static char *
node_text(void *arg, int64 node)
{
	return rk_ids_text(arg, node);
}

/* The one graph value that a source yields. */
typedef struct graph_sink
{
	rk_call    *call;
	Datum		value;
	int64		rows;
} graph_sink;

static void
take_graph(void *arg, const rk_batch *batch)
{
	graph_sink *s = arg;

	for (int i = 0; i < batch->rows; i++)
	{
		if (batch->columns[0].any_null && batch->columns[0].nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("graph given as \"edges\" is NULL")));
		if (s->rows++ == 0)
		{
			MemoryContext old = MemoryContextSwitchTo(s->call->memory);

			s->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(batch->columns[0].datums[i]));
			MemoryContextSwitchTo(old);
		}
	}
}

/* The one value of type rk.graph that a source yields. */
static Datum
run_graph_source(rk_call *call, rk_source *source)
{
	graph_sink	sink = {.call = call};
	rk_read_column column = {1, rk_graph_type(), RK_READ_DATUM};

	rk_call_phase(call, "reading", 1);
	rk_read(source, &column, 1, take_graph, &sink, NULL, NULL);
	if (sink.rows != 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("query given as \"edges\" returned %lld graphs instead of one", (long long) sink.rows),
				 errhint("Choose one row, or join several with rk.graph_agg.")));
	return sink.value;
}

/* Opens an item of a context: nothing is read, numbered or copied. */
static void
open_context(rk_call *call, rk_weight_meaning meaning, rk_graph_input *input)
{
	const rk_graph_header *h;

	h = input->context->view.header;
	rk_set_id_type(call, h->id_type);
	input->ids = rk_ids_of_view(call, &input->context->view);
	input->edges.nodes = h->nodes;
	input->edges.count = h->arcs;
	call->rows_in += h->arcs;
	if (!use_weights(call, has_param(call, "weighted"), h->weighted, meaning))
		return;
	input->edges.weight = input->context->view.weights;
	input->weights_of_value = true;
	input->negative = input->context->negative;
	if (input->negative && meaning == RK_WEIGHT_STRENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a weight of the graph given as \"edges\" is negative")));
}

/*
 * Opens a value of type rk.graph, which is not toasted, and adds its nodes.
 * Returns whether its weights are used.
 */
static bool
open_graph_value(rk_call *call, Datum datum, rk_weight_meaning meaning,
				 rk_graph_input *input, rk_id_column **nodes, rk_graph_view *view)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);
	bool		weighted;

	*view = rk_graph_value_open(call, value);
	call->rows_in += view->header->arcs;
	rk_set_id_type(call, view->header->id_type);
	*nodes = rk_graph_value_ids(call, datum, &input->ids);
	weighted = use_weights(call, has_param(call, "weighted"), view->weights != NULL, meaning);
	if (weighted)
	{
		for (int64 i = 0; i < view->header->arcs; i++)
			input->negative |= view->weights[i] < 0;
		if (input->negative && meaning == RK_WEIGHT_STRENGTH)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a weight of the graph given as \"%s\" is negative", edges_name(call))));
	}
	return weighted;
}

/*
 * The edges of a graph value.  nodes holds the numbers that its nodes have
 * now; NULL: those that they had.
 */
static void
expand_graph_value(rk_call *call, const rk_graph_view *view, const rk_id_column *nodes,
				   bool weighted, rk_graph_input *input)
{
	int64		arcs = view->header->arcs;
	uint32	   *source = rk_call_alloc(call, arcs, uint32);
	uint32	   *target = rk_call_alloc(call, arcs, uint32);

	for (int64 u = 0; u < view->header->nodes; u++)
	{
		if ((u & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		for (int64 i = view->offsets[u]; i < view->offsets[u + 1]; i++)
		{
			source[i] = nodes ? nodes->codes[u] : u;
			target[i] = nodes ? nodes->codes[view->neighbors[i]] : view->neighbors[i];
		}
	}
	input->edges.count = arcs;
	input->edges.source = source;
	input->edges.target = target;
	input->edges.weight = weighted ? view->weights : NULL;
	input->weights_of_value = true;
}

/* Fills in the numbers of nodes that have one. */
static void
set_node_values(rk_call *call, rk_graph_input *input, const row_sink *sink)
{
	const uint32_t *codes = sink->columns[0]->codes;

	input->node_values = rk_call_alloc(call, input->edges.nodes, double);
	for (int64 v = 0; v < input->edges.nodes; v++)
		input->node_values[v] = NAN;
	for (int64 i = 0; i < sink->count; i++)
	{
		double	   *value = &input->node_values[codes[i]];

		if (isnan(sink->numbers[i]))
			continue;
		if (!isnan(*value) && *value != sink->numbers[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %s has two values in column \"%s\" of \"nodes\": %g and %g",
							rk_ids_text(input->ids, codes[i]), sink->found[1].name, *value, sink->numbers[i])));
		*value = sink->numbers[i];
	}
	rk_free(&call->ctx, sink->numbers);
}

void
rk_refuse_edges(rk_call *call)
{
	rk_source  *edges;
	rk_estimate estimate;

	if (call->graph_form || rk_arg_is_null(call, "edges") || rk_is_context_name(rk_arg_text(call, "edges")))
		return;
	edges = rk_source_open("edges", rk_arg_text(call, "edges"),
						   call->function->params[rk_param_index(call, "edges")].relation,
						   call->expected_id_type);
	if (rk_source_is_graph(edges))
		return;
	estimate = rk_estimate_source(edges);
	rk_refuse_memory(call, &estimate);
}

rk_graph_input *
rk_read_graph(rk_call *call, rk_weight_meaning meaning)
{
	rk_graph_input *input = palloc0(sizeof(rk_graph_input));
	rk_source  *edges = NULL;
	rk_source  *nodes = NULL;
	rk_found_column found[3];
	rk_found_column node_found[2] = {{0}};
	rk_graph_view view = {0};
	rk_id_column *view_nodes = NULL;
	row_sink	sink = {.call = call,.source = NULL,.found = found,.id_columns = 2,.meaning = meaning};
	row_sink	node_sink = {.call = call,.found = node_found,.id_columns = 1,.number_may_be_null = true,
	.meaning = RK_WEIGHT_LENGTH};
	bool		weighted;

	if (!call->graph_form && rk_arg_is_null(call, "edges"))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"edges\" must not be NULL"),
				 errhint("A query of this form works: edges => '%s'.",
						 call->function->params[0].relation->example)));
	rk_call_phase(call, "planning", 0);
	if (!call->graph_form && rk_is_context_name(rk_arg_text(call, "edges")))
	{
		input->context = rk_context_open(call, "edges", rk_arg_text(call, "edges"));
		if (!has_param(call, "nodes") || rk_arg_is_null(call, "nodes"))
		{
			open_context(call, meaning, input);
			rk_call_node_names(call, node_text, input->ids);
			rk_call_phase(call, "building", call->rows_in);
			return input;
		}
	}
	else if (!call->graph_form)
		edges = rk_source_open("edges", rk_arg_text(call, "edges"),
							   call->function->params[rk_param_index(call, "edges")].relation,
							   call->expected_id_type);
	if (has_param(call, "nodes") && !rk_arg_is_null(call, "nodes"))
	{
		nodes = rk_source_open("nodes", rk_arg_text(call, "nodes"),
							   call->function->params[rk_param_index(call, "nodes")].relation,
							   call->expected_id_type);
		rk_source_columns(nodes, node_found);
	}

	if (call->graph_form || edges == NULL || rk_source_is_graph(edges))
	{
		Datum		value = call->graph_form ? PointerGetDatum(PG_DETOAST_DATUM(call->graph)) :
			edges ? run_graph_source(call, edges) :
			PointerGetDatum(input->context->view.header);

		/* more nodes change the numbers: the item is then a value like any other */
		input->context = NULL;

		weighted = open_graph_value(call, value, meaning, input, &view_nodes, &view);
	}
	else
	{
		rk_estimate estimate = rk_estimate_source(edges);

		rk_source_columns(edges, found);
		rk_set_id_type(call, found[0].type);
		rk_refuse_memory(call, &estimate);
		check_same_ids(edges, &found[1], call->id_type);
		weighted = use_weights(call, has_param(call, "weighted"), found[2].attno > 0, meaning);
		input->ids = rk_ids_create(call, call->id_type);
		sink.source = edges;
		sink.ids = input->ids;
		sink.has_number = weighted;
		for (int c = 0; c < 2; c++)
			sink.columns[c] = rk_ids_column(input->ids, expected_rows(edges));
		if (weighted)
		{
			sink.capacity = expected_rows(edges) + expected_rows(edges) / 16 + 1024;
			sink.numbers = rk_call_alloc(call, sink.capacity, double);
		}
		run_source(call, edges, &sink);
		input->negative = sink.negative;
	}
	if (nodes)
	{
		node_sink.source = nodes;
		node_sink.ids = input->ids;
		node_sink.has_number = node_found[1].attno > 0;
		check_same_ids(nodes, &node_found[0], call->id_type);
		node_sink.columns[0] = rk_ids_column(input->ids, expected_rows(nodes));
		run_source(call, nodes, &node_sink);
	}

	rk_call_phase(call, "relabelling", call->rows_in);
	rk_ids_finish(input->ids);
	input->edges.nodes = rk_ids_count(input->ids);
	if (view_nodes)
		expand_graph_value(call, &view, view_nodes, weighted, input);
	else
	{
		input->edges.count = sink.count;
		input->edges.source = sink.columns[0]->codes;
		input->edges.target = sink.columns[1]->codes;
		input->edges.weight = sink.numbers;
	}
	rk_call_node_names(call, node_text, input->ids);
	if (node_sink.has_number)
		set_node_values(call, input, &node_sink);
	rk_call_phase(call, "building", call->rows_in);
	return input;
}

const rk_edges *
rk_input_edges(rk_call *call, rk_graph_input *input)
{
	if (input->context && input->edges.source == NULL)
		expand_graph_value(call, &input->context->view, NULL, input->edges.weight != NULL, input);
	return &input->edges;
}

rk_graph_size
rk_input_size(const rk_call *call, const rk_graph_input *input, bool directed)
{
	rk_graph_size size = {
		.nodes = input->edges.nodes,
		.arcs = input->edges.count * (directed ? 1 : 2),
		.weighted = input->edges.weight != NULL,
		.threads = call->ctx.threads,
		.kept = input->context != NULL
	};
	rk_graph_options any = {0};
	uint32		database;
	uint32		key;

	if (input->context)
		rk_context_identify(input->context->slot, &any, size.weighted, &size.item, &size.loaded_at, &database, &key);
	return size;
}

void
rk_free_edges(rk_call *call, rk_graph_input *input)
{
	rk_free(&call->ctx, (void *) input->edges.source);
	rk_free(&call->ctx, (void *) input->edges.target);
	if (input->edges.weight && !input->weights_of_value)
		rk_free(&call->ctx, (void *) input->edges.weight);
	input->edges.source = input->edges.target = NULL;
	input->edges.weight = NULL;
}

void
rk_build_graph(rk_call *call, rk_graph_input *input, const rk_graph_options *options, rk_graph *g)
{
	bool		weighted = input->edges.weight != NULL;

	if (input->context == NULL ||
		!rk_context_find_graph(input->context->slot, options, weighted, g))
	{
		rk_graph	made;

		rk_call_check(call, rk_graph_build(&call->ctx, rk_input_edges(call, input), options, g));
		made = *g;
		if (input->context &&
			rk_context_keep_graph(input->context->slot, options, weighted,
								  input->context->max_working_set, g))
			rk_graph_free(&call->ctx, &made);
	}
	rk_free_edges(call, input);
	rk_refuse_kernel(call, g);
	rk_call_phase(call, "computing", 0);
}

/* ---- relations keyed by nodes of the graph ---- */

static void
unknown_node(const char *argument, const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("node %s named in \"%s\" is not in the graph", id, argument),
			 errhint("Nodes are the sources and targets of \"edges\" and, where there is such a parameter, \"nodes\".")));
}

typedef struct lookup_sink
{
	row_sink	rows;			/* first: shares the checks */
	const rk_graph_input *input;
	double	   *values;			/* by node, or NULL */
	uint32	   *codes[2];
} lookup_sink;

static void
take_lookups(void *arg, const rk_batch *batch)
{
	lookup_sink *s = arg;
	int			columns = s->rows.id_columns + (s->rows.has_number ? 1 : 0);

	for (int c = 0; c < columns; c++)
	{
		if (!batch->columns[c].any_null)
			continue;
		for (int i = 0; i < batch->rows; i++)
			if (batch->columns[c].nulls[i])
				null_value(&s->rows, c, batch->first_row + i);
	}
	if (s->rows.has_number)
		take_numbers(&s->rows, batch);
	else if (s->rows.count + batch->rows > s->rows.capacity)
	{
		s->rows.capacity = Max(s->rows.capacity * 2, s->rows.count + batch->rows);
		for (int c = 0; c < 2; c++)
		{
			s->codes[c] = rk_realloc(&s->rows.call->ctx, s->codes[c], s->rows.capacity, sizeof(uint32));
			if (s->codes[c] == NULL)
				rk_call_check(s->rows.call, RK_ERR_MEMORY);
		}
	}
	for (int i = 0; i < batch->rows; i++)
	{
		for (int c = 0; c < s->rows.id_columns; c++)
		{
			int64		node = rk_ids_find(s->input->ids, &batch->columns[c], i);

			if (node < 0)
				unknown_node(s->rows.source->argument,
							 rk_vector_text(&batch->columns[c], s->rows.kinds[c], s->rows.found[c].type, i));
			if (s->values)
				s->values[node] += batch->columns[s->rows.id_columns].floats[i];
			else
				s->codes[c][s->rows.count + i] = node;
		}
	}
	s->rows.count += batch->rows;
}

/* Opens the relation given as param and runs it into sink. */
static void
run_lookup(rk_call *call, const char *param, lookup_sink *sink, int id_columns, bool has_number)
{
	const rk_relation *relation = call->function->params[rk_param_index(call, param)].relation;
	rk_source  *source = rk_source_open(param, rk_arg_text(call, param), relation, call->id_type);
	rk_found_column *found = palloc0(sizeof(rk_found_column) * 8);
	rk_read_column columns[3];

	rk_source_columns(source, found);
	sink->rows.call = call;
	sink->rows.source = source;
	sink->rows.found = found;
	sink->rows.id_columns = id_columns;
	sink->rows.has_number = has_number;
	sink->rows.meaning = RK_WEIGHT_STRENGTH;
	for (int c = 0; c < id_columns; c++)
	{
		check_same_ids(source, &found[c], call->id_type);
		sink->rows.kinds[c] = rk_read_kind_of_id(found[c].type);
		columns[c] = (rk_read_column) {found[c].attno, found[c].type, sink->rows.kinds[c]};
	}
	if (has_number)
		columns[id_columns] = (rk_read_column) {found[id_columns].attno, found[id_columns].type, RK_READ_FLOAT8};
	rk_call_phase(call, "reading", (int64) source->rows);
	call->rows_in += rk_read(source, columns, id_columns + (has_number ? 1 : 0), take_lookups,
							 sink, note_rows, call);
}

double *
rk_read_node_values(rk_call *call, const char *param, const rk_graph_input *input)
{
	lookup_sink sink = {.input = input};
	int64		nodes = rk_ids_count(input->ids);

	if (rk_arg_is_null(call, param))
		return NULL;
	sink.values = rk_call_alloc(call, nodes, double);
	memset(sink.values, 0, sizeof(double) * nodes);
	run_lookup(call, param, &sink, 1, true);
	return sink.values;
}

void
rk_read_pairs(rk_call *call, const char *param, const rk_graph_input *input,
			  uint32 **a, uint32 **b, int64 *count)
{
	lookup_sink sink = {.input = input};

	run_lookup(call, param, &sink, 2, false);
	*a = sink.codes[0];
	*b = sink.codes[1];
	*count = sink.rows.count;
}

uint32
rk_arg_node(rk_call *call, const char *param, const rk_graph_input *input)
{
	int			i = rk_param_index(call, param);
	Datum		value = call->args[i];
	Oid			type = call->arg_types[i];
	int64		node;

	if (call->nulls[i])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be NULL", param)));
	/* rk.execute gives the value as text, to be read as an id of the data */
	if (type == UNKNOWNOID)
	{
		Oid			input_function;
		Oid			io_param;

		getTypeInputInfo(call->id_type, &input_function, &io_param);
		value = OidInputFunctionCall(input_function, TextDatumGetCString(value), io_param, -1);
		type = call->id_type;
	}
	/* where ids come back this was checked before; not where they do not */
	if (rk_id_storage_type(type) != call->id_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("parameter \"%s\" is of type %s, but ids are of type %s", param,
						format_type_be(type), format_type_be(call->id_type)),
				 errhint("Cast it: %s => ...::%s.", param, format_type_be(call->id_type))));
	if (type == INT4OID)
		value = Int64GetDatum(DatumGetInt32(value));
	else if (type == INT2OID)
		value = Int64GetDatum(DatumGetInt16(value));
	else if (type == NAMEOID)
		value = PointerGetDatum(cstring_to_text(NameStr(*DatumGetName(value))));
	else if (type == BPCHAROID)
		value = DirectFunctionCall1(rtrim1, value);	/* blanks at the end are no part of it */
	node = rk_ids_find_datum(input->ids, value);
	if (node < 0)
	{
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(call->id_type, &output, &is_varlena);
		unknown_node(param, OidOutputFunctionCall(output, value));
	}
	return node;
}

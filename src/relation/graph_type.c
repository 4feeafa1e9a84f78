/*
 * graph_type.c
 *	  The type rk.graph: input, output, the aggregate that builds it, and its
 *	  use as edges.
 *
 * A value is the block of compute/graph_bytes.c.  Its text form is JSON,
 *	  {"id_type": "bigint", "weighted": false, "nodes": ["7", "9"], "edges": [[0, 1]]}
 * with ids in the text form of their type and edges as positions in nodes; its
 * binary form names the type instead of carrying its number.  Both are what a
 * dump holds.
 *
 * The state of the aggregate is an rk_call without kernel (a memory context
 * with an rk_ctx in it), id columns and weights.  Serialised it is a finished
 * graph.  Combining keeps those as they are; in the end their nodes are numbered
 * with all others, and their edges need no look-up.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "../compat.h"
#include "../compute/graph_bytes.h"
#include "graph_input.h"
#include "stored_ids.h"

#define ID_BATCH 64			/* ids that are numbered at a time */

/* ---- values ---- */

rk_graph_view
rk_graph_value_open(rk_call *call, struct varlena *value)
{
	rk_graph_view view;

	rk_call_check(call, rk_graph_bytes_open(&call->ctx, value, VARSIZE(value), &view));
	/* a type can be dropped although there are graphs with ids of it */
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(view.header->id_type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid graph value"),
				 errdetail("The type of its ids, with OID %u, does not exist.", view.header->id_type)));
	if (!rk_is_id_type(view.header->id_type) ||
		rk_id_width(view.header->id_type) != view.header->id_width)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid graph value"),
				 errdetail("Its ids are not of a type that ids can have.")));
	return view;
}

/* Appends the ids of a view to a column, in order. */
static void
append_ids(rk_ids *ids, rk_id_column *column, const rk_graph_view *view)
{
	Oid			type = view->header->id_type;
	int64		ints[ID_BATCH];
	rk_bytes	bytes[ID_BATCH];
	Datum		datums[ID_BATCH];
	rk_vector	vector = {.ints = ints,.bytes = bytes,.datums = datums};

	for (int64 u = 0; u < view->header->nodes; u += ID_BATCH)
	{
		int			batch = Min(view->header->nodes - u, ID_BATCH);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < batch; i++)
		{
			rk_one_id	id = {0};

			rk_stored_id(rk_graph_bytes_id(view, u + i), type, &id);
			ints[i] = id.as_int;
			bytes[i] = id.as_bytes;
			datums[i] = id.as_datum;
		}
		rk_ids_append(ids, column, &vector, batch);
	}
}

rk_id_column *
rk_graph_value_ids(rk_call *call, Datum value, rk_ids **ids)
{
	rk_graph_view view = rk_graph_value_open(call, (struct varlena *) DatumGetPointer(value));
	rk_id_column *column;

	*ids = rk_ids_create(call, view.header->id_type);
	column = rk_ids_column(*ids, view.header->nodes);
	append_ids(*ids, column, &view);
	return column;
}

/* ---- writing a value ---- */

/* Room for a value in the current context. */
static void *
palloc_place(void *arg, int64 size)
{
	return palloc_extended(size, MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
}

struct varlena *
rk_graph_value(rk_call *call, const rk_ids *ids, const rk_edges *edges,
			   void *(*place) (void *arg, int64 size), void *arg)
{
	rk_graph	g;
	rk_graph_options options = {.directed = true,.want_out = true,.parallel = RK_EDGES_KEEP};
	rk_graph_view view;
	Oid			type = rk_ids_type(ids);
	uint32		width = rk_id_width(type);
	int64		id_bytes = 0;
	int64		size;
	int64		at = 0;
	char	   *block;
	MemoryContext scratch;
	MemoryContext outer;

	rk_call_check(call, rk_graph_build(&call->ctx, edges, &options, &g));
	scratch = AllocSetContextCreate(CurrentMemoryContext, "rk graph ids", ALLOCSET_DEFAULT_SIZES);
	outer = MemoryContextSwitchTo(scratch);
	for (int64 u = 0; width == 0 && u < g.nodes; u++)
	{
		Datum		buffer;

		id_bytes += rk_bytes_of_id(ids, u, type, &buffer).length;
		if ((u & 0xfff) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(scratch);
		}
	}
	size = rk_graph_bytes_size(g.nodes, g.arcs, edges->weight != NULL, width, id_bytes);
	if (size < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("graph of %lld nodes and %lld edges is larger than a value can be (1 GB)",
						(long long) g.nodes, (long long) g.arcs),
				 errhint("Give the edges as a query to the kernel instead.")));
	MemoryContextSwitchTo(outer);
	block = place(arg, size);
	MemoryContextSwitchTo(scratch);
	SET_VARSIZE(block, size);
	view = rk_graph_bytes_format(block, type, width, g.nodes, g.arcs, edges->weight != NULL, id_bytes);
	for (int64 u = 0; u < g.nodes; u++)
	{
		Datum		buffer;
		rk_bytes	bytes = rk_bytes_of_id(ids, u, type, &buffer);

		if (width > 0)
			memcpy((char *) view.ids + u * width, bytes.data, width);
		else
		{
			((uint64 *) view.id_offsets)[u] = at;
			memcpy((char *) view.ids + at, bytes.data, bytes.length);
			at += bytes.length;
		}
		if ((u & 0xfff) == 0xfff)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(scratch);
		}
	}
	if (width == 0)
		((uint64 *) view.id_offsets)[g.nodes] = at;
	memcpy((void *) view.offsets, g.out.offsets, sizeof(int64) * (g.nodes + 1));
	memcpy((void *) view.neighbors, g.out.neighbors, sizeof(uint32) * g.arcs);
	if (view.weights && g.arcs > 0)
		memcpy((void *) view.weights, g.out.weights, sizeof(double) * g.arcs);
	rk_graph_free(&call->ctx, &g);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(scratch);
	return (struct varlena *) block;
}

/* ---- building values ---- */

/* A finished graph that becomes part of another. */
typedef struct graph_part
{
	rk_graph_view view;
	int64		first;			/* of its nodes in the column isolated */
} graph_part;

/* A graph under construction: the state of the aggregate. */
typedef struct graph_builder
{
	rk_call    *call;
	rk_ids	   *ids;
	rk_id_column *source;
	rk_id_column *target;
	rk_id_column *isolated;		/* nodes that need no edge */
	Oid			given[2];		/* types of the aggregate's arguments, no domains */
	int64		ints[2][ID_BATCH];	/* edges with integer ids, until they are a batch */
	int			waiting;
	double	   *weights;
	int64		weight_capacity;
	bool		weighted;
	graph_part *parts;			/* of other processes: their edges stay as they are */
	int			part_count;
	int			part_capacity;
} graph_builder;

static graph_builder *
builder_create(Oid id_type, bool weighted)
{
	rk_call    *call = rk_call_create(NULL, NULL);
	graph_builder *b = MemoryContextAllocZero(call->memory, sizeof(graph_builder));

	b->call = call;
	b->ids = rk_ids_create(call, id_type);
	b->source = rk_ids_column(b->ids, 1024);
	b->target = rk_ids_column(b->ids, 1024);
	b->isolated = rk_ids_column(b->ids, 0);
	b->weighted = weighted;
	/* a graph without edges is weighted all the same */
	if (weighted)
	{
		b->weight_capacity = 1024;
		b->weights = rk_call_alloc(call, b->weight_capacity, double);
	}
	return b;
}

static void
builder_add_weight(graph_builder *b, double weight)
{
	int64		at = b->source->count + b->waiting;

	if (at >= b->weight_capacity)
	{
		b->weight_capacity = Max(1024, at * 2);
		b->weights = rk_realloc(&b->call->ctx, b->weights, b->weight_capacity, sizeof(double));
		if (b->weights == NULL)
			rk_call_check(b->call, RK_ERR_MEMORY);
	}
	b->weights[at] = weight;
}

/* Hands over the edges that wait. */
static void
builder_flush(graph_builder *b)
{
	int			waiting = b->waiting;

	b->waiting = 0;
	rk_ids_append(b->ids, b->source, &(rk_vector) {.ints = b->ints[0]}, waiting);
	rk_ids_append(b->ids, b->target, &(rk_vector) {.ints = b->ints[1]}, waiting);
}

static void
builder_add_edge(graph_builder *b, const rk_one_id *source, const rk_one_id *target)
{
	if (rk_read_kind_of_id(rk_ids_type(b->ids)) != RK_READ_INT64)
	{
		rk_ids_append(b->ids, b->source, &source->vector, 1);
		rk_ids_append(b->ids, b->target, &target->vector, 1);
		return;
	}
	b->ints[0][b->waiting] = source->as_int;
	b->ints[1][b->waiting] = target->as_int;
	if (++b->waiting == ID_BATCH)
		builder_flush(b);
}

/* Adds a finished graph, of which a copy is made. */
static void
builder_add_graph(graph_builder *b, const struct varlena *value)
{
	char	   *copy = rk_call_alloc(b->call, VARSIZE(value), char);

	memcpy(copy, value, VARSIZE(value));
	if (b->part_count == b->part_capacity)
	{
		b->part_capacity = Max(4, b->part_capacity * 2);
		b->parts = rk_realloc(&b->call->ctx, b->parts, b->part_capacity, sizeof(graph_part));
		if (b->parts == NULL)
			rk_call_check(b->call, RK_ERR_MEMORY);
	}
	b->parts[b->part_count++].view = rk_graph_bytes_view(copy);
}

/* The edges of the builder and of all its parts, in the numbers of all ids. */
static rk_edges
builder_edges(graph_builder *b)
{
	rk_call    *call = b->call;
	int64		count = b->source->count;
	uint32	   *source = b->source->codes;
	uint32	   *target = b->target->codes;
	double	   *weight = b->weights;

	for (int p = 0; p < b->part_count; p++)
		count += b->parts[p].view.header->arcs;
	if (b->part_count > 0)
	{
		int64		at = b->source->count;

		source = rk_call_alloc(call, count, uint32);
		target = rk_call_alloc(call, count, uint32);
		memcpy(source, b->source->codes, sizeof(uint32) * at);
		memcpy(target, b->target->codes, sizeof(uint32) * at);
		if (b->weighted)
		{
			weight = rk_call_alloc(call, count, double);
			memcpy(weight, b->weights, sizeof(double) * at);
		}
		for (int p = 0; p < b->part_count; p++)
		{
			const rk_graph_view *v = &b->parts[p].view;
			const uint32 *number = b->isolated->codes + b->parts[p].first;

			if (b->weighted)
				memcpy(weight + at, v->weights, sizeof(double) * v->header->arcs);
			for (int64 u = 0; u < v->header->nodes; u++)
			{
				if ((u & 0xfff) == 0)
					CHECK_FOR_INTERRUPTS();
				for (int64 i = v->offsets[u]; i < v->offsets[u + 1]; i++, at++)
				{
					source[at] = number[u];
					target[at] = number[v->neighbors[i]];
				}
			}
		}
	}
	return (rk_edges) {
		.nodes = rk_ids_count(b->ids),
		.count = count,
		.source = source,
		.target = target,
		.weight = b->weighted ? weight : NULL
	};
}

/* The finished value, allocated in the current context. */
static struct varlena *
builder_value(graph_builder *b)
{
	rk_edges	edges;

	builder_flush(b);
	for (int p = 0; p < b->part_count; p++)
	{
		b->parts[p].first = b->isolated->count;
		append_ids(b->ids, b->isolated, &b->parts[p].view);
	}
	rk_ids_finish(b->ids);
	edges = builder_edges(b);
	return rk_graph_value(b->call, b->ids, &edges, palloc_place, NULL);
}

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(rk_graph_agg_transition);
PG_FUNCTION_INFO_V1(rk_graph_agg_combine);
PG_FUNCTION_INFO_V1(rk_graph_agg_serialize);
PG_FUNCTION_INFO_V1(rk_graph_agg_deserialize);
PG_FUNCTION_INFO_V1(rk_graph_agg_final);

/* Where the state of an aggregate lives. */
static MemoryContext
aggregate_memory(FunctionCallInfo fcinfo)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return memory;
}

/* An argument of the aggregate as a vector of one id of the stored type. */
static void
argument_id(FunctionCallInfo fcinfo, int arg, Oid given, Oid type, rk_one_id *id)
{
	Datum		value = PG_GETARG_DATUM(arg);

	id->vector = (rk_vector) {.ints = &id->as_int,.bytes = &id->as_bytes,.datums = &id->as_datum};
	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			id->as_int = given == INT2OID ? DatumGetInt16(value) :
				given == INT4OID ? DatumGetInt32(value) :
				given == DATEOID ? DatumGetDateADT(value) : DatumGetInt64(value);
			break;
		case RK_READ_BYTES:
			if (given == UUIDOID)
				id->as_bytes = (rk_bytes) {(char *) DatumGetUUIDP(value)->data, UUID_LEN};
			else if (given == NAMEOID)
				id->as_bytes = (rk_bytes) {NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value)))};
			else
			{
				struct varlena *t = PG_DETOAST_DATUM_PACKED(value);

				id->as_bytes = (rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
				if (given == BPCHAROID)
					while (id->as_bytes.length > 0 && id->as_bytes.data[id->as_bytes.length - 1] == ' ')
						id->as_bytes.length--;
			}
			break;
		default:
			id->as_datum = get_typlen(type) == -1 ? PointerGetDatum(PG_DETOAST_DATUM(value)) : value;
			break;
	}
}

Datum
rk_graph_agg_transition(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	graph_builder *b = PG_ARGISNULL(0) ? NULL : (graph_builder *) PG_GETARG_POINTER(0);
	bool		weighted = PG_NARGS() == 4;
	rk_one_id		source;
	rk_one_id		target;
	double		weight = 1;

	if (b == NULL)
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
		MemoryContext old = MemoryContextSwitchTo(memory);

		if (!rk_is_id_type(type))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("values of type %s cannot be ids", format_type_be(type)),
					 errhint("An id may be of any type that can be hashed and sorted.")));
		b = builder_create(rk_id_storage_type(type), weighted);
		for (int i = 0; i < 2; i++)
			b->given[i] = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, i + 1));
		MemoryContextSwitchTo(old);
	}
	if (PG_ARGISNULL(1))
	{
		if (!PG_ARGISNULL(2))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("source of an edge is NULL where its target is not"),
					 errhint("A node without edges is given as source, with a NULL target.")));
		PG_RETURN_POINTER(b);
	}
	argument_id(fcinfo, 1, b->given[0], rk_ids_type(b->ids), &source);
	if (PG_ARGISNULL(2))
	{
		rk_ids_append(b->ids, b->isolated, &source.vector, 1);
		PG_RETURN_POINTER(b);
	}
	argument_id(fcinfo, 2, b->given[1], rk_ids_type(b->ids), &target);
	if (weighted)
	{
		if (PG_ARGISNULL(3))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("weight of an edge is NULL")));
		weight = PG_GETARG_FLOAT8(3);
		if (!isfinite(weight))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weight of an edge is %s", isnan(weight) ? "not a number" : "infinite")));
		builder_add_weight(b, weight);
	}
	builder_add_edge(b, &source, &target);
	PG_RETURN_POINTER(b);
}

Datum
rk_graph_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	graph_builder *a = PG_ARGISNULL(0) ? NULL : (graph_builder *) PG_GETARG_POINTER(0);
	graph_builder *b = PG_ARGISNULL(1) ? NULL : (graph_builder *) PG_GETARG_POINTER(1);

	if (b == NULL)
	{
		if (a == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(a);
	}
	if (a == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(memory);

		a = builder_create(rk_ids_type(b->ids), b->weighted);
		MemoryContextSwitchTo(old);
	}
	if (b->source->count + b->waiting + b->isolated->count > 0)
	{
		struct varlena *value = builder_value(b);

		builder_add_graph(a, value);
		pfree(value);
	}
	else
		for (int p = 0; p < b->part_count; p++)
			builder_add_graph(a, (const struct varlena *) b->parts[p].view.header);
	PG_RETURN_POINTER(a);
}

Datum
rk_graph_agg_serialize(PG_FUNCTION_ARGS)
{
	graph_builder *b = (graph_builder *) PG_GETARG_POINTER(0);

	(void) aggregate_memory(fcinfo);
	PG_RETURN_POINTER(builder_value(b));
}

/* A graph stays whole until the end: numbering its edges again would take longer than reading them. */
Datum
rk_graph_agg_deserialize(PG_FUNCTION_ARGS)
{
	struct varlena *bytes = PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	graph_builder *b;
	rk_graph_view view;
	rk_call    *check;

	(void) aggregate_memory(fcinfo);
	check = rk_call_create(NULL, NULL);
	view = rk_graph_value_open(check, bytes);
	b = builder_create(view.header->id_type, view.header->weighted);
	builder_add_graph(b, bytes);
	rk_call_destroy(check);
	PG_RETURN_POINTER(b);
}

Datum
rk_graph_agg_final(PG_FUNCTION_ARGS)
{
	graph_builder *b = PG_ARGISNULL(0) ? NULL : (graph_builder *) PG_GETARG_POINTER(0);
	struct varlena *value;

	(void) aggregate_memory(fcinfo);
	if (b == NULL)
		PG_RETURN_NULL();
	value = builder_value(b);
	PG_RETURN_POINTER(value);
}

/* ---- text ---- */

PG_FUNCTION_INFO_V1(rk_graph_in);
PG_FUNCTION_INFO_V1(rk_graph_out);

/* The id of a node in the text form of its type. */
static char *
id_text(const rk_graph_view *view, int64 node, FmgrInfo *output, Oid type)
{
	rk_one_id		id;
	Datum		value;

	rk_stored_id(rk_graph_bytes_id(view, node), type, &id);
	switch (rk_read_kind_of_id(type))
	{
		case RK_READ_INT64:
			value = type == DATEOID ? DateADTGetDatum((DateADT) id.as_int) : Int64GetDatum(id.as_int);
			break;
		case RK_READ_BYTES:
			if (type == UUIDOID)
				value = UUIDPGetDatum((pg_uuid_t *) id.as_bytes.data);
			else
				value = PointerGetDatum(cstring_to_text_with_len(id.as_bytes.data, id.as_bytes.length));
			break;
		default:
			value = id.as_datum;
			break;
	}
	return OutputFunctionCall(output, value);
}

Datum
rk_graph_out(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	rk_call    *call = rk_call_create(NULL, NULL);
	rk_graph_view view = rk_graph_value_open(call, value);
	Oid			type = view.header->id_type;
	Oid			output_function;
	bool		is_varlena;
	FmgrInfo	output;
	StringInfoData s;
	bool		first = true;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rk graph text",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	getTypeOutputInfo(type, &output_function, &is_varlena);
	fmgr_info(output_function, &output);
	initStringInfo(&s);
	appendStringInfoString(&s, "{\"id_type\": ");
	escape_json(&s, format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	appendStringInfo(&s, ", \"weighted\": %s, \"nodes\": [", view.weights ? "true" : "false");
	for (int64 u = 0; u < view.header->nodes; u++)
	{
		char	   *text;

		old = MemoryContextSwitchTo(scratch);
		text = id_text(&view, u, &output, type);
		MemoryContextSwitchTo(old);
		if (u > 0)
			appendStringInfoString(&s, ", ");
		escape_json(&s, text);
		if ((u & 0xfff) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(scratch);
		}
	}
	appendStringInfoString(&s, "], \"edges\": [");
	for (int64 u = 0; u < view.header->nodes; u++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int64 i = view.offsets[u]; i < view.offsets[u + 1]; i++)
		{
			appendStringInfo(&s, "%s[%lld, %u", first ? "" : ", ", (long long) u, view.neighbors[i]);
			if (view.weights)
			{
				char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

				/* the fewest digits that read back as the same bits */
				double_to_shortest_decimal_buf(view.weights[i], number);
				appendStringInfo(&s, ", %s", number);
			}
			appendStringInfoChar(&s, ']');
			first = false;
		}
	}
	appendStringInfoString(&s, "]}");
	MemoryContextDelete(scratch);
	rk_call_destroy(call);
	PG_RETURN_CSTRING(s.data);
}

/* State of the parser of the text form. */
typedef struct graph_parser
{
	int			depth;			/* of objects and arrays */
	enum
	{
		FIELD_NONE, FIELD_ID_TYPE, FIELD_WEIGHTED, FIELD_NODES, FIELD_EDGES
	}			field;
	Oid			id_type;
	bool		weighted;
	FmgrInfo	input;
	Oid			io_param;
	graph_builder *builder;
	rk_one_id	   *nodes;
	int64		node_count;
	int64		node_capacity;
	double		edge[3];
	int			edge_length;
} graph_parser;

static void
bad_graph_text(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type rk.graph"),
			 errdetail("%s", why),
			 errhint("The form is {\"id_type\": \"bigint\", \"weighted\": false, \"nodes\": [\"1\", \"2\"], \"edges\": [[0, 1]]}.")));
}

static RK_JSON_ACTION
parse_begin_object(void *state)
{
	graph_parser *p = state;

	if (p->depth++ > 0)
		bad_graph_text("There is an object inside the object.");
	RK_JSON_DONE;
}

static RK_JSON_ACTION
parse_end(void *state)
{
	((graph_parser *) state)->depth--;
	RK_JSON_DONE;
}

static RK_JSON_ACTION
parse_begin_array(void *state)
{
	graph_parser *p = state;

	CHECK_FOR_INTERRUPTS();
	p->depth++;
	if ((p->depth == 2 && p->field != FIELD_NODES && p->field != FIELD_EDGES) ||
		(p->depth == 3 && p->field != FIELD_EDGES) || p->depth > 3 || p->depth == 1)
		bad_graph_text("There is an array where none belongs.");
	if (p->depth == 2 && p->builder == NULL)
	{
		if (!OidIsValid(p->id_type))
			bad_graph_text("The id_type must come before nodes and edges.");
		p->builder = builder_create(p->id_type, p->weighted);
	}
	if (p->depth == 3)
		p->edge_length = 0;
	RK_JSON_DONE;
}

static RK_JSON_ACTION
parse_end_array(void *state)
{
	graph_parser *p = state;

	if (p->depth == 3)
	{
		graph_builder *b = p->builder;

		if (p->edge_length != (p->weighted ? 3 : 2))
			bad_graph_text(p->weighted ? "An edge is not [source, target, weight]." :
						   "An edge is not [source, target].");
		for (int i = 0; i < 2; i++)
			if (!(p->edge[i] >= 0 && p->edge[i] < p->node_count && p->edge[i] == floor(p->edge[i])))
				bad_graph_text("An edge names a position that nodes does not have.");
		if (p->weighted)
			builder_add_weight(b, p->edge[2]);
		builder_add_edge(b, &p->nodes[(int64) p->edge[0]], &p->nodes[(int64) p->edge[1]]);
	}
	p->depth--;
	RK_JSON_DONE;
}

static RK_JSON_ACTION
parse_field(void *state, char *name, bool is_null)
{
	graph_parser *p = state;

	if (strcmp(name, "id_type") == 0)
		p->field = FIELD_ID_TYPE;
	else if (strcmp(name, "weighted") == 0)
		p->field = FIELD_WEIGHTED;
	else if (strcmp(name, "nodes") == 0)
		p->field = FIELD_NODES;
	else if (strcmp(name, "edges") == 0)
		p->field = FIELD_EDGES;
	else
		bad_graph_text("There is an unknown key.");
	RK_JSON_DONE;
}

/* One id of nodes. */
static void
parse_node(graph_parser *p, char *token)
{
	rk_one_id	   *id;
	Datum		value;

	CHECK_FOR_INTERRUPTS();
	value = InputFunctionCall(&p->input, token, p->io_param, -1);
	if (p->node_count == p->node_capacity)
	{
		p->node_capacity = Max(1024, p->node_capacity * 2);
		p->nodes = p->nodes ? repalloc_huge(p->nodes, sizeof(rk_one_id) * p->node_capacity) :
			MemoryContextAllocHuge(CurrentMemoryContext, sizeof(rk_one_id) * p->node_capacity);
		/* the vectors point into their own structs, which have moved */
		for (int64 i = 0; i < p->node_count; i++)
			p->nodes[i].vector = (rk_vector) {.ints = &p->nodes[i].as_int,
				.bytes = &p->nodes[i].as_bytes,.datums = &p->nodes[i].as_datum};
	}
	id = &p->nodes[p->node_count++];
	id->vector = (rk_vector) {.ints = &id->as_int,.bytes = &id->as_bytes,.datums = &id->as_datum};
	switch (rk_read_kind_of_id(p->id_type))
	{
		case RK_READ_INT64:
			id->as_int = p->id_type == DATEOID ? DatumGetDateADT(value) : DatumGetInt64(value);
			break;
		case RK_READ_BYTES:
			if (p->id_type == UUIDOID)
				id->as_bytes = (rk_bytes) {(char *) DatumGetUUIDP(value)->data, UUID_LEN};
			else
				id->as_bytes = (rk_bytes) {VARDATA_ANY(DatumGetPointer(value)), VARSIZE_ANY_EXHDR(DatumGetPointer(value))};
			break;
		default:
			id->as_datum = value;
			break;
	}
	rk_ids_append(p->builder->ids, p->builder->isolated, &id->vector, 1);
}

static RK_JSON_ACTION
parse_scalar(void *state, char *token, JsonTokenType type)
{
	graph_parser *p = state;

	if (p->depth == 1 && p->field == FIELD_ID_TYPE && p->builder == NULL && type == JSON_TOKEN_STRING)
	{
		Oid			found;
		int32		typmod;
		Oid			input_function;

		parseTypeString(token, &found, &typmod,
#if PG_VERSION_NUM >= 160000
						NULL
#else
						false
#endif
			);
		if (rk_id_storage_type(found) != found || !rk_is_id_type(found))
			bad_graph_text("The id_type is not one that ids are stored as.");
		p->id_type = found;
		getTypeInputInfo(found, &input_function, &p->io_param);
		fmgr_info(input_function, &p->input);
	}
	else if (p->depth == 1 && p->field == FIELD_WEIGHTED && p->builder == NULL &&
			 (type == JSON_TOKEN_TRUE || type == JSON_TOKEN_FALSE))
		p->weighted = type == JSON_TOKEN_TRUE;
	else if (p->depth == 2 && p->field == FIELD_NODES &&
			 (type == JSON_TOKEN_STRING || type == JSON_TOKEN_NUMBER))
		parse_node(p, token);
	else if (p->depth == 3 && type == JSON_TOKEN_NUMBER && p->edge_length < 3)
		p->edge[p->edge_length++] = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(token)));
	else
		bad_graph_text("There is a value where none belongs.");
	RK_JSON_DONE;
}

Datum
rk_graph_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	JsonLexContext *lexer = rk_json_lexer(text, strlen(text));
	graph_parser p = {0};
	JsonSemAction actions = {
		.semstate = &p,
		.object_start = parse_begin_object,
		.object_end = parse_end,
		.array_start = parse_begin_array,
		.array_end = parse_end_array,
		.object_field_start = parse_field,
		.scalar = parse_scalar
	};
	struct varlena *value;

	if (pg_parse_json(lexer, &actions) != JSON_SUCCESS)
		bad_graph_text("It is not JSON.");
	if (p.builder == NULL)
		bad_graph_text("There are no nodes.");
	value = builder_value(p.builder);
	rk_call_destroy(p.builder->call);
	PG_RETURN_POINTER(value);
}

/* ---- binary ---- */

PG_FUNCTION_INFO_V1(rk_graph_recv);
PG_FUNCTION_INFO_V1(rk_graph_send);

Datum
rk_graph_send(PG_FUNCTION_ARGS)
{
	/* the text form names the type, and is the same on every machine */
	StringInfoData buffer;
	char	   *text = DatumGetCString(DirectFunctionCall1(rk_graph_out, PG_GETARG_DATUM(0)));

	pq_begintypsend(&buffer);
	pq_sendint8(&buffer, 1);	/* version of the form */
	pq_sendtext(&buffer, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
rk_graph_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(buffer);
	char	   *text;
	int			length;

	if (version != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version %d of the binary form of rk.graph", version)));
	text = pq_getmsgtext(buffer, buffer->len - buffer->cursor, &length);
	return DirectFunctionCall1(rk_graph_in, CStringGetDatum(text));
}

/* ---- properties ---- */

PG_FUNCTION_INFO_V1(rk_graph_num_nodes);
PG_FUNCTION_INFO_V1(rk_graph_num_edges);

/* The header, without fetching the rest of a stored value. */
static rk_graph_header
header_of(Datum value)
{
	struct varlena *slice = PG_DETOAST_DATUM_SLICE(value, 0, sizeof(rk_graph_header) - VARHDRSZ);
	rk_graph_header h = {0};

	if (VARSIZE_ANY_EXHDR(slice) >= sizeof(h) - VARHDRSZ)
		memcpy((char *) &h + VARHDRSZ, VARDATA_ANY(slice), sizeof(h) - VARHDRSZ);
	if (h.magic != RK_GRAPH_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid graph value")));
	return h;
}

Datum
rk_graph_num_nodes(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(header_of(PG_GETARG_DATUM(0)).nodes);
}

Datum
rk_graph_num_edges(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(header_of(PG_GETARG_DATUM(0)).arcs);
}

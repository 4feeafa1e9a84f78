/*
 * points_input.c
 *	  Points: rows of an id and features.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "emit.h"
#include "points_input.h"

/* Features as one array a row. */
static void
take_arrays(rk_call *call, rk_points *p, const rk_table_column *column, const uint32 *code)
{
	const rk_table *t = p->table;

	p->dimensions = column->offsets[1] - column->offsets[0];
	p->features = rk_call_alloc(call, p->count * p->dimensions, double);
	for (int64 i = 0; i < t->rows; i++)
	{
		int64		length = column->offsets[i + 1] - column->offsets[i];

		if (length != p->dimensions)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of \"%s\" has %lld numbers in row %lld, but %lld in row 1", column->name,
							t->argument, (long long) length, (long long) (i + 1), (long long) p->dimensions)));
		memcpy(p->features + code[i] * length, column->floats + column->offsets[i], sizeof(double) * length);
	}
}

/* Features as columns. */
static void
take_columns(rk_call *call, rk_points *p, const uint32 *code)
{
	const rk_table *t = p->table;

	p->dimensions = t->count - t->described;
	p->features = rk_call_alloc(call, p->count * p->dimensions, double);
	for (int64 d = 0; d < p->dimensions; d++)
	{
		const rk_table_column *c = &t->columns[t->described + d];

		for (int64 i = 0; i < t->rows; i++)
		{
			double		x = c->floats[i];

			if (x - x != 0)
				rk_table_bad_value(t, c, i, c->nulls && c->nulls[i] ? "NULL" : isnan(x) ? "not a number" : "infinite");
			p->features[code[i] * p->dimensions + d] = x;
		}
	}
}

rk_points *
rk_read_points(rk_call *call, const char *param)
{
	rk_points  *p = palloc0(sizeof(rk_points));
	const rk_table_column *features;
	const uint32 *code;
	bool	   *seen;

	p->table = rk_read_table(call, param);
	p->ids = rk_table_ids(call, RK_TYPE_ID);
	p->count = rk_ids_count(p->ids);
	code = p->table->columns[0].codes;
	features = rk_table_column_named(p->table, "features");
	if (p->table->rows == 0)
		return p;
	seen = rk_call_alloc(call, p->count, bool);
	memset(seen, 0, p->count);
	for (int64 i = 0; i < p->table->rows; i++)
	{
		if (seen[code[i]])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s %s is in \"%s\" more than once", p->table->columns[0].name, rk_ids_text(p->ids, code[i]), param),
					 errdetail("It is there again in row %lld.", (long long) (i + 1))));
		seen[code[i]] = true;
	}
	rk_free(&call->ctx, seen);
	if (features->there)
		take_arrays(call, p, features, code);
	else
		take_columns(call, p, code);
	if (p->dimensions == 0)
		ereport(ERROR,
				(errcode(features->there ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_UNDEFINED_COLUMN),
				 errmsg("\"%s\" has no features", param),
				 errhint("Give an array column \"features\", or columns of numbers: %s => '%s'.", param,
						 p->table->relation->example)));
	return p;
}

static char *
point_text(void *arg, int64 point)
{
	return rk_ids_text(arg, point);
}

rk_graph_input *
rk_read_graph_over(rk_call *call, const rk_points *points, rk_weight_meaning meaning)
{
	rk_graph_input *input = rk_read_graph(call, meaning);
	int64		nodes = rk_ids_count(input->ids);
	Oid			type = rk_ids_type(points->ids);
	uint32	   *place = rk_call_alloc(call, nodes, uint32);
	uint32	   *source;
	uint32	   *target;
	MemoryContext row_memory;
	MemoryContext old;

	/* the nodes of a context are numbered otherwise: take its rows */
	source = (uint32 *) rk_input_edges(call, input)->source;
	target = (uint32 *) input->edges.target;
	input->context = NULL;
	if (nodes > 0 && rk_ids_type(input->ids) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("ids of \"edges\" are of type %s, but those of \"%s\" are of type %s",
						format_type_be(rk_ids_type(input->ids)), points->table->argument, format_type_be(type))));
	row_memory = AllocSetContextCreate(CurrentMemoryContext, "rk ids", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_memory);
	for (int64 i = 0; i < nodes; i++)
	{
		int64		found = rk_ids_find_datum(points->ids, rk_ids_datum(input->ids, i, type));

		if ((i & 1023) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row_memory);
		}
		if (found < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %s named in \"edges\" has no row in \"%s\"", rk_ids_text(input->ids, i),
							points->table->argument)));
		place[i] = (uint32) found;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_memory);
	for (int64 i = 0; i < input->edges.count; i++)
	{
		source[i] = place[source[i]];
		target[i] = place[target[i]];
	}
	rk_free(&call->ctx, place);
	input->ids = points->ids;
	input->edges.nodes = points->count;
	rk_call_node_names(call, point_text, points->ids);
	return input;
}

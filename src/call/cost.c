/*
 * cost.c
 *	  Estimates for the planner (support function) and for rk.explain.
 *
 * Times are nanoseconds for each row or edge as measured on one core (see
 * docs/performance.md); the planner's unit is a tenth of a microsecond of
 * work on a row (cpu_tuple_cost = 0.01 for about 30 ns of scan), so one unit is
 * taken as 3 us.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "../relation/ids.h"
#include "cost.h"

#define NS_PER_COST_UNIT 3000.0
#define BUILD_NS 20.0			/* an edge, both directions */
#define RELABEL_NS 8.0
#define EMIT_NS 60.0			/* a row */

rk_run_cost
rk_cost_of_run(const rk_kernel *kernel, const rk_function *function,
			   const rk_estimate *input, double iterations)
{
	rk_run_cost c = {0};
	double		n = input->nodes;
	double		m = input->rows;
	double		work = 0;

	switch (function->work)
	{
		case RK_WORK_LINEAR:
			work = 3 * (n + m);
			break;
		case RK_WORK_ITERATIONS:
			work = Min(iterations, 40) * (2 * n + 1.5 * m);
			break;
		case RK_WORK_SORTED:
			work = 10 * (n + m) * log2(n + 2);
			break;
		case RK_WORK_TRIANGLES:
			work = 2 * m * sqrt(m + 1);
			break;
		case RK_WORK_ALL_PAIRS:
			work = 3 * n * (n + m);
			break;
	}
	switch (function->rows)
	{
		case RK_ROWS_ONE:
			c.rows_out = 1;
			break;
		case RK_ROWS_PER_NODE:
			c.rows_out = n;
			break;
		case RK_ROWS_PER_EDGE:
			c.rows_out = m;
			break;
		case RK_ROWS_PER_COMPONENT:
			c.rows_out = Max(1, n / 100);
			break;
		case RK_ROWS_PER_PAIR:
			c.rows_out = n * 10;
			break;
		case RK_ROWS_PER_ROW:
			c.rows_out = m;
			break;
		case RK_ROWS_PER_GROUP:
			c.rows_out = Max(1, m / 100);
			break;
	}
	c.compute_ns = work + (BUILD_NS + RELABEL_NS) * m + EMIT_NS * c.rows_out;
	return c;
}

/* ---- memory ---- */

/* Whether the run looks at weights that its input has. */
static bool
uses_weights(const rk_call *call, const rk_estimate *input)
{
	for (int i = 0; call->function->params[i].name != NULL; i++)
		if (strcmp(call->function->params[i].name, "weighted") == 0)
			return input->weighted && (call->nulls[i] || DatumGetBool(call->args[i]));
	return false;
}

int64
rk_memory_of_run(const rk_call *call, const rk_estimate *input)
{
	const rk_bound_function *bound = rk_find_binding(call->kernel, call->function);
	int64		rows = (int64) input->rows;
	rk_graph_size size = {
		.nodes = (int64) input->nodes,
		.arcs = rows,
		.weighted = uses_weights(call, input),
		.threads = call->ctx.threads
	};
	rk_need		need = {0};
	rk_ids_need ids = rk_ids_memory(input->id_type, size.nodes, 2 * rows, input->range,
									(int64) input->id_width);
	int64		weights = size.weighted ? sizeof(double) * (rows + rows / 16) : 0;
	int64		codes = 2 * sizeof(uint32) * rows;
	int64		reading = ids.reading + weights;
	int64		relabelling = ids.numbering + weights;
	int64		building;
	int64		computing;

	/* tables: a column's values and their codes are as wide as the rows, about */
	if (!input->edges)
		return (int64) (2 * input->bytes);
	if (input->prepared)
	{
		ids = (rk_ids_need) {0};
		reading = relabelling = weights = 0;
	}
	if (bound->need == NULL)
		return Max(reading, relabelling);
	bound->need(call, &size, &need);
	if (!need.graph.want_in && !need.graph.want_out)
		return Max(Max(reading, relabelling), ids.kept + codes + weights + need.bytes);
	if (!need.graph.directed)
	{
		size.arcs *= 2;
		need.bytes = 0;
		bound->need(call, &size, &need);
	}
	building = ids.kept + codes + weights +
		rk_graph_build_memory(size.nodes, rows, size.weighted, size.threads, &need.graph);
	computing = ids.kept + need.bytes +
		rk_graph_memory(size.nodes, size.arcs, size.weighted, &need.graph);
	return Max(Max(reading, relabelling), Max(building, computing));
}

/* Raises the error of a run that needs more than it may have. */
static void
refuse(const rk_call *call, int64 bytes, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("run of %s needs more memory than rk.memory_limit permits", call->kernel->id),
			 errdetail("About %lld MB are %s, the limit is %lld MB.", (long long) (bytes >> 20) + 1,
					   detail, (long long) (call->ctx.memory_limit >> 20)),
			 errhint("SET rk.memory_limit = '%lldMB';", (long long) (bytes >> 20) * 5 / 4 + 2)));
}

void
rk_refuse_memory(const rk_call *call, const rk_estimate *input)
{
	int64		bytes;

	if (!input->exact || call->kernel == NULL || call->ctx.memory_limit == 0)
		return;
	bytes = rk_memory_of_run(call, input);
	if (bytes > call->ctx.memory_limit)
		refuse(call, bytes, psprintf("estimated for %.0f rows", input->rows));
}

void
rk_refuse_kernel(const rk_call *call, const rk_graph *g)
{
	const rk_bound_function *bound = rk_find_binding(call->kernel, call->function);
	const rk_adjacency *rows = g->out.offsets ? &g->out : &g->in;
	rk_graph_size size = {
		.nodes = g->nodes,
		.arcs = g->arcs,
		.weighted = rows->weights != NULL,
		.threads = call->ctx.threads
	};
	rk_need		need = {0};

	if (bound->need == NULL || call->ctx.memory_limit == 0)
		return;
	bound->need(call, &size, &need);
	if (call->ctx.memory_used + need.bytes > call->ctx.memory_limit)
		refuse(call, call->ctx.memory_used + need.bytes,
			   psprintf("needed for %lld nodes and %lld edges", (long long) g->nodes,
						(long long) (g->directed ? g->arcs : g->arcs / 2)));
}

/* The text of the argument with this name, if it is known when planning. */
static char *
constant_text(List *args, int position)
{
	Node	   *arg = list_length(args) > position ? list_nth(args, position) : NULL;

	if (arg && IsA(arg, NamedArgExpr))
		arg = (Node *) ((NamedArgExpr *) arg)->arg;
	if (arg == NULL || !IsA(arg, Const) || ((Const *) arg)->constisnull ||
		((Const *) arg)->consttype != TEXTOID)
		return NULL;
	return TextDatumGetCString(((Const *) arg)->constvalue);
}

/* The function of a call; false when it is not one of ours. */
static bool
function_of_oid(Oid oid, const rk_kernel **kernel, const rk_function **function)
{
	char	   *name = get_func_name(oid);

	for (int r = 0; name && rk_rooms[r] != NULL; r++)
	{
		for (*kernel = rk_rooms[r]; (*kernel)->id != NULL; (*kernel)++)
		{
			for (*function = (*kernel)->functions; (*function)->params != NULL; (*function)++)
				if (strcmp(rk_sql_name(*kernel, *function), name) == 0)
					return true;
		}
	}
	return false;
}

/* Estimates one call, remembering the last one: rows and cost are asked apart. */
static bool
estimate_call(Node *node, rk_run_cost *cost, rk_estimate *input)
{
	const rk_kernel *kernel;
	const rk_function *function;
	FuncExpr   *call = (FuncExpr *) node;
	char	   *text;

	if (node == NULL || !IsA(node, FuncExpr) ||
		!function_of_oid(call->funcid, &kernel, &function) ||
		function->params[0].relation == NULL)
		return false;
	text = constant_text(call->args, 0);
	if (text == NULL)
		return false;
	*input = rk_estimate_edges(function->params[0].name, text, function->params[0].relation);
	*cost = rk_cost_of_run(kernel, function, input, 20);
	return true;
}

PG_FUNCTION_INFO_V1(rk_relation_support);

Datum
rk_relation_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	rk_run_cost cost;
	rk_estimate input;

	if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *rows = (SupportRequestRows *) request;

		if (estimate_call(rows->node, &cost, &input))
		{
			rows->rows = clamp_row_est(cost.rows_out);
			PG_RETURN_POINTER(rows);
		}
	}
	else if (IsA(request, SupportRequestCost))
	{
		SupportRequestCost *c = (SupportRequestCost *) request;

		if (estimate_call(c->node, &cost, &input))
		{
			c->startup = input.read_cost + cost.compute_ns / NS_PER_COST_UNIT;
			c->per_tuple = 0;
			PG_RETURN_POINTER(c);
		}
	}
	PG_RETURN_POINTER(NULL);
}

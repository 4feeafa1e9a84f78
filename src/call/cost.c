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

#include "../compute/csr.h"
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
	rk_graph_options both = {.directed = true,.want_in = true,.want_out = true};

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
	}
	c.compute_ns = work + (BUILD_NS + RELABEL_NS) * m + EMIT_NS * c.rows_out;

	/* raw ids and codes while reading; then codes and the graph; then results */
	c.memory = rk_graph_build_memory((int64) n, (int64) m, input->weighted, &both);
	c.memory = Max(c.memory + (int64) m * 8,
				   (int64) (m * (16 + 8 + (input->weighted ? 8 : 0)) + 40 * n));
	c.memory += (int64) (64 * n);
	return c;
}

void
rk_refuse_memory(const rk_call *call, const rk_estimate *input)
{
	rk_run_cost cost = rk_cost_of_run(call->kernel, call->function, input, 1);

	if (!input->exact || call->ctx.memory_limit == 0 || cost.memory <= call->ctx.memory_limit)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("run of %s needs more memory than rk.memory_limit permits", call->kernel->id),
			 errdetail("About %lld MB are estimated for %.0f rows, the limit is %lld MB.",
					   (long long) (cost.memory >> 20) + 1, input->rows,
					   (long long) (call->ctx.memory_limit >> 20)),
			 errhint("SET rk.memory_limit = '%lldMB';", (long long) (cost.memory >> 20) * 5 / 4 + 2)));
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
	*input = rk_estimate_edges(text, function->params[0].relation);
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

/*
 * scalar.c
 *	  The gate of scalar kernels: one row in, one value or composite out.
 *
 * A scalar runs once a row, perhaps millions of times a query, so what can be
 * kept between the calls of one call site is kept: the descriptor, the
 * context, the row type.  There is no entry in rk.last_run() and no progress.
 * Results are allocated where the executor expects them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/lsyscache.h"

#include "call.h"
#include "catalogue.h"
#include "types.h"

/* Kept in fn_extra. */
typedef struct scalar_site
{
	rk_call		call;
	rk_binding	binding;
	int			params;
	int			columns;
} scalar_site;

static void
release_site(void *arg)
{
	scalar_site *site = arg;

	rk_ctx_destroy(&site->call.ctx);
}

/* An empty context; a long run in it can be cancelled. */
static void
init_context(rk_call *call)
{
	rk_ctx_init(&call->ctx);
	call->ctx.memory_limit = (int64) rk_memory_limit_kb * 1024;
	call->ctx.interrupted = rk_call_interrupted;
	call->ctx.interrupted_arg = call;
}

static scalar_site *
make_site(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	scalar_site *site = palloc0(sizeof(scalar_site));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	rk_call    *call = &site->call;

	rk_check_version();
	call->kernel = rk_find_kernel(id);
	call->function = rk_find_function(call->kernel, suffix);
	call->memory = fcinfo->flinfo->fn_mcxt;
	call->scalar = true;
	site->binding = rk_find_binding(call->kernel, call->function)->binding;
	site->params = rk_param_count(call->function);
	site->columns = rk_column_count(call->function);
	call->values = palloc0(sizeof(Datum) * site->columns);
	call->value_nulls = palloc0(sizeof(bool) * site->columns);
	for (int i = 0; i < site->params; i++)
		if (call->function->params[i].type == RK_TYPE_ID)
			call->arg_types[i] = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, i));
	if (call->function->composite && get_call_result_type(fcinfo, NULL, &call->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (call->desc)
		call->desc = BlessTupleDesc(CreateTupleDescCopy(call->desc));
	init_context(call);
	callback->func = release_site;
	callback->arg = site;
	MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, callback);
	fcinfo->flinfo->fn_extra = site;
	MemoryContextSwitchTo(old);
	return site;
}

Datum
rk_scalar_from_sql(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	scalar_site *site = fcinfo->flinfo->fn_extra;
	rk_call    *call;

	if (site == NULL)
		site = make_site(fcinfo, id, suffix);
	call = &site->call;
	for (int i = 0; i < site->params; i++)
	{
		const rk_param *p = &call->function->params[i];

		call->nulls[i] = PG_ARGISNULL(i);
		call->args[i] = PG_GETARG_DATUM(i);
		if (call->nulls[i] && !p->nullable && !(p->initial && strcmp(p->initial, "NULL") == 0))
			PG_RETURN_NULL();
		rk_check_value(p, call->args[i], call->nulls[i]);
	}

	/* what an error has left behind that was caught above */
	call->ctx.error.status = RK_OK;
	call->ctx.error.detail[0] = call->ctx.error.hint[0] = '\0';
	call->ctx.stop = false;
	call->pending_error = NULL;
	call->returned = false;
	site->binding(call);
	if (call->ctx.blocks != NULL)
	{
		rk_ctx_destroy(&call->ctx);
		init_context(call);
	}
	if (!call->returned)
		PG_RETURN_NULL();
	if (call->function->composite)
		return HeapTupleGetDatum(heap_form_tuple(call->desc, call->values, call->value_nulls));
	if (call->value_nulls[0])
		PG_RETURN_NULL();
	return call->values[0];
}

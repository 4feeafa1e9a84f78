/*
 * call.c
 *	  The gate: arguments, context, errors, rows.
 *
 * A call's context lives in a memory context of its own, child of the
 * caller's; a reset callback frees its blocks and joins its threads whatever
 * ends the call.  While a kernel runs, its threads must not be left behind by
 * a longjmp, so the interrupt hook catches the error that CHECK_FOR_INTERRUPTS
 * raises, tells the kernel to stop, and rk_call_check raises it again once the
 * kernel has returned.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "call.h"
#include "catalogue.h"
#include "../relation/source.h"

static int64 last_run_id = 0;

#define RK_ROOM(room) rk_##room##_bindings,
static const rk_bound_function *const bindings[] = {
#include "rooms.def"
	NULL
};
#undef RK_ROOM

/* ---- finding kernels ---- */

const rk_kernel *
rk_find_kernel(const char *id)
{
	for (int r = 0; rk_rooms[r] != NULL; r++)
		for (const rk_kernel *k = rk_rooms[r]; k->id != NULL; k++)
			if (strcmp(k->id, id) == 0)
				return k;
	return NULL;
}

const rk_function *
rk_find_function(const rk_kernel *kernel, const char *suffix)
{
	for (const rk_function *f = kernel->functions; f->params != NULL; f++)
		if (strcmp(f->suffix, suffix) == 0)
			return f;
	return NULL;
}

const rk_bound_function *
rk_find_binding(const rk_kernel *kernel, const rk_function *function)
{
	for (int r = 0; bindings[r] != NULL; r++)
		for (const rk_bound_function *b = bindings[r]; b->id != NULL; b++)
			if (strcmp(b->id, kernel->id) == 0 && strcmp(b->suffix, function->suffix) == 0)
				return b;
	elog(ERROR, "kernel \"%s\" has no binding for \"%s\"", kernel->id, function->suffix);
}

char *
rk_sql_name(const rk_kernel *kernel, const rk_function *function)
{
	char	   *name = psprintf("%s%s", kernel->id, function->suffix);

	for (char *p = name; *p; p++)
		if (*p == '/' || *p == '-')
			*p = '_';
	return name;
}

/* ---- arguments ---- */

char *
rk_range_text(const rk_param *p)
{
	StringInfoData s;

	if (p->choices)
	{
		initStringInfo(&s);
		for (int i = 0; p->choices[i] != NULL; i++)
			appendStringInfo(&s, "%s%s", i ? ", " : "", p->choices[i]);
		return s.data;
	}
	if (p->type != RK_TYPE_FLOAT8 && p->type != RK_TYPE_INT4 && p->type != RK_TYPE_INT8)
		return NULL;
	if (isinf(p->min) && isinf(p->max))
		return NULL;
	if (isinf(p->max))
		return psprintf("%s %g", p->min_open ? "greater than" : "at least", p->min);
	return psprintf("%s%g, %g%s", p->min_open ? "(" : "[", p->min, p->max, p->max_open ? ")" : "]");
}

void
rk_check_argument(rk_call *call, int param)
{
	const rk_param *p = &call->function->params[param];
	double		value;

	if (call->nulls[param])
	{
		/* NULL means what the default NULL means, where there is one */
		if (p->initial != NULL && strcmp(p->initial, "NULL") == 0)
			return;
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be NULL", p->name),
				 p->initial ? errhint("Leave it out to use its default, %s.", p->initial) : 0));
	}
	switch (p->type)
	{
		case RK_TYPE_FLOAT8:
			value = DatumGetFloat8(call->args[param]);
			break;
		case RK_TYPE_INT4:
			value = DatumGetInt32(call->args[param]);
			break;
		case RK_TYPE_INT8:
			value = DatumGetInt64(call->args[param]);
			break;
		case RK_TYPE_TEXT:
			if (p->choices)
			{
				char	   *given = TextDatumGetCString(call->args[param]);

				for (int i = 0; p->choices[i] != NULL; i++)
					if (strcmp(p->choices[i], given) == 0)
						return;
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("invalid value for parameter \"%s\": \"%s\"", p->name, given),
						 errhint("Valid values are: %s.", rk_range_text(p))));
			}
			return;
		default:
			return;
	}
	if (isnan(value) || (isinf(value) && p->type == RK_TYPE_FLOAT8) ||
		value < p->min || value > p->max ||
		(p->min_open && value == p->min) || (p->max_open && value == p->max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 p->type == RK_TYPE_FLOAT8 ?
				 errmsg("parameter \"%s\" is out of range: %g", p->name, value) :
				 errmsg("parameter \"%s\" is out of range: %.0f", p->name, value),
				 rk_range_text(p) ? errdetail("Permitted is: %s.", rk_range_text(p)) :
				 errdetail("Permitted is any finite number.")));
}

int
rk_param_index(const rk_call *call, const char *name)
{
	for (int i = 0; call->function->params[i].name != NULL; i++)
		if (strcmp(call->function->params[i].name, name) == 0)
			return i;
	elog(ERROR, "kernel \"%s\" has no parameter \"%s\"", call->kernel->id, name);
}

bool
rk_arg_is_null(const rk_call *call, const char *name)
{
	return call->nulls[rk_param_index(call, name)];
}

double
rk_arg_float8(const rk_call *call, const char *name)
{
	return DatumGetFloat8(call->args[rk_param_index(call, name)]);
}

int64
rk_arg_int(const rk_call *call, const char *name)
{
	int			i = rk_param_index(call, name);

	return call->function->params[i].type == RK_TYPE_INT4 ?
		DatumGetInt32(call->args[i]) : DatumGetInt64(call->args[i]);
}

double
rk_arg_float8_or(const rk_call *call, const char *name, double if_null)
{
	return rk_arg_is_null(call, name) ? if_null : rk_arg_float8(call, name);
}

int64
rk_arg_int_or(const rk_call *call, const char *name, int64 if_null)
{
	return rk_arg_is_null(call, name) ? if_null : rk_arg_int(call, name);
}

bool
rk_arg_boolean(const rk_call *call, const char *name)
{
	return DatumGetBool(call->args[rk_param_index(call, name)]);
}

char *
rk_arg_text(const rk_call *call, const char *name)
{
	return TextDatumGetCString(call->args[rk_param_index(call, name)]);
}

int
rk_arg_choice(const rk_call *call, const char *name)
{
	const rk_param *p = &call->function->params[rk_param_index(call, name)];
	char	   *given = rk_arg_text(call, name);

	for (int i = 0; p->choices[i] != NULL; i++)
		if (strcmp(p->choices[i], given) == 0)
			return i;
	elog(ERROR, "unchecked value of parameter \"%s\"", name);
}

/* ---- errors ---- */

void
rk_call_node_names(rk_call *call, rk_node_name_fn fn, void *arg)
{
	call->node_name = fn;
	call->node_name_arg = arg;
}

/* A kernel's message with "%node" replaced by the id. */
static char *
message_with_node(const rk_call *call)
{
	const rk_error *e = &call->ctx.error;
	const char *mark = strstr(e->message, "%node");

	if (mark == NULL || e->node < 0)
		return pstrdup(e->message);
	return psprintf("%.*s%s%s", (int) (mark - e->message), e->message,
					call->node_name ? call->node_name(call->node_name_arg, e->node) :
					psprintf("%lld", (long long) e->node), mark + strlen("%node"));
}

void
rk_call_check(rk_call *call, rk_status status)
{
	static const int codes[] = {
		[RK_ERR_PARAMETER] = ERRCODE_INVALID_PARAMETER_VALUE,
		[RK_ERR_DATA] = ERRCODE_INVALID_PARAMETER_VALUE,
		[RK_ERR_OVERFLOW] = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		[RK_ERR_LIMIT] = ERRCODE_PROGRAM_LIMIT_EXCEEDED,
		[RK_ERR_MEMORY] = ERRCODE_OUT_OF_MEMORY,
		[RK_ERR_CORRUPT] = ERRCODE_DATA_CORRUPTED,
		[RK_ERR_UNSUPPORTED] = ERRCODE_FEATURE_NOT_SUPPORTED,
	};
	const rk_error *e = &call->ctx.error;

	if (status == RK_OK)
		return;
	if (status == RK_STOPPED)
	{
		if (call->pending_error)
		{
			ErrorData  *pending = call->pending_error;

			call->pending_error = NULL;
			ReThrowError(pending);
		}
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling kernel run due to user request")));
	}
	if (e->status == RK_OK)
		ereport(ERROR,
				(errcode(codes[status]),
				 errmsg("kernel run failed with status %d", status)));
	ereport(ERROR,
			(errcode(codes[e->status]),
			 errmsg_internal("%s", message_with_node(call)),
			 e->detail[0] ? errdetail_internal("%s", e->detail) : 0,
			 e->hint[0] ? errhint("%s", e->hint) : 0));
}

void *
rk_call_alloc_size(rk_call *call, int64 count, size_t size)
{
	void	   *p = rk_alloc(&call->ctx, count, size);

	if (p == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	return p;
}

/* ---- phases and details ---- */

/* Books the time since the last change of phase. */
static void
end_phase(rk_call *call)
{
	instr_time	now;
	int			i;

	INSTR_TIME_SET_CURRENT(now);
	if (call->phase != NULL)
	{
		instr_time	spent = now;

		INSTR_TIME_SUBTRACT(spent, call->phase_start);
		for (i = 0; i < call->phase_count; i++)
			if (strcmp(call->phases[i].name, call->phase) == 0)
				break;
		if (i == call->phase_count && i < RK_MAX_PHASES)
			call->phases[call->phase_count++] = (rk_phase_time) {call->phase, 0};
		if (i < RK_MAX_PHASES)
			call->phases[i].us += INSTR_TIME_GET_DOUBLE(spent) * 1e6;
	}
	call->phase_start = now;
}

void
rk_call_phase(rk_call *call, const char *phase, int64 total)
{
	end_phase(call);
	call->phase = phase;
	if (phase)
		rk_phase(&call->ctx, phase, total);
}

static void
begin_detail(rk_call *call, const char *key)
{
	if (call->details == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(call->memory);

		call->details = makeStringInfo();
		MemoryContextSwitchTo(old);
	}
	appendStringInfo(call->details, "%s\"%s\": ", call->details->len ? ", " : "", key);
}

void
rk_call_detail_float8(rk_call *call, const char *key, double value)
{
	begin_detail(call, key);
	if (isfinite(value))
		appendStringInfoString(call->details, float8out_internal(value));
	else
		appendStringInfo(call->details, "\"%s\"", float8out_internal(value));
}

void
rk_call_detail_int(rk_call *call, const char *key, int64 value)
{
	begin_detail(call, key);
	appendStringInfo(call->details, "%lld", (long long) value);
}

/* ---- running ---- */

static bool
interrupted(void *arg)
{
	rk_call    *call = arg;
	MemoryContext memory = CurrentMemoryContext;

	if (!InterruptPending || call->pending_error)
		return call->pending_error != NULL;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		call->pending_error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return call->pending_error != NULL;
}

/* Frees what PostgreSQL's memory contexts do not know of. */
static void
release_call(void *arg)
{
	rk_call    *call = arg;

	rk_ctx_destroy(&call->ctx);
	if (call->kernel)
	{
		rk_threads_release(call->ctx.threads);
		rk_progress_end();
	}
}

rk_call *
rk_call_create(const rk_kernel *kernel, const rk_function *function)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "rk call",
												 ALLOCSET_DEFAULT_SIZES);
	rk_call    *call = MemoryContextAllocZero(memory, sizeof(rk_call));
	MemoryContextCallback *callback = MemoryContextAllocZero(memory, sizeof(MemoryContextCallback));
	int			wanted = rk_threads;

	if (rk_device == 2 && kernel)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no CUDA device is available"),
				 errhint("SET rk.device = auto;")));
	call->memory = memory;
	call->kernel = kernel;
	call->function = function;
	rk_ctx_init(&call->ctx);
	call->ctx.interrupted = interrupted;
	call->ctx.interrupted_arg = call;
	call->ctx.memory_limit = (int64) rk_memory_limit_kb * 1024;
	rk_memory_retain((int64) rk_pool_retain_kb * 1024);
	if (kernel)
	{
		if (wanted == 0)
			wanted = max_parallel_workers_per_gather + 1;
		call->ctx.threads = rk_threads_reserve(wanted);
		rk_progress_begin(call);
	}
	callback->func = release_call;
	callback->arg = call;
	MemoryContextRegisterResetCallback(memory, callback);
	call->run_id = kernel ? ++last_run_id : 0;
	call->started = GetCurrentTimestamp();
	INSTR_TIME_SET_CURRENT(call->start);
	call->phase_start = call->start;
	return call;
}

void
rk_call_run(rk_call *call, rk_binding binding)
{
	instr_time	end;
	MemoryContext old = MemoryContextSwitchTo(call->memory);

	binding(call);
	end_phase(call);
	MemoryContextSwitchTo(old);
	if (call->run.iterative && call->run.reached_max)
		ereport(WARNING,
				(errmsg("%s did not converge in %d iterations", call->kernel->id, call->run.iterations),
				 errdetail("The last change was %g.", call->run.residual),
				 errhint("Increase max_iterations or tolerance.")));
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, call->start);
	rk_last_run_store(call, (int64) (INSTR_TIME_GET_DOUBLE(end) * 1e6));
}

void
rk_call_destroy(rk_call *call)
{
	MemoryContextDelete(call->memory);
}

/* ---- from SQL ---- */

/*
 * The id type that the caller expects: that of the first id column of the
 * result.  Raises the error of an id_type that stands in a wrong place: the
 * row that the query was planned with then differs from the one that the
 * arguments mean.
 */
static Oid
expected_ids(FunctionCallInfo fcinfo, const rk_call *call, TupleDesc planned)
{
	const rk_column *columns = call->function->columns;
	TupleDesc	meant;

	if (!rk_returns_ids(call->function))
		return InvalidOid;
	if (get_call_result_type(fcinfo, NULL, &meant) != TYPEFUNC_COMPOSITE)
		meant = planned;
	for (int i = 0; columns[i].name != NULL; i++)
	{
		Oid			type = TupleDescAttr(meant, i)->atttypid;

		if (columns[i].type != RK_TYPE_ID && columns[i].type != RK_TYPE_ID_ARRAY)
			continue;
		if (planned->natts != meant->natts || TupleDescAttr(planned, i)->atttypid != type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("id_type does not stand where its type is looked for"),
					 errhint("Write id_type directly after \"%s\": rk.%s(..., id_type => NULL::%s, ...).",
							 call->function->params[rk_mandatory_count(call->function) - 1].name,
							 rk_sql_name(call->kernel, call->function), format_type_be(type))));
		return columns[i].type == RK_TYPE_ID ? type : get_element_type(type);
	}
	return InvalidOid;
}

/* Whether the SQL function that is called takes a graph instead of edges. */
static bool
takes_graph(FunctionCallInfo fcinfo, const rk_function *function)
{
	Oid		   *types;
	int			count;

	if (!function->graph_form)
		return false;
	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	return count > 0 && types[0] == rk_graph_type();
}

/*
 * Reads the arguments of the form without id_type, of the form with it behind
 * the mandatory ones, and of the form with a graph, which stands first.
 */
static void
take_arguments(FunctionCallInfo fcinfo, rk_call *call, bool with_id_type)
{
	const rk_function *function = call->function;
	int			mandatory = rk_mandatory_count(function);
	int			arg = 0;

	call->graph_form = takes_graph(fcinfo, function);
	if (call->graph_form)
	{
		if (PG_ARGISNULL(0))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"graph\" must not be NULL"),
					 errhint("rk.graph_agg returns NULL when there are no rows to aggregate.")));
		call->graph = PG_GETARG_DATUM(0);
		arg++;
	}
	for (int i = 0; function->params[i].name != NULL; i++)
	{
		if (call->graph_form && rk_holds_graph(&function->params[i]))
		{
			call->nulls[i] = true;
			continue;
		}
		if (with_id_type && i == mandatory)
			arg++;
		call->nulls[i] = PG_ARGISNULL(arg);
		call->args[i] = PG_GETARG_DATUM(arg);
		if (function->params[i].type == RK_TYPE_ID)
			call->arg_types[i] = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, arg));
		rk_check_argument(call, i);
		arg++;
	}
}

Datum
rk_call_from_sql(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const rk_kernel *kernel = rk_find_kernel(id);
	const rk_function *function = rk_find_function(kernel, suffix);
	int			mandatory = rk_mandatory_count(function);
	bool		with_id_type = PG_NARGS() == rk_param_count(function) + 1;
	rk_call    *call;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (!(rsinfo->allowedModes & SFRM_Materialize) || rsinfo->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("materialize mode required, but it is not allowed in this context")));

	rk_check_version();
	call = rk_call_create(kernel, function);
	take_arguments(fcinfo, call, with_id_type);
	if (with_id_type && !PG_ARGISNULL(mandatory))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"id_type\" carries a type, its value must be NULL"),
				 errhint("Write id_type => NULL::%s, and optional parameters by name.",
						 format_type_be(get_fn_expr_argtype(fcinfo->flinfo, mandatory)))));
	call->expected_id_type = expected_ids(fcinfo, call, rsinfo->expectedDesc);

	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	call->rows_memory = CurrentMemoryContext;
	call->desc = CreateTupleDescCopy(rsinfo->expectedDesc);
	call->rows = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
									   false, work_mem);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = call->rows;
	rsinfo->setDesc = call->desc;
	MemoryContextSwitchTo(old);

	rk_call_run(call, rk_find_binding(kernel, function)->binding);
	rk_call_destroy(call);
	return (Datum) 0;
}

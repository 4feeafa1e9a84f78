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

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "call.h"
#include "catalogue.h"
#include "types.h"
#include "../device/device.h"
#include "../relation/reader.h"
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
	char	   *name = function->sql_name ? pstrdup(function->sql_name) : psprintf("%s%s", kernel->id, function->suffix);

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
	if (!rk_type_is_number(p->type))
		return NULL;
	if (isinf(p->min) && isinf(p->max))
		return NULL;
	if (isinf(p->max))
		return psprintf("%s %.10g", p->min_open ? "greater than" : "at least", p->min);
	return psprintf("%s%.10g, %.10g%s", p->min_open ? "(" : "[", p->min, p->max, p->max_open ? ")" : "]");
}

void
rk_check_value(const rk_param *p, Datum datum, bool is_null)
{
	double		value;

	if (is_null)
	{
		/* NULL means what the default NULL means, where there is one */
		if (p->nullable || (p->initial != NULL && strcmp(p->initial, "NULL") == 0))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be NULL", p->name),
				 p->initial ? errhint("Leave it out to use its default, %s.", p->initial) : 0));
	}
	switch (p->type)
	{
		case RK_TYPE_FLOAT8:
			value = DatumGetFloat8(datum);
			break;
		case RK_TYPE_INT4:
			value = DatumGetInt32(datum);
			break;
		case RK_TYPE_INT8:
			value = DatumGetInt64(datum);
			break;
		case RK_TYPE_NUMERIC:
			value = rk_numeric_to_double(datum);
			break;
		case RK_TYPE_TEXT:
			if (p->choices)
			{
				const text *given = DatumGetTextPP(datum);

				for (int i = 0; p->choices[i] != NULL; i++)
					if (strlen(p->choices[i]) == VARSIZE_ANY_EXHDR(given) &&
						memcmp(p->choices[i], VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)) == 0)
						return;
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("invalid value for parameter \"%s\": \"%s\"", p->name, text_to_cstring(given)),
						 errhint("Valid values are: %s.", rk_range_text(p))));
			}
			return;
		default:
			return;
	}
	if (isnan(value) || (isinf(value) && (p->type == RK_TYPE_FLOAT8 || p->type == RK_TYPE_NUMERIC)) ||
		value < p->min || value > p->max ||
		(p->min_open && value == p->min) || (p->max_open && value == p->max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 p->type == RK_TYPE_FLOAT8 || p->type == RK_TYPE_NUMERIC ?
				 errmsg("parameter \"%s\" is out of range: %g", p->name, value) :
				 errmsg("parameter \"%s\" is out of range: %.0f", p->name, value),
				 rk_range_text(p) ? errdetail("Permitted is: %s.", rk_range_text(p)) :
				 errdetail("Permitted is any finite number.")));
}

void
rk_check_argument(rk_call *call, int param)
{
	rk_check_value(&call->function->params[param], call->args[param], call->nulls[param]);
}

Datum
rk_default_datum(const rk_param *p, bool *is_null)
{
	Oid			type = rk_type_oid(p->type, INT8OID, INT8OID);
	Oid			input;
	Oid			io_param;
	char	   *text = pstrdup(p->initial);

	*is_null = strcmp(text, "NULL") == 0;
	if (*is_null)
		return (Datum) 0;
	if (text[0] == '\'')
	{
		/* a literal: without its quotes, doubled ones single */
		char	   *to = text;

		for (const char *from = p->initial + 1; *from && !(from[0] == '\'' && from[1] != '\''); from++)
		{
			*to++ = *from;
			if (*from == '\'')
				from++;
		}
		*to = '\0';
	}
	getTypeInputInfo(type, &input, &io_param);
	return OidInputFunctionCall(input, text, io_param, -1);
}

int
rk_param_index(const rk_call *call, const char *name)
{
	for (int i = 0; call->function->params[i].name != NULL; i++)
		if (call->function->params[i].name[0] == name[0] &&
			strcmp(call->function->params[i].name, name) == 0)
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

Datum
rk_arg_datum(const rk_call *call, const char *name)
{
	return call->args[rk_param_index(call, name)];
}

static rk_amount
amount_of(const char *name, Datum value)
{
	rk_amount	amount;
	const char *what = rk_numeric_to_amount(value, &amount);

	if (what)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value of \"%s\" is %s", name, what)));
	return amount;
}

rk_amount
rk_arg_amount(const rk_call *call, const char *name)
{
	return amount_of(name, rk_arg_datum(call, name));
}

int64
rk_arg_timestamptz(const rk_call *call, const char *name)
{
	return rk_value_of_datum(&call->function->params[rk_param_index(call, name)], TIMESTAMPTZOID,
							 rk_arg_datum(call, name), false).integer;
}

int64
rk_arg_interval(const rk_call *call, const char *name)
{
	return rk_value_of_datum(&call->function->params[rk_param_index(call, name)], INTERVALOID,
							 rk_arg_datum(call, name), false).integer;
}

const double *
rk_arg_float8_array(const rk_call *call, const char *name, int64 *count)
{
	rk_value	v = rk_value_of_datum(&call->function->params[rk_param_index(call, name)], FLOAT8ARRAYOID,
									  rk_arg_datum(call, name), false);

	*count = v.floats.count;
	return v.floats.values;
}

const int64 *
rk_arg_int_array(const rk_call *call, const char *name, int64 *count)
{
	const rk_param *p = &call->function->params[rk_param_index(call, name)];
	Datum	   *elements;
	int64	   *values;
	int			n;

	if (p->type == RK_TYPE_INT8_ARRAY)
	{
		rk_value	v = rk_value_of_datum(p, INT8ARRAYOID, rk_arg_datum(call, name), false);

		*count = v.integers.count;
		return v.integers.values;
	}
	deconstruct_array(DatumGetArrayTypeP(rk_arg_datum(call, name)), INT4OID, 4, true, TYPALIGN_INT,
					  &elements, NULL, &n);
	values = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		values[i] = DatumGetInt32(elements[i]);
	*count = n;
	return values;
}

char **
rk_arg_text_array(const rk_call *call, const char *name, int64 *count)
{
	Datum	   *elements;
	bool	   *nulls;
	char	  **values;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(rk_arg_datum(call, name)), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &n);
	values = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("array \"%s\" must not contain NULLs", name)));
		values[i] = TextDatumGetCString(elements[i]);
	}
	*count = n;
	return values;
}

/* ---- fields of a row given as an argument ---- */

/* Value and type of a field; false when it is not there or NULL. */
static bool
find_field(const rk_call *call, const char *name, const char *field, Datum *value, Oid *type, bool *there)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(rk_arg_datum(call, name));
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	bool		is_null = true;

	*there = false;
	for (int i = 0; i < desc->natts && !*there; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), field) != 0)
			continue;
		*there = true;
		*type = getBaseType(att->atttypid);
		*value = heap_getattr(&tuple, i + 1, desc, &is_null);
	}
	ReleaseTupleDesc(desc);
	return !is_null;
}

static void
wrong_field(const char *name, const char *field, Oid type, const char *accepted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of \"%s\" has type %s", field, name, format_type_be(type)),
			 errdetail("Accepted are %s.", accepted)));
}

/* A field of any type of number. */
static bool
number_field(const rk_call *call, const char *name, const char *field, Datum *value, Oid *type)
{
	bool		there;

	if (!find_field(call, name, field, value, type, &there))
		return false;
	if (!rk_is_number_type(*type))
		wrong_field(name, field, *type, "smallint, integer, bigint, real, double precision and numeric");
	return true;
}

bool
rk_arg_field_float8(const rk_call *call, const char *name, const char *field, double *value)
{
	Datum		datum;
	Oid			type;

	if (!number_field(call, name, field, &datum, &type))
		return false;
	*value = rk_number_to_double(datum, type);
	return true;
}

bool
rk_arg_field_amount(const rk_call *call, const char *name, const char *field, rk_amount *value)
{
	Datum		datum;
	Oid			type;

	if (!number_field(call, name, field, &datum, &type))
		return false;
	*value = amount_of(field, rk_number_to_numeric(datum, type));
	return true;
}

bool
rk_arg_field_boolean(const rk_call *call, const char *name, const char *field, bool *value)
{
	Datum		datum;
	Oid			type;
	bool		there;

	if (!find_field(call, name, field, &datum, &type, &there))
		return false;
	if (type != BOOLOID)
		wrong_field(name, field, type, "booleans");
	*value = DatumGetBool(datum);
	return true;
}

char *
rk_arg_field_text(const rk_call *call, const char *name, const char *field)
{
	Datum		datum;
	Oid			type;
	bool		there;

	if (!find_field(call, name, field, &datum, &type, &there))
		return NULL;
	if (rk_id_storage_type(type) != TEXTOID)
		wrong_field(name, field, type, "text and varchar");
	return type == NAMEOID ? pstrdup(NameStr(*DatumGetName(datum))) : TextDatumGetCString(datum);
}

bool
rk_arg_has_field(const rk_call *call, const char *name, const char *field)
{
	Datum		datum;
	Oid			type;
	bool		there;

	find_field(call, name, field, &datum, &type, &there);
	return there;
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
	char	   *id;

	if (mark == NULL || e->node < 0)
		return pstrdup(e->message);
	id = call->node_name ? call->node_name(call->node_name_arg, e->node) :
		psprintf("%lld", (long long) e->node);
	/* an id that does not show is quoted */
	if (id[strspn(id, " \t\n\r")] == '\0')
		id = psprintf("\"%s\"", id);
	return psprintf("%.*s%s%s", (int) (mark - e->message), e->message, id, mark + strlen("%node"));
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

bool
rk_call_interrupted(void *arg)
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

	if (rk_device == RK_DEVICE_CUDA && kernel && !rk_device_has_form(kernel->id, function->suffix))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rk.%s has no form for CUDA devices", rk_sql_name(kernel, function)),
				 errhint("SET rk.device = auto;")));
	call->memory = memory;
	call->kernel = kernel;
	call->function = function;
	call->run_id = kernel ? ++last_run_id : 0;
	call->started = GetCurrentTimestamp();
	call->device = "cpu";
	rk_ctx_init(&call->ctx);
	call->ctx.interrupted = rk_call_interrupted;
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

/* Scans of a function in a plan, and the type that the only one has for a column. */
typedef struct scan_search
{
	Oid			function;
	AttrNumber	column;
	int			scans;
	Oid			type;
} scan_search;

static void
search_plan(const Plan *plan, scan_search *s)
{
	ListCell   *lc;
	List	   *children = NIL;

	if (plan == NULL)
		return;
	check_stack_depth();
	if (IsA(plan, FunctionScan))
	{
		const FunctionScan *scan = (const FunctionScan *) plan;
		const FuncExpr *call = (const FuncExpr *) ((RangeTblFunction *) linitial(scan->functions))->funcexpr;

		if (!IsA(call, FuncExpr) || call->funcid != s->function)
			return;
		s->scans++;
		foreach(lc, pull_var_clause((Node *) plan->targetlist, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
									PVC_RECURSE_PLACEHOLDERS))
		{
			const Var  *var = lfirst(lc);

			if (var->varno == scan->scan.scanrelid && var->varattno == s->column)
				s->type = var->vartype;
		}
		return;
	}
	if (IsA(plan, Append))
		children = ((const Append *) plan)->appendplans;
	else if (IsA(plan, SubqueryScan))
		search_plan(((const SubqueryScan *) plan)->subplan, s);
	foreach(lc, children)
		search_plan(lfirst(lc), s);
	search_plan(outerPlan(plan), s);
	search_plan(innerPlan(plan), s);
}

/*
 * The type that the query was parsed with for a column of the function, as far
 * as the plan tells: the parser looks for the type of a polymorphic argument
 * before it has put named arguments in order, so that it may take another one's.
 */
static Oid
parsed_type(FunctionCallInfo fcinfo, int column)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	EState	   *estate = rsinfo->econtext ? rsinfo->econtext->ecxt_estate : NULL;
	scan_search s = {fcinfo->flinfo->fn_oid, (AttrNumber) (column + 1)};
	ListCell   *lc;

	if (estate == NULL || estate->es_plannedstmt == NULL)
		return InvalidOid;
	search_plan(estate->es_plannedstmt->planTree, &s);
	foreach(lc, estate->es_plannedstmt->subplans)
		search_plan(lfirst(lc), &s);
	return s.scans == 1 ? s.type : InvalidOid;
}

/*
 * The type that the caller expects for ids of a kind: that of the first column
 * of this kind in the result.  Raises the error of an id_type that stands in a
 * wrong place: the row that the query was planned with then differs from the
 * one that the arguments mean.
 */
static Oid
expected_ids(FunctionCallInfo fcinfo, const rk_call *call, TupleDesc planned, bool second)
{
	const rk_column *columns = call->function->columns;
	const char *param = second ? call->function->id2_name : "id_type";
	rk_type		one = second ? RK_TYPE_ID2 : RK_TYPE_ID;
	rk_type		array = second ? RK_TYPE_ID2_ARRAY : RK_TYPE_ID_ARRAY;
	TupleDesc	meant;

	if (!(second ? rk_returns_second_ids(call->function) : rk_returns_ids(call->function)))
		return InvalidOid;
	if (get_call_result_type(fcinfo, NULL, &meant) != TYPEFUNC_COMPOSITE)
		meant = planned;
	for (int i = 0; columns[i].name != NULL; i++)
	{
		Oid			type = TupleDescAttr(meant, i)->atttypid;
		Oid			parsed;

		if (columns[i].type != one && columns[i].type != array)
			continue;
		parsed = parsed_type(fcinfo, i);
		if (planned->natts != meant->natts || TupleDescAttr(planned, i)->atttypid != type ||
			(OidIsValid(parsed) && parsed != type))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("%s does not stand where its type is looked for", param),
					 errhint("Write %s directly after \"%s\": rk.%s(..., %s => NULL::%s, ...).", param,
							 call->function->params[rk_mandatory_count(call->function) - 1].name,
							 rk_sql_name(call->kernel, call->function), param, format_type_be(type))));
		return columns[i].type == one ? type : get_element_type(type);
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

/* Whether the declared type of an argument of the function is this. */
static bool
declared_as(FunctionCallInfo fcinfo, int arg, Oid type)
{
	Oid		   *types;
	int			count;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	return arg < count && types[arg] == type;
}

/*
 * Reads the arguments of the form without id_type, of those with it or the
 * second kind's behind the mandatory ones, and of the form with a graph, which
 * stands first.
 */
static void
take_arguments(FunctionCallInfo fcinfo, rk_call *call, int type_arguments)
{
	const rk_function *function = call->function;
	int			mandatory = rk_mandatory_count(function);
	int			arg = 0;

	call->array_form = function->array_form && declared_as(fcinfo, 0, FLOAT8ARRAYOID);
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
		if (i == mandatory)
			arg += type_arguments;
		call->nulls[i] = PG_ARGISNULL(arg);
		call->args[i] = PG_GETARG_DATUM(arg);
		if (function->params[i].type == RK_TYPE_ID)
			call->arg_types[i] = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, arg));
		if (i == 0 && call->array_form && call->nulls[0])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"%s\" must not be NULL", function->params[0].name)));
		if (i > 0 || !call->array_form)
			rk_check_argument(call, i);
		arg++;
	}
}

/* Checks that an argument which only carries a type is NULL. */
static void
check_type_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (!PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" carries a type, its value must be NULL", name),
				 errhint("Write %s => NULL::%s, and optional parameters by name.", name,
						 format_type_be(get_fn_expr_argtype(fcinfo->flinfo, arg)))));
}

Datum
rk_call_from_sql(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const rk_kernel *kernel = rk_find_kernel(id);
	const rk_function *function = rk_find_function(kernel, suffix);
	int			mandatory = rk_mandatory_count(function);
	int			type_arguments = PG_NARGS() - rk_param_count(function);
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
	take_arguments(fcinfo, call, Max(type_arguments, 0));
	if (type_arguments > 0)
	{
		bool		first = declared_as(fcinfo, mandatory, ANYELEMENTOID);

		if (first)
			check_type_argument(fcinfo, mandatory, "id_type");
		if (!first || type_arguments == 2)
			check_type_argument(fcinfo, mandatory + type_arguments - 1, function->id2_name);
	}
	call->expected_id_type = expected_ids(fcinfo, call, rsinfo->expectedDesc, false);
	call->expected_id2_type = expected_ids(fcinfo, call, rsinfo->expectedDesc, true);

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

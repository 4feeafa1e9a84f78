/*
 * execute.c
 *	  rk.execute and rk.explain: kernels by id, arguments from jsonb.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "call.h"
#include "catalogue.h"
#include "cost.h"
#include "types.h"
#include "../device/device.h"
#include "../relation/context.h"
#include "../relation/emit.h"

/*
 * Finds what "graph/pagerank", or the function's own name, or "graph/shortest-path_between" for a
 * companion, names.
 */
static void
find_by_id(const char *id, const rk_kernel **kernel, const rk_function **function)
{
	const char *underscore = strchr(id, '_');

	*kernel = rk_find_kernel(id);
	*function = *kernel ? &(*kernel)->functions[0] : NULL;
	if (*kernel == NULL && underscore)
	{
		*kernel = rk_find_kernel(pnstrdup(id, underscore - id));
		*function = *kernel ? rk_find_function(*kernel, underscore) : NULL;
	}
	/* a companion whose function has a name of its own */
	for (int r = 0; *function == NULL && rk_rooms[r] != NULL; r++)
		for (const rk_kernel *k = rk_rooms[r]; k->id != NULL; k++)
			for (const rk_function *f = k->functions; f->params != NULL; f++)
				if (f->sql_name && strcmp(f->sql_name, id) == 0)
				{
					*kernel = k;
					*function = f;
				}
	if (*kernel == NULL || *function == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("kernel \"%s\" does not exist", id),
				 errhint("SELECT id FROM rk.kernels; lists all.")));
}

/* Names of all parameters, for an error. */
static char *
param_names(const rk_function *f)
{
	StringInfoData s;

	initStringInfo(&s);
	for (int i = 0; f->params[i].name != NULL; i++)
		appendStringInfo(&s, "%s%s", i ? ", " : "", f->params[i].name);
	return s.data;
}

static void
wrong_type(const rk_param *p)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("value of \"%s\" in the input is not of type %s", p->name,
					p->type == RK_TYPE_RELATION ? "string or array of objects" :
					p->type == RK_TYPE_ID ? "string or number" : rk_type_words(p->type))));
}

/* A JSON value as text: strings as they are, the rest as JSON. */
static char *
value_text(const JsonbValue *v)
{
	if (v->type == jbvString)
		return pnstrdup(v->val.string.val, v->val.string.len);
	if (v->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	if (v->type == jbvBool)
		return pstrdup(v->val.boolean ? "true" : "false");
	return JsonbToCString(NULL, v->val.binary.data, v->val.binary.len);
}

/* A JSON number as an integer of the parameter's type. */
static int64
value_integer(const rk_param *p, const JsonbValue *v)
{
	Datum		number = NumericGetDatum(v->val.numeric);
	Datum		whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	const char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, whole));
	int64		result;

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, whole)))
		wrong_type(p);
	errno = 0;
	result = strtoll(digits, NULL, 10);
	if (errno != 0 || (p->type == RK_TYPE_INT4 && (result < PG_INT32_MIN || result > PG_INT32_MAX)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value of \"%s\" in the input is out of range for type %s: %s", p->name,
						rk_type_words(p->type), digits)));
	return result;
}

/* The elements of a JSON array as a Datum of an array type. */
static Datum
array_argument(const rk_param *p, const JsonbValue *v)
{
	Oid			element = get_element_type(rk_type_oid(p->type, INT8OID, INT8OID));
	Oid			input;
	Oid			io_param;
	int16		length;
	bool		by_value;
	char		align;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	e;
	Datum	   *elements;
	int			count = 0;

	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		wrong_type(p);
	elements = palloc(sizeof(Datum) * Max(JsonContainerSize(v->val.binary.data), 1));
	getTypeInputInfo(element, &input, &io_param);
	get_typlenbyvalalign(element, &length, &by_value, &align);
	it = JsonbIteratorInit(v->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &e, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (e.type != jbvString && e.type != jbvNumeric)
			wrong_type(p);
		elements[count++] = OidInputFunctionCall(input, value_text(&e), io_param, -1);
	}
	return PointerGetDatum(construct_array(elements, count, element, length, by_value, align));
}

/*
 * Whether a value stands for the array of a function's second form: numbers, or
 * null where one is missing.  Rows of a relation are objects; an empty array has
 * no rows.
 */
static bool
is_array_form(const rk_call *call, int i, const JsonbValue *v)
{
	JsonbValue *first;

	if (i != 0 || !call->function->array_form || v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data) ||
		JsonContainerSize(v->val.binary.data) == 0)
		return false;
	first = getIthJsonbValueFromContainer(v->val.binary.data, 0);
	return first->type == jbvNumeric || first->type == jbvNull;
}

/* Its elements; what is no number is an error that says where it is. */
static Datum
float8_array(const rk_param *p, JsonbContainer *array)
{
	int			count = JsonContainerSize(array);
	Datum	   *elements = palloc(sizeof(Datum) * count);
	bool	   *nulls = palloc(sizeof(bool) * count);
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	e;
	int			n = 0;
	int			lower = 1;

	while ((token = JsonbIteratorNext(&it, &e, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (e.type != jbvNumeric && e.type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("element %d of \"%s\" in the input is not a number", n + 1, p->name),
					 errhint("Values of one series are numbers or null, rows of a relation are objects.")));
		nulls[n] = e.type == jbvNull;
		elements[n] = nulls[n] ? (Datum) 0 : DirectFunctionCall1(numeric_float8, NumericGetDatum(e.val.numeric));
		n++;
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &n, &lower, FLOAT8OID, 8, FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE));
}

/* Sets argument i from a JSON value. */
static void
set_argument(rk_call *call, int i, const JsonbValue *v)
{
	const rk_param *p = &call->function->params[i];
	bool		right = v->type == jbvString;
	Oid			input;
	Oid			io_param;

	call->nulls[i] = v->type == jbvNull;
	if (call->nulls[i])
		return;
	if (is_array_form(call, i, v))
	{
		call->array_form = true;
		call->args[i] = float8_array(p, v->val.binary.data);
		return;
	}
	switch (p->type)
	{
		case RK_TYPE_FLOAT8:
		case RK_TYPE_INT4:
		case RK_TYPE_INT8:
		case RK_TYPE_NUMERIC:
			if (v->type != jbvNumeric)
				wrong_type(p);
			if (p->type == RK_TYPE_INT4)
			{
				call->args[i] = Int32GetDatum((int32) value_integer(p, v));
				return;
			}
			if (p->type == RK_TYPE_INT8)
			{
				call->args[i] = Int64GetDatum(value_integer(p, v));
				return;
			}
			right = true;
			break;
		case RK_TYPE_BOOLEAN:
			right = v->type == jbvBool;
			break;
		case RK_TYPE_RELATION:
			right = v->type == jbvString || v->type == jbvBinary;
			break;
		case RK_TYPE_JSONB:
			right = true;
			break;
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			if (v->type != jbvString && v->type != jbvNumeric)
				wrong_type(p);
			/* read as an id of the data once its type is known */
			call->args[i] = CStringGetTextDatum(value_text(v));
			call->arg_types[i] = UNKNOWNOID;
			return;
		case RK_TYPE_INT8_ARRAY:
		case RK_TYPE_INT4_ARRAY:
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_TEXT_ARRAY:
		case RK_TYPE_NUMERIC_ARRAY:
		case RK_TYPE_TIMESTAMPTZ_ARRAY:
			call->args[i] = array_argument(p, v);
			return;
		case RK_TYPE_RECORD:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("parameter \"%s\" is a row, which JSON cannot give", p->name),
					 errhint("SELECT ... FROM your_table t, rk.%s(t);", rk_sql_name(call->kernel, call->function))));
		default:
			break;
	}
	if (!right)
		wrong_type(p);
	if (p->type == RK_TYPE_JSONB)
	{
		call->args[i] = PointerGetDatum(JsonbValueToJsonb((JsonbValue *) v));
		return;
	}
	getTypeInputInfo(rk_type_oid(p->type, INT8OID, INT8OID), &input, &io_param);
	call->args[i] = OidInputFunctionCall(input, value_text(v), io_param, -1);
}

/* The default of a parameter, as SQL in the descriptor. */
static void
set_default(rk_call *call, int i)
{
	const rk_param *p = &call->function->params[i];

	if (p->initial == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input of kernel \"%s\" lacks \"%s\"", call->kernel->id, p->name),
				 errhint("Parameters are: %s.", param_names(call->function))));
	call->args[i] = rk_default_datum(p, &call->nulls[i]);
}

/* Arguments from a jsonb object; unknown keys are an error. */
static void
set_arguments(rk_call *call, Jsonb *input)
{
	const rk_function *f = call->function;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	bool		given[RK_MAX_PARAMS] = {0};
	int			current = -1;

	if (!JB_ROOT_IS_OBJECT(input))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input of kernel \"%s\" is not a JSON object", call->kernel->id)));
	it = JsonbIteratorInit(&input->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *name = pnstrdup(v.val.string.val, v.val.string.len);

			current = -1;
			for (int i = 0; f->params[i].name != NULL; i++)
				if (strcmp(f->params[i].name, name) == 0)
					current = i;
			if (current < 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("kernel \"%s\" has no parameter \"%s\"", call->kernel->id, name),
						 errhint("Parameters are: %s.", param_names(f))));
		}
		else if (token == WJB_VALUE && current >= 0)
		{
			set_argument(call, current, &v);
			given[current] = true;
		}
	}
	for (int i = 0; f->params[i].name != NULL; i++)
	{
		if (!given[i])
			set_default(call, i);
		if (i == 0 && call->array_form)
			continue;
		/* a scalar answers NULL with NULL */
		if (f->shape != RK_SHAPE_SCALAR || !call->nulls[i])
			rk_check_argument(call, i);
	}
}

/* An aggregate needs rows: says how it is called. */
static void
refuse_aggregate(const rk_kernel *kernel, const rk_function *function)
{
	if (function->shape == RK_SHAPE_AGGREGATE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("kernel \"%s%s\" is an aggregate and is not run by its id", kernel->id, function->suffix),
				 errhint("SELECT rk.%s(%s) FROM your_table;", rk_sql_name(kernel, function), param_names(function))));
}

/* True when a scalar has a NULL where it wants a value: its answer is NULL. */
static bool
answers_null(const rk_call *call)
{
	const rk_function *f = call->function;

	if (f->shape != RK_SHAPE_SCALAR)
		return false;
	for (int i = 0; f->params[i].name != NULL; i++)
		if (call->nulls[i] && !f->params[i].nullable &&
			!(f->params[i].initial && strcmp(f->params[i].initial, "NULL") == 0))
			return true;
	return false;
}

/*
 * rk_execute runs a relation kernel, its rows being the answer, or a scalar
 * kernel, whose answer is one row.
 */
PG_FUNCTION_INFO_V1(rk_execute);

Datum
rk_execute(PG_FUNCTION_ARGS)
{
	const rk_kernel *kernel;
	const rk_function *function;
	rk_call    *call;
	TupleTableSlot *slot;
	StringInfoData json;
	MemoryContext row_memory;
	bool		first = true;
	Datum		result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	find_by_id(text_to_cstring(PG_GETARG_TEXT_PP(0)), &kernel, &function);
	rk_check_version();
	refuse_aggregate(kernel, function);
	call = rk_call_create(kernel, function);
	set_arguments(call, PG_GETARG_JSONB_P(1));
	call->rows = tuplestore_begin_heap(false, false, work_mem);
	call->rows_memory = CurrentMemoryContext;
	if (!answers_null(call))
		rk_call_run(call, rk_find_binding(kernel, function)->binding);
	rk_result_ready(call);

	/* rows as json, which keeps every digit; run from last_run */
	initStringInfo(&json);
	appendStringInfoString(&json, "{\"rows\": [");
	slot = MakeSingleTupleTableSlot(call->desc, &TTSOpsMinimalTuple);
	row_memory = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES);
	while (tuplestore_gettupleslot(call->rows, true, false, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(row_memory);
		text	   *row = DatumGetTextPP(DirectFunctionCall1(row_to_json, ExecFetchSlotHeapTupleDatum(slot)));

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(old);
		if (!first)
			appendStringInfoString(&json, ", ");
		first = false;
		appendBinaryStringInfo(&json, VARDATA_ANY(row), VARSIZE_ANY_EXHDR(row));
		MemoryContextReset(row_memory);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(call->rows);
	appendStringInfo(&json, "], \"run\": {\"run_id\": %lld, \"kernel\": \"%s\", \"rows_in\": %lld, \"rows_out\": %lld, \"threads\": %d, \"device\": \"%s\"",
					 (long long) call->run_id, kernel->id, (long long) call->rows_in,
					 (long long) call->rows_out, call->ctx.threads, call->device);
	if (call->run.iterative)
		appendStringInfo(&json, ", \"iterations\": %d, \"converged\": %s", call->run.iterations,
						 call->run.converged ? "true" : "false");
	if (call->details)
		appendStringInfo(&json, ", \"details\": {%s}", call->details->data);
	appendStringInfoString(&json, "}}");
	rk_call_destroy(call);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	PG_RETURN_DATUM(result);
}

PG_FUNCTION_INFO_V1(rk_explain);

Datum
rk_explain(PG_FUNCTION_ARGS)
{
	const rk_kernel *kernel;
	const rk_function *function;
	rk_call    *call;
	const rk_param *relation = NULL;
	rk_estimate input;
	rk_run_cost cost;
	TupleDesc	desc;
	Datum		values[8];
	bool		nulls[8] = {0};
	Datum		warnings[2];
	int			warning_count = 0;
	double		read_ms;
	double		compute_ms;
	double		iterations = 20;
	int64		memory;
	int			threads;
	const char *device;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	find_by_id(text_to_cstring(PG_GETARG_TEXT_PP(0)), &kernel, &function);
	refuse_aggregate(kernel, function);
	call = rk_call_create(kernel, function);
	set_arguments(call, PG_GETARG_JSONB_P(1));
	threads = call->ctx.threads;

	/* the first relation that is given; an array needs none */
	for (int i = 0; !call->array_form && function->params[i].name != NULL && relation == NULL; i++)
		if (function->params[i].relation != NULL && !call->nulls[i])
			relation = &function->params[i];
	if (relation == NULL && !call->array_form)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("kernel \"%s\" reads no relation, so there is nothing to estimate", kernel->id)));
	/* its errors are the caller's to see: open it once for real */
	if (relation && rk_is_context_name(rk_arg_text(call, relation->name)))
		(void) rk_context_open(call, relation->name, rk_arg_text(call, relation->name));
	else if (relation)
		(void) rk_source_open(relation->name, rk_arg_text(call, relation->name), relation->relation, InvalidOid);
	if (relation)
		input = rk_estimate_edges(relation->name, rk_arg_text(call, relation->name), relation->relation);
	else
	{
		double		n = ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(call->args[0])), ARR_DIMS(DatumGetArrayTypeP(call->args[0])));

		input = (rk_estimate) {
			.rows = n,.nodes = n,.bytes = 8 * n,.id_type = INT8OID,.known = true
		};
	}
	cost = rk_cost_of_run(kernel, function, &input, iterations);
	memory = rk_memory_of_run(call, &input);
	device = rk_device_explain(call, &(rk_graph_size) {
		.nodes = (int64) input.nodes,.arcs = (int64) input.rows,.weighted = input.weighted,.threads = threads,
		.kept = relation && rk_is_context_name(rk_arg_text(call, relation->name))
	});
	rk_call_destroy(call);

	if (!input.known)
		warnings[warning_count++] = CStringGetTextDatum("number of nodes is not known before a prepared graph is read");
	if (memory > (int64) rk_memory_limit_kb * 1024)
		warnings[warning_count++] = CStringGetTextDatum("memory is above rk.memory_limit: the run would be refused");
	read_ms = input.prepared ? 0 : input.rows * 30e-6;
	compute_ms = cost.compute_ns * 1e-6 / threads;
	values[0] = Int64GetDatum((int64) input.rows);
	values[1] = Int64GetDatum((int64) input.bytes);
	values[2] = Int64GetDatum(memory);
	values[3] = CStringGetTextDatum(device);
	values[4] = Int32GetDatum(threads);
	values[5] = DirectFunctionCall1(jsonb_in,
									CStringGetDatum(psprintf("{\"reading\": %.0f, \"computing\": %.0f}",
															 read_ms * 1000, compute_ms * 1000)));
	values[6] = Float8GetDatum(read_ms + compute_ms);
	values[7] = PointerGetDatum(construct_array(warnings, warning_count, TEXTOID, -1, false, TYPALIGN_INT));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

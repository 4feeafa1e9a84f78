/*
 * aggregate.c
 *	  The gate of aggregate kernels.
 *
 * PostgreSQL calls a transition function for every row, a combine function
 * for the states of parallel workers, a final function for the result, and in
 * a moving window functions that add and remove rows.  All of them are here,
 * once for every kernel; the kernel is the plain functions of
 * compute/aggregate.h.
 *
 * What the gate keeps for a group: how many rows it has, the values of the
 * constant parameters, and the kernel's state, which lives in the context of
 * the aggregation.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "call.h"
#include "catalogue.h"
#include "types.h"

#define STATE_MAGIC 0x524b4147	/* also shows a foreign byte order */

/* Kept in fn_extra of each support function. */
typedef struct aggregate_site
{
	const rk_kernel *kernel;
	const rk_function *function;
	const rk_aggregate *aggregate;
	int			params;
	int			given;			/* parameters that the call has */
	int			constants;
	int			columns;
	Oid			types[RK_MAX_PARAMS];
	rk_value	args[RK_MAX_PARAMS];	/* the defaults of the rest stay */
	rk_call		call;			/* context and errors only */
	TupleDesc	desc;
	Oid			result_type;
} aggregate_site;

typedef struct group_state
{
	int64		rows;
	rk_buffer	buffer;
	rk_value	constants[FLEXIBLE_ARRAY_MEMBER];
} group_state;

/* What goes between processes: this, the constants, the kernel's bytes. */
typedef struct state_header
{
	uint32		magic;
	uint32		constants;
	int64		rows;
	int64		length;
} state_header;

static void
release_site(void *arg)
{
	aggregate_site *site = arg;

	rk_ctx_destroy(&site->call.ctx);
}

static aggregate_site *
site_of(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	aggregate_site *site = fcinfo->flinfo->fn_extra;
	MemoryContextCallback *callback;
	MemoryContext old;

	if (site)
		return site;
	rk_check_version();
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site = palloc0(sizeof(aggregate_site));
	callback = palloc0(sizeof(MemoryContextCallback));
	site->kernel = rk_find_kernel(id);
	site->function = rk_find_function(site->kernel, suffix);
	site->aggregate = rk_find_binding(site->kernel, site->function)->aggregate;
	site->params = rk_param_count(site->function);
	site->columns = rk_column_count(site->function);
	/* the first argument is the state */
	site->given = Min(PG_NARGS() - 1, site->params);
	for (int i = 0; i < site->params; i++)
	{
		const rk_param *p = &site->function->params[i];
		bool		is_null;

		site->constants += p->constant;
		site->types[i] = rk_type_oid(p->type, INT8OID, INT8OID);
		if (i < site->given && (p->type == RK_TYPE_ID || p->type == RK_TYPE_ID2))
		{
			Oid			real = get_fn_expr_argtype(fcinfo->flinfo, i + 1);

			site->types[i] = OidIsValid(real) ? getBaseType(real) : INT8OID;
		}
		if (i >= site->given && p->initial)
		{
			Datum		datum = rk_default_datum(p, &is_null);

			site->args[i] = rk_value_of_datum(p, site->types[i], datum, is_null);
		}
	}
	rk_ctx_init(&site->call.ctx);
	site->call.kernel = site->kernel;
	site->call.function = site->function;
	callback->func = release_site;
	callback->arg = site;
	MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, callback);
	fcinfo->flinfo->fn_extra = site;
	MemoryContextSwitchTo(old);
	return site;
}

static MemoryContext
aggregate_memory(FunctionCallInfo fcinfo)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		elog(ERROR, "support function of an aggregate called outside of one");
	return memory;
}

static void *
resize(void *owner, void *p, size_t size)
{
	if (size > (size_t) rk_memory_limit_kb * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("state of an aggregate needs more memory than rk.memory_limit permits"),
				 errdetail("The state of one group has grown to %lld MB.", (long long) (size >> 20)),
				 errhint("SET rk.memory_limit = '%lldMB';", (long long) (size >> 20) * 2)));
	return p ? repalloc_huge(p, size) : MemoryContextAllocHuge((MemoryContext) owner, size);
}

static group_state *
make_state(const aggregate_site *site, MemoryContext memory)
{
	Size		size = offsetof(group_state, constants) + sizeof(rk_value) * site->constants;
	group_state *state = MemoryContextAllocZero(memory, size);

	state->buffer.resize = resize;
	state->buffer.owner = memory;
	return state;
}

/* Runs a step of the kernel and raises its error. */
static void
check(aggregate_site *site, rk_status status)
{
	if (status == RK_OK)
		return;
	rk_call_check(&site->call, status);
}

/* An error of before, caught by the caller, is not one of now. */
static void
forget_error(aggregate_site *site)
{
	rk_error   *e = &site->call.ctx.error;

	if (e->status != RK_OK)
	{
		e->status = RK_OK;
		e->detail[0] = e->hint[0] = '\0';
	}
}

/* Gives back what a step has allocated for itself. */
static void
release_step(aggregate_site *site)
{
	if (site->call.ctx.blocks == NULL)
		return;
	rk_ctx_destroy(&site->call.ctx);
	rk_ctx_init(&site->call.ctx);
}

/* The row's values into site->args; false when the row does not count. */
static bool
read_row(FunctionCallInfo fcinfo, aggregate_site *site)
{
	for (int i = 0; i < site->given; i++)
	{
		const rk_param *p = &site->function->params[i];
		bool		is_null = PG_ARGISNULL(i + 1);

		if (is_null && !p->nullable && !p->constant)
			return false;
	}
	for (int i = 0; i < site->given; i++)
	{
		const rk_param *p = &site->function->params[i];
		bool		is_null = PG_ARGISNULL(i + 1);
		Datum		datum = PG_GETARG_DATUM(i + 1);

		rk_check_value(p, datum, is_null);
		site->args[i] = rk_value_of_datum(p, site->types[i], datum, is_null);
	}
	return true;
}

static bool
same_value(const rk_param *p, const rk_value *a, const rk_value *b)
{
	if (a->null || b->null)
		return a->null == b->null;
	switch (p->type)
	{
		case RK_TYPE_FLOAT8:
			return a->number == b->number;
		case RK_TYPE_BOOLEAN:
			return a->truth == b->truth;
		case RK_TYPE_NUMERIC:
			return a->amount.value == b->amount.value && a->amount.scale == b->amount.scale;
		default:
			return a->integer == b->integer;
	}
}

/* Takes the constants of the first row and compares those of the others. */
static void
take_constants(const aggregate_site *site, group_state *state, const rk_value *args)
{
	int			c = 0;

	for (int i = 0; i < site->params && c < site->constants; i++)
	{
		const rk_param *p = &site->function->params[i];

		if (!p->constant)
			continue;
		if (state->rows == 0)
			state->constants[c] = args[i];
		else if (!same_value(p, &state->constants[c], &args[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" of %s differs between rows", p->name,
							rk_sql_name(site->kernel, site->function)),
					 errdetail("It must be the same in all rows of a group.")));
		c++;
	}
}

/* Head of a state, zeroed, before its first row. */
static void
start_state(aggregate_site *site, group_state *state)
{
	void	   *head;

	state->buffer.length = 0;
	head = rk_buffer_extend(&site->call.ctx, &state->buffer, site->aggregate->head);
	memset(head, 0, site->aggregate->head);
}

Datum
rk_aggregate_transition(FunctionCallInfo fcinfo, const char *id, const char *suffix, bool moving)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	aggregate_site *site = site_of(fcinfo, id, suffix);
	group_state *state = PG_ARGISNULL(0) ? NULL : (group_state *) PG_GETARG_POINTER(0);
	const rk_aggregate *a = site->aggregate;
	bool		counts = read_row(fcinfo, site);

	/* a moving window wants a state even before the first row that counts */
	if (state == NULL && (counts || moving))
		state = make_state(site, memory);
	if (state == NULL)
		PG_RETURN_NULL();
	if (counts)
	{
		forget_error(site);
		take_constants(site, state, site->args);
		if (state->rows == 0)
			start_state(site, state);
		check(site, (moving && a->window_add ? a->window_add : a->accumulate)
			  (&site->call.ctx, &state->buffer, site->args));
		state->rows++;
	}
	PG_RETURN_POINTER(state);
}

Datum
rk_aggregate_remove(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	aggregate_site *site;
	group_state *state = (group_state *) PG_GETARG_POINTER(0);

	(void) aggregate_memory(fcinfo);
	site = site_of(fcinfo, id, suffix);
	if (read_row(fcinfo, site))
	{
		forget_error(site);
		check(site, site->aggregate->window_remove(&site->call.ctx, &state->buffer, site->args));
		state->rows--;
	}
	PG_RETURN_POINTER(state);
}

Datum
rk_aggregate_combine(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	aggregate_site *site = site_of(fcinfo, id, suffix);
	group_state *a = PG_ARGISNULL(0) ? NULL : (group_state *) PG_GETARG_POINTER(0);
	group_state *b = PG_ARGISNULL(1) ? NULL : (group_state *) PG_GETARG_POINTER(1);
	rk_value	args[RK_MAX_PARAMS];
	int			c = 0;

	if (b == NULL || b->rows == 0)
	{
		if (a == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(a);
	}
	if (a == NULL)
	{
		/* b lives in memory that goes with the row */
		a = make_state(site, memory);
		memcpy(rk_buffer_extend(&site->call.ctx, &a->buffer, b->buffer.length), b->buffer.data, b->buffer.length);
		memcpy(a->constants, b->constants, sizeof(rk_value) * site->constants);
		a->rows = b->rows;
		PG_RETURN_POINTER(a);
	}
	for (int i = 0; i < site->params; i++)
		if (site->function->params[i].constant)
			args[i] = b->constants[c++];
	take_constants(site, a, args);
	forget_error(site);
	check(site, site->aggregate->combine(&site->call.ctx, &a->buffer, &b->buffer));
	a->rows += b->rows;
	release_step(site);
	PG_RETURN_POINTER(a);
}

Datum
rk_aggregate_serialize(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	aggregate_site *site;
	group_state *state = (group_state *) PG_GETARG_POINTER(0);
	state_header header;
	Size		size;
	char	   *p;
	bytea	   *result;

	(void) aggregate_memory(fcinfo);
	site = site_of(fcinfo, id, suffix);
	header = (state_header) {STATE_MAGIC, site->constants, state->rows, state->buffer.length};
	size = VARHDRSZ + sizeof(header) + sizeof(rk_value) * site->constants + state->buffer.length;
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("state of an aggregate is too large to be passed between processes"),
				 errdetail("It has %lld MB.", (long long) (size >> 20)),
				 errhint("SET max_parallel_workers_per_gather = 0;")));
	result = palloc(size);
	SET_VARSIZE(result, size);
	p = VARDATA(result);
	memcpy(p, &header, sizeof(header));
	p += sizeof(header);
	memcpy(p, state->constants, sizeof(rk_value) * site->constants);
	p += sizeof(rk_value) * site->constants;
	if (state->buffer.length > 0)
		memcpy(p, state->buffer.data, state->buffer.length);
	PG_RETURN_BYTEA_P(result);
}

Datum
rk_aggregate_deserialize(FunctionCallInfo fcinfo, const char *id, const char *suffix)
{
	aggregate_site *site;
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	const char *p = VARDATA_ANY(bytes);
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	state_header header = {0};
	group_state *state;

	(void) aggregate_memory(fcinfo);
	site = site_of(fcinfo, id, suffix);
	state = make_state(site, CurrentMemoryContext);
	if (size >= sizeof(header))
		memcpy(&header, p, sizeof(header));
	if (header.magic != STATE_MAGIC || header.constants != site->constants || header.length < 0 ||
		size != sizeof(header) + sizeof(rk_value) * site->constants + header.length ||
		(header.rows > 0 && header.length < (int64) site->aggregate->head))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid state of aggregate %s", rk_sql_name(site->kernel, site->function))));
	p += sizeof(header);
	memcpy(state->constants, p, sizeof(rk_value) * site->constants);
	p += sizeof(rk_value) * site->constants;
	if (header.length > 0)
		memcpy(rk_buffer_extend(&site->call.ctx, &state->buffer, header.length), p, header.length);
	state->rows = header.rows;
	if (header.rows > 0 && site->aggregate->valid && !site->aggregate->valid(&state->buffer))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid state of aggregate %s", rk_sql_name(site->kernel, site->function))));
	PG_RETURN_POINTER(state);
}

Datum
rk_aggregate_final(FunctionCallInfo fcinfo, const char *id, const char *suffix, bool moving)
{
	aggregate_site *site;
	group_state *state = PG_ARGISNULL(0) ? NULL : (group_state *) PG_GETARG_POINTER(0);
	const rk_aggregate *a;
	rk_value	args[RK_MAX_PARAMS] = {0};
	rk_value   *results;
	Datum	   *values;
	bool	   *nulls;
	Datum		result = (Datum) 0;
	int			c = 0;

	(void) aggregate_memory(fcinfo);
	if (state == NULL || state->rows == 0)
		PG_RETURN_NULL();
	site = site_of(fcinfo, id, suffix);
	a = site->aggregate;
	if (!OidIsValid(site->result_type))
	{
		TupleDesc	desc = NULL;
		TypeFuncClass kind = get_call_result_type(fcinfo, &site->result_type, &desc);

		if (kind == TYPEFUNC_COMPOSITE)
		{
			MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

			site->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
			MemoryContextSwitchTo(old);
		}
	}
	for (int i = 0; i < site->params; i++)
		if (site->function->params[i].constant)
			args[i] = state->constants[c++];
	results = palloc0(sizeof(rk_value) * site->columns);
	values = palloc0(sizeof(Datum) * site->columns);
	nulls = palloc0(sizeof(bool) * site->columns);
	forget_error(site);
	check(site, (moving && a->window_finish ? a->window_finish : a->finish)
		  (&site->call.ctx, &state->buffer, args, results));
	for (int i = 0; i < site->columns; i++)
	{
		Oid			type = site->desc ? TupleDescAttr(site->desc, i)->atttypid : site->result_type;

		nulls[i] = results[i].null;
		if (!nulls[i])
			values[i] = rk_datum_of_value(site->function->columns[i].type, type, &results[i]);
	}
	release_step(site);
	if (site->function->composite)
		result = HeapTupleGetDatum(heap_form_tuple(site->desc, values, nulls));
	else if (nulls[0])
		PG_RETURN_NULL();
	else
		result = values[0];
	PG_RETURN_DATUM(result);
}

/*
 * last_run.c
 *	  What rk.last_run() shows: the last run of this session that succeeded.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "call.h"

typedef struct last_run
{
	const rk_kernel *kernel;	/* NULL: none yet */
	int64		run_id;
	TimestampTz started;
	int64		elapsed_us;
	int			threads;
	int64		rows_in;
	int64		rows_out;
	int64		memory_peak;
	rk_run		run;
	rk_phase_time phases[RK_MAX_PHASES];
	int			phase_count;
	char	   *details;		/* members of a JSON object; NULL: none */
	const char *device;			/* a constant */
	char	   *device_reason;	/* NULL: there was no choice */
	char	   *fallback_reason;	/* NULL: none was needed */
} last_run;

static last_run last;

/* A copy that stays, or NULL. */
static char *
keep(const char *text)
{
	return text ? MemoryContextStrdup(TopMemoryContext, text) : NULL;
}

static void
forget(char *text)
{
	if (text)
		pfree(text);
}

void
rk_last_run_store(const rk_call *call, int64 elapsed_us)
{
	forget(last.details);
	forget(last.device_reason);
	forget(last.fallback_reason);
	last = (last_run) {
		.kernel = call->kernel,
		.run_id = call->run_id,
		.started = call->started,
		.elapsed_us = elapsed_us,
		.threads = call->ctx.threads,
		.rows_in = call->rows_in,
		.rows_out = call->rows_out,
		.memory_peak = call->ctx.memory_peak,
		.run = call->run,
		.phase_count = call->phase_count,
		.device = call->device,
	};
	memcpy(last.phases, call->phases, sizeof(last.phases));
	last.details = call->details ? keep(call->details->data) : NULL;
	last.device_reason = keep(call->device_reason);
	last.fallback_reason = keep(call->fallback_reason);
}

/* Time of a phase in microseconds. */
static int64
phase_us(const char *name)
{
	for (int i = 0; i < last.phase_count; i++)
		if (strcmp(last.phases[i].name, name) == 0)
			return (int64) last.phases[i].us;
	return 0;
}

static Datum
jsonb_of_members(const char *members)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("{%s}", members)));
}

PG_FUNCTION_INFO_V1(rk_last_run);

Datum
rk_last_run(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[20];
	bool		nulls[20] = {0};
	StringInfoData phases;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (last.kernel == NULL)
	{
		memset(nulls, true, sizeof(nulls));
		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
	}
	initStringInfo(&phases);
	for (int i = 0; i < last.phase_count; i++)
		appendStringInfo(&phases, "%s\"%s\": %.0f", i ? ", " : "", last.phases[i].name, last.phases[i].us);
	values[0] = Int64GetDatum(last.run_id);
	values[1] = CStringGetTextDatum(last.kernel->id);
	values[2] = TimestampTzGetDatum(last.started);
	values[3] = Int64GetDatum(last.elapsed_us);
	values[4] = Int64GetDatum(phase_us("reading"));
	values[5] = Int64GetDatum(phase_us("computing"));
	values[6] = Int64GetDatum(phase_us("writing"));
	values[7] = CStringGetTextDatum(last.device);
	values[8] = Int32GetDatum(last.threads);
	values[9] = Int64GetDatum(last.rows_in);
	values[10] = Int64GetDatum(last.rows_out);
	values[11] = Int64GetDatum(last.memory_peak);
	nulls[12] = nulls[13] = nulls[14] = nulls[15] = !last.run.iterative;
	values[12] = Int32GetDatum(last.run.iterations);
	values[13] = Float8GetDatum(last.run.residual);
	values[14] = BoolGetDatum(last.run.converged);
	values[15] = BoolGetDatum(last.run.reached_max);
	values[16] = jsonb_of_members(phases.data);
	nulls[17] = last.details == NULL;
	if (last.details)
		values[17] = jsonb_of_members(last.details);
	nulls[18] = last.device_reason == NULL;
	if (last.device_reason)
		values[18] = CStringGetTextDatum(last.device_reason);
	nulls[19] = last.fallback_reason == NULL;
	if (last.fallback_reason)
		values[19] = CStringGetTextDatum(last.fallback_reason);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

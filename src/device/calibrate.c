/*
 * calibrate.c
 *	  rk.device_calibrate(), and the views of devices.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "../compute/random.h"
#include "../graph/centrality/centrality.h"
#include "device.h"

#define CALIBRATE_NODES 100000
#define CALIBRATE_EDGES 1000000
#define CALIBRATE_COPY ((Size) 64 * 1024 * 1024)

static double
seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* Raises the error that a kernel has left. */
static void
check(rk_ctx *ctx, rk_status status)
{
	char	   *message;

	if (status == RK_OK)
		return;
	message = pstrdup(ctx->error.message);
	rk_ctx_destroy(ctx);
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("could not measure the CPU: %s", message)));
}

/*
 * How much slower than costs.c says this machine is, by PageRank on one core:
 * the best of three.
 */
static double
measure_cpu(void)
{
	rk_ctx		ctx;
	rk_graph	g;
	rk_graph_options options = {.directed = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE};
	rk_pagerank_params params = {.damping = 0.85,.tolerance = 1e-300,.max_iterations = 10};
	rk_run		run;
	uint32	   *source;
	uint32	   *target;
	double	   *score;
	double		best = 0;

	rk_ctx_init(&ctx);
	source = rk_alloc(&ctx, CALIBRATE_EDGES, sizeof(uint32));
	target = rk_alloc(&ctx, CALIBRATE_EDGES, sizeof(uint32));
	score = rk_alloc(&ctx, CALIBRATE_NODES, sizeof(double));
	if (!source || !target || !score)
		check(&ctx, RK_ERR_MEMORY);
	for (int64 i = 0; i < CALIBRATE_EDGES; i++)
	{
		source[i] = rk_hash3(1, i, 1) % CALIBRATE_NODES;
		target[i] = rk_hash3(1, i, 2) % CALIBRATE_NODES;
	}
	check(&ctx, rk_graph_build(&ctx, &(rk_edges) {
		.nodes = CALIBRATE_NODES,.count = CALIBRATE_EDGES,.source = source,.target = target
	}, &options, &g));
	for (int i = 0; i < 3; i++)
	{
		instr_time	start;
		double		seconds;

		INSTR_TIME_SET_CURRENT(start);
		check(&ctx, rk_graph_pagerank(&ctx, &g, &params, score, &run));
		seconds = seconds_since(start);
		best = i == 0 ? seconds : Min(best, seconds);
	}
	best /= rk_device_pagerank_cost(g.nodes, g.arcs, false, false, 0.85, 1e-300, 10).cpu_seconds;
	rk_ctx_destroy(&ctx);
	return best;
}

/*
 * Bytes a second into a memory file and out of it again, as a run and the device
 * worker do it: memory that is made for it, and mapped anew by the other one.
 */
static double
measure_copy(void)
{
	char	   *from = palloc_extended(CALIBRATE_COPY, MCXT_ALLOC_HUGE);
	char	   *map;
	char	   *again;
	int			file;
	char		problem[RK_CUDA_TEXT];
	instr_time	start;
	double		seconds;

	memset(from, 1, CALIBRATE_COPY);
	INSTR_TIME_SET_CURRENT(start);
	/* an interrupt may leave it behind for the end of the session: it is small, and this is rare */
	if (!rk_device_memory(CALIBRATE_COPY, &file, &map, problem, sizeof(problem)))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not measure copies for the device: %s", problem)));
	memcpy(map, from, CALIBRATE_COPY);
	again = mmap(NULL, CALIBRATE_COPY, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (again != MAP_FAILED)
	{
		memcpy(from, again, CALIBRATE_COPY);
		munmap(again, CALIBRATE_COPY);
	}
	seconds = seconds_since(start);
	munmap(map, CALIBRATE_COPY);
	close(file);
	ReleaseExternalFD();
	/* read it, so that it is not left out */
	if (from[CALIBRATE_COPY - 1] != 1)
		elog(ERROR, "memory does not keep what is written");
	pfree(from);
	return CALIBRATE_COPY / seconds;
}

static void
require_shared(void)
{
	if (rk_the_devices == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rustkernels must be loaded via shared_preload_libraries")));
}

PG_FUNCTION_INFO_V1(rk_device_calibrate);

Datum
rk_device_calibrate(PG_FUNCTION_ARGS)
{
	rk_device_constants constants = {.measured = true};
	const char *problem;
	TupleDesc	desc;
	Datum		values[7];
	bool		nulls[7] = {0};

	require_shared();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!rk_device_measure(&constants, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no CUDA device is available"),
				 errdetail_internal("Because %s.", problem)));
	constants.copy_rate = measure_copy();
	constants.cpu_factor = measure_cpu();
	rk_device_constants_save(&constants);
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->constants = constants;
	LWLockRelease(&rk_the_devices->lock);
	values[0] = CStringGetTextDatum(constants.device);
	values[1] = Float8GetDatum(constants.transfer_rate);
	values[2] = Float8GetDatum(constants.memory_rate);
	values[3] = Float8GetDatum(constants.flop_rate);
	values[4] = Float8GetDatum(constants.launch_seconds * 1e6);
	values[5] = Float8GetDatum(constants.copy_rate);
	values[6] = Float8GetDatum(constants.cpu_factor);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

PG_FUNCTION_INFO_V1(rk_device_restart);

/* Ends the device worker and has it started anew. */
Datum
rk_device_restart(PG_FUNCTION_ARGS)
{
	const char *problem;
	bool		running;

	require_shared();
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	running = rk_the_devices->supervisor != 0 && rk_the_devices->state != RK_DEVICE_UNAVAILABLE;
	if (running)
	{
		rk_the_devices->restart = true;
		if (rk_the_devices->latch)
			SetLatch(rk_the_devices->latch);
	}
	else if (rk_the_devices->supervisor == 0)
		rk_the_devices->state = RK_DEVICE_IDLE;
	LWLockRelease(&rk_the_devices->lock);
	if (!running && !rk_device_start(&problem))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not start the device worker"),
				 errdetail_internal("Because %s.", problem)));
	PG_RETURN_VOID();
}

/* ---- views ---- */

/* What rk.devices says of the library when there is no worker to ask. */
static const char *
state_of(rk_devices *d, char *problem, Size size)
{
	static const char *const names[] = {"idle", "starting", "ready", "unavailable", "off"};
	const char *state = names[d->state];

	if (d->state == RK_DEVICE_IDLE)
	{
		char	   *library = rk_device_library_path();

		strlcpy(problem, "nobody has used it since the server started", size);
		if (access(library, R_OK) != 0)
		{
			snprintf(problem, size, "the device library \"%s\" is not installed", library);
			state = names[RK_DEVICE_UNAVAILABLE];
		}
	}
	else if (d->state == RK_DEVICE_OFF)
		snprintf(problem, size, "%s three times, off until %s", d->problem, timestamptz_to_str(d->retry_at));
	else
		strlcpy(problem, d->problem, size);
	return state;
}

PG_FUNCTION_INFO_V1(rk_device_list);

/* Rows of rk.devices: the CPU, then what was found. */
Datum
rk_device_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	rk_devices	d = {0};
	char		problem[RK_CUDA_TEXT * 2];
	const char *state;
	Datum		values[9];
	bool		nulls[9] = {false, false, false, false, true, true, true, true, true};

	InitMaterializedSRF(fcinfo, 0);
	values[0] = CStringGetTextDatum("cpu");
	values[1] = CStringGetTextDatum("cpu");
	values[2] = CStringGetTextDatum("ready");
	values[3] = BoolGetDatum(true);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);

	if (rk_the_devices)
	{
		LWLockAcquire(&rk_the_devices->lock, LW_SHARED);
		d.state = rk_the_devices->state;
		d.retry_at = rk_the_devices->retry_at;
		d.report = rk_the_devices->report;
		strlcpy(d.problem, rk_the_devices->problem, sizeof(d.problem));
		LWLockRelease(&rk_the_devices->lock);
		state = state_of(&d, problem, sizeof(problem));
	}
	else
	{
		state = "unavailable";
		strlcpy(problem, "rustkernels is not in shared_preload_libraries", sizeof(problem));
	}
	for (int i = 0; i < Max(1, d.report.device_count); i++)
	{
		const rk_cuda_device_info *info = &d.report.devices[i];
		bool		known = d.report.device_count > 0;
		bool		used = !known || i == d.report.device;
		const char *why = info->problem[0] ? info->problem : used ? problem : "rk.cuda_device names another one";

		values[0] = CStringGetTextDatum(known ? psprintf("cuda:%d", info->number) : "cuda");
		values[1] = CStringGetTextDatum(known ? info->name : "cuda");
		values[2] = CStringGetTextDatum(used ? state : "unused");
		values[3] = BoolGetDatum(used && strcmp(state, "ready") == 0);
		nulls[4] = why[0] == '\0';
		values[4] = CStringGetTextDatum(why);
		for (int c = 5; c < 9; c++)
			nulls[c] = !known;
		values[5] = CStringGetTextDatum(psprintf("%d.%d", info->major, info->minor));
		values[6] = Int64GetDatum(info->memory);
		values[7] = Int32GetDatum(info->multiprocessors);
		values[8] = CStringGetTextDatum(d.report.build);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rk_device_statistics);

/* The row of rk.stat_device; none without shared memory. */
Datum
rk_device_statistics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	rk_devices	d;
	Datum		values[17];
	bool		nulls[17] = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (rk_the_devices == NULL)
		return (Datum) 0;
	LWLockAcquire(&rk_the_devices->lock, LW_SHARED);
	d = *rk_the_devices;
	LWLockRelease(&rk_the_devices->lock);
	values[0] = CStringGetTextDatum("cuda");
	nulls[1] = d.supervisor == 0;
	values[1] = Int32GetDatum(d.supervisor);
	nulls[2] = d.worker == 0;
	values[2] = Int32GetDatum(d.worker);
	values[3] = Int64GetDatum(d.starts);
	values[4] = Int64GetDatum(d.runs);
	values[5] = Int64GetDatum(d.fallbacks);
	values[6] = Int64GetDatum(d.resident);
	values[7] = Int64GetDatum(d.bytes_to);
	values[8] = Int64GetDatum(d.bytes_from);
	values[9] = Int64GetDatum(d.report.memory_used);
	values[10] = Int32GetDatum(d.report.graphs);
	nulls[11] = !d.constants.measured;
	values[11] = CStringGetTextDatum(d.constants.device);
	values[12] = Float8GetDatum(d.constants.transfer_rate);
	values[13] = Float8GetDatum(d.constants.memory_rate);
	values[14] = Float8GetDatum(d.constants.flop_rate);
	values[15] = Float8GetDatum(d.constants.launch_seconds * 1e6);
	values[16] = Float8GetDatum(d.constants.cpu_factor);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * bench.c
 *	  rk.ring_bench: what a message costs, measured inside.
 *
 * Modes: "call" sends a message and waits for the reply, one after the other;
 * "send" sends without waiting, and the rate is that until the last one was
 * handled; "floor" bounces a number between this process and the host over two
 * cache lines, which is what any exchange between two processes costs at least
 * on this machine at this moment.  Every exchange is timed by one reading of
 * the clock, whose own time is in the figures of all modes alike.
 *
 * One producer is the session itself.  Several are background workers that
 * share the messages among them: they say when they are ready, begin together,
 * and leave their times in a segment of shared memory.  Whatever ends the
 * session's statement detaches it from the segment, which ends them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_bench);

#define MAX_PRODUCERS 1000

/* What becomes of a producer, in this order. */
enum
{
	PRODUCER_STARTING,
	PRODUCER_READY,
	PRODUCER_DONE,
	PRODUCER_FAILED
};

/* A producer's part of the segment; its own until it is done or has failed. */
typedef struct producer
{
	_Atomic uint32 state;
	int			proc;			/* set before it is ready */
	int64		began;
	int64		ended;
	int			sqlstate;		/* of its error, as the texts */
	char		message[RK_ERROR_TEXT];
	char		detail[RK_ERROR_TEXT];
	char		hint[RK_ERROR_TEXT];
} producer;

/*
 * The segment: this, the producers, the payload, the times of all messages, one
 * producer's after the other's.  Constant but for go while there are producers.
 */
typedef struct bench_shared
{
	Oid			user;
	int			leader;			/* proc */
	bool		wait;
	int			producers;
	int64		messages;
	uint32		type_id;
	int			timeout_ms;
	NameData	name;
	_Atomic uint32 go;
	Size		payload;		/* offsets */
	Size		times;
	producer	crew[FLEXIBLE_ARRAY_MEMBER];
} bench_shared;

/* The producers as the session has them. */
typedef struct bench_crew
{
	int			count;
	BackgroundWorkerHandle *handles[FLEXIBLE_ARRAY_MEMBER];
} bench_crew;

static int
by_time(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* The other side of this is in the host's run_control. */
static int64
bounce(rk_ring *ring, rk_ring_handle *handle, int64 count, uint32 *times)
{
	int64		start_value = (int64) atomic_load(&rk_the_region->pong);
	int64		payload[1] = {count};
	rk_outgoing out = {
		.type_id = RK_CONTROL_BOUNCE,.flags = RK_SLOT_CONTROL,.priority = RK_PRIORITY_REALTIME,
		.payload = payload,.length = sizeof(payload),.may_wait = true,
		.deadline_ns = rk_now_ns() + INT64CONST(600000000000)
	};
	rk_incoming in;
	int64		began;
	int64		before;
	uint64		done;

	atomic_store(&rk_the_region->ping, start_value);
	rk_call_start(ring, handle, &out, &in);
	/* the first exchange waits until the host is there */
	began = before = 0;
	for (int64 i = 0; i <= count; i++)
	{
		int64		now;
		int64		spins = 0;

		atomic_store_explicit(&rk_the_region->ping, start_value + i + 1, memory_order_release);
		while (atomic_load_explicit(&rk_the_region->pong, memory_order_acquire) != start_value + i + 1)
		{
			rk_cpu_relax();
			if (++spins % 65536 == 0)
			{
				CHECK_FOR_INTERRUPTS();
				if (rk_reply_look(in.slot) == RK_REPLY_DONE)
					ereport(ERROR,
							(errcode(ERRCODE_INTERNAL_ERROR),
							 errmsg("the host gave up bouncing")));
			}
		}
		now = rk_now_ns();
		if (i == 0)
			began = now;
		else
			times[i - 1] = (uint32) Min(now - before, PG_UINT32_MAX);
		before = now;
	}
	rk_call_wait(ring, &out, &in);
	memcpy(&done, in.data, sizeof(done));
	rk_call_end(&in);
	return before - began;
}

/* The message of a measurement, sent once: that it cannot be sent is an error before anything is timed. */
static void
send_first(rk_ring *ring, rk_ring_handle *handle, rk_outgoing *out)
{
	rk_incoming in;

	out->now_ns = rk_now_ns();
	out->deadline_ns = rk_call_deadline(ring, out->now_ns, 0);
	rk_call_begin(ring, handle, out, &in);
	rk_call_end(&in);
}

/* Sends count messages and times each; *began and *ended: the clock before the first and after the last. */
static void
exchange(rk_ring *ring, rk_ring_handle *handle, rk_outgoing *out, bool wait, int64 count, uint32 *times, int64 *began,
		 int64 *ended)
{
	rk_incoming in;
	int64		before = *began = rk_now_ns();

	for (int64 i = 0; i < count; i++)
	{
		int64		now;

		/* the clock as the typed functions have it, read just before */
		out->now_ns = before;
		if (wait)
		{
			out->deadline_ns = rk_call_deadline(ring, before, 0);
			rk_call_begin(ring, handle, out, &in);
			rk_call_end(&in);
		}
		else
		{
			out->deadline_ns = 0;
			(void) rk_ring_post(ring, handle, out);
		}
		now = rk_now_ns();
		times[i] = (uint32) Min(now - before, PG_UINT32_MAX);
		before = now;
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	/* lanes are in order: when this one is answered, so many are handled */
	if (!wait)
	{
		send_first(ring, handle, out);
		before = rk_now_ns();
	}
	*ended = before;
}

static rk_outgoing
message_to_send(const rk_message_type *type, const void *payload)
{
	return (rk_outgoing)
	{
		.type_id = type->type_id,
		.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
		.priority = RK_PRIORITY_NORMAL,
		.payload = payload,
		.length = type->request_size,
		.may_wait = true
	};
}

/* ---- several producers ---- */

/* The messages of a producer: where they begin among all. */
static inline int64
first_of(const bench_shared *shared, int number)
{
	return shared->messages / shared->producers * number + Min(number, shared->messages % shared->producers);
}

/* What a producer does, in its transaction. */
static void
produce(bench_shared *shared, producer *me)
{
	const rk_message_type *type = rk_message_type_find(shared->type_id);
	rk_outgoing out = message_to_send(type, (char *) shared + shared->payload);
	uint32	   *times = (uint32 *) ((char *) shared + shared->times);
	rk_ring_handle handle = {0};
	rk_ring    *ring;
	int			number = me - shared->crew;
	int64		first = first_of(shared, number);
	char		text[20];

	SetUserIdAndSecContext(shared->user, SECURITY_LOCAL_USERID_CHANGE);
	snprintf(text, sizeof(text), "%d", shared->timeout_ms);
	SetConfigOption("rk.timeout", text, PGC_USERSET, PGC_S_SESSION);
	rk_send_init();
	ring = rk_ring_find(&handle, NameStr(shared->name), strlen(NameStr(shared->name)), 0);
	send_first(ring, &handle, &out);
	atomic_store(&me->state, PRODUCER_READY);
	SetLatch(&GetPGProcByNumber(shared->leader)->procLatch);
	while (atomic_load(&shared->go) == 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1000, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	exchange(ring, &handle, &out, shared->wait, first_of(shared, number + 1) - first, times + first, &me->began, &me->ended);
}

/* Leaves the error that has been raised where the session finds it. */
static void
keep_error(producer *me)
{
	ErrorData  *error;

	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	FlushErrorState();
	me->sqlstate = error->sqlerrcode;
	strlcpy(me->message, error->message ? error->message : "", sizeof(me->message));
	strlcpy(me->detail, error->detail ? error->detail : "", sizeof(me->detail));
	strlcpy(me->hint, error->hint ? error->hint : "", sizeof(me->hint));
}

void
rk_bench_main(Datum arg)
{
	Oid			database;
	int			number;
	dsm_segment *segment;
	bench_shared *shared;
	producer   *me;
	volatile bool good = true;

	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(database));
	memcpy(&number, MyBgworkerEntry->bgw_extra + sizeof(database), sizeof(number));
	/* told to end, it leaves without a word */
	pqsignal(SIGTERM, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	pgstat_report_appname("rk producer");
	StartTransactionCommand();
	segment = dsm_attach(DatumGetUInt32(arg));
	/* the statement that wanted it is over */
	if (segment == NULL)
		proc_exit(0);
	shared = dsm_segment_address(segment);
	me = &shared->crew[number];
	me->proc = rk_my_proc();
	pgstat_report_activity(STATE_RUNNING, NameStr(shared->name));
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		produce(shared, me);
		PopActiveSnapshot();
	}
	PG_CATCH();
	{
		keep_error(me);
		good = false;
	}
	PG_END_TRY();
	atomic_store(&me->state, (uint32) (good ? PRODUCER_DONE : PRODUCER_FAILED));
	SetLatch(&GetPGProcByNumber(shared->leader)->procLatch);
	/* calls that are under way are given up on the way out */
	proc_exit(0);
}

/* The session leaves the segment, whyever. */
static void
dismiss(dsm_segment *segment, Datum arg)
{
	bench_crew *crew = (bench_crew *) DatumGetPointer(arg);

	while (crew->count > 0)
		TerminateBackgroundWorker(crew->handles[--crew->count]);
}

/* Waits until every producer has come to a state; the error of one is raised here. */
static void
wait_for_all(bench_shared *shared, bench_crew *crew, uint32 wanted)
{
	for (;;)
	{
		int			there = 0;

		for (int i = 0; i < shared->producers; i++)
		{
			producer   *p = &shared->crew[i];
			pid_t		pid;
			/* before its state, which it says last */
			bool		gone = GetBackgroundWorkerPid(crew->handles[i], &pid) == BGWH_STOPPED;
			uint32		state = atomic_load(&p->state);

			if (state == PRODUCER_FAILED)
				ereport(ERROR,
						(errcode(p->sqlstate), errmsg("%s", p->message), p->detail[0] ? errdetail("%s", p->detail) : 0,
						 p->hint[0] ? errhint("%s", p->hint) : 0, errcontext("producer %d", i + 1)));
			if (gone && state < wanted)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("producer %d ended before its messages were sent", i + 1)));
			there += state >= wanted;
		}
		if (there == shared->producers)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1000, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
start_producer(bench_crew *crew, dsm_handle segment, int producers)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "rustkernels");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "rk_bench_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk producer %d of session %d", crew->count + 1, MyProcPid);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "rk producer");
	worker.bgw_main_arg = UInt32GetDatum(segment);
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &MyDatabaseId, sizeof(Oid));
	memcpy(worker.bgw_extra + sizeof(Oid), &crew->count, sizeof(int));
	if (!RegisterDynamicBackgroundWorker(&worker, &crew->handles[crew->count]))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start %d producers", producers),
				 errdetail("No background worker is free for producer %d; \"max_worker_processes\" is %d.", crew->count + 1,
						   max_worker_processes),
				 errhint("Ask for fewer, or raise \"max_worker_processes\" and restart the server.")));
	crew->count++;
}

/* The same by several processes; returns ns from the first that began to the last that ended. */
static int64
exchange_together(const char *name, const rk_message_type *type, const void *payload, bool wait, int producers,
				  int64 count, uint32 *times)
{
	Size		head = MAXALIGN(offsetof(bench_shared, crew) + sizeof(producer) * producers);
	Size		body = MAXALIGN(type->request_size);
	dsm_segment *segment = dsm_create(head + body + sizeof(uint32) * count, 0);
	bench_shared *shared = dsm_segment_address(segment);
	bench_crew *crew = MemoryContextAlloc(CurTransactionContext,
										  offsetof(bench_crew, handles) + sizeof(crew->handles[0]) * producers);
	MemoryContext old;
	int64		began = PG_INT64_MAX;
	int64		ended = 0;

	memset(shared, 0, head);
	shared->user = GetUserId();
	shared->leader = rk_my_proc();
	shared->wait = wait;
	shared->producers = producers;
	shared->messages = count;
	shared->type_id = type->type_id;
	shared->timeout_ms = rk_timeout_ms;
	namestrcpy(&shared->name, name);
	shared->payload = head;
	shared->times = head + body;
	memcpy((char *) shared + head, payload, type->request_size);
	crew->count = 0;
	on_dsm_detach(segment, dismiss, PointerGetDatum(crew));
	/* handles are freed with the crew */
	old = MemoryContextSwitchTo(CurTransactionContext);
	while (crew->count < producers)
		start_producer(crew, dsm_segment_handle(segment), producers);
	MemoryContextSwitchTo(old);
	wait_for_all(shared, crew, PRODUCER_READY);
	atomic_store(&shared->go, 1);
	for (int i = 0; i < producers; i++)
		SetLatch(&GetPGProcByNumber(shared->crew[i].proc)->procLatch);
	wait_for_all(shared, crew, PRODUCER_DONE);
	/* so that their slots are free when this has ended */
	for (int i = 0; i < producers; i++)
		(void) WaitForBackgroundWorkerShutdown(crew->handles[i]);
	for (int i = 0; i < producers; i++)
	{
		began = Min(began, shared->crew[i].began);
		ended = Max(ended, shared->crew[i].ended);
	}
	memcpy(times, (char *) shared + shared->times, sizeof(uint32) * count);
	dsm_detach(segment);
	return ended - began;
}

/* ---- from SQL ---- */

Datum
rk_ring_bench(PG_FUNCTION_ARGS)
{
	char	   *name;
	int64		count = PG_GETARG_INT64(1);
	char	   *mode;
	int			producers = PG_GETARG_INT32(4);
	rk_ring_handle handle = {0};
	rk_ring_row row;
	rk_ring    *ring;
	const rk_message_type *type;
	void	   *payload;
	uint32	   *times;
	int64		total;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {0};
	bool		floor;
	static const double shares[] = {0.5, 0.9, 0.99, 0.999};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameters of rk.ring_bench other than \"payload\" must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	mode = text_to_cstring(PG_GETARG_TEXT_PP(3));
	floor = strcmp(mode, "floor") == 0;
	if (count < 1 || count > 100000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"messages\" must be from 1 to 100000000")));
	if (!floor && strcmp(mode, "call") != 0 && strcmp(mode, "send") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"mode\" must be \"call\", \"send\" or \"floor\"")));
	if (producers < 1 || producers > MAX_PRODUCERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"producers\" must be from 1 to %d", MAX_PRODUCERS)));
	if (producers > 1 && floor)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mode \"floor\" is between two processes: parameter \"producers\" must be 1")));
	if (producers > count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d producers cannot share %lld messages", producers, (long long) count)));
	rk_controlled_ring(name, &row);
	rk_send_init();
	ring = rk_ring_find(&handle, name, strlen(name), 0);
	type = rk_actors[ring->kernel]->messages;
	rk_message_check(type);
	payload = palloc0(type->request_size + 8);
	if (!PG_ARGISNULL(2))
		rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(2), payload);
	times = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * count);
	if (floor)
		total = bounce(ring, &handle, count, times);
	else if (producers > 1)
		total = exchange_together(name, type, payload, *mode == 'c', producers, count, times);
	else
	{
		rk_outgoing out = message_to_send(type, payload);
		int64		began;
		int64		ended;

		send_first(ring, &handle, &out);
		exchange(ring, &handle, &out, *mode == 'c', count, times, &began, &ended);
		total = ended - began;
	}
	qsort(times, count, sizeof(uint32), by_time);
	for (int i = 0; i < 4; i++)
		values[i] = Float8GetDatum(times[(int64) (shares[i] * (count - 1))]);
	values[4] = Float8GetDatum(times[count - 1]);
	values[5] = Float8GetDatum(count * 1e9 / Max(total, 1));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

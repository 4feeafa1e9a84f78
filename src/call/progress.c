/*
 * progress.c
 *	  What other sessions can see of a run, and the count of threads in use.
 *
 * Both live in shared memory, which exists when the library is preloaded.
 * Every backend has a slot that only it writes, with relaxed atomic stores and
 * no lock; a reader may see values of two moments, each of them true once.
 * Strings are pointers to constants of the library, which is at one address in
 * all backends, as they are forked from the process that loaded it.
 *
 * Without preloading rk.stat_progress is empty and the limit on threads holds
 * for each session alone.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include <unistd.h>

#include "../compat.h"
#include "call.h"
#include "shared.h"

typedef struct progress_slot
{
	_Atomic int pid;			/* 0: no run */
	_Atomic Oid role;
	_Atomic Oid database;
	_Atomic(const rk_kernel *) kernel;
	_Atomic int64 run_id;
	_Atomic int64 started;
	_Atomic int threads;
	_Atomic(const char *) device;
	rk_progress_state state;
} progress_slot;

typedef struct shared_state
{
	pg_atomic_uint32 threads;	/* in use by kernel runs of all sessions */
	progress_slot slots[FLEXIBLE_ARRAY_MEMBER];
} shared_state;

static shared_state *shared = NULL;
static pg_atomic_uint32 local_threads;
static int	depth = 0;			/* runs inside the query of a run */

static Size
shared_size(void)
{
	return add_size(offsetof(shared_state, slots),
					mul_size(MaxBackends, sizeof(progress_slot)));
}

static void
attach_shared(void *memory, bool made)
{
	shared = memory;
	if (made)
	{
		memset(shared, 0, shared_size());
		pg_atomic_init_u32(&shared->threads, 0);
	}
}

void
rk_progress_install(void)
{
	static const rk_shared_part part = {.name = "rustkernels",.size = shared_size,.attach = attach_shared};

	pg_atomic_init_u32(&local_threads, 0);
	if (process_shared_preload_libraries_in_progress)
		rk_shared_add(&part);
}

/* The slot of this backend, or NULL. */
static progress_slot *
my_slot(void)
{
	int			i = rk_my_slot();

	return shared && i >= 0 && i < MaxBackends ? &shared->slots[i] : NULL;
}

void
rk_progress_begin(rk_call *call)
{
	progress_slot *slot = my_slot();

	/* a run inside the query of another one is part of that one's reading */
	if (depth++ > 0 || slot == NULL)
		return;
	memset(&slot->state, 0, sizeof(slot->state));
	slot->role = GetUserId();
	slot->database = MyDatabaseId;
	slot->kernel = call->kernel;
	slot->run_id = call->run_id;
	slot->started = call->started;
	slot->threads = call->ctx.threads;
	slot->device = call->device;
	call->ctx.progress = &slot->state;
	slot->pid = MyProcPid;
}

/* Says where the run takes place: a constant of the library. */
void
rk_progress_device(const char *device)
{
	progress_slot *slot = my_slot();

	if (depth == 1 && slot)
		slot->device = device;
}

void
rk_progress_end(void)
{
	progress_slot *slot = my_slot();

	if (--depth == 0 && slot)
		slot->pid = 0;
}

/* Takes up to wanted threads, the caller's own among them: at least that one. */
int
rk_threads_reserve(int wanted)
{
	pg_atomic_uint32 *used = shared ? &shared->threads : &local_threads;
	int			limit = rk_max_threads > 0 ? rk_max_threads : (int) sysconf(_SC_NPROCESSORS_ONLN);
	uint32		now = pg_atomic_read_u32(used);
	int			granted;

	do
	{
		granted = Max(1, Min(wanted, limit - (int) now));
	} while (!pg_atomic_compare_exchange_u32(used, &now, now + granted));
	return granted;
}

void
rk_threads_release(int count)
{
	pg_atomic_fetch_sub_u32(shared ? &shared->threads : &local_threads, count);
}

PG_FUNCTION_INFO_V1(rk_stat_progress);

/* Rows of the view rk.stat_progress. */
Datum
rk_stat_progress(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz now = GetCurrentTimestamp();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; shared && i < MaxBackends; i++)
	{
		progress_slot *slot = &shared->slots[i];
		int			pid = slot->pid;
		const rk_kernel *kernel = slot->kernel;
		const char *phase = slot->state.phase;
		const char *device = slot->device;
		int64		done = slot->state.done;
		int64		total = slot->state.total;
		Datum		values[16];
		bool		nulls[16] = {0};

		if (pid == 0 || kernel == NULL || slot->database != MyDatabaseId)
			continue;
		if (!has_privs_of_role(GetUserId(), slot->role) &&
			!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
			continue;
		values[0] = Int32GetDatum(pid);
		values[1] = ObjectIdGetDatum(slot->role);
		values[2] = CStringGetTextDatum(kernel->id);
		values[3] = Int64GetDatum(slot->run_id);
		values[4] = CStringGetTextDatum(phase ? phase : "planning");
		nulls[5] = nulls[6] = slot->state.max_iterations == 0;
		values[5] = Int64GetDatum(slot->state.iteration);
		values[6] = Int64GetDatum(slot->state.max_iterations);
		nulls[7] = nulls[5];
		values[7] = Float8GetDatum(slot->state.residual);
		values[8] = Int64GetDatum(done);
		nulls[9] = nulls[10] = total <= 0;
		values[9] = Int64GetDatum(total);
		values[10] = Float8GetDatum(total > 0 ? Min(1.0, (double) done / total) : 0);
		values[11] = TimestampTzGetDatum(slot->started);
		values[12] = Int64GetDatum((now - slot->started) / 1000);
		values[13] = CStringGetTextDatum(device ? device : "cpu");
		values[14] = Int32GetDatum(slot->threads);
		values[15] = Int64GetDatum(slot->state.memory);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

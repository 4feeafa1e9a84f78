/*
 * launcher.c
 *	  The process that starts the hosts, and what keeps hosts out of the way of
 *	  CREATE and DROP DATABASE.
 *
 * The launcher sees the shared catalogs only.  When the server starts it sends
 * a host into every database of rk.databases that takes connections; one without
 * running rings ends at once.  From then on hosts are started when a commit asks
 * for one (rk_request_rescan) and again one second after they failed.  A host
 * that ends because it has nothing to do gives its slot back itself.
 *
 * There are as many slots as max_worker_processes.  A host that finds none, or no
 * worker, is not forgotten: the launcher says how many are needed, and goes
 * round the databases again once there are some.
 *
 * A host whose actor gives no sign of life is told to end; one that does not is
 * given up.  Its ring has failed, and is another's only after that process has
 * ended; the other rings go to a new host.  See host.h on how the two are kept
 * apart.
 *
 * A host is a connection to its database, so DROP DATABASE, CREATE DATABASE
 * ... TEMPLATE and ALTER DATABASE ... RENAME would fail.  The utility hook
 * holds the database: hosts write their checkpoints and leave, and nobody is
 * sent there until the command has ended.
 */
#include "postgres.h"

#include <math.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "storage/condition_variable.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/procsignal.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "catalog.h"
#include "region.h"
#include "send.h"

#define STANDBY_ASK_MS 10000	/* between looks for rings that a standby is to have */
#define MAX_STARTING 2			/* hosts on their way at a time */

static ProcessUtility_hook_type previous_utility_hook = NULL;

void
rk_launcher_register(void)
{
	BackgroundWorker worker = {0};

	if (!process_shared_preload_libraries_in_progress || rk_ring_memory_kb == 0 || rk_max_rings == 0)
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = 1;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "rustkernels");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "rk_launcher_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk launcher");
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "rk launcher");
	RegisterBackgroundWorker(&worker);
}

/* A round of the databases: those that a host is still to be asked for. */
static Oid *round_oids = NULL;
static int	round_count = 0;
static int	round_next = 0;

/* Begins a round: every database that takes connections and that rk.databases lists. */
static void
begin_round(void)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;
	int			size = 64;

	if (round_oids)
		pfree(round_oids);
	round_oids = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * size);
	round_count = round_next = 0;
	atomic_store(&rk_the_region->overlooked, 0);
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database db = (Form_pg_database) GETSTRUCT(tuple);

		if (!db->datallowconn || db->datistemplate || !rk_database_listed(NameStr(db->datname)))
			continue;
		if (round_count == size)
			round_oids = repalloc(round_oids, sizeof(Oid) * (size *= 2));
		round_oids[round_count++] = db->oid;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
}

/* Asks for hosts as long as there are slots. */
static void
go_round(void)
{
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	while (round_next < round_count)
	{
		rk_host    *host = rk_host_slot(round_oids[round_next], 0, true);
		Latch	   *latch;

		if (host == NULL)
			break;
		/* one that runs may have found no slot for another */
		atomic_store(&host->rescan, 1);
		if ((latch = atomic_load(&host->latch)) != NULL)
			SetLatch(latch);
		round_next++;
	}
	LWLockRelease(rk_the_region->lock);
}

/* Whether hosts may be in a database: it is there, and rk.databases lists it. */
static bool
database_served(Oid database)
{
	char	   *name;
	bool		served;

	StartTransactionCommand();
	name = get_database_name(database);
	served = name && rk_database_listed(name);
	CommitTransactionCommand();
	return served;
}

/* rk.databases has changed: hosts leave what it does not list. */
static void
leave_unlisted(void)
{
	for (int i = 0; i < rk_the_region->hosts; i++)
	{
		rk_host    *host = &rk_region_hosts()[i];
		Oid			database;
		Latch	   *latch;

		LWLockAcquire(rk_the_region->lock, LW_SHARED);
		database = host->state == RK_HOST_FREE ? InvalidOid : host->database;
		LWLockRelease(rk_the_region->lock);
		if (!OidIsValid(database) || database_served(database))
			continue;
		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		if (host->database == database && host->state == RK_HOST_WANTED)
			host->state = RK_HOST_FREE;
		else if (host->database == database && host->state != RK_HOST_FREE)
		{
			atomic_store(&host->stop, 1);
			if ((latch = atomic_load(&host->latch)) != NULL)
				SetLatch(latch);
		}
		LWLockRelease(rk_the_region->lock);
	}
}

/* Starts the host of a slot. */
static bool
start_host(int index, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {0};
	rk_host    *host = &rk_region_hosts()[index];

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "rustkernels");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "rk_host_main");
	if (host->ring_id == 0)
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk host for database %u", host->database);
	else if (host->ring_id < 0)
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk host %d for database %u", 1 - host->ring_id, host->database);
	else
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk host for ring %d of database %u", host->ring_id,
				 host->database);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "rk host");
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

/* ---- hosts without a sign of life ---- */

#define STUCK_GRACE_MS 5000		/* from SIGTERM to giving up */

/* What the launcher has seen of the actor of a ring. */
typedef struct watched
{
	uint64		acting;
	int64		since;			/* ms */
	int64		terminated;		/* ms; 0: the host was not told to end */
} watched;

static watched *watch = NULL;	/* by place in the directory */

/* Gives a host up that has not ended, if it is still where it was; lock held exclusively. */
static bool
give_up(rk_ring *ring, rk_host *host, const watched *w)
{
	if (atomic_load(&ring->acting) != w->acting)
		return false;
	host->state = RK_HOST_STUCK;
	atomic_store(&ring->stuck, 1);
	ring->error_count++;
	ring->error_at = GetCurrentTimestamp();
	snprintf(ring->error, RK_ERROR_TEXT, "process %d does not come back from a message", host->pid);
	atomic_store(&ring->state, RK_RING_FAILED);
	/* the others' */
	if (host->ring_id <= 0)
		(void) rk_host_slot(host->database, host->ring_id, true);
	return true;
}

/*
 * Looks for actors that have been at one piece of work too long.  Returns when to
 * look again, in ms; -1: nobody works.
 */
static int64
watch_actors(int64 now)
{
	int64		next = -1;

	for (int i = 0; i < rk_the_region->rings; i++)
	{
		rk_ring    *ring = &rk_region_rings()[i];
		watched    *w = &watch[i];
		uint64		acting = atomic_load(&ring->acting);
		int64		limit;
		rk_host    *host;
		int			pid = 0;
		NameData	name;
		bool		given_up = false;

		if (ring->state == RK_RING_FREE || atomic_load(&ring->stuck))
			continue;
		limit = ring->heartbeat_timeout_ms > 0 ? ring->heartbeat_timeout_ms : rk_heartbeat_timeout_s * INT64CONST(1000);
		/* no more often than is needed to see it in time */
		next = next < 0 ? limit / 4 : Min(next, limit / 4);
		if (acting == 0 || acting != w->acting)
		{
			*w = (watched) {.acting = acting,.since = now};
			continue;
		}
		if (w->terminated)
			next = Min(next, 500);
		if (now - w->since < limit || (w->terminated && now - w->terminated < STUCK_GRACE_MS))
			continue;
		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		host = &rk_region_hosts()[ring->host];
		if (ring->state != RK_RING_FREE && ring->host_pid == host->pid && host->state == RK_HOST_RUNNING &&
			atomic_load(&ring->acting) == acting)
		{
			pid = host->pid;
			name = ring->name;
			if (w->terminated)
				given_up = give_up(ring, host, w);
		}
		LWLockRelease(rk_the_region->lock);
		if (pid == 0)
			continue;
		if (given_up)
		{
			ConditionVariableBroadcast(&ring->changed);
			ereport(WARNING,
					(errmsg("ring \"%s\" has failed: process %d does not come back from a message", NameStr(name), pid),
					 errdetail("The other rings of its database go on in another process."),
					 errhint("The ring can be restarted when the process has ended.")));
		}
		else if (w->terminated == 0)
		{
			ereport(WARNING,
					(errmsg("terminating process %d, as ring \"%s\" has shown no sign of life for %lld ms", pid, NameStr(name),
							(long long) (now - w->since)),
					 errhint("Raise \"rk.heartbeat_timeout\" or the option heartbeat_timeout if messages may take longer.")));
			(void) kill(pid, SIGTERM);
			w->terminated = now;
			next = 500;
		}
	}
	return next;
}

/* ---- the loop ---- */

/* The process of a host has ended. */
static void
host_ended(rk_host *host, int64 now)
{
	Oid			database = InvalidOid;
	bool		stuck = false;

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	if (host->state == RK_HOST_STARTING || host->state == RK_HOST_RUNNING)
	{
		/* it did not give its slot back: it failed */
		host->failures = Min(host->failures + 1, 60);
		host->state = RK_HOST_WANTED;
		host->restart_at = now + 1000 * host->failures;
		database = host->database;
	}
	else if (host->state == RK_HOST_STUCK)
	{
		stuck = true;
		for (int i = 0; i < rk_the_region->rings; i++)
		{
			rk_ring    *ring = &rk_region_rings()[i];

			if (ring->state != RK_RING_FREE && ring->host_pid == host->pid)
				atomic_store(&ring->stuck, 0);
		}
		database = host->database;
		host->state = RK_HOST_FREE;
	}
	LWLockRelease(rk_the_region->lock);
	if (stuck)
		rk_request_rescan(database);
	else if (OidIsValid(database) && !database_served(database))
	{
		/* on a standby nobody sends hosts away before a database is dropped */
		for (int i = 0; i < rk_the_region->rings; i++)
		{
			rk_ring    *ring = &rk_region_rings()[i];

			if (ring->state == RK_RING_FREE || ring->database != database || ring->host_pid != host->pid)
				continue;
			rk_directory_close(ring);
			rk_directory_free(ring);
		}
		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		host->state = RK_HOST_FREE;
		LWLockRelease(rk_the_region->lock);
	}
}

/*
 * Whether the process of a host has ended.  After a launcher that failed there
 * is no handle, but a pid.
 */
static bool
has_ended(const rk_host *host, BackgroundWorkerHandle *handle)
{
	pid_t		pid;

	if (handle)
		return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
	return (host->state == RK_HOST_STARTING || host->state == RK_HOST_RUNNING || host->state == RK_HOST_STUCK) &&
		host->pid != 0 && BackendPidGetProc(host->pid) == NULL;
}

/* Says how many workers are missing. */
static void
complain(Oid database, int running, int waiting, bool by_setting)
{
	if (by_setting)
		ereport(LOG,
				(errmsg("no process is free for the rings of database %u", database),
				 errdetail("Rings have %d processes, and need %d more.", running, waiting),
				 errhint("Raise \"rk.max_ring_workers\", now %d, to %d.", rk_max_ring_workers, running + waiting)));
	else
		ereport(LOG,
				(errmsg("no background worker is free for the rings of database %u", database),
				 errdetail("Rings have %d processes, and need %d more.", running, waiting),
				 errhint("Raise \"max_worker_processes\", now %d, to at least %d and restart the server.", max_worker_processes,
						 max_worker_processes + waiting)));
}

static void
launcher_exit(int code, Datum arg)
{
	atomic_store(&rk_the_region->launcher, NULL);
}

void
rk_launcher_main(Datum arg)
{
	BackgroundWorkerHandle **handles;
	bool		complained = false;
	int64		refused_since = 0;
	bool		recovery;
	int64		ask_again;		/* on a standby: ms of the monotonic clock */
	char	   *databases;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	on_shmem_exit(launcher_exit, 0);
	atomic_store(&rk_the_region->launcher, MyLatch);
	pgstat_report_appname("rk launcher");
	handles = MemoryContextAllocZero(TopMemoryContext, sizeof(*handles) * rk_the_region->hosts);
	watch = MemoryContextAllocZero(TopMemoryContext, sizeof(*watch) * rk_the_region->rings);
	databases = MemoryContextStrdup(TopMemoryContext, rk_databases);

	/* a predecessor's hosts are gone or will be adopted by their slots' state */
	recovery = RecoveryInProgress();
	begin_round();
	ask_again = rk_now_ns() / 1000000 + STANDBY_ASK_MS;
	while (!ShutdownRequestPending)
	{
		int			starting = 0;
		int			running = 0;
		int			waiting = 0;
		Oid			refused = InvalidOid;
		bool		by_setting = false;
		int64		now = rk_now_ns() / 1000000;
		int64		wait;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			if (strcmp(databases, rk_databases) != 0)
			{
				pfree(databases);
				databases = MemoryContextStrdup(TopMemoryContext, rk_databases);
				leave_unlisted();
				begin_round();
			}
		}
		/* on a standby nobody says that there are rings; once it is promoted all of them are to run */
		if (recovery && (now >= ask_again || !RecoveryInProgress()))
		{
			recovery = RecoveryInProgress();
			begin_round();
			ask_again = now + STANDBY_ASK_MS;
		}
		wait = watch_actors(now);
		for (int i = 0; i < rk_the_region->hosts; i++)
		{
			rk_host    *host = &rk_region_hosts()[i];

			if (has_ended(host, handles[i]))
			{
				if (handles[i])
					pfree(handles[i]);
				handles[i] = NULL;
				host_ended(host, now);
			}
			starting += host->state == RK_HOST_STARTING;
			running += host->state == RK_HOST_STARTING || host->state == RK_HOST_RUNNING || host->state == RK_HOST_STUCK;
		}
		/* slots that are free now are for those that found none */
		if (round_next == round_count && atomic_load(&rk_the_region->overlooked))
			begin_round();
		go_round();
		if (round_next < round_count)
			refused = round_oids[round_next];
		for (int i = 0; i < rk_the_region->hosts; i++)
		{
			rk_host    *host = &rk_region_hosts()[i];
			Oid			database = InvalidOid;
			bool		start;

			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			start = host->state == RK_HOST_WANTED && handles[i] == NULL && !rk_database_held(host->database);
			waiting += start;
			if (start && host->restart_at <= now && starting < MAX_STARTING)
			{
				database = host->database;
				if (rk_max_ring_workers > 0 && running >= rk_max_ring_workers)
				{
					by_setting = true;
					refused = database;
					start = false;
				}
			}
			else
				start = false;
			LWLockRelease(rk_the_region->lock);
			if (!start)
				continue;
			if (!database_served(database))
			{
				LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
				if (host->state == RK_HOST_WANTED && host->database == database)
					host->state = RK_HOST_FREE;
				LWLockRelease(rk_the_region->lock);
				waiting--;
				continue;
			}
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			start = host->state == RK_HOST_WANTED && host->database == database && !rk_database_held(database);
			if (start)
				host->state = RK_HOST_STARTING;
			LWLockRelease(rk_the_region->lock);
			if (!start)
				continue;
			if (start_host(i, &handles[i]))
			{
				starting++;
				running++;
				waiting--;
				continue;
			}
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			host->state = RK_HOST_WANTED;
			host->restart_at = now + 1000;
			LWLockRelease(rk_the_region->lock);
			refused = database;
		}
		/* hosts that end at once make room in a moment, which is not worth a word */
		if (waiting == 0 && round_next == round_count)
		{
			refused_since = 0;
			complained = false;
		}
		else if (OidIsValid(refused) && refused_since == 0)
			refused_since = now;
		else if (OidIsValid(refused) && !complained && now - refused_since >= 1000)
		{
			complain(refused, running, Max(waiting, 1), by_setting);
			complained = true;
		}
		if (waiting > 0 || round_next < round_count)
			wait = wait < 0 ? 500 : Min(wait, 500);
		if (recovery)
			wait = wait < 0 ? 1000 : Min(wait, 1000);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (wait >= 0 ? WL_TIMEOUT : 0), wait,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	/* whoever terminated it has it again in a second; the server that stops does not start it */
	proc_exit(1);
}

/* ---- CREATE and DROP DATABASE ---- */

/* The database that a command wants for itself, or InvalidOid. */
static Oid
claimed_database(Node *statement)
{
	const char *name = NULL;
	Oid			database;

	if (IsA(statement, DropdbStmt))
		name = ((DropdbStmt *) statement)->dbname;
	else if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
		name = ((RenameStmt *) statement)->subname;
	else if (IsA(statement, CreatedbStmt))
	{
		ListCell   *cell;

		foreach(cell, ((CreatedbStmt *) statement)->options)
		{
			DefElem    *option = lfirst(cell);

			if (strcmp(option->defname, "template") == 0 && option->arg)
				name = defGetString(option);
		}
	}
	else if (IsA(statement, AlterDatabaseStmt))
	{
		ListCell   *cell;

		foreach(cell, ((AlterDatabaseStmt *) statement)->options)
			if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
				name = ((AlterDatabaseStmt *) statement)->dbname;
	}
	if (name == NULL)
		return InvalidOid;
	database = get_database_oid(name, true);
	/* who may not do it shall not disturb the rings either */
	return OidIsValid(database) && rk_database_owner(database, GetUserId()) ? database : InvalidOid;
}

/* Sends the hosts of a database away and keeps them away; returns the place. */
static int
hold_database(Oid database)
{
	int			place = -1;
	int64		until = rk_now_ns() + INT64CONST(10000000000);

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	for (int i = 0; i < lengthof(rk_the_region->held) && place < 0; i++)
		if (!OidIsValid(rk_the_region->held[i]))
			place = i;
	if (place >= 0)
		rk_the_region->held[place] = database;
	LWLockRelease(rk_the_region->lock);
	while (rk_now_ns() < until)
	{
		int			left = 0;

		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		for (int i = 0; i < rk_the_region->hosts; i++)
		{
			rk_host    *host = &rk_region_hosts()[i];
			Latch	   *latch;

			if (host->state == RK_HOST_FREE || host->database != database)
				continue;
			if (host->state == RK_HOST_WANTED)
			{
				host->state = RK_HOST_FREE;
				continue;
			}
			left++;
			atomic_store(&host->stop, 1);
			if ((latch = atomic_load(&host->latch)) != NULL)
				SetLatch(latch);
		}
		LWLockRelease(rk_the_region->lock);
		if (left == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(2000);
	}
	return place;
}

/* A database that this transaction has copied, rings and all. */
static Oid	copied = InvalidOid;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && OidIsValid(copied))
		rk_request_rescan(copied);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		copied = InvalidOid;
}

static void
utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	volatile Oid database = InvalidOid;
	volatile int place = -1;
	volatile bool gone = false;
	ErrorContextCallback hint = {.callback = rk_roles_drop_context,.previous = error_context_stack};

	if (rk_the_region && context == PROCESS_UTILITY_TOPLEVEL && !RecoveryInProgress())
		database = claimed_database(pstmt->utilityStmt);
	PG_TRY();
	{
		if (OidIsValid(database))
			place = hold_database(database);
		if (rk_the_region && (hint.arg = rk_roles_drop_hint(pstmt->utilityStmt)) != NULL)
			error_context_stack = &hint;
		if (previous_utility_hook)
			previous_utility_hook(pstmt, query, read_only_tree, context, params, environment, dest, completion);
		else
			standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
		error_context_stack = hint.previous;
		gone = IsA(pstmt->utilityStmt, DropdbStmt);
		if (rk_the_region)
			rk_roles_after_utility(pstmt->utilityStmt);
		/* what the transaction wanted of rings was forgotten when it was prepared */
		if (rk_the_region && IsA(pstmt->utilityStmt, TransactionStmt) &&
			((TransactionStmt *) pstmt->utilityStmt)->kind == TRANS_STMT_COMMIT_PREPARED)
		{
			rk_request_rescan(MyDatabaseId);
			rk_request_intake(MyDatabaseId);
		}
		/* perhaps it was ours, and its rings are gone */
		if (rk_the_region && IsA(pstmt->utilityStmt, DropStmt) &&
			((DropStmt *) pstmt->utilityStmt)->removeType == OBJECT_EXTENSION)
			rk_rescan_at_commit();
		if (OidIsValid(database) && IsA(pstmt->utilityStmt, CreatedbStmt))
		{
			static bool registered = false;

			if (!registered)
				RegisterXactCallback(at_transaction_end, NULL);
			registered = true;
			CommandCounterIncrement();
			copied = get_database_oid(((CreatedbStmt *) pstmt->utilityStmt)->dbname, true);
		}
	}
	PG_FINALLY();
	{
		if (OidIsValid(database))
		{
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			for (int i = 0; i < lengthof(rk_the_region->held); i++)
				if (rk_the_region->held[i] == database && (place < 0 || place == i))
					rk_the_region->held[i] = InvalidOid;
			LWLockRelease(rk_the_region->lock);
			if (!gone)
				rk_request_rescan(database);
		}
	}
	PG_END_TRY();
}

void
rk_utility_install(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

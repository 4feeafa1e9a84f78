/*
 * launcher.c
 *	  The process that starts the hosts, and what keeps hosts out of the way of
 *	  CREATE and DROP DATABASE.
 *
 * The launcher sees the shared catalogs only.  When the server starts it sends
 * a host into every database that takes connections; one without running rings
 * ends at once.  From then on hosts are started when a commit asks for one
 * (rk_request_rescan) and again one second after they failed.  A host that
 * ends because it has nothing to do gives its slot back itself.
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
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "../compat.h"
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

/* Asks for a host in every database that takes connections. */
static void
ask_for_all_databases(void)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database db = (Form_pg_database) GETSTRUCT(tuple);

		if (db->datallowconn && !db->datistemplate)
			(void) rk_host_slot(db->oid, 0, true);
	}
	LWLockRelease(rk_the_region->lock);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
}

static bool
database_exists(Oid database)
{
	char	   *name;

	StartTransactionCommand();
	name = get_database_name(database);
	CommitTransactionCommand();
	return name != NULL;
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
	else
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk host for ring %d of database %u", host->ring_id,
				 host->database);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "rk host");
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, handle);
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
	bool		recovery;
	int64		ask_again;		/* on a standby: ms of the monotonic clock */

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	on_shmem_exit(launcher_exit, 0);
	atomic_store(&rk_the_region->launcher, MyLatch);
	pgstat_report_appname("rk launcher");
	handles = MemoryContextAllocZero(TopMemoryContext, sizeof(*handles) * rk_the_region->hosts);

	/* a predecessor's hosts are gone or will be adopted by their slots' state */
	recovery = RecoveryInProgress();
	ask_for_all_databases();
	ask_again = rk_now_ns() / 1000000 + STANDBY_ASK_MS;
	while (!ShutdownRequestPending)
	{
		int			starting = 0;
		bool		waiting = false;
		int64		now = rk_now_ns() / 1000000;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		/* on a standby nobody says that there are rings; once it is promoted all of them are to run */
		if (recovery && (now >= ask_again || !RecoveryInProgress()))
		{
			recovery = RecoveryInProgress();
			ask_for_all_databases();
			ask_again = now + STANDBY_ASK_MS;
		}
		for (int i = 0; i < rk_the_region->hosts; i++)
		{
			rk_host    *host = &rk_region_hosts()[i];
			pid_t		pid;
			bool		ended;
			Oid			gone = InvalidOid;

			ended = handles[i] && GetBackgroundWorkerPid(handles[i], &pid) == BGWH_STOPPED;
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			if (ended)
			{
				pfree(handles[i]);
				handles[i] = NULL;
			}
			if (ended && (host->state == RK_HOST_STARTING || host->state == RK_HOST_RUNNING))
			{
				/* it did not give its slot back: it failed */
				host->failures = Min(host->failures + 1, 60);
				host->state = RK_HOST_WANTED;
				host->restart_at = now + 1000 * host->failures;
				gone = host->database;
			}
			LWLockRelease(rk_the_region->lock);
			if (OidIsValid(gone) && !database_exists(gone))
			{
				LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
				host->state = RK_HOST_FREE;
				LWLockRelease(rk_the_region->lock);
			}
			starting += host->state == RK_HOST_STARTING;
		}
		for (int i = 0; i < rk_the_region->hosts; i++)
		{
			rk_host    *host = &rk_region_hosts()[i];
			bool		start;

			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			start = host->state == RK_HOST_WANTED && handles[i] == NULL && !rk_database_held(host->database);
			waiting |= start;
			start &= host->restart_at <= now && starting < MAX_STARTING;
			if (start)
				host->state = RK_HOST_STARTING;
			LWLockRelease(rk_the_region->lock);
			if (!start)
				continue;
			starting++;
			if (!start_host(i, &handles[i]))
			{
				LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
				host->state = RK_HOST_WANTED;
				host->restart_at = now + 1000;
				LWLockRelease(rk_the_region->lock);
				starting--;
				if (!complained)
					ereport(LOG,
							(errmsg("no background worker is free for the rings of database %u", host->database),
							 errhint("Raise \"max_worker_processes\", now %d.", max_worker_processes)));
				complained = true;
			}
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (waiting || recovery ? WL_TIMEOUT : 0),
						 waiting ? 500 : recovery ? 1000 : -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
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

	if (rk_the_region && context == PROCESS_UTILITY_TOPLEVEL && !RecoveryInProgress())
		database = claimed_database(pstmt->utilityStmt);
	PG_TRY();
	{
		if (OidIsValid(database))
			place = hold_database(database);
		if (previous_utility_hook)
			previous_utility_hook(pstmt, query, read_only_tree, context, params, environment, dest, completion);
		else
			standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
		gone = IsA(pstmt->utilityStmt, DropdbStmt);
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

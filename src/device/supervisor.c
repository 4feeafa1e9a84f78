/*
 * supervisor.c
 *	  The background worker that keeps the device worker running.
 *
 * It is registered by the first session that wants a device, starts the
 * program rustkernels_device, copies its reports into shared memory and starts
 * it again when it ends: at once, but after the third time within a minute not
 * for five minutes.  When the program says that there is no device, that stays
 * known and the supervisor ends.
 *
 * The program is started with posix_spawn, so no page of PostgreSQL's shared
 * memory is ever mapped in it, and CUDA is never initialised in a process that
 * was forked from one that uses it.  It ends with its supervisor.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "device.h"

#define FAILURES_KEPT 3
#define FAILURE_WINDOW (60 * USECS_PER_SEC)
#define OFF_TIME (300 * USECS_PER_SEC)
#define RINGS_TIME (10 * USECS_PER_SEC)	/* for their states, when the server stops */

PGDLLEXPORT void rk_supervisor_main(Datum arg);

extern char **environ;

static TimestampTz failed_at[FAILURES_KEPT];	/* the last ones */
static int	failures = 0;

/* ---- starting the supervisor: in backends ---- */

bool
rk_device_start(const char **problem)
{
	BackgroundWorker worker = {0};
	bool		mine = false;
	char	   *library = rk_device_library_path();
	struct stat file;

	if (stat(library, &file) != 0)
	{
		*problem = psprintf("the device library \"%s\" is not installed", library);
		return false;
	}
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	if (rk_the_devices->state == RK_DEVICE_IDLE && rk_the_devices->supervisor == 0)
	{
		mine = true;
		rk_the_devices->state = RK_DEVICE_STARTING;
	}
	LWLockRelease(&rk_the_devices->lock);
	if (!mine)
		return true;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = 1;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "rustkernels");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "rk_supervisor_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "rk gpu");
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "rk gpu");
	if (RegisterDynamicBackgroundWorker(&worker, NULL))
		return true;
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->state = RK_DEVICE_IDLE;
	LWLockRelease(&rk_the_devices->lock);
	*problem = psprintf("no background worker is free for it (max_worker_processes = %d)", max_worker_processes);
	return false;
}

/* ---- the supervisor ---- */

static void
set_state(rk_device_state state, pid_t worker, const char *problem)
{
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->state = state;
	rk_the_devices->worker = worker;
	if (problem)
		strlcpy(rk_the_devices->problem, problem, sizeof(rk_the_devices->problem));
	LWLockRelease(&rk_the_devices->lock);
	ConditionVariableBroadcast(&rk_the_devices->changed);
}

/* Nobody looks after the worker any more: the next session may start anew. */
static void
supervisor_exit(int code, Datum arg)
{
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	if (rk_the_devices->state != RK_DEVICE_UNAVAILABLE)
		rk_the_devices->state = RK_DEVICE_IDLE;
	rk_the_devices->supervisor = 0;
	rk_the_devices->worker = 0;
	rk_the_devices->latch = NULL;
	LWLockRelease(&rk_the_devices->lock);
	ConditionVariableBroadcast(&rk_the_devices->changed);
}

/* Starts the program; returns its pid, 0 if that failed, and the socket to it. */
static pid_t
start_worker(int *control)
{
	char		program[MAXPGPATH];
	char		device[16];
	char		limit[32];
	char	   *argv[6];
	int			pair[2];
	pid_t		pid = 0;
	int			status;
	uint8		random[16];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t	none;
	sigset_t	all;

	if (!pg_strong_random(random, sizeof(random)) ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
	{
		ereport(LOG, (errmsg("could not prepare the start of the device worker: %m")));
		return 0;
	}
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	strcpy(rk_the_devices->address, "rustkernels-");
	for (int i = 0; i < (int) sizeof(random); i++)
		sprintf(rk_the_devices->address + strlen(rk_the_devices->address), "%02x", random[i]);
	memset(&rk_the_devices->report, 0, sizeof(rk_the_devices->report));
	rk_the_devices->starts++;
	LWLockRelease(&rk_the_devices->lock);

	snprintf(program, sizeof(program), "%s/rustkernels_device", pkglib_path);
	snprintf(device, sizeof(device), "%d", rk_cuda_device_number);
	snprintf(limit, sizeof(limit), INT64_FORMAT, (int64) rk_gpu_memory_limit_mb * 1024 * 1024);
	argv[0] = "rustkernels_device";
	argv[1] = rk_the_devices->address;
	argv[2] = rk_device_library_path();
	argv[3] = device;
	argv[4] = limit;
	argv[5] = NULL;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], RK_WIRE_CONTROL_FD);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	status = posix_spawn(&pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	if (status != 0)
	{
		errno = status;
		ereport(LOG, (errmsg("could not start \"%s\": %m", program)));
		close(pair[0]);
		return 0;
	}
	*control = pair[0];
	set_state(RK_DEVICE_STARTING, pid, NULL);
	return pid;
}

/* Takes a report; false at the worker's end. */
static bool
take_report(int control, bool *no_device)
{
	rk_wire_report r;
	ssize_t		length = recv(control, &r, sizeof(r), MSG_DONTWAIT);
	bool		first;

	if (length < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	if (length != sizeof(r))
		return false;
	*no_device = r.state == RK_WIRE_NO_DEVICE;
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	first = rk_the_devices->state != RK_DEVICE_READY;
	rk_the_devices->report = r;
	LWLockRelease(&rk_the_devices->lock);
	if (first && !*no_device)
	{
		ereport(LOG,
				(errmsg("device %d is ready: %s", r.device, r.devices[r.device].name)));
		set_state(RK_DEVICE_READY, rk_the_devices->worker, "");
	}
	else if (*no_device)
		set_state(RK_DEVICE_UNAVAILABLE, 0, r.problem);
	return true;
}

/* Waits for the program's end and says in the log what it was. */
static void
reap_worker(pid_t pid, bool asked)
{
	int			status = 0;

	/* the socket is closed, so it is on its way; what does not go is sent away */
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++)
	{
		if (i == 50)
			kill(pid, SIGKILL);
		pg_usleep(10000);
	}
	if (asked)
		return;
	if (WIFSIGNALED(status))
		ereport(LOG, (errmsg("device worker (PID %d) was terminated by signal %d: %s", (int) pid,
							 WTERMSIG(status), pg_strsignal(WTERMSIG(status)))));
	else
		ereport(LOG, (errmsg("device worker (PID %d) exited with code %d", (int) pid, WEXITSTATUS(status))));
}

/* Notes a failure; returns when to start again. */
static TimestampTz
next_start(void)
{
	TimestampTz now = GetCurrentTimestamp();

	failed_at[failures++ % FAILURES_KEPT] = now;
	if (failures < FAILURES_KEPT || now - failed_at[failures % FAILURES_KEPT] > FAILURE_WINDOW)
		return now;
	failures = 0;
	ereport(LOG,
			(errmsg("the device worker has failed %d times within a minute, the device is off for five minutes",
					FAILURES_KEPT),
			 errhint("SELECT rk.device_restart(); starts it at once.")));
	return now + OFF_TIME;
}

/* Whether somebody has asked for a new start. */
static bool
restart_wanted(void)
{
	bool		wanted;

	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	wanted = rk_the_devices->restart;
	rk_the_devices->restart = false;
	LWLockRelease(&rk_the_devices->lock);
	return wanted;
}

void
rk_supervisor_main(Datum arg)
{
	pid_t		pid = 0;
	int			control = -1;
	bool		no_device = false;
	TimestampTz start_at = 0;
	TimestampTz leave_at = 0;	/* at the latest, once it is to end */

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	on_shmem_exit(supervisor_exit, 0);
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->supervisor = MyProcPid;
	rk_the_devices->latch = MyLatch;
	rk_the_devices->state = RK_DEVICE_STARTING;
	LWLockRelease(&rk_the_devices->lock);

	for (;;)
	{
		long		wait = ShutdownRequestPending ? 50 : -1;
		bool		asked = restart_wanted();
		bool		ended = false;

		CHECK_FOR_INTERRUPTS();
		/* hosts of rings end at the same time, and fetch their states first */
		if (ShutdownRequestPending)
		{
			if (leave_at == 0)
				leave_at = GetCurrentTimestamp() + RINGS_TIME;
			if (pid == 0 || rk_the_devices->report.rings == 0 || GetCurrentTimestamp() >= leave_at)
				break;
		}
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (asked)
		{
			failures = 0;
			start_at = 0;
		}
		if (pid == 0 && GetCurrentTimestamp() >= start_at)
		{
			pid = start_worker(&control);
			ended = pid == 0;
		}
		else if (pid != 0)
			ended = asked || !take_report(control, &no_device);
		if (ended)
		{
			if (pid != 0)
			{
				if (asked)
					kill(pid, SIGKILL);
				close(control);
				reap_worker(pid, asked || no_device);
				pid = 0;
			}
			if (no_device)
				proc_exit(0);
			start_at = asked ? 0 : next_start();
			LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
			rk_the_devices->retry_at = start_at;
			LWLockRelease(&rk_the_devices->lock);
			set_state(start_at > GetCurrentTimestamp() ? RK_DEVICE_OFF : RK_DEVICE_STARTING, 0,
					  "the device worker has failed");
		}
		if (pid == 0)
		{
			wait = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), start_at);
			if (wait <= 0)
				continue;
		}
		if (pid != 0)
			(void) WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH |
									 (wait >= 0 ? WL_TIMEOUT : 0), control, wait, PG_WAIT_EXTENSION);
		else
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
}

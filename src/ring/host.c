/*
 * host.c
 *	  The process that runs rings: one for a database, and one for each ring
 *	  with the option "dedicated".
 *
 * One loop.  Every ring in turn gets some messages handled (serve.c); then come
 * the work that actors want done between messages, the journal (journal.c),
 * checkpoints that are due (checkpoint.c), and rk.ring if it has changed
 * (life.c).  With nothing to do the host spins for rk.ring_spin_us, then sleeps
 * until a sender wakes it (queue.h) or the next look at the clock is due: once a
 * second at most.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "host.h"

rk_host    *rk_this_host;
bool		rk_host_read_only = false;
rk_ring    *rk_acting_ring = NULL;
uint64		rk_acts = 0;

static char rings_shown[512] = "";	/* in pg_stat_activity, between transactions */

/* ---- errors and transactions ---- */

void
rk_ring_error(rk_ring *ring, const char *message)
{
	ring->error_count++;
	ring->error_at = GetCurrentTimestamp();
	strlcpy(ring->error, message, RK_ERROR_TEXT);
}

bool
rk_in_transaction(rk_ring *ring, const char *what, void (*fn) (void *arg), void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool good = true;

	rk_mind_end();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (ring)
	{
		char		text[NAMEDATALEN + 80];

		snprintf(text, sizeof(text), "ring %s: %s", NameStr(ring->name), what);
		pgstat_report_activity(STATE_RUNNING, text);
	}
	else
		pgstat_report_activity(STATE_RUNNING, what);
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		fn(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		good = false;
		if (ring)
		{
			ErrorData  *error = CopyErrorData();

			rk_ring_error(ring, error->message);
			FreeErrorData(error);
		}
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, rings_shown);
	return good;
}

/* Shows in pg_stat_activity which rings this process runs. */
static void
show_rings(void)
{
	size_t		length = 0;

	rings_shown[0] = '\0';
	for (int i = 0; i < rk_hosted_count && length < sizeof(rings_shown) - NAMEDATALEN - 8; i++)
		length += snprintf(rings_shown + length, sizeof(rings_shown) - length, "%s%s", i ? ", " : "ring ",
						   NameStr(rk_hosted_rings[i]->ring->name));
	pgstat_report_activity(STATE_IDLE, rings_shown);
}

bool
rk_host_interrupted(void *arg)
{
	if (ProcSignalBarrierPending)
		ProcessProcSignalBarrier();
	/* a sign of life */
	if (rk_acting_ring)
		atomic_store_explicit(&rk_acting_ring->acting, ++rk_acts, memory_order_relaxed);
	return ShutdownRequestPending || ProcDiePending || QueryCancelPending ||
		atomic_load_explicit(&rk_this_host->stop, memory_order_relaxed) != 0;
}

/*
 * SIGTERM: the loop leaves in order.  A transaction that waits for a lock would
 * keep it from that.
 */
static void
told_to_end(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;
	if (MyProc && MyProc->waitLock)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

void
rk_end_if_stuck(void)
{
	bool		stuck;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	stuck = rk_this_host->state == RK_HOST_STUCK;
	LWLockRelease(rk_the_region->lock);
	if (stuck)
		proc_exit(1);
}

/* SQLSTATE of what an actor says. */
int
rk_status_code(rk_status status)
{
	switch (status)
	{
		case RK_ERR_PARAMETER:
		case RK_ERR_DATA:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case RK_ERR_OVERFLOW:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case RK_ERR_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case RK_ERR_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case RK_ERR_CORRUPT:
			return ERRCODE_DATA_CORRUPTED;
		case RK_ERR_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		default:
			return ERRCODE_QUERY_CANCELED;
	}
}

/* ---- the loop ---- */

static void
tell_level(void *arg)
{
	rk_hosted  *h = arg;
	StringInfoData payload;

	initStringInfo(&payload);
	appendStringInfoString(&payload, "{\"ring\": ");
	escape_json(&payload, NameStr(h->ring->name));
	appendStringInfo(&payload, ", \"event\": \"%s\", \"queue_depth\": %llu}",
					 h->ring->high_water ? "high_water" : "low_water", (unsigned long long) rk_queue_depth(h->queue));
	Async_Notify("rk_ring", payload.data);
}

/* Says to listeners when a queue fills up, and when it is empty again. */
static void
watch_level(rk_hosted *h)
{
	uint64		depth = rk_queue_depth(h->queue);
	bool		high = depth >= h->ring->capacity * (h->ring->high_water ? h->options.low_water : h->options.high_water);

	/* an empty queue is low, whatever the options say */
	high &= depth > 0;
	high |= rk_ring_backlog(h->ring) > rk_journal_limit;
	if (high == (h->ring->high_water != 0))
		return;
	h->ring->high_water = high;
	if (!rk_host_read_only)
		rk_in_transaction(h->ring, "telling the level of a queue", tell_level, h);
}

/* Says once when more messages from tables wait for a ring than should. */
static void
watch_backlog(rk_hosted *h)
{
	int64		backlog = rk_ring_backlog(h->ring);

	if (backlog > rk_journal_limit && !h->backlog_warned)
		ereport(WARNING,
				(errmsg("%lld messages from tables wait for ring \"%s\"", (long long) backlog, NameStr(h->ring->name)),
				 errdetail("Its state is \"%s\"; the setting rk.journal_limit is %d.", rk_ring_state_name(h->ring->state),
						   rk_journal_limit)));
	h->backlog_warned = backlog > rk_journal_limit;
}

/* What is due by the clock. */
static void
housekeeping(int64 now)
{
	rk_set_wall_offset();
	rk_serve_time(now);
	for (int i = rk_hosted_count - 1; i >= 0; i--)
	{
		rk_hosted  *h = rk_hosted_rings[i];
		rk_ring    *ring = h->ring;
		uint32		state = atomic_load(&ring->state);
		int64		interval;

		rk_mind_end();
		h->now_ns = now;
		atomic_store_explicit(&ring->heartbeat_ns, now, memory_order_relaxed);
		ring->memory_bytes = h->ctx.memory_used;
		if (state == RK_RING_FAILED)
		{
			if (h->restart_at_ns != 0 && now >= h->restart_at_ns)
				rk_launch(h);
			continue;
		}
		if (h->away && !rk_away_alive(h))
		{
			rk_away_lost(h);
			continue;
		}
		rk_away_try(h);
		if (ring->parked_count > 0)
			rk_retry_parked(h);
		if (state == RK_RING_SUSPENDED && now >= h->backlog_due_ns && !rk_host_read_only)
		{
			rk_journal_count(h);
			h->backlog_due_ns = rk_now_ns() + INT64CONST(5000000000);
		}
		watch_backlog(h);
		watch_level(h);
		if (now >= h->trim_due_ns && !rk_host_read_only)
		{
			rk_dead_trim(h);
			h->trim_due_ns = now + Min(INT64CONST(60000), h->options.dlq_age_ms) * 1000000;
		}
		interval = h->options.checkpoint_interval_s > 0 ? h->options.checkpoint_interval_s : rk_checkpoint_interval_s;
		if (ring->since_checkpoint > 0 && (h->checkpointed_ns == 0 ||
										   now - h->checkpointed_ns >= interval * INT64CONST(1000000000) ||
										   ring->since_checkpoint >= h->options.checkpoint_messages))
		{
			(void) rk_checkpoint_write(h);
			h->checkpointed_ns = rk_now_ns();
		}
		if (state == RK_RING_DRAINING &&
			((rk_queue_depth(h->queue) == 0 && !h->has_log) || now > h->drain_until_ns))
			rk_ring_stop(h, RK_END_STOPPED);
	}
}

/* How long to look for messages before sleeping: the setting, or what rings say; -1: always. */
static int64
spin_ns(void)
{
	int64		spin = 0;
	bool		given = false;

	for (int i = 0; i < rk_hosted_count; i++)
	{
		const rk_ring_options *o = &rk_hosted_rings[i]->options;
		int64		own = o->has_spin ? (o->spin_us < 0 ? -1 : o->spin_us * INT64CONST(1000)) : rk_spin_ns();

		given = true;
		spin = own < 0 || spin < 0 ? -1 : Max(spin, own);
	}
	return given ? spin : rk_spin_ns();
}

static bool
any_draining(void)
{
	for (int i = 0; i < rk_hosted_count; i++)
		if (atomic_load(&rk_hosted_rings[i]->ring->state) == RK_RING_DRAINING)
			return true;
	return false;
}

static void
host_exit(int code, Datum arg)
{
	atomic_store(&rk_this_host->latch, NULL);
	rk_waiter_cancel(&rk_this_host->sleeping);
}

/*
 * Leaves: what is queued is worked off, or kept in the journal, as a server that
 * stops takes its shared memory along; checkpoints are written.
 */
static void
leave(void)
{
	int64		until = rk_now_ns() + rk_shutdown_timeout_s * INT64CONST(1000000000);
	char		limit[32];

	rk_mind_end();
	/* whoever holds a lock on our tables shall not hold up a shutdown */
	snprintf(limit, sizeof(limit), "%ds", Max(rk_shutdown_timeout_s, 1));
	SetConfigOption("lock_timeout", limit, PGC_SUSET, PGC_S_OVERRIDE);
	while (rk_run_rings() > 0 && rk_now_ns() < until)
		;
	rk_dead_flush();
	while (rk_hosted_count > 0)
		rk_ring_stop(rk_hosted_rings[0], RK_END_LEAVING);
	rk_dead_flush();
	/* somebody terminated this process, not the rings: the launcher sends another */
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	rk_this_host->state = atomic_load(&rk_this_host->stop) ? RK_HOST_FREE : RK_HOST_WANTED;
	rk_this_host->restart_at = 0;
	LWLockRelease(rk_the_region->lock);
	proc_exit(0);
}

void
rk_host_main(Datum arg)
{
	int64		next_tick = 0;
	int64		next_poll = 0;

	rk_this_host = &rk_region_hosts()[DatumGetInt32(arg)];
	rk_this_host->pid = MyProcPid;
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, told_to_end);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(rk_this_host->database, InvalidOid, 0);
	pgstat_report_appname("rk host");
	rk_serve_init();
	on_shmem_exit(host_exit, 0);
	atomic_store(&rk_this_host->latch, MyLatch);
	rk_set_wall_offset();
	atomic_store(&rk_this_host->rescan, 1);
	rk_host_read_only = RecoveryInProgress();
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	rk_this_host->state = RK_HOST_RUNNING;
	LWLockRelease(rk_the_region->lock);
	/* the launcher may start the next one */
	if (atomic_load(&rk_the_region->launcher))
		SetLatch(atomic_load(&rk_the_region->launcher));

	for (;;)
	{
		int			work;
		int64		now;
		int64		spin;

		/* a cancel is for the transaction that was under way */
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			/* whatever is due by the new settings */
			next_tick = next_poll = 0;
			for (int i = 0; i < rk_hosted_count; i++)
				rk_hosted_rings[i]->backlog_due_ns = 0;
		}
		/* a server that was promoted gets a host that writes */
		if (ShutdownRequestPending || atomic_load(&rk_this_host->stop) ||
			(rk_host_read_only && !RecoveryInProgress()))
			leave();
		if (atomic_exchange(&rk_this_host->rescan, 0))
		{
			int			rings = rk_follow_catalog();

			bool		done;

			rk_dead_flush();
			rk_mind_end();
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			done = rings == 0 && rk_hosted_count == 0 && atomic_load(&rk_this_host->rescan) == 0;
			rk_this_host->failures = 0;
			if (done)
				rk_this_host->state = RK_HOST_FREE;
			LWLockRelease(rk_the_region->lock);
			if (done)
				proc_exit(0);
			show_rings();
			next_tick = 0;
		}
		work = rk_run_rings();
		now = rk_now_ns();
		if (atomic_load_explicit(&rk_this_host->journal, memory_order_relaxed) || now >= next_poll)
		{
			atomic_store(&rk_this_host->journal, 0);
			rk_journal_intake(rk_hosted_rings, rk_hosted_count);
			next_poll = rk_now_ns() + rk_journal_poll_ms * INT64CONST(1000000);
			/* nobody says on a standby that rk.ring has changed */
			if (rk_host_read_only)
				atomic_store(&rk_this_host->rescan, 1);
		}
		if (now >= next_tick || any_draining())
		{
			int			before = rk_hosted_count;

			rk_dead_flush();
			housekeeping(now);
			rk_dead_flush();
			next_tick = now + INT64CONST(1000000000);
			if (rk_hosted_count < before || rk_may_follow_again())
				atomic_store(&rk_this_host->rescan, 1);
		}
		if (work > 0)
			continue;

		/* nothing to do: spin, then sleep */
		spin = spin_ns();
		if (spin != 0)
		{
			int64		until = now + (spin < 0 ? INT64CONST(1000000) : spin);
			int			handled = 0;

			/* messages that come meanwhile are handled right here: the short way */
			for (bool seen = false; handled < 4096;)
			{
				int			n = rk_run_rings();
				bool		more = rk_watch(64);

				handled += n;
				/* one that stays where it is must not keep us from the clock */
				if (more && (n > 0 || !seen))
				{
					seen = n == 0;
					continue;
				}
				seen = false;
				now = rk_now_ns();
				rk_serve_time(now);
				if (now > until || atomic_load(&rk_this_host->journal) || atomic_load(&rk_this_host->rescan))
					break;
			}
			if (handled > 0 || spin < 0)
				continue;
		}
		rk_waiter_prepare(&rk_this_host->sleeping);
		if (!rk_anything_queued() && !atomic_load(&rk_this_host->rescan) && !atomic_load(&rk_this_host->journal) &&
			!atomic_load(&rk_this_host->stop))
		{
			int64		wait_ns = Min(next_tick, next_poll) - rk_now_ns();

			if (any_draining())
				wait_ns = Min(wait_ns, INT64CONST(10000000));
			if (wait_ns > 0)
				(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 wait_ns / 1000000 + 1, PG_WAIT_EXTENSION);
		}
		rk_waiter_cancel(&rk_this_host->sleeping);
		ResetLatch(MyLatch);
		rk_serve_time(rk_now_ns());
	}
}

/*
 * breaker.c
 *	  The circuit breakers: one for each kernel on the device.
 *
 *	  closed -> open		rk.circuit_failures failures within rk.circuit_window
 *	  open -> half open		rk.circuit_reset_timeout after that
 *	  half open -> closed	rk.circuit_successes successes in a row
 *	  half open -> open		a failure
 *
 * The window slides by sixths.  While a breaker is half open, at most
 * rk.circuit_probes runs are let through at a time.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "device.h"

static int64
bucket_now(TimestampTz now)
{
	int64		width = Max(1, (int64) rk_circuit_window_s * USECS_PER_SEC / RK_CIRCUIT_BUCKETS);

	return now / width;
}

static int
failures_in_window(const rk_circuit *c, TimestampTz now)
{
	int64		current = bucket_now(now);
	int			sum = 0;

	for (int i = 0; i < RK_CIRCUIT_BUCKETS; i++)
		if (c->bucket[i] > current - RK_CIRCUIT_BUCKETS)
			sum += c->failures[i];
	return sum;
}

static void
forget_failures(rk_circuit *c)
{
	memset(c->failures, 0, sizeof(c->failures));
	c->successes = 0;
}

static void
open_circuit(rk_circuit *c, TimestampTz now)
{
	c->state = RK_CIRCUIT_OPEN;
	c->opened_at = now;
	c->retry_at = now + (int64) rk_circuit_reset_s * USECS_PER_SEC;
	c->successes = 0;
}

bool
rk_circuit_permit(rk_cuda_kernel kernel, TimestampTz *retry_at)
{
	rk_circuit *c = &rk_the_devices->circuits[kernel];
	TimestampTz now = GetCurrentTimestamp();
	bool		permitted = true;

	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	c->requests++;
	if (c->state == RK_CIRCUIT_OPEN && now >= c->retry_at)
	{
		c->state = RK_CIRCUIT_HALF_OPEN;
		c->successes = 0;
	}
	if (rk_circuit_breaker && c->state != RK_CIRCUIT_CLOSED)
		permitted = c->state == RK_CIRCUIT_HALF_OPEN && c->probes < rk_circuit_probes;
	if (permitted)
		c->probes++;
	else
		c->rejections++;
	*retry_at = c->retry_at;
	LWLockRelease(&rk_the_devices->lock);
	return permitted;
}

void
rk_circuit_success(rk_cuda_kernel kernel)
{
	rk_circuit *c = &rk_the_devices->circuits[kernel];

	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	c->probes--;
	if (c->state == RK_CIRCUIT_HALF_OPEN && ++c->successes >= rk_circuit_successes)
	{
		c->state = RK_CIRCUIT_CLOSED;
		forget_failures(c);
	}
	LWLockRelease(&rk_the_devices->lock);
}

void
rk_circuit_failure(rk_cuda_kernel kernel)
{
	rk_circuit *c = &rk_the_devices->circuits[kernel];
	TimestampTz now = GetCurrentTimestamp();
	int64		current = bucket_now(now);
	int			i = current % RK_CIRCUIT_BUCKETS;
	bool		opened = false;

	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	c->probes--;
	c->failures_total++;
	if (c->bucket[i] != current)
	{
		c->bucket[i] = current;
		c->failures[i] = 0;
	}
	c->failures[i]++;
	if (c->state == RK_CIRCUIT_HALF_OPEN ||
		(c->state == RK_CIRCUIT_CLOSED && failures_in_window(c, now) >= rk_circuit_failures))
	{
		open_circuit(c, now);
		opened = true;
	}
	LWLockRelease(&rk_the_devices->lock);
	if (opened && rk_circuit_breaker)
		ereport(LOG,
				(errmsg("%s does not run on the device for %d s", rk_device_kernel_id(kernel),
						rk_circuit_reset_s),
				 errdetail("Its circuit breaker has opened after failures of the device.")));
}

void
rk_circuit_release(rk_cuda_kernel kernel)
{
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->circuits[kernel].probes--;
	LWLockRelease(&rk_the_devices->lock);
}

/* ---- SQL ---- */

PG_FUNCTION_INFO_V1(rk_circuit_list);

/* Rows of the view rk.stat_circuit: breakers that were asked. */
Datum
rk_circuit_list(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"closed", "open", "half_open"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz now = GetCurrentTimestamp();

	InitMaterializedSRF(fcinfo, 0);
	for (int k = 0; rk_the_devices && k < RK_CUDA_KERNELS + RK_RING_KINDS; k++)
	{
		rk_circuit	c;
		rk_circuit_state state;
		Datum		values[10];
		bool		nulls[10] = {0};

		LWLockAcquire(&rk_the_devices->lock, LW_SHARED);
		c = rk_the_devices->circuits[k];
		LWLockRelease(&rk_the_devices->lock);
		if (c.requests == 0 && c.state == RK_CIRCUIT_CLOSED)
			continue;
		/* an open one is half open as soon as it would let a run through */
		state = c.state == RK_CIRCUIT_OPEN && now >= c.retry_at ? RK_CIRCUIT_HALF_OPEN : c.state;
		values[0] = CStringGetTextDatum(rk_device_kernel_id(k));
		values[1] = CStringGetTextDatum("cuda");
		values[2] = CStringGetTextDatum(names[state]);
		values[3] = Int32GetDatum(failures_in_window(&c, now));
		values[4] = Int32GetDatum(c.successes);
		nulls[5] = nulls[6] = state == RK_CIRCUIT_CLOSED;
		values[5] = TimestampTzGetDatum(c.opened_at);
		values[6] = TimestampTzGetDatum(c.retry_at);
		values[7] = Int64GetDatum(c.requests);
		values[8] = Int64GetDatum(c.failures_total);
		values[9] = Int64GetDatum(c.rejections);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Does something to the breakers of the kernel given as an argument, which may have several. */
static void
for_kernel_argument(FunctionCallInfo fcinfo, void (*change) (rk_circuit *c))
{
	char	   *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		found = false;

	if (rk_the_devices == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rustkernels must be loaded via shared_preload_libraries")));
	for (int k = 0; k < RK_CUDA_KERNELS + RK_RING_KINDS; k++)
	{
		if (!rk_device_is_kernel_of(k, id))
			continue;
		found = true;
		LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
		change(&rk_the_devices->circuits[k]);
		LWLockRelease(&rk_the_devices->lock);
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("kernel \"%s\" has no circuit breaker", id),
				 errhint("SELECT id FROM rk.kernels WHERE 'cuda' = ANY (devices);")));
}

static void
close_circuit(rk_circuit *c)
{
	c->state = RK_CIRCUIT_CLOSED;
	forget_failures(c);
}

static void
open_circuit_now(rk_circuit *c)
{
	open_circuit(c, GetCurrentTimestamp());
}

PG_FUNCTION_INFO_V1(rk_circuit_reset);

Datum
rk_circuit_reset(PG_FUNCTION_ARGS)
{
	for_kernel_argument(fcinfo, close_circuit);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rk_circuit_open);

Datum
rk_circuit_open(PG_FUNCTION_ARGS)
{
	for_kernel_argument(fcinfo, open_circuit_now);
	PG_RETURN_VOID();
}

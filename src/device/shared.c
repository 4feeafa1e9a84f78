/*
 * shared.c
 *	  Shared memory and settings of the devices; the constants on disk.
 */
#include "postgres.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

#include "device.h"
#include "../call/shared.h"

/* Kept across restarts, beside the statistics of other extensions. */
#define CONSTANTS_FILE "pg_stat/rustkernels_device"

rk_devices *rk_the_devices = NULL;

char	   *rk_cuda_library = NULL;
int			rk_cuda_device_number = 0;
int			rk_gpu_memory_limit_mb = 4096;
int			rk_gpu_slice_ms = 500;
bool		rk_fallback = true;
bool		rk_circuit_breaker = true;
int			rk_circuit_failures = 5;
int			rk_circuit_successes = 2;
int			rk_circuit_reset_s = 30;
int			rk_circuit_window_s = 60;
int			rk_circuit_probes = 3;

/* ---- constants ---- */

/* Before anything is measured: cautious ones, of a device behind PCIe 3. */
static const rk_device_constants default_constants = {
	.transfer_rate = 6e9,
	.memory_rate = 500e9,
	.flop_rate = 200e9,
	.launch_seconds = 20e-6,
	.copy_rate = 0.6e9,
	.cpu_factor = 1
};

/*
 * Reads what rk.device_calibrate() has written.  Whatever is wrong with the
 * file, the defaults do.
 */
static void
load_constants(rk_device_constants *c)
{
	FILE	   *file = AllocateFile(CONSTANTS_FILE, PG_BINARY_R);
	rk_device_constants read = {.measured = true};

	*c = default_constants;
	if (file == NULL)
		return;
	if (fscanf(file, "1 %lf %lf %lf %lf %lf %lf %127[^\n]", &read.transfer_rate, &read.memory_rate,
			   &read.flop_rate, &read.launch_seconds, &read.copy_rate, &read.cpu_factor, read.device) == 7 &&
		read.transfer_rate > 0 && read.memory_rate > 0 && read.flop_rate > 0 && read.launch_seconds > 0 &&
		read.copy_rate > 0 && read.cpu_factor > 0)
		*c = read;
	else
		ereport(LOG,
				(errmsg("ignoring file \"%s\"", CONSTANTS_FILE),
				 errdetail("It does not hold what rk.device_calibrate() writes.")));
	FreeFile(file);
}

void
rk_device_constants_save(const rk_device_constants *c)
{
	const char *temporary = CONSTANTS_FILE ".tmp";
	FILE	   *file = AllocateFile(temporary, PG_BINARY_W);

	if (file == NULL ||
		fprintf(file, "1 %.6g %.6g %.6g %.6g %.6g %.6g %s\n", c->transfer_rate, c->memory_rate,
				c->flop_rate, c->launch_seconds, c->copy_rate, c->cpu_factor, c->device) < 0 ||
		FreeFile(file) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", temporary)));
	(void) durable_rename(temporary, CONSTANTS_FILE, ERROR);
}

/* ---- shared memory ---- */

static Size
shared_size(void)
{
	return MAXALIGN(sizeof(rk_devices));
}

static void
attach_shared(void *memory, bool made)
{
	rk_the_devices = memory;
	if (made)
	{
		memset(rk_the_devices, 0, sizeof(rk_devices));
		LWLockInitialize(&rk_the_devices->lock, LWLockNewTrancheId());
		ConditionVariableInit(&rk_the_devices->changed);
		load_constants(&rk_the_devices->constants);
	}
	LWLockRegisterTranche(rk_the_devices->lock.tranche, "RkDevices");
}

void
rk_device_install(void)
{
	static const rk_shared_part part = {.name = "rustkernels devices",.size = shared_size,.attach = attach_shared};

	if (process_shared_preload_libraries_in_progress)
		rk_shared_add(&part);
}

/* ---- settings ---- */

char *
rk_device_library_path(void)
{
	const char *variable = "$libdir/";

	if (strncmp(rk_cuda_library, variable, strlen(variable)) == 0)
		return psprintf("%s/%s%s", pkglib_path, rk_cuda_library + strlen(variable),
						strstr(rk_cuda_library, DLSUFFIX) ? "" : DLSUFFIX);
	return pstrdup(rk_cuda_library);
}

void
rk_device_define_settings(void)
{
	DefineCustomBoolVariable("rk.circuit_breaker",
							 "Enables the circuit breakers of kernels on the device.",
							 NULL, &rk_circuit_breaker, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.circuit_failures",
							"Sets how many failures within rk.circuit_window open a circuit breaker.",
							NULL, &rk_circuit_failures, 5, 1, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.circuit_probes",
							"Sets how many runs at a time a half-open circuit breaker lets through.",
							NULL, &rk_circuit_probes, 3, 1, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.circuit_reset_timeout",
							"Sets how long a circuit breaker stays open.",
							NULL, &rk_circuit_reset_s, 30, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.circuit_successes",
							"Sets how many successes in a row close a half-open circuit breaker.",
							NULL, &rk_circuit_successes, 2, 1, 1000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.circuit_window",
							"Sets the time in which failures are counted for the circuit breakers.",
							NULL, &rk_circuit_window_s, 60, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.cuda_device",
							"Sets the number of the CUDA device.",
							"Takes effect when the device worker starts, see rk.device_restart().",
							&rk_cuda_device_number, 0, 0, RK_WIRE_DEVICES - 1, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("rk.cuda_library",
							   "Sets the library with the kernels for CUDA devices.",
							   "Takes effect when the device worker starts, see rk.device_restart().",
							   &rk_cuda_library, "$libdir/rustkernels_cuda",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomBoolVariable("rk.fallback",
							 "Runs a kernel on the CPU when the device fails.",
							 "Off, a failure of the device is an error.",
							 &rk_fallback, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.gpu_memory_limit",
							"Sets the memory of the device that may be used.",
							"Zero means all. Takes effect when the device worker starts.",
							&rk_gpu_memory_limit_mb, 4096, 0, 16 * 1024 * 1024,
							PGC_SIGHUP, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.gpu_slice_ms",
							"Sets how long a ring on the device polls before its kernel ends and is launched anew.",
							"Takes effect when a ring comes to the device.",
							&rk_gpu_slice_ms, 500, 1, 5000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

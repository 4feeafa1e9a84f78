/*
 * settings.c
 *	  The settings (GUCs) of the extension.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "call.h"
#include "../device/device.h"
#include "../relation/reader.h"

int			rk_threads = 0;
int			rk_max_threads = 0;
int			rk_memory_limit_kb = 1024 * 1024;
int			rk_pool_retain_kb = 64 * 1024;
int			rk_device = RK_DEVICE_AUTO;

static const struct config_enum_entry device_options[] = {
	{"auto", RK_DEVICE_AUTO, false},
	{"cpu", RK_DEVICE_CPU, false},
	{"cuda", RK_DEVICE_CUDA, false},
	{NULL, 0, false}
};

void
rk_define_settings(void)
{
	DefineCustomEnumVariable("rk.device",
							 "Sets the device that kernels run on.",
							 "auto chooses; cpu and cuda insist.",
							 &rk_device, RK_DEVICE_AUTO, device_options, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.max_threads",
							"Sets the number of kernel threads of all sessions together.",
							"Zero means one for each core.",
							&rk_max_threads, 0, 0, 1024, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.memory_limit",
							"Sets the memory that one kernel run may use.",
							NULL,
							&rk_memory_limit_kb, 1024 * 1024, 1024, 1024 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("rk.page_loop",
							 "Enables reading plain tables page by page.",
							 "Off, every relation is read through its plan.",
							 &rk_page_loop, true, PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.pool_retain",
							"Sets the memory that a session keeps between kernel runs.",
							"Memory that is kept need not be cleared by the system again.",
							&rk_pool_retain_kb, 64 * 1024, 0, 8 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.threads",
							"Sets the number of threads of a kernel run.",
							"Zero means max_parallel_workers_per_gather + 1.",
							&rk_threads, 0, 0, 1024, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("rk");
}

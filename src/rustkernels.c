/*
 * rustkernels.c
 *	  Loading the library.
 */
#include "postgres.h"

#include "fmgr.h"

#include "call/call.h"
#include "call/shared.h"
#include "device/device.h"
#include "relation/context.h"
#include "ring/region.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	/* its setting comes before the prefix is closed */
	rk_context_install();
	rk_ring_define_settings();
	rk_device_define_settings();
	rk_define_settings();
	rk_progress_install();
	rk_region_install();
	rk_device_install();
	rk_shared_install();
	rk_launcher_register();
	rk_utility_install();
}

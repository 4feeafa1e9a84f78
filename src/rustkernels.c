/*
 * rustkernels.c
 *	  Loading the library.
 */
#include "postgres.h"

#include "fmgr.h"

#include "call/call.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	rk_define_settings();
	rk_progress_install();
}

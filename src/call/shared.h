/*
 * shared.h
 *	  The parts of shared memory that the library has.
 *
 * Each part is registered by its module while the library is preloaded, before
 * rk_shared_install: its size is asked for when all settings are known, and its
 * memory handed over when the server starts, and again after a crash.
 */
#ifndef RK_SHARED_H
#define RK_SHARED_H

#include "postgres.h"

typedef struct rk_shared_part
{
	const char *name;			/* as pg_shmem_allocations shows it */
	Size		(*size) (void); /* 0: not wanted */

	/*
	 * Takes the memory; made: it is new, and not initialised.  Runs with
	 * AddinShmemInitLock held, in every process where processes do not inherit.
	 */
	void		(*attach) (void *memory, bool made);
	const char *lock;			/* a tranche of this name with one lock; NULL: none */
} rk_shared_part;

/* part lives as long as the library. */
extern void rk_shared_add(const rk_shared_part *part);

/* Hooks into the server's start; nothing without parts. */
extern void rk_shared_install(void);

#endif							/* RK_SHARED_H */

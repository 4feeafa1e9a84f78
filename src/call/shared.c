/*
 * shared.c
 *	  The parts of shared memory that the library has: one pair of hooks for all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "shared.h"

#define MAX_PARTS 8

static const rk_shared_part *parts[MAX_PARTS];
static int	part_count = 0;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

void
rk_shared_add(const rk_shared_part *part)
{
	if (part_count == MAX_PARTS)
		elog(ERROR, "too many parts of shared memory");
	parts[part_count++] = part;
}

static void
request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	for (int i = 0; i < part_count; i++)
	{
		Size		size = parts[i]->size();

		if (size == 0)
			continue;
		RequestAddinShmemSpace(size);
		if (parts[i]->lock)
			RequestNamedLWLockTranche(parts[i]->lock, 1);
	}
}

static void
start(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < part_count; i++)
	{
		Size		size = parts[i]->size();
		bool		found;
		void	   *memory;

		if (size == 0)
			continue;
		memory = ShmemInitStruct(parts[i]->name, size, &found);
		parts[i]->attach(memory, !found);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
rk_shared_install(void)
{
	if (!process_shared_preload_libraries_in_progress || part_count == 0)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start;
}

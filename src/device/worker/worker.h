/*
 * worker.h
 *	  The device worker: the process that owns the GPU.
 *
 * A program of its own, started by the supervisor (../supervisor.c) and no
 * child of the postmaster.  It maps none of PostgreSQL's shared memory, so
 * nothing that a driver does can damage the server, and its death, by a signal
 * too, is an error of the runs under way and nothing more.
 *
 * Threads.  The first (main.c) has the sockets: it takes requests in, sends
 * answers, sees backends leave.  The second (engine.c) has the device library,
 * and runs one request after the other.  Between them is one list of requests
 * under one mutex.  Each ring on the device has one more (rings.c), which serves
 * its window slice by slice.
 */
#ifndef RK_DEVICE_WORKER_H
#define RK_DEVICE_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "../wire.h"

typedef enum job_state
{
	JOB_WAITING,
	JOB_RUNNING,
	JOB_DONE
} job_state;

/* A request and the memory file that it came with. */
typedef struct job
{
	struct job *next;
	job_state	state;
	int			client;			/* index; -1: it has left */
	uint32_t	type;			/* rk_wire_type */
	uint32_t	id;
	char	   *map;
	size_t		bytes;
	rk_wire_request *request;	/* = map */
	double		left_at;		/* when the client left a running job */
} job;

/* A ring on the device; fields under the engine's mutex unless it says otherwise. */
typedef struct ring
{
	struct ring *next;
	struct engine *e;
	int			client;			/* -1: it has left */
	rk_ring_window  *window;
	size_t		bytes;
	int			leaving;		/* atomic: the thread is to end */
	double		slice_due;		/* when its slice must have ended; 0: none is under way */
} ring;

typedef struct engine
{
	const char *library;
	int			device;
	int64_t		memory_limit;

	pthread_mutex_t mutex;
	pthread_cond_t wanted;		/* a job waits */
	job		   *jobs;			/* in order of arrival */
	ring	   *rings;
	const rk_cuda_table *table; /* these two: set before "started" is, then constant */
	rk_cuda_device *opened;
	int			event;			/* eventfd: something is done */
	bool		started;		/* the report has been filled in */
	bool		lost;			/* the context is gone */
	rk_wire_report report;
} engine;

/* Body of the engine's thread. */
extern void *engine_main(void *arg);

/* Wakes the first thread. */
extern void tell_main(engine *e);

/*
 * Begins to serve a window, which is unmapped at the end, by munmap; false: it
 * cannot be.
 */
extern bool ring_begin(engine *e, int client, char *map, size_t bytes);

/* The host of a ring has left; the engine's mutex is held. */
extern void ring_leave(ring *r);

/* Whether some slice has not ended in time. */
extern bool rings_stuck(engine *e);

/* Seconds of a clock that does not jump. */
extern double now_seconds(void);

#endif							/* RK_DEVICE_WORKER_H */

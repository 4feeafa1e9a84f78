/*
 * worker.h
 *	  The device worker: the process that owns the GPU.
 *
 * A program of its own, started by the supervisor (../supervisor.c) and no
 * child of the postmaster.  It maps none of PostgreSQL's shared memory, so
 * nothing that a driver does can damage the server, and its death, by a signal
 * too, is an error of the runs under way and nothing more.
 *
 * Two threads.  The first (main.c) has the sockets: it takes requests in, sends
 * answers, sees backends leave.  The second (engine.c) has the device library,
 * and runs one request after the other.  Between them is one list of requests
 * under one mutex.
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

typedef struct engine
{
	const char *library;
	int			device;
	int64_t		memory_limit;

	pthread_mutex_t mutex;
	pthread_cond_t wanted;		/* a job waits */
	job		   *jobs;			/* in order of arrival */
	int			event;			/* eventfd: something is done */
	bool		started;		/* the report has been filled in */
	bool		lost;			/* the context is gone */
	rk_wire_report report;
} engine;

/* Body of the engine's thread. */
extern void *engine_main(void *arg);

/* Seconds of a clock that does not jump. */
extern double now_seconds(void);

#endif							/* RK_DEVICE_WORKER_H */

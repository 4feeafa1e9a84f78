/*
 * wire.h
 *	  What backends, device worker and supervisor say to each other.
 *
 * A backend connects to the worker's socket (abstract, SOCK_SEQPACKET; both
 * sides check that the other one is of their own user) and keeps the
 * connection.  For a run it makes a sealed memory file, writes a
 * rk_wire_request and the arrays into it, and sends the descriptor along with
 * a message.  The worker maps the file, runs the kernel, writes results into
 * the same file and answers.  So memory belongs to whoever maps it: it is gone
 * when the last of both is, whatever ends them, and no name has to be cleaned
 * up.  The worker's end is an end of file on the socket, which a waiting
 * backend sees at once; a backend's end is the same for the worker.
 *
 * The host of a ring has a connection of its own for it, and the file that comes
 * with its only message is a window: the worker serves it on the device until
 * the connection ends.
 *
 * The supervisor gets a rk_wire_report through a socket of its own whenever
 * something has changed.
 *
 * Plain C: the worker includes no header of PostgreSQL.
 */
#ifndef RK_DEVICE_WIRE_H
#define RK_DEVICE_WIRE_H

#include <stdint.h>

#include "../../cuda/rk_cuda.h"
#include "../../cuda/rk_window.h"

#define RK_WIRE_MAGIC 0x726b6476
#define RK_WIRE_DEVICES 8
#define RK_WIRE_CONTROL_FD 3	/* of the worker: to the supervisor */

/* After this long without heed to a request to stop, the worker ends itself. */
#define RK_WIRE_STOP_SECONDS 10

/* And so long after the end of a ring's slice. */
#define RK_WIRE_RING_SECONDS 3
#define RK_WIRE_RINGS 64		/* on a device */

typedef enum rk_wire_type
{
	RK_WIRE_RUN,				/* backend: request follows in the memory file */
	RK_WIRE_MEASURE,			/* likewise; answer in "constants" */
	RK_WIRE_RING,				/* host of a ring: the file is a window (cuda/rk_window.h), served until
								 * the connection ends; there is no answer */
	RK_WIRE_DONE				/* worker: the answer is there */
} rk_wire_type;

typedef struct rk_wire_message
{
	uint32_t	type;
	uint32_t	id;				/* of the run, chosen by the backend */
	int64_t		bytes;			/* of the memory file */
} rk_wire_message;

/* Statuses of the worker beside rk_cuda_status. */
#define RK_WIRE_MISSING 100		/* the graph is not on the device: send it */
#define RK_WIRE_BAD 101			/* the request is not well formed */

/* A part of the memory file; offset 0: absent. */
typedef struct rk_wire_extent
{
	int64_t		offset;
	int64_t		bytes;
} rk_wire_extent;

/* Names a graph that may stay on the device; all zero: it does not. */
typedef struct rk_wire_key
{
	int64_t		item;
	int64_t		loaded_at;
	uint32_t	database;
	uint32_t	options;
} rk_wire_key;

typedef struct rk_wire_adjacency
{
	rk_wire_extent offsets;
	rk_wire_extent neighbors;
	rk_wire_extent weights;
} rk_wire_adjacency;

typedef struct rk_wire_request
{
	uint32_t	magic;
	uint32_t	version;		/* RK_CUDA_VERSION */
	int32_t		kernel;

	int32_t		has_graph;
	int32_t		has_arrays;		/* of the graph; 0: only its key is given */
	int32_t		directed;
	int64_t		nodes;
	int64_t		arcs;
	rk_wire_key key;
	rk_wire_adjacency out;
	rk_wire_adjacency in;

	rk_wire_extent params;
	rk_wire_extent input[RK_CUDA_ARRAYS];
	rk_wire_extent output[RK_CUDA_ARRAYS];

	/* set by the backend at any time */
	volatile int32_t stop;

	/* ---- the answer ---- */
	int32_t		status;			/* rk_cuda_status or RK_WIRE_* */
	int32_t		iterations;
	int32_t		converged;
	double		residual;
	int64_t		counts[4];
	int32_t		was_resident;	/* the graph was on the device already */
	rk_cuda_usage usage;
	rk_cuda_error error;
	rk_cuda_constants constants;
} rk_wire_request;

typedef enum rk_wire_state
{
	RK_WIRE_READY,
	RK_WIRE_NO_DEVICE			/* "problem" says why; the worker ends */
} rk_wire_state;

/* What the supervisor is told. */
typedef struct rk_wire_report
{
	int32_t		state;
	int32_t		device_count;
	int32_t		device;			/* the one in use */
	int32_t		graphs;			/* that stay on it */
	int32_t		rings;			/* that it serves */
	uint64_t	kernels;		/* bits, as in rk_cuda_table */
	int64_t		memory_used;
	int64_t		runs;
	rk_cuda_device_info devices[RK_WIRE_DEVICES];
	char		build[RK_CUDA_TEXT];
	char		problem[RK_CUDA_TEXT];
} rk_wire_report;

#endif							/* RK_DEVICE_WIRE_H */

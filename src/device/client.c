/*
 * client.c
 *	  A run on the device, as the backend sees it: choice, arrays into a memory
 *	  file, waiting, results or fallback.
 *
 * A run's file, its mapping and the permit of the breaker are released by a
 * callback of the call's memory context, so an error anywhere, a cancelled
 * query among them, leaves nothing behind; the request to stop is a word in the
 * file itself, and the connection is closed, which the worker sees even if the
 * backend is gone.
 */
#include "postgres.h"

#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "../relation/context.h"
#include "device.h"

#define ERRCODE_RK_CIRCUIT_OPEN MAKE_SQLSTATE('R', 'K', '0', '0', '2')
#define ERRCODE_RK_DEVICE MAKE_SQLSTATE('R', 'K', '0', '1', '0')

/* An estimate of the device must be so many times below that of the CPU: "auto" is never to be slower. */
#define DEVICE_MARGIN 1.2

#define COPY_CHUNK ((Size) 32 * 1024 * 1024)	/* between looks at interrupts */
#define START_TIMEOUT_MS 60000

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Status of an exchange that did not come to its end. */
#define EXCHANGE_FAILED (-1)

/* An array of the run and where it lies in the file. */
typedef struct piece
{
	void	   *data;
	Size		bytes;
	Size		row;			/* of a result with as many rows as counts[0] says; else 0 */
} piece;

/* One request under way. */
typedef struct exchange
{
	int			fd;				/* -1: none */
	char	   *map;
	Size		bytes;
	bool		waiting;		/* the worker has it */
	char		problem[RK_CUDA_TEXT];
} exchange;

struct rk_device_run
{
	rk_call    *call;
	rk_cuda_kernel kernel;
	bool		permitted;		/* the breaker waits for an outcome */
	double		claimed;		/* seconds of the device that others are to reckon with */
	int64		item;			/* of a context, with a graph that stays there; 0: none */
	int64		loaded_at;
	exchange	x;
	const rk_graph *graph;
	rk_wire_key key;
	piece		params;
	piece		input[RK_CUDA_ARRAYS];
	piece		output[RK_CUDA_ARRAYS];
	int			inputs;
	int			outputs;
	rk_run		reached;		/* how far it came, when it is finished */
};

/* The session's connection. */
static int	connection = -1;
static char connected_to[64];
static uint32 last_id = 0;

/* ---- connection ---- */

static void
disconnect(void)
{
	if (connection < 0)
		return;
	close(connection);
	connection = -1;
	ReleaseExternalFD();
}

int
rk_device_connect(const char *address, char *problem, Size size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t	peer_length = sizeof(peer);
	Size		length = strlen(address);
	int			fd;

	if (!AcquireExternalFD())
	{
		snprintf(problem, size, "no file descriptor is free for the device worker");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(name.sun_path + 1, address, length);
	if (fd < 0)
		snprintf(problem, size, "could not make a socket: %s", strerror(errno));
	else if (connect(fd, (struct sockaddr *) &name, offsetof(struct sockaddr_un, sun_path) + 1 + length) != 0)
		snprintf(problem, size, "could not connect to the device worker: %s", strerror(errno));
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length) != 0 || peer.uid != geteuid())
		snprintf(problem, size, "the device worker's socket belongs to another user");
	else
		return fd;
	if (fd >= 0)
		close(fd);
	ReleaseExternalFD();
	return -1;
}

void
rk_device_address(char *address)
{
	LWLockAcquire(&rk_the_devices->lock, LW_SHARED);
	strlcpy(address, rk_the_devices->address, sizeof(rk_the_devices->address));
	LWLockRelease(&rk_the_devices->lock);
}

static bool
connect_worker(exchange *x)
{
	char		address[sizeof(connected_to)];

	rk_device_address(address);
	if (connection >= 0 && strcmp(address, connected_to) == 0)
		return true;
	disconnect();
	connection = rk_device_connect(address, x->problem, sizeof(x->problem));
	if (connection < 0)
		return false;
	strlcpy(connected_to, address, sizeof(connected_to));
	return true;
}

/* ---- one request ---- */

static void
close_exchange(exchange *x)
{
	if (x->map)
	{
		if (x->waiting)
			((rk_wire_request *) x->map)->stop = 1;
		munmap(x->map, x->bytes);
		x->map = NULL;
	}
	if (x->fd >= 0)
	{
		close(x->fd);
		ReleaseExternalFD();
		x->fd = -1;
	}
	/* an answer that is still to come must not be taken for the next one's */
	if (x->waiting)
		disconnect();
	x->waiting = false;
}

/*
 * Has the kernel make part of a file's memory: what is not there is an error here,
 * not a signal later.  Through the mapping, so that pages are made and mapped in
 * one go and not one by one when they are written.
 */
static bool
populate(int fd, char *map, Size from, Size bytes)
{
	int			status = madvise(map + from, bytes, MADV_POPULATE_WRITE);

	/* Linux before 5.14 */
	if (status != 0 && errno == EINVAL)
		status = fallocate(fd, 0, from, bytes);
	if (status != 0 && errno == EFAULT)
		errno = ENOMEM;
	return status == 0;
}

bool
rk_device_memory(Size bytes, int *fd, char **map, char *problem, Size size)
{
	void	   *p = MAP_FAILED;

	*fd = -1;
	*map = NULL;
	if (!AcquireExternalFD())
	{
		snprintf(problem, size, "no file descriptor is free for a run on the device");
		return false;
	}
	*fd = memfd_create("rustkernels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		ReleaseExternalFD();
	else if (ftruncate(*fd, bytes) == 0 && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p != MAP_FAILED)
	{
		*map = p;
		for (Size done = 0; done < bytes;)
		{
			Size		part = Min(COPY_CHUNK, bytes - done);

			CHECK_FOR_INTERRUPTS();
			if (populate(*fd, *map, done, part))
				done += part;
			else if (errno != EINTR)
			{
				int			code = errno;

				munmap(*map, bytes);
				*map = NULL;
				errno = code;
				break;
			}
		}
	}
	if (*map == NULL)
		snprintf(problem, size, "could not make %zu bytes of memory to share: %s", bytes, strerror(errno));
	return *map != NULL;
}

/* Makes the memory file; false with the reason in x. */
static bool
open_exchange(exchange *x, Size bytes)
{
	x->bytes = bytes;
	if (rk_device_memory(bytes, &x->fd, &x->map, x->problem, sizeof(x->problem)))
		return true;
	close_exchange(x);
	return false;
}

bool
rk_device_send(int fd, int file, Size bytes, rk_wire_type type, uint32 id)
{
	rk_wire_message m = {.type = type,.id = id,.bytes = bytes};
	union
	{
		char		bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	}			control;
	struct iovec part = {&m, sizeof(m)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)
	};
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof(int));
	return sendmsg(fd, &header, MSG_NOSIGNAL) == sizeof(m);
}

/*
 * Has the request in the file answered.  Returns the status in the file, or
 * EXCHANGE_FAILED with the reason in x.  An interrupt is raised as usual.
 */
static int
exchange_request(exchange *x, rk_wire_type type)
{
	uint32		id = ++last_id;

	/* a connection of before may have ended meanwhile: once more with a new one */
	for (int tries = 0; !x->waiting; tries++)
	{
		if (!connect_worker(x))
			return EXCHANGE_FAILED;
		if (rk_device_send(connection, x->fd, x->bytes, type, id))
			x->waiting = true;
		else
		{
			snprintf(x->problem, sizeof(x->problem), "could not send to the device worker: %s", strerror(errno));
			disconnect();
			if (tries > 0)
				return EXCHANGE_FAILED;
		}
	}
	for (;;)
	{
		rk_wire_message m;
		ssize_t		length = recv(connection, &m, sizeof(m), MSG_DONTWAIT);

		if (length == sizeof(m) && m.type == RK_WIRE_DONE && m.id == id)
			break;
		if (length == sizeof(m))
			continue;
		if (length >= 0 || (errno != EAGAIN && errno != EINTR))
		{
			snprintf(x->problem, sizeof(x->problem), "the device worker ended during the run");
			return EXCHANGE_FAILED;
		}
		(void) WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH,
								 connection, -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	x->waiting = false;
	return ((rk_wire_request *) x->map)->status;
}

/* ---- choosing ---- */

static void
set_reason(rk_call *call, const char *fmt,...) pg_attribute_printf(2, 3);

static void
set_reason(rk_call *call, const char *fmt,...)
{
	va_list		args;
	char		text[512];

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	call->device_reason = MemoryContextStrdup(call->memory, text);
}

/* Says why there is no device: an error if the user insists on one. */
static rk_device_run *
no_device(rk_call *call, const char *problem)
{
	if (rk_device == RK_DEVICE_CUDA)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no CUDA device is available"),
				 errdetail_internal("Because %s.", problem),
				 errhint("SET rk.device = auto;")));
	set_reason(call, "no device: %s", problem);
	return NULL;
}

/* The state, and what to say when it is not "ready". */
static rk_device_state
read_state(char *problem, Size size)
{
	rk_device_state state;

	LWLockAcquire(&rk_the_devices->lock, LW_SHARED);
	state = rk_the_devices->state;
	strlcpy(problem, state == RK_DEVICE_STARTING || state == RK_DEVICE_IDLE ? "the device worker is starting" :
			rk_the_devices->problem, size);
	LWLockRelease(&rk_the_devices->lock);
	return state;
}

/* Waits until the worker is ready, or is known not to become it. */
static rk_device_state
wait_for_worker(char *problem, Size size)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), START_TIMEOUT_MS);
	rk_device_state state;

	ConditionVariablePrepareToSleep(&rk_the_devices->changed);
	while ((state = read_state(problem, size)) == RK_DEVICE_STARTING && GetCurrentTimestamp() < until)
		(void) ConditionVariableTimedSleep(&rk_the_devices->changed, 1000, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return state;
}

bool
rk_device_ready(bool wait, const char **problem)
{
	char	   *text = palloc(RK_CUDA_TEXT);
	rk_device_state state;

	*problem = text;
	if (rk_the_devices == NULL)
	{
		*problem = "rustkernels is not in shared_preload_libraries";
		return false;
	}
	state = read_state(text, RK_CUDA_TEXT);
	if (state == RK_DEVICE_IDLE)
	{
		if (!rk_device_start(problem))
			return false;
		*problem = text;
		state = RK_DEVICE_STARTING;
	}
	if (state == RK_DEVICE_STARTING && wait)
		state = wait_for_worker(text, RK_CUDA_TEXT);
	return state == RK_DEVICE_READY;
}

/* Seconds that the device would take, copies included. */
static double
device_seconds(const rk_device_constants *c, const rk_device_cost *cost)
{
	double		bytes = cost->bytes_to + cost->bytes_from;

	return bytes / c->copy_rate + bytes / c->transfer_rate + cost->bytes_moved / c->memory_rate +
		cost->flops / c->flop_rate +
		cost->launches * c->launch_seconds + cost->host_seconds * c->cpu_factor;
}

/* The device is free of a run. */
static void
give_back_claim(rk_device_run *run)
{
	if (run->claimed == 0)
		return;
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->claimed = Max(0, rk_the_devices->claimed - run->claimed);
	/* what is left when nobody is there is rounding */
	if (--rk_the_devices->claims == 0)
		rk_the_devices->claimed = 0;
	LWLockRelease(&rk_the_devices->lock);
	run->claimed = 0;
}

static void
release_run(void *arg)
{
	rk_device_run *run = arg;

	close_exchange(&run->x);
	if (run->permitted)
		rk_circuit_release(run->kernel);
	run->permitted = false;
	give_back_claim(run);
}

/* ---- graphs of contexts ---- */

/*
 * What is known of the graph of an item for a kernel; the lock is held.  make:
 * takes the place that was used longest ago where there is none.
 */
static rk_sent_graph *
sent_graph(rk_cuda_kernel kernel, int64 item, int64 loaded_at, bool make)
{
	rk_sent_graph *oldest = &rk_the_devices->graphs[0];

	for (int i = 0; i < RK_SENT_GRAPHS; i++)
	{
		rk_sent_graph *g = &rk_the_devices->graphs[i];

		if (g->item == item && g->loaded_at == loaded_at && g->database == MyDatabaseId && g->kernel == kernel)
		{
			if (make)
				g->last_use = ++rk_the_devices->graph_clock;
			return g;
		}
		if (g->last_use < oldest->last_use)
			oldest = g;
	}
	if (!make)
		return NULL;
	*oldest = (rk_sent_graph) {
		.item = item,.loaded_at = loaded_at,.database = MyDatabaseId,.kernel = kernel,
		.last_use = ++rk_the_devices->graph_clock
	};
	return oldest;
}

/* The graph of a run is on the device now. */
static void
note_sent(const rk_device_run *run)
{
	if (run->item == 0 || run->key.item == 0)
		return;
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	*sent_graph(run->kernel, run->item, run->loaded_at, true) = (rk_sent_graph) {
		.item = run->item,.loaded_at = run->loaded_at,.database = MyDatabaseId,.kernel = run->kernel,
		.last_use = rk_the_devices->graph_clock,.start = rk_the_devices->starts
	};
	LWLockRelease(&rk_the_devices->lock);
}

/* ---- what takes less time ---- */

/* Where a run takes less time, and why. */
typedef struct choice
{
	double		cpu;			/* seconds */
	double		device;
	double		waiting;		/* for runs that are there before */
	bool		faster;			/* the device is, by enough that an estimate may err */
	bool		invested;		/* it was not, but its graph would have paid for its way by now */
} choice;

/*
 * A graph of a context stays on the device, but has to come there first.  Its way
 * counts in full until it is there; what the CPU takes longer meanwhile, than the
 * device would with the graph, is added up, and when that is as much as the way
 * takes it goes: so a graph used once costs nothing, and one used often costs at most
 * twice what it would if all were known before.  add: a run is decided on.
 */
static choice
choose(const rk_call *call, rk_cuda_kernel kernel, const rk_graph_size *size, const rk_device_cost *cost,
	   const rk_device_cost *alone, bool add)
{
	rk_device_constants c;
	choice		d = {0};
	rk_sent_graph *g;
	double		there;
	double		way;

	LWLockAcquire(&rk_the_devices->lock, add ? LW_EXCLUSIVE : LW_SHARED);
	c = rk_the_devices->constants;
	d.cpu = cost->cpu_seconds * c.cpu_factor / call->ctx.threads;
	d.waiting = rk_the_devices->claimed;
	d.device = device_seconds(&c, alone);
	d.faster = DEVICE_MARGIN * (d.device + d.waiting) < d.cpu;
	/* the cost of one that is kept has a quarter of the graph in it: costs.c */
	if (size && size->item != 0 && alone->bytes_to > cost->bytes_to)
	{
		double		bytes = (alone->bytes_to - cost->bytes_to) / 0.75;
		rk_device_cost without = *cost;

		without.bytes_to -= bytes / 4;
		there = device_seconds(&c, &without);
		way = d.device - there;
		g = sent_graph(kernel, size->item, size->loaded_at, add);
		if (g && g->start != 0 && g->start == rk_the_devices->starts)
		{
			d.device = there;
			d.faster = DEVICE_MARGIN * (there + d.waiting) < d.cpu;
		}
		else if (g && !d.faster && DEVICE_MARGIN * (there + d.waiting) < d.cpu)
		{
			d.invested = g->missed >= way;
			if (add)
				g->missed += d.cpu - there;
		}
	}
	LWLockRelease(&rk_the_devices->lock);
	return d;
}

/* The cost of a run as it is, and without anything that is there already. */
static void
costs_of(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost, rk_device_cost *alone)
{
	const rk_bound_function *bound = rk_find_binding(call->kernel, call->function);

	bound->device_cost(call, size, cost);
	*alone = *cost;
	if (size && size->kept)
	{
		rk_graph_size sent = *size;
		rk_device_cost whole = {0};

		sent.kept = false;
		bound->device_cost(call, &sent, &whole);
		/* its rows are there all the same */
		alone->bytes_to = whole.bytes_to;
	}
}

/* Whether copies for the device would go beyond the memory of the run. */
static bool
too_large(const rk_call *call, const rk_device_cost *cost)
{
	return call->ctx.memory_limit > 0 &&
		call->ctx.memory_used + cost->bytes_to + cost->bytes_from > call->ctx.memory_limit;
}

const char *
rk_device_explain(const rk_call *call, const rk_graph_size *size)
{
	const rk_bound_function *bound = rk_find_binding(call->kernel, call->function);
	rk_device_cost cost = {0};
	rk_device_cost alone;
	char		problem[RK_CUDA_TEXT];
	choice		d;

	if (rk_device == RK_DEVICE_CUDA)
		return "cuda";
	if (bound->device_cost == NULL || rk_the_devices == NULL || rk_device == RK_DEVICE_CPU ||
		read_state(problem, sizeof(problem)) != RK_DEVICE_READY)
		return "cpu";
	costs_of(call, size, &cost, &alone);
	d = choose(call, RK_CUDA_KERNELS, size, &cost, &alone, false);
	return d.faster && !too_large(call, &alone) ? "cuda" : "cpu";
}

static void
set_estimate(rk_call *call, const choice *d)
{
	char		waiting[64] = "";

	if (d->waiting > 0)
		snprintf(waiting, sizeof(waiting), ", of others %.3g ms", 1e3 * d->waiting);
	set_reason(call, "estimated: cpu %.3g ms, cuda %.3g ms%s%s", 1e3 * d->cpu, 1e3 * d->device, waiting,
			   d->invested ? "; its graph is to stay there" : "");
}

void
rk_device_skip(rk_call *call, const char *reason)
{
	if (rk_device == RK_DEVICE_CUDA)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rk.%s has no form for CUDA devices with these arguments",
						rk_sql_name(call->kernel, call->function)),
				 errdetail_internal("Because %s.", reason),
				 errhint("SET rk.device = auto;")));
	set_reason(call, "%s", reason);
}

rk_device_run *
rk_device_begin(rk_call *call, rk_cuda_kernel kernel, const rk_graph_size *size)
{
	rk_device_run *run;
	MemoryContextCallback *callback;
	rk_device_cost cost = {0};
	rk_device_cost alone;
	TimestampTz retry_at;
	const char *problem;
	choice		d;

	if (rk_device == RK_DEVICE_CPU)
	{
		set_reason(call, "rk.device is cpu");
		return NULL;
	}
	if (rk_the_devices == NULL)
		return no_device(call, "rustkernels is not in shared_preload_libraries");
	costs_of(call, size, &cost, &alone);
	d = choose(call, kernel, size, &cost, &alone, rk_device == RK_DEVICE_AUTO);
	if (rk_device == RK_DEVICE_AUTO && !d.faster && !d.invested)
	{
		set_estimate(call, &d);
		return NULL;
	}
	if (!rk_device_ready(rk_device == RK_DEVICE_CUDA, &problem))
		return no_device(call, problem);
	if (!(rk_the_devices->report.kernels >> kernel & 1))
		return no_device(call, "the device library does not have this kernel");
	if (rk_device == RK_DEVICE_AUTO && too_large(call, &alone))
	{
		set_reason(call, "the copies for the device would go beyond rk.memory_limit");
		return NULL;
	}
	if (!rk_circuit_permit(kernel, &retry_at))
	{
		if (rk_device == RK_DEVICE_CUDA)
			ereport(ERROR,
					(errcode(ERRCODE_RK_CIRCUIT_OPEN),
					 errmsg("circuit breaker of %s on the device is open", call->kernel->id),
					 errdetail("The next run is tried after %s.", timestamptz_to_str(retry_at)),
					 errhint("SET rk.device = auto; runs it on the CPU until then.")));
		set_reason(call, "circuit breaker is open until %s", timestamptz_to_str(retry_at));
		return NULL;
	}
	run = MemoryContextAllocZero(call->memory, sizeof(rk_device_run));
	run->call = call;
	run->kernel = kernel;
	run->permitted = true;
	run->x.fd = -1;
	callback = MemoryContextAllocZero(call->memory, sizeof(MemoryContextCallback));
	callback->func = release_run;
	callback->arg = run;
	MemoryContextRegisterResetCallback(call->memory, callback);
	if (rk_device == RK_DEVICE_CUDA)
		set_reason(call, "rk.device is cuda");
	else
		set_estimate(call, &d);
	if (size)
	{
		run->item = size->item;
		run->loaded_at = size->loaded_at;
	}
	if (d.device > 0 && isfinite(d.device))
	{
		run->claimed = d.device;
		LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
		rk_the_devices->claimed += d.device;
		rk_the_devices->claims++;
		LWLockRelease(&rk_the_devices->lock);
	}
	return run;
}

/* ---- arrays ---- */

void
rk_device_graph(rk_device_run *run, const rk_graph_input *input, const rk_graph *g,
				const rk_graph_options *options)
{
	run->graph = g;
	if (input && input->context)
		rk_context_identify(input->context->slot, options, input->edges.weight != NULL,
							&run->key.item, &run->key.loaded_at, &run->key.database, &run->key.options);
}

void
rk_device_params(rk_device_run *run, const void *data, Size bytes)
{
	run->params = (piece) {.data = unconstify(void *, data),.bytes = bytes};
}

void
rk_device_input(rk_device_run *run, const void *data, Size bytes)
{
	run->input[run->inputs++] = (piece) {.data = unconstify(void *, data),.bytes = data ? bytes : 0};
}

void
rk_device_output(rk_device_run *run, void *data, Size bytes)
{
	run->output[run->outputs++] = (piece) {.data = data,.bytes = bytes};
}

void
rk_device_output_rows(rk_device_run *run, void *data, int64 capacity, Size row)
{
	run->output[run->outputs++] = (piece) {.data = data,.bytes = mul_size(capacity, row),.row = row};
}

bool
rk_device_again(rk_device_run *run)
{
	TimestampTz retry_at;

	run->inputs = run->outputs = 0;
	if (run->permitted)
		return true;
	run->permitted = rk_circuit_permit(run->kernel, &retry_at);
	if (!run->permitted)
		set_reason(run->call, "circuit breaker is open until %s", timestamptz_to_str(retry_at));
	return run->permitted;
}

/* Copies, looking at interrupts now and then. */
static void
copy_bytes(char *to, const char *from, Size bytes)
{
	for (Size done = 0; done < bytes; done += COPY_CHUNK)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(to + done, from + done, Min(COPY_CHUNK, bytes - done));
	}
}

/* Gives an array its place behind the others. */
static rk_wire_extent
place(Size *end, const void *data, Size bytes)
{
	rk_wire_extent x = {0};

	if (data == NULL)
		return x;
	x = (rk_wire_extent) {.offset = *end,.bytes = bytes};
	*end = add_size(*end, TYPEALIGN(64, bytes));
	return x;
}

/* The arrays of one direction. */
static rk_wire_adjacency
place_adjacency(Size *end, const rk_graph *g, const rk_adjacency *a)
{
	rk_wire_adjacency w = {{0}};

	if (a->offsets == NULL)
		return w;
	w.offsets = place(end, a->offsets, mul_size(g->nodes + 1, sizeof(int64)));
	w.neighbors = place(end, a->neighbors, mul_size(g->arcs, sizeof(uint32)));
	w.weights = place(end, a->weights, mul_size(g->arcs, sizeof(double)));
	return w;
}

static void
copy_piece(exchange *x, rk_wire_extent to, const void *data)
{
	if (to.offset != 0)
		copy_bytes(x->map + to.offset, data, to.bytes);
}

static void
copy_adjacency(exchange *x, const rk_wire_adjacency *w, const rk_adjacency *a)
{
	copy_piece(x, w->offsets, a->offsets);
	copy_piece(x, w->neighbors, a->neighbors);
	copy_piece(x, w->weights, a->weights);
}

/* Writes request and arrays into a new file. */
static bool
write_request(rk_device_run *run, bool arrays)
{
	const rk_graph *g = run->graph;
	Size		end = TYPEALIGN(64, sizeof(rk_wire_request));
	rk_wire_request q = {
		.magic = RK_WIRE_MAGIC,
		.version = RK_CUDA_VERSION,
		.kernel = run->kernel,
		.has_graph = g != NULL,
		.has_arrays = arrays,
		.key = run->key
	};

	if (g)
	{
		q.directed = g->directed;
		q.nodes = g->nodes;
		q.arcs = g->arcs;
	}
	if (g && arrays)
	{
		q.out = place_adjacency(&end, g, &g->out);
		/* undirected: the same arrays */
		if (g->directed)
			q.in = place_adjacency(&end, g, &g->in);
	}
	q.params = place(&end, run->params.data, run->params.bytes);
	for (int i = 0; i < run->inputs; i++)
		q.input[i] = place(&end, run->input[i].data, run->input[i].bytes);
	for (int i = 0; i < run->outputs; i++)
		q.output[i] = place(&end, run->output[i].data, run->output[i].bytes);
	if (!open_exchange(&run->x, end))
		return false;
	memcpy(run->x.map, &q, sizeof(q));
	if (g && arrays)
	{
		copy_adjacency(&run->x, &q.out, &g->out);
		if (g->directed)
			copy_adjacency(&run->x, &q.in, &g->in);
	}
	copy_piece(&run->x, q.params, run->params.data);
	for (int i = 0; i < run->inputs; i++)
		copy_piece(&run->x, q.input[i], run->input[i].data);
	return true;
}

/* ---- running ---- */

/* Notes that the device has failed; returns false, so that the CPU goes on. */
static bool
failed(rk_device_run *run, const char *problem)
{
	static bool warned = false;
	rk_call    *call = run->call;

	rk_circuit_failure(run->kernel);
	run->permitted = false;
	if (!rk_fallback)
		ereport(ERROR,
				(errcode(ERRCODE_RK_DEVICE),
				 errmsg("%s failed on the device", call->kernel->id),
				 errdetail_internal("Because %s.", problem),
				 errhint("SET rk.fallback = on; runs it on the CPU instead.")));
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->fallbacks++;
	LWLockRelease(&rk_the_devices->lock);
	if (!warned)
		ereport(WARNING,
				(errmsg("%s failed on the device and runs on the CPU", call->kernel->id),
				 errdetail_internal("Because %s.", problem),
				 errhint("Further failures in this session are counted in rk.stat_device only.")));
	warned = true;
	call->fallback_reason = MemoryContextStrdup(call->memory, problem);
	return false;
}

static void
count_run(const rk_wire_request *q)
{
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->runs++;
	rk_the_devices->resident += q->was_resident;
	rk_the_devices->bytes_to += q->usage.bytes_to;
	rk_the_devices->bytes_from += q->usage.bytes_from;
	LWLockRelease(&rk_the_devices->lock);
}

/* Sends the request, with the arrays of the graph only if they are wanted. */
static int
attempt(rk_device_run *run)
{
	bool		arrays = run->key.item == 0;
	int			status;

	for (;;)
	{
		rk_call_phase(run->call, "sending", 0);
		if (!write_request(run, arrays))
			return EXCHANGE_FAILED;
		run->call->ctx.memory_peak = Max(run->call->ctx.memory_peak,
										 run->call->ctx.memory_used + (int64) run->x.bytes);
		rk_call_phase(run->call, "computing", 0);
		status = exchange_request(&run->x, RK_WIRE_RUN);
		if (status != RK_WIRE_MISSING || arrays)
			return status;
		arrays = true;
		close_exchange(&run->x);
	}
}

bool
rk_device_finish(rk_device_run *run, int64 *counts)
{
	rk_call    *call = run->call;
	const rk_wire_request *q;
	char		problem[RK_CUDA_TEXT + 64];
	int			status;

	rk_progress_device("cuda");
	status = attempt(run);
	q = (const rk_wire_request *) run->x.map;
	if (status != RK_CUDA_OK)
	{
		strlcpy(problem, status == EXCHANGE_FAILED ? run->x.problem :
				status == RK_WIRE_BAD ? "the device worker did not understand the request" : q->error.message,
				sizeof(problem));
		close_exchange(&run->x);
		give_back_claim(run);
		rk_progress_device("cpu");
		rk_call_phase(call, "computing", 0);
		if (status == RK_CUDA_DECLINED)
		{
			rk_circuit_release(run->kernel);
			run->permitted = false;
			set_reason(call, "the device declined: %s", problem);
			return false;
		}
		return failed(run, problem[0] ? problem : "the device gave no reason");
	}
	if (counts)
		memcpy(counts, q->counts, sizeof(q->counts));
	for (int i = 0; i < run->outputs; i++)
	{
		const piece *o = &run->output[i];
		Size		bytes = o->bytes;

		/* a worker that counts more than there is room for is not believed */
		if (o->row && q->counts[0] >= 0 && (Size) q->counts[0] < o->bytes / o->row)
			bytes = q->counts[0] * o->row;
		copy_bytes(o->data, run->x.map + q->output[i].offset, bytes);
	}
	run->reached = (rk_run) {
		.iterative = true,
		.iterations = q->iterations,
		.residual = q->residual,
		.converged = q->converged != 0,
		.reached_max = q->converged == 0
	};
	if (call->kernel->iterative)
		call->run = run->reached;
	count_run(q);
	rk_circuit_success(run->kernel);
	run->permitted = false;
	note_sent(run);
	give_back_claim(run);
	call->device = "cuda";
	close_exchange(&run->x);
	return true;
}

rk_run
rk_device_reached(const rk_device_run *run)
{
	return run->reached;
}

/* ---- measuring ---- */

static void
release_exchange(void *arg)
{
	close_exchange(arg);
}

bool
rk_device_measure(rk_device_constants *constants, const char **problem)
{
	exchange   *x = palloc0(sizeof(exchange));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	const rk_wire_request *q;
	rk_wire_request empty = {.magic = RK_WIRE_MAGIC,.version = RK_CUDA_VERSION};
	int			status;

	x->fd = -1;
	callback->func = release_exchange;
	callback->arg = x;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	*problem = x->problem;
	if (!rk_device_ready(true, problem) || !open_exchange(x, sizeof(rk_wire_request)))
		return false;
	memcpy(x->map, &empty, sizeof(empty));
	status = exchange_request(x, RK_WIRE_MEASURE);
	q = (const rk_wire_request *) x->map;
	if (status == RK_CUDA_OK)
	{
		constants->transfer_rate = q->constants.transfer_rate;
		constants->memory_rate = q->constants.memory_rate;
		constants->flop_rate = q->constants.flop_rate;
		constants->launch_seconds = q->constants.launch_seconds;
		strlcpy(constants->device, rk_the_devices->report.devices[rk_the_devices->report.device].name,
				sizeof(constants->device));
	}
	else if (status != EXCHANGE_FAILED)
		strlcpy(x->problem, q->error.message, sizeof(x->problem));
	close_exchange(x);
	return status == RK_CUDA_OK;
}

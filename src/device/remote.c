/*
 * remote.c
 *	  A ring's window on the device, as the host of the ring has it: opened,
 *	  written, watched, closed.
 *
 * A host that waits for a reply looks at the window, at first without pause
 * (rk.ring_spin_us), then every 50 us, in between at the socket: its end is the
 * worker's.  The worker ends itself when a slice does not end; what keeps the
 * worker from that is found out here a few seconds later.
 */
#include "postgres.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/fd.h"

#include "../ring/region.h"
#include "remote.h"

#define NAP_NS 50000			/* between looks */
#define OPEN_SECONDS 20			/* a device takes memory and registers a file */

static bool
problem_is(rk_remote *r, const char *text)
{
	strlcpy(r->problem, text, sizeof(r->problem));
	return false;
}

/* Wakes the worker's thread if it sleeps. */
static void
wake_worker(rk_remote *r)
{
	if (!rk_window_asleep(r->window))
		return;
	__atomic_fetch_add(&r->window->wake, 1, __ATOMIC_RELEASE);
	(void) syscall(SYS_futex, &r->window->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Waits so long for something on the socket, which only its end can be; true: it has ended. */
static bool
ended(rk_remote *r, long ns)
{
	struct pollfd p = {.fd = r->connection,.events = POLLIN};
	struct timespec t = {.tv_nsec = ns};

	return ppoll(&p, 1, &t, NULL) > 0;
}

bool
rk_remote_alive(rk_remote *r)
{
	if (rk_look32(&r->window->state) == RK_WINDOW_FAILED)
	{
		snprintf(r->problem, sizeof(r->problem), "%.*s", RK_CUDA_TEXT - 1, r->window->problem);
		return false;
	}
	return !ended(r, 0) || problem_is(r, "the device worker has ended");
}

/* One turn of waiting; false: it is in vain. */
static bool
wait_more(rk_remote *r, int64 *turn, int64 began, int64 limit_ns, rk_remote_idle idle)
{
	int64		spin = rk_spin_ns();
	int64		now;

	if (++*turn % 64 != 0 && spin != 0)
	{
		rk_cpu_relax();
		return true;
	}
	now = rk_now_ns();
	if (now - began > limit_ns)
		return problem_is(r, "the device did not answer in time");
	if (spin < 0 || now - began < spin)
		return *turn % 4096 != 0 || rk_remote_alive(r);
	if (idle)
		idle();
	if (!rk_remote_alive(r))
		return false;
	(void) ended(r, NAP_NS);
	return true;
}

static bool
order(rk_remote *r, rk_window_command command)
{
	rk_ring_window  *w = r->window;
	int64		began = rk_now_ns();
	int64		turn = 0;

	rk_window_order(w, command);
	wake_worker(r);
	while (rk_look32(&w->done) != w->commands)
		if (!wait_more(r, &turn, began, OPEN_SECONDS * INT64CONST(1000000000), NULL))
			return false;
	rk_tell32(&w->stop, 0);
	return true;
}

bool
rk_remote_open(rk_remote *r, int kind, bool persistent, Size image_bytes)
{
	char		address[sizeof(rk_the_devices->address)];
	Size		bytes = TYPEALIGN(4096, sizeof(rk_ring_window) + image_bytes);
	int64		began = rk_now_ns();
	int64		turn = 0;
	rk_ring_window  *w;

	*r = (rk_remote) {.connection = -1,.file = -1,.bytes = bytes};
	rk_device_address(address);
	r->connection = rk_device_connect(address, r->problem, sizeof(r->problem));
	if (r->connection < 0)
		return false;
	if (!rk_device_memory(bytes, &r->file, (char **) &r->window, r->problem, sizeof(r->problem)))
		return false;
	w = r->window;
	w->magic = RK_WIRE_MAGIC;
	w->version = RK_CUDA_VERSION;
	w->kind = kind;
	w->persistent = persistent;
	w->slice_ns = rk_gpu_slice_ms * INT64CONST(1000000);
	w->image_offset = sizeof(rk_ring_window);
	w->image_bytes = image_bytes;
	if (!rk_device_send(r->connection, r->file, bytes, RK_WIRE_RING, 0))
		return problem_is(r, "could not send to the device worker");
	while (rk_look32(&w->state) == RK_WINDOW_OPENING)
		if (!wait_more(r, &turn, began, OPEN_SECONDS * INT64CONST(1000000000), NULL))
			return false;
	return rk_remote_alive(r);
}

char *
rk_remote_image(rk_remote *r)
{
	return (char *) r->window + r->window->image_offset;
}

uint64
rk_remote_base(const rk_remote *r)
{
	return r->window->base;
}

bool
rk_remote_load(rk_remote *r)
{
	return order(r, RK_WINDOW_LOAD);
}

bool
rk_remote_save(rk_remote *r)
{
	return order(r, RK_WINDOW_SAVE);
}

void
rk_remote_send(rk_remote *r)
{
	rk_window_publish(r->window, r->sent++, &r->request);
	wake_worker(r);
}

bool
rk_remote_wait(rk_remote *r, rk_remote_idle idle)
{
	rk_ring_window  *w = r->window;
	int64		began = 0;
	int64		turn = 0;

	while (!rk_window_take(w, r->taken, &r->reply))
	{
		if (rk_look64(&w->room_for) == r->taken + 1)
		{
			r->crowded = true;
			return problem_is(r, "the ring has outgrown its memory on the device");
		}
		if (began == 0)
			began = rk_now_ns();
		if (!wait_more(r, &turn, began, w->slice_ns + 2 * RK_WIRE_RING_SECONDS * INT64CONST(1000000000), idle))
			return false;
	}
	r->taken++;
	return true;
}

void
rk_remote_close(rk_remote *r)
{
	if (r->connection >= 0)
	{
		close(r->connection);
		ReleaseExternalFD();
	}
	if (r->window)
		munmap(r->window, r->bytes);
	if (r->file >= 0)
	{
		close(r->file);
		ReleaseExternalFD();
	}
	r->connection = r->file = -1;
	r->window = NULL;
}

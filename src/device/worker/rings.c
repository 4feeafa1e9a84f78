/*
 * rings.c
 *	  Rings on the device: a thread for each, which serves its window
 *	  (cuda/rk_window.h) slice by slice.
 *
 * The thread launches a slice while there is work, and in mode "persistent" one
 * after the other until one has passed without a message; then it sleeps until
 * the host of the ring wakes it.  Between slices it looks for commands.  When
 * something fails, the window says so, and nothing is served any more: the host
 * takes the ring back.
 *
 * A slice that does not end in time is the end of the process (check_stubborn in
 * main.c): nothing else ends a kernel.
 */
#define _GNU_SOURCE
#include "worker.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SLEEP_SECONDS
#define SLEEP_SECONDS 1			/* then it looks again, in case a wake-up was lost with its host */
#endif

/* Sleeps until the host changes the word. */
static void
sleep_on(uint32_t *word, uint32_t value)
{
	struct timespec t = {.tv_sec = SLEEP_SECONDS};

	(void) syscall(SYS_futex, word, FUTEX_WAIT, value, &t, NULL, 0);
}

static void
wake(uint32_t *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
	(void) syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Says in the window what has failed. */
static bool
fail(ring *r, rk_cuda_status status, const char *problem)
{
	rk_ring_window  *w = r->window;

	w->status = status;
	snprintf(w->problem, sizeof(w->problem), "%.*s", (int) sizeof(w->problem) - 1, problem[0] ? problem :
			 "the device gave no reason");
	rk_tell32(&w->state, RK_WINDOW_FAILED);
	if (status == RK_CUDA_LOST)
	{
		pthread_mutex_lock(&r->e->mutex);
		r->e->lost = true;
		tell_main(r->e);
		pthread_mutex_unlock(&r->e->mutex);
	}
	return false;
}

/* Whether the window is one of ours; its constants do not change after this. */
static bool
well_formed(const ring *r)
{
	const rk_ring_window *w = r->window;

	return w->magic == RK_WIRE_MAGIC && w->version == RK_CUDA_VERSION && w->kind >= 0 && w->kind < RK_RING_KINDS &&
		(r->e->table->rings >> w->kind & 1) && w->slice_ns >= 0 && w->image_bytes > 0 &&
		w->image_offset >= (int64_t) sizeof(rk_ring_window) && w->image_offset % 8 == 0 &&
		w->image_offset <= (int64_t) r->bytes && w->image_bytes <= (int64_t) r->bytes - w->image_offset;
}

static bool
slice(ring *r, rk_cuda_ring *d, double seconds)
{
	rk_cuda_error error = {0};
	rk_cuda_status status;

	pthread_mutex_lock(&r->e->mutex);
	r->slice_due = now_seconds() + seconds + RK_WIRE_RING_SECONDS;
	pthread_mutex_unlock(&r->e->mutex);
	status = r->e->table->ring_slice(d, seconds, &error);
	pthread_mutex_lock(&r->e->mutex);
	r->slice_due = 0;
	pthread_mutex_unlock(&r->e->mutex);
	r->window->slices++;
	return status == RK_CUDA_OK || fail(r, status, error.message);
}

static bool
obey(ring *r, rk_cuda_ring *d, bool *loaded)
{
	rk_ring_window  *w = r->window;
	rk_cuda_error error = {0};
	uint32_t	number = rk_look32(&w->commands);
	rk_cuda_status status = rk_look32(&w->command) == RK_WINDOW_LOAD ? r->e->table->ring_load(d, &error) :
		r->e->table->ring_save(d, &error);

	if (status != RK_CUDA_OK)
		return fail(r, status, error.message);
	*loaded = true;
	rk_tell32(&w->done, number);
	return true;
}

/* Serves until the host leaves or something fails. */
static void
serve(ring *r, rk_cuda_ring *d)
{
	rk_ring_window  *w = r->window;
	bool		loaded = false;
	bool		idle = true;	/* the last slice passed without a message */

	for (;;)
	{
		uint32_t	seen = rk_look32(&w->wake);
		uint64_t	before = w->served;

		if (__atomic_load_n(&r->leaving, __ATOMIC_ACQUIRE))
			return;
		if (rk_window_ordered(w))
		{
			if (!obey(r, d, &loaded))
				return;
			continue;
		}
		if (loaded && !rk_look32(&w->stop) && !rk_look64(&w->room_for) &&
			(rk_window_waiting(w) || (w->persistent && !idle)))
		{
			if (!slice(r, d, w->persistent ? 1e-9 * w->slice_ns : 0))
				return;
			idle = rk_look64(&w->served) == before;
			continue;
		}
		rk_window_doze(w);
		if (!rk_window_ordered(w) && !(loaded && rk_window_waiting(w)) &&
			!__atomic_load_n(&r->leaving, __ATOMIC_ACQUIRE))
			sleep_on(&w->wake, seen);
		rk_window_rise(w);
	}
}

static void *
ring_main(void *arg)
{
	ring	   *r = arg;
	engine	   *e = r->e;
	rk_cuda_ring *d = NULL;
	rk_cuda_error error = {0};
	rk_cuda_status status;

	if (!well_formed(r))
		(void) fail(r, RK_CUDA_DECLINED, "the device worker does not understand the ring");
	else if ((status = e->table->ring_open(e->opened, r->window, r->bytes, &d, &error)) != RK_CUDA_OK)
		(void) fail(r, status, error.message);
	else
	{
		pthread_mutex_lock(&e->mutex);
		e->report.memory_used = e->table->memory_used(e->opened);
		tell_main(e);
		pthread_mutex_unlock(&e->mutex);
		rk_tell32(&r->window->state, RK_WINDOW_OPEN);
		serve(r, d);
	}
	/* what has failed is said in the window until its host has seen it */
	while (!__atomic_load_n(&r->leaving, __ATOMIC_ACQUIRE))
		sleep_on(&r->window->wake, rk_look32(&r->window->wake));
	if (d && r->window->status != RK_CUDA_LOST)
		e->table->ring_close(d);
	pthread_mutex_lock(&e->mutex);
	for (ring **link = &e->rings; *link; link = &(*link)->next)
		if (*link == r)
		{
			*link = r->next;
			break;
		}
	e->report.rings--;
	e->report.memory_used = e->lost ? 0 : e->table->memory_used(e->opened);
	tell_main(e);
	pthread_mutex_unlock(&e->mutex);
	munmap(r->window, r->bytes);
	free(r);
	return NULL;
}

bool
ring_begin(engine *e, int client, char *map, size_t bytes)
{
	ring	   *r = calloc(1, sizeof(*r));
	pthread_t	thread;
	bool		good = r != NULL;

	pthread_mutex_lock(&e->mutex);
	for (ring *other = e->rings; other; other = other->next)
		good &= other->client != client;
	good = good && e->report.rings < RK_WIRE_RINGS;
	if (good)
	{
		*r = (ring) {.next = e->rings, .e = e, .client = client, .window = (rk_ring_window *) map, .bytes = bytes};
		good = pthread_create(&thread, NULL, ring_main, r) == 0;
	}
	if (good)
	{
		(void) pthread_detach(thread);
		e->rings = r;
		e->report.rings++;
		tell_main(e);
	}
	else
		free(r);
	pthread_mutex_unlock(&e->mutex);
	return good;
}

void
ring_leave(ring *r)
{
	r->client = -1;
	__atomic_store_n(&r->leaving, 1, __ATOMIC_RELEASE);
	rk_tell32(&r->window->stop, 1);
	wake(&r->window->wake);
}

bool
rings_stuck(engine *e)
{
	bool		stuck = false;

	pthread_mutex_lock(&e->mutex);
	for (ring *r = e->rings; r; r = r->next)
		stuck |= r->slice_due != 0 && now_seconds() > r->slice_due;
	pthread_mutex_unlock(&e->mutex);
	return stuck;
}

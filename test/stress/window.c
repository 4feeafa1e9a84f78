/*
 * window.c
 *	  The window between the host of a ring and a device, under load: every
 *	  reply once, in order, from the state that the messages before have made.
 *
 *	  window [rounds] [seed]
 *
 * The worker's side is the worker's own (src/device/worker/rings.c), the device
 * a loop that heeds what the kernel heeds: slices of random length, the word
 * that ends them, messages for which there is no room.  The host's side sends
 * batches of random size, now and then with nothing to do for a while, so that
 * the other one sleeps, takes the state back at random moments, and leaves in
 * the middle of everything.  Meanwhile it keeps the state by itself, and what
 * comes back must be the same.
 *
 * The sleep is without limit here: a wake-up that is lost shows as a run that
 * does not end.  The first number in the end is what a message takes there and
 * back when both sides are awake: what the window costs beside the bus.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../cuda/ring_steps.h"
#include "../../src/compute/random.h"
#include "../../src/device/worker/worker.h"

#define PATIENCE 20				/* seconds without progress */

static uint64_t seed = 1;
static int64_t rooms;			/* how often there was none */

/* ---- the device ---- */

struct rk_cuda_ring
{
	rk_ring_window  *w;
	rk_echo_state state;
	uint64_t	draws;
};

static rk_cuda_status
open_ring(rk_cuda_device *device, rk_ring_window *w, int64_t bytes, rk_cuda_ring **ring, rk_cuda_error *error)
{
	(void) device;
	(void) bytes;
	(void) error;
	*ring = calloc(1, sizeof(**ring));
	(*ring)->w = w;
	(*ring)->draws = w->base << 32;	/* the host's, to be different each time */
	w->base = (uint64_t) (uintptr_t) &(*ring)->state;
	return RK_CUDA_OK;
}

static rk_cuda_status
load_ring(rk_cuda_ring *r, rk_cuda_error *error)
{
	(void) error;
	memcpy(&r->state, (char *) r->w + r->w->image_offset, sizeof(r->state));
	return RK_CUDA_OK;
}

static rk_cuda_status
save_ring(rk_cuda_ring *r, rk_cuda_error *error)
{
	(void) error;
	memcpy((char *) r->w + r->w->image_offset, &r->state, sizeof(r->state));
	return RK_CUDA_OK;
}

static rk_cuda_status
slice_ring(rk_cuda_ring *r, double seconds, rk_cuda_error *error)
{
	rk_ring_window  *w = r->w;
	double		until = now_seconds() + seconds;
	uint64_t	position = rk_look64(&w->served);
	int			looks = 0;

	(void) error;
	for (;;)
	{
		rk_window_request q;
		rk_window_reply reply = {0};

		if (!rk_window_look(w, position, &q))
		{
			if (rk_look32(&w->stop) || now_seconds() >= until)
				break;
			if (++looks % 256 == 0)
				sched_yield();
			continue;
		}
		if (rk_hash2(r->draws++, 3) % 20000 == 0)
		{
			__atomic_fetch_add(&rooms, 1, __ATOMIC_RELAXED);
			rk_tell64(&w->room_for, position + 1);
			break;
		}
		(void) rk_ring_step(w->kind, (char *) &r->state, &q, &reply);
		rk_window_answer(w, position++, &reply);
		if (rk_look32(&w->stop))
			break;
	}
	rk_tell64(&w->served, position);
	return RK_CUDA_OK;
}

static void
close_ring(rk_cuda_ring *r)
{
	free(r);
}

static int64_t
used(const rk_cuda_device *device)
{
	(void) device;
	return 0;
}

/* ---- what the worker has beside rings.c ---- */

double
now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

void
tell_main(engine *e)
{
	(void) e;
}

/* ---- the host ---- */

typedef struct host
{
	engine	   *e;
	rk_ring_window  *w;
	uint64_t	sent;
	uint64_t	taken;
	rk_window_request requests[RK_WINDOW_SLOTS];	/* that are under way */
	rk_echo_state state;		/* after all that was taken */
} host;

static void
give_up(const char *why)
{
	fprintf(stderr, "window: %s, seed %llu\n", why, (unsigned long long) seed);
	_exit(1);
}

static void
wake_worker(host *h)
{
	if (!rk_window_asleep(h->w))
		return;
	__atomic_fetch_add(&h->w->wake, 1, __ATOMIC_RELEASE);
	(void) syscall(SYS_futex, &h->w->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
wait_turn(double began, const char *what)
{
	static int	looks = 0;

	if (++looks % 256 != 0)
		return;
	sched_yield();
	if (now_seconds() - began > PATIENCE)
		give_up(what);
}

static void
order(host *h, rk_window_command command)
{
	double		began = now_seconds();

	rk_window_order(h->w, command);
	wake_worker(h);
	while (rk_look32(&h->w->done) != h->w->commands)
		wait_turn(began, "a command is never done");
	rk_tell32(&h->w->stop, 0);
}

static void
enter(host *h, bool persistent, int64_t slice_ns)
{
	size_t		bytes = sizeof(rk_ring_window) + 4096;
	double		began = now_seconds();
	char	   *map;
	int			fd = memfd_create("window", 0);

	if (fd < 0 || ftruncate(fd, bytes) != 0)
		give_up("no memory file");
	h->w = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	h->w->magic = RK_WIRE_MAGIC;
	h->w->version = RK_CUDA_VERSION;
	h->w->kind = RK_RING_ECHO;
	h->w->persistent = persistent;
	h->w->slice_ns = slice_ns;
	h->w->image_offset = sizeof(rk_ring_window);
	h->w->image_bytes = sizeof(rk_echo_state);
	h->w->base = ++seed;
	h->sent = h->taken = 0;
	if (!ring_begin(h->e, 1, map, bytes))
		give_up("the ring is not taken");
	while (rk_look32(&h->w->state) == RK_WINDOW_OPENING)
		wait_turn(began, "the ring does not open");
	memcpy((char *) h->w + sizeof(rk_ring_window), &h->state, sizeof(h->state));
	order(h, RK_WINDOW_LOAD);
}

static void
leave(host *h)
{
	double		began = now_seconds();
	bool		gone = false;

	pthread_mutex_lock(&h->e->mutex);
	for (ring *r = h->e->rings; r; r = r->next)
		ring_leave(r);
	pthread_mutex_unlock(&h->e->mutex);
	munmap(h->w, sizeof(rk_ring_window) + 4096);
	while (!gone)
	{
		pthread_mutex_lock(&h->e->mutex);
		gone = h->e->rings == NULL;
		pthread_mutex_unlock(&h->e->mutex);
		wait_turn(began, "the ring does not end");
	}
}

static void
push(host *h, uint64_t x)
{
	rk_window_request *q = &h->requests[h->sent % RK_WINDOW_SLOTS];
	int64_t		amount = (int64_t) (x % 2001) - 1000;

	q->type_id = x % 7 == 0 ? 50 : 52;
	q->length = sizeof(amount);
	q->id = (int64_t) x;
	q->sent_ns = (int64_t) (x >> 8);
	memcpy(q->payload, &amount, sizeof(amount));
	rk_window_publish(h->w, h->sent++, q);
	wake_worker(h);
}

/* Takes the next reply; false: there is no room for it. */
static bool
pull(host *h)
{
	double		began = now_seconds();
	rk_window_reply r;
	rk_window_reply expected = {0};

	while (!rk_window_take(h->w, h->taken, &r))
	{
		if (rk_look64(&h->w->room_for) == h->taken + 1)
			return false;
		wait_turn(began, "a reply never comes");
	}
	(void) rk_ring_step(RK_RING_ECHO, (char *) &h->state, &h->requests[h->taken % RK_WINDOW_SLOTS], &expected);
	if (r.status != expected.status || r.length != expected.length || memcmp(r.data, expected.data, r.length) != 0)
		give_up("a reply is wrong");
	h->taken++;
	return true;
}

/* The state of the device is that of the messages whose replies were taken. */
static void
compare(host *h)
{
	order(h, RK_WINDOW_SAVE);
	if (memcmp((char *) h->w + sizeof(rk_ring_window), &h->state, sizeof(h->state)) != 0)
		give_up("the state is wrong");
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 60;
	rk_cuda_table table = {
		.rings = 1, .memory_used = used, .ring_open = open_ring, .ring_load = load_ring, .ring_save = save_ring,
		.ring_slice = slice_ring, .ring_close = close_ring
	};
	engine		e = {.table = &table};
	host		h = {.e = &e};
	int64_t		messages = 0;
	int64_t		saves = 0;
	double		best = 1;

	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	pthread_mutex_init(&e.mutex, NULL);
	for (int round = 0; round < rounds; round++)
	{
		uint64_t	draw = rk_hash2(seed, round);
		uint64_t	batches = 20 + draw % 200;

		enter(&h, round % 2, (int64_t) (1000000 + draw % 3000000));
		for (uint64_t b = 0; b < batches; b++)
		{
			uint64_t	x = rk_hash3(draw, b, 1);
			uint64_t	size = x % 4 == 0 ? 1 : 1 + (x >> 8) % RK_WINDOW_SLOTS;
			bool		room = true;

			if (x % 31 == 0)
				usleep(x % 8000);	/* longer than a slice now and then: the other side sleeps */
			for (uint64_t i = 0; i < size; i++)
				push(&h, rk_hash3(x, i, 2));
			/* leaves with replies under way: the state is what was taken */
			if (b + 1 == batches && round % 3 == 0)
				break;
			for (uint64_t i = 0; i < size && room; i++)
				room = pull(&h);
			messages += (int64_t) size;
			if (!room)
			{
				compare(&h);
				leave(&h);
				enter(&h, round % 2, 2000000);
				continue;
			}
			if (x % 13 == 0)
			{
				compare(&h);
				saves++;
			}
		}
		leave(&h);
	}

	/* both sides awake */
	enter(&h, true, INT64_C(1000000000));
	for (int i = 0; i < 3000; i++)
	{
		double		began = now_seconds();

		push(&h, (uint64_t) i * 7 + 1);
		if (!pull(&h))
			give_up("no room");
		if (now_seconds() - began < best)
			best = now_seconds() - began;
	}
	leave(&h);
	printf("ok - window: %.0f ns there and back at best; %lld messages, %lld times taken back, %lld times without room: all replies right\n",
		   1e9 * best, (long long) messages, (long long) saves, (long long) rooms);
	return 0;
}

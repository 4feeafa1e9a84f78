/*
 * ring.c
 *	  Rings on the device: replies as the actor's on the CPU, and how long a
 *	  message takes there and back.
 *
 * The window is served by a thread, as in the device worker.  The round trip is
 * from publishing a request to its reply, both sides awake: what the bus and the
 * protocol cost, without PostgreSQL.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../ring_steps.h"

#define SLICE 0.05				/* seconds: some of them end during the check */

typedef struct station
{
	harness    *h;
	rk_window  *w;
	rk_cuda_ring *ring;
	size_t		bytes;
	uint64_t	position;
	uint64_t	taken;
	pthread_t	thread;
	int			end;
	bool		failed;
	rk_cuda_error error;
} station;

/* The worker's part: slices, one after the other. */
static void *
serve(void *arg)
{
	station    *s = arg;

	while (!__atomic_load_n(&s->end, __ATOMIC_ACQUIRE))
		if (s->h->table->ring_slice(s->ring, s->w->persistent ? SLICE : 0, &s->error) != RK_CUDA_OK)
		{
			__atomic_store_n(&s->failed, true, __ATOMIC_RELEASE);
			break;
		}
	return NULL;
}

static bool
begin(harness *h, station *s, int kind, const void *image, size_t image_bytes, bool persistent)
{
	*s = (station) {.h = h, .bytes = (sizeof(rk_window) + image_bytes + 4095) / 4096 * 4096};
	s->w = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->w == MAP_FAILED)
		exit(2);
	s->w->kind = kind;
	s->w->persistent = persistent;
	s->w->image_offset = sizeof(rk_window);
	s->w->image_bytes = image_bytes;
	if (h->table->ring_open(h->device, s->w, s->bytes, &s->ring, &s->error) != RK_CUDA_OK)
		return false;
	memcpy((char *) s->w + sizeof(rk_window), image, image_bytes);
	return h->table->ring_load(s->ring, &s->error) == RK_CUDA_OK &&
		pthread_create(&s->thread, NULL, serve, s) == 0;
}

/* Ends serving; the image is then what the device has. */
static bool
end(station *s)
{
	bool		good;

	__atomic_store_n(&s->end, 1, __ATOMIC_RELEASE);
	rk_tell32(&s->w->stop, 1);
	pthread_join(s->thread, NULL);
	good = !s->failed && s->h->table->ring_save(s->ring, &s->error) == RK_CUDA_OK;
	s->h->table->ring_close(s->ring);
	return good;
}

static void
push(station *s, uint32_t type, const void *payload, uint32_t length)
{
	rk_window_request *q = rk_window_slot(s->w, s->position);

	q->type_id = type;
	q->length = length;
	q->id = (int64_t) s->position;
	q->sent_ns = 1000 * (int64_t) s->position;
	memcpy(q->payload, payload, length);
	rk_window_publish(s->w, s->position++);
}

/* Waits for the next reply; NULL: the device failed, or ten seconds have gone. */
static const rk_window_reply *
pull(station *s)
{
	double		until = now() + 10;
	const rk_window_reply *r;

	for (int i = 1; (r = rk_window_take(s->w, s->taken)) == NULL; i++)
	{
		if (i % 1024 == 0 && (__atomic_load_n(&s->failed, __ATOMIC_ACQUIRE) || now() > until))
			return NULL;
		if (s->h->threads <= 2)
			sched_yield();
	}
	s->taken++;
	return r;
}

static int
by_size(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The same messages in batches, on the device and here. */
static void
check_kind(harness *h, const char *what, int kind, bool persistent, const void *image, size_t bytes,
		   uint32_t (*make) (uint64_t seed, uint64_t i, uint32_t *type, void *payload), int64_t messages)
{
	static station s;
	char	   *mine = malloc(bytes);
	int64_t		wrong = 0;
	bool		good;
	double		seconds;
	char		name[80];

	memcpy(mine, image, bytes);
	snprintf(name, sizeof(name), "ring %s, %s", what, persistent ? "persistent" : "event");
	good = begin(h, &s, kind, image, bytes, persistent);
	seconds = now();
	for (int64_t i = 0; good && i < messages;)
	{
		int64_t		n = 1 + (int64_t) (rk_hash3(7, i, 1) % RK_WINDOW_SLOTS);

		for (int64_t k = 0; k < n; k++)
		{
			uint32_t	type;
			char		payload[RK_WINDOW_PAYLOAD] __attribute__((aligned(8)));
			uint32_t	length = make(1, i + k, &type, payload);

			push(&s, type, payload, length);
		}
		for (int64_t k = 0; k < n && good; k++)
		{
			const rk_window_reply *r = pull(&s);
			rk_window_reply expected = {0};

			good = r != NULL;
			if (!good)
				break;
			(void) rk_ring_step(kind, mine, rk_window_slot(s.w, s.taken - 1), &expected);
			if (r->status != expected.status || r->flags != expected.flags || r->length != expected.length ||
				memcmp(r->data, expected.data, r->length) != 0)
				wrong++;
		}
		i += n;
	}
	seconds = now() - seconds;
	if (s.ring)
		good = end(&s) && good;
	if (good && memcmp(mine, (char *) s.w + sizeof(rk_window), bytes) != 0)
		wrong++;
	if (good && wrong == 0)
	{
		printf("ok - %-44s %llu replies and the state as the CPU's, %.0f messages/s in batches of up to %d\n", name,
			   (unsigned long long) s.taken, s.taken / seconds, RK_WINDOW_SLOTS);
		h->passed++;
	}
	else
	{
		printf("not ok - %-44s %s, %lld wrong\n", name, good ? "differs" : s.error.message[0] ? s.error.message :
			   "no reply", (long long) wrong);
		h->failed++;
	}
	munmap(s.w, s.bytes);
	free(mine);
}

static uint32_t
make_echo(uint64_t seed, uint64_t i, uint32_t *type, void *payload)
{
	uint64_t	x = rk_hash2(seed, i);
	/* some of them beyond what a total can hold */
	int64_t		value = x % 50 == 0 ? INT64_MAX / 3 : (int64_t) (x >> 20) - (1 << 23);

	*type = x % 4 == 0 ? 50 : x % 4 == 1 ? 54 : 52;
	if (*type == 54)
		value = (int64_t) (x >> 32) % 3000;
	memcpy(payload, &value, sizeof(value));
	return sizeof(value);
}

/* One message at a time. */
static void
measure_round_trip(harness *h, int count)
{
	static station s;
	rk_echo_state state = {0};
	double	   *ns = malloc(count * sizeof(double));
	bool		good = begin(h, &s, RK_RING_ECHO, &state, sizeof(state), true);

	for (int i = 0; good && i < count; i++)
	{
		int64_t		value = i;
		double		began = now();
		const rk_window_reply *r;

		push(&s, 50, &value, sizeof(value));
		r = pull(&s);
		ns[i] = 1e9 * (now() - began);
		good = r && memcmp(r->data, &value, sizeof(value)) == 0;
	}
	if (s.ring)
		good = end(&s) && good;
	if (good)
	{
		qsort(ns, count, sizeof(double), by_size);
		printf("ok - %-44s median %.0f ns, p99 %.0f ns, largest %.0f ns of %d; slices of %.0f ms\n",
			   "ring round trip host - device - host", ns[count / 2], ns[(int) (0.99 * count)], ns[count - 1], count,
			   1e3 * SLICE);
		h->passed++;
	}
	else
	{
		printf("not ok - %-44s %s\n", "ring round trip", s.error.message[0] ? s.error.message : "no reply");
		h->failed++;
	}
	munmap(s.w, s.bytes);
	free(ns);
}

void
check_rings(harness *h)
{
	rk_echo_state echo = {0};
	int64_t		messages = h->scale > 1 ? 1000000 : 5000;

	if (!(h->table->rings >> RK_RING_ECHO & 1))
		return;
	for (int persistent = 0; persistent < 2; persistent++)
		check_kind(h, "echo", RK_RING_ECHO, persistent, &echo, sizeof(echo), make_echo, messages);
	measure_round_trip(h, h->scale > 1 ? 200000 : 2000);
}

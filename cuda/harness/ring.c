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
#include "../../src/compliance/monitoring/monitoring_ring.h"
#include "../../src/core/core_ring.h"
#include "../../src/graph/centrality/graph_ring.h"
#include "../../src/ring/keys.h"

#define SLICE 0.05				/* seconds: some of them end during the check */

typedef struct station
{
	harness    *h;
	rk_ring_window  *w;
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

/* Opens a window and sends the state of an actor. */
static bool
begin(harness *h, station *s, const rk_actor *actor, const void *state, bool persistent)
{
	size_t		image_bytes = actor->device->pack(state, NULL, 0);

	*s = (station) {.h = h, .bytes = (sizeof(rk_ring_window) + image_bytes + 4095) / 4096 * 4096};
	s->w = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->w == MAP_FAILED)
		exit(2);
	s->w->kind = actor->device->kind;
	s->w->persistent = persistent;
	s->w->image_offset = sizeof(rk_ring_window);
	s->w->image_bytes = image_bytes;
	if (h->table->ring_open(h->device, s->w, s->bytes, &s->ring, &s->error) != RK_CUDA_OK)
		return false;
	actor->device->pack(state, (char *) s->w + sizeof(rk_ring_window), s->w->base);
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

static rk_window_request
push(station *s, uint32_t type, const void *payload, uint32_t length)
{
	rk_window_request q = {
		.type_id = type, .length = length, .id = (int64_t) s->position, .sent_ns = 1000 * (int64_t) s->position
	};

	memcpy(q.payload, payload, length);
	rk_window_publish(s->w, s->position++, &q);
	return q;
}

/* Waits for the next reply; false: the device failed, or ten seconds have gone. */
static bool
pull(station *s, rk_window_reply *r)
{
	double		until = now() + 10;

	for (int i = 1; !rk_window_take(s->w, s->taken, r); i++)
	{
		if (i % 1024 == 0 && (__atomic_load_n(&s->failed, __ATOMIC_ACQUIRE) || now() > until))
			return false;
		if (s->h->threads <= 2)
			sched_yield();
	}
	s->taken++;
	return true;
}

static int
by_size(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* What a message is on a device: its type, and its payload. */
typedef uint32_t (*make_fn) (uint64_t x, uint32_t *type, void *payload);

static void add_rules(rk_ctx *ctx, const rk_actor *actor, void *state);

/* An actor with an empty state, its options as they are by default. */
static void *
empty_state(rk_ctx *ctx, const rk_actor *actor)
{
	static rk_option values[32];
	int			n = 0;
	void	   *state;

	for (const rk_param *p = actor->options; p && p->name; p++, n++)
		values[n] = (rk_option) {
			.param = p, .is_null = strcmp(p->initial, "NULL") == 0, .number = strtod(p->initial, NULL),
			.integer = p->choices ? 0 : strtoll(p->initial, NULL, 10), .truth = strcmp(p->initial, "true") == 0
		};
	must(ctx, actor->init(ctx, &(rk_options) {values, n}, &state));
	if (actor->device->room)
		must(ctx, actor->device->room(ctx, state));
	if (actor->device->kind == RK_RING_MONITORING)
		add_rules(ctx, actor, state);
	return state;
}

/*
 * The same messages in batches, on the device and here, by the same functions:
 * replies and state have the same bits.
 */
static void
check_actor(harness *h, const rk_actor *actor, bool persistent, make_fn make, int64_t messages)
{
	static station s;
	rk_ctx		ctx;
	rk_ctx		ctx2;
	void	   *state;
	void	   *copy;
	size_t		bytes;
	char	   *mine;
	uint64_t	part;
	/* pauses as often as it can, which changes nothing */
	rk_team		alone = {.size = 1, .parts = &part, .until = 1, .chunk = 5};
	uint32_t	never = 0;
	int64_t		wrong = 0;
	double		waited = 0;
	double		here = 0;
	bool		good;
	char		name[80];

	begin_ctx(h, &ctx);
	begin_ctx(h, &ctx2);
	state = empty_state(&ctx, actor);
	copy = empty_state(&ctx2, actor);
	bytes = actor->device->pack(state, NULL, 0);
	mine = aligned_alloc(64, (bytes + 63) / 64 * 64);
	actor->device->pack(state, mine, (uint64_t) (uintptr_t) mine);
	snprintf(name, sizeof(name), "ring %s, %s", actor->kernel, persistent ? "persistent" : "event");
	good = begin(h, &s, actor, state, persistent);
	for (int64_t i = 0; good && i < messages;)
	{
		int64_t		n = 1 + (int64_t) (rk_hash3(7, i, 1) % RK_WINDOW_SLOTS);
		rk_window_request sent[RK_WINDOW_SLOTS];
		rk_window_reply got[RK_WINDOW_SLOTS];
		double		began = now();
		int64_t		taken = 0;

		for (int64_t k = 0; k < n; k++)
		{
			uint32_t	type;
			char		payload[RK_WINDOW_PAYLOAD] __attribute__((aligned(8))) = {0};
			uint32_t	length = make(rk_hash2(1, i + k), &type, payload);

			sent[k] = push(&s, type, payload, length);
		}
		for (; taken < n && good; taken += good)
			good = pull(&s, &got[taken]);
		waited += now() - began;
		began = now();
		for (int64_t k = 0; k < taken && good; k++)
		{
			rk_window_reply expected = {0};

			if (rk_ring_is_wide(s.w->kind, sent[k].type_id))
				while (!rk_ring_step_wide(s.w->kind, mine, &sent[k], &expected, &alone, &never))
					continue;
			else
				(void) rk_ring_step(s.w->kind, mine, &sent[k], &expected);
			if (got[k].status != expected.status || got[k].flags != expected.flags || got[k].length != expected.length ||
				memcmp(got[k].data, expected.data, expected.length) != 0)
				wrong++;
		}
		here += now() - began;
		i += n;
	}
	if (s.ring)
		good = end(&s) && good;
	if (good)
	{
		must(&ctx, actor->device->unpack(&ctx, state, (char *) s.w + sizeof(rk_ring_window), s.w->base));
		must(&ctx2, actor->device->unpack(&ctx2, copy, mine, (uint64_t) (uintptr_t) mine));
		wrong += actor->checksum(&ctx, state) != actor->checksum(&ctx2, copy);
	}
	if (good && wrong == 0)
	{
		printf("ok - %-44s %llu replies and the state have the CPU's bits; device %.0f messages/s in batches of up to %d, CPU %.0f\n",
			   name, (unsigned long long) s.taken, s.taken / waited, RK_WINDOW_SLOTS, s.taken / here);
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
	rk_ctx_destroy(&ctx);
	rk_ctx_destroy(&ctx2);
}

static uint32_t
make_echo(uint64_t x, uint32_t *type, void *payload)
{
	/* some of them beyond what a total can hold */
	int64_t		value = x % 50 == 0 ? INT64_MAX / 3 : (int64_t) (x >> 20) - (1 << 23);

	*type = x % 4 == 0 ? 50 : x % 4 == 1 ? 54 : 52;
	if (*type == 54)
		value = (int64_t) (x >> 32) % 3000;
	memcpy(payload, &value, sizeof(value));
	return sizeof(value);
}

/* Edges that come and go among 14 nodes, so that there is room for all of them. */
static uint32_t
make_pagerank(uint64_t x, uint32_t *type, void *payload)
{
	if (x % 16 == 0)
	{
		*type = 100;
		((rk_pagerank_node *) payload)->node = (int64_t) (x >> 8) % 16;
		return sizeof(rk_pagerank_node);
	}
	if (x % 16 == 1)
	{
		*type = x >> 8 & 1 ? 102 : 104;
		if (*type == 104)
		{
			((rk_converge_request *) payload)->threshold = 1e-7;
			((rk_converge_request *) payload)->max_iterations = 1 + (int32_t) (x >> 9) % 9;
		}
		return *type == 102 ? sizeof(rk_version_request) : sizeof(rk_converge_request);
	}
	*type = 106;
	*(rk_pagerank_edge *) payload = (rk_pagerank_edge) {
		.source = (int64_t) (x >> 8) % 13, .target = (int64_t) (x >> 24) % 2 + (int64_t) (x >> 8) % 13,
		.weight = (int64_t) (x >> 40) % 2 * RK_FIXED_ONE,
		.op = x % 16 < 9 ? RK_EDGE_ADD : x % 16 < 13 ? RK_EDGE_REMOVE : RK_EDGE_SET
	};
	return sizeof(rk_pagerank_edge);
}

/* The default rules are not there without a server: some, none of which counts counterparties, which take room. */
static void
add_rules(rk_ctx *ctx, const rk_actor *actor, void *state)
{
	static const int16_t kinds[] = {RK_MON_AGGREGATE_AMOUNT, RK_MON_TRANSACTION_COUNT, RK_MON_VELOCITY, RK_MON_SINGLE_AMOUNT};
	char		answer[RK_WINDOW_REPLY] __attribute__((aligned(8)));

	for (int i = 0; i < 4; i++)
	{
		rk_rule_request q = {
			.id = i, .rule_type = kinds[i], .severity = (int16_t) i, .side = RK_MON_BOTH, .enabled = true,
			.threshold = (kinds[i] == RK_MON_TRANSACTION_COUNT ? 3 : 900) * RK_FIXED_ONE,
			.time_window = INT64_C(3600000000), .cooldown = RK_FIELD_ABSENT_INT8
		};
		rk_message	m = {.type_id = 303, .length = sizeof(q), .payload = &q};
		rk_reply	reply = {.data = answer, .capacity = sizeof(answer)};

		must(ctx, actor->handle(ctx, state, &m, &reply));
	}
	must(ctx, actor->device->room(ctx, state));
}

/* Transactions among 8 entities, at rising times. */
static uint32_t
make_monitoring(uint64_t x, uint32_t *type, void *payload)
{
	static int64_t ts;
	rk_monitor_transaction *t = payload;

	*type = 300;
	*t = (rk_monitor_transaction) {
		.event = {
			.ts = ts += 1 + (int64_t) (x >> 50) * 100000, .amount = (rk_decimal) ((x >> 8) % 200000) * 1000000,
			.transaction = (int64_t) x, .transaction_type = (uint32_t) (x >> 30) % 3
		},
		.source = (int64_t) (x >> 32) % 8, .target = (int64_t) (x >> 40) % 8
	};
	return sizeof(*t);
}

bool
ring_round_trip(harness *h, int count, ring_times *t)
{
	static station s;
	rk_echo_state state = {0};
	bool		good = begin(h, &s, &rk_actor_core_echo, &state, true);
	rk_window_reply r;
	double		began;

	*t = (ring_times) {.count = count, .sorted = malloc(count * sizeof(double))};
	for (int i = 0; good && i < count; i++)
	{
		int64_t		value = i;

		began = now();
		(void) push(&s, 50, &value, sizeof(value));
		good = pull(&s, &r);
		t->sorted[i] = now() - began;
		good = good && memcmp(r.data, &value, sizeof(value)) == 0;
	}
	began = now();
	for (int64_t sent = 0, taken = 0; good && taken < count; taken++)
	{
		for (; sent < count && sent - taken < RK_WINDOW_SLOTS; sent++)
			(void) push(&s, 50, &sent, sizeof(sent));
		good = pull(&s, &r) && memcmp(r.data, &taken, sizeof(taken)) == 0;
	}
	t->in_batches = (now() - began) / count;
	if (s.ring)
		good = end(&s) && good;
	if (good)
		qsort(t->sorted, count, sizeof(double), by_size);
	else
	{
		snprintf(t->problem, sizeof(t->problem), "%s", s.error.message[0] ? s.error.message : "no reply");
		free(t->sorted);
		t->sorted = NULL;
	}
	munmap(s.w, s.bytes);
	return good;
}

static void
measure_round_trip(harness *h, int count)
{
	ring_times	t;

	if (ring_round_trip(h, count, &t))
	{
		printf("ok - %-44s median %.0f ns, p99 %.0f ns, largest %.0f ns of %d; slices of %.0f ms; %.0f ns in batches\n",
			   "ring round trip host - device - host", 1e9 * t.sorted[count / 2], 1e9 * t.sorted[(int) (0.99 * count)],
			   1e9 * t.sorted[count - 1], count, 1e3 * SLICE, 1e9 * t.in_batches);
		free(t.sorted);
		h->passed++;
	}
	else
	{
		printf("not ok - %-44s %s\n", "ring round trip", t.problem);
		h->failed++;
	}
}

void
check_rings(harness *h)
{
	static const struct
	{
		const rk_actor *actor;
		make_fn		make;
	}			rings[] = {
		{&rk_actor_core_echo, make_echo},
		{&rk_actor_graph_pagerank, make_pagerank},
		{&rk_actor_compliance_transaction_monitoring, make_monitoring}
	};

	for (unsigned i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		for (int persistent = 0; persistent < 2 && h->table->rings >> rings[i].actor->device->kind & 1; persistent++)
			check_actor(h, rings[i].actor, persistent, rings[i].make, h->scale > 1 ? 500000 : h->scale < 1 ? 500 : 3000);
	if (h->table->rings >> RK_RING_ECHO & 1)
		measure_round_trip(h, h->scale > 1 ? 200000 : h->scale < 1 ? 200 : 2000);
}

/*
 * test_ring_queue.c
 *	  The queue, the reply slots and the slab: order, limits, and what becomes
 *	  of them under many threads.  Built under ThreadSanitizer as well (make
 *	  check-thread).
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "../../src/ring/queue.h"

static rk_queue *
make_queue(uint32_t capacity)
{
	return rk_queue_init(aligned_alloc(128, rk_queue_size(capacity)), capacity);
}

static bool
put(rk_queue *q, rk_lane_name lane, int64_t id)
{
	uint64_t	position;
	rk_slot    *slot = rk_queue_claim(q, lane, &position);

	if (slot == NULL)
		return false;
	slot->message_id = id;
	memcpy(slot->payload, &id, sizeof(id));
	rk_queue_publish(slot, position);
	return true;
}

/* Id of the next message, or -1. */
static int64_t
take(rk_queue *q, rk_lane_name *lane)
{
	rk_slot    *slot = rk_queue_peek(q, lane);
	int64_t		id;

	if (slot == NULL)
		return -1;
	memcpy(&id, slot->payload, sizeof(id));
	assert_int_equal(id, slot->message_id);
	rk_queue_release(q, *lane);
	return id;
}

static void
test_order_and_capacity(void **state)
{
	(void) state;
	rk_queue   *q = make_queue(16);
	rk_lane_name lane;
	int64_t		sent = 0;
	int64_t		received = 0;

	/* many laps, at every fill level */
	for (int fill = 1; fill <= 16; fill++)
		for (int lap = 0; lap < 20; lap++)
		{
			for (int i = 0; i < fill; i++)
				assert_true(put(q, RK_LANE_NORMAL, sent++));
			assert_int_equal(rk_queue_depth(q), fill);
			if (fill == 16)
				assert_false(put(q, RK_LANE_NORMAL, -7));
			for (int i = 0; i < fill; i++)
				assert_int_equal(take(q, &lane), received++);
			assert_int_equal(take(q, &lane), -1);
		}
	free(q);
}

static void
test_lane_sizes(void **state)
{
	(void) state;
	rk_queue   *q = make_queue(1024);
	int			n = 0;

	while (put(q, RK_LANE_LOW, n))
		n++;
	assert_int_equal(n, 256);
	for (n = 0; put(q, RK_LANE_URGENT, n);)
		n++;
	assert_int_equal(n, 256);
	for (n = 0; put(q, RK_LANE_NORMAL, n);)
		n++;
	assert_int_equal(n, 1024);
	assert_int_equal(rk_lane_depth(q, RK_LANE_LOW), 256);
	free(q);
}

/* Urgent before normal before low, and none of them starves. */
static void
test_priorities(void **state)
{
	(void) state;
	rk_queue   *q = make_queue(4096);
	rk_lane_name lane;
	int			count[RK_LANES] = {0};
	int			longest_urgent = 0;
	int			until_low = 0;
	int			run = 0;

	put(q, RK_LANE_LOW, 3);
	put(q, RK_LANE_NORMAL, 2);
	put(q, RK_LANE_URGENT, 1);
	assert_int_equal(take(q, &lane), 1);
	assert_int_equal(take(q, &lane), 2);
	assert_int_equal(take(q, &lane), 3);

	for (int i = 0; i < 1000; i++)
	{
		while (put(q, RK_LANE_URGENT, 0))
			;
		while (put(q, RK_LANE_NORMAL, 0))
			;
		while (put(q, RK_LANE_LOW, 0))
			;
		take(q, &lane);
		count[lane]++;
		run = lane == RK_LANE_URGENT ? run + 1 : 0;
		longest_urgent = run > longest_urgent ? run : longest_urgent;
		if (lane == RK_LANE_LOW && until_low == 0)
			until_low = i + 1;
	}
	assert_in_range(longest_urgent, 60, 65);
	assert_in_range(until_low, 200, 258);
	assert_in_range(count[RK_LANE_NORMAL], 12, 20);
	assert_in_range(count[RK_LANE_LOW], 3, 4);
	free(q);
}

/* A successor finds the message its predecessor did not release. */
static void
test_takeover(void **state)
{
	(void) state;
	rk_queue   *q = make_queue(16);
	rk_lane_name lane;

	put(q, RK_LANE_NORMAL, 1);
	put(q, RK_LANE_NORMAL, 2);
	assert_int_equal(rk_queue_peek(q, &lane)->message_id, 1);
	assert_int_equal(rk_queue_peek(q, &lane)->message_id, 1);
	assert_int_equal(rk_lane_peek(q, RK_LANE_NORMAL, 1)->message_id, 2);
	assert_null(rk_lane_peek(q, RK_LANE_NORMAL, 2));
	rk_queue_release(q, lane);
	assert_int_equal(rk_queue_peek(q, &lane)->message_id, 2);
	free(q);
}

static void
test_reply_states(void **state)
{
	(void) state;
	rk_reply_slot slot = {0};

	rk_reply_begin(&slot);
	assert_int_equal(rk_reply_finish(&slot), RK_REPLY_WAITING);
	assert_int_equal(rk_reply_look(&slot), RK_REPLY_DONE);
	assert_false(rk_reply_abandon(&slot));
	rk_reply_end(&slot);

	rk_reply_begin(&slot);
	assert_true(rk_reply_sleep(&slot));
	assert_true(rk_reply_sleep(&slot));
	assert_int_equal(rk_reply_finish(&slot), RK_REPLY_SLEEPING);
	assert_false(rk_reply_sleep(&slot));
	rk_reply_end(&slot);

	/* a late answer frees the slot, and nobody sees it */
	rk_reply_begin(&slot);
	assert_true(rk_reply_sleep(&slot));
	assert_true(rk_reply_abandon(&slot));
	assert_int_equal(rk_reply_look(&slot), RK_REPLY_ABANDONED);
	assert_int_equal(rk_reply_finish(&slot), RK_REPLY_ABANDONED);
	assert_int_equal(rk_reply_look(&slot), RK_REPLY_FREE);
}

static void
test_slab(void **state)
{
	(void) state;
	size_t		size = 1024 * 1024;
	char	   *memory = aligned_alloc(128, size);
	rk_slab    *slab = rk_slab_init(memory, size);
	uint32_t	blocks[1000];
	int			n = 0;

	/* every block lies inside, on its own, and is as large as asked for */
	for (int round = 0; round < 3; round++)
	{
		for (n = 0; n < 1000; n++)
		{
			uint32_t	want = 1 + rk_hash2(round, n) % 65536;

			blocks[n] = rk_slab_take(slab, want);
			if (blocks[n] == RK_SLAB_NONE)
				break;
			assert_in_range(rk_slab_block_size(slab, blocks[n]), want, 65536);
			assert_true((char *) rk_slab_data(slab, blocks[n]) >= memory);
			assert_true((char *) rk_slab_data(slab, blocks[n]) +
						rk_slab_block_size(slab, blocks[n]) <= memory + size);
			memset(rk_slab_data(slab, blocks[n]), n, rk_slab_block_size(slab, blocks[n]));
		}
		assert_true(n > 1);
		for (int i = 0; i < n; i++)
		{
			unsigned char *data = rk_slab_data(slab, blocks[i]);

			for (uint32_t j = 0; j < rk_slab_block_size(slab, blocks[i]); j++)
				assert_true(data[j] == (unsigned char) i);
			rk_slab_give(slab, blocks[i]);
		}
		assert_int_equal(rk_slab_used(slab), 0);
	}
	assert_int_equal(rk_slab_take(slab, 65537), RK_SLAB_NONE);
	/* numbers that are no block's */
	for (uint32_t class = 0; class < 8; class++)
	{
		uint32_t	last = class << 29 | ((1u << 29) - 1);

		assert_int_equal(rk_slab_block_size(slab, last), 0);
		rk_slab_give(slab, last);
		assert_int_equal(rk_slab_used(slab), 0);
	}
	free(memory);

	/* a small one is empty and says so */
	memory = aligned_alloc(128, 1024);
	slab = rk_slab_init(memory, 1024);
	assert_int_equal(rk_slab_take(slab, 1), RK_SLAB_NONE);
	free(memory);
}

/* ---- threads ---- */

#define PRODUCERS 4
#define MESSAGES 50000
#define SLOTS 8

typedef struct shared_state
{
	rk_queue   *queue;
	rk_slab    *slab;
	rk_reply_slot replies[PRODUCERS][SLOTS];
	rk_waiter	sleeping;
	_Atomic uint32_t wakes;		/* stands for the latch */
	_Atomic int64_t abandoned;
	_Atomic int producers;
} shared_state;

typedef struct producer
{
	shared_state *shared;
	int			number;
	int64_t		answered;
} producer;

/*
 * Sends numbered messages, some with a payload in the slab; waits for each
 * reply or gives up; a reply must be the one to its own message.
 */
static void *
produce(void *arg)
{
	producer   *p = arg;
	shared_state *s = p->shared;

	for (int64_t i = 0; i < MESSAGES; i++)
	{
		int			lane = rk_hash3(1, p->number, i) % RK_WORK_LANES;
		bool		patient = rk_hash3(2, p->number, i) % 8 != 0;
		bool		large = rk_hash3(3, p->number, i) % 16 == 0;
		int64_t		id = p->number * (int64_t) MESSAGES + i;
		uint32_t	block = large ? rk_slab_take(s->slab, 1000) : RK_SLAB_NONE;
		rk_reply_slot *reply = NULL;
		rk_slot    *slot;
		uint64_t	position;

		while (reply == NULL)
			for (int k = 0; k < SLOTS; k++)
				if (rk_reply_look(&s->replies[p->number][k]) == RK_REPLY_FREE)
				{
					reply = &s->replies[p->number][k];
					break;
				}
		rk_reply_begin(reply);
		while ((slot = rk_queue_claim(s->queue, lane, &position)) == NULL)
			sched_yield();
		slot->message_id = id;
		slot->flags = RK_SLOT_REPLY | (block != RK_SLAB_NONE ? RK_SLOT_SLAB : 0);
		slot->reply_slot = reply - &s->replies[0][0];
		slot->block = block;
		slot->role = lane;
		if (block != RK_SLAB_NONE)
			memset(rk_slab_data(s->slab, block), (int) (id & 127), 1000);
		memcpy(slot->payload, &id, sizeof(id));
		rk_queue_publish(slot, position);
		if (rk_waiter_pending(&s->sleeping))
			atomic_fetch_add(&s->wakes, 1);

		if (!patient && rk_reply_abandon(reply))
		{
			atomic_fetch_add(&s->abandoned, 1);
			continue;
		}
		for (int spin = 0; rk_reply_look(reply) != RK_REPLY_DONE; spin++)
			if (spin > 100 && rk_reply_sleep(reply))
				sched_yield();
		{
			int64_t		answer;

			memcpy(&answer, reply->data, sizeof(answer));
			if (answer != id + 1)
				abort();
			p->answered++;
		}
		rk_reply_end(reply);
	}
	atomic_fetch_sub(&s->producers, 1);
	return NULL;
}

/* No message is lost, doubled or out of order; no reply goes astray. */
static void
test_threads(void **state)
{
	(void) state;
	static shared_state s;
	pthread_t	threads[PRODUCERS];
	producer	producers[PRODUCERS];
	int64_t		last[PRODUCERS][RK_LANES];
	int64_t		received = 0;
	int64_t		late = 0;
	int64_t		answered = 0;
	size_t		slab_size = 128 * 1024;

	memset(last, -1, sizeof(last));
	memset(&s, 0, sizeof(s));
	s.queue = make_queue(32);
	s.slab = rk_slab_init(aligned_alloc(128, slab_size), slab_size);
	s.producers = PRODUCERS;
	for (int i = 0; i < PRODUCERS; i++)
	{
		producers[i] = (producer) {&s, i, 0};
		pthread_create(&threads[i], NULL, produce, &producers[i]);
	}
	for (;;)
	{
		rk_lane_name lane;
		bool		over = atomic_load(&s.producers) == 0;
		rk_slot    *slot = rk_queue_peek(s.queue, &lane);
		int64_t		id;
		rk_reply_slot *reply;

		if (slot == NULL)
		{
			uint32_t	wakes = atomic_load(&s.wakes);

			if (over)
				break;
			/* sleep as the host does: announce, look again, wait to be woken */
			rk_waiter_prepare(&s.sleeping);
			if (rk_lane_peek(s.queue, 0, 0) == NULL && rk_lane_peek(s.queue, 1, 0) == NULL &&
				rk_lane_peek(s.queue, 2, 0) == NULL)
				while (atomic_load(&s.wakes) == wakes && atomic_load(&s.producers) > 0)
					sched_yield();
			rk_waiter_cancel(&s.sleeping);
			continue;
		}
		memcpy(&id, slot->payload, sizeof(id));
		assert_int_equal(id, slot->message_id);
		assert_int_equal(lane, slot->role);
		assert_true(id > last[id / MESSAGES][lane]);
		last[id / MESSAGES][lane] = id;
		if (slot->flags & RK_SLOT_SLAB)
		{
			char	   *data = rk_slab_data(s.slab, slot->block);

			for (int i = 0; i < 1000; i += 111)
				assert_int_equal(data[i], id & 127);
			rk_slab_give(s.slab, slot->block);
		}
		reply = &s.replies[0][0] + slot->reply_slot;
		rk_queue_release(s.queue, lane);
		id++;
		memcpy(reply->data, &id, sizeof(id));
		if (rk_reply_finish(reply) == RK_REPLY_ABANDONED)
			late++;
		received++;
	}
	for (int i = 0; i < PRODUCERS; i++)
	{
		pthread_join(threads[i], NULL);
		answered += producers[i].answered;
	}
	assert_int_equal(received, (int64_t) PRODUCERS * MESSAGES);
	assert_int_equal(late, s.abandoned);
	assert_int_equal(answered + late, received);
	assert_int_equal(rk_slab_used(s.slab), 0);
	assert_int_equal(rk_queue_depth(s.queue), 0);
	free(s.queue);
	free(s.slab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_capacity),
		cmocka_unit_test(test_lane_sizes),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_reply_states),
		cmocka_unit_test(test_slab),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

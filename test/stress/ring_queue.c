/*
 * ring_queue.c
 *	  The queue of a ring under load: no message lost, none doubled, none torn.
 *
 *	  ring_queue [messages] [producers] [kills]
 *
 * Processes, as in the server: each producer sends so many messages over one
 * queue in shared memory to one consumer, which handles them slowly now and
 * then, so that the queue is full and empty by turns.  Once for each policy of a
 * full queue:
 *
 *	  block	the producer tries again until there is room
 *	  error	it is told, and goes on with the next message
 *	  dlq	it puts the message on a list of dead letters
 *	  drop	the message is counted and gone
 *
 * and once more with the consumer killed again and again (SIGKILL) while
 * another one takes over.  Afterwards every message was handled once, or is
 * among the rejected, dead or dropped ones, and those of a producer came in the
 * order of sending.  A message that its consumer died with may be seen by the
 * next one too: at most one for each kill.
 *
 * The consumer sleeps without a limit when there is nothing to do, so that a
 * wake-up that is lost shows as a run that does not end: after a minute without
 * progress the program gives up.
 */
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/ring/queue.h"

#define CAPACITY 256

typedef enum policy
{
	BLOCK, ERROR, DLQ, DROP, KILLED, POLICIES
} policy;

static const char *const names[] = {"block", "error", "dlq", "drop", "block, consumer killed"};

typedef struct producer
{
	_Alignas(128) _Atomic int64_t refused; /* by the policy */
	_Atomic int done;
	int64_t		last;			/* handled; the consumer's */
} producer;

typedef struct shared
{
	_Alignas(128) rk_waiter sleeping;	/* 1: the consumer sleeps */
	_Alignas(128) _Atomic uint32_t wake;	/* futex */
	_Alignas(128) _Atomic int64_t handled;
	_Atomic int64_t again;		/* handled before, seen again after a kill */
	_Atomic int64_t wrong;		/* torn, doubled, out of order */
	_Atomic int stop;
	producer	producers[64];
} shared;

static shared *s;
static rk_queue *queue;
static uint8_t *handled;		/* a bit for each message */
static uint8_t *refused;		/* a bit for each, set by its producer */
static int64_t messages;
static int	producers;

static void *
share(size_t size)
{
	void	   *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
	{
		perror("mmap");
		exit(2);
	}
	return p;
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- producer ---- */

static bool
send_message(int who, int64_t number)
{
	int64_t		id = who * messages + number;
	uint64_t	position;
	rk_lane_name lane = id % 97 == 0 ? RK_LANE_URGENT : RK_LANE_NORMAL;
	rk_slot    *slot = rk_queue_claim(queue, lane, &position);
	uint64_t   *words;

	if (slot == NULL)
		return false;
	slot->message_id = id;
	slot->length = 8 * (1 + mix(id) % 16);
	words = (uint64_t *) slot->payload;
	for (uint32_t i = 0; i < slot->length / 8; i++)
		words[i] = mix(id + i);
	rk_queue_publish(slot, position);
	if (rk_waiter_pending(&s->sleeping))
	{
		rk_waiter_cancel(&s->sleeping);
		atomic_fetch_add(&s->wake, 1);
		syscall(SYS_futex, &s->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	return true;
}

static void
produce(int who, policy p)
{
	for (int64_t i = 0; i < messages; i++)
	{
		int64_t		id = who * messages + i;

		if (send_message(who, i))
			continue;
		if (p == BLOCK || p == KILLED)
		{
			do
				usleep(20);
			while (!send_message(who, i));
			continue;
		}
		/* told, listed or counted: this message is not sent.  Others may share the byte. */
		atomic_fetch_or((_Atomic uint8_t *) &refused[id / 8], (uint8_t) (1 << id % 8));
		atomic_fetch_add(&s->producers[who].refused, 1);
		/* a producer that is told so waits before it goes on, or nothing would be accepted any more */
		usleep(20);
	}
	atomic_store(&s->producers[who].done, 1);
	_exit(0);
}

/* ---- consumer ---- */

static void
handle(const rk_slot *slot)
{
	int64_t		id = slot->message_id;
	const uint64_t *words = (const uint64_t *) slot->payload;
	bool		good = id >= 0 && id < messages * producers && slot->length == 8 * (1 + mix(id) % 16);

	for (uint32_t i = 0; good && i < slot->length / 8; i++)
		good = words[i] == mix(id + i);
	if (!good)
	{
		atomic_fetch_add(&s->wrong, 1);
		return;
	}
	if (handled[id / 8] & 1 << id % 8)
	{
		atomic_fetch_add(&s->again, 1);
		return;
	}
	/* within the normal lane, a producer's messages come in order */
	if (id % 97 != 0)
	{
		producer   *p = &s->producers[id / messages];

		if (id < p->last)
			atomic_fetch_add(&s->wrong, 1);
		p->last = id;
	}
	handled[id / 8] |= 1 << id % 8;
	atomic_fetch_add_explicit(&s->handled, 1, memory_order_relaxed);
}

static void
consume(uint64_t seed)
{
	rk_lane_name lane;
	rk_slot    *slot;

	for (uint64_t n = seed;;)
	{
		while ((slot = rk_queue_peek(queue, &lane)) != NULL)
		{
			handle(slot);
			rk_queue_release(queue, lane);
			/* slow for a moment, about once in a hundred thousand */
			if (mix(++n) % 100000 == 0)
				usleep(2000);
		}
		if (atomic_load(&s->stop))
			_exit(0);
		{
			uint32_t	wake = atomic_load(&s->wake);

			rk_waiter_prepare(&s->sleeping);
			if (rk_queue_peek(queue, &lane) == NULL && !atomic_load(&s->stop))
				syscall(SYS_futex, &s->wake, FUTEX_WAIT, wake, NULL, NULL, 0);
			rk_waiter_cancel(&s->sleeping);
		}
	}
}

static pid_t
start_consumer(uint64_t seed)
{
	pid_t		pid = fork();

	if (pid == 0)
		consume(seed);
	return pid;
}

/* ---- the run ---- */

static bool
run(policy p, int kills)
{
	size_t		bits = (messages * producers + 7) / 8;
	double		began = seconds();
	double		moved = began;
	int64_t		before = -1;
	int64_t		not_sent = 0;
	int64_t		missing = 0;
	int64_t		both = 0;
	int			killed = 0;
	pid_t		consumer;
	pid_t		senders[64];
	int64_t		arrived = 0;
	bool		good;
	bool		stuck = false;

	memset(s, 0, sizeof(*s));
	memset(handled, 0, bits);
	memset(refused, 0, bits);
	rk_queue_init(queue, CAPACITY);
	consumer = start_consumer(1);
	for (int i = 0; i < producers; i++)
		if ((senders[i] = fork()) == 0)
			produce(i, p);
	for (;;)
	{
		int			done = 0;
		int64_t		now = atomic_load(&s->handled);

		for (int i = 0; i < producers; i++)
			done += atomic_load(&s->producers[i].done);
		if (done == producers && rk_queue_depth(queue) == 0)
			break;
		if (now != before)
			moved = seconds();
		else if (seconds() - moved > 60)
		{
			stuck = true;
			break;
		}
		before = now;
		usleep(p == KILLED ? 500 : 5000);
		if (p == KILLED && killed < kills)
		{
			kill(consumer, SIGKILL);
			waitpid(consumer, NULL, 0);
			consumer = start_consumer(++killed);
		}
	}
	atomic_store(&s->stop, 1);
	atomic_fetch_add(&s->wake, 1);
	syscall(SYS_futex, &s->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
	for (int i = 0; stuck && i < producers; i++)
		kill(senders[i], SIGKILL);
	if (stuck)
		kill(consumer, SIGKILL);
	while (wait(NULL) > 0)
		;
	for (int64_t id = 0; id < messages * producers; id++)
	{
		bool		was_handled = handled[id / 8] & 1 << id % 8;
		bool		was_refused = refused[id / 8] & 1 << id % 8;

		arrived += was_handled;
		missing += !was_handled && !was_refused;
		both += was_handled && was_refused;
	}
	for (int i = 0; i < producers; i++)
		not_sent += s->producers[i].refused;
	good = !stuck && missing == 0 && both == 0 && s->wrong == 0 && s->again <= killed &&
		arrived + not_sent == messages * producers && (p == BLOCK || p == KILLED ? not_sent == 0 : true);
	printf("%s - %s: %lld sent by %d, %lld handled, %lld refused, %lld lost, %lld doubled, %lld wrong%s, %.1f s, %.2f million/s",
		   good ? "ok" : "not ok", names[p], (long long) (messages * producers), producers, (long long) arrived,
		   (long long) not_sent, (long long) missing, (long long) (both + (killed ? 0 : s->again)),
		   (long long) s->wrong, stuck ? ", stuck" : "", seconds() - began,
		   messages * producers / (seconds() - began) / 1e6);
	if (p == KILLED)
		printf("; %d kills, %lld seen again", killed, (long long) s->again);
	printf("\n");
	fflush(stdout);
	return good;
}

int
main(int argc, char **argv)
{
	int			kills;
	int			failed = 0;

	messages = argc > 1 ? atoll(argv[1]) : 20000;
	producers = argc > 2 ? atoi(argv[2]) : 8;
	kills = argc > 3 ? atoi(argv[3]) : 100;
	if (messages < 1 || producers < 1 || producers > 64)
	{
		fprintf(stderr, "usage: ring_queue [messages] [producers, 1 to 64] [kills]\n");
		return 2;
	}
	s = share(sizeof(*s));
	queue = share(rk_queue_size(CAPACITY));
	handled = share((messages * producers + 7) / 8);
	refused = share((messages * producers + 7) / 8);
	for (policy p = BLOCK; p < POLICIES; p++)
		failed += !run(p, kills);
	return failed > 0;
}

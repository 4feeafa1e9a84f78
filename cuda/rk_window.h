/*
 * rk_window.h
 *	  Messages of a ring on their way to a device and back: a window of fixed
 *	  slots that a CPU and a kernel on the device look at.
 *
 * The host of a ring (src/device/remote.c) stays the only consumer of the
 * ring's queue and the only one that logs.  It hands messages on through a
 * window: a memory file that it shares with the device worker, which maps it for
 * the device as well.  Nothing of the server's own memory is there for a driver
 * to damage, and what is lost with the device is the ring's state since its
 * checkpoint, as it is when a host dies.
 *
 * SLOTS.  Position p of the window lives in slot p mod RK_WINDOW_SLOTS.  There
 * is one writer on each side:
 *
 *	  host		writes request p, store-release requests[p].seq = p + 1; not
 *				before it has taken reply p - RK_WINDOW_SLOTS
 *	  device	load-acquire requests[p].seq, handles, writes reply p,
 *				store-release replies[p].seq = p + 1.  Strictly in order of p
 *	  host		load-acquire replies[p].seq
 *
 * So a line of memory travels once each way, and neither side writes what the
 * other one writes.  Loads and stores of words that both look at are of the
 * system's scope.
 *
 * SLICES.  A kernel serves for a slice of time and ends, at once if stop is set:
 * so it never keeps the device from a watch-dog, a checkpoint or the end of a
 * ring.  Where it was is in its own memory, "served" says it to the CPU.  A slice
 * of no time serves what is there and ends: mode "event".
 *
 * ROOM.  Device memory of a ring does not grow.  A message for which there is
 * no room changes nothing, the slice ends before it, and room_for says which
 * one it was; the host takes the state back, makes it larger and sends it anew.
 *
 * COMMANDS are the host's to the worker, one at a time, while no message is
 * under way: a number in "command", when it is done the same number in "done".
 *
 * SLEEP.  The worker says in "asleep" that it will sleep, then looks for work
 * once more; the host publishes, then looks at that word; a full fence is
 * between the two on each side (Dekker), as in src/ring/queue.h.
 *
 * test/model/window.pml has this in every order of events, test/stress/window.c
 * under load with real threads, under ThreadSanitizer as well.
 */
#ifndef RK_WINDOW_H
#define RK_WINDOW_H

#include <stdint.h>

#include "../src/compute/both.h"

#ifdef __cplusplus
#define RK_LINE alignas(128)
#else
#define RK_LINE _Alignas(128)
#endif

#define RK_WINDOW_SLOTS 64		/* a power of two */
#define RK_WINDOW_PAYLOAD 208
#define RK_WINDOW_REPLY 232		/* as in a reply slot of a ring */
#define RK_WINDOW_TEXT 256

typedef struct rk_window_request
{
	uint64_t	seq;			/* position + 1: published */
	uint32_t	type_id;
	uint32_t	length;
	int64_t		id;				/* of the message */
	int64_t		sent_ns;		/* since 1970 */
	int64_t		unused[2];
	char		payload[RK_WINDOW_PAYLOAD];
} rk_window_request;

/* Bits of rk_window_reply.flags. */
#define RK_WINDOW_LATER 1		/* changed nothing, is to come again */

typedef struct rk_window_reply
{
	uint64_t	seq;			/* position + 1: published */
	int32_t		status;			/* rk_status */
	uint32_t	length;
	uint64_t	flags;
	char		data[RK_WINDOW_REPLY];	/* or why it failed, as text */
} rk_window_reply;

/* What a window is for: which actor. */
typedef enum rk_ring_kind
{
#define RK_RING_KIND(number, name) number,
#include "rings.def"
#undef RK_RING_KIND
	RK_RING_KINDS				/* how many there are */
} rk_ring_kind;

typedef enum rk_window_state
{
	RK_WINDOW_OPENING,
	RK_WINDOW_OPEN,				/* device memory is there: base says where */
	RK_WINDOW_FAILED			/* status and problem say why; nothing comes any more */
} rk_window_state;

typedef enum rk_window_command
{
	RK_WINDOW_NOTHING,
	RK_WINDOW_LOAD,				/* copy the image to the device, then serve */
	RK_WINDOW_SAVE				/* copy it back, then serve on */
} rk_window_command;

typedef struct rk_ring_window
{
	/* constant */
	uint32_t	magic;
	uint32_t	version;		/* RK_CUDA_VERSION */
	int32_t		kind;			/* rk_ring_kind */
	int32_t		persistent;		/* 0: mode "event" */
	int64_t		slice_ns;		/* of mode "persistent" */
	int64_t		image_offset;	/* of the state's bytes in the memory file */
	int64_t		image_bytes;

	/* the host's */
	RK_LINE uint32_t stop;		/* the slice is to end */
	uint32_t	wake;			/* futex: changes when the worker is to look */
	uint32_t	command;		/* rk_window_command */
	uint32_t	commands;		/* how many were given */

	/* the worker's */
	RK_LINE uint32_t state;		/* rk_window_state */
	uint32_t	asleep;
	uint32_t	done;			/* how many commands */
	int32_t		status;			/* rk_cuda_status */
	uint64_t	base;			/* address of the image on the device */
	int64_t		slices;
	char		problem[RK_WINDOW_TEXT];

	/* the device's */
	RK_LINE uint64_t served;	/* messages, at the end of a slice */
	uint64_t	room_for;		/* 1 + position; 0: there is room */

	RK_LINE rk_window_request requests[RK_WINDOW_SLOTS];
	RK_LINE rk_window_reply replies[RK_WINDOW_SLOTS];
} rk_ring_window;

/* ---- words that several look at ---- */

RK_BOTH uint64_t
rk_look64(const uint64_t *p)
{
#ifdef __CUDA_ARCH__
	uint64_t	value;

	asm volatile("ld.acquire.sys.u64 %0, [%1];" : "=l" (value) : "l" (p) : "memory");
	return value;
#else
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
#endif
}

RK_BOTH uint32_t
rk_look32(const uint32_t *p)
{
#ifdef __CUDA_ARCH__
	uint32_t	value;

	asm volatile("ld.acquire.sys.u32 %0, [%1];" : "=r" (value) : "l" (p) : "memory");
	return value;
#else
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
#endif
}

RK_BOTH void
rk_tell64(uint64_t *p, uint64_t value)
{
#ifdef __CUDA_ARCH__
	asm volatile("st.release.sys.u64 [%0], %1;" : : "l" (p), "l" (value) : "memory");
#else
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
#endif
}

/* Device: the reply to a message that is refused; text as in rk_fail. */
RK_BOTH void
rk_window_refuse(rk_window_reply *r, int32_t status, const char *text)
{
	uint32_t	i = 0;

	for (; text[i] && i < RK_WINDOW_REPLY - 1; i++)
		r->data[i] = text[i];
	r->data[i] = '\0';
	r->length = i + 1;
	r->status = status;
}

/* ---- on the CPU ---- */

static inline void
rk_tell32(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/* Host: slot of a position; after it is filled in, rk_window_publish. */
static inline rk_window_request *
rk_window_slot(rk_ring_window *w, uint64_t position)
{
	return &w->requests[position % RK_WINDOW_SLOTS];
}

static inline void
rk_window_publish(rk_ring_window *w, uint64_t position)
{
	rk_tell64(&rk_window_slot(w, position)->seq, position + 1);
}

/* Host: the reply of a position, or NULL while it has not come. */
static inline rk_window_reply *
rk_window_take(rk_ring_window *w, uint64_t position)
{
	rk_window_reply *r = &w->replies[position % RK_WINDOW_SLOTS];

	return rk_look64(&r->seq) == position + 1 ? r : 0;
}

/* Host, after publishing or a command: whether the worker sleeps and is to be woken. */
static inline int
rk_window_asleep(rk_ring_window *w)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&w->asleep, __ATOMIC_RELAXED) != 0;
}

/* Host: gives a command; the worker may sleep. */
static inline void
rk_window_order(rk_ring_window *w, rk_window_command command)
{
	rk_tell32(&w->command, command);
	rk_tell32(&w->commands, w->commands + 1);
	rk_tell32(&w->stop, 1);
}

/* Worker: whether there is a command that it has not done. */
static inline int
rk_window_ordered(rk_ring_window *w)
{
	return rk_look32(&w->commands) != w->done;
}

/* Worker: a message is there that has not been served. */
static inline int
rk_window_waiting(rk_ring_window *w)
{
	uint64_t	position = rk_look64(&w->served);

	return rk_look64(&rk_window_slot(w, position)->seq) == position + 1 && rk_look64(&w->room_for) == 0;
}

/* Worker: announces a sleep; look for work once more after it. */
static inline void
rk_window_doze(rk_ring_window *w)
{
	__atomic_store_n(&w->asleep, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void
rk_window_rise(rk_ring_window *w)
{
	__atomic_store_n(&w->asleep, 0, __ATOMIC_RELAXED);
}

#endif							/* RK_WINDOW_H */

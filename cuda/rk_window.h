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
 * SLOTS.  Position p of the window lives in slot p mod RK_WINDOW_SLOTS.  A slot
 * is made of units of 16 bytes, 12 of a message and a tag of 4, which is p + 1.  A
 * side that looks for a message reads all of its slot, and has it if all the
 * tags are the position's; so it takes one trip across the bus to find a message
 * and to have it, and none of the two sides ever waits for what it has written:
 * there is no fence between a message and the word that says that it is there.
 *
 *	  host		writes the units of request p one by one; not before it has taken
 *				reply p - RK_WINDOW_SLOTS
 *	  device	reads them until all are there, handles, writes the units of
 *				reply p, in any order.  Strictly in order of p
 *	  host		reads them until those of the reply's length are there
 *
 * That rests on a unit's being read and written whole.  The device does it by
 * accesses of 16 bytes, which CUDA preserves on the way to host memory and from
 * there; the CPU writes the tag after the rest (store-release), and reads it
 * before (load-acquire).  All units of a slot are written each time, so one that
 * is of another message has the tag of RK_WINDOW_SLOTS positions ago.
 *
 * A line of memory travels once each way, and neither side writes what the
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
#include <string.h>

#include "../src/compute/both.h"

#ifdef __cplusplus
#define RK_LINE alignas(128)
#else
#define RK_LINE _Alignas(128)
#endif

#define RK_WINDOW_SLOTS 64		/* a power of two */
#define RK_WINDOW_UNITS 20		/* of a slot */
#define RK_WINDOW_PAYLOAD 208
#define RK_WINDOW_REPLY 232		/* no less than in a reply slot of a ring */
#define RK_WINDOW_TEXT 256

/* 16 bytes that travel together. */
typedef struct rk_window_unit
{
	uint32_t	data[3];
	uint32_t	tag;			/* low half of position + 1 */
} rk_window_unit;

typedef struct rk_window_slot
{
	rk_window_unit unit[RK_WINDOW_UNITS];
} rk_window_slot;

/* What a slot holds: messages as they are written and read. */
typedef struct rk_window_request
{
	uint32_t	type_id;
	uint32_t	length;
	int64_t		id;				/* of the message */
	int64_t		sent_ns;		/* since 1970 */
	char		payload[RK_WINDOW_PAYLOAD];
	int64_t		unused;
} rk_window_request;

/* Bits of rk_window_reply.flags. */
#define RK_WINDOW_LATER 1		/* changed nothing, is to come again */

typedef struct rk_window_reply
{
	int32_t		status;			/* rk_status */
	uint16_t	length;
	uint16_t	flags;
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

	/* the host's, 16 bytes that the device reads as a unit */
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

	RK_LINE rk_window_slot requests[RK_WINDOW_SLOTS];
	RK_LINE rk_window_slot replies[RK_WINDOW_SLOTS];
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

/* What the units of a position have. */
RK_BOTH uint32_t
rk_window_tag(uint64_t position)
{
	return (uint32_t) position + 1;
}

/* A unit as it is now, for a side that is not a device; data may be of any other time if the tag is. */
static inline void
rk_unit_read(const rk_window_unit *u, rk_window_unit *to)
{
	to->tag = rk_look32(&u->tag);
	for (int i = 0; i < 3; i++)
		to->data[i] = __atomic_load_n(&u->data[i], __ATOMIC_RELAXED);
}

static inline void
rk_unit_write(rk_window_unit *u, const uint32_t *data, uint32_t tag)
{
	for (int i = 0; i < 3; i++)
		__atomic_store_n(&u->data[i], data[i], __ATOMIC_RELAXED);
	__atomic_store_n(&u->tag, tag, __ATOMIC_RELEASE);
}

/* Device: the reply to a message that is refused; text as in rk_fail. */
RK_BOTH void
rk_window_refuse(rk_window_reply *r, int32_t status, const char *text)
{
	uint32_t	i = 0;

	for (; text[i] && i < RK_WINDOW_REPLY - 1; i++)
		r->data[i] = text[i];
	r->data[i] = '\0';
	r->length = (uint16_t) (i + 1);
	r->status = status;
}

/* ---- on the CPU ---- */

static inline void
rk_tell32(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/* Writes a message into the slot of a position. */
static inline void
rk_window_write(rk_window_slot *slots, uint64_t position, const void *message)
{
	rk_window_slot *slot = &slots[position % RK_WINDOW_SLOTS];
	uint32_t	data[3];

	for (int i = 0; i < RK_WINDOW_UNITS; i++)
	{
		memcpy(data, (const char *) message + i * sizeof(data), sizeof(data));
		rk_unit_write(&slot->unit[i], data, rk_window_tag(position));
	}
}

/* Reads units from .. until - 1 of a position; false: not all of them are there. */
static inline int
rk_window_read(const rk_window_slot *slots, uint64_t position, int from, int until, void *message)
{
	const rk_window_slot *slot = &slots[position % RK_WINDOW_SLOTS];
	rk_window_unit u;

	for (int i = from; i < until; i++)
	{
		rk_unit_read(&slot->unit[i], &u);
		if (u.tag != rk_window_tag(position))
			return 0;
		memcpy((char *) message + i * sizeof(u.data), u.data, sizeof(u.data));
	}
	return 1;
}

/* Host: sends a message. */
static inline void
rk_window_publish(rk_ring_window *w, uint64_t position, const rk_window_request *q)
{
	rk_window_write(w->requests, position, q);
}

/* Host: the reply of a position, as much of it as its length says; false: it has not come. */
static inline int
rk_window_take(const rk_ring_window *w, uint64_t position, rk_window_reply *r)
{
	int			units;

	if (!rk_window_read(w->replies, position, 0, 1, r))
		return 0;
	if (r->length > RK_WINDOW_REPLY)
		r->length = RK_WINDOW_REPLY;
	units = (8 + r->length + 11) / 12;
	return rk_window_read(w->replies, position, 1, units, r);
}

/* A device that is a CPU: the request of a position, if it is there, and its reply. */
static inline int
rk_window_look(const rk_ring_window *w, uint64_t position, rk_window_request *q)
{
	return rk_window_read(w->requests, position, 0, RK_WINDOW_UNITS, q);
}

static inline void
rk_window_answer(rk_ring_window *w, uint64_t position, const rk_window_reply *r)
{
	rk_window_write(w->replies, position, r);
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
	/* the one that is written last */
	const uint32_t *tag = &w->requests[position % RK_WINDOW_SLOTS].unit[RK_WINDOW_UNITS - 1].tag;

	return rk_look32(tag) == rk_window_tag(position) && rk_look64(&w->room_for) == 0;
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

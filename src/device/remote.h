/*
 * remote.h
 *	  A ring's window on the device, as the host of the ring has it.
 *
 * Functions that can fail return false with the reason in problem; the link is
 * then of no use but to be closed.  None of them raises an error.
 */
#ifndef RK_DEVICE_REMOTE_H
#define RK_DEVICE_REMOTE_H

#include "device.h"

typedef struct rk_remote
{
	int			connection;		/* -1: none */
	int			file;			/* -1: none */
	rk_ring_window  *window;
	Size		bytes;
	uint64		sent;			/* messages */
	uint64		taken;			/* replies */
	bool		crowded;		/* the message at "taken" has no room on the device */
	rk_window_request request;	/* that is being written */
	rk_window_reply reply;		/* the one taken last */
	char		problem[RK_CUDA_TEXT + 64];
} rk_remote;

/* Called now and then while a reply is waited for. */
typedef void (*rk_remote_idle) (void);

/* Makes the window and has the device take memory for an image. */
extern bool rk_remote_open(rk_remote *r, int kind, bool persistent, Size image_bytes);

/* Where the image is written and read on this side, and its address on the device. */
extern char *rk_remote_image(rk_remote *r);
extern uint64 rk_remote_base(const rk_remote *r);

/* Copies the image to the device and back; no message is under way. */
extern bool rk_remote_load(rk_remote *r);
extern bool rk_remote_save(rk_remote *r);

/* Messages that may be sent before a reply is taken. */
static inline bool
rk_remote_full(const rk_remote *r)
{
	return r->sent - r->taken == RK_WINDOW_SLOTS;
}

/* Sends r->request, which the caller has written; the window is not full. */
extern void rk_remote_send(rk_remote *r);

/*
 * Waits for the oldest reply that was not taken, which is then in r->reply.
 * False and crowded: the message has no room there.
 */
extern bool rk_remote_wait(rk_remote *r, rk_remote_idle idle);

/* Whether the device worker is there still and has not reported a failure. */
extern bool rk_remote_alive(rk_remote *r);

/* Safe to repeat, and on a link of zeros with descriptors of -1. */
extern void rk_remote_close(rk_remote *r);

#endif							/* RK_DEVICE_REMOTE_H */

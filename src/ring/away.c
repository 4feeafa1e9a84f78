/*
 * away.c
 *	  A ring whose state is on a device.
 *
 * The host stays what it is: it takes messages out of the queue, logs them,
 * looks at deadlines and keys, answers.  Only what the actor would do with a
 * message is done elsewhere: the host sends messages through a window
 * (cuda/rk_window.h), as many of a batch as there are, and takes the replies in
 * the same order.
 *
 * There is one state, and h->away says where.  The actor's own, here, is
 * "current" as long as nothing was changed there since it was taken back, for a
 * checkpoint, a checksum, or a message that is not served there.  After a change
 * here the one there is "stale", and sent anew before the next message.
 *
 * What is lost with a device, a worker or a slice that does not end is the state
 * there.  If the one here is current, the ring goes on with it; else it comes up
 * as after the death of a host, from its checkpoint and its log.  Messages that
 * were not answered are in the queue still.  It stays on the CPU from then on:
 * until it is started anew, or sent away again.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "../compat.h"
#include "../device/remote.h"
#include "host.h"

struct rk_away
{
	rk_remote	remote;
	bool		current;		/* the actor's own state is what the device has */
	bool		stale;			/* the device has an older one */
	bool		failed;
	bool		proven;			/* the breaker knows of a success */
	struct
	{
		rk_message	message;
		rk_status	refused;	/* here: it was not sent */
		char		why[RK_ERROR_TEXT];
	}			sent[RK_WINDOW_SLOTS];	/* whose replies were not taken */
	int			count;
};

/* ---- what is shown ---- */

static void
show(rk_hosted *h, const char *device, const char *reason)
{
	strlcpy(h->ring->device, device, sizeof(h->ring->device));
	strlcpy(h->ring->device_reason, reason, sizeof(h->ring->device_reason));
}

/* Stays here, and says why once. */
static void
stay(rk_hosted *h, const char *reason)
{
	h->stays = true;
	show(h, "cpu", reason);
	ereport(LOG,
			(errmsg("ring \"%s\" runs on the CPU", NameStr(h->ring->name)),
			 errdetail_internal("Because %s.", reason)));
}

static rk_cuda_kernel
circuit_of(const rk_hosted *h)
{
	return RK_CUDA_KERNELS + h->actor->device->kind;
}

/* A failure of the device that no permit was asked for. */
static void
count_failure(rk_hosted *h, bool permitted)
{
	TimestampTz retry_at;

	if (permitted || rk_circuit_permit(circuit_of(h), &retry_at))
		rk_circuit_failure(circuit_of(h));
	LWLockAcquire(&rk_the_devices->lock, LW_EXCLUSIVE);
	rk_the_devices->fallbacks++;
	LWLockRelease(&rk_the_devices->lock);
}

/* ---- there and back ---- */

bool
rk_away_serves(const rk_hosted *h, uint32 type_id)
{
	const uint32_t *t = h->actor->device->types;

	while (*t && *t != type_id)
		t++;
	return *t != 0;
}

static void
leave(rk_hosted *h)
{
	rk_remote_close(&h->away->remote);
	free(h->away);
	h->away = NULL;
}

/* Sends the actor's state; false with the reason in the link. */
static bool
send_state(rk_hosted *h, rk_remote *r)
{
	const rk_actor_device *device = h->actor->device;
	Size		bytes = device->pack(h->state, NULL, 0);

	rk_remote_close(r);
	if (!rk_remote_open(r, device->kind, h->options.persistent, bytes))
		return false;
	(void) device->pack(h->state, rk_remote_image(r), rk_remote_base(r));
	return rk_remote_load(r);
}

/* Makes the actor's state the one that the device has. */
bool
rk_away_fetch(rk_hosted *h)
{
	struct rk_away *a = h->away;

	if (a->current || a->stale)
		return true;
	Assert(a->count == 0);
	if (a->failed || !rk_remote_save(&a->remote))
	{
		a->failed = true;
		return false;
	}
	h->ctx.error.status = RK_OK;
	if (h->actor->device->unpack(&h->ctx, h->state, rk_remote_image(&a->remote),
								 rk_remote_base(&a->remote)) != RK_OK)
	{
		strlcpy(a->remote.problem, h->ctx.error.message, sizeof(a->remote.problem));
		a->failed = true;
		return false;
	}
	a->current = true;
	return true;
}

bool
rk_away_home(rk_hosted *h, const char *reason)
{
	if (!rk_away_fetch(h))
		return false;
	leave(h);
	show(h, "cpu", reason);
	return true;
}

/* Goes, with the state as it is here. */
static bool
go(rk_hosted *h)
{
	const char *problem;
	TimestampTz retry_at;
	struct rk_away *a;
	MemoryContext memory;
	MemoryContext old;
	bool		ready;
	char		name[32];

	if (rk_the_devices == NULL)
	{
		stay(h, "rustkernels is not in shared_preload_libraries");
		return false;
	}
	if (h->output_count > 0)
	{
		stay(h, "a ring with outputs publishes from the CPU");
		return false;
	}
	if (h->actor->device->stays && h->actor->device->stays(h->state))
	{
		stay(h, h->actor->device->stays(h->state));
		return false;
	}
	memory = AllocSetContextCreate(CurrentMemoryContext, "rk device", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(memory);
	ready = rk_device_ready(false, &problem);
	if (!ready && (rk_the_devices->state == RK_DEVICE_UNAVAILABLE || rk_the_devices->state == RK_DEVICE_IDLE))
		stay(h, problem);
	else if (!ready)
		show(h, "cpu", problem);	/* not yet */
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	if (!ready)
		return false;
	if (!rk_circuit_permit(circuit_of(h), &retry_at))
	{
		show(h, "cpu", "its circuit breaker is open");
		return false;
	}
	a = calloc(1, sizeof(*a));
	h->ctx.error.status = RK_OK;
	if (a == NULL || (h->actor->device->room && h->actor->device->room(&h->ctx, h->state) != RK_OK))
	{
		rk_circuit_release(circuit_of(h));
		free(a);
		stay(h, a ? h->ctx.error.message : "there is no memory");
		return false;
	}
	a->remote.connection = a->remote.file = -1;
	if (!send_state(h, &a->remote))
	{
		count_failure(h, true);
		stay(h, a->remote.problem);
		rk_remote_close(&a->remote);
		free(a);
		return false;
	}
	rk_circuit_success(circuit_of(h));
	a->current = true;
	h->away = a;
	snprintf(name, sizeof(name), "cuda:%d", rk_the_devices->report.device);
	show(h, name, h->options.persistent ? "served by a resident kernel" : "served by a launch for each batch");
	return true;
}

void
rk_away_try(rk_hosted *h)
{
	if (h->away || h->stays || h->state == NULL || h->actor->device == NULL || rk_host_read_only)
		return;
	if (h->options.device != RK_DEVICE_CUDA)
	{
		h->stays = true;
		show(h, "cpu", h->options.device == RK_DEVICE_CPU ? "option \"device\" is cpu" :
			 "a message takes less time here than its way to a device");
		return;
	}
	(void) go(h);
}

bool
rk_away_move(rk_hosted *h, bool to_device)
{
	if (!to_device)
	{
		h->stays = true;
		if (h->away && !rk_away_home(h, "it was moved"))
		{
			rk_away_lost(h);
			return h->state != NULL;
		}
		show(h, "cpu", "it was moved");
		return true;
	}
	if (h->away)
		return true;
	if (h->actor->device == NULL)
	{
		rk_ring_error(h->ring, "its kernel has no form for devices");
		return false;
	}
	h->stays = false;
	if (h->state && go(h))
		return true;
	h->stays = true;
	rk_ring_error(h->ring, h->ring->device_reason);
	return false;
}

/* What the device had is gone. */
void
rk_away_lost(rk_hosted *h)
{
	bool		current = h->away->current || h->away->stale;
	char		problem[RK_ERROR_TEXT];

	strlcpy(problem, h->away->remote.problem, sizeof(problem));
	count_failure(h, false);
	leave(h);
	h->stays = true;
	show(h, "cpu", problem);
	rk_ring_error(h->ring, problem);
	ereport(LOG,
			(errmsg("ring \"%s\" was lost by the device and goes on on the CPU", NameStr(h->ring->name)),
			 errdetail_internal("Because %s; it begins with %s.", problem, current ? "the state it had there" :
								h->ring->journal ? "its checkpoint and its log" : "its checkpoint")));
	h->ring->in_flight = 0;
	if (current)
		return;
	rk_records_clear(h);
	rk_ctx_destroy(&h->ctx);
	h->state = NULL;
	h->ring->restarts++;
	rk_launch(h);
}

void
rk_away_drop(rk_hosted *h)
{
	if (h->away)
		leave(h);
}

bool
rk_away_alive(rk_hosted *h)
{
	if (!h->away->failed && !rk_remote_alive(&h->away->remote))
		h->away->failed = true;
	return !h->away->failed;
}

/* ---- messages ---- */

/* Writes message i of those on their way into the window, unless it is refused. */
static void
send(rk_hosted *h, int i)
{
	struct rk_away *a = h->away;
	const rk_message *m = &a->sent[i].message;
	rk_window_request *q = &a->remote.request;
	const rk_actor_device *device = h->actor->device;

	a->sent[i].refused = RK_OK;
	q->type_id = m->type_id;
	q->id = m->id;
	q->sent_ns = m->sent_ns;
	if (device->prepare)
	{
		h->ctx.error.status = RK_OK;
		a->sent[i].refused = device->prepare(&h->ctx, h->state, m, q->payload, &q->length);
	}
	else
	{
		q->length = m->length;
		memcpy(q->payload, m->payload, m->length);
	}
	if (a->sent[i].refused == RK_OK)
		rk_remote_send(&a->remote);
	else
		strlcpy(a->sent[i].why, h->ctx.error.message, sizeof(a->sent[i].why));
}

void
rk_away_submit(rk_hosted *h, const rk_message *m)
{
	struct rk_away *a = h->away;

	if (a == NULL || a->failed || a->count == RK_WINDOW_SLOTS || !rk_away_serves(h, m->type_id))
		return;
	if (a->stale)
	{
		if (!send_state(h, &a->remote))
		{
			a->failed = true;	/* found out when it is waited for; nothing is lost */
			return;
		}
		a->stale = false;
		a->current = true;
	}
	if (rk_actor_message(h->actor, m->type_id)->mutating)
		a->current = false;
	a->sent[a->count++].message = *m;
	send(h, a->count - 1);
}

/*
 * The device has no room for the next message: the state comes back, gets room
 * and goes again, with the messages that wait.  Where that does not go, the ring
 * stays here.
 */
static bool
make_room(rk_hosted *h)
{
	struct rk_away *a = h->away;
	int			count = a->count;
	const char *problem;

	a->count = 0;
	if (!rk_away_fetch(h))
		return false;
	if (h->actor->device->room == NULL)
		problem = "the device has no room for a message of it";
	else if (h->actor->device->room(&h->ctx, h->state) != RK_OK)
		problem = h->ctx.error.message;
	else if (!send_state(h, &a->remote))
	{
		count_failure(h, false);
		problem = a->remote.problem;
	}
	else
	{
		a->current = true;
		a->remote.crowded = false;
		a->count = count;
		for (int i = 0; i < count; i++)
			send(h, i);
		return true;
	}
	stay(h, problem);
	leave(h);
	return true;
}

bool
rk_away_ready(rk_hosted *h, const rk_message *m)
{
	struct rk_away *a;

	while ((a = h->away) != NULL)
	{
		if (!a->failed && !rk_away_serves(h, m->type_id))
			return rk_away_fetch(h);
		if (a->count == 0)
			rk_away_submit(h, m);
		if (a->failed && (a->current || a->stale))
		{
			/* nothing is lost but the device */
			rk_away_lost(h);
			return true;
		}
		if (a->failed)
			return false;
		if (a->sent[0].refused != RK_OK)
			return true;
		if (rk_remote_wait(&a->remote, rk_host_breathe))
			return true;
		if (!a->remote.crowded || !make_room(h))
		{
			if (h->away)
				h->away->failed = true;
			return false;
		}
	}
	return true;
}

rk_status
rk_away_take(rk_hosted *h, rk_reply *reply)
{
	struct rk_away *a = h->away;
	const rk_window_reply *r = &a->remote.reply;
	rk_status	refused = a->sent[0].refused;
	char		why[RK_ERROR_TEXT];

	if (refused != RK_OK)
		strlcpy(why, a->sent[0].why, sizeof(why));
	memmove(a->sent, a->sent + 1, sizeof(a->sent[0]) * --a->count);
	h->ctx.error.status = RK_OK;
	if (refused != RK_OK)
		return rk_fail(&h->ctx, refused, "%s", why);
	if (r->status != RK_OK)
		return rk_fail(&h->ctx, r->status, "%.*s", (int) Min(r->length, RK_REPLY_INLINE), r->data);
	reply->later = (r->flags & RK_WINDOW_LATER) != 0;
	reply->length = Min(r->length, RK_REPLY_INLINE);
	memcpy(reply->data, r->data, reply->length);
	return RK_OK;
}

void
rk_away_changed(rk_hosted *h)
{
	h->away->stale = true;
}

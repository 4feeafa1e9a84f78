/*
 * actor_support.h
 *	  What the tests of actors share: an actor with its options, messages before
 *	  which memory runs out, snapshots, and lives that are lived twice.
 */
#ifndef RK_TEST_ACTOR_SUPPORT_H
#define RK_TEST_ACTOR_SUPPORT_H

#include "support.h"

#include "../../src/ring/actor.h"

/* ---- bytes ---- */

/* A snapshot; begins as zeros. */
typedef struct bytes
{
	char	   *data;
	size_t		size;
	size_t		room;
} bytes;

static inline rk_status
write_bytes(rk_writer *writer, rk_ctx *ctx, const void *data, size_t size)
{
	bytes	   *b = writer->arg;

	(void) ctx;
	if (b->size + size > b->room || b->data == NULL)
	{
		b->room = (b->size + size) * 2 + 64;
		b->data = realloc(b->data, b->room);
		assert_non_null(b->data);
	}
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return RK_OK;
}

static inline void
free_bytes(bytes *b)
{
	free(b->data);
	*b = (bytes) {0};
}

/* For replies that must fit into what there is. */
static inline void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

/* The number of a parameter's initial value among its choices. */
static inline int64_t
initial_choice(const rk_param *p)
{
	size_t		length = strlen(p->initial);

	for (int i = 0; p->choices[i]; i++)
		if (strlen(p->choices[i]) + 2 == length && strncmp(p->choices[i], p->initial + 1, length - 2) == 0)
			return i;
	return 0;
}

/* The options of an actor as they are by default. */
static inline rk_options
default_options(const rk_actor *actor, rk_option *values)
{
	int			n = 0;

	for (const rk_param *p = actor->options; p && p->name; p++, n++)
		values[n] = (rk_option) {
			.param = p,
			.is_null = strcmp(p->initial, "NULL") == 0,
			.number = strtod(p->initial, NULL),
			.integer = p->choices ? initial_choice(p) : strtoll(p->initial, NULL, 10),
			.truth = strcmp(p->initial, "true") == 0
		};
	return (rk_options) {values, n};
}

/* ---- an actor under test ---- */

/* An actor, and where its replies go. */
typedef struct ring
{
	rk_ctx		ctx;
	const rk_actor *actor;
	rk_option	values[16];
	rk_options	options;
	void	   *state;
	int64_t		now;			/* when the next message is sent */
	char		data[1 << 17] __attribute__((aligned(8)));
	uint32_t	length;			/* of the last reply */
	int			records;		/* that were published */
	char		record[1024] __attribute__((aligned(8)));	/* the last of them */
	int			said;			/* to other kernels */
	char		last_said[1024] __attribute__((aligned(8)));
	int			failures;		/* allocations that were made to fail */
} ring;

static inline void
take_record(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	ring	   *r = reply->owner;

	bool		is_reply = true;
	const rk_message_type *t = NULL;

	for (int i = 0; (t = rk_actor_record(r->actor, i, &is_reply)); i++)
		if (t->type_id == type_id && !is_reply)
			break;
	assert_non_null(t);
	assert_int_equal(t->request_size, size);
	/* what it says to others is looked at by those who ask for it */
	if (!t->published)
	{
		r->said++;
		assert_true(size <= sizeof(r->last_said));
		memcpy(r->last_said, record, size);
		return;
	}
	assert_true(size <= sizeof(r->record));
	memcpy(r->record, record, size);
	r->records++;
}

/* The option of a ring that a test sets. */
static inline rk_option *
option(ring *r, const char *name)
{
	for (int i = 0; i < r->options.count; i++)
		if (strcmp(r->values[i].param->name, name) == 0)
			return &r->values[i];
	fail_msg("no option %s", name);
	return NULL;
}

/* Options as they are by default. */
static inline void
ring_options(ring *r, const rk_actor *actor)
{
	memset(r, 0, sizeof(*r));
	r->actor = actor;
	r->options = default_options(actor, r->values);
	rk_ctx_init(&r->ctx);
}

static inline void
ring_open(ring *r)
{
	assert_int_equal(r->actor->init(&r->ctx, &r->options, &r->state), RK_OK);
}

static inline rk_status
handle(ring *r, uint32_t type, const void *payload)
{
	const rk_message_type *t = rk_actor_message(r->actor, type);
	rk_message	m = {.type_id = type,.length = t->request_size,.payload = payload,.sent_ns = r->now};
	rk_reply	reply = {
		.data = r->data,.capacity = sizeof(r->data),.grow = no_growth,.owner = r,
		.publish = t->mutating ? take_record : NULL
	};
	rk_status	status;

	r->ctx.error = (rk_error) {.node = -1};
	status = r->actor->handle(&r->ctx, r->state, &m, &reply);
	assert_int_equal(status, r->ctx.error.status == RK_OK && status == RK_STOPPED ? RK_STOPPED : r->ctx.error.status);
	r->length = reply.length;
	return status;
}

/*
 * Sends a message; before, its next allocations are made to fail one after the
 * other, and a message that does not change the state must not.
 */
static inline rk_status
ring_send(ring *r, uint32_t type, const void *payload)
{
	uint64_t	before = r->actor->checksum(&r->ctx, r->state);
	rk_status	status = RK_OK;

	for (int k = 1; k < 100; k++)
	{
		int			records = r->records;

		r->ctx.fail_allocation = r->ctx.allocations + k;
		status = handle(r, type, payload);
		r->ctx.fail_allocation = 0;
		if (status != RK_ERR_MEMORY)
			break;
		assert_int_equal(r->records, records);
		assert_true(r->actor->checksum(&r->ctx, r->state) == before);
		r->failures++;
	}
	if (status != RK_OK || !rk_actor_message(r->actor, type)->mutating)
		assert_true(r->actor->checksum(&r->ctx, r->state) == before);
	return status;
}

static inline void
take_image(ring *r, bytes *to)
{
	rk_writer	writer = {write_bytes, to};

	to->size = 0;
	assert_int_equal(r->actor->snapshot(&r->ctx, r->state, &writer), RK_OK);
}

/* A snapshot that is cut short anywhere is refused. */
static inline void
assert_cuts_refused(const rk_actor *actor, const rk_options *options, const bytes *image)
{
	for (size_t cut = 0; cut < image->size; cut = cut < 200 ? cut + 1 : cut + 1 + image->size / 50)
	{
		rk_reader	reader = {image->data, cut};
		rk_ctx		ctx;
		void	   *state;

		rk_ctx_init(&ctx);
		assert_int_equal(actor->restore(&ctx, options, actor->version, &reader, &state), RK_ERR_CORRUPT);
		rk_ctx_destroy(&ctx);
	}
}

/*
 * Ends the actor and brings it back from a snapshot; a snapshot of that has
 * the same bytes.  Cut short anywhere it is refused, and so is it when memory
 * is short.
 */
static inline void
ring_restart(ring *r)
{
	uint64_t	sum = r->actor->checksum(&r->ctx, r->state);
	rk_status	status = RK_ERR_MEMORY;
	bytes		image = {0};
	bytes		again = {0};

	take_image(r, &image);
	assert_cuts_refused(r->actor, &r->options, &image);
	for (int k = 1; status == RK_ERR_MEMORY; k++)
	{
		rk_reader	reader = {image.data, image.size};

		rk_ctx_destroy(&r->ctx);
		rk_ctx_init(&r->ctx);
		r->ctx.fail_allocation = k;
		status = r->actor->restore(&r->ctx, &r->options, r->actor->version, &reader, &r->state);
		assert_true(status != RK_OK || reader.left == 0);
	}
	r->ctx.fail_allocation = 0;
	assert_int_equal(status, RK_OK);
	assert_true(r->actor->checksum(&r->ctx, r->state) == sum);
	take_image(r, &again);
	assert_int_equal(image.size, again.size);
	assert_memory_equal(image.data, again.data, image.size);
	free_bytes(&image);
	free_bytes(&again);
}

/* Sends message number i of a stream, the same whenever it is asked for. */
typedef rk_status (*stream_fn) (ring *r, int64_t i);

/*
 * A long life.  Before each message an allocation is made to fail: the state
 * must be what it was.  In between the actor is thrown away, and comes back
 * from a snapshot and the messages since, with the same bits.  Messages may be
 * refused for their parameters.  Returns how many allocations failed; the ring
 * is as the last message left it.
 */
static inline int
live_twice(ring *r, stream_fn send, int64_t messages, int64_t every)
{
	bytes		image = {0};
	int64_t		since = 0;
	int			failures = 0;

	take_image(r, &image);
	for (int64_t i = 0; i < messages; i++)
	{
		uint64_t	sum = i < 300 || i % 7 == 0 ? r->actor->checksum(&r->ctx, r->state) : 0;
		rk_status	status;

		/* the first allocation, the second or the third */
		r->ctx.fail_allocation = r->ctx.allocations + 1 + i % 3;
		status = send(r, i);
		r->ctx.fail_allocation = 0;
		if (status != RK_OK && sum != 0)
			assert_true(r->actor->checksum(&r->ctx, r->state) == sum);
		if (status == RK_ERR_MEMORY)
		{
			failures++;
			status = send(r, i);
		}
		assert_true(status == RK_OK || status == RK_ERR_PARAMETER);
		if (i % every == every / 2)
		{
			take_image(r, &image);
			since = i + 1;
		}
		if (i % every == every - 1)
		{
			uint64_t	expected = r->actor->checksum(&r->ctx, r->state);
			rk_reader	reader = {image.data, image.size};

			rk_ctx_destroy(&r->ctx);
			rk_ctx_init(&r->ctx);
			assert_int_equal(r->actor->restore(&r->ctx, &r->options, r->actor->version, &reader, &r->state), RK_OK);
			assert_int_equal(reader.left, 0);
			for (int64_t k = since; k <= i; k++)
				(void) send(r, k);
			assert_true(r->actor->checksum(&r->ctx, r->state) == expected);
		}
	}
	free_bytes(&image);
	return failures;
}

#endif							/* RK_TEST_ACTOR_SUPPORT_H */

/*
 * test_ring_actors.c
 *	  What holds for every actor and every message type: descriptions agree
 *	  with the payload structs, ids are unique and in the range of their
 *	  domain, and a snapshot brings the same state back.
 */
#include "support.h"

#include "../../src/core/core_ring.h"
#include "../../src/ring/actor.h"

/* Bytes of a field of this kind; 0: any. */
static unsigned
kind_size(rk_field_kind kind)
{
	switch (kind)
	{
		case RK_FIELD_INT2:
		case RK_FIELD_CODE:
			return 2;
		case RK_FIELD_INT4:
		case RK_FIELD_DATE:
			return 4;
		case RK_FIELD_BOOLEAN:
			return 1;
		case RK_FIELD_UUID:
			return 16;
		case RK_FIELD_TEXT:
			return 0;
		default:
			return 8;
	}
}

/* Fields of the right size, inside the struct, apart from each other. */
static void
check_fields(const rk_field *fields, unsigned size)
{
	assert_int_equal(size % 8, 0);
	for (const rk_field *f = fields; f && f->name; f++)
	{
		if (kind_size(f->kind))
			assert_int_equal(f->size, kind_size(f->kind));
		assert_true(f->offset + f->size <= size);
		assert_non_null(f->meaning);
		assert_true((f->kind == RK_FIELD_CODE) == (f->choices != NULL));
		for (const rk_field *g = fields; g < f; g++)
		{
			assert_true(g->offset + g->size <= f->offset);
			assert_string_not_equal(g->name, f->name);
		}
	}
}

static void
test_message_types(void **state)
{
	(void) state;
	for (int r = 0; rk_message_rooms[r]; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
		{
			check_fields(t->request, t->request_size);
			check_fields(t->reply, t->reply_size);
			check_fields(t->rows, t->row_size);
			assert_ptr_equal(rk_message_type_find(t->type_id), t);
			assert_null(t->reply_id ? rk_message_type_find(t->reply_id) : NULL);
			if (t->function)
				assert_ptr_equal(rk_message_function_find(t->function), t);
			if (t->found)
				assert_int_equal(rk_field_find(t->reply, t->found)->kind, RK_FIELD_CODE);
			assert_non_null(t->description);
		}
}

static void
test_actors(void **state)
{
	(void) state;
	for (int i = 0; rk_actors[i]; i++)
	{
		const rk_actor *a = rk_actors[i];

		assert_ptr_equal(rk_actor_find(a->kernel), a);
		assert_true(a->version >= 1);
		assert_non_null(a->init);
		assert_non_null(a->handle);
		assert_non_null(a->snapshot);
		assert_non_null(a->restore);
		assert_non_null(a->checksum);
		for (const rk_message_type *t = a->messages; t->type_id; t++)
			assert_ptr_equal(rk_message_type_find(t->type_id), t);
		for (const rk_actor_load *l = a->loads; l && l->option; l++)
			assert_non_null(rk_actor_message(a, l->type_id));
	}
}

static void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

/* Sends core/echo one message; returns its total. */
static rk_status
echo(rk_ctx *ctx, void *actor, uint32_t type, int64_t value, rk_echo_total_reply *answer)
{
	rk_reply	reply = {.data = answer,.capacity = sizeof(*answer),.grow = no_growth};
	rk_message	message = {.type_id = type,.length = 8,.payload = &value,.sent_ns = 70};
	rk_status	status = rk_actor_core_echo.handle(ctx, actor, &message, &reply);

	return status == RK_OK && reply.later ? RK_STOPPED : status;
}

static void
test_echo(void **state)
{
	rk_ctx		ctx;
	void	   *actor;
	rk_options	options = {0};
	rk_echo_total_reply r;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_actor_core_echo.init(&ctx, &options, &actor), RK_OK);
	assert_int_equal(echo(&ctx, actor, 50, 42, &r), RK_OK);
	assert_int_equal(r.total, 42);
	assert_int_equal(echo(&ctx, actor, 52, 5, &r), RK_OK);
	assert_int_equal(echo(&ctx, actor, 52, 7, &r), RK_OK);
	assert_int_equal(r.total, 12);
	assert_int_equal(r.messages, 2);
	assert_int_equal(r.sent_at, 70);
	assert_int_equal(echo(&ctx, actor, 54, 2, &r), RK_OK);
	assert_int_equal(echo(&ctx, actor, 54, 3, &r), RK_STOPPED);
	/* an overflow leaves the state alone */
	assert_int_equal(echo(&ctx, actor, 52, INT64_MAX, &r), RK_ERR_OVERFLOW);
	assert_int_equal(echo(&ctx, actor, 54, 0, &r), RK_OK);
	assert_int_equal(r.total, 12);
	rk_ctx_destroy(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_actors),
		cmocka_unit_test(test_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_ring_actors.c
 *	  What holds for every actor and every message type: descriptions agree
 *	  with the payload structs, ids are unique and in the range of their
 *	  domain, and a snapshot brings the same state back.
 */
#include "actor_support.h"

#include "../../src/core/core_ring.h"
#include "../../src/graph/centrality/graph_ring.h"

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
		case RK_FIELD_ANY_ID:
			return sizeof(rk_id);
		case RK_FIELD_TEXT:
		case RK_FIELD_TEXT_ARRAY:
		case RK_FIELD_FLOAT8_ARRAY:
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
			assert_true(g->offset + g->size <= f->offset || f->offset + f->size <= g->offset);
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
			if (t->published)
				assert_true(t->reply_id == 0 && !t->mutating && t->function == NULL);
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
		if (rk_actor_feed(a) != 0)
			assert_true(rk_actor_message(a, rk_actor_feed(a))->mutating);
	}
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

/* The last record that was published, and how many were. */
static rk_echo_added published;
static int	publications;

static void
catch(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	(void) reply;
	assert_int_equal(type_id, 56);
	assert_int_equal(size, sizeof(published));
	assert_true(rk_message_type_find(type_id)->published);
	memcpy(&published, record, size);
	publications++;
}

static void
test_echo_publishes(void **state)
{
	rk_ctx		ctx;
	void	   *actor;
	rk_options	options = {0};
	rk_echo_total_reply r;
	int64_t		values[] = {5, 7, INT64_MAX};

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_actor_core_echo.init(&ctx, &options, &actor), RK_OK);
	for (int i = 0; i < 3; i++)
	{
		rk_reply	reply = {.data = &r,.capacity = sizeof(r),.grow = no_growth,.publish = catch};
		rk_message	message = {.type_id = 52,.length = 8,.payload = &values[i],.apply_seq = i + 1};

		assert_int_equal(rk_actor_core_echo.handle(&ctx, actor, &message, &reply), i < 2 ? RK_OK : RK_ERR_OVERFLOW);
	}
	/* what failed says nothing */
	assert_int_equal(publications, 2);
	assert_int_equal(published.amount, 7);
	assert_int_equal(published.total, 12);
	assert_int_equal(published.messages, 2);
	/* nobody sends a record */
	assert_null(rk_actor_message(&rk_actor_core_echo, 56));
	rk_ctx_destroy(&ctx);
}

/* Sends core/fault one message, the attempt-th time. */
static rk_status
fault(rk_ctx *ctx, void *actor, const rk_fault_request *q, int attempt)
{
	rk_reply	reply = {.grow = no_growth};
	rk_message	message = {.type_id = 60,.length = sizeof(*q),.payload = q,.attempt = attempt};

	ctx->error.status = RK_OK;
	return rk_actor_core_fault.handle(ctx, actor, &message, &reply);
}

static void
test_fault(void **state)
{
	rk_ctx		ctx;
	void	   *actor;
	rk_options	options = {0};
	rk_fault_request q = {.kind = RK_FAULT_MEMORY,.attempts = 2,.amount = 7};
	uint64_t	sum;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_actor_core_fault.init(&ctx, &options, &actor), RK_OK);
	sum = rk_actor_core_fault.checksum(&ctx, actor);
	assert_int_equal(fault(&ctx, actor, &q, 1), RK_ERR_MEMORY);
	assert_string_equal(ctx.error.message, "fault on request");
	assert_int_equal(fault(&ctx, actor, &q, 2), RK_ERR_MEMORY);
	q.kind = RK_FAULT_DATA;
	strcpy(q.message, "no such account");
	memset(q.hint, 'h', sizeof(q.hint));
	assert_int_equal(fault(&ctx, actor, &q, 1), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "no such account");
	assert_int_equal(strlen(ctx.error.hint), sizeof(q.hint));
	/* so far nothing has happened */
	assert_true(rk_actor_core_fault.checksum(&ctx, actor) == sum);
	assert_int_equal(fault(&ctx, actor, &q, 3), RK_OK);
	assert_true(rk_actor_core_fault.checksum(&ctx, actor) != sum);
	/* told to stop while it takes its time */
	q = (rk_fault_request) {.kind = RK_FAULT_SLEEP,.amount = 10000};
	ctx.stop = true;
	assert_int_equal(fault(&ctx, actor, &q, 1), RK_STOPPED);
	rk_ctx_destroy(&ctx);
}

/* ---- graph actors ---- */

/* Random changes of the graph, and back from a snapshot, whatever memory there is. */
static void
test_graph_actor(const rk_actor *actor, uint32_t edge_type)
{
	static ring r;

	ring_options(&r, actor);
	ring_open(&r);
	for (int i = 0; i < 2000; i++)
	{
		uint64_t	h = rk_hash2(7, i);
		rk_edge_request q = {
			.source = h % 300,.target = h / 1000 % 300,.weight = RK_FIXED_ONE * (1 + h / 1000000 % 3),
			.op = i % 3 == 2 ? RK_EDGE_REMOVE : i % 50 == 0 ? RK_EDGE_SET : RK_EDGE_ADD
		};

		assert_int_equal(ring_send(&r, edge_type, &q), RK_OK);
	}
	assert_true(r.failures > 3);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

static void
test_degree_actors(void **state)
{
	(void) state;
	test_graph_actor(&rk_actor_graph_degree_centrality, 122);
	test_graph_actor(&rk_actor_graph_degree_ratio, 122);
}

static void
test_pagerank_actor(void **state)
{
	(void) state;
	test_graph_actor(&rk_actor_graph_pagerank, 106);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_actors),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_publishes),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_degree_actors),
		cmocka_unit_test(test_pagerank_actor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

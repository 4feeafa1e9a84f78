/*
 * test_ring_actors.c
 *	  What holds for every actor and every message type: descriptions agree
 *	  with the payload structs, ids are unique and in the range of their
 *	  domain, and a snapshot brings the same state back.
 */
#include "actor_support.h"

#include <math.h>
#include <stdio.h>

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
		case RK_FIELD_RECORDS:
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
		assert_true((f->kind == RK_FIELD_RECORDS) == (f->records != NULL));
		if (f->records)
		{
			check_fields(f->records, f->record_size);
			assert_true(f->offset % 8 == 0 && f->size >= 8 + f->record_size);
		}
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

/* An id of the type that the ring has: a number, or a text that is longer than a few bytes. */
static rk_id
id_of(ring *r, int64_t number)
{
	rk_id		id = {.kind = RK_ID_TEXT};

	if (option(r, "id_type")->integer == RK_IDS_BIGINT)
		return rk_id_of_int(number);
	id.length = (uint8_t) snprintf(id.bytes, RK_ID_BYTES, "DE%020lld", (long long) number);
	return id;
}

/* Random changes of the graph, and back from a snapshot, whatever memory there is. */
static void
change_graph(ring *r, uint32_t edge_type, uint32_t node_type)
{
	for (int i = 0; i < 2000; i++)
	{
		uint64_t	h = rk_hash2(7, i);
		rk_edge_request q = {
			.source = id_of(r, h % 300),.target = id_of(r, h / 1000 % 300),.weight = RK_FIXED_ONE * (1 + h / 1000000 % 3),
			.op = i % 3 == 2 ? RK_EDGE_REMOVE : i % 50 == 0 ? RK_EDGE_SET : RK_EDGE_ADD
		};
		rk_node_change_request n = {.node = id_of(r, h / 1000 % 400),.op = i % 2 ? RK_NODE_ADD : RK_NODE_REMOVE};

		assert_int_equal(ring_send(r, edge_type, &q), RK_OK);
		if (i % 10 == 0)
			assert_int_equal(ring_send(r, node_type, &n), RK_OK);
	}
	assert_true(r->failures > 3);
}

static void
test_degree_actors(void **state)
{
	static ring r;

	(void) state;
	for (int ids = RK_IDS_BIGINT; ids <= RK_IDS_TEXT; ids++)
	{
		ring_options(&r, &rk_actor_graph_degree_ratio);
		option(&r, "id_type")->integer = ids;
		ring_open(&r);
		change_graph(&r, 122, 146);
		/* some edges have given their nodes other roles, and said so */
		assert_true(r.records > 300);
		ring_restart(&r);
		rk_ctx_destroy(&r.ctx);
	}
}

static bool
is_int(const rk_id *id, int64_t value)
{
	rk_id		same = rk_id_of_int(value);

	return memcmp(id, &same, sizeof(same)) == 0;
}

/* Whether a node that has no edge is there, and says what it is. */
static void
test_nodes_without_edges(void **state)
{
	static ring r;
	rk_node_change_request add = {.node = rk_id_of_int(5),.op = RK_NODE_ADD};
	rk_node_change_request drop = {.node = rk_id_of_int(5),.op = RK_NODE_REMOVE};
	rk_edge_request edge = {.source = rk_id_of_int(5),.target = rk_id_of_int(6),.weight = RK_FIXED_ONE,.op = RK_EDGE_ADD};
	rk_role_change *change = (rk_role_change *) r.record;
	rk_control_reply *reply = (rk_control_reply *) r.data;

	(void) state;
	ring_options(&r, &rk_actor_graph_degree_ratio);
	ring_open(&r);
	assert_int_equal(ring_send(&r, 146, &add), RK_OK);
	assert_true(reply->num_nodes == 1 && reply->num_edges == 0 && reply->version == 1);
	assert_true(r.records == 1 && is_int(&change->node, 5) && change->old_role == RK_FIELD_ABSENT_CODE && change->new_role == 0);
	/* again it is no change */
	assert_int_equal(ring_send(&r, 146, &add), RK_OK);
	assert_true(reply->version == 1 && r.records == 1);
	assert_int_equal(ring_send(&r, 122, &edge), RK_OK);
	assert_true(r.records == 3 && is_int(&change->node, 6));
	assert_int_equal(ring_send(&r, 146, &drop), RK_OK);
	assert_true(reply->num_nodes == 2 && r.records == 3);
	edge.op = RK_EDGE_REMOVE;
	assert_int_equal(ring_send(&r, 122, &edge), RK_OK);
	assert_true(r.records == 5 && is_int(&change->node, 6) && change->new_role == RK_FIELD_ABSENT_CODE);
	assert_int_equal(ring_send(&r, 146, &drop), RK_OK);
	assert_true(reply->num_nodes == 0 && r.records == 5);
	rk_ctx_destroy(&r.ctx);
}

static void
test_pagerank_actor(void **state)
{
	static ring r;

	(void) state;
	for (int directed = 0; directed < 2; directed++)
	{
		rk_preference_request q = {.value = 3 * RK_FIXED_ONE};

		ring_options(&r, &rk_actor_graph_pagerank);
		option(&r, "directed")->truth = directed;
		option(&r, "id_type")->integer = directed ? RK_IDS_TEXT : RK_IDS_BIGINT;
		ring_open(&r);
		change_graph(&r, 106, 142);
		for (int i = 0; i < 400; i += 7)
		{
			q.node = id_of(&r, i);
			assert_int_equal(ring_send(&r, 144, &q), RK_OK);
		}
		ring_restart(&r);
		rk_ctx_destroy(&r.ctx);
	}
}

/* Sends a message that may have to come again; returns how often it had to. */
static int
send_patiently(ring *r, uint32_t type, const void *payload, int64_t id)
{
	bool		more = true;

	for (int times = 0;; times++)
	{
		rk_message	m = {.type_id = type,.payload = payload,.id = id,.length = rk_actor_message(r->actor, type)->request_size};
		rk_reply	reply = {.data = r->data,.capacity = sizeof(r->data),.grow = no_growth};

		assert_int_equal(r->actor->handle(&r->ctx, r->state, &m, &reply), RK_OK);
		if (!reply.later)
			return times;
		assert_true(more);
		assert_int_equal(r->actor->tick(&r->ctx, r->state, &more), RK_OK);
	}
}

static double
score_of(ring *r, int64_t node)
{
	rk_node_request q = {.node = rk_id_of_int(node)};

	assert_int_equal(handle(r, 100, &q), RK_OK);
	return ((rk_pagerank_reply *) r->data)->score;
}

/*
 * A graph so large that an iteration takes many slices: scores are read and
 * edges change in between, and in the end the scores are those of the graph.
 */
static void
test_pagerank_in_slices(void **state)
{
	static ring r;
	enum {NODES = 3000, EDGES = 200000};
	rk_converge_request q = {.threshold = 1e-13,.max_iterations = RK_FIELD_ABSENT_INT4};
	rk_pagerank_control compact = {.op = RK_PAGERANK_COMPACT};
	rk_pagerank_control reset = {.op = RK_PAGERANK_RESET};
	rk_message	m = {.type_id = 104,.payload = &q,.id = 7,.length = sizeof(q)};
	double	   *expected = malloc(sizeof(double) * NODES);

	(void) state;
	assert_non_null(expected);
	ring_options(&r, &rk_actor_graph_pagerank);
	ring_open(&r);
	for (int64_t i = 0; i < EDGES; i++)
	{
		uint64_t	h = rk_hash2(3, i);
		rk_edge_request e = {
			.source = rk_id_of_int(h % NODES),.target = rk_id_of_int(h / NODES % NODES * (h >> 40) % NODES),.weight = RK_FIXED_ONE,.op = RK_EDGE_ADD
		};

		assert_int_equal(handle(&r, 106, &e), RK_OK);
	}
	assert_true(send_patiently(&r, 104, &q, 1) > 3);
	assert_true(((rk_converge_reply *) r.data)->converged);
	for (int i = 0; i < NODES; i++)
		expected[i] = score_of(&r, i);

	/* from the start again, with changes that come and go while it iterates */
	assert_int_equal(handle(&r, 108, &reset), RK_OK);
	for (int i = 0; i < 40; i++)
	{
		rk_reply	reply = {.data = r.data,.capacity = sizeof(r.data),.grow = no_growth};
		rk_edge_request e = {
			.source = rk_id_of_int(i % 20),.target = rk_id_of_int(9000 + i % 20),.weight = RK_FIXED_ONE,
			.op = i < 20 ? RK_EDGE_ADD : RK_EDGE_REMOVE
		};
		bool		more;

		assert_int_equal(r.actor->handle(&r.ctx, r.state, &m, &reply), RK_OK);
		assert_true(reply.later);
		/* another one waits for it */
		m.id = 8;
		assert_int_equal(r.actor->handle(&r.ctx, r.state, &m, &reply), RK_OK);
		assert_true(reply.later);
		m.id = 7;
		assert_int_equal(handle(&r, 106, &e), RK_OK);
		if (i % 10 == 5)
			assert_int_equal(handle(&r, 108, &compact), RK_OK);
		assert_true(score_of(&r, i) > 0);
		assert_int_equal(r.actor->tick(&r.ctx, r.state, &more), RK_OK);
		assert_true(more);
	}
	(void) send_patiently(&r, 104, &q, 7);
	(void) send_patiently(&r, 104, &q, 8);
	assert_true(((rk_converge_reply *) r.data)->converged);
	for (int i = 0; i < NODES; i++)
		assert_true(fabs(score_of(&r, i) - expected[i]) < 1e-12);

	/* a message of the journal has its effect at once */
	assert_int_equal(handle(&r, 108, &reset), RK_OK);
	m.apply_seq = 1;
	{
		rk_reply	reply = {.data = r.data,.capacity = sizeof(r.data),.grow = no_growth};

		assert_int_equal(r.actor->handle(&r.ctx, r.state, &m, &reply), RK_OK);
		assert_false(reply.later);
	}
	for (int i = 0; i < NODES; i++)
		assert_true(fabs(score_of(&r, i) - expected[i]) < 1e-12);
	rk_ctx_destroy(&r.ctx);
	free(expected);
}

/* Scores that follow the graph without being told to, and give up in the end. */
static void
test_pagerank_by_itself(void **state)
{
	static ring r;
	rk_edge_request e = {.source = rk_id_of_int(1),.weight = RK_FIXED_ONE,.op = RK_EDGE_ADD};
	bool		more = true;

	(void) state;
	for (int possible = 0; possible < 2; possible++)
	{
		rk_node_request q = {.node = rk_id_of_int(2)};
		rk_pagerank_reply *p = (rk_pagerank_reply *) r.data;

		ring_options(&r, &rk_actor_graph_pagerank);
		option(&r, "auto_converge")->truth = true;
		option(&r, "tolerance")->number = possible ? 1e-12 : 1e-300;
		option(&r, "max_iterations")->integer = 300;
		ring_open(&r);
		assert_int_equal(r.actor->tick(&r.ctx, r.state, &more), RK_OK);
		assert_false(more);
		for (int n = 2; n < 5; n++)
		{
			e.target = rk_id_of_int(n);
			assert_int_equal(handle(&r, 106, &e), RK_OK);
			do
				assert_int_equal(r.actor->tick(&r.ctx, r.state, &more), RK_OK);
			while (more);
			assert_int_equal(handle(&r, 100, &q), RK_OK);
			/* a star: n d / (1 + (n - 1) d / n) by hand */
			{
				double		hub = 1 / (n + 0.85);

				assert_true(fabs(p->score - hub * (1 + 0.85 / (n - 1))) < 1e-11);
			}
			if (possible)
				assert_true(p->converged);
		}
		rk_ctx_destroy(&r.ctx);
	}
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
		cmocka_unit_test(test_nodes_without_edges),
		cmocka_unit_test(test_pagerank_actor),
		cmocka_unit_test(test_pagerank_in_slices),
		cmocka_unit_test(test_pagerank_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

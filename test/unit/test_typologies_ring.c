/*
 * test_typologies_ring.c
 *	  Rapid movement as an actor: what it says after a stream of transactions is
 *	  what the batch function says about the same transactions; the same bits
 *	  after a snapshot and the messages since; all or nothing when memory is short.
 */
#include "payments_support.h"

#include "../../src/compliance/typologies/typologies_ring.h"

#define ENTITIES 12
#define HOUR (3600 * SECOND)

static test_transactions stream;
static rk_id_type id_type;

/* ---- compliance/rapid-movement ---- */

static rk_movement_params params;

static void
open_movement(ring *r, int64_t lateness)
{
	ring_options(r, &rk_actor_compliance_rapid_movement);
	option(r, "id_type")->integer = id_type;
	option(r, "time_window")->integer = params.time_window;
	option(r, "velocity_threshold")->number = params.velocity_threshold;
	option(r, "amount_threshold")->integer = (int64_t) params.amount_threshold;
	option(r, "max_dwell")->integer = params.max_dwell;
	option(r, "pass_through_threshold")->number = params.pass_through_threshold;
	option(r, "allowed_lateness")->integer = lateness;
	ring_open(r);
}

static rk_status
send_movement(ring *r, int64_t i)
{
	rk_movement_request q;

	memset(&q, 0, sizeof(q));
	q.source = id_of(id_type, stream.source[i]);
	q.target = id_of(id_type, stream.target[i]);
	q.amount = (int64_t) stream.amount[i];
	q.ts = EPOCH_NS + stream.ts[i] * 1000;
	return handle(r, 380, &q);
}

/* Every entity as the batch function has it. */
static void
compare_movement(ring *r, int64_t count)
{
	rk_transactions t = stream.t;
	rk_ledger	l;
	rk_movement *batch;
	rk_ctx		ctx;

	t.count = count;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_ledger_make(&ctx, &t, &l), RK_OK);
	batch = rk_alloc(&ctx, l.entities, sizeof(*batch));
	assert_int_equal(rk_rapid_movement(&ctx, &l, &params, batch), RK_OK);
	for (uint32_t e = 0; e < l.entities; e++)
	{
		const rk_movement *b = &batch[e];
		rk_movement_query_request q;
		const rk_movement_row *a = (rk_movement_row *) r->data;

		memset(&q, 0, sizeof(q));
		q.entity = id_of(id_type, l.code[e]);
		assert_int_equal(handle(r, 382, &q), RK_OK);
		assert_int_equal(r->length, sizeof(*a));
		assert_true(a->velocity == b->max_velocity);
		assert_true(a->window_amount == b->window_amount);
		assert_true(a->rapid_amount == b->rapid_amount);
		assert_true(a->pass_through == b->pass_through || (isnan(a->pass_through) && isnan(b->pass_through)));
		assert_int_equal(a->transaction_count, b->transactions);
		assert_int_equal(a->velocity_flag, b->velocity_flag);
		assert_int_equal(a->pass_through_flag, b->pass_through_flag);
		assert_int_equal(a->flagged, b->velocity_flag || b->pass_through_flag);
	}
	rk_ctx_destroy(&ctx);
}

static void
test_movement_is_batch(void **state)
{
	ring		r;
	int			alerts = 0;

	(void) state;
	for (int seed = 0; seed < 24; seed++)
	{
		id_type = seed % 3;
		params = (rk_movement_params) {
			.time_window = (1 + seed % 5) * HOUR / 2,.velocity_threshold = 6 + seed,
			.amount_threshold = (seed % 4) * 400 * RK_MONEY_UNIT,.max_dwell = (1 + seed % 7) * HOUR / 3,
			.pass_through_threshold = 0.3 + 0.02 * seed
		};
		stream = random_stream(seed, ENTITIES, 1200, seed % 2 ? 100 : 600, seed % 3 == 2 ? 5000 : 0);
		open_movement(&r, seed % 3 == 2 ? 5000 * SECOND + HOUR : 0);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			assert_int_equal(send_movement(&r, i), RK_OK);
			assert_int_equal(r.length, sizeof(rk_movement_row) * (stream.source[i] == stream.target[i] ? 1 : 2));
			if (i % 131 == 0 || i == stream.t.count - 1)
				compare_movement(&r, i + 1);
		}
		alerts += r.records;
		assert_int_equal(r.records, r.said);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
	assert_true(alerts > 50);
}

static void
test_movement_lives_twice(void **state)
{
	ring		r;

	(void) state;
	params = (rk_movement_params) {
		.time_window = HOUR,.velocity_threshold = 3,.amount_threshold = 200 * RK_MONEY_UNIT,.max_dwell = 2 * HOUR,
		.pass_through_threshold = 0.5
	};
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		stream = random_stream(78, 90, 3000, 60, 600);
		open_movement(&r, HOUR / 4);
		assert_true(live_twice(&r, send_movement, stream.t.count, 250) > 30);
		compare_movement(&r, stream.t.count);
		ring_restart(&r);
		compare_movement(&r, stream.t.count);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_movement_by_hand(void **state)
{
	ring		r;
	rk_movement_request q;
	rk_movement_query_request who;
	const rk_movement_row *rows = (rk_movement_row *) r.data;

	(void) state;
	id_type = RK_IDS_TEXT;
	params = (rk_movement_params) {HOUR, 10, 10000 * RK_MONEY_UNIT, 24 * HOUR, 0.8};
	open_movement(&r, 0);
	memset(&q, 0, sizeof(q));
	q.source = rk_id_of_int(1);
	q.target = rk_id_of_int(2);
	q.amount = 500 * RK_FIXED_ONE;
	for (int i = 0; i < 20; i++)
	{
		q.ts = i * INT64_C(60000000000);
		assert_int_equal(ring_send(&r, 380, &q), RK_OK);
		assert_int_equal(rows[0].flagged, i == 19);
	}
	assert_true(rows[0].velocity == 20 && rows[1].velocity == 20);
	assert_true(rows[1].window_amount == 10000 * RK_FIXED_ONE);
	assert_true(rows[1].pass_through == 0 && isnan(rows[0].pass_through));
	assert_int_equal(r.records, 2);
	memset(&who, 0, sizeof(who));
	who.entity = rk_id_of_int(3);
	assert_int_equal(ring_send(&r, 382, &who), RK_OK);
	assert_int_equal(r.length, 0);
	/* too late, and less than nothing */
	q.ts -= 1000;
	assert_int_equal(ring_send(&r, 380, &q), RK_ERR_DATA);
	q.ts += 1000;
	q.amount = -1;
	assert_int_equal(ring_send(&r, 380, &q), RK_ERR_DATA);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_movement_by_hand),
		cmocka_unit_test(test_movement_is_batch),
		cmocka_unit_test(test_movement_lives_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_orderbook_ring.c
 *	  orderbook/matching as an actor: replies, all or nothing when memory is
 *	  short, snapshots, and the same bits from the journal again.
 */
#include "actor_support.h"

#include "../../src/orderbook/book_ring.h"

#define ACTOR rk_actor_orderbook_matching
#define ABSENT RK_FIELD_ABSENT_INT8
#define ONE RK_FIXED_ONE

/* A random event for one of some symbols. */
static rk_ob_event_request
random_event(uint64_t round, int64_t i)
{
	uint64_t	h = rk_hash2(round, i);
	uint64_t	kind = h % 100;
	rk_ob_event_request e = {
		.order_id = 1 + (int64_t) ((h >> 20) % 400),
		.price = (95 + (int64_t) (h >> 56) % 10) * ONE,
		.stop_price = ABSENT,
		.quantity = (1 + (int64_t) ((h >> 30) % 50)) * ONE,
		.display_quantity = ABSENT,
		.min_quantity = ABSENT,
		.new_price = ABSENT,
		.new_quantity = ABSENT,
		.expires_at = ABSENT,
		.trader_id = 1 + (int64_t) ((h >> 40) % 6),
		.stp_group = ABSENT,
		.ts = ABSENT,
		.side = (int16_t) ((h >> 7) & 1),
		.tif = RK_FIELD_ABSENT_CODE,
		.phase = RK_FIELD_ABSENT_CODE
	};

	memcpy(e.symbol, h % 3 == 0 ? "A" : h % 3 == 1 ? "B" : "a symbol of 21 bytes.", h % 3 == 2 ? 21 : 1);
	if (kind < 15)
		e.action = RK_OB_ACTION_CANCEL, e.trader_id = ABSENT;
	else if (kind < 25)
	{
		e.action = RK_OB_ACTION_AMEND;
		e.trader_id = ABSENT;
		e.new_quantity = h & 1 ? e.quantity : ABSENT;
		e.new_price = h & 2 ? e.price : ABSENT;
	}
	else if (kind < 33)
		e.order_type = RK_OB_MARKET, e.price = ABSENT;
	else if (kind < 48)
	{
		e.order_type = kind < 40 ? RK_OB_STOP : RK_OB_STOP_LIMIT;
		e.stop_price = e.price;
		e.price = kind < 40 ? ABSENT : e.price;
	}
	else if (kind < 55)
		e.display_quantity = e.quantity > 3 * ONE ? 3 * ONE : ABSENT;
	else if (kind < 60)
		e.tif = RK_OB_GTD, e.expires_at = i + 300;
	else if (kind < 62)
		e.tif = h & 1 ? RK_OB_FOK : RK_OB_DAY;
	else if (kind < 63 && i % 8 == 0)
	{
		e.action = RK_OB_ACTION_PHASE;
		e.phase = h & 1 ? RK_OB_AUCTION : RK_OB_CONTINUOUS;
	}
	else if (kind < 64 && i % 16 == 0)
		e.action = RK_OB_ACTION_MASS_CANCEL, e.side = RK_FIELD_ABSENT_CODE;
	return e;
}

static rk_status
send_random(ring *r, int64_t i)
{
	rk_ob_event_request e = random_event(5, i);

	r->now = i;
	return handle(r, 502, &e);
}

static void
all_or_nothing_and_back(void **unused)
{
	static ring r;

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	assert_true(live_twice(&r, send_random, 20000, 1700) > 10);
	assert_true(r.records > 20000);
	rk_ctx_destroy(&r.ctx);
}

/* A snapshot that ends too early is refused; one with a byte changed does no harm. */
static void
broken_snapshots(void **unused)
{
	static ring r;
	bytes		image = {0};

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	for (int64_t i = 0; i < 600; i++)
		assert_int_equal(send_random(&r, i), RK_OK);
	take_image(&r, &image);
	ring_restart(&r);
	for (int i = 0; i < 2000; i++)
	{
		uint64_t	h = rk_hash2(8, i);
		size_t		at = h % image.size;
		rk_reader	reader = {image.data, image.size};
		rk_ctx		ctx;
		void	   *state;

		image.data[at] ^= (char) (1 << (h >> 60) % 8);
		rk_ctx_init(&ctx);
		ctx.memory_limit = 64 << 20;
		(void) ACTOR.restore(&ctx, &r.options, 1, &reader, &state);
		rk_ctx_destroy(&ctx);
		image.data[at] ^= (char) (1 << (h >> 60) % 8);
	}
	free_bytes(&image);
	rk_ctx_destroy(&r.ctx);
}

static void
replies_say_what_happened(void **unused)
{
	static ring r;
	rk_ob_submit_request q = {
		.order_id = 1,.price = 100 * ONE,.quantity = 5 * ONE,.trader_id = ABSENT,.ts = ABSENT,.stop_price = ABSENT,
		.display_quantity = ABSENT,.min_quantity = ABSENT,.stp_group = ABSENT,.expires_at = ABSENT,.symbol_id = 1,
		.side = RK_OB_SELL,.order_type = RK_OB_LIMIT,.tif = RK_FIELD_ABSENT_CODE
	};
	rk_ob_instrument_request instrument = {
		.tick_size = ONE,.max_quantity = 100 * ONE,.max_notional = ABSENT,.band_low = ABSENT,.band_high = ABSENT,
		.collar_ticks = ABSENT,.max_levels = 10,.reference_price = ABSENT,.trading_day_end = 3600,
		.stp_mode = RK_FIELD_ABSENT_CODE,.symbol = "X"
	};
	const rk_ob_order_reply *o = (const rk_ob_order_reply *) r.data;
	const rk_ob_trade_row *t;
	rk_ob_book_request look = {.symbol_id = 1,.depth = 10};

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	/* a symbol that is not there: by message 500 a rejection */
	assert_int_equal(handle(&r, 500, &q), RK_OK);
	assert_int_equal(o->status, RK_OB_REJECTED);
	assert_int_equal(o->reason, RK_OB_UNKNOWN_SYMBOL);
	assert_int_equal(handle(&r, 550, &instrument), RK_OK);
	assert_int_equal(((const rk_ob_instrument_reply *) r.data)->symbol_id, 1);
	assert_int_equal(handle(&r, 500, &q), RK_OK);
	assert_int_equal(o->status, RK_OB_NEW);
	/* another order with its id says nothing of the one that is there */
	assert_int_equal(handle(&r, 500, &q), RK_OK);
	assert_int_equal(o->status, RK_OB_REJECTED);
	assert_int_equal(o->reason, RK_OB_DUPLICATE_ORDER_ID);
	q.order_id = 2;
	q.side = RK_OB_BUY;
	q.quantity = 7 * ONE;
	q.tif = RK_OB_DAY;
	assert_int_equal(handle(&r, 500, &q), RK_OK);
	assert_int_equal(o->status, RK_OB_PARTIALLY_FILLED);
	assert_int_equal(o->cum_quantity, 5 * ONE);
	assert_int_equal(o->remaining, 2 * ONE);
	assert_int_equal(o->trade_count, 1);
	assert_int_equal(o->first_trade_id, 1);
	assert_int_equal(handle(&r, 534, &look), RK_OK);
	t = (const rk_ob_trade_row *) (r.data + sizeof(rk_ob_seq_reply));
	assert_int_equal(t->order_id, 2);
	assert_int_equal(t->contra_order_id, 1);
	assert_int_equal(t->quantity, 5 * ONE);
	/* the end of the day, an hour after midnight */
	look.ts = INT64_C(3600000000000);
	assert_int_equal(handle(&r, 554, &look), RK_OK);
	assert_int_equal(((const rk_ob_count_reply *) r.data)->count, 1);
	look.symbol_id = 9;
	assert_int_equal(handle(&r, 530, &look), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_and_back),
		cmocka_unit_test(broken_snapshots),
		cmocka_unit_test(replies_say_what_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

/* The event as an order of a batch. */
static rk_ob_submit_request
order_of_event(const rk_ob_event_request *e, int32_t symbol_id)
{
	return (rk_ob_submit_request) {
		.order_id = e->order_id,.price = e->price,.quantity = e->quantity,.trader_id = e->trader_id,.ts = e->ts,
		.stop_price = e->stop_price,.display_quantity = e->display_quantity,.min_quantity = e->min_quantity,
		.stp_group = e->stp_group,.expires_at = e->expires_at,.symbol_id = symbol_id,.side = e->side,
		.order_type = e->order_type,.tif = e->tif
	};
}

/* Up to 40 orders, some of a symbol that is not there. */
static const rk_ob_batch_request *
random_batch(int64_t i)
{
	static rk_ob_batch_request q;

	q.count = (int64_t) (rk_hash2(21, i) % 41);
	for (int64_t k = 0; k < q.count; k++)
	{
		rk_ob_event_request e = random_event(22, i * 64 + k);

		q.orders[k] = order_of_event(&e, (int32_t) (rk_hash2(23, i * 64 + k) % 5));
		if (k % 7 == 0)
			q.orders[k].ts = i + k * INT64_C(7000000000);
	}
	return &q;
}

/* Message number i of all kinds; most are events. */
static rk_status
send_random(ring *r, int64_t i)
{
	rk_ob_event_request e = random_event(5, i);
	rk_ob_cross_request cross = {
		.quantity = e.quantity,.price = e.price == ABSENT ? ONE / 3 : e.price,.ts = ABSENT,.target_symbol = "A"
	};

	r->now = i;
	if (i > 50 && i % 31 == 7)
		return handle(r, 510, random_batch(i));
	if (i > 50 && i % 53 == 11)
		return handle(r, 540, &cross);
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

/* Each allocation of a batch fails once: nothing of it is done. */
static void
a_batch_is_one(void **unused)
{
	static ring r;
	static ring single;

	(void) unused;
	for (int turn = 0; turn < 2; turn++)
	{
		ring_options(turn ? &single : &r, &ACTOR);
		ring_open(turn ? &single : &r);
	}
	for (int64_t i = 0; i < 60; i++)
	{
		rk_ob_event_request e = random_event(5, i);

		assert_int_equal(handle(&r, 502, &e), RK_OK);
		assert_int_equal(handle(&single, 502, &e), RK_OK);
	}
	for (int64_t i = 0; i < 300; i++)
	{
		const rk_ob_batch_request *q = random_batch(i);
		const rk_ob_batch_reply *reply = (const rk_ob_batch_reply *) r.data;
		const rk_ob_order_reply *rows = (const rk_ob_order_reply *) (reply + 1);
		int64_t		trades = 0;

		r.now = single.now = i;
		assert_int_equal(ring_send(&r, 510, q), RK_OK);
		assert_int_equal(r.length, sizeof(*reply) + q->count * sizeof(*rows));
		/* order by order it is the same */
		for (int64_t k = 0; k < q->count; k++)
		{
			assert_int_equal(handle(&single, 500, &q->orders[k]), RK_OK);
			assert_memory_equal(&rows[k], single.data, sizeof(*rows));
			trades += rows[k].trade_count;
		}
		assert_true(reply->total_trades >= trades);
		assert_true(ACTOR.checksum(&r.ctx, r.state) == ACTOR.checksum(&single.ctx, single.state));
	}
	assert_true(r.failures > 20);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
	rk_ctx_destroy(&single.ctx);
}

/* ---- records ---- */

#define DELTA_PRICES 30

/* A book as the records of its levels tell it. */
typedef struct told_book
{
	int64_t		quantity[3][2][DELTA_PRICES];
	int64_t		orders[3][2][DELTA_PRICES];
	int64_t		deltas;
	int64_t		seq;
} told_book;

static void
hear_level(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	told_book  *t = reply->owner;
	const rk_ob_level_record *l = record;

	if (type_id != 562)
		return;
	assert_int_equal(size, sizeof(*l));
	assert_true(l->symbol_id >= 1 && l->symbol_id <= 3 && l->price % ONE == 0 && l->price / ONE - 90 < DELTA_PRICES);
	assert_true((l->quantity == 0) == (l->order_count == 0));
	assert_true(l->seq >= t->seq);
	t->seq = l->seq;
	t->quantity[l->symbol_id - 1][l->side][l->price / ONE - 90] = l->quantity;
	t->orders[l->symbol_id - 1][l->side][l->price / ONE - 90] = l->order_count;
	t->deltas++;
}

/* Compares with the levels of a snapshot. */
static void
compare_levels(ring *r, const told_book *t, int32_t symbol)
{
	rk_ob_book_request look = {.symbol_id = symbol,.depth = 1000};
	const rk_ob_snapshot_row *row = (const rk_ob_snapshot_row *) (r->data + sizeof(rk_ob_seq_reply));
	int			levels = 0;

	assert_int_equal(handle(r, 532, &look), RK_OK);
	for (; (const char *) row < r->data + r->length; row++, levels++)
	{
		assert_int_equal(t->quantity[symbol - 1][row->side][row->price / ONE - 90], row->quantity);
		assert_int_equal(t->orders[symbol - 1][row->side][row->price / ONE - 90], row->order_count);
	}
	for (int side = 0; side < 2; side++)
		for (int p = 0; p < DELTA_PRICES; p++)
			levels -= t->orders[symbol - 1][side][p] > 0;
	assert_int_equal(levels, 0);
}

/* After every event, of auctions too, the levels that were told are those of the book. */
static void
levels_are_told(void **unused)
{
	static ring r;
	static told_book t;

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	for (int64_t i = 0; i < 30000; i++)
	{
		rk_ob_event_request e = random_event(31, i);
		rk_reply	reply = {.data = r.data,.capacity = sizeof(r.data),.grow = no_growth,.owner = &t,.publish = hear_level};
		rk_message	m = {.type_id = 502,.length = sizeof(e),.payload = &e,.sent_ns = i};

		assert_int_equal(ACTOR.handle(&r.ctx, r.state, &m, &reply), RK_OK);
		if (i > 100)
			compare_levels(&r, &t, 1 + (int32_t) (i % 3));
	}
	assert_true(t.deltas > 10000);
	rk_ctx_destroy(&r.ctx);
}

/* The volume of a day against a plain list, with times that also go back. */
static void
a_day_of_volume(void **unused)
{
	static ring r;
	static int64_t minute[4000];
	static int64_t volume[4000];
	rk_ob_instrument_request instrument = {
		.tick_size = ONE,.max_quantity = 100 * ONE,.max_notional = ABSENT,.band_low = ABSENT,.band_high = ABSENT,
		.collar_ticks = ABSENT,.max_levels = 10,.reference_price = ABSENT,.trading_day_end = ABSENT,
		.stp_mode = RK_FIELD_ABSENT_CODE,.symbol = "A"
	};
	rk_ob_book_request look = {.symbol_id = 1,.depth = 1};
	const rk_ob_query_book_reply *reply = (const rk_ob_query_book_reply *) r.data;
	int64_t		newest = INT64_MIN;

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	assert_int_equal(handle(&r, 550, &instrument), RK_OK);
	for (int i = 0; i < 4000; i++)
	{
		uint64_t	h = rk_hash2(41, i);
		rk_ob_cross_request q = {
			.quantity = ONE * (1 + (int64_t) (h % 9)),.price = 5 * ONE,.target_symbol = "A",
			.ts = ((int64_t) i * 20 - (int64_t) (h >> 8) % (i % 5 == 0 ? 3000 : 40) - 2000) * INT64_C(30000000000)
		};
		int64_t		expected = 0;

		minute[i] = (q.ts - (q.ts < 0 ? INT64_C(59999999999) : 0)) / INT64_C(60000000000);
		volume[i] = q.quantity;
		newest = minute[i] > newest ? minute[i] : newest;
		assert_int_equal(ring_send(&r, 540, &q), RK_OK);
		for (int k = 0; k <= i; k++)
			if (minute[k] > newest - 1440)
				expected += volume[k];
		assert_int_equal(handle(&r, 530, &look), RK_OK);
		assert_int_equal(reply->volume_24h, expected);
		if (i % 400 == 399)
			ring_restart(&r);
	}
	rk_ctx_destroy(&r.ctx);
}

/* A trade made elsewhere moves figures and stops, but no order. */
static void
a_trade_made_elsewhere(void **unused)
{
	static ring r;
	rk_ob_event_request e = random_event(1, 0);
	rk_ob_cross_request q = {.quantity = 3 * ONE,.price = 100 * ONE,.ts = ABSENT,.source_symbol = "SPREAD",.target_symbol = "A"};
	const rk_ob_cross_reply *reply = (const rk_ob_cross_reply *) r.data;
	const rk_ob_query_book_reply *book = (const rk_ob_query_book_reply *) r.data;
	rk_ob_book_request look = {.symbol_id = 1,.depth = 5};

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	assert_int_equal(handle(&r, 540, &q), RK_ERR_PARAMETER);	/* no such book */
	memset(e.symbol, 0, sizeof(e.symbol));
	e.symbol[0] = 'A';
	e.action = RK_OB_ACTION_NEW;
	e.order_type = RK_OB_LIMIT;
	e.tif = RK_OB_GTC;
	e.side = RK_OB_BUY;
	e.price = 90 * ONE;
	e.quantity = 5 * ONE;
	e.stop_price = e.display_quantity = ABSENT;
	assert_int_equal(handle(&r, 502, &e), RK_OK);
	e.order_id++;
	e.trader_id++;
	e.side = RK_OB_SELL;
	e.order_type = RK_OB_STOP;
	e.price = ABSENT;
	e.quantity = 2 * ONE;
	e.stop_price = 95 * ONE;
	assert_int_equal(handle(&r, 502, &e), RK_OK);
	assert_int_equal(handle(&r, 540, &q), RK_OK);
	assert_int_equal(reply->trade_id, 1);
	assert_int_equal(reply->symbol_id, 1);
	assert_int_equal(handle(&r, 530, &look), RK_OK);
	assert_int_equal(book->last_price, 100 * ONE);
	assert_int_equal(book->bid_depth, 5 * ONE);
	/* at 95 the stop sells to the order that rests */
	q.price = 95 * ONE;
	assert_int_equal(handle(&r, 540, &q), RK_OK);
	assert_int_equal(reply->trade_id, 2);
	assert_int_equal(handle(&r, 530, &look), RK_OK);
	assert_int_equal(book->last_price, 90 * ONE);
	assert_int_equal(book->bid_depth, 3 * ONE);
	assert_int_equal(book->trade_count, 3);
	assert_int_equal(book->volume_24h, 8 * ONE);
	/* what is refused */
	q.price = 95 * ONE + 1;
	assert_int_equal(handle(&r, 540, &q), RK_OK);
	assert_int_equal(reply->reason, RK_OB_BAD_TICK);
	assert_true(reply->trade_id == ABSENT);
	q.price = 95 * ONE;
	q.quantity = 0;
	assert_int_equal(handle(&r, 540, &q), RK_OK);
	assert_int_equal(reply->reason, RK_OB_BELOW_MIN_QUANTITY);
	look.phase = RK_OB_HALT;
	assert_int_equal(handle(&r, 552, &look), RK_OK);
	q.quantity = ONE;
	assert_int_equal(handle(&r, 540, &q), RK_OK);
	assert_int_equal(reply->reason, RK_OB_PHASE_CLOSED);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

/* What the first version wrote is read. */
static void
older_snapshots(void **unused)
{
	static ring r;
	bytes		image = {0};
	rk_reader	reader;
	rk_ctx		ctx;
	void	   *state;
	const rk_ob_query_book_reply *book = (const rk_ob_query_book_reply *) r.data;
	rk_ob_book_request look = {.symbol_id = 1,.depth = 5};
	int64_t		bid;

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	for (int64_t i = 0; i < 5; i++)
	{
		rk_ob_event_request e = random_event(5, i);

		e.action = RK_OB_ACTION_NEW;
		e.order_type = RK_OB_LIMIT;
		e.tif = RK_OB_GTC;
		e.side = RK_OB_BUY;
		e.order_id = i;
		e.price = (90 + i) * ONE;
		memcpy(e.symbol, "A\0", 2);
		memset(e.symbol + 2, 0, sizeof(e.symbol) - 2);
		assert_int_equal(handle(&r, 502, &e), RK_OK);
	}
	assert_int_equal(handle(&r, 530, &look), RK_OK);
	bid = book->best_bid;
	take_image(&r, &image);
	/* without the clock and the day of the book, in which nothing was traded */
	reader = (rk_reader) {image.data, image.size - 2 * 8};
	rk_ctx_init(&ctx);
	assert_int_equal(ACTOR.restore(&ctx, &r.options, 1, &reader, &state), RK_OK);
	assert_int_equal(reader.left, 0);
	rk_ctx_destroy(&r.ctx);
	r.ctx = ctx;
	r.state = state;
	assert_int_equal(handle(&r, 530, &look), RK_OK);
	assert_int_equal(book->best_bid, bid);
	assert_int_equal(book->volume_24h, 0);
	free_bytes(&image);
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
		(void) ACTOR.restore(&ctx, &r.options, ACTOR.version, &reader, &state);
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
		.collar_ticks = ABSENT,.max_levels = 10,.reference_price = ABSENT,.trading_day_end = INT64_C(3600000000),
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
		cmocka_unit_test(a_batch_is_one),
		cmocka_unit_test(levels_are_told),
		cmocka_unit_test(a_day_of_volume),
		cmocka_unit_test(a_trade_made_elsewhere),
		cmocka_unit_test(older_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_orderbook.c
 *	  Order matching: worked scenarios, and what must hold after every event of
 *	  a million random ones.
 */
#include "support.h"

#include "../../src/orderbook/orderbook.h"

#define ONE RK_OB_ONE

/* An engine with one symbol, and the number of the last event. */
typedef struct bench
{
	rk_ctx		ctx;
	rk_ob	   *ob;
	int64_t		seq;
} bench;

static void
open_book(bench *b)
{
	rk_ctx_init(&b->ctx);
	b->seq = 0;
	assert_int_equal(rk_ob_create(&b->ctx, 1, false, &b->ob), RK_OK);
}

static rk_ob_event
order(uint64_t id, rk_ob_side side, rk_ob_type type, rk_ob_tif tif, double quantity, double price)
{
	return (rk_ob_event) {
		.action = RK_OB_ACTION_NEW,
		.order_id = id,
		.side = side,
		.type = type,
		.tif = tif,
		.quantity = (int64_t) llround(quantity * ONE),
		.price = price == 0 ? RK_OB_NONE : (int64_t) llround(price * ONE),
		.stop_price = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,
		.min_quantity = RK_OB_NONE,
		.expires_at = RK_OB_NONE,
		.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,
		.ts = RK_OB_NONE
	};
}

/* Applies an event; the reports are those of this event alone. */
static void
apply(bench *b, rk_ob_event e)
{
	rk_ob_clear_reports(b->ob);
	e.seq = ++b->seq;
	assert_int_equal(rk_ob_apply(b->ob, &e), RK_OK);
}

static void
limit(bench *b, uint64_t id, rk_ob_side side, double quantity, double price)
{
	apply(b, order(id, side, RK_OB_LIMIT, RK_OB_GTC, quantity, price));
}

/* Compares the trades of the last event with (resting order, quantity, price). */
static void
assert_trades(const bench *b, int count, const double expected[][3])
{
	int			seen = 0;

	for (int64_t i = 0; i < b->ob->report_count; i++)
	{
		const rk_ob_report *r = &b->ob->reports[i];

		if (r->event != RK_OB_EV_TRADE)
			continue;
		assert_true(seen < count);
		assert_int_equal(r->contra_order_id, (uint64_t) expected[seen][0]);
		assert_int_equal(r->quantity, llround(expected[seen][1] * ONE));
		assert_int_equal(r->price, llround(expected[seen][2] * ONE));
		seen++;
	}
	assert_int_equal(seen, count);
}

/* The last report of the last event. */
static const rk_ob_report *
last(const bench *b)
{
	assert_true(b->ob->report_count > 0);
	return &b->ob->reports[b->ob->report_count - 1];
}

static int64_t
shown_at(const bench *b, rk_ob_side side, double price)
{
	int64_t		key = llround(price * ONE);
	const rk_ladder *l = &b->ob->books[0].sides[side];
	uint32_t	level = rk_ladder_find(l, side == RK_OB_BUY ? key : -key);

	return level == RK_NO_INDEX ? 0 : l->levels[level].shown;
}

static void
a_day_worked_by_hand(void **state)
{
	bench		b;
	rk_ob_event e;

	(void) state;
	open_book(&b);
	limit(&b, 1, RK_OB_SELL, 5, 100.00);
	limit(&b, 2, RK_OB_SELL, 5, 100.00);
	limit(&b, 3, RK_OB_SELL, 10, 101.00);
	limit(&b, 11, RK_OB_BUY, 7, 100.50);
	assert_trades(&b, 2, (double[][3]) {{1, 5, 100}, {2, 2, 100}});
	assert_int_equal(last(&b)->status, RK_OB_FILLED);
	assert_int_equal(last(&b)->avg_price, 100 * ONE);
	assert_int_equal(shown_at(&b, RK_OB_SELL, 100), 3 * ONE);
	assert_int_equal(shown_at(&b, RK_OB_SELL, 101), 10 * ONE);

	apply(&b, order(12, RK_OB_BUY, RK_OB_LIMIT, RK_OB_FOK, 14, 101));
	assert_trades(&b, 0, NULL);
	assert_int_equal(last(&b)->reason, RK_OB_FOK_UNFILLED);
	apply(&b, order(13, RK_OB_BUY, RK_OB_LIMIT, RK_OB_IOC, 4, 100));
	assert_trades(&b, 1, (double[][3]) {{2, 3, 100}});
	assert_int_equal(last(&b)->event, RK_OB_EV_CANCELED);
	assert_int_equal(last(&b)->reason, RK_OB_IOC_REMAINDER);
	assert_int_equal(last(&b)->cum_quantity, 3 * ONE);

	/* an iceberg shows its next slice behind the order that came after it */
	e = order(21, RK_OB_SELL, RK_OB_LIMIT, RK_OB_GTC, 9, 100);
	e.display_quantity = 3 * ONE;
	apply(&b, e);
	limit(&b, 4, RK_OB_SELL, 3, 100);
	assert_int_equal(shown_at(&b, RK_OB_SELL, 100), 6 * ONE);
	apply(&b, order(14, RK_OB_BUY, RK_OB_MARKET, RK_OB_IOC, 7, 0));
	assert_trades(&b, 3, (double[][3]) {{21, 3, 100}, {4, 3, 100}, {21, 1, 100}});
	assert_int_equal(shown_at(&b, RK_OB_SELL, 100), 2 * ONE);
	assert_int_equal(rk_ob_find(b.ob, 21)->leaves, 5 * ONE);

	/* a stop triggers at a trade price and becomes a market order */
	e = order(31, RK_OB_SELL, RK_OB_STOP, RK_OB_GTC, 4, 0);
	e.stop_price = 99 * ONE;
	apply(&b, e);
	assert_int_equal(last(&b)->status, RK_OB_PENDING_TRIGGER);
	limit(&b, 41, RK_OB_BUY, 2, 99);
	limit(&b, 42, RK_OB_BUY, 5, 98);
	apply(&b, order(5, RK_OB_SELL, RK_OB_MARKET, RK_OB_IOC, 2, 0));
	assert_trades(&b, 2, (double[][3]) {{41, 2, 99}, {42, 4, 98}});
	assert_int_equal(rk_ob_find(b.ob, 42)->leaves, 1 * ONE);

	/* less keeps the place in the queue, another price loses it */
	limit(&b, 43, RK_OB_BUY, 5, 98);
	e = order(42, RK_OB_BUY, RK_OB_LIMIT, RK_OB_GTC, 0, 0);
	e.action = RK_OB_ACTION_AMEND;
	e.new_quantity = 45 * ONE / 10;
	apply(&b, e);
	assert_int_equal(rk_ob_find(b.ob, 42)->leaves, ONE / 2);
	assert_int_equal(rk_ob_queue_position(b.ob, rk_ob_find(b.ob, 42)), 1);
	e.new_quantity = RK_OB_NONE;
	e.new_price = 9801 * ONE / 100;
	apply(&b, e);
	assert_int_equal(rk_ob_best_price(&b.ob->books[0], RK_OB_BUY), 9801 * ONE / 100);
	e.new_price = 98 * ONE;
	apply(&b, e);
	assert_int_equal(rk_ob_queue_position(b.ob, rk_ob_find(b.ob, 42)), 2);
	rk_ctx_destroy(&b.ctx);
}

static void
orders_of_one_group_do_not_trade(void **state)
{
	/* mode, leaves of the resting sell, leaves of the buy (0: gone), trades */
	static const struct
	{
		rk_ob_stp	mode;
		int			resting;
		int			incoming;
		int			trades;
	}			cases[] = {
		{RK_OB_STP_CANCEL_NEWEST, 5, 0, 0},
		{RK_OB_STP_CANCEL_OLDEST, 0, 3, 0},
		{RK_OB_STP_CANCEL_BOTH, 0, 0, 0},
		{RK_OB_STP_DECREMENT, 2, 0, 0},
		{RK_OB_STP_SKIP, 5, 3, 0},
		{RK_OB_STP_NONE, 2, 0, 1}
	};

	(void) state;
	for (int i = 0; i < 6; i++)
	{
		bench		b;
		rk_ob_event e = order(1, RK_OB_SELL, RK_OB_LIMIT, RK_OB_GTC, 5, 100);

		open_book(&b);
		b.ob->books[0].instrument.stp_mode = cases[i].mode;
		e.stp_group = e.trader = 7;
		apply(&b, e);
		e.order_id = 2;
		e.side = RK_OB_BUY;
		e.quantity = 3 * ONE;
		apply(&b, e);
		assert_int_equal(rk_ob_find(b.ob, 1) ? rk_ob_find(b.ob, 1)->leaves : 0, cases[i].resting * ONE);
		assert_int_equal(rk_ob_find(b.ob, 2) ? rk_ob_find(b.ob, 2)->leaves : 0, cases[i].incoming * ONE);
		assert_int_equal(b.ob->books[0].trade_count, cases[i].trades);
		rk_ctx_destroy(&b.ctx);
	}
}

static void
an_auction_ends_at_one_price(void **state)
{
	bench		b;
	rk_ob_event e = {.action = RK_OB_ACTION_PHASE,.phase = RK_OB_AUCTION,.ts = RK_OB_NONE};

	(void) state;
	open_book(&b);
	apply(&b, e);
	limit(&b, 1, RK_OB_BUY, 100, 10.02);
	limit(&b, 2, RK_OB_BUY, 50, 10.00);
	limit(&b, 3, RK_OB_SELL, 80, 9.99);
	limit(&b, 4, RK_OB_SELL, 40, 10.01);
	e.phase = RK_OB_CONTINUOUS;
	apply(&b, e);
	assert_trades(&b, 2, (double[][3]) {{3, 80, 10.01}, {4, 20, 10.01}});
	assert_int_equal(rk_ob_find(b.ob, 4)->leaves, 20 * ONE);
	assert_int_equal(rk_ob_find(b.ob, 2)->leaves, 50 * ONE);
	rk_ctx_destroy(&b.ctx);
}

/* ---- what must hold after every event ---- */

static rk_ob_event
random_event(uint64_t round, int64_t i, uint64_t ids)
{
	uint64_t	h = rk_hash2(round, i);
	uint64_t	kind = h % 100;
	double		price = 95 + (double) (h >> 8) / (double) (UINT64_C(1) << 56) * 10;
	rk_ob_event e = order(1 + (h >> 20) % ids, (h >> 7) & 1, RK_OB_LIMIT, RK_OB_GTC,
						  1 + (double) ((h >> 30) % 50), round % 2 ? floor(price * 100) / 100 : floor(price));

	e.trader = e.stp_group = 1 + (h >> 40) % 6;
	if (kind < 20)
		e.action = RK_OB_ACTION_CANCEL, e.trader = 0;
	else if (kind < 32)
	{
		e.action = RK_OB_ACTION_AMEND;
		e.trader = 0;
		if (h & 1)
			e.new_quantity = e.quantity;
		if (h & 2)
			e.new_price = e.price;
		e.display_quantity = (h & 12) == 12 ? ONE + (int64_t) ((h >> 50) % 5) * ONE : RK_OB_NONE;
	}
	else if (kind < 40)
		e.type = RK_OB_MARKET, e.tif = RK_OB_IOC, e.price = RK_OB_NONE;
	else if (kind < 46)
		e.tif = kind < 43 ? RK_OB_IOC : RK_OB_FOK;
	else if (kind < 54)
	{
		e.type = kind < 50 ? RK_OB_STOP : RK_OB_STOP_LIMIT;
		e.stop_price = e.price;
		if (kind < 50)
			e.price = RK_OB_NONE;
	}
	else if (kind < 62)
		e.display_quantity = e.quantity > 3 * ONE ? 3 * ONE : RK_OB_NONE;
	else if (kind < 65)
		e.post_only = true;
	else if (kind < 68)
		e.min_quantity = e.quantity / 2 / ONE * ONE + ONE;
	else if (kind < 71)
		e.tif = RK_OB_GTD, e.expires_at = i + 500;
	else if (kind < 72 && i % 40 == 0)
	{
		e.action = RK_OB_ACTION_PHASE;
		e.symbol = 0;
		e.phase = h % 3 == 0 ? RK_OB_AUCTION : RK_OB_CONTINUOUS;
	}
	e.ts = i;
	return e;
}

/* Whether queues, sums and order states of a book agree with each other. */
static void
check_book(const rk_ob *ob)
{
	const rk_ob_book *book = &ob->books[0];
	int64_t		bid = rk_ob_best_price(book, RK_OB_BUY);
	int64_t		ask = rk_ob_best_price(book, RK_OB_SELL);
	uint32_t	live = 0;

	if (book->phase == RK_OB_CONTINUOUS && bid != RK_OB_NONE && ask != RK_OB_NONE &&
		book->instrument.stp_mode != RK_OB_STP_SKIP)
		assert_true(bid < ask);
	for (int i = 0; i < 4; i++)
	{
		const rk_ladder *l = i < 2 ? &book->sides[i] : &book->stops[i - 2];
		rk_ladder_place place;
		int64_t		previous = INT64_MAX;
		uint32_t	levels = 0;
		uint32_t	orders = 0;

		for (uint32_t at = rk_ladder_first(l, &place); at != RK_NO_INDEX; at = rk_ladder_next(l, &place))
		{
			const rk_level *level = &l->levels[at];
			int64_t		shown = 0;
			int64_t		leaves = 0;
			uint32_t	count = 0;

			assert_true(levels++ == 0 || level->key < previous);
			previous = level->key;
			for (uint32_t o = level->head; o != RK_NO_INDEX; o = ob->orders[o].next)
			{
				const rk_ob_order *x = &ob->orders[o];

				assert_true(rk_ob_is_live(x));
				assert_true(x->leaves > 0 && x->shown >= 0 && x->shown <= x->leaves);
				assert_true(i >= 2 || x->shown > 0);
				assert_int_equal(x->cum + x->leaves, x->quantity);
				assert_ptr_equal(rk_ob_find(ob, x->id), x);
				shown += x->shown;
				leaves += x->leaves;
				count++;
			}
			assert_int_equal(i < 2 ? shown : 0, level->shown);
			assert_int_equal(i < 2 ? leaves : 0, level->leaves);
			assert_int_equal(count, level->count);
			assert_true(count > 0);
			orders += count;
		}
		assert_int_equal(levels, l->count);
		assert_int_equal(orders, i < 2 ? book->orders[i] : book->waiting[i - 2]);
		live += orders;
	}
	assert_int_equal(live, ob->live);
}

/* What the test knows of an order, from events and reports alone. */
typedef struct shadow
{
	uint64_t	group;
	int64_t		price;
	int64_t		quantity;
	int64_t		display;
	int64_t		filled;
	int64_t		stamp;			/* when it came to the tail of its queue */
} shadow;

#define IDS 300

/* Notes what the reports of an event say; no trade may break the rules of self-trade. */
static void
follow_reports(const rk_ob *ob, const rk_ob_event *e, shadow *orders, int64_t *stamp, rk_ob_stp stp)
{
	for (int64_t i = 0; i < ob->report_count; i++)
	{
		const rk_ob_report *r = &ob->reports[i];
		shadow	   *o = &orders[r->order_id];

		assert_int_equal(r->event_no, i + 1);
		switch (r->event)
		{
			case RK_OB_EV_ACCEPTED:
				*o = (shadow) {e->stp_group, r->price, r->quantity, e->display_quantity, 0, ++*stamp};
				break;
			case RK_OB_EV_TRIGGERED:
			case RK_OB_EV_REFRESHED:
				o->stamp = ++*stamp;
				break;
			case RK_OB_EV_AMENDED:
				if (r->price != o->price || r->quantity > o->quantity ||
					(e->display_quantity != RK_OB_NONE && o->display != RK_OB_NONE && e->display_quantity > o->display))
					o->stamp = ++*stamp;
				o->price = r->price;
				o->quantity = r->quantity;
				if (e->display_quantity != RK_OB_NONE)
					o->display = e->display_quantity;
				break;
			case RK_OB_EV_DECREMENTED:
				o->quantity = r->quantity;
				break;
			case RK_OB_EV_TRADE:
				assert_true(r->quantity > 0);
				o->filled += r->quantity;
				orders[r->contra_order_id].filled += r->quantity;
				assert_int_equal(r->cum_quantity, o->filled);
				assert_int_equal(r->remaining, o->quantity - o->filled);
				if (r->aggressor == RK_OB_NO_SIDE)
					break;
				assert_true(stp == RK_OB_STP_NONE || o->group != orders[r->contra_order_id].group);
				/* the price is that of the resting order, and within the other's limit */
				assert_int_equal(r->price, orders[r->contra_order_id].price);
				assert_true(o->price == RK_OB_NONE || (r->side == RK_OB_BUY ? r->price <= o->price : r->price >= o->price));
				break;
			default:
				break;
		}
	}
}

/*
 * After an order has traded: nothing at a better price is left, and at the
 * price of its last trade nothing that came before the order it met.
 */
static void
check_priority(const rk_ob *ob, const shadow *orders, const int64_t *stamps_before, uint64_t id)
{
	const rk_ob_report *last_trade = NULL;
	const rk_ladder *side;
	uint32_t	level;

	for (int64_t i = 0; i < ob->report_count; i++)
	{
		const rk_ob_report *r = &ob->reports[i];

		if (r->event == RK_OB_EV_TRIGGERED)
			return;
		if (r->event == RK_OB_EV_TRADE && r->order_id == id)
		{
			/* from the best price on */
			assert_true(last_trade == NULL ||
						(r->side == RK_OB_BUY ? r->price >= last_trade->price : r->price <= last_trade->price));
			last_trade = r;
		}
	}
	if (last_trade == NULL || last_trade->aggressor == RK_OB_NO_SIDE)
		return;
	side = &ob->books[0].sides[last_trade->side == RK_OB_BUY ? RK_OB_SELL : RK_OB_BUY];
	level = rk_ladder_best(side);
	if (level == RK_NO_INDEX)
		return;
	assert_true(last_trade->side == RK_OB_BUY ? -side->levels[level].key >= last_trade->price :
				side->levels[level].key <= last_trade->price);
	if ((last_trade->side == RK_OB_BUY ? -side->levels[level].key : side->levels[level].key) != last_trade->price)
		return;
	for (uint32_t o = side->levels[level].head; o != RK_NO_INDEX; o = ob->orders[o].next)
	{
		uint64_t	other = ob->orders[o].id;

		/* one that refreshed meanwhile has another place than before */
		if (other != last_trade->contra_order_id && orders[other].stamp == stamps_before[other] &&
			orders[last_trade->contra_order_id].stamp == stamps_before[last_trade->contra_order_id])
			assert_true(orders[other].stamp > stamps_before[last_trade->contra_order_id]);
	}
}

/* A million random events of all kinds, each 8000 in another book. */
static void
books_stay_in_order(void **state)
{
	int64_t		traded = 0;
	int64_t		events = 0;

	(void) state;
	for (uint64_t round = 0; round < 126; round++)
	{
		bench		b;
		__int128	volume = 0;
		shadow		orders[IDS + 1] = {{0}};
		int64_t		stamps[IDS + 1];
		int64_t		stamp = 0;
		rk_ob_stp	stp = round % 6;

		open_book(&b);
		b.ob->books[0].instrument.stp_mode = stp;
		for (int64_t i = 0; i < 8000; i++, events++)
		{
			rk_ob_event e = random_event(round, i, IDS);

			for (int k = 0; k <= IDS; k++)
				stamps[k] = orders[k].stamp;
			apply(&b, e);
			follow_reports(b.ob, &e, orders, &stamp, stp);
			if (e.action == RK_OB_ACTION_NEW && stp != RK_OB_STP_SKIP)
				check_priority(b.ob, orders, stamps, e.order_id);
			if (i % 23 == 0)
				check_book(b.ob);
			for (int64_t k = 0; k < b.ob->report_count; k++)
				if (b.ob->reports[k].event == RK_OB_EV_TRADE)
					volume += b.ob->reports[k].quantity;
		}
		for (uint64_t id = 1; id <= IDS; id++)
			if (rk_ob_find(b.ob, id))
				assert_int_equal(rk_ob_find(b.ob, id)->cum, orders[id].filled);
		assert_true(volume == b.ob->books[0].volume);
		traded += b.ob->books[0].trade_count;
		rk_ctx_destroy(&b.ctx);
	}
	assert_true(events >= 1000000);
	assert_true(traded > 100000);
}

static void
the_same_events_give_the_same_state(void **state)
{
	uint64_t	hashes[2];

	(void) state;
	for (int turn = 0; turn < 2; turn++)
	{
		bench		b;
		uint64_t	h = 0;

		open_book(&b);
		for (int64_t i = 0; i < 20000; i++)
		{
			apply(&b, random_event(99, i, 2000));
			for (int64_t k = 0; k < b.ob->report_count; k++)
				h = rk_hash_fold(h, b.ob->reports[k].order_id * 31 + (uint64_t) b.ob->reports[k].price);
		}
		hashes[turn] = h ^ rk_ob_hash(b.ob, 0);
		rk_ctx_destroy(&b.ctx);
	}
	assert_true(hashes[0] == hashes[1]);
}

static void
many_levels_are_kept_in_order(void **state)
{
	rk_ctx		ctx;
	rk_ladder	l;
	rk_ladder_place place;
	int64_t		previous = INT64_MAX;
	int64_t		keys = 0;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_ladder_init(&ctx, &l), RK_OK);
	for (int64_t i = 0; i < 20000; i++)
		assert_true(rk_ladder_get(&ctx, &l, (int64_t) (rk_hash2(1, i) % 5000)) != RK_NO_INDEX);
	for (int64_t i = 0; i < 5000; i += 2)
	{
		uint32_t	level = rk_ladder_find(&l, i);

		if (level != RK_NO_INDEX)
			rk_ladder_remove(&l, level);
		assert_int_equal(rk_ladder_find(&l, i), RK_NO_INDEX);
	}
	for (uint32_t at = rk_ladder_first(&l, &place); at != RK_NO_INDEX; at = rk_ladder_next(&l, &place))
	{
		assert_true(l.levels[at].key < previous && l.levels[at].key % 2 == 1);
		assert_int_equal(rk_ladder_below(&l, previous), at);
		previous = l.levels[at].key;
		keys++;
	}
	assert_int_equal(keys, l.count);
	rk_ctx_destroy(&ctx);
}

static void
memory_may_run_out_at_any_time(void **state)
{
	(void) state;
	for (int64_t failing = 1;; failing++)
	{
		rk_ctx		ctx;
		rk_ob	   *ob;
		rk_status	status;

		rk_ctx_init(&ctx);
		ctx.fail_allocation = failing;
		status = rk_ob_create(&ctx, 1, false, &ob);
		for (int64_t i = 0; status == RK_OK && i < 3000; i++)
		{
			rk_ob_event e = random_event(7, i, 2500);

			e.seq = i;
			status = rk_ob_apply(ob, &e);
		}
		assert_true(status == RK_OK || (status == RK_ERR_MEMORY && ctx.error.status == RK_ERR_MEMORY));
		rk_ctx_destroy(&ctx);
		if (status == RK_OK)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_worked_by_hand),
		cmocka_unit_test(orders_of_one_group_do_not_trade),
		cmocka_unit_test(an_auction_ends_at_one_price),
		cmocka_unit_test(books_stay_in_order),
		cmocka_unit_test(the_same_events_give_the_same_state),
		cmocka_unit_test(many_levels_are_kept_in_order),
		cmocka_unit_test(memory_may_run_out_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

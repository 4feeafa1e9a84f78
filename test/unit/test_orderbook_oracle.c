/*
 * test_orderbook_oracle.c
 *	  The order book against a deliberately simple one, report by report and
 *	  queue by queue, over more than a million random events.
 */
#include "simple_book.h"

#define ONE RK_OB_ONE
#define BOOKS 300
#define EVENTS 4000

/* Rules of book number k: each kind of rule in some of them. */
static rk_ob_instrument
rules_of(uint64_t k)
{
	rk_ob_instrument i = rk_ob_default_instrument;

	i.stp_mode = (rk_ob_stp) (k % 6);
	if (k % 4 == 1)
		i.collar_ticks = (int64_t) (k % 5), i.tick_size = ONE;
	if (k % 5 == 2)
		i.lot_size = 2 * ONE, i.tick_size = ONE / 2;
	if (k % 7 == 3)
		i.band_low = 96 * ONE, i.band_high = 103 * ONE;
	if (k % 8 == 4)
		i.max_notional = 3000 * ONE, i.max_quantity = 40 * ONE;
	if (k % 9 == 5)
		i.max_levels = 3;
	if (k % 10 == 6)
		i.reference_price = 99 * ONE;
	if (k % 11 == 7)
		i.allow_negative = true;
	return i;
}

static rk_ob_event
draw(uint64_t k, int64_t i)
{
	uint64_t	h = rk_hash2(k, i);
	uint64_t	g = rk_hash2(k + 100000, i);
	uint64_t	kind = h % 1000;
	int64_t		base = k % 11 == 7 ? -3 : 95;
	rk_ob_event e = {
		.seq = i + 1,.action = RK_OB_ACTION_NEW,.order_id = 1 + (h >> 20) % 150,.side = (h >> 7) & 1,.type = RK_OB_LIMIT,
		.tif = RK_OB_GTC,.price = (base + (int64_t) ((g >> 8) % 10)) * ONE + (g % 19 == 0 ? ONE / 2 : 0),
		.stop_price = RK_OB_NONE,.quantity = (1 + (int64_t) ((h >> 30) % 50)) * ONE,.expires_at = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,.min_quantity = RK_OB_NONE,.trader = (h >> 40) % 7,.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,.ts = i
	};

	e.stp_group = (g >> 20) % 40 == 0 ? 1 : e.trader;
	if (kind < 160)
		e.action = RK_OB_ACTION_CANCEL, e.trader = g % 4 ? 0 : e.trader;
	else if (kind < 300)
	{
		e.action = RK_OB_ACTION_AMEND;
		e.trader = g % 8 ? 0 : e.trader;
		e.new_quantity = g & 32 ? e.quantity : RK_OB_NONE;
		e.new_price = g & 64 ? e.price : RK_OB_NONE;
		e.display_quantity = g % 5 == 0 ? (int64_t) (g >> 50) % 6 * ONE : RK_OB_NONE;
	}
	else if (kind < 370)
		e.type = RK_OB_MARKET, e.tif = kind < 320 ? RK_OB_FOK : RK_OB_IOC, e.price = RK_OB_NONE;
	else if (kind < 430)
		e.tif = kind < 400 ? RK_OB_IOC : RK_OB_FOK;
	else if (kind < 530)
	{
		e.type = kind < 480 ? RK_OB_STOP : RK_OB_STOP_LIMIT;
		e.stop_price = (base + (int64_t) (g >> 33) % 10) * ONE + (g % 23 == 0);
		e.tif = g % 3 == 0 ? RK_OB_DAY : RK_OB_GTC;
		e.min_quantity = g % 13 == 0 ? ONE : RK_OB_NONE;
		e.post_only = g % 17 == 0;
		if (kind < 480)
			e.price = RK_OB_NONE;
	}
	else if (kind < 610)
		e.display_quantity = (1 + (int64_t) ((g >> 40) % 6)) * ONE;
	else if (kind < 650)
		e.post_only = true;
	else if (kind < 690)
		e.min_quantity = (1 + (int64_t) ((g >> 40) % 30)) * ONE;
	else if (kind < 740)
		e.tif = RK_OB_GTD, e.expires_at = i + (int64_t) (g >> 40) % 300 - 3;
	else if (kind < 790)
		e.tif = RK_OB_DAY;
	else if (kind < 794)
		e.action = RK_OB_ACTION_PHASE, e.phase = g % 3 ? RK_OB_CONTINUOUS : RK_OB_AUCTION;
	else if (kind < 796 && i % 4 == 0)
		e.action = RK_OB_ACTION_PHASE, e.phase = g & 1 ? RK_OB_HALT : RK_OB_CLOSED;
	else if (kind < 798 && i % 4 == 0)
		e.action = RK_OB_ACTION_MASS_CANCEL, e.side = g % 3, e.trader = g % 2 ? 0 : e.trader;
	else if (kind < 806)
		e.quantity = g & 1 ? 0 : 2000000 * ONE;
	/* phases of no trading do not last */
	if (i % 40 == 39)
		e.action = RK_OB_ACTION_PHASE, e.phase = i % 80 == 39 && k % 3 == 0 ? RK_OB_AUCTION : RK_OB_CONTINUOUS;
	if (e.action == RK_OB_ACTION_PHASE)
		e.symbol = 0;
	return e;
}

/* The reports of one event, each with what it says of its order. */
static void
compare_reports(const rk_ob *ob, const simple_book *b)
{
	assert_int_equal(ob->report_count, b->said);
	for (int64_t i = 0; i < ob->report_count; i++)
	{
		const rk_ob_report *x = &ob->reports[i];
		const simple_report *y = &b->reports[i];

		assert_int_equal(x->event, y->event);
		assert_int_equal(x->reason, y->reason);
		assert_int_equal(x->order_id, y->order_id);
		assert_int_equal(x->contra_order_id, y->contra_id);
		assert_int_equal(x->aggressor, y->aggressor);
		/* one that names an order that is not there has nothing to say of it */
		if (x->reason == RK_OB_UNKNOWN_ORDER)
			continue;
		assert_int_equal(x->quantity, y->quantity);
		if (x->event == RK_OB_EV_TRADE)
			assert_int_equal(x->price, y->price);
		if (x->event == RK_OB_EV_REJECTED && x->reason != RK_OB_POST_ONLY_WOULD_TRADE)
			continue;
		assert_int_equal(x->price, y->price);
		assert_int_equal(x->remaining, y->remaining);
		assert_int_equal(x->cum_quantity, y->cum);
	}
}

/* Every queue, order by order. */
static void
compare_books(const rk_ob *ob, simple_book *b)
{
	rk_ob_walk	walk;
	int			live = 0;

	rk_ob_walk_begin(ob, 0, &walk);
	for (const rk_ob_order *o; (o = rk_ob_walk_next(&walk)) != NULL;)
	{
		simple_order *s;

		if (o->status != RK_OB_PENDING_TRIGGER)
		{
			/* the one that is served first, then the next */
			s = simple_first(b, o->side);
			assert_non_null(s);
			s->passed = true;
		}
		else
			s = simple_find(b, o->id);
		assert_non_null(s);
		assert_int_equal(s->id, o->id);
		assert_int_equal(s->leaves, o->leaves);
		assert_int_equal(s->shown, o->shown);
		assert_int_equal(s->waits, o->status == RK_OB_PENDING_TRIGGER);
		live++;
	}
	simple_pass_none(b);
	for (int i = 0; i < b->count; i++)
		live -= b->orders[i].rests || b->orders[i].waits;
	assert_int_equal(live, 0);
	assert_int_equal(ob->books[0].last_price, b->last);
}

static void
the_same_as_the_simple_one(void **state)
{
	static simple_book b;
	int64_t		seen[16] = {0};
	int64_t		reasons[32] = {0};
	int64_t		auctions = 0;
	int64_t		events = 0;

	(void) state;
	for (uint64_t k = 0; k < BOOKS; k++)
	{
		rk_ctx		ctx;
		rk_ob	   *ob;
		rk_ob_instrument rules = rules_of(k);

		rk_ctx_init(&ctx);
		assert_int_equal(rk_ob_create(&ctx, 1, false, &ob), RK_OK);
		rk_ob_set_instrument(ob, 0, &rules);
		memset(&b, 0, sizeof(b));
		b.rules = rules;
		b.last = RK_OB_NONE;
		for (int64_t i = 0; i < EVENTS; i++, events++)
		{
			rk_ob_event e = draw(k, i);

			rk_ob_clear_reports(ob);
			assert_int_equal(rk_ob_apply(ob, &e), RK_OK);
			simple_apply(&b, &e);
			compare_reports(ob, &b);
			if (i % 10 == 0)
				compare_books(ob, &b);
			for (int64_t r = 0; r < ob->report_count; r++)
			{
				seen[ob->reports[r].event]++;
				reasons[ob->reports[r].reason]++;
				auctions += ob->reports[r].event == RK_OB_EV_TRADE && ob->reports[r].aggressor == RK_OB_NO_SIDE;
			}
		}
		rk_ctx_destroy(&ctx);
	}
	/* everything that can happen has happened, and often */
	assert_true(events >= 1000000);
	for (int i = 0; i <= RK_OB_EV_DECREMENTED; i++)
		assert_true(seen[i] > 500);
	for (int i = 0; i <= RK_OB_OVERFLOW; i++)
		if (i != RK_OB_UNKNOWN_SYMBOL && i != RK_OB_ORDER_NOT_ACTIVE && i != RK_OB_OVERFLOW)
			assert_true(reasons[i] > 100);
	assert_true(auctions > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_the_simple_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

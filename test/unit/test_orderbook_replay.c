/*
 * test_orderbook_replay.c
 *	  Streams of events: what several engines say together is what one says,
 *	  with any number of threads, and from any snapshot on.
 */
#include "support.h"

#include "../../src/orderbook/orderbook.h"

#define ONE RK_OB_ONE
#define ROWS 24000

/* A stream as columns, and the same events one by one. */
typedef struct day
{
	rk_ob_stream stream;
	rk_ob_event *events;
	rk_ob_instrument rules[2];	/* that events of action instrument give */
	rk_ob_instrument *instruments;
	uint32_t	symbols;
	int64_t		*columns[16];
	uint32_t   *codes[6];
	bool	   *post_only;
} day;

/* How a day is to be. */
typedef struct kind_of_day
{
	uint32_t	symbols;
	bool		shared_ids;		/* ids that come again in any symbol */
	bool		late;			/* time also goes back */
	bool		timeless;
	bool		sessions;		/* days of trading that end */
} kind_of_day;

static rk_ob_event
draw_event(uint64_t seed, int64_t i, const kind_of_day *k)
{
	uint64_t	h = rk_hash2(seed, i);
	uint64_t	g = rk_hash2(seed + 1000, i);
	uint64_t	kind = h % 1000;
	uint32_t	symbol = (uint32_t) (rk_hash2(seed, i / 3) % k->symbols);
	uint64_t	ids = k->shared_ids ? 3000 : 1000;
	rk_ob_event e = {
		.action = RK_OB_ACTION_NEW,
		.symbol = symbol,
		.order_id = (k->shared_ids ? 0 : symbol * ids) + g % ids,
		.side = (h >> 20) & 1,
		.type = RK_OB_LIMIT,
		.tif = RK_OB_GTC,
		.price = (95 + (int64_t) ((h >> 32) % 11)) * ONE,
		.quantity = (1 + (int64_t) ((h >> 40) % 40)) * ONE,
		.stop_price = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,
		.min_quantity = RK_OB_NONE,
		.expires_at = RK_OB_NONE,
		.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,
		.trader = 1 + (g >> 20) % 7,
		.ts = k->timeless ? RK_OB_NONE : i / 2 * 1000 - (k->late && g % 5 == 0 ? 20000 : 0)
	};

	e.stp_group = e.trader;
	if (kind < 150)
		e.action = RK_OB_ACTION_CANCEL, e.trader = e.stp_group = 0, e.symbol = g & 1 ? symbol : RK_NO_INDEX;
	else if (kind < 280)
	{
		e.action = RK_OB_ACTION_AMEND;
		e.symbol = RK_NO_INDEX;
		e.trader = e.stp_group = 0;
		e.new_quantity = g & 4 ? e.quantity : RK_OB_NONE;
		e.new_price = g & 8 ? e.price : RK_OB_NONE;
	}
	else if (kind < 350)
		e.type = RK_OB_MARKET, e.tif = RK_OB_IOC, e.price = RK_OB_NONE;
	else if (kind < 430)
	{
		e.type = kind < 390 ? RK_OB_STOP : RK_OB_STOP_LIMIT;
		e.stop_price = e.price;
		e.price = kind < 390 ? RK_OB_NONE : e.price;
	}
	else if (kind < 500)
		e.display_quantity = 2 * ONE;
	else if (kind < 600 && !k->timeless)
		e.tif = RK_OB_GTD, e.expires_at = e.ts + (int64_t) (1 + (g >> 32) % 400) * 1000;
	else if (kind < 640)
		e.tif = kind < 610 ? RK_OB_FOK : kind < 620 ? RK_OB_IOC : RK_OB_DAY;
	else if (kind < 650)
		e.post_only = true;
	else if (kind < 653)
	{
		e.action = RK_OB_ACTION_PHASE;
		e.phase = g % 4 == 0 ? RK_OB_AUCTION : g % 37 == 0 ? RK_OB_CLOSED : RK_OB_CONTINUOUS;
		e.symbol = g % 3 == 0 ? RK_NO_INDEX : symbol;
	}
	else if (kind < 655)
	{
		e.action = RK_OB_ACTION_MASS_CANCEL;
		e.symbol = g % 3 == 0 ? RK_NO_INDEX : symbol;
		e.side = g & 1 ? RK_OB_NO_SIDE : RK_OB_BUY;
	}
	else if (kind < 660 && !k->timeless)
		e.action = RK_OB_ACTION_TIME, e.symbol = RK_NO_INDEX;
	else if (kind < 662)
		e.action = RK_OB_ACTION_INSTRUMENT;
	return e;
}

static uint32_t
code_of(uint64_t id)
{
	return id == 0 ? RK_NO_INDEX : (uint32_t) id - 1;
}

static day *
make_day(uint64_t seed, const kind_of_day *k)
{
	day		   *d = calloc(1, sizeof(*d));
	int64_t   **c = d->columns;

	d->symbols = k->symbols;
	d->events = malloc(sizeof(rk_ob_event) * ROWS);
	d->instruments = malloc(sizeof(rk_ob_instrument) * k->symbols);
	d->post_only = malloc(ROWS);
	for (int i = 0; i < 16; i++)
		c[i] = malloc(sizeof(int64_t) * ROWS);
	for (int i = 0; i < 6; i++)
		d->codes[i] = malloc(sizeof(uint32_t) * ROWS);
	for (uint32_t b = 0; b < k->symbols; b++)
	{
		d->instruments[b] = rk_ob_default_instrument;
		d->instruments[b].stp_mode = b % 6;
		if (k->sessions)
			d->instruments[b].trading_day_end = b % 3 == 0 ? RK_OB_NONE : (int64_t) (4000 + b * 7) * 1000;
	}
	d->rules[0] = rk_ob_default_instrument;
	d->rules[1] = rk_ob_default_instrument;
	d->rules[1].lot_size = 2 * ONE;
	for (int64_t i = 0; i < ROWS; i++)
	{
		rk_ob_event e = draw_event(seed, i, k);

		e.seq = 3 * i + 10;
		d->events[i] = e;
		c[0][i] = e.seq, c[1][i] = e.action, c[2][i] = e.side == RK_OB_NO_SIDE ? -1 : (int64_t) e.side;
		c[3][i] = e.type, c[4][i] = e.tif, c[5][i] = e.phase;
		c[6][i] = e.price, c[7][i] = e.stop_price, c[8][i] = e.quantity, c[9][i] = e.display_quantity;
		c[10][i] = e.min_quantity, c[11][i] = e.new_price, c[12][i] = e.new_quantity;
		c[13][i] = e.expires_at, c[14][i] = e.ts;
		d->codes[0][i] = e.symbol;
		d->codes[1][i] = (uint32_t) e.order_id;
		d->codes[2][i] = code_of(e.trader);
		d->codes[3][i] = code_of(e.stp_group);
		d->codes[4][i] = (uint32_t) (i & 1);
		d->post_only[i] = e.post_only;
	}
	d->stream = (rk_ob_stream) {
		.count = ROWS,.seq = c[0],.action = c[1],.side = c[2],.type = c[3],.tif = c[4],.phase = c[5],.price = c[6],
		.stop_price = c[7],.quantity = c[8],.display_quantity = c[9],.min_quantity = c[10],.new_price = c[11],
		.new_quantity = c[12],.expires_at = c[13],.ts = k->timeless ? NULL : c[14],.symbol = d->codes[0],
		.order_id = d->codes[1],.trader = d->codes[2],.stp_group = d->codes[3],.post_only = d->post_only,
		.rule = d->codes[4],.rules = d->rules
	};
	return d;
}

static void
free_day(day *d)
{
	free(d->events);
	free(d->instruments);
	free(d->post_only);
	for (int i = 0; i < 16; i++)
		free(d->columns[i]);
	for (int i = 0; i < 6; i++)
		free(d->codes[i]);
	free(d);
}

/* One engine, event by event. */
static rk_ob *
one_engine(rk_ctx *ctx, const day *d)
{
	rk_ob	   *ob;

	assert_int_equal(rk_ob_create(ctx, d->symbols, true, &ob), RK_OK);
	for (uint32_t b = 0; b < d->symbols; b++)
		rk_ob_set_instrument(ob, b, &d->instruments[b]);
	for (int64_t i = 0; i < ROWS; i++)
	{
		assert_int_equal(rk_ob_apply(ob, &d->events[i]), RK_OK);
		if (d->events[i].action == RK_OB_ACTION_INSTRUMENT)
			rk_ob_set_instrument(ob, d->events[i].symbol, &d->rules[i & 1]);
	}
	return ob;
}

static void
assert_same_report(const rk_ob_report *a, const rk_ob_report *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->event_no, b->event_no);
	assert_int_equal(a->event, b->event);
	assert_int_equal(a->symbol, b->symbol);
	assert_int_equal(a->order_id, b->order_id);
	assert_int_equal(a->contra_order_id, b->contra_order_id);
	assert_int_equal(a->side, b->side);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->aggressor, b->aggressor);
	assert_int_equal(a->price, b->price);
	assert_int_equal(a->quantity, b->quantity);
	assert_int_equal(a->remaining, b->remaining);
	assert_int_equal(a->cum_quantity, b->cum_quantity);
	assert_int_equal(a->avg_price, b->avg_price);
	assert_int_equal(a->trade_id, b->trade_id);
	assert_int_equal(a->ts, b->ts);
}

static void
assert_same_order(const rk_ob_order *a, const rk_ob_order *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->price, b->price);
	assert_int_equal(a->quantity, b->quantity);
	assert_int_equal(a->leaves, b->leaves);
	assert_int_equal(a->shown, b->shown);
	assert_int_equal(a->cum, b->cum);
	assert_true(a->turnover == b->turnover);
}

/* A result against the engine that did all of it. */
static void
assert_same_day(const rk_ob *one, const rk_ob_result *r)
{
	rk_ob_cursor *c = rk_ob_cursor_create(r, false);
	const rk_ob_order *o;
	const rk_ob *ob;
	uint32_t	symbol;
	rk_ob_report report;

	assert_int_equal(r->report_count, one->report_count);
	assert_int_equal(r->order_count, one->order_count);
	for (int64_t i = 0; i < one->report_count; i++)
	{
		assert_true(rk_ob_next_report(c, &report));
		assert_same_report(&report, &one->reports[i]);
	}
	assert_false(rk_ob_next_report(c, &report));
	c = rk_ob_cursor_create(r, true);
	for (uint32_t i = 0; i < one->order_count; i++)
	{
		assert_true(rk_ob_next_order(c, &o, &ob, &symbol));
		assert_int_equal(symbol, one->orders[i].book);
		assert_same_order(o, &one->orders[i]);
	}
	assert_false(rk_ob_next_order(c, &o, &ob, &symbol));
	for (uint32_t b = 0; b < r->symbols; b++)
		assert_true(rk_ob_hash(rk_ob_engine_of(r, b), r->place_of[b]) == rk_ob_hash(one, b));
}

static const kind_of_day kinds[] = {
	{.symbols = 1},
	{.symbols = 2},
	{.symbols = 40},
	{.symbols = 200, .sessions = true},
	{.symbols = 40, .sessions = true},
	{.symbols = 40, .timeless = true},
	{.symbols = 12, .shared_ids = true},
	{.symbols = 40, .late = true},
	{.symbols = 90, .sessions = true, .shared_ids = true, .late = true}
};

#define KINDS ((int) (sizeof(kinds) / sizeof(kinds[0])))

static void
parts_are_as_one(void **state)
{
	(void) state;
	for (int k = 0; k < KINDS * 2; k++)
	{
		day		   *d = make_day(100 + k, &kinds[k % KINDS]);
		rk_ctx		ctx;
		rk_ctx		other;
		rk_ob	   *one;

		rk_ctx_init(&ctx);
		one = one_engine(&ctx, d);
		for (int threads = 1; threads <= 8; threads = threads * 2 + (threads == 1))
		{
			rk_ob_result *r;

			rk_ctx_init(&other);
			other.threads = threads;
			assert_int_equal(rk_orderbook_replay(&other, &d->stream, d->instruments, d->symbols, RK_OB_NONE, NULL, &r),
							 RK_OK);
			assert_int_equal(r->seq, 3 * (ROWS - 1) + 10);
			assert_int_equal(r->part_count > 1, kinds[k % KINDS].symbols > 1 && !kinds[k % KINDS].shared_ids &&
							 !kinds[k % KINDS].late);
			assert_same_day(one, r);
			rk_ctx_destroy(&other);
			assert_int_equal(other.memory_used, 0);
		}
		rk_ctx_destroy(&ctx);
		free_day(d);
	}
}

/* What a stream has left at a point, as the beginning of another. */
static rk_ob_beginning
beginning_of(const rk_ob_result *r)
{
	rk_ob_figures *books = calloc(r->symbols + 1, sizeof(rk_ob_figures));
	rk_ob_order *orders = calloc(r->order_count + 1, sizeof(rk_ob_order));
	int64_t		count = 0;

	for (uint32_t b = 0; b < r->symbols; b++)
	{
		const rk_ob_book *book = rk_ob_book_of(r, b);
		rk_ob_walk	walk;

		books[b] = (rk_ob_figures) {
			b, book->phase, book->instrument.trading_day_end, book->day_end, book->last_price, book->last_quantity,
			book->open, book->high, book->low, book->volume, book->turnover, book->trade_count
		};
		rk_ob_walk_begin(rk_ob_engine_of(r, b), r->place_of[b], &walk);
		for (const rk_ob_order *o; (o = rk_ob_walk_next(&walk)) != NULL; count++)
		{
			orders[count] = *o;
			orders[count].book = b;
		}
	}
	return (rk_ob_beginning) {r->seq, r->symbols, books, count, orders};
}

/* Stops anywhere and goes on: the same reports but for orders that had ended, the same books. */
static void
any_snapshot_will_do(void **state)
{
	(void) state;
	for (int k = 0; k < KINDS * 3; k++)
	{
		day		   *d = make_day(200 + k, &kinds[k % KINDS]);
		int64_t		cut = 3 * (int64_t) (rk_hash2(9, k) % ROWS) + 10 + k % 3 - 1;
		rk_ctx		whole;
		rk_ctx		first;
		rk_ctx		second;
		rk_ob_result *all;
		rk_ob_result *before;
		rk_ob_result *after;
		rk_ob_beginning begin;
		rk_ob_cursor *c;
		rk_ob_cursor *a;
		rk_ob_report x;
		rk_ob_report y;

		rk_ctx_init(&whole);
		rk_ctx_init(&first);
		rk_ctx_init(&second);
		second.threads = 2;
		assert_int_equal(rk_orderbook_replay(&whole, &d->stream, d->instruments, d->symbols, RK_OB_NONE, NULL, &all), RK_OK);
		assert_int_equal(rk_orderbook_replay(&first, &d->stream, d->instruments, d->symbols, cut, NULL, &before), RK_OK);
		begin = beginning_of(before);
		/* rules that events gave go on */
		for (uint32_t b = 0; b < d->symbols; b++)
			d->instruments[b] = rk_ob_book_of(before, b)->instrument;
		assert_int_equal(rk_orderbook_replay(&second, &d->stream, d->instruments, d->symbols, RK_OB_NONE, &begin, &after), RK_OK);
		assert_int_equal(after->seq, all->seq);
		assert_int_equal(before->report_count + after->report_count, all->report_count);
		c = rk_ob_cursor_create(all, false);
		a = rk_ob_cursor_create(after, false);
		while (rk_ob_next_report(c, &x))
		{
			if (x.seq <= cut)
				continue;
			assert_true(rk_ob_next_report(a, &y));
			if (x.reason == RK_OB_ORDER_NOT_ACTIVE && y.reason == RK_OB_UNKNOWN_ORDER)
				y.reason = x.reason;
			assert_same_report(&y, &x);
		}
		for (uint32_t b = 0; b < d->symbols; b++)
			assert_true(rk_ob_hash(rk_ob_engine_of(after, b), after->place_of[b]) ==
						rk_ob_hash(rk_ob_engine_of(all, b), all->place_of[b]));
		free((void *) begin.books);
		free((void *) begin.orders);
		rk_ctx_destroy(&whole);
		rk_ctx_destroy(&first);
		rk_ctx_destroy(&second);
		free_day(d);
	}
}

/* ---- sweeps ---- */

static day *swept;

static rk_status
run_swept(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_ob_result *r;
	uint64_t   *hash = result;
	rk_ob_cursor *c;
	rk_ob_report report;
	rk_status	status = rk_orderbook_replay(ctx, &swept->stream, swept->instruments, swept->symbols, RK_OB_NONE, NULL, &r);

	(void) edges;
	if (status != RK_OK)
		return status;
	if ((c = rk_ob_cursor_create(r, false)) == NULL)
		return RK_ERR_MEMORY;
	for (*hash = 0; rk_ob_next_report(c, &report);)
		*hash = rk_hash_fold(*hash, rk_hash3(report.order_id, (uint64_t) report.price, (uint64_t) report.event_no));
	return RK_OK;
}

static void
sweeps(void **state)
{
	(void) state;
	swept = make_day(7, &kinds[4]);
	assert_thread_independent(run_swept, NULL, sizeof(uint64_t));
	assert_survives_allocation_failures(run_swept, NULL, sizeof(uint64_t));
	assert_cancellable(run_swept, NULL, sizeof(uint64_t));
	free_day(swept);
}

/* All parts together have the memory that the call may take. */
static void
one_limit_for_all(void **state)
{
	day		   *d = make_day(8, &kinds[2]);
	rk_ob_result *r;
	rk_ctx		ctx;
	int64_t		peak;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_orderbook_replay(&ctx, &d->stream, d->instruments, d->symbols, RK_OB_NONE, NULL, &r), RK_OK);
	peak = ctx.memory_peak;
	rk_ctx_destroy(&ctx);
	for (int part = 1; part <= 4; part++)
	{
		rk_status	status;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		ctx.memory_limit = peak / 4 * part + (part == 4 ? peak : 0);
		status = rk_orderbook_replay(&ctx, &d->stream, d->instruments, d->symbols, RK_OB_NONE, NULL, &r);
		if (part == 4)
			assert_int_equal(status, RK_OK);
		if (part == 1)
		{
			assert_int_equal(status, RK_ERR_MEMORY);
			assert_string_equal(ctx.error.message, "memory limit exceeded");
		}
		assert_true(ctx.memory_used <= ctx.memory_limit);
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
	}
	free_day(d);
}

/* A beginning that cannot be is refused. */
static void
impossible_beginnings(void **state)
{
	day		   *d = make_day(9, &kinds[0]);

	(void) state;
	for (int k = 0; k < 12; k++)
	{
		rk_ob_order o[2] = {{
			.id = 1,.side = RK_OB_BUY,.type = RK_OB_LIMIT,.tif = RK_OB_GTC,.status = RK_OB_NEW,.price = 90 * ONE,
			.quantity = 5 * ONE,.leaves = 5 * ONE,.shown = 5 * ONE,.display = RK_OB_NONE,.stop_price = RK_OB_NONE,
			.min_quantity = RK_OB_NONE,.expires_at = RK_OB_NONE,.entry = 1
		}};
		rk_ob_beginning begin = {.seq = 1,.order_count = 2,.orders = o};
		rk_ob_result *r;
		rk_ctx		ctx;

		o[1] = o[0];
		o[1].id = 2;
		o[1].entry = 2;
		switch (k)
		{
			case 1: o[1].id = 1; break;
			case 2: o[1].leaves = 4 * ONE; break;
			case 3: o[1].shown = 6 * ONE; break;
			case 4: o[1].shown = 0; break;
			case 5: o[1].status = RK_OB_FILLED; break;
			case 6: o[1].type = RK_OB_STOP; break;
			case 7: o[1].price = RK_OB_NONE; break;
			case 8: o[1].tif = RK_OB_GTD; break;
			case 9: o[1].entry = 0; break;
			case 10: o[1].quantity = o[1].leaves = o[1].shown = INT64_MAX; break;
			case 11: o[1].side = RK_OB_SELL; break;	/* they cross */
		}
		rk_ctx_init(&ctx);
		assert_int_equal(rk_orderbook_replay(&ctx, &d->stream, d->instruments, d->symbols, 5, &begin, &r),
						 k == 0 ? RK_OK : RK_ERR_DATA);
		rk_ctx_destroy(&ctx);
	}
	free_day(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_as_one),
		cmocka_unit_test(any_snapshot_will_do),
		cmocka_unit_test(sweeps),
		cmocka_unit_test(one_limit_for_all),
		cmocka_unit_test(impossible_beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

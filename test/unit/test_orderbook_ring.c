/*
 * test_orderbook_ring.c
 *	  orderbook/matching as an actor: replies, all or nothing when memory is
 *	  short, snapshots, and the same bits from the journal again.
 */
#include "support.h"

#include "../../src/orderbook/book_ring.h"

#define ACTOR rk_actor_orderbook_matching
#define ABSENT RK_FIELD_ABSENT_INT8
#define ONE RK_FIXED_ONE

/* The options of the actor as they are by default. */
static rk_options
default_options(rk_option *values)
{
	int			n = 0;

	for (const rk_param *p = ACTOR.options; p && p->name; p++, n++)
		values[n] = (rk_option) {
			.param = p,
			.is_null = strcmp(p->initial, "NULL") == 0,
			.integer = p->choices ? RK_OB_STP_CANCEL_NEWEST : strtoll(p->initial, NULL, 10),
			.truth = strcmp(p->initial, "true") == 0
		};
	return (rk_options) {values, n};
}

static void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

static char answer[65536] __attribute__((aligned(8)));

/* Sends a message; the reply is in answer. */
static rk_status
send(rk_ctx *ctx, void *state, uint32_t type, const void *payload, int64_t sent_ns)
{
	rk_reply	reply = {.data = answer,.capacity = sizeof(answer),.grow = no_growth};
	rk_message	m = {.type_id = type,.length = rk_actor_message(&ACTOR, type)->request_size,.payload = payload,
	.sent_ns = sent_ns};

	ctx->error.status = RK_OK;
	return ACTOR.handle(ctx, state, &m, &reply);
}

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

typedef struct bytes
{
	char	   *data;
	size_t		size;
} bytes;

static rk_status
write_bytes(rk_writer *writer, rk_ctx *ctx, const void *data, size_t size)
{
	bytes	   *b = writer->arg;

	(void) ctx;
	b->data = realloc(b->data, b->size + size + 1);
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return RK_OK;
}

/*
 * Before each message some allocation is made to fail: the state must be what
 * it was.  In between the actor is thrown away and comes back from a snapshot
 * and the messages since.
 */
static void
all_or_nothing_and_back(void **unused)
{
	rk_option	values[8];
	rk_options	options = default_options(values);
	rk_ctx		memory[2];		/* of the actor, and of the one that follows it */
	int			turn = 0;
	void	   *state;
	int			failures = 0;
	int			restored = 0;
	int64_t		snapshot_at = 0;
	bytes		image = {0};
	rk_writer	writer = {write_bytes, &image};

	(void) unused;
	rk_ctx_init(&memory[turn]);
	assert_int_equal(ACTOR.init(&memory[turn], &options, &state), RK_OK);
	assert_int_equal(ACTOR.snapshot(&memory[turn], state, &writer), RK_OK);
	for (int64_t i = 0; i < 20000; i++)
	{
		rk_ob_event_request e = random_event(5, i);
		uint64_t	sum = ACTOR.checksum(&memory[turn], state);
		rk_status	status;

		/* the first allocation, or the second: a book has several */
		memory[turn].fail_allocation = memory[turn].allocations + 1 + i % 3;
		status = send(&memory[turn], state, 502, &e, i);
		if (status != RK_OK)
		{
			assert_int_equal(status, RK_ERR_MEMORY);
			assert_true(ACTOR.checksum(&memory[turn], state) == sum);
			failures++;
			memory[turn].fail_allocation = 0;
			assert_int_equal(send(&memory[turn], state, 502, &e, i), RK_OK);
		}
		memory[turn].fail_allocation = 0;
		if (i % 1700 == 900)
		{
			image.size = 0;
			assert_int_equal(ACTOR.snapshot(&memory[turn], state, &writer), RK_OK);
			snapshot_at = i + 1;
		}
		if (i % 1700 == 1600)
		{
			rk_ctx	   *again = &memory[1 - turn];
			void	   *replayed;
			rk_reader	reader = {image.data, image.size};

			rk_ctx_init(again);
			assert_int_equal(ACTOR.restore(again, &options, ACTOR.version, &reader, &replayed), RK_OK);
			assert_int_equal(reader.left, 0);
			for (int64_t k = snapshot_at; k <= i; k++)
			{
				e = random_event(5, k);
				assert_int_equal(send(again, replayed, 502, &e, k), RK_OK);
			}
			assert_true(ACTOR.checksum(again, replayed) == ACTOR.checksum(&memory[turn], state));
			/* go on with the one that came back */
			rk_ctx_destroy(&memory[turn]);
			turn = 1 - turn;
			state = replayed;
			restored++;
		}
	}
	assert_true(failures > 10);
	assert_true(restored > 5);
	free(image.data);
	rk_ctx_destroy(&memory[turn]);
}

/* A snapshot that ends too early is refused; one with a byte changed does no harm. */
static void
broken_snapshots(void **unused)
{
	rk_option	values[8];
	rk_options	options = default_options(values);
	rk_ctx		ctx;
	void	   *state;
	bytes		image = {0};
	rk_writer	writer = {write_bytes, &image};

	(void) unused;
	rk_ctx_init(&ctx);
	assert_int_equal(ACTOR.init(&ctx, &options, &state), RK_OK);
	for (int64_t i = 0; i < 600; i++)
	{
		rk_ob_event_request e = random_event(6, i);

		assert_int_equal(send(&ctx, state, 502, &e, i), RK_OK);
	}
	assert_int_equal(ACTOR.snapshot(&ctx, state, &writer), RK_OK);
	rk_ctx_destroy(&ctx);
	for (size_t cut = 0; cut < image.size; cut += cut < 200 ? 7 : 977)
	{
		rk_reader	reader = {image.data, cut};

		rk_ctx_init(&ctx);
		assert_int_equal(ACTOR.restore(&ctx, &options, 1, &reader, &state), RK_ERR_CORRUPT);
		rk_ctx_destroy(&ctx);
	}
	for (int i = 0; i < 2000; i++)
	{
		uint64_t	h = rk_hash2(8, i);
		size_t		at = h % image.size;
		rk_reader	reader = {image.data, image.size};

		image.data[at] ^= (char) (1 << (h >> 60) % 8);
		rk_ctx_init(&ctx);
		ctx.memory_limit = 64 << 20;
		(void) ACTOR.restore(&ctx, &options, 1, &reader, &state);
		rk_ctx_destroy(&ctx);
		image.data[at] ^= (char) (1 << (h >> 60) % 8);
	}
	free(image.data);
}

static void
replies_say_what_happened(void **unused)
{
	rk_option	values[8];
	rk_options	options = default_options(values);
	rk_ctx		ctx;
	void	   *state;
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
	const rk_ob_order_reply *r = (const rk_ob_order_reply *) answer;
	const rk_ob_trade_row *t;
	rk_ob_book_request look = {.symbol_id = 1,.depth = 10};

	(void) unused;
	rk_ctx_init(&ctx);
	assert_int_equal(ACTOR.init(&ctx, &options, &state), RK_OK);
	/* a symbol that is not there: by message 500 a rejection */
	assert_int_equal(send(&ctx, state, 500, &q, 1), RK_OK);
	assert_int_equal(r->status, RK_OB_REJECTED);
	assert_int_equal(r->reason, RK_OB_UNKNOWN_SYMBOL);
	assert_int_equal(send(&ctx, state, 550, &instrument, 1), RK_OK);
	assert_int_equal(((const rk_ob_instrument_reply *) answer)->symbol_id, 1);
	assert_int_equal(send(&ctx, state, 500, &q, 1), RK_OK);
	assert_int_equal(r->status, RK_OB_NEW);
	/* another order with its id says nothing of the one that is there */
	assert_int_equal(send(&ctx, state, 500, &q, 1), RK_OK);
	assert_int_equal(r->status, RK_OB_REJECTED);
	assert_int_equal(r->reason, RK_OB_DUPLICATE_ORDER_ID);
	q.order_id = 2;
	q.side = RK_OB_BUY;
	q.quantity = 7 * ONE;
	q.tif = RK_OB_DAY;
	assert_int_equal(send(&ctx, state, 500, &q, 1), RK_OK);
	assert_int_equal(r->status, RK_OB_PARTIALLY_FILLED);
	assert_int_equal(r->cum_quantity, 5 * ONE);
	assert_int_equal(r->remaining, 2 * ONE);
	assert_int_equal(r->trade_count, 1);
	assert_int_equal(r->first_trade_id, 1);
	assert_int_equal(send(&ctx, state, 534, &look, 1), RK_OK);
	t = (const rk_ob_trade_row *) (answer + sizeof(rk_ob_seq_reply));
	assert_int_equal(t->order_id, 2);
	assert_int_equal(t->contra_order_id, 1);
	assert_int_equal(t->quantity, 5 * ONE);
	/* the end of the day, an hour after midnight */
	look.ts = INT64_C(3600000000000);
	assert_int_equal(send(&ctx, state, 554, &look, 1), RK_OK);
	assert_int_equal(((const rk_ob_count_reply *) answer)->count, 1);
	look.symbol_id = 9;
	assert_int_equal(send(&ctx, state, 530, &look, 1), RK_ERR_PARAMETER);
	rk_ctx_destroy(&ctx);
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

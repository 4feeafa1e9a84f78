/*
 * book.c
 *	  Times order matching without a server: book WHAT EVENTS RUNS [THREADS]
 *	  prints the best and the median of the runs, and a number to compare, as
 *	  JSON.  WHAT is engine; or actor: the same events as messages of a ring; or
 *	  replay: as columns, dealt out to 64 symbols, which threads share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/orderbook/book_ring.h"
#include "book_stream.h"
#include "measure.h"

/* Applies all events; returns the quantity traded, in whole lots. */
static double
run_engine(rk_ctx *ctx, const book_event *events, int64_t count)
{
	rk_ob	   *ob;
	rk_ob_event e = {
		.stop_price = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,
		.min_quantity = RK_OB_NONE,
		.expires_at = RK_OB_NONE,
		.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,
		.ts = RK_OB_NONE
	};

	check(ctx, rk_ob_create(ctx, 1, false, &ob));
	for (int64_t i = 0; i < count; i++)
	{
		const book_event *b = &events[i];

		e.seq = i + 1;
		e.action = b->kind == BOOK_CANCEL ? RK_OB_ACTION_CANCEL : RK_OB_ACTION_NEW;
		e.order_id = b->order;
		e.side = b->buy ? RK_OB_BUY : RK_OB_SELL;
		e.type = b->kind == BOOK_MARKET ? RK_OB_MARKET : RK_OB_LIMIT;
		e.tif = b->kind == BOOK_MARKET ? RK_OB_IOC : RK_OB_GTC;
		e.price = b->kind == BOOK_MARKET ? RK_OB_NONE : b->price * (RK_OB_ONE / 100);
		e.quantity = b->quantity * RK_OB_ONE;
		rk_ob_clear_reports(ob);
		check(ctx, rk_ob_apply(ob, &e));
	}
	return (double) (ob->books[0].volume / RK_OB_ONE);
}

/* ---- as messages ---- */

static void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

static double
run_actor(rk_ctx *ctx, const book_event *events, int64_t count)
{
	const rk_actor *actor = &rk_actor_orderbook_matching;
	rk_option	values[8];
	rk_options	options = {values, 0};
	void	   *state;
	int64_t		answer[128];
	rk_ob_event_request q = {
		.stop_price = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,
		.min_quantity = RK_OB_NONE,
		.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,
		.expires_at = RK_OB_NONE,
		.trader_id = RK_OB_NONE,
		.stp_group = RK_OB_NONE,
		.ts = RK_OB_NONE,
		.tif = RK_FIELD_ABSENT_CODE,
		.phase = RK_FIELD_ABSENT_CODE,
		.symbol = "X"
	};
	double		volume = 0;

	for (const rk_param *p = actor->options; p->name; p++)
		values[options.count++] = (rk_option) {
			.param = p,
			.is_null = strcmp(p->initial, "NULL") == 0,
			.integer = p->choices ? RK_OB_STP_CANCEL_NEWEST : atoll(p->initial),
			.truth = strcmp(p->initial, "true") == 0
		};
	check(ctx, actor->init(ctx, &options, &state));
	for (int64_t i = 0; i < count; i++)
	{
		const book_event *b = &events[i];
		rk_reply	reply = {.data = answer,.capacity = sizeof(answer),.grow = no_growth};
		rk_message	m = {.type_id = 502,.length = sizeof(q),.payload = &q,.sent_ns = i};

		q.action = b->kind == BOOK_CANCEL ? RK_OB_ACTION_CANCEL : RK_OB_ACTION_NEW;
		q.order_id = b->order;
		q.side = b->buy ? RK_OB_BUY : RK_OB_SELL;
		q.order_type = b->kind == BOOK_MARKET ? RK_OB_MARKET : RK_OB_LIMIT;
		q.price = b->kind == BOOK_MARKET ? RK_OB_NONE : b->price * (RK_OB_ONE / 100);
		q.quantity = b->quantity * RK_OB_ONE;
		check(ctx, actor->handle(ctx, state, &m, &reply));
		/* what orders traded as they came is the volume */
		if (b->kind != BOOK_CANCEL)
			volume += (double) ((const rk_ob_order_reply *) answer)->cum_quantity / RK_OB_ONE;
	}
	return volume;
}

/* ---- as columns ---- */

#define SYMBOLS 64

static int	replay_threads = 1;

static double
run_replay(rk_ctx *ctx, const book_event *events, int64_t count)
{
	static rk_ob_stream s;
	rk_ob_instrument rules[SYMBOLS];
	rk_ob_result *r;
	double		volume = 0;

	/* the columns are the input: made once */
	if (s.count == 0)
	{
		int64_t    *column[6];
		uint32_t   *code[2];

		for (int c = 0; c < 6; c++)
			column[c] = malloc(sizeof(int64_t) * (size_t) count);
		for (int c = 0; c < 2; c++)
			code[c] = malloc(sizeof(uint32_t) * (size_t) count);
		for (int64_t i = 0; i < count; i++)
		{
			const book_event *b = &events[i];

			column[0][i] = i + 1;
			column[1][i] = b->kind == BOOK_CANCEL ? RK_OB_ACTION_CANCEL : RK_OB_ACTION_NEW;
			column[2][i] = b->buy ? RK_OB_BUY : RK_OB_SELL;
			column[3][i] = b->kind == BOOK_MARKET ? RK_OB_MARKET : RK_OB_LIMIT;
			column[4][i] = b->kind == BOOK_MARKET ? RK_OB_NONE : b->price * (RK_OB_ONE / 100);
			column[5][i] = b->quantity * RK_OB_ONE;
			code[0][i] = b->order % SYMBOLS;
			code[1][i] = b->order;
		}
		s = (rk_ob_stream) {
			.count = count,.seq = column[0],.action = column[1],.side = column[2],.type = column[3],.price = column[4],
			.quantity = column[5],.symbol = code[0],.order_id = code[1]
		};
	}
	for (int b = 0; b < SYMBOLS; b++)
		rules[b] = rk_ob_default_instrument;
	ctx->threads = replay_threads;
	check(ctx, rk_orderbook_replay(ctx, &s, rules, SYMBOLS, RK_OB_NONE, NULL, &r));
	for (uint32_t b = 0; b < SYMBOLS; b++)
		volume += (double) (rk_ob_book_of(r, b)->volume / RK_OB_ONE);
	return volume;
}

static int
compare_double(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "engine";
	int64_t		count = argc > 2 ? atoll(argv[2]) : 1000000;
	int			runs = argc > 3 ? atoi(argv[3]) : 5;
	book_event *events = malloc(sizeof(book_event) * (size_t) count);
	double	   *times = malloc(sizeof(double) * (size_t) runs);
	double		result = 0;

	book_stream(events, count);
	if (argc > 4)
		replay_threads = atoi(argv[4]);
	rk_memory_retain(INT64_C(1) << 30);
	for (int r = 0; r < runs; r++)
	{
		rk_ctx		ctx;
		double		began = now();

		rk_ctx_init(&ctx);
		result = (strcmp(what, "actor") == 0 ? run_actor : strcmp(what, "replay") == 0 ? run_replay : run_engine)
			(&ctx, events, count);
		times[r] = now() - began;
		rk_ctx_destroy(&ctx);
	}
	qsort(times, (size_t) runs, sizeof(double), compare_double);
	printf("{\"best\": %.6f, \"median\": %.6f, \"result\": %.17g}\n", times[0], times[runs / 2], result);
	return 0;
}

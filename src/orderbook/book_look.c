/*
 * book_look.c
 *	  What a ring of orderbook/matching says of its orders, books and trades.
 */
#include "book_state.h"

#include "book.h"

#define POLL_ROWS 4096

static rk_status
query_order(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_query_order_request *q = m->payload;
	rk_ob_query_order_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	const rk_ob_order *o = rk_ob_find(s->ob, (uint64_t) q->order_id);

	if (r == NULL)
		return ctx->error.status;
	r->seq = s->ob->seq;
	r->order_id = q->order_id;
	r->known = o == NULL;
	if (o == NULL)
		return RK_OK;
	memcpy(r->symbol, s->names[o->book].text, RK_OB_SYMBOL_BYTES);
	r->side = o->side;
	r->order_type = o->type;
	r->tif = o->tif;
	r->status = o->status;
	r->price = o->price;
	r->quantity = o->quantity;
	r->displayed = o->shown;
	r->remaining = o->leaves;
	r->cum_quantity = o->cum;
	r->avg_price = rk_ob_average(o);
	r->queue_position = o->status == RK_OB_PENDING_TRIGGER ? RK_FIELD_ABSENT_INT8 : rk_ob_queue_position(s->ob, o);
	return RK_OK;
}

/* What the first levels of a side show, as far as a number can say it. */
static int64_t
depth_of(const rk_ladder *l, int64_t levels)
{
	rk_ladder_place place;
	int64_t		sum = 0;

	for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX && levels > 0;
		 level = rk_ladder_next(l, &place))
	{
		if (l->levels[level].key == INT64_MAX)
			continue;			/* market orders of an auction have no price */
		if (__builtin_add_overflow(sum, l->levels[level].shown, &sum))
			return INT64_MAX;
		levels--;
	}
	return sum;
}

static rk_status
query_book(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_query_book_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	b;
	rk_status	status;
	const rk_ob_book *book;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, false, &b)) != RK_OK)
		return status;
	book = &s->ob->books[b];
	r->seq = s->ob->seq;
	r->best_bid = rk_ob_best_price(book, RK_OB_BUY);
	r->best_ask = rk_ob_best_price(book, RK_OB_SELL);
	r->bid_depth = depth_of(&book->sides[RK_OB_BUY], q->depth);
	r->ask_depth = depth_of(&book->sides[RK_OB_SELL], q->depth);
	r->spread = r->mid_price = RK_OB_NONE;
	if (r->best_bid != RK_OB_NONE && r->best_ask != RK_OB_NONE &&
		!__builtin_sub_overflow(r->best_ask, r->best_bid, &r->spread))
		r->mid_price = (int64_t) rk_ob_divide((__int128) r->best_ask + r->best_bid, 2);
	r->last_price = book->last_price;
	r->trade_count = book->trade_count;
	r->volume_24h = s->clock == RK_OB_NONE ? 0 : rk_book_day_volume(&s->days[b], s->clock);
	r->bid_orders = book->orders[RK_OB_BUY];
	r->ask_orders = book->orders[RK_OB_SELL];
	r->phase = book->phase;
	return RK_OK;
}

/* One row of a snapshot: a level, or an order in it. */
static rk_status
snapshot_row(rk_ctx *ctx, rk_reply *reply, int side, int32_t number, const rk_level *level, const rk_ob_order *o)
{
	rk_ob_snapshot_row *row = rk_reply_reserve(ctx, reply, sizeof(*row));

	if (row == NULL)
		return ctx->error.status;
	row->side = side;
	row->level = number;
	row->price = rk_ob_price_of_key(side, level->key);
	row->quantity = o ? o->shown : level->shown;
	row->order_count = level->count;
	row->order_id = o ? (int64_t) o->id : RK_FIELD_ABSENT_INT8;
	return RK_OK;
}

static rk_status
book_snapshot(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_seq_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	b;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	r->seq = s->ob->seq;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, false, &b)) != RK_OK)
		return status;
	for (int side = 0; side < 2; side++)
	{
		const rk_ladder *l = &s->ob->books[b].sides[side];
		rk_ladder_place place;
		int32_t		number = 0;

		for (uint32_t at = rk_ladder_first(l, &place); at != RK_NO_INDEX && number < q->depth && status == RK_OK;
			 at = rk_ladder_next(l, &place))
		{
			const rk_level *level = &l->levels[at];

			if (level->key == INT64_MAX)
				continue;
			number++;
			if (q->book_level == 0)
				status = snapshot_row(ctx, reply, side, number, level, NULL);
			else
				for (uint32_t o = level->head; o != RK_NO_INDEX && status == RK_OK; o = s->ob->orders[o].next)
					status = snapshot_row(ctx, reply, side, number, level, &s->ob->orders[o]);
		}
	}
	return status;
}

static rk_status
list_trades(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_seq_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		first = s->trades_total > s->trades_kept ? s->trades_total - s->trades_kept : 0;
	int32_t		rows = 0;
	uint32_t	b;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	r->seq = s->ob->seq;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, true, &b)) != RK_OK)
		return status;
	for (int64_t n = first; n < s->trades_total && rows < q->depth; n++)
	{
		const rk_ob_trade_row *t = &s->trades[n % s->trades_kept];
		rk_ob_trade_row *row;

		if (n % POLL_ROWS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (t->trade_id <= q->after_trade_id || (b != RK_NO_INDEX && t->symbol_id != (int32_t) b + 1))
			continue;
		if ((row = rk_reply_reserve(ctx, reply, sizeof(*row))) == NULL)
			return ctx->error.status;
		*row = *t;
		rows++;
	}
	return RK_OK;
}

static rk_status
list_symbols(rk_ctx *ctx, rk_book_state *s, rk_reply *reply)
{
	if (rk_reply_reserve(ctx, reply, sizeof(rk_ob_seq_reply)) == NULL)
		return ctx->error.status;
	for (uint32_t b = 0; b < s->ob->book_count; b++)
	{
		const rk_ob_book *book = &s->ob->books[b];
		rk_ob_symbol_row *row = rk_reply_reserve(ctx, reply, sizeof(*row));

		if (row == NULL)
			return ctx->error.status;
		row->symbol_id = (int32_t) b + 1;
		memcpy(row->symbol, s->names[b].text, RK_OB_SYMBOL_BYTES);
		row->phase = book->phase;
		row->best_bid = rk_ob_best_price(book, RK_OB_BUY);
		row->best_ask = rk_ob_best_price(book, RK_OB_SELL);
		row->last_price = book->last_price;
		row->trade_count = book->trade_count;
		row->order_count = (int64_t) book->orders[0] + book->orders[1] + book->waiting[0] + book->waiting[1];
	}
	return RK_OK;
}

static rk_status
state_hash(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_hash_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	b;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, false, &b)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->hash = (int64_t) rk_ob_hash(s->ob, b);
	return RK_OK;
}

rk_status
rk_book_look(rk_ctx *ctx, rk_book_state *s, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 526:
			return query_order(ctx, s, message, reply);
		case 530:
			return query_book(ctx, s, message, reply);
		case 532:
			return book_snapshot(ctx, s, message, reply);
		case 534:
			return list_trades(ctx, s, message, reply);
		case 536:
			return list_symbols(ctx, s, reply);
		default:
			return state_hash(ctx, s, message, reply);
	}
}

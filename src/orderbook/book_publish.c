/*
 * book_publish.c
 *	  What a ring of orderbook/matching publishes: trades, execution reports,
 *	  and the price levels that an event has changed.
 */
#include "book_state.h"

#include <stdlib.h>

#include "book.h"

static void
publish_trade(rk_book_state *s, const rk_ob_report *r)
{
	bool		buyer_came = r->side == RK_OB_BUY;
	int64_t		ours = r->has_order ? (int64_t) r->order_id : RK_FIELD_ABSENT_INT8;
	int64_t		theirs = r->has_contra ? (int64_t) r->contra_order_id : RK_FIELD_ABSENT_INT8;
	rk_ob_trade_record t = {
		.trade_id = r->trade_id,
		.buy_order_id = buyer_came ? ours : theirs,
		.sell_order_id = buyer_came ? theirs : ours,
		.price = r->price,
		.quantity = r->quantity,
		.maker_fee = r->maker_fee,
		.taker_fee = r->taker_fee,
		.ts = r->ts,
		.seq = r->seq,
		.symbol_id = (int32_t) r->symbol + 1,
		.aggressor = r->aggressor == RK_OB_NO_SIDE ? RK_FIELD_ABSENT_CODE : (int16_t) r->aggressor
	};

	memcpy(t.symbol, s->names[r->symbol].text, RK_OB_SYMBOL_BYTES);
	rk_publish(s->reply, 560, &t, sizeof(t));
}

void
rk_book_publish(rk_book_state *s, const rk_ob_report *r)
{
	rk_ob_report_record e = {
		.seq = r->seq,
		.event_no = r->event_no,
		.order_id = r->has_order ? (int64_t) r->order_id : RK_FIELD_ABSENT_INT8,
		.contra_order_id = r->has_contra ? (int64_t) r->contra_order_id : RK_FIELD_ABSENT_INT8,
		.price = r->price,
		.quantity = r->quantity,
		.remaining = r->remaining,
		.cum_quantity = r->cum_quantity,
		.avg_price = r->avg_price,
		.trade_id = r->event == RK_OB_EV_TRADE ? r->trade_id : RK_FIELD_ABSENT_INT8,
		.ts = r->ts,
		.event = (int16_t) r->event,
		.side = r->side == RK_OB_NO_SIDE ? RK_FIELD_ABSENT_CODE : (int16_t) r->side,
		.status = (int16_t) r->status,
		.reason = (int16_t) r->reason
	};

	if (r->symbol < s->ob->book_count)
		memcpy(e.symbol, s->names[r->symbol].text, RK_OB_SYMBOL_BYTES);
	rk_publish(s->reply, 561, &e, sizeof(e));
	if (r->event == RK_OB_EV_TRADE)
		publish_trade(s, r);
}

/* By symbol, buyers first, the best level first. */
static int
by_place(const void *a, const void *b)
{
	const rk_ob_touch *x = a;
	const rk_ob_touch *y = b;

	if (x->symbol != y->symbol)
		return x->symbol < y->symbol ? -1 : 1;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	return x->key > y->key ? -1 : x->key < y->key;
}

void
rk_book_publish_levels(void *arg)
{
	rk_book_state *s = arg;
	rk_ob	   *ob = s->ob;

	if (s->reply->publish && ob->touch_count > 1)
		qsort(ob->touched, ob->touch_count, sizeof(rk_ob_touch), by_place);
	for (uint32_t i = 0; s->reply->publish && i < ob->touch_count; i++)
	{
		const rk_ob_touch *t = &ob->touched[i];
		const rk_ladder *l = &ob->books[t->symbol].sides[t->side];
		uint32_t	level = rk_ladder_find(l, t->key);
		rk_ob_level_record r = {
			.seq = ob->seq,
			.price = rk_ob_price_of_key(t->side, t->key),
			.quantity = level == RK_NO_INDEX ? 0 : l->levels[level].shown,
			.order_count = level == RK_NO_INDEX ? 0 : l->levels[level].count,
			.symbol_id = (int32_t) t->symbol + 1,
			.side = (int16_t) t->side
		};

		/* market orders of an auction have no price */
		if (t->key == INT64_MAX || (i > 0 && by_place(t, t - 1) == 0))
			continue;
		memcpy(r.symbol, s->names[t->symbol].text, RK_OB_SYMBOL_BYTES);
		rk_publish(s->reply, 562, &r, sizeof(r));
	}
	ob->touch_count = 0;
}

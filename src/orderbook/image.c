/*
 * image.c
 *	  An engine as bytes, and back.
 *
 * What is written is what decides the future: rules and figures of every book,
 * its live orders in the order in which they are served, with the number of
 * their entry.  Ladders, the index by id and the heap of expiries follow from
 * these.  Every member has a place of its own, so that the bytes are the same
 * whatever compiler made the library.
 */
#include "book_ring.h"

#include "book.h"

typedef struct stored_engine
{
	int64_t		seq;
	int64_t		entries;
	int64_t		books;
} stored_engine;

typedef struct stored_book
{
	int64_t		rules[15];		/* members of the instrument in their order */
	int64_t		phase;
	int64_t		day_end;
	int64_t		last_price;
	int64_t		last_quantity;
	int64_t		open;
	int64_t		high;
	int64_t		low;
	int64_t		volume[2];		/* low half, high half */
	int64_t		turnover[2];
	int64_t		trade_count;
	int64_t		orders[4];		/* in the sides, among the stops */
} stored_book;

typedef struct stored_order
{
	int64_t		id;
	int64_t		price;
	int64_t		leaves;
	int64_t		shown;
	int64_t		stp_group;
	int64_t		trader;
	int64_t		quantity;
	int64_t		cum;
	int64_t		display;
	int64_t		stop_price;
	int64_t		min_quantity;
	int64_t		expires_at;
	int64_t		entry;
	int64_t		turnover[2];
	uint8_t		type;
	uint8_t		tif;
	uint8_t		status;
	uint8_t		post_only;
	uint8_t		unused[4];
} stored_order;

static void
split(__int128 value, int64_t *halves)
{
	halves[0] = (int64_t) (uint64_t) value;
	halves[1] = (int64_t) (value >> 64);
}

static __int128
join(const int64_t *halves)
{
	return (__int128) ((unsigned __int128) (uint64_t) halves[1] << 64 | (uint64_t) halves[0]);
}

static rk_ladder *
ladder_of(rk_ob_book *book, int i)
{
	return i < 2 ? &book->sides[i] : &book->stops[i - 2];
}

/* ---- writing ---- */

static rk_status
write_order(rk_ctx *ctx, const rk_ob_order *o, rk_writer *writer)
{
	stored_order s = {
		.id = (int64_t) o->id,
		.price = o->price,
		.leaves = o->leaves,
		.shown = o->shown,
		.stp_group = (int64_t) o->stp_group,
		.trader = (int64_t) o->trader,
		.quantity = o->quantity,
		.cum = o->cum,
		.display = o->display,
		.stop_price = o->stop_price,
		.min_quantity = o->min_quantity,
		.expires_at = o->expires_at,
		.entry = o->entry,
		.type = o->type,
		.tif = o->tif,
		.status = o->status,
		.post_only = o->post_only
	};

	split(o->turnover, s.turnover);
	return rk_write(ctx, writer, &s, sizeof(s));
}

static rk_status
write_book(rk_ctx *ctx, const rk_ob *ob, rk_ob_book *book, rk_writer *writer)
{
	const rk_ob_instrument *i = &book->instrument;
	stored_book s = {
		.rules = {i->tick_size, i->lot_size, i->min_quantity, i->max_quantity, i->max_notional, i->band_low,
			i->band_high, i->collar_ticks, i->max_levels, i->allow_negative, i->maker_fee_rate, i->taker_fee_rate,
		i->stp_mode, i->reference_price, i->trading_day_end},
		.phase = book->phase,
		.day_end = book->day_end,
		.last_price = book->last_price,
		.last_quantity = book->last_quantity,
		.open = book->open,
		.high = book->high,
		.low = book->low,
		.trade_count = book->trade_count,
		.orders = {book->orders[0], book->orders[1], book->waiting[0], book->waiting[1]}
	};
	rk_status	status;

	split(book->volume, s.volume);
	split(book->turnover, s.turnover);
	status = rk_write(ctx, writer, &s, sizeof(s));
	for (int k = 0; k < 4; k++)
	{
		const rk_ladder *l = ladder_of(book, k);
		rk_ladder_place place;

		for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX && status == RK_OK;
			 level = rk_ladder_next(l, &place))
		{
			for (uint32_t o = l->levels[level].head; o != RK_NO_INDEX && status == RK_OK; o = ob->orders[o].next)
				status = write_order(ctx, &ob->orders[o], writer);
		}
	}
	return status;
}

rk_status
rk_ob_write(rk_ctx *ctx, const rk_ob *ob, rk_writer *writer)
{
	stored_engine s = {ob->seq, ob->entries, ob->book_count};
	rk_status	status = rk_write(ctx, writer, &s, sizeof(s));

	for (uint32_t b = 0; b < ob->book_count && status == RK_OK; b++)
		status = write_book(ctx, ob, &ob->books[b], writer);
	return status;
}

/* ---- reading ---- */

static rk_status
impossible(rk_ctx *ctx, const char *what)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible %s", what);
}

static rk_status
read_order(rk_ctx *ctx, rk_ob *ob, uint32_t b, int ladder, rk_reader *reader)
{
	stored_order s;
	rk_ob_order o;
	rk_status	status = rk_read_bytes(ctx, reader, &s, sizeof(s));

	if (status != RK_OK)
		return status;
	if (s.post_only > 1 || (s.status == RK_OB_PENDING_TRIGGER) != (ladder >= 2))
		return impossible(ctx, "order");
	o = (rk_ob_order) {
		.id = (uint64_t) s.id,
		.price = s.price,
		.leaves = s.leaves,
		.shown = s.shown,
		.stp_group = (uint64_t) s.stp_group,
		.trader = (uint64_t) s.trader,
		.book = b,
		.side = ladder % 2 == 0 ? RK_OB_BUY : RK_OB_SELL,
		.type = s.type,
		.tif = s.tif,
		.status = s.status,
		.post_only = s.post_only,
		.quantity = s.quantity,
		.cum = s.cum,
		.display = s.display,
		.stop_price = s.stop_price,
		.min_quantity = s.min_quantity,
		.expires_at = s.expires_at,
		.entry = s.entry,
		.turnover = join(s.turnover)
	};
	return rk_ob_can_place(ob, &o) ? rk_ob_place(ob, &o) : impossible(ctx, "order");
}

static rk_status
read_book(rk_ctx *ctx, rk_ob *ob, uint32_t b, rk_reader *reader)
{
	stored_book s;
	rk_status	status = rk_read_bytes(ctx, reader, &s, sizeof(s));
	rk_ob_book *book;

	if (status != RK_OK)
		return status;
	if (rk_ob_add_book(ob) == RK_NO_INDEX)
		return RK_ERR_MEMORY;
	if (s.rules[0] <= 0 || s.rules[1] < 0 || s.rules[9] < 0 || s.rules[9] > 1 || s.rules[12] < 0 ||
		s.rules[12] > RK_OB_STP_SKIP || s.phase < 0 || s.phase > RK_OB_CLOSED || s.trade_count < 0)
		return impossible(ctx, "book");
	rk_ob_set_instrument(ob, b, &(rk_ob_instrument) {
						 .tick_size = s.rules[0],
						 .lot_size = s.rules[1],
						 .min_quantity = s.rules[2],
						 .max_quantity = s.rules[3],
						 .max_notional = s.rules[4],
						 .band_low = s.rules[5],
						 .band_high = s.rules[6],
						 .collar_ticks = s.rules[7],
						 .max_levels = s.rules[8],
						 .allow_negative = s.rules[9],
						 .maker_fee_rate = s.rules[10],
						 .taker_fee_rate = s.rules[11],
						 .stp_mode = (rk_ob_stp) s.rules[12],
						 .reference_price = s.rules[13],
						 .trading_day_end = s.rules[14]
						 });
	book = &ob->books[b];
	book->phase = (rk_ob_phase) s.phase;
	book->day_end = s.day_end;
	book->last_price = s.last_price;
	book->last_quantity = s.last_quantity;
	book->open = s.open;
	book->high = s.high;
	book->low = s.low;
	book->volume = join(s.volume);
	book->turnover = join(s.turnover);
	book->trade_count = s.trade_count;
	for (int k = 0; k < 4; k++)
		for (int64_t i = 0; i < s.orders[k] && status == RK_OK; i++)
			status = read_order(ctx, ob, b, k, reader);
	return status;
}

rk_status
rk_ob_read(rk_ctx *ctx, rk_reader *reader, rk_ob **result)
{
	stored_engine s;
	rk_ob	   *ob;
	rk_status	status = rk_read_bytes(ctx, reader, &s, sizeof(s));

	if (status != RK_OK || (status = rk_ob_create(ctx, 0, false, &ob)) != RK_OK)
		return status;
	if (s.books < 0 || s.books >= RK_NO_INDEX || s.entries < 0)
		return impossible(ctx, "number of books");
	ob->seq = s.seq;
	ob->entries = s.entries;
	for (int64_t b = 0; b < s.books && status == RK_OK; b++)
		status = read_book(ctx, ob, (uint32_t) b, reader);
	*result = ob;
	return status;
}

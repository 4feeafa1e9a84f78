/*
 * replay.c
 *	  A stream of events folded over an engine, and what is left in the books.
 */
#include "book.h"

#define POLL_MASK 255

/* The value of an optional column. */
static inline int64_t
value_or(const int64_t *column, int64_t row, int64_t otherwise)
{
	return column && column[row] != RK_OB_NONE ? column[row] : otherwise;
}

/* The code of an optional column. */
static inline int64_t
code_or(const int64_t *column, int64_t row, int64_t otherwise)
{
	return column && column[row] >= 0 ? column[row] : otherwise;
}

/* A value that the action of its row cannot do without. */
static rk_status
missing(rk_ctx *ctx, const char *column, int64_t row, rk_ob_action action)
{
	return rk_fail(ctx, RK_ERR_DATA, "column \"%s\" of \"events\" is NULL in row %lld, but action %s needs it",
				   column, (long long) row + 1, rk_ob_action_names[action]);
}

/* Row i as an event. */
static rk_status
make_event(rk_ctx *ctx, const rk_ob_stream *s, int64_t i, rk_ob_event *e)
{
	uint32_t	order = s->order_id ? s->order_id[i] : RK_NO_INDEX;
	uint32_t	trader = s->trader ? s->trader[i] : RK_NO_INDEX;
	uint32_t	group = s->stp_group && s->stp_group[i] != RK_NO_INDEX ? s->stp_group[i] : trader;
	int64_t		side = code_or(s->side, i, RK_OB_NO_SIDE);
	int64_t		type = code_or(s->type, i, RK_OB_LIMIT);

	*e = (rk_ob_event) {
		.seq = s->seq[i],
		.action = code_or(s->action, i, RK_OB_ACTION_NEW),
		.symbol = s->symbol ? s->symbol[i] : RK_NO_INDEX,
		.order_id = order,
		.side = side,
		.type = type,
		.tif = code_or(s->tif, i, type == RK_OB_MARKET ? RK_OB_IOC : RK_OB_GTC),
		.price = value_or(s->price, i, RK_OB_NONE),
		.stop_price = value_or(s->stop_price, i, RK_OB_NONE),
		.quantity = value_or(s->quantity, i, RK_OB_NONE),
		.expires_at = value_or(s->expires_at, i, RK_OB_NONE),
		.display_quantity = value_or(s->display_quantity, i, RK_OB_NONE),
		.min_quantity = value_or(s->min_quantity, i, RK_OB_NONE),
		.post_only = s->post_only && s->post_only[i],
		.trader = trader == RK_NO_INDEX ? 0 : (uint64_t) trader + 1,
		.stp_group = group == RK_NO_INDEX ? 0 : (uint64_t) group + 1,
		.new_price = value_or(s->new_price, i, RK_OB_NONE),
		.new_quantity = value_or(s->new_quantity, i, RK_OB_NONE),
		.phase = code_or(s->phase, i, RK_OB_CONTINUOUS),
		.ts = value_or(s->ts, i, RK_OB_NONE)
	};
	switch (e->action)
	{
		case RK_OB_ACTION_NEW:
			if (e->symbol == RK_NO_INDEX)
				return missing(ctx, "symbol", i, e->action);
			if (side == RK_OB_NO_SIDE)
				return missing(ctx, "side", i, e->action);
			/* FALLTHROUGH */
		case RK_OB_ACTION_AMEND:
		case RK_OB_ACTION_CANCEL:
			if (order == RK_NO_INDEX)
				return missing(ctx, "order_id", i, e->action);
			break;
		case RK_OB_ACTION_PHASE:
			if (code_or(s->phase, i, -1) < 0)
				return missing(ctx, "phase", i, e->action);
			break;
		case RK_OB_ACTION_TIME:
			if (e->ts == RK_OB_NONE)
				return missing(ctx, "ts", i, e->action);
			break;
		case RK_OB_ACTION_MASS_CANCEL:
		case RK_OB_ACTION_INSTRUMENT:
			break;
	}
	return RK_OK;
}

rk_status
rk_orderbook_replay(rk_ctx *ctx, const rk_ob_stream *events, const rk_ob_instrument *instruments,
					uint32_t symbols, int64_t until_seq, rk_ob **result)
{
	rk_ob	   *ob;
	rk_status	status = rk_ob_create(ctx, symbols, true, &ob);

	if (status != RK_OK)
		return status;
	for (uint32_t b = 0; b < symbols; b++)
		rk_ob_set_instrument(ob, b, &instruments[b]);
	for (int64_t i = 0; i < events->count; i++)
	{
		rk_ob_event e;

		if ((i & POLL_MASK) == 0)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			rk_progress(ctx, i);
		}
		if (i > 0 && events->seq[i] <= events->seq[i - 1])
			return rk_fail(ctx, RK_ERR_DATA, "column \"seq\" of \"events\" does not rise: %lld in row %lld follows %lld",
						   (long long) events->seq[i], (long long) i + 1, (long long) events->seq[i - 1]);
		if (until_seq != RK_OB_NONE && events->seq[i] > until_seq)
			break;
		if ((status = make_event(ctx, events, i, &e)) != RK_OK ||
			(status = rk_ob_apply(ob, &e)) != RK_OK)
			return status;
	}
	*result = ob;
	return RK_OK;
}

rk_status
rk_ob_list_depth(const rk_ob *ob, uint32_t symbol, int64_t depth, rk_ob_depth **list, int64_t *count)
{
	const rk_ob_book *book = &ob->books[symbol];
	int64_t		levels = (int64_t) book->sides[0].count + book->sides[1].count;

	*count = 0;
	if ((*list = rk_alloc(ob->ctx, levels, sizeof(rk_ob_depth))) == NULL)
		return RK_ERR_MEMORY;
	for (int side = 0; side < 2; side++)
	{
		const rk_ladder *l = &book->sides[side];
		rk_ladder_place place;
		int64_t		number = 0;

		for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX && number < depth;
			 level = rk_ladder_next(l, &place))
		{
			int64_t		key = l->levels[level].key;

			if (key == INT64_MAX)
				continue;		/* market orders of an auction have no price */
			(*list)[(*count)++] = (rk_ob_depth) {
				.symbol = symbol,
				.side = side,
				.level = ++number,
				.price = side == RK_OB_BUY ? key : -key,
				.quantity = l->levels[level].shown,
				.orders = l->levels[level].count
			};
		}
	}
	return RK_OK;
}

int64_t
rk_ob_vwap(const rk_ob_book *book)
{
	return book->volume == 0 ? RK_OB_NONE : (int64_t) rk_ob_divide(book->turnover, book->volume);
}

__int128
rk_ob_shown(const rk_ob_book *book, rk_ob_side side)
{
	const rk_ladder *l = &book->sides[side];
	rk_ladder_place place;
	__int128	sum = 0;

	for (uint32_t level = rk_ladder_first(l, &place); level != RK_NO_INDEX; level = rk_ladder_next(l, &place))
		if (l->levels[level].key != INT64_MAX)
			sum += l->levels[level].shown;
	return sum;
}

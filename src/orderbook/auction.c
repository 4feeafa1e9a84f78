/*
 * auction.c
 *	  The end of an auction: one price at which most can be traded.
 *
 * The price is among the limits in the book.  It trades the most; of several
 * it leaves the smallest surplus; of several, the highest when all leave
 * buyers, the lowest when all leave sellers, else the one nearest to the
 * reference price (the last price where there is none), then the higher.
 * Market orders trade first, then price, then time.  Hidden parts take part;
 * orders of one group may trade with each other.
 */
#include "book.h"

#include <stdlib.h>

/* What a price would do. */
typedef struct candidate
{
	int64_t		price;
	__int128	volume;
	__int128	surplus;		/* what buyers want beyond what sellers offer */
} candidate;

static __int128
magnitude(__int128 value)
{
	return value < 0 ? -value : value;
}

int64_t
rk_ob_uncross_bytes(const rk_ob_book *book)
{
	return ((int64_t) book->sides[RK_OB_BUY].count + book->sides[RK_OB_SELL].count) * (int64_t) sizeof(candidate) +
		(int64_t) book->sides[RK_OB_BUY].count * (int64_t) sizeof(rk_level *);
}

/*
 * The limits of both sides, rising, without repetition, and what they trade;
 * in the engine's scratch space.
 */
static const candidate *
list_candidates(rk_ob *ob, const rk_ob_book *book, int64_t *count)
{
	const rk_ladder *bids = &book->sides[RK_OB_BUY];
	const rk_ladder *asks = &book->sides[RK_OB_SELL];
	rk_ladder_place place;
	uint32_t	level;
	candidate  *merged = ob->scratch;
	const rk_level **limits = (const rk_level **) (merged + bids->count + asks->count);
	__int128	sold = 0;
	__int128	bought = 0;
	int64_t		n = 0;
	int64_t		m = 0;

	/* bids come from the highest price on, so they are taken from the end */
	for (level = rk_ladder_first(bids, &place); level != RK_NO_INDEX; level = rk_ladder_next(bids, &place))
	{
		bought += bids->levels[level].leaves;
		if (bids->levels[level].key != INT64_MAX)
			limits[n++] = &bids->levels[level];
	}
	/* asks come from the lowest on, as the volume of sellers grows */
	level = rk_ladder_first(asks, &place);
	if (level != RK_NO_INDEX && asks->levels[level].key == INT64_MAX)
	{
		sold = asks->levels[level].leaves;
		level = rk_ladder_next(asks, &place);
	}
	while (n > 0 || level != RK_NO_INDEX)
	{
		int64_t		bid = n > 0 ? limits[n - 1]->key : INT64_MAX;
		int64_t		ask = level != RK_NO_INDEX ? -asks->levels[level].key : INT64_MAX;
		int64_t		price = bid < ask ? bid : ask;

		if (level != RK_NO_INDEX && ask == price)
		{
			sold += asks->levels[level].leaves;
			level = rk_ladder_next(asks, &place);
		}
		merged[m++] = (candidate) {
			.price = price,
			.volume = bought < sold ? bought : sold,
			.surplus = bought - sold
		};
		/* bids at this price do not buy at a higher one */
		if (n > 0 && bid == price)
			bought -= limits[--n]->leaves;
	}
	*count = m;
	return merged;
}

/* The best of the candidates; NULL when none trades anything. */
static const candidate *
choose(const rk_ob_book *book, const candidate *list, int64_t count)
{
	int64_t		reference = book->instrument.reference_price != RK_OB_NONE ?
		book->instrument.reference_price : book->last_price;
	const candidate *best = NULL;
	bool		all_buy = true;
	bool		all_sell = true;

	for (int64_t i = 0; i < count; i++)
		if (list[i].volume > 0 &&
			(best == NULL || list[i].volume > best->volume ||
			 (list[i].volume == best->volume && magnitude(list[i].surplus) < magnitude(best->surplus))))
			best = &list[i];
	if (best == NULL)
		return NULL;
	for (int64_t i = 0; i < count; i++)
	{
		if (list[i].volume != best->volume || magnitude(list[i].surplus) != magnitude(best->surplus))
			continue;
		all_buy &= list[i].surplus > 0;
		all_sell &= list[i].surplus < 0;
	}
	if (all_sell)
		return best;			/* the lowest: it was found first */
	for (int64_t i = 0; i < count; i++)
	{
		const candidate *c = &list[i];

		if (c->volume != best->volume || magnitude(c->surplus) != magnitude(best->surplus))
			continue;
		if (all_buy || reference == RK_OB_NONE ||
			magnitude((__int128) c->price - reference) <= magnitude((__int128) best->price - reference))
			best = c;			/* rising prices: of two alike the higher */
	}
	return best;
}

/* After an auction trade: the order is done, or stays with less. */
static rk_status
settle(rk_ob *ob, uint32_t order, int64_t quantity)
{
	rk_ob_order *o = &ob->orders[order];
	rk_ladder  *side = &ob->books[o->book].sides[o->side];
	rk_level   *level = &side->levels[o->level];
	int64_t		shown = o->leaves < o->shown ? o->leaves : o->shown;

	level->leaves -= quantity;
	level->shown += shown - o->shown;
	rk_ob_touch_level(ob, o->book, o->side, level->key);
	o->shown = shown;
	if (o->leaves > 0)
		return RK_OK;
	rk_ob_dequeue(ob, side, order);
	if (rk_ob_report_order(ob, RK_OB_EV_DONE, o, RK_OB_REASON_NONE) == NULL)
		return RK_ERR_MEMORY;
	rk_ob_end_order(ob, order, RK_OB_FILLED, RK_OB_REASON_NONE);
	return RK_OK;
}

rk_status
rk_ob_uncross(rk_ob *ob, uint32_t symbol)
{
	rk_ob_book *book = &ob->books[symbol];
	int64_t		count;
	const candidate *list = list_candidates(ob, book, &count);
	const candidate *chosen = choose(book, list, count);
	rk_status	status = RK_OK;

	if (chosen != NULL)
	{
		int64_t		price = chosen->price;
		__int128	left = chosen->volume;

		while (left > 0 && status == RK_OK)
		{
			uint32_t	buyer = book->sides[RK_OB_BUY].levels[rk_ladder_best(&book->sides[RK_OB_BUY])].head;
			uint32_t	seller = book->sides[RK_OB_SELL].levels[rk_ladder_best(&book->sides[RK_OB_SELL])].head;
			int64_t		quantity = ob->orders[buyer].leaves < ob->orders[seller].leaves ?
				ob->orders[buyer].leaves : ob->orders[seller].leaves;

			if (quantity > left)
				quantity = (int64_t) left;
			left -= quantity;
			if ((status = rk_ob_trade(ob, buyer, seller, price, quantity, RK_OB_NO_SIDE)) == RK_OK &&
				(status = settle(ob, seller, quantity)) == RK_OK)
				status = settle(ob, buyer, quantity);
		}
	}
	for (int side = 0; side < 2 && status == RK_OK; side++)
	{
		for (;;)
		{
			uint32_t	level = rk_ladder_find(&book->sides[side], INT64_MAX);
			uint32_t	order;

			if (level == RK_NO_INDEX || status != RK_OK)
				break;
			order = book->sides[side].levels[level].head;
			status = rk_ob_cancel_order(ob, order, RK_OB_EV_CANCELED, RK_OB_CANCELED,
										ob->orders[order].cum > 0 ? RK_OB_IOC_REMAINDER : RK_OB_NO_LIQUIDITY);
		}
	}
	return status;
}

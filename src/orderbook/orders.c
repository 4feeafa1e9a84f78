/*
 * orders.c
 *	  Orders in memory: the pool, the index by id, and what is taken before an
 *	  event begins so that none ends half done.
 */
#include "book.h"

#include "../compute/random.h"

/* ---- orders by id ---- */

static inline uint64_t
slot_of_id(const rk_ob *ob, uint64_t id)
{
	return rk_mix64(id) & ob->slot_mask;
}

/* The slot that holds this id, or the empty one where it belongs. */
static uint64_t
find_slot(const rk_ob *ob, uint64_t id)
{
	uint64_t	at = slot_of_id(ob, id);

	while (ob->slots[at] != 0 && ob->orders[ob->slots[at] - 1].id != id)
		at = (at + 1) & ob->slot_mask;
	return at;
}

rk_ob_order *
rk_ob_find(const rk_ob *ob, uint64_t id)
{
	uint64_t	at = find_slot(ob, id);

	return ob->slots[at] && rk_ob_is_live(&ob->orders[ob->slots[at] - 1]) ?
		&ob->orders[ob->slots[at] - 1] : NULL;
}

rk_ob_reason
rk_ob_reason_of_absence(const rk_ob *ob, uint64_t id)
{
	return ob->slots[find_slot(ob, id)] ? RK_OB_ORDER_NOT_ACTIVE : RK_OB_UNKNOWN_ORDER;
}

void
rk_ob_forget_id(rk_ob *ob, uint64_t id)
{
	uint64_t	hole = find_slot(ob, id);
	uint64_t	at = hole;

	for (;;)
	{
		uint64_t	home;

		at = (at + 1) & ob->slot_mask;
		if (ob->slots[at] == 0)
			break;
		home = slot_of_id(ob, ob->orders[ob->slots[at] - 1].id);
		/* it may move to the hole unless its home lies between */
		if (((at - home) & ob->slot_mask) >= ((at - hole) & ob->slot_mask))
		{
			ob->slots[hole] = ob->slots[at];
			hole = at;
		}
	}
	ob->slots[hole] = 0;
	ob->slots_used--;
}

static rk_status
grow_slots(rk_ob *ob)
{
	uint64_t	mask = ob->slot_mask * 2 + 1;
	uint32_t   *fresh = rk_alloc0(ob->ctx, mask + 1, sizeof(uint32_t));
	uint32_t   *old = ob->slots;
	uint64_t	old_mask = ob->slot_mask;

	if (fresh == NULL)
		return RK_ERR_MEMORY;
	ob->slots = fresh;
	ob->slot_mask = mask;
	for (uint64_t i = 0; i <= old_mask; i++)
		if (old[i] != 0)
			fresh[find_slot(ob, ob->orders[old[i] - 1].id)] = old[i];
	rk_free(ob->ctx, old);
	return RK_OK;
}

/* Room for so many more orders; those that are free count when it is one. */
static rk_status
reserve_orders(rk_ob *ob, uint32_t count)
{
	while ((ob->slots_used + count) * 2 > ob->slot_mask)
		if (grow_slots(ob) != RK_OK)
			return RK_ERR_MEMORY;
	if (count == 1 && ob->free_order != RK_NO_INDEX)
		return RK_OK;
	while (ob->order_capacity - ob->order_count < count)
	{
		uint32_t	capacity = ob->order_capacity * 2;
		rk_ob_order *grown;

		if (ob->order_capacity > RK_NO_INDEX / 2)
			return rk_fail(ob->ctx, RK_ERR_LIMIT, "too many orders");
		if ((grown = rk_realloc(ob->ctx, ob->orders, capacity, sizeof(rk_ob_order))) == NULL)
			return RK_ERR_MEMORY;
		ob->orders = grown;
		ob->order_capacity = capacity;
	}
	return RK_OK;
}

uint32_t
rk_ob_take_order(rk_ob *ob, uint64_t id)
{
	uint32_t	order = ob->free_order;
	uint64_t	slot;

	if (order != RK_NO_INDEX)
		ob->free_order = ob->orders[order].next;
	else
		order = ob->order_count++;
	/* an order that has ended, but is kept, gives its id to the new one */
	slot = find_slot(ob, id);
	ob->orders[order].id = id;
	ob->slots_used += ob->slots[slot] == 0;
	ob->slots[slot] = order + 1;
	ob->live++;
	return order;
}

/* ---- saved orders ---- */

bool
rk_ob_can_place(const rk_ob *ob, const rk_ob_order *s)
{
	bool		stop = s->type == RK_OB_STOP || s->type == RK_OB_STOP_LIMIT;
	const rk_ob_book *book;
	uint32_t	level;
	int64_t		sum;

	if (s->book >= ob->book_count || s->side > RK_OB_SELL || s->type > RK_OB_STOP_LIMIT || s->tif > RK_OB_GTD ||
		s->leaves <= 0 || s->cum < 0 || s->quantity < s->leaves || s->quantity - s->leaves != s->cum ||
		s->shown < 0 || s->shown > s->leaves || s->entry < 1 || s->entry > ob->entries ||
		(s->display != RK_OB_NONE && s->display <= 0) || (s->tif == RK_OB_GTD && s->expires_at == RK_OB_NONE) ||
		rk_ob_find(ob, s->id) != NULL)
		return false;
	book = &ob->books[s->book];
	if (s->status == RK_OB_PENDING_TRIGGER)
		return stop && s->stop_price != RK_OB_NONE && s->shown == 0 && s->cum == 0 &&
			(s->price != RK_OB_NONE) == (s->type == RK_OB_STOP_LIMIT);
	if (stop || (s->status != RK_OB_NEW && s->status != RK_OB_PARTIALLY_FILLED) || s->shown == 0 ||
		(s->shown < s->leaves && s->display == RK_OB_NONE) || (s->price == RK_OB_NONE && book->phase != RK_OB_AUCTION))
		return false;
	level = rk_ladder_find(&book->sides[s->side], rk_ob_key(s->side, s->price));
	return level == RK_NO_INDEX ||
		!__builtin_add_overflow(book->sides[s->side].levels[level].leaves, s->leaves, &sum);
}

rk_status
rk_ob_place(rk_ob *ob, const rk_ob_order *s)
{
	rk_ob_event room = {.action = RK_OB_ACTION_NEW,.symbol = s->book,.tif = RK_OB_GTD,.ts = RK_OB_NONE};
	bool		waits = s->status == RK_OB_PENDING_TRIGGER;
	rk_ob_book *book = &ob->books[s->book];
	rk_status	status = rk_ob_reserve(ob, &room);
	uint32_t	order;

	if (status != RK_OK)
		return status;
	order = rk_ob_take_order(ob, s->id);
	ob->orders[order] = *s;
	if (s->tif == RK_OB_GTD)
		rk_ob_add_expiry(ob, order);
	return rk_ob_enqueue(ob, waits ? &book->stops[s->side] : &book->sides[s->side], order,
						 waits ? rk_ob_stop_key(s->side, s->stop_price) : rk_ob_key(s->side, s->price));
}

/* ---- what an event may need ---- */

/* Room for so many more orders that are good till a time. */
static rk_status
reserve_expiries(rk_ob *ob, int64_t count)
{
	int64_t		capacity = ob->expiry_capacity ? ob->expiry_capacity * 2 : 64;
	rk_ob_expiry *grown;

	if (ob->expiry_count + count <= ob->expiry_capacity)
		return RK_OK;
	if (capacity < ob->expiry_count + count)
		capacity = ob->expiry_count + count;
	if ((grown = rk_realloc(ob->ctx, ob->expiries, capacity, sizeof(rk_ob_expiry))) == NULL)
		return RK_ERR_MEMORY;
	ob->expiries = grown;
	ob->expiry_capacity = capacity;
	return RK_OK;
}

/* Levels that may be new when orders enter: their own, and those of all stops they trigger. */
static rk_status
reserve_levels(rk_ob *ob, rk_ob_book *book, uint32_t count)
{
	rk_status	status;

	for (int side = 0; side < 2; side++)
	{
		rk_ladder  *l = &book->sides[side];
		int64_t		room = book->instrument.max_levels - l->count;
		int64_t		wanted = (int64_t) book->waiting[side] + count;

		if (room < wanted)
			wanted = room;
		if ((wanted > 0 && (status = rk_ladder_reserve(ob->ctx, l, (uint32_t) wanted)) != RK_OK) ||
			(status = rk_ladder_reserve(ob->ctx, &book->stops[side], count)) != RK_OK)
			return status;
	}
	return RK_OK;
}

/* Scratch space of so many bytes. */
static rk_status
reserve_scratch(rk_ob *ob, int64_t bytes)
{
	void	   *fresh;

	if (bytes <= ob->scratch_bytes)
		return RK_OK;
	if ((fresh = rk_alloc(ob->ctx, bytes + bytes / 2, 1)) == NULL)
		return RK_ERR_MEMORY;
	rk_free(ob->ctx, ob->scratch);
	ob->scratch = fresh;
	ob->scratch_bytes = bytes + bytes / 2;
	return RK_OK;
}

rk_status
rk_ob_reserve(rk_ob *ob, const rk_ob_event *e)
{
	const rk_ob_order *o;
	rk_status	status = RK_OK;
	int64_t		aged = ob->live > ob->expiry_count ? ob->live : ob->expiry_count;

	/* what time ends is put in order first */
	if (e->ts != RK_OB_NONE && ((ob->expiry_count > 0 && ob->expiries[0].expires_at <= e->ts) ||
								e->ts >= ob->next_day_end))
		status = reserve_scratch(ob, aged * (int64_t) sizeof(rk_ob_aged));
	if (status != RK_OK)
		return status;
	switch (e->action)
	{
		case RK_OB_ACTION_NEW:
			if (e->symbol >= ob->book_count)
				return RK_OK;
			if ((status = reserve_orders(ob, 1)) != RK_OK ||
				(e->tif == RK_OB_GTD && (status = reserve_expiries(ob, 1)) != RK_OK))
				return status;
			return reserve_levels(ob, &ob->books[e->symbol], 1);
		case RK_OB_ACTION_AMEND:
			if ((o = rk_ob_find(ob, e->order_id)) == NULL)
				return RK_OK;
			if (o->tif == RK_OB_GTD && (status = reserve_expiries(ob, 1)) != RK_OK)
				return status;
			return reserve_levels(ob, &ob->books[o->book], 1);
		case RK_OB_ACTION_PRINT:
			return reserve_levels(ob, &ob->books[e->symbol], 1);
		case RK_OB_ACTION_MASS_CANCEL:
			return reserve_scratch(ob, aged * (int64_t) sizeof(rk_ob_aged));
		case RK_OB_ACTION_PHASE:
			status = reserve_scratch(ob, aged * (int64_t) sizeof(rk_ob_aged));
			for (uint32_t b = 0; b < ob->book_count && status == RK_OK; b++)
			{
				rk_ob_book *book = &ob->books[b];

				if (e->symbol != RK_NO_INDEX && e->symbol != b)
					continue;
				if ((status = reserve_levels(ob, book, 1)) == RK_OK)
					status = reserve_scratch(ob, rk_ob_uncross_bytes(book));
			}
			return status;
		default:
			return RK_OK;
	}
}

rk_status
rk_ob_reserve_batch(rk_ob *ob, const rk_ob_event *events, int64_t count)
{
	int64_t		aged = (ob->live > ob->expiry_count ? ob->live : ob->expiry_count) + count;
	int64_t		bytes = aged * (int64_t) sizeof(rk_ob_aged);
	int64_t		counters = (int64_t) ob->book_count * (int64_t) sizeof(uint32_t);
	uint32_t   *of_book;
	rk_status	status;

	if ((status = reserve_scratch(ob, bytes > counters ? bytes : counters)) != RK_OK ||
		(status = reserve_orders(ob, (uint32_t) count)) != RK_OK ||
		(status = reserve_expiries(ob, count)) != RK_OK)
		return status;
	of_book = ob->scratch;
	for (int64_t i = 0; i < count; i++)
		if (events[i].symbol < ob->book_count)
			of_book[events[i].symbol] = 0;
	for (int64_t i = 0; i < count; i++)
		if (events[i].symbol < ob->book_count)
			of_book[events[i].symbol]++;
	for (int64_t i = 0; i < count && status == RK_OK; i++)
		if (events[i].symbol < ob->book_count)
			status = reserve_levels(ob, &ob->books[events[i].symbol], of_book[events[i].symbol]);
	return status;
}

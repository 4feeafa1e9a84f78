/*
 * matching_ring.c
 *	  orderbook/matching as an actor: live books, fed order by order.
 *
 * The engine is that of the batch form, and an event is applied as there, so
 * that a ring that was fed a table has what the batch function says about it.
 * Time is that of the messages: the sender's clock, where a message does not
 * say.  Reports of the engine pass through take_reports: trades are kept, the
 * last ones of them, and what became of the message's own order is answered.
 */
#include "book_state.h"

#include "../compute/random.h"
#include "book.h"

#define ABSENT_CODE RK_FIELD_ABSENT_CODE
#define TOUCHES 1024			/* levels of an event before they are published */

/* ---- symbols ---- */

/* The slot of a name, or the empty one where it belongs. */
static uint32_t
name_slot(const rk_book_state *s, const rk_book_name *name)
{
	uint64_t	words[3];
	uint32_t	at;

	memcpy(words, name->text, sizeof(words));
	at = (uint32_t) rk_hash_fold(rk_hash2(words[0], words[1]), words[2]) & s->slot_mask;
	while (s->slots[at] != 0 && memcmp(&s->names[s->slots[at] - 1], name, sizeof(*name)) != 0)
		at = (at + 1) & s->slot_mask;
	return at;
}

static rk_status
grow_names(rk_ctx *ctx, rk_book_state *s)
{
	uint32_t	count = s->ob->book_count;

	if (count == s->name_capacity)
	{
		uint32_t	capacity = s->name_capacity * 2;
		rk_book_name *grown = rk_realloc(ctx, s->names, capacity, sizeof(rk_book_name));
		rk_book_day *days = grown ? rk_realloc(ctx, s->days, capacity, sizeof(rk_book_day)) : NULL;
		uint32_t   *slots = days ? rk_alloc0(ctx, (int64_t) capacity * 2, sizeof(uint32_t)) : NULL;

		if (grown)
			s->names = grown;
		if (days)
			s->days = days;
		if (slots == NULL)
			return RK_ERR_MEMORY;
		rk_free(ctx, s->slots);
		s->slots = slots;
		s->name_capacity = capacity;
		s->slot_mask = capacity * 2 - 1;
		for (uint32_t b = 0; b < count; b++)
			s->slots[name_slot(s, &s->names[b])] = b + 1;
	}
	return RK_OK;
}

/* The book of this name; RK_NO_INDEX: there is none. */
static uint32_t
find_book(rk_book_state *s, const char *symbol)
{
	rk_book_name name = {{0}};
	uint32_t	slot;

	memcpy(name.text, symbol, RK_OB_SYMBOL_BYTES);
	if (s->recent < s->ob->book_count && memcmp(&s->names[s->recent], &name, sizeof(name)) == 0)
		return s->recent;
	slot = name_slot(s, &name);
	if (s->slots[slot] == 0)
		return RK_NO_INDEX;
	return s->recent = s->slots[slot] - 1;
}

/* Makes a book of this name; RK_NO_INDEX when memory is short. */
static uint32_t
add_book(rk_ctx *ctx, rk_book_state *s, const char *symbol)
{
	rk_book_name name = {{0}};
	uint32_t	book;

	memcpy(name.text, symbol, RK_OB_SYMBOL_BYTES);
	if (grow_names(ctx, s) != RK_OK || (book = rk_ob_add_book(s->ob)) == RK_NO_INDEX)
		return RK_NO_INDEX;
	rk_ob_set_instrument(s->ob, book, &s->initial);
	s->slots[name_slot(s, &name)] = book + 1;
	s->names[book] = name;
	s->days[book] = (rk_book_day) {0};
	return book;
}

/* Takes the youngest book away again: its event came to nothing. */
static void
remove_last_book(rk_ctx *ctx, rk_book_state *s)
{
	rk_free(ctx, s->days[s->ob->book_count - 1].minutes);
	s->slots[name_slot(s, &s->names[s->ob->book_count - 1])] = 0;
	rk_ob_remove_last_book(s->ob);
}

rk_status
rk_book_named(rk_ctx *ctx, rk_book_state *s, int32_t symbol_id, const char *symbol, bool all, uint32_t *book)
{
	*book = RK_NO_INDEX;
	if (symbol[0] != '\0')
	{
		if ((*book = find_book(s, symbol)) == RK_NO_INDEX)
			return rk_fail(ctx, RK_ERR_PARAMETER, "symbol \"%.*s\" is not known", RK_OB_SYMBOL_BYTES, symbol);
		return RK_OK;
	}
	if (symbol_id == RK_FIELD_ABSENT_INT4 || symbol_id == 0)
		return all ? RK_OK : rk_fail(ctx, RK_ERR_PARAMETER, "field \"symbol_id\" or \"symbol\" must be given");
	if (symbol_id < 0 || (uint32_t) symbol_id > s->ob->book_count)
		return rk_fail(ctx, RK_ERR_PARAMETER, "symbol %d is not known", symbol_id);
	*book = (uint32_t) symbol_id - 1;
	return RK_OK;
}

/* ---- reports ---- */

static void
keep_trade(rk_book_state *s, const rk_ob_report *r)
{
	s->trades_hash = rk_hash_fold(s->trades_hash, (uint64_t) r->trade_id);
	s->trades_hash = rk_hash_fold(s->trades_hash, r->order_id);
	s->trades_hash = rk_hash_fold(s->trades_hash, r->contra_order_id);
	s->trades_hash = rk_hash_fold(s->trades_hash, (uint64_t) r->price);
	s->trades_hash = rk_hash_fold(s->trades_hash, (uint64_t) r->quantity);
	if (s->trades_kept > 0)
		s->trades[s->trades_total % s->trades_kept] = (rk_ob_trade_row) {
			.trade_seq = r->seq,
			.trade_id = r->trade_id,
			.order_id = r->has_order ? (int64_t) r->order_id : RK_FIELD_ABSENT_INT8,
			.contra_order_id = r->has_contra ? (int64_t) r->contra_order_id : RK_FIELD_ABSENT_INT8,
			.price = r->price,
			.quantity = r->quantity,
			.maker_fee = r->maker_fee,
			.taker_fee = r->taker_fee,
			.ts = r->ts,
			.symbol_id = (int32_t) r->symbol + 1,
			.side = r->side == RK_OB_NO_SIDE ? ABSENT_CODE : (int16_t) r->side,
			.aggressor = r->aggressor == RK_OB_NO_SIDE ? ABSENT_CODE : (int16_t) r->aggressor
		};
	s->trades_total++;
}

/* The engine's sink. */
static void
take_reports(void *arg, const rk_ob_report *reports, int64_t count)
{
	rk_book_state *s = arg;
	rk_book_outcome    *now = &s->now;

	for (int64_t i = 0; i < count; i++)
	{
		const rk_ob_report *r = &reports[i];
		bool		ours = now->watched && r->has_order && r->order_id == now->order_id;

		if (s->reply->publish)
			rk_book_publish(s, r);
		if (r->event == RK_OB_EV_TRADE)
		{
			keep_trade(s, r);
			rk_book_day_add(&s->days[r->symbol], r->ts, r->quantity);
			now->all_trades++;
			if (ours || (now->watched && r->contra_order_id == now->order_id))
			{
				if (now->trade_count++ == 0)
					now->first_trade_id = r->trade_id;
				now->last_trade_id = r->trade_id;
			}
		}
		if (ours)
		{
			now->last = *r;
			now->reported = true;
		}
		else if (r->event == RK_OB_EV_CANCELED || r->event == RK_OB_EV_EXPIRED)
			now->ended_count++;
		else if (!r->has_order && (r->event == RK_OB_EV_TRADE || r->event == RK_OB_EV_REJECTED))
			now->printed = *r;
	}
}

/* Room for the minute of trades in the books that an event may trade in. */
static rk_status
reserve_minutes(rk_ctx *ctx, rk_book_state *s, const rk_ob_event *e)
{
	uint32_t	first = e->symbol;
	uint32_t	last = e->symbol + 1;
	const rk_ob_order *o;

	switch (e->action)
	{
		case RK_OB_ACTION_NEW:
		case RK_OB_ACTION_PRINT:
			break;
		case RK_OB_ACTION_AMEND:
			if ((o = rk_ob_find(s->ob, e->order_id)) == NULL)
				return RK_OK;
			first = o->book;
			last = o->book + 1;
			break;
		case RK_OB_ACTION_PHASE:
			if (e->symbol != RK_NO_INDEX)
				break;
			first = 0;
			last = s->ob->book_count;
			break;
		default:
			return RK_OK;
	}
	for (uint32_t b = first; b < last && b < s->ob->book_count; b++)
		if (rk_book_day_reserve(ctx, &s->days[b], 1) != RK_OK)
			return RK_ERR_MEMORY;
	return RK_OK;
}

/* Applies an event with the next number. */
static rk_status
apply(rk_ctx *ctx, rk_book_state *s, const rk_message *message, rk_ob_event *e)
{
	rk_status	status;

	s->now = (rk_book_outcome) {
		.order_id = e->order_id,
		.watched = e->action == RK_OB_ACTION_NEW || e->action == RK_OB_ACTION_AMEND || e->action == RK_OB_ACTION_CANCEL,
		.first_trade_id = RK_FIELD_ABSENT_INT8,
		.last_trade_id = RK_FIELD_ABSENT_INT8
	};
	e->seq = s->ob->seq + 1;
	if (e->ts == RK_OB_NONE)
		e->ts = message->sent_ns;
	if (!s->ob->reserved && (status = reserve_minutes(ctx, s, e)) != RK_OK)
		return status;
	/* nobody listens: nothing is noted */
	s->ob->touched = s->reply->publish ? s->touches : NULL;
	if ((status = rk_ob_apply(s->ob, e)) == RK_OK && e->ts > s->clock)
		s->clock = e->ts;
	take_reports(s, s->ob->reports, s->ob->report_count);
	rk_ob_clear_reports(s->ob);
	rk_book_publish_levels(s);
	return status;
}

/* An event with nothing but its action. */
static rk_ob_event
event_of(rk_ob_action action)
{
	return (rk_ob_event) {
		.action = action,
		.symbol = RK_NO_INDEX,
		.side = RK_OB_NO_SIDE,
		.price = RK_OB_NONE,
		.stop_price = RK_OB_NONE,
		.quantity = RK_OB_NONE,
		.expires_at = RK_OB_NONE,
		.display_quantity = RK_OB_NONE,
		.min_quantity = RK_OB_NONE,
		.new_price = RK_OB_NONE,
		.new_quantity = RK_OB_NONE,
		.ts = RK_OB_NONE
	};
}

/* A trader or group: none where the field is absent. */
static inline uint64_t
party(int64_t id)
{
	return id == RK_FIELD_ABSENT_INT8 ? 0 : (uint64_t) id;
}

/* Says what became of the order of the message. */
static void
fill_order_reply(const rk_book_state *s, rk_ob_order_reply *r)
{
	const rk_book_outcome *now = &s->now;
	const rk_ob_order *o = NULL;
	bool		refused = now->reported && now->last.event == RK_OB_EV_REJECTED;

	r->seq = s->ob->seq;
	r->order_id = now->watched ? (int64_t) now->order_id : RK_FIELD_ABSENT_INT8;
	r->status = ABSENT_CODE;
	r->cum_quantity = r->avg_price = r->remaining = RK_OB_NONE;
	r->trade_count = now->trade_count;
	r->first_trade_id = now->first_trade_id;
	r->last_trade_id = now->last_trade_id;
	r->ended_count = now->ended_count;
	if (!now->watched)
		return;
	if (now->reported)
		r->reason = now->last.reason;
	/* an id that is refused may be that of another order */
	if (!refused && (o = rk_ob_find(s->ob, now->order_id)) != NULL)
	{
		r->status = o->status;
		r->cum_quantity = o->cum;
		r->avg_price = rk_ob_average(o);
		r->remaining = o->leaves;
	}
	else if (now->reported)
	{
		r->status = now->last.status;
		r->cum_quantity = now->last.cum_quantity;
		r->avg_price = now->last.avg_price;
		r->remaining = now->last.remaining;
	}
}

/* ---- messages that change books ---- */

/* An order of message 500, or of a batch of them. */
static rk_ob_event
event_of_order(const rk_ob_submit_request *q)
{
	rk_ob_event e = event_of(RK_OB_ACTION_NEW);

	e.order_id = (uint64_t) q->order_id;
	/* a symbol that is not known is a reason to reject, not an error */
	e.symbol = q->symbol_id < 1 ? RK_NO_INDEX : (uint32_t) q->symbol_id - 1;
	e.side = (rk_ob_side) q->side;
	e.type = (rk_ob_type) q->order_type;
	e.tif = q->tif != ABSENT_CODE ? (rk_ob_tif) q->tif : e.type == RK_OB_MARKET ? RK_OB_IOC : RK_OB_GTC;
	e.price = q->price;
	e.stop_price = q->stop_price;
	e.quantity = q->quantity;
	e.display_quantity = q->display_quantity;
	e.min_quantity = q->min_quantity;
	e.expires_at = q->expires_at;
	e.post_only = q->post_only;
	e.trader = party(q->trader_id);
	e.stp_group = party(q->stp_group != RK_FIELD_ABSENT_INT8 ? q->stp_group : q->trader_id);
	e.ts = q->ts;
	return e;
}

static rk_status
submit_order(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	rk_ob_order_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of_order(m->payload);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = apply(ctx, s, m, &e)) == RK_OK)
		fill_order_reply(s, r);
	return status;
}

/* Takes all memory of a batch, so that it is applied as a whole or not at all. */
static rk_status
reserve_batch(rk_ctx *ctx, rk_book_state *s, const rk_ob_batch_request *q)
{
	rk_status	status;

	if (s->batch == NULL && (s->batch = rk_alloc(ctx, RK_OB_BATCH, sizeof(rk_ob_event))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < q->count; i++)
	{
		s->batch[i] = event_of_order(&q->orders[i]);
		/* at worst each has a minute of its own; a day has no more of them than it has */
		if (s->batch[i].symbol < s->ob->book_count &&
			(status = rk_book_day_reserve(ctx, &s->days[s->batch[i].symbol], (int) q->count)) != RK_OK)
			return status;
	}
	return rk_ob_reserve_batch(s->ob, s->batch, q->count);
}

static rk_status
submit_batch(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_batch_request *q = m->payload;
	rk_ob_batch_reply *r;
	rk_ob_order_reply *rows;
	rk_status	status;

	if (q->count < 0 || q->count > RK_OB_BATCH)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"orders\" has %lld records, but room for %d", (long long) q->count,
					   RK_OB_BATCH);
	if ((r = rk_reply_reserve(ctx, reply, sizeof(*r) + (uint32_t) q->count * sizeof(rk_ob_order_reply))) == NULL)
		return ctx->error.status;
	rows = (rk_ob_order_reply *) (r + 1);
	if ((status = reserve_batch(ctx, s, q)) != RK_OK)
		return status;
	s->ob->reserved = true;
	for (int64_t i = 0; i < q->count && status == RK_OK; i++)
	{
		if ((status = apply(ctx, s, m, &s->batch[i])) == RK_OK)
			fill_order_reply(s, &rows[i]);
		r->total_trades += s->now.all_trades;
	}
	s->ob->reserved = false;
	return status;
}

static rk_status
cross_symbol_trade(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_cross_request *q = m->payload;
	rk_ob_cross_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_PRINT);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->target_symbol[0] == '\0')
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"target_symbol\" must not be empty");
	e.price = q->price;
	e.quantity = q->quantity;
	e.ts = q->ts;
	if ((status = rk_book_named(ctx, s, 0, q->target_symbol, false, &e.symbol)) != RK_OK ||
		(status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->symbol_id = (int32_t) e.symbol + 1;
	r->trade_id = s->now.printed.event == RK_OB_EV_TRADE ? s->now.printed.trade_id : RK_FIELD_ABSENT_INT8;
	r->reason = s->now.printed.reason;
	return RK_OK;
}

/* What an event lacks for its action. */
static const char *
missing_field(const rk_ob_event_request *q)
{
	switch (q->action)
	{
		case RK_OB_ACTION_NEW:
			if (q->symbol[0] == '\0')
				return "symbol";
			if (q->side == ABSENT_CODE)
				return "side";
			/* FALLTHROUGH */
		case RK_OB_ACTION_AMEND:
		case RK_OB_ACTION_CANCEL:
			return q->order_id == RK_FIELD_ABSENT_INT8 ? "order_id" : NULL;
		case RK_OB_ACTION_PHASE:
			return q->phase == ABSENT_CODE ? "phase" : NULL;
		default:
			return NULL;
	}
}

static rk_status
order_event(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_event_request *q = m->payload;
	rk_ob_order_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	const char *missing = missing_field(q);
	uint32_t	book = RK_NO_INDEX;
	bool		made = false;
	rk_status	status;
	rk_ob_event e;

	if (r == NULL)
		return ctx->error.status;
	if (missing)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"%s\" is NULL, but action %s needs it", missing,
					   rk_ob_action_names[q->action]);
	if (q->action == RK_OB_ACTION_INSTRUMENT)
		return rk_fail(ctx, RK_ERR_PARAMETER, "action instrument is a message of its own, 550");
	/* amendments and cancels go where the order is */
	if (q->symbol[0] != '\0' && q->action != RK_OB_ACTION_AMEND && q->action != RK_OB_ACTION_CANCEL)
	{
		book = find_book(s, q->symbol);
		made = book == RK_NO_INDEX && s->new_symbols;
		if (made && (book = add_book(ctx, s, q->symbol)) == RK_NO_INDEX)
			return RK_ERR_MEMORY;
		if (book == RK_NO_INDEX && q->action != RK_OB_ACTION_NEW)
			return rk_fail(ctx, RK_ERR_PARAMETER, "symbol \"%.*s\" is not known", RK_OB_SYMBOL_BYTES, q->symbol);
	}
	e = (rk_ob_event) {
		.action = (rk_ob_action) q->action,
		.symbol = book,
		.order_id = (uint64_t) q->order_id,
		.side = q->side == ABSENT_CODE ? RK_OB_NO_SIDE : (rk_ob_side) q->side,
		.type = (rk_ob_type) q->order_type,
		.tif = q->tif != ABSENT_CODE ? (rk_ob_tif) q->tif : q->order_type == RK_OB_MARKET ? RK_OB_IOC : RK_OB_GTC,
		.price = q->price,
		.stop_price = q->stop_price,
		.quantity = q->quantity,
		.expires_at = q->expires_at,
		.display_quantity = q->display_quantity,
		.min_quantity = q->min_quantity,
		.post_only = q->post_only,
		.trader = party(q->trader_id),
		.stp_group = party(q->stp_group != RK_FIELD_ABSENT_INT8 ? q->stp_group : q->trader_id),
		.new_price = q->new_price,
		.new_quantity = q->new_quantity,
		.phase = q->phase == ABSENT_CODE ? RK_OB_CONTINUOUS : (rk_ob_phase) q->phase,
		.ts = q->ts
	};
	if ((status = apply(ctx, s, m, &e)) == RK_OK)
		fill_order_reply(s, r);
	else if (made)
		remove_last_book(ctx, s);
	return status;
}

static rk_status
cancel_order(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_cancel_request *q = m->payload;
	rk_ob_cancel_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_CANCEL);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	e.order_id = (uint64_t) q->order_id;
	e.trader = party(q->trader_id);
	if ((status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->success = s->now.last.event == RK_OB_EV_CANCELED;
	r->remaining = r->success ? s->now.last.remaining : RK_OB_NONE;
	r->reason = s->now.last.reason;
	return RK_OK;
}

static rk_status
amend_order(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_amend_request *q = m->payload;
	rk_ob_order_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_AMEND);
	const rk_ob_order *o = rk_ob_find(s->ob, (uint64_t) q->order_id);
	int64_t		entry = o ? o->entry : 0;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	e.order_id = (uint64_t) q->order_id;
	e.trader = party(q->trader_id);
	e.new_price = q->new_price;
	e.new_quantity = q->new_quantity;
	e.display_quantity = q->display_quantity;
	if ((status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	fill_order_reply(s, r);
	o = rk_ob_find(s->ob, (uint64_t) q->order_id);
	r->kept_priority = o != NULL && o->entry == entry;
	return RK_OK;
}

static rk_status
mass_cancel(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_mass_cancel_request *q = m->payload;
	rk_ob_count_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_MASS_CANCEL);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	e.trader = party(q->trader_id);
	e.side = q->side == ABSENT_CODE ? RK_OB_NO_SIDE : (rk_ob_side) q->side;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, true, &e.symbol)) != RK_OK ||
		(status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->count = s->now.ended_count;
	return RK_OK;
}

static rk_status
set_phase(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_phase_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_PHASE);
	int64_t		before = s->trades_total;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	e.phase = (rk_ob_phase) q->phase;
	if ((status = rk_book_named(ctx, s, q->symbol_id, q->symbol, true, &e.symbol)) != RK_OK ||
		(status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->trade_count = s->now.all_trades;
	r->price = RK_OB_NONE;
	/* the first of them is one of the auction's, if it is kept */
	if (s->now.all_trades > 0 && s->now.all_trades <= s->trades_kept &&
		s->trades[before % s->trades_kept].aggressor == ABSENT_CODE)
		r->price = s->trades[before % s->trades_kept].price;
	return RK_OK;
}

static rk_status
time_tick(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_book_request *q = m->payload;
	rk_ob_count_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_ob_event e = event_of(RK_OB_ACTION_TIME);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	e.ts = q->ts;
	if ((status = apply(ctx, s, m, &e)) != RK_OK)
		return status;
	r->seq = s->ob->seq;
	r->count = s->now.ended_count;
	return RK_OK;
}

static rk_status
set_instrument(rk_ctx *ctx, rk_book_state *s, const rk_message *m, rk_reply *reply)
{
	const rk_ob_instrument_request *q = m->payload;
	rk_ob_instrument_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	book;

	if (r == NULL)
		return ctx->error.status;
	if (q->symbol[0] == '\0')
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"symbol\" must not be empty");
	if (q->trading_day_end != RK_FIELD_ABSENT_INT8 && (q->trading_day_end < 0 || q->trading_day_end >= INT64_C(86400000000)))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"trading_day_end\" must be from 00:00 to 23:59:59.999999");
	if ((book = find_book(s, q->symbol)) == RK_NO_INDEX && (book = add_book(ctx, s, q->symbol)) == RK_NO_INDEX)
		return RK_ERR_MEMORY;
	rk_ob_set_instrument(s->ob, book, &(rk_ob_instrument) {
						 .tick_size = q->tick_size,
						 .lot_size = q->lot_size,
						 .min_quantity = q->min_quantity,
						 .max_quantity = q->max_quantity,
						 .max_notional = q->max_notional,
						 .band_low = q->band_low,
						 .band_high = q->band_high,
						 .collar_ticks = q->collar_ticks,
						 .max_levels = q->max_levels,
						 .allow_negative = q->allow_negative,
						 .maker_fee_rate = q->maker_fee_rate,
						 .taker_fee_rate = q->taker_fee_rate,
						 .stp_mode = q->stp_mode == ABSENT_CODE ? s->initial.stp_mode : (rk_ob_stp) q->stp_mode,
						 .reference_price = q->reference_price,
						 .trading_day_end = q->trading_day_end == RK_FIELD_ABSENT_INT8 ? RK_OB_NONE :
						 q->trading_day_end * 1000
						 });
	r->seq = ++s->ob->seq;
	r->symbol_id = (int32_t) book + 1;
	return RK_OK;
}

/* ---- the actor ---- */

/* All but the engine. */
static rk_status
make_state(rk_ctx *ctx, const rk_options *options, rk_book_state **result)
{
	rk_book_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->initial = rk_ob_default_instrument;
	s->initial.stp_mode = (rk_ob_stp) rk_option_find(options, "stp_mode")->integer;
	s->new_symbols = rk_option_find(options, "new_symbols")->truth;
	s->trades_kept = rk_option_find(options, "trades_kept")->integer;
	s->name_capacity = 16;
	s->slot_mask = 31;
	s->clock = RK_OB_NONE;
	s->names = rk_alloc0(ctx, s->name_capacity, sizeof(rk_book_name));
	s->days = rk_alloc0(ctx, s->name_capacity, sizeof(rk_book_day));
	s->slots = rk_alloc0(ctx, s->slot_mask + 1, sizeof(uint32_t));
	s->trades = rk_alloc(ctx, s->trades_kept, sizeof(rk_ob_trade_row));
	s->touches = rk_alloc(ctx, TOUCHES, sizeof(rk_ob_touch));
	*result = s;
	return s->names && s->days && s->slots && s->trades && s->touches ? RK_OK : RK_ERR_MEMORY;
}

static void
connect_engine(rk_book_state *s)
{
	s->ob->sink = take_reports;
	s->ob->sink_arg = s;
	s->ob->touch_capacity = TOUCHES;
	s->ob->touch_sink = rk_book_publish_levels;
}

static rk_status
matching_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	rk_book_state *s;
	rk_status	status = make_state(ctx, options, &s);

	if (status != RK_OK || (status = rk_ob_create(ctx, 0, false, &s->ob)) != RK_OK)
		return status;
	connect_engine(s);
	*state = s;
	return RK_OK;
}

static rk_status
matching_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	((rk_book_state *) state)->reply = reply;
	switch (message->type_id)
	{
		case 500:
			return submit_order(ctx, state, message, reply);
		case 510:
			return submit_batch(ctx, state, message, reply);
		case 540:
			return cross_symbol_trade(ctx, state, message, reply);
		case 502:
			return order_event(ctx, state, message, reply);
		case 520:
			return cancel_order(ctx, state, message, reply);
		case 522:
			return amend_order(ctx, state, message, reply);
		case 524:
			return mass_cancel(ctx, state, message, reply);
		case 526:
		case 530:
		case 532:
		case 534:
		case 536:
		case 556:
			return rk_book_look(ctx, state, message, reply);
		case 550:
			return set_instrument(ctx, state, message, reply);
		case 552:
			return set_phase(ctx, state, message, reply);
		case 554:
			return time_tick(ctx, state, message, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "orderbook/matching has no message %u", message->type_id);
}

static rk_status
matching_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	rk_book_state *s = state;
	int64_t		kept = s->trades_total < s->trades_kept ? s->trades_total : s->trades_kept;
	int64_t		header[4] = {s->ob->book_count, s->trades_total, kept, (int64_t) s->trades_hash};
	rk_status	status = rk_write(ctx, writer, header, sizeof(header));

	if (status == RK_OK)
		status = rk_write(ctx, writer, s->names, sizeof(rk_book_name) * s->ob->book_count);
	for (int64_t n = s->trades_total - kept; n < s->trades_total && status == RK_OK; n++)
		status = rk_write(ctx, writer, &s->trades[n % s->trades_kept], sizeof(rk_ob_trade_row));
	if (status == RK_OK)
		status = rk_ob_write(ctx, s->ob, writer);
	if (status == RK_OK)
		status = rk_write(ctx, writer, &s->clock, sizeof(s->clock));
	for (uint32_t b = 0; b < s->ob->book_count && status == RK_OK; b++)
		status = rk_book_day_write(ctx, &s->days[b], writer);
	return status;
}

/* The names of the books, each once. */
static rk_status
read_names(rk_ctx *ctx, rk_book_state *s, int64_t count, rk_reader *reader)
{
	if (count < 0 || count > (int64_t) (reader->left / sizeof(rk_book_name)))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible number of symbols");
	while (s->name_capacity < count)
		s->name_capacity *= 2;
	s->slot_mask = s->name_capacity * 2 - 1;
	rk_free(ctx, s->names);
	rk_free(ctx, s->days);
	rk_free(ctx, s->slots);
	s->names = rk_alloc0(ctx, s->name_capacity, sizeof(rk_book_name));
	s->days = rk_alloc0(ctx, s->name_capacity, sizeof(rk_book_day));
	s->slots = rk_alloc0(ctx, (int64_t) s->slot_mask + 1, sizeof(uint32_t));
	if (s->names == NULL || s->days == NULL || s->slots == NULL)
		return RK_ERR_MEMORY;
	for (int64_t b = 0; b < count; b++)
	{
		rk_book_name name;
		rk_status	status = rk_read_bytes(ctx, reader, &name, sizeof(name));
		uint32_t	slot;

		if (status != RK_OK)
			return status;
		slot = name_slot(s, &name);
		if (s->slots[slot] != 0)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a symbol twice");
		s->names[b] = name;
		s->slots[slot] = (uint32_t) b + 1;
	}
	return RK_OK;
}

static rk_status
matching_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_book_state *s;
	int64_t		header[4];
	rk_status	status = make_state(ctx, options, &s);

	if (status != RK_OK ||
		(status = rk_read_bytes(ctx, reader, header, sizeof(header))) != RK_OK ||
		(status = read_names(ctx, s, header[0], reader)) != RK_OK)
		return status;
	if (header[1] < 0 || header[2] < 0 || header[2] > header[1])
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible number of trades");
	s->trades_total = header[1];
	s->trades_hash = (uint64_t) header[3];
	for (int64_t n = header[1] - header[2]; n < header[1]; n++)
	{
		rk_ob_trade_row t;

		if ((status = rk_read_bytes(ctx, reader, &t, sizeof(t))) != RK_OK)
			return status;
		if (s->trades_kept > 0)
			s->trades[n % s->trades_kept] = t;
	}
	/* the ring may keep more now than it did: then what is missing is not listed */
	if (header[2] < s->trades_kept && header[2] < header[1])
		for (int64_t n = header[1] - s->trades_kept < 0 ? 0 : header[1] - s->trades_kept; n < header[1] - header[2]; n++)
			s->trades[n % s->trades_kept] = (rk_ob_trade_row) {.trade_id = INT64_MIN};
	if ((status = rk_ob_read(ctx, reader, &s->ob)) != RK_OK)
		return status;
	if (s->ob->book_count != header[0])
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has symbols without a book");
	/* the first version did not know what was traded when */
	if (version > 1)
		status = rk_read_bytes(ctx, reader, &s->clock, sizeof(s->clock));
	for (uint32_t b = 0; version > 1 && b < s->ob->book_count && status == RK_OK; b++)
		status = rk_book_day_read(ctx, &s->days[b], reader);
	connect_engine(s);
	*state = s;
	return status;
}

static uint64_t
matching_checksum(rk_ctx *ctx, void *state)
{
	rk_book_state *s = state;
	uint64_t	h = rk_hash3((uint64_t) s->ob->seq, (uint64_t) s->trades_total, s->trades_hash);

	(void) ctx;
	h = rk_hash_fold(h, (uint64_t) s->clock);
	for (uint32_t b = 0; b < s->ob->book_count; b++)
	{
		uint64_t	words[3];

		memcpy(words, s->names[b].text, sizeof(words));
		for (int i = 0; i < 3; i++)
			h = rk_hash_fold(h, words[i]);
		h = rk_hash_fold(h, rk_ob_hash(s->ob, b));
		h = rk_book_day_hash(&s->days[b], s->clock, h);
	}
	return h;
}

static const rk_param matching_options[] = {
	{.name = "instruments",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rules of symbols to begin with: rows of message SetInstrument"},
	{.name = "events",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "events to begin with, as rk.orderbook_matching takes them: rows of message OrderEvent"},
	{.name = "stp_mode",.type = RK_TYPE_TEXT,.initial = "'cancel_newest'",.choices = rk_ob_stp_names,
	.meaning = "what happens to two orders of one stp_group that would trade, where the instrument does not say"},
	{.name = "new_symbols",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "an event for a symbol that is not there makes its book; else orders are rejected"},
	{.name = "trades_kept",.type = RK_TYPE_INT8,.initial = "10000",RK_BETWEEN(0, 10000000),
	.meaning = "how many of the last trades can be listed"},
	{0}
};

/* the last one is what tables and rk.ring_load feed */
static const rk_actor_load matching_loads[] = {{"instruments", 550}, {"events", 502}, {0}};

const rk_actor rk_actor_orderbook_matching = {
	.kernel = "orderbook/matching",
	.version = 2,
	.description = "order books in price-time priority, fed order by order",
	.messages = rk_orderbook_messages,
	.options = matching_options,
	.loads = matching_loads,
	.init = matching_init,
	.handle = matching_handle,
	.snapshot = matching_snapshot,
	.restore = matching_restore,
	.checksum = matching_checksum
};

/*
 * ledger.c
 *	  Transactions in their order in time, by entity.
 */
#include "typologies.h"

#include <string.h>

#define NONE UINT32_MAX
#define POLL 65536

/* Sums counts to offsets and makes room for what they count. */
static uint32_t *
make_lists(rk_ctx *ctx, int64_t *offsets, uint32_t entities)
{
	for (uint32_t e = 0; e < entities; e++)
		offsets[e + 1] += offsets[e];
	return rk_alloc(ctx, offsets[entities], sizeof(uint32_t));
}

/* Every position goes where its entity has room next: in order. */
static void
add_to(uint32_t *list, int64_t *place, uint32_t entity, uint32_t position)
{
	list[place[entity]++] = position;
}

static rk_status
fill_lists(rk_ctx *ctx, rk_ledger *l)
{
	size_t		size = sizeof(int64_t) * l->entities;
	int64_t    *places = rk_alloc(ctx, 3 * (int64_t) l->entities, sizeof(*places));

	if (places == NULL)
		return RK_ERR_MEMORY;
	memcpy(places, l->out_offsets, size);
	memcpy(places + l->entities, l->in_offsets, size);
	memcpy(places + 2 * (size_t) l->entities, l->all_offsets, size);
	for (uint32_t p = 0; p < l->count; p++)
	{
		uint32_t	s = l->source[p];
		uint32_t	t = l->target[p];

		add_to(l->all, places + 2 * (size_t) l->entities, s, p);
		if (s != t)
		{
			add_to(l->all, places + 2 * (size_t) l->entities, t, p);
			add_to(l->out, places, s, p);
			add_to(l->in, places + l->entities, t, p);
		}
		if (p % POLL == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, places);
	return RK_OK;
}

rk_status
rk_ledger_make(rk_ctx *ctx, const rk_transactions *t, rk_ledger *l)
{
	uint32_t   *number = rk_alloc(ctx, t->entities, sizeof(*number));
	rk_status	status = rk_transactions_order(ctx, t, &l->row);

	if (status != RK_OK)
		return status;
	l->count = (uint32_t) t->count;
	l->entities = 0;
	l->code = rk_alloc(ctx, t->entities, sizeof(*l->code));
	l->source = rk_alloc(ctx, t->count, sizeof(*l->source));
	l->target = rk_alloc(ctx, t->count, sizeof(*l->target));
	l->ts = rk_alloc(ctx, t->count, sizeof(*l->ts));
	l->amount = rk_alloc(ctx, t->count, sizeof(*l->amount));
	l->out_offsets = rk_alloc0(ctx, t->entities + 1, sizeof(int64_t));
	l->in_offsets = rk_alloc0(ctx, t->entities + 1, sizeof(int64_t));
	l->all_offsets = rk_alloc0(ctx, t->entities + 1, sizeof(int64_t));
	if (!number || !l->code || !l->source || !l->target || !l->ts || !l->amount || !l->out_offsets ||
		!l->in_offsets || !l->all_offsets)
		return RK_ERR_MEMORY;
	memset(number, 0xff, sizeof(*number) * t->entities);
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	ends[2] = {t->source[i], t->target[i]};

		for (int side = 0; side < 2; side++)
			if (number[ends[side]] == NONE)
			{
				l->code[l->entities] = ends[side];
				number[ends[side]] = l->entities++;
			}
		if (i % POLL == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	for (int64_t p = 0; p < t->count; p++)
	{
		uint32_t	row = l->row[p];
		uint32_t	s = number[t->source[row]];
		uint32_t	d = number[t->target[row]];

		l->source[p] = s;
		l->target[p] = d;
		l->ts[p] = t->ts[row];
		l->amount[p] = t->amount[row];
		l->all_offsets[s + 1]++;
		if (s != d)
		{
			l->all_offsets[d + 1]++;
			l->out_offsets[s + 1]++;
			l->in_offsets[d + 1]++;
		}
		if (p % POLL == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, number);
	l->out = make_lists(ctx, l->out_offsets, l->entities);
	l->in = make_lists(ctx, l->in_offsets, l->entities);
	l->all = make_lists(ctx, l->all_offsets, l->entities);
	if (!l->out || !l->in || !l->all)
		return RK_ERR_MEMORY;
	return fill_lists(ctx, l);
}

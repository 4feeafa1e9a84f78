/*
 * book_stream.h
 *	  A day of orders for the benchmark of order matching: what our engine and
 *	  its peer are fed, C and C++ alike.
 *
 * Of a hundred events 55 are limit orders, 35 cancel one of the hundred events
 * before, which may have ended by then, or have been none, and 10 are market
 * orders that do not rest.  Prices of both sides come from the same ten ticks:
 * 12,000 orders are in the book in the end, few enough for a peer that looks
 * for an order to cancel among all of its price.
 */
#ifndef BOOK_STREAM_H
#define BOOK_STREAM_H

#include <stdint.h>

enum { BOOK_LIMIT, BOOK_MARKET, BOOK_CANCEL };

typedef struct book_event
{
	uint32_t	kind;
	uint32_t	buy;
	uint32_t	order;			/* the event's own number, or that of the order cancelled */
	uint32_t	price;			/* ticks */
	uint32_t	quantity;
} book_event;

static inline uint64_t
book_draw(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline void
book_stream(book_event *events, int64_t count)
{
	uint64_t	state = 1;

	for (int64_t i = 0; i < count; i++)
	{
		uint64_t	kind = book_draw(&state) % 100;
		uint64_t	h = book_draw(&state);
		book_event *e = &events[i];

		e->buy = h & 1;
		e->order = (uint32_t) i;
		e->quantity = (1 + (h >> 1) % 10) * 100;
		e->price = 1880 + (uint32_t) ((h >> 32) % 10);
		if (kind < 55)
			e->kind = BOOK_LIMIT;
		else if (kind < 90 && i > 0)
		{
			e->kind = BOOK_CANCEL;
			e->order = (uint32_t) (i - 1 - (int64_t) ((h >> 1) % (uint64_t) (i < 100 ? i : 100)));
		}
		else
			e->kind = BOOK_MARKET;
	}
}

#endif							/* BOOK_STREAM_H */

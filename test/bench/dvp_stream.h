/*
 * dvp_stream.h
 *	  Instructions for the benchmark of delivery-versus-payment matching: what
 *	  our kernel and its peers are fed, C and C++ alike.
 *
 * Of a hundred deliveries 90 have a receipt of the same amount, 6 one whose
 * amount is up to 0.4 percent away, 2 one that is 5 percent away, 2 none.  2,000
 * securities, 300 parties, 3 currencies, 5 days; instructions come in no order.
 */
#ifndef DVP_STREAM_H
#define DVP_STREAM_H

#include <stdint.h>

typedef struct dvp_leg
{
	int64_t		quantity;
	int64_t		amount;			/* cents */
	uint32_t	id;
	uint32_t	security;
	uint32_t	deliverer;
	uint32_t	receiver;
	uint32_t	currency;
	uint32_t	date;
	uint32_t	receives;
	uint32_t	unused;
} dvp_leg;

static inline uint64_t
dvp_draw(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline void
dvp_stream(dvp_leg *legs, int64_t count)
{
	uint64_t	state = 7;

	for (int64_t i = 0; i < count; i++)
	{
		uint64_t	h = dvp_draw(&state);
		uint64_t	g = dvp_draw(&state);
		dvp_leg    *l = &legs[i];

		l->security = (uint32_t) (h % 2000);
		l->deliverer = (uint32_t) (g % 300);
		l->receiver = (uint32_t) ((g >> 10) % 300);
		l->currency = (uint32_t) ((h >> 20) % 3);
		l->date = (uint32_t) ((h >> 24) % 5);
		l->quantity = 100 * (int64_t) (1 + (h >> 30) % 50);
		l->amount = l->quantity * (int64_t) (1000 + (g >> 30) % 9000);
		l->receives = 0;
		l->unused = 0;
		/* the receipt of the delivery before */
		if (i % 2 == 1 && g % 100 < 98)
		{
			*l = legs[i - 1];
			l->receives = 1;
			if (g % 100 >= 96)
				l->amount += l->amount / 20;
			else if (g % 100 >= 90)
				l->amount += l->amount / 1000 * (int64_t) ((g >> 50) % 5);
		}
	}
	for (int64_t i = count - 1; i > 0; i--)
	{
		int64_t		k = (int64_t) (dvp_draw(&state) % (uint64_t) (i + 1));
		dvp_leg		other = legs[k];

		legs[k] = legs[i];
		legs[i] = other;
	}
	for (int64_t i = 0; i < count; i++)
		legs[i].id = (uint32_t) i;
}

#endif							/* DVP_STREAM_H */

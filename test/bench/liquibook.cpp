/*
 * liquibook.cpp
 *	  The same events through Liquibook, the peer of order matching: liquibook
 *	  EVENTS RUNS prints what book does.  Its orders are made before the clock
 *	  starts; the callback keeps its books, no listener listens.
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <book/order_book.h>

#include "book_stream.h"

using namespace liquibook;

struct Order
{
	bool		buy;
	book::Price at;
	book::Quantity quantity;
	bool		market;

	bool is_buy() const { return buy; }
	book::Price price() const { return at; }
	book::Price stop_price() const { return 0; }
	book::Quantity order_qty() const { return quantity; }
	bool all_or_none() const { return false; }
	bool immediate_or_cancel() const { return market; }
};

class Book : public book::OrderBook<Order *>
{
public:
	uint64_t	volume = 0;

protected:
	void on_trade(const book::OrderBook<Order *> *, book::Quantity quantity, book::Price) override { volume += quantity; }
};

int
main(int argc, char **argv)
{
	int64_t		count = argc > 1 ? atoll(argv[1]) : 1000000;
	int			runs = argc > 2 ? atoi(argv[2]) : 5;
	std::vector<book_event> events(count);
	std::vector<double> times;
	uint64_t	volume = 0;

	book_stream(events.data(), count);
	for (int r = 0; r < runs; r++)
	{
		std::vector<Order> orders(count);
		Book		b;

		for (int64_t i = 0; i < count; i++)
			orders[i] = Order{events[i].buy != 0, events[i].kind == BOOK_MARKET ? 0 : events[i].price,
				events[i].quantity, events[i].kind == BOOK_MARKET};
		auto		began = std::chrono::steady_clock::now();

		for (int64_t i = 0; i < count; i++)
		{
			if (events[i].kind == BOOK_CANCEL)
			{
				/* a number of no order: of an event that was a cancellation itself */
				if (events[events[i].order].kind != BOOK_CANCEL)
					b.cancel(&orders[events[i].order]);
			}
			else
				b.add(&orders[i], events[i].kind == BOOK_MARKET ? book::oc_immediate_or_cancel : book::oc_no_conditions);
		}
		times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
		volume = b.volume;
	}
	std::sort(times.begin(), times.end());
	printf("{\"best\": %.6f, \"median\": %.6f, \"result\": %.17g}\n", times[0], times[runs / 2], (double) volume);
	return 0;
}

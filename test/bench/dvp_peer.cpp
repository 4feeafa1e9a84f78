/*
 * dvp_peer.cpp
 *	  The same matching as a C++ program would be written with the standard
 *	  library: receipts in a hash table by what must be equal, candidates
 *	  compared, sorted, and taken greedily.  dvp_peer LEGS RUNS prints JSON.
 */
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "dvp_stream.h"

namespace
{
struct Key
{
	uint64_t a, b;

	bool operator==(const Key &o) const { return a == o.a && b == o.b; }
};

struct Hash
{
	size_t operator()(const Key &k) const
	{
		uint64_t z = k.a * UINT64_C(0x9E3779B97F4A7C15) + k.b;

		z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		return z ^ (z >> 27);
	}
};

struct Pair
{
	double score;
	int64_t gap;
	uint32_t delivery, receipt;
};

Key key_of(const dvp_leg &l)
{
	return {uint64_t(l.security) << 32 | l.currency << 16 | l.date, uint64_t(l.deliverer) << 32 | l.receiver};
}

/* Pairs within one percent, the best first, then of what is left. */
uint64_t match(const std::vector<dvp_leg> &legs)
{
	std::unordered_map<Key, std::vector<uint32_t>, Hash> receipts;
	std::vector<Pair> pairs;
	std::vector<bool> taken(legs.size());
	uint64_t sum = 0;

	receipts.reserve(legs.size());
	for (uint32_t i = 0; i < legs.size(); i++)
		if (legs[i].receives)
			receipts[key_of(legs[i])].push_back(i);
	for (uint32_t i = 0; i < legs.size(); i++)
	{
		const dvp_leg &d = legs[i];

		if (d.receives)
			continue;
		auto found = receipts.find(key_of(d));
		if (found == receipts.end())
			continue;
		for (uint32_t k : found->second)
		{
			const dvp_leg &r = legs[k];
			int64_t gap = std::llabs(d.amount - r.amount);
			double dq = double(std::llabs(d.quantity - r.quantity)) / double(std::max(d.quantity, r.quantity));
			double da = double(gap) / double(std::max(d.amount, r.amount));
			double score = (1 - dq) * (1 - da);

			if (dq <= 0.01 && da <= 0.01 && score >= 0.8)
				pairs.push_back({score, gap, i, k});
		}
	}
	std::sort(pairs.begin(), pairs.end(), [](const Pair &x, const Pair &y) {
		if (x.score != y.score)
			return x.score > y.score;
		if (x.gap != y.gap)
			return x.gap < y.gap;
		return x.delivery != y.delivery ? x.delivery < y.delivery : x.receipt < y.receipt;
	});
	for (const Pair &p : pairs)
		if (!taken[p.delivery] && !taken[p.receipt])
		{
			taken[p.delivery] = taken[p.receipt] = true;
			sum += p.delivery * UINT64_C(31) + p.receipt * UINT64_C(17) + 1;
		}
	return sum;
}
}

int main(int argc, char **argv)
{
	int64_t count = argc > 1 ? atoll(argv[1]) : 1000000;
	int runs = argc > 2 ? atoi(argv[2]) : 3;
	std::vector<dvp_leg> legs(count);
	std::vector<double> times;
	uint64_t sum = 0;

	dvp_stream(legs.data(), count);
	for (int r = 0; r < runs; r++)
	{
		auto began = std::chrono::steady_clock::now();

		sum = match(legs);
		times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
	}
	std::sort(times.begin(), times.end());
	printf("{\"best\": %.6f, \"median\": %.6f, \"result\": %llu}\n", times[0], times[runs / 2], (unsigned long long) sum);
	return 0;
}

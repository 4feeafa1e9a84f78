/*
 * path_levels.cuh
 *	  Searches from many sources at once, level by level, and how many shortest
 *	  paths lead to what they find.
 *
 * A batch of sources is searched at once, each in arrays of its own, and a level
 * of all of them is one list of (search, node): small levels of one search are
 * filled up by those of the others (as in Sariyuce, Kaya, Saule, Catalyurek
 * 2013).  Nodes of the next level are found by pushing; counts of paths are
 * pulled, each by one group of threads in one order: a warp, or a block for a
 * long row.
 *
 * With lengths, distances come first (distances.cuh).  Arcs that shortest paths
 * go over make a graph of each search.  Levels are hops over it where those are
 * wanted.  For counts it must have no cycles, and levels are found by counting
 * down the arcs that lead to a node (Kahn 1962), so that all arcs of a node come
 * from lower ones.  An arc so short that adding it does not change a distance
 * could be in a cycle: such graphs are left to the CPU, whose heap has an order
 * for them.
 *
 * Each level costs a look by the host: deep graphs are left to the CPU.
 */
#ifndef RK_PATH_LEVELS_CUH
#define RK_PATH_LEVELS_CUH

#include <memory>
#include <vector>

#include "distances.cuh"

#define NOT_FOUND UINT32_MAX
#define SEARCH_THREADS 256
#define WIDE_THREADS 1024		/* that a long row is for */
#define LONG_ROW 1024
#define MAX_SEARCH_LEVELS 2048
#define LAUNCH_ARCS (INT64_C(1) << 28)	/* arcs of searches of a launch */

/* What the levels of a search are. */
typedef enum level_kind
{
	LEVELS_BY_HOPS,				/* without lengths */
	LEVELS_BY_LENGTH,			/* with them: as counts of paths need them */
	LEVELS_OF_PATHS				/* hops of the shortest paths by length */
} level_kind;

struct search_set
{
	device_adjacency_view out;
	device_adjacency_view in;
	int64_t		nodes;
	/* by slot and node */
	uint32_t   *level;			/* NOT_FOUND: not yet; by length arcs that lead there, to come */
	const double *distance;		/* NULL: without lengths */
	double	   *paths;			/* NULL: they are not counted */
	slot_node  *items[2];		/* found, by level; those with long rows apart */
	unsigned long long *counts; /* of both lists */
	int32_t    *failure;		/* search_failure */
};

enum search_failure
{
	FAILED_COUNT = 1,			/* more paths than can be counted */
	FAILED_LENGTH = 2			/* a length that is nothing beside a distance */
};

__device__ static inline bool
is_long(const search_set &s, uint32_t v)
{
	return s.out.offsets[v + 1] - s.out.offsets[v] > LONG_ROW || s.in.offsets[v + 1] - s.in.offsets[v] > LONG_ROW;
}

/* Adds nodes to the lists; all lanes of a warp call it. */
__device__ static inline void
append(const search_set &s, bool found, uint32_t slot, uint32_t node)
{
	int			lane = threadIdx.x % 32;
	bool		apart = found && is_long(s, node);
	unsigned	mask = __ballot_sync(FULL_WARP, found && !apart);
	unsigned long long place = 0;

	if (mask && lane == __ffs((int) mask) - 1)
		place = atomicAdd(&s.counts[0], (unsigned long long) __popc(mask));
	place = __shfl_sync(FULL_WARP, place, mask ? __ffs((int) mask) - 1 : 0);
	if (found && !apart)
		s.items[0][place + __popc(mask & ((1u << lane) - 1))] = {slot, node};
	if (apart)
		s.items[1][atomicAdd(&s.counts[1], 1ull)] = {slot, node};
}

template <level_kind KIND> __global__ static void
start_searches(search_set s, const uint32_t *sources, int64_t count)
{
	int64_t		slot = global_thread();

	if (slot < count)
	{
		if (KIND != LEVELS_BY_LENGTH)
			s.level[slot * s.nodes + sources[slot]] = 0;
		if (s.paths)
			s.paths[slot * s.nodes + sources[slot]] = 1;
	}
	append(s, slot < count, (uint32_t) slot, slot < count ? sources[slot] : 0);
}

/* Whether shortest paths of a search go over the arc e from u to v. */
template <bool LENGTHS> __device__ static inline bool
is_step(const search_set &s, int64_t base, uint32_t u, uint32_t v, const double *weights, int64_t e)
{
	if (LENGTHS)
		return s.distance[base + u] < INFINITY && s.distance[base + u] + weights[e] == s.distance[base + v];
	return s.level[base + u] != NOT_FOUND && s.level[base + u] + 1 == s.level[base + v];
}

/* Counts the arcs that shortest paths go over to each node, in all searches. */
struct count_steps
{
	search_set	s;
	int64_t		count;

	__device__ void operator() (int64_t u, uint32_t v, int64_t e) const
	{
		for (int64_t base = 0; base < count * s.nodes; base += s.nodes)
		{
			double		from = s.distance[base + u];

			if (!is_step<true>(s, base, (uint32_t) u, v, s.out.weights, e))
				continue;
			if (from + s.out.weights[e] == from)
				*s.failure = FAILED_LENGTH;
			atomicAdd(&s.level[base + v], 1u);
		}
	}
};

/* Entries of a row that a thread has on their way before it waits for one. */
template <int WIDTH> __host__ __device__ constexpr int
entries_ahead()
{
	return WIDTH > 32 ? 4 : 2;
}

/* Finds what the nodes of a level lead to; WIDTH threads for each. */
template <int WIDTH, level_kind KIND> __global__ static void __launch_bounds__(WIDTH > 32 ? WIDTH : SEARCH_THREADS)
find_next(search_set s, const slot_node *items, int64_t count, uint32_t next)
{
	const int	AHEAD = entries_ahead<WIDTH>();
	int64_t		at = global_thread() / WIDTH;
	slot_node	item;
	int64_t		base;
	int64_t		end;

	if (at >= count)
		return;
	item = items[at];
	base = item.slot * s.nodes;
	end = s.out.offsets[item.node + 1];
	for (int64_t first = s.out.offsets[item.node]; first < end; first += AHEAD * WIDTH)
	{
		int64_t		e = first + threadIdx.x % WIDTH;
		uint32_t	w[AHEAD];
		bool		leads[AHEAD];

		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			w[k] = e + k * WIDTH < end ? s.out.neighbors[e + k * WIDTH] : item.node;
		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
		{
			leads[k] = e + k * WIDTH < end;
			if (leads[k] && KIND != LEVELS_BY_HOPS)
				leads[k] = is_step<true>(s, base, item.node, w[k], s.out.weights, e + k * WIDTH);
			if (leads[k] && KIND != LEVELS_BY_LENGTH)
				leads[k] = *(volatile uint32_t *) &s.level[base + w[k]] == NOT_FOUND;
		}
		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
		{
			bool		found = false;

			/* the last one of the arcs that lead there, or the first */
			if (leads[k])
				found = KIND == LEVELS_BY_LENGTH ? atomicAdd(&s.level[base + w[k]], UINT32_MAX) == 1 :
					atomicCAS(&s.level[base + w[k]], NOT_FOUND, next) == NOT_FOUND;
			if (__any_sync(FULL_WARP, found))
				append(s, found, item.slot, w[k]);
		}
	}
}

/*
 * Sum of a value over the nodes that shortest paths to v come from, or, BACK,
 * go on to, by WIDTH threads; the first gets it.
 */
template <int WIDTH, bool LENGTHS, bool BACK> __device__ static inline double
sum_of_steps(const search_set &s, int64_t base, uint32_t v, const double *value)
{
	const int	AHEAD = entries_ahead<WIDTH>();
	const device_adjacency_view &rows = BACK ? s.out : s.in;
	int64_t		end = rows.offsets[v + 1];
	double		sum = 0;

	for (int64_t e = rows.offsets[v] + threadIdx.x % WIDTH; e < end; e += AHEAD * WIDTH)
	{
		uint32_t	u[AHEAD];
		bool		leads[AHEAD];

		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			u[k] = e + k * WIDTH < end ? rows.neighbors[e + k * WIDTH] : v;
		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			leads[k] = e + k * WIDTH < end &&
				is_step<LENGTHS>(s, base, BACK ? v : u[k], BACK ? u[k] : v, rows.weights, e + k * WIDTH);
		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			if (leads[k])
				sum += value[base + u[k]];
	}
	return WIDTH == 32 ? warp_sum(sum) : block_sum<double, WIDTH>(sum);
}

/* Counts the shortest paths to the nodes of a level. */
template <int WIDTH, bool LENGTHS> __global__ static void __launch_bounds__(WIDTH > 32 ? WIDTH : SEARCH_THREADS)
count_paths(search_set s, const slot_node *items, int64_t count, uint32_t)
{
	int64_t		at = global_thread() / WIDTH;
	int64_t		base;
	double		sum;

	if (at >= count)
		return;
	base = items[at].slot * s.nodes;
	sum = sum_of_steps<WIDTH, LENGTHS, false>(s, base, items[at].node, s.paths);
	if (threadIdx.x % WIDTH == 0)
		s.paths[base + items[at].node] = sum;
}

/* Bytes that a search takes of a node. */
static inline int64_t
search_bytes(bool lengths, bool counts)
{
	return 12 + (counts ? 8 : 0) + (lengths ? DISTANCE_BYTES : 0);
}

/* Searches from so many sources at a time: "slots". */
class path_levels
{
public:
	path_levels(rk_cuda_device *d, rk_cuda_call *c, int64_t searches, bool counts, double max_distance = INFINITY)
		: slots(searches), device(d), call(c), g(c->graph), n(c->graph->nodes), lengths(c->graph->out().weighted())
	{
		if (counts)
			paths.allocate(device, slots * n);
		level.allocate(device, slots * n);
		items[0].allocate(device, slots * n);
		/* long rows have more than LONG_ROW entries of one direction */
		items[1].allocate(device, slots * (2 * g->arcs / LONG_ROW + 1));
		item_counts.allocate(device, 2);
		failure.allocate(device, 1);
		failure.fill(0);
		if (lengths)
			distances.reset(new distance_searches(device, call, slots, max_distance));
	}

	search_set set()
	{
		return {
			view_of(g->out()), view_of(g->in()), n, level.get(),
			lengths ? (const double *) distances->distance.get() : nullptr, paths.get(),
			{items[0].get(), items[1].get()}, item_counts.get(), failure.get()
		};
	}

	/* The part of a set from a search on. */
	search_set from_slot(int64_t slot)
	{
		search_set	s = set();

		s.level += slot * n;
		if (s.paths)
			s.paths += slot * n;
		if (lengths)
			s.distance += slot * n;
		return s;
	}

	/*
	 * Searches from the sources, in device memory, as far as most levels; *last is
	 * the last one that has nodes.  With lengths KIND has to be one of those.
	 */
	template <level_kind KIND> void search(const uint32_t *sources, int64_t count, int64_t most, uint32_t *last)
	{
		/* by length what is to come, which is nothing yet */
		check(cudaMemsetAsync(level.get(), KIND == LEVELS_BY_LENGTH ? 0 : 0xff, count * n * sizeof(uint32_t),
							  device->stream));
		item_counts.fill(0);
		for (int k = 0; k < 2; k++)
			begins[k].assign(1, 0);
		if (KIND != LEVELS_BY_HOPS)
			distances->run(sources, count);
		if (KIND == LEVELS_BY_LENGTH)
		{
			by_arcs(count, [&] (int64_t slot, int64_t some) {
				visit_entries(device, &g->out(), n, g->arcs, count_steps {from_slot(slot), some});
			});
			check_failure();
		}
		RK_LAUNCH(start_searches<KIND>, blocks_for(count, SEARCH_THREADS), SEARCH_THREADS, device->stream)
			(set(), sources, count);
		check_launch();
		read_counts();
		for (*last = 0; *last < most; ++*last)
		{
			if (*last == MAX_SEARCH_LEVELS)
				decline("the graph is too deep");
			each(find_next<32, KIND>, find_next<WIDE_THREADS, KIND>, set(), *last, *last + 1);
			read_counts();
			if (begins[0][*last + 2] == begins[0][*last + 1] && begins[1][*last + 2] == begins[1][*last + 1])
				break;
			if (paths.get())
				each(count_paths<32, KIND != LEVELS_BY_HOPS>, count_paths<WIDE_THREADS, KIND != LEVELS_BY_HOPS>, set(),
					 *last + 1, *last + 1);
		}
		/* rows of the nodes that were found, both ways */
		call->usage.bytes_moved += count * ((paths.get() ? 24 : 12) * g->arcs + 40 * n);
	}

	/* Launches one of two kernels over each list of a level. */
	template <typename K, typename S> void each(K narrow, K wide, const S &set, uint32_t l, uint32_t argument)
	{
		int64_t		count[2];

		for (int k = 0; k < 2; k++)
			count[k] = begins[k][l + 1] - begins[k][l];
		if (count[0] > 0)
			RK_LAUNCH(narrow, blocks_for(count[0] * 32, SEARCH_THREADS), SEARCH_THREADS, device->stream)
				(set, items[0].get() + begins[0][l], count[0], argument);
		check_launch();
		if (count[1] > 0)
			RK_LAUNCH(wide, (unsigned) count[1], WIDE_THREADS, device->stream)
				(set, items[1].get() + begins[1][l], count[1], argument);
		check_launch();
	}

	/* Calls work(first slot, slots) for some of them at a time. */
	template <typename F> void by_arcs(int64_t count, F work)
	{
		int64_t		step = max(LAUNCH_ARCS / max(g->arcs, INT64_C(1)), INT64_C(1));

		for (int64_t slot = 0; slot < count; slot += step)
		{
			if (slot > 0)
				check(cudaStreamSynchronize(device->stream));
			if (stopped(call))
				stop_now();
			work(slot, min(step, count - slot));
		}
	}

	void check_failure()
	{
		int32_t		failed = 0;

		check(cudaMemcpyAsync(&failed, failure.get(), sizeof(failed), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (failed)
			decline(failed == FAILED_COUNT ? "number of shortest paths is out of range" :
					"a length is nothing beside a distance");
	}

	const int64_t slots;
	device_array<double> paths;
	device_array<uint32_t> level;

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	bool		lengths;
	std::unique_ptr<distance_searches> distances;
	device_array<slot_node> items[2];
	device_array<unsigned long long> item_counts;
	device_array<int32_t> failure;
	std::vector<int64_t> begins[2];	/* of levels in the lists */

	/* Where the lists end now becomes where a level begins. */
	void read_counts()
	{
		unsigned long long now[2];

		check(cudaMemcpyAsync(now, item_counts.get(), sizeof(now), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		for (int k = 0; k < 2; k++)
			begins[k].push_back((int64_t) now[k]);
		if (stopped(call))
			stop_now();
	}
};

/* How many searches there is room for, of as many as are wanted. */
static inline int64_t
searches_at_a_time(const rk_cuda_device *device, int64_t nodes, int64_t wanted, int64_t entries, int64_t bytes)
{
	int64_t		slots = max(INT64_C(1), min(wanted, entries / nodes));

	while (slots > 1 && slots * nodes * bytes > (device->limit - device->used) / 2)
		slots /= 2;
	return slots;
}

#endif							/* RK_PATH_LEVELS_CUH */

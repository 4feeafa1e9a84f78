/*
 * betweenness.cu
 *	  Dependencies of many sources on the nodes, or edges, between, as
 *	  src/graph/centrality/betweenness_search.c (Brandes 2001).
 *
 * A batch of sources is searched at once, each in arrays of its own, and a level
 * of all of them is one list of (search, node): small levels of one search are
 * filled up by those of the others (as in Sariyuce, Kaya, Saule, Catalyurek
 * 2013).  On the way out, nodes of the next level are found by pushing; counts
 * of paths, and dependencies on the way back, are pulled, each by one group of
 * threads in one order: a warp, or a block for a long row.  Dependencies are
 * added to the total in the order of the sources, whatever the batches are.
 *
 * With lengths, distances come first (distances.cuh).  Arcs that shortest paths
 * go over make a graph without cycles of each search, whose levels are found by
 * counting down the arcs that lead to a node (Kahn 1962); all arcs of a node
 * come from lower levels, so the rest is the same.  An arc so short that adding
 * it does not change a distance could be in a cycle: such graphs are left to the
 * CPU, whose heap has an order for them.
 *
 * Each level costs a look by the host: deep graphs are left to the CPU.
 */
#include <vector>

#include "distances.cuh"

#define NONE UINT32_MAX
#define THREADS 256
#define LONG_ROW 1024			/* a block's above this */
#define MOST_ENTRIES (INT64_C(1) << 26)	/* nodes of all searches of a batch */
#define ENTRY_BYTES 32			/* of a node of a search, without distances */
#define MAX_LEVELS 2048
#define LAUNCH_ARCS (INT64_C(1) << 28)	/* arcs of searches of a launch */

struct search_set
{
	device_adjacency_view out;
	device_adjacency_view in;
	int64_t		nodes;
	const uint32_t *mass;		/* nodes that a node stands for; NULL: 1 each */
	/* by slot and node */
	double	   *paths;
	double	   *coefficient;	/* (mass + dependency) / paths; may be in place of paths */
	double	   *dependency;		/* NULL: not wanted */
	uint32_t   *level;			/* NONE: not found; with lengths arcs that lead there, to come */
	const double *distance;		/* NULL: without lengths */
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

__global__ static void
start_searches(search_set s, const uint32_t *sources, int64_t count)
{
	int64_t		slot = global_thread();

	if (slot < count)
	{
		if (s.distance == nullptr)
			s.level[slot * s.nodes + sources[slot]] = 0;
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
	return s.level[base + u] != NONE && s.level[base + u] + 1 == s.level[base + v];
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

/* Finds what the nodes of a level lead to; WIDTH threads for each. */
template <int WIDTH, bool LENGTHS> __global__ static void __launch_bounds__(THREADS)
find_next(search_set s, const slot_node *items, int64_t count, uint32_t next)
{
	int64_t		at = global_thread() / WIDTH;
	int			thread = threadIdx.x % WIDTH;
	slot_node	item;
	int64_t		base;
	int64_t		end;

	if (at >= count)
		return;
	item = items[at];
	base = item.slot * s.nodes;
	end = s.out.offsets[item.node + 1];
	for (int64_t first = s.out.offsets[item.node]; first < end; first += WIDTH)
	{
		int64_t		e = first + thread;
		bool		inside = e < end;
		uint32_t	w = inside ? s.out.neighbors[e] : item.node;
		bool		found;

		if (LENGTHS)
			/* the last one of those that lead to it */
			found = inside && is_step<true>(s, base, item.node, w, s.out.weights, e) &&
				atomicAdd(&s.level[base + w], UINT32_MAX) == 1;
		else
			found = *(volatile uint32_t *) &s.level[base + w] == NONE && atomicCAS(&s.level[base + w], NONE, next) == NONE;
		if (__any_sync(FULL_WARP, found))
			append(s, found, item.slot, w);
	}
}

/*
 * Sum of a value over the nodes that shortest paths to v come from, or, BACK,
 * go on to, by WIDTH threads; the first gets it.
 */
template <int WIDTH, bool LENGTHS, bool BACK> __device__ static inline double
sum_of_steps(const search_set &s, int64_t base, uint32_t v, const double *value)
{
	const device_adjacency_view &rows = BACK ? s.out : s.in;
	int64_t		end = rows.offsets[v + 1];
	double		sum = 0;

	for (int64_t e = rows.offsets[v] + threadIdx.x % WIDTH; e < end; e += WIDTH)
	{
		uint32_t	u = rows.neighbors[e];

		if (is_step<LENGTHS>(s, base, BACK ? v : u, BACK ? u : v, rows.weights, e))
			sum += value[base + u];
	}
	return WIDTH == 32 ? warp_sum(sum) : block_sum<double, THREADS>(sum);
}

/* Counts the shortest paths to the nodes of a level. */
template <int WIDTH, bool LENGTHS> __global__ static void __launch_bounds__(THREADS)
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

/* Dependencies on the nodes of a level, from those behind. */
template <int WIDTH, bool LENGTHS> __global__ static void __launch_bounds__(THREADS)
go_back(search_set s, const slot_node *items, int64_t count, uint32_t)
{
	int64_t		at = global_thread() / WIDTH;
	uint32_t	v;
	int64_t		base;
	double		sum;

	if (at >= count)
		return;
	v = items[at].node;
	base = items[at].slot * s.nodes;
	sum = sum_of_steps<WIDTH, LENGTHS, true>(s, base, v, s.coefficient);
	if (threadIdx.x % WIDTH == 0)
	{
		double		paths = s.paths[base + v];
		double		dependency = paths * sum;

		if (!(paths < INFINITY))
			*s.failure = FAILED_COUNT;
		if (s.dependency)
			s.dependency[base + v] = dependency;
		s.coefficient[base + v] = ((s.mass ? s.mass[v] : 1) + dependency) / paths;
	}
}

/* Adds the share of each source of a batch to the arcs. */
template <bool LENGTHS> struct add_to_arcs
{
	search_set	s;
	int64_t		count;
	const uint32_t *source_mass;
	double	   *total;

	__device__ void operator() (int64_t u, uint32_t v, int64_t e) const
	{
		double		sum = total[e];

		for (int64_t slot = 0; slot < count; slot++)
		{
			int64_t		base = slot * s.nodes;

			if (is_step<LENGTHS>(s, base, (uint32_t) u, v, s.out.weights, e))
				sum += (source_mass ? source_mass[slot] : 1) * s.paths[base + u] * s.coefficient[base + v];
		}
		total[e] = sum;
	}
};

/*
 * Adds a batch to the total of nodes, unless that is NULL, source by source, and
 * counts what each has found.
 */
__global__ static void __launch_bounds__(THREADS)
add_searches(search_set s, int64_t count, const uint32_t *source_mass, double extra, double *total, uint32_t *reach)
{
	int64_t		v = global_thread();
	bool		valid = v < s.nodes;
	uint32_t	mass = !valid ? 0 : s.mass ? s.mass[v] : 1;
	double		sum = valid && total ? total[v] : 0;

	for (int64_t slot = 0; slot < count; slot++)
	{
		int64_t		at = slot * s.nodes + v;
		bool		counts = valid && (s.distance ? s.distance[at] > 0 && s.distance[at] < INFINITY :
									   s.level[at] != NONE && s.level[at] > 0);
		uint32_t	found = warp_sum(counts ? mass : 0u);

		if (counts && total)
			sum += (source_mass ? source_mass[slot] : 1) * (s.dependency[at] + extra);
		if (threadIdx.x % 32 == 0 && found > 0)
			atomicAdd(&reach[slot], found);
	}
	if (valid && total)
		total[v] = sum;
}

class source_batches
{
public:
	source_batches(rk_cuda_device *d, rk_cuda_call *c, const rk_cuda_betweenness_params *p)
		: device(d), call(c), g(c->graph), n(c->graph->nodes), extra(p->extra), edges(p->edges != 0),
		  lengths(c->graph->out().weighted()), distances(nullptr)
	{
		int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);
		int64_t		bytes = n * (lengths ? ENTRY_BYTES + DISTANCE_BYTES : ENTRY_BYTES);

		slots = max(INT64_C(1), min(sources, MOST_ENTRIES / n));
		while (slots > 1 && slots * bytes > (device->limit - device->used) / 2)
			slots /= 2;
		source.load(device, (const uint32_t *) call->input[0].data, sources, &call->usage);
		if (call->input[1].data)
			source_mass.load(device, (const uint32_t *) call->input[1].data, sources, &call->usage);
		if (call->input[2].data)
			mass.load(device, (const uint32_t *) call->input[2].data, n, &call->usage);
		paths.allocate(device, slots * n);
		/* of edges coefficients, of nodes dependencies */
		second.allocate(device, slots * n);
		level.allocate(device, slots * n);
		items[0].allocate(device, slots * n);
		/* long rows have more than LONG_ROW entries of one direction */
		items[1].allocate(device, slots * (2 * g->arcs / LONG_ROW + 1));
		counts.allocate(device, 2);
		failure.allocate(device, 1);
		total.allocate(device, edges ? g->arcs : n);
		reach.allocate(device, sources);
	}
	~source_batches() { delete distances; }
	source_batches(const source_batches &) = delete;
	source_batches &operator=(const source_batches &) = delete;

	void run()
	{
		int64_t		sources = source.size();

		failure.fill(0);
		total.fill(0);
		reach.fill(0);
		if (lengths)
			distances = new distance_searches(device, call, slots, INFINITY);
		for (int64_t first = 0; first < sources; first += slots)
		{
			int64_t		count = min(slots, sources - first);

			if (lengths)
				search<true>(first, count);
			else
				search<false>(first, count);
		}
	}

	void store()
	{
		total.store((double *) call->output[0].data, &call->usage);
		reach.store((uint32_t *) call->output[1].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		slots;			/* searches of a batch */
	double		extra;
	bool		edges;
	bool		lengths;
	distance_searches *distances;
	device_array<uint32_t> source;
	device_array<uint32_t> source_mass;
	device_array<uint32_t> mass;
	device_array<double> paths;
	device_array<double> second;
	device_array<uint32_t> level;
	device_array<slot_node> items[2];
	device_array<unsigned long long> counts;
	device_array<int32_t> failure;
	device_array<double> total;
	device_array<uint32_t> reach;
	std::vector<int64_t> begins[2];	/* of levels in the lists */

	search_set set()
	{
		return {
			view_of(g->out()), view_of(g->in()), n, mass.get(), paths.get(), edges ? second.get() : paths.get(),
			edges ? nullptr : second.get(), level.get(),
			lengths ? (const double *) distances->distance.get() : nullptr, {items[0].get(), items[1].get()},
			counts.get(), failure.get()
		};
	}

	/* Where the lists end now becomes where a level begins. */
	void read_counts()
	{
		unsigned long long now[2];

		check(cudaMemcpyAsync(now, counts.get(), sizeof(now), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		for (int k = 0; k < 2; k++)
			begins[k].push_back((int64_t) now[k]);
		if (stopped(call))
			stop_now();
	}

	/* Launches one of two kernels over each list of a level. */
	template <typename K> void each(K narrow, K wide, uint32_t l, uint32_t argument)
	{
		int64_t		count[2];

		for (int k = 0; k < 2; k++)
			count[k] = begins[k][l + 1] - begins[k][l];
		if (count[0] > 0)
			RK_LAUNCH(narrow, blocks_for(count[0] * 32, THREADS), THREADS, device->stream)
				(set(), items[0].get() + begins[0][l], count[0], argument);
		check_launch();
		if (count[1] > 0)
			RK_LAUNCH(wide, (unsigned) count[1], THREADS, device->stream)
				(set(), items[1].get() + begins[1][l], count[1], argument);
		check_launch();
	}

	/* The part of the set from a search on. */
	search_set from_slot(int64_t slot)
	{
		search_set	s = set();

		s.paths += slot * n;
		s.coefficient += slot * n;
		s.level += slot * n;
		if (lengths)
			s.distance += slot * n;
		return s;
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

	template <bool LENGTHS> void search(int64_t first, int64_t count)
	{
		const uint32_t *sources = source.get() + first;
		const uint32_t *masses = source_mass.get() ? source_mass.get() + first : nullptr;
		uint32_t	last;

		/* with lengths what is to come, which is nothing yet */
		check(cudaMemsetAsync(level.get(), LENGTHS ? 0 : 0xff, count * n * sizeof(uint32_t), device->stream));
		counts.fill(0);
		for (int k = 0; k < 2; k++)
			begins[k].assign(1, 0);
		if (LENGTHS)
		{
			distances->run(sources, count);
			by_arcs(count, [&] (int64_t slot, int64_t some) {
				visit_entries(device, &g->out(), n, g->arcs, count_steps {from_slot(slot), some});
			});
			check_failure();
		}
		RK_LAUNCH(start_searches, blocks_for(count, THREADS), THREADS, device->stream) (set(), sources, count);
		check_launch();
		read_counts();
		for (last = 0;; last++)
		{
			if (last == MAX_LEVELS)
				decline("the graph is too deep");
			each(find_next<32, LENGTHS>, find_next<THREADS, LENGTHS>, last, last + 1);
			read_counts();
			if (begins[0][last + 2] == begins[0][last + 1] && begins[1][last + 2] == begins[1][last + 1])
				break;
			each(count_paths<32, LENGTHS>, count_paths<THREADS, LENGTHS>, last + 1, last + 1);
		}
		for (uint32_t l = last; l > 0; l--)
			each(go_back<32, LENGTHS>, go_back<THREADS, LENGTHS>, l, l);
		RK_LAUNCH(add_searches, blocks_for(n, THREADS), THREADS, device->stream)
			(set(), count, masses, extra, edges ? (double *) nullptr : total.get(), reach.get() + first);
		check_launch();
		if (edges)
			by_arcs(count, [&] (int64_t slot, int64_t some) {
				visit_entries(device, &g->out(), n, g->arcs, add_to_arcs<LENGTHS> {
					from_slot(slot), some, masses ? masses + slot : nullptr, total.get()
				});
			});
		check_failure();
		call->usage.bytes_moved += count * ((edges ? 60 : 40) * g->arcs + 80 * n);
	}
};

void
run_betweenness(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_betweenness_params *p = (const rk_cuda_betweenness_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);

	if (n == 0 || sources == 0 || !g->out().present() || !g->in().present() || p == nullptr ||
		call->params_bytes != sizeof(*p) || g->out().weighted() != g->in().weighted() ||
		(call->input[1].data && call->input[1].bytes != call->input[0].bytes) ||
		(call->input[2].data && call->input[2].bytes != n * (int64_t) sizeof(uint32_t)) ||
		call->output[0].bytes != (p->edges ? g->arcs : n) * (int64_t) sizeof(double) ||
		call->output[1].bytes != call->input[0].bytes)
		decline("arrays of another shape than betweenness has");
	for (int64_t i = 0; i < sources; i++)
		if (((const uint32_t *) call->input[0].data)[i] >= n)
			decline("a source is not in the graph");

	source_batches batches(device, call, p);
	kernel_timer timer(device, &call->usage);

	batches.run();
	timer.stop();
	batches.store();
}

/*
 * betweenness.cu
 *	  Dependencies of many sources on the nodes between, as
 *	  src/graph/centrality/betweenness_search.c without lengths (Brandes 2001).
 *
 * A batch of sources is searched at once, each in arrays of its own, and a level
 * of all of them is one list of (search, node): small levels of one search are
 * filled up by those of the others (as in Sariyuce, Kaya, Saule, Catalyurek
 * 2013).  On the way out, nodes of the next level are found by pushing; counts
 * of paths, and dependencies on the way back, are pulled, each by one group of
 * threads in one order: a warp, or a block for a long row.  Dependencies are
 * added to the total in the order of the sources, whatever the batches are.
 *
 * Each level costs a look by the host: deep graphs are left to the CPU.
 */
#include <vector>

#include "nodes.cuh"

#define NONE UINT32_MAX
#define THREADS 256
#define LONG_ROW 1024			/* a block's above this */
#define MOST_ENTRIES (INT64_C(1) << 26)	/* nodes of all searches of a batch */
#define ENTRY_BYTES 32			/* of a node of a search */
#define MAX_LEVELS 2048

struct slot_node
{
	uint32_t	slot;
	uint32_t	node;
};

struct search_set
{
	device_adjacency_view out;
	device_adjacency_view in;
	int64_t		nodes;
	const uint32_t *mass;		/* nodes that a node stands for; NULL: 1 each */
	/* by slot and node */
	double	   *paths;			/* on the way back: (mass + dependency) / paths */
	double	   *dependency;
	uint32_t   *level;			/* NONE: not found */
	slot_node  *items[2];		/* found, by level; those with long rows apart */
	unsigned long long *counts; /* of both lists */
	int32_t    *overflow;		/* more paths than can be counted */
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
		s.level[slot * s.nodes + sources[slot]] = 0;
		s.paths[slot * s.nodes + sources[slot]] = 1;
	}
	append(s, slot < count, (uint32_t) slot, slot < count ? sources[slot] : 0);
}

/* Finds what the nodes of a level lead to; WIDTH threads for each. */
template <int WIDTH> __global__ static void __launch_bounds__(THREADS)
find_next(search_set s, const slot_node *items, int64_t count, uint32_t next)
{
	int64_t		at = global_thread() / WIDTH;
	int			thread = threadIdx.x % WIDTH;
	slot_node	item;
	uint32_t   *level;
	int64_t		end;

	if (at >= count)
		return;
	item = items[at];
	level = s.level + item.slot * s.nodes;
	end = s.out.offsets[item.node + 1];
	for (int64_t base = s.out.offsets[item.node]; base < end; base += WIDTH)
	{
		uint32_t	w = base + thread < end ? s.out.neighbors[base + thread] : item.node;
		bool		found = *(volatile uint32_t *) &level[w] == NONE && atomicCAS(&level[w], NONE, next) == NONE;

		if (__any_sync(FULL_WARP, found))
			append(s, found, item.slot, w);
	}
}

/* Sum over the entries of a row that lie on a level, by WIDTH threads; the first gets it. */
template <int WIDTH> __device__ static inline double
sum_of_level(const device_adjacency_view &a, uint32_t v, const uint32_t *level, uint32_t wanted, const double *value)
{
	int64_t		end = a.offsets[v + 1];
	double		sum = 0;

	for (int64_t e = a.offsets[v] + threadIdx.x % WIDTH; e < end; e += WIDTH)
		if (level[a.neighbors[e]] == wanted)
			sum += value[a.neighbors[e]];
	return WIDTH == 32 ? warp_sum(sum) : block_sum<double, THREADS>(sum);
}

/* Counts the shortest paths to the nodes of a level. */
template <int WIDTH> __global__ static void __launch_bounds__(THREADS)
count_paths(search_set s, const slot_node *items, int64_t count, uint32_t level)
{
	int64_t		at = global_thread() / WIDTH;
	slot_node	item;
	double		sum;

	if (at >= count)
		return;
	item = items[at];
	sum = sum_of_level<WIDTH>(s.in, item.node, s.level + item.slot * s.nodes, level - 1, s.paths + item.slot * s.nodes);
	if (threadIdx.x % WIDTH == 0)
		s.paths[item.slot * s.nodes + item.node] = sum;
}

/* Dependencies on the nodes of a level, from the one behind. */
template <int WIDTH> __global__ static void __launch_bounds__(THREADS)
go_back(search_set s, const slot_node *items, int64_t count, uint32_t level)
{
	int64_t		at = global_thread() / WIDTH;
	slot_node	item;
	double		sum;

	if (at >= count)
		return;
	item = items[at];
	sum = sum_of_level<WIDTH>(s.out, item.node, s.level + item.slot * s.nodes, level + 1, s.paths + item.slot * s.nodes);
	if (threadIdx.x % WIDTH == 0)
	{
		int64_t		entry = item.slot * s.nodes + item.node;
		double		paths = s.paths[entry];
		double		dependency = paths * sum;

		if (!(paths < INFINITY))
			*s.overflow = 1;
		s.dependency[entry] = dependency;
		s.paths[entry] = ((s.mass ? s.mass[item.node] : 1) + dependency) / paths;
	}
}

/* Adds a batch to the total, source by source, and counts what each has found. */
__global__ static void __launch_bounds__(THREADS)
add_searches(search_set s, int64_t count, const uint32_t *source_mass, double extra, double *total, uint32_t *reach)
{
	int64_t		v = global_thread();
	bool		valid = v < s.nodes;
	uint32_t	mass = !valid ? 0 : s.mass ? s.mass[v] : 1;
	double		sum = valid ? total[v] : 0;

	for (int64_t slot = 0; slot < count; slot++)
	{
		uint32_t	level = valid ? s.level[slot * s.nodes + v] : NONE;
		bool		counts = level != NONE && level > 0;
		uint32_t	found = warp_sum(counts ? mass : 0u);

		if (counts)
			sum += (source_mass ? source_mass[slot] : 1) * (s.dependency[slot * s.nodes + v] + extra);
		if (threadIdx.x % 32 == 0 && found > 0)
			atomicAdd(&reach[slot], found);
	}
	if (valid)
		total[v] = sum;
}

class source_batches
{
public:
	source_batches(rk_cuda_device *d, rk_cuda_call *c) : device(d), call(c), g(c->graph), n(c->graph->nodes)
	{
		int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);

		extra = ((const rk_cuda_betweenness_params *) call->params)->extra;
		slots = max(INT64_C(1), min(sources, MOST_ENTRIES / n));
		while (slots > 1 && slots * (ENTRY_BYTES * n) > (device->limit - device->used) / 2)
			slots /= 2;
		source.load(device, (const uint32_t *) call->input[0].data, sources, &call->usage);
		if (call->input[1].data)
			source_mass.load(device, (const uint32_t *) call->input[1].data, sources, &call->usage);
		if (call->input[2].data)
			mass.load(device, (const uint32_t *) call->input[2].data, n, &call->usage);
		paths.allocate(device, slots * n);
		dependency.allocate(device, slots * n);
		level.allocate(device, slots * n);
		items[0].allocate(device, slots * n);
		/* long rows have more than LONG_ROW entries of one direction */
		items[1].allocate(device, slots * (2 * g->arcs / LONG_ROW + 1));
		counts.allocate(device, 2);
		overflow.allocate(device, 1);
		total.allocate(device, n);
		reach.allocate(device, sources);
	}

	void run()
	{
		int64_t		sources = source.size();

		overflow.fill(0);
		total.fill(0);
		reach.fill(0);
		for (int64_t first = 0; first < sources; first += slots)
			search(first, min(slots, sources - first));
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
	device_array<uint32_t> source;
	device_array<uint32_t> source_mass;
	device_array<uint32_t> mass;
	device_array<double> paths;
	device_array<double> dependency;
	device_array<uint32_t> level;
	device_array<slot_node> items[2];
	device_array<unsigned long long> counts;
	device_array<int32_t> overflow;
	device_array<double> total;
	device_array<uint32_t> reach;
	std::vector<int64_t> begins[2];	/* of levels in the lists */

	search_set set()
	{
		return {
			view_of(g->out()), view_of(g->in()), n, mass.get(), paths.get(), dependency.get(), level.get(),
			{items[0].get(), items[1].get()}, counts.get(), overflow.get()
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

	void search(int64_t first, int64_t count)
	{
		int32_t		failed = 0;
		uint32_t	last;

		check(cudaMemsetAsync(level.get(), 0xff, count * n * sizeof(uint32_t), device->stream));
		counts.fill(0);
		for (int k = 0; k < 2; k++)
			begins[k].assign(1, 0);
		RK_LAUNCH(start_searches, blocks_for(count, THREADS), THREADS, device->stream)
			(set(), source.get() + first, count);
		check_launch();
		read_counts();
		for (last = 0;; last++)
		{
			if (last == MAX_LEVELS)
				decline("the graph is too deep");
			each(find_next<32>, find_next<THREADS>, last, last + 1);
			read_counts();
			if (begins[0][last + 2] == begins[0][last + 1] && begins[1][last + 2] == begins[1][last + 1])
				break;
			each(count_paths<32>, count_paths<THREADS>, last + 1, last + 1);
		}
		for (uint32_t l = last; l > 0; l--)
			each(go_back<32>, go_back<THREADS>, l, l);
		RK_LAUNCH(add_searches, blocks_for(n, THREADS), THREADS, device->stream)
			(set(), count, source_mass.get() ? source_mass.get() + first : (uint32_t *) nullptr, extra, total.get(),
			 reach.get() + first);
		check_launch();
		check(cudaMemcpyAsync(&failed, overflow.get(), sizeof(failed), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (failed)
			decline("number of shortest paths is out of range");
		call->usage.bytes_moved += count * (40 * g->arcs + 80 * n);
	}
};

void
run_betweenness(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);

	if (n == 0 || sources == 0 || !g->out().present() || !g->in().present() || call->params == nullptr ||
		call->params_bytes != sizeof(rk_cuda_betweenness_params) ||
		(call->input[1].data && call->input[1].bytes != call->input[0].bytes) ||
		(call->input[2].data && call->input[2].bytes != n * (int64_t) sizeof(uint32_t)) ||
		call->output[0].bytes != n * (int64_t) sizeof(double) || call->output[1].bytes != call->input[0].bytes)
		decline("arrays of another shape than betweenness has");
	for (int64_t i = 0; i < sources; i++)
		if (((const uint32_t *) call->input[0].data)[i] >= n)
			decline("a source is not in the graph");

	source_batches batches(device, call);
	kernel_timer timer(device, &call->usage);

	batches.run();
	timer.stop();
	batches.store();
}

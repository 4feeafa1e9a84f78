/*
 * path_pairs.cu
 *	  Distances and hops of given pairs of nodes, as
 *	  src/graph/paths/shortest_path_pairs.c.
 *
 * All sources are searched from, many at a time.  Without lengths a search has a
 * bit for each of 256 of them (hop_searches.cuh): the level on which the target
 * has it is how far it is, and a batch is over as soon as all its targets have
 * theirs.  With lengths there are distances and, over the arcs of shortest paths,
 * levels of every node (path_levels.cuh), from which those of the targets are
 * taken.
 */
#include <algorithm>

#include "hop_searches.cuh"
#include "path_levels.cuh"

#define THREADS 256
#ifdef RK_CUDA_ON_HOST
#define MOST_ENTRIES INT64_C(3000)	/* small, so that tests have several batches */
#else
#define MOST_ENTRIES (INT64_C(1) << 26)	/* with lengths: nodes of all searches at a time */
#endif

/* The pairs of a batch of sources; numbers of sources begin at first. */
struct batch_pairs
{
	const uint32_t *number;		/* of the pair's source */
	const uint32_t *target;
	int64_t		count;
	int64_t		first;
	uint32_t   *hops;			/* NOT_FOUND: none yet */
	double	   *distance;		/* with lengths */
};

/* Pairs whose target has the bit of their source have it since this level. */
__global__ static void __launch_bounds__(THREADS)
note_pairs(reach_search s, batch_pairs p, uint32_t level, unsigned long long *done)
{
	int64_t		i = global_thread();
	int			found = 0;

	if (i < p.count && p.hops[i] == NOT_FOUND)
	{
		int64_t		slot = p.number[i] - p.first;
		unsigned long long bits = s.seen[(slot / SOURCES * s.nodes + p.target[i]) * WORDS + slot % SOURCES / 64];

		found = (int) (bits >> slot % 64 & 1);
		if (found)
			p.hops[i] = level;
	}
	found = warp_sum(found);
	if (threadIdx.x % 32 == 0 && found)
		atomicAdd(done, (unsigned long long) found);
}

/* Takes what pairs want from the searches of their sources. */
__global__ static void __launch_bounds__(THREADS)
take_pairs(search_set s, batch_pairs p)
{
	int64_t		i = global_thread();

	if (i < p.count)
	{
		int64_t		at = (p.number[i] - p.first) * s.nodes + p.target[i];

		p.hops[i] = s.level[at];
		p.distance[i] = s.distance[at];
	}
}

class pair_batches
{
public:
	pair_batches(rk_cuda_device *d, rk_cuda_call *c, double farthest)
		: device(d), call(c), n(c->graph->nodes), max_distance(farthest), numbers((const uint32_t *) c->input[1].data),
		  lengths(c->graph->out().weighted())
	{
		int64_t		count = call->input[1].bytes / (int64_t) sizeof(uint32_t);

		source.load(device, (const uint32_t *) call->input[0].data, call->input[0].bytes / (int64_t) sizeof(uint32_t),
					&call->usage);
		number.load(device, numbers, count, &call->usage);
		target.load(device, (const uint32_t *) call->input[2].data, count, &call->usage);
		hops.allocate(device, count);
		if (lengths)
			distance.allocate(device, count);
	}

	void by_hops()
	{
		hop_searches searches(device, call, source.size());
		/* farther away nothing is wanted */
		int64_t		most = max_distance < MOST_LEVELS ? (int64_t) max_distance : MOST_LEVELS;
		device_array<unsigned long long> done;

		hops.fill(0xff);
		done.allocate(device, 1);
		for (int64_t first = 0; first < source.size(); first += searches.at_a_time())
		{
			int64_t		some = min(searches.at_a_time(), source.size() - first);
			batch_pairs p = pairs_of(first, some);
			unsigned long long now = 0;
			bool		over;

			done.fill(0);
			over = searches.run(source.get() + first, some, most, [&] (const reach_search &s, int64_t level) {
				if (p.count > 0)
					RK_LAUNCH(note_pairs, blocks_for(p.count, THREADS), THREADS, device->stream)
						(s, p, (uint32_t) level, done.get());
				check_launch();
				check(cudaMemcpyAsync(&now, done.get(), sizeof(now), cudaMemcpyDeviceToHost, device->stream));
				call->usage.bytes_moved += 12 * p.count;
			}, [&] (int64_t, unsigned long long) {
				return (int64_t) now < p.count;
			});
			if (!over && most == MOST_LEVELS)
				decline("the graph is too deep");
			call->usage.bytes_moved += 40 * p.count;
		}
	}

	void by_length()
	{
		int64_t		slots = searches_at_a_time(device, n, source.size(), MOST_ENTRIES, search_bytes(true, false));
		path_levels searches(device, call, slots, false, max_distance);

		for (int64_t first = 0; first < source.size(); first += slots)
		{
			int64_t		some = min(slots, source.size() - first);
			batch_pairs p = pairs_of(first, some);
			uint32_t	last;

			searches.search<LEVELS_OF_PATHS>(source.get() + first, some, INT64_MAX, &last);
			if (p.count > 0)
				RK_LAUNCH(take_pairs, blocks_for(p.count, THREADS), THREADS, device->stream) (searches.set(), p);
			check_launch();
			call->usage.bytes_moved += 80 * p.count;
		}
	}

	void store()
	{
		hops.store((uint32_t *) call->output[0].data, &call->usage);
		if (lengths)
			distance.store((double *) call->output[1].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	int64_t		n;
	double		max_distance;
	const uint32_t *numbers;	/* in host memory, rising */
	bool		lengths;
	device_array<uint32_t> source;
	device_array<uint32_t> number;
	device_array<uint32_t> target;
	device_array<uint32_t> hops;
	device_array<double> distance;

	batch_pairs pairs_of(int64_t first, int64_t some)
	{
		const uint32_t *end = numbers + number.size();
		int64_t		low = std::lower_bound(numbers, end, (uint32_t) first) - numbers;
		int64_t		high = std::lower_bound(numbers, end, first + some, [] (uint32_t x, int64_t limit) { return x < limit; }) - numbers;

		return {
			number.get() + low, target.get() + low, high - low, first, hops.get() + low,
			lengths ? distance.get() + low : nullptr
		};
	}
};

void
run_path_pairs(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_path_pairs_params *p = (const rk_cuda_path_pairs_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	const uint32_t *sources = (const uint32_t *) call->input[0].data;
	const uint32_t *numbers = (const uint32_t *) call->input[1].data;
	const uint32_t *targets = (const uint32_t *) call->input[2].data;
	int64_t		count = call->input[0].bytes / (int64_t) sizeof(uint32_t);
	int64_t		pairs = call->input[1].bytes / (int64_t) sizeof(uint32_t);
	bool		lengths = g && g->out().weighted();

	if (n == 0 || count == 0 || pairs == 0 || p == nullptr || call->params_bytes != sizeof(*p) ||
		!(p->max_distance >= 0) || !g->in().present() || (lengths && !g->out().present()) || sources == nullptr ||
		numbers == nullptr || targets == nullptr || call->input[2].bytes != call->input[1].bytes ||
		call->output[0].bytes != pairs * (int64_t) sizeof(uint32_t) ||
		call->output[1].bytes != (lengths ? pairs * (int64_t) sizeof(double) : 0))
		decline("arrays of another shape than pairs of nodes have");
	for (int64_t i = 0; i < count; i++)
		if (sources[i] >= n)
			decline("a source is not in the graph");
	for (int64_t i = 0; i < pairs; i++)
		if (targets[i] >= n || numbers[i] >= count || (i > 0 && numbers[i] < numbers[i - 1]))
			decline("a pair is not of the graph, or out of order");

	pair_batches batches(device, call, p->max_distance);
	kernel_timer timer(device, &call->usage);

	if (lengths)
		batches.by_length();
	else
		batches.by_hops();
	timer.stop();
	batches.store();
}

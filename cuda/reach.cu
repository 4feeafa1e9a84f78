/*
 * reach.cu
 *	  How far many sources reach, and how far away what they reach is, as
 *	  src/graph/paths/multi_search.c and multi_dijkstra.c.
 *
 * Without lengths a search has a bit for each of 256 sources (hop_searches.cuh).
 * With lengths distances come from distances.cuh; a block adds up those of a
 * source in a fixed order.
 */
#include "distances.cuh"
#include "hop_searches.cuh"

#define THREADS 256
#define MOST_ENTRIES (INT64_C(1) << 24) /* with lengths: nodes of all searches at a time */

/* Sources that have reached a node on a level are at least so far from one. */
__global__ static void
note_farthest(reach_search s, int64_t count, uint32_t level, uint32_t *farthest)
{
	int64_t		i = global_thread();

	if (i < count && s.moved[i / 64] >> i % 64 & 1)
		farthest[i] = level;
}

static void
reach_by_hops(rk_cuda_device *device, rk_cuda_call *call, const uint32_t *sources, int64_t count)
{
	int64_t		levels = call->output[1].bytes / (int64_t) sizeof(int64_t);
	host_array<unsigned long long> pairs;
	device_array<uint32_t> source;
	device_array<uint32_t> farthest;

	source.load(device, sources, count, &call->usage);
	farthest.allocate(device, count);
	memset(pairs.allocate(levels), 0, levels * sizeof(int64_t));

	kernel_timer timer(device, &call->usage);
	hop_searches searches(device, call, count);

	farthest.fill(0);
	for (int64_t first = 0; first < count; first += searches.at_a_time())
	{
		int64_t		some = min(searches.at_a_time(), count - first);
		bool		over = searches.run(source.get() + first, some, levels - 1, [&] (const reach_search &s, int64_t level) {
			if (level == 0)
				return;
			RK_LAUNCH(note_farthest, blocks_for(some, THREADS), THREADS, device->stream)
				(s, some, (uint32_t) level, farthest.get() + first);
			check_launch();
		}, [&] (int64_t level, unsigned long long found) {
			if (level > 0)
				pairs.get()[level] += found;
			return true;
		});

		if (!over)
			decline("the graph is too deep");
	}
	timer.stop();
	farthest.store((uint32_t *) call->output[0].data, &call->usage);
	memcpy(call->output[1].data, pairs.get(), levels * sizeof(int64_t));
	check(cudaStreamSynchronize(device->stream));
}

/* ---- with lengths ---- */

/* sums[slot]: nodes that are reached, distances to them, their inverses, the largest. */
__global__ static void __launch_bounds__(THREADS)
sum_distances(const unsigned long long *distance, int64_t nodes, const uint32_t *sources, double *sums)
{
	const unsigned long long *mine = distance + blockIdx.x * nodes;
	double		reached = 0;
	double		sum = 0;
	double		inverse = 0;
	double		farthest = 0;

	for (int64_t v = threadIdx.x; v < nodes; v += THREADS)
	{
		double		d = length_of(mine[v]);

		if (!(d < INFINITY) || v == sources[blockIdx.x])
			continue;
		reached += 1;
		sum += d;
		inverse += 1 / d;
		farthest = fmax(farthest, d);
	}
	reached = block_sum<double, THREADS>(reached);
	sum = block_sum<double, THREADS>(sum);
	inverse = block_sum<double, THREADS>(inverse);
	farthest = block_max(farthest);
	if (threadIdx.x == 0)
	{
		sums[4 * blockIdx.x] = reached;
		sums[4 * blockIdx.x + 1] = sum;
		sums[4 * blockIdx.x + 2] = inverse;
		sums[4 * blockIdx.x + 3] = farthest;
	}
}

static void
reach_by_length(rk_cuda_device *device, rk_cuda_call *call, const uint32_t *sources, int64_t count)
{
	int64_t		n = call->graph->nodes;
	int64_t		slots = max(min(count, MOST_ENTRIES / n), INT64_C(1));
	device_array<uint32_t> source;
	device_array<double> sums;

	while (slots > 1 && slots * (DISTANCE_BYTES * n) > (device->limit - device->used) / 2)
		slots /= 2;
	source.load(device, sources, count, &call->usage);
	sums.allocate(device, 4 * count);

	kernel_timer timer(device, &call->usage);
	distance_searches searches(device, call, slots, INFINITY);

	for (int64_t first = 0; first < count; first += slots)
	{
		int64_t		some = min(slots, count - first);

		searches.run(source.get() + first, some);
		RK_LAUNCH(sum_distances, (unsigned) some, THREADS, device->stream)
			(searches.distance.get(), n, source.get() + first, sums.get() + 4 * first);
		check_launch();
		call->usage.bytes_moved += 8 * some * n;
	}
	timer.stop();
	sums.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

void
run_reach(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	const uint32_t *sources = (const uint32_t *) call->input[0].data;
	int64_t		count = call->input[0].bytes / (int64_t) sizeof(uint32_t);
	bool		lengths = g && g->out().weighted();

	if (n == 0 || count == 0 || sources == nullptr || (lengths ? !g->out().present() : !g->in().present()) ||
		call->output[0].bytes != count * (int64_t) (lengths ? 4 * sizeof(double) : sizeof(uint32_t)) ||
		(!lengths && call->output[1].bytes < (int64_t) sizeof(int64_t)))
		decline("arrays of another shape than searches from many nodes have");
	for (int64_t i = 0; i < count; i++)
		if (sources[i] >= n)
			decline("a source is not in the graph");
	if (lengths)
		reach_by_length(device, call, sources, count);
	else
		reach_by_hops(device, call, sources, count);
}

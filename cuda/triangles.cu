/*
 * triangles.cu
 *	  Triangles at every node, as src/graph/patterns/triangle_counting.c.
 *
 * Every edge is turned from the end with fewer neighbours to the other one, of
 * two alike from the smaller node; then no node has more than sqrt(2 m) edges
 * that leave it, and every triangle u -> v, u -> w, v -> w is found once, at its
 * edge u -> v, as an entry w that the rows of u and v share (Schank and Wagner
 * 2005).  A group of GROUP threads takes an edge: each looks for every
 * GROUP-th entry of the shorter row in the longer one, by halving.  Counts are
 * integers, so their order does not matter.
 */
#include "scan.cuh"

#define THREADS 256
#define GROUP 8
#define BATCH (INT64_C(1) << 22)	/* edges of a launch */

/* Whether the edge {u, v} leaves u. */
__device__ static inline bool
leaves(const int64_t *offsets, uint32_t u, uint32_t v)
{
	int64_t		du = offsets[u + 1] - offsets[u];
	int64_t		dv = offsets[v + 1] - offsets[v];

	return du < dv || (du == dv && u < v);
}

/* How many edges leave each node; one warp for each. */
__global__ static void
count_leaving(const int64_t *offsets, const uint32_t *neighbors, int64_t nodes, uint32_t *lengths)
{
	int64_t		u = global_thread() / 32;
	uint32_t	count = 0;

	if (u >= nodes)
		return;
	for (int64_t i = offsets[u] + threadIdx.x % 32; i < offsets[u + 1]; i += 32)
		count += leaves(offsets, (uint32_t) u, neighbors[i]);
	count = warp_sum(count);
	if (threadIdx.x % 32 == 0)
		lengths[u] = count;
}

/* Rows of the edges that leave, rising; and where each edge comes from. */
__global__ static void
list_leaving(const int64_t *offsets, const uint32_t *neighbors, int64_t nodes, const int64_t *starts,
			 uint32_t *targets, uint32_t *sources)
{
	int64_t		u = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int64_t		at;

	if (u >= nodes)
		return;
	at = starts[u];
	for (int64_t base = offsets[u]; base < offsets[u + 1]; base += 32)
	{
		int64_t		i = base + lane;
		uint32_t	v = i < offsets[u + 1] ? neighbors[i] : 0;
		bool		mine = i < offsets[u + 1] && leaves(offsets, (uint32_t) u, v);
		unsigned	mask = __ballot_sync(FULL_WARP, mine);
		int64_t		place = at + __popc(mask & ((1u << lane) - 1));

		if (mine)
		{
			targets[place] = v;
			sources[place] = (uint32_t) u;
		}
		at += __popc(mask);
	}
}

/* Whether a rising row of length entries has w. */
__device__ static inline bool
has(const uint32_t *row, int64_t length, uint32_t w)
{
	int64_t		low = 0;

	while (length > 0)
	{
		int64_t		half = length / 2;

		if (row[low + half] < w)
		{
			low += half + 1;
			length -= half + 1;
		}
		else if (row[low + half] == w)
			return true;
		else
			length = half;
	}
	return false;
}

__global__ static void __launch_bounds__(THREADS)
count_shared(const int64_t *starts, const uint32_t *targets, const uint32_t *sources, int64_t first,
			 int64_t last, unsigned long long *triangles)
{
	int64_t		edge = first + global_thread() / GROUP;
	unsigned long long found = 0;
	uint32_t	u;
	uint32_t	v;
	const uint32_t *shorter;
	const uint32_t *longer;
	int64_t		short_length;
	int64_t		long_length;

	if (edge >= last)
		return;
	u = sources[edge];
	v = targets[edge];
	shorter = targets + starts[u];
	short_length = starts[u + 1] - starts[u];
	longer = targets + starts[v];
	long_length = starts[v + 1] - starts[v];
	if (short_length > long_length)
	{
		const uint32_t *row = shorter;
		int64_t		length = short_length;

		shorter = longer;
		short_length = long_length;
		longer = row;
		long_length = length;
	}
	for (int64_t i = threadIdx.x % GROUP; i < short_length; i += GROUP)
	{
		uint32_t	w = shorter[i];

		if (has(longer, long_length, w))
		{
			atomicAdd(&triangles[w], 1ull);
			found++;
		}
	}
	if (found > 0)
	{
		atomicAdd(&triangles[u], found);
		atomicAdd(&triangles[v], found);
	}
}

void
run_triangles(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		edges = 0;
	device_array<uint32_t> lengths;
	device_array<int64_t> starts;
	device_array<uint32_t> targets;
	device_array<uint32_t> sources;
	device_array<unsigned long long> triangles;

	if (n == 0 || g->directed || !g->out().present() ||
		call->output[0].bytes != n * (int64_t) sizeof(int64_t))
		decline("arrays of another shape than triangles have");
	triangles.allocate(device, n);
	lengths.allocate(device, n);
	starts.allocate(device, n + 1);

	kernel_timer timer(device, &call->usage);
	const int64_t *offsets = g->out().offsets.get();
	const uint32_t *neighbors = g->out().neighbors.get();
	unsigned	warps = blocks_for(n * 32, THREADS);

	triangles.fill(0);
	RK_LAUNCH(count_leaving, warps, THREADS, device->stream) (offsets, neighbors, n, lengths.get());
	check_launch();
	scan_lengths(device, lengths.get(), n, starts.get());
	check(cudaMemcpyAsync(&edges, starts.get() + n, sizeof(edges), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	targets.allocate(device, edges);
	sources.allocate(device, edges);
	RK_LAUNCH(list_leaving, warps, THREADS, device->stream)
		(offsets, neighbors, n, starts.get(), targets.get(), sources.get());
	check_launch();
	for (int64_t first = 0; first < edges; first += BATCH)
	{
		int64_t		last = min(first + BATCH, edges);

		if (stopped(call))
			stop_now();
		RK_LAUNCH(count_shared, blocks_for((last - first) * GROUP, THREADS), THREADS, device->stream)
			(starts.get(), targets.get(), sources.get(), first, last, triangles.get());
		check_launch();
		/* so that a request to stop is seen before the next batch */
		check(cudaStreamSynchronize(device->stream));
	}
	timer.stop();
	triangles.store((unsigned long long *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* the rows twice, what is listed, counts; rows that are looked through are not known */
	call->usage.bytes_moved += 8 * g->arcs + 16 * edges + 40 * n;
}

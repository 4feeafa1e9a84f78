/*
 * reach.cu
 *	  How far many sources reach, and how far away what they reach is, as
 *	  src/graph/paths/multi_search.c and multi_dijkstra.c.
 *
 * Without lengths 256 sources share a search (Then et al. 2014): every node has
 * a bit for each, the whole in one sector of memory, and takes over those of its
 * in-neighbours that are new to it.  Bits are put together by "or", so that
 * nothing depends on an order; a row is left as soon as nothing is missing.
 * Several searches run beside each other, to fill the device on small graphs.
 *
 * With lengths distances come from distances.cuh; a block adds up those of a
 * source in a fixed order.
 */
#include "distances.cuh"

#define THREADS 256
#define WORDS 4					/* of 64 sources */
#define SOURCES (64 * WORDS)	/* of a search */
#define LONG_ROW 4096			/* a block's above this */
#define LOOK 8					/* steps along a row between looks at what is missing */
#define MOST_ROWS (INT64_C(1) << 22)	/* nodes of all searches beside each other */
#define MOST_LEVELS 2048
#define MOST_ENTRIES (INT64_C(1) << 24) /* with lengths: nodes of all searches at a time */

struct reach_search
{
	device_adjacency_view in;
	int64_t		nodes;
	/* by search, node and word */
	unsigned long long *seen;
	unsigned long long *now;	/* reached on the last level */
	unsigned long long *next;
	/* by search and word */
	unsigned long long *valid;	/* bits that stand for a source */
	unsigned long long *moved;	/* bits of sources that have reached a node on this level */
	uint32_t   *moves;			/* by search: the last level on which it had one */
	unsigned long long *pairs;	/* new ones of the level */
};

__global__ static void
start_reach(reach_search s, const uint32_t *sources, int64_t count)
{
	int64_t		i = global_thread();
	int64_t		search = i / SOURCES;
	int			word = (int) (i % SOURCES / 64);
	unsigned long long bit = 1ull << i % 64;

	if (i >= count)
		return;
	atomicOr(&s.seen[(search * s.nodes + sources[i]) * WORDS + word], bit);
	atomicOr(&s.now[(search * s.nodes + sources[i]) * WORDS + word], bit);
	atomicOr(&s.valid[search * WORDS + word], bit);
}

/* "Or" over the threads of a group that have the same word; all get it. */
template <int WIDTH> __device__ static inline unsigned long long
or_of_parts(unsigned long long bits)
{
	for (int distance = WORDS; distance < 32; distance *= 2)
		bits |= __shfl_xor_sync(FULL_WARP, bits, distance);
	if (WIDTH > 32)
	{
		__shared__ unsigned long long parts[WIDTH / 32][WORDS];

		__syncthreads();
		if (threadIdx.x % 32 < WORDS)
			parts[threadIdx.x / 32][threadIdx.x % 32] = bits;
		__syncthreads();
		for (int w = 0; w < WIDTH / 32; w++)
			bits |= parts[w][threadIdx.x % WORDS];
	}
	return bits;
}

/*
 * Takes over what in-neighbours of a node have; WIDTH threads, of which those
 * with the same word look at every WIDTH / WORDS-th entry.  Returns the new bits
 * of the thread's word, the same in all parts.
 */
template <int WIDTH> __device__ static inline unsigned long long
pull_row(const reach_search &s, int64_t search, int64_t v)
{
	int			word = threadIdx.x % WORDS;
	int			part = threadIdx.x % WIDTH / WORDS;
	int64_t		at = (search * s.nodes + v) * WORDS + word;
	unsigned long long missing = s.valid[search * WORDS + word] & ~s.seen[at];
	unsigned long long bits = 0;
	int64_t		end = s.in.offsets[v + 1];
	int			steps = 0;
	bool		wants = __any_sync(FULL_WARP, missing != 0);

	for (int64_t e = s.in.offsets[v]; wants && e < end; e += WIDTH / WORDS)
	{
		if (e + part < end)
			bits |= s.now[(search * s.nodes + s.in.neighbors[e + part]) * WORDS + word];
		if (WIDTH == 32 && ++steps % LOOK == 0)
			wants = __any_sync(FULL_WARP, (missing & ~or_of_parts<32>(bits)) != 0);
	}
	bits = or_of_parts<WIDTH>(bits) & missing;
	if (part == 0)
	{
		s.next[at] = bits;
		if (bits)
			s.seen[at] |= bits;
	}
	return bits;
}

/* Notes what a group of threads has found. */
__device__ static inline void
note_found(const reach_search &s, int64_t search, unsigned long long moved, unsigned long long pairs, uint32_t level)
{
	if (threadIdx.x % 32 >= WORDS)
		return;
	if (moved)
	{
		atomicOr(&s.moved[search * WORDS + threadIdx.x % WORDS], moved);
		s.moves[search] = level;
		atomicAdd(s.pairs, pairs);
	}
}

/* A level of all searches, without long rows; a warp takes one row after the other. */
__global__ static void __launch_bounds__(THREADS)
pull_rows(reach_search s, unsigned blocks, uint32_t level)
{
	int64_t		search = blockIdx.x / blocks;
	int64_t		warp = (int64_t) (blockIdx.x % blocks) * (THREADS / 32) + threadIdx.x / 32;
	unsigned long long moved = 0;
	unsigned long long pairs = 0;

	/* over since the level before */
	if (s.moves[search] + 1 < level)
		return;
	for (int64_t v = warp; v < s.nodes; v += (int64_t) blocks * (THREADS / 32))
	{
		unsigned long long bits;

		if (s.in.offsets[v + 1] - s.in.offsets[v] > LONG_ROW)
			continue;
		bits = pull_row<32>(s, search, v);
		moved |= bits;
		pairs += (unsigned long long) __popcll(bits);
	}
	note_found(s, search, moved, pairs, level);
}

__global__ static void
find_long_rows(const int64_t *offsets, int64_t nodes, uint32_t *rows, unsigned long long *count)
{
	int64_t		v = global_thread();

	if (v < nodes && offsets[v + 1] - offsets[v] > LONG_ROW)
		rows[atomicAdd(count, 1ull)] = (uint32_t) v;
}

/* The long ones, a block for each. */
__global__ static void __launch_bounds__(THREADS)
pull_long_rows(reach_search s, const uint32_t *rows, unsigned count, uint32_t level)
{
	int64_t		search = blockIdx.x / count;
	unsigned long long bits;

	if (s.moves[search] + 1 < level)
		return;
	bits = pull_row<THREADS>(s, search, rows[blockIdx.x % count]);
	if (threadIdx.x < 32)
		note_found(s, search, bits, (unsigned long long) __popcll(bits), level);
}

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
	rk_cuda_graph *g = call->graph;
	int64_t		n = g->nodes;
	int64_t		searches = (count + SOURCES - 1) / SOURCES;
	int64_t		levels = call->output[1].bytes / (int64_t) sizeof(int64_t);
	int64_t		beside;
	unsigned long long long_count = 0;
	unsigned	blocks;
	host_array<unsigned long long> pairs;
	device_array<uint32_t> source;
	device_array<uint32_t> farthest;
	device_array<uint32_t> long_rows;
	device_array<uint32_t> moves;
	device_array<unsigned long long> counter;
	device_array<unsigned long long> bits[3];
	device_array<unsigned long long> valid;
	device_array<unsigned long long> moved;

	beside = max(min(searches, min(MOST_ROWS, (device->limit - device->used) / 4 / (3 * 8 * WORDS)) / n), INT64_C(1));
	source.load(device, sources, count, &call->usage);
	farthest.allocate(device, count);
	long_rows.allocate(device, g->arcs / LONG_ROW + 1);
	moves.allocate(device, beside);
	counter.allocate(device, 1);
	for (int i = 0; i < 3; i++)
		bits[i].allocate(device, beside * n * WORDS);
	valid.allocate(device, beside * WORDS);
	moved.allocate(device, beside * WORDS);
	memset(pairs.allocate(levels), 0, levels * sizeof(int64_t));
	blocks = (unsigned) min(blocks_for(n, THREADS / 32), 8u * (unsigned) device->multiprocessors);

	kernel_timer timer(device, &call->usage);

	farthest.fill(0);
	counter.fill(0);
	RK_LAUNCH(find_long_rows, blocks_for(n, THREADS), THREADS, device->stream)
		(g->in().offsets.get(), n, long_rows.get(), counter.get());
	check_launch();
	check(cudaMemcpyAsync(&long_count, counter.get(), sizeof(long_count), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	for (int64_t first = 0; first < count; first += beside * SOURCES)
	{
		int64_t		some = min(beside * SOURCES, count - first);
		unsigned	running = (unsigned) ((some + SOURCES - 1) / SOURCES);
		unsigned long long found = 1;
		int			turn = 1;

		bits[0].fill(0);
		bits[1].fill(0);
		valid.fill(0);
		moves.fill(0);
		for (int64_t level = 0; found > 0; level++)
		{
			reach_search s = {
				view_of(g->in()), n, bits[0].get(), bits[turn].get(), bits[3 - turn].get(), valid.get(), moved.get(),
				moves.get(), counter.get()
			};

			if (stopped(call))
				stop_now();
			if (level == 0)
			{
				RK_LAUNCH(start_reach, blocks_for(some, THREADS), THREADS, device->stream) (s, source.get() + first, some);
				check_launch();
				continue;
			}
			if (level >= levels)
				decline("the graph is too deep");
			counter.fill(0);
			moved.fill(0);
			RK_LAUNCH(pull_rows, running * blocks, THREADS, device->stream) (s, blocks, (uint32_t) level);
			check_launch();
			if (long_count > 0)
				RK_LAUNCH(pull_long_rows, running * (unsigned) long_count, THREADS, device->stream)
					(s, long_rows.get(), (unsigned) long_count, (uint32_t) level);
			check_launch();
			RK_LAUNCH(note_farthest, blocks_for(some, THREADS), THREADS, device->stream)
				(s, some, (uint32_t) level, farthest.get() + first);
			check_launch();
			check(cudaMemcpyAsync(&found, counter.get(), sizeof(found), cudaMemcpyDeviceToHost, device->stream));
			check(cudaStreamSynchronize(device->stream));
			pairs.get()[level] += found;
			turn = 3 - turn;
			call->usage.bytes_moved += (int64_t) running * (4 * g->arcs + 32 * g->arcs + 104 * n);
		}
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

/*
 * reach.cu
 *	  How far many sources reach, and how far away what they reach is, as
 *	  src/graph/paths/multi_search.c and multi_dijkstra.c.
 *
 * Without lengths 256 sources share a search (Then et al. 2014): every node has
 * a bit for each, the whole in one sector of memory, and takes over those of its
 * in-neighbours that are new to it.  Bits are put together by "or", so that
 * nothing depends on an order; a row is left as soon as nothing is missing, and a
 * long one is cut into pieces, each a warp's.  Several searches run beside each
 * other, to fill the device on small graphs.
 *
 * With lengths distances come from distances.cuh; a block adds up those of a
 * source in a fixed order.
 */
#include "distances.cuh"
#include "pieces.cuh"

#define THREADS 256
#define WORDS 4					/* of 64 sources */
#define SOURCES (64 * WORDS)	/* of a search */
#define PARTS (32 / WORDS)		/* entries that a warp looks at at once */
#define AHEAD 4
#define LONG_ROW 2048			/* cut into pieces above this */
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

/* "Or" over the lanes of a warp that have the same word; all get it. */
__device__ static inline unsigned long long
or_of_lanes(unsigned long long bits)
{
	for (int distance = WORDS; distance < 32; distance *= 2)
		bits |= __shfl_xor_sync(FULL_WARP, bits, distance);
	return bits;
}

/*
 * What in-neighbours at [e, end) have of what is missing, by a warp: lanes with the
 * same word look at every PARTS-th entry, AHEAD of them before any is waited for.
 * All of them get the bits of their word.
 */
__device__ static inline unsigned long long
or_of_entries(const reach_search &s, int64_t search, int64_t e, int64_t end, unsigned long long missing)
{
	const unsigned long long *now = s.now + search * s.nodes * WORDS + threadIdx.x % WORDS;
	int			part = threadIdx.x % 32 / WORDS;
	unsigned long long bits = 0;

	for (; e < end && __any_sync(FULL_WARP, (missing & ~bits) != 0); e += AHEAD * PARTS)
	{
		uint32_t	node[AHEAD];

		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			node[k] = e + k * PARTS + part < end ? s.in.neighbors[e + k * PARTS + part] : 0;
		RK_UNROLL
		for (int k = 0; k < AHEAD; k++)
			if (e + k * PARTS + part < end)
				bits |= now[(int64_t) node[k] * WORDS];
		bits = or_of_lanes(bits);
	}
	return bits & missing;
}

/* Bits of the thread's word that a node has not seen. */
__device__ static inline unsigned long long
missing_of(const reach_search &s, int64_t search, int64_t v)
{
	int			word = threadIdx.x % WORDS;

	return s.valid[search * WORDS + word] & ~s.seen[(search * s.nodes + v) * WORDS + word];
}

/* A node takes over bits of a word. */
__device__ static inline void
take_over(const reach_search &s, int64_t search, int64_t v, unsigned long long bits)
{
	int64_t		at = (search * s.nodes + v) * WORDS + threadIdx.x % WORDS;

	s.next[at] = bits;
	if (bits)
		s.seen[at] |= bits;
}

/* Notes bits of a word that were found on a level. */
__device__ static inline void
note_moved(const reach_search &s, int64_t search, unsigned long long moved, uint32_t level)
{
	if (moved)
	{
		atomicOr(&s.moved[search * WORDS + threadIdx.x % WORDS], moved);
		s.moves[search] = level;
	}
}

/* A level of all searches, without long rows; a warp takes one row after the other. */
__global__ static void __launch_bounds__(THREADS)
pull_rows(reach_search s, unsigned blocks, uint32_t level)
{
	int64_t		search = blockIdx.x / blocks;
	int64_t		warp = (int64_t) (blockIdx.x % blocks) * (THREADS / 32) + threadIdx.x / 32;
	bool		writes = threadIdx.x % 32 < WORDS;
	unsigned long long moved = 0;
	unsigned long long pairs = 0;

	/* over since the level before */
	if (s.moves[search] + 1 < level)
		return;
	for (int64_t v = warp; v < s.nodes; v += (int64_t) blocks * (THREADS / 32))
	{
		int64_t		begin = s.in.offsets[v];
		int64_t		end = s.in.offsets[v + 1];
		unsigned long long bits;

		if (end - begin > LONG_ROW)
			continue;
		bits = or_of_entries(s, search, begin, end, missing_of(s, search, v));
		if (writes)
			take_over(s, search, v, bits);
		moved |= bits;
		pairs += writes ? (unsigned long long) __popcll(bits) : 0;
	}
	pairs = warp_sum(pairs);
	if (writes)
		note_moved(s, search, moved, level);
	if (threadIdx.x % 32 == 0 && pairs)
		atomicAdd(s.pairs, pairs);
}

/* Lists long rows, and the pieces that they are cut into: those of the i-th are of "node" i. */
__global__ static void
find_long_rows(const int64_t *offsets, int64_t nodes, uint32_t *rows, row_piece *pieces, unsigned long long *counts)
{
	int64_t		v = global_thread();
	int64_t		length = v < nodes ? offsets[v + 1] - offsets[v] : 0;
	uint32_t	row;
	unsigned	number;
	unsigned long long place;

	if (length <= LONG_ROW)
		return;
	row = (uint32_t) atomicAdd(&counts[0], 1ull);
	number = (unsigned) ((length + PIECE - 1) / PIECE);
	place = atomicAdd(&counts[1], (unsigned long long) number);
	rows[row] = (uint32_t) v;
	for (unsigned i = 0; i < number; i++)
		pieces[place + i] = {row, i};
}

/* What long rows of all searches gather on a level; a warp for each piece. */
__global__ static void __launch_bounds__(THREADS)
pull_pieces(reach_search s, const uint32_t *rows, int64_t row_count, const row_piece *pieces, int64_t piece_count,
			unsigned long long *gathered, int64_t searches, uint32_t level)
{
	int64_t		warp = global_thread() / 32;
	int64_t		search = warp / piece_count;
	row_piece	piece;
	unsigned long long *mine;
	unsigned long long missing;
	unsigned long long bits;
	int64_t		begin;
	int64_t		end;

	if (search >= searches || s.moves[search] + 1 < level)
		return;
	piece = pieces[warp % piece_count];
	mine = gathered + (search * row_count + piece.node) * WORDS + threadIdx.x % WORDS;
	/* what another piece has need not be looked for */
	missing = missing_of(s, search, rows[piece.node]) & ~*(volatile unsigned long long *) mine;
	piece.node = rows[piece.node];
	piece_entries(s.in.offsets, piece, &begin, &end);
	bits = or_of_entries(s, search, begin, end, missing);
	if (bits && threadIdx.x % 32 < WORDS)
		atomicOr(mine, bits);
}

/* The nodes of long rows take it over; a thread for each word.  What was gathered is 0 afterwards. */
__global__ static void __launch_bounds__(THREADS)
end_pieces(reach_search s, const uint32_t *rows, int64_t row_count, unsigned long long *gathered, int64_t searches,
		   uint32_t level)
{
	int64_t		i = global_thread();
	int64_t		search = i / (row_count * WORDS);
	unsigned long long bits = 0;
	unsigned long long pairs;

	if (search < searches && s.moves[search] + 1 >= level)
	{
		bits = gathered[i];
		gathered[i] = 0;
		take_over(s, search, rows[i / WORDS % row_count], bits);
		note_moved(s, search, bits, level);
	}
	pairs = warp_sum((unsigned long long) __popcll(bits));
	if (threadIdx.x % 32 == 0 && pairs)
		atomicAdd(s.pairs, pairs);
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
	unsigned long long longs[2] = {0, 0};	/* rows, and pieces of them */
	unsigned	blocks;
	host_array<unsigned long long> pairs;
	device_array<uint32_t> source;
	device_array<uint32_t> farthest;
	device_array<uint32_t> long_rows;
	device_array<row_piece> long_pieces;
	device_array<unsigned long long> gathered;
	device_array<uint32_t> moves;
	device_array<unsigned long long> counter;
	device_array<unsigned long long> bits[3];
	device_array<unsigned long long> valid;
	device_array<unsigned long long> moved;

	beside = max(min(searches, min(MOST_ROWS, (device->limit - device->used) / 4 / (3 * 8 * WORDS)) / n), INT64_C(1));
	source.load(device, sources, count, &call->usage);
	farthest.allocate(device, count);
	long_rows.allocate(device, g->arcs / LONG_ROW + 1);
	long_pieces.allocate(device, g->arcs / LONG_ROW + g->arcs / PIECE + 1);
	moves.allocate(device, beside);
	counter.allocate(device, 2);
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
		(g->in().offsets.get(), n, long_rows.get(), long_pieces.get(), counter.get());
	check_launch();
	check(cudaMemcpyAsync(longs, counter.get(), sizeof(longs), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	gathered.allocate(device, beside * (int64_t) longs[0] * WORDS);
	gathered.fill(0);
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
			if (longs[0] > 0)
			{
				RK_LAUNCH(pull_pieces, blocks_for(running * (int64_t) longs[1] * 32, THREADS), THREADS, device->stream)
					(s, long_rows.get(), (int64_t) longs[0], long_pieces.get(), (int64_t) longs[1], gathered.get(),
					 (int64_t) running, (uint32_t) level);
				check_launch();
				RK_LAUNCH(end_pieces, blocks_for(running * (int64_t) longs[0] * WORDS, THREADS), THREADS, device->stream)
					(s, long_rows.get(), (int64_t) longs[0], gathered.get(), (int64_t) running, (uint32_t) level);
				check_launch();
			}
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

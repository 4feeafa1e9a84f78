/*
 * triangles.cu
 *	  Triangles at every node, as src/graph/patterns/triangle_counting.c.
 *
 * Every edge is turned from the end with fewer neighbours to the other one, of
 * two alike from the smaller node; then no node has more than sqrt(2 m) edges
 * that leave it, and every triangle u -> v, u -> w, v -> w is found once, at its
 * middle node v (Schank and Wagner 2005).
 *
 * ROWS		An entry's bit says whether its edge leaves the row's node.  Rows are
 *			then parted by counting bits, entry by entry, into the edges that leave
 *			and those that arrive, both rising; no row is anybody's work.
 * COUNTING	A warp or a block has a middle node, a table of the edges that leave it
 *			in shared memory, and some of the edges u -> v that arrive; what leaves
 *			u is looked up.  Corners w are counted in the table, so that the global
 *			counters see one sum for each; a hub as a w would else be one address
 *			that all of the device adds to.
 * ITEMS	Work is cut at so many arriving edges and, as a table has so much room,
 *			at so many leaving ones: rows rise, so that a part of them goes with a
 *			range of every row of a u.
 *
 * Counts are integers, so their order does not matter.
 */
#include "rising.cuh"
#include "scan.cuh"
#include "stop_word.cuh"
#include "tiles.cuh"

#define THREADS 256
#define CHUNK_WORDS 32			/* of bits; 1024 entries */
#define CHUNK (32 * CHUNK_WORDS)
#define SHORT_ROW 32			/* is looked up by 8 lanes */
#define IN_FLIGHT 4				/* entries of a longer row that a lane reads at once */
#define NO_KEY UINT32_MAX
#define LOOK_BLOCKS 64			/* one of so many looks at the host's word */

/* What WIDTH threads take. */
template <int WIDTH> struct middle_work;

#ifdef RK_CUDA_ON_HOST
/* less, so that small graphs are cut as well */
#define TABLES(width, leaving, slot_bits, arriving) \
	template <> struct middle_work<width> { enum {LEAVING = leaving / 8, SLOT_BITS = slot_bits - 3, ARRIVING = arriving / 16}; }
#else
#define TABLES(width, leaving, slot_bits, arriving) \
	template <> struct middle_work<width> { enum {LEAVING = leaving, SLOT_BITS = slot_bits, ARRIVING = arriving}; }
#endif

/* entries of a table, of whose slots a quarter is used at most; arriving edges */
TABLES(32, 64, 8, 512);
TABLES(THREADS, 1024, 12, 4096);

/* Rows, parted. */
struct parted_rows
{
	int64_t		nodes;
	const int64_t *offsets;		/* of the whole rows */
	const int64_t *starts;		/* of what leaves; the rest starts at offsets - starts */
	const uint32_t *leaving;
	const uint32_t *arriving;
};

struct work_item
{
	uint32_t	node;
	uint32_t	number;
};

/* ---- rows ---- */

__global__ static void
count_degrees(const int64_t *offsets, int64_t nodes, uint32_t *degree)
{
	int64_t		v = global_thread();

	if (v < nodes)
		degree[v] = (uint32_t) (offsets[v + 1] - offsets[v]);
}

/* Sets the bits of entries whose edge leaves; all are 0 before. */
__global__ static void __launch_bounds__(TILE_THREADS)
mark_leaving(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, int64_t rows, int64_t entries,
			 const int64_t *__restrict__ tile_rows, const uint32_t *__restrict__ degree, uint32_t *bits)
{
	__shared__ int32_t end[TILE + 1];
	tile_span	t = begin_tile(offsets, rows, entries, tile_rows, end);

	/* warps stay together for the ballot */
	for (int base = 0; base < t.entries; base += TILE_THREADS)
	{
		int			i = base + threadIdx.x;
		bool		leaves = false;
		unsigned	mask;

		if (i < t.entries)
		{
			int64_t		u = tile_row(t, end, i);
			uint32_t	v = neighbors[t.first + i];
			uint32_t	du = degree[u];
			uint32_t	dv = degree[v];

			leaves = du < dv || (du == dv && u < v);
		}
		mask = __ballot_sync(FULL_WARP, leaves);
		if (threadIdx.x % 32 == 0 && mask != 0)
		{
			int64_t		at = t.first + i;
			int			shift = (int) (at % 32);

			atomicOr(&bits[at / 32], mask << shift);
			if (shift > 0 && mask >> (32 - shift) != 0)
				atomicOr(&bits[at / 32 + 1], mask >> (32 - shift));
		}
	}
}

/* Bits of each chunk; a warp for one. */
__global__ static void
count_chunks(const uint32_t *bits, int64_t words, int64_t chunks, uint32_t *counts)
{
	int64_t		chunk = global_thread() / 32;
	int64_t		word = global_thread();
	uint32_t	count;

	if (chunk >= chunks)
		return;
	count = warp_sum(word < words ? (uint32_t) __popc(bits[word]) : 0);
	if (threadIdx.x % 32 == 0)
		counts[chunk] = count;
}

/* How many bits there are before each row; chunk_starts: before each chunk. */
__global__ static void
find_starts(const int64_t *offsets, int64_t nodes, const uint32_t *bits, const int64_t *chunk_starts, int64_t *starts)
{
	int64_t		v = global_thread();
	int64_t		entry;
	int64_t		sum;

	if (v > nodes)
		return;
	entry = offsets[v];
	sum = chunk_starts[entry / CHUNK];
	for (int64_t w = entry / CHUNK * CHUNK_WORDS; w < entry / 32; w++)
		sum += __popc(bits[w]);
	if (entry % 32 > 0)
		sum += __popc(bits[entry / 32] & ((1u << entry % 32) - 1));
	starts[v] = sum;
}

/* Parts the entries of a chunk, whose order stays; a warp for one. */
__global__ static void __launch_bounds__(THREADS)
part_rows(const uint32_t *__restrict__ neighbors, int64_t entries, const uint32_t *__restrict__ bits, int64_t words,
		  const int64_t *__restrict__ chunk_starts, int64_t chunks, uint32_t *leaving, uint32_t *arriving)
{
	int64_t		chunk = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int64_t		before;
	uint32_t	word;

	if (chunk >= chunks)
		return;
	before = chunk_starts[chunk];
	word = global_thread() < words ? bits[global_thread()] : 0;
	for (int k = 0; k < CHUNK_WORDS; k++)
	{
		uint32_t	mask = __shfl_sync(FULL_WARP, word, k);
		int64_t		entry = chunk * CHUNK + k * 32 + lane;
		int64_t		place = before + __popc(mask & ((1u << lane) - 1));

		if (entry < entries)
		{
			if (mask >> lane & 1)
				leaving[place] = neighbors[entry];
			else
				arriving[entry - place] = neighbors[entry];
		}
		before += __popc(mask);
	}
}

/* ---- items ---- */

/* How many entries all items together look up, if rows are not cut. */
__global__ static void __launch_bounds__(THREADS)
sum_looks(const int64_t *starts, int64_t nodes, unsigned long long *looks)
{
	int64_t		v = global_thread();
	unsigned long long leaving = v < nodes ? starts[v + 1] - starts[v] : 0;

	leaving = block_sum<unsigned long long, THREADS>(leaving * leaving);
	if (threadIdx.x == 0 && leaving > 0)
		atomicAdd(looks, leaving);
}

/* Items of a node for groups of WIDTH; *parts: of what leaves it. */
template <int WIDTH> __device__ static inline int64_t
items_of(const parted_rows &r, int64_t v, int64_t *parts)
{
	int64_t		leaving = r.starts[v + 1] - r.starts[v];
	int64_t		arriving = r.offsets[v + 1] - r.offsets[v] - leaving;

	*parts = (leaving + middle_work<WIDTH>::LEAVING - 1) / middle_work<WIDTH>::LEAVING;
	if (leaving == 0 || (leaving <= middle_work<32>::LEAVING) != (WIDTH == 32))
		return 0;
	return *parts * ((arriving + middle_work<WIDTH>::ARRIVING - 1) / middle_work<WIDTH>::ARRIVING);
}

template <int WIDTH> __global__ static void
count_items(parted_rows r, uint32_t *counts)
{
	int64_t		v = global_thread();
	int64_t		parts;

	if (v < r.nodes)
		counts[v] = (uint32_t) items_of<WIDTH>(r, v, &parts);
}

__global__ static void
list_items(int64_t nodes, const int64_t *places, work_item *items)
{
	int64_t		v = global_thread();

	if (v >= nodes)
		return;
	for (int64_t i = places[v]; i < places[v + 1]; i++)
		items[i] = {(uint32_t) v, (uint32_t) (i - places[v])};
}

/* ---- counting ---- */

template <int SLOT_BITS> __device__ static inline uint32_t
slot_of(uint32_t key)
{
	return key * 0x9E3779B1u >> (32 - SLOT_BITS);
}

/* Counts a key that is in the table; 1 if it is. */
template <int SLOT_BITS> __device__ static inline uint32_t
look_up(const uint32_t *keys, uint32_t *counts, uint32_t key)
{
	for (uint32_t s = slot_of<SLOT_BITS>(key);; s = (s + 1) & ((1u << SLOT_BITS) - 1))
	{
		uint32_t	there = keys[s];

		if (there == key)
		{
			atomicAdd(&counts[s], 1u);
			return 1;
		}
		if (there == NO_KEY)
			return 0;
	}
}

/*
 * Looks up what leaves the nodes of 32 arriving edges: each lane has a row, of
 * length entries.  How many are found is returned for the lane's own row.
 */
template <int SLOT_BITS> __device__ static inline uint32_t
look_up_rows(const uint32_t *__restrict__ leaving, int64_t from, int32_t length, const uint32_t *keys, uint32_t *counts)
{
	int			lane = threadIdx.x % 32;
	uint32_t	found = 0;
	unsigned	with_long = __ballot_sync(FULL_WARP, length > SHORT_ROW);

	while (with_long != 0)
	{
		int			owner = __ffs((int) with_long) - 1;
		const uint32_t *row = leaving + __shfl_sync(FULL_WARP, from, owner);
		int			entries = __shfl_sync(FULL_WARP, length, owner);
		uint32_t	mine = 0;

		with_long &= with_long - 1;
		for (int i = lane; i < entries; i += 32 * IN_FLIGHT)
		{
			uint32_t	w[IN_FLIGHT];

			RK_UNROLL
			for (int k = 0; k < IN_FLIGHT; k++)
				w[k] = i + 32 * k < entries ? row[i + 32 * k] : NO_KEY;
			RK_UNROLL
			for (int k = 0; k < IN_FLIGHT; k++)
				if (w[k] != NO_KEY)
					mine += look_up<SLOT_BITS>(keys, counts, w[k]);
		}
		mine = warp_sum(mine);
		if (lane == owner)
			found = mine;
	}
	for (int round = 0; round < 8; round++)
	{
		int			owner = 4 * round + lane / 8;
		int64_t		begin = __shfl_sync(FULL_WARP, from, owner);
		int			entries = __shfl_sync(FULL_WARP, length, owner);
		uint32_t	mine = 0;

		if (!__any_sync(FULL_WARP, entries > 0 && entries <= SHORT_ROW))
			continue;
		if (entries <= SHORT_ROW)
			for (int i = lane % 8; i < entries; i += 8)
				mine += look_up<SLOT_BITS>(keys, counts, leaving[begin + i]);
		for (int distance = 4; distance > 0; distance /= 2)
			mine += __shfl_xor_sync(FULL_WARP, mine, distance);
		/* of the group that had this lane's row */
		mine = __shfl_sync(FULL_WARP, mine, lane % 4 * 8);
		if (lane / 4 == round && length <= SHORT_ROW)
			found = mine;
	}
	return found;
}

/* Whether the host wants to stop: few ask it, and tell the others by *asked. */
__device__ static inline int32_t
must_stop(const volatile int32_t *word, int32_t *asked)
{
	if (blockIdx.x % LOOK_BLOCKS == 0 && *word != 0)
		*(volatile int32_t *) asked = 1;
	return *(volatile int32_t *) asked;
}

template <int WIDTH> __global__ static void __launch_bounds__(THREADS)
count_triangles(parted_rows r, const work_item *items, int64_t count, unsigned long long *triangles,
				const volatile int32_t *word, int32_t *asked)
{
	typedef middle_work<WIDTH> work;
	const int	slots = 1 << work::SLOT_BITS;
	__shared__ uint32_t all_keys[THREADS / WIDTH][1 << work::SLOT_BITS];
	__shared__ uint32_t all_counts[THREADS / WIDTH][1 << work::SLOT_BITS];
	__shared__ int32_t stops[THREADS / WIDTH];
	int			group = threadIdx.x / WIDTH;
	int			thread = threadIdx.x % WIDTH;
	int			lane = threadIdx.x % 32;
	uint32_t   *keys = all_keys[group];
	uint32_t   *counts = all_counts[group];
	int64_t		at = global_thread() / WIDTH;
	auto		meet = [] {
		if (WIDTH == 32)
			__syncwarp();
		else
			__syncthreads();
	};

	/* all of a group together */
	if (at >= count)
		return;
	if (thread == 0)
		stops[group] = must_stop(word, asked);
	for (int s = thread; s < slots; s += WIDTH)
	{
		keys[s] = NO_KEY;
		counts[s] = 0;
	}
	meet();
	if (stops[group])
		return;

	int64_t		v = items[at].node;
	int64_t		parts;
	int64_t		chunks = items_of<WIDTH>(r, v, &parts) / parts;
	int64_t		begin = r.starts[v] + items[at].number / chunks * work::LEAVING;
	int64_t		end = min(begin + work::LEAVING, r.starts[v + 1]);
	int64_t		first = r.offsets[v] - r.starts[v] + items[at].number % chunks * work::ARRIVING;
	int64_t		last = min(first + work::ARRIVING, r.offsets[v + 1] - r.starts[v + 1]);
	unsigned long long total = 0;

	for (int64_t i = begin + thread; i < end; i += WIDTH)
	{
		uint32_t	w = r.leaving[i];
		uint32_t	s = slot_of<work::SLOT_BITS>(w);

		while (atomicCAS(&keys[s], NO_KEY, w) != NO_KEY)
			s = (s + 1) & (slots - 1);
	}
	meet();
	for (int64_t base = first + thread - lane; base < last; base += WIDTH)
	{
		bool		there = base + lane < last;
		uint32_t	u = there ? r.arriving[base + lane] : 0;
		int64_t		from = there ? r.starts[u] : 0;
		int64_t		to = there ? r.starts[u + 1] : 0;
		uint32_t	found;

		if (parts > 1)
		{
			from = place_of(r.leaving, from, to, r.leaving[begin]);
			to = place_of(r.leaving, from, to, r.leaving[end - 1] + 1);
		}
		found = look_up_rows<work::SLOT_BITS>(r.leaving, from, (int32_t) (to - from), keys, counts);
		if (found > 0)
			atomicAdd(&triangles[u], (unsigned long long) found);
		total += found;
	}
	total = warp_sum(total);
	if (lane == 0 && total > 0)
		atomicAdd(&triangles[v], total);
	meet();
	for (int s = thread; s < slots; s += WIDTH)
		if (counts[s] > 0)
			atomicAdd(&triangles[keys[s]], (unsigned long long) counts[s]);
}

/* ---- the run ---- */

class triangle_run
{
public:
	triangle_run(rk_cuda_device *d, rk_cuda_call *c)
		: device(d), call(c), g(c->graph), n(c->graph->nodes), entries(c->graph->arcs) {}

	void run()
	{
		triangles.allocate(device, n);

		kernel_timer timer(device, &call->usage);

		triangles.fill(0);
		if (entries > 0)
		{
			make_rows();
			count();
		}
		timer.stop();
		triangles.store((unsigned long long *) call->output[0].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		entries;
	parted_rows rows;
	device_array<int64_t> starts;
	device_array<uint32_t> leaving;
	device_array<uint32_t> arriving;
	device_array<unsigned long long> triangles;

	cudaStream_t stream() const { return device->stream; }

	void make_rows()
	{
		const int64_t *offsets = g->out().offsets.get();
		const uint32_t *neighbors = g->out().neighbors.get();
		int64_t		words = (entries + 31) / 32;
		int64_t		chunks = (entries + CHUNK - 1) / CHUNK;
		int64_t		edges = 0;
		device_array<uint32_t> degree;
		device_array<uint32_t> bits;
		device_array<uint32_t> counts;
		device_array<int64_t> chunk_starts;

		degree.allocate(device, n);
		bits.allocate(device, words);
		counts.allocate(device, chunks);
		chunk_starts.allocate(device, chunks + 1);
		starts.allocate(device, n + 1);
		RK_LAUNCH(count_degrees, blocks_for(n, THREADS), THREADS, stream()) (offsets, n, degree.get());
		check_launch();
		bits.fill(0);
		make_tiles(device, &g->out(), n, entries);
		RK_LAUNCH(mark_leaving, (unsigned) tile_count(n, entries), TILE_THREADS, stream())
			(offsets, neighbors, n, entries, g->out().tile_rows.get(), degree.get(), bits.get());
		check_launch();
		RK_LAUNCH(count_chunks, blocks_for(chunks * 32, THREADS), THREADS, stream())
			(bits.get(), words, chunks, counts.get());
		check_launch();
		scan_lengths(device, counts.get(), chunks, chunk_starts.get());
		check(cudaMemcpyAsync(&edges, chunk_starts.get() + chunks, sizeof(edges), cudaMemcpyDeviceToHost, stream()));
		RK_LAUNCH(find_starts, blocks_for(n + 1, THREADS), THREADS, stream())
			(offsets, n, bits.get(), chunk_starts.get(), starts.get());
		check_launch();
		check(cudaStreamSynchronize(stream()));
		leaving.allocate(device, edges);
		arriving.allocate(device, entries - edges);
		RK_LAUNCH(part_rows, blocks_for(chunks * 32, THREADS), THREADS, stream())
			(neighbors, entries, bits.get(), words, chunk_starts.get(), chunks, leaving.get(), arriving.get());
		check_launch();
		rows = {n, offsets, starts.get(), leaving.get(), arriving.get()};
		/* rows twice, a degree of each entry, rows again; arrays of nodes */
		call->usage.bytes_moved += 16 * entries + 60 * n;
	}

	/* Lists the work of groups of WIDTH; returns how much there is. */
	template <int WIDTH> int64_t list(device_array<work_item> &items)
	{
		device_array<uint32_t> counts;
		device_array<int64_t> places;
		int64_t		total = 0;

		counts.allocate(device, n);
		places.allocate(device, n + 1);
		RK_LAUNCH(count_items<WIDTH>, blocks_for(n, THREADS), THREADS, stream()) (rows, counts.get());
		check_launch();
		scan_lengths(device, counts.get(), n, places.get());
		check(cudaMemcpyAsync(&total, places.get() + n, sizeof(total), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		items.allocate(device, total);
		RK_LAUNCH(list_items, blocks_for(n, THREADS), THREADS, stream()) (n, places.get(), items.get());
		check_launch();
		call->usage.bytes_moved += 60 * n + 8 * total;
		return total;
	}

	template <int WIDTH> void launch(const device_array<work_item> &items, int64_t count, const stop_word &word,
									 int32_t *asked)
	{
		if (count == 0)
			return;
		RK_LAUNCH(count_triangles<WIDTH>, blocks_for(count * WIDTH, THREADS), THREADS, stream())
			(rows, items.get(), count, triangles.get(), word.get(), asked);
		check_launch();
	}

	/* The launches may be long, so that no wait but that for the word comes behind them. */
	void count()
	{
		device_array<work_item> narrow;
		device_array<work_item> wide;
		device_array<int32_t> asked;
		device_array<unsigned long long> looks;
		unsigned long long entries_read = 0;
		stop_word	word;

		looks.allocate(device, 1);
		looks.fill(0);
		RK_LAUNCH(sum_looks, blocks_for(n, THREADS), THREADS, stream()) (starts.get(), n, looks.get());
		check_launch();
		check(cudaMemcpyAsync(&entries_read, looks.get(), sizeof(entries_read), cudaMemcpyDeviceToHost, stream()));

		int64_t		narrow_count = list<32>(narrow);
		int64_t		wide_count = list<THREADS>(wide);

		asked.allocate(device, 1);
		asked.fill(0);
		launch<32>(narrow, narrow_count, word, asked.get());
		launch<THREADS>(wide, wide_count, word, asked.get());
		word.wait(device, call);
		/* from the cache, what fits into it */
		call->usage.bytes_moved += 4 * (int64_t) entries_read;
	}
};

void
run_triangles(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;

	if (n == 0 || g->directed || !g->out().present() ||
		call->output[0].bytes != n * (int64_t) sizeof(int64_t))
		decline("arrays of another shape than triangles have");
	triangle_run(device, call).run();
}

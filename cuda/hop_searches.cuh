/*
 * hop_searches.cuh
 *	  Searches from many sources without lengths, level by level, as
 *	  src/graph/paths/multi_search.c.
 *
 * 256 sources share a search (Then et al. 2014): every node has a bit for each,
 * the whole in one sector of memory, and takes over those of its in-neighbours
 * that are new to it.  Bits are put together by "or", so that nothing depends on
 * an order; a row is left as soon as nothing is missing, and a long one is cut
 * into pieces, each a warp's.  Several searches run beside each other, to fill
 * the device on small graphs.
 */
#ifndef RK_HOP_SEARCHES_CUH
#define RK_HOP_SEARCHES_CUH

#include "pieces.cuh"

#define HOP_THREADS 256
#define WORDS 4					/* of 64 sources */
#define SOURCES (64 * WORDS)	/* of a search */
#define PARTS (32 / WORDS)		/* entries that a warp looks at at once */
#define HOP_AHEAD 4
#define LONG_IN_ROW 2048		/* cut into pieces above this */
#define MOST_ROWS (INT64_C(1) << 22)	/* nodes of all searches beside each other */
#define MOST_LEVELS 2048

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
 * same word look at every PARTS-th entry, HOP_AHEAD of them before any is waited for.
 * All of them get the bits of their word.
 */
__device__ static inline unsigned long long
or_of_entries(const reach_search &s, int64_t search, int64_t e, int64_t end, unsigned long long missing)
{
	const unsigned long long *now = s.now + search * s.nodes * WORDS + threadIdx.x % WORDS;
	int			part = threadIdx.x % 32 / WORDS;
	unsigned long long bits = 0;

	for (; e < end && __any_sync(FULL_WARP, (missing & ~bits) != 0); e += HOP_AHEAD * PARTS)
	{
		uint32_t	node[HOP_AHEAD];

		RK_UNROLL
		for (int k = 0; k < HOP_AHEAD; k++)
			node[k] = e + k * PARTS + part < end ? s.in.neighbors[e + k * PARTS + part] : 0;
		RK_UNROLL
		for (int k = 0; k < HOP_AHEAD; k++)
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
__global__ static void __launch_bounds__(HOP_THREADS)
pull_rows(reach_search s, unsigned blocks, uint32_t level)
{
	int64_t		search = blockIdx.x / blocks;
	int64_t		warp = (int64_t) (blockIdx.x % blocks) * (HOP_THREADS / 32) + threadIdx.x / 32;
	bool		writes = threadIdx.x % 32 < WORDS;
	unsigned long long moved = 0;
	unsigned long long pairs = 0;

	/* over since the level before */
	if (s.moves[search] + 1 < level)
		return;
	for (int64_t v = warp; v < s.nodes; v += (int64_t) blocks * (HOP_THREADS / 32))
	{
		int64_t		begin = s.in.offsets[v];
		int64_t		end = s.in.offsets[v + 1];
		unsigned long long bits;

		if (end - begin > LONG_IN_ROW)
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

	if (length <= LONG_IN_ROW)
		return;
	row = (uint32_t) atomicAdd(&counts[0], 1ull);
	number = (unsigned) ((length + PIECE - 1) / PIECE);
	place = atomicAdd(&counts[1], (unsigned long long) number);
	rows[row] = (uint32_t) v;
	for (unsigned i = 0; i < number; i++)
		pieces[place + i] = {row, i};
}

/* What long rows of all searches gather on a level; a warp for each piece. */
__global__ static void __launch_bounds__(HOP_THREADS)
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
__global__ static void __launch_bounds__(HOP_THREADS)
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

/* Searches from many sources, some of them at a time. */
class hop_searches
{
public:
	hop_searches(rk_cuda_device *d, rk_cuda_call *c, int64_t sources)
		: device(d), call(c), g(c->graph), n(c->graph->nodes)
	{
		int64_t		searches = (sources + SOURCES - 1) / SOURCES;
		int64_t		room = min(MOST_ROWS, (device->limit - device->used) / 4 / (3 * 8 * WORDS)) / n;

		beside = max(min(searches, room), INT64_C(1));
		moves.allocate(device, beside);
		counter.allocate(device, 2);
		for (int i = 0; i < 3; i++)
			bits[i].allocate(device, beside * n * WORDS);
		valid.allocate(device, beside * WORDS);
		moved.allocate(device, beside * WORDS);
		blocks = (unsigned) min(blocks_for(n, HOP_THREADS / 32), 8u * (unsigned) device->multiprocessors);
		cut_long_rows();
	}

	/* Sources that can be searched from at a time. */
	int64_t		at_a_time() const { return beside * SOURCES; }

	/*
	 * Searches from the sources, in device memory.  Level by level, from 0 to most,
	 * during(search, level) may launch what looks at it; after(level, found) gets the
	 * number of new pairs of source and node, and says whether to go on.  False: it
	 * was not over after the last level.
	 */
	template <typename D, typename A> bool run(const uint32_t *sources, int64_t count, int64_t most, D during, A after)
	{
		unsigned	running = (unsigned) ((count + SOURCES - 1) / SOURCES);
		int			turn = 1;

		bits[0].fill(0);
		bits[1].fill(0);
		valid.fill(0);
		moves.fill(0);
		for (int64_t level = 0; level <= most; level++)
		{
			unsigned long long found = (unsigned long long) count;
			reach_search s = {
				view_of(g->in()), n, bits[0].get(), bits[turn].get(), bits[3 - turn].get(), valid.get(), moved.get(),
				moves.get(), counter.get()
			};

			if (stopped(call))
				stop_now();
			if (level == 0)
				RK_LAUNCH(start_reach, blocks_for(count, HOP_THREADS), HOP_THREADS, device->stream) (s, sources, count);
			else
				pull(s, running, (uint32_t) level);
			check_launch();
			during(s, level);
			if (level > 0)
			{
				check(cudaMemcpyAsync(&found, counter.get(), sizeof(found), cudaMemcpyDeviceToHost, device->stream));
				turn = 3 - turn;
			}
			check(cudaStreamSynchronize(device->stream));
			if (!after(level, found) || found == 0)
				return true;
		}
		return false;
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		beside;			/* searches at a time */
	unsigned	blocks;			/* for the short rows of each */
	unsigned long long longs[2] = {0, 0};	/* long rows, and their pieces */
	device_array<uint32_t> long_rows;
	device_array<row_piece> long_pieces;
	device_array<unsigned long long> gathered;
	device_array<uint32_t> moves;
	device_array<unsigned long long> counter;
	device_array<unsigned long long> bits[3];
	device_array<unsigned long long> valid;
	device_array<unsigned long long> moved;

	void cut_long_rows()
	{
		long_rows.allocate(device, g->arcs / LONG_IN_ROW + 1);
		long_pieces.allocate(device, g->arcs / LONG_IN_ROW + g->arcs / PIECE + 1);
		counter.fill(0);
		RK_LAUNCH(find_long_rows, blocks_for(n, HOP_THREADS), HOP_THREADS, device->stream)
			(g->in().offsets.get(), n, long_rows.get(), long_pieces.get(), counter.get());
		check_launch();
		check(cudaMemcpyAsync(longs, counter.get(), sizeof(longs), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		gathered.allocate(device, beside * (int64_t) longs[0] * WORDS);
		gathered.fill(0);
	}

	/* One level of all that run. */
	void pull(const reach_search &s, unsigned running, uint32_t level)
	{
		int64_t		rows = (int64_t) longs[0];
		int64_t		pieces = (int64_t) longs[1];

		counter.fill(0);
		moved.fill(0);
		RK_LAUNCH(pull_rows, running * blocks, HOP_THREADS, device->stream) (s, blocks, level);
		check_launch();
		if (rows > 0)
		{
			RK_LAUNCH(pull_pieces, blocks_for(running * pieces * 32, HOP_THREADS), HOP_THREADS, device->stream)
				(s, long_rows.get(), rows, long_pieces.get(), pieces, gathered.get(), (int64_t) running, level);
			check_launch();
			RK_LAUNCH(end_pieces, blocks_for(running * rows * WORDS, HOP_THREADS), HOP_THREADS, device->stream)
				(s, long_rows.get(), rows, gathered.get(), (int64_t) running, level);
		}
		call->usage.bytes_moved += (int64_t) running * (4 * g->arcs + 32 * g->arcs + 104 * n);
	}
};

#endif							/* RK_HOP_SEARCHES_CUH */

/*
 * row_sums.cuh
 *	  Sums over the rows of a graph: out[v] = sum of x[u] w(v, u) over the
 *	  entries of row v, balanced whatever the lengths of the rows.
 *
 * Entries are cut into tiles of equal length, whatever rows they belong to; a
 * bit of each entry says whether its row ends there (Liu and Vinter 2015, CSR5).
 * A warp goes through a tile, ROW_LANE consecutive entries a lane at a time: wide
 * loads, then all gathers at once, then a segmented scan over the lanes.  There
 * is no barrier in it.  Parts of rows that cross tiles meet in a second kernel.
 *
 * What limits this is the gathers: each takes a sector of the cache, and a
 * vector of many millions of numbers does not stay there.  So graphs that are
 * iterated over have rows and names in another order, hub_order.cuh: nodes that
 * are in many rows first.  Those of the vector's beginning, a third of all
 * gathers or more in skewed graphs, are then copied to the shared memory of each
 * multiprocessor, and what is wanted often beyond them fills the cache.
 */
#ifndef RK_ROW_SUMS_CUH
#define RK_ROW_SUMS_CUH

#include "scan.cuh"

#define ROW_LANE 8				/* entries of a lane in a step; bits of a byte */
#define ROW_STEP (32 * ROW_LANE)
#ifdef RK_CUDA_ON_HOST
/* small, so that small graphs have many of everything */
#define ROW_STEPS 2
#define ROW_THREADS 64
#else
#define ROW_STEPS 4
#define ROW_THREADS 1024		/* of the one block that a multiprocessor has */
#endif
#define ROW_NEAR (INT64_C(163) << 10)	/* bytes of shared memory for x: what is left is the cache of the others */
#define ROW_NEAR_SHARE 71		/* of all shared memory, in percent: 164 KB of 228 */
#define ROW_TILE (ROW_STEPS * ROW_STEP)
#define ROW_FEW 2				/* tiles of a row that one thread adds up */
#define ROW_BUILD 256			/* threads of blocks that prepare */

/* ---- what is kept with a graph ---- */

/* Sets the bits of the entries that rows end with; which rows have any. */
__global__ static void
mark_ends(const int64_t *offsets, int64_t rows, uint32_t *ends, uint32_t *filled)
{
	int64_t		v = global_thread();
	int64_t		end;

	if (v >= rows)
		return;
	end = offsets[v + 1];
	filled[v] = end > offsets[v];
	if (filled[v])
		atomicOr(&ends[(end - 1) / 32], 1u << (end - 1) % 32);
}

__global__ static void
list_filled(const int64_t *place, int64_t rows, uint32_t *list)
{
	int64_t		v = global_thread();

	if (v < rows && place[v + 1] > place[v])
		list[place[v]] = (uint32_t) v;
}

/* How many rows have ended before each tile; tiles + 1 of them. */
__global__ static void
place_tiles(const int64_t *offsets, const int64_t *place, int64_t rows, int64_t entries, int64_t tiles,
			uint32_t *first)
{
	int64_t		t = global_thread();
	int64_t		begin = min(t * ROW_TILE, entries);
	int64_t		low = 0;
	int64_t		high = rows;

	if (t > tiles)
		return;
	/* the first row that ends after it */
	while (low < high)
	{
		int64_t		middle = (low + high) / 2;

		if (offsets[middle + 1] <= begin)
			low = middle + 1;
		else
			high = middle;
	}
	first[t] = (uint32_t) place[low];
}

static inline int64_t
row_tiles(int64_t entries)
{
	return (entries + ROW_TILE - 1) / ROW_TILE;
}

/* Makes the parts of rows that sums need beside the adjacency itself. */
static inline void
make_row_ends(rk_cuda_device *device, const int64_t *offsets, int64_t rows, int64_t entries, row_ends *r)
{
	int64_t		tiles = row_tiles(entries);
	int64_t		words = tiles * ROW_TILE / 32;
	device_array<uint32_t> filled;
	device_array<int64_t> place;

	filled.allocate(device, rows);
	place.allocate(device, rows + 1);
	r->ends.allocate(device, words);
	r->first.allocate(device, tiles + 1);
	r->rows.allocate(device, rows);
	r->ends.fill(0);
	RK_LAUNCH(mark_ends, blocks_for(rows, ROW_BUILD), ROW_BUILD, device->stream)
		(offsets, rows, r->ends.get(), filled.get());
	check_launch();
	scan_lengths(device, filled.get(), rows, place.get());
	RK_LAUNCH(list_filled, blocks_for(rows, ROW_BUILD), ROW_BUILD, device->stream)
		(place.get(), rows, r->rows.get());
	check_launch();
	RK_LAUNCH(place_tiles, blocks_for(tiles + 1, ROW_BUILD), ROW_BUILD, device->stream)
		(offsets, place.get(), rows, entries, tiles, r->first.get());
	check_launch();
}

/* ---- sums ---- */

enum row_terms
{
	ROW_NEIGHBORS,				/* x of the neighbours */
	ROW_PRODUCTS,				/* times the weights */
	ROW_WEIGHTS					/* these alone; there is no x */
};

struct row_work
{
	const int64_t *offsets;
	const uint32_t *neighbors;
	const double *weights;
	const unsigned char *ends;	/* of ROW_LANE entries each */
	const uint32_t *first;
	const uint32_t *rows;
	int64_t		entries;
	int64_t		tiles;
	const double *x;
	uint32_t	near;			/* numbers of x that go to shared memory */
	double	   *sums;
	double	   *carry;			/* what a tile leaves of the row that is open at its end */
};

/*
 * The neighbours of a lane.  Those beyond the last entry, with which a row ends,
 * may be any: what they give is in no row's sum.
 */
__device__ static inline void
load_neighbors(const row_work &w, int64_t at, uint32_t *neighbor)
{
	if (at + ROW_LANE <= w.entries)
	{
RK_UNROLL
		for (int k = 0; k < ROW_LANE; k += 4)
		{
			uint4		four = load_once((const uint4 *) (w.neighbors + at + k));

			neighbor[k] = four.x;
			neighbor[k + 1] = four.y;
			neighbor[k + 2] = four.z;
			neighbor[k + 3] = four.w;
		}
	}
	else
	{
RK_UNROLL
		for (int k = 0; k < ROW_LANE; k++)
			neighbor[k] = at + k < w.entries ? w.neighbors[at + k] : 0;
	}
}

/* Their weights. */
__device__ static inline void
load_weights(const row_work &w, int64_t at, double *weight)
{
	if (at + ROW_LANE <= w.entries)
	{
RK_UNROLL
		for (int k = 0; k < ROW_LANE; k += 2)
		{
			double2		two = load_once((const double2 *) (w.weights + at + k));

			weight[k] = two.x;
			weight[k + 1] = two.y;
		}
	}
	else
	{
RK_UNROLL
		for (int k = 0; k < ROW_LANE; k++)
			weight[k] = at + k < w.entries ? w.weights[at + k] : 0;
	}
}

/*
 * One warp a tile, one block a multiprocessor.  Sums of rows without entries are
 * not touched.  Does nothing where *done.
 */
template <row_terms TERMS> __global__ static void __launch_bounds__(ROW_THREADS, 1)
sum_row_tiles(row_work w, const int32_t *done)
{
	RK_DYNAMIC_SHARED(double, copy);
	shared_doubles near(copy);
	int			lane = threadIdx.x % 32;
	unsigned	below = (1u << lane) - 1;

	if (*done)
		return;
	if (TERMS != ROW_WEIGHTS)
	{
		for (uint32_t i = threadIdx.x; i < w.near; i += ROW_THREADS)
			copy[i] = w.x[i];
		__syncthreads();
	}
	for (int64_t tile = global_thread() / 32; tile < w.tiles; tile += (int64_t) gridDim.x * (ROW_THREADS / 32))
	{
		int64_t		at = tile * ROW_TILE + lane * ROW_LANE;
		uint32_t	row = w.first[tile];	/* among those with entries: the next one to end */
		double		open = 0;	/* of the row that is open where a step begins */
		uint32_t	neighbor[ROW_LANE];

		if (TERMS != ROW_WEIGHTS)
			load_neighbors(w, at, neighbor);
		for (int step = 0; step < ROW_STEPS; step++, at += ROW_STEP)
		{
			unsigned	ends = w.ends[at / ROW_LANE];
			double		term[ROW_LANE];
			double		weight[ROW_LANE];
			double		head = 0;	/* up to the first end of the lane */
			double		sum = 0;	/* behind the last one */
			double		scanned;
			double		before;
			unsigned	mask;
			uint32_t	ended;
			uint32_t	mine;
			int			start;

			if (TERMS != ROW_NEIGHBORS)
				load_weights(w, at, TERMS == ROW_WEIGHTS ? term : weight);
			if (TERMS != ROW_WEIGHTS)
			{
				/* short waits first: both write the same registers, one after the other */
RK_UNROLL
				for (int k = 0; k < ROW_LANE; k++)
					if (neighbor[k] < w.near)
						term[k] = near[neighbor[k]];
RK_UNROLL
				for (int k = 0; k < ROW_LANE; k++)
					if (neighbor[k] >= w.near)
						term[k] = w.x[neighbor[k]];
				if (TERMS == ROW_PRODUCTS)
				{
RK_UNROLL
					for (int k = 0; k < ROW_LANE; k++)
						term[k] *= weight[k];
				}
				/* on their way while these are added */
				if (step + 1 < ROW_STEPS)
					load_neighbors(w, at + ROW_STEP, neighbor);
			}
			mask = __ballot_sync(FULL_WARP, ends != 0);
			if (mask == 0)
			{
RK_UNROLL
				for (int k = 0; k < ROW_LANE; k++)
					sum += term[k];
				open += warp_sum(sum);
				continue;
			}

			/* which rows end here */
			mine = (uint32_t) __popc(ends);
			ended = mine;
			for (int distance = 1; distance < 32; distance *= 2)
			{
				uint32_t	other = __shfl_up_sync(FULL_WARP, ended, distance);

				if (lane >= distance)
					ended += other;
			}
			mine = row + ended - mine;
			row += __shfl_sync(FULL_WARP, ended, 31);

			/* the first one of a lane waits for what is before it */
RK_UNROLL
			for (int k = 0; k < ROW_LANE; k++)
			{
				unsigned	earlier = ends & ((1u << k) - 1);

				sum += term[k];
				if (ends >> k & 1)
				{
					if (earlier == 0)
						head = sum;
					else
						w.sums[w.rows[mine + __popc(earlier)]] = sum;
					sum = 0;
				}
			}

			/* sums of lanes since the last one in which a row has ended */
			start = 31 - __clz((int) ((mask & ((2u << lane) - 1)) | 1u));
			scanned = sum;
			for (int distance = 1; distance < 32; distance *= 2)
			{
				double		other = __shfl_up_sync(FULL_WARP, scanned, distance);

				if (lane - distance >= start)
					scanned += other;
			}
			before = __shfl_up_sync(FULL_WARP, scanned, 1);
			if (lane == 0)
				before = open;
			else if ((mask & below) == 0)
				before += open;
			if (ends != 0)
				w.sums[w.rows[mine]] = before + head;
			open = __shfl_sync(FULL_WARP, scanned, 31);
		}
		if (lane == 0)
			w.carry[tile] = open;
	}
}

/*
 * Adds to the first row that ends in a tile what the tiles before have of it: a
 * thread for each tile, and its warp where these are many.
 */
__global__ static void __launch_bounds__(ROW_BUILD)
add_row_carries(row_work w, const int32_t *done)
{
	int64_t		tile = global_thread();
	int			lane = threadIdx.x % 32;
	uint32_t	row = 0;
	int64_t		from = 0;		/* the first tile that has a part of it */
	bool		mine = false;
	unsigned	mask;

	if (*done)
		return;
	if (tile < w.tiles && w.first[tile + 1] > w.first[tile])
	{
		row = w.rows[w.first[tile]];
		from = w.offsets[row] / ROW_TILE;
		mine = from < tile;
	}
	if (mine && tile - from <= ROW_FEW)
	{
		double		sum = 0;

		for (int64_t t = from; t < tile; t++)
			sum += w.carry[t];
		w.sums[row] += sum;
	}
	mask = __ballot_sync(FULL_WARP, mine && tile - from > ROW_FEW);
	while (mask)
	{
		int			turn = __ffs((int) mask) - 1;
		int64_t		begin = __shfl_sync(FULL_WARP, from, turn);
		int64_t		end = __shfl_sync(FULL_WARP, tile, turn);
		double		sum = 0;

		for (int64_t t = begin + lane; t < end; t += 32)
			sum += w.carry[t];
		sum = warp_sum(sum);
		if (lane == turn)
			w.sums[row] += sum;
		mask &= mask - 1;
	}
}

/* Sums over the rows of one adjacency, as often as wanted. */
class row_sums
{
public:
	/* a, and what make_row_ends has made of it, stay as they are meanwhile. */
	row_sums(rk_cuda_device *d, int64_t nodes, int64_t arcs, const device_adjacency *a, const row_ends *r)
		: device(d), work({a->offsets.get(), a->neighbors.get(), a->weights.get(), (const unsigned char *) r->ends.get(),
						   r->first.get(), r->rows.get(), arcs, row_tiles(arcs), nullptr, 0, nullptr, nullptr}), rows(nodes)
	{
		carry.allocate(device, work.tiles);
		sums.allocate(device, rows);
		sums.fill(0);
		work.sums = sums.get();
		work.carry = carry.get();
		near_bytes = min(rows * (int64_t) sizeof(double), min(device->shared_bytes, ROW_NEAR));
		allow(sum_row_tiles<ROW_NEIGHBORS>);
		allow(sum_row_tiles<ROW_PRODUCTS>);
	}

	/* Adds up x, of all nodes.  Nothing happens where *done. */
	void run(const double *x, const int32_t *done)
	{
		work.x = x;
		work.near = (uint32_t) (near_bytes / (int64_t) sizeof(double));
		if (work.weights)
			launch<ROW_PRODUCTS>(near_bytes, done);
		else
			launch<ROW_NEIGHBORS>(near_bytes, done);
	}

	/* Adds up the weights. */
	void run_weights(const int32_t *done)
	{
		launch<ROW_WEIGHTS>(0, done);
	}

	/* The last ones, for each row. */
	const double *get() const { return sums.get(); }

	/* Bytes that one run moves, gathers from beyond the cache apart. */
	int64_t bytes() const
	{
		return work.entries * (4 + 8 + (work.weights ? 8 : 0)) + work.entries / 8 + rows * 12;
	}

private:
	rk_cuda_device *device;
	row_work	work;
	int64_t		rows;
	int64_t		near_bytes;
	device_array<double> carry;
	device_array<double> sums;

	template <typename K> void allow(K *kernel)
	{
		check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int) near_bytes));
		check(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, ROW_NEAR_SHARE));
	}

	template <row_terms TERMS> void launch(int64_t shared, const int32_t *done)
	{
		unsigned	blocks = (unsigned) min((work.tiles * 32 + ROW_THREADS - 1) / ROW_THREADS, (int64_t) device->multiprocessors);

		if (work.tiles == 0)
			return;
		RK_LAUNCH_SHARED(sum_row_tiles<TERMS>, blocks, ROW_THREADS, shared, device->stream) (work, done);
		check_launch();
		RK_LAUNCH(add_row_carries, blocks_for(work.tiles, ROW_BUILD), ROW_BUILD, device->stream) (work, done);
		check_launch();
	}
};

/* Sums of the weights; NULL: there are none, and each counts as 1. */
__global__ static void
copy_sums(const double *__restrict__ sums, const int64_t *__restrict__ offsets, int64_t rows, double *__restrict__ to)
{
	int64_t		v = global_thread();

	if (v < rows)
		to[v] = sums ? sums[v] : (double) (offsets[v + 1] - offsets[v]);
}

/* Sums of the weights of the rows of an adjacency as it is, once. */
static inline void
sum_weights(rk_cuda_device *device, int64_t nodes, int64_t arcs, const device_adjacency *a, double *to)
{
	unsigned	blocks = blocks_for(nodes, ROW_BUILD);
	const int64_t *offsets = a->offsets.get();

	if (a->weighted())
	{
		row_ends	parts;
		device_array<int32_t> never;

		never.allocate(device, 1);
		never.fill(0);
		make_row_ends(device, offsets, nodes, arcs, &parts);

		row_sums	sums(device, nodes, arcs, a, &parts);

		sums.run_weights(never.get());
		RK_LAUNCH(copy_sums, blocks, ROW_BUILD, device->stream) (sums.get(), offsets, nodes, to);
	}
	else
		RK_LAUNCH(copy_sums, blocks, ROW_BUILD, device->stream) ((const double *) nullptr, offsets, nodes, to);
	check_launch();
}

#endif							/* RK_ROW_SUMS_CUH */

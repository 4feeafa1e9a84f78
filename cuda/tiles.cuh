/*
 * tiles.cuh
 *	  Work over the entries of all rows of a graph, in equal parts.
 *
 * The entries and the ends of rows are merged into one list, which is cut into
 * tiles of equal length, and tiles into threads; so a row of a million entries
 * and a million rows of one take the same time.  Where tiles begin depends on
 * the graph alone and is kept with it.
 */
#ifndef RK_TILES_CUH
#define RK_TILES_CUH

#include <climits>

#include "device.cuh"

#define TILE_THREADS 128
#define TILE_ITEMS 8
#define TILE (TILE_THREADS * TILE_ITEMS)

/*
 * How many row ends come before the diagonal-th item of the merge: a row end e
 * precedes entry j if e <= j.
 */
template <typename E> __device__ static inline int64_t
merge_rows(const E *ends, int64_t rows, int64_t entries, int64_t diagonal)
{
	int64_t		low = diagonal > entries ? diagonal - entries : 0;
	int64_t		high = diagonal < rows ? diagonal : rows;

	while (low < high)
	{
		int64_t		middle = (low + high) / 2;

		if ((int64_t) ends[middle] <= diagonal - middle - 1)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The row that each tile begins in; tiles + 1 of them. */
__global__ static void
find_tiles(const int64_t *offsets, int64_t rows, int64_t entries, int64_t tiles, int64_t *tile_rows)
{
	int64_t		t = global_thread();

	if (t <= tiles)
		tile_rows[t] = merge_rows(offsets + 1, rows, entries, min(t * TILE, rows + entries));
}

static inline int64_t
tile_count(int64_t rows, int64_t entries)
{
	return (rows + entries + TILE - 1) / TILE;
}

/* Makes the tiles of an adjacency, unless it has them. */
static inline void
make_tiles(rk_cuda_device *device, device_adjacency *a, int64_t rows, int64_t entries)
{
	int64_t		tiles = tile_count(rows, entries);

	if (a->tile_rows.get() != nullptr)
		return;
	a->tile_rows.allocate(device, tiles + 1);
	RK_LAUNCH(find_tiles, blocks_for(tiles + 1, 256), 256, device->stream)
		(a->offsets.get(), rows, entries, tiles, a->tile_rows.get());
	check_launch();
}

/* The part of the entries that a block has. */
struct tile_span
{
	int64_t		first_row;
	int64_t		first;			/* entry */
	int			rows;			/* that end in it */
	int			entries;
};

/* The tile of this block; end: TILE + 1 of them, in shared memory.  Ends with a barrier. */
__device__ static inline tile_span
begin_tile(const int64_t *__restrict__ offsets, int64_t rows, int64_t entries, const int64_t *__restrict__ tile_rows,
		   int32_t *end)
{
	int64_t		first_row = tile_rows[blockIdx.x];
	int64_t		last_row = tile_rows[blockIdx.x + 1];
	int64_t		first = (int64_t) blockIdx.x * TILE - first_row;
	int64_t		last = min((int64_t) (blockIdx.x + 1) * TILE, rows + entries) - last_row;
	int			row_count = (int) (last_row - first_row);

	for (int i = threadIdx.x; i < row_count; i += TILE_THREADS)
		end[i] = (int32_t) (offsets[first_row + i + 1] - first);
	__syncthreads();
	return {first_row, first, row_count, (int) (last - first)};
}

/* The row of its i-th entry. */
__device__ static inline int64_t
tile_row(const tile_span &t, const int32_t *end, int i)
{
	int			low = 0;
	int			high = t.rows;

	/* the number of rows of the tile that end at or before it */
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (end[middle] <= i)
			low = middle + 1;
		else
			high = middle;
	}
	return t.first_row + low;
}

/* Calls visit(row, neighbor, entry) for the entries of the tile of a block. */
template <typename V> __device__ static inline void
tile_entries(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, int64_t rows,
			 int64_t entries, const int64_t *__restrict__ tile_rows, V visit)
{
	__shared__ int32_t end[TILE + 1];
	tile_span	t = begin_tile(offsets, rows, entries, tile_rows, end);

	for (int i = threadIdx.x; i < t.entries; i += TILE_THREADS)
		visit(tile_row(t, end, i), neighbors[t.first + i], t.first + i);
}

/* Calls it for every entry of every row. */
template <typename V> __global__ static void __launch_bounds__(TILE_THREADS)
visit_tiles(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, int64_t rows,
			int64_t entries, const int64_t *__restrict__ tile_rows, V visit)
{
	tile_entries(offsets, neighbors, rows, entries, tile_rows, visit);
}

/* The same of value(row, neighbor, entry), added up for each tile. */
template <typename V> __global__ static void __launch_bounds__(TILE_THREADS)
sum_tile_entries(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, int64_t rows,
				 int64_t entries, const int64_t *__restrict__ tile_rows, V value, double *tile_sums)
{
	double		sum = 0;

	tile_entries(offsets, neighbors, rows, entries, tile_rows, [&] (int64_t row, uint32_t neighbor, int64_t entry) {
		sum += value(row, neighbor, entry);
	});
	sum = block_sum<double, TILE_THREADS>(sum);
	if (threadIdx.x == 0)
		tile_sums[blockIdx.x] = sum;
}

/* Launches that for an adjacency; tile_sums: tile_count of them. */
template <typename V> static void
sum_entries(rk_cuda_device *device, device_adjacency *a, int64_t rows, int64_t entries, V value, double *tile_sums)
{
	make_tiles(device, a, rows, entries);
	RK_LAUNCH(sum_tile_entries<V>, (unsigned) tile_count(rows, entries), TILE_THREADS, device->stream)
		(a->offsets.get(), a->neighbors.get(), rows, entries, a->tile_rows.get(), value, tile_sums);
	check_launch();
}

/* Launches visit_tiles for an adjacency. */
template <typename V> static void
visit_entries(rk_cuda_device *device, device_adjacency *a, int64_t rows, int64_t entries, V visit)
{
	make_tiles(device, a, rows, entries);
	RK_LAUNCH(visit_tiles<V>, (unsigned) tile_count(rows, entries), TILE_THREADS, device->stream)
		(a->offsets.get(), a->neighbors.get(), rows, entries, a->tile_rows.get(), visit);
	check_launch();
}

#endif							/* RK_TILES_CUH */

/*
 * row_sums.cuh
 *	  Sums over the rows of a graph: out[v] = sum of x[u] w(v, u) over the
 *	  entries of row v, balanced whatever the lengths of the rows.
 *
 * Merge-based sparse matrix-vector product (Merrill and Garland 2016).  A block
 * gathers the products of its tile (tiles.cuh) with coalesced reads of the
 * neighbours, many gathers in flight, then every thread adds its part one after
 * the other; parts of rows that cross threads meet in a segmented scan, those
 * that cross tiles in a second kernel.
 */
#ifndef RK_ROW_SUMS_CUH
#define RK_ROW_SUMS_CUH

#include "tiles.cuh"

/*
 * Sums of one tile.  Rows that end in it are written; what is left of the row
 * that it ends in goes to carry.  *done: the work is over, nothing is to do.
 */
template <bool WEIGHTED> __global__ static void __launch_bounds__(TILE_THREADS)
sum_tiles(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors,
		  const double *__restrict__ weights, const double *__restrict__ x, int64_t rows,
		  int64_t entries, const int64_t *__restrict__ tile_rows, double *__restrict__ out,
		  double *__restrict__ carry, const int32_t *done)
{
	__shared__ double product[TILE];
	__shared__ int32_t end[TILE + 1];
	__shared__ double warp_value[TILE_THREADS / 32];
	__shared__ int warp_flag[TILE_THREADS / 32];
	int64_t		first_row = tile_rows[blockIdx.x];
	int64_t		last_row = tile_rows[blockIdx.x + 1];
	int64_t		first = (int64_t) blockIdx.x * TILE - first_row;
	int64_t		last = min((int64_t) (blockIdx.x + 1) * TILE, rows + entries) - last_row;
	int			row_count = (int) (last_row - first_row);
	int			entry_count = (int) (last - first);
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	uint32_t	neighbor[TILE_ITEMS];
	double		gathered[TILE_ITEMS];
	int64_t		row_end = INT_MAX;	/* of the thread's first row */
	int			at;
	int			row;
	int			entry;
	int			completed = -1;	/* the first row that ends here */
	double		completed_sum = 0;
	double		sum = 0;
	double		value;
	int			flag;
	double		before = 0;		/* of the row open where this thread begins */
	double		inside;
	int			inside_flag;

	if (*done)
		return;
	/*
	 * All loads of a kind before the next one, and none of them under a condition:
	 * threads without an entry take the last one once more.
	 */
	if ((int) threadIdx.x <= row_count && first_row + threadIdx.x < rows)
		row_end = offsets[first_row + threadIdx.x + 1] - first;
	if (entry_count > 0)
	{
RK_UNROLL
		for (int k = 0; k < TILE_ITEMS; k++)
			neighbor[k] = neighbors[first + min(k * TILE_THREADS + (int) threadIdx.x, entry_count - 1)];
RK_UNROLL
		for (int k = 0; k < TILE_ITEMS; k++)
			gathered[k] = x[neighbor[k]] *
				(WEIGHTED ? weights[first + min(k * TILE_THREADS + (int) threadIdx.x, entry_count - 1)] : 1.0);
RK_UNROLL
		for (int k = 0; k < TILE_ITEMS; k++)
			product[k * TILE_THREADS + threadIdx.x] = gathered[k];
	}
	if ((int) threadIdx.x <= row_count)
		end[threadIdx.x] = (int32_t) min(row_end, (int64_t) INT_MAX);
	for (int i = threadIdx.x + TILE_THREADS; i <= row_count; i += TILE_THREADS)
	{
		int64_t		e = first_row + i < rows ? offsets[first_row + i + 1] - first : INT_MAX;

		end[i] = (int32_t) min(e, (int64_t) INT_MAX);
	}
	__syncthreads();

	at = min((int) threadIdx.x * TILE_ITEMS, row_count + entry_count);
	row = (int) merge_rows(end, row_count, entry_count, at);
	entry = at - row;
	for (int k = 0; k < TILE_ITEMS && at + k < row_count + entry_count; k++)
	{
		if (entry < end[row])
			sum += product[entry++];
		else
		{
			if (completed < 0)
			{
				completed = row;
				completed_sum = sum;
			}
			else
				out[first_row + row] = sum;
			sum = 0;
			row++;
		}
	}

	/* segmented scan of what threads leave open; a flag cuts */
	value = sum;
	flag = completed >= 0;
	for (int distance = 1; distance < 32; distance *= 2)
	{
		double		v = __shfl_up_sync(FULL_WARP, value, distance);
		int			f = __shfl_up_sync(FULL_WARP, flag, distance);

		if (lane >= distance)
		{
			if (!flag)
				value = v + value;
			flag |= f;
		}
	}
	if (lane == 31)
	{
		warp_value[warp] = value;
		warp_flag[warp] = flag;
	}
	__syncthreads();
	for (int w = 0; w < warp; w++)
		before = warp_flag[w] ? warp_value[w] : before + warp_value[w];
	inside = __shfl_up_sync(FULL_WARP, value, 1);
	inside_flag = __shfl_up_sync(FULL_WARP, flag, 1);
	if (threadIdx.x == TILE_THREADS - 1)
		carry[blockIdx.x] = flag ? value : before + value;
	if (lane > 0)
		before = inside_flag ? inside : before + inside;
	if (completed >= 0)
		out[first_row + completed] = before + completed_sum;
}

/*
 * Adds to the first row that ends in a tile what the tiles before have left of
 * it.  One warp for each tile.
 */
__global__ static void
add_carries(const int64_t *offsets, const int64_t *tile_rows, const double *carry, int64_t tiles,
			double *out, const int32_t *done)
{
	int64_t		tile = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	double		sum = 0;

	if (*done || tile >= tiles || tile_rows[tile + 1] == tile_rows[tile] ||
		offsets[tile_rows[tile]] >= tile * TILE - tile_rows[tile])
		return;
	for (int64_t base = tile - 1; base >= 0; base -= 32)
	{
		int64_t		t = base - lane;
		bool		ends = t >= 0 && tile_rows[t + 1] > tile_rows[t];
		unsigned	mask = __ballot_sync(FULL_WARP, ends);
		int			stop = mask ? __ffs((int) mask) - 1 : 31;

		if (t >= 0 && lane <= stop)
			sum += carry[t];
		if (mask)
			break;
	}
	sum = warp_sum(sum);
	if (lane == 0)
		out[tile_rows[tile]] += sum;
}

/* Sums over the rows of one adjacency, as often as wanted. */
class row_sums
{
public:
	row_sums(rk_cuda_device *d, int64_t nodes, int64_t arcs, device_adjacency *a)
		: device(d), rows(nodes), entries(arcs), rows_of(a), tiles(tile_count(nodes, arcs))
	{
		carry.allocate(device, tiles);
		make_tiles(device, a, rows, entries);
	}

	/* x: of nodes; out: for each row.  Does nothing where *done. */
	void run(const double *x, double *out, const int32_t *done)
	{
		if (rows_of->weighted())
			RK_LAUNCH(sum_tiles<true>, (unsigned) tiles, TILE_THREADS, device->stream)
				(rows_of->offsets.get(), rows_of->neighbors.get(), rows_of->weights.get(), x, rows, entries,
				 rows_of->tile_rows.get(), out, carry.get(), done);
		else
			RK_LAUNCH(sum_tiles<false>, (unsigned) tiles, TILE_THREADS, device->stream)
				(rows_of->offsets.get(), rows_of->neighbors.get(), (const double *) nullptr, x, rows, entries,
				 rows_of->tile_rows.get(), out, carry.get(), done);
		check_launch();
		RK_LAUNCH(add_carries, blocks_for(tiles * 32, 256), 256, device->stream)
			(rows_of->offsets.get(), rows_of->tile_rows.get(), carry.get(), tiles, out, done);
		check_launch();
	}

	/* Bytes that one run moves, gathers from beyond the cache apart. */
	int64_t bytes() const
	{
		return entries * (4 + 8 + (rows_of->weighted() ? 8 : 0)) + rows * 16;
	}

private:
	rk_cuda_device *device;
	int64_t		rows;
	int64_t		entries;
	device_adjacency *rows_of;
	int64_t		tiles;
	device_array<double> carry;
};

#endif							/* RK_ROW_SUMS_CUH */

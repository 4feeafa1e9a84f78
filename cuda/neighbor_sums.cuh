/*
 * neighbor_sums.cuh
 *	  Sums of vectors over the rows of a graph: z[v] = sum of w(v, u) x[u].
 *
 * A row is cut into pieces of ROW_PIECE entries; a group of lanes takes one, as
 * many lanes as a vector has words of 16 bytes, so that every read of a vector
 * is one of whole sectors.  Pieces are added in the type of the vectors and
 * rows in double, both in the order of the entries, as the CPU does.
 */
#ifndef RK_NEIGHBOR_SUMS_CUH
#define RK_NEIGHBOR_SUMS_CUH

#include "dense.cuh"
#include "scan.cuh"

#define ROW_PIECE 256
#define GATHER_THREADS 256
#define GATHER_LAUNCH_BYTES (INT64_C(1) << 32)

__global__ static void
count_pieces(const int64_t *offsets, int64_t rows, uint32_t *counts)
{
	int64_t		v = global_thread();

	if (v < rows)
		counts[v] = (uint32_t) max((offsets[v + 1] - offsets[v] + ROW_PIECE - 1) / ROW_PIECE, INT64_C(1));
}

__global__ static void
place_pieces(const int64_t *first, int64_t rows, uint32_t *row_of)
{
	int64_t		v = global_thread();

	for (int64_t p = v < rows ? first[v] : 0; v < rows && p < first[v + 1]; p++)
		row_of[p] = (uint32_t) v;
}

/* The pieces of all rows of an adjacency. */
struct row_pieces
{
	int64_t		rows;
	int64_t		count;
	device_array<int64_t> first;	/* rows + 1: the first piece of each row */
	device_array<uint32_t> row_of;	/* count */

	void make(rk_cuda_device *device, const int64_t *offsets, int64_t n)
	{
		device_array<uint32_t> counts;

		rows = n;
		counts.allocate(device, rows);
		first.allocate(device, rows + 1);
		RK_LAUNCH(count_pieces, blocks_for(rows, 256), 256, device->stream) (offsets, rows, counts.get());
		check_launch();
		scan_lengths(device, counts.get(), rows, first.get());
		check(cudaMemcpyAsync(&count, first.get() + rows, sizeof(count), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		row_of.allocate(device, count);
		RK_LAUNCH(place_pieces, blocks_for(rows, 256), 256, device->stream) (first.get(), rows, row_of.get());
		check_launch();
	}

	/* Some row has more than one. */
	bool split() const { return count > rows; }
};

/* Where the entries of a piece are. */
struct piece_range
{
	int64_t		row;
	int64_t		begin;
	int64_t		end;
	int64_t		number;			/* in the row */
	bool		only;			/* the row has no other */
};

__device__ static inline piece_range
range_of(const int64_t *offsets, const int64_t *first, const uint32_t *row_of, int64_t piece)
{
	piece_range r;

	r.row = row_of[piece];
	r.number = piece - first[r.row];
	r.begin = offsets[r.row] + r.number * ROW_PIECE;
	r.end = min(r.begin + ROW_PIECE, offsets[r.row + 1]);
	r.only = first[r.row + 1] - first[r.row] == 1;
	return r;
}

/*
 * The place of a piece among those of rows with several: twice as many as there
 * are pieces after the first ones are enough for all.
 */
__device__ static inline int64_t
part_of(int64_t piece, int64_t row, int64_t number)
{
	return 2 * (piece - row) - number;
}

enum gather_kind
{
	GATHER_SUM,					/* weights 1 */
	GATHER_WEIGHTED,			/* weights of entries, of neighbours, or both */
	GATHER_LARGEST
};

template <typename T> struct gather_work
{
	const int64_t *offsets;
	const uint32_t *neighbors;
	const int64_t *first;		/* of row_pieces */
	const uint32_t *row_of;
	const double *weights;		/* of the entries; NULL: 1 */
	const double *scale;		/* of a neighbour; NULL: 1 */
	const double *row_scale;	/* of the sum; NULL: 1 */
	const double *self;			/* weight of the node itself; NULL: self_weight */
	double		self_weight;
	bool		has_self;
	const T    *x;
	int64_t		x_stride;
	T		   *z;
	int64_t		z_stride;
	int64_t		columns;		/* that are written */
	double		share;			/* of the sum that goes to z */
	bool		add;			/* to what z has */
	T		   *parts;			/* of rows with several pieces, x_stride each */
};

/* What becomes of the sum of a row's column. */
template <gather_kind KIND, typename T> __device__ static inline void
write_sum(const gather_work<T> &g, int64_t row, int64_t column, double sum, bool any)
{
	T		   *z = &g.z[row * g.z_stride + column];

	if (KIND == GATHER_LARGEST)
	{
		double		own = g.x[row * g.x_stride + column];

		if (g.has_self)
			sum = any && sum > own ? sum : own;
		else if (!any)
			sum = 0;
		*z = (T) sum;
		return;
	}
	if (g.has_self)
		sum += (g.self ? g.self[row] : g.self_weight) * g.x[row * g.x_stride + column];
	if (g.row_scale)
		sum *= g.row_scale[row];
	sum *= g.share;
	*z = (T) (g.add ? *z + sum : sum);
}

template <typename T, gather_kind KIND, int LANES> __global__ static void __launch_bounds__(GATHER_THREADS)
gather_pieces(gather_work<T> g, int64_t from, int64_t to)
{
	const int	V = 16 / (int) sizeof(T);
	int64_t		piece = from + global_thread() / LANES;
	int			lane = threadIdx.x % LANES;
	piece_range r;

	if (piece >= to)
		return;
	r = range_of(g.offsets, g.first, g.row_of, piece);
	for (int64_t c = lane * V; c < g.x_stride; c += LANES * V)
	{
		T			sum[V];

RK_UNROLL
		for (int k = 0; k < V; k++)
			sum[k] = KIND == GATHER_LARGEST ? (T) -INFINITY : (T) 0;
#ifndef RK_CUDA_ON_HOST
#pragma unroll 4
#endif
		for (int64_t i = r.begin; i < r.end; i++)
		{
			uint32_t	u = g.neighbors[i];
			word16<T>	word = *(const word16<T> *) (g.x + u * g.x_stride + c);
			T			w = 1;

			if (KIND == GATHER_WEIGHTED)
				w = (T) ((g.weights ? g.weights[i] : 1.0) * (g.scale ? g.scale[u] : 1.0));
RK_UNROLL
			for (int k = 0; k < V; k++)
			{
				if (KIND == GATHER_LARGEST)
					sum[k] = word.v[k] > sum[k] ? word.v[k] : sum[k];
				else
					sum[k] += KIND == GATHER_WEIGHTED ? w * word.v[k] : word.v[k];
			}
		}
		if (r.only)
		{
RK_UNROLL
			for (int k = 0; k < V; k++)
				if (c + k < g.columns)
					write_sum<KIND>(g, r.row, c + k, sum[k], r.end > r.begin);
		}
		else
		{
			T		   *part = g.parts + part_of(piece, r.row, r.number) * g.x_stride + c;

RK_UNROLL
			for (int k = 0; k < V; k++)
				part[k] = sum[k];
		}
	}
}

/* Adds the pieces of the rows that have several. */
template <typename T, gather_kind KIND, int LANES> __global__ static void __launch_bounds__(GATHER_THREADS)
add_pieces(gather_work<T> g, int64_t rows)
{
	const int	V = 16 / (int) sizeof(T);
	int64_t		row = global_thread() / LANES;
	int64_t		pieces;
	const T    *part;

	if (row >= rows || (pieces = g.first[row + 1] - g.first[row]) == 1)
		return;
	part = g.parts + part_of(g.first[row], row, 0) * g.x_stride;
	for (int64_t c = threadIdx.x % LANES * V; c < g.x_stride; c += LANES * V)
	{
		double		sum[V];

RK_UNROLL
		for (int k = 0; k < V; k++)
			sum[k] = KIND == GATHER_LARGEST ? -INFINITY : 0;
		/* a hub's are thousands, in the order of the CPU: many of them on their way at once */
#ifndef RK_CUDA_ON_HOST
#pragma unroll 8
#endif
		for (int64_t p = 0; p < pieces; p++)
		{
			word16<T>	word = *(const word16<T> *) (part + p * g.x_stride + c);

RK_UNROLL
			for (int k = 0; k < V; k++)
				sum[k] = KIND == GATHER_LARGEST ? max(sum[k], (double) word.v[k]) : sum[k] + word.v[k];
		}
RK_UNROLL
		for (int k = 0; k < V; k++)
			if (c + k < g.columns)
				write_sum<KIND>(g, row, c + k, sum[k], true);
	}
}

template <typename T, gather_kind KIND, int LANES> static void
launch_gather(rk_cuda_device *device, rk_cuda_call *call, const row_pieces &pieces, int64_t arcs,
			  const gather_work<T> &g)
{
	int64_t		each = (arcs / pieces.count + 1) * g.x_stride * (int64_t) sizeof(T);
	int64_t		step = max(GATHER_LAUNCH_BYTES / each, INT64_C(1));

	for (int64_t from = 0; from < pieces.count; from += step)
	{
		int64_t		to = min(from + step, pieces.count);

		if (from > 0)
		{
			check(cudaStreamSynchronize(device->stream));
			if (stopped(call))
				stop_now();
		}
		RK_LAUNCH((gather_pieces<T, KIND, LANES>), blocks_for((to - from) * LANES, GATHER_THREADS), GATHER_THREADS,
				  device->stream) (g, from, to);
		check_launch();
	}
	if (pieces.split())
	{
		RK_LAUNCH((add_pieces<T, KIND, LANES>), blocks_for(pieces.rows * LANES, GATHER_THREADS), GATHER_THREADS,
				  device->stream) (g, pieces.rows);
		check_launch();
	}
}

template <typename T, gather_kind KIND> static void
gather_lanes(rk_cuda_device *device, rk_cuda_call *call, const row_pieces &pieces, int64_t arcs,
			 const gather_work<T> &g)
{
	int64_t		words = g.x_stride / lanes_of<T>;

	if (words <= 4)
		launch_gather<T, KIND, 4>(device, call, pieces, arcs, g);
	else if (words <= 16)
		launch_gather<T, KIND, 16>(device, call, pieces, arcs, g);
	else
		launch_gather<T, KIND, 32>(device, call, pieces, arcs, g);
}

/* Sums over all rows; the fields that belong to the pieces are filled in here. */
template <typename T> static void
run_gather(rk_cuda_device *device, rk_cuda_call *call, const row_pieces &pieces, int64_t arcs, gather_kind kind,
		   gather_work<T> g)
{
	device_array<T> parts;

	g.first = pieces.first.get();
	g.row_of = pieces.row_of.get();
	if (pieces.split())
		parts.allocate(device, 2 * (pieces.count - pieces.rows) * g.x_stride);
	g.parts = parts.get();
	if (kind == GATHER_SUM)
		gather_lanes<T, GATHER_SUM>(device, call, pieces, arcs, g);
	else if (kind == GATHER_WEIGHTED)
		gather_lanes<T, GATHER_WEIGHTED>(device, call, pieces, arcs, g);
	else
		gather_lanes<T, GATHER_LARGEST>(device, call, pieces, arcs, g);
	call->usage.bytes_moved += arcs * (4 + (g.weights ? 8 : 0) + (g.scale ? 8 : 0) + g.x_stride * (int64_t) sizeof(T)) +
		pieces.rows * (20 + g.columns * (int64_t) sizeof(T) * (g.add ? 2 : 1));
}

#endif							/* RK_NEIGHBOR_SUMS_CUH */

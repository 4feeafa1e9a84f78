/*
 * correlation.cu
 *	  Products of all pairs of series, as src/risk/correlation/realtime_correlation.c
 *	  has them from BLAS: the upper triangle of X X'.
 *
 * Matrix units multiply, which have twice the rate in float8 of the other ones.
 * A block makes the products of SIDE series with SIDE others, each warp those of
 * SIDE / 2 with 32: slices of DEPTH times go through shared memory, which has two,
 * so that the next one arrives while this one is multiplied.  Both operands are rows of X, so that nothing is
 * transposed, and products go to their pairs at once.
 */
#include "dense.cuh"
#include "matrix_units.cuh"

#define DEPTH 8					/* times of a slice */
#define SLICE_STRIDE (DEPTH + 4)	/* so that the lanes of half a warp read different banks */
#define WARP_COLUMNS 32
#ifdef RK_CUDA_ON_HOST
#define WIDE_SERIES 130
#else
#define WIDE_SERIES 2048		/* from here on there are enough wide tiles for all multiprocessors */
#endif

struct product_work
{
	const double *x;			/* a series in each row */
	int64_t		n;
	int64_t		m;
	int64_t		stride;			/* even; what is beyond m is 0 */
	int64_t		first;			/* tile of this launch */
	double	   *pairs;
};

/* Row and column of a tile of the triangle: columns one after the other. */
__device__ static inline void
tile_place(int64_t tile, int64_t *row, int64_t *column)
{
	int64_t		c = (int64_t) ((sqrt(8.0 * (double) tile + 1) - 1) / 2);

	/* the root rounds */
	while (c * (c + 1) / 2 > tile)
		c--;
	while ((c + 1) * (c + 2) / 2 <= tile)
		c++;
	*column = c;
	*row = tile - c * (c + 1) / 2;
}

template <int SIDE> __global__ static void __launch_bounds__(2 * SIDE)
multiply_series(product_work w)
{
	const int	THREADS = 2 * SIDE;
	const int	ROWS = SIDE / 2;	/* of a warp */
	const int	HIGH = ROWS / 16;	/* fragments of it */
	const int	WIDE = WARP_COLUMNS / 8;
	const int	LOADS = 2 * SIDE * DEPTH / 2 / THREADS;	/* pairs of numbers of a thread: of 2 SIDE rows */
	alignas(16) __shared__ double slice[2][2 * SIDE][SLICE_STRIDE];
	int64_t		tile_row;
	int64_t		tile_column;
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	int			warp_row = warp / (SIDE / WARP_COLUMNS) * ROWS;
	int			warp_column = warp % (SIDE / WARP_COLUMNS) * WARP_COLUMNS;
	double		sum[HIGH][WIDE][4] = {};
	double2		next[LOADS];

	tile_place(w.first + blockIdx.x, &tile_row, &tile_column);

	/* slice [k, k + DEPTH) of both sides; 4 threads a row */
	auto		load = [&] (int64_t k) {
RK_UNROLL
		for (int i = 0; i < LOADS; i++)
		{
			int			line = (i * THREADS + (int) threadIdx.x) / (DEPTH / 2);
			int64_t		at = k + threadIdx.x % (DEPTH / 2) * 2;
			int64_t		series = line < SIDE ? tile_row * SIDE + line : tile_column * SIDE + line - SIDE;

			next[i] = {0, 0};
			if (series < w.n && at < w.stride)
				next[i] = *(const double2 *) (w.x + series * w.stride + at);
		}
	};

	auto		keep = [&] (int buffer) {
RK_UNROLL
		for (int i = 0; i < LOADS; i++)
			*(double2 *) &slice[buffer][(i * THREADS + threadIdx.x) / (DEPTH / 2)][threadIdx.x % (DEPTH / 2) * 2] = next[i];
		__syncthreads();
	};

	load(0);
	keep(0);
	for (int64_t k = 0; k < w.m; k += DEPTH)
	{
		int			now = (int) (k / DEPTH % 2);

		if (k + DEPTH < w.m)
			load(k + DEPTH);
RK_UNROLL
		for (int step = 0; step < DEPTH; step += 4)
		{
			double		a[HIGH][2];
			double		b[WIDE];

RK_UNROLL
			for (int i = 0; i < HIGH; i++)
			{
				a[i][0] = slice[now][warp_row + i * 16 + lane / 4][step + lane % 4];
				a[i][1] = slice[now][warp_row + i * 16 + 8 + lane / 4][step + lane % 4];
			}
RK_UNROLL
			for (int j = 0; j < WIDE; j++)
				b[j] = slice[now][SIDE + warp_column + j * 8 + lane / 4][step + lane % 4];
RK_UNROLL
			for (int i = 0; i < HIGH; i++)
RK_UNROLL
				for (int j = 0; j < WIDE; j++)
					multiply_16x8x4(sum[i][j], a[i], b[j]);
		}
		/* nobody reads the other one: all have been at the barrier since */
		if (k + DEPTH < w.m)
			keep(1 - now);
	}
RK_UNROLL
	for (int i = 0; i < HIGH; i++)
RK_UNROLL
		for (int half = 0; half < 2; half++)
		{
			int64_t		row = tile_row * SIDE + warp_row + i * 16 + half * 8 + lane / 4;
			int64_t		at = row * (w.n - 1) - row * (row - 1) / 2 - row - 1;	/* of column 0, if it had one */

RK_UNROLL
			for (int j = 0; j < WIDE; j++)
RK_UNROLL
				for (int c = 0; c < 2; c++)
				{
					int64_t		column = tile_column * SIDE + warp_column + j * 8 + lane % 4 * 2 + c;

					if (row < column && column < w.n)
						w.pairs[at + column] = sum[i][j][2 * half + c];
				}
		}
}

/* All tiles, some milliseconds at a time. */
template <int SIDE> static void
run_tiles(rk_cuda_device *device, const rk_cuda_call *call, product_work w)
{
	int64_t		side = (w.n + SIDE - 1) / SIDE;
	int64_t		tiles = side * (side + 1) / 2;
	int64_t		step = min(max(DENSE_LAUNCH_TERMS / (SIDE * SIDE * w.m), INT64_C(1)), (int64_t) INT32_MAX);

	for (w.first = 0; w.first < tiles; w.first += step)
	{
		if (w.first > 0)
		{
			check(cudaStreamSynchronize(device->stream));
			if (stopped(call))
				stop_now();
		}
		RK_LAUNCH(multiply_series<SIDE>, (unsigned) min(step, tiles - w.first), 2 * SIDE, device->stream) (w);
		check_launch();
	}
}

void
run_correlation(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_correlation_params *p = (const rk_cuda_correlation_params *) call->params;
	const double *series = (const double *) call->input[0].data;
	product_work w = {};
	device_array<double> x;
	device_array<double> pairs;

	if (p == nullptr || call->params_bytes != sizeof(*p) || p->assets < 2 || p->times < 1 || p->assets > INT32_MAX ||
		p->times > INT64_MAX / 16 / p->assets || series == nullptr ||
		call->input[0].bytes != p->assets * p->times * (int64_t) sizeof(double) ||
		call->output[0].bytes != p->assets * (p->assets - 1) / 2 * (int64_t) sizeof(double))
		decline("arrays of another shape than series have");
	w.n = p->assets;
	w.m = p->times;
	w.stride = padded<double>(w.m);
	if (w.stride == w.m)
		x.load(device, series, w.n * w.m, &call->usage);
	else
	{
		device_array<double> given;

		given.load(device, series, w.n * w.m, &call->usage);
		x.allocate(device, w.n * w.stride);
		run_spread(device, given.get(), w.n, w.m, w.m, x.get(), w.stride);
	}
	pairs.allocate(device, w.n * (w.n - 1) / 2);
	w.x = x.get();
	w.pairs = pairs.get();

	kernel_timer timer(device, &call->usage);

	if (w.n < WIDE_SERIES)
		run_tiles<64>(device, call, w);
	else
		run_tiles<128>(device, call, w);
	timer.stop();
	pairs.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* beyond the cache, which keeps the series while tiles read them */
	call->usage.bytes_moved += 8 * w.n * w.stride + 8 * (w.n * (w.n - 1) / 2);
}

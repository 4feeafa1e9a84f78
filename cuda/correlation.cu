/*
 * correlation.cu
 *	  Products of all pairs of series, as src/risk/correlation/realtime_correlation.c
 *	  has them from BLAS: the upper triangle of X X'.
 *
 * Tiles of dense.cuh multiply the series with their transpose, some rows at a
 * time, so that what is below the diagonal is neither computed nor kept; then
 * the rows are packed into pairs.
 */
#include "dense.cuh"

#define SIDE 32					/* of a tile that is transposed */
#define BLOCK_NUMBERS (INT64_C(1) << 27)	/* of products before they are packed: 1 GB */

/* to[column][row] = from[row][column]; columns of "to" beyond the rows become 0. */
__global__ static void __launch_bounds__(256)
transpose(const double *__restrict__ from, int64_t rows, int64_t columns, int64_t from_stride,
		  double *__restrict__ to, int64_t to_stride)
{
	__shared__ double tile[SIDE][SIDE + 1];
	int64_t		across = (columns + SIDE - 1) / SIDE;
	int64_t		row = blockIdx.x / across * SIDE;
	int64_t		column = blockIdx.x % across * SIDE;
	int			x = threadIdx.x % SIDE;

	for (int y = threadIdx.x / SIDE; y < SIDE; y += 256 / SIDE)
		tile[y][x] = row + y < rows && column + x < columns ? from[(row + y) * from_stride + column + x] : 0;
	__syncthreads();
	for (int y = threadIdx.x / SIDE; y < SIDE; y += 256 / SIDE)
		if (column + y < columns && row + x < to_stride)
			to[(column + y) * to_stride + row + x] = tile[x][y];
}

/* Rows [first, first + gridDim.x) of products, right of the diagonal, to their pairs. */
__global__ static void __launch_bounds__(256)
pack_pairs(const double *__restrict__ product, int64_t stride, int64_t first, int64_t n, double *__restrict__ pairs)
{
	int64_t		i = first + blockIdx.x;
	int64_t		at = i * (n - 1) - i * (i - 1) / 2 - i - 1;

	for (int64_t j = i + 1 + threadIdx.x; j < n; j += 256)
		pairs[at + j] = product[blockIdx.x * stride + j];
}

void
run_correlation(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_correlation_params *p = (const rk_cuda_correlation_params *) call->params;
	int64_t		n;
	int64_t		m;
	int64_t		stride;
	int64_t		step;
	device_array<double> x;
	device_array<double> transposed;
	device_array<double> product;
	device_array<double> pairs;
	dense_product<double> work = {};

	if (p == nullptr || call->params_bytes != sizeof(*p) || p->assets < 2 || p->times < 1 || p->assets > INT32_MAX ||
		p->times > INT64_MAX / 16 / p->assets || call->input[0].data == nullptr ||
		call->input[0].bytes != p->assets * p->times * (int64_t) sizeof(double) ||
		call->output[0].bytes != p->assets * (p->assets - 1) / 2 * (int64_t) sizeof(double))
		decline("arrays of another shape than series have");
	n = p->assets;
	m = p->times;
	stride = padded<double>(n);
	step = min(max(BLOCK_NUMBERS / stride / DENSE_ROWS, INT64_C(1)) * DENSE_ROWS, n);
	if (padded<double>(m) == m)
		x.load(device, (const double *) call->input[0].data, n * m, &call->usage);
	else
	{
		product.load(device, (const double *) call->input[0].data, n * m, &call->usage);
		x.allocate(device, n * padded<double>(m));
		run_spread(device, product.get(), n, m, m, x.get(), padded<double>(m));
	}
	transposed.allocate(device, m * stride);
	product.allocate(device, step * stride);
	pairs.allocate(device, n * (n - 1) / 2);

	kernel_timer timer(device, &call->usage);

	RK_LAUNCH(transpose, blocks_for(n, SIDE) * blocks_for(m, SIDE), 256, device->stream)
		(x.get(), n, m, padded<double>(m), transposed.get(), stride);
	check_launch();
	work.in = m;
	work.x_stride = padded<double>(m);
	work.w = transposed.get();
	work.w_stride = work.z_stride = stride;
	work.z = product.get();
	work.triangle = true;
	for (int64_t first = 0; first < n - 1; first += step)
	{
		work.rows = min(step, n - first);
		work.row = first;
		work.x = x.get() + first * work.x_stride;
		if (first > 0)
		{
			check(cudaStreamSynchronize(device->stream));
			if (stopped(call))
				stop_now();
		}
		run_product(device, call, work, as_it_is());
		RK_LAUNCH(pack_pairs, (unsigned) work.rows, 256, device->stream)
			(product.get(), stride, first, n, pairs.get());
		check_launch();
	}
	timer.stop();
	pairs.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	call->usage.bytes_moved += 16 * n * m + 16 * (n * (n - 1) / 2);
}

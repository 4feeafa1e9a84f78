/*
 * dense.cuh
 *	  Matrices whose rows are padded with zeros to whole words of 16 bytes, and
 *	  products of many short rows with a small matrix.
 *
 * A block makes DENSE_ROWS x DENSE_COLUMNS numbers of the product.  Slices of
 * both matrices go through shared memory, the next one into registers while
 * this one is multiplied; a thread keeps 8 x 4 sums.  Sums of more than
 * DENSE_TERMS terms are added up in double, as the CPU does.
 */
#ifndef RK_DENSE_CUH
#define RK_DENSE_CUH

#include "device.cuh"

#define DENSE_ROWS 128
#define DENSE_COLUMNS 64
#define DENSE_DEPTH 16
#define DENSE_THREADS 256
#define DENSE_TERMS 256
#define DENSE_MY_ROWS 8
#define DENSE_MY_COLUMNS 4
#define DENSE_PAD 4				/* keeps columns of a slice off one bank */
#define DENSE_LAUNCH_TERMS (INT64_C(1) << 37)	/* products of a launch */

template <typename T> struct alignas(16) word16
{
	T			v[16 / sizeof(T)];
};

/* Numbers of a word. */
template <typename T> constexpr int lanes_of = 16 / (int) sizeof(T);

template <typename T> static inline int64_t
padded(int64_t columns)
{
	return (columns + lanes_of<T> - 1) / lanes_of<T> * lanes_of<T>;
}

/* Rows of another type and stride; what is beyond the columns becomes 0. */
template <typename F, typename T> __global__ static void
spread(const F *__restrict__ from, int64_t rows, int64_t columns, int64_t from_stride, T *__restrict__ to,
	   int64_t to_stride)
{
	int64_t		i = global_thread();
	int64_t		row = i / to_stride;
	int64_t		column = i % to_stride;

	if (row < rows)
		to[i] = column < columns ? (T) from[row * from_stride + column] : (T) 0;
}

/* Launches that. */
template <typename F, typename T> static void
run_spread(rk_cuda_device *device, const F *from, int64_t rows, int64_t columns, int64_t from_stride, T *to,
		   int64_t to_stride)
{
	int64_t		step = max((INT64_C(1) << 31) / to_stride, INT64_C(1));

	for (int64_t first = 0; first < rows; first += step)
	{
		int64_t		count = min(step, rows - first);

		RK_LAUNCH((spread<F, T>), blocks_for(count * to_stride, 256), 256, device->stream)
			(from + first * from_stride, count, columns, from_stride, to + first * to_stride, to_stride);
		check_launch();
	}
}

/* z = finish(x w + second x times second w + z + bias): what there is of it. */
template <typename T> struct dense_product
{
	int64_t		rows;
	int64_t		in;
	int64_t		x_stride;
	const T    *x;
	const T    *w;				/* in rows of w_stride */
	const T    *second_x;		/* of the same width; NULL: none */
	const T    *second_w;
	int64_t		w_stride;		/* columns of the product, padded */
	T		   *z;
	int64_t		z_stride;
	bool		add;			/* z is a part of the sum */
	const T    *bias;			/* w_stride of them; NULL: none */
};

/* Loads a slice's share of a thread: 8 numbers of x, 4 of w. */
template <typename T> __device__ static inline void
load_slice(const dense_product<T> &p, const T *x, const T *w, int64_t first_row, int64_t first_column, int64_t k,
		   T *mine_x, T *mine_w)
{
	int64_t		row = first_row + threadIdx.x / 2;
	int64_t		from = k + threadIdx.x % 2 * 8;
	int64_t		w_row = k + threadIdx.x / 16;
	int64_t		w_column = first_column + threadIdx.x % 16 * 4;

RK_UNROLL
	for (int i = 0; i < 8; i += lanes_of<T>)
	{
		word16<T>	word = {};

		if (row < p.rows && from + i < p.x_stride)
			word = *(const word16<T> *) (x + row * p.x_stride + from + i);
RK_UNROLL
		for (int c = 0; c < lanes_of<T>; c++)
			mine_x[i + c] = word.v[c];
	}
RK_UNROLL
	for (int i = 0; i < 4; i += lanes_of<T>)
	{
		word16<T>	word = {};

		if (w_row < p.in && w_column + i < p.w_stride)
			word = *(const word16<T> *) (w + w_row * p.w_stride + w_column + i);
RK_UNROLL
		for (int c = 0; c < lanes_of<T>; c++)
			mine_w[i + c] = word.v[c];
	}
}

template <typename T, bool LONG, typename F> __global__ static void __launch_bounds__(DENSE_THREADS)
multiply_rows(dense_product<T> p, F finish)
{
	alignas(16) __shared__ T slice_x[DENSE_DEPTH][DENSE_ROWS + DENSE_PAD];
	alignas(16) __shared__ T slice_w[DENSE_DEPTH][DENSE_COLUMNS];
	/* columns of blocks run fastest: they read the same rows of x */
	int64_t		column_blocks = (p.w_stride + DENSE_COLUMNS - 1) / DENSE_COLUMNS;
	int64_t		first_row = blockIdx.x / column_blocks * DENSE_ROWS;
	int64_t		first_column = blockIdx.x % column_blocks * DENSE_COLUMNS;
	int			my_row = threadIdx.x / 16 * DENSE_MY_ROWS;
	int			my_column = threadIdx.x % 16 * DENSE_MY_COLUMNS;
	int64_t		slices = (p.in + DENSE_DEPTH - 1) / DENSE_DEPTH;
	int64_t		all = p.second_x ? 2 * slices : slices;
	T			sum[DENSE_MY_ROWS][DENSE_MY_COLUMNS] = {};
	double		total[LONG ? DENSE_MY_ROWS : 1][LONG ? DENSE_MY_COLUMNS : 1] = {};
	T			mine_x[8];
	T			mine_w[4];

	load_slice(p, p.x, p.w, first_row, first_column, 0, mine_x, mine_w);
	for (int64_t s = 0; s < all; s++)
	{
		__syncthreads();
RK_UNROLL
		for (int i = 0; i < 8; i++)
			slice_x[threadIdx.x % 2 * 8 + i][threadIdx.x / 2] = mine_x[i];
RK_UNROLL
		for (int i = 0; i < 4; i++)
			slice_w[threadIdx.x / 16][threadIdx.x % 16 * 4 + i] = mine_w[i];
		__syncthreads();
		if (s + 1 < all)
		{
			bool		second = s + 1 >= slices;

			load_slice(p, second ? p.second_x : p.x, second ? p.second_w : p.w, first_row, first_column,
					   (second ? s + 1 - slices : s + 1) * DENSE_DEPTH, mine_x, mine_w);
		}
RK_UNROLL
		for (int k = 0; k < DENSE_DEPTH; k++)
		{
			alignas(16) T a[DENSE_MY_ROWS];
			alignas(16) T b[DENSE_MY_COLUMNS];

RK_UNROLL
			for (int i = 0; i < DENSE_MY_ROWS; i += lanes_of<T>)
				*(word16<T> *) &a[i] = *(const word16<T> *) &slice_x[k][my_row + i];
RK_UNROLL
			for (int j = 0; j < DENSE_MY_COLUMNS; j += lanes_of<T>)
				*(word16<T> *) &b[j] = *(const word16<T> *) &slice_w[k][my_column + j];
RK_UNROLL
			for (int i = 0; i < DENSE_MY_ROWS; i++)
RK_UNROLL
				for (int j = 0; j < DENSE_MY_COLUMNS; j++)
					sum[i][j] += a[i] * b[j];
		}
		if (LONG && ((s + 1) * DENSE_DEPTH % DENSE_TERMS == 0 || s + 1 == all))
RK_UNROLL
			for (int i = 0; i < (LONG ? DENSE_MY_ROWS : 1); i++)
RK_UNROLL
				for (int j = 0; j < (LONG ? DENSE_MY_COLUMNS : 1); j++)
				{
					total[i][j] += sum[i][j];
					sum[i][j] = 0;
				}
	}
RK_UNROLL
	for (int i = 0; i < DENSE_MY_ROWS; i++)
	{
		int64_t		row = first_row + my_row + i;

RK_UNROLL
		for (int j = 0; j < DENSE_MY_COLUMNS; j += lanes_of<T>)
		{
			int64_t		column = first_column + my_column + j;
			word16<T>  *z = (word16<T> *) (p.z + row * p.z_stride + column);
			word16<T>	word = {};

			if (row >= p.rows || column >= p.w_stride)
				continue;
			if (p.add)
				word = *z;
RK_UNROLL
			for (int c = 0; c < lanes_of<T>; c++)
			{
				T			value = LONG ? (T) total[LONG ? i : 0][LONG ? j + c : 0] : sum[i][j + c];

				value += word.v[c];
				if (p.bias)
					value += p.bias[column + c];
				word.v[c] = finish(value);
			}
			*z = word;
		}
	}
}

struct as_it_is
{
	template <typename T> __device__ T operator() (T value) const { return value; }
};

/* Multiplies, a few milliseconds at a time; rows, in and w_stride are above 0. */
template <typename T, typename F> static void
run_product(rk_cuda_device *device, rk_cuda_call *call, const dense_product<T> &product, F finish)
{
	int64_t		step = max(DENSE_LAUNCH_TERMS / (product.in * product.w_stride) / DENSE_ROWS, INT64_C(1)) * DENSE_ROWS;
	int64_t		column_blocks = (product.w_stride + DENSE_COLUMNS - 1) / DENSE_COLUMNS;
	int64_t		inputs = product.second_x ? 2 : 1;

	for (int64_t first = 0; first < product.rows; first += step)
	{
		dense_product<T> part = product;
		unsigned	blocks;

		part.rows = min(step, product.rows - first);
		part.x += first * product.x_stride;
		if (part.second_x)
			part.second_x += first * product.x_stride;
		part.z += first * product.z_stride;
		blocks = blocks_for(part.rows, DENSE_ROWS) * (unsigned) column_blocks;
		if (first > 0)
		{
			check(cudaStreamSynchronize(device->stream));
			if (stopped(call))
				stop_now();
		}
		if (sizeof(T) < sizeof(double) && product.in * inputs > DENSE_TERMS)
			RK_LAUNCH((multiply_rows<T, sizeof(T) < sizeof(double), F>), blocks, DENSE_THREADS, device->stream) (part, finish);
		else
			RK_LAUNCH((multiply_rows<T, false, F>), blocks, DENSE_THREADS, device->stream) (part, finish);
		check_launch();
	}
	call->usage.bytes_moved += (int64_t) sizeof(T) * product.rows *
		(inputs * product.x_stride + product.w_stride * (product.add ? 2 : 1));
}

#endif							/* RK_DENSE_CUH */

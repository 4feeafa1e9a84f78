/*
 * attention.cu
 *	  A layer of graph attention, as src/graph/neural/graph_attention.c: heads one
 *	  after the other, in each all nodes at once.
 *
 * Scores of gat take one number from each end and are made entry by entry in
 * equal parts (tiles.cuh); those of gatv2 need the vectors, and a group of lanes
 * makes them.  Softmax is over the pieces of rows (neighbor_sums.cuh).  What a
 * node gets of attention is added up as an integer, in as many bits as its
 * number of entries leaves: such sums do not depend on the order.
 */
#include "neighbor_sums.cuh"
#include "tiles.cuh"

#include "../src/compute/both.h"
#include "../src/graph/neural/choices.h"

#define REAL float
#define NAME(x) x##_float4
#include "../src/graph/neural/activation_steps.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_float8
#include "../src/graph/neural/activation_steps.h"
#undef REAL
#undef NAME

#define THREADS 256
#define SOFT_LANES 8			/* that take a piece of a row */
#define FEW_PIECES 4			/* of a row, that one thread goes through */

/* ---- rows with the node itself ---- */

/* Copies an entry behind those of the same row that precede it, itself among them. */
struct copy_entry
{
	uint32_t   *to;
	uint32_t   *looks;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t entry) const
	{
		to[entry + row + (neighbor > row)] = neighbor;
		atomicAdd(&looks[neighbor], 1u);
	}
};

__global__ static void
add_self(const int64_t *offsets, const uint32_t *neighbors, int64_t n, int64_t *to_offsets, uint32_t *to,
		 uint32_t *looks)
{
	int64_t		v = global_thread();
	int64_t		low;
	int64_t		high;

	if (v > n)
		return;
	to_offsets[v] = offsets[v] + v;
	if (v == n)
		return;
	low = offsets[v];
	high = offsets[v + 1];
	while (low < high)
	{
		int64_t		middle = (low + high) / 2;

		if (neighbors[middle] < v)
			low = middle + 1;
		else
			high = middle;
	}
	to[low + v] = (uint32_t) v;
	atomicAdd(&looks[v], 1u);
}

/* ---- scores ---- */

/* The parts of a gat score that a node brings, a warp a node. */
template <typename T> __global__ static void
make_parts(const T *__restrict__ q, const T *__restrict__ k, const double *__restrict__ attention, int64_t n,
		   int64_t width, int64_t stride, T *own, T *other)
{
	int64_t		v = global_thread() / 32;
	double		mine = 0;
	double		theirs = 0;

	if (v >= n)
		return;
	for (int64_t c = threadIdx.x % 32; c < width; c += 32)
	{
		mine += attention[c] * q[v * stride + c];
		theirs += attention[width + c] * k[v * stride + c];
	}
	mine = warp_sum(mine);
	theirs = warp_sum(theirs);
	if (threadIdx.x % 32 == 0)
	{
		own[v] = (T) mine;
		other[v] = (T) theirs;
	}
}

template <typename T> struct score_entry
{
	const T    *own;
	const T    *other;
	T			slope;
	double	   *attention;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t entry) const
	{
		T			x = own[row] + other[neighbor];

		attention[entry] = x > 0 ? x : x * slope;
	}
};

/*
 * Scores of gatv2: LANES lanes for each piece of a row, one entry after the
 * other.  All groups of a warp go on until the longest piece ends, as they meet
 * in the sums.
 */
template <typename T, int LANES> __global__ static void __launch_bounds__(THREADS)
score_pieces(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, const int64_t *first,
			 const uint32_t *row_of, int64_t pieces, const T *__restrict__ q, const T *__restrict__ k,
			 const T *__restrict__ vector, int64_t stride, T slope, double *__restrict__ attention)
{
	const int	V = 16 / (int) sizeof(T);
	int64_t		piece = global_thread() / LANES;
	int			lane = threadIdx.x % LANES;
	piece_range r = range_of(offsets, first, row_of, min(piece, pieces - 1));
	int			mine = piece < pieces ? (int) (r.end - r.begin) : 0;
	int			most = mine;

	for (int distance = 16; distance > 0; distance /= 2)
		most = max(most, __shfl_xor_sync(FULL_WARP, most, distance));
	for (int i = 0; i < most; i++)
	{
		T			sum = 0;

		if (i < mine)
		{
			const T    *other = k + neighbors[r.begin + i] * stride;

			for (int64_t c = lane * V; c < stride; c += LANES * V)
			{
				word16<T>	a = *(const word16<T> *) (q + r.row * stride + c);
				word16<T>	b = *(const word16<T> *) (other + c);
				word16<T>	w = *(const word16<T> *) (vector + c);

RK_UNROLL
				for (int l = 0; l < V; l++)
				{
					T			x = a.v[l] + b.v[l];

					sum += w.v[l] * (x > 0 ? x : x * slope);
				}
			}
		}
		for (int distance = LANES / 2; distance > 0; distance /= 2)
			sum += __shfl_xor_sync(FULL_WARP, sum, distance);
		if (i < mine && lane == 0)
			attention[r.begin + i] = sum;
	}
}

/* ---- softmax ---- */

/*
 * exp(score - largest) of each entry.  Rows of one piece are done at once, and
 * total gets their sum; of the others, step 0 looks for the largest of each
 * piece, step 1 makes the exponentials and their sum of each piece.
 */
template <int STEP> __global__ static void __launch_bounds__(THREADS)
soften_pieces(const int64_t *__restrict__ offsets, const int64_t *first, const uint32_t *row_of, int64_t pieces,
			  double *__restrict__ attention, const double *largest_of_row, double *of_piece, double *total)
{
	int64_t		piece = global_thread() / SOFT_LANES;
	int			lane = threadIdx.x % SOFT_LANES;
	piece_range r = range_of(offsets, first, row_of, min(piece, pieces - 1));
	bool		mine = piece < pieces && (STEP == 0 || !r.only);
	double		largest = -INFINITY;
	double		sum = 0;

	if (STEP == 0)
	{
		for (int64_t e = r.begin + lane; mine && e < r.end; e += SOFT_LANES)
			largest = max(largest, attention[e]);
		for (int distance = SOFT_LANES / 2; distance > 0; distance /= 2)
			largest = max(largest, __shfl_xor_sync(FULL_WARP, largest, distance));
		if (mine && !r.only)
		{
			if (lane == 0)
				of_piece[piece] = largest;
			mine = false;
		}
	}
	else if (mine)
		largest = largest_of_row[r.row];
	for (int64_t e = r.begin + lane; mine && e < r.end; e += SOFT_LANES)
	{
		double		x = exp(attention[e] - largest);

		attention[e] = x;
		sum += x;
	}
	for (int distance = SOFT_LANES / 2; distance > 0; distance /= 2)
		sum += __shfl_xor_sync(FULL_WARP, sum, distance);
	if (mine && lane == 0)
	{
		if (STEP == 0)
			total[r.row] = sum;
		else
			of_piece[piece] = sum;
	}
}

/*
 * Largest, or sum, of the pieces of rows that have several: a thread for each row,
 * and its warp where these are many.
 */
template <bool SUM> __global__ static void __launch_bounds__(THREADS)
merge_pieces(const int64_t *first, int64_t rows, const double *of_piece, double *of_row)
{
	int64_t		v = global_thread();
	int			lane = threadIdx.x % 32;
	int64_t		begin = v < rows ? first[v] : 0;
	int64_t		end = v < rows ? first[v + 1] : 0;
	unsigned	long_rows = __ballot_sync(FULL_WARP, end - begin > FEW_PIECES);

	if (end - begin > 1 && end - begin <= FEW_PIECES)
	{
		double		value = of_piece[begin];

		for (int64_t p = begin + 1; p < end; p++)
			value = SUM ? value + of_piece[p] : max(value, of_piece[p]);
		of_row[v] = value;
	}
	for (; long_rows; long_rows &= long_rows - 1)
	{
		int			turn = __ffs((int) long_rows) - 1;
		int64_t		from = __shfl_sync(FULL_WARP, begin, turn);
		int64_t		to = __shfl_sync(FULL_WARP, end, turn);
		double		value = SUM ? 0 : -INFINITY;

		for (int64_t p = from + lane; p < to; p += 32)
			value = SUM ? value + of_piece[p] : max(value, of_piece[p]);
		for (int distance = 16; distance > 0; distance /= 2)
		{
			double		other = __shfl_xor_sync(FULL_WARP, value, distance);

			value = SUM ? value + other : max(value, other);
		}
		if (lane == turn)
			of_row[v] = value;
	}
}

/* 2^bits that sums of so many shares of 1 have room for. */
__device__ static inline double
unit_of(uint32_t looks)
{
	int			bits = 62;

	while (looks >> (62 - bits) > 1)
		bits--;
	return (double) (UINT64_C(1) << (bits - 1));
}

/* Attention of an entry, and what its neighbour gets of it. */
struct share_entry
{
	double	   *attention;
	const double *total;
	const uint32_t *looks;
	unsigned long long *received;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t entry) const
	{
		double		x = attention[entry] / total[row];

		attention[entry] = x;
		/* a score that is no number is found in the embedding */
		if (x <= 1)
			atomicAdd(&received[neighbor], (unsigned long long) (x * unit_of(looks[neighbor]) + 0.5));
	}
};

__global__ static void
read_received(const unsigned long long *received, const uint32_t *looks, int64_t n, int heads, double *importance)
{
	int64_t		v = global_thread();

	if (v < n)
		importance[v * heads] = (double) received[v] / unit_of(looks[v]) / looks[v];
}

/* ---- the layer ---- */

/* Bias and activation; *flag is set where a number is not finite. */
template <typename T> __global__ static void
finish_embedding(const T *z, int64_t rows, int64_t columns, int64_t stride, const double *bias, int32_t activation,
				 T *embedding, int32_t *flag)
{
	int64_t		i = global_thread();
	T			x;

	if (i >= rows * columns)
		return;
	x = z[i / columns * stride + i % columns] + (bias ? (T) bias[i % columns] : (T) 0);
	if (sizeof(T) == sizeof(float))
		x = (T) activate_float4((rk_activation) activation, (float) x);
	else
		x = (T) activate_float8((rk_activation) activation, (double) x);
	if (!(x - x == 0))
		*flag = 1;
	embedding[i] = x;
}

/* What the heads share. */
struct attention_run
{
	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_attention_params *p;
	int64_t		n;
	int64_t		entries;
	device_adjacency rows;			/* N(i), i itself included */
	row_pieces	pieces;
	device_array<uint32_t> looks;	/* how many N hold the node */
};

static void
make_rows(attention_run *run, rk_cuda_graph *g)
{
	rk_cuda_device *device = run->device;
	device_adjacency &in = g->in();
	copy_entry	copy;

	run->rows.offsets.allocate(device, run->n + 1);
	run->rows.neighbors.allocate(device, run->entries);
	run->looks.allocate(device, run->n);
	run->looks.fill(0);
	RK_LAUNCH(add_self, blocks_for(run->n + 1, THREADS), THREADS, device->stream)
		(in.offsets.get(), in.neighbors.get(), run->n, run->rows.offsets.get(), run->rows.neighbors.get(),
		 run->looks.get());
	check_launch();
	copy = {run->rows.neighbors.get(), run->looks.get()};
	visit_entries(device, &in, run->n, g->arcs, copy);
	run->pieces.make(device, run->rows.offsets.get(), run->n);
	run->call->usage.bytes_moved += 12 * g->arcs + 40 * run->n;
}

/* x times a matrix of the head. */
template <typename T> static void
project(attention_run *run, const device_array<T> &x, const double *matrix, device_array<T> &z)
{
	int64_t		in = run->p->in;
	int64_t		stride = padded<T>(run->p->width);
	device_array<T> weight;
	dense_product<T> product = {};

	weight.allocate(run->device, in * stride);
	run_spread(run->device, matrix, in, run->p->width, run->p->width, weight.get(), stride);
	if (z.get() == nullptr)
		z.allocate(run->device, run->n * stride);
	product.rows = run->n;
	product.in = in;
	product.x_stride = padded<T>(in);
	product.x = x.get();
	product.w = weight.get();
	product.w_stride = product.z_stride = stride;
	product.z = z.get();
	run_product(run->device, run->call, product, as_it_is());
}

/* Scores of gatv2 for a stride. */
template <typename T> static void
score_vectors(attention_run *run, const T *q, const T *k, const T *vector, int64_t stride, double *attention)
{
	rk_cuda_device *device = run->device;
	int64_t		words = stride / lanes_of<T>;
	int64_t		count = run->pieces.count;
	const int64_t *offsets = run->rows.offsets.get();
	const uint32_t *neighbors = run->rows.neighbors.get();
	T			slope = (T) run->p->negative_slope;

	if (words <= 4)
		RK_LAUNCH((score_pieces<T, 4>), blocks_for(count * 4, THREADS), THREADS, device->stream)
			(offsets, neighbors, run->pieces.first.get(), run->pieces.row_of.get(), count, q, k, vector, stride, slope,
			 attention);
	else
		RK_LAUNCH((score_pieces<T, 16>), blocks_for(count * 16, THREADS), THREADS, device->stream)
			(offsets, neighbors, run->pieces.first.get(), run->pieces.row_of.get(), count, q, k, vector, stride, slope,
			 attention);
	check_launch();
	run->call->usage.bytes_moved += run->entries * (12 + stride * (int64_t) sizeof(T)) + run->n * stride * (int64_t) sizeof(T);
}

/* Exponentials of the scores, and their sums over rows. */
static void
soften(attention_run *run, double *attention, double *total)
{
	rk_cuda_device *device = run->device;
	row_pieces &pieces = run->pieces;
	device_array<double> of_piece;
	device_array<double> largest;
	unsigned	blocks = blocks_for(pieces.count * SOFT_LANES, THREADS);

	if (pieces.split())
	{
		of_piece.allocate(device, pieces.count);
		largest.allocate(device, run->n);
	}
	RK_LAUNCH(soften_pieces<0>, blocks, THREADS, device->stream)
		(run->rows.offsets.get(), pieces.first.get(), pieces.row_of.get(), pieces.count, attention,
		 (const double *) nullptr, of_piece.get(), total);
	check_launch();
	run->call->usage.bytes_moved += 24 * run->entries + 20 * pieces.count;
	if (!pieces.split())
		return;
	RK_LAUNCH(merge_pieces<false>, blocks_for(run->n, THREADS), THREADS, device->stream)
		(pieces.first.get(), run->n, of_piece.get(), largest.get());
	check_launch();
	RK_LAUNCH(soften_pieces<1>, blocks, THREADS, device->stream)
		(run->rows.offsets.get(), pieces.first.get(), pieces.row_of.get(), pieces.count, attention,
		 (const double *) largest.get(), of_piece.get(), total);
	check_launch();
	RK_LAUNCH(merge_pieces<true>, blocks_for(run->n, THREADS), THREADS, device->stream)
		(pieces.first.get(), run->n, of_piece.get(), total);
	check_launch();
}

/*
 * One head: its attention, its share of z, its column of importance.  Returns
 * how many numbers of the model it took.
 */
template <typename T> static int64_t
run_head(attention_run *run, int number, const rk_cuda_attention_head *head, const double *numbers,
		 const device_array<T> &x, double *attention, device_array<T> &z, int64_t z_stride, double *importance)
{
	const rk_cuda_attention_params *p = run->p;
	rk_cuda_device *device = run->device;
	int64_t		stride = padded<T>(p->width);
	int64_t		matrix = p->in * p->width;
	int64_t		taken = matrix;
	device_array<T> projected[3];
	device_array<double> total;
	device_array<unsigned long long> received;
	const T    *q;
	const T    *k;
	const T    *v;
	share_entry share;
	gather_work<T> gather = {};

	project(run, x, numbers, projected[0]);
	q = k = v = projected[0].get();
	if (head->key == RK_CUDA_MATRIX_OWN)
	{
		project(run, x, numbers + taken, projected[1]);
		taken += matrix;
		k = projected[1].get();
	}
	if (head->value == RK_CUDA_MATRIX_KEY)
		v = k;
	else if (head->value == RK_CUDA_MATRIX_OWN)
	{
		project(run, x, numbers + taken, projected[2]);
		taken += matrix;
		v = projected[2].get();
	}
	if (p->second)
	{
		device_array<T> vector;

		vector.allocate(device, stride);
		run_spread(device, numbers + taken, 1, p->width, p->width, vector.get(), stride);
		taken += p->width;
		score_vectors(run, q, k, vector.get(), stride, attention);
	}
	else
	{
		device_array<T> own;
		device_array<T> other;
		score_entry<T> score;

		own.allocate(device, run->n);
		other.allocate(device, run->n);
		RK_LAUNCH(make_parts<T>, blocks_for(run->n * 32, THREADS), THREADS, device->stream)
			(q, k, numbers + taken, run->n, p->width, stride, own.get(), other.get());
		check_launch();
		taken += 2 * p->width;
		score = {own.get(), other.get(), (T) p->negative_slope, attention};
		visit_entries(device, &run->rows, run->n, run->entries, score);
		run->call->usage.bytes_moved += run->entries * (12 + (int64_t) sizeof(T)) + 2 * run->n * (stride + 1) * (int64_t) sizeof(T);
	}
	total.allocate(device, run->n);
	soften(run, attention, total.get());
	received.allocate(device, run->n);
	received.fill(0);
	share = {attention, total.get(), run->looks.get(), received.get()};
	visit_entries(device, &run->rows, run->n, run->entries, share);
	RK_LAUNCH(read_received, blocks_for(run->n, THREADS), THREADS, device->stream)
		(received.get(), run->looks.get(), run->n, p->heads, importance + number);
	check_launch();
	/* an atomic sum is a read and a write of a sector at worst */
	run->call->usage.bytes_moved += run->entries * (20 + 12) + 40 * run->n;

	gather.offsets = run->rows.offsets.get();
	gather.neighbors = run->rows.neighbors.get();
	gather.weights = attention;
	gather.share = p->concat ? 1 : 1.0 / p->heads;
	gather.x = v;
	gather.x_stride = stride;
	gather.z = z.get() + (p->concat ? number * p->width : 0);
	gather.z_stride = z_stride;
	gather.columns = p->width;
	gather.add = !p->concat && number > 0;
	run_gather(device, run->call, run->pieces, run->entries, GATHER_WEIGHTED, gather);
	return taken;
}

template <typename T> static void
run_heads(attention_run *run, rk_cuda_graph *g)
{
	const rk_cuda_attention_params *p = run->p;
	rk_cuda_device *device = run->device;
	rk_cuda_call *call = run->call;
	const rk_cuda_attention_head *heads = (const rk_cuda_attention_head *) call->input[0].data;
	int64_t		n = run->n;
	int64_t		in = padded<T>(p->in);
	int64_t		columns = p->concat ? p->heads * p->width : p->width;
	int64_t		stride = padded<T>(columns);
	int64_t		at = 0;
	bool		wanted = call->output[2].bytes > 0;
	int32_t		bad = 0;
	device_array<double> numbers;
	device_array<T> x;
	device_array<T> z;
	device_array<T> embedding;
	device_array<double> attention;
	device_array<double> importance;
	device_array<int32_t> flag;

	numbers.load(device, (const double *) call->input[1].data, call->input[1].bytes / (int64_t) sizeof(double),
				 &call->usage);
	{
		device_array<T> features;

		if (in == p->in)
			x.load(device, (const T *) call->input[2].data, n * in, &call->usage);
		else
		{
			features.load(device, (const T *) call->input[2].data, n * p->in, &call->usage);
			x.allocate(device, n * in);
			run_spread(device, features.get(), n, p->in, p->in, x.get(), in);
		}
	}
	z.allocate(device, n * stride);
	attention.allocate(device, run->entries * (wanted ? p->heads : 1));
	importance.allocate(device, n * p->heads);
	flag.allocate(device, 1);

	kernel_timer timer(device, &call->usage);

	make_rows(run, g);
	z.fill(0);
	flag.fill(0);
	for (int h = 0; h < p->heads; h++)
	{
		check(cudaStreamSynchronize(device->stream));
		if (stopped(call))
			stop_now();
		at += run_head(run, h, &heads[h], numbers.get() + at, x, attention.get() + (wanted ? h * run->entries : 0), z,
					   stride, importance.get());
	}
	x.release();
	if (p->has_output)
	{
		int64_t		out = padded<T>(p->out);
		device_array<T> weight;
		dense_product<T> product = {};

		weight.allocate(device, columns * out);
		run_spread(device, numbers.get() + at, columns, p->out, p->out, weight.get(), out);
		at += columns * p->out;
		x.allocate(device, n * out);
		product.rows = n;
		product.in = columns;
		product.x_stride = stride;
		product.x = z.get();
		product.w = weight.get();
		product.w_stride = product.z_stride = out;
		product.z = x.get();
		run_product(device, call, product, as_it_is());
		stride = out;
	}
	embedding.allocate(device, n * p->out);
	RK_LAUNCH(finish_embedding<T>, blocks_for(n * p->out, THREADS), THREADS, device->stream)
		(p->has_output ? x.get() : z.get(), n, p->out, stride, p->has_bias ? numbers.get() + at : nullptr,
		 p->activation, embedding.get(), flag.get());
	check_launch();
	check(cudaMemcpyAsync(&bad, flag.get(), sizeof(bad), cudaMemcpyDeviceToHost, device->stream));
	timer.stop();
	if (bad)
		decline("an embedding is out of range");
	embedding.store((T *) call->output[0].data, &call->usage);
	importance.store((double *) call->output[1].data, &call->usage);
	if (wanted)
		attention.store((double *) call->output[2].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

/* Whether the input arrays are what the parameters say. */
static bool
has_shape(const rk_cuda_attention_params *p, const rk_cuda_call *call, int64_t n)
{
	const rk_cuda_attention_head *heads = (const rk_cuda_attention_head *) call->input[0].data;
	int64_t		size = p->compute_type == RK_COMPUTE_FLOAT4 ? sizeof(float) : sizeof(double);
	int64_t		columns;
	int64_t		numbers;

	if (p->heads < 1 || p->in < 1 || p->width < 1 || p->out < 1 || p->in > INT32_MAX || p->width > INT32_MAX ||
		p->out > INT32_MAX || heads == nullptr ||
		call->input[0].bytes != p->heads * (int64_t) sizeof(rk_cuda_attention_head))
		return false;
	columns = p->concat ? p->heads * p->width : p->width;
	numbers = (p->has_output ? columns * p->out : 0) + (p->has_bias ? p->out : 0);
	for (int h = 0; h < p->heads; h++)
		numbers += p->in * p->width * (1 + (heads[h].key == RK_CUDA_MATRIX_OWN) + (heads[h].value == RK_CUDA_MATRIX_OWN)) +
			p->width * (p->second ? 1 : 2);
	return (p->has_output || p->out == columns) && call->input[1].data != nullptr &&
		call->input[1].bytes == numbers * (int64_t) sizeof(double) && call->input[2].data != nullptr &&
		call->input[2].bytes == n * p->in * size && call->output[0].bytes == n * p->out * size &&
		call->output[1].bytes == n * p->heads * (int64_t) sizeof(double);
}

void
run_attention(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_attention_params *p = (const rk_cuda_attention_params *) call->params;
	rk_cuda_graph *g = call->graph;
	attention_run run;

	if (g == nullptr || g->nodes == 0 || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) ||
		!has_shape(p, call, g->nodes) ||
		(call->output[2].bytes != 0 && call->output[2].bytes != p->heads * (g->arcs + g->nodes) * (int64_t) sizeof(double)))
		decline("arrays of another shape than attention has");
	run.device = device;
	run.call = call;
	run.p = p;
	run.n = g->nodes;
	run.entries = g->arcs + g->nodes;
	if (p->compute_type == RK_COMPUTE_FLOAT4)
		run_heads<float>(&run, g);
	else
		run_heads<double>(&run, g);
}

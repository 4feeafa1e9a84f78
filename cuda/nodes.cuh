/*
 * nodes.cuh
 *	  Sums over an array of nodes, in an order that its length alone decides.
 *
 * A block adds up CHUNK entries, one block the chunks.
 */
#ifndef RK_NODES_CUH
#define RK_NODES_CUH

#include <cmath>

#include "device.cuh"

#define NODE_THREADS 256
#define NODE_CHUNK 2048			/* nodes of a block */

static inline int64_t
node_chunks(int64_t nodes)
{
	return (nodes + NODE_CHUNK - 1) / NODE_CHUNK;
}

/* Calls visit(v) for the nodes of this block's chunk. */
template <typename V> __device__ static inline void
visit_chunk(int64_t nodes, V visit)
{
	int64_t		first = (int64_t) blockIdx.x * NODE_CHUNK;

	for (int k = threadIdx.x; k < NODE_CHUNK && first + k < nodes; k += NODE_THREADS)
		visit(first + k);
}

/* Largest value over a block; thread 0 gets it.  All threads call it. */
__device__ static inline double
block_max(double value)
{
	__shared__ double parts[NODE_THREADS / 32];

	for (int distance = 16; distance > 0; distance /= 2)
		value = fmax(value, __shfl_xor_sync(FULL_WARP, value, distance));
	__syncthreads();
	if (threadIdx.x % 32 == 0)
		parts[threadIdx.x / 32] = value;
	__syncthreads();
	for (int i = 0; threadIdx.x == 0 && i < NODE_THREADS / 32; i++)
		value = fmax(value, parts[i]);
	return value;
}

/* Sum of one value of each chunk, which are stride apart; thread 0 gets it. */
__device__ static inline double
sum_of_chunks(const double *values, int64_t chunks, int stride)
{
	double		sum = 0;

	for (int64_t c = threadIdx.x; c < chunks; c += NODE_THREADS)
		sum += values[c * stride];
	return block_sum<double, NODE_THREADS>(sum);
}

typedef enum node_reduction
{
	NODES_SUM,
	NODES_SQUARES,				/* of what *divisor leaves of the values */
	NODES_LARGEST				/* magnitude */
} node_reduction;

template <node_reduction KIND> __global__ static void __launch_bounds__(NODE_THREADS)
reduce_chunks(const double *x, int64_t nodes, const double *divisor, double *chunks)
{
	double		result = 0;

	visit_chunk(nodes, [&] (int64_t v) {
		if (KIND == NODES_SUM)
			result += x[v];
		else if (KIND == NODES_LARGEST)
			result = fmax(result, fabs(x[v]));
		else
			result += (x[v] / *divisor) * (x[v] / *divisor);
	});
	result = KIND == NODES_LARGEST ? block_max(result) : block_sum<double, NODE_THREADS>(result);
	if (threadIdx.x == 0)
		chunks[blockIdx.x] = result;
}

template <node_reduction KIND> __global__ static void __launch_bounds__(NODE_THREADS)
reduce_all(const double *chunks, int64_t count, double *result)
{
	double		all = 0;

	if (KIND == NODES_LARGEST)
	{
		for (int64_t c = threadIdx.x; c < count; c += NODE_THREADS)
			all = fmax(all, chunks[c]);
		all = block_max(all);
	}
	else
		all = sum_of_chunks(chunks, count, 1);
	if (threadIdx.x == 0)
		*result = all;
}

/*
 * Reduces x, of nodes values, to *result in device memory; scratch: a value for
 * each chunk.  divisor: of NODES_SQUARES, which is not 0.
 */
template <node_reduction KIND> static void
reduce_nodes(rk_cuda_device *device, const double *x, int64_t nodes, const double *divisor, double *scratch,
			 double *result)
{
	RK_LAUNCH(reduce_chunks<KIND>, (unsigned) node_chunks(nodes), NODE_THREADS, device->stream)
		(x, nodes, divisor, scratch);
	check_launch();
	RK_LAUNCH(reduce_all<KIND>, 1, NODE_THREADS, device->stream) (scratch, node_chunks(nodes), result);
	check_launch();
}

/* x / divisor / sqrt(*squares); squares may be NULL, divisor 0 leaves x alone. */
__global__ static void
divide_nodes(double *x, int64_t nodes, const double *divisor, const double *squares)
{
	int64_t		v = global_thread();

	if (v < nodes && *divisor != 0)
		x[v] = squares ? x[v] / *divisor / sqrt(*squares) : x[v] / *divisor;
}

__global__ static void
fill_nodes(double *x, int64_t nodes, double value)
{
	int64_t		v = global_thread();

	if (v < nodes)
		x[v] = value;
}

#endif							/* RK_NODES_CUH */

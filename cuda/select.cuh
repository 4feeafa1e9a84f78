/*
 * select.cuh
 *	  Values of given ranks, and sums, of a large array.
 *
 * Selection by digits of 8 bits, the highest first, for all ranks in one pass
 * over the array: a pass counts the next digit of the values that begin as the
 * value of some rank does.  Eight passes whatever the values are, and nothing is
 * moved.  Counts are integers, and sums are cut into chunks by the array alone.
 */
#ifndef RK_SELECT_CUH
#define RK_SELECT_CUH

#include "device.cuh"

#include <cstring>
#include <vector>

#define SELECT_MOST 16			/* ranks at a time */
#define SELECT_THREADS 256
#define SUM_CHUNK 65536

/* Whole numbers in the order of the values. */
__host__ __device__ static inline uint64_t
key_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline double
value_of_key(uint64_t key)
{
	uint64_t	bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Prefixes that are looked for, distinct. */
struct select_prefixes
{
	int			count;
	uint64_t	prefix[SELECT_MOST];
};

/* counts[prefix][digit] of the digit at a shift; key_at(i) is that of element i. */
template <typename K> __global__ static void __launch_bounds__(SELECT_THREADS)
count_digits(K key_at, int64_t n, select_prefixes p, int shift, unsigned long long *counts)
{
	__shared__ unsigned mine[SELECT_MOST * 256];

	for (int i = threadIdx.x; i < p.count * 256; i += SELECT_THREADS)
		mine[i] = 0;
	__syncthreads();
	for (int64_t i = global_thread(); i < n; i += (int64_t) gridDim.x * SELECT_THREADS)
	{
		uint64_t	key = key_at(i);
		uint64_t	begins = shift == 56 ? 0 : key >> (shift + 8);
		int			digit = (int) (key >> shift & 255);

		for (int k = 0; k < p.count; k++)
			if (begins == p.prefix[k])
				atomicAdd(&mine[k * 256 + digit], 1u);
	}
	__syncthreads();
	for (int i = threadIdx.x; i < p.count * 256; i += SELECT_THREADS)
		if (mine[i] > 0)
			atomicAdd(&counts[i], (unsigned long long) mine[i]);
}

/* The key of a rank, and how many are smaller. */
struct selected_key
{
	uint64_t	key;
	int64_t		smaller;
};

/* Of ranks from 0 to n - 1, at most SELECT_MOST of them, in the order of whole numbers. */
template <typename K> static void
select_keys(rk_cuda_device *device, K key_at, int64_t n, const int64_t *ranks, int count, selected_key *out)
{
	device_array<unsigned long long> counts;
	std::vector<unsigned long long> host(SELECT_MOST * 256);
	uint64_t	prefix[SELECT_MOST] = {};
	int64_t		rest[SELECT_MOST];
	unsigned	blocks = (unsigned) min((n + SELECT_THREADS - 1) / SELECT_THREADS, (int64_t) 8 * device->multiprocessors);

	counts.allocate(device, SELECT_MOST * 256);
	for (int k = 0; k < count; k++)
		rest[k] = ranks[k];
	for (int shift = 56; shift >= 0; shift -= 8)
	{
		select_prefixes p = {};
		int			place[SELECT_MOST];

		for (int k = 0; k < count; k++)
		{
			for (place[k] = 0; place[k] < p.count && p.prefix[place[k]] != prefix[k]; place[k]++)
				continue;
			if (place[k] == p.count)
				p.prefix[p.count++] = prefix[k];
		}
		counts.fill(0);
		RK_LAUNCH(count_digits<K>, blocks, SELECT_THREADS, device->stream) (key_at, n, p, shift, counts.get());
		check_launch();
		check(cudaMemcpyAsync(host.data(), counts.get(), p.count * 256 * sizeof(unsigned long long), cudaMemcpyDeviceToHost,
							  device->stream));
		check(cudaStreamSynchronize(device->stream));
		for (int k = 0; k < count; k++)
		{
			int			digit = 0;

			for (; digit < 255 && rest[k] >= (int64_t) host[place[k] * 256 + digit]; digit++)
				rest[k] -= (int64_t) host[place[k] * 256 + digit];
			prefix[k] = prefix[k] << 8 | (unsigned) digit;
		}
	}
	for (int k = 0; k < count; k++)
		out[k] = {prefix[k], ranks[k] - rest[k]};
}

/* The value of a rank, and how many are smaller. */
struct selected
{
	double		value;
	int64_t		smaller;
};

struct key_of_element
{
	const double *__restrict__ x;

	__device__ uint64_t operator() (int64_t i) const { return key_of(x[i]); }
};

static inline void
select_ranks(rk_cuda_device *device, const double *x, int64_t n, const int64_t *ranks, int count, selected *out)
{
	selected_key keys[SELECT_MOST];

	select_keys(device, key_of_element {x}, n, ranks, count, keys);
	for (int k = 0; k < count; k++)
		out[k] = {value_of_key(keys[k].key), keys[k].smaller};
}

/* ---- sums ---- */

template <typename F> __global__ static void __launch_bounds__(SELECT_THREADS)
add_up_chunks(const double *__restrict__ x, int64_t n, F term, double *partial)
{
	int64_t		first = (int64_t) blockIdx.x * SUM_CHUNK;
	int64_t		last = min(first + SUM_CHUNK, n);
	double		sum = 0;

	for (int64_t i = first + threadIdx.x; i < last; i += SELECT_THREADS)
		sum += term(x[i]);
	sum = block_sum<double, SELECT_THREADS>(sum);
	if (threadIdx.x == 0)
		partial[blockIdx.x] = sum;
}

/* The sum of term(x[i]). */
template <typename F> static double
add_up(rk_cuda_device *device, const double *x, int64_t n, F term)
{
	int64_t		chunks = (n + SUM_CHUNK - 1) / SUM_CHUNK;
	device_array<double> partial;
	std::vector<double> host(chunks);
	double		sum = 0;

	partial.allocate(device, chunks);
	RK_LAUNCH(add_up_chunks<F>, (unsigned) chunks, SELECT_THREADS, device->stream) (x, n, term, partial.get());
	check_launch();
	check(cudaMemcpyAsync(host.data(), partial.get(), chunks * sizeof(double), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	for (int64_t i = 0; i < chunks; i++)
		sum += host[i];
	return sum;
}

#endif							/* RK_SELECT_CUH */

/*
 * select.cuh
 *	  Values of given ranks, and sums, of a large array.
 *
 * Selection by digits of 8 bits, the highest first, for all ranks in one pass
 * over the array: a pass counts the next digit of the values that begin as the
 * value of some rank does.  Eight passes whatever the values are, and nothing is
 * moved; the device chooses the digits, so that the host waits once.  Counts are
 * integers, and sums are cut into chunks by the array alone.
 */
#ifndef RK_SELECT_CUH
#define RK_SELECT_CUH

#include "device.cuh"

#include <cstring>
#include <vector>

#define SELECT_MOST 16			/* ranks at a time */
#define SELECT_THREADS 256
#define SUM_CHUNK 8192			/* small enough for a million values to occupy the device */

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

/* What is known of the keys of all ranks; stays on the device between passes. */
struct select_state
{
	int32_t		ranks;
	int32_t		prefixes;		/* distinct beginnings */
	uint64_t	prefix[SELECT_MOST];
	int32_t		place[SELECT_MOST];	/* the prefix of each rank */
	int64_t		rest[SELECT_MOST];	/* its rank among those that begin so */
};

/* counts[prefix][digit] of the digit at a shift; key_at(i) is that of element i. */
template <typename K> __global__ static void __launch_bounds__(SELECT_THREADS)
count_digits(K key_at, int64_t n, const select_state *s, int shift, unsigned long long *counts)
{
	__shared__ unsigned mine[SELECT_MOST * 256];
	__shared__ uint64_t prefix[SELECT_MOST];
	int			prefixes = s->prefixes;

	for (int i = threadIdx.x; i < prefixes * 256; i += SELECT_THREADS)
		mine[i] = 0;
	if ((int) threadIdx.x < prefixes)
		prefix[threadIdx.x] = s->prefix[threadIdx.x];
	__syncthreads();
	for (int64_t i = global_thread(); i < n; i += (int64_t) gridDim.x * SELECT_THREADS)
	{
		uint64_t	key = key_at(i);
		uint64_t	begins = shift == 56 ? 0 : key >> (shift + 8);
		int			digit = (int) (key >> shift & 255);

		for (int k = 0; k < prefixes; k++)
			if (begins == prefix[k])
				atomicAdd(&mine[k * 256 + digit], 1u);
	}
	__syncthreads();
	for (int i = threadIdx.x; i < prefixes * 256; i += SELECT_THREADS)
		if (mine[i] > 0)
			atomicAdd(&counts[i], (unsigned long long) mine[i]);
}

/* The next digit of every rank, and counts of 0 for the one after it; one block. */
__global__ static void __launch_bounds__(SELECT_THREADS)
choose_digits(select_state *s, unsigned long long *counts)
{
	__shared__ uint64_t longer[SELECT_MOST];
	int			lane = threadIdx.x % 32;

	for (int k = threadIdx.x / 32; k < s->ranks; k += SELECT_THREADS / 32)
	{
		const unsigned long long *count = counts + s->place[k] * 256 + lane * 8;
		int64_t		rest = s->rest[k];
		int64_t		sum = 0;
		int64_t		up_to;

		for (int d = 0; d < 8; d++)
			sum += (int64_t) count[d];
		up_to = sum;
		for (int distance = 1; distance < 32; distance *= 2)
		{
			int64_t		other = __shfl_up_sync(FULL_WARP, up_to, distance);

			if (lane >= distance)
				up_to += other;
		}
		/* one lane has it */
		if (rest >= up_to - sum && rest < up_to)
		{
			int			digit = lane * 8;

			rest -= up_to - sum;
			for (; rest >= (int64_t) *count; count++, digit++)
				rest -= (int64_t) *count;
			longer[k] = s->prefix[s->place[k]] << 8 | (unsigned) digit;
			s->rest[k] = rest;
		}
	}
	__syncthreads();
	for (int i = threadIdx.x; i < SELECT_MOST * 256; i += SELECT_THREADS)
		counts[i] = 0;
	if (threadIdx.x == 0)
	{
		int			prefixes = 0;

		for (int k = 0; k < s->ranks; k++)
		{
			int			place = 0;

			while (place < prefixes && s->prefix[place] != longer[k])
				place++;
			s->prefix[place] = longer[k];
			s->place[k] = place;
			prefixes = max(prefixes, place + 1);
		}
		s->prefixes = prefixes;
	}
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
	device_array<select_state> state;
	select_state now = {};
	rk_cuda_usage none = {};
	unsigned	blocks = (unsigned) min((n + SELECT_THREADS - 1) / SELECT_THREADS, (int64_t) 8 * device->multiprocessors);

	/* all begin with nothing */
	now.ranks = count;
	now.prefixes = 1;
	for (int k = 0; k < count; k++)
		now.rest[k] = ranks[k];
	state.load(device, &now, 1, &none);
	counts.allocate(device, SELECT_MOST * 256);
	counts.fill(0);
	for (int shift = 56; shift >= 0; shift -= 8)
	{
		RK_LAUNCH(count_digits<K>, blocks, SELECT_THREADS, device->stream) (key_at, n, state.get(), shift, counts.get());
		check_launch();
		RK_LAUNCH(choose_digits, 1, SELECT_THREADS, device->stream) (state.get(), counts.get());
		check_launch();
	}
	check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	for (int k = 0; k < count; k++)
		out[k] = {now.prefix[now.place[k]], ranks[k] - now.rest[k]};
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

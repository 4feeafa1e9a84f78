/*
 * scan.cuh
 *	  Exclusive sums: from lengths to offsets.
 *
 * Chunks are added, their sums scanned by one block, and the chunks scanned
 * from there: three passes, two of them over the array.
 */
#ifndef RK_SCAN_CUH
#define RK_SCAN_CUH

#include "device.cuh"

#define SCAN_THREADS 256
#define SCAN_ITEMS 8
#define SCAN_CHUNK (SCAN_THREADS * SCAN_ITEMS)

/*
 * Exclusive sum over the threads of a block; *total is set for all of them.
 */
__device__ static inline int64_t
block_scan(int64_t value, int64_t *total)
{
	__shared__ int64_t parts[SCAN_THREADS / 32];
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	int64_t		inclusive = value;
	int64_t		before = 0;
	int64_t		sum = 0;

	for (int distance = 1; distance < 32; distance *= 2)
	{
		int64_t		other = __shfl_up_sync(FULL_WARP, inclusive, distance);

		if (lane >= distance)
			inclusive += other;
	}
	__syncthreads();
	if (lane == 31)
		parts[warp] = inclusive;
	__syncthreads();
	for (int w = 0; w < SCAN_THREADS / 32; w++)
	{
		if (w == warp)
			before = sum;
		sum += parts[w];
	}
	*total = sum;
	return before + inclusive - value;
}

__global__ static void __launch_bounds__(SCAN_THREADS)
sum_chunks(const uint32_t *lengths, int64_t count, int64_t *sums)
{
	int64_t		first = (int64_t) blockIdx.x * SCAN_CHUNK;
	int64_t		sum = 0;

	for (int i = threadIdx.x; i < SCAN_CHUNK && first + i < count; i += SCAN_THREADS)
		sum += lengths[first + i];
	sum = block_sum<int64_t, SCAN_THREADS>(sum);
	if (threadIdx.x == 0)
		sums[blockIdx.x] = sum;
}

/* One block: sums become the sums before them; the last entry all of them. */
__global__ static void __launch_bounds__(SCAN_THREADS)
scan_sums(int64_t *sums, int64_t chunks, int64_t *all)
{
	int64_t		before = 0;

	for (int64_t base = 0; base < chunks; base += SCAN_THREADS)
	{
		int64_t		i = base + threadIdx.x;
		int64_t		total;
		int64_t		mine = block_scan(i < chunks ? sums[i] : 0, &total);

		if (i < chunks)
			sums[i] = before + mine;
		before += total;
	}
	if (threadIdx.x == 0)
		*all = before;
}

__global__ static void __launch_bounds__(SCAN_THREADS)
scan_chunks(const uint32_t *lengths, int64_t count, const int64_t *sums, int64_t *offsets)
{
	int64_t		first = (int64_t) blockIdx.x * SCAN_CHUNK + (int64_t) threadIdx.x * SCAN_ITEMS;
	int64_t		sum = 0;
	int64_t		total;
	int64_t		at;

	for (int i = 0; i < SCAN_ITEMS && first + i < count; i++)
		sum += lengths[first + i];
	at = sums[blockIdx.x] + block_scan(sum, &total);
	for (int i = 0; i < SCAN_ITEMS && first + i < count; i++)
	{
		offsets[first + i] = at;
		at += lengths[first + i];
	}
}

/* offsets: count + 1 entries. */
static inline void
scan_lengths(rk_cuda_device *device, const uint32_t *lengths, int64_t count, int64_t *offsets)
{
	int64_t		chunks = (count + SCAN_CHUNK - 1) / SCAN_CHUNK;
	device_array<int64_t> sums;

	sums.allocate(device, chunks);
	RK_LAUNCH(sum_chunks, (unsigned) chunks, SCAN_THREADS, device->stream) (lengths, count, sums.get());
	check_launch();
	RK_LAUNCH(scan_sums, 1, SCAN_THREADS, device->stream) (sums.get(), chunks, offsets + count);
	check_launch();
	RK_LAUNCH(scan_chunks, (unsigned) chunks, SCAN_THREADS, device->stream) (lengths, count, sums.get(), offsets);
	check_launch();
}

#endif							/* RK_SCAN_CUH */

/*
 * radix_sort.cuh
 *	  Pairs of 32 bits sorted by their keys; equal keys stay in their order.
 *
 * From the lowest eight bits to the highest: the digits of every tile are
 * counted, the counts scanned, digit by digit and in each tile by tile, and the
 * pairs of a tile put where that says.  A warp finds the ranks of 32 pairs at a
 * time by the lanes that have the same digit.
 */
#ifndef RK_RADIX_SORT_CUH
#define RK_RADIX_SORT_CUH

#include "scan.cuh"

#define SORT_DIGITS 256
#define SORT_THREADS SORT_DIGITS	/* a thread for each digit */
#define SORT_WARPS (SORT_THREADS / 32)
#define SORT_ITEMS 8
#define SORT_TILE (SORT_THREADS * SORT_ITEMS)

__global__ static void __launch_bounds__(SORT_THREADS)
count_digits(const uint32_t *keys, int64_t count, int shift, uint32_t *counts)
{
	__shared__ uint32_t here[SORT_DIGITS];
	int64_t		first = (int64_t) blockIdx.x * SORT_TILE;

	here[threadIdx.x] = 0;
	__syncthreads();
	for (int i = threadIdx.x; i < SORT_TILE && first + i < count; i += SORT_THREADS)
		atomicAdd(&here[keys[first + i] >> shift & (SORT_DIGITS - 1)], 1u);
	__syncthreads();
	counts[(int64_t) threadIdx.x * gridDim.x + blockIdx.x] = here[threadIdx.x];
}

/* places: before each count, those of lower digits and of earlier tiles; values NULL: 0, 1, ... */
__global__ static void __launch_bounds__(SORT_THREADS)
place_digits(const uint32_t *keys, const uint32_t *values, int64_t count, int shift, const int64_t *places,
			 uint32_t *keys_out, uint32_t *values_out)
{
	__shared__ uint32_t begin[SORT_WARPS][SORT_DIGITS];
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	int64_t		first = (int64_t) blockIdx.x * SORT_TILE + warp * (32 * SORT_ITEMS);
	uint32_t	key[SORT_ITEMS] = {};
	uint32_t	rank[SORT_ITEMS] = {};
	uint32_t	sum = 0;

	for (int d = lane; d < SORT_DIGITS; d += 32)
		begin[warp][d] = 0;
	__syncwarp();
RK_UNROLL
	for (int k = 0; k < SORT_ITEMS; k++)
	{
		int64_t		i = first + k * 32 + lane;
		bool		any = i < count;
		uint32_t	digit;
		unsigned	same;

		if (i - lane >= count)
			break;
		key[k] = any ? keys[i] : 0;
		digit = key[k] >> shift & (SORT_DIGITS - 1);
		same = __match_any_sync(FULL_WARP, any ? digit : SORT_DIGITS);
		rank[k] = begin[warp][digit] + __popc(same & ((1u << lane) - 1));
		__syncwarp();
		if (any && lane == __ffs((int) same) - 1)
			begin[warp][digit] += __popc(same);
		__syncwarp();
	}
	__syncthreads();
	for (int w = 0; w < SORT_WARPS; w++)
	{
		uint32_t	here = begin[w][threadIdx.x];

		begin[w][threadIdx.x] = sum;
		sum += here;
	}
	__syncthreads();
RK_UNROLL
	for (int k = 0; k < SORT_ITEMS; k++)
	{
		int64_t		i = first + k * 32 + lane;
		uint32_t	digit = key[k] >> shift & (SORT_DIGITS - 1);
		int64_t		at;

		if (i >= count)
			break;
		at = places[(int64_t) digit * gridDim.x + blockIdx.x] + begin[warp][digit] + rank[k];
		keys_out[at] = key[k];
		values_out[at] = values ? values[i] : (uint32_t) i;
	}
}

/* Bits of the numbers below count. */
static inline int
bits_below(int64_t count)
{
	int			bits = 0;

	while (bits < 32 && (count - 1) >> bits > 0)
		bits++;
	return bits;
}

/*
 * Sorts count pairs by the low bits of their keys.  numbered: the values are 0,
 * 1, ..., whatever is there.
 */
static inline void
sort_pairs(rk_cuda_device *device, device_array<uint32_t> &keys, device_array<uint32_t> &values, bool numbered,
		   int64_t count, int bits)
{
	unsigned	tiles = blocks_for(count, SORT_TILE);
	device_array<uint32_t> other_keys;
	device_array<uint32_t> other_values;
	device_array<uint32_t> counts;
	device_array<int64_t> places;

	if (count == 0)
		return;
	other_keys.allocate(device, keys.size());
	other_values.allocate(device, values.size());
	counts.allocate(device, (int64_t) SORT_DIGITS * tiles);
	places.allocate(device, (int64_t) SORT_DIGITS * tiles + 1);
	for (int shift = 0; shift == 0 || shift < bits; shift += 8)
	{
		RK_LAUNCH(count_digits, tiles, SORT_THREADS, device->stream) (keys.get(), count, shift, counts.get());
		check_launch();
		scan_lengths(device, counts.get(), counts.size(), places.get());
		RK_LAUNCH(place_digits, tiles, SORT_THREADS, device->stream)
			(keys.get(), shift == 0 && numbered ? nullptr : values.get(), count, shift, places.get(),
			 other_keys.get(), other_values.get());
		check_launch();
		keys.swap(other_keys);
		values.swap(other_values);
	}
}

#endif							/* RK_RADIX_SORT_CUH */

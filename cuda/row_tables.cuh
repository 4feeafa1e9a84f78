/*
 * row_tables.cuh
 *	  Weights of a row added up by the label of the neighbour, in a hash table.
 *
 * A row of up to MEDIUM entries is a warp's, with a table in shared memory.
 * Longer ones have a table in global memory: a block's if the order of its sums
 * does not matter, since no sum rounds, else a warp's as well.  A warp takes 32
 * entries at a time and adds up equal labels in the order of lanes, so sums have
 * the bits of those that the CPU makes one entry after the other.
 */
#ifndef RK_ROW_TABLES_CUH
#define RK_ROW_TABLES_CUH

#include "nodes.cuh"
#include "tiles.cuh"

#define NO_LABEL UINT32_MAX		/* of an entry that does not count; an empty slot */
#define MEDIUM 256				/* entries of a row with a table in shared memory */
#define MEDIUM_SLOTS 512
#define MEDIUM_THREADS 128		/* of a block: four rows */
#define LONG_THREADS 256
#define LONGEST_ORDERED (INT64_C(1) << 18)	/* a row that a warp can still take */

/* The slot of a label in a table with room. */
__device__ static inline uint32_t
find_slot(uint32_t *keys, uint32_t slots, uint32_t label)
{
	uint32_t	s = label * 0x9E3779B1u;

	for (s ^= s >> 15;; s++)
	{
		uint32_t	old;

		s &= slots - 1;
		old = *(volatile uint32_t *) &keys[s];
		if (old == NO_LABEL)
			old = atomicCAS(&keys[s], NO_LABEL, label);
		if (old == NO_LABEL || old == label)
			return s;
	}
}

/* Slots of a table for a row. */
__host__ __device__ static inline uint32_t
slots_for(int64_t entries)
{
	uint32_t	slots = MEDIUM_SLOTS;

	while (slots < entries + entries / 2)
		slots *= 2;
	return slots;
}

/*
 * Adds a row to an empty table; WIDTH threads do it, 32 or LONG_THREADS.
 * ORDERED: sums by the order of entries, for a warp only.  label_of(entry,
 * &weight) is the label of an entry; alike: all weights are 1.  Ends with a
 * barrier.
 */
template <int WIDTH, bool ORDERED, typename L> __device__ static inline void
add_row(int64_t begin, int64_t end, bool alike, L label_of, uint32_t *keys, double *sums, uint32_t slots)
{
	int			lane = threadIdx.x % 32;
	int			thread = threadIdx.x % WIDTH;

	for (int64_t base = begin; base < end; base += WIDTH)
	{
		double		weight = 0;
		uint32_t	label = base + thread < end ? label_of(base + thread, &weight) : NO_LABEL;
		unsigned	same = __match_any_sync(FULL_WARP, label);
		unsigned	rest = label == NO_LABEL ? 0 : same;
		bool		leader = rest && lane == __ffs((int) same) - 1;
		uint32_t	slot = leader ? find_slot(keys, slots, label) : 0;
		double		sum = ORDERED && leader ? sums[slot] : 0;

		if (alike)
			sum += __popc(rest);
		else
			while (__any_sync(FULL_WARP, rest != 0))
			{
				double		w = __shfl_sync(FULL_WARP, weight, rest ? __ffs((int) rest) - 1 : lane);

				if (rest)
					sum += w;
				rest &= rest - 1;
			}
		if (leader && ORDERED)
			sums[slot] = sum;
		else if (leader)
			atomicAdd(&sums[slot], sum);
		if (ORDERED)
			__syncwarp();
	}
	if (WIDTH == 32)
		__syncwarp();
	else
		__syncthreads();
}

/*
 * The best of GROUP lanes; each of them gets it.  C: what may be chosen, with
 * functions take_better(C) and of_lane(distance), the other lane's.
 */
template <int GROUP, typename C> __device__ static inline C
best_of_lanes(C c)
{
	for (int distance = GROUP / 2; distance > 0; distance /= 2)
		c.take_better(c.of_lane(distance));
	return c;
}

/* The best of WIDTH threads, and the sum of *own_sum; each of them gets both. */
template <int WIDTH, typename C> __device__ static inline C
best_of_group(C best, double *own_sum)
{
	double		own_part = warp_sum(*own_sum);

	best = best_of_lanes<32>(best);
	if (WIDTH > 32)
	{
		__shared__ C parts[WIDTH / 32];
		__shared__ double own_parts[WIDTH / 32];

		__syncthreads();
		if (threadIdx.x % 32 == 0)
		{
			parts[threadIdx.x / 32] = best;
			own_parts[threadIdx.x / 32] = own_part;
		}
		__syncthreads();
		own_part = 0;
		for (int w = 0; w < WIDTH / 32; w++)
		{
			best.take_better(parts[w]);
			own_part += own_parts[w];
		}
	}
	*own_sum = own_part;
	return best;
}

/*
 * The best label of a table, which is emptied; WIDTH threads do it, each of which
 * gets it.  nothing: better than none; make(label, sum): what a label is.
 * *own_sum: that of own, 0 if there is none.
 */
template <int WIDTH, typename C, typename M> __device__ static inline C
best_of_table(uint32_t *keys, double *sums, uint32_t slots, uint32_t own, const C &nothing, M make, double *own_sum)
{
	C			best = nothing;

	*own_sum = 0;
	for (uint32_t s = threadIdx.x % WIDTH; s < slots; s += WIDTH)
	{
		uint32_t	label = keys[s];

		if (label == NO_LABEL)
			continue;
		best.take_better(make(label, sums[s]));
		if (label == own)
			*own_sum = sums[s];
		keys[s] = NO_LABEL;
		sums[s] = 0;
	}
	return best_of_group<WIDTH>(best, own_sum);
}

/* ---- whether sums round ---- */

typedef struct weight_bits
{
	int32_t		lowest;			/* exponent of the lowest bit of any weight */
	int32_t		longest;		/* row, in entries, up to 2^30 */
} weight_bits;

struct find_lowest_bit
{
	const double *weights;
	weight_bits *bits;

	__device__ void operator() (int64_t, uint32_t, int64_t entry) const
	{
		double		w = weights[entry];
		int			exponent;
		int64_t		mantissa;
		int			zeros = 0;

		if (!(w > 0))
			return;
		mantissa = (int64_t) ldexp(frexp(w, &exponent), 53);
		while (!(mantissa >> zeros & 1))
			zeros++;
		exponent += zeros - 53;
		if (exponent < *(volatile int32_t *) &bits->lowest)
			atomicMin(&bits->lowest, exponent);
	}
};

__global__ static void
find_longest_row(const int64_t *offsets, int64_t nodes, weight_bits *bits)
{
	int64_t		v = global_thread();
	int32_t		entries;

	if (v >= nodes)
		return;
	entries = (int32_t) min(offsets[v + 1] - offsets[v], INT64_C(1) << 30);
	if (entries > *(volatile int32_t *) &bits->longest)
		atomicMax(&bits->longest, entries);
}

/*
 * Whether sums of weights of a, which are all of them together at most total,
 * are exact; offsets: of the rows that they are summed over, whose longest is
 * set.  Waits for the device; declines what would take too long.
 */
static inline bool
sums_are_exact(rk_cuda_device *device, device_adjacency *a, int64_t nodes, int64_t entries, const int64_t *offsets,
			   double total, int32_t *longest)
{
	device_array<weight_bits> bits;
	weight_bits found = {1 << 20, 0};
	bool		exact;

	bits.allocate(device, 1);
	check(cudaMemcpyAsync(bits.get(), &found, sizeof(found), cudaMemcpyHostToDevice, device->stream));
	if (a->weighted())
		visit_entries(device, a, nodes, entries, find_lowest_bit {a->weights.get(), bits.get()});
	RK_LAUNCH(find_longest_row, blocks_for(nodes, NODE_THREADS), NODE_THREADS, device->stream) (offsets, nodes, bits.get());
	check_launch();
	check(cudaMemcpyAsync(&found, bits.get(), sizeof(found), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	/* all of them together are a number of units that has 52 bits */
	exact = !a->weighted() || ldexp(total, -found.lowest) < 0x1p52;
	if (!exact && found.longest > LONGEST_ORDERED)
		decline("a row is too long for sums that round and have one order");
	*longest = found.longest;
	return exact;
}

#endif							/* RK_ROW_TABLES_CUH */

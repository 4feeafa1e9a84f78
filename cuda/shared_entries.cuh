/*
 * shared_entries.cuh
 *	  Entries that two rows of a graph share, and sums over them.
 *
 * A group of threads takes a pair of rows: each looks for an entry of the shorter
 * row in the longer one, from where the group was before by steps that double.
 * What is found is added up in the order of the row, so sums have the bits of the
 * CPU's (rk_neighbor_intersect).  Of two hubs a block looks for WIDE_PAIR entries at
 * once, and one thread adds up what they have found.
 */
#ifndef RK_SHARED_ENTRIES_CUH
#define RK_SHARED_ENTRIES_CUH

#include "device.cuh"
#include "rising.cuh"

#define SHARED_THREADS 256
#define SHARED_GROUP 8			/* threads for a pair */
#define SHARED_LONG 64			/* a shorter row above this is for a warp */
#define WIDE_PAIR 1024			/* threads for a pair of hubs */
#ifdef RK_CUDA_ON_HOST
#define SHARED_HUGE 80			/* small, so that tests have such pairs */
#else
#define SHARED_HUGE 8192		/* a shorter row above this is for a block */
#endif

struct pair_run
{
	device_adjacency_view rows;
	const uint32_t *a;
	const uint32_t *b;
	const double *value;		/* by node; of RK_TERM_NODE */
	int			term;
	uint32_t   *common;
	double	   *sum;			/* NULL: only counted */
};

/* rk_similarity_term of the CPU engine. */
enum
{
	TERM_NONE,
	TERM_NODE,
	TERM_MIN,
	TERM_PRODUCT
};

/* The rows of a pair, the shorter one first. */
struct row_pair
{
	int64_t		i;
	int64_t		i_end;
	int64_t		j;
	int64_t		j_end;
};

__device__ static inline row_pair
rows_of_pair(const device_adjacency_view &rows, uint32_t a, uint32_t b)
{
	row_pair	p = {rows.offsets[a], rows.offsets[a + 1], rows.offsets[b], rows.offsets[b + 1]};

	return p.i_end - p.i > p.j_end - p.j ? row_pair {p.j, p.j_end, p.i, p.i_end} : p;
}

/* First position in [i, end) with an entry of at least z. */
__device__ static inline int64_t
gallop(const uint32_t *list, int64_t i, int64_t end, uint32_t z)
{
	int64_t		low = i;

	for (int64_t step = 1; i < end && list[i] < z; step *= 2)
	{
		low = i + 1;
		i += step;
	}
	return place_of(list, low, min(i, end), z);
}

/* What entry z adds, which is at i of one row and at j of the other. */
__device__ static inline double
term_of(const pair_run &r, uint32_t z, int64_t i, int64_t j)
{
	double		w;
	double		x;

	if (r.term == TERM_NODE)
		return r.value[z];
	w = r.rows.weights[i];
	x = r.rows.weights[j];
	return r.term == TERM_PRODUCT ? w * x : w < x ? w : x;
}

/*
 * One pair, by WIDTH lanes of a warp from "first" on; lanes without a pair go
 * along with "active" false.
 */
template <int WIDTH> __device__ static inline void
intersect(const pair_run &r, bool active, int64_t pair, int first)
{
	int			place = threadIdx.x % 32 - first;
	row_pair	rows = active ? rows_of_pair(r.rows, r.a[pair], r.b[pair]) : row_pair {0, 0, 0, 0};
	int64_t		i = rows.i;
	int64_t		i_end = rows.i_end;
	int64_t		j = rows.j;
	int64_t		j_end = rows.j_end;
	uint32_t	common = 0;
	double		total = 0;

	/* groups of a warp go along until all of them are through */
	while (__any_sync(FULL_WARP, i < i_end && j < j_end))
	{
		bool		mine = i + place < i_end && j < j_end;
		uint32_t	z = mine ? r.rows.neighbors[i + place] : 0;
		int64_t		at = mine ? gallop(r.rows.neighbors, j, j_end, z) : j_end;
		bool		found = mine && at < j_end && r.rows.neighbors[at] == z;
		unsigned	group = __ballot_sync(FULL_WARP, found) >> first & FULL_WARP >> (32 - WIDTH);

		common += __popc(group);
		if (r.term != TERM_NONE)
		{
			double		term = found ? term_of(r, z, i + place, at) : 0;

			for (int k = 0; k < WIDTH; k++)
			{
				double		next = __shfl_sync(FULL_WARP, term, first + k);

				if (group >> k & 1)
					total += next;
			}
		}
		/* no entry of the longer row before that of the last lane is met again */
		j = __shfl_sync(FULL_WARP, at, first + WIDTH - 1);
		i += WIDTH;
	}
	if (active && place == 0)
	{
		r.common[pair] = common;
		if (r.sum)
			r.sum[pair] = total;
	}
}

/* Whether the shorter row of a pair is for a warp. */
__device__ static inline bool
is_long_pair(const device_adjacency_view &rows, uint32_t a, uint32_t b)
{
	return min(rows.offsets[a + 1] - rows.offsets[a], rows.offsets[b + 1] - rows.offsets[b]) > SHARED_LONG;
}

/*
 * The pairs of a list, which are numbered from begin on.  Those of hubs are put
 * aside by warps: huge[0] of them, numbers from huge[1] on.
 */
template <int WIDTH> __global__ static void __launch_bounds__(SHARED_THREADS)
intersect_listed(pair_run r, int64_t begin, const uint32_t *list, uint32_t count, uint32_t *huge)
{
	int64_t		at = global_thread() / WIDTH;
	bool		active = at < count;
	int64_t		pair = active ? begin + list[at] : 0;

	if (WIDTH == 32 && active)
	{
		row_pair	rows = rows_of_pair(r.rows, r.a[pair], r.b[pair]);

		if (rows.i_end - rows.i > SHARED_HUGE)
		{
			if (threadIdx.x % 32 == 0)
				huge[1 + atomicAdd(&huge[0], 1u)] = list[at];
			return;
		}
	}
	intersect<WIDTH>(r, active, pair, threadIdx.x % 32 / WIDTH * WIDTH);
}

/* Pairs of hubs, a block for each. */
__global__ static void __launch_bounds__(WIDE_PAIR)
intersect_hubs(pair_run r, int64_t begin, const uint32_t *list)
{
	__shared__ double terms[WIDE_PAIR];
	__shared__ unsigned hits[WIDE_PAIR / 32];
	__shared__ int64_t next;
	int64_t		pair = begin + list[blockIdx.x];
	row_pair	rows = rows_of_pair(r.rows, r.a[pair], r.b[pair]);
	int			thread = threadIdx.x;
	uint32_t	common = 0;
	double		total = 0;

	while (rows.i < rows.i_end && rows.j < rows.j_end)
	{
		int64_t		i = rows.i + thread;
		uint32_t	z = i < rows.i_end ? r.rows.neighbors[i] : 0;
		int64_t		at = i < rows.i_end ? gallop(r.rows.neighbors, rows.j, rows.j_end, z) : rows.j_end;
		bool		found = at < rows.j_end && r.rows.neighbors[at] == z;
		unsigned	warp = __ballot_sync(FULL_WARP, found);

		if (r.term != TERM_NONE && found)
			terms[thread] = term_of(r, z, i, at);
		if (thread % 32 == 0)
		{
			hits[thread / 32] = warp;
			common += __popc(warp);
		}
		if (thread == WIDE_PAIR - 1)
			next = at;
		__syncthreads();
		for (int w = 0; r.term != TERM_NONE && thread == 0 && w < WIDE_PAIR / 32; w++)
			for (unsigned rest = hits[w]; rest; rest &= rest - 1)
				total += terms[32 * w + __ffs((int) rest) - 1];
		rows.i += WIDE_PAIR;
		rows.j = next;
		__syncthreads();
	}
	common = block_sum<uint32_t, WIDE_PAIR>(common);
	if (thread == 0)
	{
		r.common[pair] = common;
		if (r.sum)
			r.sum[pair] = total;
	}
}

/* Launches that; with a warp for each pair it waits for those of hubs. */
template <int WIDTH> static void
intersect_list(rk_cuda_device *device, const rk_cuda_call *call, const pair_run &r, int64_t begin, const uint32_t *list,
			   uint32_t count)
{
	device_array<uint32_t> huge;
	uint32_t	hubs = 0;
	/* some at a time, as each may take milliseconds */
	unsigned	step = 2u * (unsigned) device->multiprocessors;

	if (count == 0)
		return;
	if (WIDTH == 32)
	{
		huge.allocate(device, (int64_t) count + 1);
		check(cudaMemsetAsync(huge.get(), 0, sizeof(uint32_t), device->stream));
	}
	RK_LAUNCH(intersect_listed<WIDTH>, blocks_for((int64_t) count * WIDTH, SHARED_THREADS), SHARED_THREADS, device->stream)
		(r, begin, list, count, huge.get());
	check_launch();
	if (WIDTH != 32)
		return;
	check(cudaMemcpyAsync(&hubs, huge.get(), sizeof(hubs), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	for (uint32_t first = 0; first < hubs; first += step)
	{
		if (stopped(call))
			stop_now();
		RK_LAUNCH(intersect_hubs, min(step, hubs - first), WIDE_PAIR, device->stream)
			(r, begin, huge.get() + 1 + first);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
	}
}

#endif							/* RK_SHARED_ENTRIES_CUH */

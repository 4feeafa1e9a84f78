/*
 * shared_entries.cuh
 *	  Entries that two rows of a graph share, and sums over them.
 *
 * A group of threads takes a pair of rows: each looks for an entry of the shorter
 * row in the longer one, from where the group was before by steps that double.
 * What is found is added up in the order of the row, so sums have the bits of the
 * CPU's (rk_neighbor_intersect).
 */
#ifndef RK_SHARED_ENTRIES_CUH
#define RK_SHARED_ENTRIES_CUH

#include "device.cuh"

#define SHARED_THREADS 256
#define SHARED_GROUP 8			/* threads for a pair */
#define SHARED_LONG 64			/* a shorter row above this is for a warp */

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
	i = min(i, end);
	while (low < i)
	{
		int64_t		middle = low + (i - low) / 2;

		if (list[middle] < z)
			low = middle + 1;
		else
			i = middle;
	}
	return low;
}

/*
 * One pair, by WIDTH lanes of a warp from "first" on; lanes without a pair go
 * along with "active" false.
 */
template <int WIDTH> __device__ static inline void
intersect(const pair_run &r, bool active, int64_t pair, int first)
{
	int			place = threadIdx.x % 32 - first;
	uint32_t	a = active ? r.a[pair] : 0;
	uint32_t	b = active ? r.b[pair] : 0;
	int64_t		i = active ? r.rows.offsets[a] : 0;
	int64_t		i_end = active ? r.rows.offsets[a + 1] : 0;
	int64_t		j = active ? r.rows.offsets[b] : 0;
	int64_t		j_end = active ? r.rows.offsets[b + 1] : 0;
	uint32_t	common = 0;
	double		total = 0;

	if (i_end - i > j_end - j)
	{
		int64_t		swap = i;

		i = j;
		j = swap;
		swap = i_end;
		i_end = j_end;
		j_end = swap;
	}
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
			double		term = 0;

			if (found && r.term == TERM_NODE)
				term = r.value[z];
			else if (found)
			{
				double		w = r.rows.weights[i + place];
				double		x = r.rows.weights[at];

				term = r.term == TERM_PRODUCT ? w * x : w < x ? w : x;
			}
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

/* The pairs of a list, which are numbered from begin on. */
template <int WIDTH> __global__ static void __launch_bounds__(SHARED_THREADS)
intersect_listed(pair_run r, int64_t begin, const uint32_t *list, uint32_t count)
{
	int64_t		at = global_thread() / WIDTH;
	bool		active = at < count;

	intersect<WIDTH>(r, active, active ? begin + list[at] : 0, threadIdx.x % 32 / WIDTH * WIDTH);
}

/* Launches that. */
template <int WIDTH> static void
intersect_list(rk_cuda_device *device, const pair_run &r, int64_t begin, const uint32_t *list, uint32_t count)
{
	if (count == 0)
		return;
	RK_LAUNCH(intersect_listed<WIDTH>, blocks_for((int64_t) count * WIDTH, SHARED_THREADS), SHARED_THREADS, device->stream)
		(r, begin, list, count);
	check_launch();
}

#endif							/* RK_SHARED_ENTRIES_CUH */

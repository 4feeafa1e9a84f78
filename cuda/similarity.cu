/*
 * similarity.cu
 *	  Common neighbours of given pairs, and sums over them, as
 *	  rk_neighbor_intersect of src/graph/similarity/neighbor_similarity.c.
 *
 * A group of threads takes a pair: each looks for an entry of the shorter row in
 * the longer one, from where the group was before by steps that double.  What is
 * found is added up in the order of the row, so sums have the bits of the CPU's.
 * Pairs whose shorter row is long are put aside for a warp each.
 */
#include "device.cuh"

#define THREADS 256
#define GROUP 8
#define LONG_ROW 64				/* a shorter row above this is for a warp */
#define BATCH (INT64_C(1) << 22)	/* pairs of a launch */

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

__global__ static void __launch_bounds__(THREADS)
intersect_short(pair_run r, int64_t begin, int64_t end, uint32_t *aside, uint32_t *aside_count)
{
	int64_t		pair = begin + global_thread() / GROUP;
	int			first = threadIdx.x % 32 / GROUP * GROUP;
	bool		active = pair < end;

	if (active)
	{
		uint32_t	a = r.a[pair];
		uint32_t	b = r.b[pair];

		if (min(r.rows.offsets[a + 1] - r.rows.offsets[a], r.rows.offsets[b + 1] - r.rows.offsets[b]) > LONG_ROW)
		{
			active = false;
			if ((int) (threadIdx.x % 32) == first)
				aside[atomicAdd(aside_count, 1u)] = (uint32_t) (pair - begin);
		}
	}
	intersect<GROUP>(r, active, pair, first);
}

__global__ static void __launch_bounds__(THREADS)
intersect_long(pair_run r, int64_t begin, const uint32_t *aside, uint32_t count)
{
	int64_t		at = global_thread() / 32;

	if (at < count)
		intersect<32>(r, true, begin + aside[at], 0);
}

void
run_similarity(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_similarity_params *p = (const rk_cuda_similarity_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		count = call->input[0].bytes / (int64_t) sizeof(uint32_t);
	const uint32_t *pairs[2] = {(const uint32_t *) call->input[0].data, (const uint32_t *) call->input[1].data};
	pair_run	r;
	device_array<uint32_t> a;
	device_array<uint32_t> b;
	device_array<double> value;
	device_array<double> weights;
	device_array<uint32_t> common;
	device_array<double> sum;
	device_array<uint32_t> aside;
	device_array<uint32_t> aside_count;
	bool		sums;

	if (n == 0 || count == 0 || p == nullptr || call->params_bytes != sizeof(*p) || p->term < TERM_NONE ||
		p->term > TERM_PRODUCT || call->input[1].bytes != call->input[0].bytes ||
		call->output[0].bytes != count * (int64_t) sizeof(uint32_t) ||
		call->output[1].bytes != (p->term == TERM_NONE ? 0 : count * (int64_t) sizeof(double)) ||
		(p->term == TERM_NODE && call->input[2].bytes != n * (int64_t) sizeof(double)) ||
		(call->input[3].data && call->input[3].bytes != g->arcs * (int64_t) sizeof(double)))
		decline("arrays of another shape than a comparison of pairs has");
	for (int side = 0; side < 2; side++)
		for (int64_t i = 0; i < count; i++)
			if (pairs[side][i] >= n)
				decline("a pair names a node that is not in the graph");
	sums = p->term != TERM_NONE;
	r.rows = view_of(p->in ? g->in() : g->out());
	if (r.rows.offsets == nullptr)
		decline("the graph does not have this direction");
	a.load(device, pairs[0], count, &call->usage);
	b.load(device, pairs[1], count, &call->usage);
	if (p->term == TERM_NODE)
		value.load(device, (const double *) call->input[2].data, n, &call->usage);
	if (call->input[3].data)
	{
		weights.load(device, (const double *) call->input[3].data, g->arcs, &call->usage);
		r.rows.weights = weights.get();
	}
	if (p->term >= TERM_MIN && r.rows.weights == nullptr)
		decline("the graph has no weights");
	common.allocate(device, count);
	if (sums)
		sum.allocate(device, count);
	aside.allocate(device, min(count, BATCH));
	aside_count.allocate(device, 1);
	r.a = a.get();
	r.b = b.get();
	r.value = value.get();
	r.term = p->term;
	r.common = common.get();
	r.sum = sum.get();

	kernel_timer timer(device, &call->usage);

	for (int64_t begin = 0; begin < count; begin += BATCH)
	{
		int64_t		end = min(begin + BATCH, count);
		uint32_t	left = 0;

		if (stopped(call))
			stop_now();
		aside_count.fill(0);
		RK_LAUNCH(intersect_short, blocks_for((end - begin) * GROUP, THREADS), THREADS, device->stream)
			(r, begin, end, aside.get(), aside_count.get());
		check_launch();
		check(cudaMemcpyAsync(&left, aside_count.get(), sizeof(left), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (left > 0)
			RK_LAUNCH(intersect_long, blocks_for((int64_t) left * 32, THREADS), THREADS, device->stream)
				(r, begin, aside.get(), left);
		check_launch();
	}
	timer.stop();
	common.store((uint32_t *) call->output[0].data, &call->usage);
	if (sums)
		sum.store((double *) call->output[1].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* two rows of the average length, and where they are */
	call->usage.bytes_moved += count * (64 + (sums ? 12 : 4) * 2 * (g->arcs / n + 1));
}

/*
 * similarity.cu
 *	  Common neighbours of given pairs, and sums over them, as
 *	  rk_neighbor_intersect of src/graph/similarity/neighbor_similarity.c.
 *
 * A group of threads takes a pair (shared_entries.cuh).  Pairs whose shorter row
 * is long are put aside for a warp each.
 */
#include "shared_entries.cuh"

#define BATCH (INT64_C(1) << 22)	/* pairs of a launch */

__global__ static void __launch_bounds__(SHARED_THREADS)
intersect_short(pair_run r, int64_t begin, int64_t end, uint32_t *aside, uint32_t *aside_count)
{
	int64_t		pair = begin + global_thread() / SHARED_GROUP;
	int			first = threadIdx.x % 32 / SHARED_GROUP * SHARED_GROUP;
	bool		active = pair < end;

	if (active)
	{
		if (is_long_pair(r.rows, r.a[pair], r.b[pair]))
		{
			active = false;
			if ((int) (threadIdx.x % 32) == first)
				aside[atomicAdd(aside_count, 1u)] = (uint32_t) (pair - begin);
		}
	}
	intersect<SHARED_GROUP>(r, active, pair, first);
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
		RK_LAUNCH(intersect_short, blocks_for((end - begin) * SHARED_GROUP, SHARED_THREADS), SHARED_THREADS, device->stream)
			(r, begin, end, aside.get(), aside_count.get());
		check_launch();
		check(cudaMemcpyAsync(&left, aside_count.get(), sizeof(left), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		intersect_list<32>(device, call, r, begin, aside.get(), left);
	}
	timer.stop();
	common.store((uint32_t *) call->output[0].data, &call->usage);
	if (sums)
		sum.store((double *) call->output[1].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* two rows of the average length, and where they are */
	call->usage.bytes_moved += count * (64 + (sums ? 12 : 4) * 2 * (g->arcs / n + 1));
}

/*
 * lengths.cu
 *	  Shortest paths by length from one node, as
 *	  src/graph/paths/shortest_path_delta.c: distances (distances.cuh), then hops
 *	  and predecessors by a search over the arcs that are tight (levels.cuh).
 */
#include "distances.cuh"
#include "levels.cuh"

#define MAX_LEVELS 65536

void
run_lengths(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_length_params *p = (const rk_cuda_length_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	device_array<uint32_t> source;
	device_array<uint32_t> hops;
	device_array<uint32_t> predecessor;

	if (n == 0 || !g->out().present() || !g->out().weighted() || p == nullptr || call->params_bytes != sizeof(*p) ||
		p->source >= n || !(p->max_distance >= 0) || call->output[0].bytes != n * (int64_t) sizeof(double) ||
		call->output[1].bytes != n * (int64_t) sizeof(uint32_t) ||
		call->output[2].bytes != n * (int64_t) sizeof(uint32_t))
		decline("arrays of another shape than a search by length has");
	source.load(device, &p->source, 1, &call->usage);
	hops.allocate(device, n);
	predecessor.allocate(device, n);

	kernel_timer timer(device, &call->usage);
	distance_searches search(device, call, 1, p->max_distance);

	search.run(source.get(), 1);
	level_search(device, call, (const double *) search.distance.get(), hops.get(), predecessor.get())
		.run(p->source, n, MAX_LEVELS);
	timer.stop();
	search.distance.store((unsigned long long *) call->output[0].data, &call->usage);
	hops.store((uint32_t *) call->output[1].data, &call->usage);
	predecessor.store((uint32_t *) call->output[2].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

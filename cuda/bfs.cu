/*
 * bfs.cu
 *	  Breadth-first search from one node, as src/graph/paths/shortest_path_bfs.c.
 */
#include "levels.cuh"

#define MAX_LEVELS 4096

void
run_bfs(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_bfs_params *p = (const rk_cuda_bfs_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	device_array<uint32_t> hops;
	device_array<uint32_t> predecessor;

	if (n == 0 || !g->out().present() || p == nullptr || call->params_bytes != sizeof(*p) || p->source >= n ||
		call->output[0].bytes != n * (int64_t) sizeof(uint32_t) ||
		call->output[1].bytes != n * (int64_t) sizeof(uint32_t))
		decline("arrays of another shape than a search has");
	hops.allocate(device, n);
	predecessor.allocate(device, n);

	kernel_timer timer(device, &call->usage);

	level_search(device, call, nullptr, hops.get(), predecessor.get()).run(p->source, p->max_hops, MAX_LEVELS);
	timer.stop();
	hops.store((uint32_t *) call->output[0].data, &call->usage);
	predecessor.store((uint32_t *) call->output[1].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

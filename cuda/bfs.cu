/*
 * bfs.cu
 *	  Breadth-first search from one node, as src/graph/paths/shortest_path_bfs.c.
 *
 * A level at a time, top down, from queues of pieces of rows.  Who finds a node
 * first puts its pieces into the next queue; everybody who finds it on that
 * level lowers its predecessor by an atomic minimum.  So hops and predecessors
 * do not depend on the order.
 *
 * Each level costs a look by the host: a graph with more than MAX_LEVELS of
 * them is left to the CPU.
 */
#include "pieces.cuh"

#define THREADS 256
#define NONE UINT32_MAX
#define MAX_LEVELS 4096

__global__ static void
start_search(const int64_t *offsets, uint32_t source, uint32_t *hops, row_piece *queue,
			 unsigned long long *count)
{
	if (global_thread() != 0)
		return;
	hops[source] = 0;
	enqueue(offsets, source, queue, count);
}

__global__ static void __launch_bounds__(THREADS)
expand(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors, const row_piece *queue,
	   int64_t pieces, uint32_t next_level, uint32_t *hops, uint32_t *predecessor, row_piece *next,
	   unsigned long long *next_count)
{
	int64_t		piece = global_thread() / 32;
	int64_t		from;
	int64_t		to;
	uint32_t	u;

	if (piece >= pieces)
		return;
	u = queue[piece].node;
	piece_entries(offsets, queue[piece], &from, &to);
	for (int64_t i = from + threadIdx.x % 32; i < to; i += 32)
	{
		uint32_t	v = neighbors[i];
		uint32_t	level = *(volatile uint32_t *) &hops[v];

		if (level == NONE)
		{
			level = atomicCAS(&hops[v], NONE, next_level);
			if (level == NONE)
			{
				enqueue(offsets, v, next, next_count);
				level = next_level;
			}
		}
		if (level == next_level)
			atomicMin(&predecessor[v], u);
	}
}

void
run_bfs(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_bfs_params *p = (const rk_cuda_bfs_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	device_array<uint32_t> hops;
	device_array<uint32_t> predecessor;
	device_array<row_piece> queue[2];
	device_array<unsigned long long> count;
	unsigned long long pieces = 0;
	int			turn = 0;

	if (n == 0 || !g->out().present() || p == nullptr || call->params_bytes != sizeof(*p) || p->source >= n ||
		call->output[0].bytes != n * (int64_t) sizeof(uint32_t) ||
		call->output[1].bytes != n * (int64_t) sizeof(uint32_t))
		decline("arrays of another shape than a search has");
	hops.allocate(device, n);
	predecessor.allocate(device, n);
	queue[0].allocate(device, most_pieces(n, g->arcs));
	queue[1].allocate(device, most_pieces(n, g->arcs));
	count.allocate(device, 1);

	kernel_timer timer(device, &call->usage);
	const int64_t *offsets = g->out().offsets.get();

	hops.fill(0xff);
	predecessor.fill(0xff);
	count.fill(0);
	RK_LAUNCH(start_search, 1, 32, device->stream) (offsets, p->source, hops.get(), queue[0].get(), count.get());
	check_launch();
	for (int64_t level = 0; level < p->max_hops; level++)
	{
		check(cudaMemcpyAsync(&pieces, count.get(), sizeof(pieces), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (pieces == 0)
			break;
		if (level == MAX_LEVELS)
			decline("the graph is too deep");
		if (stopped(call))
			stop_now();
		count.fill(0);
		RK_LAUNCH(expand, blocks_for((int64_t) pieces * 32, THREADS), THREADS, device->stream)
			(offsets, g->out().neighbors.get(), queue[turn].get(), (int64_t) pieces, (uint32_t) (level + 1),
			 hops.get(), predecessor.get(), queue[1 - turn].get(), count.get());
		check_launch();
		turn = 1 - turn;
	}
	timer.stop();
	hops.store((uint32_t *) call->output[0].data, &call->usage);
	predecessor.store((uint32_t *) call->output[1].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	call->usage.bytes_moved += 12 * g->arcs + 40 * n;
}

/*
 * levels.cuh
 *	  Breadth-first search, level by level: hops and predecessors.
 *
 * Top down, from queues of pieces of rows.  Who finds a node first puts its
 * pieces into the next queue; everybody who finds it on that level lowers its
 * predecessor by an atomic minimum.  So hops and predecessors do not depend on
 * the order.  Over tight arcs only, those are the ones of shortest paths.
 *
 * Each level costs a look by the host: a graph with more levels than the caller
 * wants is left to the CPU.
 */
#ifndef RK_LEVELS_CUH
#define RK_LEVELS_CUH

#include "pieces.cuh"

#define LEVEL_THREADS 256
#define NO_NODE UINT32_MAX

__global__ static void
start_search(const int64_t *offsets, uint32_t source, uint32_t *hops, row_piece *queue,
			 unsigned long long *count)
{
	if (global_thread() != 0)
		return;
	hops[source] = 0;
	enqueue(offsets, source, queue, count);
}

/* TIGHT: only over arcs that a shortest path may go. */
template <bool TIGHT> __global__ static void __launch_bounds__(LEVEL_THREADS)
expand(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors,
	   const double *__restrict__ weights, const double *__restrict__ distance, const row_piece *queue, int64_t pieces,
	   uint32_t next_level, uint32_t *hops, uint32_t *predecessor, row_piece *next,
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
		uint32_t	level;

		if (TIGHT && distance[u] + weights[i] != distance[v])
			continue;
		level = *(volatile uint32_t *) &hops[v];
		if (level == NO_NODE)
		{
			level = atomicCAS(&hops[v], NO_NODE, next_level);
			if (level == NO_NODE)
			{
				enqueue(offsets, v, next, next_count);
				level = next_level;
			}
		}
		if (level == next_level)
			atomicMin(&predecessor[v], u);
	}
}

/*
 * Searches from source; hops and predecessor: nodes values each, NO_NODE where
 * there is none.  distance: of all nodes in device memory, finite where they are
 * reached; NULL: every arc counts.
 */
static void
search_levels(rk_cuda_device *device, rk_cuda_call *call, uint32_t source, int64_t max_hops, int64_t max_levels,
			  const double *distance, uint32_t *hops, uint32_t *predecessor)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g->nodes;
	device_adjacency_view out = view_of(g->out());
	device_array<row_piece> queue[2];
	device_array<unsigned long long> count;
	unsigned long long pieces = 0;
	int			turn = 0;

	queue[0].allocate(device, most_pieces(n, g->arcs));
	queue[1].allocate(device, most_pieces(n, g->arcs));
	count.allocate(device, 1);
	check(cudaMemsetAsync(hops, 0xff, n * sizeof(uint32_t), device->stream));
	check(cudaMemsetAsync(predecessor, 0xff, n * sizeof(uint32_t), device->stream));
	count.fill(0);
	RK_LAUNCH(start_search, 1, 32, device->stream) (out.offsets, source, hops, queue[0].get(), count.get());
	check_launch();
	for (int64_t level = 0; level < max_hops; level++)
	{
		unsigned	blocks;

		check(cudaMemcpyAsync(&pieces, count.get(), sizeof(pieces), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (pieces == 0)
			break;
		if (level == max_levels)
			decline("the graph is too deep");
		if (stopped(call))
			stop_now();
		count.fill(0);
		blocks = blocks_for((int64_t) pieces * 32, LEVEL_THREADS);
		if (distance)
			RK_LAUNCH(expand<true>, blocks, LEVEL_THREADS, device->stream)
				(out.offsets, out.neighbors, out.weights, distance, queue[turn].get(), (int64_t) pieces,
				 (uint32_t) (level + 1), hops, predecessor, queue[1 - turn].get(), count.get());
		else
			RK_LAUNCH(expand<false>, blocks, LEVEL_THREADS, device->stream)
				(out.offsets, out.neighbors, out.weights, distance, queue[turn].get(), (int64_t) pieces,
				 (uint32_t) (level + 1), hops, predecessor, queue[1 - turn].get(), count.get());
		check_launch();
		turn = 1 - turn;
	}
	call->usage.bytes_moved += (distance ? 28 : 12) * g->arcs + 40 * n;
}

#endif							/* RK_LEVELS_CUH */

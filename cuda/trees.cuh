/*
 * trees.cuh
 *	  Components by union of trees: links of nodes and compression.
 *
 * A parent is never larger than its child, so the root of a finished tree is
 * the smallest node of its component whatever the order of links.
 *
 * Trees can become as high as the graph is long.  Links therefore make nodes
 * they pass skip an ancestor, and compression goes in rounds of a few steps for
 * each node, which halve the height each time, until nothing moves.
 */
#ifndef RK_TREES_CUH
#define RK_TREES_CUH

#include "device.cuh"

#define TREE_THREADS 256
#define COMPRESS_STEPS 8		/* of a node in one round */

/* Reads what other threads write meanwhile. */
__device__ static inline uint32_t
load_parent(const uint32_t *p)
{
	return *(const volatile uint32_t *) p;
}

/* Brings u and v under one root; nodes passed are moved closer to it. */
__device__ static inline void
link_nodes(uint32_t *parent, uint32_t u, uint32_t v)
{
	uint32_t	a = load_parent(&parent[u]);
	uint32_t	b = load_parent(&parent[v]);

	while (a != b)
	{
		uint32_t	high = a > b ? a : b;
		uint32_t	low = a > b ? b : a;
		uint32_t	above = load_parent(&parent[high]);
		uint32_t	grand;

		if (above == low)
			return;
		if (above == high)
		{
			above = atomicCAS(&parent[high], high, low);
			if (above == high)
				return;
		}
		grand = load_parent(&parent[above]);
		if (grand != above)
			*(volatile uint32_t *) &parent[high] = grand;
		a = grand;
		b = low;
	}
}

/* Moves every node some steps up; *moved: some is not at its root yet. */
__global__ static void
compress_nodes(uint32_t *parent, int64_t nodes, int32_t *moved)
{
	int64_t		v = global_thread();
	uint32_t	p;

	if (v >= nodes)
		return;
	p = load_parent(&parent[v]);
	for (int i = 0; i < COMPRESS_STEPS; i++)
	{
		uint32_t	grand = load_parent(&parent[p]);

		if (grand == p)
			return;
		*(volatile uint32_t *) &parent[v] = grand;
		p = grand;
	}
	*moved = 1;
}

/* Points every node at its root. */
static void
compress(rk_cuda_device *device, rk_cuda_call *call, uint32_t *parent, int64_t nodes, device_array<int32_t> &moved)
{
	int32_t		again = 1;

	while (again)
	{
		if (stopped(call))
			stop_now();
		moved.fill(0);
		RK_LAUNCH(compress_nodes, blocks_for(nodes, TREE_THREADS), TREE_THREADS, device->stream) (parent, nodes, moved.get());
		check_launch();
		check(cudaMemcpyAsync(&again, moved.get(), sizeof(again), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		call->usage.bytes_moved += 16 * nodes;
	}
}

#endif							/* RK_TREES_CUH */

/*
 * components.cu
 *	  Weak components by union of trees, as
 *	  src/graph/community/connected_components.c.
 *
 * The method is Afforest (Sutton, Ben-Nun, Barak 2018): the first two
 * neighbours of every node are linked, the trees compressed, and then the rest
 * of the entries looked at, of which few still join two trees.  An undirected
 * graph has every edge in both rows, so those of the largest tree, as a sample
 * has it, are left out: in most graphs nearly all.  A parent is never larger
 * than its child, so the root of a finished tree is the smallest node of its
 * component whatever the order of links and the sample: the result is exact
 * (trees.cuh).
 */
#include "pieces.cuh"
#include "tiles.cuh"
#include "trees.cuh"

#define THREADS TREE_THREADS
#define SAMPLE_NEIGHBORS 2		/* linked of every node before the rest */
#define SAMPLE_NODES 512		/* looked at for the largest tree */

/* The first neighbour, if it is smaller, is a parent as it is. */
__global__ static void
start_nodes(const int64_t *offsets, const uint32_t *neighbors, int64_t nodes, uint32_t *parent)
{
	int64_t		v = global_thread();

	if (v < nodes)
		parent[v] = offsets[v] < offsets[v + 1] ? min((uint32_t) v, neighbors[offsets[v]]) : (uint32_t) v;
}

__global__ static void
link_sampled(const int64_t *offsets, const uint32_t *neighbors, int64_t nodes, uint32_t *parent)
{
	int64_t		u = global_thread();

	if (u >= nodes)
		return;
	for (int64_t i = offsets[u]; i < min(offsets[u] + SAMPLE_NEIGHBORS, offsets[u + 1]); i++)
		/* the first one is its parent already, or the larger one */
		if (i > offsets[u] || neighbors[i] > u)
			link_nodes(parent, (uint32_t) u, neighbors[i]);
}

/* The root that most of some nodes have. */
__global__ static void __launch_bounds__(SAMPLE_NODES)
find_largest(const uint32_t *parent, int64_t nodes, uint32_t *largest)
{
	__shared__ uint32_t root[SAMPLE_NODES];
	__shared__ unsigned long long best;
	uint32_t	mine = parent[threadIdx.x * nodes / SAMPLE_NODES];
	uint32_t	alike = 0;

	root[threadIdx.x] = mine;
	if (threadIdx.x == 0)
		best = 0;
	__syncthreads();
	for (int i = 0; i < SAMPLE_NODES; i++)
		alike += root[i] == mine;
	atomicMax(&best, (unsigned long long) alike << 32 | mine);
	__syncthreads();
	if (threadIdx.x == 0)
		*largest = (uint32_t) best;
}

/* Queues the nodes with more entries than were linked, except in the largest tree. */
__global__ static void __launch_bounds__(THREADS)
queue_rest(const int64_t *offsets, int64_t nodes, const uint32_t *parent, const uint32_t *largest, row_piece *queue,
		   unsigned long long *count)
{
	int64_t		v = global_thread();
	bool		there = v < nodes && parent[v] != *largest && offsets[v + 1] - offsets[v] > SAMPLE_NEIGHBORS;

	enqueue_nodes(offsets, there, (uint32_t) v, queue, count);
}

__global__ static void __launch_bounds__(THREADS)
link_queued(const int64_t *offsets, const uint32_t *neighbors, const row_piece *queue, const unsigned long long *count,
			uint32_t *parent)
{
	for (unsigned long long at = global_thread() / 32; at < *count; at += (unsigned long long) gridDim.x * THREADS / 32)
	{
		int64_t		from;
		int64_t		to;

		piece_entries(offsets, queue[at], &from, &to);
		for (int64_t i = from + threadIdx.x % 32; i < to; i += 32)
			link_nodes(parent, queue[at].node, neighbors[i]);
	}
}

struct link_entry
{
	uint32_t   *parent;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t) const
	{
		link_nodes(parent, (uint32_t) row, neighbor);
	}
};

/* Links all entries of rows that have every edge twice. */
static void
link_rest(rk_cuda_device *device, rk_cuda_call *call, device_adjacency *a, int64_t nodes, int64_t entries, uint32_t *parent)
{
	device_array<uint32_t> largest;
	device_array<row_piece> queue;
	device_array<unsigned long long> count;

	largest.allocate(device, 1);
	queue.allocate(device, most_pieces(nodes, entries));
	count.allocate(device, 1);
	count.fill(0);
	RK_LAUNCH(find_largest, 1, SAMPLE_NODES, device->stream) (parent, nodes, largest.get());
	check_launch();
	RK_LAUNCH(queue_rest, blocks_for(nodes, THREADS), THREADS, device->stream)
		(a->offsets.get(), nodes, parent, largest.get(), queue.get(), count.get());
	check_launch();
	RK_LAUNCH(link_queued, (unsigned) (8 * device->multiprocessors), THREADS, device->stream)
		(a->offsets.get(), a->neighbors.get(), queue.get(), count.get(), parent);
	check_launch();
	call->usage.bytes_moved += 12 * nodes;
}

void
run_components(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	device_adjacency *a;
	device_array<uint32_t> parent;
	device_array<int32_t> moved;

	if (n == 0 || call->output[0].bytes != n * (int64_t) sizeof(uint32_t))
		decline("arrays of another shape than components have");
	a = g->out().present() ? &g->out() : &g->in();
	parent.allocate(device, n);
	moved.allocate(device, 1);

	kernel_timer timer(device, &call->usage);

	RK_LAUNCH(start_nodes, blocks_for(n, THREADS), THREADS, device->stream)
		(a->offsets.get(), a->neighbors.get(), n, parent.get());
	check_launch();
	RK_LAUNCH(link_sampled, blocks_for(n, THREADS), THREADS, device->stream)
		(a->offsets.get(), a->neighbors.get(), n, parent.get());
	check_launch();
	compress(device, call, parent.get(), n, moved);
	if (g->directed)
	{
		visit_entries(device, a, n, g->arcs, link_entry {parent.get()});
		call->usage.bytes_moved += 12 * g->arcs;
	}
	else
		link_rest(device, call, a, n, g->arcs, parent.get());
	compress(device, call, parent.get(), n, moved);
	timer.stop();
	parent.store((uint32_t *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* offsets twice, a sector of neighbours of those that have some, twice, and of parents */
	call->usage.bytes_moved += 20 * n + 96 * min(n, g->arcs);
}

/*
 * hub_order.cuh
 *	  A graph with its nodes in the order of how many rows they are in, for sums
 *	  over all rows again and again (row_sums.cuh).
 *
 * Names of nodes say nothing about how often one is looked up, so that a sector
 * of a vector that is gathered from has a node that is wanted all the time beside
 * some that are not, and a cache keeps a fraction of what it could.  Here nodes
 * are sorted by the power of two that their number of rows has, and within one by
 * their names: hubs share their sectors.  Rows are in the same order, so that
 * vectors of sums need no translation; entries of a row stay in theirs.
 *
 * It is made once and stays with the graph.  Where there is no memory for the
 * copy, the rows are taken as they are.
 */
#ifndef RK_HUB_ORDER_CUH
#define RK_HUB_ORDER_CUH

#include "row_sums.cuh"
#include "tiles.cuh"

#define HUB_CLASSES 32			/* as many as a warp has lanes */
#define HUB_CHUNK 1024			/* nodes that a warp sorts */
#define HUB_THREADS 256

__global__ static void
count_uses(const uint32_t *neighbors, int64_t entries, uint32_t *uses)
{
	int64_t		i = global_thread();

	if (i < entries)
		atomicAdd(&uses[neighbors[i]], 1u);
}

__global__ static void
read_lengths(const int64_t *offsets, int64_t nodes, uint32_t *lengths)
{
	int64_t		v = global_thread();

	if (v < nodes)
		lengths[v] = (uint32_t) (offsets[v + 1] - offsets[v]);
}

/* 0: the most uses, those of 2^30 and more in one class; the last one: none. */
__device__ static inline int
hub_class(uint32_t uses)
{
	return max(__clz((int) uses), 1) - 1;
}

/* Lanes with the class that this lane stands for, and those with the same as its own. */
__device__ static inline void
match_classes(int own, bool there, unsigned *of_lane, unsigned *same)
{
	int			lane = threadIdx.x % 32;

	*of_lane = *same = __ballot_sync(FULL_WARP, there);
	for (int bit = 0; bit < 5; bit++)
	{
		unsigned	set = __ballot_sync(FULL_WARP, own >> bit & 1);

		*of_lane &= lane >> bit & 1 ? set : ~set;
		*same &= own >> bit & 1 ? set : ~set;
	}
}

/* counts[class][chunk]; a warp a chunk, a lane a class. */
__global__ static void __launch_bounds__(HUB_THREADS)
count_classes(const uint32_t *uses, int64_t nodes, int64_t chunks, uint32_t *counts)
{
	int64_t		chunk = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	uint32_t	count = 0;

	if (chunk >= chunks)
		return;
	for (int64_t base = chunk * HUB_CHUNK; base < min((chunk + 1) * HUB_CHUNK, nodes); base += 32)
	{
		int64_t		v = base + lane;
		unsigned	of_lane;
		unsigned	same;

		match_classes(v < nodes ? hub_class(uses[v]) : 0, v < nodes, &of_lane, &same);
		count += (uint32_t) __popc(of_lane);
	}
	counts[lane * chunks + chunk] = count;
}

/* order[new name] = old one, and the other way; begin: where each class of each chunk goes. */
__global__ static void __launch_bounds__(HUB_THREADS)
place_nodes(const uint32_t *uses, int64_t nodes, int64_t chunks, const int64_t *begin, uint32_t *order,
			uint32_t *name)
{
	int64_t		chunk = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int64_t		next;			/* of the lane's class */

	if (chunk >= chunks)
		return;
	next = begin[lane * chunks + chunk];
	for (int64_t base = chunk * HUB_CHUNK; base < min((chunk + 1) * HUB_CHUNK, nodes); base += 32)
	{
		int64_t		v = base + lane;
		int			own = v < nodes ? hub_class(uses[v]) : 0;
		unsigned	of_lane;
		unsigned	same;
		int64_t		at;

		match_classes(own, v < nodes, &of_lane, &same);
		at = __shfl_sync(FULL_WARP, next, own) + __popc(same & ((1u << lane) - 1));
		if (v < nodes)
		{
			order[at] = (uint32_t) v;
			name[v] = (uint32_t) at;
		}
		next += __popc(of_lane);
	}
}

/* How many rows of "in" each node is in; an edge that is there several times counts as often. */
static inline void
make_uses(rk_cuda_device *device, rk_cuda_graph *g, device_array<uint32_t> *uses)
{
	int64_t		n = g->nodes;

	uses->allocate(device, n);
	if (g->out().present())
		RK_LAUNCH(read_lengths, blocks_for(n, HUB_THREADS), HUB_THREADS, device->stream)
			(g->out().offsets.get(), n, uses->get());
	else
	{
		uses->fill(0);
		if (g->arcs > 0)
			RK_LAUNCH(count_uses, blocks_for(g->arcs, HUB_THREADS), HUB_THREADS, device->stream)
				(g->in().neighbors.get(), g->arcs, uses->get());
	}
	check_launch();
}

__global__ static void
read_ordered_lengths(const int64_t *offsets, const uint32_t *order, int64_t nodes, uint32_t *lengths)
{
	int64_t		i = global_thread();

	if (i < nodes)
		lengths[i] = (uint32_t) (offsets[order[i] + 1] - offsets[order[i]]);
}

/* Puts an entry where its row has gone, with the neighbour's new name. */
struct move_entry
{
	const int64_t *from_offsets;
	const int64_t *to_offsets;
	const uint32_t *name;
	const double *weights;		/* NULL: none */
	uint32_t   *to;
	double	   *to_weights;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t entry) const
	{
		int64_t		at = to_offsets[name[row]] + entry - from_offsets[row];

		to[at] = name[neighbor];
		if (weights)
			to_weights[at] = weights[entry];
	}
};

/* The copy itself. */
static inline void
make_hub_copy(rk_cuda_device *device, rk_cuda_graph *g, hub_rows *h)
{
	device_adjacency &in = g->in();
	int64_t		n = g->nodes;
	int64_t		chunks = (n + HUB_CHUNK - 1) / HUB_CHUNK;
	device_array<uint32_t> uses;
	device_array<uint32_t> name;
	device_array<uint32_t> counts;
	device_array<int64_t> begin;
	cudaStream_t stream = device->stream;

	make_uses(device, g, &uses);
	counts.allocate(device, HUB_CLASSES * chunks);
	begin.allocate(device, HUB_CLASSES * chunks + 1);
	h->order.allocate(device, n);
	name.allocate(device, n);
	RK_LAUNCH(count_classes, blocks_for(chunks * 32, HUB_THREADS), HUB_THREADS, stream)
		(uses.get(), n, chunks, counts.get());
	check_launch();
	scan_lengths(device, counts.get(), HUB_CLASSES * chunks, begin.get());
	RK_LAUNCH(place_nodes, blocks_for(chunks * 32, HUB_THREADS), HUB_THREADS, stream)
		(uses.get(), n, chunks, begin.get(), h->order.get(), name.get());
	check_launch();
	/* nodes without uses are the last class */
	check(cudaMemcpyAsync(&h->used, begin.get() + (HUB_CLASSES - 1) * chunks, sizeof(h->used), cudaMemcpyDeviceToHost,
						  stream));
	check(cudaStreamSynchronize(stream));
	h->own.offsets.allocate(device, n + 1);
	h->own.neighbors.allocate(device, g->arcs);
	if (in.weighted())
		h->own.weights.allocate(device, g->arcs);
	RK_LAUNCH(read_ordered_lengths, blocks_for(n, HUB_THREADS), HUB_THREADS, stream)
		(in.offsets.get(), h->order.get(), n, uses.get());
	check_launch();
	scan_lengths(device, uses.get(), n, h->own.offsets.get());
	if (g->arcs > 0)
		visit_entries(device, &in, n, g->arcs,
					  move_entry {in.offsets.get(), h->own.offsets.get(), name.get(), in.weights.get(),
								  h->own.neighbors.get(), h->own.weights.get()});
}

/* Makes the order of a graph, or says that it stays as it is, unless that was done. */
static inline void
make_hub_rows(rk_cuda_device *device, rk_cuda_graph *g, rk_cuda_usage *usage)
{
	hub_rows   *h = &g->hubs;

	if (h->made)
		return;
	try
	{
		make_hub_copy(device, g, h);
		usage->bytes_moved += (g->in().weighted() ? 36 : 12) * g->arcs + 90 * g->nodes;
		make_row_ends(device, h->own.offsets.get(), g->nodes, g->arcs, &h->parts);
	}
	catch (const cuda_failure &f)
	{
		h->order.release();
		h->own.offsets.release();
		h->own.neighbors.release();
		h->own.weights.release();
		if (f.status != RK_CUDA_MEMORY)
			throw;
		h->used = g->nodes;
		make_row_ends(device, g->in().offsets.get(), g->nodes, g->arcs, &h->parts);
	}
	h->made = true;
}

/* The rows to add up; names are new ones where there is an order. */
static inline device_adjacency *
hub_adjacency(rk_cuda_graph *g)
{
	return g->hubs.order.get() ? &g->hubs.own : &g->in();
}

/* Values of the nodes by new names from those by old ones, or the other way. */
template <bool TO_OLD> __global__ static void
reorder_values(const uint32_t *__restrict__ order, int64_t nodes, const double *__restrict__ from,
			   double *__restrict__ to)
{
	int64_t		i = global_thread();

	if (i >= nodes)
		return;
	if (TO_OLD)
		to[order[i]] = from[i];
	else
		to[i] = from[order[i]];
}

/* Changes an array to the new names, or back to the old ones; no order: leaves it. */
template <bool TO_OLD> static void
reorder_nodes(rk_cuda_device *device, const rk_cuda_graph *g, device_array<double> *x)
{
	device_array<double> other;

	if (g->hubs.order.get() == nullptr || x->get() == nullptr)
		return;
	other.allocate(device, g->nodes);
	RK_LAUNCH(reorder_values<TO_OLD>, blocks_for(g->nodes, HUB_THREADS), HUB_THREADS, device->stream)
		(g->hubs.order.get(), g->nodes, x->get(), other.get());
	check_launch();
	x->swap(other);
}

#endif							/* RK_HUB_ORDER_CUH */

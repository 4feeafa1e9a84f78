/*
 * distances.cuh
 *	  Distances from many sources by length, in the manner of
 *	  src/graph/paths/shortest_path_delta.c.
 *
 * Delta-stepping with two bins (Davidson, Baxter, Garland, Owens 2014): nodes up
 * to a distance are near and have their rows relaxed, those beyond wait.  When
 * nothing is near, the limit rises above the least distance that waits.
 * Distances are the least solution of d[v] = min(d[u] + w), whatever the order
 * of the steps; as numbers >= 0 their bits are lowered by atomic minima.  Every
 * source is searched from in arrays of its own; the bins are common to all.
 *
 * The device itself decides between the steps, of which STEPS are one launch
 * graph; those behind the last return at once.
 */
#ifndef RK_DISTANCES_CUH
#define RK_DISTANCES_CUH

#include <cstring>

#include "batch.cuh"
#include "nodes.cuh"
#include "pieces.cuh"
#include "tiles.cuh"

#define STEPS 8					/* between two looks of the host */

/* A node of one of many searches. */
struct slot_node
{
	uint32_t	slot;
	uint32_t	node;
};

/* A piece of its row. */
struct slot_piece
{
	uint32_t	slot;
	row_piece	piece;
};

struct distance_state
{
	double		limit;			/* near: up to this distance */
	unsigned long long least;	/* bits of the least distance that waits */
	unsigned long long near[2]; /* pieces of rows */
	unsigned long long far[2];	/* nodes that wait */
	uint32_t	near_turn;
	uint32_t	far_turn;
	uint32_t	step;
	int32_t		raise;			/* nothing is near */
	int32_t		done;
};

struct distance_search
{
	device_adjacency_view out;
	int64_t		nodes;
	/* by slot and node */
	unsigned long long *distance;	/* bits */
	uint32_t   *stamp;			/* the step that a node was put into the next queue */
	uint32_t   *waits;			/* it is in the list of those that wait */
	slot_piece *near[2];
	slot_node  *far[2];
	double		max_distance;
	double		delta;
	distance_state *state;
};

__device__ static inline double
length_of(unsigned long long bits)
{
	double		d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

__device__ static inline unsigned long long
bits_of(double d)
{
	unsigned long long bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

__device__ static inline unsigned long long
read_bits(const unsigned long long *p)
{
	return *(const volatile unsigned long long *) p;
}

/* Without an index, as parameters of a kernel have none: they would be copied for it. */
__device__ static inline slot_piece *
near_of(const distance_search &s, int turn)
{
	return turn ? s.near[1] : s.near[0];
}

__device__ static inline slot_node *
far_of(const distance_search &s, int turn)
{
	return turn ? s.far[1] : s.far[0];
}

/* Puts the pieces of rows into the queue of a turn, by whole warps; there: a lane has a node. */
__device__ static inline void
enqueue_near(const distance_search &s, int turn, bool there, uint32_t slot, uint32_t v)
{
	slot_piece *near = near_of(s, turn);

	enqueue_rows((uint64_t) slot << 32 | v, there ? s.out.offsets[v + 1] - s.out.offsets[v] : 0, &s.state->near[turn],
				 [&] (unsigned long long place, uint64_t node, uint32_t number) {
		near[place] = {(uint32_t) (node >> 32), {(uint32_t) node, number}};
	});
}

__global__ static void
start_distances(distance_search s, const uint32_t *sources, int64_t count)
{
	int64_t		slot = global_thread();

	if (slot == 0)
	{
		s.state->limit = s.delta;
		s.state->step = 1;
	}
	if (slot < count)
		s.distance[slot * s.nodes + sources[slot]] = bits_of(0.0);
	enqueue_near(s, 0, slot < count, (uint32_t) slot, slot < count ? sources[slot] : 0);
}

__global__ static void
fill_distances(unsigned long long *distance, int64_t entries)
{
	int64_t		i = global_thread();

	if (i < entries)
		distance[i] = bits_of(INFINITY);
}

/* Relaxes the rows of what is near; a warp for each piece. */
__global__ static void __launch_bounds__(NODE_THREADS)
relax_near(distance_search s)
{
	distance_state *state = s.state;
	int			turn = (int) state->near_turn;
	int			far_turn = (int) state->far_turn;
	unsigned long long pieces = state->near[turn];
	double		limit = state->limit;
	uint32_t	step = state->step;

	if (state->done)
		return;
	for (unsigned long long at = global_thread() / 32; at < pieces; at += (unsigned long long) gridDim.x * NODE_THREADS / 32)
	{
		uint32_t	slot = near_of(s, turn)[at].slot;
		row_piece	piece = near_of(s, turn)[at].piece;
		int64_t		base = slot * s.nodes;
		double		from = length_of(read_bits(&s.distance[base + piece.node]));
		int64_t		begin;
		int64_t		end;

		piece_entries(s.out.offsets, piece, &begin, &end);
		/* a warp stays together for the queues */
		for (; begin < end; begin += 32)
		{
			int64_t		i = begin + threadIdx.x % 32;
			uint32_t	v = i < end ? s.out.neighbors[i] : 0;
			double		sum = i < end ? from + s.out.weights[i] : INFINITY;
			unsigned long long bits = bits_of(sum);
			bool		lower = i < end && sum <= s.max_distance && bits < read_bits(&s.distance[base + v]) &&
				bits < atomicMin(&s.distance[base + v], bits);
			bool		is_near = lower && sum <= limit && atomicExch(&s.stamp[base + v], step) != step;
			bool		is_far = lower && !(sum <= limit) && atomicExch(&s.waits[base + v], 1u) == 0;

			if (!__any_sync(FULL_WARP, lower))
				continue;
			enqueue_near(s, 1 - turn, is_near, slot, v);
			if (__any_sync(FULL_WARP, is_far))
			{
				unsigned long long place = place_for(is_far, &state->far[far_turn]);

				if (is_far)
					far_of(s, far_turn)[place] = {slot, v};
			}
		}
	}
}

__global__ static void
end_near(distance_state *state)
{
	if (state->done)
		return;
	state->near[state->near_turn] = 0;
	state->near_turn = 1 - state->near_turn;
	state->step++;
	state->raise = state->near[state->near_turn] == 0;
	state->done = state->raise && state->far[state->far_turn] == 0;
	state->least = UINT64_MAX;
}

/* The least distance of those that wait and have not been near meanwhile. */
__global__ static void __launch_bounds__(NODE_THREADS)
find_least(distance_search s)
{
	distance_state *state = s.state;
	unsigned long long count = state->far[state->far_turn];
	unsigned long long least = UINT64_MAX;
	unsigned long long limit = bits_of(state->limit);

	if (state->done || !state->raise)
		return;
	for (unsigned long long at = global_thread(); at < count; at += (unsigned long long) gridDim.x * NODE_THREADS)
	{
		slot_node	item = far_of(s, (int) state->far_turn)[at];
		unsigned long long bits = s.distance[item.slot * s.nodes + item.node];

		if (bits > limit)
			least = min(least, bits);
	}
	for (int distance = 16; distance > 0; distance /= 2)
		least = min(least, __shfl_xor_sync(FULL_WARP, least, distance));
	if (threadIdx.x % 32 == 0 && least < UINT64_MAX)
		atomicMin(&state->least, least);
}

/* Who is near now, and who waits on. */
__global__ static void __launch_bounds__(NODE_THREADS)
split_far(distance_search s)
{
	distance_state *state = s.state;
	int			turn = state->far_turn;
	unsigned long long count = state->far[turn];
	unsigned long long limit = bits_of(state->limit);
	unsigned long long next_limit = state->least == UINT64_MAX ? limit : bits_of(length_of(state->least) + s.delta);

	if (state->done || !state->raise)
		return;
	/* by whole warps */
	for (unsigned long long first = global_thread() - threadIdx.x % 32; first < count;
		 first += (unsigned long long) gridDim.x * NODE_THREADS)
	{
		bool		there = first + threadIdx.x % 32 < count;
		slot_node	item = there ? far_of(s, turn)[first + threadIdx.x % 32] : slot_node {0, 0};
		int64_t		entry = item.slot * s.nodes + item.node;
		unsigned long long bits = there ? s.distance[entry] : 0;
		bool		stays = there && bits > next_limit;
		unsigned long long place = place_for(stays, &state->far[1 - turn]);

		if (stays)
			far_of(s, 1 - turn)[place] = item;
		else if (there)
			s.waits[entry] = 0;
		enqueue_near(s, (int) state->near_turn, there && !stays && bits > limit, item.slot, item.node);
	}
}

__global__ static void
end_far(distance_state *state, double delta)
{
	if (state->done || !state->raise)
		return;
	if (state->least != UINT64_MAX)
		state->limit = length_of(state->least) + delta;
	state->far[state->far_turn] = 0;
	state->far_turn = 1 - state->far_turn;
	state->raise = 0;
}

struct entry_length
{
	const double *weights;

	__device__ double operator() (int64_t, uint32_t, int64_t entry) const
	{
		return weights[entry];
	}
};

/* Largest length, and whether one is negative or no number. */
struct find_extremes
{
	const double *weights;
	unsigned long long *extremes;

	__device__ void operator() (int64_t, uint32_t, int64_t entry) const
	{
		double		w = weights[entry];

		if (!(w >= 0 && w < INFINITY))
			extremes[1] = 1;
		else if (w > 0 && bits_of(w) > read_bits(&extremes[0]))
			atomicMax(&extremes[0], bits_of(w));
	}
};

/* Width of a bin; declines what the CPU has to refuse. */
static double
bin_width(rk_cuda_device *device, rk_cuda_graph *g)
{
	int64_t		tiles = tile_count(g->nodes, g->arcs);
	double		largest;
	double		sum = 0;
	unsigned long long found[2] = {0, 0};
	device_array<unsigned long long> extremes;
	device_array<double> parts;

	extremes.allocate(device, 2);
	parts.allocate(device, tiles + 1);
	extremes.fill(0);
	visit_entries(device, &g->out(), g->nodes, g->arcs, find_extremes {g->out().weights.get(), extremes.get()});
	sum_entries(device, &g->out(), g->nodes, g->arcs, entry_length {g->out().weights.get()}, parts.get());
	RK_LAUNCH(reduce_all<NODES_SUM>, 1, NODE_THREADS, device->stream) (parts.get(), tiles, parts.get() + tiles);
	check_launch();
	check(cudaMemcpyAsync(found, extremes.get(), sizeof(found), cudaMemcpyDeviceToHost, device->stream));
	check(cudaMemcpyAsync(&sum, parts.get() + tiles, sizeof(sum), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	memcpy(&largest, &found[0], sizeof(largest));
	if (found[1])
		decline("a length is negative or not finite");
	if (!(largest * (double) g->nodes < INFINITY))
		decline("distances could be out of range");
	/* a warp's worth of arcs from every node in it */
	return g->arcs > 0 ? 32 * (sum / (double) g->arcs) * ((double) g->nodes / (double) g->arcs) : 0;
}

#define DISTANCE_BYTES 56		/* of a node of a search */

/* Searches from so many sources at a time. */
class distance_searches
{
public:
	distance_searches(rk_cuda_device *d, rk_cuda_call *c, int64_t slots, double max_distance)
		: device(d), call(c), g(c->graph), n(c->graph->nodes), batch(d), delta(bin_width(d, c->graph)),
		  farthest(max_distance)
	{
		distance.allocate(device, slots * n);
		stamp.allocate(device, slots * n);
		waits.allocate(device, slots * n);
		state.allocate(device, 1);
		for (int i = 0; i < 2; i++)
		{
			near[i].allocate(device, slots * most_pieces(n, g->arcs));
			far[i].allocate(device, slots * n);
		}
	}

	/* From the sources, in device memory; there remain the distances. */
	void run(const uint32_t *sources, int64_t count)
	{
		/* as many blocks as have room with the registers of relax_near */
		unsigned	grid = (unsigned) (6 * device->multiprocessors);
		cudaStream_t stream = device->stream;
		distance_state now;
		distance_search s = {
			view_of(g->out()), n, distance.get(), stamp.get(), waits.get(), {near[0].get(), near[1].get()},
			{far[0].get(), far[1].get()}, farthest, delta, state.get()
		};

		stamp.fill(0);
		waits.fill(0);
		state.fill(0);
		RK_LAUNCH(fill_distances, blocks_for(count * n, NODE_THREADS), NODE_THREADS, stream) (distance.get(), count * n);
		check_launch();
		RK_LAUNCH(start_distances, blocks_for(count, NODE_THREADS), NODE_THREADS, stream) (s, sources, count);
		check_launch();
		do
		{
			if (stopped(call))
				stop_now();
			batch.run([&] {
				for (int i = 0; i < STEPS; i++)
				{
					RK_LAUNCH(relax_near, grid, NODE_THREADS, stream) (s);
					check_launch();
					RK_LAUNCH(end_near, 1, 1, stream) (s.state);
					check_launch();
					RK_LAUNCH(find_least, grid, NODE_THREADS, stream) (s);
					check_launch();
					RK_LAUNCH(split_far, grid, NODE_THREADS, stream) (s);
					check_launch();
					RK_LAUNCH(end_far, 1, 1, stream) (s.state, s.delta);
					check_launch();
				}
			});
			check(cudaMemcpyAsync(&now, s.state, sizeof(now), cudaMemcpyDeviceToHost, stream));
			check(cudaStreamSynchronize(stream));
		} while (!now.done);
		/* some rows more than once */
		call->usage.bytes_moved += count * (48 * g->arcs + 80 * n);
	}

	/* Their bits are those of float8; by slot and node, INFINITY where one is not reached. */
	device_array<unsigned long long> distance;

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	launch_batch batch;
	double		delta;
	double		farthest;
	device_array<uint32_t> stamp;
	device_array<uint32_t> waits;
	device_array<slot_piece> near[2];
	device_array<slot_node> far[2];
	device_array<distance_state> state;
};

#endif							/* RK_DISTANCES_CUH */

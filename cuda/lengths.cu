/*
 * lengths.cu
 *	  Shortest paths by length from one node, as
 *	  src/graph/paths/shortest_path_delta.c.
 *
 * Delta-stepping with two bins (Davidson, Baxter, Garland, Owens 2014): nodes up
 * to a distance are near and have their rows relaxed, those beyond wait.  When
 * nothing is near, the limit rises above the least distance that waits.
 * Distances are the least solution of d[v] = min(d[u] + w), whatever the order
 * of the steps; as numbers >= 0 their bits are lowered by atomic minima.  Hops
 * and predecessors come from a search over the arcs that are tight.
 *
 * The device itself decides between the steps, of which STEPS are one launch
 * graph; those behind the last return at once.
 */
#include <cstring>

#include "batch.cuh"
#include "levels.cuh"
#include "nodes.cuh"
#include "tiles.cuh"

#define STEPS 8					/* between two looks of the host */
#define MAX_LEVELS 65536

typedef struct length_state
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
} length_state;

struct length_search
{
	device_adjacency_view out;
	unsigned long long *distance;	/* bits */
	uint32_t   *stamp;			/* the step that a node was put into the next queue */
	uint32_t   *waits;			/* it is in the list of those that wait */
	row_piece  *near[2];
	uint32_t   *far[2];
	double		max_distance;
	double		delta;
	length_state *state;
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

__global__ static void
start_lengths(length_search s, int64_t nodes, uint32_t source)
{
	int64_t		v = global_thread();

	if (v < nodes)
		s.distance[v] = bits_of(v == source ? 0.0 : INFINITY);
	if (v == source)
	{
		s.state->limit = s.delta;
		s.state->step = 1;
		enqueue(s.out.offsets, source, s.near[0], &s.state->near[0]);
	}
}

/* Relaxes the rows of what is near; a warp for each piece. */
__global__ static void __launch_bounds__(NODE_THREADS)
relax_near(length_search s)
{
	length_state *state = s.state;
	int			turn = state->near_turn;
	unsigned long long pieces = state->near[turn];
	double		limit = state->limit;
	uint32_t	step = state->step;

	if (state->done)
		return;
	for (unsigned long long at = global_thread() / 32; at < pieces; at += (unsigned long long) gridDim.x * NODE_THREADS / 32)
	{
		row_piece	piece = s.near[turn][at];
		double		from = length_of(read_bits(&s.distance[piece.node]));
		int64_t		begin;
		int64_t		end;

		piece_entries(s.out.offsets, piece, &begin, &end);
		for (int64_t i = begin + threadIdx.x % 32; i < end; i += 32)
		{
			uint32_t	v = s.out.neighbors[i];
			double		sum = from + s.out.weights[i];
			unsigned long long bits = bits_of(sum);

			if (sum > s.max_distance || bits >= read_bits(&s.distance[v]) || bits >= atomicMin(&s.distance[v], bits))
				continue;
			if (sum <= limit)
			{
				if (atomicExch(&s.stamp[v], step) != step)
					enqueue(s.out.offsets, v, s.near[1 - turn], &state->near[1 - turn]);
			}
			else if (atomicExch(&s.waits[v], 1u) == 0)
				s.far[state->far_turn][atomicAdd(&state->far[state->far_turn], 1ull)] = v;
		}
	}
}

__global__ static void
end_near(length_state *state)
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
find_least(length_search s)
{
	length_state *state = s.state;
	unsigned long long count = state->far[state->far_turn];
	unsigned long long least = UINT64_MAX;
	unsigned long long limit = bits_of(state->limit);

	if (state->done || !state->raise)
		return;
	for (unsigned long long at = global_thread(); at < count; at += (unsigned long long) gridDim.x * NODE_THREADS)
	{
		unsigned long long bits = s.distance[s.far[state->far_turn][at]];

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
split_far(length_search s)
{
	length_state *state = s.state;
	int			turn = state->far_turn;
	unsigned long long count = state->far[turn];
	unsigned long long limit = bits_of(state->limit);
	unsigned long long next_limit = state->least == UINT64_MAX ? limit : bits_of(length_of(state->least) + s.delta);

	if (state->done || !state->raise)
		return;
	for (unsigned long long at = global_thread(); at < count; at += (unsigned long long) gridDim.x * NODE_THREADS)
	{
		uint32_t	v = s.far[turn][at];
		unsigned long long bits = s.distance[v];

		if (bits > next_limit)
		{
			s.far[1 - turn][atomicAdd(&state->far[1 - turn], 1ull)] = v;
			continue;
		}
		s.waits[v] = 0;
		if (bits > limit)
			enqueue(s.out.offsets, v, s.near[state->near_turn], &state->near[state->near_turn]);
	}
}

__global__ static void
end_far(length_state *state, double delta)
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

void
run_lengths(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_length_params *p = (const rk_cuda_length_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	unsigned	grid = (unsigned) (4 * device->multiprocessors);
	cudaStream_t stream = device->stream;
	length_state now;
	length_search s;
	device_array<unsigned long long> distance;
	device_array<uint32_t> hops;
	device_array<uint32_t> predecessor;

	if (n == 0 || !g->out().present() || !g->out().weighted() || p == nullptr || call->params_bytes != sizeof(*p) ||
		p->source >= n || !(p->max_distance >= 0) || call->output[0].bytes != n * (int64_t) sizeof(double) ||
		call->output[1].bytes != n * (int64_t) sizeof(uint32_t) ||
		call->output[2].bytes != n * (int64_t) sizeof(uint32_t))
		decline("arrays of another shape than a search by length has");
	distance.allocate(device, n);
	hops.allocate(device, n);
	predecessor.allocate(device, n);

	kernel_timer timer(device, &call->usage);
	double		delta = bin_width(device, g);

	{
		device_array<uint32_t> stamp;
		device_array<uint32_t> waits;
		device_array<row_piece> near[2];
		device_array<uint32_t> far[2];
		device_array<length_state> state;
		launch_batch batch(device);

		stamp.allocate(device, n);
		waits.allocate(device, n);
		state.allocate(device, 1);
		stamp.fill(0);
		waits.fill(0);
		state.fill(0);
		for (int i = 0; i < 2; i++)
		{
			near[i].allocate(device, most_pieces(n, g->arcs));
			far[i].allocate(device, n);
		}
		s = {
			view_of(g->out()), distance.get(), stamp.get(), waits.get(), {near[0].get(), near[1].get()},
			{far[0].get(), far[1].get()}, p->max_distance, delta, state.get()
		};
		RK_LAUNCH(start_lengths, blocks_for(n, NODE_THREADS), NODE_THREADS, stream) (s, n, p->source);
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
	}
	/* some rows more than once */
	call->usage.bytes_moved += 48 * g->arcs + 80 * n;
	search_levels(device, call, p->source, n, MAX_LEVELS, (const double *) distance.get(), hops.get(), predecessor.get());
	timer.stop();
	distance.store((unsigned long long *) call->output[0].data, &call->usage);
	hops.store((uint32_t *) call->output[1].data, &call->usage);
	predecessor.store((uint32_t *) call->output[2].data, &call->usage);
	check(cudaStreamSynchronize(stream));
}

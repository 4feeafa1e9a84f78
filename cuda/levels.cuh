/*
 * levels.cuh
 *	  Breadth-first search, level by level: hops and predecessors.
 *
 * DOWN		From queues of pieces of rows.  Who finds a node first puts its pieces
 *			into the next queue; everybody who finds it on that level lowers its
 *			predecessor by an atomic minimum.  So hops and predecessors do not
 *			depend on the order.  Over tight arcs only, those are the ones of
 *			shortest paths.
 * UP		When the level has a large part of the arcs that are left, nodes that
 *			were not found look for a neighbour on it instead, in a bitmap (Beamer,
 *			Asanovic, Patterson 2012).  Rows rise, so the first one that is there is
 *			the predecessor, and the rest is not read.  A thread looks at the first
 *			entries of a row; longer ones go through a queue of pieces.
 *
 * Each level costs a look by the host: a graph with more levels than the caller
 * wants is left to the CPU.
 */
#ifndef RK_LEVELS_CUH
#define RK_LEVELS_CUH

#include "pieces.cuh"

#define LEVEL_THREADS 256
#define NO_NODE UINT32_MAX
#define UP_ARCS 14				/* up when a level has one of so many arcs that are left, */
#define UP_NODES 32				/* and one for so many nodes, as all of them are looked at */
#define DOWN_NODES 24			/* and down when it has less than one of so many nodes */
#ifdef RK_CUDA_ON_HOST
#define OWN_LOOKS 3				/* so that rows of small graphs are longer */
#else
#define OWN_LOOKS 32			/* entries of a row that a thread looks at */
#endif

/* Of a level. */
struct level_state
{
	unsigned long long pieces;	/* in its queue */
	unsigned long long nodes;
	unsigned long long entries; /* of their rows */
	unsigned long long left;	/* pieces that threads did not look at */
};

__global__ static void
start_search(const int64_t *offsets, uint32_t source, uint32_t *hops, row_piece *queue, level_state *state)
{
	if (threadIdx.x == 0)
	{
		hops[source] = 0;
		state->nodes = 1;
		state->entries = (unsigned long long) (offsets[source + 1] - offsets[source]);
	}
	enqueue_nodes(offsets, threadIdx.x == 0, source, queue, &state->pieces);
}

/* Adds what the lanes of a warp found. */
__device__ static inline void
add_found(level_state *state, uint32_t nodes, unsigned long long entries)
{
	nodes = warp_sum(nodes);
	entries = warp_sum(entries);
	if (threadIdx.x % 32 == 0 && nodes > 0)
	{
		atomicAdd(&state->nodes, (unsigned long long) nodes);
		atomicAdd(&state->entries, entries);
	}
}

/* TIGHT: only over arcs that a shortest path may go. */
template <bool TIGHT> __global__ static void __launch_bounds__(LEVEL_THREADS)
expand(const int64_t *__restrict__ offsets, const uint32_t *__restrict__ neighbors,
	   const double *__restrict__ weights, const double *__restrict__ distance, const row_piece *queue,
	   const level_state *state, uint32_t next_level, uint32_t *hops, uint32_t *predecessor, row_piece *next,
	   level_state *next_state)
{
	unsigned long long pieces = state->pieces;
	uint32_t	nodes = 0;
	unsigned long long entries = 0;

	for (unsigned long long at = global_thread() / 32; at < pieces;
		 at += (unsigned long long) gridDim.x * LEVEL_THREADS / 32)
	{
		uint32_t	u = queue[at].node;
		int64_t		from;
		int64_t		to;

		piece_entries(offsets, queue[at], &from, &to);
		/* a warp stays together for the queue */
		for (; from < to; from += 32)
		{
			int64_t		i = from + threadIdx.x % 32;
			bool		there = i < to;
			uint32_t	v = there ? neighbors[i] : 0;
			int64_t		row = 0;
			bool		first = false;

			if (TIGHT && there)
				there = distance[u] + weights[i] == distance[v];
			if (there)
			{
				uint32_t	level = *(volatile uint32_t *) &hops[v];

				if (level == NO_NODE)
				{
					level = atomicCAS(&hops[v], NO_NODE, next_level);
					first = level == NO_NODE;
				}
				if (first || level == next_level)
					atomicMin(&predecessor[v], u);
			}
			if (first)
				row = offsets[v + 1] - offsets[v];
			nodes += first;
			entries += row;
			enqueue_rows(v, row, &next_state->pieces, [&] (unsigned long long place, uint32_t node, uint32_t number) {
				next[place] = {node, number};
			});
		}
	}
	add_found(next_state, nodes, entries);
}

/* Bits of the nodes of a level; whole words are written. */
__global__ static void __launch_bounds__(LEVEL_THREADS)
mark_level(int64_t nodes, const uint32_t *hops, uint32_t level, uint32_t *bits)
{
	int64_t		v = global_thread();
	unsigned	word = __ballot_sync(FULL_WARP, v < nodes && hops[v] == level);

	if (threadIdx.x % 32 == 0 && v < nodes)
		bits[v / 32] = word;
}

/* A queue of them. */
__global__ static void __launch_bounds__(LEVEL_THREADS)
queue_level(const int64_t *offsets, int64_t nodes, const uint32_t *hops, uint32_t level, row_piece *queue, level_state *state)
{
	int64_t		v = global_thread();

	enqueue_nodes(offsets, v < nodes && hops[v] == level, (uint32_t) v, queue, &state->pieces);
}

__device__ static inline bool
is_marked(const uint32_t *bits, uint32_t u)
{
	return bits[u / 32] >> u % 32 & 1;
}

/*
 * Nodes that were not found look for a neighbour on the level; in: rows of
 * predecessors.  Who has not seen one at the beginning of a longer row is queued.
 */
__global__ static void __launch_bounds__(LEVEL_THREADS)
look_up_nodes(const int64_t *__restrict__ out_offsets, device_adjacency_view in, int64_t nodes,
			  const uint32_t *__restrict__ bits, uint32_t next_level, uint32_t *hops, uint32_t *predecessor,
			  uint32_t *next_bits, row_piece *queue, level_state *next_state)
{
	int64_t		v = global_thread();
	bool		there = v < nodes && hops[v] == NO_NODE;
	int64_t		from = there ? in.offsets[v] : 0;
	int64_t		to = there ? in.offsets[v + 1] : 0;
	uint32_t	found = NO_NODE;
	unsigned	word;

	for (int64_t i = from; i < min(from + OWN_LOOKS, to) && found == NO_NODE; i++)
		if (is_marked(bits, in.neighbors[i]))
			found = in.neighbors[i];
	if (found != NO_NODE)
	{
		hops[v] = next_level;
		predecessor[v] = found;
	}
	word = __ballot_sync(FULL_WARP, found != NO_NODE);
	if (threadIdx.x % 32 == 0 && v < nodes)
		next_bits[v / 32] = word;
	enqueue_nodes(in.offsets, found == NO_NODE && to - from > OWN_LOOKS, (uint32_t) v, queue, &next_state->left);
	add_found(next_state, found != NO_NODE,
			  found != NO_NODE ? (unsigned long long) (out_offsets[v + 1] - out_offsets[v]) : 0);
}

/* The same for the pieces of longer rows. */
__global__ static void __launch_bounds__(LEVEL_THREADS)
look_up_pieces(const int64_t *__restrict__ out_offsets, device_adjacency_view in, const uint32_t *__restrict__ bits,
			   uint32_t next_level, uint32_t *hops, uint32_t *predecessor, uint32_t *next_bits, const row_piece *queue,
			   level_state *next_state)
{
	unsigned long long pieces = next_state->left;
	int			lane = threadIdx.x % 32;

	for (unsigned long long at = global_thread() / 32; at < pieces;
		 at += (unsigned long long) gridDim.x * LEVEL_THREADS / 32)
	{
		uint32_t	v = queue[at].node;
		uint32_t	before = *(volatile uint32_t *) &predecessor[v];
		unsigned	hit = 0;
		int64_t		from;
		int64_t		to;

		piece_entries(in.offsets, queue[at], &from, &to);
		/* another piece, of smaller nodes, may have one; all lanes shall think the same */
		before = __shfl_sync(FULL_WARP, before, 0);
		if (before < in.neighbors[from])
			continue;
		for (; from < to && hit == 0; from += 32)
		{
			int64_t		i = from + lane;
			uint32_t	u = i < to ? in.neighbors[i] : 0;

			hit = __ballot_sync(FULL_WARP, i < to && is_marked(bits, u));
			if (hit != 0 && lane == __ffs((int) hit) - 1)
			{
				atomicMin(&predecessor[v], u);
				if (atomicCAS(&hops[v], NO_NODE, next_level) == NO_NODE)
				{
					atomicOr(&next_bits[v / 32], 1u << v % 32);
					atomicAdd(&next_state->nodes, 1ull);
					atomicAdd(&next_state->entries, (unsigned long long) (out_offsets[v + 1] - out_offsets[v]));
				}
			}
		}
	}
}

/*
 * Searches from source; hops and predecessor: nodes values each, NO_NODE where
 * there is none.  distance: of all nodes in device memory, finite where they are
 * reached; NULL: every arc counts.
 */
class level_search
{
public:
	level_search(rk_cuda_device *d, rk_cuda_call *c, const double *lengths, uint32_t *found, uint32_t *before)
		: device(d), call(c), g(c->graph), n(c->graph->nodes), distance(lengths), hops(found), predecessor(before),
		  out(view_of(c->graph->out())) {}

	void run(uint32_t source, int64_t max_hops, int64_t max_levels)
	{
		level_state now = {};
		int64_t		unseen = n;
		int64_t		arcs_left = g->arcs;
		unsigned long long nodes_before = 0;

		start(source);
		for (int64_t level = 0; level < max_hops; level++)
		{
			check(cudaMemcpyAsync(&now, state.get() + turn, sizeof(now), cudaMemcpyDeviceToHost, device->stream));
			check(cudaStreamSynchronize(device->stream));
			if (now.nodes == 0 || now.entries == 0)
				break;
			if (level == max_levels)
				decline("the graph is too deep");
			if (stopped(call))
				stop_now();
			unseen -= (int64_t) now.nodes;
			arcs_left -= (int64_t) now.entries;
			turn_around((uint32_t) level, now, arcs_left, now.nodes < nodes_before);
			nodes_before = now.nodes;
			check(cudaMemsetAsync(state.get() + (1 - turn), 0, sizeof(level_state), device->stream));
			if (up)
			{
				look_up((uint32_t) (level + 1));
				/* a neighbour or two of what is left; what is in a bitmap, or hops, is mostly in the cache */
				call->usage.bytes_moved += 8 * n + 44 * unseen;
			}
			else
			{
				go_down((uint32_t) (level + 1), now);
				call->usage.bytes_moved += (distance ? 28 : 12) * (int64_t) now.entries + 24 * (int64_t) now.nodes;
			}
			turn = 1 - turn;
		}
		call->usage.bytes_moved += 8 * n;
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	const double *distance;
	uint32_t   *hops;
	uint32_t   *predecessor;
	device_adjacency_view out;
	device_array<row_piece> queue[2];
	device_array<uint32_t> bits[2];
	device_array<level_state> state;	/* of this level and the next */
	int			turn = 0;
	int			marked = 0;				/* which bits are this level's */
	bool		up = false;

	cudaStream_t stream() const { return device->stream; }
	unsigned	blocks() const { return blocks_for(n, LEVEL_THREADS); }
	/* for queues whose length is on the device */
	unsigned	most_blocks() const { return (unsigned) (8 * device->multiprocessors); }

	void start(uint32_t source)
	{
		for (int i = 0; i < 2; i++)
			queue[i].allocate(device, most_pieces(n, g->arcs));
		state.allocate(device, 2);
		state.fill(0);
		check(cudaMemsetAsync(hops, 0xff, n * sizeof(uint32_t), stream()));
		check(cudaMemsetAsync(predecessor, 0xff, n * sizeof(uint32_t), stream()));
		RK_LAUNCH(start_search, 1, 32, stream()) (out.offsets, source, hops, queue[0].get(), state.get());
		check_launch();
	}

	/* Chooses the direction, and has what it starts from. */
	void turn_around(uint32_t level, const level_state &now, int64_t arcs_left, bool shrinks)
	{
		if (!up && distance == nullptr && g->in().present() && (int64_t) now.entries > arcs_left / UP_ARCS &&
			(int64_t) now.entries > n / UP_NODES)
		{
			for (int i = 0; i < 2; i++)
				if (bits[i].get() == nullptr)
					bits[i].allocate(device, (n + 31) / 32);
			RK_LAUNCH(mark_level, blocks(), LEVEL_THREADS, stream()) (n, hops, level, bits[marked].get());
			check_launch();
			up = true;
		}
		else if (up && shrinks && (int64_t) now.nodes < n / DOWN_NODES)
		{
			RK_LAUNCH(queue_level, blocks(), LEVEL_THREADS, stream())
				(out.offsets, n, hops, level, queue[turn].get(), state.get() + turn);
			check_launch();
			up = false;
		}
	}

	void look_up(uint32_t next_level)
	{
		device_adjacency_view in = view_of(g->in());

		RK_LAUNCH(look_up_nodes, blocks(), LEVEL_THREADS, stream())
			(out.offsets, in, n, bits[marked].get(), next_level, hops, predecessor, bits[1 - marked].get(),
			 queue[1 - turn].get(), state.get() + (1 - turn));
		check_launch();
		RK_LAUNCH(look_up_pieces, most_blocks(), LEVEL_THREADS, stream())
			(out.offsets, in, bits[marked].get(), next_level, hops, predecessor, bits[1 - marked].get(),
			 queue[1 - turn].get(), state.get() + (1 - turn));
		check_launch();
		marked = 1 - marked;
	}

	void go_down(uint32_t next_level, const level_state &now)
	{
		int64_t		pieces = (int64_t) (now.nodes + now.entries / PIECE);
		unsigned	grid = min(blocks_for(pieces * 32, LEVEL_THREADS), most_blocks());

		if (distance)
			RK_LAUNCH(expand<true>, grid, LEVEL_THREADS, stream())
				(out.offsets, out.neighbors, out.weights, distance, queue[turn].get(), state.get() + turn, next_level,
				 hops, predecessor, queue[1 - turn].get(), state.get() + (1 - turn));
		else
			RK_LAUNCH(expand<false>, grid, LEVEL_THREADS, stream())
				(out.offsets, out.neighbors, out.weights, distance, queue[turn].get(), state.get() + turn, next_level,
				 hops, predecessor, queue[1 - turn].get(), state.get() + (1 - turn));
		check_launch();
	}
};

#endif							/* RK_LEVELS_CUH */

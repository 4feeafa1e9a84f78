/*
 * labels.cu
 *	  Label propagation, as src/graph/community/label_propagation.c: the same
 *	  labels, bit for bit.
 *
 * COLOURS	A node takes the smallest colour that none of the neighbours before it
 *			in the order of hashes has.  That needs no order but this: a node is
 *			ready when all neighbours before it have a colour (Jones and Plassmann
 *			1993), and whoever takes one makes others ready.
 * ROUNDS	The nodes of a class have no edges between them, so that they decide at
 *			once.  Lists of nodes by class and length of row are made once, and a
 *			round over all classes is one launch graph.
 * DECIDING	Sums of weights by label.  Up to 32 entries: every thread of a group
 *			has one, and all compare with all.  Beyond: hash tables
 *			(row_tables.cuh), whose sums have the bits of the CPU's.
 *
 * Directed graphs: rows of both directions are merged on the device, and the
 * weights of a reciprocal pair added, as the CPU does.
 */
#include <cstring>

#include "../src/compute/random.h"
#include "batch.cuh"
#include "nodes.cuh"
#include "row_sums.cuh"
#include "row_tables.cuh"
#include "scan.cuh"

#define NONE UINT32_MAX
#define BINS 4					/* by length of row: */
#define SHORT_GROUP 8			/* up to 8 entries, up to 32, up to MEDIUM */
#define COLOUR_THREADS 128
#define COLOUR_LEVELS 16		/* between two looks of the host */
#define COLOURS 1024			/* looked at in one pass over a row */

/* rk_label_variant of the CPU engine. */
enum
{
	SEMI_SYNCHRONOUS,
	CDLP
};

/* Symmetric rows, rising; entries of weight 0 join nothing. */
struct label_rows
{
	const int64_t *offsets;
	const uint32_t *neighbors;
	const double *weights;		/* NULL: all 1 */
};

struct label_round
{
	label_rows	rows;
	uint32_t   *label;			/* NONE: none yet */
	uint32_t   *next;			/* where to; NULL: label itself */
	const uint64_t *rank;		/* by label: the smaller wins a tie; NULL: all alike */
	uint8_t    *active;			/* NULL: all nodes decide */
	const uint8_t *fixed;
	unsigned long long *changes;
};

/* ---- one decision ---- */

struct candidate
{
	double		sum;			/* 0: there is none */
	uint64_t	rank;
	uint32_t	label;

	__device__ void take_better(const candidate &b)
	{
		if (b.sum > sum || (b.sum == sum && (b.rank < rank || (b.rank == rank && b.label < label))))
			*this = b;
	}

	__device__ candidate of_lane(int distance) const
	{
		return {__shfl_xor_sync(FULL_WARP, sum, distance), __shfl_xor_sync(FULL_WARP, rank, distance),
				__shfl_xor_sync(FULL_WARP, label, distance)};
	}
};

__device__ static inline candidate
make_candidate(const label_round &r, uint32_t label, double sum)
{
	candidate	c = {0, UINT64_MAX, NONE};

	if (label != NONE)
		c = {sum, r.rank ? r.rank[label] : 0, label};
	return c;
}

/* Whether a node has its turn.  The caller clears "active" behind a barrier. */
__device__ static inline bool
has_turn(const label_round &r, uint32_t v)
{
	return (r.active == nullptr || r.active[v]) && (r.fixed == nullptr || !r.fixed[v]);
}

/* What an entry counts for: NONE, nothing. */
__device__ static inline uint32_t
label_of_entry(const label_round &r, uint32_t v, int64_t entry, double *weight)
{
	uint32_t	u = r.rows.neighbors[entry];

	*weight = r.rows.weights ? r.rows.weights[entry] : 1;
	return u == v || *weight == 0 ? NONE : r.label[u];
}

__device__ static inline uint32_t
settle(const label_round &r, const candidate &best, uint32_t own, double own_sum)
{
	if (best.sum == 0 || (r.rank && own_sum == best.sum))
		return own;
	return best.label;
}

/*
 * Writes a decision and wakes the neighbours it matters for; thread of width
 * threads.  Returns whether it is a change.
 */
__device__ static inline bool
publish(const label_round &r, uint32_t v, uint32_t own, uint32_t c, int thread, int width)
{
	if (r.next)
	{
		if (thread == 0)
			r.next[v] = c;
		return c != own;
	}
	if (c == own)
		return false;
	for (int64_t e = r.rows.offsets[v] + thread; e < r.rows.offsets[v + 1]; e += width)
	{
		uint32_t	u = r.rows.neighbors[e];

		/* a loop wakes its node, whose label is the old one still */
		if (u == v || r.label[u] != c)
			r.active[u] = 1;
	}
	if (thread == 0)
		r.label[v] = c;
	return true;
}

/* Rows of up to GROUP entries; a group of lanes for each. */
template <int GROUP> __global__ static void __launch_bounds__(NODE_THREADS)
decide_short(label_round r, const uint32_t *list, int64_t count)
{
	int64_t		at = global_thread() / GROUP;
	int			lane = threadIdx.x % 32;
	int			first = lane / GROUP * GROUP;
	uint32_t	v = at < count ? list[at] : 0;
	bool		turn = at < count && has_turn(r, v);
	int64_t		entry = turn ? r.rows.offsets[v] + (lane - first) : 0;
	uint32_t	own = turn ? r.label[v] : NONE;
	uint32_t	label = NONE;
	double		weight = 0;
	double		sum = 0;
	double		own_sum = 0;
	candidate	best;
	int			changed = 0;

	__syncwarp();
	if (at < count && lane == first && r.active)
		r.active[v] = 0;
	if (turn && entry < r.rows.offsets[v + 1])
		label = label_of_entry(r, v, entry, &weight);
	__syncwarp();
	for (int j = 0; j < GROUP; j++)
	{
		uint32_t	other = __shfl_sync(FULL_WARP, label, first + j);
		double		w = __shfl_sync(FULL_WARP, weight, first + j);

		if (other == label)
			sum += w;
		if (other == own)
			own_sum += w;
	}
	best = best_of_lanes<GROUP>(make_candidate(r, label, sum));
	if (turn)
	{
		uint32_t	c = settle(r, best, own, own == NONE ? 0 : own_sum);

		changed = publish(r, v, own, c, lane - first, GROUP) && lane == first;
	}
	changed = block_sum<int, NODE_THREADS>(changed);
	if (threadIdx.x == 0 && changed > 0)
		atomicAdd(r.changes, (unsigned long long) changed);
}

/*
 * Decides for a row with a table, which is empty before and afterwards; WIDTH
 * threads do it, 32 or LONG_THREADS.  ORDERED: sums by the order of entries, for
 * a warp only.  Returns the label in every thread.
 */
template <int WIDTH, bool ORDERED> __device__ static inline uint32_t
decide_row(const label_round &r, uint32_t v, uint32_t own, uint32_t *keys, double *sums, uint32_t slots)
{
	candidate	best;
	double		own_sum;

	add_row<WIDTH, ORDERED>(r.rows.offsets[v], r.rows.offsets[v + 1], r.rows.weights == nullptr,
							[&] (int64_t entry, double *weight) { return label_of_entry(r, v, entry, weight); },
							keys, sums, slots);
	best = best_of_table<WIDTH>(keys, sums, slots, own, candidate {0, UINT64_MAX, NONE},
								[&] (uint32_t label, double sum) { return make_candidate(r, label, sum); }, &own_sum);
	return settle(r, best, own, own_sum);
}

/* Rows of up to MEDIUM entries; a warp for each. */
__global__ static void __launch_bounds__(MEDIUM_THREADS)
decide_medium(label_round r, const uint32_t *list, int64_t count)
{
	__shared__ uint32_t keys[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
	__shared__ double sums[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
	int64_t		at = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	uint32_t	v = at < count ? list[at] : 0;
	bool		turn = at < count && has_turn(r, v);
	int			changed = 0;

	__syncwarp();
	if (at < count && lane == 0 && r.active)
		r.active[v] = 0;
	if (turn)
	{
		uint32_t	own = r.label[v];
		uint32_t	c;

		for (int s = lane; s < MEDIUM_SLOTS; s += 32)
		{
			keys[warp][s] = NONE;
			sums[warp][s] = 0;
		}
		__syncwarp();
		c = decide_row<32, true>(r, v, own, keys[warp], sums[warp], MEDIUM_SLOTS);
		changed = publish(r, v, own, c, lane, 32) && lane == 0;
	}
	changed = block_sum<int, MEDIUM_THREADS>(changed);
	if (threadIdx.x == 0 && changed > 0)
		atomicAdd(r.changes, (unsigned long long) changed);
}

/*
 * Longer rows, WIDTH threads for each; place: of the tables of all nodes in
 * lists, of which those of this list begin at place[0].
 */
template <int WIDTH> __global__ static void __launch_bounds__(LONG_THREADS)
decide_long(label_round r, const uint32_t *list, int64_t count, const int64_t *place, uint32_t *keys, double *sums)
{
	int64_t		at = global_thread() / WIDTH;
	uint32_t	v = at < count ? list[at] : 0;
	bool		turn = at < count && has_turn(r, v);
	uint32_t	own;
	uint32_t	c;

	if (WIDTH == 32)
		__syncwarp();
	else
		__syncthreads();
	if (at < count && threadIdx.x % WIDTH == 0 && r.active)
		r.active[v] = 0;
	if (!turn)
		return;
	own = r.label[v];
	c = decide_row<WIDTH, WIDTH == 32>(r, v, own, keys + (place[at] - place[0]), sums + (place[at] - place[0]),
									   slots_for(r.rows.offsets[v + 1] - r.rows.offsets[v]));
	if (publish(r, v, own, c, threadIdx.x % WIDTH, WIDTH) && threadIdx.x % WIDTH == 0)
		atomicAdd(r.changes, 1ull);
}

/* ---- colours ---- */

struct colour_state
{
	unsigned long long queued;
	unsigned long long begin;	/* of this level */
	unsigned long long end;
	uint32_t	classes;
};

/* Whether u chooses before v. */
__device__ static inline bool
chooses_before(uint64_t start, uint32_t u, uint32_t v)
{
	uint64_t	a = rk_hash_fold(start, u);
	uint64_t	b = rk_hash_fold(start, v);

	return a > b || (a == b && u < v);
}

/* How many neighbours choose before a node; a warp for each. */
__global__ static void
count_before(label_rows rows, int64_t nodes, uint64_t start, uint32_t *pending, uint32_t *queue, colour_state *state)
{
	int64_t		v = global_thread() / 32;
	uint32_t	count = 0;

	if (v >= nodes)
		return;
	for (int64_t e = rows.offsets[v] + threadIdx.x % 32; e < rows.offsets[v + 1]; e += 32)
		count += rows.neighbors[e] != v && chooses_before(start, rows.neighbors[e], (uint32_t) v);
	count = warp_sum(count);
	if (threadIdx.x % 32 != 0)
		return;
	pending[v] = count;
	if (count == 0)
		queue[atomicAdd(&state->queued, 1ull)] = (uint32_t) v;
}

__global__ static void
next_colour_level(colour_state *state)
{
	state->begin = state->end;
	state->end = state->queued;
}

/* Colours the nodes of a level and makes others ready; a warp for each. */
__global__ static void __launch_bounds__(COLOUR_THREADS)
colour_level(label_rows rows, uint32_t *pending, uint32_t *colour, uint32_t *queue, colour_state *state)
{
	__shared__ uint32_t taken[COLOUR_THREADS / 32][COLOURS / 32];
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	unsigned long long end = state->end;

	for (unsigned long long at = state->begin + global_thread() / 32; at < end;
		 at += (unsigned long long) gridDim.x * (COLOUR_THREADS / 32))
	{
		uint32_t	v = queue[at];
		int64_t		from = rows.offsets[v] + lane;
		int64_t		to = rows.offsets[v + 1];
		uint32_t	mine = NONE;

		for (uint32_t window = 0; mine == NONE; window += COLOURS)
		{
			unsigned	with_room;
			uint32_t	word;

			taken[warp][lane] = 0;
			__syncwarp();
			for (int64_t e = from; e < to; e += 32)
			{
				uint32_t	u = rows.neighbors[e];
				uint32_t	c = u == v ? NONE : *(volatile uint32_t *) &colour[u];

				if (c != NONE && c - window < COLOURS)
					atomicOr(&taken[warp][(c - window) / 32], 1u << (c - window) % 32);
			}
			__syncwarp();
			with_room = __ballot_sync(FULL_WARP, taken[warp][lane] != UINT32_MAX);
			if (with_room)
			{
				int			l = __ffs((int) with_room) - 1;

				word = taken[warp][l];
				mine = window + 32 * l + __ffs((int) ~word) - 1;
			}
			__syncwarp();
		}
		for (int64_t e = from; e < to; e += 32)
		{
			uint32_t	u = rows.neighbors[e];

			/* those without a colour choose later */
			if (u != v && *(volatile uint32_t *) &colour[u] == NONE && atomicAdd(&pending[u], UINT32_MAX) == 1)
				queue[atomicAdd(&state->queued, 1ull)] = u;
		}
		if (lane == 0)
		{
			*(volatile uint32_t *) &colour[v] = mine;
			if (mine >= *(volatile uint32_t *) &state->classes)
				atomicMax(&state->classes, mine + 1);
		}
		__syncwarp();
	}
}

/* ---- lists ---- */

__device__ static inline uint32_t
bin_of(const label_rows &rows, int64_t v)
{
	int64_t		entries = rows.offsets[v + 1] - rows.offsets[v];

	return entries <= SHORT_GROUP ? 0 : entries <= 32 ? 1 : entries <= MEDIUM ? 2 : 3;
}

/* Counts the nodes of every list, or, with list, puts them there. */
__global__ static void
list_nodes(label_rows rows, int64_t nodes, const uint32_t *colour, uint32_t *counts, unsigned long long *place,
		   uint32_t *list)
{
	int64_t		v = global_thread();
	uint32_t	key = v < nodes ? (colour ? colour[v] : 0) * BINS + bin_of(rows, v) : NONE;
	int			lane = threadIdx.x % 32;
	unsigned	same = __match_any_sync(FULL_WARP, key);
	int			leader = __ffs((int) same) - 1;
	unsigned long long begin = 0;

	if (key != NONE && lane == leader)
	{
		if (list == nullptr)
			atomicAdd(&counts[key], (uint32_t) __popc(same));
		else
			begin = atomicAdd(&place[key], (unsigned long long) __popc(same));
	}
	begin = __shfl_sync(FULL_WARP, begin, leader);
	if (list && key != NONE)
		list[begin + __popc(same & ((1u << lane) - 1))] = (uint32_t) v;
}

__global__ static void
count_slots(label_rows rows, int64_t nodes, const uint32_t *list, uint32_t *slots)
{
	int64_t		i = global_thread();

	if (i < nodes)
		slots[i] = bin_of(rows, list[i]) == 3 ? slots_for(rows.offsets[list[i] + 1] - rows.offsets[list[i]]) : 0;
}

/* The most slots that the long rows of one class need. */
__global__ static void
largest_tables(const int64_t *lists, int64_t classes, const int64_t *place, unsigned long long *most)
{
	int64_t		c = global_thread();

	if (c < classes)
		atomicMax(most, (unsigned long long) (place[lists[c * BINS + 4]] - place[lists[c * BINS + 3]]));
}

/* ---- rows of both directions ---- */

/* How many of a rising row are below w, or, with equal, not above it. */
__device__ static inline int64_t
rank_in_row(const uint32_t *row, int64_t length, uint32_t w, bool equal)
{
	int64_t		low = 0;

	while (length > 0)
	{
		int64_t		half = length / 2;

		if (row[low + half] < w || (equal && row[low + half] == w))
		{
			low += half + 1;
			length -= half + 1;
		}
		else
			length = half;
	}
	return low;
}

/*
 * Places the entries of one direction among those of the other.  Of a pair the
 * outgoing one has the weight of both, and the other one none.
 */
struct merge_entry
{
	device_adjacency_view own;
	device_adjacency_view other;
	bool		outgoing;
	uint32_t   *neighbors;
	double	   *weights;

	__device__ void operator() (int64_t row, uint32_t u, int64_t entry) const
	{
		const uint32_t *others = other.neighbors + other.offsets[row];
		int64_t		length = other.offsets[row + 1] - other.offsets[row];
		int64_t		before = rank_in_row(others, length, u, !outgoing);
		int64_t		pair = outgoing ? before : before - 1;
		bool		paired = pair >= 0 && pair < length && others[pair] == u;
		double		weight = own.weights ? own.weights[entry] : 1;
		int64_t		at = entry + other.offsets[row] + before;

		if (paired && outgoing)
			weight += other.weights ? other.weights[other.offsets[row] + pair] : 1;
		neighbors[at] = u;
		weights[at] = paired && !outgoing ? 0 : weight;
	}
};

__global__ static void
add_offsets(const int64_t *a, const int64_t *b, int64_t count, int64_t *sum)
{
	int64_t		i = global_thread();

	if (i < count)
		sum[i] = a[i] + b[i];
}

/* ---- modularity ---- */

struct add_loop
{
	const double *weights;
	double	   *strength;

	__device__ void operator() (int64_t row, uint32_t u, int64_t entry) const
	{
		if (u == row)
			strength[row] += weights ? weights[entry] : 1;
	}
};

/* Weight inside of communities; undirected edges are met at both ends. */
struct inside_weight
{
	const double *weights;
	const uint32_t *label;
	bool		directed;

	__device__ double operator() (int64_t row, uint32_t u, int64_t entry) const
	{
		double		w = weights ? weights[entry] : 1;

		if (u == row)
			return w;
		if (label[u] == NONE || label[u] != label[row])
			return 0;
		return directed ? w : w / 2;
	}
};

/*
 * Adds strengths to those of communities, as integers, in which order does not
 * matter; of each chunk what nodes without a label give, which are alone.
 */
__global__ static void __launch_bounds__(NODE_THREADS)
add_strengths(int64_t nodes, const uint32_t *label, const double *out, const double *in, double total, double unit,
			  unsigned long long *out_sum, unsigned long long *in_sum, double *chunk)
{
	double		alone = 0;

	visit_chunk(nodes, [&] (int64_t v) {
		uint32_t	c = label[v];

		if (c == NONE)
			alone += (out[v] / total) * (in[v] / total);
		else
		{
			atomicAdd(&out_sum[c], (unsigned long long) (out[v] / unit + 0.5));
			if (in != out)
				atomicAdd(&in_sum[c], (unsigned long long) (in[v] / unit + 0.5));
		}
	});
	alone = block_sum<double, NODE_THREADS>(alone);
	if (threadIdx.x == 0)
		chunk[blockIdx.x] = alone;
}

__global__ static void __launch_bounds__(NODE_THREADS)
expected_inside(int64_t nodes, double total, double unit, const unsigned long long *out_sum,
				const unsigned long long *in_sum, double *chunk)
{
	double		expected = 0;

	visit_chunk(nodes, [&] (int64_t c) {
		expected += ((double) out_sum[c] * unit / total) * ((double) in_sum[c] * unit / total);
	});
	expected = block_sum<double, NODE_THREADS>(expected);
	if (threadIdx.x == 0)
		chunk[blockIdx.x] += expected;
}

/* ---- the start ---- */

__global__ static void
own_labels(int64_t nodes, uint32_t *label)
{
	int64_t		v = global_thread();

	if (v < nodes)
		label[v] = (uint32_t) v;
}

__global__ static void
rank_labels(int64_t labels, const int64_t *values, uint64_t start, uint64_t *rank)
{
	int64_t		c = global_thread();

	if (c < labels)
		rank[c] = rk_hash_fold(start, (uint64_t) (values ? values[c] : c));
}

/* ---- the run ---- */

class label_run
{
public:
	label_run(rk_cuda_device *d, rk_cuda_call *c)
		: device(d), call(c), p((const rk_cuda_label_params *) c->params), g(c->graph), n(c->graph->nodes), rounds(d) {}

	void run()
	{
		kernel_timer timer(device, &call->usage);
		unsigned long long changed = 1;

		make_rows();
		examine();
		make_labels();
		if (p->variant == SEMI_SYNCHRONOUS)
			make_colours();
		make_lists();
		changes.allocate(device, 1);
		call->converged = p->variant == CDLP;
		call->residual = 0;
		for (call->iterations = 0; call->iterations < p->max_iterations && changed > 0;)
		{
			if (stopped(call))
				stop_now();
			rounds.run([&] { round(); });
			check(cudaMemcpyAsync(&changed, changes.get(), sizeof(changed), cudaMemcpyDeviceToHost, device->stream));
			check(cudaStreamSynchronize(device->stream));
			call->iterations++;
			call->usage.bytes_moved += 20 * entries + 40 * n;
			if (p->variant == SEMI_SYNCHRONOUS)
			{
				call->residual = (double) changed / (double) n;
				call->converged = changed == 0;
			}
		}
		measure_modularity();
		timer.stop();
		label.store((uint32_t *) call->output[0].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_label_params *p;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		entries;
	launch_batch rounds;
	label_rows	rows;
	device_array<int64_t> offsets;		/* directed: of merged rows */
	device_array<uint32_t> neighbors;
	device_array<double> weights;
	bool		exact;					/* sums do not round */
	device_array<uint32_t> label;
	device_array<uint32_t> next;
	device_array<uint64_t> rank;
	device_array<uint8_t> fixed;
	device_array<uint8_t> active;
	device_array<uint32_t> colour;
	int64_t		classes = 1;
	device_array<uint32_t> list;
	int64_t    *lists = nullptr;		/* on the host: where lists begin */
	host_array<int64_t> list_offsets;
	device_array<int64_t> place;		/* of tables, by place in list */
	device_array<uint32_t> keys;
	device_array<double> sums;
	device_array<unsigned long long> changes;
	double		total;

	cudaStream_t stream() const { return device->stream; }
	unsigned	blocks() const { return blocks_for(n, NODE_THREADS); }

	void make_rows()
	{
		device_adjacency_view out = view_of(g->out());

		entries = g->arcs;
		rows = {out.offsets, out.neighbors, out.weights};
		if (!g->directed)
			return;

		device_adjacency_view in = view_of(g->in());

		entries = 2 * g->arcs;
		offsets.allocate(device, n + 1);
		neighbors.allocate(device, entries);
		weights.allocate(device, entries);
		RK_LAUNCH(add_offsets, blocks_for(n + 1, NODE_THREADS), NODE_THREADS, stream())
			(out.offsets, in.offsets, n + 1, offsets.get());
		check_launch();
		visit_entries(device, &g->out(), n, g->arcs, merge_entry {out, in, true, neighbors.get(), weights.get()});
		visit_entries(device, &g->in(), n, g->arcs, merge_entry {in, out, false, neighbors.get(), weights.get()});
		rows = {offsets.get(), neighbors.get(), weights.get()};
		call->usage.bytes_moved += 60 * g->arcs + 32 * n;
	}

	/* Strengths, and whether sums of weights round. */
	void examine()
	{
		device_array<double> scratch;
		int32_t		longest;

		strength.allocate(device, n);
		scratch.allocate(device, node_chunks(n) + 1);
		sum_weights(device, n, g->arcs, &g->out(), strength.get());
		if (!g->directed)
			visit_entries(device, &g->out(), n, g->arcs, add_loop {g->out().weights.get(), strength.get()});
		else
		{
			in_strength.allocate(device, n);
			sum_weights(device, n, g->arcs, &g->in(), in_strength.get());
		}
		reduce_nodes<NODES_SUM>(device, strength.get(), n, nullptr, scratch.get(), scratch.get() + node_chunks(n));
		check(cudaMemcpyAsync(&total, scratch.get() + node_chunks(n), sizeof(total), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		if (!(total < INFINITY))
			decline("sum of the weights is too large for double precision");
		exact = sums_are_exact(device, &g->out(), n, g->arcs, rows.offsets, total, &longest);
		call->usage.bytes_moved += 24 * g->arcs + 60 * n;
	}

	void make_labels()
	{
		const uint32_t *given = (const uint32_t *) call->input[0].data;
		const int64_t *value = (const int64_t *) call->input[1].data;
		int64_t		labels = value ? call->input[1].bytes / (int64_t) sizeof(int64_t) : n;

		if (given)
			label.load(device, given, n, &call->usage);
		else
		{
			label.allocate(device, n);
			RK_LAUNCH(own_labels, blocks(), NODE_THREADS, stream()) (n, label.get());
			check_launch();
		}
		if (call->input[2].data)
			fixed.load(device, (const uint8_t *) call->input[2].data, n, &call->usage);
		if (p->variant == CDLP)
		{
			next.allocate(device, n);
			return;
		}

		device_array<int64_t> values;

		rank.allocate(device, labels);
		active.allocate(device, n);
		active.fill(1);
		if (value)
			values.load(device, value, labels, &call->usage);
		RK_LAUNCH(rank_labels, blocks_for(max(labels, INT64_C(1)), NODE_THREADS), NODE_THREADS, stream())
			(labels, values.get(), rk_hash2(p->seed, 1), rank.get());
		check_launch();
	}

	void make_colours()
	{
		device_array<uint32_t> pending;
		device_array<uint32_t> queue;
		device_array<colour_state> state;
		launch_batch batch(device);
		colour_state now;
		unsigned	grid = (unsigned) (8 * device->multiprocessors);

		colour.allocate(device, n);
		pending.allocate(device, n);
		queue.allocate(device, n);
		state.allocate(device, 1);
		colour.fill(0xff);
		state.fill(0);
		RK_LAUNCH(count_before, blocks_for(n * 32, NODE_THREADS), NODE_THREADS, stream())
			(rows, n, rk_hash2(p->seed, 0), pending.get(), queue.get(), state.get());
		check_launch();
		do
		{
			if (stopped(call))
				stop_now();
			batch.run([&] {
				for (int i = 0; i < COLOUR_LEVELS; i++)
				{
					RK_LAUNCH(next_colour_level, 1, 1, stream()) (state.get());
					check_launch();
					RK_LAUNCH(colour_level, grid, COLOUR_THREADS, stream())
						(rows, pending.get(), colour.get(), queue.get(), state.get());
					check_launch();
				}
			});
			check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream()));
			check(cudaStreamSynchronize(stream()));
		} while (now.queued > now.end);
		classes = now.classes;
		call->usage.bytes_moved += 30 * entries + 40 * n;
	}

	/* Nodes by class and length of row. */
	void make_lists()
	{
		device_array<uint32_t> counts;
		device_array<int64_t> begins;
		device_array<int64_t> ends;
		device_array<unsigned long long> most;
		int64_t		count = classes * BINS;
		unsigned long long slots = 0;

		counts.allocate(device, count);
		begins.allocate(device, count + 1);
		ends.allocate(device, count + 1);
		list.allocate(device, n);
		counts.fill(0);
		RK_LAUNCH(list_nodes, blocks(), NODE_THREADS, stream())
			(rows, n, colour.get(), counts.get(), (unsigned long long *) nullptr, (uint32_t *) nullptr);
		check_launch();
		scan_lengths(device, counts.get(), count, begins.get());
		check(cudaMemcpyAsync(ends.get(), begins.get(), (count + 1) * sizeof(int64_t), cudaMemcpyDeviceToDevice, stream()));
		RK_LAUNCH(list_nodes, blocks(), NODE_THREADS, stream())
			(rows, n, colour.get(), counts.get(), (unsigned long long *) ends.get(), list.get());
		check_launch();
		lists = list_offsets.allocate(count + 1);
		check(cudaMemcpyAsync(lists, begins.get(), (count + 1) * sizeof(int64_t), cudaMemcpyDeviceToHost, stream()));
		counts.allocate(device, n);
		place.allocate(device, n + 1);
		most.allocate(device, 1);
		most.fill(0);
		RK_LAUNCH(count_slots, blocks(), NODE_THREADS, stream()) (rows, n, list.get(), counts.get());
		check_launch();
		scan_lengths(device, counts.get(), n, place.get());
		RK_LAUNCH(largest_tables, blocks_for(classes, NODE_THREADS), NODE_THREADS, stream())
			(begins.get(), classes, place.get(), most.get());
		check_launch();
		check(cudaMemcpyAsync(&slots, most.get(), sizeof(slots), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		if (slots == 0)
			return;
		keys.allocate(device, (int64_t) slots);
		sums.allocate(device, (int64_t) slots);
		keys.fill(0xff);
		sums.fill(0);
	}

	/* All classes have their turn. */
	void round()
	{
		label_round r = {
			rows, label.get(), next.get(), rank.get(), active.get(), fixed.get(), changes.get()
		};

		changes.fill(0);
		/* fixed nodes do not decide */
		if (next.get())
			check(cudaMemcpyAsync(next.get(), label.get(), n * sizeof(uint32_t), cudaMemcpyDeviceToDevice, stream()));
		for (int64_t c = 0; c < classes; c++)
		{
			const int64_t *begin = lists + c * BINS;

			if (begin[1] > begin[0])
				RK_LAUNCH(decide_short<SHORT_GROUP>, blocks_for((begin[1] - begin[0]) * SHORT_GROUP, NODE_THREADS),
						  NODE_THREADS, stream()) (r, list.get() + begin[0], begin[1] - begin[0]);
			check_launch();
			if (begin[2] > begin[1])
				RK_LAUNCH(decide_short<32>, blocks_for((begin[2] - begin[1]) * 32, NODE_THREADS), NODE_THREADS, stream())
					(r, list.get() + begin[1], begin[2] - begin[1]);
			check_launch();
			if (begin[3] > begin[2])
				RK_LAUNCH(decide_medium, blocks_for((begin[3] - begin[2]) * 32, MEDIUM_THREADS), MEDIUM_THREADS, stream())
					(r, list.get() + begin[2], begin[3] - begin[2]);
			check_launch();
			if (begin[4] > begin[3] && exact)
				RK_LAUNCH(decide_long<LONG_THREADS>, (unsigned) (begin[4] - begin[3]), LONG_THREADS, stream())
					(r, list.get() + begin[3], begin[4] - begin[3], place.get() + begin[3], keys.get(), sums.get());
			else if (begin[4] > begin[3])
				RK_LAUNCH(decide_long<32>, blocks_for((begin[4] - begin[3]) * 32, LONG_THREADS), LONG_THREADS, stream())
					(r, list.get() + begin[3], begin[4] - begin[3], place.get() + begin[3], keys.get(), sums.get());
			check_launch();
		}
		if (next.get())
			check(cudaMemcpyAsync(label.get(), next.get(), n * sizeof(uint32_t), cudaMemcpyDeviceToDevice, stream()));
	}

	device_array<double> strength;
	device_array<double> in_strength;	/* of a directed graph */

	void measure_modularity()
	{
		double	   *result = (double *) call->output[1].data;
		double		edges = g->directed ? total : total / 2;
		/* a power of two, of which all strengths together have 62 bits */
		double		unit = fmax(exp2(ceil(log2(total)) - 62), 0x1p-1022);
		int64_t		tiles = tile_count(n, g->arcs);
		double		inside = 0;
		double		expected = 0;
		const double *in = g->directed ? in_strength.get() : strength.get();
		device_array<unsigned long long> out_sum;
		device_array<unsigned long long> in_sum;
		device_array<double> parts;
		device_array<double> chunk;

		*result = 0;
		if (!(total > 0))
			return;
		out_sum.allocate(device, n);
		out_sum.fill(0);
		if (g->directed)
		{
			in_sum.allocate(device, n);
			in_sum.fill(0);
		}
		parts.allocate(device, tiles + 1);
		chunk.allocate(device, node_chunks(n) + 1);
		sum_entries(device, &g->out(), n, g->arcs, inside_weight {g->out().weights.get(), label.get(), g->directed},
					parts.get());
		RK_LAUNCH(reduce_all<NODES_SUM>, 1, NODE_THREADS, stream()) (parts.get(), tiles, parts.get() + tiles);
		check_launch();
		RK_LAUNCH(add_strengths, (unsigned) node_chunks(n), NODE_THREADS, stream())
			(n, label.get(), strength.get(), in, edges, unit, out_sum.get(), in_sum.get(), chunk.get());
		check_launch();
		RK_LAUNCH(expected_inside, (unsigned) node_chunks(n), NODE_THREADS, stream())
			(n, edges, unit, out_sum.get(), g->directed ? in_sum.get() : out_sum.get(), chunk.get());
		check_launch();
		RK_LAUNCH(reduce_all<NODES_SUM>, 1, NODE_THREADS, stream())
			(chunk.get(), node_chunks(n), chunk.get() + node_chunks(n));
		check_launch();
		check(cudaMemcpyAsync(&inside, parts.get() + tiles, sizeof(inside), cudaMemcpyDeviceToHost, stream()));
		check(cudaMemcpyAsync(&expected, chunk.get() + node_chunks(n), sizeof(expected), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		*result = inside / edges - (g->directed ? expected : expected / 4);
		call->usage.bytes_moved += 16 * g->arcs + 60 * n;
	}
};

void
run_labels(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_label_params *p = (const rk_cuda_label_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;

	if (n == 0 || !g->out().present() || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) ||
		p->max_iterations < 1 || call->output[0].bytes != n * (int64_t) sizeof(uint32_t) ||
		call->output[1].bytes != sizeof(double) ||
		(call->input[0].data && (call->input[0].bytes != n * (int64_t) sizeof(uint32_t) ||
								 call->input[1].data == nullptr || call->input[1].bytes > n * (int64_t) sizeof(int64_t))) ||
		(call->input[2].data && (call->input[2].bytes != n || call->input[0].data == nullptr)))
		decline("arrays of another shape than label propagation has");
	label_run(device, call).run();
}

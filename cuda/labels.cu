/*
 * labels.cu
 *	  Label propagation, as src/graph/community/label_propagation.c: the same
 *	  labels, bit for bit.
 *
 * ROUNDS	The nodes of a class (label_colours.cuh) have no edges between them, so
 *			that they decide at once (label_choice.cuh).  Lists of nodes by class
 *			and length of row are made once, and a round over all classes is one
 *			launch graph.
 *
 * Directed graphs: rows of both directions are merged on the device, and the
 * weights of a reciprocal pair added, as the CPU does.
 */
#include <cstring>

#include "../src/compute/random.h"
#include "batch.cuh"
#include "label_choice.cuh"
#include "label_colours.cuh"
#include "rising.cuh"
#include "row_sums.cuh"
#include "scan.cuh"

#define BINS 5					/* by length of row: */
#define SHORT_GROUP 8			/* up to 8 entries, up to 32, up to MEDIUM, up to HUGE_ROW */
#define COLOUR_LEVELS 16		/* between two looks of the host */
#ifdef RK_CUDA_ON_HOST
/* less, so that small graphs have such rows */
#define HUGE_ROW 300
#else
#define HUGE_ROW 8192			/* longer rows are several blocks' work */
#endif

/* rk_label_variant of the CPU engine. */
enum
{
	SEMI_SYNCHRONOUS,
	CDLP
};

/* ---- lists ---- */

/* huge: rows longer than that are in the last one. */
__device__ static inline uint32_t
bin_of(const label_rows &rows, int64_t v, int64_t huge)
{
	int64_t		entries = rows.offsets[v + 1] - rows.offsets[v];

	return entries <= SHORT_GROUP ? 0 : entries <= 32 ? 1 : entries <= MEDIUM ? 2 : entries <= huge ? 3 : 4;
}

/* Counts the nodes of every list, or, with list, puts them there. */
__global__ static void
list_nodes(label_rows rows, int64_t nodes, int64_t huge, const uint32_t *colour, uint32_t *counts,
		   unsigned long long *place, uint32_t *list)
{
	int64_t		v = global_thread();
	uint32_t	key = v < nodes ? (colour ? colour[v] : 0) * BINS + bin_of(rows, v, huge) : UINT32_MAX;
	int			lane = threadIdx.x % 32;
	unsigned	same = __match_any_sync(FULL_WARP, key);
	int			leader = __ffs((int) same) - 1;
	unsigned long long begin = 0;

	if (key != UINT32_MAX && lane == leader)
	{
		if (list == nullptr)
			atomicAdd(&counts[key], (uint32_t) __popc(same));
		else
			begin = atomicAdd(&place[key], (unsigned long long) __popc(same));
	}
	begin = __shfl_sync(FULL_WARP, begin, leader);
	if (list && key != UINT32_MAX)
		list[begin + __popc(same & ((1u << lane) - 1))] = (uint32_t) v;
}

/* Slots of the tables of rows longer than least, and pieces; by place in list. */
__global__ static void
count_slots(label_rows rows, int64_t nodes, int64_t least, int64_t huge, const uint32_t *list, uint32_t *slots,
			uint32_t *pieces)
{
	int64_t		i = global_thread();
	int64_t		entries;

	if (i >= nodes)
		return;
	entries = rows.offsets[list[i] + 1] - rows.offsets[list[i]];
	slots[i] = entries > least ? slots_for(entries) : 0;
	pieces[i] = entries > huge ? (uint32_t) huge_pieces_of(entries) : 0;
}

/* The most slots that the long rows of one class need; and where its pieces begin. */
__global__ static void
measure_classes(const int64_t *lists, int64_t classes, const int64_t *place, const int64_t *piece_place,
				unsigned long long *most, int64_t *first_piece)
{
	int64_t		c = global_thread();

	if (c < classes)
		atomicMax(most, (unsigned long long) (place[lists[(c + 1) * BINS]] - place[lists[c * BINS + 3]]));
	if (c <= classes)
		first_piece[c] = piece_place[lists[c * BINS]];
}

__global__ static void
list_pieces(int64_t nodes, const int64_t *piece_place, huge_piece *pieces)
{
	int64_t		i = global_thread();

	if (i >= nodes)
		return;
	for (int64_t k = piece_place[i]; k < piece_place[i + 1]; k++)
		pieces[k] = {(uint32_t) i, (uint32_t) (k - piece_place[i])};
}

/* ---- rows of both directions ---- */

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
		/* of equal ones the outgoing comes first */
		int64_t		before = place_of(others, 0, length, outgoing ? u : u + 1);
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
		if (label[u] == NO_LABEL || label[u] != label[row])
			return 0;
		return directed ? w : w / 2;
	}
};

/*
 * Adds values by label; of the lanes of a warp those alike the first one, and
 * those alike the first of the others, at once: few labels have most nodes.
 */
__device__ static inline void
add_by_label(bool there, uint32_t label, unsigned long long value, unsigned long long *sum)
{
	for (int round = 0; round < 2; round++)
	{
		unsigned	mask = __ballot_sync(FULL_WARP, there);
		int			first = __ffs((int) mask) - 1;
		uint32_t	common;
		unsigned long long all;

		if (mask == 0)
			return;
		common = __shfl_sync(FULL_WARP, label, first);
		all = warp_sum(there && label == common ? value : 0);
		if ((int) (threadIdx.x % 32) == first)
			atomicAdd(&sum[common], all);
		there = there && label != common;
	}
	if (there)
		atomicAdd(&sum[label], value);
}

/*
 * Adds strengths to those of communities, as integers, in which order does not
 * matter; of each chunk what nodes without a label give, which are alone.
 */
__global__ static void __launch_bounds__(NODE_THREADS)
add_strengths(int64_t nodes, const uint32_t *label, const double *out, const double *in, double total, double unit,
			  unsigned long long *out_sum, unsigned long long *in_sum, double *chunk)
{
	int64_t		first = (int64_t) blockIdx.x * NODE_CHUNK;
	double		alone = 0;

	for (int k = threadIdx.x; k < NODE_CHUNK; k += NODE_THREADS)
	{
		int64_t		v = min(first + k, nodes - 1);
		uint32_t	c = label[v];
		bool		there = first + k < nodes;

		if (there && c == NO_LABEL)
			alone += (out[v] / total) * (in[v] / total);
		there = there && c != NO_LABEL;
		add_by_label(there, c, (unsigned long long) (out[v] / unit + 0.5), out_sum);
		if (in != out)
			add_by_label(there, c, (unsigned long long) (in[v] / unit + 0.5), in_sum);
	}
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
	device_array<int64_t> piece_place;	/* of pieces of the longest rows */
	device_array<huge_piece> pieces;
	int64_t    *first_piece = nullptr;	/* on the host: of each class */
	host_array<int64_t> piece_offsets;
	device_array<huge_node> huge_nodes; /* of a class */
	device_array<huge_best> huge_parts;
	int32_t		longest;				/* row */
	device_array<uint32_t> keys;
	device_array<double> sums;
	int64_t		stride = 0;				/* of the tables of blocks */
	device_array<uint32_t> long_keys;
	device_array<double> long_sums;
	device_array<unsigned long long> changes;
	double		total;

	cudaStream_t stream() const { return device->stream; }
	unsigned	blocks() const { return blocks_for(n, NODE_THREADS); }
	int64_t		long_blocks() const { return 8 * device->multiprocessors; }

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
		device_array<uint32_t> taken;
		device_array<row_piece> row_pieces;
		device_array<colour_state> state;
		launch_batch batch(device);
		colour_state now;
		unsigned	grid = (unsigned) (8 * device->multiprocessors);

		colour.allocate(device, n);
		pending.allocate(device, n);
		queue.allocate(device, n);
		row_pieces.allocate(device, most_pieces(n, entries));
		state.allocate(device, 1);
		pending.fill(0);
		state.fill(0);

		colour_graph graph = {
			rows, n, pending.get(), colour.get(), nullptr, 0, queue.get(), row_pieces.get(), state.get()
		};

		RK_LAUNCH(start_colours, blocks(), NODE_THREADS, stream()) (graph);
		check_launch();
		check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		/* a node of colour c has a neighbour of each smaller one, and so on: c (c + 1) / 2 edges */
		graph.words = (int64_t) fmin(longest, sqrt((double) entries)) / 32 + 2;
		taken.allocate(device, (int64_t) now.told * graph.words);
		taken.fill(0);
		graph.taken = taken.get();
		RK_LAUNCH(count_before, grid, NODE_THREADS, stream()) (graph, rk_hash2(p->seed, 0));
		check_launch();
		RK_LAUNCH(queue_first, blocks(), NODE_THREADS, stream()) (graph);
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
					RK_LAUNCH(colour_level, grid, COLOUR_THREADS, stream()) (graph);
					check_launch();
					RK_LAUNCH(tell_neighbors, grid, NODE_THREADS, stream()) (graph);
					check_launch();
				}
			});
			check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream()));
			check(cudaStreamSynchronize(stream()));
		} while (now.queued > now.end);
		classes = now.classes;
		call->usage.bytes_moved += 38 * entries + 40 * n;
	}

	/* Nodes by class and length of row. */
	void make_lists()
	{
		device_array<uint32_t> counts;
		device_array<int64_t> begins;
		device_array<int64_t> ends;
		device_array<unsigned long long> most;
		device_array<uint32_t> piece_counts;
		device_array<int64_t> first_pieces;
		int64_t		count = classes * BINS;
		int64_t		huge = exact ? HUGE_ROW : INT64_MAX;
		int64_t		most_nodes = 0;
		int64_t		most_of_class = 0;
		unsigned long long slots = 0;

		counts.allocate(device, count);
		begins.allocate(device, count + 1);
		ends.allocate(device, count + 1);
		list.allocate(device, n);
		counts.fill(0);
		RK_LAUNCH(list_nodes, blocks(), NODE_THREADS, stream())
			(rows, n, huge, colour.get(), counts.get(), (unsigned long long *) nullptr, (uint32_t *) nullptr);
		check_launch();
		scan_lengths(device, counts.get(), count, begins.get());
		check(cudaMemcpyAsync(ends.get(), begins.get(), (count + 1) * sizeof(int64_t), cudaMemcpyDeviceToDevice, stream()));
		RK_LAUNCH(list_nodes, blocks(), NODE_THREADS, stream())
			(rows, n, huge, colour.get(), counts.get(), (unsigned long long *) ends.get(), list.get());
		check_launch();
		lists = list_offsets.allocate(count + 1);
		check(cudaMemcpyAsync(lists, begins.get(), (count + 1) * sizeof(int64_t), cudaMemcpyDeviceToHost, stream()));
		counts.allocate(device, n);
		piece_counts.allocate(device, n);
		place.allocate(device, n + 1);
		piece_place.allocate(device, n + 1);
		most.allocate(device, 1);
		most.fill(0);
		first_pieces.allocate(device, classes + 1);
		RK_LAUNCH(count_slots, blocks(), NODE_THREADS, stream())
			(rows, n, exact ? HUGE_ROW : MEDIUM, huge, list.get(), counts.get(), piece_counts.get());
		check_launch();
		scan_lengths(device, counts.get(), n, place.get());
		scan_lengths(device, piece_counts.get(), n, piece_place.get());
		RK_LAUNCH(measure_classes, blocks_for(classes + 1, NODE_THREADS), NODE_THREADS, stream())
			(begins.get(), classes, place.get(), piece_place.get(), most.get(), first_pieces.get());
		check_launch();
		first_piece = piece_offsets.allocate(classes + 1);
		check(cudaMemcpyAsync(&slots, most.get(), sizeof(slots), cudaMemcpyDeviceToHost, stream()));
		check(cudaMemcpyAsync(first_piece, first_pieces.get(), (classes + 1) * sizeof(int64_t), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		if (exact && longest > MEDIUM)
		{
			stride = slots_for(min(longest, HUGE_ROW));
			long_keys.allocate(device, long_blocks() * stride);
			long_sums.allocate(device, long_blocks() * stride);
			long_keys.fill(0xff);
			long_sums.fill(0);
		}
		if (slots == 0)
			return;
		if (first_piece[classes] > 0)
		{
			for (int64_t c = 0; c < classes; c++)
			{
				most_nodes = max(most_nodes, lists[c * BINS + 5] - lists[c * BINS + 4]);
				most_of_class = max(most_of_class, first_piece[c + 1] - first_piece[c]);
			}
			pieces.allocate(device, first_piece[classes]);
			huge_nodes.allocate(device, most_nodes);
			huge_parts.allocate(device, most_of_class);
			RK_LAUNCH(list_pieces, blocks(), NODE_THREADS, stream()) (n, piece_place.get(), pieces.get());
			check_launch();
		}
		keys.allocate(device, (int64_t) slots);
		sums.allocate(device, (int64_t) slots);
		keys.fill(0xff);
		sums.fill(0);
	}

	/* The longest rows of a class. */
	void decide_huge(const label_round &r, int64_t c)
	{
		const int64_t *begin = lists + c * BINS;
		unsigned	count = (unsigned) (begin[5] - begin[4]);
		unsigned	parts = (unsigned) (first_piece[c + 1] - first_piece[c]);
		huge_class	h = {
			list.get() + begin[4], count, begin[4], pieces.get() + first_piece[c], piece_place.get(), place.get(), begin[3],
			keys.get(), sums.get(), huge_nodes.get(), huge_parts.get()
		};

		RK_LAUNCH(begin_huge, blocks_for(count, NODE_THREADS), NODE_THREADS, stream()) (r, h);
		check_launch();
		RK_LAUNCH(add_huge, parts, LONG_THREADS, stream()) (r, h);
		check_launch();
		RK_LAUNCH(look_at_huge, parts, LONG_THREADS, stream()) (r, h);
		check_launch();
		RK_LAUNCH(settle_huge, count, LONG_THREADS, stream()) (r, h);
		check_launch();
		if (next.get())
			return;
		RK_LAUNCH(wake_huge, parts, LONG_THREADS, stream()) (r, h);
		check_launch();
		RK_LAUNCH(take_huge, blocks_for(count, NODE_THREADS), NODE_THREADS, stream()) (r, h);
		check_launch();
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
				RK_LAUNCH(decide_long, (unsigned) min(begin[4] - begin[3], long_blocks()), LONG_THREADS, stream())
					(r, list.get() + begin[3], begin[4] - begin[3], stride, long_keys.get(), long_sums.get());
			else if (begin[4] > begin[3])
				RK_LAUNCH(decide_ordered, blocks_for((begin[4] - begin[3]) * 32, LONG_THREADS), LONG_THREADS, stream())
					(r, list.get() + begin[3], begin[4] - begin[3], place.get() + begin[3], keys.get(), sums.get());
			check_launch();
			if (begin[5] > begin[4])
				decide_huge(r, c);
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

/*
 * louvain.cu
 *	  The moves of one level of Louvain and Leiden, as
 *	  src/graph/community/louvain_moves.c: the same communities, bit for bit.
 *
 * PASSES	The nodes around which something changed, in their order, become a
 *			list with the sums of their work, in which batches are found by
 *			searching.  Batches are launched without waiting, as many as there may
 *			be; those beyond the end find nothing to do.
 * JUDGING	All nodes of a batch at once, by the communities as they were before
 *			it.  Up to 32 entries: every lane of a warp has one, and all compare
 *			with all.  Beyond: hash tables (row_tables.cuh); rows that are too long
 *			for shared memory are queued for a launch of their own.
 * MOVING	In the order of the list, each move checked against what the earlier
 *			ones left.  One warp takes 32 moves at a time; those that share no
 *			community with an earlier one of them are decided together, which is
 *			the same.  The other warps meanwhile open the next batch.
 *
 * Small batches are all one block's, many in one launch.
 *
 * Levels are made by the CPU, whose rows, strengths and totals come with their
 * bits; this is the part that takes most of the time.
 */
#include "../src/graph/community/louvain_turns.h"
#include "batch.cuh"
#include "nodes.cuh"
#include "row_tables.cuh"
#include "scan.cuh"

#define STAY (UINT32_MAX - 1)	/* as a target */
#define MOVE_THREADS SCAN_THREADS	/* of the one block that moves */
#define MOVE_ITEMS 32			/* places of the list that a thread looks at, a bit each */
#define ROUND_BATCHES 8			/* of a launch graph */
#define ROUNDS_AHEAD 8			/* between two looks of the host */
#define SMALL_WORK 256			/* of a batch that is one block's */
#define SMALL_BATCHES 64		/* of a launch */
#define TABLE_SLOTS (1 << 23)	/* of all tables in global memory, unless one needs more */
#define LONG_BLOCKS (LOUVAIN_BATCH_WORK / MEDIUM)	/* a batch has no more long rows, but for the last */

/* What changes from batch to batch. */
struct move_state
{
	int64_t		begin;			/* of the batch, in the list */
	int64_t		end;
	int64_t		count;			/* of the list */
	int64_t		work;			/* of a batch */
	int64_t		moves;			/* of the pass */
	double		gain;			/* of the pass, times the total weight */
	uint32_t	free_count;
	uint32_t	queued;			/* long rows of the batch */
};

struct level_view
{
	device_adjacency_view rows; /* symmetric */
	int64_t		nodes;
	const double *out;			/* strengths of nodes */
	const double *in;			/* undirected: the same array */
	double		penalty;
	uint32_t   *community;
	double	   *total_out;		/* of communities */
	double	   *total_in;		/* undirected: the same array */
	uint32_t   *size;
	uint32_t   *free;			/* communities without nodes */
	uint8_t    *active;			/* by node: something around it changed */
	uint32_t   *list;			/* nodes of the pass */
	int64_t    *before;			/* by place in list, and one more: work of those before */
	/* by place in list */
	uint32_t   *target;
	double	   *gain;			/* weight to target - to own */
	uint32_t   *movers;			/* places of a batch with a target, rising */
	uint32_t   *queue;			/* places of long rows, in any order */
	move_state *state;

	__device__ bool directed() const { return in != out; }
};

/* ---- judging ---- */

/* The smaller label wins a tie; LOUVAIN_ALONE scores 0. */
struct candidate
{
	double		score;
	double		weight;
	uint32_t	label;

	__device__ void take_better(const candidate &b)
	{
		if (b.score > score || (b.score == score && b.label < label))
			*this = b;
	}

	__device__ candidate of_lane(int distance) const
	{
		return {__shfl_xor_sync(FULL_WARP, score, distance), __shfl_xor_sync(FULL_WARP, weight, distance),
				__shfl_xor_sync(FULL_WARP, label, distance)};
	}
};

/* What community c is to node v, to which it has this weight. */
__device__ static inline candidate
judge_community(const level_view &l, uint32_t v, uint32_t c, double weight)
{
	double		score = weight - l.penalty * l.out[v] * l.total_in[c];

	if (l.directed())
		score -= l.penalty * l.in[v] * l.total_out[c];
	return {score, weight, c};
}

/* The community of an entry; NO_LABEL: it joins nothing. */
__device__ static inline uint32_t
community_of_entry(const level_view &l, uint32_t v, int64_t entry, double *weight)
{
	uint32_t	u = l.rows.neighbors[entry];

	*weight = l.rows.weights ? l.rows.weights[entry] : 1;
	return u == v || *weight == 0 ? NO_LABEL : l.community[u];
}

/* Notes where a node would go and wakes those around it; thread of width threads. */
__device__ static inline void
note_target(const level_view &l, int64_t place, uint32_t v, const candidate &best, double own_weight, int thread, int width)
{
	uint32_t	own = l.community[v];
	double		own_score = own_weight - l.penalty * l.out[v] * (l.total_in[own] - l.in[v]);
	bool		go;

	if (l.directed())
		own_score -= l.penalty * l.in[v] * (l.total_out[own] - l.out[v]);
	go = best.label != own && best.score - own_score > LOUVAIN_EPSILON * (l.out[v] + l.in[v]);
	if (thread == 0)
	{
		l.target[place] = go ? best.label : STAY;
		l.gain[place] = best.weight - own_weight;
	}
	if (!go)
		return;
	for (int64_t e = l.rows.offsets[v] + thread; e < l.rows.offsets[v + 1]; e += width)
	{
		uint32_t	u = l.rows.neighbors[e];

		if (l.community[u] != best.label)
			l.active[u] = 1;
	}
}

/* A row of up to 32 entries. */
__device__ static inline void
judge_short(const level_view &l, int64_t place, uint32_t v, int entries)
{
	int			lane = threadIdx.x % 32;
	uint32_t	own = l.community[v];
	double		weight = 0;
	uint32_t	label = lane < entries ? community_of_entry(l, v, l.rows.offsets[v] + lane, &weight) : NO_LABEL;
	candidate	best = {0, 0, LOUVAIN_ALONE};
	double		sum = 0;
	double		own_weight = 0;

	if (l.rows.weights == nullptr)
	{
		sum = __popc(__match_any_sync(FULL_WARP, label));
		own_weight = __popc(__ballot_sync(FULL_WARP, label == own));
	}
	else
		for (int j = 0; j < entries; j++)
		{
			uint32_t	other = __shfl_sync(FULL_WARP, label, j);
			double		w = __shfl_sync(FULL_WARP, weight, j);

			if (other == label)
				sum += w;
			if (other == own)
				own_weight += w;
		}
	if (label != NO_LABEL)
		best.take_better(judge_community(l, v, label, sum));
	note_target(l, place, v, best_of_lanes<32>(best), own_weight, lane, 32);
}

/*
 * A longer one, with a table, which is empty before and afterwards; WIDTH and
 * ORDERED as in add_row.
 */
template <int WIDTH, bool ORDERED> __device__ static inline void
judge_row(const level_view &l, int64_t place, uint32_t v, uint32_t *keys, double *sums, uint32_t slots)
{
	candidate	best;
	double		own_weight;

	add_row<WIDTH, ORDERED>(l.rows.offsets[v], l.rows.offsets[v + 1], l.rows.weights == nullptr,
							[&] (int64_t entry, double *weight) { return community_of_entry(l, v, entry, weight); },
							keys, sums, slots);
	best = best_of_table<WIDTH>(keys, sums, slots, l.community[v], candidate {0, 0, LOUVAIN_ALONE},
								[&] (uint32_t label, double sum) { return judge_community(l, v, label, sum); }, &own_weight);
	note_target(l, place, v, best, own_weight, threadIdx.x % WIDTH, WIDTH);
}

/* Tables of the warps of a block. */
struct warp_tables
{
	uint32_t	keys[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
	double		sums[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
};

/* A warp judges every step-th node from first to end; long rows are queued. */
__device__ static inline void
judge_places(const level_view &l, int64_t first, int64_t end, int64_t step, warp_tables *tables, bool *empty)
{
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;

	for (int64_t place = first; place < end; place += step)
	{
		uint32_t	v = l.list[place];
		int64_t		entries = l.rows.offsets[v + 1] - l.rows.offsets[v];

		if (entries <= 32)
			judge_short(l, place, v, (int) entries);
		else if (entries <= MEDIUM)
		{
			for (int s = lane; s < MEDIUM_SLOTS && !*empty; s += 32)
			{
				tables->keys[warp][s] = NO_LABEL;
				tables->sums[warp][s] = 0;
			}
			*empty = true;
			__syncwarp();
			judge_row<32, true>(l, place, v, tables->keys[warp], tables->sums[warp], MEDIUM_SLOTS);
			__syncwarp();
		}
		else if (lane == 0)
			l.queue[atomicAdd(&l.state->queued, 1u)] = (uint32_t) place;
	}
}

/* Rows that were queued, WIDTH threads for each; slots: of the table of each worker. */
template <int WIDTH> __device__ static inline void
judge_queued(const level_view &l, int64_t worker, int64_t workers, uint32_t *keys, double *sums, int64_t slots)
{
	uint32_t	queued = l.state->queued;

	for (int64_t q = worker; q < queued; q += workers)
	{
		uint32_t	place = l.queue[q];
		uint32_t	v = l.list[place];

		judge_row<WIDTH, WIDTH == 32>(l, place, v, keys + worker * slots, sums + worker * slots,
									  slots_for(l.rows.offsets[v + 1] - l.rows.offsets[v]));
		if (WIDTH == 32)
			__syncwarp();
		else
			__syncthreads();
	}
}

__global__ static void __launch_bounds__(MEDIUM_THREADS)
judge_batch(level_view l)
{
	__shared__ warp_tables tables;
	bool		empty = false;

	judge_places(l, l.state->begin + global_thread() / 32, l.state->end, (int64_t) gridDim.x * (MEDIUM_THREADS / 32),
				 &tables, &empty);
}

template <int WIDTH> __global__ static void __launch_bounds__(LONG_THREADS)
judge_long(level_view l, uint32_t *keys, double *sums, int64_t slots)
{
	judge_queued<WIDTH>(l, global_thread() / WIDTH, (int64_t) gridDim.x * (LONG_THREADS / WIDTH), keys, sums, slots);
}

/* ---- moving ---- */

/*
 * Where the batch ends that begins at begin: at the first node with which it
 * has the work, or at the end.  A warp's.
 */
__device__ static inline int64_t
find_batch_end(const level_view &l, int64_t begin, int64_t count, int64_t work)
{
	int			lane = threadIdx.x % 32;
	int64_t		low = begin + 1;
	int64_t		high = min(count, begin + max((work + LOUVAIN_NODE_WORK - 1) / LOUVAIN_NODE_WORK, INT64_C(1)));

	if (begin >= count)
		return begin;
	while (low < high)
	{
		int64_t		step = (high - low + 31) / 32;
		int64_t		at = low + lane * step;
		unsigned	enough = __ballot_sync(FULL_WARP, at < high && l.before[at] - l.before[begin] >= work);
		unsigned	asked = __ballot_sync(FULL_WARP, at < high);
		/* lanes that say no */
		int			short_of = enough ? __ffs((int) enough) - 1 : __popc(asked);

		if (enough)
			high = low + short_of * step;
		if (short_of > 0)
			low += (short_of - 1) * step + 1;
	}
	return low;
}

/* The nodes of the next batch are about to be looked at; thread of width threads. */
__device__ static inline void
clear_active(const level_view &l, int64_t begin, int64_t end, int thread, int width)
{
	for (int64_t place = begin + thread; place < end; place += width)
		l.active[l.list[place]] = 0;
}

/* Which of MOVE_ITEMS places from first on have a target. */
__device__ static inline unsigned
targets_from(const level_view &l, int64_t first, int64_t end)
{
	unsigned	bits = 0;

	for (int k = 0; k < MOVE_ITEMS && first + k < end; k++)
		bits |= (unsigned) (l.target[first + k] != STAY) << k;
	return bits;
}

/* Adds these places to the movers. */
__device__ static inline void
put_movers(const level_view &l, int64_t first, unsigned bits, int64_t at)
{
	for (; bits; bits &= bits - 1)
		l.movers[at++] = (uint32_t) (first + __ffs((int) bits) - 1);
}

/* Finds the movers of a batch, in their order; returns how many.  A block's. */
__device__ static inline int64_t
find_movers(const level_view &l, int64_t begin, int64_t end)
{
	int64_t		count = 0;

	for (int64_t base = begin; base < end; base += MOVE_THREADS * MOVE_ITEMS)
	{
		int64_t		first = base + threadIdx.x * MOVE_ITEMS;
		unsigned	bits = targets_from(l, first, end);
		int64_t		total;

		put_movers(l, first, bits, count + block_scan(__popc(bits), &total));
		count += total;
	}
	__syncthreads();
	return count;
}

/* The same by one warp, for a small batch. */
__device__ static inline int64_t
find_few_movers(const level_view &l, int64_t begin, int64_t end)
{
	int			lane = threadIdx.x % 32;
	int64_t		count = 0;

	for (int64_t base = begin; base < end; base += 32)
	{
		unsigned	bits = __ballot_sync(FULL_WARP, base + lane < end && l.target[base + lane] != STAY);

		if (bits >> lane & 1)
			l.movers[count + __popc(bits & ((1u << lane) - 1))] = (uint32_t) (base + lane);
		count += __popc(bits);
	}
	__syncwarp();
	return count;
}

struct mover
{
	uint32_t	node;
	uint32_t	own;
	uint32_t	to;
	double		gain;			/* of weight; if it is made, all of it */
	bool		made;
	bool		emptied;		/* its community */
};

/* Makes a move unless what earlier ones left makes it a bad one. */
__device__ static inline void
try_move(const level_view &l, mover *m, uint32_t *free_count)
{
	uint32_t	v = m->node;
	uint32_t	own = m->own;
	uint32_t	to = m->to;
	double		gain;

	if (to == LOUVAIN_ALONE)
		to = l.free[--*free_count];
	/* the last of its nodes may have left */
	else if (l.size[to] == 0)
	{
		l.active[v] = 1;
		return;
	}
	gain = m->gain - l.penalty * l.out[v] * (l.total_in[to] - (l.total_in[own] - l.in[v]));
	if (l.directed())
		gain -= l.penalty * l.in[v] * (l.total_out[to] - (l.total_out[own] - l.out[v]));
	if (!(gain > LOUVAIN_EPSILON * (l.out[v] + l.in[v])))
	{
		l.active[v] = 1;
		if (l.size[to] == 0)
			l.free[(*free_count)++] = to;
		return;
	}
	l.community[v] = to;
	l.total_in[own] -= l.in[v];
	l.total_in[to] += l.in[v];
	if (l.directed())
	{
		l.total_out[own] -= l.out[v];
		l.total_out[to] += l.out[v];
	}
	l.size[to]++;
	m->emptied = --l.size[own] == 0;
	if (m->emptied)
		l.total_in[own] = l.total_out[own] = 0;
	m->gain = gain;
	m->made = true;
}

/*
 * Carries out up to 32 moves, of the first lanes, in their order; free_count is
 * shared.
 */
__device__ static inline void
move_group(const level_view &l, mover *m, bool any, volatile uint32_t *free_count)
{
	int			lane = threadIdx.x % 32;
	unsigned	mine = 1u << lane;
	/* new communities are taken from the end of one list: one after the other */
	bool		serial = __any_sync(FULL_WARP, any && m->to == LOUVAIN_ALONE);
	unsigned	pending = __ballot_sync(FULL_WARP, any);
	unsigned	wait = serial ? pending & (mine - 1) : 0;	/* for whom */
	unsigned	emptied;

	for (int j = 0; j + 1 < __popc(pending) && !serial; j++)
	{
		uint32_t	own = __shfl_sync(FULL_WARP, m->own, j);
		uint32_t	to = __shfl_sync(FULL_WARP, m->to, j);

		if (j < lane && (own == m->own || own == m->to || to == m->own || to == m->to))
			wait |= 1u << j;
	}
	while (pending)
	{
		bool		ready = (pending & mine) && (pending & wait) == 0;

		if (ready)
		{
			uint32_t	left = *free_count;

			try_move(l, m, &left);
			if (serial)
			{
				if (m->emptied)
					l.free[left++] = m->own;
				*free_count = left;
			}
		}
		__syncwarp();
		pending &= ~__ballot_sync(FULL_WARP, ready);
	}
	emptied = serial ? 0 : __ballot_sync(FULL_WARP, any && m->emptied);
	if (emptied & mine)
		l.free[*free_count + __popc(emptied & (mine - 1))] = m->own;
	__syncwarp();
	if (lane == 0)
		*free_count += __popc(emptied);
	__syncwarp();
}

/* All moves of the batch, by one warp. */
__device__ static inline void
move_all(const level_view &l, int64_t count, volatile uint32_t *free_count)
{
	int			lane = threadIdx.x % 32;
	double		total = 0;
	int64_t		moves = 0;

	for (int64_t base = 0; base < count; base += 32)
	{
		bool		any = base + lane < count;
		mover		m = {0, 0, 0, 0, false, false};
		unsigned	made;

		if (any)
		{
			uint32_t	place = l.movers[base + lane];

			m.node = l.list[place];
			m.own = l.community[m.node];
			m.to = l.target[place];
			m.gain = l.gain[place];
		}
		__syncwarp();
		move_group(l, &m, any, free_count);
		made = __ballot_sync(FULL_WARP, m.made);
		moves += __popc(made);
		for (; made; made &= made - 1)
			total += __shfl_sync(FULL_WARP, m.gain, __ffs((int) made) - 1);
	}
	if (lane == 0)
	{
		l.state->gain += total;
		l.state->moves += moves;
	}
}

/* Carries out the moves of the batch and opens the next one. */
__global__ static void __launch_bounds__(MOVE_THREADS)
move_batch(level_view l)
{
	__shared__ uint32_t free_count;
	int64_t		begin = l.state->begin;
	int64_t		end = l.state->end;
	int64_t		next_end = 0;
	int64_t		movers;

	if (begin == end)
		return;
	if (threadIdx.x == 0)
		free_count = l.state->free_count;
	movers = find_movers(l, begin, end);
	if (threadIdx.x < 32)
		move_all(l, movers, &free_count);
	else
	{
		next_end = find_batch_end(l, end, l.state->count, l.state->work);
		clear_active(l, end, next_end, threadIdx.x - 32, MOVE_THREADS - 32);
	}
	__syncthreads();
	if (threadIdx.x == 0)
	{
		l.state->free_count = free_count;
		l.state->queued = 0;
	}
	if (threadIdx.x == 32)
	{
		l.state->begin = end;
		l.state->end = next_end;
	}
}

/* Batch after batch by one block; tables for long rows: NULL, there are none. */
__global__ static void __launch_bounds__(MEDIUM_THREADS)
small_batches(level_view l, bool exact, uint32_t *keys, double *sums, int64_t slots)
{
	__shared__ warp_tables tables;
	__shared__ uint32_t free_count;
	__shared__ int64_t next_end;
	int64_t		begin = l.state->begin;
	int64_t		end = l.state->end;
	int			warp = threadIdx.x / 32;
	bool		empty = false;

	if (threadIdx.x == 0)
		free_count = l.state->free_count;
	for (int i = 0; i < SMALL_BATCHES && begin < end; i++)
	{
		judge_places(l, begin + warp, end, MEDIUM_THREADS / 32, &tables, &empty);
		__syncthreads();
		if (keys)
		{
			if (exact)
				judge_queued<MEDIUM_THREADS>(l, 0, 1, keys, sums, slots);
			else
				judge_queued<32>(l, warp, MEDIUM_THREADS / 32, keys, sums, slots);
			__syncthreads();
			if (threadIdx.x == 0)
				l.state->queued = 0;
		}
		if (warp == 0)
			move_all(l, find_few_movers(l, begin, end), &free_count);
		else if (warp == 1)
		{
			int64_t		until = find_batch_end(l, end, l.state->count, l.state->work);

			clear_active(l, end, until, threadIdx.x - 32, 32);
			if (threadIdx.x == 32)
				next_end = until;
		}
		__syncthreads();
		begin = end;
		end = next_end;
	}
	if (threadIdx.x == 0)
	{
		l.state->begin = begin;
		l.state->end = end;
		l.state->free_count = free_count;
	}
}

/* ---- passes ---- */

/* By turn: whether a node is in the list, and then its work. */
__global__ static void
mark_active(level_view l, const uint32_t *order, uint32_t *listed, uint32_t *work)
{
	int64_t		turn = global_thread();

	if (turn < l.nodes)
	{
		uint32_t	v = order[turn];

		listed[turn] = l.active[v];
		work[turn] = l.active[v] ? (uint32_t) (l.rows.offsets[v + 1] - l.rows.offsets[v]) + LOUVAIN_NODE_WORK : 0;
	}
}

/* From sums by turn. */
__global__ static void
make_list(level_view l, const uint32_t *order, const int64_t *place, const int64_t *work)
{
	int64_t		turn = global_thread();

	if (turn < l.nodes && place[turn + 1] > place[turn])
	{
		l.list[place[turn]] = order[turn];
		l.before[place[turn]] = work[turn];
	}
	else if (turn == l.nodes)
		l.before[place[turn]] = work[turn];
}

__global__ static void __launch_bounds__(MOVE_THREADS)
begin_pass(level_view l, int64_t count, int64_t work)
{
	int64_t		end = find_batch_end(l, 0, count, work);

	clear_active(l, 0, end, threadIdx.x, MOVE_THREADS);
	if (threadIdx.x == 0)
	{
		l.state->begin = 0;
		l.state->end = end;
		l.state->count = count;
		l.state->work = work;
		l.state->moves = 0;
		l.state->gain = 0;
		l.state->queued = 0;
	}
}

/* ---- the run ---- */

class louvain_run
{
public:
	louvain_run(rk_cuda_device *d, rk_cuda_call *c)
		: device(d), call(c), p((const rk_cuda_louvain_params *) c->params), g(c->graph), n(c->graph->nodes), rounds(d) {}

	void run()
	{
		kernel_timer timer(device, &call->usage);
		move_state	now;

		examine();
		load();
		call->iterations = 0;
		call->converged = 1;
		call->residual = 0;
		call->counts[0] = 0;
		for (int pass = 0;; pass++)
		{
			int64_t		count;
			int64_t		total;

			list_nodes(&count, &total);
			if (count == 0)
				break;
			if (pass == p->max_iterations)
			{
				call->converged = 0;
				break;
			}
			make_moves(count, total);
			check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream()));
			check(cudaStreamSynchronize(stream()));
			call->iterations = pass + 1;
			call->residual = now.gain / p->total;
			call->counts[0] += now.moves;
			if (now.moves == 0 || call->residual < p->tolerance)
				break;
		}
		timer.stop();
		community.store((uint32_t *) call->output[0].data, &call->usage);
		check(cudaStreamSynchronize(stream()));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_louvain_params *p;
	rk_cuda_graph *g;
	int64_t		n;
	launch_batch rounds;
	level_view	level;
	bool		exact;					/* sums do not round */
	device_array<uint32_t> order;
	device_array<uint32_t> community;
	device_array<uint32_t> size;
	device_array<uint32_t> free;
	device_array<double> out;
	device_array<double> in;			/* directed, and so on */
	device_array<double> total_out;
	device_array<double> total_in;
	device_array<uint8_t> active;
	device_array<uint32_t> list;
	device_array<int64_t> before;
	device_array<uint32_t> target;
	device_array<double> gain;
	device_array<uint32_t> movers;
	device_array<uint32_t> queue;
	device_array<move_state> state;
	device_array<uint32_t> listed;		/* by turn, and the sums of that */
	device_array<uint32_t> work;
	device_array<int64_t> place;
	device_array<int64_t> work_before;
	int64_t		long_blocks = 0;
	int64_t		slots = 0;				/* of a table */
	device_array<uint32_t> keys;
	device_array<double> sums;

	cudaStream_t stream() const { return device->stream; }

	template <typename T> const T *input(int i) const { return (const T *) call->input[i].data; }

	/* The weights, and tables for long rows. */
	void examine()
	{
		int32_t		longest;
		int64_t		tables;

		exact = sums_are_exact(device, &g->out(), n, g->arcs, g->out().offsets.get(), 2 * p->total, &longest);
		call->usage.bytes_moved += (g->out().weighted() ? 12 : 0) * g->arcs + 8 * n;
		if (longest <= MEDIUM)
			return;
		slots = slots_for(longest);
		tables = max(min(TABLE_SLOTS / slots, min(n, (int64_t) LONG_BLOCKS)), INT64_C(1));
		/* a table for each block, or for each warp */
		long_blocks = exact ? tables : (tables + LONG_THREADS / 32 - 1) / (LONG_THREADS / 32);
		tables = exact ? long_blocks : long_blocks * (LONG_THREADS / 32);
		keys.allocate(device, tables * slots);
		sums.allocate(device, tables * slots);
		keys.fill(0xff);
		sums.fill(0);
	}

	void load()
	{
		int64_t		free_count = call->input[3].bytes / (int64_t) sizeof(uint32_t);
		move_state	start = {0, 0, 0, 0, 0, 0, (uint32_t) free_count, 0};

		order.load(device, input<uint32_t>(0), n, &call->usage);
		community.load(device, input<uint32_t>(1), n, &call->usage);
		size.load(device, input<uint32_t>(2), n, &call->usage);
		free.allocate(device, n);
		if (free_count > 0)
			check(cudaMemcpyAsync(free.get(), input<uint32_t>(3), call->input[3].bytes, cudaMemcpyHostToDevice, stream()));
		call->usage.bytes_to += call->input[3].bytes;
		out.load(device, input<double>(4), n, &call->usage);
		total_out.load(device, input<double>(5), n, &call->usage);
		if (input<double>(6))
		{
			in.load(device, input<double>(6), n, &call->usage);
			total_in.load(device, input<double>(7), n, &call->usage);
		}
		active.allocate(device, n);
		active.fill(1);
		list.allocate(device, n);
		before.allocate(device, n + 1);
		target.allocate(device, n);
		gain.allocate(device, n);
		movers.allocate(device, n);
		queue.allocate(device, n);
		state.allocate(device, 1);
		listed.allocate(device, n);
		work.allocate(device, n);
		place.allocate(device, n + 1);
		work_before.allocate(device, n + 1);
		check(cudaMemcpyAsync(state.get(), &start, sizeof(start), cudaMemcpyHostToDevice, stream()));
		level = {
			view_of(g->out()), n, out.get(), in.get() ? in.get() : out.get(), p->penalty, community.get(),
			total_out.get(), in.get() ? total_in.get() : total_out.get(), size.get(), free.get(), active.get(),
			list.get(), before.get(), target.get(), gain.get(), movers.get(), queue.get(), state.get()
		};
		check(cudaStreamSynchronize(stream()));
	}

	/* The nodes of a pass: how many, and their work. */
	void list_nodes(int64_t *count, int64_t *total)
	{
		if (stopped(call))
			stop_now();
		RK_LAUNCH(mark_active, blocks_for(n, NODE_THREADS), NODE_THREADS, stream())
			(level, order.get(), listed.get(), work.get());
		check_launch();
		scan_lengths(device, listed.get(), n, place.get());
		scan_lengths(device, work.get(), n, work_before.get());
		RK_LAUNCH(make_list, blocks_for(n + 1, NODE_THREADS), NODE_THREADS, stream())
			(level, order.get(), place.get(), work_before.get());
		check_launch();
		check(cudaMemcpyAsync(count, place.get() + n, sizeof(*count), cudaMemcpyDeviceToHost, stream()));
		check(cudaMemcpyAsync(total, work_before.get() + n, sizeof(*total), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		call->usage.bytes_moved += 100 * n;
	}

	void make_moves(int64_t count, int64_t total)
	{
		int64_t		each = rk_louvain_batch_work(total);
		/* each but the last has at least this work */
		int64_t		batches = min(total / each + 1, count);

		RK_LAUNCH(begin_pass, 1, MOVE_THREADS, stream()) (level, count, each);
		check_launch();
		for (int64_t b = 0, round = 1; b < batches; round++)
		{
			if (each <= SMALL_WORK)
			{
				RK_LAUNCH(small_batches, 1, MEDIUM_THREADS, stream()) (level, exact, keys.get(), sums.get(), slots);
				check_launch();
				b += SMALL_BATCHES;
			}
			else
			{
				rounds.run([&] { make_batches(); });
				b += ROUND_BATCHES;
			}
			if (round % ROUNDS_AHEAD == 0)
			{
				check(cudaStreamSynchronize(stream()));
				if (stopped(call))
					stop_now();
			}
		}
		/* an entry's neighbour, weight and community; of a node most arrays */
		call->usage.bytes_moved += (g->out().weighted() ? 44 : 36) * total + 100 * count;
	}

	void make_batches()
	{
		/* a batch has at most so many nodes */
		int64_t		most = min(n, (int64_t) LOUVAIN_BATCH_WORK / LOUVAIN_NODE_WORK);
		unsigned	grid = (unsigned) min(blocks_for(most * 32, MEDIUM_THREADS), 8u * device->multiprocessors);

		for (int i = 0; i < ROUND_BATCHES; i++)
		{
			RK_LAUNCH(judge_batch, grid, MEDIUM_THREADS, stream()) (level);
			check_launch();
			if (long_blocks > 0 && exact)
				RK_LAUNCH(judge_long<LONG_THREADS>, (unsigned) long_blocks, LONG_THREADS, stream())
					(level, keys.get(), sums.get(), slots);
			else if (long_blocks > 0)
				RK_LAUNCH(judge_long<32>, (unsigned) long_blocks, LONG_THREADS, stream())
					(level, keys.get(), sums.get(), slots);
			check_launch();
			RK_LAUNCH(move_batch, 1, MOVE_THREADS, stream()) (level);
			check_launch();
		}
	}
};

void
run_louvain(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_louvain_params *p = (const rk_cuda_louvain_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	bool		directed = call->input[6].data != nullptr;
	bool		fits = n > 0 && n < STAY && !g->directed && g->out().present() && p != nullptr &&
		call->params_bytes == sizeof(*p) && p->max_iterations >= 1 && p->total > 0 &&
		call->input[3].bytes % sizeof(uint32_t) == 0 && call->input[3].bytes <= n * (int64_t) sizeof(uint32_t) &&
		(call->input[3].data || call->input[3].bytes == 0) && (call->input[7].data != nullptr) == directed &&
		call->output[0].bytes == n * (int64_t) sizeof(uint32_t);

	for (int i = 0; i < 3; i++)
		fits = fits && call->input[i].data && call->input[i].bytes == n * (int64_t) sizeof(uint32_t);
	for (int i = 4; i < (directed ? 8 : 6); i++)
		fits = fits && call->input[i].data && call->input[i].bytes == n * (int64_t) sizeof(double);
	if (!fits)
		decline("arrays of another shape than a level has");
	louvain_run(device, call).run();
}

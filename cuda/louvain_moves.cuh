/*
 * louvain_moves.cuh
 *	  Nodes take their turns: in batches they are judged and then move, as in
 *	  src/graph/community/louvain_moves.c, or join others, as in
 *	  louvain_refine.c; the same, bit for bit.
 *
 * PASSES	The nodes that take part, in their order, become a list with the sums
 *			of their work, in which batches are found by searching.  Batches are
 *			launched without waiting, as many as there may be; those beyond the end
 *			find nothing to do.
 * JUDGING	All nodes of a batch at once, by what was before it.  Up to 32 entries:
 *			every lane of a warp has one, and all compare with all.  Beyond: hash
 *			tables (row_tables.cuh); rows that are too long for shared memory are
 *			queued for launches of their own.  A giant's is the work of all blocks,
 *			which fill a table together; sums that round have one order, and are a
 *			warp's.
 * MOVING	In the order of the list, each checked against what the earlier ones
 *			left.  One warp takes 32 at a time; those that share no community with
 *			an earlier one of them are decided together, which is the same.  The
 *			other warps meanwhile open the next batch.
 *
 * Small batches are all one block's, many in one launch.
 */
#ifndef RK_LOUVAIN_MOVES_CUH
#define RK_LOUVAIN_MOVES_CUH

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

/* Entries of a row beyond which it is all blocks' work. */
#ifdef RK_CUDA_ON_HOST
#define GIANT 600				/* there are few so long in tests */
#else
#define GIANT 16384
#endif
#define GIANTS (LOUVAIN_BATCH_WORK / GIANT + 1) /* of a batch: all but the last fit into its work */
#define GIANT_TILE 2048			/* entries, and slots, of a block at a time */

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
	uint32_t	giants;
	uint32_t	unused;
};

/* What may be chosen; the smaller label wins a tie. */
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

struct mover
{
	uint32_t	node;
	uint32_t	own;
	uint32_t	to;
	double		gain;			/* of weight; if it is made, all of it */
	double		out;			/* strengths of the node */
	double		in;
	bool		made;
	bool		emptied;		/* its community */
};

/* What moves and joins have in common. */
struct level_view
{
	device_adjacency_view rows; /* symmetric */
	int64_t		nodes;
	const double *out;			/* strengths of nodes */
	const double *in;			/* undirected: the same array */
	double		penalty;
	uint32_t   *community;		/* of nodes */
	double	   *total_out;		/* of communities; joins: of refined ones */
	double	   *total_in;		/* undirected: the same array */
	uint32_t   *size;			/* of those */
	uint32_t   *list;			/* nodes of the pass */
	int64_t    *before;			/* by place in list, and one more: work of those before */
	/* by place in list */
	uint32_t   *target;
	double	   *gain;			/* weight to target - to own; joins: to target */
	uint32_t   *movers;			/* places of a batch with a target, rising */
	uint32_t   *queue;			/* places of long rows, in any order */
	uint32_t   *giants;			/* and of giants */
	bool		apart;			/* giants are queued apart */
	move_state *state;

	__device__ bool directed() const { return in != out; }

	/* What community c is to node v, to which it has this weight. */
	__device__ double score_of(uint32_t v, uint32_t c, double weight) const
	{
		double		score = weight - penalty * out[v] * total_in[c];

		if (directed())
			score -= penalty * in[v] * total_out[c];
		return score;
	}
};

/* ---- moves between communities ---- */

struct moves_view : level_view
{
	uint32_t   *free;			/* communities without nodes */
	uint8_t    *active;			/* by node: something around it changed */

	__device__ bool takes_part(uint32_t) const { return true; }

	__device__ uint32_t own_label(uint32_t v) const { return community[v]; }

	/* The community of an entry; NO_LABEL: it joins nothing. */
	__device__ uint32_t label_of(uint32_t v, int64_t entry, double *weight) const
	{
		uint32_t	u = rows.neighbors[entry];

		*weight = rows.weights ? rows.weights[entry] : 1;
		return u == v || *weight == 0 ? NO_LABEL : community[u];
	}

	/* Going away alone scores 0. */
	__device__ candidate nothing(uint32_t) const { return {0, 0, LOUVAIN_ALONE}; }

	__device__ candidate judge(uint32_t v, uint32_t c, double weight) const { return {score_of(v, c, weight), weight, c}; }

	/* Notes where a node would go and wakes those around it; thread of width threads. */
	__device__ void note(int64_t place, uint32_t v, const candidate &best, double own_weight, int64_t thread,
						 int64_t width) const
	{
		uint32_t	own = community[v];
		double		own_score = own_weight - penalty * out[v] * (total_in[own] - in[v]);
		bool		go;

		if (directed())
			own_score -= penalty * in[v] * (total_out[own] - out[v]);
		go = best.label != own && best.score - own_score > LOUVAIN_EPSILON * (out[v] + in[v]);
		if (thread == 0)
		{
			target[place] = go ? best.label : STAY;
			gain[place] = best.weight - own_weight;
		}
		if (!go)
			return;
		for (int64_t e = rows.offsets[v] + thread; e < rows.offsets[v + 1]; e += width)
		{
			uint32_t	u = rows.neighbors[e];

			if (community[u] != best.label)
				active[u] = 1;
		}
	}

	/* The nodes of a batch are about to be looked at; thread of width threads. */
	__device__ void open(int64_t begin, int64_t end, int thread, int width) const
	{
		for (int64_t place = begin + thread; place < end; place += width)
			active[list[place]] = 0;
	}

	/* Makes a move unless what earlier ones left makes it a bad one. */
	__device__ void make(mover *m, uint32_t *free_count) const
	{
		uint32_t	v = m->node;
		uint32_t	own = m->own;
		uint32_t	to = m->to;
		double		all;

		if (to == LOUVAIN_ALONE)
			to = free[--*free_count];
		/* the last of its nodes may have left */
		else if (size[to] == 0)
		{
			active[v] = 1;
			return;
		}
		all = m->gain - penalty * m->out * (total_in[to] - (total_in[own] - m->in));
		if (directed())
			all -= penalty * m->in * (total_out[to] - (total_out[own] - m->out));
		if (!(all > LOUVAIN_EPSILON * (m->out + m->in)))
		{
			active[v] = 1;
			if (size[to] == 0)
				free[(*free_count)++] = to;
			return;
		}
		community[v] = to;
		total_in[own] -= m->in;
		total_in[to] += m->in;
		if (directed())
		{
			total_out[own] -= m->out;
			total_out[to] += m->out;
		}
		size[to]++;
		m->emptied = --size[own] == 0;
		if (m->emptied)
			total_in[own] = total_out[own] = 0;
		m->gain = all;
		m->made = true;
	}

	/* A community was emptied by the move before. */
	__device__ void release(uint32_t place, uint32_t c) const { free[place] = c; }
};

/* ---- joins within communities ---- */

struct joins_view : level_view
{
	uint32_t   *refined;		/* of nodes: the refined community */
	const double *inside;		/* of nodes: weight into their community */
	double	   *cut;			/* of refined ones: weight into the rest of it */
	const double *whole_out;	/* of communities */
	const double *whole_in;
	double		temperature;
	uint64_t	chain;			/* of the draws */

	__device__ double expected_cut(double of_in, double of_out, uint32_t c) const
	{
		return rk_louvain_expected_cut(penalty, directed(), of_in, of_out, whole_in[c], whole_out[c]);
	}

	/* Who is alone still and well connected. */
	__device__ bool takes_part(uint32_t v) const
	{
		return refined[v] == v && size[v] == 1 && inside[v] != 0 &&
			!(inside[v] < expected_cut(in[v], out[v], community[v]));
	}

	__device__ uint32_t own_label(uint32_t v) const { return v; }

	__device__ uint32_t label_of(uint32_t v, int64_t entry, double *weight) const
	{
		uint32_t	u = rows.neighbors[entry];

		*weight = rows.weights ? rows.weights[entry] : 1;
		return u == v || *weight == 0 || community[u] != community[v] ? NO_LABEL : refined[u];
	}

	__device__ candidate nothing(uint32_t v) const
	{
		return {rk_louvain_gumbel(rk_hash_fold(chain, v), LOUVAIN_ALONE), 0, LOUVAIN_ALONE};
	}

	/* Its score is what it is drawn by. */
	__device__ candidate judge(uint32_t v, uint32_t d, double weight) const
	{
		double		score = score_of(v, d, weight);

		if (score < 0 || cut[d] < expected_cut(total_in[d], total_out[d], community[v]))
			return {-INFINITY, 0, LOUVAIN_ALONE};
		return {score / temperature + rk_louvain_gumbel(rk_hash_fold(chain, v), d), weight, d};
	}

	__device__ void note(int64_t place, uint32_t, const candidate &best, double, int64_t thread, int64_t) const
	{
		if (thread != 0)
			return;
		target[place] = best.label == LOUVAIN_ALONE ? STAY : best.label;
		gain[place] = best.weight;
	}

	__device__ void open(int64_t, int64_t, int, int) const {}

	__device__ void make(mover *m, uint32_t *) const
	{
		uint32_t	v = m->node;
		uint32_t	d = m->to;

		if (size[v] != 1 || size[d] == 0 || score_of(v, d, m->gain) < 0)
			return;
		refined[v] = d;
		size[v] = 0;
		size[d]++;
		total_in[d] += m->in;
		if (directed())
			total_out[d] += m->out;
		cut[d] += inside[v] - 2 * m->gain;
		m->made = true;
	}

	__device__ void release(uint32_t, uint32_t) const {}
};

/* ---- judging ---- */

/* A row of up to 32 entries. */
template <typename P> __device__ static inline void
judge_short(const P &l, int64_t place, uint32_t v, int entries)
{
	int			lane = threadIdx.x % 32;
	uint32_t	own = l.own_label(v);
	double		weight = 0;
	uint32_t	label = lane < entries ? l.label_of(v, l.rows.offsets[v] + lane, &weight) : NO_LABEL;
	candidate	best = l.nothing(v);
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
		best.take_better(l.judge(v, label, sum));
	l.note(place, v, best_of_lanes<32>(best), own_weight, lane, 32);
}

/*
 * A longer one, with a table, which is empty before and afterwards; WIDTH and
 * ORDERED as in add_row.
 */
template <int WIDTH, bool ORDERED, typename P> __device__ static inline void
judge_row(const P &l, int64_t place, uint32_t v, uint32_t *keys, double *sums, uint32_t slots)
{
	candidate	best;
	double		own_weight;

	add_row<WIDTH, ORDERED>(l.rows.offsets[v], l.rows.offsets[v + 1], l.rows.weights == nullptr,
							[&] (int64_t entry, double *weight) { return l.label_of(v, entry, weight); },
							keys, sums, slots);
	best = best_of_table<WIDTH>(keys, sums, slots, l.own_label(v), l.nothing(v),
								[&] (uint32_t label, double sum) { return l.judge(v, label, sum); }, &own_weight);
	l.note(place, v, best, own_weight, threadIdx.x % WIDTH, WIDTH);
}

/* Tables of the warps of a block. */
struct warp_tables
{
	uint32_t	keys[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
	double		sums[MEDIUM_THREADS / 32][MEDIUM_SLOTS];
};

/* A warp judges every step-th node from first to end; long rows are queued. */
template <typename P> __device__ static inline void
judge_places(const P &l, int64_t first, int64_t end, int64_t step, warp_tables *tables, bool *empty)
{
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;

	for (int64_t place = first; place < end; place += step)
	{
		uint32_t	v = l.list[place];
		int64_t		entries = l.rows.offsets[v + 1] - l.rows.offsets[v];

		if (!l.takes_part(v))
		{
			if (lane == 0)
				l.target[place] = STAY;
		}
		else if (entries <= 32)
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
		else if (lane == 0 && entries > GIANT && l.apart)
			l.giants[atomicAdd(&l.state->giants, 1u)] = (uint32_t) place;
		else if (lane == 0)
			l.queue[atomicAdd(&l.state->queued, 1u)] = (uint32_t) place;
	}
}

/* Tables of long rows: of as many workers as there may be, each with its slots. */
struct long_tables
{
	uint32_t   *keys;			/* NULL: there are no such rows */
	double	   *sums;
	int64_t		slots;
};

/* Rows that were queued, WIDTH threads for each. */
template <int WIDTH, typename P> __device__ static inline void
judge_queued(const P &l, const uint32_t *queue, uint32_t queued, int64_t worker, int64_t workers, const long_tables &t)
{
	for (int64_t q = worker; q < queued; q += workers)
	{
		uint32_t	place = queue[q];
		uint32_t	v = l.list[place];

		judge_row<WIDTH, WIDTH == 32>(l, place, v, t.keys + worker * t.slots, t.sums + worker * t.slots,
									  slots_for(l.rows.offsets[v + 1] - l.rows.offsets[v]));
		if (WIDTH == 32)
			__syncwarp();
		else
			__syncthreads();
	}
}

template <typename P> __global__ static void __launch_bounds__(MEDIUM_THREADS)
judge_batch(P l)
{
	__shared__ warp_tables tables;
	bool		empty = false;

	judge_places(l, l.state->begin + global_thread() / 32, l.state->end, (int64_t) gridDim.x * (MEDIUM_THREADS / 32),
				 &tables, &empty);
}

/* The long rows, or the giants. */
template <int WIDTH, bool OF_GIANTS, typename P> __global__ static void __launch_bounds__(LONG_THREADS)
judge_long(P l, long_tables t)
{
	judge_queued<WIDTH>(l, OF_GIANTS ? l.giants : l.queue, OF_GIANTS ? l.state->giants : l.state->queued,
						global_thread() / WIDTH, (int64_t) gridDim.x * (LONG_THREADS / WIDTH), t);
}

/* ---- giants ---- */

/* A table for each giant of a batch, and the best of every tile of it. */
struct giant_part
{
	candidate	best;
	double		own_weight;
};

struct giant_tables
{
	uint32_t   *keys;
	double	   *sums;
	int64_t		slots;			/* of each */
	giant_part *parts;			/* [GIANTS][slots / GIANT_TILE] */
};

/* The first tile of giant q for a block: with many giants, not the same ones are the first blocks'. */
__device__ static inline int64_t
first_tile(uint32_t q)
{
	return (blockIdx.x + (int64_t) q * 7) % gridDim.x;
}

/* Fills the tables; sums must not round. */
template <typename P> __global__ static void __launch_bounds__(LONG_THREADS)
add_giants(P l, giant_tables t)
{
	uint32_t	giants = l.state->giants;

	for (uint32_t q = 0; q < giants; q++)
	{
		uint32_t	v = l.list[l.giants[q]];
		int64_t		begin = l.rows.offsets[v];
		int64_t		end = l.rows.offsets[v + 1];

		for (int64_t tile = first_tile(q); begin + tile * GIANT_TILE < end; tile += gridDim.x)
			add_row<LONG_THREADS, false>(begin + tile * GIANT_TILE, min(begin + (tile + 1) * GIANT_TILE, end),
										 l.rows.weights == nullptr,
										 [&] (int64_t entry, double *weight) { return l.label_of(v, entry, weight); },
										 t.keys + q * t.slots, t.sums + q * t.slots, slots_for(end - begin));
	}
}

/* Empties them. */
template <typename P> __global__ static void __launch_bounds__(LONG_THREADS)
judge_giants(P l, giant_tables t)
{
	uint32_t	giants = l.state->giants;

	for (uint32_t q = 0; q < giants; q++)
	{
		uint32_t	v = l.list[l.giants[q]];
		int64_t		slots = slots_for(l.rows.offsets[v + 1] - l.rows.offsets[v]);

		for (int64_t tile = first_tile(q); tile * GIANT_TILE < slots; tile += gridDim.x)
		{
			int64_t		at = q * t.slots + tile * GIANT_TILE;
			giant_part	part;

			part.best = best_of_table<LONG_THREADS>(t.keys + at, t.sums + at,
													(uint32_t) min(slots - tile * GIANT_TILE, (int64_t) GIANT_TILE),
													l.own_label(v), l.nothing(v),
													[&] (uint32_t label, double sum) { return l.judge(v, label, sum); },
													&part.own_weight);
			if (threadIdx.x == 0)
				t.parts[at / GIANT_TILE] = part;
		}
	}
}

/* Every block finds the best of all tiles and notes it for a share of the row. */
template <typename P> __global__ static void __launch_bounds__(LONG_THREADS)
note_giants(P l, giant_tables t)
{
	__shared__ candidate bests[LONG_THREADS / 32];
	__shared__ double own;
	uint32_t	giants = l.state->giants;

	for (uint32_t q = 0; q < giants; q++)
	{
		uint32_t	place = l.giants[q];
		uint32_t	v = l.list[place];
		int64_t		slots = slots_for(l.rows.offsets[v + 1] - l.rows.offsets[v]);
		int64_t		tiles = (slots + GIANT_TILE - 1) / GIANT_TILE;
		candidate	best = l.nothing(v);

		if (threadIdx.x == 0)
			own = 0;
		__syncthreads();
		for (int64_t i = threadIdx.x; i < tiles; i += LONG_THREADS)
		{
			giant_part	part = t.parts[(q * t.slots) / GIANT_TILE + i];

			best.take_better(part.best);
			/* one tile has that label */
			if (part.own_weight != 0)
				own = part.own_weight;
		}
		best = best_of_lanes<32>(best);
		if (threadIdx.x % 32 == 0)
			bests[threadIdx.x / 32] = best;
		__syncthreads();
		for (int w = 0; w < LONG_THREADS / 32; w++)
			best.take_better(bests[w]);
		l.note(place, v, best, own, global_thread(), (int64_t) gridDim.x * LONG_THREADS);
		__syncthreads();
	}
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

/*
 * Carries out up to 32 moves, of the first lanes, in their order; free_count is
 * shared.
 */
template <typename P> __device__ static inline void
move_group(const P &l, mover *m, bool any, volatile uint32_t *free_count)
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

			l.make(m, &left);
			if (serial)
			{
				if (m->emptied)
					l.release(left++, m->own);
				*free_count = left;
			}
		}
		__syncwarp();
		pending &= ~__ballot_sync(FULL_WARP, ready);
	}
	emptied = serial ? 0 : __ballot_sync(FULL_WARP, any && m->emptied);
	if (emptied & mine)
		l.release(*free_count + __popc(emptied & (mine - 1)), m->own);
	__syncwarp();
	if (lane == 0)
		*free_count += __popc(emptied);
	__syncwarp();
}

/*
 * All moves of the batch, by one warp.  What is known of a mover is three loads
 * away, one after the other, which are made for later ones meanwhile; nothing
 * that is loaded ahead changes before its move.
 */
template <typename P> __device__ static inline void
move_all(const P &l, int64_t count, volatile uint32_t *free_count)
{
	int			lane = threadIdx.x % 32;
	double		total = 0;
	int64_t		moves = 0;
	uint32_t	place = 0;		/* of a mover three groups ahead */
	mover		second = {};	/* node, target and gain: two ahead */
	mover		next = {};		/* and its own community and strengths: the next group */

	for (int64_t base = -96; base < count; base += 32)
	{
		mover		m = next;
		unsigned	made;

		next = second;
		if (base + 32 + lane >= 0 && base + 32 + lane < count)
		{
			next.own = l.own_label(next.node);
			next.out = l.out[next.node];
			next.in = l.in[next.node];
		}
		if (base + 64 + lane >= 0 && base + 64 + lane < count)
		{
			second.node = l.list[place];
			second.to = l.target[place];
			second.gain = l.gain[place];
		}
		if (base + 96 + lane < count)
			place = l.movers[base + 96 + lane];
		__syncwarp();
		if (base < 0)
			continue;
		move_group(l, &m, base + lane < count, free_count);
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
template <typename P> __global__ static void __launch_bounds__(MOVE_THREADS)
move_batch(P l)
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
		l.open(end, next_end, threadIdx.x - 32, MOVE_THREADS - 32);
	}
	__syncthreads();
	if (threadIdx.x == 0)
	{
		l.state->free_count = free_count;
		l.state->queued = 0;
		l.state->giants = 0;
	}
	if (threadIdx.x == 32)
	{
		l.state->begin = end;
		l.state->end = next_end;
	}
}

/* Batch after batch by one block. */
template <typename P> __global__ static void __launch_bounds__(MEDIUM_THREADS)
small_batches(P l, bool exact, long_tables t)
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
		if (t.keys)
		{
			if (exact)
				judge_queued<MEDIUM_THREADS>(l, l.queue, l.state->queued, 0, 1, t);
			else
				judge_queued<32>(l, l.queue, l.state->queued, warp, MEDIUM_THREADS / 32, t);
			__syncthreads();
			if (threadIdx.x == 0)
				l.state->queued = 0;
		}
		if (warp == 0)
			move_all(l, find_few_movers(l, begin, end), &free_count);
		else if (warp == 1)
		{
			int64_t		until = find_batch_end(l, end, l.state->count, l.state->work);

			l.open(end, until, threadIdx.x - 32, 32);
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
mark_active(level_view l, const uint8_t *active, const uint32_t *order, uint32_t *listed, uint32_t *work)
{
	int64_t		turn = global_thread();

	if (turn < l.nodes)
	{
		uint32_t	v = order[turn];

		listed[turn] = active[v];
		work[turn] = active[v] ? (uint32_t) (l.rows.offsets[v + 1] - l.rows.offsets[v]) + LOUVAIN_NODE_WORK : 0;
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

template <typename P> __global__ static void __launch_bounds__(MOVE_THREADS)
begin_pass(P l, int64_t count, int64_t work)
{
	int64_t		end = find_batch_end(l, 0, count, work);

	l.open(0, end, threadIdx.x, MOVE_THREADS);
	if (threadIdx.x == 0)
	{
		l.state->begin = 0;
		l.state->end = end;
		l.state->count = count;
		l.state->work = work;
		l.state->moves = 0;
		l.state->gain = 0;
		l.state->queued = 0;
		l.state->giants = 0;
	}
}

#endif							/* RK_LOUVAIN_MOVES_CUH */

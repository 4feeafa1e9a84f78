/*
 * label_choice.cuh
 *	  The label that a node takes: of those that its neighbours have the one with
 *	  the largest sum of weights.
 *
 * Up to 32 entries: every thread of a group has one, and all compare with all.
 * Beyond: hash tables (row_tables.cuh), whose sums have the bits of the CPU's.
 * Rows that would keep a block for long are added up, looked through and woken in
 * pieces, a block for each, if sums do not round.
 */
#ifndef RK_LABEL_CHOICE_CUH
#define RK_LABEL_CHOICE_CUH

#include "nodes.cuh"
#include "row_tables.cuh"

#define NO_LABEL UINT32_MAX

#ifdef RK_CUDA_ON_HOST
/* less, so that small graphs have such rows */
#define HUGE_PIECE 64
#else
#define HUGE_PIECE 4096
#endif

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
	uint32_t   *label;			/* NO_LABEL: none yet */
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
	candidate	c = {0, UINT64_MAX, NO_LABEL};

	if (label != NO_LABEL)
		c = {sum, r.rank ? r.rank[label] : 0, label};
	return c;
}

/* Whether a node has its turn.  The caller clears "active" behind a barrier. */
__device__ static inline bool
has_turn(const label_round &r, uint32_t v)
{
	return (r.active == nullptr || r.active[v]) && (r.fixed == nullptr || !r.fixed[v]);
}

/* What an entry counts for: NO_LABEL, nothing. */
__device__ static inline uint32_t
label_of_entry(const label_round &r, uint32_t v, int64_t entry, double *weight)
{
	uint32_t	u = r.rows.neighbors[entry];

	*weight = r.rows.weights ? r.rows.weights[entry] : 1;
	return u == v || *weight == 0 ? NO_LABEL : r.label[u];
}

__device__ static inline uint32_t
settle(const label_round &r, const candidate &best, uint32_t own, double own_sum)
{
	if (best.sum == 0 || (r.rank && own_sum == best.sum))
		return own;
	return best.label;
}

/* Wakes those neighbours that a new label matters to; thread of width threads. */
__device__ static inline void
wake(const label_round &r, uint32_t v, uint32_t c, int64_t begin, int64_t end, int thread, int width)
{
	for (int64_t e = begin + thread; e < end; e += width)
	{
		uint32_t	u = r.rows.neighbors[e];

		/* a loop wakes its node, whose label is the old one still */
		if (u == v || r.label[u] != c)
			r.active[u] = 1;
	}
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
	wake(r, v, c, r.rows.offsets[v], r.rows.offsets[v + 1], thread, width);
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
	uint32_t	own = turn ? r.label[v] : NO_LABEL;
	uint32_t	label = NO_LABEL;
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
		uint32_t	c = settle(r, best, own, own == NO_LABEL ? 0 : own_sum);

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
	best = best_of_table<WIDTH>(keys, sums, slots, own, candidate {0, UINT64_MAX, NO_LABEL},
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
			keys[warp][s] = NO_LABEL;
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

/* A node with a longer row, by WIDTH threads; there: at all.  Returns whether there is a change. */
template <int WIDTH> __device__ static inline bool
decide_node(const label_round &r, bool there, uint32_t v, uint32_t *keys, double *sums)
{
	bool		turn = there && has_turn(r, v);
	uint32_t	own;
	uint32_t	c;

	if (WIDTH == 32)
		__syncwarp();
	else
		__syncthreads();
	if (there && threadIdx.x % WIDTH == 0 && r.active)
		r.active[v] = 0;
	if (!turn)
		return false;
	own = r.label[v];
	c = decide_row<WIDTH, WIDTH == 32>(r, v, own, keys, sums, slots_for(r.rows.offsets[v + 1] - r.rows.offsets[v]));
	return publish(r, v, own, c, threadIdx.x % WIDTH, WIDTH);
}

/*
 * Longer rows whose sums do not round, one after the other: every block has a
 * table of stride slots, which stays in the cache.
 */
__global__ static void __launch_bounds__(LONG_THREADS)
decide_long(label_round r, const uint32_t *list, int64_t count, int64_t stride, uint32_t *keys, double *sums)
{
	unsigned long long changed = 0;

	for (int64_t at = blockIdx.x; at < count; at += gridDim.x)
		changed += decide_node<LONG_THREADS>(r, true, list[at], keys + blockIdx.x * stride, sums + blockIdx.x * stride);
	if (threadIdx.x == 0 && changed > 0)
		atomicAdd(r.changes, changed);
}

/*
 * Those whose sums have one order, a warp for each; place: of the tables of all
 * nodes in lists, of which those of this list begin at place[0].
 */
__global__ static void __launch_bounds__(LONG_THREADS)
decide_ordered(label_round r, const uint32_t *list, int64_t count, const int64_t *place, uint32_t *keys, double *sums)
{
	int64_t		at = global_thread() / 32;
	bool		there = at < count;
	int64_t		table = there ? place[at] - place[0] : 0;

	if (decide_node<32>(r, there, there ? list[at] : 0, keys + table, sums + table) && threadIdx.x % 32 == 0)
		atomicAdd(r.changes, 1ull);
}

/* ---- longest rows ---- */

/* A part of the row of the node at a place in the list of all. */
struct huge_piece
{
	uint32_t	place;
	uint32_t	number;
};

/* The best of a part of a table. */
struct huge_best
{
	candidate	best;
	double		own_sum;
};

struct huge_node
{
	uint32_t	turn;			/* it has it */
	uint32_t	label;			/* that it takes; NO_LABEL: none new */
};

/* The longest rows of a class. */
struct huge_class
{
	const uint32_t *list;		/* from the first of them on */
	int64_t		count;
	int64_t		first;			/* their place */
	const huge_piece *pieces;
	const int64_t *piece_place; /* where the pieces of a place begin */
	const int64_t *place;		/* of tables */
	int64_t		first_long;		/* place of the class's first table */
	uint32_t   *keys;
	double	   *sums;
	huge_node  *node;			/* by place from the first on */
	huge_best  *best;			/* by piece from the first on */
};

/* The piece of a block. */
struct huge_part
{
	uint32_t	v;
	huge_node  *node;
	uint32_t	number;
	int64_t		begin;			/* entries */
	int64_t		end;
	int64_t		pieces;
	uint32_t	slots;
	uint32_t   *keys;
	double	   *sums;
};

__device__ static inline int64_t
huge_pieces_of(int64_t entries)
{
	return (entries + HUGE_PIECE - 1) / HUGE_PIECE;
}

__device__ static inline huge_part
part_of(const label_round &r, const huge_class &h)
{
	huge_piece	piece = h.pieces[blockIdx.x];
	uint32_t	v = h.list[piece.place - h.first];
	int64_t		begin = r.rows.offsets[v] + (int64_t) piece.number * HUGE_PIECE;
	int64_t		entries = r.rows.offsets[v + 1] - r.rows.offsets[v];
	int64_t		table = h.place[piece.place] - h.place[h.first_long];

	return {v, &h.node[piece.place - h.first], piece.number, begin, min(begin + HUGE_PIECE, r.rows.offsets[v + 1]),
			huge_pieces_of(entries), slots_for(entries), h.keys + table, h.sums + table};
}

/* Who has a turn. */
__global__ static void
begin_huge(label_round r, huge_class h)
{
	int64_t		at = global_thread();
	uint32_t	v;

	if (at >= h.count)
		return;
	v = h.list[at];
	h.node[at] = {has_turn(r, v), NO_LABEL};
	if (r.active)
		r.active[v] = 0;
}

/* Adds up, a block for each piece. */
__global__ static void __launch_bounds__(LONG_THREADS)
add_huge(label_round r, huge_class h)
{
	huge_part	p = part_of(r, h);

	if (p.node->turn)
		add_row<LONG_THREADS, false>(p.begin, p.end, r.rows.weights == nullptr,
									 [&] (int64_t entry, double *weight) { return label_of_entry(r, p.v, entry, weight); },
									 p.keys, p.sums, p.slots);
}

/* Looks through the tables, cut into as many parts. */
__global__ static void __launch_bounds__(LONG_THREADS)
look_at_huge(label_round r, huge_class h)
{
	huge_part	p = part_of(r, h);
	int64_t		from = (int64_t) p.slots * p.number / p.pieces;
	int64_t		to = (int64_t) p.slots * (p.number + 1) / p.pieces;
	huge_best	found;

	if (!p.node->turn)
		return;
	found.best = best_of_table<LONG_THREADS>(p.keys + from, p.sums + from, (uint32_t) (to - from), r.label[p.v],
											 candidate {0, UINT64_MAX, NO_LABEL},
											 [&] (uint32_t label, double sum) { return make_candidate(r, label, sum); },
											 &found.own_sum);
	if (threadIdx.x == 0)
		h.best[blockIdx.x] = found;
}

/* Decides, a block for each node. */
__global__ static void __launch_bounds__(LONG_THREADS)
settle_huge(label_round r, huge_class h)
{
	uint32_t	v = h.list[blockIdx.x];
	uint32_t	own = r.label[v];
	const huge_best *parts = h.best + (h.piece_place[h.first + blockIdx.x] - h.piece_place[h.first]);
	int64_t		pieces = huge_pieces_of(r.rows.offsets[v + 1] - r.rows.offsets[v]);
	candidate	best = {0, UINT64_MAX, NO_LABEL};
	double		own_sum = 0;
	uint32_t	c;

	if (!h.node[blockIdx.x].turn)
		return;
	for (int64_t i = threadIdx.x; i < pieces; i += LONG_THREADS)
	{
		best.take_better(parts[i].best);
		own_sum += parts[i].own_sum;
	}
	best = best_of_group<LONG_THREADS>(best, &own_sum);
	c = settle(r, best, own, own_sum);
	if (threadIdx.x != 0)
		return;
	if (r.next)
		r.next[v] = c;
	if (c == own)
		return;
	h.node[blockIdx.x].label = c;
	atomicAdd(r.changes, 1ull);
}

/* Wakes the neighbours of who takes another label. */
__global__ static void __launch_bounds__(LONG_THREADS)
wake_huge(label_round r, huge_class h)
{
	huge_part	p = part_of(r, h);

	if (p.node->label != NO_LABEL)
		wake(r, p.v, p.node->label, p.begin, p.end, threadIdx.x, LONG_THREADS);
}

__global__ static void
take_huge(label_round r, huge_class h)
{
	int64_t		at = global_thread();

	if (at < h.count && h.node[at].label != NO_LABEL)
		r.label[h.list[at]] = h.node[at].label;
}

#endif							/* RK_LABEL_CHOICE_CUH */

/*
 * partners.cuh
 *	  The nodes that have a neighbour in common with a node, and how many.
 *
 * Every partner b of u is the end of wedges u - z - b.  They have numbers: those of
 * an entry (u, z) follow one another, and entry by entry, so that any part of them
 * can be cut into equal shares whatever the lengths of rows are.  The wedges of a
 * node are counted in a table: a node with few of them has a warp and a table in
 * shared memory, one with more a block, and of one with many a table in device
 * memory has a number for every node, a few such nodes at a time (compare the
 * groups of Nagasaka, Matsuoka, Azad, Buluc 2017).
 *
 * Where a least score excludes enough wedges, the entries with the longest lists are
 * left out, of each row as many as cannot bring a pair to that score; partners that
 * they could still bring there are compared with the node entry by entry.  So the
 * wedges through hubs, which are most of all, are seldom counted.
 *
 * Sums over common neighbours must have the bits of a sum in rising order, and
 * wedges come in any.  Of one or two terms the order does not matter; sums of more
 * are made anew by whoever wants them (shared_entries.cuh).
 */
#ifndef RK_PARTNERS_CUH
#define RK_PARTNERS_CUH

#include "scan.cuh"
#include "shared_entries.cuh"
#include "tiles.cuh"

#include "../src/graph/similarity/scores.h"

#define PARTNER_THREADS 256
#define WARP_TABLE 256			/* of a warp; half of it may be in use */
#define BLOCK_TABLE 2048		/* of a block */
#define BLOCK_WEDGES 16384		/* of a node that a block takes */
#define WEDGE_TILE 2048			/* wedges of a block, of a node with many */
#define NOBODY 0xffffffffu
#define LIST_CLASSES 128		/* lengths of lists: four for each power of 2 */
#ifdef RK_CUDA_ON_HOST
#define FEW_WEDGES 32			/* of a node that are counted without ado */
#define LONG_ROW 64				/* a block's above this where entries are left out */
#define WEDGES_SPARED 1			/* for each that is counted, where there are sums */
#else
#define FEW_WEDGES 512
#define LONG_ROW 1024
#define WEDGES_SPARED 16
#endif

/* What is looked for, as a plain value for kernels. */
struct partner_search
{
	device_adjacency_view rows;		/* N(u) */
	device_adjacency_view columns;	/* whose N contains z */
	const int64_t *wedges;			/* by entry: wedges before it; entries + 1 */
	const double *size;
	const double *value;
	int			term;
	int			power;
	bool		by_size;
	bool		exclude_connected;
	bool		bounded;			/* the threshold can exclude pairs by size */
	double		threshold;
	rk_score	score;
	const uint32_t *left_out;		/* by node: entries whose wedges are not counted; NULL: none */
};

/* Partners as rows; places are in the order in which nodes were through. */
struct partner_rows
{
	uint32_t   *node;
	uint32_t   *partner;
	uint32_t   *common;
	double	   *score;			/* first the sum, of one or two terms */
};

/* Where the rows of the nodes of a batch are. */
struct partner_places
{
	int64_t		begin;			/* the first node */
	int64_t    *start;			/* by node of the batch */
	uint32_t   *length;
	unsigned long long *used;	/* rows there are */
};

/* ---- teams: a warp or a block ---- */

template <int TEAM> __device__ static inline void
team_sync()
{
	if (TEAM == 32)
		__syncwarp();
	else
		__syncthreads();
}

/* Sorts length items, a power of two, rising (Batcher 1968). */
template <int TEAM, typename T> __device__ static inline void
team_sort(T *items, int length, int place)
{
	for (int size = 2; size <= length; size *= 2)
		for (int step = size / 2; step > 0; step /= 2)
		{
			for (int i = place; i < length; i += TEAM)
			{
				int			other = i ^ step;

				if (other > i && (items[other] < items[i]) == ((i & size) == 0))
				{
					T			item = items[i];

					items[i] = items[other];
					items[other] = item;
				}
			}
			team_sync<TEAM>();
		}
}

__device__ static inline int
power_of_two(int count)
{
	int			length = 1;

	while (length < count)
		length *= 2;
	return length;
}

/* ---- wedges ---- */

/* How many wedges an entry has. */
struct count_entry_wedges
{
	const int64_t *offsets;		/* of the columns */
	const uint32_t *neighbors;
	bool		half;
	uint32_t   *lengths;

	__device__ void operator() (int64_t u, uint32_t z, int64_t entry) const
	{
		int64_t		low = offsets[z];
		int64_t		high = offsets[z + 1];

		/* u is in the list; partners below it are those before */
		while (half && low < high)
		{
			int64_t		middle = low + (high - low) / 2;

			if (neighbors[middle] < u)
				low = middle + 1;
			else
				high = middle;
		}
		lengths[entry] = (uint32_t) ((half ? low : high) - offsets[z]);
	}
};

/* What entry "at" of a row weighs, where it is not 1: how much it can bring to a pair. */
__device__ static inline double
weight_of_entry(const partner_search &s, int64_t at)
{
	if (s.term == TERM_NODE)
		return s.value[s.rows.neighbors[at]];
	if (s.term == TERM_MIN)
		return s.rows.weights[at];
	return s.rows.weights[at] * s.rows.weights[at];
}

__device__ static inline int
class_of_list(int64_t length)
{
	int			power = 63 - __clzll((long long) length);

	return 4 * power + (int) ((power >= 2 ? length >> (power - 2) : length << (2 - power)) & 3);
}

/*
 * Chooses what is left out of the rows, by teams of threads: of the longest lists as
 * many classes as weigh less than the least score needs, if that spares enough
 * wedges.  lengths: of the wedges of every entry, which become 0 there.
 */
template <int TEAM> __global__ static void __launch_bounds__(PARTNER_THREADS)
leave_out(partner_search s, int64_t nodes, uint32_t *left_out, uint32_t *lengths)
{
	const int	TEAMS = PARTNER_THREADS / TEAM;
	__shared__ double weights[TEAMS][LIST_CLASSES];
	__shared__ unsigned long long wedges[TEAMS][LIST_CLASSES];
	__shared__ uint32_t entries[TEAMS][LIST_CLASSES];
	__shared__ int cuts[TEAMS];
	int			team = threadIdx.x / TEAM;
	int			place = threadIdx.x % TEAM;

	for (int64_t u = (int64_t) blockIdx.x * TEAMS + team; u < nodes; u += (int64_t) gridDim.x * TEAMS)
	{
		int64_t		begin = s.rows.offsets[u];
		int64_t		end = s.rows.offsets[u + 1];

		/* the same for all of the team */
		if (TEAM > 32 ? end - begin <= LONG_ROW : end - begin > LONG_ROW)
			continue;
		for (int i = place; i < LIST_CLASSES; i += TEAM)
		{
			weights[team][i] = 0;
			wedges[team][i] = 0;
			entries[team][i] = 0;
		}
		team_sync<TEAM>();
		for (int64_t e = begin + place; e < end; e += TEAM)
		{
			uint32_t	z = s.rows.neighbors[e];
			int64_t		length = s.columns.offsets[z + 1] - s.columns.offsets[z];
			int			c = class_of_list(length);

			if (s.term != TERM_NONE)
				atomicAdd(&weights[team][c], weight_of_entry(s, e));
			atomicAdd(&wedges[team][c], (unsigned long long) length);
			atomicAdd(&entries[team][c], 1u);
		}
		team_sync<TEAM>();
		if (place == 0)
		{
			/* sums of weights are in any order */
			double		enough = rk_score_need(s.power, s.size[u], s.threshold) * (1 - 1e-6);
			double		weight = 0;
			unsigned long long all = 0;
			unsigned long long left = 0;
			uint32_t	count = 0;
			int			cut = LIST_CLASSES;
			bool		fits = true;

			for (int c = LIST_CLASSES - 1; c >= 0; c--)
			{
				all += wedges[team][c];
				weight += s.term == TERM_NONE ? entries[team][c] : weights[team][c];
				fits &= weight < enough;
				if (!fits || entries[team][c] == 0)
					continue;
				cut = c;
				left += wedges[team][c];
				count += entries[team][c];
			}
			/* without sums, counts exclude most of those that would be compared */
			if (all <= FEW_WEDGES || (s.term == TERM_NONE ? left < all - left : left / WEDGES_SPARED < all - left))
			{
				cut = LIST_CLASSES;
				count = 0;
			}
			cuts[team] = cut;
			left_out[u] = count;
		}
		team_sync<TEAM>();
		for (int64_t e = begin + place; cuts[team] < LIST_CLASSES && e < end; e += TEAM)
		{
			uint32_t	z = s.rows.neighbors[e];

			if (class_of_list(s.columns.offsets[z + 1] - s.columns.offsets[z]) >= cuts[team])
				lengths[e] = 0;
		}
		team_sync<TEAM>();
	}
}

/* Whether not all wedges of a node are counted. */
__device__ static inline bool
is_partial(const partner_search &s, uint32_t u)
{
	return s.left_out && s.left_out[u] > 0;
}

/* The last entry in [low, high) with no more than w wedges before it. */
__device__ static inline int64_t
entry_of_wedge(const int64_t *wedges, int64_t w, int64_t low, int64_t high)
{
	while (high - low > 1)
	{
		int64_t		middle = low + (high - low) / 2;

		if (wedges[middle] <= w)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The partner that wedge w ends at, through one of the entries [low, high), and what it adds. */
template <bool SUMS> __device__ static inline uint32_t
end_of_wedge(const partner_search &s, int64_t w, int64_t low, int64_t high, double *term)
{
	int64_t		entry = entry_of_wedge(s.wedges, w, low, high);
	uint32_t	z = s.rows.neighbors[entry];
	int64_t		at = s.columns.offsets[z] + (w - s.wedges[entry]);

	if (SUMS && s.term == TERM_NODE)
		*term = s.value[z];
	else if (SUMS)
	{
		double		x = s.rows.weights[entry];
		double		y = s.columns.weights[at];

		*term = s.term == TERM_PRODUCT ? x * y : x < y ? x : y;
	}
	return s.columns.neighbors[at];
}

/* Whether a rising list has b. */
__device__ static inline bool
row_has(const device_adjacency_view &rows, uint32_t u, uint32_t b)
{
	int64_t		low = rows.offsets[u];
	int64_t		high = rows.offsets[u + 1];

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (rows.neighbors[middle] < b)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows.offsets[u + 1] && rows.neighbors[low] == b;
}

/* Whether a partner can be one of the result, by what is known without a sum; common: counted. */
__device__ static inline bool
is_candidate(const partner_search &s, uint32_t u, uint32_t b, uint32_t common)
{
	double		smaller = min(s.size[u], s.size[b]);
	double		larger = max(s.size[u], s.size[b]);

	if (s.by_size && s.bounded && smaller < rk_score_need(s.power, larger, s.threshold) * RK_SCORE_MARGIN)
		return false;
	/* scores of counts rise with the count */
	if (s.term == TERM_NONE && is_partial(s, u) &&
		rk_score_of(s.score, s.size[u], s.size[b], (uint32_t) min((double) common + s.left_out[u], smaller), 0) < s.threshold)
		return false;
	return !s.exclude_connected || !(row_has(s.rows, u, b) || row_has(s.columns, u, b));
}

/* ---- nodes with a table in shared memory ---- */

/* A team for each node of a list; rows of a node rise by partner. */
template <int TEAM, int TABLE, bool SUMS> __global__ static void __launch_bounds__(PARTNER_THREADS)
count_in_shared(partner_search s, const uint32_t *nodes, int64_t count, partner_rows out, partner_places places)
{
	const int	TEAMS = PARTNER_THREADS / TEAM;
	__shared__ uint32_t keys[TEAMS][TABLE];
	__shared__ uint32_t commons[TEAMS][TABLE];
	__shared__ double sums[TEAMS][SUMS ? TABLE : 1];
	__shared__ uint64_t lists[TEAMS][TABLE / 2];
	__shared__ uint32_t found[TEAMS];
	__shared__ unsigned long long first[TEAMS];
	int			team = threadIdx.x / TEAM;
	int			place = threadIdx.x % TEAM;
	int64_t		number = (int64_t) blockIdx.x * TEAMS + team;
	uint32_t   *key = keys[team];
	uint32_t   *common = commons[team];
	double	   *sum = sums[team];
	uint64_t   *list = lists[team];
	uint32_t	u;
	int64_t		row;
	int64_t		row_end;
	int			length;

	/* where a team is a block, there is a node for each */
	if (number >= count)
		return;
	u = nodes[number];
	row = s.rows.offsets[u];
	row_end = s.rows.offsets[u + 1];
	for (int i = place; i < TABLE; i += TEAM)
	{
		key[i] = NOBODY;
		common[i] = 0;
		if (SUMS)
			sum[i] = 0;
	}
	if (place == 0)
		found[team] = 0;
	team_sync<TEAM>();
	for (int64_t w = s.wedges[row] + place; w < s.wedges[row_end]; w += TEAM)
	{
		double		term;
		uint32_t	b = end_of_wedge<SUMS>(s, w, row, row_end, &term);
		unsigned	slot = (b * 2654435769u >> 16) % TABLE;

		if (b == u)
			continue;
		for (;;)
		{
			uint32_t	seen = atomicCAS(&key[slot], NOBODY, b);

			if (seen == NOBODY || seen == b)
				break;
			slot = (slot + 1) % TABLE;
		}
		atomicAdd(&common[slot], 1u);
		if (SUMS)
			atomicAdd(&sum[slot], term);
	}
	team_sync<TEAM>();
	for (int i = place; i < TABLE; i += TEAM)
		if (key[i] != NOBODY && is_candidate(s, u, key[i], common[i]))
			list[atomicAdd(&found[team], 1u)] = (uint64_t) key[i] << 32 | (unsigned) i;
	team_sync<TEAM>();
	length = power_of_two((int) found[team]);
	for (int i = (int) found[team] + place; i < length; i += TEAM)
		list[i] = UINT64_MAX;
	if (place == 0)
	{
		first[team] = atomicAdd(places.used, (unsigned long long) found[team]);
		places.start[u - places.begin] = (int64_t) first[team];
		places.length[u - places.begin] = found[team];
	}
	team_sync<TEAM>();
	team_sort<TEAM>(list, length, place);
	for (int i = place; i < (int) found[team]; i += TEAM)
	{
		int			slot = (int) (uint32_t) list[i];
		int64_t		to = (int64_t) first[team] + i;

		out.node[to] = u;
		out.partner[to] = key[slot];
		out.common[to] = common[slot];
		if (SUMS)
			out.score[to] = sum[slot];
	}
}

/* ---- nodes with a table in device memory ---- */

/*
 * Tables of some nodes at a time.  Numbers of 32 nodes are a line, a bit of which
 * says whether any of them is not 0.  Between nodes all is 0.
 */
struct partner_tables
{
	int64_t		words;			/* of 32 lines: in a table */
	uint32_t   *lines;
	uint32_t   *common;			/* 1024 for each word */
	double	   *sum;
};

/* Counts the wedges of node nodes[blockIdx.y] from the from-th on, a tile a block. */
template <bool SUMS> __global__ static void __launch_bounds__(PARTNER_THREADS)
count_in_tables(partner_search s, const uint32_t *nodes, int64_t from, partner_tables t)
{
	__shared__ int64_t entries[2];
	uint32_t	u = nodes[blockIdx.y];
	int64_t		row = s.rows.offsets[u];
	int64_t		row_end = s.rows.offsets[u + 1];
	int64_t		first = s.wedges[row] + from + (int64_t) blockIdx.x * WEDGE_TILE;
	int64_t		last = min(first + WEDGE_TILE, s.wedges[row_end]);
	int64_t		table = blockIdx.y * t.words;

	if (first >= last)
		return;
	if (threadIdx.x == 0)
		entries[0] = entry_of_wedge(s.wedges, first, row, row_end);
	if (threadIdx.x == 32)
		entries[1] = entry_of_wedge(s.wedges, last - 1, row, row_end) + 1;
	__syncthreads();
	for (int64_t w = first + threadIdx.x; w < last; w += PARTNER_THREADS)
	{
		double		term;
		uint32_t	b = end_of_wedge<SUMS>(s, w, entries[0], entries[1], &term);

		if (b == u)
			continue;
		if (atomicAdd(&t.common[table * 1024 + b], 1u) == 0)
			atomicOr(&t.lines[table + b / 1024], 1u << (b / 32 % 32));
		if (SUMS)
			atomicAdd(&t.sum[table * 1024 + b], term);
	}
}

/*
 * A warp for each word of lines: how many partners there are; what is none
 * becomes 0.
 */
__global__ static void __launch_bounds__(PARTNER_THREADS)
count_lines(partner_search s, const uint32_t *nodes, partner_tables t, uint32_t *lengths)
{
	int64_t		word = global_thread() / 32;
	uint32_t	u = nodes[blockIdx.y];
	int64_t		at = blockIdx.y * t.words + word;
	uint32_t	count = 0;

	if (word >= t.words)
		return;
	for (uint32_t rest = t.lines[at]; rest; rest &= rest - 1)
	{
		int64_t		b = (word * 32 + __ffs((int) rest) - 1) * 32 + threadIdx.x % 32;
		int64_t		cell = blockIdx.y * t.words * 1024 + b;
		bool		there = t.common[cell] > 0;
		bool		mine = there && is_candidate(s, u, (uint32_t) b, t.common[cell]);

		if (there && !mine)
		{
			t.common[cell] = 0;
			if (t.sum)
				t.sum[cell] = 0;
		}
		count += __popc(__ballot_sync(FULL_WARP, mine));
	}
	if (threadIdx.x % 32 == 0)
		lengths[at] = count;
}

/* Makes rows of the tables, which are 0 afterwards; offsets: from the lengths. */
__global__ static void __launch_bounds__(PARTNER_THREADS)
read_lines(const uint32_t *nodes, partner_tables t, const int64_t *offsets, partner_rows out, partner_places places)
{
	int64_t		word = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int64_t		at = blockIdx.y * t.words + word;
	int64_t		place;
	uint32_t	lines;

	if (word >= t.words)
		return;
	place = (int64_t) *places.used + offsets[at];
	lines = t.lines[at];
	for (uint32_t rest = lines; rest; rest &= rest - 1)
	{
		int64_t		b = (word * 32 + __ffs((int) rest) - 1) * 32 + lane;
		int64_t		cell = blockIdx.y * t.words * 1024 + b;
		uint32_t	common = t.common[cell];
		unsigned	mask = __ballot_sync(FULL_WARP, common > 0);
		int64_t		to = place + __popc(mask & ((1u << lane) - 1));

		if (common > 0)
		{
			out.node[to] = nodes[blockIdx.y];
			out.partner[to] = (uint32_t) b;
			out.common[to] = common;
			t.common[cell] = 0;
			if (t.sum)
			{
				out.score[to] = t.sum[cell];
				t.sum[cell] = 0;
			}
		}
		place += __popc(mask);
	}
	if (lane == 0 && lines)
		t.lines[at] = 0;
}

/* Notes where those rows are.  One block, a thread for each table. */
__global__ static void
note_tables(const uint32_t *nodes, int tables, int64_t words, const int64_t *offsets, partner_places places)
{
	int			i = threadIdx.x;

	if (i < tables)
	{
		places.start[nodes[i] - places.begin] = (int64_t) *places.used + offsets[i * words];
		places.length[nodes[i] - places.begin] = (uint32_t) (offsets[(i + 1) * words] - offsets[i * words]);
	}
	__syncthreads();
	if (i == 0)
		*places.used += (unsigned long long) offsets[tables * words];
}

#endif							/* RK_PARTNERS_CUH */

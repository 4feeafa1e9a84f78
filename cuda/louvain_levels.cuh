/*
 * louvain_levels.cuh
 *	  The graph of a level from the one below, its numbers and sums, as
 *	  src/graph/community/louvain_aggregate.c: the same, bit for bit.
 *
 * SUMS		Where sums of weights do not round, their order does not matter, and
 *			they are made with atomics.  Else they have the CPU's order: a warp
 *			adds up what belongs together, one after the other.
 * LEVEL	Nodes are sorted by community and cut into segments, one community's
 *			part of a piece (louvain_turns.h).  A segment is a warp's or a block's,
 *			whose entries are added up by community in a hash table
 *			(row_tables.cuh).  Communities of several segments have theirs sorted
 *			by label, and equal ones added up in the order of segments.
 */
#ifndef RK_LOUVAIN_LEVELS_CUH
#define RK_LOUVAIN_LEVELS_CUH

#include "louvain_moves.cuh"
#include "radix_sort.cuh"

#define WIDE (GIANT * 2)		/* entries of a row beyond which it is several blocks' */

/* A level as kernels see it. */
struct louvain_level
{
	int64_t		nodes;
	int64_t		entries;
	device_adjacency_view rows;
	const double *out;			/* strengths of nodes */
	const double *in;			/* undirected: the same array */
	const double *loop;
	const uint32_t *size;		/* nodes of the graph in it; NULL: 1 */
	const uint32_t *first;		/* the smallest of them; NULL: itself */

	__device__ uint32_t size_of(int64_t v) const { return size ? size[v] : 1; }
	__device__ uint32_t first_of(int64_t v) const { return first ? first[v] : (uint32_t) v; }
};

/*
 * Adds up value(i) of begin <= i < end to sum, one after the other.  A warp's;
 * every lane gets it.
 */
template <typename F> __device__ static inline double
add_in_order(double sum, int64_t begin, int64_t end, F value)
{
	for (int64_t base = begin; base < end; base += 32)
	{
		int64_t		i = base + threadIdx.x % 32;
		double		mine = i < end ? value(i) : 0;
		int			count = (int) min(end - base, (int64_t) 32);

		for (int j = 0; j < count; j++)
			sum += __shfl_sync(FULL_WARP, mine, j);
	}
	return sum;
}

__global__ static void
number_nodes(uint32_t *x, int64_t nodes)
{
	int64_t		v = global_thread();

	if (v < nodes)
		x[v] = (uint32_t) v;
}

__global__ static void
fill_words(uint32_t *x, int64_t count, uint32_t value)
{
	int64_t		i = global_thread();

	if (i < count)
		x[i] = value;
}

/* ---- turns ---- */

__global__ static void
draw_buckets(int64_t nodes, uint64_t start, int64_t buckets, uint32_t *bucket)
{
	int64_t		v = global_thread();

	if (v < nodes)
		bucket[v] = (uint32_t) (rk_hash_fold(start, (uint64_t) v) & (uint64_t) (buckets - 1));
}

/* By place from the end: whether a community is empty. */
__global__ static void
mark_free(const uint32_t *size, int64_t nodes, uint32_t *empty)
{
	int64_t		i = global_thread();

	if (i < nodes)
		empty[i] = size[nodes - 1 - i] == 0;
}

__global__ static void
list_free(const int64_t *place, int64_t nodes, uint32_t *free)
{
	int64_t		i = global_thread();

	if (i < nodes && place[i + 1] > place[i])
		free[place[i]] = (uint32_t) (nodes - 1 - i);
}

/* ---- sums of communities ---- */

/* Lanes with a label: calls visit(first, rest) for the first of each that are alike, rest being all of them. */
template <typename V> __device__ static inline void
visit_alike(uint32_t label, V visit)
{
	unsigned	same = __match_any_sync(FULL_WARP, label);

	visit(label != NO_LABEL && (int) (threadIdx.x % 32) == __ffs((int) same) - 1, label == NO_LABEL ? 0 : same);
}

/* The sum of a value over lanes that are alike; all lanes call it. */
template <typename T> __device__ static inline T
sum_alike(unsigned rest, T value)
{
	int			lane = threadIdx.x % 32;
	T			sum = 0;

	while (__any_sync(FULL_WARP, rest != 0))
	{
		T			other = __shfl_sync(FULL_WARP, value, rest ? __ffs((int) rest) - 1 : lane);

		if (rest)
			sum += other;
		rest &= rest - 1;
	}
	return sum;
}

__global__ static void
count_members(const uint32_t *label, int64_t nodes, uint32_t *size)
{
	int64_t		v = global_thread();
	uint32_t	c = v < nodes ? label[v] : NO_LABEL;

	visit_alike(c, [&] (bool first, unsigned all) {
		if (first)
			atomicAdd(&size[c], (uint32_t) __popc(all));
	});
}

/* Strengths of communities; sums must not round. */
__global__ static void
add_strengths(louvain_level l, const uint32_t *label, double *total_out, double *total_in)
{
	int64_t		v = global_thread();
	uint32_t	c = v < l.nodes ? label[v] : NO_LABEL;

	visit_alike(c, [&] (bool first, unsigned all) {
		double		out = sum_alike(all, c == NO_LABEL ? 0.0 : l.out[v]);
		double		in = total_in == total_out ? 0 : sum_alike(all, c == NO_LABEL ? 0.0 : l.in[v]);

		if (first)
			atomicAdd(&total_out[c], out);
		if (first && total_in != total_out)
			atomicAdd(&total_in[c], in);
	});
}

/* The same in order: members by community; a warp for each. */
__global__ static void
add_strengths_in_order(louvain_level l, const uint32_t *member, const int64_t *begin, double *total_out, double *total_in)
{
	int64_t		c = global_thread() / 32;
	double		out;
	double		in = 0;

	if (c >= l.nodes)
		return;
	out = add_in_order(0, begin[c], begin[c + 1], [&] (int64_t m) { return l.out[member[m]]; });
	if (total_in != total_out)
		in = add_in_order(0, begin[c], begin[c + 1], [&] (int64_t m) { return l.in[member[m]]; });
	if (threadIdx.x % 32 != 0)
		return;
	total_out[c] = out;
	if (total_in != total_out)
		total_in[c] = in;
}

/* ---- weight inside communities ---- */

/* What an entry of v adds to the weight into its own community. */
__device__ static inline double
weight_inside(const louvain_level &l, const uint32_t *community, uint32_t v, int64_t entry)
{
	uint32_t	u = l.rows.neighbors[entry];

	if (u == v || community[u] != community[v])
		return 0;
	return l.rows.weights ? l.rows.weights[entry] : 1;
}

/*
 * By node.  A warp for each; without an order, the wide ones are put into a
 * queue and are 0.
 */
template <bool ORDERED> __global__ static void
weigh_rows(louvain_level l, const uint32_t *community, double *inside, uint32_t *queue, uint32_t *queued)
{
	int64_t		v = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	int64_t		begin;
	int64_t		end;
	double		sum = 0;

	if (v >= l.nodes)
		return;
	begin = l.rows.offsets[v];
	end = l.rows.offsets[v + 1];
	if (ORDERED)
		sum = add_in_order(0, begin, end, [&] (int64_t e) { return weight_inside(l, community, (uint32_t) v, e); });
	else if (end - begin <= WIDE)
	{
		for (int64_t e = begin + lane; e < end; e += 32)
			sum += weight_inside(l, community, (uint32_t) v, e);
		sum = warp_sum(sum);
	}
	else if (lane == 0)
		queue[atomicAdd(queued, 1u)] = (uint32_t) v;
	if (lane == 0)
		inside[v] = sum;
}

/* Those rows, all blocks each. */
__global__ static void __launch_bounds__(NODE_THREADS)
weigh_wide_rows(louvain_level l, const uint32_t *community, double *inside, const uint32_t *queue, const uint32_t *queued)
{
	uint32_t	count = *queued;

	for (uint32_t q = 0; q < count; q++)
	{
		uint32_t	v = queue[q];
		int64_t		end = l.rows.offsets[v + 1];

		for (int64_t base = l.rows.offsets[v] + first_tile(q) * NODE_CHUNK; base < end; base += (int64_t) gridDim.x * NODE_CHUNK)
		{
			double		sum = 0;

			for (int64_t e = base + threadIdx.x; e < min(base + NODE_CHUNK, end); e += NODE_THREADS)
				sum += weight_inside(l, community, v, e);
			sum = block_sum<double, NODE_THREADS>(sum);
			if (threadIdx.x == 0 && sum != 0)
				atomicAdd(&inside[v], sum);
		}
	}
}

/* Of a chunk of nodes, and of as many communities: rk_louvain_quality; a warp for each.  inside NULL: 0. */
__global__ static void
sum_quality(louvain_level l, const double *inside, const double *total_out, const double *total_in, double total,
			double *inside_sums, double *expected_sums)
{
	int64_t		chunk = global_thread() / 32;
	int64_t		begin = chunk * LOUVAIN_QUALITY_CHUNK;
	int64_t		end = min(begin + LOUVAIN_QUALITY_CHUNK, l.nodes);
	double		here;
	double		expected;

	if (begin >= l.nodes)
		return;
	here = add_in_order(0, begin, end, [&] (int64_t v) { return (inside ? inside[v] / 2 : 0) + l.loop[v]; });
	expected = add_in_order(0, begin, end, [&] (int64_t v) { return (total_in[v] / total) * (total_out[v] / total); });
	if (threadIdx.x % 32 == 0)
	{
		inside_sums[chunk] = here;
		expected_sums[chunk] = expected;
	}
}

/* ---- numbers ---- */

/* Nodes of the graph by label: how many, and the smallest. */
__global__ static void
measure_labels(louvain_level l, const uint32_t *label, uint32_t *size, uint32_t *first)
{
	int64_t		v = global_thread();
	uint32_t	c = v < l.nodes ? label[v] : NO_LABEL;

	visit_alike(c, [&] (bool leads, unsigned all) {
		uint32_t	sum = sum_alike(all, c == NO_LABEL ? 0 : l.size_of(v));

		if (leads)
			atomicAdd(&size[c], sum);
	});
	if (c != NO_LABEL && l.first_of(v) < *(volatile uint32_t *) &first[c])
		atomicMin(&first[c], l.first_of(v));
}

/* met: by node of the graph, whether it is the smallest of a label, and of which. */
__global__ static void
meet_labels(int64_t labels, const uint32_t *size, const uint32_t *first, uint32_t *met, uint32_t *label_of)
{
	int64_t		c = global_thread();

	if (c < labels && size[c] > 0)
	{
		met[first[c]] = 1;
		label_of[first[c]] = (uint32_t) c;
	}
}

/* Labels in the order in which they are met, with keys that fall with size. */
__global__ static void
list_labels(int64_t nodes, const int64_t *place, const uint32_t *label_of, const uint32_t *size, uint32_t *key,
			uint32_t *label)
{
	int64_t		v = global_thread();

	if (v < nodes && place[v + 1] > place[v])
	{
		key[place[v]] = (uint32_t) nodes - size[label_of[v]];
		label[place[v]] = label_of[v];
	}
}

__global__ static void
give_numbers(const uint32_t *label, int64_t count, uint32_t *number)
{
	int64_t		i = global_thread();

	if (i < count)
		number[label[i]] = (uint32_t) i;
}

/* x[v] = of[x[v]] */
__global__ static void
map_nodes(uint32_t *x, int64_t nodes, const uint32_t *of)
{
	int64_t		v = global_thread();

	if (v < nodes)
		x[v] = of[x[v]];
}

/* ---- segments ---- */

/* The nodes of one community within one piece, and what is gathered of them. */
struct segments_view
{
	louvain_level level;
	const uint32_t *label;		/* of nodes */
	const uint32_t *member;		/* nodes by label, then as they are numbered */
	const int64_t *before;		/* by place of members: work of those before */
	int64_t		count;			/* segments */
	int64_t    *begin;			/* of members, and one more */
	uint32_t   *community;
	const int64_t *at;			/* of entries: room for them in the next two arrays */
	uint32_t   *neighbors;
	double	   *weights;
	uint32_t   *entries;		/* those that there are */
	double	   *inside;			/* weight into the community itself */
	uint32_t   *queue;
	uint32_t   *queued;

	/* Entries of the members from a segment's first one on. */
	__device__ int64_t entries_before(int64_t place) const { return before[place] - LOUVAIN_NODE_WORK * place; }
	__device__ int64_t arcs(int64_t s) const { return entries_before(begin[s + 1]) - entries_before(begin[s]); }

	/* The label of a neighbour; which: of the entries of all members. */
	__device__ uint32_t label_of(int64_t s, int64_t which, double *weight) const
	{
		int64_t		low = begin[s];
		int64_t		high = begin[s + 1] - 1;
		uint32_t	v;
		int64_t		entry;
		uint32_t	u;

		/* the last member that begins at or before it */
		while (low < high)
		{
			int64_t		middle = (low + high + 1) / 2;

			if (entries_before(middle) <= which)
				low = middle;
			else
				high = middle - 1;
		}
		v = member[low];
		entry = level.rows.offsets[v] + (which - entries_before(low));
		u = level.rows.neighbors[entry];
		*weight = level.rows.weights ? level.rows.weights[entry] : 1;
		return u == v || *weight == 0 ? NO_LABEL : label[u];
	}
};

__global__ static void
weigh_members(louvain_level l, const uint32_t *member, uint32_t *work)
{
	int64_t		m = global_thread();

	if (m < l.nodes)
		work[m] = (uint32_t) (l.rows.offsets[member[m] + 1] - l.rows.offsets[member[m]]) + LOUVAIN_NODE_WORK;
}

/* sorted: the labels of members; piece: its work. */
__global__ static void
mark_segments(const uint32_t *sorted, const int64_t *before, int64_t piece, int64_t nodes, uint32_t *begins)
{
	int64_t		m = global_thread();

	if (m < nodes)
		begins[m] = m == 0 || sorted[m] != sorted[m - 1] ||
			before[m] / piece != before[m - 1] / piece;
}

/* segments_of: the first one of each community, and one more. */
__global__ static void
list_segments(segments_view s, const uint32_t *sorted, const int64_t *number, int64_t communities, int64_t *segments_of)
{
	int64_t		m = global_thread();
	int64_t		nodes = s.level.nodes;

	if (m == nodes)
	{
		s.begin[s.count] = nodes;
		segments_of[communities] = s.count;
	}
	if (m >= nodes || number[m + 1] == number[m])
		return;
	s.begin[number[m]] = m;
	s.community[number[m]] = sorted[m];
	if (m == 0 || sorted[m] != sorted[m - 1])
		segments_of[sorted[m]] = number[m];
}

/* Entries that segments may have; most: of any, its arcs. */
__global__ static void
make_room(segments_view s, int64_t communities, uint32_t *room, unsigned long long *most)
{
	int64_t		i = global_thread();
	int64_t		arcs;

	if (i >= s.count)
		return;
	arcs = s.arcs(i);
	room[i] = (uint32_t) min(arcs, communities);
	if ((unsigned long long) arcs > *(volatile unsigned long long *) most)
		atomicMax(most, (unsigned long long) arcs);
}

/* Slots for a segment: it has no more labels than that. */
__host__ __device__ static inline uint32_t
segment_slots(int64_t arcs, int64_t communities)
{
	return slots_for(min(arcs, communities));
}

/*
 * Adds up a segment, with a table that is empty before and afterwards; WIDTH and
 * ORDERED as in add_row.  In order, labels come as they are met.
 */
template <int WIDTH, bool ORDERED> __device__ static inline void
gather_segment(const segments_view &g, int64_t s, int64_t arcs, uint32_t *keys, double *sums, uint32_t slots)
{
	int64_t		from = g.entries_before(g.begin[s]);
	int			lane = threadIdx.x % 32;
	uint32_t	own = g.community[s];
	double		inside = 0;
	uint32_t	count = 0;

	add_row<WIDTH, ORDERED>(from, from + arcs, g.level.rows.weights == nullptr,
							[&] (int64_t which, double *weight) { return g.label_of(s, which, weight); },
							keys, sums, slots);
	if (ORDERED)
	{
		for (int64_t base = 0; base < arcs; base += 32)
		{
			double		weight;
			uint32_t	label = base + lane < arcs ? g.label_of(s, from + base + lane, &weight) : NO_LABEL;
			unsigned	same = __match_any_sync(FULL_WARP, label);
			bool		leads = label != NO_LABEL && lane == __ffs((int) same) - 1;
			uint32_t	slot = leads ? find_slot(keys, slots, label) : 0;
			double		sum = leads ? sums[slot] : 0;
			/* a sum that was taken is 0 */
			bool		taken = sum != 0 && label != own;
			unsigned	all = __ballot_sync(FULL_WARP, taken);

			if (sum != 0)
				sums[slot] = 0;
			if (sum != 0 && label == own)
				inside = sum;
			if (taken)
			{
				int64_t		to = g.at[s] + count + __popc(all & ((1u << lane) - 1));

				g.neighbors[to] = label;
				g.weights[to] = sum;
			}
			count += __popc(all);
			__syncwarp();
		}
		for (uint32_t i = lane; i < slots; i += 32)
			keys[i] = NO_LABEL;
		inside = warp_sum(inside);
	}
	else
	{
		__shared__ uint32_t written;
		__shared__ double own_sum;

		if (threadIdx.x == 0)
		{
			written = 0;
			own_sum = 0;
		}
		__syncthreads();
		for (uint32_t i = threadIdx.x; i < slots; i += WIDTH)
		{
			uint32_t	label = keys[i];
			double		sum = sums[i];
			bool		taken = label != NO_LABEL && label != own;
			unsigned	all = __ballot_sync(FULL_WARP, taken);
			uint32_t	base = 0;

			if (lane == 0 && all)
				base = atomicAdd(&written, (uint32_t) __popc(all));
			base = __shfl_sync(FULL_WARP, base, 0);
			if (label == own)
				own_sum = sum;
			if (taken)
			{
				int64_t		to = g.at[s] + base + __popc(all & ((1u << lane) - 1));

				g.neighbors[to] = label;
				g.weights[to] = sum;
			}
			keys[i] = NO_LABEL;
			sums[i] = 0;
		}
		__syncthreads();
		inside = own_sum;
		count = written;
		__syncthreads();
	}
	if (threadIdx.x % WIDTH == 0)
	{
		g.entries[s] = count;
		g.inside[s] = inside;
	}
}

/* Short ones, a warp for each; others are queued. */
__global__ static void __launch_bounds__(MEDIUM_THREADS)
gather_short(segments_view g)
{
	__shared__ warp_tables tables;
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;

	for (int s = lane; s < MEDIUM_SLOTS; s += 32)
	{
		tables.keys[warp][s] = NO_LABEL;
		tables.sums[warp][s] = 0;
	}
	__syncwarp();
	for (int64_t s = global_thread() / 32; s < g.count; s += (int64_t) gridDim.x * (MEDIUM_THREADS / 32))
	{
		int64_t		arcs = g.arcs(s);

		if (arcs <= MEDIUM)
		{
			gather_segment<32, true>(g, s, arcs, tables.keys[warp], tables.sums[warp], arcs <= 64 ? 128 : MEDIUM_SLOTS);
			__syncwarp();
		}
		else if (lane == 0)
			g.queue[atomicAdd(g.queued, 1u)] = (uint32_t) s;
	}
}

/* The others, those of arcs from least to most; WIDTH threads and a table for each. */
template <int WIDTH> __global__ static void __launch_bounds__(LONG_THREADS)
gather_long(segments_view g, int64_t communities, int64_t least, int64_t most, long_tables t)
{
	int64_t		worker = global_thread() / WIDTH;
	uint32_t	queued = *g.queued;

	for (int64_t q = worker; q < queued; q += (int64_t) gridDim.x * (LONG_THREADS / WIDTH))
	{
		uint32_t	s = g.queue[q];
		int64_t		arcs = g.arcs(s);

		if (arcs >= least && arcs <= most)
			gather_segment<WIDTH, WIDTH == 32>(g, s, arcs, t.keys + worker * t.slots, t.sums + worker * t.slots,
											   segment_slots(arcs, communities));
		if (WIDTH == 32)
			__syncwarp();
	}
}

/* What is added up over the members of segments, in order; a warp for each. */
struct segment_sums
{
	double	   *loop;
	double	   *out;
	double	   *in;				/* undirected: NULL */
	uint32_t   *size;
	uint32_t   *first;
};

__global__ static void
sum_members(segments_view g, segment_sums sums)
{
	const louvain_level &l = g.level;
	int64_t		s = global_thread() / 32;
	int64_t		begin;
	int64_t		end;
	double		loop;
	double		out;
	double		in = 0;
	uint32_t	size = 0;
	uint32_t	first = UINT32_MAX;

	if (s >= g.count)
		return;
	begin = g.begin[s];
	end = g.begin[s + 1];
	loop = add_in_order(0, begin, end, [&] (int64_t m) { return l.loop[g.member[m]]; });
	out = add_in_order(0, begin, end, [&] (int64_t m) { return l.out[g.member[m]]; });
	if (sums.in)
		in = add_in_order(0, begin, end, [&] (int64_t m) { return l.in[g.member[m]]; });
	for (int64_t m = begin + threadIdx.x % 32; m < end; m += 32)
	{
		size += l.size_of(g.member[m]);
		first = min(first, l.first_of(g.member[m]));
	}
	size = warp_sum(size);
	for (int distance = 16; distance > 0; distance /= 2)
		first = min(first, __shfl_xor_sync(FULL_WARP, first, distance));
	if (threadIdx.x % 32 != 0)
		return;
	sums.loop[s] = loop + g.inside[s] / 2;
	sums.out[s] = out;
	if (sums.in)
		sums.in[s] = in;
	sums.size[s] = size;
	sums.first[s] = first;
}

/* From segments to communities. */
__global__ static void
sum_segments(const int64_t *segments_of, int64_t communities, segment_sums from, segment_sums to)
{
	int64_t		c = global_thread();
	double		loop = 0;
	double		out = 0;
	double		in = 0;
	uint32_t	size = 0;
	uint32_t	first = UINT32_MAX;

	if (c >= communities)
		return;
	for (int64_t s = segments_of[c]; s < segments_of[c + 1]; s++)
	{
		loop += from.loop[s];
		out += from.out[s];
		if (from.in)
			in += from.in[s];
		size += from.size[s];
		first = min(first, from.first[s]);
	}
	to.loop[c] = loop;
	to.out[c] = out;
	if (to.in)
		to.in[c] = in;
	to.size[c] = size;
	to.first[c] = first;
}

/* ---- communities of several segments ---- */

/* Their entries, one segment after the other. */
struct merge_view
{
	segments_view segments;
	const int64_t *segments_of; /* first of each community, and one more */
	const int64_t *begin;		/* by segment, and one more: entries before it; others have none here */
	int64_t		count;

	/* Where an entry is among those that were gathered. */
	__device__ int64_t segment_of(int64_t entry) const
	{
		int64_t		low = 0;
		int64_t		high = segments.count - 1;

		while (low < high)
		{
			int64_t		middle = (low + high + 1) / 2;

			if (begin[middle] <= entry)
				low = middle;
			else
				high = middle - 1;
		}
		return low;
	}

	__device__ int64_t source_of(int64_t entry) const
	{
		int64_t		s = segment_of(entry);

		return segments.at[s] + (entry - begin[s]);
	}
};

__global__ static void
count_merged(segments_view g, const int64_t *segments_of, uint32_t *entries)
{
	int64_t		s = global_thread();
	uint32_t	c;

	if (s >= g.count)
		return;
	c = g.community[s];
	entries[s] = segments_of[c + 1] - segments_of[c] > 1 ? g.entries[s] : 0;
}

__global__ static void
key_by_label(merge_view m, uint32_t *key)
{
	int64_t		i = global_thread();

	if (i < m.count)
		key[i] = m.segments.neighbors[m.source_of(i)];
}

__global__ static void
key_by_community(merge_view m, const uint32_t *entry, uint32_t *key)
{
	int64_t		i = global_thread();

	if (i < m.count)
		key[i] = m.segments.community[m.segment_of(entry[i])];
}

/*
 * Adds up the entries of one community and label, in their order; the first one
 * gets the sum and is marked.
 */
__global__ static void
add_merged(merge_view m, const uint32_t *entry, const uint32_t *community, uint32_t *marked, double *sums)
{
	int64_t		i = global_thread();
	int64_t		source;
	uint32_t	label;
	double		sum;

	if (i >= m.count)
		return;
	source = m.source_of(entry[i]);
	label = m.segments.neighbors[source];
	if (i > 0 && community[i - 1] == community[i] && m.segments.neighbors[m.source_of(entry[i - 1])] == label)
	{
		marked[entry[i]] = 0;
		return;
	}
	sum = m.segments.weights[source];
	for (int64_t j = i + 1; j < m.count && community[j] == community[i]; j++)
	{
		source = m.source_of(entry[j]);
		if (m.segments.neighbors[source] != label)
			break;
		sum += m.segments.weights[source];
	}
	marked[entry[i]] = 1;
	sums[entry[i]] = sum;
}

/* place: sums before each entry; NULL: no community has several segments. */
__global__ static void
count_rows(merge_view m, const int64_t *place, int64_t communities, uint32_t *entries)
{
	int64_t		c = global_thread();
	int64_t		s;
	int64_t		end;

	if (c >= communities)
		return;
	s = m.segments_of[c];
	end = m.segments_of[c + 1];
	entries[c] = end - s == 1 ? m.segments.entries[s] : (uint32_t) (place[m.begin[end]] - place[m.begin[s]]);
}

__global__ static void
write_merged(merge_view m, const int64_t *place, const double *sums, const int64_t *offsets, uint32_t *neighbors,
			 double *weights)
{
	int64_t		i = global_thread();
	uint32_t	c;
	int64_t		to;

	if (i >= m.count || place[i + 1] == place[i])
		return;
	c = m.segments.community[m.segment_of(i)];
	to = offsets[c] + (place[i] - place[m.begin[m.segments_of[c]]]);
	neighbors[to] = m.segments.neighbors[m.source_of(i)];
	weights[to] = sums[i];
}

/* Rows of one segment. */
struct copy_rows
{
	segments_view segments;
	const int64_t *segments_of;
	const int64_t *offsets;
	uint32_t   *neighbors;
	double	   *weights;

	__device__ void operator() (int64_t c, uint32_t, int64_t entry) const
	{
		int64_t		s = segments_of[c];
		int64_t		from = segments.at[s] + (entry - offsets[c]);

		if (segments_of[c + 1] - s > 1)
			return;
		neighbors[entry] = segments.neighbors[from];
		weights[entry] = segments.weights[from];
	}
};

/* ---- Leiden ---- */

/* The smallest part of every community. */
__global__ static void
find_smallest(const uint32_t *community, const uint32_t *part, int64_t nodes, uint32_t *smallest)
{
	int64_t		v = global_thread();

	if (v < nodes && part[v] < *(volatile uint32_t *) &smallest[community[v]])
		atomicMin(&smallest[community[v]], part[v]);
}

/* by_part: all nodes of a part write the same. */
__global__ static void
inherit_smallest(const uint32_t *community, const uint32_t *part, int64_t nodes, const uint32_t *smallest,
				 uint32_t *by_part)
{
	int64_t		v = global_thread();

	if (v < nodes)
		*(volatile uint32_t *) &by_part[part[v]] = smallest[community[v]];
}

struct link_inside
{
	const uint32_t *community;
	const double *weights;
	uint32_t   *parent;

	__device__ void operator() (int64_t row, uint32_t neighbor, int64_t entry) const
	{
		if (community[row] == community[neighbor] && !(weights && weights[entry] == 0))
			link_nodes(parent, (uint32_t) row, neighbor);
	}
};

#endif							/* RK_LOUVAIN_LEVELS_CUH */

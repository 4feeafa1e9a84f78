/*
 * similar_pairs.cu
 *	  All pairs of nodes with a common neighbour, as the stream of
 *	  src/graph/similarity/neighbor_wedges.c: with a least score, the best of all, or
 *	  the best of every node.
 *
 * Nodes are worked off in rising order, so many at a time that the rows they have
 * at most fit into a buffer.  Their partners are counted (partners.cuh); sums of
 * three terms and more are made by intersecting rows, of those pairs whose sum in
 * any order is near enough to the least score; then scores are made by the
 * function of the CPU.  Rows that are good enough are moved behind those of the
 * nodes before; under top_k they are reduced to the best k whenever there are more,
 * the worst of which is the least score of what follows.  Memory: 32 bytes a row of
 * the buffer, which holds 4 million or those of one node, 12 an entry of the
 * graph, and tables for nodes with many wedges, of 256 MB at most if that is
 * enough for one.
 */
#include "partners.cuh"
#include "select.cuh"

#include <vector>

#define PAIR_THREADS 256
#ifdef RK_CUDA_ON_HOST
/* small, so that tests have several batches, launches and groups of tables */
#define BUFFER_ROWS INT64_C(5000)
#define LAUNCH_WEDGES INT64_C(16384)
#define TABLE_BYTES INT64_C(100000)
#else
#define BUFFER_ROWS (INT64_C(1) << 22)	/* if no node needs more */
#define LAUNCH_WEDGES (INT64_C(1) << 27)	/* of the nodes of a batch, if it has several */
#define TABLE_BYTES (INT64_C(1) << 28)
#endif
#define BATCH_NODES (INT64_C(1) << 22)
#define MOST_TABLES 128
#define WARP_ROWS 128			/* of a node whose best a warp picks */
#define BLOCK_ROWS 1024			/* of one whose rows are sorted as they are; most per_node */

/* ---- nodes ---- */

/* How many rows a node has at most. */
__global__ static void
most_rows(const int64_t *offsets, const int64_t *wedges, int64_t n, bool half, uint32_t *most)
{
	int64_t		u = global_thread();

	if (u < n)
		most[u] = (uint32_t) min(wedges[offsets[u + 1]] - wedges[offsets[u]], half ? u : n - 1);
}

/*
 * The end of a batch: of nodes from begin on with no more than so many rows and
 * wedges, one node whatever its wedges.
 */
__global__ static void
find_batch(const int64_t *offsets, const int64_t *wedges, const int64_t *room, int64_t begin, int64_t last,
		   int64_t rows, int64_t *end)
{
	int64_t		low = begin;
	int64_t		high = last;

	while (low < high)
	{
		int64_t		middle = low + (high - low + 1) / 2;

		if (room[middle] - room[begin] <= rows &&
			(middle == begin + 1 || wedges[offsets[middle]] - wedges[offsets[begin]] <= LAUNCH_WEDGES))
			low = middle;
		else
			high = middle - 1;
	}
	*end = low;
}

/* Nodes of a batch by how they are counted. */
struct node_lists
{
	uint32_t   *nodes[3];		/* for a warp, a block, the tables */
	int64_t    *wedges;			/* of the last */
	uint32_t   *counts;			/* 3 */
};

__global__ static void
list_nodes(partner_search s, const int64_t *room, int64_t begin, int64_t end, node_lists lists)
{
	int64_t		u = begin + global_thread();
	int64_t		wedges;
	int			kind;
	uint32_t	at;

	if (u >= end || room[u + 1] == room[u])
		return;
	if (s.bounded && s.size[u] < rk_score_need(s.power, s.size[u], s.threshold) * RK_SCORE_MARGIN)
		return;
	wedges = s.wedges[s.rows.offsets[u + 1]] - s.wedges[s.rows.offsets[u]];
	kind = wedges <= WARP_TABLE / 2 ? 0 : wedges <= BLOCK_WEDGES && room[u + 1] - room[u] <= BLOCK_TABLE / 2 ? 1 : 2;
	at = atomicAdd(&lists.counts[kind], 1u);
	lists.nodes[kind][at] = (uint32_t) u;
	if (kind == 2)
		lists.wedges[at] = wedges;
}

/* ---- scores ---- */

/*
 * Pairs whose rows are to be compared: those that not all wedges were counted of,
 * and those with a sum of three terms or more that is to be made in order, if they
 * can be of the result; with long rows apart.
 */
__global__ static void
list_compared(partner_search s, partner_rows rows, int64_t count, double least, uint32_t *shorts,
		  uint32_t *longs, uint32_t *counts)
{
	int64_t		i = global_thread();
	uint32_t	a;
	uint32_t	b;

	if (i >= count)
		return;
	a = rows.node[i];
	b = rows.partner[i];
	if (!is_partial(s, a) && (s.term == TERM_NONE || rows.common[i] < 3 ||
							  rk_score_of(s.score, s.size[a], s.size[b], rows.common[i], rows.score[i]) < least))
		return;
	if (is_long_pair(s.rows, a, b))
		longs[atomicAdd(&counts[1], 1u)] = (uint32_t) i;
	else
		shorts[atomicAdd(&counts[0], 1u)] = (uint32_t) i;
}

/* Sums become scores; kept: whether they are good enough. */
__global__ static void
score_rows(partner_search s, partner_rows rows, int64_t count, bool all, uint32_t *kept)
{
	int64_t		i = global_thread();

	if (i < count)
	{
		double		x = rk_score_of(s.score, s.size[rows.node[i]], s.size[rows.partner[i]], rows.common[i],
									s.term == TERM_NONE ? 0 : rows.score[i]);

		rows.score[i] = x;
		kept[i] = all || x >= s.threshold;
	}
}

/* How many rows of each node are kept, of at most so many. */
__global__ static void
count_kept(partner_places places, int64_t nodes, const int64_t *position, int64_t most, uint32_t *lengths)
{
	int64_t		i = global_thread();

	if (i < nodes)
	{
		int64_t		start = places.start[i];

		lengths[i] = places.length[i] == 0 ? 0 :
			(uint32_t) min(position[start + places.length[i]] - position[start], most);
	}
}

/* Rows of a result, on the device. */
struct pair_rows
{
	uint32_t   *a;
	uint32_t   *b;
	uint32_t   *common;
	double	   *score;
};

__device__ static inline void
put_pair(const pair_rows &out, int64_t to, const partner_rows &rows, int64_t i, bool half)
{
	out.a[to] = half ? rows.partner[i] : rows.node[i];
	out.b[to] = half ? rows.node[i] : rows.partner[i];
	out.common[to] = rows.common[i];
	out.score[to] = rows.score[i];
}

/* Moves what is kept to its place, the rows of a node as they are. */
__global__ static void
move_kept(partner_rows rows, int64_t count, partner_places places, const uint32_t *kept, const int64_t *position,
		  const int64_t *node_places, int64_t base, pair_rows out)
{
	int64_t		i = global_thread();

	if (i < count && kept[i])
	{
		int64_t		node = rows.node[i] - places.begin;

		put_pair(out, base + node_places[node] + position[i] - position[places.start[node]], rows, i, true);
	}
}

/* ---- the best of a node ---- */

/* A row's rank: best first, of two alike that with the smaller partner, which comes before. */
struct row_rank
{
	uint64_t	key;			/* falls with the score */
	uint32_t	number;			/* among the rows of the node */

	__device__ bool operator<(const row_rank &other) const
	{
		return key != other.key ? key < other.key : number < other.number;
	}
};

__device__ static inline row_rank
rank_of(const partner_rows &rows, int64_t start, uint32_t number)
{
	/* 0 and -0 are alike */
	return {~key_of(rows.score[start + number] + 0.0), number};
}

/* Digit d of a rank, the highest first: 8 of the key, 4 of the number. */
__device__ static inline int
digit_of(const row_rank &x, int d)
{
	return (int) (d < 8 ? x.key >> (56 - 8 * d) & 255 : x.number >> (88 - 8 * d) & 255);
}

/* Whether the first d digits of two ranks are the same. */
__device__ static inline bool
same_digits(const row_rank &x, const row_rank &y, int d)
{
	if (d == 0)
		return true;
	if (d <= 8)
		return x.key >> (64 - 8 * d) == y.key >> (64 - 8 * d);
	return x.key == y.key && x.number >> (96 - 8 * d) == y.number >> (96 - 8 * d);
}

/*
 * The rank of which exactly k of the kept rows of a node are no worse, found digit
 * by digit by a block.
 */
__device__ static inline row_rank
find_cut(const partner_rows &rows, const uint32_t *kept, int64_t start, uint32_t length, uint32_t k)
{
	__shared__ uint32_t counts[256];
	__shared__ row_rank cut;
	__shared__ uint32_t rest;

	if (threadIdx.x == 0)
	{
		cut = {0, 0};
		rest = k;
	}
	for (int d = 0; d < 12; d++)
	{
		for (int i = threadIdx.x; i < 256; i += PAIR_THREADS)
			counts[i] = 0;
		__syncthreads();
		for (uint32_t i = threadIdx.x; i < length; i += PAIR_THREADS)
			if (kept[start + i])
			{
				row_rank	x = rank_of(rows, start, i);

				if (same_digits(x, cut, d))
					atomicAdd(&counts[digit_of(x, d)], 1u);
			}
		__syncthreads();
		if (threadIdx.x == 0)
		{
			int			digit = 0;

			while (rest > counts[digit])
				rest -= counts[digit++];
			if (d < 8)
				cut.key |= (uint64_t) digit << (56 - 8 * d);
			else
				cut.number |= (uint32_t) digit << (88 - 8 * d);
		}
		__syncthreads();
	}
	return cut;
}

/* The best k of the kept rows of each node of a list, in order; a team for each. */
template <int TEAM, int MOST> __global__ static void __launch_bounds__(PAIR_THREADS)
pick_best(const uint32_t *nodes, int64_t count, partner_rows rows, const uint32_t *kept, partner_places places,
		  const int64_t *node_places, const uint32_t *lengths, int64_t base, pair_rows out)
{
	const int	TEAMS = PAIR_THREADS / TEAM;
	__shared__ row_rank lists[TEAMS][MOST];
	__shared__ uint32_t found[TEAMS];
	int			team = threadIdx.x / TEAM;
	int			place = threadIdx.x % TEAM;
	int64_t		number = (int64_t) blockIdx.x * TEAMS + team;
	row_rank   *list = lists[team];
	row_rank	cut = {UINT64_MAX, UINT32_MAX};
	int64_t		node;
	int64_t		start;
	uint32_t	length;
	int			sorted;

	if (number >= count)
		return;
	node = nodes[number] - places.begin;
	start = places.start[node];
	length = places.length[node];
	/* the same for all of the team */
	if (lengths[node] == 0)
		return;
	if (TEAM > 32 && length > MOST)
		cut = find_cut(rows, kept, start, length, lengths[node]);
	if (place == 0)
		found[team] = 0;
	team_sync<TEAM>();
	for (uint32_t i = place; i < length; i += TEAM)
		if (kept[start + i])
		{
			row_rank	x = rank_of(rows, start, i);

			if (!(cut < x))
				list[atomicAdd(&found[team], 1u)] = x;
		}
	team_sync<TEAM>();
	sorted = power_of_two((int) found[team]);
	for (int i = (int) found[team] + place; i < sorted; i += TEAM)
		list[i] = {UINT64_MAX, UINT32_MAX};
	team_sync<TEAM>();
	team_sort<TEAM>(list, sorted, place);
	for (uint32_t i = place; i < lengths[node]; i += TEAM)
		put_pair(out, base + node_places[node] + i, rows, start + list[i].number, false);
}

/* ---- the best of all ---- */

/* Keys that rise from the best row to the worst. */
struct score_rank
{
	const double *score;

	__device__ uint64_t operator() (int64_t i) const { return ~key_of(score[i] + 0.0); }
};

/* Of rows with one score, in the order of their pairs. */
struct pair_rank
{
	pair_rows	rows;
	uint64_t	key;

	__device__ uint64_t operator() (int64_t i) const
	{
		return score_rank {rows.score}(i) == key ? (uint64_t) rows.a[i] << 32 | rows.b[i] : UINT64_MAX;
	}
};

__global__ static void
mark_best(pair_rows rows, int64_t count, uint64_t key, uint64_t pair, uint32_t *kept)
{
	int64_t		i = global_thread();

	if (i < count)
	{
		uint64_t	mine = score_rank {rows.score}(i);

		kept[i] = mine < key || (mine == key && ((uint64_t) rows.a[i] << 32 | rows.b[i]) <= pair);
	}
}

__global__ static void
move_best(pair_rows rows, int64_t count, const uint32_t *kept, const int64_t *position, pair_rows out)
{
	int64_t		i = global_thread();

	if (i < count && kept[i])
	{
		int64_t		to = position[i];

		out.a[to] = rows.a[i];
		out.b[to] = rows.b[i];
		out.common[to] = rows.common[i];
		out.score[to] = rows.score[i];
	}
}

/* ---- the host's side ---- */

/* Arrays of rows of a result. */
struct row_arrays
{
	device_array<uint32_t> a;
	device_array<uint32_t> b;
	device_array<uint32_t> common;
	device_array<double> score;

	void allocate(rk_cuda_device *device, int64_t count)
	{
		a.allocate(device, count);
		b.allocate(device, count);
		common.allocate(device, count);
		score.allocate(device, count);
	}

	pair_rows view() const { return {a.get(), b.get(), common.get(), score.get()}; }
};

class pair_finder
{
public:
	pair_finder(rk_cuda_device *d, rk_cuda_call *c)
		: device(d), call(c), p((const rk_cuda_similar_pairs_params *) c->params), g(c->graph), n(g ? g->nodes : 0) {}

	void check_shape();
	void open();
	void run();
	void store() const;

private:
	void number_wedges();
	void choose_wedges();
	int64_t batch_end(int64_t begin, int64_t rows);
	template <bool SUMS> void count_partners(int64_t begin, int64_t end);
	template <bool SUMS> void count_tables();
	void compare_rows();
	void keep(int64_t begin, int64_t end);
	void reduce();

	template <typename T> T value_at(const T *address)
	{
		T			value;

		check(cudaMemcpyAsync(&value, address, sizeof(T), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		return value;
	}

	/* Waits, so that a request to stop is seen before more is launched. */
	void pause()
	{
		check(cudaStreamSynchronize(device->stream));
		if (stopped(call))
			stop_now();
	}

	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_similar_pairs_params *p;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		capacity;		/* rows of the result */
	bool		half;
	partner_search s;
	device_array<double> size;
	device_array<double> value;
	device_array<double> row_weights;
	device_array<double> column_weights;
	device_array<int64_t> wedges;
	device_array<int64_t> room; /* by node: rows before it at most */
	device_array<uint32_t> numbered;	/* by entry or node: lengths that numbers come from */
	device_array<uint32_t> left_out;
	double		chosen;			/* the least score that entries were left out for; 0: none were */

	/* of a batch */
	int64_t		buffer;			/* rows */
	device_array<uint32_t> node;
	device_array<uint32_t> partner;
	device_array<uint32_t> common;
	device_array<double> score;
	device_array<uint32_t> kept;
	device_array<int64_t> position;
	device_array<uint32_t> longs;
	device_array<int64_t> starts;
	device_array<uint32_t> lengths;
	device_array<int64_t> node_places;
	device_array<uint32_t> listed[3];
	device_array<int64_t> table_wedges;
	device_array<uint32_t> counts;	/* 3, and 2 of sums */
	device_array<unsigned long long> used;
	device_array<int64_t> end_found;
	uint32_t	list_length[3];
	partner_rows rows;
	partner_places places;
	int64_t		rows_used;

	/* of nodes with many wedges */
	int64_t		table_count;
	int64_t		words;
	device_array<uint32_t> lines;
	device_array<uint32_t> table_common;
	device_array<double> table_sum;
	device_array<uint32_t> word_lengths;
	device_array<int64_t> word_offsets;

	row_arrays	out;
	row_arrays	other;			/* top_k: where rows are moved to */
	int64_t		out_used;
};

void
pair_finder::check_shape()
{
	if (n == 0 || p == nullptr || call->params_bytes != sizeof(*p) || p->term < TERM_NONE || p->term > TERM_PRODUCT ||
		p->score < RK_SCORE_SUM || p->score > RK_SCORE_COSINE_VECTORS || p->power < 0 || p->power > 2 ||
		p->begin < 0 || p->begin >= n || p->top_k < 0 || p->per_node < 0 || (p->top_k && p->per_node))
		decline("parameters that a search for pairs does not have");
	capacity = call->output[3].bytes / (int64_t) sizeof(double);
	for (int i = 0; i < 3; i++)
		if (call->output[i].bytes != capacity * (int64_t) sizeof(uint32_t))
			decline("arrays of another shape than a search for pairs has");
	if (call->input[0].bytes != n * (int64_t) sizeof(double) ||
		(p->term == TERM_NODE && call->input[1].bytes != n * (int64_t) sizeof(double)) ||
		(call->input[2].data == nullptr) != (call->input[3].data == nullptr) ||
		(call->input[2].data && (call->input[2].bytes != g->arcs * (int64_t) sizeof(double) ||
								 call->input[3].bytes != g->arcs * (int64_t) sizeof(double))))
		decline("arrays of another shape than a search for pairs has");
	if (p->per_node > BLOCK_ROWS)
		decline("more than 1024 partners of a node are wanted");
	if (p->top_k > capacity)
		decline("there is no room for the best pairs");
	if (!g->out().present() || !g->in().present())
		decline("the graph does not have both directions");
}

/* Numbers the wedges, and sums up how many rows nodes have at most. */
void
pair_finder::number_wedges()
{
	device_adjacency &rows_of = p->in ? g->in() : g->out();

	visit_entries(device, &rows_of, n, g->arcs,
				  count_entry_wedges {s.columns.offsets, s.columns.neighbors, half, numbered.get()});
	s.left_out = nullptr;
	if (s.bounded)
	{
		unsigned	grid = 8u * (unsigned) device->multiprocessors;

		if (left_out.get() == nullptr)
			left_out.allocate(device, n);
		RK_LAUNCH(leave_out<32>, min(blocks_for(n, PARTNER_THREADS / 32), 4 * grid), PARTNER_THREADS, device->stream)
			(s, n, left_out.get(), numbered.get());
		check_launch();
		RK_LAUNCH(leave_out<PARTNER_THREADS>, (unsigned) min(n, (int64_t) grid), PARTNER_THREADS, device->stream)
			(s, n, left_out.get(), numbered.get());
		check_launch();
		s.left_out = left_out.get();
	}
	scan_lengths(device, numbered.get(), g->arcs, wedges.get());
	RK_LAUNCH(most_rows, blocks_for(n, PAIR_THREADS), PAIR_THREADS, device->stream)
		(s.rows.offsets, s.wedges, n, half, numbered.get());
	check_launch();
	scan_lengths(device, numbered.get(), n, room.get());
	call->usage.bytes_moved += (s.bounded ? 80 : 24) * g->arcs + 40 * n;
}

/* Chooses which wedges are counted, anew when the least score has risen. */
void
pair_finder::choose_wedges()
{
	s.bounded = s.threshold > 0 && s.threshold > p->lowest;
	if (!s.bounded || s.threshold < chosen * 1.02)
		return;
	number_wedges();
	chosen = s.threshold;
}

void
pair_finder::open()
{
	bool		sums = p->term != TERM_NONE;
	int64_t		all;
	int64_t		nodes;
	int64_t		each;

	half = p->per_node == 0;
	s.rows = view_of(p->in ? g->in() : g->out());
	s.columns = view_of(p->in ? g->out() : g->in());
	size.load(device, (const double *) call->input[0].data, n, &call->usage);
	if (p->term == TERM_NODE)
		value.load(device, (const double *) call->input[1].data, n, &call->usage);
	if (call->input[2].data)
	{
		row_weights.load(device, (const double *) call->input[2].data, g->arcs, &call->usage);
		column_weights.load(device, (const double *) call->input[3].data, g->arcs, &call->usage);
		s.rows.weights = row_weights.get();
		s.columns.weights = column_weights.get();
	}
	if (p->term >= TERM_MIN && (s.rows.weights == nullptr || s.columns.weights == nullptr))
		decline("the graph has no weights");
	s.size = size.get();
	s.value = value.get();
	s.term = p->term;
	s.power = p->power;
	s.by_size = p->by_size != 0;
	s.exclude_connected = p->exclude_connected != 0;
	s.threshold = p->threshold;
	s.score = (rk_score) p->score;
	s.bounded = false;
	chosen = 0;
	wedges.allocate(device, g->arcs + 1);
	s.wedges = wedges.get();
	room.allocate(device, n + 1);
	numbered.allocate(device, max(g->arcs, n));
	choose_wedges();
	if (!s.bounded)
		number_wedges();

	all = value_at(room.get() + n);
	/* no node has more than n - 1 */
	buffer = min(max(BUFFER_ROWS, n), max(all, INT64_C(1)));
	nodes = min(n, BATCH_NODES);
	node.allocate(device, buffer);
	partner.allocate(device, buffer);
	common.allocate(device, buffer);
	score.allocate(device, buffer);
	starts.allocate(device, nodes);
	lengths.allocate(device, nodes);
	node_places.allocate(device, nodes + 1);
	for (int i = 0; i < 3; i++)
		listed[i].allocate(device, nodes);
	table_wedges.allocate(device, nodes);
	counts.allocate(device, 5);
	used.allocate(device, 1);
	end_found.allocate(device, 1);
	rows = {node.get(), partner.get(), common.get(), score.get()};

	words = (n + 1023) / 1024;
	each = words * 1024 * (int64_t) (sizeof(uint32_t) + (sums ? sizeof(double) : 0));
	table_count = max(min(TABLE_BYTES / each, (int64_t) MOST_TABLES), INT64_C(1));

	if (p->top_k)
	{
		out.allocate(device, min(p->top_k, all) + buffer);
		other.allocate(device, min(p->top_k, all) + buffer);
	}
	else
		out.allocate(device, min(capacity, all));
	/* flags and places of the rows of a batch, and of the best so far */
	kept.allocate(device, max(buffer, out.a.size()));
	position.allocate(device, kept.size() + 1);
	if (sums || s.bounded || p->top_k)
		longs.allocate(device, buffer);
	out_used = 0;
}

/* Where the batch from begin on ends that has at most so many rows; begin: there is none. */
int64_t
pair_finder::batch_end(int64_t begin, int64_t most)
{
	int64_t		last = min(begin + BATCH_NODES, n);

	if (p->per_node)
		last = min(last, begin + (capacity - out_used) / p->per_node);
	RK_LAUNCH(find_batch, 1, 1, device->stream)
		(s.rows.offsets, s.wedges, room.get(), begin, last, most, end_found.get());
	check_launch();
	return value_at(end_found.get());
}

/* Counts the partners of the nodes that have many wedges, some tables at a time. */
template <bool SUMS> void
pair_finder::count_tables()
{
	const uint32_t *list = listed[2].get();
	int64_t		length = list_length[2];
	std::vector<int64_t> host(length);
	partner_tables t;

	if (length == 0)
		return;
	check(cudaMemcpyAsync(host.data(), table_wedges.get(), length * sizeof(int64_t), cudaMemcpyDeviceToHost,
						  device->stream));
	check(cudaStreamSynchronize(device->stream));
	if (lines.get() == nullptr)
	{
		table_common.allocate(device, table_count * words * 1024);
		table_common.fill(0);
		if (SUMS)
		{
			table_sum.allocate(device, table_count * words * 1024);
			table_sum.fill(0);
		}
		word_lengths.allocate(device, table_count * words);
		word_offsets.allocate(device, table_count * words + 1);
		lines.allocate(device, table_count * words);
		lines.fill(0);
	}
	t = {words, lines.get(), table_common.get(), table_sum.get()};
	for (int64_t first = 0; first < length; first += table_count)
	{
		int			tables = (int) min(table_count, length - first);
		int64_t		most = 0;
		dim3		grid(blocks_for(words * 32, PARTNER_THREADS), (unsigned) tables);

		for (int i = 0; i < tables; i++)
		{
			most = max(most, host[first + i]);
			call->usage.bytes_moved += host[first + i] * (SUMS ? 28 : 12);
		}
		for (int64_t from = 0; from < most; from += LAUNCH_WEDGES)
		{
			int64_t		part = min(most - from, LAUNCH_WEDGES);

			RK_LAUNCH(count_in_tables<SUMS>, dim3(blocks_for(part, WEDGE_TILE), (unsigned) tables), PARTNER_THREADS,
					  device->stream)
				(s, list + first, from, t);
			check_launch();
			if (most > LAUNCH_WEDGES)
				pause();
		}
		RK_LAUNCH(count_lines, grid, PARTNER_THREADS, device->stream) (s, list + first, t, word_lengths.get());
		check_launch();
		scan_lengths(device, word_lengths.get(), tables * words, word_offsets.get());
		RK_LAUNCH(read_lines, grid, PARTNER_THREADS, device->stream)
			(list + first, t, word_offsets.get(), rows, places);
		check_launch();
		RK_LAUNCH(note_tables, 1, MOST_TABLES, device->stream)
			(list + first, tables, words, word_offsets.get(), places);
		check_launch();
		/* each of them may have taken long */
		pause();
	}
}

/* Makes the rows of a batch, with sums of one or two terms. */
template <bool SUMS> void
pair_finder::count_partners(int64_t begin, int64_t end)
{
	node_lists	lists = {{listed[0].get(), listed[1].get(), listed[2].get()}, table_wedges.get(), counts.get()};

	places = {begin, starts.get(), lengths.get(), used.get()};
	counts.fill(0);
	used.fill(0);
	lengths.fill(0);
	RK_LAUNCH(list_nodes, blocks_for(end - begin, PAIR_THREADS), PAIR_THREADS, device->stream)
		(s, room.get(), begin, end, lists);
	check_launch();
	check(cudaMemcpyAsync(list_length, counts.get(), sizeof(list_length), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	if (list_length[0] > 0)
		RK_LAUNCH((count_in_shared<32, WARP_TABLE, SUMS>),
				  blocks_for(list_length[0], PARTNER_THREADS / 32), PARTNER_THREADS, device->stream)
			(s, lists.nodes[0], (int64_t) list_length[0], rows, places);
	check_launch();
	if (list_length[1] > 0)
		RK_LAUNCH((count_in_shared<PARTNER_THREADS, BLOCK_TABLE, SUMS>), list_length[1], PARTNER_THREADS,
				  device->stream)
			(s, lists.nodes[1], (int64_t) list_length[1], rows, places);
	check_launch();
	pause();
	count_tables<SUMS>();
	rows_used = (int64_t) value_at(used.get());
	call->usage.bytes_moved += rows_used * 80;
}

/* Compares the rows of pairs that were not counted in full, and makes sums of three terms and more in order. */
void
pair_finder::compare_rows()
{
	/* a sum in another order is as far away at most, whatever the number of terms */
	double		least = s.threshold - 1e-6 * max(1.0, fabs(s.threshold));
	uint32_t	length[2];
	pair_run	r = {};

	if (rows_used == 0 || (s.term == TERM_NONE && s.left_out == nullptr))
		return;
	RK_LAUNCH(list_compared, blocks_for(rows_used, PAIR_THREADS), PAIR_THREADS, device->stream)
		(s, rows, rows_used, least, kept.get(), longs.get(), counts.get() + 3);
	check_launch();
	check(cudaMemcpyAsync(length, counts.get() + 3, sizeof(length), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	r.rows = s.rows;
	r.a = rows.node;
	r.b = rows.partner;
	r.value = s.value;
	r.term = s.term;
	r.common = rows.common;
	r.sum = s.term == TERM_NONE ? nullptr : rows.score;
	intersect_list<SHARED_GROUP>(device, call, r, 0, kept.get(), length[0]);
	intersect_list<32>(device, call, r, 0, longs.get(), length[1]);
	call->usage.bytes_moved += (int64_t) (length[0] + length[1]) * 2 * (g->arcs / n + 1) * (s.term >= TERM_MIN ? 12 : 4);
}

/* Scores the rows of a batch and moves those that are kept behind the others. */
void
pair_finder::keep(int64_t begin, int64_t end)
{
	int64_t		nodes = end - begin;
	int64_t		most = p->per_node ? p->per_node : INT64_MAX;
	/* as the CPU: without a least score nothing is compared with it */
	bool		all = half && s.threshold <= p->lowest;
	device_array<uint32_t> node_kept;

	if (rows_used == 0)
		return;
	node_kept.allocate(device, nodes);
	RK_LAUNCH(score_rows, blocks_for(rows_used, PAIR_THREADS), PAIR_THREADS, device->stream)
		(s, rows, rows_used, all, kept.get());
	check_launch();
	scan_lengths(device, kept.get(), rows_used, position.get());
	RK_LAUNCH(count_kept, blocks_for(nodes, PAIR_THREADS), PAIR_THREADS, device->stream)
		(places, nodes, position.get(), most, node_kept.get());
	check_launch();
	scan_lengths(device, node_kept.get(), nodes, node_places.get());
	if (half)
		RK_LAUNCH(move_kept, blocks_for(rows_used, PAIR_THREADS), PAIR_THREADS, device->stream)
			(rows, rows_used, places, kept.get(), position.get(), node_places.get(), out_used, out.view());
	else
		for (int kind = 0; kind < 3; kind++)
		{
			const uint32_t *list = listed[kind].get();
			int64_t		length = list_length[kind];

			if (kind == 0 && length > 0)
				RK_LAUNCH((pick_best<32, WARP_ROWS>), blocks_for(length, PAIR_THREADS / 32), PAIR_THREADS, device->stream)
					(list, length, rows, kept.get(), places, node_places.get(), node_kept.get(), out_used, out.view());
			else if (length > 0)
				RK_LAUNCH((pick_best<PAIR_THREADS, BLOCK_ROWS>), (unsigned) length, PAIR_THREADS, device->stream)
					(list, length, rows, kept.get(), places, node_places.get(), node_kept.get(), out_used, out.view());
			check_launch();
		}
	check_launch();
	out_used += value_at(node_places.get() + nodes);
}

/* Leaves the best k rows. */
void
pair_finder::reduce()
{
	int64_t		rank = p->top_k - 1;
	selected_key worst;
	selected_key last;
	pair_rows	view = out.view();

	if (out_used < p->top_k)
		return;
	select_keys(device, score_rank {view.score}, out_used, &rank, 1, &worst);
	s.threshold = max(s.threshold, value_of_key(~worst.key));
	if (out_used == p->top_k)
		return;
	rank -= worst.smaller;
	select_keys(device, pair_rank {view, worst.key}, out_used, &rank, 1, &last);
	RK_LAUNCH(mark_best, blocks_for(out_used, PAIR_THREADS), PAIR_THREADS, device->stream)
		(view, out_used, worst.key, last.key, kept.get());
	check_launch();
	scan_lengths(device, kept.get(), out_used, position.get());
	RK_LAUNCH(move_best, blocks_for(out_used, PAIR_THREADS), PAIR_THREADS, device->stream)
		(view, out_used, kept.get(), position.get(), other.view());
	check_launch();
	out.a.swap(other.a);
	out.b.swap(other.b);
	out.common.swap(other.common);
	out.score.swap(other.score);
	out_used = p->top_k;
	pause();
}

void
pair_finder::run()
{
	int64_t		begin = p->begin;
	int64_t		moved;

	while (begin < n)
	{
		int64_t		end;

		if (stopped(call))
			stop_now();
		choose_wedges();
		end = batch_end(begin, half && !p->top_k ? min(buffer, capacity - out_used) : buffer);
		if (end == begin)
			break;
		if (p->term == TERM_NONE)
			count_partners<false>(begin, end);
		else
			count_partners<true>(begin, end);
		compare_rows();
		keep(begin, end);
		if (p->top_k)
			reduce();
		begin = end;
	}
	if (begin == p->begin)
		decline("there is no room for the pairs of one node");
	call->counts[0] = out_used;
	call->counts[1] = begin;
	moved = value_at(s.wedges + value_at(s.rows.offsets + begin)) - value_at(s.wedges + value_at(s.rows.offsets + p->begin));
	call->usage.bytes_moved += moved * (p->term >= TERM_MIN ? 12 : 4);
}

void
pair_finder::store() const
{
	out.a.store((uint32_t *) call->output[0].data, &call->usage, out_used);
	out.b.store((uint32_t *) call->output[1].data, &call->usage, out_used);
	out.common.store((uint32_t *) call->output[2].data, &call->usage, out_used);
	out.score.store((double *) call->output[3].data, &call->usage, out_used);
}

void
run_similar_pairs(rk_cuda_device *device, rk_cuda_call *call)
{
	pair_finder f(device, call);

	f.check_shape();
	call->counts[0] = 0;
	call->counts[1] = call->graph->nodes;
	if (call->graph->arcs == 0)
		return;
	{
		kernel_timer timer(device, &call->usage);

		f.open();
		f.run();
		timer.stop();
	}
	f.store();
	check(cudaStreamSynchronize(device->stream));
}

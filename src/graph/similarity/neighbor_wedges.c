/*
 * neighbor_wedges.c
 *	  All pairs with a common neighbour, as a stream of rows.
 *
 * A thread counts the wedges u - z - b of one node u after the other into an
 * accumulator over b, and then reads off the b that were touched.  Rows of N^-1(z) are sorted, so the walk over the b < u stops at u
 * itself and every unordered pair is met once, at its larger node.  per_node
 * wants the partners on both sides and walks the whole rows.
 *
 * Where a least score excludes enough wedges, the ones through the most
 * frequent neighbours are not counted: the candidates found through the rest
 * are compared with u one by one.
 */
#include "neighbor_similarity.h"
#include "similarity_stream.h"

#include <string.h>

#include "../../compute/parallel.h"

#define CHUNK_ARCS 65536
#define POLL_WEDGES (1 << 18)
#define SMALL 512				/* wedges that are counted without ado */

/* Space of one thread. */
typedef struct scratch
{
	uint32_t   *count;			/* n: common neighbours; 0 between nodes */
	uint32_t   *touched;		/* n + 1: nodes whose count is above 0 */
	double	   *sum;			/* n, of measures with terms */
	uint64_t   *keys;			/* a row: length of the neighbour's list << 32 |
								 * position; as far as there is a least score */
	uint8_t    *mark;			/* n: whether in N(u) */
	double	   *dense;			/* n: its term */
	int64_t		work;			/* wedges since the last poll */
} scratch;

struct rk_wedges
{
	rk_ctx	   *ctx;
	rk_neighborhoods hoods;
	rk_measure	m;
	rk_similarity_params params;
	bool		half;			/* partners below the node only */
	int64_t    *wedges;			/* by node, of both sides */
	scratch    *scratch;		/* by thread; NULL: not made yet */
	rk_similarity_stream stream;
};

/* ---- walking over wedges ---- */

/* One node's walk. */
typedef struct walk
{
	rk_wedges  *w;
	scratch    *s;
	int			thread;
	uint32_t	u;
	const uint64_t *keys;		/* positions in N(u) to go through; NULL: all */
	int64_t		length;			/* how many */
} walk;

/* Counts work, and looks whether to stop once in a while. */
static inline bool
should_stop(const walk *a, int64_t work)
{
	a->s->work += work;
	if (a->s->work < POLL_WEDGES)
		return false;
	a->s->work = 0;
	return rk_chunk_should_stop(a->w->ctx, a->thread);
}

/*
 * Counts the wedges over the neighbours that the walk names.  Returns the
 * number of nodes touched, or -1 when the run is to stop.
 */
static inline __attribute__((always_inline)) int64_t
walk_rows(const walk *a, rk_similarity_term term, bool half, bool touch)
{
	const rk_adjacency *rows = &a->w->hoods.rows;
	const rk_adjacency *columns = &a->w->hoods.columns;
	const uint32_t *neighbors = columns->neighbors;
	const double *weights = columns->weights;
	int64_t		begin = rows->offsets[a->u];
	uint32_t   *count = a->s->count;
	uint32_t   *touched = a->s->touched;
	double	   *sum = a->s->sum;
	uint32_t	u = a->u;
	int64_t		found = 0;

	for (int64_t j = 0; j < a->length; j++)
	{
		int64_t		at = begin + (a->keys ? (uint32_t) a->keys[j] : j);
		uint32_t	z = rows->neighbors[at];
		int64_t		i = columns->offsets[z];
		int64_t		end = columns->offsets[z + 1];
		double		value = term == RK_TERM_NODE ? a->w->m.value[z] :
			term == RK_TERM_NONE ? 0 : rows->weights[at];

		if (should_stop(a, end - i))
			return -1;
		/* u is in the list of z, so the walk below u ends */
		for (; half ? neighbors[i] < u : i < end; i++)
		{
			uint32_t	b = neighbors[i];
			uint32_t	c = count[b];

			if (touch)
			{
				touched[found] = b;
				found += c == 0;
			}
			count[b] = c + 1;
			if (term == RK_TERM_NODE)
				sum[b] += value;
			else if (term == RK_TERM_MIN)
				sum[b] += value < weights[i] ? value : weights[i];
			else if (term == RK_TERM_PRODUCT)
				sum[b] += value * weights[i];
		}
	}
	return found;
}

#define WALK(name, term, half, touch) \
	static int64_t \
	name(const walk *a) \
	{ \
		return walk_rows(a, term, half, touch); \
	}

WALK(count_half, RK_TERM_NONE, true, true)
WALK(count_full, RK_TERM_NONE, false, true)
WALK(tally_half, RK_TERM_NONE, true, false)
WALK(tally_full, RK_TERM_NONE, false, false)
WALK(node_half, RK_TERM_NODE, true, true)
WALK(node_full, RK_TERM_NODE, false, true)
WALK(min_half, RK_TERM_MIN, true, true)
WALK(min_full, RK_TERM_MIN, false, true)
WALK(product_half, RK_TERM_PRODUCT, true, true)
WALK(product_full, RK_TERM_PRODUCT, false, true)

static int64_t (*const walks[][2]) (const walk *a) = {
	[RK_TERM_NONE] = {count_full, count_half},
	[RK_TERM_NODE] = {node_full, node_half},
	[RK_TERM_MIN] = {min_full, min_half},
	[RK_TERM_PRODUCT] = {product_full, product_half},
};

/* ---- from counts to rows ---- */

/* Pairs of one node that are about to be scored. */
typedef struct block
{
	int64_t		count;
	uint32_t	u[RK_SIMILARITY_BLOCK];
	uint32_t	b[RK_SIMILARITY_BLOCK];
	uint32_t	common[RK_SIMILARITY_BLOCK];
	double		score[RK_SIMILARITY_BLOCK]; /* sums first */
} block;

/* Scores the block and adds what is good enough to out. */
static void
put_block(const rk_wedges *w, block *k, rk_similarity_rows *out)
{
	/* half: u is the larger node of the pair */
	const uint32_t *a = w->half ? k->b : k->u;
	const uint32_t *b = w->half ? k->u : k->b;
	double		threshold = w->stream.threshold;

	rk_measure_scores(&w->m, k->count, a, b, k->common, k->score);
	if (w->params.per_node)
	{
		for (int64_t i = 0; i < k->count; i++)
			if (k->score[i] >= threshold)
				rk_similarity_keep(out, w->params.per_node, (rk_similarity_row) {
					a[i], b[i], k->score[i], k->common[i]
				});
	}
	else if (threshold <= w->m.lowest)
	{
		int64_t		at = out->count;

		memcpy(out->a + at, a, sizeof(uint32_t) * k->count);
		memcpy(out->b + at, b, sizeof(uint32_t) * k->count);
		memcpy(out->common + at, k->common, sizeof(uint32_t) * k->count);
		memcpy(out->score + at, k->score, sizeof(double) * k->count);
		out->count += k->count;
	}
	else
	{
		for (int64_t i = 0; i < k->count; i++)
		{
			int64_t		at = out->count;

			if (k->score[i] < threshold)
				continue;
			out->a[at] = a[i];
			out->b[at] = b[i];
			out->common[at] = k->common[i];
			out->score[at] = k->score[i];
			out->count++;
		}
	}
	k->count = 0;
}

static void
start_block(block *k, uint32_t u)
{
	k->count = 0;
	for (int i = 0; i < RK_SIMILARITY_BLOCK; i++)
		k->u[i] = u;
}

/* Takes pairs out of the count that are no candidates: u itself, neighbours. */
static void
drop_pairs(const rk_wedges *w, scratch *s, uint32_t u)
{
	const rk_adjacency *both[] = {&w->hoods.rows, &w->hoods.columns};

	s->count[u] = 0;
	for (int side = 0; side < 2 && w->params.exclude_connected; side++)
		for (int64_t i = both[side]->offsets[u]; i < both[side]->offsets[u + 1]; i++)
			s->count[both[side]->neighbors[i]] = 0;
}

/* Reads the touched nodes off and leaves the counts at 0. */
static void
read_touched(const rk_wedges *w, scratch *s, uint32_t u, int64_t found, rk_similarity_rows *out)
{
	bool		sums = w->m.term != RK_TERM_NONE;
	block		k;

	start_block(&k, u);
	for (int64_t i = 0; i < found; i++)
	{
		uint32_t	b = s->touched[i];
		uint32_t	c = s->count[b];

		k.b[k.count] = b;
		k.common[k.count] = c;
		if (sums)
		{
			k.score[k.count] = s->sum[b];
			s->sum[b] = 0;
		}
		s->count[b] = 0;
		k.count += c != 0;
		if (k.count == RK_SIMILARITY_BLOCK)
			put_block(w, &k, out);
	}
	put_block(w, &k, out);
}

/* The same for counts below end of which no list was kept. */
static void
read_all(const rk_wedges *w, scratch *s, uint32_t u, int64_t end, rk_similarity_rows *out)
{
	block		k;

	start_block(&k, u);
	for (int64_t b = 0; b < end; b++)
	{
		uint32_t	c = s->count[b];

		k.b[k.count] = (uint32_t) b;
		k.common[k.count] = c;
		k.count += c != 0;
		if (k.count == RK_SIMILARITY_BLOCK)
			put_block(w, &k, out);
	}
	put_block(w, &k, out);
	memset(s->count, 0, sizeof(uint32_t) * end);
}

/* ---- with a least score ---- */

/* How much the neighbours of u must weigh for a score of the threshold. */
static double
need(const rk_wedges *w, double size)
{
	return rk_score_need(w->m.power, size, w->stream.threshold);
}

static void
sift_key(uint64_t *keys, int64_t count, int64_t i)
{
	uint64_t	key = keys[i];

	for (int64_t child; (child = 2 * i + 1) < count; i = child)
	{
		if (child + 1 < count && keys[child + 1] > keys[child])
			child++;
		if (keys[child] <= key)
			break;
		keys[i] = keys[child];
	}
	keys[i] = key;
}

/* The weight of entry "at" of N(u). */
static inline double
weight_of(const rk_wedges *w, int64_t at)
{
	const rk_adjacency *rows = &w->hoods.rows;

	switch (w->m.term)
	{
		case RK_TERM_NODE:
			return w->m.value[rows->neighbors[at]];
		case RK_TERM_MIN:
			return rows->weights[at];
		case RK_TERM_PRODUCT:
			return rows->weights[at] * rows->weights[at];
		default:
			return 1;
	}
}

/*
 * Splits N(u): keys[*prefix ..] are neighbours that together weigh less than
 * enough, the ones with the longest lists.  Returns their wedges.
 */
static int64_t
split_row(const rk_wedges *w, scratch *s, uint32_t u, double enough, int64_t *prefix)
{
	const rk_adjacency *rows = &w->hoods.rows;
	int64_t		begin = rows->offsets[u];
	int64_t		length = rk_degree(rows, u);
	int64_t		left_out = 0;
	double		weight = 0;

	for (int64_t j = 0; j < length; j++)
		s->keys[j] = (uint64_t) rk_degree(&w->hoods.columns, rows->neighbors[begin + j]) << 32 | (uint64_t) j;
	for (int64_t j = length / 2 - 1; j >= 0; j--)
		sift_key(s->keys, length, j);
	for (*prefix = length; *prefix > 0; --*prefix)
	{
		uint64_t	key = s->keys[0];

		weight += weight_of(w, begin + (uint32_t) key);
		if (weight >= enough)
			break;
		left_out += (int64_t) (key >> 32);
		s->keys[0] = s->keys[*prefix - 1];
		sift_key(s->keys, *prefix - 1, 0);
		s->keys[*prefix - 1] = key;
	}
	return left_out;
}

/*
 * Leaves those of the touched nodes that the left_out neighbours could still
 * bring to the threshold, and their counts at 0.  Returns how many there are.
 */
static int64_t
choose_candidates(const rk_wedges *w, scratch *s, uint32_t u, int64_t found, int64_t left_out)
{
	const double *size = w->m.size;
	int64_t		kept = 0;
	block		k;

	start_block(&k, u);
	for (int64_t i = 0; i <= found; i++)
	{
		if (k.count == RK_SIMILARITY_BLOCK || i == found)
		{
			/* scores of counts rise with the count */
			if (w->m.term == RK_TERM_NONE)
				rk_measure_scores(&w->m, k.count, k.u, k.b, k.common, k.score);
			for (int64_t j = 0; j < k.count; j++)
				if (w->m.term != RK_TERM_NONE || k.score[j] >= w->stream.threshold)
					s->touched[kept++] = k.b[j];
			k.count = 0;
		}
		if (i < found)
		{
			uint32_t	b = s->touched[i];
			uint32_t	c = s->count[b];
			double		smaller = size[u] < size[b] ? size[u] : size[b];
			double		larger = size[u] < size[b] ? size[b] : size[u];
			int64_t		most = c + left_out;

			s->count[b] = 0;
			if (c == 0 || (w->m.by_size && smaller < need(w, larger) * RK_SCORE_MARGIN))
				continue;
			if (w->m.term == RK_TERM_NONE && (double) most > smaller)
				most = (int64_t) smaller;
			k.b[k.count] = b;
			k.common[k.count++] = (uint32_t) most;
		}
	}
	return kept;
}

/* Marks N(u) for comparisons, or takes the marks away. */
static void
mark_row(const rk_wedges *w, scratch *s, uint32_t u, bool on)
{
	const rk_adjacency *rows = &w->hoods.rows;

	for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
	{
		uint32_t	z = rows->neighbors[i];

		s->mark[z] = on;
		if (s->dense)
			s->dense[z] = !on ? 0 : w->m.term == RK_TERM_NODE ? w->m.value[z] : rows->weights[i];
	}
}

/* Common neighbours of b and the marked node; nodes without a mark add 0. */
static uint32_t
compare(const rk_wedges *w, const scratch *s, uint32_t b, double *sum)
{
	const rk_adjacency *rows = &w->hoods.rows;
	uint32_t	common = 0;
	double		total = 0;

	for (int64_t i = rows->offsets[b]; i < rows->offsets[b + 1]; i++)
	{
		uint32_t	z = rows->neighbors[i];

		common += s->mark[z];
		if (w->m.term == RK_TERM_NODE)
			total += s->dense[z];
		else if (w->m.term == RK_TERM_MIN)
			total += s->dense[z] < rows->weights[i] ? s->dense[z] : rows->weights[i];
		else if (w->m.term == RK_TERM_PRODUCT)
			total += s->dense[z] * rows->weights[i];
	}
	*sum = total;
	return common;
}

/*
 * Finds the rows of u through the neighbours that cannot be left out; false
 * when that is no less work than counting all wedges, or stopped is set.
 */
static bool
use_threshold(const walk *a, double enough, rk_similarity_rows *out, bool *stopped)
{
	rk_wedges  *w = a->w;
	scratch    *s = a->s;
	walk		prefix = *a;
	int64_t		all = w->wedges[a->u];
	int64_t		found;
	int64_t		work = 0;
	block		k;

	if (split_row(w, s, a->u, enough, &prefix.length) * 2 < all)
		return false;
	prefix.keys = s->keys;
	found = walks[RK_TERM_NONE][w->half] (&prefix);
	if ((*stopped = found < 0))
		return false;
	drop_pairs(w, s, a->u);
	found = choose_candidates(w, s, a->u, found, a->length - prefix.length);
	for (int64_t i = 0; i < found; i++)
		work += rk_degree(&w->hoods.rows, s->touched[i]);
	if (work > (w->half ? all / 2 : all))
		return false;
	mark_row(w, s, a->u, true);
	start_block(&k, a->u);
	for (int64_t i = 0; i < found; i++)
	{
		uint32_t	b = s->touched[i];

		if ((*stopped = should_stop(a, rk_degree(&w->hoods.rows, b))))
			return false;
		k.b[k.count] = b;
		k.common[k.count] = compare(w, s, b, &k.score[k.count]);
		if (++k.count == RK_SIMILARITY_BLOCK)
			put_block(w, &k, out);
	}
	put_block(w, &k, out);
	mark_row(w, s, a->u, false);
	return true;
}

/* ---- nodes and batches ---- */

/* Adds the rows of node u; false when the run is to stop. */
static bool
do_node(rk_wedges *w, uint32_t u, int thread, rk_similarity_rows *out)
{
	scratch    *s = &w->scratch[thread];
	walk		a = {.w = w,.s = s,.thread = thread,.u = u,.length = rk_degree(&w->hoods.rows, u)};
	int64_t		end = w->half ? u : w->hoods.nodes;
	int64_t		found;
	bool		stopped = false;

	if (a.length == 0)
		return true;
	if (s->mark && w->stream.threshold > w->m.lowest && w->stream.threshold > 0)
	{
		double		enough = need(w, w->m.size[u]) * RK_SCORE_MARGIN;

		if (w->m.size[u] < enough)
			return true;
		if (w->wedges[u] > SMALL && use_threshold(&a, enough, out, &stopped))
			return true;
		if (stopped)
			return false;
	}

	/* where most nodes are touched, a list of them is no use */
	if (w->m.term == RK_TERM_NONE && w->wedges[u] / (w->half ? 2 : 1) > 4 * end)
	{
		found = w->half ? tally_half(&a) : tally_full(&a);
		if (found < 0)
			return false;
		drop_pairs(w, s, u);
		read_all(w, s, u, end, out);
		return true;
	}
	found = walks[w->m.term][w->half] (&a);
	if (found < 0)
		return false;
	drop_pairs(w, s, u);
	read_touched(w, s, u, found, out);
	return true;
}

/* ---- what the stream asks for ---- */

static bool
node_rows(void *arg, int64_t begin, int64_t end, int thread, rk_similarity_rows *out)
{
	rk_wedges  *w = arg;

	for (int64_t u = begin; u < end; u++)
	{
		/* a node's best are a heap of their own */
		rk_similarity_rows mine = rk_similarity_rows_from(out, out->count);

		if (!do_node(w, (uint32_t) u, thread, w->half ? out : &mine))
			return false;
		if (!w->half)
		{
			rk_similarity_sort(NULL, &mine);
			out->count += mine.count;
		}
	}
	return true;
}

static int64_t
most_rows(void *arg, int64_t u)
{
	const rk_wedges *w = arg;
	int64_t		most = w->half ? u : w->hoods.nodes - 1;

	if (w->wedges[u] < most)
		most = w->wedges[u];
	if (w->params.per_node && w->params.per_node < most)
		most = w->params.per_node;
	return most;
}

static int64_t
node_wedges(void *arg, int64_t u)
{
	const rk_wedges *w = arg;

	return w->wedges[u];
}

/* ---- begin and end ---- */

static void
count_wedges(void *arg, int64_t begin, int64_t end, int64_t number, int thread)
{
	rk_wedges  *w = arg;
	const rk_adjacency *rows = &w->hoods.rows;

	(void) number;
	(void) thread;
	for (int64_t u = begin; u < end; u++)
	{
		int64_t		wedges = 0;

		for (int64_t i = rows->offsets[u]; i < rows->offsets[u + 1]; i++)
			wedges += rk_degree(&w->hoods.columns, rows->neighbors[i]);
		w->wedges[u] = wedges;
	}
}

/* Whether a least score may come to exclude wedges. */
static bool
may_prune(double lowest, const rk_similarity_params *params)
{
	return params->min_score > (lowest > 0 ? lowest : 0) || params->top_k > 0;
}

static rk_status
make_scratch(rk_wedges *w, int64_t longest_row)
{
	int64_t		n = w->hoods.nodes;
	bool		sums = w->m.term != RK_TERM_NONE;
	bool		prunes = may_prune(w->m.lowest, &w->params);

	w->scratch = rk_alloc0(w->ctx, w->ctx->threads, sizeof(scratch));
	if (w->scratch == NULL)
		return RK_ERR_MEMORY;
	for (int t = 0; t < w->ctx->threads; t++)
	{
		scratch    *s = &w->scratch[t];

		if ((s->count = rk_alloc0(w->ctx, n, sizeof(uint32_t))) == NULL ||
			(s->touched = rk_alloc(w->ctx, n + 1, sizeof(uint32_t))) == NULL ||
			(sums && (s->sum = rk_alloc0(w->ctx, n, sizeof(double))) == NULL) ||
			(prunes && (s->keys = rk_alloc(w->ctx, longest_row, sizeof(uint64_t))) == NULL) ||
			(prunes && (s->mark = rk_alloc0(w->ctx, n, 1)) == NULL) ||
			(prunes && sums && (s->dense = rk_alloc0(w->ctx, n, sizeof(double))) == NULL))
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

/* Makes what counting takes. */
static rk_status
prepare(void *arg)
{
	rk_wedges  *w = arg;
	rk_ctx	   *ctx = w->ctx;
	const rk_neighborhoods *hoods = &w->hoods;
	int64_t		n = hoods->nodes;
	int64_t		longest = 0;
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	w->wedges = rk_alloc(ctx, n, sizeof(int64_t));
	bounds = rk_graph_chunks(ctx, n, hoods->rows.offsets, CHUNK_ARCS, &chunks);
	if (!w->wedges || !bounds)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, count_wedges, w)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	for (int64_t u = 0; u < n; u++)
		longest = rk_degree(&hoods->rows, u) > longest ? rk_degree(&hoods->rows, u) : longest;
	return make_scratch(w, longest);
}

/* Has the engine of the parameters make rows. */
static bool
ask_engine(void *arg, int64_t begin, double threshold, int64_t best, int64_t capacity,
		   rk_similarity_rows *out, int64_t *next)
{
	rk_wedges  *w = arg;
	rk_pair_search search = {
		.term = w->m.term,
		.score = w->m.score,
		.power = w->m.power,
		.by_size = w->m.by_size,
		.lowest = w->m.lowest,
		.threshold = threshold,
		.size = w->m.size,
		.value = w->m.value,
		.row_weights = w->m.term >= RK_TERM_MIN ? w->hoods.rows.weights : NULL,
		.column_weights = w->m.term >= RK_TERM_MIN ? w->hoods.columns.weights : NULL,
		.top_k = best,
		.per_node = w->params.per_node,
		.exclude_connected = w->params.exclude_connected,
		.begin = begin,
		.capacity = capacity,
		.rows = out
	};

	if (!w->params.engine(w->params.engine_arg, &search))
		return false;
	*next = search.next;
	return true;
}

rk_status
rk_wedges_begin(rk_ctx *ctx, const rk_neighborhoods *hoods, const rk_measure *measure,
				const rk_similarity_params *params, rk_wedges **wedges)
{
	rk_wedges  *w = rk_alloc0(ctx, 1, sizeof(rk_wedges));
	int64_t		n = hoods->nodes;
	int64_t		most = params->per_node && params->per_node < n ? params->per_node : n;
	rk_similarity_source source = {
		.arg = w,.nodes = n,.common = true,.most_rows = most_rows,.work = node_wedges,.rows = node_rows,
		.prepare = prepare,.most = most
	};
	rk_status	status;

	if ((*wedges = w) == NULL)
		return RK_ERR_MEMORY;
	w->ctx = ctx;
	w->hoods = *hoods;
	w->m = *measure;
	w->params = *params;
	w->half = params->per_node == 0;
	if (params->engine && n > 0)
		source.search = ask_engine;
	else if ((status = prepare(w)) != RK_OK)
		return status;
	return rk_similarity_stream_begin(ctx, &source, params->min_score, params->top_k, &w->stream);
}

rk_status
rk_wedges_next(rk_wedges *w, rk_similarity_rows *rows)
{
	return rk_similarity_stream_next(&w->stream, rows);
}

void
rk_wedges_end(rk_wedges *w)
{
	rk_ctx	   *ctx = w->ctx;

	for (int t = 0; w->scratch && t < ctx->threads; t++)
	{
		scratch    *s = &w->scratch[t];

		rk_free(ctx, s->count);
		rk_free(ctx, s->touched);
		rk_free(ctx, s->sum);
		rk_free(ctx, s->keys);
		rk_free(ctx, s->mark);
		rk_free(ctx, s->dense);
	}
	rk_free(ctx, w->scratch);
	rk_free(ctx, w->wedges);
	rk_similarity_stream_end(&w->stream);
	rk_free(ctx, w);
}

int64_t
rk_wedges_memory(int64_t nodes, int64_t arcs, bool sums, int threads,
				 const rk_similarity_params *params)
{
	int64_t		longest = arcs < nodes ? arcs : nodes;
	int64_t		most = params->per_node && params->per_node < nodes ? params->per_node : nodes;
	int64_t		thread = 8 * nodes + (sums ? 8 * nodes : 0);

	if (may_prune(0, params))
		thread += 8 * longest + nodes + (sums ? 8 * nodes : 0);
	return 8 * nodes + threads * (thread + 512) + (int64_t) sizeof(rk_wedges) +
		rk_similarity_stream_memory(nodes, most, params->top_k, 20, params->engine != NULL);
}

/*
 * csr.c
 *	  Building compressed sparse rows from edges.
 *
 * Phases of rk_graph_build, for the arcs of one direction (row, column):
 *
 * 1. Count: every chunk of edges counts its arcs by the high bits of the row
 *	  (at most 1024 parts: more open streams miss the TLB).
 * 2. Scatter: every chunk writes its arcs, packed as row << 32 | column, to
 *	  the place its counts give it.  Chunks are cut from the input alone, so
 *	  the result is the same for any number of threads.
 * 3. Sort: every part, which fits the cache, is sorted by (row, column) with
 *	  a radix sort; equal pairs are merged as the options say, weights of
 *	  equal pairs being put in order first.
 * 4. Emit: parts are written to the final rows at the offset that the sum of
 *	  the parts before them gives.
 *
 * The other direction is a transposition of the first by the same code.
 */
#include "csr.h"

#include <stdlib.h>
#include <string.h>

#include "parallel.h"

#define EDGE_CHUNK 65536
#define MAX_CHUNKS 256			/* of phase 1 and 2, bounds the counters */
#define MAX_PARTS 1024
#define POLL_MASK ((1 << 20) - 1)	/* entries between looks at the stop flag */

typedef struct build_state
{
	rk_ctx	   *ctx;
	const rk_edges *edges;
	bool		drop_loops;
	bool		symmetric;		/* undirected: both arcs of every edge */
	bool		swapped;		/* rows are targets */
	rk_parallel_edges parallel;
	int			row_shift;		/* part = row >> row_shift */
	int			row_bits;		/* bits of a row inside its part */
	int			column_bits;
	int			parts;
	int64_t		chunk;			/* edges a chunk */
	int64_t		chunks;
	int64_t    *counts;			/* [chunks][parts], then write positions */
	int64_t    *part_begin;		/* [parts + 1] in arcs before merging */
	int64_t    *part_size;		/* [parts] after merging */
	int64_t    *part_final;		/* [parts + 1] after merging */
	uint64_t   *keys;			/* row << 32 | column */
	uint64_t   *spare;			/* [threads][largest part] */
	double	   *weights;
	double	   *spare_weights;
	int64_t		largest;		/* arcs of the largest part */
	rk_adjacency *result;
} build_state;

static int
bits_for(int64_t n)
{
	int			bits = 0;

	while (n > (INT64_C(1) << bits))
		bits++;
	return bits;
}

static void
count_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	build_state *s = arg;
	int64_t    *counts = s->counts + chunk * s->parts;
	const uint32_t *row = s->swapped ? s->edges->target : s->edges->source;
	const uint32_t *column = s->swapped ? s->edges->source : s->edges->target;

	(void) thread;
	memset(counts, 0, sizeof(int64_t) * s->parts);
	for (int64_t i = begin; i < end; i++)
	{
		if (row[i] == column[i])
		{
			if (!s->drop_loops)
				counts[row[i] >> s->row_shift]++;
			continue;
		}
		counts[row[i] >> s->row_shift]++;
		if (s->symmetric)
			counts[column[i] >> s->row_shift]++;
	}
}

static inline void
put_arc(build_state *s, int64_t *positions, uint32_t row, uint32_t column, int64_t i)
{
	int64_t		at = positions[row >> s->row_shift]++;

	s->keys[at] = (uint64_t) row << 32 | column;
	if (s->weights)
		s->weights[at] = s->edges->weight[i];
}

static void
scatter_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	build_state *s = arg;
	int64_t    *positions = s->counts + chunk * s->parts;
	const uint32_t *row = s->swapped ? s->edges->target : s->edges->source;
	const uint32_t *column = s->swapped ? s->edges->source : s->edges->target;

	(void) thread;
	if (s->weights == NULL && !s->symmetric && !s->drop_loops)
	{
		for (int64_t i = begin; i < end; i++)
			s->keys[positions[row[i] >> s->row_shift]++] = (uint64_t) row[i] << 32 | column[i];
		return;
	}
	for (int64_t i = begin; i < end; i++)
	{
		if (row[i] == column[i])
		{
			if (!s->drop_loops)
				put_arc(s, positions, row[i], column[i], i);
			continue;
		}
		put_arc(s, positions, row[i], column[i], i);
		if (s->symmetric)
			put_arc(s, positions, column[i], row[i], i);
	}
}

/*
 * Sorts n keys by bits [shift, shift + bits) with one counting pass from
 * (keys, weights) to (out, out_weights).  Returns false, having done nothing,
 * when all keys agree in those bits.
 */
static bool
radix_pass(const uint64_t *keys, const double *weights, uint64_t *out,
		   double *out_weights, int64_t n, int shift, int bits)
{
	uint32_t	count[2048] = {0};
	uint32_t	mask = (1u << bits) - 1;
	uint32_t	sum = 0;

	for (int64_t i = 0; i < n; i++)
		count[(keys[i] >> shift) & mask]++;
	if (count[(keys[0] >> shift) & mask] == n)
		return false;
	for (uint32_t d = 0; d <= mask; d++)
	{
		uint32_t	c = count[d];

		count[d] = sum;
		sum += c;
	}
	if (weights)
	{
		for (int64_t i = 0; i < n; i++)
		{
			uint32_t	at = count[(keys[i] >> shift) & mask]++;

			out[at] = keys[i];
			out_weights[at] = weights[i];
		}
	}
	else
	{
		for (int64_t i = 0; i < n; i++)
			out[count[(keys[i] >> shift) & mask]++] = keys[i];
	}
	return true;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Merges runs of equal keys in place; returns how many are left. */
static int64_t
merge_equal(uint64_t *keys, double *weights, int64_t n, rk_parallel_edges how)
{
	int64_t		to = 0;

	if (n == 0)
		return 0;
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i + 1;

		while (j < n && keys[j] == keys[i])
			j++;
		if (weights)
		{
			double		w = weights[i];

			if (j > i + 1)
			{
				if (how == RK_EDGES_SUM)
				{
					qsort(weights + i, j - i, sizeof(double), compare_doubles);
					w = 0;
					for (int64_t k = i; k < j; k++)
						w += weights[k];
				}
				else
				{
					for (int64_t k = i + 1; k < j; k++)
						if (weights[k] < w)
							w = weights[k];
				}
			}
			weights[to] = w;
		}
		keys[to++] = keys[i];
		i = j;
	}
	return to;
}

/* Puts the weights of equal pairs in order, so that rows are canonical. */
static void
order_equal(const uint64_t *keys, double *weights, int64_t n)
{
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i + 1;

		while (j < n && keys[j] == keys[i])
			j++;
		if (j > i + 1)
			qsort(weights + i, j - i, sizeof(double), compare_doubles);
		i = j;
	}
}

static void
sort_part(void *arg, int64_t begin, int64_t end, int64_t part, int thread)
{
	build_state *s = arg;
	uint64_t   *spare = s->spare + s->largest * thread;
	double	   *spare_weights = s->weights ? s->spare_weights + s->largest * thread : NULL;

	(void) begin;
	(void) end;
	(void) part;
	for (int64_t p = begin; p < end; p++)
	{
		int64_t		n = s->part_begin[p + 1] - s->part_begin[p];
		uint64_t   *keys = s->keys + s->part_begin[p];
		double	   *weights = s->weights ? s->weights + s->part_begin[p] : NULL;
		uint64_t   *from = keys;
		uint64_t   *to = spare;
		double	   *from_w = weights;
		double	   *to_w = spare_weights;

		s->part_size[p] = n;
		if (n == 0)
			continue;

		/*
		 * The sorted bits are the column's and, above bit 32, the row's
		 * inside its part; passes are of equal width, at most 11 bits.
		 */
		for (int range = 0; range < 2; range++)
		{
			int			shift = range == 0 ? 0 : 32;
			int			bits = range == 0 ? s->column_bits : s->row_bits;
			int			passes = (bits + 10) / 11;
			int			width = passes ? (bits + passes - 1) / passes : 0;

			for (int done = 0; done < bits; done += width)
			{
				int			w = bits - done < width ? bits - done : width;

				if (rk_chunk_should_stop(s->ctx, thread))
					return;
				if (radix_pass(from, from_w, to, to_w, n, shift + done, w))
				{
					uint64_t   *k = from;
					double	   *d = from_w;

					from = to;
					to = k;
					from_w = to_w;
					to_w = d;
				}
			}
		}
		if (from != keys)
		{
			memcpy(keys, from, sizeof(uint64_t) * n);
			if (weights)
				memcpy(weights, from_w, sizeof(double) * n);
		}
		if (s->parallel != RK_EDGES_KEEP)
			s->part_size[p] = merge_equal(keys, weights, n, s->parallel);
		else if (weights)
			order_equal(keys, weights, n);
	}
}

static void
emit_part(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	build_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t p = begin; p < end; p++)
	{
		const uint64_t *keys = s->keys + s->part_begin[p];
		int64_t		n = s->part_size[p];
		int64_t		at = s->part_final[p];
		int64_t		first = p << s->row_shift;
		int64_t		last = (p + 1) << s->row_shift;
		int64_t		i = 0;

		if (last > s->edges->nodes)
			last = s->edges->nodes;
		for (int64_t u = first; u < last; u++)
		{
			s->result->offsets[u] = at + i;
			while (i < n && (int64_t) (keys[i] >> 32) == u)
			{
				s->result->neighbors[at + i] = (uint32_t) keys[i];
				i++;
			}
		}
		if (s->weights)
			memcpy(s->result->weights + at, s->weights + s->part_begin[p],
				   sizeof(double) * n);
	}
}

/* Builds one direction. */
static rk_status
build_direction(rk_ctx *ctx, const rk_edges *edges, const rk_graph_options *options,
				bool swapped, rk_adjacency *result)
{
	build_state s = {0};
	int64_t		arcs = 0;
	int64_t		final = 0;
	int64_t		groups;
	rk_status	status;

	s.ctx = ctx;
	s.edges = edges;
	s.drop_loops = options->drop_loops;
	s.symmetric = !options->directed;
	s.swapped = swapped;
	s.parallel = options->parallel;
	s.result = result;
	s.column_bits = bits_for(edges->nodes);

	/* parts of some 16,000 arcs, at most MAX_PARTS */
	s.row_shift = 0;
	while ((edges->nodes >> s.row_shift) >= MAX_PARTS ||
		   ((edges->nodes >> s.row_shift) > 1 &&
			edges->count / ((edges->nodes >> s.row_shift) + 1) < 4096))
		s.row_shift++;
	s.parts = edges->nodes == 0 ? 0 : ((edges->nodes - 1) >> s.row_shift) + 1;
	s.row_bits = s.row_shift;
	s.chunk = EDGE_CHUNK;
	if (rk_chunks(edges->count, s.chunk) > MAX_CHUNKS)
		s.chunk = (edges->count + MAX_CHUNKS - 1) / MAX_CHUNKS;
	s.chunks = rk_chunks(edges->count, s.chunk);

	result->offsets = rk_alloc(ctx, edges->nodes + 1, sizeof(int64_t));
	s.counts = rk_alloc(ctx, s.chunks * s.parts, sizeof(int64_t));
	s.part_begin = rk_alloc(ctx, s.parts + 1, sizeof(int64_t));
	s.part_size = rk_alloc(ctx, s.parts + 1, sizeof(int64_t));
	s.part_final = rk_alloc(ctx, s.parts + 1, sizeof(int64_t));
	if (!result->offsets || !s.counts || !s.part_begin || !s.part_size || !s.part_final)
		return RK_ERR_MEMORY;

	status = rk_parallel_for(ctx, edges->count, s.chunk, count_chunk, &s);
	if (status != RK_OK)
		return status;
	for (int p = 0; p < s.parts; p++)
	{
		s.part_begin[p] = arcs;
		for (int64_t c = 0; c < s.chunks; c++)
		{
			int64_t		n = s.counts[c * s.parts + p];

			s.counts[c * s.parts + p] = arcs;
			arcs += n;
		}
		if (arcs - s.part_begin[p] > s.largest)
			s.largest = arcs - s.part_begin[p];
	}
	s.part_begin[s.parts] = arcs;
	if (s.largest > UINT32_MAX)
		return rk_fail(ctx, RK_ERR_LIMIT, "a node has more than 4294967295 edges");

	s.keys = rk_alloc(ctx, arcs, sizeof(uint64_t));
	s.spare = rk_alloc(ctx, s.largest * ctx->threads, sizeof(uint64_t));
	if (!s.keys || !s.spare)
		return RK_ERR_MEMORY;
	if (edges->weight && options->parallel != RK_EDGES_COLLAPSE)
	{
		s.weights = rk_alloc(ctx, arcs, sizeof(double));
		s.spare_weights = rk_alloc(ctx, s.largest * ctx->threads, sizeof(double));
		if (!s.weights || !s.spare_weights)
			return RK_ERR_MEMORY;
	}
	status = rk_parallel_for(ctx, edges->count, s.chunk, scatter_chunk, &s);
	if (status != RK_OK)
		return status;
	rk_free(ctx, s.counts);

	/* as many parts together as make a chunk worth taking */
	groups = arcs / EDGE_CHUNK + 1;
	groups = s.parts / groups + 1;
	status = rk_parallel_for(ctx, s.parts, groups, sort_part, &s);
	if (status != RK_OK)
		return status;
	rk_free(ctx, s.spare);
	rk_free(ctx, s.spare_weights);
	for (int p = 0; p < s.parts; p++)
	{
		s.part_final[p] = final;
		final += s.part_size[p];
	}
	result->offsets[edges->nodes] = final;
	result->neighbors = rk_alloc(ctx, final, sizeof(uint32_t));
	if (result->neighbors == NULL)
		return RK_ERR_MEMORY;
	if (s.weights && (result->weights = rk_alloc(ctx, final, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, s.parts, groups, emit_part, &s);
	if (status != RK_OK)
		return status;
	rk_free(ctx, s.keys);
	rk_free(ctx, s.weights);
	rk_free(ctx, s.part_begin);
	rk_free(ctx, s.part_size);
	rk_free(ctx, s.part_final);
	return RK_OK;
}

rk_status
rk_graph_build(rk_ctx *ctx, const rk_edges *edges, const rk_graph_options *options,
			   rk_graph *g)
{
	rk_status	status = RK_OK;

	memset(g, 0, sizeof(*g));
	g->nodes = edges->nodes;
	g->directed = options->directed;
	if (edges->nodes > RK_MAX_NODES)
		return rk_fail(ctx, RK_ERR_LIMIT, "graph has more than %lld nodes",
					   (long long) RK_MAX_NODES);
	if (!options->directed)
	{
		if ((status = build_direction(ctx, edges, options, false, &g->out)) != RK_OK)
			return status;
		g->in = g->out;
		g->arcs = g->out.offsets[g->nodes];
		return RK_OK;
	}
	if (options->want_in)
	{
		if ((status = build_direction(ctx, edges, options, true, &g->in)) != RK_OK)
			return status;
		g->arcs = g->in.offsets[g->nodes];
		if (options->want_out)
			status = rk_graph_transpose(ctx, g->nodes, &g->in, &g->out);
	}
	else
	{
		if ((status = build_direction(ctx, edges, options, false, &g->out)) != RK_OK)
			return status;
		g->arcs = g->out.offsets[g->nodes];
	}
	return status;
}

void
rk_graph_free(rk_ctx *ctx, rk_graph *g)
{
	bool		shared = g->in.offsets == g->out.offsets;

	rk_free(ctx, g->out.offsets);
	rk_free(ctx, g->out.neighbors);
	rk_free(ctx, g->out.weights);
	if (!shared)
	{
		rk_free(ctx, g->in.offsets);
		rk_free(ctx, g->in.neighbors);
		rk_free(ctx, g->in.weights);
	}
	memset(g, 0, sizeof(*g));
}

typedef struct transpose_state
{
	const rk_adjacency *from;
	rk_adjacency *to;
	uint32_t   *counts;			/* [blocks][nodes]: entries, then positions */
	rk_ctx	   *ctx;
	int64_t		nodes;
	int64_t		blocks;
} transpose_state;

static void
transpose_count(void *arg, int64_t begin, int64_t end, int64_t block, int thread)
{
	transpose_state *s = arg;
	uint32_t   *count = s->counts + block * s->nodes;

	memset(count, 0, sizeof(uint32_t) * s->nodes);
	for (int64_t i = s->from->offsets[begin]; i < s->from->offsets[end]; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return;
		count[s->from->neighbors[i]]++;
	}
}

static void
transpose_offsets(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	transpose_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	sum = 0;

		for (int64_t b = 0; b < s->blocks; b++)
		{
			uint32_t	c = s->counts[b * s->nodes + v];

			s->counts[b * s->nodes + v] = sum;
			sum += c;
		}
		s->to->offsets[v + 1] = sum;	/* length for now */
	}
}

static void
transpose_scatter(void *arg, int64_t begin, int64_t end, int64_t block, int thread)
{
	transpose_state *s = arg;
	uint32_t   *position = s->counts + block * s->nodes;

	for (int64_t u = begin; u < end; u++)
	{
		if ((u & 4095) == 0 && rk_chunk_should_stop(s->ctx, thread))
			return;
		for (int64_t i = s->from->offsets[u]; i < s->from->offsets[u + 1]; i++)
		{
			uint32_t	v = s->from->neighbors[i];
			int64_t		at = s->to->offsets[v] + position[v]++;

			s->to->neighbors[at] = (uint32_t) u;
			if (s->to->weights)
				s->to->weights[at] = s->from->weights[i];
		}
	}
}

rk_status
rk_graph_transpose(rk_ctx *ctx, int64_t nodes, const rk_adjacency *from, rk_adjacency *to)
{
	int64_t		arcs = from->offsets[nodes];
	transpose_state s = {.from = from,.to = to,.ctx = ctx,.nodes = nodes};
	int64_t    *bounds;
	rk_status	status;

	/*
	 * One counter row per block of rows and as many blocks as threads; the
	 * place of every entry does not depend on the cut, since blocks are
	 * numbered in row order.
	 */
	bounds = rk_graph_chunks(ctx, nodes, from->offsets,
							 arcs / ctx->threads + 4 * (nodes / ctx->threads) + 64,
							 &s.blocks);
	if (bounds == NULL)
		return RK_ERR_MEMORY;
	to->offsets = rk_alloc(ctx, nodes + 1, sizeof(int64_t));
	to->neighbors = rk_alloc(ctx, arcs, sizeof(uint32_t));
	to->weights = NULL;
	s.counts = rk_alloc(ctx, s.blocks * nodes, sizeof(uint32_t));
	if (!to->offsets || !to->neighbors || !s.counts)
		return RK_ERR_MEMORY;
	if (from->weights && (to->weights = rk_alloc(ctx, arcs, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, s.blocks, transpose_count, &s)) != RK_OK)
		return status;
	to->offsets[0] = 0;
	if ((status = rk_parallel_for(ctx, nodes, 16384, transpose_offsets, &s)) != RK_OK)
		return status;
	for (int64_t v = 0; v < nodes; v++)
		to->offsets[v + 1] += to->offsets[v];
	if ((status = rk_parallel_ranges(ctx, bounds, s.blocks, transpose_scatter, &s)) != RK_OK)
		return status;
	rk_free(ctx, s.counts);
	rk_free(ctx, bounds);
	return RK_OK;
}

int64_t *
rk_graph_chunks(rk_ctx *ctx, int64_t nodes, const int64_t *offsets, int64_t work,
				int64_t *chunks)
{
	int64_t		total = offsets[nodes] + 4 * nodes;
	int64_t    *bounds = rk_alloc(ctx, total / work + 2, sizeof(int64_t));
	int64_t		count = 0;
	int64_t		u = 0;

	if (bounds == NULL)
		return NULL;
	bounds[0] = 0;
	while (u < nodes)
	{
		/* the first row end at least work units on */
		int64_t		until = offsets[u] + 4 * u + work;
		int64_t		low = u + 1;
		int64_t		high = nodes;

		while (low < high)
		{
			int64_t		mid = low + (high - low) / 2;

			if (offsets[mid] + 4 * mid >= until)
				high = mid;
			else
				low = mid + 1;
		}
		u = low;
		bounds[++count] = u;
	}
	*chunks = count;
	return bounds;
}

/* Bytes of one direction. */
static int64_t
adjacency_memory(int64_t nodes, int64_t arcs, int64_t entry)
{
	return (nodes + 1) * (int64_t) sizeof(int64_t) + arcs * entry;
}

int64_t
rk_graph_memory(int64_t nodes, int64_t arcs, bool weighted, const rk_graph_options *options)
{
	int64_t		entry = weighted && options->parallel != RK_EDGES_COLLAPSE ? 12 : 4;
	int64_t		one = adjacency_memory(nodes, arcs, entry);

	return options->directed && options->want_in && options->want_out ? 2 * one : one;
}

int64_t
rk_graph_build_memory(int64_t nodes, int64_t rows, bool weighted, int threads,
					  const rk_graph_options *options)
{
	int64_t		arcs = options->directed ? rows : 2 * rows;
	int64_t		entry = weighted && options->parallel != RK_EDGES_COLLAPSE ? 12 : 4;
	int64_t		one = adjacency_memory(nodes, arcs, entry);
	int64_t		keys = arcs * (entry + 4);	/* a key is both ends; its weight */
	int64_t		other;

	if (!(options->directed && options->want_in && options->want_out))
		return one + keys;
	/* the transpose counts every node once a block of rows */
	other = one + (int64_t) sizeof(uint32_t) * nodes * (threads + 1);
	return one + (keys > other ? keys : other);
}

/*
 * triangle_counting.c
 *	  Triangles per node, per edge and in all.
 *
 * ranked.h says how each triangle is found once.  An entry of the table is a
 * mark in the highest bit and below it the number of triangles found with the
 * middle node at work; "entry + (entry >> 31)" counts without a branch, which
 * here could not be predicted.
 */
#include "patterns.h"

#include <string.h>

#include "../../compute/parallel.h"
#include "ranked.h"

#define LOCAL_NODES (INT64_C(1) << 16)	/* counted per thread, not atomically */
#define MARK (UINT32_C(1) << 31)
#define ARC_WORK 65536
#define POLL_MASK ((1 << 16) - 1)

typedef struct count_state
{
	const rk_ranked *r;
	rk_ctx	   *ctx;
	uint32_t   *tables;			/* [threads][nodes], zero between middle nodes */
	uint64_t   *found;			/* per chunk: triangles */
	_Atomic uint64_t *triangles;	/* by rank; NULL: not wanted */
	int64_t		local_size;
	uint64_t   *locals;			/* [threads][local_size]: add to triangles */
	_Atomic uint32_t *support;	/* by edge; NULL: not wanted */
} count_state;

/*
 * Counts marked entries of row, which rises and has length entries, before x.
 */
static inline uint32_t
count_marked(const uint32_t *table, const uint32_t *row, int64_t length, uint32_t x)
{
	uint32_t	count = 0;
	int64_t		k = 0;

	for (; k + 4 <= length && row[k + 3] < x; k += 4)
		count += (table[row[k]] >> 31) + (table[row[k + 1]] >> 31) +
			(table[row[k + 2]] >> 31) + (table[row[k + 3]] >> 31);
	for (; k < length && row[k] < x; k++)
		count += table[row[k]] >> 31;
	return count;
}

/* The same, and adds one to every marked entry of the table that is met. */
static inline uint32_t
tally_marked(uint32_t *table, const uint32_t *row, int64_t length, uint32_t x)
{
	uint32_t	count = 0;

	for (int64_t k = 0; k < length && row[k] < x; k++)
	{
		uint32_t	entry = table[row[k]];

		count += entry >> 31;
		table[row[k]] = entry + (entry >> 31);
	}
	return count;
}

/* Adds one to a counter that other threads may share. */
static inline void
bump(_Atomic uint32_t *counter, bool shared)
{
	if (shared)
		atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	else
		atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
							  memory_order_relaxed);
}

/*
 * The same for edges: adds one as well to the edge of every marked entry, and
 * the count to the edge of x, which the row holds.
 */
static inline uint32_t
support_marked(uint32_t *table, const uint32_t *row, uint32_t x,
			   _Atomic uint32_t *support, bool shared)
{
	uint32_t	count = 0;
	int64_t		k = 0;

	for (; row[k] < x; k++)
	{
		if ((table[row[k]] & MARK) == 0)
			continue;
		table[row[k]]++;
		bump(&support[k], shared);
		count++;
	}
	if (count)
		atomic_fetch_add_explicit(&support[k], count, memory_order_relaxed);
	return count;
}

static void
count_triangles(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	count_state *s = arg;
	const rk_ranked *r = s->r;
	uint32_t   *table = s->tables + r->nodes * thread;
	uint64_t   *local = s->locals + s->local_size * thread;
	bool		shared = s->ctx->threads > 1;
	uint64_t	found = 0;
	int64_t		work = 0;

	for (int64_t x = begin; x < end; x++)
	{
		const uint32_t *upper = r->rows + r->offsets[x];
		int64_t		uppers = r->uppers[x];
		const uint32_t *lower = upper + uppers;
		int64_t		lowers = r->offsets[x + 1] - r->offsets[x] - uppers;
		uint64_t	mine = 0;

		if (uppers == 0 || lowers == 0)
			continue;
		for (int64_t k = 0; k < uppers; k++)
			table[upper[k]] = MARK;
		for (int64_t i = 0; i < lowers; i++)
		{
			uint32_t	u = lower[i];
			const uint32_t *row = r->rows + r->offsets[u];
			uint32_t	count;

			if (i + RK_RANKED_AHEAD < lowers)
				__builtin_prefetch(&r->rows[r->offsets[lower[i + RK_RANKED_AHEAD]]]);
			if (s->support)
				count = support_marked(table, row, x, s->support + r->first[u], shared);
			else if (s->triangles)
			{
				count = tally_marked(table, row, r->uppers[u], x);
				if (count)
					atomic_fetch_add_explicit(&s->triangles[u], count, memory_order_relaxed);
			}
			else
				count = count_marked(table, row, r->uppers[u], x);
			mine += count;
			work += r->uppers[u];
			if (work > RK_RANKED_POLL)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		found += mine;
		for (int64_t k = 0; k < uppers; k++)
		{
			uint32_t	z = upper[k];
			uint32_t	with_z = table[z] & ~MARK;

			table[z] = 0;
			if (with_z == 0)
				continue;
			if (s->support)
				atomic_fetch_add_explicit(&s->support[r->first[x] + k], with_z, memory_order_relaxed);
			else if (s->triangles == NULL)
				continue;
			else if (z < s->local_size)
				local[z] += with_z;
			else
				atomic_fetch_add_explicit(&s->triangles[z], with_z, memory_order_relaxed);
		}
		if (s->triangles && mine)
			atomic_fetch_add_explicit(&s->triangles[x], mine, memory_order_relaxed);
	}
	s->found[chunk] = found;
}

/* Counts per node or per edge, as s says, and sets *total. */
static rk_status
run_count(const rk_ranked *r, count_state *s, unsigned __int128 *total)
{
	rk_ctx	   *ctx = r->ctx;
	rk_status	status;

	s->r = r;
	s->ctx = ctx;
	s->tables = rk_alloc0(ctx, r->nodes * ctx->threads, sizeof(uint32_t));
	s->found = rk_alloc0(ctx, r->chunk_count, sizeof(uint64_t));
	if (s->triangles)
		s->local_size = r->nodes < LOCAL_NODES ? r->nodes : LOCAL_NODES;
	s->locals = rk_alloc0(ctx, s->local_size * ctx->threads, sizeof(uint64_t));
	if (!s->tables || !s->found || !s->locals)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "counting", r->chunk_count);
	status = rk_parallel_ranges(ctx, r->chunks, r->chunk_count, count_triangles, s);
	*total = 0;
	for (int64_t c = 0; c < r->chunk_count; c++)
		*total += s->found[c];
	return status;
}

static void
free_count(count_state *s)
{
	rk_free(s->ctx, s->tables);
	rk_free(s->ctx, s->found);
	rk_free(s->ctx, s->locals);
}

rk_status
rk_ranked_triangles(const rk_ranked *r, int64_t *triangles, unsigned __int128 *total)
{
	count_state s = {0};
	rk_status	status;

	if (triangles && (s.triangles = rk_alloc0(r->ctx, r->nodes, sizeof(uint64_t))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = run_count(r, &s, total)) != RK_OK)
		return status;
	for (int64_t p = 0; triangles && p < r->nodes; p++)
	{
		uint64_t	count = atomic_load_explicit(&s.triangles[p], memory_order_relaxed);

		if ((p & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		for (int t = 0; p < s.local_size && t < r->ctx->threads; t++)
			count += s.locals[s.local_size * t + p];
		triangles[r->order[p]] = (int64_t) count;
	}
	free_count(&s);
	rk_free(r->ctx, s.triangles);
	return RK_OK;
}

rk_status
rk_ranked_support(const rk_ranked *r, uint32_t *support, unsigned __int128 *total)
{
	/* a plain array whose elements only this run looks at, until it ends */
	count_state s = {.support = (_Atomic uint32_t *) support};
	rk_status	status;

	memset(support, 0, sizeof(uint32_t) * r->first[r->nodes]);
	if ((status = run_count(r, &s, total)) == RK_OK)
		free_count(&s);
	return status;
}

int64_t
rk_ranked_triangles_memory(int64_t nodes, int64_t arcs, rk_triangle_form form, int threads)
{
	bool		of_nodes = form == RK_TRIANGLES_OF_NODES;
	int64_t		local = !of_nodes ? 0 : nodes < LOCAL_NODES ? nodes : LOCAL_NODES;

	return rk_block_bytes(threads * nodes, 4) + rk_block_bytes((arcs + 4 * nodes) / 8192 + 2, 8) +
		rk_block_bytes(threads * local, 8) + (of_nodes ? rk_block_bytes(nodes, 8) : 0);
}

/* Number of pairs of k things. */
static inline uint64_t
pairs_of(uint64_t k)
{
	return k % 2 ? (k - 1) / 2 * k : k / 2 * (k - 1);
}

rk_status
rk_graph_triangle_shares(rk_ctx *ctx, const rk_graph *g, const int64_t *triangles,
						 double *clustering, rk_triangle_totals *totals)
{
	totals->wedges = 0;
	totals->transitivity = 0;
	for (int64_t v = 0; v < g->nodes; v++)
	{
		uint64_t	pairs = pairs_of(rk_degree(&g->out, v));

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		totals->wedges += pairs;
		if (clustering)
			clustering[v] = pairs ? (double) triangles[v] / (double) pairs : 0;
	}
	if (totals->wedges)
		totals->transitivity = 3 * (double) totals->triangles / (double) totals->wedges;
	return RK_OK;
}

rk_status
rk_graph_triangle_counts(rk_ctx *ctx, const rk_graph *g, int64_t *triangles,
						 double *clustering, rk_triangle_totals *totals)
{
	rk_ranked	r;
	rk_status	status;

	*totals = (rk_triangle_totals) {0};
	if ((status = rk_ranked_build(ctx, g, &r)) != RK_OK ||
		(status = rk_ranked_triangles(&r, triangles, &totals->triangles)) != RK_OK)
		return status;
	rk_ranked_free(&r);
	return rk_graph_triangle_shares(ctx, g, triangles, clustering, totals);
}

typedef struct hand_out_state
{
	const rk_ranked *r;
	const uint32_t *by_edge;
	uint32_t   *support;
} hand_out_state;

/* Looks up the count of every entry of some rows of the graph. */
static void
hand_out_support(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	hand_out_state *s = arg;
	const rk_ranked *r = s->r;
	const rk_adjacency *out = &r->g->out;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(r->ctx, thread))
				return;
			s->support[i] = s->by_edge[rk_ranked_edge(r, r->rank[v], r->rank[out->neighbors[i]])];
		}
	}
}

rk_status
rk_graph_triangle_support(rk_ctx *ctx, const rk_graph *g, uint32_t *support)
{
	rk_ranked	r;
	uint32_t   *by_edge;
	hand_out_state h;
	int64_t    *bounds;
	int64_t		chunks;
	unsigned __int128 total;
	rk_status	status = rk_ranked_build(ctx, g, &r);

	if (status != RK_OK)
		return status;
	by_edge = rk_alloc(ctx, r.first[g->nodes], sizeof(uint32_t));
	bounds = rk_graph_chunks(ctx, g->nodes, g->out.offsets, ARC_WORK, &chunks);
	if (!by_edge || !bounds)
		return RK_ERR_MEMORY;
	h = (hand_out_state) {&r, by_edge, support};
	if ((status = rk_ranked_support(&r, by_edge, &total)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, bounds, chunks, hand_out_support, &h)) != RK_OK)
		return status;
	rk_free(ctx, bounds);
	rk_free(ctx, by_edge);
	rk_ranked_free(&r);
	return RK_OK;
}

int64_t
rk_graph_triangle_counting_memory(int64_t nodes, int64_t arcs, rk_triangle_form form, int threads)
{
	int64_t		counting = rk_ranked_triangles_memory(nodes, arcs, form, threads);

	if (form == RK_TRIANGLES_OF_EDGES)
		counting += rk_block_bytes(arcs / 2, 4) + rk_block_bytes((arcs + 4 * nodes) / ARC_WORK + 2, 8);
	return rk_ranked_memory(nodes, arcs, counting, threads);
}

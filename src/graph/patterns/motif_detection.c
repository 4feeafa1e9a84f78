/*
 * motif_detection.c
 *	  Counts induced subgraphs on three and four nodes.
 *
 * Nothing is enumerated but triangles and, for four nodes, complete graphs.
 *
 * Three nodes, directed: at every centre, pairs of neighbours are counted by
 * the directions of the two arcs (pairs of neighbours from three numbers, not
 * one by one); every triangle is taken off the three kinds of pairs at its
 * corners; and what has one pair joined is what is left of the pairs of a
 * joined pair and any third node (Holland and Leinhardt 1976; the closed forms
 * are those of Moody 1998 over sparse rows).
 *
 * Four nodes: the numbers of subgraphs that need not be induced come from
 * degrees, from the triangles over every edge, from cycles of four and from
 * complete graphs; a triangular system turns them into induced ones (Ahmed,
 * Neville, Rossi, Duffield 2015; Pinar, Seshadhri, Vishal 2017).
 */
#include "patterns.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"
#include "motif_rewiring.h"
#include "ranked.h"

#define CHUNK_WORK 65536
#define POLL_MASK ((1 << 16) - 1)

typedef __int128 count128;

/* ---- the types ---- */

static const rk_motif_type undirected_3[] = {
	{"empty", 0, false}, {"edge", 1, false}, {"wedge", 2, true}, {"triangle", 3, true}
};

static const rk_motif_type undirected_4[] = {
	{"empty4", 0, false}, {"edge+2", 1, false}, {"2edges", 2, false}, {"wedge+1", 2, false},
	{"triangle+1", 3, false}, {"claw", 3, true}, {"path", 3, true}, {"paw", 4, true},
	{"cycle", 4, true}, {"diamond", 5, true}, {"clique4", 6, true}
};

enum
{
	T003, T012, T102, T021D, T021U, T021C, T111D, T111U,
	T030T, T030C, T201, T120D, T120U, T120C, T210, T300
};

static const rk_motif_type directed_3[] = {
	{"003", 0, false}, {"012", 1, false}, {"102", 2, false}, {"021D", 2, true},
	{"021U", 2, true}, {"021C", 2, true}, {"111D", 3, true}, {"111U", 3, true},
	{"030T", 3, true}, {"030C", 3, true}, {"201", 4, true}, {"120D", 4, true},
	{"120U", 4, true}, {"120C", 4, true}, {"210", 5, true}, {"300", 6, true}
};

const rk_motif_type *
rk_graph_motif_types(int size, bool directed, int *count)
{
	if (size == 4)
	{
		*count = sizeof(undirected_4) / sizeof(undirected_4[0]);
		return undirected_4;
	}
	if (directed)
	{
		*count = sizeof(directed_3) / sizeof(directed_3[0]);
		return directed_3;
	}
	*count = sizeof(undirected_3) / sizeof(undirected_3[0]);
	return undirected_3;
}

/*
 * The kind of a pair of arcs at a centre, each as RK_ARC_OUT and RK_ARC_IN seen
 * from there, when the two ends are not joined.
 */
static int
pair_kind(int a, int b)
{
	int			mutual = (a == 3) + (b == 3);
	int			single = a == 3 ? b : a;	/* of 111 */

	if (mutual == 2)
		return T201;
	if (mutual == 1)
		/* D: the third arc comes in beside the mutual one; U: it leaves */
		return single == RK_ARC_IN ? T111D : T111U;
	if (a == b)
		return a == RK_ARC_OUT ? T021D : T021U;
	return T021C;
}

/* An edge seen from its other end. */
static inline int
turned(int ends)
{
	return (ends & RK_ARC_OUT ? RK_ARC_IN : 0) | (ends & RK_ARC_IN ? RK_ARC_OUT : 0);
}

/* The kind of three nodes all joined; each edge as seen from the node named first. */
static int
triangle_kind(int ab, int bc, int ca)
{
	int			mutual = (ab == 3) + (bc == 3) + (ca == 3);

	if (mutual == 3)
		return T300;
	if (mutual == 2)
		return T210;
	if (mutual == 0)
		return ab == bc && bc == ca ? T030C : T030T;
	/* one mutual edge: turn it to b - c, so that a is the third node */
	if (ab == 3)
		return triangle_kind(ca, ab, bc);
	if (ca == 3)
		return triangle_kind(bc, ca, ab);
	if (ab == turned(ca))
		return ab == RK_ARC_OUT ? T120D : T120U;
	return T120C;
}

int
rk_graph_motif_of_three(const rk_graph *g, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t nodes[3] = {a, b, c};
	int			edges[3];		/* from nodes[i] to nodes[i + 1] */
	int			joined = 0;

	for (int i = 0; i < 3; i++)
	{
		uint32_t	from = nodes[i];
		uint32_t	to = nodes[(i + 1) % 3];

		edges[i] = (rk_graph_motif_joined(&g->out, from, to) ? RK_ARC_OUT : 0) |
			(rk_graph_motif_joined(&g->out, to, from) ? RK_ARC_IN : 0);
		joined += edges[i] != 0;
	}
	if (!g->directed)
		return joined;
	if (joined == 3)
		return triangle_kind(edges[0], edges[1], edges[2]);
	for (int i = 0; i < 3; i++)
	{
		/* the centre is the node that two edges share */
		int			before = edges[(i + 2) % 3];

		if (joined == 2 && edges[i] && before)
			return pair_kind(edges[i], turned(before));
		if (joined == 1 && edges[i])
			return edges[i] == 3 ? T102 : T012;
	}
	return T003;
}

/* ---- small numbers ---- */

static count128
choose2(count128 n)
{
	return n < 2 ? 0 : n * (n - 1) / 2;
}

static count128
choose3(count128 n)
{
	return n < 3 ? 0 : choose2(n) * (n - 2) / 3;
}

static count128
choose4(count128 n)
{
	/* C(n, 3) (n - 3) is below 2^126 for n < 2^32 */
	return n < 4 ? 0 : choose3(n) * (n - 3) / 4;
}

/* ---- three nodes, directed ---- */

typedef struct census_state
{
	rk_ctx	   *ctx;
	const rk_ranked *r;
	const uint8_t *ends;		/* by entry of r->g */
	uint8_t    *edges;			/* by edge: ends seen from the lower node */
	uint8_t    *marks;			/* [threads][nodes]: edge to the middle node, or 0 */
	uint64_t   *triangles;		/* [threads][64]: by the three edges */
} census_state;

static void
set_edges(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	census_state *s = arg;
	const rk_adjacency *out = &s->r->g->out;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	rank = s->r->rank[v];

		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			uint32_t	other = s->r->rank[out->neighbors[i]];

			if ((i & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread))
				return;
			if (other < rank)
				s->edges[rk_ranked_edge(s->r, rank, other)] = s->ends[i];
		}
	}
}

/* Counts the triangles of some middle nodes by ux, xz and uz. */
static void
count_triangles(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	census_state *s = arg;
	const rk_ranked *r = s->r;
	uint8_t    *marks = s->marks + r->nodes * thread;
	uint64_t   *triangles = s->triangles + 64 * thread;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t x = begin; x < end; x++)
	{
		const uint32_t *upper = r->rows + r->offsets[x];
		int64_t		uppers = r->uppers[x];
		const uint32_t *lower = upper + uppers;
		int64_t		lowers = r->offsets[x + 1] - r->offsets[x] - uppers;

		if (uppers == 0 || lowers == 0)
			continue;
		for (int64_t k = 0; k < uppers; k++)
			marks[upper[k]] = s->edges[r->first[x] + k];
		for (int64_t i = 0; i < lowers; i++)
		{
			uint32_t	u = lower[i];
			const uint32_t *row = r->rows + r->offsets[u];
			const uint8_t *edges = s->edges + r->first[u];
			int64_t		before = rk_ranked_before(r, u, x);
			uint64_t   *counts = triangles + 16 * edges[before];

			if (i + RK_RANKED_AHEAD < lowers)
				__builtin_prefetch(&r->rows[r->offsets[lower[i + RK_RANKED_AHEAD]]]);
			/* where z is not marked, a counter that stands for nothing */
			for (int64_t k = 0; k < before; k++)
				counts[4 * marks[row[k]] + edges[k]]++;
			work += before;
			if (work > RK_RANKED_POLL)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		for (int64_t k = 0; k < uppers; k++)
			marks[upper[k]] = 0;
	}
}

/* Adds up pairs at centres, triangles and joined pairs. */
static rk_status
census_from(census_state *s, int threads, count128 *count)
{
	const rk_adjacency *out = &s->r->g->out;
	count128	n = s->r->nodes;
	count128	single = 0;		/* joined pairs with one arc, */
	count128	mutual = 0;		/* and with two */
	count128	all;

	for (int64_t v = 0; v < s->r->nodes; v++)
	{
		count128	k[4] = {0};

		for (int64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
		{
			if ((i & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
				return RK_STOPPED;
			k[s->ends[i]]++;
		}
		single += k[RK_ARC_OUT];
		mutual += k[3];
		for (int a = 1; a <= 3; a++)
		{
			count[pair_kind(a, a)] += choose2(k[a]);
			for (int b = 1; b < a; b++)
				count[pair_kind(a, b)] += k[a] * k[b];
		}
	}
	mutual /= 2;
	for (int ux = 1; ux <= 3; ux++)
	{
		for (int xz = 1; xz <= 3; xz++)
		{
			for (int uz = 1; uz <= 3; uz++)
			{
				count128	found = 0;

				for (int t = 0; t < threads; t++)
					found += s->triangles[64 * t + 16 * ux + 4 * xz + uz];
				count[triangle_kind(ux, xz, turned(uz))] += found;
				count[pair_kind(ux, uz)] -= found;
				count[pair_kind(turned(ux), xz)] -= found;
				count[pair_kind(turned(uz), turned(xz))] -= found;
			}
		}
	}
	count[T012] = single * (n - 2) - 2 * (count[T021D] + count[T021U] + count[T021C]) -
		count[T111D] - count[T111U] - 3 * (count[T030T] + count[T030C]) -
		2 * (count[T120D] + count[T120U] + count[T120C]) - count[T210];
	count[T102] = mutual * (n - 2) - count[T111D] - count[T111U] - 2 * count[T201] -
		count[T120D] - count[T120U] - count[T120C] - 2 * count[T210] - 3 * count[T300];
	all = choose3(n);
	for (int t = T012; t <= T300; t++)
		all -= count[t];
	count[T003] = all;
	return RK_OK;
}

static rk_status
count_directed(rk_ctx *ctx, const rk_graph *g, count128 *count)
{
	rk_graph	skeleton;
	uint8_t    *ends;
	rk_ranked	r;
	census_state s = {.ctx = ctx,.r = &r};
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	if ((status = rk_graph_skeleton(ctx, g, &skeleton, &ends)) != RK_OK ||
		(status = rk_ranked_build(ctx, &skeleton, &r)) != RK_OK)
		return status;
	s.ends = ends;
	s.edges = rk_alloc(ctx, r.first[r.nodes], sizeof(uint8_t));
	s.marks = rk_alloc0(ctx, r.nodes * ctx->threads, sizeof(uint8_t));
	s.triangles = rk_alloc0(ctx, 64 * ctx->threads, sizeof(uint64_t));
	bounds = rk_graph_chunks(ctx, r.nodes, skeleton.out.offsets, CHUNK_WORK, &chunks);
	if (!s.edges || !s.marks || !s.triangles || !bounds)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "counting", r.chunk_count);
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, set_edges, &s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, r.chunks, r.chunk_count, count_triangles, &s)) != RK_OK ||
		(status = census_from(&s, ctx->threads, count)) != RK_OK)
		return status;
	rk_free(ctx, s.edges);
	rk_free(ctx, s.marks);
	rk_free(ctx, s.triangles);
	rk_free(ctx, bounds);
	rk_ranked_free(&r);
	rk_graph_free(ctx, &skeleton);
	rk_free(ctx, ends);
	return RK_OK;
}

/* ---- three nodes, undirected ---- */

static rk_status
count_undirected(rk_ctx *ctx, const rk_graph *g, count128 *count)
{
	rk_triangle_totals totals;
	rk_status	status = rk_graph_triangle_counts(ctx, g, NULL, NULL, &totals);
	count128	n = g->nodes;

	if (status != RK_OK)
		return status;
	count[3] = totals.triangles;
	count[2] = (count128) totals.wedges - 3 * count[3];
	count[1] = g->out.offsets[g->nodes] / 2 * (n - 2) - 2 * count[2] - 3 * count[3];
	count[0] = choose3(n) - count[1] - count[2] - count[3];
	return RK_OK;
}

/* ---- four nodes ---- */

/* Sums of one thread, in lines of their own. */
typedef struct four_sums
{
	unsigned __int128 cliques;
	unsigned __int128 cycles;	/* of four edges, not induced */
	char		pad[32];
} four_sums;

typedef struct four_state
{
	rk_ctx	   *ctx;
	const rk_ranked *r;
	int64_t		widest;			/* most upper neighbours of a node */
	int64_t		words;			/* of 64 bits for them */
	uint32_t   *places;			/* [threads][nodes]: place among the uppers of u
								 * plus 1, or 0; for cycles, paths to the node */
	uint64_t   *bits;			/* [threads][widest][words] */
	four_sums  *sums;			/* [threads] */
} four_state;

/*
 * Complete graphs of four nodes with the given lowest one u: among its upper
 * neighbours, numbered by their place, the row of x has a bit for every z above
 * it; each common bit of the rows of two that are joined is one.
 */
static void
count_cliques(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	four_state *s = arg;
	const rk_ranked *r = s->r;
	uint32_t   *places = s->places + r->nodes * thread;
	uint64_t   *bits = s->bits + s->widest * s->words * thread;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t u = begin; u < end; u++)
	{
		const uint32_t *upper = r->rows + r->offsets[u];
		int64_t		uppers = r->uppers[u];
		int64_t		words = (uppers + 63) / 64;
		uint64_t	found = 0;

		if (uppers < 3)
			continue;
		for (int64_t k = 0; k < uppers; k++)
			places[upper[k]] = (uint32_t) k + 1;
		for (int64_t k = 1; k < uppers; k++)
		{
			uint32_t	x = upper[k];
			const uint32_t *row = r->rows + r->offsets[x];
			uint64_t   *mine = bits + k * words;

			memset(mine, 0, sizeof(uint64_t) * words);
			for (int64_t i = 0; i < r->uppers[x]; i++)
			{
				uint32_t	place = places[row[i]];

				if (place)
					mine[(place - 1) / 64] |= UINT64_C(1) << ((place - 1) % 64);
			}
			work += r->uppers[x];
			for (int64_t w = 0; w <= k / 64; w++)
			{
				for (uint64_t left = mine[w]; left; left &= left - 1)
				{
					int64_t		z = 64 * w + __builtin_ctzll(left);
					const uint64_t *theirs = bits + z * words;

					/* z has a row when it is not the first */
					for (int64_t j = 0; z > 0 && j <= z / 64; j++)
						found += __builtin_popcountll(mine[j] & theirs[j]);
					work += z / 64;
				}
			}
			if (work > RK_RANKED_POLL)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		for (int64_t k = 0; k < uppers; k++)
			places[upper[k]] = 0;
		s->sums[thread].cliques += found;
	}
}

/*
 * Cycles of four edges with the given uppermost node v: two paths of two edges
 * that end at one node w, all of them below v (Chiba and Nishizeki 1985).
 */
static void
count_fours(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	four_state *s = arg;
	const rk_ranked *r = s->r;
	uint32_t   *paths = s->places + r->nodes * thread;
	int64_t		work = 0;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		unsigned __int128 found = 0;

		for (int64_t i = r->offsets[v] + r->uppers[v]; i < r->offsets[v + 1]; i++)
		{
			uint32_t	u = r->rows[i];
			int64_t		from = r->offsets[u] + rk_ranked_before(r, u, v) + 1;
			uint64_t	pairs = 0;

			if (i + RK_RANKED_AHEAD < r->offsets[v + 1])
				__builtin_prefetch(&r->rows[r->offsets[r->rows[i + RK_RANKED_AHEAD]]]);
			for (int64_t k = from; k < r->offsets[u + 1]; k++)
				pairs += paths[r->rows[k]]++;
			found += pairs;
			work += r->offsets[u + 1] - from;
			if (work > RK_RANKED_POLL)
			{
				work = 0;
				if (rk_chunk_should_stop(s->ctx, thread))
					return;
			}
		}
		for (int64_t i = r->offsets[v] + r->uppers[v]; i < r->offsets[v + 1]; i++)
		{
			uint32_t	u = r->rows[i];

			for (int64_t k = r->offsets[u] + rk_ranked_before(r, u, v) + 1; k < r->offsets[u + 1]; k++)
				paths[r->rows[k]] = 0;
		}
		s->sums[thread].cycles += found;
	}
}

/* What the edges add: wedges and claws at nodes, paths, paws and diamonds. */
static rk_status
sum_edges(const rk_ranked *r, const uint32_t *support, count128 *wedges, count128 *claws,
		  count128 *paths, count128 *paws, count128 *diamonds)
{
	for (int64_t u = 0; u < r->nodes; u++)
	{
		count128	du = r->offsets[u + 1] - r->offsets[u];

		*wedges += choose2(du);
		*claws += choose3(du);
		for (int64_t k = 0; k < r->uppers[u]; k++)
		{
			int64_t		z = r->rows[r->offsets[u] + k];
			count128	dz = r->offsets[z + 1] - r->offsets[z];
			count128	t = support[r->first[u] + k];

			if ((k & POLL_MASK) == 0 && rk_ctx_poll(r->ctx))
				return RK_STOPPED;
			*paths += (du - 1) * (dz - 1);
			/* twice: every triangle of a node is over two of its edges */
			*paws += t * (du + dz - 4);
			*diamonds += choose2(t);
		}
	}
	*paws /= 2;
	return RK_OK;
}

static rk_status
count_four(rk_ctx *ctx, const rk_graph *g, count128 *count)
{
	rk_ranked	r;
	four_state	s = {.ctx = ctx,.r = &r};
	uint32_t   *support;
	unsigned __int128 triangles;
	count128	n = g->nodes;
	count128	m = g->out.offsets[g->nodes] / 2;
	count128	wedges = 0;
	count128	claws = 0;
	count128	paths = 0;
	count128	paws = 0;
	count128	diamonds = 0;
	count128	cliques = 0;
	count128	cycles = 0;
	count128	all;
	rk_status	status;

	if ((status = rk_ranked_build(ctx, g, &r)) != RK_OK)
		return status;
	if ((support = rk_alloc(ctx, r.first[r.nodes], sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_ranked_support(&r, support, &triangles)) != RK_OK ||
		(status = sum_edges(&r, support, &wedges, &claws, &paths, &paws, &diamonds)) != RK_OK)
		return status;
	rk_free(ctx, support);

	for (int64_t u = 0; u < r.nodes; u++)
		s.widest = r.uppers[u] > s.widest ? r.uppers[u] : s.widest;
	s.words = (s.widest + 63) / 64;
	s.places = rk_alloc0(ctx, r.nodes * ctx->threads, sizeof(uint32_t));
	s.bits = rk_alloc(ctx, s.widest * s.words * ctx->threads, sizeof(uint64_t));
	s.sums = rk_alloc0(ctx, ctx->threads, sizeof(four_sums));
	if (!s.places || !s.bits || !s.sums)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "counting", r.chunk_count);
	if ((status = rk_parallel_ranges(ctx, r.chunks, r.chunk_count, count_cliques, &s)) != RK_OK ||
		(status = rk_parallel_ranges(ctx, r.chunks, r.chunk_count, count_fours, &s)) != RK_OK)
		return status;
	for (int t = 0; t < ctx->threads; t++)
	{
		cliques += s.sums[t].cliques;
		cycles += s.sums[t].cycles;
	}
	rk_free(ctx, s.places);
	rk_free(ctx, s.bits);
	rk_free(ctx, s.sums);
	rk_ranked_free(&r);

	/* every type is taken off those that hold it: clique4 first, empty4 last */
	count[10] = cliques;
	count[9] = diamonds - 6 * cliques;
	count[8] = cycles - count[9] - 3 * cliques;
	count[7] = paws - 4 * count[9] - 12 * cliques;
	count[6] = paths - 3 * (count128) triangles - 2 * count[7] - 4 * count[8] - 6 * count[9] - 12 * cliques;
	count[5] = claws - count[7] - 2 * count[9] - 4 * cliques;
	count[4] = (count128) triangles * (n - 3) - count[7] - 2 * count[9] - 4 * cliques;
	count[3] = wedges * (n - 3) - 3 * count[4] - 3 * count[5] - 2 * count[6] - 5 * count[7] -
		4 * count[8] - 8 * count[9] - 12 * cliques;
	count[2] = choose2(m) - wedges - count[6] - count[7] - 2 * count[8] - 2 * count[9] - 3 * cliques;
	count[1] = m * choose2(n - 2) - 2 * count[2] - 2 * count[3] - 3 * (count[4] + count[5] + count[6]) -
		4 * (count[7] + count[8]) - 5 * count[9] - 6 * cliques;
	all = choose4(n);
	for (int t = 1; t <= 10; t++)
		all -= count[t];
	count[0] = all;
	return RK_OK;
}

/* ---- all together ---- */

static rk_status
count_motifs(rk_ctx *ctx, const rk_graph *g, int size, rk_motifs *motifs)
{
	count128	count[RK_MOTIF_TYPES] = {0};
	rk_status	status;

	if (g->nodes < size)
		status = RK_OK;
	else if (size == 4)
		status = count_four(ctx, g, count);
	else
		status = g->directed ? count_directed(ctx, g, count) : count_undirected(ctx, g, count);
	for (int t = 0; t < RK_MOTIF_TYPES; t++)
		motifs->count[t] = count[t];
	return status;
}

rk_status
rk_graph_motif_detection(rk_ctx *ctx, const rk_graph *g, const rk_motif_params *params,
						 rk_motifs *motifs)
{
	double		mean[RK_MOTIF_TYPES] = {0};
	double		squares[RK_MOTIF_TYPES] = {0};	/* sum of squared deviations */
	rk_status	status;

	(void) rk_graph_motif_types(params->size, g->directed, &motifs->types);
	if ((status = count_motifs(ctx, g, params->size, motifs)) != RK_OK)
		return status;
	for (int r = 0; r < params->randomizations; r++)
	{
		rk_graph	other;
		rk_motifs	found;

		rk_progress_iteration(ctx, r, params->randomizations, 0);
		if ((status = rk_graph_rewire(ctx, g, rk_hash2(params->seed, r), &other)) != RK_OK ||
			(status = count_motifs(ctx, &other, params->size, &found)) != RK_OK)
			return status;
		rk_graph_free(ctx, &other);
		for (int t = 0; t < motifs->types; t++)
		{
			double		x = (double) found.count[t];
			double		delta = x - mean[t];

			mean[t] += delta / (r + 1);
			squares[t] += delta * (x - mean[t]);
		}
	}
	for (int t = 0; t < motifs->types; t++)
	{
		double		deviation = params->randomizations < 2 ? 0 :
			sqrt(squares[t] / (params->randomizations - 1));

		motifs->expected[t] = params->randomizations > 0 ? mean[t] : NAN;
		motifs->z_score[t] = deviation > 0 ? ((double) motifs->count[t] - mean[t]) / deviation : NAN;
	}
	return RK_OK;
}

int64_t
rk_graph_motif_detection_memory(int64_t nodes, int64_t arcs, bool directed, int threads,
								const rk_motif_params *params)
{
	int64_t		bytes;

	if (params->size == 4)
	{
		int64_t		support = rk_block_bytes(arcs / 2, 4) +
			rk_ranked_triangles_memory(nodes, arcs, RK_TRIANGLES_OF_EDGES, threads);

		/* the widest row is not known before; few graphs come near sqrt(2 m) */
		int64_t		widest = (int64_t) sqrt((double) arcs) / 4;
		int64_t		counting = rk_block_bytes(threads * nodes, 4) +
			rk_block_bytes(threads * widest * (widest / 64 + 1), 8) +
			rk_block_bytes(threads, sizeof(four_sums));

		bytes = rk_ranked_memory(nodes, arcs, support > counting ? support : counting, threads);
	}
	else if (directed)
		bytes = rk_graph_skeleton_memory(nodes, arcs) +
			rk_ranked_memory(nodes, 2 * arcs,
							 rk_block_bytes(arcs, 1) + rk_block_bytes(threads * nodes, 1) +
							 rk_block_bytes(threads * 64, 8) +
							 rk_block_bytes((2 * arcs + 4 * nodes) / CHUNK_WORK + 2, 8), threads);
	else
		bytes = rk_graph_triangle_counting_memory(nodes, arcs, RK_TRIANGLES_IN_ALL, threads);
	return bytes + (params->randomizations > 0 ?
					rk_graph_rewire_memory(nodes, arcs, directed, threads) : 0);
}

/*
 * modularity_score.c
 *	  How good a given partition is: modularity, coverage, performance, and
 *	  what every community adds to them.
 *
 * Rows are looked at in parallel; what they give is kept by node and added in
 * the order of the nodes.
 */
#include "community.h"

#include <math.h>

#include "../../compute/parallel.h"

#define ROW_WORK 65536
#define POLL_MASK ((1 << 18) - 1)

typedef struct score_state
{
	const rk_graph *g;
	const uint32_t *community;
	double	   *inside;			/* by node: half its edges into the community, loops */
	double	   *across;			/* the others */
	double	   *out;			/* strengths; undirected: a loop counts twice */
	double	   *in;				/* undirected: the same array */
	int64_t    *edges;			/* per chunk: entries inside, without loops */
} score_state;

static void
score_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	score_state *s = arg;
	const rk_graph *g = s->g;
	const rk_adjacency *out = &g->out;
	int64_t		edges = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	own = s->community[v];
		double		inside = 0;
		double		across = 0;
		double		loop = 0;

		for (int64_t e = out->offsets[v]; e < out->offsets[v + 1]; e++)
		{
			double		w = out->weights ? out->weights[e] : 1;

			if (out->neighbors[e] == v)
				loop += w;
			else if (s->community[out->neighbors[e]] == own)
			{
				inside += w;
				edges++;
			}
			else
				across += w;
		}
		s->out[v] = inside + across + (g->directed ? loop : 2 * loop);
		if (g->directed)
		{
			double		in = 0;

			for (int64_t e = g->in.offsets[v]; e < g->in.offsets[v + 1]; e++)
			{
				double		w = g->in.weights ? g->in.weights[e] : 1;

				in += w;
				if (s->community[g->in.neighbors[e]] != own)
					across += w;
			}
			s->in[v] = in;
			s->inside[v] = inside + loop;
		}
		else
			s->inside[v] = inside / 2 + loop;
		s->across[v] = across;
	}
	s->edges[chunk] = edges;
}

/* Fills in the sums by community; the strengths of either direction apart. */
static rk_status
sum_communities(rk_ctx *ctx, const score_state *s, int64_t nodes, rk_partition_score *r,
				double *out, double *in)
{
	for (int64_t v = 0; v < nodes; v++)
	{
		uint32_t	c = s->community[v];

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		r->nodes[c]++;
		/* nodes beyond the graph have no edges */
		if (v >= s->g->nodes)
			continue;
		r->internal[c] += s->inside[v];
		r->boundary[c] += s->across[v];
		out[c] += s->out[v];
		if (s->g->directed)
			in[c] += s->in[v];
	}
	return RK_OK;
}

rk_status
rk_graph_modularity_score(rk_ctx *ctx, const rk_graph *g, int64_t nodes,
						  const uint32_t *community, int64_t communities, double resolution,
						  rk_partition_score *r)
{
	int64_t		n = g->nodes;
	int64_t		chunks;
	int64_t    *bounds = rk_graph_chunks(ctx, n, g->out.offsets, ROW_WORK, &chunks);
	score_state s = {.g = g,.community = community};
	double	   *out = rk_alloc0(ctx, communities, sizeof(double));
	double	   *in = g->directed ? rk_alloc0(ctx, communities, sizeof(double)) : out;
	double		total = 0;
	double		covered = 0;
	double		pairs = nodes * (nodes - 1.0) / 2;
	double		inner_pairs = 0;
	int64_t		inner = 0;
	int64_t		loops = 0;
	rk_status	status;

	*r = (rk_partition_score) {.count = communities,.coverage = NAN,.performance = NAN};
	s.inside = rk_alloc(ctx, n, sizeof(double));
	s.across = rk_alloc(ctx, n, sizeof(double));
	s.out = rk_alloc(ctx, n, sizeof(double));
	s.in = g->directed ? rk_alloc(ctx, n, sizeof(double)) : s.out;
	r->nodes = rk_alloc0(ctx, communities, sizeof(int64_t));
	r->internal = rk_alloc0(ctx, communities, sizeof(double));
	r->boundary = rk_alloc0(ctx, communities, sizeof(double));
	r->strength = rk_alloc(ctx, communities, sizeof(double));
	r->contribution = rk_alloc(ctx, communities, sizeof(double));
	r->conductance = rk_alloc(ctx, communities, sizeof(double));
	if (!bounds || !out || !in || !s.inside || !s.across || !s.out || !s.in || !r->nodes ||
		!r->internal || !r->boundary || !r->strength || !r->contribution || !r->conductance)
		return RK_ERR_MEMORY;
	s.edges = rk_alloc(ctx, chunks, sizeof(int64_t));
	if (s.edges == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, score_rows, &s)) != RK_OK ||
		(status = sum_communities(ctx, &s, nodes, r, out, in)) != RK_OK)
		return status;
	for (int64_t c = 0; c < communities; c++)
		total += out[c];
	if (!g->directed)
		total /= 2;
	if (isinf(total))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the weights is too large for double precision");
	for (int64_t c = 0; c < communities; c++)
	{
		double		strength = g->directed ? out[c] + in[c] : out[c];
		double		rest = 2 * total - strength;
		double		smaller = strength < rest ? strength : rest;

		if ((c & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		r->strength[c] = strength;
		r->contribution[c] = 0;
		if (total > 0)
			r->contribution[c] = r->internal[c] / total - (g->directed ?
				resolution * (out[c] / total) * (in[c] / total) :
				resolution * (out[c] / (2 * total)) * (out[c] / (2 * total)));
		r->conductance[c] = smaller > 0 ? r->boundary[c] / smaller : NAN;
		r->modularity += r->contribution[c];
		covered += r->internal[c];
		inner_pairs += r->nodes[c] * (r->nodes[c] - 1.0) / 2;
	}
	if (total > 0)
		r->coverage = covered / total;
	if (!g->directed && nodes > 1)
	{
		for (int64_t i = 0; i < chunks; i++)
			inner += s.edges[i];
		for (int64_t v = 0; v < n; v++)
		{
			if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			for (int64_t low = g->out.offsets[v], high = g->out.offsets[v + 1]; low < high;)
			{
				int64_t		middle = low + (high - low) / 2;

				if (g->out.neighbors[middle] == v)
				{
					loops++;
					break;
				}
				if (g->out.neighbors[middle] < v)
					low = middle + 1;
				else
					high = middle;
			}
		}
		/* pairs inside that are edges, and pairs across that are none */
		r->performance = (inner / 2 + (pairs - inner_pairs) -
						  ((g->arcs - loops) / 2 - inner / 2)) / pairs;
	}
	rk_free(ctx, s.edges);
	if (s.in != s.out)
		rk_free(ctx, s.in);
	rk_free(ctx, s.out);
	rk_free(ctx, s.across);
	rk_free(ctx, s.inside);
	if (in != out)
		rk_free(ctx, in);
	rk_free(ctx, out);
	rk_free(ctx, bounds);
	return RK_OK;
}

int64_t
rk_graph_modularity_score_memory(int64_t nodes, bool directed, int64_t communities)
{
	return nodes * (directed ? 32 : 24) + communities * (directed ? 64 : 56);
}

/*
 * clique_order.c
 *	  The degeneracy order, and the graph among the later neighbours of a node.
 */
#include "k_clique.h"

#include <string.h>

#define POLL_WORK 262144

/*
 * Nodes lie sorted by what is left of their degree; taking one away moves each
 * of its neighbours one bucket down, by a swap with the first of the bucket
 * (Batagelj and Zaversnik 2003).  Afterwards left has the core numbers.
 */
static rk_status
peel(rk_ctx *ctx, const rk_graph *g, uint32_t *left, clique_order *o)
{
	int64_t		n = g->nodes;
	int64_t		most = 0;
	int64_t		work = 0;
	int64_t    *bucket;

	for (int64_t v = 0; v < n; v++)
	{
		int64_t		degree = rk_degree(&g->out, v);

		left[v] = (uint32_t) degree;
		if (degree > most)
			most = degree;
	}
	bucket = rk_alloc0(ctx, most + 2, sizeof(int64_t));
	if (bucket == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		bucket[left[v] + 1]++;
	for (int64_t d = 0; d <= most; d++)
		bucket[d + 1] += bucket[d];
	for (int64_t v = 0; v < n; v++)
	{
		o->place[v] = (uint32_t) bucket[left[v]]++;
		o->node[o->place[v]] = (uint32_t) v;
	}
	for (int64_t d = most; d > 0; d--)
		bucket[d] = bucket[d - 1];
	bucket[0] = 0;
	for (int64_t i = 0; i < n; i++)
	{
		uint32_t	v = o->node[i];

		work += rk_degree(&g->out, v) + 4;
		if (work > POLL_WORK)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			work = 0;
		}
		for (int64_t e = g->out.offsets[v]; e < g->out.offsets[v + 1]; e++)
		{
			uint32_t	u = g->out.neighbors[e];
			int64_t		first;
			uint32_t	other;

			if (left[u] <= left[v])
				continue;
			first = bucket[left[u]];
			other = o->node[first];
			o->node[o->place[u]] = other;
			o->place[other] = o->place[u];
			o->node[first] = u;
			o->place[u] = (uint32_t) first;
			bucket[left[u]]++;
			left[u]--;
		}
	}
	rk_free(ctx, bucket);
	return RK_OK;
}

rk_status
rk_clique_order(rk_ctx *ctx, const rk_graph *g, int k, clique_order *o)
{
	int64_t		n = g->nodes;
	int64_t		work = 0;
	uint32_t   *core = rk_alloc(ctx, n, sizeof(uint32_t));
	rk_status	status;

	*o = (clique_order) {.nodes = n};
	o->node = rk_alloc(ctx, n, sizeof(uint32_t));
	o->place = rk_alloc(ctx, n, sizeof(uint32_t));
	o->offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
	o->later = rk_alloc(ctx, g->arcs / 2, sizeof(uint32_t));
	if (!core || !o->node || !o->place || !o->offsets || !o->later)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "ordering", n);
	if ((status = peel(ctx, g, core, o)) != RK_OK)
		return status;
	while (o->first < n && core[o->node[o->first]] + 1 < (uint32_t) k)
		o->first++;
	o->offsets[0] = 0;
	for (int64_t i = 0; i < n; i++)
	{
		uint32_t	v = o->node[i];
		int64_t		at = o->offsets[i];

		work += rk_degree(&g->out, v) + 4;
		if (work > POLL_WORK)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			work = 0;
		}
		for (int64_t e = g->out.offsets[v]; e < g->out.offsets[v + 1]; e++)
			if (o->place[g->out.neighbors[e]] > i)
				o->later[at++] = o->place[g->out.neighbors[e]];
		o->offsets[i + 1] = at;
		if (at - o->offsets[i] > o->degeneracy)
			o->degeneracy = (int) (at - o->offsets[i]);
	}
	rk_free(ctx, core);
	return RK_OK;
}

void
rk_clique_order_free(rk_ctx *ctx, clique_order *o)
{
	rk_free(ctx, o->node);
	rk_free(ctx, o->place);
	rk_free(ctx, o->offsets);
	rk_free(ctx, o->later);
}

int64_t
rk_clique_order_memory(int64_t nodes, int64_t arcs)
{
	return 20 * nodes + 2 * arcs;
}

bool
rk_clique_local_alloc(rk_ctx *ctx, const clique_order *o, clique_local *l)
{
	l->at = rk_alloc0(ctx, o->nodes, sizeof(uint32_t));
	l->rows = rk_alloc(ctx, (int64_t) o->degeneracy * clique_words(o->degeneracy), sizeof(uint64_t));
	return l->at && l->rows;
}

void
rk_clique_local_free(rk_ctx *ctx, clique_local *l)
{
	rk_free(ctx, l->at);
	rk_free(ctx, l->rows);
}

void
rk_clique_local_set(const clique_order *o, int64_t place, bool symmetric, clique_local *l)
{
	l->members = o->later + o->offsets[place];
	l->count = (int) (o->offsets[place + 1] - o->offsets[place]);
	l->words = clique_words(l->count);
	memset(l->rows, 0, sizeof(uint64_t) * l->words * l->count);
	for (int i = 0; i < l->count; i++)
		l->at[l->members[i]] = i + 1;
	for (int i = 0; i < l->count; i++)
	{
		uint32_t	u = l->members[i];

		for (int64_t e = o->offsets[u]; e < o->offsets[u + 1]; e++)
		{
			uint32_t	j = l->at[o->later[e]];

			if (j == 0)
				continue;
			j--;
			l->rows[(int64_t) i * l->words + j / 64] |= UINT64_C(1) << (j % 64);
			if (symmetric)
				l->rows[(int64_t) j * l->words + i / 64] |= UINT64_C(1) << (i % 64);
		}
	}
	for (int i = 0; i < l->count; i++)
		l->at[l->members[i]] = 0;
}

/*
 * k_clique.c
 *	  All cliques of k nodes, each once (kClist: Danisch, Balalau, Sozio 2018).
 *
 * A clique is found from its first node in the degeneracy order: within the
 * later neighbours, whose number is small, cliques of k - 1 nodes grow node by
 * node in that order, by intersections of rows of bits.
 */
#include "k_clique.h"

#define POLL_STEPS 16384

typedef struct clique_list
{
	rk_ctx	   *ctx;
	const clique_order *o;
	clique_local local;
	uint64_t   *sets;			/* a row of bits for every depth */
	uint32_t   *clique;			/* the nodes so far */
	uint32_t   *sorted;
	int			k;
	int64_t		steps;
	rk_clique_fn emit;
	void	   *arg;
} clique_list;

void
rk_clique_sort(uint32_t *into, const uint32_t *nodes, int count)
{
	for (int i = 0; i < count; i++)
	{
		uint32_t	v = nodes[i];
		int			j = i;

		for (; j > 0 && into[j - 1] > v; j--)
			into[j] = into[j - 1];
		into[j] = v;
	}
}

/* Nodes from the set of this depth; depth nodes are chosen.  False: stop. */
static bool
grow(clique_list *c, int depth)
{
	const clique_local *l = &c->local;
	uint64_t   *set = c->sets + (int64_t) depth * l->words;

	if (++c->steps % POLL_STEPS == 0 && rk_ctx_poll(c->ctx))
		return false;
	for (int w = 0; w < l->words; w++)
	{
		for (uint64_t bits = set[w]; bits; bits &= bits - 1)
		{
			int			i = w * 64 + __builtin_ctzll(bits);

			c->clique[depth] = c->o->node[l->members[i]];
			if (depth + 1 == c->k)
			{
				rk_clique_sort(c->sorted, c->clique, c->k);
				if (++c->steps % POLL_STEPS == 0 && rk_ctx_poll(c->ctx))
					return false;
				if (!c->emit(c->arg, c->sorted, c->k))
					return false;
			}
			else if (clique_both(set + l->words, set, l->rows + (int64_t) i * l->words, l->words) >=
					 c->k - depth - 1 && !grow(c, depth + 1))
				return false;
		}
	}
	return true;
}

rk_status
rk_graph_k_clique(rk_ctx *ctx, const rk_graph *g, int k, rk_clique_fn emit, void *arg)
{
	clique_list c = {.ctx = ctx,.k = k,.emit = emit,.arg = arg};
	clique_order o;
	rk_status	status;

	if (k == 1)
	{
		for (int64_t v = 0; v < g->nodes; v++)
		{
			uint32_t	node = (uint32_t) v;

			if (((v & 4095) == 0 && rk_ctx_poll(ctx)) || !emit(arg, &node, 1))
				return RK_STOPPED;
		}
		return RK_OK;
	}
	if ((status = rk_clique_order(ctx, g, k, &o)) != RK_OK)
		return status;
	c.o = &o;
	c.sets = rk_alloc(ctx, (int64_t) (k + 1) * clique_words(o.degeneracy), sizeof(uint64_t));
	c.clique = rk_alloc(ctx, k, sizeof(uint32_t));
	c.sorted = rk_alloc(ctx, k, sizeof(uint32_t));
	if (!rk_clique_local_alloc(ctx, &o, &c.local) || !c.sets || !c.clique || !c.sorted)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "searching", o.nodes);
	for (int64_t i = o.first; i < o.nodes; i++)
	{
		if ((i & 255) == 0)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			rk_progress(ctx, i);
		}
		if (o.offsets[i + 1] - o.offsets[i] < k - 1)
			continue;
		rk_clique_local_set(&o, i, false, &c.local);
		c.clique[0] = o.node[i];
		clique_fill(c.sets + c.local.words, c.local.count);
		if (!grow(&c, 1))
			return RK_STOPPED;
	}
	rk_clique_local_free(ctx, &c.local);
	rk_free(ctx, c.sorted);
	rk_free(ctx, c.clique);
	rk_free(ctx, c.sets);
	rk_clique_order_free(ctx, &o);
	return RK_OK;
}

int64_t
rk_graph_k_clique_memory(int64_t nodes, int64_t arcs, int threads, bool of_nodes)
{
	return rk_clique_order_memory(nodes, arcs) + threads * nodes * (of_nodes ? 20 : 4);
}

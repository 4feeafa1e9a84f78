/*
 * k_clique_count.c
 *	  How many cliques of k nodes there are, in all and by node, without listing
 *	  them (Pivoter: Jain and Seshadhri 2020).
 *
 * As when maximal cliques are listed, a pivot leaves only its non-neighbours
 * to be branched on.  A leaf of the search holds nodes that are in each of its
 * cliques and pivots of which any subset is: with h of the former and p of the
 * latter there are C(p, k - h) cliques of k nodes, and every clique belongs to
 * one leaf.  Counts are whole numbers, so that the order of adding is free.
 *
 * The search keeps its own stack: it is as deep as the largest clique.
 */
#include "k_clique.h"

#include <string.h>

#include "../../compute/parallel.h"

#define ROOTS 16				/* nodes of a chunk */
#define POLL_STEPS 4096

typedef unsigned __int128 count128;

typedef struct count_thread
{
	clique_local local;
	uint64_t   *sets;			/* two rows of bits for every depth */
	int		   *current;		/* by depth: the index that was branched on */
	bool	   *by_pivot;		/* by depth: it is a pivot */
	count128   *of_node;		/* by node, or NULL */
	count128	total;
	bool		overflow;
	int64_t		steps;
} count_thread;

typedef struct count_state
{
	rk_ctx	   *ctx;
	const clique_order *o;
	int			k;
	count128   *choose;			/* C(p, j): [p * (k + 1) + j], 0 beyond 128 bits */
	bool	   *too_many;
	count_thread *threads;
} count_state;

/* Adds, and notes when 128 bits do not hold the sum. */
static inline void
add_count(count_thread *t, count128 *to, count128 x)
{
	if (__builtin_add_overflow(*to, x, to))
		t->overflow = true;
}

/* A leaf: held nodes and pivots are known, the root is one of the former. */
static void
count_leaf(count_state *s, count_thread *t, int64_t root, int depth, int held, int pivots)
{
	int64_t		at = (int64_t) pivots * (s->k + 1) + s->k - held;
	count128	cliques = s->choose[at];

	if (s->k - held > pivots)
		return;
	t->overflow |= s->too_many[at];
	add_count(t, &t->total, cliques);
	if (t->of_node == NULL)
		return;
	add_count(t, &t->of_node[s->o->node[root]], cliques);
	for (int d = 0; d < depth; d++)
	{
		uint32_t	v = s->o->node[t->local.members[t->current[d]]];

		if (!t->by_pivot[d])
			add_count(t, &t->of_node[v], cliques);
		else if (s->k > held)
			add_count(t, &t->of_node[v], s->choose[at - (s->k + 1) - 1]);
	}
}

/* Sets branching of the depth to the nodes to branch on; returns the pivot. */
static int
choose_pivot(const clique_local *l, const uint64_t *set, uint64_t *branching)
{
	int			best = -1;
	int			most = -1;

	for (int w = 0; w < l->words; w++)
	{
		for (uint64_t bits = set[w]; bits; bits &= bits - 1)
		{
			int			i = w * 64 + __builtin_ctzll(bits);
			int			common = clique_common(set, l->rows + (int64_t) i * l->words, l->words);

			if (common > most)
			{
				best = i;
				most = common;
			}
		}
	}
	for (int w = 0; w < l->words; w++)
		branching[w] = set[w] & ~l->rows[(int64_t) best * l->words + w];
	clique_drop(branching, best);
	return best;
}

/* All cliques whose first node is root. */
static bool
count_root(count_state *s, count_thread *t, int64_t root, int thread)
{
	const clique_local *l = &t->local;
	int			words;
	int			depth = 0;
	int			held = 1;
	int			pivots = 0;
	int			left;
	bool		enter = true;

	rk_clique_local_set(s->o, root, true, &t->local);
	words = l->words;
	left = l->count;
	clique_fill(t->sets, l->count);
	for (;;)
	{
		uint64_t   *set = t->sets + (int64_t) depth * 2 * words;
		uint64_t   *branching = set + words;
		int			i;

		if (++t->steps % POLL_STEPS == 0 && rk_chunk_should_stop(s->ctx, thread))
			return false;
		if (enter)
		{
			if (left == 0 || held == s->k || held + pivots + left < s->k)
			{
				if (held + pivots + left >= s->k)
					count_leaf(s, t, root, depth, held, pivots);
				enter = false;
			}
			else
			{
				t->current[depth] = choose_pivot(l, set, branching);
				t->by_pivot[depth] = true;
			}
		}
		else
		{
			/* the branch on the current node is done: without it, the next */
			clique_drop(set, t->current[depth]);
			i = clique_lowest(branching, words);
			if (i < 0)
				enter = false;
			else
			{
				clique_drop(branching, i);
				t->current[depth] = i;
				t->by_pivot[depth] = false;
				enter = true;
			}
		}
		if (enter)
		{
			left = clique_both(set + 2 * words, set,
							   l->rows + (int64_t) t->current[depth] * words, words);
			if (t->by_pivot[depth])
				pivots++;
			else
				held++;
			depth++;
			continue;
		}
		if (depth == 0)
			return true;
		depth--;
		if (t->by_pivot[depth])
			pivots--;
		else
			held--;
	}
}

static void
count_roots(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	count_state *s = arg;
	count_thread *t = &s->threads[thread];

	(void) chunk;
	for (int64_t i = s->o->first + begin; i < s->o->first + end; i++)
		if (s->o->offsets[i + 1] - s->o->offsets[i] >= s->k - 1 && !count_root(s, t, i, thread))
			return;
}

/* Binomial coefficients up to C(degeneracy, k). */
static rk_status
make_choose(count_state *s)
{
	int			k = s->k;
	int			n = s->o->degeneracy;

	s->choose = rk_alloc0(s->ctx, (int64_t) (n + 1) * (k + 1), sizeof(count128));
	s->too_many = rk_alloc0(s->ctx, (int64_t) (n + 1) * (k + 1), sizeof(bool));
	if (!s->choose || !s->too_many)
		return RK_ERR_MEMORY;
	for (int p = 0; p <= n; p++)
	{
		s->choose[(int64_t) p * (k + 1)] = 1;
		for (int j = 1; j <= k && j <= p; j++)
		{
			int64_t		at = (int64_t) p * (k + 1) + j;
			int64_t		up = at - (k + 1);

			s->too_many[at] = __builtin_add_overflow(s->choose[up - 1], s->choose[up], &s->choose[at]) ||
				s->too_many[up - 1] || s->too_many[up];
		}
	}
	return RK_OK;
}

/* Counts of one and of two nodes need no search. */
static void
count_few(const rk_graph *g, int k, count128 *of_node, count128 *total)
{
	*total = k == 1 ? g->nodes : g->arcs / 2;
	for (int64_t v = 0; of_node && v < g->nodes; v++)
		of_node[v] = k == 1 ? 1 : rk_degree(&g->out, v);
}

rk_status
rk_graph_k_clique_count(rk_ctx *ctx, const rk_graph *g, int k, unsigned __int128 *of_node,
						unsigned __int128 *total)
{
	count_state s = {.ctx = ctx,.k = k};
	clique_order o;
	bool		overflow = false;
	rk_status	status;

	if (k <= 2)
	{
		count_few(g, k, of_node, total);
		return RK_OK;
	}
	*total = 0;
	if (of_node)
		memset(of_node, 0, sizeof(count128) * g->nodes);
	if ((status = rk_clique_order(ctx, g, k, &o)) != RK_OK)
		return status;
	if (o.degeneracy + 1 < k)
	{
		rk_clique_order_free(ctx, &o);
		return RK_OK;
	}
	s.o = &o;
	s.threads = rk_alloc0(ctx, ctx->threads, sizeof(count_thread));
	if (s.threads == NULL)
		return RK_ERR_MEMORY;
	if ((status = make_choose(&s)) != RK_OK)
		return status;
	for (int i = 0; i < ctx->threads; i++)
	{
		count_thread *t = &s.threads[i];

		t->sets = rk_alloc(ctx, (int64_t) (o.degeneracy + 2) * 2 * clique_words(o.degeneracy), sizeof(uint64_t));
		t->current = rk_alloc(ctx, o.degeneracy + 2, sizeof(int));
		t->by_pivot = rk_alloc(ctx, o.degeneracy + 2, sizeof(bool));
		if (!rk_clique_local_alloc(ctx, &o, &t->local) || !t->sets || !t->current || !t->by_pivot)
			return RK_ERR_MEMORY;
		if (of_node)
			t->of_node = i == 0 ? of_node : rk_alloc0(ctx, g->nodes, sizeof(count128));
		if (of_node && t->of_node == NULL)
			return RK_ERR_MEMORY;
	}
	rk_phase(ctx, "counting", o.nodes - o.first);
	if ((status = rk_parallel_for(ctx, o.nodes - o.first, ROOTS, count_roots, &s)) != RK_OK)
		return status;
	for (int i = 0; i < ctx->threads; i++)
	{
		count_thread *t = &s.threads[i];

		overflow |= t->overflow || __builtin_add_overflow(*total, t->total, total);
		for (int64_t v = 0; of_node && i > 0 && v < g->nodes; v++)
			overflow |= __builtin_add_overflow(of_node[v], t->of_node[v], &of_node[v]);
		if (i > 0)
			rk_free(ctx, t->of_node);
		rk_clique_local_free(ctx, &t->local);
		rk_free(ctx, t->by_pivot);
		rk_free(ctx, t->current);
		rk_free(ctx, t->sets);
	}
	rk_free(ctx, s.too_many);
	rk_free(ctx, s.choose);
	rk_free(ctx, s.threads);
	rk_clique_order_free(ctx, &o);
	if (overflow)
		return rk_fail(ctx, RK_ERR_OVERFLOW, "number of cliques of %d nodes is beyond 128 bits", k);
	return RK_OK;
}

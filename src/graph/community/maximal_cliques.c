/*
 * maximal_cliques.c
 *	  Cliques that no node can be added to (Eppstein, Loeffler, Strash 2010).
 *
 * Every maximal clique is found from its first node in the degeneracy order by
 * Bron and Kerbosch's search with the pivot of Tomita, Tanaka, Takahashi 2006:
 * candidates are later neighbours, rows of bits; what excludes a clique from
 * being maximal are candidates that were tried before, also bits, and earlier
 * neighbours, a list in which those that still count come first.
 */
#include "k_clique.h"

#include <string.h>

#define POLL_STEPS 1024

/* ---- the search from one node ---- */

typedef struct maximal_search
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const clique_order *o;
	clique_local local;
	uint64_t   *sets;			/* three rows of bits for every depth */
	int		   *current;		/* by depth: the candidate that was taken */
	int64_t    *excluders;		/* by depth: how many of before count */
	uint64_t   *before_rows;	/* of earlier neighbours: their candidates */
	uint32_t   *before;			/* which row */
	uint32_t   *clique;
	uint32_t   *sorted;
	int			k;
	int64_t		steps;
	rk_clique_fn emit;
	void	   *arg;
} maximal_search;

/* Lists the earlier neighbours of root and which candidates each has. */
static int64_t
set_before(maximal_search *m, int64_t root)
{
	const clique_order *o = m->o;
	clique_local *l = &m->local;
	uint32_t	v = o->node[root];
	int64_t		count = 0;

	for (int i = 0; i < l->count; i++)
		l->at[l->members[i]] = i + 1;
	for (int64_t e = m->g->out.offsets[v]; e < m->g->out.offsets[v + 1]; e++)
	{
		uint32_t	u = o->place[m->g->out.neighbors[e]];
		uint64_t   *row = m->before_rows + count * l->words;
		bool		any = false;

		if (u > root)
			continue;
		memset(row, 0, sizeof(uint64_t) * l->words);
		for (int64_t f = o->offsets[u]; f < o->offsets[u + 1]; f++)
		{
			uint32_t	j = l->at[o->later[f]];

			if (j == 0)
				continue;
			row[(j - 1) / 64] |= UINT64_C(1) << ((j - 1) % 64);
			any = true;
		}
		/* without a candidate it matters only if there are none at all */
		if (any || l->count == 0)
		{
			m->before[count] = (uint32_t) count;
			count++;
		}
	}
	for (int i = 0; i < l->count; i++)
		l->at[l->members[i]] = 0;
	return count;
}

/* Candidates that are not neighbours of the node with most of them. */
static void
set_branches(maximal_search *m, const uint64_t *set, const uint64_t *tried, int64_t excluders,
			 uint64_t *branching)
{
	const clique_local *l = &m->local;
	const uint64_t *best = NULL;
	int			most = -1;

	for (int w = 0; w < l->words; w++)
	{
		for (uint64_t bits = set[w] | tried[w]; bits; bits &= bits - 1)
		{
			const uint64_t *row = l->rows + (int64_t) (w * 64 + __builtin_ctzll(bits)) * l->words;
			int			common = clique_common(set, row, l->words);

			if (common > most)
			{
				most = common;
				best = row;
			}
		}
	}
	for (int64_t x = 0; x < excluders; x++)
	{
		const uint64_t *row = m->before_rows + (int64_t) m->before[x] * l->words;
		int			common = clique_common(set, row, l->words);

		if (common > most)
		{
			most = common;
			best = row;
		}
	}
	for (int w = 0; w < l->words; w++)
		branching[w] = set[w] & ~best[w];
}

static bool
report(maximal_search *m, int64_t root, int depth)
{
	m->clique[0] = m->o->node[root];
	for (int d = 0; d < depth; d++)
		m->clique[d + 1] = m->o->node[m->local.members[m->current[d]]];
	rk_clique_sort(m->sorted, m->clique, depth + 1);
	return m->emit(m->arg, m->sorted, depth + 1);
}

/* All maximal cliques whose first node is root. */
static bool
search_root(maximal_search *m, int64_t root)
{
	const clique_local *l = &m->local;
	int			words;
	int			depth = 0;
	bool		enter = true;

	rk_clique_local_set(m->o, root, true, &m->local);
	words = l->words;
	clique_fill(m->sets, l->count);
	memset(m->sets + words, 0, sizeof(uint64_t) * words);
	m->excluders[0] = set_before(m, root);
	for (;;)
	{
		uint64_t   *set = m->sets + (int64_t) depth * 3 * words;
		uint64_t   *tried = set + words;
		uint64_t   *branching = tried + words;
		int			i;

		m->steps += 1 + m->excluders[depth] * words / 64;
		if (m->steps >= POLL_STEPS)
		{
			if (rk_ctx_poll(m->ctx))
				return false;
			m->steps = 0;
		}
		if (enter)
		{
			int			left = clique_common(set, set, words);

			enter = false;
			if (left == 0)
			{
				if (depth + 1 >= m->k && clique_lowest(tried, words) < 0 && m->excluders[depth] == 0 &&
					!report(m, root, depth))
					return false;
				memset(branching, 0, sizeof(uint64_t) * words);
			}
			else if (depth + 1 + left < m->k)
				memset(branching, 0, sizeof(uint64_t) * words);
			else
				set_branches(m, set, tried, m->excluders[depth], branching);
		}
		else
		{
			/* the candidate at work is done: from now on it excludes */
			clique_drop(set, m->current[depth]);
			tried[m->current[depth] / 64] |= UINT64_C(1) << (m->current[depth] % 64);
		}
		i = clique_lowest(branching, words);
		if (i >= 0)
		{
			const uint64_t *row = l->rows + (int64_t) i * words;
			int64_t		kept = 0;

			clique_drop(branching, i);
			m->current[depth] = i;
			clique_both(set + 3 * words, set, row, words);
			clique_both(tried + 3 * words, tried, row, words);
			for (int64_t x = 0; x < m->excluders[depth]; x++)
			{
				uint32_t	y = m->before[x];

				if (!clique_has(m->before_rows + (int64_t) y * words, i))
					continue;
				m->before[x] = m->before[kept];
				m->before[kept++] = y;
			}
			m->excluders[++depth] = kept;
			enter = true;
			continue;
		}
		if (depth-- == 0)
			return true;
	}
}

rk_status
rk_graph_maximal_cliques(rk_ctx *ctx, const rk_graph *g, int k, rk_clique_fn emit, void *arg)
{
	maximal_search m = {.ctx = ctx,.g = g,.k = k,.emit = emit,.arg = arg};
	clique_order o;
	int64_t		before = 0;
	int64_t		bits = 0;
	rk_status	status = rk_clique_order(ctx, g, k, &o);

	if (status != RK_OK)
		return status;
	m.o = &o;
	for (int64_t i = o.first; i < o.nodes; i++)
	{
		int64_t		later = o.offsets[i + 1] - o.offsets[i];
		int64_t		earlier = rk_degree(&g->out, o.node[i]) - later;

		if (earlier > before)
			before = earlier;
		if (earlier * clique_words(later) > bits)
			bits = earlier * clique_words(later);
	}
	m.sets = rk_alloc(ctx, (int64_t) (o.degeneracy + 2) * 3 * (clique_words(o.degeneracy) + 1), sizeof(uint64_t));
	m.current = rk_alloc(ctx, o.degeneracy + 2, sizeof(int));
	m.excluders = rk_alloc(ctx, o.degeneracy + 2, sizeof(int64_t));
	m.before_rows = rk_alloc(ctx, bits + clique_words(o.degeneracy) + 1, sizeof(uint64_t));
	m.before = rk_alloc(ctx, before, sizeof(uint32_t));
	m.clique = rk_alloc(ctx, o.degeneracy + 1, sizeof(uint32_t));
	m.sorted = rk_alloc(ctx, o.degeneracy + 1, sizeof(uint32_t));
	if (!rk_clique_local_alloc(ctx, &o, &m.local) || !m.sets || !m.current || !m.excluders ||
		!m.before_rows || !m.before || !m.clique || !m.sorted)
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
		if (o.offsets[i + 1] - o.offsets[i] + 1 >= k && !search_root(&m, i))
			return RK_STOPPED;
	}
	rk_clique_local_free(ctx, &m.local);
	rk_free(ctx, m.sorted);
	rk_free(ctx, m.clique);
	rk_free(ctx, m.before);
	rk_free(ctx, m.before_rows);
	rk_free(ctx, m.excluders);
	rk_free(ctx, m.current);
	rk_free(ctx, m.sets);
	rk_clique_order_free(ctx, &o);
	return RK_OK;
}

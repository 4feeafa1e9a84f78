/*
 * aml_chains.c
 *	  Patterns along linked pairs: cycles and layers.
 *
 * A cycle is looked for from each transaction in turn.  First its walks are
 * followed breadth first, by transactions; that finds out in how few hops each
 * later transaction is reached, and most often that no walk comes back.  Then,
 * for each length from the shortest on, simple paths are followed backwards
 * from the transactions that come back, the earliest first, over what can be
 * reached in as many hops.
 *
 * A cycle consumes its transactions, so that what is found depends on the order.
 * Threads look from many transactions at a time, as if nothing were consumed
 * meanwhile, and then each is asked in turn.  Where there was no cycle there is
 * none with fewer transactions either.  One that was found is found again if its
 * own transactions are all still there: a search takes the first of all cycles in
 * an order that does not depend on which others there are.  Otherwise it is done
 * anew.  So the cycles are those of one thread.
 */
#include "aml.h"

#include <string.h>

#include "../../compute/parallel.h"

#define MAX_LENGTH 32
#define BATCH 4096				/* transactions that are looked from at a time */
#define CHUNK 16

/* ---- strong components (Tarjan 1972, without recursion) ---- */

typedef struct components
{
	uint32_t   *of;				/* by entity; NONE: not yet */
	uint32_t   *index;			/* order of discovery; NONE: not yet */
	uint32_t   *low;
	uint32_t   *stack;
	uint32_t   *path;
	int64_t    *next;			/* by entity: where its out list goes on */
	bool	   *larger;			/* by component: it has more than one entity */
} components;

static void
find_components(aml *a, components *c)
{
	const rk_ledger *l = a->l;
	uint32_t	found = 0;
	uint32_t	count = 0;
	int64_t		stacked = 0;

	c->of = aml_alloc(a, l->entities, sizeof(*c->of));
	c->index = aml_alloc(a, l->entities, sizeof(*c->index));
	c->low = aml_alloc(a, l->entities, sizeof(*c->low));
	c->stack = aml_alloc(a, l->entities, sizeof(*c->stack));
	c->path = aml_alloc(a, l->entities, sizeof(*c->path));
	c->next = aml_alloc(a, l->entities, sizeof(*c->next));
	c->larger = aml_alloc(a, l->entities, sizeof(*c->larger));
	if (a->status != RK_OK)
		return;
	memset(c->of, 0xff, sizeof(uint32_t) * l->entities);
	memset(c->index, 0xff, sizeof(uint32_t) * l->entities);
	for (uint32_t start = 0; start < l->entities && aml_go(a, 1); start++)
	{
		int64_t		depth = 0;

		if (c->index[start] != NONE)
			continue;
		c->path[depth++] = start;
		while (depth > 0 && aml_go(a, 1))
		{
			uint32_t	v = c->path[depth - 1];

			if (c->index[v] == NONE)
			{
				c->index[v] = c->low[v] = found++;
				c->stack[stacked++] = v;
				c->next[v] = l->out_offsets[v];
			}
			if (c->next[v] < l->out_offsets[v + 1])
			{
				uint32_t	w = l->target[l->out[c->next[v]++]];

				if (c->index[w] == NONE)
					c->path[depth++] = w;
				else if (c->of[w] == NONE && c->index[w] < c->low[v])
					c->low[v] = c->index[w];
				continue;
			}
			depth--;
			if (depth > 0 && c->low[v] < c->low[c->path[depth - 1]])
				c->low[c->path[depth - 1]] = c->low[v];
			if (c->low[v] == c->index[v])
			{
				c->larger[count] = c->stack[stacked - 1] != v;
				do
					c->of[c->stack[--stacked]] = count;
				while (c->stack[stacked] != v);
				count++;
			}
		}
	}
}

static void
free_components(aml *a, components *c)
{
	rk_free(a->ctx, c->of);
	rk_free(a->ctx, c->index);
	rk_free(a->ctx, c->low);
	rk_free(a->ctx, c->stack);
	rk_free(a->ctx, c->path);
	rk_free(a->ctx, c->next);
	rk_free(a->ctx, c->larger);
}

/* ---- cycles ---- */

/* What a thread needs. */
typedef struct search
{
	const components *c;
	uint32_t   *reached;		/* by position: the search that reached it last */
	uint8_t    *hops;			/* by position: how few hops reach it, the first being 1 */
	uint32_t   *queue;
	uint32_t   *closing;		/* transactions that come back, in order */
	int64_t		closing_count;
	uint32_t	root;
	uint32_t	number;			/* of the search, from 1 */
	uint32_t	path[MAX_LENGTH + 1];	/* by hop */
} search;

/* Whether an entity is left by hops length .. hop of the path. */
static bool
on_path(const aml *a, const search *s, uint32_t entity, int hop, int length)
{
	for (int i = hop; i <= length; i++)
		if (a->l->source[s->path[i]] == entity)
			return true;
	return false;
}

/* Completes the path from hop on backwards to the root; it has length hops. */
static bool
complete(aml *a, search *s, int hop, int length)
{
	const rk_ledger *l = a->l;
	uint32_t	f = s->path[hop];
	uint32_t	node = l->source[f];
	int64_t		from;
	int64_t		to;

	if (a->skip[node])
		return false;
	if (hop == 2)
	{
		s->path[1] = s->root;
		return node == l->target[s->root] && aml_linked(a, s->root, f);
	}
	/* only the second hop leaves the root's target */
	if (node == l->target[s->root])
		return false;
	aml_predecessors(a, node, f, &from, &to);
	for (int64_t i = from; i < to && aml_go(a, 1); i++)
	{
		uint32_t	e = l->in[i];

		if (s->reached[e] != s->number || s->hops[e] > hop - 1 || e == s->root || !aml_linked(a, e, f) ||
			l->source[e] == l->source[s->root] || on_path(a, s, l->source[e], hop, length))
			continue;
		s->path[hop - 1] = e;
		if (complete(a, s, hop - 1, length))
			return true;
	}
	return false;
}

static void
write_cycle(aml *a, const search *s, int length)
{
	const rk_ledger *l = a->l;
	rk_decimal	least = l->amount[s->root];
	rk_decimal	most = least;
	double		ratio;

	aml_begin(a, RK_AML_ROUND_TRIPPING, l->source[s->root]);
	for (int i = 1; i <= length; i++)
	{
		rk_decimal	amount = l->amount[s->path[i]];

		aml_entity(a, l->source[s->path[i]], RK_AML_MEMBER);
		aml_transaction(a, s->path[i]);
		a->in_cycle[s->path[i]] = true;
		least = amount < least ? amount : least;
		most = amount > most ? amount : most;
	}
	ratio = rk_money_ratio(least, most);
	aml_end(a, ratio == ratio ? ratio : 0);
}

/* Puts a transaction in its place among those that come back. */
static void
note_closing(search *s, uint32_t f)
{
	int64_t		i = s->closing_count++;

	for (; i > 0 && s->closing[i - 1] > f; i--)
		s->closing[i] = s->closing[i - 1];
	s->closing[i] = f;
}

/* The length of the cycle from a transaction, whose path is left in s; 0: there is none. */
static int
search_cycle(aml *a, search *s, uint32_t root)
{
	const rk_ledger *l = a->l;
	uint32_t	start = l->source[root];
	uint32_t	component = s->c->of[start];
	int64_t		over = rk_window_over_at(l, root, a->p->cycle_window, a->p->cycle_over);
	int64_t		head = 0;
	int64_t		tail = 0;

	s->root = root;
	s->number++;
	s->closing_count = 0;
	s->reached[root] = s->number;
	s->hops[root] = 1;
	s->queue[tail++] = root;
	for (int length = 2; length <= a->p->max_cycle_length; length++)
	{
		int64_t		level = tail;

		for (; head < level && aml_go(a, 1); head++)
		{
			uint32_t	e = s->queue[head];
			uint32_t	node = l->target[e];
			int64_t		from;
			int64_t		to;

			if (a->skip[node])
				continue;
			aml_successors(a, node, e, &from, &to);
			for (int64_t j = from; j < to && aml_go(a, 1); j++)
			{
				uint32_t	f = l->out[j];
				uint32_t	end = l->target[f];

				if (l->ts[f] >= over)
					break;
				if (s->reached[f] == s->number || a->in_cycle[f] || s->c->of[end] != component ||
					end == l->target[root] || !aml_linked(a, e, f))
					continue;
				s->reached[f] = s->number;
				s->hops[f] = (uint8_t) length;
				if (end == start)
					note_closing(s, f);
				else
					s->queue[tail++] = f;
			}
		}
		if (head == tail && s->closing_count == 0)
			return 0;
		for (int64_t i = 0; i < s->closing_count && aml_go(a, 1); i++)
		{
			s->path[length] = s->closing[i];
			if (complete(a, s, length, length) && a->status == RK_OK)
				return length;
		}
	}
	return 0;
}

/* Whether a cycle may begin with a transaction. */
static bool
may_begin(const aml *a, const components *c, uint32_t root)
{
	const rk_ledger *l = a->l;

	return !a->in_cycle[root] && l->source[root] != l->target[root] && c->of[l->source[root]] == c->of[l->target[root]];
}

static void
make_search(aml *a, search *s, const components *c)
{
	s->c = c;
	s->reached = aml_alloc(a, a->l->count, sizeof(*s->reached));
	s->hops = aml_alloc(a, a->l->count, sizeof(*s->hops));
	s->queue = aml_alloc(a, a->l->count, sizeof(*s->queue));
	s->closing = aml_alloc(a, a->l->count, sizeof(*s->closing));
}

static void
free_search(aml *a, search *s)
{
	rk_free(a->ctx, s->reached);
	rk_free(a->ctx, s->hops);
	rk_free(a->ctx, s->queue);
	rk_free(a->ctx, s->closing);
}

/* Searches from many transactions at a time. */
typedef struct ahead
{
	aml		   *parts;			/* by thread */
	search	   *searches;
	uint32_t   *roots;
	uint8_t    *length;			/* by root: of its cycle, 0: none */
	uint32_t	(*path)[MAX_LENGTH + 1];
} ahead;

static void
search_ahead(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	ahead	   *h = arg;
	aml		   *a = &h->parts[thread];
	search	   *s = &h->searches[thread];

	(void) chunk;
	for (int64_t i = begin; i < end && aml_go(a, 1); i++)
	{
		h->length[i] = (uint8_t) search_cycle(a, s, h->roots[i]);
		if (h->length[i] > 0)
			memcpy(h->path[i], s->path, sizeof(s->path));
	}
}

/* Takes what was found from a root, as far as it is still there. */
static void
settle_root(aml *a, search *s, const ahead *h, int64_t i)
{
	int			length = h->length[i];
	bool		there = true;

	if (length == 0 || a->in_cycle[h->roots[i]])
		return;
	for (int k = 1; k <= length; k++)
		there &= !a->in_cycle[h->path[i][k]];
	s->root = h->roots[i];
	if (there)
		memcpy(s->path, h->path[i], sizeof(s->path));
	else
		length = search_cycle(a, s, s->root);
	if (length > 0)
		write_cycle(a, s, length);
}

static void
find_cycles_ahead(aml *a, const components *c)
{
	int			threads = a->ctx->threads;
	ahead		h = {
		.parts = aml_alloc(a, threads, sizeof(*h.parts)),
		.searches = aml_alloc(a, threads, sizeof(*h.searches)),
		.roots = aml_alloc(a, BATCH, sizeof(*h.roots)),
		.length = aml_alloc(a, BATCH, sizeof(*h.length)),
		.path = aml_alloc(a, BATCH, sizeof(*h.path))
	};
	uint32_t	root = 0;

	for (int t = 0; t < threads && a->status == RK_OK; t++)
	{
		make_search(a, &h.searches[t], c);
		h.parts[t] = (aml) {
			.ctx = a->ctx, .l = a->l, .p = a->p, .status = RK_OK, .skip = a->skip, .in_cycle = a->in_cycle, .helper = t > 0
		};
	}
	while (root < a->l->count && aml_go(a, 1))
	{
		int64_t		n = 0;

		for (; root < a->l->count && n < BATCH; root++)
			if (may_begin(a, c, root))
				h.roots[n++] = root;
		a->status = rk_parallel_for(a->ctx, n, CHUNK, search_ahead, &h);
		for (int t = 0; t < threads && a->status == RK_OK; t++)
			a->status = h.parts[t].status;
		for (int64_t i = 0; i < n && aml_go(a, 1); i++)
			settle_root(a, &h.searches[0], &h, i);
	}
	for (int t = 0; t < threads && h.searches; t++)
		free_search(a, &h.searches[t]);
	rk_free(a->ctx, h.parts);
	rk_free(a->ctx, h.searches);
	rk_free(a->ctx, h.roots);
	rk_free(a->ctx, h.length);
	rk_free(a->ctx, h.path);
}

void
aml_find_cycles(aml *a)
{
	components	c = {0};

	find_components(a, &c);
	if (a->ctx->threads > 1)
		find_cycles_ahead(a, &c);
	else
	{
		search		s = {0};

		make_search(a, &s, &c);
		for (uint32_t root = 0; root < a->l->count && aml_go(a, 1); root++)
		{
			int			length = may_begin(a, &c, root) ? search_cycle(a, &s, root) : 0;

			if (length > 0)
				write_cycle(a, &s, length);
		}
		free_search(a, &s);
	}
	free_components(a, &c);
}

/* ---- layers ---- */

/* Whether money that went into f came by a linked pair. */
static bool
has_predecessor(aml *a, uint32_t f)
{
	uint32_t	node = a->l->source[f];
	int64_t		from;
	int64_t		to;

	if (a->skip[node])
		return false;
	aml_predecessors(a, node, f, &from, &to);
	for (int64_t i = to; i-- > from && aml_go(a, 1);)
		if (aml_linked(a, a->l->in[i], f))
			return true;
	return false;
}

/* Where the money of e goes on first; NONE: nowhere new. */
static uint32_t
next_hop(aml *a, const bool *consumed, uint32_t e)
{
	const rk_ledger *l = a->l;
	uint32_t	best = NONE;
	int64_t		from;
	int64_t		to;

	if (a->skip[l->target[e]])
		return NONE;
	aml_successors(a, l->target[e], e, &from, &to);
	for (int64_t j = from; j < to && aml_go(a, 1); j++)
	{
		uint32_t	f = l->out[j];

		if (best != NONE && l->ts[f] > l->ts[best])
			break;
		if (a->in_cycle[f] || consumed[f] || a->stamp[l->target[f]] == a->stamps || !aml_linked(a, e, f))
			continue;
		if (best == NONE || l->amount[f] > l->amount[best])
			best = f;
	}
	return best;
}

void
aml_find_layers(aml *a)
{
	const rk_ledger *l = a->l;
	bool	   *consumed = aml_alloc(a, l->count, sizeof(*consumed));
	uint32_t   *chain = aml_alloc(a, (int64_t) l->entities + 1, sizeof(*chain));

	for (uint32_t root = 0; root < l->count && aml_go(a, 1); root++)
	{
		int64_t		hops = 0;

		if (l->source[root] == l->target[root] || a->in_cycle[root] || consumed[root] || has_predecessor(a, root))
			continue;
		a->stamps++;
		a->stamp[l->source[root]] = a->stamps;
		for (uint32_t e = root; e != NONE && a->status == RK_OK; e = next_hop(a, consumed, e))
		{
			chain[hops++] = e;
			a->stamp[l->target[e]] = a->stamps;
		}
		if (hops < a->p->min_layers || a->status != RK_OK)
			continue;
		aml_begin(a, RK_AML_LAYERING, l->source[root]);
		aml_entity(a, l->source[root], RK_AML_SOURCE);
		for (int64_t i = 0; i < hops; i++)
		{
			aml_entity(a, l->target[chain[i]], i == hops - 1 ? RK_AML_TARGET : RK_AML_INTERMEDIATE);
			aml_transaction(a, chain[i]);
			consumed[chain[i]] = true;
		}
		aml_end(a, aml_at_most_one((double) hops / 10));
	}
	rk_free(a->ctx, consumed);
	rk_free(a->ctx, chain);
}

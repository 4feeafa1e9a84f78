/*
 * clique_percolation.c
 *	  Communities of cliques of k nodes that share k - 1 (Palla, Derenyi, Farkas,
 *	  Vicsek 2005).
 *
 * All cliques of k nodes inside one maximal clique hang together, and two
 * maximal cliques do when they share k - 1 nodes; so the maximal ones are
 * enough.  How many nodes a clique shares with the earlier ones is counted
 * over the lists of the cliques of its nodes.
 */
#include "k_clique.h"

#include <stdlib.h>
#include <string.h>

#include "../../compute/union_find.h"

#define POLL_WORK 262144

/* The cliques as they are found. */
typedef struct clique_store
{
	rk_ctx	   *ctx;
	int64_t		count;
	int64_t		room;			/* cliques there is room for */
	int64_t    *offsets;		/* count + 1 */
	int64_t		member_room;
	uint32_t   *members;
	bool		failed;			/* out of memory */
} clique_store;

static bool
store_clique(void *arg, const uint32_t *nodes, int size)
{
	clique_store *s = arg;
	int64_t		at = s->offsets[s->count];

	if (s->count + 2 > s->room)
	{
		s->room = s->room * 2 + 2;
		s->offsets = rk_realloc(s->ctx, s->offsets, s->room, sizeof(int64_t));
		s->failed |= s->offsets == NULL;
	}
	if (!s->failed && at + size > s->member_room)
	{
		s->member_room = s->member_room * 2 + size;
		s->members = rk_realloc(s->ctx, s->members, s->member_room, sizeof(uint32_t));
		s->failed |= s->members == NULL;
	}
	if (s->failed)
		return false;
	memcpy(s->members + at, nodes, sizeof(uint32_t) * size);
	s->offsets[++s->count] = at + size;
	return true;
}

/* The cliques of every node: list[start[v]] .. list[start[v + 1]], rising. */
typedef struct clique_lists
{
	int64_t    *start;
	uint32_t   *list;
} clique_lists;

/*
 * Joins cliques that share k - 1 nodes: parent leads to the first of each set.
 * While a clique is at work the lists hold the earlier ones.
 */
static rk_status
join_cliques(rk_ctx *ctx, const clique_store *s, int64_t nodes, int k, clique_lists *lists,
			 uint32_t *parent)
{
	int64_t    *end = rk_alloc(ctx, nodes, sizeof(int64_t));
	uint32_t   *shared = rk_alloc0(ctx, s->count, sizeof(uint32_t));
	uint32_t   *touched = rk_alloc(ctx, s->count + 1, sizeof(uint32_t));
	int64_t		work = 0;

	lists->start = rk_alloc0(ctx, nodes + 1, sizeof(int64_t));
	lists->list = rk_alloc(ctx, s->offsets[s->count], sizeof(uint32_t));
	if (!end || !shared || !touched || !lists->start || !lists->list)
		return RK_ERR_MEMORY;
	for (int64_t e = 0; e < s->offsets[s->count]; e++)
		lists->start[s->members[e] + 1]++;
	for (int64_t v = 0; v < nodes; v++)
	{
		lists->start[v + 1] += lists->start[v];
		end[v] = lists->start[v];
	}
	for (int64_t c = 0; c < s->count; c++)
	{
		int64_t		count = 0;

		parent[c] = (uint32_t) c;
		for (int64_t e = s->offsets[c]; e < s->offsets[c + 1]; e++)
		{
			uint32_t	v = s->members[e];

			work += end[v] - lists->start[v] + 1;
			if (work > POLL_WORK)
			{
				if (rk_ctx_poll(ctx))
					return RK_STOPPED;
				work = 0;
			}
			for (int64_t i = lists->start[v]; i < end[v]; i++)
			{
				uint32_t	d = lists->list[i];

				touched[count] = d;
				count += shared[d]++ == 0;
			}
			lists->list[end[v]++] = (uint32_t) c;
		}
		for (int64_t t = 0; t < count; t++)
		{
			uint32_t	d = touched[t];

			if (shared[d] >= (uint32_t) k - 1)
			{
				uint32_t	a = rk_find_root(parent, (uint32_t) c);
				uint32_t	b = rk_find_root(parent, d);

				parent[a > b ? a : b] = a > b ? b : a;
			}
			shared[d] = 0;
		}
	}
	rk_free(ctx, touched);
	rk_free(ctx, shared);
	rk_free(ctx, end);
	return RK_OK;
}

/* Visits every node of every set once, nodes rising; fill NULL: only counts. */
static rk_status
collect_nodes(rk_ctx *ctx, int64_t nodes, const clique_lists *lists, uint32_t *parent,
			  uint32_t *last, int64_t *place, uint32_t *fill)
{
	int64_t		work = 0;

	for (int64_t v = 0; v < nodes; v++)
	{
		work += lists->start[v + 1] - lists->start[v] + 1;
		if (work > POLL_WORK)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			work = 0;
		}
		for (int64_t i = lists->start[v]; i < lists->start[v + 1]; i++)
		{
			uint32_t	root = rk_find_root(parent, lists->list[i]);

			if (last[root] == v)
				continue;
			last[root] = (uint32_t) v;
			if (fill)
				fill[place[root]] = (uint32_t) v;
			place[root]++;
		}
	}
	return RK_OK;
}

typedef struct community_entry
{
	const uint32_t *nodes;
	int64_t		size;
} community_entry;

/* Falling size, then the first node that differs. */
static int
compare_communities(const void *a, const void *b)
{
	const community_entry *x = a;
	const community_entry *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	for (int64_t i = 0; i < x->size; i++)
		if (x->nodes[i] != y->nodes[i])
			return x->nodes[i] < y->nodes[i] ? -1 : 1;
	return 0;
}

/* The communities from the sets of cliques. */
static rk_status
make_communities(rk_ctx *ctx, int64_t nodes, int64_t cliques, const clique_lists *lists,
				 uint32_t *parent, rk_clique_communities *r)
{
	uint32_t   *last = rk_alloc(ctx, cliques, sizeof(uint32_t));
	int64_t    *place = rk_alloc0(ctx, cliques + 1, sizeof(int64_t));
	int64_t    *size = rk_alloc(ctx, cliques, sizeof(int64_t));
	int64_t		sum = 0;
	community_entry *entries;
	uint32_t   *members;
	rk_status	status;

	if (!last || !place || !size)
		return RK_ERR_MEMORY;
	memset(last, 0xff, sizeof(uint32_t) * cliques);
	if ((status = collect_nodes(ctx, nodes, lists, parent, last, place, NULL)) != RK_OK)
		return status;
	for (int64_t c = 0; c < cliques; c++)
	{
		size[c] = place[c];
		place[c] = sum;
		sum += size[c];
		r->count += size[c] > 0;
	}
	members = rk_alloc(ctx, sum, sizeof(uint32_t));
	entries = rk_alloc(ctx, r->count, sizeof(community_entry));
	r->offsets = rk_alloc(ctx, r->count + 1, sizeof(int64_t));
	r->members = sum;
	r->nodes = rk_alloc(ctx, sum, sizeof(uint32_t));
	r->community = rk_alloc(ctx, sum, sizeof(uint32_t));
	if (!members || !entries || !r->offsets || !r->nodes || !r->community)
		return RK_ERR_MEMORY;
	memset(last, 0xff, sizeof(uint32_t) * cliques);
	if ((status = collect_nodes(ctx, nodes, lists, parent, last, place, members)) != RK_OK)
		return status;
	for (int64_t c = 0, i = 0; c < cliques; c++)
		if (size[c] > 0)
			entries[i++] = (community_entry) {members + place[c] - size[c], size[c]};
	qsort(entries, r->count, sizeof(community_entry), compare_communities);
	r->offsets[0] = 0;
	for (int64_t i = 0; i < r->count; i++)
	{
		memcpy(r->nodes + r->offsets[i], entries[i].nodes, sizeof(uint32_t) * entries[i].size);
		r->offsets[i + 1] = r->offsets[i] + entries[i].size;
		for (int64_t e = r->offsets[i]; e < r->offsets[i + 1]; e++)
			r->community[e] = (uint32_t) i;
	}
	rk_free(ctx, entries);
	rk_free(ctx, members);
	rk_free(ctx, size);
	rk_free(ctx, place);
	rk_free(ctx, last);
	return RK_OK;
}

rk_status
rk_graph_k_clique_communities(rk_ctx *ctx, const rk_graph *g, int k, rk_clique_communities *result)
{
	clique_store s = {.ctx = ctx,.room = 1024};
	clique_lists lists;
	uint32_t   *parent;
	rk_status	status;

	*result = (rk_clique_communities) {0};
	s.offsets = rk_alloc(ctx, s.room, sizeof(int64_t));
	if (s.offsets == NULL)
		return RK_ERR_MEMORY;
	s.offsets[0] = 0;
	status = rk_graph_maximal_cliques(ctx, g, k, store_clique, &s);
	if (s.failed)
		return RK_ERR_MEMORY;
	if (status != RK_OK)
		return status;
	if (s.count >= RK_NO_NODE)
		return rk_fail(ctx, RK_ERR_LIMIT, "more than %u maximal cliques", RK_NO_NODE - 1);
	rk_phase(ctx, "joining", s.count);
	parent = rk_alloc(ctx, s.count, sizeof(uint32_t));
	if (parent == NULL)
		return RK_ERR_MEMORY;
	if ((status = join_cliques(ctx, &s, g->nodes, k, &lists, parent)) != RK_OK ||
		(status = make_communities(ctx, g->nodes, s.count, &lists, parent, result)) != RK_OK)
		return status;
	rk_free(ctx, parent);
	rk_free(ctx, lists.list);
	rk_free(ctx, lists.start);
	rk_free(ctx, s.members);
	rk_free(ctx, s.offsets);
	return RK_OK;
}

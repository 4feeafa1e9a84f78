/*
 * motif_rewiring.c
 *	  Degree-preserving random rewiring by switching pairs of edges.
 *
 * The edges lie in an array to draw from and in a hash set with linear probing
 * to look up; an edge that is taken out leaves no gap, since those behind it
 * move up.
 */
#include "motif_rewiring.h"

#include "../../compute/random.h"

#define ATTEMPTS 10				/* for every edge */
#define EMPTY UINT64_MAX		/* no edge: both ends would be RK_NO_NODE */
#define POLL_MASK ((1 << 16) - 1)

typedef struct edge_set
{
	uint64_t   *slots;
	uint64_t	mask;
	bool		directed;
} edge_set;

static inline uint64_t
key_of(const edge_set *s, uint32_t u, uint32_t v)
{
	if (!s->directed && u > v)
		return (uint64_t) v << 32 | u;
	return (uint64_t) u << 32 | v;
}

static inline uint64_t
home_of(const edge_set *s, uint64_t key)
{
	return rk_mix64(key) & s->mask;
}

/* Slot of the key, or the empty one where it would go. */
static uint64_t
find(const edge_set *s, uint64_t key)
{
	uint64_t	at = home_of(s, key);

	while (s->slots[at] != EMPTY && s->slots[at] != key)
		at = (at + 1) & s->mask;
	return at;
}

static void
take_out(edge_set *s, uint64_t key)
{
	uint64_t	gap = find(s, key);
	uint64_t	at = gap;

	for (;;)
	{
		at = (at + 1) & s->mask;
		if (s->slots[at] == EMPTY)
			break;
		/* moves up unless its home lies behind the gap */
		if (((at - home_of(s, s->slots[at])) & s->mask) >= ((at - gap) & s->mask))
		{
			s->slots[gap] = s->slots[at];
			gap = at;
		}
	}
	s->slots[gap] = EMPTY;
}

bool
rk_graph_motif_joined(const rk_adjacency *a, uint32_t u, uint32_t v)
{
	int64_t		low = a->offsets[u];
	int64_t		high = a->offsets[u + 1];

	while (low < high)
	{
		int64_t		mid = low + (high - low) / 2;

		if (a->neighbors[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->offsets[u + 1] && a->neighbors[low] == v;
}

/* A number below n, from 64 random bits. */
static inline int64_t
below(uint64_t h, int64_t n)
{
	return (int64_t) ((unsigned __int128) h * (uint64_t) n >> 64);
}

/* Lets pairs of edges swap their ends. */
static rk_status
switch_edges(rk_ctx *ctx, edge_set *set, uint32_t *source, uint32_t *target, int64_t m, uint64_t seed)
{
	for (int64_t k = 0; k < ATTEMPTS * m; k++)
	{
		uint64_t	h = rk_hash2(seed, k);
		int64_t		i = below(h, m);
		int64_t		j = below(rk_hash_fold(h, 1), m);
		uint32_t	a = source[i];
		uint32_t	b = target[i];
		uint32_t	c = source[j];
		uint32_t	d = target[j];
		uint64_t	ad;
		uint64_t	cb;

		if ((k & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		/* an undirected edge has no first end */
		if (!set->directed && rk_hash_fold(h, 2) >> 63)
		{
			c = target[j];
			d = source[j];
		}
		if (a == d || c == b || a == c || b == d)
			continue;
		ad = key_of(set, a, d);
		cb = key_of(set, c, b);
		if (set->slots[find(set, ad)] == ad || set->slots[find(set, cb)] == cb)
			continue;
		take_out(set, key_of(set, a, b));
		take_out(set, key_of(set, c, d));
		set->slots[find(set, ad)] = ad;
		set->slots[find(set, cb)] = cb;
		target[i] = d;
		source[j] = c;
		target[j] = b;
	}
	return RK_OK;
}

/* Slots of the set for m edges: a power of two, at most half of them taken. */
static int64_t
slots_for(int64_t m)
{
	int64_t		slots = 16;

	while (slots < 2 * m)
		slots *= 2;
	return slots;
}

rk_status
rk_graph_rewire(rk_ctx *ctx, const rk_graph *g, uint64_t seed, rk_graph *other)
{
	int64_t		m = g->directed ? g->out.offsets[g->nodes] : g->out.offsets[g->nodes] / 2;
	int64_t		slots = slots_for(m);
	uint32_t   *source = rk_alloc(ctx, m, sizeof(uint32_t));
	uint32_t   *target = rk_alloc(ctx, m, sizeof(uint32_t));
	edge_set	set = {rk_alloc(ctx, slots, sizeof(uint64_t)), (uint64_t) slots - 1, g->directed};
	rk_edges	edges = {.nodes = g->nodes,.count = m,.source = source,.target = target};
	rk_graph_options options = {.directed = g->directed,.want_out = true,.want_in = true,
	.parallel = RK_EDGES_COLLAPSE};
	int64_t		count = 0;
	rk_status	status;

	if (!source || !target || !set.slots)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < slots; i++)
		set.slots[i] = EMPTY;
	for (int64_t u = 0; u < g->nodes; u++)
	{
		if ((u & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
		{
			uint32_t	v = g->out.neighbors[i];
			uint64_t	key = key_of(&set, (uint32_t) u, v);

			if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			if (!g->directed && v < u)
				continue;
			source[count] = (uint32_t) u;
			target[count++] = v;
			set.slots[find(&set, key)] = key;
		}
	}
	if ((status = switch_edges(ctx, &set, source, target, m, seed)) != RK_OK)
		return status;
	rk_free(ctx, set.slots);
	if ((status = rk_graph_build(ctx, &edges, &options, other)) != RK_OK)
		return status;
	rk_free(ctx, source);
	rk_free(ctx, target);
	return RK_OK;
}

int64_t
rk_graph_rewire_memory(int64_t nodes, int64_t arcs, bool directed, int threads)
{
	rk_graph_options options = {.directed = directed,.want_out = true,.want_in = true,
	.parallel = RK_EDGES_COLLAPSE};
	int64_t		m = directed ? arcs : arcs / 2;
	int64_t		set = rk_block_bytes(slots_for(m), 8);
	int64_t		build = rk_graph_build_memory(nodes, m, false, threads, &options);

	return 2 * rk_block_bytes(m, 4) + (set > build ? set : build);
}

/*
 * shortest_path_delta.c
 *	  Delta-stepping (Meyer, Sanders 2003) on all threads.
 *
 * Nodes wait in bins of distances, delta wide.  All nodes of the nearest bin
 * are relaxed at once, as often as they are improved, until no thread has one
 * left; then the next bin.  Each thread files what it improves in bins of its
 * own, so only distances are shared, each the target of an atomic minimum.  A
 * thread that has refilled the bin in hand a little goes on with that itself
 * instead of waiting for the others (bucket fusion; Zhang et al. 2020).
 *
 * Bins are chains of blocks from a common pool, since nothing can be allocated
 * while threads run.  A node may be filed several times; when the pool is used
 * up, what could not be filed is found again by looking at all distances, in a
 * pool twice as large.
 *
 * Distances are the least solution of d[v] = min(d[u] + w), which does not
 * depend on the order of the steps.
 */
#include "shortest_path_internal.h"

#include <string.h>

#define BLOCK 62				/* nodes a block, 256 bytes with its header */
#define BINS 512				/* a ring; what lies beyond has one bin more */
#define BEYOND BINS
#define LIST_CHUNK 4			/* blocks a thread takes at a time */
#define FUSION 1024				/* nodes a thread goes on with by itself */
#define POLL_WORK 65536
#define NONE UINT32_MAX

typedef struct block
{
	uint32_t	next;
	uint32_t	count;
	uint32_t	node[BLOCK];
} block;

/* Bins of one thread. */
typedef struct bins
{
	uint32_t	head[BINS + 1];
	uint32_t	free;			/* chain of used blocks */
	uint64_t	filled[BINS / 64];	/* bit: bin is not empty */
	char		pad[64];		/* the next thread's are on another line */
} bins;

typedef struct delta_state
{
	rk_ctx	   *ctx;
	const rk_adjacency *out;
	_Atomic uint64_t *distance; /* bits of float8 >= 0, in order like it */
	_Atomic uint64_t *relaxed;	/* the distance a node was relaxed with last */
	double		max_distance;
	double		inverse;		/* bins per unit of distance */
	int64_t		base;			/* number of the first bin of the ring */
	int64_t		current;		/* number of the bin in hand */
	block	   *blocks;
	int64_t		capacity;		/* blocks in the pool */
	_Atomic int64_t used;		/* blocks taken off the pool */
	atomic_bool overflow;		/* a node could not be filed */
	bins	   *bins;			/* per thread */
	uint32_t   *list;			/* blocks of the bin in hand */
} delta_state;

static inline uint64_t
to_bits(double d)
{
	uint64_t	bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static inline double
from_bits(uint64_t bits)
{
	double		d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

/* Number of the bin of a distance: never falls as the distance rises. */
static inline int64_t
bin_of(const delta_state *s, double distance)
{
	double		b = distance * s->inverse;

	return b < 0x1p62 ? (int64_t) b : INT64_C(1) << 62;
}

/* Files v in a thread's bins. */
static inline void
file_node(delta_state *s, bins *own, uint32_t v, double distance)
{
	int64_t		bin = bin_of(s, distance) - s->base;
	uint32_t	b;

	if (bin >= BINS)
		bin = BEYOND;
	b = own->head[bin];
	if (b == NONE || s->blocks[b].count == BLOCK)
	{
		uint32_t	fresh = own->free;

		if (fresh != NONE)
			own->free = s->blocks[fresh].next;
		else
		{
			int64_t		at = atomic_fetch_add_explicit(&s->used, 1, memory_order_relaxed);

			if (at >= s->capacity)
			{
				atomic_store_explicit(&s->overflow, true, memory_order_relaxed);
				return;
			}
			fresh = (uint32_t) at;
		}
		s->blocks[fresh].next = b;
		s->blocks[fresh].count = 0;
		own->head[bin] = fresh;
		if (bin < BEYOND)
			own->filled[bin >> 6] |= UINT64_C(1) << (bin & 63);
		b = fresh;
	}
	s->blocks[b].node[s->blocks[b].count++] = v;
}

/* Relaxes the arcs of the nodes of block b; returns the work done. */
static int64_t
relax_block(delta_state *s, bins *own, uint32_t b)
{
	const rk_adjacency *out = s->out;
	int64_t		work = BLOCK;

	for (uint32_t k = 0; k < s->blocks[b].count; k++)
	{
		uint32_t	u = s->blocks[b].node[k];
		uint64_t	now = atomic_load_explicit(&s->distance[u], memory_order_relaxed);
		double		distance = from_bits(now);

		/* filed more than once, and dealt with */
		if (bin_of(s, distance) < s->current ||
			atomic_load_explicit(&s->relaxed[u], memory_order_relaxed) == now)
			continue;
		atomic_store_explicit(&s->relaxed[u], now, memory_order_relaxed);
		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];
			double		sum = distance + out->weights[i];
			uint64_t	bits = to_bits(sum);
			uint64_t	old = atomic_load_explicit(&s->distance[v], memory_order_relaxed);

			while (bits < old && sum <= s->max_distance)
			{
				if (atomic_compare_exchange_weak_explicit(&s->distance[v], &old, bits,
														  memory_order_relaxed,
														  memory_order_relaxed))
				{
					file_node(s, own, v, sum);
					break;
				}
			}
		}
		work += rk_degree(out, u);
	}
	return work;
}

static void
relax_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	delta_state *s = arg;
	bins	   *own = &s->bins[thread];
	int64_t		bin = s->current - s->base;
	int64_t		work = 0;
	int			fused = 0;

	(void) chunk;
	for (int64_t i = begin; i < end || own->head[bin] != NONE; i++)
	{
		uint32_t	b;

		if (i < end)
			b = s->list[i];
		else if (fused++ < FUSION / BLOCK)
		{
			b = own->head[bin];
			own->head[bin] = s->blocks[b].next;
		}
		else
			break;
		work += relax_block(s, own, b);
		s->blocks[b].next = own->free;
		own->free = b;
		if (work >= POLL_WORK)
		{
			work = 0;
			if (rk_chunk_should_stop(s->ctx, thread))
				return;
		}
	}
}

/* Empties all bins and gives all blocks back. */
static void
reset_bins(delta_state *s)
{
	for (int t = 0; t < s->ctx->threads; t++)
	{
		memset(s->bins[t].head, 0xff, sizeof(s->bins[t].head));
		memset(s->bins[t].filled, 0, sizeof(s->bins[t].filled));
		s->bins[t].free = NONE;
	}
	s->used = 0;
	s->overflow = false;
}

/* (Re)allocates the pool and files every node from the bin in hand on. */
static rk_status
make_pool(delta_state *s, int64_t nodes)
{
	do
	{
		rk_free(s->ctx, s->blocks);
		rk_free(s->ctx, s->list);
		s->capacity *= 2;
		if (s->capacity > INT64_C(4000000000))
			s->capacity = INT64_C(4000000000);
		s->blocks = rk_alloc(s->ctx, s->capacity, sizeof(block));
		s->list = rk_alloc(s->ctx, s->capacity, sizeof(uint32_t));
		if (!s->blocks || !s->list)
			return RK_ERR_MEMORY;
		reset_bins(s);
		for (int64_t v = 0; v < nodes; v++)
		{
			double		distance = from_bits(s->distance[v]);

			if (distance < INFINITY && bin_of(s, distance) >= s->current)
				file_node(s, &s->bins[0], (uint32_t) v, distance);
			if ((v & 0xfffff) == 0 && rk_ctx_poll(s->ctx))
				return RK_STOPPED;
		}
	} while (s->overflow);
	return RK_OK;
}

/* Lists the blocks of the bin in hand of all threads, which lose them. */
static int64_t
collect(delta_state *s)
{
	int64_t		bin = s->current - s->base;
	int64_t		count = 0;

	for (int t = 0; t < s->ctx->threads; t++)
	{
		for (uint32_t b = s->bins[t].head[bin]; b != NONE; b = s->blocks[b].next)
			s->list[count++] = b;
		s->bins[t].head[bin] = NONE;
		s->bins[t].filled[bin >> 6] &= ~(UINT64_C(1) << (bin & 63));
	}
	return count;
}

/* Number of the first bin of the ring that any thread has filled, or -1. */
static int64_t
next_bin(const delta_state *s)
{
	for (int w = (int) ((s->current - s->base) >> 6); w < BINS / 64; w++)
	{
		uint64_t	filled = 0;

		for (int t = 0; t < s->ctx->threads; t++)
			filled |= s->bins[t].filled[w];
		if (filled != 0)
			return s->base + w * 64 + __builtin_ctzll(filled);
	}
	return -1;
}

/*
 * Begins a new ring at the nearest node beyond the old one; false when there
 * is none.  Only one thread runs; what it files may overflow the pool.
 */
static bool
next_ring(delta_state *s)
{
	int64_t		least = INT64_MAX;
	int64_t		count = 0;

	for (int t = 0; t < s->ctx->threads; t++)
	{
		for (uint32_t b = s->bins[t].head[BEYOND]; b != NONE; b = s->blocks[b].next)
			s->list[count++] = b;
		s->bins[t].head[BEYOND] = NONE;
	}
	for (int64_t i = 0; i < count; i++)
	{
		block	   *b = &s->blocks[s->list[i]];
		uint32_t	kept = 0;

		for (uint32_t k = 0; k < b->count; k++)
		{
			int64_t		bin = bin_of(s, from_bits(s->distance[b->node[k]]));

			if (bin < s->base + BINS)
				continue;		/* became nearer and has had its turn */
			if (bin < least)
				least = bin;
			b->node[kept++] = b->node[k];
		}
		b->count = kept;
	}
	if (least == INT64_MAX)
		return false;
	s->base = least;
	s->current = least;
	for (int64_t i = 0; i < count; i++)
	{
		block	   *b = &s->blocks[s->list[i]];

		for (uint32_t k = 0; k < b->count; k++)
			file_node(s, &s->bins[0], b->node[k], from_bits(s->distance[b->node[k]]));
		b->next = s->bins[0].free;
		s->bins[0].free = s->list[i];
	}
	return true;
}

/* No node has a distance, and none was relaxed. */
static void
begin_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	delta_state *s = arg;
	uint64_t	infinite = to_bits(INFINITY);

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		atomic_store_explicit(&s->distance[v], infinite, memory_order_relaxed);
		atomic_store_explicit(&s->relaxed[v], infinite, memory_order_relaxed);
	}
}

rk_status
rk_graph_path_delta(rk_ctx *ctx, const rk_graph *g, uint32_t source, double max_distance,
					double delta, double *distance, uint64_t *scratch)
{
	delta_state s = {.ctx = ctx,.out = &g->out,.max_distance = max_distance};
	rk_status	status;

	s.distance = (_Atomic uint64_t *) distance;
	s.relaxed = (_Atomic uint64_t *) scratch;
	s.inverse = 1 / delta;
	if (!isfinite(s.inverse))
		s.inverse = 0;			/* one bin: all lengths are 0, or nearly so */
	s.bins = rk_alloc(ctx, ctx->threads, sizeof(bins));
	if (s.bins == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, g->nodes, 131072, begin_chunk, &s);
	if (status != RK_OK)
		return status;
	distance[source] = 0;
	s.capacity = g->nodes / BLOCK + 64 * ctx->threads;
	if ((status = make_pool(&s, g->nodes)) != RK_OK)
		return status;
	for (;;)
	{
		int64_t		count;

		s.current = next_bin(&s);
		if (s.current < 0)
		{
			s.current = s.base + BINS;
			if (!next_ring(&s))
				break;
		}
		while (!s.overflow && (count = collect(&s)) > 0)
		{
			status = rk_parallel_for(ctx, count, LIST_CHUNK, relax_chunk, &s);
			if (status != RK_OK)
				return status;
		}
		if (s.overflow && (status = make_pool(&s, g->nodes)) != RK_OK)
			return status;
	}
	rk_free(ctx, s.bins);
	rk_free(ctx, s.blocks);
	rk_free(ctx, s.list);
	return RK_OK;
}

/*
 * component_numbering.c
 *	  From the smallest node of every node's component to numbers by size.
 *
 * Sizes are counted with atomic additions, but for the largest component,
 * which all threads would fight for: it is guessed from a few nodes and counted
 * per chunk.
 */
#include "connected_components.h"

#include <stdlib.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define NODE_CHUNK 16384
#define GUESSES 512				/* nodes asked for their component */
#define GUESS_SLOTS 1024
#define POLL_MASK ((1 << 18) - 1)	/* components between looks at the stop flag */
#define SMALL_SIZE 65536		/* sizes below are sorted by counting */

uint32_t
rk_graph_guess_largest(const uint32_t *label, int64_t n)
{
	uint32_t	seen[GUESS_SLOTS];
	uint32_t	count[GUESS_SLOTS];
	uint32_t	best = 0;

	memset(count, 0, sizeof(count));
	for (int64_t i = 0; i < GUESSES; i++)
	{
		uint32_t	root = label[rk_hash2(0, i) % n];
		uint32_t	slot = rk_hash1(root) % GUESS_SLOTS;

		while (count[slot] > 0 && seen[slot] != root)
			slot = (slot + 1) % GUESS_SLOTS;
		seen[slot] = root;
		count[slot]++;
	}
	for (uint32_t slot = 1; slot < GUESS_SLOTS; slot++)
	{
		if (count[slot] > count[best] ||
			(count[slot] == count[best] && count[slot] > 0 && seen[slot] < seen[best]))
			best = slot;
	}
	return seen[best];
}

typedef struct number_state
{
	uint32_t   *label;			/* root of every node, then its component */
	_Atomic uint32_t *size;		/* by root; then the number, by root */
	uint32_t	largest;		/* root counted without sharing */
	_Atomic uint32_t largest_size;
	int64_t    *position;		/* per chunk: roots in it, then before it */
	uint32_t   *roots;			/* rising */
} number_state;

static void
count_sizes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	number_state *s = arg;
	uint32_t	largest_size = 0;
	int64_t		roots = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	root = s->label[v];

		roots += root == v;
		if (root == s->largest)
			largest_size++;
		else
			atomic_fetch_add_explicit(&s->size[root], 1, memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&s->largest_size, largest_size, memory_order_relaxed);
	s->position[chunk] = roots;
}

static void
list_roots(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	number_state *s = arg;
	int64_t		at = s->position[chunk];
	int64_t		stop = s->position[chunk + 1];

	(void) end;
	(void) thread;
	/* without branches: half of the nodes may be components of their own */
	for (int64_t v = begin; at < stop; v++)
	{
		s->roots[at] = (uint32_t) v;
		at += s->label[v] == v;
	}
}

static void
relabel_nodes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	number_state *s = arg;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
		s->label[v] = atomic_load_explicit(&s->size[s->label[v]], memory_order_relaxed);
}

/* Keys are complement of size << 32 | root. */
static int
compare_keys(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/*
 * Fills in result->root and size by falling size, then rising root, and
 * replaces s->size by the number.  Sizes below SMALL_SIZE are placed by
 * counting; of the others there are at most n / SMALL_SIZE.
 */
static rk_status
order_components(rk_ctx *ctx, number_state *s, rk_components *result)
{
	uint32_t   *number = (uint32_t *) s->size;	/* one thread: a plain array */
	int64_t    *place = rk_alloc0(ctx, SMALL_SIZE + 1, sizeof(int64_t));
	uint64_t   *keys;
	int64_t		large = 0;
	int64_t		sum = 0;

	if (place == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < result->count; i++)
	{
		uint32_t	size = number[s->roots[i]];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		place[size < SMALL_SIZE ? size : SMALL_SIZE]++;
	}
	keys = rk_alloc(ctx, place[SMALL_SIZE], sizeof(uint64_t));
	if (keys == NULL)
		return RK_ERR_MEMORY;
	for (int64_t size = SMALL_SIZE; size >= 0; size--)
	{
		int64_t		count = place[size];

		place[size] = sum;
		sum += count;
	}
	for (int64_t i = 0; i < result->count; i++)
	{
		uint32_t	root = s->roots[i];
		uint32_t	size = number[root];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (size >= SMALL_SIZE)
		{
			keys[large++] = (uint64_t) ~size << 32 | root;
			continue;
		}
		result->root[place[size]] = root;
		result->size[place[size]] = size;
		number[root] = (uint32_t) place[size]++;
	}
	qsort(keys, large, sizeof(uint64_t), compare_keys);
	for (int64_t i = 0; i < large; i++)
	{
		result->root[i] = (uint32_t) keys[i];
		result->size[i] = ~(uint32_t) (keys[i] >> 32);
		number[result->root[i]] = (uint32_t) i;
	}
	rk_free(ctx, keys);
	rk_free(ctx, place);
	return RK_OK;
}

rk_status
rk_graph_number_components(rk_ctx *ctx, int64_t n, uint32_t *label, rk_components *result)
{
	number_state s = {.label = label};
	int64_t		chunks = rk_chunks(n, NODE_CHUNK);
	rk_status	status;

	rk_phase(ctx, "numbering", n);
	s.size = rk_alloc0(ctx, n, sizeof(uint32_t));
	s.position = rk_alloc(ctx, chunks + 1, sizeof(int64_t));
	if (!s.size || !s.position)
		return RK_ERR_MEMORY;
	s.largest = rk_graph_guess_largest(label, n);
	status = rk_parallel_for(ctx, n, NODE_CHUNK, count_sizes, &s);
	if (status != RK_OK)
		return status;
	s.size[s.largest] = s.largest_size;
	result->count = 0;
	for (int64_t c = 0; c < chunks; c++)
	{
		int64_t		roots = s.position[c];

		s.position[c] = result->count;
		result->count += roots;
	}
	s.position[chunks] = result->count;
	s.roots = rk_alloc(ctx, result->count, sizeof(uint32_t));
	result->root = rk_alloc(ctx, result->count, sizeof(uint32_t));
	result->size = rk_alloc(ctx, result->count, sizeof(uint32_t));
	if (!s.roots || !result->root || !result->size)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(ctx, n, NODE_CHUNK, list_roots, &s)) != RK_OK ||
		(status = order_components(ctx, &s, result)) != RK_OK ||
		(status = rk_parallel_for(ctx, n, NODE_CHUNK, relabel_nodes, &s)) != RK_OK)
		return status;
	rk_free(ctx, s.roots);
	rk_free(ctx, s.position);
	rk_free(ctx, s.size);
	return RK_OK;
}

int64_t
rk_graph_number_components_memory(int64_t nodes)
{
	return 16 * nodes + 8 * rk_chunks(nodes, NODE_CHUNK) + 8 * (nodes / SMALL_SIZE) +
		8 * (SMALL_SIZE + 1);
}

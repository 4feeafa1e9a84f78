/*
 * shortest_path_queue.h
 *	  The priority queue of the searches of one thread.
 *
 * A node is in the queue at most once, so that n entries are enough: either in
 * a heap (4-ary, which fits a cache line) or in a bucket, a list of nodes
 * whose distances are alike.  The heap holds one bucket's worth of distances;
 * only when it is empty does the next bucket move into it.  Most nodes become
 * nearer while they wait, and a move between buckets costs nothing but links.
 * A ring of buckets covers distances up to a limit, one more list what lies
 * beyond.
 *
 * Nodes leave in the order of (distance, hops, node).
 */
#ifndef RK_GRAPH_SHORTEST_PATH_QUEUE_H
#define RK_GRAPH_SHORTEST_PATH_QUEUE_H

#include <string.h>

#include "shortest_path_internal.h"

#define RK_PATH_BUCKETS 4096
#define RK_PATH_BEYOND RK_PATH_BUCKETS	/* the list after the ring */

/* distance (as ordered bits) << 64 | hops << 32 | node */
typedef unsigned __int128 rk_path_entry;

typedef struct rk_path_queue
{
	rk_path_entry *heap;		/* n */
	uint32_t   *next;			/* n: the node behind it in its bucket */
	uint32_t   *place;			/* n: the node before it, or its place in the
								 * heap */
	const double *distance;		/* of nodes in buckets */
	const uint64_t *label;		/* likewise; NULL: hops do not matter */
	int64_t		heap_count;
	int64_t		linked;			/* nodes in the ring */
	int64_t		current;		/* number of the bucket that is in the heap */
	int64_t		limit;			/* the ring ends before this number */
	double		inverse;		/* buckets per unit of distance; 0: heap only */
	uint32_t	head[RK_PATH_BUCKETS + 1];
	uint64_t	occupied[RK_PATH_BUCKETS / 64];
} rk_path_queue;

/* The bits of a float8 in an order that agrees with its value. */
static inline uint64_t
rk_path_ordered_bits(double d)
{
	uint64_t	bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits ^ ((uint64_t) ((int64_t) bits >> 63) | UINT64_C(1) << 63);
}

static inline rk_path_entry
rk_path_make_entry(double distance, uint32_t hops, uint32_t node)
{
	return (rk_path_entry) rk_path_ordered_bits(distance) << 64 | (uint64_t) hops << 32 | node;
}

/* The arrays (n each) are q's; label may be NULL. */
static inline void
rk_path_queue_init(rk_path_queue *q, const double *distance, const uint64_t *label,
				   double inverse)
{
	q->distance = distance;
	q->label = label;
	q->inverse = inverse;
	q->heap_count = 0;
	q->linked = 0;
	q->current = 0;
	q->limit = RK_PATH_BUCKETS;
	memset(q->head, 0xff, sizeof(q->head));
	memset(q->occupied, 0, sizeof(q->occupied));
}

/* Whether nothing is left; true only if the heap is empty as well. */
static inline bool
rk_path_queue_empty(const rk_path_queue *q)
{
	return q->heap_count == 0 && q->linked == 0 && q->head[RK_PATH_BEYOND] == RK_NO_NODE;
}

/* Forgets what is left in the queue, to begin another search. */
static inline void
rk_path_queue_clear(rk_path_queue *q)
{
	if (q->linked > 0)
	{
		for (int w = 0; w < RK_PATH_BUCKETS / 64; w++)
		{
			for (uint64_t m = q->occupied[w]; m != 0; m &= m - 1)
				q->head[w * 64 + __builtin_ctzll(m)] = RK_NO_NODE;
			q->occupied[w] = 0;
		}
	}
	q->head[RK_PATH_BEYOND] = RK_NO_NODE;
	q->heap_count = 0;
	q->linked = 0;
	q->current = 0;
	q->limit = RK_PATH_BUCKETS;
}

/* Number of the bucket of a distance: never falls as the distance rises. */
static inline int64_t
rk_path_bucket(const rk_path_queue *q, double distance)
{
	double		b = distance * q->inverse;

	return b < 0x1p62 ? (int64_t) b : INT64_C(1) << 62;
}

/* Places e at i or nearer to the top. */
static inline void
rk_path_heap_up(rk_path_queue *q, int64_t i, rk_path_entry e)
{
	while (i > 0)
	{
		int64_t		parent = (i - 1) >> 2;

		if (q->heap[parent] <= e)
			break;
		q->heap[i] = q->heap[parent];
		q->place[(uint32_t) q->heap[i]] = (uint32_t) i;
		i = parent;
	}
	q->heap[i] = e;
	q->place[(uint32_t) e] = (uint32_t) i;
}

/* Places e at i or farther from the top. */
static inline void
rk_path_heap_down(rk_path_queue *q, int64_t i, rk_path_entry e)
{
	for (;;)
	{
		int64_t		child = 4 * i + 1;
		int64_t		least;

		if (child + 3 < q->heap_count)
		{
			int64_t		a = q->heap[child] < q->heap[child + 1] ? child : child + 1;
			int64_t		b = q->heap[child + 2] < q->heap[child + 3] ? child + 2 : child + 3;

			least = q->heap[a] < q->heap[b] ? a : b;
		}
		else
		{
			if (child >= q->heap_count)
				break;
			least = child;
			for (int64_t k = child + 1; k < q->heap_count; k++)
				if (q->heap[k] < q->heap[least])
					least = k;
		}
		if (q->heap[least] >= e)
			break;
		q->heap[i] = q->heap[least];
		q->place[(uint32_t) q->heap[i]] = (uint32_t) i;
		i = least;
	}
	q->heap[i] = e;
	q->place[(uint32_t) e] = (uint32_t) i;
}

/* Takes the nearest node out of the heap, which is not empty. */
static inline uint32_t
rk_path_heap_pop(rk_path_queue *q)
{
	uint32_t	node = (uint32_t) q->heap[0];
	rk_path_entry last = q->heap[--q->heap_count];

	if (q->heap_count > 0)
		rk_path_heap_down(q, 0, last);
	return node;
}

static inline void
rk_path_bucket_link(rk_path_queue *q, int64_t bucket, uint32_t v)
{
	int			list = RK_PATH_BEYOND;
	uint32_t	first;

	if (bucket < q->limit)
	{
		list = bucket & (RK_PATH_BUCKETS - 1);
		q->occupied[list >> 6] |= UINT64_C(1) << (list & 63);
		q->linked++;
	}
	first = q->head[list];
	q->next[v] = first;
	q->place[v] = RK_NO_NODE;
	if (first != RK_NO_NODE)
		q->place[first] = v;
	q->head[list] = v;
}

static inline void
rk_path_bucket_unlink(rk_path_queue *q, int64_t bucket, uint32_t v)
{
	int			list = RK_PATH_BEYOND;
	uint32_t	before = q->place[v];
	uint32_t	behind = q->next[v];

	if (bucket < q->limit)
	{
		list = bucket & (RK_PATH_BUCKETS - 1);
		q->linked--;
	}
	if (behind != RK_NO_NODE)
		q->place[behind] = before;
	if (before != RK_NO_NODE)
		q->next[before] = behind;
	else
	{
		q->head[list] = behind;
		if (behind == RK_NO_NODE && list != RK_PATH_BEYOND)
			q->occupied[list >> 6] &= ~(UINT64_C(1) << (list & 63));
	}
}

/*
 * Puts v in the queue at distance, or moves it there from old, which is
 * infinite when v is not in the queue.  distance <= old, and distance >= that
 * of the node taken last.
 */
static inline void
rk_path_queue_put(rk_path_queue *q, uint32_t v, double old, double distance, uint32_t hops)
{
	int64_t		bucket = rk_path_bucket(q, distance);

	if (old < INFINITY)
	{
		int64_t		from = rk_path_bucket(q, old);

		if (from <= q->current)
		{
			rk_path_heap_up(q, q->place[v], rk_path_make_entry(distance, hops, v));
			return;
		}
		if (from == bucket || (from >= q->limit && bucket >= q->limit))
			return;
		rk_path_bucket_unlink(q, from, v);
	}
	if (bucket <= q->current)
		rk_path_heap_up(q, q->heap_count++, rk_path_make_entry(distance, hops, v));
	else
		rk_path_bucket_link(q, bucket, v);
}

/* Begins a new ring at the nearest node of the list beyond. */
static inline void
rk_path_queue_rewind(rk_path_queue *q)
{
	uint32_t	list = q->head[RK_PATH_BEYOND];
	int64_t		least = INT64_MAX;

	for (uint32_t v = list; v != RK_NO_NODE; v = q->next[v])
	{
		int64_t		bucket = rk_path_bucket(q, q->distance[v]);

		if (bucket < least)
			least = bucket;
	}
	q->head[RK_PATH_BEYOND] = RK_NO_NODE;
	q->current = least - 1;
	q->limit = least + RK_PATH_BUCKETS;
	while (list != RK_NO_NODE)
	{
		uint32_t	behind = q->next[list];

		rk_path_bucket_link(q, rk_path_bucket(q, q->distance[list]), list);
		list = behind;
	}
}

/* Fills the heap, which is empty; false when nothing is left. */
static inline bool
rk_path_queue_refill(rk_path_queue *q)
{
	int			list;
	int			word;
	uint64_t	bits;

	if (q->linked == 0)
	{
		if (q->head[RK_PATH_BEYOND] == RK_NO_NODE)
			return false;
		rk_path_queue_rewind(q);
	}
	list = (q->current + 1) & (RK_PATH_BUCKETS - 1);
	word = list >> 6;
	bits = q->occupied[word] & UINT64_MAX << (list & 63);
	while (bits == 0)
	{
		word = (word + 1) & (RK_PATH_BUCKETS / 64 - 1);
		bits = q->occupied[word];
	}
	list = word * 64 + __builtin_ctzll(bits);
	q->current += 1 + ((list - (q->current + 1)) & (RK_PATH_BUCKETS - 1));
	q->occupied[word] &= ~(UINT64_C(1) << (list & 63));
	for (uint32_t v = q->head[list]; v != RK_NO_NODE; v = q->next[v])
	{
		q->heap[q->heap_count] = rk_path_make_entry(q->distance[v],
													q->label ? rk_path_hops(q->label[v]) : 0, v);
		q->place[v] = (uint32_t) q->heap_count++;
	}
	q->head[list] = RK_NO_NODE;
	q->linked -= q->heap_count;
	for (int64_t i = (q->heap_count - 2) / 4; i >= 0 && q->heap_count > 1; i--)
		rk_path_heap_down(q, i, q->heap[i]);
	return true;
}

/* True when the heap has a node, if need be from the next bucket. */
static inline bool
rk_path_queue_ready(rk_path_queue *q)
{
	return q->heap_count > 0 || rk_path_queue_refill(q);
}

#endif							/* RK_GRAPH_SHORTEST_PATH_QUEUE_H */

/*
 * queue.c
 *	  What of the queue is not on the path of every message.
 */
#include "queue.h"

#include <string.h>

/* Capacity of a lane: the normal one's, a quarter of it for the others. */
static uint32_t
lane_capacity(uint32_t capacity, int lane)
{
	if (lane == RK_LANE_NORMAL)
		return capacity;
	if (lane == RK_LANE_CONTROL)
		return 16;
	return capacity / 4 < 16 ? 16 : capacity / 4;
}

size_t
rk_queue_size(uint32_t capacity)
{
	size_t		size = (sizeof(rk_queue) + 127) / 128 * 128;

	for (int i = 0; i < RK_LANES; i++)
		size += lane_capacity(capacity, i) * sizeof(rk_slot);
	return size;
}

rk_queue *
rk_queue_init(void *memory, uint32_t capacity)
{
	rk_queue   *queue = memory;
	uint64_t	first = (sizeof(rk_queue) + 127) / 128 * 128;

	memset(queue, 0, sizeof(*queue));
	for (int i = 0; i < RK_LANES; i++)
	{
		rk_lane    *lane = &queue->lanes[i];

		lane->capacity = lane_capacity(capacity, i);
		lane->first = first;
		first += lane->capacity * sizeof(rk_slot);
		for (uint64_t p = 0; p < lane->capacity; p++)
			atomic_init(&rk_lane_slot(queue, lane, p)->seq, 0);
	}
	return queue;
}

rk_slot *
rk_queue_peek_any(rk_queue *queue, rk_lane_name *name)
{
	rk_slot    *slot[RK_WORK_LANES];
	int			pick = -1;

	for (int i = 0; i < RK_WORK_LANES; i++)
		slot[i] = rk_lane_peek(queue, i, 0);
	if (slot[RK_LANE_LOW] && queue->run >= 256)
		pick = RK_LANE_LOW;
	else if (slot[RK_LANE_NORMAL] && queue->urgent_run >= 64)
		pick = RK_LANE_NORMAL;
	else
		for (int i = RK_WORK_LANES - 1; i >= 0; i--)
			if (slot[i])
				pick = i;
	if (pick < 0)
		return NULL;
	if (pick == RK_LANE_LOW || !slot[RK_LANE_LOW])
		queue->run = 0;
	else
		queue->run++;
	if (pick == RK_LANE_URGENT)
		queue->urgent_run++;
	else
		queue->urgent_run = 0;
	*name = pick;
	return slot[pick];
}

uint64_t
rk_lane_depth(const rk_queue *queue, rk_lane_name name)
{
	const rk_lane *lane = &queue->lanes[name];
	uint64_t	head = atomic_load_explicit(&lane->head, memory_order_acquire);
	uint64_t	tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	return tail > head ? tail - head : 0;
}

uint64_t
rk_queue_depth(const rk_queue *queue)
{
	uint64_t	depth = 0;

	for (int i = 0; i < RK_WORK_LANES; i++)
		depth += rk_lane_depth(queue, i);
	return depth;
}

/* ---- slab ---- */

static const uint32_t block_sizes[RK_SLAB_CLASSES] = {1024, 4096, 16384, 65536};

/* The class is in the upper bits of a block number. */
#define CLASS_SHIFT 29
#define INDEX_MASK ((1u << CLASS_SHIFT) - 1)
#define END INDEX_MASK			/* of a free list */

static _Atomic uint32_t *
links_of(rk_slab *slab, rk_slab_class *class)
{
	return (_Atomic uint32_t *) ((char *) slab + class->links);
}

rk_slab *
rk_slab_init(void *memory, size_t size)
{
	rk_slab    *slab = memory;
	size_t		used = (sizeof(rk_slab) + 127) / 128 * 128;
	size_t		share;

	memset(slab, 0, sizeof(*slab));
	share = size > used ? (size - used) / RK_SLAB_CLASSES : 0;
	for (int c = 0; c < RK_SLAB_CLASSES; c++)
	{
		rk_slab_class *class = &slab->classes[c];
		size_t		n = share / (block_sizes[c] + sizeof(uint32_t));
		_Atomic uint32_t *links;

		/* the links are rounded up to a line, hence one block less */
		class->blocks = n > 0 ? n - 1 : 0;
		class->block_size = block_sizes[c];
		class->first = used;
		used += (size_t) class->blocks * block_sizes[c];
		class->links = used;
		used += ((size_t) class->blocks * sizeof(uint32_t) + 127) / 128 * 128;
		links = links_of(slab, class);
		for (uint32_t i = 0; i < class->blocks; i++)
			atomic_init(&links[i], i + 1 < class->blocks ? i + 1 : END);
		atomic_init(&class->free, class->blocks > 0 ? 0 : END);
	}
	return slab;
}

uint32_t
rk_slab_take(rk_slab *slab, uint32_t size)
{
	for (int c = 0; c < RK_SLAB_CLASSES; c++)
	{
		rk_slab_class *class = &slab->classes[c];
		uint64_t	head;

		if (size > class->block_size)
			continue;
		head = atomic_load_explicit(&class->free, memory_order_acquire);
		while ((uint32_t) head != END)
		{
			/* may be nonsense if another one takes the block: then the swap fails */
			uint32_t	next = atomic_load_explicit(&links_of(slab, class)[(uint32_t) head],
													memory_order_relaxed);
			uint64_t	new_head = ((head >> 32) + 1) << 32 | next;

			if (atomic_compare_exchange_weak_explicit(&class->free, &head, new_head, memory_order_acq_rel,
													  memory_order_acquire))
			{
				atomic_fetch_add_explicit(&class->used, 1, memory_order_relaxed);
				return (uint32_t) c << CLASS_SHIFT | (uint32_t) head;
			}
		}
	}
	return RK_SLAB_NONE;
}

void
rk_slab_give(rk_slab *slab, uint32_t block)
{
	rk_slab_class *class = &slab->classes[block >> CLASS_SHIFT];
	uint32_t	index = block & INDEX_MASK;
	uint64_t	head;

	if (rk_slab_block_size(slab, block) == 0)
		return;
	head = atomic_load_explicit(&class->free, memory_order_relaxed);
	atomic_fetch_sub_explicit(&class->used, 1, memory_order_relaxed);
	do
		atomic_store_explicit(&links_of(slab, class)[index], (uint32_t) head, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&class->free, &head, ((head >> 32) + 1) << 32 | index,
												  memory_order_acq_rel, memory_order_relaxed));
}

void *
rk_slab_data(rk_slab *slab, uint32_t block)
{
	rk_slab_class *class = &slab->classes[block >> CLASS_SHIFT];

	return (char *) slab + class->first + (size_t) (block & INDEX_MASK) * class->block_size;
}

uint32_t
rk_slab_block_size(const rk_slab *slab, uint32_t block)
{
	const rk_slab_class *class = &slab->classes[block >> CLASS_SHIFT];

	return block >> CLASS_SHIFT < RK_SLAB_CLASSES && (block & INDEX_MASK) < class->blocks ? class->block_size : 0;
}

uint64_t
rk_slab_used(const rk_slab *slab)
{
	uint64_t	used = 0;

	for (int c = 0; c < RK_SLAB_CLASSES; c++)
		used += (uint64_t) atomic_load_explicit(&slab->classes[c].used, memory_order_relaxed) *
			slab->classes[c].block_size;
	return used;
}

/*
 * pieces.cuh
 *	  Queues of nodes whose rows are to be gone through.
 *
 * A queue holds pieces of rows, at most PIECE entries each, and a warp takes
 * one, so that a row of a million entries is work for thousands of warps.  Its
 * order differs from run to run.
 */
#ifndef RK_PIECES_CUH
#define RK_PIECES_CUH

#include "device.cuh"

#define PIECE 256

struct row_piece
{
	uint32_t	node;
	uint32_t	number;			/* of the piece in the row */
};

/* Pieces that all rows have at most. */
static inline int64_t
most_pieces(int64_t nodes, int64_t arcs)
{
	return nodes + arcs / PIECE;
}

/* Puts the pieces of a node's row into a queue. */
__device__ static inline void
enqueue(const int64_t *offsets, uint32_t v, row_piece *queue, unsigned long long *count)
{
	int64_t		pieces = (offsets[v + 1] - offsets[v] + PIECE - 1) / PIECE;
	unsigned long long place;

	if (pieces == 0)
		return;
	place = atomicAdd(count, (unsigned long long) pieces);
	for (int64_t i = 0; i < pieces; i++)
	{
		queue[place + i].node = v;
		queue[place + i].number = (uint32_t) i;
	}
}

/*
 * Places in a queue for what the lanes of a warp put there, size each; all of
 * them call it.  The counter, which all of the device adds to, sees one sum.
 */
__device__ static inline unsigned long long
places_for(uint32_t size, unsigned long long *count)
{
	int			lane = threadIdx.x % 32;
	uint32_t	up_to = size;
	unsigned long long place = 0;

	for (int distance = 1; distance < 32; distance *= 2)
	{
		uint32_t	other = __shfl_up_sync(FULL_WARP, up_to, distance);

		if (lane >= distance)
			up_to += other;
	}
	if (lane == 31 && up_to > 0)
		place = atomicAdd(count, (unsigned long long) up_to);
	return __shfl_sync(FULL_WARP, place, 31) + (up_to - size);
}

/* The same for one thing each, from the lanes that have it. */
__device__ static inline unsigned long long
place_for(bool there, unsigned long long *count)
{
	int			lane = threadIdx.x % 32;
	unsigned	mask = __ballot_sync(FULL_WARP, there);
	unsigned long long place = 0;

	if (lane == 0 && mask != 0)
		place = atomicAdd(count, (unsigned long long) __popc(mask));
	return __shfl_sync(FULL_WARP, place, 0) + __popc(mask & ((1u << lane) - 1));
}

/*
 * Puts the pieces of rows into a queue by whole warps: a lane brings a node, an
 * integer, with a row of so many entries, or 0.  put(place, node, number) stores
 * one.
 */
template <typename N, typename P> __device__ static inline void
enqueue_rows(N node, int64_t entries, unsigned long long *count, P put)
{
	uint32_t	pieces = (uint32_t) ((entries + PIECE - 1) / PIECE);
	int			lane = threadIdx.x % 32;
	unsigned long long place;
	unsigned	with_more;

	if (!__any_sync(FULL_WARP, pieces > 0))
		return;
	place = places_for(pieces, count);
	if (pieces > 0)
		put(place, node, 0);
	/* the rest of longer rows is written by all */
	with_more = __ballot_sync(FULL_WARP, pieces > 1);
	while (with_more != 0)
	{
		int			owner = __ffs((int) with_more) - 1;
		uint32_t	number = __shfl_sync(FULL_WARP, pieces, owner);
		N			theirs = __shfl_sync(FULL_WARP, node, owner);
		unsigned long long from = __shfl_sync(FULL_WARP, place, owner);

		for (uint32_t i = 1 + lane; i < number; i += 32)
			put(from + i, theirs, i);
		with_more &= with_more - 1;
	}
}

/* That for nodes: a lane brings v if there is one. */
__device__ static inline void
enqueue_nodes(const int64_t *offsets, bool there, uint32_t v, row_piece *queue, unsigned long long *count)
{
	enqueue_rows(v, there ? offsets[v + 1] - offsets[v] : 0, count,
				 [&] (unsigned long long place, uint32_t node, uint32_t number) { queue[place] = {node, number}; });
}

/* The entries of a piece: from the one to before the other. */
__device__ static inline void
piece_entries(const int64_t *offsets, row_piece piece, int64_t *from, int64_t *to)
{
	*from = offsets[piece.node] + (int64_t) piece.number * PIECE;
	*to = min(*from + PIECE, offsets[piece.node + 1]);
}

#endif							/* RK_PIECES_CUH */

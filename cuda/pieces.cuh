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

/* The entries of a piece: from the one to before the other. */
__device__ static inline void
piece_entries(const int64_t *offsets, row_piece piece, int64_t *from, int64_t *to)
{
	*from = offsets[piece.node] + (int64_t) piece.number * PIECE;
	*to = min(*from + PIECE, offsets[piece.node + 1]);
}

#endif							/* RK_PIECES_CUH */

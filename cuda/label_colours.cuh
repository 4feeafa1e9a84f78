/*
 * label_colours.cuh
 *	  Classes of nodes without edges between them.
 *
 * A node takes the smallest colour that none of the neighbours before it in the
 * order of hashes has.  That needs no order but this: a node is ready when all
 * neighbours before it have a colour (Jones and Plassmann 1993).  Those that are
 * ready take one; then pieces of their rows tell the neighbours behind them.  A
 * node with a long row does not look for colours but is told, in a bitmap of its
 * own.
 */
#ifndef RK_LABEL_COLOURS_CUH
#define RK_LABEL_COLOURS_CUH

#include "../src/compute/random.h"
#include "label_choice.cuh"
#include "pieces.cuh"

#define COLOUR_THREADS 128
#define COLOURS 1024			/* looked at in one pass over a row */
#define NO_COLOUR UINT32_MAX
#define TOLD_FLAG (UINT32_C(1) << 31)	/* in place of a colour that is to come: the number of a bitmap */
#ifdef RK_CUDA_ON_HOST
/* less, so that small graphs have such rows */
#define TOLD_ROW 40
#else
#define TOLD_ROW 2048			/* nodes with longer ones are told which colours are taken */
#endif

struct colour_state
{
	unsigned long long queued;
	unsigned long long begin;	/* of this level */
	unsigned long long end;
	unsigned long long pieces;	/* of its rows */
	unsigned long long told;	/* nodes with long rows */
	uint32_t	classes;
	uint32_t	unused;
};

struct colour_graph
{
	label_rows	rows;
	int64_t		nodes;
	uint32_t   *pending;		/* neighbours before that have no colour yet */
	uint32_t   *colour;			/* TOLD_FLAG and above: none yet; NO_COLOUR: and not told either */
	uint32_t   *taken;			/* bitmaps of words each of those who are told */
	int64_t		words;
	uint32_t   *queue;			/* nodes that are ready, level by level */
	row_piece  *pieces;
	colour_state *state;
};

/* Whether u chooses before v. */
__device__ static inline bool
chooses_before(uint64_t start, uint32_t u, uint32_t v)
{
	uint64_t	a = rk_hash_fold(start, u);
	uint64_t	b = rk_hash_fold(start, v);

	return a > b || (a == b && u < v);
}

/* Queues all rows, and numbers those who are told. */
__global__ static void __launch_bounds__(NODE_THREADS)
start_colours(colour_graph g)
{
	int64_t		v = global_thread();
	int64_t		entries = v < g.nodes ? g.rows.offsets[v + 1] - g.rows.offsets[v] : 0;
	unsigned long long number = place_for(entries > TOLD_ROW, &g.state->told);

	if (v < g.nodes)
		g.colour[v] = entries > TOLD_ROW ? TOLD_FLAG | (uint32_t) number : NO_COLOUR;
	enqueue_nodes(g.rows.offsets, v < g.nodes, (uint32_t) v, g.pieces, &g.state->pieces);
}

/* How many neighbours choose before a node; a warp for each piece of a row. */
__global__ static void __launch_bounds__(NODE_THREADS)
count_before(colour_graph g, uint64_t start)
{
	unsigned long long pieces = g.state->pieces;

	for (unsigned long long at = global_thread() / 32; at < pieces; at += (unsigned long long) gridDim.x * NODE_THREADS / 32)
	{
		uint32_t	v = g.pieces[at].node;
		uint32_t	count = 0;
		int64_t		from;
		int64_t		to;

		piece_entries(g.rows.offsets, g.pieces[at], &from, &to);
		for (int64_t e = from + threadIdx.x % 32; e < to; e += 32)
			count += g.rows.neighbors[e] != v && chooses_before(start, g.rows.neighbors[e], v);
		count = warp_sum(count);
		if (threadIdx.x % 32 == 0 && count > 0)
			atomicAdd(&g.pending[v], count);
	}
}

__global__ static void __launch_bounds__(NODE_THREADS)
queue_first(colour_graph g)
{
	int64_t		v = global_thread();
	bool		ready = v < g.nodes && g.pending[v] == 0;
	unsigned long long place = place_for(ready, &g.state->queued);

	if (ready)
		g.queue[place] = (uint32_t) v;
}

__global__ static void
next_colour_level(colour_state *state)
{
	state->begin = state->end;
	state->end = state->queued;
	state->pieces = 0;
}

/* The smallest bit that is not set in the words of a warp's lanes; NO_COLOUR: all are. */
__device__ static inline uint32_t
first_free(uint32_t word)
{
	unsigned	with_room = __ballot_sync(FULL_WARP, word != UINT32_MAX);
	int			lane = with_room ? __ffs((int) with_room) - 1 : 0;
	uint32_t	theirs = __shfl_sync(FULL_WARP, word, lane);

	return with_room ? 32 * lane + __ffs((int) ~theirs) - 1 : NO_COLOUR;
}

/* Colours the nodes of a level and queues their rows; a warp for each. */
__global__ static void __launch_bounds__(COLOUR_THREADS)
colour_level(colour_graph g)
{
	__shared__ uint32_t taken[COLOUR_THREADS / 32][COLOURS / 32];
	int			lane = threadIdx.x % 32;
	int			warp = threadIdx.x / 32;
	colour_state *state = g.state;
	unsigned long long end = state->end;

	for (unsigned long long at = state->begin + global_thread() / 32; at < end;
		 at += (unsigned long long) gridDim.x * (COLOUR_THREADS / 32))
	{
		uint32_t	v = g.queue[at];
		uint32_t	number = g.colour[v];
		uint32_t	mine = NO_COLOUR;

		/* all lanes have read it before one writes */
		__syncwarp();
		if (number != NO_COLOUR)
		{
			const uint32_t *told = g.taken + (number - TOLD_FLAG) * g.words;

			for (int64_t w = 0; mine == NO_COLOUR; w += 32)
			{
				mine = first_free(w + lane < g.words ? told[w + lane] : 0);
				if (mine != NO_COLOUR)
					mine += (uint32_t) w * 32;
			}
		}
		else
			for (uint32_t window = 0; mine == NO_COLOUR; window += COLOURS)
			{
				taken[warp][lane] = 0;
				__syncwarp();
				for (int64_t e = g.rows.offsets[v] + lane; e < g.rows.offsets[v + 1]; e += 32)
				{
					uint32_t	u = g.rows.neighbors[e];
					uint32_t	c = u == v ? NO_COLOUR : *(volatile uint32_t *) &g.colour[u];

					/* those who choose later have none, and no smaller number */
					if (c < TOLD_FLAG && c - window < COLOURS)
						atomicOr(&taken[warp][(c - window) / 32], 1u << (c - window) % 32);
				}
				__syncwarp();
				mine = first_free(taken[warp][lane]);
				if (mine != NO_COLOUR)
					mine += window;
				__syncwarp();
			}
		if (lane == 0)
		{
			*(volatile uint32_t *) &g.colour[v] = mine;
			if (mine >= *(volatile uint32_t *) &state->classes)
				atomicMax(&state->classes, mine + 1);
		}
		enqueue_nodes(g.rows.offsets, lane == 0, v, g.pieces, &state->pieces);
	}
}

/* Tells the neighbours that choose later; a warp for each piece of a row. */
__global__ static void __launch_bounds__(NODE_THREADS)
tell_neighbors(colour_graph g)
{
	unsigned long long pieces = g.state->pieces;

	for (unsigned long long at = global_thread() / 32; at < pieces; at += (unsigned long long) gridDim.x * NODE_THREADS / 32)
	{
		uint32_t	v = g.pieces[at].node;
		uint32_t	mine = g.colour[v];
		int64_t		from;
		int64_t		to;

		piece_entries(g.rows.offsets, g.pieces[at], &from, &to);
		for (; from < to; from += 32)
		{
			int64_t		e = from + threadIdx.x % 32;
			uint32_t	u = e < to ? g.rows.neighbors[e] : v;
			uint32_t	number = u == v ? 0 : g.colour[u];
			bool		ready = false;
			unsigned long long place;

			if (number >= TOLD_FLAG)
			{
				if (number != NO_COLOUR)
					atomicOr(&g.taken[(number - TOLD_FLAG) * g.words + mine / 32], 1u << mine % 32);
				ready = atomicAdd(&g.pending[u], UINT32_MAX) == 1;
			}
			if (!__any_sync(FULL_WARP, ready))
				continue;
			place = place_for(ready, &g.state->queued);
			if (ready)
				g.queue[place] = u;
		}
	}
}

#endif							/* RK_LABEL_COLOURS_CUH */

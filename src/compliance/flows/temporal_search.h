/*
 * temporal_search.h
 *	  The search for temporal cycles inside a slab of payments.
 */
#ifndef RK_TEMPORAL_SEARCH_H
#define RK_TEMPORAL_SEARCH_H

#include "flows.h"

/* ranks of times are between the two */
#define NEVER UINT32_MAX		/* does not arrive */
#define NOT_BACK 0				/* does not come back */
#define LOOK_AHEAD 8			/* hops and entities, to have them in time */

/* A payment as its payer sees it, or its payee. */
typedef struct hop
{
	uint32_t	time;			/* its rank, from 1; the same for one moment */
	uint32_t	node;			/* the other one */
} hop;

/* What is known of an entity with respect to s. */
typedef struct label
{
	uint32_t	arrive;
	uint32_t	depart;
	uint8_t		hops_from;		/* payments from s to it, at least */
	uint8_t		hops_to;		/* from it to s */
	bool		waits_out;		/* in the list of the next level */
	bool		waits_in;
	bool		has_out;		/* its scan is set up */
	bool		has_in;
	bool		on_path;
} label;

#define NO_LABEL ((label) {NEVER, NOT_BACK, 0})

/* The payments of an entity that the next level looks at. */
typedef struct scan
{
	uint32_t	out_from;		/* [out_from, out_to) of its own */
	uint32_t	out_to;
	uint32_t	in_from;		/* [in_from, in_to) of those to it */
	uint32_t	in_to;
} scan;

/* Entities to look at in a level, and in the next one. */
typedef struct frontier
{
	uint32_t   *now;
	uint32_t   *next;
	int64_t		now_count;
	int64_t		next_count;
} frontier;

/* What a thread works with. */
typedef struct worker
{
	label	   *labels;
	scan	   *scans;			/* of entities with a label */
	uint32_t   *touched;
	int64_t		touched_count;
	frontier	out;
	frontier	in;
	uint32_t   *buffer;			/* cycles: length, then edges */
	int64_t		used;
	bool		full;
	int64_t		steps;
} __attribute__((aligned(64))) worker;	/* no cache line is of two threads */

/* What became of a chunk. */
typedef struct chunk_result
{
	int			thread;			/* -1: not done yet */
	int64_t		begin;			/* words in the thread's buffer */
	int64_t		end;
} chunk_result;

typedef struct slab
{
	rk_ctx	   *ctx;
	const rk_transactions *t;
	const rk_flow_cycle_params *p;
	int64_t		nodes;
	int64_t		edges;			/* that are kept */
	uint32_t	first_end;		/* edges below begin cycles of this slab */
	const uint32_t *rows;		/* by edge */
	int64_t		group_width;	/* first payments this close are taken together */
	uint32_t   *out_offsets;
	uint32_t   *in_offsets;
	hop		   *out;			/* by payer, in the order of time */
	hop		   *in;				/* by payee */
	uint32_t   *out_edge;		/* number of out[k] among the edges */
	uint32_t   *out_end;		/* of first payments: rank of the end of the window of out[k] */
	uint32_t   *time;			/* rank of each edge's time */
	int64_t    *moment;			/* time by rank */
	uint32_t	moments;
	float		share;			/* of one moment in all */
	worker	   *workers;
	int64_t		buffer_words;
	const int64_t *bounds;		/* of the chunks: nodes */
	chunk_result *chunks;
	_Atomic int64_t found;
	_Atomic bool too_many;
} slab;

/*
 * A chunk of rk_parallel_ranges over the bounds of a slab: cycles whose first
 * payments are of the entities [begin, end).  Those of a chunk that is done are
 * in the buffer of its thread.
 */
extern void rk_flows_search_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread);

#endif							/* RK_TEMPORAL_SEARCH_H */

/*
 * louvain.h
 *	  What the parts of the Louvain and Leiden kernel share.
 *
 * louvain_levels.h goes from level to level, by the steps of louvain_community.c;
 * louvain_moves.c moves nodes between communities, louvain_refine.c splits
 * communities as Leiden does, and louvain_aggregate.c makes the graph of a level
 * from the one below.
 *
 * Threads never change a result.  Nodes are taken in an order that the seed
 * draws and in batches that are cut by their number of arcs.  All nodes of a
 * batch are judged by the communities as they were before the batch, in
 * parallel; then one thread carries the moves out in order, each checked again
 * against the totals that the earlier ones left.
 */
#ifndef RK_GRAPH_LOUVAIN_H
#define RK_GRAPH_LOUVAIN_H

#include "../../compute/parallel.h"
#include "community.h"
#include "louvain_levels.h"
#include "louvain_turns.h"

/*
 * The graph of one level.  Rows are symmetric: the entry of i in the row of j
 * is the weight between them, in a directed graph the sum of both arcs.  Only
 * level 0 may have entries of a node in its own row; they are passed over, as
 * their weight is in loop.
 */
typedef struct louvain_level
{
	int64_t		nodes;
	int64_t    *offsets;		/* nodes + 1: where rows begin ... */
	int64_t    *ends;			/* nodes: ... and end; there may be gaps */
	uint32_t   *neighbors;
	double	   *weights;		/* NULL: all 1 */
	double	   *out;			/* strength; undirected: a loop counts twice */
	double	   *in;				/* undirected: the same array */
	double	   *loop;			/* weight of the edges inside the node */
	uint32_t   *size;			/* nodes of level 0 in it; NULL: 1 */
	uint32_t   *first;			/* the smallest of them; NULL: itself */
	bool		owns_rows;		/* else they are the caller's graph */
} louvain_level;

typedef struct louvain_state
{
	rk_ctx	   *ctx;
	const rk_louvain_params *params;
	int64_t		n;				/* nodes of level 0 */
	bool		directed;
	double		total;			/* weight of all edges */
	double		penalty;		/* resolution / total; undirected: half of it */
	double		mean_weight;	/* of an edge of the graph */

	louvain_level first;
	louvain_level above;		/* the level at work, unless that is the first */
	rk_communities results[LOUVAIN_SLOTS];

	/* the level at work, and arrays for it (n entries) */
	const louvain_level *level;
	uint32_t   *community;		/* of every node */
	double	   *out;			/* strength of every community */
	double	   *in;				/* undirected: the same array */
	uint32_t   *size;			/* its number of nodes */
	uint32_t   *order;			/* the nodes as the seed shuffles them */
	uint32_t   *list;			/* those at work, in this order */
	uint32_t   *target;			/* by place in list: where to */
	double	   *gain;			/* by place in list: weight to target - to own */
	uint8_t    *active;			/* by node: something around it changed */
	uint32_t   *free;			/* labels of empty communities */
	int64_t		free_count;
	int64_t    *bounds;			/* of the chunks of a batch */

	/* per thread: n values and the communities that have one */
	void	  **sum;
	uint32_t  **touched;

	/* of the refinement, else NULL */
	uint32_t   *refined;		/* community within the community */
	double	   *inside;			/* weight of a node into its community */
	double	   *cut;			/* weight of a refined one into the rest */
} louvain_state;

/* Cuts the nodes of list[begin ..] into a batch; see louvain_moves.c. */
typedef struct louvain_batch
{
	int64_t		begin;
	int64_t		end;
	int64_t		work;			/* arcs, and some for every node */
	int64_t		chunks;
} louvain_batch;

/* Fills s->order for the level at work. */
extern void rk_louvain_shuffle(louvain_state *s, uint64_t seed, uint64_t salt);

/*
 * Sets the next batch of list, which holds count nodes and total work; false
 * at the end.  batch starts as zeros.
 */
extern bool rk_louvain_next_batch(louvain_state *s, int64_t count, int64_t total,
								  louvain_batch *batch);

/* Runs fn over the batch: on all threads if it is worth it. */
extern rk_status rk_louvain_run_batch(louvain_state *s, const louvain_batch *batch,
									  rk_chunk_fn fn, void *arg);

/* Work of a node: its arcs, and some for itself. */
static inline int64_t
louvain_work(const louvain_level *l, int64_t v)
{
	return l->ends[v] - l->offsets[v] + LOUVAIN_NODE_WORK;
}

/*
 * Moves nodes of s->level between the communities of s->community until no
 * move gains, a pass gains less than tolerance of Q, or max_iterations.  *moves
 * starts as zeros.
 */
extern rk_status rk_louvain_move(louvain_state *s, double tolerance, louvain_moves *moves);

/*
 * Splits every community of s->community: s->refined is a partition whose
 * communities are connected and lie within those.
 */
extern rk_status rk_louvain_refine(louvain_state *s, uint64_t seed, uint64_t salt);

/* Splits the communities of s->community that are not connected. */
extern rk_status rk_louvain_split(louvain_state *s);

/*
 * Renumbers label (values below the level's number of nodes) by falling size,
 * then by smallest node of level 0; returns the number of communities.
 */
extern rk_status rk_louvain_number(louvain_state *s, uint32_t *label, int64_t *count);

/* Makes the graph whose nodes are the count communities of label. */
extern rk_status rk_louvain_aggregate(louvain_state *s, const uint32_t *label,
									  int64_t count, louvain_level *next);

/* s->first from the graph, and the total weight. */
extern rk_status rk_louvain_first_level(louvain_state *s, const rk_graph *g);

/* Bytes of rk_louvain_aggregate at its peak, if it makes a graph of this size. */
extern int64_t rk_louvain_level_memory(int64_t nodes, int64_t arcs, bool directed);

extern void rk_louvain_free_level(rk_ctx *ctx, louvain_level *level);

/*
 * Modularity of s->community on s->level; totals are computed anew.  alone:
 * every node is a community, so that rows need not be looked at.
 */
extern rk_status rk_louvain_quality(louvain_state *s, bool alone, double *quality);

/* Sums up the strengths and sizes of s->community. */
extern rk_status rk_louvain_totals(louvain_state *s);

#endif							/* RK_GRAPH_LOUVAIN_H */

/*
 * circular_state.h
 *	  The graph of compliance/circular-flow as an actor: who has paid whom, and
 *	  the strong components, kept while payments come.
 */
#ifndef RK_CIRCULAR_STATE_H
#define RK_CIRCULAR_STATE_H

#include "flows.h"
#include "flows_ring.h"

#define RK_CIRCULAR_NONE UINT32_MAX

/* All payments from one entity to another. */
typedef struct circular_pair
{
	rk_decimal	amount;
	int64_t		count;
	int64_t		last_ts;		/* us since 1970 */
	uint32_t	source;			/* numbers of entities */
	uint32_t	target;
	uint32_t	next_out;		/* of the source; newest first */
	uint32_t	next_in;		/* of the target */
	uint32_t	next_hash;
	uint32_t	next_outward[2];	/* of those that may lead out of a component, or into it */
	uint32_t	unused;
} circular_pair;

/* An entity, and the component that it stands for if it is the root. */
typedef struct circular_node
{
	rk_decimal	out;			/* what it pays, itself included */
	rk_decimal	circular;		/* of it, to others of its component */
	uint32_t	first_out;		/* pairs; itself left out */
	uint32_t	first_in;
	uint32_t	degree[2];		/* pairs out of it, and into it */
	uint32_t	parent;			/* towards the root of its component */
	uint32_t	next_member;	/* of the component */
	bool		active;			/* has a pair */

	/* of roots */
	rk_decimal	internal;		/* amounts between members */
	uint32_t	level;			/* pairs do not lead to lower ones */
	uint32_t	last_member;
	uint32_t	size;
	uint32_t	first_outward[2];	/* pairs that may lead out of it, or into it from its level */
	uint32_t	last_outward[2];

	/* scratch, by direction: stamps of the last searches that were here */
	uint32_t	mark[2];		/* of roots: for levels */
	uint32_t	seen[2];		/* for a shortest cycle */
	uint32_t	by[2];			/* pair that it was reached by then */
} circular_node;

typedef struct circular
{
	rk_keys		keys;
	int64_t		min_amount;
	int32_t		max_length;
	int64_t		cycles;			/* alerts so far */
	rk_decimal	total;
	circular_pair *pairs;
	uint32_t	pair_count;
	uint32_t	pair_capacity;	/* a power of 2 */
	uint32_t   *buckets;		/* first pair of a hash; as many as pair_capacity */
	circular_node *nodes;
	uint32_t	node_count;		/* those that are made */
	uint32_t	node_capacity;
	uint32_t   *list[2];		/* scratch, by direction: components; node_capacity */
	uint32_t   *trail[2];		/* entities */
	uint32_t	few;			/* at least the square root of pair_count */
	bool		unsettled;		/* levels are to be made anew */
	bool		stopped;		/* the last search was */
	uint32_t	work;			/* of searches, since ever */
	uint32_t	stamp;
} circular;

/* An empty graph in place; ids and options are the caller's. */
extern rk_status rk_circular_create(rk_ctx *ctx, circular *s, uint32_t pairs, uint32_t nodes);

/* Gives back all but the ids. */
extern void rk_circular_free(rk_ctx *ctx, circular *s);

/* Makes everything from the pairs, whose list is filled in: O(pairs + nodes). */
extern rk_status rk_circular_build(rk_ctx *ctx, circular *s);

/* The pair, or RK_CIRCULAR_NONE. */
extern uint32_t rk_circular_find(const circular *s, uint32_t source, uint32_t target);

/* The root of a component. */
static inline uint32_t
rk_circular_root(circular *s, uint32_t node)
{
	while (s->nodes[node].parent != node)
		node = s->nodes[node].parent = s->nodes[s->nodes[node].parent].parent;
	return node;
}

/* What a payment has done. */
typedef struct circular_step
{
	uint32_t	pair;			/* that it belongs to */
	bool		is_new;			/* there was none before */
	bool		closed;			/* both ends are in one component */

	/* a shortest cycle through it, the first that a search from both ends finds */
	int32_t		size;			/* members; 0: none of up to max_length */
	rk_decimal	total;			/* amounts of its pairs, this payment included */
	rk_decimal	least;
	rk_decimal	most;
} circular_step;

/* Adds a payment.  Fails, or is stopped, before anything changes. */
extern rk_status rk_circular_add(rk_ctx *ctx, circular *s, uint32_t source, uint32_t target, int64_t amount,
								 int64_t ts, circular_step *step);

#endif							/* RK_CIRCULAR_STATE_H */

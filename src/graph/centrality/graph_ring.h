/*
 * graph_ring.h
 *	  The payloads of the graph actors: degrees and PageRank.
 */
#ifndef RK_GRAPH_RING_H
#define RK_GRAPH_RING_H

#include "dynamic_graph.h"
#include "graph_payloads.h"

typedef struct rk_node_request
{
	_Alignas(8) rk_id node;
	int64_t		min_version;
} rk_node_request;

typedef struct rk_edge_request
{
	_Alignas(8) rk_id source;
	rk_id		target;
	int64_t		weight;			/* fixed-point */
	int16_t		op;				/* rk_edge_op */
} rk_edge_request;

typedef struct rk_degree_reply
{
	int64_t		degree;
	int64_t		in_degree;
	int64_t		out_degree;
	double		score;
	double		in_score;
	double		out_score;
	int64_t		in_edges;
	int64_t		out_edges;
	double		in_strength;
	double		out_strength;
	int64_t		neighbors;
	int64_t		num_nodes;
	int64_t		version;
	int16_t		status;
} rk_degree_reply;

typedef struct rk_ratio_request
{
	_Alignas(8) rk_id node;
	int64_t		min_version;
	bool		with_variance;
} rk_ratio_request;

typedef struct rk_ratio_reply
{
	int64_t		in_degree;
	int64_t		out_degree;
	double		ratio;
	double		neighbor_degree_variance;
	int64_t		version;
	int16_t		classification;
	int16_t		status;
} rk_ratio_reply;

typedef struct rk_top_request
{
	int64_t		min_version;
	int64_t		skip;			/* PageRankTop */
	int32_t		k;
	int16_t		direction;		/* DegreeTop */
} rk_top_request;

typedef struct rk_degree_row
{
	_Alignas(8) rk_id node;
	int64_t		degree;
} rk_degree_row;

typedef struct rk_score_row
{
	_Alignas(8) rk_id node;
	double		score;
} rk_score_row;

/* Published when a change gives a node another role. */
typedef struct rk_role_change
{
	_Alignas(8) rk_id node;
	int64_t		version;
	int16_t		old_role;		/* absent: the node is new */
	int16_t		new_role;		/* absent: it is gone */
} rk_role_change;

typedef struct rk_roles_reply
{
	int64_t		isolated;
	int64_t		source;
	int64_t		balanced;
	int64_t		sink;
	int64_t		num_nodes;
	int64_t		num_edges;
	int64_t		version;
} rk_roles_reply;

typedef enum rk_pagerank_op
{
	RK_PAGERANK_RESET = 1,
	RK_PAGERANK_COMPACT
} rk_pagerank_op;

typedef struct rk_pagerank_control
{
	_Alignas(8) int16_t op;		/* rk_pagerank_op */
} rk_pagerank_control;

typedef enum rk_node_op
{
	RK_NODE_ADD = 1,
	RK_NODE_REMOVE
} rk_node_op;

typedef struct rk_node_change_request
{
	_Alignas(8) rk_id node;
	int16_t		op;				/* rk_node_op */
} rk_node_change_request;

typedef struct rk_preference_request
{
	_Alignas(8) rk_id node;
	int64_t		value;			/* fixed-point */
} rk_preference_request;

typedef struct rk_preference_reply
{
	int64_t		version;
	int16_t		status;
} rk_preference_reply;

typedef struct rk_control_reply
{
	int64_t		num_nodes;
	int64_t		num_edges;
	int64_t		version;
} rk_control_reply;

#define RK_PARTS_MAX 64
#define RK_SHARE_PAIRS 61		/* a share fits into the smallest block */

/* Nodes are integers here: their remainder says where they belong. */
typedef struct rk_part_edge
{
	int64_t		source;
	int64_t		target;
	int64_t		weight;			/* fixed-point */
	int16_t		op;				/* rk_edge_op */
} rk_part_edge;

typedef struct rk_part_edge_reply
{
	int64_t		num_edges;
	int16_t		status;
	bool		kept;
} rk_part_edge_reply;

typedef struct rk_part_round
{
	int64_t		run;			/* the same in all rounds of an iteration */
	int32_t		iteration;		/* from 1 */
} rk_part_round;

typedef struct rk_part_round_reply
{
	double		delta;
	int64_t		nodes;
	int64_t		total;
} rk_part_round_reply;

/* From part to part: what its scores give to nodes of the other. */
typedef struct rk_part_share
{
	int64_t		run;
	int64_t		nodes;			/* of the part that sends, if last */
	double		dangling;		/* mass on its nodes without out-edges, if last */
	int32_t		round;
	int16_t		part;
	int16_t		count;
	bool		last;			/* nothing more of this round */
	struct
	{
		int64_t		node;
		double		value;
	}			pairs[RK_SHARE_PAIRS];
} rk_part_share;

typedef struct rk_part_query
{
	int64_t		node;
} rk_part_query;

typedef struct rk_part_reply
{
	double		score;
	int16_t		status;
} rk_part_reply;

/* Which field of a query says what version of the graph it waits for. */
typedef struct rk_version_field
{
	uint32_t	type_id;		/* 0 ends */
	size_t		offset;
} rk_version_field;

/* Whether the message is to come again once the graph has changed further. */
static inline bool
rk_waits_for_version(const rk_version_field *fields, const rk_message *message, int64_t version)
{
	int64_t		wanted;

	for (; fields->type_id != 0; fields++)
		if (fields->type_id == message->type_id)
		{
			memcpy(&wanted, (const char *) message->payload + fields->offset, sizeof(wanted));
			return wanted > version;
		}
	return false;
}

/* The ends of an edge as the graph numbers them; only what is added gets a number. */
static inline rk_status
rk_edge_ends(rk_ctx *ctx, const rk_dynamic_graph *g, const rk_edge_request *q, int64_t *source, int64_t *target)
{
	bool		add = q->op != RK_EDGE_REMOVE;
	rk_status	status = rk_keys_value(ctx, &g->keys, "source", &q->source, add, source);

	return status != RK_OK ? status : rk_keys_value(ctx, &g->keys, "target", &q->target, add, target);
}

/* Index of a node, RK_NO_INDEX if there is none. */
static inline rk_status
rk_node_index(rk_ctx *ctx, const rk_dynamic_graph *g, const rk_id *node, uint32_t *index)
{
	int64_t		value;
	rk_status	status = rk_keys_value(ctx, &g->keys, "node", node, false, &value);

	*index = status == RK_OK ? rk_dynamic_find(g, value) : RK_NO_INDEX;
	return status;
}

static inline void
rk_control_reply_fill(const rk_dynamic_graph *g, rk_control_reply *r)
{
	r->num_nodes = g->node_count;
	r->num_edges = g->edge_count;
	r->version = g->version;
}

#endif							/* RK_GRAPH_RING_H */

/*
 * graph_payloads.h
 *	  Those of the graph actors' payloads that a device writes and reads as well.
 */
#ifndef RK_GRAPH_PAYLOADS_H
#define RK_GRAPH_PAYLOADS_H

#include "dynamic_change.h"

/* Status in replies. */
typedef enum rk_graph_status
{
	RK_GRAPH_OK,
	RK_GRAPH_UNKNOWN_NODE,
	RK_GRAPH_NO_SUCH_EDGE
} rk_graph_status;

typedef struct rk_edge_reply
{
	int64_t		version;
	int64_t		source_out_degree;
	int64_t		target_in_degree;
	int64_t		num_nodes;
	int64_t		num_edges;
	int16_t		status;
} rk_edge_reply;

typedef struct rk_version_request
{
	int64_t		min_version;
} rk_version_request;

typedef struct rk_pagerank_reply
{
	double		score;
	int64_t		version;
	int32_t		iteration;
	int16_t		status;
	bool		converged;
} rk_pagerank_reply;

typedef struct rk_iterate_reply
{
	double		delta;
	int32_t		iteration;
	bool		converged;
} rk_iterate_reply;

typedef struct rk_converge_request
{
	double		threshold;		/* NaN: the option tolerance */
	int64_t		min_version;
	int32_t		max_iterations;	/* absent: the option */
} rk_converge_request;

typedef struct rk_converge_reply
{
	double		delta;
	int32_t		iterations;
	bool		converged;
} rk_converge_reply;

/* Says in the reply to a change of an edge what has become of it. */
RK_BOTH void
rk_edge_reply_fill(const rk_dynamic_graph *g, int64_t source_id, int64_t target_id, bool found, rk_edge_reply *r)
{
	uint32_t	source = rk_dynamic_find(g, source_id);
	uint32_t	target = rk_dynamic_find(g, target_id);

	r->status = found ? RK_GRAPH_OK : RK_GRAPH_NO_SUCH_EDGE;
	r->version = g->version;
	r->source_out_degree = source == RK_NO_INDEX ? 0 : g->nodes[source].out_degree;
	r->target_in_degree = target == RK_NO_INDEX ? 0 : g->nodes[target].in_degree;
	r->num_nodes = g->node_count;
	r->num_edges = g->edge_count;
}

#endif							/* RK_GRAPH_PAYLOADS_H */

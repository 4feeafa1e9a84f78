/*
 * relations.h
 *	  Relations and parameters that many graph kernels share.
 */
#ifndef RK_GRAPH_RELATIONS_H
#define RK_GRAPH_RELATIONS_H

#include "../call/descriptor.h"

extern const rk_relation rk_edges_relation;
extern const rk_relation rk_nodes_relation;
extern const rk_relation rk_beta_nodes_relation;
extern const rk_relation rk_personalization_relation;
extern const rk_relation rk_pairs_relation;

#define EDGES_PARAM \
	{.name = "edges", .type = RK_TYPE_RELATION, .relation = &rk_edges_relation, \
	 .meaning = "the edges, one row each, or one prepared rk.graph"}
#define NODES_PARAM \
	{.name = "nodes", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &rk_nodes_relation, \
	 .meaning = "nodes to add to those named by edges"}
#define DIRECTED_PARAM(value) \
	{.name = "directed", .type = RK_TYPE_BOOLEAN, .initial = value, \
	 .meaning = "true: rows are arcs from source to target; false: undirected edges"}
#define WEIGHTED_PARAM(value) \
	{.name = "weighted", .type = RK_TYPE_BOOLEAN, .initial = value, \
	 .meaning = "NULL: use the column weight if there is one; true: it must exist; false: ignore it"}
#define SEED_PARAM \
	{.name = "seed", .type = RK_TYPE_INT8, .initial = "0", RK_ANY, \
	 .meaning = "start of the random numbers; the same seed gives the same result"}

#endif							/* RK_GRAPH_RELATIONS_H */

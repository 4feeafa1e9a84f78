/*
 * connected_components.h
 *	  What the weak and the strong kernel share: the numbering.
 */
#ifndef RK_GRAPH_CONNECTED_COMPONENTS_H
#define RK_GRAPH_CONNECTED_COMPONENTS_H

#include "community.h"

/*
 * Returns the value that is most frequent among a few fixed places of label,
 * the smallest of several.  n > 0.
 */
extern uint32_t rk_graph_guess_largest(const uint32_t *label, int64_t n);

/*
 * Turns label, the smallest node of the component of every node, into the
 * number of the component, and lists the components.
 */
extern rk_status rk_graph_number_components(rk_ctx *ctx, int64_t n, uint32_t *label,
											rk_components *result);

/* Its bytes, result included, when every node is a component of its own. */
extern int64_t rk_graph_number_components_memory(int64_t nodes);

#endif							/* RK_GRAPH_CONNECTED_COMPONENTS_H */

/*
 * motif_rewiring.h
 *	  Random graphs in which every node keeps its degrees.
 */
#ifndef RK_GRAPH_MOTIF_REWIRING_H
#define RK_GRAPH_MOTIF_REWIRING_H

#include "../../compute/csr.h"

/*
 * Makes other from g by 10 m attempts to let two edges a-b and c-d swap ends,
 * to a-d and c-b (Maslov and Sneppen 2002; Milo et al. 2003); one that would
 * make a self-loop or a parallel edge is left out.  Arcs keep in- and
 * out-degrees.  A function of g and seed alone.
 *
 * g: simple, directed with "out" and "in", or undirected.  other has the same
 * directions; its arrays belong to ctx.
 * Cost: O(m) expected.  Memory: rk_graph_rewire_memory, other included.
 */
extern rk_status rk_graph_rewire(rk_ctx *ctx, const rk_graph *g, uint64_t seed, rk_graph *other);
extern int64_t rk_graph_rewire_memory(int64_t nodes, int64_t arcs, bool directed, int threads);

/* Whether v is in the row of u. */
extern bool rk_graph_motif_joined(const rk_adjacency *a, uint32_t u, uint32_t v);

#endif							/* RK_GRAPH_MOTIF_REWIRING_H */

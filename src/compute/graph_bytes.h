/*
 * graph_bytes.h
 *	  A graph as one block of bytes: what a value of type rk.graph holds.
 *
 * Layout, all little-endian as the machine's, every section 8-byte aligned:
 * header, ids, offsets (nodes + 1 times int64), neighbors (arcs times uint32),
 * weights (arcs times double, if weighted).  Ids are of fixed width (nodes
 * times width bytes) or variable (nodes + 1 times uint64 offsets, then bytes).
 * Rows are sorted by neighbour, parallel ones by weight; parallel edges and
 * self-loops are as they were given.
 */
#ifndef RK_GRAPH_BYTES_H
#define RK_GRAPH_BYTES_H

#include "csr.h"
#include "dense.h"

#define RK_GRAPH_MAGIC 0x31475252	/* "RRG1" */

typedef struct rk_graph_header
{
	int32_t		varlena;		/* PostgreSQL's length word; not looked at */
	uint32_t	magic;
	uint32_t	id_type;		/* type of the ids, as the server numbers it */
	uint32_t	id_width;		/* bytes of an id; 0: variable */
	uint32_t	weighted;
	uint32_t	reserved;		/* 0 */
	int64_t		nodes;
	int64_t		arcs;
	int64_t		id_bytes;		/* of the bytes of variable ids, else 0 */
} rk_graph_header;

/* A checked block: pointers into it. */
typedef struct rk_graph_view
{
	const rk_graph_header *header;
	const char *ids;			/* fixed width, or the bytes of variable ones */
	const uint64_t *id_offsets; /* variable ids */
	const int64_t *offsets;
	const uint32_t *neighbors;
	const double *weights;		/* NULL: unweighted */
} rk_graph_view;

/* Bytes of a block, or -1 when it would be larger than a value can be (1 GB). */
extern int64_t rk_graph_bytes_size(int64_t nodes, int64_t arcs, bool weighted,
								   uint32_t id_width, int64_t id_bytes);

/*
 * Writes the header into block (rk_graph_bytes_size bytes, zeroed) and returns
 * a view whose sections the caller fills in.
 */
extern rk_graph_view rk_graph_bytes_format(void *block, uint32_t id_type, uint32_t id_width,
										   int64_t nodes, int64_t arcs, bool weighted,
										   int64_t id_bytes);

/*
 * Checks every byte that a kernel will rely on: sizes, rising offsets, sorted
 * rows below nodes, finite weights.  Cost O(nodes + arcs).  On failure returns
 * RK_ERR_CORRUPT with the reason in ctx.
 */
extern rk_status rk_graph_bytes_open(rk_ctx *ctx, const void *block, int64_t size,
									 rk_graph_view *view);

/* A view of a block that is known to be right. */
extern rk_graph_view rk_graph_bytes_view(const void *block);

/* Id of a node. */
static inline rk_bytes
rk_graph_bytes_id(const rk_graph_view *view, int64_t node)
{
	if (view->header->id_width > 0)
		return (rk_bytes) {view->ids + node * view->header->id_width, view->header->id_width};
	return (rk_bytes) {view->ids + view->id_offsets[node],
		(uint32_t) (view->id_offsets[node + 1] - view->id_offsets[node])};
}

#endif							/* RK_GRAPH_BYTES_H */

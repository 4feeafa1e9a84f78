/*
 * graph_bytes.c
 *	  Sizes, sections and checks of a graph in one block of bytes.
 */
#include "graph_bytes.h"

#include <math.h>
#include <string.h>

#define MAX_BLOCK ((INT64_C(1) << 30) - 8)	/* a varlena */

static int64_t
align8(int64_t n)
{
	return (n + 7) & ~INT64_C(7);
}

int64_t
rk_graph_bytes_size(int64_t nodes, int64_t arcs, bool weighted, uint32_t id_width,
					int64_t id_bytes)
{
	int64_t		size = sizeof(rk_graph_header);

	/* each section alone fits, so the sum cannot overflow */
	if (nodes < 0 || arcs < 0 || id_bytes < 0 || nodes > MAX_BLOCK || arcs > MAX_BLOCK ||
		id_bytes > MAX_BLOCK || id_width > 1024)
		return -1;
	size += id_width > 0 ? align8(nodes * id_width) : (nodes + 1) * 8 + align8(id_bytes);
	size += (nodes + 1) * 8;
	size += align8(arcs * 4);
	if (weighted)
		size += arcs * 8;
	return size > MAX_BLOCK ? -1 : size;
}

rk_graph_view
rk_graph_bytes_view(const void *block)
{
	const rk_graph_header *h = block;
	rk_graph_view view = {.header = h};
	const char *p = (const char *) (h + 1);

	if (h->id_width > 0)
	{
		view.ids = p;
		p += align8(h->nodes * h->id_width);
	}
	else
	{
		view.id_offsets = (const uint64_t *) p;
		p += (h->nodes + 1) * 8;
		view.ids = p;
		p += align8(h->id_bytes);
	}
	view.offsets = (const int64_t *) p;
	p += (h->nodes + 1) * 8;
	view.neighbors = (const uint32_t *) p;
	p += align8(h->arcs * 4);
	view.weights = h->weighted ? (const double *) p : NULL;
	return view;
}

rk_graph_view
rk_graph_bytes_format(void *block, uint32_t id_type, uint32_t id_width, int64_t nodes,
					  int64_t arcs, bool weighted, int64_t id_bytes)
{
	rk_graph_header *h = block;

	h->magic = RK_GRAPH_MAGIC;
	h->id_type = id_type;
	h->id_width = id_width;
	h->weighted = weighted;
	h->nodes = nodes;
	h->arcs = arcs;
	h->id_bytes = id_bytes;
	return rk_graph_bytes_view(block);
}

static rk_status
corrupt(rk_ctx *ctx, const char *why)
{
	rk_status	status = rk_fail(ctx, RK_ERR_CORRUPT, "invalid graph value");

	rk_fail_detail(ctx, "%s", why);
	return status;
}

rk_status
rk_graph_bytes_open(rk_ctx *ctx, const void *block, int64_t size, rk_graph_view *view)
{
	const rk_graph_header *h = block;

	if (size < (int64_t) sizeof(rk_graph_header))
		return corrupt(ctx, "The value is shorter than its header.");
	if (h->magic != RK_GRAPH_MAGIC)
		return corrupt(ctx, "The value does not start with the mark of a graph.");
	if (h->reserved != 0 || h->weighted > 1)
		return corrupt(ctx, "The header has unknown flags.");
	if (h->nodes > RK_MAX_NODES ||
		(h->id_width > 0 && h->id_bytes != 0) ||
		rk_graph_bytes_size(h->nodes, h->arcs, h->weighted, h->id_width, h->id_bytes) != size)
		return corrupt(ctx, "The size does not agree with the number of nodes and edges.");
	*view = rk_graph_bytes_view(block);
	if (view->id_offsets)
	{
		if (view->id_offsets[0] != 0 || view->id_offsets[h->nodes] != (uint64_t) h->id_bytes)
			return corrupt(ctx, "The ids do not fill their section.");
		for (int64_t u = 0; u < h->nodes; u++)
		{
			if (view->id_offsets[u] > view->id_offsets[u + 1])
				return corrupt(ctx, "The positions of ids are not in order.");
		}
	}
	if (view->offsets[0] != 0 || view->offsets[h->nodes] != h->arcs)
		return corrupt(ctx, "The rows do not fill their section.");
	for (int64_t u = 0; u < h->nodes; u++)
	{
		if (view->offsets[u] > view->offsets[u + 1])
			return corrupt(ctx, "The positions of rows are not in order.");
	}
	for (int64_t u = 0; u < h->nodes; u++)
	{
		uint32_t	last = 0;

		if ((u & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = view->offsets[u]; i < view->offsets[u + 1]; i++)
		{
			if (view->neighbors[i] >= h->nodes || view->neighbors[i] < last)
				return corrupt(ctx, "A row is not sorted or names a node that is not there.");
			last = view->neighbors[i];
		}
	}
	if (view->weights)
	{
		for (int64_t i = 0; i < h->arcs; i++)
		{
			if (!isfinite(view->weights[i]))
				return corrupt(ctx, "A weight is not a finite number.");
		}
	}
	return RK_OK;
}

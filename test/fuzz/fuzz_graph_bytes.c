/*
 * fuzz_graph_bytes.c
 *	  A stored graph of any bytes is refused, or is a graph.
 *
 * The first byte of the input chooses.  Either the rest is the block as it is,
 * or the next bytes say how large a graph is to be, the rest fills its sections,
 * and the last bytes of the input overwrite a word of the block: so the checks
 * behind the one of the size are reached as well.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compute/graph_bytes.h"

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

/* Looks at every id and edge of an accepted block; the sanitizers look too. */
static void
walk(const rk_graph_view *view)
{
	const rk_graph_header *h = view->header;
	uint64_t	sum = 0;

	CHECK(view->offsets[0] == 0 && view->offsets[h->nodes] == h->arcs);
	for (int64_t u = 0; u < h->nodes; u++)
	{
		rk_bytes	id = rk_graph_bytes_id(view, u);

		CHECK(h->id_width == 0 || id.length == h->id_width);
		for (uint32_t i = 0; i < id.length; i++)
			sum += (unsigned char) id.data[i];
		for (int64_t i = view->offsets[u]; i < view->offsets[u + 1]; i++)
		{
			CHECK(view->neighbors[i] < h->nodes);
			CHECK(i == view->offsets[u] || view->neighbors[i - 1] <= view->neighbors[i]);
			CHECK(view->weights == NULL || isfinite(view->weights[i]));
			sum += view->neighbors[i];
		}
	}
	/* the reads above are not to be optimised away */
	CHECK(sum != UINT64_C(0x123456789abcdef));
}

static void
open_block(const void *block, int64_t size)
{
	rk_ctx		ctx;
	rk_graph_view view;

	rk_ctx_init(&ctx);
	if (rk_graph_bytes_open(&ctx, block, size, &view) == RK_OK)
		walk(&view);
	else
		CHECK(ctx.error.status == RK_ERR_CORRUPT && ctx.error.detail[0] != '\0');
	rk_ctx_destroy(&ctx);
}

/* A block of the size that data asks for, its sections filled from data. */
static void
open_made(const uint8_t *data, size_t size)
{
	static const uint32_t widths[] = {0, 1, 8, 16};
	int64_t		nodes = data[0] % 24;
	int64_t		arcs = data[1] % 64;
	uint32_t	width = widths[data[2] % 4];
	bool		weighted = data[3] & 1;
	int64_t		id_bytes = width ? 0 : data[4] % 64;
	int64_t		bytes = rk_graph_bytes_size(nodes, arcs, weighted, width, id_bytes);
	size_t		at = 8;
	char	   *block;
	rk_graph_view view;
	size_t		left = size - at;
	size_t		body;

	CHECK(bytes >= (int64_t) sizeof(rk_graph_header));
	block = calloc(1, bytes);
	view = rk_graph_bytes_format(block, 20, width, nodes, arcs, weighted, id_bytes);

	/* offsets in order, unless a byte says otherwise */
	for (int64_t u = 1; u <= nodes; u++)
	{
		int64_t		step = left > (size_t) u ? data[at + u] % 8 : 0;

		((int64_t *) view.offsets)[u] = view.offsets[u - 1] + step;
		if (view.id_offsets)
			((uint64_t *) view.id_offsets)[u] = view.id_offsets[u - 1] + step;
	}
	if (data[5] & 1)
	{
		((int64_t *) view.offsets)[nodes] = arcs;
		if (view.id_offsets)
			((uint64_t *) view.id_offsets)[nodes] = id_bytes;
	}
	body = left < (size_t) arcs * 4 ? left : (size_t) arcs * 4;
	for (size_t i = 0; i < body / 4; i++)
		((uint32_t *) view.neighbors)[i] = data[at + i] % (nodes + 1);
	if (weighted)
		memcpy((void *) view.weights, data + at, left < (size_t) arcs * 8 ? left : (size_t) arcs * 8);
	/* one word of anything */
	if (data[5] & 2)
	{
		size_t		word = (data[6] * 8) % (bytes - bytes % 8);

		memcpy(block + word, data + size - 8, 8);
	}
	open_block(block, bytes);
	free(block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] & 1)
	{
		/* a copy of its own: aligned as a value, and its end is its end */
		void	   *block = malloc(size);

		memcpy(block, data + 1, size - 1);
		open_block(block, size - 1);
		free(block);
	}
	else if (size >= 17)
		open_made(data + 1, size - 1);
	return 0;
}

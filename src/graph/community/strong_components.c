/*
 * strong_components.c
 *	  Strong components by one depth-first search.
 *
 * Tarjan's search (1972) in the form of Pearce (2016), which keeps one number
 * per node, with the recursion unrolled.  The search is serial; every entry is
 * looked at once, and twice when the search went down through it.
 */
#include "connected_components.h"

#include <string.h>

#define POLL_MASK ((1 << 18) - 1)	/* entries between looks at the stop flag */

typedef struct search_frame
{
	int64_t		next;			/* entry of the row to look at next */
	uint32_t	node;
	uint32_t	index;			/* when the search reached the node */
} search_frame;

/*
 * Sets low[v] to a number that v shares with its strong component alone.
 *
 * While v is on the search, low[v] is the smallest index known to be reachable
 * from it; indexes count live nodes from 1.  A finished component takes the
 * next number from n downwards, which is at least as large as any live index,
 * so that "low[w] < low[v]" never mistakes a finished w for a live one.
 */
static rk_status
search_strong(rk_ctx *ctx, const rk_graph *g, uint32_t *low)
{
	int64_t		n = g->nodes;
	const int64_t *offsets = g->out.offsets;
	const uint32_t *neighbors = g->out.neighbors;
	search_frame *frames = rk_alloc(ctx, n, sizeof(search_frame));
	uint32_t   *live = rk_alloc(ctx, n, sizeof(uint32_t));
	int64_t		lives = 0;		/* visited, left, component not known */
	uint32_t	index = 1;
	uint32_t	number = (uint32_t) n;
	int64_t		steps = 0;

	if (!frames || !live)
		return RK_ERR_MEMORY;
	memset(low, 0, sizeof(uint32_t) * n);
	for (int64_t start = 0; start < n; start++)
	{
		search_frame *top = frames;

		if ((start & POLL_MASK) == 0)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			rk_progress(ctx, start);
		}
		if (low[start] != 0)
			continue;
		*top = (search_frame) {offsets[start], (uint32_t) start, index};
		low[start] = index++;
		for (;;)
		{
			uint32_t	v = top->node;
			uint32_t	mine = low[v];
			int64_t		end = offsets[v + (int64_t) 1];
			int64_t		i = top->next;
			uint32_t	down = RK_NO_NODE;

			for (; i < end; i++)
			{
				uint32_t	w = neighbors[i];

				if ((++steps & POLL_MASK) == 0 && rk_ctx_poll(ctx))
					return RK_STOPPED;
				if (low[w] == 0)
				{
					down = w;
					break;
				}
				if (low[w] < mine)
					mine = low[w];
			}
			low[v] = mine;
			if (down != RK_NO_NODE)
			{
				/* the entry is looked at again when the search is back */
				top->next = i;
				*++top = (search_frame) {offsets[down], down, index};
				low[down] = index++;
				continue;
			}
			if (mine == top->index)
			{
				/* v is the first node of a component: close it */
				index--;
				while (lives > 0 && low[live[lives - 1]] >= mine)
				{
					low[live[--lives]] = number;
					index--;
				}
				low[v] = number--;
			}
			else
				live[lives++] = v;
			if (top == frames)
				break;
			top--;
		}
	}
	rk_free(ctx, live);
	rk_free(ctx, frames);
	return RK_OK;
}

rk_status
rk_graph_strong_components(rk_ctx *ctx, const rk_graph *g, uint32_t *component,
						   rk_components *result)
{
	int64_t		n = g->nodes;
	uint32_t   *smallest;
	rk_status	status;

	*result = (rk_components) {0};
	if (n == 0)
		return RK_OK;
	if (!g->directed)
		return rk_graph_weak_components(ctx, g, component, result);
	rk_phase(ctx, "searching", n);
	if ((status = search_strong(ctx, g, component)) != RK_OK)
		return status;
	smallest = rk_alloc(ctx, n + 1, sizeof(uint32_t));
	if (smallest == NULL)
		return RK_ERR_MEMORY;
	memset(smallest, 0xff, sizeof(uint32_t) * (n + 1));
	for (int64_t v = 0; v < n; v++)
	{
		if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (smallest[component[v]] == RK_NO_NODE)
			smallest[component[v]] = (uint32_t) v;
		component[v] = smallest[component[v]];
	}
	rk_free(ctx, smallest);
	return rk_graph_number_components(ctx, n, component, result);
}

int64_t
rk_graph_strong_components_memory(int64_t nodes, int64_t arcs, int threads)
{
	int64_t		searching = nodes * (int64_t) (sizeof(search_frame) + sizeof(uint32_t));
	int64_t		numbering = rk_graph_number_components_memory(nodes);

	(void) arcs;
	(void) threads;
	return searching > numbering ? searching : numbering;
}

/*
 * cycles.c
 *	  Lists simple cycles of bounded length, each once.
 *
 * A cycle is found from its smallest node s, by a depth-first search that goes
 * through larger nodes only (Johnson 1975 bounded as by Gupta and Suzumura
 * 2021).  A search against the arcs first labels the nodes that reach s within
 * half the length; a node further off is only entered while more arcs than
 * that are left, so that no path of more than half the length is followed in
 * vain unless it runs into itself.
 */
#include "patterns.h"

#include <string.h>

#define ROWS 4096				/* cycles handed out at a time */
#define POLL_STEPS (1 << 18)
#define FAR UINT8_MAX

struct rk_cycles
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	int			max_length;
	int			known;			/* arcs that the labels look back */
	int64_t		start;			/* smallest node of the cycles at hand, or the
								 * next one to begin with */
	uint8_t    *distance;		/* arcs to start over larger nodes, or FAR */
	bool	   *on_path;
	uint32_t   *labelled;		/* nodes with a distance */
	int64_t		labelled_count;
	int			depth;			/* nodes on the path; 0: between starts */
	uint32_t	path[RK_LONGEST_CYCLE];
	int64_t		next[RK_LONGEST_CYCLE];	/* entry of out to follow next */
	int64_t		entry[RK_LONGEST_CYCLE]; /* entry that led to this node */
	int64_t		steps;
	rk_cycle_rows rows;
};

rk_status
rk_graph_cycles_begin(rk_ctx *ctx, const rk_graph *g, int max_length, rk_cycles **cycles)
{
	rk_cycles  *c = rk_alloc0(ctx, 1, sizeof(rk_cycles));

	*cycles = c;
	if (c == NULL)
		return RK_ERR_MEMORY;
	c->ctx = ctx;
	c->g = g;
	c->max_length = max_length;
	c->known = max_length / 2;
	c->distance = rk_alloc(ctx, g->nodes, sizeof(uint8_t));
	c->on_path = rk_alloc0(ctx, g->nodes, sizeof(bool));
	c->labelled = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	c->rows.offsets = rk_alloc(ctx, ROWS + 1, sizeof(int64_t));
	c->rows.nodes = rk_alloc(ctx, (int64_t) ROWS * max_length, sizeof(uint32_t));
	c->rows.min_weight = rk_alloc(ctx, ROWS, sizeof(double));
	c->rows.total_weight = rk_alloc(ctx, ROWS, sizeof(double));
	if (!c->distance || !c->on_path || !c->labelled || !c->rows.offsets || !c->rows.nodes ||
		!c->rows.min_weight || !c->rows.total_weight)
		return RK_ERR_MEMORY;
	memset(c->distance, FAR, g->nodes);
	rk_phase(ctx, "searching", g->nodes);
	return RK_OK;
}

void
rk_graph_cycles_end(rk_cycles *c)
{
	rk_ctx	   *ctx = c->ctx;

	rk_free(ctx, c->distance);
	rk_free(ctx, c->on_path);
	rk_free(ctx, c->labelled);
	rk_free(ctx, c->rows.offsets);
	rk_free(ctx, c->rows.nodes);
	rk_free(ctx, c->rows.min_weight);
	rk_free(ctx, c->rows.total_weight);
	rk_free(ctx, c);
}

int64_t
rk_graph_cycles_memory(int64_t nodes, int max_length)
{
	return 2 * rk_block_bytes(nodes, 1) + rk_block_bytes(nodes, 4) +
		3 * rk_block_bytes(ROWS + 1, 8) + rk_block_bytes((int64_t) ROWS * max_length, 4) + 4096;
}

/* Counts a step; true when the call is to stop. */
static inline bool
stopped(rk_cycles *c)
{
	if (++c->steps < POLL_STEPS)
		return false;
	c->steps = 0;
	return rk_ctx_poll(c->ctx);
}

/* Labels the nodes that reach the start over larger nodes; false: stop. */
static bool
label_nodes(rk_cycles *c)
{
	const rk_adjacency *in = &c->g->in;
	int64_t		begin = 0;

	c->labelled_count = 0;
	c->labelled[c->labelled_count++] = (uint32_t) c->start;
	c->distance[c->start] = 0;
	for (int d = 1; d <= c->known; d++)
	{
		int64_t		end = c->labelled_count;

		for (; begin < end; begin++)
		{
			uint32_t	v = c->labelled[begin];

			for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
			{
				uint32_t	u = in->neighbors[i];

				if (stopped(c))
					return false;
				if (u < c->start || c->distance[u] != FAR)
					continue;
				c->distance[u] = (uint8_t) d;
				c->labelled[c->labelled_count++] = u;
			}
		}
	}
	return true;
}

/* Whether a cycle may have its smallest node here. */
static bool
may_start(const rk_graph *g, int64_t s)
{
	/* rows rise: the last entry tells */
	return rk_degree(&g->out, s) > 0 && rk_degree(&g->in, s) > 0 &&
		g->out.neighbors[g->out.offsets[s + 1] - 1] > s &&
		g->in.neighbors[g->in.offsets[s + 1] - 1] > s;
}

/* Adds the path, closed by the given entry, to the rows. */
static void
add_cycle(rk_cycles *c, int64_t closing)
{
	const double *weights = c->g->out.weights;
	rk_cycle_rows *rows = &c->rows;
	int64_t		at = rows->offsets[rows->count];
	double		least = weights ? weights[closing] : 1;
	double		total = 0;

	for (int k = 0; k < c->depth; k++)
	{
		double		w = weights && k > 0 ? weights[c->entry[k]] : 1;

		rows->nodes[at + k] = c->path[k];
		if (k > 0)
		{
			total += w;
			least = w < least ? w : least;
		}
	}
	rows->min_weight[rows->count] = least;
	rows->total_weight[rows->count] = total + (weights ? weights[closing] : 1);
	rows->offsets[++rows->count] = at + c->depth;
}

static void
push(rk_cycles *c, uint32_t node, int64_t entry)
{
	c->path[c->depth] = node;
	c->entry[c->depth] = entry;
	c->next[c->depth] = c->g->out.offsets[node];
	c->on_path[node] = true;
	c->depth++;
}

rk_status
rk_graph_cycles_next(rk_cycles *c, rk_cycle_rows *rows)
{
	const rk_adjacency *out = &c->g->out;

	c->rows.count = 0;
	c->rows.offsets[0] = 0;
	while (c->rows.count < ROWS)
	{
		uint32_t	node;
		uint32_t	w;
		int64_t		entry;
		int			away;

		if (stopped(c))
			return RK_STOPPED;
		if (c->depth == 0)
		{
			if (c->start == c->g->nodes)
				break;
			if (!may_start(c->g, c->start))
			{
				c->start++;
				continue;
			}
			if (!label_nodes(c))
				return RK_STOPPED;
			rk_progress(c->ctx, c->start);
			push(c, (uint32_t) c->start, -1);
		}
		node = c->path[c->depth - 1];
		if (c->next[c->depth - 1] == out->offsets[node + 1])
		{
			/* all ways on from here are done */
			c->on_path[node] = false;
			if (--c->depth == 0)
			{
				while (c->labelled_count > 0)
					c->distance[c->labelled[--c->labelled_count]] = FAR;
				c->start++;
			}
			continue;
		}
		entry = c->next[c->depth - 1]++;
		w = out->neighbors[entry];
		if (w == c->start)
		{
			if (c->g->directed || (c->depth >= 3 && c->path[1] < node))
				add_cycle(c, entry);
			continue;
		}
		away = c->distance[w] == FAR ? c->known + 1 : c->distance[w];
		if (w > c->start && !c->on_path[w] && c->depth + away <= c->max_length)
			push(c, w, entry);
	}
	*rows = c->rows;
	return RK_OK;
}

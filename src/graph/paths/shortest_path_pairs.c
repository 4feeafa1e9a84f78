/*
 * shortest_path_pairs.c
 *	  Shortest paths of many pairs, as a stream of rows.
 *
 * The work is a list of tasks in the order of the result: a source with all
 * its targets, or a single pair that is searched from both ends.  A batch of
 * tasks runs on all threads, each task in a lane that keeps what its search
 * has labelled; rows are read off the lanes one after the other until they are
 * empty, then the next batch runs.  How many lanes there are changes nothing
 * but the memory.
 */
#include "shortest_path_search.h"

#define ROWS 4096				/* rows handed out at a time */
#define PATH_NODES 65536		/* nodes on their paths, at first */
#define FEW_TARGETS 8			/* up to this many are searched for one by one */
#define POLL_MASK ((1 << 18) - 1)

/* One task of the batch, and what its search has labelled. */
typedef struct lane
{
	rk_path_tree tree;
	uint32_t	source;
	int64_t		first;			/* given pairs: order[first .. last) */
	int64_t		last;
	bool		single;			/* they are one and the same pair */
	bool		found;			/* single: there is a path */
	int64_t		overflow;		/* node whose distance is out of range, or -1 */
} lane;

struct rk_path_pairs
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	rk_path_pairs_params params;
	rk_path_lengths lengths;
	bool		may_overflow;
	uint64_t   *order;			/* given pairs, from << 32 | to, sorted */
	int64_t		next;			/* first pair or source not yet in a batch */
	rk_path_scratch *scratch;	/* per thread */
	lane	   *lanes;
	int			max_lanes;
	int			used_lanes;		/* of this batch */
	int			lane;			/* rows come from this one */
	int64_t		position;		/* in its pairs, or its touched nodes */
	rk_path_rows rows;
	int64_t		path_capacity;
	uint32_t   *found_hops;		/* by pair, of the engine; NULL: it has not been used */
	double	   *found_distance; /* with lengths */
};

/* Sorts the pairs by (from, to); bytes that are the same in all are skipped. */
static rk_status
sort_pairs(rk_ctx *ctx, uint64_t *keys, int64_t count)
{
	uint64_t   *from = keys;
	uint64_t   *to = rk_alloc(ctx, count, sizeof(uint64_t));
	uint64_t   *spare = to;

	if (spare == NULL)
		return RK_ERR_MEMORY;
	for (int shift = 0; shift < 64; shift += 8)
	{
		int64_t		at[256] = {0};
		int64_t		sum = 0;
		uint64_t   *swap;

		for (int64_t i = 0; i < count; i++)
			at[from[i] >> shift & 255]++;
		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (at[from[0] >> shift & 255] == count)
			continue;
		for (int d = 0; d < 256; d++)
		{
			int64_t		n = at[d];

			at[d] = sum;
			sum += n;
		}
		for (int64_t i = 0; i < count; i++)
		{
			if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
				return RK_STOPPED;
			to[at[from[i] >> shift & 255]++] = from[i];
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, sizeof(uint64_t) * count);
	rk_free(ctx, spare);
	return RK_OK;
}

/* Checks the given pairs and puts them in order. */
static rk_status
take_pairs(rk_path_pairs *p)
{
	const rk_path_pairs_params *params = &p->params;

	p->order = rk_alloc(p->ctx, params->count, sizeof(uint64_t));
	if (p->order == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < params->count; i++)
	{
		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(p->ctx))
			return RK_STOPPED;
		if (params->from[i] >= p->g->nodes || params->to[i] >= p->g->nodes)
			return rk_fail(p->ctx, RK_ERR_PARAMETER, "pair names a node that is not in the graph");
		p->order[i] = (uint64_t) params->from[i] << 32 | params->to[i];
	}
	return params->count > 0 ? sort_pairs(p->ctx, p->order, params->count) : RK_OK;
}

/*
 * Has the engine find all pairs.  found_hops is NULL afterwards where there is
 * none, or it did not.
 */
static rk_status
use_engine(rk_path_pairs *p)
{
	rk_ctx	   *ctx = p->ctx;
	int64_t		count = p->params.count;
	rk_path_pairs_work work = {.graph = p->g,.count = count,.max_distance = p->params.max_distance};
	uint32_t   *sources = rk_alloc(ctx, count, sizeof(uint32_t));
	uint32_t   *number = rk_alloc(ctx, count, sizeof(uint32_t));
	uint32_t   *target = rk_alloc(ctx, count, sizeof(uint32_t));

	work.hops = rk_alloc(ctx, count, sizeof(uint32_t));
	if (!sources || !number || !target || !work.hops ||
		(p->g->out.weights && (work.distance = rk_alloc(ctx, count, sizeof(double))) == NULL))
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	source = (uint32_t) (p->order[i] >> 32);

		if ((i & POLL_MASK) == POLL_MASK && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (i == 0 || sources[work.source_count - 1] != source)
			sources[work.source_count++] = source;
		number[i] = (uint32_t) (work.source_count - 1);
		target[i] = (uint32_t) p->order[i];
	}
	work.sources = sources;
	work.number = number;
	work.target = target;
	if (p->params.engine(p->params.engine_arg, &work))
	{
		p->found_hops = work.hops;
		p->found_distance = work.distance;
	}
	else
	{
		rk_free(ctx, work.hops);
		rk_free(ctx, work.distance);
	}
	rk_free(ctx, sources);
	rk_free(ctx, number);
	rk_free(ctx, target);
	return RK_OK;
}

/* Whether searches from both ends may happen. */
static bool
searches_pairs(const rk_path_pairs *p)
{
	return p->params.from && p->g->in.offsets && p->lengths.min >= 0 && !p->may_overflow;
}

/* How many lanes a run has: a few for every thread. */
static int
lane_count(int64_t nodes, int threads)
{
	int64_t		each = (INT64_C(1) << 21) / (nodes + 1);

	return threads * (int) (each < 2 ? 2 : each > 16 ? 16 : each);
}

/* Makes lanes, and what threads search with. */
static rk_status
make_lanes(rk_path_pairs *p)
{
	rk_ctx	   *ctx = p->ctx;
	const rk_graph *g = p->g;
	bool		weighted = g->out.weights != NULL;

	p->max_lanes = p->lengths.min < 0 ? 1 : lane_count(g->nodes, ctx->threads);
	p->lanes = rk_alloc0(ctx, p->max_lanes, sizeof(lane));
	p->scratch = rk_alloc0(ctx, ctx->threads, sizeof(rk_path_scratch));
	if (!p->lanes || !p->scratch)
		return RK_ERR_MEMORY;
	for (int i = 0; i < p->max_lanes; i++)
		if (rk_graph_path_tree_make(ctx, g->nodes, weighted, &p->lanes[i].tree) != RK_OK)
			return RK_ERR_MEMORY;
	for (int t = 0; t < ctx->threads; t++)
		if (rk_graph_path_scratch_make(ctx, g->nodes, weighted, searches_pairs(p),
									   rk_graph_path_buckets(g, &p->lengths),
									   &p->scratch[t]) != RK_OK)
			return RK_ERR_MEMORY;
	return RK_OK;
}

rk_status
rk_graph_shortest_path_pairs_begin(rk_ctx *ctx, const rk_graph *g,
								   const rk_path_pairs_params *params,
								   rk_path_pairs **pairs)
{
	rk_path_pairs *p = rk_alloc0(ctx, 1, sizeof(*p));
	rk_status	status;

	*pairs = NULL;
	if (p == NULL)
		return RK_ERR_MEMORY;
	p->ctx = ctx;
	p->g = g;
	p->params = *params;
	if ((status = rk_graph_path_lengths(ctx, g, &p->lengths)) != RK_OK)
		return status;
	p->may_overflow = g->out.weights && params->max_distance == INFINITY &&
		rk_path_may_overflow(&p->lengths, g->nodes);
	if (params->from && (status = take_pairs(p)) != RK_OK)
		return status;

	if (params->engine && params->from && params->count > 0 && !params->paths && p->lengths.min >= 0 &&
		!p->may_overflow && (status = use_engine(p)) != RK_OK)
		return status;
	if (p->found_hops == NULL && (status = make_lanes(p)) != RK_OK)
		return status;
	p->rows.source = rk_alloc(ctx, ROWS, sizeof(uint32_t));
	p->rows.target = rk_alloc(ctx, ROWS, sizeof(uint32_t));
	p->rows.distance = rk_alloc(ctx, ROWS, sizeof(double));
	p->rows.hops = rk_alloc(ctx, ROWS, sizeof(int64_t));
	if (!p->rows.source || !p->rows.target || !p->rows.distance || !p->rows.hops)
		return RK_ERR_MEMORY;
	if (params->paths)
	{
		p->path_capacity = PATH_NODES;
		p->rows.path_offsets = rk_alloc(ctx, ROWS + 1, sizeof(int64_t));
		p->rows.path = rk_alloc(ctx, p->path_capacity, sizeof(uint32_t));
		if (!p->rows.path_offsets || !p->rows.path)
			return RK_ERR_MEMORY;
	}
	rk_phase(ctx, "searching", params->from ? params->count : g->nodes);
	*pairs = p;
	return RK_OK;
}

void
rk_graph_shortest_path_pairs_end(rk_path_pairs *p)
{
	rk_ctx	   *ctx = p->ctx;

	for (int i = 0; i < p->max_lanes; i++)
		rk_graph_path_tree_free(ctx, &p->lanes[i].tree);
	for (int t = 0; p->scratch && t < ctx->threads; t++)
		rk_graph_path_scratch_free(ctx, &p->scratch[t]);
	rk_free(ctx, p->found_hops);
	rk_free(ctx, p->found_distance);
	rk_free(ctx, p->order);
	rk_free(ctx, p->lanes);
	rk_free(ctx, p->scratch);
	rk_free(ctx, p->rows.source);
	rk_free(ctx, p->rows.target);
	rk_free(ctx, p->rows.distance);
	rk_free(ctx, p->rows.hops);
	rk_free(ctx, p->rows.path_offsets);
	rk_free(ctx, p->rows.path);
	rk_free(ctx, p);
}

/* Gives tasks to the lanes, as many as there are. */
static void
fill_lanes(rk_path_pairs *p)
{
	bool		few_allowed = searches_pairs(p);

	p->used_lanes = 0;
	p->lane = 0;
	p->position = 0;
	while (p->used_lanes < p->max_lanes)
	{
		lane	   *l = &p->lanes[p->used_lanes];
		int64_t		end = p->next;
		int64_t		targets = 0;
		uint32_t	source;

		l->overflow = -1;
		l->found = false;
		l->single = false;
		if (!p->params.from)
		{
			if (p->next >= p->g->nodes)
				break;
			l->source = (uint32_t) p->next++;
			p->used_lanes++;
			continue;
		}
		if (p->next >= p->params.count)
			break;

		/* the targets of the next source, if they are many: count no further */
		source = (uint32_t) (p->order[end] >> 32);
		while (end < p->params.count && p->order[end] >> 32 == source &&
			   targets <= FEW_TARGETS)
		{
			targets += end == p->next || p->order[end] != p->order[end - 1];
			end++;
		}
		l->source = source;
		l->first = p->next;
		l->single = few_allowed && targets <= FEW_TARGETS;
		for (end = p->next + 1; end < p->params.count && p->order[end] >> 32 == source; end++)
			if (l->single && p->order[end] != p->order[p->next])
				break;
		l->last = end;
		p->next = end;
		p->used_lanes++;
	}
}

/* Puts the touched nodes of a lane in order. */
static void
sort_touched(rk_path_tree *tree, uint64_t *bits, int64_t nodes)
{
	int64_t		to = 0;

	for (int64_t i = 0; i < tree->count; i++)
		bits[tree->touched[i] >> 6] |= UINT64_C(1) << (tree->touched[i] & 63);
	for (int64_t w = 0; w <= nodes / 64; w++)
	{
		for (uint64_t m = bits[w]; m != 0; m &= m - 1)
			tree->touched[to++] = (uint32_t) (w * 64 + __builtin_ctzll(m));
		bits[w] = 0;
	}
}

static void
run_lanes(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rk_path_pairs *p = arg;
	rk_path_scratch *s = &p->scratch[thread];

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		lane	   *l = &p->lanes[i];
		int64_t		wanted = 0;

		rk_graph_path_tree_clear(&l->tree, p->g->nodes);
		if (l->single)
		{
			if (!rk_graph_path_search_pair(p->ctx, thread, p->g, l->source,
										   (uint32_t) p->order[l->first],
										   p->params.max_distance, s, &l->tree, &l->found))
				return;
			continue;
		}
		if (p->order && !p->may_overflow)
		{
			for (int64_t k = l->first; k < l->last; k++)
			{
				uint32_t	v = (uint32_t) p->order[k];

				wanted += !(s->wanted[v >> 6] >> (v & 63) & 1);
				s->wanted[v >> 6] |= UINT64_C(1) << (v & 63);
			}
		}
		if (!rk_graph_path_search(p->ctx, thread, p->g, l->source, p->params.max_distance,
								  wanted, s, &l->tree))
			return;
		if (wanted > 0)
			for (int64_t k = l->first; k < l->last; k++)
				s->wanted[(uint32_t) p->order[k] >> 6] = 0;
		if (p->order == NULL)
			sort_touched(&l->tree, s->wanted, p->g->nodes);
		if (p->may_overflow)
			l->overflow = rk_graph_path_overflow(p->g, &l->tree);
	}
}

/* Runs the one lane there is when lengths are negative. */
static rk_status
run_negative(rk_path_pairs *p)
{
	rk_path_tree *tree = &p->lanes[0].tree;
	rk_status	status;

	status = rk_graph_path_labels(p->ctx, p->g, p->lanes[0].source, p->params.max_distance,
								  RK_PATH_AUTO, &p->lengths, NULL, tree->distance,
								  tree->label, tree->touched);
	tree->count = 0;
	for (int64_t v = 0; v < p->g->nodes && status == RK_OK; v++)
		if (tree->label[v] != RK_PATH_UNSEEN && tree->distance[v] <= p->params.max_distance)
			tree->touched[tree->count++] = (uint32_t) v;
	return status;
}

/* Runs the next batch; used_lanes is 0 when there is none. */
static rk_status
next_batch(rk_path_pairs *p)
{
	rk_status	status;

	rk_progress(p->ctx, p->next);
	fill_lanes(p);
	if (p->used_lanes == 0)
		return RK_OK;
	if (p->lengths.min < 0)
		return run_negative(p);
	if ((status = rk_parallel_for(p->ctx, p->used_lanes, 1, run_lanes, p)) != RK_OK)
		return status;
	for (int i = 0; i < p->used_lanes; i++)
		if (p->lanes[i].overflow >= 0)
			return rk_fail_node(p->ctx, RK_ERR_OVERFLOW, p->lanes[i].overflow,
								"distance of node %%node is out of range");
	return RK_OK;
}

/* Makes room for a path; false when the rows at hand must go first. */
static rk_status
make_room(rk_path_pairs *p, int64_t used, int64_t nodes, bool *room)
{
	rk_path_rows *rows = &p->rows;
	uint32_t   *path;

	*room = used + nodes <= p->path_capacity;
	if (*room || rows->count > 0)
		return RK_OK;
	path = rk_realloc(p->ctx, rows->path, nodes + PATH_NODES, sizeof(uint32_t));
	if (path == NULL)
		return RK_ERR_MEMORY;
	rows->path = path;
	p->path_capacity = nodes + PATH_NODES;
	*room = true;
	return RK_OK;
}

/* Appends the row of lane l for one target, unless there is no room. */
static rk_status
put_row(rk_path_pairs *p, const lane *l, uint32_t target, bool *room)
{
	rk_path_rows *rows = &p->rows;
	uint64_t	label = l->tree.label[target];
	int64_t		hops = rk_path_hops(label);
	int64_t		i = rows->count;

	*room = true;
	if (p->params.paths)
	{
		int64_t		at = i == 0 ? 0 : rows->path_offsets[i];
		uint32_t	v = target;
		rk_status	status = make_room(p, at, hops + 1, room);

		if (status != RK_OK || !*room)
			return status;
		rows->path_offsets[i] = at;
		rows->path_offsets[i + 1] = at + hops + 1;
		for (int64_t k = at + hops; k > at; k--)
		{
			rows->path[k] = v;
			v = (uint32_t) l->tree.label[v];
		}
		rows->path[at] = v;
	}
	rows->source[i] = l->source;
	rows->target[i] = target;
	rows->distance[i] = l->tree.distance ? l->tree.distance[target] : (double) hops;
	rows->hops[i] = hops;
	rows->count++;
	return RK_OK;
}

/* Whether the lane has a path to target that is wanted. */
static bool
has_path(const rk_path_pairs *p, const lane *l, uint32_t target)
{
	if (l->single)
		return l->found;
	if (l->tree.label[target] == RK_PATH_UNSEEN)
		return false;
	return l->tree.distance == NULL ? rk_path_hops(l->tree.label[target]) <= p->params.max_distance :
		l->tree.distance[target] <= p->params.max_distance;
}

/* Appends rows of the lane in hand; *full when they no longer fit. */
static rk_status
read_lane(rk_path_pairs *p, bool *full)
{
	lane	   *l = &p->lanes[p->lane];
	int64_t		end = p->order ? l->last - l->first : l->tree.count;
	rk_status	status;

	for (; p->position < end; p->position++)
	{
		uint32_t	target = p->order ? (uint32_t) p->order[l->first + p->position] :
			l->tree.touched[p->position];
		bool		room;

		if ((p->position & POLL_MASK) == POLL_MASK && rk_ctx_poll(p->ctx))
			return RK_STOPPED;
		if ((*full = p->rows.count == ROWS))
			return RK_OK;
		if (p->order ? !has_path(p, l, target) : target == l->source)
			continue;
		status = put_row(p, l, target, &room);
		if (status != RK_OK || (*full = !room))
			return status;
	}
	return RK_OK;
}

/* Appends rows of what the engine has found. */
static rk_status
read_found(rk_path_pairs *p)
{
	rk_path_rows *rows = &p->rows;

	for (; p->next < p->params.count && rows->count < ROWS; p->next++)
	{
		int64_t		i = rows->count;
		uint32_t	hops = p->found_hops[p->next];

		if ((p->next & POLL_MASK) == POLL_MASK && rk_ctx_poll(p->ctx))
			return RK_STOPPED;
		if (hops == RK_NO_NODE)
			continue;
		rows->source[i] = (uint32_t) (p->order[p->next] >> 32);
		rows->target[i] = (uint32_t) p->order[p->next];
		rows->distance[i] = p->found_distance ? p->found_distance[p->next] : (double) hops;
		rows->hops[i] = hops;
		rows->count++;
	}
	rk_progress(p->ctx, p->next);
	return RK_OK;
}

rk_status
rk_graph_shortest_path_pairs_next(rk_path_pairs *p, rk_path_rows *rows)
{
	bool		full = false;
	rk_status	status;

	p->rows.count = 0;
	if (p->found_hops)
	{
		status = read_found(p);
		*rows = p->rows;
		return status;
	}
	while (!full)
	{
		if (p->lane == p->used_lanes)
		{
			if ((status = next_batch(p)) != RK_OK)
				return status;
			if (p->used_lanes == 0)
				break;
		}
		if ((status = read_lane(p, &full)) != RK_OK)
			return status;
		if (!full)
		{
			p->lane++;
			p->position = 0;
		}
	}
	*rows = p->rows;
	return RK_OK;
}

int64_t
rk_graph_shortest_path_pairs_memory(int64_t nodes, bool weighted, int threads,
									const rk_path_pairs_params *params)
{
	int64_t		bytes = params->from ? (params->engine ? 32 : 16) * params->count : 0;

	bytes += lane_count(nodes, threads) * rk_graph_path_tree_memory(nodes, weighted);
	bytes += threads * (rk_graph_path_scratch_memory(nodes, weighted, params->from != NULL) + 65536);
	if (params->paths)
		bytes += 4 * nodes;
	return bytes + 65536 * 8;
}

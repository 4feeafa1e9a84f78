/*
 * betweenness_centrality.c
 *	  Betweenness of nodes and of edges from searches from all sources or a
 *	  sample of them.
 *
 * The searches run on a reduced copy of the graph (betweenness_fold.c), one
 * source to a thread (betweenness_search.c).
 *
 * Nodes: sources are cut into blocks by their number alone.  A block is worked
 * off by one thread into a row of sums of its own, and the rows are added to
 * the total in the order of the blocks.  Blocks that are ahead wait in a window
 * of a few rows; see block_window.
 *
 * Edges: a row of sums would be as large as the graph.  Here the searches of a
 * group of sources leave their counts and coefficients behind; then every arc
 * adds up its own share over the group, in the order of the sources, all arcs
 * in parallel.
 */
#include "betweenness.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "../../compute/random.h"

#define POLL_NODES 0xffff		/* serial loops look at the stop flag this often */
#define BLOCK_SOURCES 64
#define MAX_BLOCKS 1024			/* adding a row costs O(n), however small the searches */
#define WAIT_NS 1000000
#define ARC_CHUNK (1 << 17)
#define SLOTS_PER_THREAD 4		/* searches of one group, edge form */

/* ---- which sources ---- */

typedef struct sampled_node
{
	uint64_t	hash;
	uint32_t	node;
} sampled_node;

/* Puts e in place of the greatest of the heap, or lets it sink from position i. */
static void
heap_sink(sampled_node *heap, int64_t count, int64_t i, sampled_node e)
{
	for (;;)
	{
		int64_t		child = 2 * i + 1;

		if (child + 1 < count && heap[child + 1].hash > heap[child].hash)
			child++;
		if (child >= count || heap[child].hash <= e.hash)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = e;
}

/* h is one-to-one for a given seed, so that no two nodes tie. */
rk_status
rk_graph_sample_nodes(rk_ctx *ctx, int64_t n, int64_t count, uint64_t seed,
					  uint32_t *nodes)
{
	sampled_node *heap;

	if (count > n)
		count = n;
	heap = rk_alloc(ctx, count, sizeof(sampled_node));
	if (heap == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		sampled_node e = {rk_hash2(seed, v), v};

		if ((v & POLL_NODES) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (v < count)
			heap[v] = e;
		if (v == count - 1)
		{
			for (int64_t i = count / 2; i >= 0; i--)
				heap_sink(heap, count, i, heap[i]);
		}
		else if (v >= count && e.hash < heap[0].hash)
			heap_sink(heap, count, 0, e);
	}
	for (int64_t left = count; left > 0; left--)
	{
		if ((left & POLL_NODES) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		nodes[left - 1] = heap[0].node;
		heap_sink(heap, left - 1, 0, heap[left - 1]);
	}
	rk_free(ctx, heap);
	return RK_OK;
}

/* ---- what both forms share ---- */

typedef struct betweenness_run
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	const rk_betweenness_params *params;
	bool		all;			/* every node is a source */
	rk_path_core core;
	rk_path_search *searches;
	uint32_t   *sources;		/* core nodes to search from */
	int64_t		source_count;
	uint32_t   *sampled;		/* nodes drawn; NULL: all */
	uint32_t   *reach;			/* [core]: nodes found, those folded included,
								 * by the search from there */
	uint32_t   *beyond;			/* [node]: the same, folded nodes too; see spread */
	_Atomic int64_t finished;	/* sources */
	_Atomic int failure;		/* rk_path_failure */
} betweenness_run;

/* Every length must be positive, or the number of paths is not defined. */
static rk_status
check_lengths(rk_ctx *ctx, const rk_graph *g)
{
	if (g->out.weights == NULL)
		return RK_OK;
	for (int64_t v = 0; v < g->nodes; v++)
	{
		if ((v & 0xfff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t j = g->out.offsets[v]; j < g->out.offsets[v + 1]; j++)
			if (!(g->out.weights[j] > 0))
				return rk_fail_node(ctx, RK_ERR_DATA, v,
									"length of an edge of node %%node is not positive");
	}
	return RK_OK;
}

static bool
uses_all_sources(int64_t n, const rk_betweenness_params *params)
{
	return params->samples == 0 || params->samples >= n;
}

/* Builds the copy to search, the searches and the list of sources. */
static rk_status
prepare(betweenness_run *r, int64_t *used)
{
	rk_ctx	   *ctx = r->ctx;
	int64_t		n = r->g->nodes;
	int64_t		nodes;
	rk_status	status;

	r->all = uses_all_sources(n, r->params);
	*used = r->all ? n : r->params->samples;
	if (!r->all)
	{
		r->sampled = rk_alloc(ctx, *used, sizeof(uint32_t));
		if (r->sampled == NULL)
			return RK_ERR_MEMORY;
		status = rk_graph_sample_nodes(ctx, n, *used, r->params->seed, r->sampled);
		if (status != RK_OK)
			return status;
	}
	status = rk_path_core_build(ctx, r->g, r->all, r->params->engine != NULL, &r->core);
	if (status != RK_OK)
		return status;
	nodes = r->core.graph.nodes;
	r->searches = rk_path_search_create(ctx, &r->core.graph,
										r->g->directed ? NULL : r->core.core_mass);
	r->sources = rk_alloc(ctx, r->all ? nodes : *used, sizeof(uint32_t));
	r->reach = rk_alloc0(ctx, nodes, sizeof(uint32_t));
	if (!r->searches || !r->sources || !r->reach)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < (r->all ? nodes : *used); i++)
	{
		uint32_t	u = r->all ? i : r->core.core_of[r->sampled[i]];

		if (u != RK_NO_NODE && rk_degree(&r->core.graph.out, u) > 0)
			r->sources[r->source_count++] = u;
	}
	return RK_OK;
}

/* How many nodes, folded ones included, the search found beside its source. */
static uint32_t
count_reached(const rk_path_search *s)
{
	uint32_t	sum = 0;

	if (s->mass == NULL)
		return s->reached - 1;
	for (int64_t i = 1; i < s->reached; i++)
		sum += s->mass[s->order[i]];
	return sum;
}

static double
source_mass(const betweenness_run *r, uint32_t source)
{
	return r->core.core_mass ? r->core.core_mass[source] : 1;
}

/* Leaves word that this search cannot go on. */
static void
give_up(betweenness_run *r, const rk_path_search *s)
{
	if (s->failure)
		atomic_store(&r->failure, s->failure);
}

static void
count_finished(betweenness_run *r, int thread)
{
	int64_t		finished = atomic_fetch_add_explicit(&r->finished, 1, memory_order_relaxed);

	if (thread == 0)
		rk_progress(r->ctx, finished + 1);
}

/*
 * Sets beyond: with direction, the number of nodes that can be reached from
 * the node; without, the number of nodes in its component that are not folded
 * into it.  Folded nodes have it from what they are folded into, which is
 * listed after them.
 */
static rk_status
spread(betweenness_run *r)
{
	const rk_path_core *core = &r->core;

	r->beyond = rk_alloc(r->ctx, r->g->nodes, sizeof(uint32_t));
	if (r->beyond == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < r->g->nodes; v++)
	{
		if ((v & POLL_NODES) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		r->beyond[v] = core->core_of[v] == RK_NO_NODE ? 0 : r->reach[core->core_of[v]];
	}
	for (int64_t i = core->folded_count - 1; i >= 0; i--)
	{
		uint32_t	v = core->folded[i];
		uint32_t	p = core->parent[v];

		if ((i & POLL_NODES) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		r->beyond[v] = r->g->directed ? r->beyond[p] + 1 :
			r->beyond[p] + core->mass[p] - core->mass[v];
	}
	return RK_OK;
}

static void
finish(betweenness_run *r)
{
	rk_path_core_free(r->ctx, &r->core);
	rk_path_search_free(r->ctx, r->searches);
	rk_free(r->ctx, r->sources);
	rk_free(r->ctx, r->sampled);
	rk_free(r->ctx, r->reach);
	rk_free(r->ctx, r->beyond);
}

/*
 * Has another engine make all searches, for nodes or edges; false: there is
 * none, or it did not.
 */
static bool
use_engine(betweenness_run *r, bool edges, double *total)
{
	const rk_betweenness_params *p = r->params;

	return p->engine && r->source_count > 0 &&
		p->engine(p->engine_arg, &(rk_betweenness_work) {
			.graph = &r->core.graph,
			.edges = edges,
			.sources = r->sources,
			.count = r->source_count,
			.source_mass = r->core.core_mass,
			.mass = r->g->directed ? NULL : r->core.core_mass,
			.extra = !edges && p->endpoints ? 1 : 0,
			.total = total,
			.reach = r->reach
		});
}

/* ---- nodes ---- */

/*
 * Rows of sums for blocks that are under way.  Block b uses row b % rows, and
 * may begin once b < merged + rows: the row's last user has then been added to
 * the total.  The oldest block can always begin, so nobody waits for ever.
 */
typedef struct block_window
{
	pthread_mutex_t mutex;		/* protects what follows */
	pthread_cond_t moved;		/* merged has grown */
	int64_t		merged;			/* blocks [0, merged) are in the total */
	bool	   *done;			/* [rows]: complete, not yet added */
	bool		merging;		/* a thread is adding rows */

	int			rows;
	int64_t		nodes;
	double	   *sums;			/* [rows][nodes], 0 where free */
	double	   *total;
} block_window;

typedef struct node_state
{
	betweenness_run *r;
	double		extra;			/* added at every node found, with endpoints */
	block_window window;
} node_state;

/* Returns the row for a block, or NULL when the run is to stop. */
static double *
begin_block(node_state *state, int64_t block, int thread)
{
	block_window *w = &state->window;
	bool		stop = false;

	pthread_mutex_lock(&w->mutex);
	while (block >= w->merged + w->rows && !stop)
	{
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000)
		{
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&w->moved, &w->mutex, &until);
		stop = rk_chunk_should_stop(state->r->ctx, thread) ||
			atomic_load(&state->r->failure);
	}
	pthread_mutex_unlock(&w->mutex);
	return stop ? NULL : w->sums + w->nodes * (block % w->rows);
}

/* Marks a block complete and adds all rows whose turn has come. */
static void
end_block(node_state *state, int64_t block)
{
	block_window *w = &state->window;

	pthread_mutex_lock(&w->mutex);
	w->done[block % w->rows] = true;
	if (!w->merging)
	{
		w->merging = true;
		while (w->done[w->merged % w->rows])
		{
			double	   *row = w->sums + w->nodes * (w->merged % w->rows);

			pthread_mutex_unlock(&w->mutex);
			for (int64_t u = 0; u < w->nodes; u++)
			{
				w->total[u] += row[u];
				row[u] = 0;
			}
			pthread_mutex_lock(&w->mutex);
			w->done[w->merged % w->rows] = false;
			w->merged++;
			pthread_cond_broadcast(&w->moved);
		}
		w->merging = false;
	}
	pthread_mutex_unlock(&w->mutex);
}

static void
search_block(void *arg, int64_t begin, int64_t end, int64_t block, int thread)
{
	node_state *state = arg;
	betweenness_run *r = state->r;
	rk_path_search *s = &r->searches[thread];
	double	   *sum;

	if (atomic_load(&r->failure) || (sum = begin_block(state, block, thread)) == NULL)
		return;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	u = r->sources[i];

		if (!rk_path_count(s, u, RK_NO_NODE) ||
			!rk_path_dependencies(s, source_mass(r, u), state->extra, sum))
		{
			give_up(r, s);
			return;
		}
		r->reach[u] = count_reached(s);
		rk_path_clear(s);
		count_finished(r, thread);
	}
	end_block(state, block);
}

/* Runs all searches; total: [core nodes], the sum of the dependencies. */
static rk_status
sum_dependencies(betweenness_run *r, double *total)
{
	node_state	state = {.r = r,.extra = r->params->endpoints ? 1 : 0};
	block_window *w = &state.window;
	int64_t		block = r->source_count / BLOCK_SOURCES;
	rk_status	status;

	if (block < 1)
		block = 1;
	if (block > BLOCK_SOURCES)
		block = BLOCK_SOURCES;
	if (block < r->source_count / MAX_BLOCKS)
		block = r->source_count / MAX_BLOCKS;
	w->nodes = r->core.graph.nodes;
	w->total = total;
	w->rows = r->ctx->threads == 1 ? 1 : 2 * r->ctx->threads;
	w->done = rk_alloc0(r->ctx, w->rows, sizeof(bool));
	w->sums = rk_alloc0(r->ctx, w->nodes * w->rows, sizeof(double));
	if (!w->done || !w->sums)
		return RK_ERR_MEMORY;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->moved, NULL);
	status = rk_parallel_for(r->ctx, r->source_count, block, search_block, &state);
	pthread_cond_destroy(&w->moved);
	pthread_mutex_destroy(&w->mutex);
	if (atomic_load(&r->failure))
		return rk_path_fail(r->ctx, atomic_load(&r->failure));
	rk_free(r->ctx, w->done);
	rk_free(r->ctx, w->sums);
	return status;
}

/*
 * The pairs of a node that no search has counted: those separated by the node
 * because at least one of them is folded into it, and, with endpoints, those
 * that begin at it or end at it after beginning at a node folded into it.
 */
static double
uncounted_pairs(const betweenness_run *r, int64_t v)
{
	const rk_path_core *core = &r->core;
	uint64_t	inner = core->mass ? core->mass[v] - 1 : 0;
	double		beyond = r->beyond[v];
	double		pairs = 0;

	if (inner > 0)
	{
		if (r->g->directed)
			pairs = inner * beyond;
		else
			pairs = (double) (inner * inner - core->squares[v]) + 2.0 * inner * beyond;
	}
	if (r->params->endpoints)
	{
		pairs += inner + beyond;
		if (!r->g->directed)
		{
			pairs += inner;
			/* no search has found a folded node */
			if (core->parent && core->parent[v] != RK_NO_NODE)
				pairs += beyond;
		}
	}
	return pairs;
}

/* Ordered pairs of nodes that a path over a node (or an edge) can join. */
static double
count_pairs(int64_t n, bool ends)
{
	return ends ? (double) n * (n - 1) : (double) (n - 1) * (n - 2);
}

/*
 * What sums over ordered pairs are divided by: the pairs if normalized, else
 * 2 where each undirected pair was counted twice.
 */
static double
pair_divisor(const rk_graph *g, const rk_betweenness_params *params, bool ends)
{
	if (params->normalized)
		return count_pairs(g->nodes, ends);
	return g->directed ? 1 : 2;
}

static rk_status
score_nodes(betweenness_run *r, const double *total, double *score)
{
	int64_t		n = r->g->nodes;
	int64_t		k = r->params->samples;
	bool		ends = r->params->endpoints;
	double		divisor = pair_divisor(r->g, r->params, ends);
	double		factor = r->all ? 1 : (double) (ends ? n : n - 1) / k;

	for (int64_t v = 0; v < n; v++)
	{
		uint32_t	u = r->core.core_of[v];
		double		pairs = uncounted_pairs(r, v);

		if ((v & POLL_NODES) == 0 && rk_ctx_poll(r->ctx))
			return RK_STOPPED;
		if (u != RK_NO_NODE)
			pairs += total[u];
		/* of two nodes, or one, no pair is left that could count */
		score[v] = pairs == 0 ? 0 : pairs * factor / divisor;
	}
	if (!r->all && !ends)
	{
		/* a node was no source of the pairs that it could lie between */
		for (int64_t i = 0; i < k; i++)
			score[r->sampled[i]] *= k == 1 ? 0 : (double) k / (k - 1);
	}
	return RK_OK;
}

/* Scores from sampled paths. */
static rk_status
estimate_nodes(rk_ctx *ctx, const rk_graph *g, const rk_betweenness_params *params,
			   double *score, int64_t *used)
{
	int64_t		n = g->nodes;
	bool		ends = params->endpoints;
	double		scale;
	rk_status	status;

	if (n < (ends ? 2 : 3))
	{
		memset(score, 0, sizeof(double) * n);
		return RK_OK;
	}
	/* shares are of all pairs, scores of those that can have v between them */
	scale = count_pairs(n, true) / count_pairs(n, ends);
	status = rk_path_sample(ctx, g, false, ends, params->epsilon / scale, params, score, used);
	if (!params->normalized)
		scale = count_pairs(n, true) / pair_divisor(g, params, ends);
	for (int64_t v = 0; v < n && status == RK_OK; v++)
		score[v] *= scale;
	return status;
}

rk_status
rk_graph_betweenness_centrality(rk_ctx *ctx, const rk_graph *g,
								const rk_betweenness_params *params,
								double *score, int64_t *used)
{
	betweenness_run r = {.ctx = ctx,.g = g,.params = params};
	double	   *total;
	rk_status	status;

	*used = 0;
	if ((status = check_lengths(ctx, g)) != RK_OK)
		return status;
	if (params->epsilon > 0)
		return estimate_nodes(ctx, g, params, score, used);
	if ((status = prepare(&r, used)) != RK_OK)
		return status;
	total = rk_alloc0(ctx, r.core.graph.nodes, sizeof(double));
	if (total == NULL)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "searching", r.source_count);
	if (!use_engine(&r, false, total) && (status = sum_dependencies(&r, total)) != RK_OK)
		return status;
	if ((status = spread(&r)) != RK_OK ||
		(status = score_nodes(&r, total, score)) != RK_OK)
		return status;
	rk_free(ctx, total);
	finish(&r);
	return RK_OK;
}

/* ---- edges ---- */

/* What the search from one source of the group has left behind. */
typedef struct edge_slot
{
	double	   *paths;			/* 0: not reached */
	double	   *coefficient;
	uint32_t   *rank;			/* level; with weights, place in the order */
	double	   *distance;		/* with weights */
	double		mass;			/* sources that the search stands for */
} edge_slot;

typedef struct edge_state
{
	betweenness_run *r;
	edge_slot  *slots;
	int64_t		first;			/* of the sources in this group */
	int64_t		group;			/* how many there are */
	double	   *total;			/* [arcs of the core] */
} edge_state;

/* Searches from the sources [begin, end) of the group and fills their slots. */
static void
search_for_slot(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	edge_state *state = arg;
	betweenness_run *r = state->r;
	rk_path_search *s = &r->searches[thread];

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		edge_slot  *slot = &state->slots[i];
		uint32_t	source = r->sources[state->first + i];
		int64_t		level = 0;
		const double *coefficient;

		if (atomic_load(&r->failure))
			return;
		if (!rk_path_count(s, source, RK_NO_NODE))
		{
			give_up(r, s);
			return;
		}
		slot->mass = source_mass(r, source);
		memset(slot->paths, 0, sizeof(double) * r->core.graph.nodes);
		for (int64_t j = 0; j < s->reached; j++)
		{
			uint32_t	v = s->order[j];

			slot->paths[v] = -s->paths[v];
			if (s->distance)
			{
				slot->distance[v] = s->distance[v];
				slot->rank[v] = j;
			}
			else
			{
				if (j == s->level_begin[level + 1])
					level++;
				slot->rank[v] = level;
			}
		}
		if (!rk_path_dependencies(s, 0, 0, NULL))
		{
			give_up(r, s);
			return;
		}
		coefficient = rk_path_coefficients(s);
		for (int64_t j = 0; j < s->reached; j++)
			slot->coefficient[s->order[j]] = coefficient[s->order[j]];
		r->reach[source] = count_reached(s);
		rk_path_clear(s);
		count_finished(r, thread);
	}
}

/*
 * Adds the shares of the group to the arcs of the rows [begin, end): an arc
 * (v, w) that shortest paths use carries paths(v) * coefficient(w).
 */
static void
add_arcs(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	edge_state *state = arg;
	const rk_adjacency *out = &state->r->core.graph.out;
	rk_path_search *s = &state->r->searches[thread];

	(void) chunk;
	for (int64_t i = 0; i < state->group; i++)
	{
		const edge_slot *slot = &state->slots[i];

		for (int64_t v = begin; v < end; v++)
		{
			double		paths = slot->mass * slot->paths[v];
			int64_t		last = out->offsets[v + 1];

			if (paths == 0)
				continue;
			if (!rk_path_spend(s, last - out->offsets[v] + 1))
				return;
			if (slot->distance)
			{
				double		so_far = slot->distance[v];

				for (int64_t j = out->offsets[v]; j < last; j++)
				{
					uint32_t	w = out->neighbors[j];

					if (slot->distance[w] == so_far + out->weights[j] &&
						slot->rank[w] > slot->rank[v])
						state->total[j] += paths * slot->coefficient[w];
				}
			}
			else
			{
				uint32_t	next = slot->rank[v] + 1;

				for (int64_t j = out->offsets[v]; j < last; j++)
				{
					uint32_t	w = out->neighbors[j];

					if (slot->rank[w] == next)
						state->total[j] += paths * slot->coefficient[w];
				}
			}
		}
	}
}

/* Runs all searches; total: [arcs of the core], the sum of the shares. */
static rk_status
sum_arcs(betweenness_run *r, double *total)
{
	rk_ctx	   *ctx = r->ctx;
	edge_state	state = {.r = r,.total = total};
	int64_t		n = r->core.graph.nodes;
	int			count = SLOTS_PER_THREAD * ctx->threads;
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	state.slots = rk_alloc0(ctx, count, sizeof(edge_slot));
	bounds = rk_graph_chunks(ctx, n, r->core.graph.out.offsets, ARC_CHUNK, &chunks);
	if (!state.slots || !bounds)
		return RK_ERR_MEMORY;
	for (int i = 0; i < count; i++)
	{
		edge_slot  *slot = &state.slots[i];

		slot->paths = rk_alloc(ctx, n, sizeof(double));
		slot->coefficient = rk_alloc(ctx, n, sizeof(double));
		slot->rank = rk_alloc(ctx, n, sizeof(uint32_t));
		if (!slot->paths || !slot->coefficient || !slot->rank)
			return RK_ERR_MEMORY;
		if (r->core.graph.out.weights &&
			(slot->distance = rk_alloc(ctx, n, sizeof(double))) == NULL)
			return RK_ERR_MEMORY;
	}
	for (; state.first < r->source_count; state.first += state.group)
	{
		state.group = r->source_count - state.first;
		if (state.group > count)
			state.group = count;
		status = rk_parallel_for(ctx, state.group, 1, search_for_slot, &state);
		if (atomic_load(&r->failure))
			return rk_path_fail(ctx, atomic_load(&r->failure));
		if (status != RK_OK ||
			(status = rk_parallel_ranges(ctx, bounds, chunks, add_arcs, &state)) != RK_OK)
			return status;
	}
	for (int i = 0; i < count; i++)
	{
		rk_free(ctx, state.slots[i].paths);
		rk_free(ctx, state.slots[i].coefficient);
		rk_free(ctx, state.slots[i].rank);
		rk_free(ctx, state.slots[i].distance);
	}
	rk_free(ctx, state.slots);
	rk_free(ctx, bounds);
	return RK_OK;
}

typedef struct score_state
{
	const betweenness_run *r;
	const double *total;
	double	   *score;
	double		factor;
	double		divisor;
} score_state;

/* The entry of node w in the row of core node u, which holds it. */
static int64_t
find_entry(const rk_path_core *core, uint32_t u, uint32_t w)
{
	const rk_adjacency *out = &core->graph.out;
	int64_t		low = out->offsets[u];
	int64_t		high = out->offsets[u + 1] - 1;

	/* rows of the copy keep the order of the nodes they stand for */
	while (low < high)
	{
		int64_t		mid = low + (high - low) / 2;

		if (core->original[out->neighbors[mid]] < w)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
score_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	score_state *state = arg;
	const betweenness_run *r = state->r;
	const rk_path_core *core = &r->core;
	const rk_adjacency *out = &r->g->out;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		uint32_t	u = core->core_of[v];
		int64_t		at = u == RK_NO_NODE ? 0 : core->graph.out.offsets[u];

		if (!rk_path_spend(&r->searches[thread], 8 * (rk_degree(out, v) + 1)))
			return;
		for (int64_t j = out->offsets[v]; j < out->offsets[v + 1]; j++)
		{
			uint32_t	w = out->neighbors[j];
			double		pairs;

			if (u != RK_NO_NODE && core->core_of[w] != RK_NO_NODE)
			{
				pairs = state->total[at++];
				if (!r->g->directed)
					pairs += state->total[find_entry(core, core->core_of[w], v)];
			}
			else
			{
				/* every path from one side of it to the other */
				uint32_t	leaf = core->parent[v] == w ? v : w;

				pairs = (double) core->mass[leaf] * r->beyond[leaf];
				if (!r->g->directed)
					pairs *= 2;
			}
			state->score[j] = pairs * state->factor / state->divisor;
		}
	}
}

/* Scores from sampled paths. */
static rk_status
estimate_edges(rk_ctx *ctx, const rk_graph *g, const rk_betweenness_params *params,
			   double *score, int64_t *used)
{
	rk_status	status;
	double		scale;

	if (g->arcs == 0)
		return RK_OK;
	status = rk_path_sample(ctx, g, true, false, params->epsilon, params, score, used);
	if (params->normalized || status != RK_OK)
		return status;
	scale = count_pairs(g->nodes, true) / pair_divisor(g, params, true);
	for (int64_t j = 0; j < g->arcs; j++)
		score[j] *= scale;
	return RK_OK;
}

rk_status
rk_graph_betweenness_centrality_edges(rk_ctx *ctx, const rk_graph *g,
									  const rk_betweenness_params *params,
									  double *score, int64_t *used)
{
	betweenness_run r = {.ctx = ctx,.g = g,.params = params};
	score_state state = {.r = &r,.score = score};
	int64_t    *bounds;
	int64_t		chunks;
	double	   *total;
	rk_status	status;

	*used = 0;
	if ((status = check_lengths(ctx, g)) != RK_OK)
		return status;
	if (params->epsilon > 0)
		return estimate_edges(ctx, g, params, score, used);
	if ((status = prepare(&r, used)) != RK_OK)
		return status;
	total = rk_alloc0(ctx, r.core.graph.arcs, sizeof(double));
	bounds = rk_graph_chunks(ctx, g->nodes, g->out.offsets, ARC_CHUNK, &chunks);
	if (!total || !bounds)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "searching", r.source_count);
	if ((!use_engine(&r, true, total) && (status = sum_arcs(&r, total)) != RK_OK) ||
		(status = spread(&r)) != RK_OK)
		return status;
	state.total = total;
	state.factor = r.all ? 1 : (double) g->nodes / params->samples;
	state.divisor = pair_divisor(g, params, true);
	status = rk_parallel_ranges(ctx, bounds, chunks, score_rows, &state);
	if (status != RK_OK)
		return status;
	rk_free(ctx, total);
	rk_free(ctx, bounds);
	finish(&r);
	return RK_OK;
}

int64_t
rk_graph_betweenness_memory(int64_t nodes, int64_t arcs, bool directed, bool weighted,
							bool edges, int threads, const rk_betweenness_params *params)
{
	bool		all = uses_all_sources(nodes, params);
	int64_t		row = weighted ? sizeof(uint32_t) + sizeof(double) : sizeof(uint32_t);
	int64_t		copy;
	int64_t		lists;
	int64_t		sums;

	if (params->epsilon > 0)
		return rk_path_sample_memory(nodes, arcs, weighted, threads, edges);
	copy = (nodes + 1) * sizeof(int64_t) + arcs * row;
	/* both directions are copied as rk_path_core_build does it */
	if (directed && (!weighted || params->engine))
		copy *= 2;

	/* original, core_of, degree or sources, reach, beyond; of folding */
	lists = 5 * nodes * sizeof(uint32_t);
	if (all)
		lists += nodes * (4 * sizeof(uint32_t) + (directed ? 0 : sizeof(uint64_t)));
	else
		lists += params->samples * (sizeof(sampled_node) + 2 * sizeof(uint32_t));
	if (edges)
		sums = arcs * sizeof(double) + (int64_t) SLOTS_PER_THREAD * threads * nodes *
			(2 * sizeof(double) + sizeof(uint32_t) + (weighted ? sizeof(double) : 0));
	else
		sums = nodes * sizeof(double) * (1 + (threads == 1 ? 1 : 2 * threads));
	return copy + lists + sums + threads * rk_path_search_memory(nodes, weighted);
}

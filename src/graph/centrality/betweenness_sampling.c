/*
 * betweenness_sampling.c
 *	  Betweenness within a given error from sampled shortest paths: KADABRA
 *	  (Borassi and Natale 2016).
 *
 * A sample is an ordered pair of nodes drawn at random and one of its shortest
 * paths drawn at random; the share of samples whose path runs over a node
 * estimates the node's share of all pairs.  Sampling stops as soon as every
 * node's share is known well enough:
 *
 * 1. At most limit samples are ever needed.  Either by the VC dimension of the
 *	  paths (Riondato and Kornaropoulos 2016), which wants a bound on their
 *	  length and has one on undirected graphs without weights; or by Hoeffding's
 *	  bound for every node, whichever is less.  Half of delta is spent on this.
 * 2. limit / 100 samples tell how large the shares are about, so that the
 *	  other half of delta can be divided among the nodes: a node on many paths
 *	  needs more samples for the same error and is given more.
 * 3. Fresh samples are drawn until for every node both bounds of the paper,
 *	  f below and g above the share, are at most epsilon.
 *
 * A path is found by two searches that grow from both ends, always the one
 * with fewer arcs before it, until they meet.  With weights it is Dijkstra's
 * algorithm from one end.
 *
 * Every sample draws from h(seed, phase, sample number, draw number), samples
 * are counted in integers, and the bounds are looked at after a number of
 * samples that depends on that number alone: neither threads nor chunks matter.
 */
#include "betweenness.h"

#include <math.h>
#include <string.h>

#include "../../compute/random.h"
#include "sampling_steps.h"

#define VC_CONSTANT 0.5			/* Loeffler and Phillips 2009 */
#define SAMPLE_CHUNK 16
#define POLL_NODES 0xffff

/* The scratch space of one thread, for graphs without weights. */
typedef struct pair_search
{
	/*
	 * Which search has seen a node, and when: 1 + level from the source,
	 * minus that from the target, 0 not seen.
	 */
	int32_t    *mark;
	double	   *paths;			/* number of shortest paths from its end */
	uint32_t   *order;			/* from the source: from the front on; from
								 * the target: from the back */
} pair_search;

/* One of the two searches. */
typedef struct half_search
{
	const rk_adjacency *forward;	/* the way it grows */
	const rk_adjacency *back;	/* the way back to its end */
	int			sign;			/* of its marks; also its way through order */
	int64_t		begin;			/* last level: count nodes from here on */
	int64_t		count;
	int32_t		level;
	int64_t		arcs;			/* that leave the last level */
} half_search;

typedef struct sample_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	bool		edges;
	bool		ends;
	uint64_t	chain;			/* hash of seed and phase */
	int64_t		first;			/* number of the round's first sample */
	rk_path_search *searches;	/* with weights */
	rk_path_search *budgets;	/* one for each thread: budget and failure */
	pair_search *pairs;			/* without */
	_Atomic int64_t *hits;		/* [elements] */
	_Atomic int failure;		/* rk_path_failure */
} sample_state;

/* ---- one sample ---- */

typedef struct draws
{
	uint64_t	chain;
	uint64_t	count;
} draws;

static inline double
draw(draws *d)
{
	return rk_uniform(rk_hash_fold(d->chain, d->count++));
}

static inline void
hit(sample_state *s, int64_t element)
{
	atomic_fetch_add_explicit(&s->hits[element], 1, memory_order_relaxed);
}

/* The entry of w in the row of v, which holds it. */
static int64_t
find_entry(const rk_adjacency *a, uint32_t v, uint32_t w)
{
	int64_t		low = a->offsets[v];
	int64_t		high = a->offsets[v + 1] - 1;

	while (low < high)
	{
		int64_t		mid = low + (high - low) / 2;

		if (a->neighbors[mid] < w)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Counts the step of a path from v to w. */
static void
hit_edge(sample_state *s, uint32_t v, uint32_t w)
{
	if (!s->g->directed && w < v)
		hit(s, find_entry(&s->g->out, w, v));
	else
		hit(s, find_entry(&s->g->out, v, w));
}

/*
 * Grows h by one level.  Returns the number of shortest paths that the two
 * searches make together once they meet, 0 before that, and -1 to stop.
 *
 * The other search is complete up to its last level, so an arc into it leads
 * there: one into an earlier level would have made its tail seen by both.
 */
static double
grow(pair_search *p, half_search *h, rk_path_search *budget)
{
	int32_t		next = h->sign * (h->level + 2);
	double		met = 0;
	int64_t		end = h->begin + h->sign * h->count;
	int64_t		to = end;

	h->arcs = 0;
	for (int64_t i = h->begin; i != end; i += h->sign)
	{
		uint32_t	v = p->order[i];
		int64_t		last = h->forward->offsets[v + 1];

		if (!rk_path_spend(budget, 4 * (last - h->forward->offsets[v] + 1)))
			return -1;
		for (int64_t j = h->forward->offsets[v]; j < last; j++)
		{
			uint32_t	w = h->forward->neighbors[j];

			if (p->mark[w] == 0)
			{
				p->mark[w] = next;
				p->paths[w] = p->paths[v];
				p->order[to] = w;
				to += h->sign;
				h->arcs += rk_degree(h->forward, w);
			}
			else if (p->mark[w] == next)
				p->paths[w] += p->paths[v];
			else if ((p->mark[w] < 0) != (h->sign < 0))
				met += p->paths[v] * p->paths[w];
		}
	}
	h->begin = end;
	h->count = (to - end) * h->sign;
	h->level++;
	return met;
}

/*
 * Draws the arc at which the searches met, h being the one that grew last,
 * from the count nodes at begin: *near on its side, *far on the other.
 */
static void
draw_meeting(const pair_search *p, const half_search *h, int64_t begin, int64_t count,
			 double met, draws *d, uint32_t *near, uint32_t *far)
{
	double		rest = draw(d) * met;

	for (int64_t i = begin; i != begin + h->sign * count; i += h->sign)
	{
		uint32_t	v = p->order[i];

		for (int64_t j = h->forward->offsets[v]; j < h->forward->offsets[v + 1]; j++)
		{
			uint32_t	w = h->forward->neighbors[j];

			if (p->mark[w] == 0 || (p->mark[w] < 0) == (h->sign < 0))
				continue;
			/* if rounding leaves a rest after the last one, it is that one */
			*near = v;
			*far = w;
			rest -= p->paths[v] * p->paths[w];
			if (rest < 0)
				return;
		}
	}
}

/* Counts the way from v back to the end of h, v included unless it is the end. */
static void
walk_back(sample_state *s, const pair_search *p, const half_search *h, uint32_t v,
		  draws *d)
{
	while (p->mark[v] != h->sign)
	{
		int32_t		previous = p->mark[v] - h->sign;
		double		rest = draw(d) * p->paths[v];
		uint32_t	u = v;

		for (int64_t j = h->back->offsets[v]; j < h->back->offsets[v + 1]; j++)
		{
			uint32_t	x = h->back->neighbors[j];

			if (p->mark[x] != previous)
				continue;
			u = x;
			rest -= p->paths[x];
			if (rest < 0)
				break;
		}
		if (!s->edges)
			hit(s, v);
		else if (h->sign > 0)
			hit_edge(s, u, v);
		else
			hit_edge(s, v, u);
		v = u;
	}
}

/* Samples a path from source to target.  False: stop. */
static bool
sample_by_levels(sample_state *s, pair_search *p, rk_path_search *budget,
				 uint32_t source, uint32_t target, draws *d)
{
	const rk_graph *g = s->g;
	int64_t		n = g->nodes;
	half_search half[2] = {
		{.forward = &g->out,.back = &g->in,.sign = 1,.begin = 0,.count = 1,
			.arcs = rk_degree(&g->out, source)},
		{.forward = &g->in,.back = &g->out,.sign = -1,.begin = n - 1,.count = 1,
			.arcs = rk_degree(&g->in, target)}
	};
	half_search *h = NULL;
	double		met = 0;
	int64_t		begin = 0;
	int64_t		count = 0;

	p->order[0] = source;
	p->order[n - 1] = target;
	p->mark[source] = 1;
	p->mark[target] = -1;
	p->paths[source] = p->paths[target] = 1;
	while (met == 0 && half[0].count > 0 && half[1].count > 0)
	{
		h = &half[half[0].arcs <= half[1].arcs ? 0 : 1];
		begin = h->begin;
		count = h->count;
		met = grow(p, h, budget);
	}
	if (isinf(met))
		budget->failure = RK_PATHS_COUNT;
	else if (met > 0)
	{
		uint32_t	near = source;
		uint32_t	far = target;

		draw_meeting(p, h, begin, count, met, d, &near, &far);
		if (s->edges)
			h->sign > 0 ? hit_edge(s, near, far) : hit_edge(s, far, near);
		walk_back(s, p, h, near, d);
		walk_back(s, p, h == half ? half + 1 : half, far, d);
		if (s->ends)
		{
			hit(s, source);
			hit(s, target);
		}
	}
	if (met < 0 || budget->failure)
		return false;
	for (int64_t i = 0; i < half[0].begin + half[0].count; i++)
		p->mark[p->order[i]] = 0;
	for (int64_t i = n - 1; i > half[1].begin - half[1].count; i--)
		p->mark[p->order[i]] = 0;
	return true;
}

/* The same with weights. */
static bool
sample_by_distance(sample_state *s, rk_path_search *search, uint32_t source,
				   uint32_t target, draws *d)
{
	const rk_adjacency *in = &s->g->in;
	uint32_t	v = target;

	if (!rk_path_count(search, source, target))
		return false;
	if (isinf(search->paths[target]))
	{
		search->failure = RK_PATHS_COUNT;
		return false;
	}
	while (search->paths[target] < 0 && v != source)
	{
		double		rest = draw(d) * -search->paths[v];
		uint32_t	u = v;

		for (int64_t j = in->offsets[v]; j < in->offsets[v + 1]; j++)
		{
			uint32_t	x = in->neighbors[j];

			if (search->paths[x] >= 0 || search->place[x] >= search->place[v] ||
				search->distance[x] + in->weights[j] != search->distance[v])
				continue;
			u = x;
			rest += search->paths[x];
			if (rest < 0)
				break;
		}
		if (s->edges)
			hit_edge(s, u, v);
		else if (v != target)
			hit(s, v);
		v = u;
	}
	if (s->ends && search->paths[target] < 0)
	{
		hit(s, source);
		hit(s, target);
	}
	rk_path_clear(search);
	return true;
}

static void
sample_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	sample_state *s = arg;
	rk_path_search *budget = s->searches ? &s->searches[thread] : &s->budgets[thread];
	int64_t		n = s->g->nodes;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		draws		d = {rk_hash_fold(s->chain, s->first + i), 0};
		uint32_t	source = draw(&d) * n;
		uint32_t	target = draw(&d) * (n - 1);

		target += target >= source;
		if (atomic_load_explicit(&s->failure, memory_order_relaxed))
			return;
		if (!(s->searches ? sample_by_distance(s, budget, source, target, &d) :
			  sample_by_levels(s, &s->pairs[thread], budget, source, target, &d)))
		{
			if (budget->failure)
				atomic_store(&s->failure, budget->failure);
			return;
		}
	}
}

/* Draws the samples [first, first + count) of a phase. */
static rk_status
draw_samples(sample_state *s, int64_t first, int64_t count)
{
	rk_status	status;

	s->first = first;
	status = rk_parallel_for(s->ctx, count, SAMPLE_CHUNK, sample_chunk, s);
	if (atomic_load(&s->failure))
		return rk_path_fail(s->ctx, atomic_load(&s->failure));
	return status;
}

/* ---- how many samples ---- */

/*
 * Sets *length to a bound on the number of nodes on a shortest path: in every
 * component twice the greatest distance from one of its nodes, plus 1.  The
 * first node taken is the one with most edges, which lies in the middle.
 */
static rk_status
bound_length(rk_ctx *ctx, const rk_graph *g, rk_path_search *search, int64_t *length)
{
	int64_t		n = g->nodes;
	uint32_t   *level = rk_alloc0(ctx, n, sizeof(uint32_t));
	uint32_t   *order = rk_alloc(ctx, n, sizeof(uint32_t));
	uint32_t	hub = 0;

	if (!level || !order)
		return RK_ERR_MEMORY;
	for (int64_t v = 1; v < n; v++)
		if (rk_degree(&g->out, v) > rk_degree(&g->out, hub))
			hub = v;
	*length = 1;
	for (int64_t i = -1; i < n; i++)
	{
		uint32_t	start = i < 0 ? hub : i;
		int64_t		count = 1;

		if (level[start] != 0)
			continue;
		level[start] = 1;
		order[0] = start;
		for (int64_t k = 0; k < count; k++)
		{
			uint32_t	v = order[k];

			if (!rk_path_spend(search, 4 * (rk_degree(&g->out, v) + 1)))
				return RK_STOPPED;
			for (int64_t j = g->out.offsets[v]; j < g->out.offsets[v + 1]; j++)
			{
				uint32_t	w = g->out.neighbors[j];

				if (level[w] == 0)
				{
					level[w] = level[v] + 1;
					order[count++] = w;
				}
			}
		}
		if (2 * (int64_t) level[order[count - 1]] - 1 > *length)
			*length = 2 * (int64_t) level[order[count - 1]] - 1;
	}
	rk_free(ctx, level);
	rk_free(ctx, order);
	return RK_OK;
}

/* Sets *limit to a number of samples that is enough in any case. */
static rk_status
set_limit(const sample_state *s, int64_t elements, int64_t length, double epsilon,
		  double delta, int64_t *limit)
{
	double		square = epsilon * epsilon;
	double		least = log(4.0 * elements / delta) / (2 * square);

	if (length > 0)
	{
		/* how many elements a path has at most, and the VC dimension of that */
		int64_t		on_path = s->edges ? length - 1 : s->ends ? length : length - 2;
		double		dimension = 1;
		double		vc;

		for (; on_path > 1; on_path /= 2)
			dimension++;
		vc = VC_CONSTANT / square * (dimension + log(2 / delta));
		least = vc < least ? vc : least;
	}
	if (!(least < 0x1p52))
		return rk_fail(s->ctx, RK_ERR_PARAMETER,
					   "epsilon is too small: more than 4503599627370496 samples are needed");
	*limit = (int64_t) ceil(least);
	return RK_OK;
}

/* Sets what each element may fail with from the hits of so many samples. */
static rk_status
divide_delta(sample_state *s, int64_t elements, int64_t samples, double delta,
			 double *log_delta)
{
	int64_t		most = 0;
	int64_t    *count;
	double	   *by_hits;

	for (int64_t i = 0; i < elements; i++)
	{
		int64_t		hits = atomic_load_explicit(&s->hits[i], memory_order_relaxed);

		if ((i & POLL_NODES) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		most = hits > most ? hits : most;
	}
	count = rk_alloc0(s->ctx, most + 1, sizeof(int64_t));
	by_hits = rk_alloc(s->ctx, most + 1, sizeof(double));
	if (!count || !by_hits)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < elements; i++)
	{
		if ((i & POLL_NODES) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		count[atomic_load_explicit(&s->hits[i], memory_order_relaxed)]++;
	}
	rk_sample_divide_delta(count, most, elements, samples, delta, by_hits);
	for (int64_t i = 0; i < elements; i++)
		log_delta[i] = by_hits[atomic_load_explicit(&s->hits[i], memory_order_relaxed)];
	rk_free(s->ctx, count);
	rk_free(s->ctx, by_hits);
	return RK_OK;
}

/* Draws samples until every element is known; *samples: how many. */
static rk_status
sample_until_known(sample_state *s, int64_t elements, int64_t limit, double epsilon,
				   const double *log_delta, int64_t *samples)
{
	int64_t		i = 0;
	rk_status	status;

	*samples = 0;
	rk_phase(s->ctx, "sampling", limit);
	while (*samples < limit)
	{
		int64_t		round = rk_sample_round(*samples, limit);
		int64_t		known = 0;

		if ((status = draw_samples(s, *samples, round)) != RK_OK)
			return status;
		*samples += round;
		rk_progress(s->ctx, *samples);

		/* once around, beginning with the one that was not known last time */
		while (known < elements &&
			   rk_sample_is_known(atomic_load_explicit(&s->hits[i], memory_order_relaxed), *samples,
								  limit, log_delta[i], epsilon))
		{
			if ((known & POLL_NODES) == 0 && rk_ctx_poll(s->ctx))
				return RK_STOPPED;
			i = i + 1 == elements ? 0 : i + 1;
			known++;
		}
		if (known == elements)
			break;
	}
	return RK_OK;
}

/* Makes the scratch space of all threads. */
static rk_status
create_searches(sample_state *s)
{
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = s->g->nodes;

	if (s->g->out.weights)
	{
		s->searches = rk_path_search_create(ctx, s->g, NULL);
		return s->searches ? RK_OK : RK_ERR_MEMORY;
	}
	s->budgets = rk_alloc0(ctx, ctx->threads, sizeof(rk_path_search));
	s->pairs = rk_alloc0(ctx, ctx->threads, sizeof(pair_search));
	if (!s->budgets || !s->pairs)
		return RK_ERR_MEMORY;
	for (int t = 0; t < ctx->threads; t++)
	{
		s->budgets[t].ctx = ctx;
		s->budgets[t].thread = t;
		s->pairs[t].mark = rk_alloc0(ctx, n, sizeof(int32_t));
		s->pairs[t].paths = rk_alloc(ctx, n, sizeof(double));
		s->pairs[t].order = rk_alloc(ctx, n, sizeof(uint32_t));
		if (!s->pairs[t].mark || !s->pairs[t].paths || !s->pairs[t].order)
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

static void
free_searches(sample_state *s)
{
	if (s->searches)
	{
		rk_path_search_free(s->ctx, s->searches);
		return;
	}
	for (int t = 0; t < s->ctx->threads; t++)
	{
		rk_free(s->ctx, s->pairs[t].mark);
		rk_free(s->ctx, s->pairs[t].paths);
		rk_free(s->ctx, s->pairs[t].order);
	}
	rk_free(s->ctx, s->pairs);
	rk_free(s->ctx, s->budgets);
}

/* Draws all samples that are needed; *samples: how many these are. */
static rk_status
sample_here(sample_state *s, int64_t elements, int64_t limit, double epsilon,
			const rk_betweenness_params *params, int64_t *samples)
{
	int64_t		first = limit / RK_SAMPLE_FIRST_SHARE + 1;
	double	   *log_delta = rk_alloc(s->ctx, elements, sizeof(double));
	rk_status	status;

	if (log_delta == NULL)
		return RK_ERR_MEMORY;
	s->chain = rk_hash2(params->seed, 0);
	if ((status = draw_samples(s, 0, first)) != RK_OK ||
		(status = divide_delta(s, elements, first, params->delta, log_delta)) != RK_OK)
		return status;
	for (int64_t i = 0; i < elements; i++)
		atomic_store_explicit(&s->hits[i], 0, memory_order_relaxed);
	s->chain = rk_hash2(params->seed, 1);
	status = sample_until_known(s, elements, limit, epsilon, log_delta, samples);
	if (status == RK_OK)
		rk_free(s->ctx, log_delta);
	return status;
}

/* Has another engine draw them; false: there is none, or it did not. */
static bool
use_sampler(sample_state *s, int64_t elements, int64_t limit, double epsilon,
			const rk_betweenness_params *params, int64_t *samples)
{
	int64_t    *hits;

	if (!params->sampler)
		return false;
	hits = rk_alloc(s->ctx, elements, sizeof(int64_t));
	if (hits == NULL || !params->sampler(params->engine_arg, &(rk_betweenness_sampling) {
			.graph = s->g,
			.edges = s->edges,
			.ends = s->ends,
			.epsilon = epsilon,
			.delta = params->delta,
			.seed = params->seed,
			.limit = limit,
			.hits = hits,
			.samples = samples
		}))
		return false;
	for (int64_t i = 0; i < elements; i++)
		atomic_store_explicit(&s->hits[i], hits[i], memory_order_relaxed);
	rk_free(s->ctx, hits);
	return true;
}

rk_status
rk_path_sample(rk_ctx *ctx, const rk_graph *g, bool edges, bool ends, double epsilon,
			   const rk_betweenness_params *params, double *share, int64_t *pairs)
{
	sample_state s = {.ctx = ctx,.g = g,.edges = edges,.ends = ends};
	int64_t		elements = edges ? g->arcs : g->nodes;
	int64_t		length = 0;
	int64_t		limit = 0;
	rk_status	status;

	if ((status = create_searches(&s)) != RK_OK)
		return status;
	s.hits = rk_alloc0(ctx, elements, sizeof(*s.hits));
	if (s.hits == NULL)
		return RK_ERR_MEMORY;
	if (!g->directed && s.pairs &&
		(status = bound_length(ctx, g, &s.budgets[0], &length)) != RK_OK)
		return status;
	if ((status = set_limit(&s, elements, length, epsilon, params->delta, &limit)) != RK_OK)
		return status;

	rk_phase(ctx, "sampling", limit);
	if (!use_sampler(&s, elements, limit, epsilon, params, pairs) &&
		(status = sample_here(&s, elements, limit, epsilon, params, pairs)) != RK_OK)
		return status;
	for (int64_t i = 0; i < elements; i++)
		share[i] = (double) atomic_load_explicit(&s.hits[i], memory_order_relaxed) / *pairs;
	if (edges && !g->directed)
	{
		/* counted at the entry of the smaller end */
		for (int64_t v = 0; v < g->nodes; v++)
		{
			if ((v & 0xfff) == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			for (int64_t j = g->out.offsets[v];
				 j < g->out.offsets[v + 1] && g->out.neighbors[j] < v; j++)
				share[j] = share[find_entry(&g->out, g->out.neighbors[j], v)];
		}
	}
	free_searches(&s);
	rk_free(ctx, (void *) s.hits);
	return RK_OK;
}

int64_t
rk_path_sample_memory(int64_t nodes, int64_t arcs, bool weighted, int threads, bool edges)
{
	int64_t		elements = edges ? arcs : nodes;
	int64_t		search = weighted ? rk_path_search_memory(nodes, true) :
		nodes * (int64_t) (sizeof(int32_t) + sizeof(double) + sizeof(uint32_t));
	int64_t		bound = weighted ? 0 : 2 * nodes * sizeof(uint32_t);

	return elements * 2 * sizeof(double) + bound + threads * search;
}

/*
 * label_propagation.c
 *	  Every node takes the label that most of its neighbours have.
 *
 * Semi-synchronous: nodes are coloured so that neighbours differ, and the
 * classes take turns; all nodes of a class decide at once, which is the same as
 * one after the other.  Only nodes around which a label changed decide again.
 * Labels are numbers below the number of nodes; the caller's own are replaced
 * by their rank, so that their order stays.
 */
#include "louvain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "../../compute/random.h"

#define PARALLEL_WORK 8192		/* less is done by one thread */
#define NODE_CHUNK 512
#define BUCKETS 65536
#define POLL_WORK 262144

typedef struct propagation
{
	louvain_state s;			/* level, sums and communities */
	const rk_label_params *params;
	uint32_t   *label;			/* RK_NO_NODE: none yet */
	uint32_t   *next;			/* cdlp: of the next round; else by place in list */
	uint64_t   *rank;			/* by label: the smaller wins a tie */
	const bool *fixed;
	uint32_t   *list;			/* nodes that decide */
	int64_t		labels;			/* different ones */
	int64_t		changes;
} propagation;

/* ---- one decision ---- */

/* The best label around v; its own if that is as good and ties keep it. */
static inline uint32_t
decide(const propagation *p, uint32_t v, double *sum, uint32_t *touched, bool keep)
{
	const louvain_level *l = p->s.level;
	uint32_t	best = RK_NO_NODE;
	double		most = 0;
	int64_t		count = 0;

	for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
	{
		uint32_t	u = l->neighbors[e];
		uint32_t	c = p->label[u];
		double		w = l->weights ? l->weights[e] : 1;

		if (u == v || c == RK_NO_NODE || w == 0)
			continue;
		touched[count] = c;
		count += sum[c] == 0;
		sum[c] += w;
	}
	if (keep && p->label[v] != RK_NO_NODE && sum[p->label[v]] > 0)
	{
		best = p->label[v];
		most = sum[best];
		for (int64_t t = 0; t < count; t++)
			if (sum[touched[t]] > most)
				keep = false;
		if (!keep)
		{
			best = RK_NO_NODE;
			most = 0;
		}
	}
	else
		keep = false;
	for (int64_t t = 0; t < count; t++)
	{
		uint32_t	c = touched[t];

		if (!keep && (sum[c] > most || (sum[c] == most &&
										(p->rank ? p->rank[c] < p->rank[best] ||
										 (p->rank[c] == p->rank[best] && c < best) : c < best))))
		{
			best = c;
			most = sum[c];
		}
		sum[c] = 0;
	}
	return best == RK_NO_NODE ? p->label[v] : best;
}

/* All nodes, into next. */
static void
decide_all(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	propagation *p = arg;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
		p->next[v] = p->fixed && p->fixed[v] ? p->label[v] :
			decide(p, (uint32_t) v, p->s.sum[thread], p->s.touched[thread], false);
}

/* Those of the list, into next by place. */
static void
decide_listed(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	propagation *p = arg;
	const louvain_level *l = p->s.level;

	(void) chunk;
	for (int64_t at = begin; at < end; at++)
	{
		uint32_t	v = p->list[at];
		uint32_t	c = decide(p, v, p->s.sum[thread], p->s.touched[thread], true);

		p->next[at] = c;
		if (c == p->label[v])
			continue;
		for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
			if (p->label[l->neighbors[e]] != c)
				__atomic_store_n(&p->s.active[l->neighbors[e]], 1, __ATOMIC_RELAXED);
	}
}

/* ---- colours ---- */

typedef struct hashed
{
	uint64_t	hash;
	uint32_t	node;
} hashed;

/* Falling hash, then rising node. */
static int
compare_hashed(const void *a, const void *b)
{
	const hashed *x = a;
	const hashed *y = b;

	if (x->hash != y->hash)
		return x->hash > y->hash ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* Fills order with the nodes by falling h(seed, 0, node). */
static rk_status
order_by_hash(propagation *p, int64_t n, uint32_t *order)
{
	rk_ctx	   *ctx = p->s.ctx;
	uint64_t	start = rk_hash2(p->params->seed, 0);
	int64_t    *place = rk_alloc0(ctx, BUCKETS + 1, sizeof(int64_t));
	hashed	   *sorted = rk_alloc(ctx, n, sizeof(hashed));
	int64_t		begin = 0;

	if (!place || !sorted)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		place[BUCKETS - 1 - (rk_hash_fold(start, v) >> 48) + 1]++;
	for (int64_t b = 0; b < BUCKETS; b++)
		place[b + 1] += place[b];
	for (int64_t v = 0; v < n; v++)
	{
		uint64_t	hash = rk_hash_fold(start, v);

		sorted[place[BUCKETS - 1 - (hash >> 48)]++] = (hashed) {hash, (uint32_t) v};
	}
	for (int64_t b = 0; b < BUCKETS; b++)
	{
		if ((b & 1023) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (place[b] - begin > 1)
			qsort(sorted + begin, place[b] - begin, sizeof(hashed), compare_hashed);
		begin = place[b];
	}
	for (int64_t i = 0; i < n; i++)
		order[i] = sorted[i].node;
	rk_free(ctx, sorted);
	rk_free(ctx, place);
	return RK_OK;
}

/*
 * Colours the nodes greedily and lists them by colour, then node: the class c
 * is order[start[c]] .. order[start[c + 1]].
 */
static rk_status
colour(propagation *p, uint32_t *order, int64_t **start, int64_t *classes)
{
	rk_ctx	   *ctx = p->s.ctx;
	const louvain_level *l = p->s.level;
	int64_t		n = l->nodes;
	uint32_t   *taken = rk_alloc(ctx, n + 1, sizeof(uint32_t));	/* by whom last */
	uint32_t   *colours = rk_alloc(ctx, n, sizeof(uint32_t));
	int64_t		work = 0;
	rk_status	status = order_by_hash(p, n, order);

	if (status != RK_OK)
		return status;
	*start = rk_alloc0(ctx, n + 2, sizeof(int64_t));
	if (!taken || !colours || !*start)
		return RK_ERR_MEMORY;
	memset(taken, 0xff, sizeof(uint32_t) * (n + 1));
	memset(colours, 0xff, sizeof(uint32_t) * n);
	*classes = 0;
	for (int64_t i = 0; i < n; i++)
	{
		uint32_t	v = order[i];
		uint32_t	c = 0;

		work += louvain_work(l, v);
		if (work > POLL_WORK)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			work = 0;
		}
		for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
		{
			uint32_t	u = l->neighbors[e];

			if (colours[u] != RK_NO_NODE && u != v)
				taken[colours[u]] = v;
		}
		while (taken[c] == v)
			c++;
		colours[v] = c;
		if (c >= *classes)
			*classes = c + 1;
		(*start)[c + 1]++;
	}
	for (int64_t c = 0; c < *classes; c++)
		(*start)[c + 1] += (*start)[c];
	for (int64_t v = 0; v < n; v++)
		order[(*start)[colours[v]]++] = (uint32_t) v;
	for (int64_t c = *classes; c > 0; c--)
		(*start)[c] = (*start)[c - 1];
	(*start)[0] = 0;
	rk_free(ctx, colours);
	rk_free(ctx, taken);
	return RK_OK;
}

/* ---- rounds ---- */

static rk_status
run_semi_synchronous(propagation *p, rk_run *run)
{
	const louvain_level *l = p->s.level;
	rk_ctx	   *ctx = p->s.ctx;
	int64_t		n = l->nodes;
	int64_t    *start;
	int64_t		classes;
	rk_status	status;

	rk_phase(ctx, "colouring", n);
	if ((status = colour(p, p->s.order, &start, &classes)) != RK_OK)
		return status;
	memset(p->s.active, 1, n);
	rk_phase(ctx, "iterating", p->params->max_iterations);
	while (run->iterations < p->params->max_iterations)
	{
		int64_t		polled = 0;

		p->changes = 0;
		for (int64_t c = 0; c < classes; c++)
		{
			int64_t		count = 0;
			int64_t		work = 0;

			polled += start[c + 1] - start[c];
			for (int64_t i = start[c]; i < start[c + 1]; i++)
			{
				uint32_t	v = p->s.order[i];

				p->list[count] = v;
				if (p->s.active[v] && !(p->fixed && p->fixed[v]))
				{
					work += louvain_work(l, v);
					count++;
				}
				p->s.active[v] = 0;
			}
			polled += work;
			if (polled > POLL_WORK)
			{
				if (rk_ctx_poll(ctx))
					return RK_STOPPED;
				polled = 0;
			}
			if (work < PARALLEL_WORK)
				decide_listed(p, 0, count, 0, 0);
			else if ((status = rk_parallel_for(ctx, count, work / count > 256 ? 16 : NODE_CHUNK,
											   decide_listed, p)) != RK_OK)
				return status;
			for (int64_t i = 0; i < count; i++)
			{
				p->changes += p->label[p->list[i]] != p->next[i];
				p->label[p->list[i]] = p->next[i];
			}
		}
		run->iterations++;
		run->residual = (double) p->changes / n;
		rk_progress(ctx, run->iterations);
		rk_progress_iteration(ctx, run->iterations, p->params->max_iterations, run->residual);
		if (p->changes == 0)
		{
			run->converged = true;
			break;
		}
	}
	run->reached_max = !run->converged;
	rk_free(ctx, start);
	return RK_OK;
}

static rk_status
run_cdlp(propagation *p, rk_run *run)
{
	const louvain_level *l = p->s.level;
	rk_ctx	   *ctx = p->s.ctx;
	int64_t		n = l->nodes;
	int64_t		chunks;
	int64_t    *bounds = rk_graph_chunks(ctx, n, l->offsets, 16384, &chunks);

	if (bounds == NULL)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "iterating", p->params->max_iterations);
	while (run->iterations < p->params->max_iterations)
	{
		uint32_t   *swap = p->label;
		rk_status	status = rk_parallel_ranges(ctx, bounds, chunks, decide_all, p);

		if (status != RK_OK)
			return status;
		run->iterations++;
		rk_progress(ctx, run->iterations);
		/* when nothing changes any more, nothing will */
		if (memcmp(p->label, p->next, sizeof(uint32_t) * n) == 0)
			break;
		p->label = p->next;
		p->next = swap;
	}
	run->converged = true;		/* as many rounds as were asked for */
	rk_free(ctx, bounds);
	return RK_OK;
}

/* ---- labels given ---- */

static int
compare_labels(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

rk_status
rk_graph_label_start(rk_ctx *ctx, int64_t n, const int64_t *initial, uint32_t *label, int64_t **values,
					 int64_t *labels)
{
	int64_t    *v = rk_alloc(ctx, n, sizeof(int64_t));
	int64_t		count = 0;
	int64_t		different = 0;

	if (v == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		if (initial[i] >= 0)
			v[count++] = initial[i];
	qsort(v, count, sizeof(int64_t), compare_labels);
	for (int64_t i = 0; i < count; i++)
		if (i == 0 || v[i] != v[different - 1])
			v[different++] = v[i];
	for (int64_t i = 0; i < n; i++)
	{
		const int64_t *found = NULL;

		if (initial[i] >= 0)
			found = bsearch(&initial[i], v, different, sizeof(int64_t), compare_labels);
		label[i] = found ? (uint32_t) (found - v) : RK_NO_NODE;
	}
	*values = v;
	*labels = different;
	return RK_OK;
}

/*
 * Numbers communities by falling size.  Unreached nodes are alone: they get
 * labels that nobody has.  mark: n bytes.
 */
static rk_status
number_labels(louvain_state *s, const uint32_t *label, uint8_t *mark, int64_t *communities)
{
	int64_t		alone = 0;

	memset(mark, 0, s->n);
	for (int64_t v = 0; v < s->n; v++)
		if (label[v] != RK_NO_NODE)
			mark[label[v]] = 1;
	for (int64_t v = 0; v < s->n; v++)
	{
		s->community[v] = label[v];
		if (label[v] != RK_NO_NODE)
			continue;
		while (mark[alone])
			alone++;
		s->community[v] = (uint32_t) alone++;
	}
	return rk_louvain_number(s, s->community, communities);
}

/* What the caller gets: labels of its own, or numbers. */
static void
give_communities(const louvain_state *s, const uint32_t *label, const int64_t *values, int64_t *community)
{
	for (int64_t v = 0; v < s->n; v++)
		community[v] = !values ? s->community[v] : label[v] == RK_NO_NODE ? -1 : values[label[v]];
}

rk_status
rk_graph_label_end(rk_ctx *ctx, int64_t n, const uint32_t *label, const int64_t *values, int64_t *community,
				   int64_t *communities)
{
	louvain_level level = {.nodes = n};
	louvain_state s = {.ctx = ctx,.n = n,.level = &level};
	uint8_t    *mark = rk_alloc(ctx, n, sizeof(uint8_t));
	rk_status	status;

	s.community = rk_alloc(ctx, n, sizeof(uint32_t));
	if (!mark || !s.community)
		return RK_ERR_MEMORY;
	if ((status = number_labels(&s, label, mark, communities)) != RK_OK)
		return status;
	give_communities(&s, label, values, community);
	rk_free(ctx, s.community);
	rk_free(ctx, mark);
	return RK_OK;
}

/* ---- the kernel ---- */

static rk_status
alloc_propagation(propagation *p, int64_t n)
{
	louvain_state *s = &p->s;
	rk_ctx	   *ctx = s->ctx;

	p->label = rk_alloc(ctx, n, sizeof(uint32_t));
	p->next = rk_alloc(ctx, n, sizeof(uint32_t));
	p->list = rk_alloc(ctx, n, sizeof(uint32_t));
	s->order = rk_alloc(ctx, n, sizeof(uint32_t));
	s->active = rk_alloc(ctx, n, sizeof(uint8_t));
	s->community = rk_alloc(ctx, n, sizeof(uint32_t));
	s->size = rk_alloc(ctx, n, sizeof(uint32_t));
	s->out = rk_alloc(ctx, n, sizeof(double));
	s->in = s->directed ? rk_alloc(ctx, n, sizeof(double)) : s->out;
	s->sum = rk_alloc(ctx, ctx->threads, sizeof(void *));
	s->touched = rk_alloc(ctx, ctx->threads, sizeof(uint32_t *));
	if (!p->label || !p->next || !p->list || !s->order || !s->active || !s->community ||
		!s->size || !s->out || !s->in || !s->sum || !s->touched)
		return RK_ERR_MEMORY;
	for (int t = 0; t < ctx->threads; t++)
	{
		s->sum[t] = rk_alloc0(ctx, n, sizeof(double));
		s->touched[t] = rk_alloc(ctx, n + 1, sizeof(uint32_t));
		if (!s->sum[t] || !s->touched[t])
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

rk_status
rk_graph_label_propagation(rk_ctx *ctx, const rk_graph *g, const rk_label_params *params,
						   int64_t *community, rk_label_result *result, rk_run *run)
{
	rk_louvain_params quality = {.resolution = 1};
	propagation p = {.params = params,.labels = g->nodes,.fixed = params->initial ? params->fixed : NULL};
	int64_t		n = g->nodes;
	int64_t    *values = NULL;
	rk_status	status;

	*run = (rk_run) {.iterative = true};
	*result = (rk_label_result) {0};
	if (n == 0)
	{
		run->converged = true;
		return RK_OK;
	}
	p.s = (louvain_state) {.ctx = ctx,.params = &quality,.n = n,.directed = g->directed};
	if ((status = alloc_propagation(&p, n)) != RK_OK ||
		(status = rk_louvain_first_level(&p.s, g)) != RK_OK)
		return status;
	if (isinf(p.s.total))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the weights is too large for double precision");
	p.s.level = &p.s.first;
	if (params->initial)
	{
		if ((status = rk_graph_label_start(ctx, n, params->initial, p.label, &values, &p.labels)) != RK_OK)
			return status;
	}
	else
		for (int64_t v = 0; v < n; v++)
			p.label[v] = (uint32_t) v;
	if (params->variant == RK_LABEL_SEMI_SYNCHRONOUS)
	{
		uint64_t	start = rk_hash2(params->seed, 1);

		p.rank = rk_alloc(ctx, n, sizeof(uint64_t));
		if (p.rank == NULL)
			return RK_ERR_MEMORY;
		/* without labels of the caller a label is its own value */
		for (int64_t c = 0; c < p.labels; c++)
			p.rank[c] = rk_hash_fold(start, values ? values[c] : c);
		status = run_semi_synchronous(&p, run);
	}
	else
		status = run_cdlp(&p, run);
	if (status != RK_OK)
		return status;

	if ((status = number_labels(&p.s, p.label, p.s.active, &result->communities)) != RK_OK ||
		(p.s.total > 0 &&
		 (status = rk_louvain_quality(&p.s, false, &result->modularity)) != RK_OK))
		return status;
	give_communities(&p.s, p.label, values, community);

	for (int t = 0; t < ctx->threads; t++)
	{
		rk_free(ctx, p.s.sum[t]);
		rk_free(ctx, p.s.touched[t]);
	}
	rk_free(ctx, p.s.sum);
	rk_free(ctx, p.s.touched);
	rk_free(ctx, p.rank);
	rk_free(ctx, values);
	rk_louvain_free_level(ctx, &p.s.first);
	if (p.s.in != p.s.out)
		rk_free(ctx, p.s.in);
	rk_free(ctx, p.s.out);
	rk_free(ctx, p.s.size);
	rk_free(ctx, p.s.community);
	rk_free(ctx, p.s.active);
	rk_free(ctx, p.s.order);
	rk_free(ctx, p.list);
	rk_free(ctx, p.next);
	rk_free(ctx, p.label);
	return RK_OK;
}

int64_t
rk_graph_label_propagation_memory(int64_t nodes, int64_t arcs, bool directed, bool weighted,
								  int threads, const rk_label_params *params)
{
	int64_t		node = 33 + 12 * threads;

	(void) weighted;			/* merged rows have weights anyway */
	node += directed ? 40 : 16; /* level 0 */
	if (params->initial)
		node += 8;
	/* ties, and while colouring the order, marks and classes */
	if (params->variant == RK_LABEL_SEMI_SYNCHRONOUS)
		node += 8 + 32;
	return nodes * node + (directed ? 24 * arcs : 0);
}

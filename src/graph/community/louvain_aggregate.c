/*
 * louvain_aggregate.c
 *	  The graph of a level: from the caller's graph, or from the level below.
 *
 * Nodes are sorted by community and cut into pieces by their work, as
 * louvain_turns.h says.  A piece adds up the entries of each of its communities
 * in the order of its nodes and rows; a large community comes in several
 * pieces, whose sums are added in order afterwards.
 */
#include "louvain.h"

#include <stdlib.h>
#include <string.h>

#include "../../compute/parallel.h"

#define SMALL_SIZE 65536		/* see rk_louvain_number */
#define ROW_WORK 65536
#define POLL_MASK ((1 << 18) - 1)

/* ---- level 0 ---- */

typedef struct first_state
{
	const rk_graph *g;
	louvain_level *level;
	int64_t    *count;			/* directed: entries of a merged row */
	double	   *partial;		/* per chunk: strength */
} first_state;

/* Strengths, loops and the number of entries of the merged rows. */
static void
sum_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	first_state *s = arg;
	const rk_graph *g = s->g;
	louvain_level *l = s->level;
	double		total = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		out = 0;
		double		loop = 0;

		if (g->out.weights)
		{
			for (int64_t e = g->out.offsets[v]; e < g->out.offsets[v + 1]; e++)
			{
				out += g->out.weights[e];
				if (g->out.neighbors[e] == v)
					loop += g->out.weights[e];
			}
		}
		else
		{
			int			loops = 0;

			for (int64_t e = g->out.offsets[v]; e < g->out.offsets[v + 1]; e++)
				loops += g->out.neighbors[e] == v;
			loop = loops;
			out = rk_degree(&g->out, v);
		}
		l->loop[v] = loop;
		l->out[v] = g->directed ? out : out + loop;
		total += l->out[v];
		if (g->directed)
		{
			double		in = 0;
			int64_t		a = g->out.offsets[v];
			int64_t		b = g->in.offsets[v];
			int64_t		entries = 0;

			for (int64_t e = b; e < g->in.offsets[v + 1]; e++)
				in += g->in.weights ? g->in.weights[e] : 1;
			l->in[v] = in;
			while (a < g->out.offsets[v + 1] || b < g->in.offsets[v + 1])
			{
				uint32_t	x = a < g->out.offsets[v + 1] ? g->out.neighbors[a] : RK_NO_NODE;
				uint32_t	y = b < g->in.offsets[v + 1] ? g->in.neighbors[b] : RK_NO_NODE;

				a += x <= y;
				b += y <= x;
				entries += (x < y ? x : y) != v;
			}
			s->count[v] = entries;
		}
	}
	s->partial[chunk] = total;
}

/* The rows of a directed graph with both directions added, without loops. */
static void
merge_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	first_state *s = arg;
	const rk_graph *g = s->g;
	louvain_level *l = s->level;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		int64_t		a = g->out.offsets[v];
		int64_t		b = g->in.offsets[v];
		int64_t		at = l->offsets[v];

		while (a < g->out.offsets[v + 1] || b < g->in.offsets[v + 1])
		{
			uint32_t	x = a < g->out.offsets[v + 1] ? g->out.neighbors[a] : RK_NO_NODE;
			uint32_t	y = b < g->in.offsets[v + 1] ? g->in.neighbors[b] : RK_NO_NODE;
			uint32_t	u = x < y ? x : y;
			double		w = 0;

			/* the smaller node first, so that both rows add in one order */
			if (x == u)
				w = g->out.weights ? g->out.weights[a] : 1;
			if (y == u)
				w += g->in.weights ? g->in.weights[b] : 1;
			a += x == u;
			b += y == u;
			if (u == v)
				continue;
			l->neighbors[at] = u;
			l->weights[at++] = w;
		}
	}
}

rk_status
rk_louvain_first_level(louvain_state *s, const rk_graph *g)
{
	rk_ctx	   *ctx = s->ctx;
	louvain_level *level = &s->first;
	int64_t		n = g->nodes;
	int64_t		chunks;
	int64_t    *bounds = rk_graph_chunks(ctx, n, g->out.offsets, ROW_WORK, &chunks);
	first_state f = {.g = g,.level = level};
	rk_status	status;

	*level = (louvain_level) {.nodes = n};
	level->out = rk_alloc(ctx, n, sizeof(double));
	level->in = g->directed ? rk_alloc(ctx, n, sizeof(double)) : level->out;
	level->loop = rk_alloc(ctx, n, sizeof(double));
	if (!bounds || !level->out || !level->in || !level->loop)
		return RK_ERR_MEMORY;
	f.partial = rk_alloc(ctx, chunks, sizeof(double));
	f.count = rk_alloc(ctx, g->directed ? n : 0, sizeof(int64_t));
	if (!f.partial || !f.count)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, bounds, chunks, sum_rows, &f)) != RK_OK)
		return status;
	s->total = rk_sum_chunks(f.partial, chunks);
	if (!g->directed)
	{
		s->total /= 2;
		level->offsets = g->out.offsets;
		level->ends = g->out.offsets + 1;
		level->neighbors = g->out.neighbors;
		level->weights = g->out.weights;
	}
	else
	{
		level->owns_rows = true;
		level->offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
		if (level->offsets == NULL)
			return RK_ERR_MEMORY;
		level->offsets[0] = 0;
		for (int64_t v = 0; v < n; v++)
			level->offsets[v + 1] = level->offsets[v] + f.count[v];
		level->ends = level->offsets + 1;
		level->neighbors = rk_alloc(ctx, level->offsets[n], sizeof(uint32_t));
		level->weights = rk_alloc(ctx, level->offsets[n], sizeof(double));
		if (!level->neighbors || !level->weights)
			return RK_ERR_MEMORY;
		if ((status = rk_parallel_ranges(ctx, bounds, chunks, merge_rows, &f)) != RK_OK)
			return status;
	}
	rk_free(ctx, f.count);
	rk_free(ctx, f.partial);
	rk_free(ctx, bounds);
	return RK_OK;
}

void
rk_louvain_free_level(rk_ctx *ctx, louvain_level *l)
{
	if (l->owns_rows)
	{
		if (l->ends != l->offsets + 1)
			rk_free(ctx, l->ends);
		rk_free(ctx, l->offsets);
		rk_free(ctx, l->neighbors);
		rk_free(ctx, l->weights);
	}
	if (l->in != l->out)
		rk_free(ctx, l->in);
	rk_free(ctx, l->out);
	rk_free(ctx, l->loop);
	rk_free(ctx, l->size);
	rk_free(ctx, l->first);
	*l = (louvain_level) {0};
}

/* ---- numbering ---- */

/* Keys are complement of size << 32 | smallest node. */
static int
compare_keys(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/*
 * Communities are met by rising smallest node.  Sizes below SMALL_SIZE are
 * placed by counting; of the others there are at most n / SMALL_SIZE.
 */
rk_status
rk_louvain_number(louvain_state *s, uint32_t *label, int64_t *count)
{
	const louvain_level *l = s->level;
	rk_ctx	   *ctx = s->ctx;
	int64_t		n = l->nodes;
	uint32_t   *size = rk_alloc0(ctx, n, sizeof(uint32_t));
	uint32_t   *first = rk_alloc(ctx, n, sizeof(uint32_t));
	uint32_t   *met = rk_alloc(ctx, s->n, sizeof(uint32_t));
	int64_t		sizes = s->n + 1 < SMALL_SIZE ? s->n + 1 : SMALL_SIZE;
	int64_t    *place = rk_alloc0(ctx, sizes + 1, sizeof(int64_t));
	uint64_t   *keys = rk_alloc(ctx, s->n / SMALL_SIZE + 1, sizeof(uint64_t));
	int64_t		large = 0;
	int64_t		sum = 0;

	if (!size || !first || !met || !place || !keys)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		uint32_t	c = label[v];
		uint32_t	smallest = l->first ? l->first[v] : (uint32_t) v;

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (size[c] == 0 || smallest < first[c])
			first[c] = smallest;
		size[c] += l->size ? l->size[v] : 1;
	}
	memset(met, 0xff, sizeof(uint32_t) * s->n);
	for (int64_t c = 0; c < n; c++)
	{
		if (size[c] == 0)
			continue;
		met[first[c]] = (uint32_t) c;
		place[size[c] < sizes ? size[c] : sizes]++;
	}
	for (int64_t i = sizes; i > 0; i--)
	{
		int64_t		of_size = place[i];

		place[i] = sum;
		sum += of_size;
	}
	*count = sum;
	/* first becomes the number by label */
	for (int64_t v = 0; v < s->n; v++)
	{
		uint32_t	c = met[v];

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (c == RK_NO_NODE)
			continue;
		if (size[c] < sizes)
			first[c] = (uint32_t) place[size[c]]++;
		else
			keys[large++] = (uint64_t) ~size[c] << 32 | v;
	}
	qsort(keys, large, sizeof(uint64_t), compare_keys);
	for (int64_t i = 0; i < large; i++)
		first[met[(uint32_t) keys[i]]] = (uint32_t) i;
	for (int64_t v = 0; v < n; v++)
		label[v] = first[label[v]];
	rk_free(ctx, keys);
	rk_free(ctx, place);
	rk_free(ctx, met);
	rk_free(ctx, first);
	rk_free(ctx, size);
	return RK_OK;
}

/* ---- the next level ---- */

/* The nodes of one community within one piece. */
typedef struct segment
{
	int64_t		begin;			/* in member */
	int64_t		end;
	int64_t		at;				/* of its entries */
	int64_t		count;			/* entries */
	uint32_t	community;
	uint32_t	first;
	double		inside;
	double		out;
	double		in;
} segment;

typedef struct aggregate_state
{
	louvain_state *s;
	const uint32_t *label;
	louvain_level *next;
	uint32_t   *member;			/* nodes by community */
	segment    *segments;
	int64_t		work;			/* of all nodes */
	int64_t    *split;			/* first segment of every divided community */
	int64_t		splits;
	int64_t		segment_count;
} aggregate_state;

/* Adds up the entries of the segments of a piece. */
static inline __attribute__((always_inline)) void
gather(aggregate_state *a, int64_t begin, int64_t end, int thread, const bool weighted)
{
	louvain_state *s = a->s;
	const louvain_level *l = s->level;
	const uint32_t *label = a->label;
	double	   *sum = s->sum[thread];
	uint32_t   *touched = s->touched[thread];

	for (int64_t g = begin; g < end; g++)
	{
		segment    *p = &a->segments[g];
		int64_t		count = 0;
		double		inside = 0;
		double		loops = 0;
		double		out = 0;
		double		in = 0;
		uint32_t	first = RK_NO_NODE;

		for (int64_t m = p->begin; m < p->end; m++)
		{
			uint32_t	v = a->member[m];
			uint32_t	smallest = l->first ? l->first[v] : v;

			if (m + 1 < p->end)
				__builtin_prefetch(&l->neighbors[l->offsets[a->member[m + 1]]]);
			for (int64_t e = l->offsets[v]; e < l->ends[v]; e++)
			{
				uint32_t	c = label[l->neighbors[e]];
				double		w = weighted ? l->weights[e] : 1;

				if (l->neighbors[e] == v || (weighted && w == 0))
					continue;
				touched[count] = c;
				count += sum[c] == 0;
				sum[c] += w;
			}
			loops += l->loop[v];
			out += l->out[v];
			in += l->in[v];
			if (smallest < first)
				first = smallest;
		}
		p->count = 0;
		for (int64_t t = 0; t < count; t++)
		{
			uint32_t	c = touched[t];

			if (c == p->community)
				inside = sum[c];
			else
			{
				a->next->neighbors[p->at + p->count] = c;
				a->next->weights[p->at + p->count++] = sum[c];
			}
			sum[c] = 0;
		}
		p->inside = loops + inside / 2;
		p->out = out;
		p->in = in;
		p->first = first;
	}
}

static void
gather_pieces(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	aggregate_state *a = arg;

	(void) chunk;
	if (a->s->level->weights)
		gather(a, begin, end, thread, true);
	else
		gather(a, begin, end, thread, false);
}

/* Adds the later segments of divided communities to the first. */
static void
merge_segments(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	aggregate_state *a = arg;
	double	   *sum = a->s->sum[thread];
	uint32_t   *touched = a->s->touched[thread];

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		segment    *p = &a->segments[a->split[i]];
		int64_t		count = 0;
		segment    *q;

		for (q = p; q < a->segments + a->segment_count && q->community == p->community; q++)
		{
			for (int64_t e = q->at; e < q->at + q->count; e++)
			{
				uint32_t	c = a->next->neighbors[e];

				touched[count] = c;
				count += sum[c] == 0;
				sum[c] += a->next->weights[e];
			}
			if (q == p)
				continue;
			p->inside += q->inside;
			p->out += q->out;
			p->in += q->in;
			if (q->first < p->first)
				p->first = q->first;
			q->count = 0;
		}
		/* the segments of a community lie together: there is room */
		p->count = count;
		for (int64_t t = 0; t < count; t++)
		{
			a->next->neighbors[p->at + t] = touched[t];
			a->next->weights[p->at + t] = sum[touched[t]];
			sum[touched[t]] = 0;
		}
	}
}

/* Sorts the nodes by community and counts those of each. */
static rk_status
sort_members(aggregate_state *a, int64_t count)
{
	louvain_state *s = a->s;
	const louvain_level *l = s->level;
	int64_t		n = l->nodes;
	int64_t    *start = rk_alloc0(s->ctx, count + 1, sizeof(int64_t));

	a->member = rk_alloc(s->ctx, n, sizeof(uint32_t));
	if (!start || !a->member)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
	{
		start[a->label[v] + 1]++;
		a->next->size[a->label[v]] += l->size ? l->size[v] : 1;
		a->work += louvain_work(l, v);
	}
	for (int64_t c = 0; c < count; c++)
		start[c + 1] += start[c];
	for (int64_t v = 0; v < n; v++)
		a->member[start[a->label[v]]++] = (uint32_t) v;
	rk_free(s->ctx, start);
	return rk_ctx_poll(s->ctx) ? RK_STOPPED : RK_OK;
}

/*
 * Cuts the members into segments and the segments into pieces; *room is the
 * number of entries they may have.
 */
static rk_status
cut_segments(aggregate_state *a, int64_t count, int64_t **pieces, int64_t *piece_count,
			 int64_t *room)
{
	louvain_state *s = a->s;
	const louvain_level *l = s->level;
	int64_t		n = l->nodes;
	int64_t		piece_work = rk_louvain_piece_work(a->work);
	int64_t		most = a->work / piece_work + 2;
	int64_t		work = 0;		/* of the members so far */
	int64_t		piece = 0;
	int64_t		arcs = 0;		/* of the segment */
	segment    *p = NULL;

	a->segments = rk_alloc(s->ctx, count + most, sizeof(segment));
	a->split = rk_alloc(s->ctx, most, sizeof(int64_t));
	*pieces = rk_alloc(s->ctx, most + 1, sizeof(int64_t));
	if (!a->segments || !a->split || !*pieces)
		return RK_ERR_MEMORY;
	*room = 0;
	*piece_count = 0;
	(*pieces)[0] = 0;
	for (int64_t m = 0; m < n; m++)
	{
		uint32_t	v = a->member[m];
		uint32_t	c = a->label[v];

		if ((m & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		if (p == NULL || p->community != c || work / piece_work > piece)
		{
			if (p)
				*room += arcs < count ? arcs : count;
			if (p && p->community == c &&
				(a->splits == 0 || a->segments[a->split[a->splits - 1]].community != c))
				a->split[a->splits++] = a->segment_count - 1;
			if (work / piece_work > piece)
			{
				(*pieces)[++*piece_count] = a->segment_count;
				piece = work / piece_work;
			}
			p = &a->segments[a->segment_count++];
			*p = (segment) {.begin = m,.at = *room,.community = c};
			arcs = 0;
		}
		p->end = m + 1;
		work += louvain_work(l, v);
		arcs += l->ends[v] - l->offsets[v];
	}
	*room += arcs < count ? arcs : count;
	(*pieces)[++*piece_count] = a->segment_count;
	return RK_OK;
}

rk_status
rk_louvain_aggregate(louvain_state *s, const uint32_t *label, int64_t count,
					 louvain_level *next)
{
	rk_ctx	   *ctx = s->ctx;
	aggregate_state a = {.s = s,.label = label,.next = next};
	int64_t    *pieces;
	int64_t		piece_count;
	int64_t		room;
	rk_status	status;

	*next = (louvain_level) {.nodes = count,.owns_rows = true};
	next->offsets = rk_alloc(ctx, count + 1, sizeof(int64_t));
	next->ends = rk_alloc(ctx, count, sizeof(int64_t));
	next->out = rk_alloc(ctx, count, sizeof(double));
	next->in = s->directed ? rk_alloc(ctx, count, sizeof(double)) : next->out;
	next->loop = rk_alloc(ctx, count, sizeof(double));
	next->size = rk_alloc0(ctx, count, sizeof(uint32_t));
	next->first = rk_alloc(ctx, count, sizeof(uint32_t));
	if (!next->offsets || !next->ends || !next->out || !next->in || !next->loop || !next->size || !next->first)
		return RK_ERR_MEMORY;
	if ((status = sort_members(&a, count)) != RK_OK ||
		(status = cut_segments(&a, count, &pieces, &piece_count, &room)) != RK_OK)
		return status;
	next->neighbors = rk_alloc(ctx, room, sizeof(uint32_t));
	next->weights = rk_alloc(ctx, room, sizeof(double));
	if (!next->neighbors || !next->weights)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_ranges(ctx, pieces, piece_count, gather_pieces, &a)) != RK_OK ||
		(status = rk_parallel_for(ctx, a.splits, 1, merge_segments, &a)) != RK_OK)
		return status;
	for (int64_t g = 0; g < a.segment_count; g++)
	{
		const segment *p = &a.segments[g];
		uint32_t	c = p->community;

		if (g > 0 && a.segments[g - 1].community == c)
			continue;
		next->offsets[c] = p->at;
		next->ends[c] = p->at + p->count;
		next->loop[c] = p->inside;
		next->in[c] = p->in;
		next->out[c] = p->out;
		next->first[c] = p->first;
	}
	next->offsets[count] = room;
	rk_free(ctx, pieces);
	rk_free(ctx, a.split);
	rk_free(ctx, a.segments);
	rk_free(ctx, a.member);
	return RK_OK;
}

/* ---- totals and modularity ---- */

rk_status
rk_louvain_totals(louvain_state *s)
{
	const louvain_level *l = s->level;
	int64_t		n = l->nodes;

	memset(s->in, 0, sizeof(double) * n);
	memset(s->out, 0, sizeof(double) * n);
	memset(s->size, 0, sizeof(uint32_t) * n);
	for (int64_t v = 0; v < n; v++)
	{
		uint32_t	c = s->community[v];

		if ((v & POLL_MASK) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		s->in[c] += l->in[v];
		if (s->directed)
			s->out[c] += l->out[v];
		s->size[c]++;
	}
	return RK_OK;
}

typedef struct quality_state
{
	const louvain_state *s;
	bool		alone;
	double	   *inside;			/* per chunk: weight inside communities */
	double	   *expected;		/* and that which chance would put there, as a share */
} quality_state;

/* Of a chunk of nodes, and of as many communities. */
static void
sum_quality(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	quality_state *q = arg;
	const louvain_state *s = q->s;
	const louvain_level *l = s->level;
	double		inside = 0;
	double		expected = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		row = 0;

		for (int64_t e = l->offsets[v]; e < l->ends[v] && !q->alone; e++)
		{
			uint32_t	u = l->neighbors[e];

			if (u != v && s->community[u] == s->community[v])
				row += l->weights ? l->weights[e] : 1;
		}
		inside += row / 2 + l->loop[v];
		expected += (s->in[v] / s->total) * (s->out[v] / s->total);
	}
	q->inside[chunk] = inside;
	q->expected[chunk] = expected;
}

rk_status
rk_louvain_quality(louvain_state *s, bool alone, double *quality)
{
	int64_t		chunks = (s->level->nodes + LOUVAIN_QUALITY_CHUNK - 1) / LOUVAIN_QUALITY_CHUNK;
	quality_state q = {.s = s,.alone = alone};
	rk_status	status = rk_louvain_totals(s);

	if (status != RK_OK)
		return status;
	q.inside = rk_alloc(s->ctx, chunks, sizeof(double));
	q.expected = rk_alloc(s->ctx, chunks, sizeof(double));
	if (!q.inside || !q.expected)
		return RK_ERR_MEMORY;
	if ((status = rk_parallel_for(s->ctx, s->level->nodes, LOUVAIN_QUALITY_CHUNK, sum_quality, &q)) != RK_OK)
		return status;
	*quality = rk_louvain_modularity(q.inside, q.expected, chunks, s->total, s->params->resolution, s->directed);
	rk_free(s->ctx, q.expected);
	rk_free(s->ctx, q.inside);
	return RK_OK;
}

int64_t
rk_louvain_level_memory(int64_t nodes, int64_t arcs, bool directed)
{
	/* the result, and the segments */
	return nodes * (40 + (directed ? 8 : 0)) + 12 * arcs +
		nodes * (sizeof(segment) + 12) + (LOUVAIN_PIECES + arcs / LOUVAIN_PIECE_WORK) * (sizeof(segment) + 16);
}

/*
 * temporal_cycles.c
 *	  Lists circles of payments at rising times.
 *
 * Time is worked off in slabs: first payments of cycles in one stretch, and all
 * payments that can follow them.  In the graph of a slab only the payments
 * inside strong components are kept, numbered in the order of time, by payer
 * and by payee.
 *
 * temporal_search.c says how the cycles of a slab are found.
 */
#include "temporal_search.h"

#include "../../compute/csr.h"
#include "../../compute/parallel.h"
#include "../../graph/community/community.h"

#include <string.h>

#define SLAB_ROWS 65536			/* first payments of a slab, at least */
#define CHUNK_STARTS 64
#define BUFFER_WORDS (INT64_C(1) << 18)
#define POLL_MASK ((1 << 15) - 1)
#define SEEN (UINT32_C(1) << 31)	/* beside the number of an entity */

/* Everything that outlives a slab. */
typedef struct search
{
	rk_ctx	   *ctx;
	const rk_transactions *t;
	const rk_flow_cycle_params *p;
	const uint32_t *rows;		/* payments between different entities, in order */
	int64_t		count;
	int64_t		width;			/* of the longest window */
	uint32_t   *local;			/* number of an entity in the slab, RK_NO_ROW */
	rk_flow_cycles *result;
	int64_t		row_capacity;
	int64_t		offset_capacity;
} search;

/* ---- slabs ---- */

/* The position of the first of rows[from ..] whose time is ts or later. */
static int64_t
position_of(const search *x, int64_t from, int64_t ts)
{
	int64_t		to = x->count;

	while (from < to)
	{
		int64_t		middle = from + (to - from) / 2;

		if (x->t->ts[x->rows[middle]] >= ts)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

static int64_t
saturated_sum(int64_t a, int64_t b)
{
	int64_t		sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/*
 * Numbers the entities of rows[begin .. end) and sets component to the strong
 * component of each.
 */
static rk_status
find_components(search *x, int64_t begin, int64_t end, int64_t *nodes, uint32_t **component)
{
	const rk_transactions *t = x->t;
	rk_graph	g = {.directed = true};
	rk_components found;
	int64_t		n = 0;
	rk_status	status;

	for (int64_t i = begin; i < end; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(x->ctx))
			return RK_STOPPED;
		if (x->local[t->source[x->rows[i]]] == RK_NO_ROW)
			x->local[t->source[x->rows[i]]] = (uint32_t) n++;
		if (x->local[t->target[x->rows[i]]] == RK_NO_ROW)
			x->local[t->target[x->rows[i]]] = (uint32_t) n++;
	}
	*nodes = n;
	g.nodes = n;
	g.arcs = end - begin;
	g.out.offsets = rk_alloc0(x->ctx, n + 2, sizeof(int64_t));
	g.out.neighbors = rk_alloc(x->ctx, g.arcs, sizeof(uint32_t));
	*component = rk_alloc(x->ctx, n, sizeof(uint32_t));
	if (!g.out.offsets || !g.out.neighbors || !*component)
		return RK_ERR_MEMORY;
	for (int64_t i = begin; i < end; i++)
		g.out.offsets[x->local[t->source[x->rows[i]]] + (int64_t) 2]++;
	for (int64_t v = 0; v <= n; v++)
		g.out.offsets[v + 1] += g.out.offsets[v];
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	u = x->local[t->source[x->rows[i]]];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(x->ctx))
			return RK_STOPPED;
		g.out.neighbors[g.out.offsets[u + (int64_t) 1]++] = x->local[t->target[x->rows[i]]];
	}
	status = rk_graph_strong_components(x->ctx, &g, *component, &found);
	rk_free(x->ctx, g.out.offsets);
	rk_free(x->ctx, g.out.neighbors);
	return status;
}

/*
 * Keeps the payments inside strong components, and gives each entity they are
 * between a number of its own.
 */
static rk_status
keep_components(search *x, int64_t begin, int64_t first_end, int64_t end, slab *s, uint32_t **kept)
{
	const rk_transactions *t = x->t;
	uint32_t   *component;
	uint32_t   *number;
	int64_t		nodes;
	rk_status	status = find_components(x, begin, end, &nodes, &component);

	if (status != RK_OK)
		return status;
	*kept = rk_alloc(x->ctx, end - begin, sizeof(uint32_t));
	number = rk_alloc(x->ctx, nodes, sizeof(uint32_t));
	if (!*kept || !number)
		return RK_ERR_MEMORY;
	memset(number, 0xff, sizeof(uint32_t) * nodes);
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	u = x->local[t->source[x->rows[i]]];
		uint32_t	v = x->local[t->target[x->rows[i]]];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(x->ctx))
			return RK_STOPPED;
		if (i == first_end)
			s->first_end = (uint32_t) s->edges;
		if (component[u] != component[v])
			continue;
		if (number[u] == RK_NO_ROW)
			number[u] = (uint32_t) s->nodes++;
		if (number[v] == RK_NO_ROW)
			number[v] = (uint32_t) s->nodes++;
		(*kept)[s->edges++] = x->rows[i];
	}
	if (first_end == end)
		s->first_end = (uint32_t) s->edges;
	/* the new numbers in place of the old; back to none where there is none */
	for (int64_t i = begin; i < end; i++)
	{
		if ((i & POLL_MASK) == 0 && rk_ctx_poll(x->ctx))
			return RK_STOPPED;
		for (int side = 0; side < 2; side++)
		{
			uint32_t   *l = &x->local[side ? t->target[x->rows[i]] : t->source[x->rows[i]]];

			if (*l != RK_NO_ROW && !(*l & SEEN))
				*l = number[*l] == RK_NO_ROW ? RK_NO_ROW : (number[*l] | SEEN);
		}
	}
	rk_free(x->ctx, component);
	rk_free(x->ctx, number);
	s->rows = *kept;
	return RK_OK;
}

/* Rank of the first moment that is not before a time, looked for from one that is not after it. */
static uint32_t
rank_from(const slab *s, uint32_t from, int64_t ts)
{
	uint32_t	step = 1;
	uint32_t	to;

	while (from + step <= s->moments && s->moment[from + step] < ts)
		step *= 2;
	to = from + step <= s->moments ? from + step : s->moments + 1;
	from += step / 2;
	while (from < to)
	{
		uint32_t	middle = from + (to - from) / 2;

		if (s->moment[middle] >= ts)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

/* Payments by payer and by payee, each in the order of time. */
static rk_status
build_hops(search *x, slab *s)
{
	const rk_transactions *t = x->t;
	uint32_t	end = 0;

	s->out_offsets = rk_alloc0(x->ctx, s->nodes + 2, sizeof(uint32_t));
	s->in_offsets = rk_alloc0(x->ctx, s->nodes + 2, sizeof(uint32_t));
	/* a look ahead may pass the last one */
	s->out = rk_alloc0(x->ctx, s->edges + LOOK_AHEAD, sizeof(hop));
	s->in = rk_alloc0(x->ctx, s->edges + LOOK_AHEAD, sizeof(hop));
	s->out_edge = rk_alloc(x->ctx, s->edges, sizeof(uint32_t));
	s->out_end = rk_alloc(x->ctx, s->edges, sizeof(uint32_t));
	s->time = rk_alloc(x->ctx, s->edges, sizeof(uint32_t));
	s->moment = rk_alloc(x->ctx, s->edges + 1, sizeof(int64_t));
	if (!s->out_offsets || !s->in_offsets || !s->out || !s->in || !s->out_edge || !s->out_end || !s->time || !s->moment)
		return RK_ERR_MEMORY;
	for (int64_t e = 0; e < s->edges; e++)
	{
		int64_t		ts = t->ts[s->rows[e]];

		if (e == 0 || s->moment[s->moments] != ts)
			s->moment[++s->moments] = ts;
		s->time[e] = s->moments;
		s->out_offsets[(x->local[t->source[s->rows[e]]] & ~SEEN) + 2]++;
		s->in_offsets[(x->local[t->target[s->rows[e]]] & ~SEEN) + 2]++;
	}
	s->share = 1.0f / (float) (s->moments + 1);
	for (int64_t v = 0; v <= s->nodes; v++)
	{
		s->out_offsets[v + 1] += s->out_offsets[v];
		s->in_offsets[v + 1] += s->in_offsets[v];
	}
	for (int64_t e = 0; e < s->edges; e++)
	{
		uint32_t	row = s->rows[e];
		uint32_t	u = x->local[t->source[row]] & ~SEEN;
		uint32_t	v = x->local[t->target[row]] & ~SEEN;

		if ((e & POLL_MASK) == 0 && rk_ctx_poll(x->ctx))
			return RK_STOPPED;
		if (e < s->first_end)
		{
			int64_t		over = rk_window_end(x->p->window, t, row);

			/* windows mostly end in the order in which they begin */
			end = rank_from(s, end > s->time[e] && s->moment[end - 1] < over ? end - 1 : s->time[e], over);
			s->out_end[s->out_offsets[u + 1]] = end;
		}
		s->out_edge[s->out_offsets[u + 1]] = (uint32_t) e;
		s->out[s->out_offsets[u + 1]++] = (hop) {s->time[e], v};
		s->in[s->in_offsets[v + 1]++] = (hop) {s->time[e], u};
	}
	return RK_OK;
}

/* Chunks of about CHUNK_STARTS first payments; bounds are nodes. */
static rk_status
cut_chunks(search *x, slab *s, int64_t *chunks)
{
	int64_t    *bounds = rk_alloc(x->ctx, s->first_end / CHUNK_STARTS + 3, sizeof(int64_t));
	int64_t		starts = 0;

	if (bounds == NULL)
		return RK_ERR_MEMORY;
	*chunks = 0;
	bounds[0] = 0;
	for (int64_t v = 0; v < s->nodes; v++)
	{
		for (uint32_t k = s->out_offsets[v]; k < s->out_offsets[v + 1] && s->out_edge[k] < s->first_end; k++)
			starts++;
		if (starts >= CHUNK_STARTS || v + 1 == s->nodes)
		{
			bounds[++*chunks] = v + 1;
			starts = 0;
		}
	}
	s->bounds = bounds;
	s->chunks = rk_alloc(x->ctx, *chunks, sizeof(chunk_result));
	if (s->chunks == NULL)
		return RK_ERR_MEMORY;
	for (int64_t c = 0; c < *chunks; c++)
		s->chunks[c] = (chunk_result) {.thread = -1};
	return RK_OK;
}

static rk_status
make_workers(search *x, slab *s)
{
	s->workers = rk_alloc0(x->ctx, x->ctx->threads, sizeof(worker));
	if (s->workers == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < x->ctx->threads; i++)
	{
		worker	   *w = &s->workers[i];

		w->labels = rk_alloc(x->ctx, s->nodes, sizeof(label));
		w->scans = rk_alloc(x->ctx, s->nodes, sizeof(scan));
		w->touched = rk_alloc(x->ctx, 5 * s->nodes, sizeof(uint32_t));
		w->buffer = rk_alloc(x->ctx, s->buffer_words, sizeof(uint32_t));
		if (!w->labels || !w->scans || !w->touched || !w->buffer)
			return RK_ERR_MEMORY;
		w->out.now = w->touched + s->nodes;
		w->out.next = w->touched + 2 * s->nodes;
		w->in.now = w->touched + 3 * s->nodes;
		w->in.next = w->touched + 4 * s->nodes;
		for (int64_t v = 0; v < s->nodes; v++)
			w->labels[v] = NO_LABEL;
	}
	return RK_OK;
}

static void
free_slab(search *x, slab *s)
{
	for (int i = 0; s->workers && i < x->ctx->threads; i++)
	{
		rk_free(x->ctx, s->workers[i].labels);
		rk_free(x->ctx, s->workers[i].scans);
		rk_free(x->ctx, s->workers[i].touched);
		rk_free(x->ctx, s->workers[i].buffer);
	}
	rk_free(x->ctx, s->workers);
	rk_free(x->ctx, s->out_offsets);
	rk_free(x->ctx, s->in_offsets);
	rk_free(x->ctx, s->out);
	rk_free(x->ctx, s->in);
	rk_free(x->ctx, s->out_edge);
	rk_free(x->ctx, s->out_end);
	rk_free(x->ctx, s->time);
	rk_free(x->ctx, s->moment);
	rk_free(x->ctx, (void *) s->bounds);
	rk_free(x->ctx, s->chunks);
}

/* Appends the cycles of the chunks that were done in this round; *left: chunks to do. */
static rk_status
take_cycles(search *x, slab *s, int64_t chunks, bool *round, int64_t *left)
{
	rk_flow_cycles *r = x->result;
	rk_status	status;

	*left = 0;
	for (int64_t c = 0; c < chunks; c++)
	{
		const chunk_result *d = &s->chunks[c];
		const uint32_t *words;

		if (d->thread < 0)
			++*left;
		if (d->thread < 0 || round[c])
			continue;
		round[c] = true;
		words = s->workers[d->thread].buffer;
		for (int64_t i = d->begin; i < d->end; i += 1 + words[i])
		{
			int64_t		at = r->row_offsets[r->count];

			if ((status = rk_flows_reserve(x->ctx, (void **) &r->row_offsets, &x->offset_capacity, r->count + 2,
										   sizeof(int64_t))) != RK_OK ||
				(status = rk_flows_reserve(x->ctx, (void **) &r->rows, &x->row_capacity, at + words[i],
										   sizeof(uint32_t))) != RK_OK)
				return status;
			/* numbers in the slab until they are sorted */
			memcpy(r->rows + at, words + i + 1, sizeof(uint32_t) * words[i]);
			r->row_offsets[++r->count] = at + words[i];
		}
	}
	for (int i = 0; i < x->ctx->threads; i++)
	{
		s->workers[i].used = 0;
		s->workers[i].full = false;
	}
	return RK_OK;
}

/* Puts the cycles from a number on into the order of their first payments. */
static rk_status
sort_cycles(search *x, const slab *s, int64_t from)
{
	rk_flow_cycles *r = x->result;
	int64_t		n = r->count - from;
	int64_t		words = r->row_offsets[r->count] - r->row_offsets[from];
	rk_keyed_row *list = rk_alloc(x->ctx, n, sizeof(rk_keyed_row));
	rk_keyed_row *scratch = rk_alloc(x->ctx, n, sizeof(rk_keyed_row));
	int64_t    *starts = rk_alloc(x->ctx, n + 1, sizeof(int64_t));
	uint32_t   *rows = rk_alloc(x->ctx, words, sizeof(uint32_t));
	int64_t		at = r->row_offsets[from];
	rk_status	status;

	if (!list || !scratch || !starts || !rows)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		list[i] = (rk_keyed_row) {r->rows[r->row_offsets[from + i]], (uint32_t) i};
	if ((status = rk_sort_keyed_rows(x->ctx, &list, &scratch, n, (uint64_t) s->edges)) != RK_OK)
		return status;
	memcpy(starts, r->row_offsets + from, sizeof(int64_t) * (n + 1));
	memcpy(rows, r->rows + at, sizeof(uint32_t) * words);
	for (int64_t i = 0; i < n; i++)
	{
		uint32_t	k = list[i].row;
		const uint32_t *cycle = rows + starts[k] - starts[0];

		for (int64_t j = 0; j < starts[k + (int64_t) 1] - starts[k]; j++)
			r->rows[at++] = s->rows[cycle[j]];
		r->row_offsets[from + i + 1] = at;
	}
	rk_free(x->ctx, list);
	rk_free(x->ctx, scratch);
	rk_free(x->ctx, starts);
	rk_free(x->ctx, rows);
	return RK_OK;
}

/* Runs the chunks of a slab until all are done. */
static rk_status
run_chunks(search *x, slab *s)
{
	int64_t		chunks;
	int64_t		left = 1;
	bool	   *taken;
	rk_status	status;

	if ((status = cut_chunks(x, s, &chunks)) != RK_OK || (status = make_workers(x, s)) != RK_OK)
		return status;
	if ((taken = rk_alloc0(x->ctx, chunks, sizeof(bool))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t before = chunks; left > 0; before = left)
	{
		if ((status = rk_parallel_ranges(x->ctx, s->bounds, chunks, rk_flows_search_chunk, s)) != RK_OK)
			return status;
		if (s->too_many)
			return rk_flows_too_many_cycles(x->ctx, x->p);
		if ((status = take_cycles(x, s, chunks, taken, &left)) != RK_OK)
			return status;
		/* the cycles of one chunk did not fit */
		for (int i = 0; left == before && i < x->ctx->threads; i++)
		{
			s->buffer_words *= i == 0 ? 2 : 1;
			rk_free(x->ctx, s->workers[i].buffer);
			s->workers[i].buffer = rk_alloc(x->ctx, s->buffer_words, sizeof(uint32_t));
			if (s->workers[i].buffer == NULL)
				return RK_ERR_MEMORY;
		}
	}
	rk_free(x->ctx, taken);
	return RK_OK;
}

/* Cycles whose first payments are rows[begin .. first_end); the others are before end. */
static rk_status
search_slab(search *x, int64_t begin, int64_t first_end, int64_t end)
{
	slab		s = {.ctx = x->ctx,.t = x->t,.p = x->p,.group_width = x->width / 4 + 1,.buffer_words = BUFFER_WORDS};
	uint32_t   *kept;
	int64_t		from = x->result->count;
	rk_status	status = keep_components(x, begin, first_end, end, &s, &kept);

	if (status != RK_OK)
		return status;
	s.found = from;
	if (s.first_end > 0)
	{
		if ((status = build_hops(x, &s)) != RK_OK || (status = run_chunks(x, &s)) != RK_OK ||
			(status = sort_cycles(x, &s, from)) != RK_OK)
			return status;
	}
	for (int64_t i = begin; i < end; i++)
		x->local[x->t->source[x->rows[i]]] = x->local[x->t->target[x->rows[i]]] = RK_NO_ROW;
	free_slab(x, &s);
	rk_free(x->ctx, kept);
	return RK_OK;
}

/* ---- the whole ---- */

/* The rows between different entities, in the order of time, and the longest window. */
static rk_status
prepare(search *x, const rk_window *window)
{
	const rk_transactions *t = x->t;
	uint32_t   *rows;
	int64_t		span = INT64_MAX;
	rk_status	status;

	if ((status = rk_transactions_order(x->ctx, t, &rows)) != RK_OK)
		return status;
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	row = rows[i];
		int64_t		end = rk_window_end(window, t, row);

		if (t->source[row] == t->target[row])
			continue;
		if (end == INT64_MAX || end - t->ts[row] > x->width)
			x->width = end == INT64_MAX ? INT64_MAX : end - t->ts[row];
		rows[x->count++] = row;
	}
	x->rows = rows;
	if (x->count > 0 &&
		(__builtin_sub_overflow(t->ts[rows[x->count - 1]], t->ts[rows[0]], &span) || span == INT64_MAX))
		span = INT64_MAX - 1;
	if (x->width > span)
		x->width = span + 1;
	if ((x->local = rk_alloc(x->ctx, t->entities, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	memset(x->local, 0xff, sizeof(uint32_t) * t->entities);
	return RK_OK;
}

/* Members and amounts of cycles from their rows. */
static rk_status
measure_cycles(rk_ctx *ctx, const rk_transactions *t, rk_flow_cycles *r)
{
	int64_t		words = r->row_offsets[r->count];

	r->list = rk_alloc(ctx, r->count, sizeof(rk_flow_cycle));
	r->members = rk_alloc(ctx, words, sizeof(uint32_t));
	if (!r->list || !r->members)
		return RK_ERR_MEMORY;
	r->member_offsets = r->row_offsets;
	for (int64_t c = 0; c < r->count; c++)
	{
		const uint32_t *rows = r->rows + r->row_offsets[c];
		int64_t		length = r->row_offsets[c + 1] - r->row_offsets[c];
		rk_flow_cycle *x = &r->list[c];

		*x = (rk_flow_cycle) {.bottleneck = t->amount[rows[0]],.first_ts = t->ts[rows[0]],.last_ts = t->ts[rows[length - 1]],
			.retention = rk_money_ratio(t->amount[rows[length - 1]], t->amount[rows[0]])};
		for (int64_t i = 0; i < length; i++)
		{
			x->total += t->amount[rows[i]];
			if (t->amount[rows[i]] < x->bottleneck)
				x->bottleneck = t->amount[rows[i]];
			r->members[r->row_offsets[c] + i] = t->source[rows[i]];
		}
		if ((c & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

rk_status
rk_compliance_temporal_cycles(rk_ctx *ctx, const rk_transactions *t, const rk_flow_cycle_params *p,
							  rk_flow_cycles *result)
{
	search		x = {.ctx = ctx,.t = t,.p = p,.result = result};
	rk_status	status;

	*result = (rk_flow_cycles) {0};
	if (t->count > RK_MAX_TRANSACTIONS / 2 || t->entities > RK_MAX_TRANSACTIONS / 2)
		return rk_fail(ctx, RK_ERR_LIMIT, "more than %lld transactions or entities", (long long) RK_MAX_TRANSACTIONS / 2);
	if ((status = rk_flows_reserve(ctx, (void **) &result->row_offsets, &x.offset_capacity, 1024, sizeof(int64_t))) != RK_OK ||
		(status = rk_flows_reserve(ctx, (void **) &result->rows, &x.row_capacity, 1024, sizeof(uint32_t))) != RK_OK ||
		(status = prepare(&x, p->window)) != RK_OK)
		return status;
	result->row_offsets[0] = 0;
	for (int64_t begin = 0; begin < x.count;)
	{
		int64_t		first_end = position_of(&x, begin, saturated_sum(t->ts[x.rows[begin]], x.width));
		int64_t		end;

		if (first_end < begin + SLAB_ROWS)
			first_end = begin + SLAB_ROWS < x.count ? begin + SLAB_ROWS : x.count;
		end = position_of(&x, first_end, saturated_sum(t->ts[x.rows[first_end - 1]], x.width));
		if ((status = search_slab(&x, begin, first_end, end)) != RK_OK)
			return status;
		begin = first_end;
		rk_phase(ctx, "cycles", x.count);
		rk_progress(ctx, begin);
	}
	rk_free(ctx, (void *) x.rows);
	rk_free(ctx, x.local);
	return measure_cycles(ctx, t, result);
}

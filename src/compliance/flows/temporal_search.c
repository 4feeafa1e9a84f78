/*
 * temporal_search.c
 *	  Lists the temporal cycles whose first payments are in a slab.
 *
 * The cycles of a payer s whose first payments lie close together are found
 * together.  Forwards from s, and backwards to it, entities get labels: the
 * earliest time at which money of s can arrive, the latest at which it can
 * leave and still come back, and in how few payments.  Both searches go level
 * by level, always the cheaper one, until their levels add up to the longest
 * cycle; then every entity of a cycle has a label of either side, and one of
 * them both.  If none has both there is no cycle, which is the common case.
 * Else the labels of the way back are completed among entities that s can
 * reach, and a depth-first search lists the cycles: it takes only payments
 * after which the way back is still long enough in time and short enough in
 * payments.  (The labels speak of ways, which may meet an entity twice, so the
 * search may still turn back.)
 *
 * A payment is looked at once for a label: when an arrival becomes earlier, only
 * the payments between the new time and the old one are new.  The last level,
 * which is most of the work, only labels entities that have the other label.
 * Times are ranks among those of the slab, so that labels are small.
 *
 * Threads write what they find to buffers of their own; a chunk that does not
 * fit is done again when the buffers are empty.
 */
#include "temporal_search.h"

#include "../../compute/parallel.h"

#include <string.h>

#define POLL_MASK ((1 << 15) - 1)

static inline bool
stopped(slab *s, worker *w, int thread)
{
	return (++w->steps & POLL_MASK) == 0 && rk_chunk_should_stop(s->ctx, thread);
}

/* ---- labels ---- */

/* First hop of [from, to) that is later than a time. */
static inline uint32_t
first_after(const hop *hops, uint32_t from, uint32_t to, uint32_t time)
{
	while (from < to)
	{
		uint32_t	middle = from + (to - from) / 2;

		if (hops[middle].time > time)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

/* Where a time would be in [from, to), if payments came evenly. */
static inline uint32_t
expected_place(const slab *s, uint32_t from, uint32_t to, uint32_t time)
{
	uint32_t	place = (uint32_t) ((float) (to - from) * ((float) time * s->share));

	return place < to - from ? from + place : to;
}

/*
 * The same as first_after, in all payments of an entity: from where the time is
 * expected outwards, which is a cache line or two also where they are many.
 */
static inline uint32_t
find_after(const slab *s, const hop *hops, uint32_t from, uint32_t to, uint32_t time)
{
	uint32_t	place = expected_place(s, from, to, time);
	uint32_t	step = 4;

	if (place < to && hops[place].time <= time)
	{
		for (from = place + 1; to - from > step && hops[from + step].time <= time; step *= 2)
			from += step + 1;
		return first_after(hops, from, to - from > step ? from + step : to, time);
	}
	for (to = place; to - from > step && hops[to - step].time > time; step *= 2)
		to -= step;
	return first_after(hops, to - from > step ? to - step : from, to, time);
}

static inline void
touch(worker *w, uint32_t v)
{
	const label *l = &w->labels[v];

	if (l->arrive == NEVER && l->depart == NOT_BACK)
		w->touched[w->touched_count++] = v;
}

/* Money of s is at v at this time, after so many payments. */
static inline void
arrives(worker *w, uint32_t v, uint32_t time, int hops)
{
	label	   *l = &w->labels[v];

	if (time >= l->arrive)
		return;
	touch(w, v);
	if (l->arrive == NEVER)
		l->hops_from = (uint8_t) hops;
	l->arrive = time;
	if (!l->waits_out)
	{
		l->waits_out = true;
		w->out.next[w->out.next_count++] = v;
	}
}

/* What leaves v at this time can be back at s, in so many payments. */
static inline void
departs(worker *w, uint32_t v, uint32_t time, int hops)
{
	label	   *l = &w->labels[v];

	if (time <= l->depart)
		return;
	touch(w, v);
	if (l->depart == NOT_BACK)
		l->hops_to = (uint8_t) hops;
	l->depart = time;
	if (!l->waits_in)
	{
		l->waits_in = true;
		w->in.next[w->in.next_count++] = v;
	}
}

static void
next_level(frontier *f)
{
	uint32_t   *swap = f->now;

	f->now = f->next;
	f->next = swap;
	f->now_count = f->next_count;
	f->next_count = 0;
}

/*
 * Entities lie anywhere in memory, and what a level costs is to wait for them.
 * What the next ones need is asked for while others are worked on: first what is
 * known of them, then the payment that a search for a time begins with.
 */
#define SOON LOOK_AHEAD
#define SOONER (2 * LOOK_AHEAD)

static inline void
fetch_entity(const worker *w, const frontier *f, const uint32_t *offsets, int64_t i)
{
	if (i < f->now_count)
	{
		__builtin_prefetch(&w->scans[f->now[i]], 1);
		__builtin_prefetch(&offsets[f->now[i]]);
	}
}

static inline void
fetch_place(const slab *s, const frontier *f, const uint32_t *offsets, const hop *hops, int64_t i, uint32_t time)
{
	__builtin_prefetch(&hops[expected_place(s, offsets[f->now[i]], offsets[f->now[i] + 1], time)]);
}

/*
 * Takes the entities of the next level forwards; about how many payments it looks
 * at, if they come evenly.  Which they are is found out when it is their turn:
 * the last level of the dearer side never comes.
 */
static int64_t
prepare_out(const slab *s, worker *w, uint32_t end)
{
	float		sum = 0;

	next_level(&w->out);
	for (int64_t i = 0; i < w->out.now_count; i++)
	{
		uint32_t	v = w->out.now[i];
		label	   *l = &w->labels[v];

		if (i + SOON < w->out.now_count)
			__builtin_prefetch(&s->out_offsets[w->out.now[i + SOON]]);
		l->waits_out = false;
		sum += (float) (s->out_offsets[v + 1] - s->out_offsets[v]) * (float) (end - l->arrive);
	}
	return (int64_t) (sum * s->share) + w->out.now_count;
}

static int64_t
prepare_in(const slab *s, worker *w, uint32_t begin)
{
	float		sum = 0;

	next_level(&w->in);
	for (int64_t i = 0; i < w->in.now_count; i++)
	{
		uint32_t	v = w->in.now[i];
		label	   *l = &w->labels[v];

		if (i + SOON < w->in.now_count)
			__builtin_prefetch(&s->in_offsets[w->in.now[i + SOON]]);
		l->waits_in = false;
		sum += (float) (s->in_offsets[v + 1] - s->in_offsets[v]) * (float) (l->depart - begin);
	}
	return (int64_t) (sum * s->share) + w->in.now_count;
}

/* The payments of an entity that a level forwards looks at: later than the money, and new. */
static inline void
set_scan_out(const slab *s, worker *w, uint32_t v)
{
	label	   *l = &w->labels[v];
	scan	   *x = &w->scans[v];

	/* where they end is seen when they are looked at */
	if (!l->has_out)
		x->out_to = s->out_offsets[v + 1];
	l->has_out = true;
	x->out_from = find_after(s, s->out, s->out_offsets[v], s->out_offsets[v + 1], l->arrive);
}

static inline void
set_scan_in(const slab *s, worker *w, uint32_t v)
{
	label	   *l = &w->labels[v];
	scan	   *x = &w->scans[v];

	if (!l->has_in)
		x->in_from = s->in_offsets[v];
	l->has_in = true;
	x->in_to = find_after(s, s->in, s->in_offsets[v], s->in_offsets[v + 1], l->depart - 1);
}

/*
 * One level forwards; false: stop.  The last one only to entities from which
 * money can come back.
 */
static bool
level_out(slab *s, worker *w, uint32_t root, uint32_t end, int hops, bool last, int thread)
{
	for (int64_t i = 0; i < w->out.now_count; i++)
	{
		scan	   *x = &w->scans[w->out.now[i]];

		fetch_entity(w, &w->out, s->out_offsets, i + SOONER);
		if (i + SOON < w->out.now_count)
			fetch_place(s, &w->out, s->out_offsets, s->out, i + SOON, w->labels[w->out.now[i + SOON]].arrive);
		set_scan_out(s, w, w->out.now[i]);
		for (uint32_t k = x->out_from; k < x->out_to; k++)
		{
			const hop  *h = &s->out[k];

			if (h->time >= end)
				break;
			/* so many more lie behind the last one */
			__builtin_prefetch(&w->labels[h[SOON].node], 1);
			if (stopped(s, w, thread))
				return false;
			if (h->node != root && !(last && w->labels[h->node].depart <= h->time))
				arrives(w, h->node, h->time, hops);
		}
		x->out_to = x->out_from;
	}
	return true;
}

/* Which entities a level backwards is about. */
typedef enum back_level
{
	BACK_ALL,
	BACK_TO_REACHED,			/* to those that money of s has reached */
	BACK_AMONG_REACHED			/* from and to those */
} back_level;

/* One level backwards; false: stop. */
static bool
level_in(slab *s, worker *w, uint32_t root, uint32_t begin, int hops, back_level which, int thread)
{
	for (int64_t i = 0; i < w->in.now_count; i++)
	{
		uint32_t	v = w->in.now[i];
		scan	   *x = &w->scans[v];

		fetch_entity(w, &w->in, s->in_offsets, i + SOONER);
		if (i + SOON < w->in.now_count)
			fetch_place(s, &w->in, s->in_offsets, s->in, i + SOON, w->labels[w->in.now[i + SOON]].depart);
		if (which == BACK_AMONG_REACHED && w->labels[v].arrive >= w->labels[v].depart)
			continue;
		set_scan_in(s, w, v);
		for (uint32_t k = x->in_to; k-- > x->in_from;)
		{
			const hop  *h = &s->in[k];
			const label *l = &w->labels[h->node];

			if (h->time <= begin)
				break;
			__builtin_prefetch(&w->labels[s->in[k < SOON ? 0 : k - SOON].node], 1);
			if (stopped(s, w, thread))
				return false;
			if (h->node != root &&
				(which == BACK_ALL || (l->arrive < h->time && l->hops_from + hops <= s->p->max_length)))
				departs(w, h->node, h->time, hops);
		}
		x->in_from = x->in_to;
	}
	return true;
}

static void
clear_labels(worker *w)
{
	for (int64_t i = 0; i < w->touched_count; i++)
		w->labels[w->touched[i]] = NO_LABEL;
	w->touched_count = w->out.now_count = w->out.next_count = w->in.now_count = w->in.next_count = 0;
}

/*
 * Labels for cycles of root whose first payments are out[first] .. out[last - 1]
 * and that are over before the time end.  *meet: some entity has both, so that
 * there may be a cycle.  false: stop.
 */
static bool
set_labels(slab *s, worker *w, uint32_t root, uint32_t first, uint32_t last, uint32_t end, bool *meet, int thread)
{
	uint32_t	begin = s->out[first].time;
	int			levels_out = 1;
	int			levels_in = 1;
	int64_t		cost_out;
	int64_t		cost_in;

	for (uint32_t k = first; k < last; k++)
		arrives(w, s->out[k].node, s->out[k].time, 1);
	for (uint32_t k = first_after(s->in, s->in_offsets[root], s->in_offsets[root + 1], begin);
		 k < s->in_offsets[root + 1] && s->in[k].time < end; k++)
		departs(w, s->in[k].node, s->in[k].time, 1);
	cost_out = prepare_out(s, w, end);
	cost_in = prepare_in(s, w, begin);
	while (levels_out + levels_in < s->p->max_length && w->out.now_count > 0 && w->in.now_count > 0)
	{
		bool		last_level = levels_out + levels_in + 1 == s->p->max_length;

		if (cost_out <= cost_in)
		{
			if (!level_out(s, w, root, end, ++levels_out, last_level, thread))
				return false;
			cost_out = prepare_out(s, w, end);
		}
		else
		{
			if (!level_in(s, w, root, begin, ++levels_in, last_level ? BACK_TO_REACHED : BACK_ALL, thread))
				return false;
			cost_in = prepare_in(s, w, begin);
		}
	}
	*meet = false;
	for (int64_t i = 0; i < w->touched_count && !*meet; i++)
	{
		const label *l = &w->labels[w->touched[i]];

		*meet = l->arrive < l->depart && l->hops_from + l->hops_to <= s->p->max_length;
	}
	while (*meet && levels_in + 1 < s->p->max_length && w->in.now_count > 0)
	{
		if (!level_in(s, w, root, begin, ++levels_in, BACK_AMONG_REACHED, thread))
			return false;
		prepare_in(s, w, begin);
	}
	return true;
}

/* ---- the search ---- */

/* Writes a cycle down, path being places in out; false: there is no room. */
static bool
put_cycle(slab *s, worker *w, const uint32_t *path, int length)
{
	const rk_decimal *amount = s->t->amount;
	double		retention;

	/* one that begins with 0 has no retention, so only 0 asks for nothing */
	if (s->p->min_retention > 0)
	{
		retention = rk_money_ratio(amount[s->rows[s->out_edge[path[length - 1]]]], amount[s->rows[s->out_edge[path[0]]]]);
		if (!(retention >= s->p->min_retention))
			return true;
	}
	if (w->used + length + 1 > s->buffer_words)
	{
		w->full = true;
		return false;
	}
	w->buffer[w->used++] = (uint32_t) length;
	for (int i = 0; i < length; i++)
		w->buffer[w->used++] = s->out_edge[path[i]];
	if (atomic_fetch_add_explicit(&s->found, 1, memory_order_relaxed) >= s->p->max_cycles)
	{
		atomic_store(&s->too_many, true);
		return false;
	}
	return true;
}

/* Cycles that begin with out[start]; false: stop, or no room. */
static bool
search_from(slab *s, worker *w, uint32_t root, uint32_t start, int thread)
{
	uint32_t	end = s->out_end[start];
	uint32_t	path[RK_MAX_FLOW_CYCLE];
	uint32_t	node[RK_MAX_FLOW_CYCLE];
	uint32_t	next[RK_MAX_FLOW_CYCLE];
	int			depth = 0;		/* payments on the path */
	uint32_t	step = start;	/* to go on with; RK_NO_ROW: none */
	bool		go_on = true;

	for (;;)
	{
		uint32_t	v;
		const label *l;

		if (step != RK_NO_ROW)
		{
			v = s->out[step].node;
			path[depth] = step;
			node[depth] = v;
			next[depth++] = first_after(s->out, s->out_offsets[v], s->out_offsets[v + 1], s->out[step].time);
			w->labels[v].on_path = true;
			step = RK_NO_ROW;
		}
		v = node[depth - 1];
		l = &w->labels[v];
		while (go_on && next[depth - 1] < s->out_offsets[v + 1])
		{
			uint32_t	k = next[depth - 1];
			const hop  *h = &s->out[k];

			if (h->time >= end || h->time > l->depart)
				break;
			next[depth - 1]++;
			if (stopped(s, w, thread))
				go_on = false;
			else if (h->node == root)
			{
				path[depth] = k;
				go_on = put_cycle(s, w, path, depth + 1);
			}
			else
			{
				const label *to = &w->labels[h->node];

				if (to->on_path || to->depart <= h->time || depth + 1 + to->hops_to > s->p->max_length)
					continue;
				step = k;
				break;
			}
		}
		if (step != RK_NO_ROW && go_on)
			continue;
		w->labels[v].on_path = false;
		if (--depth == 0)
			return go_on;
	}
}

/* All cycles of the slab that begin with a payment of root; false: stop, or no room. */
static bool
search_root(slab *s, worker *w, uint32_t root, int thread)
{
	uint32_t	first = s->out_offsets[root];
	uint32_t	out_end = s->out_offsets[root + 1];
	uint32_t	in_end = s->in_offsets[root + 1];

	while (first < out_end && s->out_edge[first] < s->first_end)
	{
		uint32_t	begin = s->out[first].time;
		uint32_t	end = begin;
		uint32_t	last = first;
		uint32_t	back = first_after(s->in, s->in_offsets[root], in_end, begin);
		bool		meet = false;
		bool		go_on = true;

		if (back == in_end)
			return true;
		for (; last < out_end && s->out_edge[last] < s->first_end &&
			 (last == first || s->moment[s->out[last].time] - s->moment[begin] < s->group_width); last++)
		{
			uint32_t	its_end = s->out_end[last];

			end = its_end > end ? its_end : end;
		}
		if (s->in[back].time < end)
			go_on = set_labels(s, w, root, first, last, end, &meet, thread);
		for (; go_on && meet && first < last; first++)
		{
			const hop  *h = &s->out[first];
			const label *l = &w->labels[h->node];

			if (l->depart > h->time && 1 + l->hops_to <= s->p->max_length)
				go_on = search_from(s, w, root, first, thread);
		}
		clear_labels(w);
		if (!go_on)
			return false;
		first = last;
	}
	return true;
}

void
rk_flows_search_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	slab	   *s = arg;
	worker	   *w = &s->workers[thread];
	int64_t		used = w->used;

	if (s->chunks[chunk].thread >= 0 || w->full || atomic_load_explicit(&s->too_many, memory_order_relaxed))
		return;
	for (int64_t v = begin; v < end; v++)
	{
		if (!search_root(s, w, (uint32_t) v, thread))
		{
			/* none of its cycles are there, and none counted */
			for (int64_t i = used; i < w->used; i += 1 + w->buffer[i])
				atomic_fetch_sub_explicit(&s->found, 1, memory_order_relaxed);
			w->used = used;
			return;
		}
	}
	s->chunks[chunk] = (chunk_result) {thread, used, w->used};
}

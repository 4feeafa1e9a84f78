/*
 * circulation.c
 *	  The largest circulation under given capacities.
 *
 * Which money did not go round?  A node that pays more than it gets has an
 * excess, one that gets more a deficit.  What is taken off the arcs is a flow
 * from excess to deficit, and the circulation is largest when as little as
 * possible is taken: least cost where an arc costs 1, and putting back what was
 * taken before gives 1 back.  All excess can go: take everything off.
 *
 * Primal-dual: distances from the excess nodes by reduced costs move the
 * potentials, so that shortest ways to deficits consist of arcs with reduced
 * cost 0; over those as much as there can be is sent, by a maximum flow of
 * shortest augmenting paths; then distances anew, which are larger now.
 */
#include "flows.h"

#include <string.h>

#define POLL_MASK ((1 << 16) - 1)
#define NOT_REACHED INT64_MAX

/* An end of an arc on shortest ways, with all that sending over it needs. */
typedef struct tight_end
{
	uint32_t	head;			/* where it leads */
	uint32_t	unused;
	int64_t		mate;			/* the other end of the arc */
	rk_decimal	room;			/* what may still be sent over it */
} tight_end;

typedef struct circulation_state
{
	rk_ctx	   *ctx;
	int64_t		nodes;
	rk_flow_arc *arcs;
	int64_t    *offsets;		/* by node, into ends */
	uint64_t   *ends;			/* arc * 2; + 1: against its direction */
	uint32_t   *heads;			/* where each leads: most are looked at for that alone */
	rk_decimal *excess;			/* negative: deficit */
	int64_t    *potential;
	int64_t    *distance;		/* by reduced cost */
	uint32_t   *bucket;			/* first node at each distance; also a queue of nodes */
	uint32_t   *after;			/* neighbours in the bucket; labels while money is sent */
	uint32_t   *before;			/* then also how many nodes have a label */

	/* the tight part: what has reduced cost 0 */
	int64_t    *tight_offsets;	/* by node, into tight */
	tight_end  *tight;
	int64_t		tight_capacity;
	int64_t    *next;			/* end of a node to look at next */
	int64_t    *path;			/* ends from an excess node to where the search is */
	int64_t		steps;
} circulation_state;

static inline bool
stopped(circulation_state *s)
{
	return (++s->steps & POLL_MASK) == 0 && rk_ctx_poll(s->ctx);
}

/* What may still be sent over an end. */
static inline rk_decimal
room(const circulation_state *s, uint64_t end)
{
	const rk_flow_arc *a = &s->arcs[end >> 1];

	return end & 1 ? a->removed : a->amount - a->removed;
}

/* Of the end at place k of a node. */
static inline int64_t
reduced_cost(const circulation_state *s, uint32_t from, int64_t k)
{
	return (s->ends[k] & 1 ? -1 : 1) + s->potential[from] - s->potential[s->heads[k]];
}

static void
put_in_bucket(circulation_state *s, uint32_t v, int64_t distance)
{
	s->distance[v] = distance;
	s->before[v] = RK_NO_ROW;
	s->after[v] = s->bucket[distance];
	if (s->after[v] != RK_NO_ROW)
		s->before[s->after[v]] = v;
	s->bucket[distance] = v;
}

static void
take_from_bucket(circulation_state *s, uint32_t v)
{
	if (s->before[v] == RK_NO_ROW)
		s->bucket[s->distance[v]] = s->after[v];
	else
		s->after[s->before[v]] = s->after[v];
	if (s->after[v] != RK_NO_ROW)
		s->before[s->after[v]] = s->before[v];
}

/*
 * Adds to the potential of each node its distance from the nodes with excess by
 * reduced costs, or that of the nearest deficit where it is further.  Distances
 * are below the number of nodes (Dial 1969).  *found: there is a deficit.
 */
static rk_status
move_potentials(circulation_state *s, bool *found)
{
	int64_t		nearest = NOT_REACHED;
	int64_t		waiting = 0;

	memset(s->bucket, 0xff, sizeof(uint32_t) * (s->nodes + 1));
	for (int64_t v = 0; v < s->nodes; v++)
	{
		s->distance[v] = NOT_REACHED;
		if (s->excess[v] > 0)
		{
			put_in_bucket(s, (uint32_t) v, 0);
			waiting++;
		}
	}
	for (int64_t d = 0; waiting > 0 && nearest == NOT_REACHED; d++)
	{
		while (s->bucket[d] != RK_NO_ROW)
		{
			uint32_t	v = s->bucket[d];

			if (s->excess[v] < 0)
			{
				nearest = d;
				break;
			}
			take_from_bucket(s, v);
			waiting--;
			for (int64_t k = s->offsets[v]; k < s->offsets[v + (int64_t) 1]; k++)
			{
				uint32_t	w = s->heads[k];
				int64_t		through = d + reduced_cost(s, v, k);

				if (stopped(s))
					return RK_STOPPED;
				if (through >= s->distance[w] || room(s, s->ends[k]) == 0)
					continue;
				if (s->distance[w] != NOT_REACHED)
					take_from_bucket(s, w);
				else
					waiting++;
				put_in_bucket(s, w, through);
			}
		}
	}
	*found = nearest != NOT_REACHED;
	for (int64_t v = 0; *found && v < s->nodes; v++)
		s->potential[v] += s->distance[v] < nearest ? s->distance[v] : nearest;
	return RK_OK;
}

/* ---- sending over the tight part ---- */

static inline bool
is_tight(const circulation_state *s, const rk_flow_arc *a)
{
	return 1 + s->potential[a->from] - s->potential[a->to] == 0;
}

/*
 * Lists the ends of tight arcs by node.  They stay the same until potentials
 * move, are few, and lie together then, so that sending over them seldom waits
 * for memory.
 */
static rk_status
gather_tight(circulation_state *s, int64_t count)
{
	int64_t    *offsets = s->tight_offsets;

	memset(offsets, 0, sizeof(int64_t) * (s->nodes + 2));
	for (int64_t i = 0; i < count; i++)
	{
		if (stopped(s))
			return RK_STOPPED;
		if (!is_tight(s, &s->arcs[i]))
			continue;
		offsets[s->arcs[i].from + (int64_t) 2]++;
		offsets[s->arcs[i].to + (int64_t) 2]++;
	}
	for (int64_t v = 0; v <= s->nodes; v++)
		offsets[v + 1] += offsets[v];
	if (offsets[s->nodes + 1] > s->tight_capacity)
	{
		rk_free(s->ctx, s->tight);
		s->tight_capacity = offsets[s->nodes + 1];
		s->tight = rk_alloc(s->ctx, s->tight_capacity, sizeof(*s->tight));
		if (s->tight == NULL)
			return RK_ERR_MEMORY;
	}
	for (int64_t i = 0; i < count; i++)
	{
		const rk_flow_arc *a = &s->arcs[i];
		int64_t		forth;
		int64_t		back;

		if (stopped(s))
			return RK_STOPPED;
		if (!is_tight(s, a))
			continue;
		forth = offsets[a->from + (int64_t) 1]++;
		back = offsets[a->to + (int64_t) 1]++;
		s->tight[forth] = (tight_end) {.head = a->to, .mate = back, .room = a->amount - a->removed};
		s->tight[back] = (tight_end) {.head = a->from, .mate = forth, .room = a->removed};
	}
	return RK_OK;
}

/* Writes down what was sent, arc by arc in the order in which they were listed. */
static rk_status
keep_sent(circulation_state *s, int64_t count)
{
	int64_t    *next = s->next;

	memcpy(next, s->tight_offsets, sizeof(int64_t) * s->nodes);
	for (int64_t i = 0; i < count; i++)
	{
		rk_flow_arc *a = &s->arcs[i];

		if (stopped(s))
			return RK_STOPPED;
		if (!is_tight(s, a))
			continue;
		next[a->from]++;
		a->removed = s->tight[next[a->to]++].room;
	}
	return RK_OK;
}

/*
 * Labels every node with the number of tight arcs to the nearest deficit, or
 * the number of nodes if there is no way to one.
 */
static rk_status
label_nodes(circulation_state *s)
{
	uint32_t   *label = s->after;
	uint32_t	none = (uint32_t) s->nodes;
	int64_t		count = 0;

	memset(s->before, 0, sizeof(uint32_t) * (s->nodes + 1));
	for (int64_t v = 0; v < s->nodes; v++)
	{
		label[v] = s->excess[v] < 0 ? 0 : none;
		s->next[v] = s->tight_offsets[v];
		if (s->excess[v] < 0)
			s->bucket[count++] = (uint32_t) v;
	}
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	v = s->bucket[i];

		s->before[label[v]]++;
		for (int64_t k = s->tight_offsets[v]; k < s->tight_offsets[v + (int64_t) 1]; k++)
		{
			const tight_end *e = &s->tight[k];

			if (stopped(s))
				return RK_STOPPED;
			if (label[e->head] == none && s->tight[e->mate].room > 0)
			{
				label[e->head] = label[v] + 1;
				s->bucket[count++] = e->head;
			}
		}
	}
	return RK_OK;
}

/* Sends what the path can carry from its first node to the last, which has a deficit. */
static void
send_along(circulation_state *s, uint32_t first, uint32_t last, int64_t length)
{
	rk_decimal	amount = s->excess[first] < -s->excess[last] ? s->excess[first] : -s->excess[last];

	for (int64_t i = 0; i < length; i++)
		if (s->tight[s->path[i]].room < amount)
			amount = s->tight[s->path[i]].room;
	for (int64_t i = 0; i < length; i++)
	{
		s->tight[s->path[i]].room -= amount;
		s->tight[s->tight[s->path[i]].mate].room += amount;
	}
	s->excess[first] -= amount;
	s->excess[last] += amount;
}

/* The label that a node must have at least, now that no arc leads one down from it. */
static uint32_t
new_label(const circulation_state *s, uint32_t v)
{
	uint32_t	least = (uint32_t) s->nodes - 1;

	for (int64_t k = s->tight_offsets[v]; k < s->tight_offsets[v + (int64_t) 1]; k++)
		if (s->tight[k].room > 0 && s->after[s->tight[k].head] < least)
			least = s->after[s->tight[k].head];
	return least + 1;
}

/*
 * Sends all that can go over tight arcs, along shortest ways: each step leads to
 * a label one less, and a node that has none such gets a higher label (Ahuja and
 * Orlin, Naval Research Logistics 38, 1991).  When a label has no node left,
 * those above it have no way to a deficit.
 */
static rk_status
send_all(circulation_state *s)
{
	uint32_t   *label = s->after;
	uint32_t	most = (uint32_t) s->nodes - 1; /* higher labels are without a way */

	for (int64_t start = 0; start < s->nodes; start++)
	{
		uint32_t	v = (uint32_t) start;
		int64_t		length = 0;

		while (s->excess[start] > 0 && label[start] <= most)
		{
			int64_t		end = s->tight_offsets[v + (int64_t) 1];
			uint32_t	from = label[v];
			int64_t		k = s->next[v];

			if (stopped(s))
				return RK_STOPPED;
			if (s->excess[v] < 0)
			{
				send_along(s, (uint32_t) start, v, length);
				/* back to the first arc that is full; all before it are as they were */
				for (int64_t i = 0; i < length; i++)
				{
					const tight_end *e = &s->tight[s->path[i]];

					if (e->room == 0)
					{
						v = s->tight[e->mate].head;
						length = i;
						break;
					}
				}
				continue;
			}
			while (k < end && !(s->tight[k].room > 0 && label[s->tight[k].head] + 1 == from))
				k++;
			s->next[v] = k;
			if (k < end)
			{
				s->path[length++] = k;
				v = s->tight[k].head;
				continue;
			}
			label[v] = new_label(s, v);
			s->next[v] = s->tight_offsets[v];
			if (--s->before[from] == 0 && from < most)
				most = from;
			s->before[label[v]]++;
			if (length > 0)
				v = s->tight[s->tight[s->path[--length]].mate].head;
		}
	}
	return RK_OK;
}

/* ---- the whole ---- */

/* Sets up the residual graph: every arc is an end at both of its nodes. */
static rk_status
build_ends(circulation_state *s, int64_t count)
{
	s->offsets = rk_alloc0(s->ctx, s->nodes + 2, sizeof(int64_t));
	s->tight_offsets = rk_alloc(s->ctx, s->nodes + 2, sizeof(int64_t));
	s->ends = rk_alloc(s->ctx, 2 * count, sizeof(uint64_t));
	s->heads = rk_alloc(s->ctx, 2 * count, sizeof(uint32_t));
	s->excess = rk_alloc0(s->ctx, s->nodes, sizeof(rk_decimal));
	s->potential = rk_alloc0(s->ctx, s->nodes, sizeof(int64_t));
	s->distance = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	s->next = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	s->bucket = rk_alloc(s->ctx, s->nodes + 1, sizeof(uint32_t));
	s->after = rk_alloc(s->ctx, s->nodes, sizeof(uint32_t));
	s->before = rk_alloc(s->ctx, s->nodes + 1, sizeof(uint32_t));
	s->path = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	if (!s->offsets || !s->tight_offsets || !s->ends || !s->heads || !s->excess || !s->potential || !s->distance || !s->next || !s->bucket ||
		!s->after || !s->before || !s->path)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		s->arcs[i].removed = 0;
		s->offsets[s->arcs[i].from + (int64_t) 2]++;
		s->offsets[s->arcs[i].to + (int64_t) 2]++;
		s->excess[s->arcs[i].from] += s->arcs[i].amount;
		s->excess[s->arcs[i].to] -= s->arcs[i].amount;
	}
	for (int64_t v = 0; v <= s->nodes; v++)
		s->offsets[v + 1] += s->offsets[v];
	for (int64_t i = 0; i < count; i++)
	{
		int64_t		forth = s->offsets[s->arcs[i].from + (int64_t) 1]++;
		int64_t		back = s->offsets[s->arcs[i].to + (int64_t) 1]++;

		s->ends[forth] = (uint64_t) i * 2;
		s->heads[forth] = s->arcs[i].to;
		s->ends[back] = (uint64_t) i * 2 + 1;
		s->heads[back] = s->arcs[i].from;
	}
	return RK_OK;
}

rk_status
rk_flows_circulation(rk_ctx *ctx, int64_t nodes, rk_flow_arc *arcs, int64_t count)
{
	circulation_state s = {.ctx = ctx,.nodes = nodes,.arcs = arcs};
	rk_status	status = build_ends(&s, count);
	bool		found = true;

	rk_phase(ctx, "circulation", 0);
	while (status == RK_OK && found)
	{
		status = move_potentials(&s, &found);
		if (status == RK_OK && found)
			status = gather_tight(&s, count);
		if (status == RK_OK && found &&
			(status = label_nodes(&s)) == RK_OK && (status = send_all(&s)) == RK_OK)
			status = keep_sent(&s, count);
	}
	rk_free(ctx, s.offsets);
	rk_free(ctx, s.tight);
	rk_free(ctx, s.tight_offsets);
	rk_free(ctx, s.ends);
	rk_free(ctx, s.heads);
	rk_free(ctx, s.excess);
	rk_free(ctx, s.potential);
	rk_free(ctx, s.distance);
	rk_free(ctx, s.next);
	rk_free(ctx, s.bucket);
	rk_free(ctx, s.after);
	rk_free(ctx, s.before);
	rk_free(ctx, s.path);
	return status;
}

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
 * cost 0; over those as much as there can be is sent by blocking flows; then
 * distances anew, which are larger now.
 */
#include "flows.h"

#include <string.h>

#define POLL_MASK ((1 << 16) - 1)
#define NOT_REACHED INT64_MAX

typedef struct circulation_state
{
	rk_ctx	   *ctx;
	int64_t		nodes;
	rk_flow_arc *arcs;
	int64_t    *offsets;		/* by node, into ends */
	int64_t    *tight;			/* up to here a node's ends are on shortest ways */
	uint64_t   *ends;			/* arc * 2; + 1: against its direction */
	uint32_t   *heads;			/* where each leads: most are looked at for that alone */
	rk_decimal *excess;			/* negative: deficit */
	int64_t    *potential;
	int64_t    *distance;		/* by reduced cost; in a blocking flow by arcs */
	int64_t    *next;			/* end of a node to look at next */
	uint32_t   *bucket;			/* first node at each distance; also a queue of nodes */
	uint32_t   *after;			/* neighbours in the bucket */
	uint32_t   *before;
	uint64_t   *path;			/* ends from an excess node to where the search is */
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

/* The node that an end of an arc belongs to. */
static inline uint32_t
tail(const circulation_state *s, uint64_t end)
{
	const rk_flow_arc *a = &s->arcs[end >> 1];

	return end & 1 ? a->to : a->from;
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

/*
 * Puts the ends with reduced cost 0 first at every node.  They stay the same
 * until potentials move, and are few.
 */
static rk_status
gather_tight(circulation_state *s)
{
	for (int64_t v = 0; v < s->nodes; v++)
	{
		int64_t		to = s->offsets[v];

		for (int64_t k = to; k < s->offsets[v + 1]; k++)
		{
			uint64_t	end = s->ends[k];
			uint32_t	head = s->heads[k];

			if (stopped(s))
				return RK_STOPPED;
			if (reduced_cost(s, (uint32_t) v, k) != 0)
				continue;
			s->ends[k] = s->ends[to];
			s->heads[k] = s->heads[to];
			s->ends[to] = end;
			s->heads[to++] = head;
		}
		s->tight[v] = to;
	}
	return RK_OK;
}

/* Levels by number of tight arcs from the nodes with excess; *found: a deficit is among them. */
static rk_status
level_nodes(circulation_state *s, bool *found)
{
	int64_t		count = 0;
	int64_t		nearest = NOT_REACHED;

	for (int64_t v = 0; v < s->nodes; v++)
	{
		s->distance[v] = s->excess[v] > 0 ? 0 : NOT_REACHED;
		s->next[v] = s->offsets[v];
		if (s->excess[v] > 0)
			s->bucket[count++] = (uint32_t) v;
	}
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	v = s->bucket[i];

		/* no further than the nearest deficits: longer ways come in later rounds */
		if (s->distance[v] >= nearest)
			break;
		for (int64_t k = s->offsets[v]; k < s->tight[v]; k++)
		{
			uint32_t	w = s->heads[k];

			if (stopped(s))
				return RK_STOPPED;
			if (s->distance[w] == NOT_REACHED && room(s, s->ends[k]) > 0)
			{
				s->distance[w] = s->distance[v] + 1;
				s->bucket[count++] = w;
				if (s->excess[w] < 0 && s->distance[w] < nearest)
					nearest = s->distance[w];
			}
		}
	}
	*found = nearest != NOT_REACHED;
	return RK_OK;
}

/* Sends what the path can carry from its first node to the last, which has a deficit. */
static void
send_along(circulation_state *s, uint32_t first, uint32_t last, int64_t length)
{
	rk_decimal	amount = s->excess[first] < -s->excess[last] ? s->excess[first] : -s->excess[last];

	for (int64_t i = 0; i < length; i++)
		if (room(s, s->path[i]) < amount)
			amount = room(s, s->path[i]);
	for (int64_t i = 0; i < length; i++)
		s->arcs[s->path[i] >> 1].removed += s->path[i] & 1 ? -amount : amount;
	s->excess[first] -= amount;
	s->excess[last] += amount;
}

/* Sends all that can go over tight arcs that lead one level down. */
static rk_status
blocking_flow(circulation_state *s)
{
	for (int64_t start = 0; start < s->nodes; start++)
	{
		uint32_t	v = (uint32_t) start;
		int64_t		length = 0;

		while (s->excess[start] > 0)
		{
			int64_t		k = s->next[v];

			if (stopped(s))
				return RK_STOPPED;
			if (s->excess[v] < 0)
			{
				send_along(s, (uint32_t) start, v, length);
				/* back to the first arc that is full; all before it are as they were */
				for (int64_t i = 0; i < length; i++)
				{
					if (room(s, s->path[i]) == 0)
					{
						v = tail(s, s->path[i]);
						length = i;
						break;
					}
				}
				continue;
			}
			while (k < s->tight[v] &&
				   !(s->distance[s->heads[k]] == s->distance[v] + 1 && room(s, s->ends[k]) > 0))
				k++;
			s->next[v] = k;
			if (k < s->tight[v])
			{
				s->path[length++] = s->ends[k];
				v = s->heads[k];
				continue;
			}
			/* nothing leads on from here: never come again */
			if (length == 0)
				break;
			v = tail(s, s->path[--length]);
			s->next[v]++;
		}
	}
	return RK_OK;
}

/* Sets up the residual graph: every arc is an end at both of its nodes. */
static rk_status
build_ends(circulation_state *s, int64_t count)
{
	s->offsets = rk_alloc0(s->ctx, s->nodes + 2, sizeof(int64_t));
	s->tight = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	s->ends = rk_alloc(s->ctx, 2 * count, sizeof(uint64_t));
	s->heads = rk_alloc(s->ctx, 2 * count, sizeof(uint32_t));
	s->excess = rk_alloc0(s->ctx, s->nodes, sizeof(rk_decimal));
	s->potential = rk_alloc0(s->ctx, s->nodes, sizeof(int64_t));
	s->distance = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	s->next = rk_alloc(s->ctx, s->nodes, sizeof(int64_t));
	s->bucket = rk_alloc(s->ctx, s->nodes + 1, sizeof(uint32_t));
	s->after = rk_alloc(s->ctx, s->nodes, sizeof(uint32_t));
	s->before = rk_alloc(s->ctx, s->nodes, sizeof(uint32_t));
	s->path = rk_alloc(s->ctx, s->nodes, sizeof(uint64_t));
	if (!s->offsets || !s->tight || !s->ends || !s->heads || !s->excess || !s->potential || !s->distance || !s->next || !s->bucket ||
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
			status = gather_tight(&s);
		while (status == RK_OK && found)
		{
			bool		reached;

			if ((status = level_nodes(&s, &reached)) != RK_OK || !reached)
				break;
			status = blocking_flow(&s);
		}
	}
	rk_free(ctx, s.offsets);
	rk_free(ctx, s.tight);
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

/*
 * circular_state.c
 *	  Strong components while payments come.
 *
 * Components have levels, which do not fall along pairs (Bender, Fineman, Gilbert
 * and Tarjan, ACM Trans. Algorithms 12, 2015).  A new pair that leads up a level
 * closes nothing.  For another one, from x to y, those that reach x on its own
 * level are looked at, as many pairs as the root of their number.  If that is
 * all there are, y is on x's level from then on, else on the next one, and what
 * y reaches on lower levels comes along.  Whoever is on a cycle with the new pair
 * is then on one level with both ends, and found from x backwards on it.
 *
 * A component has lists of the pairs that lead out of it, and of those that lead
 * into it from its own level; those that turn out to be inside are taken out when
 * a search comes by.
 *
 * Amounts inside a component are kept as well: when components become one, the
 * pairs of all but the largest are looked at, so that a pair is looked at at
 * most log2(entities) times in the life of the ring.
 */
#include "circular_state.h"

#include "../../compute/random.h"

#define NONE RK_CIRCULAR_NONE
#define POLL_PAIRS 4096

/* The directions of searches. */
enum
{
	FORWARD,
	BACKWARD
};

/* ---- memory ---- */

rk_status
rk_circular_create(rk_ctx *ctx, circular *s, uint32_t pairs, uint32_t nodes)
{
	s->pair_count = 0;
	s->node_count = 0;
	s->total = 0;
	s->stamp = 0;
	s->few = 1;
	s->work = 0;
	s->unsettled = false;
	for (s->pair_capacity = 64; s->pair_capacity < pairs; s->pair_capacity *= 2)
		;
	s->node_capacity = nodes < 64 ? 64 : nodes;
	s->pairs = rk_alloc(ctx, s->pair_capacity, sizeof(*s->pairs));
	s->buckets = rk_alloc(ctx, s->pair_capacity, sizeof(*s->buckets));
	s->nodes = rk_alloc(ctx, s->node_capacity, sizeof(*s->nodes));
	for (int d = 0; d < 2; d++)
	{
		s->list[d] = rk_alloc(ctx, s->node_capacity, sizeof(**s->list));
		s->trail[d] = rk_alloc(ctx, s->node_capacity, sizeof(**s->trail));
	}
	if (!s->pairs || !s->buckets || !s->nodes || !s->list[0] || !s->list[1] || !s->trail[0] || !s->trail[1])
		return RK_ERR_MEMORY;
	memset(s->buckets, 0xff, sizeof(*s->buckets) * s->pair_capacity);
	return RK_OK;
}

void
rk_circular_free(rk_ctx *ctx, circular *s)
{
	rk_free(ctx, s->pairs);
	rk_free(ctx, s->buckets);
	rk_free(ctx, s->nodes);
	for (int d = 0; d < 2; d++)
	{
		rk_free(ctx, s->list[d]);
		rk_free(ctx, s->trail[d]);
	}
}

static uint32_t
bucket_of(const circular *s, uint32_t source, uint32_t target)
{
	return (uint32_t) rk_hash2(source, target) & (s->pair_capacity - 1);
}

/* Room for one more pair. */
static rk_status
pair_room(rk_ctx *ctx, circular *s)
{
	int64_t		capacity = 2 * (int64_t) s->pair_capacity;
	uint32_t   *buckets;
	circular_pair *pairs;

	if (s->pair_count < s->pair_capacity)
		return RK_OK;
	if (capacity > UINT32_MAX / 2)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many pairs: %u", s->pair_count);
	buckets = rk_alloc(ctx, capacity, sizeof(*buckets));
	if (buckets == NULL)
		return RK_ERR_MEMORY;
	pairs = rk_realloc(ctx, s->pairs, capacity, sizeof(*pairs));
	if (pairs == NULL)
	{
		rk_free(ctx, buckets);
		return RK_ERR_MEMORY;
	}
	rk_free(ctx, s->buckets);
	s->pairs = pairs;
	s->buckets = buckets;
	s->pair_capacity = (uint32_t) capacity;
	memset(buckets, 0xff, sizeof(*buckets) * capacity);
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		uint32_t	b = bucket_of(s, pairs[i].source, pairs[i].target);

		pairs[i].next_hash = buckets[b];
		buckets[b] = i;
	}
	return RK_OK;
}

/* Makes the nodes of all numbers below count, each a component of its own without a place. */
static rk_status
node_room(rk_ctx *ctx, circular *s, uint32_t count)
{
	if (count > s->node_capacity)
	{
		int64_t		capacity = 2 * (int64_t) s->node_capacity;
		void	   *grown;

		while (capacity < count)
			capacity *= 2;
		for (int d = 0; d < 2; d++)
		{
			if ((grown = rk_realloc(ctx, s->list[d], capacity, sizeof(**s->list))) == NULL)
				return RK_ERR_MEMORY;
			s->list[d] = grown;
			if ((grown = rk_realloc(ctx, s->trail[d], capacity, sizeof(**s->trail))) == NULL)
				return RK_ERR_MEMORY;
			s->trail[d] = grown;
		}
		if ((grown = rk_realloc(ctx, s->nodes, capacity, sizeof(*s->nodes))) == NULL)
			return RK_ERR_MEMORY;
		s->nodes = grown;
		s->node_capacity = (uint32_t) capacity;
	}
	for (; s->node_count < count; s->node_count++)
	{
		circular_node *n = &s->nodes[s->node_count];

		memset(n, 0, sizeof(*n));
		n->first_out = n->first_in = n->next_member = NONE;
		n->parent = n->last_member = s->node_count;
		n->size = 1;
		n->first_outward[FORWARD] = n->first_outward[BACKWARD] = NONE;
	}
	return RK_OK;
}

/* ---- pairs ---- */

uint32_t
rk_circular_find(const circular *s, uint32_t source, uint32_t target)
{
	uint32_t	i = s->buckets[bucket_of(s, source, target)];

	while (i != NONE && (s->pairs[i].source != source || s->pairs[i].target != target))
		i = s->pairs[i].next_hash;
	return i;
}

/* Puts a pair into the lists that it belongs to. */
static void
link_pair(circular *s, uint32_t i)
{
	circular_pair *p = &s->pairs[i];
	uint32_t	b = bucket_of(s, p->source, p->target);

	p->next_hash = s->buckets[b];
	s->buckets[b] = i;
	s->nodes[p->source].active = s->nodes[p->target].active = true;
	p->next_out = p->next_in = NONE;
	if (p->source == p->target)
		return;
	p->next_out = s->nodes[p->source].first_out;
	s->nodes[p->source].first_out = i;
	s->nodes[p->source].degree[FORWARD]++;
	p->next_in = s->nodes[p->target].first_in;
	s->nodes[p->target].first_in = i;
	s->nodes[p->target].degree[BACKWARD]++;
}

/* The first pair of a node in a direction, the next one, and where a pair leads. */
static inline uint32_t
first_pair(const circular *s, uint32_t node, int direction)
{
	return direction == FORWARD ? s->nodes[node].first_out : s->nodes[node].first_in;
}

static inline uint32_t
next_pair(const circular_pair *p, int direction)
{
	return direction == FORWARD ? p->next_out : p->next_in;
}

static inline uint32_t
end_of(const circular_pair *p, int direction)
{
	return direction == FORWARD ? p->target : p->source;
}

/* Notes a pair with a component that it leads out of, or into. */
static void
add_to_list(circular *s, uint32_t i, uint32_t component, int direction)
{
	circular_node *c = &s->nodes[component];

	s->pairs[i].next_outward[direction] = c->first_outward[direction];
	if (c->first_outward[direction] == NONE)
		c->last_outward[direction] = i;
	c->first_outward[direction] = i;
}

/* Notes a pair between two components with both of them. */
static void
add_outward(circular *s, uint32_t i)
{
	uint32_t	x = rk_circular_root(s, s->pairs[i].source);
	uint32_t	y = rk_circular_root(s, s->pairs[i].target);

	add_to_list(s, i, x, FORWARD);
	if (s->nodes[x].level == s->nodes[y].level)
		add_to_list(s, i, y, BACKWARD);
}

/* A stamp that no mark has. */
static uint32_t
new_stamp(circular *s)
{
	if (++s->stamp == 0)
	{
		for (uint32_t i = 0; i < s->node_count; i++)
			for (int d = 0; d < 2; d++)
				s->nodes[i].mark[d] = s->nodes[i].seen[d] = 0;
		s->stamp = 1;
	}
	return s->stamp;
}

/* ---- levels of components ---- */

/*
 * The first pair of a component's list from k on that is not inside it, or NONE,
 * and where it leads; those that are inside are taken out, for ever.  previous is
 * the pair before k.  NONE with s->stopped: it was stopped, and nothing is wrong.
 */
static uint32_t
outward_from(rk_ctx *ctx, circular *s, uint32_t component, int direction, uint32_t previous, uint32_t k, uint32_t *end)
{
	circular_node *own = &s->nodes[component];

	while (k != NONE)
	{
		if (++s->work % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
		{
			s->stopped = true;
			return NONE;
		}
		if ((*end = rk_circular_root(s, end_of(&s->pairs[k], direction))) != component)
			break;
		k = s->pairs[k].next_outward[direction];
		*(previous == NONE ? &own->first_outward[direction] : &s->pairs[previous].next_outward[direction]) = k;
		if (k == NONE)
			own->last_outward[direction] = previous;
	}
	return k;
}

/*
 * Marks the components that reach one on its own level, as long as the pairs
 * that are looked at are few.  *all: there are no others.
 */
static void
search_level(rk_ctx *ctx, circular *s, uint32_t from, bool *all)
{
	uint32_t   *list = s->list[BACKWARD];
	uint32_t	n = 0;
	uint32_t	left = s->few;

	list[n++] = from;
	s->nodes[from].mark[BACKWARD] = s->stamp;
	*all = true;
	for (uint32_t i = 0; i < n && !s->stopped; i++)
	{
		uint32_t	previous = NONE;
		uint32_t	c;

		for (uint32_t k = outward_from(ctx, s, list[i], BACKWARD, NONE, s->nodes[list[i]].first_outward[BACKWARD], &c); k != NONE;
			 k = outward_from(ctx, s, list[i], BACKWARD, previous, s->pairs[k].next_outward[BACKWARD], &c))
		{
			if (left-- == 0)
			{
				*all = false;
				return;
			}
			previous = k;
			if (s->nodes[c].mark[BACKWARD] == s->stamp)
				continue;
			s->nodes[c].mark[BACKWARD] = s->stamp;
			list[n++] = c;
		}
	}
}

/* Puts a component on a level, where nobody is known yet to lead to it. */
static void
set_level(circular *s, uint32_t component, uint32_t level)
{
	s->nodes[component].level = level;
	s->nodes[component].first_outward[BACKWARD] = NONE;
}

/*
 * Puts a component on a higher level, and what it reaches below that.  *met: one
 * that search_level has marked is among them, or next to them.  When it is
 * stopped levels are unsettled.
 */
static rk_status
raise_level(rk_ctx *ctx, circular *s, uint32_t from, uint32_t level, bool *met)
{
	uint32_t   *list = s->list[FORWARD];
	uint32_t	n = 0;

	*met = false;
	s->unsettled = true;
	list[n++] = from;
	set_level(s, from, level);
	for (uint32_t i = 0; i < n && !s->stopped; i++)
	{
		uint32_t	previous = NONE;
		uint32_t	c;

		for (uint32_t k = outward_from(ctx, s, list[i], FORWARD, NONE, s->nodes[list[i]].first_outward[FORWARD], &c); k != NONE;
			 k = outward_from(ctx, s, list[i], FORWARD, previous, s->pairs[k].next_outward[FORWARD], &c))
		{
			previous = k;
			*met |= s->nodes[c].mark[BACKWARD] == s->stamp;
			if (s->nodes[c].level > level)
				continue;
			if (s->nodes[c].level < level)
			{
				set_level(s, c, level);
				list[n++] = c;
			}
			add_to_list(s, k, c, BACKWARD);
		}
	}
	if (s->stopped)
		return RK_STOPPED;
	s->unsettled = false;
	return RK_OK;
}

/*
 * Lists the components on the way from one to another, both included, which are
 * all on one level: depth first, backwards.  They are marked in both directions.
 */
static rk_status
find_between(rk_ctx *ctx, circular *s, uint32_t from, uint32_t to, uint32_t *count)
{
	uint32_t   *path = s->list[FORWARD];
	uint32_t   *pair = s->trail[FORWARD];	/* that the path goes on by, or NONE */
	uint32_t   *previous = s->trail[BACKWARD];
	uint32_t	depth = 0;
	uint32_t	n = 0;

	new_stamp(s);
	s->nodes[from].mark[FORWARD] = s->nodes[from].mark[BACKWARD] = s->stamp;
	s->list[BACKWARD][n++] = from;
	s->nodes[to].mark[BACKWARD] = s->stamp;
	path[0] = to;
	pair[0] = s->nodes[to].first_outward[BACKWARD];
	previous[0] = NONE;
	for (;;)
	{
		uint32_t	own = path[depth];
		uint32_t	c;
		uint32_t	k = outward_from(ctx, s, own, BACKWARD, previous[depth], pair[depth], &c);

		if (s->stopped)
			return RK_STOPPED;
		if (k == NONE)
		{
			if (depth == 0)
				break;
			/* whoever leads to one on the way is on it, too */
			c = own;
			own = path[--depth];
		}
		else
		{
			previous[depth] = k;
			pair[depth] = s->pairs[k].next_outward[BACKWARD];
			if (s->nodes[c].mark[BACKWARD] != s->stamp)
			{
				s->nodes[c].mark[BACKWARD] = s->stamp;
				path[++depth] = c;
				pair[depth] = s->nodes[c].first_outward[BACKWARD];
				previous[depth] = NONE;
				continue;
			}
		}
		if (s->nodes[c].mark[FORWARD] == s->stamp && s->nodes[own].mark[FORWARD] != s->stamp)
		{
			s->nodes[own].mark[FORWARD] = s->stamp;
			s->list[BACKWARD][n++] = own;
		}
	}
	*count = n;
	return RK_OK;
}

/* After a search that was stopped: everybody on one level, as in the beginning. */
static rk_status
settle(rk_ctx *ctx, circular *s)
{
	for (uint32_t i = 0; i < s->node_count; i++)
	{
		set_level(s, i, 0);
		s->nodes[i].first_outward[FORWARD] = NONE;
		if (i % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		if (rk_circular_root(s, s->pairs[i].source) != rk_circular_root(s, s->pairs[i].target))
			add_outward(s, i);
		if (i % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	s->unsettled = false;
	return RK_OK;
}

/*
 * Levels for a new pair between two components.  Lists those that it makes one of
 * into list[BACKWARD], marked in both directions; *count is 0 if it closes nothing.
 */
static rk_status
level_for_pair(rk_ctx *ctx, circular *s, uint32_t x, uint32_t y, uint32_t *count)
{
	uint32_t	level = s->nodes[x].level;
	bool		closed;
	bool		all;
	rk_status	status;

	*count = 0;
	if (level < s->nodes[y].level)
		return RK_OK;
	new_stamp(s);
	search_level(ctx, s, x, &all);
	if (s->stopped)
		return RK_STOPPED;
	if (all && s->nodes[y].level == level)
		closed = s->nodes[y].mark[BACKWARD] == s->stamp;
	else
	{
		if (!all)
		{
			/* x alone: it comes along if y reaches it */
			new_stamp(s);
			s->nodes[x].mark[BACKWARD] = s->stamp;
			level++;
		}
		if ((status = raise_level(ctx, s, y, level, &closed)) != RK_OK)
			return status;
	}
	return closed ? find_between(ctx, s, y, x, count) : RK_OK;
}

/* Adds what lies between a small component and the others that become one with it. */
static void
add_between(circular *s, uint32_t small, uint32_t big, rk_decimal *internal)
{
	for (uint32_t v = small; v != NONE; v = s->nodes[v].next_member)
	{
		for (uint32_t k = s->nodes[v].first_out; k != NONE; k = s->pairs[k].next_out)
		{
			const circular_node *c = &s->nodes[rk_circular_root(s, s->pairs[k].target)];

			if (c == &s->nodes[small] || c->mark[FORWARD] != s->stamp || c->mark[BACKWARD] != s->stamp)
				continue;
			s->nodes[v].circular += s->pairs[k].amount;
			*internal += s->pairs[k].amount;
		}
		for (uint32_t k = s->nodes[v].first_in; k != NONE; k = s->pairs[k].next_in)
			if (rk_circular_root(s, s->pairs[k].source) == big)
			{
				s->nodes[s->pairs[k].source].circular += s->pairs[k].amount;
				*internal += s->pairs[k].amount;
			}
	}
}

/* Makes one component of those in list[BACKWARD], marked in both directions; the new pair is linked. */
static void
merge(circular *s, uint32_t count)
{
	const uint32_t *list = s->list[BACKWARD];
	uint32_t	big = NONE;
	rk_decimal	internal;

	for (uint32_t i = 0; i < count; i++)
		if (big == NONE || s->nodes[list[i]].size > s->nodes[big].size)
			big = list[i];
	internal = s->nodes[big].internal;
	for (uint32_t i = 0; i < count; i++)
		if (list[i] != big)
		{
			internal += s->nodes[list[i]].internal;
			add_between(s, list[i], big, &internal);
		}
	for (uint32_t i = 0; i < count; i++)
	{
		circular_node *c = &s->nodes[list[i]];
		circular_node *b = &s->nodes[big];

		if (list[i] == big)
			continue;
		c->parent = big;
		s->nodes[b->last_member].next_member = list[i];
		b->last_member = c->last_member;
		b->size += c->size;
		for (int d = FORWARD; d <= BACKWARD; d++)
		{
			if (c->first_outward[d] == NONE)
				continue;
			if (b->first_outward[d] == NONE)
				b->first_outward[d] = c->first_outward[d];
			else
				s->pairs[b->last_outward[d]].next_outward[d] = c->first_outward[d];
			b->last_outward[d] = c->last_outward[d];
		}
	}
	s->nodes[big].internal = internal;
}

/* ---- a shortest cycle ---- */

/* Whether a component is, or becomes, the one that a payment is inside of. */
static inline bool
is_within(const circular *s, uint32_t root, uint32_t component)
{
	const circular_node *c = &s->nodes[root];

	return component != NONE ? root == component : c->mark[FORWARD] == s->stamp && c->mark[BACKWARD] == s->stamp;
}

static void
add_to_cycle(circular_step *step, rk_decimal amount)
{
	step->size++;
	step->total += amount;
	step->least = step->size == 1 || amount < step->least ? amount : step->least;
	step->most = amount > step->most ? amount : step->most;
}

/*
 * Looks for a shortest way back from the target of a payment to its source,
 * level by level from both ends, the one with fewer pairs first, inside a
 * component or, if that is NONE, inside those that are marked in both directions.
 */
static rk_status
find_cycle(rk_ctx *ctx, circular *s, uint32_t source, uint32_t target, uint32_t component, rk_decimal amount,
		   circular_step *step)
{
	uint32_t	ends[2] = {target, source};
	uint32_t	begin[2] = {0, 0};	/* the last level of each trail */
	uint32_t	end[2] = {1, 1};
	uint64_t	pairs[2];		/* of that level */
	uint32_t	work = 0;

	for (int d = FORWARD; d <= BACKWARD; d++)
	{
		s->trail[d][0] = ends[d];
		pairs[d] = s->nodes[ends[d]].degree[d];
		s->nodes[ends[d]].seen[d] = s->stamp;
	}
	for (int32_t length = 1; length < s->max_length; length++)
	{
		int			d = pairs[FORWARD] <= pairs[BACKWARD] ? FORWARD : BACKWARD;
		uint32_t	level = end[d];

		pairs[d] = 0;
		for (; begin[d] < level; begin[d]++)
			for (uint32_t k = first_pair(s, s->trail[d][begin[d]], d); k != NONE; k = next_pair(&s->pairs[k], d))
			{
				uint32_t	w = end_of(&s->pairs[k], d);

				if (++work % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
					return RK_STOPPED;
				if (s->nodes[w].seen[d] == s->stamp || !is_within(s, rk_circular_root(s, w), component))
					continue;
				s->nodes[w].seen[d] = s->stamp;
				s->nodes[w].by[d] = k;
				s->trail[d][end[d]++] = w;
				pairs[d] += s->nodes[w].degree[d];
				if (s->nodes[w].seen[1 - d] != s->stamp)
					continue;
				/* the ends have met: whoever is found on this level is as near */
				add_to_cycle(step, amount);
				for (int side = FORWARD; side <= BACKWARD; side++)
					for (uint32_t u = w; u != ends[side]; u = end_of(&s->pairs[s->nodes[u].by[side]], 1 - side))
						add_to_cycle(step, s->pairs[s->nodes[u].by[side]].amount);
				return RK_OK;
			}
		if (end[d] == level)
			break;
	}
	return RK_OK;
}

/* ---- payments ---- */

rk_status
rk_circular_add(rk_ctx *ctx, circular *s, uint32_t source, uint32_t target, int64_t amount, int64_t ts,
				circular_step *step)
{
	uint32_t	between = 0;
	uint32_t	x;
	uint32_t	y;
	bool		inside;
	circular_pair *p;
	rk_status	status;

	*step = (circular_step) {0};
	s->stopped = false;
	/* whatever may fail or be stopped comes first; levels may change without the pair */
	if ((status = node_room(ctx, s, (source > target ? source : target) + 1)) != RK_OK)
		return status;
	step->pair = rk_circular_find(s, source, target);
	step->is_new = step->pair == NONE;
	if (step->is_new && (status = pair_room(ctx, s)) != RK_OK)
		return status;
	if (s->unsettled && (status = settle(ctx, s)) != RK_OK)
		return status;
	x = rk_circular_root(s, source);
	y = rk_circular_root(s, target);
	inside = x == y && source != target;
	if (step->is_new && x != y && (status = level_for_pair(ctx, s, x, y, &between)) != RK_OK)
		return status;
	step->closed = inside || between > 0;
	if (inside)
		new_stamp(s);
	if (step->closed &&
		(status = find_cycle(ctx, s, source, target, inside ? x : NONE,
							 (step->is_new ? 0 : s->pairs[step->pair].amount) + amount, step)) != RK_OK)
		return status;

	if (step->is_new)
	{
		step->pair = s->pair_count++;
		s->pairs[step->pair] = (circular_pair) {.source = source, .target = target, .last_ts = INT64_MIN};
		link_pair(s, step->pair);
		if (x != y && !step->closed)
			add_outward(s, step->pair);
		if ((uint64_t) s->few * s->few < s->pair_count)
			s->few++;
	}
	p = &s->pairs[step->pair];
	p->amount += amount;
	p->count++;
	p->last_ts = ts > p->last_ts ? ts : p->last_ts;
	s->nodes[source].out += amount;
	s->total += amount;
	if (inside)
	{
		s->nodes[source].circular += amount;
		s->nodes[x].internal += amount;
	}
	if (between > 0)
		merge(s, between);
	return RK_OK;
}

/* ---- everything from the pairs ---- */

/* Where the search for components is at an entity. */
typedef struct frame
{
	uint32_t	node;
	uint32_t	pair;			/* to be looked at next */
} frame;

/*
 * Components by Tarjan's algorithm (SIAM J. Computing 1, 1972), without
 * recursion.
 */
static rk_status
find_components(rk_ctx *ctx, circular *s)
{
	uint32_t	n = s->node_count;
	uint32_t   *index = rk_alloc0(ctx, n, sizeof(*index));	/* from 1; 0: not seen */
	uint32_t   *low = rk_alloc(ctx, n, sizeof(*low));	/* NONE: finished */
	frame	   *frames = rk_alloc(ctx, n, sizeof(*frames));
	uint32_t   *stack = s->list[0];
	uint32_t	stacked = 0;
	uint32_t	seen = 0;
	uint32_t	work = 0;
	bool		stopped = false;

	if (!index || !low || !frames)
		return RK_ERR_MEMORY;
	for (uint32_t root = 0; root < n && !stopped; root++)
	{
		int64_t		depth = 0;

		if (!s->nodes[root].active || index[root] != 0)
			continue;
		frames[0] = (frame) {root, s->nodes[root].first_out};
		index[root] = low[root] = ++seen;
		stack[stacked++] = root;
		while (depth >= 0)
		{
			frame	   *f = &frames[depth];
			uint32_t	v = f->node;

			if (++work % POLL_PAIRS == 0 && (stopped = rk_ctx_poll(ctx)))
				break;
			if (f->pair != NONE)
			{
				uint32_t	w = s->pairs[f->pair].target;

				f->pair = s->pairs[f->pair].next_out;
				if (index[w] == 0)
				{
					index[w] = low[w] = ++seen;
					stack[stacked++] = w;
					frames[++depth] = (frame) {w, s->nodes[w].first_out};
				}
				else if (low[w] != NONE && index[w] < low[v])
					low[v] = index[w];
				continue;
			}
			depth--;
			if (depth >= 0 && low[v] < low[frames[depth].node])
				low[frames[depth].node] = low[v];
			if (low[v] != index[v])
				continue;
			for (;;)
			{
				uint32_t	w = stack[--stacked];

				low[w] = NONE;
				if (w == v)
					break;
				s->nodes[w].parent = v;
				s->nodes[s->nodes[v].last_member].next_member = w;
				s->nodes[v].last_member = w;
				s->nodes[v].size++;
			}
		}
	}
	rk_free(ctx, index);
	rk_free(ctx, low);
	rk_free(ctx, frames);
	return stopped ? RK_STOPPED : RK_OK;
}

rk_status
rk_circular_build(rk_ctx *ctx, circular *s)
{
	rk_status	status = node_room(ctx, s, rk_keys_count(&s->keys));

	if (status != RK_OK)
		return status;
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		link_pair(s, i);
		s->nodes[s->pairs[i].source].out += s->pairs[i].amount;
		s->total += s->pairs[i].amount;
		if (i % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	while ((uint64_t) s->few * s->few < s->pair_count)
		s->few++;
	if ((status = find_components(ctx, s)) != RK_OK)
		return status;
	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		const circular_pair *p = &s->pairs[i];
		uint32_t	c = rk_circular_root(s, p->source);

		if (i % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (p->source == p->target)
			continue;
		if (c != rk_circular_root(s, p->target))
		{
			add_outward(s, i);
			continue;
		}
		s->nodes[p->source].circular += p->amount;
		s->nodes[c].internal += p->amount;
	}
	return RK_OK;
}

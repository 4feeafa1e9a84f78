/*
 * circular_state.c
 *	  Strong components while payments come.
 *
 * Components have a topological order: pairs between two of them lead from a
 * lower place to a higher one.  A new pair that does needs no search.  One that
 * leads back, from x to y, is looked at between their places (Pearce and Kelly,
 * ACM JEA 11, 2006): what y reaches there, and what reaches x there.  What both
 * have found becomes one component; the others share out their places anew,
 * those that reach x first, those that y reaches last.
 *
 * A component has a list of the pairs that may lead out of it and into it; those
 * that turn out to be inside are taken out of it when a search comes by.
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
	s->low = s->high = 0;
	s->stamp = 0;
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
	p->next_in = s->nodes[p->target].first_in;
	s->nodes[p->target].first_in = i;
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

/* Notes a pair between two components with both of them. */
static void
add_outward(circular *s, uint32_t i)
{
	circular_pair *p = &s->pairs[i];

	for (int d = FORWARD; d <= BACKWARD; d++)
	{
		circular_node *c = &s->nodes[rk_circular_root(s, d == FORWARD ? p->source : p->target)];

		p->next_outward[d] = c->first_outward[d];
		if (c->first_outward[d] == NONE)
			c->last_outward[d] = i;
		c->first_outward[d] = i;
	}
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

/* ---- the order of components ---- */

/*
 * The components that are reached from one along pairs, up to a place, into
 * list[direction].  Counts them, or stops.
 */
static rk_status
search_region(rk_ctx *ctx, circular *s, uint32_t from, int direction, int64_t bound, uint32_t *count)
{
	uint32_t   *list = s->list[direction];
	uint32_t	n = 0;
	uint32_t	work = 0;

	list[n++] = from;
	s->nodes[from].mark[direction] = s->stamp;
	for (uint32_t i = 0; i < n; i++)
	{
		circular_node *own = &s->nodes[list[i]];
		uint32_t	previous = NONE;

		for (uint32_t k = own->first_outward[direction], next; k != NONE; k = next)
		{
			uint32_t	c = rk_circular_root(s, end_of(&s->pairs[k], direction));
			int64_t		order = s->nodes[c].order;

			next = s->pairs[k].next_outward[direction];
			/* inside now, and ever: not looked at again */
			if (c == list[i])
			{
				*(previous == NONE ? &own->first_outward[direction] : &s->pairs[previous].next_outward[direction]) = next;
				if (next == NONE)
					own->last_outward[direction] = previous;
				continue;
			}
			previous = k;
			if (++work % POLL_PAIRS == 0 && rk_ctx_poll(ctx))
				return RK_STOPPED;
			if (s->nodes[c].mark[direction] == s->stamp || (direction == FORWARD ? order > bound : order < bound))
				continue;
			s->nodes[c].mark[direction] = s->stamp;
			list[n++] = c;
		}
	}
	*count = n;
	return RK_OK;
}

static void
sift_down(const circular *s, uint32_t *heap, uint32_t count, uint32_t i)
{
	for (;;)
	{
		uint32_t	child = 2 * i + 1;
		uint32_t	swap;

		if (child >= count)
			return;
		if (child + 1 < count && s->nodes[heap[child + 1]].order > s->nodes[heap[child]].order)
			child++;
		if (s->nodes[heap[child]].order <= s->nodes[heap[i]].order)
			return;
		swap = heap[i];
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

/* Sorts components by their places, in place. */
static void
sort_by_order(const circular *s, uint32_t *list, uint32_t count)
{
	for (uint32_t i = count / 2; i > 0; i--)
		sift_down(s, list, count, i - 1);
	for (uint32_t n = count; n > 1; n--)
	{
		uint32_t	last = list[n - 1];

		list[n - 1] = list[0];
		list[0] = last;
		sift_down(s, list, n - 1, 0);
	}
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

/* Makes one component of those that both searches have found; the new pair is linked. */
static uint32_t
merge(circular *s, uint32_t count)
{
	const uint32_t *list = s->list[FORWARD];
	uint32_t	big = NONE;
	rk_decimal	internal;

	for (uint32_t i = 0; i < count; i++)
		if (s->nodes[list[i]].mark[BACKWARD] == s->stamp && (big == NONE || s->nodes[list[i]].size > s->nodes[big].size))
			big = list[i];
	internal = s->nodes[big].internal;
	for (uint32_t i = 0; i < count; i++)
		if (list[i] != big && s->nodes[list[i]].mark[BACKWARD] == s->stamp)
		{
			internal += s->nodes[list[i]].internal;
			add_between(s, list[i], big, &internal);
		}
	for (uint32_t i = 0; i < count; i++)
	{
		circular_node *c = &s->nodes[list[i]];
		circular_node *b = &s->nodes[big];

		if (list[i] == big || c->mark[BACKWARD] != s->stamp)
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
	return big;
}

/*
 * Gives the places of both lists to what they hold now: what reaches x in the
 * lower ones, then what has become one, then what y reaches in the upper ones.
 * Everybody else keeps a place between the right ones: the first sort moves
 * down, the last one up.
 */
static void
share_places(circular *s, uint32_t forward, uint32_t backward, bool merged, uint32_t big, int64_t *places)
{
	uint32_t   *f = s->list[FORWARD];
	uint32_t   *b = s->list[BACKWARD];
	uint32_t	i = 0;
	uint32_t	j = 0;
	uint32_t	all = 0;
	uint32_t	low = 0;
	uint32_t	high;

	/* a component of both lists is in both of them, its place once */
	while (i < forward || j < backward)
	{
		int64_t		x = i < forward ? s->nodes[f[i]].order : INT64_MAX;
		int64_t		y = j < backward ? s->nodes[b[j]].order : INT64_MAX;

		places[all++] = x < y ? x : y;
		i += x <= y;
		j += y <= x;
	}
	for (j = 0; j < backward; j++)
		if (s->nodes[b[j]].mark[FORWARD] != s->stamp)
			s->nodes[b[j]].order = places[low++];
	if (merged)
		s->nodes[big].order = places[low];
	high = all;
	for (i = forward; i > 0; i--)
		if (s->nodes[f[i - 1]].mark[BACKWARD] != s->stamp)
			s->nodes[f[i - 1]].order = places[--high];
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
 * level by level from both ends, the one with fewer entities first, inside a
 * component or, if that is NONE, inside those that both searches for places
 * have marked.
 */
static rk_status
find_cycle(rk_ctx *ctx, circular *s, uint32_t source, uint32_t target, uint32_t component, rk_decimal amount,
		   circular_step *step)
{
	uint32_t	ends[2] = {target, source};
	uint32_t	begin[2] = {0, 0};	/* the last level of each trail */
	uint32_t	end[2] = {1, 1};
	uint32_t	work = 0;

	for (int d = FORWARD; d <= BACKWARD; d++)
	{
		s->trail[d][0] = ends[d];
		s->nodes[ends[d]].seen[d] = s->stamp;
	}
	for (int32_t length = 1; length < s->max_length; length++)
	{
		int			d = end[FORWARD] - begin[FORWARD] <= end[BACKWARD] - begin[BACKWARD] ? FORWARD : BACKWARD;
		uint32_t	level = end[d];

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
	uint32_t	forward = 0;
	uint32_t	backward = 0;
	int64_t    *places = NULL;
	uint32_t	x;
	uint32_t	y;
	bool		inside;
	circular_pair *p;
	rk_status	status;

	*step = (circular_step) {0};
	/* whatever may fail or be stopped comes first */
	if ((status = node_room(ctx, s, (source > target ? source : target) + 1)) != RK_OK)
		return status;
	step->pair = rk_circular_find(s, source, target);
	step->is_new = step->pair == NONE;
	if (step->is_new && (status = pair_room(ctx, s)) != RK_OK)
		return status;
	x = rk_circular_root(s, source);
	y = rk_circular_root(s, target);
	inside = x == y && source != target;
	step->closed = inside;
	new_stamp(s);
	if (step->is_new && x != y && s->nodes[source].active && s->nodes[target].active &&
		s->nodes[y].order < s->nodes[x].order)
	{
		if ((status = search_region(ctx, s, y, FORWARD, s->nodes[x].order, &forward)) != RK_OK ||
			(status = search_region(ctx, s, x, BACKWARD, s->nodes[y].order, &backward)) != RK_OK)
			return status;
		step->closed = s->nodes[x].mark[FORWARD] == s->stamp;
	}
	if (step->closed &&
		(status = find_cycle(ctx, s, source, target, inside ? x : NONE,
							 (step->is_new ? 0 : s->pairs[step->pair].amount) + amount, step)) != RK_OK)
		return status;
	if (forward > 0 && (places = rk_alloc(ctx, (int64_t) forward + backward, sizeof(*places))) == NULL)
		return RK_ERR_MEMORY;

	/* an entity without pairs goes to the end that fits */
	if (!s->nodes[source].active)
		s->nodes[source].order = --s->low;
	if (!s->nodes[target].active && target != source)
		s->nodes[target].order = ++s->high;
	if (step->is_new)
	{
		step->pair = s->pair_count++;
		s->pairs[step->pair] = (circular_pair) {.source = source, .target = target, .last_ts = INT64_MIN};
		link_pair(s, step->pair);
		if (x != y)
			add_outward(s, step->pair);
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
	if (places)
	{
		uint32_t	big = NONE;

		sort_by_order(s, s->list[FORWARD], forward);
		sort_by_order(s, s->list[BACKWARD], backward);
		if (step->closed)
			big = merge(s, forward);
		share_places(s, forward, backward, step->closed, big, places);
		rk_free(ctx, places);
	}
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
 * recursion.  They are finished from the end of the order to its beginning.
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
			s->nodes[v].order = --s->low;
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

/*
 * aml_state.c
 *	  The transactions of the last while, by entity.
 *
 * A transaction is kept for max(time_window + max_dwell, cycle_window) before
 * the newest one, and is in two lists then, of what its source pays and what
 * its target is paid, in the order of time.  In order it is appended; a late one
 * takes its place, and the windows of both entities are looked at anew.
 *
 * Linked pairs A -> m -> B are kept by A and B, so that what is scattered and
 * gathered again is found when its last leg comes.
 */
#include "aml_state.h"

#include <stdlib.h>

#include "../../compute/random.h"

#define FIRST 64

static const aml_mark before_all = {INT64_MIN, 0};

uint32_t
aml_place(const aml_state *s, const aml_list *l, aml_mark mark)
{
	uint32_t	low = l->begin;
	uint32_t	high = l->end;

	/* most often it is at the end */
	if (low < high && aml_before(aml_mark_of(s, l->number[high - 1]), mark))
		return high;
	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;

		if (aml_before(aml_mark_of(s, l->number[middle]), mark))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
aml_is_linked(const aml_state *s, const aml_tx *e, const aml_tx *f)
{
	double		least = s->params.min_forwarded;

	if (f->ts >= rk_window_over(e->ts, s->params.max_dwell))
		return false;
	return least <= 0 || (rk_money_ratio(f->amount, e->amount) >= least && rk_money_ratio(e->amount, f->amount) >= least);
}

void
aml_predecessors_of(const aml_state *s, uint64_t f, uint32_t *from, uint32_t *to)
{
	const aml_tx *tx = aml_tx_at(s, f);
	const aml_list *l = &s->nodes[tx->source].in;

	*to = aml_place(s, l, aml_mark_of(s, f));
	for (*from = *to; *from > l->begin &&
		 tx->ts < rk_window_over(aml_tx_at(s, l->number[*from - 1])->ts, s->params.max_dwell); (*from)--)
		;
}

void
aml_successors_of(const aml_state *s, uint64_t e, uint32_t *from, uint32_t *to)
{
	const aml_tx *tx = aml_tx_at(s, e);
	const aml_list *l = &s->nodes[tx->target].out;
	int64_t		over = rk_window_over(tx->ts, s->params.max_dwell);

	*from = aml_place(s, l, aml_mark_of(s, e));
	for (*to = *from; *to < l->end && aml_tx_at(s, l->number[*to])->ts < over; (*to)++)
		;
}

uint32_t
aml_new_stamp(aml_state *s)
{
	if (++s->stamp == 0)
	{
		for (uint32_t i = 0; i < s->node_count; i++)
			s->nodes[i].stamp = 0;
		for (uint64_t n = s->first; n < s->next; n++)
			aml_tx_at(s, n)->stamp = 0;
		s->stamp = 1;
	}
	return s->stamp;
}

/* ---- room ---- */

static rk_status
tx_room(rk_ctx *ctx, aml_state *s)
{
	uint64_t	capacity = s->capacity ? 2 * s->capacity : FIRST;
	aml_tx	   *txs;
	uint64_t   *queue;
	rk_id	   *names = NULL;

	if (s->capacity > 0 && s->next - s->first < s->capacity)
		return RK_OK;
	txs = rk_alloc(ctx, (int64_t) capacity, sizeof(*txs));
	queue = rk_alloc(ctx, (int64_t) capacity, sizeof(*queue));
	if (s->names)
		names = rk_alloc0(ctx, (int64_t) capacity, sizeof(*names));
	if (!txs || !queue || (s->names && !names))
	{
		rk_free(ctx, txs);
		rk_free(ctx, queue);
		rk_free(ctx, names);
		return RK_ERR_MEMORY;
	}
	for (uint64_t n = s->first; n < s->next; n++)
	{
		txs[n & (capacity - 1)] = *aml_tx_at(s, n);
		if (names)
			names[n & (capacity - 1)] = s->names[n & (s->capacity - 1)];
	}
	rk_free(ctx, s->txs);
	rk_free(ctx, s->queue);
	rk_free(ctx, s->names);
	s->names = names;
	s->txs = txs;
	s->queue = queue;
	s->capacity = capacity;
	return RK_OK;
}

/* Room for the id of the next transaction, whose own room is there. */
static rk_status
name_room(rk_ctx *ctx, aml_state *s, const rk_id *id)
{
	if (id->kind == RK_ID_INT || s->names)
		return RK_OK;
	s->names = rk_alloc0(ctx, (int64_t) s->capacity, sizeof(*s->names));
	return s->names ? RK_OK : RK_ERR_MEMORY;
}

/* Keeps the id of a transaction; there is room. */
static void
keep_id(aml_state *s, uint64_t number, const rk_id *id)
{
	if (id->kind == RK_ID_INT)
		memcpy(&aml_tx_at(s, number)->id, id->bytes, sizeof(int64_t));
	if (s->names)
		s->names[number & (s->capacity - 1)] = id->kind == RK_ID_INT ? (rk_id) {0} : *id;
}

rk_id
aml_id_of(const aml_state *s, uint64_t number)
{
	const rk_id *name = s->names ? &s->names[number & (s->capacity - 1)] : NULL;

	return name && name->kind != RK_ID_NONE ? *name : rk_id_of_int(aml_tx_at(s, number)->id);
}

static rk_status
node_room(rk_ctx *ctx, aml_state *s, uint32_t count)
{
	if (count > s->node_capacity)
	{
		int64_t		capacity = s->node_capacity ? 2 * (int64_t) s->node_capacity : FIRST;
		void	   *nodes;

		while (capacity < count)
			capacity *= 2;
		nodes = s->nodes ? rk_realloc(ctx, s->nodes, capacity, sizeof(*s->nodes)) :
			rk_alloc(ctx, capacity, sizeof(*s->nodes));
		if (nodes == NULL)
			return RK_ERR_MEMORY;
		s->nodes = nodes;
		s->node_capacity = (uint32_t) capacity;
	}
	for (; s->node_count < count; s->node_count++)
	{
		aml_node   *n = &s->nodes[s->node_count];

		memset(n, 0, sizeof(*n));
		n->fan_in = n->fan_out = n->band = n->gather = n->head = before_all;
		for (int i = 0; i < ALERTED; i++)
			n->alerted[i] = before_all;
	}
	return RK_OK;
}

/* Room for one more in a list, and in the scratch space for as many. */
static rk_status
list_room(rk_ctx *ctx, aml_state *s, aml_list *l)
{
	int64_t		count = aml_list_count(l);

	if (l->end == l->capacity)
	{
		/* half of it free: what is there moves to the front */
		if (l->begin > 0 && l->begin >= l->capacity / 2)
		{
			memmove(l->number, l->number + l->begin, sizeof(*l->number) * count);
			l->begin = 0;
			l->end = (uint32_t) count;
		}
		else
		{
			int64_t		capacity = l->capacity ? 2 * (int64_t) l->capacity : 4;
			void	   *number;

			if (capacity > UINT32_MAX / 2)
				return rk_fail(ctx, RK_ERR_LIMIT, "too many transactions of an entity");
			number = l->number ? rk_realloc(ctx, l->number, capacity, sizeof(*l->number)) :
				rk_alloc(ctx, capacity, sizeof(*l->number));
			if (number == NULL)
				return RK_ERR_MEMORY;
			l->number = number;
			l->capacity = (uint32_t) capacity;
		}
	}
	if (count + 1 > s->scratch_capacity)
	{
		int64_t		capacity = 2 * (count + 1) < FIRST ? FIRST : 2 * (count + 1);
		void	   *scratch = rk_alloc(ctx, capacity, sizeof(*s->scratch));

		if (scratch == NULL)
			return RK_ERR_MEMORY;
		rk_free(ctx, s->scratch);
		s->scratch = scratch;
		s->scratch_capacity = (uint32_t) capacity;
	}
	return RK_OK;
}

/* ---- linked pairs by their ends ---- */

static uint32_t
bucket_of(const aml_state *s, uint32_t a, uint32_t b)
{
	return (uint32_t) rk_hash2(a, b) & (s->group_capacity - 1);
}

uint32_t
aml_find_group(const aml_state *s, uint32_t a, uint32_t b)
{
	uint32_t	g = s->group_capacity ? s->buckets[bucket_of(s, a, b)] : RK_AML_NONE;

	while (g != RK_AML_NONE && (s->groups[g].a != a || s->groups[g].b != b))
		g = s->groups[g].next;
	return g;
}

static uint32_t
add_group(aml_state *s, uint32_t a, uint32_t b)
{
	uint32_t	g = s->group_count++;
	uint32_t	bucket = bucket_of(s, a, b);

	s->groups[g] = (aml_group) {a, b, s->buckets[bucket], RK_AML_NONE, before_all};
	s->buckets[bucket] = g;
	return g;
}

void
aml_clean_group(aml_state *s, uint32_t g)
{
	for (uint32_t *at = &s->groups[g].legs; *at != RK_AML_NONE;)
		if (aml_leg_lives(s, &s->legs[*at]))
			at = &s->legs[*at].next;
		else
			*at = s->legs[*at].next;
}

/* Whether a group was reported for a window that still counts. */
static bool
is_alerted(const aml_state *s, const aml_group *g)
{
	return g->alerted.ts > aml_too_old(s);
}

/*
 * Adds a pair to its group; there is room.  Of two ways on to one end the
 * earlier one stays.
 */
static void
add_leg(aml_state *s, uint64_t first, uint64_t second)
{
	uint32_t	a = aml_tx_at(s, first)->source;
	uint32_t	b = aml_tx_at(s, second)->target;
	uint32_t	g = aml_find_group(s, a, b);
	aml_mark	mark = aml_mark_of(s, first);
	uint32_t   *at;

	if (a == b)
		return;
	if (g == RK_AML_NONE)
		g = add_group(s, a, b);
	aml_clean_group(s, g);
	for (at = &s->groups[g].legs; *at != RK_AML_NONE; at = &s->legs[*at].next)
	{
		aml_leg    *l = &s->legs[*at];

		if (l->first == first)
		{
			if (aml_before(aml_mark_of(s, second), aml_mark_of(s, l->second)))
				l->second = second;
			return;
		}
		if (aml_before(mark, aml_mark_of(s, l->first)))
			break;
	}
	s->legs[s->leg_count] = (aml_leg) {first, second, *at};
	*at = s->leg_count++;
}

/* Room for so many more pairs: new tables of those that are still there. */
static rk_status
leg_room(rk_ctx *ctx, aml_state *s, int64_t wanted)
{
	aml_state	old = *s;
	int64_t		capacity = FIRST;
	int64_t		live = 0;

	if (s->leg_count + wanted <= s->leg_capacity && s->group_count + wanted <= s->group_capacity)
		return RK_OK;
	for (uint32_t g = 0; g < old.group_count; live += is_alerted(&old, &old.groups[g]), g++)
		for (uint32_t i = old.groups[g].legs; i != RK_AML_NONE; i = old.legs[i].next)
			live += aml_leg_lives(&old, &old.legs[i]);
	while (capacity < 2 * (live + wanted))
		capacity *= 2;
	if (capacity > UINT32_MAX / 2)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many linked pairs");
	s->groups = rk_alloc(ctx, capacity, sizeof(*s->groups));
	s->buckets = rk_alloc(ctx, capacity, sizeof(*s->buckets));
	s->legs = rk_alloc(ctx, capacity, sizeof(*s->legs));
	if (!s->groups || !s->buckets || !s->legs)
	{
		rk_free(ctx, s->groups);
		rk_free(ctx, s->buckets);
		rk_free(ctx, s->legs);
		*s = old;
		return RK_ERR_MEMORY;
	}
	s->group_capacity = s->leg_capacity = (uint32_t) capacity;
	s->group_count = s->leg_count = 0;
	memset(s->buckets, 0xff, sizeof(*s->buckets) * capacity);
	for (uint32_t g = 0; g < old.group_count; g++)
	{
		uint32_t	made = RK_AML_NONE;
		uint32_t   *at = NULL;

		if (is_alerted(&old, &old.groups[g]))
		{
			made = add_group(s, old.groups[g].a, old.groups[g].b);
			s->groups[made].alerted = old.groups[g].alerted;
			at = &s->groups[made].legs;
		}
		for (uint32_t i = old.groups[g].legs; i != RK_AML_NONE; i = old.legs[i].next)
		{
			if (!aml_leg_lives(&old, &old.legs[i]))
				continue;
			if (made == RK_AML_NONE)
			{
				made = add_group(s, old.groups[g].a, old.groups[g].b);
				at = &s->groups[made].legs;
			}
			s->legs[s->leg_count] = (aml_leg) {old.legs[i].first, old.legs[i].second, RK_AML_NONE};
			*at = s->leg_count;
			at = &s->legs[s->leg_count++].next;
		}
	}
	rk_free(ctx, old.groups);
	rk_free(ctx, old.buckets);
	rk_free(ctx, old.legs);
	return RK_OK;
}

static void
count_pair(aml_state *s, aml_node *n)
{
	n->pairs++;
	n->skip |= n->pairs > s->params.max_pairs_per_node;
}

/* Pairs that a transaction is the second leg of, and, if it is late, the first. */
static void
add_pairs(aml_state *s, uint64_t number, bool late)
{
	const aml_tx *tx = aml_tx_at(s, number);
	uint32_t	from;
	uint32_t	to;

	aml_predecessors_of(s, number, &from, &to);
	for (uint32_t i = from; i < to; i++)
	{
		uint64_t	e = s->nodes[tx->source].in.number[i];

		if (!aml_is_linked(s, aml_tx_at(s, e), tx))
			continue;
		count_pair(s, &s->nodes[tx->source]);
		add_leg(s, e, number);
	}
	if (!late)
		return;
	aml_successors_of(s, number, &from, &to);
	for (uint32_t i = from; i < to; i++)
	{
		uint64_t	f = s->nodes[tx->target].out.number[i];

		if (!aml_is_linked(s, tx, aml_tx_at(s, f)))
			continue;
		count_pair(s, &s->nodes[tx->target]);
		add_leg(s, number, f);
	}
}

/* ---- money that passes through ---- */

/* What an outgoing transaction passes on of what came in before it, oldest first. */
static int64_t
pass_on(aml_state *s, aml_node *n, uint64_t out)
{
	const aml_tx *f = aml_tx_at(s, out);
	aml_mark	mark = aml_mark_of(s, out);
	uint32_t	i = aml_place(s, &n->in, n->head);
	int64_t		wanted = f->amount;

	while (wanted > 0 && i < n->in.end && aml_before(aml_mark_of(s, n->in.number[i]), mark))
	{
		aml_tx	   *e = aml_tx_at(s, n->in.number[i]);
		int64_t		part = e->left < wanted ? e->left : wanted;

		if (f->ts >= rk_window_over(e->ts, s->params.max_dwell))
			part = 0;
		e->left -= part;
		wanted -= part;
		n->matched += part;
		if (e->left > 0 && part > 0)
			break;
		i++;
	}
	if (i > n->in.begin)
		n->head = i < n->in.end ? aml_mark_of(s, n->in.number[i]) :
			(aml_mark) {aml_tx_at(s, n->in.number[i - 1])->ts, n->in.number[i - 1] + 1};
	return f->amount - wanted;
}

/* All of it again, after something late; returns what one of them has passed on. */
static int64_t
pass_on_again(aml_state *s, aml_node *n, uint64_t number)
{
	int64_t		consumed = 0;

	n->matched = 0;
	n->head = before_all;
	for (uint32_t i = n->in.begin; i < n->in.end; i++)
		aml_tx_at(s, n->in.number[i])->left = aml_tx_at(s, n->in.number[i])->amount;
	for (uint32_t i = n->out.begin; i < n->out.end; i++)
	{
		int64_t		c = pass_on(s, n, n->out.number[i]);

		if (n->out.number[i] == number)
			consumed = c;
	}
	return consumed;
}

/* ---- coming and going ---- */

/* Puts a transaction into a list; returns whether it is not the last. */
static bool
insert(aml_state *s, aml_list *l, uint64_t number)
{
	uint32_t	at = aml_place(s, l, aml_mark_of(s, number));

	memmove(l->number + at + 1, l->number + at, sizeof(*l->number) * (l->end - at));
	l->number[at] = number;
	return at != l->end++;
}

static void
remove_from(aml_state *s, aml_list *l, uint64_t number)
{
	uint32_t	at = aml_place(s, l, aml_mark_of(s, number));

	/* most often the first */
	memmove(l->number + l->begin + 1, l->number + l->begin, sizeof(*l->number) * (at - l->begin));
	l->begin++;
}

static void
forget_old(aml_state *s)
{
	int64_t		before = aml_too_old(s);

	for (; s->first < s->next && aml_tx_at(s, s->first)->ts <= before; s->first++)
	{
		const aml_tx *tx = aml_tx_at(s, s->first);
		aml_node   *target = &s->nodes[tx->target];

		target->amount_in -= tx->amount;
		if (tx->source == tx->target)
			continue;
		target->matched -= tx->amount - tx->left;
		remove_from(s, &s->nodes[tx->source].out, s->first);
		remove_from(s, &target->in, s->first);
	}
}

/* Puts what is numbered already into the lists of its entities. */
static bool
enlist(aml_state *s, uint64_t number)
{
	const aml_tx *tx = aml_tx_at(s, number);
	bool		late;

	s->nodes[tx->target].amount_in += tx->amount;
	if (tx->source == tx->target)
		return false;
	late = insert(s, &s->nodes[tx->source].out, number);
	late |= insert(s, &s->nodes[tx->target].in, number);
	/* something in the other list may be later, too */
	if (aml_place(s, &s->nodes[tx->source].in, aml_mark_of(s, number)) != s->nodes[tx->source].in.end ||
		aml_place(s, &s->nodes[tx->target].out, aml_mark_of(s, number)) != s->nodes[tx->target].out.end)
		late = true;
	return late;
}

rk_status
aml_take(rk_ctx *ctx, aml_state *s, const rk_id *id, const aml_tx *tx, uint64_t *number, bool *late, int64_t *consumed)
{
	uint32_t	most = tx->source > tx->target ? tx->source : tx->target;
	rk_status	status;

	/* whatever may fail comes first */
	if ((status = node_room(ctx, s, most + 1)) != RK_OK || (status = tx_room(ctx, s)) != RK_OK ||
		(status = name_room(ctx, s, id)) != RK_OK ||
		(status = list_room(ctx, s, &s->nodes[tx->source].out)) != RK_OK ||
		(status = list_room(ctx, s, &s->nodes[tx->source].in)) != RK_OK ||
		(status = list_room(ctx, s, &s->nodes[tx->target].in)) != RK_OK ||
		(status = list_room(ctx, s, &s->nodes[tx->target].out)) != RK_OK ||
		(status = leg_room(ctx, s, (int64_t) aml_list_count(&s->nodes[tx->source].in) +
						   aml_list_count(&s->nodes[tx->target].out) + 1)) != RK_OK)
		return status;
	*number = s->next++;
	*aml_tx_at(s, *number) = *tx;
	aml_tx_at(s, *number)->stamp = 0;
	keep_id(s, *number, id);
	*late = enlist(s, *number);
	s->newest = tx->ts > s->newest ? tx->ts : s->newest;
	*consumed = 0;
	if (tx->source != tx->target)
	{
		aml_node   *source = &s->nodes[tx->source];
		aml_node   *target = &s->nodes[tx->target];

		if (*late)
		{
			source->fan_out = source->fan_in = source->band = source->gather = before_all;
			target->fan_out = target->fan_in = target->band = target->gather = before_all;
			*consumed = pass_on_again(s, source, *number);
			(void) pass_on_again(s, target, *number);
		}
		else
			*consumed = pass_on(s, source, *number);
		add_pairs(s, *number, *late);
	}
	forget_old(s);
	return RK_OK;
}

/* ---- its life ---- */

static int64_t
sum_or_most(int64_t a, int64_t b)
{
	int64_t		sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

rk_status
aml_state_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	aml_state  *s = rk_alloc0(ctx, 1, sizeof(*s));
	rk_aml_params *p;
	rk_amount	low = {0};

	if (s == NULL)
		return RK_ERR_MEMORY;
	*state = s;
	p = &s->params;
	p->kinds = RK_AML_STRUCTURAL;
	p->time_window = rk_option_find(options, "time_window")->integer;
	p->max_dwell = rk_option_find(options, "max_dwell")->integer;
	p->cycle_window = rk_option_find(options, "cycle_window")->integer;
	p->min_fan = (int32_t) rk_option_find(options, "min_fan")->integer;
	p->min_layers = (int32_t) rk_option_find(options, "min_layers")->integer;
	p->max_cycle_length = (int32_t) rk_option_find(options, "max_cycle_length")->integer;
	p->min_forwarded = rk_option_find(options, "min_forwarded")->number;
	p->reporting_threshold = rk_option_find(options, "reporting_threshold")->integer;
	p->structuring_low = rk_option_find(options, "structuring_low")->number;
	p->structuring_min_count = (int32_t) rk_option_find(options, "structuring_min_count")->integer;
	p->suppress_contained = rk_option_find(options, "suppress_contained")->truth;
	p->max_pairs_per_node = rk_option_find(options, "max_pairs_per_node")->integer;
	s->max_steps = rk_option_find(options, "max_steps")->integer;
	if (!rk_amount_multiply((rk_amount) {p->reporting_threshold, RK_MONEY_SCALE}, rk_amount_from_double(p->structuring_low),
							RK_MONEY_SCALE, &low))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "reporting_threshold is out of range");
	s->band_low = low.value;
	s->horizon = sum_or_most(p->time_window, p->max_dwell);
	s->horizon = s->horizon > p->cycle_window ? s->horizon : p->cycle_window;
	s->newest = INT64_MIN;
	s->first = s->next = 1;
	return rk_keys_init(ctx, options, &s->keys);
}

/* What decides which transactions are kept, and what has been passed on of them. */
typedef struct stored_head
{
	int64_t		time_window;
	int64_t		max_dwell;
	int64_t		cycle_window;
	double		min_forwarded;
	int64_t		newest;
	uint64_t	first;
	uint64_t	next;
	int64_t		groups;
} stored_head;

typedef struct stored_tx
{
	int64_t		id;
	int64_t		ts;
	int64_t		amount;
	int64_t		left;
	uint32_t	source;
	uint32_t	target;
} stored_tx;

/* What does not follow from the transactions. */
typedef struct stored_node
{
	aml_mark	fan_in;
	aml_mark	fan_out;
	aml_mark	band;
	aml_mark	gather;
	aml_mark	head;
	aml_mark	alerted[ALERTED];
	rk_decimal	matched;
	int64_t		pairs;
	int64_t		flags;			/* 1 skip, 2 rapid */
} stored_node;

/* From version 2 on: an id that is no integer. */
typedef struct stored_name
{
	uint64_t	number;
	rk_id		id;
} stored_name;

typedef struct stored_group
{
	aml_mark	alerted;
	uint32_t	a;
	uint32_t	b;
} stored_group;

static int
by_alert(const void *x, const void *y)
{
	const stored_group *g = x;
	const stored_group *h = y;

	if (g->alerted.number != h->alerted.number)
		return g->alerted.number < h->alerted.number ? -1 : 1;
	return g->b < h->b ? -1 : g->b > h->b;
}

/* Writes the groups that were reported, in an order that is not the table's. */
static rk_status
write_groups(rk_ctx *ctx, const aml_state *s, int64_t count, rk_writer *writer)
{
	stored_group *list = rk_alloc(ctx, count, sizeof(*list));
	int64_t		n = 0;
	rk_status	status;

	if (list == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t g = 0; g < s->group_count; g++)
		if (is_alerted(s, &s->groups[g]))
			list[n++] = (stored_group) {s->groups[g].alerted, s->groups[g].a, s->groups[g].b};
	qsort(list, n, sizeof(*list), by_alert);
	status = rk_write(ctx, writer, list, sizeof(*list) * n);
	rk_free(ctx, list);
	return status;
}

/* Writes how many ids are no integers, and these. */
static rk_status
write_names(rk_ctx *ctx, const aml_state *s, rk_writer *writer)
{
	int64_t		count = 0;
	rk_status	status;

	for (uint64_t n = s->first; n < s->next && s->names; n++)
		count += s->names[n & (s->capacity - 1)].kind != RK_ID_NONE;
	status = rk_write(ctx, writer, &count, sizeof(count));
	for (uint64_t n = s->first; n < s->next && s->names && status == RK_OK; n++)
	{
		stored_name out = {n, s->names[n & (s->capacity - 1)]};

		if (out.id.kind != RK_ID_NONE)
			status = rk_write(ctx, writer, &out, sizeof(out));
		if (n % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return status;
}

static bool
is_before_all(aml_mark m)
{
	return m.ts == INT64_MIN && m.number == 0;
}

rk_status
aml_state_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	aml_state  *s = state;
	uint32_t	count = rk_keys_count(&s->keys);
	stored_head head = {
		s->params.time_window, s->params.max_dwell, s->params.cycle_window, s->params.min_forwarded, s->newest, s->first,
		s->next, 0
	};
	rk_status	status;

	for (uint32_t g = 0; g < s->group_count; g++)
		head.groups += is_alerted(s, &s->groups[g]);
	if ((status = rk_keys_write(ctx, &s->keys, writer)) != RK_OK ||
		(status = rk_write(ctx, writer, &head, sizeof(head))) != RK_OK)
		return status;
	for (uint64_t n = s->first; n < s->next; n++)
	{
		const aml_tx *t = aml_tx_at(s, n);
		stored_tx	out = {t->id, t->ts, t->amount, t->left, t->source, t->target};

		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK)
			return status;
		if (n % 65536 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		stored_node out;

		memset(&out, 0, sizeof(out));
		if (i < s->node_count)
		{
			const aml_node *n = &s->nodes[i];

			out = (stored_node) {
				.fan_in = n->fan_in, .fan_out = n->fan_out, .band = n->band, .gather = n->gather, .head = n->head,
				.matched = n->matched, .pairs = n->pairs, .flags = n->skip + 2 * n->rapid
			};
			memcpy(out.alerted, n->alerted, sizeof(out.alerted));
		}
		else
		{
			/* an id of a message that failed */
			out.fan_in = out.fan_out = out.band = out.gather = out.head = before_all;
			for (int k = 0; k < ALERTED; k++)
				out.alerted[k] = before_all;
		}
		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK)
			return status;
		if (i % 65536 == 65535 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	if ((status = write_groups(ctx, s, head.groups, writer)) != RK_OK)
		return status;
	return write_names(ctx, s, writer);
}

static rk_status
corrupt(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of compliance/aml-patterns");
}

static rk_status
read_transactions(rk_ctx *ctx, aml_state *s, rk_reader *reader, const stored_head *head, uint32_t ids)
{
	if (head->first < 1 || head->next < head->first || head->next - head->first > reader->left / sizeof(stored_tx))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	s->first = s->next = head->first;
	while (s->next < head->next)
	{
		stored_tx	in;
		rk_status	status;

		if ((status = tx_room(ctx, s)) != RK_OK || (status = rk_read_bytes(ctx, reader, &in, sizeof(in))) != RK_OK)
			return status;
		if (in.source >= ids || in.target >= ids || in.amount < 0 || in.left < 0 || in.left > in.amount)
			return corrupt(ctx);
		*aml_tx_at(s, s->next) = (aml_tx) {
			.id = in.id, .ts = in.ts, .amount = in.amount, .left = in.left, .source = in.source, .target = in.target
		};
		if ((status = list_room(ctx, s, &s->nodes[in.source].out)) != RK_OK ||
			(status = list_room(ctx, s, &s->nodes[in.target].in)) != RK_OK)
			return status;
		(void) enlist(s, s->next++);
		if (s->next % 4096 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
read_names(rk_ctx *ctx, aml_state *s, rk_reader *reader)
{
	int64_t		count = 0;
	rk_status	status = rk_read_bytes(ctx, reader, &count, sizeof(count));

	for (int64_t i = 0; status == RK_OK && i < count; i++)
	{
		stored_name in;

		if ((status = rk_read_bytes(ctx, reader, &in, sizeof(in))) != RK_OK)
			return status;
		if (in.number < s->first || in.number >= s->next || (in.id.kind != RK_ID_TEXT && in.id.kind != RK_ID_UUID) ||
			in.id.length > RK_ID_BYTES)
			return corrupt(ctx);
		if ((status = name_room(ctx, s, &in.id)) == RK_OK)
			keep_id(s, in.number, &in.id);
	}
	return status;
}

/* The pairs that are there, counted only by what the snapshot says. */
static rk_status
find_pairs(rk_ctx *ctx, aml_state *s)
{
	for (uint64_t n = s->first; n < s->next; n++)
	{
		const aml_tx *tx = aml_tx_at(s, n);
		aml_node   *m = &s->nodes[tx->source];
		uint32_t	from;
		uint32_t	to;
		rk_status	status;

		if (tx->source == tx->target)
			continue;
		aml_predecessors_of(s, n, &from, &to);
		if ((status = leg_room(ctx, s, (int64_t) (to - from) + 1)) != RK_OK)
			return status;
		for (uint32_t i = from; i < to; i++)
			if (aml_tx_at(s, m->in.number[i])->ts > aml_too_old(s) && aml_is_linked(s, aml_tx_at(s, m->in.number[i]), tx))
				add_leg(s, m->in.number[i], n);
		if (n % 1024 == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

rk_status
aml_state_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = aml_state_init(ctx, options, state);
	aml_state  *s = *state;
	stored_head head;
	uint32_t	ids;

	if (status != RK_OK || (status = rk_keys_read(ctx, &s->keys, reader)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, &head, sizeof(head))) != RK_OK)
		return status;
	if (head.time_window != s->params.time_window || head.max_dwell != s->params.max_dwell ||
		head.cycle_window != s->params.cycle_window || head.min_forwarded != s->params.min_forwarded)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "the ring was made with other windows, or another min_forwarded");
		rk_fail_hint(ctx, "They cannot change without rk.ring_reset.");
		return RK_ERR_PARAMETER;
	}
	s->newest = head.newest;
	ids = rk_keys_count(&s->keys);
	if ((status = node_room(ctx, s, ids)) != RK_OK || (status = read_transactions(ctx, s, reader, &head, ids)) != RK_OK)
		return status;
	for (uint32_t i = 0; i < ids; i++)
	{
		aml_node   *n = &s->nodes[i];
		stored_node in;

		if ((status = rk_read_bytes(ctx, reader, &in, sizeof(in))) != RK_OK)
			return status;
		n->fan_in = in.fan_in;
		n->fan_out = in.fan_out;
		n->band = in.band;
		n->gather = in.gather;
		n->head = in.head;
		memcpy(n->alerted, in.alerted, sizeof(in.alerted));
		n->matched = in.matched;
		n->pairs = in.pairs;
		n->skip = in.flags & 1;
		n->rapid = in.flags >> 1 & 1;
	}
	if ((status = find_pairs(ctx, s)) != RK_OK)
		return status;
	if (head.groups < 0 || (uint64_t) head.groups > reader->left / sizeof(stored_group))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	if ((status = leg_room(ctx, s, head.groups + 1)) != RK_OK)
		return status;
	for (int64_t i = 0; i < head.groups; i++)
	{
		stored_group in;
		uint32_t	g;

		if ((status = rk_read_bytes(ctx, reader, &in, sizeof(in))) != RK_OK)
			return status;
		if (in.a >= ids || in.b >= ids)
			return corrupt(ctx);
		g = aml_find_group(s, in.a, in.b);
		s->groups[g != RK_AML_NONE ? g : add_group(s, in.a, in.b)].alerted = in.alerted;
	}
	return version > 1 ? read_names(ctx, s, reader) : RK_OK;
}

static uint64_t
mark_hash(aml_mark m)
{
	return rk_hash2((uint64_t) m.ts, m.number);
}

uint64_t
aml_state_checksum(rk_ctx *ctx, void *state)
{
	aml_state  *s = state;
	uint64_t	all = rk_hash3((uint64_t) s->newest, s->first, s->next);

	(void) ctx;
	for (uint64_t n = s->first; n < s->next; n++)
	{
		const aml_tx *t = aml_tx_at(s, n);
		rk_id		id = aml_id_of(s, n);
		uint64_t	h = rk_hash3(n, rk_id_hash(&id), (uint64_t) t->ts);

		h = rk_hash_fold(h, (uint64_t) t->amount);
		h = rk_hash_fold(h, (uint64_t) t->left);
		h = rk_hash_fold(h, rk_keys_hash(&s->keys, t->source));
		all += rk_hash_fold(h, rk_keys_hash(&s->keys, t->target));
	}
	for (uint32_t i = 0; i < s->node_count && i < rk_keys_count(&s->keys); i++)
	{
		const aml_node *n = &s->nodes[i];
		uint64_t	h = rk_hash2((uint64_t) n->amount_in, (uint64_t) n->matched);

		h = rk_hash_fold(h, mark_hash(n->fan_in) ^ mark_hash(n->fan_out) * 3 ^ mark_hash(n->band) * 5);
		h = rk_hash_fold(h, mark_hash(n->gather) ^ mark_hash(n->head) * 3);
		for (int k = 0; k < ALERTED; k++)
			h = rk_hash_fold(h, mark_hash(n->alerted[k]));
		h = rk_hash_fold(h, (uint64_t) n->pairs * 4 + n->skip * 2 + n->rapid);
		/* an entity without a trace is as good as none */
		if (n->pairs == 0 && aml_list_count(&n->in) + aml_list_count(&n->out) == 0 && n->amount_in == 0 &&
			is_before_all(n->fan_in) && is_before_all(n->fan_out) && is_before_all(n->band) && is_before_all(n->gather))
			continue;
		all += rk_hash_fold(h, rk_keys_hash(&s->keys, i));
	}
	for (uint32_t g = 0; g < s->group_count; g++)
		if (is_alerted(s, &s->groups[g]))
			all += rk_hash3(rk_keys_hash(&s->keys, s->groups[g].a), rk_keys_hash(&s->keys, s->groups[g].b),
							mark_hash(s->groups[g].alerted));
	return all;
}

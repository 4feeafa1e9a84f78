/*
 * aml_common.c
 *	  What the searches for patterns share: writing down what is found, windows,
 *	  linked pairs, sorting.
 */
#include "aml.h"

#include <string.h>

#include "../../compute/parallel.h"

#define POLL_WORK 8192
#define CHUNK_ENTITIES 512

bool
aml_go(aml *a, int64_t work)
{
	a->work += work;
	if (a->work >= POLL_WORK && a->status == RK_OK)
	{
		a->work = 0;
		if (a->helper ? rk_should_stop(a->ctx) : rk_ctx_poll(a->ctx))
			a->status = RK_STOPPED;
	}
	return a->status == RK_OK;
}

void *
aml_alloc(aml *a, int64_t count, size_t size)
{
	void	   *p = a->status == RK_OK ? rk_alloc0(a->ctx, count, size) : NULL;

	if (p == NULL && a->status == RK_OK)
		a->status = RK_ERR_MEMORY;
	return p;
}

/* Room for one more entry of an array; false on failure. */
static bool
room(aml *a, void *array, int64_t count, int64_t *capacity, size_t size)
{
	int64_t		wanted = *capacity ? 2 * *capacity : 64;
	void	  **p = array;
	void	   *grown;

	if (a->status != RK_OK || count < *capacity)
		return a->status == RK_OK;
	grown = *p ? rk_realloc(a->ctx, *p, wanted, size) : rk_alloc(a->ctx, wanted, size);
	if (grown == NULL)
	{
		a->status = RK_ERR_MEMORY;
		return false;
	}
	*p = grown;
	*capacity = wanted;
	return true;
}

/* ---- patterns ---- */

void
aml_begin(aml *a, rk_aml_kind kind, uint32_t hub)
{
	if (!room(a, &a->list, a->count, &a->capacity, sizeof(*a->list)))
		return;
	if (a->count >= UINT32_MAX - 1)
	{
		a->status = rk_fail(a->ctx, RK_ERR_LIMIT, "more than %u patterns", UINT32_MAX - 1);
		return;
	}
	a->list[a->count] = (rk_aml_pattern) {
		.kind = kind, .hub = hub, .first_entity = a->entity_count, .first_transaction = a->transaction_count
	};
	if (hub != RK_AML_NOBODY && kind != RK_AML_SCATTER_GATHER && kind != RK_AML_ROUND_TRIPPING && kind != RK_AML_LAYERING)
		aml_entity(a, hub, RK_AML_HUB);
}

void
aml_entity(aml *a, uint32_t entity, rk_aml_role role)
{
	int64_t		capacity = a->entity_capacity;

	if (a->status != RK_OK || a->member[entity] == (uint32_t) a->count + 1)
		return;
	/* both arrays have the one capacity */
	if (!room(a, &a->entities, a->entity_count, &capacity, sizeof(*a->entities)) ||
		!room(a, &a->roles, a->entity_count, &a->entity_capacity, sizeof(*a->roles)))
		return;
	a->member[entity] = (uint32_t) a->count + 1;
	a->entities[a->entity_count] = entity;
	a->roles[a->entity_count++] = role;
}

void
aml_transaction(aml *a, uint32_t position)
{
	if (room(a, &a->transactions, a->transaction_count, &a->transaction_capacity, sizeof(*a->transactions)))
		a->transactions[a->transaction_count++] = position;
}

static void
sift(uint32_t *heap, int64_t n, int64_t i)
{
	uint32_t	value = heap[i];

	for (;;)
	{
		int64_t		child = 2 * i + 1;

		if (child >= n)
			break;
		child += child + 1 < n && heap[child + 1] > heap[child];
		if (heap[child] <= value)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = value;
}

/* Sorts what is rarely not sorted yet. */
static void
sort(aml *a, uint32_t *list, int64_t n)
{
	bool		sorted = true;

	for (int64_t i = 1; i < n; i++)
		sorted = sorted && list[i - 1] <= list[i];
	if (sorted)
		return;
	for (int64_t i = n / 2; i-- > 0 && aml_go(a, 1);)
		sift(list, n, i);
	for (int64_t i = n; i-- > 1 && aml_go(a, 1);)
	{
		uint32_t	largest = list[0];

		list[0] = list[i];
		list[i] = largest;
		sift(list, i, 0);
	}
}

void
aml_end(aml *a, double confidence)
{
	rk_aml_pattern *p = &a->list[a->count];
	uint32_t   *t;
	int64_t		n;
	int64_t		kept = 0;

	if (a->status != RK_OK)
		return;
	t = a->transactions + p->first_transaction;
	n = a->transaction_count - p->first_transaction;
	sort(a, t, n);
	for (int64_t i = 0; i < n; i++)
		if (i == 0 || t[i] != t[kept - 1])
		{
			t[kept++] = t[i];
			p->amount += a->l->amount[t[kept - 1]];
		}
	a->transaction_count = p->first_transaction + kept;
	p->transactions = kept;
	p->entities = a->entity_count - p->first_entity;
	p->confidence = confidence;
	a->count++;
}

void
aml_undo(aml *a)
{
	if (a->status != RK_OK)
		return;
	for (int64_t i = a->list[a->count].first_entity; i < a->entity_count; i++)
		a->member[a->entities[i]] = 0;
	a->entity_count = a->list[a->count].first_entity;
	a->transaction_count = a->list[a->count].first_transaction;
}

int64_t
aml_lower_bound(const uint32_t *list, int64_t count, uint32_t position)
{
	int64_t		low = 0;

	while (low < count)
	{
		int64_t		middle = low + (count - low) / 2;

		if (list[middle] < position)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

/* ---- windows ---- */

void
aml_windows(aml *a, const uint32_t *list, int64_t count, const uint32_t *other, int64_t least,
			aml_window_fn fn, void *arg)
{
	const int64_t *ts = a->l->ts;
	int64_t		different = 0;
	int64_t		j = 0;

	for (int64_t i = 0; i < count && aml_go(a, 1);)
	{
		int64_t		end = rk_window_over_at(a->l, list[i], a->p->time_window, a->p->window_over);

		for (; j < count && ts[list[j]] < end; j++)
			different += a->times[other[list[j]]]++ == 0;
		/* one that is over before the last one lies in it, and has not what that had not */
		if (different < least)
		{
			different -= --a->times[other[list[i]]] == 0;
			i++;
			continue;
		}
		for (int64_t k = i; k < j; k++)
			a->times[other[list[k]]] = 0;
		fn(a, arg, i, j);
		different = 0;
		i = j;
	}
}

/* ---- linked pairs ---- */

void
aml_successors(const aml *a, uint32_t node, uint32_t e, int64_t *from, int64_t *to)
{
	const rk_ledger *l = a->l;
	int64_t		begin = l->out_offsets[node];
	int64_t		end = l->out_offsets[node + 1];
	int64_t		over = rk_window_over_at(l, e, a->p->max_dwell, a->p->dwell_over);

	*from = begin + aml_lower_bound(l->out + begin, end - begin, e + 1);
	for (*to = *from; *to < end && l->ts[l->out[*to]] < over; (*to)++)
		;
}

void
aml_predecessors(const aml *a, uint32_t node, uint32_t f, int64_t *from, int64_t *to)
{
	const rk_ledger *l = a->l;
	int64_t		begin = l->in_offsets[node];

	*to = begin + aml_lower_bound(l->in + begin, l->in_offsets[node + 1] - begin, f);
	for (*from = *to; *from > begin && l->ts[f] < rk_window_over(l->ts[l->in[*from - 1]], a->p->max_dwell); (*from)--)
		;
}

/* Whether entities have too many pairs. */
static void
count_pairs(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	aml		   *a = arg;
	const rk_ledger *l = a->l;
	int64_t		work = 0;

	(void) chunk;
	for (uint32_t m = (uint32_t) begin; m < end; m++)
	{
		int64_t		pairs = 0;

		for (int64_t i = l->in_offsets[m]; i < l->in_offsets[m + 1] && pairs <= a->p->max_pairs_per_node; i++)
		{
			int64_t		from;
			int64_t		to;

			aml_successors(a, m, l->in[i], &from, &to);
			for (int64_t j = from; j < to; j++)
				pairs += aml_linked(a, l->in[i], l->out[j]);
			work += 1 + to - from;
			if (work >= POLL_WORK)
			{
				work = 0;
				if (rk_chunk_should_stop(a->ctx, thread))
					return;
			}
		}
		a->skip[m] = pairs > a->p->max_pairs_per_node;
	}
}

void
aml_count_pairs(aml *a)
{
	if (a->status != RK_OK)
		return;
	a->status = rk_parallel_for(a->ctx, a->l->entities, CHUNK_ENTITIES, count_pairs, a);
	for (uint32_t m = 0; m < a->l->entities; m++)
		a->skipped += a->skip[m];
}

/* ---- sorting ---- */

void
aml_add_triple(aml *a, aml_triples *t, aml_triple triple)
{
	if (room(a, &t->list, t->count, &t->capacity, sizeof(triple)))
		t->list[t->count++] = triple;
}

/* One stable pass by 11 bits of a member. */
static void
pass(aml *a, const aml_triple *from, aml_triple *to, int64_t n, int member, int shift)
{
	int64_t		place[2049] = {0};

	for (int64_t i = 0; i < n; i++)
		place[((&from[i].a)[member] >> shift & 2047) + 1]++;
	for (int d = 0; d < 2048; d++)
		place[d + 1] += place[d];
	for (int64_t i = 0; i < n && aml_go(a, 1); i++)
		to[place[(&from[i].a)[member] >> shift & 2047]++] = from[i];
}

static bool
before(const aml_triple *x, const aml_triple *y)
{
	return x->a != y->a ? x->a < y->a : x->b != y->b ? x->b < y->b : x->c < y->c;
}

void
aml_sort_triples(aml *a, aml_triples *t)
{
	aml_triple *from = t->list;
	aml_triple *to;

	/* a few are not worth 2048 buckets */
	if (t->count < 256)
	{
		for (int64_t i = 1; i < t->count; i++)
		{
			aml_triple	x = t->list[i];
			int64_t		j = i;

			for (; j > 0 && before(&x, &t->list[j - 1]); j--)
				t->list[j] = t->list[j - 1];
			t->list[j] = x;
		}
		return;
	}
	to = aml_alloc(a, t->count, sizeof(*to));
	for (int member = 2; member >= 0 && a->status == RK_OK; member--)
	{
		uint32_t	most = 0;

		for (int64_t i = 0; i < t->count; i++)
			most |= (&from[i].a)[member];
		for (int shift = 0; shift < 32 && most >> shift; shift += 11)
		{
			aml_triple *swap = from;

			pass(a, from, to, t->count, member, shift);
			from = to;
			to = swap;
		}
	}
	if (a->status != RK_OK)
		return;
	if (from != t->list)
		memcpy(t->list, from, sizeof(*from) * t->count);
	rk_free(a->ctx, from != t->list ? from : to);
}

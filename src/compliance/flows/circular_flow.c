/*
 * circular_flow.c
 *	  Groups of entities in which money can go round.
 */
#include "flows.h"

#include "../../compute/csr.h"
#include "../../graph/community/community.h"

#include <math.h>
#include <string.h>

#define POLL_MASK ((1 << 18) - 1)

/* What is known of a strong component, by its label. */
typedef struct component_sum
{
	rk_decimal	internal;
	int64_t		transactions;
	int64_t		members;
	int64_t		first_ts;
	int64_t		last_ts;
	uint32_t	first_member;
} component_sum;

/* A component that is reported. */
typedef struct ranked_component
{
	rk_decimal	internal;
	uint32_t	seen;			/* row in which its first member is seen */
	bool		as_target;		/* and it is the payee of it */
	uint32_t	label;
} ranked_component;

static rk_status
label_components(rk_ctx *ctx, const rk_transactions *t, uint32_t *label)
{
	rk_edges	edges = {.nodes = t->entities,.count = t->count,.source = t->source,.target = t->target};
	rk_graph_options o = {.directed = true,.drop_loops = true,.want_out = true,.parallel = RK_EDGES_COLLAPSE};
	rk_components found;
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, &edges, &o, &g);

	if (status == RK_OK)
		status = rk_graph_strong_components(ctx, &g, label, &found);
	rk_graph_free(ctx, &g);
	return status;
}

static rk_status
sum_components(rk_ctx *ctx, const rk_transactions *t, const uint32_t *label, const uint32_t *first_seen,
			   component_sum *sums)
{
	for (int64_t e = 0; e < t->entities; e++)
	{
		component_sum *s = &sums[label[e]];
		uint32_t	seen = first_seen[e];

		if (s->members++ == 0 || seen < first_seen[s->first_member] ||
			(seen == first_seen[s->first_member] && seen != RK_NO_ROW && t->source[seen] == e))
			s->first_member = (uint32_t) e;
	}
	for (int64_t i = 0; i < t->count; i++)
	{
		component_sum *s = &sums[label[t->source[i]]];

		if ((i & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (label[t->source[i]] != label[t->target[i]] || t->source[i] == t->target[i])
			continue;
		s->internal += t->amount[i];
		if (t->ts)
		{
			if (s->transactions == 0 || t->ts[i] < s->first_ts)
				s->first_ts = t->ts[i];
			if (s->transactions == 0 || t->ts[i] > s->last_ts)
				s->last_ts = t->ts[i];
		}
		s->transactions++;
	}
	return RK_OK;
}

static int
compare_components(const void *a, const void *b)
{
	const ranked_component *x = a;
	const ranked_component *y = b;

	if (x->internal != y->internal)
		return x->internal > y->internal ? -1 : 1;
	if (x->seen != y->seen)
		return x->seen < y->seen ? -1 : 1;
	return (int) x->as_target - (int) y->as_target;
}

/* The components that are reported, in their order, and the number of each label among them. */
static rk_status
rank_components(rk_ctx *ctx, const rk_transactions *t, const rk_circular_params *p, const component_sum *sums,
				const uint32_t *first_seen, uint32_t *number, rk_circular *result)
{
	ranked_component *ranked;
	int64_t		n = 0;
	rk_status	status;

	for (int64_t e = 0; e < t->entities; e++)
		n += sums[e].members >= p->min_size && sums[e].internal >= p->min_amount;
	ranked = rk_alloc(ctx, n, sizeof(ranked_component));
	result->components = rk_alloc(ctx, n, sizeof(rk_flow_component));
	result->member_offsets = rk_alloc(ctx, n + 1, sizeof(int64_t));
	if (!ranked || !result->components || !result->member_offsets)
		return RK_ERR_MEMORY;
	for (int64_t e = 0; e < t->entities; e++)
	{
		uint32_t	first = sums[e].first_member;

		if (sums[e].members >= p->min_size && sums[e].internal >= p->min_amount)
			ranked[result->count++] = (ranked_component) {sums[e].internal, first_seen[first],
				t->source[first_seen[first]] != first, (uint32_t) e};
	}
	if ((status = rk_flows_sort(ctx, (void **) &ranked, n, sizeof(ranked_component), compare_components)) != RK_OK)
		return status;
	result->member_offsets[0] = 0;
	for (int64_t c = 0; c < n; c++)
	{
		const component_sum *s = &sums[ranked[c].label];

		result->components[c] = (rk_flow_component) {.members = s->members,.transactions = s->transactions,
			.internal = s->internal,.share = rk_money_ratio(s->internal, t->total),.first_ts = s->first_ts,
			.last_ts = s->last_ts,.first_member = s->first_member};
		result->member_offsets[c + 1] = result->member_offsets[c] + s->members;
		number[ranked[c].label] = (uint32_t) c;
	}
	rk_free(ctx, ranked);
	return RK_OK;
}

/* Lists the members of each component in the order of the ids. */
static rk_status
list_members(rk_ctx *ctx, const rk_transactions *t, const uint32_t *label, const uint32_t *number,
			 rk_circular *result)
{
	int64_t    *at = rk_alloc(ctx, result->count, sizeof(int64_t));

	result->members = rk_alloc(ctx, result->member_offsets[result->count], sizeof(uint32_t));
	if (!at || !result->members)
		return RK_ERR_MEMORY;
	memcpy(at, result->member_offsets, sizeof(int64_t) * result->count);
	for (int64_t e = 0; e < t->entities; e++)
	{
		uint32_t	c = number[label[e]];

		result->component_of[e] = c;
		if (c != RK_NO_ROW)
			result->members[at[c]++] = (uint32_t) e;
	}
	rk_free(ctx, at);
	return RK_OK;
}

/* What goes round in each component, from the sums by ordered pair inside. */
static rk_status
find_circulation(rk_ctx *ctx, const rk_transactions *t, rk_circular *result)
{
	uint32_t   *rows = rk_alloc(ctx, t->count, sizeof(uint32_t));
	uint32_t   *place = rk_alloc(ctx, t->entities, sizeof(uint32_t));
	rk_flow_arc *arcs;
	rk_pairs	pairs;
	int64_t		n = 0;
	int64_t		count = 0;
	rk_status	status;

	if (!rows || !place)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < t->count; i++)
		if (result->component_of[t->source[i]] != RK_NO_ROW &&
			result->component_of[t->source[i]] == result->component_of[t->target[i]])
			rows[n++] = (uint32_t) i;
	for (int64_t k = 0; k < result->member_offsets[result->count]; k++)
		place[result->members[k]] = (uint32_t) k;
	if ((status = rk_pairs_build(ctx, t, rows, n, &pairs)) != RK_OK)
		return status;
	if ((arcs = rk_alloc(ctx, 2 * pairs.count, sizeof(rk_flow_arc))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t g = 0; g < pairs.count; g++)
	{
		uint32_t	a = t->source[pairs.rows[pairs.offsets[g]]];
		uint32_t	b = t->target[pairs.rows[pairs.offsets[g]]];
		rk_decimal	forth = 0;
		rk_decimal	back = 0;

		for (int64_t i = pairs.offsets[g]; i < pairs.offsets[g + 1]; i++)
		{
			if (t->source[pairs.rows[i]] == a)
				forth += t->amount[pairs.rows[i]];
			else
				back += t->amount[pairs.rows[i]];
		}
		if (forth > 0)
			arcs[count++] = (rk_flow_arc) {place[a], place[b], forth, 0};
		if (back > 0)
			arcs[count++] = (rk_flow_arc) {place[b], place[a], back, 0};
	}
	rk_free(ctx, pairs.offsets);
	rk_free(ctx, pairs.rows);
	rk_free(ctx, rows);
	rk_free(ctx, place);
	if ((status = rk_flows_circulation(ctx, result->member_offsets[result->count], arcs, count)) != RK_OK)
		return status;
	for (int64_t i = 0; i < count; i++)
		result->components[result->component_of[result->members[arcs[i].from]]].circulating += arcs[i].amount - arcs[i].removed;
	rk_free(ctx, arcs);
	return RK_OK;
}

rk_status
rk_compliance_circular(rk_ctx *ctx, const rk_transactions *t, const rk_circular_params *p, rk_circular *result)
{
	uint32_t   *label = rk_alloc(ctx, t->entities, sizeof(uint32_t));
	uint32_t   *first_seen = rk_alloc(ctx, t->entities, sizeof(uint32_t));
	uint32_t   *number = rk_alloc(ctx, t->entities, sizeof(uint32_t));
	component_sum *sums = rk_alloc0(ctx, t->entities, sizeof(component_sum));
	rk_status	status;

	*result = (rk_circular) {.component_of = rk_alloc(ctx, t->entities, sizeof(uint32_t))};
	if (!label || !first_seen || !number || !sums || !result->component_of)
		return RK_ERR_MEMORY;
	memset(number, 0xff, sizeof(uint32_t) * t->entities);
	rk_transactions_first_seen(t, first_seen);
	if ((status = label_components(ctx, t, label)) != RK_OK ||
		(status = sum_components(ctx, t, label, first_seen, sums)) != RK_OK ||
		(status = rank_components(ctx, t, p, sums, first_seen, number, result)) != RK_OK ||
		(status = list_members(ctx, t, label, number, result)) != RK_OK)
		return status;
	rk_free(ctx, sums);
	rk_free(ctx, first_seen);
	rk_free(ctx, label);
	rk_free(ctx, number);
	return p->circulation ? find_circulation(ctx, t, result) : RK_OK;
}

void
rk_compliance_entity_flows(const rk_transactions *t, const rk_circular *circular, rk_entity_flow *flows)
{
	memset(flows, 0, sizeof(rk_entity_flow) * t->entities);
	for (int64_t i = 0; i < t->count; i++)
	{
		uint32_t	c = circular->component_of[t->source[i]];

		flows[t->source[i]].out += t->amount[i];
		flows[t->target[i]].in += t->amount[i];
		if (c != RK_NO_ROW && c == circular->component_of[t->target[i]] && t->source[i] != t->target[i])
			flows[t->source[i]].circular += t->amount[i];
	}
	for (int64_t e = 0; e < t->entities; e++)
		flows[e].ratio = rk_money_ratio(flows[e].circular, flows[e].out);
}

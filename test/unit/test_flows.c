/*
 * test_flows.c
 *	  Circular, reciprocal, reversed and sliced flows: worked examples, invariants,
 *	  and the sweeps that all kernels must pass.
 */
#include "transactions_support.h"

#include "../../src/compliance/flows/flows.h"

#define SECOND INT64_C(1000000)
#define COIN(x) (RK_MONEY_UNIT * (x))

/* Transactions from a list: {source, target, amount, seconds}. */
static rk_transactions
literal(int64_t count, const int64_t (*list)[4], test_transactions *x)
{
	*x = random_transactions(1, 10, count, 1);
	x->t.total = 0;
	for (int64_t i = 0; i < count; i++)
	{
		x->source[i] = (uint32_t) list[i][0];
		x->target[i] = (uint32_t) list[i][1];
		x->amount[i] = COIN(list[i][2]);
		x->ts[i] = list[i][3] * SECOND;
		x->t.total += x->amount[i];
	}
	return x->t;
}

#define LITERAL(x, ...) \
	literal(sizeof((int64_t[][4]) {__VA_ARGS__}) / sizeof(int64_t[4]), (int64_t[][4]) {__VA_ARGS__}, (x))

/* ---- ratios ---- */

/* Beyond 2^53 the quotient is still the nearest double. */
static void
ratios_are_rounded_correctly(void **state)
{
	(void) state;
	assert_true(isnan(rk_money_ratio(5, 0)));
	assert_true(rk_money_ratio(0, COIN(1)) == 0);
	for (uint64_t i = 0; i < 20000; i++)
	{
		/* a / b as itself, and both sides multiplied: the same ratio */
		int64_t		a = 1 + rk_hash2(i, 1) % (UINT64_C(1) << (1 + i % 52));
		int64_t		b = 1 + rk_hash2(i, 2) % (UINT64_C(1) << (1 + i / 52 % 52));
		rk_decimal	factor = (rk_decimal) 1000003 * (1 + rk_hash2(i, 3) % (UINT64_C(1) << 50));

		assert_true(rk_money_ratio(a, b) == (double) a / (double) b);
		assert_true(rk_money_ratio(a * factor, b * factor) == (double) a / (double) b);
	}
	assert_true(rk_money_ratio(RK_MONEY_MAX, 1) == 1e28);
	assert_true(rk_money_ratio(1, RK_MONEY_MAX) == 1e-28);
}

/* ---- pairs ---- */

static void
pairs_hold_every_row_once(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 50; seed++)
	{
		int64_t		n = rk_hash2(seed, 9) % 500;
		test_transactions x = random_transactions(seed, 1 + seed % 9, n, 50);
		uint32_t   *order;
		bool		seen[500] = {false};
		rk_pairs	pairs;
		rk_ctx		ctx;
		int64_t		between = 0;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_transactions_order(&ctx, &x.t, &order), RK_OK);
		assert_int_equal(rk_pairs_build(&ctx, &x.t, order, n, &pairs), RK_OK);
		for (int64_t i = 0; i < n; i++)
			between += x.source[i] != x.target[i];
		assert_int_equal(pairs.offsets[pairs.count], between);
		for (int64_t g = 0; g < pairs.count; g++)
		{
			uint32_t	a = x.source[pairs.rows[pairs.offsets[g]]];
			uint32_t	b = x.target[pairs.rows[pairs.offsets[g]]];

			for (int64_t i = pairs.offsets[g]; i < pairs.offsets[g + 1]; i++)
			{
				uint32_t	row = pairs.rows[i];

				assert_false(seen[row]);
				seen[row] = true;
				assert_true((x.source[row] == a && x.target[row] == b) || (x.source[row] == b && x.target[row] == a));
				assert_true(i == pairs.offsets[g] || x.ts[pairs.rows[i - 1]] <= x.ts[row]);
			}
		}
		rk_ctx_destroy(&ctx);
		free_transactions(&x);
	}
}

/* ---- reciprocity ---- */

static void
reciprocity_of_the_example(void **state)
{
	test_transactions x;
	rk_transactions t = LITERAL(&x, {1, 2, 5000, 100}, {2, 1, 4800, 200}, {3, 3, 7, 0});
	rk_window	delay = {.width = 100 * SECOND};
	rk_reciprocity_params p = {0};
	rk_reciprocity r;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_int_equal(r.count, 1);
	assert_true(r.reciprocal_amount == COIN(9600) && r.total_amount == COIN(9800));
	assert_true(r.pairs[0].balance == 0.96 && r.ratio == 9600.0 / 9800.0);
	/* it comes back after 100 s, which is not less than 100 s */
	p.max_delay = &delay;
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_true(r.count == 1 && r.reciprocal_amount == 0);
	delay.width++;
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &r), RK_OK);
	assert_true(r.reciprocal_amount == COIN(9600));
	rk_ctx_destroy(&ctx);
	free_transactions(&x);
}

/* ---- reversals ---- */

static void
reversals_of_the_example(void **state)
{
	test_transactions x;
	rk_transactions t = LITERAL(&x, {1, 2, 5000, 100}, {2, 1, 5000, 200}, {3, 4, 3000, 300}, {4, 3, 2800, 400});
	rk_window	max = {.width = 86400 * SECOND};
	rk_window	suspicious = {.width = 3600 * SECOND};
	rk_window	critical = {.width = 300 * SECOND};
	rk_reversal_params p = {&max, &suspicious, &critical, 0.9, false};
	rk_reversals r;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_reversals(&ctx, &t, &p, &r), RK_OK);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.list[0].level, RK_REVERSAL_CRITICAL);
	assert_int_equal(r.list[1].level, RK_REVERSAL_HIGH);
	assert_true(r.volume == COIN(15800) && r.volume_ratio == 1 && r.repeat_offenders == 0 && r.risk_score == 90);
	rk_ctx_destroy(&ctx);
	free_transactions(&x);
}

/* ---- splits ---- */

static void
splits_of_the_examples(void **state)
{
	static const struct
	{
		int			n;
		int			amount;
		int			level;		/* -1: none */
	}			cases[] = {{4, 2500, RK_SPLIT_HIGH}, {4, 2450, RK_SPLIT_HIGH}, {5, 2500, RK_SPLIT_ELEVATED},
	{3, 3300, RK_SPLIT_HIGH}, {3, 7500, RK_SPLIT_HIGH}, {2, 500, -1}};
	rk_window	window = {.width = 86400 * SECOND};
	rk_split_params p = {COIN(10000), &window, 3, RK_SPLIT_SOURCE};

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		test_transactions x;
		rk_transactions t = LITERAL(&x, {1, 2, 1, 0}, {1, 3, 1, 3600}, {1, 4, 1, 7200}, {1, 5, 1, 9000}, {1, 6, 1, 9900});
		rk_splits	r;
		rk_ctx		ctx;

		for (int i = 0; i < cases[c].n; i++)
			x.amount[i] = COIN(cases[c].amount);
		t.count = cases[c].n;
		rk_ctx_init(&ctx);
		assert_int_equal(rk_compliance_splits(&ctx, &t, &p, &r), RK_OK);
		assert_int_equal(r.count, cases[c].level >= 0);
		if (r.count > 0)
		{
			assert_int_equal(r.list[0].level, cases[c].level);
			assert_true(r.list[0].uniform && r.volume == COIN(cases[c].n * cases[c].amount));
		}
		rk_ctx_destroy(&ctx);
		free_transactions(&x);
	}
}

/* ---- circular flows ---- */

static void
components_of_the_example(void **state)
{
	test_transactions x;
	rk_transactions t = LITERAL(&x, {1, 2, 1000, 0}, {2, 3, 950, 1}, {3, 1, 900, 2}, {3, 4, 50, 3}, {5, 5, 10, 4});
	rk_circular_params p = {.min_size = 2,.circulation = true};
	rk_entity_flow flows[10];
	rk_circular c;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_circular(&ctx, &t, &p, &c), RK_OK);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.components[0].members, 3);
	assert_true(c.components[0].internal == COIN(2850) && c.components[0].circulating == COIN(2700));
	assert_true(c.components[0].share == 2850.0 / 2910.0 && c.components[0].last_ts == 2 * SECOND);
	assert_int_equal(c.components[0].first_member, 1);
	rk_compliance_entity_flows(&t, &c, flows);
	assert_true(flows[3].out == COIN(950) && flows[3].circular == COIN(900) && flows[5].circular == 0);
	p.min_amount = COIN(2850) + 1;
	assert_int_equal(rk_compliance_circular(&ctx, &t, &p, &c), RK_OK);
	assert_int_equal(c.count, 0);
	rk_ctx_destroy(&ctx);
	free_transactions(&x);
}

/*
 * As much leaves every node as enters it, no arc carries more than it may, and
 * no cycle of the residual graph would gain: with potentials that Bellman and
 * Ford's algorithm finds, which is what makes it the largest.
 */
static void
circulations_are_largest(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		int64_t		nodes = 2 + rk_hash2(seed, 1) % 30;
		int64_t		count = rk_hash2(seed, 2) % (nodes * 5);
		rk_flow_arc *arcs = malloc(sizeof(rk_flow_arc) * (count + 1));
		rk_decimal	balance[40] = {0};
		int64_t		potential[40] = {0};
		bool		changed = true;
		rk_ctx		ctx;

		for (int64_t i = 0; i < count; i++)
		{
			arcs[i].from = rk_hash3(seed, i, 3) % nodes;
			arcs[i].to = (arcs[i].from + 1 + rk_hash3(seed, i, 4) % (nodes - 1)) % nodes;
			arcs[i].amount = 1 + (rk_decimal) (rk_hash3(seed, i, 5) % 1000) * (seed % 2 ? RK_MONEY_MAX / 1000 : 1);
		}
		rk_ctx_init(&ctx);
		assert_int_equal(rk_flows_circulation(&ctx, nodes, arcs, count), RK_OK);
		rk_ctx_destroy(&ctx);
		for (int64_t i = 0; i < count; i++)
		{
			assert_true(arcs[i].removed >= 0 && arcs[i].removed <= arcs[i].amount);
			balance[arcs[i].from] += arcs[i].amount - arcs[i].removed;
			balance[arcs[i].to] -= arcs[i].amount - arcs[i].removed;
		}
		for (int64_t v = 0; v < nodes; v++)
			assert_true(balance[v] == 0);
		for (int64_t round = 0; changed; round++)
		{
			assert_true(round <= nodes);
			changed = false;
			for (int64_t i = 0; i < count; i++)
			{
				uint32_t	u = arcs[i].from;
				uint32_t	v = arcs[i].to;

				/* more on the arc gains 1, less on it loses 1 */
				if (arcs[i].removed > 0 && potential[u] - 1 < potential[v])
				{
					potential[v] = potential[u] - 1;
					changed = true;
				}
				if (arcs[i].removed < arcs[i].amount && potential[v] + 1 < potential[u])
				{
					potential[u] = potential[v] + 1;
					changed = true;
				}
			}
		}
		free(arcs);
	}
}

/* Temporal cycles the slow way: from every payment, by all later ones. */
typedef struct slow_search
{
	const rk_transactions *t;
	const uint32_t *order;
	int64_t		span;
	int			max_length;
	uint32_t	path[16];
	uint32_t   *found;			/* length, rows */
	int64_t		words;
	int64_t		count;
} slow_search;

static void
slow_step(slow_search *s, int64_t place, int depth)
{
	const rk_transactions *t = s->t;
	uint32_t	row = s->order[place];
	int64_t		begin = t->ts[s->path[0]];

	s->path[depth] = row;
	if (depth > 0 && t->target[row] == t->source[s->path[0]])
	{
		s->found[s->words++] = depth + 1;
		memcpy(s->found + s->words, s->path, sizeof(uint32_t) * (depth + 1));
		s->words += depth + 1;
		s->count++;
		return;
	}
	for (int i = 0; i <= depth; i++)
		if (t->source[s->path[i]] == t->target[row])
			return;
	if (depth + 1 == s->max_length)
		return;
	for (int64_t k = place + 1; k < t->count && t->ts[s->order[k]] < begin + s->span; k++)
		if (t->source[s->order[k]] == t->target[row] && t->ts[s->order[k]] > t->ts[row])
			slow_step(s, k, depth + 1);
}

static void
assert_cycles(const test_transactions *x, int64_t span, int max_length, int threads)
{
	rk_window	window = {.width = span};
	rk_flow_cycle_params p = {max_length, &window, 0, 1000000};
	slow_search s = {.t = &x->t,.span = span,.max_length = max_length};
	rk_flow_cycles c;
	int64_t		at = 0;
	uint32_t   *order;
	rk_ctx		ctx;

	rk_ctx_init(&ctx);
	ctx.threads = threads;
	assert_int_equal(rk_transactions_order(&ctx, &x->t, &order), RK_OK);
	s.order = order;
	s.found = malloc(sizeof(uint32_t) * 8000000);
	for (int64_t i = 0; i < x->t.count; i++)
	{
		s.path[0] = order[i];
		if (x->source[order[i]] != x->target[order[i]])
			slow_step(&s, i, 0);
	}
	assert_int_equal(rk_compliance_temporal_cycles(&ctx, &x->t, &p, &c), RK_OK);
	assert_int_equal(c.count, s.count);
	for (int64_t k = 0; k < c.count; k++)
	{
		int64_t		length = c.row_offsets[k + 1] - c.row_offsets[k];

		assert_int_equal(s.found[at], length);
		assert_memory_equal(c.rows + c.row_offsets[k], s.found + at + 1, sizeof(uint32_t) * length);
		at += 1 + length;
	}
	/* one less is too few, and says so */
	if (s.count > 1)
	{
		p.max_cycles = s.count - 1;
		assert_int_equal(rk_compliance_temporal_cycles(&ctx, &x->t, &p, &c), RK_ERR_LIMIT);
	}
	free(s.found);
	rk_ctx_destroy(&ctx);
}

/* Several slabs, windows from short to longer than all; buffers that overflow. */
static void
temporal_cycles_are_all(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 40; seed++)
	{
		int64_t		entities = 20 + rk_hash2(seed, 5) % 300;
		test_transactions x = random_transactions(seed, entities, 1500, 5000);

		assert_cycles(&x, 1 + rk_hash2(seed, 6) % 250, 2 + seed % 7, 1 + seed % 3);
		free_transactions(&x);
	}
	/* 200,000 payments: slabs of 65,536 that overlap */
	for (uint64_t seed = 0; seed < 3; seed++)
	{
		test_transactions x = random_transactions(seed + 70, 300, 200000, 4000000);

		assert_cycles(&x, 1000 + seed * 1500, 6, 2);
		free_transactions(&x);
	}
}

/* ---- sweeps ---- */

#define SPAN (SECOND * 86400 * 30)

static rk_status
run_reciprocity(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_window	delay = {.width = SPAN / 10};
	rk_reciprocity_params p = {.max_delay = &delay};
	rk_transactions t;
	rk_reciprocity r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_reciprocity(ctx, &t, &p, &r)) != RK_OK)
		return status;
	memcpy(result, r.pairs, sizeof(double) * edges->nodes);
	return RK_OK;
}

static rk_status
reversals_run(rk_ctx *ctx, const rk_edges *edges, void *result, bool all_pairs)
{
	rk_window	max = {.width = SPAN};
	rk_window	shorter = {.width = SPAN / 20};
	rk_reversal_params p = {&max, &shorter, &shorter, 0.1, all_pairs};
	rk_transactions t;
	rk_reversals r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_reversals(ctx, &t, &p, &r)) != RK_OK)
		return status;
	memcpy(result, r.by_entity, sizeof(double) * edges->nodes);
	return RK_OK;
}

static rk_status
run_reversals(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return reversals_run(ctx, edges, result, false);
}

static rk_status
run_all_reversals(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return reversals_run(ctx, edges, result, true);
}

static rk_status
run_splits(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_window	window = {.width = SPAN / 20};
	rk_split_params p = {COIN(60), &window, 2, RK_SPLIT_BOTH};
	rk_transactions t;
	rk_splits	r;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_splits(ctx, &t, &p, &r)) != RK_OK)
		return status;
	for (int64_t k = 0; k < r.count && k < edges->nodes; k++)
		((double *) result)[k] = (double) r.list[k].total + r.list[k].entity + 1000.0 * r.list[k].level;
	return RK_OK;
}

static rk_status
run_circular(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_circular_params p = {.min_size = 2,.circulation = true};
	rk_transactions t;
	rk_circular c;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	if ((status = rk_compliance_circular(ctx, &t, &p, &c)) != RK_OK)
		return status;
	for (int64_t k = 0; k < c.count && k < edges->nodes; k++)
		((double *) result)[k] = (double) c.components[k].circulating;
	return RK_OK;
}

static rk_status
cycles_run(rk_ctx *ctx, const rk_edges *edges, void *result, bool temporal)
{
	rk_window	window = {.width = SPAN / 20};
	rk_flow_cycle_params p = {5, &window, 0.01, 1000000};
	rk_transactions t;
	rk_flow_cycles c;
	rk_status	status;

	if (!transactions_of_edges(ctx, edges, SPAN, &t))
		return RK_ERR_MEMORY;
	status = temporal ? rk_compliance_temporal_cycles(ctx, &t, &p, &c) : rk_compliance_aggregated_cycles(ctx, &t, &p, &c);
	if (status != RK_OK)
		return status;
	for (int64_t k = 0; k < c.count && k < edges->nodes; k++)
		((double *) result)[k] = (double) c.list[k].total + c.rows[c.row_offsets[k]] + c.members[c.member_offsets[k]];
	return RK_OK;
}

static rk_status
run_temporal_cycles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return cycles_run(ctx, edges, result, true);
}

static rk_status
run_aggregated_cycles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return cycles_run(ctx, edges, result, false);
}

static void
all_sweeps(test_run_fn run, int64_t nodes, int64_t rows)
{
	test_edges	e = random_edges(5, nodes, rows, false);

	assert_thread_independent(run, &e.edges, sizeof(double) * nodes);
	assert_survives_allocation_failures(run, &e.edges, sizeof(double) * nodes);
	assert_cancellable(run, &e.edges, sizeof(double) * nodes);
	free_edges(&e);
}

static void
reciprocity_passes(void **state)
{
	(void) state;
	all_sweeps(run_reciprocity, 200, 60000);
}

static void
reversals_pass(void **state)
{
	(void) state;
	all_sweeps(run_reversals, 200, 40000);
	all_sweeps(run_all_reversals, 200, 40000);
}

static void
splits_pass(void **state)
{
	(void) state;
	all_sweeps(run_splits, 200, 40000);
}

static void
circular_passes(void **state)
{
	(void) state;
	all_sweeps(run_circular, 2000, 6000);
}

static void
cycles_pass(void **state)
{
	(void) state;
	all_sweeps(run_temporal_cycles, 500, 6000);
	all_sweeps(run_temporal_cycles, 60, 2000);
	all_sweeps(run_aggregated_cycles, 500, 1500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_rounded_correctly),
		cmocka_unit_test(pairs_hold_every_row_once),
		cmocka_unit_test(reciprocity_of_the_example),
		cmocka_unit_test(reversals_of_the_example),
		cmocka_unit_test(splits_of_the_examples),
		cmocka_unit_test(components_of_the_example),
		cmocka_unit_test(circulations_are_largest),
		cmocka_unit_test(temporal_cycles_are_all),
		cmocka_unit_test(circular_passes),
		cmocka_unit_test(cycles_pass),
		cmocka_unit_test(reciprocity_passes),
		cmocka_unit_test(reversals_pass),
		cmocka_unit_test(splits_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_compliance_typologies.c
 *	  Rapid movement and patterns of money laundering: worked examples, and what
 *	  holds for every kernel (threads, failing allocations, cancellation).
 */
#include "support.h"

#include <stdio.h>

#include "../../src/compliance/typologies/typologies.h"

#define HOUR INT64_C(3600000000)
#define MAX_ROWS 20000

/* Transactions in arrays of their own. */
typedef struct rows
{
	rk_transactions t;
	uint32_t	source[MAX_ROWS];
	uint32_t	target[MAX_ROWS];
	rk_decimal	amount[MAX_ROWS];
	int64_t		ts[MAX_ROWS];
} rows;

static void
begin(rows *r)
{
	r->t = (rk_transactions) {0, 0, r->source, r->target, r->amount, r->ts};
}

static void
pay(rows *r, uint32_t source, uint32_t target, double amount, double hour)
{
	int64_t		i = r->t.count++;

	r->source[i] = source;
	r->target[i] = target;
	r->amount[i] = (rk_decimal) llround(amount * 100) * 1000000;
	r->ts[i] = (int64_t) llround(hour * (double) HOUR);
	r->t.entities = source >= r->t.entities ? source + 1 : r->t.entities;
	r->t.entities = target >= r->t.entities ? target + 1 : r->t.entities;
}

static rk_aml_params
defaults(void)
{
	return (rk_aml_params) {
		.kinds = RK_AML_STRUCTURAL, .time_window = 24 * HOUR, .max_dwell = 72 * HOUR, .cycle_window = 14 * 24 * HOUR,
		.min_fan = 5, .min_layers = 3, .max_cycle_length = 12, .min_forwarded = 0.8,
		.reporting_threshold = 10000 * RK_MONEY_UNIT, .structuring_low = 0.7, .structuring_min_count = 3,
		.suppress_contained = true, .max_pairs_per_node = 1000000
	};
}

/* What is found: "kind/hub/transactions/amount/confidence", one after the other. */
static void
expect(rows *r, rk_aml_params p, const char *wanted)
{
	rk_ctx		ctx;
	rk_ledger	l = {0};
	rk_aml_result f;
	char		text[4000] = "";

	rk_ctx_init(&ctx);
	assert_int_equal(rk_ledger_make(&ctx, &r->t, &l), RK_OK);
	assert_int_equal(rk_aml_patterns(&ctx, &l, &p, &f), RK_OK);
	for (int64_t i = 0; i < f.count; i++)
	{
		const rk_aml_pattern *q = &f.list[i];

		sprintf(text + strlen(text), "%s%s/%d/%lld/%.2f/%.3g", text[0] ? " " : "", rk_aml_kind_names[q->kind],
				q->hub == RK_AML_NOBODY ? -1 : (int) l.code[q->hub], (long long) q->transactions,
				(double) q->amount / 1e8, q->confidence);
	}
	assert_string_equal(text, wanted);
	rk_ctx_destroy(&ctx);
}

static void
test_movement(void **state)
{
	static rows r;
	rk_ctx		ctx;
	rk_ledger	l = {0};
	rk_movement m[2];
	rk_movement_params p = {HOUR, 10, 10000 * RK_MONEY_UNIT, 24 * HOUR, 0.8};

	(void) state;
	begin(&r);
	for (int i = 0; i < 20; i++)
		pay(&r, 1, 0, 500, i / 60.0);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_ledger_make(&ctx, &r.t, &l), RK_OK);
	assert_int_equal(rk_rapid_movement(&ctx, &l, &p, m), RK_OK);
	for (int e = 0; e < 2; e++)
	{
		assert_int_equal(m[e].transactions, 20);
		assert_true(m[e].max_velocity == 20);
		assert_true(m[e].window_amount == 10000 * RK_MONEY_UNIT);
		assert_true(m[e].rapid_amount == 10000 * RK_MONEY_UNIT);
		assert_true(m[e].velocity_flag && !m[e].pass_through_flag);
		assert_int_equal(m[e].window_start, 0);
	}
	assert_true(isnan(m[0].pass_through));
	assert_true(m[1].pass_through == 0);
	rk_ctx_destroy(&ctx);
}

static void
test_pass_through(void **state)
{
	static rows r;
	rk_ctx		ctx;
	rk_ledger	l = {0};
	rk_movement m[3];
	rk_movement_params p = {HOUR, 10, 100 * RK_MONEY_UNIT, 24 * HOUR, 0.8};

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 100, 0);
	pay(&r, 0, 1, 100, 1);
	pay(&r, 1, 1, 50, 1);
	pay(&r, 1, 2, 150, 4);		/* 100 stayed 4 hours, 50 stayed 3 */
	pay(&r, 1, 2, 100, 25);		/* the other 50 have stayed too long: 24 hours */
	rk_ctx_init(&ctx);
	assert_int_equal(rk_ledger_make(&ctx, &r.t, &l), RK_OK);
	assert_int_equal(rk_rapid_movement(&ctx, &l, &p, m), RK_OK);
	assert_true(m[1].amount_in == 250 * RK_MONEY_UNIT);
	assert_true(m[1].amount_out == 300 * RK_MONEY_UNIT);
	assert_true(m[1].pass_through == 0.6);
	assert_int_equal(m[1].mean_dwell, 11 * HOUR / 3);
	assert_int_equal(m[1].transactions, 5);
	rk_ctx_destroy(&ctx);
}

static void
test_scatter_gather(void **state)
{
	static rows r;
	rk_aml_params p = defaults();

	(void) state;
	begin(&r);
	for (int i = 0; i < 3; i++)
		pay(&r, 0, 1 + i, 100, i);
	for (int i = 0; i < 3; i++)
		pay(&r, 1 + i, 4, 95, 10);
	p.min_fan = 3;
	expect(&r, p, "scatter_gather/0/6/585.00/0.3");
	p.suppress_contained = false;
	expect(&r, p, "fan_out/0/3/300.00/0.15 fan_in/4/3/285.00/0.15 scatter_gather/0/6/585.00/0.3");
	p.min_forwarded = 0.96;
	expect(&r, p, "fan_out/0/3/300.00/0.15 fan_in/4/3/285.00/0.15");
}

static void
test_cycle(void **state)
{
	static rows r;
	rk_aml_params p = defaults();

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 1000, 0);
	pay(&r, 1, 2, 950, 1);
	pay(&r, 2, 0, 900, 2);
	expect(&r, p, "round_tripping/0/3/2850.00/0.9");
	p.max_cycle_length = 2;
	expect(&r, p, "");	/* the last hop would come back to the first entity */
	p.max_cycle_length = 12;
	p.cycle_window = 2 * HOUR;
	expect(&r, p, "");
	begin(&r);
	pay(&r, 0, 1, 1000, 0);
	pay(&r, 1, 2, 950, 1);
	pay(&r, 1, 4, 960, 1);		/* at the same time, but more */
	pay(&r, 4, 3, 900, 2);
	expect(&r, p, "layering/0/3/2860.00/0.3");
}

/* The shortest walk back crosses itself; the shortest simple one is longer. */
static void
test_crossing_walks(void **state)
{
	static rows r;
	rk_aml_params p = defaults();

	(void) state;
	p.min_forwarded = 0;
	p.max_dwell = 2 * HOUR;
	p.kinds = 1u << RK_AML_ROUND_TRIPPING;
	begin(&r);
	pay(&r, 0, 1, 100, 0);
	pay(&r, 1, 2, 100, 1);
	pay(&r, 2, 3, 100, 2);
	pay(&r, 3, 1, 100, 3);		/* back to 1: no simple path goes on from here */
	pay(&r, 1, 0, 100, 4);
	/* a walk of five from row 0; the cycle 1 2 3 is found from row 1 */
	expect(&r, p, "round_tripping/1/3/300.00/1");
	pay(&r, 3, 4, 100, 3.5);
	pay(&r, 4, 5, 100, 4);
	pay(&r, 5, 0, 100, 5);
	expect(&r, p, "round_tripping/0/6/600.00/1");
}

static void
test_others(void **state)
{
	static rows r;
	rk_aml_params p = defaults();

	(void) state;
	/* three amounts just below 10000 in a day */
	begin(&r);
	for (int i = 0; i < 3; i++)
		pay(&r, 0, 1, 9000, 8 * i - 0.1);
	pay(&r, 0, 2, 6999, 1);
	expect(&r, p, "structuring/0/3/27000.00/0.3");
	/* a funnel, which gathers and scatters too */
	begin(&r);
	for (int i = 0; i < 5; i++)
		pay(&r, 1 + i, 0, 100, i);
	for (int i = 0; i < 5; i++)
		pay(&r, 0, 6 + i, 90, 10 + i);
	p.suppress_contained = false;
	p.min_layers = 4;
	expect(&r, p, "funnel_account/0/10/950.00/0.25 fan_out/0/5/450.00/0.25 fan_in/0/5/500.00/0.25 gather_scatter/0/10/950.00/0.25");
	/* two payers, three payees, all pairs: bipartite; and nobody pays back */
	begin(&r);
	for (int i = 0; i < 6; i++)
		pay(&r, i % 2, 2 + i / 2, 10, i);
	expect(&r, p, "bipartite/-1/6/60.00/1");
	/* seen by two windows, once */
	for (int i = 0; i < 6; i++)
		r.ts[i] += 13 * HOUR;
	pay(&r, 9, 8, 1, 0);
	expect(&r, p, "bipartite/-1/6/60.00/1");
	/* a stack of two */
	begin(&r);
	for (int m = 0; m < 2; m++)
		for (int i = 0; i < 2; i++)
		{
			pay(&r, i, 4 + m, 100, i);
			pay(&r, 4 + m, 2 + i, 100, 30 + i);
		}
	p.kinds = 1u << RK_AML_STACK;
	expect(&r, p, "stack/-1/8/800.00/0.4");
	/* fewer pairs permitted than there are */
	p.max_pairs_per_node = 3;
	expect(&r, p, "");
}

static void
test_empty(void **state)
{
	static rows r;
	rk_aml_params p = defaults();

	(void) state;
	begin(&r);
	p.kinds = (1u << RK_AML_KINDS) - 1;
	expect(&r, p, "");
	pay(&r, 0, 0, 20000, 0);
	expect(&r, p, "");
	pay(&r, 0, 1, 20000, 0);
	expect(&r, p, "");
}

/* ---- sweeps ---- */

static void
random_rows(rows *r, const rk_edges *edges)
{
	begin(r);
	for (int64_t i = 0; i < edges->count; i++)
		pay(r, edges->source[i], edges->target[i], (double) (900 + rk_hash2(5, (uint64_t) i) % 10 * 10),
			(double) (rk_hash2(6, (uint64_t) i) % 5000) / 10);
	r->t.entities = edges->nodes;
}

static rk_status
run_movement(rk_ctx *ctx, const rk_edges *edges, void *out)
{
	static rows r;
	rk_ledger	l = {0};
	rk_movement_params p = {HOUR, 2, 1000 * RK_MONEY_UNIT, 24 * HOUR, 0.5};
	rk_movement *m;
	uint64_t   *hash = out;
	rk_status	status;

	random_rows(&r, edges);
	status = rk_ledger_make(ctx, &r.t, &l);
	if (status != RK_OK)
		return status;
	m = rk_alloc(ctx, l.entities, sizeof(*m));
	if (m == NULL)
		return RK_ERR_MEMORY;
	status = rk_rapid_movement(ctx, &l, &p, m);
	if (status != RK_OK)
		return status;
	*hash = l.entities;
	for (uint32_t e = 0; e < l.entities; e++)
		*hash = rk_hash_fold(*hash, rk_hash3((uint64_t) m[e].rapid_amount, (uint64_t) m[e].mean_dwell, (uint64_t) m[e].window_start));
	return RK_OK;
}

/* The windows of a width, as if they were calendar months. */
static const int64_t *
ends(rk_ctx *ctx, const rk_ledger *l, int64_t width)
{
	int64_t    *over = rk_alloc(ctx, l->count + 1, sizeof(*over));

	for (uint32_t i = 0; over && i < l->count; i++)
		over[i] = rk_window_over(l->ts[i], width);
	return over;
}

static void
as_months(rk_ctx *ctx, const rk_ledger *l, rk_aml_params *p)
{
	int64_t    *half;

	p->window_over = ends(ctx, l, p->time_window);
	p->dwell_over = ends(ctx, l, p->max_dwell);
	p->cycle_over = ends(ctx, l, p->cycle_window);
	p->halves = (l->ts[l->count - 1] - l->ts[0]) / (p->time_window / 2) + 4;
	p->half = half = rk_alloc(ctx, p->halves, sizeof(*half));
	for (int64_t k = 0; half && k < p->halves; k++)
		half[k] = l->ts[0] + k * (p->time_window / 2);
	/* longer than any of them */
	p->time_window += HOUR;
	p->max_dwell += HOUR;
	p->cycle_window += HOUR;
}

static bool months = false;

static rk_status
run_patterns(rk_ctx *ctx, const rk_edges *edges, void *out)
{
	static rows r;
	static int32_t day[MAX_ROWS];
	static uint32_t country[MAX_ROWS];
	rk_ledger	l = {0};
	rk_aml_params p = defaults();
	rk_aml_result f;
	rk_aml_entity *scores;
	uint64_t   *hash = out;
	rk_status	status;

	random_rows(&r, edges);
	for (int64_t i = 0; i < r.t.count; i++)
	{
		day[i] = (int32_t) (r.ts[i] / (24 * HOUR));
		country[i] = rk_hash2(9, (uint64_t) i) % 4;
	}
	p.kinds = (1u << RK_AML_KINDS) - 1;
	p.min_fan = 3;
	p.max_dwell = 12 * HOUR;
	p.max_cycle_length = 4;
	p.day = day;
	p.source_country = country;
	p.target_country = country + 1;
	r.t.count -= r.t.count > 0;	/* the last one has no second country */
	status = rk_ledger_make(ctx, &r.t, &l);
	if (status == RK_OK && months)
		as_months(ctx, &l, &p);
	if (status == RK_OK)
		status = rk_aml_patterns(ctx, &l, &p, &f);
	if (status != RK_OK)
		return status;
	scores = rk_alloc(ctx, l.entities, sizeof(*scores));
	if (scores == NULL)
		return RK_ERR_MEMORY;
	status = rk_aml_score_entities(ctx, &l, &f, scores);
	if (status != RK_OK)
		return status;
	*hash = (uint64_t) f.count;
	for (int64_t i = 0; i < f.count; i++)
		*hash = rk_hash_fold(*hash, rk_hash3(f.list[i].kind, (uint64_t) f.list[i].transactions, (uint64_t) f.list[i].amount));
	for (uint32_t e = 0; e < l.entities; e++)
		*hash = rk_hash_fold(*hash, (uint64_t) scores[e].score);
	return RK_OK;
}

/* Windows that are given one by one are what they are by their width. */
static void
test_ends(void **state)
{
	test_edges	e = random_edges(6, 300, 3000, false);
	rk_ctx		ctx;
	uint64_t	by_width;
	uint64_t	by_ends;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(run_patterns(&ctx, &e.edges, &by_width), RK_OK);
	months = true;
	assert_int_equal(run_patterns(&ctx, &e.edges, &by_ends), RK_OK);
	months = false;
	assert_true(by_width == by_ends);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static void
test_sweeps(void **state)
{
	test_edges	e = random_edges(3, 3000, 12000, false);
	test_edges	few = random_edges(4, 20, 120, false);
	test_edges	dense = random_edges(5, 60, 3000, false);	/* cycles that take each other's transactions */

	(void) state;
	assert_thread_independent(run_patterns, &dense.edges, sizeof(uint64_t));
	assert_thread_independent(run_patterns, &e.edges, sizeof(uint64_t));
	assert_thread_independent(run_movement, &e.edges, sizeof(uint64_t));
	assert_survives_allocation_failures(run_movement, &few.edges, sizeof(uint64_t));
	assert_cancellable(run_movement, &e.edges, sizeof(uint64_t));
	assert_thread_independent(run_patterns, &few.edges, sizeof(uint64_t));
	assert_survives_allocation_failures(run_patterns, &few.edges, sizeof(uint64_t));
	assert_cancellable(run_patterns, &e.edges, sizeof(uint64_t));
	free_edges(&e);
	free_edges(&few);
	free_edges(&dense);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_movement),
		cmocka_unit_test(test_pass_through),
		cmocka_unit_test(test_scatter_gather),
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_crossing_walks),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_sweeps)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

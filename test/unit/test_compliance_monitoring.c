/*
 * test_compliance_monitoring.c
 *	  Transaction monitoring: each type of rule by hand, and what holds for
 *	  every kernel (threads, failing allocations, cancellation).
 */
#include "support.h"

#include <stdio.h>

#include "../../src/compliance/monitoring/monitoring.h"

#define HOUR INT64_C(3600000000)
#define MAX_ROWS 20000

/* Transactions in arrays of their own. */
typedef struct rows
{
	rk_transactions t;
	rk_mon_transactions in;
	uint32_t	source[MAX_ROWS];
	uint32_t	target[MAX_ROWS];
	rk_decimal	amount[MAX_ROWS];
	int64_t		ts[MAX_ROWS];
	uint32_t	type[MAX_ROWS];
	uint32_t	from[MAX_ROWS];
	uint32_t	to[MAX_ROWS];
	int32_t		day[MAX_ROWS];
} rows;

static void
begin(rows *r)
{
	memset(r, 0, sizeof(*r));
	r->t = (rk_transactions) {0, 0, r->source, r->target, r->amount, r->ts};
	r->in = (rk_mon_transactions) {&r->t, r->type, NULL, r->from, r->to, r->day};
}

/* A payment some minutes after midnight of day 0. */
static void
pay(rows *r, uint32_t source, uint32_t target, double amount, int64_t minute)
{
	int64_t		i = r->t.count++;

	r->source[i] = source;
	r->target[i] = target;
	r->amount[i] = (rk_decimal) llround(amount * 100) * 1000000;
	r->ts[i] = minute * 60000000;
	r->day[i] = (int32_t) (minute / 1440);
	if (source >= r->t.entities)
		r->t.entities = source + 1;
	if (target >= r->t.entities)
		r->t.entities = target + 1;
}

static rk_mon_rule
rule(int64_t id, rk_mon_type type, double threshold, int64_t hours)
{
	return (rk_mon_rule) {
		.id = id, .type = type, .severity = RK_MON_MEDIUM, .side = RK_MON_BOTH, .enabled = true,
		.threshold = (rk_decimal) llround(threshold * 100) * 1000000,
		.time_window = hours > 0 ? hours * HOUR : RK_MON_NEVER, .cooldown = RK_MON_NEVER
	};
}

/* What the alerts of one rule are, "row/value" each, about entity 0. */
static void
expect(rows *r, rk_mon_rule one, int64_t as_of_minute, const char *wanted)
{
	rk_ctx		ctx;
	rk_mon_rules rules = {&one, 1};
	rk_mon_findings f;
	char		text[1000] = "";

	rk_ctx_init(&ctx);
	assert_int_equal(rk_mon_prepare(&ctx, &rules), RK_OK);
	assert_int_equal(rk_transaction_monitoring(&ctx, &r->in, &rules,
											   as_of_minute < 0 ? RK_MON_NEVER : as_of_minute * 60000000,
											   (int32_t) (as_of_minute / 1440), &f), RK_OK);
	for (int64_t i = 0; i < f.count; i++)
	{
		char		value[48];

		if (f.list[i].entity != 0)
			continue;
		rk_mon_number(f.list[i].value, value);
		sprintf(text + strlen(text), "%s%lld/%s", text[0] ? " " : "", (long long) f.list[i].row, value);
	}
	assert_string_equal(text, wanted);
	rk_ctx_destroy(&ctx);
}

static void
test_windows(void **state)
{
	static rows r;
	rk_mon_rule again = rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24);
	rk_mon_rule above = rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24);
	rk_mon_rule paying = rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24);

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 6000, 0);
	pay(&r, 2, 0, 4000, 60);	/* reaches 10000 */
	pay(&r, 0, 3, 100, 120);	/* still above */
	pay(&r, 0, 1, 5900.5, 24 * 60);	/* the first has just left: 10000.5 after 4100 */
	pay(&r, 0, 0, 7000, 26 * 60);
	expect(&r, rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24), -1, "1/10000 3/10000.5 4/12900.5");
	above.comparison = RK_MON_ABOVE;
	expect(&r, above, -1, "2/10100 3/10000.5 4/12900.5");
	again.cooldown = HOUR;
	expect(&r, again, -1, "1/10000 2/10100 3/10000.5 4/12900.5");
	paying.side = RK_MON_SOURCE;
	expect(&r, paying, -1, "4/12900.5");
	expect(&r, rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24), 25 * 60 - 1, "-1/10000.5");
	expect(&r, rule(1, RK_MON_AGGREGATE_AMOUNT, 10000, 24), 25 * 60, "");
	expect(&r, rule(1, RK_MON_TRANSACTION_COUNT, 3, 24), -1, "2/3 3/3");
	expect(&r, rule(1, RK_MON_TRANSACTION_COUNT, 2.5, 24), -1, "2/3 3/3");
	expect(&r, rule(1, RK_MON_VELOCITY, 3000, 2), -1, "0/3000 4/3500");
}

static void
test_velocity(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 1000, 0);
	pay(&r, 0, 1, 0.01, 30);
	/* 1000.01 in three hours: 333.33666667 an hour */
	expect(&r, rule(1, RK_MON_VELOCITY, 333.34, 3), -1, "");
	expect(&r, rule(1, RK_MON_VELOCITY, 333.33, 3), -1, "0/333.33333333");
}

static void
test_counterparties(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 1, 0);
	pay(&r, 2, 0, 1, 1);
	pay(&r, 0, 0, 1, 2);
	pay(&r, 0, 2, 1, 3);
	pay(&r, 3, 0, 1, 4);		/* 1, 2, 3 */
	pay(&r, 0, 4, 1, 60);		/* 1 has left: 2, 3, 4, of which two before it */
	expect(&r, rule(1, RK_MON_DISTINCT_COUNTERPARTIES, 3, 1), -1, "4/3 5/3");
}

static void
test_single(void **state)
{
	static rows r;
	rk_mon_rule paid = rule(1, RK_MON_SINGLE_AMOUNT, 100, 0);
	uint32_t	countries[] = {7};
	rk_mon_rule listed = rule(1, RK_MON_GEOGRAPHIC_RISK, 100, 0);

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 100, 0);
	pay(&r, 1, 0, 100, 0);
	pay(&r, 0, 1, 99.99, 1);
	pay(&r, 0, 0, 250, 2);
	r.from[0] = 5;
	r.to[0] = 6;
	r.from[3] = 5;
	r.to[3] = 7;
	expect(&r, rule(1, RK_MON_SINGLE_AMOUNT, 100, 0), -1, "0/100 3/250");
	paid.side = RK_MON_TARGET;
	expect(&r, paid, -1, "1/100 3/250");
	expect(&r, rule(1, RK_MON_GEOGRAPHIC_RISK, 100, 0), -1, "0/100 3/250");
	listed.countries = countries;
	listed.country_count = 1;
	expect(&r, listed, -1, "3/250");
	expect(&r, rule(1, RK_MON_SINGLE_AMOUNT, 100, 0), 1, "0/100");
}

static void
test_dormant(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 5000, 0);		/* new, not dormant */
	pay(&r, 2, 0, 10, 60);
	pay(&r, 0, 1, 5000, 60 + 48 * 60 - 1);
	pay(&r, 0, 1, 5000, 2 * (60 + 48 * 60) - 1);
	expect(&r, rule(1, RK_MON_DORMANT_REACTIVATION, 1000, 48), -1, "3/5000");
}

static void
test_just_below(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 9000, 0);
	pay(&r, 0, 1, 8999.99, 1);
	pay(&r, 0, 1, 10000, 2);
	pay(&r, 0, 1, 9999.99, 3);
	pay(&r, 0, 1, 9500, 4);
	pay(&r, 0, 1, 9500, 5);
	expect(&r, rule(1, RK_MON_JUST_BELOW_THRESHOLD, 10000, 24), -1, "4/3");
}

static void
test_cash(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	pay(&r, 0, 1, 6000, 0);
	pay(&r, 0, 1, 6000, 10);
	pay(&r, 2, 0, 4000, 20);
	pay(&r, 2, 0, 0.01, 30);
	pay(&r, 2, 0, 9000, 24 * 60);	/* another day */
	pay(&r, 0, 0, 2000, 24 * 60 + 1);
	for (int i = 0; i < 6; i++)
		r.type[i] = i == 1 ? RK_MON_CASH_DEPOSIT : RK_MON_CASH_WITHDRAWAL;
	expect(&r, rule(1, RK_MON_CASH_AGGREGATE, 10000, 0), -1, "3/10000.01 5/11000");
	expect(&r, rule(1, RK_MON_CASH_AGGREGATE, 5000, 0), 23 * 60, "-1/10000.01 -1/6000");
	expect(&r, rule(1, RK_MON_CASH_AGGREGATE, 5000, 0), 48 * 60, "");
}

static void
test_words(void **state)
{
	rk_mon_event e = {0};
	rk_mon_rule r = rule(1, RK_MON_CASH_AGGREGATE, 10000, 0);
	rk_mon_alert a = {.rule = &r, .value = (rk_decimal) 1234567 * 1000000, .day = 8825, .cash = RK_MON_CASH_DEPOSIT};
	char		text[RK_MON_MESSAGE_MAX];

	(void) state;
	a.event = &e;
	rk_mon_describe(&a, text);
	assert_string_equal(text, "cash deposits of 12345.67 on 2024-02-29 are above 10000");
	r = rule(1, RK_MON_VELOCITY, 0.5, 36);
	a.value = 1;
	rk_mon_describe(&a, text);
	assert_string_equal(text, "amount per hour 0.00000001 within 36 hours is at least 0.5");
}

static void
test_bad_rules(void **state)
{
	static const struct
	{
		rk_mon_rule rules[2];
		const char *message;
	}			cases[] = {
		{{{.id = 1, .threshold = 1, .time_window = 1, .cooldown = RK_MON_NEVER}, {.id = 1, .threshold = 1, .time_window = 1, .cooldown = RK_MON_NEVER}},
		"rule id 1 is not unique"},
		{{{.id = 1, .threshold = -1, .time_window = 1, .cooldown = RK_MON_NEVER}, {.id = 2, .time_window = 1, .cooldown = RK_MON_NEVER}},
		"threshold of rule 1 must be from 0 to 10^20"},
		{{{.id = 1, .type = RK_MON_VELOCITY, .time_window = RK_MON_NEVER, .cooldown = RK_MON_NEVER}, {.id = 2, .time_window = 1, .cooldown = RK_MON_NEVER}},
		"rule 1 needs a time_window"},
		{{{.id = 1, .time_window = 1, .cooldown = 0}, {.id = 2, .time_window = 1, .cooldown = RK_MON_NEVER}},
		"cooldown of rule 1 must be above zero"}
	};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		rk_ctx		ctx;
		rk_mon_rule list[2] = {cases[i].rules[0], cases[i].rules[1]};
		rk_mon_rules rules = {list, 2};

		rk_ctx_init(&ctx);
		assert_int_equal(rk_mon_prepare(&ctx, &rules), RK_ERR_DATA);
		assert_string_equal(ctx.error.message, cases[i].message);
		rk_ctx_destroy(&ctx);
	}
}

/* ---- sweeps ---- */

typedef struct result
{
	int64_t		count;
	uint64_t	hash;
} result;

static rk_status
run_all(rk_ctx *ctx, const rk_edges *edges, void *out)
{
	static rows r;
	rk_mon_rule list[9];
	rk_mon_rules rules = {list, 9};
	rk_mon_findings f;
	result	   *answer = out;
	rk_status	status;

	begin(&r);
	for (int64_t i = 0; i < edges->count; i++)
	{
		pay(&r, edges->source[i], edges->target[i], (double) (rk_hash2(5, i) % 2000), (int64_t) (rk_hash2(6, i) % 20000));
		r.type[i] = rk_hash2(8, i) % 5;
		r.from[i] = rk_hash2(9, i) % 3;
		r.to[i] = rk_hash2(10, i) % 3;
	}
	r.t.entities = edges->nodes;
	for (int i = 0; i < 9; i++)
		list[i] = rule(i, i, i == RK_MON_TRANSACTION_COUNT || i == RK_MON_DISTINCT_COUNTERPARTIES ? 4 : 1500, 24);
	list[3].cooldown = HOUR;
	status = rk_mon_prepare(ctx, &rules);
	if (status == RK_OK)
		status = rk_transaction_monitoring(ctx, &r.in, &rules, RK_MON_NEVER, 0, &f);
	if (status != RK_OK)
		return status;
	*answer = (result) {.count = f.count};
	for (int64_t i = 0; i < f.count; i++)
	{
		answer->hash = rk_hash_fold(answer->hash, f.list[i].rule * 1000003 + f.list[i].entity);
		answer->hash = rk_hash_fold(answer->hash, (uint64_t) f.list[i].ts);
		answer->hash = rk_hash_fold(answer->hash, (uint64_t) f.list[i].value);
		for (int64_t k = 0; k < f.list[i].transactions; k++)
			answer->hash = rk_hash_fold(answer->hash, f.rows[f.list[i].first + k]);
	}
	return RK_OK;
}

static void
test_sweeps(void **state)
{
	test_edges	e = random_edges(3, 800, MAX_ROWS, false);
	test_edges	few = random_edges(4, 20, 300, false);

	(void) state;
	assert_thread_independent(run_all, &e.edges, sizeof(result));
	assert_survives_allocation_failures(run_all, &few.edges, sizeof(result));
	assert_cancellable(run_all, &e.edges, sizeof(result));
	free_edges(&e);
	free_edges(&few);
}

static void
test_empty(void **state)
{
	static rows r;

	(void) state;
	begin(&r);
	expect(&r, rule(1, RK_MON_AGGREGATE_AMOUNT, 0, 24), -1, "");
	expect(&r, rule(1, RK_MON_AGGREGATE_AMOUNT, 0, 24), 5, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_velocity),
		cmocka_unit_test(test_counterparties),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_dormant),
		cmocka_unit_test(test_just_below),
		cmocka_unit_test(test_cash),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bad_rules),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sweeps)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

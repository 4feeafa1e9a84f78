/*
 * test_monitoring_ring.c
 *	  Transaction monitoring as an actor: the same alerts as the batch function,
 *	  the same state after a snapshot, all or nothing when memory is short.
 */
#include "actor_support.h"

#include "../../src/compliance/monitoring/monitoring_ring.h"

#define ACTOR (&rk_actor_compliance_transaction_monitoring)
#define ROWS 3000
#define EPOCH_NS INT64_C(946684800000000000)

static const char *const types[] = {"", "cash_withdrawal", "cash_deposit", "wire", "card"};
static const char *const countries[] = {"", "DE", "KY"};

/* What was published: how much, and a sum that does not depend on the order. */
typedef struct heard
{
	int64_t		count;
	int64_t		ts;				/* of the last one */
	uint64_t	sum;
} heard;

static uint64_t
alert_hash(int64_t transaction, int64_t rule, int64_t entity, int64_t ts, int64_t value)
{
	return rk_hash3(rk_hash3((uint64_t) transaction, (uint64_t) rule, (uint64_t) entity), (uint64_t) ts, (uint64_t) value);
}

static void
hear(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	const rk_monitor_alert *a = record;
	heard	   *h = reply->owner;

	/* the same for other rings, right behind it */
	if (type_id == RK_ALERT_BROADCAST)
	{
		const rk_alert_broadcast *b = record;

		assert_int_equal(size, sizeof(*b));
		assert_true(b->severity >= 1 && b->severity <= 5 && b->risk_score > 0 && b->ts == h->ts);
		return;
	}
	assert_int_equal(type_id, 302);
	assert_int_equal(size, sizeof(*a));
	assert_true(a->message[0] != '\0');
	h->ts = a->ts;
	h->count++;
	h->sum += alert_hash((int64_t) rk_id_hash(&a->transaction_id), a->rule_id, (int64_t) rk_id_hash(&a->entity), a->ts, a->actual);
}

static rk_status
send(rk_ctx *ctx, void *state, uint32_t type_id, const void *payload, uint32_t length, void *answer, heard *h)
{
	rk_reply	reply = {.data = answer, .capacity = 4096, .grow = no_growth, .owner = h, .publish = hear};
	rk_message	message = {.type_id = type_id, .length = length, .payload = payload, .sent_ns = 1000};

	return ACTOR->handle(ctx, state, &message, &reply);
}

/* Rule number i of the tests. */
static rk_rule_request
rule_request(int i)
{
	rk_rule_request q;

	memset(&q, 0, sizeof(q));
	q.id = 100 - 10 * i;
	q.rule_type = (int16_t) (i % 9);
	q.threshold = (i % 9 == RK_MON_TRANSACTION_COUNT || i % 9 == RK_MON_DISTINCT_COUNTERPARTIES ? 4 : 1500) * RK_FIXED_ONE;
	q.time_window = INT64_C(86400000000);
	q.cooldown = i % 4 == 1 ? INT64_C(3600000000) : RK_FIELD_ABSENT_INT8;
	q.severity = (int16_t) (i % 6);
	q.side = i % 3 == 0 ? RK_MON_BOTH : i % 3 == 1 ? RK_MON_SOURCE : RK_MON_TARGET;
	q.comparison = i % 2;
	q.enabled = true;
	strcpy(q.rule_name, "rule");
	if (i % 5 == 2)
		memcpy(q.transaction_types, "wire\0card", 10);
	if (i == 5)
		memcpy(q.countries, "KY", 3);
	return q;
}

static rk_monitor_request
transaction(int64_t i)
{
	rk_monitor_request q;

	memset(&q, 0, sizeof(q));
	q.transaction_id = rk_id_of_int(i);
	q.source = rk_id_of_int((int64_t) (rk_hash2(1, (uint64_t) i) % 60) * 1000);
	q.target = rk_id_of_int((int64_t) (rk_hash2(2, (uint64_t) i) % 60) * 1000);
	q.amount = (int64_t) (rk_hash2(3, (uint64_t) i) % 200000) * 1000000;
	/* some at one moment, always forward */
	q.ts = EPOCH_NS + i / 3 * INT64_C(700000000000);
	strcpy(q.transaction_type, types[rk_hash2(4, (uint64_t) i) % 5]);
	strcpy(q.source_country, countries[rk_hash2(5, (uint64_t) i) % 3]);
	strcpy(q.target_country, countries[rk_hash2(6, (uint64_t) i) % 3]);
	q.day = RK_FIELD_ABSENT_INT4;
	return q;
}

/* A ring with the first rules. */
static void *
start(rk_ctx *ctx, int rules)
{
	rk_options	options = {0};
	int64_t		answer[512];
	void	   *state;

	assert_int_equal(ACTOR->init(ctx, &options, &state), RK_OK);
	for (int i = 0; i < rules; i++)
	{
		rk_rule_request q = rule_request(i);

		assert_int_equal(send(ctx, state, 303, &q, sizeof(q), answer, NULL), RK_OK);
		assert_int_equal(answer[0], i + 1);
	}
	return state;
}

/* What the batch function finds in the same transactions. */
static heard
batch(int rules_count)
{
	static uint32_t source[ROWS];
	static uint32_t target[ROWS];
	static rk_decimal amount[ROWS];
	static int64_t ts[ROWS];
	static uint32_t type[ROWS];
	static uint32_t from[ROWS];
	static uint32_t to[ROWS];
	static int32_t day[ROWS];
	static const uint32_t listed_types[] = {3, 4};
	static const uint32_t listed_countries[] = {2};
	rk_transactions t = {ROWS, 60, source, target, amount, ts};
	rk_mon_transactions in = {&t, type, NULL, from, to, day};
	rk_mon_rule list[20];
	rk_mon_rules rules = {list, (uint32_t) rules_count};
	rk_mon_findings f;
	heard		h = {0};
	rk_ctx		ctx;

	for (int i = 0; i < rules_count; i++)
	{
		rk_rule_request q = rule_request(i);

		list[i] = (rk_mon_rule) {
			.id = q.id, .type = q.rule_type, .severity = q.severity, .side = q.side, .comparison = q.comparison,
			.enabled = true, .threshold = q.threshold, .time_window = q.time_window, .cooldown = q.cooldown
		};
		if (q.transaction_types[0])
		{
			list[i].transaction_types = listed_types;
			list[i].type_count = 2;
		}
		if (q.countries[0])
		{
			list[i].countries = listed_countries;
			list[i].country_count = 1;
		}
	}
	for (int64_t i = 0; i < ROWS; i++)
	{
		rk_monitor_request q = transaction(i);

		source[i] = (uint32_t) (rk_id_hash(&q.source) / 1000);
		target[i] = (uint32_t) (rk_id_hash(&q.target) / 1000);
		amount[i] = q.amount;
		ts[i] = (q.ts - EPOCH_NS) / 1000;
		type[i] = rk_hash2(4, (uint64_t) i) % 5;
		from[i] = rk_hash2(5, (uint64_t) i) % 3;
		to[i] = rk_hash2(6, (uint64_t) i) % 3;
		day[i] = (int32_t) (ts[i] / INT64_C(86400000000));
	}
	rk_ctx_init(&ctx);
	assert_int_equal(rk_mon_prepare(&ctx, &rules), RK_OK);
	assert_int_equal(rk_transaction_monitoring(&ctx, &in, &rules, RK_MON_NEVER, 0, &f), RK_OK);
	for (int64_t i = 0; i < f.count; i++)
		h.sum += alert_hash(f.list[i].row, rules.rules[f.list[i].rule].id, f.list[i].entity * 1000,
							f.list[i].ts * 1000 + EPOCH_NS, (int64_t) f.list[i].value);
	h.count = f.count;
	rk_ctx_destroy(&ctx);
	return h;
}

static void
test_same_alerts(void **state)
{
	(void) state;
	for (int rules = 1; rules <= 11; rules += 2)
	{
		rk_ctx		ctx;
		heard		h = {0};
		heard		wanted = batch(rules);
		int64_t		answer[512];
		void	   *actor;

		rk_ctx_init(&ctx);
		actor = start(&ctx, rules);
		for (int64_t i = 0; i < ROWS; i++)
		{
			rk_monitor_request q = transaction(i);
			int64_t		before = h.count;
			rk_monitor_reply *r = (rk_monitor_reply *) answer;

			assert_int_equal(send(&ctx, actor, 300, &q, sizeof(q), answer, &h), RK_OK);
			assert_int_equal(r->alert_count, h.count - before);
			assert_true((r->alert_flags != 0) == (r->alert_count > 0));
		}
		assert_int_equal(h.count, wanted.count);
		assert_true(h.sum == wanted.sum);
		assert_true(h.count > 100);
		rk_ctx_destroy(&ctx);
	}
}

/* A snapshot, restored. */
static void *
reborn(rk_ctx *ctx, void *actor, bytes *image)
{
	rk_options	options = {0};
	rk_writer	writer = {write_bytes, image};
	rk_reader	reader;
	void	   *state;

	image->size = 0;
	assert_int_equal(ACTOR->snapshot(ctx, actor, &writer), RK_OK);
	reader = (rk_reader) {image->data, image->size};
	assert_int_equal(ACTOR->restore(ctx, &options, 1, &reader, &state), RK_OK);
	assert_int_equal(reader.left, 0);
	assert_true(ACTOR->checksum(ctx, state) == ACTOR->checksum(ctx, actor));
	return state;
}

/*
 * One ring lives on, another begins again from a snapshot every so often; late
 * transactions and changing rules come in between.  All answers are the same.
 */
static void
test_snapshots(void **state)
{
	bytes		image = {0};
	bytes		again = {0};
	rk_ctx		ctx;
	void	   *actor;
	void	   *other;
	heard		h = {0};
	heard		g = {0};

	(void) state;
	rk_ctx_init(&ctx);
	actor = start(&ctx, 11);
	other = start(&ctx, 11);
	for (int64_t i = 0; i < ROWS; i++)
	{
		rk_monitor_request q = transaction(i);
		int64_t		x[512] = {0};
		int64_t		y[512] = {0};
		rk_totals_request totals = {q.source};

		if (i % 7 == 0)
			q.ts -= (int64_t) (rk_hash2(7, (uint64_t) i) % 200000) * 1000000000;
		assert_int_equal(send(&ctx, actor, 300, &q, sizeof(q), x, &h), RK_OK);
		assert_int_equal(send(&ctx, other, 300, &q, sizeof(q), y, &g), RK_OK);
		assert_memory_equal(x, y, sizeof(rk_monitor_reply));
		if (i % 400 == 399)
		{
			rk_rule_request rule = rule_request((int) (i / 400));

			rule.threshold += RK_FIXED_ONE;
			rule.enabled = i % 800 == 399;
			assert_int_equal(send(&ctx, actor, 303, &rule, sizeof(rule), x, NULL), RK_OK);
			assert_int_equal(send(&ctx, other, 303, &rule, sizeof(rule), y, NULL), RK_OK);
		}
		assert_int_equal(send(&ctx, actor, 305, &totals, sizeof(totals), x, NULL), RK_OK);
		assert_int_equal(send(&ctx, other, 305, &totals, sizeof(totals), y, NULL), RK_OK);
		assert_memory_equal(x, y, sizeof(x));
		if (i % 150 == 149)
			other = reborn(&ctx, other, &image);
	}
	assert_int_equal(h.count, g.count);
	assert_true(h.sum == g.sum);
	/* the same bytes, too */
	reborn(&ctx, actor, &image);
	reborn(&ctx, reborn(&ctx, actor, &again), &again);
	assert_int_equal(image.size, again.size);
	assert_memory_equal(image.data, again.data, image.size);
	assert_cuts_refused(ACTOR, &(rk_options) {0}, &image);
	free_bytes(&image);
	free_bytes(&again);
	rk_ctx_destroy(&ctx);
}

/* Before each message the next allocation fails: the state is what it was. */
static void
test_memory(void **state)
{
	rk_ctx		ctx;
	void	   *actor;
	int			failures = 0;

	(void) state;
	rk_ctx_init(&ctx);
	actor = start(&ctx, 0);
	for (int64_t i = 0; i < 1500; i++)
	{
		rk_monitor_request q = transaction(i);
		rk_rule_request rule = rule_request((int) (i / 100));
		bool		change = i % 100 == 0;
		int64_t		answer[512];
		heard		h = {0};

		for (int k = 1;; k++)
		{
			uint64_t	sum = ACTOR->checksum(&ctx, actor);
			rk_status	status;

			h = (heard) {0};
			ctx.fail_allocation = ctx.allocations + k;
			status = change ? send(&ctx, actor, 303, &rule, sizeof(rule), answer, &h) :
				send(&ctx, actor, 300, &q, sizeof(q), answer, &h);
			ctx.fail_allocation = 0;
			if (status == RK_OK)
				break;
			assert_int_equal(status, RK_ERR_MEMORY);
			assert_true(ACTOR->checksum(&ctx, actor) == sum);
			ctx.error.status = RK_OK;
			failures++;
		}
	}
	assert_true(failures > 200);
	rk_ctx_destroy(&ctx);
}

static void
test_late(void **state)
{
	rk_ctx		ctx;
	void	   *actor;
	rk_rule_request sum = rule_request(1);
	rk_monitor_request q = transaction(0);
	rk_monitor_reply r[256];
	rk_totals_request totals = {rk_id_of_int(1)};
	rk_totals_row rows[170];
	static const struct
	{
		int			hour;
		int			amount;
		int			alerts;
	}			steps[] = {
		{48, 600, 0},
		{30, 300, 0},			/* late, in the window */
		{24, 900, 0},			/* late, at the moment that the window leaves out */
		{47, 600, 1},			/* late: 1500 in all */
		{48, 1, 0},				/* still */
		{72, 1, 0},				/* a day after the first: it has left */
		{71, 1499, 1}			/* late: 1 + 1499 and the rest have left */
	};

	(void) state;
	rk_ctx_init(&ctx);
	actor = start(&ctx, 0);
	sum.cooldown = RK_FIELD_ABSENT_INT8;
	sum.comparison = RK_MON_AT_LEAST;
	sum.side = RK_MON_BOTH;
	assert_int_equal(sum.rule_type, RK_MON_AGGREGATE_AMOUNT);
	assert_int_equal(send(&ctx, actor, 303, &sum, sizeof(sum), r, NULL), RK_OK);
	for (int i = 0; i < 7; i++)
	{
		heard		h = {0};

		q.source = q.target = rk_id_of_int(1);
		q.amount = steps[i].amount * RK_FIXED_ONE;
		q.ts = EPOCH_NS + steps[i].hour * INT64_C(3600000000000);
		assert_int_equal(send(&ctx, actor, 300, &q, sizeof(q), r, &h), RK_OK);
		assert_int_equal(r[0].alert_count, steps[i].alerts);
	}
	assert_int_equal(send(&ctx, actor, 305, &totals, sizeof(totals), rows, NULL), RK_OK);
	assert_int_equal(rows[0].current_value, 1500 * RK_FIXED_ONE);
	rk_ctx_destroy(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_alerts),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_late)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

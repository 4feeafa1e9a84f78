/*
 * test_typologies_ring.c
 *	  Rapid movement and the typologies as actors: what they say after a stream
 *	  of transactions is what the batch functions say about the same transactions;
 *	  the same bits after a snapshot and the messages since; all or nothing when
 *	  memory is short.
 */
#include "payments_support.h"

#include "../../src/compliance/typologies/typologies_ring.h"

#define ENTITIES 12
#define HOUR (3600 * SECOND)

static test_transactions stream;
static rk_id_type id_type;

/* ---- compliance/rapid-movement ---- */

static rk_movement_params params;

static void
open_movement(ring *r, int64_t lateness)
{
	ring_options(r, &rk_actor_compliance_rapid_movement);
	option(r, "id_type")->integer = id_type;
	option(r, "time_window")->integer = params.time_window;
	option(r, "velocity_threshold")->number = params.velocity_threshold;
	option(r, "amount_threshold")->integer = (int64_t) params.amount_threshold;
	option(r, "max_dwell")->integer = params.max_dwell;
	option(r, "pass_through_threshold")->number = params.pass_through_threshold;
	option(r, "allowed_lateness")->integer = lateness;
	ring_open(r);
}

static rk_status
send_movement(ring *r, int64_t i)
{
	rk_movement_request q;

	memset(&q, 0, sizeof(q));
	q.source = id_of(id_type, stream.source[i]);
	q.target = id_of(id_type, stream.target[i]);
	q.amount = (int64_t) stream.amount[i];
	q.ts = EPOCH_NS + stream.ts[i] * 1000;
	return handle(r, 380, &q);
}

/* Every entity as the batch function has it. */
static void
compare_movement(ring *r, int64_t count)
{
	rk_transactions t = stream.t;
	rk_ledger	l;
	rk_movement *batch;
	rk_ctx		ctx;

	t.count = count;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_ledger_make(&ctx, &t, &l), RK_OK);
	batch = rk_alloc(&ctx, l.entities, sizeof(*batch));
	assert_int_equal(rk_rapid_movement(&ctx, &l, &params, batch), RK_OK);
	for (uint32_t e = 0; e < l.entities; e++)
	{
		const rk_movement *b = &batch[e];
		rk_movement_query_request q;
		const rk_movement_row *a = (rk_movement_row *) r->data;

		memset(&q, 0, sizeof(q));
		q.entity = id_of(id_type, l.code[e]);
		assert_int_equal(handle(r, 382, &q), RK_OK);
		assert_int_equal(r->length, sizeof(*a));
		assert_true(a->velocity == b->max_velocity);
		assert_true(a->window_amount == b->window_amount);
		assert_true(a->rapid_amount == b->rapid_amount);
		assert_true(a->pass_through == b->pass_through || (isnan(a->pass_through) && isnan(b->pass_through)));
		assert_int_equal(a->transaction_count, b->transactions);
		assert_int_equal(a->velocity_flag, b->velocity_flag);
		assert_int_equal(a->pass_through_flag, b->pass_through_flag);
		assert_int_equal(a->flagged, b->velocity_flag || b->pass_through_flag);
	}
	rk_ctx_destroy(&ctx);
}

static void
test_movement_is_batch(void **state)
{
	ring		r;
	int			alerts = 0;

	(void) state;
	for (int seed = 0; seed < 24; seed++)
	{
		id_type = seed % 3;
		params = (rk_movement_params) {
			.time_window = (1 + seed % 5) * HOUR / 2,.velocity_threshold = 6 + seed,
			.amount_threshold = (seed % 4) * 400 * RK_MONEY_UNIT,.max_dwell = (1 + seed % 7) * HOUR / 3,
			.pass_through_threshold = 0.3 + 0.02 * seed
		};
		stream = random_stream(seed, ENTITIES, 1200, seed % 2 ? 100 : 600, seed % 3 == 2 ? 5000 : 0);
		open_movement(&r, seed % 3 == 2 ? 5000 * SECOND + HOUR : 0);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			assert_int_equal(send_movement(&r, i), RK_OK);
			assert_int_equal(r.length, sizeof(rk_movement_row) * (stream.source[i] == stream.target[i] ? 1 : 2));
			if (i % 131 == 0 || i == stream.t.count - 1)
				compare_movement(&r, i + 1);
		}
		alerts += r.records;
		assert_int_equal(r.records, r.said);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
	assert_true(alerts > 50);
}

static void
test_movement_lives_twice(void **state)
{
	ring		r;

	(void) state;
	params = (rk_movement_params) {
		.time_window = HOUR,.velocity_threshold = 3,.amount_threshold = 200 * RK_MONEY_UNIT,.max_dwell = 2 * HOUR,
		.pass_through_threshold = 0.5
	};
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		stream = random_stream(78, 90, 3000, 60, 600);
		open_movement(&r, HOUR / 4);
		assert_true(live_twice(&r, send_movement, stream.t.count, 250) > 30);
		compare_movement(&r, stream.t.count);
		ring_restart(&r);
		compare_movement(&r, stream.t.count);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_movement_by_hand(void **state)
{
	ring		r;
	rk_movement_request q;
	rk_movement_query_request who;
	const rk_movement_row *rows = (rk_movement_row *) r.data;

	(void) state;
	id_type = RK_IDS_TEXT;
	params = (rk_movement_params) {HOUR, 10, 10000 * RK_MONEY_UNIT, 24 * HOUR, 0.8};
	open_movement(&r, 0);
	memset(&q, 0, sizeof(q));
	q.source = rk_id_of_int(1);
	q.target = rk_id_of_int(2);
	q.amount = 500 * RK_FIXED_ONE;
	for (int i = 0; i < 20; i++)
	{
		q.ts = i * INT64_C(60000000000);
		assert_int_equal(ring_send(&r, 380, &q), RK_OK);
		assert_int_equal(rows[0].flagged, i == 19);
	}
	assert_true(rows[0].velocity == 20 && rows[1].velocity == 20);
	assert_true(rows[1].window_amount == 10000 * RK_FIXED_ONE);
	assert_true(rows[1].pass_through == 0 && isnan(rows[0].pass_through));
	assert_int_equal(r.records, 2);
	memset(&who, 0, sizeof(who));
	who.entity = rk_id_of_int(3);
	assert_int_equal(ring_send(&r, 382, &who), RK_OK);
	assert_int_equal(r.length, 0);
	/* too late, and less than nothing */
	q.ts -= 1000;
	assert_int_equal(ring_send(&r, 380, &q), RK_ERR_DATA);
	q.ts += 1000;
	q.amount = -1;
	assert_int_equal(ring_send(&r, 380, &q), RK_ERR_DATA);
	rk_ctx_destroy(&r.ctx);
}

/* ---- compliance/aml-patterns ---- */

static rk_aml_params aml;

static void
open_aml(ring *r)
{
	ring_options(r, &rk_actor_compliance_aml_patterns);
	option(r, "id_type")->integer = id_type;
	option(r, "time_window")->integer = aml.time_window;
	option(r, "max_dwell")->integer = aml.max_dwell;
	option(r, "cycle_window")->integer = aml.cycle_window;
	option(r, "min_fan")->integer = aml.min_fan;
	option(r, "min_layers")->integer = aml.min_layers;
	option(r, "max_cycle_length")->integer = aml.max_cycle_length;
	option(r, "min_forwarded")->number = aml.min_forwarded;
	option(r, "reporting_threshold")->integer = (int64_t) aml.reporting_threshold;
	option(r, "structuring_low")->number = aml.structuring_low;
	option(r, "structuring_min_count")->integer = aml.structuring_min_count;
	option(r, "suppress_contained")->truth = aml.suppress_contained;
	option(r, "max_pairs_per_node")->integer = aml.max_pairs_per_node;
	option(r, "max_steps")->integer = INT64_C(1000000000);
	ring_open(r);
}

static rk_status
send_aml(ring *r, int64_t i)
{
	rk_match_request q;

	memset(&q, 0, sizeof(q));
	q.transaction_id = id_of((rk_id_type) (i % 3), 1000 + i);
	q.source = id_of(id_type, stream.source[i]);
	q.target = id_of(id_type, stream.target[i]);
	q.amount = (int64_t) stream.amount[i];
	q.ts = EPOCH_NS + stream.ts[i] * 1000;
	return handle(r, 320, &q);
}

/* Parameters that find something of everything among few entities. */
static void
aml_params(int seed, int64_t horizon)
{
	aml = (rk_aml_params) {
		.kinds = RK_AML_STRUCTURAL,.time_window = (1 + seed % 4) * HOUR / 2,.max_dwell = (1 + seed % 5) * HOUR / 2,
		.cycle_window = horizon,.min_fan = 2 + seed % 3,.min_layers = 2 + seed % 3,.max_cycle_length = 2 + seed % 6,
		.min_forwarded = seed % 4 == 0 ? 0 : 0.2 * (seed % 4),.reporting_threshold = (60 + 10 * (seed % 4)) * RK_MONEY_UNIT,
		.structuring_low = 0.5,.structuring_min_count = 2 + seed % 3,.suppress_contained = false,
		.max_pairs_per_node = 1000000
	};
}

static rk_status
batch_patterns(rk_ctx *ctx, const rk_transactions *t, rk_ledger *l, rk_aml_result *result)
{
	rk_status	status = rk_ledger_make(ctx, t, l);

	return status == RK_OK ? rk_aml_patterns(ctx, l, &aml, result) : status;
}

/* Kinds of patterns of the batch function among the first count transactions that have the last of them. */
static uint32_t
batch_kinds(int64_t count)
{
	rk_transactions t = stream.t;
	rk_ledger	l;
	rk_aml_result result;
	uint32_t	kinds = 0;
	rk_ctx		ctx;

	t.count = count;
	rk_ctx_init(&ctx);
	assert_int_equal(batch_patterns(&ctx, &t, &l, &result), RK_OK);
	for (int64_t i = 0; i < result.count; i++)
		for (int64_t k = 0; k < result.list[i].transactions; k++)
			if (l.row[result.transactions[result.list[i].first_transaction + k]] == count - 1)
				kinds |= 1u << result.list[i].kind;
	rk_ctx_destroy(&ctx);
	return kinds;
}

/* Whether the money of e may go on with f, by the rows. */
static bool
slow_linked(int64_t e, int64_t f)
{
	double		a = (double) stream.amount[e];
	double		b = (double) stream.amount[f];

	if (e >= f || stream.target[e] != stream.source[f] || stream.ts[f] >= stream.ts[e] + aml.max_dwell)
		return false;
	return aml.min_forwarded <= 0 || (b / a >= aml.min_forwarded && a / b >= aml.min_forwarded);
}

/*
 * Whether a way of linked hops, no entity twice, of the wanted number leads to
 * f; with back, it begins at the target of last, within the cycle's window, and
 * has at most so many hops.
 */
static bool
slow_way(int64_t f, int64_t last, int hops, bool back, uint32_t used)
{
	if (hops == 1 && !back)
		return true;
	if (hops < 1 || (hops == 1 && back))
		return false;
	for (int64_t e = f - 1; e >= 0; e--)
	{
		uint32_t	payer = stream.source[e];

		if (payer == stream.target[e] || !slow_linked(e, f))
			continue;
		if (back && stream.ts[last] >= stream.ts[e] + aml.cycle_window)
			continue;
		if (back && payer == stream.target[last])
			return true;
		if (used >> payer & 1)
			continue;
		if (slow_way(e, last, hops - 1, back, used | 1u << payer))
			return true;
	}
	return false;
}

#define EXACT (1u << RK_AML_STRUCTURING | 1u << RK_AML_RAPID_MOVEMENT | 1u << RK_AML_FUNNEL_ACCOUNT | 1u << RK_AML_FAN_OUT | \
	1u << RK_AML_FAN_IN | 1u << RK_AML_SCATTER_GATHER | 1u << RK_AML_GATHER_SCATTER)
#define CHAINS (1u << RK_AML_LAYERING | 1u << RK_AML_ROUND_TRIPPING)

static void
test_aml_is_batch(void **state)
{
	ring		r;
	int64_t		seen[RK_AML_KINDS] = {0};

	(void) state;
	for (int seed = 0; seed < 40; seed++)
	{
		id_type = seed % 3;
		/* nothing is too old */
		aml_params(seed, 10000 * HOUR);
		stream = random_stream(seed, 5 + seed % 9, 200, 200 + 400 * (seed % 3), 0);
		open_aml(&r);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			const rk_match_reply *a = (rk_match_reply *) r.data;
			uint32_t	ends = 1u << stream.source[i] | 1u << stream.target[i];
			uint32_t	batch;
			uint32_t	ours;

			assert_int_equal(send_aml(&r, i), RK_OK);
			assert_true(a->complete);
			batch = batch_kinds(i + 1);
			ours = (uint32_t) a->patterns_matched;
			assert_int_equal(ours & EXACT, batch & EXACT);
			/* a cycle or layers that the batch function has, and those that there are */
			assert_int_equal(batch & CHAINS & ~ours, 0);
			if (stream.source[i] != stream.target[i])
			{
				assert_int_equal(ours >> RK_AML_LAYERING & 1, slow_way(i, i, aml.min_layers, false, ends));
				assert_int_equal(ours >> RK_AML_ROUND_TRIPPING & 1, slow_way(i, i, aml.max_cycle_length, true, ends));
			}
			else
				assert_int_equal(ours, 0);
			for (int k = 0; k < RK_AML_KINDS; k++)
				seen[k] += ours >> k & 1;
		}
		assert_int_equal(r.records, r.said);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
	for (int k = 0; k <= RK_AML_GATHER_SCATTER; k++)
		assert_true(seen[k] > 50);
}

/* Every entity as the batch function has it among the transactions that are kept. */
static void
compare_aml(ring *r, int64_t count)
{
	int64_t		horizon = aml.time_window + aml.max_dwell > aml.cycle_window ? aml.time_window + aml.max_dwell : aml.cycle_window;
	test_transactions kept = random_transactions(0, stream.t.entities, count, 1);
	int64_t		newest = INT64_MIN;
	rk_ledger	l;
	rk_aml_result result;
	rk_aml_entity *scores;
	rk_ctx		ctx;

	kept.t.count = 0;
	for (int64_t i = 0; i < count; i++)
		newest = stream.ts[i] > newest ? stream.ts[i] : newest;
	for (int64_t i = 0; i < count; i++)
		if (stream.ts[i] > newest - horizon)
		{
			int64_t		k = kept.t.count++;

			kept.source[k] = stream.source[i];
			kept.target[k] = stream.target[i];
			kept.amount[k] = stream.amount[i];
			kept.ts[k] = stream.ts[i];
		}
	rk_ctx_init(&ctx);
	assert_int_equal(batch_patterns(&ctx, &kept.t, &l, &result), RK_OK);
	scores = rk_alloc(&ctx, l.entities, sizeof(*scores));
	assert_int_equal(rk_aml_score_entities(&ctx, &l, &result, scores), RK_OK);
	for (uint32_t e = 0; e < l.entities; e++)
	{
		rk_entity_patterns_request q;
		const rk_entity_patterns_reply *a = (rk_entity_patterns_reply *) r->data;

		/* all that it has is to itself */
		if (l.in_offsets[e] == l.in_offsets[e + 1] && l.out_offsets[e] == l.out_offsets[e + 1])
			continue;
		memset(&q, 0, sizeof(q));
		q.entity = id_of(id_type, l.code[e]);
		assert_int_equal(handle(r, 323, &q), RK_OK);
		assert_int_equal(a->status, 0);
		assert_int_equal(a->patterns_matched, scores[e].kinds);
		assert_true(a->risk_score == scores[e].score);
		assert_int_equal(a->pattern_count, scores[e].patterns);
		assert_int_equal(a->transaction_count, scores[e].transactions);
	}
	rk_ctx_destroy(&ctx);
	free_transactions(&kept);
}

static void
test_aml_entities(void **state)
{
	ring		r;

	(void) state;
	for (int seed = 0; seed < 12; seed++)
	{
		id_type = seed % 3;
		aml_params(seed, 8 * HOUR);
		aml.suppress_contained = seed % 2;
		stream = random_stream(100 + seed, 20, 500, 400, seed % 2 ? 5000 : 0);
		open_aml(&r);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			assert_int_equal(send_aml(&r, i), RK_OK);
			if (i % 61 == 0 || i == stream.t.count - 1)
				compare_aml(&r, i + 1);
		}
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_aml_lives_twice(void **state)
{
	ring		r;

	(void) state;
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		aml_params(5 + id_type, 6 * HOUR);
		stream = random_stream(80, 40, 2500, 120, 4000);
		open_aml(&r);
		assert_true(live_twice(&r, send_aml, stream.t.count, 250) > 20);
		compare_aml(&r, stream.t.count);
		ring_restart(&r);
		compare_aml(&r, stream.t.count);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_aml_by_hand(void **state)
{
	/* payer, payee, hour, amount: three between scatter and gather */
	static const int rows[][4] = {{1, 11, 0, 100}, {1, 12, 1, 100}, {1, 13, 2, 100}, {11, 2, 10, 95}, {12, 2, 10, 95}, {13, 2, 10, 95}};
	ring		r;
	rk_match_request q;
	rk_entity_patterns_request who;
	const rk_match_reply *a = (rk_match_reply *) r.data;
	const rk_entity_patterns_reply *e = (rk_entity_patterns_reply *) r.data;
	const rk_pattern_alert *alert = (rk_pattern_alert *) r.record;
	char		text[RK_ID_ROOM];
	rk_id		last;

	(void) state;
	id_type = RK_IDS_BIGINT;
	aml = (rk_aml_params) {
		.kinds = RK_AML_STRUCTURAL,.time_window = 24 * HOUR,.max_dwell = 72 * HOUR,.cycle_window = 336 * HOUR,.min_fan = 3,
		.min_layers = 3,.max_cycle_length = 12,.min_forwarded = 0.8,.reporting_threshold = 10000 * RK_MONEY_UNIT,
		.structuring_low = 0.7,.structuring_min_count = 3,.suppress_contained = true,.max_pairs_per_node = 1000000
	};
	open_aml(&r);
	memset(&q, 0, sizeof(q));
	for (int i = 0; i < 6; i++)
	{
		q.transaction_id = id_of(i < 3 ? RK_IDS_BIGINT : RK_IDS_TEXT, 7000 + i);
		q.source = rk_id_of_int(rows[i][0]);
		q.target = rk_id_of_int(rows[i][1]);
		q.ts = rows[i][2] * HOUR * 1000;
		q.amount = rows[i][3] * RK_FIXED_ONE;
		assert_int_equal(ring_send(&r, 320, &q), RK_OK);
	}
	assert_int_equal(a->patterns_matched, 1 << RK_AML_SCATTER_GATHER | 1 << RK_AML_FAN_IN);
	assert_true(a->max_score == 25 * 0.3);
	assert_int_equal(alert->pattern_type, RK_AML_SCATTER_GATHER + 1);
	last = id_of(RK_IDS_TEXT, 7005);
	assert_memory_equal(&alert->transaction_id, &last, sizeof(last));
	assert_string_equal(alert->evidence, rk_id_text(&last, text));
	assert_int_equal(alert->evidence_count, 6);
	/* the fan in is inside the larger one */
	memset(&who, 0, sizeof(who));
	who.entity = rk_id_of_int(2);
	assert_int_equal(ring_send(&r, 323, &who), RK_OK);
	assert_int_equal(e->patterns_matched, 1 << RK_AML_SCATTER_GATHER);
	assert_true(e->risk_score == 25 * 0.3);
	who.entity = rk_id_of_int(77);
	assert_int_equal(ring_send(&r, 323, &who), RK_OK);
	assert_int_equal(e->status, 1);
	q.amount = -1;
	assert_int_equal(ring_send(&r, 320, &q), RK_ERR_DATA);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aml_by_hand),
		cmocka_unit_test(test_aml_is_batch),
		cmocka_unit_test(test_aml_entities),
		cmocka_unit_test(test_aml_lives_twice),
		cmocka_unit_test(test_movement_by_hand),
		cmocka_unit_test(test_movement_is_batch),
		cmocka_unit_test(test_movement_lives_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

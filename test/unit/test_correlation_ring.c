/*
 * test_correlation_ring.c
 *	  Alert correlation as an actor, beside a slow one that keeps every alert;
 *	  the same bits after a snapshot and the messages since; all or nothing when
 *	  memory is short.
 */
#include "payments_support.h"

#include "../../src/compliance/monitoring/correlation_ring.h"
#include "../../src/compliance/monitoring/monitoring_ring.h"

#define ALERTS 3000
#define ENTITIES 20
#define KERNELS 5
#define WINDOW_NS (INT64_C(7200) * 1000000000)

static rk_id_type id_type;

static void
open_correlation(ring *r)
{
	ring_options(r, &rk_actor_compliance_alert_correlation);
	option(r, "id_type")->integer = id_type;
	option(r, "time_window")->integer = WINDOW_NS / 1000;
	option(r, "case_at")->integer = 1;
	option(r, "freeze")->truth = true;
	option(r, "freeze_duration")->is_null = false;
	option(r, "freeze_duration")->integer = INT64_C(3600000000);
	ring_open(r);
}

/* Alert number i of the stream. */
static rk_alert_broadcast
alert_of(int64_t i)
{
	char		kernel[RK_ALERT_KERNEL_BYTES];
	rk_id		entity = id_of(id_type, rk_hash2(1, i) % ENTITIES);
	rk_alert_broadcast b;

	snprintf(kernel, sizeof(kernel), "test/kernel-%d", (int) (rk_hash2(2, i) % KERNELS));
	b = rk_alert_of(kernel, 1 + rk_hash2(3, i) % 4, &entity, (double) (rk_hash2(4, i) % 101),
					EPOCH_NS + i * INT64_C(60000000000) - (int64_t) (rk_hash2(5, i) % 3 == 0) * (int64_t) (rk_hash2(6, i) % 150) * INT64_C(60000000000));
	if (rk_hash2(7, i) % 3 == 0)
		b.related_entity = id_of(id_type, rk_hash2(8, i) % ENTITIES);
	snprintf(b.context, sizeof(b.context), "alert %d", (int) i);
	return b;
}

static rk_status
send_alert(ring *r, int64_t i)
{
	rk_alert_broadcast b = alert_of(i);

	return handle(r, 350, &b);
}

/* The risk of an entity after count alerts, from all of them. */
static void
slow_risk(int64_t count, uint32_t entity, int64_t window, rk_entity_risk_reply *risk)
{
	double		highest[KERNELS] = {0};
	int64_t		alerts[KERNELS] = {0};
	int64_t		newest = INT64_MIN;
	double		sum = 0;

	memset(risk, 0, sizeof(*risk));
	for (int64_t i = 0; i < count; i++)
		newest = alert_of(i).ts > newest ? alert_of(i).ts : newest;
	for (int64_t i = 0; i < count; i++)
	{
		rk_alert_broadcast b = alert_of(i);
		int			k = b.source_kernel[12] - '0';

		if (rk_hash2(1, i) % ENTITIES != entity || b.ts <= newest - window)
			continue;
		highest[k] = b.risk_score > highest[k] ? b.risk_score : highest[k];
		alerts[k]++;
		risk->alert_count++;
		risk->max_severity = b.severity > risk->max_severity ? b.severity : risk->max_severity;
		risk->patterns |= 1 << (b.alert_type - 1);
	}
	for (int k = 0; k < KERNELS; k++)
	{
		risk->kernel_count += alerts[k] > 0;
		sum += highest[k] * (double) alerts[k];
	}
	risk->risk_score = risk->alert_count ? sum / (double) risk->alert_count : 0;
	risk->recommendation = risk->risk_score >= 75 ? 3 : risk->risk_score >= 50 ? 2 : risk->risk_score >= 25;
}

static void
compare(ring *r, int64_t count)
{
	for (uint32_t e = 0; e < ENTITIES; e++)
		for (int half = 0; half < 2; half++)
		{
			rk_entity_risk_request q;
			rk_entity_risk_reply wanted;
			const rk_entity_risk_reply *a = (rk_entity_risk_reply *) r->data;
			bool		known = false;

			for (int64_t i = 0; i < count; i++)
				known |= rk_hash2(1, i) % ENTITIES == e;
			memset(&q, 0, sizeof(q));
			q.entity = id_of(id_type, e);
			q.time_window = half ? WINDOW_NS / 2000 : RK_FIELD_ABSENT_INT8;
			assert_int_equal(handle(r, 352, &q), RK_OK);
			assert_int_equal(a->status, !known);
			if (!known)
				continue;
			slow_risk(count, e, half ? WINDOW_NS / 2 : WINDOW_NS, &wanted);
			assert_float_equal(a->risk_score, wanted.risk_score, 1e-12);
			assert_int_equal(a->alert_count, wanted.alert_count);
			assert_int_equal(a->max_severity, wanted.max_severity);
			assert_int_equal(a->patterns, wanted.patterns);
			assert_int_equal(a->kernel_count, wanted.kernel_count);
			assert_int_equal(a->recommendation, wanted.recommendation);
		}
}

static void
test_risk(void **state)
{
	ring		r;

	(void) state;
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		open_correlation(&r);
		for (int64_t i = 0; i < 400; i++)
		{
			assert_int_equal(send_alert(&r, i), RK_OK);
			if (i % 37 == 0)
				compare(&r, i + 1);
		}
		rk_ctx_destroy(&r.ctx);
	}
}

static void
test_lives_twice(void **state)
{
	ring		r;

	(void) state;
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		open_correlation(&r);
		assert_true(live_twice(&r, send_alert, ALERTS, 200) > 10);
		ring_restart(&r);
		rk_ctx_destroy(&r.ctx);
	}
}

/* What is published of one entity, step by step. */
typedef struct said
{
	uint32_t	type;
	char		data[1024] __attribute__((aligned(8)));
} said;

static said said_list[8];
static int	said_count;

static void
note(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	(void) reply;
	assert_true(said_count < 8);
	said_list[said_count].type = type_id;
	memcpy(said_list[said_count++].data, record, size);
}

static void
step(ring *r, const char *kernel, double score, int64_t minute, const char *context, const rk_id *related)
{
	rk_id		entity = rk_id_of_int(7);
	rk_alert_broadcast b = rk_alert_of(kernel, RK_ALERT_CYCLE, &entity, score, minute * INT64_C(60000000000));
	rk_message	m = {.type_id = 350,.length = sizeof(b),.payload = &b};
	rk_reply	reply = {.data = r->data,.capacity = sizeof(r->data),.grow = no_growth,.publish = note};

	if (related)
		b.related_entity = *related;
	strcpy(b.context, context);
	said_count = 0;
	assert_int_equal(r->actor->handle(&r->ctx, r->state, &m, &reply), RK_OK);
}

static void
test_cases(void **state)
{
	ring		r;
	const rk_alert_ack *ack = (rk_alert_ack *) r.data;
	rk_id		other = rk_id_of_int(9);
	const rk_aggregated_risk *risk = (rk_aggregated_risk *) said_list[0].data;
	const rk_case_creation *created = (rk_case_creation *) said_list[1].data;
	const rk_case_update *updated = (rk_case_update *) said_list[1].data;

	(void) state;
	id_type = RK_IDS_BIGINT;
	open_correlation(&r);
	step(&r, "a/b", 40, 0, "first", NULL);
	assert_int_equal(said_count, 1);
	assert_int_equal(said_list[0].type, 354);
	assert_true(risk->score == 40 && risk->recommendation == RK_RECOMMEND_MONITOR);
	assert_false(ack->will_action || ack->correlation_found);
	/* (40 + 80) / 2: escalate */
	step(&r, "c/d", 80, 10, "second", &other);
	assert_int_equal(said_count, 2);
	assert_true(ack->will_action && ack->correlation_found);
	assert_true(risk->score == 60 && risk->kernel_count == 2 && risk->total_alerts == 2);
	assert_int_equal(said_list[1].type, 355);
	assert_int_equal(created->case_id, 1);
	assert_int_equal(created->priority, 3);
	assert_string_equal(created->related, "9");
	assert_string_equal(created->kernels, "c/d");
	assert_string_equal(created->kernels + 4, "a/b");
	/* (40 + 2 * 80) / 3: the same advice; then 90 of the second for all of its three */
	step(&r, "c/d", 70, 11, "third", NULL);
	assert_int_equal(said_list[1].type, 356);
	assert_int_equal(updated->update_type, RK_CASE_NEW_EVIDENCE);
	assert_string_equal(updated->evidence, "third");
	assert_string_equal(updated->evidence + 6, "second");
	step(&r, "c/d", 90, 12, "fourth", NULL);
	assert_true(risk->score == (40 + 3 * 90) / 4.0);
	assert_int_equal(updated->update_type, RK_CASE_RISK_CHANGE);
	/* after two hours of silence the case is closed */
	step(&r, "a/b", 10, 12 + 120, "fifth", NULL);
	assert_int_equal(said_count, 2);
	assert_int_equal(said_list[0].type, 356);
	assert_int_equal(((rk_case_update *) said_list[0].data)->update_type, RK_CASE_STATUS_CHANGE);
	assert_int_equal(said_list[1].type, 354);
	assert_false(ack->will_action);
	/* who is to be blocked is to be frozen, once */
	step(&r, "e/f", 100, 12 + 121, "sixth", NULL);
	assert_int_equal(said_count, 2);
	step(&r, "e/f", 100, 12 + 122, "seventh", NULL);
	step(&r, "e/f", 100, 12 + 123, "eighth", NULL);
	assert_true(risk->score >= 75);
	assert_int_equal(said_list[said_count - 1].type, 358);
	assert_string_equal(((rk_freeze_request *) said_list[said_count - 1].data)->reason, "alerts of compliance/alert-correlation");
	assert_true(((rk_freeze_request *) said_list[said_count - 1].data)->duration == INT64_C(3600000000));
	step(&r, "e/f", 100, 12 + 124, "ninth", NULL);
	assert_int_not_equal(said_list[said_count - 1].type, 358);
	/* one that is too old says nothing */
	step(&r, "a/b", 100, 12, "late", NULL);
	assert_int_equal(said_count, 0);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_risk),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_lives_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_clearing_ring.c
 *	  clearing/dvp-matching as an actor: all or nothing when memory is short,
 *	  snapshots, and the same bits from the journal again.
 */
#include "payments_support.h"

#include "../../src/clearing/dvp_ring.h"

#define ACTOR rk_actor_clearing_dvp_matching
#define ONE RK_FIXED_ONE

static rk_id_type id_type;
static rk_id_type party_type;

/* The message number i of a random stream. */
static rk_status
send(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(3, i);
	int			kind = h % 10;
	rk_dvp_submit_request q = {
		.instruction_id = id_of(id_type, kind < 7 ? (uint32_t) i : (uint32_t) ((h >> 8) % (uint64_t) (i + 1))),
		.deliverer = id_of(party_type, (h >> 16) % 9),.receiver = id_of(party_type, (h >> 20) % 9),.quantity = 100 * ONE,
		.amount = (1000 + (int64_t) ((h >> 24) % 3)) * ONE,
		.settlement_date = 100,.side = (h >> 40) % 2,.currency = {'E', 'U', 'R'}
	};
	rk_dvp_id_request by_id = {.instruction_id = q.instruction_id,.hold = (h >> 41) % 2};
	int			before = r->records;
	rk_status	status;

	snprintf(q.security_id, sizeof(q.security_id), "XS%010d", (int) ((h >> 28) % 40));
	r->now = i;
	status = kind == 7 ? handle(r, 902, &by_id) : kind == 8 ? handle(r, 904, &by_id) : handle(r, kind == 9 ? 910 : 900, &q);
	if (r->records > before)
	{
		const rk_dvp_pair *p = (const rk_dvp_pair *) r->record;

		assert_true(p->match_id > 0 && p->confidence > 0);
	}
	return status;
}

static void
all_or_nothing_and_back(void **unused)
{
	/* of instructions and of parties */
	static const rk_id_type types[][2] = {
		{RK_IDS_BIGINT, RK_IDS_BIGINT}, {RK_IDS_TEXT, RK_IDS_BIGINT}, {RK_IDS_UUID, RK_IDS_TEXT}
	};

	(void) unused;
	for (int t = 0; t < 3; t++)
	{
		static ring r;
		bytes		image = {0};

		memset(&r, 0, sizeof(r));
		id_type = types[t][0];
		party_type = types[t][1];
		ring_options(&r, &ACTOR);
		option(&r, "id_type")->integer = id_type;
		option(&r, "party_type")->integer = party_type;
		ring_open(&r);
		assert_true(live_twice(&r, send, 6000, 1500) > 5);
		assert_true(r.records > 500);
		take_image(&r, &image);
		assert_cuts_refused(&ACTOR, &r.options, &image);
		free_bytes(&image);
		rk_ctx_destroy(&r.ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_clearing_ring.c
 *	  clearing/dvp-matching as an actor: all or nothing when memory is short,
 *	  snapshots, and the same bits from the journal again.
 */
#include "actor_support.h"

#include "../../src/clearing/dvp_ring.h"

#define ACTOR rk_actor_clearing_dvp_matching
#define ONE RK_FIXED_ONE

/* The message number i of a random stream. */
static rk_status
send(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(3, i);
	int			kind = h % 10;
	rk_dvp_submit_request q = {
		.instruction_id = kind < 7 ? i : (int64_t) ((h >> 8) % (uint64_t) (i + 1)),
		.deliverer = (h >> 16) % 9,.receiver = (h >> 20) % 9,.quantity = 100 * ONE,
		.amount = (1000 + (int64_t) ((h >> 24) % 3)) * ONE,.security_id = (int32_t) ((h >> 28) % 40),
		.settlement_date = 100,.side = (h >> 40) % 2,.currency = {'E', 'U', 'R'}
	};
	rk_dvp_id_request id = {.instruction_id = q.instruction_id,.hold = (h >> 41) % 2};
	int			before = r->records;
	rk_status	status;

	r->now = i;
	status = kind == 7 ? handle(r, 902, &id) : kind == 8 ? handle(r, 904, &id) : handle(r, kind == 9 ? 910 : 900, &q);
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
	static ring r;
	bytes		image = {0};

	(void) unused;
	ring_options(&r, &ACTOR);
	ring_open(&r);
	assert_true(live_twice(&r, send, 6000, 1500) > 5);
	assert_true(r.records > 500);
	take_image(&r, &image);
	assert_cuts_refused(&ACTOR, &r.options, &image);
	free_bytes(&image);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

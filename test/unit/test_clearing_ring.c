/*
 * test_clearing_ring.c
 *	  clearing/dvp-matching as an actor: all or nothing when memory is short,
 *	  snapshots, and the same bits from the journal again.
 */
#include "support.h"

#include "../../src/clearing/dvp_ring.h"

#define ACTOR rk_actor_clearing_dvp_matching
#define ONE RK_FIXED_ONE

static rk_options
default_options(rk_option *values)
{
	int			n = 0;

	for (const rk_param *p = ACTOR.options; p && p->name; p++, n++)
		values[n] = (rk_option) {
			.param = p,
			.is_null = strcmp(p->initial, "NULL") == 0,
			.number = strtod(p->initial, NULL),
			.truth = strcmp(p->initial, "true") == 0
		};
	return (rk_options) {values, n};
}

static void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

static int64_t published;

static void
count_record(rk_reply *reply, uint32_t type_id, const void *record, uint32_t size)
{
	const rk_dvp_pair *p = record;

	(void) reply;
	assert_int_equal(type_id, 912);
	assert_int_equal(size, sizeof(*p));
	assert_true(p->match_id > 0 && p->confidence > 0);
	published++;
}

/* The message number i of a random stream. */
static rk_status
send(rk_ctx *ctx, void *state, int64_t i)
{
	static char answer[65536] __attribute__((aligned(8)));
	uint64_t	h = rk_hash2(3, i);
	int			kind = h % 10;
	rk_dvp_submit_request q = {
		.instruction_id = kind < 7 ? i : (int64_t) ((h >> 8) % (uint64_t) (i + 1)),
		.deliverer = (h >> 16) % 9,.receiver = (h >> 20) % 9,.quantity = 100 * ONE,
		.amount = (1000 + (int64_t) ((h >> 24) % 3)) * ONE,.security_id = (int32_t) ((h >> 28) % 40),
		.settlement_date = 100,.side = (h >> 40) % 2,.currency = {'E', 'U', 'R'}
	};
	rk_dvp_id_request id = {.instruction_id = q.instruction_id,.hold = (h >> 41) % 2};
	rk_reply	reply = {.data = answer,.capacity = sizeof(answer),.grow = no_growth,.publish = count_record};
	rk_message	m = {.type_id = kind < 7 ? 900 : kind == 7 ? 902 : kind == 8 ? 904 : 910,
		.payload = kind == 7 || kind == 8 ? (const void *) &id : &q,.sent_ns = i};

	m.length = rk_actor_message(&ACTOR, m.type_id)->request_size;
	ctx->error.status = RK_OK;
	return ACTOR.handle(ctx, state, &m, &reply);
}

typedef struct bytes
{
	char	   *data;
	size_t		size;
} bytes;

static rk_status
write_bytes(rk_writer *writer, rk_ctx *ctx, const void *data, size_t size)
{
	bytes	   *b = writer->arg;

	(void) ctx;
	b->data = realloc(b->data, b->size + size + 1);
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return RK_OK;
}

static void
all_or_nothing_and_back(void **unused)
{
	rk_option	values[16];
	rk_options	options = default_options(values);
	rk_ctx		memory[2];
	int			turn = 0;
	void	   *state;
	int			failures = 0;
	int64_t		snapshot_at = 0;
	bytes		image = {0};
	rk_writer	writer = {write_bytes, &image};

	(void) unused;
	rk_ctx_init(&memory[0]);
	assert_int_equal(ACTOR.init(&memory[0], &options, &state), RK_OK);
	assert_int_equal(ACTOR.snapshot(&memory[0], state, &writer), RK_OK);
	for (int64_t i = 0; i < 6000; i++)
	{
		rk_ctx	   *ctx = &memory[turn];
		uint64_t	sum = i % 7 == 0 || i < 300 ? ACTOR.checksum(ctx, state) : 0;
		rk_status	status;

		ctx->fail_allocation = ctx->allocations + 1 + i % 2;
		status = send(ctx, state, i);
		ctx->fail_allocation = 0;
		if (status != RK_OK && sum != 0)
			assert_true(ACTOR.checksum(ctx, state) == sum);
		if (status == RK_ERR_MEMORY)
		{
			failures++;
			status = send(ctx, state, i);
		}
		/* an instruction that is not there, or not to be amended */
		assert_true(status == RK_OK || status == RK_ERR_PARAMETER);
		if (i % 1500 == 700)
		{
			image.size = 0;
			assert_int_equal(ACTOR.snapshot(ctx, state, &writer), RK_OK);
			snapshot_at = i + 1;
		}
		if (i % 1500 == 1400)
		{
			rk_ctx	   *again = &memory[1 - turn];
			void	   *replayed;
			rk_reader	reader = {image.data, image.size};

			rk_ctx_init(again);
			assert_int_equal(ACTOR.restore(again, &options, ACTOR.version, &reader, &replayed), RK_OK);
			assert_int_equal(reader.left, 0);
			for (int64_t k = snapshot_at; k <= i; k++)
				(void) send(again, replayed, k);
			assert_true(ACTOR.checksum(again, replayed) == ACTOR.checksum(ctx, state));
			rk_ctx_destroy(ctx);
			turn = 1 - turn;
			state = replayed;
		}
	}
	assert_true(failures > 5);
	assert_true(published > 500);
	rk_ctx_destroy(&memory[turn]);
	for (size_t cut = 0; cut < image.size; cut += cut < 200 ? 7 : 977)
	{
		rk_reader	reader = {image.data, cut};

		rk_ctx_init(&memory[0]);
		assert_int_equal(ACTOR.restore(&memory[0], &options, 1, &reader, &state), RK_ERR_CORRUPT);
		rk_ctx_destroy(&memory[0]);
	}
	free(image.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_pagerank_part.c
 *	  PageRank in parts: any number of them gives the same scores, whatever
 *	  allocation fails.
 */
#include "support.h"

#include "../../src/graph/centrality/graph_ring.h"

#define PARTS 4

/* What the actors have sent each other, in its order. */
static struct
{
	int			to;
	rk_part_share share;
}			mail[1000];
static int	mail_count;

static void
post(rk_reply *reply, const char *ring, uint32_t type_id, const void *payload, uint32_t size)
{
	(void) reply;
	assert_int_equal(type_id, 154);
	assert_int_equal(size, sizeof(rk_part_share));
	assert_true(mail_count < 1000);
	mail[mail_count].to = ring[1] - '0';
	memcpy(&mail[mail_count++].share, payload, size);
}

static void *
no_growth(rk_reply *reply, uint32_t size)
{
	(void) reply;
	(void) size;
	return NULL;
}

typedef struct rings
{
	int			parts;
	rk_ctx		ctx[PARTS];
	void	   *state[PARTS];
} rings;

/* Hands a message over; every allocation fails once before, which leaves the state as it was. */
static rk_status
tell(rings *r, int part, uint32_t type_id, const void *payload, uint32_t size, void *answer, uint32_t capacity)
{
	rk_ctx	   *ctx = &r->ctx[part];
	rk_message	message = {.type_id = type_id,.length = size,.payload = payload,.attempt = 1};
	uint64_t	sum = rk_actor_graph_pagerank_part.checksum(ctx, r->state[part]);

	for (int fail = 1;; fail++)
	{
		rk_reply	reply = {.data = answer,.capacity = capacity,.grow = no_growth,.send = post};
		int			sent = mail_count;
		rk_status	status;

		ctx->allocations = 0;
		ctx->fail_allocation = fail;
		ctx->error.status = RK_OK;
		status = rk_actor_graph_pagerank_part.handle(ctx, r->state[part], &message, &reply);
		ctx->fail_allocation = 0;
		if (status != RK_ERR_MEMORY)
			return status;
		assert_int_equal(mail_count, sent);
		/* versions count the tries, rows and pins are the same */
		if (type_id != 152)
			assert_true(rk_actor_graph_pagerank_part.checksum(ctx, r->state[part]) == sum);
	}
}

static void
begin(rings *r, int parts)
{
	static const char *const peers[] = {NULL, "p0", "p0,p1", "p0,p1,p2", "p0,p1,p2,p3"};
	const rk_param *params = rk_actor_graph_pagerank_part.options;

	r->parts = parts;
	for (int p = 0; p < parts; p++)
	{
		rk_option	values[] = {
			{.param = &params[0],.is_null = true},
			{.param = &params[1],.text = peers[parts]},
			{.param = &params[2],.integer = p},
			{.param = &params[3],.number = 0.85},
			{.param = &params[4],.truth = true}
		};
		rk_options	options = {values, 5};

		rk_ctx_init(&r->ctx[p]);
		assert_int_equal(rk_actor_graph_pagerank_part.init(&r->ctx[p], &options, &r->state[p]), RK_OK);
	}
}

static void
add_edge(rings *r, int64_t source, int64_t target, int64_t weight)
{
	rk_part_edge q = {.source = source,.target = target,.weight = weight * RK_FIXED_ONE,.op = RK_EDGE_ADD};
	int			kept = 0;

	for (int p = 0; p < r->parts; p++)
	{
		rk_part_edge_reply e;

		assert_int_equal(tell(r, p, 150, &q, sizeof(q), &e, sizeof(e)), RK_OK);
		kept += e.kept;
	}
	assert_int_equal(kept, 1);
}

/* Rounds until the change is small; the ring of part 0 is ahead of the others. */
static void
iterate(rings *r, int64_t run)
{
	double		delta = 1;

	for (int k = 1; delta > 1e-13; k++)
	{
		rk_part_round q = {.run = run,.iteration = k};

		assert_true(k < 1000);
		delta = 0;
		for (int p = 0; p < r->parts; p++)
		{
			rk_part_round_reply a;
			int			sent = mail_count;

			assert_int_equal(tell(r, p, 152, &q, sizeof(q), &a, sizeof(a)), RK_OK);
			delta += a.delta;
			for (int m = sent; m < mail_count; m++)
				assert_int_equal(tell(r, mail[m].to, 154, &mail[m].share, sizeof(rk_part_share), NULL, 0), RK_OK);
		}
		mail_count = 0;
	}
}

static double
score_of(rings *r, int64_t node)
{
	double		score = -1;

	for (int p = 0; p < r->parts; p++)
	{
		rk_part_query q = {node};
		rk_part_reply a;

		assert_int_equal(tell(r, p, 156, &q, sizeof(q), &a, sizeof(a)), RK_OK);
		if (a.status == RK_GRAPH_OK)
		{
			/* nobody else has it */
			assert_true(score < 0);
			score = a.score;
		}
	}
	return score;
}

static void
end(rings *r)
{
	for (int p = 0; p < r->parts; p++)
		rk_ctx_destroy(&r->ctx[p]);
}

static void
test_parts(void **state)
{
	(void) state;
	for (int graph = 0; graph < 20; graph++)
	{
		rings		whole;
		rings		some;
		double		mass = 0;

		begin(&whole, 1);
		begin(&some, 2 + graph % 3);
		for (int i = 0; i < 200; i++)
		{
			int64_t		source = (i * 7919 + graph) % 53 - 10;
			int64_t		target = ((int64_t) i * i * 31 + graph) % 97 - 20;

			add_edge(&whole, source, target, 1 + i % 3);
			add_edge(&some, source, target, 1 + i % 3);
		}
		iterate(&whole, 1);
		iterate(&some, 1);
		for (int64_t node = -20; node < 100; node++)
		{
			double		a = score_of(&whole, node);
			double		b = score_of(&some, node);

			assert_true((a < 0) == (b < 0));
			assert_true(a - b < 1e-12 && b - a < 1e-12);
			mass += a > 0 ? a : 0;
		}
		assert_true(mass > 1 - 1e-11 && mass < 1 + 1e-11);
		/* a second run, and a round that does not follow */
		iterate(&some, 2);
		{
			rk_part_round q = {.run = 2,.iteration = 99};
			rk_part_round_reply a;

			assert_int_equal(tell(&some, 0, 152, &q, sizeof(q), &a, sizeof(a)), RK_ERR_DATA);
		}
		end(&whole);
		end(&some);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

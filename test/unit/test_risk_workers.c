/*
 * test_risk_workers.c
 *	  Messages between the risk actors: a book that several rings share has the
 *	  risk of the same book in one ring; positions follow prices.
 */
#include "actor_support.h"

#include <stdio.h>

#include "../../src/risk/portfolio/portfolio_ring.h"

#define WORKERS 3
#define ASSETS 20

static void
set_asset(char *to, uint64_t number)
{
	char		text[RK_NAME_BYTES + 1] = {0};

	snprintf(text, sizeof(text), "asset %llu", (unsigned long long) number);
	memcpy(to, text, RK_NAME_BYTES);
}

static rk_position_request
random_position(uint64_t seed)
{
	rk_position_request q = {
		.value = ((int64_t) (rk_hash2(seed, 1) % 2000000) - 500000) * RK_FIXED_ONE,
		.expected_return = (double) (rk_hash2(seed, 2) % 10) / 100,
		.volatility = (double) (1 + rk_hash2(seed, 3) % 40) / 100
	};

	set_asset(q.asset, rk_hash2(seed, 4) % ASSETS);
	return q;
}

static void
open_var(ring *r, int64_t worker)
{
	ring_options(r, &rk_actor_risk_monte_carlo_var);
	option(r, "worker")->is_null = worker < 0;
	option(r, "worker")->integer = worker;
	ring_open(r);
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

/* Sends a message to all workers, and what they publish to the aggregator. */
static void
send_all(ring *workers, ring *whole, ring *aggregator, uint32_t type, const void *payload)
{
	assert_int_equal(handle(whole, type, payload), RK_OK);
	for (int w = 0; w < WORKERS; w++)
	{
		int			records = workers[w].records;

		assert_int_equal(handle(&workers[w], type, payload), RK_OK);
		assert_int_equal(workers[w].records, records + 1);
		assert_int_equal(((rk_partial_risk *) workers[w].record)->worker, w);
		assert_int_equal(handle(aggregator, 462, workers[w].record), RK_OK);
	}
	assert_int_equal(whole->records, 0);
}

static void
test_shared_book(void **state)
{
	static ring workers[WORKERS];
	static ring whole;
	static ring aggregator;
	const rk_aggregation_reply *a = (void *) aggregator.data;

	(void) state;
	open_var(&whole, -1);
	for (int w = 0; w < WORKERS; w++)
		open_var(&workers[w], w);
	ring_options(&aggregator, &rk_actor_risk_portfolio_aggregation);
	option(&aggregator, "workers")->integer = WORKERS;
	ring_open(&aggregator);
	for (uint64_t i = 0; i < 400; i++)
	{
		uint64_t	h = rk_hash2(5, i);
		rk_question_request q = {NAN, NAN};

		if (i < 100 || h % 3 == 0)
		{
			rk_position_batch batch = {.count = 1 + (int64_t) (h % RK_BATCH_POSITIONS)};

			/* an asset is one worker's */
			for (int64_t k = 0; k < batch.count; k++)
				batch.positions[k] = random_position(rk_hash2(h, k));
			batch.worker = (int32_t) (h % WORKERS);
			for (int64_t k = 0; k < batch.count; k++)
				set_asset(batch.positions[k].asset, rk_hash3(h, 7, k) % ASSETS / WORKERS * WORKERS + batch.worker);
			send_all(workers, &whole, &aggregator, 460, &batch);
		}
		else if (h % 3 == 1)
		{
			rk_market_update m = {.price = (int64_t) (1 + h / 7 % 1000) * RK_FIXED_ONE,.ts = (int64_t) i};

			set_asset(m.asset, h / 3 % ASSETS);
			/* whoever does not have it says nothing */
			if (handle(&whole, 464, &m) == RK_OK && isnan(((rk_market_reply *) whole.data)->var_impact))
				continue;
			m.ts++;
			send_all(workers, &whole, &aggregator, 464, &m);
		}
		else
		{
			rk_correlation_request c = {.correlation = (double) (h / 11 % 9) / 100};

			set_asset(c.asset_i, h / 3 % ASSETS);
			set_asset(c.asset_j, (h / 3 + 1 + h / 5 % (ASSETS - 1)) % ASSETS);
			if (handle(&whole, 406, &c) != RK_OK)
				continue;
			c.correlation += 0.01;
			send_all(workers, &whole, &aggregator, 406, &c);
		}
		assert_int_equal(handle(&whole, 402, &q), RK_OK);
		assert_true(a->complete);
		assert_true(near(a->final_var, ((rk_var_reply *) whole.data)->var));
		assert_true(near(a->final_expected_shortfall, ((rk_var_reply *) whole.data)->expected_shortfall));
		if (i % 100 == 99)
		{
			ring_restart(&workers[i / 100 % WORKERS]);
			ring_restart(&aggregator);
		}
	}
	for (int w = 0; w < WORKERS; w++)
		rk_ctx_destroy(&workers[w].ctx);
	rk_ctx_destroy(&whole.ctx);
	rk_ctx_destroy(&aggregator.ctx);
}

static void
test_aggregation(void **state)
{
	static ring r;
	const rk_aggregation_reply *a = (void *) r.data;
	rk_partial_risk p = {.worker = 7,.partial_var = 10,.partial_expected_shortfall = 12,.covariance_contribution = 252e4 / 10};

	(void) state;
	ring_options(&r, &rk_actor_risk_portfolio_aggregation);
	option(&r, "workers")->integer = 2;
	ring_open(&r);
	assert_int_equal(ring_send(&r, 462, &p), RK_OK);
	assert_false(a->complete);
	assert_true(isnan(a->final_var) && isnan(a->diversification_benefit));
	/* again: the same worker */
	assert_int_equal(ring_send(&r, 462, &p), RK_OK);
	assert_false(a->complete);
	p.worker = -3;
	p.covariance_contribution *= 3;
	p.expected_profit = 252;
	assert_int_equal(ring_send(&r, 462, &p), RK_OK);
	assert_true(a->complete);
	/* sigma 200 sqrt 10 at 10 days of 252, profit 10: variance 4 * 252e3 * 10 / 252 */
	assert_true(near(a->final_var, 2.3263478740408408 * 200 - 10));
	assert_true(near(a->diversification_benefit, 20 - a->final_var));
	p.partial_var = NAN;
	assert_int_equal(ring_send(&r, 462, &p), RK_ERR_PARAMETER);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

static void
test_market(void **state)
{
	static ring r;
	const rk_market_reply *a = (void *) r.data;
	rk_position_request q = {.value = 1000 * RK_FIXED_ONE + 1,.volatility = 0.2};
	rk_market_update m = {.price = 3 * RK_FIXED_ONE,.ts = 10};
	rk_question_request ask = {NAN, NAN};
	rk_limit_request limit = {200 * RK_FIXED_ONE};
	double		before;
	bytes		image = {0};
	rk_reader	reader;
	void	   *old;
	rk_ctx		ctx;

	(void) state;
	open_var(&r, -1);
	set_asset(q.asset, 1);
	set_asset(m.asset, 1);
	assert_int_equal(ring_send(&r, 464, &m), RK_OK);
	assert_true(isnan(a->var_impact));
	assert_int_equal(ring_send(&r, 400, &q), RK_OK);
	assert_int_equal(ring_send(&r, 408, &limit), RK_OK);
	assert_int_equal(ring_send(&r, 402, &ask), RK_OK);
	before = ((rk_var_reply *) r.data)->var;
	/* the first price is the one to compare with */
	assert_int_equal(ring_send(&r, 464, &m), RK_OK);
	assert_true(a->var_impact == 0);
	m.price = 6 * RK_FIXED_ONE;
	m.ts = 11;
	assert_int_equal(ring_send(&r, 464, &m), RK_OK);
	assert_true(near(a->var_impact, before));
	assert_int_equal(r.records, 1);
	assert_true(((rk_limit_alert *) r.record)->severity == RK_LIMIT_WARNING);
	/* late */
	m.price = RK_FIXED_ONE;
	m.ts = 5;
	assert_int_equal(ring_send(&r, 464, &m), RK_OK);
	assert_true(a->var_impact == 0);
	/* a third of 2000.00000002, rounded; more volatile */
	m.price = 2 * RK_FIXED_ONE;
	m.ts = 12;
	m.volatility_delta = 0.1;
	assert_int_equal(ring_send(&r, 464, &m), RK_OK);
	assert_int_equal(ring_send(&r, 402, &ask), RK_OK);
	assert_true(near(((rk_var_reply *) r.data)->var / before, 666.66666667 * 0.3 / (1000.00000001 * 0.2)));
	/* refused */
	m.volatility_delta = -1;
	assert_int_equal(ring_send(&r, 464, &m), RK_ERR_PARAMETER);
	m.volatility_delta = NAN;
	assert_int_equal(ring_send(&r, 464, &m), RK_ERR_PARAMETER);
	m.volatility_delta = 0;
	m.price = 0;
	assert_int_equal(ring_send(&r, 464, &m), RK_ERR_PARAMETER);
	m.price = INT64_MAX;
	assert_int_equal(ring_send(&r, 464, &m), RK_ERR_OVERFLOW);
	/* a snapshot of the first version ends before the prices */
	take_image(&r, &image);
	reader = (rk_reader) {image.data, image.size - 24};
	rk_ctx_init(&ctx);
	assert_int_equal(r.actor->restore(&ctx, &r.options, 1, &reader, &old), RK_OK);
	assert_int_equal(reader.left, 0);
	rk_ctx_destroy(&ctx);
	free_bytes(&image);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

static rk_status
send_var(ring *r, int64_t i)
{
	uint64_t	h = rk_hash2(77, (uint64_t) i);
	rk_position_batch batch = {.count = 1 + (int64_t) (h % RK_BATCH_POSITIONS),.worker = (int32_t) (h / 9 % 2)};
	rk_market_update m = {.price = (int64_t) (1 + h % 1000) * RK_FIXED_ONE,.ts = i - (int64_t) (h % 3)};
	rk_asset_name name;
	rk_status	status;

	for (int64_t k = 0; k < batch.count; k++)
	{
		batch.positions[k] = random_position(rk_hash2(h, k));
		set_asset(batch.positions[k].asset, rk_hash2(h, k) % 60);
	}
	set_asset(m.asset, h / 11 % 60);
	set_asset(name.asset, h / 11 % 60);
	switch (h / 13 % 4)
	{
		case 0:
			return handle(r, 410, &name);
		case 1:
			return handle(r, 460, &batch);
		default:
			status = handle(r, 464, &m);
			/* a value that has grown too large stays as it is */
			return status == RK_ERR_OVERFLOW ? RK_ERR_PARAMETER : status;
	}
}

static void
test_life(void **state)
{
	static ring r;

	(void) state;
	open_var(&r, 1);
	assert_true(live_twice(&r, send_var, 2000, 300) > 0);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_book),
		cmocka_unit_test(test_aggregation),
		cmocka_unit_test(test_market),
		cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_risk_ring.c
 *	  The risk actors: after any sequence of messages they say what the batch
 *	  kernels say about the same data, whatever fails on the way, and a
 *	  snapshot brings the same bits back.
 */
#include "actor_support.h"

#include <math.h>
#include <stdio.h>

#include "../../src/compute/normal.h"
#include "../../src/risk/correlation/correlation.h"
#include "../../src/risk/portfolio/portfolio.h"
#include "../../src/risk/correlation/correlation_ring.h"
#include "../../src/risk/credit/credit.h"
#include "../../src/risk/credit/credit_ring.h"
#include "../../src/risk/portfolio/ring_book.h"

static void
set_name(char *to, const char *prefix, uint64_t number)
{
	char		text[RK_NAME_BYTES + 1] = {0};

	snprintf(text, sizeof(text), "%s%llu", prefix, (unsigned long long) number);
	memcpy(to, text, RK_NAME_BYTES);
}

/* ---- names ---- */

/* Against a plain array: what is there, what is found. */
static void
test_names(void **state)
{
	enum {MANY = 300};
	rk_ctx		ctx;
	rk_names	names = {0};
	bool		there[MANY] = {false};
	uint32_t	count = 0;

	(void) state;
	rk_ctx_init(&ctx);
	for (int i = 0; i < 20000; i++)
	{
		uint64_t	k = rk_hash2(3, i) % MANY;
		rk_name		name;
		uint32_t	at;

		set_name(name.text, "name ", k);
		at = rk_names_find(&names, name.text);
		assert_int_equal(at != RK_NO_NAME, there[k]);
		if (there[k])
		{
			assert_memory_equal(names.name[at].text, name.text, RK_NAME_BYTES);
			rk_names_remove(&names, at);
			count--;
		}
		else
		{
			assert_int_equal(rk_names_reserve(&ctx, &names), RK_OK);
			assert_int_equal(rk_names_add(&names, name.text), count);
			count++;
		}
		there[k] = !there[k];
		assert_int_equal(names.count, count);
		for (int j = 0; i % 500 == 0 && j < MANY; j++)
		{
			set_name(name.text, "name ", j);
			assert_int_equal(rk_names_find(&names, name.text) != RK_NO_NAME, there[j]);
		}
	}
	rk_ctx_destroy(&ctx);
}

/* ---- risk/credit-scoring ---- */

static rk_obligor_request
random_exposure(uint64_t seed)
{
	rk_obligor_request q = {
		.pd = seed % 11 == 0 ? 1 : (double) (rk_hash2(seed, 1) % 3000) / 10000,
		.lgd = (double) (rk_hash2(seed, 2) % 101) / 100,
		.ead = (int64_t) (rk_hash2(seed, 3) % INT64_C(10000000000000000)),
		.maturity = 0.25 * (1 + rk_hash2(seed, 4) % 30),
		.sales = seed % 3 == 0 ? NAN : (double) (rk_hash2(seed, 5) % 80),
		.best_estimate_loss = seed % 2 == 0 ? NAN : 0.25,
		.asset_class = rk_hash2(seed, 6) % 8
	};

	if (q.asset_class == RK_SME && isnan(q.sales))
		q.sales = 10;
	set_name(q.obligor, "obligor ", rk_hash2(seed, 7) % 60);
	return q;
}

/* What the batch function says about an exposure. */
static rk_obligor_reply
batch_assessment(const rk_obligor_request *q)
{
	rk_ctx		ctx;
	rk_credit_risk r;
	rk_credit_exposure e = {
		.pd = q->pd,.lgd = q->lgd,.ead = {q->ead, 8},.maturity = q->maturity,
		.asset_class = q->asset_class,.sales = q->sales,.best_estimate_loss = q->best_estimate_loss
	};

	rk_ctx_init(&ctx);
	assert_int_equal(rk_risk_credit_scoring(&ctx, &e, &r), RK_OK);
	rk_ctx_destroy(&ctx);
	/* it has two digits more; one rounding to 10 and one to 8 differ at ties alone */
	return (rk_obligor_reply) {
		(int64_t) rk_decimal_round_down(r.expected_loss.value, 2),
		(int64_t) rk_decimal_round_down(r.rwa.value, 2), r.risk_weight
	};
}

static void
test_credit(void **state)
{
	static ring r;
	struct
	{
		rk_obligor_request q;
		rk_obligor_reply a;
		bool		there;
	}			model[60] = {0};
	const rk_obligor_reply *answer = (void *) r.data;
	const rk_credit_totals_reply *total = (void *) r.data;
	const rk_removed_reply *removed = (void *) r.data;
	rk_no_request nothing = {0};

	(void) state;
	ring_options(&r, &rk_actor_risk_credit_scoring);
	ring_open(&r);
	for (int i = 0; i < 3000; i++)
	{
		uint64_t	seed = rk_hash2(11, i);
		rk_obligor_request q = random_exposure(seed);
		rk_obligor_reply a = batch_assessment(&q);
		int			k = atoi(q.obligor + strlen("obligor "));

		if (i % 4 == 3)
		{
			rk_obligor_name name;

			memcpy(name.obligor, q.obligor, RK_NAME_BYTES);
			assert_int_equal(ring_send(&r, 446, &name), RK_OK);
			assert_int_equal(removed->removed, model[k].there);
			model[k].there = false;
		}
		else
		{
			bool		keep = i % 4 != 0;

			assert_int_equal(ring_send(&r, keep ? 442 : 440, &q), RK_OK);
			assert_true(llabs(answer->expected_loss - a.expected_loss) <= 1);
			assert_true(llabs(answer->rwa - a.rwa) <= 1);
			assert_true(answer->risk_weight == a.risk_weight);
			if (keep)
			{
				model[k].q = q;
				model[k].a = *answer;
				model[k].there = true;
			}
		}
		if (i % 50 == 0)
		{
			rk_credit_totals_reply sum = {0};

			for (int j = 0; j < 60; j++)
				if (model[j].there)
				{
					sum.ead += model[j].q.ead;
					sum.expected_loss += model[j].a.expected_loss;
					sum.rwa += model[j].a.rwa;
					sum.count++;
				}
			assert_int_equal(ring_send(&r, 444, &nothing), RK_OK);
			assert_memory_equal(total, &sum, sizeof(sum));
		}
		if (i % 500 == 0)
			ring_restart(&r);
	}
	assert_true(r.failures > 3);
	rk_ctx_destroy(&r.ctx);
}

static void
test_credit_errors(void **state)
{
	static ring r;
	rk_obligor_request q = random_exposure(5);
	rk_no_request nothing = {0};

	(void) state;
	ring_options(&r, &rk_actor_risk_credit_scoring);
	ring_open(&r);
	q.asset_class = RK_SME;
	q.sales = NAN;
	assert_int_equal(ring_send(&r, 442, &q), RK_ERR_PARAMETER);
	q.sales = 20;
	q.maturity = 0;
	assert_int_equal(ring_send(&r, 442, &q), RK_ERR_PARAMETER);
	q.maturity = NAN;
	assert_int_equal(ring_send(&r, 442, &q), RK_ERR_PARAMETER);
	q.maturity = 1;
	memset(q.obligor, 0, RK_NAME_BYTES);
	assert_int_equal(ring_send(&r, 442, &q), RK_ERR_PARAMETER);
	/* sums that a message cannot hold are kept, and are right again later */
	q.ead = INT64_MAX;
	q.pd = 0.001;
	q.lgd = 0.1;
	q.asset_class = RK_OTHER_RETAIL;
	set_name(q.obligor, "x", 1);
	assert_int_equal(ring_send(&r, 442, &q), RK_OK);
	set_name(q.obligor, "x", 2);
	assert_int_equal(ring_send(&r, 442, &q), RK_OK);
	assert_int_equal(ring_send(&r, 444, &nothing), RK_ERR_OVERFLOW);
	q.ead = 7;
	assert_int_equal(ring_send(&r, 442, &q), RK_OK);
	set_name(q.obligor, "x", 1);
	assert_int_equal(ring_send(&r, 442, &q), RK_OK);
	assert_int_equal(ring_send(&r, 444, &nothing), RK_OK);
	assert_int_equal(((rk_credit_totals_reply *) r.data)->ead, 14);
	/* more capital than money there is */
	q.ead = INT64_MAX;
	q.pd = 0.2;
	q.lgd = 1;
	q.asset_class = RK_CORPORATE;
	assert_int_equal(ring_send(&r, 442, &q), RK_ERR_OVERFLOW);
	rk_ctx_destroy(&r.ctx);
}

/* ---- risk/realtime-correlation ---- */

enum {SERIES = 9, TICKS = 60};

/* Observations in order of time; some assets are missing at some times. */
typedef struct observed
{
	int64_t		count;
	int			asset[SERIES * TICKS];
	int64_t		ts[SERIES * TICKS];
	double		value[SERIES * TICKS];
} observed;

static void
draw_observations(uint64_t seed, bool prices, observed *o)
{
	double		price[SERIES];

	o->count = 0;
	for (int i = 0; i < SERIES; i++)
		price[i] = 100;
	for (int t = 0; t < TICKS; t++)
	{
		double		common = rk_uniform(rk_hash3(seed, t, 100)) - 0.5;
		int			first = rk_hash3(seed, t, 200) % SERIES;

		for (int k = 0; k < SERIES; k++)
		{
			/* any order within a time */
			int			i = (first + k * 2) % SERIES;
			double		x = 0.01 * ((i - 4) * common + rk_uniform(rk_hash3(seed, t, i)) - 0.5);

			if (rk_hash3(seed, t, 300 + i) % 5 == 0 && seed % 2 == 0)
				continue;
			/* one that never changes */
			if (i == SERIES - 1)
				x = 0;
			price[i] *= exp(x);
			o->asset[o->count] = i;
			o->ts[o->count] = INT64_C(1000000000) * t;
			o->value[o->count++] = prices ? price[i] : x;
		}
	}
}

/* Correlations of the first count of them by the batch function, by pair i < j. */
static void
batch_correlations(const observed *o, int64_t count, rk_correlation_estimator estimator, int returns,
				   double *correlation, int64_t *observations)
{
	rk_ctx		ctx;
	int64_t		begin[SERIES];
	int64_t		end[SERIES];
	int64_t		time[SERIES * TICKS];
	double		value[SERIES * TICKS];
	double		covariance[SERIES * SERIES];
	rk_observations in = {.assets = SERIES,.begin = begin,.end = end,.time = time,.value = value};
	rk_correlation_params params = {.estimator = estimator,.lambda = 0.94};

	rk_ctx_init(&ctx);
	for (int i = 0; i < SERIES; i++)
	{
		double		before = NAN;

		begin[i] = i == 0 ? 0 : end[i - 1];
		end[i] = begin[i];
		for (int64_t k = 0; k < count; k++)
		{
			double		x = o->value[k];

			if (o->asset[k] != i)
				continue;
			if (returns)
				x = returns == 1 ? log(o->value[k] / before) : o->value[k] / before - 1;
			before = o->value[k];
			if (isnan(x))
				continue;
			time[end[i]] = o->ts[k];
			value[end[i]++] = x;
		}
	}
	assert_int_equal(rk_risk_correlations(&ctx, &in, &params, correlation, covariance, observations), RK_OK);
	rk_ctx_destroy(&ctx);
}

static int64_t
pair_number(int i, int j)
{
	return i * (2 * SERIES - i - 1) / 2 + j - i - 1;
}

static void
check_correlations(ring *r, const observed *o, int64_t count, rk_correlation_estimator estimator, int returns, int64_t least)
{
	double		correlation[SERIES * SERIES];
	int64_t		observations[SERIES * SERIES];
	const rk_pair_reply *answer = (void *) r->data;

	batch_correlations(o, count, estimator, returns, correlation, observations);
	for (int i = 0; i < SERIES; i++)
		for (int j = i + 1; j < SERIES; j++)
		{
			int64_t		at = pair_number(i, j);
			double		expected = observations[at] < least ? NAN : correlation[at];
			rk_pair_request q;

			set_name(q.asset_i, "asset ", (count + i) % 2 ? i : j);
			set_name(q.asset_j, "asset ", (count + i) % 2 ? j : i);
			assert_int_equal(ring_send(r, 482, &q), RK_OK);
			if (answer->status == RK_RISK_UNKNOWN_ASSET)
			{
				assert_int_equal(observations[at], 0);
				continue;
			}
			assert_int_equal(answer->num_observations, observations[at]);
			assert_int_equal(isnan(answer->correlation), isnan(expected));
			if (!isnan(expected))
				assert_true(fabs(answer->correlation - expected) < 1e-12);
		}
}

static void
test_correlations(void **state)
{
	static ring r;
	static observed o;
	const rk_observe_reply *answer = (void *) r.data;

	(void) state;
	for (int round = 0; round < 24; round++)
	{
		rk_correlation_estimator estimator = round % 4 < 2 ? RK_PEARSON : RK_EWMA;
		int			returns = round % 3;
		int			restart = 100 + 7 * round;
		int			failures = 0;

		draw_observations(round, returns != 0, &o);
		ring_options(&r, &rk_actor_risk_realtime_correlation);
		option(&r, "estimator")->integer = estimator;
		option(&r, "min_observations")->integer = 5;
		option(&r, "change_threshold")->is_null = false;
		option(&r, "change_threshold")->number = 0.2;
		option(&r, "as_returns")->is_null = returns == 0;
		option(&r, "as_returns")->integer = returns - 1;
		ring_open(&r);
		for (int64_t k = 0; k < o.count; k++)
		{
			rk_observe_request q = {.value = o.value[k],.ts = o.ts[k]};
			int			records = r.records;

			set_name(q.asset, "asset ", o.asset[k]);
			assert_int_equal(ring_send(&r, 480, &q), RK_OK);
			assert_int_equal(r.records - records, answer->change_count);
			assert_true(answer->change_count <= answer->correlations_updated);
			assert_int_equal(answer->change_count > 0, fabs(answer->max_change) >= 0.2);
			if (answer->change_count == 1)
			{
				const rk_correlation_alert *alert = (void *) r.record;

				assert_memory_equal(alert->asset_i, q.asset, RK_NAME_BYTES);
				assert_memory_equal(alert->asset_j, answer->other_asset, RK_NAME_BYTES);
				assert_true(alert->correlation - alert->previous_correlation == answer->max_change);
				assert_int_equal(alert->ts, q.ts);
			}
			if (k % 61 == 0 || k == o.count - 1)
				check_correlations(&r, &o, k + 1, estimator, returns, 5);
			if (k == restart)
			{
				failures += r.failures;
				ring_restart(&r);
			}
		}
		assert_true(failures >= 3);
		assert_true(r.records > 0);
		{
			rk_no_request nothing = {0};

			assert_int_equal(ring_send(&r, 487, &nothing), RK_OK);
			assert_int_equal(((rk_correlation_reset_reply *) r.data)->assets, SERIES);
			assert_int_equal(ring_send(&r, 487, &nothing), RK_OK);
			assert_int_equal(((rk_correlation_reset_reply *) r.data)->assets, 0);
		}
		/* after it, the same again */
		for (int64_t k = 0; k < 200; k++)
		{
			rk_observe_request q = {.value = o.value[k],.ts = o.ts[k]};

			set_name(q.asset, "asset ", o.asset[k]);
			assert_int_equal(ring_send(&r, 480, &q), RK_OK);
		}
		check_correlations(&r, &o, 200, estimator, returns, 5);
		rk_ctx_destroy(&r.ctx);
	}
}

/* As many assets as there can be. */
static void
test_correlation_rows(void **state)
{
	static ring r;
	rk_asset_name name;
	const rk_correlation_row *row = (void *) r.data;

	(void) state;
	ring_options(&r, &rk_actor_risk_realtime_correlation);
	option(&r, "min_observations")->integer = 2;
	ring_open(&r);
	set_name(name.asset, "asset ", 0);
	assert_int_equal(ring_send(&r, 484, &name), RK_OK);
	assert_int_equal(r.length, 0);
	for (int t = 0; t < 4; t++)
		for (int i = 0; i < 1000; i++)
		{
			rk_observe_request q = {.value = rk_uniform(rk_hash2(t, i)),.ts = t};

			set_name(q.asset, "asset ", i);
			assert_int_equal(handle(&r, 480, &q), RK_OK);
			assert_int_equal(((rk_observe_reply *) r.data)->correlations_updated, i);
		}
	set_name(name.asset, "asset ", 500);
	assert_int_equal(handle(&r, 484, &name), RK_OK);
	assert_int_equal(r.length, 999 * sizeof(*row));
	for (int k = 0; k < 999; k++, row++)
	{
		rk_pair_request q;
		double		correlation = row->correlation;

		set_name(q.asset_i, "asset ", 500);
		set_name(q.asset_j, "asset ", k < 500 ? k : k + 1);
		assert_memory_equal(q.asset_j, row->asset_j, RK_NAME_BYTES);
		assert_int_equal(row->num_observations, 4);
		if (k % 100 == 0)
		{
			assert_int_equal(handle(&r, 482, &q), RK_OK);
			assert_true(((rk_pair_reply *) r.data)->correlation == correlation);
			assert_int_equal(handle(&r, 484, &name), RK_OK);
		}
	}
	/* one more than may be */
	{
		rk_observe_request q = {.value = 1,.ts = 5};

		set_name(q.asset, "asset ", 1000);
		assert_int_equal(ring_send(&r, 480, &q), RK_ERR_LIMIT);
	}
	rk_ctx_destroy(&r.ctx);
}

static void
test_correlation_errors(void **state)
{
	static ring r;
	rk_observe_request q = {.value = 1,.ts = 10};
	rk_pair_request pair;

	(void) state;
	ring_options(&r, &rk_actor_risk_realtime_correlation);
	ring_open(&r);
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_PARAMETER);
	set_name(q.asset, "asset ", 1);
	assert_int_equal(ring_send(&r, 480, &q), RK_OK);
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_DATA);
	q.ts = 9;
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_DATA);
	q.ts = 11;
	q.value = INFINITY;
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_PARAMETER);
	q.value = NAN;
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_PARAMETER);
	set_name(pair.asset_i, "asset ", 1);
	set_name(pair.asset_j, "asset ", 1);
	assert_int_equal(ring_send(&r, 482, &pair), RK_ERR_PARAMETER);
	set_name(pair.asset_j, "asset ", 2);
	assert_int_equal(ring_send(&r, 482, &pair), RK_OK);
	assert_int_equal(((rk_pair_reply *) r.data)->status, RK_RISK_UNKNOWN_ASSET);
	rk_ctx_destroy(&r.ctx);
	ring_options(&r, &rk_actor_risk_realtime_correlation);
	option(&r, "as_returns")->is_null = false;
	option(&r, "as_returns")->integer = 1;
	ring_open(&r);
	q.value = 0;
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_PARAMETER);
	q.value = 1e-300;
	assert_int_equal(ring_send(&r, 480, &q), RK_OK);
	q.value = 1e300;
	q.ts++;
	assert_int_equal(ring_send(&r, 480, &q), RK_ERR_OVERFLOW);
	rk_ctx_destroy(&r.ctx);
}

/* ---- books ---- */

enum {BOOK = 20};

/* A book as a table: what the batch functions are given. */
typedef struct model_book
{
	bool		there[BOOK];
	int64_t		value[BOOK];
	double		volatility[BOOK];
	double		expected_return[BOOK];
	double		r[BOOK][BOOK];
	/* without those that are not there */
	int64_t		n;
	int			asset[BOOK];
	double		x[BOOK];
	double		matrix[BOOK * BOOK];
} model_book;

static void
pack(model_book *b, double years)
{
	b->n = 0;
	for (int i = 0; i < BOOK; i++)
		if (b->there[i])
			b->asset[b->n++] = i;
	for (int i = 0; i < b->n; i++)
	{
		b->x[i] = rk_fixed_value(b->value[b->asset[i]]) * b->volatility[b->asset[i]] * sqrt(years);
		for (int j = 0; j < b->n; j++)
			b->matrix[i * b->n + j] = i == j ? 1 : b->r[b->asset[i]][b->asset[j]];
	}
}

/* A value of any size, often one that there was before. */
static int64_t
random_value(uint64_t h)
{
	static const int64_t units[] = {1, 100, RK_FIXED_ONE, RK_FIXED_ONE * 1000000, RK_FIXED_ONE * INT64_C(1000000000)};

	if (h % 7 == 0)
		return 0;
	return ((int64_t) (h / 16 % 19) - 9) * units[h % 5];
}

/* Correlations by one common factor: possible once all of them are there. */
static double
possible_correlation(int i, int j)
{
	return 0.4 * cos(i) * cos(j);
}

static void
test_portfolio(void **state)
{
	static ring r;
	static model_book b;
	const double z = rk_normal_quantile(0.99);
	int			checked = 0;

	(void) state;
	memset(&b, 0, sizeof(b));
	ring_options(&r, &rk_actor_risk_portfolio_aggregation);
	ring_open(&r);
	for (int step = 0; step < 4000; step++)
	{
		uint64_t	h = rk_hash2(17, step);
		int			i = rk_hash2(h, 1) % BOOK;
		int			j = rk_hash2(h, 2) % BOOK;

		if (step % 3 != 2)
		{
			rk_exposure_request q = {.value = random_value(rk_hash2(h, 3)),.volatility = (double) (rk_hash2(h, 4) % 90) / 100};

			set_name(q.asset, "asset ", i);
			assert_int_equal(ring_send(&r, 420, &q), RK_OK);
			b.there[i] = true;
			b.value[i] = q.value;
			b.volatility[i] = q.volatility;
		}
		else
		{
			rk_correlation_request q = {.correlation = i == j ? 1 : possible_correlation(i, j)};

			set_name(q.asset_i, "asset ", i);
			set_name(q.asset_j, "asset ", j);
			assert_int_equal(ring_send(&r, 422, &q), b.there[i] && b.there[j] ? RK_OK : RK_ERR_DATA);
			if (b.there[i] && b.there[j])
				b.r[i][j] = b.r[j][i] = q.correlation;
		}
		if (step % 10 == 0)
		{
			double		standalone[BOOK];
			double		component[BOOK];
			double		incremental[BOOK];
			rk_portfolio_risk p = {.standalone_var = standalone,.component_var = component,.incremental_var = incremental};
			rk_question_request question = {NAN, NAN};
			const rk_portfolio_reply *whole = (void *) r.data;
			const rk_contribution_reply *one = (void *) r.data;
			rk_ctx		ctx;
			rk_status	possible;
			double		tolerance;
			bool		hedged;

			rk_ctx_init(&ctx);
			pack(&b, 10.0 / 252);
			possible = rk_correlation_factor(&ctx, b.matrix, b.n, NULL);
			rk_ctx_destroy(&ctx);
			rk_ctx_init(&ctx);
			assert_int_equal(rk_risk_portfolio_aggregation(&ctx, b.x, b.matrix, b.n, z, RK_VARIANCE_COVARIANCE, &p), RK_OK);
			/* of a hedge, rounding leaves more in the batch function */
			hedged = p.var < 1e-3 * p.undiversified_var;
			tolerance = (hedged ? 1e-6 : 1e-12) * p.undiversified_var;
			checked += possible == RK_OK && !hedged;
			assert_int_equal(ring_send(&r, 424, &question), possible);
			if (possible == RK_OK)
			{
				assert_true(fabs(whole->portfolio_var - p.var) <= tolerance);
				assert_true(fabs(whole->undiversified_var - p.undiversified_var) <= 1e-12 * p.undiversified_var);
				assert_true(fabs(whole->portfolio_expected_shortfall - p.sigma * rk_normal_density(z) / (1 - 0.99)) <= 2 * tolerance);
				assert_true(whole->diversification_benefit == whole->undiversified_var - whole->portfolio_var);
				for (int k = 0; k < b.n; k++)
				{
					rk_asset_name name;

					set_name(name.asset, "asset ", b.asset[k]);
					assert_int_equal(ring_send(&r, 426, &name), RK_OK);
					assert_int_equal(one->status, RK_RISK_OK);
					assert_true(fabs(one->standalone_var - standalone[k]) <= 1e-12 * p.undiversified_var);
					assert_true(fabs(one->component_var - component[k]) <= (hedged ? 1 : 1e-12) * p.undiversified_var);
					assert_true(fabs(one->incremental_var - incremental[k]) <= (hedged ? 1e-6 : 1e-7) * p.undiversified_var);
					assert_int_equal(isnan(one->marginal_var), b.value[b.asset[k]] == 0);
				}
			}
			rk_ctx_destroy(&ctx);
		}
		if (step % 700 == 50)
			ring_restart(&r);
	}
	assert_true(r.failures > 0);
	assert_true(checked > 100);
	rk_ctx_destroy(&r.ctx);
}

/* Large numbers that come and go leave nothing behind. */
static void
test_portfolio_forgets(void **state)
{
	static ring r;
	rk_exposure_request q = {.volatility = 0.3};
	rk_correlation_request c = {.correlation = 0.7};
	rk_question_request question = {0.99, 252};
	const rk_portfolio_reply *whole = (void *) r.data;
	double		z = rk_normal_quantile(0.99);

	(void) state;
	ring_options(&r, &rk_actor_risk_portfolio_aggregation);
	ring_open(&r);
	for (int i = 0; i < 8; i++)
	{
		set_name(q.asset, "asset ", i);
		assert_int_equal(ring_send(&r, 420, &q), RK_OK);
		for (int j = 0; j < i; j++)
		{
			set_name(c.asset_i, "asset ", i);
			set_name(c.asset_j, "asset ", j);
			assert_int_equal(ring_send(&r, 422, &c), RK_OK);
		}
	}
	for (int round = 0; round < 200; round++)
		for (int i = 0; i < 8; i++)
		{
			set_name(q.asset, "asset ", i);
			q.value = round == 199 ? 0 : (int64_t) (rk_hash3(round, i, 5) % INT64_C(9000000000000000000));
			q.volatility = 0.1 + rk_uniform(rk_hash3(round, i, 6));
			assert_int_equal(handle(&r, 420, &q), RK_OK);
		}
	assert_int_equal(ring_send(&r, 424, &question), RK_OK);
	assert_true(whole->portfolio_var == 0 && whole->undiversified_var == 0);
	set_name(q.asset, "asset ", 3);
	q.value = 1000;
	q.volatility = 0.25;
	assert_int_equal(ring_send(&r, 420, &q), RK_OK);
	assert_int_equal(ring_send(&r, 424, &question), RK_OK);
	assert_true(fabs(whole->portfolio_var / (z * 1e-5 * 0.25) - 1) < 1e-14);
	assert_true(fabs(whole->diversification_benefit) < 1e-20);
	rk_ctx_destroy(&r.ctx);
}

static void
test_portfolio_errors(void **state)
{
	static ring r;
	rk_exposure_request q = {.value = RK_FIXED_ONE,.volatility = 0.2};
	rk_correlation_request c = {.correlation = 0.9};
	rk_question_request question = {NAN, NAN};
	const rk_exposure_reply *answer = (void *) r.data;

	(void) state;
	ring_options(&r, &rk_actor_risk_portfolio_aggregation);
	ring_open(&r);
	assert_int_equal(ring_send(&r, 424, &question), RK_OK);
	assert_int_equal(ring_send(&r, 420, &q), RK_ERR_PARAMETER);
	for (int i = 0; i < 3; i++)
	{
		set_name(q.asset, "asset ", i);
		assert_int_equal(ring_send(&r, 420, &q), RK_OK);
	}
	q.volatility = -1;
	assert_int_equal(ring_send(&r, 420, &q), RK_ERR_PARAMETER);
	q.volatility = NAN;
	assert_int_equal(ring_send(&r, 420, &q), RK_ERR_PARAMETER);
	q.volatility = INFINITY;
	assert_int_equal(ring_send(&r, 420, &q), RK_ERR_PARAMETER);
	question.confidence = 0.5;
	assert_int_equal(ring_send(&r, 424, &question), RK_ERR_PARAMETER);
	question.confidence = 0.9;
	question.horizon = 0;
	assert_int_equal(ring_send(&r, 424, &question), RK_ERR_PARAMETER);
	question.horizon = 1;
	set_name(c.asset_i, "asset ", 0);
	set_name(c.asset_j, "asset ", 0);
	assert_int_equal(ring_send(&r, 422, &c), RK_ERR_DATA);
	set_name(c.asset_j, "asset ", 7);
	assert_int_equal(ring_send(&r, 422, &c), RK_ERR_DATA);
	set_name(c.asset_j, "asset ", 1);
	c.correlation = NAN;
	assert_int_equal(ring_send(&r, 422, &c), RK_ERR_PARAMETER);
	/* three that cannot be: -0.9 each */
	c.correlation = -0.9;
	assert_int_equal(ring_send(&r, 422, &c), RK_OK);
	set_name(c.asset_j, "asset ", 2);
	assert_int_equal(ring_send(&r, 422, &c), RK_OK);
	set_name(c.asset_i, "asset ", 1);
	assert_int_equal(ring_send(&r, 422, &c), RK_OK);
	assert_true(isnan(answer->portfolio_var) && isnan(answer->delta_var));
	assert_int_equal(ring_send(&r, 424, &question), RK_ERR_DATA);
	ring_restart(&r);
	assert_int_equal(ring_send(&r, 424, &question), RK_ERR_DATA);
	c.correlation = 0.9;
	assert_int_equal(ring_send(&r, 422, &c), RK_OK);
	assert_true(!isnan(answer->portfolio_var) && isnan(answer->delta_var));
	assert_int_equal(ring_send(&r, 424, &question), RK_OK);
	rk_ctx_destroy(&r.ctx);
}

/* ---- risk/monte-carlo-var ---- */

/* The positions in the order of the actor: a removal puts the last in the gap. */
typedef struct ordered_book
{
	int			n;
	int			asset[BOOK];
} ordered_book;

static int
place_of(const ordered_book *o, int asset)
{
	for (int k = 0; k < o->n; k++)
		if (o->asset[k] == asset)
			return k;
	return -1;
}

/* What the batch functions say about the book; RK_ERR_DATA if it cannot be. */
static rk_status
batch_simulation(rk_ctx *ctx, const model_book *b, const ordered_book *o, const rk_simulation *s, rk_simulated_risk *risk)
{
	double		value[BOOK];
	double		volatility[BOOK];
	double		expected_return[BOOK];
	double		matrix[BOOK * BOOK];
	double		factor[BOOK * BOOK];
	rk_positions p = {
		.count = o->n,.value = value,.volatility = volatility,.expected_return = expected_return,
		.correlations = matrix,.factor = factor
	};
	double	   *pnl = rk_alloc(ctx, s->simulations, sizeof(double));
	rk_status	status;

	for (int i = 0; i < o->n; i++)
	{
		value[i] = rk_fixed_value(b->value[o->asset[i]]);
		volatility[i] = b->volatility[o->asset[i]];
		expected_return[i] = b->expected_return[o->asset[i]];
		for (int j = 0; j < o->n; j++)
			matrix[i * o->n + j] = i == j ? 1 : b->r[o->asset[i]][o->asset[j]];
	}
	status = rk_correlation_factor(ctx, matrix, o->n, factor);
	if (status != RK_OK)
		return status;
	assert_int_equal(rk_risk_simulate(ctx, &p, s, pnl), RK_OK);
	assert_int_equal(rk_risk_simulated_measures(ctx, &p, s, pnl, risk), RK_OK);
	return RK_OK;
}

static int	severity_now;

static int
severity(double var, int64_t limit)
{
	double		share = var / rk_fixed_value(limit);

	return limit == RK_FIELD_ABSENT_INT8 || isnan(var) || share < 0.8 ? 0 : share < 1 ? 1 : share < 1.2 ? 2 : 3;
}

static void
test_var(void **state)
{
	static ring r;
	static model_book b;
	ordered_book o = {0};
	int			checked = 0;
	int			alerts = 0;
	int64_t		limit = RK_FIELD_ABSENT_INT8;

	(void) state;
	for (int round = 0; round < 4; round++)
	{
		rk_simulation s = {.confidence = 0.99,.years = 10.0 / 252,.simulations = 1000,
			.distribution = round % 2,.degrees_of_freedom = 5,.geometric = round / 2,
			.antithetic = round == 1,.sobol = round == 2,.seed = 7 + round};

		memset(&b, 0, sizeof(b));
		o.n = 0;
		limit = RK_FIELD_ABSENT_INT8;
		severity_now = 0;
		ring_options(&r, &rk_actor_risk_monte_carlo_var);
		option(&r, "simulations")->integer = s.simulations;
		option(&r, "distribution")->integer = s.distribution;
		option(&r, "returns")->integer = s.geometric;
		option(&r, "antithetic")->truth = s.antithetic;
		option(&r, "sampling")->integer = s.sobol;
		option(&r, "seed")->integer = s.seed;
		ring_open(&r);
		for (int step = 0; step < 700; step++)
		{
			uint64_t	h = rk_hash3(23, round, step);
			int			i = rk_hash2(h, 1) % BOOK;
			int			j = rk_hash2(h, 2) % BOOK;
			int			records = r.records;
			rk_question_request question = {NAN, NAN};
			const rk_var_reply *answer = (void *) r.data;
			int			now;
			int			told = -1;

			if (step % 40 == 20)
			{
				rk_limit_request q = {.var_limit = step % 3 == 0 ? RK_FIELD_ABSENT_INT8 : (int64_t) (rk_hash2(h, 3) % 100) * RK_FIXED_ONE * 1000 + 1};

				assert_int_equal(ring_send(&r, 408, &q), RK_OK);
				limit = q.var_limit;
				told = ((rk_limit_reply *) r.data)->severity;
			}
			else if (step % 5 == 4)
			{
				rk_asset_name q;
				int			k = place_of(&o, i);

				set_name(q.asset, "asset ", i);
				assert_int_equal(ring_send(&r, 410, &q), RK_OK);
				assert_int_equal(((rk_removed_reply *) r.data)->removed, k >= 0);
				if (k >= 0)
				{
					o.asset[k] = o.asset[--o.n];
					for (int m = 0; m < BOOK; m++)
						b.r[i][m] = b.r[m][i] = 0;
				}
			}
			else if (step % 2)
			{
				rk_position_request q = {.value = (int64_t) (rk_hash2(h, 3) % 200001) * RK_FIXED_ONE - 100000 * RK_FIXED_ONE,
					.volatility = (double) (rk_hash2(h, 4) % 90) / 100,.expected_return = (double) (rk_hash2(h, 5) % 20) / 100 - 0.05};

				set_name(q.asset, "asset ", i);
				assert_int_equal(ring_send(&r, 400, &q), RK_OK);
				if (place_of(&o, i) < 0)
					o.asset[o.n++] = i;
				b.value[i] = q.value;
				b.volatility[i] = q.volatility;
				b.expected_return[i] = q.expected_return;
			}
			else
			{
				rk_correlation_request q = {.correlation = i == j ? 1 : possible_correlation(i, j)};
				bool		known = place_of(&o, i) >= 0 && place_of(&o, j) >= 0;

				set_name(q.asset_i, "asset ", i);
				set_name(q.asset_j, "asset ", j);
				assert_int_equal(ring_send(&r, 406, &q), known ? RK_OK : RK_ERR_DATA);
				if (known)
					b.r[i][j] = b.r[j][i] = q.correlation;
			}
			if (handle(&r, 402, &question) == RK_OK)
			{
				/* an alert for each step to the worse, and for none other */
				now = severity(answer->var, limit);
				assert_int_equal(r.records - records, now > severity_now);
				assert_true(told == -1 || told == now);
				if (now > severity_now)
				{
					assert_int_equal(((rk_limit_alert *) r.record)->severity, now);
					assert_int_equal(((rk_limit_alert *) r.record)->var_limit, limit);
					assert_true(fabs(((rk_limit_alert *) r.record)->current_var - answer->var) < 1e-9 * answer->var);
					alerts++;
				}
				severity_now = now;
			}
			else
			{
				rk_question_request same = {0.99, 10};

				assert_int_equal(handle(&r, 402, &same), RK_ERR_DATA);
				/* x' R x may still be good: whatever it is, it is what alerts go by */
				severity_now = severity(NAN, limit);
				limit = RK_FIELD_ABSENT_INT8;
				assert_int_equal(handle(&r, 408, &(rk_limit_request) {.var_limit = limit}), RK_OK);
			}
			if (step % 20 == 0)
			{
				rk_ctx		ctx;
				rk_simulated_risk risk;
				rk_recalculate_request q = {RK_FIELD_ABSENT_INT8, NAN, NAN};
				const rk_simulated_reply *simulated = (void *) r.data;
				rk_status	possible;

				rk_ctx_init(&ctx);
				possible = batch_simulation(&ctx, &b, &o, &s, &risk);
				rk_ctx_destroy(&ctx);
				if (step % 60 == 0)
					ring_restart(&r);
				assert_int_equal(ring_send(&r, 404, &q), possible);
				/* the second time from what is kept */
				for (int k = 0; k < 2 && possible == RK_OK; k++)
				{
					assert_true(simulated->var == risk.var && simulated->expected_shortfall == risk.expected_shortfall);
					assert_true(simulated->var_lower == risk.var_lower && simulated->var_upper == risk.var_upper);
					assert_int_equal(ring_send(&r, 404, &q), RK_OK);
				}
				if (possible == RK_OK)
				{
					double		scale = fabs(risk.parametric_var) + risk.std_pnl;

					assert_int_equal(ring_send(&r, 402, &question), RK_OK);
					assert_true(fabs(answer->var - risk.parametric_var) <= 1e-12 * scale + 1e-9);
					checked += o.n > 3;
				}
			}
		}
		assert_true(r.failures > 0);
		rk_ctx_destroy(&r.ctx);
	}
	assert_true(checked > 50);
	assert_true(alerts > 10);
}

static bool
always(void *arg)
{
	(void) arg;
	return true;
}

static void
test_var_errors(void **state)
{
	static ring r;
	rk_position_request q = {.value = 1000 * RK_FIXED_ONE,.volatility = 0.2};
	rk_recalculate_request recalculate = {5000000, NAN, NAN};
	rk_limit_request limit = {0};
	int64_t		used;

	(void) state;
	ring_options(&r, &rk_actor_risk_monte_carlo_var);
	ring_open(&r);
	for (int i = 0; i < 20; i++)
	{
		set_name(q.asset, "asset ", i);
		assert_int_equal(ring_send(&r, 400, &q), RK_OK);
	}
	q.expected_return = NAN;
	assert_int_equal(ring_send(&r, 400, &q), RK_ERR_PARAMETER);
	assert_int_equal(ring_send(&r, 408, &limit), RK_ERR_PARAMETER);
	/* stopped: nothing of it stays */
	used = r.ctx.memory_used;
	r.ctx.interrupted = always;
	assert_int_equal(handle(&r, 404, &recalculate), RK_STOPPED);
	r.ctx.interrupted = NULL;
	assert_int_equal(r.ctx.memory_used, used);
	/* and so it is with too little memory */
	r.ctx.memory_limit = used + 1000000;
	assert_int_equal(handle(&r, 404, &recalculate), RK_ERR_MEMORY);
	recalculate.simulations = 100000;
	assert_int_equal(handle(&r, 404, &recalculate), RK_ERR_MEMORY);
	assert_int_equal(r.ctx.memory_used, used);
	r.ctx.memory_limit = 0;
	assert_int_equal(handle(&r, 404, &recalculate), RK_OK);
	recalculate.simulations = 99;
	assert_int_equal(ring_send(&r, 404, &recalculate), RK_ERR_PARAMETER);
	recalculate.simulations = 100;
	recalculate.confidence = 0.999;
	assert_int_equal(ring_send(&r, 404, &recalculate), RK_ERR_PARAMETER);
	recalculate.confidence = 1;
	assert_int_equal(ring_send(&r, 404, &recalculate), RK_ERR_PARAMETER);
	recalculate.confidence = 0.9;
	recalculate.horizon = -1;
	assert_int_equal(ring_send(&r, 404, &recalculate), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_credit),
		cmocka_unit_test(test_credit_errors),
		cmocka_unit_test(test_correlations),
		cmocka_unit_test(test_correlation_rows),
		cmocka_unit_test(test_correlation_errors),
		cmocka_unit_test(test_portfolio),
		cmocka_unit_test(test_portfolio_forgets),
		cmocka_unit_test(test_portfolio_errors),
		cmocka_unit_test(test_var),
		cmocka_unit_test(test_var_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

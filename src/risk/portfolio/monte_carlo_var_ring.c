/*
 * monte_carlo_var_ring.c
 *	  risk/monte-carlo-var as an actor: a book whose positions and
 *	  correlations change one by one, its VaR after every change, and a limit
 *	  that is watched.
 *
 * The parametric VaR is kept up to date: O(n) for a change, O(1) for an answer.
 * A simulated one is made by the batch functions, from the positions in the
 * order in which the actor has them, with the same random numbers each time;
 * so it has the bits of the batch form, also after a restart.  The simulated
 * profits and losses are kept until the book changes, and the random numbers,
 * where there is memory for them, until the number of positions does: then a
 * simulation is a sum.  To add the change of a value to the profits and losses
 * would leave other bits than a restart does.
 *
 * Several rings may share a book: each is a worker, has all positions for their
 * correlations, and publishes what its own add to the variance of the whole.
 */
#include "ring_book.h"

#include "../../compute/normal.h"
#include "../../compute/random.h"
#include "portfolio.h"

/* What is known of a position beside the book. */
typedef struct market
{
	int64_t		price;			/* fixed-point, the last; 0: none */
	int64_t		ts;				/* of that */
	int64_t		foreign;		/* another worker's */
} market;

typedef struct var_state
{
	rk_ring_book book;
	market	   *market;			/* by number of the position */
	uint32_t	market_room;
	int64_t		worker;			/* RK_FIELD_ABSENT_INT8: none */
	rk_risk_question initial;	/* what a message does not say */
	rk_simulation simulation;	/* likewise; years and confidence by question */
	int64_t		limit;			/* fixed-point; RK_FIELD_ABSENT_INT8: none */

	/* the last simulation; NULL: none */
	double	   *pnl;
	int64_t		pnl_count;
	double		pnl_years;
	uint64_t	pnl_changes;	/* book.changes when it was made */
	double	   *draws;			/* of arithmetic returns; NULL: they are not kept */
	int64_t		draws_simulations;
	int64_t		draws_positions;
	int64_t		draws_memory;	/* at most, bytes */
} var_state;

static rk_status
var_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	var_state  *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->initial = rk_question_init(options);
	s->simulation = (rk_simulation) {
		.simulations = rk_option_find(options, "simulations")->integer,
		.distribution = rk_option_find(options, "distribution")->integer,
		.degrees_of_freedom = rk_option_find(options, "degrees_of_freedom")->number,
		.geometric = rk_option_find(options, "returns")->integer == 1,
		.antithetic = rk_option_find(options, "antithetic")->truth,
		.sobol = rk_option_find(options, "sampling")->integer == 1,
		.seed = (uint64_t) rk_option_find(options, "seed")->integer
	};
	s->limit = RK_FIELD_ABSENT_INT8;
	s->draws_memory = rk_option_find(options, "draws_memory")->integer;
	s->worker = rk_option_find(options, "worker")->is_null ? RK_FIELD_ABSENT_INT8 : rk_option_find(options, "worker")->integer;
	*state = s;
	return RK_OK;
}

/* ---- the parametric VaR and its limit ---- */

static double
years_of(const rk_risk_question *q)
{
	return q->horizon / q->days_per_year;
}

/* Of normal returns; sigma is annual. */
static double
parametric_var(const var_state *s, const rk_risk_question *q, double sigma)
{
	return rk_normal_quantile(q->confidence) * sigma * sqrt(years_of(q)) -
		rk_long_sum_value(&s->book.mean) * years_of(q);
}

/* At the options; NaN when the correlations are impossible. */
static double
present_var(const var_state *s)
{
	return parametric_var(s, &s->initial, rk_book_sigma(&s->book));
}

static rk_limit_severity
severity_of(const var_state *s, double var)
{
	double		limit = rk_fixed_value(s->limit);

	if (s->limit == RK_FIELD_ABSENT_INT8 || !(var >= 0.8 * limit))
		return RK_LIMIT_WITHIN;
	return var >= 1.2 * limit ? RK_LIMIT_CRITICAL : var >= limit ? RK_LIMIT_BREACH : RK_LIMIT_WARNING;
}

/* Publishes an alert when a change has made things worse than they were. */
static void
watch_limit(const var_state *s, rk_limit_severity before, const char *asset, rk_reply *reply)
{
	double		var = present_var(s);
	rk_limit_severity severity = severity_of(s, var);

	if (severity > before && reply->publish)
	{
		rk_limit_alert alert = {
			.current_var = var,
			.var_limit = s->limit,
			.breach = fmax(var - rk_fixed_value(s->limit), 0),
			.severity = severity
		};

		if (asset)
			memcpy(alert.asset, asset, RK_NAME_BYTES);
		rk_publish(reply, 466, &alert, sizeof(alert));
	}
}

/* Whether an answer from before still holds. */
static bool
same_var(double before, double after)
{
	return before == after || (isnan(before) && isnan(after));
}

/* ---- workers ---- */

/* Publishes what the ring's own positions add to the risk of the book. */
static void
publish_partial(const var_state *s, rk_reply *reply)
{
	const rk_ring_book *b = &s->book;
	double		years = years_of(&s->initial);
	double		z = rk_normal_quantile(s->initial.confidence);
	rk_partial_risk partial = {.worker = (int32_t) s->worker};
	double		variance = 0;
	double		sigma;

	if (reply->publish == NULL || s->worker == RK_FIELD_ABSENT_INT8)
		return;
	for (uint32_t i = 0; i < b->names.count; i++)
	{
		double		own = 0;

		if (s->market[i].foreign)
			continue;
		for (uint32_t j = 0; j < b->names.count; j++)
			if (!s->market[j].foreign)
				own += b->r[(int64_t) i * b->capacity + j] * b->x[j];
		variance += b->x[i] * own;
		partial.covariance_contribution += b->x[i] * (b->rx_high[i] + b->rx_low[i]);
		partial.expected_profit += rk_fixed_value(b->value[i]) * b->expected_return[i];
		partial.position_count++;
	}
	sigma = sqrt(fmax(variance, 0) * years);
	partial.partial_var = z * sigma - partial.expected_profit * years;
	partial.partial_expected_shortfall = sigma * rk_normal_density(z) / (1 - s->initial.confidence) -
		partial.expected_profit * years;
	rk_publish(reply, 461, &partial, sizeof(partial));
}

/* Room for so many positions more. */
static rk_status
reserve(rk_ctx *ctx, var_state *s, uint32_t more)
{
	rk_status	status = rk_book_reserve(ctx, &s->book, more);

	return status == RK_OK ?
		rk_names_reserve_list(ctx, &s->book.names, (void **) &s->market, &s->market_room, sizeof(*s->market)) : status;
}

/* Sets a position that was checked and for which there is room. */
static void
set_position(rk_ctx *ctx, var_state *s, const rk_position_request *q, bool foreign)
{
	uint32_t	k = rk_names_find(&s->book.names, q->asset);

	(void) rk_book_set(ctx, &s->book, q->asset, q->value, q->volatility, q->expected_return);
	if (k == RK_NO_NAME)
		s->market[s->book.names.count - 1] = (market) {.foreign = foreign};
	else
		s->market[k].foreign = foreign;
}

/* ---- changes ---- */

static rk_status
update_position(rk_ctx *ctx, var_state *s, const rk_position_request *q, rk_reply *reply)
{
	rk_stale_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		before = present_var(s);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_book_check_position(ctx, q->asset, q->volatility, q->expected_return)) != RK_OK ||
		(status = reserve(ctx, s, 1)) != RK_OK)
		return status;
	set_position(ctx, s, q, false);
	r->var_stale = !same_var(before, present_var(s));
	watch_limit(s, severity_of(s, before), q->asset, reply);
	publish_partial(s, reply);
	return RK_OK;
}

/* All of them are checked, and have room, before the first is set. */
static rk_status
set_batch(rk_ctx *ctx, var_state *s, const rk_position_batch *q, rk_reply *reply)
{
	rk_position_batch_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_limit_severity before = severity_of(s, present_var(s));
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->count == 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"positions\" must not be empty");
	for (int64_t i = 0; i < q->count; i++)
	{
		const rk_position_request *p = &q->positions[i];

		if ((status = rk_book_check_position(ctx, p->asset, p->volatility, p->expected_return)) != RK_OK)
			return status;
	}
	if ((status = reserve(ctx, s, (uint32_t) q->count)) != RK_OK)
		return status;
	for (int64_t i = 0; i < q->count; i++)
		set_position(ctx, s, &q->positions[i], s->worker != RK_FIELD_ABSENT_INT8 && q->worker != s->worker);
	r->position_count = s->book.names.count;
	watch_limit(s, before, q->positions[q->count - 1].asset, reply);
	publish_partial(s, reply);
	return RK_OK;
}

/* value * price / before, rounded half away from zero; false: out of range. */
static bool
revalue(int64_t value, int64_t price, int64_t before, int64_t *result)
{
	__int128	product = (__int128) value * price;
	__int128	quotient = product / before;
	__int128	rest = product % before;

	if (2 * (rest < 0 ? -rest : rest) >= before)
		quotient += product < 0 ? -1 : 1;
	*result = (int64_t) quotient;
	return quotient > INT64_MIN && quotient <= INT64_MAX;
}

static rk_status
update_market(rk_ctx *ctx, var_state *s, const rk_message *message, rk_reply *reply)
{
	const rk_market_update *q = message->payload;
	rk_market_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = q->ts == RK_FIELD_ABSENT_INT8 ? message->sent_ns : q->ts;
	uint32_t	k = rk_names_find(&s->book.names, q->asset);
	double		before = present_var(s);
	double		volatility;
	int64_t		value;
	rk_status	status = rk_name_check(ctx, "asset", q->asset);

	if (r == NULL)
		return ctx->error.status;
	if (status != RK_OK)
		return status;
	if (q->price <= 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"price\" must be above 0");
	if (!isfinite(q->volatility_delta))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"volatility_delta\" must be a finite number");
	r->var_impact = NAN;
	if (k == RK_NO_NAME)
		return RK_OK;
	r->var_impact = 0;
	if (s->market[k].price != 0 && ts < s->market[k].ts)
		return RK_OK;
	value = s->book.value[k];
	volatility = s->book.volatility[k] + q->volatility_delta;
	if (s->market[k].price != 0 && !revalue(value, q->price, s->market[k].price, &value))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "value of \"%.*s\" is out of range", RK_NAME_BYTES, q->asset);
	if (volatility < 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "volatility of \"%.*s\" would be %g, below 0", RK_NAME_BYTES, q->asset, volatility);
	status = rk_book_set(ctx, &s->book, q->asset, value, volatility, s->book.expected_return[k]);
	if (status != RK_OK)
		return status;
	s->market[k].price = q->price;
	s->market[k].ts = ts;
	r->var_impact = present_var(s) - before;
	watch_limit(s, severity_of(s, before), q->asset, reply);
	publish_partial(s, reply);
	return RK_OK;
}

static rk_status
set_correlation(rk_ctx *ctx, var_state *s, const rk_correlation_request *q, rk_reply *reply)
{
	rk_stale_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		before = present_var(s);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = rk_book_correlate(ctx, &s->book, q);
	if (status != RK_OK)
		return status;
	r->var_stale = !same_var(before, present_var(s));
	watch_limit(s, severity_of(s, before), q->asset_i, reply);
	publish_partial(s, reply);
	return RK_OK;
}

static rk_status
remove_position(rk_ctx *ctx, var_state *s, const rk_asset_name *q, rk_reply *reply)
{
	rk_removed_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_limit_severity before = severity_of(s, present_var(s));
	uint32_t	k;

	if (r == NULL)
		return ctx->error.status;
	k = rk_names_find(&s->book.names, q->asset);
	r->removed = rk_book_remove(&s->book, q->asset);
	/* the last one has taken its number */
	if (r->removed)
		s->market[k] = s->market[s->book.names.count];
	watch_limit(s, before, q->asset, reply);
	publish_partial(s, reply);
	return RK_OK;
}

static rk_status
set_limit(rk_ctx *ctx, var_state *s, const rk_limit_request *q, rk_reply *reply)
{
	rk_limit_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_limit_severity before = severity_of(s, present_var(s));

	if (r == NULL)
		return ctx->error.status;
	if (q->var_limit <= 0 && q->var_limit != RK_FIELD_ABSENT_INT8)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"var_limit\" must be above 0");
	s->limit = q->var_limit;
	r->severity = severity_of(s, present_var(s));
	watch_limit(s, before, NULL, reply);
	return RK_OK;
}

/* ---- questions ---- */

static rk_status
query_var(rk_ctx *ctx, var_state *s, const rk_question_request *q, rk_reply *reply)
{
	rk_var_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_risk_question at;
	rk_status	status;
	double		sigma;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_book_question(ctx, &s->book, &s->initial, q, &at, &sigma)) != RK_OK)
		return status;
	r->var = parametric_var(s, &at, sigma);
	r->expected_shortfall = sigma * sqrt(years_of(&at)) *
		rk_normal_density(rk_normal_quantile(at.confidence)) / (1 - at.confidence) -
		rk_long_sum_value(&s->book.mean) * years_of(&at);
	r->is_fresh = true;
	return RK_OK;
}

/* Whether so many random numbers may be kept: within their limit, and half of the actor's. */
static bool
may_keep(const rk_ctx *ctx, const var_state *s, int64_t numbers)
{
	int64_t		bytes = numbers * (int64_t) sizeof(double);

	return numbers > 0 && bytes <= s->draws_memory &&
		(ctx->memory_limit == 0 || ctx->memory_used + bytes <= ctx->memory_limit / 2);
}

/* Makes room for the draws of a simulation, unless those that are kept are its own. */
static rk_status
prepare_draws(rk_ctx *ctx, var_state *s, const rk_simulation *simulation, bool *drawn)
{
	int64_t		n = s->book.names.count;
	int64_t		numbers = rk_risk_draws(n, simulation);

	*drawn = s->draws && s->draws_simulations == simulation->simulations && s->draws_positions == n;
	if (*drawn)
		return RK_OK;
	rk_free(ctx, s->draws);
	s->draws = NULL;
	if (!may_keep(ctx, s, numbers))
		return RK_OK;
	s->draws = rk_alloc(ctx, numbers, sizeof(double));
	/* nothing is there yet */
	s->draws_simulations = 0;
	s->draws_positions = n;
	return s->draws ? RK_OK : RK_ERR_MEMORY;
}

/* Simulates the book into pnl; in call, p is filled. */
static rk_status
simulate(rk_ctx *call, var_state *s, const rk_simulation *simulation, bool drawn, rk_positions *p, double *pnl)
{
	const rk_ring_book *b = &s->book;
	int64_t		n = b->names.count;
	double	   *value = rk_alloc(call, n, sizeof(double));
	double	   *matrix = rk_book_matrix(call, b);
	double	   *factor = rk_alloc(call, n * n, sizeof(double));
	rk_status	status;

	if (!value || !matrix || !factor)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		value[i] = rk_fixed_value(b->value[i]);
	*p = (rk_positions) {
		.count = n,.value = value,.volatility = b->volatility,.expected_return = b->expected_return,
		.correlations = matrix,.factor = factor
	};
	status = rk_correlation_factor(call, matrix, n, factor);
	if (status == RK_ERR_DATA)
		rk_fail_hint(call, "Set the correlations that are missing, or correct them.");
	if (status != RK_OK || pnl == NULL)
		return status;
	status = rk_risk_simulate_drawn(call, p, simulation, s->draws, drawn, pnl);
	if (status == RK_OK && s->draws)
		s->draws_simulations = rk_should_stop(call) ? 0 : simulation->simulations;
	return status;
}

static rk_status
recalculate(rk_ctx *ctx, var_state *s, const rk_recalculate_request *q, rk_reply *reply)
{
	rk_simulated_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_simulation simulation = s->simulation;
	rk_risk_question at;
	rk_ctx		call;
	rk_positions p;
	rk_simulated_risk risk;
	double	   *pnl;
	double	   *ranked;
	bool		kept;
	bool		drawn = false;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_question_of(ctx, &s->initial, q->confidence, q->horizon, &at)) != RK_OK)
		return status;
	if (q->simulations != RK_FIELD_ABSENT_INT8)
		simulation.simulations = q->simulations;
	simulation.confidence = at.confidence;
	simulation.years = years_of(&at);
	if (simulation.simulations < 100 || simulation.simulations > RK_MAX_KEPT_SIMULATIONS)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"simulations\" must be from 100 to %lld",
					   (long long) RK_MAX_KEPT_SIMULATIONS);
	if (rk_tail_of(simulation.simulations, at.confidence).mass < 1)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "%lld simulations are too few for confidence %.15g",
				(long long) simulation.simulations, at.confidence);
		rk_fail_detail(ctx, "At least one simulation must lie in the tail.");
		return RK_ERR_PARAMETER;
	}
	kept = s->pnl && s->pnl_count == simulation.simulations && s->pnl_years == simulation.years &&
		s->pnl_changes == s->book.changes;
	pnl = kept ? s->pnl : rk_alloc(ctx, simulation.simulations, sizeof(double));
	if (pnl == NULL)
		return RK_ERR_MEMORY;
	if (!kept && (status = prepare_draws(ctx, s, &simulation, &drawn)) != RK_OK)
	{
		rk_free(ctx, pnl);
		return status;
	}
	rk_ctx_enter(ctx, &call);
	status = simulate(&call, s, &simulation, drawn, &p, kept ? NULL : pnl);
	ranked = status == RK_OK ? rk_alloc(&call, simulation.simulations, sizeof(double)) : NULL;
	if (status == RK_OK && ranked == NULL)
		status = RK_ERR_MEMORY;
	if (status == RK_OK)
	{
		memcpy(ranked, pnl, simulation.simulations * sizeof(double));
		status = rk_risk_simulated_measures(&call, &p, &simulation, ranked, &risk);
	}
	status = rk_ctx_leave(ctx, &call, status);
	if (status != RK_OK)
	{
		if (!kept)
			rk_free(ctx, pnl);
		return status;
	}
	if (!kept)
	{
		rk_free(ctx, s->pnl);
		s->pnl = pnl;
		s->pnl_count = simulation.simulations;
		s->pnl_years = simulation.years;
		s->pnl_changes = s->book.changes;
	}
	r->var = risk.var;
	r->expected_shortfall = risk.expected_shortfall;
	r->var_lower = risk.var_lower;
	r->var_upper = risk.var_upper;
	return RK_OK;
}

static rk_status
var_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	var_state  *s = state;

	switch (message->type_id)
	{
		case 400:
			return update_position(ctx, s, message->payload, reply);
		case 402:
			return query_var(ctx, s, message->payload, reply);
		case 404:
			return recalculate(ctx, s, message->payload, reply);
		case 406:
			return set_correlation(ctx, s, message->payload, reply);
		case 408:
			return set_limit(ctx, s, message->payload, reply);
		case 410:
			return remove_position(ctx, s, message->payload, reply);
		case 460:
			return set_batch(ctx, s, message->payload, reply);
		case 464:
			return update_market(ctx, s, message, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "risk/monte-carlo-var has no message %u", message->type_id);
}

/* ---- snapshots ---- */

static rk_status
var_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	var_state  *s = state;
	rk_status	status = rk_write(ctx, writer, &s->limit, sizeof(s->limit));

	if (status == RK_OK)
		status = rk_book_write(ctx, &s->book, writer);
	if (status == RK_OK && s->book.names.count > 0)
		status = rk_write(ctx, writer, s->market, s->book.names.count * sizeof(market));
	return status;
}

static rk_status
var_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = var_init(ctx, options, state);
	var_state  *s = *state;

	if (status == RK_OK)
		status = rk_read_bytes(ctx, reader, &s->limit, sizeof(s->limit));
	if (status == RK_OK)
		status = rk_book_read(ctx, &s->book, reader);
	if (status == RK_OK)
		status = reserve(ctx, s, 0);
	if (status != RK_OK || s->book.names.count == 0)
		return status;
	/* the first version knew neither prices nor workers */
	memset(s->market, 0, s->book.names.count * sizeof(market));
	return version > 1 ? rk_read_bytes(ctx, reader, s->market, s->book.names.count * sizeof(market)) : RK_OK;
}

static uint64_t
var_checksum(rk_ctx *ctx, void *state)
{
	var_state  *s = state;

	uint64_t	sum = 0;

	(void) ctx;
	for (uint32_t i = 0; i < s->book.names.count; i++)
		if (s->market[i].price != 0 || s->market[i].foreign)
			sum += rk_hash_fold(rk_hash2(rk_name_hash(s->book.names.name[i].text), (uint64_t) s->market[i].price),
								(uint64_t) s->market[i].ts * 2 + (uint64_t) s->market[i].foreign);
	return rk_hash_fold(rk_book_checksum(&s->book), (uint64_t) s->limit) + sum;
}

static const char *const distributions[] = {"normal", "student_t", NULL};
static const char *const return_kinds[] = {"arithmetic", "geometric", NULL};
static const char *const samplings[] = {"pseudo", "sobol", NULL};

static const rk_param var_options[] = {
	{.name = "positions",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (asset, value, expected_return, volatility) to begin with"},
	{.name = "correlations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (asset_i, asset_j, correlation) to begin with; a pair that is not there is 0"},
	RK_QUESTION_OPTIONS,
	{.name = "simulations",.type = RK_TYPE_INT8,.initial = "100000",RK_BETWEEN(100, RK_MAX_KEPT_SIMULATIONS),
	.meaning = "of Recalculate, where it does not say"},
	{.name = "distribution",.type = RK_TYPE_TEXT,.initial = "'normal'",.choices = distributions,
	.meaning = "of simulated returns"},
	{.name = "degrees_of_freedom",.type = RK_TYPE_FLOAT8,.initial = "5",RK_ABOVE(2),.meaning = "of student_t"},
	{.name = "returns",.type = RK_TYPE_TEXT,.initial = "'arithmetic'",.choices = return_kinds,
	.meaning = "geometric: simulated prices are lognormal"},
	{.name = "antithetic",.type = RK_TYPE_BOOLEAN,.initial = "false",.meaning = "every second simulation mirrors the one before"},
	{.name = "sampling",.type = RK_TYPE_TEXT,.initial = "'pseudo'",.choices = samplings,
	.meaning = "sobol: a low-discrepancy sequence"},
	{.name = "seed",.type = RK_TYPE_INT8,.initial = "0",RK_ANY,.meaning = "of the random numbers"},
	{.name = "draws_memory",.type = RK_TYPE_INT8,.initial = "268435456",RK_AT_LEAST(0),
	.meaning = "bytes for random numbers that are kept, so that the next Recalculate need not draw them: 8 for each simulation and position"},
	{.name = "worker",.type = RK_TYPE_INT4,.initial = "NULL",RK_ANY,
	.meaning = "number of the ring among those that share a book; it then publishes what its own positions add to the risk of all"},
	{0}
};

static const rk_actor_load var_loads[] = {{"positions", 400}, {"correlations", 406}, {0}};

const rk_actor rk_actor_risk_monte_carlo_var = {
	.kernel = "risk/monte-carlo-var",
	.version = 2,
	.description = "VaR of a book whose positions and correlations change one by one",
	.messages = rk_risk_var_messages,
	.options = var_options,
	.loads = var_loads,
	.feed = 400,
	.init = var_init,
	.handle = var_handle,
	.snapshot = var_snapshot,
	.restore = var_restore,
	.checksum = var_checksum
};

/*
 * portfolio_aggregation_ring.c
 *	  risk/portfolio-aggregation as an actor: a portfolio whose exposures and
 *	  correlations change one by one.
 *
 * Answers are those of the batch function with method variance_covariance; a
 * change is O(n), an answer O(1).
 *
 * Where a book is shared by rings of risk/monte-carlo-var, their partial risks
 * are put together here: covariances of parts with the whole add up to its
 * variance.
 */
#include "ring_book.h"

#include "../../compute/normal.h"
#include "portfolio.h"

typedef struct portfolio_state
{
	rk_ring_book book;
	rk_risk_question initial;	/* what a message does not say */
	rk_partial_risk *partials;	/* the last of each worker, by their numbers */
	int64_t		partial_count;
	int64_t		partial_room;
	int64_t		workers;		/* that are waited for */
} portfolio_state;

static rk_status
portfolio_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	portfolio_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->initial = rk_question_init(options);
	s->workers = rk_option_find(options, "workers")->integer;
	*state = s;
	return RK_OK;
}

/* Standard deviations of a year at the horizon. */
static double
scale_of(const rk_risk_question *q)
{
	return sqrt(q->horizon / q->days_per_year);
}

/* VaR as the options say; NaN when the correlations are impossible. */
static double
portfolio_var(const portfolio_state *s)
{
	return rk_normal_quantile(s->initial.confidence) * scale_of(&s->initial) * rk_book_sigma(&s->book);
}

static rk_status
set_exposure(rk_ctx *ctx, portfolio_state *s, const rk_exposure_request *q, rk_reply *reply)
{
	rk_exposure_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		before = portfolio_var(s);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = rk_book_set(ctx, &s->book, q->asset, q->value, q->volatility, 0);
	r->portfolio_var = portfolio_var(s);
	r->delta_var = r->portfolio_var - before;
	return status;
}

static rk_status
set_correlation(rk_ctx *ctx, portfolio_state *s, const rk_correlation_request *q, rk_reply *reply)
{
	rk_exposure_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		before = portfolio_var(s);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = rk_book_correlate(ctx, &s->book, q);
	r->portfolio_var = portfolio_var(s);
	r->delta_var = r->portfolio_var - before;
	return status;
}

static rk_status
query(rk_ctx *ctx, portfolio_state *s, const rk_question_request *q, rk_reply *reply)
{
	rk_portfolio_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_risk_question at;
	rk_status	status;
	double		sigma;
	double		z;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_book_question(ctx, &s->book, &s->initial, q, &at, &sigma)) != RK_OK)
		return status;
	sigma *= scale_of(&at);
	z = rk_normal_quantile(at.confidence);
	r->portfolio_var = z * sigma;
	r->portfolio_expected_shortfall = sigma * rk_normal_density(z) / (1 - at.confidence);
	r->undiversified_var = z * scale_of(&at) * rk_long_sum_value(&s->book.gross);
	r->diversification_benefit = r->undiversified_var - r->portfolio_var;
	return RK_OK;
}

static rk_status
contributions(rk_ctx *ctx, portfolio_state *s, const rk_asset_name *q, rk_reply *reply)
{
	rk_contribution_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	const rk_ring_book *b = &s->book;
	uint32_t	i = rk_names_find(&b->names, q->asset);
	double		scale = scale_of(&s->initial);
	double		total = (double) b->total / (double) RK_FIXED_ONE;
	double		var;
	rk_position_risk risk;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (i == RK_NO_NAME)
	{
		r->status = RK_RISK_UNKNOWN_ASSET;
		return RK_OK;
	}
	if ((status = rk_book_check(ctx, &s->book)) != RK_OK)
		return status;
	risk = rk_risk_position(scale * b->x[i], scale * b->rx_high[i], scale * scale * rk_long_sum_value(&b->variance),
							rk_normal_quantile(s->initial.confidence));
	var = risk.portfolio_var;
	r->standalone_var = risk.standalone_var;
	r->component_var = risk.component_var;
	r->marginal_var = b->value[i] != 0 ? risk.component_var / rk_fixed_value(b->value[i]) + 0.0 : NAN;
	r->incremental_var = risk.incremental_var;
	r->share = var > 0 ? risk.component_var / var : NAN;
	r->beta = var > 0 && b->total != 0 ? r->marginal_var * total / var : NAN;
	return RK_OK;
}

/* ---- partial risks ---- */

/* Puts a partial in its place; there is room for it. */
static void
put_partial(portfolio_state *s, const rk_partial_risk *partial)
{
	int64_t		at = 0;

	while (at < s->partial_count && s->partials[at].worker < partial->worker)
		at++;
	if (at == s->partial_count || s->partials[at].worker != partial->worker)
	{
		memmove(s->partials + at + 1, s->partials + at, sizeof(*partial) * (s->partial_count - at));
		s->partial_count++;
	}
	s->partials[at] = *partial;
}

static rk_status
reserve_partial(rk_ctx *ctx, portfolio_state *s)
{
	int64_t		room = s->partial_room ? 2 * s->partial_room : 8;
	rk_partial_risk *grown;

	if (s->partial_count < s->partial_room)
		return RK_OK;
	grown = s->partials ? rk_realloc(ctx, s->partials, room, sizeof(*grown)) : rk_alloc(ctx, room, sizeof(*grown));
	if (grown == NULL)
		return RK_ERR_MEMORY;
	s->partials = grown;
	s->partial_room = room;
	return RK_OK;
}

static rk_status
aggregate(rk_ctx *ctx, portfolio_state *s, const rk_partial_risk *q, rk_reply *reply)
{
	rk_aggregation_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	double		z = rk_normal_quantile(s->initial.confidence);
	double		years = s->initial.horizon / s->initial.days_per_year;
	double		variance = 0;
	double		profit = 0;
	double		partial_vars = 0;
	double		sigma;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (!isfinite(q->partial_var) || !isfinite(q->partial_expected_shortfall) || !isfinite(q->covariance_contribution) ||
		!isfinite(q->expected_profit))
		return rk_fail(ctx, RK_ERR_PARAMETER, "fields of a partial risk must be finite numbers");
	if ((status = reserve_partial(ctx, s)) != RK_OK)
		return status;
	put_partial(s, q);
	r->complete = s->partial_count >= s->workers;
	r->final_var = r->final_expected_shortfall = r->diversification_benefit = NAN;
	if (!r->complete)
		return RK_OK;
	for (int64_t i = 0; i < s->partial_count; i++)
	{
		variance += s->partials[i].covariance_contribution;
		profit += s->partials[i].expected_profit;
		partial_vars += s->partials[i].partial_var;
	}
	sigma = sqrt(fmax(variance, 0) * years);
	r->final_var = z * sigma - profit * years;
	r->final_expected_shortfall = sigma * rk_normal_density(z) / (1 - s->initial.confidence) - profit * years;
	r->diversification_benefit = partial_vars - r->final_var;
	return RK_OK;
}

static rk_status
portfolio_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	portfolio_state *s = state;

	switch (message->type_id)
	{
		case 420:
			return set_exposure(ctx, s, message->payload, reply);
		case 422:
			return set_correlation(ctx, s, message->payload, reply);
		case 424:
			return query(ctx, s, message->payload, reply);
		case 426:
			return contributions(ctx, s, message->payload, reply);
		case 462:
			return aggregate(ctx, s, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "risk/portfolio-aggregation has no message %u", message->type_id);
}

static rk_status
portfolio_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	portfolio_state *s = state;
	rk_status	status = rk_book_write(ctx, &s->book, writer);

	if (status == RK_OK)
		status = rk_write(ctx, writer, &s->partial_count, sizeof(s->partial_count));
	if (status == RK_OK && s->partial_count > 0)
		status = rk_write(ctx, writer, s->partials, sizeof(*s->partials) * s->partial_count);
	return status;
}

static rk_status
portfolio_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = portfolio_init(ctx, options, state);
	portfolio_state *s = *state;
	int64_t		count = 0;

	if (status == RK_OK)
		status = rk_book_read(ctx, &s->book, reader);
	/* the first version had no partial risks */
	if (status == RK_OK && version > 1)
		status = rk_read_bytes(ctx, reader, &count, sizeof(count));
	for (int64_t i = 0; status == RK_OK && i < count; i++)
	{
		rk_partial_risk partial;

		if ((status = rk_read_bytes(ctx, reader, &partial, sizeof(partial))) == RK_OK &&
			(status = reserve_partial(ctx, s)) == RK_OK)
			put_partial(s, &partial);
	}
	return status;
}

static uint64_t
portfolio_checksum(rk_ctx *ctx, void *state)
{
	portfolio_state *s = state;
	uint64_t	sum = 0;

	(void) ctx;
	for (int64_t i = 0; i < s->partial_count; i++)
	{
		const rk_partial_risk *p = &s->partials[i];
		uint64_t	h = rk_hash2((uint64_t) p->worker, (uint64_t) p->position_count);

		h = rk_hash_fold(h, rk_number_bits(p->partial_var));
		h = rk_hash_fold(h, rk_number_bits(p->partial_expected_shortfall));
		h = rk_hash_fold(h, rk_number_bits(p->covariance_contribution));
		sum += rk_hash_fold(h, rk_number_bits(p->expected_profit));
	}
	return rk_book_checksum(&s->book) + sum;
}

static const rk_param portfolio_options[] = {
	{.name = "positions",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (asset, value, volatility) to begin with"},
	{.name = "correlations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (asset_i, asset_j, correlation) to begin with; a pair that is not there is 0"},
	RK_QUESTION_OPTIONS,
	{.name = "workers",.type = RK_TYPE_INT4,.initial = "1",RK_AT_LEAST(1),
	.meaning = "rings whose partial risks make the whole, for Aggregation"},
	{0}
};

static const rk_actor_load portfolio_loads[] = {{"positions", 420}, {"correlations", 422}, {0}};

const rk_actor rk_actor_risk_portfolio_aggregation = {
	.kernel = "risk/portfolio-aggregation",
	.version = 2,
	.description = "risk of a portfolio whose exposures and correlations change one by one",
	.messages = rk_risk_portfolio_messages,
	.options = portfolio_options,
	.loads = portfolio_loads,
	.feed = 420,
	.init = portfolio_init,
	.handle = portfolio_handle,
	.snapshot = portfolio_snapshot,
	.restore = portfolio_restore,
	.checksum = portfolio_checksum
};

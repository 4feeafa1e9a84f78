/*
 * messages.c
 *	  The messages of the actors of value at risk and of portfolios.
 */
#include "portfolio_ring.h"

static const rk_field asset_name[] = {
	RK_ASSET_FIELD(rk_asset_name, asset, "the asset"),
	{0}
};

static const rk_field removed_reply[] = {
	RK_FIELD(rk_removed_reply, removed, RK_FIELD_BOOLEAN,.meaning = "whether it was there"),
	{0}
};

static const rk_field correlation_request[] = {
	RK_ASSET_FIELD(rk_correlation_request, asset_i, "a position"),
	RK_ASSET_FIELD(rk_correlation_request, asset_j, "another one"),
	RK_FIELD(rk_correlation_request, correlation, RK_FIELD_FLOAT8,.min = -1,.max = 1,.meaning = "of their returns"),
	{0}
};

static const rk_field question_request[] = {
	RK_OPTIONAL_FIELD(rk_question_request, confidence, "probability that the loss is not above the VaR, in the range (0.5, 1); NULL: the option"),
	RK_OPTIONAL_FIELD(rk_question_request, horizon, "in days; NULL: the option"),
	{0}
};

/* ---- risk/monte-carlo-var ---- */

static const char *const severities[] = {"within", "warning", "breach", "critical", NULL};

#define SEVERITY(record, words) RK_FIELD(record, severity, RK_FIELD_CODE,.choices = severities,.meaning = words)

static const rk_field position_request[] = {
	RK_ASSET_FIELD(rk_position_request, asset, "the position, 40 bytes at most"),
	RK_FIELD(rk_position_request, value, RK_FIELD_FIXED,.meaning = "its value; negative: short"),
	RK_FIELD(rk_position_request, expected_return, RK_FIELD_FLOAT8,.implied = "0",.meaning = "annual"),
	RK_FIELD(rk_position_request, volatility, RK_FIELD_FLOAT8,.meaning = "annual, 0 or more"),
	{0}
};

static const rk_field stale_reply[] = {
	RK_FIELD(rk_stale_reply, var_stale, RK_FIELD_BOOLEAN,.meaning = "whether a VaR from before no longer holds"),
	{0}
};

static const rk_field var_reply[] = {
	RK_FIELD(rk_var_reply, var, RK_FIELD_FLOAT8,.meaning = "parametric VaR, of normal returns"),
	RK_FIELD(rk_var_reply, expected_shortfall, RK_FIELD_FLOAT8,.meaning = "likewise"),
	RK_FIELD(rk_var_reply, is_fresh, RK_FIELD_BOOLEAN,.meaning = "true: they are of the book as it is, and follow every message"),
	{0}
};

static const rk_field recalculate_request[] = {
	RK_FIELD(rk_recalculate_request, simulations, RK_FIELD_INT8,.initial = "NULL",.meaning = "how many, from 100 to 100000000; NULL: the option"),
	RK_OPTIONAL_FIELD(rk_recalculate_request, confidence, "probability that the loss is not above the VaR, in the range (0.5, 1); NULL: the option"),
	RK_OPTIONAL_FIELD(rk_recalculate_request, horizon, "in days; NULL: the option"),
	{0}
};

static const rk_field simulated_reply[] = {
	RK_FIELD(rk_simulated_reply, var, RK_FIELD_FLOAT8,.meaning = "simulated VaR"),
	RK_FIELD(rk_simulated_reply, expected_shortfall, RK_FIELD_FLOAT8,.meaning = "mean loss of the tail"),
	RK_FIELD(rk_simulated_reply, var_lower, RK_FIELD_FLOAT8,.meaning = "lower end of the 95 % interval of the VaR"),
	RK_FIELD(rk_simulated_reply, var_upper, RK_FIELD_FLOAT8,.meaning = "its upper end"),
	{0}
};

static const rk_field limit_request[] = {
	RK_FIELD(rk_limit_request, var_limit, RK_FIELD_FIXED,.initial = "NULL",.meaning = "above 0; NULL: no limit"),
	{0}
};

static const rk_field limit_reply[] = {
	SEVERITY(rk_limit_reply, "of the parametric VaR: warning from 80 % of the limit, breach from the limit, critical from 120 %"),
	{0}
};

static const rk_field limit_alert[] = {
	SEVERITY(rk_limit_alert, "warning from 80 % of the limit, breach from the limit, critical from 120 %"),
	RK_FIELD(rk_limit_alert, current_var, RK_FIELD_FLOAT8,.meaning = "parametric VaR at the confidence and horizon of the options"),
	RK_FIELD(rk_limit_alert, var_limit, RK_FIELD_FIXED,.meaning = "the limit"),
	RK_FIELD(rk_limit_alert, breach, RK_FIELD_FLOAT8,.meaning = "how far the VaR is above it, or 0"),
	RK_ASSET_FIELD(rk_limit_alert, asset, "the position whose change did it; empty: the limit has changed"),
	{0}
};

static const rk_field position_batch[] = {
	RK_FIELD(rk_position_batch, worker, RK_FIELD_INT4,.meaning = "whose positions they are: those of the option worker are the ring's own, others are there for their correlations"),
	{.name = "positions",.kind = RK_FIELD_RECORDS,.offset = 0,
	.size = sizeof(int64_t) + RK_BATCH_POSITIONS * sizeof(rk_position_request),.records = position_request,
	.record_size = sizeof(rk_position_request),.meaning = "up to 8 as update_position takes them, an array of objects"},
	{0}
};

static const rk_field position_batch_reply[] = {
	RK_FIELD(rk_position_batch_reply, position_count, RK_FIELD_INT8,.meaning = "positions that the ring has, whoever's"),
	{0}
};

#define PARTIAL_FIELDS(profit_initial) \
	RK_FIELD(rk_partial_risk, worker, RK_FIELD_INT4,.meaning = "whose part of the book it is"), \
	RK_FIELD(rk_partial_risk, partial_var, RK_FIELD_FLOAT8,.meaning = "parametric VaR of that part alone, at the options"), \
	RK_FIELD(rk_partial_risk, partial_expected_shortfall, RK_FIELD_FLOAT8,.meaning = "likewise"), \
	RK_FIELD(rk_partial_risk, position_count, RK_FIELD_INT4,.meaning = "positions of that part"), \
	RK_FIELD(rk_partial_risk, covariance_contribution, RK_FIELD_FLOAT8, \
			 .meaning = "annual covariance of that part with the whole book; these add up to its variance"), \
	RK_FIELD(rk_partial_risk, expected_profit, RK_FIELD_FLOAT8,.initial = profit_initial,.meaning = "annual, of that part")

static const rk_field partial_record[] = {
	PARTIAL_FIELDS(NULL),
	{0}
};

static const rk_field market_update[] = {
	RK_ASSET_FIELD(rk_market_update, asset, "the asset"),
	RK_FIELD(rk_market_update, price, RK_FIELD_FIXED,.meaning = "above 0; a position is worth its value times this price through the one before"),
	RK_FIELD(rk_market_update, volatility_delta, RK_FIELD_FLOAT8,.initial = "0",.meaning = "added to the volatility of the position"),
	RK_FIELD(rk_market_update, ts, RK_FIELD_TIME,.initial = "NULL",.meaning = "of the price; one of before the last does nothing; NULL: when it was sent"),
	{0}
};

static const rk_field market_reply[] = {
	RK_OPTIONAL_FIELD(rk_market_reply, var_impact, "how much the parametric VaR at the options has changed; NULL: there is no such position"),
	{0}
};

const rk_message_type rk_risk_var_messages[] = {
	{
		.type_id = 400,
		.reply_id = 401,
		.name = "UpdatePosition",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_update_position",
		.description = "sets a position of a risk/monte-carlo-var ring, which may be new",
		.mutating = true,
		.request = position_request,
		.request_size = sizeof(rk_position_request),
		.reply = stale_reply,
		.reply_size = sizeof(rk_stale_reply)
	},
	{
		.type_id = 402,
		.reply_id = 403,
		.name = "QueryVar",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_query_var",
		.description = "parametric VaR and expected shortfall of a risk/monte-carlo-var ring",
		.request = question_request,
		.request_size = sizeof(rk_question_request),
		.reply = var_reply,
		.reply_size = sizeof(rk_var_reply)
	},
	{
		.type_id = 404,
		.reply_id = 405,
		.name = "Recalculate",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_recalculate",
		.description = "simulated VaR and expected shortfall of a risk/monte-carlo-var ring, from the same random numbers each time",
		.request = recalculate_request,
		.request_size = sizeof(rk_recalculate_request),
		.reply = simulated_reply,
		.reply_size = sizeof(rk_simulated_reply)
	},
	{
		.type_id = 406,
		.reply_id = 407,
		.name = "SetCorrelation",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_set_correlation",
		.description = "sets the correlation of two positions of a risk/monte-carlo-var ring, in both orders",
		.mutating = true,
		.request = correlation_request,
		.request_size = sizeof(rk_correlation_request),
		.reply = stale_reply,
		.reply_size = sizeof(rk_stale_reply)
	},
	{
		.type_id = 408,
		.reply_id = 409,
		.name = "SetLimit",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_set_limit",
		.description = "sets the limit that the parametric VaR of a risk/monte-carlo-var ring is watched against",
		.mutating = true,
		.request = limit_request,
		.request_size = sizeof(rk_limit_request),
		.reply = limit_reply,
		.reply_size = sizeof(rk_limit_reply)
	},
	{
		.type_id = 410,
		.reply_id = 411,
		.name = "RemovePosition",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_remove_position",
		.description = "removes a position from a risk/monte-carlo-var ring; false if there is none",
		.mutating = true,
		.request = asset_name,
		.request_size = sizeof(rk_asset_name),
		.reply = removed_reply,
		.reply_size = sizeof(rk_removed_reply)
	},
	{
		.type_id = 460,
		.reply_id = 467,
		.name = "PositionBatch",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_position_batch",
		.description = "sets up to 8 positions of a worker in a risk/monte-carlo-var ring, all or none",
		.mutating = true,
		.request = position_batch,
		.request_size = sizeof(rk_position_batch),
		.reply = position_batch_reply,
		.reply_size = sizeof(rk_position_batch_reply)
	},
	{
		.type_id = 461,
		.name = "Partial",
		.kernel = "risk/monte-carlo-var",
		.description = "what the part of a worker adds to the risk of the book, after every change in its risk/monte-carlo-var ring",
		.request = partial_record,
		.request_size = sizeof(rk_partial_risk),
		.published = true
	},
	{
		.type_id = 464,
		.reply_id = 465,
		.name = "MarketUpdate",
		.kernel = "risk/monte-carlo-var",
		.function = "ring_risk_market_update",
		.description = "revalues a position of a risk/monte-carlo-var ring at a new price, and returns what that did to the VaR",
		.mutating = true,
		.request = market_update,
		.request_size = sizeof(rk_market_update),
		.reply = market_reply,
		.reply_size = sizeof(rk_market_reply)
	},
	{
		.type_id = 466,
		.name = "LimitAlert",
		.kernel = "risk/monte-carlo-var",
		.description = "a change that has made the VaR of a risk/monte-carlo-var ring more severe",
		.request = limit_alert,
		.request_size = sizeof(rk_limit_alert),
		.published = true
	},
	{0}
};

/* ---- risk/portfolio-aggregation ---- */

static const rk_field exposure_request[] = {
	RK_ASSET_FIELD(rk_exposure_request, asset, "the position, 40 bytes at most"),
	RK_FIELD(rk_exposure_request, value, RK_FIELD_FIXED,.meaning = "its value; negative: short"),
	RK_FIELD(rk_exposure_request, volatility, RK_FIELD_FLOAT8,.meaning = "annual, 0 or more"),
	{0}
};

static const rk_field exposure_reply[] = {
	RK_OPTIONAL_FIELD(rk_exposure_reply, portfolio_var, "VaR at the confidence and horizon of the options; NULL: no correlations can be so"),
	RK_OPTIONAL_FIELD(rk_exposure_reply, delta_var, "how much it has changed"),
	{0}
};

static const rk_field portfolio_reply[] = {
	RK_FIELD(rk_portfolio_reply, portfolio_var, RK_FIELD_FLOAT8,.meaning = "VaR of the portfolio"),
	RK_FIELD(rk_portfolio_reply, portfolio_expected_shortfall, RK_FIELD_FLOAT8,.meaning = "its expected shortfall"),
	RK_FIELD(rk_portfolio_reply, undiversified_var, RK_FIELD_FLOAT8,.meaning = "sum of the VaRs of the positions alone"),
	RK_FIELD(rk_portfolio_reply, diversification_benefit, RK_FIELD_FLOAT8,.meaning = "undiversified_var - portfolio_var"),
	{0}
};

static const rk_field contribution_reply[] = {
	RK_FIELD(rk_contribution_reply, standalone_var, RK_FIELD_FLOAT8,.meaning = "VaR of the position alone"),
	RK_FIELD(rk_contribution_reply, component_var, RK_FIELD_FLOAT8,.meaning = "its part of the VaR; the parts add up to it"),
	RK_OPTIONAL_FIELD(rk_contribution_reply, marginal_var, "component_var / value; NULL for value 0"),
	RK_FIELD(rk_contribution_reply, incremental_var, RK_FIELD_FLOAT8,.meaning = "VaR minus the VaR without it"),
	RK_OPTIONAL_FIELD(rk_contribution_reply, share, "component_var / VaR; NULL when that is 0"),
	RK_OPTIONAL_FIELD(rk_contribution_reply, beta, "marginal_var * total value / VaR; NULL for total 0"),
	RK_STATUS_FIELD(rk_contribution_reply, "whether there is such a position"),
	{0}
};

static const rk_field aggregation_request[] = {
	PARTIAL_FIELDS("0"),
	{0}
};

static const rk_field aggregation_reply[] = {
	RK_FIELD(rk_aggregation_reply, complete, RK_FIELD_BOOLEAN,.meaning = "whether all workers have reported"),
	RK_OPTIONAL_FIELD(rk_aggregation_reply, final_var, "VaR of the whole book, at the options; NULL: not complete"),
	RK_OPTIONAL_FIELD(rk_aggregation_reply, final_expected_shortfall, "likewise"),
	RK_OPTIONAL_FIELD(rk_aggregation_reply, diversification_benefit, "sum of the partial VaRs - final_var"),
	{0}
};

const rk_message_type rk_risk_portfolio_messages[] = {
	{
		.type_id = 420,
		.reply_id = 421,
		.name = "PortfolioSetExposure",
		.kernel = "risk/portfolio-aggregation",
		.function = "ring_risk_portfolio_set_exposure",
		.description = "sets a position of a risk/portfolio-aggregation ring, which may be new",
		.mutating = true,
		.request = exposure_request,
		.request_size = sizeof(rk_exposure_request),
		.reply = exposure_reply,
		.reply_size = sizeof(rk_exposure_reply)
	},
	{
		.type_id = 422,
		.reply_id = 423,
		.name = "PortfolioSetCorrelation",
		.kernel = "risk/portfolio-aggregation",
		.function = "ring_risk_portfolio_set_correlation",
		.description = "sets the correlation of two positions of a risk/portfolio-aggregation ring, in both orders",
		.mutating = true,
		.request = correlation_request,
		.request_size = sizeof(rk_correlation_request),
		.reply = exposure_reply,
		.reply_size = sizeof(rk_exposure_reply)
	},
	{
		.type_id = 424,
		.reply_id = 425,
		.name = "PortfolioQuery",
		.kernel = "risk/portfolio-aggregation",
		.function = "ring_risk_portfolio_query",
		.description = "risk of the whole of a risk/portfolio-aggregation ring",
		.request = question_request,
		.request_size = sizeof(rk_question_request),
		.reply = portfolio_reply,
		.reply_size = sizeof(rk_portfolio_reply)
	},
	{
		.type_id = 426,
		.reply_id = 427,
		.name = "PortfolioContributions",
		.kernel = "risk/portfolio-aggregation",
		.function = "ring_risk_portfolio_contributions",
		.description = "what a position is to a risk/portfolio-aggregation ring, at the confidence and horizon of its options; no row for one it does not have",
		.request = asset_name,
		.request_size = sizeof(rk_asset_name),
		.reply = contribution_reply,
		.reply_size = sizeof(rk_contribution_reply),
		.found = "status"
	},
	{
		.type_id = 462,
		.reply_id = 463,
		.name = "Aggregation",
		.kernel = "risk/portfolio-aggregation",
		.function = "ring_risk_aggregation",
		.description = "hands the partial risk of a worker to a risk/portfolio-aggregation ring, in place of its last one, and returns that of the whole",
		.mutating = true,
		.request = aggregation_request,
		.request_size = sizeof(rk_partial_risk),
		.reply = aggregation_reply,
		.reply_size = sizeof(rk_aggregation_reply)
	},
	{0}
};

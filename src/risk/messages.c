/*
 * messages.c
 *	  The messages of the risk actors.
 */
#include "risk_ring.h"

#include "risk.h"

static const rk_field no_fields[] = {{0}};

#define ASSET(record, field, words) RK_FIELD(record, field, RK_FIELD_TEXT,.meaning = words)
#define STATUS(record, words) RK_FIELD(record, status, RK_FIELD_CODE,.choices = statuses,.meaning = words)

static const char *const statuses[] = {"ok", "unknown_asset", NULL};

static const rk_field asset_name[] = {
	ASSET(rk_asset_name, asset, "the asset"),
	{0}
};

#define OPTIONAL(record, field, words) RK_FIELD(record, field, RK_FIELD_FLOAT8,.initial = "NULL",.meaning = words)

static const rk_field removed_reply[] = {
	RK_FIELD(rk_removed_reply, removed, RK_FIELD_BOOLEAN,.meaning = "whether it was there"),
	{0}
};

static const rk_field correlation_request[] = {
	ASSET(rk_correlation_request, asset_i, "a position"),
	ASSET(rk_correlation_request, asset_j, "another one"),
	RK_FIELD(rk_correlation_request, correlation, RK_FIELD_FLOAT8,.min = -1,.max = 1,.meaning = "of their returns"),
	{0}
};

static const rk_field question_request[] = {
	OPTIONAL(rk_question_request, confidence, "probability that the loss is not above the VaR, in the range (0.5, 1); NULL: the option"),
	OPTIONAL(rk_question_request, horizon, "in days; NULL: the option"),
	{0}
};

/* ---- risk/monte-carlo-var ---- */

static const char *const severities[] = {"within", "warning", "breach", "critical", NULL};

#define SEVERITY(record, words) RK_FIELD(record, severity, RK_FIELD_CODE,.choices = severities,.meaning = words)

static const rk_field position_request[] = {
	ASSET(rk_position_request, asset, "the position, 40 bytes at most"),
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
	OPTIONAL(rk_recalculate_request, confidence, "probability that the loss is not above the VaR, in the range (0.5, 1); NULL: the option"),
	OPTIONAL(rk_recalculate_request, horizon, "in days; NULL: the option"),
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
	ASSET(rk_limit_alert, asset, "the position whose change did it; empty: the limit has changed"),
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
	ASSET(rk_exposure_request, asset, "the position, 40 bytes at most"),
	RK_FIELD(rk_exposure_request, value, RK_FIELD_FIXED,.meaning = "its value; negative: short"),
	RK_FIELD(rk_exposure_request, volatility, RK_FIELD_FLOAT8,.meaning = "annual, 0 or more"),
	{0}
};

static const rk_field exposure_reply[] = {
	OPTIONAL(rk_exposure_reply, portfolio_var, "VaR at the confidence and horizon of the options; NULL: no correlations can be so"),
	OPTIONAL(rk_exposure_reply, delta_var, "how much it has changed"),
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
	OPTIONAL(rk_contribution_reply, marginal_var, "component_var / value; NULL for value 0"),
	RK_FIELD(rk_contribution_reply, incremental_var, RK_FIELD_FLOAT8,.meaning = "VaR minus the VaR without it"),
	OPTIONAL(rk_contribution_reply, share, "component_var / VaR; NULL when that is 0"),
	OPTIONAL(rk_contribution_reply, beta, "marginal_var * total value / VaR; NULL for total 0"),
	STATUS(rk_contribution_reply, "whether there is such a position"),
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
	{0}
};

/* ---- risk/credit-scoring ---- */

#define OBLIGOR(record) RK_FIELD(record, obligor, RK_FIELD_TEXT,.meaning = "the obligor, 40 bytes at most")

static const rk_field obligor_request[] = {
	OBLIGOR(rk_obligor_request),
	RK_FIELD(rk_obligor_request, pd, RK_FIELD_FLOAT8,.min = 0,.max = 1,.meaning = "probability of default within a year"),
	RK_FIELD(rk_obligor_request, lgd, RK_FIELD_FLOAT8,.min = 0,.max = 1,.meaning = "share of the exposure lost at default"),
	RK_FIELD(rk_obligor_request, ead, RK_FIELD_FIXED,.min = 0,.max = 92e9,.meaning = "exposure at default"),
	RK_FIELD(rk_obligor_request, maturity, RK_FIELD_FLOAT8,.initial = "2.5",
			 .meaning = "years, above 0, taken between 1 and 5; without effect for retail"),
	RK_FIELD(rk_obligor_request, asset_class, RK_FIELD_CODE,.initial = "'corporate'",.choices = rk_asset_class_names,
			 .meaning = "of the obligor; financial: large or unregulated"),
	RK_FIELD(rk_obligor_request, sales, RK_FIELD_FLOAT8,.initial = "NULL",.min = 0,.max = 1e9,
			 .meaning = "annual, EUR million, needed for sme"),
	RK_FIELD(rk_obligor_request, best_estimate_loss, RK_FIELD_FLOAT8,.initial = "NULL",.min = 0,.max = 1,
			 .meaning = "expected loss rate of a loan in default (pd 1); NULL: no capital for it"),
	{0}
};

static const rk_field obligor_reply[] = {
	RK_FIELD(rk_obligor_reply, expected_loss, RK_FIELD_FIXED,.meaning = "pd * lgd * ead, the PD with its floor"),
	RK_FIELD(rk_obligor_reply, rwa, RK_FIELD_FIXED,.meaning = "risk-weighted assets, 12.5 K * ead"),
	RK_FIELD(rk_obligor_reply, risk_weight, RK_FIELD_FLOAT8,.meaning = "12.5 K"),
	{0}
};

static const rk_field credit_totals_reply[] = {
	RK_FIELD(rk_credit_totals_reply, ead, RK_FIELD_FIXED,.meaning = "sum of the exposures that are kept"),
	RK_FIELD(rk_credit_totals_reply, expected_loss, RK_FIELD_FIXED,.meaning = "sum of their expected losses"),
	RK_FIELD(rk_credit_totals_reply, rwa, RK_FIELD_FIXED,.meaning = "sum of their risk-weighted assets"),
	RK_FIELD(rk_credit_totals_reply, count, RK_FIELD_INT8,.meaning = "number of obligors"),
	{0}
};

static const rk_field obligor_name[] = {
	OBLIGOR(rk_obligor_name),
	{0}
};

const rk_message_type rk_risk_credit_messages[] = {
	{
		.type_id = 440,
		.reply_id = 441,
		.name = "CreditScoreObligor",
		.kernel = "risk/credit-scoring",
		.function = "ring_risk_credit_score_obligor",
		.description = "expected loss and risk weight of an exposure, which a risk/credit-scoring ring does not keep",
		.request = obligor_request,
		.request_size = sizeof(rk_obligor_request),
		.reply = obligor_reply,
		.reply_size = sizeof(rk_obligor_reply)
	},
	{
		.type_id = 442,
		.reply_id = 443,
		.name = "CreditSetExposure",
		.kernel = "risk/credit-scoring",
		.function = "ring_risk_credit_set_exposure",
		.description = "keeps the exposure to an obligor in a risk/credit-scoring ring, in place of the one it had",
		.mutating = true,
		.request = obligor_request,
		.request_size = sizeof(rk_obligor_request),
		.reply = obligor_reply,
		.reply_size = sizeof(rk_obligor_reply)
	},
	{
		.type_id = 444,
		.reply_id = 445,
		.name = "CreditTotals",
		.kernel = "risk/credit-scoring",
		.function = "ring_risk_credit_totals",
		.description = "exact sums over the exposures of a risk/credit-scoring ring",
		.request = no_fields,
		.request_size = sizeof(rk_no_request),
		.reply = credit_totals_reply,
		.reply_size = sizeof(rk_credit_totals_reply)
	},
	{
		.type_id = 446,
		.reply_id = 447,
		.name = "CreditRemove",
		.kernel = "risk/credit-scoring",
		.function = "ring_risk_credit_remove",
		.description = "removes the exposure to an obligor from a risk/credit-scoring ring; false if there is none",
		.mutating = true,
		.request = obligor_name,
		.request_size = sizeof(rk_obligor_name),
		.reply = removed_reply,
		.reply_size = sizeof(rk_removed_reply)
	},
	{0}
};

/* ---- risk/realtime-correlation ---- */

static const rk_field observe_request[] = {
	ASSET(rk_observe_request, asset, "the asset, 40 bytes at most"),
	RK_FIELD(rk_observe_request, value, RK_FIELD_FLOAT8,.meaning = "its return, or with the option as_returns its price"),
	RK_FIELD(rk_observe_request, ts, RK_FIELD_TIME,.meaning = "when; not before the time of another observation"),
	{0}
};

static const rk_field observe_reply[] = {
	RK_FIELD(rk_observe_reply, correlations_updated, RK_FIELD_INT4,
			 .meaning = "number of assets that were observed at this time before"),
	RK_FIELD(rk_observe_reply, change_count, RK_FIELD_INT4,
			 .meaning = "how many of these correlations changed by the option change_threshold"),
	RK_FIELD(rk_observe_reply, max_change, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "the largest change of them, with its sign; NULL: there was no correlation before"),
	ASSET(rk_observe_reply, other_asset, "the other asset of the largest change"),
	{0}
};

static const rk_field pair_request[] = {
	ASSET(rk_pair_request, asset_i, "an asset"),
	ASSET(rk_pair_request, asset_j, "another one"),
	{0}
};

static const rk_field pair_reply[] = {
	RK_FIELD(rk_pair_reply, correlation, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "NULL: fewer than min_observations, or one of them is constant"),
	RK_FIELD(rk_pair_reply, num_observations, RK_FIELD_INT8,.meaning = "times at which both were observed"),
	STATUS(rk_pair_reply, "whether there are such assets"),
	{0}
};

static const rk_field correlation_row[] = {
	ASSET(rk_correlation_row, asset_j, "another asset, in the order in which they came"),
	RK_FIELD(rk_correlation_row, correlation, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "NULL: fewer than min_observations, or one of them is constant"),
	RK_FIELD(rk_correlation_row, num_observations, RK_FIELD_INT8,.meaning = "times at which both were observed"),
	{0}
};

static const rk_field correlation_alert[] = {
	ASSET(rk_correlation_alert, asset_i, "the asset that was observed"),
	ASSET(rk_correlation_alert, asset_j, "the other one"),
	RK_FIELD(rk_correlation_alert, previous_correlation, RK_FIELD_FLOAT8,.meaning = "before the observation"),
	RK_FIELD(rk_correlation_alert, correlation, RK_FIELD_FLOAT8,.meaning = "with it"),
	RK_FIELD(rk_correlation_alert, ts, RK_FIELD_TIME,.meaning = "of the observation"),
	{0}
};

static const rk_field correlation_reset_reply[] = {
	RK_FIELD(rk_correlation_reset_reply, assets, RK_FIELD_INT8,.meaning = "number of assets that were forgotten"),
	{0}
};

const rk_message_type rk_risk_correlation_messages[] = {
	{
		.type_id = 480,
		.reply_id = 481,
		.name = "CorrelationObserve",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_observe",
		.description = "tells a risk/realtime-correlation ring the value of an asset at a time",
		.mutating = true,
		.request = observe_request,
		.request_size = sizeof(rk_observe_request),
		.reply = observe_reply,
		.reply_size = sizeof(rk_observe_reply)
	},
	{
		.type_id = 482,
		.reply_id = 483,
		.name = "CorrelationQueryPair",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_query_pair",
		.description = "correlation of two assets in a risk/realtime-correlation ring; no row for an asset it does not have",
		.request = pair_request,
		.request_size = sizeof(rk_pair_request),
		.reply = pair_reply,
		.reply_size = sizeof(rk_pair_reply),
		.found = "status"
	},
	{
		.type_id = 484,
		.reply_id = 485,
		.name = "CorrelationQueryRow",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_query_row",
		.description = "correlations of an asset with all others in a risk/realtime-correlation ring",
		.request = asset_name,
		.request_size = sizeof(rk_asset_name),
		.reply = no_fields,
		.reply_size = 0,
		.rows = correlation_row,
		.row_size = sizeof(rk_correlation_row)
	},
	{
		.type_id = 486,
		.name = "CorrelationAlert",
		.kernel = "risk/realtime-correlation",
		.description = "a correlation that one observation has changed by the option change_threshold",
		.request = correlation_alert,
		.request_size = sizeof(rk_correlation_alert),
		.published = true
	},
	{
		.type_id = 487,
		.reply_id = 488,
		.name = "CorrelationReset",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_reset",
		.description = "forgets all assets of a risk/realtime-correlation ring",
		.mutating = true,
		.request = no_fields,
		.request_size = sizeof(rk_no_request),
		.reply = correlation_reset_reply,
		.reply_size = sizeof(rk_correlation_reset_reply)
	},
	{0}
};

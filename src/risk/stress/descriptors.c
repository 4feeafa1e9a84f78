/*
 * descriptors.c
 *	  The kernel of stress testing as data: relations, parameters, results,
 *	  documentation.
 */
#include "../../call/descriptor.h"

/* ---- relations ---- */

static const rk_relation_column stressed_columns[] = {
	{"id", NULL, RK_TYPE_ID, true, "the position"},
	{"value", NULL, RK_TYPE_NUMERIC, true, "its value, negative when short"},
	{"asset_class", NULL, RK_TYPE_TEXT, false, "the factor it depends on when there are no sensitivities", .not_null = true},
	{0}
};

static const rk_relation stressed_relation = {
	.name = "positions",
	.columns = stressed_columns,
	.example = "SELECT instrument AS id, market_value AS value, asset_class FROM position"
};

static const rk_relation_column scenario_columns[] = {
	{"scenario", NULL, RK_TYPE_TEXT, true, "its name"},
	{"factor", NULL, RK_TYPE_TEXT, true, "the factor that is shocked"},
	{"shock", NULL, RK_TYPE_FLOAT8, true, "relative (equity, fx, commodity and names of your own), absolute (interest_rate, credit_spread, volatility), in days (time)"},
	{"probability", NULL, RK_TYPE_FLOAT8, false, "of the scenario", RK_COLUMN_RANGE(RK_BETWEEN(0, 1))},
	{"description", NULL, RK_TYPE_TEXT, false, "of the scenario"},
	{0}
};

static const rk_relation scenarios_relation = {
	.name = "scenarios",
	.columns = scenario_columns,
	.example = "SELECT scenario, factor, shock, probability FROM rk.risk_standard_scenarios"
};

static const rk_relation_column sensitivity_columns[] = {
	{"id", NULL, RK_TYPE_ID, true, "a position"},
	{"factor", NULL, RK_TYPE_TEXT, true, "a factor it depends on"},
	{"delta", NULL, RK_TYPE_FLOAT8, false, "relative change for a relative shock"},
	{"gamma", NULL, RK_TYPE_FLOAT8, false, "change of delta for a relative shock"},
	{"rho", NULL, RK_TYPE_FLOAT8, false, "relative change for a change of the rate by 1: minus the modified duration"},
	{"convexity", NULL, RK_TYPE_FLOAT8, false, "change of rho for a change of the rate by 1"},
	{"vega", NULL, RK_TYPE_FLOAT8, false, "money for a change of the volatility by 1"},
	{"theta", NULL, RK_TYPE_FLOAT8, false, "money a day"},
	{"spread_duration", NULL, RK_TYPE_FLOAT8, false, "minus the relative change for a change of the spread by 1"},
	{0}
};

static const rk_relation sensitivities_relation = {
	.name = "sensitivities",
	.columns = sensitivity_columns,
	.example = "SELECT instrument AS id, 'equity' AS factor, delta, gamma FROM greeks"
};

static const rk_relation_column factor_columns[] = {
	{"factor", NULL, RK_TYPE_TEXT, true, "the factor"},
	{"volatility", NULL, RK_TYPE_FLOAT8, true, "standard deviation of its shock", RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{0}
};

static const rk_relation factors_relation = {
	.name = "factors",
	.columns = factor_columns,
	.example = "SELECT factor, volatility FROM factor"
};

static const rk_relation_column factor_pair_columns[] = {
	{"asset_i", "factor_i", RK_TYPE_TEXT, true, "a factor"},
	{"asset_j", "factor_j", RK_TYPE_TEXT, true, "another"},
	{"correlation", NULL, RK_TYPE_FLOAT8, true, "of their shocks", RK_COLUMN_RANGE(RK_BETWEEN(-1, 1))},
	{0}
};

static const rk_relation factor_pairs_relation = {
	.name = "correlations",
	.columns = factor_pair_columns,
	.example = "SELECT factor_i, factor_j, correlation FROM factor_correlation"
};

/* ---- risk/stress-testing ---- */

#define STRESSED_PARAM \
	{.name = "positions", .type = RK_TYPE_RELATION, .relation = &stressed_relation, \
	 .meaning = "the positions"}

static const rk_param stress_params[] = {
	STRESSED_PARAM,
	{.name = "scenarios", .type = RK_TYPE_RELATION, .initial = "'rk.risk_standard_scenarios'", .relation = &scenarios_relation,
	.meaning = "one row for each scenario and factor it shocks"},
	{.name = "sensitivities", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &sensitivities_relation,
	.meaning = "one row for each position and factor it depends on; NULL: on its asset class alone, with delta 1, rho -1, spread_duration 1, vega its value"},
	{0}
};

static const rk_function stress_functions[] = {
	{
		.suffix = "",
		.description = "profit and loss of every position for every shock of its factors",
		.params = stress_params,
		.columns = (const rk_column[]) {
			{"scenario", RK_TYPE_TEXT, "the scenario"},
			{"id", RK_TYPE_ID, "the position"},
			{"factor", RK_TYPE_TEXT, "the factor"},
			{"pnl", RK_TYPE_NUMERIC, "profit (positive) or loss, exact, with two digits more than the values"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_summary",
		.description = "what every scenario does to the portfolio",
		.params = stress_params,
		.columns = (const rk_column[]) {
			{"scenario", RK_TYPE_TEXT, "the scenario"},
			{"description", RK_TYPE_TEXT, "its description"},
			{"probability", RK_TYPE_FLOAT8, "its probability"},
			{"pnl_impact", RK_TYPE_NUMERIC, "profit or loss of all positions"},
			{"pnl_impact_ratio", RK_TYPE_FLOAT8, "pnl_impact / total value; NULL for total value 0"},
			{"post_stress_value", RK_TYPE_NUMERIC, "total value afterwards"},
			{"is_worst", RK_TYPE_BOOLEAN, "the lowest impact; the first one of equals"},
			{"expected_stress_loss", RK_TYPE_FLOAT8, "sum of probability * loss over all scenarios, the same in all rows; NULL without probabilities"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_reverse",
		.sql_name = "risk_reverse_stress",
		.description = "the most plausible shock of the factors that loses a given amount",
		.params = (const rk_param[]) {
			STRESSED_PARAM,
			{.name = "sensitivities", .type = RK_TYPE_RELATION, .relation = &sensitivities_relation, .nullable = true,
			.meaning = "as in rk.risk_stress_testing; NULL: the asset class alone"},
			{.name = "factors", .type = RK_TYPE_RELATION, .relation = &factors_relation,
			.meaning = "the factors that may move, and how much they usually do"},
			{.name = "target_loss", .type = RK_TYPE_NUMERIC, RK_ABOVE(0), .meaning = "the loss to explain"},
			{.name = "correlations", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &factor_pairs_relation,
			.meaning = "of the factors; NULL: they are independent"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"factor", RK_TYPE_TEXT, "the factor"},
			{"shock", RK_TYPE_FLOAT8, "its shock"},
			{"contribution", RK_TYPE_FLOAT8, "profit (positive) or loss from it; sums to minus target_loss"},
			{"distance", RK_TYPE_FLOAT8, "how far away the shock is, in standard deviations; the same in all rows"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_LINEAR
	},
	{0}
};

const rk_kernel rk_risk_stress_kernels[] = {
	{
		.id = "risk/stress-testing",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BATCH,
		.description = "Scenario-based stress testing",
		.notes = "A shock s moves a position of value v by delta v s + gamma v s^2 / 2 (equity, fx, commodity and factors of your own), "
		"rho v s + convexity v s^2 / 2 (interest_rate), - spread_duration v s (credit_spread), vega s (volatility), theta s (time). "
		"stock and index mean equity, rate and ir interest_rate, currency fx, credit credit_spread, vol and vega volatility. "
		"Sums are exact decimals. The view `rk.risk_standard_scenarios` holds scenarios to begin with.",
		.license_feature = "RiskAnalytics.StressTesting",
		.expected_throughput = 5000,
		.target_latency_us = 2000,
		.functions = stress_functions
	},
	{0}
};

/*
 * descriptors.c
 *	  The kernels of value at risk and of portfolios as data: relations, parameters,
 *	  results, documentation.
 */
#include "../../call/descriptor.h"

/* ---- relations ---- */

static const rk_relation_column exposure_columns[] = {
	{"id", NULL, RK_TYPE_ID, true, "the position or desk"},
	{"value", NULL, RK_TYPE_NUMERIC, false, "its value, negative when short", .not_null = true},
	{"volatility", NULL, RK_TYPE_FLOAT8, false, "annual volatility of its return, 0.2 for 20 %", .not_null = true,
	RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"var", NULL, RK_TYPE_FLOAT8, false, "its own VaR at the horizon, instead of value and volatility", .not_null = true,
	RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{0}
};

static const rk_relation exposures_relation = {
	.name = "positions",
	.columns = exposure_columns,
	.example = "SELECT instrument AS id, market_value AS value, volatility FROM position"
};

static const rk_relation_column correlation_columns[] = {
	{"asset_i", NULL, RK_TYPE_ID, true, "a position"},
	{"asset_j", NULL, RK_TYPE_ID, true, "another"},
	{"correlation", NULL, RK_TYPE_FLOAT8, true, "of their returns", RK_COLUMN_RANGE(RK_BETWEEN(-1, 1))},
	{0}
};

static const rk_relation correlations_relation = {
	.name = "correlations",
	.columns = correlation_columns,
	.example = "SELECT asset_i, asset_j, correlation FROM correlation"
};

static const rk_relation_column position_columns[] = {
	{"id", NULL, RK_TYPE_ID, true, "the position"},
	{"value", NULL, RK_TYPE_NUMERIC, true, "its value, negative when short"},
	{"volatility", NULL, RK_TYPE_FLOAT8, true, "annual volatility of its return, 0.2 for 20 %",
	RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"expected_return", NULL, RK_TYPE_FLOAT8, false, "annual; without it 0", .not_null = true},
	{0}
};

static const rk_relation positions_relation = {
	.name = "positions",
	.columns = position_columns,
	.example = "SELECT instrument AS id, market_value AS value, volatility FROM position"
};

/* ---- parameters that several share ---- */

#define REPAIR_PARAM \
	{.name = "psd_repair", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "true: correlations that are no correlation matrix are replaced by the nearest one (Higham 2002)"}

#define CORRELATIONS_PARAM \
	{.name = "correlations", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &correlations_relation, \
	 .meaning = "one row a pair, in one order or both; pairs left out are uncorrelated; NULL: all are"}
#define CONFIDENCE_PARAM \
	{.name = "confidence", .type = RK_TYPE_FLOAT8, .initial = "0.99", RK_BETWEEN_OPEN(0.5, 1), \
	 .meaning = "probability that the loss is not above the VaR"}
#define HORIZON_PARAM \
	{.name = "horizon", .type = RK_TYPE_FLOAT8, .initial = "10", RK_ABOVE(0), .meaning = "in days"}
#define DAYS_PARAM \
	{.name = "days_per_year", .type = RK_TYPE_FLOAT8, .initial = "252", RK_ABOVE(0), \
	 .meaning = "days in a year of volatility"}

/* ---- risk/monte-carlo-var ---- */

static const rk_param historical_params[] = {
	{.name = "pnl", .type = RK_TYPE_FLOAT8, RK_ANY, .meaning = "profit (positive) or loss; NULL: the row does not count"},
	{.name = "confidence", .type = RK_TYPE_FLOAT8, .initial = "0.99", RK_BETWEEN_OPEN(0.5, 1), .constant = true,
	.meaning = "probability that the loss is not above the VaR; the same in all rows"},
	{.name = "weight", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0),
	.meaning = "weight of the row, such as one that decays with age; NULL: the row does not count"},
	{0}
};

static const char *const distributions[] = {"normal", "student_t", NULL};
static const char *const return_kinds[] = {"arithmetic", "geometric", NULL};
static const char *const samplings[] = {"pseudo", "sobol", NULL};

static const rk_param monte_carlo_params[] = {
	{.name = "positions", .type = RK_TYPE_RELATION, .relation = &positions_relation,
	.meaning = "value and volatility of each position"},
	CORRELATIONS_PARAM,
	CONFIDENCE_PARAM,
	HORIZON_PARAM,
	{.name = "simulations", .type = RK_TYPE_INT8, .initial = "100000", RK_BETWEEN(100, 1e10),
	.meaning = "how many; times 1 - confidence at least 1"},
	{.name = "distribution", .type = RK_TYPE_TEXT, .initial = "'normal'", .choices = distributions,
	.meaning = "of the returns; student_t has fatter tails at the same volatility"},
	{.name = "degrees_of_freedom", .type = RK_TYPE_FLOAT8, .initial = "5", RK_ABOVE(2),
	.meaning = "of student_t"},
	{.name = "returns", .type = RK_TYPE_TEXT, .initial = "'arithmetic'", .choices = return_kinds,
	.meaning = "arithmetic: linear in the return; geometric: lognormal prices"},
	{.name = "antithetic", .type = RK_TYPE_BOOLEAN, .initial = "false",
	.meaning = "true: every second simulation mirrors the one before"},
	{.name = "sampling", .type = RK_TYPE_TEXT, .initial = "'pseudo'", .choices = samplings,
	.meaning = "pseudo: Philox random numbers; sobol: a low-discrepancy sequence, shifted by seed"},
	DAYS_PARAM,
	REPAIR_PARAM,
	{.name = "seed", .type = RK_TYPE_INT8, .initial = "0", RK_ANY,
	.meaning = "start of the random numbers; the same seed gives the same result"},
	{0}
};

static const rk_function monte_carlo_functions[] = {
	{
		.suffix = "",
		.description = "value at risk and expected shortfall of a book by simulation",
		.params = monte_carlo_params,
		.columns = (const rk_column[]) {
			{"var", RK_TYPE_FLOAT8, "the loss not exceeded with the given confidence, positive"},
			{"expected_shortfall", RK_TYPE_FLOAT8, "the mean loss beyond it"},
			{"var_lower", RK_TYPE_FLOAT8, "lower end of the 95 % interval of the simulated VaR, free of the distribution"},
			{"var_upper", RK_TYPE_FLOAT8, "its upper end"},
			{"mean_pnl", RK_TYPE_FLOAT8, "mean profit and loss"},
			{"std_pnl", RK_TYPE_FLOAT8, "its standard deviation"},
			{"parametric_var", RK_TYPE_FLOAT8, "VaR of the normal distribution with the book's moments, without simulation"},
			{"percentiles", RK_TYPE_FLOAT8_ARRAY, "profit and loss at 1, 5, 10, 25, 50, 75, 90, 95, 99 %"},
			{"num_simulations", RK_TYPE_INT8, "how many"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_components",
		.description = "what each position contributes to the simulated value at risk and expected shortfall",
		.params = monte_carlo_params,
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "the position"},
			{"value", RK_TYPE_NUMERIC, "its value"},
			{"standalone_var", RK_TYPE_FLOAT8, "its VaR alone, exact"},
			{"component_var", RK_TYPE_FLOAT8, "its part of the VaR; the parts add up to it"},
			{"marginal_var", RK_TYPE_FLOAT8, "component_var / value; NULL for value 0"},
			{"component_expected_shortfall", RK_TYPE_FLOAT8, "its part of the expected shortfall; the parts add up to it"},
			{"share", RK_TYPE_FLOAT8, "component_var / VaR; NULL for VaR 0"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_scenarios",
		.description = "the simulated profits and losses of a book, one by one",
		.params = monte_carlo_params,
		.columns = (const rk_column[]) {
			{"simulation", RK_TYPE_INT8, "its number, from 0"},
			{"pnl", RK_TYPE_FLOAT8, "profit (positive) or loss of the book"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_historical_var",
		.sql_name = "risk_historical_var",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "value at risk of observed profits and losses: the loss not exceeded with the given confidence",
		.params = historical_params,
		.columns = (const rk_column[]) {{"var", RK_TYPE_FLOAT8, "the loss, positive"}, {0}},
		.moving = true
	},
	{
		.suffix = "_historical_expected_shortfall",
		.sql_name = "risk_historical_expected_shortfall",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "expected shortfall of observed profits and losses: the mean loss beyond the value at risk",
		.params = historical_params,
		.columns = (const rk_column[]) {{"expected_shortfall", RK_TYPE_FLOAT8, "the loss, positive"}, {0}},
		.moving = true
	},
	{0}
};

/* ---- risk/portfolio-aggregation ---- */

static const char *const portfolio_methods[] = {"variance_covariance", "simple_sum", "sqrt_sum_squares", NULL};

#define EXPOSURES_PARAM \
	{.name = "positions", .type = RK_TYPE_RELATION, .relation = &exposures_relation, \
	 .meaning = "value and volatility of each position, or var of each desk"}

static const rk_param portfolio_params[] = {
	EXPOSURES_PARAM,
	CORRELATIONS_PARAM,
	CONFIDENCE_PARAM,
	HORIZON_PARAM,
	DAYS_PARAM,
	{.name = "method", .type = RK_TYPE_TEXT, .initial = "'variance_covariance'", .choices = portfolio_methods,
	.meaning = "variance_covariance, simple_sum (no diversification) or sqrt_sum_squares (no correlation)"},
	REPAIR_PARAM,
	{0}
};

static const rk_function portfolio_functions[] = {
	{
		.suffix = "",
		.description = "value at risk of a portfolio by position: alone, as a share of the whole, at the margin",
		.params = portfolio_params,
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "the position"},
			{"standalone_var", RK_TYPE_FLOAT8, "its VaR alone"},
			{"component_var", RK_TYPE_FLOAT8, "its part of the VaR of the portfolio; the parts add up to it"},
			{"marginal_var", RK_TYPE_FLOAT8, "change of the VaR with its value; NULL for value 0"},
			{"incremental_var", RK_TYPE_FLOAT8, "VaR of the portfolio minus the VaR without it"},
			{"share", RK_TYPE_FLOAT8, "component_var / VaR; NULL for VaR 0"},
			{"beta", RK_TYPE_FLOAT8, "marginal_var * total value / VaR; NULL for total value or VaR 0"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_summary",
		.description = "value at risk and expected shortfall of a portfolio, and what diversification takes off",
		.params = portfolio_params,
		.columns = (const rk_column[]) {
			{"portfolio_var", RK_TYPE_FLOAT8, "VaR of the portfolio"},
			{"portfolio_expected_shortfall", RK_TYPE_FLOAT8, "its expected shortfall; NULL when positions have var"},
			{"undiversified_var", RK_TYPE_FLOAT8, "sum of the VaRs alone"},
			{"diversification_benefit", RK_TYPE_FLOAT8, "undiversified_var - portfolio_var"},
			{"diversification_ratio", RK_TYPE_FLOAT8, "portfolio_var / undiversified_var; NULL for 0"},
			{"volatility", RK_TYPE_FLOAT8, "standard deviation of the profit and loss at the horizon; NULL when positions have var"},
			{"total_value", RK_TYPE_NUMERIC, "sum of the values; NULL when positions have none"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_covariance",
		.sql_name = "risk_portfolio_covariance",
		.description = "annual covariances of the returns of positions, upper triangle with the diagonal",
		.params = (const rk_param[]) {
			{.name = "positions", .type = RK_TYPE_RELATION, .relation = &positions_relation,
			.meaning = "volatility of each position"},
			CORRELATIONS_PARAM,
			REPAIR_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"asset_i", RK_TYPE_ID, "a position"},
			{"asset_j", RK_TYPE_ID, "the same or a later one"},
			{"covariance", RK_TYPE_FLOAT8, "of their annual returns"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_LINEAR
	},
	{0}
};

const rk_kernel rk_risk_portfolio_kernels[] = {
	{
		.id = "risk/monte-carlo-var",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "Value at risk and expected shortfall of a book",
		.notes = "Quantiles by one convention: with n values in rising order and a = 1 - confidence, VaR is minus the "
		"value of rank ceil(n a); the expected shortfall takes the last value of the tail with its fraction "
		"(Acerbi, Tasche 2002). Random numbers are counter based (Philox4x32-10), so a simulation has the same "
		"profit and loss whatever the number of threads. Without correlations positions are independent.",
		.license_feature = "RiskAnalytics.MonteCarloVaR",
		.expected_throughput = 100000,
		.target_latency_us = 1000,
		.details = "repair_distance (with psd_repair: Frobenius distance to the correlations given)",
		.functions = monte_carlo_functions
	},
	{
		.id = "risk/portfolio-aggregation",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "Correlation-adjusted portfolio risk",
		.notes = "Exposure of a position is value * volatility * sqrt(horizon / days_per_year); the parts of the VaR are those "
		"of Euler's theorem (Tasche 1999). Shorts enter with their sign; value 0 of the whole is no obstacle.",
		.license_feature = "RiskAnalytics.PortfolioAggregation",
		.expected_throughput = 10000,
		.target_latency_us = 500,
		.details = "repair_distance (with psd_repair: Frobenius distance to the correlations given)",
		.functions = portfolio_functions
	},
	{0}
};

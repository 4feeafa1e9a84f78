/*
 * descriptors.c
 *	  The risk kernels as data: relations, parameters, results, documentation.
 */
#include "../call/descriptor.h"

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

static const rk_relation_column observation_columns[] = {
	{"asset", "id", RK_TYPE_ID, true, "whose observation it is"},
	{"ts", "time", RK_TYPE_TIMESTAMPTZ, true, "when; once for each asset"},
	{"value", NULL, RK_TYPE_FLOAT8, true, "return, or price with as_returns"},
	{0}
};

static const rk_relation observations_relation = {
	.name = "observations",
	.columns = observation_columns,
	.example = "SELECT symbol AS asset, day AS ts, price AS value FROM quote"
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

/* ---- risk/credit-scoring ---- */

const char *const rk_asset_class_names[] = {
	"corporate", "sovereign", "bank", "financial", "sme", "residential_mortgage",
	"qualifying_revolving", "other_retail", NULL
};
const char *const rk_basel_names[] = {"basel3_final", "basel2", NULL};

#define FACTOR_PARAM(factor, what) \
	{.name = factor, .type = RK_TYPE_FLOAT8, RK_AT_LEAST(0), .nullable = true, .meaning = what}
#define SCORE_PARAMS \
	{.name = "scorecard", .type = RK_TYPE_JSONB, .initial = "NULL", \
	 .meaning = "{\"base\": b, \"factor\": [{\"max\": x, \"points\": p}, ..., {\"points\": p}]}; NULL: an illustrative one"}, \
	{.name = "pd_model", .type = RK_TYPE_TEXT, .initial = "'pdo'", .choices = pd_models, \
	 .meaning = "pdo: points double the odds; capped_logistic: 0.30 / (1 + exp((score - 700) / 50))"}, \
	{.name = "target_score", .type = RK_TYPE_FLOAT8, .initial = "600", RK_ANY, .meaning = "score with the target odds"}, \
	{.name = "target_odds", .type = RK_TYPE_FLOAT8, .initial = "50", RK_ABOVE(0), .meaning = "of paying, at the target score"}, \
	{.name = "pdo", .type = RK_TYPE_FLOAT8, .initial = "20", RK_ABOVE(0), .meaning = "points that double the odds"}

static const char *const pd_models[] = {"pdo", "capped_logistic", NULL};

static const rk_column credit_score_columns[] = {
	{"pd", RK_TYPE_FLOAT8, "probability of default, with the floor"},
	{"lgd", RK_TYPE_FLOAT8, "loss given default, from loan_to_value"},
	{"ead", RK_TYPE_NUMERIC, "exposure at default"},
	{"expected_loss", RK_TYPE_NUMERIC, "pd * lgd * ead"},
	{"correlation", RK_TYPE_FLOAT8, "with the common factor, as a corporate loan"},
	{"maturity_adjustment", RK_TYPE_FLOAT8, "factor of the capital"},
	{"capital_ratio", RK_TYPE_FLOAT8, "capital per exposure, K"},
	{"capital", RK_TYPE_NUMERIC, "K * ead"},
	{"rwa", RK_TYPE_NUMERIC, "risk-weighted assets, 12.5 K * ead"},
	{"risk_weight", RK_TYPE_FLOAT8, "12.5 K"},
	{"unexpected_loss", RK_TYPE_NUMERIC, "standard deviation of the loss"},
	{"credit_score", RK_TYPE_FLOAT8, "the score"},
	{"contributions", RK_TYPE_JSONB, "points of base and of each factor that counts"},
	{0}
};

static const rk_function credit_functions[] = {
	{
		.suffix = "",
		.shape = RK_SHAPE_SCALAR,
		.description = "expected loss, regulatory capital and risk weight of a loan by the internal-ratings formula of Basel",
		.params = (const rk_param[]) {
			{.name = "pd", .type = RK_TYPE_FLOAT8, RK_BETWEEN(0, 1), .meaning = "probability of default within a year"},
			{.name = "lgd", .type = RK_TYPE_FLOAT8, RK_BETWEEN(0, 1), .meaning = "share of the exposure lost at default"},
			{.name = "ead", .type = RK_TYPE_NUMERIC, RK_AT_LEAST(0), .meaning = "exposure at default"},
			{.name = "maturity", .type = RK_TYPE_FLOAT8, .initial = "2.5", RK_ABOVE(0),
			.meaning = "years, taken between 1 and 5; without effect for retail"},
			{.name = "asset_class", .type = RK_TYPE_TEXT, .initial = "'corporate'", .choices = rk_asset_class_names,
			.meaning = "of the obligor; financial: large or unregulated"},
			{.name = "sales", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0),
			.meaning = "annual, EUR million, needed for sme"},
			{.name = "basel", .type = RK_TYPE_TEXT, .initial = "'basel3_final'", .choices = rk_basel_names,
			.meaning = "which floors of the PD hold"},
			{.name = "best_estimate_loss", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_BETWEEN(0, 1),
			.meaning = "expected loss rate of a loan in default (pd 1); NULL: no capital for it"},
			{0}
		},
		.composite = "credit_risk",
		.columns = (const rk_column[]) {
			{"pd", RK_TYPE_FLOAT8, "probability of default, with the floor"},
			{"lgd", RK_TYPE_FLOAT8, "loss given default"},
			{"ead", RK_TYPE_NUMERIC, "exposure at default"},
			{"expected_loss", RK_TYPE_NUMERIC, "pd * lgd * ead"},
			{"correlation", RK_TYPE_FLOAT8, "with the common factor"},
			{"maturity_adjustment", RK_TYPE_FLOAT8, "factor of the capital; 1 for retail"},
			{"capital_ratio", RK_TYPE_FLOAT8, "capital per exposure, K"},
			{"capital", RK_TYPE_NUMERIC, "K * ead"},
			{"rwa", RK_TYPE_NUMERIC, "risk-weighted assets, 12.5 K * ead"},
			{"risk_weight", RK_TYPE_FLOAT8, "12.5 K"},
			{"unexpected_loss", RK_TYPE_NUMERIC, "standard deviation of the loss: ead * lgd * sqrt(pd (1 - pd))"},
			{"credit_score", RK_TYPE_FLOAT8, "score with these odds: 600 at 50 to 1, 20 points double them; NULL for pd 1"},
			{0}
		}
	},
	{
		.suffix = "_expected_loss",
		.sql_name = "risk_expected_loss",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "sum of the expected losses of loans, exact",
		.params = (const rk_param[]) {
			{.name = "pd", .type = RK_TYPE_FLOAT8, RK_BETWEEN(0, 1), .meaning = "probability of default, taken as it is"},
			{.name = "lgd", .type = RK_TYPE_FLOAT8, RK_BETWEEN(0, 1), .meaning = "loss given default"},
			{.name = "ead", .type = RK_TYPE_NUMERIC, RK_AT_LEAST(0), .meaning = "exposure at default"},
			{0}
		},
		.columns = (const rk_column[]) {{"expected_loss", RK_TYPE_NUMERIC, "the sum"}, {0}},
		.moving = true
	},
	{
		.suffix = "_score",
		.sql_name = "risk_credit_score",
		.shape = RK_SHAPE_SCALAR,
		.description = "score of a borrower, its probability of default, and the capital of the loan",
		.params = (const rk_param[]) {
			FACTOR_PARAM("debt_to_income", "debt service by income"),
			FACTOR_PARAM("loan_to_value", "loan by value of the collateral; gives the loss given default"),
			FACTOR_PARAM("credit_utilization", "share of the credit lines in use"),
			FACTOR_PARAM("payment_history", "payments on time, in per cent"),
			FACTOR_PARAM("employment_years", "years in employment"),
			FACTOR_PARAM("recent_inquiries", "inquiries of late"),
			FACTOR_PARAM("delinquencies", "number of delinquencies"),
			FACTOR_PARAM("credit_history_years", "years since the first credit"),
			{.name = "ead", .type = RK_TYPE_NUMERIC, RK_AT_LEAST(0), .meaning = "exposure at default"},
			{.name = "maturity", .type = RK_TYPE_FLOAT8, .initial = "2.5", RK_ABOVE(0), .meaning = "years"},
			SCORE_PARAMS,
			{0}
		},
		.composite = "credit_score",
		.columns = credit_score_columns
	},
	{
		.suffix = "_score_record",
		.sql_name = "risk_credit_score",
		.shape = RK_SHAPE_SCALAR,
		.description = "score of the borrower in a row whose columns are named as the factors, with ead and perhaps maturity",
		.params = (const rk_param[]) {
			{.name = "factors", .type = RK_TYPE_RECORD, .meaning = "a row with ead, perhaps maturity, and the factors"},
			SCORE_PARAMS,
			{0}
		},
		.composite = "credit_score",
		.columns = credit_score_columns,
		.stable = true
	},
	{
		.suffix = "_merton",
		.sql_name = "risk_credit_merton",
		.shape = RK_SHAPE_SCALAR,
		.description = "value and volatility of a firm's assets and its probability of default from its equity (Merton 1974)",
		.params = (const rk_param[]) {
			{.name = "equity_value", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "market value of the equity"},
			{.name = "equity_volatility", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "its annual volatility"},
			{.name = "debt", .type = RK_TYPE_FLOAT8, RK_ABOVE(0), .meaning = "what is due at the horizon"},
			{.name = "risk_free_rate", .type = RK_TYPE_FLOAT8, RK_ANY, .meaning = "annual, continuously compounded"},
			{.name = "horizon", .type = RK_TYPE_FLOAT8, .initial = "1", RK_ABOVE(0), .meaning = "in years"},
			{0}
		},
		.composite = "credit_merton",
		.columns = (const rk_column[]) {
			{"asset_value", RK_TYPE_FLOAT8, "value of the assets"},
			{"asset_volatility", RK_TYPE_FLOAT8, "their annual volatility"},
			{"distance_to_default", RK_TYPE_FLOAT8, "in standard deviations"},
			{"pd", RK_TYPE_FLOAT8, "probability of default at the horizon"},
			{0}
		}
	},
	{0}
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

/* ---- risk/realtime-correlation ---- */

static const char *const estimators[] = {"pearson", "ewma", "spearman", "hayashi_yoshida", NULL};
static const char *const syncs[] = {"complete", "previous_tick", NULL};
static const char *const price_returns[] = {"log", "simple", NULL};

static const rk_function correlation_functions[] = {
	{
		.suffix = "",
		.description = "correlation of every pair of assets, and how it has changed",
		.params = (const rk_param[]) {
			{.name = "observations", .type = RK_TYPE_RELATION, .relation = &observations_relation,
			.meaning = "one row for each asset and time"},
			{.name = "estimator", .type = RK_TYPE_TEXT, .initial = "'pearson'", .choices = estimators,
			.meaning = "pearson, ewma (RiskMetrics), spearman (of ranks) or hayashi_yoshida (of returns at different times)"},
			{.name = "lambda", .type = RK_TYPE_FLOAT8, .initial = "0.94", RK_BETWEEN_OPEN(0, 1),
			.meaning = "of ewma: weight that the past keeps at each step"},
			{.name = "min_observations", .type = RK_TYPE_INT8, .initial = "30", RK_AT_LEAST(2),
			.meaning = "fewer give no correlation"},
			{.name = "sync", .type = RK_TYPE_TEXT, .initial = "'complete'", .choices = syncs,
			.meaning = "complete: the times at which both have a value; previous_tick: all times, the last value carried"},
			{.name = "change_threshold", .type = RK_TYPE_FLOAT8, .initial = "NULL", RK_AT_LEAST(0),
			.meaning = "only pairs whose correlation has changed this much"},
			{.name = "as_returns", .type = RK_TYPE_TEXT, .initial = "NULL", .choices = price_returns,
			.meaning = "values are prices, and their log or simple returns are correlated"},
			{.name = "as_of_previous", .type = RK_TYPE_TIMESTAMPTZ, .initial = "NULL",
			.meaning = "also the correlation up to this time, and the change since"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"asset_i", RK_TYPE_ID, "the asset that is seen first"},
			{"asset_j", RK_TYPE_ID, "the other"},
			{"correlation", RK_TYPE_FLOAT8, "their correlation; NULL for few observations or a constant series"},
			{"covariance", RK_TYPE_FLOAT8, "their covariance"},
			{"num_observations", RK_TYPE_INT8, "observations of both (hayashi_yoshida: overlaps)"},
			{"previous_correlation", RK_TYPE_FLOAT8, "the correlation up to as_of_previous"},
			{"change", RK_TYPE_FLOAT8, "correlation - previous_correlation"},
			{0}
		},
		.rows = RK_ROWS_PER_PAIR,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_matrix",
		.sql_name = "correlation_matrix",
		.shape = RK_SHAPE_AGGREGATE,
		.description = "correlations of features, as a matrix row by row",
		.params = (const rk_param[]) {
			{.name = "features", .type = RK_TYPE_FLOAT8_ARRAY, .meaning = "one row of features, as many in all rows"},
			{0}
		},
		.columns = (const rk_column[]) {
			{"correlations", RK_TYPE_FLOAT8_ARRAY, "d * d correlations of d features; NaN for a constant one"},
			{0}
		}
	},
	{0}
};

const rk_kernel rk_risk_kernels[] = {
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
	{
		.id = "risk/credit-scoring",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "PD/LGD/EAD credit risk calculation",
		.notes = "Basel CRE31. Money is computed exactly from the decimal numbers given and rounded once, to two digits more than "
		"ead has. The floor of the PD holds for sovereigns too.",
		.license_feature = "RiskAnalytics.CreditScoring",
		.expected_throughput = 50000,
		.target_latency_us = 100,
		.functions = credit_functions
	},
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
	{
		.id = "risk/realtime-correlation",
		.domain = "RiskAnalytics",
		.mode = RK_MODE_BOTH,
		.description = "Streaming correlation matrix updates",
		.notes = "Pairs come once, the asset that is seen first before the other. ewma follows RiskMetrics (1996): mean zero, S = x x' of the "
		"first observation, then lambda S + (1 - lambda) x x'. hayashi_yoshida (2005) sums the products of returns whose intervals "
		"overlap, so that assets need not be observed together; in small samples it may go beyond 1.",
		.license_feature = "RiskAnalytics.RealTimeCorrelation",
		.expected_throughput = 500000,
		.target_latency_us = 10,
		.functions = correlation_functions
	},
	{0}
};

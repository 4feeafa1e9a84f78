/*
 * descriptors.c
 *	  The credit kernels as data: parameters, results, documentation.
 */
#include "../../call/descriptor.h"

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

const rk_kernel rk_risk_credit_kernels[] = {
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
	{0}
};

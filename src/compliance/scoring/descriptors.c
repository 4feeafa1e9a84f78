/*
 * descriptors.c
 *	  The scoring of customers as data: parameters, results, documentation.
 */
#include "../../call/descriptor.h"

#include "scoring.h"

const char *const rk_kyc_factor_names[] = {"country", "industry", "product", "transaction", "documentation", "tenure", NULL};
const char *const rk_kyc_columns[] = {"country_risk", "industry_risk", "product_risk", "transaction_risk",
"documentation_score", "tenure_years", NULL};

static const char *const missing_rules[] = {"renormalise", "worst", NULL};

#define FACTOR(factor_name, ...) \
	{.name = factor_name, .type = RK_TYPE_FLOAT8, .nullable = true, __VA_ARGS__}

#define SCORING_PARAMS \
	{.name = "weights", .type = RK_TYPE_FLOAT8_ARRAY, .initial = "'{0.25,0.20,0.15,0.20,0.10,0.10}'", RK_ANY, \
	 .meaning = "of country, industry, product, transaction, documentation and tenure; at least 0, not all of them 0"}, \
	{.name = "missing_as", .type = RK_TYPE_TEXT, .initial = "'renormalise'", .choices = missing_rules, \
	 .meaning = "a factor that is NULL is left out (renormalise) or counts as 100 (worst)"}

static const rk_column score_columns[] = {
	{"risk_score", RK_TYPE_FLOAT8, "0 to 100; NULL: nothing is known"},
	{"risk_tier", RK_TYPE_TEXT, "low (below 25), medium (below 50), high (below 75) or very_high"},
	{"country", RK_TYPE_FLOAT8, "part of the weighted mean that comes from the country; the six add up to it"},
	{"industry", RK_TYPE_FLOAT8, "the same for the industry"},
	{"product", RK_TYPE_FLOAT8, "the same for the product"},
	{"transaction", RK_TYPE_FLOAT8, "the same for the transactions"},
	{"documentation", RK_TYPE_FLOAT8, "the same for the documents, whose risk is 100 - documentation_score"},
	{"tenure", RK_TYPE_FLOAT8, "the same for the relationship, whose risk is 10 for each of ten years that it lacks"},
	{"completeness", RK_TYPE_FLOAT8, "share of the weight whose factor is known"},
	{"missing", RK_TYPE_TEXT_ARRAY, "factors that are NULL"},
	{0}
};

static const rk_function kyc_functions[] = {
	{
		.suffix = "",
		.shape = RK_SHAPE_SCALAR,
		.description = "risk of a customer from 0 to 100, its tier, and what each factor contributes",
		.params = (const rk_param[]) {
			FACTOR("country_risk", RK_BETWEEN(0, 100), .meaning = "risk of the country"),
			FACTOR("industry_risk", RK_BETWEEN(0, 100), .meaning = "risk of the industry"),
			FACTOR("product_risk", RK_BETWEEN(0, 100), .meaning = "risk of the products used"),
			FACTOR("transaction_risk", RK_BETWEEN(0, 100), .meaning = "risk of the transactions"),
			FACTOR("documentation_score", RK_BETWEEN(0, 100), .meaning = "quality of the documents, 100 the best"),
			FACTOR("tenure_years", RK_AT_LEAST(0), .meaning = "length of the relationship; ten years and more are no risk"),
			SCORING_PARAMS,
			{.name = "pep", .type = RK_TYPE_BOOLEAN, .initial = "false", .nullable = true,
			.meaning = "politically exposed person: the score is at least 50"},
			{.name = "sanctioned", .type = RK_TYPE_BOOLEAN, .initial = "false", .nullable = true,
			.meaning = "on a sanctions list: the score is 100"},
			{0}
		},
		.composite = "kyc_score",
		.columns = score_columns
	},
	{
		.suffix = "_record",
		.sql_name = "compliance_kyc_scoring",
		.shape = RK_SHAPE_SCALAR,
		.description = "the same for a row with columns named as the factors, and perhaps pep (is_pep) and sanctioned (is_sanctioned)",
		.params = (const rk_param[]) {
			{.name = "customer", .type = RK_TYPE_RECORD, .meaning = "a row with the six factors as columns"},
			SCORING_PARAMS,
			{0}
		},
		.composite = "kyc_score",
		.columns = score_columns,
		.stable = true
	},
	{0}
};

const rk_kernel rk_compliance_scoring_kernels[] = {
	{
		.id = "compliance/kyc-scoring",
		.domain = "Compliance",
		.mode = RK_MODE_BATCH,
		.description = "Risk of a customer as a weighted mean of six factors, with the contribution of each",
		.notes = "The score is sum(weight * risk) / sum(weight) over the factors that are not NULL. The columns country to tenure are its parts and add up to it; "
		"the floor for politically exposed persons (50, FATF Recommendation 12) and the score of sanctioned customers (100) come on top. "
		"A flag that is NULL counts as false.",
		.license_feature = "Compliance.KYC",
		.expected_throughput = 1000000,
		.target_latency_us = 1,
		.functions = kyc_functions
	},
	{0}
};

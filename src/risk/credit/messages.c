/*
 * messages.c
 *	  The messages of the actor of credit scoring.
 */
#include "credit_ring.h"
#include "credit.h"

static const rk_field no_fields[] = {{0}};

static const rk_field removed_reply[] = {
	RK_FIELD(rk_removed_reply, removed, RK_FIELD_BOOLEAN,.meaning = "whether it was there"),
	{0}
};

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

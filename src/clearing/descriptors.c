/*
 * descriptors.c
 *	  The clearing kernels as data: relations, parameters, results, documentation.
 */
#include "../call/descriptor.h"

#include "clearing.h"

/* ---- closed sets ---- */

const char *const rk_dvp_side_names[] = {"deliver", "receive", NULL};
const char *const rk_dvp_status_names[] = {"pending", "matched", "securities_delivered", "payment_made", "settled",
"failed", "on_hold", "cancelled", NULL};
const char *const rk_dvp_method_names[] = {"best_first", "optimal", "fifo", NULL};
const char *const rk_dvp_difference_names[] = {"deliverer", "receiver", "quantity", "amount", "trade_date",
"reference", "confidence", "taken", "no_counterpart", NULL};

static const char *const amount_rules[] = {"t2s", NULL};

/* ---- matching of deliveries and receipts ---- */

static const rk_relation_column instruction_columns[] = {
	{"instruction_id", NULL, RK_TYPE_ID, true, "the instruction; decides between equals"},
	{"security_id", NULL, RK_TYPE_TEXT, true, "what is delivered: an ISIN, for example"},
	{"deliverer", NULL, RK_TYPE_ID2, true, "party that delivers; both legs name the same two"},
	{"receiver", NULL, RK_TYPE_ID2, true, "party that receives"},
	{"quantity", NULL, RK_TYPE_NUMERIC, true, "not zero; negative: the instruction delivers, where there is no side"},
	{"amount", NULL, RK_TYPE_NUMERIC, true, "that is paid for it; not negative"},
	{"currency", NULL, RK_TYPE_TEXT, true, "of the amount"},
	{"settlement_date", NULL, RK_TYPE_DATE, true, "day on which both legs settle"},
	{"side", NULL, RK_TYPE_TEXT, false, "which leg it is; absent: by the sign of quantity", .choices = rk_dvp_side_names},
	{"trade_date", NULL, RK_TYPE_DATE, false, "where both legs have one, it is the same"},
	{"reference", NULL, RK_TYPE_TEXT, false, "of the trade; where both legs have one, it is the same"},
	{"status", NULL, RK_TYPE_TEXT, false, "only pending instructions are matched; absent: pending", .choices = rk_dvp_status_names},
	{0}
};

static const rk_relation instructions_relation = {
	.name = "instructions",
	.columns = instruction_columns,
	.example = "SELECT instruction_id, security_id, deliverer, receiver, side, quantity, amount, currency, settlement_date FROM instruction"
};

static const rk_param dvp_params[] = {
	{.name = "instructions",.type = RK_TYPE_RELATION,.relation = &instructions_relation,
	.meaning = "deliveries and receipts"},
	{.name = "method",.type = RK_TYPE_TEXT,.initial = "'best_first'",.choices = rk_dvp_method_names,
	.meaning = "best_first: of all pairs the best, then of what is left; optimal: the largest sum of confidence; fifo: each delivery in the order of the rows takes its best free receipt"},
	{.name = "min_confidence",.type = RK_TYPE_FLOAT8,.initial = "0.8",RK_BETWEEN(0, 1),
	.meaning = "of a pair"},
	{.name = "relative_quantity_tolerance",.type = RK_TYPE_FLOAT8,.initial = "0.01",RK_BETWEEN(0, 1),
	.meaning = "largest difference of the quantities, as a fraction of the larger one"},
	{.name = "relative_amount_tolerance",.type = RK_TYPE_FLOAT8,.initial = "0.01",RK_BETWEEN(0, 1),
	.meaning = "largest difference of the amounts, as a fraction of the larger one"},
	{.name = "amount_tolerance_rule",.type = RK_TYPE_TEXT,.initial = "NULL",.choices = amount_rules,
	.meaning = "t2s: amounts differ by 2 at most up to 100,000, above by 25, in place of the fraction"},
	{.name = "strict_counterparty",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "both parties are the same; else each one that differs halves the confidence"},
	{.name = "strict_quantity",.type = RK_TYPE_BOOLEAN,.initial = "false",
	.meaning = "quantities are equal"},
	{.name = "match_reference",.type = RK_TYPE_BOOLEAN,.initial = "true",
	.meaning = "two references that differ make no pair"},
	{.name = "swapped_parties",.type = RK_TYPE_BOOLEAN,.initial = "false",
	.meaning = "receipts name deliverer and receiver the other way round"},
	{0}
};

static const rk_function dvp_functions[] = {
	{
		.suffix = "",
		.description = "pairs of delivery and receipt instructions that settle together, and what has no partner",
		.params = dvp_params,
		.columns = (const rk_column[]) {
			{"delivery_id", RK_TYPE_ID, "the delivery; NULL: a receipt without one"},
			{"receipt_id", RK_TYPE_ID, "the receipt; NULL: a delivery without one"},
			{"matched", RK_TYPE_BOOLEAN, "whether it is a pair"},
			{"confidence", RK_TYPE_FLOAT8, "of a pair: how alike quantities, amounts and parties are, from 0 to 1"},
			{"quantity", RK_TYPE_NUMERIC, "the smaller one of a pair, else the instruction's"},
			{"amount", RK_TYPE_NUMERIC, "the delivery's of a pair, else the instruction's"},
			{"amount_difference", RK_TYPE_NUMERIC, "of a pair: the receipt's amount less the delivery's"},
			{"differences", RK_TYPE_TEXT_ARRAY, "in what a pair differs; why the best candidate of the others is none: deliverer, receiver, quantity, amount, trade_date, reference, confidence, taken or no_counterpart"},
			{"status", RK_TYPE_TEXT, "matched, or that of the instruction"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW
	},
	{
		.suffix = "_settle",
		.description = "securities and payments of the matched pairs, by security and currency",
		.params = dvp_params,
		.columns = (const rk_column[]) {
			{"security_id", RK_TYPE_TEXT, "the security"},
			{"currency", RK_TYPE_TEXT, "of the payments"},
			{"pairs_settled", RK_TYPE_INT8, "number of pairs"},
			{"instructions_settled", RK_TYPE_INT8, "twice as many"},
			{"total_securities", RK_TYPE_NUMERIC, "quantity of all pairs"},
			{"total_payments", RK_TYPE_NUMERIC, "amount of all pairs"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP
	},
	{0}
};

const rk_kernel rk_clearing_kernels[] = {
	{
		.id = "clearing/dvp-matching",
		.domain = "Clearing",
		.mode = RK_MODE_BOTH,
		.description = "Matching of delivery and receipt instructions by the fields of T2S and ECSDA",
		.notes = "A pair has the same security, currency and settlement date, both parties, and quantities and amounts within the tolerances; "
		"trade dates and references that both legs have are equal. Confidence is (1 - |dq| / max q) (1 - |da| / max a), halved for each party that differs. "
		"Of equal pairs the one with the smaller difference of amounts comes first, then that with the smaller id of the delivery, then of the receipt: "
		"the order of the rows counts under fifo alone. Quantities and amounts are exact.",
		.license_feature = "Clearing.DvpMatching",
		.expected_throughput = 1000000,
		.target_latency_us = 10,
		.details = "pairs, match_rate: share of the pending instructions that have a partner",
		.functions = dvp_functions
	},
	{0}
};

/*
 * descriptors.c
 *	  Transaction monitoring as data: relations, parameters, results.
 */
#include "../relations.h"

#include "monitoring.h"

/* ---- closed sets ---- */

const char *const rk_mon_type_names[] = {"single_amount", "aggregate_amount", "transaction_count", "velocity",
	"distinct_counterparties", "geographic_risk", "dormant_reactivation", "just_below_threshold",
"cash_aggregate", NULL};
const char *const rk_mon_severity_names[] = {"info", "low", "medium", "high", "critical", "emergency", NULL};
const char *const rk_mon_side_names[] = {"source", "target", "both", NULL};
const char *const rk_mon_comparison_names[] = {">=", ">", NULL};

/* ---- relations ---- */

static const rk_relation_column transaction_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_TS,
	RK_TRANSACTION_ID,
	RK_TRANSACTION_CURRENCY,
	RK_TRANSACTION_TYPE,
	RK_TRANSACTION_COUNTRIES,
	{0}
};

static const rk_relation_column summary_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_TS,
	RK_TRANSACTION_CURRENCY,
	RK_TRANSACTION_TYPE,
	RK_TRANSACTION_COUNTRIES,
	{0}
};

static const rk_relation transactions_relation = {
	.name = "transactions",
	.columns = transaction_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts, id FROM wire"
};

static const rk_relation summary_relation = {
	.name = "transactions",
	.columns = summary_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts FROM wire"
};

static const rk_relation_column rule_columns[] = {
	{"id", NULL, RK_TYPE_INT8, true, "number of the rule; none twice"},
	{"name", NULL, RK_TYPE_TEXT, true, "of the rule"},
	{"rule_type", NULL, RK_TYPE_TEXT, true, "what it looks at", .choices = rk_mon_type_names},
	{"threshold", NULL, RK_TYPE_NUMERIC, true, "amount, number or amount per hour", RK_COLUMN_RANGE(RK_AT_LEAST(0))},
	{"time_window", NULL, RK_TYPE_INTERVAL, false, "that it looks back; types of windows need it"},
	{"severity", NULL, RK_TYPE_TEXT, false, "of its alerts; absent: medium", .choices = rk_mon_severity_names},
	{"side", NULL, RK_TYPE_TEXT, false, "look at who pays, who is paid, or both; absent: both", .choices = rk_mon_side_names},
	{"comparison", NULL, RK_TYPE_TEXT, false, "with the threshold; absent: >=", .choices = rk_mon_comparison_names},
	{"currency", NULL, RK_TYPE_TEXT, false, "look at this currency only"},
	{"transaction_types", NULL, RK_TYPE_TEXT_ARRAY, false, "look at these types only"},
	{"countries", NULL, RK_TYPE_TEXT_ARRAY, false, "look at transactions from or to these countries only"},
	{"cooldown", NULL, RK_TYPE_INTERVAL, false, "time after which a condition that still holds raises an alert again; absent: never"},
	{"enabled", NULL, RK_TYPE_BOOLEAN, false, "whether it is at work; absent: true"},
	{0}
};

static const rk_relation rules_relation = {
	.name = "rules",
	.columns = rule_columns,
	.example = "SELECT 1 AS id, 'Large' AS name, 'single_amount' AS rule_type, 10000 AS threshold"
};

#define MONITORING_PARAMS(of_relation) \
	RK_TRANSACTIONS_PARAM(of_relation), \
	{.name = "rules", .type = RK_TYPE_RELATION, .initial = "'rk.compliance_default_rules'", .relation = &rules_relation, \
	 .meaning = "what raises an alert, one row a rule"}, \
	{.name = "as_of", .type = RK_TYPE_TIMESTAMPTZ, .initial = "NULL", \
	 .meaning = "look at this moment only, and at what has happened until then; NULL: at every transaction"}, \
	RK_RATES_PARAM

static const rk_function monitoring_functions[] = {
	{
		.suffix = "",
		.description = "alerts that rules raise over transactions: amounts, sums, counts, velocities in time windows",
		.params = (const rk_param[]) {MONITORING_PARAMS(&transactions_relation), {0}},
		.columns = (const rk_column[]) {
			{"alert_id", RK_TYPE_INT8, "number in the order of severity (severest first), ts, rule, entity first seen"},
			{"rule_id", RK_TYPE_INT8, "the rule"},
			{"rule_name", RK_TYPE_TEXT, "its name"},
			{"rule_type", RK_TYPE_TEXT, "what it looks at"},
			{"entity", RK_TYPE_ID, "whom the alert is about"},
			{"ts", RK_TYPE_TIMESTAMPTZ, "when the condition became true; as_of if that is given"},
			{"severity", RK_TYPE_TEXT, "of the rule"},
			{"current_value", RK_TYPE_NUMERIC, "what was compared with the threshold"},
			{"threshold", RK_TYPE_NUMERIC, "of the rule"},
			{"transaction_ids", RK_TYPE_ID2_ARRAY, "transactions that the value is made of, by time"},
			{"message", RK_TYPE_TEXT, "the alert in words"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED,
		.id2_name = "transaction_id_type"
	},
	{
		.suffix = "_summary",
		.description = "number of alerts that rules raise over transactions, in all and by rule",
		.params = (const rk_param[]) {MONITORING_PARAMS(&summary_relation), {0}},
		.columns = (const rk_column[]) {
			{"alert_count", RK_TYPE_INT8, "alerts"},
			{"entity_count", RK_TYPE_INT8, "entities that they are about"},
			{"transaction_count", RK_TYPE_INT8, "transactions looked at"},
			{"by_rule", RK_TYPE_JSONB, "alerts by the id of the rule; rules that are not enabled are left out"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{0}
};

const rk_kernel rk_compliance_monitoring_kernels[] = {
	{
		.id = "compliance/transaction-monitoring",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Monitors transactions by rules over amounts, windows of time, countries and counterparties",
		.notes = "Each rule is looked at whenever a transaction of an entity happens, over (ts - time_window, ts]: the batch function "
		"goes through the transactions in the order of ts as the ring receives them, and raises the same alerts. "
		"An alert is raised when the condition of a rule becomes true for an entity, and again when it has been false meanwhile "
		"(transactions leave the window, and it may become false between two of them) or when cooldown has passed. "
		"single_amount, geographic_risk and dormant_reactivation are about one transaction, and each that meets them raises an alert: "
		"for its source, for its target where side is target. "
		"velocity compares the amount per hour of the window. distinct_counterparties counts the other ends. "
		"geographic_risk wants both countries known and different. "
		"dormant_reactivation wants an earlier transaction of the entity and none within time_window. "
		"just_below_threshold wants three amounts from 0.9 times the threshold up to below it. "
		"cash_aggregate adds transactions of type cash_withdrawal, and those of type cash_deposit by themselves, over the calendar day in the "
		"session's time zone, and wants more than the threshold (31 CFR 1010.311 and 1010.313). "
		"An entity that pays itself has that transaction once. Windows are as long as the interval says with a day of 24 hours. "
		"Amounts are exact: 8 decimals, rounded half away from zero, added up in 128 bits. "
		"With as_of, conditions of windows are looked at once, and rules about one transaction report those within their time_window, "
		"or all that have happened when they have none.",
		.license_feature = "Compliance.TransactionMonitoring",
		.expected_throughput = 2000000,
		.target_latency_us = 5,
		.functions = monitoring_functions
	},
	{0}
};

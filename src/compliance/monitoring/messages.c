/*
 * messages.c
 *	  The messages of compliance/transaction-monitoring.
 */
#include "monitoring_ring.h"

#define MAX_FIXED 92233720368.0

static const rk_field monitor_request[] = {
	RK_FIELD(rk_monitor_request, transaction_id, RK_FIELD_ID,.meaning = "of the transaction"),
	RK_FIELD(rk_monitor_request, source, RK_FIELD_ID,.meaning = "who pays"),
	RK_FIELD(rk_monitor_request, target, RK_FIELD_ID,.meaning = "who is paid"),
	RK_FIELD(rk_monitor_request, amount, RK_FIELD_FIXED,.min = 0,.max = MAX_FIXED,.meaning = "at least 0"),
	RK_FIELD(rk_monitor_request, ts, RK_FIELD_TIME,.meaning = "moment of the transaction"),
	RK_FIELD(rk_monitor_request, transaction_type, RK_FIELD_TEXT,.initial = "NULL",.meaning = "kind of the transaction"),
	RK_FIELD(rk_monitor_request, currency, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of the amount"),
	RK_FIELD(rk_monitor_request, source_country, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of the payer, ISO 3166 alpha-2"),
	RK_FIELD(rk_monitor_request, target_country, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of the payee, ISO 3166 alpha-2"),
	RK_FIELD(rk_monitor_request, day, RK_FIELD_DATE,.initial = "NULL",
			 .meaning = "calendar day for cash_aggregate; NULL: that of ts in UTC"),
	{0}
};

static const rk_field monitor_reply[] = {
	RK_FIELD(rk_monitor_reply, alert_count, RK_FIELD_INT4,.meaning = "alerts that the transaction raised"),
	RK_FIELD(rk_monitor_reply, risk_score, RK_FIELD_INT4,
			 .meaning = "of the severest: info 10, low 25, medium 50, high 75, critical and emergency 100; 0 without any; 100 if an entity is frozen"),
	RK_FIELD(rk_monitor_reply, alert_flags, RK_FIELD_INT8,
			 .meaning = "bit i: the rule that is number i in the order of ids, from 0; bit 63: any of the others"),
	{0}
};

static const rk_field alert_record[] = {
	RK_FIELD(rk_monitor_alert, transaction_id, RK_FIELD_ID,.meaning = "that raised it"),
	RK_FIELD(rk_monitor_alert, alert_type, RK_FIELD_CODE,.choices = rk_mon_type_names,.meaning = "rule_type of the rule"),
	RK_FIELD(rk_monitor_alert, severity, RK_FIELD_CODE,.choices = rk_mon_severity_names,.meaning = "of the rule"),
	RK_FIELD(rk_monitor_alert, entity, RK_FIELD_ID,.meaning = "whom it is about"),
	RK_FIELD(rk_monitor_alert, threshold, RK_FIELD_FIXED,.meaning = "of the rule"),
	RK_FIELD(rk_monitor_alert, actual, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "what was compared with it; NULL: beyond 92233720368.54775807"),
	RK_FIELD(rk_monitor_alert, ts, RK_FIELD_TIME,.meaning = "moment of the newest transaction of the entity"),
	RK_FIELD(rk_monitor_alert, rule_id, RK_FIELD_INT8,.meaning = "the rule"),
	RK_FIELD(rk_monitor_alert, rule_name, RK_FIELD_TEXT,.meaning = "its name"),
	RK_FIELD(rk_monitor_alert, message, RK_FIELD_TEXT,.meaning = "the alert in words"),
	{0}
};

static const rk_field rule_request[] = {
	RK_FIELD(rk_rule_request, id, RK_FIELD_INT8,.meaning = "of the rule; one of the same id is replaced"),
	RK_FIELD(rk_rule_request, rule_name, RK_FIELD_TEXT,.column = "name",.meaning = "of the rule"),
	RK_FIELD(rk_rule_request, rule_type, RK_FIELD_CODE,.choices = rk_mon_type_names,.meaning = "what it looks at"),
	RK_FIELD(rk_rule_request, threshold, RK_FIELD_FIXED,.min = 0,.max = MAX_FIXED,.meaning = "amount, number or amount per hour"),
	RK_FIELD(rk_rule_request, time_window, RK_FIELD_INTERVAL,.initial = "NULL",.meaning = "that it looks back; types of windows need it"),
	RK_FIELD(rk_rule_request, severity, RK_FIELD_CODE,.initial = "'medium'",.choices = rk_mon_severity_names,.meaning = "of its alerts"),
	RK_FIELD(rk_rule_request, side, RK_FIELD_CODE,.initial = "'both'",.choices = rk_mon_side_names,
			 .meaning = "look at who pays, who is paid, or both"),
	RK_FIELD(rk_rule_request, comparison, RK_FIELD_CODE,.initial = "'>='",.choices = rk_mon_comparison_names,
			 .meaning = "with the threshold"),
	RK_FIELD(rk_rule_request, currency, RK_FIELD_TEXT,.initial = "NULL",.meaning = "look at this currency only"),
	RK_FIELD(rk_rule_request, transaction_types, RK_FIELD_TEXT_ARRAY,.initial = "NULL",.meaning = "look at these types only"),
	RK_FIELD(rk_rule_request, countries, RK_FIELD_TEXT_ARRAY,.initial = "NULL",.meaning = "look at transactions from or to these only"),
	RK_FIELD(rk_rule_request, cooldown, RK_FIELD_INTERVAL,.initial = "NULL",
			 .meaning = "time after which a condition that still holds raises an alert again"),
	RK_FIELD(rk_rule_request, enabled, RK_FIELD_BOOLEAN,.initial = "true",.meaning = "whether it is at work"),
	{0}
};

static const rk_field rule_reply[] = {
	RK_FIELD(rk_rule_reply, rule_count, RK_FIELD_INT8,.meaning = "rules that the ring has"),
	{0}
};

static const rk_field totals_request[] = {
	RK_FIELD(rk_totals_request, entity, RK_FIELD_ID,.meaning = "the entity"),
	{0}
};

static const rk_field totals_row[] = {
	RK_FIELD(rk_totals_row, rule_id, RK_FIELD_INT8,.meaning = "the rule"),
	RK_FIELD(rk_totals_row, current_value, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "what it compares with its threshold, at the time of the entity's newest transaction; NULL: rules about one transaction"),
	RK_FIELD(rk_totals_row, threshold, RK_FIELD_FIXED,.meaning = "of the rule"),
	{0}
};

static const rk_field freeze_request[] = {
	RK_FIELD(rk_freeze_request, entity, RK_FIELD_ID,.meaning = "the entity"),
	RK_FIELD(rk_freeze_request, reason, RK_FIELD_TEXT,.initial = "NULL",.meaning = "why"),
	RK_FIELD(rk_freeze_request, duration, RK_FIELD_INTERVAL,.initial = "NULL",
			 .meaning = "for how long; NULL: until lifted; 0: lifts it"),
	{0}
};

static const rk_field freeze_reply[] = {
	RK_FIELD(rk_freeze_reply, frozen, RK_FIELD_BOOLEAN,.meaning = "whether it is frozen now"),
	RK_FIELD(rk_freeze_reply, blocked_count, RK_FIELD_INT8,.meaning = "transactions that were answered with 100 since it was frozen first"),
	{0}
};

#define KERNEL "compliance/transaction-monitoring"

const rk_message_type rk_compliance_monitoring_messages[] = {
	{
		.type_id = 300,
		.reply_id = 301,
		.name = "Monitor",
		.kernel = KERNEL,
		.function = "ring_compliance_monitor",
		.description = "hands a transaction to a ring that monitors and returns what it raised",
		.mutating = true,
		.request = monitor_request,
		.request_size = sizeof(rk_monitor_request),
		.reply = monitor_reply,
		.reply_size = sizeof(rk_monitor_reply)
	},
	{
		.type_id = 302,
		.name = "Alert",
		.kernel = KERNEL,
		.description = "an alert that a transaction raised",
		.published = true,
		.request = alert_record,
		.request_size = sizeof(rk_monitor_alert)
	},
	{
		.type_id = 303,
		.reply_id = 304,
		.name = "LoadRule",
		.kernel = KERNEL,
		.function = "ring_compliance_load_rule",
		.description = "gives a ring that monitors a rule, or another in its place",
		.mutating = true,
		.request = rule_request,
		.request_size = sizeof(rk_rule_request),
		.reply = rule_reply,
		.reply_size = sizeof(rk_rule_reply)
	},
	{
		.type_id = 305,
		.reply_id = 306,
		.name = "EntityTotals",
		.kernel = KERNEL,
		.function = "ring_compliance_entity_totals",
		.description = "what each rule of a ring that monitors knows of an entity",
		.request = totals_request,
		.request_size = sizeof(rk_totals_request),
		.rows = totals_row,
		.row_size = sizeof(rk_totals_row)
	},
	{
		.type_id = 358,
		.reply_id = 359,
		.name = "Freeze",
		.kernel = KERNEL,
		.function = "ring_compliance_freeze",
		.description = "freezes an entity: its transactions are answered with a risk_score of 100",
		.mutating = true,
		.request = freeze_request,
		.request_size = sizeof(rk_freeze_request),
		.reply = freeze_reply,
		.reply_size = sizeof(rk_freeze_reply)
	},
	{0}
};

/*
 * messages.c
 *	  The messages of compliance/transaction-monitoring and of
 *	  compliance/alert-correlation.
 */
#include "correlation_ring.h"
#include "monitoring_ring.h"

#define MAX_FIXED 92233720368.0

static const rk_field monitor_request[] = {
	RK_FIELD(rk_monitor_request, transaction_id, RK_FIELD_ANY_ID,.apart = true,.meaning = "of the transaction"),
	RK_FIELD(rk_monitor_request, source, RK_FIELD_ANY_ID,.meaning = "who pays"),
	RK_FIELD(rk_monitor_request, target, RK_FIELD_ANY_ID,.meaning = "who is paid"),
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
	RK_FIELD(rk_monitor_alert, transaction_id, RK_FIELD_ANY_ID,.meaning = "that raised it"),
	RK_FIELD(rk_monitor_alert, alert_type, RK_FIELD_CODE,.choices = rk_mon_type_names,.meaning = "rule_type of the rule"),
	RK_FIELD(rk_monitor_alert, severity, RK_FIELD_CODE,.choices = rk_mon_severity_names,.meaning = "of the rule"),
	RK_FIELD(rk_monitor_alert, entity, RK_FIELD_ANY_ID,.meaning = "whom it is about"),
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
	RK_FIELD(rk_totals_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
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
	RK_FIELD(rk_freeze_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
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

/* the last of them */
const rk_message_type *const rk_freeze_said[] = {
	&rk_compliance_monitoring_messages[sizeof(rk_compliance_monitoring_messages) / sizeof(rk_message_type) - 2], NULL
};

/* ---- compliance/alert-correlation ---- */

static const char *const alert_types[] = {"transaction", "cycle", "pattern", "sanctions", NULL};
static const char *const recommendations[] = {"none", "monitor", "escalate", "block", NULL};
static const char *const update_types[] = {"new_evidence", "risk_change", "status_change", NULL};
static const char *const risk_status[] = {"ok", "unknown", NULL};

static const rk_field broadcast_request[] = {
	RK_FIELD(rk_alert_broadcast, source_kernel, RK_FIELD_TEXT,.meaning = "kernel of the ring that raised it"),
	RK_FIELD(rk_alert_broadcast, alert_type, RK_FIELD_CODE,.choices = alert_types,.first_code = 1,.meaning = "what it is about"),
	RK_FIELD(rk_alert_broadcast, severity, RK_FIELD_INT4,.min = 1,.max = 5,.meaning = "how bad, 5 is worst"),
	RK_FIELD(rk_alert_broadcast, entity, RK_FIELD_ANY_ID,.meaning = "whom it is about"),
	RK_FIELD(rk_alert_broadcast, risk_score, RK_FIELD_FLOAT8,.min = 0,.max = 100,.meaning = "risk that it points to"),
	RK_FIELD(rk_alert_broadcast, ts, RK_FIELD_TIME,.meaning = "moment of the transaction that raised it"),
	RK_FIELD(rk_alert_broadcast, related_entity, RK_FIELD_ANY_ID,.initial = "NULL",.meaning = "who else is in it"),
	RK_FIELD(rk_alert_broadcast, context, RK_FIELD_TEXT,.initial = "NULL",.meaning = "what it is, in words"),
	{0}
};

static const rk_field broadcast_reply[] = {
	RK_FIELD(rk_alert_ack, kernel_id, RK_FIELD_TEXT,.meaning = "kernel that has taken it"),
	RK_FIELD(rk_alert_ack, will_action, RK_FIELD_BOOLEAN,.meaning = "whether the entity has a case now"),
	RK_FIELD(rk_alert_ack, correlation_found, RK_FIELD_BOOLEAN,
			 .meaning = "whether another kernel has alerts about the entity, or any has about related_entity"),
	{0}
};

static const rk_field risk_request[] = {
	RK_FIELD(rk_entity_risk_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	RK_FIELD(rk_entity_risk_request, time_window, RK_FIELD_INTERVAL,.initial = "NULL",
			 .meaning = "alerts that count, before the newest of the ring; NULL, or longer: as the ring's option"),
	{0}
};

static const rk_field risk_reply[] = {
	RK_FIELD(rk_entity_risk_reply, status, RK_FIELD_CODE,.choices = risk_status,.meaning = "unknown: never had an alert"),
	RK_FIELD(rk_entity_risk_reply, risk_score, RK_FIELD_FLOAT8,
			 .meaning = "highest score of each kernel's alerts, averaged over kernels by their numbers of alerts; 0 without any"),
	RK_FIELD(rk_entity_risk_reply, alert_count, RK_FIELD_INT8,.meaning = "alerts that count"),
	RK_FIELD(rk_entity_risk_reply, max_severity, RK_FIELD_INT4,.meaning = "of the worst of them; 0 without any"),
	RK_FIELD(rk_entity_risk_reply, patterns, RK_FIELD_INT8,
			 .meaning = "their types: bit 0 transaction, 1 cycle, 2 pattern, 3 sanctions"),
	RK_FIELD(rk_entity_risk_reply, kernel_count, RK_FIELD_INT4,.meaning = "kernels that raised them"),
	RK_FIELD(rk_entity_risk_reply, recommendation, RK_FIELD_CODE,.choices = recommendations,
			 .meaning = "monitor from a score of 25, escalate from 50, block from 75"),
	{0}
};

static const rk_field aggregated_record[] = {
	RK_FIELD(rk_aggregated_risk, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	RK_FIELD(rk_aggregated_risk, score, RK_FIELD_FLOAT8,.meaning = "its risk, as EntityRisk has it"),
	RK_FIELD(rk_aggregated_risk, kernel_count, RK_FIELD_INT4,.meaning = "kernels that raised alerts"),
	RK_FIELD(rk_aggregated_risk, total_alerts, RK_FIELD_INT8,.meaning = "alerts that count"),
	RK_FIELD(rk_aggregated_risk, recommendation, RK_FIELD_CODE,.choices = recommendations,
			 .meaning = "monitor from a score of 25, escalate from 50, block from 75"),
	RK_FIELD(rk_aggregated_risk, ts, RK_FIELD_TIME,.meaning = "of its newest alert"),
	{0}
};

static const rk_field case_record[] = {
	RK_FIELD(rk_case_creation, case_id, RK_FIELD_INT8,.meaning = "number of the case, from 1"),
	RK_FIELD(rk_case_creation, entity, RK_FIELD_ANY_ID,.meaning = "whom it is about"),
	RK_FIELD(rk_case_creation, related, RK_FIELD_TEXT_ARRAY,.meaning = "up to 4 entities of its alerts, newest first"),
	RK_FIELD(rk_case_creation, kernels, RK_FIELD_TEXT_ARRAY,.meaning = "up to 4 kernels that raised them"),
	RK_FIELD(rk_case_creation, total_risk, RK_FIELD_FLOAT8,.meaning = "the score"),
	RK_FIELD(rk_case_creation, priority, RK_FIELD_INT4,.meaning = "2 monitor, 3 escalate, 4 block"),
	RK_FIELD(rk_case_creation, ts, RK_FIELD_TIME,.meaning = "of the alert that opened it"),
	{0}
};

static const rk_field case_update_record[] = {
	RK_FIELD(rk_case_update, case_id, RK_FIELD_INT8,.meaning = "number of the case"),
	RK_FIELD(rk_case_update, entity, RK_FIELD_ANY_ID,.meaning = "whom it is about"),
	RK_FIELD(rk_case_update, update_type, RK_FIELD_CODE,.choices = update_types,.first_code = 1,
			 .meaning = "another alert; one that changed the recommendation; closed, since no alert counts any more"),
	RK_FIELD(rk_case_update, new_risk, RK_FIELD_FLOAT8,.meaning = "the score now"),
	RK_FIELD(rk_case_update, evidence, RK_FIELD_TEXT_ARRAY,.meaning = "up to 4 contexts of its alerts, newest first"),
	RK_FIELD(rk_case_update, ts, RK_FIELD_TIME,.meaning = "of the alert"),
	{0}
};

#define CORRELATION "compliance/alert-correlation"

const rk_message_type rk_compliance_alerts_messages[] = {
	{
		.type_id = 350,
		.reply_id = 351,
		.name = "AlertBroadcast",
		.kernel = CORRELATION,
		.function = "ring_compliance_alert_broadcast",
		.description = "hands an alert of another kernel to the ring; the rings of compliance publish it, too",
		.mutating = true,
		.request = broadcast_request,
		.request_size = sizeof(rk_alert_broadcast),
		.reply = broadcast_reply,
		.reply_size = sizeof(rk_alert_ack)
	},
	{
		.type_id = 352,
		.reply_id = 353,
		.name = "EntityRisk",
		.kernel = CORRELATION,
		.function = "ring_compliance_entity_risk",
		.description = "what the alerts about an entity say together; no row if there never was one",
		.request = risk_request,
		.request_size = sizeof(rk_entity_risk_request),
		.reply = risk_reply,
		.reply_size = sizeof(rk_entity_risk_reply),
		.found = "status"
	},
	{
		.type_id = 354,
		.name = "AggregatedRisk",
		.kernel = CORRELATION,
		.description = "the risk of an entity after an alert",
		.published = true,
		.request = aggregated_record,
		.request_size = sizeof(rk_aggregated_risk)
	},
	{
		.type_id = 355,
		.name = "CaseCreation",
		.kernel = CORRELATION,
		.description = "a case that is opened, since the risk of an entity has reached the option case_at",
		.published = true,
		.request = case_record,
		.request_size = sizeof(rk_case_creation)
	},
	{
		.type_id = 356,
		.name = "CaseUpdate",
		.kernel = CORRELATION,
		.description = "what has changed in an open case",
		.published = true,
		.request = case_update_record,
		.request_size = sizeof(rk_case_update)
	},
	{0}
};

const rk_message_type *const rk_alert_broadcast_said[] = {&rk_compliance_alerts_messages[0], NULL};

/*
 * messages.c
 *	  The messages of compliance/rapid-movement and compliance/aml-patterns.
 */
#include "typologies_ring.h"

#define MAX_FIXED 92233720368.0

/* ---- compliance/aml-patterns ---- */

static const char *const transaction_types[] = {"wire", "ach", "check", "card", "cash_withdrawal", "cash_deposit", "internal", "crypto", "other", NULL};

static const rk_field match_request[] = {
	RK_FIELD(rk_match_request, transaction_id, RK_FIELD_ANY_ID,.apart = true,.meaning = "of the transaction"),
	RK_FIELD(rk_match_request, source, RK_FIELD_ANY_ID,.meaning = "who pays"),
	RK_FIELD(rk_match_request, target, RK_FIELD_ANY_ID,.meaning = "who is paid"),
	RK_FIELD(rk_match_request, amount, RK_FIELD_FIXED,.min = 0,.max = MAX_FIXED,.meaning = "at least 0"),
	RK_FIELD(rk_match_request, ts, RK_FIELD_TIME,.meaning = "moment of the transaction"),
	RK_FIELD(rk_match_request, transaction_type, RK_FIELD_CODE,.initial = "'other'",.choices = transaction_types,
			 .meaning = "kind of the transaction; no pattern looks at it"),
	{0}
};

static const rk_field match_reply[] = {
	RK_FIELD(rk_match_reply, patterns_matched, RK_FIELD_INT8,
			 .meaning = "bits of the patterns that the transaction is in: 0 structuring, 1 layering, 2 rapid_movement, 3 round_tripping, 4 funnel_account, 5 fan_out, 6 fan_in, 7 scatter_gather, 8 gather_scatter"),
	RK_FIELD(rk_match_reply, max_score, RK_FIELD_FLOAT8,.meaning = "most points, times confidence, of them; at most 25"),
	RK_FIELD(rk_match_reply, match_count, RK_FIELD_INT4,.meaning = "patterns"),
	RK_FIELD(rk_match_reply, complete, RK_FIELD_BOOLEAN,.meaning = "false: the search for cycles or layers ended at max_steps"),
	{0}
};

static const rk_field pattern_alert[] = {
	RK_FIELD(rk_pattern_alert, pattern_type, RK_FIELD_CODE,.choices = rk_aml_kind_names,.first_code = 1,.meaning = "the pattern"),
	RK_FIELD(rk_pattern_alert, entity, RK_FIELD_ANY_ID,.meaning = "its hub, or who pays first in it"),
	RK_FIELD(rk_pattern_alert, confidence, RK_FIELD_FLOAT8,.meaning = "0 to 1"),
	RK_FIELD(rk_pattern_alert, transaction_id, RK_FIELD_ANY_ID,.meaning = "that completed it"),
	RK_FIELD(rk_pattern_alert, evidence, RK_FIELD_TEXT_ARRAY,.meaning = "up to 4 of its transactions"),
	RK_FIELD(rk_pattern_alert, evidence_count, RK_FIELD_INT4,.meaning = "how many of them were looked at"),
	RK_FIELD(rk_pattern_alert, ts, RK_FIELD_TIME,.meaning = "of the transaction"),
	{0}
};

static const rk_field entity_patterns_request[] = {
	RK_FIELD(rk_entity_patterns_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	{0}
};

static const char *const entity_status[] = {"ok", "unknown", NULL};

static const rk_field entity_patterns_reply[] = {
	RK_FIELD(rk_entity_patterns_reply, status, RK_FIELD_CODE,.choices = entity_status,.meaning = "unknown: no transaction of it is kept"),
	RK_FIELD(rk_entity_patterns_reply, patterns_matched, RK_FIELD_INT8,
			 .meaning = "bits as above of the patterns that it is in, with 9 bipartite, 10 stack"),
	RK_FIELD(rk_entity_patterns_reply, risk_score, RK_FIELD_FLOAT8,.meaning = "their points times confidence, added up; at most 100"),
	RK_FIELD(rk_entity_patterns_reply, pattern_count, RK_FIELD_INT8,.meaning = "patterns"),
	RK_FIELD(rk_entity_patterns_reply, transaction_count, RK_FIELD_INT8,.meaning = "its transactions in them"),
	{0}
};

#define AML "compliance/aml-patterns"

const rk_message_type rk_compliance_aml_messages[] = {
	{
		.type_id = 320,
		.reply_id = 321,
		.name = "MatchPattern",
		.kernel = AML,
		.function = "ring_compliance_match_pattern",
		.description = "hands a transaction to the ring and returns the patterns that it completes",
		.mutating = true,
		.request = match_request,
		.request_size = sizeof(rk_match_request),
		.reply = match_reply,
		.reply_size = sizeof(rk_match_reply)
	},
	{
		.type_id = 322,
		.name = "PatternAlert",
		.kernel = AML,
		.description = "a pattern that was completed: windows once, cycles and layers each time",
		.published = true,
		.request = pattern_alert,
		.request_size = sizeof(rk_pattern_alert)
	},
	{
		.type_id = 323,
		.reply_id = 324,
		.name = "EntityPatterns",
		.kernel = AML,
		.function = "ring_compliance_entity_patterns",
		.description = "the patterns that an entity is in, by the batch function over the transactions that are kept",
		.request = entity_patterns_request,
		.request_size = sizeof(rk_entity_patterns_request),
		.reply = entity_patterns_reply,
		.reply_size = sizeof(rk_entity_patterns_reply),
		.found = "status"
	},
	{0}
};

/* ---- compliance/rapid-movement ---- */

static const rk_field movement_request[] = {
	RK_FIELD(rk_movement_request, source, RK_FIELD_ANY_ID,.meaning = "who pays"),
	RK_FIELD(rk_movement_request, target, RK_FIELD_ANY_ID,.meaning = "who is paid"),
	RK_FIELD(rk_movement_request, amount, RK_FIELD_FIXED,.min = 0,.max = MAX_FIXED,.meaning = "at least 0"),
	RK_FIELD(rk_movement_request, ts, RK_FIELD_TIME,.meaning = "moment of the transaction"),
	{0}
};

static const rk_field movement_query_request[] = {
	RK_FIELD(rk_movement_query_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	{0}
};

#define MOVEMENT_FIELDS \
	RK_FIELD(rk_movement_row, velocity, RK_FIELD_FLOAT8,.meaning = "transactions an hour in the busiest time_window so far"), \
	RK_FIELD(rk_movement_row, window_amount, RK_FIELD_FIXED,.initial = "NULL", \
			 .meaning = "amount of that window; NULL: beyond 92233720368.54775807"), \
	RK_FIELD(rk_movement_row, rapid_amount, RK_FIELD_FIXED,.initial = "NULL", \
			 .meaning = "largest amount of a window that is fast enough and reaches amount_threshold, else 0"), \
	RK_FIELD(rk_movement_row, pass_through, RK_FIELD_FLOAT8,.initial = "NULL", \
			 .meaning = "share of the incoming money that left again within max_dwell; NULL: nothing came in"), \
	RK_FIELD(rk_movement_row, transaction_count, RK_FIELD_INT8,.meaning = "transactions of the entity so far"), \
	RK_FIELD(rk_movement_row, velocity_flag, RK_FIELD_BOOLEAN,.meaning = "whether a window is too fast"), \
	RK_FIELD(rk_movement_row, pass_through_flag, RK_FIELD_BOOLEAN,.meaning = "whether too much passes through"), \
	RK_FIELD(rk_movement_row, flagged, RK_FIELD_BOOLEAN,.meaning = "either of the two")

static const rk_field movement_row[] = {
	RK_FIELD(rk_movement_row, entity, RK_FIELD_ANY_ID,.meaning = "source, then target"),
	MOVEMENT_FIELDS,
	{0}
};

/* its entity is the parameter */
static const rk_field movement_query_row[] = {
	MOVEMENT_FIELDS,
	{0}
};

static const rk_field movement_alert[] = {
	RK_FIELD(rk_movement_row, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	MOVEMENT_FIELDS,
	RK_FIELD(rk_movement_row, ts, RK_FIELD_TIME,.meaning = "of the transaction that raised it"),
	{0}
};

#define MOVEMENT "compliance/rapid-movement"

const rk_message_type rk_compliance_movement_messages[] = {
	{
		.type_id = 380,
		.reply_id = 381,
		.name = "MovementObserve",
		.kernel = MOVEMENT,
		.function = "ring_compliance_movement_observe",
		.description = "hands a transaction to the ring and returns how fast money moves through both entities",
		.mutating = true,
		.request = movement_request,
		.request_size = sizeof(rk_movement_request),
		.rows = movement_row,
		.row_size = sizeof(rk_movement_row)
	},
	{
		.type_id = 382,
		.reply_id = 383,
		.name = "MovementQuery",
		.kernel = MOVEMENT,
		.function = "ring_compliance_movement_query",
		.description = "how fast money moves through an entity; no row if it has no transactions",
		.request = movement_query_request,
		.request_size = sizeof(rk_movement_query_request),
		.rows = movement_query_row,
		.row_size = sizeof(rk_movement_row)
	},
	{
		.type_id = 384,
		.name = "MovementAlert",
		.kernel = MOVEMENT,
		.description = "an entity that has become flagged",
		.published = true,
		.request = movement_alert,
		.request_size = sizeof(rk_movement_row)
	},
	{0}
};

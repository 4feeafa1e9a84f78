/*
 * messages.c
 *	  The messages of compliance/circular-flow and compliance/reciprocity-flow.
 */
#include "flows_ring.h"

#define MAX_FIXED 92233720368.0

#define PAYMENT_FIELDS \
	RK_FIELD(rk_payment_request, source, RK_FIELD_ANY_ID,.meaning = "who pays"), \
	RK_FIELD(rk_payment_request, target, RK_FIELD_ANY_ID,.meaning = "who is paid"), \
	RK_FIELD(rk_payment_request, amount, RK_FIELD_FIXED,.min = 0,.max = MAX_FIXED,.meaning = "at least 0"), \
	RK_FIELD(rk_payment_request, ts, RK_FIELD_TIME,.meaning = "moment of the payment")

static const rk_field payment_request[] = {
	PAYMENT_FIELDS,
	{0}
};

/* ---- compliance/circular-flow ---- */

static const char *const found_status[] = {"ok", "unknown", NULL};

static const rk_field circular_reply[] = {
	RK_FIELD(rk_circular_reply, cycle_detected, RK_FIELD_BOOLEAN,.meaning = "whether money can get back from target to source"),
	RK_FIELD(rk_circular_reply, cycle_size, RK_FIELD_INT4,.initial = "NULL",
			 .meaning = "entities on a shortest circle through the payment; NULL: there is none of up to max_cycle_length"),
	RK_FIELD(rk_circular_reply, source_ratio, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "share of what source pays that stays in its component; NULL: it pays nothing"),
	{0}
};

static const rk_field circular_query_request[] = {
	RK_FIELD(rk_circular_query_request, entity, RK_FIELD_ANY_ID,.meaning = "the entity"),
	{0}
};

static const rk_field circular_query_reply[] = {
	RK_FIELD(rk_circular_query_reply, status, RK_FIELD_CODE,.choices = found_status,.meaning = "unknown: neither pays nor is paid"),
	RK_FIELD(rk_circular_query_reply, ratio, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "share of what it pays that stays in its component; NULL: it pays nothing"),
	RK_FIELD(rk_circular_query_reply, scc_count, RK_FIELD_INT4,.meaning = "1 if it is in a component that counts, else 0"),
	RK_FIELD(rk_circular_query_reply, cycle_volume, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "what it pays to others of its component; NULL: beyond 92233720368.54775807"),
	RK_FIELD(rk_circular_query_reply, member_count, RK_FIELD_INT8,.meaning = "of the component"),
	RK_FIELD(rk_circular_query_reply, internal_amount, RK_FIELD_FIXED,.initial = "NULL",.meaning = "amounts between its members"),
	{0}
};

static const rk_field circular_expire_request[] = {
	RK_FIELD(rk_circular_expire_request, before, RK_FIELD_TIME,.meaning = "pairs without a payment at this moment or later are dropped"),
	{0}
};

static const rk_field circular_expire_reply[] = {
	RK_FIELD(rk_circular_expire_reply, edges_dropped, RK_FIELD_INT8,.meaning = "ordered pairs of entities, with all their payments"),
	{0}
};

static const rk_field circular_alert[] = {
	RK_FIELD(rk_circular_alert, cycle_id, RK_FIELD_INT8,.meaning = "number of the circle, from 1"),
	RK_FIELD(rk_circular_alert, entity, RK_FIELD_ANY_ID,.meaning = "who paid"),
	RK_FIELD(rk_circular_alert, related_entity, RK_FIELD_ANY_ID,.meaning = "who was paid"),
	RK_FIELD(rk_circular_alert, cycle_size, RK_FIELD_INT4,.meaning = "entities on it"),
	RK_FIELD(rk_circular_alert, total_value, RK_FIELD_FIXED,.initial = "NULL",.meaning = "amounts of its pairs so far"),
	RK_FIELD(rk_circular_alert, ts, RK_FIELD_TIME,.meaning = "of the payment"),
	RK_FIELD(rk_circular_alert, risk_level, RK_FIELD_INT4,
			 .meaning = "1 to 5: a fifth of the smallest / largest amount of its pairs each"),
	{0}
};

#define CIRCULAR "compliance/circular-flow"

const rk_message_type rk_compliance_circular_messages[] = {
	{
		.type_id = 310,
		.reply_id = 311,
		.name = "CircularAddEdge",
		.kernel = CIRCULAR,
		.function = "ring_compliance_circular_add_edge",
		.description = "adds a payment and says whether it closes a circle",
		.mutating = true,
		.request = payment_request,
		.request_size = sizeof(rk_payment_request),
		.reply = circular_reply,
		.reply_size = sizeof(rk_circular_reply)
	},
	{
		.type_id = 312,
		.reply_id = 313,
		.name = "CircularQuery",
		.kernel = CIRCULAR,
		.function = "ring_compliance_circular_query",
		.description = "how much of what an entity pays stays in circles; no row if it is unknown",
		.request = circular_query_request,
		.request_size = sizeof(rk_circular_query_request),
		.reply = circular_query_reply,
		.reply_size = sizeof(rk_circular_query_reply),
		.found = "status"
	},
	{
		.type_id = 314,
		.name = "CircularAlert",
		.kernel = CIRCULAR,
		.description = "a payment between two that had none in this direction has closed a circle of up to max_cycle_length",
		.published = true,
		.request = circular_alert,
		.request_size = sizeof(rk_circular_alert)
	},
	{
		.type_id = 315,
		.reply_id = 316,
		.name = "CircularExpire",
		.kernel = CIRCULAR,
		.function = "ring_compliance_circular_expire",
		.description = "drops the pairs that have not paid for a while",
		.mutating = true,
		.request = circular_expire_request,
		.request_size = sizeof(rk_circular_expire_request),
		.reply = circular_expire_reply,
		.reply_size = sizeof(rk_circular_expire_reply)
	},
	{0}
};

/* ---- compliance/reciprocity-flow ---- */

static const rk_field reciprocity_reply[] = {
	RK_FIELD(rk_reciprocity_reply, is_reciprocal, RK_FIELD_BOOLEAN,
			 .meaning = "whether money of at least min_amount flows both ways between the two now"),
	RK_FIELD(rk_reciprocity_reply, pair_reciprocal, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "of the two: twice the smaller direction, or twice what came back in time; NULL: beyond 92233720368.54775807"),
	RK_FIELD(rk_reciprocity_reply, ratio, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "reciprocal amount of all pairs / amount of all payments between different entities; NULL: nothing was paid"),
	{0}
};

static const rk_field pair_request[] = {
	RK_FIELD(rk_pair_request, entity_a, RK_FIELD_ANY_ID,.meaning = "one entity"),
	RK_FIELD(rk_pair_request, entity_b, RK_FIELD_ANY_ID,.meaning = "the other one"),
	{0}
};

static const rk_field pair_reply[] = {
	RK_FIELD(rk_pair_reply, status, RK_FIELD_CODE,.choices = found_status,.meaning = "unknown: no payment between them"),
	RK_FIELD(rk_pair_reply, amount_ab, RK_FIELD_FIXED,.initial = "NULL",.meaning = "that entity_a paid entity_b"),
	RK_FIELD(rk_pair_reply, amount_ba, RK_FIELD_FIXED,.initial = "NULL",.meaning = "that entity_b paid entity_a"),
	RK_FIELD(rk_pair_reply, reciprocal_amount, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "twice the smaller of the two, or twice what came back in time"),
	RK_FIELD(rk_pair_reply, balance, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "half of reciprocal_amount / the larger of the two"),
	RK_FIELD(rk_pair_reply, count_ab, RK_FIELD_INT8,.meaning = "payments from entity_a to entity_b"),
	RK_FIELD(rk_pair_reply, count_ba, RK_FIELD_INT8,.meaning = "payments from entity_b to entity_a"),
	{0}
};

static const rk_field reciprocity_alert[] = {
	RK_FIELD(rk_reciprocity_alert, entity, RK_FIELD_ANY_ID,.meaning = "who paid first"),
	RK_FIELD(rk_reciprocity_alert, related_entity, RK_FIELD_ANY_ID,.meaning = "the other one"),
	RK_FIELD(rk_reciprocity_alert, amount_ab, RK_FIELD_FIXED,.initial = "NULL",.meaning = "that entity paid so far"),
	RK_FIELD(rk_reciprocity_alert, amount_ba, RK_FIELD_FIXED,.initial = "NULL",.meaning = "that related_entity paid so far"),
	RK_FIELD(rk_reciprocity_alert, reciprocal_amount, RK_FIELD_FIXED,.initial = "NULL",
			 .meaning = "twice the smaller of the two, or twice what came back in time"),
	RK_FIELD(rk_reciprocity_alert, balance, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "half of reciprocal_amount / the larger of the two"),
	RK_FIELD(rk_reciprocity_alert, ts, RK_FIELD_TIME,.meaning = "of the payment that made the pair reciprocal"),
	{0}
};

#define RECIPROCITY "compliance/reciprocity-flow"

const rk_message_type rk_compliance_reciprocity_messages[] = {
	{
		.type_id = 370,
		.reply_id = 371,
		.name = "ReciprocityAdd",
		.kernel = RECIPROCITY,
		.function = "ring_compliance_reciprocity_add",
		.description = "adds a payment and says what has come back between the two",
		.mutating = true,
		.request = payment_request,
		.request_size = sizeof(rk_payment_request),
		.reply = reciprocity_reply,
		.reply_size = sizeof(rk_reciprocity_reply)
	},
	{
		.type_id = 372,
		.reply_id = 373,
		.name = "ReciprocityQuery",
		.kernel = RECIPROCITY,
		.function = "ring_compliance_reciprocity_query",
		.description = "what two entities have paid each other; no row if nothing",
		.request = pair_request,
		.request_size = sizeof(rk_pair_request),
		.reply = pair_reply,
		.reply_size = sizeof(rk_pair_reply),
		.found = "status"
	},
	{
		.type_id = 374,
		.name = "ReciprocityAlert",
		.kernel = RECIPROCITY,
		.description = "a pair whose payments have become reciprocal",
		.published = true,
		.request = reciprocity_alert,
		.request_size = sizeof(rk_reciprocity_alert)
	},
	{0}
};

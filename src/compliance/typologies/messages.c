/*
 * messages.c
 *	  The messages of compliance/rapid-movement and compliance/aml-patterns.
 */
#include "typologies_ring.h"

#define MAX_FIXED 92233720368.0

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

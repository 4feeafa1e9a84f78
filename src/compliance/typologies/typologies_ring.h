/*
 * typologies_ring.h
 *	  The payloads of compliance/rapid-movement and compliance/aml-patterns as
 *	  actors.
 */
#ifndef RK_TYPOLOGIES_RING_H
#define RK_TYPOLOGIES_RING_H

#include "../../ring/keys.h"
#include "../alert.h"
#include "typologies.h"

/* ---- compliance/rapid-movement ---- */

typedef struct rk_movement_request
{
	rk_id		source;
	rk_id		target;
	int64_t		amount;			/* fixed-point */
	int64_t		ts;				/* ns since 1970 */
} rk_movement_request;

typedef struct rk_movement_query_request
{
	rk_id		entity;
} rk_movement_query_request;

/* A row of the reply, and the record of an alert. */
typedef struct rk_movement_row
{
	rk_id		entity;
	double		velocity;
	int64_t		window_amount;	/* fixed-point; absent: beyond it */
	int64_t		rapid_amount;
	double		pass_through;
	int64_t		transaction_count;
	int64_t		ts;				/* of an alert, ns since 1970 */
	bool		velocity_flag;
	bool		pass_through_flag;
	bool		flagged;
	char		unused[5];
} rk_movement_row;

/* ---- compliance/aml-patterns ---- */

#define RK_AML_EVIDENCE 4		/* transactions that an alert names */
#define RK_AML_EVIDENCE_BYTES (RK_AML_EVIDENCE * RK_ID_ROOM)

typedef struct rk_match_request
{
	_Alignas(8) rk_id transaction_id;
	rk_id		source;
	rk_id		target;
	int64_t		amount;			/* fixed-point */
	int64_t		ts;				/* ns since 1970 */
	int16_t		transaction_type;
	int16_t		unused[3];
} rk_match_request;

typedef struct rk_match_reply
{
	int64_t		patterns_matched;
	double		max_score;
	int32_t		match_count;
	bool		complete;
	char		unused[3];
} rk_match_reply;

typedef struct rk_pattern_alert
{
	_Alignas(8) rk_id entity;
	rk_id		transaction_id;
	double		confidence;
	int64_t		ts;				/* ns since 1970 */
	int32_t		evidence_count;
	int16_t		pattern_type;	/* bit + 1 */
	int16_t		unused;
	char		evidence[RK_AML_EVIDENCE_BYTES];
} rk_pattern_alert;

typedef struct rk_entity_patterns_request
{
	rk_id		entity;
} rk_entity_patterns_request;

typedef struct rk_entity_patterns_reply
{
	int64_t		patterns_matched;
	double		risk_score;
	int64_t		pattern_count;
	int64_t		transaction_count;
	int16_t		status;
	int16_t		unused[3];
} rk_entity_patterns_reply;

#endif							/* RK_TYPOLOGIES_RING_H */

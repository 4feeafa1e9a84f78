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

#endif							/* RK_TYPOLOGIES_RING_H */

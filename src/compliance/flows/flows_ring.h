/*
 * flows_ring.h
 *	  The payloads of compliance/reciprocity-flow and compliance/circular-flow
 *	  as actors.
 */
#ifndef RK_FLOWS_RING_H
#define RK_FLOWS_RING_H

#include "../../ring/keys.h"
#include "../alert.h"

/* A payment, the request of both. */
typedef struct rk_payment_request
{
	rk_id		source;
	rk_id		target;
	int64_t		amount;			/* fixed-point */
	int64_t		ts;				/* ns since 1970 */
} rk_payment_request;

/* ---- compliance/reciprocity-flow ---- */

typedef struct rk_reciprocity_reply
{
	int64_t		pair_reciprocal;	/* fixed-point; absent: beyond it */
	double		ratio;
	bool		is_reciprocal;
	char		unused[7];
} rk_reciprocity_reply;

typedef struct rk_pair_request
{
	rk_id		entity_a;
	rk_id		entity_b;
} rk_pair_request;

typedef struct rk_pair_reply
{
	int64_t		amount_ab;		/* fixed-point; absent: beyond it */
	int64_t		amount_ba;
	int64_t		reciprocal_amount;
	double		balance;
	int64_t		count_ab;
	int64_t		count_ba;
	int16_t		status;
	int16_t		unused[3];
} rk_pair_reply;

typedef struct rk_reciprocity_alert
{
	rk_id		entity;			/* who paid first */
	rk_id		related_entity;
	int64_t		amount_ab;		/* fixed-point, from entity to related_entity */
	int64_t		amount_ba;
	int64_t		reciprocal_amount;
	double		balance;
	int64_t		ts;				/* ns since 1970 */
} rk_reciprocity_alert;

/* ---- compliance/circular-flow ---- */

typedef struct rk_circular_reply
{
	double		source_ratio;
	int32_t		cycle_size;
	bool		cycle_detected;
	char		unused[3];
} rk_circular_reply;

typedef struct rk_circular_query_request
{
	rk_id		entity;
} rk_circular_query_request;

typedef struct rk_circular_query_reply
{
	double		ratio;
	int64_t		cycle_volume;	/* fixed-point; absent: beyond it */
	int64_t		member_count;
	int64_t		internal_amount;
	int32_t		scc_count;
	int16_t		status;
	int16_t		unused;
} rk_circular_query_reply;

typedef struct rk_circular_expire_request
{
	int64_t		before;			/* ns since 1970 */
} rk_circular_expire_request;

typedef struct rk_circular_expire_reply
{
	int64_t		edges_dropped;
} rk_circular_expire_reply;

typedef struct rk_circular_alert
{
	int64_t		cycle_id;
	rk_id		entity;			/* who paid */
	rk_id		related_entity;
	int64_t		total_value;	/* fixed-point; absent: beyond it */
	int64_t		ts;				/* ns since 1970 */
	int32_t		cycle_size;
	int32_t		risk_level;
} rk_circular_alert;

#endif							/* RK_FLOWS_RING_H */

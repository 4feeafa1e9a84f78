/*
 * correlation_ring.h
 *	  The payloads of compliance/alert-correlation.
 */
#ifndef RK_COMPLIANCE_CORRELATION_RING_H
#define RK_COMPLIANCE_CORRELATION_RING_H

#include "../../ring/keys.h"
#include "../alert.h"

#define RK_CASE_LIST 4			/* entities, kernels, pieces of evidence of a case */
#define RK_CASE_LIST_BYTES (RK_CASE_LIST * (RK_ALERT_CONTEXT_BYTES + 1) + 4)

typedef enum rk_recommendation
{
	RK_RECOMMEND_NONE,
	RK_RECOMMEND_MONITOR,		/* from 25 */
	RK_RECOMMEND_ESCALATE,		/* from 50 */
	RK_RECOMMEND_BLOCK			/* from 75 */
} rk_recommendation;

typedef enum rk_case_update_type
{
	RK_CASE_NEW_EVIDENCE = 1,
	RK_CASE_RISK_CHANGE,
	RK_CASE_STATUS_CHANGE
} rk_case_update_type;

typedef struct rk_alert_ack
{
	char		kernel_id[RK_ALERT_KERNEL_BYTES];
	bool		will_action;
	bool		correlation_found;
	char		unused[6];
} rk_alert_ack;

typedef struct rk_entity_risk_request
{
	rk_id		entity;
	int64_t		time_window;	/* us; absent: that of the ring */
} rk_entity_risk_request;

typedef struct rk_entity_risk_reply
{
	double		risk_score;
	int64_t		alert_count;
	int64_t		patterns;
	int32_t		max_severity;
	int32_t		kernel_count;
	int16_t		recommendation;
	int16_t		status;
	int32_t		unused;
} rk_entity_risk_reply;

typedef struct rk_aggregated_risk
{
	rk_id		entity;
	double		score;
	int64_t		total_alerts;
	int64_t		ts;				/* of the newest alert, ns since 1970 */
	int32_t		kernel_count;
	int16_t		recommendation;
	int16_t		unused;
} rk_aggregated_risk;

typedef struct rk_case_creation
{
	int64_t		case_id;
	rk_id		entity;
	char		related[RK_CASE_LIST_BYTES];
	char		kernels[RK_CASE_LIST_BYTES];
	double		total_risk;
	int64_t		ts;
	int32_t		priority;
	int32_t		unused;
} rk_case_creation;

typedef struct rk_case_update
{
	int64_t		case_id;
	rk_id		entity;
	double		new_risk;
	int64_t		ts;
	char		evidence[RK_CASE_LIST_BYTES];
	int16_t		update_type;
	int16_t		unused[3];
} rk_case_update;

#endif							/* RK_COMPLIANCE_CORRELATION_RING_H */

/*
 * monitoring_payload.h
 *	  What of the payloads a device has to do with.
 */
#ifndef RK_COMPLIANCE_MONITORING_PAYLOAD_H
#define RK_COMPLIANCE_MONITORING_PAYLOAD_H

#include <stdint.h>

#define RK_MON_NAME_MAX 64		/* bytes of the name of a rule */

typedef struct rk_monitor_reply
{
	int64_t		alert_flags;
	int32_t		alert_count;
	int32_t		risk_score;
} rk_monitor_reply;

#endif							/* RK_COMPLIANCE_MONITORING_PAYLOAD_H */

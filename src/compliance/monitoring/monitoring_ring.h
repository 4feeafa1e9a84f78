/*
 * monitoring_ring.h
 *	  The payloads of compliance/transaction-monitoring as an actor.
 */
#ifndef RK_COMPLIANCE_MONITORING_RING_H
#define RK_COMPLIANCE_MONITORING_RING_H

#include "../../ring/keys.h"
#include "../alert.h"
#include "monitoring.h"
#include "monitoring_payload.h"

#define RK_MON_WORD_MAX 32		/* bytes of a type */
#define RK_MON_LIST_MAX 256		/* bytes of a list of types or countries */

typedef struct rk_monitor_request
{
	_Alignas(8) rk_id transaction_id;
	rk_id		source;
	rk_id		target;
	int64_t		amount;			/* fixed-point */
	int64_t		ts;				/* ns since 1970 */
	char		transaction_type[RK_MON_WORD_MAX];
	char		currency[8];
	char		source_country[8];
	char		target_country[8];
	int32_t		day;			/* days since 1970; absent: the day of ts in UTC */
	int32_t		unused;
} rk_monitor_request;

/* What is published for every alert. */
typedef struct rk_monitor_alert
{
	_Alignas(8) rk_id transaction_id;
	rk_id		entity;
	int64_t		rule_id;
	int64_t		threshold;		/* fixed-point */
	int64_t		actual;			/* fixed-point; absent: beyond it */
	int64_t		ts;				/* ns since 1970 */
	int16_t		alert_type;
	int16_t		severity;
	int32_t		unused;
	char		rule_name[RK_MON_NAME_MAX];
	char		message[RK_MON_MESSAGE_MAX];
} rk_monitor_alert;

typedef struct rk_rule_request
{
	int64_t		id;
	int64_t		threshold;		/* fixed-point */
	int64_t		time_window;	/* us */
	int64_t		cooldown;
	int16_t		rule_type;
	int16_t		severity;
	int16_t		side;
	int16_t		comparison;
	char		rule_name[RK_MON_NAME_MAX];
	char		currency[8];
	char		transaction_types[RK_MON_LIST_MAX];
	char		countries[RK_MON_LIST_MAX];
	bool		enabled;
	char		unused[7];
} rk_rule_request;

typedef struct rk_rule_reply
{
	int64_t		rule_count;
} rk_rule_reply;

typedef struct rk_totals_request
{
	_Alignas(8) rk_id entity;
} rk_totals_request;

typedef struct rk_totals_row
{
	int64_t		rule_id;
	int64_t		current_value;	/* fixed-point; absent: beyond it */
	int64_t		threshold;
} rk_totals_row;

typedef struct rk_freeze_request
{
	_Alignas(8) rk_id entity;
	int64_t		duration;		/* us; absent: until lifted; 0: lifts */
	char		reason[128];
} rk_freeze_request;

/* The description of a Freeze, for rk_actor.says. */
#define RK_FREEZE 358
extern const rk_message_type *const rk_freeze_said[];

typedef struct rk_freeze_reply
{
	int64_t		blocked_count;
	bool		frozen;
} rk_freeze_reply;

#endif							/* RK_COMPLIANCE_MONITORING_RING_H */

/*
 * alert.h
 *	  What the rings of compliance tell other rings about an entity.
 *
 * Every actor publishes its own alerts, with all it knows, and the same as an
 * AlertBroadcast (message 350), which compliance/alert-correlation takes.
 */
#ifndef RK_COMPLIANCE_ALERT_H
#define RK_COMPLIANCE_ALERT_H

#include "../ring/actor.h"

#define RK_ALERT_BROADCAST 350
#define RK_ALERT_KERNEL_BYTES 40
#define RK_ALERT_CONTEXT_BYTES 64

/* By the wire code, from 1. */
typedef enum rk_alert_type
{
	RK_ALERT_TRANSACTION = 1,
	RK_ALERT_CYCLE,
	RK_ALERT_PATTERN,
	RK_ALERT_SANCTIONS
} rk_alert_type;

typedef struct rk_alert_broadcast
{
	char		source_kernel[RK_ALERT_KERNEL_BYTES];
	rk_id		entity;
	rk_id		related_entity; /* absent: none */
	double		risk_score;		/* 0 to 100 */
	int64_t		ts;				/* ns since 1970 */
	int32_t		severity;		/* 1 to 5 */
	int16_t		alert_type;
	int16_t		unused;
	char		context[RK_ALERT_CONTEXT_BYTES];
} rk_alert_broadcast;

/* Its description, for rk_actor.says. */
extern const rk_message_type *const rk_alert_broadcast_said[];

/* 1 to 5, a fifth of the scores each. */
static inline int32_t
rk_alert_severity(double risk_score)
{
	int			severity = 1 + (int) (risk_score / 20);

	return severity < 1 ? 1 : severity > 5 ? 5 : severity;
}

/* An alert of a kernel about an entity; the rest is zeros. */
static inline rk_alert_broadcast
rk_alert_of(const char *kernel, rk_alert_type type, const rk_id *entity, double risk_score, int64_t ts)
{
	rk_alert_broadcast b;

	memset(&b, 0, sizeof(b));
	strncpy(b.source_kernel, kernel, sizeof(b.source_kernel) - 1);
	b.entity = *entity;
	b.risk_score = risk_score;
	b.ts = ts;
	b.severity = rk_alert_severity(risk_score);
	b.alert_type = type;
	return b;
}

#endif							/* RK_COMPLIANCE_ALERT_H */

/*
 * risk_ring.h
 *	  What the payloads of all risk actors have in common.
 *
 * Money is fixed-point with 8 decimals.  Assets and obligors are names of at
 * most RK_NAME_BYTES bytes.
 */
#ifndef RK_RISK_RING_H
#define RK_RISK_RING_H

#include <math.h>

#include "../compute/random.h"
#include "../ring/actor.h"
#include "../ring/names.h"

/* Status in replies. */
typedef enum rk_risk_status
{
	RK_RISK_OK,
	RK_RISK_UNKNOWN_ASSET
} rk_risk_status;

/* Of messages without fields. */
typedef struct rk_no_request
{
	int64_t		unused;
} rk_no_request;

typedef struct rk_removed_reply
{
	_Alignas(8) bool removed;
} rk_removed_reply;

typedef struct rk_asset_name
{
	char		asset[RK_NAME_BYTES];
} rk_asset_name;

/* ---- fields of messages ---- */

#define RK_ASSET_FIELD(record, field, words) RK_FIELD(record, field, RK_FIELD_TEXT,.meaning = words)

/* NULL by default. */
#define RK_OPTIONAL_FIELD(record, field, words) RK_FIELD(record, field, RK_FIELD_FLOAT8,.initial = "NULL",.meaning = words)

/* Of rk_risk_status. */
#define RK_STATUS_FIELD(record, words) \
	RK_FIELD(record, status, RK_FIELD_CODE,.choices = (const char *const[]) {"ok", "unknown_asset", NULL},.meaning = words)

#endif							/* RK_RISK_RING_H */

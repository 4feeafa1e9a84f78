/*
 * correlation_ring.h
 *	  The payloads of the actor of correlations.
 */
#ifndef RK_CORRELATION_RING_H
#define RK_CORRELATION_RING_H

#include "../risk_ring.h"

typedef struct rk_observe_request
{
	char		asset[RK_NAME_BYTES];
	double		value;
	int64_t		ts;
} rk_observe_request;

typedef struct rk_observe_reply
{
	int32_t		correlations_updated;
	int32_t		change_count;
	double		max_change;		/* NaN: no correlation that was there before */
	char		other_asset[RK_NAME_BYTES];
} rk_observe_reply;

typedef struct rk_pair_request
{
	char		asset_i[RK_NAME_BYTES];
	char		asset_j[RK_NAME_BYTES];
} rk_pair_request;

typedef struct rk_pair_reply
{
	double		correlation;
	int64_t		num_observations;
	int16_t		status;
} rk_pair_reply;

typedef struct rk_correlation_row
{
	char		asset_j[RK_NAME_BYTES];
	double		correlation;
	int64_t		num_observations;
} rk_correlation_row;

/* Published when a correlation changes by the option change_threshold. */
typedef struct rk_correlation_alert
{
	char		asset_i[RK_NAME_BYTES];
	char		asset_j[RK_NAME_BYTES];
	double		previous_correlation;
	double		correlation;
	int64_t		ts;
} rk_correlation_alert;

typedef struct rk_correlation_reset_reply
{
	int64_t		assets;
} rk_correlation_reset_reply;

#endif							/* RK_CORRELATION_RING_H */

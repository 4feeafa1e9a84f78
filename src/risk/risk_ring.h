/*
 * risk_ring.h
 *	  The payloads of the risk actors.
 *
 * Money is fixed-point with 8 decimals.  Assets and obligors are names of at
 * most RK_NAME_BYTES bytes.
 */
#ifndef RK_RISK_RING_H
#define RK_RISK_RING_H

#include <math.h>

#include "../ring/actor.h"
#include "ring_names.h"

/* The bits of a number, for checksums; all NaNs are one. */
static inline uint64_t
rk_number_bits(double x)
{
	uint64_t	bits;

	if (isnan(x))
		return UINT64_MAX;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

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

/* ---- risk/monte-carlo-var ---- */

/* Their profits and losses are kept: 8 bytes each. */
#define RK_MAX_KEPT_SIMULATIONS INT64_C(100000000)

typedef struct rk_position_request
{
	char		asset[RK_NAME_BYTES];
	int64_t		value;
	double		expected_return;
	double		volatility;
} rk_position_request;

typedef struct rk_stale_reply
{
	_Alignas(8) bool var_stale;
} rk_stale_reply;

typedef struct rk_var_reply
{
	double		var;
	double		expected_shortfall;
	bool		is_fresh;
} rk_var_reply;

typedef struct rk_recalculate_request
{
	int64_t		simulations;	/* absent: the option */
	double		confidence;		/* NaN: the option */
	double		horizon;		/* NaN: the option */
} rk_recalculate_request;

typedef struct rk_simulated_reply
{
	double		var;
	double		expected_shortfall;
	double		var_lower;
	double		var_upper;
} rk_simulated_reply;

typedef struct rk_limit_request
{
	int64_t		var_limit;		/* absent: no limit */
} rk_limit_request;

typedef enum rk_limit_severity
{
	RK_LIMIT_WITHIN,
	RK_LIMIT_WARNING,			/* from 80 % of the limit */
	RK_LIMIT_BREACH,			/* from the limit */
	RK_LIMIT_CRITICAL			/* from 120 % */
} rk_limit_severity;

typedef struct rk_limit_reply
{
	_Alignas(8) int16_t severity;
} rk_limit_reply;

/* Published when a change makes the VaR more severe than it was. */
typedef struct rk_limit_alert
{
	char		asset[RK_NAME_BYTES];	/* empty: the limit has changed */
	double		current_var;
	int64_t		var_limit;
	double		breach;
	int16_t		severity;
} rk_limit_alert;

/* ---- risk/portfolio-aggregation ---- */

typedef struct rk_exposure_request
{
	char		asset[RK_NAME_BYTES];
	int64_t		value;
	double		volatility;
} rk_exposure_request;

typedef struct rk_exposure_reply
{
	double		portfolio_var;	/* NaN: the correlations are impossible */
	double		delta_var;
} rk_exposure_reply;

typedef struct rk_correlation_request
{
	char		asset_i[RK_NAME_BYTES];
	char		asset_j[RK_NAME_BYTES];
	double		correlation;
} rk_correlation_request;

typedef struct rk_question_request
{
	double		confidence;		/* NaN: the option */
	double		horizon;		/* NaN: the option */
} rk_question_request;

typedef struct rk_portfolio_reply
{
	double		portfolio_var;
	double		portfolio_expected_shortfall;
	double		undiversified_var;
	double		diversification_benefit;
} rk_portfolio_reply;

typedef struct rk_contribution_reply
{
	double		standalone_var;
	double		component_var;
	double		marginal_var;	/* NaN: value 0 */
	double		incremental_var;
	double		share;			/* NaN: no risk */
	double		beta;			/* NaN: no risk, value 0 of it or of the whole */
	int16_t		status;
} rk_contribution_reply;

/* ---- risk/credit-scoring ---- */

typedef struct rk_obligor_request
{
	char		obligor[RK_NAME_BYTES];
	double		pd;
	double		lgd;
	int64_t		ead;
	double		maturity;
	double		sales;			/* NaN: not given */
	double		best_estimate_loss;	/* NaN: not given */
	int16_t		asset_class;	/* rk_asset_class */
} rk_obligor_request;

typedef struct rk_obligor_reply
{
	int64_t		expected_loss;
	int64_t		rwa;
	double		risk_weight;
} rk_obligor_reply;

typedef struct rk_credit_totals_reply
{
	int64_t		ead;
	int64_t		expected_loss;
	int64_t		rwa;
	int64_t		count;
} rk_credit_totals_reply;

typedef struct rk_obligor_name
{
	char		obligor[RK_NAME_BYTES];
} rk_obligor_name;

/* ---- risk/realtime-correlation ---- */

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

typedef struct rk_asset_name
{
	char		asset[RK_NAME_BYTES];
} rk_asset_name;

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

#endif							/* RK_RISK_RING_H */

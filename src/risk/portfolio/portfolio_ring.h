/*
 * portfolio_ring.h
 *	  The payloads of the actors of value at risk and of portfolios.
 */
#ifndef RK_PORTFOLIO_RING_H
#define RK_PORTFOLIO_RING_H

#include "../risk_ring.h"

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

/* Positions of one worker of several, each with a part of the book. */
#define RK_BATCH_POSITIONS 8

typedef struct rk_position_batch
{
	int64_t		count;
	rk_position_request positions[RK_BATCH_POSITIONS];
	int32_t		worker;
	int32_t		unused;
} rk_position_batch;

typedef struct rk_position_batch_reply
{
	int64_t		position_count; /* that the worker has */
} rk_position_batch_reply;

/* What a worker's part of the book is worth; published, and what is aggregated. */
typedef struct rk_partial_risk
{
	int32_t		worker;
	int32_t		position_count;
	double		partial_var;	/* of its positions alone */
	double		partial_expected_shortfall;
	double		covariance_contribution;	/* annual: x_w' R x */
	double		expected_profit;	/* annual */
} rk_partial_risk;

typedef struct rk_market_update
{
	char		asset[RK_NAME_BYTES];
	int64_t		price;
	double		volatility_delta;
	int64_t		ts;				/* ns since 1970; absent: when it was sent */
} rk_market_update;

typedef struct rk_market_reply
{
	double		var_impact;		/* NaN: no position, or impossible correlations */
} rk_market_reply;

/* ---- risk/portfolio-aggregation ---- */

typedef struct rk_aggregation_reply
{
	double		final_var;		/* NaN: not complete */
	double		final_expected_shortfall;
	double		diversification_benefit;
	bool		complete;
} rk_aggregation_reply;

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

#endif							/* RK_PORTFOLIO_RING_H */

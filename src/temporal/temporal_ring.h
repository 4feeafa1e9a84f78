/*
 * temporal_ring.h
 *	  The payloads of the temporal actors.
 *
 * Series have ids of any type, known by their text of at most RK_NAME_BYTES
 * bytes.  Values are double precision: variances of daily returns would lose
 * their digits in fixed-point numbers.
 */
#ifndef RK_TEMPORAL_RING_H
#define RK_TEMPORAL_RING_H

#include "../ring/actor.h"
#include "../ring/names.h"
#include "garch.h"

/* Values are finite, and their squares can be added up. */
#define RK_RING_VALUE_MAX 1e100

/* A value of a series; both actors are fed with it. */
typedef struct rk_series_value
{
	rk_id		series_id;
	double		value;
	int64_t		ts;				/* ns since 1970; absent: when it was sent */
} rk_series_value;

typedef struct rk_series_name
{
	rk_id		series_id;
} rk_series_name;

/* Checks the value of a series. */
extern rk_status rk_series_check(rk_ctx *ctx, double value);

/* ---- temporal/volatility-analysis ---- */

typedef struct rk_volatility_reply
{
	double		volatility;		/* NaN: below two returns */
	double		variance;
	int64_t		count;
} rk_volatility_reply;

typedef struct rk_volatility_query
{
	rk_id		series_id;
	int32_t		horizon;
	int32_t		unused;
} rk_volatility_query;

typedef struct rk_volatility_answer
{
	double		volatility;
	double		persistence;
} rk_volatility_answer;

typedef struct rk_volatility_step
{
	double		forecast;
	int32_t		step;
	int32_t		unused;
} rk_volatility_step;

typedef struct rk_ewma_request
{
	rk_id		series_id;
	double		value;
	double		lambda;
	int64_t		ts;
} rk_ewma_request;

typedef struct rk_ewma_reply
{
	double		variance;		/* NaN: below two returns */
	double		volatility;
} rk_ewma_reply;

typedef struct rk_coefficients_request
{
	rk_id		series_id;
	double		omega;
	double		alpha[RK_GARCH_LAGS];	/* NaN behind the last one */
	double		beta[RK_GARCH_LAGS];
} rk_coefficients_request;

typedef enum rk_model_status
{
	RK_MODEL_OK,
	RK_MODEL_TOO_SHORT,
	RK_MODEL_CONSTANT,
	RK_MODEL_NOT_CONVERGED,
	RK_MODEL_UNKNOWN_SERIES
} rk_model_status;

typedef struct rk_coefficients_reply
{
	double		long_run_variance;	/* NaN: there is none */
	int16_t		status;
	bool		success;
} rk_coefficients_reply;

/* Published when the forecast jumps. */
typedef struct rk_volatility_spike
{
	rk_id		series_id;
	double		volatility;
	double		previous;
	double		ratio;
	int64_t		ts;
	int16_t		severity;
} rk_volatility_spike;

/* ---- temporal/anomaly-detection ---- */

typedef enum rk_watch_method
{
	RK_WATCH_ZSCORE,
	RK_WATCH_MAD,
	RK_WATCH_EWMA
} rk_watch_method;

#define RK_WATCH_WINDOW_MAX 100000	/* also of the period */

typedef struct rk_anomaly_reply
{
	double		expected;		/* NaN: too few values before */
	double		score;
	double		lower;
	double		upper;
	int64_t		n;
	bool		is_anomaly;
	bool		in_order;
} rk_anomaly_reply;

typedef struct rk_anomaly_settings
{
	rk_id		series_id;
	double		threshold;		/* NaN: as it is */
	int32_t		window_size;	/* absent: as it is */
	int32_t		period;			/* likewise; 0: none */
	int16_t		method;			/* absent: as it is */
} rk_anomaly_settings;

typedef struct rk_anomaly_applied
{
	_Alignas(8) bool applied;
} rk_anomaly_applied;

typedef struct rk_anomaly_state
{
	double		mean;
	double		stddev;
	double		threshold;
	int64_t		n;
	int16_t		status;			/* 1: unknown series */
} rk_anomaly_state;

/* Published for every anomaly. */
typedef struct rk_anomaly_alert
{
	rk_id		series_id;
	int64_t		ts;
	double		value;
	double		score;
	int16_t		severity;
} rk_anomaly_alert;

/* ---- temporal/changepoint-detection ---- */

#define RK_CHANGE_WARM_UP_MAX 200

typedef struct rk_changepoint_reply
{
	double		probability;	/* that a run has begun since the last announcement */
	double		mean;			/* of the present run */
	int64_t		run_length;		/* values */
	int64_t		at_ts;			/* of its first */
	int64_t		n;
	bool		changed;
} rk_changepoint_reply;

typedef struct rk_changepoint_state
{
	double		probability;
	double		mean;
	int64_t		run_length;
	int64_t		at_ts;
	int64_t		n;
	int16_t		status;			/* 1: unknown series */
} rk_changepoint_state;

/* Published for every change. */
typedef struct rk_changepoint_alert
{
	rk_id		series_id;
	int64_t		at_ts;
	int64_t		ts;
	double		probability;
	double		previous_mean;
	double		mean;
	int64_t		run_length;
} rk_changepoint_alert;

#endif							/* RK_TEMPORAL_RING_H */

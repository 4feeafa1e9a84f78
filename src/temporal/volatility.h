/*
 * volatility.h
 *	  Volatility of returns and of price bars: aggregates, and along series.
 */
#ifndef RK_VOLATILITY_H
#define RK_VOLATILITY_H

#include "../compute/aggregate.h"
#include "series.h"

/*
 * Each is the root of a mean of variances, per row: realized r^2; Parkinson
 * 1980 ln(H/L)^2 / (4 ln 2); Garman, Klass 1980 0.5 ln(H/L)^2 - (2 ln 2 - 1)
 * ln(C/O)^2; Rogers, Satchell 1991 ln(H/O) ln(H/C) + ln(L/O) ln(L/C).  The
 * state keeps the variance of each row and adds them up in rising order, so
 * that the result does not depend on the order of rows.  No row: NULL.
 */
extern const rk_aggregate rk_temporal_realized_volatility;
extern const rk_aggregate rk_temporal_parkinson_volatility;
extern const rk_aggregate rk_temporal_garman_klass_volatility;
extern const rk_aggregate rk_temporal_rogers_satchell_volatility;

/*
 * Yang, Zhang 2000: variances (m - 1) of the m overnight returns and of those
 * within the bars after them, and the mean of Rogers-Satchell; NULL below
 * three bars.  In the order of the rows.
 */
extern const rk_aggregate rk_temporal_yang_zhang_volatility;

/*
 * RiskMetrics 1996, for the period after the last row: s2 = lambda s2 + (1 -
 * lambda) r^2, starting with the sample variance; NULL below two rows.
 */
extern const rk_aggregate rk_temporal_ewma_volatility;

typedef enum rk_volatility_model
{
	RK_VOLATILITY_EWMA,
	RK_VOLATILITY_REALIZED,
	RK_VOLATILITY_PARKINSON,
	RK_VOLATILITY_GARMAN_KLASS,
	RK_VOLATILITY_ROGERS_SATCHELL,
	RK_VOLATILITY_YANG_ZHANG
} rk_volatility_model;

typedef struct rk_volatility_params
{
	rk_volatility_model model;
	double		lambda;			/* ewma */
	int64_t		window;			/* the others: rows, fewer at the start */
} rk_volatility_params;

/* Prices by position; those that the model does not take may be NULL. */
typedef struct rk_bars
{
	const double *open;
	const double *high;
	const double *low;
	const double *close;
} rk_bars;

/* Whether these are the prices of a bar; open and close may be NaN. */
extern bool rk_is_bar(double open, double high, double low, double close);

/*
 * The same variances at each position: of the window that ends there; ewma for
 * the position, of what was before, starting with the sample variance.  NaN
 * where there is none.  forecast: one for each series.  O(n).
 */
extern rk_status rk_temporal_volatility(rk_ctx *ctx, const rk_series *s, const rk_bars *bars,
										const rk_volatility_params *p, double *variance, double *forecast);

#endif							/* RK_VOLATILITY_H */

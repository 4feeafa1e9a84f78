/*
 * volatility.h
 *	  Volatility of returns and of price bars, as aggregates.
 */
#ifndef RK_VOLATILITY_H
#define RK_VOLATILITY_H

#include "../compute/aggregate.h"

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

#endif							/* RK_VOLATILITY_H */

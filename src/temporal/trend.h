/*
 * trend.h
 *	  Trends: moving averages, local and global fits.
 */
#ifndef RK_TREND_H
#define RK_TREND_H

#include "series.h"

typedef enum rk_trend_method
{
	RK_TREND_SMA,
	RK_TREND_EMA,
	RK_TREND_CMA,
	RK_TREND_LOWESS,
	RK_TREND_HOLT,
	RK_TREND_HP,
	RK_TREND_SAVGOL,
	RK_TREND_LINEAR
} rk_trend_method;

typedef struct rk_trend_params
{
	rk_trend_method method;
	int64_t		window;
	double		alpha;			/* NaN: ema 2 / (window + 1), holt the best */
	double		beta;			/* holt; NaN: the best */
	double		lambda;			/* hp */
	int			order;			/* savgol */
	int			robust;			/* lowess: bisquare passes */
	bool		shrink;			/* averages of what there is at the ends; else none */
} rk_trend_params;

/*
 * The trend of series and its slope per position (NaN where there is none).
 *
 * sma: mean of the last window values; ema: y_t = a x_t + (1 - a) y_{t-1}, y_1
 * = x_1; cma: centred mean, the ends of an even window half; lowess: Cleveland
 * 1979, degree 1 over the window nearest positions, ties to the left; holt:
 * linear exponential smoothing from x_1 and x_2 - x_1, factors that are not
 * given minimise the squared one-step errors in [1e-4, 1]; hp: Hodrick,
 * Prescott 1997; savgol: Savitzky, Golay 1964, a polynomial at the ends;
 * linear: least squares.  A window above the length is cut.
 *
 * O(n), lowess and savgol O(n window); memory O(n) a thread.
 */
extern rk_status rk_temporal_trend(rk_ctx *ctx, const rk_series *s, const rk_trend_params *p, double *trend,
								   double *slope);

/*
 * Centred means of so many positions, of an even number the two outermost
 * half, at the ends of what there is; sums has n + 1 entries.
 */
extern void rk_moving_mean(const double *x, int64_t n, int64_t window, long double *sums, double *mean);

#endif							/* RK_TREND_H */

/*
 * anomaly.h
 *	  Observations that do not fit their series.
 */
#ifndef RK_ANOMALY_H
#define RK_ANOMALY_H

#include "series.h"

typedef enum rk_anomaly_method
{
	RK_ANOMALY_ZSCORE,
	RK_ANOMALY_ROLLING_ZSCORE,
	RK_ANOMALY_MAD,
	RK_ANOMALY_IQR,
	RK_ANOMALY_MOVING_AVERAGE,
	RK_ANOMALY_SEASONAL_ESD,
	RK_ANOMALY_STL
} rk_anomaly_method;

typedef enum rk_direction
{
	RK_BOTH_WAYS,
	RK_UP,
	RK_DOWN
} rk_direction;

typedef struct rk_anomaly_params
{
	rk_anomaly_method method;
	double		threshold;
	int64_t		window;
	int64_t		period;			/* of the seasonal methods */
	double		significance;
	double		max_anomalies;	/* share of the values */
	rk_direction direction;
} rk_anomaly_params;

/* One entry a position; NaN where there is no expectation. */
typedef struct rk_anomalies
{
	double	   *expected;
	double	   *score;
	bool	   *is_anomaly;
	double	   *lower;
	double	   *upper;
	bool	   *too_short;		/* of each series: below two periods */
} rk_anomalies;

/*
 * Scores of all values, in units of the spread of their method:
 *
 * zscore: mean and standard deviation (n - 1) of the series; rolling_zscore:
 * of the window values before each, score 0 for the first two; mad: median and
 * median absolute deviation (Iglewicz, Hoaglin 1993); iqr: distance beyond
 * Tukey's fences; moving_average: deviations from the centred mean; stl:
 * remainder of a robust STL by mad; seasonal_esd: Hochenbaum, Vallis, Kejariwal
 * 2017, the generalised ESD test (Rosner 1983) on the values without season.
 *
 * A spread of 0 gives score 0 at the centre and infinity elsewhere.  O(n) to
 * O(n log n), seasonal_esd O(n^2 max_anomalies), stl as STL.
 */
extern rk_status rk_temporal_anomalies(rk_ctx *ctx, const rk_series *s, const rk_anomaly_params *p, rk_anomalies *out);

#endif							/* RK_ANOMALY_H */

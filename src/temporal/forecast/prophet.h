/*
 * prophet.h
 *	  Trends with changes, seasons, holidays and regressors (Taylor, Letham
 *	  2018).
 */
#ifndef RK_PROPHET_H
#define RK_PROPHET_H

#include "../series.h"

typedef enum rk_growth
{
	RK_GROWTH_LINEAR,
	RK_GROWTH_LOGISTIC,
	RK_GROWTH_FLAT
} rk_growth;

/* The first three seasons are the yearly, weekly and daily one. */
#define RK_BUILT_IN_SEASONS 3
#define RK_ORDER_AUTO (-1)

typedef struct rk_prophet_season
{
	double		period;			/* days; by_position: positions */
	int			order;			/* of the Fourier series; 0: none */
	double		prior_scale;
	bool		multiplicative;
	bool		by_position;
} rk_prophet_season;

/* One column of holidays: the days on which it is 1, rising. */
typedef struct rk_prophet_holiday
{
	const int64_t *days;		/* since 1970 */
	int64_t		count;
	double		prior_scale;
} rk_prophet_holiday;

typedef struct rk_prophet_params
{
	rk_growth	growth;
	int			n_changepoints;
	double		changepoint_range;
	double		changepoint_prior_scale;
	const rk_prophet_season *seasons;
	int			season_count;
	const rk_prophet_holiday *holidays;
	int			holiday_count;
	bool		multiplicative; /* of holidays and regressors */
	double		regressor_prior_scale;
	double		confidence;
	int			samples;
	uint64_t	seed;
	int64_t		horizon;
	bool		calendar;		/* times are days; else any unit, and no season is automatic */
} rk_prophet_params;

/* By position and [series][horizon] after the end; NULL: not there. */
typedef struct rk_prophet_input
{
	const rk_series *s;			/* NaN: missing */
	const double *times;
	const double *future_times;
	int			regressors;
	const double *const *values;	/* never NaN */
	const double *const *future;
	const double *cap;
	const double *future_cap;
	const double *floor;
	const double *future_floor;
} rk_prophet_input;

/* Rows of a series: its positions, then its steps, series after series. */
typedef struct rk_prophet
{
	int			parts;			/* seasons, holidays together, regressors */
	double	   *trend;
	double	   *expected;
	double	   *lower;			/* NaN: none */
	double	   *upper;
	double	   *trend_lower;
	double	   *trend_upper;
	double	   *part;			/* [rows][parts], in units of the values; NaN: not in the model */
	int64_t    *changepoints;	/* of each series */
	bool	   *fitted;			/* of each series: two values or more */
} rk_prophet;

/*
 * The maximum of the posterior: slopes k N(0, 5), offset N(0, 5), changes of
 * slope Laplace(changepoint_prior_scale) at n_changepoints positions of the
 * first changepoint_range of the history, other coefficients N(0, prior_scale),
 * noise half N(0, 0.5), values scaled by their largest.
 *
 * Given the noise, the rest is least squares with a quadratic penalty and an
 * absolute one on changes, which an active set solves exactly; the noise has
 * a closed form; the two take turns.  What is not linear (logistic growth,
 * multiplicative parts) is made linear at each turn (Gauss-Newton) with a line
 * search.  Intervals: changes to come are a Poisson process as dense as those
 * before, with their mean size.
 *
 * O(n (parts)^2) a turn; memory O(n coefficients) a thread.
 */
extern rk_status rk_temporal_prophet(rk_ctx *ctx, const rk_prophet_input *in, const rk_prophet_params *p,
									 rk_prophet *out);

#endif							/* RK_PROPHET_H */

/*
 * decompose.h
 *	  Trend, seasons and remainder.
 */
#ifndef RK_DECOMPOSE_H
#define RK_DECOMPOSE_H

#include "series.h"

#define RK_MAX_PERIODS 16

/* A loess smoother of STL; jump: positions between which it interpolates. */
typedef struct rk_loess
{
	int64_t		window;			/* odd */
	int			degree;			/* 0 or 1 */
	int64_t		jump;
} rk_loess;

typedef struct rk_stl_params
{
	rk_loess	seasonal;
	rk_loess	trend;
	rk_loess	low_pass;
	int			inner;
	int			outer;			/* robustness iterations; 0: none */
} rk_stl_params;

/* Scratch space for one series. */
typedef struct rk_stl_work
{
	double	   *a;
	double	   *b;
	double	   *c;
	double	   *d;
	double	   *weights;		/* of one window */
	double	   *table;			/* tricube by distance */
	double	   *subseries;
	double	   *smooth;
	double	   *robustness;
} rk_stl_work;

/* Room for n positions and periods up to this. */
extern rk_status rk_stl_alloc(rk_ctx *ctx, int64_t n, int64_t period, rk_stl_work *w);

/* Windows of 0 get the defaults of Cleveland et al.: see rk_decompose_params. */
extern rk_stl_params rk_stl_defaults(rk_stl_params p, int64_t period);

/*
 * STL of y (Cleveland, Cleveland, McRae, Terpenning 1990): trend, seasonal and
 * robustness weights, each [n].  n >= 2 period, period >= 2.  False when the
 * call is to end.
 */
extern bool rk_stl(rk_ctx *ctx, int thread, const rk_stl_params *p, const double *y, int64_t n, int64_t period,
				   rk_stl_work *w, double *trend, double *seasonal, double *weight);

typedef enum rk_decompose_method
{
	RK_STL,
	RK_CLASSICAL,
	RK_MSTL
} rk_decompose_method;

typedef struct rk_decompose_params
{
	rk_decompose_method method;
	bool		multiplicative;
	rk_stl_params stl;			/* windows 0: trend the smallest odd number not
								 * below 1.5 period / (1 - 1.5 / seasonal), low
								 * pass the smallest above period */
	const int64_t *period;		/* of each series; 0: not known */
	const int64_t *periods;		/* mstl: rising, the same for all */
	int			count;			/* of them */
} rk_decompose_params;

typedef struct rk_decomposition
{
	double	   *trend;			/* NaN where classical has none */
	double	   *seasonal;
	double	   *residual;
	double	   *weight;
	double	   *seasonals;		/* [positions][count] */
	double	   *trend_strength; /* of each series; NaN: none */
	double	   *seasonal_strength;
	bool	   *too_short;		/* of each series: below two periods */
} rk_decomposition;

/*
 * Splits series into trend, seasonal and residual, which add up to the values
 * (multiplicative: multiply).  classical: centred moving average and means by
 * phase; mstl: Bandara, Hyndman, Bergmeir 2021, two passes, the i-th period
 * (from 1) with a seasonal window 4 i wider.  Multiplicative STL works on
 * logarithms; a value that is not positive is RK_ERR_DATA.  A series below two
 * periods is its own trend.  Strengths: Wang, Smith, Hyndman 2006.
 *
 * O(iterations n window); memory O(n) a thread.
 */
extern rk_status rk_temporal_decompose(rk_ctx *ctx, const rk_series *s, const rk_decompose_params *p,
									   rk_decomposition *out);

#endif							/* RK_DECOMPOSE_H */

/*
 * stress.h
 *	  What the kernels of stress testing offer.
 */
#ifndef RK_STRESS_H
#define RK_STRESS_H

#include "../../compute/decimal.h"
#include "../../compute/dense.h"
#include "stress_pnl.h"

/* How a factor acts on a position of value v when it is shocked by s. */
typedef enum rk_factor_kind
{
	RK_FACTOR_RELATIVE,			/* equity, fx, commodity, any other name:
								 * delta v s + gamma v s^2 / 2, s relative */
	RK_FACTOR_RATE,				/* interest_rate: rho v s + convexity v s^2 / 2,
								 * s absolute, rho minus the modified duration */
	RK_FACTOR_VOLATILITY,		/* volatility: vega s, vega in money */
	RK_FACTOR_CREDIT,			/* credit_spread: - spread_duration v s */
	RK_FACTOR_TIME				/* time: theta s, s in days, theta in money */
} rk_factor_kind;

/* The name a factor is known by: stock is equity, ir is interest_rate, ... */
extern rk_bytes rk_risk_factor_name(rk_bytes name);
extern rk_factor_kind rk_risk_factor_kind(rk_bytes name);

/* Sensitivities of a position to one factor; what is not given is 0. */
typedef struct rk_sensitivity
{
	int64_t		position;
	double		delta;
	double		gamma;
	double		rho;
	double		convexity;
	double		vega;
	double		theta;
	double		spread_duration;
	bool		vega_of_value;	/* vega is in units of the value */
} rk_sensitivity;

/*
 * Profit and loss, exact from the decimal numbers given and rounded once to the
 * scale of the value + RK_STRESS_DIGITS, half away from zero; false beyond 38
 * digits.
 */
extern bool rk_risk_stress_pnl(rk_amount value, rk_factor_kind kind, const rk_sensitivity *s, double shock,
							   rk_amount *pnl);

/* Money that a small shock moves, a unit of the shock. */
extern double rk_risk_linear_exposure(double value, rk_factor_kind kind, const rk_sensitivity *s);

/* Positions, their sensitivities sorted by factor, and the shocks. */
typedef struct rk_stress_input
{
	const rk_decimal *values;
	int			scale;
	const rk_sensitivity *sensitivities;
	int64_t		factors;
	const int64_t *factor_offsets;	/* [factors + 1] into sensitivities */
	const rk_factor_kind *kinds;	/* of the factors */
	int64_t		shocks;
	const uint32_t *shock_factor;
	const double *shock;
} rk_stress_input;

/* The same as whole numbers, once for all rows. */
typedef struct rk_stress_grid
{
	const rk_decimal *values;
	int			scale;			/* of the values */
	int64_t		factors;
	const int64_t *factor_offsets;	/* into lines */
	rk_stress_line *lines;
	int64_t		shocks;
	rk_stress_shock *shock;
	int64_t    *offsets;		/* [shocks + 1]: rows of each shock */
	int64_t		rows;
} rk_stress_grid;

/* RK_ERR_OVERFLOW where a number has more than 38 digits.  O(sensitivities + shocks). */
extern rk_status rk_risk_stress_grid(rk_ctx *ctx, const rk_stress_input *in, rk_stress_grid *grid);

/*
 * A row for each shock and each position that is sensitive to its factor, shock
 * by shock: pnl[rows], in the scale of the values + RK_STRESS_DIGITS.  Exact;
 * O(rows), parallel over them.
 */
extern rk_status rk_risk_stress_rows(rk_ctx *ctx, const rk_stress_grid *grid, rk_decimal *pnl);

/* The shock and the position of each row. */
extern rk_status rk_risk_stress_index(rk_ctx *ctx, const rk_stress_grid *grid, uint32_t *shock, uint32_t *position);

/* Sums of the rows of each shock, which are not kept: sum[shocks].  Exact. */
extern rk_status rk_risk_stress_sums(rk_ctx *ctx, const rk_stress_grid *grid, rk_decimal *sum);

/* Sums of the shocks of each scenario. */
extern rk_status rk_risk_stress_impacts(rk_ctx *ctx, const rk_decimal *sum, const int64_t *scenario_of_shock,
										int64_t shocks, int64_t scenarios, rk_decimal *impact);

/*
 * The most plausible shock x that loses target_loss when profit and loss is
 * linear, d' x, and factors are normal with covariance S (Breuer, Jandacka,
 * Rheinberger, Summer 2009): x = - target_loss S d / (d' S d), at a distance of
 * target_loss / sqrt(d' S d) standard deviations.  contribution sums to minus
 * the target loss.  RK_ERR_DATA when d' S d is zero.  O(n^2).
 */
extern rk_status rk_risk_reverse_stress(rk_ctx *ctx, const double *exposure, const double *volatility,
										const double *correlations, int64_t n, double target_loss,
										double *shock, double *contribution, double *distance);

#endif							/* RK_STRESS_H */

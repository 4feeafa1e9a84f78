/*
 * portfolio.h
 *	  What the kernels of value at risk and of portfolios offer.
 *
 * Conventions: a loss is positive (VaR = minus the quantile of
 * the profit and loss), confidence is the probability of not losing more,
 * volatility and expected return are annual, a horizon is in days of which
 * days_per_year make a year.
 *
 * The quantile of n values in rising order x(1) .. x(n): a = 1 - confidence
 * rounded to 12 decimals, n a rounded to 9, k = ceil(n a), VaR = -x(k).
 * Expected shortfall (Acerbi, Tasche 2002), f = floor(n a):
 * -(x(1) + ... + x(f) + (n a - f) x(f + 1)) / (n a).
 */
#ifndef RK_PORTFOLIO_H
#define RK_PORTFOLIO_H

#include "../../compute/aggregate.h"
#include "../../compute/correlation_matrix.h"

/* ---- the tail of a sample (tail.c) ---- */

/* How far the tail of n values reaches. */
typedef struct rk_tail
{
	double		mass;			/* n a */
	int64_t		full;			/* floor(n a): values in it with their whole weight */
	int64_t		rank;			/* ceil(n a), at least 1: the VaR is -x(rank) */
} rk_tail;

extern rk_tail rk_tail_of(int64_t n, double confidence);

/*
 * Puts the values of the ranks (from 0, rising) where sorting would put them,
 * and smaller ones before them.  RK_STOPPED when the call was.
 */
extern rk_status rk_select_ranks(rk_ctx *ctx, double *values, int64_t n, const int64_t *ranks, int count);

/* Reorders values so that the first count are the smallest, in rising order. */
extern void rk_select_smallest(double *values, int64_t n, int64_t count);

/*
 * VaR and expected shortfall of values where those at rank - 1 and full are as
 * if sorted, and smaller ones come before them; they are summed as they lie.
 */
extern void rk_tail_measures(const double *values, int64_t n, rk_tail tail,
							 double *var, double *expected_shortfall);

/* ---- risk/monte-carlo-var: historical VaR (historical_var.c) ---- */

/*
 * Aggregates over (pnl, confidence, weight); weight NULL: all alike.  With
 * weights the quantile is the smallest pnl whose cumulated share of the weight
 * reaches a (Boudoukh, Richardson, Whitelaw 1998), and the shortfall takes the
 * share of it that completes a.  Memory 8 bytes a row, 16 with weights; time
 * O(n) and O(k log k) for the k values of the tail.  The result does not depend
 * on the order of the rows.
 */
extern const rk_aggregate rk_risk_historical_var;
extern const rk_aggregate rk_risk_historical_expected_shortfall;

/* ---- risk/monte-carlo-var: simulation (monte_carlo_var.c) ---- */

typedef enum rk_distribution
{
	RK_NORMAL,
	RK_STUDENT_T
} rk_distribution;

typedef struct rk_simulation
{
	double		confidence;
	double		years;			/* horizon / days_per_year */
	int64_t		simulations;
	rk_distribution distribution;
	double		degrees_of_freedom;
	bool		geometric;		/* lognormal prices instead of normal returns */
	bool		antithetic;
	bool		sobol;
	uint64_t	seed;
} rk_simulation;

/* Positions, in the order of the draws. */
typedef struct rk_positions
{
	int64_t		count;
	const double *value;
	const double *volatility;
	const double *expected_return;
	const double *correlations; /* n x n row by row; NULL: identity */
	const double *factor;		/* its Cholesky factor; NULL as correlations */
} rk_positions;

#define RK_PERCENTILES 9		/* 1, 5, 10, 25, 50, 75, 90, 95, 99 % */

typedef struct rk_simulated_risk
{
	double		var;
	double		expected_shortfall;
	double		var_lower;		/* distribution-free 95 % interval of the quantile */
	double		var_upper;
	double		mean_pnl;
	double		std_pnl;
	double		parametric_var; /* of the normal distribution with the same moments */
	double		percentiles[RK_PERCENTILES];
} rk_simulated_risk;

/*
 * Profit and loss of every simulation.  A position's is value (mu h + sigma
 * sqrt(h) Z) (arithmetic) or value (exp((mu - sigma^2 / 2) h + sigma sqrt(h) Z)
 * - 1) (geometric), Z = L e with e from Philox (compute/philox.h: position j
 * has draw j % 2 of block j / 2, stream 0) or Sobol's sequence with a digital
 * shift.  student_t: Z sqrt((nu - 2) / C) with one chi-square C for each
 * simulation (stream 1), so that the volatility is kept.  antithetic:
 * simulation 2k + 1 has -e of 2k.
 *
 * Arithmetic takes O(n) a simulation, as only (L' x)' e is needed; geometric
 * O(n^2 / 2).  The same bits for any number of threads.  Sobol: at most
 * RK_SOBOL_DIMENSIONS positions (one less for student_t), 2^32 points.
 */
extern rk_status rk_risk_simulate(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *pnl);

/*
 * The same, and the draws are kept for another time (drawn false), or those of
 * such a time are taken (true), with the same bits: they depend on simulations,
 * seed, sampling and the number of positions alone.  draws has rk_risk_draws
 * numbers, 0 for geometric returns, whose draws are not kept.
 */
extern rk_status rk_risk_simulate_drawn(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *draws,
										bool drawn, double *pnl);
extern int64_t rk_risk_draws(int64_t positions, const rk_simulation *s);

/*
 * What arithmetic returns come to: the profit and loss of a simulation is mean +
 * (weight' e) times the factor of its tail.  weight: n values.
 */
extern rk_status rk_risk_book_weights(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s,
									  double *weight, double *mean);

/*
 * What geometric returns come to: position j gains value (exp(drift + spread Z)
 * - 1), where Z is its standardised return.  n values each.
 */
extern void rk_risk_price_moves(const rk_positions *p, const rk_simulation *s, double *drift, double *spread);

/*
 * What a point of Sobol's sequence is made from, for each of its dimensions (one
 * for each position, and one for the tail of student_t): 32 direction numbers,
 * and the shift that is XORed with 64 bits of which these are the upper half.
 * RK_ERR_LIMIT when there are too few dimensions or points.
 */
extern int64_t rk_risk_dimensions(int64_t positions, const rk_simulation *s);
extern rk_status rk_risk_sobol(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s,
							   uint32_t **directions, uint64_t **shifts);

/*
 * What the measures are made from: values of some ranks, moments, the sum of the
 * smallest ones.  rk_risk_simulated_sample says which; whoever has the
 * simulations fills in the rest.
 */
typedef struct rk_simulated_sample
{
	int64_t		ranks[RK_PERCENTILES + 4];	/* from 0, rising */
	int			count;
	int64_t		full;			/* how many are summed */
	double		value[RK_PERCENTILES + 4];
	double		moments[3];		/* mean, standard deviation, sum of the smallest */
} rk_simulated_sample;

extern void rk_risk_simulated_sample(const rk_simulation *s, rk_simulated_sample *sample);
extern void rk_risk_sample_measures(const rk_positions *p, const rk_simulation *s,
									const rk_simulated_sample *sample, rk_simulated_risk *r);

/* Measures of simulated profits and losses, which are reordered. */
extern rk_status rk_risk_simulated_measures(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s,
											double *pnl, rk_simulated_risk *r);

/* Columns by position. */
typedef struct rk_risk_components
{
	double	   *standalone_var; /* exact, of the position alone */
	double	   *component_var;	/* sums to the VaR */
	double	   *component_expected_shortfall;	/* sums to the expected shortfall */
} rk_risk_components;

/*
 * What each position contributes: cov_i (VaR + m) / sigma^2 - m_i, with exact
 * moments (arithmetic) or simulated ones (geometric), and minus the mean of its
 * profit and loss over the tail.  O(n^2) for each simulation of the tail;
 * geometric simulates once more.  simulated: what rk_risk_simulate gives, if it
 * is there already; else NULL.
 */
extern rk_status rk_risk_monte_carlo_components(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s,
												double *simulated, rk_simulated_risk *r, rk_risk_components *c);

/*
 * The same of geometric returns from sums over the simulations, [3][n]: of each
 * position's profit and loss, of its product with the book's, and over the tail.
 */
extern rk_status rk_risk_components_of_sums(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s,
											const rk_simulated_risk *r, const double *sums, rk_risk_components *c);

/* ---- risk/portfolio-aggregation (portfolio_aggregation.c) ---- */

typedef enum rk_portfolio_method
{
	RK_VARIANCE_COVARIANCE,
	RK_SIMPLE_SUM,				/* VaRs add up */
	RK_SQRT_SUM_SQUARES			/* uncorrelated */
} rk_portfolio_method;

/* What one position is to the whole. */
typedef struct rk_position_risk
{
	double		portfolio_var;
	double		standalone_var;
	double		component_var;
	double		incremental_var;	/* VaR minus the VaR without it */
} rk_position_risk;

/* That of exposure x, from (r x)_i and the variance x' r x of the whole.  O(1). */
extern rk_position_risk rk_risk_position(double x, double rx, double variance, double z);

/* Columns by position; a member that is NULL is not computed. */
typedef struct rk_portfolio_risk
{
	double	   *standalone_var;
	double	   *component_var;	/* sums to the VaR of the portfolio */
	double	   *incremental_var;	/* VaR minus the VaR without it */
	double		sigma;			/* standard deviation of the profit and loss */
	double		var;
	double		undiversified_var;
} rk_portfolio_risk;

/*
 * VaR of positions with exposures x (money that one standard deviation at the
 * horizon moves) and correlations r (n x n row by row, symmetric; NULL:
 * identity): z sqrt(x' r x).  Euler allocation: component i = z x_i (r x)_i /
 * sigma (Tasche 1999).  O(n^2); the sums run in the order of the positions.
 */
extern rk_status rk_risk_portfolio_aggregation(rk_ctx *ctx, const double *x, const double *r, int64_t n,
											   double z, rk_portfolio_method method,
											   rk_portfolio_risk *result);

#endif							/* RK_PORTFOLIO_H */

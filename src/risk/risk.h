/*
 * risk.h
 *	  What the risk kernels offer.
 *
 * Conventions shared by all: a loss is positive (VaR = minus the quantile of
 * the profit and loss), confidence is the probability of not losing more,
 * volatility and expected return are annual, a horizon is in days of which
 * days_per_year make a year.
 *
 * The quantile of n values in rising order x(1) .. x(n): a = 1 - confidence
 * rounded to 12 decimals, n a rounded to 9, k = ceil(n a), VaR = -x(k).
 * Expected shortfall (Acerbi, Tasche 2002), f = floor(n a):
 * -(x(1) + ... + x(f) + (n a - f) x(f + 1)) / (n a).
 */
#ifndef RK_RISK_H
#define RK_RISK_H

#include "../compute/aggregate.h"
#include "../compute/ctx.h"

/* ---- the tail of a sample (tail.c) ---- */

/* How far the tail of n values reaches. */
typedef struct rk_tail
{
	double		mass;			/* n a */
	int64_t		full;			/* floor(n a): values in it with their whole weight */
	int64_t		rank;			/* ceil(n a), at least 1: the VaR is -x(rank) */
} rk_tail;

extern rk_tail rk_tail_of(int64_t n, double confidence);

/* Reorders values so that the first count are the smallest, in rising order. */
extern void rk_select_smallest(double *values, int64_t n, int64_t count);

/* VaR and expected shortfall of values of which the first rank + 1 are sorted. */
extern void rk_tail_measures(const double *sorted, int64_t n, rk_tail tail,
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

/* ---- risk/credit-scoring (credit_scoring.c) ---- */

typedef enum rk_asset_class
{
	RK_CORPORATE,
	RK_SOVEREIGN,
	RK_BANK,
	RK_FINANCIAL,
	RK_SME,
	RK_RESIDENTIAL_MORTGAGE,
	RK_QUALIFYING_REVOLVING,
	RK_OTHER_RETAIL
} rk_asset_class;

typedef enum rk_basel
{
	RK_BASEL3_FINAL,
	RK_BASEL2
} rk_basel;

typedef struct rk_credit_exposure
{
	double		pd;				/* 0 .. 1 */
	double		lgd;			/* 0 .. 1 */
	rk_amount	ead;			/* 0 or more */
	double		maturity;		/* years, above 0 */
	rk_asset_class asset_class;
	double		sales;			/* EUR million; NaN: not given */
	rk_basel	basel;
	double		best_estimate_loss; /* of a defaulted loan; NaN: not given */
} rk_credit_exposure;

typedef struct rk_credit_risk
{
	double		pd;				/* with the floor */
	double		lgd;
	double		correlation;
	double		maturity_adjustment;
	double		capital_ratio;	/* K */
	double		risk_weight;	/* 12.5 K */
	double		credit_score;	/* -infinity for a defaulted loan */
	rk_amount	expected_loss;	/* money: scale of the EAD + 2 */
	rk_amount	capital;
	rk_amount	rwa;
	rk_amount	unexpected_loss;
} rk_credit_risk;

/*
 * The internal-ratings formula of Basel (CRE31, and its risk weights before
 * 2023 as RK_BASEL2).  The floor of the PD, 0.05 % (0.1 % for qualifying
 * revolving; basel2 0.03 %), holds for sovereigns too: the maturity adjustment
 * has no meaning for a PD far below it.  Money is computed exactly from the
 * decimal numbers given and rounded once.  RK_ERR_PARAMETER: sme without
 * sales.  RK_ERR_OVERFLOW: more than 38 digits of money.  O(1).
 */
extern rk_status rk_risk_credit_scoring(rk_ctx *ctx, const rk_credit_exposure *e, rk_credit_risk *r);

/*
 * The score that stands for these odds of paying (Siddiqi 2006): target_score
 * at target_odds, pdo points more double the odds.
 */
extern double rk_risk_score_of_pd(double pd, double target_score, double target_odds, double pdo);

/*
 * Aggregate over (pd, lgd, ead): the sum of pd * lgd * ead, each rounded to the
 * scale of its EAD + 2 as rk_risk_credit_scoring does, summed exactly.  pd is
 * taken as it is, without a floor.
 */
extern const rk_aggregate rk_risk_expected_loss;

/* ---- correlation matrices (correlations.c) ---- */

/*
 * Fails with RK_ERR_DATA, naming the smallest eigenvalue, unless the symmetric
 * n x n matrix r (row by row) is positive semidefinite: no pivot of its
 * Cholesky factor is below -1e-10.  On success the lower triangle of factor
 * (may be NULL) is that factor, zero above.  O(n^3 / 3).
 */
extern rk_status rk_correlation_factor(rk_ctx *ctx, const double *r, int64_t n, double *factor);

/* ---- risk/portfolio-aggregation (portfolio_aggregation.c) ---- */

typedef enum rk_portfolio_method
{
	RK_VARIANCE_COVARIANCE,
	RK_SIMPLE_SUM,				/* VaRs add up */
	RK_SQRT_SUM_SQUARES			/* uncorrelated */
} rk_portfolio_method;

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

#endif							/* RK_RISK_H */

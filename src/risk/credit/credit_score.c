/*
 * credit_score.c
 *	  Scores of borrowers from a scorecard, and default from the equity of a firm.
 */
#include "credit.h"

#include <math.h>

#include "../../compute/normal.h"

const char *const rk_credit_factor_names[RK_CREDIT_FACTORS + 1] = {
	"debt_to_income", "loan_to_value", "credit_utilization", "payment_history",
	"employment_years", "recent_inquiries", "delinquencies", "credit_history_years", NULL
};

/* The scorecard that holds when none is given: an illustration, not a fit. */
static double
illustrative(const double *x, double *points)
{
	double		score = 600;

	points[RK_PAYMENT_HISTORY] = 0.35 * x[RK_PAYMENT_HISTORY];
	points[RK_CREDIT_UTILIZATION] = 30 * (1 - x[RK_CREDIT_UTILIZATION]);
	points[RK_CREDIT_HISTORY_YEARS] = 0.3 * fmin(x[RK_CREDIT_HISTORY_YEARS], 30);
	points[RK_DEBT_TO_INCOME] = 5 * (1 - fmin(x[RK_DEBT_TO_INCOME], 1));
	points[RK_RECENT_INQUIRIES] = 0.15 * (10 - fmin(x[RK_RECENT_INQUIRIES], 10));
	points[RK_DELINQUENCIES] = 0 - x[RK_DELINQUENCIES];
	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
		score += rk_illustrative_uses(f) ? points[f] : 0;
	return fmin(fmax(score, 300), 850);
}

bool
rk_illustrative_uses(int factor)
{
	return factor != RK_EMPLOYMENT_YEARS && factor != RK_LOAN_TO_VALUE;
}

double
rk_risk_credit_score(const double *x, const rk_scorecard *card, double *points)
{
	double		score;

	if (card == NULL)
		return illustrative(x, points);
	score = card->base;
	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
	{
		int			b = 0;

		if (card->bins[f] == 0)
			continue;
		while (b < card->bins[f] - 1 && x[f] > card->max[f][b])
			b++;
		points[f] = card->points[f][b];
		score += points[f];
	}
	return score;
}

double
rk_risk_pd_of_score(double score, rk_pd_model model, double target_score, double target_odds, double pdo)
{
	if (model == RK_CAPPED_LOGISTIC)
		return 0.30 / (1 + exp((score - 700) / 50));
	return 1 / (1 + target_odds * exp2((score - target_score) / pdo));
}

double
rk_risk_lgd_of_loan(double loan_to_value)
{
	return fmax(0.10, 0.45 - 0.30 * (1 - fmin(loan_to_value, 1)));
}

/* ---- Merton ---- */

rk_status
rk_risk_credit_merton(rk_ctx *ctx, double equity, double equity_volatility, double debt, double rate,
					  double horizon, rk_credit_merton *m)
{
	double		root = sqrt(horizon);
	double		discounted = debt * exp(-rate * horizon);
	double		v = equity + discounted;
	double		sigma = equity_volatility * equity / v;
	double		d2 = 0;

	for (int step = 0; step < 200; step++)
	{
		double		d1 = (log(v / debt) + (rate + 0.5 * sigma * sigma) * horizon) / (sigma * root);
		double		n1 = rk_normal_cdf(d1);
		double		density = rk_normal_density(d1);
		double		f;
		double		g;
		double		fs;
		double		gv;
		double		gs;
		double		determinant;
		double		dv;
		double		ds;
		double		damping = 1;

		d2 = d1 - sigma * root;
		f = v * n1 - discounted * rk_normal_cdf(d2) - equity;
		g = n1 * sigma * v - equity_volatility * equity;
		/* f by v is n1, f by sigma is vega */
		fs = v * density * root;
		gv = n1 * sigma + density / root;
		gs = v * n1 - density * d2 * v;
		determinant = n1 * gs - fs * gv;
		if (determinant == 0 || !isfinite(determinant))
			break;
		dv = (f * gs - g * fs) / determinant;
		ds = (n1 * g - gv * f) / determinant;
		/* neither may become negative */
		while (v - damping * dv <= equity * 0.5 || sigma - damping * ds <= sigma * 0.1)
			damping *= 0.5;
		v -= damping * dv;
		sigma -= damping * ds;
		if (fabs(dv) <= 1e-14 * v && fabs(ds) <= 1e-14 * sigma)
			break;
	}
	d2 = (log(v / debt) + (rate - 0.5 * sigma * sigma) * horizon) / (sigma * root);
	*m = (rk_credit_merton) {v, sigma, d2, rk_normal_cdf(-d2)};
	if (!isfinite(d2) ||
		fabs(v * rk_normal_cdf(d2 + sigma * root) - discounted * rk_normal_cdf(d2) - equity) > 1e-9 * v)
		return rk_fail(ctx, RK_ERR_DATA, "no asset value explains equity %g with volatility %g and debt %g",
					   equity, equity_volatility, debt);
	return RK_OK;
}

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

/* What equity is worth and how volatile, when assets are v and sigma. */
typedef struct merton
{
	double		equity;
	double		debt;
	double		discounted;		/* debt */
	double		rate;
	double		horizon;
	double		equity_volatility;
} merton;

static double
distance_of(const merton *p, double v, double sigma)
{
	return (log(v / p->debt) + (p->rate - 0.5 * sigma * sigma) * p->horizon) / (sigma * sqrt(p->horizon));
}

static double
equity_of(const merton *p, double v, double sigma)
{
	double		d2 = distance_of(p, v, sigma);

	return v * rk_normal_cdf(d2 + sigma * sqrt(p->horizon)) - p->discounted * rk_normal_cdf(d2);
}

/* The assets that make this equity: it rises with them, and they lie between it and it with the debt. */
static double
assets_of(const merton *p, double sigma)
{
	double		low = p->equity;
	double		high = p->equity + p->discounted;

	for (int step = 0; step < 2000 && low < high; step++)
	{
		double		middle = high > 2 * low ? sqrt(low) * sqrt(high) : low + 0.5 * (high - low);

		if (middle <= low || middle >= high)
			break;
		if (equity_of(p, middle, sigma) < p->equity)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * Both equations by halving: equity is more volatile than assets, but not by
 * more than assets are worth more, and follows their volatility continuously.
 */
static double
halve_volatility(const merton *p, double *v)
{
	double		high = p->equity_volatility;
	double		low = high * (p->equity / (p->equity + p->discounted));

	for (int step = 0; step < 2000; step++)
	{
		double		sigma = high > 2 * low ? sqrt(low) * sqrt(high) : low + 0.5 * (high - low);

		if (!(sigma > low && sigma < high))
			break;
		*v = assets_of(p, sigma);
		if (rk_normal_cdf(distance_of(p, *v, sigma) + sigma * sqrt(p->horizon)) * sigma * *v <
			p->equity_volatility * p->equity)
			low = sigma;
		else
			high = sigma;
	}
	*v = assets_of(p, high);
	return high;
}

static bool
solves(const merton *p, double v, double sigma)
{
	double		d1 = distance_of(p, v, sigma) + sigma * sqrt(p->horizon);

	return v > 0 && sigma > 0 && fabs(equity_of(p, v, sigma) - p->equity) <= 1e-11 * p->equity + 1e-15 * v &&
		fabs(rk_normal_cdf(d1) * sigma * v - p->equity_volatility * p->equity) <= 1e-11 * p->equity_volatility * p->equity;
}

/* Newton's steps for both; *v and *sigma are where they end, wherever that is. */
static void
newton(const merton *p, double *v, double *sigma)
{
	double		root = sqrt(p->horizon);

	*v = p->equity + p->discounted;
	*sigma = p->equity_volatility * p->equity / *v;
	for (int step = 0; step < 50; step++)
	{
		double		d2 = distance_of(p, *v, *sigma);
		double		d1 = d2 + *sigma * root;
		double		n1 = rk_normal_cdf(d1);
		double		density = rk_normal_density(d1);
		double		f = *v * n1 - p->discounted * rk_normal_cdf(d2) - p->equity;
		double		g = n1 * *sigma * *v - p->equity_volatility * p->equity;

		/* f by v is n1, f by sigma is vega */
		double		fs = *v * density * root;
		double		gv = n1 * *sigma + density / root;
		double		gs = *v * n1 - density * d2 * *v;
		double		determinant = n1 * gs - fs * gv;
		double		dv = (f * gs - g * fs) / determinant;
		double		ds = (n1 * g - gv * f) / determinant;
		double		damping = 1;

		if (!isfinite(dv) || !isfinite(ds))
			return;
		/* neither may become negative */
		while (*v - damping * dv <= p->equity * 0.5 || *sigma - damping * ds <= *sigma * 0.1)
			damping *= 0.5;
		*v -= damping * dv;
		*sigma -= damping * ds;
		if (fabs(dv) <= 1e-14 * *v && fabs(ds) <= 1e-14 * *sigma)
			return;
	}
}

rk_status
rk_risk_credit_merton(rk_ctx *ctx, double equity, double equity_volatility, double debt, double rate,
					  double horizon, rk_credit_merton *m)
{
	merton		p = {equity, debt, debt * exp(-rate * horizon), rate, horizon, equity_volatility};
	double		v;
	double		sigma;
	double		d2;

	newton(&p, &v, &sigma);
	if (!solves(&p, v, sigma))
		sigma = halve_volatility(&p, &v);
	d2 = distance_of(&p, v, sigma);
	*m = (rk_credit_merton) {v, sigma, d2, rk_normal_cdf(-d2)};
	if (!isfinite(v) || isnan(d2))
		return rk_fail(ctx, RK_ERR_DATA, "no asset value explains equity %g with volatility %g and debt %g",
					   equity, equity_volatility, debt);
	return RK_OK;
}

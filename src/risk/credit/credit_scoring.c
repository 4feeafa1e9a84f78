/*
 * credit_scoring.c
 *	  Expected loss and regulatory capital of a loan.
 *
 * Basel Committee, "IRB approach: risk weight functions" (CRE31); the loan
 * loses with probability PD, the capital covers the loss that a normal common
 * factor at its 99.9 % quantile makes likely (Vasicek 2002; Gordy 2003).
 */
#include "credit.h"

#include <math.h>

#include "../../compute/normal.h"

#define QUANTILE_999 3.0902323061678132	/* of the normal distribution at 0.999 */

double
rk_risk_score_of_pd(double pd, double target_score, double target_odds, double pdo)
{
	return target_score + pdo * log2((1 - pd) / (pd * target_odds));
}

/* PD with the floor of its asset class. */
static double
floored_pd(const rk_credit_exposure *e)
{
	double		floor = e->basel == RK_BASEL2 ? 0.0003 :
		e->asset_class == RK_QUALIFYING_REVOLVING ? 0.001 : 0.0005;

	return e->pd < floor ? floor : e->pd;
}

/*
 * Between two correlations, the higher one for the lower PD; all is 1 - exp(-
 * decay).  The difference to expm1 is below half a unit of 1, the correlation's.
 */
static inline double
blend(double low, double high, double decay, double all, double pd)
{
	double		w = (1 - exp(-decay * pd)) / all;

	return low * w + high * (1 - w);
}

/* 1 - exp(-35); 1 - exp(-50) is 1 to 21 digits */
#define ALL_OF_35 0.99999999999999936948
#define ALL_OF_50 1.0

static double
asset_correlation(const rk_credit_exposure *e, double pd)
{
	double		sales;

	switch (e->asset_class)
	{
		case RK_RESIDENTIAL_MORTGAGE:
			return 0.15;
		case RK_QUALIFYING_REVOLVING:
			return 0.04;
		case RK_OTHER_RETAIL:
			return blend(0.03, 0.16, 35, ALL_OF_35, pd);
		case RK_FINANCIAL:
			return 1.25 * blend(0.12, 0.24, 50, ALL_OF_50, pd);
		case RK_SME:
			sales = fmin(fmax(e->sales, 5), 50);
			return blend(0.12, 0.24, 50, ALL_OF_50, pd) - 0.04 * (1 - (sales - 5) / 45);
		default:
			return blend(0.12, 0.24, 50, ALL_OF_50, pd);
	}
}

static bool
is_retail(rk_asset_class c)
{
	return c == RK_RESIDENTIAL_MORTGAGE || c == RK_QUALIFYING_REVOLVING || c == RK_OTHER_RETAIL;
}

static double
maturity_adjustment(const rk_credit_exposure *e, double pd)
{
	double		b = 0.11852 - 0.05478 * log(pd);
	double		m = fmin(fmax(e->maturity, 1), 5);

	if (is_retail(e->asset_class))
		return 1;
	b *= b;
	return (1 + (m - 2.5) * b) / (1 - 1.5 * b);
}

/* An amount times a computed ratio, at this scale. */
static rk_status
money(rk_ctx *ctx, rk_amount amount, double ratio, int scale, rk_amount *result)
{
	if (!rk_amount_multiply_double(amount, ratio, scale, result))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "amount of money is out of range");
	return RK_OK;
}

/* pd * lgd * ead, rounded to this scale. */
static rk_status
expected_loss(rk_ctx *ctx, double pd, double lgd, rk_amount ead, int scale, rk_amount *loss)
{
	rk_amount	p = rk_amount_from_double(pd);
	rk_amount	l = rk_amount_from_double(lgd);
	rk_amount	ratio;

	/* both at most 1: the product is exact unless they have 38 digits between them */
	if (p.scale + l.scale > RK_DECIMAL_MAX_SCALE)
		ratio = rk_amount_from_double(pd * lgd);
	else
		ratio = (rk_amount) {p.value * l.value, p.scale + l.scale};
	if (!rk_amount_multiply(ead, ratio, scale, loss))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "amount of money is out of range");
	return RK_OK;
}

rk_status
rk_risk_credit_scoring(rk_ctx *ctx, const rk_credit_exposure *e, rk_credit_risk *r)
{
	double		pd = floored_pd(e);
	double		conditional;
	double		k;
	int			scale = e->money_scale ? e->money_scale : e->ead.scale + 2;
	rk_status	status;

	if (e->asset_class == RK_SME && isnan(e->sales))
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"sales\" must be given for asset class sme");
		rk_fail_hint(ctx, "Give the annual sales in EUR million, or use asset class corporate.");
		return RK_ERR_PARAMETER;
	}
	r->pd = pd;
	r->lgd = e->lgd;
	r->correlation = asset_correlation(e, pd);
	r->maturity_adjustment = maturity_adjustment(e, pd);
	if (pd >= 1)
		k = isnan(e->best_estimate_loss) ? 0 : e->lgd - e->best_estimate_loss;
	else
	{
		conditional = rk_normal_cdf((rk_normal_quantile(pd) + sqrt(r->correlation) * QUANTILE_999) /
									sqrt(1 - r->correlation));
		k = e->lgd * (conditional - pd) * r->maturity_adjustment;
	}
	r->capital_ratio = fmax(k, 0);
	r->risk_weight = 12.5 * r->capital_ratio;
	r->credit_score = rk_risk_score_of_pd(pd, 600, 50, 20);
	if ((status = expected_loss(ctx, pd, e->lgd, e->ead, scale, &r->expected_loss)) != RK_OK ||
		(status = money(ctx, e->ead, r->capital_ratio, scale, &r->capital)) != RK_OK ||
		(status = money(ctx, e->ead, r->risk_weight, scale, &r->rwa)) != RK_OK)
		return status;
	return money(ctx, e->ead, e->lgd * sqrt(pd * (1 - pd)), scale,
				 &r->unexpected_loss);
}

/* ---- the sum of expected losses ---- */

static rk_status
add_loss(rk_ctx *ctx, rk_amount *sum, rk_amount loss)
{
	if (!rk_amount_add(sum, loss))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of expected losses is out of range");
	return RK_OK;
}

static rk_status
loss_of_row(rk_ctx *ctx, const rk_value *args, rk_amount *loss)
{
	return expected_loss(ctx, args[0].number, args[1].number, args[2].amount, args[2].amount.scale + 2, loss);
}

static rk_status
loss_accumulate(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	rk_amount	loss;
	rk_status	status = loss_of_row(ctx, args, &loss);

	return status == RK_OK ? add_loss(ctx, (rk_amount *) state->data, loss) : status;
}

static rk_status
loss_remove(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	rk_amount	loss;
	rk_status	status = loss_of_row(ctx, args, &loss);

	if (status != RK_OK)
		return status;
	loss.value = -loss.value;
	return add_loss(ctx, (rk_amount *) state->data, loss);
}

static rk_status
loss_combine(rk_ctx *ctx, rk_buffer *state, const rk_buffer *other)
{
	return add_loss(ctx, (rk_amount *) state->data, *(const rk_amount *) other->data);
}

static rk_status
loss_finish(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	(void) ctx;
	(void) args;
	results[0].amount = *(const rk_amount *) state->data;
	return RK_OK;
}

const rk_aggregate rk_risk_expected_loss = {
	.head = sizeof(rk_amount),
	.accumulate = loss_accumulate,
	.combine = loss_combine,
	.finish = loss_finish,
	.window_remove = loss_remove
};

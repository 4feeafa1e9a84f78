/*
 * kyc_scoring.c
 *	  compliance/kyc-scoring: the risk of a customer as a weighted mean.
 */
#include "scoring.h"

#include <math.h>

#define PEP_FLOOR 50
#define LONG_TENURE 10			/* years after which a relationship is no risk */

/* Checks the weights; NaN fails as well. */
static rk_status
check_weights(rk_ctx *ctx, const double *weights, int64_t count)
{
	double		sum = 0;

	if (count != RK_KYC_FACTORS)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"weights\" has %lld elements, but must have %d", (long long) count,
				RK_KYC_FACTORS);
		rk_fail_hint(ctx, "They are for country, industry, product, transaction, documentation and tenure.");
		return RK_ERR_PARAMETER;
	}
	for (int i = 0; i < RK_KYC_FACTORS; i++)
	{
		if (!(weights[i] >= 0) || isinf(weights[i]))
			return rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"weights\" has %g for %s, but must be at least 0",
						   weights[i], rk_kyc_factor_names[i]);
		sum += weights[i];
	}
	if (!(sum > 0) || isinf(sum))
		return rk_fail(ctx, RK_ERR_PARAMETER, sum > 0 ? "parameter \"weights\" has no finite sum" :
					   "parameter \"weights\" has only zeros");
	return RK_OK;
}

static rk_status
check_value(rk_ctx *ctx, int factor, double value)
{
	double		max = factor == RK_KYC_TENURE ? INFINITY : 100;

	if (isnan(value) || (value >= 0 && value <= max && isfinite(value)))
		return RK_OK;
	rk_fail(ctx, RK_ERR_PARAMETER, "\"%s\" is out of range: %g", rk_kyc_columns[factor], value);
	rk_fail_detail(ctx, factor == RK_KYC_TENURE ? "Permitted is: at least 0." : "Permitted is: [0, 100].");
	return RK_ERR_PARAMETER;
}

/* The risk that a value stands for, 0 .. 100. */
static double
risk_of(int factor, double value)
{
	if (factor == RK_KYC_DOCUMENTATION)
		return 100 - value;
	if (factor == RK_KYC_TENURE)
		return (LONG_TENURE - fmin(value, LONG_TENURE)) * (100.0 / LONG_TENURE);
	return value;
}

rk_status
rk_kyc_scoring(rk_ctx *ctx, const rk_kyc_customer *customer, const double *weights, int64_t count,
			   rk_kyc_missing missing, rk_kyc_score *score)
{
	rk_status	status = check_weights(ctx, weights, count);
	double		known = 0;		/* weight of what is known */
	double		counts = 0;		/* weight of what counts */
	double		all = 0;
	double		sum = 0;

	for (int i = 0; i < RK_KYC_FACTORS && status == RK_OK; i++)
		status = check_value(ctx, i, customer->value[i]);
	if (status != RK_OK)
		return status;
	for (int i = 0; i < RK_KYC_FACTORS; i++)
	{
		bool		is_known = !isnan(customer->value[i]);
		double		weight = is_known || missing == RK_KYC_WORST ? weights[i] : 0;

		score->contribution[i] = weight * (is_known ? risk_of(i, customer->value[i]) : 100);
		sum += score->contribution[i];
		counts += weight;
		known += is_known ? weights[i] : 0;
		all += weights[i];
	}
	for (int i = 0; i < RK_KYC_FACTORS; i++)
		score->contribution[i] /= counts;
	score->completeness = known / all;
	score->risk_score = counts > 0 ? fmin(sum / counts, 100) : NAN;
	/* fmax and fmin take the number where the other is none */
	if (customer->pep)
		score->risk_score = fmax(score->risk_score, PEP_FLOOR);
	if (customer->sanctioned)
		score->risk_score = 100;
	score->tier = isnan(score->risk_score) ? -1 : score->risk_score < 25 ? 0 : score->risk_score < 50 ? 1 :
		score->risk_score < 75 ? 2 : 3;
	return RK_OK;
}

/*
 * scoring.h
 *	  What the scoring of customers offers.
 */
#ifndef RK_SCORING_H
#define RK_SCORING_H

#include "../../compute/ctx.h"

/* Factors in the order of the weights. */
typedef enum rk_kyc_factor
{
	RK_KYC_COUNTRY,
	RK_KYC_INDUSTRY,
	RK_KYC_PRODUCT,
	RK_KYC_TRANSACTION,
	RK_KYC_DOCUMENTATION,
	RK_KYC_TENURE,
	RK_KYC_FACTORS
} rk_kyc_factor;

/* Names of the factors, and the columns that hold what they come from. */
extern const char *const rk_kyc_factor_names[];
extern const char *const rk_kyc_columns[];

/* What happens to a factor that is not known. */
typedef enum rk_kyc_missing
{
	RK_KYC_RENORMALISE,			/* it does not count, the others weigh more */
	RK_KYC_WORST				/* it counts as 100 */
} rk_kyc_missing;

typedef struct rk_kyc_customer
{
	double		value[RK_KYC_FACTORS];	/* as given: risks 0 .. 100, the quality of
										 * the documents 0 .. 100, years; NaN: not known */
	bool		pep;
	bool		sanctioned;
} rk_kyc_customer;

typedef struct rk_kyc_score
{
	double		risk_score;		/* 0 .. 100; NaN: nothing is known */
	int			tier;			/* 0 low .. 3 very high; -1: no score */
	double		contribution[RK_KYC_FACTORS];
	double		completeness;	/* weight of what is known, by all weight */
} rk_kyc_score;

/*
 * The weighted mean of the factors: score = sum w f / sum w over those that
 * count, f being the risk as given, 100 less the quality of the documents, and
 * 10 for each of the ten years that a relationship falls short of.
 * A contribution is w f / sum w: they add up to the mean, 0 for what does not
 * count.  A politically exposed person scores at least 50 (FATF Recommendation
 * 12 wants enhanced due diligence), a sanctioned customer 100.  Tiers: below 25
 * low, 50 medium, 75 high, else very high.  RK_ERR_PARAMETER: a value outside
 * its range; weights that are not RK_KYC_FACTORS finite numbers of 0 or more,
 * one of them positive.  O(1), no memory.
 */
extern rk_status rk_kyc_scoring(rk_ctx *ctx, const rk_kyc_customer *customer, const double *weights,
								int64_t count, rk_kyc_missing missing, rk_kyc_score *score);

#endif							/* RK_SCORING_H */

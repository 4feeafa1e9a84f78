/*
 * evidence.c
 *	  What dates of birth and countries add to the similarity of names.
 */
#include "screening.h"

#include <math.h>

#define MARGIN 1e-9
#define NAME_AGREES 0.92
#define DATE_AGREES 0.9
#define FIRST_YEAR 5000			/* added to years, so that none is negative */

const double rk_date_scores[RK_DATE_AGREEMENTS] = {NAN, 1, 0.9, 0.9, 0.7, 0.5, 0.3, 0};

uint32_t
rk_packed_date(int64_t days)
{
	/* days since 0000-03-01 of the proleptic Gregorian calendar; a cycle has 400 years */
	int64_t		n = days + 730425;
	int64_t		cycle = (n >= 0 ? n : n - 146096) / 146097;
	int64_t		of_cycle = n - cycle * 146097;
	int64_t		year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
	int64_t		of_year = of_cycle - (365 * year + year / 4 - year / 100);
	int64_t		month = (5 * of_year + 2) / 153;
	int64_t		day = of_year - (153 * month + 2) / 5 + 1;

	/* month counts from March */
	year += cycle * 400 + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	return (uint32_t) (year + FIRST_YEAR) << 9 | (uint32_t) month << 5 | (uint32_t) day;
}

uint32_t
rk_packed_plus_months(uint32_t date, int64_t months)
{
	int64_t		month = (date >> 5 & 15) - 1 + months;
	int64_t		year = (int64_t) (date >> 9) + month / 12;
	int64_t		of_era = year - FIRST_YEAR;
	bool		leap = (of_era % 4 == 0 && of_era % 100 != 0) || of_era % 400 == 0;
	int64_t		last;
	uint32_t	day = date & 31;

	month = month % 12 + 1;
	last = month == 2 ? 28 + leap : 30 + (month + month / 8) % 2;
	return (uint32_t) year << 9 | (uint32_t) month << 5 | (day < last ? day : (uint32_t) last);
}

rk_date_agreement
rk_compare_dates(uint32_t a, uint32_t b)
{
	uint32_t	years;

	if (a == RK_NO_DATE || b == RK_NO_DATE)
		return RK_DATE_UNKNOWN;
	if (a == b)
		return RK_DATE_EXACT;
	if (a >> 5 == b >> 5)
		return RK_DATE_MONTH;
	years = a >> 9 > b >> 9 ? (a >> 9) - (b >> 9) : (b >> 9) - (a >> 9);
	if (years == 0)
		return (a >> 5 & 15) == (b & 31) && (b >> 5 & 15) == (a & 31) ? RK_DATE_SWAPPED : RK_DATE_YEAR;
	return years <= 2 ? RK_DATE_NEAR : years <= 5 ? RK_DATE_FIVE_YEARS : RK_DATE_MISMATCH;
}

rk_status
rk_check_weights(rk_ctx *ctx, const double *weights, int64_t count, rk_match_rule *rule)
{
	double		sum = 0;

	if (count != 3)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"weights\" has %lld elements, but must have 3", (long long) count);
		rk_fail_hint(ctx, "They are for name, date of birth and country.");
		return RK_ERR_PARAMETER;
	}
	for (int i = 0; i < 3; i++)
	{
		if (!(weights[i] >= 0) || isinf(weights[i]))
			return rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"weights\" has %g, but must be at least 0", weights[i]);
		sum += rule->weights[i] = weights[i];
	}
	if (!(sum > 0) || isinf(sum))
		return rk_fail(ctx, RK_ERR_PARAMETER, sum > 0 ? "parameter \"weights\" has no finite sum" :
					   "parameter \"weights\" has only zeros");
	return RK_OK;
}

rk_status
rk_check_probabilities(rk_ctx *ctx, const char *param, const double *values, int64_t count, double *to)
{
	if (count != 3)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"%s\" has %lld elements, but must have 3", param, (long long) count);
		rk_fail_hint(ctx, "They are for name, date of birth and country.");
		return RK_ERR_PARAMETER;
	}
	for (int i = 0; i < 3; i++)
	{
		if (!(values[i] > 0 && values[i] < 1))
			return rk_fail(ctx, RK_ERR_PARAMETER, "parameter \"%s\" has %g, but must be above 0 and below 1", param, values[i]);
		to[i] = values[i];
	}
	return RK_OK;
}

/* ---- models ---- */

static double
secondary(rk_date_agreement date, rk_country_agreement country)
{
	double		more = 0;

	if (date == RK_DATE_EXACT || date == RK_DATE_MONTH || date == RK_DATE_SWAPPED || country == RK_COUNTRY_SAME)
		more = 0.05;
	if (date == RK_DATE_FIVE_YEARS || date == RK_DATE_MISMATCH)
		more -= 0.10;
	return more;
}

/* Weight of the known fields, and what date and country add to their mean. */
static double
weighted_rest(const rk_match_rule *r, rk_date_agreement date, rk_country_agreement country, double *weight)
{
	double		rest = 0;

	*weight = r->weights[0];
	if (date != RK_DATE_UNKNOWN)
	{
		*weight += r->weights[1];
		rest += r->weights[1] * rk_date_scores[date];
	}
	if (country != RK_COUNTRY_UNKNOWN)
	{
		*weight += r->weights[2];
		rest += r->weights[2] * (country == RK_COUNTRY_SAME);
	}
	return rest;
}

static double
match_weight(const rk_match_rule *r, int field, bool agrees)
{
	return agrees ? log2(r->m[field] / r->u[field]) : log2((1 - r->m[field]) / (1 - r->u[field]));
}

static double
posterior(const rk_match_rule *r, bool name, rk_date_agreement date, rk_country_agreement country)
{
	double		weight = match_weight(r, 0, name);
	double		candidates = fmax(r->candidates, 2);

	if (date != RK_DATE_UNKNOWN)
		weight += match_weight(r, 1, rk_date_scores[date] >= DATE_AGREES);
	if (country != RK_COUNTRY_UNKNOWN)
		weight += match_weight(r, 2, country == RK_COUNTRY_SAME);
	return 1 / (1 + (candidates - 1) * exp2(-weight));
}

double
rk_match_score(const rk_match_rule *r, double name, rk_date_agreement date, rk_country_agreement country)
{
	double		weight;
	double		rest;

	switch (r->model)
	{
		case RK_MODEL_NAME:
			return name;
		case RK_MODEL_SECONDARY:
			return fmin(fmax(name + secondary(date, country), 0), 1);
		case RK_MODEL_WEIGHTED:
			rest = weighted_rest(r, date, country, &weight);
			return weight > 0 ? fmin((r->weights[0] * name + rest) / weight, 1) : -1;
		default:
			return posterior(r, name >= NAME_AGREES, date, country);
	}
}

double
rk_match_need(const rk_match_rule *r, double score, rk_date_agreement date, rk_country_agreement country)
{
	double		weight;
	double		rest;

	switch (r->model)
	{
		case RK_MODEL_NAME:
			return score - MARGIN;
		case RK_MODEL_SECONDARY:
			return score > 0 ? score - secondary(date, country) - MARGIN : 0;
		case RK_MODEL_WEIGHTED:
			rest = weighted_rest(r, date, country, &weight);
			if (r->weights[0] > 0)
				return (score * weight - rest - MARGIN * weight) / r->weights[0] - MARGIN;
			return weight > 0 && rest / weight >= score - MARGIN ? 0 : 2;
		default:
			return posterior(r, false, date, country) >= score ? 0 : posterior(r, true, date, country) >= score ? NAME_AGREES : 2;
	}
}

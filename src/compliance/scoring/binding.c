/*
 * binding.c
 *	  The scoring of customers' door to SQL.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "../../relation/emit.h"
#include "scoring.h"

static const char *const tiers[] = {"low", "medium", "high", "very_high"};

/* Names of the factors that are not known, as text[]. */
static Datum
missing_factors(const rk_kyc_customer *customer)
{
	Datum		names[RK_KYC_FACTORS];
	int			n = 0;

	for (int i = 0; i < RK_KYC_FACTORS; i++)
		if (isnan(customer->value[i]))
			names[n++] = CStringGetTextDatum(rk_kyc_factor_names[i]);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
emit_score(rk_call *call, const rk_kyc_customer *customer)
{
	rk_kyc_score score;
	int64		count;
	const double *weights = rk_arg_float8_array(call, "weights", &count);
	Datum		values[4 + RK_KYC_FACTORS];
	bool		nulls[4 + RK_KYC_FACTORS] = {false};

	rk_call_check(call, rk_kyc_scoring(&call->ctx, customer, weights, count, rk_arg_choice(call, "missing_as"), &score));
	values[0] = Float8GetDatum(score.risk_score);
	nulls[0] = nulls[1] = score.tier < 0;
	if (score.tier >= 0)
		values[1] = CStringGetTextDatum(tiers[score.tier]);
	for (int i = 0; i < RK_KYC_FACTORS; i++)
	{
		values[2 + i] = Float8GetDatum(score.contribution[i]);
		nulls[2 + i] = isnan(score.contribution[i]);
	}
	values[2 + RK_KYC_FACTORS] = Float8GetDatum(score.completeness);
	values[3 + RK_KYC_FACTORS] = missing_factors(customer);
	rk_emit_row(call, values, nulls);
}

static void
kyc_scoring(rk_call *call)
{
	rk_kyc_customer customer = {
		.pep = !rk_arg_is_null(call, "pep") && rk_arg_boolean(call, "pep"),
		.sanctioned = !rk_arg_is_null(call, "sanctioned") && rk_arg_boolean(call, "sanctioned")
	};

	for (int i = 0; i < RK_KYC_FACTORS; i++)
		customer.value[i] = rk_arg_float8_or(call, rk_kyc_columns[i], NAN);
	emit_score(call, &customer);
}

/* A flag of the row, under either of two names. */
static bool
flag(rk_call *call, const char *name, const char *other_name)
{
	bool		value;

	return (rk_arg_field_boolean(call, "customer", name, &value) && value) ||
		(rk_arg_field_boolean(call, "customer", other_name, &value) && value);
}

static void
kyc_scoring_record(rk_call *call)
{
	rk_kyc_customer customer;

	for (int i = 0; i < RK_KYC_FACTORS; i++)
	{
		if (!rk_arg_has_field(call, "customer", rk_kyc_columns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of \"customer\" is missing", rk_kyc_columns[i]),
					 errhint("Name the columns as the parameters of the other form: country_risk, industry_risk, product_risk, transaction_risk, documentation_score, tenure_years.")));
		if (!rk_arg_field_float8(call, "customer", rk_kyc_columns[i], &customer.value[i]))
			customer.value[i] = NAN;
		else if (!isfinite(customer.value[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a finite number", rk_kyc_columns[i])));
	}
	customer.pep = flag(call, "pep", "is_pep");
	customer.sanctioned = flag(call, "sanctioned", "is_sanctioned");
	emit_score(call, &customer);
}

RK_SCALAR(rk_compliance_kyc_scoring_sql, "compliance/kyc-scoring", "");
RK_SCALAR(rk_compliance_kyc_scoring_record_sql, "compliance/kyc-scoring", "_record");

const rk_bound_function rk_compliance_scoring_bindings[] = {
	{"compliance/kyc-scoring", "", kyc_scoring},
	{"compliance/kyc-scoring", "_record", kyc_scoring_record},
	{0}
};

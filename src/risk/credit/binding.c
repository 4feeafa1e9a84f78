/*
 * binding.c
 *	  The credit kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "../../call/types.h"
#include "../../relation/emit.h"
#include "credit.h"

/* ---- risk/credit-scoring ---- */

static void
credit_scoring(rk_call *call)
{
	rk_credit_risk r;
	rk_credit_exposure e = {
		.pd = rk_arg_float8(call, "pd"),
		.lgd = rk_arg_float8(call, "lgd"),
		.ead = rk_arg_amount(call, "ead"),
		.maturity = rk_arg_float8(call, "maturity"),
		.asset_class = rk_arg_choice(call, "asset_class"),
		.sales = rk_arg_float8_or(call, "sales", NAN),
		.basel = rk_arg_choice(call, "basel"),
		.best_estimate_loss = rk_arg_float8_or(call, "best_estimate_loss", NAN)
	};

	rk_call_check(call, rk_risk_credit_scoring(&call->ctx, &e, &r));
	rk_emit_row(call, (Datum[]) {
		Float8GetDatum(r.pd), Float8GetDatum(r.lgd), rk_amount_to_numeric(e.ead),
		rk_amount_to_numeric(r.expected_loss), Float8GetDatum(r.correlation),
		Float8GetDatum(r.maturity_adjustment), Float8GetDatum(r.capital_ratio),
		rk_amount_to_numeric(r.capital), rk_amount_to_numeric(r.rwa), Float8GetDatum(r.risk_weight),
		rk_amount_to_numeric(r.unexpected_loss), Float8GetDatum(r.credit_score)
	}, (bool[12]) {[11] = isinf(r.credit_score)});
}

RK_SCALAR(rk_risk_credit_scoring_sql, "risk/credit-scoring", "");
RK_MOVING_AGGREGATE(rk_risk_credit_scoring_expected_loss, "risk/credit-scoring", "_expected_loss");

/* ---- risk/credit-scoring: scores ---- */

/* A number in a scorecard. */
static double
card_number(JsonbContainer *container, const char *key, bool *there)
{
	JsonbValue	v;

	*there = getKeyJsonValueFromContainer(container, key, strlen(key), &v) != NULL;
	if (!*there)
		return 0;
	if (v.type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in the scorecard is not a number", key)));
	return rk_numeric_to_double(NumericGetDatum(v.val.numeric));
}

/* The bins of one factor. */
static void
read_bins(rk_scorecard *card, int factor, const char *name, JsonbValue *bins)
{
	JsonbContainer *array = bins->type == jbvBinary ? bins->val.binary.data : NULL;
	int			count = array && JsonContainerIsArray(array) ? JsonContainerSize(array) : 0;

	if (count < 1 || count > RK_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in the scorecard is not an array of 1 to %d bins", name, RK_MAX_BINS),
				 errhint("Give {\"%s\": [{\"max\": 0.3, \"points\": 40}, {\"points\": 10}]}.", name)));
	for (int b = 0; b < count; b++)
	{
		JsonbValue *bin = getIthJsonbValueFromContainer(array, b);
		bool		has_max = false;
		bool		has_points = false;

		if (bin->type == jbvBinary && JsonContainerIsObject(bin->val.binary.data))
		{
			card->max[factor][b] = card_number(bin->val.binary.data, "max", &has_max);
			card->points[factor][b] = card_number(bin->val.binary.data, "points", &has_points);
		}
		if (!has_points || has_max != (b < count - 1) ||
			(b > 0 && has_max && card->max[factor][b] <= card->max[factor][b - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bin %d of \"%s\" in the scorecard is not valid", b + 1, name),
					 errdetail("Each bin has points, and all but the last a max, in rising order.")));
	}
	card->bins[factor] = count;
}

static rk_scorecard *
read_scorecard(rk_call *call)
{
	rk_scorecard *card;
	Jsonb	   *json;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *key = NULL;

	if (rk_arg_is_null(call, "scorecard"))
		return NULL;
	json = DatumGetJsonbP(rk_arg_datum(call, "scorecard"));
	card = palloc0(sizeof(rk_scorecard));
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scorecard is not a JSON object")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int			factor = 0;

		if (token == WJB_KEY)
			key = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		if (strcmp(key, "base") == 0)
		{
			bool		there;

			card->base = card_number(&json->root, "base", &there);
			continue;
		}
		while (rk_credit_factor_names[factor] && strcmp(rk_credit_factor_names[factor], key) != 0)
			factor++;
		if (factor == RK_CREDIT_FACTORS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown factor \"%s\" in the scorecard", key),
					 errhint("Factors are: debt_to_income, loan_to_value, credit_utilization, payment_history, employment_years, recent_inquiries, delinquencies, credit_history_years.")));
		read_bins(card, factor, key, &v);
	}
	return card;
}

/* Points of the factors that count, as JSON. */
static Datum
contributions(const rk_scorecard *card, const double *points)
{
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfo(&s, "{\"base\": %s", float8out_internal(card ? card->base : 600));
	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
		if (card ? card->bins[f] > 0 : rk_illustrative_uses(f))
			appendStringInfo(&s, ", \"%s\": %s", rk_credit_factor_names[f], float8out_internal(points[f]));
	appendStringInfoChar(&s, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(s.data));
}

/* Score, default and capital of a borrower; a factor that is NaN is not known. */
static void
emit_score(rk_call *call, const double *x, rk_amount ead, double maturity)
{
	rk_scorecard *card = read_scorecard(call);
	double		points[RK_CREDIT_FACTORS] = {0};
	double		score;
	rk_credit_risk r;
	rk_credit_exposure e = {.ead = ead,.maturity = maturity,.sales = NAN,.best_estimate_loss = NAN};

	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
	{
		bool		needed = f == RK_LOAN_TO_VALUE || (card ? card->bins[f] > 0 : rk_illustrative_uses(f));

		if (needed && isnan(x[f]))
			return;
		if (x[f] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is out of range: %g", rk_credit_factor_names[f], x[f]),
					 errdetail("Permitted is: at least 0.")));
	}
	score = rk_risk_credit_score(x, card, points);
	e.pd = rk_risk_pd_of_score(score, rk_arg_choice(call, "pd_model"), rk_arg_float8(call, "target_score"),
							   rk_arg_float8(call, "target_odds"), rk_arg_float8(call, "pdo"));
	e.lgd = rk_risk_lgd_of_loan(x[RK_LOAN_TO_VALUE]);
	rk_call_check(call, rk_risk_credit_scoring(&call->ctx, &e, &r));
	rk_emit_row(call, (Datum[]) {
		Float8GetDatum(r.pd), Float8GetDatum(r.lgd), rk_amount_to_numeric(e.ead),
		rk_amount_to_numeric(r.expected_loss), Float8GetDatum(r.correlation),
		Float8GetDatum(r.maturity_adjustment), Float8GetDatum(r.capital_ratio),
		rk_amount_to_numeric(r.capital), rk_amount_to_numeric(r.rwa), Float8GetDatum(r.risk_weight),
		rk_amount_to_numeric(r.unexpected_loss), Float8GetDatum(score), contributions(card, points)
	}, (bool[13]) {false});
}

static void
credit_score(rk_call *call)
{
	double		x[RK_CREDIT_FACTORS];

	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
		x[f] = rk_arg_float8_or(call, rk_credit_factor_names[f], NAN);
	emit_score(call, x, rk_arg_amount(call, "ead"), rk_arg_float8(call, "maturity"));
}

static void
credit_score_record(rk_call *call)
{
	double		x[RK_CREDIT_FACTORS];
	double		maturity = 2.5;
	rk_amount	ead;

	for (int f = 0; f < RK_CREDIT_FACTORS; f++)
	{
		if (!rk_arg_field_float8(call, "factors", rk_credit_factor_names[f], &x[f]))
			x[f] = NAN;
		else if (!isfinite(x[f]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a finite number", rk_credit_factor_names[f])));
	}
	if (!rk_arg_has_field(call, "factors", "ead"))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"ead\" of \"factors\" is missing"),
				 errhint("Name the columns as the parameters of the other form: ead, loan_to_value, payment_history, ...")));
	if (!rk_arg_field_amount(call, "factors", "ead", &ead))
		return;
	if (ead.value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"ead\" is negative")));
	if (rk_arg_field_float8(call, "factors", "maturity", &maturity) && !(maturity > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"maturity\" is out of range: %g", maturity),
				 errdetail("Permitted is: greater than 0.")));
	emit_score(call, x, ead, maturity);
}

static void
credit_merton(rk_call *call)
{
	rk_credit_merton m;

	rk_call_check(call, rk_risk_credit_merton(&call->ctx, rk_arg_float8(call, "equity_value"),
											  rk_arg_float8(call, "equity_volatility"), rk_arg_float8(call, "debt"),
											  rk_arg_float8(call, "risk_free_rate"), rk_arg_float8(call, "horizon"), &m));
	rk_emit_row(call, (Datum[]) {
		Float8GetDatum(m.asset_value), Float8GetDatum(m.asset_volatility),
		Float8GetDatum(m.distance_to_default), Float8GetDatum(m.pd)
	}, (bool[4]) {false});
}

RK_SCALAR(rk_risk_credit_scoring_score_sql, "risk/credit-scoring", "_score");
RK_SCALAR(rk_risk_credit_scoring_score_record_sql, "risk/credit-scoring", "_score_record");
RK_SCALAR(rk_risk_credit_scoring_merton_sql, "risk/credit-scoring", "_merton");

const rk_bound_function rk_risk_credit_bindings[] = {
	{"risk/credit-scoring", "", credit_scoring},
	{"risk/credit-scoring", "_expected_loss", .aggregate = &rk_risk_expected_loss},
	{"risk/credit-scoring", "_score", credit_score},
	{"risk/credit-scoring", "_score_record", credit_score_record},
	{"risk/credit-scoring", "_merton", credit_merton},
	{0}
};

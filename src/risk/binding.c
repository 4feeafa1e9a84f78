/*
 * binding.c
 *	  The risk kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "../call/types.h"
#include "../compute/csr.h"
#include "../compute/normal.h"
#include "../relation/emit.h"
#include "../relation/table.h"
#include "risk.h"

/* ---- positions and correlations ---- */

/*
 * Positions, one row each, in the order of their ids, and the matrix of their
 * correlations.
 */
typedef struct book
{
	rk_table   *table;
	rk_ids	   *ids;
	int64		n;
	int64	   *row;			/* of each id */
	double	   *correlations;	/* n x n; NULL: none given */
} book;

static void
unknown_position(const rk_table *t, const rk_table_column *c, int64 row, const rk_ids *ids)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of \"%s\" in row %lld names \"%s\", which is no position", c->name, t->argument,
					(long long) (row + 1), rk_ids_text(ids, c->codes[row])),
			 errhint("Leave such rows out, or add the position.")));
}

/* The matrix of the correlations, after checks that both orders of a pair agree. */
static double *
read_correlations(rk_call *call, const book *b, const rk_table *t, const int64 *place)
{
	const rk_table_column *i = rk_table_column_named(t, "asset_i");
	const rk_table_column *j = rk_table_column_named(t, "asset_j");
	const rk_table_column *c = rk_table_column_named(t, "correlation");
	double	   *r = rk_call_alloc(call, b->n * b->n, double);

	/* 2: not given yet */
	for (int64 k = 0; k < b->n * b->n; k++)
		r[k] = k % (b->n + 1) == 0 ? 1 : 2;
	for (int64 k = 0; k < t->rows; k++)
	{
		int64		p = place[i->codes[k]];
		int64		q = place[j->codes[k]];
		double		before;

		if (p < 0)
			unknown_position(t, i, k, b->ids);
		if (q < 0)
			unknown_position(t, j, k, b->ids);
		before = r[p * b->n + q];
		if (before != 2 && fabs(before - c->floats[k]) > 1e-9)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("correlation of \"%s\" and \"%s\" is %.10g in row %lld of \"%s\", but %.10g before",
							rk_ids_text(b->ids, i->codes[k]), rk_ids_text(b->ids, j->codes[k]), c->floats[k],
							(long long) (k + 1), t->argument, before),
					 p == q ? errdetail("The correlation of a position with itself is 1.") : 0));
		if (before == 2)
			r[p * b->n + q] = r[q * b->n + p] = c->floats[k];
	}
	for (int64 k = 0; k < b->n * b->n; k++)
		if (r[k] == 2)
			r[k] = 0;
	return r;
}

static void
read_book(rk_call *call, book *b)
{
	rk_table   *correlations;
	rk_table_column *id;
	int64	   *place;

	b->table = rk_table_read(call, "positions");
	correlations = rk_table_read(call, "correlations");
	rk_tables_number(call);
	b->ids = rk_table_ids(call, RK_TYPE_ID);
	b->n = b->table->rows;
	id = rk_table_column_named(b->table, "id");
	/* ids in order; those that only correlations name have no row */
	place = rk_call_alloc(call, rk_ids_count(b->ids), int64);
	for (int64 k = 0; k < rk_ids_count(b->ids); k++)
		place[k] = -1;
	for (int64 k = 0; k < b->n; k++)
	{
		if (place[id->codes[k]] >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("position \"%s\" is in \"positions\" more than once", rk_ids_text(b->ids, id->codes[k])),
					 errdetail("It is there again in row %lld.", (long long) (k + 1)),
					 errhint("Add its rows up: SELECT id, sum(value) AS value, ... GROUP BY id.")));
		place[id->codes[k]] = k;
	}
	b->correlations = correlations ? read_correlations(call, b, correlations, place) : NULL;
	if (b->correlations)
		rk_call_check(call, rk_correlation_factor(&call->ctx, b->correlations, b->n, NULL));
}

/* ---- risk/portfolio-aggregation ---- */

static void
portfolio_aggregation(rk_call *call)
{
	book		b;
	rk_portfolio_risk p = {0};
	const rk_table_column *value;
	const rk_table_column *volatility;
	const rk_table_column *var;
	double		z = rk_normal_quantile(rk_arg_float8(call, "confidence"));
	double		scale = sqrt(rk_arg_float8(call, "horizon") / rk_arg_float8(call, "days_per_year"));
	double	   *x;
	double	   *marginal;
	double	   *share;
	double	   *beta;
	double		total = 0;

	read_book(call, &b);
	value = rk_table_column_named(b.table, "value");
	volatility = rk_table_column_named(b.table, "volatility");
	var = rk_table_column_named(b.table, "var");
	if (!var->there && !(value->there && volatility->there))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"positions\" has neither \"value\" and \"volatility\" nor \"var\""),
				 errhint("A query of this form works: positions => '%s'.", b.table->relation->example)));
	x = rk_call_alloc(call, b.n, double);
	marginal = rk_call_alloc(call, b.n, double);
	share = rk_call_alloc(call, b.n, double);
	beta = rk_call_alloc(call, b.n, double);
	for (int64 i = 0; i < b.n; i++)
	{
		double		v = value->there ? rk_amount_to_double((rk_amount) {value->decimals[i], value->scale}) : NAN;

		marginal[i] = v;
		total += v;
		x[i] = var->there ? var->floats[i] / z : v * volatility->floats[i] * scale;
	}
	p.standalone_var = rk_call_alloc(call, b.n, double);
	p.component_var = rk_call_alloc(call, b.n, double);
	p.incremental_var = rk_call_alloc(call, b.n, double);
	rk_call_check(call, rk_risk_portfolio_aggregation(&call->ctx, x, b.correlations, b.n, z,
													  rk_arg_choice(call, "method"), &p));
	for (int64 i = 0; i < b.n; i++)
	{
		marginal[i] = marginal[i] != 0 ? p.component_var[i] / marginal[i] : NAN;
		share[i] = p.var > 0 ? p.component_var[i] / p.var : NAN;
		beta[i] = p.var > 0 && total != 0 ? marginal[i] * total / p.var : NAN;
	}
	rk_emit(call, b.n, (rk_out[]) {
		RK_OUT_CODES(b.ids, rk_table_column_named(b.table, "id")->codes),
		RK_OUT_DOUBLES(p.standalone_var), RK_OUT_DOUBLES(p.component_var), RK_OUT_OPTIONALS(marginal),
		RK_OUT_DOUBLES(p.incremental_var), RK_OUT_OPTIONALS(share), RK_OUT_OPTIONALS(beta)
	}, NULL);
}

RK_FUNCTION(rk_risk_portfolio_aggregation_sql, "risk/portfolio-aggregation", "");

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

/* ---- risk/monte-carlo-var: observed profits and losses ---- */

RK_MOVING_AGGREGATE(rk_risk_monte_carlo_var_historical_var, "risk/monte-carlo-var", "_historical_var");
RK_MOVING_AGGREGATE(rk_risk_monte_carlo_var_historical_expected_shortfall, "risk/monte-carlo-var",
					"_historical_expected_shortfall");

const rk_bound_function rk_risk_bindings[] = {
	{"risk/monte-carlo-var", "_historical_var", .aggregate = &rk_risk_historical_var},
	{"risk/monte-carlo-var", "_historical_expected_shortfall", .aggregate = &rk_risk_historical_expected_shortfall},
	{"risk/portfolio-aggregation", "", portfolio_aggregation},
	{"risk/credit-scoring", "", credit_scoring},
	{"risk/credit-scoring", "_expected_loss", .aggregate = &rk_risk_expected_loss},
	{0}
};

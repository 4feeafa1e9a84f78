/*
 * binding.c
 *	  The risk kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "../call/types.h"
#include "../compute/csr.h"
#include "../compute/normal.h"
#include "../device/device.h"
#include "../relation/emit.h"
#include "../relation/table.h"
#include "correlation.h"
#include "credit.h"
#include "risk.h"
#include "stress.h"

/* ---- positions and correlations ---- */

/*
 * Positions, one row each, as read, and the matrix of their correlations.
 */
typedef struct book
{
	rk_table   *table;
	rk_ids	   *ids;
	int64		n;
	const uint32 *codes;		/* ids of the positions */
	double	   *correlations;	/* n x n; NULL: none given */
	double	   *factor;			/* their Cholesky factor, if wanted */
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

/* The row of each id, -1 for those that are no position; no id may come twice. */
static int64 *
place_positions(rk_call *call, const rk_table *t, const rk_ids *ids)
{
	const rk_table_column *id = rk_table_column_named(t, "id");
	int64	   *place = rk_call_alloc(call, rk_ids_count(ids), int64);

	for (int64 k = 0; k < rk_ids_count(ids); k++)
		place[k] = -1;
	for (int64 k = 0; k < t->rows; k++)
	{
		if (place[id->codes[k]] >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("position \"%s\" is in \"%s\" more than once", rk_ids_text(ids, id->codes[k]), t->argument),
					 errdetail("It is there again in row %lld.", (long long) (k + 1)),
					 errhint("Add its rows up: SELECT id, sum(value) AS value, ... GROUP BY id.")));
		place[id->codes[k]] = k;
	}
	return place;
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

/* Reads positions and correlations; with factor, the Cholesky factor too. */
static void
read_book(rk_call *call, book *b, bool want_factor)
{
	rk_table   *correlations;
	int64	   *place;

	b->table = rk_table_read(call, "positions");
	correlations = rk_table_read(call, "correlations");
	rk_tables_number(call);
	b->ids = rk_table_ids(call, RK_TYPE_ID);
	b->n = b->table->rows;
	b->codes = rk_table_column_named(b->table, "id")->codes;
	place = place_positions(call, b->table, b->ids);
	if (correlations == NULL)
		return;
	b->correlations = read_correlations(call, b, correlations, place);
	if (rk_arg_boolean(call, "psd_repair"))
	{
		double		distance;

		rk_call_check(call, rk_correlation_repair(&call->ctx, b->correlations, b->n, &distance));
		rk_call_detail_float8(call, "repair_distance", distance);
	}
	if (want_factor)
		b->factor = rk_call_alloc(call, b->n * b->n, double);
	rk_call_check(call, rk_correlation_factor(&call->ctx, b->correlations, b->n, b->factor));
}

/* Amounts as doubles. */
static double *
amounts(rk_call *call, const rk_table *t, const rk_table_column *c)
{
	double	   *to = rk_call_alloc(call, t->rows, double);

	for (int64 i = 0; i < t->rows; i++)
		to[i] = rk_amount_to_double((rk_amount) {c->decimals[i], c->scale});
	return to;
}

/* ---- risk/monte-carlo-var ---- */

static void
read_simulation(rk_call *call, book *b, rk_positions *p, rk_simulation *s)
{
	const rk_table_column *mu;
	double	   *expected_return;

	*s = (rk_simulation) {
		.confidence = rk_arg_float8(call, "confidence"),
		.years = rk_arg_float8(call, "horizon") / rk_arg_float8(call, "days_per_year"),
		.simulations = rk_arg_int(call, "simulations"),
		.distribution = rk_arg_choice(call, "distribution"),
		.degrees_of_freedom = rk_arg_float8(call, "degrees_of_freedom"),
		.geometric = rk_arg_choice(call, "returns") == 1,
		.antithetic = rk_arg_boolean(call, "antithetic"),
		.sobol = rk_arg_choice(call, "sampling") == 1,
		.seed = (uint64) rk_arg_int(call, "seed")
	};
	if (rk_tail_of(s->simulations, s->confidence).mass < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%lld simulations are too few for confidence %g", (long long) s->simulations, s->confidence),
				 errdetail("At least one simulation must lie in the tail."),
				 errhint("Set simulations to at least %.0f.", ceil(1 / (1 - s->confidence) - 1e-6))));
	read_book(call, b, true);
	mu = rk_table_column_named(b->table, "expected_return");
	expected_return = rk_call_alloc(call, b->n, double);
	for (int64 i = 0; i < b->n; i++)
		expected_return[i] = mu->there ? mu->floats[i] : 0;
	*p = (rk_positions) {
		.count = b->n,
		.value = amounts(call, b->table, rk_table_column_named(b->table, "value")),
		.volatility = rk_table_column_named(b->table, "volatility")->floats,
		.expected_return = expected_return,
		.correlations = b->correlations,
		.factor = b->factor
	};
	rk_call_phase(call, "computing", s->simulations);
}

/* Why these arguments are for the CPU only; NULL: they are not. */
static const char *
monte_carlo_refusal(const rk_call *call)
{
	if (rk_arg_choice(call, "returns") == 1)
		return "lognormal prices are simulated on the CPU only";
	if (rk_arg_choice(call, "distribution") != RK_NORMAL)
		return "Student's returns are simulated on the CPU only";
	if (rk_arg_choice(call, "sampling") == 1)
		return "Sobol's sequence is made on the CPU only";
	return NULL;
}

static void
monte_carlo_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_monte_carlo_cost(size->arcs, rk_arg_int(call, "simulations"), rk_arg_boolean(call, "antithetic"));
	if (monte_carlo_refusal(call))
		cost->host_seconds = INFINITY;
}

/* Profits and losses by the device; false: the CPU shall do it. */
static bool
simulate_on_device(rk_call *call, const rk_positions *p, const rk_simulation *s, double *pnl)
{
	rk_graph_size size = {.arcs = p->count,.threads = call->ctx.threads};
	rk_cuda_monte_carlo_params params = {.simulations = s->simulations,.seed = s->seed,.antithetic = s->antithetic};
	const char *refusal = monte_carlo_refusal(call);
	rk_device_run *device;
	double	   *weight;

	if (refusal)
	{
		rk_device_skip(call, refusal);
		return false;
	}
	if (p->count == 0 || (device = rk_device_begin(call, RK_CUDA_MONTE_CARLO, &size)) == NULL)
		return false;
	weight = rk_call_alloc(call, p->count, double);
	rk_call_check(call, rk_risk_book_weights(&call->ctx, p, s, weight, &params.mean));
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, weight, p->count * sizeof(double));
	rk_device_output(device, pnl, s->simulations * sizeof(double));
	return rk_device_finish(device, NULL);
}

static void
monte_carlo_var(rk_call *call)
{
	book		b = {0};
	rk_positions p;
	rk_simulation s;
	rk_simulated_risk r;
	double	   *pnl;
	int64		offsets[] = {0, RK_PERCENTILES};

	read_simulation(call, &b, &p, &s);
	pnl = rk_call_alloc(call, s.simulations, double);
	if (!simulate_on_device(call, &p, &s, pnl))
		rk_call_check(call, rk_risk_simulate(&call->ctx, &p, &s, pnl));
	rk_call_check(call, rk_risk_simulated_measures(&call->ctx, &p, &s, pnl, &r));
	rk_emit(call, 1, (rk_out[]) {
		RK_OUT_DOUBLES(&r.var), RK_OUT_DOUBLES(&r.expected_shortfall), RK_OUT_DOUBLES(&r.var_lower),
		RK_OUT_DOUBLES(&r.var_upper), RK_OUT_DOUBLES(&r.mean_pnl), RK_OUT_DOUBLES(&r.std_pnl),
		RK_OUT_DOUBLES(&r.parametric_var), RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, r.percentiles, offsets),
		RK_OUT_INTS(&s.simulations)
	}, NULL);
}

static void
monte_carlo_var_components(rk_call *call)
{
	book		b = {0};
	rk_positions p;
	rk_simulation s;
	rk_simulated_risk r;
	rk_risk_components c;
	const rk_table_column *value;
	double	   *marginal;
	double	   *share;

	read_simulation(call, &b, &p, &s);
	c.standalone_var = rk_call_alloc(call, b.n, double);
	c.component_var = rk_call_alloc(call, b.n, double);
	c.component_expected_shortfall = rk_call_alloc(call, b.n, double);
	marginal = rk_call_alloc(call, b.n, double);
	share = rk_call_alloc(call, b.n, double);
	rk_call_check(call, rk_risk_monte_carlo_components(&call->ctx, &p, &s, &r, &c));
	for (int64 i = 0; i < b.n; i++)
	{
		marginal[i] = p.value[i] != 0 ? c.component_var[i] / p.value[i] : NAN;
		share[i] = r.var != 0 ? c.component_var[i] / r.var : NAN;
	}
	value = rk_table_column_named(b.table, "value");
	rk_emit(call, b.n, (rk_out[]) {
		RK_OUT_CODES(b.ids, b.codes), RK_OUT_DECIMALS(value->decimals, value->scale),
		RK_OUT_DOUBLES(c.standalone_var), RK_OUT_DOUBLES(c.component_var), RK_OUT_OPTIONALS(marginal),
		RK_OUT_DOUBLES(c.component_expected_shortfall), RK_OUT_OPTIONALS(share)
	}, NULL);
}

/* The number of a row. */
static Datum
row_number(void *arg, int64 row, bool *is_null)
{
	return Int64GetDatum(row);
}

static void
monte_carlo_var_scenarios(rk_call *call)
{
	book		b = {0};
	rk_positions p;
	rk_simulation s;
	double	   *pnl;

	read_simulation(call, &b, &p, &s);
	pnl = rk_call_alloc(call, s.simulations, double);
	if (!simulate_on_device(call, &p, &s, pnl))
		rk_call_check(call, rk_risk_simulate(&call->ctx, &p, &s, pnl));
	rk_emit(call, s.simulations, (rk_out[]) {RK_OUT_CALL(row_number, NULL), RK_OUT_DOUBLES(pnl)}, NULL);
}

RK_FUNCTION(rk_risk_monte_carlo_var_sql, "risk/monte-carlo-var", "");
RK_FUNCTION(rk_risk_monte_carlo_var_components_sql, "risk/monte-carlo-var", "_components");
RK_FUNCTION(rk_risk_monte_carlo_var_scenarios_sql, "risk/monte-carlo-var", "_scenarios");
RK_MOVING_AGGREGATE(rk_risk_monte_carlo_var_historical_var, "risk/monte-carlo-var", "_historical_var");
RK_MOVING_AGGREGATE(rk_risk_monte_carlo_var_historical_expected_shortfall, "risk/monte-carlo-var",
					"_historical_expected_shortfall");

/* ---- risk/portfolio-aggregation ---- */

/* A portfolio as the kernel wants it. */
typedef struct portfolio
{
	book		b;
	const rk_table_column *value;
	bool		has_var;		/* positions have their own VaR */
	double	   *values;			/* NULL: they have no values */
	double	   *x;
	double		z;
	rk_portfolio_risk risk;
} portfolio;

static void
read_portfolio(rk_call *call, portfolio *p, bool want_columns)
{
	const rk_table_column *volatility;
	const rk_table_column *var;
	double		scale = sqrt(rk_arg_float8(call, "horizon") / rk_arg_float8(call, "days_per_year"));

	read_book(call, &p->b, false);
	p->z = rk_normal_quantile(rk_arg_float8(call, "confidence"));
	p->value = rk_table_column_named(p->b.table, "value");
	volatility = rk_table_column_named(p->b.table, "volatility");
	var = rk_table_column_named(p->b.table, "var");
	p->has_var = var->there;
	if (!var->there && !(p->value->there && volatility->there))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"positions\" has neither \"value\" and \"volatility\" nor \"var\""),
				 errhint("A query of this form works: positions => '%s'.", p->b.table->relation->example)));
	if (p->value->there)
		p->values = amounts(call, p->b.table, p->value);
	p->x = rk_call_alloc(call, p->b.n, double);
	for (int64 i = 0; i < p->b.n; i++)
		p->x[i] = var->there ? var->floats[i] / p->z : p->values[i] * volatility->floats[i] * scale;
	if (want_columns)
	{
		p->risk.standalone_var = rk_call_alloc(call, p->b.n, double);
		p->risk.component_var = rk_call_alloc(call, p->b.n, double);
		p->risk.incremental_var = rk_call_alloc(call, p->b.n, double);
	}
	rk_call_check(call, rk_risk_portfolio_aggregation(&call->ctx, p->x, p->b.correlations, p->b.n, p->z,
													  rk_arg_choice(call, "method"), &p->risk));
}

static void
portfolio_aggregation(rk_call *call)
{
	portfolio	p = {0};
	double	   *marginal;
	double	   *share;
	double	   *beta;
	double		total = 0;

	read_portfolio(call, &p, true);
	marginal = rk_call_alloc(call, p.b.n, double);
	share = rk_call_alloc(call, p.b.n, double);
	beta = rk_call_alloc(call, p.b.n, double);
	for (int64 i = 0; p.values && i < p.b.n; i++)
		total += p.values[i];
	for (int64 i = 0; i < p.b.n; i++)
	{
		marginal[i] = p.values && p.values[i] != 0 ? p.risk.component_var[i] / p.values[i] : NAN;
		share[i] = p.risk.var > 0 ? p.risk.component_var[i] / p.risk.var : NAN;
		beta[i] = p.risk.var > 0 && total != 0 ? marginal[i] * total / p.risk.var : NAN;
	}
	rk_emit(call, p.b.n, (rk_out[]) {
		RK_OUT_CODES(p.b.ids, p.b.codes), RK_OUT_DOUBLES(p.risk.standalone_var),
		RK_OUT_DOUBLES(p.risk.component_var), RK_OUT_OPTIONALS(marginal),
		RK_OUT_DOUBLES(p.risk.incremental_var), RK_OUT_OPTIONALS(share), RK_OUT_OPTIONALS(beta)
	}, NULL);
}

/* The exact sum of a column of amounts. */
static rk_amount
sum_amounts(const rk_table *t, const rk_table_column *c)
{
	rk_amount	sum = {0, c->scale};

	for (int64 i = 0; i < t->rows; i++)
		if (!rk_amount_add(&sum, (rk_amount) {c->decimals[i], c->scale}))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("sum of \"%s\" is out of range", c->name)));
	return sum;
}

static void
portfolio_aggregation_summary(rk_call *call)
{
	portfolio	p = {0};
	double		shortfall;

	read_portfolio(call, &p, false);
	shortfall = p.risk.sigma * rk_normal_density(p.z) / (1 - rk_arg_float8(call, "confidence"));
	rk_emit_row(call, (Datum[]) {
		Float8GetDatum(p.risk.var), Float8GetDatum(shortfall), Float8GetDatum(p.risk.undiversified_var),
		Float8GetDatum(p.risk.undiversified_var - p.risk.var),
		Float8GetDatum(p.risk.var / p.risk.undiversified_var), Float8GetDatum(p.risk.sigma),
		p.value->there ? rk_amount_to_numeric(sum_amounts(p.b.table, p.value)) : (Datum) 0
	}, (bool[]) {false, p.has_var, false, false, p.risk.undiversified_var == 0, p.has_var, !p.value->there});
}

static void
portfolio_covariance(rk_call *call)
{
	book		b = {0};
	const double *sigma;
	int64		pairs;
	int64		at = 0;
	uint32	   *i_code;
	uint32	   *j_code;
	double	   *covariance;

	read_book(call, &b, false);
	sigma = rk_table_column_named(b.table, "volatility")->floats;
	pairs = b.n * (b.n + 1) / 2;
	i_code = rk_call_alloc(call, pairs, uint32);
	j_code = rk_call_alloc(call, pairs, uint32);
	covariance = rk_call_alloc(call, pairs, double);
	for (int64 i = 0; i < b.n; i++)
	{
		for (int64 j = i; j < b.n; j++)
		{
			double		r = b.correlations ? b.correlations[i * b.n + j] : i == j;

			i_code[at] = b.codes[i];
			j_code[at] = b.codes[j];
			covariance[at++] = r * sigma[i] * sigma[j];
		}
	}
	rk_emit(call, pairs, (rk_out[]) {
		RK_OUT_CODES(b.ids, i_code), RK_OUT_CODES(b.ids, j_code), RK_OUT_DOUBLES(covariance)
	}, NULL);
}

RK_FUNCTION(rk_risk_portfolio_aggregation_sql, "risk/portfolio-aggregation", "");
RK_FUNCTION(rk_risk_portfolio_aggregation_summary_sql, "risk/portfolio-aggregation", "_summary");
RK_FUNCTION(rk_risk_portfolio_aggregation_covariance_sql, "risk/portfolio-aggregation", "_covariance");

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

/* ---- risk/stress-testing ---- */

/* Names and numbers of risk factors. */
static uint32
factor_code(rk_call *call, rk_dictionary *factors, rk_bytes name)
{
	uint32		code;

	name = rk_risk_factor_name(name);
	rk_call_check(call, rk_dictionary_add(factors, &name, 1, &code));
	return code;
}

static rk_bytes
factor_name(rk_call *call, const rk_dictionary *factors, uint32 code)
{
	char		buffer[16];
	rk_bytes	key = rk_dictionary_key(factors, code, buffer);
	char	   *copy = palloc(key.length + 1);

	memcpy(copy, key.data, key.length);
	copy[key.length] = '\0';
	return (rk_bytes) {copy, key.length};
}

/* Positions with their sensitivities, before they are sorted by factor. */
typedef struct stress_book
{
	rk_table   *positions;
	rk_ids	   *ids;
	const uint32 *codes;
	const rk_table_column *value;
	rk_dictionary *factors;
	int64		count;
	rk_sensitivity *sensitivities;
	uint32	   *factor;			/* of each sensitivity */
	int64	   *offsets;		/* after sorting */
	rk_factor_kind *kinds;
} stress_book;

/* What a position has without sensitivities: its own asset class. */
static void
own_class(rk_call *call, stress_book *b)
{
	const rk_table_column *class = rk_table_column_named(b->positions, "asset_class");

	if (!class->there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"asset_class\" of \"positions\" is missing"),
				 errdetail("Without sensitivities it says which factor a position depends on."),
				 errhint("A query of this form works: positions => '%s'.", b->positions->relation->example)));
	b->count = b->positions->rows;
	b->sensitivities = rk_call_alloc(call, b->count, rk_sensitivity);
	b->factor = rk_call_alloc(call, b->count, uint32);
	for (int64 i = 0; i < b->count; i++)
	{
		b->factor[i] = factor_code(call, b->factors, class->texts[i]);
		b->sensitivities[i] = (rk_sensitivity) {
			.position = i,.delta = 1,.rho = -1,.vega = 1,.spread_duration = 1,.vega_of_value = true
		};
	}
}

static double
or_zero(const rk_table_column *c, int64 row)
{
	return rk_has_value(c, row) ? c->floats[row] : 0;
}

static void
given_sensitivities(rk_call *call, stress_book *b, const rk_table *t, const int64 *place)
{
	const rk_table_column *id = rk_table_column_named(t, "id");
	const rk_table_column *factor = rk_table_column_named(t, "factor");
	const rk_table_column *delta = rk_table_column_named(t, "delta");
	const rk_table_column *gamma = rk_table_column_named(t, "gamma");
	const rk_table_column *rho = rk_table_column_named(t, "rho");
	const rk_table_column *convexity = rk_table_column_named(t, "convexity");
	const rk_table_column *vega = rk_table_column_named(t, "vega");
	const rk_table_column *theta = rk_table_column_named(t, "theta");
	const rk_table_column *spread = rk_table_column_named(t, "spread_duration");

	b->count = t->rows;
	b->sensitivities = rk_call_alloc(call, b->count, rk_sensitivity);
	b->factor = rk_call_alloc(call, b->count, uint32);
	for (int64 k = 0; k < t->rows; k++)
	{
		if (place[id->codes[k]] < 0)
			unknown_position(t, id, k, b->ids);
		b->factor[k] = factor_code(call, b->factors, factor->texts[k]);
		b->sensitivities[k] = (rk_sensitivity) {
			.position = place[id->codes[k]],.delta = or_zero(delta, k),.gamma = or_zero(gamma, k),
			.rho = or_zero(rho, k),.convexity = or_zero(convexity, k),.vega = or_zero(vega, k),
			.theta = or_zero(theta, k),.spread_duration = or_zero(spread, k)
		};
	}
}

static void
read_stress_book(rk_call *call, stress_book *b)
{
	rk_table   *sensitivities;
	int64	   *place;

	b->positions = rk_table_read(call, "positions");
	sensitivities = rk_table_read(call, "sensitivities");
	rk_tables_number(call);
	b->ids = rk_table_ids(call, RK_TYPE_ID);
	b->codes = rk_table_column_named(b->positions, "id")->codes;
	b->value = rk_table_column_named(b->positions, "value");
	b->factors = rk_dictionary_create(&call->ctx);
	if (b->factors == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	place = place_positions(call, b->positions, b->ids);
	if (sensitivities)
		given_sensitivities(call, b, sensitivities, place);
	else
		own_class(call, b);
}

/* Sorts the sensitivities by factor, once all factors are known. */
static void
sort_by_factor(rk_call *call, stress_book *b)
{
	int64		factors = rk_dictionary_count(b->factors);
	rk_sensitivity *sorted = rk_call_alloc(call, b->count, rk_sensitivity);
	int64	   *seen = rk_call_alloc(call, b->positions->rows, int64);
	int64	   *next = rk_call_alloc(call, factors + 1, int64);

	b->offsets = rk_call_alloc(call, factors + 1, int64);
	b->kinds = rk_call_alloc(call, factors, rk_factor_kind);
	memset(next, 0, sizeof(int64) * (factors + 1));
	for (int64 k = 0; k < b->count; k++)
		next[b->factor[k] + 1]++;
	for (int64 f = 0; f < factors; f++)
	{
		b->kinds[f] = rk_risk_factor_kind(factor_name(call, b->factors, f));
		next[f + 1] += next[f];
	}
	memcpy(b->offsets, next, sizeof(int64) * (factors + 1));
	for (int64 k = 0; k < b->count; k++)
		sorted[next[b->factor[k]]++] = b->sensitivities[k];
	for (int64 i = 0; i < b->positions->rows; i++)
		seen[i] = -1;
	for (int64 f = 0; f < factors; f++)
	{
		for (int64 k = b->offsets[f]; k < b->offsets[f + 1]; k++)
		{
			int64		p = sorted[k].position;

			if (seen[p] == f)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("position \"%s\" is in \"sensitivities\" more than once with factor \"%s\"",
								rk_ids_text(b->ids, b->codes[p]), factor_name(call, b->factors, f).data)));
			seen[p] = f;
		}
	}
	b->sensitivities = sorted;
}

/* Scenarios in the order in which they come. */
typedef struct scenario_list
{
	rk_table   *table;
	int64		count;
	uint32	   *of_row;
	int64	   *of_shock;		/* the same, for the kernel */
	rk_bytes   *names;
	rk_bytes   *descriptions;
	double	   *probabilities;	/* NaN: not given */
	uint32	   *factor;			/* of each row */
} scenario_list;

static int
compare_keys(const void *a, const void *b)
{
	const uint64 *x = a;
	const uint64 *y = b;

	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return x[1] < y[1] ? -1 : x[1] > y[1];
}

static void
read_scenarios(rk_call *call, stress_book *b, scenario_list *s)
{
	rk_table   *t = rk_table_read(call, "scenarios");
	const rk_table_column *name = rk_table_column_named(t, "scenario");
	const rk_table_column *factor = rk_table_column_named(t, "factor");
	const rk_table_column *probability = rk_table_column_named(t, "probability");
	const rk_table_column *description = rk_table_column_named(t, "description");
	rk_dictionary *names = rk_dictionary_create(&call->ctx);
	uint64	   *keys = rk_call_alloc(call, t->rows * 2, uint64);

	if (names == NULL)
		rk_call_check(call, RK_ERR_MEMORY);
	s->table = t;
	s->of_row = rk_call_alloc(call, t->rows, uint32);
	s->of_shock = rk_call_alloc(call, t->rows, int64);
	s->factor = rk_call_alloc(call, t->rows, uint32);
	for (int64 k = 0; k < t->rows; k++)
	{
		rk_call_check(call, rk_dictionary_add(names, &name->texts[k], 1, &s->of_row[k]));
		s->of_shock[k] = s->of_row[k];
		s->factor[k] = factor_code(call, b->factors, factor->texts[k]);
		keys[2 * k] = (uint64) s->of_row[k] << 32 | s->factor[k];
		keys[2 * k + 1] = k;
	}
	qsort(keys, t->rows, 2 * sizeof(uint64), compare_keys);
	for (int64 k = 1; k < t->rows; k++)
		if (keys[2 * k] == keys[2 * k - 2])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("scenario \"%.*s\" shocks factor \"%s\" more than once",
							(int) name->texts[keys[2 * k + 1]].length, name->texts[keys[2 * k + 1]].data,
							factor_name(call, b->factors, s->factor[keys[2 * k + 1]]).data),
					 errdetail("It does again in row %lld of \"scenarios\".", (long long) (keys[2 * k + 1] + 1))));
	s->count = rk_dictionary_count(names);
	s->names = rk_call_alloc(call, s->count, rk_bytes);
	s->descriptions = rk_call_alloc(call, s->count, rk_bytes);
	s->probabilities = rk_call_alloc(call, s->count, double);
	for (int64 i = 0; i < s->count; i++)
	{
		s->descriptions[i] = (rk_bytes) {NULL, 0};
		s->probabilities[i] = NAN;
	}
	for (int64 k = 0; k < t->rows; k++)
	{
		uint32		i = s->of_row[k];

		s->names[i] = name->texts[k];
		if (rk_has_value(description, k) && s->descriptions[i].data == NULL)
			s->descriptions[i] = description->texts[k];
		if (!rk_has_value(probability, k))
			continue;
		if (!isnan(s->probabilities[i]) && s->probabilities[i] != probability->floats[k])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("scenario \"%.*s\" has more than one probability", (int) name->texts[k].length, name->texts[k].data),
					 errdetail("It is %g in row %lld of \"scenarios\", %g before.", probability->floats[k],
							   (long long) (k + 1), s->probabilities[i])));
		s->probabilities[i] = probability->floats[k];
	}
}

/* Reads everything and applies the shocks. */
static void
run_stress(rk_call *call, stress_book *b, scenario_list *s, rk_stress_result *r)
{
	rk_stress_input in;

	read_stress_book(call, b);
	read_scenarios(call, b, s);
	sort_by_factor(call, b);
	in = (rk_stress_input) {
		.values = b->value->decimals,
		.scale = b->value->scale,
		.sensitivities = b->sensitivities,
		.factor_offsets = b->offsets,
		.kinds = b->kinds,
		.shocks = s->table->rows,
		.shock_factor = s->factor,
		.shock = rk_table_column_named(s->table, "shock")->floats
	};
	rk_call_phase(call, "computing", 0);
	rk_call_check(call, rk_risk_stress_testing(&call->ctx, &in, r));
}

static void
stress_testing(rk_call *call)
{
	stress_book b = {0};
	scenario_list s = {0};
	rk_stress_result r;
	rk_bytes   *factors;
	uint32	   *shock;
	uint32	   *position;

	run_stress(call, &b, &s, &r);
	factors = rk_call_alloc(call, s.table->rows, rk_bytes);
	for (int64 k = 0; k < s.table->rows; k++)
		factors[k] = factor_name(call, b.factors, s.factor[k]);
	shock = rk_call_alloc(call, r.rows, uint32);
	position = rk_call_alloc(call, r.rows, uint32);
	for (int64 k = 0; k < r.rows; k++)
	{
		shock[k] = r.shock[k];
		position[k] = r.position[k];
	}
	rk_emit(call, r.rows, (rk_out[]) {
		{.kind = RK_OUT_TEXT,.data = rk_table_column_named(s.table, "scenario")->texts,.index = shock},
		RK_OUT_CODES_VIA(b.ids, b.codes, position),
		{.kind = RK_OUT_TEXT,.data = factors,.index = shock},
		RK_OUT_DECIMALS(r.pnl, r.scale)
	}, NULL);
}

static void
stress_testing_summary(rk_call *call)
{
	stress_book b = {0};
	scenario_list s = {0};
	rk_stress_result r;
	rk_decimal *impact;
	rk_decimal *after;
	double	   *ratio;
	double	   *expected;
	bool	   *worst;
	rk_amount	total;
	double		loss = 0;
	bool		known = false;
	int64		lowest = 0;

	run_stress(call, &b, &s, &r);
	impact = rk_call_alloc(call, s.count, rk_decimal);
	after = rk_call_alloc(call, s.count, rk_decimal);
	ratio = rk_call_alloc(call, s.count, double);
	expected = rk_call_alloc(call, s.count, double);
	worst = rk_call_alloc(call, s.count, bool);
	rk_call_check(call, rk_risk_stress_impacts(&call->ctx, &r, s.of_shock, s.count, impact));
	total = sum_amounts(b.positions, b.value);
	for (int64 i = 0; i < s.count; i++)
	{
		rk_amount	sum = total;

		if (!rk_amount_add(&sum, (rk_amount) {impact[i], r.scale}))
			rk_call_check(call, rk_fail(&call->ctx, RK_ERR_OVERFLOW, "value after a scenario is out of range"));
		after[i] = sum.value;
		ratio[i] = total.value != 0 ? rk_amount_to_double((rk_amount) {impact[i], r.scale}) / rk_amount_to_double(total) : NAN;
		worst[i] = false;
		if (impact[i] < impact[lowest])
			lowest = i;
		if (!isnan(s.probabilities[i]))
		{
			known = true;
			loss += s.probabilities[i] * fmin(rk_amount_to_double((rk_amount) {impact[i], r.scale}), 0);
		}
	}
	for (int64 i = 0; i < s.count; i++)
	{
		worst[i] = i == lowest;
		expected[i] = known ? loss : NAN;
	}
	rk_emit(call, s.count, (rk_out[]) {
		RK_OUT_TEXTS(s.names), RK_OUT_TEXTS(s.descriptions), RK_OUT_OPTIONALS(s.probabilities),
		RK_OUT_DECIMALS(impact, r.scale), RK_OUT_OPTIONALS(ratio), RK_OUT_DECIMALS(after, r.scale),
		RK_OUT_BOOLEANS(worst), RK_OUT_OPTIONALS(expected)
	}, NULL);
}

/* The matrix of correlations between factors; NULL when none are given. */
static double *
factor_correlations(rk_call *call, rk_dictionary *factors, const int64 *place, int64 n)
{
	rk_table   *t = rk_table_read(call, "correlations");
	const rk_table_column *columns[2];
	const rk_table_column *c;
	double	   *r;

	if (t == NULL)
		return NULL;
	columns[0] = rk_table_column_named(t, "asset_i");
	columns[1] = rk_table_column_named(t, "asset_j");
	c = rk_table_column_named(t, "correlation");
	r = rk_call_alloc(call, n * n, double);
	for (int64 k = 0; k < n * n; k++)
		r[k] = k % (n + 1) == 0;
	for (int64 k = 0; k < t->rows; k++)
	{
		int64		at[2];

		for (int side = 0; side < 2; side++)
		{
			int64		code = rk_dictionary_find(factors, rk_risk_factor_name(columns[side]->texts[k]));

			at[side] = code < 0 ? -1 : place[code];
			if (at[side] < 0)
				rk_table_bad_value(t, columns[side], k, "no factor of \"factors\"");
		}
		if (at[0] == at[1] && c->floats[k] != 1)
			rk_table_bad_value(t, c, k, "not 1 for a factor with itself");
		r[at[0] * n + at[1]] = r[at[1] * n + at[0]] = c->floats[k];
	}
	rk_call_check(call, rk_correlation_factor(&call->ctx, r, n, NULL));
	return r;
}

static void
stress_testing_reverse(rk_call *call)
{
	stress_book b = {0};
	rk_table   *t;
	const rk_table_column *name;
	uint32	   *code;
	int64	   *place;
	int64		factors;
	double	   *exposure;
	double	   *shock;
	double	   *contribution;
	double	   *distances;
	double	   *correlations;
	double		distance;
	rk_bytes   *names;

	read_stress_book(call, &b);
	t = rk_table_read(call, "factors");
	name = rk_table_column_named(t, "factor");
	code = rk_call_alloc(call, t->rows, uint32);
	for (int64 k = 0; k < t->rows; k++)
		code[k] = factor_code(call, b.factors, name->texts[k]);
	sort_by_factor(call, &b);
	factors = rk_dictionary_count(b.factors);
	place = rk_call_alloc(call, factors, int64);
	exposure = rk_call_alloc(call, t->rows, double);
	shock = rk_call_alloc(call, t->rows, double);
	contribution = rk_call_alloc(call, t->rows, double);
	distances = rk_call_alloc(call, t->rows, double);
	names = rk_call_alloc(call, t->rows, rk_bytes);
	for (int64 f = 0; f < factors; f++)
		place[f] = -1;
	for (int64 k = 0; k < t->rows; k++)
	{
		uint32		f = code[k];

		if (place[f] >= 0)
			rk_table_bad_value(t, name, k, "a factor that was there before");
		place[f] = k;
		names[k] = factor_name(call, b.factors, f);
		exposure[k] = 0;
		for (int64 i = b.offsets[f]; i < b.offsets[f + 1]; i++)
			exposure[k] += rk_risk_linear_exposure(
				rk_amount_to_double((rk_amount) {b.value->decimals[b.sensitivities[i].position], b.value->scale}),
				b.kinds[f], &b.sensitivities[i]);
	}
	correlations = factor_correlations(call, b.factors, place, t->rows);
	rk_call_check(call, rk_risk_reverse_stress(&call->ctx, exposure, rk_table_column_named(t, "volatility")->floats,
											   correlations, t->rows,
											   rk_amount_to_double(rk_arg_amount(call, "target_loss")),
											   shock, contribution, &distance));
	for (int64 k = 0; k < t->rows; k++)
		distances[k] = distance;
	rk_emit(call, t->rows, (rk_out[]) {
		RK_OUT_TEXTS(names), RK_OUT_DOUBLES(shock), RK_OUT_DOUBLES(contribution), RK_OUT_DOUBLES(distances)
	}, NULL);
}

RK_FUNCTION(rk_risk_stress_testing_sql, "risk/stress-testing", "");
RK_FUNCTION(rk_risk_stress_testing_summary_sql, "risk/stress-testing", "_summary");
RK_FUNCTION(rk_risk_stress_testing_reverse_sql, "risk/stress-testing", "_reverse");

/* ---- risk/realtime-correlation ---- */

/* Series of the assets in the order in which they are first seen. */
typedef struct series
{
	rk_observations o;
	int64	   *begin;
	int64	   *end;
	int64	   *time;
	int64	   *start;
	double	   *value;
	uint32	   *codes;
} series;

static int
compare_first_rows(const void *a, const void *b)
{
	const int64 *x = a;
	const int64 *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* The return over one step, or an error that names the row of the price. */
static double
price_return(rk_table *t, const rk_table_column *value, int64 before, int64 row, bool log_return)
{
	double		p = value->floats[before];
	double		q = value->floats[row];

	if (log_return && !(p > 0 && q > 0))
		rk_table_bad_value(t, value, p > 0 ? row : before, "not above 0, so it has no log return,");
	if (!log_return && p == 0)
		rk_table_bad_value(t, value, before, "0, so nothing has a return over it,");
	return log_return ? log(q / p) : q / p - 1;
}

static void
read_series(rk_call *call, series *s, rk_ids **ids)
{
	rk_table   *t = rk_read_table(call, "observations");
	const rk_table_column *ts = rk_table_column_named(t, "ts");
	const rk_table_column *value = rk_table_column_named(t, "value");
	rk_groups  *g = rk_table_group(t, "asset", "ts");
	bool		prices = !rk_arg_is_null(call, "as_returns");
	bool		log_return = prices && rk_arg_choice(call, "as_returns") == 0;
	int64	   *order = rk_call_alloc(call, g->count * 2, int64);
	int64		at = 0;

	*ids = g->ids;
	for (int64 i = 0; i < g->count; i++)
	{
		order[2 * i] = t->rows;
		order[2 * i + 1] = i;
		for (int64 k = g->offsets[i]; k < g->offsets[i + 1]; k++)
			order[2 * i] = Min(order[2 * i], g->rows[k]);
	}
	qsort(order, g->count, 2 * sizeof(int64), compare_first_rows);
	s->begin = rk_call_alloc(call, g->count, int64);
	s->end = rk_call_alloc(call, g->count, int64);
	s->codes = rk_call_alloc(call, g->count, uint32);
	s->time = rk_call_alloc(call, t->rows, int64);
	s->start = rk_call_alloc(call, t->rows, int64);
	s->value = rk_call_alloc(call, t->rows, double);
	for (int64 i = 0; i < g->count; i++)
	{
		int64		group = order[2 * i + 1];

		s->codes[i] = g->codes[group];
		s->begin[i] = at;
		for (int64 k = g->offsets[group]; k < g->offsets[group + 1]; k++)
		{
			int64		row = g->rows[k];
			bool		first = k == g->offsets[group];
			int64		before = first ? row : g->rows[k - 1];

			if (!first && ts->ints[before] == ts->ints[row])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("asset \"%s\" has two observations at the same time", rk_ids_text(g->ids, s->codes[i])),
						 errdetail("They are in rows %lld and %lld of \"observations\".", (long long) (before + 1),
								   (long long) (row + 1))));
			if (prices && first)
				continue;
			s->time[at] = ts->ints[row];
			s->start[at] = first ? PG_INT64_MIN : ts->ints[before];
			s->value[at++] = prices ? price_return(t, value, before, row, log_return) : value->floats[row];
		}
		s->end[i] = at;
	}
	s->o = (rk_observations) {g->count, s->begin, s->end, s->time, s->start, s->value};
}

static void
realtime_correlation(rk_call *call)
{
	series		s = {0};
	rk_ids	   *ids;
	rk_correlation_params p = {
		.estimator = rk_arg_choice(call, "estimator"),
		.lambda = rk_arg_float8(call, "lambda"),
		.previous_tick = rk_arg_choice(call, "sync") == 1
	};
	int64		least = rk_arg_int(call, "min_observations");
	double		threshold = rk_arg_float8_or(call, "change_threshold", 0);
	bool		compare = !rk_arg_is_null(call, "as_of_previous");
	int64		pairs;
	uint32	   *asset_i;
	uint32	   *asset_j;
	double	   *correlation;
	double	   *covariance;
	double	   *previous;
	double	   *change;
	int64	   *count;
	bool	   *keep = NULL;

	if (!rk_arg_is_null(call, "change_threshold") && !compare)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"change_threshold\" needs \"as_of_previous\""),
				 errhint("Say since when a change counts: as_of_previous => now() - interval '1 day'.")));
	read_series(call, &s, &ids);
	pairs = rk_pairs_of(s.o.assets);
	asset_i = rk_call_alloc(call, pairs, uint32);
	asset_j = rk_call_alloc(call, pairs, uint32);
	correlation = rk_call_alloc(call, pairs, double);
	covariance = rk_call_alloc(call, pairs, double);
	previous = rk_call_alloc(call, pairs, double);
	change = rk_call_alloc(call, pairs, double);
	count = rk_call_alloc(call, pairs, int64);
	rk_list_pairs(s.codes, s.o.assets, asset_i, asset_j);
	for (int64 k = 0; k < pairs; k++)
		previous[k] = change[k] = NAN;
	if (compare)
	{
		int64	   *ends = rk_call_alloc(call, s.o.assets, int64);

		rk_observations_until(&s.o, rk_arg_timestamptz(call, "as_of_previous"), ends);
		s.o.end = ends;
		rk_call_check(call, rk_risk_correlations(&call->ctx, &s.o, &p, previous, covariance, count));
		for (int64 k = 0; k < pairs; k++)
			if (count[k] < least)
				previous[k] = NAN;
		s.o.end = s.end;
	}
	rk_call_check(call, rk_risk_correlations(&call->ctx, &s.o, &p, correlation, covariance, count));
	if (!rk_arg_is_null(call, "change_threshold"))
		keep = rk_call_alloc(call, pairs, bool);
	for (int64 k = 0; k < pairs; k++)
	{
		if (count[k] < least)
			correlation[k] = NAN;
		if (compare)
			change[k] = correlation[k] - previous[k];
		if (keep)
			keep[k] = fabs(change[k]) >= threshold;
	}
	rk_emit(call, pairs, (rk_out[]) {
		RK_OUT_CODES(ids, asset_i), RK_OUT_CODES(ids, asset_j), RK_OUT_OPTIONALS(correlation),
		RK_OUT_OPTIONALS(covariance), RK_OUT_INTS(count), RK_OUT_OPTIONALS(previous), RK_OUT_OPTIONALS(change)
	}, keep);
}

RK_FUNCTION(rk_risk_realtime_correlation_sql, "risk/realtime-correlation", "");
RK_AGGREGATE(rk_risk_realtime_correlation_matrix, "risk/realtime-correlation", "_matrix");

const rk_bound_function rk_risk_bindings[] = {
	{"risk/monte-carlo-var", "_historical_var", .aggregate = &rk_risk_historical_var},
	{"risk/monte-carlo-var", "_historical_expected_shortfall", .aggregate = &rk_risk_historical_expected_shortfall},
	{"risk/monte-carlo-var", "", monte_carlo_var, .device_cost = monte_carlo_device_cost},
	{"risk/monte-carlo-var", "_components", monte_carlo_var_components},
	{"risk/monte-carlo-var", "_scenarios", monte_carlo_var_scenarios, .device_cost = monte_carlo_device_cost},
	{"risk/portfolio-aggregation", "", portfolio_aggregation},
	{"risk/portfolio-aggregation", "_summary", portfolio_aggregation_summary},
	{"risk/portfolio-aggregation", "_covariance", portfolio_covariance},
	{"risk/credit-scoring", "", credit_scoring},
	{"risk/credit-scoring", "_expected_loss", .aggregate = &rk_risk_expected_loss},
	{"risk/credit-scoring", "_score", credit_score},
	{"risk/credit-scoring", "_score_record", credit_score_record},
	{"risk/credit-scoring", "_merton", credit_merton},
	{"risk/stress-testing", "", stress_testing},
	{"risk/stress-testing", "_summary", stress_testing_summary},
	{"risk/stress-testing", "_reverse", stress_testing_reverse},
	{"risk/realtime-correlation", "", realtime_correlation},
	{"risk/realtime-correlation", "_matrix", .aggregate = &rk_correlation_matrix},
	{0}
};

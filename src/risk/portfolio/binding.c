/*
 * binding.c
 *	  The door to SQL of value at risk and of portfolios: arguments in, kernel,
 *	  columns out.
 */
#include "postgres.h"

#include "utils/float.h"

#include "../../call/types.h"
#include "../../compute/normal.h"
#include "../../compute/sobol_point.h"
#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/table.h"
#include "portfolio.h"

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
			rk_table_unknown_id(t, i, k, b->ids, "position");
		if (q < 0)
			rk_table_unknown_id(t, j, k, b->ids, "position");
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
	place = rk_table_places(call, b->table, b->ids, "position");
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
				 errmsg("%lld simulations are too few for confidence %.15g", (long long) s->simulations, s->confidence),
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

static void
monte_carlo_cost_of(const rk_call *call, const rk_graph_size *size, bool measures, rk_device_cost *cost)
{
	bool		student = rk_arg_choice(call, "distribution") == RK_STUDENT_T;
	bool		geometric = rk_arg_choice(call, "returns") == 1;
	bool		antithetic = rk_arg_boolean(call, "antithetic");

	*cost = rk_device_monte_carlo_cost(&(rk_device_simulation) {
		.positions = size->arcs,
		.simulations = rk_arg_int(call, "simulations"),
		.antithetic = antithetic,
		.sobol = rk_arg_choice(call, "sampling") == 1,
		.geometric = geometric,
		.correlated = geometric && !rk_arg_is_null(call, "correlations"),
		.degrees_of_freedom = student ? rk_arg_float8(call, "degrees_of_freedom") : 0,
		.measures = measures
	});
}

static void
monte_carlo_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	monte_carlo_cost_of(call, size, true, cost);
}

static void
scenarios_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	monte_carlo_cost_of(call, size, false, cost);
}

static void
components_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	bool		geometric = rk_arg_choice(call, "returns") == 1;

	monte_carlo_cost_of(call, size, geometric, cost);
	if (geometric)
	{
		/* once more, for what the positions come to */
		cost->cpu_seconds *= 2;
		cost->bytes_moved *= 2.5;
		cost->flops *= 2;
		cost->launches *= 2;
	}
}

/* Hands over what lognormal prices are made from: values, drifts, spreads, correlations. */
static void
input_prices(rk_call *call, rk_device_run *device, const rk_positions *p, const rk_simulation *s)
{
	double	   *drift = rk_call_alloc(call, p->count, double);
	double	   *spread = rk_call_alloc(call, p->count, double);

	rk_risk_price_moves(p, s, drift, spread);
	rk_device_input(device, p->value, p->count * sizeof(double));
	rk_device_input(device, drift, p->count * sizeof(double));
	rk_device_input(device, spread, p->count * sizeof(double));
	rk_device_input(device, p->factor, p->factor ? p->count * p->count * sizeof(double) : 0);
}

/* Hands over what normal prices are made from: weights of the draws. */
static void
input_weights(rk_call *call, rk_device_run *device, const rk_positions *p, const rk_simulation *s, double *mean)
{
	double	   *weight = rk_call_alloc(call, p->count, double);

	rk_call_check(call, rk_risk_book_weights(&call->ctx, p, s, weight, mean));
	rk_device_input(device, weight, p->count * sizeof(double));
	for (int i = 0; i < 3; i++)
		rk_device_input(device, NULL, 0);
}

/* Asks for a device and hands it the book; NULL: the CPU shall do it. */
static rk_device_run *
begin_on_device(rk_call *call, rk_cuda_kernel kernel, const rk_positions *p, const rk_simulation *s,
				rk_cuda_monte_carlo_params *params)
{
	rk_graph_size size = {.arcs = p->count,.threads = call->ctx.threads};
	int64		dimensions = s->sobol ? rk_risk_dimensions(p->count, s) : 0;
	uint32	   *directions = NULL;
	uint64	   *shifts = NULL;
	rk_device_run *device;

	/* an error is the same on both */
	if (s->sobol)
		rk_call_check(call, rk_risk_sobol(&call->ctx, p, s, &directions, &shifts));
	if (p->count == 0 || (device = rk_device_begin(call, kernel, &size)) == NULL)
		return NULL;
	*params = (rk_cuda_monte_carlo_params) {
		.simulations = s->simulations,
		.seed = s->seed,
		.degrees_of_freedom = s->distribution == RK_STUDENT_T ? s->degrees_of_freedom : 0,
		.antithetic = s->antithetic,
		.geometric = s->geometric
	};
	if (s->geometric)
		input_prices(call, device, p, s);
	else
		input_weights(call, device, p, s, &params->mean);
	rk_device_input(device, directions, dimensions * RK_SOBOL_BITS * sizeof(uint32));
	rk_device_input(device, shifts, dimensions * sizeof(uint64));
	return device;
}

/* Profits and losses by the device; false: the CPU shall do it. */
static bool
simulate_on_device(rk_call *call, const rk_positions *p, const rk_simulation *s, double *pnl)
{
	rk_cuda_monte_carlo_params params;
	rk_device_run *device = begin_on_device(call, RK_CUDA_MONTE_CARLO, p, s, &params);

	if (device == NULL)
		return false;
	rk_device_params(device, &params, sizeof(params));
	rk_device_output(device, pnl, s->simulations * sizeof(double));
	return rk_device_finish(device, NULL);
}

/* Measures by the device, where the simulations stay; false: the CPU shall do it. */
static bool
measure_on_device(rk_call *call, const rk_positions *p, const rk_simulation *s, rk_simulated_risk *r)
{
	rk_cuda_monte_carlo_risk_params params;
	rk_simulated_sample sample;
	rk_device_run *device = begin_on_device(call, RK_CUDA_MONTE_CARLO_RISK, p, s, &params.book);

	if (device == NULL)
		return false;
	rk_risk_simulated_sample(s, &sample);
	params.full = sample.full;
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, sample.ranks, sample.count * sizeof(int64));
	rk_device_output(device, sample.value, sample.count * sizeof(double));
	rk_device_output(device, sample.moments, sizeof(sample.moments));
	if (!rk_device_finish(device, NULL))
		return false;
	rk_risk_sample_measures(p, s, &sample, r);
	return true;
}

static void
monte_carlo_var(rk_call *call)
{
	book		b = {0};
	rk_positions p;
	rk_simulation s;
	rk_simulated_risk r;
	int64		offsets[] = {0, RK_PERCENTILES};

	read_simulation(call, &b, &p, &s);
	if (!measure_on_device(call, &p, &s, &r))
	{
		double	   *pnl = rk_call_alloc(call, s.simulations, double);

		rk_call_check(call, rk_risk_simulate(&call->ctx, &p, &s, pnl));
		rk_call_check(call, rk_risk_simulated_measures(&call->ctx, &p, &s, pnl, &r));
	}
	rk_emit(call, 1, (rk_out[]) {
		RK_OUT_DOUBLES(&r.var), RK_OUT_DOUBLES(&r.expected_shortfall), RK_OUT_DOUBLES(&r.var_lower),
		RK_OUT_DOUBLES(&r.var_upper), RK_OUT_DOUBLES(&r.mean_pnl), RK_OUT_DOUBLES(&r.std_pnl),
		RK_OUT_DOUBLES(&r.parametric_var), RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, r.percentiles, offsets),
		RK_OUT_INTS(&s.simulations)
	}, NULL);
}

/* Parts of a book with lognormal prices by the device; false: the CPU shall find them. */
static bool
parts_on_device(rk_call *call, const rk_positions *p, const rk_simulation *s, rk_simulated_risk *r, rk_risk_components *c)
{
	rk_cuda_monte_carlo_parts_params params = {.mass = rk_tail_of(s->simulations, s->confidence).mass};
	rk_simulated_sample sample;
	rk_device_run *device = begin_on_device(call, RK_CUDA_MONTE_CARLO_PARTS, p, s, &params.risk.book);
	double	   *sums;

	if (device == NULL)
		return false;
	rk_risk_simulated_sample(s, &sample);
	params.risk.full = sample.full;
	sums = rk_call_alloc(call, 3 * p->count, double);
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, sample.ranks, sample.count * sizeof(int64));
	rk_device_output(device, sample.value, sample.count * sizeof(double));
	rk_device_output(device, sample.moments, sizeof(sample.moments));
	rk_device_output(device, sums, 3 * p->count * sizeof(double));
	if (!rk_device_finish(device, NULL))
		return false;
	rk_risk_sample_measures(p, s, &sample, r);
	rk_call_check(call, rk_risk_components_of_sums(&call->ctx, p, s, r, sums, c));
	return true;
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
	double	   *simulated = NULL;
	double	   *marginal;
	double	   *share;

	read_simulation(call, &b, &p, &s);
	c.standalone_var = rk_call_alloc(call, b.n, double);
	c.component_var = rk_call_alloc(call, b.n, double);
	c.component_expected_shortfall = rk_call_alloc(call, b.n, double);
	marginal = rk_call_alloc(call, b.n, double);
	share = rk_call_alloc(call, b.n, double);
	if (!s.geometric)
	{
		simulated = rk_call_alloc(call, s.simulations, double);
		if (!simulate_on_device(call, &p, &s, simulated))
			simulated = NULL;
	}
	if (!s.geometric || !parts_on_device(call, &p, &s, &r, &c))
		rk_call_check(call, rk_risk_monte_carlo_components(&call->ctx, &p, &s, simulated, &r, &c));
	for (int64 i = 0; i < b.n; i++)
	{
		marginal[i] = p.value[i] != 0 ? c.component_var[i] / p.value[i] + 0.0 : NAN;
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
	p->has_var = var->there && p->b.n > 0;	/* of no positions all is 0 */
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
	/* what adds up to nothing may leave rounding */
	if (p.values && rk_table_sum(p.b.table, p.value).value == 0)
		total = 0;
	for (int64 i = 0; i < p.b.n; i++)
	{
		marginal[i] = p.values && p.values[i] != 0 ? p.risk.component_var[i] / p.values[i] + 0.0 : NAN;
		share[i] = p.risk.var > 0 ? p.risk.component_var[i] / p.risk.var : NAN;
		beta[i] = p.risk.var > 0 && total != 0 ? marginal[i] * total / p.risk.var : NAN;
	}
	rk_emit(call, p.b.n, (rk_out[]) {
		RK_OUT_CODES(p.b.ids, p.b.codes), RK_OUT_DOUBLES(p.risk.standalone_var),
		RK_OUT_DOUBLES(p.risk.component_var), RK_OUT_OPTIONALS(marginal),
		RK_OUT_DOUBLES(p.risk.incremental_var), RK_OUT_OPTIONALS(share), RK_OUT_OPTIONALS(beta)
	}, NULL);
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
		p.value->there ? rk_amount_to_numeric(rk_table_sum(p.b.table, p.value)) : (Datum) 0
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

const rk_bound_function rk_risk_portfolio_bindings[] = {
	{"risk/monte-carlo-var", "_historical_var", .aggregate = &rk_risk_historical_var},
	{"risk/monte-carlo-var", "_historical_expected_shortfall", .aggregate = &rk_risk_historical_expected_shortfall},
	{"risk/monte-carlo-var", "", monte_carlo_var, .device_cost = monte_carlo_device_cost},
	{"risk/monte-carlo-var", "_components", monte_carlo_var_components, .device_cost = components_device_cost},
	{"risk/monte-carlo-var", "_scenarios", monte_carlo_var_scenarios, .device_cost = scenarios_device_cost},
	{"risk/portfolio-aggregation", "", portfolio_aggregation},
	{"risk/portfolio-aggregation", "_summary", portfolio_aggregation_summary},
	{"risk/portfolio-aggregation", "_covariance", portfolio_covariance},
	{0}
};

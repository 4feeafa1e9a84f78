/*
 * binding.c
 *	  The door to SQL of stress testing: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "../../call/types.h"
#include "../../compute/correlation_matrix.h"
#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/table.h"
#include "stress.h"

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
			rk_table_unknown_id(t, id, k, b->ids, "position");
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
	place = rk_table_places(call, b->positions, b->ids, "position");
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

/* Reads everything. */
static void
read_stress(rk_call *call, stress_book *b, scenario_list *s, rk_stress_grid *grid)
{
	rk_stress_input in;

	read_stress_book(call, b);
	read_scenarios(call, b, s);
	sort_by_factor(call, b);
	in = (rk_stress_input) {
		.values = b->value->decimals,
		.scale = b->value->scale,
		.sensitivities = b->sensitivities,
		.factors = rk_dictionary_count(b->factors),
		.factor_offsets = b->offsets,
		.kinds = b->kinds,
		.shocks = s->table->rows,
		.shock_factor = s->factor,
		.shock = rk_table_column_named(s->table, "shock")->floats
	};
	rk_call_phase(call, "computing", 0);
	rk_call_check(call, rk_risk_stress_grid(&call->ctx, &in, grid));
}

/* Where the scenarios are not read: so many shocks of each sensitivity. */
#define USUAL_SHOCKS 10

static void
stress_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_stress_cost(size->arcs, size->pairs > 0 ? size->pairs : USUAL_SHOCKS, false);
}

static void
summary_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_stress_cost(size->arcs, size->pairs > 0 ? size->pairs : USUAL_SHOCKS, true);
}

/* Rows, or sums of the shocks, by the device; false: the CPU shall do it. */
static bool
stress_on_device(rk_call *call, const stress_book *b, const rk_stress_grid *g, bool sums, rk_decimal *out)
{
	/* arcs: sensitivities; pairs: shocks of each, about */
	rk_graph_size size = {
		.arcs = b->count,.pairs = b->count > 0 ? (g->rows + b->count - 1) / b->count : 0,.threads = call->ctx.threads
	};
	rk_cuda_stress_params params = {.scale = g->scale,.sums = sums};
	rk_device_run *device;

	if (g->rows == 0 || (device = rk_device_begin(call, RK_CUDA_STRESS, &size)) == NULL)
		return false;
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, g->values, b->positions->rows * sizeof(rk_decimal));
	rk_device_input(device, g->lines, b->count * sizeof(rk_stress_line));
	rk_device_input(device, g->factor_offsets, (g->factors + 1) * sizeof(int64));
	rk_device_input(device, g->shock, g->shocks * sizeof(rk_stress_shock));
	rk_device_output(device, out, (sums ? g->shocks : g->rows) * sizeof(rk_decimal));
	return rk_device_finish(device, NULL);
}

static void
stress_testing(rk_call *call)
{
	stress_book b = {0};
	scenario_list s = {0};
	rk_stress_grid g;
	rk_decimal *pnl;
	rk_bytes   *factors;
	uint32	   *shock;
	uint32	   *position;

	read_stress(call, &b, &s, &g);
	pnl = rk_call_alloc(call, g.rows, rk_decimal);
	if (!stress_on_device(call, &b, &g, false, pnl))
		rk_call_check(call, rk_risk_stress_rows(&call->ctx, &g, pnl));
	factors = rk_call_alloc(call, s.table->rows, rk_bytes);
	for (int64 k = 0; k < s.table->rows; k++)
		factors[k] = factor_name(call, b.factors, s.factor[k]);
	shock = rk_call_alloc(call, g.rows, uint32);
	position = rk_call_alloc(call, g.rows, uint32);
	rk_call_check(call, rk_risk_stress_index(&call->ctx, &g, shock, position));
	rk_emit(call, g.rows, (rk_out[]) {
		{.kind = RK_OUT_TEXT,.data = rk_table_column_named(s.table, "scenario")->texts,.index = shock},
		RK_OUT_CODES_VIA(b.ids, b.codes, position),
		{.kind = RK_OUT_TEXT,.data = factors,.index = shock},
		RK_OUT_DECIMALS(pnl, g.scale + RK_STRESS_DIGITS)
	}, NULL);
}

static void
stress_testing_summary(rk_call *call)
{
	stress_book b = {0};
	scenario_list s = {0};
	rk_stress_grid g;
	int			scale;
	rk_decimal *sum;
	rk_decimal *impact;
	rk_decimal *after;
	double	   *ratio;
	double	   *expected;
	bool	   *worst;
	rk_amount	total;
	double		loss = 0;
	bool		known = false;
	int64		lowest = 0;

	read_stress(call, &b, &s, &g);
	scale = g.scale + RK_STRESS_DIGITS;
	sum = rk_call_alloc(call, g.shocks, rk_decimal);
	if (!stress_on_device(call, &b, &g, true, sum))
		rk_call_check(call, rk_risk_stress_sums(&call->ctx, &g, sum));
	impact = rk_call_alloc(call, s.count, rk_decimal);
	after = rk_call_alloc(call, s.count, rk_decimal);
	ratio = rk_call_alloc(call, s.count, double);
	expected = rk_call_alloc(call, s.count, double);
	worst = rk_call_alloc(call, s.count, bool);
	rk_call_check(call, rk_risk_stress_impacts(&call->ctx, sum, s.of_shock, g.shocks, s.count, impact));
	total = rk_table_sum(b.positions, b.value);
	for (int64 i = 0; i < s.count; i++)
	{
		rk_amount	value = total;

		if (!rk_amount_add(&value, (rk_amount) {impact[i], scale}))
			rk_call_check(call, rk_fail(&call->ctx, RK_ERR_OVERFLOW, "value after a scenario is out of range"));
		after[i] = value.value;
		ratio[i] = total.value != 0 ? rk_amount_to_double((rk_amount) {impact[i], scale}) / rk_amount_to_double(total) : NAN;
		worst[i] = false;
		if (impact[i] < impact[lowest])
			lowest = i;
		if (!isnan(s.probabilities[i]))
		{
			known = true;
			loss += s.probabilities[i] * fmin(rk_amount_to_double((rk_amount) {impact[i], scale}), 0);
		}
	}
	for (int64 i = 0; i < s.count; i++)
	{
		worst[i] = i == lowest;
		expected[i] = known ? loss : NAN;
	}
	rk_emit(call, s.count, (rk_out[]) {
		RK_OUT_TEXTS(s.names), RK_OUT_TEXTS(s.descriptions), RK_OUT_OPTIONALS(s.probabilities),
		RK_OUT_DECIMALS(impact, scale), RK_OUT_OPTIONALS(ratio), RK_OUT_DECIMALS(after, scale),
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

const rk_bound_function rk_risk_stress_bindings[] = {
	{"risk/stress-testing", "", stress_testing,.device_cost = stress_device_cost},
	{"risk/stress-testing", "_summary", stress_testing_summary,.device_cost = summary_device_cost},
	{"risk/stress-testing", "_reverse", stress_testing_reverse},
	{0}
};
